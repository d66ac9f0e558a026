/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operands of the instruction being emulated: registers, memory, faults.
 * Shared by the emulator's files (insn_emul.c, insn_string.c, insn_sse.c,
 * insn_system.c), which are the only ones to include it.
 * A handler must do all that can fail before it changes ctx: reads first, then
 * at most one write, then registers.
 */
#ifndef HVMOD_ARCH_X86_INSN_OPERAND_H
#define HVMOD_ARCH_X86_INSN_OPERAND_H

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/insn_alu.h"
#include "arch/x86/insn_emul.h"
#include "arch/x86/insn_table.h"

/* Real mode and virtual-8086 mode have no descriptors. */
static inline bool ginsn_protected(const struct ginsn_ctx *ctx)
{
	return ctx->cr0 & X86_CR0_PE && !(ctx->rflags & X86_EFLAGS_VM);
}

/* Set ctx->fault; GINSN_FAULT.  The error code is 0 where there is one. */
enum ginsn_result ginsn_raise(struct ginsn_ctx *ctx, u8 vector);

/* Set ctx->why; GINSN_UNHANDLEABLE. */
enum ginsn_result ginsn_refuse(struct ginsn_ctx *ctx, const char *why);

/* General registers; byte registers 4 to 7 without REX are AH, CH, DH, BH. */
u64 ginsn_reg_read(const struct ginsn_ctx *ctx, unsigned int reg,
		   unsigned int size);
void ginsn_reg_write(struct ginsn_ctx *ctx, unsigned int reg,
		     unsigned int size, u64 val);

/* Registers as addresses and counters: no byte registers, cut to @size. */
static inline u64 ginsn_addr_read(const struct ginsn_ctx *ctx,
				  unsigned int reg, unsigned int size)
{
	return ctx->gpr[reg] & ginsn_mask(size);
}

bool ginsn_canonical(const struct ginsn_ctx *ctx, u64 linear);

/**
 * ginsn_linear() - segmentation: checks, then the linear address
 * @ctx: the vCPU
 * @seg: segment register
 * @off: offset, already wrapped to the address size
 * @len: bytes, at least 1
 * @write: a write
 * @linear: result
 *
 * Return: GINSN_OK or GINSN_FAULT (#GP, #SS, #AC).
 */
enum ginsn_result ginsn_linear(struct ginsn_ctx *ctx, unsigned int seg, u64 off,
			       unsigned int len, bool write, u64 *linear);

/* Accesses at a linear address, split at a page boundary.  GINSN_ACC_*. */
enum ginsn_result ginsn_mem_read(struct ginsn_ctx *ctx, u64 linear, void *buf,
				 unsigned int len, unsigned int flags);
enum ginsn_result ginsn_mem_write(struct ginsn_ctx *ctx, u64 linear,
				  const void *buf, unsigned int len,
				  unsigned int flags);
enum ginsn_result ginsn_mem_probe(struct ginsn_ctx *ctx, u64 linear,
				  unsigned int len, unsigned int flags);

/*
 * Make @old @new at ctx->dst_linear: atomically for LOCK and XCHG, by a plain
 * write otherwise and across a page boundary.
 */
enum ginsn_result ginsn_mem_update(struct ginsn_ctx *ctx, const void *old,
				   const void *new, unsigned int len);

/* Where the r/m memory operand is, plus @delta: into ctx->dst_linear. */
enum ginsn_result ginsn_locate(struct ginsn_ctx *ctx, s64 delta,
			       unsigned int len, bool write);

/* The r/m operand, register or memory. */
enum ginsn_result ginsn_rm_read(struct ginsn_ctx *ctx, unsigned int size,
				u64 *val);
enum ginsn_result ginsn_rm_write(struct ginsn_ctx *ctx, unsigned int size,
				 u64 val);

/* Both operands by the row's form, sizes by opsize; @update: dst is stored. */
enum ginsn_result ginsn_load_args(struct ginsn_ctx *ctx, bool update, u64 *dst,
				  u64 *src);
enum ginsn_result ginsn_store_dst(struct ginsn_ctx *ctx, u64 old, u64 new);

/* Handlers, one for each value of enum ginsn_op, in the file of their noun. */
enum ginsn_result ginsn_do_string(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_in(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_out(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vload(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vload_half(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vstore(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vdup(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vbroadcast(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_vinsert(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_store_table(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_load_table(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_store_sel(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_load_sel(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_smsw(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_lmsw(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_clts(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_mov_from_seg(struct ginsn_ctx *ctx);
enum ginsn_result ginsn_do_mov_to_seg(struct ginsn_ctx *ctx);

#endif
