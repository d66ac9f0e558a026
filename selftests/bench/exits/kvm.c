// SPDX-License-Identifier: GPL-2.0
/*
 * The back end of the exit benchmark for /dev/kvm.  Called through struct backend
 * only.  It must give KVM its best: in-kernel devices, ioeventfds of the kind that
 * its fast path takes, no debugging.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exits/machine.h"

#define MAX_CPUID	256

static int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		tap_die("/dev/kvm has another API version");
	return fd;
}

static void set_cpuid(struct machine *m)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					  MAX_CPUID * sizeof(table->entries[0]));
	u32 i;

	hv_need(table);
	table->nent = MAX_CPUID;
	hv_need(!ioctl(m->dev, KVM_GET_SUPPORTED_CPUID, table));
	/* KVM leaves it to its user to say that the timer has deadlines. */
	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 1)
			table->entries[i].ecx |= 1U << 24 | 1U << 21;
	hv_need(!ioctl(m->vcpu, KVM_SET_CPUID2, table));
	free(table);
}

/* Where the counter "exits" stands in the vCPU's statistics. */
static void find_stats(struct machine *m)
{
	struct kvm_stats_header head;
	char buf[256];
	struct kvm_stats_desc *desc = (void *)buf;
	size_t size;
	u32 i;

	m->stats = ioctl(m->vcpu, KVM_GET_STATS_FD, NULL);
	hv_need(m->stats >= 0);
	hv_need(pread(m->stats, &head, sizeof(head), 0) == sizeof(head));
	size = sizeof(*desc) + head.name_size;
	hv_need(size <= sizeof(buf));
	for (i = 0; i < head.num_desc; i++) {
		hv_need(pread(m->stats, buf, size, head.desc_offset + i * size) ==
			(ssize_t)size);
		if (!strcmp(desc->name, "exits")) {
			m->stats_offset = head.data_offset + desc->offset;
			return;
		}
	}
	tap_die("KVM counts no exits");
}

static void kvm_create(struct machine *m)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	m->vm = ioctl(m->dev, KVM_CREATE_VM, 0);
	hv_need(m->vm >= 0);
	hv_need(!ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000UL));
	hv_need(!ioctl(m->vm, KVM_CREATE_IRQCHIP, 0));
	hv_need(!ioctl(m->vm, KVM_CREATE_PIT2, &pit));
}

static void kvm_create_vcpu(struct machine *m)
{
	int size;

	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, m->id);
	hv_need(m->vcpu >= 0);
	size = ioctl(m->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	hv_need(size > 0);
	m->run_size = size;
	m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	hv_need(m->run != MAP_FAILED);
	set_cpuid(m);
	find_stats(m);
}

static void kvm_set_memory(struct machine *m, u32 slot, bool dirty, u64 gpa, u64 size,
			   void *hva)
{
	struct kvm_userspace_memory_region args = {
		.slot = slot, .flags = dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	hv_need(!ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &args));
}

static void kvm_get_dirty(struct machine *m, u64 *bitmap)
{
	struct kvm_dirty_log args = { .slot = SLOT_TEST, .dirty_bitmap = bitmap };

	hv_need(!ioctl(m->vm, KVM_GET_DIRTY_LOG, &args));
}

static void kvm_add_kicks(struct machine *m)
{
	struct kvm_ioeventfd pio = {
		.addr = PORT_KICK, .len = 2, .fd = m->kick,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	struct kvm_ioeventfd mmio = { .addr = GUEST_MMIO_KICK, .fd = m->kick };

	hv_need(!ioctl(m->vm, KVM_IOEVENTFD, &pio));
	hv_need(!ioctl(m->vm, KVM_IOEVENTFD, &mmio));
}

static void kvm_add_kick_irq(struct machine *m)
{
	struct kvm_ioeventfd pio = {
		.addr = PORT_KICK_IRQ, .len = 2, .fd = m->kick_irq,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	struct kvm_irqfd irqfd = { .fd = m->kick_irq, .gsi = 24 };
	struct kvm_irq_routing_entry entry = {
		.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = VECTOR_IRQFD },
	};
	struct kvm_irq_routing *table = calloc(1, sizeof(*table) + sizeof(entry));

	hv_need(table);
	table->nr = 1;
	table->entries[0] = entry;
	hv_need(!ioctl(m->vm, KVM_SET_GSI_ROUTING, table));
	free(table);
	hv_need(!ioctl(m->vm, KVM_IOEVENTFD, &pio));
	hv_need(!ioctl(m->vm, KVM_IRQFD, &irqfd));
}

static void kvm_start(struct machine *m)
{
	const struct kvm_segment cs = {
		.limit = 0xffffffff, .selector = GUEST_CS, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment ds = {
		.limit = 0xffffffff, .selector = GUEST_DS, .type = 3, .present = 1,
		.s = 1, .db = 1, .g = 1,
	};
	struct kvm_regs regs = {
		.rip = GUEST_IMAGE, .rsp = GUEST_STACK - m->id * GUEST_STACK_SIZE,
		.rdi = m->id, .rflags = 2,
	};
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs s;

	hv_need(!ioctl(m->vcpu, KVM_GET_SREGS, &s));
	s.cs = cs;
	s.ds = ds;
	s.es = ds;
	s.fs = ds;
	s.gs = ds;
	s.ss = ds;
	s.tr = (struct kvm_segment){
		.limit = 0x67, .selector = 0x18, .type = 11, .present = 1,
	};
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.cr0 = START_CR0;
	s.cr3 = GUEST_PML4;
	s.cr4 = START_CR4;
	s.efer = START_EFER;
	hv_need(!ioctl(m->vcpu, KVM_SET_SREGS, &s));
	hv_need(!ioctl(m->vcpu, KVM_SET_REGS, &regs));
	hv_need(!ioctl(m->vcpu, KVM_SET_MP_STATE, &mp));
}

static enum machine_word kvm_word(const struct kvm_run *run)
{
	switch (run->io.port) {
	case PORT_SYNC:
		return WORD_SYNC;
	case PORT_DONE:
		return WORD_DONE;
	}
	tap_note("kvm: the guest failed: %s of port %#x",
		 run->io.direction == KVM_EXIT_IO_IN ? "read" : "write", run->io.port);
	return WORD_FAIL;
}

static enum machine_word kvm_run(struct machine *m)
{
	struct kvm_run *run = m->run;

	for (;;) {
		if (ioctl(m->vcpu, KVM_RUN, 0)) {
			if (errno == EINTR && !m->stop)
				continue;
			if (errno == EINTR)
				return WORD_DONE;
			tap_note("KVM_RUN: %m");
			return WORD_FAIL;
		}
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (run->io.port != PORT_USER)
				return kvm_word(run);
			((u8 *)run)[run->io.data_offset] = 0x5a;
			break;
		case KVM_EXIT_MMIO:
			if (!run->mmio.is_write)
				run->mmio.data[0] = 0x5a;
			break;
		default:
			tap_note("kvm: exit reason %u", run->exit_reason);
			return WORD_FAIL;
		}
	}
}

static int kvm_run_return(struct machine *m)
{
	struct kvm_run *run = m->run;

	run->immediate_exit = 1;
	return ioctl(m->vcpu, KVM_RUN, 0) ? errno : 0;
}

static u64 kvm_exits(struct machine *m)
{
	u64 value;

	hv_need(pread(m->stats, &value, sizeof(value), m->stats_offset) == sizeof(value));
	return value;
}

const struct backend backend_kvm = {
	.name = "kvm",
	.open = kvm_open,
	.create = kvm_create,
	.create_vcpu = kvm_create_vcpu,
	.set_memory = kvm_set_memory,
	.get_dirty = kvm_get_dirty,
	.add_kicks = kvm_add_kicks,
	.add_kick_irq = kvm_add_kick_irq,
	.start = kvm_start,
	.run = kvm_run,
	.run_return = kvm_run_return,
	.exits = kvm_exits,
};
