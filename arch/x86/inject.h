/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which event a guest takes next: exceptions and how two of them combine,
 * NMIs, interrupts, and events whose delivery an exit cut off.  Handlers queue
 * with x86_inject*(), vmx/enter.c asks inject_pick() before an entry.  Pure: it
 * touches no hardware, so that KUnit and user space can run it.
 *
 * Order: SDM, "Priority Among Concurrent Events"; double faults: SDM,
 * "Interrupt 8 - Double Fault Exception".
 */
#ifndef ARCH_X86_INJECT_H
#define ARCH_X86_INJECT_H

#include <linux/types.h>

struct vcpu;

/* Types, numbered as in a VM-entry interruption-information field. */
enum inject_type {
	INJECT_INTERRUPT = 0,
	INJECT_NMI = 2,
	INJECT_EXCEPTION = 3,
	INJECT_SOFT_INT = 4,
	INJECT_PRIV_SOFT_EXC = 5,	/* INT1 */
	INJECT_SOFT_EXC = 6,		/* INT3, INTO */
};

struct inject_event {
	u8 type;		/* enum inject_type */
	u8 vector;
	bool has_error;
	u8 insn_len;		/* of a software event */
	u32 error;
};

struct inject {
	/*
	 * has_again: delivery of "again" began and did not finish (an EPT
	 * violation on the stack, say): it goes first, as it was.
	 */
	union {
		struct {
			bool has_again;
			/* has_exc: a new exception */
			bool has_exc;
			/* the guest shut down; nothing else counts */
			bool triple_fault;
			/* 0-2: one may wait behind a blocked one */
			u8 nmi_pending;
		};
		u32 any;	/* the four above, for one test */
	};
	struct inject_event again;
	struct inject_event exc;
	u64 exc_cr2;		/* address of a #PF in exc, goes to CR2 on delivery */
	u64 exc_dr6;		/* bits a #DB in exc sets in DR6 on delivery */
};

/* Is anything to go in (interrupts apart)? */
static inline bool inject_any(const struct inject *inject)
{
	return inject->any;
}

/* Exceptions that inject_exception() knows as contributory or #PF: SDM table. */
enum inject_merge {
	INJECT_MERGE_NEW,	/* take the second one, alone */
	INJECT_MERGE_DOUBLE,	/* #DF with error code 0 */
	INJECT_MERGE_TRIPLE,	/* shutdown */
};

/* How "second", raised while "first" was delivered, combines with it. */
enum inject_merge inject_merge(u8 first, u8 second);

/*
 * Queues an exception, combining it with one that is queued or was being
 * delivered.  has_error is the caller's: real mode has none.
 */
void inject_exception(struct inject *inject, const struct inject_event *event);

/* What the guest cannot take at this instruction boundary. */
#define INJECT_IRQ_BLOCKED	(1U << 0)	/* IF clear, or an STI/MOV SS shadow */
#define INJECT_NMI_BLOCKED	(1U << 1)	/* until IRET, or a MOV SS shadow */

enum inject_pick {
	INJECT_PICK_NONE,	/* nothing can go now */
	INJECT_PICK_AGAIN,	/* inject.again */
	INJECT_PICK_EXC,	/* inject.exc */
	INJECT_PICK_NMI,
	INJECT_PICK_IRQ,	/* ask the interrupt controllers */
	INJECT_PICK_SHUTDOWN,
};

/* irq: a vector waits.  What goes in now; changes nothing. */
enum inject_pick inject_pick(const struct inject *inject, bool irq, u32 blocked);

/*
 * For handlers, on the current vCPU.  They queue; the entry delivers.
 * x86_inject_error() drops the error code in real mode.
 */
void x86_inject(struct vcpu *vcpu, u8 vector);
void x86_inject_error(struct vcpu *vcpu, u8 vector, u32 error);
void x86_inject_gp(struct vcpu *vcpu);		/* #GP(0) */
void x86_inject_ud(struct vcpu *vcpu);
void x86_inject_pf(struct vcpu *vcpu, u64 addr, u32 error);
void x86_inject_db(struct vcpu *vcpu, u64 dr6);

#endif /* ARCH_X86_INJECT_H */
