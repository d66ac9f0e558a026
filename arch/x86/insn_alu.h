/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Integer arithmetic with x86 flags.
 * Called by the emulator's handlers; pure functions of their arguments.
 * It must not know operands, instructions or a vCPU.
 *
 * Flags that the SDM leaves undefined are set to some value, or kept.
 */
#ifndef HVMOD_ARCH_X86_INSN_ALU_H
#define HVMOD_ARCH_X86_INSN_ALU_H

#include <linux/types.h>

#include "arch/x86/insn_table.h"

/* All ones in the low @size bytes; @size is 1, 2, 4 or 8. */
static inline u64 ginsn_mask(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

/* The low @size bytes of @val with their sign. */
static inline s64 ginsn_sign(u64 val, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (s64)(val << shift) >> shift;
}

/**
 * ginsn_alu() - ADD OR ADC SBB AND SUB XOR CMP TEST NEG INC DEC
 * @op: which
 * @size: bytes: 1, 2, 4 or 8
 * @dst: first operand; bits above @size do not matter
 * @src: second operand, not used by NEG, INC and DEC
 * @flags: RFLAGS, updated
 *
 * Return: the result, also for CMP and TEST (which do not store it).
 */
u64 ginsn_alu(enum ginsn_op op, unsigned int size, u64 dst, u64 src,
	      u64 *flags);

/* ROL ROR RCL RCR SHL SHR SAL SAR; @count is masked here.  As ginsn_alu(). */
u64 ginsn_shift(enum ginsn_op op, unsigned int size, u64 dst,
		unsigned int count, u64 *flags);

/* SHLD, SHRD; @src gives the bits shifted in.  As ginsn_alu(). */
u64 ginsn_shift_double(enum ginsn_op op, unsigned int size, u64 dst, u64 src,
		       unsigned int count, u64 *flags);

/* BT BTS BTR BTC with bit @bit (below 8 * size) of @dst.  As ginsn_alu(). */
u64 ginsn_bit(enum ginsn_op op, u64 dst, unsigned int bit, u64 *flags);

/**
 * ginsn_multiply() - MUL and IMUL
 * @sign: signed
 * @size: bytes of a factor
 * @a: factor
 * @b: factor
 * @high: upper @size bytes of the product
 * @flags: CF and OF updated
 *
 * Return: lower @size bytes of the product.
 */
u64 ginsn_multiply(bool sign, unsigned int size, u64 a, u64 b, u64 *high,
		   u64 *flags);

/* Does condition @cc (low 4 bits of the opcode) hold? */
bool ginsn_condition(unsigned int cc, u64 flags);

#endif
