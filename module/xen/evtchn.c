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

#define NR_PORTS	EVTCHN_2L_NR_CHANNELS

/* evtchn.state, besides EVTCHNSTAT_*: somebody is about to set it up. */
#define STATE_CLAIMED	0xff

static struct evtchn_2l evtchn_bits(struct vm *vm)
{
	struct shared_info *s = vm->xen->shinfo;

	return (struct evtchn_2l) {
		.pending = (unsigned long *)s->evtchn_pending,
		.mask = (unsigned long *)s->evtchn_mask,
	};
}

/* NULL: no such port, or it was never used.  Lock held. */
static struct evtchn *port_get(struct vm *vm, u32 port)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct evtchn *bucket;

	lockdep_assert_held(&c->lock);
	if (!port || port >= NR_PORTS)
		return NULL;
	port = array_index_nospec(port, NR_PORTS);
	bucket = c->bucket[port / XEN_BUCKET];
	return bucket ? &bucket[port % XEN_BUCKET] : NULL;
}

/* As above, and it is in use. */
static struct evtchn *port_used(struct vm *vm, u32 port)
{
	struct evtchn *e = port_get(vm, port);

	return e && e->state != EVTCHNSTAT_closed && e->state != STATE_CLAIMED ? e : NULL;
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

/* The vCPU's thread will set the word in vcpu_info and call the guest. */
static void tell(struct vm *vm, u32 id, u32 port)
{
	struct vcpu *vcpu = vm_vcpu(vm, id);

	if (!vcpu)
		return;
	if (!test_and_set_bit(port / BITS_PER_LONG, &vcpu->xen->pending_sel))
		vcpu_request(vcpu, VCPU_REQ_XEN);
}

/* Lock held; port is in range. */
static void raise(struct vm *vm, const struct evtchn *e, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);

	if (evtchn_2l_set(&bits, port))
		tell(vm, e->vcpu, port);
	/* Pairs with poll(): it counts itself, then looks at the bits. */
	smp_mb();
	if (unlikely(atomic_read(&vm->xen->evtchns.pollers)))
		wake_pollers(vm, port);
}

void evtchn_virq(struct vcpu *vcpu, u32 virq)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	struct evtchn *e;
	u32 port;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	port = vcpu->xen->virq[virq];
	e = port ? port_used(vm, port) : NULL;
	if (e)
		raise(vm, e, port);
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
}

long evtchn_send(struct vm *vm, u32 port)
{
	struct evtchn *e, *remote;
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_used(vm, port);
	switch (e ? e->state : EVTCHNSTAT_closed) {
	case EVTCHNSTAT_interdomain:
		if (e->kick) {
			compat_eventfd_signal(e->kick);
		} else {
			remote = port_used(vm, e->remote_port);
			if (remote)
				raise(vm, remote, e->remote_port);
		}
		break;
	case EVTCHNSTAT_ipi:
		raise(vm, e, port);
		break;
	case EVTCHNSTAT_unbound:
		break;		/* nobody is there to hear it */
	default:
		ret = -EINVAL;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}

long evtchn_unmask(struct vm *vm, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);
	unsigned long flags;
	struct evtchn *e;

	if (port >= NR_PORTS)
		return -EINVAL;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_used(vm, port);
	if (e && evtchn_2l_unmask(&bits, port))
		tell(vm, e->vcpu, port);
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return e ? 0 : -EINVAL;
}

bool evtchn_is_pending(struct vm *vm, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);

	return port < NR_PORTS && evtchn_2l_pending(&bits, array_index_nospec(port, NR_PORTS));
}

/* ---- making and closing ---- */

/* A free port, claimed, or -ENOSPC, -ENOMEM.  Process context. */
static long claim_port(struct vm *vm)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct evtchn *spare = NULL, *e;
	unsigned long flags;
	u32 port;

	for (;;) {
		spin_lock_irqsave(&c->lock, flags);
		for (port = 1; port < NR_PORTS; port++) {
			struct evtchn **bucket = &c->bucket[port / XEN_BUCKET];

			if (!*bucket) {
				*bucket = spare;
				spare = NULL;
			}
			if (!*bucket)
				break;
			e = port_get(vm, port);
			if (e->state != EVTCHNSTAT_closed)
				continue;
			memset(e, 0, sizeof(*e));
			e->state = STATE_CLAIMED;
			spin_unlock_irqrestore(&c->lock, flags);
			kfree(spare);
			return port;
		}
		spin_unlock_irqrestore(&c->lock, flags);
		if (port == NR_PORTS)
			break;
		/* A bucket is missing; allocated without the lock. */
		spare = kcalloc(XEN_BUCKET, sizeof(*spare), GFP_KERNEL_ACCOUNT);
		if (!spare)
			return -ENOMEM;
	}
	kfree(spare);
	return -ENOSPC;
}

/* Lock held.  The eventfd to put when the lock is dropped, or NULL. */
static struct eventfd_ctx *close_locked(struct vm *vm, struct evtchn *e, u32 port)
{
	const struct evtchn_2l bits = evtchn_bits(vm);
	struct eventfd_ctx *kick = e->kick;
	struct evtchn *remote;
	struct vcpu *vcpu;

	if (e->state == EVTCHNSTAT_virq) {
		vcpu = vm_vcpu(vm, e->vcpu);
		/* A global one may tell another vCPU than the one it was bound on. */
		if (!vcpu || vcpu->xen->virq[e->virq] != port)
			vcpu = vm_vcpu(vm, 0);
		if (vcpu && vcpu->xen->virq[e->virq] == port)
			vcpu->xen->virq[e->virq] = 0;
	} else if (e->state == EVTCHNSTAT_interdomain && !kick) {
		remote = port_used(vm, e->remote_port);
		if (remote && remote != e) {
			remote->state = EVTCHNSTAT_unbound;
			remote->remote_dom = HVMOD_XEN_DOMID_GUEST;
			remote->remote_port = 0;
		}
	}
	memset(e, 0, sizeof(*e));
	evtchn_2l_clear(&bits, port);
	return kick;
}

static long close_port(struct vm *vm, u32 port)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct eventfd_ctx *kick = NULL;
	unsigned long flags;
	struct evtchn *e;

	spin_lock_irqsave(&c->lock, flags);
	e = port_used(vm, port);
	if (e)
		kick = close_locked(vm, e, port);
	spin_unlock_irqrestore(&c->lock, flags);
	if (kick)
		eventfd_ctx_put(kick);
	return e ? 0 : -EINVAL;
}

void evtchn_reset(struct vm *vm)
{
	u32 port;

	for (port = 1; port < NR_PORTS; port++) {
		/* Buckets come and never go: a look without the lock is enough. */
		if (READ_ONCE(vm->xen->evtchns.bucket[port / XEN_BUCKET]))
			close_port(vm, port);
	}
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
	port = claim_port(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_get(vm, port);
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
	port = claim_port(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_get(vm, port);
	remote = port_used(vm, op->remote_port);
	if (!remote || remote->state != EVTCHNSTAT_unbound ||
	    remote->remote_dom != HVMOD_XEN_DOMID_GUEST) {
		e->state = EVTCHNSTAT_closed;
		spin_unlock_irqrestore(&c->lock, flags);
		return -EINVAL;
	}
	e->state = EVTCHNSTAT_interdomain;
	e->remote_dom = HVMOD_XEN_DOMID_GUEST;
	e->remote_port = op->remote_port;
	remote->state = EVTCHNSTAT_interdomain;
	remote->remote_port = port;
	/* What was sent before may be lost: Xen tells both ends to look. */
	raise(vm, e, port);
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
	long port;
	u32 virq;

	if (op->virq >= XEN_NR_VIRQS)
		return -EINVAL;
	virq = array_index_nospec(op->virq, XEN_NR_VIRQS);
	if (virq_is_global(virq) && op->vcpu)
		return -EINVAL;
	if (!vcpu)
		return -ENOENT;
	port = claim_port(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_get(vm, port);
	if (vcpu->xen->virq[virq]) {
		e->state = EVTCHNSTAT_closed;
		port = -EEXIST;
	} else {
		e->state = EVTCHNSTAT_virq;
		e->vcpu = vcpu->id;
		e->virq = virq;
		vcpu->xen->virq[virq] = port;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	op->port = port;
	return port < 0 ? port : 0;
}

static long op_bind_ipi(struct vm *vm, struct evtchn_bind_ipi *op)
{
	unsigned long flags;
	struct evtchn *e;
	long port;

	if (!vm_vcpu(vm, op->vcpu))
		return -ENOENT;
	port = claim_port(vm);
	if (port < 0)
		return port;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_get(vm, port);
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
	e = port_used(vm, op->port);
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
	if (op->port >= NR_PORTS)
		return -EINVAL;
	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_used(vm, op->port);
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

/* ---- the hypercall ---- */

static u32 op_size(u32 cmd)
{
	switch (cmd) {
	case EVTCHNOP_bind_interdomain:
		return sizeof(struct evtchn_bind_interdomain);
	case EVTCHNOP_bind_virq:
		return sizeof(struct evtchn_bind_virq);
	case EVTCHNOP_close:
	case EVTCHNOP_send:
	case EVTCHNOP_unmask:
		return sizeof(u32);
	case EVTCHNOP_status:
		return sizeof(struct evtchn_status);
	case EVTCHNOP_alloc_unbound:
		return sizeof(struct evtchn_alloc_unbound);
	case EVTCHNOP_bind_ipi:
		return sizeof(struct evtchn_bind_ipi);
	case EVTCHNOP_bind_vcpu:
		return sizeof(struct evtchn_bind_vcpu);
	case EVTCHNOP_reset:
		return sizeof(struct evtchn_reset);
	}
	return 0;
}

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_status status;
	struct evtchn_reset reset;
	u32 port;
};

/* New port: the guest must hear of it, or it is closed again. */
static long tell_port(struct hcall *h, const union evtchn_arg *arg, u32 size, u32 port)
{
	long ret = hcall_to_guest(h, h->arg[1], arg, size);

	if (ret)
		close_port(h->vcpu->vm, port);
	return ret;
}

long hcall_event_channel_op(struct hcall *h)
{
	struct vm *vm = h->vcpu->vm;
	u32 cmd = h->arg[0], size = op_size(cmd);
	union evtchn_arg arg;
	long ret;

	if (!size)
		return hcall_unknown(h, cmd);
	if (h->fast && cmd != EVTCHNOP_send && cmd != EVTCHNOP_unmask)
		return HCALL_SLOW;
	ret = hcall_from_guest(h, &arg, h->arg[1], size);
	if (ret)
		return ret;

	switch (cmd) {
	case EVTCHNOP_send:
		return evtchn_send(vm, arg.port);
	case EVTCHNOP_unmask:
		return evtchn_unmask(vm, arg.port);
	case EVTCHNOP_close:
		return close_port(vm, arg.port);
	case EVTCHNOP_bind_vcpu:
		return op_bind_vcpu(vm, &arg.bind_vcpu);
	case EVTCHNOP_alloc_unbound:
		ret = op_alloc_unbound(vm, &arg.alloc_unbound);
		return ret ?: tell_port(h, &arg, size, arg.alloc_unbound.port);
	case EVTCHNOP_bind_interdomain:
		ret = op_bind_interdomain(vm, &arg.bind_interdomain);
		return ret ?: tell_port(h, &arg, size, arg.bind_interdomain.local_port);
	case EVTCHNOP_bind_virq:
		ret = op_bind_virq(vm, &arg.bind_virq);
		return ret ?: tell_port(h, &arg, size, arg.bind_virq.port);
	case EVTCHNOP_bind_ipi:
		ret = op_bind_ipi(vm, &arg.bind_ipi);
		return ret ?: tell_port(h, &arg, size, arg.bind_ipi.port);
	case EVTCHNOP_status:
		ret = op_status(vm, &arg.status);
		return ret ?: hcall_to_guest(h, h->arg[1], &arg, size);
	case EVTCHNOP_reset:
		if (!is_self(arg.reset.dom))
			return -EPERM;
		evtchn_reset(vm);
		return 0;
	}
	return -ENOSYS;
}

/* ---- the launcher's side ---- */

static long unbind(struct vm *vm, u32 port)
{
	struct eventfd_ctx *kick = NULL;
	unsigned long flags;
	struct evtchn *e;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_used(vm, port);
	if (e && e->kick) {
		kick = e->kick;
		e->kick = NULL;
		e->state = EVTCHNSTAT_unbound;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	if (!kick)
		return -ENOENT;
	eventfd_ctx_put(kick);
	return 0;
}

long xen_evtchn_ctl(struct vm *vm, struct hvmod_xen_evtchn *args)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct eventfd_ctx *kick;
	unsigned long flags;
	struct evtchn *e;
	long ret = 0;

	if (args->flags == HVMOD_XEN_EVTCHN_UNBIND && args->kick_fd == -1)
		return unbind(vm, args->port);
	if (args->flags & ~HVMOD_XEN_EVTCHN_ALLOC)
		return -EINVAL;
	kick = eventfd_ctx_fdget(args->kick_fd);
	if (IS_ERR(kick))
		return PTR_ERR(kick);

	if (args->flags & HVMOD_XEN_EVTCHN_ALLOC) {
		ret = claim_port(vm);
		if (ret < 0)
			goto put;
		args->port = ret;
		ret = 0;
	}
	spin_lock_irqsave(&c->lock, flags);
	e = port_get(vm, args->port);
	if (e && (args->flags & HVMOD_XEN_EVTCHN_ALLOC)) {
		e->state = EVTCHNSTAT_unbound;
		e->remote_dom = HVMOD_XEN_DOMID_BACKEND;
	}
	if (e && e->kick) {
		ret = -EBUSY;
	} else if (!e || e->state != EVTCHNSTAT_unbound ||
		   e->remote_dom != HVMOD_XEN_DOMID_BACKEND) {
		ret = -EINVAL;
	} else {
		e->state = EVTCHNSTAT_interdomain;
		e->kick = kick;
	}
	spin_unlock_irqrestore(&c->lock, flags);
put:
	if (ret)
		eventfd_ctx_put(kick);
	return ret;
}

long xen_send_ctl(struct vm *vm, const struct hvmod_xen_send *args)
{
	unsigned long flags;
	struct evtchn *e;
	long ret = -EINVAL;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = port_used(vm, args->port);
	if (e && e->kick) {
		raise(vm, e, args->port);
		ret = 0;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}
