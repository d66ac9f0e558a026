// SPDX-License-Identifier: GPL-2.0
/*
 * Is every row of the hypercall table tested? Runs the tests of hypercalls,
 * once with PVH and once with HVM guests, while the trace event hvmod_hypercall
 * counts results by name; then each row that is done must have succeeded and have
 * failed on an argument, and each that is refused must have been refused, with
 * its error and no other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "module/xen/hypercall_table.h"
#include "tap.h"

#define EVENT	"/sys/kernel/tracing/events/hvmod/hvmod_hypercall/"
#define COUNT	"hist:keys=name,result:size=8192"

static const char * const programs[] = {
	"hypercall", "table", "memory", "grants", "small", "words", "evtchn", "vcpu", "sched",
	"layout",
};

/*
 * No argument of theirs can be wrong; those of reservations say how many of the
 * pages they did, none where the argument cannot be read.
 */
static const char * const never_fail[] = {
	"set_timer_op", "XENVER_version", "SCHEDOP_yield", "SCHEDOP_block",
	"XENMEM_increase_reservation", "XENMEM_decrease_reservation", "XENMEM_populate_physmap",
};

/* What the results of one call add up to. */
struct seen {
	char name[48];
	u64 good, bad;
	long first_error;	/* and whether there was another */
	bool mixed;
};

static struct seen seen[512];
static unsigned int nr_seen;

static struct seen *seen_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_seen; i++)
		if (!strcmp(seen[i].name, name))
			return &seen[i];
	hv_need(nr_seen < ARRAY_SIZE(seen));
	snprintf(seen[nr_seen].name, sizeof(seen[0].name), "%s", name);
	return &seen[nr_seen++];
}

static void trigger(const char *what)
{
	FILE *f = fopen(EVENT "trigger", "w");

	hv_need(f);
	hv_need(fprintf(f, "%s\n", what) > 0 && !fclose(f));
}

/* { name: XENVER_version, result: 262161 } hitcount: 3 */
static void read_counts(void)
{
	FILE *f = fopen(EVENT "hist", "r");
	char line[256], name[48];
	unsigned long long result, hits, dropped = 0;

	hv_need(f);
	memset(seen, 0, sizeof(seen));
	nr_seen = 0;
	while (fgets(line, sizeof(line), f)) {
		struct seen *s;

		if (sscanf(line, " Dropped: %llu", &dropped) == 1)
			continue;
		if (sscanf(line, "{ name: %47[^ ,] , result: %llu } hitcount: %llu", name,
			   &result, &hits) != 3)
			continue;
		s = seen_of(name);
		if ((long long)result >= 0) {
			s->good += hits;
			continue;
		}
		s->mixed |= s->bad && s->first_error != (long)result;
		s->first_error = result;
		s->bad += hits;
	}
	fclose(f);
	tap_ok(nr_seen && !dropped, "%u names were counted, %llu results dropped", nr_seen,
	       dropped);
}

/* dir: where the programs are, with its slash. */
static void run(const char *dir, int dir_len, const char *program, const char *kind)
{
	char path[256];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "%.*s%s", dir_len, dir, program);
	pid = fork();
	hv_need(pid >= 0);
	if (!pid) {
		setenv("HV_XEN_KIND", kind, 1);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(path, path, NULL);
		_exit(127);
	}
	hv_need(waitpid(pid, &status, 0) == pid);
	tap_ok(!status, "%s: %s ends with status %#x", kind, program, status);
}

static bool listed(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(never_fail); i++)
		if (!strcmp(never_fail[i], name))
			return true;
	return false;
}

/* What is wrong with the tests of one row; NULL: nothing. */
static const char *judge(const struct hcall_op *op, u32 kind)
{
	const struct seen *s = seen_of(op->name);

	if (hcall_op_status(op, kind) != HCALL_DONE) {
		if (!s->bad)
			return "was never refused";
		if (s->good || s->mixed || s->first_error != op->error)
			return "is not refused as the table says";
		return NULL;
	}
	if (!s->good)
		return "never succeeded";
	if (listed(op->name))
		return s->bad ? "failed" : NULL;
	return s->bad ? NULL : "never failed";
}

static void check_row(const struct hcall_op *op, u32 kind, const char *name, u32 *rows)
{
	const char *wrong;

	if (!op->name)
		return;
	++*rows;
	wrong = judge(op, kind);
	if (wrong)
		tap_ok(false, "%s: %s %s", name, op->name, wrong);
}

static void check_rows(u32 kind, const char *name)
{
	u32 nr, op, rows = 0;

	for (nr = 0; nr < HCALL_ROWS; nr++) {
		const struct hcall_row *row = &hcall_table[nr];

		if (!row->ops)
			check_row(&row->self, kind, name, &rows);
		for (op = 0; op < row->nr_ops; op++)
			check_row(&row->ops[op], kind, name, &rows);
	}
	tap_ok(!seen_of("?")->good && !seen_of("?")->mixed &&
	       seen_of("?")->first_error == -ENOSYS,
	       "%s: what is in no table is ENOSYS", name);
	tap_ok(rows > 0, "%s: %u rows looked at", name, rows);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		u32 kind;
	} kinds[] = { { "PVH", HVMOD_KIND_PVH }, { "HVM", HVMOD_KIND_HVM } };
	const char *slash = strrchr(argv[0], '/');
	unsigned int i, j;

	if (access(EVENT "trigger", W_OK))
		tap_skip_all("this kernel has no histograms of trace events");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		trigger(COUNT);
		for (j = 0; j < ARRAY_SIZE(programs); j++)
			run(argv[0], slash ? slash + 1 - argv[0] : 0, programs[j], kinds[i].name);
		read_counts();
		trigger("!" COUNT);
		check_rows(kinds[i].kind, kinds[i].name);
	}
	return tap_finish();
}
