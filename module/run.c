// SPDX-License-Identifier: GPL-2.0
/*
 * The run loop: what a vCPU does between one HVMOD_VCPU_RUN and its return.
 * Called by dev.c with vcpu->lock held.  It is the only place that loops; it
 * knows no register and no exit reason.
 */
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/timex.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/xen/xen.h"

/* Halt polling: longest and first window, ns. */
#define POLL_MAX	50000
#define POLL_START	10000

static int to_user(struct vcpu *vcpu, u32 reason)
{
	vcpu->run->exit_reason = reason;
	return RUN_TO_USER;
}

static int killed(struct vcpu *vcpu)
{
	/* Pairs with vm_kill(): the sentence is complete when dead is seen. */
	smp_rmb();
	strscpy(vcpu->run->killed.why, vcpu->vm->why, sizeof(vcpu->run->killed.why));
	return to_user(vcpu, HVMOD_EXIT_KILLED);
}

static int take_requests(struct vcpu *vcpu)
{
	int ret = RUN_RESUME;

	if (READ_ONCE(vcpu->vm->dead))
		return killed(vcpu);
	clear_bit(VCPU_REQ_DEAD, &vcpu->requests);
	if (test_and_clear_bit(VCPU_REQ_TRIPLE_FAULT, &vcpu->requests)) {
		WRITE_ONCE(vcpu->arch.inject.triple_fault, false);
		return to_user(vcpu, HVMOD_EXIT_SHUTDOWN);
	}
	arch_irq_check(vcpu);
	clear_bit(VCPU_REQ_EVENT, &vcpu->requests);
	if (test_and_clear_bit(VCPU_REQ_XEN, &vcpu->requests))
		ret = xen_vcpu_requests(vcpu);
	return ret;
}

static bool must_wake(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || arch_vcpu_runnable(vcpu) ||
	       signal_pending(current) || READ_ONCE(vcpu->run->immediate_exit);
}

static bool halt_poll(struct vcpu *vcpu)
{
	u64 end = ktime_get_ns() + vcpu->halt_poll_ns;

	while (ktime_get_ns() < end && !need_resched()) {
		if (must_wake(vcpu))
			return true;
		cpu_relax();
	}
	return false;
}

static int vcpu_block(struct vcpu *vcpu)
{
	u64 start = ktime_get_ns(), start_ticks = get_cycles();
	u64 slept;

	if (vcpu->halt_poll_ns && halt_poll(vcpu))
		goto out;

	WRITE_ONCE(vcpu->halt_since, start_ticks);
	if (vcpu->xen)
		xen_vcpu_blocks(vcpu, true);
	arch_vcpu_block(vcpu);
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (must_wake(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	arch_vcpu_unblock(vcpu);
	if (vcpu->xen)
		xen_vcpu_blocks(vcpu, false);

	/* Short waits are worth polling for, long ones are not. */
	slept = ktime_get_ns() - start;
	if (slept > POLL_MAX)
		vcpu->halt_poll_ns = 0;
	else
		vcpu->halt_poll_ns = min(max(vcpu->halt_poll_ns * 2, POLL_START), POLL_MAX);
out:
	WRITE_ONCE(vcpu->halt_since, 0);
	vcpu->stat.halt_ticks += get_cycles() - start_ticks;
	return RUN_RESUME;
}

static int run_once(struct vcpu *vcpu)
{
	int ret;

	if (READ_ONCE(vcpu->requests)) {
		ret = take_requests(vcpu);
		if (ret != RUN_RESUME)
			return ret;
	}
	if (READ_ONCE(vcpu->run->immediate_exit))
		return -EINTR;
	if (signal_pending(current))
		return -EINTR;
	if (need_resched())
		cond_resched();
	/* Work that only the way out to user space does: rseq, task work. */
	if (test_thread_flag(TIF_NOTIFY_RESUME))
		return to_user(vcpu, HVMOD_EXIT_NONE);
	if (!arch_vcpu_unhalt(vcpu))
		return vcpu_block(vcpu);
	return arch_vcpu_enter(vcpu);
}

long vcpu_run(struct vcpu *vcpu)
{
	u64 start = get_cycles();
	int ret = RUN_RESUME;

	WRITE_ONCE(vcpu->run_since, start);
	vcpu->has_run = true;
	vcpu->run->exit_reason = HVMOD_EXIT_NONE;
	arch_run_begin(vcpu);
	vcpu_load(vcpu);

	if (vcpu->user_wait != VCPU_WAIT_NONE)
		ret = arch_complete_user(vcpu);
	while (ret == RUN_RESUME)
		ret = run_once(vcpu);

	vcpu_put(vcpu);
	arch_run_end(vcpu);
	WRITE_ONCE(vcpu->run_since, 0);
	vcpu->stat.run_ticks += get_cycles() - start;
	if (ret != RUN_TO_USER)
		return ret;
	vcpu->stat.to_user++;
	return 0;
}
