// SPDX-License-Identifier: GPL-2.0
/*
 * What the emulator does when an instruction cannot complete, and what cannot
 * be run natively: faults and their order, 16 and 32-bit modes, segmentation,
 * ports, descriptor tables, repetition; and random instructions on services
 * that fail at random.
 * Run by selftests/unit/Makefile as "test_insn_fault [seed [cases]]"; TAP.
 * It must not depend on the processor it runs on.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "arch/x86/insn_emul.h"

static unsigned int tests, failed;
static u64 rng_state = 0x9e3779b97f4a7c15ULL;

static u64 rng(void)
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

static u8 mem[MEM_SIZE], mem_before[MEM_SIZE];
static u8 vec[16][32];
static unsigned int reads, writes, pios, pio_items, commits;
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
	.probe = op_probe, .cmpxchg = op_cmpxchg, .pio = op_pio,
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

static void apply(enum tweak tweak)
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

static void reset(enum ginsn_mode mode, const char *hex, enum tweak tweak)
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
	apply(tweak);
}

static enum ginsn_result run(void)
{
	memcpy(mem_before, mem, MEM_SIZE);
	before = ctx;
	return ginsn_emulate(&ctx);
}

static bool untouched(void)
{
	return !memcmp(mem, mem_before, MEM_SIZE) &&
	       !memcmp(ctx.gpr, before.gpr, sizeof(ctx.gpr)) &&
	       !memcmp(ctx.seg, before.seg, sizeof(ctx.seg)) &&
	       ctx.rip == before.rip && ctx.rflags == before.rflags &&
	       ctx.cr0 == before.cr0;
}

struct row {
	const char *name;
	u8 mode;
	const char *hex;
	u64 rbx, rsi, rdi, rbp;	/* DATA when 0 */
	enum tweak tweak;
	u8 vector;		/* 0xff: it completes */
	u16 error_code;
	u64 cr2;
};

#define DONE	0xff
#define HOLE	0x800000000000
#define GP	X86_TRAP_GP
#define SS	X86_TRAP_SS
#define PF	X86_TRAP_PF
#define UD	X86_TRAP_UD

static const struct row rows[] = {
	{ "non-canonical read", 64, "8b03", .rbx = HOLE, .vector = GP },
	{ "non-canonical by RBP", 64, "8b4500", .rbp = HOLE, .vector = SS },
	{ "non-canonical by RBP with DS", 64, "3e8b4500", .rbp = HOLE,
	  .vector = SS },
	{ "non-canonical by RBP with FS", 64, "648b4500", .rbp = HOLE,
	  .vector = GP },
	{ "runs into the hole", 64, "488b03", .rbx = HOLE - 4, .vector = GP },
	{ "absent page", 64, "8b03", .rbx = ABSENT + 8, .vector = PF,
	  .cr2 = ABSENT + 8 },
	{ "write to absent page", 64, "8903", .rbx = ABSENT, .vector = PF,
	  .error_code = 2, .cr2 = ABSENT },
	{ "write to read-only page", 64, "8903", .rbx = RDONLY + 4,
	  .vector = PF, .error_code = 3, .cr2 = RDONLY + 4 },
	{ "read of read-only page", 64, "0303", .rbx = RDONLY, .vector = DONE },
	{ "cmp on read-only page", 64, "3903", .rbx = RDONLY, .vector = DONE },
	{ "bt on read-only page", 64, "0fba2301", .rbx = RDONLY,
	  .vector = DONE },
	{ "add to read-only page", 64, "0103", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "bts on read-only page", 64, "0fba2b01", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "xchg with read-only page", 64, "8703", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "cmpxchg that fails, read-only", 64, "0fb10b", .rbx = RDONLY,
	  .vector = PF, .error_code = 3, .cr2 = RDONLY },
	{ "cmpxchg8b, read-only", 64, "0fc70b", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "shift by 0, read-only", 64, "c12300", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "read runs into absent page", 64, "488b03", .rbx = ABSENT - 3,
	  .vector = PF, .cr2 = ABSENT },
	{ "write runs into absent page", 64, "488903", .rbx = ABSENT - 3,
	  .vector = PF, .error_code = 2, .cr2 = ABSENT },
	{ "write runs out of read-only page", 64, "488903",
	  .rbx = RDONLY + 0xffd, .vector = PF, .error_code = 3,
	  .cr2 = RDONLY + 0xffd },
	{ "add runs into absent page", 64, "480103", .rbx = ABSENT - 3,
	  .vector = PF, .error_code = 2, .cr2 = ABSENT },
	{ "locked add runs into absent page", 64, "f0480103",
	  .rbx = ABSENT - 3, .vector = PF, .error_code = 2, .cr2 = ABSENT },
	{ "movups runs into absent page", 64, "0f1103", .rbx = ABSENT - 3,
	  .vector = PF, .error_code = 2, .cr2 = ABSENT },
	{ "movs, both absent: source first", 64, "a4", .rsi = ABSENT,
	  .rdi = ABSENT + 1, .vector = PF, .cr2 = ABSENT },
	{ "movs, destination absent", 64, "a4", .rdi = ABSENT + 1,
	  .vector = PF, .error_code = 2, .cr2 = ABSENT + 1 },
	{ "cmps, second absent", 64, "a7", .rdi = ABSENT, .vector = PF,
	  .cr2 = ABSENT },
	{ "scas absent", 64, "af", .rdi = ABSENT, .vector = PF, .cr2 = ABSENT },
	{ "stos read-only", 64, "ab", .rdi = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "ins read-only: before the port", 64, "6d", .rdi = RDONLY,
	  .vector = PF, .error_code = 3, .cr2 = RDONLY },
	{ "rep movs, source absent", 64, "f3a4", .rsi = ABSENT, .rdi = HOLE,
	  .vector = PF, .cr2 = ABSENT },
	{ "push, source absent", 64, "ff33", .rbx = ABSENT, .vector = PF,
	  .cr2 = ABSENT },
	{ "pop to read-only", 64, "8f03", .rbx = RDONLY, .vector = PF,
	  .error_code = 3, .cr2 = RDONLY },
	{ "call to non-canonical", 64, "ff13", .rbx = DATA + 0x100,
	  .vector = GP },
	{ "cmov that does not move, absent", 64, "0f4403", .rbx = ABSENT,
	  .vector = PF, .cr2 = ABSENT },
	{ "clflush of absent page", 64, "0fae3b", .rbx = ABSENT, .vector = PF,
	  .cr2 = ABSENT },
	{ "clflush of read-only page", 64, "0fae3b", .rbx = RDONLY,
	  .vector = DONE },
	{ "LOCK on MOV", 64, "f08903", .rbx = HOLE, .vector = UD },
	{ "UD2", 64, "0f0b", .vector = UD },
	{ "sixteen bytes", 64, "66666666666666666666666666668b03",
	  .rbx = HOLE, .vector = GP },
	{ "movaps misaligned", 64, "0f2803", .rbx = DATA + 8, .vector = GP },
	{ "movaps misaligned and absent", 64, "0f2803", .rbx = ABSENT + 8,
	  .vector = GP },
	{ "vmovaps ymm at 16", 64, "c5fc2803", .rbx = DATA + 16, .vector = GP },
	{ "vmovups at 1", 64, "c5fc1003", .rbx = DATA + 1, .vector = DONE },
	{ "cmpxchg16b misaligned", 64, "480fc70b", .rbx = DATA + 8,
	  .vector = GP },
	{ "SSE, TS", 64, "0f1003", .rbx = HOLE, .tweak = TS,
	  .vector = X86_TRAP_NM },
	{ "SSE, EM", 64, "0f1003", .tweak = EM, .vector = UD },
	{ "SSE, OSFXSR clear", 64, "0f1003", .tweak = NO_OSFXSR, .vector = UD },
	{ "AVX, OSXSAVE clear", 64, "c5f81003", .tweak = NO_OSXSAVE,
	  .vector = UD },
	{ "AVX, XCR0 without YMM", 64, "c5f81003", .tweak = NO_YMM,
	  .vector = UD },
	{ "AVX with EM", 64, "c5f81003", .tweak = EM, .vector = X86_TRAP_NM },
	{ "AVX in real mode", 16, "c5f81003", .tweak = REAL, .vector = UD },
	{ "AVX in virtual-8086 mode", 16, "c5f81003", .tweak = V86,
	  .vector = UD },
	{ "EVEX is not in the tables", 64, "62f17c481003",
	  .vector = DONE - 1 },
	{ "alignment check", 64, "8b03", .rbx = DATA + 1, .tweak = AC_ON,
	  .vector = X86_TRAP_AC },
	{ "alignment check, aligned", 64, "8b03", .tweak = AC_ON,
	  .vector = DONE },
	{ "sgdt, UMIP", 64, "0f0103", .tweak = UMIP, .vector = GP },
	{ "smsw, UMIP", 64, "0f0123", .tweak = UMIP, .vector = GP },
	{ "sgdt, CPL 3 without UMIP", 64, "0f0103", .tweak = CPL3,
	  .vector = DONE },
	{ "lgdt, CPL 3", 64, "0f0113", .rbx = ABSENT, .tweak = CPL3,
	  .vector = GP },
	{ "lidt of non-canonical", 64, "0f011b", .rbx = DATA2,
	  .vector = GP },
	{ "clts, CPL 3", 64, "0f06", .tweak = CPL3, .vector = GP },
	{ "lmsw, CPL 3", 64, "0f0133", .tweak = CPL3, .vector = GP },
	{ "sldt in real mode", 16, "0f0007", .tweak = REAL, .vector = UD },
	{ "ltr in virtual-8086 mode", 16, "0f001f", .tweak = V86,
	  .vector = UD },
	{ "in, bitmap refuses", 64, "ed", .tweak = CPL3, .vector = GP },
	{ "in, bitmap allows", 64, "e560", .tweak = CPL3, .vector = DONE },
	{ "limit", 32, "8b03", .rbx = 0x2ffd, .tweak = DS_SMALL,
	  .vector = GP },
	{ "limit, last bytes", 32, "8b03", .rbx = 0x2ffc, .tweak = DS_SMALL,
	  .vector = DONE },
	{ "limit of SS", 32, "8b4500", .rbp = 0x2ffd, .tweak = SS_SMALL,
	  .vector = SS },
	{ "limit of SS, push", 32, "50", .tweak = SS_SMALL, .vector = SS },
	{ "limit beats paging", 32, "8b03", .rbx = ABSENT, .tweak = DS_SMALL,
	  .vector = GP },
	{ "no limit with 64 bits", 64, "8b03", .rbx = RDONLY,
	  .tweak = DS_SMALL, .vector = DONE },
	{ "expand-down, below", 32, "8b03", .rbx = 0x1fff, .tweak = DS_DOWN,
	  .vector = GP },
	{ "expand-down, inside", 32, "8b03", .rbx = 0x2000, .tweak = DS_DOWN,
	  .vector = DONE },
	{ "expand-down, above 16 bits", 32, "8b03", .rbx = 0xfffd,
	  .tweak = DS_DOWN, .vector = GP },
	{ "expand-down big", 32, "8b03", .rbx = 0xfffd, .tweak = DS_DOWN_BIG,
	  .vector = PF, .cr2 = 0x10000 },
	{ "write to code", 32, "8903", .tweak = DS_CODE, .vector = GP },
	{ "read of code", 32, "8b03", .tweak = DS_CODE, .vector = DONE },
	{ "read of execute-only", 32, "8b03", .tweak = DS_XONLY, .vector = GP },
	{ "write to read-only segment", 32, "8903", .tweak = DS_RDONLY,
	  .vector = GP },
	{ "add to read-only segment", 32, "0103", .tweak = DS_RDONLY,
	  .vector = GP },
	{ "cmp with read-only segment", 32, "3903", .tweak = DS_RDONLY,
	  .vector = DONE },
	{ "null DS", 32, "8b03", .tweak = DS_NULL, .vector = GP },
	{ "null DS with 64 bits", 64, "8b03", .tweak = DS_NULL,
	  .vector = DONE },
	{ "null SS", 32, "8b4500", .tweak = SS_NULL, .vector = SS },
	{ "jmp beyond CS", 32, "ff23", .rbx = DATA, .tweak = CS_SMALL,
	  .vector = GP },
	{ "code beyond CS", 32, "8b8300000000", .tweak = CS_SMALL,
	  .vector = GP },
	{ "code up to the limit of CS", 32, "3e3e8b03", .tweak = CS_SMALL,
	  .vector = DONE },
	{ "word at FFFF in real mode", 16, "8b07", .rbx = 0xffff,
	  .tweak = REAL, .vector = GP },
	{ "word at FFFF of the stack", 16, "8b4600", .rbp = 0xffff,
	  .tweak = REAL, .vector = SS },
	{ "code segment is writable in real mode", 16, "2e8907",
	  .tweak = REAL, .vector = DONE },
};

static void test_faults(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		enum ginsn_result r, want;

		reset(row->mode, row->hex, row->tweak);
		ctx.gpr[GINSN_RBX] = row->rbx ? row->rbx : DATA;
		ctx.gpr[GINSN_RSI] = row->rsi ? row->rsi : DATA;
		ctx.gpr[GINSN_RDI] = row->rdi ? row->rdi : DATA;
		ctx.gpr[GINSN_RBP] = row->rbp ? row->rbp : DATA;
		ctx.gpr[GINSN_RCX] = 0x10;
		ctx.gpr[GINSN_RDX] = 0x3f8;
		want = row->vector == DONE ? GINSN_DONE :
		       row->vector == DONE - 1 ? GINSN_UNHANDLEABLE :
		       GINSN_FAULT;
		r = run();
		if (r == want && (r != GINSN_FAULT ||
				  (ctx.fault.vector == row->vector &&
				   ctx.fault.error_code == row->error_code &&
				   (row->vector != PF ||
				    ctx.fault.cr2 == row->cr2) &&
				   ctx.fault.has_error_code ==
				   (row->vector != UD &&
				    row->vector != X86_TRAP_NM) &&
				   !pios && untouched())))
			continue;
		bad++;
		printf("# %s: result %d vector %u code %x cr2 %llx%s\n",
		       row->name, r, ctx.fault.vector, ctx.fault.error_code,
		       ctx.fault.cr2, untouched() ? "" : ", state changed");
	}
	printf("# %zu rows\n", ARRAY_SIZE(rows));
	result(!bad, "faults, their order, and no state changed");
}

static bool ok;

#define EXPECT(cond) do {						\
	if (!(cond)) {							\
		printf("# line %d: %s\n", __LINE__, #cond);		\
		ok = false;						\
	} } while (0)

static u64 peek(u64 addr, unsigned int size)
{
	u64 val = 0;

	memcpy(&val, mem + addr, size);
	return val;
}

static void poke(u64 addr, u64 val, unsigned int size)
{
	memcpy(mem + addr, &val, size);
}

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
	EXPECT(run() == GINSN_DONE && pios == 40 && !ctx.gpr[GINSN_RCX]);
	reset(64, "f3666d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 40;
	ctx.gpr[GINSN_RDX] = 0x1f0;
	ctx.gpr[GINSN_RDI] = DATA;
	EXPECT(run() == GINSN_DONE && pios == 2 && pio_items == 40);
	EXPECT(ctx.gpr[GINSN_RDI] == DATA + 80 && !ctx.gpr[GINSN_RCX]);
	EXPECT(peek(DATA, 4) == 0x01010100 && peek(DATA + 62, 2) == 0x11f);
	EXPECT(peek(DATA + 64, 2) == 0x100 && commits == 2);

	/* An item across pages goes alone; then the fault of the second. */
	reset(64, "f36d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 40;
	ctx.gpr[GINSN_RDI] = ABSENT - 9;
	EXPECT(run() == GINSN_FAULT && pio_items == 2);
	EXPECT(ctx.gpr[GINSN_RCX] == 38 && ctx.fault.cr2 == ABSENT);

	/* Into a device one by one. */
	reset(64, "f36d", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 4;
	ctx.gpr[GINSN_RDI] = DEVICE;
	EXPECT(run() == GINSN_DONE && pios == 4);

	/* OUTS takes a segment override, INS does not. */
	reset(64, "64f36e", NONE);
	ctx.seg[GINSN_FS].base = DATA;
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.gpr[GINSN_RCX] = 64;
	ctx.gpr[GINSN_RDX] = 0x3f8;
	ctx.gpr[GINSN_RSI] = 0x10;
	EXPECT(run() == GINSN_DONE && pios == 1 && pio_items == 64);
	EXPECT(bounce[0] == mem[DATA + 0x10] && ctx.gpr[GINSN_RSI] == 0x50);
	/* Downwards item by item. */
	reset(64, "f36e", NONE);
	ctx.bounce = bounce;
	ctx.bounce_len = sizeof(bounce);
	ctx.rflags |= X86_EFLAGS_DF;
	ctx.gpr[GINSN_RCX] = 3;
	ctx.gpr[GINSN_RSI] = DATA + 8;
	EXPECT(run() == GINSN_DONE && pios == 3);
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
	.probe = chaos_probe, .cmpxchg = chaos_cmpxchg, .pio = chaos_pio,
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
	if (argc > 1)
		rng_state = strtoull(argv[1], NULL, 0) * 2 + 1;
	printf("TAP version 13\n");
	test_faults();
	test_repeat();
	test_ports();
	test_system();
	test_modes();
	test_chaos(argc > 2 ? strtoul(argv[2], NULL, 0) : 1000000);
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
