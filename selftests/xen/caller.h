/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hypercalls that the host makes in its guest's name: a vCPU stands before a
 * VMCALL, in 64-bit or in 32-bit protected mode, the host fills in registers and
 * guest memory and runs it.  So one test serves both layouts.  Tests of
 * hypercalls include it.
 */
#ifndef SELFTESTS_XEN_CALLER_H
#define SELFTESTS_XEN_CALLER_H

#include <errno.h>

#include "hv.h"

/* Xen's public headers. */
enum { XEN_PLATFORM_OP = 7, XEN_MEMORY_OP = 12, XEN_MULTICALL, XEN_SET_TIMER_OP = 15,
       XEN_VERSION_OP = 17, XEN_CONSOLE_IO, XEN_GRANT_TABLE_OP = 20, XEN_VM_ASSIST,
       XEN_VCPU_OP = 24, XEN_MMUEXT_OP = 26, XEN_SCHED_OP = 29, XEN_EVENT_CHANNEL_OP = 32,
       XEN_PHYSDEV_OP, XEN_HVM_OP, XEN_SYSCTL, XEN_DOMCTL };
#define XEN_DOMID_SELF	0x7ff0

/* Code and data of a caller in the guest's RAM slot. */
#define CALLER_CODE	HV_FREE
#define CALLER_ARGS	(HV_FREE + 0x1000)	/* 12 pages */
#define CALLER_NOWHERE	0xe0000000UL		/* no memory; mapped in 64-bit mode */

struct caller {
	struct hv_vcpu *vcpu;
	bool is_64;
	/* What calls brought out to the launcher: bytes of console_io, ranges of memory. */
	u32 console_len, nr_ranges;
	u8 console[3 * 4096];
	struct hvmod_xen_range range[4096];
};

static inline void caller_nothing(void)
{
}

/* Before each call: the mode, and RIP at the VMCALL. */
static inline void caller_mode(struct caller *c)
{
	/* vmcall; out %eax, $HV_PORT_DONE */
	static const u8 code[] = { 0x0f, 0x01, 0xc1, 0xe7, HV_PORT_DONE };

	memcpy(c->vcpu->vm->mem + CALLER_CODE, code, sizeof(code));
	if (c->is_64)
		hv_long_mode(c->vcpu, caller_nothing);
	else
		hv_flat32(c->vcpu, CALLER_CODE, CALLER_CODE);
}

/* Host address of guest memory. */
static inline void *caller_mem(struct caller *c, u64 gpa)
{
	return c->vcpu->vm->mem + gpa;
}

/* Puts an argument at CALLER_ARGS + offset; its guest address. */
static inline u64 caller_put(struct caller *c, u64 offset, const void *from, size_t len)
{
	memcpy(caller_mem(c, CALLER_ARGS + offset), from, len);
	return CALLER_ARGS + offset;
}

static inline void caller_set(struct caller *c, u64 nr, const u64 arg[6])
{
	static const u8 regs_64[6] = { HVMOD_RDI, HVMOD_RSI, HVMOD_RDX, HVMOD_R10, HVMOD_R8,
				       HVMOD_R9 };
	static const u8 regs_32[6] = { HVMOD_RBX, HVMOD_RCX, HVMOD_RDX, HVMOD_RSI, HVMOD_RDI,
				       HVMOD_RBP };
	struct hvmod_regs regs;
	int i;

	hv_get_regs(c->vcpu, &regs);
	regs.rip = CALLER_CODE;
	regs.gpr[HVMOD_RAX] = nr;
	for (i = 0; i < 6; i++)
		regs.gpr[c->is_64 ? regs_64[i] : regs_32[i]] = arg[i];
	hv_set_regs(c->vcpu, &regs);
}

static inline bool caller_is_back(struct caller *c)
{
	const struct hvmod_run *run = c->vcpu->run;

	return run->exit_reason == HVMOD_EXIT_IO && run->io.port == HV_PORT_DONE;
}

static inline long caller_result(struct caller *c)
{
	struct hvmod_regs regs;

	hv_get_regs(c->vcpu, &regs);
	return c->is_64 ? (long)regs.gpr[HVMOD_RAX] : (int)regs.gpr[HVMOD_RAX];
}

/* An exit in the midst of a call, or after it; false: another one. */
static inline bool caller_take(struct caller *c)
{
	const struct hvmod_run *run = c->vcpu->run;

	switch (run->exit_reason) {
	case HVMOD_EXIT_NONE:
		return true;
	case HVMOD_EXIT_XEN_CONSOLE:
		hv_need(c->console_len + run->console.count <= sizeof(c->console));
		memcpy(c->console + c->console_len, run->data, run->console.count);
		c->console_len += run->console.count;
		return true;
	case HVMOD_EXIT_XEN_MEMORY:
		hv_need(c->nr_ranges + run->memory.count <= ARRAY_SIZE(c->range));
		memcpy(&c->range[c->nr_ranges], run->data,
		       run->memory.count * sizeof(c->range[0]));
		c->nr_ranges += run->memory.count;
		return true;
	}
	return false;
}

/* The result; other exits than the call's end are a broken test. */
static inline long caller_call(struct caller *c, u64 nr, u64 a, u64 b, u64 d)
{
	const u64 arg[6] = { a, b, d };
	int ret;

	caller_set(c, nr, arg);
	c->console_len = 0;
	c->nr_ranges = 0;
	do {
		ret = hv_run(c->vcpu);
	} while (!ret && caller_take(c));
	if (ret || !caller_is_back(c)) {
		hv_note_exit(c->vcpu);
		tap_die("hypercall %llu(%#llx, %#llx, %#llx) does not return", (long long)nr,
			(long long)a, (long long)b, (long long)d);
	}
	return caller_result(c);
}

/* Guest memory as a hypercall reads it, also where no slot is. */
static inline long caller_read(struct caller *c, u64 gpa, void *to, u32 len)
{
	long ret = caller_call(c, XEN_CONSOLE_IO, 0, len, gpa);

	if (!ret)
		memcpy(to, c->console, len);
	return ret;
}

/* A load by the guest itself.  False: it went out as MMIO, and was answered ~0. */
static inline bool caller_load(struct caller *c, u64 gpa, u32 *value)
{
	/* mov (%rbx), %eax; out %eax, $HV_PORT_DONE */
	static const u8 code[] = { 0x8b, 0x03, 0xe7, HV_PORT_DONE };
	struct hvmod_run *run = c->vcpu->run;
	struct hvmod_regs regs;
	bool memory = true;

	memcpy(c->vcpu->vm->mem + CALLER_CODE + 64, code, sizeof(code));
	hv_get_regs(c->vcpu, &regs);
	regs.rip = CALLER_CODE + 64;
	regs.gpr[HVMOD_RBX] = gpa;
	hv_set_regs(c->vcpu, &regs);
	for (;;) {
		hv_need(!hv_run(c->vcpu));
		if (run->exit_reason == HVMOD_EXIT_MMIO) {
			hv_need(!run->mmio.is_write && run->mmio.gpa == gpa);
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
			memory = false;
		} else if (run->exit_reason != HVMOD_EXIT_NONE) {
			break;
		}
	}
	hv_need(caller_is_back(c));
	hv_get_regs(c->vcpu, &regs);
	*value = regs.gpr[HVMOD_RAX];
	return memory;
}

/* One result line for each that is wrong, and one at the end: see caller_done(). */
#define CALL_EQ(c, want, nr, a, b, d) do {				\
	long want_ = (want);						\
	long got_ = caller_call(c, nr, (u64)(a), (u64)(b), (u64)(d));	\
	caller_checks++;						\
	if (got_ != want_) {						\
		caller_failed++;					\
		tap_ok(false, "%s:%d: %d bits: %ld, not %ld", __FILE__,	\
		       __LINE__, (c)->is_64 ? 64 : 32, got_, want_);	\
	}								\
} while (0)

#define CHECK_EQ(got, want) do {					\
	long long got_ = (long long)(got), want_ = (long long)(want);	\
	caller_checks++;						\
	if (got_ != want_) {						\
		caller_failed++;					\
		tap_ok(false, "%s:%d: %s: %lld (%#llx), not %lld", __FILE__, \
		       __LINE__, #got, got_, got_, want_);		\
	}								\
} while (0)

static int caller_checks, caller_failed;

static inline void caller_done(const char *name, const struct caller *c)
{
	tap_ok(!caller_failed, "%s, %d bits: %d checks", name, c->is_64 ? 64 : 32,
	       caller_checks);
	caller_checks = 0;
	caller_failed = 0;
}

#endif /* SELFTESTS_XEN_CALLER_H */
