// SPDX-License-Identifier: GPL-2.0
/*
 * memory_op: where shared pages lie in a guest's memory, how much of it there
 * is, and its map.  Hypercalls call it in process context.  A frame number is
 * the guest's: it is checked before it becomes an address.  What changes how
 * much memory there is, is in balloon.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/hypercall.h"
#include "module/xen/memory.h"

u64 xen_memory_pages(struct vm *vm, u64 *end)
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
		pages += slot->pages - mem_hole_count(vm, slot->gfn, slot->pages);
		*end = max(*end, slot->gfn + slot->pages);
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return pages;
}

long xen_memory_domain(u32 dom)
{
	if (hcall_is_self(dom))
		return 0;
	return dom == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
}

/* ---- how much ---- */

long hcall_memory_max_page(struct hcall *h)
{
	u64 end;

	if (memop_start(h))
		return -EINVAL;
	xen_memory_pages(h->vcpu->vm, &end);
	return end;
}

/* current_reservation, maximum_reservation, maximum_gpfn */
long hcall_memory_size(struct hcall *h)
{
	struct vm *vm = h->vcpu->vm;
	domid_t dom;
	u64 pages, end, max;
	long ret;

	if (memop_start(h))
		return -EINVAL;
	ret = hcall_from_guest(h, &dom, h->arg[1], sizeof(dom));
	if (!ret)
		ret = xen_memory_domain(dom);
	if (ret)
		return ret;
	pages = xen_memory_pages(vm, &end);
	max = READ_ONCE(vm->xen->memory.max_pages);
	switch (h->op) {
	case XENMEM_current_reservation:
		return pages;
	case XENMEM_maximum_reservation:
		return max ?: pages;
	}
	return end ? end - 1 : 0;
}

/* ---- the map ---- */

/* Two layouts: a number and an address of XEN_E820 entries of 20 bytes. */
struct map_arg {
	u32 count;
	u64 buffer;
};

static long get_map_arg(struct hcall *h, unsigned long gva, struct map_arg *arg)
{
	u32 word[4];
	long ret = hcall_from_guest(h, word, gva, h->is_64bit ? 16 : 8);

	if (ret)
		return ret;
	arg->count = word[0];
	arg->buffer = h->is_64bit ? word[2] | (u64)word[3] << 32 : word[1];
	return 0;
}

struct e820_20 {
	u64 addr;
	u64 size;
	u32 type;
} __packed;

long hcall_memory_map(struct hcall *h)
{
	struct xen_memory *m = &h->vcpu->vm->xen->memory;
	struct map_arg arg;
	struct e820_20 e;
	long ret;
	u32 i;

	if (memop_start(h))
		return -EINVAL;
	ret = get_map_arg(h, h->arg[1], &arg);
	if (ret)
		return ret;
	mutex_lock(&m->lock);
	if (!m->map_count)
		ret = -ENOSYS;		/* Xen's, where the toolstack gave none */
	arg.count = min(arg.count, m->map_count);
	for (i = 0; i < arg.count && !ret; i++) {
		e = (struct e820_20) { m->map[i].addr, m->map[i].size, m->map[i].type };
		ret = hcall_to_guest(h, arg.buffer + i * sizeof(e), &e, sizeof(e));
	}
	mutex_unlock(&m->lock);
	if (ret)
		return ret;
	return hcall_to_guest(h, h->arg[1], &arg.count, sizeof(arg.count));
}

/* A guest may set its own. */
long hcall_memory_set_map(struct hcall *h)
{
	struct xen_memory *m = &h->vcpu->vm->xen->memory;
	struct hvmod_xen_map_entry *map;
	struct map_arg arg;
	struct e820_20 e;
	domid_t dom;
	long ret;
	u32 i;

	if (memop_start(h))
		return -EINVAL;
	ret = hcall_from_guest(h, &dom, h->arg[1], sizeof(dom));
	if (!ret)
		ret = get_map_arg(h, h->arg[1] + (h->is_64bit ? 8 : 4), &arg);
	if (!ret && arg.count > HVMOD_XEN_MAP_MAX)
		ret = -EINVAL;
	if (!ret)
		ret = xen_memory_domain(dom);
	if (ret)
		return ret;
	map = kcalloc(HVMOD_XEN_MAP_MAX, sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	for (i = 0; i < arg.count && !ret; i++) {
		ret = hcall_from_guest(h, &e, arg.buffer + i * sizeof(e), sizeof(e));
		map[i] = (struct hvmod_xen_map_entry) { e.addr, e.size, e.type };
	}
	if (!ret) {
		mutex_lock(&m->lock);
		memcpy(m->map, map, arg.count * sizeof(*map));
		m->map_count = arg.count;
		mutex_unlock(&m->lock);
	}
	kfree(map);
	return ret;
}

/* HVMOD_VM_XEN_MAP */
long xen_map_ctl(struct vm *vm, const struct hvmod_xen_map *args)
{
	struct xen_memory *m = &vm->xen->memory;
	struct hvmod_xen_map_entry *map;
	long ret = 0;

	if (args->count > HVMOD_XEN_MAP_MAX)
		return -EINVAL;
	map = memdup_user(u64_to_user_ptr(args->addr), args->count * sizeof(*map));
	if (IS_ERR(map))
		return PTR_ERR(map);
	mutex_lock(&m->lock);
	memcpy(m->map, map, args->count * sizeof(*map));
	m->map_count = args->count;
	mutex_unlock(&m->lock);
	kfree(map);
	return ret;
}

/* ---- add_to_physmap ---- */

/* What lay there of the guest's own is freed, as Xen does. */
static long add_shared(struct hcall *h, struct given *g, u64 gfn, struct page *page, u64 idx)
{
	struct vm *vm = h->vcpu->vm;
	long ret;

	ret = page ? mem_overlay_add(vm, gfn, page) : xen_gnttab_map(vm, idx, gfn);
	if (!ret && !mem_hole_make(vm, gfn, &g->flush))
		given_add(h, g, gfn);
	return ret;
}

/* 0 or Xen's error of one frame. */
static long add_one(struct hcall *h, struct given *g, u32 space, u64 idx, u64 gfn)
{
	struct vm *vm = h->vcpu->vm;

	if (gfn >= XEN_MAX_GFN)
		return -EINVAL;
	switch (space) {
	case XENMAPSPACE_shared_info:
		if (idx)
			return -EINVAL;
		xen_wallclock(vm);
		return add_shared(h, g, gfn, virt_to_page(vm->xen->shinfo), 0);
	case XENMAPSPACE_grant_table:
		return add_shared(h, g, gfn, NULL, idx);
	case XENMAPSPACE_gmfn:
	case XENMAPSPACE_gmfn_range:
		return xen_memory_move(h, g, idx, gfn);
	case XENMAPSPACE_gmfn_foreign:
		return -EPERM;
	case XENMAPSPACE_dev_mmio:
		return -EACCES;
	}
	return -EINVAL;
}

struct add_32 {
	u16 domid;
	u16 size;
	u32 space;
	u32 idx;
	u32 gpfn;
};

static long get_add(struct hcall *h, struct xen_add_to_physmap *op)
{
	struct add_32 op32;
	long ret;

	if (h->is_64bit)
		return hcall_from_guest(h, op, h->arg[1], sizeof(*op));
	ret = hcall_from_guest(h, &op32, h->arg[1], sizeof(op32));
	*op = (struct xen_add_to_physmap) {
		.domid = op32.domid, .size = op32.size, .space = op32.space,
		.idx = op32.idx, .gpfn = op32.gpfn,
	};
	return ret;
}

long hcall_memory_add(struct hcall *h)
{
	struct xen_add_to_physmap op;
	u64 start = memop_start(h);
	struct given g;
	long ret;

	if (start > U16_MAX)
		return -EDOM;
	ret = get_add(h, &op);
	if (!ret && op.space == XENMAPSPACE_gmfn_foreign)
		ret = -ENOSYS;
	if (!ret)
		ret = xen_memory_domain(op.domid);
	if (ret)
		return ret;
	given_begin(h, &g);
	if (op.space != XENMAPSPACE_gmfn_range)
		return given_end(h, &g, add_one(h, &g, op.space, op.idx, op.gpfn));
	if (op.size < start)
		return -EILSEQ;
	while (start < op.size) {
		ret = add_one(h, &g, op.space, op.idx + start, op.gpfn + start);
		if (ret)
			break;
		start++;
		if (start < op.size && (given_full(&g) || hcall_preempted(h))) {
			memop_restart(h, start);
			return given_end(h, &g, hcall_again(h));
		}
	}
	return given_end(h, &g, ret);
}

struct batch_32 {
	u16 domid;
	u16 space;
	u16 size;
	u16 foreign_domid;
	u32 idxs;
	u32 gpfns;
	u32 errs;
};

struct batch {
	u16 domid;
	u16 space;
	u16 size;
	u64 idxs;
	u64 gpfns;
	u64 errs;
};

static long get_batch(struct hcall *h, struct batch *op)
{
	struct xen_add_to_physmap_range op64;
	struct batch_32 op32;
	long ret;

	if (h->is_64bit) {
		ret = hcall_from_guest(h, &op64, h->arg[1], sizeof(op64));
		*op = (struct batch) {
			.domid = op64.domid, .space = op64.space, .size = op64.size,
			.idxs = (unsigned long)op64.idxs, .gpfns = (unsigned long)op64.gpfns,
			.errs = (unsigned long)op64.errs,
		};
		return ret;
	}
	ret = hcall_from_guest(h, &op32, h->arg[1], sizeof(op32));
	*op = (struct batch) {
		.domid = op32.domid, .space = op32.space, .size = op32.size,
		.idxs = op32.idxs, .gpfns = op32.gpfns, .errs = op32.errs,
	};
	return ret;
}

static long batch_one(struct hcall *h, struct given *g, const struct batch *op, u64 i)
{
	u32 size = h->is_64bit ? 8 : 4;
	u64 idx = 0, gfn = 0;
	long ret;
	s32 err;

	ret = hcall_from_guest(h, &idx, op->idxs + i * size, size);
	if (!ret)
		ret = hcall_from_guest(h, &gfn, op->gpfns + i * size, size);
	if (ret)
		return ret;
	err = add_one(h, g, op->space, idx, gfn);
	return hcall_to_guest(h, op->errs + i * sizeof(err), &err, sizeof(err));
}

long hcall_memory_add_batch(struct hcall *h)
{
	u64 start = memop_start(h);
	struct batch op;
	struct given g;
	long ret;

	if (start > U16_MAX)
		return -EDOM;
	ret = get_batch(h, &op);
	if (!ret && op.space == XENMAPSPACE_gmfn_range)
		ret = -EOPNOTSUPP;
	if (!ret)
		ret = xen_memory_domain(op.domid);
	if (!ret && op.space == XENMAPSPACE_dev_mmio)
		ret = -EACCES;
	if (!ret && op.size < start)
		ret = -EILSEQ;
	if (ret)
		return ret;
	given_begin(h, &g);
	while (start < op.size) {
		ret = batch_one(h, &g, &op, start);
		if (ret)
			break;
		start++;
		if (start < op.size && (given_full(&g) || hcall_preempted(h))) {
			memop_restart(h, start);
			return given_end(h, &g, hcall_again(h));
		}
	}
	return given_end(h, &g, ret);
}
