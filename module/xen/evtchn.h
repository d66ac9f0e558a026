/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Event channels: the ports of a guest and what each leads to.  Hypercalls,
 * timers and back ends call it, most of it in any context.  A port is a number
 * that a guest chose: every function here checks it.
 *
 * How a guest sees an event depends on the ABI that it chose.  The bits of the
 * two-level ABI are in a page of the kernel's, and are set where the event
 * comes from.  The words and queues of the FIFO ABI are in the guest's own
 * memory: an event is only noted (struct evtchn.queued) and the thread of the
 * vCPU that is told writes them before that vCPU's next instruction.  So an
 * event is pending when it is noted or its word says so.
 */
#ifndef MODULE_XEN_EVTCHN_H
#define MODULE_XEN_EVTCHN_H

#include "module/xen/xen.h"

struct eventfd_ctx;

/* evtchn.state, besides EVTCHNSTAT_*: somebody is about to set it up, or to close it. */
#define EVTCHN_CLAIMED	0xff

/* evtchn.queued */
#define EVTCHN_RAISED	BIT(0)	/* an event came */
#define EVTCHN_RELINK	BIT(1)	/* it was unmasked: if it is pending, tell again */

/* The lock of struct xen_evtchns is held for all of it. */
struct evtchn {
	u8 state;		/* EVTCHNSTAT_* */
	u8 virq;		/* EVTCHNSTAT_virq */
	u16 remote_dom;		/* EVTCHNSTAT_unbound, EVTCHNSTAT_interdomain */
	u32 remote_port;	/* EVTCHNSTAT_interdomain with the guest itself */
	u32 vcpu;		/* who is told */
	u32 port;		/* const */
	struct eventfd_ctx *kick;	/* EVTCHNSTAT_interdomain with the back end */
	/* FIFO; the two last_ outlive a close: where the port may be the tail. */
	struct list_head node;	/* in xen_vcpu.raised while queued */
	u8 queued;		/* EVTCHN_* bits */
	u8 priority;
	u8 last_priority;	/* the queue that it was linked to last */
	bool waits;		/* pending, and its page of the array is not there yet */
	u32 last_vcpu;
};

/* One of these virtual interrupts came.  Any context. */
void evtchn_virq(struct vcpu *vcpu, u32 virq);
/* EVTCHNOP_send.  Any context.  -EINVAL. */
long evtchn_send(struct vm *vm, u32 port);
/* Is it pending?  A port out of range: no.  Process context. */
bool evtchn_is_pending(struct vm *vm, u32 port);
/* Ports of the ABI in use, port 0 included. */
u32 evtchn_limit(struct vm *vm);
/* Closes everything; back to the two-level ABI.  Process context, evtchns.change held. */
void evtchn_reset(struct vm *vm);
/* At the end of the VM, after evtchn_reset(); the vCPUs are gone. */
void evtchn_destroy(struct vm *vm);

/* ---- for evtchn_*.c; the lock of struct xen_evtchns is held ---- */

/* NULL: no such port, or it was never used. */
struct evtchn *evtchn_get(struct vm *vm, u32 port);
/* As above, and it is in use. */
struct evtchn *evtchn_used(struct vm *vm, u32 port);
/* An event for the guest: pending, and its vCPU is told. */
void evtchn_raise(struct vm *vm, struct evtchn *e);

/* ---- for evtchn_*.c; evtchns.change is held, the lock is not ---- */

/* A free port, claimed and empty, or -ENOSPC, -ENOMEM.  Process context. */
long evtchn_claim(struct vm *vm);
/* Closes a port that is in use.  Process context.  -EINVAL. */
long evtchn_close(struct vm *vm, u32 port);

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

/* ---- evtchn_fifo.c: words and queues in the guest's memory ---- */

/*
 * Notes an event (EVTCHN_RAISED, EVTCHN_RELINK); the thread of its vCPU does the
 * rest.  Any context, the lock is held.
 */
void evtchn_fifo_note(struct vm *vm, struct evtchn *e, u8 why);
/* All that was noted goes away.  Any context, the lock is held. */
void evtchn_fifo_forget(struct evtchn *e);

/*
 * Those below are for process context of the VM's owner, the lock is not held.
 *
 * Writes what was noted for this vCPU.  True: a queue of it was empty before, so
 * the guest has to be called.  vCPU thread.
 */
bool evtchn_fifo_flush(struct vcpu *vcpu);
/* Nobody is in evtchn_fifo_flush() with what was noted before the call. */
void evtchn_fifo_quiesce(struct vm *vm);
/* Clears the mask bit.  True: it is pending: note it as EVTCHN_RELINK. */
bool evtchn_fifo_unmask(struct vm *vm, u32 port);
/* Is the pending bit set? */
bool evtchn_fifo_pending(struct vm *vm, u32 port);
void evtchn_fifo_clear(struct vm *vm, u32 port);
/* It is on a queue still: the port must not be used again. */
bool evtchn_fifo_busy(struct vm *vm, u32 port);
/* EVTCHNOP_init_control, EVTCHNOP_expand_array.  0 or Xen's error. */
long evtchn_fifo_init_control(struct vm *vm, struct evtchn_init_control *op);
long evtchn_fifo_expand(struct vm *vm, const struct evtchn_expand_array *op);
/* Back to the two-level ABI; every port is closed. */
void evtchn_fifo_reset(struct vm *vm);

#endif /* MODULE_XEN_EVTCHN_H */
