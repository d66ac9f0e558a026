/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest of the exit benchmark and its launcher share: where things
 * lie in guest-physical memory, the ports they talk through, the operations.
 * Included by both.  It must name no back end: the guest cannot tell them apart.
 */
#ifndef SELFTESTS_BENCH_EXITS_GUEST_H
#define SELFTESTS_BENCH_EXITS_GUEST_H

/* Guest-physical layout; the first 4 GiB are mapped one to one. */
#define GUEST_PML4	0x4000
#define GUEST_PDPT	0x5000
#define GUEST_PD	0x6000		/* four pages */
#define GUEST_SHARED	0x10000		/* struct guest_shared */
#define GUEST_STACK	0xf0000		/* its top; the second vCPU's is below */
#define GUEST_STACK_SIZE	0x8000
#define GUEST_IMAGE	0x100000	/* the flat binary, entered at its start */
#define GUEST_RAM_SIZE	0x200000
#define GUEST_TEST	0x10000000	/* memory whose faults are counted */
#define GUEST_MMIO	0xd0000000	/* user space answers here */
#define GUEST_MMIO_KICK	0xd0001000	/* an ioeventfd */

#define GUEST_CS	0x08
#define GUEST_DS	0x10

/* Ports. */
#define PORT_SYNC	0xe0	/* warm; the next iterations count */
#define PORT_DONE	0xe4	/* the operation is over */
#define PORT_FAIL	0xe8	/* the guest saw something wrong */
#define PORT_USER	0x510	/* user space answers here */
#define PORT_KICK	0x520	/* an ioeventfd */
#define PORT_KICK_IRQ	0x524	/* an ioeventfd that is an irqfd, too */
#define PORT_PMTMR	0x608

#define VECTOR_IRQFD	0x43	/* at vCPU 0 */

#define WARM_UPS	4
#define MAX_SAMPLES	1024

/* The operations, in the order of the table. */
enum bench_op {
	OP_EMPTY,
	OP_CPUID,
	OP_HYPERCALL,
	OP_XEN_VERSION,
	OP_RDMSR,
	OP_WRMSR,
	OP_PIC_READ,
	OP_PIT_READ,
	OP_PORT61_READ,
	OP_PMTMR_READ,
	OP_APIC_READ,
	OP_APIC_EOI,
	OP_APIC_TPR,
	OP_APIC_LVTT,
	OP_APIC_TMICT,
	OP_APIC_ICR,
	OP_APIC_SELF_IPI,
	OP_X2APIC_EOI,
	OP_X2APIC_TPR,
	OP_X2APIC_LVTT,
	OP_X2APIC_TMICT,
	OP_X2APIC_ICR,
	OP_X2APIC_SELF_IPI,
	OP_IPI_BACK,
	OP_DEADLINE_ARM,
	OP_DEADLINE_LATE,
	OP_HLT_WAKE,
	OP_USER_IN,
	OP_USER_OUT,
	OP_USER_MMIO_READ,
	OP_USER_MMIO_WRITE,
	OP_KICK_PIO,
	OP_KICK_MMIO,
	OP_KICK_IRQ,
	OP_EPT_4K,
	OP_EPT_2M,
	OP_DIRTY_4K,
	OP_INVLPG,
	OP_CR3_WRITE,
	OP_CR4_PGE,
	OP_FS_BASE,
	OP_INT3,
	OP_UD,
	/* Counted by the launcher; the guest does not run. */
	OP_RUN_RETURN,
	NR_OPS
};

/* At GUEST_SHARED: written by the launcher, but for the samples. */
struct guest_shared {
	unsigned int op;
	unsigned int count;
	unsigned int second_runs;	/* the second vCPU is about to halt */
	unsigned int sample[MAX_SAMPLES];
};

/* The guest's own: guest.c and guest_entry.S. */
void guest_main(unsigned long id);
void guest_bad(void);
void isr_int3(void);
void isr_ud(void);
void isr_xapic(void);
void isr_x2apic(void);
void isr_timer(void);
void isr_answer(void);
void isr_bad(void);

#endif /* SELFTESTS_BENCH_EXITS_GUEST_H */
