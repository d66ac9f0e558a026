// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a vCPU, on which CPU it is loaded, and how others get its
 * attention.  Called by dev.c, vm.c, run.c and by everybody who has an event
 * for a vCPU.  It does not decide when a vCPU runs: that is run.c.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/vm.h"
#include "module/xen/xen.h"

static void vcpu_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct vcpu *vcpu = container_of(notifier, struct vcpu, notifier);

	WRITE_ONCE(vcpu->cpu, cpu);
	arch_vcpu_load(vcpu, cpu);
	if (vcpu->xen)
		xen_vcpu_sched_in(vcpu);
}

static void vcpu_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct vcpu *vcpu = container_of(notifier, struct vcpu, notifier);

	arch_vcpu_put(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = vcpu_sched_in,
	.sched_out = vcpu_sched_out,
};

void vcpu_setup(void)
{
	preempt_notifier_inc();
}

void vcpu_teardown(void)
{
	preempt_notifier_dec();
}

void vcpu_load(struct vcpu *vcpu)
{
	int cpu;

	lockdep_assert_held(&vcpu->lock);
	if (vcpu->loads++)
		return;
	cpu = get_cpu();
	preempt_notifier_register(&vcpu->notifier);
	WRITE_ONCE(vcpu->cpu, cpu);
	arch_vcpu_load(vcpu, cpu);
	put_cpu();
}

void vcpu_put(struct vcpu *vcpu)
{
	if (--vcpu->loads)
		return;
	preempt_disable();
	arch_vcpu_put(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);
	preempt_notifier_unregister(&vcpu->notifier);
	preempt_enable();
}

static struct vcpu *vcpu_alloc(struct vm *vm, u32 id)
{
	struct vcpu *vcpu;
	struct page *page;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return NULL;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page) {
		kfree(vcpu);
		return NULL;
	}
	vcpu->run = page_address(page);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	mutex_init(&vcpu->lock);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->notifier, &vcpu_preempt_ops);
	return vcpu;
}

static void vcpu_release(struct vcpu *vcpu)
{
	free_page((unsigned long)vcpu->run);
	mutex_destroy(&vcpu->lock);
	kfree(vcpu);
}

struct vcpu *vcpu_create(struct vm *vm, u32 id)
{
	struct vcpu *vcpu;
	int err;

	BUILD_BUG_ON(sizeof(struct hvmod_run) != PAGE_SIZE);
	lockdep_assert_held(&vm->lock);

	if (id >= HVMOD_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	if (vm_vcpu(vm, id))
		return ERR_PTR(-EEXIST);

	vcpu = vcpu_alloc(vm, id);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	/* Nobody else knows it yet; its lock is for lockdep and vcpu_load(). */
	mutex_lock(&vcpu->lock);
	err = arch_vcpu_init(vcpu);
	if (!err) {
		err = xen_vcpu_create(vcpu);
		if (err)
			arch_vcpu_destroy(vcpu);
	}
	mutex_unlock(&vcpu->lock);
	if (err) {
		vcpu_release(vcpu);
		return ERR_PTR(err);
	}

	/* Pairs with vm_vcpu(). */
	smp_store_release(&vm->vcpus[array_index_nospec(id, HVMOD_MAX_VCPUS)], vcpu);
	if (id >= vm->max_vcpu_id)
		WRITE_ONCE(vm->max_vcpu_id, id + 1);
	WRITE_ONCE(vm->nr_vcpus, vm->nr_vcpus + 1);
	return vcpu;
}

void vcpu_free(struct vcpu *vcpu)
{
	xen_vcpu_destroy(vcpu);
	arch_vcpu_destroy(vcpu);
	vcpu_release(vcpu);
}

bool vcpu_notify(struct vcpu *vcpu, void (*send)(int cpu))
{
	int cpu, this_cpu;
	bool here;

	/*
	 * Pairs with the barriers after vcpu->mode = VCPU_IN_GUEST and in
	 * set_current_state() after prepare_to_rcuwait(): either the vCPU sees
	 * what the caller wrote, or we see where it is.
	 */
	smp_mb();
	if (rcuwait_active(&vcpu->wait))
		rcuwait_wake_up(&vcpu->wait);

	this_cpu = get_cpu();
	cpu = READ_ONCE(vcpu->cpu);
	here = cpu == this_cpu;
	if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST && cpu >= 0 && !here && cpu_online(cpu))
		send(cpu);
	put_cpu();
	return !here;
}

void vcpu_kick(struct vcpu *vcpu)
{
	vcpu_notify(vcpu, compat_send_reschedule);
}

void vcpu_request(struct vcpu *vcpu, enum vcpu_req req)
{
	set_bit(req, &vcpu->requests);
	vcpu_kick(vcpu);
}
