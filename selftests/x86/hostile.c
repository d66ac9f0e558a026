// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that mean no good: code, tables and stacks where no memory is, exceptions
 * that cause themselves, loops that never exit.  Each ends as the API says, or is
 * interrupted by a signal to its thread; a new guest runs afterwards.  x86/msr
 * gives MSRs and control registers random values.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "x86/guest.h"

/* Guest-physical and guest-linear: the guest's tables map it, no slot is there. */
#define NOTHING		0x80000000UL
#define FAR_GPA		(1UL << 38)
#define IST_TOP		(HV_FREE + HV_STACK_SIZE)

struct dtr {
	u16 limit;
	u64 base;
} __attribute__((packed));

static void guest_lidt(u64 base, u16 limit)
{
	struct dtr d = { .limit = limit, .base = base };

	asm volatile("lidt %0" : : "m"(d));
}

static void guest_lgdt(u64 base, u16 limit)
{
	struct dtr d = { .limit = limit, .base = base };

	asm volatile("lgdt %0" : : "m"(d));
}

static void guest_ud2(void)
{
	asm volatile("ud2");
}

/* ---- guests that end ---- */

static void jump_nowhere(void)
{
	asm volatile("jmp *%0" : : "r"(NOTHING));
}

static void call_far_away(void)
{
	*(volatile u64 *)(HV_PD + 3 * 4096) = FAR_GPA | 0x87;
	asm volatile("call *%0" : : "r"(3UL << 30));
}

static void all_tables_nowhere(void)
{
	guest_write_cr3(NOTHING);
}

static void table_nowhere_read(void)
{
	*(volatile u64 *)(HV_PML4 + 8) = NOTHING | 7;
	*(volatile u64 *)(1UL << 39);
}

static void table_nowhere_jump(void)
{
	*(volatile u64 *)(HV_PDPT + 4 * 8) = NOTHING | 7;
	asm volatile("jmp *%0" : : "r"(4UL << 30));
}

static void idt_nowhere(void)
{
	guest_lidt(NOTHING, 4095);
	guest_ud2();
}

static void gdt_nowhere(void)
{
	guest_lgdt(NOTHING, 0x37);
	asm volatile("mov %0, %%ds" : : "r"(HV_DS));
}

static void stack_nowhere(void)
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(NOTHING + 4096));
}

static void no_idt(void)
{
	guest_lidt(0, 0);
	guest_ud2();
}

static void no_gdt(void)
{
	guest_lgdt(0, 0);
	guest_ud2();
}

/* ---- guests that do not ---- */

static void gate(u8 vector, void *handler, u8 ist)
{
	volatile u64 *p = (u64 *)(HV_IDT + vector * 16);
	u64 to = (u64)handler;

	p[0] = (to & 0xffff) | HV_CS64 << 16 | (u64)ist << 32 | 0x8eULL << 40 |
	       (to & 0xffff0000) << 32;
	p[1] = to >> 32;
	*(volatile u64 *)(HV_TSS + 0x24) = IST_TOP;
}

extern char hostile_iret[], hostile_read[];
asm(".pushsection .text\n"
    "hostile_iret: iretq\n"
    "hostile_read: movabs 0x80000000, %rax\n"
    "	hlt\n"
    ".popsection\n");

static void loop_quiet(void)
{
	asm volatile("cli\n"
		     "1: jmp 1b");
}

static void loop_hlt(void)
{
	asm volatile("cli\n"
		     "1: hlt\n"
		     "jmp 1b");
}

static void loop_ud(void)
{
	gate(X86_UD, guest_ud2, 1);
	guest_ud2();
}

/* The handler itself reads what is not mapped. */
static void loop_pf(void)
{
	*(volatile u64 *)(HV_PD + 2 * 4096) = 0;
	guest_write_cr3(HV_PML4);
	gate(X86_PF, hostile_read, 1);
	asm volatile("jmp *%0" : : "r"(hostile_read));
}

/* A watchpoint on the stack of its own exception. */
static void loop_db(void)
{
	gate(X86_DB, hostile_iret, 1);
	guest_write_dr0(IST_TOP - 8);
	guest_write_dr7(0x90401);
	asm volatile("pushfq; orl $0x100, (%rsp); popfq; nop");
	for (;;)
		asm volatile("nop");
}

/* Each round faults on its own device, which the host answers. */
static void loop_mmio(void)
{
	for (;;)
		(*(volatile u64 *)NOTHING)++;
}

/* ---- the host ---- */

static void tss_nowhere(struct hv_vcpu *vcpu)
{
	struct hvmod_sregs s;

	/* RSP0 is read when an exception comes from CPL 3. */
	x86_user_mode(vcpu);
	hv_get_sregs(vcpu, &s);
	s.tr.base = NOTHING;
	hv_set_sregs(vcpu, &s);
}

static const struct {
	const char *name;
	void (*fn)(void);
	u32 end;
	void (*prepare)(struct hv_vcpu *vcpu);
} ends[] = {
	{ "a jump to where no memory is", jump_nowhere, HVMOD_EXIT_KILLED, NULL },
	{ "a call to where no memory can be", call_far_away, HVMOD_EXIT_KILLED, NULL },
	{ "CR3 where no memory is", all_tables_nowhere, HVMOD_EXIT_KILLED, NULL },
	{ "a read through a table that is nowhere", table_nowhere_read, HVMOD_EXIT_KILLED, NULL },
	{ "a jump through a table that is nowhere", table_nowhere_jump, HVMOD_EXIT_KILLED, NULL },
	{ "the IDT where no memory is", idt_nowhere, HVMOD_EXIT_KILLED, NULL },
	{ "the GDT where no memory is", gdt_nowhere, HVMOD_EXIT_KILLED, NULL },
	{ "an exception's stack where no memory is", stack_nowhere, HVMOD_EXIT_KILLED, NULL },
	{ "the TSS where no memory is", guest_ud2, HVMOD_EXIT_KILLED, tss_nowhere },
	{ "no IDT: a triple fault", no_idt, HVMOD_EXIT_SHUTDOWN, NULL },
	{ "no GDT: a triple fault", no_gdt, HVMOD_EXIT_SHUTDOWN, NULL },
};

static const struct {
	const char *name;
	void (*fn)(void);
} loops[] = {
	{ "a loop with interrupts off", loop_quiet },
	{ "HLT with interrupts off", loop_hlt },
	{ "#UD in the handler of #UD", loop_ud },
	{ "#PF in the handler of #PF", loop_pf },
	{ "#DB by the delivery of #DB", loop_db },
	{ "device accesses without end", loop_mmio },
};

static void test_end(u32 i)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	x86_start(vcpu, ends[i].fn);
	if (ends[i].prepare)
		ends[i].prepare(vcpu);
	if (!tap_eq(x86_ends(vcpu), ends[i].end, ends[i].name)) {
		hv_note_exit(vcpu);
	} else if (ends[i].end == HVMOD_EXIT_KILLED) {
		tap_note("%.256s", vcpu->run->killed.why);
		tap_eq(hv_run_once(vcpu), -EIO, "  and it does not run any more");
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
}

static void on_alarm(int signal)
{
}

/* The alarm comes all the time: one may hit us outside of RUN. */
static void alarms(bool on)
{
	struct itimerval t = {};

	t.it_value.tv_usec = on ? 5000 : 0;
	t.it_interval = t.it_value;
	hv_need(!setitimer(ITIMER_REAL, &t, NULL));
}

static void test_loop(u32 i)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	u32 interrupted = 0, k;
	int ret = 0;

	x86_start(vcpu, loops[i].fn);
	alarms(true);
	for (k = 0; k < 1000000 && interrupted < 5; k++) {
		ret = hv_run_once(vcpu);
		if (ret == -EINTR)
			interrupted++;
		else if (ret || (vcpu->run->exit_reason != HVMOD_EXIT_NONE &&
				 vcpu->run->exit_reason != HVMOD_EXIT_MMIO))
			break;
	}
	alarms(false);
	if (!tap_ok(interrupted == 5, "%s: signals end RUN", loops[i].name)) {
		tap_note("%u of 5, then %s", interrupted, strerror(-ret));
		hv_note_exit(vcpu);
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
}

static volatile u64 well;

static void guest_well(void)
{
	well++;
}

int main(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct hv_vcpu *vcpu;
	struct hv_vm *vm;
	u32 i;

	hv_need(!sigaction(SIGALRM, &act, NULL));
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		test_end(i);
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		test_loop(i);

	vm = hv_vm_new(2 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	x86_start(vcpu, guest_well);
	hv_run_to_done(vcpu, "a guest after all these");
	tap_eq(well, 1, "  and it did what it should");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
