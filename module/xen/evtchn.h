/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Event channels: the ports of a guest and what each leads to.  Hypercalls,
 * timers and back ends call it, most of it in any context.  A port is a number
 * that a guest chose: every function here checks it.
 */
#ifndef MODULE_XEN_EVTCHN_H
#define MODULE_XEN_EVTCHN_H

#include "module/xen/xen.h"

struct eventfd_ctx;

/* EVTCHNSTAT_* with the lock of struct xen_evtchns held. */
struct evtchn {
	u8 state;
	u8 virq;		/* EVTCHNSTAT_virq */
	u16 remote_dom;		/* EVTCHNSTAT_unbound, EVTCHNSTAT_interdomain */
	u32 remote_port;	/* EVTCHNSTAT_interdomain with the guest itself */
	u32 vcpu;		/* who is told */
	struct eventfd_ctx *kick;	/* EVTCHNSTAT_interdomain with the back end */
};

/* One of these virtual interrupts came.  Any context. */
void evtchn_virq(struct vcpu *vcpu, u32 virq);
/* EVTCHNOP_send.  Any context.  -EINVAL. */
long evtchn_send(struct vm *vm, u32 port);
/* EVTCHNOP_unmask.  Any context.  -EINVAL. */
long evtchn_unmask(struct vm *vm, u32 port);
/* Is its pending bit set?  A port out of range: no. */
bool evtchn_is_pending(struct vm *vm, u32 port);
/* Closes everything.  Process context. */
void evtchn_reset(struct vm *vm);
/* At the end of the VM, after evtchn_reset(); the vCPUs are gone. */
void evtchn_destroy(struct vm *vm);

/* ---- evtchn_2l.c: pending and mask bits; pure but for atomic bit operations ---- */

struct evtchn_2l {
	unsigned long *pending;		/* EVTCHN_2L_NR_CHANNELS bits each */
	unsigned long *mask;
};

/*
 * Sets the pending bit.  True: it was clear and the port is not masked, so the
 * port's word has to be noted in pending_sel and the vCPU be told.
 */
bool evtchn_2l_set(const struct evtchn_2l *e, u32 port);
/* Clears the mask bit.  True: the port was masked and is pending: as above. */
bool evtchn_2l_unmask(const struct evtchn_2l *e, u32 port);
bool evtchn_2l_pending(const struct evtchn_2l *e, u32 port);
void evtchn_2l_clear(const struct evtchn_2l *e, u32 port);

#endif /* MODULE_XEN_EVTCHN_H */
