// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU: its first state, its thread, and a table of what to do when the
 * kernel hands it to us.  The machine creates, starts and kicks it.  It must
 * not take anything in the run page for granted: the guest chose most of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "userspace/console.h"
#include "userspace/cpuid.h"
#include "userspace/log.h"
#include "userspace/machine.h"

#define KICK_SIGNAL	SIGUSR1

/* MSRs that firmware sets before it starts an operating system. */
#define MSR_MTRR_BASE0	0x200
#define MSR_MTRR_FIX64K	0x250
#define MSR_MTRR_FIX16K	0x258
#define MSR_MTRR_FIX4K	0x268
#define MSR_MTRR_DEF	0x2ff
#define MTRR_UC		0
#define MTRR_WB		6
#define MTRR_ALL_WB	0x0606060606060606ULL
#define MTRR_VALID	BIT(11)
#define MTRR_ENABLE	BIT(11)
#define MTRR_FIXED	BIT(10)

/* Local APIC registers. */
#define LAPIC_SVR	0xf0
#define LAPIC_LVT0	0x350
#define LAPIC_LVT1	0x360
#define SVR_ENABLED	0x1ff
#define LVT_EXTINT	0x700
#define LVT_NMI		0x400

/* Xen's SHUTDOWN_* reasons. */
enum { XEN_POWEROFF, XEN_REBOOT, XEN_SUSPEND, XEN_CRASH, XEN_WATCHDOG, XEN_SOFT_RESET };

static __thread struct hvmod_run *own_run;

/* The next (or the present) HVMOD_VCPU_RUN returns with -EINTR. */
static void on_kick(int sig)
{
	(void)sig;
	if (own_run)
		own_run->immediate_exit = 1;
}

void vcpu_signals(void)
{
	struct sigaction sa = { .sa_handler = on_kick };

	sigemptyset(&sa.sa_mask);
	sigaction(KICK_SIGNAL, &sa, NULL);
}

void vcpu_kick(struct vcpu *vcpu)
{
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

static void crash(struct vcpu *vcpu, enum machine_end end, const char *why)
{
	snprintf(vcpu->why, sizeof(vcpu->why), "%s", why);
	vcpu->record_count = hvm_vcpu_exits(&vcpu->hvm, vcpu->records, HVMOD_EXIT_RING);
	machine_ends(vcpu->machine, end);
}

static void exit_none(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* A port: @count accesses of @size bytes, in order, in run->data. */
static void exit_io(struct vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->hvm.run;
	u32 count = run->io.count, size = run->io.size, i;
	struct bus *bus = &vcpu->machine->pio;
	bool in = run->io.direction == HVMOD_IO_IN;
	u16 port = run->io.port;

	if ((size != 1 && size != 2 && size != 4) || count > sizeof(run->data) / size) {
		crash(vcpu, MACHINE_ERROR, "the module reported an impossible port access");
		return;
	}
	for (i = 0; i < count; i++) {
		u32 value = 0;

		if (in) {
			value = (u32)bus_read(bus, port, size);
			memcpy(run->data + i * size, &value, size);
		} else {
			memcpy(&value, run->data + i * size, size);
			bus_write(bus, port, size, value);
		}
	}
}

static void exit_mmio(struct vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->hvm.run;
	struct bus *bus = &vcpu->machine->mmio;
	u64 gpa = run->mmio.gpa, value = 0;
	u32 len = run->mmio.len;

	if (!len || len > sizeof(run->mmio.data)) {
		crash(vcpu, MACHINE_ERROR, "the module reported an impossible memory access");
		return;
	}
	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, len);
		bus_write(bus, gpa, len, value);
	} else {
		value = bus_read(bus, gpa, len);
		memcpy(run->mmio.data, &value, len);
	}
}

static void exit_shutdown(struct vcpu *vcpu)
{
	crash(vcpu, MACHINE_CRASH,
	      "a triple fault: an exception while the double fault handler was called");
}

static void exit_killed(struct vcpu *vcpu)
{
	char why[sizeof(vcpu->hvm.run->killed.why) + 1];

	memcpy(why, vcpu->hvm.run->killed.why, sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	crash(vcpu, MACHINE_CRASH, why);
}

/* It cannot be saved: it goes on at once, and its hypercall says "cancelled". */
static void exit_suspend(struct vcpu *vcpu)
{
	struct hvmod_regs regs;
	int ret = hvm_vcpu_get_state(&vcpu->hvm, HVMOD_STATE_REGS, &regs, sizeof(regs));

	log_note("the guest wanted to be suspended: it goes on");
	if (!ret) {
		regs.gpr[HVMOD_RAX] = 1;
		ret = hvm_vcpu_set_state(&vcpu->hvm, HVMOD_STATE_REGS, &regs, sizeof(regs));
	}
	if (!ret)
		ret = hvm_xen_resume(vcpu->machine->vm, false);
	if (ret)
		crash(vcpu, MACHINE_ERROR, "the guest cannot go on after its suspension");
}

static void exit_system(struct vcpu *vcpu)
{
	switch (vcpu->hvm.run->system.reason) {
	case XEN_POWEROFF:
		machine_ends(vcpu->machine, MACHINE_POWEROFF);
		break;
	case XEN_REBOOT:
		machine_ends(vcpu->machine, MACHINE_REBOOT);
		break;
	case XEN_SUSPEND:
		exit_suspend(vcpu);
		break;
	case XEN_WATCHDOG:
		crash(vcpu, MACHINE_WATCHDOG, "the guest did not feed its watchdog");
		break;
	case XEN_SOFT_RESET:
		machine_ends(vcpu->machine, MACHINE_SOFT_RESET);
		break;
	default:
		crash(vcpu, MACHINE_CRASH, "the guest reported that it crashed");
	}
}

static void exit_xen_console(struct vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->hvm.run;
	u32 count = run->console.count, i;

	for (i = 0; i < count && i < sizeof(run->data); i++) {
		if (run->data[i] == '\n')
			console_put('\r');
		console_put(run->data[i]);
	}
}

/* Frames that the guest's balloon gave back. */
static void exit_xen_memory(struct vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->hvm.run;
	struct hvmod_xen_range range;
	u32 count = run->memory.count, i;

	for (i = 0; i < count && (i + 1) * sizeof(range) <= sizeof(run->data); i++) {
		memcpy(&range, run->data + i * sizeof(range), sizeof(range));
		gmem_discard(&vcpu->machine->mem, range.gfn * PAGE_BYTES,
			     range.pages * PAGE_BYTES);
	}
}

static const struct {
	const char *name;
	void (*handle)(struct vcpu *vcpu);
} exit_table[] = {
	[HVMOD_EXIT_NONE] = { "none", exit_none },
	[HVMOD_EXIT_IO] = { "io", exit_io },
	[HVMOD_EXIT_MMIO] = { "mmio", exit_mmio },
	[HVMOD_EXIT_SHUTDOWN] = { "shutdown", exit_shutdown },
	[HVMOD_EXIT_KILLED] = { "killed", exit_killed },
	[HVMOD_EXIT_EOI] = { "eoi", exit_none },
	[HVMOD_EXIT_SYSTEM] = { "system", exit_system },
	[HVMOD_EXIT_XEN_CONSOLE] = { "xen-console", exit_xen_console },
	[HVMOD_EXIT_XEN_MEMORY] = { "xen-memory", exit_xen_memory },
};

_Static_assert(ARRAY_SIZE(exit_table) <= ARRAY_SIZE(((struct vcpu *)0)->exits),
	       "a counter for each exit");

static void run_failed(struct vcpu *vcpu, int code)
{
	char why[160];

	/* Another vCPU's thread has the sentence. */
	if (code == EIO) {
		machine_ends(vcpu->machine, MACHINE_CRASH);
		return;
	}
	snprintf(why, sizeof(why), "vCPU %u cannot be run: %s", vcpu->hvm.id,
		 code == EFAULT ? "memory that the kernel needed for it is gone" :
				  strerror(code));
	crash(vcpu, MACHINE_ERROR, why);
}

/* While the machine is paused. */
static void park(struct machine *m)
{
	pthread_mutex_lock(&m->gate);
	m->parked++;
	pthread_cond_broadcast(&m->gate_moves);
	while (atomic_load(&m->pause) && !atomic_load(&m->stop))
		pthread_cond_wait(&m->gate_moves, &m->gate);
	m->parked--;
	pthread_mutex_unlock(&m->gate);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct machine *m = vcpu->machine;
	sigset_t set;
	int ret;

	own_run = vcpu->hvm.run;
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;) {
		/* In this order: a kick comes after stop or pause is set. */
		vcpu->hvm.run->immediate_exit = 0;
		if (atomic_load(&m->pause))
			park(m);
		if (atomic_load(&m->stop))
			break;
		ret = hvm_vcpu_run(&vcpu->hvm);
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret < 0) {
			run_failed(vcpu, -ret);
			break;
		}
		if (vcpu->hvm.run->exit_reason >= ARRAY_SIZE(exit_table)) {
			crash(vcpu, MACHINE_ERROR, "the module reported an unknown exit");
			break;
		}
		vcpu->exits[vcpu->hvm.run->exit_reason]++;
		exit_table[vcpu->hvm.run->exit_reason].handle(vcpu);
		if (vcpu->why[0])
			break;
	}
	own_run = NULL;
	return NULL;
}

static int vcpu_cpuid(struct machine *m, struct vcpu *vcpu, unsigned int *phys_bits,
		      struct err *err)
{
	struct cpuid_table table;
	unsigned int i;
	int ret;

	ret = hvm_get_cpuid(m->device, table.entry, &table.count);
	if (ret)
		return err_set(err, -ret, "cannot read the CPUID table: %s", strerror(-ret));
	ret = cpuid_fit(&table, vcpu->hvm.id, m->config->vcpus, m->tsc_khz, err);
	if (ret)
		return ret;
	if (m->config->type == MACHINE_PVH) {
		ret = cpuid_xen(&table, CPUID_XEN_FIRST, vcpu->hvm.id, m->tsc_khz, err);
		if (ret)
			return ret;
	}
	for (i = 0; i < m->config->cpu_offs; i++)
		cpuid_off(&table, m->config->cpu_off[i]);
	*phys_bits = cpuid_phys_bits(&table);
	ret = hvm_vcpu_set_cpuid(&vcpu->hvm, table.entry, table.count);
	if (ret)
		return err_set(err, -ret, "vCPU %u refuses its CPUID table: %s", vcpu->hvm.id,
			       strerror(-ret));
	return 0;
}

/*
 * Memory types as firmware leaves them: write-back, but for the VGA window and
 * the hole below 4 GiB.  The same on every vCPU, or guests complain.
 */
static void vcpu_mtrrs(struct vcpu *vcpu, unsigned int phys_bits)
{
	u64 mask = ((1ULL << phys_bits) - 1) & ~(GMEM_HIGH - GMEM_HOLE - 1);
	struct hvmod_msr msrs[] = {
		{ .index = MSR_MTRR_FIX64K, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX16K, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX16K + 1, .value = MTRR_UC },
		{ .index = MSR_MTRR_FIX4K, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 1, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 2, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 3, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 4, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 5, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 6, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_FIX4K + 7, .value = MTRR_ALL_WB },
		{ .index = MSR_MTRR_BASE0, .value = GMEM_HOLE | MTRR_UC },
		{ .index = MSR_MTRR_BASE0 + 1, .value = mask | MTRR_VALID },
		{ .index = MSR_MTRR_DEF, .value = MTRR_ENABLE | MTRR_FIXED | MTRR_WB },
	};
	u32 done = 0;
	int ret = hvm_vcpu_set_msrs(&vcpu->hvm, msrs, ARRAY_SIZE(msrs), &done);

	/* A guest without memory types runs all the same. */
	if (ret < 0)
		log_debug("vCPU %u refuses MSR 0x%x: %s", vcpu->hvm.id,
			  done < ARRAY_SIZE(msrs) ? msrs[done].index : 0, strerror(-ret));
}

static void put_reg(struct hvmod_lapic *lapic, u32 offset, u32 value)
{
	memcpy(lapic->regs + offset, &value, sizeof(value));
}

/* Virtual wire mode: the PIC's interrupts come through LINT0 of vCPU 0. */
static void vcpu_virtual_wire(struct vcpu *vcpu)
{
	struct hvmod_lapic lapic;
	int ret = hvm_vcpu_get_state(&vcpu->hvm, HVMOD_STATE_LAPIC, &lapic, sizeof(lapic));

	if (!ret) {
		put_reg(&lapic, LAPIC_SVR, SVR_ENABLED);
		put_reg(&lapic, LAPIC_LVT0, LVT_EXTINT);
		put_reg(&lapic, LAPIC_LVT1, LVT_NMI);
		ret = hvm_vcpu_set_state(&vcpu->hvm, HVMOD_STATE_LAPIC, &lapic,
					 sizeof(lapic));
	}
	if (ret < 0)
		log_debug("the local APIC cannot be set to virtual wire mode: %s",
			  strerror(-ret));
}

static int vcpu_entry(struct machine *m, struct vcpu *vcpu, struct err *err)
{
	struct hvmod_sregs sregs;
	struct hvmod_regs regs;
	int ret;

	memset(&sregs, 0, sizeof(sregs));
	ret = hvm_vcpu_get_state(&vcpu->hvm, HVMOD_STATE_SREGS, &sregs, sizeof(sregs));
	if (!ret) {
		if (m->config->type == MACHINE_PVH)
			pvh_entry(&m->pvh, &regs, &sregs);
		else
			linux_entry(&m->image, &regs, &sregs);
		ret = hvm_vcpu_set_state(&vcpu->hvm, HVMOD_STATE_SREGS, &sregs,
					 sizeof(sregs));
	}
	if (!ret)
		ret = hvm_vcpu_set_state(&vcpu->hvm, HVMOD_STATE_REGS, &regs, sizeof(regs));
	if (ret)
		return err_set(err, -ret, "the first registers of vCPU 0 are refused: %s",
			       strerror(-ret));
	return 0;
}

int vcpu_create(struct machine *m, u32 id, struct err *err)
{
	struct vcpu *vcpu = &m->vcpu[id];
	unsigned int phys_bits = 36;
	int ret;

	vcpu->machine = m;
	ret = hvm_vcpu_create(m->device, m->vm, id, &vcpu->hvm, err);
	if (ret)
		return ret;
	ret = vcpu_cpuid(m, vcpu, &phys_bits, err);
	if (!ret && id == 0) {
		if (m->config->type == MACHINE_LINUX)
			vcpu_virtual_wire(vcpu);
		ret = vcpu_entry(m, vcpu, err);
	}
	if (ret)
		hvm_vcpu_destroy(&vcpu->hvm);
	else
		vcpu_mtrrs(vcpu, phys_bits);
	return ret;
}

int vcpu_start(struct vcpu *vcpu, struct err *err)
{
	int ret;

	ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (ret)
		return err_set(err, ret, "cannot start the thread of vCPU %u: %s",
			       vcpu->hvm.id, strerror(ret));
	vcpu->started = true;
	return 0;
}
