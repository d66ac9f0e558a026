// SPDX-License-Identifier: GPL-2.0
/*
 * memory_op: where shared pages lie in a guest's memory, and how much of it
 * there is.  Hypercalls call it in process context.  A frame number is the
 * guest's: it is checked before it becomes an address.
 */
#include <linux/mm.h>
#include <linux/srcu.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>

#include "module/mem.h"
#include "module/xen/hypercall.h"

/* The rest of the argument is where a call that was cut short goes on. */
#define MEMOP_CMD(arg)	((u32)(arg) & 0x3f)

#define MAX_GFN		(HVMOD_MAX_GPA >> PAGE_SHIFT)

static bool is_self(domid_t dom)
{
	return dom == DOMID_SELF || dom == HVMOD_XEN_DOMID_GUEST;
}

static long add_one(struct vm *vm, u32 space, u64 idx, u64 gfn)
{
	if (gfn >= MAX_GFN)
		return -EINVAL;
	switch (space) {
	case XENMAPSPACE_shared_info:
		if (idx)
			return -EINVAL;
		xen_wallclock(vm);
		return mem_overlay_add(vm, gfn, virt_to_page(vm->xen->shinfo));
	case XENMAPSPACE_grant_table:
		return xen_gnttab_map(vm, idx, gfn);
	}
	return -EINVAL;
}

static long op_add(struct hcall *h)
{
	struct xen_add_to_physmap op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (ret)
		return ret;
	if (!is_self(op.domid))
		return -ESRCH;
	return add_one(h->vcpu->vm, op.space, op.idx, op.gpfn);
}

static long op_remove(struct hcall *h)
{
	struct xen_remove_from_physmap op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (ret)
		return ret;
	if (!is_self(op.domid))
		return -ESRCH;
	if (op.gpfn >= MAX_GFN)
		return -EINVAL;
	return mem_overlay_remove(h->vcpu->vm, op.gpfn);
}

/* Pages of all slots; the highest frame of them plus one. */
static u64 count_pages(struct vm *vm, u64 *end)
{
	const struct mem_slots *slots;
	u64 pages = 0;
	int idx;
	u32 i;

	idx = srcu_read_lock(&vm->mem.srcu);
	slots = mem_slots(vm);
	*end = 0;
	for (i = 0; i < slots->count; i++) {
		const struct mem_slot *slot = &slots->slot[i];

		if (slot->flags & (MEM_SLOT_DYING | HVMOD_MEM_READONLY))
			continue;
		pages += slot->pages;
		*end = max(*end, slot->gfn + slot->pages);
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return pages;
}

static long op_reservation(struct hcall *h)
{
	domid_t dom;
	long ret = hcall_from_guest(h, &dom, h->arg[1], sizeof(dom));
	u64 end;

	if (ret)
		return ret;
	if (!is_self(dom))
		return -ESRCH;
	return count_pages(h->vcpu->vm, &end);
}

static long op_maximum_page(struct hcall *h)
{
	u64 end;

	count_pages(h->vcpu->vm, &end);
	return end;
}

long hcall_memory_op(struct hcall *h)
{
	u32 cmd = MEMOP_CMD(h->arg[0]);

	if (!h->is_64bit)
		return hcall_unknown(h, cmd);
	switch (cmd) {
	case XENMEM_maximum_ram_page:
		return op_maximum_page(h);
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
		return op_reservation(h);
	case XENMEM_add_to_physmap:
		return op_add(h);
	case XENMEM_remove_from_physmap:
		return op_remove(h);
	}
	return hcall_unknown(h, cmd);
}
