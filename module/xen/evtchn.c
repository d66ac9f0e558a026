// SPDX-License-Identifier: GPL-2.0
/*
 * Event channels: what each port of a guest leads to, and events on their way.
 * Hypercalls bind and send, timers and the launcher raise.  It must not sleep
 * under its lock, and must not touch a guest's own memory: see xen.h.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "module/compat.h"
#include "module/xen/evtchn.h"
#include "module/xen/hypercall.h"

static struct evtchn_2l evtchn_bits(struct vm *vm)
{
	struct evtchn_2l bits;

	xen_evtchn_bits(vm, &bits.pending, &bits.mask);
	return bits;
}

static bool is_fifo(struct vm *vm)
{
	return READ_ONCE(vm->xen->evtchns.fifo);
}

u32 evtchn_limit(struct vm *vm)
{
	if (is_fifo(vm))
		return EVTCHN_FIFO_NR_CHANNELS;
	return xen_word_bits(vm) * xen_word_bits(vm);
}

struct evtchn *evtchn_get(struct vm *vm, u32 port)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct evtchn *bucket;

	lockdep_assert_held(&c->lock);
	if (!port || port >= evtchn_limit(vm))
		return NULL;
	port = array_index_nospec(port, EVTCHN_FIFO_NR_CHANNELS);
	bucket = c->bucket[port / XEN_BUCKET];
	return bucket ? &bucket[port % XEN_BUCKET] : NULL;
}

struct evtchn *evtchn_used(struct vm *vm, u32 port)
{
	struct evtchn *e = evtchn_get(vm, port);

	return e && e->state != EVTCHNSTAT_closed && e->state != EVTCHN_CLAIMED ? e : NULL;
}

/* ---- raising ---- */

static void wake_pollers(struct vm *vm, u32 port)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		struct xen_vcpu *x = vcpu->xen;
		u32 polled;

		if (atomic_read(&x->poll) != XEN_POLL_WAITS)
			continue;
		polled = READ_ONCE(x->poll_port);
		if (polled && polled != port)
			continue;
		if (atomic_cmpxchg(&x->poll, XEN_POLL_WAITS, XEN_POLL_OVER) == XEN_POLL_WAITS)
			vcpu_request(vcpu, VCPU_REQ_EVENT);
	}
}

/* Two-level: the vCPU's thread will set the word in vcpu_info and call the guest. */
static void tell(struct vm *vm, u32 id, u32 port)
{
	struct vcpu *vcpu = vm_vcpu(vm, id);

	if (!vcpu)
		return;
	if (!test_and_set_bit(port / xen_word_bits(vm), &vcpu->xen->pending_sel))
		vcpu_request(vcpu, VCPU_REQ_XEN);
}

void evtchn_raise(struct vm *vm, struct evtchn *e)
{
	const struct evtchn_2l bits = evtchn_bits(vm);

	if (is_fifo(vm))
		evtchn_fifo_note(vm, e, EVTCHN_RAISED);
	else if (evtchn_2l_set(&bits, e->port))
		tell(vm, e->vcpu, e->port);
	/* Pairs with poll(): it counts itself, then looks at what is pending. */
	smp_mb();
	if (unlikely(atomic_read(&vm->xen->evtchns.pollers)))
		wake_pollers(vm, e->port);
}

void evtchn_virq(struct vcpu *vcpu, u32 virq)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	struct evtchn *e;
	u32 port;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	port = vcpu->xen->virq[virq];
	e = port ? evtchn_used(vm, port) : NULL;
	if (e)
		evtchn_raise(vm, e);
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
}

long evtchn_send(struct vm *vm, u32 port)
{
	struct evtchn *e, *remote;
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, port);
	switch (e ? e->state : EVTCHNSTAT_closed) {
	case EVTCHNSTAT_interdomain:
		if (e->kick) {
			compat_eventfd_signal(e->kick);
		} else {
			remote = evtchn_used(vm, e->remote_port);
			if (remote)
				evtchn_raise(vm, remote);
		}
		break;
	case EVTCHNSTAT_ipi:
		evtchn_raise(vm, e);
		break;
	case EVTCHNSTAT_unbound:
		break;		/* nobody is there to hear it */
	default:
		ret = -EINVAL;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}

/* EVTCHNOP_unmask. */
static long unmask(struct hcall *h, u32 port)
{
	struct vm *vm = h->vcpu->vm;
	const struct evtchn_2l bits = evtchn_bits(vm);
	bool fifo = is_fifo(vm), again = false;
	unsigned long flags;
	struct evtchn *e;

	if (port >= evtchn_limit(vm))
		return -EINVAL;
	if (fifo) {
		if (h->fast)
			return HCALL_SLOW;
		again = evtchn_fifo_unmask(vm, port);
	}
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, port);
	if (e && again)
		evtchn_fifo_note(vm, e, EVTCHN_RELINK);
	else if (e && !fifo && evtchn_2l_unmask(&bits, port))
		tell(vm, e->vcpu, port);
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return e ? 0 : -EINVAL;
}

bool evtchn_is_pending(struct vm *vm, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);
	unsigned long flags;
	struct evtchn *e;
	bool noted;

	if (port >= evtchn_limit(vm))
		return false;
	if (!is_fifo(vm))
		return evtchn_2l_pending(&bits, array_index_nospec(port, EVTCHN_2L_NR_CHANNELS));
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, port);
	noted = e && (e->queued & EVTCHN_RAISED);
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return noted || evtchn_fifo_pending(vm, port);
}

/* ---- making and closing ---- */

/* Empty but for what outlives a close.  Lock held. */
static void wipe(struct evtchn *e)
{
	evtchn_fifo_forget(e);
	e->state = EVTCHNSTAT_closed;
	e->virq = 0;
	e->remote_dom = 0;
	e->remote_port = 0;
	e->vcpu = 0;
	e->kick = NULL;
	e->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
}

static struct evtchn *new_bucket(void)
{
	struct evtchn *bucket = kcalloc(XEN_BUCKET, sizeof(*bucket), GFP_KERNEL_ACCOUNT);
	u32 i;

	for (i = 0; bucket && i < XEN_BUCKET; i++) {
		INIT_LIST_HEAD(&bucket[i].node);
		bucket[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	}
	return bucket;
}

/* With its bucket number.  Lock held. */
static void add_bucket(struct xen_evtchns *c, u32 nr, struct evtchn **spare)
{
	u32 i;

	for (i = 0; i < XEN_BUCKET; i++)
		(*spare)[i].port = nr * XEN_BUCKET + i;
	c->bucket[nr] = *spare;
	*spare = NULL;
}

static void give_back(struct vm *vm, u32 port)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;
	struct evtchn *e;

	spin_lock_irqsave(&c->lock, flags);
	e = evtchn_get(vm, port);
	if (e)
		wipe(e);
	clear_bit(port, c->used);
	spin_unlock_irqrestore(&c->lock, flags);
}

long evtchn_claim(struct vm *vm)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct evtchn *spare = NULL;
	unsigned long flags;
	u32 port = 1, limit;

	lockdep_assert_held(&c->change);
	for (;;) {
		spin_lock_irqsave(&c->lock, flags);
		limit = evtchn_limit(vm);
		port = find_next_zero_bit(c->used, limit, port);
		if (port < limit && !c->bucket[port / XEN_BUCKET] && spare)
			add_bucket(c, port / XEN_BUCKET, &spare);
		if (port < limit && c->bucket[port / XEN_BUCKET]) {
			set_bit(port, c->used);
			evtchn_get(vm, port)->state = EVTCHN_CLAIMED;
			spin_unlock_irqrestore(&c->lock, flags);
			if (!is_fifo(vm) || !evtchn_fifo_busy(vm, port))
				break;
			/* The guest has not unlinked it since it was closed. */
			give_back(vm, port++);
			continue;
		}
		spin_unlock_irqrestore(&c->lock, flags);
		if (port >= limit) {
			kfree(spare);
			return -ENOSPC;
		}
		/* Its bucket is missing; allocated without the lock. */
		if (!spare)
			spare = new_bucket();
		if (!spare)
			return -ENOMEM;
	}
	kfree(spare);
	return port;
}

/*
 * Takes a port away from whatever it leads to; it stays claimed.  The eventfd to
 * put when the lock is dropped, or NULL.  Lock held.
 */
static struct eventfd_ctx *detach(struct vm *vm, struct evtchn *e)
{
	struct eventfd_ctx *kick = e->kick;
	struct evtchn *remote;
	struct vcpu *vcpu;

	if (e->state == EVTCHNSTAT_virq) {
		vcpu = vm_vcpu(vm, e->vcpu);
		/* A global one may tell another vCPU than the one it was bound on. */
		if (!vcpu || vcpu->xen->virq[e->virq] != e->port)
			vcpu = vm_vcpu(vm, 0);
		if (vcpu && vcpu->xen->virq[e->virq] == e->port)
			vcpu->xen->virq[e->virq] = 0;
	} else if (e->state == EVTCHNSTAT_interdomain && !kick) {
		remote = evtchn_used(vm, e->remote_port);
		if (remote && remote != e) {
			remote->state = EVTCHNSTAT_unbound;
			remote->remote_dom = HVMOD_XEN_DOMID_GUEST;
			remote->remote_port = 0;
		}
	}
	wipe(e);
	e->state = EVTCHN_CLAIMED;
	return kick;
}

long evtchn_close(struct vm *vm, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct eventfd_ctx *kick = NULL;
	unsigned long flags;
	struct evtchn *e;

	lockdep_assert_held(&c->change);
	spin_lock_irqsave(&c->lock, flags);
	e = evtchn_used(vm, port);
	if (e)
		kick = detach(vm, e);
	spin_unlock_irqrestore(&c->lock, flags);
	if (!e)
		return -EINVAL;
	if (is_fifo(vm)) {
		evtchn_fifo_quiesce(vm);
		evtchn_fifo_clear(vm, port);
	} else {
		evtchn_2l_clear(&bits, array_index_nospec(port, EVTCHN_2L_NR_CHANNELS));
	}
	give_back(vm, port);
	if (kick)
		eventfd_ctx_put(kick);
	return 0;
}

void evtchn_reset(struct vm *vm)
{
	const struct evtchn_2l bits = evtchn_bits(vm);
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct eventfd_ctx *kick;
	unsigned long flags;
	struct evtchn *e;
	u32 port;

	lockdep_assert_held(&c->change);
	/* Words of the FIFO ABI are forgotten below, all at once. */
	for_each_set_bit(port, c->used, EVTCHN_FIFO_NR_CHANNELS) {
		spin_lock_irqsave(&c->lock, flags);
		e = evtchn_used(vm, port);
		kick = e ? detach(vm, e) : NULL;
		if (port < EVTCHN_2L_NR_CHANNELS && !is_fifo(vm))
			evtchn_2l_clear(&bits, port);
		spin_unlock_irqrestore(&c->lock, flags);
		give_back(vm, port);
		if (kick)
			eventfd_ctx_put(kick);
		cond_resched();
	}
	evtchn_fifo_reset(vm);
}

void evtchn_destroy(struct vm *vm)
{
	u32 i;

	for (i = 0; i < XEN_BUCKETS; i++)
		kfree(vm->xen->evtchns.bucket[i]);
}

static bool is_self(u32 domid)
{
	return domid == DOMID_SELF || domid == HVMOD_XEN_DOMID_GUEST;
}

static long op_alloc_unbound(struct vm *vm, struct evtchn_alloc_unbound *op)
{
	unsigned long flags;
	struct evtchn *e;
	long port;

	if (!is_self(op->dom))
		return op->dom == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
	port = evtchn_claim(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_get(vm, port);
	e->state = EVTCHNSTAT_unbound;
	e->remote_dom = is_self(op->remote_dom) ? HVMOD_XEN_DOMID_GUEST : op->remote_dom;
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	op->port = port;
	return 0;
}

/* Only with itself: the other domain there is, the launcher, offers no ports. */
static long op_bind_interdomain(struct vm *vm, struct evtchn_bind_interdomain *op)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct evtchn *e, *remote;
	unsigned long flags;
	long port;

	if (op->remote_dom == HVMOD_XEN_DOMID_BACKEND)
		return -EINVAL;
	if (!is_self(op->remote_dom))
		return -ESRCH;
	port = evtchn_claim(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_get(vm, port);
	remote = evtchn_used(vm, op->remote_port);
	if (!remote || remote->state != EVTCHNSTAT_unbound ||
	    remote->remote_dom != HVMOD_XEN_DOMID_GUEST) {
		spin_unlock_irqrestore(&c->lock, flags);
		give_back(vm, port);
		return -EINVAL;
	}
	e->state = EVTCHNSTAT_interdomain;
	e->remote_dom = HVMOD_XEN_DOMID_GUEST;
	e->remote_port = op->remote_port;
	remote->state = EVTCHNSTAT_interdomain;
	remote->remote_port = port;
	/* What was sent before may be lost: Xen tells both ends to look. */
	evtchn_raise(vm, e);
	spin_unlock_irqrestore(&c->lock, flags);
	op->local_port = port;
	return 0;
}

static bool virq_is_global(u32 virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU:
		return false;
	}
	return true;
}

static long op_bind_virq(struct vm *vm, struct evtchn_bind_virq *op)
{
	struct vcpu *vcpu = vm_vcpu(vm, op->vcpu);
	unsigned long flags;
	struct evtchn *e;
	u32 virq, bound;
	long port;

	if (op->virq >= XEN_NR_VIRQS)
		return -EINVAL;
	virq = array_index_nospec(op->virq, XEN_NR_VIRQS);
	if (virq_is_global(virq) && op->vcpu)
		return -EINVAL;
	if (!vcpu)
		return -ENOENT;
	port = evtchn_claim(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_get(vm, port);
	bound = vcpu->xen->virq[virq];
	if (!bound) {
		e->state = EVTCHNSTAT_virq;
		e->vcpu = vcpu->id;
		e->virq = virq;
		vcpu->xen->virq[virq] = port;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	if (bound)
		give_back(vm, port);
	op->port = port;
	return bound ? -EEXIST : 0;
}

static long op_bind_ipi(struct vm *vm, struct evtchn_bind_ipi *op)
{
	unsigned long flags;
	struct evtchn *e;
	long port;

	if (!vm_vcpu(vm, op->vcpu))
		return -ENOENT;
	port = evtchn_claim(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_get(vm, port);
	e->state = EVTCHNSTAT_ipi;
	e->vcpu = op->vcpu;
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	op->port = port;
	return 0;
}

static long op_bind_vcpu(struct vm *vm, const struct evtchn_bind_vcpu *op)
{
	unsigned long flags;
	struct evtchn *e;
	long ret = 0;

	if (!vm_vcpu(vm, op->vcpu))
		return -ENOENT;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, op->port);
	switch (e ? e->state : EVTCHNSTAT_closed) {
	case EVTCHNSTAT_virq:
		if (!virq_is_global(e->virq)) {
			ret = -EINVAL;
			break;
		}
		fallthrough;
	case EVTCHNSTAT_unbound:
	case EVTCHNSTAT_interdomain:
		e->vcpu = op->vcpu;
		break;
	default:
		ret = -EINVAL;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}

static long op_status(struct vm *vm, struct evtchn_status *op)
{
	unsigned long flags;
	struct evtchn *e;

	if (!is_self(op->dom))
		return op->dom == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
	if (op->port >= evtchn_limit(vm))
		return -EINVAL;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, op->port);
	op->status = e ? e->state : EVTCHNSTAT_closed;
	op->vcpu = e ? e->vcpu : 0;
	switch (op->status) {
	case EVTCHNSTAT_unbound:
		op->u.unbound.dom = e->remote_dom;
		break;
	case EVTCHNSTAT_interdomain:
		op->u.interdomain.dom = e->remote_dom;
		op->u.interdomain.port = e->remote_port;
		break;
	case EVTCHNSTAT_virq:
		op->u.virq = e->virq;
		break;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return 0;
}

static long op_set_priority(struct vm *vm, const struct evtchn_set_priority *op)
{
	unsigned long flags;
	struct evtchn *e;
	long ret = -EINVAL;

	if (!is_fifo(vm))
		return -ENOSYS;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, op->port);
	if (e && op->priority <= EVTCHN_FIFO_PRIORITY_MIN) {
		/* For the next event: one that is linked stays where it is. */
		e->priority = array_index_nospec(op->priority, EVTCHN_FIFO_MAX_QUEUES);
		ret = 0;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}

/* ---- the hypercall ---- */

/* Of each one's argument; 0: there is no such operation. */
static const u8 op_sizes[] = {
	[EVTCHNOP_bind_interdomain] = sizeof(struct evtchn_bind_interdomain),
	[EVTCHNOP_bind_virq] = sizeof(struct evtchn_bind_virq),
	[EVTCHNOP_close] = sizeof(u32),
	[EVTCHNOP_send] = sizeof(u32),
	[EVTCHNOP_status] = sizeof(struct evtchn_status),
	[EVTCHNOP_alloc_unbound] = sizeof(struct evtchn_alloc_unbound),
	[EVTCHNOP_bind_ipi] = sizeof(struct evtchn_bind_ipi),
	[EVTCHNOP_bind_vcpu] = sizeof(struct evtchn_bind_vcpu),
	[EVTCHNOP_unmask] = sizeof(u32),
	[EVTCHNOP_reset] = sizeof(struct evtchn_reset),
	[EVTCHNOP_init_control] = sizeof(struct evtchn_init_control),
	[EVTCHNOP_expand_array] = sizeof(struct evtchn_expand_array),
	[EVTCHNOP_set_priority] = sizeof(struct evtchn_set_priority),
};

static u32 op_size(u32 cmd)
{
	if (cmd >= ARRAY_SIZE(op_sizes))
		return 0;
	return op_sizes[array_index_nospec(cmd, ARRAY_SIZE(op_sizes))];
}

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_status status;
	struct evtchn_reset reset;
	struct evtchn_init_control init_control;
	struct evtchn_expand_array expand_array;
	struct evtchn_set_priority set_priority;
	u32 port;
};

/* New port: the guest must hear of it, or it is closed again. */
static long tell_port(struct hcall *h, const union evtchn_arg *arg, u32 size, u32 port)
{
	long ret = hcall_to_guest(h, h->arg[1], arg, size);

	if (ret)
		evtchn_close(h->vcpu->vm, port);
	return ret;
}

/* Those that make, close and move ports: one at a time. */
static long change(struct hcall *h, u32 cmd, union evtchn_arg *arg, u32 size)
{
	struct vm *vm = h->vcpu->vm;
	long ret;

	switch (cmd) {
	case EVTCHNOP_close:
		return evtchn_close(vm, arg->port);
	case EVTCHNOP_bind_vcpu:
		return op_bind_vcpu(vm, &arg->bind_vcpu);
	case EVTCHNOP_alloc_unbound:
		ret = op_alloc_unbound(vm, &arg->alloc_unbound);
		return ret ?: tell_port(h, arg, size, arg->alloc_unbound.port);
	case EVTCHNOP_bind_interdomain:
		ret = op_bind_interdomain(vm, &arg->bind_interdomain);
		return ret ?: tell_port(h, arg, size, arg->bind_interdomain.local_port);
	case EVTCHNOP_bind_virq:
		ret = op_bind_virq(vm, &arg->bind_virq);
		return ret ?: tell_port(h, arg, size, arg->bind_virq.port);
	case EVTCHNOP_bind_ipi:
		ret = op_bind_ipi(vm, &arg->bind_ipi);
		return ret ?: tell_port(h, arg, size, arg->bind_ipi.port);
	case EVTCHNOP_status:
		ret = op_status(vm, &arg->status);
		return ret ?: hcall_to_guest(h, h->arg[1], arg, size);
	case EVTCHNOP_init_control:
		ret = evtchn_fifo_init_control(vm, &arg->init_control);
		return ret ?: hcall_to_guest(h, h->arg[1], arg, size);
	case EVTCHNOP_expand_array:
		return evtchn_fifo_expand(vm, &arg->expand_array);
	case EVTCHNOP_set_priority:
		return op_set_priority(vm, &arg->set_priority);
	case EVTCHNOP_reset:
		if (!is_self(arg->reset.dom))
			return arg->reset.dom == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
		evtchn_reset(vm);
		return 0;
	}
	return -ENOSYS;
}

long hcall_event_channel_op(struct hcall *h)
{
	struct xen_evtchns *c = &h->vcpu->vm->xen->evtchns;
	u32 cmd = h->arg[0], size = op_size(cmd);
	union evtchn_arg arg = {};
	long ret;

	if (!size)
		return hcall_unknown(h, cmd);
	if (h->fast && cmd != EVTCHNOP_send && cmd != EVTCHNOP_unmask)
		return HCALL_SLOW;
	ret = hcall_from_guest(h, &arg, h->arg[1], size);
	if (ret)
		return ret;
	if (cmd == EVTCHNOP_send)
		return evtchn_send(h->vcpu->vm, arg.port);
	if (cmd == EVTCHNOP_unmask)
		return unmask(h, arg.port);
	mutex_lock(&c->change);
	ret = change(h, cmd, &arg, size);
	mutex_unlock(&c->change);
	return ret;
}
