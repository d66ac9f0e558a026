// SPDX-License-Identifier: GPL-2.0
/*
 * The KUnit module of the interrupt devices: suites, and stand-ins for what the
 * devices call outside of their folder.  It is linked with the devices and
 * loaded on any kernel with KUnit, VMX or not.  It must not be loaded together
 * with a stand-in's original.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/msr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/dev_test.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/xen/xen.h"

#define TEST_MAX_IODEVS	16

static struct iodev *test_iodev[TEST_MAX_IODEVS];
static unsigned int test_iodevs;
static atomic_t test_ended;

/* ---- stand-ins ---- */

int iobus_add(struct vm *vm, struct iobus *bus, struct iodev *dev)
{
	if (test_iodevs == TEST_MAX_IODEVS)
		return -ENOSPC;
	test_iodev[test_iodevs++] = dev;
	return 0;
}

void iobus_destroy(struct iobus *bus)
{
	test_iodevs = 0;
}

void irq_eoi(struct vm *vm, u32 gsi)
{
	atomic_or(BIT(gsi), &test_ended);
}

void vcpu_kick(struct vcpu *vcpu)
{
}

void vcpu_request(struct vcpu *vcpu, enum vcpu_req req)
{
	set_bit(req, &vcpu->requests);
}

bool hw_timer_start(struct vcpu *vcpu, u64 host_tsc)
{
	return false;
}

void hw_timer_stop(struct vcpu *vcpu)
{
}

void hw_irq_check(struct vcpu *vcpu)
{
}

void hw_post_interrupt(struct vcpu *vcpu, bool sync)
{
	vcpu_request(vcpu, VCPU_REQ_EVENT);
}

void hw_apic_mode_changed(struct vcpu *vcpu)
{
}

void xen_upcall(struct vcpu *vcpu)
{
}

void cpuid_update(struct vcpu *vcpu)
{
}

/* The guest's TSC is the host's. */
u64 tsc_to_host(struct vcpu *vcpu, u64 guest)
{
	return guest;
}

u64 tsc_guest(struct vcpu *vcpu)
{
	return rdtsc();
}

/* ---- what tests use ---- */

u32 dev_test_ended(void)
{
	return atomic_xchg(&test_ended, 0);
}

bool dev_test_told(struct vcpu *vcpu)
{
	return test_and_clear_bit(VCPU_REQ_EVENT, &vcpu->requests);
}

static struct iodev *dev_test_find(u64 addr)
{
	unsigned int i;

	for (i = 0; i < test_iodevs; i++)
		if (addr - test_iodev[i]->addr < test_iodev[i]->len)
			return test_iodev[i];
	return NULL;
}

u32 dev_test_in(struct vm *vm, u64 addr, int len)
{
	struct iodev *dev = dev_test_find(addr);
	u32 value = 0;

	if (dev)
		dev->ops->read(vm_vcpu(vm, 0), dev, addr, len, &value);
	return value;
}

void dev_test_out(struct vm *vm, u64 addr, int len, u32 value)
{
	struct iodev *dev = dev_test_find(addr);

	if (dev)
		dev->ops->write(vm_vcpu(vm, 0), dev, addr, len, &value);
}

struct vm *dev_test_vm(struct kunit *test, u32 devices, u32 nr)
{
	struct vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL);
	struct vcpu *vcpu;
	u32 id;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->arch.irq_lock);
	spin_lock_init(&vm->arch.apic_map_lock);
	vm->devices = devices;
	for (id = 0; id < nr; id++) {
		vcpu = kvzalloc(sizeof(*vcpu), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, vcpu);
		vcpu->vm = vm;
		vcpu->id = id;
		vcpu->arch.tsc_khz = 1000000;
		vcpu->arch.maxphyaddr = 40;
		vcpu->arch.features = GUEST_HAS_X2APIC | GUEST_HAS_TSC_DEADLINE;
		KUNIT_ASSERT_EQ(test, vlapic_create(vcpu), 0);
		vm->vcpus[id] = vcpu;
		vm->max_vcpu_id = id + 1;
	}
	mutex_lock(&vm->lock);
	KUNIT_ASSERT_EQ(test, irq_devices_create(vm), 0);
	mutex_unlock(&vm->lock);
	dev_test_ended();
	return vm;
}

void dev_test_free(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		vlapic_destroy(vcpu);
		kvfree(vcpu);
	}
	iobus_destroy(&vm->pio);
	irq_devices_destroy(vm);
	mutex_destroy(&vm->lock);
	kvfree(vm);
}

kunit_test_suites(&vlapic_suite, &vioapic_suite, &vpic_suite, &vpit_suite);
MODULE_DESCRIPTION("hvmod: tests of the interrupt devices");
MODULE_LICENSE("GPL");
