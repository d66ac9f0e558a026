// SPDX-License-Identifier: GPL-2.0
/*
 * The modes of the processor and the ways between them: real mode, protected
 * mode, 32-bit and PAE paging, long and compatibility mode, and what the rules
 * for CR0, CR3, CR4 and EFER forbid.  Guest code is assembly for 32 bits here.
 * A way that the architecture forbids must end in #GP, never in the host.
 */
#include "guest.h"

#define PORT_VECTOR	0xf0	/* an exception's vector, from its handler */
#define PORT_GOOD	0xf1
#define PORT_BAD	0xf2
#define DEVICE		0xd0000000UL

/* Tables in RAM, see tables(). */
#define PDPT_GOOD	0x20000
#define PDPT_RESERVED	0x20020
#define PDPT_PHYS	0x20040
#define PD_4M		0x21000
#define PD_4K		0x22000
#define PT_4K		0x23000
#define IDT32		0x24000
#define REAL_CODE	0x28000

struct mode_case {
	u64 name, code;
	long vector;		/* -1: PORT_GOOD; -2: shutdown */
};

extern const struct mode_case mode_cases[], mode_cases_end[];
extern char idt32_stubs[], real_begin[], real_end[], wild_code[];

asm(".macro CASE vector, name\n"
    ".pushsection .rodata\n7001: .asciz \"\\name\"\n.popsection\n"
    "7002:\n"
    ".pushsection .data.modes,\"aw\"\n.quad 7001b, 7002b, \\vector\n.popsection\n"
    ".endm\n"
    ".macro GOOD\n out %al, $0xf1\n hlt\n .endm\n"
    /* EFER: sets and clears bits */
    ".macro EFER set, clear\n mov $0xc0000080, %ecx\n rdmsr\n"
    "or $\\set, %eax\n and $~\\clear, %eax\n wrmsr\n .endm\n"
    ".macro CR0 set, clear\n mov %cr0, %eax\n or $\\set, %eax\n and $~\\clear, %eax\n"
    "mov %eax, %cr0\n .endm\n"
    ".macro CR4 set\n mov %cr4, %eax\n or $\\set, %eax\n mov %eax, %cr4\n .endm\n"
    ".macro CR3 value\n mov $\\value, %eax\n mov %eax, %cr3\n .endm\n"
    ".macro EQ value, where\n cmpl $\\value, \\where\n je 9f\n out %al, $0xf2\n 9:\n .endm\n"
    /* What every mode can do: exits, and an instruction that is emulated. */
    ".macro WORK\n xor %eax, %eax\n cpuid\n movl $0x1234, 0xd0000010\n"
    "mov 0xd0000010, %eax\n EQ 0x5a5a5a5a, %eax\n .endm\n"
    ".pushsection .data.modes,\"aw\"\n.balign 8\nmode_cases:\n.popsection\n");

/* What is forbidden. */
asm(".pushsection .text\n.code32\n"
    "CASE -1, \"protected mode\"\n WORK\n GOOD\n"
    "CASE 13, \"PG without PE: #GP\"\n CR0 0x80000000, 1\n GOOD\n"
    "CASE 13, \"NW without CD: #GP\"\n CR0 0x20000000, 0x40000000\n GOOD\n"
    "CASE 13, \"LMSW keeps its operand's rules: PE stays\"\n mov $0, %eax\n lmsw %ax\n"
    "mov %cr0, %eax\n test $1, %al\n jz 8f\n xor %ecx, %ecx\n dec %ecx\n wrmsr\n 8: GOOD\n"
    "CASE 13, \"LME, PG without PAE: #GP\"\n EFER 0x100, 0\n CR3 0x4000\n"
    "CR0 0x80000000, 0\n GOOD\n"
    "CASE 13, \"CR4.VMXE: #GP\"\n CR4 0x2000\n GOOD\n"
    "CASE 13, \"CR4, reserved: #GP\"\n CR4 0x80000000\n GOOD\n"
    "CASE 13, \"CR4.PCIDE outside of long mode: #GP\"\n CR4 0x20000\n GOOD\n"
    "CASE 13, \"EFER, reserved: #GP\"\n EFER 0x2000, 0\n GOOD\n"
    "CASE 13, \"PAE, reserved bit in a PDPTE: #GP\"\n CR4 0x20\n CR3 0x20020\n"
    "CR0 0x80000000, 0\n GOOD\n"
    "CASE 13, \"PAE, a PDPTE beyond MAXPHYADDR: #GP\"\n CR4 0x20\n CR3 0x20040\n"
    "CR0 0x80000000, 0\n GOOD\n"
    "CASE 13, \"PAE, MOV CR3 to a bad PDPTE: #GP\"\n CR4 0x20\n CR3 0x20000\n"
    "CR0 0x80000000, 0\n CR3 0x20020\n GOOD\n"
    "CASE 13, \"LME while paging is on: #GP\"\n CR4 0x20\n CR3 0x20000\n"
    "CR0 0x80000000, 0\n EFER 0x100, 0\n GOOD\n"
    "CASE -2, \"CR4.PAE cleared in long mode: #GP, and this IDT is not for it\"\n CR4 0x20\n CR3 0x4000\n"
    "EFER 0x100, 0\n CR0 0x80000000, 0\n mov %cr4, %eax\n and $~0x20, %eax\n"
    "mov %eax, %cr4\n GOOD\n"
    ".code64\n.popsection\n");

/* What is allowed. */
asm(".pushsection .text\n.code32\n"
    "CASE -1, \"32-bit paging, 4 MiB pages\"\n movl $0x1111, 0x9000\n CR4 0x10\n"
    "CR3 0x21000\n CR0 0x80000000, 0\n WORK\n EQ 0x1111, 0x809000\n"
    "CR0 0, 0x80000000\n WORK\n GOOD\n"
    "CASE -1, \"32-bit paging, 4 KiB pages\"\n movl $0x2222, 0x16000\n CR4 0x10\n"
    "CR3 0x22000\n CR0 0x80000000, 0\n WORK\n EQ 0x2222, 0x5000\n GOOD\n"
    "CASE 14, \"32-bit paging, no page: #PF\"\n CR3 0x22000\n CR4 0x10\n"
    "CR0 0x80000000, 0\n mov 0x6000, %eax\n GOOD\n"
    "CASE -1, \"PAE paging\"\n CR4 0x20\n CR3 0x20000\n CR0 0x80000000, 0\n WORK\n"
    "movl $0x3333, 0x9000\n EQ 0x3333, 0x9000\n"
    /* A PDPTE in memory counts when CR3 is loaded. */
    "movl $0, 0x20018\n WORK\n movl $0x9001, 0x20018\n mov %cr3, %eax\n mov %eax, %cr3\n"
    "WORK\n CR0 0, 0x80000000\n mov %cr4, %eax\n and $~0x20, %eax\n mov %eax, %cr4\n WORK\n GOOD\n"
    "CASE -1, \"PE off and on, flat segments stay\"\n CR0 0, 1\n WORK\n CR0 1, 0\n WORK\n GOOD\n"
    "CASE -1, \"compatibility mode\"\n CR4 0x20\n CR3 0x4000\n EFER 0x100, 0\n"
    "CR0 0x80000000, 0\n mov $0xc0000080, %ecx\n rdmsr\n and $0x500, %eax\n EQ 0x500, %eax\n"
    "WORK\n"
    /* and back */
    "CR0 0, 0x80000000\n mov $0xc0000080, %ecx\n rdmsr\n and $0x500, %eax\n EQ 0x100, %eax\n"
    "EFER 0, 0x100\n WORK\n GOOD\n"
    "CASE -1, \"long mode, and back\"\n CR4 0x20\n CR3 0x4000\n EFER 0x100, 0\n"
    "CR0 0x80000000, 0\n ljmp $0x08, $1f\n"
    ".code64\n 1: mov $0x123456789, %r8\n xor %eax, %eax\n cpuid\n"
    "mov $0xd0000000, %ebx\n mov %r8, 0x10(%rbx)\n mov 0x10(%rbx), %eax\n"
    "EQ 0x5a5a5a5a, %eax\n shr $32, %r8\n cmp $1, %r8\n je 2f\n out %al, $0xf2\n 2:\n"
    "push $0x18\n lea 3f(%rip), %rax\n push %rax\n lretq\n"
    ".code32\n 3: WORK\n CR0 0, 0x80000000\n EFER 0, 0x100\n WORK\n"
    /* Then PAE without long mode, then none. */
    "CR3 0x20000\n CR0 0x80000000, 0\n WORK\n CR0 0, 0x80000000\n WORK\n GOOD\n"
    "CASE -1, \"real mode, and back\"\n lidt real_idtr\n ljmp $0x30, $(0x28000 - 0x28000)\n"
    "back_from_real: mov $0x10, %ax\n mov %ax, %ds\n mov %ax, %es\n mov %ax, %ss\n"
    "mov $0x3f0000, %esp\n WORK\n GOOD\n"
    /* Random registers: whatever comes of it. */
    "wild_code: mov %ebx, %cr4\n mov $0xc0000080, %ecx\n xor %edx, %edx\n mov %esi, %eax\n"
    "wrmsr\n mov %ebp, %cr3\n mov %edi, %cr0\n nop\n cpuid\n mov %cr0, %eax\n lmsw %di\n GOOD\n"
    ".code64\n"
    ".balign 8\n real_idtr: .word 0x3ff\n .long 0\n"
    ".popsection\n"
    ".pushsection .data.modes,\"aw\"\nmode_cases_end: .quad 0\n.popsection\n");

/* Copied to REAL_CODE; entered through a 16-bit code segment based there. */
asm(".pushsection .text\n.code16\n"
    "real_begin: mov %cr0, %eax\n and $~1, %eax\n mov %eax, %cr0\n"
    "ljmp $0x2800, $(1f - real_begin)\n"
    "1: mov $0x2800, %ax\n mov %ax, %ds\n mov %ax, %ss\n mov $0xff0, %esp\n"
    "mov $0x2000, %ax\n mov %ax, %es\n"
    "xor %eax, %eax\n cpuid\n"
    /* A vector of the table at 0. */
    "xor %ax, %ax\n mov %ax, %fs\n"
    "movw $(2f - real_begin), %fs:(0x60 * 4)\n movw $0x2800, %fs:(0x60 * 4 + 2)\n"
    "mov $0x77, %bx\n int $0x60\n cmp $0x78, %bx\n jne 8f\n"
    /* String I/O: 16-bit registers, segment bases. */
    "mov $(3f - real_begin), %si\n mov $3, %cx\n mov $0x600, %dx\n cld\n"
    "mov $0xdead0000, %eax\n rep outsb\n"
    "test %cx, %cx\n jnz 8f\n cmp $(3f - real_begin + 3), %si\n jne 8f\n"
    "lgdtl 4f - real_begin\n mov %cr0, %eax\n or $1, %eax\n mov %eax, %cr0\n"
    "ljmpl $0x18, $back_from_real\n"
    "2: inc %bx\n xor %eax, %eax\n cpuid\n mov $0x78, %bx\n iret\n"
    "3: .ascii \"abc\"\n"
    "4: .word 0x37\n .long 0x1000\n"
    "8: out %al, $0xf2\n hlt\n"
    "real_end:\n.code64\n.popsection\n");

/* 32 stubs of 8 bytes: the vector to the port. */
asm(".pushsection .text\n.code32\n.balign 8\n"
    "idt32_stubs: .set vector, 0\n .rept 32\n .balign 8\n mov $vector, %al\n"
    "out %al, $0xf0\n hlt\n .set vector, vector + 1\n .endr\n"
    ".code64\n.popsection\n");

static u32 *at32(struct hv_vm *vm, u64 gpa)
{
	return (u32 *)(vm->mem + gpa);
}

static u64 *at64(struct hv_vm *vm, u64 gpa)
{
	return (u64 *)(vm->mem + gpa);
}

static void tables(struct hv_vm *vm)
{
	u64 i, addr;

	for (i = 0; i < 4; i++) {
		at64(vm, PDPT_GOOD)[i] = (HV_PD + i * 4096) | 1;
		at64(vm, PDPT_RESERVED)[i] = (HV_PD + i * 4096) | (i == 2 ? 3 : 1);
		at64(vm, PDPT_PHYS)[i] = (HV_PD + i * 4096) | 1;
	}
	at64(vm, PDPT_PHYS)[1] |= 1UL << 51;
	for (i = 0; i < 1024; i++) {
		at32(vm, PD_4M)[i] = i << 22 | 0x83;
		at32(vm, PD_4K)[i] = i << 22 | 0x83;
		at32(vm, PT_4K)[i] = i << 12 | 3;
	}
	at32(vm, PD_4M)[2] = 0x83;
	at32(vm, PD_4K)[0] = PT_4K | 3;
	at32(vm, PT_4K)[5] = 0x16000 | 3;
	at32(vm, PT_4K)[6] = 0;
	for (i = 0; i < 32; i++) {
		addr = (u64)idt32_stubs + 8 * i;
		at64(vm, IDT32)[i] = (addr & 0xffff) | HV_CS32 << 16 | 0x8eULL << 40 |
				     (addr >> 16) << 48;
	}
	memcpy(vm->mem + REAL_CODE, real_begin, real_end - real_begin);
	/* A 16-bit code segment at REAL_CODE. */
	at64(vm, HV_GDT)[6] = 0xffff | (u64)REAL_CODE << 16 | 0x9bULL << 40;
}

static void start(struct hv_vcpu *vcpu, u64 code)
{
	struct hvmod_sregs s;

	x86_clear(vcpu);
	tables(vcpu->vm);
	hv_flat32(vcpu, code, 0x3f0000);
	hv_get_sregs(vcpu, &s);
	s.idt = (struct hvmod_dtable){ .base = IDT32, .limit = 32 * 8 - 1 };
	s.cr4 = 0;
	hv_set_sregs(vcpu, &s);
}

/* Answers the device; false: something else came. */
static bool next_port(struct hv_vcpu *vcpu, u32 *port, u8 *value)
{
	struct hvmod_run *run = vcpu->run;

	for (;;) {
		if (hv_run(vcpu))
			return false;
		if (run->exit_reason == HVMOD_EXIT_MMIO) {
			memset(run->mmio.data, 0x5a, 8);
			continue;
		}
		if (run->exit_reason != HVMOD_EXIT_IO || run->io.direction == HVMOD_IO_IN)
			return false;
		if (run->io.port == 0x600) {
			if (memcmp(run->data, "abc", run->io.count * run->io.size) &&
			    run->io.count == 3)
				return false;
			continue;
		}
		*port = run->io.port;
		*value = run->data[0];
		return true;
	}
}

static void run_case(struct hv_vcpu *vcpu, const struct mode_case *c)
{
	const char *name = (const char *)(uintptr_t)c->name;
	u32 port = 0;
	u8 value = 0;
	bool ok;

	start(vcpu, c->code);
	ok = next_port(vcpu, &port, &value);
	if (c->vector == -2) {
		tap_ok(!ok && vcpu->run->exit_reason == HVMOD_EXIT_SHUTDOWN, "%s", name);
		return;
	}
	if (!tap_ok(ok && (c->vector < 0 ? port == PORT_GOOD :
			   port == PORT_VECTOR && value == c->vector), "%s", name)) {
		tap_note("port %#x, value %u", port, value);
		hv_note_exit(vcpu);
	}
}

/* ---- random control registers ---- */

static u64 rng_state = 0x2545f4914f6cdd1dULL;

static u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static bool refused;

static bool wild(struct hv_vcpu *vcpu)
{
	static const u32 roots[] = { HV_PML4, PDPT_GOOD, PD_4M, PD_4K, PDPT_RESERVED, 0 };
	struct hvmod_regs r;
	int ret;

	start(vcpu, (u64)wild_code);
	hv_get_regs(vcpu, &r);
	r.gpr[HVMOD_RBX] = rng() & rng() & 0x7f0ff8;
	r.gpr[HVMOD_RSI] = rng() & 0xd01;
	r.gpr[HVMOD_RBP] = roots[rng() % ARRAY_SIZE(roots)] | (rng() & 0x18);
	r.gpr[HVMOD_RDI] = rng() & (rng() & 1 ? 0xe005003f : 0x8000003f);
	if (rng() & 1)
		r.gpr[HVMOD_RBX] |= 0x20;
	hv_set_regs(vcpu, &r);
	ret = hv_run(vcpu);
	if (ret)
		return false;
	if (vcpu->run->exit_reason == HVMOD_EXIT_KILLED) {
		refused |= !!strstr(vcpu->run->killed.why, "refused");
		tap_note("cr0 %#llx cr3 %#llx cr4 %#llx efer %#llx: %.256s", r.gpr[HVMOD_RDI],
			 r.gpr[HVMOD_RBP], r.gpr[HVMOD_RBX], r.gpr[HVMOD_RSI],
			 vcpu->run->killed.why);
		return false;
	}
	return true;
}

static void test_wild(void)
{
	u32 i, killed = 0;

	for (i = 0; i < 20 && killed < 20; i++) {
		struct hv_vm *vm = hv_vm_new(4 << 20);
		struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
		u32 n;

		for (n = 0; n < 40 && wild(vcpu); n++)
			;
		killed += n < 40;
		hv_vcpu_free(vcpu);
		hv_vm_free(vm);
	}
	tap_ok(!refused, "random control registers: the CPU took each state");
	tap_ok(killed < 10, "random control registers: most guests go on");
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(4 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	const struct mode_case *c;

	for (c = mode_cases; c < mode_cases_end; c++)
		run_case(vcpu, c);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	test_wild();
	return tap_finish();
}
