/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction decoder: bytes in, operands and length out.
 * Called by the emulator (insn_emul.c), by exit decoding for a length or a
 * simple MOV, and by user-space tests; pure code, no kernel service.
 * It must never read a byte past the length it was given, and never look at
 * guest state: whatever depends on registers is computed later.
 *
 * The encodings are those of SDM volume 2, "Instruction Format" and
 * "Opcode Map".
 */
#ifndef HVMOD_ARCH_X86_INSN_DECODE_H
#define HVMOD_ARCH_X86_INSN_DECODE_H

#include <linux/types.h>

/* The longest legal instruction; one more byte is #GP(0). */
#define INSN_MAX_LEN	15

/* The value is the default operand size of the mode in bits: CS.L, then CS.D. */
enum insn_mode {
	INSN_MODE_16 = 16,
	INSN_MODE_32 = 32,
	INSN_MODE_64 = 64,
};

/* Segment registers in the order of their encoding. */
enum insn_segment {
	INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS,
	INSN_SEG_COUNT
};

/* General registers in the order of their encoding. */
enum insn_gpr {
	INSN_RAX, INSN_RCX, INSN_RDX, INSN_RBX,
	INSN_RSP, INSN_RBP, INSN_RSI, INSN_RDI,
	INSN_R8, INSN_R9, INSN_R10, INSN_R11,
	INSN_R12, INSN_R13, INSN_R14, INSN_R15,
	INSN_GPR_COUNT,
	INSN_REG_RIP = 0x40,		/* base register of RIP-relative forms */
	INSN_REG_NONE = 0x80,		/* no base, or no index */
};

/* struct insn.prefix */
#define INSN_PFX_LOCK	0x01
#define INSN_PFX_REP	0x02		/* F3; the last of F2 and F3 counts */
#define INSN_PFX_REPNE	0x04		/* F2 */
#define INSN_PFX_OPSIZE	0x08		/* 66 */
#define INSN_PFX_ADSIZE	0x10		/* 67 */
#define INSN_PFX_SEG	0x20		/* a segment override that counts */
#define INSN_PFX_VEX	0x40		/* VEX-encoded: vex_v and vex_l are valid */

#define INSN_REX_B	0x01
#define INSN_REX_X	0x02
#define INSN_REX_R	0x04
#define INSN_REX_W	0x08
#define INSN_REX_ANY	0x40		/* a REX prefix is there: no AH..BH */

/* struct insn.map */
enum insn_map {
	INSN_MAP_PRIMARY, INSN_MAP_0F, INSN_MAP_0F38, INSN_MAP_0F3A,
};

struct insn_row;

/**
 * struct insn - one decoded instruction
 * @row: the table row, which says what it does; never NULL after success
 * @imm: immediate, sign-extended to 64 bits; the address for a moffs form
 * @disp: displacement, sign-extended
 * @length: length in bytes, 1 to INSN_MAX_LEN
 * @mode: the enum insn_mode it was decoded for
 * @prefix: INSN_PFX_*
 * @rex: INSN_REX_*; for VEX the bits are those of the VEX prefix, uninverted
 * @map: enum insn_map
 * @opcode: last opcode byte
 * @modrm: the ModRM byte, 0 when there is none
 * @opsize: operand size in bytes (1, 2, 4, 8; 16 or 32 for vector moves)
 * @adsize: address size in bytes (2, 4, 8)
 * @seg: the segment a ModRM, moffs or rSI memory operand uses
 * @is_mem: ModRM names memory
 * @reg: register of ModRM.reg with REX.R, or of the opcode with REX.B
 * @rm: register of ModRM.rm with REX.B, only when @is_mem is 0
 * @base: base register, INSN_REG_RIP or INSN_REG_NONE
 * @index: index register or INSN_REG_NONE
 * @scale: log2 of the scale factor
 * @vex_v: VEX.vvvv, uninverted, 0 means "1111b"
 * @vex_l: VEX.L
 *
 * Every member is written by a successful insn_decode() except @rm of a
 * memory form and @base, @index, @scale and @disp of a register form.
 */
struct insn {
	const struct insn_row *row;
	u64 imm;
	s32 disp;
	u8 length;
	u8 mode;
	u8 prefix;
	u8 rex;
	u8 map;
	u8 opcode;
	u8 modrm;
	u8 opsize;
	u8 adsize;
	u8 seg;
	u8 is_mem;
	u8 reg;
	u8 rm;
	u8 base;
	u8 index;
	u8 scale;
	u8 vex_v;
	u8 vex_l;
};

/**
 * insn_decode() - decode one instruction
 * @insn: result, undefined on error
 * @bytes: the instruction's bytes
 * @len: how many are there; more than INSN_MAX_LEN is allowed and not used
 * @mode: code size
 *
 * Context: any.
 * Return: 0, or
 * -ENODATA when more than @len bytes are needed: fetch more, decode again;
 * -ERANGE when it is longer than INSN_MAX_LEN: #GP(0);
 * -EINVAL when the processor raises #UD whatever its features: LOCK where it
 * is not allowed, a form that does not exist in @mode, reserved VEX bits;
 * -EOPNOTSUPP when it is no instruction of the tables: perhaps legal, but
 * nothing this emulator does.
 */
int insn_decode(struct insn *insn, const u8 *bytes, unsigned int len,
		enum insn_mode mode);

/**
 * insn_effective_address() - offset of the ModRM or moffs memory operand
 * @insn: decoded, with a memory operand
 * @gpr: the 16 general registers
 * @next_rip: RIP of the following instruction
 *
 * Context: any.
 * Return: the offset in the segment, wrapped to the address size.  For a bit
 * string (BT m, r) it is that of the bit base.
 */
u64 insn_effective_address(const struct insn *insn, const u64 *gpr,
			   u64 next_rip);

/**
 * struct insn_mov - a plain move between memory and a register
 * @size: bytes of the memory operand (1, 2, 4, 8)
 * @store: memory is the destination
 * @regsize: bytes of the register operand, more than @size for MOVZX, MOVSX
 * @sign: a load sign-extends from @size to @regsize
 * @imm: a store takes the immediate, not a register
 * @reg: register number, meaningless with @imm
 * @high: the register is AH, CH, DH or BH (that is, bits 15:8 of @reg)
 */
struct insn_mov {
	u8 size;
	u8 regsize;
	u8 reg;
	bool store;
	bool sign;
	bool imm;
	bool high;
};

/**
 * insn_mov_get() - is this a plain move, and which one
 * @insn: decoded
 * @mov: result, undefined when false is returned
 *
 * The short way for the hot MMIO exits: hardware has checked segmentation
 * and paging already and gave the guest-physical address, so that only size,
 * direction and register are missing.  MOV, MOVZX, MOVSX, MOVSXD, MOVNTI.
 *
 * The caller must make sure that the access is the one that trapped and stays
 * in one page: bits 11:0 of insn_effective_address() plus the segment base
 * equal those of the reported address, and offset plus @mov->size is at most
 * 4096.  Otherwise, or on false, it calls insn_execute().  After the access
 * it adds insn->length to RIP, clears RF and looks at TF by itself.
 *
 * Context: any.
 * Return: true when @mov is filled.
 */
bool insn_mov_get(const struct insn *insn, struct insn_mov *mov);

/* The value a store writes, in the low @mov->size bytes; no side effect. */
static inline u64 insn_mov_value(const struct insn_mov *mov,
				 const struct insn *insn, const u64 *gpr)
{
	if (mov->imm)
		return insn->imm;
	return mov->high ? gpr[mov->reg] >> 8 : gpr[mov->reg];
}

/* Put what a load has read, low @mov->size bytes of @val, into its register. */
void insn_mov_load(const struct insn_mov *mov, u64 *gpr, u64 val);

#endif
