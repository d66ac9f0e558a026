// SPDX-License-Identifier: GPL-2.0
/*
 * SSE and AVX moves between memory and XMM or YMM registers.
 * Called by the dispatch in insn_emul.c.
 * It must not touch the processor's own vector registers: they are behind
 * ops->read_vec and ops->write_vec.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_operand.h"

#define XCR0_SSE_AVX	0x6

static bool is_vex(const struct ginsn_ctx *ctx)
{
	return ctx->insn.prefix & GINSN_PFX_VEX;
}

/* SDM volume 2, "Exceptions Type 4" and following, in their order. */
static enum ginsn_result check_enabled(struct ginsn_ctx *ctx)
{
	if (!ctx->ops->read_vec || !ctx->ops->write_vec)
		return ginsn_refuse(ctx, "vector move");
	if (is_vex(ctx)) {
		if (!ginsn_protected(ctx) || !(ctx->cr4 & X86_CR4_OSXSAVE) ||
		    (ctx->xcr0 & XCR0_SSE_AVX) != XCR0_SSE_AVX)
			return ginsn_raise(ctx, X86_TRAP_UD);
	} else if (ctx->cr0 & X86_CR0_EM || !(ctx->cr4 & X86_CR4_OSFXSR)) {
		return ginsn_raise(ctx, X86_TRAP_UD);
	}
	if (ctx->cr0 & X86_CR0_TS)
		return ginsn_raise(ctx, X86_TRAP_NM);
	return GINSN_OK;
}

/* Checks that come before the access; ctx->dst_linear is set. */
static enum ginsn_result prepare(struct ginsn_ctx *ctx, unsigned int size,
				 bool aligned, bool write)
{
	enum ginsn_result r = check_enabled(ctx);

	if (!r)
		r = ginsn_locate(ctx, 0, size, write);
	if (!r && aligned && ctx->dst_linear & (size - 1))
		r = ginsn_raise(ctx, X86_TRAP_GP);
	return r;
}

static enum ginsn_result load(struct ginsn_ctx *ctx, unsigned int size,
			      bool aligned, void *buf)
{
	enum ginsn_result r = prepare(ctx, size, aligned, false);

	return r ? r : ginsn_mem_read(ctx, ctx->dst_linear, buf, size, 0);
}

/* VEX clears what is above its vector, legacy SSE keeps it. */
static enum ginsn_result set_vector(struct ginsn_ctx *ctx, const void *buf,
				    bool wide)
{
	ctx->ops->write_vec(ctx, ctx->insn.reg, buf, wide ? 32 : 16,
			    is_vex(ctx));
	return GINSN_OK;
}

enum ginsn_result ginsn_do_vload(struct ginsn_ctx *ctx)
{
	bool aligned = ctx->insn.row->flags & GINSN_R_ALIGN;
	unsigned int size = ctx->insn.opsize;
	enum ginsn_result r;
	u64 buf[4] = { 0 };

	r = load(ctx, size, aligned, buf);
	return r ? r : set_vector(ctx, buf, size == 32);
}

/* Also VSTORE_HIGH and VEXTRACT, which store from the middle. */
enum ginsn_result ginsn_do_vstore(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	bool aligned = insn->row->flags & GINSN_R_ALIGN;
	unsigned int from = 0;
	enum ginsn_result r;
	u8 buf[32];

	r = prepare(ctx, insn->opsize, aligned, true);
	if (r)
		return r;
	if (insn->row->op == GINSN_OP_VSTORE_HIGH)
		from = 8;
	else if (insn->row->op == GINSN_OP_VEXTRACT)
		from = insn->imm & 1 ? 16 : 0;
	ctx->ops->read_vec(ctx, insn->reg, buf,
			   from + insn->opsize > 16 ? 32 : 16);
	return ginsn_mem_write(ctx, ctx->dst_linear, buf + from, insn->opsize,
			       0);
}

/* MOVLPS, MOVHPS and so on: the other half comes from a register. */
enum ginsn_result ginsn_do_vload_half(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int half = insn->row->op == GINSN_OP_VLOAD_HIGH;
	u64 buf[4] = { 0 }, val;
	enum ginsn_result r;

	r = load(ctx, 8, false, &val);
	if (r)
		return r;
	ctx->ops->read_vec(ctx, is_vex(ctx) ? insn->vex_v : insn->reg, buf, 16);
	buf[half] = val;
	return set_vector(ctx, buf, false);
}

/* MOVDDUP (F2 12), MOVSLDUP (F3 12) and MOVSHDUP (F3 16) */
enum ginsn_result ginsn_do_vdup(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize, i;
	bool pairs = insn->prefix & GINSN_PFX_REPNE;
	enum ginsn_result r;
	u32 buf[8] = { 0 };

	if (pairs)
		r = load(ctx, size == 16 ? 8 : 32, false, buf);
	else
		r = load(ctx, size, !is_vex(ctx), buf);
	if (r)
		return r;
	for (i = 0; i < size / 4; i += 4) {
		if (pairs) {
			buf[i + 2] = buf[i];
			buf[i + 3] = buf[i + 1];
		} else if (insn->opcode == 0x12) {
			buf[i + 1] = buf[i];
			buf[i + 3] = buf[i + 2];
		} else {
			buf[i] = buf[i + 1];
			buf[i + 2] = buf[i + 3];
		}
	}
	return set_vector(ctx, buf, size == 32);
}

enum ginsn_result ginsn_do_vbroadcast(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.row->size, i;
	enum ginsn_result r;
	u8 buf[32] = { 0 };

	r = load(ctx, size, false, buf);
	if (r)
		return r;
	for (i = size; i < sizeof(buf); i += size)
		memcpy(buf + i, buf, size);
	return set_vector(ctx, buf, ctx->insn.vex_l);
}

enum ginsn_result ginsn_do_vinsert(struct ginsn_ctx *ctx)
{
	unsigned int half = ctx->insn.imm & 1;
	u64 buf[4] = { 0 }, val[2];
	enum ginsn_result r;

	r = load(ctx, 16, false, val);
	if (r)
		return r;
	ctx->ops->read_vec(ctx, ctx->insn.vex_v, buf, 32);
	memcpy(buf + 2 * half, val, 16);
	return set_vector(ctx, buf, true);
}
