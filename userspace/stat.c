// SPDX-License-Identifier: GPL-2.0
/*
 * Collects a machine's counters and prints them.  The control socket and the
 * commands call it.  It must not stop the guest for that: what it reads is of
 * about the same moment.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/stat.h"

#define CALLS_MAX	512	/* there are fewer sub-operations */

static void set(json_t *object, const char *key, u64 value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static u64 get(const json_t *object, const char *key)
{
	return (u64)json_integer_value(json_object_get(object, key));
}

u64 stat_resident(struct machine *m)
{
	struct hvmod_vm_stat vm;

	if (m->vm < 0 || hvm_vm_stat(m->vm, &vm))
		return 0;
	return vm.pages_4k * PAGE_BYTES + vm.pages_2m * 2 * MIB + vm.pages_1g * GIB;
}

static json_t *vcpu_json(struct vcpu *vcpu)
{
	json_t *one = json_object(), *exits = json_object();
	struct hvmod_vcpu_stat stat;
	u32 r;

	set(one, "id", vcpu->hvm.id);
	if (!hvm_vcpu_stat(&vcpu->hvm, &stat)) {
		set(one, "entries", stat.entries);
		set(one, "to_user", stat.to_user);
		set(one, "injected", stat.injected);
		set(one, "halts", stat.halts);
		set(one, "emulated", stat.emulated);
		set(one, "guest_ticks", stat.guest_ticks);
		set(one, "run_ticks", stat.run_ticks);
		set(one, "halt_ticks", stat.halt_ticks);
		for (r = 0; r < HVMOD_MAX_EXIT_REASONS; r++)
			if (stat.exits[r])
				set(exits, hvm_exit_name(r), stat.exits[r]);
	}
	json_object_set_new(one, "exits", exits);
	return one;
}

static json_t *vm_json(struct machine *m)
{
	json_t *one = json_object();
	struct hvmod_vm_stat vm;

	if (m->vm < 0 || hvm_vm_stat(m->vm, &vm))
		return one;
	set(one, "pages_4k", vm.pages_4k);
	set(one, "pages_2m", vm.pages_2m);
	set(one, "pages_1g", vm.pages_1g);
	set(one, "ept_pages", vm.ept_pages);
	set(one, "ept_faults", vm.ept_faults);
	set(one, "flushes", vm.flushes);
	return one;
}

/* {"sched_op block": {"calls": 17}, ...}; a Xen guest's. */
static json_t *calls_json(struct machine *m)
{
	json_t *all = json_object(), *one;
	struct hvmod_xen_call *calls;
	u32 count = CALLS_MAX, i;

	calls = m->vm >= 0 && m->store ? calloc(count, sizeof(*calls)) : NULL;
	if (!calls || hvm_xen_calls(m->vm, calls, &count))
		count = 0;
	for (i = 0; i < count; i++) {
		calls[i].name[sizeof(calls[i].name) - 1] = '\0';
		one = json_object();
		set(one, "calls", calls[i].calls);
		if (calls[i].missing)
			set(one, "missing", calls[i].missing);
		json_object_set_new(all, calls[i].name, one);
	}
	free(calls);
	return all;
}

json_t *stat_json(struct machine *m)
{
	json_t *all = json_object(), *vcpus = json_array();
	u32 i;

	for (i = 0; i < m->vcpus; i++)
		json_array_append_new(vcpus, vcpu_json(&m->vcpu[i]));
	json_object_set_new(all, "name", json_string_nocheck(m->config->name));
	json_object_set_new(all, "vcpus", vcpus);
	json_object_set_new(all, "vm", vm_json(m));
	json_object_set_new(all, "hypercalls", calls_json(m));
	set(all, "tsc_khz", m->tsc_khz);
	set(all, "unknown_ports", atomic_load(&m->pio.unknown));
	set(all, "unknown_addresses", atomic_load(&m->mmio.unknown));
	return all;
}

static json_t *record_json(const struct hvmod_exit_record *record)
{
	json_t *one = json_object();

	set(one, "rip", record->rip);
	set(one, "info", record->info);
	set(one, "tsc", record->tsc);
	set(one, "extra", record->extra);
	json_object_set_new(one, "exit", json_string(hvm_exit_name(record->reason)));
	return one;
}

json_t *stat_trace(struct machine *m)
{
	struct hvmod_exit_record records[HVMOD_EXIT_RING];
	json_t *vcpus = json_array();
	u32 i;
	int r, count;

	for (i = 0; i < m->vcpus; i++) {
		json_t *list = json_array();

		count = hvm_vcpu_exits(&m->vcpu[i].hvm, records, HVMOD_EXIT_RING);
		for (r = 0; r < count; r++)
			json_array_append_new(list, record_json(&records[r]));
		json_array_append_new(vcpus, list);
	}
	return vcpus;
}

/* Sums over vCPUs, so that reasons stand in one table. */
static json_t *sum_vcpus(const json_t *vcpus)
{
	json_t *sum = json_object(), *exits = json_object();
	const json_t *vcpu, *value;
	const char *key;
	size_t i;

	json_array_foreach(vcpus, i, vcpu) {
		json_object_foreach((json_t *)vcpu, key, value)
			if (json_is_integer(value))
				set(sum, key, get(sum, key) + (u64)json_integer_value(value));
		json_object_foreach(json_object_get(vcpu, "exits"), key, value)
			set(exits, key, get(exits, key) + (u64)json_integer_value(value));
	}
	json_object_set_new(sum, "exits", exits);
	return sum;
}

/* struct row - a counter with its name */
struct row {
	const char *name;
	u64 count;
};

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The largest first. */
static void print_table(const json_t *table, void (*line)(const char *fmt, ...))
{
	size_t count = json_object_size(table), n = 0, i;
	struct row *rows = calloc(count + 1, sizeof(*rows));
	const json_t *value;
	const char *key;
	u64 total = 0;

	if (!rows)
		return;
	json_object_foreach((json_t *)table, key, value) {
		rows[n].name = key;
		rows[n].count = (u64)json_integer_value(value);
		total += rows[n++].count;
	}
	qsort(rows, n, sizeof(*rows), by_count);
	for (i = 0; i < n; i++)
		line("  %-40s %12llu  %3llu%%", rows[i].name, rows[i].count,
		     total ? rows[i].count * 100 / total : 0);
	free(rows);
}

static u64 total_of(const json_t *table)
{
	const json_t *value;
	const char *key;
	u64 total = 0;

	json_object_foreach((json_t *)table, key, value)
		total += (u64)json_integer_value(value);
	return total;
}

/* Those that are not there come first: they are what a guest may miss. */
static void print_calls(const json_t *calls, void (*line)(const char *fmt, ...))
{
	json_t *counts = json_object();
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)calls, key, value) {
		set(counts, key, get(value, "calls"));
		if (get(value, "missing"))
			line("  %s: not supported, %llu calls", key, get(value, "missing"));
	}
	if (json_object_size(counts))
		line("  hypercalls, %llu:", total_of(counts));
	print_table(counts, line);
	json_decref(counts);
}

/* Seconds of all vCPUs together; user time is what is left of their threads' life. */
static void print_time(const json_t *sum, u64 khz, void (*line)(const char *fmt, ...))
{
	u64 run = get(sum, "run_ticks"), guest = get(sum, "guest_ticks");
	u64 halt = get(sum, "halt_ticks");
	u64 host = run > guest + halt ? run - guest - halt : 0;
	double hz = (double)khz * 1000;

	if (!run)
		return;
	line("  ticks: %llu in the guest, %llu in the module for it, %llu halted", guest, host,
	     halt);
	if (khz)
		line("  seconds: %.3f in the guest, %.3f in the module for it, %.3f halted",
		     (double)guest / hz, (double)host / hz, (double)halt / hz);
}

void stat_print(const json_t *stat, void (*line)(const char *fmt, ...))
{
	const json_t *vcpus = json_object_get(stat, "vcpus"), *vm = json_object_get(stat, "vm");
	json_t *sum = sum_vcpus(vcpus), *exits = json_object_get(sum, "exits");

	line("%s: %zu vCPUs, %llu exits", json_string_value(json_object_get(stat, "name")),
	     json_array_size(vcpus), total_of(exits));
	print_table(exits, line);
	line("  entries %llu, to hvctl %llu, interrupts %llu, halts %llu, emulated %llu",
	     get(sum, "entries"), get(sum, "to_user"), get(sum, "injected"), get(sum, "halts"),
	     get(sum, "emulated"));
	print_time(sum, get(stat, "tsc_khz"), line);
	print_calls(json_object_get(stat, "hypercalls"), line);
	if (json_object_size(vm)) {
		line("  pages: %llu of 4K, %llu of 2M, %llu of 1G; %llu of tables",
		     get(vm, "pages_4k"), get(vm, "pages_2m"), get(vm, "pages_1g"),
		     get(vm, "ept_pages"));
		line("  page faults %llu, TLB flushes %llu", get(vm, "ept_faults"),
		     get(vm, "flushes"));
	}
	line("  accesses that no device took: %llu ports, %llu addresses",
	     get(stat, "unknown_ports"), get(stat, "unknown_addresses"));
	json_decref(sum);
}

void stat_print_trace(const json_t *vcpus, void (*line)(const char *fmt, ...))
{
	const json_t *list, *one;
	u64 before;
	size_t i, r;

	json_array_foreach(vcpus, i, list) {
		line("vCPU %zu, the newest at the end; host ticks since the exit before:", i);
		before = 0;
		json_array_foreach(list, r, one) {
			u64 tsc = get(one, "tsc");

			line("  rip %016llx  info %016llx  extra %08llx  %12llu  %s",
			     get(one, "rip"), get(one, "info"), get(one, "extra"),
			     before ? tsc - before : 0,
			     json_string_value(json_object_get(one, "exit")));
			before = tsc;
		}
	}
}
