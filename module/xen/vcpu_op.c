// SPDX-License-Identifier: GPL-2.0
/*
 * vcpu_op and set_timer_op: a vCPU is started and stopped, has timers and areas
 * that it shares.  Hypercalls call it.  Some sub-operations are for the calling
 * vCPU only, as on Xen: others get -EINVAL.
 */
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <xen/interface/xen.h>
#include <xen/interface/vcpu.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/evtchn.h"
#include "module/xen/hypercall.h"

/* Timeouts that no guest means; Xen makes them this long, for old Linux. */
#define TIMEOUT_FAR		BIT_ULL(50)
#define TIMEOUT_FAR_NS		(100 * NSEC_PER_MSEC)

/* Xen's limits of a period. */
#define PERIOD_MIN		NSEC_PER_MSEC
#define PERIOD_MAX		((u64)S64_MAX)

/* Newer than the kernel's headers. */
#define VCPUOP_register_runstate_phys_area	14
#define VCPUOP_register_vcpu_time_phys_area	15

#define NO_GPA	(~0ULL)

/* ---- starting and stopping ---- */

static long initialise(struct hcall *h, struct vcpu *vcpu)
{
	struct xen_vm *xen = vcpu->vm->xen;
	struct xen_vcpu *x = vcpu->xen;
	struct vcpu_hvm_context context;
	long ret;

	if (!xen_info_there(vcpu))
		return -EINVAL;
	ret = hcall_from_guest(h, &context, h->arg[2], sizeof(context));
	if (ret)
		return ret;
	mutex_lock(&xen->start_lock);
	ret = x->initialised ? -EEXIST : arch_xen_context_check(vcpu, &context);
	if (!ret) {
		x->context = context;
		x->initialised = true;
		set_bit(XEN_TODO_START, &x->todo);
	}
	mutex_unlock(&xen->start_lock);
	if (!ret)
		vcpu_request(vcpu, VCPU_REQ_XEN);
	return ret;
}

static long bring_up(struct vcpu *vcpu)
{
	struct xen_vm *xen = vcpu->vm->xen;
	struct xen_vcpu *x = vcpu->xen;
	long ret = 0;

	mutex_lock(&xen->start_lock);
	if (!x->initialised)
		ret = -EINVAL;
	else if (xchg(&x->down, false))
		vcpu_request(vcpu, VCPU_REQ_XEN);
	mutex_unlock(&xen->start_lock);
	return ret;
}

/* ---- timers ---- */

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

	if (vcpu != h->vcpu)
		return -EINVAL;
	/* Without the padding, which 32-bit callers do not have. */
	ret = hcall_from_guest(h, &op, h->arg[2], offsetofend(typeof(op), flags));
	if (ret)
		return ret;
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

/* Other vCPUs may do so, too: one at a time, or it is started while it expires. */
static void change_period(struct vcpu *vcpu, u64 period)
{
	struct xen_vcpu *x = vcpu->xen;

	mutex_lock(&vcpu->vm->xen->start_lock);
	WRITE_ONCE(x->period_ns, 0);
	hrtimer_cancel(&x->periodic);
	if (period) {
		WRITE_ONCE(x->period_ns, period);
		hrtimer_start(&x->periodic, ns_to_ktime(period), HRTIMER_MODE_REL);
	}
	mutex_unlock(&vcpu->vm->xen->start_lock);
}

static long set_periodic(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_set_periodic_timer op;
	long ret = hcall_from_guest(h, &op, h->arg[2], sizeof(op));

	if (ret)
		return ret;
	if (op.period_ns < PERIOD_MIN || op.period_ns > PERIOD_MAX)
		return -EINVAL;
	change_period(vcpu, op.period_ns);
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

/* ---- areas ---- */

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

/* The vCPU's thread looks again at what it has to write. */
static void again(struct vcpu *vcpu, enum xen_todo todo)
{
	set_bit(todo, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}

/* A virtual address, or 0; from the caller's structure. */
static long read_gva(struct hcall *h, u64 *gva)
{
	*gva = 0;
	return hcall_from_guest(h, gva, h->arg[2], h->is_64bit ? 8 : 4);
}

/*
 * A physical address for an area of size bytes inside one page of memory, or ~0
 * to give the area up.
 */
static long read_gpa(struct hcall *h, u64 *gpa, size_t size)
{
	u64 word = 0;
	long ret = hcall_from_guest(h, gpa, h->arg[2], sizeof(*gpa));

	if (ret || *gpa == NO_GPA)
		return ret;
	if (offset_in_page(*gpa) > PAGE_SIZE - size || (*gpa & (h->is_64bit ? 7 : 3)))
		return -ENXIO;
	if (*gpa >= HVMOD_MAX_GPA)
		return -EINVAL;
	/* Written to, but for one that can be read only: then it is not for this. */
	ret = mem_cmpxchg(h->vcpu->vm, *gpa & ~7ULL, &word, &word, sizeof(word));
	return ret && ret != -EAGAIN ? -EINVAL : 0;
}

static long register_runstate(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_runstate_info info, copy;
	size_t size;
	u64 gva;
	long ret = read_gva(h, &gva);

	if (ret)
		return ret;
	xen_runstate_get(vcpu, &info);
	size = xen_runstate_layout(&copy, &info, h->is_64bit);
	/* By the caller's tables now, by the vCPU's own later. */
	if (gva && hcall_to_guest(h, gva, &copy, size))
		return -EFAULT;
	WRITE_ONCE(vcpu->xen->runstate_32, !h->is_64bit);
	WRITE_ONCE(vcpu->xen->runstate_gva, gva);
	again(vcpu, XEN_TODO_RUNSTATE);
	return 0;
}

static long register_runstate_phys(struct hcall *h, struct vcpu *vcpu)
{
	u64 gpa;
	long ret = read_gpa(h, &gpa, h->is_64bit ? sizeof(struct vcpu_runstate_info) :
						    sizeof(struct xen_runstate_32));

	if (ret)
		return ret;
	WRITE_ONCE(vcpu->xen->runstate_32, !h->is_64bit);
	WRITE_ONCE(vcpu->xen->runstate_gpa, gpa);
	again(vcpu, XEN_TODO_RUNSTATE);
	return 0;
}

static long register_time(struct hcall *h, struct vcpu *vcpu)
{
	u32 version;
	u64 gva;
	long ret = read_gva(h, &gva);

	if (ret)
		return ret;
	if (gva && hcall_from_guest(h, &version, gva, sizeof(version)))
		return -EFAULT;
	WRITE_ONCE(vcpu->xen->time_gva, gva);
	again(vcpu, XEN_TODO_TIME);
	return 0;
}

static long register_time_phys(struct hcall *h, struct vcpu *vcpu)
{
	u64 gpa;
	long ret = read_gpa(h, &gpa, sizeof(struct pvclock_vcpu_time_info));

	if (ret)
		return ret;
	WRITE_ONCE(vcpu->xen->time_gpa, gpa);
	again(vcpu, XEN_TODO_TIME);
	return 0;
}

static long get_runstate(struct hcall *h, struct vcpu *vcpu)
{
	struct vcpu_runstate_info info, copy;
	size_t size;

	xen_runstate_get(vcpu, &info);
	size = xen_runstate_layout(&copy, &info, h->is_64bit);
	return hcall_to_guest(h, h->arg[2], &copy, size);
}

/* ---- the hypercall ---- */

static bool is_fast(u32 cmd)
{
	return cmd == VCPUOP_is_up || cmd == VCPUOP_set_singleshot_timer ||
	       cmd == VCPUOP_stop_singleshot_timer;
}

static long register_op(struct hcall *h, u32 cmd, struct vcpu *vcpu)
{
	switch (cmd) {
	case VCPUOP_get_runstate_info:
		return get_runstate(h, vcpu);
	case VCPUOP_register_runstate_memory_area:
		return register_runstate(h, vcpu);
	case VCPUOP_register_vcpu_info:
		return register_info(h, vcpu);
	case VCPUOP_register_vcpu_time_memory_area:
		return register_time(h, vcpu);
	case VCPUOP_register_runstate_phys_area:
		return register_runstate_phys(h, vcpu);
	case VCPUOP_register_vcpu_time_phys_area:
		return register_time_phys(h, vcpu);
	}
	return hcall_unknown(h, cmd);
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
	case VCPUOP_initialise:
		/* A PV guest's is another structure. */
		if (vcpu->vm->kind == HVMOD_KIND_PV)
			break;
		return initialise(h, vcpu);
	case VCPUOP_up:
		return bring_up(vcpu);
	case VCPUOP_down:
		xen_vcpu_down(h->vcpu, vcpu);
		return 0;
	case VCPUOP_is_up:
		return !READ_ONCE(vcpu->xen->down);
	case VCPUOP_set_periodic_timer:
		return set_periodic(h, vcpu);
	case VCPUOP_stop_periodic_timer:
		change_period(vcpu, 0);
		return 0;
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(h, vcpu);
	case VCPUOP_stop_singleshot_timer:
		if (vcpu != h->vcpu)
			return -EINVAL;
		stop_timer(vcpu->xen);
		return 0;
	case VCPUOP_send_nmi:
		if (h->arg[2])
			return -EINVAL;
		arch_vcpu_nmi(vcpu);
		return 0;
	}
	return register_op(h, cmd, vcpu);
}
