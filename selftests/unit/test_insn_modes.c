// SPDX-License-Identifier: GPL-2.0
/*
 * What of the emulator cannot be compared with the processor in user space:
 * 16 and 32-bit modes, ports, system registers, repetition, single step.
 * Run by selftests/unit/Makefile; TAP on stdout.
 * It must not depend on the processor it runs on.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include "selftests/unit/insn_machine.h"

static void test_repeat(void)
{
	ok = true;
	/* A fault in the middle leaves what was done. */
	reset(64, "f3a4", NONE);
	ctx.gpr[GINSN_RSI] = DATA;
	ctx.gpr[GINSN_RDI] = ABSENT - 5;
	ctx.gpr[GINSN_RCX] = 9;
	EXPECT(run() == GINSN_FAULT && ctx.fault.cr2 == ABSENT);
	EXPECT(ctx.gpr[GINSN_RCX] == 4 && ctx.gpr[GINSN_RSI] == DATA + 5);
	EXPECT(ctx.gpr[GINSN_RDI] == ABSENT && ctx.rip == CODE && commits == 5);
	EXPECT(!memcmp(mem + ABSENT - 5, mem + DATA, 5));

	/* A count of 0 touches nothing. */
	reset(64, "f3a4", NONE);
	ctx.gpr[GINSN_RSI] = HOLE;
	EXPECT(run() == GINSN_DONE && ctx.rip == CODE + 2 && !commits);

	/* In batches, with RF while it is not done. */
	reset(64, "f3ab", NONE);
	ctx.rep_max = 4;
	ctx.gpr[GINSN_RDI] = DATA;
	ctx.gpr[GINSN_RCX] = 10;
	EXPECT(run() == GINSN_MORE && ctx.gpr[GINSN_RCX] == 6);
	EXPECT(ctx.rip == CODE && ctx.rflags & X86_EFLAGS_RF && !ctx.post);
	EXPECT(run() == GINSN_MORE && ctx.gpr[GINSN_RDI] == DATA + 32);
	EXPECT(run() == GINSN_DONE && !ctx.gpr[GINSN_RCX]);
	EXPECT(ctx.rip == CODE + 2 && !(ctx.rflags & X86_EFLAGS_RF));
	EXPECT(commits == 10);

	/* Exactly one batch is done, not more. */
	reset(64, "f3aa", NONE);
	ctx.rep_max = 4;
	ctx.gpr[GINSN_RDI] = DATA;
	ctx.gpr[GINSN_RCX] = 4;
	EXPECT(run() == GINSN_DONE && !ctx.gpr[GINSN_RCX]);

	/* Single step: after each iteration. */
	reset(64, "f3aa", NONE);
	ctx.rflags |= X86_EFLAGS_TF;
	ctx.gpr[GINSN_RDI] = DATA;
	ctx.gpr[GINSN_RCX] = 2;
	EXPECT(run() == GINSN_MORE && ctx.post == GINSN_POST_STEP);
	EXPECT(run() == GINSN_DONE && ctx.post == GINSN_POST_STEP);

	/* 16-bit addresses wrap, the upper halves stay. */
	reset(16, "f3a4", REAL);
	ctx.gpr[GINSN_RSI] = 0xaaaa0000ffff;
	ctx.gpr[GINSN_RDI] = 0xbbbb00005000;
	ctx.gpr[GINSN_RCX] = 0xcccc00000002;
	poke(0xffff, 0x12, 1);
	poke(0, 0x34, 1);
	EXPECT(run() == GINSN_DONE && peek(0x5000, 2) == 0x3412);
	EXPECT(ctx.gpr[GINSN_RSI] == 0xaaaa00000001);
	EXPECT(ctx.gpr[GINSN_RDI] == 0xbbbb00005002);
	EXPECT(ctx.gpr[GINSN_RCX] == 0xcccc00000000);
	result(ok, "repetition");
}

static void test_ports(void)
{
	u8 bounce[64];

	ok = true;
	reset(64, "e460", NONE);
	ctx.gpr[GINSN_RAX] = ~0ULL;
	pio_value = 0x11223344;
	EXPECT(run() == GINSN_DONE && last_port == 0x60);
	EXPECT(ctx.gpr[GINSN_RAX] == 0xffffffffffffff44);
	reset(64, "48ed", NONE);
	ctx.gpr[GINSN_RAX] = ~0ULL;
	ctx.gpr[GINSN_RDX] = 0x5ffff;
	EXPECT(run() == GINSN_DONE && last_port == 0xffff);
	EXPECT(ctx.gpr[GINSN_RAX] == 0x11223344);
	reset(64, "66e780", NONE);
	ctx.gpr[GINSN_RAX] = 0x1234beef;
	EXPECT(run() == GINSN_DONE && last_port == 0x80);
	EXPECT((u16)pio_value == 0xbeef);

	/* Without a bounce buffer item by item, with it many at once. */
	reset(64, "f3666d", NONE);
	ctx.gpr[GINSN_RCX] = 40;
	ctx.gpr[GINSN_RDX] = 0x1f0;
	ctx.gpr[GINSN_RDI] = DATA;
	pio_value = 0x100;
	EXPECT(run_all() == GINSN_DONE && pios == 40 && !ctx.gpr[GINSN_RCX]);
	reset(64, "f3666d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 40;
	ctx.gpr[GINSN_RDX] = 0x1f0;
	ctx.gpr[GINSN_RDI] = DATA;
	EXPECT(run_all() == GINSN_DONE && pios == 2 && pio_items == 40);
	EXPECT(ctx.gpr[GINSN_RDI] == DATA + 80 && !ctx.gpr[GINSN_RCX]);
	EXPECT(peek(DATA, 4) == 0x01010100 && peek(DATA + 62, 2) == 0x11f);
	EXPECT(peek(DATA + 64, 2) == 0x100 && commits == 2);

	/* An item across pages goes alone; then the fault of the second. */
	reset(64, "f36d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 40;
	ctx.gpr[GINSN_RDI] = ABSENT - 9;
	EXPECT(run_all() == GINSN_FAULT && pio_items == 2);
	EXPECT(ctx.gpr[GINSN_RCX] == 38 && ctx.fault.cr2 == ABSENT);

	/* User space answers: the same batch again, then it is complete. */
	reset(64, "f36d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 4;
	ctx.gpr[GINSN_RDI] = DATA;
	pio_outside = true;
	EXPECT(run() == GINSN_PENDING && untouched() && !commits);
	EXPECT(ginsn_execute(&ctx) == GINSN_DONE && pio_items == 4);
	EXPECT(commits == 1 && ctx.rip == CODE + 2);
	reset(64, "ed", NONE);
	pio_outside = true;
	EXPECT(run() == GINSN_PENDING && untouched());
	EXPECT(ginsn_execute(&ctx) == GINSN_DONE && ctx.rip == CODE + 1);

	/* Into a device one by one. */
	reset(64, "f36d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 4;
	ctx.gpr[GINSN_RDI] = DEVICE;
	EXPECT(run_all() == GINSN_DONE && pios == 4);

	/* OUTS takes a segment override, INS does not. */
	reset(64, "64f36e", NONE);
	ctx.seg[GINSN_FS].base = DATA;
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 64;
	ctx.gpr[GINSN_RDX] = 0x3f8;
	ctx.gpr[GINSN_RSI] = 0x10;
	EXPECT(run_all() == GINSN_DONE && pios == 1 && pio_items == 64);
	EXPECT(bounce[0] == mem[DATA + 0x10] && ctx.gpr[GINSN_RSI] == 0x50);
	/* Downwards item by item. */
	reset(64, "f36e", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.rflags |= X86_EFLAGS_DF;
	ctx.gpr[GINSN_RCX] = 3;
	ctx.gpr[GINSN_RSI] = DATA + 8;
	EXPECT(run_all() == GINSN_DONE && pios == 3);
	EXPECT(ctx.gpr[GINSN_RSI] == DATA + 5);
	result(ok, "ports and string I/O");
}

static void test_system(void)
{
	ok = true;
	tables[GINSN_GDTR] = (struct ginsn_dtable) {
		0xffff887766554433, 0xabcd };
	reset(64, "0f0103", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && peek(DATA, 2) == 0xabcd);
	EXPECT(peek(DATA + 2, 8) == 0xffff887766554433 && writes == 1);
	reset(32, "0f0103", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && peek(DATA + 2, 4) == 0x66554433);
	EXPECT(peek(DATA + 6, 2) == *(u16 *)(mem_before + DATA + 6));

	reset(64, "0f011b", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0x0fff, 2);
	poke(DATA + 2, 0xfffffe0000000000, 8);
	EXPECT(run() == GINSN_DONE && tables[GINSN_IDTR].limit == 0xfff);
	EXPECT(tables[GINSN_IDTR].base == 0xfffffe0000000000);
	reset(16, "0f011f", REAL);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0x112233440fff, 8);
	EXPECT(run() == GINSN_DONE && tables[GINSN_IDTR].base == 0x223344);
	reset(16, "660f011f", REAL);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0x112233440fff, 8);
	EXPECT(run() == GINSN_DONE && tables[GINSN_IDTR].base == 0x11223344);

	sels[GINSN_TR] = 0x40;
	reset(64, "480f00c8", NONE);
	ctx.gpr[GINSN_RAX] = ~0ULL;
	EXPECT(run() == GINSN_DONE && ctx.gpr[GINSN_RAX] == 0x40);
	reset(64, "0f000b", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && peek(DATA, 2) == 0x40);
	EXPECT(mem[DATA + 2] == mem_before[DATA + 2]);
	reset(64, "0f00d0", NONE);
	ctx.gpr[GINSN_RAX] = 0x1230028;
	EXPECT(run() == GINSN_DONE && sels[GINSN_LDTR] == 0x28);

	reset(64, "0f01f0", NONE);
	ctx.gpr[GINSN_RAX] = X86_CR0_TS | X86_CR0_NE;
	EXPECT(run() == GINSN_DONE);
	EXPECT(ctx.cr0 == (X86_CR0_PE | X86_CR0_PG | X86_CR0_TS));
	reset(64, "0f06", TS);
	EXPECT(run() == GINSN_DONE && !(ctx.cr0 & X86_CR0_TS));
	reset(64, "0f0123", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && peek(DATA, 2) == (u16)ctx.cr0);
	EXPECT(mem[DATA + 2] == mem_before[DATA + 2]);

	/* MOV SS: shadow, and the single step waits. */
	reset(64, "8e13", NONE);
	ctx.rflags |= X86_EFLAGS_TF;
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && ctx.post == GINSN_POST_SS);
	EXPECT(ctx.seg[GINSN_SS].sel == peek(DATA, 2));
	reset(16, "8e1f", REAL);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0x1234, 2);
	EXPECT(run() == GINSN_DONE && ctx.seg[GINSN_DS].base == 0x12340);
	EXPECT(!ctx.post);
	reset(64, "8b03", NONE);
	ctx.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && ctx.post == GINSN_POST_STEP);
	EXPECT(!(ctx.rflags & X86_EFLAGS_RF) && ctx.rflags & X86_EFLAGS_TF);
	result(ok, "system registers, shadow and single step");
}

static void test_modes(void)
{
	u32 was;

	ok = true;
	/* 16-bit addresses wrap. */
	reset(16, "8a00", REAL);
	ctx.gpr[GINSN_RBX] = 0xf000;
	ctx.gpr[GINSN_RSI] = 0x3123;
	EXPECT(run() == GINSN_DONE && (u8)ctx.gpr[0] == mem[0x2123]);
	/* Base of a segment, with override. */
	reset(16, "268a07", REAL);
	ctx.seg[GINSN_ES].base = 0x2000;
	ctx.gpr[GINSN_RBX] = 0x34;
	EXPECT(run() == GINSN_DONE && (u8)ctx.gpr[0] == mem[0x2034]);
	/* 32-bit linear addresses wrap. */
	reset(32, "8b03", NONE);
	ctx.seg[GINSN_DS].base = 0xfffff000;
	ctx.gpr[GINSN_RBX] = 0x3004;
	EXPECT(run() == GINSN_DONE && ctx.gpr[0] == peek(0x2004, 4));
	reset(32, "8b03", NONE);
	ctx.seg[GINSN_DS].base = 0xfffffffe;
	ctx.gpr[GINSN_RBX] = 0;
	EXPECT(run() == GINSN_FAULT && ctx.fault.cr2 == 0xfffffffe);
	/* The stack: 16-bit SP wraps, the upper half of ESP stays. */
	reset(32, "50", SS_16BIT);
	ctx.seg[GINSN_SS].limit = 0xffff;
	ctx.gpr[GINSN_RSP] = 0x12340002;
	ctx.gpr[GINSN_RAX] = 0x55667788;
	EXPECT(run() == GINSN_FAULT && ctx.fault.vector == SS);
	ctx.gpr[GINSN_RSP] = 0x12340000;
	EXPECT(run() == GINSN_DONE && ctx.gpr[GINSN_RSP] == 0x1234fffc);
	EXPECT(peek(0xfffc, 4) == 0x55667788);
	reset(32, "6650", NONE);
	EXPECT(run() == GINSN_DONE && ctx.gpr[GINSN_RSP] == DATA2 + 0x7fe);
	reset(16, "666811223344", REAL);
	ctx.gpr[GINSN_RSP] = 0x5800;
	EXPECT(run() == GINSN_DONE && peek(0x57fc, 4) == 0x44332211);
	/* Near branches cut RIP to the operand size. */
	reset(32, "66ff23", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0xabcd1234, 4);
	EXPECT(run() == GINSN_DONE && ctx.rip == 0x1234);
	reset(64, "66ff23", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	poke(DATA, 0x7bcdabcd1234, 8);
	EXPECT(run() == GINSN_DONE && ctx.rip == 0x7bcdabcd1234);
	/* LA57 makes more addresses canonical. */
	reset(64, "8b03", NONE);
	ctx.cr4 |= X86_CR4_LA57;
	ctx.gpr[GINSN_RBX] = HOLE;
	EXPECT(run() == GINSN_FAULT && ctx.fault.vector == PF);
	/* INC and DEC of a register, in their short forms. */
	reset(32, "40", NONE);
	ctx.gpr[0] = 0xffffffff;
	EXPECT(run() == GINSN_DONE && !ctx.gpr[0]);
	EXPECT(ctx.rflags & X86_EFLAGS_ZF && !(ctx.rflags & X86_EFLAGS_CF));
	/* An instruction across pages; the second is absent, or not needed. */
	reset(64, "", NONE);
	unhex("8b83", mem + ABSENT - 2);
	ctx.rip = ABSENT - 2;
	EXPECT(run() == GINSN_FAULT && ctx.fault.cr2 == ABSENT);
	EXPECT(ctx.fault.error_code == 0x10);
	reset(64, "", NONE);
	unhex("8b03", mem + ABSENT - 2);
	ctx.rip = ABSENT - 2;
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && ctx.rip == ABSENT);
	reset(64, "", NONE);
	unhex("8b8300010000", mem + DATA - 3);
	ctx.rip = DATA - 3;
	ctx.gpr[GINSN_RBX] = DATA;
	EXPECT(run() == GINSN_DONE && ctx.gpr[0] == peek(DATA + 0x100, 4));
	/* A locked update that lost its race. */
	reset(64, "f00103", NONE);
	ctx.gpr[GINSN_RBX] = DATA;
	ctx.gpr[GINSN_RAX] = 1;
	lose_race = true;
	EXPECT(run() == GINSN_RETRY && untouched());
	lose_race = false;
	EXPECT(run() == GINSN_DONE);
	/* A locked update across pages is done, though not atomically. */
	reset(64, "f00103", NONE);
	ctx.gpr[GINSN_RBX] = DATA - 2;
	ctx.gpr[GINSN_RAX] = 1;
	was = peek(DATA - 2, 4);
	EXPECT(run() == GINSN_DONE && writes == 2);
	EXPECT(peek(DATA - 2, 4) == was + 1);
	result(ok, "16 and 32-bit modes, fetch, races");
}

int main(void)
{
	printf("TAP version 13\n");
	test_repeat();
	test_ports();
	test_system();
	test_modes();
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
