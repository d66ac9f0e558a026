// SPDX-License-Identifier: GPL-2.0
/*
 * Documentation/hypercalls.md is what the hypercall table says: this program
 * writes the document from the table, and as a test fails when the one in the
 * tree is another.  "make -C selftests/unit hypercalls" writes it.
 */
/* SOURCES: module/xen/hypercall_table.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/xen/hypercall_table.h"

static const char head[] =
"# Hypercalls\n"
"\n"
"Written by `make -C selftests/unit hypercalls` from `module/xen/hypercall_table.c`, which the dispatcher uses: do not edit.\n"
"\n"
"- **done**: served, by a handler whose errors are Xen's.\n"
"- an error: refused with it, as Xen refuses a domain without privileges, or Xen's answer to what it is built or set up without.\n"
"- **absent**: Xen would serve it, hvmod does not. The guest gets the error in brackets; the log names the call once for each VM,\n"
"  `hvctl stat` and `/sys/kernel/debug/hvmod/vm*/xen` count it as \"not supported\".\n"
"\n"
"A number that is in no table gets ENOSYS and is counted, too. PV guests cannot be made yet: their column says what the\n"
"code that all kinds share has for them. Callers in 64-bit mode use the 64-bit layout of structures, others the 32-bit one.\n"
"A caller outside of CPL 0 gets EPERM.\n";

static const char *error_name(int error)
{
	switch (error) {
	case -EPERM:
		return "EPERM";
	case -EINVAL:
		return "EINVAL";
	case -ENOSYS:
		return "ENOSYS";
	case -EOPNOTSUPP:
		return "EOPNOTSUPP";
	}
	fprintf(stderr, "error %d has no name here\n", error);
	exit(1);
}

static void cell(FILE *f, const struct hcall_op *op, u32 kind)
{
	switch (hcall_op_status(op, kind)) {
	case HCALL_DONE:
		fputs(" done |", f);
		break;
	case HCALL_REFUSED:
		fprintf(f, " %s |", error_name(op->error));
		break;
	case HCALL_ABSENT:
		fprintf(f, " **absent** (%s) |", error_name(op->error));
		break;
	}
}

static void line(FILE *f, u32 nr, const struct hcall_op *op, const char *note)
{
	fprintf(f, "| %u | %s |", nr, op->name);
	cell(f, op, HVMOD_KIND_PVH);
	cell(f, op, HVMOD_KIND_HVM);
	cell(f, op, HVMOD_KIND_PV);
	fprintf(f, "%s%s |\n", note && *note ? " " : "", note ?: "");
}

static void table_head(FILE *f, const char *what)
{
	fprintf(f, "\n| nr | %s | PVH | HVM | PV | |\n", what);
	fputs("| --- | --- | --- | --- | --- | --- |\n", f);
}

static void write_document(FILE *f)
{
	const struct hcall_row *row;
	u32 nr, op;

	fputs(head, f);
	table_head(f, "hypercall");
	for (nr = 0; nr < HCALL_ROWS; nr++) {
		row = &hcall_table[nr];
		if (!row->self.name)
			continue;
		if (row->ops)
			fprintf(f, "| %u | %s | | | | see below |\n", nr, row->self.name);
		else
			line(f, nr, &row->self, row->self.note);
	}
	for (nr = 0; nr < HCALL_ROWS; nr++) {
		row = &hcall_table[nr];
		if (!row->ops)
			continue;
		fprintf(f, "\n## %s (%u)\n", row->self.name, nr);
		if (*row->self.note)
			fprintf(f, "\n%s\n", row->self.note);
		table_head(f, "sub-operation");
		for (op = 0; op < row->nr_ops; op++)
			if (row->ops[op].name)
				line(f, op, &row->ops[op], row->ops[op].note);
	}
}

static char *in_tree(void)
{
	const char *file = __FILE__, *end = strstr(file, "selftests/");
	char *path;

	if (!end || asprintf(&path, "%.*sDocumentation/hypercalls.md", (int)(end - file), file) < 0)
		exit(1);
	return path;
}

/* Counters must not overlap, or one call counts as another. */
static int check_counters(void)
{
	static u32 owner[HCALL_COUNTERS];
	u32 nr, i;

	for (nr = 0; nr < HCALL_ROWS; nr++) {
		const struct hcall_row *row = &hcall_table[nr];

		if (!row->self.name)
			continue;
		for (i = 0; i < hcall_row_counters(row); i++) {
			u32 *o = &owner[row->first + i];

			if (!row->first || row->first + i >= HCALL_COUNTERS || *o) {
				printf("counter %u of %s is not its own\n", row->first + i,
				       row->self.name);
				return 1;
			}
			*o = nr + 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *path = in_tree(), *want, *have;
	size_t size = 0, got;
	FILE *f;

	if (check_counters())
		return 1;
	f = open_memstream(&want, &size);
	if (!f)
		return 1;
	write_document(f);
	fclose(f);

	if (argc > 1 && !strcmp(argv[1], "--write")) {
		f = fopen(path, "w");
		if (!f || fwrite(want, 1, size, f) != size || fclose(f)) {
			fprintf(stderr, "%s: %m\n", path);
			return 1;
		}
		free(want);
		free(path);
		return 0;
	}
	have = calloc(1, size + 1);
	f = fopen(path, "r");
	got = f && have ? fread(have, 1, size + 1, f) : 0;
	if (got != size || memcmp(have, want, size)) {
		printf("%s is not what the table says: make -C selftests/unit hypercalls\n", path);
		return 1;
	}
	fclose(f);
	free(have);
	free(want);
	free(path);
	printf("the document is the table's, %zu bytes\n", size);
	return 0;
}
