// SPDX-License-Identifier: GPL-2.0
/*
 * Random bytes as instructions, on random registers, with services that fail at
 * random: the emulator must not crash and must keep the promises of its header.
 * Run by selftests/unit/Makefile as "test_insn_chaos [seed [cases]]"; TAP.
 * It must not depend on the processor it runs on.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include "selftests/unit/insn_machine.h"

/* Services that do anything; the emulator must keep its promises. */

static struct {
	unsigned int ends;	/* calls until one fails */
	bool wrote;		/* since the last commit */
	const char *broken;
	struct ginsn_ctx last;
} chaos;

static enum ginsn_result chaos_result(struct ginsn_ctx *c, bool write)
{
	static const enum ginsn_result ends[] = {
		GINSN_FAULT, GINSN_PENDING, GINSN_RETRY, GINSN_UNHANDLEABLE,
	};

	/* POP to memory shows its new RSP to the address computation. */
	if (memcmp(c->gpr, chaos.last.gpr, sizeof(c->gpr)) &&
	    c->insn.opcode != 0x8f)
		chaos.broken = "registers changed too early";
	if (chaos.wrote && !write)
		chaos.broken = "something may fail after a write";
	if (!chaos.ends--) {
		c->fault.vector = X86_TRAP_PF;
		c->why = "chaos";
		return ends[rng() >> 40 & 3];
	}
	chaos.wrote |= write;
	return GINSN_OK;
}

static void chaos_check(u64 linear, unsigned int len)
{
	if (!len || (linear & 4095) + len > 4096)
		chaos.broken = "access across a page";
}

static enum ginsn_result chaos_read(struct ginsn_ctx *c, u64 linear, void *buf,
				    unsigned int len, unsigned int flags)
{
	unsigned int i;

	chaos_check(linear, len);
	for (i = 0; i < len; i++)
		((u8 *)buf)[i] = rng() >> 30;
	return chaos_result(c, false);
}

static enum ginsn_result chaos_write(struct ginsn_ctx *c, u64 linear,
				     const void *buf, unsigned int len,
				     unsigned int flags)
{
	unsigned int i;
	u8 sum = 0;

	chaos_check(linear, len);
	for (i = 0; i < len; i++)
		sum += ((const u8 *)buf)[i];
	pio_value += sum;
	return chaos_result(c, true);
}

static enum ginsn_result chaos_probe(struct ginsn_ctx *c, u64 linear,
				     unsigned int len, unsigned int flags)
{
	chaos_check(linear, len);
	if (chaos.wrote)	/* the second page of a split write is probed */
		chaos.broken = "probe after a write";
	return chaos_result(c, false);
}

static enum ginsn_result chaos_cmpxchg(struct ginsn_ctx *c, u64 linear,
				       const void *old, const void *new,
				       unsigned int len)
{
	return chaos_write(c, linear, new, len, GINSN_ACC_WRITE);
}

static enum ginsn_result chaos_pio(struct ginsn_ctx *c, u16 port,
				   unsigned int size, unsigned int count,
				   void *data, bool in)
{
	if (in)
		memset(data, rng(), (size_t)size * count);
	else
		return chaos_write(c, 0, data, size * count, 0);
	return chaos_result(c, false);
}

static void chaos_commit(struct ginsn_ctx *c)
{
	chaos.last = *c;
	chaos.wrote = false;
}

static const struct ginsn_ops chaos_ops = {
	.fetch = op_fetch, .read = chaos_read, .write = chaos_write,
	.probe = chaos_probe, .cas = chaos_cmpxchg, .pio = chaos_pio,
	.commit = chaos_commit, .read_vec = op_read_vec,
	.write_vec = op_write_vec, .load_seg = op_load_seg,
	.read_dtable = op_read_dtable, .write_dtable = op_write_dtable,
	.read_sel = op_read_sel, .load_sel = op_load_sel,
	.write_cr0 = op_write_cr0,
};

static void random_machine(u8 *bounce)
{
	static const u8 modes[] = { 16, 32, 64, 64 };
	static const u8 starts[] = {
		0x0f, 0x66, 0xf0, 0xf3, 0xf2, 0x48, 0x67, 0xc5, 0xc4, 0x80,
		0x83, 0xff, 0xf7, 0xa5, 0x8f, 0x6d,
	};
	unsigned int i;

	memset(&ctx, rng(), sizeof(ctx));
	ctx.ops = &chaos_ops;
	for (i = 0; i < 16; i++)
		ctx.gpr[i] = rng() & 1 ? rng() : rng() >> 48;
	for (i = 0; i < 16; i++)
		mem[CODE + i] = rng() >> 33;
	if (rng() & 1)
		mem[CODE] = starts[rng() >> 50 & 15];
	ctx.rip = CODE;
	ctx.rflags = (rng() & 0x54fd5) | 2;
	ctx.cr0 = rng() & 1 ? X86_CR0_PE | X86_CR0_PG : rng() & 0x8005003f;
	ctx.cr4 = rng() & 0x5ffff;
	ctx.xcr0 = 7;
	ctx.cpl = rng() >> 20 & 3;
	ctx.mode = modes[rng() >> 35 & 3];
	ctx.rep_max = rng() >> 44 & 15;
	ctx.bounce = rng() & 1 << 20 ? bounce : NULL;
	ctx.bounce_len = 64;
	for (i = 0; i < GINSN_SEG_COUNT; i++) {
		ctx.seg[i].base = rng() & 1 ? 0 : (u32)rng();
		ctx.seg[i].limit = rng() & 1 ? ~0U : (u32)rng();
		ctx.seg[i].attr = rng() & 1 ? 0xc093 : rng() & 0x1f0ff;
		ctx.seg[i].sel = rng();
	}
	ctx.seg[GINSN_CS].base = 0;
	ctx.seg[GINSN_CS].limit = ~0U;
}

static void test_chaos(unsigned long count)
{
	unsigned long i, by_result[8] = { 0 };
	const char *broken = NULL;
	enum ginsn_result r;
	u8 bounce[64];

	for (i = 0; i < count; i++) {
		random_machine(bounce);
		chaos.ends = rng() & 1 ? 1000000 : rng() >> 50 & 7;
		chaos.wrote = false;
		chaos.broken = NULL;
		chaos.last = ctx;
		before = ctx;
		r = ginsn_emulate(&ctx);
		if (r > GINSN_UNHANDLEABLE)
			chaos.broken = "no such result";
		else
			by_result[r]++;
		if (r == GINSN_DONE && ctx.rflags & X86_EFLAGS_RF)
			chaos.broken = "RF after completion";
		if (r == GINSN_FAULT && ctx.fault.vector > 31)
			chaos.broken = "fault without a vector";
		if (r == GINSN_UNHANDLEABLE && !ctx.why)
			chaos.broken = "no reason";
		if (r != GINSN_DONE && r != GINSN_MORE &&
		    (memcmp(ctx.gpr, chaos.last.gpr, sizeof(ctx.gpr)) ||
		     ctx.rip != before.rip ||
		     ctx.rflags != chaos.last.rflags ||
		     memcmp(ctx.seg, before.seg, sizeof(ctx.seg))))
			chaos.broken = "state changed without completion";
		if (chaos.broken) {
			unsigned int j;

			printf("# %s, result %d, mode %u:", chaos.broken, r,
			       ctx.mode);
			for (j = 0; j < 15; j++)
				printf(" %02x", mem[CODE + j]);
			printf("\n");
			broken = chaos.broken;
		}
	}
	printf("# %lu cases: done %lu more %lu fault %lu retry %lu pending %lu unhandleable %lu\n",
	       count, by_result[0], by_result[1], by_result[2], by_result[3],
	       by_result[4], by_result[5]);
	result(!broken, "random instructions on failing services");
}

int main(int argc, char **argv)
{
	printf("TAP version 13\n");
	if (argc > 1)
		rng_state = strtoull(argv[1], NULL, 0) * 2 + 1;
	test_chaos(argc > 2 ? strtoul(argv[2], NULL, 0) : 1000000);
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
