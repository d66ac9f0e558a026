// SPDX-License-Identifier: GPL-2.0
/*
 * The FIFO event ABI: a word for each port in an array of the guest's pages, and
 * for each vCPU a queue of ports per priority.  evtchn.c calls it with ports that
 * it has checked; what an event has to write is written by the thread of the vCPU
 * it is for.  It must not take anything in those pages for more than the guest's
 * word, and holds none of them.
 *
 * Xen's event_channel.h, "FIFO ABI".  A queue belongs to a vCPU and is changed
 * under that vCPU's fifo.lock, a mutex, for guest memory may sleep.  A port that
 * went to another queue is linked with the locks of both vCPUs, lower id first,
 * for it may be the tail of the old one: a tail that is linked elsewhere would
 * make two queues into one.
 */
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>

#include "module/mem.h"
#include "module/xen/evtchn.h"

#define WORD_PENDING	BIT(EVTCHN_FIFO_PENDING)
#define WORD_MASKED	BIT(EVTCHN_FIFO_MASKED)
#define WORD_LINKED	BIT(EVTCHN_FIFO_LINKED)
#define WORD_BUSY	BIT(EVTCHN_FIFO_BUSY)

#define WORDS_PER_PAGE	(PAGE_SIZE / sizeof(event_word_t))

/* A guest that changes a word all the time loses its event, not our time. */
#define MAX_TRIES	1000

#define NO_GPA		(~0ULL)

/* ---- words ---- */

static u64 word_gpa(struct vm *vm, u32 port)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	/* Pairs with evtchn_fifo_expand(). */
	u32 pages = smp_load_acquire(&c->fifo_pages);
	u32 page = port / WORDS_PER_PAGE;

	if (page >= pages)
		return NO_GPA;
	page = array_index_nospec(page, XEN_FIFO_PAGES);
	return (READ_ONCE(c->fifo_gfn[page]) << PAGE_SHIFT) +
	       port % WORDS_PER_PAGE * sizeof(event_word_t);
}

static bool word_read(struct vm *vm, u32 port, u32 *word)
{
	u64 gpa = word_gpa(vm, port);

	return gpa != NO_GPA && !mem_read(vm, gpa, word, sizeof(*word));
}

/* *old becomes what was there; false: it is not there, or does not hold still. */
static bool word_change(struct vm *vm, u64 gpa, u32 set, u32 clear, u32 *old)
{
	int tries, ret;
	u32 new;

	if (gpa == NO_GPA || mem_read(vm, gpa, old, sizeof(*old)))
		return false;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		new = (*old | set) & ~clear;
		if (new == *old)
			return true;
		ret = mem_cmpxchg(vm, gpa, old, &new, sizeof(new));
		if (ret != -EAGAIN)
			return !ret;
	}
	return false;
}

/*
 * Makes port the successor of tail if that is linked still.  BUSY tells the
 * guest to keep its hands off the mask, or it could go on changing the word.
 */
static bool link_to(struct vm *vm, u32 tail, u32 port)
{
	u64 gpa = word_gpa(vm, tail);
	int tries, ret;
	u32 old, new;

	if (gpa == NO_GPA || mem_read(vm, gpa, &old, sizeof(old)))
		return false;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!(old & WORD_LINKED)) {
			if (old & WORD_BUSY)
				word_change(vm, gpa, 0, WORD_BUSY, &old);
			return false;
		}
		if (tries && !(old & WORD_BUSY))
			new = old | WORD_BUSY;
		else
			new = (old & ~(WORD_BUSY | EVTCHN_FIFO_LINK_MASK)) | port;
		ret = mem_cmpxchg(vm, gpa, &old, &new, sizeof(new));
		if (ret == -EAGAIN)
			continue;
		if (ret || !(new & WORD_BUSY))
			return !ret;
		old = new;
	}
	word_change(vm, gpa, 0, WORD_BUSY, &old);
	return true;	/* as if: it is lost, the queue is not */
}

/* ---- noting ---- */

void evtchn_fifo_note(struct vm *vm, struct evtchn *e, u8 why)
{
	struct vcpu *vcpu = vm_vcpu(vm, e->vcpu);
	bool first;

	lockdep_assert_held(&vm->xen->evtchns.lock);
	if (e->queued || !vcpu) {
		e->queued |= vcpu ? why : 0;
		return;
	}
	e->queued = why;
	/* Who finds it empty asks; evtchn_fifo_flush() goes on until it is. */
	first = list_empty(&vcpu->xen->raised);
	list_add_tail(&e->node, &vcpu->xen->raised);
	if (first)
		vcpu_request(vcpu, VCPU_REQ_XEN);
}

void evtchn_fifo_forget(struct evtchn *e)
{
	if (e->queued)
		list_del_init(&e->node);
	e->queued = 0;
	e->waits = false;
}

/* ---- delivering ---- */

/* One event on its way from the list to a queue. */
struct delivery {
	struct evtchn *e;
	struct vcpu *last;	/* whose queue it was on last */
	u32 port;
	u8 why;
	u8 priority;
	u8 last_priority;
};

enum taken {
	TAKEN_NONE,		/* the list is empty */
	TAKEN_EVENT,
	TAKEN_NOT,		/* the lock of delivery.last is needed first */
	TAKEN_MOVED,		/* it was bound to another vCPU in the meantime */
};

/* fifo.lock of the vCPU is held, and of the other, if there is one. */
static enum taken take(struct vcpu *vcpu, struct vcpu *other, struct delivery *d)
{
	struct xen_evtchns *c = &vcpu->vm->xen->evtchns;
	enum taken taken = TAKEN_NONE;
	unsigned long flags;
	struct evtchn *e;

	spin_lock_irqsave(&c->lock, flags);
	e = list_first_entry_or_null(&vcpu->xen->raised, struct evtchn, node);
	if (!e)
		goto out;
	d->last = vm_vcpu(vcpu->vm, e->last_vcpu);
	d->e = e;
	d->port = e->port;
	d->why = e->queued;
	d->priority = e->priority;
	d->last_priority = e->last_priority;
	taken = e->vcpu == vcpu->id ? TAKEN_EVENT : TAKEN_MOVED;
	if (taken == TAKEN_EVENT && d->last != vcpu && d->last != other) {
		taken = TAKEN_NOT;
		goto out;
	}
	list_del_init(&e->node);
	e->queued = 0;
	if (taken == TAKEN_MOVED)
		evtchn_fifo_note(vcpu->vm, e, d->why);
out:
	spin_unlock_irqrestore(&c->lock, flags);
	return taken;
}

/* Its page comes later; or the page is there by now, and it goes round again. */
static void wait_for_page(struct vm *vm, struct delivery *d)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	/* Closed since: nothing is to be remembered. */
	if (evtchn_used(vm, d->port) == d->e) {
		if (d->port / WORDS_PER_PAGE < c->fifo_pages)
			evtchn_fifo_note(vm, d->e, d->why);
		else
			d->e->waits = true;
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

/* The queue that it is on from now on. */
static void moved(struct vm *vm, struct delivery *d, u32 vcpu)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	d->e->last_vcpu = vcpu;
	d->e->last_priority = d->priority;
	spin_unlock_irqrestore(&c->lock, flags);
}

/* Sets PENDING, and LINKED if the guest is to find it.  True: link it. */
static bool mark(struct vm *vm, struct delivery *d, bool can_link)
{
	u64 gpa = word_gpa(vm, d->port);
	u32 old, new;
	int tries, ret;

	if (gpa == NO_GPA) {
		wait_for_page(vm, d);
		return false;
	}
	if (mem_read(vm, gpa, &old, sizeof(old)))
		return false;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		/* Unmasked, but the guest has handled it meanwhile. */
		if (!(d->why & EVTCHN_RAISED) && !(old & WORD_PENDING))
			return false;
		new = old | WORD_PENDING;
		if (can_link && !(old & (WORD_MASKED | WORD_LINKED)))
			new |= WORD_LINKED;
		if (new == old)
			return false;
		ret = mem_cmpxchg(vm, gpa, &old, &new, sizeof(new));
		if (ret != -EAGAIN)
			return !ret && ((new ^ old) & WORD_LINKED);
	}
	return false;
}

static bool deliver(struct vcpu *vcpu, struct delivery *d)
{
	struct xen_fifo *fifo = &vcpu->xen->fifo, *last = &d->last->xen->fifo;
	u64 gpa = fifo->control_gpa;
	struct vm *vm = vcpu->vm;
	u32 old;

	/* Without a control block the guest may not have unmasked it. */
	if (!mark(vm, d, gpa != NO_GPA))
		return false;
	/* Its old queue ended with it and is empty now. */
	if (last->tail[d->last_priority] == d->port)
		last->tail[d->last_priority] = 0;
	if (last != fifo || d->last_priority != d->priority)
		moved(vm, d, vcpu->id);

	old = fifo->tail[d->priority];
	fifo->tail[d->priority] = d->port;
	if (old && link_to(vm, old, d->port))
		return false;
	if (mem_write(vm, gpa + offsetof(struct evtchn_fifo_control_block, head[d->priority]),
		      &d->port, sizeof(d->port)))
		return false;
	gpa += offsetof(struct evtchn_fifo_control_block, ready);
	return word_change(vm, gpa, BIT(d->priority), 0, &old) && !(old & BIT(d->priority));
}

static void lock_both(struct vcpu *vcpu, struct vcpu *other)
{
	struct vcpu *first = vcpu->id < other->id ? vcpu : other;
	struct vcpu *second = first == vcpu ? other : vcpu;

	mutex_lock(&first->xen->fifo.lock);
	mutex_lock_nested(&second->xen->fifo.lock, SINGLE_DEPTH_NESTING);
}

static void unlock_both(struct vcpu *vcpu, struct vcpu *other)
{
	mutex_unlock(&vcpu->xen->fifo.lock);
	if (other)
		mutex_unlock(&other->xen->fifo.lock);
}

bool evtchn_fifo_flush(struct vcpu *vcpu)
{
	struct vcpu *other = NULL;
	enum taken taken;
	struct delivery d;
	bool ready = false;
	int left = 256;

	if (list_empty_careful(&vcpu->xen->raised))
		return false;
	mutex_lock(&vcpu->xen->fifo.lock);
	while (left--) {
		taken = take(vcpu, other, &d);
		if (taken == TAKEN_NONE)
			break;
		if (taken == TAKEN_EVENT)
			ready |= deliver(vcpu, &d);
		if (taken != TAKEN_NOT)
			continue;
		unlock_both(vcpu, other);
		other = d.last;
		lock_both(vcpu, other);
	}
	unlock_both(vcpu, other);
	/* Others may raise faster than we write: signals must come through. */
	if (!list_empty_careful(&vcpu->xen->raised))
		vcpu_request(vcpu, VCPU_REQ_XEN);
	return ready;
}

void evtchn_fifo_quiesce(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		mutex_lock(&vcpu->xen->fifo.lock);
		mutex_unlock(&vcpu->xen->fifo.lock);
	}
}

/* ---- single ports ---- */

bool evtchn_fifo_unmask(struct vm *vm, u32 port)
{
	u32 old;

	return word_change(vm, word_gpa(vm, port), 0, WORD_MASKED, &old) && (old & WORD_PENDING);
}

bool evtchn_fifo_pending(struct vm *vm, u32 port)
{
	u32 word;

	return word_read(vm, port, &word) && (word & WORD_PENDING);
}

void evtchn_fifo_clear(struct vm *vm, u32 port)
{
	u32 old;

	/* It stays linked: the guest unlinks it and finds nothing. */
	word_change(vm, word_gpa(vm, port), 0, WORD_PENDING, &old);
}

bool evtchn_fifo_busy(struct vm *vm, u32 port)
{
	u32 word;

	return word_read(vm, port, &word) && (word & WORD_LINKED);
}

/* ---- set-up ---- */

/* Memory that the guest may write: a word that is zero is written, as zero. */
static bool is_ram(struct vm *vm, u64 gpa)
{
	u32 old = 0, new = 0;
	int ret = mem_cmpxchg(vm, gpa, &old, &new, sizeof(new));

	return !ret || ret == -EAGAIN;
}

static bool gfn_ok(struct vm *vm, u64 gfn)
{
	return gfn < HVMOD_MAX_GPA >> PAGE_SHIFT && is_ram(vm, gfn << PAGE_SHIFT);
}

/* Every port that is pending stays so; its word comes with its page.  Lock held. */
static void switch_over(struct vm *vm)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long *pending, *mask;
	struct evtchn *e;
	u32 port;

	xen_evtchn_bits(vm, &pending, &mask);
	for_each_set_bit(port, c->used, evtchn_limit(vm)) {
		e = evtchn_get(vm, port);
		/* Taken away: nobody looks there, until a reset makes it count again. */
		if (e)
			e->waits = test_and_clear_bit(port, pending);
	}
	WRITE_ONCE(c->fifo, true);
}

long evtchn_fifo_init_control(struct vm *vm, struct evtchn_init_control *op)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	struct vcpu *vcpu = vm_vcpu(vm, op->vcpu);
	struct xen_fifo *fifo;
	unsigned long flags;
	long ret = -EINVAL;

	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	if (!vcpu)
		return -ENOENT;
	if (op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || (op->offset & 7))
		return -EINVAL;
	if (!gfn_ok(vm, op->control_gfn))
		return -EINVAL;
	fifo = &vcpu->xen->fifo;
	mutex_lock(&fifo->lock);
	if (fifo->control_gpa == NO_GPA) {
		fifo->control_gpa = (op->control_gfn << PAGE_SHIFT) + op->offset;
		spin_lock_irqsave(&c->lock, flags);
		if (!c->fifo)
			switch_over(vm);
		spin_unlock_irqrestore(&c->lock, flags);
		ret = 0;
	}
	mutex_unlock(&fifo->lock);
	return ret;
}

long evtchn_fifo_expand(struct vm *vm, const struct evtchn_expand_array *op)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;
	struct evtchn *e;
	u32 page, port;

	if (!READ_ONCE(c->fifo))
		return -EOPNOTSUPP;
	if (!gfn_ok(vm, op->array_gfn))
		return READ_ONCE(c->fifo_pages) < XEN_FIFO_PAGES ? -EINVAL : -ENOSPC;
	spin_lock_irqsave(&c->lock, flags);
	page = c->fifo_pages;
	if (page >= XEN_FIFO_PAGES || !c->fifo) {
		spin_unlock_irqrestore(&c->lock, flags);
		return -ENOSPC;
	}
	WRITE_ONCE(c->fifo_gfn[page], op->array_gfn);
	/* Pairs with word_gpa(). */
	smp_store_release(&c->fifo_pages, page + 1);
	for (port = page * WORDS_PER_PAGE; port < (page + 1) * WORDS_PER_PAGE; port++) {
		e = evtchn_used(vm, port);
		if (!e || !e->waits)
			continue;
		e->waits = false;
		evtchn_fifo_note(vm, e, EVTCHN_RAISED);
	}
	spin_unlock_irqrestore(&c->lock, flags);
	return 0;
}

void evtchn_fifo_reset(struct vm *vm)
{
	struct xen_evtchns *c = &vm->xen->evtchns;
	unsigned long flags;
	struct vcpu *vcpu;
	struct evtchn *e;
	u32 bucket, i, id;

	spin_lock_irqsave(&c->lock, flags);
	WRITE_ONCE(c->fifo, false);
	WRITE_ONCE(c->fifo_pages, 0);
	spin_unlock_irqrestore(&c->lock, flags);
	for (bucket = 0; bucket < XEN_BUCKETS; bucket++) {
		spin_lock_irqsave(&c->lock, flags);
		for (i = 0; c->bucket[bucket] && i < XEN_BUCKET; i++) {
			e = &c->bucket[bucket][i];
			evtchn_fifo_forget(e);
			e->last_vcpu = 0;
			e->last_priority = 0;
		}
		spin_unlock_irqrestore(&c->lock, flags);
	}
	vm_for_each_vcpu(vm, id, vcpu) {
		mutex_lock(&vcpu->xen->fifo.lock);
		vcpu->xen->fifo.control_gpa = NO_GPA;
		memset(vcpu->xen->fifo.tail, 0, sizeof(vcpu->xen->fifo.tail));
		mutex_unlock(&vcpu->xen->fifo.lock);
	}
}
