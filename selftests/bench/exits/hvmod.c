// SPDX-License-Identifier: GPL-2.0
/*
 * The back end of the exit benchmark for /dev/hvmod.  Called through struct
 * backend only.  It must do what kvm.c does, in as few instructions.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exits/machine.h"

static int hvmod_open(void)
{
	int fd = open("/dev/hvmod", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, HVMOD_GET_VERSION) != HVMOD_API_VERSION)
		tap_die("/dev/hvmod has another API version");
	return fd;
}

static void set_cpuid(struct machine *m)
{
	struct hvmod_cpuid_entry entries[HVMOD_MAX_CPUID];
	struct hvmod_cpuid table = {
		.count = HVMOD_MAX_CPUID, .entries = (uintptr_t)entries,
	};

	hv_need(!ioctl(m->dev, HVMOD_GET_CPUID, &table));
	hv_need(!ioctl(m->vcpu, HVMOD_VCPU_SET_CPUID, &table));
}

static void hvmod_create(struct machine *m)
{
	struct hvmod_vm_create vm = {
		.kind = HVMOD_KIND_PC,
		.devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT |
			   HVMOD_DEV_PMTMR,
		.pmtmr_port = PORT_PMTMR,
	};

	if (m->op->xen)
		vm = (struct hvmod_vm_create){ .kind = HVMOD_KIND_PVH };
	m->vm = ioctl(m->dev, HVMOD_VM_CREATE, &vm);
	hv_need(m->vm >= 0);
}

static void hvmod_create_vcpu(struct machine *m)
{
	struct hvmod_vcpu_create vcpu = { .id = m->id };

	m->vcpu = ioctl(m->vm, HVMOD_VCPU_CREATE, &vcpu);
	hv_need(m->vcpu >= 0);
	m->run_size = sizeof(struct hvmod_run);
	m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	hv_need(m->run != MAP_FAILED);
	set_cpuid(m);
}

static void hvmod_set_memory(struct machine *m, u32 slot, bool dirty, u64 gpa, u64 size,
			     void *hva)
{
	struct hvmod_memory args = {
		.slot = slot, .flags = dirty ? HVMOD_MEM_LOG_DIRTY : 0,
		.gpa = gpa, .size = size, .hva = (uintptr_t)hva,
	};

	hv_need(!ioctl(m->vm, HVMOD_VM_SET_MEMORY, &args));
}

static void hvmod_get_dirty(struct machine *m, u64 *bitmap)
{
	struct hvmod_dirty args = {
		.slot = SLOT_TEST, .pages = m->test_size / 4096,
		.bitmap = (uintptr_t)bitmap,
	};

	hv_need(!ioctl(m->vm, HVMOD_VM_GET_DIRTY, &args));
}

static void hvmod_add_kicks(struct machine *m)
{
	struct hvmod_ioeventfd pio = {
		.addr = PORT_KICK, .len = 2, .fd = m->kick, .flags = HVMOD_IOEVENTFD_PIO,
	};
	struct hvmod_ioeventfd mmio = { .addr = GUEST_MMIO_KICK, .fd = m->kick };

	hv_need(!ioctl(m->vm, HVMOD_VM_IOEVENTFD, &pio));
	hv_need(!ioctl(m->vm, HVMOD_VM_IOEVENTFD, &mmio));
}

static void hvmod_add_kick_irq(struct machine *m)
{
	struct hvmod_ioeventfd pio = {
		.addr = PORT_KICK_IRQ, .len = 2, .fd = m->kick_irq,
		.flags = HVMOD_IOEVENTFD_PIO,
	};
	struct hvmod_irqfd irqfd = {
		.fd = m->kick_irq, .flags = HVMOD_IRQFD_MSI,
		.msi = { .addr = 0xfee00000, .data = VECTOR_IRQFD },
	};

	hv_need(!ioctl(m->vm, HVMOD_VM_IOEVENTFD, &pio));
	hv_need(!ioctl(m->vm, HVMOD_VM_IRQFD, &irqfd));
}

static int state(struct machine *m, unsigned long cmd, u32 id, void *p, u32 size)
{
	struct hvmod_state args = { .id = id, .size = size, .addr = (uintptr_t)p };

	return ioctl(m->vcpu, cmd, &args);
}

static void hvmod_start(struct machine *m)
{
	const struct hvmod_segment cs = {
		.limit = 0xffffffff, .selector = GUEST_CS, .access = 0xa09b,
	};
	const struct hvmod_segment ds = {
		.limit = 0xffffffff, .selector = GUEST_DS, .access = 0xc093,
	};
	struct hvmod_regs regs = { .rip = GUEST_IMAGE, .rflags = 2 };
	struct hvmod_mp mp = { .state = HVMOD_MP_RUNNABLE };
	struct hvmod_sregs s;

	regs.gpr[HVMOD_RSP] = GUEST_STACK - m->id * GUEST_STACK_SIZE;
	regs.gpr[HVMOD_RDI] = m->id;
	hv_need(!state(m, HVMOD_VCPU_GET_STATE, HVMOD_STATE_SREGS, &s, sizeof(s)));
	s.cs = cs;
	s.ds = ds;
	s.es = ds;
	s.fs = ds;
	s.gs = ds;
	s.ss = ds;
	s.tr = (struct hvmod_segment){ .limit = 0x67, .selector = 0x18, .access = 0x8b };
	s.ldt = (struct hvmod_segment){ .access = 1U << 16 };
	s.cr0 = START_CR0;
	s.cr3 = GUEST_PML4;
	s.cr4 = START_CR4;
	s.efer = START_EFER;
	hv_need(!state(m, HVMOD_VCPU_SET_STATE, HVMOD_STATE_SREGS, &s, sizeof(s)));
	hv_need(!state(m, HVMOD_VCPU_SET_STATE, HVMOD_STATE_REGS, &regs, sizeof(regs)));
	hv_need(!state(m, HVMOD_VCPU_SET_STATE, HVMOD_STATE_MP, &mp, sizeof(mp)));
}

static enum machine_word hvmod_word(const struct hvmod_run *run)
{
	switch (run->io.port) {
	case PORT_SYNC:
		return WORD_SYNC;
	case PORT_DONE:
		return WORD_DONE;
	}
	tap_note("hvmod: the guest failed: %s of port %#x",
		 run->io.direction == HVMOD_IO_IN ? "read" : "write", run->io.port);
	return WORD_FAIL;
}

static enum machine_word hvmod_run(struct machine *m)
{
	struct hvmod_run *run = m->run;

	for (;;) {
		if (ioctl(m->vcpu, HVMOD_VCPU_RUN, 0)) {
			if (errno == EINTR && !m->stop)
				continue;
			if (errno == EINTR)
				return WORD_DONE;
			tap_note("HVMOD_VCPU_RUN: %m");
			return WORD_FAIL;
		}
		switch (run->exit_reason) {
		case HVMOD_EXIT_IO:
			if (run->io.port != PORT_USER)
				return hvmod_word(run);
			run->data[0] = 0x5a;
			break;
		case HVMOD_EXIT_MMIO:
			if (!run->mmio.is_write)
				run->mmio.data[0] = 0x5a;
			break;
		case HVMOD_EXIT_NONE:
			break;
		case HVMOD_EXIT_KILLED:
			tap_note("hvmod: killed: %.256s", run->killed.why);
			return WORD_FAIL;
		default:
			tap_note("hvmod: exit reason %u", run->exit_reason);
			return WORD_FAIL;
		}
	}
}

static int hvmod_run_return(struct machine *m)
{
	struct hvmod_run *run = m->run;

	run->immediate_exit = 1;
	return ioctl(m->vcpu, HVMOD_VCPU_RUN, 0) ? errno : 0;
}

static u64 hvmod_exits(struct machine *m)
{
	struct hvmod_vcpu_stat stat;
	u64 sum = 0;
	u32 i;

	hv_need(!ioctl(m->vcpu, HVMOD_VCPU_STAT, &stat));
	for (i = 0; i < HVMOD_MAX_EXIT_REASONS; i++)
		sum += stat.exits[i];
	return sum;
}

const struct backend backend_hvmod = {
	.name = "hvmod",
	.open = hvmod_open,
	.create = hvmod_create,
	.create_vcpu = hvmod_create_vcpu,
	.set_memory = hvmod_set_memory,
	.get_dirty = hvmod_get_dirty,
	.add_kicks = hvmod_add_kicks,
	.add_kick_irq = hvmod_add_kick_irq,
	.start = hvmod_start,
	.run = hvmod_run,
	.run_return = hvmod_run_return,
	.exits = hvmod_exits,
};
