// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a guest that meet exits: single steps over every kind of emulated
 * instruction, breakpoints, #AC, NMIs and what blocks them, interrupt shadows.
 * Guest and host are both here.  It must not count time, only events.
 */
#include <signal.h>
#include <sys/time.h>

#include "guest.h"

#define PORT	0x510
#define MMIO	0xd0000000UL
#define VECTOR	0x41

/* ---- single steps ---- */

/*
 * S: an instruction and one trap behind it; R n: one that traps n times, n - 1
 * of them at itself; X: one that traps not at all.  The addresses expected
 * gather in a table.
 */
asm(".macro S insn:vararg\n"
    "\\insn\n"
    "7001: .pushsection .data.steps,\"aw\"\n .quad 7001b\n .popsection\n"
    ".endm\n"
    ".macro X insn:vararg\n"
    "\\insn\n"
    ".endm\n"
    ".macro R n, insn:vararg\n"
    "7002: \\insn\n"
    "7003: .pushsection .data.steps,\"aw\"\n"
    ".rept \\n - 1\n .quad 7002b\n .endr\n .quad 7003b\n .popsection\n"
    ".endm\n");

#define STEPS(name, code)						\
	asm(".pushsection .data.steps,\"aw\"\n"				\
	    ".balign 8\n" #name "_table:\n.popsection\n"		\
	    ".pushsection .text\n"					\
	    #name "_code:\n"						\
	    "push %rbx\n push %r12\n"					\
	    "pushfq\n orl $0x100, (%rsp)\n popfq\n"			\
	    code							\
	    "S nop\n"							\
	    #name "_end: pushfq\n andl $~0x100, (%rsp)\n popfq\n"	\
	    "pop %r12\n pop %rbx\n ret\n"				\
	    ".popsection\n"						\
	    ".pushsection .data.steps,\"aw\"\n"				\
	    #name "_table_end: .quad 0\n.popsection\n");		\
	extern char name##_end[];					\
	extern const u64 name##_table[], name##_table_end[];		\
	void name##_code(void)

static volatile u64 stepped[64];
static volatile u32 steps;
static volatile u64 step_stop;
static volatile u64 step_bad_dr6;

static void on_step(struct hv_frame *f)
{
	u64 dr6 = guest_read_dr6();

	if (!(dr6 & (1 << 14)))
		step_bad_dr6 = dr6 | 1;
	guest_write_dr6(0xffff0ff0);
	if (f->rip == step_stop)
		f->rflags &= ~RFLAGS_TF;
	if (steps < ARRAY_SIZE(stepped))
		stepped[steps] = f->rip;
	steps++;
}

static u8 buffer[64] __attribute__((aligned(64)));

static void step_through(void (*code)(void), const u64 *table, const u64 *end, u64 stop)
{
	u64 i, n = end - table;

	guest_on_vector(X86_DB, on_step);
	steps = 0;
	step_bad_dr6 = 0;
	step_stop = stop;
	code();
	for (i = 0; i < n && i < steps; i++)
		GUEST_EQ(stepped[i], table[i]);
	GUEST_EQ(steps, n);
	GUEST_EQ(step_bad_dr6, 0);
}

#define DO_STEPS(name) \
	step_through(name##_code, name##_table, name##_table_end, (u64)name##_end)

STEPS(plain, "S nop\n S xor %eax, %eax\n S cpuid\n S cpuid\n");
STEPS(msrs, "S mov $0x1b, %ecx\n S rdmsr\n S wrmsr\n S mov %cr0, %rax\n S mov %rax, %cr0\n"
	    "S mov %cr4, %rax\n S mov %rax, %cr4\n S mov %cr8, %rax\n S mov %rax, %cr8\n"
	    "S mov %dr0, %rax\n S mov %rax, %dr0\n S clts\n S wbinvd\n S pause\n"
	    "S vmcall\n");
STEPS(ports, "S mov $0x510, %edx\n S outb %al, %dx\n S inb %dx, %al\n S inl %dx, %eax\n"
	     "S lea buffer(%rip), %rsi\n S outsb\n S mov $3, %ecx\n R 3, rep outsb\n"
	     "S lea buffer(%rip), %rdi\n S mov $4, %ecx\n R 4, rep insb\n"
	     "R 1, rep insb\n");
STEPS(device, "S mov $0xd0000000, %ebx\n S mov %eax, (%rbx)\n S mov (%rbx), %eax\n"
	      "S addl $1, (%rbx)\n S mov %rbx, %rdi\n S mov $3, %ecx\n R 3, rep stosb\n"
	      "S mov %rbx, %rsi\n S lea buffer(%rip), %rdi\n S mov $2, %ecx\n"
	      "R 2, rep movsb\n");
/* The local APIC is answered without a return to user space. */
STEPS(apic, "S mov $0xfee00000, %ebx\n S mov 0x20(%rbx), %eax\n S mov %eax, 0x80(%rbx)\n"
	    "S lock cmpxchg %eax, 0x20(%rbx)\n");
/* MOV SS keeps the trap from the instruction behind it, which traps then. */
STEPS(shadow, "S mov %ss, %eax\n X mov %eax, %ss\n S nop\n X mov %eax, %ss\n S cpuid\n"
	      "S mov $0x510, %edx\n S mov %ss, %eax\n X mov %eax, %ss\n S outb %al, %dx\n"
	      "S mov $0xd0000000, %ebx\n S mov %ss, %eax\n X mov %eax, %ss\n"
	      "S mov %eax, (%rbx)\n");
/* The trap behind HLT ends it. */
STEPS(halt, "S hlt\n S nop\n");

static void do_step_plain(void)
{
	DO_STEPS(plain);
}

static void do_step_msrs(void)
{
	DO_STEPS(msrs);
}

static void do_step_ports(void)
{
	DO_STEPS(ports);
}

static void do_step_device(void)
{
	DO_STEPS(device);
}

static void do_step_apic(void)
{
	guest_apic_on();
	DO_STEPS(apic);
}

static void do_step_shadow(void)
{
	DO_STEPS(shadow);
}

static void do_step_halt(void)
{
	DO_STEPS(halt);
}

/* ---- breakpoints ---- */

static volatile u64 db_rip[8], db_dr6[8], db_rflags[8];
static volatile u32 dbs;

static void on_db(struct hv_frame *f)
{
	if (dbs < ARRAY_SIZE(db_rip)) {
		db_rip[dbs] = f->rip;
		db_dr6[dbs] = guest_read_dr6();
		db_rflags[dbs] = f->rflags;
	}
	dbs++;
	guest_write_dr6(0xffff0ff0);
	/* Go on behind an instruction breakpoint. */
	f->rflags |= RFLAGS_RF;
}

static void db_begin(void)
{
	guest_on_vector(X86_DB, on_db);
	guest_write_dr6(0xffff0ff0);
	dbs = 0;
}

extern char bp_first[], bp_second[], bp_third[];
void bp_code(void);
asm(".pushsection .text\n"
    "bp_code: push %rbx\n xor %eax, %eax\n"
    "bp_first: cpuid\n"
    "bp_second: nop\n"
    "bp_third: mov $0xd0000000, %ebx\n"
    "pop %rbx\n ret\n"
    ".popsection\n");

static void set_dr2_3(u64 dr2, u64 dr3)
{
	asm volatile("mov %0, %%dr2; mov %1, %%dr3" : : "r"(dr2), "r"(dr3));
}

static void do_exec_bp(void)
{
	db_begin();
	guest_write_dr0((u64)bp_first);
	guest_write_dr1((u64)bp_second);
	set_dr2_3((u64)bp_third, 0);
	guest_write_dr7(0x415);
	bp_code();
	guest_write_dr7(0x400);
	/* RF covers one instruction, also one that exits. */
	GUEST_EQ(dbs, 3);
	GUEST_EQ(db_rip[0], (u64)bp_first);
	GUEST_EQ(db_rip[1], (u64)bp_second);
	GUEST_EQ(db_rip[2], (u64)bp_third);
	GUEST_EQ(db_dr6[0] & 0xe00f, 1);
	GUEST_EQ(db_dr6[1] & 0xe00f, 2);
	GUEST_EQ(db_dr6[2] & 0xe00f, 4);
}

static volatile u32 watched;

static void do_data_bp(void)
{
	db_begin();
	set_dr2_3(0, (u64)&watched);
	/* DR3, 4 bytes, writes */
	guest_write_dr7(0x400 | 1UL << 6 | 0xdUL << 28);
	watched = 1;
	asm volatile("nop");
	GUEST_EQ(dbs, 1);
	GUEST_EQ(watched, 1);
	GUEST_EQ(db_dr6[0] & 0xe00f, 8);
	/* Not a write. */
	GUEST_EQ(watched, 1);
	GUEST_EQ(dbs, 1);
	guest_write_dr7(0x400);
	watched = 2;
	GUEST_EQ(dbs, 1);
}

static void do_gd(void)
{
	u64 v = 0;

	db_begin();
	guest_write_dr7(0x400 | 1 << 13);
	/* Delivery clears GD, so the second try works. */
	asm volatile("mov %%dr0, %0" : "=r"(v));
	GUEST_EQ(dbs, 1);
	GUEST_EQ(db_dr6[0] & 0xe00f, 1 << 13);
	GUEST_EQ(guest_read_dr7(), 0x400);
}

static void do_int1(void)
{
	db_begin();
	asm volatile(".byte 0xf1\n nop");
	GUEST_EQ(dbs, 1);
	GUEST_EQ(db_dr6[0] & 0xe00f, 0);
	GUEST_EQ(*(u8 *)(db_rip[0] - 1), 0xf1);
}

static volatile u64 bps;

static void on_bp(struct hv_frame *f)
{
	bps++;
}

/* What an unprivileged program may do to its kernel. */
static void do_ss_shadow(void)
{
	u16 ss;

	db_begin();
	guest_on_vector(X86_BP, on_bp);
	bps = 0;
	asm volatile("mov %%ss, %0" : "=r"(ss));
	asm volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
		     "mov %0, %%ss\n\t"
		     ".byte 0xf1\n\t"
		     "pushfq; andl $~0x100, (%%rsp); popfq" : : "r"(ss) : "memory");
	GUEST_ASSERT(dbs >= 2);
	asm volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
		     "mov %0, %%ss\n\t"
		     "int3\n\t"
		     "pushfq; andl $~0x100, (%%rsp); popfq" : : "r"(ss) : "memory");
	GUEST_EQ(bps, 1);
	dbs = 0;
	guest_write_dr0((u64)&watched);
	guest_write_dr7(0x400 | 1 | 0xdUL << 16 | 0x300);
	/* A data breakpoint of MOV SS itself waits, too. */
	asm volatile("mov %%ss, %0" : "=m"(watched));
	dbs = 0;
	asm volatile("mov %0, %%ss; cpuid" : : "m"(watched), "a"(0) : "rbx", "rcx", "rdx");
	guest_write_dr7(0x400 | 1 | 0xfUL << 16 | 0x300);
	asm volatile("mov %0, %%ss; nop" : : "m"(watched) : "memory");
	GUEST_ASSERT(dbs >= 1);
	guest_write_dr7(0x400);
}

/* A fault pushes RF, a trap and an interrupt do not. */
static volatile u64 fault_rflags;

static void on_fault(struct hv_frame *f)
{
	fault_rflags = f->rflags;
	f->rip = hv_trap_rip;
}

static void do_rf(void)
{
	guest_on_vector(X86_GP, on_fault);
	guest_on_vector(X86_UD, on_fault);
	fault_rflags = 0;
	guest_try_wrmsr(0x12345678, 0);
	GUEST_EQ(fault_rflags & RFLAGS_RF, RFLAGS_RF);
	fault_rflags = 0;
	guest_trap("vmxoff", "a"(0));
	GUEST_EQ(fault_rflags & RFLAGS_RF, RFLAGS_RF);
	guest_on_vector(X86_GP, NULL);
	guest_on_vector(X86_UD, NULL);
}

/* ---- #AC ---- */

static void do_ac(void)
{
	long vector;

	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq" : : : "memory");
	vector = guest_trap("movl (%0), %%eax", "r"(buffer + 1), "a"(0));
	asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "memory");
	GUEST_EQ(vector, X86_AC);
	GUEST_EQ(hv_trap_error, 0);
	/* The device's bytes are checked in the same way. */
	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq" : : : "memory");
	vector = guest_trap("movl (%0), %%eax", "r"(MMIO + 1), "a"(0));
	asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "memory");
	GUEST_EQ(vector, X86_AC);
}

/* ---- interrupt shadows ---- */

static volatile u64 irqs, irq_rip, irq_rflags;

static void on_irq(struct hv_frame *f)
{
	irqs++;
	irq_rip = f->rip;
	irq_rflags = f->rflags;
	guest_apic_write(APIC_EOI, 0);
}

/* STI covers one instruction, also one that exits: the interrupt comes behind it. */
#define STI_THEN(insn, ...) do {					\
	u64 behind_;							\
									\
	irqs = 0;							\
	guest_apic_write(APIC_ICR, APIC_SELF | VECTOR);			\
	asm volatile("lea 1f(%%rip), %0\n\t"				\
		     "sti\n\t" insn "\n"				\
		     "1: nop; nop; cli"					\
		     : "=&r"(behind_) : __VA_ARGS__ : "memory");	\
	GUEST_EQ(irqs, 1);						\
	GUEST_EQ(irq_rip, behind_);					\
	GUEST_EQ(irq_rflags & RFLAGS_RF, 0);				\
} while (0)

static void do_shadow(void)
{
	guest_on_vector(VECTOR, on_irq);
	guest_apic_on();
	STI_THEN("nop", "a"(0));
	STI_THEN("vmcall", "a"(0));
	STI_THEN("wbinvd", "a"(0));
	STI_THEN("outb %%al, %%dx", "a"(0), "d"(PORT));
	STI_THEN("movl %%eax, (%%rdx)", "a"(0), "d"(MMIO));
	STI_THEN("movl %%eax, 0x80(%%rdx)", "a"(0), "d"(APIC_BASE));
	STI_THEN("mov %%rax, %%cr8", "a"(0));
	STI_THEN("hlt", "a"(0));
}

/* ---- NMI ---- */

static volatile u64 nmis, nmi_depth, nmi_nested;

static void on_nmi(struct hv_frame *f)
{
	nmis++;
	nmi_nested += nmi_depth;
	nmi_depth++;
	if (nmis == 1)
		GUEST_SYNC(2);
	/* An exit in the handler does not unblock. */
	guest_rdmsr(MSR_APIC_BASE);
	nmi_depth--;
}

static void do_nmi(void)
{
	guest_on_vector(2, on_nmi);
	nmis = 0;
	nmi_depth = 0;
	nmi_nested = 0;
	/* The host sends one here, three more while the first is handled. */
	GUEST_SYNC(1);
	GUEST_EQ(nmis, 2);
	GUEST_EQ(nmi_nested, 0);
	/* IF has no say. */
	guest_cli();
	GUEST_SYNC(3);
	GUEST_EQ(nmis, 3);
	/* HLT ends: the host sends one now and then. */
	GUEST_SYNC(4);
	while (nmis < 5)
		guest_hlt();
	GUEST_SYNC(5);
}

struct row {
	const char *name;
	void (*fn)(void);
	bool user;
};

static const struct row rows[] = {
	{ "single steps: CPUID", do_step_plain, false },
	{ "single steps: MSRs, control registers", do_step_msrs, false },
	{ "single steps: ports", do_step_ports, false },
	{ "single steps: device memory", do_step_device, false },
	{ "single steps: local APIC", do_step_apic, false },
	{ "single steps: MOV SS", do_step_shadow, false },
	{ "single steps: HLT", do_step_halt, false },
	{ "instruction breakpoints", do_exec_bp, false },
	{ "data breakpoints", do_data_bp, false },
	{ "DR7.GD", do_gd, false },
	{ "INT1", do_int1, false },
	{ "MOV SS, then INT1 or INT3, with TF", do_ss_shadow, false },
	{ "a fault pushes RF", do_rf, false },
	{ "#AC", do_ac, true },
	{ "STI's shadow", do_shadow, false },
	{ "NMI", do_nmi, false },
};

static bool serve(struct hv_vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->run;

	if (run->exit_reason == HVMOD_EXIT_MMIO) {
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
		return true;
	}
	if (run->exit_reason != HVMOD_EXIT_IO || run->io.port != PORT)
		return false;
	memset(run->data, 0, run->io.size * run->io.count);
	return true;
}

static void nmi(struct hv_vcpu *vcpu, int count)
{
	while (count--)
		hv_need(!ioctl(vcpu->fd, HVMOD_VCPU_NMI));
}

static int nmi_fd;

static void on_alarm(int sig)
{
	ioctl(nmi_fd, HVMOD_VCPU_NMI);
}

static void nmi_timer(int fd, int us)
{
	struct itimerval t = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us,
	};

	nmi_fd = fd;
	signal(SIGALRM, on_alarm);
	hv_need(!setitimer(ITIMER_REAL, &t, NULL));
}

static void on_sync(struct hv_vcpu *vcpu)
{
	switch (vcpu->value) {
	case 2:
		nmi(vcpu, 3);
		break;
	case 4:
		nmi_timer(vcpu->fd, 20000);
		break;
	case 5:
		nmi_timer(vcpu->fd, 0);
		break;
	default:
		nmi(vcpu, 1);
	}
}

static bool run_served(struct hv_vcpu *vcpu)
{
	for (;;) {
		switch (hv_talk(vcpu)) {
		case HV_DONE:
			return true;
		case HV_SYNC:
			on_sync(vcpu);
			break;
		case HV_OTHER:
			if (serve(vcpu))
				break;
			hv_note_exit(vcpu);
			return false;
		default:
			return false;
		}
	}
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(4 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	struct hvmod_sregs s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		guest_on_vector(X86_DB, NULL);
		x86_start(vcpu, rows[i].fn);
		if (rows[i].user) {
			x86_user_mode(vcpu);
			hv_get_sregs(vcpu, &s);
			s.cr0 |= 1UL << 18;
			hv_set_sregs(vcpu, &s);
		}
		if (!tap_ok(run_served(vcpu), "%s", rows[i].name) &&
		    vcpu->run->exit_reason == HVMOD_EXIT_KILLED)
			break;
	}
	tap_ok(x86_stat(vcpu).exits[8] >= 1, "NMI window exits");
	tap_ok(x86_stat(vcpu).exits[0] >= 20, "exception exits");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
