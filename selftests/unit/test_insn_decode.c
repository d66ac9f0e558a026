// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder against known encodings, against objdump over real
 * programs and random bytes, and against random bytes before a guard page.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0, 1 or 4.
 * It must not need a network, a kernel module or any privilege.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel.h>
#include "arch/x86/insn_decode.h"
#include "arch/x86/insn_table.h"
#include "selftests/unit/unit.h"

struct known {
	u8 mode;
	s8 result;		/* length, or -errno */
	const char *hex;
};

/* One line an encoding; written down from the SDM, not from this decoder. */
static const struct known known[] = {
	/* MOV in every form */
	{ 64, 2, "8803" }, { 64, 2, "8903" }, { 64, 3, "488903" },
	{ 64, 3, "668903" }, { 64, 3, "8a4310" }, { 64, 6, "8b8300000080" },
	{ 64, 6, "8b0500000080" }, { 64, 7, "8b042500000080" },
	{ 64, 3, "8b0408" }, { 64, 4, "8b440810" }, { 64, 7, "8b840810000000" },
	{ 64, 4, "418b0424" }, { 64, 5, "418b442404" }, { 64, 4, "418b4500" },
	{ 64, 3, "c60312" }, { 64, 6, "c70312345678" }, { 64, 5, "66c7031234" },
	{ 64, 7, "48c70312345678" }, { 64, 9, "a01122334455667788" },
	{ 64, 10, "48a31122334455667788" }, { 64, 6, "67a111223344" },
	{ 32, 5, "a111223344" }, { 32, 4, "67a11122" }, { 16, 3, "a11122" },
	{ 16, 6, "67a111223344" }, { 64, 10, "48b81122334455667788" },
	{ 64, 5, "b811223344" }, { 64, 4, "66b81122" }, { 64, 2, "b011" },
	{ 64, 2, "8c18" }, { 64, 2, "8e18" }, { 64, -EINVAL, "8e08" },
	{ 64, -EINVAL, "8c30" }, { 64, -EINVAL, "8e38" },
	/* MOVZX, MOVSX, MOVSXD */
	{ 64, 3, "0fb603" }, { 64, 4, "480fb703" }, { 64, 4, "660fbe03" },
	{ 64, 3, "0fbf03" }, { 64, 3, "486303" }, { 32, -EOPNOTSUPP, "6303" },
	/* 16-bit and 32-bit addressing */
	{ 16, 2, "8b00" }, { 16, 4, "8b061234" }, { 16, 3, "8b4610" },
	{ 16, 4, "8b861234" }, { 16, 3, "668b00" }, { 16, 7, "678b8012345678" },
	{ 32, 6, "8b0512345678" }, { 32, 3, "678b00" }, { 32, 2, "8b00" },
	{ 32, 5, "678b861234" }, { 32, 5, "678b061234" },
	/* ALU, unary, shifts, bits */
	{ 64, 2, "0003" }, { 64, 3, "48012b" }, { 64, 2, "0411" },
	{ 64, 5, "0511223344" }, { 64, 6, "480511223344" },
	{ 64, 4, "66051122" }, { 64, 3, "800b11" }, { 64, 6, "810b11223344" },
	{ 64, 5, "66810b1122" }, { 64, 3, "830b11" }, { 32, 3, "820b11" },
	{ 64, -EINVAL, "820b11" }, { 64, 2, "f613" }, { 64, 3, "f60311" },
	{ 64, 6, "f70311223344" }, { 64, 3, "f60b11" }, { 64, 2, "ff03" },
	{ 64, 2, "fe0b" }, { 64, -EINVAL, "fe13" }, { 64, -EINVAL, "ff3b" },
	{ 64, 2, "d023" }, { 64, 2, "d323" }, { 64, 3, "c12305" },
	{ 64, 4, "0fa40305" }, { 64, 3, "0fa503" }, { 64, 3, "0fa303" },
	{ 64, 4, "0fba2305" }, { 64, -EINVAL, "0fba0305" },
	{ 64, 3, "6b0305" }, { 64, 6, "690311223344" }, { 64, 3, "0faf03" },
	/* exchange */
	{ 64, 2, "8703" }, { 64, 4, "f00fb103" }, { 64, 4, "f00fc70b" },
	{ 64, 4, "480fc70b" }, { 64, -EINVAL, "0fc7c9" }, { 64, 4, "f00fc103" },
	/* LOCK */
	{ 64, 3, "f00103" }, { 64, -EINVAL, "f00303" }, { 64, -EINVAL, "f001c3" },
	{ 64, -EINVAL, "f08903" }, { 64, -EINVAL, "f03903" },
	{ 64, -EINVAL, "f00fa303" }, { 64, 4, "f00fab03" }, { 64, 3, "f0f613" },
	{ 64, 3, "f08703" }, { 64, -EINVAL, "f0a4" }, { 64, -EINVAL, "f0c60311" },
	{ 64, -EINVAL, "f0ff33" }, { 64, 4, "f0830311" }, { 64, -EINVAL, "f0833b11" },
	/* strings, ports, stack, branches */
	{ 64, 2, "f3a4" }, { 64, 3, "f348a5" }, { 64, 3, "6766a5" },
	{ 64, 3, "67f3aa" }, { 64, 1, "6c" }, { 64, 2, "666d" }, { 64, 2, "e460" },
	{ 64, 1, "ef" }, { 64, 1, "50" }, { 64, 2, "4150" }, { 64, 5, "6811223344" },
	{ 64, 4, "66681122" }, { 64, 2, "6a11" }, { 64, 2, "ff33" }, { 64, 2, "8f03" },
	{ 64, -EOPNOTSUPP, "8f0b" }, { 64, 2, "ff13" }, { 64, 2, "ff23" },
	{ 64, 3, "66ff13" }, { 32, 1, "40" }, { 16, 1, "4f" },
	/* system */
	{ 64, 3, "0f0103" }, { 64, 3, "0f0113" }, { 64, 3, "0f011b" },
	{ 64, -EOPNOTSUPP, "0f01c1" }, { 64, 3, "0f0123" }, { 64, 3, "0f01e0" },
	{ 64, 3, "0f0133" }, { 64, 3, "0f0003" }, { 64, 3, "0f001b" },
	{ 64, 2, "0f06" }, { 64, 3, "0fae3b" }, { 64, 4, "660fae33" },
	{ 64, -EINVAL, "0f0b" }, { 64, -EINVAL, "0fff00" },
	/* SSE */
	{ 64, 3, "0f1003" }, { 64, 4, "660f1103" }, { 64, 4, "f30f1003" },
	{ 64, 4, "f20f1103" }, { 64, 3, "0f2803" }, { 64, 4, "660f6f03" },
	{ 64, 4, "f30f7f03" }, { 64, 4, "660fe703" }, { 64, 3, "0f2b03" },
	{ 64, -EINVAL, "0f2bc3" }, { 64, 5, "66480f6e03" }, { 64, 4, "f30f7e03" },
	{ 64, 4, "660fd603" }, { 64, 5, "660f382a03" }, { 64, 4, "0f38f003" },
	{ 64, -ENODATA, "66480f38f1" }, { 64, 6, "66480f38f103" },
	{ 64, 3, "0fc303" }, { 64, -EINVAL, "0fc3c3" }, { 64, 4, "480fc303" },
	/* VEX */
	{ 64, -EOPNOTSUPP, "c5f86f03" },
	{ 64, 4, "c5f96f03" }, { 64, 4, "c5fe7f03" }, { 64, 5, "c4c17c1003" },
	{ 64, 4, "c5fc1003" }, { 64, -EINVAL, "c5b91003" }, { 64, 4, "c5b81203" },
	{ 64, -EINVAL, "c5fc1203" }, { 64, 4, "c5fa1003" },
	{ 64, -EINVAL, "66c5f96f03" }, { 64, -EINVAL, "f0c5f96f03" },
	{ 64, -EINVAL, "48c5f96f03" }, { 64, -EINVAL, "c4e0796f03" },
	{ 64, 5, "c4e1f96e03" }, { 64, -EINVAL, "c5fd6e03" },
	{ 64, 6, "c4e37d190301" }, { 64, 6, "c4e375180301" },
	{ 64, -EINVAL, "c4e379190301" }, { 64, 5, "c4e27d1803" },
	{ 32, 4, "c5f96f03" }, { 32, -EOPNOTSUPP, "c503" }, { 32, -EOPNOTSUPP, "c403" },
	/* prefixes */
	{ 64, 4, "48668b03" }, { 64, 5, "2e3e658b03" }, { 64, 4, "48488b03" },
	{ 64, 15, "666666666666666666666666668b03" },
	{ 64, -ERANGE, "66666666666666666666666666668b03" },
	{ 64, -ERANGE, "666666666666666666666666666666" },
	{ 64, -ENODATA, "" }, { 64, -ENODATA, "66" }, { 64, -ENODATA, "0f" },
	{ 64, -ENODATA, "8b" }, { 64, -ENODATA, "8b04" }, { 64, -ENODATA, "8b05112233" },
	{ 64, -ENODATA, "c703112233" }, { 64, -ENODATA, "c5" }, { 64, -ENODATA, "c5f9" },
	{ 64, -ENODATA, "c4e1f9" }, { 64, -ENODATA, "0f38f0" },
};

static unsigned int unhex(const char *hex, u8 *out)
{
	unsigned int n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char digits[3] = { hex[0], hex[1], 0 };

		out[n++] = strtoul(digits, NULL, 16);
	}
	return n;
}

static void test_known(void)
{
	unsigned int i, bad = 0;
	struct ginsn insn;
	u8 bytes[32];
	int got;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		const struct known *k = &known[i];
		unsigned int len = unhex(k->hex, bytes);

		got = ginsn_decode(&insn, bytes, len, k->mode);
		if (!got)
			got = insn.length;
		if (got != k->result) {
			printf("# %s in mode %u: %d, not %d\n", k->hex, k->mode,
			       got, k->result);
			bad++;
		}
	}
	printf("# %zu encodings\n", ARRAY_SIZE(known));
	result(!bad, "known encodings");
}

/* Fields of operands, by example. */
static void test_fields(void)
{
	struct ginsn_mov mov;
	struct ginsn i;
	u64 gpr[16] = { 0 };
	bool ok = true;
	u8 b[16];

#define DECODE(hex, mode) (ginsn_decode(&i, b, unhex(hex, b), mode) == 0)
#define EXPECT(cond) do {						\
	if (!(cond)) {							\
		printf("# line %d: %s\n", __LINE__, #cond);		\
		ok = false;						\
	} } while (0)

	EXPECT(DECODE("4a8b44a3f0", 64));
	EXPECT(i.base == GINSN_RBX && i.index == GINSN_R12 && i.scale == 2);
	EXPECT(i.disp == -16 && i.opsize == 8 && i.seg == GINSN_DS);
	gpr[GINSN_RBX] = 0x1000;
	gpr[GINSN_R12] = 3;
	EXPECT(ginsn_effective_address(&i, gpr, 0) == 0xffc);
	EXPECT(DECODE("8b4500", 64) && i.seg == GINSN_SS);
	EXPECT(DECODE("418b4500", 64) && i.seg == GINSN_DS);
	EXPECT(DECODE("3e8b4500", 64) && i.seg == GINSN_SS);
	EXPECT(DECODE("3e8b4500", 32) && i.seg == GINSN_DS);
	EXPECT(DECODE("648b4500", 64) && i.seg == GINSN_FS);
	EXPECT(DECODE("8b0424", 64) && i.seg == GINSN_SS);
	EXPECT(i.base == GINSN_RSP && i.index == GINSN_REG_NONE);
	EXPECT(DECODE("8b4600", 16) && i.seg == GINSN_SS && i.opsize == 2);
	EXPECT(DECODE("8b061234", 16) && i.seg == GINSN_DS);
	EXPECT(ginsn_effective_address(&i, gpr, 0) == 0x3412);
	EXPECT(DECODE("8b05fcffffff", 64));
	EXPECT(ginsn_effective_address(&i, gpr, 0x2000) == 0x1ffc);
	EXPECT(DECODE("678b05fcffffff", 64));
	EXPECT(ginsn_effective_address(&i, gpr, 0) == 0xfffffffc);
	EXPECT(DECODE("c703ffffffff", 64) && i.imm == ~0ULL);
	EXPECT(DECODE("48a11122334455667788", 64) && i.is_mem);
	EXPECT(ginsn_effective_address(&i, gpr, 0) == 0x8877665544332211);
	EXPECT(DECODE("c4417e6f7b10", 64) && i.reg == 15 && i.base == 11);
	EXPECT(i.opsize == 32 && i.disp == 16);

	EXPECT(DECODE("0fb64310", 64) && ginsn_mov_get(&i, &mov));
	EXPECT(!mov.store && mov.size == 1 && mov.regsize == 4 && !mov.sign);
	gpr[0] = ~0ULL;
	ginsn_mov_load(&mov, gpr, 0x1234);
	EXPECT(gpr[0] == 0x34);
	EXPECT(DECODE("480fbe03", 64) && ginsn_mov_get(&i, &mov));
	ginsn_mov_load(&mov, gpr, 0x80);
	EXPECT(gpr[0] == 0xffffffffffffff80);
	EXPECT(DECODE("8823", 64) && ginsn_mov_get(&i, &mov));
	gpr[0] = 0xabcd;
	EXPECT(mov.store && mov.high);
	EXPECT((u8)ginsn_mov_value(&mov, &i, gpr) == 0xab);
	EXPECT(DECODE("8a23", 64) && ginsn_mov_get(&i, &mov));
	ginsn_mov_load(&mov, gpr, 0x11);
	EXPECT(gpr[0] == 0x11cd);
	EXPECT(DECODE("c60312", 64) && ginsn_mov_get(&i, &mov));
	EXPECT(mov.store && mov.imm && ginsn_mov_value(&mov, &i, gpr) == 0x12);
	EXPECT(DECODE("66a11122334455667788", 64) && ginsn_mov_get(&i, &mov));
	EXPECT(!mov.store && mov.reg == 0 && mov.size == 2);
	EXPECT(DECODE("89c3", 64) && !ginsn_mov_get(&i, &mov));
	EXPECT(DECODE("0103", 64) && !ginsn_mov_get(&i, &mov));
	result(ok, "fields of operands");
}

/* Mnemonics the tables claim: with a memory operand they must decode. */
static bool claimed(const char *mnem)
{
	static const char *const names[] = {
		"mov", "movb", "movw", "movl", "movq", "movabs", "movzbl",
		"movzwl", "movzbw", "movsbl", "movswl", "movslq", "movsbq",
		"movswq", "movzbq", "movzwq", "movsbw", "add", "addl", "addq",
		"addb", "addw", "or", "orl", "orq", "orb", "orw", "and",
		"andl", "andq", "andb", "andw", "sub", "subl", "subq", "subb",
		"subw", "xor", "xorl", "xorq", "xorb", "xorw", "cmp", "cmpl",
		"cmpq", "cmpb", "cmpw", "adc", "adcl", "adcq", "sbb", "sbbl",
		"sbbq", "test", "testl", "testq", "testb", "testw", "notl",
		"notq", "negl", "negq", "incl", "incq", "incb", "incw",
		"decl", "decq", "decb", "decw", "shll", "shlq", "shrl",
		"shrq", "sarl", "sarq", "roll", "rorl", "bt", "btl", "bts",
		"btsl", "btr", "btrl", "btc", "xchg", "cmpxchg", "xadd",
		"push", "pushq", "pop", "popq", "call", "jmp", "movups",
		"movaps", "movdqa", "movdqu", "movss", "movsd", "movd",
		"movlps", "movhps", "movlpd", "movhpd", "movnti", "movntdq",
		"movntps", "vmovups", "vmovaps", "vmovdqa", "vmovdqu",
		"vmovss", "vmovsd", "vmovq", "vmovd", "vmovntdq", "vmovhps",
		"vmovlps", "movbe", "imul", "cmpxchg16b",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(mnem, names[i]))
			return true;
	}
	return !strncmp(mnem, "cmov", 4) || !strncmp(mnem, "set", 3);
}

struct tally {
	unsigned long lines, decoded, refused, wrong;
};

/* One line "  addr:\tbytes\tmnemonic operands" of objdump. */
static void check_line(char *line, enum ginsn_mode mode, bool code,
		       struct tally *t)
{
	char *hex = strchr(line, '\t'), *text, *mnem, *p;
	static const char blanks[] = { ' ', '\n', 0 };
	unsigned int len = 0, v, used;
	struct ginsn insn;
	u8 bytes[32];
	int err;

	if (!hex)
		return;
	text = strchr(++hex, '\t');
	if (!text)
		return;
	*text++ = 0;
	for (p = hex; len < 16 && sscanf(p, "%2x%n", &v, &used) == 1; p += used)
		bytes[len++] = v;
	if (strstr(text, "(bad)") || strstr(text, "ud2"))
		return;
	/* Leave prefixes which objdump prints as words. */
	for (mnem = strtok(text, blanks); mnem; mnem = strtok(NULL, blanks)) {
		if (strcmp(mnem, "lock") && strcmp(mnem, "bnd") &&
		    strcmp(mnem, "notrack") && strncmp(mnem, "rep", 3) &&
		    strncmp(mnem, "data16", 6) && strncmp(mnem, "rex", 3) &&
		    strncmp(mnem, "addr", 4) && strncmp(mnem, "xa", 2) &&
		    strcmp(mnem, "cs") && strcmp(mnem, "ds") &&
		    strcmp(mnem, "es") && strcmp(mnem, "ss") &&
		    strcmp(mnem, "fs") && strcmp(mnem, "gs"))
			break;
		if (!strcmp(mnem, "xadd") || !strncmp(mnem, "xabort", 6))
			break;
	}
	if (!mnem)
		return;
	p = strtok(NULL, "#\n");
	t->lines++;
	err = ginsn_decode(&insn, bytes, len, mode);
	if (!err) {
		t->decoded++;
		if (insn.length == len &&
		    ginsn_decode(&insn, bytes, len - 1, mode) == -ENODATA)
			return;
	} else {
		t->refused++;
		if (err == -EOPNOTSUPP && !(code && p && strchr(p, '(') &&
					    claimed(mnem) &&
					    !strstr(p, "%mm") &&
					    bytes[0] != 0x62))
			return;
		/* Random bytes may well be LOCK on a register and the like. */
		if (err == -EINVAL && !code)
			return;
	}
	if (t->wrong++ < 10)
		printf("# mode %u: %s: %s %s: %d, length %u, not %u\n", mode,
		       hex, mnem, p ? p : "", err, err ? 0 : insn.length, len);
}

static void run_objdump(const char *args, const char *file, bool code,
			enum ginsn_mode mode, const char *name)
{
	struct tally t = { 0 };
	char cmd[512], line[512];
	FILE *f;

	if (access(file, R_OK) || system("objdump --version >/dev/null 2>&1")) {
		printf("ok %u - %s # SKIP no objdump or no %s\n", ++tests, name,
		       file);
		return;
	}
	snprintf(cmd, sizeof(cmd),
		 "objdump -w --insn-width=16 %s '%s' 2>/dev/null", args, file);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f))
		check_line(line, mode, code, &t);
	if (f)
		pclose(f);
	printf("# %s: %lu instructions, %lu decoded, %lu not in the tables\n",
	       file, t.lines, t.decoded, t.refused);
	result(t.lines > 1000 && !t.wrong, name);
}

static void test_objdump(void)
{
	static const char *const files[] = {
		"/bin/busybox", "/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib64/libc.so.6",
	};
	char path[] = "/tmp/hvmod-decode-XXXXXX";
	int fd = mkstemp(path);
	unsigned int i;
	u8 buf[8];

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!access(files[i], R_OK))
			run_objdump("-d", files[i], true, 64, files[i]);
	}
	for (i = 0; i < 100000; i++) {
		static const u8 start[] = {
			0x0f, 0x66, 0xf3, 0xf2, 0xf0, 0x48, 0x67, 0xc5, 0xc4,
			0x8b, 0x89, 0x80, 0x81, 0xc7, 0x64, 0x41,
		};

		*(u64 *)buf = rng();
		if (rng() & 1)
			buf[0] = start[rng() & 15];
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			break;
	}
	run_objdump("-D -b binary -m i386:x86-64", path, false, 64,
		    "random bytes, 64 bits");
	run_objdump("-D -b binary -m i386", path, false, 32,
		    "random bytes, 32 bits");
	run_objdump("-D -b binary -m i8086", path, false, 16,
		    "random bytes, 16 bits");
	close(fd);
	unlink(path);
}

/* Random bytes that end where the mapping ends: reading on is a crash. */
static void test_fuzz(unsigned long count)
{
	static const enum ginsn_mode modes[] = { 16, 32, 64 };
	static const u8 starts[] = {
		0x0f, 0x66, 0xf0, 0xc5, 0xc4, 0x48, 0xf3, 0x67,
	};
	unsigned long i, good = 0, bad = 0;
	unsigned int len, j;
	struct ginsn insn;
	u8 *page, *p;
	int err;

	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page + 4096, 4096, PROT_NONE);
	for (i = 0; i < count; i++) {
		len = rng() % 18;
		p = page + 4096 - len;
		for (j = 0; j < len; j++)
			p[j] = rng() >> 24;
		if (len > 2 && rng() & 1)
			p[rng() % 3] = starts[rng() & 7];
		err = ginsn_decode(&insn, p, len, modes[i % 3]);
		if (!err) {
			good++;
			bad += insn.length > len || insn.length > 15 ||
			       !insn.row || insn.row->op <= GINSN_OP_UD ||
			       insn.row->op >= GINSN_OP_COUNT ||
			       insn.reg > 15 || insn.seg > GINSN_GS;
			/* Less than its length is never enough. */
			if (insn.length)
				bad += ginsn_decode(&insn, p, insn.length - 1,
						    modes[i % 3]) != -ENODATA;
		} else {
			bad += err != -ENODATA && err != -ERANGE &&
			       err != -EINVAL && err != -EOPNOTSUPP;
			bad += err == -ENODATA && len >= 15;
			bad += err == -ERANGE && len < 15;
		}
	}
	printf("# %lu random strings, %lu decoded\n", count, good);
	result(!bad, "random bytes before a guard page");
	munmap(page, 8192);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rng_state = strtoull(argv[1], NULL, 0) | 1;
	printf("TAP version 13\n");
	test_known();
	test_fields();
	test_objdump();
	test_fuzz(argc > 2 ? strtoul(argv[2], NULL, 0) : 1000000);
	return finish();
}
