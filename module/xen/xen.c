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
	err = xen_gnttab_create(xen);
	if (err) {
		__free_page(page);
		kvfree(xen);
		return err;
	}
	vm->xen = xen;
	xen->clock_tsc = arch_clock_tsc();
	xen_wallclock(vm);
	return 0;
}

void xen_vm_stop(struct vm *vm)
{
	if (vm->xen)
		evtchn_reset(vm);
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
	x->runstate.state = vcpu->id ? RUNSTATE_offline : RUNSTATE_running;
	x->runstate.state_entry_time = xen_now(vcpu->vm);
	/* Others than the first are down until they are started. */
	x->down = vcpu->id;
	compat_hrtimer_setup(&x->timer, timer_expires, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
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
	hrtimer_cancel(&x->poll_timer);
	vcpu->xen = NULL;
	kfree(x);
}

int xen_vcpu_requests(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	if (test_and_clear_bit(XEN_TODO_TIME, &x->todo))
		xen_info_time(vcpu);
	xen_info_sync(vcpu);
	if (test_and_clear_bit(XEN_TODO_SHUTDOWN, &x->todo)) {
		vcpu->run->exit_reason = HVMOD_EXIT_SYSTEM;
		vcpu->run->system.reason = x->shutdown;
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

	if (READ_ONCE(x->down))
		WRITE_ONCE(x->down, false);
	if (atomic_read(&x->poll) == XEN_POLL_NONE)
		return;
	hrtimer_cancel(&x->poll_timer);
	atomic_set(&x->poll, XEN_POLL_NONE);
	atomic_dec(&vcpu->vm->xen->evtchns.pollers);
}

void xen_vcpu_clock_changed(struct vcpu *vcpu)
{
	set_bit(XEN_TODO_TIME, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}
