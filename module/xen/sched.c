// SPDX-License-Identifier: GPL-2.0
/*
 * sched_op: a vCPU yields, blocks, polls event channels, or shuts the guest down;
 * watchdogs that do it.  Hypercalls call it on the vCPU's thread; HLT with
 * interrupts off does too.  It blocks nobody itself: it says what the run loop
 * finds.
 */
#include <linux/hrtimer.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <xen/interface/xen.h>
#include <xen/interface/sched.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/xen/evtchn.h"
#include "module/xen/hypercall.h"

/* Xen's limit. */
#define POLL_PORTS	128

void xen_shutdown(struct vcpu *vcpu, u32 reason)
{
	struct vcpu *other;
	u32 id;

	if (cmpxchg(&vcpu->vm->xen->shutdown, XEN_RUNS, reason) != XEN_RUNS)
		return;
	set_bit(XEN_TODO_SHUTDOWN, &vcpu->xen->todo);
	/* They leave the guest, and stay out of it: see xen_vcpu_stopped(). */
	vm_for_each_vcpu(vcpu->vm, id, other)
		vcpu_request(other, VCPU_REQ_XEN);
}

/* ---- watchdogs ---- */

static enum hrtimer_restart watchdog_bites(struct hrtimer *timer)
{
	struct xen_watchdog *dog = container_of(timer, struct xen_watchdog, timer);
	struct vcpu *vcpu = vm_vcpu(dog->vm, 0);

	if (vcpu)
		xen_shutdown(vcpu, SHUTDOWN_watchdog);
	return HRTIMER_NORESTART;
}

void xen_watchdogs_init(struct vm *vm)
{
	struct xen_vm *xen = vm->xen;
	u32 i;

	spin_lock_init(&xen->watchdog_lock);
	for (i = 0; i < XEN_WATCHDOGS; i++) {
		xen->watchdog[i].vm = vm;
		compat_hrtimer_setup(&xen->watchdog[i].timer, watchdog_bites, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL);
	}
}

void xen_watchdogs_stop(struct vm *vm)
{
	struct xen_vm *xen = vm->xen;
	u32 i;

	for (i = 0; i < XEN_WATCHDOGS; i++) {
		spin_lock(&xen->watchdog_lock);
		xen->watchdog[i].used = false;
		spin_unlock(&xen->watchdog_lock);
		hrtimer_cancel(&xen->watchdog[i].timer);
	}
}

/* The number of a new one, 0 for an old one, or Xen's error. */
static long set_watchdog(struct xen_vm *xen, u32 id, u32 timeout)
{
	u32 i;

	lockdep_assert_held(&xen->watchdog_lock);
	if (id > XEN_WATCHDOGS)
		return -EINVAL;
	if (id) {
		i = array_index_nospec(id - 1, XEN_WATCHDOGS);
		if (!xen->watchdog[i].used)
			return -EINVAL;
	} else {
		for (i = 0; i < XEN_WATCHDOGS && xen->watchdog[i].used; i++)
			;
		if (!timeout)
			return -EINVAL;
		if (i == XEN_WATCHDOGS)
			return -ENOSPC;
	}
	xen->watchdog[i].used = timeout;
	if (timeout)
		hrtimer_start(&xen->watchdog[i].timer, ktime_set(timeout, 0), HRTIMER_MODE_REL);
	else
		hrtimer_try_to_cancel(&xen->watchdog[i].timer);
	return id ? 0 : i + 1;
}

static long op_watchdog(struct hcall *h)
{
	struct xen_vm *xen = h->vcpu->vm->xen;
	struct sched_watchdog op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (ret)
		return ret;
	spin_lock(&xen->watchdog_lock);
	ret = set_watchdog(xen, op.id, op.timeout);
	spin_unlock(&xen->watchdog_lock);
	return ret;
}

/* ---- down ---- */

void xen_vcpu_down(struct vcpu *vcpu, struct vcpu *target)
{
	struct vcpu *other;
	bool last = true;
	u32 id;

	/* Two that go down at once: the exchange is a barrier, one sees the other. */
	if (xchg(&target->xen->down, true))
		return;
	vm_for_each_vcpu(vcpu->vm, id, other)
		last &= READ_ONCE(other->xen->down);
	if (last)
		xen_shutdown(vcpu, SHUTDOWN_poweroff);
	else if (target != vcpu)
		vcpu_request(target, VCPU_REQ_XEN);
}

static long op_shutdown(struct hcall *h)
{
	struct sched_shutdown op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (!ret)
		xen_shutdown(h->vcpu, op.reason);
	return ret;
}

/* One of the ports is pending, or a port is none: 1; not yet: 0. */
static long any_pending(struct hcall *h, const struct sched_poll *op, u32 *single)
{
	unsigned long at = (unsigned long)op->ports;
	u32 i, port;
	long ret;

	for (i = 0; i < op->nr_ports; i++) {
		ret = hcall_from_guest(h, &port, at + i * sizeof(port), sizeof(port));
		if (ret)
			return ret;
		if (port >= evtchn_limit(h->vcpu->vm))
			return -EINVAL;
		if (evtchn_is_pending(h->vcpu->vm, port))
			return 1;
		*single = op->nr_ports == 1 ? port : 0;
	}
	return 0;
}

/* From here on wake_pollers() finds it; port 0: any. */
static void wait_begin(struct vcpu *vcpu, u32 port)
{
	WRITE_ONCE(vcpu->xen->poll_port, port);
	atomic_inc(&vcpu->vm->xen->evtchns.pollers);
	atomic_set(&vcpu->xen->poll, XEN_POLL_WAITS);
	smp_mb();	/* pairs with evtchn_raise(): one of us sees the other */
}

static void wait_not(struct vcpu *vcpu)
{
	atomic_set(&vcpu->xen->poll, XEN_POLL_OVER);
	xen_vcpu_wakes(vcpu);
}

/* With interrupts off no interrupt ends it, but any event does. */
static long op_block(struct vcpu *vcpu)
{
	if (!arch_vcpu_irqs_on(vcpu)) {
		wait_begin(vcpu, 0);
		if (xen_info_pending(vcpu)) {
			wait_not(vcpu);
			return 0;
		}
	}
	arch_vcpu_halt(vcpu);
	return 0;
}

static long read_poll(struct hcall *h, struct sched_poll *op)
{
	struct {
		u32 ports;
		u32 nr_ports;
		u64 timeout;
	} op32;
	long ret;

	if (h->is_64bit)
		return hcall_from_guest(h, op, h->arg[1], sizeof(*op));
	ret = hcall_from_guest(h, &op32, h->arg[1], sizeof(op32));
	op->ports = (void *)(unsigned long)op32.ports;
	op->nr_ports = op32.nr_ports;
	op->timeout = op32.timeout;
	return ret;
}

static long op_poll(struct hcall *h)
{
	struct vcpu *vcpu = h->vcpu;
	struct xen_vcpu *x = vcpu->xen;
	struct sched_poll op;
	u32 single = 0;
	u64 now;
	long ret;

	ret = read_poll(h, &op);
	if (ret)
		return ret;
	if (op.nr_ports > POLL_PORTS)
		return -EINVAL;
	ret = any_pending(h, &op, &single);
	if (ret)
		return ret < 0 ? ret : 0;

	wait_begin(vcpu, single);
	ret = any_pending(h, &op, &single);
	now = xen_now(vcpu->vm);
	if (ret || (op.timeout && op.timeout <= now)) {
		wait_not(vcpu);
		return ret < 0 ? ret : 0;
	}
	if (op.timeout)
		hrtimer_start(&x->poll_timer, ns_to_ktime(op.timeout - now), HRTIMER_MODE_REL);
	arch_vcpu_halt(vcpu);
	return 0;
}

long hcall_sched_op(struct hcall *h)
{
	u32 cmd = h->arg[0];

	switch (cmd) {
	case SCHEDOP_yield:
		yield();
		return 0;
	case SCHEDOP_block:
		return op_block(h->vcpu);
	case SCHEDOP_shutdown:
		return op_shutdown(h);
	case SCHEDOP_poll:
		return op_poll(h);
	case SCHEDOP_shutdown_code: {
		struct sched_shutdown op;

		/* It says why before it says that. */
		return hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	}
	case SCHEDOP_watchdog:
		return op_watchdog(h);
	}
	return hcall_unknown(h, cmd);
}
