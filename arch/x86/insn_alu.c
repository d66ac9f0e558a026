// SPDX-License-Identifier: GPL-2.0
/*
 * Integer arithmetic with x86 flags.
 * Called as insn_alu.h says.
 * It must stay free of inline assembly, so that it means the same everywhere.
 */
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "arch/x86/insn_alu.h"

#define FLAGS_CO	(X86_EFLAGS_CF | X86_EFLAGS_OF)
#define FLAGS_SZP	(X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_PF)
#define FLAGS_ALL	(FLAGS_CO | FLAGS_SZP | X86_EFLAGS_AF)

static u64 top_bit(u64 val, unsigned int size)
{
	return val >> (8 * size - 1) & 1;
}

/* SF, ZF and PF of a result, which is already cut to its size. */
static u64 flags_szp(u64 res, unsigned int size)
{
	u64 flags = 0;

	if (!res)
		flags |= X86_EFLAGS_ZF;
	if (top_bit(res, size))
		flags |= X86_EFLAGS_SF;
	/* Bit n of 0x9669: n has an even number of ones. */
	if (0x9669 >> ((res ^ res >> 4) & 15) & 1)
		flags |= X86_EFLAGS_PF;
	return flags;
}

static u64 flags_co(bool carry, bool overflow)
{
	return (carry ? X86_EFLAGS_CF : 0) | (overflow ? X86_EFLAGS_OF : 0);
}

static u64 add(unsigned int size, u64 dst, u64 src, u64 carry, u64 *flags)
{
	u64 res = (dst + src + carry) & ginsn_mask(size);
	u64 carries = (dst & src) | ((dst | src) & ~res);

	*flags = flags_szp(res, size) |
		 flags_co(top_bit(carries, size),
			  top_bit((dst ^ res) & (src ^ res), size)) |
		 ((dst ^ src ^ res) & X86_EFLAGS_AF);
	return res;
}

static u64 sub(unsigned int size, u64 dst, u64 src, u64 borrow, u64 *flags)
{
	u64 res = (dst - src - borrow) & ginsn_mask(size);
	u64 borrows = (~dst & src) | ((~dst | src) & res);

	*flags = flags_szp(res, size) |
		 flags_co(top_bit(borrows, size),
			  top_bit((dst ^ src) & (dst ^ res), size)) |
		 ((dst ^ src ^ res) & X86_EFLAGS_AF);
	return res;
}

u64 ginsn_alu(enum ginsn_op op, unsigned int size, u64 dst, u64 src,
	      u64 *flags)
{
	u64 carry = *flags & X86_EFLAGS_CF;
	u64 affected = FLAGS_ALL;
	u64 new = 0, res;

	dst &= ginsn_mask(size);
	src &= ginsn_mask(size);
	switch (op) {
	case GINSN_OP_ADD:
		res = add(size, dst, src, 0, &new);
		break;
	case GINSN_OP_ADC:
		res = add(size, dst, src, carry, &new);
		break;
	case GINSN_OP_SUB:
	case GINSN_OP_CMP:
		res = sub(size, dst, src, 0, &new);
		break;
	case GINSN_OP_SBB:
		res = sub(size, dst, src, carry, &new);
		break;
	case GINSN_OP_NEG:
		res = sub(size, 0, dst, 0, &new);
		break;
	case GINSN_OP_INC:
		affected &= ~X86_EFLAGS_CF;
		res = add(size, dst, 1, 0, &new);
		break;
	case GINSN_OP_DEC:
		affected &= ~X86_EFLAGS_CF;
		res = sub(size, dst, 1, 0, &new);
		break;
	case GINSN_OP_OR:
		res = dst | src;
		new = flags_szp(res, size);
		break;
	case GINSN_OP_XOR:
		res = dst ^ src;
		new = flags_szp(res, size);
		break;
	default:		/* AND, TEST */
		res = dst & src;
		new = flags_szp(res, size);
	}
	*flags = (*flags & ~affected) | (new & affected);
	return res;
}

/* RCL and RCR one bit at a time: rare, and clear. */
static u64 rotate_carry(bool left, unsigned int size, u64 dst,
			unsigned int count, u64 *flags)
{
	u64 carry = *flags & X86_EFLAGS_CF;
	unsigned int top = 8 * size - 1;
	u64 out;

	for (count %= 8 * size + 1; count; count--) {
		if (left) {
			out = dst >> top;
			dst = (dst << 1 | carry) & ginsn_mask(size);
		} else {
			out = dst & 1;
			dst = dst >> 1 | carry << top;
		}
		carry = out;
	}
	*flags &= ~FLAGS_CO;
	*flags |= flags_co(carry, left ? (dst >> top) ^ carry :
			   (dst >> top ^ dst >> (top - 1)) & 1);
	return dst;
}

static u64 rotate(bool left, unsigned int size, u64 dst, unsigned int count,
		  u64 *flags)
{
	unsigned int bits = 8 * size, top = bits - 1;

	count &= top;
	if (!left)
		count = (bits - count) & top;
	if (count)
		dst = (dst << count | dst >> (bits - count)) & ginsn_mask(size);
	*flags &= ~FLAGS_CO;
	if (left)
		*flags |= flags_co(dst & 1, (dst >> top ^ dst) & 1);
	else
		*flags |= flags_co(dst >> top,
				   (dst >> top ^ dst >> (top - 1)) & 1);
	return dst;
}

u64 ginsn_shift(enum ginsn_op op, unsigned int size, u64 dst,
		unsigned int count, u64 *flags)
{
	unsigned int bits = 8 * size;
	u64 res, carry, overflow;

	dst &= ginsn_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return dst;

	switch (op) {
	case GINSN_OP_ROL:
	case GINSN_OP_ROR:
		return rotate(op == GINSN_OP_ROL, size, dst, count, flags);
	case GINSN_OP_RCL:
	case GINSN_OP_RCR:
		return rotate_carry(op == GINSN_OP_RCL, size, dst, count,
				    flags);
	case GINSN_OP_SHR:
		res = dst >> count;
		carry = dst >> (count - 1) & 1;
		overflow = top_bit(dst, size);
		break;
	case GINSN_OP_SAR:
		res = (u64)(ginsn_sign(dst, size) >> count) & ginsn_mask(size);
		carry = ginsn_sign(dst, size) >> (count - 1) & 1;
		overflow = 0;
		break;
	default:		/* SHL and its alias SAL */
		res = dst << count & ginsn_mask(size);
		carry = count <= bits ? dst >> (bits - count) & 1 : 0;
		overflow = top_bit(res, size) ^ carry;
	}
	*flags &= ~(FLAGS_CO | FLAGS_SZP);
	*flags |= flags_szp(res, size) | flags_co(carry, overflow);
	return res;
}

u64 ginsn_shift_double(enum ginsn_op op, unsigned int size, u64 dst, u64 src,
		       unsigned int count, u64 *flags)
{
	unsigned int bits = 8 * size;
	u64 res, carry;

	dst &= ginsn_mask(size);
	src &= ginsn_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return dst;
	if (count > bits)	/* 16 bits only: the result is undefined */
		count -= bits;

	if (op == GINSN_OP_SHLD) {
		res = count == bits ? src :
		      (dst << count | src >> (bits - count)) & ginsn_mask(size);
		carry = dst >> (bits - count) & 1;
	} else {
		res = count == bits ? src :
		      (dst >> count | src << (bits - count)) & ginsn_mask(size);
		carry = dst >> (count - 1) & 1;
	}
	*flags &= ~(FLAGS_CO | FLAGS_SZP);
	*flags |= flags_szp(res, size) |
		  flags_co(carry, top_bit(dst ^ res, size));
	return res;
}

u64 ginsn_bit(enum ginsn_op op, u64 dst, unsigned int bit, u64 *flags)
{
	u64 mask = 1ULL << bit;

	*flags &= ~X86_EFLAGS_CF;
	if (dst & mask)
		*flags |= X86_EFLAGS_CF;
	if (op == GINSN_OP_BTS)
		return dst | mask;
	if (op == GINSN_OP_BTR)
		return dst & ~mask;
	if (op == GINSN_OP_BTC)
		return dst ^ mask;
	return dst;
}

u64 ginsn_multiply(bool sign, unsigned int size, u64 a, u64 b, u64 *high,
		   u64 *flags)
{
	unsigned __int128 wide;
	u64 low;
	bool big;

	if (sign)
		wide = (__int128)ginsn_sign(a, size) * ginsn_sign(b, size);
	else
		wide = (unsigned __int128)(a & ginsn_mask(size)) *
		       (b & ginsn_mask(size));
	low = (u64)wide & ginsn_mask(size);
	*high = (u64)(wide >> (8 * size)) & ginsn_mask(size);
	if (sign)
		big = *high != ((u64)(ginsn_sign(low, size) >> 63) &
				ginsn_mask(size));
	else
		big = *high;
	*flags = (*flags & ~FLAGS_CO) | flags_co(big, big);
	return low;
}

bool ginsn_condition(unsigned int cc, u64 flags)
{
	bool sf = flags & X86_EFLAGS_SF, of = flags & X86_EFLAGS_OF;
	bool yes;

	switch (cc >> 1 & 7) {
	case 0:
		yes = of;
		break;
	case 1:
		yes = flags & X86_EFLAGS_CF;
		break;
	case 2:
		yes = flags & X86_EFLAGS_ZF;
		break;
	case 3:
		yes = flags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		yes = sf;
		break;
	case 5:
		yes = flags & X86_EFLAGS_PF;
		break;
	case 6:
		yes = sf != of;
		break;
	default:
		yes = flags & X86_EFLAGS_ZF || sf != of;
	}
	return yes != (cc & 1);
}
