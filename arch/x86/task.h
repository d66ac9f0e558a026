/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hardware task switch: from one TSS to another.  task_vcpu.c fills in a vCPU's
 * state, calls task_switch() and puts the result into force.  Pure: what it needs
 * of guest memory it gets through struct task_ops, so that it runs in user space.
 *
 * SDM: "Task Management".
 */
#ifndef ARCH_X86_TASK_H
#define ARCH_X86_TASK_H

#include <linux/types.h>

/* As in the exit qualification for task switches. */
enum task_source {
	TASK_CALL,
	TASK_IRET,
	TASK_JMP,
	TASK_GATE,	/* an interrupt or exception through the IDT */
};

/* Numbered as segment registers are. */
enum task_seg_nr { TASK_ES, TASK_CS, TASK_SS, TASK_DS, TASK_FS, TASK_GS, TASK_NR_SEGS };

/* attr: as struct hvmod_segment.access; limit in bytes. */
struct task_seg {
	u16 sel;
	u32 attr;
	u32 base;
	u32 limit;
};

struct task_fault {
	u8 vector;
	u32 error;
	u32 cr2;	/* of a #PF */
};

/*
 * A linear address, len bytes that may cross a page, with the kernel's rights or
 * with those of user: 0, or -EFAULT with *fault filled in (#PF).  Any other error
 * ends task_switch(), which returns it.
 */
struct task_ops {
	int (*read)(void *opaque, u32 linear, void *buf, u32 len, struct task_fault *fault);
	int (*write)(void *opaque, u32 linear, const void *buf, u32 len, bool user,
		     struct task_fault *fault);
	/* CR3 is loaded: accesses from now on go by it.  -EINVAL: #GP. */
	int (*set_cr3)(void *opaque, u32 cr3);
};

struct task {
	const struct task_ops *ops;
	void *opaque;
	/* IN */
	enum task_source source;
	u16 target;		/* selector of the new TSS */
	bool external;		/* EXT of error codes: not an instruction's doing */
	bool has_error;		/* the handler's task gets an error code */
	u32 error;
	bool paging;		/* CR0.PG */
	u32 gdt_base, gdt_limit;
	/* IN: the old task, OUT: the new one (if it was reached) */
	u32 gpr[8];
	u32 eip;		/* IN: of the instruction to come back to */
	u32 eflags;
	u32 cr3;
	struct task_seg seg[TASK_NR_SEGS];
	struct task_seg ldt, tr;
	/* OUT */
	bool switched;		/* the new task's registers are in; also with a fault */
	bool trap;		/* T of the new TSS: a #DB before its first instruction */
	struct task_fault fault;
};

/*
 * 0; -EFAULT: task.fault is to be raised, in the old task (unless switched) as if
 * nothing had been done.  Else what an operation returned.
 */
int task_switch(struct task *task);

#endif /* ARCH_X86_TASK_H */
