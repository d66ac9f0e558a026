// SPDX-License-Identifier: GPL-2.0
/*
 * The clock that a Xen guest computes from its TSC: system time as a linear
 * function of it.  module/xen/ calls it through module/arch.h.  Host and guest
 * must compute the same number, so both use the same multiplication.
 */
#include <linux/math64.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "arch/x86/arch_x86.h"
#include "module/arch.h"

/* ns = ((ticks << shift) * mul) >> 32 */
static void clock_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 hz = max(khz, 1U) * 1000ULL;
	s8 s = 0;

	/* One billion below, two above: then mul has its highest bit set. */
	while (hz > 2ULL * NSEC_PER_SEC) {
		hz >>= 1;
		s--;
	}
	while (hz <= NSEC_PER_SEC) {
		hz <<= 1;
		s++;
	}
	*mul = div64_u64((u64)NSEC_PER_SEC << 32, hz);
	*shift = s;
}

u64 arch_clock_tsc(void)
{
	return rdtsc_ordered();
}

u64 arch_clock_ns(u64 since)
{
	u64 ticks = rdtsc_ordered() - since;
	u32 mul;
	s8 shift;

	clock_scale(tsc_khz, &mul, &shift);
	if (shift < 0)
		ticks >>= -shift;
	else
		ticks <<= shift;
	return mul_u64_u32_shr(ticks, mul, 32);
}

void arch_clock_get(struct vcpu *vcpu, u64 since, struct pvclock_vcpu_time_info *clock)
{
	memset(clock, 0, sizeof(*clock));
	clock_scale(vcpu->arch.tsc_khz, &clock->tsc_to_system_mul, &clock->tsc_shift);
	/* From the start, so that it never has to be written again. */
	clock->tsc_timestamp = tsc_scale_host(vcpu, since);
	clock->system_time = 0;
	clock->flags = PVCLOCK_TSC_STABLE_BIT;
}
