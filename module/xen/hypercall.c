// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercall table: number, name, which guest kinds have it, handler.  The
 * architecture calls hcall_do() with what it took from the guest's registers.
 * Whatever is not in the table gets the error that Xen gives.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/printk.h>

#include "module/arch.h"
#include "module/xen/hypercall.h"

#define KIND_PVH	BIT(HVMOD_KIND_PVH)
#define KIND_HVM	BIT(HVMOD_KIND_HVM)
#define KIND_PV		BIT(HVMOD_KIND_PV)
#define KIND_AUTO	(KIND_PVH | KIND_HVM)		/* translated memory */
#define KIND_ALL	(KIND_AUTO | KIND_PV)

#define HCALL_FAST	BIT(0)	/* may finish with interrupts off */

struct hcall_row {
	const char *name;
	long (*fn)(struct hcall *h);
	u32 kinds;
	u32 flags;
};

#define ROW(nr, handler, for_kinds, row_flags)				\
	[__HYPERVISOR_##nr] = {						\
		.name = #nr, .fn = handler, .kinds = for_kinds, .flags = row_flags, \
	}

/* A domain that is not privileged gets this for what a toolstack may do. */
static long hcall_not_permitted(struct hcall *h)
{
	return -EPERM;
}

static const struct hcall_row hcall_table[] = {
	ROW(platform_op, hcall_not_permitted, KIND_ALL, 0),
	ROW(memory_op, hcall_memory_op, KIND_ALL, 0),
	ROW(multicall, hcall_multicall, KIND_ALL, 0),
	ROW(set_timer_op, hcall_set_timer_op, KIND_ALL, HCALL_FAST),
	ROW(xen_version, hcall_xen_version, KIND_ALL, HCALL_FAST),
	ROW(console_io, hcall_console_io, KIND_ALL, 0),
	ROW(grant_table_op, hcall_grant_table_op, KIND_ALL, 0),
	ROW(vm_assist, hcall_vm_assist, KIND_ALL, 0),
	ROW(vcpu_op, hcall_vcpu_op, KIND_ALL, HCALL_FAST),
	ROW(sched_op, hcall_sched_op, KIND_ALL, 0),
	ROW(event_channel_op, hcall_event_channel_op, KIND_ALL, HCALL_FAST),
	ROW(physdev_op, hcall_physdev_op, KIND_ALL, 0),
	ROW(hvm_op, hcall_hvm_op, KIND_AUTO, 0),
	ROW(sysctl, hcall_not_permitted, KIND_ALL, 0),
	ROW(domctl, hcall_not_permitted, KIND_ALL, 0),
	ROW(dm_op, hcall_not_permitted, KIND_AUTO, 0),
};

static long hcall_absent(struct hcall *h, const char *name)
{
	atomic64_inc(&h->vcpu->vm->xen->unknown);
	pr_info_ratelimited("VM %u: hypercall %u (%s) is not supported\n", h->vcpu->vm->id, h->nr,
			    name ? name : "unknown");
	return -ENOSYS;
}

long hcall_unknown(struct hcall *h, u32 op)
{
	atomic64_inc(&h->vcpu->vm->xen->unknown);
	pr_info_ratelimited("VM %u: hypercall %s, sub-operation %u is not supported\n",
			    h->vcpu->vm->id, h->name, op);
	return -ENOSYS;
}

long hcall_do(struct hcall *h)
{
	const struct hcall_row *row;

	if (h->nr >= ARRAY_SIZE(hcall_table))
		return h->fast ? HCALL_SLOW : hcall_absent(h, NULL);
	row = &hcall_table[array_index_nospec(h->nr, ARRAY_SIZE(hcall_table))];
	if (h->fast && !(row->flags & HCALL_FAST))
		return HCALL_SLOW;
	if (!row->fn || !(row->kinds & BIT(h->vcpu->vm->kind)))
		return hcall_absent(h, row->name);
	h->name = row->name;
	return row->fn(h);
}

long hcall_from_guest(struct hcall *h, void *to, unsigned long gva, size_t len)
{
	int ret = arch_guest_read(h->vcpu, gva, to, len, h->fast);

	return ret == -EAGAIN ? HCALL_SLOW : ret;
}

long hcall_to_guest(struct hcall *h, unsigned long gva, const void *from, size_t len)
{
	if (h->fast)
		return HCALL_SLOW;
	return arch_guest_write(h->vcpu, gva, from, len);
}

/* Runs the entries until one is refused outright; each has its own result. */
long hcall_multicall(struct hcall *h)
{
	unsigned long at = h->arg[0], count = h->arg[1], i;
	long ret = 0;

	if (!h->is_64bit)
		return -ENOSYS;
	for (i = 0; i < count && !ret; i++, at += sizeof(struct multicall_entry)) {
		struct multicall_entry entry;
		struct hcall call = { .vcpu = h->vcpu, .is_64bit = true };

		ret = hcall_from_guest(h, &entry, at, sizeof(entry));
		if (ret)
			break;
		call.nr = entry.op;
		memcpy(call.arg, entry.args, sizeof(call.arg));
		/* Neither nested, nor what leaves the guest in the middle. */
		if (entry.op >= ARRAY_SIZE(hcall_table) || entry.op == __HYPERVISOR_multicall ||
		    entry.op == __HYPERVISOR_console_io)
			entry.result = -ENOSYS;
		else
			entry.result = hcall_do(&call);
		ret = hcall_to_guest(h, at + offsetof(struct multicall_entry, result),
				     &entry.result, sizeof(entry.result));
		if (signal_pending(current) && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}
