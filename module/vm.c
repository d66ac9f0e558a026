// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a VM: made, counted, killed, freed when its last descriptor is
 * gone.  Called by dev.c; vm_kill() by everybody who finds the guest at fault.
 * It knows the order of set-up and tear-down and none of the parts.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/stat.h"
#include "module/vm.h"
#include "module/xen/xen.h"

#define DEVICES_ALL	(HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT | HVMOD_DEV_PMTMR)

static atomic_t vm_last_id = ATOMIC_INIT(0);
static atomic_t vm_live = ATOMIC_INIT(0);

int vm_count(void)
{
	return atomic_read(&vm_live);
}

static int check_args(const struct hvmod_vm_create *args)
{
	u64 kinds;
	int err;

	if (args->kind > HVMOD_KIND_PV || (args->devices & ~DEVICES_ALL))
		return -EINVAL;
	if (args->devices & HVMOD_DEV_PMTMR) {
		/* Four bytes that do not wrap, and not port 0. */
		if (!args->pmtmr_port || args->pmtmr_port > 0xfffc || (args->pmtmr_port & 3))
			return -EINVAL;
	} else if (args->pmtmr_port) {
		return -EINVAL;
	}

	err = arch_cap(HVMOD_CAP_KINDS, &kinds);
	if (err)
		return err;
	return kinds & BIT_ULL(args->kind) ? 0 : -EOPNOTSUPP;
}

struct vm *vm_create(const struct hvmod_vm_create *args)
{
	struct vm *vm;
	int err;

	err = check_args(args);
	if (err)
		return ERR_PTR(err);

	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	vm->kind = args->kind;
	vm->devices = args->devices;
	vm->pmtmr_port = args->pmtmr_port;
	vm->id = atomic_inc_return(&vm_last_id);
	iobus_init(&vm->pio);
	iobus_init(&vm->mmio);
	irq_init(vm);

	/* Its devices register on the buses. */
	mutex_lock(&vm->lock);
	err = arch_vm_init(vm);
	mutex_unlock(&vm->lock);
	if (err)
		goto free;

	err = xen_vm_create(vm);
	if (err)
		goto arch;

	/* Last: from here on the notifier calls into the architecture. */
	err = mem_setup(vm);
	if (err)
		goto xen;

	atomic_inc(&vm_live);
	stat_vm_add(vm);
	return vm;

xen:
	xen_vm_destroy(vm);
arch:
	iobus_destroy(&vm->mmio);
	iobus_destroy(&vm->pio);
	arch_vm_destroy(vm);
free:
	mutex_destroy(&vm->lock);
	kvfree(vm);
	return ERR_PTR(err);
}

static void vm_destroy(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	stat_vm_remove(vm);
	/* Whoever might send an event stops before the vCPUs go. */
	irq_destroy(vm);
	xen_vm_stop(vm);
	/* The notifier makes vCPUs flush: it stops before they go, too. */
	mem_destroy(vm);
	vm_for_each_vcpu(vm, id, vcpu)
		vcpu_free(vcpu);
	xen_vm_destroy(vm);
	iobus_destroy(&vm->mmio);
	iobus_destroy(&vm->pio);
	arch_vm_destroy(vm);
	atomic_dec(&vm_live);
	mutex_destroy(&vm->lock);
	kvfree(vm);
}

void vm_get(struct vm *vm)
{
	refcount_inc(&vm->users);
}

void vm_put(struct vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		vm_destroy(vm);
}

void vm_kill(struct vm *vm, const char *fmt, ...)
{
	struct vcpu *vcpu;
	va_list args;
	u32 id;

	if (atomic_cmpxchg(&vm->killed, 0, 1))
		return;

	va_start(args, fmt);
	vsnprintf(vm->why, sizeof(vm->why), fmt, args);
	va_end(args);
	/* Whoever sees it dead sees why. */
	smp_store_release(&vm->dead, true);

	vm_for_each_vcpu(vm, id, vcpu)
		vcpu_request(vcpu, VCPU_REQ_DEAD);
	pr_info_ratelimited("VM %u was killed: %s\n", vm->id, vm->why);
}
