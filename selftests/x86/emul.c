// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator against the processor: a guest executes the same
 * instruction on memory and on a device that holds the same bytes, and compares
 * registers, flags, vectors and bytes.  The host is the device.  No result here
 * may be written down by hand: the processor says what is right.
 */
#include "guest.h"

#define DEVICE		0xd0000000UL
#define PAGES		8192		/* two pages each for source and destination */
#define WINDOW		4096		/* the bytes around the page boundary count */
#define HALF		128
#define ROUNDS		6

#define F_LOGIC		0x001		/* AF is undefined */
#define F_BT		0x002		/* RDX is a bit number; only CF is defined */
#define F_SHIFT		0x004		/* RCX is small; AF, OF are undefined */
#define F_STRING	0x008		/* RCX is a count, DF random */
#define F_ALIGN		0x010		/* to 32 bytes */
#define F_AVX		0x020
#define F_MOVBE		0x040
#define F_CMPXCHG	0x080		/* RAX, RDX:RAX often match */
#define F_CALL		0x100		/* the memory holds a function's address */
#define F_RSI		0x200		/* the memory is at RSI, RBX is data */

#define FLAGS_COMPARED	0xcd5UL

struct test_case {
	const void *code;
	const char *name;
	u64 flags;
};

struct state {
	u64 gpr[16];
	u64 rflags;
	u64 pad;
	u8 vec[4][32];
};

/* For the assembly below. */
struct state emul_state;
u64 emul_rsp;
const void *emul_code;
u8 emul_avx;
void emul_run(void);
extern const struct test_case emul_cases[], emul_cases_end[];
extern const char emul_target[];

asm(".pushsection .text\n"
    "emul_run: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, emul_rsp\n"
    "movdqu emul_state+144, %xmm0\n movdqu emul_state+176, %xmm1\n"
    "movdqu emul_state+208, %xmm2\n movdqu emul_state+240, %xmm3\n"
    "cmpb $0, emul_avx\n je 1f\n"
    "vmovdqu emul_state+144, %ymm0\n vmovdqu emul_state+176, %ymm1\n"
    "vmovdqu emul_state+208, %ymm2\n vmovdqu emul_state+240, %ymm3\n"
    "1: pushq emul_state+128\n"
    "mov emul_state, %rax\n mov emul_state+8, %rcx\n mov emul_state+16, %rdx\n"
    "mov emul_state+24, %rbx\n mov emul_state+40, %rbp\n mov emul_state+48, %rsi\n"
    "mov emul_state+56, %rdi\n mov emul_state+64, %r8\n mov emul_state+72, %r9\n"
    "mov emul_state+80, %r10\n mov emul_state+88, %r11\n mov emul_state+96, %r12\n"
    "mov emul_state+104, %r13\n mov emul_state+112, %r14\n mov emul_state+120, %r15\n"
    "popfq\n mov emul_state+32, %rsp\n jmp *emul_code\n"
    "emul_back: mov %rsp, emul_state+32\n mov emul_rsp, %rsp\n"
    "pushfq\n popq emul_state+128\n cld\n"
    "mov %rax, emul_state\n mov %rcx, emul_state+8\n mov %rdx, emul_state+16\n"
    "mov %rbx, emul_state+24\n mov %rbp, emul_state+40\n mov %rsi, emul_state+48\n"
    "mov %rdi, emul_state+56\n mov %r8, emul_state+64\n mov %r9, emul_state+72\n"
    "mov %r10, emul_state+80\n mov %r11, emul_state+88\n mov %r12, emul_state+96\n"
    "mov %r13, emul_state+104\n mov %r14, emul_state+112\n mov %r15, emul_state+120\n"
    "cmpb $0, emul_avx\n je 2f\n"
    "vmovdqu %ymm0, emul_state+144\n vmovdqu %ymm1, emul_state+176\n"
    "vmovdqu %ymm2, emul_state+208\n vmovdqu %ymm3, emul_state+240\n jmp 3f\n"
    "2: movdqu %xmm0, emul_state+144\n movdqu %xmm1, emul_state+176\n"
    "movdqu %xmm2, emul_state+208\n movdqu %xmm3, emul_state+240\n"
    "3: pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
    "emul_target: ret\n"
    ".popsection\n"
    ".macro T flags, insn:vararg\n"
    ".pushsection .text\n7001: \\insn\n jmp emul_back\n.popsection\n"
    ".pushsection .rodata\n7002: .asciz \"\\insn\"\n.popsection\n"
    ".pushsection .data.cases,\"aw\"\n.quad 7001b, 7002b, \\flags\n.popsection\n"
    ".endm\n"
    ".macro SIZES flags, op, reg8, reg16, reg32, reg64\n"
    "T \\flags, \\op \\reg8, (%rbx)\n T \\flags, \\op \\reg16, (%rbx)\n"
    "T \\flags, \\op \\reg32, (%rbx)\n T \\flags, \\op \\reg64, (%rbx)\n"
    ".endm\n"
    ".macro BOTH flags, op\n"
    "SIZES \\flags, \\op, %dl, %cx, %eax, %r9\n"
    "SIZES \\flags, \"lock \\op\", %r8b, %dx, %ecx, %rbp\n"
    "T \\flags, \\op (%rbx), %r10b\n T \\flags, \\op (%rbx), %ax\n"
    "T \\flags, \\op (%rbx), %r12d\n T \\flags, \\op (%rbx), %rdx\n"
    "T \\flags, \\op\\()b $-3, (%rbx)\n T \\flags, \\op\\()w $0x7fff, (%rbx)\n"
    "T \\flags, \\op\\()l $-1, (%rbx)\n T \\flags, \\op\\()q $0x12345678, (%rbx)\n"
    ".endm\n"
    ".macro UNARY flags, op\n"
    "T \\flags, \\op\\()b (%rbx)\n T \\flags, lock \\op\\()w (%rbx)\n"
    "T \\flags, \\op\\()l (%rbx)\n T \\flags, lock \\op\\()q (%rbx)\n"
    ".endm\n"
    ".macro STRING op\n"
    "T 8, \\op\\()b\n T 8, \\op\\()w\n T 8, \\op\\()l\n T 8, \\op\\()q\n"
    "T 8, rep \\op\\()b\n T 8, rep \\op\\()w\n T 8, rep \\op\\()l\n T 8, rep \\op\\()q\n"
    ".endm\n"
    ".pushsection .data.cases,\"aw\"\n.balign 8\nemul_cases:\n.popsection\n");

/* Moves */
asm("SIZES 0, mov, %dl, %cx, %eax, %r9\n"
    "T 0, mov %ah, (%rbx)\n T 0, mov (%rbx), %ch\n"
    "T 0, mov (%rbx), %dl\n T 0, mov (%rbx), %cx\n T 0, mov (%rbx), %eax\n"
    "T 0, mov (%rbx), %r15\n T 0, movb $5, (%rbx)\n T 0, movw $-5, (%rbx)\n"
    "T 0, movl $-5, (%rbx)\n T 0, movq $-5, (%rbx)\n"
    "T 0, movzbl (%rbx), %eax\n T 0, movzbw (%rbx), %ax\n T 0, movzwq (%rbx), %rcx\n"
    "T 0, movsbl (%rbx), %edx\n T 0, movsbw (%rbx), %r8w\n T 0, movswq (%rbx), %rcx\n"
    "T 0, movslq (%rbx), %r9\n T 0, movnti %eax, (%rbx)\n T 0, movnti %r9, (%rbx)\n"
    "T 0x40, movbe (%rbx), %ax\n T 0x40, movbe (%rbx), %eax\n T 0x40, movbe (%rbx), %rax\n"
    "T 0x40, movbe %dx, (%rbx)\n T 0x40, movbe %edx, (%rbx)\n T 0x40, movbe %r11, (%rbx)\n"
    "SIZES 0, xchg, %dl, %cx, %eax, %r9\n"
    "T 0, pushq (%rbx)\n T 0, pushw (%rbx)\n T 0, popq (%rbx)\n T 0, popw (%rbx)\n"
    "T 0x100, call *(%rbx)\n");
/* Arithmetic */
asm("BOTH 0, add\n BOTH 1, or\n BOTH 0, adc\n BOTH 0, sbb\n BOTH 1, and\n BOTH 0, sub\n"
    "BOTH 1, xor\n"
    "T 0, cmp %dl, (%rbx)\n T 0, cmp %dx, (%rbx)\n T 0, cmp (%rbx), %edx\n"
    "T 0, cmp %rdx, (%rbx)\n T 0, cmpb $7, (%rbx)\n T 0, cmpq $7, (%rbx)\n"
    "T 1, test %dl, (%rbx)\n T 1, test %rdx, (%rbx)\n T 1, testb $0x81, (%rbx)\n"
    "T 1, testl $0x80000001, (%rbx)\n"
    "UNARY 0, inc\n UNARY 0, dec\n UNARY 0, not\n UNARY 0, neg\n"
    "SIZES 0, xadd, %dl, %cx, %eax, %r9\n"
    "SIZES 0, \"lock xadd\", %dl, %cx, %eax, %r9\n"
    "SIZES 0x80, cmpxchg, %dl, %cx, %ecx, %r9\n"
    "SIZES 0x80, \"lock cmpxchg\", %dl, %cx, %ecx, %r9\n"
    "T 0x280, lock cmpxchg8b (%rsi)\n T 0x280, cmpxchg8b (%rsi)\n"
    "T 4, shlb $1, (%rbx)\n T 4, shrl %cl, (%rbx)\n T 4, sarq %cl, (%rbx)\n"
    "T 4, roll $5, (%rbx)\n T 4, rorw %cl, (%rbx)\n"
    "T 2, btw %dx, (%rbx)\n T 2, btl %edx, (%rbx)\n T 2, btq %rdx, (%rbx)\n"
    "T 2, btsw %dx, (%rbx)\n T 2, lock btsl %edx, (%rbx)\n T 2, btsq %rdx, (%rbx)\n"
    "T 2, btrl %edx, (%rbx)\n T 2, lock btrq %rdx, (%rbx)\n T 2, btcl %edx, (%rbx)\n"
    "T 2, btsl $37, (%rbx)\n T 2, btq $63, (%rbx)\n");
/* Strings */
asm("STRING movs\n STRING stos\n STRING lods\n STRING cmps\n STRING scas\n"
    "T 8, repne cmpsb\n T 8, repne scasb\n T 8, repne scasl\n"
    "T 8, rep movsb (%esi), (%edi)\n");
/* Vectors */
asm("T 0, movdqu (%rbx), %xmm0\n T 0, movdqu %xmm1, (%rbx)\n T 0, movups %xmm2, (%rbx)\n"
    "T 16, movdqa (%rbx), %xmm0\n T 16, movdqa %xmm1, (%rbx)\n T 16, movaps %xmm2, (%rbx)\n"
    "T 0, movq (%rbx), %xmm3\n T 0, movq %xmm3, (%rbx)\n T 0, movd (%rbx), %xmm0\n"
    "T 0, movd %xmm0, (%rbx)\n T 0, movss (%rbx), %xmm1\n T 0, movsd (%rbx), %xmm1\n"
    "T 0, movss %xmm1, (%rbx)\n T 0, movsd %xmm1, (%rbx)\n T 16, movntdq %xmm2, (%rbx)\n"
    "T 0, movlps (%rbx), %xmm2\n T 0, movhps (%rbx), %xmm2\n T 0, movhps %xmm2, (%rbx)\n"
    "T 0, lddqu (%rbx), %xmm2\n"
    "T 0x20, vmovdqu (%rbx), %ymm0\n T 0x20, vmovdqu %ymm1, (%rbx)\n"
    "T 0x20, vmovdqu (%rbx), %xmm2\n T 0x30, vmovdqa (%rbx), %ymm0\n"
    "T 0x30, vmovaps %ymm1, (%rbx)\n T 0x20, vmovq (%rbx), %xmm1\n"
    "T 0x20, vmovd %xmm1, (%rbx)\n T 0x20, vmovups %ymm3, (%rbx)\n"
    ".pushsection .data.cases,\"aw\"\nemul_cases_end: .quad 0\n.popsection\n");

/* ---- memory and device: [0] source, [1] destination ---- */

static u8 ram[2][PAGES] __attribute__((aligned(4096)));
static u8 device[2][PAGES] __attribute__((aligned(4096)));
static u8 start[2][2 * HALF];
static u8 stack[2][128] __attribute__((aligned(16)));
static u64 rng_state = 0x2545f4914f6cdd1dULL;
static volatile u64 failures;
static volatile u64 compared;

static u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static u64 value(void)
{
	static const u64 edges[] = {
		0, 1, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, ~0UL, 1UL << 63,
	};
	u64 r = rng();

	return (r >> 60) < 4 ? edges[(r >> 32) % ARRAY_SIZE(edges)] : r;
}

static void copy(void *to, const void *from, u64 len)
{
	u8 *d = to;
	const u8 *s = from;

	while (len--)
		*d++ = *s++;
}

static bool same(const void *a, const void *b, u64 len)
{
	const u8 *x = a, *y = b;

	while (len--)
		if (*x++ != *y++)
			return false;
	return true;
}

static void random_state(const struct test_case *c, struct state *s, u64 off)
{
	u64 i, v;

	for (i = 0; i < 16; i++)
		s->gpr[i] = value();
	s->rflags = 2 | (rng() & 0x8d5);
	for (i = 0; i < 16; i++) {
		v = rng();
		copy(&s->vec[i / 4][8 * (i % 4)], &v, 8);
	}
	for (i = 0; i < 2 * HALF; i++) {
		start[0][i] = rng() >> 24;
		start[1][i] = c->flags & F_STRING && rng() >> 62 ? start[0][i] : rng() >> 24;
	}
	if (c->flags & F_BT)
		s->gpr[HVMOD_RDX] = rng() % 512 - 256;
	if (c->flags & F_SHIFT)
		s->gpr[HVMOD_RCX] = rng() % 70;
	if (c->flags & F_STRING) {
		s->gpr[HVMOD_RCX] = rng() % 7;
		s->rflags |= rng() >> 63 ? 0x400 : 0;
	}
	if (c->flags & F_CALL) {
		v = (u64)emul_target;
		copy(&start[0][off], &v, 8);
	}
	if (c->flags & F_CMPXCHG && rng() >> 63) {
		copy(&s->gpr[HVMOD_RAX], &start[0][off], 8);
		if (rng() >> 63) {
			s->gpr[HVMOD_RAX] = (u32)s->gpr[HVMOD_RAX];
			copy(&s->gpr[HVMOD_RDX], &start[0][off + 4], 4);
		}
	}
}

static u8 *at(u8 (*area)[PAGES], u64 which)
{
	return &area[which][WINDOW - HALF];
}

/* src, dst: on the device? */
static void run(const struct test_case *c, struct state *s, u64 off, bool src, bool dst, u8 *top)
{
	u8 (*dev)[PAGES] = (void *)DEVICE;
	u64 i;

	copy(at(ram, 0), start[0], 2 * HALF);
	copy(at(ram, 1), start[1], 2 * HALF);
	copy(at(device, 0), start[0], 2 * HALF);
	copy(at(device, 1), start[1], 2 * HALF);
	for (i = 0; i < sizeof(stack[0]); i++)
		top[i] = i;
	emul_state = *s;
	if (!(c->flags & F_RSI))
		emul_state.gpr[HVMOD_RBX] = (u64)at(src ? dev : ram, 0) + off;
	emul_state.gpr[HVMOD_RSI] = (u64)at(src ? dev : ram, 0) + off;
	emul_state.gpr[HVMOD_RDI] = (u64)at(dst ? dev : ram, 1) + off;
	emul_state.gpr[HVMOD_RSP] = (u64)top + 64;
	emul_code = c->code;
	emul_run();
	/* Pointers as distances. */
	if (!(c->flags & F_RSI))
		emul_state.gpr[HVMOD_RBX] -= (u64)at(src ? dev : ram, 0);
	emul_state.gpr[HVMOD_RSI] -= (u64)at(src ? dev : ram, 0);
	emul_state.gpr[HVMOD_RDI] -= (u64)at(dst ? dev : ram, 1);
	emul_state.gpr[HVMOD_RSP] -= (u64)top;
}

static u64 flags_undefined(u64 flags)
{
	if (flags & F_BT)
		return 0x8d4 & ~0x40UL;
	if (flags & F_SHIFT)
		return 0x810;
	return flags & F_LOGIC ? 0x10 : 0;
}

static void mismatch(const struct test_case *c, const char *what, u64 got, u64 want)
{
	struct hv_failure f = {
		.what = c->name, .file = what, .got = got, .want = want, .values = true,
	};

	failures++;
	guest_fail(&f);
}

static void compare(const struct test_case *c, const struct state *want)
{
	u64 i, mask = FLAGS_COMPARED & ~flags_undefined(c->flags);

	compared++;
	for (i = 0; i < 16; i++)
		if (emul_state.gpr[i] != want->gpr[i])
			mismatch(c, "register", emul_state.gpr[i], want->gpr[i]);
	if ((emul_state.rflags ^ want->rflags) & mask)
		mismatch(c, "flags", emul_state.rflags, want->rflags);
	for (i = 0; i < 4; i++)
		if (!same(emul_state.vec[i], want->vec[i], emul_avx ? 32 : 16))
			mismatch(c, "vector", i, 0);
	if (!same(stack[0], stack[1], sizeof(stack[0])))
		mismatch(c, "stack", 0, 0);
}

static u8 after[2][2 * HALF];

static void check_bytes(const struct test_case *c, bool src, bool dst)
{
	if (!same(at(src ? device : ram, 0), after[0], 2 * HALF))
		mismatch(c, "source bytes", *(u64 *)at(src ? device : ram, 0), 0);
	if (!same(at(dst ? device : ram, 1), after[1], 2 * HALF))
		mismatch(c, "destination bytes", *(u64 *)at(dst ? device : ram, 1), 0);
	/* Nothing strays. */
	if (!same(at(src ? ram : device, 0), start[0], 2 * HALF) ||
	    !same(at(dst ? ram : device, 1), start[1], 2 * HALF))
		mismatch(c, "bytes that are none of its business", 0, 0);
}

static void one_case(const struct test_case *c)
{
	u64 round, off, how, i;
	struct state s, native;

	for (round = 0; round < ROUNDS; round++) {
		/* Aligned, anywhere, over the page boundary. */
		off = 64 + (round & 1 ? rng() % 120 : 8 * (rng() % 15));
		if (round == 5)
			off = HALF - 1 - rng() % 3;
		if (c->flags & F_ALIGN)
			off = HALF + 32 * (rng() % 3) - 32;
		random_state(c, &s, off);
		run(c, &s, off, false, false, stack[0]);
		native = emul_state;
		copy(after[0], at(ram, 0), 2 * HALF);
		copy(after[1], at(ram, 1), 2 * HALF);
		for (i = 1; i < (c->flags & F_STRING ? 4 : 2); i++) {
			how = i;
			/* A call leaves its return address: the same stack. */
			run(c, &s, off, how & 1, how & 2, stack[1]);
			compare(c, &native);
			check_bytes(c, how & 1, how & 2);
		}
	}
}

static void guest_main(void)
{
	const struct test_case *c;
	u32 r[4], has;

	guest_cpuid(1, 0, r);
	has = r[2];
	if ((has & 1U << 28) && (has & 1U << 26)) {
		guest_write_cr4(guest_read_cr4() | 1UL << 18);
		GUEST_EQ(guest_try_xsetbv(0, 7), -1);
		emul_avx = 1;
	}
	for (c = emul_cases; c < emul_cases_end; c++) {
		if ((c->flags & F_AVX && !emul_avx) ||
		    (c->flags & F_MOVBE && !(has & 1U << 22)))
			continue;
		one_case(c);
	}
}

static bool serve(struct hvmod_run *run)
{
	u64 off = run->mmio.gpa - DEVICE;

	if (run->exit_reason != HVMOD_EXIT_MMIO || off > sizeof(device) - 8 || run->mmio.len > 8)
		return false;
	if (run->mmio.is_write)
		memcpy((u8 *)device + off, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, (u8 *)device + off, run->mmio.len);
	return true;
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	enum hv_what what;

	x86_start(vcpu, guest_main);
	do {
		what = hv_talk(vcpu);
	} while ((what == HV_OTHER && serve(vcpu->run)) || (what == HV_FAILED && failures < 40));
	if (what == HV_OTHER)
		hv_note_exit(vcpu);
	tap_eq(what, HV_DONE, "every instruction was executed");
	tap_eq(failures, 0, "the emulator does what the processor does");
	tap_ok(compared > 1000, "%llu comparisons", (unsigned long long)compared);
	tap_ok(x86_stat(vcpu).emulated > compared / 2, "they were emulated");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
