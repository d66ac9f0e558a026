// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator against the processor: the same instruction on the
 * same registers, flags and memory, once executed and twice emulated, the
 * second time with every memory access answered from outside as user space
 * does it for a device.
 * Run by selftests/unit/Makefile as "test_insn_emul [seed [cases]]"; TAP.
 * It must not execute what faults: that is test_insn_fault.c.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include "arch/x86/insn_emul.h"
#include "arch/x86/insn_log.h"
#include "selftests/unit/insn_native.h"

#define CF	X86_EFLAGS_CF
#define PF	X86_EFLAGS_PF
#define AF	X86_EFLAGS_AF
#define ZF	X86_EFLAGS_ZF
#define SF	X86_EFLAGS_SF
#define OF	X86_EFLAGS_OF
#define DF	X86_EFLAGS_DF
#define STATUS	(CF | PF | AF | ZF | SF | OF)

static unsigned int tests, failed;
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

static u8 vec_before[16][32];
static u8 data_before[NATIVE_DATA_LEN], data_native[NATIVE_DATA_LEN];

static unsigned int int_size(const struct test_case *c)
{
	if (c->t->flags & T_BYTE)
		return 1;
	if (c->rexw)
		return 8;
	return c->opsize66 ? 2 : 4;
}

static u64 pick_target(const struct test_case *c, unsigned int align)
{
	u64 off;

	if (chance(20))
		off = 0x1000 - pick(40);
	else
		off = 0x200 + pick(0x1c00);
	(void)c;
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

/* False when the processor's result would be undefined. */
static bool build_case(struct test_case *c, const struct tmpl *t)
{
	unsigned int i, size, align = 1;
	bool modrm;

	memset(c, 0, sizeof(*c));
	c->t = t;
	c->rip_disp = -1;
	c->undef = t->undef;
	for (i = 0; i < 16; i++)
		c->gpr[i] = value();
	c->rflags = 0x202 | (rng() & STATUS);
	for (i = 0; i < NATIVE_DATA_LEN; i += 8)
		*(u64 *)(native_data + i) = value();

	if (!(t->flags & (T_BYTE | T_VEC))) {
		c->rexw = !(t->flags & T_NOW) && chance(30);
		c->opsize66 = !(t->flags & T_NO66) && chance(25);
	}
	c->adsize67 = chance(15);
	if (chance(10)) {
		c->gs = true;
		c->gs_base = chance(50) ? NATIVE_DATA : rng() >> 18;
		if (c->adsize67 && c->gs_base > 0x10000000)
			c->gs_base &= 0xfffffff;
		syscall(SYS_arch_prctl, ARCH_SET_GS, c->gs_base);
	}
	if (t->flags & T_VEC) {
		c->vex = native_avx && (t->flags & T_VONLY ||
					(t->flags & T_VEX && chance(60)));
		if (t->flags & T_VONLY && !c->vex)
			return false;
		if (t->flags & T_AVX2 && c->vex &&
		    !__builtin_cpu_supports("avx2"))
			return false;
		c->ymm = c->vex && !(t->flags & T_L0) &&
			 (t->flags & T_L1 || chance(50));
		c->rexw = t->flags & T_WSIZE ? chance(50) :
			  !(t->flags & T_NOW) && chance(20);
		c->vvvv = c->vex && t->flags & T_VVVV ? pick(16) : 0;
		if (t->flags & T_ALIGN &&
		    (!c->vex || t->opcode != 0x12))
			align = c->ymm ? 32 : 16;
	} else if (c->rexw) {
		c->rex |= GINSN_REX_W;
	}

	size = int_size(c);
	c->reg = t->digit >= 0 ? t->digit : pick(16);
	modrm = t->kind != K_STRING && t->kind != K_MOFFS &&
		t->kind != K_NOMODRM &&
		!(t->kind == K_PUSH && t->opcode != 0xff) &&
		!(t->kind == K_POP && t->opcode != 0x8f);
	if (t->digit < 0 && modrm && c->reg & 8)
		c->rex |= GINSN_REX_R;
	if (t->kind == K_CMPXCHG8B && c->rexw)
		align = 16;
	c->target = pick_target(c, align);
	for (i = 0; i < 8; i++)
		c->imm[i] = rng() >> 17;
	c->imm_len = t->imm == 4 ? min(size, 4u) : t->imm;

	switch (t->kind) {
	case K_PUSH:
	case K_POP:
	case K_BRANCH:
		size = t->kind == K_BRANCH || !c->opsize66 ? 8 : 2;
		if (t->opcode == 0x68)
			c->imm_len = size == 8 ? 4 : 2;
		c->gpr[GINSN_RSP] = NATIVE_DATA + 0x200 + pick(0x1c00);
		c->fixed = 1 << GINSN_RSP;
		break;
	case K_BT:
		if (c->reg == 4)
			return false;
		c->fixed = 1 << c->reg;
		break;
	default:
		break;
	}

	if (t->kind == K_STRING) {
		c->rflags |= chance(40) ? DF : 0;
		setup_string(c);
	} else if (t->kind == K_MOFFS) {
		c->imm_len = c->adsize67 ? 4 : 8;
		c->target -= c->gs ? c->gs_base : 0;
		if (c->adsize67)
			c->target = (u32)c->target;
		memcpy(c->imm, &c->target, 8);
	} else if (modrm && (t->flags & T_MEM || chance(85))) {
		c->lock = t->flags & T_LOCK && chance(30);
		if (t->kind == K_BT) {
			c->gpr[c->reg] = (s64)(rng() << 50) >> 50;
			if (size < 8)	/* above the operand: junk */
				c->gpr[c->reg] ^= value() << (8 * size);
			if (size == 2)
				c->gpr[c->reg] = (c->gpr[c->reg] & ~0xffffULL) |
						 (rng() & 0x1fff);
			c->target = NATIVE_DATA + 0x800 + pick(0x400);
		}
		build_memory(c);
	} else if (modrm) {
		unsigned int rm = pick(16);

		if (t->kind == K_POP || t->kind == K_PUSH)
			c->fixed = 0;
		c->rex |= rm & 8 ? GINSN_REX_B : 0;
		operand_bytes(c, 3, rm, -1, 0, 0);
		if (t->kind == K_BRANCH) {
			if (rm == GINSN_RSP)
				return false;
			/* Length: prefixes, REX, opcode, ModRM. */
			c->lock = false;
			assemble(c);
			c->gpr[rm] = native_insn_rip + c->len;
			return true;
		}
	} else if (chance(20)) {
		c->rex |= 0x40 | (t->kind == K_PUSH || t->kind == K_POP ?
				  (rng() & 1) : 0);
	}
	if (t->flags & T_BYTE && chance(20))
		c->rex |= 0x40;

	assemble(c);
	if (c->len > 15)
		return false;
	if (t->kind == K_BRANCH)
		put(c->target, native_insn_rip + c->len, 8);
	if (t->kind == K_SHIFT || t->kind == K_SHIFTD)
		c->undef |= shift_undef(c);
	if (t->kind == K_SHIFTD && size == 2 &&
	    ((t->imm ? c->imm[0] : c->gpr[GINSN_RCX]) & 31) > 16)
		return false;
	if (t->kind == K_CMPXCHG && c->operand[0] < 0xc0 && chance(50) &&
	    !(c->adsize67))
		put(c->target, c->gpr[GINSN_RAX], size);
	if (t->kind == K_CMPXCHG8B && chance(50)) {
		put(c->target, c->gpr[GINSN_RAX], c->rexw ? 8 : 4);
		put(c->target + (c->rexw ? 8 : 4), c->gpr[GINSN_RDX],
		    c->rexw ? 8 : 4);
	}
	return true;
}

/* The emulator's side */

struct machine {
	u8 vec[16][32];
	bool device;		/* accesses go out and come back */
	unsigned long accesses;	/* fragments made */
	struct ginsn_log log;
	struct ginsn_ctx committed;
	const char *error;
};

static bool in_data(u64 linear, unsigned int len)
{
	return linear >= NATIVE_DATA &&
	       linear + len <= NATIVE_DATA + NATIVE_DATA_LEN;
}

static enum ginsn_result op_fetch(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len)
{
	memcpy(buf, (void *)linear, len);
	return GINSN_OK;
}

/* The next naturally aligned piece of at most 8 bytes. */
static unsigned int fragment(u64 linear, unsigned int len)
{
	unsigned int size = 8;

	while (size > len || linear & (size - 1))
		size /= 2;
	return size;
}

static enum ginsn_result transfer(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len, bool write)
{
	struct machine *m = ctx->opaque;
	const struct ginsn_frag *frag;
	u64 data = 0;
	u8 *p = buf;

	if (!in_data(linear, len) || (linear & 4095) + len > 4096) {
		m->error = "access outside the data or across a page";
		return GINSN_UNHANDLEABLE;
	}
	while (len) {
		unsigned int size = fragment(linear, len);

		if (write)
			memcpy(&data, p, size);
		if (!m->device) {
			m->accesses++;
			memcpy(write ? (void *)linear : p,
			       write ? p : (void *)linear, size);
		} else {
			frag = ginsn_log_next(&m->log, write, linear, size);
			if (!frag) {
				if (!ginsn_log_ask(&m->log, write, linear, size,
						   data))
					m->error = "log is full";
				return GINSN_PENDING;
			}
			if (!write)
				memcpy(p, &frag->data, size);
		}
		linear += size;
		p += size;
		len -= size;
	}
	return GINSN_OK;
}

static enum ginsn_result op_read(struct ginsn_ctx *ctx, u64 linear, void *buf,
				 unsigned int len, unsigned int flags)
{
	return transfer(ctx, linear, buf, len, false);
}

static enum ginsn_result op_write(struct ginsn_ctx *ctx, u64 linear,
				  const void *buf, unsigned int len,
				  unsigned int flags)
{
	struct machine *m = ctx->opaque;

	if (!(flags & GINSN_ACC_WRITE))
		m->error = "write without GINSN_ACC_WRITE";
	return transfer(ctx, linear, (void *)buf, len, true);
}

static enum ginsn_result op_probe(struct ginsn_ctx *ctx, u64 linear,
				  unsigned int len, unsigned int flags)
{
	return in_data(linear, len) ? GINSN_OK : GINSN_UNHANDLEABLE;
}

static enum ginsn_result op_cmpxchg(struct ginsn_ctx *ctx, u64 linear,
				    const void *old, const void *new,
				    unsigned int len)
{
	struct machine *m = ctx->opaque;

	if (!m->device && memcmp((void *)linear, old, len))
		m->error = "cmpxchg with another old value";
	return transfer(ctx, linear, (void *)new, len, true);
}

static void op_commit(struct ginsn_ctx *ctx)
{
	struct machine *m = ctx->opaque;

	ginsn_log_clear(&m->log);
	m->committed = *ctx;
}

static void op_read_vec(struct ginsn_ctx *ctx, unsigned int reg, void *buf,
			unsigned int len)
{
	struct machine *m = ctx->opaque;

	memcpy(buf, m->vec[reg], len);
}

static void op_write_vec(struct ginsn_ctx *ctx, unsigned int reg,
			 const void *buf, unsigned int len, bool zero_upper)
{
	struct machine *m = ctx->opaque;

	memcpy(m->vec[reg], buf, len);
	if (zero_upper)
		memset(m->vec[reg] + len, 0, 32 - len);
}

static const struct ginsn_ops ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.cmpxchg = op_cmpxchg,
	.commit = op_commit,
	.read_vec = op_read_vec,
	.write_vec = op_write_vec,
};

static void init_ctx(struct ginsn_ctx *ctx, struct machine *m,
		     const struct test_case *c)
{
	u16 cs, ss, ds, es;
	unsigned int i;

	/* Not zeroed on purpose: the header promises that IN is enough. */
	memset(ctx, 0xa5, sizeof(*ctx));
	ctx->ops = &ops;
	ctx->opaque = m;
	memcpy(ctx->gpr, c->gpr, sizeof(ctx->gpr));
	ctx->rip = native_insn_rip;
	ctx->rflags = c->rflags;
	ctx->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_MP;
	ctx->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	ctx->xcr0 = 7;
	ctx->cpl = 3;
	ctx->mode = GINSN_MODE_64;
	ctx->rep_max = 0;
	ctx->bounce = NULL;
	for (i = 0; i < GINSN_SEG_COUNT; i++)
		ctx->seg[i] = (struct ginsn_seg) { 0, ~0U, 0xc0f3, 0 };
	asm("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3"
	    : "=r" (cs), "=r" (ss), "=r" (ds), "=r" (es));
	ctx->seg[GINSN_CS].sel = cs;
	ctx->seg[GINSN_SS].sel = ss;
	ctx->seg[GINSN_DS].sel = ds;
	ctx->seg[GINSN_ES].sel = es;
	ctx->seg[GINSN_GS].base = c->gs_base;
	memcpy(m->vec, vec_before, sizeof(m->vec));
	m->accesses = 0;
	m->error = NULL;
	ginsn_log_clear(&m->log);
	m->committed = *ctx;
}

static bool same_registers(const struct ginsn_ctx *a, const struct ginsn_ctx *b)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->rip == b->rip &&
	       (a->rflags | X86_EFLAGS_RF) == (b->rflags | X86_EFLAGS_RF);
}

/* As a vCPU's run loop does it, with user space answering. */
static enum ginsn_result run_emulator(struct ginsn_ctx *ctx, struct machine *m)
{
	enum ginsn_result r = ginsn_emulate(ctx);
	unsigned int rounds = 0;

	while ((r == GINSN_PENDING || r == GINSN_MORE) && rounds++ < 5000) {
		struct ginsn_frag *frag = &m->log.frag[m->log.used];
		u64 data = 0;

		if (r == GINSN_MORE) {
			ginsn_log_clear(&m->log);
			r = ginsn_emulate(ctx);
			continue;
		}
		if (!same_registers(ctx, &m->committed))
			m->error = "registers changed before the commit";
		if (!m->log.asked || m->error)
			return GINSN_UNHANDLEABLE;
		m->accesses++;
		if (frag->kind == GINSN_FRAG_WRITE)
			memcpy((void *)frag->addr, &frag->data, frag->len);
		else
			memcpy(&data, (void *)frag->addr, frag->len);
		ginsn_log_answer(&m->log, data);
		ginsn_log_rewind(&m->log);
		r = ginsn_execute(ctx);
	}
	return r;
}

static void dump(const struct test_case *c, const char *what)
{
	unsigned int i;

	printf("# %s: %s%s:", c->t->name, what, c->vex ? " (VEX)" : "");
	for (i = 0; i < c->len; i++)
		printf(" %02x", c->bytes[i]);
	printf(" target %llx rflags %llx\n", c->target, c->rflags);
}

/* Compare with native_state and data_native; true when equal. */
static bool compare(const struct test_case *c, const struct ginsn_ctx *ctx,
		    const struct machine *m, enum ginsn_result r,
		    const char *pass)
{
	u64 mask = (STATUS | DF) & ~(u64)c->undef;
	unsigned int vec_len = native_avx ? 32 : 16;
	unsigned int i;

	if (r != GINSN_DONE || m->error) {
		dump(c, pass);
		printf("#   result %d %s\n", r, m->error ? m->error :
		       r == GINSN_UNHANDLEABLE ? ctx->why : "");
		return false;
	}
	for (i = 0; i < 16; i++) {
		if (ctx->gpr[i] == native_state->gpr[i])
			continue;
		dump(c, pass);
		printf("#   gpr %u: before %llx, processor %llx, emulator %llx\n",
		       i, c->gpr[i], native_state->gpr[i], ctx->gpr[i]);
		return false;
	}
	if ((ctx->rflags ^ native_state->rflags) & mask) {
		dump(c, pass);
		printf("#   flags: processor %llx, emulator %llx, mask %llx\n",
		       native_state->rflags, ctx->rflags, mask);
		return false;
	}
	if (ctx->rip != native_insn_rip + c->len) {
		dump(c, pass);
		printf("#   rip %llx\n", ctx->rip);
		return false;
	}
	if (memcmp(native_data, data_native, NATIVE_DATA_LEN)) {
		for (i = 0; native_data[i] == data_native[i]; i++)
			;
		dump(c, pass);
		printf("#   memory at %lx: processor %02x, emulator %02x\n",
		       NATIVE_DATA + i, data_native[i], native_data[i]);
		return false;
	}
	for (i = 0; i < 16 && c->t->flags & T_VEC; i++) {
		if (!memcmp(m->vec[i], native_state->vec[i], vec_len))
			continue;
		dump(c, pass);
		printf("#   vector register %u\n", i);
		return false;
	}
	return true;
}

/* One case, all three runs; true when all agree. */
static bool run_case(const struct test_case *c)
{
	bool vectors = c->t->flags & T_VEC;
	static struct ginsn_ctx ctx;
	static struct machine m;
	enum ginsn_result r;
	unsigned long direct;
	unsigned int i;

	if (vectors) {
		for (i = 0; i < sizeof(vec_before) / 8; i++)
			((u64 *)vec_before)[i] = rng();
		memcpy(native_state->vec, vec_before, sizeof(vec_before));
	}
	memcpy(native_state->gpr, c->gpr, sizeof(c->gpr));
	native_state->rflags = c->rflags;
	memcpy(data_before, native_data, NATIVE_DATA_LEN);
	native_begin(vectors);
	native_run(c->bytes, c->len, vectors);
	memcpy(data_native, native_data, NATIVE_DATA_LEN);

	memcpy(native_data, data_before, NATIVE_DATA_LEN);
	m.device = false;
	init_ctx(&ctx, &m, c);
	r = run_emulator(&ctx, &m);
	direct = m.accesses;
	if (!compare(c, &ctx, &m, r, "memory"))
		return false;

	memcpy(native_data, data_before, NATIVE_DATA_LEN);
	m.device = true;
	init_ctx(&ctx, &m, c);
	ctx.rep_max = 1 + pick(5);
	r = run_emulator(&ctx, &m);
	if (!compare(c, &ctx, &m, r, "device"))
		return false;
	if (m.accesses != direct) {
		dump(c, "device");
		printf("#   %lu accesses, not %lu\n", m.accesses, direct);
		return false;
	}
	return true;
}

/* All templates of one name are one test. */
static void run_templates(unsigned int from, unsigned int to,
			  unsigned long per_template)
{
	unsigned long i, done = 0, bad = 0;
	struct test_case c;
	unsigned int t;

	for (t = from; t < to; t++) {
		for (i = 0; i < per_template && bad < 5; i++) {
			if (!build_case(&c, &tmpls[t]))
				continue;
			done++;
			if (!run_case(&c))
				bad++;
		}
	}
	printf("%sok %u - %s # %lu cases\n", bad ? "not " : "", ++tests,
	       tmpls[from].name, done);
	if (bad)
		failed++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tmpl *)a)->name,
		      ((const struct tmpl *)b)->name);
}

int main(int argc, char **argv)
{
	unsigned long per_template = 600;
	unsigned int from, to;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rng_state = strtoull(argv[1], NULL, 0) * 2 + 1;
	if (argc > 2)
		per_template = strtoul(argv[2], NULL, 0);
	printf("TAP version 13\n");
	if (!native_init()) {
		printf("1..0 # SKIP the low addresses are not free\n");
		return 4;
	}
	native_begin(false);
	add_integer();
	add_vectors();
	qsort(tmpls, tmpl_count, sizeof(tmpls[0]), by_name);
	for (from = 0; from < tmpl_count; from = to) {
		native_begin(tmpls[from].flags & T_VEC);
		for (to = from + 1; to < tmpl_count; to++) {
			if (strcmp(tmpls[to].name, tmpls[from].name))
				break;
		}
		run_templates(from, to, per_template);
	}
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
