// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that halts inside of its NMI handler sleeps on when another NMI comes:
 * that one is blocked until IRET.  It was woken and went on behind its HLT.  A
 * timer wakes it at last.  It must not depend on how long that takes.
 */
#include "../x86/guest.h"

#define TIMER		0x52
#define LVT_TIMER	0x320
#define INITIAL		0x380
#define DIVIDE		0x3e0
#define SYNC_NMI	1

static volatile u64 nmis, woken_by_timer;

static void on_nmi(struct hv_frame *f)
{
	if (nmis++)
		return;
	GUEST_SYNC(SYNC_NMI);
	guest_apic_write(INITIAL, 400000);
	asm volatile("sti; hlt; cli" : : : "memory");
	woken_by_timer = irq_count[TIMER];
}

static void guest(void)
{
	guest_on_vector(2, on_nmi);
	guest_on_vector(TIMER, guest_count_irq);
	guest_apic_on();
	guest_apic_write(DIVIDE, 0xb);
	guest_apic_write(LVT_TIMER, TIMER);
	GUEST_SYNC(SYNC_NMI);
	asm volatile("nop; nop");
	/* The second one came when an IRET unblocked it: that of the timer's handler. */
	GUEST_EQ(woken_by_timer, 1);
	GUEST_EQ(nmis, 2);
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	enum hv_what what;

	x86_start(vcpu, guest);
	while ((what = hv_talk(vcpu)) == HV_SYNC)
		hv_need(!ioctl(vcpu->fd, HVMOD_VCPU_NMI));
	tap_ok(what == HV_DONE, "an NMI that is blocked does not end HLT");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
