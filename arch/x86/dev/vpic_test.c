// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of the PIC pair: priorities, ends, modes and the cascade, and its
 * way to a vCPU through the local APIC.  Part of the module in dev_test.c.  It
 * uses the chips alone where no vCPU is needed.
 */
#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/dev_test.h"
#include "arch/x86/dev/vpic.h"
#include "module/arch.h"

/* As every PC's firmware does it: vectors 0x08 and 0x70, all unmasked. */
static void program(struct vpic *pic)
{
	static const u8 data[2][3] = { { 0x08, 4, 1 }, { 0x70, 2, 1 } };
	int chip, i;

	for (chip = 0; chip < 2; chip++) {
		u16 port = chip ? 0xa0 : 0x20;

		vpic_port_write(pic, port, 0x11);
		for (i = 0; i < 3; i++)
			vpic_port_write(pic, port + 1, data[chip][i]);
		vpic_port_write(pic, port + 1, 0);
	}
}

static void vpic_test_start(struct vpic *pic)
{
	memset(pic, 0, sizeof(*pic));
	vpic_init(pic);
	program(pic);
}

static void vpic_pulse(struct vpic *pic, u32 input)
{
	vpic_input(pic, input, true);
	vpic_input(pic, input, false);
}

static void vpic_test_priority(struct kunit *test)
{
	struct vpic pic;

	vpic_test_start(&pic);
	KUNIT_EXPECT_FALSE(test, pic.output);
	vpic_pulse(&pic, 4);
	vpic_pulse(&pic, 1);
	KUNIT_EXPECT_TRUE(test, pic.output);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x09);
	KUNIT_EXPECT_FALSE(test, pic.output);	/* 4 is lower than 1 in service */
	vpic_pulse(&pic, 0);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x08);
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_FALSE(test, pic.output);
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0c);
	vpic_port_write(&pic, 0x20, 0x0b);
	KUNIT_EXPECT_EQ(test, vpic_port_read(&pic, 0x20), 0x10);
	vpic_port_write(&pic, 0x20, 0x64);	/* specific EOI of 4 */
	KUNIT_EXPECT_EQ(test, vpic_port_read(&pic, 0x20), 0);
}

static void vpic_test_cascade(struct kunit *test)
{
	struct vpic pic;

	vpic_test_start(&pic);
	vpic_pulse(&pic, 12);
	vpic_pulse(&pic, 8);
	vpic_pulse(&pic, 3);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x70);	/* the slave sits at 2 */
	KUNIT_EXPECT_FALSE(test, pic.output);
	vpic_port_write(&pic, 0xa0, 0x20);
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x74);
	vpic_port_write(&pic, 0xa0, 0x20);
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0b);
	vpic_input(&pic, 2, true);			/* not an input */
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_FALSE(test, pic.output);
}

static void vpic_test_spurious(struct kunit *test)
{
	struct vpic pic;

	vpic_test_start(&pic);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0f);
	KUNIT_EXPECT_EQ(test, pic.chip[0].isr, 0);
	vpic_pulse(&pic, 5);
	vpic_port_write(&pic, 0x21, 0x20);		/* masked before the INTA */
	KUNIT_EXPECT_FALSE(test, pic.output);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0f);
	vpic_port_write(&pic, 0x21, 0);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0d);
}

static void vpic_test_level(struct kunit *test)
{
	struct vpic pic;

	vpic_test_start(&pic);
	vpic_port_write(&pic, 0x4d0, 0xff);
	vpic_port_write(&pic, 0x4d1, 0xff);
	KUNIT_EXPECT_EQ(test, vpic_port_read(&pic, 0x4d0), 0xf8);
	KUNIT_EXPECT_EQ(test, vpic_port_read(&pic, 0x4d1), 0xde);
	vpic_input(&pic, 5, true);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0d);
	vpic_port_write(&pic, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, pic.ended, BIT(5));
	KUNIT_EXPECT_TRUE(test, pic.output);		/* still high */
	vpic_input(&pic, 5, false);
	KUNIT_EXPECT_FALSE(test, pic.output);
	vpic_input(&pic, 3, true);
	vpic_port_write(&pic, 0x4d0, 0);		/* an edge now, and none came */
	vpic_input(&pic, 3, true);
	KUNIT_EXPECT_TRUE(test, pic.output);		/* what was latched stays */
}

static void vpic_test_rotation(struct kunit *test)
{
	struct vpic pic;
	int i;

	vpic_test_start(&pic);
	vpic_port_write(&pic, 0x20, 0xc3);		/* 3 is the lowest */
	for (i = 0; i < 8; i++)
		vpic_pulse(&pic, i);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0c);
	vpic_port_write(&pic, 0x20, 0xa0);		/* rotate on non-specific EOI */
	KUNIT_EXPECT_EQ(test, pic.chip[0].lowest, 4);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0d);
	vpic_port_write(&pic, 0x20, 0xe5);		/* rotate on specific EOI */
	KUNIT_EXPECT_EQ(test, pic.chip[0].lowest, 5);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x0e);
}

static void vpic_test_modes(struct kunit *test)
{
	struct vpic pic;

	vpic_test_start(&pic);
	vpic_pulse(&pic, 1);
	vpic_pulse(&pic, 6);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x09);
	vpic_port_write(&pic, 0x21, 0x02);
	KUNIT_EXPECT_FALSE(test, pic.output);
	vpic_port_write(&pic, 0x20, 0x68);		/* special mask mode */
	KUNIT_EXPECT_TRUE(test, pic.output);
	vpic_port_write(&pic, 0x20, 0x0c);		/* poll */
	KUNIT_EXPECT_EQ(test, vpic_port_read(&pic, 0x20), 0x86);
	KUNIT_EXPECT_EQ(test, pic.chip[0].isr, BIT(1) | BIT(6));
	vpic_port_write(&pic, 0x20, 0x20);		/* not the masked one */
	KUNIT_EXPECT_EQ(test, pic.chip[0].isr, BIT(1));

	vpic_test_start(&pic);
	vpic_port_write(&pic, 0x20, 0x11);
	vpic_port_write(&pic, 0x21, 0x27);
	vpic_port_write(&pic, 0x21, 4);
	vpic_port_write(&pic, 0x21, 3);			/* automatic EOI */
	vpic_pulse(&pic, 3);
	KUNIT_EXPECT_EQ(test, vpic_inta(&pic), 0x23);
	KUNIT_EXPECT_EQ(test, pic.chip[0].isr, 0);
}

static void vpic_test_vcpu(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_PIC, 2);
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	program(vm->arch.pic);
	dev_test_told(vcpu);
	KUNIT_EXPECT_EQ(test, x86_irq_pending(vcpu), -1);
	arch_irq_line(vm, IRQ_SOURCE_USER, 4, true);
	KUNIT_EXPECT_TRUE(test, dev_test_told(vcpu));
	KUNIT_EXPECT_FALSE(test, dev_test_told(vm_vcpu(vm, 1)));
	KUNIT_EXPECT_EQ(test, x86_irq_pending(vcpu), X86_IRQ_EXTINT);
	KUNIT_EXPECT_EQ(test, x86_irq_pending(vm_vcpu(vm, 1)), -1);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), 0x0c);
	KUNIT_EXPECT_EQ(test, x86_irq_ack(vcpu), -1);
	KUNIT_EXPECT_EQ(test, arch_irq_line(vm, IRQ_SOURCE_USER, 24, true), -EINVAL);
	dev_test_free(vm);
}

static void vpic_test_state(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_PIC, 1);
	struct vpic *pic = vm->arch.pic;
	struct hvmod_pic state, again;

	program(pic);
	vpic_port_write(pic, 0x4d0, 0x20);
	vpic_input(pic, 5, true);
	vpic_pulse(pic, 9);
	vpic_get_state(pic, &state);
	vpic_init(pic);
	KUNIT_EXPECT_EQ(test, vpic_set_state(pic, &state), 0);
	vpic_get_state(pic, &again);
	KUNIT_EXPECT_EQ(test, memcmp(&state, &again, sizeof(state)), 0);
	KUNIT_EXPECT_EQ(test, vpic_inta(pic), 0x71);
	state.chip[1].lowest = 8;
	KUNIT_EXPECT_EQ(test, vpic_set_state(pic, &state), -EINVAL);
	state.chip[1].lowest = 7;
	state.chip[0].elcr = 1;
	KUNIT_EXPECT_EQ(test, vpic_set_state(pic, &state), -EINVAL);
	dev_test_free(vm);
}

static struct kunit_case vpic_cases[] = {
	KUNIT_CASE(vpic_test_priority),
	KUNIT_CASE(vpic_test_cascade),
	KUNIT_CASE(vpic_test_spurious),
	KUNIT_CASE(vpic_test_level),
	KUNIT_CASE(vpic_test_rotation),
	KUNIT_CASE(vpic_test_modes),
	KUNIT_CASE(vpic_test_vcpu),
	KUNIT_CASE(vpic_test_state),
	{}
};

struct kunit_suite vpic_suite = {
	.name = "vpic",
	.test_cases = vpic_cases,
};
