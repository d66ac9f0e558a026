// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests: each gets itself into a corner, and ends there with shutdown,
 * an exception of its own, or killed with a sentence.  A host runs each in a VM
 * of its own.  No guest here may end in any other way.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "guest.h"

#define NOWHERE		0xd0000000UL	/* no memory is there */

struct dtable {
	u16 limit;
	u64 base;
} __attribute__((packed));

static void load_idt(u64 base, u16 limit)
{
	struct dtable t = { limit, base };

	asm volatile("lidt %0" : : "m"(t));
}

static void no_idt(void)
{
	load_idt(0, 0);
	asm volatile("ud2");
}

static void idt_in_mmio(void)
{
	load_idt(NOWHERE, 0xfff);
	asm volatile("ud2");
}

static void idt_not_canonical(void)
{
	GUEST_EQ(guest_trap("lidt %0", "m"(((struct dtable){ 0xfff, 1UL << 60 }))), X86_GP);
}

static void idt_not_mapped(void)
{
	/* Above the 4 GiB that are mapped. */
	load_idt(0x200000000UL, 0xfff);
	asm volatile("ud2");
}

static void stack_in_mmio(void)
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(NOWHERE + 0x800));
}

static void stack_not_canonical(void)
{
	/* #SS or #GP, then #DF on the same stack. */
	asm volatile("mov %0, %%rsp; ud2" : : "r"(1UL << 60));
}

static void push_to_mmio(void)
{
	u64 old;

	/* A plain push is a device access, and no crime. */
	asm volatile("mov %%rsp, %0; mov %1, %%rsp; pushq $5; mov %0, %%rsp"
		     : "=&r"(old) : "r"(NOWHERE + 0x800) : "memory");
}

static void code_in_mmio(void)
{
	((void (*)(void))NOWHERE)();
}

static void code_at_end(void)
{
	u8 *p = (u8 *)(HV_FREE + 0x200000 - HV_FREE - 1);

	/* The first byte of a MOV in the last byte of memory. */
	*p = 0xb8;
	((void (*)(void))p)();
}

static void tables_in_mmio(void)
{
	guest_write_cr3(NOWHERE);
	asm volatile("nop");
}

/* The emulator walks the tables itself. */
static void tables_in_mmio_emulated(void)
{
	u64 *pml4 = (u64 *)HV_PML4;

	pml4[1] = NOWHERE | 7;
	*(volatile u32 *)(1UL << 39) = 1;
}

static void jump_not_canonical(void)
{
	u64 nowhere = 1UL << 60;

	asm volatile("jmp *%0" : : "r"(nowhere));
}

static volatile u64 faults;
static volatile u64 fault_rip, fault_error;

static void on_gp(struct hv_frame *f)
{
	faults++;
	fault_rip = f->rip;
	fault_error = f->error;
	GUEST_DONE();
}

static void gp_not_canonical(void)
{
	guest_on_vector(X86_GP, on_gp);
	jump_not_canonical();
}

static void read_not_canonical(void)
{
	u64 nowhere = 1UL << 60;

	GUEST_EQ(guest_trap("mov (%0), %%rax", "r"(nowhere), "a"(0)), X86_GP);
	/* An access of the emulator that runs out of the canonical half. */
	GUEST_EQ(guest_trap("rep outsb", "S"(nowhere), "c"(1UL), "d"(0x510)), X86_GP);
}

static void long_insn(void)
{
	/* 14 prefixes and a two-byte instruction; as MMIO, too. */
	GUEST_EQ(guest_trap(".fill 15, 1, 0x66; nop", "a"(0)), X86_GP);
	GUEST_EQ(guest_trap(".fill 14, 1, 0x66; movl %%eax, (%0)", "r"(NOWHERE), "a"(0)),
		 X86_GP);
}

static void unknown_on_mmio(void)
{
	/* Nobody does that to a device. */
	asm volatile("fldl (%0)" : : "r"(NOWHERE));
}

static void df_handler(struct hv_frame *f)
{
	faults = 8;
	fault_error = f->error;
	GUEST_DONE();
}

/* An exception whose gate is not present: #NP on #UD's way is #UD, then #NP. */
static void loop_in_handler(void)
{
	u64 *idt = (u64 *)HV_IDT;

	guest_on_vector(X86_DF, df_handler);
	/* #GP's gate is gone: #GP makes #NP makes #DF. */
	idt[2 * X86_GP] &= ~(1UL << 47);
	idt[2 * 11] &= ~(1UL << 47);
	guest_wrmsr(0x12345678, 0);
}

static void endless_faults(void)
{
	/* Each handler faults at once, each fault is new: a loop that signals end. */
	struct {
		u64 lo, hi;
	} *idt = (void *)HV_IDT;
	extern char ud_again[];

	asm volatile goto("jmp %l[over]\n"
			  "ud_again: ud2\n" : : : : over);
over:
	idt[X86_UD].lo = ((u64)ud_again & 0xffff) | (u64)HV_CS64 << 16 | 0x8eULL << 40 |
			 ((u64)ud_again >> 16 & 0xffff) << 48;
	asm volatile("ud2");
}

static void ac_loop(void)
{
	/* #AC and #DB are intercepted for this: an endless delivery would hang. */
	u64 *idt = (u64 *)HV_IDT;

	/* #DB's handler has a breakpoint on the gate that it is read through. */
	guest_write_dr0((u64)&idt[2 * X86_DB]);
	guest_write_dr7(0x400 | 1 | 0xfUL << 16);
	asm volatile(".byte 0xf1");
	guest_write_dr7(0x400);
}

enum end {
	END_DONE, END_SHUTDOWN, END_KILLED, END_MMIO, END_LOOP
};

struct row {
	const char *name;
	void (*fn)(void);
	enum end end;
	const char *why;
	int vector;		/* in faults, when it is done */
};

static const struct row rows[] = {
	{ "no IDT", no_idt, END_SHUTDOWN, NULL, 0 },
	{ "IDT in device memory", idt_in_mmio, END_KILLED, "no memory", 0 },
	{ "IDT not canonical", idt_not_canonical, END_DONE, NULL, 0 },
	{ "IDT not mapped", idt_not_mapped, END_SHUTDOWN, NULL, 0 },
	{ "stack in device memory", stack_in_mmio, END_KILLED, "no memory", 0 },
	{ "stack not canonical", stack_not_canonical, END_SHUTDOWN, NULL, 0 },
	{ "PUSH to device memory", push_to_mmio, END_MMIO, NULL, 0 },
	{ "code in device memory", code_in_mmio, END_KILLED, "no memory", 0 },
	{ "code runs out of memory", code_at_end, END_KILLED, "no memory", 0 },
	{ "page tables in device memory", tables_in_mmio, END_KILLED, NULL, 0 },
	{ "a page table in device memory", tables_in_mmio_emulated, END_KILLED, NULL, 0 },
	{ "jump to a non-canonical address", gp_not_canonical, END_DONE, NULL, 1 },
	{ "access to a non-canonical address", read_not_canonical, END_DONE, NULL, 0 },
	{ "instruction of 16 bytes", long_insn, END_DONE, NULL, 0 },
	{ "FLD from device memory", unknown_on_mmio, END_KILLED, "cannot be emulated", 0 },
	{ "double fault", loop_in_handler, END_DONE, NULL, 8 },
	{ "endless exceptions", endless_faults, END_LOOP, NULL, 0 },
	{ "#DB in #DB's delivery", ac_loop, END_LOOP, NULL, 0 },
};

/* -EINTR after a while: the guest loops, and signals still come through. */
static void on_alarm(int sig)
{
}

static bool loops(struct hv_vcpu *vcpu)
{
	struct itimerval t = { .it_value.tv_usec = 20000 };
	int ret;

	signal(SIGALRM, on_alarm);
	hv_need(!setitimer(ITIMER_REAL, &t, NULL));
	do
		ret = hv_run_once(vcpu);
	while (!ret && vcpu->run->exit_reason == HVMOD_EXIT_NONE);
	if (ret == -EINTR)
		return true;
	/* No loop on this CPU: then it must end as other guests do. */
	return !ret && (vcpu->run->exit_reason == HVMOD_EXIT_SHUTDOWN ||
			vcpu->run->exit_reason == HVMOD_EXIT_KILLED ||
			vcpu->run->exit_reason == HVMOD_EXIT_IO);
}

static bool ends(struct hv_vcpu *vcpu, const struct row *row)
{
	const char *why = vcpu->run->killed.why;
	enum hv_what what;

	switch (row->end) {
	case END_LOOP:
		return loops(vcpu);
	case END_SHUTDOWN:
		return x86_ends(vcpu) == HVMOD_EXIT_SHUTDOWN;
	case END_KILLED:
		if (x86_ends(vcpu) != HVMOD_EXIT_KILLED)
			return false;
		tap_note("%.256s", why);
		if (strlen(why) < 20 || (row->why && !strstr(why, row->why)))
			return false;
		return hv_run_once(vcpu) == -EIO;
	case END_MMIO:
		if (x86_ends(vcpu) != HVMOD_EXIT_MMIO)
			return false;
		break;
	case END_DONE:
		break;
	}
	what = hv_talk(vcpu);
	return what == HV_DONE && (!row->vector || faults == (u64)row->vector);
}

static void run_row(const struct row *row)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	guest_on_vector(X86_GP, NULL);
	guest_on_vector(X86_DF, NULL);
	faults = 0;
	x86_start(vcpu, row->fn);
	if (!tap_ok(ends(vcpu, row), "%s", row->name))
		hv_note_exit(vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
}

int main(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&rows[i]);
	return tap_finish();
}
