/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs one instruction on the processor itself, in user space, with all
 * general registers, flags and vector registers as the caller wants them.
 * Used by test_insn_emul.c; the code page is written anew for each case.
 * It must not be given an instruction that faults or leaves the code page.
 */
#ifndef HVMOD_UNIT_INSN_NATIVE_H
#define HVMOD_UNIT_INSN_NATIVE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/types.h>

/* Below 2 GiB, so that disp32 reaches all of it, with and without RIP. */
#define NATIVE_CODE	0x10000000UL
#define NATIVE_STATE	0x10010000UL
#define NATIVE_DATA	0x10020000UL
#define NATIVE_DATA_LEN	0x2000UL

struct native_state {
	u64 gpr[16];
	u64 rflags;
	u64 host_rsp;
	u64 host_rflags;
	u64 pad;
	u8 vec[16][32];
};

static struct native_state *const native_state = (void *)NATIVE_STATE;
static u8 *const native_data = (void *)NATIVE_DATA;
static bool native_avx;

/* First byte of the instruction, and of what follows it. */
static u64 native_insn_rip, native_after_rip;

static u8 *native_pos;

static void native_emit(const void *bytes, unsigned int len)
{
	memcpy(native_pos, bytes, len);
	native_pos += len;
}

static void native_emit_abs(const char *opcode, unsigned int len, u8 reg,
			    const void *addr)
{
	u8 modrm[2] = { 0x04 | (reg & 7) << 3, 0x25 };
	u32 disp = (unsigned long)addr;

	native_emit(opcode, len);
	native_emit(modrm, 2);
	native_emit(&disp, 4);
}

static void native_gprs(bool store)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		char op[2] = { i < 8 ? 0x48 : 0x4c, store ? 0x89 : 0x8b };

		native_emit_abs(op, 2, i, &native_state->gpr[i]);
	}
}

static void native_vecs(bool store)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		/* VMOVDQU ymm, or MOVDQU xmm */
		char avx[3] = { 0xc5, i < 8 ? 0xfe : 0x7e, store ? 0x7f : 0x6f };
		char sse[4] = { 0xf3, i < 8 ? 0x40 : 0x44, 0x0f,
				store ? 0x7f : 0x6f };

		native_emit_abs(native_avx ? avx : sse, native_avx ? 3 : 4, i,
				native_state->vec[i]);
	}
}

static bool native_init(void)
{
	unsigned long base = NATIVE_CODE;

	native_avx = __builtin_cpu_supports("avx");
	return mmap((void *)base, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == (void *)base &&
	       mmap((void *)NATIVE_STATE, 0x1000, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == (void *)NATIVE_STATE &&
	       mmap((void *)NATIVE_DATA, NATIVE_DATA_LEN,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == (void *)NATIVE_DATA;
}

/* Where the instruction will be: before RIP-relative operands are computed. */
static void native_begin(bool vectors)
{
	native_pos = (u8 *)NATIVE_CODE;
	native_emit("\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10);
	native_emit("\x9c", 1);					/* pushfq */
	native_emit_abs("\x48\x89", 2, 4, &native_state->host_rsp);
	if (vectors)
		native_vecs(false);
	native_emit_abs("\xff", 1, 6, &native_state->rflags);	/* push */
	native_emit("\x9d", 1);					/* popfq */
	native_gprs(false);
	native_insn_rip = (u64)native_pos;
}

static void native_run(const u8 *insn, unsigned int len, bool vectors)
{
	native_pos = (u8 *)native_insn_rip;
	native_emit(insn, len);
	native_after_rip = (u64)native_pos;
	native_gprs(true);
	native_emit_abs("\x48\x8b", 2, 4, &native_state->host_rsp);
	native_emit("\x9c", 1);
	native_emit_abs("\x8f", 1, 0, &native_state->rflags);	/* pop */
	native_emit("\x9d\xfc", 2);				/* popfq; cld */
	if (vectors)
		native_vecs(true);
	if (vectors && native_avx)
		native_emit("\xc5\xf8\x77", 3);			/* vzeroupper */
	native_emit("\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
	((void (*)(void))NATIVE_CODE)();
}

#endif
