// SPDX-License-Identifier: GPL-2.0
/*
 * sched_op: a vCPU yields, blocks, polls event channels, or shuts the guest
 * down.  Hypercalls call it on the vCPU's thread; HLT with interrupts off does
 * too.  It blocks nobody itself: it says what the run loop finds.
 */
#include <linux/sched.h>
#include <xen/interface/xen.h>
#include <xen/interface/sched.h>

#include "module/arch.h"
#include "module/xen/evtchn.h"
#include "module/xen/hypercall.h"

/* Xen's limit. */
#define POLL_PORTS	128

void xen_shutdown(struct vcpu *vcpu, u32 reason)
{
	vcpu->xen->shutdown = reason;
	set_bit(XEN_TODO_SHUTDOWN, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}

void xen_vcpu_down(struct vcpu *vcpu)
{
	struct vcpu *other;
	bool last = true;
	u32 id;

	WRITE_ONCE(vcpu->xen->down, true);
	/* Two that go down at once: at least one sees the other. */
	smp_mb();
	vm_for_each_vcpu(vcpu->vm, id, other)
		last &= READ_ONCE(other->xen->down);
	arch_vcpu_stop(vcpu);
	if (last)
		xen_shutdown(vcpu, SHUTDOWN_poweroff);
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
		if (port >= EVTCHN_2L_NR_CHANNELS)
			return -EINVAL;
		if (evtchn_is_pending(h->vcpu->vm, port))
			return 1;
		*single = op->nr_ports == 1 ? port : 0;
	}
	return 0;
}

static long op_poll(struct hcall *h)
{
	struct vcpu *vcpu = h->vcpu;
	struct xen_vcpu *x = vcpu->xen;
	struct sched_poll op;
	u32 single = 0;
	u64 now;
	long ret;

	if (!h->is_64bit)
		return hcall_unknown(h, SCHEDOP_poll);
	ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	if (ret)
		return ret;
	if (op.nr_ports > POLL_PORTS)
		return -EINVAL;
	ret = any_pending(h, &op, &single);
	if (ret)
		return ret < 0 ? ret : 0;

	WRITE_ONCE(x->poll_port, single);
	atomic_inc(&vcpu->vm->xen->evtchns.pollers);
	atomic_set(&x->poll, XEN_POLL_WAITS);
	smp_mb();	/* pairs with raise(): one of us sees the other */
	ret = any_pending(h, &op, &single);
	now = xen_now(vcpu->vm);
	if (ret || (op.timeout && op.timeout <= now)) {
		atomic_set(&x->poll, XEN_POLL_OVER);
		xen_vcpu_wakes(vcpu);
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
		arch_vcpu_halt(h->vcpu);
		return 0;
	case SCHEDOP_shutdown:
		return op_shutdown(h);
	case SCHEDOP_poll:
		return op_poll(h);
	case SCHEDOP_shutdown_code: {
		struct sched_shutdown op;

		/* It says why before it says that. */
		return hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	}
	case SCHEDOP_remote_shutdown:
	case SCHEDOP_pin_override:
		return -EPERM;
	}
	return hcall_unknown(h, cmd);
}
