// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: registers in both modes, interrupts to itself and to another
 * vCPU, INIT and SIPI, and its state taken to another VM.  Two vCPUs run in
 * threads.  It must not rely on which of them is faster.
 */
#include <pthread.h>

#include "guest.h"

#define LOW	0x51
#define HIGH	0x61
#define OTHER	0x71
#define ICR_LOGICAL	0x800
#define ICR_ALL		0x80000
#define ICR_OTHERS	0xc0000
#define MODE_NMI	0x400
#define MODE_INIT	0x4500
#define MODE_SIPI	0x4600
#define SIPI_PAGE	0x10UL		/* 0x10000 */
#define PORT_SIPI	0xec

static volatile u64 nmis, other_ready, other_end;

static void vectors(void)
{
	guest_on_vector(LOW, guest_count_irq);
	guest_on_vector(HIGH, guest_count_irq);
	guest_on_vector(OTHER, guest_count_irq);
}

static void send(u32 dest, u32 icr)
{
	guest_apic_write(APIC_ICR2, dest << 24);
	guest_apic_write(APIC_ICR, icr);
	GUEST_EQ(guest_apic_read(APIC_ICR) & 0x1000, 0);
}

static void guest_registers(void)
{
	u64 i;

	guest_apic_on();
	GUEST_EQ(guest_apic_read(APIC_ID), 0);
	GUEST_ASSERT((guest_apic_read(0x30) & 0xff) >= 0x10);
	GUEST_ASSERT((guest_apic_read(0x30) >> 16 & 0xff) >= 3);
	/* What is read-only stays. */
	guest_apic_write(0x30, ~0U);
	GUEST_ASSERT((guest_apic_read(0x30) & 0xff) < 0x20);
	guest_apic_write(APIC_TPR, 0x1ff);
	GUEST_EQ(guest_apic_read(APIC_TPR), 0xff);
	GUEST_EQ(guest_apic_read(0xa0), 0xff);
	guest_apic_write(APIC_TPR, 0);
	/* DFR has ones below, LDR zeros. */
	guest_apic_write(0xe0, 0);
	GUEST_EQ(guest_apic_read(0xe0), 0x0fffffff);
	guest_apic_write(0xe0, ~0U);
	GUEST_EQ(guest_apic_read(0xe0), 0xffffffff);
	guest_apic_write(0xd0, ~0U);
	GUEST_EQ(guest_apic_read(0xd0), 0xff000000);
	/* LVT timer: vector, mask, mode; its reserved bits are zero. */
	guest_apic_write(0x320, ~0U & ~0x40000U);
	GUEST_EQ(guest_apic_read(0x320) & ~0x300ffU, 0);
	/* Software-disabled: all LVT entries are masked, and stay so. */
	guest_apic_write(APIC_SVR, 0xff);
	for (i = 0x320; i <= 0x370; i += 0x10) {
		GUEST_EQ(guest_apic_read(i) & 0x10000, 0x10000);
		guest_apic_write(i, 0x40);
		GUEST_EQ(guest_apic_read(i) & 0x10000, 0x10000);
	}
	guest_apic_write(APIC_SVR, 0x1ff);
	/* An illegal vector is told by ESR. */
	guest_apic_write(0x280, 0);
	guest_apic_write(APIC_ICR, APIC_SELF | 5);
	guest_apic_write(0x280, 0);
	GUEST_ASSERT(guest_apic_read(0x280) & 0x60);
}

static void guest_self(void)
{
	vectors();
	guest_apic_on();
	guest_apic_write(APIC_ICR, APIC_SELF | LOW);
	guest_apic_write(APIC_ICR, APIC_SELF | HIGH);
	guest_apic_write(APIC_ICR, APIC_SELF | HIGH);
	GUEST_EQ(guest_apic_read(APIC_IRR + (LOW / 32) * 16), 1U << LOW % 32);
	GUEST_EQ(guest_apic_read(APIC_IRR + (HIGH / 32) * 16), 1U << HIGH % 32);
	guest_sti();
	guest_cli();
	/* The higher one first; two of the same are one. */
	GUEST_EQ(irq_total, 2);
	GUEST_EQ(irq_order[0], HIGH);
	GUEST_EQ(irq_order[1], LOW);
	GUEST_EQ(guest_apic_read(APIC_ISR + (HIGH / 32) * 16), 0);
	/* Task priority. */
	guest_apic_write(APIC_TPR, HIGH & 0xf0);
	guest_apic_write(APIC_ICR, APIC_SELF | HIGH);
	guest_sti();
	guest_cli();
	GUEST_EQ(irq_count[HIGH], 1);
	guest_apic_write(APIC_TPR, 0);
	guest_sti();
	guest_cli();
	GUEST_EQ(irq_count[HIGH], 2);
}

static void count_nmi(struct hv_frame *f)
{
	nmis++;
}

/* vCPU 1 */
static void guest_other(void)
{
	guest_apic_on();
	guest_apic_write(0xd0, 2U << 24);
	other_ready = 1;
	/* Not before the last one has come, and asleep until it does. */
	while (!other_end || irq_count[OTHER] < 4)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void guest_ipis(void)
{
	vectors();
	guest_on_vector(2, count_nmi);
	guest_apic_on();
	guest_apic_write(0xd0, 1U << 24);
	GUEST_ASSERT(guest_wait(&other_ready, 1));
	send(1, OTHER);
	GUEST_ASSERT(guest_wait(&irq_count[OTHER], 1));
	/* Logical, flat: only 1, then none. */
	send(2, ICR_LOGICAL | OTHER);
	GUEST_ASSERT(guest_wait(&irq_count[OTHER], 2));
	send(4, ICR_LOGICAL | OTHER);
	send(0, ICR_OTHERS | OTHER);
	GUEST_ASSERT(guest_wait(&irq_count[OTHER], 3));
	send(0, ICR_ALL | HIGH);
	GUEST_ASSERT(guest_wait(&irq_count[HIGH], 2));
	send(1, MODE_NMI);
	GUEST_ASSERT(guest_wait(&nmis, 1));
	other_end = 1;
	send(1, OTHER);
	GUEST_ASSERT(guest_wait(&irq_count[OTHER], 4));
	GUEST_EQ(irq_count[OTHER], 4);
	GUEST_EQ(irq_count[HIGH], 2);
	GUEST_EQ(nmis, 1);
}

static void guest_sipi(void)
{
	guest_apic_on();
	send(1, MODE_INIT);
	send(1, MODE_SIPI | SIPI_PAGE);
}

static void guest_x2apic(void)
{
	u64 base = guest_rdmsr(MSR_APIC_BASE), v;

	vectors();
	guest_apic_on();
	/* Not straight: x2APIC without the global enable. */
	GUEST_EQ(guest_try_wrmsr(MSR_APIC_BASE, (base & ~0x800UL) | 0x400), X86_GP);
	GUEST_EQ(guest_try_rdmsr(0x802, &v), X86_GP);
	guest_wrmsr(MSR_APIC_BASE, base | 0xc00);
	GUEST_EQ(guest_try_wrmsr(MSR_APIC_BASE, base), X86_GP);
	GUEST_EQ(guest_rdmsr(0x802), 0);
	GUEST_EQ(guest_rdmsr(0x80d), 1);
	GUEST_EQ(guest_try_wrmsr(0x802, 0), X86_GP);
	GUEST_EQ(guest_try_wrmsr(0x80d, 0), X86_GP);
	/* DFR and the upper half of ICR are gone, reserved bits count. */
	GUEST_EQ(guest_try_rdmsr(0x80e, &v), X86_GP);
	GUEST_EQ(guest_try_rdmsr(0x831, &v), X86_GP);
	GUEST_EQ(guest_try_wrmsr(0x808, 0x100), X86_GP);
	GUEST_EQ(guest_try_wrmsr(0x80b, 1), X86_GP);
	guest_wrmsr(0x83f, LOW);
	GUEST_EQ(guest_rdmsr(0x820 + LOW / 32), 1U << LOW % 32);
	guest_wrmsr(0x830, APIC_SELF | HIGH);
	GUEST_EQ(guest_rdmsr(0x820 + HIGH / 32), 1U << HIGH % 32);
	guest_on_vector(LOW, count_nmi);
	guest_on_vector(HIGH, count_nmi);
	v = nmis;
	guest_sti();
	guest_cli();
	/* HIGH is in service, LOW waits behind it until EOI. */
	GUEST_EQ(nmis, v + 1);
	guest_wrmsr(0x80b, 0);
	guest_sti();
	guest_cli();
	GUEST_EQ(nmis, v + 2);
	guest_wrmsr(0x80b, 0);
	/* Back through "off"; no other way. */
	guest_wrmsr(MSR_APIC_BASE, base & ~0x800UL);
	guest_wrmsr(MSR_APIC_BASE, base);
	GUEST_EQ(guest_apic_read(APIC_ID), 0);
	GUEST_EQ(guest_try_wrmsr(MSR_APIC_BASE, base | 1UL << 50), X86_GP);
}

static void guest_before_save(void)
{
	vectors();
	guest_apic_on();
	guest_apic_write(APIC_TPR, 0x20);
	guest_apic_write(0xd0, 3U << 24);
	guest_apic_write(0x350, 0x10042);
	guest_apic_write(APIC_ICR, APIC_SELF | LOW);
}

static void guest_after_restore(void)
{
	u64 before = irq_count[LOW];

	GUEST_EQ(guest_apic_read(APIC_TPR), 0x20);
	GUEST_EQ(guest_apic_read(APIC_SVR), 0x1ff);
	GUEST_EQ(guest_apic_read(0xd0), 3U << 24);
	GUEST_EQ(guest_apic_read(0x350), 0x10042);
	guest_sti();
	guest_cli();
	GUEST_EQ(irq_count[LOW], before + 1);
}

/* ---- host ---- */

static void *thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;

	return (void *)(uintptr_t)(hv_talk(vcpu) == HV_DONE);
}

static void test_ipis(struct hv_vcpu *vcpu[2])
{
	pthread_t t;
	void *done;

	x86_start(vcpu[1], guest_other);
	x86_start(vcpu[0], guest_ipis);
	hv_need(!pthread_create(&t, NULL, thread, vcpu[1]));
	if (!hv_run_to_done(vcpu[0], "interrupts to another vCPU"))
		exit(tap_finish());
	pthread_join(t, &done);
	tap_ok(done, "the other one comes out of HLT and ends");
}

static void test_sipi(struct hv_vm *vm, struct hv_vcpu *vcpu[2])
{
	/* out %al, $PORT_SIPI; hlt */
	static const u8 code[] = { 0xe6, PORT_SIPI, 0xf4 };
	struct hvmod_sregs s;
	struct hvmod_regs r;
	struct hvmod_mp mp;

	memcpy(vm->mem + (SIPI_PAGE << 12), code, sizeof(code));
	x86_start(vcpu[0], guest_sipi);
	hv_run_to_done(vcpu[0], "INIT and SIPI are sent");
	tap_eq(x86_ends(vcpu[1]), HVMOD_EXIT_IO, "the other one starts");
	tap_eq(vcpu[1]->run->io.port, PORT_SIPI, "and is where SIPI said");
	hv_get_sregs(vcpu[1], &s);
	hv_get_regs(vcpu[1], &r);
	tap_eq(s.cs.selector, SIPI_PAGE << 8, "CS");
	tap_eq(s.cs.base, SIPI_PAGE << 12, "CS base");
	tap_eq(r.rip, 2, "IP");
	tap_eq(s.cr0 & ~0x60000000UL, 0x10, "CR0 after INIT");
	hv_need(!hv_get(vcpu[1], HVMOD_STATE_MP, &mp, sizeof(mp)));
	tap_eq(mp.state, HVMOD_MP_RUNNABLE, "runnable");
}

static void test_state(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hv_vm *vm2 = hv_vm_new(2 << 20);
	struct hv_vcpu *to = hv_vcpu_new(vm2, 0);
	struct hvmod_lapic a, b;

	x86_start(vcpu, guest_before_save);
	hv_run_to_done(vcpu, "an interrupt waits");
	hv_need(!hv_get(vcpu, HVMOD_STATE_LAPIC, &a, sizeof(a)));
	x86_start(to, guest_after_restore);
	tap_eq(hv_set(to, HVMOD_STATE_LAPIC, &a, sizeof(a)), 0, "the state is set in another VM");
	hv_need(!hv_get(to, HVMOD_STATE_LAPIC, &b, sizeof(b)));
	tap_ok(!memcmp(&a, &b, sizeof(a)), "it is got again as it was");
	hv_run_to_done(to, "the interrupt comes there");
	hv_vcpu_free(to);
	hv_vm_free(vm2);
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu[2] = { hv_vcpu_new(vm, 0), hv_vcpu_new(vm, 1) };

	x86_start(vcpu[0], guest_registers);
	hv_run_to_done(vcpu[0], "registers");
	x86_start(vcpu[0], guest_self);
	hv_run_to_done(vcpu[0], "interrupts to itself, priorities");
	irq_count[HIGH] = 0;
	test_sipi(vm, vcpu);
	test_ipis(vcpu);
	test_state(vm, vcpu[0]);
	x86_start(vcpu[0], guest_x2apic);
	hv_run_to_done(vcpu[0], "x2APIC");
	hv_vcpu_free(vcpu[1]);
	hv_vcpu_free(vcpu[0]);
	hv_vm_free(vm);
	return tap_finish();
}
