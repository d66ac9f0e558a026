// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that causes each VM exit an instruction can cause, and looks at what
 * the instruction did; its host looks at the counter of that exit reason.
 * Events and breakpoints are in events.c, hostile guests in debug.c.  A row of
 * the table below must not depend on the row before.
 */
#include "guest.h"

#define PORT	0x510
#define VECTOR	0x40

static volatile u64 irqs;
static volatile u64 irq_rip;

static void count_irq(struct hv_frame *f)
{
	irqs++;
	irq_rip = f->rip;
	guest_apic_write(APIC_EOI, 0);
}

static void do_cpuid(void)
{
	u32 r[4];

	guest_cpuid(0, 0, r);
	GUEST_ASSERT(r[0] >= 1);
	guest_cpuid(1, 0, r);
	/* A hypervisor is there. */
	GUEST_ASSERT(r[2] & (1U << 31));
	/* No leaf: as the last basic one, or zero, never the host's. */
	guest_cpuid(0x20000000, 0, r);
}

static void do_hlt(void)
{
	guest_on_vector(VECTOR, count_irq);
	guest_apic_on();
	irqs = 0;
	guest_apic_write(APIC_ICR, APIC_SELF | VECTOR);
	asm volatile("sti; hlt; cli" : : : "memory");
	GUEST_EQ(irqs, 1);
}

static void do_irq_window(void)
{
	guest_on_vector(VECTOR, count_irq);
	guest_apic_on();
	irqs = 0;
	guest_apic_write(APIC_ICR, APIC_SELF | VECTOR);
	/* IF is clear: it waits, across exits too. */
	guest_rdmsr(MSR_APIC_BASE);
	GUEST_EQ(irqs, 0);
	guest_sti();
	GUEST_EQ(irqs, 1);
	guest_cli();
}

static void do_wbinvd(void)
{
	asm volatile("wbinvd" : : : "memory");
}

static void do_invd(void)
{
	asm volatile("invd" : : : "memory");
}

static void do_rdpmc(void)
{
	u32 lo = 0, hi = 0;

	asm volatile("movq $1f, hv_trap_rip(%%rip)\n\t"
		     "rdpmc\n\t"
		     "1: movq $0, hv_trap_rip(%%rip)"
		     : "+a"(lo), "+d"(hi) : "c"(0) : "memory");
	GUEST_EQ(hv_trap_vector, X86_GP);
	GUEST_EQ(hv_trap_error, 0);
	hv_trap_vector = -1;
}

static u64 vmcall(void)
{
	u64 ret = 1;

	asm volatile("vmcall" : "+a"(ret) : : "memory");
	return ret;
}

static void do_vmcall(void)
{
	GUEST_EQ(vmcall(), -38);
}

static void do_vmcall_user(void)
{
	GUEST_EQ(vmcall(), -1);
}

static void do_vmx(void)
{
	static u64 pa[2];

	GUEST_EQ(guest_trap("vmclear %0", "m"(pa[0])), X86_UD);
	GUEST_EQ(guest_trap("vmptrld %0", "m"(pa[0])), X86_UD);
	GUEST_EQ(guest_trap("vmptrst %0", "m"(pa[0])), X86_UD);
	GUEST_EQ(guest_trap("vmlaunch", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap("vmresume", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap("vmread %0, %1", "a"(0UL), "m"(pa[0])), X86_UD);
	GUEST_EQ(guest_trap("vmwrite %0, %0", "a"(0UL)), X86_UD);
	GUEST_EQ(guest_trap("vmxoff", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap("vmxon %0", "m"(pa[0])), X86_UD);
	GUEST_EQ(guest_trap("invept %0, %1", "m"(pa), "a"(1UL)), X86_UD);
	GUEST_EQ(guest_trap("invvpid %0, %1", "m"(pa), "a"(2UL)), X86_UD);
	GUEST_EQ(guest_trap("vmfunc", "a"(0), "c"(0)), X86_UD);
	GUEST_EQ(guest_trap("getsec", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap("rsm", "a"(0)), X86_UD);
}

static void do_cr0(void)
{
	u64 cr0 = guest_read_cr0();

	/* Reserved bits above 31, PG without PE, NW without CD. */
	GUEST_EQ(guest_trap("mov %0, %%cr0", "r"(cr0 | 1UL << 32)), X86_GP);
	GUEST_EQ(guest_trap("mov %0, %%cr0", "r"(cr0 & ~1UL)), X86_GP);
	GUEST_EQ(guest_trap("mov %0, %%cr0", "r"(cr0 | 1UL << 29)), X86_GP);
	/* 64-bit mode cannot turn paging off. */
	GUEST_EQ(guest_trap("mov %0, %%cr0", "r"(cr0 & ~(1UL << 31))), X86_GP);
	GUEST_EQ(guest_read_cr0(), cr0);
	/* Caches off and on: the guest sees what it wrote. */
	guest_write_cr0(cr0 | 3UL << 29);
	GUEST_EQ(guest_read_cr0(), cr0 | 3UL << 29);
	guest_write_cr0(cr0);
	/* Reserved bits below 32 and ET do not change. */
	guest_write_cr0((cr0 | 1UL << 19) & ~(1UL << 4));
	GUEST_EQ(guest_read_cr0(), cr0);
	/* NE is fixed in VMX, and the guest's own. */
	guest_write_cr0(cr0 & ~(1UL << 5));
	GUEST_EQ(guest_read_cr0(), cr0 & ~(1UL << 5));
	guest_write_cr0(cr0);
}

static void do_clts(void)
{
	u64 cr0 = guest_read_cr0();
	u16 msw;

	guest_write_cr0(cr0 | 8);
	GUEST_EQ(guest_read_cr0(), cr0 | 8);
	asm volatile("clts");
	GUEST_EQ(guest_read_cr0(), cr0);

	/* LMSW: sets TS, cannot clear PE, leaves NE and above alone. */
	asm volatile("lmsw %w0" : : "r"(0x8));
	GUEST_EQ(guest_read_cr0(), (cr0 & ~0xeUL) | 8);
	asm volatile("smsw %w0" : "=r"(msw));
	GUEST_EQ(msw, (u16)((cr0 & ~0xeUL) | 8));
	msw = cr0;
	asm volatile("lmsw %0" : : "m"(msw));
	GUEST_EQ(guest_read_cr0(), cr0);
}

static void do_cr4(void)
{
	u64 cr4 = guest_read_cr4();

	GUEST_EQ(guest_trap("mov %0, %%cr4", "r"(cr4 | 1UL << 63)), X86_GP);
	GUEST_EQ(guest_trap("mov %0, %%cr4", "r"(cr4 | 1UL << 15)), X86_GP);
	/* VMXE is not offered, PAE cannot go in long mode. */
	GUEST_EQ(guest_trap("mov %0, %%cr4", "r"(cr4 | 1UL << 13)), X86_GP);
	GUEST_EQ(guest_trap("mov %0, %%cr4", "r"(cr4 & ~(1UL << 5))), X86_GP);
	GUEST_EQ(guest_read_cr4(), cr4);
	/* PSE, PGE, MCE */
	guest_write_cr4(cr4 | 0xd0);
	GUEST_EQ(guest_read_cr4(), cr4 | 0xd0);
	guest_write_cr4(cr4);
	GUEST_EQ(guest_read_cr4(), cr4);
}

static void do_cr3(void)
{
	u64 cr3 = guest_read_cr3();

	GUEST_EQ(guest_trap("mov %0, %%cr3", "r"(cr3 | 1UL << 62)), X86_GP);
	GUEST_EQ(guest_read_cr3(), cr3);
	guest_write_cr3(cr3 | 0x18);
	GUEST_EQ(guest_read_cr3(), cr3 | 0x18);
	guest_write_cr3(cr3);
}

static void do_cr8(void)
{
	guest_apic_on();
	guest_write_cr8(5);
	GUEST_EQ(guest_read_cr8(), 5);
	GUEST_EQ(guest_apic_read(APIC_TPR), 0x50);
	guest_apic_write(APIC_TPR, 0xab);
	GUEST_EQ(guest_read_cr8(), 0xa);
	GUEST_EQ(guest_trap("mov %0, %%cr8", "r"(16UL)), X86_GP);
	GUEST_EQ(guest_read_cr8(), 0xa);

	/* A vector below the priority waits, and comes when CR8 falls. */
	guest_on_vector(VECTOR, count_irq);
	irqs = 0;
	guest_apic_write(APIC_ICR, APIC_SELF | VECTOR);
	guest_sti();
	GUEST_EQ(irqs, 0);
	guest_write_cr8(VECTOR >> 4);
	asm volatile("nop");
	GUEST_EQ(irqs, 0);
	guest_write_cr8((VECTOR >> 4) - 1);
	asm volatile("nop");
	GUEST_EQ(irqs, 1);
	guest_cli();
	guest_write_cr8(0);
}

static void do_dr(void)
{
	u64 v;

	guest_write_dr0(0x123456789abcULL);
	GUEST_EQ(guest_read_dr0(), 0x123456789abcULL);
	GUEST_EQ(guest_trap("mov %0, %%dr6", "r"(1UL << 32)), X86_GP);
	GUEST_EQ(guest_trap("mov %0, %%dr7", "r"(1UL << 32)), X86_GP);
	guest_write_dr6(0xf);
	GUEST_EQ(guest_read_dr6(), 0xffff0ff0 | 0xf);
	guest_write_dr7(0);
	GUEST_EQ(guest_read_dr7(), 0x400);
	/* DR4 and DR5 are DR6 and DR7, unless CR4.DE is set. */
	asm volatile("mov %%dr4, %0" : "=r"(v));
	GUEST_EQ(v, guest_read_dr6());
	asm volatile("mov %%dr5, %0" : "=r"(v));
	GUEST_EQ(v, 0x400);
	guest_write_cr4(guest_read_cr4() | 8);
	GUEST_EQ(guest_trap("mov %%dr4, %%rax; nop", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap("mov %0, %%dr5", "r"(0UL)), X86_UD);
	guest_write_cr4(guest_read_cr4() & ~8UL);
	guest_write_dr6(0xffff0ff0);
}

static void do_io(void)
{
	u32 v;

	guest_outb(PORT, 0x11);
	asm volatile("outw %w0, %w1" : : "a"(0x2233), "d"(PORT));
	guest_outl(PORT, 0x44556677);
	v = 0xdeadbeef;
	asm volatile("inb %w1, %b0" : "+a"(v) : "d"(PORT));
	GUEST_EQ(v, 0xdeadbe01);
	asm volatile("inw %w1, %w0" : "+a"(v) : "d"(PORT));
	GUEST_EQ(v, 0xdead0302);
	{
		u64 wide = ~0UL;

		asm volatile("inl %w1, %k0" : "+a"(wide) : "d"(PORT));
		GUEST_EQ(wide, 0x07060504);
	}
	/* Immediate port numbers. */
	asm volatile("outb %b0, $0x80" : : "a"(0));
}

/* Two pages; the string operations cross from one to the other. */
static u8 strings[8192] __attribute__((aligned(4096)));

static void out_string(const u8 *from, u64 count, u8 first)
{
	u64 i;

	for (i = 0; i < sizeof(strings); i++)
		strings[i] = i;
	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(PORT) : "memory");
	GUEST_EQ(count, 0);
	GUEST_EQ(from[-1], (u8)(first - 1));
}

static void do_string_io(void)
{
	u64 count = 300, i;
	void *p = strings + 4096 - 150;

	out_string(strings + 4096 - 100, 200, 100);

	/* What comes in counts up, see host's device. */
	GUEST_SYNC(0);
	asm volatile("rep insb" : "+D"(p), "+c"(count) : "d"(PORT) : "memory");
	GUEST_EQ(count, 0);
	GUEST_EQ((u64)p, (u64)(strings + 4096 + 150));
	for (i = 0; i < 300; i++)
		GUEST_EQ(strings[4096 - 150 + i], (u8)(i + 1));

	/* Down, in long words, one across the boundary. */
	GUEST_SYNC(0);
	count = 4;
	p = strings + 4096 + 2;
	asm volatile("std; rep insl; cld" : "+D"(p), "+c"(count) : "d"(PORT) : "memory");
	GUEST_EQ(count, 0);
	GUEST_EQ((u64)p, (u64)(strings + 4096 - 14));
	for (i = 0; i < 16; i++)
		GUEST_EQ(strings[4096 + 2 - 4 * (i / 4) + i % 4], i + 1);

	/* Nothing to do: no access. */
	count = 0;
	asm volatile("rep insb" : "+D"(p), "+c"(count) : "d"(PORT) : "memory");
	GUEST_EQ((u64)p, (u64)(strings + 4096 - 14));
}

static void do_string_mmio(void)
{
	/* From a port to a device's memory: item by item. */
	u64 count = 6;
	void *p = (void *)0xd0000000UL;

	GUEST_SYNC(0);
	asm volatile("rep insb" : "+D"(p), "+c"(count) : "d"(PORT) : "memory");
	GUEST_EQ(count, 0);
	GUEST_EQ((u64)p, 0xd0000006UL);
}

static void do_msr(void)
{
	u64 v;

	GUEST_EQ(guest_try_rdmsr(MSR_APIC_BASE, &v), -1);
	GUEST_EQ(v & ~0xfffUL, APIC_BASE);
	GUEST_EQ(guest_try_rdmsr(0x12345678, &v), X86_GP);
	GUEST_EQ(hv_trap_error, 0);
	GUEST_EQ(guest_try_wrmsr(0x12345678, 0), X86_GP);
	/* Bits above 31 of RAX, RCX and RDX do not count. */
	asm volatile("rdmsr" : "=a"(v) : "c"(0xffffffff00000000UL | MSR_EFER) : "rdx");
	GUEST_EQ(v >> 32, 0);
	GUEST_EQ(v & 0x500, 0x500);
	GUEST_EQ(guest_try_wrmsr(MSR_EFER, v | 1UL << 40), X86_GP);
	/* LME cannot go while paging is on. */
	GUEST_EQ(guest_try_wrmsr(MSR_EFER, v & ~0x100UL), X86_GP);
}

static void do_xsetbv(void)
{
	u32 r[4];

	guest_cpuid(1, 0, r);
	if (!(r[2] & (1U << 26)))
		return;
	guest_write_cr4(guest_read_cr4() | 1UL << 18);
	guest_cpuid(1, 0, r);
	GUEST_ASSERT(r[2] & (1U << 27));
	GUEST_EQ(guest_try_xsetbv(0, 1), -1);
	GUEST_EQ(guest_try_xsetbv(0, 3), -1);
	GUEST_EQ(guest_try_xsetbv(0, 0), X86_GP);
	GUEST_EQ(guest_try_xsetbv(0, 2), X86_GP);
	GUEST_EQ(guest_try_xsetbv(0, 5), X86_GP);
	GUEST_EQ(guest_try_xsetbv(0, 1UL << 63 | 3), X86_GP);
	GUEST_EQ(guest_try_xsetbv(1, 3), X86_GP);
	guest_write_cr4(guest_read_cr4() & ~(1UL << 18));
	GUEST_EQ(guest_try_xsetbv(0, 3), X86_UD);
}

static void do_monitor(void)
{
	GUEST_EQ(guest_trap("monitor", "a"(strings), "c"(0), "d"(0)), X86_UD);
	GUEST_EQ(guest_trap("mwait", "a"(0), "c"(0)), X86_UD);
}

static void do_pause(void)
{
	int i;

	for (i = 0; i < 20000; i++)
		asm volatile("pause");
}

/* Memory that no one has touched yet. */
static void do_ept(void)
{
	volatile u8 *ram = (u8 *)(HV_FREE + 0x100000UL);

	GUEST_EQ(ram[0], 0);
	ram[0x1000] = 1;
	/* ret */
	ram[0x2000] = 0xc3;
	((void (*)(void))(HV_FREE + 0x102000UL))();
	GUEST_EQ(ram[0x1000], 1);
}

static void do_triple(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idt = {};

	asm volatile("lidt %0; ud2" : : "m"(idt));
}

struct row {
	const char *name;
	void (*fn)(void);
	int reason;		/* -1: none is counted */
	u32 at_least;
	bool user;
};

static const struct row rows[] = {
	{ "CPUID", do_cpuid, 10, 3, false },
	{ "HLT", do_hlt, 12, 1, false },
	{ "interrupt window", do_irq_window, 7, 1, false },
	{ "INVD", do_invd, 13, 1, false },
	{ "WBINVD", do_wbinvd, 54, 1, false },
	{ "RDPMC: #GP", do_rdpmc, 15, 1, false },
	{ "VMCALL: -ENOSYS", do_vmcall, 18, 1, false },
	{ "VMCALL at CPL 3: -EPERM", do_vmcall_user, 18, 1, true },
	{ "VMX instructions: #UD", do_vmx, 19, 1, false },
	{ "MOV CR0", do_cr0, 28, 6, false },
	{ "CLTS, LMSW", do_clts, -1, 0, false },
	{ "MOV CR3", do_cr3, -1, 0, false },
	{ "MOV CR4", do_cr4, 28, 4, false },
	{ "MOV CR8", do_cr8, -1, 0, false },
	{ "MOV DR", do_dr, 29, 10, false },
	{ "IN, OUT", do_io, 30, 7, false },
	{ "INS, OUTS", do_string_io, 30, 3, false },
	{ "INS to device memory", do_string_mmio, 30, 1, false },
	{ "RDMSR, WRMSR", do_msr, 31, 2, false },
	{ "XSETBV", do_xsetbv, 55, 2, false },
	{ "MONITOR", do_monitor, 39, 1, false },
	{ "MWAIT", do_monitor, 36, 1, false },
	{ "PAUSE", do_pause, -1, 0, false },
	{ "EPT violation", do_ept, 48, 1, false },
};

/* ---- the host's device: a port that counts up, and memory ---- */

static u8 next_in, wrote[512];
static u32 wrote_len;
static u8 mmio_wrote[16];

static bool serve(struct hv_vcpu *vcpu)
{
	struct hvmod_run *run = vcpu->run;
	u32 i, bytes = run->io.size * run->io.count;

	if (run->exit_reason == HVMOD_EXIT_MMIO && run->mmio.is_write && run->mmio.len == 1) {
		mmio_wrote[run->mmio.gpa & 15] = run->mmio.data[0];
		return true;
	}
	if (run->exit_reason != HVMOD_EXIT_IO || bytes > sizeof(run->data))
		return false;
	if (run->io.port == 0x80 && run->io.size == 1)
		return true;
	if (run->io.port != PORT)
		return false;
	for (i = 0; i < bytes; i++) {
		if (run->io.direction == HVMOD_IO_IN)
			run->data[i] = ++next_in;
		else if (wrote_len < sizeof(wrote))
			wrote[wrote_len++] = run->data[i];
	}
	return true;
}

static bool run_served(struct hv_vcpu *vcpu)
{
	for (;;) {
		switch (hv_talk(vcpu)) {
		case HV_DONE:
			return true;
		case HV_SYNC:
			next_in = 0;
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

static void check_device(const char *name)
{
	static const u8 io[] = { 0x11, 0x33, 0x22, 0x77, 0x66, 0x55, 0x44 };
	u32 i, bad = 0;

	if (!strcmp(name, "IN, OUT"))
		tap_ok(wrote_len == sizeof(io) && !memcmp(wrote, io, sizeof(io)),
		       "OUT: the bytes arrive");
	if (!strcmp(name, "INS, OUTS")) {
		for (i = 0; i < 200; i++)
			bad += wrote[i] != (u8)(4096 - 100 + i);
		tap_ok(wrote_len == 200 && !bad, "OUTS: the bytes arrive");
	}
	if (!strcmp(name, "INS to device memory"))
		tap_ok(!memcmp(mmio_wrote, "\1\2\3\4\5\6", 6), "INS: each byte arrives once");
}

static void run_row(struct hv_vcpu *vcpu, const struct row *row)
{
	struct hvmod_vcpu_stat before, after;

	next_in = 0;
	wrote_len = 0;
	before = x86_stat(vcpu);
	x86_start(vcpu, row->fn);
	if (row->user)
		x86_user_mode(vcpu);
	tap_ok(run_served(vcpu), "%s", row->name);
	after = x86_stat(vcpu);
	/* Hardware that delivers interrupts by itself waits by itself, too. */
	if (row->reason == 7 &&
	    (hv_cap(vcpu->vm->dev, HVMOD_CAP_FEATURES) & HVMOD_FEATURE_VID))
		return;
	if (row->reason >= 0 &&
	    !tap_ok(after.exits[row->reason] - before.exits[row->reason] >= row->at_least,
		    "%s: exits with reason %d", row->name, row->reason))
		tap_note("%llu, at least %u expected",
			 after.exits[row->reason] - before.exits[row->reason], row->at_least);
	check_device(row->name);
}

/* All the VMX instructions have exits of their own. */
static void check_vmx(const struct hvmod_vcpu_stat *stat)
{
	static const u8 reasons[] = { 19, 20, 21, 22, 23, 24, 25, 26, 27, 50, 53 };
	u32 i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (stat->exits[reasons[i]] == 1)
			continue;
		tap_note("reason %u: %llu", reasons[i], stat->exits[reasons[i]]);
		bad++;
	}
	tap_ok(!bad, "each VMX instruction exited once");
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(4 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	struct hvmod_vcpu_stat stat;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(vcpu, &rows[i]);
	stat = x86_stat(vcpu);
	check_vmx(&stat);

	x86_start(vcpu, do_triple);
	tap_eq(x86_ends(vcpu), HVMOD_EXIT_SHUTDOWN, "triple fault: shutdown");
	tap_eq(x86_stat(vcpu).exits[2], 1, "triple fault: one exit");
	/* The vCPU can be used again. */
	x86_start(vcpu, do_cpuid);
	hv_run_to_done(vcpu, "it runs after a shutdown");

	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
