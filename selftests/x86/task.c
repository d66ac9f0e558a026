// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches of a 32-bit guest: CALL and IRET, JMP, a 16-bit task, a
 * task gate for an exception with an error code and for INT n, and a task whose
 * code segment is not there.  The guest says where it is, the host looks at the
 * registers.  Each step of a switch is tested in unit/test_task.c.
 */
#include "guest.h"

#define GDT	0xa000U
#define IDT	0xa800U
#define TSS_A	0xb000U
#define TSS_B	0xb100U		/* reached by CALL, JMP and INT 0x40 */
#define TSS_C	0xb200U		/* 16 bits wide */
#define TSS_D	0xb300U		/* #GP */
#define TSS_E	0xb400U		/* its CS is not present */
#define CODE	0x10000U
#define CODE16	0x12000U
#define STACKS	0x20000U

enum { CS32 = 0x08, DS32 = 0x10, SEL_A = 0x18, SEL_B = 0x20, SEL_C = 0x28, CS16 = 0x30,
       SEL_D = 0x38, SEL_E = 0x40, CS_GONE = 0x48 };

/* Copied to CODE and CODE16; SAY leaves the value in EBX. */
asm(".pushsection .rodata\n"
    ".macro SAY value\n"
    "	movl $\\value, %ebx\n"
    "	movl $0xe0, %edx\n"
    "	outl %eax, %dx\n"
    ".endm\n"
    ".code32\n"
    "task_code:\n"
    "	lcall $0x20, $0\n"
    "	SAY 1\n"
    "	lcall $0x28, $0\n"
    "	SAY 2\n"
    "	int $0x40\n"
    "	SAY 3\n"
    "	int $0x50\n"			/* behind the IDT's limit */
    "	SAY 4\n"
    "	ljmp $0x20, $0\n"
    "task_b:\n"
    "	SAY 0x100\n"
    "	iret\n"
    "	SAY 0x101\n"
    "	iret\n"
    "	SAY 0x102\n"
    "	ljmp $0x40, $0\n"
    "task_d:\n"
    "	popl %ebx\n"
    "	movl $0xe0, %edx\n"
    "	outl %eax, %dx\n"
    "	addl $2, 0xb020\n"		/* TSS_A's EIP: behind the INT */
    "	iret\n"
    "task_np:\n"
    "	popl %ebx\n"
    "	movl $0xe0, %edx\n"
    "	outl %eax, %dx\n"
    "	movl $0xe4, %edx\n"
    "	outl %eax, %dx\n"
    "task_code_end:\n"
    ".code16\n"
    "task_code16:\n"
    "	SAY 0x200\n"
    "	iret\n"
    "task_code16_end:\n"
    ".code64\n"
    ".popsection\n");

extern const u8 task_code[], task_b[], task_d[], task_np[], task_code_end[];
extern const u8 task_code16[], task_code16_end[];

static struct hv_vm *vm;

static u32 at(const u8 *label)
{
	return CODE + (label - task_code);
}

static void put32(u32 gpa, u32 v)
{
	memcpy(vm->mem + gpa, &v, 4);
}

static u32 get32(u32 gpa)
{
	u32 v;

	memcpy(&v, vm->mem + gpa, 4);
	return v;
}

static void put16(u32 gpa, u16 v)
{
	memcpy(vm->mem + gpa, &v, 2);
}

static void desc(u32 sel, u32 base, u32 limit, u32 attr)
{
	put32(GDT + sel, (limit & 0xffff) | base << 16);
	put32(GDT + sel + 4, (base >> 16 & 0xff) | attr << 8 | (limit & 0xf0000) |
	      (base & 0xff000000));
}

static u8 type_of(u32 sel)
{
	return vm->mem[GDT + sel + 5];
}

static void tss32(u32 gpa, u32 eip, u32 esp, u16 cs)
{
	static const u8 data[] = { 72, 80, 84, 88, 92 };
	u32 i;

	put32(gpa + 32, eip);
	put32(gpa + 36, 2);
	put32(gpa + 56, esp);
	put16(gpa + 76, cs);
	for (i = 0; i < sizeof(data); i++)
		put16(gpa + data[i], DS32);
	put32(gpa + 44, 0xc0ffee);	/* ECX */
}

static void gate(u32 vector, u32 low, u32 high)
{
	put32(IDT + 8 * vector, low);
	put32(IDT + 8 * vector + 4, high);
}

static void set_up(struct hv_vcpu *vcpu)
{
	struct hvmod_sregs s;

	memcpy(vm->mem + CODE, task_code, task_code_end - task_code);
	memcpy(vm->mem + CODE16, task_code16, task_code16_end - task_code16);
	desc(CS32, 0, 0xfffff, 0xc09b);
	desc(DS32, 0, 0xfffff, 0xc093);
	desc(SEL_A, TSS_A, 0x67, 0x8b);
	desc(SEL_B, TSS_B, 0x67, 0x89);
	desc(SEL_C, TSS_C, 0x2b, 0x81);
	desc(CS16, CODE16, 0xffff, 0x9a);
	desc(SEL_D, TSS_D, 0x67, 0x89);
	desc(SEL_E, TSS_E, 0x67, 0x89);
	desc(CS_GONE, 0, 0xfffff, 0xc01b);
	tss32(TSS_B, at(task_b), STACKS + 0x2000, CS32);
	tss32(TSS_D, at(task_d), STACKS + 0x3000, CS32);
	tss32(TSS_E, at(task_code), STACKS + 0x4000, CS_GONE);
	put16(TSS_C + 14, 0);
	put16(TSS_C + 16, 2);
	put16(TSS_C + 26, 0xf000);
	put16(TSS_C + 34, DS32);
	put16(TSS_C + 36, CS16);
	put16(TSS_C + 38, DS32);
	put16(TSS_C + 40, DS32);
	gate(13, SEL_D << 16, 0x8500);
	gate(0x40, SEL_B << 16, 0x8500);
	gate(11, CS32 << 16 | (at(task_np) & 0xffff), (at(task_np) & 0xffff0000) | 0x8e00);

	hv_flat32(vcpu, CODE, STACKS + 0x1000);
	hv_get_sregs(vcpu, &s);
	s.gdt = (struct hvmod_dtable) { .base = GDT, .limit = CS_GONE + 7 };
	s.idt = (struct hvmod_dtable) { .base = IDT, .limit = 8 * 0x41 - 1 };
	s.cs.selector = CS32;
	s.ss.selector = DS32;
	s.ds.selector = DS32;
	s.es.selector = DS32;
	s.tr.selector = SEL_A;
	s.tr.base = TSS_A;
	s.tr.limit = 0x67;
	s.tr.access = 0x8b;
	s.cr0 &= ~8UL;
	hv_set_sregs(vcpu, &s);
}

/* Runs to the next word; false: it says something else. */
static bool says(struct hv_vcpu *vcpu, u64 value, u16 tr, const char *name)
{
	struct hvmod_sregs s;
	enum hv_what what = hv_talk(vcpu);

	hv_get_sregs(vcpu, &s);
	if (tap_ok(what == HV_SYNC && (u32)vcpu->value == value && s.tr.selector == tr, "%s",
		   name))
		return true;
	tap_note("what %d, value %#llx, TR %#x", what, (unsigned long long)vcpu->value,
		 s.tr.selector);
	hv_note_exit(vcpu);
	return false;
}

static bool run(struct hv_vcpu *vcpu)
{
	struct hvmod_sregs s;
	struct hvmod_regs r;

	if (!says(vcpu, 0x100, SEL_B, "CALL"))
		return false;
	hv_get_sregs(vcpu, &s);
	hv_get_regs(vcpu, &r);
	tap_ok(s.cr0 & 8, "CR0.TS is set");
	tap_eq(r.gpr[HVMOD_RCX], 0xc0ffee, "registers are the task's");
	tap_ok(r.rflags & 0x4000, "NT is set");
	tap_eq(get32(TSS_B) & 0xffff, SEL_A, "the link");
	tap_eq(get32(TSS_A + 32), CODE + 7, "EIP of the old task");
	if (!says(vcpu, 1, SEL_A, "IRET"))
		return false;
	tap_eq(type_of(SEL_B), 0x89, "the task that has returned is not busy");
	if (!says(vcpu, 0x200, SEL_C, "CALL of a 16-bit task"))
		return false;
	hv_get_sregs(vcpu, &s);
	tap_ok(!(s.cs.access & 0x4000) && s.tr.access == 0x83, "it is one");
	if (!says(vcpu, 2, SEL_A, "and back") ||
	    !says(vcpu, 0x101, SEL_B, "a task gate, by INT n; the task goes on where it was") ||
	    !says(vcpu, 3, SEL_A, "and back, behind the INT") ||
	    !says(vcpu, 0x50 * 8 + 2, SEL_D, "a task gate, by #GP: its error code") ||
	    !says(vcpu, 4, SEL_A, "and back") ||
	    !says(vcpu, 0x102, SEL_B, "JMP"))
		return false;
	tap_eq(type_of(SEL_A), 0x89, "the task that was left is not busy");
	tap_eq(type_of(SEL_B), 0x8b, "the other one is");
	if (!says(vcpu, CS_GONE, SEL_E, "no code segment: #NP in the new task"))
		return false;
	return hv_run_to_done(vcpu, "whose handler runs");
}

int main(void)
{
	struct hv_vcpu *vcpu;

	vm = hv_vm_new(2 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	set_up(vcpu);
	run(vcpu);
	tap_ok(x86_stat(vcpu).exits[9] >= 9, "they were exits");
	/* A switch to what is no TSS is #GP for whoever asks: here with no handler. */
	set_up(vcpu);
	put32(CODE + 1, 0);
	put16(CODE + 5, DS32);
	gate(13, 0, 0);
	tap_eq(x86_ends(vcpu), HVMOD_EXIT_SHUTDOWN, "CALL of a data segment: #GP, here the end");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
