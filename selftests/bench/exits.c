// SPDX-License-Identifier: GPL-2.0
/*
 * What a round trip from a guest to its hypervisor and back costs, operation by
 * operation, under hvmod and under KVM.  bench.sh runs it once for each and then
 * for the table; in an emulator where an instruction is a tick of the TSC, the
 * figures are instructions.  It must not load or unload a module.
 *
 *	exits run hvmod|kvm [-g GUESTS] [-m MIB] [OPERATION...]
 *	exits report FILE...
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exits/machine.h"

#define COUNT	256
#define PAGES	192	/* and the warm-ups: in one page of EPT tables */

const struct operation operations[NR_OPS] = {
	[OP_EMPTY] = { "empty", "empty loop (subtracted)", COUNT, .raw = true,
		       .no_exit = true },
	[OP_CPUID] = { "cpuid", "CPUID", COUNT },
	[OP_HYPERCALL] = { "hypercall", "unknown hypercall", COUNT },
	[OP_XEN_VERSION] = { "xen_version", "xen_version hypercall (PVH)", COUNT,
			     .xen = true, .only = &backend_hvmod },
	[OP_RDMSR] = { "rdmsr", "RDMSR of 0x1a0", COUNT },
	[OP_WRMSR] = { "wrmsr", "WRMSR of PAT, same value", COUNT },
	[OP_PIC_READ] = { "pic_read", "port 0x21 (PIC) read", COUNT },
	[OP_PIT_READ] = { "pit_read", "port 0x40 (PIT) read", COUNT },
	[OP_PORT61_READ] = { "port61_read", "port 0x61 read", COUNT },
	[OP_PMTMR_READ] = { "pmtmr_read", "PM timer read, in the kernel", COUNT,
			    .only = &backend_hvmod },
	[OP_APIC_READ] = { "apic_read", "xAPIC LVTT read", COUNT },
	[OP_APIC_EOI] = { "apic_eoi", "xAPIC EOI write", COUNT },
	[OP_APIC_TPR] = { "apic_tpr", "xAPIC TPR write", COUNT },
	[OP_APIC_LVTT] = { "apic_lvtt", "xAPIC LVTT write", COUNT },
	[OP_APIC_TMICT] = { "apic_tmict", "xAPIC TMICT write", COUNT },
	[OP_APIC_ICR] = { "apic_icr", "xAPIC ICR write, self, IF=0", COUNT },
	[OP_APIC_SELF_IPI] = { "apic_self_ipi", "xAPIC self-IPI, handler, EOI", COUNT },
	[OP_X2APIC_EOI] = { "x2apic_eoi", "x2APIC EOI write", COUNT },
	[OP_X2APIC_TPR] = { "x2apic_tpr", "x2APIC TPR write", COUNT },
	[OP_X2APIC_LVTT] = { "x2apic_lvtt", "x2APIC LVTT write", COUNT },
	[OP_X2APIC_TMICT] = { "x2apic_tmict", "x2APIC TMICT write", COUNT },
	[OP_X2APIC_ICR] = { "x2apic_icr", "x2APIC ICR write, self, IF=0", COUNT },
	[OP_X2APIC_SELF_IPI] = { "x2apic_self_ipi", "x2APIC self-IPI, handler, EOI", COUNT },
	[OP_IPI_BACK] = { "ipi_back", "IPI to a halted vCPU and back to this", COUNT,
			  .second = true },
	[OP_DEADLINE_ARM] = { "deadline_arm", "TSC deadline armed", COUNT },
	[OP_DEADLINE_LATE] = { "deadline_late", "TSC deadline to its handler", 64,
			       .raw = true },
	[OP_HLT_WAKE] = { "hlt_wake", "HLT with an IPI pending, handler, EOI", COUNT },
	[OP_USER_IN] = { "user_in", "port read by user space", COUNT },
	[OP_USER_OUT] = { "user_out", "port write by user space", COUNT },
	[OP_USER_MMIO_READ] = { "user_mmio_read", "MMIO read by user space", COUNT },
	[OP_USER_MMIO_WRITE] = { "user_mmio_write", "MMIO write by user space", COUNT },
	[OP_KICK_PIO] = { "kick_pio", "ioeventfd, port", COUNT },
	[OP_KICK_MMIO] = { "kick_mmio", "ioeventfd, MMIO", COUNT },
	[OP_KICK_IRQ] = { "kick_irq", "ioeventfd that is an irqfd, handler, EOI", COUNT,
			  .kick_irq = true },
	[OP_EPT_4K] = { "ept_4k", "first touch of 4 KiB the host has", PAGES,
			.test = TEST_4K },
	[OP_EPT_2M] = { "ept_2m", "first touch of 2 MiB the host has", 16,
			.test = TEST_2M },
	[OP_DIRTY_4K] = { "dirty_4k", "first write after the dirty log is read", PAGES,
			  .test = TEST_DIRTY, .dirty = true },
	[OP_INVLPG] = { "invlpg", "INVLPG", COUNT, .no_exit = true },
	[OP_CR3_WRITE] = { "cr3_write", "CR3 write", COUNT, .no_exit = true },
	[OP_CR4_PGE] = { "cr4_pge", "CR4.PGE set and cleared", COUNT },
	[OP_FS_BASE] = { "fs_base", "WRMSR of FS_BASE", COUNT, .no_exit = true },
	[OP_INT3] = { "int3", "INT3 and its handler", COUNT, .no_exit = true },
	[OP_UD] = { "ud", "UD2 and its handler", COUNT, .no_exit = true },
	[OP_RUN_RETURN] = { "run_return", "vCPU run call that returns at once", COUNT,
			    .raw = true },
};

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* Sorts the samples. */
static void summarize(u32 *sample, u32 count, struct result *r)
{
	qsort(sample, count, sizeof(*sample), compare);
	r->min = sample[0];
	r->median = sample[count / 2];
	r->max = sample[count - 1];
	r->valid = true;
}

static bool run_guest(struct machine *m, const struct operation *op, struct result *r)
{
	static u64 bitmap[(PAGES + WARM_UPS + 63) / 64 + 1];
	u64 before;

	if (m->be->run(m) != WORD_SYNC)
		return false;
	if (op->dirty)
		m->be->get_dirty(m, bitmap);
	before = m->be->exits(m);
	if (m->be->run(m) != WORD_DONE)
		return false;
	/* The last exit is the word itself. */
	r->exits = (double)(m->be->exits(m) - before - 1) / op->count;
	return true;
}

/* How many guests there are, and memory from 4 GiB on that nobody touches. */
static u32 guests = 1;
static u64 high_mib;

static void add_high_memory(struct machine *m)
{
	u64 size = high_mib << 20;
	void *p;

	if (!size)
		return;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hv_need(p != MAP_FAILED);
	m->be->set_memory(m, SLOT_HIGH, false, 1ULL << 32, size, p);
}

/* The others have run, and halt no timer and no thread of the one that counts. */
static void start_others(const struct backend *be)
{
	struct guest_shared *shared;
	struct machine *m;
	u32 i;

	for (i = 1; i < guests; i++) {
		m = calloc(1, sizeof(*m));
		hv_need(m);
		machine_new(m, be, &operations[OP_EMPTY]);
		shared = (void *)(m->mem + GUEST_SHARED);
		shared->op = OP_EMPTY;
		be->start(m);
		hv_need(be->run(m) == WORD_SYNC);
	}
}

static bool measure_guest(const struct backend *be, u32 id, struct result *r)
{
	const struct operation *op = &operations[id];
	struct guest_shared *shared;
	struct second *second = NULL;
	struct machine m;
	bool ok;

	machine_new(&m, be, op);
	add_high_memory(&m);
	shared = (void *)(m.mem + GUEST_SHARED);
	shared->op = id;
	shared->count = op->count;
	be->start(&m);
	if (op->second)
		second = second_start(&m);
	ok = run_guest(&m, op, r);
	if (second)
		second_stop(second);
	if (ok)
		summarize(shared->sample, op->count, r);
	machine_free(&m);
	return ok;
}

static bool measure_return(const struct backend *be, u32 id, struct result *r)
{
	u32 sample[COUNT], i;
	struct machine m;
	bool ok;

	machine_new(&m, be, &operations[id]);
	be->start(&m);
	ok = be->run_return(&m) == EINTR;
	if (!ok)
		tap_note("%s: an immediate exit is not EINTR", be->name);
	for (i = 0; i < COUNT; i++) {
		u64 start = guest_rdtsc();

		be->run_return(&m);
		sample[i] = guest_rdtsc() - start;
	}
	summarize(sample, COUNT, r);
	machine_free(&m);
	return ok;
}

static bool wanted(const char *name, int count, char **names)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return !count;
}

static int run(const struct backend *be, int count, char **names)
{
	int fd = be->open(), failed = 0;
	u32 id;

	if (fd < 0)
		tap_skip_all("/dev/%s: %m", be->name);
	start_others(be);
	for (id = 0; id < NR_OPS; id++) {
		const struct operation *op = &operations[id];
		struct result r = {};
		bool ok;

		if (!wanted(op->name, count, names) || (op->only && op->only != be))
			continue;
		ok = id == OP_RUN_RETURN ? measure_return(be, id, &r) :
					   measure_guest(be, id, &r);
		if (ok) {
			printf("result %s %s %u %u %u %.2f\n", be->name, op->name, r.min,
			       r.median, r.max, r.exits);
		} else {
			printf("failed %s %s\n", be->name, op->name);
			failed = 1;
		}
		fflush(stdout);
	}
	return failed;
}

static int run_args(const struct backend *be, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "g:m:")) != -1) {
		if (option == 'g')
			guests = atoi(optarg);
		else if (option == 'm')
			high_mib = atoi(optarg);
		else
			return TAP_ERROR;
	}
	return run(be, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "run") && !strcmp(argv[2], "hvmod"))
		return run_args(&backend_hvmod, argc - 2, argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "run") && !strcmp(argv[2], "kvm"))
		return run_args(&backend_kvm, argc - 2, argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "report"))
		return report(argc - 2, argv + 2);
	fprintf(stderr, "usage: exits run hvmod|kvm [-g GUESTS] [-m MIB] [OPERATION...]\n");
	fprintf(stderr, "       exits report FILE...\n");
	return TAP_ERROR;
}
