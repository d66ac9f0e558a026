// SPDX-License-Identifier: GPL-2.0
/*
 * The life of the Xen half of a VM and of a vCPU, and what a vCPU's thread does
 * when it is asked to.  module/ calls it through xen.h.  It knows the order of
 * the parts and none of them.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/mem.h"
#include "module/xen/evtchn.h"
#include "module/xen/xen.h"

int xen_vm_create(struct vm *vm)
{
	struct xen_vm *xen;
	struct page *page;
	int err;

	if (vm->kind == HVMOD_KIND_PC)
		return 0;
	xen = kvzalloc(sizeof(*xen), GFP_KERNEL_ACCOUNT);
	if (!xen)
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page) {
		kvfree(xen);
		return -ENOMEM;
	}
	BUILD_BUG_ON(sizeof(struct shared_info) > PAGE_SIZE);
	xen->shinfo = page_address(page);
	memset(xen->shinfo->evtchn_mask, 0xff, sizeof(xen->shinfo->evtchn_mask));
	spin_lock_init(&xen->evtchns.lock);
	mutex_init(&xen->memory.lock);
	mutex_init(&xen->evtchns.change);
	mutex_init(&xen->start_lock);
	err = xen_gnttab_create(xen);
	if (err) {
		__free_page(page);
		kvfree(xen);
		return err;
	}
	xen->shutdown = XEN_RUNS;
	vm->xen = xen;
	xen_watchdogs_init(vm);
	xen->clock_tsc = arch_clock_tsc();
	xen_wallclock(vm);
	return 0;
}

void xen_vm_stop(struct vm *vm)
{
	struct xen_vm *xen = vm->xen;

	if (!xen)
		return;
	xen_watchdogs_stop(vm);
	mutex_lock(&xen->evtchns.change);
	evtchn_reset(vm);
	mutex_unlock(&xen->evtchns.change);
}

void xen_vm_destroy(struct vm *vm)
{
	struct xen_vm *xen = vm->xen;

	if (!xen)
		return;
	evtchn_destroy(vm);
	xen_gnttab_destroy(xen);
	free_page((unsigned long)xen->shinfo);
	kvfree(xen);
	vm->xen = NULL;
}

static enum hrtimer_restart timer_expires(struct hrtimer *timer)
{
	struct xen_vcpu *x = container_of(timer, struct xen_vcpu, timer);

	evtchn_virq(x->vcpu, VIRQ_TIMER);
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart periodic_expires(struct hrtimer *timer)
{
	struct xen_vcpu *x = container_of(timer, struct xen_vcpu, periodic);
	u64 period = READ_ONCE(x->period_ns);

	if (!period)
		return HRTIMER_NORESTART;
	evtchn_virq(x->vcpu, VIRQ_TIMER);
	hrtimer_forward_now(timer, ns_to_ktime(period));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart poll_expires(struct hrtimer *timer)
{
	struct xen_vcpu *x = container_of(timer, struct xen_vcpu, poll_timer);

	if (atomic_cmpxchg(&x->poll, XEN_POLL_WAITS, XEN_POLL_OVER) == XEN_POLL_WAITS)
		vcpu_request(x->vcpu, VCPU_REQ_EVENT);
	return HRTIMER_NORESTART;
}

int xen_vcpu_create(struct vcpu *vcpu)
{
	struct xen_vcpu *x;

	if (!vcpu->vm->xen)
		return 0;
	x = kzalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);
	if (!x)
		return -ENOMEM;
	x->vcpu = vcpu;
	x->info_gpa = ~0ULL;
	x->time_gpa = ~0ULL;
	x->runstate_gpa = ~0ULL;
	x->fifo.control_gpa = ~0ULL;
	mutex_init(&x->fifo.lock);
	INIT_LIST_HEAD(&x->raised);
	seqcount_init(&x->runstate_seq);
	x->runstate.state = vcpu->id ? RUNSTATE_offline : RUNSTATE_running;
	x->runstate.state_entry_time = xen_now(vcpu->vm);
	/* Others than the first are down until they are started. */
	x->down = vcpu->id;
	x->initialised = !x->down;
	compat_hrtimer_setup(&x->timer, timer_expires, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	compat_hrtimer_setup(&x->periodic, periodic_expires, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	compat_hrtimer_setup(&x->poll_timer, poll_expires, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	set_bit(XEN_TODO_TIME, &x->todo);
	vcpu->xen = x;
	vcpu_request(vcpu, VCPU_REQ_XEN);
	return 0;
}

void xen_vcpu_destroy(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	if (!x)
		return;
	hrtimer_cancel(&x->timer);
	WRITE_ONCE(x->period_ns, 0);
	hrtimer_cancel(&x->periodic);
	hrtimer_cancel(&x->poll_timer);
	vcpu->xen = NULL;
	kfree(x);
}

/* What VCPUOP_initialise left here. */
static void start(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;
	int err;

	mutex_lock(&vcpu->vm->xen->start_lock);
	err = x->initialised ? arch_xen_context_load(vcpu, &x->context) : 0;
	mutex_unlock(&vcpu->vm->xen->start_lock);
	if (err)
		vm_kill(vcpu->vm, "VCPUOP_initialise gave vCPU %u page tables that are not there",
			vcpu->id);
}

int xen_vcpu_requests(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	if (test_and_clear_bit(XEN_TODO_FORGET, &x->todo)) {
		x->callback = false;
		x->upcall_held = false;
	}
	if (test_and_clear_bit(XEN_TODO_START, &x->todo))
		start(vcpu);
	if (test_and_clear_bit(XEN_TODO_TIME, &x->todo))
		xen_info_time(vcpu);
	if (test_and_clear_bit(XEN_TODO_RUNSTATE, &x->todo))
		xen_runstate_update(vcpu);
	xen_info_sync(vcpu);
	if (test_and_clear_bit(XEN_TODO_SHUTDOWN, &x->todo)) {
		vcpu->run->exit_reason = HVMOD_EXIT_SYSTEM;
		vcpu->run->system.reason = READ_ONCE(vcpu->vm->xen->shutdown);
		return RUN_TO_USER;
	}
	return RUN_RESUME;
}

void xen_vcpu_blocks(struct vcpu *vcpu, bool blocks)
{
	if (!blocks)
		xen_runstate_set(vcpu, RUNSTATE_running);
	else
		xen_runstate_set(vcpu, READ_ONCE(vcpu->xen->down) ? RUNSTATE_offline :
								    RUNSTATE_blocked);
}

void xen_vcpu_wakes(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	if (atomic_read(&x->poll) == XEN_POLL_NONE)
		return;
	hrtimer_cancel(&x->poll_timer);
	atomic_set(&x->poll, XEN_POLL_NONE);
	atomic_dec(&vcpu->vm->xen->evtchns.pollers);
}

void xen_vcpu_set_down(struct vcpu *vcpu, bool down)
{
	struct xen_vcpu *x = vcpu->xen;

	mutex_lock(&vcpu->vm->xen->start_lock);
	clear_bit(XEN_TODO_START, &x->todo);
	x->initialised = !down;
	WRITE_ONCE(x->down, down);
	mutex_unlock(&vcpu->vm->xen->start_lock);
}

void xen_vcpu_reset(struct vcpu *vcpu, bool down)
{
	xen_vcpu_set_down(vcpu, down);
	xen_vcpu_wakes(vcpu);
}

void xen_vcpu_clock_changed(struct vcpu *vcpu)
{
	set_bit(XEN_TODO_TIME, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}

/* ---- after a shutdown ---- */

/* What the guest told us about itself; it is stopped, and all of this is READ_ONCE. */
static void forget_vcpu(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	hrtimer_cancel(&x->timer);
	WRITE_ONCE(x->period_ns, 0);
	hrtimer_cancel(&x->periodic);
	WRITE_ONCE(x->info_gpa, ~0ULL);
	WRITE_ONCE(x->time_gva, 0);
	WRITE_ONCE(x->time_gpa, ~0ULL);
	WRITE_ONCE(x->runstate_gva, 0);
	WRITE_ONCE(x->runstate_gpa, ~0ULL);
	WRITE_ONCE(x->upcall_vector, 0);
	WRITE_ONCE(x->pending_sel, 0);
	clear_bit(XEN_TODO_UPCALL, &x->todo);
	clear_bit(XEN_TODO_READY, &x->todo);
	set_bit(XEN_TODO_TIME, &x->todo);
	set_bit(XEN_TODO_FORGET, &x->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}

static void soft_reset(struct vm *vm)
{
	struct xen_vm *xen = vm->xen;
	struct vcpu *vcpu;
	u64 gfn;
	int gsi;
	u32 id;

	xen_watchdogs_stop(vm);
	mutex_lock(&xen->evtchns.change);
	evtchn_reset(vm);
	mutex_unlock(&xen->evtchns.change);
	xen_gnttab_reset(vm);
	vm_for_each_vcpu(vm, id, vcpu)
		forget_vcpu(vcpu);
	gfn = mem_overlay_gfn(vm, virt_to_page(xen->shinfo));
	if (gfn != ~0ULL)
		mem_overlay_remove(vm, gfn);
	xen->layout_32 = false;
	memset(xen->shinfo, 0, PAGE_SIZE);
	memset(xen->shinfo->evtchn_mask, 0xff, sizeof(xen->shinfo->evtchn_mask));
	xen_wallclock(vm);
	gsi = xen_callback_gsi(READ_ONCE(xen->params[HVM_PARAM_CALLBACK_IRQ]));
	WRITE_ONCE(xen->params[HVM_PARAM_CALLBACK_IRQ], 0);
	if (gsi >= 0)
		arch_irq_line(vm, IRQ_SOURCE_XEN, gsi, false);
	xen->assists = 0;
}

long xen_resume_ctl(struct vm *vm, const struct hvmod_xen_resume *args)
{
	struct vcpu *vcpu;
	u32 id;

	if (args->flags & ~HVMOD_XEN_RESUME_RESET)
		return -EINVAL;
	if (READ_ONCE(vm->xen->shutdown) == XEN_RUNS)
		return -ENOENT;
	if (args->flags & HVMOD_XEN_RESUME_RESET)
		soft_reset(vm);
	WRITE_ONCE(vm->xen->shutdown, XEN_RUNS);
	vm_for_each_vcpu(vm, id, vcpu)
		vcpu_request(vcpu, VCPU_REQ_EVENT);
	return 0;
}
