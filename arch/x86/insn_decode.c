// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder: prefixes, opcode row, ModRM, immediate.
 * Called as insn_decode.h says, for each emulated exit, so it is short.
 * It must not read beyond the bytes it was given, nor know any instruction by
 * itself: that is in the rows of insn_table.c.
 *
 * What each instruction passes through is inlined into ginsn_decode(): half of
 * the time would be calls.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/insn_decode.h"
#include "arch/x86/insn_table.h"

struct cursor {
	const u8 *bytes;
	unsigned int pos;
	unsigned int len;	/* at most GINSN_MAX_LEN */
};

/* -ENODATA or -ERANGE when @count more bytes are not there. */
static __always_inline int need(const struct cursor *cur, unsigned int count)
{
	if (likely(cur->pos + count <= cur->len))
		return 0;
	return cur->pos + count > GINSN_MAX_LEN ? -ERANGE : -ENODATA;
}

/* A little-endian value of 1, 2, 4 or 8 bytes, sign-extended; or an error. */
static __always_inline int take_signed(struct cursor *cur, unsigned int size, u64 *val)
{
	const u8 *p = cur->bytes + cur->pos;
	int err = need(cur, size);
	u16 w;
	u32 d;

	if (err)
		return err;
	cur->pos += size;
	switch (size) {
	case 1:
		*val = (s8)p[0];
		break;
	case 2:
		memcpy(&w, p, 2);
		*val = (s16)w;
		break;
	case 4:
		memcpy(&d, p, 4);
		*val = (s32)d;
		break;
	default:
		memcpy(val, p, 8);
	}
	return 0;
}

/* The segment override of prefix byte @b; only FS and GS count with 64 bits. */
static void take_segment(struct ginsn *insn, u8 b)
{
	if (b >= 0x64)
		insn->seg = b == 0x64 ? GINSN_FS : GINSN_GS;
	else if (insn->mode != GINSN_MODE_64)
		insn->seg = b >> 3 & 3;
	else
		return;
	insn->prefix |= GINSN_PFX_SEG;
}

/*
 * Legacy prefixes and REX, then the first opcode byte and its row.
 * REX counts only right before the opcode.
 */
static __always_inline int take_prefixes(struct cursor *cur, struct ginsn *insn)
{
	const struct ginsn_row *row;
	int err;
	u8 b;

	for (;;) {
		err = need(cur, 1);
		if (err)
			return err;
		b = cur->bytes[cur->pos++];
		row = &ginsn_primary[b];
		if (row->form != GINSN_F_PREFIX)
			break;
		if (row->op == GINSN_P_REX) {
			if (insn->mode == GINSN_MODE_64) {
				insn->rex = b;
				continue;
			}
			row = b & 8 ? &ginsn_dec_reg : &ginsn_inc_reg;
			break;
		}
		insn->rex = 0;
		switch (row->op) {
		case GINSN_P_LOCK:
			insn->prefix |= GINSN_PFX_LOCK;
			break;
		case GINSN_P_REP:
			insn->prefix &= ~GINSN_PFX_REPNE;
			insn->prefix |= GINSN_PFX_REP;
			break;
		case GINSN_P_REPNE:
			insn->prefix &= ~GINSN_PFX_REP;
			insn->prefix |= GINSN_PFX_REPNE;
			break;
		case GINSN_P_OPSIZE:
			insn->prefix |= GINSN_PFX_OPSIZE;
			break;
		case GINSN_P_ADSIZE:
			insn->prefix |= GINSN_PFX_ADSIZE;
			break;
		default:
			take_segment(insn, b);
		}
	}
	insn->row = row;
	insn->opcode = b;
	return 0;
}

/* What follows a 0F byte. */
static int take_0f(struct cursor *cur, struct ginsn *insn)
{
	int err = need(cur, 1);
	u8 b;

	if (err)
		return err;
	b = cur->bytes[cur->pos++];
	insn->map = GINSN_MAP_0F;
	insn->opcode = b;
	if (b != 0x38 && b != 0x3a) {
		insn->row = &ginsn_0f[b];
		return 0;
	}
	err = need(cur, 1);
	if (err)
		return err;
	insn->opcode = cur->bytes[cur->pos++];
	if (b == 0x38) {
		insn->map = GINSN_MAP_0F38;
		insn->row = ginsn_row_0f38(insn->opcode);
	} else {
		insn->map = GINSN_MAP_0F3A;
		insn->row = ginsn_row_0f3a(insn->opcode);
	}
	return insn->row ? 0 : -EOPNOTSUPP;
}

/*
 * What follows C4 or C5: sets the prefix, rex and map fields as the legacy
 * bytes would.  Outside 64-bit mode it is LES or LDS when the next byte names
 * memory as a ModRM.
 */
static int take_vex(struct cursor *cur, struct ginsn *insn)
{
	unsigned int count = insn->opcode == 0xc4 ? 2 : 1;
	const u8 *p = cur->bytes + cur->pos;
	u8 last, map = GINSN_MAP_0F;
	int err = need(cur, 1);

	if (err)
		return err;
	if (insn->mode != GINSN_MODE_64 && p[0] < 0xc0)
		return -EOPNOTSUPP;
	if (insn->rex || insn->prefix & (GINSN_PFX_LOCK | GINSN_PFX_REP |
					 GINSN_PFX_REPNE | GINSN_PFX_OPSIZE))
		return -EINVAL;
	err = need(cur, count + 1);
	if (err)
		return err;
	cur->pos += count + 1;

	last = p[count - 1];
	insn->rex = p[0] & 0x80 ? 0 : GINSN_REX_R;
	if (count == 2) {
		map = p[0] & 0x1f;
		insn->rex |= (p[0] & 0x40 ? 0 : GINSN_REX_X) |
			     (p[0] & 0x20 ? 0 : GINSN_REX_B) |
			     (last & 0x80 ? GINSN_REX_W : 0);
	}
	insn->vex_v = ~last >> 3 & 15;
	insn->vex_l = last >> 2 & 1;
	if (insn->mode != GINSN_MODE_64) {
		insn->rex &= GINSN_REX_W;
		insn->vex_v &= 7;
	}
	/* pp: none, 66, F3, F2 */
	insn->prefix |= GINSN_PFX_VEX;
	if ((last & 3) == 1)
		insn->prefix |= GINSN_PFX_OPSIZE;
	else if ((last & 3) == 2)
		insn->prefix |= GINSN_PFX_REP;
	else if ((last & 3) == 3)
		insn->prefix |= GINSN_PFX_REPNE;

	insn->opcode = p[count];
	insn->map = map;
	if (map == GINSN_MAP_0F)
		insn->row = &ginsn_0f[insn->opcode];
	else if (map == GINSN_MAP_0F38)
		insn->row = ginsn_row_0f38(insn->opcode);
	else if (map == GINSN_MAP_0F3A)
		insn->row = ginsn_row_0f3a(insn->opcode);
	else
		return -EINVAL;
	return insn->row ? 0 : -EOPNOTSUPP;
}

/* The first opcode byte has no row of its own, or is a group. */
static int take_escape(struct cursor *cur, struct ginsn *insn)
{
	if (insn->opcode == 0x0f)
		return take_0f(cur, insn);
	if (insn->opcode == 0xc4 || insn->opcode == 0xc5)
		return take_vex(cur, insn);
	return 0;
}

/* Addressing with 16 bits, SDM "16-Bit Addressing Forms with the ModR/M Byte" */
static int take_address16(struct cursor *cur, struct ginsn *insn)
{
	static const u8 base[8] = {
		GINSN_RBX, GINSN_RBX, GINSN_RBP, GINSN_RBP,
		GINSN_RSI, GINSN_RDI, GINSN_RBP, GINSN_RBX,
	};
	static const u8 index[8] = {
		GINSN_RSI, GINSN_RDI, GINSN_RSI, GINSN_RDI,
		GINSN_REG_NONE, GINSN_REG_NONE, GINSN_REG_NONE, GINSN_REG_NONE,
	};
	unsigned int mod = insn->modrm >> 6, rm = insn->modrm & 7;

	insn->base = base[rm];
	insn->index = index[rm];
	insn->disp = 0;
	if (!mod && rm == 6) {
		insn->base = GINSN_REG_NONE;
		mod = 2;
	}
	if (insn->base == GINSN_RBP && !(insn->prefix & GINSN_PFX_SEG))
		insn->seg = GINSN_SS;
	if (!mod)
		return 0;
	return take_signed(cur, mod, (u64 *)&insn->disp);
}

/* The same with 32 or 64 bits, with its SIB byte. */
static __always_inline int take_address(struct cursor *cur, struct ginsn *insn)
{
	unsigned int mod = insn->modrm >> 6, base = insn->modrm & 7;
	int err;
	u8 sib;

	insn->index = GINSN_REG_NONE;
	insn->disp = 0;
	if (base == 4) {
		err = need(cur, 1);
		if (err)
			return err;
		sib = cur->bytes[cur->pos++];
		base = sib & 7;
		insn->scale = sib >> 6;
		insn->index = (sib >> 3 & 7) | (insn->rex & GINSN_REX_X) << 2;
		if (insn->index == 4)
			insn->index = GINSN_REG_NONE;
		if (!mod && base == 5) {
			insn->base = GINSN_REG_NONE;
			return take_signed(cur, 4, (u64 *)&insn->disp);
		}
	} else if (!mod && base == 5) {
		insn->base = insn->mode == GINSN_MODE_64 ?
			     GINSN_REG_RIP : GINSN_REG_NONE;
		return take_signed(cur, 4, (u64 *)&insn->disp);
	}
	base |= (insn->rex & GINSN_REX_B) << 3;
	insn->base = base;
	if ((base == GINSN_RSP || base == GINSN_RBP) &&
	    !(insn->prefix & GINSN_PFX_SEG))
		insn->seg = GINSN_SS;
	if (!mod)
		return 0;
	return take_signed(cur, mod == 1 ? 1 : 4, (u64 *)&insn->disp);
}

/* ModRM has been read into insn->modrm. */
static __always_inline int take_modrm_operand(struct cursor *cur, struct ginsn *insn)
{
	insn->reg = (insn->modrm >> 3 & 7) | (insn->rex & GINSN_REX_R) << 1;
	if (insn->modrm >= 0xc0) {
		insn->is_mem = 0;
		insn->rm = (insn->modrm & 7) | (insn->rex & GINSN_REX_B) << 3;
		return 0;
	}
	insn->is_mem = 1;
	if (insn->adsize == 2)
		return take_address16(cur, insn);
	return take_address(cur, insn);
}

static inline unsigned int operand_size(const struct ginsn *insn, u32 flags)
{
	bool opsize = insn->prefix & GINSN_PFX_OPSIZE;

	if (flags & GINSN_R_BYTE)
		return 1;
	if (insn->mode == GINSN_MODE_64) {
		if (insn->rex & GINSN_REX_W)
			return flags & GINSN_R_IO ? 4 : 8;
		if (flags & (GINSN_R_D64 | GINSN_R_F64))
			return opsize && !(flags & GINSN_R_F64) ? 2 : 8;
		return opsize ? 2 : 4;
	}
	return opsize == (insn->mode == GINSN_MODE_32) ? 2 : 4;
}

static unsigned int vector_size(const struct ginsn *insn,
				const struct ginsn_row *row)
{
	if (row->size)
		return row->size;
	if (row->flags & GINSN_R_WSIZE)
		return insn->rex & GINSN_REX_W &&
		       insn->mode == GINSN_MODE_64 ? 8 : 4;
	return insn->prefix & GINSN_PFX_VEX && insn->vex_l ? 32 : 16;
}

static __always_inline int take_immediate(struct cursor *cur, struct ginsn *insn)
{
	unsigned int size = min_t(unsigned int, insn->opsize, 4);

	if (insn->row->form < GINSN_F_REG_IMM ||
	    insn->row->form > GINSN_F_RMI8)
		return 0;
	switch (insn->row->form) {
	case GINSN_F_IMM8:
	case GINSN_F_MI8:
	case GINSN_F_MRI8:
	case GINSN_F_RMI8:
		size = 1;
		break;
	case GINSN_F_REG_IMM:
		size = insn->opsize;
		break;
	case GINSN_F_ACC_OFF:
	case GINSN_F_OFF_ACC:
		insn->is_mem = 1;
		insn->reg = GINSN_RAX;
		insn->base = GINSN_REG_NONE;
		insn->index = GINSN_REG_NONE;
		return take_signed(cur, insn->adsize, (u64 *)&insn->disp);
	default:		/* IMM, ACC_IMM, MI, RMI */
		break;
	}
	return take_signed(cur, size, &insn->imm);
}

#define RESTRICTED	(GINSN_R_NO64 | GINSN_R_ONLY64 | GINSN_R_MEM |	\
			 GINSN_R_MEMX | GINSN_R_SREG | GINSN_R_NOSSE)

/* Forms that the processor refuses, or that are another instruction. */
static inline int check_legal(const struct ginsn *insn)
{
	u32 flags = insn->row->flags;

	if (likely(!(insn->prefix & (GINSN_PFX_LOCK | GINSN_PFX_VEX)) &&
		   !(flags & RESTRICTED)))
		return 0;
	if (insn->prefix & GINSN_PFX_LOCK &&
	    !(flags & GINSN_R_LOCK && insn->is_mem))
		return -EINVAL;
	if (insn->mode == GINSN_MODE_64) {
		if (flags & GINSN_R_NO64)
			return -EINVAL;
	} else if (flags & GINSN_R_ONLY64) {
		return -EOPNOTSUPP;
	}
	if (flags & (GINSN_R_MEM | GINSN_R_MEMX) && !insn->is_mem)
		return flags & GINSN_R_MEM ? -EINVAL : -EOPNOTSUPP;
	if (flags & GINSN_R_SREG &&
	    ((insn->modrm >> 3 & 7) > GINSN_GS ||
	     (insn->row->op == GINSN_OP_MOV_TO_SEG &&
	      (insn->modrm >> 3 & 7) == GINSN_CS)))
		return -EINVAL;
	if (!(insn->prefix & GINSN_PFX_VEX))
		return flags & GINSN_R_NOSSE ? -EINVAL : 0;
	if (!(flags & GINSN_R_VEC))
		return -EOPNOTSUPP;
	if ((flags & GINSN_R_L0 && insn->vex_l) ||
	    (flags & GINSN_R_L1 && !insn->vex_l) ||
	    (flags & GINSN_R_W0 && insn->rex & GINSN_REX_W) ||
	    (!(flags & GINSN_R_VVVV) && insn->vex_v))
		return -EINVAL;
	return 0;
}

static inline unsigned int mandatory_prefix(const struct ginsn *insn)
{
	if (insn->prefix & GINSN_PFX_REP)
		return 2;
	if (insn->prefix & GINSN_PFX_REPNE)
		return 3;
	return insn->prefix & GINSN_PFX_OPSIZE ? 1 : 0;
}

/* From the opcode's row to the row of the instruction; ModRM when there is. */
static __always_inline int resolve_row(struct cursor *cur, struct ginsn *insn)
{
	const struct ginsn_row *row = insn->row;
	int err;

	if (row->form >= GINSN_F_MI) {
		err = need(cur, 1);
		if (err)
			return err;
		insn->modrm = cur->bytes[cur->pos++];
		if (row->flags & GINSN_R_PFX)
			row = ginsn_row_prefix(row, mandatory_prefix(insn));
		if (row->flags & GINSN_R_GROUP) {
			if (row->flags & GINSN_R_NO64 &&
			    insn->mode == GINSN_MODE_64)
				return -EINVAL;
			row = ginsn_row_group(row, insn->modrm >> 3);
		}
	}
	insn->row = row;
	if (unlikely(row->op <= GINSN_OP_UD))
		return row->op == GINSN_OP_UD ? -EINVAL : -EOPNOTSUPP;
	return 0;
}

int ginsn_decode(struct ginsn *insn, const u8 *bytes, unsigned int len,
		 enum ginsn_mode mode)
{
	struct cursor cur = { bytes, 0, min_t(unsigned int, len, GINSN_MAX_LEN) };
	u8 adsize;
	int err;

	insn->imm = 0;
	insn->prefix = 0;
	insn->rex = 0;
	insn->map = GINSN_MAP_PRIMARY;
	insn->modrm = 0;
	insn->is_mem = 0;
	insn->vex_v = 0;
	insn->vex_l = 0;
	insn->scale = 0;
	insn->mode = mode;
	insn->seg = GINSN_DS;

	err = take_prefixes(&cur, insn);
	if (err)
		return err;
	if (insn->row->op == GINSN_OP_NONE) {
		err = take_escape(&cur, insn);
		if (err)
			return err;
	}
	err = resolve_row(&cur, insn);
	if (err)
		return err;

	adsize = mode >> 3;
	if (insn->prefix & GINSN_PFX_ADSIZE)
		adsize = mode == GINSN_MODE_32 ? 2 : 4;
	insn->adsize = adsize;
	if (insn->row->flags & GINSN_R_VEC)
		insn->opsize = vector_size(insn, insn->row);
	else
		insn->opsize = operand_size(insn, insn->row->flags);

	if (insn->row->form >= GINSN_F_MI)
		err = take_modrm_operand(&cur, insn);
	else
		insn->reg = (insn->opcode & 7) | (insn->rex & GINSN_REX_B) << 3;
	if (!err)
		err = take_immediate(&cur, insn);
	if (!err)
		err = check_legal(insn);
	insn->length = cur.pos;
	return err;
}

u64 ginsn_effective_address(const struct ginsn *insn, const u64 *gpr,
			    u64 next_rip)
{
	u64 ea = insn->disp;

	if (insn->base < GINSN_GPR_COUNT)
		ea += gpr[insn->base];
	else if (insn->base == GINSN_REG_RIP)
		ea += next_rip;
	if (insn->index < GINSN_GPR_COUNT)
		ea += gpr[insn->index] << insn->scale;
	if (insn->adsize == 8)
		return ea;
	return insn->adsize == 4 ? (u32)ea : (u16)ea;
}

#define STORE_FORMS	(BIT(GINSN_F_MR) | BIT(GINSN_F_OFF_ACC) | BIT(GINSN_F_MI))

bool ginsn_mov_get(const struct ginsn *insn, struct ginsn_mov *mov)
{
	const struct ginsn_row *row = insn->row;
	u8 regsize = insn->opsize, reg = insn->reg;

	if (row->op > GINSN_OP_MOVSX || row->op < GINSN_OP_MOV || !insn->is_mem)
		return false;
	mov->regsize = regsize;
	mov->size = row->size && row->size < regsize ? row->size : regsize;
	mov->sign = row->op == GINSN_OP_MOVSX;
	mov->store = STORE_FORMS >> row->form & 1;
	mov->imm = row->form == GINSN_F_MI;
	mov->high = false;
	if (regsize == 1 && !insn->rex && reg >= 4) {
		mov->high = true;
		reg &= 3;
	}
	mov->reg = reg;
	return true;
}

void ginsn_mov_load(const struct ginsn_mov *mov, u64 *gpr, u64 val)
{
	unsigned int shift = 64 - 8 * mov->size;
	u64 *reg = &gpr[mov->reg];

	val <<= shift;
	val = mov->sign ? (u64)((s64)val >> shift) : val >> shift;

	if (mov->regsize == 4)
		*reg = (u32)val;
	else if (mov->regsize == 8)
		*reg = val;
	else if (mov->regsize == 2)
		*reg = (*reg & ~0xffffULL) | (u16)val;
	else if (mov->high)
		*reg = (*reg & ~0xff00ULL) | (val & 0xff) << 8;
	else
		*reg = (*reg & ~0xffULL) | (val & 0xff);
}
