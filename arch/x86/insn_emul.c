// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator: fetch, dispatch, completion, and the handlers of
 * general-purpose instructions.
 * Called as insn_emul.h says.
 * It must not change ctx or memory before everything that can fail has been
 * done: handlers read, then write memory once, then write registers.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_operand.h"

#define PAGE_BYTES	4096u

static enum ginsn_result do_alu(struct ginsn_ctx *ctx)
{
	enum ginsn_op op = ctx->insn.row->op;
	bool update = op != GINSN_OP_CMP && op != GINSN_OP_TEST;
	u64 dst, src, new, flags = ctx->rflags;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, update, &dst, &src);
	if (r)
		return r;
	new = ginsn_alu(op, ctx->insn.opsize, dst, src, &flags);
	if (update)
		r = ginsn_store_dst(ctx, dst, new);
	if (!r)
		ctx->rflags = flags;
	return r;
}

static enum ginsn_result do_not(struct ginsn_ctx *ctx)
{
	enum ginsn_result r;
	u64 dst, src;

	r = ginsn_load_args(ctx, true, &dst, &src);
	return r ? r : ginsn_store_dst(ctx, dst, ~dst);
}

static enum ginsn_result do_shift(struct ginsn_ctx *ctx)
{
	u64 dst, count, new, flags = ctx->rflags;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, true, &dst, &count);
	if (r)
		return r;
	new = ginsn_shift(ctx->insn.row->op, ctx->insn.opsize, dst,
			  count & 0xff, &flags);
	r = ginsn_store_dst(ctx, dst, new);
	if (!r)
		ctx->rflags = flags;
	return r;
}

static enum ginsn_result do_shift_double(struct ginsn_ctx *ctx)
{
	u64 dst, src, new, count, flags = ctx->rflags;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, true, &dst, &src);
	if (r)
		return r;
	count = ctx->insn.row->form == GINSN_F_MRC ? ctx->gpr[GINSN_RCX] :
		ctx->insn.imm;
	new = ginsn_shift_double(ctx->insn.row->op, ctx->insn.opsize, dst, src,
				 count & 0xff, &flags);
	r = ginsn_store_dst(ctx, dst, new);
	if (!r)
		ctx->rflags = flags;
	return r;
}

/*
 * A register as bit offset reaches beyond the operand: SDM "BT--Bit Test",
 * the memory operand is the base of a bit string.
 */
static enum ginsn_result do_bit(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize, bits = 8 * size;
	bool update = insn->row->op != GINSN_OP_BT;
	u64 index, dst = 0, new, flags = ctx->rflags;
	enum ginsn_result r;
	s64 delta = 0;

	index = insn->imm;
	if (insn->row->form == GINSN_F_MR) {
		index = ginsn_sign(ctx->gpr[insn->reg], size);
		/* From bits to whole operands, rounded down, to bytes. */
		delta = (s64)(index & ~(u64)(bits - 1)) / 8;
	}
	if (insn->is_mem) {
		r = ginsn_locate(ctx, delta, size, update);
		if (!r)
			r = ginsn_mem_read(ctx, ctx->dst_linear, &dst, size,
					   (update ? GINSN_ACC_WRITE : 0) |
					   (insn->prefix & GINSN_PFX_LOCK ?
					    GINSN_ACC_LOCK : 0));
		if (r)
			return r;
	} else {
		dst = ginsn_reg_read(ctx, insn->rm, size);
	}
	new = ginsn_bit(insn->row->op, dst, index & (bits - 1), &flags);
	if (update && insn->is_mem)
		r = ginsn_mem_update(ctx, &dst, &new, size);
	else
		r = GINSN_OK;
	if (r)
		return r;
	if (update && !insn->is_mem)
		ginsn_reg_write(ctx, insn->rm, size, new);
	ctx->rflags = flags;
	return GINSN_OK;
}

/* MUL and one-operand IMUL: rDX:rAX, or AX for bytes. */
static enum ginsn_result do_multiply_acc(struct ginsn_ctx *ctx)
{
	bool sign = ctx->insn.row->op == GINSN_OP_IMUL1;
	unsigned int size = ctx->insn.opsize;
	u64 src, low, high;
	enum ginsn_result r;

	r = ginsn_rm_read(ctx, size, &src);
	if (r)
		return r;
	low = ginsn_multiply(sign, size, ctx->gpr[GINSN_RAX], src, &high,
			     &ctx->rflags);
	if (size == 1) {
		ginsn_reg_write(ctx, GINSN_RAX, 2, high << 8 | low);
		return GINSN_OK;
	}
	ginsn_reg_write(ctx, GINSN_RAX, size, low);
	ginsn_reg_write(ctx, GINSN_RDX, size, high);
	return GINSN_OK;
}

static enum ginsn_result do_imul(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	u64 dst, src, high;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, false, &dst, &src);
	if (r)
		return r;
	dst = ginsn_multiply(true, size, dst, src, &high, &ctx->rflags);
	ginsn_reg_write(ctx, ctx->insn.reg, size, dst);
	return GINSN_OK;
}

static enum ginsn_result do_mov(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;
	enum ginsn_result r;
	u64 val;

	switch (insn->row->form) {
	case GINSN_F_MR:
	case GINSN_F_OFF_ACC:
		return ginsn_rm_write(ctx, size,
				      ginsn_reg_read(ctx, insn->reg, size));
	case GINSN_F_MI:
		return ginsn_rm_write(ctx, size, insn->imm);
	case GINSN_F_REG_IMM:
		ginsn_reg_write(ctx, insn->reg, size, insn->imm);
		return GINSN_OK;
	default:		/* RM, ACC_OFF */
		break;
	}
	r = ginsn_rm_read(ctx, size, &val);
	if (!r)
		ginsn_reg_write(ctx, insn->reg, size, val);
	return r;
}

/* MOVZX, MOVSX, MOVSXD: the source is smaller than the destination. */
static enum ginsn_result do_mov_extend(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = min(insn->row->size, insn->opsize);
	enum ginsn_result r;
	u64 val;

	r = ginsn_rm_read(ctx, size, &val);
	if (r)
		return r;
	if (insn->row->op == GINSN_OP_MOVSX)
		val = ginsn_sign(val, size);
	ginsn_reg_write(ctx, insn->reg, insn->opsize, val);
	return GINSN_OK;
}

static u64 swap_bytes(u64 val, unsigned int size)
{
	return __builtin_bswap64(val) >> (64 - 8 * size);
}

static enum ginsn_result do_movbe(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;
	enum ginsn_result r;
	u64 val;

	if (insn->row->form == GINSN_F_MR)
		return ginsn_rm_write(ctx, size,
				      swap_bytes(ctx->gpr[insn->reg], size));
	r = ginsn_rm_read(ctx, size, &val);
	if (!r)
		ginsn_reg_write(ctx, insn->reg, size, swap_bytes(val, size));
	return r;
}

static enum ginsn_result do_xchg(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;
	enum ginsn_result r;
	u64 dst, src;

	/* 90 is NOP, not XCHG EAX, EAX. */
	if (insn->row->form == GINSN_F_REG && insn->reg == GINSN_RAX)
		return GINSN_OK;
	r = ginsn_load_args(ctx, true, &dst, &src);
	if (!r)
		r = ginsn_store_dst(ctx, dst, src);
	if (r)
		return r;
	ginsn_reg_write(ctx, insn->row->form == GINSN_F_REG ? GINSN_RAX :
			insn->reg, size, dst);
	return GINSN_OK;
}

static enum ginsn_result do_xadd(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;
	u64 dst, src, new, flags = ctx->rflags;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, true, &dst, &src);
	if (r)
		return r;
	new = ginsn_alu(GINSN_OP_ADD, size, dst, src, &flags);
	if (insn->is_mem)
		r = ginsn_mem_update(ctx, &dst, &new, size);
	if (r)
		return r;
	ginsn_reg_write(ctx, insn->reg, size, dst);
	if (!insn->is_mem)
		ginsn_reg_write(ctx, insn->rm, size, new);
	ctx->rflags = flags;
	return GINSN_OK;
}

/*
 * The processor writes the old value back when the comparison fails; nobody
 * can see that in memory, and a device is spared it.
 */
static enum ginsn_result do_cmpxchg(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	u64 dst, src, acc, flags = ctx->rflags;
	enum ginsn_result r;

	r = ginsn_load_args(ctx, true, &dst, &src);
	if (r)
		return r;
	acc = ginsn_reg_read(ctx, GINSN_RAX, size);
	ginsn_alu(GINSN_OP_CMP, size, acc, dst, &flags);
	if (acc == dst)
		r = ginsn_store_dst(ctx, dst, src);
	else
		ginsn_reg_write(ctx, GINSN_RAX, size, dst);
	if (!r)
		ctx->rflags = flags;
	return r;
}

static enum ginsn_result do_cmpxchg8b(struct ginsn_ctx *ctx)
{
	unsigned int half = ctx->insn.rex & GINSN_REX_W ? 8 : 4;
	unsigned int flags = GINSN_ACC_WRITE;
	u64 old[2] = { 0, 0 }, new[2];
	enum ginsn_result r;

	if (ctx->insn.prefix & GINSN_PFX_LOCK)
		flags |= GINSN_ACC_LOCK;
	r = ginsn_locate(ctx, 0, 2 * half, true);
	if (!r && half == 8 && ctx->dst_linear & 15)
		r = ginsn_raise(ctx, X86_TRAP_GP);
	if (!r)
		r = ginsn_mem_read(ctx, ctx->dst_linear, old, 2 * half, flags);
	if (r)
		return r;
	if (half == 4) {
		old[1] = old[0] >> 32;
		old[0] = (u32)old[0];
	}
	if (old[0] != ginsn_addr_read(ctx, GINSN_RAX, half) ||
	    old[1] != ginsn_addr_read(ctx, GINSN_RDX, half)) {
		ginsn_reg_write(ctx, GINSN_RAX, half, old[0]);
		ginsn_reg_write(ctx, GINSN_RDX, half, old[1]);
		ctx->rflags &= ~(u64)X86_EFLAGS_ZF;
		return GINSN_OK;
	}
	new[0] = ctx->gpr[GINSN_RBX];
	new[1] = ctx->gpr[GINSN_RCX];
	if (half == 4) {
		old[0] |= old[1] << 32;
		new[0] = (u32)new[0] | new[1] << 32;
	}
	r = ginsn_mem_update(ctx, old, new, 2 * half);
	if (!r)
		ctx->rflags |= X86_EFLAGS_ZF;
	return r;
}

static enum ginsn_result do_setcc(struct ginsn_ctx *ctx)
{
	return ginsn_rm_write(ctx, 1, ginsn_condition(ctx->insn.opcode,
						      ctx->rflags));
}

/* The source is read, and may fault, whether or not it is moved. */
static enum ginsn_result do_cmovcc(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	enum ginsn_result r;
	u64 dst, src;

	r = ginsn_load_args(ctx, false, &dst, &src);
	if (r)
		return r;
	if (ginsn_condition(ctx->insn.opcode, ctx->rflags))
		dst = src;
	ginsn_reg_write(ctx, ctx->insn.reg, size, dst);
	return GINSN_OK;
}

static unsigned int stack_address_size(const struct ginsn_ctx *ctx)
{
	if (ctx->mode == GINSN_MODE_64)
		return 8;
	return ctx->seg[GINSN_SS].attr & GINSN_SEG_DB ? 4 : 2;
}

/* rSP moved by @delta within its size; the bits above stay. */
static u64 moved_rsp(const struct ginsn_ctx *ctx, s64 delta)
{
	u64 mask = ginsn_mask(stack_address_size(ctx));
	u64 rsp = ctx->gpr[GINSN_RSP];

	return (rsp & ~mask) | ((rsp + delta) & mask);
}

static enum ginsn_result push(struct ginsn_ctx *ctx, u64 val, unsigned int size)
{
	u64 rsp = moved_rsp(ctx, -(s64)size), linear;
	enum ginsn_result r;

	r = ginsn_linear(ctx, GINSN_SS,
			 rsp & ginsn_mask(stack_address_size(ctx)), size, true,
			 &linear);
	if (!r)
		r = ginsn_mem_write(ctx, linear, &val, size, 0);
	if (!r)
		ctx->gpr[GINSN_RSP] = rsp;
	return r;
}

static enum ginsn_result do_push(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	unsigned int size = insn->opsize;
	u64 val = insn->imm;
	enum ginsn_result r = GINSN_OK;

	if (insn->row->form == GINSN_F_REG)
		val = ginsn_reg_read(ctx, insn->reg, size);
	else if (insn->row->form == GINSN_F_M)
		r = ginsn_rm_read(ctx, size, &val);
	return r ? r : push(ctx, val, size);
}

/* The address of the destination is computed with the new rSP. */
static enum ginsn_result do_pop(struct ginsn_ctx *ctx)
{
	const struct ginsn *insn = &ctx->insn;
	u64 rsp = ctx->gpr[GINSN_RSP], linear, val = 0;
	unsigned int size = insn->opsize;
	enum ginsn_result r;

	r = ginsn_linear(ctx, GINSN_SS,
			 rsp & ginsn_mask(stack_address_size(ctx)), size, false,
			 &linear);
	if (!r)
		r = ginsn_mem_read(ctx, linear, &val, size, 0);
	if (r)
		return r;
	ctx->gpr[GINSN_RSP] = moved_rsp(ctx, size);
	if (insn->row->form == GINSN_F_REG) {
		ginsn_reg_write(ctx, insn->reg, size, val);
		return GINSN_OK;
	}
	r = ginsn_rm_write(ctx, size, val);
	if (r)
		ctx->gpr[GINSN_RSP] = rsp;
	return r;
}

/* CALL and JMP near, absolute indirect. */
static enum ginsn_result do_branch(struct ginsn_ctx *ctx)
{
	unsigned int size = ctx->insn.opsize;
	enum ginsn_result r;
	u64 target;

	r = ginsn_rm_read(ctx, size, &target);
	if (r)
		return r;
	if (ctx->mode == GINSN_MODE_64 ? !ginsn_canonical(ctx, target) :
	    target > ctx->seg[GINSN_CS].limit)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (ctx->insn.row->op == GINSN_OP_CALL)
		r = push(ctx, ctx->next_rip, size);
	if (!r)
		ctx->next_rip = target;
	return r;
}

/* CLFLUSH, CLFLUSHOPT, CLWB: checked as a read of one byte. */
static enum ginsn_result do_clflush(struct ginsn_ctx *ctx)
{
	enum ginsn_result r = ginsn_locate(ctx, 0, 1, false);

	return r ? r : ginsn_mem_probe(ctx, ctx->dst_linear, 1, 0);
}

static enum ginsn_result (*const handlers[])(struct ginsn_ctx *) = {
	[GINSN_OP_ADD ... GINSN_OP_CMP] = do_alu,
	[GINSN_OP_ROL ... GINSN_OP_SAR] = do_shift,
	[GINSN_OP_SHLD ... GINSN_OP_SHRD] = do_shift_double,
	[GINSN_OP_BT ... GINSN_OP_BTC] = do_bit,
	[GINSN_OP_TEST] = do_alu,
	[GINSN_OP_NOT] = do_not,
	[GINSN_OP_NEG ... GINSN_OP_DEC] = do_alu,
	[GINSN_OP_MUL ... GINSN_OP_IMUL1] = do_multiply_acc,
	[GINSN_OP_IMUL] = do_imul,
	[GINSN_OP_MOV] = do_mov,
	[GINSN_OP_MOVZX ... GINSN_OP_MOVSX] = do_mov_extend,
	[GINSN_OP_MOVBE] = do_movbe,
	[GINSN_OP_MOV_FROM_SEG] = ginsn_do_mov_from_seg,
	[GINSN_OP_MOV_TO_SEG] = ginsn_do_mov_to_seg,
	[GINSN_OP_XCHG] = do_xchg,
	[GINSN_OP_CMPXCHG] = do_cmpxchg,
	[GINSN_OP_CMPXCHG8B] = do_cmpxchg8b,
	[GINSN_OP_XADD] = do_xadd,
	[GINSN_OP_SETCC] = do_setcc,
	[GINSN_OP_CMOVCC] = do_cmovcc,
	[GINSN_OP_PUSH] = do_push,
	[GINSN_OP_POP] = do_pop,
	[GINSN_OP_CALL ... GINSN_OP_JMP] = do_branch,
	[GINSN_OP_MOVS ... GINSN_OP_OUTS] = ginsn_do_string,
	[GINSN_OP_IN] = ginsn_do_in,
	[GINSN_OP_OUT] = ginsn_do_out,
	[GINSN_OP_SGDT ... GINSN_OP_SIDT] = ginsn_do_store_table,
	[GINSN_OP_LGDT ... GINSN_OP_LIDT] = ginsn_do_load_table,
	[GINSN_OP_SLDT ... GINSN_OP_STR] = ginsn_do_store_sel,
	[GINSN_OP_LLDT ... GINSN_OP_LTR] = ginsn_do_load_sel,
	[GINSN_OP_SMSW] = ginsn_do_smsw,
	[GINSN_OP_LMSW] = ginsn_do_lmsw,
	[GINSN_OP_CLTS] = ginsn_do_clts,
	[GINSN_OP_CLFLUSH] = do_clflush,
	[GINSN_OP_VLOAD] = ginsn_do_vload,
	[GINSN_OP_VSTORE] = ginsn_do_vstore,
	[GINSN_OP_VLOAD_LOW ... GINSN_OP_VLOAD_HIGH] = ginsn_do_vload_half,
	[GINSN_OP_VSTORE_HIGH] = ginsn_do_vstore,
	[GINSN_OP_VDUP] = ginsn_do_vdup,
	[GINSN_OP_VBROADCAST] = ginsn_do_vbroadcast,
	[GINSN_OP_VINSERT] = ginsn_do_vinsert,
	[GINSN_OP_VEXTRACT] = ginsn_do_vstore,
};

enum ginsn_result ginsn_execute(struct ginsn_ctx *ctx)
{
	bool step = ctx->rflags & X86_EFLAGS_TF;
	u64 next = ctx->rip + ctx->insn.length;
	enum ginsn_result r;

	ctx->next_rip = ctx->mode == GINSN_MODE_64 ? next : (u32)next;
	ctx->post = 0;
	r = handlers[ctx->insn.row->op](ctx);
	if (r == GINSN_DONE) {
		ctx->rip = ctx->next_rip;
		ctx->rflags &= ~(u64)X86_EFLAGS_RF;
	} else if (r == GINSN_MORE) {
		ctx->rflags |= X86_EFLAGS_RF;
	} else {
		return r;
	}
	/* MOV SS holds the trap back for one more instruction. */
	if (step && !(ctx->post & GINSN_POST_SS))
		ctx->post |= GINSN_POST_STEP;
	return r;
}

/*
 * Linear address of instruction byte number @done, and how many bytes may be
 * fetched there: up to the end of the page, of CS and of an instruction.
 */
static enum ginsn_result fetch_window(struct ginsn_ctx *ctx, unsigned int done,
				      u64 *linear, unsigned int *len)
{
	const struct ginsn_seg *cs = &ctx->seg[GINSN_CS];
	u64 off = ctx->rip + done, room;

	*len = GINSN_MAX_LEN - done;
	if (ctx->mode == GINSN_MODE_64) {
		*linear = off;
		if (!ginsn_canonical(ctx, off))
			return ginsn_raise(ctx, X86_TRAP_GP);
	} else {
		off = (u32)off;
		if (off > cs->limit)
			return ginsn_raise(ctx, X86_TRAP_GP);
		room = (u64)cs->limit - off + 1;
		*len = min_t(u64, *len, room);
		*linear = (u32)(cs->base + off);
	}
	room = PAGE_BYTES - (*linear & (PAGE_BYTES - 1));
	*len = min_t(u64, *len, room);
	return GINSN_OK;
}

enum ginsn_result ginsn_fetch(struct ginsn_ctx *ctx)
{
	u8 bytes[GINSN_MAX_LEN];
	unsigned int len, done = 0;
	enum ginsn_result r;
	u64 linear = 0;
	int err;

	do {
		r = fetch_window(ctx, done, &linear, &len);
		if (!r)
			r = ctx->ops->fetch(ctx, linear, bytes + done, len);
		if (r)
			return r;
		done += len;
		err = ginsn_decode(&ctx->insn, bytes, done, ctx->mode);
	} while (err == -ENODATA);

	if (!err)
		return GINSN_OK;
	if (err == -ERANGE)
		return ginsn_raise(ctx, X86_TRAP_GP);
	if (err == -EINVAL)
		return ginsn_raise(ctx, X86_TRAP_UD);
	return ginsn_refuse(ctx, "instruction not in the emulator's tables");
}

enum ginsn_result ginsn_emulate(struct ginsn_ctx *ctx)
{
	enum ginsn_result r = ginsn_fetch(ctx);

	ctx->post = 0;
	return r ? r : ginsn_execute(ctx);
}
