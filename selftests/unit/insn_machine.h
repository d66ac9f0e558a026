/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small machine for the emulator: 64 KiB of memory, one port, descriptor
 * tables that only remember, and ways to put its registers into the states
 * that faults depend on.
 * Used by test_insn_fault.c, test_insn_modes.c and test_insn_chaos.c.
 * It must not depend on the processor the test runs on.
 */
#ifndef HVMOD_UNIT_INSN_MACHINE_H
#define HVMOD_UNIT_INSN_MACHINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "arch/x86/insn_emul.h"

static unsigned int tests, failed;
static u64 rng_state = 0x9e3779b97f4a7c15ULL;

static inline u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static void result(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, name);
	if (!ok)
		failed++;
}

/*
 * A machine of 64 KiB at linear address 0, and nothing else.  Code is at
 * 0x1000.  Page 3 is absent, page 4 is read-only, page 6 is a device.
 */
#define MEM_SIZE	0x10000
#define CODE		0x1000
#define DATA		0x2000
#define ABSENT		0x3000
#define RDONLY		0x4000
#define DATA2		0x5000
#define DEVICE		0x6000

#define HOLE		0x800000000000	/* the first non-canonical address */

#define GP	X86_TRAP_GP
#define SS	X86_TRAP_SS
#define PF	X86_TRAP_PF
#define UD	X86_TRAP_UD

static u8 mem[MEM_SIZE], mem_before[MEM_SIZE];
static u8 vec[16][32];
static unsigned int reads, writes, pios, pio_items, commits;
static bool pio_outside;	/* ports are answered by user space */
static u16 last_port;
static struct ginsn_dtable tables[2] = { { 0x1122334455667788, 0xabcd } };
static u16 sels[4];
static bool lose_race;
static u32 pio_value = 0x11223344;

static enum ginsn_result page_fault(struct ginsn_ctx *ctx, u64 linear,
				    bool write, bool fetch)
{
	ctx->fault.vector = X86_TRAP_PF;
	ctx->fault.has_error_code = true;
	ctx->fault.error_code = write << 1 | fetch << 4 |
				(linear >> 12 == RDONLY >> 12);
	ctx->fault.cr2 = linear;
	return GINSN_FAULT;
}

static enum ginsn_result check(struct ginsn_ctx *ctx, u64 linear,
			       unsigned int len, unsigned int flags)
{
	if ((linear & 4095) + len > 4096 || !len)
		abort();
	if (linear >= MEM_SIZE || linear >> 12 == ABSENT >> 12 ||
	    (flags & GINSN_ACC_WRITE && linear >> 12 == RDONLY >> 12))
		return page_fault(ctx, linear, flags & GINSN_ACC_WRITE, false);
	return GINSN_OK;
}

static enum ginsn_result op_fetch(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len)
{
	if ((linear & 4095) + len > 4096 || !len)
		abort();
	if (linear >= MEM_SIZE || linear >> 12 == ABSENT >> 12)
		return page_fault(ctx, linear, false, true);
	memcpy(buf, mem + linear, len);
	return GINSN_OK;
}

static enum ginsn_result op_read(struct ginsn_ctx *ctx, u64 linear, void *buf,
				 unsigned int len, unsigned int flags)
{
	enum ginsn_result r = check(ctx, linear, len, flags);

	if (!r)
		memcpy(buf, mem + linear, len);
	reads += !r;
	return r;
}

static enum ginsn_result op_write(struct ginsn_ctx *ctx, u64 linear,
				  const void *buf, unsigned int len,
				  unsigned int flags)
{
	enum ginsn_result r = check(ctx, linear, len, flags);

	if (!r)
		memcpy(mem + linear, buf, len);
	writes += !r;
	return r;
}

static enum ginsn_result op_probe(struct ginsn_ctx *ctx, u64 linear,
				  unsigned int len, unsigned int flags)
{
	enum ginsn_result r = check(ctx, linear, len, flags);

	if (!r && flags & GINSN_ACC_BULK && linear >> 12 == DEVICE >> 12)
		r = GINSN_RETRY;
	return r;
}

static enum ginsn_result op_cmpxchg(struct ginsn_ctx *ctx, u64 linear,
				    const void *old, const void *new,
				    unsigned int len)
{
	if (lose_race || memcmp(mem + linear, old, len))
		return GINSN_RETRY;
	return op_write(ctx, linear, new, len, GINSN_ACC_WRITE);
}

static enum ginsn_result op_pio(struct ginsn_ctx *ctx, u16 port,
				unsigned int size, unsigned int count,
				void *data, bool in)
{
	unsigned int i;

	if (pio_outside) {
		pio_outside = false;
		return GINSN_PENDING;
	}
	pios++;
	pio_items += count;
	last_port = port;
	for (i = 0; i < count; i++) {
		u32 val = pio_value + i;

		if (in)
			memcpy((u8 *)data + i * size, &val, size);
		else
			memcpy(&pio_value, (u8 *)data + i * size, size);
	}
	return GINSN_OK;
}

static enum ginsn_result op_pio_check(struct ginsn_ctx *ctx, u16 port,
				      unsigned int size)
{
	if (port < 0x100)
		return GINSN_OK;
	ctx->fault = (struct ginsn_fault) {
		.vector = X86_TRAP_GP, .has_error_code = true,
	};
	return GINSN_FAULT;
}

static void op_commit(struct ginsn_ctx *ctx)
{
	commits++;
}

static void op_read_vec(struct ginsn_ctx *ctx, unsigned int reg, void *buf,
			unsigned int len)
{
	memcpy(buf, vec[reg], len);
}

static void op_write_vec(struct ginsn_ctx *ctx, unsigned int reg,
			 const void *buf, unsigned int len, bool zero_upper)
{
	memcpy(vec[reg], buf, len);
}

static enum ginsn_result op_load_seg(struct ginsn_ctx *ctx,
				     enum ginsn_segment seg, u16 sel)
{
	ctx->seg[seg].sel = sel;
	return GINSN_OK;
}

static enum ginsn_result op_read_dtable(struct ginsn_ctx *ctx,
					enum ginsn_sysreg which,
					struct ginsn_dtable *table)
{
	*table = tables[which];
	return GINSN_OK;
}

static enum ginsn_result op_write_dtable(struct ginsn_ctx *ctx,
					 enum ginsn_sysreg which,
					 const struct ginsn_dtable *table)
{
	tables[which] = *table;
	return GINSN_OK;
}

static enum ginsn_result op_read_sel(struct ginsn_ctx *ctx,
				     enum ginsn_sysreg which, u16 *sel)
{
	*sel = sels[which];
	return GINSN_OK;
}

static enum ginsn_result op_load_sel(struct ginsn_ctx *ctx,
				     enum ginsn_sysreg which, u16 sel)
{
	sels[which] = sel;
	return GINSN_OK;
}

static enum ginsn_result op_write_cr0(struct ginsn_ctx *ctx, u64 cr0)
{
	ctx->cr0 = cr0;
	return GINSN_OK;
}

static const struct ginsn_ops ops = {
	.fetch = op_fetch, .read = op_read, .write = op_write,
	.probe = op_probe, .cas = op_cmpxchg, .pio = op_pio,
	.pio_check = op_pio_check, .commit = op_commit,
	.read_vec = op_read_vec, .write_vec = op_write_vec,
	.load_seg = op_load_seg, .read_dtable = op_read_dtable,
	.write_dtable = op_write_dtable, .read_sel = op_read_sel,
	.load_sel = op_load_sel, .write_cr0 = op_write_cr0,
};

/* What a row changes in the machine. */
enum tweak {
	NONE, REAL, V86, CPL3, AC_ON, TS, EM, NO_OSFXSR, NO_OSXSAVE, NO_YMM,
	UMIP, DS_SMALL, SS_SMALL, DS_DOWN, DS_DOWN_BIG, DS_CODE, DS_XONLY,
	DS_RDONLY, DS_NULL, SS_NULL, CS_SMALL, SS_16BIT,
};

static struct ginsn_ctx ctx, before;

static unsigned int unhex(const char *hex, u8 *out)
{
	unsigned int n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char digits[3] = { hex[0], hex[1], 0 };

		out[n++] = strtoul(digits, NULL, 16);
	}
	return n;
}

static inline void apply(enum tweak tweak)
{
	struct ginsn_seg *ds = &ctx.seg[GINSN_DS], *ss = &ctx.seg[GINSN_SS];
	unsigned int i;

	switch (tweak) {
	case REAL:
	case V86:
		for (i = 0; i < GINSN_SEG_COUNT; i++)
			ctx.seg[i] = (struct ginsn_seg) { 0, 0xffff, 0xf3, 0 };
		if (tweak == REAL)
			ctx.cr0 &= ~(u64)X86_CR0_PE;
		else
			ctx.rflags |= X86_EFLAGS_VM;
		ctx.cpl = tweak == REAL ? 0 : 3;
		break;
	case CPL3:
		ctx.cpl = 3;
		break;
	case AC_ON:
		ctx.cpl = 3;
		ctx.cr0 |= X86_CR0_AM;
		ctx.rflags |= X86_EFLAGS_AC;
		break;
	case TS:
		ctx.cr0 |= X86_CR0_TS;
		break;
	case EM:
		ctx.cr0 |= X86_CR0_EM | X86_CR0_TS;
		break;
	case NO_OSFXSR:
		ctx.cr4 &= ~(u64)X86_CR4_OSFXSR;
		break;
	case NO_OSXSAVE:
		ctx.cr4 &= ~(u64)X86_CR4_OSXSAVE;
		break;
	case NO_YMM:
		ctx.xcr0 = 3;
		break;
	case UMIP:
		ctx.cr4 |= X86_CR4_UMIP;
		ctx.cpl = 3;
		break;
	case DS_SMALL:
		ds->limit = 0x2fff;
		break;
	case SS_SMALL:
		ss->limit = 0x2fff;
		break;
	case DS_DOWN:		/* expand-down, 16 bits: 0x2000 to 0xffff */
		ds->attr = 0x0097;
		ds->limit = 0x1fff;
		break;
	case DS_DOWN_BIG:
		ds->attr = 0xc097;
		ds->limit = 0x1fff;
		break;
	case DS_CODE:
		ds->attr = 0xc09b;
		break;
	case DS_XONLY:
		ds->attr = 0xc099;
		break;
	case DS_RDONLY:
		ds->attr = 0xc091;
		break;
	case DS_NULL:
		ds->attr = GINSN_SEG_UNUSABLE;
		break;
	case SS_NULL:
		ss->attr = GINSN_SEG_UNUSABLE;
		break;
	case CS_SMALL:
		ctx.seg[GINSN_CS].limit = CODE + 3;
		break;
	case SS_16BIT:
		ss->attr = 0x0093;
		break;
	default:
		break;
	}
}

static inline void reset(enum ginsn_mode mode, const char *hex, enum tweak tweak)
{
	u32 data = 0xc093, code = mode == 64 ? 0xa09b : mode == 32 ? 0xc09b :
		   0x009b;
	unsigned int i;

	memset(&ctx, 0x5a, sizeof(ctx));
	memset(ctx.gpr, 0, sizeof(ctx.gpr));
	for (i = 0; i < MEM_SIZE; i++)
		mem[i] = i * 7 + (i >> 8);
	unhex(hex, mem + CODE);
	memset(vec, 0x77, sizeof(vec));
	ctx.ops = &ops;
	ctx.rip = CODE;
	ctx.rflags = 2;
	ctx.cr0 = X86_CR0_PE | X86_CR0_PG;
	ctx.cr4 = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	ctx.xcr0 = 7;
	ctx.cpl = 0;
	ctx.mode = mode;
	ctx.rep_max = 0;
	ctx.bounce = NULL;
	ctx.bounce_len = 0;
	for (i = 0; i < GINSN_SEG_COUNT; i++)
		ctx.seg[i] = (struct ginsn_seg) { 0, ~0U, data, i * 8 };
	ctx.seg[GINSN_CS].attr = code;
	ctx.gpr[GINSN_RSP] = DATA2 + 0x800;
	reads = 0;
	writes = 0;
	pios = 0;
	pio_items = 0;
	commits = 0;
	lose_race = false;
	pio_outside = false;
	apply(tweak);
}

static inline enum ginsn_result run(void)
{
	memcpy(mem_before, mem, MEM_SIZE);
	before = ctx;
	return ginsn_emulate(&ctx);
}

/* Like run(), and again for as long as it says that there is more. */
static inline enum ginsn_result run_all(void)
{
	enum ginsn_result r;

	do {
		r = run();
	} while (r == GINSN_MORE);
	return r;
}

static inline bool untouched(void)
{
	return !memcmp(mem, mem_before, MEM_SIZE) &&
	       !memcmp(ctx.gpr, before.gpr, sizeof(ctx.gpr)) &&
	       !memcmp(ctx.seg, before.seg, sizeof(ctx.seg)) &&
	       ctx.rip == before.rip && ctx.rflags == before.rflags &&
	       ctx.cr0 == before.cr0;
}

static __maybe_unused bool ok;

#define EXPECT(cond) do {						\
	if (!(cond)) {							\
		printf("# line %d: %s\n", __LINE__, #cond);		\
		ok = false;						\
	} } while (0)

static inline u64 peek(u64 addr, unsigned int size)
{
	u64 val = 0;

	memcpy(&val, mem + addr, size);
	return val;
}

static inline void poke(u64 addr, u64 val, unsigned int size)
{
	memcpy(mem + addr, &val, size);
}

#endif
