// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's side of event channels: it is the far end of a guest's port by
 * an eventfd, and sends.  Its ioctls call it, in process context.  It must not
 * trust the launcher with a port that does not wait for it.
 */
#include <linux/err.h>
#include <linux/eventfd.h>

#include "module/xen/evtchn.h"

static long unbind(struct vm *vm, u32 port)
{
	struct eventfd_ctx *kick = NULL;
	unsigned long flags;
	struct evtchn *e;

	spin_lock_irqsave(&vm->xen->evtchns.lock, flags);
	e = evtchn_used(vm, port);
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

static long bind(struct vm *vm, struct hvmod_xen_evtchn *args, struct eventfd_ctx *kick)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;
	struct evtchn *e;
	long ret = 0;

	if (args->flags & HVMOD_XEN_EVTCHN_ALLOC) {
		ret = evtchn_claim(vm);
		if (ret < 0)
			return ret;
		args->port = ret;
		ret = 0;
	}
	spin_lock_irqsave(&c->lock, flags);
	e = evtchn_get(vm, args->port);
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
	return ret;
}

long xen_evtchn_ctl(struct vm *vm, struct hvmod_xen_evtchn *args)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct eventfd_ctx *kick;
	long ret;

	if (args->flags == HVMOD_XEN_EVTCHN_UNBIND && args->kick_fd == -1)
		return unbind(vm, args->port);
	if (args->flags & ~HVMOD_XEN_EVTCHN_ALLOC)
		return -EINVAL;
	kick = eventfd_ctx_fdget(args->kick_fd);
	if (IS_ERR(kick))
		return PTR_ERR(kick);
	mutex_lock(&c->change);
	ret = bind(vm, args, kick);
	mutex_unlock(&c->change);
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
	e = evtchn_used(vm, args->port);
	if (e && e->kick) {
		evtchn_raise(vm, e);
		ret = 0;
	}
	spin_unlock_irqrestore(&vm->xen->evtchns.lock, flags);
	return ret;
}
