// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline, on an hrtimer.
 * Called by register writes on the vCPU's own thread; the expiry runs in hard
 * interrupt context on any CPU.  The expiry must change nothing but the deadline
 * and its own hrtimer: all else belongs to the vCPU's thread.
 *
 * A masked timer counts but has no hrtimer armed: nobody would hear it.  Where the
 * hardware can end a vCPU's stay in the guest by itself, a deadline or a one-shot
 * count is left to it, and goes to an hrtimer only when the vCPU blocks.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic_priv.h"
#include "arch/x86/hw.h"
#include "module/compat.h"

/* SDM, "Divide Configuration Register": divisor as a power of two */
static unsigned int vlapic_divide_shift(u32 tdcr)
{
	return (((tdcr & 3) | ((tdcr >> 1) & 4)) + 1) & 7;
}

static u32 vlapic_timer_khz(const struct vlapic *apic)
{
	return apic->vcpu->arch.tsc_khz ?: 1000000;
}

/* At most 2^32 * 128 * 10^6, so it fits. */
static u64 vlapic_count_to_ns(const struct vlapic *apic, u32 count)
{
	u64 cycles = (u64)count << vlapic_divide_shift(vlapic_reg(apic, APIC_TDCR));

	return count ? max_t(u64, div_u64(cycles * 1000000, vlapic_timer_khz(apic)), 1) : 0;
}

/* The frequency may have been raised since ns was worked out: no overflow then. */
static u32 vlapic_ns_to_count(const struct vlapic *apic, u64 ns)
{
	u64 cycles;

	if (ns >= vlapic_count_to_ns(apic, U32_MAX))
		return U32_MAX;
	cycles = mul_u64_u32_div(ns, vlapic_timer_khz(apic), 1000000);
	return cycles >> vlapic_divide_shift(vlapic_reg(apic, APIC_TDCR));
}

/* Host TSC cycles; far deadlines lose precision, the expiry looks again. */
static u64 vlapic_cycles_to_ns(u64 cycles)
{
	if (cycles < U64_MAX / 1000000)
		return div_u64(cycles * 1000000, tsc_khz) + 1;
	return min_t(u64, div_u64(cycles, tsc_khz), KTIME_MAX / 4000000) * 1000000;
}

/* At most 2^32 counts of 2^7 cycles are asked for. */
static u64 vlapic_ns_to_cycles(u64 ns)
{
	return mul_u64_u32_div(ns, tsc_khz, 1000000);
}

static u32 vlapic_timer_mode(u32 lvtt)
{
	return lvtt & VLAPIC_TIMER_MODE;
}

static u64 vlapic_tick_period(const struct vlapic_timer *timer)
{
	return max_t(u64, timer->period, VLAPIC_MIN_PERIOD_NS);
}

static enum hrtimer_restart vlapic_timer_expired(struct hrtimer *hrtimer)
{
	struct vlapic_timer *timer = container_of(hrtimer, struct vlapic_timer, hrtimer);
	struct vlapic *apic = container_of(timer, struct vlapic, timer);
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);

	if (vlapic_timer_mode(lvtt) == APIC_LVT_TIMER_TSCDEADLINE) {
		u64 now = rdtsc();

		/* The host's clock is slewed against the TSC. */
		if (now < timer->host_deadline) {
			u64 ns = vlapic_cycles_to_ns(timer->host_deadline - now);

			hrtimer_set_expires(hrtimer, ktime_add_ns(ktime_get(), ns));
			return HRTIMER_RESTART;
		}
		WRITE_ONCE(timer->deadline, 0);
	}
	vlapic_local_event(apic, lvtt);
	if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_PERIODIC || !timer->period)
		return HRTIMER_NORESTART;
	/* Ticks that were missed are lost, the phase stays. */
	hrtimer_forward_now(hrtimer, ns_to_ktime(vlapic_tick_period(timer)));
	return HRTIMER_RESTART;
}

/* Neither an expiry nor the hardware interrupts after it. */
static void vlapic_timer_cancel(struct vlapic *apic)
{
	if (apic->timer.in_hw) {
		apic->timer.in_hw = false;
		hw_timer_stop(apic->vcpu);
	} else {
		hrtimer_cancel(&apic->timer.hrtimer);
	}
}

static bool vlapic_timer_to_hw(struct vlapic *apic)
{
	apic->timer.in_hw = hw_timer_start(apic->vcpu, apic->timer.host_deadline);
	return apic->timer.in_hw;
}

static void vlapic_timer_set(struct vlapic_timer *timer, u64 expires)
{
	hrtimer_start(&timer->hrtimer, ns_to_ktime(expires), HRTIMER_MODE_ABS);
}

/* fire: a deadline that has passed is an interrupt, not an old story. */
static void vlapic_timer_arm_deadline(struct vlapic *apic, u32 lvtt, bool fire)
{
	struct vlapic_timer *timer = &apic->timer;
	u64 now, ns;

	if (!timer->deadline)
		return;
	timer->host_deadline = tsc_to_host(apic->vcpu, timer->deadline);
	now = rdtsc();
	if (timer->host_deadline <= now) {
		timer->deadline = 0;
		if (fire && !(lvtt & APIC_LVT_MASKED))
			vlapic_set_irr(apic, lvtt & APIC_VECTOR_MASK);
	} else if (!(lvtt & APIC_LVT_MASKED) && !vlapic_timer_to_hw(apic)) {
		ns = vlapic_cycles_to_ns(timer->host_deadline - now);
		vlapic_timer_set(timer, ktime_get_ns() + ns);
	}
}

/* The hrtimer is stopped; whatever the registers say is armed. */
static void vlapic_timer_arm(struct vlapic *apic, u64 now, bool fire)
{
	struct vlapic_timer *timer = &apic->timer;
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);

	if (vlapic_timer_mode(lvtt) == APIC_LVT_TIMER_TSCDEADLINE) {
		vlapic_timer_arm_deadline(apic, lvtt, fire);
		return;
	}
	if (!timer->target)
		return;
	if (timer->target <= now) {
		if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_PERIODIC || !timer->period) {
			timer->target = 0;
			return;
		}
		timer->target += (div64_u64(now - timer->target, timer->period) + 1) *
				 timer->period;
	}
	if (lvtt & APIC_LVT_MASKED)
		return;
	if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_PERIODIC) {
		timer->host_deadline = rdtsc() + vlapic_ns_to_cycles(timer->target - now);
		if (vlapic_timer_to_hw(apic))
			return;
	}
	vlapic_timer_set(timer, timer->target);
}

void vlapic_timer_poll(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);

	if (!apic->timer.in_hw || rdtsc() < apic->timer.host_deadline)
		return;
	vlapic_timer_cancel(apic);
	if (vlapic_timer_mode(lvtt) == APIC_LVT_TIMER_TSCDEADLINE)
		apic->timer.deadline = 0;
	vlapic_set_irr(apic, lvtt & APIC_VECTOR_MASK);
}

void vlapic_timer_block(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	struct vlapic_timer *timer = &apic->timer;
	u64 now = rdtsc();

	if (!timer->in_hw)
		return;
	vlapic_timer_cancel(apic);
	vlapic_timer_set(timer, ktime_get_ns() + (now < timer->host_deadline ?
			 vlapic_cycles_to_ns(timer->host_deadline - now) : 0));
}

void vlapic_timer_start(struct vlapic *apic, u32 count)
{
	struct vlapic_timer *timer = &apic->timer;
	u64 now;

	if (vlapic_timer_mode(vlapic_reg(apic, APIC_LVTT)) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	vlapic_timer_cancel(apic);
	vlapic_set_reg(apic, APIC_TMICT, count);
	timer->period = vlapic_count_to_ns(apic, count);
	timer->target = 0;
	if (!count)
		return;
	now = ktime_get_ns();
	timer->target = now + timer->period;
	vlapic_timer_arm(apic, now, true);
}

void vlapic_timer_set_lvt(struct vlapic *apic, u32 lvt)
{
	struct vlapic_timer *timer = &apic->timer;
	u32 changed = lvt ^ vlapic_reg(apic, APIC_LVTT);

	if (!(changed & (VLAPIC_TIMER_MODE | APIC_LVT_MASKED))) {
		vlapic_set_reg(apic, APIC_LVTT, lvt);
		return;
	}
	vlapic_timer_cancel(apic);
	vlapic_set_reg(apic, APIC_LVTT, lvt);
	/* SDM, "TSC-Deadline Mode": going there or leaving it disarms. */
	if (changed & APIC_LVT_TIMER_TSCDEADLINE) {
		timer->target = 0;
		timer->period = 0;
		timer->deadline = 0;
		vlapic_set_reg(apic, APIC_TMICT, 0);
		return;
	}
	vlapic_timer_arm(apic, ktime_get_ns(), false);
}

u32 vlapic_timer_count(struct vlapic *apic)
{
	const struct vlapic_timer *timer = &apic->timer;
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);
	u64 now;

	if (!timer->target || vlapic_timer_mode(lvtt) == APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	now = ktime_get_ns();
	if (now < timer->target)
		return vlapic_ns_to_count(apic, timer->target - now);
	if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_PERIODIC || !timer->period)
		return 0;
	now -= timer->target;
	return vlapic_ns_to_count(apic, timer->period - (now - div64_u64(now, timer->period) *
							 timer->period));
}

void vlapic_timer_set_divide(struct vlapic *apic, u32 tdcr)
{
	u32 count;

	if (tdcr == vlapic_reg(apic, APIC_TDCR))
		return;
	count = vlapic_timer_count(apic);
	vlapic_set_reg(apic, APIC_TDCR, tdcr);
	vlapic_timer_restore(apic, count);
}

void vlapic_timer_restore(struct vlapic *apic, u32 count)
{
	struct vlapic_timer *timer = &apic->timer;
	u64 now = ktime_get_ns();

	if (vlapic_timer_mode(vlapic_reg(apic, APIC_LVTT)) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	vlapic_timer_cancel(apic);
	timer->period = vlapic_count_to_ns(apic, vlapic_reg(apic, APIC_TMICT));
	timer->target = count ? now + vlapic_count_to_ns(apic, count) : 0;
	/* A periodic timer stands at zero for a moment only. */
	if (!count && vlapic_timer_mode(vlapic_reg(apic, APIC_LVTT)) == APIC_LVT_TIMER_PERIODIC &&
	    timer->period)
		timer->target = now + timer->period;
	vlapic_timer_arm(apic, now, true);
}

u64 vlapic_get_deadline(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);
	u64 deadline = READ_ONCE(apic->timer.deadline);

	if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	/* Masked: no expiry clears it. */
	if ((lvtt & APIC_LVT_MASKED) && deadline <= tsc_guest(vcpu))
		return 0;
	return deadline;
}

void vlapic_set_deadline(struct vcpu *vcpu, u64 tsc)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 lvtt = vlapic_reg(apic, APIC_LVTT);

	if (vlapic_timer_mode(lvtt) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	vlapic_timer_cancel(apic);
	apic->timer.deadline = tsc;
	vlapic_timer_arm_deadline(apic, lvtt, true);
}

void vlapic_tsc_changed(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	u64 deadline = READ_ONCE(apic->timer.deadline);

	if (deadline)
		vlapic_set_deadline(vcpu, deadline);
}

void vlapic_timer_init(struct vlapic *apic)
{
	compat_hrtimer_setup(&apic->timer.hrtimer, vlapic_timer_expired, CLOCK_MONOTONIC,
			     HRTIMER_MODE_ABS);
}

void vlapic_timer_stop(struct vlapic *apic)
{
	vlapic_timer_cancel(apic);
}

void vlapic_timer_reset(struct vlapic *apic)
{
	vlapic_timer_cancel(apic);
	apic->timer.target = 0;
	apic->timer.period = 0;
	apic->timer.deadline = 0;
}
