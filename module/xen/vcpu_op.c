// SPDX-License-Identifier: GPL-2.0
/*
 * vcpu_op and set_timer_op: a vCPU's shared areas and its timer.  Hypercalls
 * call it.  Only a vCPU itself may change most of them: others get -EINVAL, as
 * from Xen.
 */
#include <linux/hrtimer.h>
#include <xen/interface/xen.h>
#include <xen/interface/vcpu.h>

#include "module/arch.h"
#include "module/xen/evtchn.h"
#include "module/xen/hypercall.h"

/* Timeouts that no guest means; Xen makes them this long, for old Linux. */
#define TIMEOUT_FAR		BIT_ULL(50)
#define TIMEOUT_FAR_NS		(100 * NSEC_PER_MSEC)

static void start_timer(struct xen_vcpu *x, u64 timeout, u64 now)
{
	hrtimer_start(&x->timer, ns_to_ktime(timeout - now), HRTIMER_MODE_REL);
}

/* May be called with interrupts off: an expiry that runs now is waited for. */
static void stop_timer(struct xen_vcpu *x)
{
	hrtimer_cancel(&x->timer);
}

static long set_singleshot(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_set_singleshot_timer op;
	u64 now;
	long ret;

	ret = hcall_from_guest(h, &op, h->arg[2], sizeof(op));
	if (ret)
		return ret;
	if (vcpu != h->vcpu)
		return -EINVAL;
	now = xen_now(vcpu->vm);
	if (op.timeout_abs_ns <= now) {
		if (op.flags & VCPU_SSHOTTMR_future)
			return -ETIME;
		stop_timer(vcpu->xen);
		evtchn_virq(vcpu, VIRQ_TIMER);
		return 0;
	}
	if (op.timeout_abs_ns - now > TIMEOUT_FAR)
		op.timeout_abs_ns = now + TIMEOUT_FAR_NS;
	start_timer(vcpu->xen, op.timeout_abs_ns, now);
	return 0;
}

long hcall_set_timer_op(struct hcall *h)
{
	struct vcpu *vcpu = h->vcpu;
	u64 timeout = h->arg[0], now = xen_now(vcpu->vm);

	if (!h->is_64bit)
		timeout = (u32)h->arg[0] | (u64)h->arg[1] << 32;
	if (!timeout) {
		stop_timer(vcpu->xen);
	} else if (timeout > now && timeout - now > TIMEOUT_FAR) {
		start_timer(vcpu->xen, now + TIMEOUT_FAR_NS, now);
	} else if (timeout > now) {
		start_timer(vcpu->xen, timeout, now);
	} else {
		stop_timer(vcpu->xen);
		evtchn_virq(vcpu, VIRQ_TIMER);
	}
	return 0;
}

static long register_info(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_register_vcpu_info op;
	long ret = hcall_from_guest(h, &op, h->arg[2], sizeof(op));

	if (ret)
		return ret;
	/* Its own, or that of one which is not up. */
	if (vcpu != h->vcpu && !READ_ONCE(vcpu->xen->down))
		return -EINVAL;
	return xen_info_register(vcpu, op.mfn, op.offset);
}

static long register_runstate(struct hcall *h, struct vcpu *vcpu)
{
	u64 gva = 0;
	long ret = hcall_from_guest(h, &gva, h->arg[2], h->is_64bit ? 8 : 4);

	if (ret)
		return ret;
	if (vcpu != h->vcpu)
		return -EINVAL;
	if (gva) {
		ret = hcall_to_guest(h, gva, &vcpu->xen->runstate, sizeof(vcpu->xen->runstate));
		if (ret)
			return ret;
	}
	vcpu->xen->runstate_gva = gva;
	return 0;
}

static long register_time(struct hcall *h, struct vcpu *vcpu)
{
	u64 gva = 0;
	long ret = hcall_from_guest(h, &gva, h->arg[2], h->is_64bit ? 8 : 4);

	if (ret)
		return ret;
	if (vcpu != h->vcpu)
		return -EINVAL;
	vcpu->xen->time_gva = gva;
	set_bit(XEN_TODO_TIME, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
	return 0;
}

static long get_runstate(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_runstate_info info = vcpu->xen->runstate;
	u64 now = xen_now(vcpu->vm);

	if (info.state >= 0 && info.state < ARRAY_SIZE(info.time))
		info.time[info.state] += now - info.state_entry_time;
	return hcall_to_guest(h, h->arg[2], &info, sizeof(info));
}

static bool is_fast(u32 cmd)
{
	return cmd == VCPUOP_is_up || cmd == VCPUOP_set_singleshot_timer ||
	       cmd == VCPUOP_stop_singleshot_timer;
}

long hcall_vcpu_op(struct hcall *h)
{
	u32 cmd = h->arg[0];
	struct vcpu *vcpu;

	if (h->fast && !is_fast(cmd))
		return HCALL_SLOW;
	vcpu = vm_vcpu(h->vcpu->vm, min_t(unsigned long, h->arg[1], HVMOD_MAX_VCPUS));
	if (!vcpu)
		return -ENOENT;

	switch (cmd) {
	case VCPUOP_is_up:
		return !READ_ONCE(vcpu->xen->down);
	case VCPUOP_down:
		if (vcpu != h->vcpu)
			return hcall_unknown(h, cmd);
		xen_vcpu_down(vcpu);
		return 0;
	case VCPUOP_get_runstate_info:
		return get_runstate(h, vcpu);
	case VCPUOP_register_runstate_memory_area:
		return register_runstate(h, vcpu);
	case VCPUOP_stop_periodic_timer:
		/* None is running: see below. */
		return 0;
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(h, vcpu);
	case VCPUOP_stop_singleshot_timer:
		if (vcpu != h->vcpu)
			return -EINVAL;
		stop_timer(vcpu->xen);
		return 0;
	case VCPUOP_register_vcpu_info:
		return register_info(h, vcpu);
	case VCPUOP_send_nmi:
		arch_vcpu_nmi(vcpu);
		return 0;
	case VCPUOP_register_vcpu_time_memory_area:
		return register_time(h, vcpu);
	}
	return hcall_unknown(h, cmd);
}
