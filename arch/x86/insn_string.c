// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions with their repetition, IN and OUT.
 * Called by the dispatch in insn_emul.c.
 * It must not run on without end: a call does at most ctx->rep_max iterations,
 * and each iteration leaves registers as an event may find them.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_operand.h"

#define DEFAULT_REP_MAX	1024
#define PAGE_BYTES	4096u

static bool repeated(const struct ginsn_ctx *ctx)
{
	return ctx->insn.prefix & (GINSN_PFX_REP | GINSN_PFX_REPNE);
}

/* rSI, rDI and rCX are as wide as an address. */
static void advance(struct ginsn_ctx *ctx, unsigned int reg, unsigned int count)
{
	s64 step = (s64)count * ctx->insn.opsize;

	if (ctx->rflags & X86_EFLAGS_DF)
		step = -step;
	ginsn_reg_write(ctx, reg, ctx->insn.adsize, ctx->gpr[reg] + step);
}

static enum ginsn_result source(struct ginsn_ctx *ctx, u64 *linear)
{
	u64 off = ginsn_addr_read(ctx, GINSN_RSI, ctx->insn.adsize);

	return ginsn_linear(ctx, ctx->insn.seg, off, ctx->insn.opsize, false,
			    linear);
}

/* ES whatever the prefixes say. */
static enum ginsn_result destination(struct ginsn_ctx *ctx, bool write,
				     u64 *linear)
{
	u64 off = ginsn_addr_read(ctx, GINSN_RDI, ctx->insn.adsize);

	return ginsn_linear(ctx, GINSN_ES, off, ctx->insn.opsize, write,
			    linear);
}

static enum ginsn_result read_source(struct ginsn_ctx *ctx, u64 *val)
{
	enum ginsn_result r;
	u64 linear;

	*val = 0;
	r = source(ctx, &linear);
	if (!r)
		r = ginsn_mem_read(ctx, linear, val, ctx->insn.opsize, 0);
	return r;
}

static enum ginsn_result read_destination(struct ginsn_ctx *ctx, u64 *val)
{
	enum ginsn_result r;
	u64 linear;

	*val = 0;
	r = destination(ctx, false, &linear);
	if (!r)
		r = ginsn_mem_read(ctx, linear, val, ctx->insn.opsize, 0);
	return r;
}

static enum ginsn_result write_destination(struct ginsn_ctx *ctx, u64 val)
{
	enum ginsn_result r;
	u64 linear;

	r = destination(ctx, true, &linear);
	if (!r)
		r = ginsn_mem_write(ctx, linear, &val, ctx->insn.opsize, 0);
	return r;
}

static enum ginsn_result movs(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 val;

	r = read_source(ctx, &val);
	if (!r)
		r = write_destination(ctx, val);
	if (r)
		return r;
	advance(ctx, GINSN_RSI, 1);
	advance(ctx, GINSN_RDI, 1);
	return GINSN_OK;
}

static enum ginsn_result stos(struct ginsn_ctx *ctx)
{
	enum ginsn_result r = write_destination(ctx, ctx->gpr[GINSN_RAX]);

	if (!r)
		advance(ctx, GINSN_RDI, 1);
	return r;
}

static enum ginsn_result lods(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 val;

	r = read_source(ctx, &val);
	if (r)
		return r;
	ginsn_reg_write(ctx, GINSN_RAX, ctx->insn.opsize, val);
	advance(ctx, GINSN_RSI, 1);
	return GINSN_OK;
}

static enum ginsn_result cmps(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 a, b;

	r = read_source(ctx, &a);
	if (!r)
		r = read_destination(ctx, &b);
	if (r)
		return r;
	ginsn_alu(GINSN_OP_CMP, ctx->insn.opsize, a, b, &ctx->rflags);
	advance(ctx, GINSN_RSI, 1);
	advance(ctx, GINSN_RDI, 1);
	return GINSN_OK;
}

static enum ginsn_result scas(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 val;

	r = read_destination(ctx, &val);
	if (r)
		return r;
	ginsn_alu(GINSN_OP_CMP, ctx->insn.opsize, ctx->gpr[GINSN_RAX], val,
		  &ctx->rflags);
	advance(ctx, GINSN_RDI, 1);
	return GINSN_OK;
}

/* SDM volume 1, "I/O Permission Bit Map". */
static enum ginsn_result check_port(struct ginsn_ctx *ctx, u16 port)
{
	unsigned int iopl = (ctx->rflags & X86_EFLAGS_IOPL) >> 12;

	if (!ctx->ops->pio)
		return ginsn_refuse(ctx, "port access");
	if (!ctx->ops->pio_check || !(ctx->cr0 & X86_CR0_PE))
		return GINSN_OK;
	if (ctx->cpl <= iopl && !(ctx->rflags & X86_EFLAGS_VM))
		return GINSN_OK;
	return ctx->ops->pio_check(ctx, port, ctx->insn.opsize);
}

/*
 * How many items of REP INS or OUTS can go at once to or from @off in @seg,
 * which is @linear: upwards, inside one page of plain memory, the segment and
 * the bounce buffer, without a wrap of the address.
 */
static unsigned int batch(struct ginsn_ctx *ctx, unsigned int seg, u64 off,
			  u64 linear, u64 max, unsigned int acc)
{
	unsigned int size = ctx->insn.opsize;
	u64 room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));

	if (!ctx->bounce || max < 2 || !repeated(ctx) ||
	    ctx->rflags & (X86_EFLAGS_DF | X86_EFLAGS_TF))
		return 1;
	max = min_t(u64, max, ctx->bounce_len / size);
	max = min_t(u64, max, room / size);
	max = min_t(u64, max, (ginsn_mask(ctx->insn.adsize) - off) / size);
	if (max < 2 ||
	    ginsn_linear(ctx, seg, off, max * size, acc, &linear) ||
	    ctx->ops->probe(ctx, linear, max * size, acc | GINSN_ACC_BULK))
		return 1;
	return max;
}

/* The destination is checked first: what a port has given cannot be put back. */
static enum ginsn_result ins(struct ginsn_ctx *ctx, u64 max, unsigned int *done)
{
	u64 off = ginsn_addr_read(ctx, GINSN_RDI, ctx->insn.adsize);
	unsigned int size = ctx->insn.opsize, count;
	u16 port = ctx->gpr[GINSN_RDX];
	enum ginsn_result r;
	u64 linear, one = 0;
	void *data;

	r = check_port(ctx, port);
	if (!r)
		r = destination(ctx, true, &linear);
	if (r)
		return r;
	count = batch(ctx, GINSN_ES, off, linear, max, GINSN_ACC_WRITE);
	data = count > 1 ? ctx->bounce : &one;
	r = ginsn_mem_probe(ctx, linear, count * size, GINSN_ACC_WRITE);
	if (!r)
		r = ctx->ops->pio(ctx, port, size, count, data, true);
	if (!r)
		r = ginsn_mem_write(ctx, linear, data, count * size, 0);
	if (r)
		return r;
	advance(ctx, GINSN_RDI, count);
	*done = count;
	return GINSN_OK;
}

static enum ginsn_result outs(struct ginsn_ctx *ctx, u64 max,
			      unsigned int *done)
{
	u64 off = ginsn_addr_read(ctx, GINSN_RSI, ctx->insn.adsize);
	unsigned int size = ctx->insn.opsize, count;
	u16 port = ctx->gpr[GINSN_RDX];
	enum ginsn_result r;
	u64 linear, one = 0;
	void *data;

	r = check_port(ctx, port);
	if (!r)
		r = source(ctx, &linear);
	if (r)
		return r;
	count = batch(ctx, ctx->insn.seg, off, linear, max, 0);
	data = count > 1 ? ctx->bounce : &one;
	r = ginsn_mem_read(ctx, linear, data, count * size, 0);
	if (!r)
		r = ctx->ops->pio(ctx, port, size, count, data, false);
	if (r)
		return r;
	advance(ctx, GINSN_RSI, count);
	*done = count;
	return GINSN_OK;
}

/* One iteration, or @done of them where it can do more, at most @max. */
static enum ginsn_result iterate(struct ginsn_ctx *ctx, u64 max,
				 unsigned int *done)
{
	*done = 1;
	switch (ctx->insn.row->op) {
	case GINSN_OP_MOVS:
		return movs(ctx);
	case GINSN_OP_CMPS:
		return cmps(ctx);
	case GINSN_OP_STOS:
		return stos(ctx);
	case GINSN_OP_LODS:
		return lods(ctx);
	case GINSN_OP_SCAS:
		return scas(ctx);
	case GINSN_OP_INS:
		return ins(ctx, max, done);
	default:
		return outs(ctx, max, done);
	}
}

static bool port_access(const struct ginsn_ctx *ctx)
{
	return ctx->insn.row->op == GINSN_OP_INS || ctx->insn.row->op == GINSN_OP_OUTS;
}

/* Has REPE or REPNE found what it looks for? */
static bool condition_ends(const struct ginsn_ctx *ctx)
{
	enum ginsn_op op = ctx->insn.row->op;
	bool zero = ctx->rflags & X86_EFLAGS_ZF;

	if (op != GINSN_OP_CMPS && op != GINSN_OP_SCAS)
		return false;
	return ctx->insn.prefix & GINSN_PFX_REPNE ? zero : !zero;
}

/*
 * With 32-bit addresses in 64-bit mode Intel's processors clear the upper half
 * of RCX even if ECX is 0; MOVS and STOS, also that of RSI and RDI.
 */
static void nothing_to_do(struct ginsn_ctx *ctx)
{
	enum ginsn_op op = ctx->insn.row->op;

	if (ctx->insn.adsize != 4)
		return;
	ctx->gpr[GINSN_RCX] = 0;
	if (op == GINSN_OP_MOVS)
		ctx->gpr[GINSN_RSI] = (u32)ctx->gpr[GINSN_RSI];
	if (op == GINSN_OP_MOVS || op == GINSN_OP_STOS)
		ctx->gpr[GINSN_RDI] = (u32)ctx->gpr[GINSN_RDI];
}

enum ginsn_result ginsn_do_string(struct ginsn_ctx *ctx)
{
	unsigned int budget = ctx->rep_max ? ctx->rep_max : DEFAULT_REP_MAX;
	unsigned int adsize = ctx->insn.adsize, done;
	enum ginsn_result r;
	u64 count;

	if (!repeated(ctx))
		return iterate(ctx, 1, &done);
	if (ctx->rflags & X86_EFLAGS_TF)
		budget = 1;
	count = ginsn_addr_read(ctx, GINSN_RCX, adsize);
	if (!count)
		nothing_to_do(ctx);
	while (count) {
		r = iterate(ctx, min_t(u64, count, budget), &done);
		if (r)
			return r;
		count -= done;
		budget -= done;
		ginsn_reg_write(ctx, GINSN_RCX, adsize, count);
		if (ctx->ops->commit)
			ctx->ops->commit(ctx);
		if (condition_ends(ctx))
			break;
		/*
		 * A batch of port accesses is as long as the budget allows.  It
		 * has to be the same one when it is done again with user
		 * space's answer: so each starts with a whole budget.
		 */
		if (count && (!budget || port_access(ctx)))
			return GINSN_MORE;
	}
	return GINSN_DONE;
}

static u16 port_of(const struct ginsn_ctx *ctx)
{
	return ctx->insn.row->form == GINSN_F_IMM8 ? (u8)ctx->insn.imm :
	       (u16)ctx->gpr[GINSN_RDX];
}

enum ginsn_result ginsn_do_in(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	u16 port = port_of(ctx);
	enum ginsn_result r;
	u64 val = 0;

	r = check_port(ctx, port);
	if (!r)
		r = ctx->ops->pio(ctx, port, size, 1, &val, true);
	if (!r)
		ginsn_reg_write(ctx, GINSN_RAX, size, val);
	return r;
}

enum ginsn_result ginsn_do_out(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	u64 val = ginsn_reg_read(ctx, GINSN_RAX, size);
	u16 port = port_of(ctx);
	enum ginsn_result r;

	r = check_port(ctx, port);
	return r ? r : ctx->ops->pio(ctx, port, size, 1, &val, false);
}
