// SPDX-License-Identifier: GPL-2.0
/*
 * Operands of the instruction being emulated: registers, memory, faults.
 * Called by the emulator's handlers; segmentation is here, paging is behind
 * the ops.
 * It must not change ctx except for registers that a handler asks to write.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_operand.h"

#define PAGE_BYTES	4096u

enum ginsn_result ginsn_raise(struct ginsn_ctx *ctx, u8 vector)
{
	ctx->fault.vector = vector;
	ctx->fault.error_code = 0;
	ctx->fault.cr2 = 0;
	ctx->fault.has_error_code = vector == X86_TRAP_GP ||
				    vector == X86_TRAP_SS ||
				    vector == X86_TRAP_AC;
	return GINSN_FAULT;
}

enum ginsn_result ginsn_refuse(struct ginsn_ctx *ctx, const char *why)
{
	ctx->why = why;
	return GINSN_UNHANDLEABLE;
}

u64 ginsn_reg_read(const struct ginsn_ctx *ctx, unsigned int reg,
		   unsigned int size)
{
	if (size == 1 && reg >= 4 && reg < 8 && !ctx->insn.rex)
		return ctx->gpr[reg & 3] >> 8 & 0xff;
	return ctx->gpr[reg & 15] & ginsn_mask(size);
}

void ginsn_reg_write(struct ginsn_ctx *ctx, unsigned int reg,
		     unsigned int size, u64 val)
{
	u64 *gpr = &ctx->gpr[reg & 15];

	switch (size) {
	case 1:
		if (reg >= 4 && reg < 8 && !ctx->insn.rex) {
			gpr = &ctx->gpr[reg & 3];
			*gpr = (*gpr & ~0xff00ULL) | (val & 0xff) << 8;
			break;
		}
		*gpr = (*gpr & ~0xffULL) | (val & 0xff);
		break;
	case 2:
		*gpr = (*gpr & ~0xffffULL) | (val & 0xffff);
		break;
	case 4:
		*gpr = (u32)val;
		break;
	default:
		*gpr = val;
	}
}

bool ginsn_canonical(const struct ginsn_ctx *ctx, u64 linear)
{
	unsigned int shift = ctx->cr4 & X86_CR4_LA57 ? 7 : 16;

	return (u64)((s64)(linear << shift) >> shift) == linear;
}

/* SDM volume 3, "Limit Checking" and "Type Checking". */
static bool segment_allows(const struct ginsn_ctx *ctx,
			   const struct ginsn_seg *seg, u64 off,
			   unsigned int len, bool write)
{
	u32 type = seg->attr & GINSN_SEG_TYPE;
	u64 last = off + len - 1;

	if (seg->attr & GINSN_SEG_UNUSABLE)
		return false;
	if (ginsn_protected(ctx)) {
		if (write && (type & GINSN_TYPE_CODE || !(type & GINSN_TYPE_RW)))
			return false;
		if (type & GINSN_TYPE_CODE && !(type & GINSN_TYPE_RW))
			return false;
	}
	if ((type & (GINSN_TYPE_CODE | GINSN_TYPE_DOWN)) == GINSN_TYPE_DOWN)
		return off > seg->limit &&
		       last <= (seg->attr & GINSN_SEG_DB ? ~0U : 0xffffU);
	return last <= seg->limit;
}

static bool misaligned(const struct ginsn_ctx *ctx, u64 linear,
		       unsigned int len)
{
	return ctx->cpl == 3 && ctx->cr0 & X86_CR0_AM &&
	       ctx->rflags & X86_EFLAGS_AC && len <= 8 && !(len & (len - 1)) &&
	       linear & (len - 1);
}

enum ginsn_result ginsn_linear(struct ginsn_ctx *ctx, unsigned int seg, u64 off,
			       unsigned int len, bool write, u64 *linear)
{
	const struct ginsn_seg *s = &ctx->seg[seg];
	u64 addr;

	if (ctx->mode == GINSN_MODE_64) {
		addr = seg >= GINSN_FS ? s->base + off : off;
		if (unlikely(!ginsn_canonical(ctx, addr) ||
			     !ginsn_canonical(ctx, addr + len - 1)))
			return ginsn_raise(ctx, seg == GINSN_SS ?
					   X86_TRAP_SS : X86_TRAP_GP);
	} else {
		if (unlikely(!segment_allows(ctx, s, off, len, write)))
			return ginsn_raise(ctx, seg == GINSN_SS ?
					   X86_TRAP_SS : X86_TRAP_GP);
		addr = (u32)(s->base + off);
	}
	if (unlikely(misaligned(ctx, addr, len)))
		return ginsn_raise(ctx, X86_TRAP_AC);
	*linear = addr;
	return GINSN_OK;
}

/* Bytes of an access that are in its first page. */
static unsigned int first_part(u64 linear, unsigned int len)
{
	unsigned int room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));

	return len < room ? len : room;
}

static u64 second_page(const struct ginsn_ctx *ctx, u64 linear)
{
	u64 next = (linear | (PAGE_BYTES - 1)) + 1;

	return ctx->mode == GINSN_MODE_64 ? next : (u32)next;
}

enum ginsn_result ginsn_mem_probe(struct ginsn_ctx *ctx, u64 linear,
				  unsigned int len, unsigned int flags)
{
	unsigned int part = first_part(linear, len);
	enum ginsn_result r;

	r = ctx->ops->probe(ctx, linear, part, flags);
	if (r || part == len)
		return r;
	return ctx->ops->probe(ctx, second_page(ctx, linear), len - part,
			       flags);
}

enum ginsn_result ginsn_mem_read(struct ginsn_ctx *ctx, u64 linear, void *buf,
				 unsigned int len, unsigned int flags)
{
	unsigned int part = first_part(linear, len);
	enum ginsn_result r;

	if (likely(part == len))
		return ctx->ops->read(ctx, linear, buf, len, flags);
	r = ginsn_mem_probe(ctx, linear, len, flags);
	if (!r)
		r = ctx->ops->read(ctx, linear, buf, part, flags);
	if (!r)
		r = ctx->ops->read(ctx, second_page(ctx, linear),
				   (u8 *)buf + part, len - part, flags);
	return r;
}

enum ginsn_result ginsn_mem_write(struct ginsn_ctx *ctx, u64 linear,
				  const void *buf, unsigned int len,
				  unsigned int flags)
{
	unsigned int part = first_part(linear, len);
	enum ginsn_result r;

	flags |= GINSN_ACC_WRITE;
	if (likely(part == len))
		return ctx->ops->write(ctx, linear, buf, len, flags);
	r = ginsn_mem_probe(ctx, linear, len, flags);
	if (!r)
		r = ctx->ops->write(ctx, linear, buf, part, flags);
	if (!r)
		r = ctx->ops->write(ctx, second_page(ctx, linear),
				    (const u8 *)buf + part, len - part, flags);
	return r;
}

/* XCHG with memory is locked without the prefix. */
static bool locked(const struct ginsn_ctx *ctx)
{
	return ctx->insn.prefix & GINSN_PFX_LOCK ||
	       ctx->insn.row->op == GINSN_OP_XCHG;
}

enum ginsn_result ginsn_mem_update(struct ginsn_ctx *ctx, const void *old,
				   const void *new, unsigned int len)
{
	if (!locked(ctx))
		return ginsn_mem_write(ctx, ctx->dst_linear, new, len, 0);
	if (!ctx->ops->cas)
		return ginsn_refuse(ctx, "locked update");
	if (first_part(ctx->dst_linear, len) != len)
		return ginsn_mem_write(ctx, ctx->dst_linear, new, len,
				       GINSN_ACC_LOCK);
	return ctx->ops->cas(ctx, ctx->dst_linear, old, new, len);
}

enum ginsn_result ginsn_locate(struct ginsn_ctx *ctx, s64 delta,
			       unsigned int len, bool write)
{
	const struct ginsn *insn = &ctx->insn;
	u64 off = ginsn_effective_address(insn, ctx->gpr, ctx->next_rip);

	off = (off + delta) & ginsn_mask(insn->adsize);
	return ginsn_linear(ctx, insn->seg, off, len, write, &ctx->dst_linear);
}

enum ginsn_result ginsn_rm_read(struct ginsn_ctx *ctx, unsigned int size,
				u64 *val)
{
	enum ginsn_result r;

	*val = 0;
	if (!ctx->insn.is_mem) {
		*val = ginsn_reg_read(ctx, ctx->insn.rm, size);
		return GINSN_OK;
	}
	r = ginsn_locate(ctx, 0, size, false);
	if (!r)
		r = ginsn_mem_read(ctx, ctx->dst_linear, val, size, 0);
	return r;
}

enum ginsn_result ginsn_rm_write(struct ginsn_ctx *ctx, unsigned int size,
				 u64 val)
{
	enum ginsn_result r;

	if (!ctx->insn.is_mem) {
		ginsn_reg_write(ctx, ctx->insn.rm, size, val);
		return GINSN_OK;
	}
	r = ginsn_locate(ctx, 0, size, true);
	if (!r)
		r = ginsn_mem_write(ctx, ctx->dst_linear, &val, size, 0);
	return r;
}

/* The r/m operand as a destination that is read first. */
static enum ginsn_result load_dst(struct ginsn_ctx *ctx, bool update, u64 *dst)
{
	unsigned int size = ctx->insn.opsize;
	unsigned int flags = 0;
	enum ginsn_result r;

	if (!update || !ctx->insn.is_mem)
		return ginsn_rm_read(ctx, size, dst);
	*dst = 0;
	flags = GINSN_ACC_WRITE;
	if (locked(ctx))
		flags |= GINSN_ACC_LOCK;
	r = ginsn_locate(ctx, 0, size, true);
	if (!r)
		r = ginsn_mem_read(ctx, ctx->dst_linear, dst, size, flags);
	return r;
}

enum ginsn_result ginsn_load_args(struct ginsn_ctx *ctx, bool update, u64 *dst,
				  u64 *src)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;

	*src = insn->imm & ginsn_mask(size);
	switch (insn->row->form) {
	case GINSN_F_RM:
		*dst = ginsn_reg_read(ctx, insn->reg, size);
		return ginsn_rm_read(ctx, size, src);
	case GINSN_F_RMI:
	case GINSN_F_RMI8:
		return ginsn_rm_read(ctx, size, dst);
	case GINSN_F_ACC_IMM:
		*dst = ginsn_reg_read(ctx, GINSN_RAX, size);
		return GINSN_OK;
	case GINSN_F_REG:
		*dst = ginsn_reg_read(ctx, insn->reg, size);
		*src = ginsn_reg_read(ctx, GINSN_RAX, size);
		return GINSN_OK;
	case GINSN_F_M1:
		*src = 1;
		break;
	case GINSN_F_MC:
		*src = ctx->gpr[GINSN_RCX] & 0xff;
		break;
	case GINSN_F_MR:
	case GINSN_F_MRC:
	case GINSN_F_MRI8:
		*src = ginsn_reg_read(ctx, insn->reg, size);
		break;
	default:
		break;
	}
	return load_dst(ctx, update, dst);
}

enum ginsn_result ginsn_store_dst(struct ginsn_ctx *ctx, u64 old, u64 new)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;

	switch (insn->row->form) {
	case GINSN_F_RM:
	case GINSN_F_RMI:
	case GINSN_F_RMI8:
	case GINSN_F_REG:
		ginsn_reg_write(ctx, insn->reg, size, new);
		return GINSN_OK;
	case GINSN_F_ACC_IMM:
		ginsn_reg_write(ctx, GINSN_RAX, size, new);
		return GINSN_OK;
	default:
		break;
	}
	if (insn->is_mem)
		return ginsn_mem_update(ctx, &old, &new, size);
	ginsn_reg_write(ctx, insn->rm, size, new);
	return GINSN_OK;
}
