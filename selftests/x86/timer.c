// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic, TSC-deadline; and the guest's TSC.
 * A guest counts interrupts and compares counters.  It must not say how long
 * anything takes.
 */
#include "guest.h"

#define VECTOR		0x52
#define LVT_TIMER	0x320
#define INITIAL		0x380
#define CURRENT		0x390
#define DIVIDE		0x3e0
#define MASKED		0x10000
#define PERIODIC	0x20000
#define DEADLINE	0x40000
#define MSR_DEADLINE	0x6e0

static void begin(u32 lvt)
{
	guest_on_vector(VECTOR, guest_count_irq);
	guest_apic_on();
	guest_apic_write(INITIAL, 0);
	guest_apic_write(DIVIDE, 0xb);
	guest_apic_write(LVT_TIMER, lvt | VECTOR);
	irq_count[VECTOR] = 0;
}

/* HLT until so many came. */
static void sleep_until(u64 count)
{
	while (irq_count[VECTOR] < count)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void guest_one_shot(void)
{
	u64 tsc = guest_rdtsc();

	begin(0);
	guest_apic_write(INITIAL, 200000);
	sleep_until(1);
	GUEST_ASSERT(guest_rdtsc() - tsc >= 200000);
	GUEST_EQ(guest_apic_read(CURRENT), 0);
	/* It does not come again: another one comes before it. */
	guest_apic_write(INITIAL, 200000);
	sleep_until(2);
	GUEST_EQ(irq_count[VECTOR], 2);
}

static void guest_count(void)
{
	u32 a, b;

	begin(MASKED);
	guest_apic_write(INITIAL, 0xffffffff);
	a = guest_apic_read(CURRENT);
	b = guest_apic_read(CURRENT);
	GUEST_ASSERT(a && b && b < a);
	GUEST_EQ(guest_apic_read(INITIAL), 0xffffffff);
	/* Zero stops it. */
	guest_apic_write(INITIAL, 0);
	GUEST_EQ(guest_apic_read(CURRENT), 0);
	/* A masked timer counts and does not interrupt. */
	guest_apic_write(INITIAL, 1000);
	while (guest_apic_read(CURRENT))
		asm volatile("pause");
	guest_sti();
	guest_cli();
	GUEST_EQ(irq_count[VECTOR], 0);
}

static void guest_periodic(void)
{
	u64 tsc = guest_rdtsc();

	begin(PERIODIC);
	guest_apic_write(INITIAL, 300000);
	sleep_until(5);
	GUEST_ASSERT(guest_rdtsc() - tsc >= 5 * 300000);
	guest_apic_write(INITIAL, 0);
	guest_sti();
	guest_cli();
	/* Stopped: only what was in flight. */
	GUEST_ASSERT(irq_count[VECTOR] <= 6);
}

static void guest_deadline(void)
{
	u64 when;
	u32 i;

	begin(DEADLINE);
	/* The initial count does nothing in this mode. */
	guest_apic_write(INITIAL, 1000);
	GUEST_EQ(guest_apic_read(CURRENT), 0);
	for (i = 1; i <= 4; i++) {
		when = guest_rdtsc() + 200000;
		guest_wrmsr(MSR_DEADLINE, when);
		GUEST_EQ(guest_rdmsr(MSR_DEADLINE), when);
		sleep_until(i);
		GUEST_ASSERT(guest_rdtsc() >= when);
		GUEST_EQ(guest_rdmsr(MSR_DEADLINE), 0);
	}
	/* In the past: at once. */
	guest_wrmsr(MSR_DEADLINE, guest_rdtsc() - 1);
	sleep_until(5);
	/* Zero disarms. */
	guest_wrmsr(MSR_DEADLINE, guest_rdtsc() + 100000);
	guest_wrmsr(MSR_DEADLINE, 0);
	when = guest_rdtsc() + 300000;
	while (guest_rdtsc() < when)
		asm volatile("pause");
	guest_sti();
	guest_cli();
	GUEST_EQ(irq_count[VECTOR], 5);
	/* Another mode: the MSR reads as zero, writes are ignored. */
	guest_apic_write(LVT_TIMER, VECTOR);
	guest_wrmsr(MSR_DEADLINE, guest_rdtsc() + 100000);
	GUEST_EQ(guest_rdmsr(MSR_DEADLINE), 0);
}

static void guest_tsc(void)
{
	u64 last = 0, now, i;

	for (i = 0; i < 2000; i++) {
		now = guest_rdtsc();
		GUEST_ASSERT(now >= last);
		last = now;
		now = guest_rdmsr(0x10);
		GUEST_ASSERT(now >= last);
		last = now;
	}
	guest_wrmsr(0x10, 1UL << 40);
	now = guest_rdtsc();
	GUEST_ASSERT(now >= 1UL << 40 && now < 1UL << 41);
	/* TSC_ADJUST moved with it, and moves it. */
	guest_wrmsr(0x3b, guest_rdmsr(0x3b) + (1UL << 42));
	GUEST_ASSERT(guest_rdtsc() >= 5UL << 40);
}

static bool has_deadline;

static void guest_ask(void)
{
	u32 r[4];

	guest_cpuid(1, 0, r);
	has_deadline = r[2] & 1U << 24;
}

static const struct {
	const char *name;
	void (*fn)(void);
} rows[] = {
	{ "current count", guest_count },
	{ "one-shot", guest_one_shot },
	{ "periodic", guest_periodic },
	{ "TSC", guest_tsc },
	{ "what CPUID says", guest_ask },
};

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		x86_start(vcpu, rows[i].fn);
		hv_run_to_done(vcpu, rows[i].name);
	}
	if (has_deadline) {
		x86_start(vcpu, guest_deadline);
		hv_run_to_done(vcpu, "TSC deadline");
	} else {
		tap_skip("TSC deadline: CPUID does not offer it");
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
