// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suites of the local APIC and of the IOAPIC: priorities, modes,
 * destinations, errors, timer and level-triggered inputs.  Part of the module in
 * dev_test.c.  It looks at registers as a guest does, never inside.
 */
#include <linux/delay.h>
#include <asm/apicdef.h>
#include <asm/msr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/dev_test.h"
#include "arch/x86/dev/vioapic.h"
#include "arch/x86/dev/vlapic.h"
#include "module/arch.h"

#define BASE_EN		BIT_ULL(11)
#define BASE_EXTD	BIT_ULL(10)
#define BASE_BSP	BIT_ULL(8)
#define XAPIC_BASE	(0xfee00000ULL | BASE_EN)

static void enable(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu)
		vlapic_write(vcpu, APIC_SPIV, 0x1ff);
}

static void x2apic(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu)
		vlapic_set_base(vcpu, vcpu->arch.apic_base | BASE_EXTD);
}

static int send(struct vm *vm, u32 dest, u8 vector, u8 mode, u8 dest_mode, bool wide)
{
	struct apic_msg msg = {
		.dest = dest, .vector = vector, .mode = mode, .dest_mode = dest_mode,
		.assert = true, .x2apic = wide,
	};

	return vlapic_deliver(vm, NULL, &msg);
}

static void eoi(struct vcpu *vcpu)
{
	vlapic_write(vcpu, APIC_EOI, 0);
}

static void vlapic_test_priority(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	KUNIT_EXPECT_EQ(test, send(vm, 0, 0x40, VLAPIC_MODE_FIXED, 0, false), 0);
	enable(vm);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, send(vm, 0, 0x41, VLAPIC_MODE_FIXED, 0, false), 1);
	KUNIT_EXPECT_TRUE(test, dev_test_told(vcpu));
	KUNIT_EXPECT_TRUE(test, vlapic_requested(vcpu));
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0x41);
	send(vm, 0, 0x5f, VLAPIC_MODE_FIXED, 0, false);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x5f);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_PROCPRI), 0x50);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	send(vm, 0, 0x50, VLAPIC_MODE_FIXED, 0, false);	/* the same class waits */
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	send(vm, 0, 0x60, VLAPIC_MODE_FIXED, 0, false);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x60);
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_PROCPRI), 0x50);
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x50);
	eoi(vcpu);
	vlapic_set_cr8(vcpu, 4);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vcpu), 4);
	KUNIT_EXPECT_TRUE(test, vlapic_requested(vcpu));
	vlapic_write(vcpu, APIC_TASKPRI, 0x3f);
	KUNIT_EXPECT_EQ(test, vlapic_get_cr8(vcpu), 3);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x41);
	eoi(vcpu);
	eoi(vcpu);					/* one too many is harmless */
	KUNIT_EXPECT_FALSE(test, vlapic_requested(vcpu));
	dev_test_free(vm);
}

static void vlapic_test_destinations(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 20);
	u32 id;

	enable(vm);
	for (id = 0; id < 8; id++)
		vlapic_write(vm_vcpu(vm, id), APIC_LDR, BIT(24 + id));
	KUNIT_EXPECT_EQ(test, send(vm, 3, 0x40, 0, VLAPIC_DEST_PHYSICAL, false), 1);
	KUNIT_EXPECT_EQ(test, send(vm, 20, 0x40, 0, VLAPIC_DEST_PHYSICAL, false), 0);
	KUNIT_EXPECT_EQ(test, send(vm, 0xff, 0x40, 0, VLAPIC_DEST_PHYSICAL, false), 20);
	KUNIT_EXPECT_EQ(test, send(vm, 0x81, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 2);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vm_vcpu(vm, 7)), 0x40);
	KUNIT_EXPECT_EQ(test, send(vm, 0xff, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 8);

	/* one of them in cluster mode: then each is asked */
	vlapic_write(vm_vcpu(vm, 9), APIC_DFR, 0);
	vlapic_write(vm_vcpu(vm, 9), APIC_LDR, 0x82 << 24);
	KUNIT_EXPECT_EQ(test, send(vm, 0x82, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 3);

	for (id = 0; id < 20; id++) {
		vlapic_write(vm_vcpu(vm, id), APIC_DFR, 0);
		vlapic_write(vm_vcpu(vm, id), APIC_LDR, (id / 4) << 28 | BIT(24 + id % 4));
	}
	KUNIT_EXPECT_EQ(test, send(vm, 0x23, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 2);
	KUNIT_EXPECT_EQ(test, send(vm, 0x5f, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 0);
	KUNIT_EXPECT_EQ(test, send(vm, 0xf1, 0x40, 0, VLAPIC_DEST_LOGICAL, false), 5);

	x2apic(vm);
	KUNIT_EXPECT_EQ(test, send(vm, 1 << 16 | 0xc, 0x40, 0, VLAPIC_DEST_LOGICAL, true), 2);
	KUNIT_EXPECT_EQ(test, send(vm, 2 << 16 | 0xf, 0x40, 0, VLAPIC_DEST_LOGICAL, true), 0);
	KUNIT_EXPECT_EQ(test, send(vm, ~0U, 0x40, 0, VLAPIC_DEST_LOGICAL, true), 20);
	KUNIT_EXPECT_EQ(test, send(vm, ~0U, 0x40, 0, VLAPIC_DEST_PHYSICAL, true), 20);
	KUNIT_EXPECT_EQ(test, send(vm, 0xfffffff0, 0x40, 0, VLAPIC_DEST_PHYSICAL, true), 0);
	KUNIT_EXPECT_EQ(test, send(vm, 0xff, 0x40, 0, VLAPIC_DEST_PHYSICAL, true), 0);
	KUNIT_EXPECT_EQ(test, arch_irq_msi(vm, 0xfee13000, 0x40), 1);
	KUNIT_EXPECT_EQ(test, arch_irq_msi(vm, 0xfee03000 | BIT_ULL(40), 0x40), 0);
	KUNIT_EXPECT_EQ(test, arch_irq_msi(vm, 0xfed00000, 0x40), -EINVAL);
	KUNIT_EXPECT_EQ(test, arch_irq_msi(vm, 0xfee00000 | BIT_ULL(32), 0x40), -EINVAL);
	dev_test_free(vm);
}

static void vlapic_test_lowest(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 4);
	u32 id, i, waiting;

	enable(vm);
	for (id = 0; id < 4; id++)
		vlapic_write(vm_vcpu(vm, id), APIC_LDR, BIT(24 + id));
	vlapic_write(vm_vcpu(vm, 3), APIC_TASKPRI, 0x20);
	vlapic_write(vm_vcpu(vm, 2), APIC_SPIV, 0xff);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, send(vm, 0xf, 0x40 + i, VLAPIC_MODE_LOWEST,
					   VLAPIC_DEST_LOGICAL, false), 1);
	for (id = 0; id < 4; id++) {
		for (waiting = 0; vlapic_pending(vm_vcpu(vm, id)) >= 0; waiting++) {
			x86_irq_ack(vm_vcpu(vm, id));
			eoi(vm_vcpu(vm, id));
		}
		KUNIT_EXPECT_EQ(test, waiting, id < 2 ? 4 : 0);
	}
	dev_test_free(vm);
}

static void vlapic_test_icr(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 3);
	struct vcpu *vcpu = vm_vcpu(vm, 0), *other = vm_vcpu(vm, 2);

	enable(vm);
	vlapic_write(vcpu, APIC_ICR2, 2 << 24);
	vlapic_write(vcpu, APIC_ICR, 0x40);
	KUNIT_EXPECT_EQ(test, vlapic_pending(other), 0x40);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	vlapic_write(vcpu, APIC_ICR, 0xc0041);		/* all but self */
	KUNIT_EXPECT_EQ(test, vlapic_pending(vm_vcpu(vm, 1)), 0x41);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	vlapic_write(vcpu, APIC_ICR, 0x40042);		/* self */
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0x42);

	vlapic_write(vcpu, APIC_ICR, 0x4500);		/* INIT */
	KUNIT_EXPECT_TRUE(test, test_bit(VCPU_APIC_INIT, &other->arch.apic_events));
	vlapic_write(vcpu, APIC_ICR, 0x8500);		/* de-assert: nothing */
	vlapic_write(vcpu, APIC_ICR, 0x4609);		/* SIPI */
	KUNIT_EXPECT_TRUE(test, test_bit(VCPU_APIC_SIPI, &other->arch.apic_events));
	KUNIT_EXPECT_EQ(test, other->arch.sipi_vector, 9);
	vlapic_write(vcpu, APIC_ICR, 0x4400);		/* NMI, three of them */
	vlapic_write(vcpu, APIC_ICR, 0x4400);
	vlapic_write(vcpu, APIC_ICR, 0x4400);
	KUNIT_EXPECT_EQ(test, atomic_read(&other->arch.nmi_queued), 2);

	/* a bad vector: an error, once, and its interrupt */
	vlapic_write(vcpu, APIC_LVTERR, 0xfe);
	vlapic_write(vcpu, APIC_ICR, 0x5);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_ESR), 0);
	vlapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_ESR), APIC_ESR_SENDILL);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0xfe);
	vlapic_write(vcpu, APIC_LVTERR, 0x1);		/* no end of errors */
	vlapic_read(vcpu, 0x3f0);
	vlapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_ESR), APIC_ESR_ILLREGA | APIC_ESR_RECVILL);
	dev_test_free(vm);
}

static void vlapic_test_base(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 18);
	struct vcpu *vcpu = vm_vcpu(vm, 17);
	u64 value;

	KUNIT_EXPECT_EQ(test, vcpu->arch.apic_base, XAPIC_BASE);
	KUNIT_EXPECT_EQ(test, vm_vcpu(vm, 0)->arch.apic_base, XAPIC_BASE | BASE_BSP);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_ID), 17 << 24);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x802, &value), -EINVAL);
	KUNIT_EXPECT_TRUE(test, vlapic_in_page(vcpu, 0xfee00ff0));
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, 0xfee00000 | BASE_EXTD), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE | BIT(9)), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE | BIT_ULL(40)), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, 0xfed00000 | BASE_EN), 0);
	KUNIT_EXPECT_FALSE(test, vlapic_in_page(vcpu, 0xfee00000));
	KUNIT_EXPECT_TRUE(test, vlapic_in_page(vcpu, 0xfed00000));
	vlapic_write(vcpu, APIC_SPIV, 0x1ff);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE | BASE_EXTD), 0);
	KUNIT_EXPECT_FALSE(test, vlapic_in_page(vcpu, 0xfee00000));
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x802, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 17);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x80d, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x10002);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x80f, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x1ff);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x80b, &value), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu, 0x80e, &value), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(vcpu, 0x80b, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(vcpu, 0x808, 0x100), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(vcpu, 0x802, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(vcpu, 0x8ff, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(vcpu, 0x83f, 0x77), 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0x77);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE), -EINVAL);
	vlapic_reset(vcpu, true);			/* INIT keeps the mode */
	KUNIT_EXPECT_EQ(test, vcpu->arch.apic_base, XAPIC_BASE | BASE_EXTD);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, 0xfee00000), 0);
	KUNIT_EXPECT_EQ(test, send(vm, 17, 0, VLAPIC_MODE_NMI, 0, false), 0);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE | BASE_EXTD), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_set_base(vcpu, XAPIC_BASE), 0);
	dev_test_free(vm);
}

static int wait_for(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < 1000 && vlapic_pending(vcpu) < 0; i++)
		usleep_range(1000, 2000);
	return vlapic_pending(vcpu);
}

static void vlapic_test_timer(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);
	u32 count;

	enable(vm);
	vlapic_write(vcpu, APIC_TDCR, APIC_TDR_DIV_1);
	vlapic_write(vcpu, APIC_LVTT, 0x40);
	vlapic_write(vcpu, APIC_TMICT, 1000000);	/* 1 ms at 1 GHz */
	KUNIT_EXPECT_EQ(test, wait_for(vcpu), 0x40);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_TMCCT), 0);
	x86_irq_ack(vcpu);
	eoi(vcpu);

	vlapic_write(vcpu, APIC_LVTT, 0x41 | APIC_LVT_TIMER_PERIODIC);
	vlapic_write(vcpu, APIC_TMICT, 1);		/* as fast as can be */
	KUNIT_EXPECT_EQ(test, wait_for(vcpu), 0x41);
	x86_irq_ack(vcpu);
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, wait_for(vcpu), 0x41);
	vlapic_write(vcpu, APIC_TMICT, 0);
	x86_irq_ack(vcpu);
	eoi(vcpu);

	/* masked: it counts and is silent */
	vlapic_write(vcpu, APIC_LVTT, 0x42 | APIC_LVT_MASKED | APIC_LVT_TIMER_PERIODIC);
	vlapic_write(vcpu, APIC_TMICT, 0xffffffff);
	count = vlapic_read(vcpu, APIC_TMCCT);
	KUNIT_EXPECT_GT(test, count, 0U);
	vlapic_write(vcpu, APIC_TDCR, APIC_TDR_DIV_128);	/* the count goes on */
	KUNIT_EXPECT_LE(test, vlapic_read(vcpu, APIC_TMCCT), count);
	KUNIT_EXPECT_FALSE(test, vlapic_requested(vcpu));
	dev_test_free(vm);
}

static void vlapic_test_deadline(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	enable(vm);
	vlapic_set_deadline(vcpu, 1);			/* not in that mode: ignored */
	KUNIT_EXPECT_EQ(test, vlapic_get_deadline(vcpu), 0);
	vlapic_write(vcpu, APIC_LVTT, 0x50 | APIC_LVT_TIMER_TSCDEADLINE);
	vlapic_write(vcpu, APIC_TMICT, 1000);		/* ignored too */
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_TMICT), 0);
	vlapic_set_deadline(vcpu, 1);
	KUNIT_EXPECT_EQ(test, vlapic_get_deadline(vcpu), 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0x50);
	x86_irq_ack(vcpu);
	eoi(vcpu);
	vlapic_set_deadline(vcpu, U64_MAX);
	KUNIT_EXPECT_EQ(test, vlapic_get_deadline(vcpu), U64_MAX);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	vlapic_set_deadline(vcpu, rdtsc() + 1000000);
	KUNIT_EXPECT_EQ(test, wait_for(vcpu), 0x50);
	KUNIT_EXPECT_EQ(test, vlapic_get_deadline(vcpu), 0);
	vlapic_set_deadline(vcpu, U64_MAX);
	vlapic_write(vcpu, APIC_LVTT, 0x50);		/* leaving disarms */
	vlapic_write(vcpu, APIC_LVTT, 0x50 | APIC_LVT_TIMER_TSCDEADLINE);
	KUNIT_EXPECT_EQ(test, vlapic_get_deadline(vcpu), 0);
	dev_test_free(vm);
}

static void vlapic_test_disable(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	KUNIT_EXPECT_TRUE(test, vlapic_accepts_extint(vcpu));	/* virtual wire mode */
	enable(vm);
	vlapic_write(vcpu, APIC_LVT1, APIC_DM_NMI);
	vlapic_local_nmi(vcpu);
	KUNIT_EXPECT_EQ(test, atomic_read(&vcpu->arch.nmi_queued), 1);
	vlapic_write(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_FALSE(test, vlapic_accepts_extint(vcpu));
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_LVT1), APIC_LVT_MASKED | APIC_DM_NMI);
	vlapic_write(vcpu, APIC_LVT1, APIC_DM_NMI);
	KUNIT_EXPECT_EQ(test, vlapic_read(vcpu, APIC_LVT1), APIC_LVT_MASKED | APIC_DM_NMI);
	KUNIT_EXPECT_EQ(test, send(vm, 0, 0, VLAPIC_MODE_NMI, 0, false), 1);
	dev_test_free(vm);
}

static void vlapic_test_state(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, 0, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);
	struct hvmod_lapic *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, state);
	KUNIT_EXPECT_EQ(test, vlapic_set_state(vcpu, state), -EINVAL);
	enable(vm);
	send(vm, 0, 0x61, VLAPIC_MODE_FIXED, 0, false);
	vlapic_get_state(vcpu, state);
	vlapic_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, vlapic_set_state(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), 0x61);
	state->regs[APIC_IRR] = 1;			/* vector 0 */
	KUNIT_EXPECT_EQ(test, vlapic_set_state(vcpu, state), -EINVAL);
	state->regs[APIC_IRR] = 0;
	state->regs[APIC_ID + 3] = 5;
	KUNIT_EXPECT_EQ(test, vlapic_set_state(vcpu, state), -EINVAL);
	dev_test_free(vm);
}

/* ---- the IOAPIC ---- */

#define IOAPIC	0xfec00000ULL

static void redirect(struct vm *vm, u32 pin, u64 entry)
{
	dev_test_out(vm, IOAPIC, 4, 0x11 + pin * 2);
	dev_test_out(vm, IOAPIC + 0x10, 4, entry >> 32);
	dev_test_out(vm, IOAPIC, 4, 0x10 + pin * 2);
	dev_test_out(vm, IOAPIC + 0x10, 4, entry);
}

static u32 redirection(struct vm *vm, u32 pin)
{
	dev_test_out(vm, IOAPIC, 4, 0x10 + pin * 2);
	return dev_test_in(vm, IOAPIC + 0x10, 4);
}

static void vioapic_test_edge(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_IOAPIC, 2);
	struct vcpu *vcpu = vm_vcpu(vm, 1);

	enable(vm);
	dev_test_out(vm, IOAPIC, 1, 1);
	KUNIT_EXPECT_EQ(test, dev_test_in(vm, IOAPIC + 0x10, 4), 0x170011);
	redirect(vm, 2, 0x30 | 1ULL << 56);
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, true);	/* IRQ 0 is at pin 2 */
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x30);
	eoi(vcpu);
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, true);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);	/* no edge */
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, false);
	redirect(vm, 2, 0x10030 | 1ULL << 56);
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, true);
	redirect(vm, 2, 0x30 | 1ULL << 56);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);	/* masked edges are lost */
	dev_test_out(vm, IOAPIC, 4, 0xff);			/* no such register */
	dev_test_out(vm, IOAPIC + 0x10, 4, ~0U);
	KUNIT_EXPECT_EQ(test, dev_test_in(vm, IOAPIC + 0x10, 4), 0);
	KUNIT_EXPECT_EQ(test, dev_test_ended(), 0);
	dev_test_free(vm);
}

static void vioapic_test_level(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_IOAPIC, 1);
	struct vcpu *vcpu = vm_vcpu(vm, 0);
	const u32 level = 0x8000, remote_irr = 0x4000;

	enable(vm);
	arch_irq_line(vm, IRQ_SOURCE_USER, 17, true);
	redirect(vm, 17, 0x51 | level);			/* unmasked while high */
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x51);
	KUNIT_EXPECT_EQ(test, redirection(vm, 17), 0x51 | level | remote_irr);
	arch_irq_line(vm, IRQ_SOURCE_IRQFD, 17, true);
	arch_irq_line(vm, IRQ_SOURCE_USER, 17, false);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, dev_test_ended(), BIT(17));
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x51);	/* the other still holds it */
	arch_irq_line(vm, IRQ_SOURCE_IRQFD, 17, false);
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, redirection(vm, 17), 0x51 | level);

	/* to edge and back: remote IRR is gone */
	arch_irq_line(vm, IRQ_SOURCE_USER, 17, true);
	redirect(vm, 17, 0x10051);
	redirect(vm, 17, 0x10051 | level);
	KUNIT_EXPECT_EQ(test, redirection(vm, 17), 0x10051 | level);
	dev_test_free(vm);
}

static void vioapic_test_state(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_IOAPIC, 1);
	struct vioapic *ioapic = vm->arch.ioapic;
	struct hvmod_ioapic state;

	enable(vm);
	vioapic_get_state(ioapic, &state);
	state.redir[9] = 0x59 | 0x8000;
	state.level = BIT(9);
	KUNIT_EXPECT_EQ(test, vioapic_set_state(ioapic, &state), 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending(vm_vcpu(vm, 0)), 0x59);
	state.redir[9] = 0x59 | 0x4000;			/* remote IRR of an edge */
	KUNIT_EXPECT_EQ(test, vioapic_set_state(ioapic, &state), -EINVAL);
	state.redir[9] = BIT_ULL(40);
	KUNIT_EXPECT_EQ(test, vioapic_set_state(ioapic, &state), -EINVAL);
	state.redir[9] = 0;
	state.level = BIT(24);
	KUNIT_EXPECT_EQ(test, vioapic_set_state(ioapic, &state), -EINVAL);
	dev_test_free(vm);
}

static struct kunit_case vlapic_cases[] = {
	KUNIT_CASE(vlapic_test_priority),
	KUNIT_CASE(vlapic_test_destinations),
	KUNIT_CASE(vlapic_test_lowest),
	KUNIT_CASE(vlapic_test_icr),
	KUNIT_CASE(vlapic_test_base),
	KUNIT_CASE(vlapic_test_timer),
	KUNIT_CASE(vlapic_test_deadline),
	KUNIT_CASE(vlapic_test_disable),
	KUNIT_CASE(vlapic_test_state),
	{}
};

struct kunit_suite vlapic_suite = {
	.name = "vlapic",
	.test_cases = vlapic_cases,
};

static struct kunit_case vioapic_cases[] = {
	KUNIT_CASE(vioapic_test_edge),
	KUNIT_CASE(vioapic_test_level),
	KUNIT_CASE(vioapic_test_state),
	{}
};

struct kunit_suite vioapic_suite = {
	.name = "vioapic",
	.test_cases = vioapic_cases,
};
