// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of the PIT: counts, outputs and latches of a channel as functions
 * of time, and IRQ 0 in a VM.  Part of the module in dev_test.c.  It asserts no
 * durations: a channel is given its time.
 */
#include <linux/delay.h>
#include <linux/math64.h>

#include "arch/x86/dev/dev_test.h"
#include "arch/x86/dev/vpit.h"
#include "module/arch.h"

/* Time at which that many ticks have passed since 0. */
static u64 at(u64 ticks)
{
	return ticks ? mul_u64_u32_div(ticks, NSEC_PER_SEC, VPIT_HZ) + 1 : 0;
}

static void vpit_test_load(struct vpit_channel *ch, u8 mode, u16 count)
{
	memset(ch, 0, sizeof(*ch));
	ch->flags = HVMOD_PIT_GATE;
	vpit_channel_control(ch, 0x30 | mode << 1);
	vpit_channel_write(ch, 0, count & 0xff);
	vpit_channel_write(ch, 0, count >> 8);
}

static u16 vpit_test_count(struct vpit_channel *ch, u64 now)
{
	u16 low = vpit_channel_read(ch, now);

	return low | vpit_channel_read(ch, now) << 8;
}

static void vpit_test_mode0(struct kunit *test)
{
	struct vpit_channel ch;

	vpit_test_load(&ch, 0, 1000);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(0)), 1000);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(999)));
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(999)), 1);
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(1000)));
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(1001)), 0xffff);
	KUNIT_EXPECT_EQ(test, vpit_channel_next(&ch, at(10)), at(1000));
	KUNIT_EXPECT_EQ(test, vpit_channel_next(&ch, at(1000)), 0);
	/* the first byte stops it */
	vpit_channel_write(&ch, at(500), 1);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(5000)));
	/* zero is the largest */
	vpit_test_load(&ch, 0, 0);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(65535)));
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(65536)));
}

static void vpit_test_periodic(struct kunit *test)
{
	struct vpit_channel ch;
	u64 next = 0;
	int i;

	vpit_test_load(&ch, 2, 100);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(250)), 50);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(199)));
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(200)));
	for (i = 1; i < 1000; i++) {
		next = vpit_channel_next(&ch, next);
		KUNIT_EXPECT_EQ(test, next, at(i * 100));
	}

	vpit_test_load(&ch, 3, 100);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(10)), 80);
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(49)));
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(50)));
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(100)));

	/* counts that make no sense divide nothing by zero */
	for (i = 0; i < 3; i++) {
		vpit_test_load(&ch, 3, i);
		vpit_test_count(&ch, at(12345));
		KUNIT_EXPECT_GT(test, vpit_channel_next(&ch, at(12345)), at(12345));
	}
}

static void vpit_test_gate(struct kunit *test)
{
	struct vpit_channel ch;

	vpit_test_load(&ch, 0, 1000);
	vpit_channel_gate(&ch, at(400), false);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(5000)), 600);
	KUNIT_EXPECT_EQ(test, vpit_channel_next(&ch, at(5000)), 0);
	vpit_channel_gate(&ch, at(5000), true);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(5100) + 1), 500);

	/* one-shot by hardware: starts at a rising edge only */
	vpit_test_load(&ch, 1, 100);
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(1000)));
	vpit_channel_gate(&ch, at(1000), false);
	vpit_channel_gate(&ch, at(2000), true);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(2050)));
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(2101)));

	/* a rate generator is high without its gate */
	vpit_test_load(&ch, 2, 100);
	vpit_channel_gate(&ch, at(50), false);
	KUNIT_EXPECT_TRUE(test, vpit_channel_out(&ch, at(99)));
	vpit_channel_gate(&ch, at(1000), true);
	KUNIT_EXPECT_FALSE(test, vpit_channel_out(&ch, at(1099) + 1));
}

static void vpit_test_latch(struct kunit *test)
{
	struct vpit_channel ch;

	vpit_test_load(&ch, 2, 1000);
	vpit_channel_latch(&ch, at(1), true, false);
	vpit_channel_latch(&ch, at(100), true, true);	/* the first latch stays */
	KUNIT_EXPECT_EQ(test, vpit_channel_read(&ch, at(200)), 0xb4);	/* status first */
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(200)), 999);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(200)), 800);

	vpit_channel_control(&ch, 0x31);		/* BCD, mode 0 */
	vpit_channel_latch(&ch, at(0), false, true);
	KUNIT_EXPECT_EQ(test, vpit_channel_read(&ch, at(0)), 0x71);	/* null count */
	vpit_channel_write(&ch, 0, 0x00);
	vpit_channel_write(&ch, 0, 0x10);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(1)), 0x0999);
	KUNIT_EXPECT_EQ(test, vpit_test_count(&ch, at(1001)), 0x9999);

	vpit_channel_control(&ch, 0x20);		/* MSB only */
	vpit_channel_write(&ch, 0, 2);
	KUNIT_EXPECT_EQ(test, vpit_channel_read(&ch, at(256)), 1);
}

static void vpit_test_irq0(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_PIC | HVMOD_DEV_PIT, 1);
	int i;

	dev_test_out(vm, 0x20, 1, 0x11);
	dev_test_out(vm, 0x21, 1, 0x30);
	dev_test_out(vm, 0x21, 1, 0x04);
	dev_test_out(vm, 0x21, 1, 0x01);
	dev_test_out(vm, 0x21, 1, 0);
	dev_test_told(vm_vcpu(vm, 0));
	dev_test_out(vm, 0x43, 1, 0x34);
	dev_test_out(vm, 0x40, 1, 1);		/* as fast as a guest can ask for */
	dev_test_out(vm, 0x40, 1, 0);
	for (i = 0; i < 1000 && !dev_test_told(vm_vcpu(vm, 0)); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_LT(test, i, 1000);
	/* port 0x61: OUT2 follows the gate */
	dev_test_out(vm, 0x61, 1, 0);
	dev_test_out(vm, 0x43, 1, 0xb0);
	dev_test_out(vm, 0x42, 1, 1);
	dev_test_out(vm, 0x42, 1, 0);
	KUNIT_EXPECT_EQ(test, dev_test_in(vm, 0x61, 1) & 0x2f, 0);
	dev_test_out(vm, 0x61, 1, 1);
	usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, dev_test_in(vm, 0x61, 1) & 0x2f, 0x21);
	dev_test_free(vm);
}

static void vpit_test_state(struct kunit *test)
{
	struct vm *vm = dev_test_vm(test, HVMOD_DEV_PIC | HVMOD_DEV_PIT, 1);
	struct hvmod_pit state;

	vpit_get_state(vm->arch.pit, &state);
	KUNIT_EXPECT_EQ(test, vpit_set_state(vm->arch.pit, &state), 0);
	state.channel[0].mode = 2;
	state.channel[0].reload = 1;
	state.channel[0].flags |= HVMOD_PIT_ARMED;
	state.channel[0].elapsed_ns = BIT_ULL(62) - 1;
	KUNIT_EXPECT_EQ(test, vpit_set_state(vm->arch.pit, &state), 0);
	dev_test_in(vm, 0x40, 1);
	state.channel[0].elapsed_ns = U64_MAX;
	KUNIT_EXPECT_EQ(test, vpit_set_state(vm->arch.pit, &state), -EINVAL);
	state.channel[0].elapsed_ns = 0;
	state.channel[2].flags |= HVMOD_PIT_GATE;	/* port 0x61 says no */
	KUNIT_EXPECT_EQ(test, vpit_set_state(vm->arch.pit, &state), -EINVAL);
	dev_test_free(vm);
}

static struct kunit_case vpit_cases[] = {
	KUNIT_CASE(vpit_test_mode0),
	KUNIT_CASE(vpit_test_periodic),
	KUNIT_CASE(vpit_test_gate),
	KUNIT_CASE(vpit_test_latch),
	KUNIT_CASE(vpit_test_irq0),
	KUNIT_CASE(vpit_test_state),
	{}
};

struct kunit_suite vpit_suite = {
	.name = "vpit",
	.test_cases = vpit_cases,
};
