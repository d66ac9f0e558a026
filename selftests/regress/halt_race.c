// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that ended a halt between two looks at the vCPU let it go on while
 * it still counted as halted: at its next exit with interrupts off it slept for
 * ever.  The timer's interrupt comes at each moment of a HLT's way through the
 * module, then an exit to user space with interrupts off.  It must not depend on
 * which moment is the bad one.
 */
#include <unistd.h>

#include "../x86/guest.h"

#define TIMER		0x52
#define LVT_TIMER	0x320
#define INITIAL		0x380
#define DIVIDE		0x3e0
#define FIRST		200
#define LAST		9000
#define STEP		11

static void guest(void)
{
	u32 count;

	guest_on_vector(TIMER, guest_count_irq);
	guest_apic_on();
	guest_apic_write(DIVIDE, 0xb);
	guest_apic_write(LVT_TIMER, TIMER);
	for (count = FIRST; count < LAST; count += STEP) {
		irq_count[TIMER] = 0;
		guest_apic_write(INITIAL, count);
		while (!irq_count[TIMER])
			asm volatile("sti; hlt; cli" : : : "memory");
		GUEST_SYNC(count);
	}
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	enum hv_what what;

	x86_start(vcpu, guest);
	/* A vCPU that sleeps for ever: the signal ends the test. */
	do {
		alarm(20);
		what = hv_talk(vcpu);
	} while (what == HV_SYNC);
	tap_ok(what == HV_DONE, "an interrupt at any moment of a halt ends it for good");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
