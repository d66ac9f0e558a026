// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's time-stamp counter: a scaled host TSC plus an offset, kept equal
 * on all vCPUs that mean the same time.  Called by MSR and state handlers and
 * by timers that need a host TSC for a guest's deadline.  It must not divide by
 * what a guest chose without looking first: an overflow is a host fault.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/xen/xen.h"

#define TSC_FRACTION		48
#define TSC_RATIO_ONE		BIT_ULL(TSC_FRACTION)
#define TSC_NOBODY		(~0U)

static u64 tsc_scale(const struct vcpu *vcpu, u64 host)
{
	u64 ratio = READ_ONCE(vcpu->arch.tsc_ratio);

	return ratio == TSC_RATIO_ONE ? host : mul_u64_u64_shr(host, ratio, TSC_FRACTION);
}

u64 tsc_guest(struct vcpu *vcpu)
{
	return tsc_scale(vcpu, rdtsc_ordered()) + READ_ONCE(vcpu->arch.tsc_offset);
}

u64 tsc_scale_host(const struct vcpu *vcpu, u64 host)
{
	return tsc_scale(vcpu, host) + READ_ONCE(vcpu->arch.tsc_offset);
}

u64 tsc_to_host(struct vcpu *vcpu, u64 guest)
{
	u64 host = rdtsc_ordered();
	u64 now = tsc_scale(vcpu, host) + READ_ONCE(vcpu->arch.tsc_offset);
	u64 ratio = READ_ONCE(vcpu->arch.tsc_ratio);
	u64 delta;

	if (guest <= now)
		return host;

	delta = guest - now;
	if (ratio != TSC_RATIO_ONE) {
		/* The quotient must fit into 64 bits: DIV would trap. */
		if (delta >> (64 - TSC_FRACTION) >= ratio)
			return U64_MAX;
		delta = mul_u64_u64_div_u64(delta, TSC_RATIO_ONE, ratio);
	}
	return delta > U64_MAX - host ? U64_MAX : host + delta;
}

static void tsc_set_offset(struct vcpu *vcpu, u64 offset)
{
	WRITE_ONCE(vcpu->arch.tsc_offset, offset);
	hw_tsc_changed(vcpu);
	vlapic_tsc_changed(vcpu);
	if (vcpu->xen)
		xen_vcpu_clock_changed(vcpu);
}

void tsc_vm_init(struct vm *vm)
{
	spin_lock_init(&vm->arch.tsc_lock);
	vm->arch.tsc_last_value = 0;
	vm->arch.tsc_last_offset = -rdtsc_ordered();
	vm->arch.tsc_last_ns = ktime_get_ns();
	vm->arch.tsc_last_vcpu = TSC_NOBODY;
}

void tsc_vcpu_init(struct vcpu *vcpu)
{
	struct vm_arch *vm = &vcpu->vm->arch;

	vcpu->arch.tsc_khz = tsc_khz;
	vcpu->arch.tsc_ratio = TSC_RATIO_ONE;
	vcpu->arch.tsc_adjust = 0;
	spin_lock(&vm->tsc_lock);
	vcpu->arch.tsc_offset = vm->tsc_last_offset;
	spin_unlock(&vm->tsc_lock);
	hw_tsc_changed(vcpu);
}

/*
 * An operating system or a launcher that sets all TSCs to "the same" value does
 * so one CPU after the other.  A write within a second of where another vCPU's
 * counter must be now means that counter.
 */
void tsc_write(struct vcpu *vcpu, u64 value)
{
	struct vm_arch *vm = &vcpu->vm->arch;
	u64 old = vcpu->arch.tsc_offset;
	u64 second = vcpu->arch.tsc_khz * 1000ULL;
	u64 offset, expected, now;

	spin_lock(&vm->tsc_lock);
	now = tsc_scale(vcpu, rdtsc_ordered());
	offset = value - now;
	expected = now + vm->tsc_last_offset;
	if (vm->tsc_last_vcpu != vcpu->id && vm->tsc_last_vcpu != TSC_NOBODY &&
	    value - expected + second < 2 * second) {
		offset = vm->tsc_last_offset;
	} else {
		vm->tsc_last_offset = offset;
		vm->tsc_last_value = value;
		vm->tsc_last_ns = ktime_get_ns();
		vm->tsc_last_vcpu = vcpu->id;
	}
	spin_unlock(&vm->tsc_lock);

	vcpu->arch.tsc_adjust += offset - old;
	tsc_set_offset(vcpu, offset);
}

/* SDM, "IA32_TSC_ADJUST MSR": the counter moves by the change of the MSR. */
void tsc_write_adjust(struct vcpu *vcpu, u64 value)
{
	u64 offset = vcpu->arch.tsc_offset + value - vcpu->arch.tsc_adjust;

	vcpu->arch.tsc_adjust = value;
	tsc_set_offset(vcpu, offset);
}

int tsc_set_khz(struct vcpu *vcpu, u32 khz)
{
	u64 ratio = TSC_RATIO_ONE;
	u64 value;

	if (!khz)
		return -EINVAL;
	if (khz == vcpu->arch.tsc_khz)
		return 0;
	if (khz != tsc_khz) {
		if (!hw_has_tsc_scaling())
			return -EOPNOTSUPP;
		/* The hardware's multiplier has 16 bits before the point. */
		if (khz / tsc_khz >= BIT(64 - TSC_FRACTION))
			return -EINVAL;
		ratio = mul_u64_u64_div_u64(khz, TSC_RATIO_ONE, tsc_khz);
		if (!ratio)
			return -EINVAL;
	}

	value = tsc_guest(vcpu);
	WRITE_ONCE(vcpu->arch.tsc_ratio, ratio);
	vcpu->arch.tsc_khz = khz;
	tsc_set_offset(vcpu, value - tsc_scale(vcpu, rdtsc_ordered()));
	return 0;
}
