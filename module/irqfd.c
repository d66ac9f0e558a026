// SPDX-License-Identifier: GPL-2.0
/*
 * An eventfd raises an interrupt: the signaller's own context delivers it, with
 * no thread in between.  Bound and unbound by ioctl, unbound too when the
 * eventfd is closed.  The wake-up callback runs under the eventfd's lock with
 * interrupts off: it must not sleep and not signal an eventfd.
 *
 * Whoever takes an irqfd off vm->irq.irqfds, under vm->lock, owns it and frees
 * it.  Work of a VM's irqfds is flushed before the VM is freed.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/irq.h"
#include "module/vm.h"
#include "module/xen/xen.h"

#define IRQFD_FLAGS	(HVMOD_IRQFD_DEASSIGN | HVMOD_IRQFD_MSI | HVMOD_IRQFD_RESAMPLE)

struct irqfd {
	struct vm *vm;
	struct list_head node;		/* of vm->irq.irqfds; empty: it has an owner */
	struct eventfd_ctx *ctx;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	poll_table pt;
	struct work_struct shutdown;
	u32 flags;
	u32 gsi;
	struct hvmod_msi msi;
	/* With HVMOD_IRQFD_RESAMPLE: */
	struct list_head resampler;	/* of vm->irq.resamplers */
	struct eventfd_ctx *resample_ctx;
	struct work_struct resample;
};

static struct workqueue_struct *irqfd_wq;

int irqfd_setup(void)
{
	irqfd_wq = alloc_workqueue("hvmod-irqfd", WQ_HIGHPRI, 0);
	return irqfd_wq ? 0 : -ENOMEM;
}

void irqfd_teardown(void)
{
	destroy_workqueue(irqfd_wq);
}

/* ---- raising ---- */

static void irqfd_raise(struct irqfd *irqfd)
{
	struct vm *vm = irqfd->vm;

	if (irqfd->flags & HVMOD_IRQFD_MSI) {
		arch_irq_msi(vm, irqfd->msi.addr, irqfd->msi.data);
	} else if (irqfd->flags & HVMOD_IRQFD_RESAMPLE) {
		arch_irq_line(vm, IRQ_SOURCE_IRQFD, irqfd->gsi, true);
	} else {
		arch_irq_line(vm, IRQ_SOURCE_USER, irqfd->gsi, true);
		arch_irq_line(vm, IRQ_SOURCE_USER, irqfd->gsi, false);
	}
}

static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t flags = key_to_poll(key);
	u64 count;

	if (flags & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		irqfd_raise(irqfd);
	}
	/* The eventfd is being closed: leave its queue from where one may sleep. */
	if (flags & EPOLLHUP)
		queue_work(irqfd_wq, &irqfd->shutdown);
	return 0;
}

/* ---- ends of level-triggered interrupts ---- */

/* Not in irq_eoi(): that may be inside of an eventfd's wake-up. */
static void irqfd_resample_work(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, resample);

	compat_eventfd_signal(irqfd->resample_ctx);
}

void irq_eoi(struct vm *vm, u32 gsi)
{
	struct irq *irq = &vm->irq;
	struct irqfd *irqfd;
	bool lowered = false;
	unsigned long flags;

	if (unlikely(vm->xen))
		xen_irq_eoi(vm, gsi);
	if (list_empty(&irq->resamplers))
		return;
	spin_lock_irqsave(&irq->lock, flags);
	list_for_each_entry(irqfd, &irq->resamplers, resampler) {
		if (irqfd->gsi != gsi)
			continue;
		if (!lowered)
			arch_irq_line(vm, IRQ_SOURCE_IRQFD, gsi, false);
		lowered = true;
		queue_work(irqfd_wq, &irqfd->resample);
	}
	spin_unlock_irqrestore(&irq->lock, flags);
}

static void resampler_add(struct irqfd *irqfd)
{
	struct irq *irq = &irqfd->vm->irq;

	spin_lock_irq(&irq->lock);
	list_add_tail(&irqfd->resampler, &irq->resamplers);
	spin_unlock_irq(&irq->lock);
}

/* The last one of an input leaves the line low. */
static void resampler_remove(struct irqfd *irqfd)
{
	struct irq *irq = &irqfd->vm->irq;
	struct irqfd *other;
	bool shared = false;

	spin_lock_irq(&irq->lock);
	list_del(&irqfd->resampler);
	list_for_each_entry(other, &irq->resamplers, resampler)
		shared |= other->gsi == irqfd->gsi;
	if (!shared)
		arch_irq_line(irqfd->vm, IRQ_SOURCE_IRQFD, irqfd->gsi, false);
	spin_unlock_irq(&irq->lock);
}

/* ---- life ---- */

static void irqfd_free(struct irqfd *irqfd)
{
	if (!IS_ERR_OR_NULL(irqfd->resample_ctx))
		eventfd_ctx_put(irqfd->resample_ctx);
	if (!IS_ERR_OR_NULL(irqfd->ctx))
		eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

/* The owner: nobody calls in when it returns.  vm->lock not held. */
static void irqfd_unbind(struct irqfd *irqfd)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	if (irqfd->flags & HVMOD_IRQFD_RESAMPLE) {
		resampler_remove(irqfd);
		cancel_work_sync(&irqfd->resample);
	}
}

/* vm->lock held.  True: the caller is the owner now. */
static bool irqfd_take(struct irqfd *irqfd)
{
	if (list_empty(&irqfd->node))
		return false;
	list_del_init(&irqfd->node);
	return true;
}

static void irqfd_shutdown_work(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, shutdown);
	bool mine;

	mutex_lock(&irqfd->vm->lock);
	mine = irqfd_take(irqfd);
	mutex_unlock(&irqfd->vm->lock);
	if (mine) {
		irqfd_unbind(irqfd);
		irqfd_free(irqfd);
	}
}

/* By an owner that is not the work: it may be queued, or wait for vm->lock. */
static void irqfd_shutdown(struct irqfd *irqfd)
{
	irqfd_unbind(irqfd);
	cancel_work_sync(&irqfd->shutdown);
	irqfd_free(irqfd);
}

void irqfd_destroy_all(struct vm *vm)
{
	struct irqfd *irqfd;

	for (;;) {
		mutex_lock(&vm->lock);
		irqfd = list_first_entry_or_null(&vm->irq.irqfds, struct irqfd, node);
		if (irqfd)
			irqfd_take(irqfd);
		mutex_unlock(&vm->lock);
		if (!irqfd)
			break;
		irqfd_shutdown(irqfd);
	}
	/* Those that the work took before us. */
	flush_workqueue(irqfd_wq);
}

/* ---- ioctl ---- */

static int irqfd_check(struct vm *vm, const struct hvmod_irqfd *args)
{
	bool msi = args->flags & HVMOD_IRQFD_MSI;
	bool resample = args->flags & HVMOD_IRQFD_RESAMPLE;

	if (args->flags & ~IRQFD_FLAGS || (msi && resample))
		return -EINVAL;
	if (!resample && args->resample_fd)
		return -EINVAL;
	if (args->flags & HVMOD_IRQFD_DEASSIGN)
		return 0;
	if (msi) {
		/* 0xfeexxxxx, and destination bits 8-31 in bits 40-63. */
		return (args->msi.addr & 0xfffff00000ULL) == 0xfee00000ULL ? 0 : -EINVAL;
	}
	if (!(vm->devices & (HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC)))
		return -ENODEV;
	return args->gsi < IRQ_NR_GSI ? 0 : -EINVAL;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct irqfd *irqfd = container_of(pt, struct irqfd, pt);

	irqfd->wqh = wqh;
	add_wait_queue(wqh, &irqfd->wait);
}

static struct irqfd *irqfd_find(struct vm *vm, struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(irqfd, &vm->irq.irqfds, node) {
		if (irqfd->ctx == ctx)
			return irqfd;
	}
	return NULL;
}

/* What was signalled before the binding raises the interrupt too. */
static void irqfd_catch_up(struct irqfd *irqfd)
{
	u64 count = 0;

	spin_lock_irq(&irqfd->wqh->lock);
	eventfd_ctx_do_read(irqfd->ctx, &count);
	if (count)
		irqfd_raise(irqfd);
	spin_unlock_irq(&irqfd->wqh->lock);
}

static int irqfd_bind(struct irqfd *irqfd, struct file *file)
{
	struct vm *vm = irqfd->vm;
	__poll_t events;

	mutex_lock(&vm->lock);
	if (irqfd_find(vm, irqfd->ctx)) {
		mutex_unlock(&vm->lock);
		return -EBUSY;
	}
	list_add_tail(&irqfd->node, &vm->irq.irqfds);
	if (irqfd->flags & HVMOD_IRQFD_RESAMPLE)
		resampler_add(irqfd);
	/* file is held: no EPOLLHUP before we return. */
	events = vfs_poll(file, &irqfd->pt);
	if (events & EPOLLIN)
		irqfd_catch_up(irqfd);
	mutex_unlock(&vm->lock);
	return 0;
}

static int irqfd_assign(struct vm *vm, const struct hvmod_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int err;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->flags = args->flags;
	irqfd->gsi = array_index_nospec(args->gsi, IRQ_NR_GSI);
	irqfd->msi = args->msi;
	INIT_LIST_HEAD(&irqfd->node);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown_work);
	INIT_WORK(&irqfd->resample, irqfd_resample_work);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->pt, irqfd_queue);

	file = eventfd_fget(args->fd);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto free;
	}
	irqfd->ctx = eventfd_ctx_fileget(file);
	err = PTR_ERR_OR_ZERO(irqfd->ctx);
	if (err)
		goto put_file;
	if (irqfd->flags & HVMOD_IRQFD_RESAMPLE) {
		irqfd->resample_ctx = eventfd_ctx_fdget(args->resample_fd);
		err = PTR_ERR_OR_ZERO(irqfd->resample_ctx);
		if (err)
			goto put_file;
	}

	err = irqfd_bind(irqfd, file);
put_file:
	fput(file);
free:
	if (err)
		irqfd_free(irqfd);
	return err;
}

static int irqfd_deassign(struct vm *vm, const struct hvmod_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct irqfd *irqfd;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&vm->lock);
	irqfd = irqfd_find(vm, ctx);
	if (irqfd)
		irqfd_take(irqfd);
	mutex_unlock(&vm->lock);
	eventfd_ctx_put(ctx);
	if (!irqfd)
		return -ENOENT;
	irqfd_shutdown(irqfd);
	return 0;
}

int irqfd_ctl(struct vm *vm, const struct hvmod_irqfd *args)
{
	int err = irqfd_check(vm, args);

	if (err)
		return err;
	if (args->flags & HVMOD_IRQFD_DEASSIGN)
		return irqfd_deassign(vm, args);
	return irqfd_assign(vm, args);
}
