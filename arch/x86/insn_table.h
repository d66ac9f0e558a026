/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The opcode tables: a row says what an opcode does and how it is encoded.
 * Used by the decoder, which finds the row, and by the emulator, which acts
 * on it; constant data only.
 * It must not be used by anyone else: struct ginsn is the public view.
 */
#ifndef HVMOD_ARCH_X86_INSN_TABLE_H
#define HVMOD_ARCH_X86_INSN_TABLE_H

#include <linux/types.h>

enum ginsn_op {
	GINSN_OP_NONE,		/* not in the tables */
	GINSN_OP_UD,		/* undefined on every processor */
	/* The eight in the order of their encoding, as are the shifts. */
	GINSN_OP_ADD, GINSN_OP_OR, GINSN_OP_ADC, GINSN_OP_SBB,
	GINSN_OP_AND, GINSN_OP_SUB, GINSN_OP_XOR, GINSN_OP_CMP,
	GINSN_OP_ROL, GINSN_OP_ROR, GINSN_OP_RCL, GINSN_OP_RCR,
	GINSN_OP_SHL, GINSN_OP_SHR, GINSN_OP_SAL, GINSN_OP_SAR,
	GINSN_OP_SHLD, GINSN_OP_SHRD,
	GINSN_OP_BT, GINSN_OP_BTS, GINSN_OP_BTR, GINSN_OP_BTC,
	GINSN_OP_TEST, GINSN_OP_NOT, GINSN_OP_NEG, GINSN_OP_INC, GINSN_OP_DEC,
	GINSN_OP_MUL, GINSN_OP_IMUL1, GINSN_OP_IMUL,
	GINSN_OP_MOV, GINSN_OP_MOVZX, GINSN_OP_MOVSX, GINSN_OP_MOVBE,
	GINSN_OP_MOV_FROM_SEG, GINSN_OP_MOV_TO_SEG,
	GINSN_OP_XCHG, GINSN_OP_CMPXCHG, GINSN_OP_CMPXCHG8B, GINSN_OP_XADD,
	GINSN_OP_SETCC, GINSN_OP_CMOVCC,
	GINSN_OP_PUSH, GINSN_OP_POP, GINSN_OP_CALL, GINSN_OP_JMP,
	GINSN_OP_MOVS, GINSN_OP_CMPS, GINSN_OP_STOS, GINSN_OP_LODS,
	GINSN_OP_SCAS, GINSN_OP_INS, GINSN_OP_OUTS,
	GINSN_OP_IN, GINSN_OP_OUT,
	GINSN_OP_SGDT, GINSN_OP_SIDT, GINSN_OP_LGDT, GINSN_OP_LIDT,
	GINSN_OP_SLDT, GINSN_OP_STR, GINSN_OP_LLDT, GINSN_OP_LTR,
	GINSN_OP_SMSW, GINSN_OP_LMSW, GINSN_OP_CLTS,
	GINSN_OP_CLFLUSH,
	GINSN_OP_VLOAD,		/* whole vector, or low part and zeroes */
	GINSN_OP_VSTORE,	/* whole vector, or its low part */
	GINSN_OP_VLOAD_LOW,	/* bits 63:0, the others stay */
	GINSN_OP_VLOAD_HIGH,	/* bits 127:64, the others stay */
	GINSN_OP_VSTORE_HIGH,
	GINSN_OP_VDUP,		/* MOVDDUP, MOVSLDUP, MOVSHDUP */
	GINSN_OP_VBROADCAST,
	GINSN_OP_VINSERT, GINSN_OP_VEXTRACT,	/* a 128-bit half of a YMM */
	GINSN_OP_COUNT,
};

/*
 * Operands.  The order is the decoder's: forms with an immediate or a moffs
 * are GINSN_F_REG_IMM to GINSN_F_RMI8, forms with ModRM from GINSN_F_MI on.
 */
enum ginsn_form {
	GINSN_F_NONE,
	GINSN_F_PREFIX,		/* op is one of enum ginsn_prefix_op */
	GINSN_F_REG,		/* register in the opcode */
	GINSN_F_REG_IMM,	/* and an immediate of full size */
	GINSN_F_ACC_IMM,	/* accumulator, immediate */
	GINSN_F_ACC_OFF,	/* accumulator, moffs */
	GINSN_F_OFF_ACC,
	GINSN_F_IMM,
	GINSN_F_IMM8,		/* sign-extended, or a port */
	GINSN_F_MI,		/* r/m, immediate */
	GINSN_F_MI8,		/* r/m, sign-extended byte */
	GINSN_F_MRI8,		/* r/m, reg, byte */
	GINSN_F_RMI,		/* reg, r/m, immediate */
	GINSN_F_RMI8,
	GINSN_F_MR,		/* r/m, reg */
	GINSN_F_RM,		/* reg, r/m */
	GINSN_F_M,		/* r/m */
	GINSN_F_M1,		/* r/m, 1 */
	GINSN_F_MC,		/* r/m, CL */
	GINSN_F_MRC,		/* r/m, reg, CL */
};

enum ginsn_prefix_op {
	GINSN_P_LOCK, GINSN_P_REP, GINSN_P_REPNE, GINSN_P_OPSIZE,
	GINSN_P_ADSIZE, GINSN_P_SEG, GINSN_P_REX,
};

#define GINSN_R_BYTE	0x00001		/* operand size is a byte */
#define GINSN_R_LOCK	0x00002		/* LOCK is legal on memory */
#define GINSN_R_D64	0x00004		/* 64-bit mode: default size is 8 */
#define GINSN_R_F64	0x00008		/* and 66 does not change it */
#define GINSN_R_NO64	0x00010		/* undefined in 64-bit mode */
#define GINSN_R_ONLY64	0x00020		/* exists only in 64-bit mode */
#define GINSN_R_MEM	0x00040		/* undefined with a register */
#define GINSN_R_MEMX	0x00080		/* another instruction with a register */
#define GINSN_R_GROUP	0x00100		/* op: table of 8 by ModRM.reg */
#define GINSN_R_PFX	0x00200		/* op: table of 4 by none, 66, F3, F2 */
#define GINSN_R_STR	0x00400		/* string, REP means repetition */
#define GINSN_R_IO	0x00800		/* operand size is at most 4 */
#define GINSN_R_VEC	0x01000		/* vector move */
#define GINSN_R_VVVV	0x02000		/* VEX.vvvv is an operand */
#define GINSN_R_L0	0x04000		/* VEX.L must be 0 */
#define GINSN_R_L1	0x08000		/* VEX.L must be 1 */
#define GINSN_R_ALIGN	0x10000		/* memory must be aligned */
#define GINSN_R_WSIZE	0x20000		/* vector: 4 bytes, 8 with REX.W */
#define GINSN_R_NOSSE	0x40000		/* exists only VEX-encoded */
#define GINSN_R_W0	0x80000		/* VEX.W must be 0 */
#define GINSN_R_SREG	0x100000	/* ModRM.reg is a segment, no REX.R */

/**
 * struct ginsn_row - one row of an opcode table
 * @op: enum ginsn_op, or the index of the next table (GROUP, PFX)
 * @form: enum ginsn_form
 * @size: fixed size of the memory operand in bytes, 0: by operand size
 * @flags: GINSN_R_*
 */
struct ginsn_row {
	u8 op;
	u8 form;
	u8 size;
	u32 flags;
};

extern const struct ginsn_row ginsn_primary[256];
extern const struct ginsn_row ginsn_0f[256];
extern const struct ginsn_row ginsn_inc_reg;	/* 40..47 outside 64-bit mode */
extern const struct ginsn_row ginsn_dec_reg;	/* 48..4F */

/* Rows of the three-byte maps are few: searched, NULL when there is none. */
const struct ginsn_row *ginsn_row_0f38(u8 opcode);
const struct ginsn_row *ginsn_row_0f3a(u8 opcode);

/* The row of a GROUP row for ModRM.reg @reg (0 to 7). */
const struct ginsn_row *ginsn_row_group(const struct ginsn_row *row,
					unsigned int reg);
/* The row of a PFX row for @pp: 0 none, 1 66, 2 F3, 3 F2. */
const struct ginsn_row *ginsn_row_prefix(const struct ginsn_row *row,
					 unsigned int pp);

#endif
