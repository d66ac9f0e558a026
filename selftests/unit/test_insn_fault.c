// SPDX-License-Identifier: GPL-2.0
/*
 * What the emulator does when an instruction cannot complete: a table of faults
 * and of what has priority, and that nothing has changed afterwards.
 * Run by selftests/unit/Makefile; TAP on stdout.
 * It must not depend on the processor it runs on.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include "selftests/unit/insn_machine.h"

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

int main(void)
{
	printf("TAP version 13\n");
	test_faults();
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
