/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random instructions for the comparison of the emulator with the processor:
 * templates of all that the opcode tables know, and a generator that makes
 * them into bytes with registers, flags and memory that suit.
 * Used by test_insn_emul.c; results depend on the seed in rng_state only.
 * It must not make a case that faults or whose result the SDM leaves open.
 */
#ifndef HVMOD_UNIT_INSN_CASES_H
#define HVMOD_UNIT_INSN_CASES_H

#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include "arch/x86/insn_decode.h"
#include "selftests/unit/insn_native.h"

#define CF	X86_EFLAGS_CF
#define PF	X86_EFLAGS_PF
#define AF	X86_EFLAGS_AF
#define ZF	X86_EFLAGS_ZF
#define SF	X86_EFLAGS_SF
#define OF	X86_EFLAGS_OF
#define DF	X86_EFLAGS_DF
#define STATUS	(CF | PF | AF | ZF | SF | OF)

static u64 rng_state = 0x2545f4914f6cdd1dULL;

static u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static bool chance(unsigned int percent)
{
	return (rng() >> 32) % 100 < percent;
}

static u64 pick(u64 n)
{
	return (rng() >> 20) % n;
}

/* Random, and often a value at which something turns. */
static u64 value(void)
{
	static const u64 edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffffff, 0x100000000,
	};

	return chance(30) ? edges[pick(ARRAY_SIZE(edges))] : rng();
}

/* Templates */

#define T_BYTE	0x0001		/* no 66, no REX.W */
#define T_LOCK	0x0002		/* LOCK is legal with memory */
#define T_MEM	0x0004		/* memory only */
#define T_VEC	0x0008
#define T_VEX	0x0010		/* has a VEX form */
#define T_VONLY	0x0020		/* only VEX */
#define T_VVVV	0x0040		/* VEX.vvvv is an operand */
#define T_ALIGN	0x0080
#define T_L0	0x0100
#define T_L1	0x0200
#define T_WSIZE	0x0400		/* MOVD, MOVQ: W allowed */
#define T_NO66	0x0800
#define T_AVX2	0x1000
#define T_NOW	0x2000		/* no REX.W */

enum kind {
	K_PLAIN, K_SHIFT, K_SHIFTD, K_BT, K_CMPXCHG, K_CMPXCHG8B, K_BRANCH,
	K_PUSH, K_POP, K_STRING, K_MOFFS, K_NOMODRM,
};

struct tmpl {
	char name[24];
	u8 kind;
	u8 map;			/* 0: none, 1: 0F, 2: 0F38, 3: 0F3A */
	u8 pp;			/* 0x66, 0xf3, 0xf2 */
	u8 opcode;
	s8 digit;		/* -1: ModRM.reg is a register */
	u8 imm;			/* 1: byte, 4: by operand size, max 4 */
	u8 size;		/* vector: bytes in memory, 0: whole */
	u32 flags;
	u32 undef;		/* flags not compared */
};

static struct tmpl tmpls[512];
static unsigned int tmpl_count;

static struct tmpl *add(const char *name, enum kind kind, u8 map, u8 opcode,
			int digit, u8 imm, u32 flags, u32 undef)
{
	struct tmpl *t = &tmpls[tmpl_count++];

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->kind = kind;
	t->map = map;
	t->opcode = opcode;
	t->digit = digit;
	t->imm = imm;
	t->flags = flags;
	t->undef = undef;
	return t;
}

static void add_integer(void)
{
	static const char *const alu[] = {
		"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"
	};
	static const char *const sh[] = {
		"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"
	};
	static const char *const bt[] = { "bt", "bts", "btr", "btc" };
	unsigned int i, b;

	for (i = 0; i < 8; i++) {
		u32 lock = i < 7 ? T_LOCK : 0;
		u32 undef = i == 1 || i == 4 || i == 6 ? AF : 0;

		for (b = 0; b < 2; b++) {
			u32 byte = b ? 0 : T_BYTE;

			add(alu[i], K_PLAIN, 0, 8 * i + b, -1, 0, byte | lock,
			    undef);
			add(alu[i], K_PLAIN, 0, 8 * i + 2 + b, -1, 0, byte,
			    undef);
			add(alu[i], K_PLAIN, 0, 0x80 + b, i, b ? 4 : 1,
			    byte | lock, undef);
			add(alu[i], K_NOMODRM, 0, 8 * i + 4 + b, -1, b ? 4 : 1,
			    byte, undef);
			add(sh[i], K_SHIFT, 0, 0xc0 + b, i, 1, byte, 0);
			add(sh[i], K_SHIFT, 0, 0xd0 + b, i, 0, byte, 0);
			add(sh[i], K_SHIFT, 0, 0xd2 + b, i, 0, byte, 0);
		}
		add(alu[i], K_PLAIN, 0, 0x83, i, 1, lock, undef);
	}
	for (b = 0; b < 2; b++) {
		u32 byte = b ? 0 : T_BYTE;

		add("test", K_PLAIN, 0, 0x84 + b, -1, 0, byte, AF);
		add("test", K_PLAIN, 0, 0xf6 + b, 0, b ? 4 : 1, byte, AF);
		add("not", K_PLAIN, 0, 0xf6 + b, 2, 0, byte | T_LOCK, 0);
		add("neg", K_PLAIN, 0, 0xf6 + b, 3, 0, byte | T_LOCK, 0);
		add("mul", K_PLAIN, 0, 0xf6 + b, 4, 0, byte, SF | ZF | AF | PF);
		add("imul1", K_PLAIN, 0, 0xf6 + b, 5, 0, byte,
		    SF | ZF | AF | PF);
		add("inc", K_PLAIN, 0, 0xfe + b, 0, 0, byte | T_LOCK, 0);
		add("dec", K_PLAIN, 0, 0xfe + b, 1, 0, byte | T_LOCK, 0);
		add("mov", K_PLAIN, 0, 0x88 + b, -1, 0, byte, 0);
		add("mov", K_PLAIN, 0, 0x8a + b, -1, 0, byte, 0);
		add("mov imm", K_PLAIN, 0, 0xc6 + b, 0, b ? 4 : 1, byte, 0);
		add("mov moffs", K_MOFFS, 0, 0xa0 + b, -1, 0, byte, 0);
		add("mov moffs", K_MOFFS, 0, 0xa2 + b, -1, 0, byte, 0);
		add("xchg", K_PLAIN, 0, 0x86 + b, -1, 0, byte | T_LOCK, 0);
		add("cmpxchg", K_CMPXCHG, 1, 0xb0 + b, -1, 0, byte | T_LOCK, 0);
		add("xadd", K_PLAIN, 1, 0xc0 + b, -1, 0, byte | T_LOCK, 0);
		add("movzx", K_PLAIN, 1, 0xb6 + b, -1, 0, 0, 0);
		add("movsx", K_PLAIN, 1, 0xbe + b, -1, 0, 0, 0);
		add("movbe", K_PLAIN, 2, 0xf0 + b, -1, 0, T_MEM, 0);
	}
	add("movsxd", K_PLAIN, 0, 0x63, -1, 0, 0, 0);
	add("movnti", K_PLAIN, 1, 0xc3, -1, 0, T_MEM | T_NO66, 0);
	add("mov sreg", K_PLAIN, 0, 0x8c, 0, 0, T_MEM, 0);
	add("mov sreg", K_PLAIN, 0, 0x8c, 1, 0, T_MEM, 0);
	add("mov sreg", K_PLAIN, 0, 0x8c, 2, 0, 0, 0);
	add("imul", K_PLAIN, 1, 0xaf, -1, 0, 0, SF | ZF | AF | PF);
	add("imul", K_PLAIN, 0, 0x69, -1, 4, 0, SF | ZF | AF | PF);
	add("imul", K_PLAIN, 0, 0x6b, -1, 1, 0, SF | ZF | AF | PF);
	add("cmpxchg8b", K_CMPXCHG8B, 1, 0xc7, 1, 0, T_MEM | T_LOCK | T_NO66, 0);
	for (i = 0; i < 4; i++) {
		u32 lock = i ? T_LOCK : 0;

		add(bt[i], K_BT, 1, 0xa3 + 8 * i, -1, 0, lock,
		    OF | SF | AF | PF);
		add(bt[i], K_PLAIN, 1, 0xba, 4 + i, 1, lock,
		    OF | SF | AF | PF);
	}
	for (i = 0; i < 2; i++) {
		add("shld", K_SHIFTD, 1, 0xa4 + i, -1, !i, 0, 0);
		add("shrd", K_SHIFTD, 1, 0xac + i, -1, !i, 0, 0);
	}
	for (i = 0; i < 16; i++) {
		add("setcc", K_PLAIN, 1, 0x90 + i, 0, 0, T_BYTE, 0);
		add("cmovcc", K_PLAIN, 1, 0x40 + i, -1, 0, 0, 0);
	}
	add("push", K_PUSH, 0, 0xff, 6, 0, T_NOW, 0);
	add("pop", K_POP, 0, 0x8f, 0, 0, T_NOW, 0);
	add("push imm", K_NOMODRM, 0, 0x68, -1, 4, T_NOW, 0)->kind = K_PUSH;
	add("push imm8", K_PUSH, 0, 0x6a, -1, 1, T_NOW, 0);
	for (i = 0; i < 8; i++) {
		add("push reg", K_PUSH, 0, 0x50 + i, -1, 0, T_NOW, 0);
		add("pop reg", K_POP, 0, 0x58 + i, -1, 0, T_NOW, 0);
	}
	add("call", K_BRANCH, 0, 0xff, 2, 0, T_NOW | T_NO66, 0);
	add("jmp", K_BRANCH, 0, 0xff, 4, 0, T_NOW | T_NO66, 0);
	for (i = 0; i < 2; i++) {
		static const u8 ops[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae };
		static const char *const names[] = {
			"movs", "cmps", "stos", "lods", "scas"
		};

		for (b = 0; b < 5; b++)
			add(names[b], K_STRING, 0, ops[b] + i, -1, 0,
			    i ? 0 : T_BYTE, 0);
	}
}

static void add_vec(const char *name, u8 map, u8 pp, u8 opcode, u8 size,
		    u8 imm, u32 flags)
{
	struct tmpl *t = add(name, K_PLAIN, map, opcode, -1, imm,
			     flags | T_VEC | T_MEM, 0);

	t->pp = pp;
	t->size = size;
}

static void add_vectors(void)
{
	add_vec("movups", 1, 0, 0x10, 0, 0, T_VEX);
	add_vec("movups", 1, 0, 0x11, 0, 0, T_VEX);
	add_vec("movupd", 1, 0x66, 0x10, 0, 0, T_VEX);
	add_vec("movupd", 1, 0x66, 0x11, 0, 0, T_VEX);
	add_vec("movss", 1, 0xf3, 0x10, 4, 0, T_VEX);
	add_vec("movss", 1, 0xf3, 0x11, 4, 0, T_VEX);
	add_vec("movsd", 1, 0xf2, 0x10, 8, 0, T_VEX);
	add_vec("movsd", 1, 0xf2, 0x11, 8, 0, T_VEX);
	add_vec("movlps", 1, 0, 0x12, 8, 0, T_VEX | T_VVVV | T_L0);
	add_vec("movlps", 1, 0, 0x13, 8, 0, T_VEX | T_L0);
	add_vec("movlpd", 1, 0x66, 0x12, 8, 0, T_VEX | T_VVVV | T_L0);
	add_vec("movlpd", 1, 0x66, 0x13, 8, 0, T_VEX | T_L0);
	add_vec("movhps", 1, 0, 0x16, 8, 0, T_VEX | T_VVVV | T_L0);
	add_vec("movhps", 1, 0, 0x17, 8, 0, T_VEX | T_L0);
	add_vec("movhpd", 1, 0x66, 0x16, 8, 0, T_VEX | T_VVVV | T_L0);
	add_vec("movhpd", 1, 0x66, 0x17, 8, 0, T_VEX | T_L0);
	add_vec("movsldup", 1, 0xf3, 0x12, 0, 0, T_VEX | T_ALIGN);
	add_vec("movshdup", 1, 0xf3, 0x16, 0, 0, T_VEX | T_ALIGN);
	add_vec("movddup", 1, 0xf2, 0x12, 0, 0, T_VEX);
	add_vec("movaps", 1, 0, 0x28, 0, 0, T_VEX | T_ALIGN);
	add_vec("movaps", 1, 0, 0x29, 0, 0, T_VEX | T_ALIGN);
	add_vec("movapd", 1, 0x66, 0x28, 0, 0, T_VEX | T_ALIGN);
	add_vec("movapd", 1, 0x66, 0x29, 0, 0, T_VEX | T_ALIGN);
	add_vec("movntps", 1, 0, 0x2b, 0, 0, T_VEX | T_ALIGN);
	add_vec("movntpd", 1, 0x66, 0x2b, 0, 0, T_VEX | T_ALIGN);
	add_vec("movd", 1, 0x66, 0x6e, 0, 0, T_VEX | T_L0 | T_WSIZE);
	add_vec("movd", 1, 0x66, 0x7e, 0, 0, T_VEX | T_L0 | T_WSIZE);
	add_vec("movdqa", 1, 0x66, 0x6f, 0, 0, T_VEX | T_ALIGN);
	add_vec("movdqa", 1, 0x66, 0x7f, 0, 0, T_VEX | T_ALIGN);
	add_vec("movdqu", 1, 0xf3, 0x6f, 0, 0, T_VEX);
	add_vec("movdqu", 1, 0xf3, 0x7f, 0, 0, T_VEX);
	add_vec("movq", 1, 0xf3, 0x7e, 8, 0, T_VEX | T_L0);
	add_vec("movq", 1, 0x66, 0xd6, 8, 0, T_VEX | T_L0);
	add_vec("movntdq", 1, 0x66, 0xe7, 0, 0, T_VEX | T_ALIGN);
	add_vec("lddqu", 1, 0xf2, 0xf0, 0, 0, T_VEX);
	add_vec("movntdqa", 2, 0x66, 0x2a, 0, 0, T_VEX | T_ALIGN | T_AVX2);
	add_vec("vbroadcastss", 2, 0x66, 0x18, 4, 0, T_VONLY | T_NOW);
	add_vec("vbroadcastsd", 2, 0x66, 0x19, 8, 0, T_VONLY | T_L1 | T_NOW);
	add_vec("vbroadcastf128", 2, 0x66, 0x1a, 16, 0, T_VONLY | T_L1 | T_NOW);
	add_vec("vpbroadcastd", 2, 0x66, 0x58, 4, 0, T_VONLY | T_NOW | T_AVX2);
	add_vec("vpbroadcastq", 2, 0x66, 0x59, 8, 0, T_VONLY | T_NOW | T_AVX2);
	add_vec("vbroadcasti128", 2, 0x66, 0x5a, 16, 0,
		T_VONLY | T_L1 | T_NOW | T_AVX2);
	add_vec("vpbroadcastb", 2, 0x66, 0x78, 1, 0, T_VONLY | T_NOW | T_AVX2);
	add_vec("vpbroadcastw", 2, 0x66, 0x79, 2, 0, T_VONLY | T_NOW | T_AVX2);
	add_vec("vinsertf128", 3, 0x66, 0x18, 16, 1,
		T_VONLY | T_L1 | T_NOW | T_VVVV);
	add_vec("vextractf128", 3, 0x66, 0x19, 16, 1,
		T_VONLY | T_L1 | T_NOW);
	add_vec("vinserti128", 3, 0x66, 0x38, 16, 1,
		T_VONLY | T_L1 | T_NOW | T_VVVV | T_AVX2);
	add_vec("vextracti128", 3, 0x66, 0x39, 16, 1,
		T_VONLY | T_L1 | T_NOW | T_AVX2);
}

/* A case */

struct test_case {
	const struct tmpl *t;
	u8 bytes[16];
	unsigned int len;
	u64 gpr[16];
	u64 rflags;
	u64 gs_base;
	u32 undef;
	u32 fixed;		/* registers that addressing must not set */
	bool vex, ymm, lock, opsize66, adsize67, gs, repe, repne, rexw;
	u8 rex;
	u8 reg;
	u8 vvvv;
	u8 operand[8];		/* ModRM, SIB, displacement */
	unsigned int operand_len;
	int rip_disp;		/* where in operand the RIP displacement is */
	u64 target;
	u8 imm[8];
	unsigned int imm_len;
};

static unsigned int int_size(const struct test_case *c)
{
	if (c->t->flags & T_BYTE)
		return 1;
	if (c->rexw)
		return 8;
	return c->opsize66 ? 2 : 4;
}

static u64 pick_target(unsigned int align)
{
	u64 off;

	if (chance(20))
		off = 0x1000 - pick(40);
	else
		off = 0x200 + pick(0x1c00);
	return NATIVE_DATA + (off & ~(u64)(align - 1));
}

static void operand_bytes(struct test_case *c, u8 mod, u8 rm, int sib,
			  unsigned int disp_len, u32 disp)
{
	u8 *p = c->operand;

	*p++ = mod << 6 | (c->reg & 7) << 3 | (rm & 7);
	if (sib >= 0)
		*p++ = sib;
	memcpy(p, &disp, disp_len);
	c->operand_len = p - c->operand + disp_len;
}

/* A ModRM operand whose address is c->target, registers set accordingly. */
static void build_memory(struct test_case *c)
{
	u64 addr = c->target - (c->gs ? c->gs_base : 0);
	unsigned int base, index, scale, disp_len, mod;
	u64 junk = c->adsize67 ? value() << 32 : 0;
	s32 disp;

	c->rip_disp = -1;
	if (!c->gs && chance(10)) {		/* RIP-relative */
		operand_bytes(c, 0, 5, -1, 4, 0);
		c->rip_disp = 1;
		return;
	}
	if (!c->gs && chance(5)) {		/* absolute */
		operand_bytes(c, 0, 4, 0x25, 4, addr);
		return;
	}
	do {
		base = pick(16);
	} while (c->fixed >> base & 1);
	do {
		index = pick(16);
	} while (index == base || index == 4 || c->fixed >> index & 1);
	scale = pick(4);
	mod = pick(3);
	if (!mod && (base & 7) == 5)
		mod = 1;
	disp_len = mod == 2 ? 4 : mod;
	disp = mod == 2 ? (s32)rng() : mod ? (s8)rng() : 0;
	c->rex |= base & 8 ? GINSN_REX_B : 0;
	if (chance(60) && (base & 7) != 4) {
		operand_bytes(c, mod, base, -1, disp_len, disp);
		c->gpr[base] = addr - disp;
	} else if (chance(30)) {
		operand_bytes(c, mod, 4, 0x20 | (base & 7), disp_len, disp);
		c->gpr[base] = addr - disp;
	} else {
		c->rex |= index & 8 ? GINSN_REX_X : 0;
		operand_bytes(c, mod, 4,
			      scale << 6 | (index & 7) << 3 | (base & 7),
			      disp_len, disp);
		c->gpr[index] = value();
		c->gpr[base] = addr - disp - (c->gpr[index] << scale);
		if (c->adsize67)
			c->gpr[index] ^= value() << 32;
	}
	c->gpr[base] = c->adsize67 ? (u32)c->gpr[base] | junk : c->gpr[base];
}

static void emit(struct test_case *c, u8 byte)
{
	c->bytes[c->len++] = byte;
}

/* Prefixes in random order are legal, so vary it. */
static void emit_legacy_prefixes(struct test_case *c)
{
	unsigned int i, start = pick(5);

	for (i = 0; i < 5; i++) {
		switch ((start + i) % 5) {
		case 0:
			if (c->lock)
				emit(c, 0xf0);
			break;
		case 1:
			if (c->opsize66)
				emit(c, 0x66);
			break;
		case 2:
			if (c->adsize67)
				emit(c, 0x67);
			break;
		case 3:
			if (c->gs)
				emit(c, 0x65);
			break;
		default:
			if (c->repe || c->repne)
				emit(c, c->repe ? 0xf3 : 0xf2);
			else if (c->t->pp && !c->vex)
				emit(c, c->t->pp);
		}
	}
}

static void emit_vex(struct test_case *c)
{
	u8 pp = c->t->pp == 0x66 ? 1 : c->t->pp == 0xf3 ? 2 :
		c->t->pp == 0xf2 ? 3 : 0;
	u8 last = (~c->vvvv & 15) << 3 | c->ymm << 2 | pp;

	if (c->t->map == 1 && !c->rexw &&
	    !(c->rex & (GINSN_REX_X | GINSN_REX_B)) && chance(70)) {
		emit(c, 0xc5);
		emit(c, last | (c->rex & GINSN_REX_R ? 0 : 0x80));
		return;
	}
	emit(c, 0xc4);
	emit(c, c->t->map | (c->rex & GINSN_REX_R ? 0 : 0x80) |
	     (c->rex & GINSN_REX_X ? 0 : 0x40) |
	     (c->rex & GINSN_REX_B ? 0 : 0x20));
	emit(c, last | (c->rexw ? 0x80 : 0));
}

static void assemble(struct test_case *c)
{
	c->len = 0;
	emit_legacy_prefixes(c);
	if (c->vex) {
		emit_vex(c);
	} else {
		if (c->rexw)
			c->rex |= GINSN_REX_W;
		if (c->rex)
			emit(c, c->rex | 0x40);
		if (c->t->map)
			emit(c, 0x0f);
		if (c->t->map >= 2)
			emit(c, c->t->map == 2 ? 0x38 : 0x3a);
	}
	emit(c, c->t->opcode);
	if (c->rip_disp >= 0 && c->operand_len) {
		u64 next = native_insn_rip + c->len + c->operand_len +
			   c->imm_len;
		s32 disp = c->target - next;

		memcpy(c->operand + c->rip_disp, &disp, 4);
	}
	memcpy(c->bytes + c->len, c->operand, c->operand_len);
	c->len += c->operand_len;
	memcpy(c->bytes + c->len, c->imm, c->imm_len);
	c->len += c->imm_len;
}

static void put(u64 addr, u64 val, unsigned int size)
{
	memcpy((void *)addr, &val, size);
}

static void setup_string(struct test_case *c)
{
	unsigned int size = int_size(c), count = pick(20);
	u64 junk = c->adsize67 ? rng() << 32 : 0;
	u64 room = count * size + 8;
	bool down = c->rflags & DF;

	/* Vendors differ in the upper halves when there is nothing to do. */
	if (!count && !__builtin_cpu_is("intel"))
		junk = 0;
	c->operand_len = 0;
	if (chance(70)) {
		c->repe = chance(60);
		c->repne = !c->repe;
	}
	c->gpr[GINSN_RSI] = NATIVE_DATA + 0x400 + pick(0x1800) +
			    (down ? room : 0);
	c->gpr[GINSN_RDI] = chance(30) ? c->gpr[GINSN_RSI] + pick(32) - 16 :
			    NATIVE_DATA + 0x400 + pick(0x1800) +
			    (down ? room : 0);
	c->gpr[GINSN_RCX] = count;
	if (c->gs)
		c->gpr[GINSN_RSI] -= c->gs_base;
	if (c->adsize67 && !(c->gs && c->gs_base > 0xffffffff)) {
		c->gpr[GINSN_RSI] = (u32)c->gpr[GINSN_RSI] | junk;
		c->gpr[GINSN_RDI] |= junk;
		c->gpr[GINSN_RCX] |= junk;
	}
	/* Something to compare: equal runs. */
	if (chance(60)) {
		u8 fill = rng();

		memset(native_data + 0x200, fill, 0x1c00);
		memset(&c->gpr[0], fill, 8);
		if (chance(70))
			native_data[0x400 + pick(0x1800)] ^= 1;
	}
}

/* What the processor leaves undefined after this shift. */
static u32 shift_undef(const struct test_case *c)
{
	unsigned int size = int_size(c), bits = 8 * size, count;
	u32 undef = AF;

	if (c->t->imm)
		count = c->imm[0];
	else if (c->t->kind == K_SHIFTD || c->t->opcode >= 0xd2)
		count = c->gpr[GINSN_RCX];
	else
		count = 1;
	count &= size == 8 ? 63 : 31;
	if (!count)
		return 0;
	if (count != 1)
		undef |= OF;
	if (c->t->kind == K_SHIFT && c->t->digit < 4)
		undef &= ~AF;
	if (c->t->kind == K_SHIFT && c->t->digit >= 4 && c->t->digit != 7 &&
	    count >= bits)
		undef |= CF;
	return undef;
}

/* GS with a base of its own; low enough for 32-bit addresses. */
static void choose_gs(struct test_case *c)
{
	c->gs = true;
	c->gs_base = chance(50) ? NATIVE_DATA : rng() >> 18;
	if (c->adsize67 && c->gs_base > 0x10000000)
		c->gs_base &= 0xfffffff;
	syscall(SYS_arch_prctl, ARCH_SET_GS, c->gs_base);
}

/* VEX or not, its fields, and REX.W; false when this CPU does not have it. */
static bool choose_vector(struct test_case *c)
{
	u32 flags = c->t->flags;

	c->vex = native_avx && (flags & T_VONLY ||
				(flags & T_VEX && chance(60)));
	if (flags & T_VONLY && !c->vex)
		return false;
	if (flags & T_AVX2 && c->vex && !__builtin_cpu_supports("avx2"))
		return false;
	c->ymm = c->vex && !(flags & T_L0) && (flags & T_L1 || chance(50));
	c->rexw = flags & T_WSIZE ? chance(50) :
		  !(flags & T_NOW) && chance(20);
	c->vvvv = c->vex && flags & T_VVVV ? pick(16) : 0;
	return true;
}

static unsigned int alignment(const struct test_case *c)
{
	if (c->t->kind == K_CMPXCHG8B)
		return c->rexw ? 16 : 1;
	/* MOVSLDUP and MOVSHDUP only without VEX. */
	if (!(c->t->flags & T_ALIGN) ||
	    (c->vex && (c->t->opcode == 0x12 || c->t->opcode == 0x16)))
		return 1;
	return c->ymm ? 32 : 16;
}

static bool has_modrm(const struct tmpl *t)
{
	switch (t->kind) {
	case K_STRING:
	case K_MOFFS:
	case K_NOMODRM:
		return false;
	case K_PUSH:
		return t->opcode == 0xff;
	case K_POP:
		return t->opcode == 0x8f;
	default:
		return true;
	}
}

/* A bit offset that stays near, with junk above the operand. */
static void choose_bit_offset(struct test_case *c)
{
	unsigned int size = int_size(c);
	u64 *reg = &c->gpr[c->reg];

	*reg = (s64)(rng() << 50) >> 50;
	if (size < 8)
		*reg ^= value() << (8 * size);
	if (size == 2)
		*reg = (*reg & ~0xffffULL) | (rng() & 0x1fff);
	c->target = NATIVE_DATA + 0x800 + pick(0x400);
}

/* ModRM names a register; false when that cannot be run. */
static bool build_register(struct test_case *c)
{
	unsigned int rm = pick(16);

	c->rex |= rm & 8 ? GINSN_REX_B : 0;
	operand_bytes(c, 3, rm, -1, 0, 0);
	if (c->t->kind != K_BRANCH)
		return true;
	if (rm == GINSN_RSP)
		return false;
	assemble(c);
	c->gpr[rm] = native_insn_rip + c->len;
	return true;
}

static bool build_operand(struct test_case *c)
{
	const struct tmpl *t = c->t;

	if (t->kind == K_STRING) {
		c->rflags |= chance(40) ? DF : 0;
		setup_string(c);
		return true;
	}
	if (t->kind == K_MOFFS) {
		c->imm_len = c->adsize67 ? 4 : 8;
		c->target -= c->gs ? c->gs_base : 0;
		if (c->adsize67)
			c->target = (u32)c->target;
		memcpy(c->imm, &c->target, 8);
		return true;
	}
	if (!has_modrm(t)) {
		if (chance(20))
			c->rex |= 0x40 | (t->kind == K_PUSH ||
					  t->kind == K_POP ? rng() & 1 : 0);
		return true;
	}
	if (!(t->flags & T_MEM) && chance(15))
		return build_register(c);
	c->lock = t->flags & T_LOCK && chance(30);
	if (t->kind == K_BT)
		choose_bit_offset(c);
	build_memory(c);
	return true;
}

/* Memory in which the comparison succeeds, or the branch lands. */
static void prepare_memory(struct test_case *c)
{
	bool is_mem = c->operand_len && c->operand[0] < 0xc0;
	unsigned int half = c->rexw ? 8 : 4;

	if (c->t->kind == K_BRANCH && is_mem)
		put(c->target, native_insn_rip + c->len, 8);
	if (c->t->kind == K_CMPXCHG && is_mem && chance(50) && !c->adsize67)
		put(c->target, c->gpr[GINSN_RAX], int_size(c));
	if (c->t->kind == K_CMPXCHG8B && chance(50)) {
		put(c->target, c->gpr[GINSN_RAX], half);
		put(c->target + half, c->gpr[GINSN_RDX], half);
	}
}

static void choose_values(struct test_case *c)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		c->gpr[i] = value();
	for (i = 0; i < 8; i++)
		c->imm[i] = rng() >> 17;
	for (i = 0; i < NATIVE_DATA_LEN; i += 8)
		*(u64 *)(native_data + i) = value();
	c->rflags = 0x202 | (rng() & STATUS);
}

/* False when this case cannot be run, or its result would be undefined. */
static bool build_case(struct test_case *c, const struct tmpl *t)
{
	bool stack = t->kind == K_PUSH || t->kind == K_POP ||
		     t->kind == K_BRANCH;
	unsigned int size;

	memset(c, 0, sizeof(*c));
	c->t = t;
	c->rip_disp = -1;
	c->undef = t->undef;
	choose_values(c);

	if (!(t->flags & (T_BYTE | T_VEC))) {
		c->rexw = !(t->flags & T_NOW) && chance(30);
		c->opsize66 = !(t->flags & T_NO66) && chance(25);
	}
	c->adsize67 = chance(15);
	if (chance(10))
		choose_gs(c);
	if (t->flags & T_VEC && !choose_vector(c))
		return false;

	size = int_size(c);
	c->reg = t->digit >= 0 ? t->digit : pick(16);
	if (t->digit < 0 && has_modrm(t) && c->reg & 8)
		c->rex |= GINSN_REX_R;
	if (t->flags & T_BYTE && chance(20))
		c->rex |= 0x40;
	c->target = pick_target(alignment(c));
	c->imm_len = t->imm == 4 ? min(size, 4u) : t->imm;
	if (stack) {
		if (t->opcode == 0x68)
			c->imm_len = c->opsize66 ? 2 : 4;
		c->gpr[GINSN_RSP] = NATIVE_DATA + 0x200 + pick(0x1c00);
		c->fixed = 1 << GINSN_RSP;
	} else if (t->kind == K_BT) {
		if (c->reg == GINSN_RSP)
			return false;
		c->fixed = 1 << c->reg;
	}
	if (!build_operand(c))
		return false;
	assemble(c);
	if (c->len > 15)
		return false;

	prepare_memory(c);
	if (t->kind == K_SHIFT || t->kind == K_SHIFTD)
		c->undef |= shift_undef(c);
	return t->kind != K_SHIFTD || size != 2 ||
	       ((t->imm ? c->imm[0] : c->gpr[GINSN_RCX]) & 31) <= 16;
}

#endif
