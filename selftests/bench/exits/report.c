// SPDX-License-Identifier: GPL-2.0
/*
 * The table, the JSON line and the comparison with the budget.  Called by exits.c
 * with the files that its runs printed.  It must not judge where instructions are
 * not what the TSC counts.
 */
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/exits/machine.h"

#define WORSE_PERCENT	3

enum { HVMOD, KVM, NR_BACKENDS };

static struct result results[NR_BACKENDS][NR_OPS];
static bool failed[NR_BACKENDS][NR_OPS];

static int find_op(const char *name)
{
	int id;

	for (id = 0; id < NR_OPS; id++)
		if (!strcmp(operations[id].name, name))
			return id;
	return -1;
}

static void read_file(const char *path)
{
	char line[256], be[16], name[64];
	FILE *f = fopen(path, "r");
	struct result r;
	int b, id;

	if (!f)
		tap_die("%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "failed %15s %63s", be, name) == 2) {
			b = strcmp(be, "kvm") ? HVMOD : KVM;
			id = find_op(name);
			if (id >= 0)
				failed[b][id] = true;
			continue;
		}
		if (sscanf(line, "result %15s %63s %u %u %u %lf", be, name, &r.min,
			   &r.median, &r.max, &r.exits) != 6)
			continue;
		b = strcmp(be, "kvm") ? HVMOD : KVM;
		id = find_op(name);
		if (id < 0)
			continue;
		r.valid = true;
		results[b][id] = r;
	}
	fclose(f);
}

/* What the empty loop costs is no part of an operation. */
static void subtract_empty(void)
{
	u32 empty;
	int b, id;

	for (b = 0; b < NR_BACKENDS; b++) {
		empty = results[b][OP_EMPTY].min;
		for (id = 0; id < NR_OPS; id++) {
			struct result *r = &results[b][id];

			if (!r->valid || operations[id].raw)
				continue;
			r->min -= empty;
			r->median -= empty;
			r->max -= empty;
		}
	}
}

static void print_cell(const struct result *r, bool bad)
{
	if (r->valid)
		printf(" %7u %7u %6.2f", r->median, r->min, r->exits);
	else
		printf(" %7s %7s %6s", bad ? "FAILED" : "-", "-", "-");
}

static void print_table(void)
{
	int id;

	printf("%-40s %22s %22s\n", "", "hvmod", "KVM");
	printf("%-40s %7s %7s %6s %7s %7s %6s %6s\n", "operation", "median", "min", "exits",
	       "median", "min", "exits", "ratio");
	for (id = 0; id < NR_OPS; id++) {
		const struct result *h = &results[HVMOD][id], *k = &results[KVM][id];

		if (!h->valid && !k->valid && !failed[HVMOD][id] && !failed[KVM][id])
			continue;
		printf("%-40s", operations[id].title);
		print_cell(h, failed[HVMOD][id]);
		print_cell(k, failed[KVM][id]);
		if (h->valid && k->valid && k->median)
			printf(" %6.2f", (double)h->median / k->median);
		printf("\n");
	}
}

static void json_cell(const char *name, const struct result *r)
{
	if (r->valid)
		printf(", \"%s\": {\"median\": %u, \"min\": %u, \"max\": %u, \"exits\": %.2f}",
		       name, r->median, r->min, r->max, r->exits);
}

static bool read_line(const char *path, const char *key, char *line, size_t size)
{
	FILE *f = fopen(path, "r");
	bool found = false;

	while (f && !found && fgets(line, size, f))
		found = strstr(line, key);
	if (f)
		fclose(f);
	return found;
}

static bool mitigations_off(void)
{
	char line[4096];

	return read_line("/proc/cmdline", "mitigations=off", line, sizeof(line));
}

/* A line each: a serial console is no place for long ones. */
static void print_json(const char *release)
{
	const char *off = mitigations_off() ? "off" : "default";
	int id;

	for (id = 0; id < NR_OPS; id++) {
		printf("BENCH {\"bench\": \"exits\", \"kernel\": \"%s\", \"mitigations\": \"%s\", ",
		       release, off);
		printf("\"name\": \"%s\", \"title\": \"%s\"", operations[id].name,
		       operations[id].title);
		json_cell("hvmod", &results[HVMOD][id]);
		json_cell("kvm", &results[KVM][id]);
		printf("}\n");
	}
}

/* The budget holds for one host only; why not for this one, or NULL. */
static const char *no_budget(const char *release)
{
	char line[4096], *colon;

	if (sysconf(_SC_NPROCESSORS_CONF) != 1)
		return "more than one CPU";
	if (strncmp(release, "6.1.0-", 6) || !strstr(release, "cloud"))
		return "not Debian's 6.1 cloud kernel";
	if (!read_line("/proc/cpuinfo", "model name", line, sizeof(line)) ||
	    !strstr(line, "i7-4770"))
		return "not the Haswell model";
	if (!read_line("/proc/cpuinfo", "cpu MHz", line, sizeof(line)))
		return "no frequency in cpuinfo";
	colon = strchr(line, ':');
	if (!colon || atof(colon + 1) > 100)
		return "not the emulator";
	return NULL;
}

/* Lines: NAME DEFAULT OFF, in instructions; "-" is no budget. */
static bool find_budget(const char *name, bool off, u32 *want)
{
	const char *line;
	char key[64], value[2][16];

	for (line = budget_text; *line; line++) {
		if (*line != '#' && sscanf(line, "%63s %15s %15s", key, value[0],
					   value[1]) == 3 && !strcmp(key, name)) {
			*want = strtoul(value[off], NULL, 10);
			return *want;
		}
		line += strcspn(line, "\n");
		if (!*line)
			break;
	}
	return false;
}

static void check_budget(const char *release)
{
	const char *why = no_budget(release);
	bool off = mitigations_off();
	int id;

	if (why) {
		tap_skip("budget: %s", why);
		return;
	}
	for (id = 0; id < NR_OPS; id++) {
		const struct result *r = &results[HVMOD][id];
		u32 want;

		if (!find_budget(operations[id].name, off, &want))
			continue;
		if (!r->valid) {
			tap_ok(false, "budget: %s: %u instructions, not measured",
			       operations[id].name, want);
			continue;
		}
		tap_ok((u64)r->median * 100 <= (u64)want * (100 + WORSE_PERCENT),
		       "budget: %s: %u instructions of %u", operations[id].name,
		       r->median, want);
		if ((u64)r->median * 100 < (u64)want * (100 - WORSE_PERCENT))
			tap_note("%s became better: lower its budget",
				 operations[id].name);
	}
}

/* A figure that is not there is worse than one that is large. */
static void check_runs(void)
{
	int id;

	for (id = 0; id < NR_OPS; id++) {
		const struct operation *op = &operations[id];
		const struct result *r = &results[HVMOD][id];

		tap_ok(r->valid, "hvmod runs: %s", op->name);
		/* A timer tick of the host may fall into a short loop. */
		if (r->valid && op->no_exit)
			tap_ok(r->exits < 0.5, "no exit: %s", op->name);
	}
}

int report(int nr_files, char **files)
{
	struct utsname host;
	int i;

	for (i = 0; i < nr_files; i++)
		read_file(files[i]);
	hv_need(!uname(&host));
	subtract_empty();
	printf("Host %s, mitigations %s. Ticks of the TSC; in the emulator, instructions.\n\n",
	       host.release, mitigations_off() ? "off" : "as by default");
	print_table();
	printf("\n");
	print_json(host.release);
	check_runs();
	check_budget(host.release);
	return tap_finish();
}
