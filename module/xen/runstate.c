// SPDX-License-Identifier: GPL-2.0
/*
 * Runstates: for how long a vCPU ran, waited for a CPU, was blocked, was down, and
 * the area of the guest's that says so.  The run loop tells when it blocks, the
 * scheduler how long the thread waited.  Others may read, only the vCPU's thread
 * changes anything.
 */
#include <linux/sched.h>
#include <linux/seqlock.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/xen.h"

/* For how long this thread could have run and had no CPU, ns. */
static u64 waited(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

static int put(struct vcpu *vcpu, u64 gpa, u64 gva, size_t at, const void *from, size_t len)
{
	if (gpa != ~0ULL)
		return mem_write(vcpu->vm, gpa + at, from, len);
	/* By its virtual address each time: it is where the guest has it mapped now. */
	return arch_guest_write(vcpu, gva + at, from, len);
}

size_t xen_runstate_layout(void *to, const struct vcpu_runstate_info *info, bool is_64bit)
{
	struct xen_runstate_32 *r = to;

	if (is_64bit) {
		memcpy(to, info, sizeof(*info));
		return sizeof(*info);
	}
	r->state = info->state;
	r->state_entry_time = info->state_entry_time;
	memcpy(r->time, info->time, sizeof(r->time));
	return sizeof(*r);
}

static void write_area(struct vcpu *vcpu)
{
	bool is_64bit = !READ_ONCE(vcpu->xen->runstate_32);
	const size_t entry = is_64bit ? offsetof(struct vcpu_runstate_info, state_entry_time) :
					offsetof(struct xen_runstate_32, state_entry_time);
	bool flag = test_bit(VMASST_TYPE_runstate_update_flag, &vcpu->vm->xen->assists);
	struct vcpu_runstate_info *r = &vcpu->xen->runstate, copy;
	u64 gpa = READ_ONCE(vcpu->xen->runstate_gpa), gva = READ_ONCE(vcpu->xen->runstate_gva);
	u64 marked = r->state_entry_time | XEN_RUNSTATE_UPDATE;

	if (gpa == ~0ULL && !gva)
		return;
	if (!flag) {
		put(vcpu, gpa, gva, 0, &copy, xen_runstate_layout(&copy, r, is_64bit));
		return;
	}
	if (put(vcpu, gpa, gva, entry, &marked, sizeof(marked)))
		return;
	smp_wmb();	/* marked before it changes */
	put(vcpu, gpa, gva, 0, r, sizeof(r->state));
	put(vcpu, gpa, gva, entry + sizeof(marked), r->time, sizeof(r->time));
	smp_wmb();	/* unmarked after it has changed */
	put(vcpu, gpa, gva, entry, &r->state_entry_time, sizeof(marked));
}

static void account(struct vcpu *vcpu, int state)
{
	struct xen_vcpu *x = vcpu->xen;
	struct vcpu_runstate_info *r = &x->runstate;
	u64 now = xen_now(vcpu->vm), delay = waited(), took, stolen;

	preempt_disable();
	write_seqcount_begin(&x->runstate_seq);
	took = now - r->state_entry_time;
	stolen = x->thread == current ? min(delay - x->waited, took) : 0;
	x->thread = current;
	/* The thread waits for a CPU at the end of a block, too. */
	r->time[RUNSTATE_runnable] += stolen;
	r->time[r->state] += took - stolen;
	r->state = state;
	r->state_entry_time = now;
	x->waited = delay;
	write_seqcount_end(&x->runstate_seq);
	preempt_enable();
	write_area(vcpu);
}

void xen_runstate_set(struct vcpu *vcpu, int state)
{
	if (vcpu->xen->runstate.state != state)
		account(vcpu, state);
}

void xen_runstate_update(struct vcpu *vcpu)
{
	account(vcpu, vcpu->xen->runstate.state);
}

void xen_vcpu_sched_in(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;

	/* On the way into HVMOD_VCPU_RUN too: then there is nothing to tell yet. */
	if (READ_ONCE(x->runstate_gva) || READ_ONCE(x->runstate_gpa) != ~0ULL) {
		set_bit(XEN_TODO_RUNSTATE, &x->todo);
		set_bit(VCPU_REQ_XEN, &vcpu->requests);
	}
}

void xen_runstate_get(struct vcpu *vcpu, struct vcpu_runstate_info *info)
{
	struct xen_vcpu *x = vcpu->xen;
	unsigned int seq;
	u64 now;

	do {
		seq = read_seqcount_begin(&x->runstate_seq);
		*info = x->runstate;
		now = xen_now(vcpu->vm);
	} while (read_seqcount_retry(&x->runstate_seq, seq));
	if (now > info->state_entry_time)
		info->time[info->state & 3] += now - info->state_entry_time;
}
