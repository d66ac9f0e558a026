// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor-table registers, selectors and CR0: LGDT to SMSW, CLTS, MOV with
 * a segment register.
 * Called by the dispatch in insn_emul.c, mostly for descriptor-table exits.
 * It must not load a descriptor by itself: ops do, with all their checks.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_operand.h"

#define LMSW_BITS	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS)

/* User-mode instruction prevention: SGDT SIDT SLDT STR SMSW. */
static bool umip_refuses(const struct ginsn_ctx *ctx)
{
	return ctx->cpl && ctx->cr4 & X86_CR4_UMIP;
}

enum ginsn_result ginsn_do_store_table(struct ginsn_ctx *ctx)
{
	unsigned int len = ctx->mode == GINSN_MODE_64 ? 10 : 6;
	struct ginsn_dtable table = { 0 };
	enum ginsn_result r;
	u8 buf[10];

	if (umip_refuses(ctx))
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->read_dtable)
		return ginsn_refuse(ctx, "SGDT or SIDT");
	r = ginsn_locate(ctx, 0, len, true);
	if (!r)
		r = ctx->ops->read_dtable(ctx, ctx->insn.row->op ==
					  GINSN_OP_SGDT ? GINSN_GDTR :
					  GINSN_IDTR, &table);
	if (r)
		return r;
	memcpy(buf, &table.limit, 2);
	memcpy(buf + 2, &table.base, 8);
	return ginsn_mem_write(ctx, ctx->dst_linear, buf, len, 0);
}

enum ginsn_result ginsn_do_load_table(struct ginsn_ctx *ctx)
{
	unsigned int len = ctx->mode == GINSN_MODE_64 ? 10 : 6;
	struct ginsn_dtable table = { 0 };
	enum ginsn_result r;
	u8 buf[10];

	if (ctx->cpl)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->write_dtable)
		return ginsn_refuse(ctx, "LGDT or LIDT");
	r = ginsn_locate(ctx, 0, len, false);
	if (!r)
		r = ginsn_mem_read(ctx, ctx->dst_linear, buf, len, 0);
	if (r)
		return r;
	memcpy(&table.limit, buf, 2);
	memcpy(&table.base, buf + 2, len - 2);
	if (ctx->mode == GINSN_MODE_64) {
		if (!ginsn_canonical(ctx, table.base))
			return ginsn_raise(ctx, X86_TRAP_GP);
	} else if (ctx->insn.opsize == 2) {
		table.base &= 0xffffff;
	}
	return ctx->ops->write_dtable(ctx, ctx->insn.row->op == GINSN_OP_LGDT ?
				      GINSN_GDTR : GINSN_IDTR, &table);
}

/* To memory always a word, to a register zero-extended. */
static enum ginsn_result store_word(struct ginsn_ctx *ctx, u64 val)
{
	return ginsn_rm_write(ctx, ctx->insn.is_mem ? 2 : ctx->insn.opsize,
			      val);
}

enum ginsn_result ginsn_do_store_sel(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u16 sel = 0;

	if (!ginsn_protected(ctx))
		return ginsn_raise(ctx, X86_TRAP_UD);
	if (umip_refuses(ctx))
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->read_sel)
		return ginsn_refuse(ctx, "SLDT or STR");
	r = ctx->ops->read_sel(ctx, ctx->insn.row->op == GINSN_OP_SLDT ?
			       GINSN_LDTR : GINSN_TR, &sel);
	return r ? r : store_word(ctx, sel);
}

enum ginsn_result ginsn_do_load_sel(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 sel;

	if (!ginsn_protected(ctx))
		return ginsn_raise(ctx, X86_TRAP_UD);
	if (ctx->cpl)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->load_sel)
		return ginsn_refuse(ctx, "LLDT or LTR");
	r = ginsn_rm_read(ctx, 2, &sel);
	if (r)
		return r;
	return ctx->ops->load_sel(ctx, ctx->insn.row->op == GINSN_OP_LLDT ?
				  GINSN_LDTR : GINSN_TR, sel);
}

enum ginsn_result ginsn_do_smsw(struct ginsn_ctx *ctx)
{
	if (umip_refuses(ctx))
		return ginsn_raise(ctx, X86_TRAP_GP);
	return store_word(ctx, ctx->cr0);
}

/* LMSW can set PE but not clear it. */
enum ginsn_result ginsn_do_lmsw(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 val;

	if (ctx->cpl)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->write_cr0)
		return ginsn_refuse(ctx, "LMSW");
	r = ginsn_rm_read(ctx, 2, &val);
	if (r)
		return r;
	val = (ctx->cr0 & ~(u64)(LMSW_BITS & ~X86_CR0_PE)) | (val & LMSW_BITS);
	return ctx->ops->write_cr0(ctx, val);
}

enum ginsn_result ginsn_do_clts(struct ginsn_ctx *ctx)
{
	if (ctx->cpl)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (!ctx->ops->write_cr0)
		return ginsn_refuse(ctx, "CLTS");
	return ctx->ops->write_cr0(ctx, ctx->cr0 & ~(u64)X86_CR0_TS);
}

/* The decoder has refused segment registers that do not exist. */
static enum ginsn_segment segment_of(const struct ginsn_ctx *ctx)
{
	return ctx->insn.modrm >> 3 & 7;
}

enum ginsn_result ginsn_do_mov_from_seg(struct ginsn_ctx *ctx)
{
	return store_word(ctx, ctx->seg[segment_of(ctx)].sel);
}

enum ginsn_result ginsn_do_mov_to_seg(struct ginsn_ctx *ctx)
{
	enum ginsn_segment seg = segment_of(ctx);
	enum ginsn_result r;
	u64 sel;

	r = ginsn_rm_read(ctx, 2, &sel);
	if (r)
		return r;
	if (!ginsn_protected(ctx)) {
		ctx->seg[seg].sel = sel;
		ctx->seg[seg].base = sel << 4;
	} else if (ctx->ops->load_seg) {
		r = ctx->ops->load_seg(ctx, seg, sel);
	} else {
		r = ginsn_refuse(ctx, "segment load");
	}
	if (r)
		return r;
	if (seg == GINSN_SS)
		ctx->post |= GINSN_POST_SS;
	return GINSN_OK;
}
