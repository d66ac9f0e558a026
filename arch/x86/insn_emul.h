/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction emulator: executes one instruction on a copy of a vCPU's
 * registers, with memory, ports and system registers behind an ops struct.
 * Called for MMIO, string I/O and descriptor-table exits, and by user-space
 * tests that compare it with the processor; pure code, no kernel service.
 * It must not change any state before the instruction is sure to complete.
 *
 * How a caller runs it
 * --------------------
 * 1. Fill the IN members of struct ginsn_ctx, rewind the MMIO log, call
 *    ginsn_emulate().
 * 2. By result:
 *    GINSN_DONE         copy gpr, rip, rflags back; clear the STI and MOV-SS
 *                      shadow; honour ctx->post; ginsn_log_clear().
 *    GINSN_MORE         the same, and rip still names the instruction: handle
 *                      pending events, then enter the guest or call again.
 *    GINSN_FAULT        copy back as well (earlier iterations of a REP count),
 *                      then inject ctx->fault; ginsn_log_clear().
 *    GINSN_RETRY        copy back, enter the guest: it executes the instruction
 *                      once more; ginsn_log_clear().
 *    GINSN_PENDING      copy back, leave for user space with what the ops have
 *                      put there; when the answer is in the log, rewind it and
 *                      call ginsn_execute() with the same ctx->insn: the
 *                      instruction runs again from its start, accesses that
 *                      are in the log are answered from there.
 *    GINSN_UNHANDLEABLE nothing changed since the last commit; the VM dies with
 *                      ctx->why, or user space gets the bytes.
 *
 * MMIO and the log (insn_log.h)
 * -----------------------------
 * ops->read and ops->write that hit a device which is in user space split the
 * access into fragments as the device wants them, and for each one ask
 * ginsn_log_next(): is it there, then the answer is used (a write is simply
 * skipped: it has happened); if not, they record the request with
 * ginsn_log_ask(), and return GINSN_PENDING.  The emulator gives up without a
 * change of state.  So each fragment reaches the device exactly once, in
 * order, and no state of the emulator lives across an exit.  The same log
 * serves ports: a port access is a fragment too.
 *
 * An instruction of a REP string commits after each iteration: registers and
 * RIP are right for an event, ops->commit is called, and the log is forgotten
 * there (ginsn_log_clear() is a good body for that function).
 *
 * If anything but the answer changes registers between the two runs (a
 * register ioctl, INIT, a restore) the caller clears the log: a read with
 * side effects is then lost, as it is on a real machine after a reset.
 *
 * Which checks are whose
 * ----------------------
 * Emulator: #UD, #NM, CPL and UMIP checks, segment type and limit, canonical
 * addresses, #AC, vector alignment.  Ops: paging (with SMEP, SMAP, keys; the
 * fault goes to ctx->fault with cr2), device dispatch, I/O permission bitmap,
 * descriptor loads.  Not emulated: data breakpoints in DR0-DR3; an op that
 * wants them compares in read and write.
 */
#ifndef HVMOD_ARCH_X86_INSN_EMUL_H
#define HVMOD_ARCH_X86_INSN_EMUL_H

#include "arch/x86/insn_decode.h"

/* What ginsn_emulate() returns and what each op returns. */
enum ginsn_result {
	GINSN_OK = 0,
	GINSN_DONE = GINSN_OK,	/* complete, RIP is at the next instruction */
	GINSN_MORE,		/* REP: some iterations are complete */
	GINSN_FAULT,		/* ctx->fault is to be injected */
	GINSN_RETRY,		/* run it again: a locked update lost its race */
	GINSN_PENDING,		/* an op needs user space first */
	GINSN_UNHANDLEABLE,	/* not emulated; ctx->why says what */
};

/* A segment register; @attr is laid out as the VMX access-rights field. */
struct ginsn_seg {
	u64 base;
	u32 limit;		/* in bytes, inclusive */
	u32 attr;
	u16 sel;
};

#define GINSN_SEG_TYPE	0x0000f
#define GINSN_SEG_S	0x00010
#define GINSN_SEG_P	0x00080
#define GINSN_SEG_L	0x02000
#define GINSN_SEG_DB	0x04000
#define GINSN_SEG_G	0x08000
#define GINSN_SEG_UNUSABLE 0x10000

#define GINSN_TYPE_CODE	0x8	/* else data */
#define GINSN_TYPE_DOWN	0x4	/* data: expand-down; code: conforming */
#define GINSN_TYPE_RW	0x2	/* data: writable; code: readable */

struct ginsn_fault {
	u64 cr2;		/* for #PF */
	u32 error_code;
	u8 vector;
	bool has_error_code;
};

/* GDTR or IDTR */
struct ginsn_dtable {
	u64 base;
	u16 limit;
};

enum ginsn_sysreg {
	GINSN_GDTR, GINSN_IDTR, GINSN_LDTR, GINSN_TR,
};

struct ginsn_ctx;

/* Flags of the memory ops */
#define GINSN_ACC_WRITE	0x1	/* check for write permission, also in read */
#define GINSN_ACC_LOCK	0x2	/* part of a locked update */
#define GINSN_ACC_BULK	0x4	/* probe: is it plain memory? else GINSN_RETRY */

/**
 * struct ginsn_ops - what the emulator needs from its caller
 *
 * Linear addresses are canonical and within their segment, an access never
 * crosses a 4 KiB page (the emulator splits it, and probes both pages before
 * it touches the first).  Lengths are 1 to 32 bytes, and up to
 * ginsn_ctx.bounce_len for batches of string I/O.  Return GINSN_OK, GINSN_FAULT
 * with ctx->fault filled, GINSN_PENDING, GINSN_RETRY or GINSN_UNHANDLEABLE (with
 * ctx->why).  @fetch, @read, @write and @probe must be there, any other may be
 * NULL: instructions that need it are GINSN_UNHANDLEABLE.
 *
 * @fetch: bytes of the instruction, execute permission
 * @read: data read; with GINSN_ACC_WRITE a write to the same bytes follows, and
 *	a missing write permission is to be reported now, as a write
 * @write: data write
 * @probe: would an access fault? performs none; a device page is GINSN_OK,
 *	or GINSN_RETRY with GINSN_ACC_BULK: string I/O then goes item by item
 * @cmpxchg: atomically, when the @len (1, 2, 4, 8, 16) bytes still are @old,
 *	make them @new, else GINSN_RETRY.  Device memory: just a write of @new
 * @pio: @count accesses of @size bytes to one @port; @in: fill @data, else
 *	send it.  @count is above 1 only for REP INS and OUTS with a bounce buffer
 * @pio_check: I/O permission bitmap, called when CPL > IOPL or in virtual-8086
 *	mode; NULL: hardware has checked already
 * @commit: an iteration of a REP string is complete, its log can go
 * @read_vec: first @len (16 or 32) bytes of XMM/YMM register @reg
 * @write_vec: set the first @len bytes (16 or 32); @zero_upper: and clear the
 *	rest up to the largest vector
 * @load_seg: load segment register @seg with @sel in protected mode, all
 *	checks; must update ctx->seg[] too
 * @read_dtable: GDTR, IDTR
 * @write_dtable: the same
 * @read_sel: LDTR, TR
 * @load_sel: the same, with all checks
 * @write_cr0: LMSW and CLTS; must update ctx->cr0 too
 */
struct ginsn_ops {
	enum ginsn_result (*fetch)(struct ginsn_ctx *ctx, u64 linear, void *buf,
				   unsigned int len);
	enum ginsn_result (*read)(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len, unsigned int flags);
	enum ginsn_result (*write)(struct ginsn_ctx *ctx, u64 linear,
				   const void *buf, unsigned int len,
				  unsigned int flags);
	enum ginsn_result (*probe)(struct ginsn_ctx *ctx, u64 linear,
				   unsigned int len, unsigned int flags);
	enum ginsn_result (*cas)(struct ginsn_ctx *ctx, u64 linear,
				 const void *old, const void *new,
				 unsigned int len);
	enum ginsn_result (*pio)(struct ginsn_ctx *ctx, u16 port,
				 unsigned int size, unsigned int count,
				 void *data, bool in);
	enum ginsn_result (*pio_check)(struct ginsn_ctx *ctx, u16 port,
				       unsigned int size);
	void (*commit)(struct ginsn_ctx *ctx);
	void (*read_vec)(struct ginsn_ctx *ctx, unsigned int reg, void *buf,
			 unsigned int len);
	void (*write_vec)(struct ginsn_ctx *ctx, unsigned int reg,
			  const void *buf, unsigned int len, bool zero_upper);
	enum ginsn_result (*load_seg)(struct ginsn_ctx *ctx,
				      enum ginsn_segment seg, u16 sel);
	enum ginsn_result (*read_dtable)(struct ginsn_ctx *ctx,
					 enum ginsn_sysreg which,
					struct ginsn_dtable *table);
	enum ginsn_result (*write_dtable)(struct ginsn_ctx *ctx,
					  enum ginsn_sysreg which,
					 const struct ginsn_dtable *table);
	enum ginsn_result (*read_sel)(struct ginsn_ctx *ctx,
				      enum ginsn_sysreg which, u16 *sel);
	enum ginsn_result (*load_sel)(struct ginsn_ctx *ctx,
				      enum ginsn_sysreg which, u16 sel);
	enum ginsn_result (*write_cr0)(struct ginsn_ctx *ctx, u64 cr0);
};

/* ginsn_ctx.post: what the completed instruction leaves to its caller */
#define GINSN_POST_STEP	0x1	/* TF was set: #DB with DR6.BS is due */
#define GINSN_POST_SS	0x2	/* MOV SS, POP SS: interrupt shadow begins */

/**
 * struct ginsn_ctx - a vCPU as the emulator sees it
 * @ops: IN, services
 * @opaque: the caller's own
 * @gpr: IN/OUT, general registers in the order of enum ginsn_gpr
 * @rip: IN/OUT
 * @rflags: IN/OUT; RF is cleared by completion and set by GINSN_MORE
 * @cr0: IN
 * @cr4: IN
 * @xcr0: IN, what XSETBV has enabled; used for VEX-encoded moves
 * @seg: IN/OUT, ES, CS, SS, DS, FS, GS
 * @cpl: IN, 0 to 3; in real mode 0, in virtual-8086 mode 3
 * @mode: IN, enum ginsn_mode: 64 when EFER.LMA and CS.L, else by CS.D
 * @rep_max: IN, most iterations a call may do; 0 means the default of 1024
 * @bounce_len: IN, size of @bounce in bytes
 * @bounce: IN, may be NULL; with it INS and OUTS move many items at once
 * @insn: OUT of ginsn_emulate(), IN of ginsn_execute()
 * @fault: OUT with GINSN_FAULT
 * @post: OUT, GINSN_POST_*
 * @why: OUT with GINSN_UNHANDLEABLE, a constant string
 * @next_rip: private
 * @dst_linear: private
 *
 * No member needs to be cleared beforehand except those marked IN.
 */
struct ginsn_ctx {
	const struct ginsn_ops *ops;
	void *opaque;
	u64 gpr[GINSN_GPR_COUNT];
	u64 rip;
	u64 rflags;
	u64 cr0;
	u64 cr4;
	u64 xcr0;
	struct ginsn_seg seg[GINSN_SEG_COUNT];
	u8 cpl;
	u8 mode;
	u16 rep_max;
	u32 bounce_len;
	void *bounce;
	struct ginsn insn;
	struct ginsn_fault fault;
	u32 post;
	const char *why;
	u64 next_rip;
	u64 dst_linear;
};

/**
 * ginsn_emulate() - fetch, decode and execute the instruction at CS:RIP
 * @ctx: the vCPU
 *
 * Context: that of the ops; no lock of its own, does not sleep by itself,
 * less than 1 KiB of stack.
 * Return: enum ginsn_result, see the top of this file.
 */
enum ginsn_result ginsn_emulate(struct ginsn_ctx *ctx);

/**
 * ginsn_execute() - execute ctx->insn, which was decoded for this RIP and mode
 * @ctx: the vCPU
 *
 * Return: as ginsn_emulate().
 */
enum ginsn_result ginsn_execute(struct ginsn_ctx *ctx);

/**
 * ginsn_fetch() - the first half of ginsn_emulate(): fill ctx->insn
 * @ctx: the vCPU
 *
 * Return: GINSN_OK, GINSN_FAULT (#PF or #GP of the fetch, #UD, #GP(0) for more
 * than 15 bytes), GINSN_UNHANDLEABLE for an instruction not in the tables, or
 * what ops->fetch returned.
 */
enum ginsn_result ginsn_fetch(struct ginsn_ctx *ctx);

#endif
