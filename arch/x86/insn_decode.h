/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction decoder: bytes in, operands and length out.
 * Called by the emulator (insn_emul.c), by exit decoding for a length or a
 * simple MOV, and by user-space tests; pure code, no kernel service.
 * It must never read a byte past the length it was given, and never look at
 * guest state: whatever depends on registers is computed later.
 *
 * The encodings are those of SDM volume 2, "Instruction Format" and
 * "Opcode Map".  The prefix is ginsn_, guest instruction, because the kernel's
 * own <asm/insn.h> has taken insn_.
 */
#ifndef HVMOD_ARCH_X86_INSN_DECODE_H
#define HVMOD_ARCH_X86_INSN_DECODE_H

#include <linux/types.h>

/* The longest legal instruction; one more byte is #GP(0). */
#define GINSN_MAX_LEN	15

/* The value is the default operand size of the mode in bits: CS.L, then CS.D. */
enum ginsn_mode {
	GINSN_MODE_16 = 16,
	GINSN_MODE_32 = 32,
	GINSN_MODE_64 = 64,
};

/* Segment registers in the order of their encoding. */
enum ginsn_segment {
	GINSN_ES, GINSN_CS, GINSN_SS, GINSN_DS, GINSN_FS, GINSN_GS,
	GINSN_SEG_COUNT
};

/* General registers in the order of their encoding. */
enum ginsn_gpr {
	GINSN_RAX, GINSN_RCX, GINSN_RDX, GINSN_RBX,
	GINSN_RSP, GINSN_RBP, GINSN_RSI, GINSN_RDI,
	GINSN_R8, GINSN_R9, GINSN_R10, GINSN_R11,
	GINSN_R12, GINSN_R13, GINSN_R14, GINSN_R15,
	GINSN_GPR_COUNT,
	GINSN_REG_RIP = 0x40,		/* base register of RIP-relative forms */
	GINSN_REG_NONE = 0x80,		/* no base, or no index */
};

/* struct ginsn.prefix */
#define GINSN_PFX_LOCK	0x01
#define GINSN_PFX_REP	0x02		/* F3; the last of F2 and F3 counts */
#define GINSN_PFX_REPNE	0x04		/* F2 */
#define GINSN_PFX_OPSIZE	0x08		/* 66 */
#define GINSN_PFX_ADSIZE	0x10		/* 67 */
#define GINSN_PFX_SEG	0x20		/* a segment override that counts */
#define GINSN_PFX_VEX	0x40		/* VEX-encoded: vex_v and vex_l are valid */

#define GINSN_REX_B	0x01
#define GINSN_REX_X	0x02
#define GINSN_REX_R	0x04
#define GINSN_REX_W	0x08
#define GINSN_REX_ANY	0x40		/* a REX prefix is there: no AH..BH */

/* struct ginsn.map */
enum ginsn_map {
	GINSN_MAP_PRIMARY, GINSN_MAP_0F, GINSN_MAP_0F38, GINSN_MAP_0F3A,
};

struct ginsn_row;

/**
 * struct ginsn - one decoded instruction
 * @row: the table row, which says what it does; never NULL after success
 * @imm: immediate, sign-extended to 64 bits
 * @disp: displacement, sign-extended; the address for a moffs form
 * @length: length in bytes, 1 to GINSN_MAX_LEN
 * @mode: the enum ginsn_mode it was decoded for
 * @prefix: GINSN_PFX_*
 * @rex: GINSN_REX_*; for VEX the bits are those of the VEX prefix, uninverted
 * @map: enum ginsn_map
 * @opcode: last opcode byte
 * @modrm: the ModRM byte, 0 when there is none
 * @opsize: operand size in bytes (1, 2, 4, 8; 16 or 32 for vector moves)
 * @adsize: address size in bytes (2, 4, 8)
 * @seg: the segment a ModRM, moffs or rSI memory operand uses
 * @is_mem: ModRM or moffs names memory
 * @reg: register of ModRM.reg with REX.R, or of the opcode with REX.B
 * @rm: register of ModRM.rm with REX.B, only when @is_mem is 0
 * @base: base register, GINSN_REG_RIP or GINSN_REG_NONE
 * @index: index register or GINSN_REG_NONE
 * @scale: log2 of the scale factor
 * @vex_v: VEX.vvvv, uninverted, 0 means "1111b"
 * @vex_l: VEX.L
 *
 * Every member is written by a successful ginsn_decode() except @rm of a
 * memory form and @base, @index, @scale and @disp of a register form.
 */
struct ginsn {
	const struct ginsn_row *row;
	u64 imm;
	s64 disp;
	/* These start as zeroes, so they are together. */
	u8 prefix;
	u8 rex;
	u8 map;
	u8 modrm;
	u8 is_mem;
	u8 vex_v;
	u8 vex_l;
	u8 scale;
	u8 mode;
	u8 length;
	u8 opcode;
	u8 opsize;
	u8 adsize;
	u8 seg;
	u8 reg;
	u8 rm;
	u8 base;
	u8 index;
};

/**
 * ginsn_decode() - decode one instruction
 * @insn: result, undefined on error
 * @bytes: the instruction's bytes
 * @len: how many are there; more than GINSN_MAX_LEN is allowed and not used
 * @mode: code size
 *
 * Context: any.
 * Return: 0, or
 * -ENODATA when more than @len bytes are needed: fetch more, decode again;
 * -ERANGE when it is longer than GINSN_MAX_LEN: #GP(0);
 * -EINVAL when the processor raises #UD whatever its features: LOCK where it
 * is not allowed, a form that does not exist in @mode, reserved VEX bits;
 * -EOPNOTSUPP when it is no instruction of the tables: perhaps legal, but
 * nothing this emulator does.
 */
int ginsn_decode(struct ginsn *insn, const u8 *bytes, unsigned int len,
		 enum ginsn_mode mode);

/**
 * ginsn_effective_address() - offset of the ModRM or moffs memory operand
 * @insn: decoded, with a memory operand
 * @gpr: the 16 general registers
 * @next_rip: RIP of the following instruction
 *
 * Context: any.
 * Return: the offset in the segment, wrapped to the address size.  For a bit
 * string (BT m, r) it is that of the bit base.
 */
u64 ginsn_effective_address(const struct ginsn *insn, const u64 *gpr,
			    u64 next_rip);

/**
 * struct ginsn_mov - a plain move between memory and a register
 * @size: bytes of the memory operand (1, 2, 4, 8)
 * @store: memory is the destination
 * @regsize: bytes of the register operand, more than @size for MOVZX, MOVSX
 * @sign: a load sign-extends from @size to @regsize
 * @imm: a store takes the immediate, not a register
 * @reg: register number, meaningless with @imm
 * @high: the register is AH, CH, DH or BH (that is, bits 15:8 of @reg)
 */
struct ginsn_mov {
	u8 size;
	u8 regsize;
	u8 reg;
	bool store;
	bool sign;
	bool imm;
	bool high;
};

/**
 * ginsn_mov_get() - is this a plain move, and which one
 * @insn: decoded
 * @mov: result, undefined when false is returned
 *
 * The short way for the hot MMIO exits: hardware has checked segmentation
 * and paging already and gave the guest-physical address, so that only size,
 * direction and register are missing.  MOV, MOVZX, MOVSX, MOVSXD, MOVNTI.
 *
 * The caller must make sure that the access is the one that trapped and stays
 * in one page: bits 11:0 of ginsn_effective_address() plus the segment base
 * equal those of the reported address, and offset plus @mov->size is at most
 * 4096.  Otherwise, or on false, it calls ginsn_execute().  After the access
 * it adds insn->length to RIP, clears RF and looks at TF by itself.
 *
 * Context: any.
 * Return: true when @mov is filled.
 */
bool ginsn_mov_get(const struct ginsn *insn, struct ginsn_mov *mov);

/* The value a store writes, in the low @mov->size bytes; no side effect. */
static inline u64 ginsn_mov_value(const struct ginsn_mov *mov,
				  const struct ginsn *insn, const u64 *gpr)
{
	if (mov->imm)
		return insn->imm;
	return mov->high ? gpr[mov->reg] >> 8 : gpr[mov->reg];
}

/* Put what a load has read, low @mov->size bytes of @val, into its register. */
void ginsn_mov_load(const struct ginsn_mov *mov, u64 *gpr, u64 val);

#endif
