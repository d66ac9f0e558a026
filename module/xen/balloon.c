// SPDX-License-Identifier: GPL-2.0
/*
 * How much memory a guest has: frames that it gives back and takes again.
 * memory_op and the launcher's ioctl call it, in process context.  The memory
 * is the launcher's, so only the launcher can give it back to the host: a call
 * that made holes leaves to it with the list of them.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/hypercall.h"
#include "module/xen/memory.h"

/* Xen's limit of an extent, for a domain without devices; and of their number. */
#define MAX_ORDER_DOMU	9
#define MAX_EXTENTS	(U32_MAX >> MEMOP_SHIFT)

/* ---- what the launcher is told ---- */

void given_begin(struct hcall *h, struct given *g)
{
	*g = (struct given) { .on = READ_ONCE(h->vcpu->vm->xen->memory.exits) };
}

bool given_full(const struct given *g)
{
	return g->count == sizeof(((struct hvmod_run *)0)->data) / sizeof(g->last);
}

void given_add(struct hcall *h, struct given *g, u64 gfn)
{
	struct hvmod_xen_range *to = (struct hvmod_xen_range *)h->vcpu->run->data;

	if (!g->on)
		return;
	/* Linux's balloon takes its pages from the top down. */
	if (g->count && g->last.gfn + g->last.pages == gfn) {
		g->last.pages++;
	} else if (g->count && g->last.gfn == gfn + 1) {
		g->last.gfn = gfn;
		g->last.pages++;
	} else if (!given_full(g)) {
		g->last = (struct hvmod_xen_range) { gfn, 1 };
		g->count++;
	}
	to[g->count - 1] = g->last;
}

long given_end(struct hcall *h, struct given *g, long ret)
{
	struct hvmod_run *run = h->vcpu->run;

	if (g->flush)
		arch_mmu_flush(h->vcpu->vm);
	if (g->count) {
		run->exit_reason = HVMOD_EXIT_XEN_MEMORY;
		run->memory.count = g->count;
		h->to_user = true;
	}
	return ret;
}

/* ---- increase, decrease, populate ---- */

struct reservation_32 {
	u32 extent_start;
	u32 nr_extents;
	u32 extent_order;
	u32 mem_flags;
	u16 domid;
};

struct reservation {
	u64 list;
	u64 count;
	u32 order;
	u32 flags;
	u16 domid;
};

static long get_reservation(struct hcall *h, struct reservation *r)
{
	struct xen_memory_reservation op64;
	struct reservation_32 op32;
	long ret;

	if (h->is_64bit) {
		ret = hcall_from_guest(h, &op64, h->arg[1], sizeof(op64));
		*r = (struct reservation) {
			.list = (unsigned long)op64.extent_start, .count = op64.nr_extents,
			.order = op64.extent_order, .flags = op64.address_bits,
			.domid = op64.domid,
		};
		return ret;
	}
	ret = hcall_from_guest(h, &op32, h->arg[1], sizeof(op32));
	*r = (struct reservation) {
		.list = op32.extent_start, .count = op32.nr_extents,
		.order = op32.extent_order, .flags = op32.mem_flags, .domid = op32.domid,
	};
	return ret;
}

static bool has_overlay(struct vm *vm, u64 gfn)
{
	bool has;

	rcu_read_lock();
	has = mem_overlay_find(vm, gfn);
	rcu_read_unlock();
	return has;
}

/* Shared pages are not the guest's to give. */
static bool decrease_one(struct hcall *h, struct given *g, u64 gfn, u32 order)
{
	struct vm *vm = h->vcpu->vm;
	u64 end = gfn + (1ULL << order);

	for (; gfn < end; gfn++) {
		if (gfn >= XEN_MAX_GFN || has_overlay(vm, gfn) ||
		    mem_hole_make(vm, gfn, &g->flush))
			return false;
		given_add(h, g, gfn);
	}
	return true;
}

/* All of an extent or nothing; *room: pages up to the limit. */
static bool populate_one(struct vm *vm, u64 gfn, u32 order, u64 *room)
{
	u64 pages = 1ULL << order, i;
	bool flush = false;

	if (gfn >= XEN_MAX_GFN || pages > *room)
		return false;
	for (i = 0; i < pages; i++) {
		if (has_overlay(vm, gfn + i) || mem_hole_fill(vm, gfn + i))
			goto undo;
	}
	*room -= pages;
	return true;

	/* Nobody has mapped them yet, or it is the guest's own race. */
undo:
	while (i--)
		mem_hole_make(vm, gfn + i, &flush);
	if (flush)
		arch_mmu_flush(vm);
	return false;
}

/* Pages that may come back, memory.lock held. */
static u64 room_of(struct vm *vm)
{
	u64 max = vm->xen->memory.max_pages, end;
	u64 pages = xen_memory_pages(vm, &end);

	lockdep_assert_held(&vm->xen->memory.lock);
	if (!max)
		return U64_MAX;
	return pages < max ? max - pages : 0;
}

/*
 * How many extents are done, counted from the first: Xen tells no error, only
 * that it went no farther.  increase_reservation adds pages that a translated
 * guest could not reach: it gets what a guest at its limit gets, none.
 */
long hcall_memory_reservation(struct hcall *h)
{
	struct xen_memory *m = &h->vcpu->vm->xen->memory;
	u64 start = memop_start(h), done = start, gfn = 0, room = 0;
	u32 size = h->is_64bit ? 8 : 4;
	struct reservation r;
	struct given g;
	bool ok;

	if (get_reservation(h, &r) || r.count > MAX_EXTENTS || start >= r.count ||
	    xen_memory_domain(r.domid) || r.order > MAX_ORDER_DOMU ||
	    h->op == XENMEM_increase_reservation)
		return start;

	given_begin(h, &g);
	mutex_lock(&m->lock);
	if (h->op == XENMEM_populate_physmap)
		room = room_of(h->vcpu->vm);
	while (done < r.count) {
		if (hcall_from_guest(h, &gfn, r.list + done * size, size))
			break;
		ok = h->op == XENMEM_populate_physmap ?
			populate_one(h->vcpu->vm, gfn, r.order, &room) :
			decrease_one(h, &g, gfn, r.order);
		if (!ok)
			break;
		done++;
		if (done < r.count && (given_full(&g) || hcall_preempted(h))) {
			memop_restart(h, done);
			hcall_again(h);
			break;
		}
	}
	mutex_unlock(&m->lock);
	return given_end(h, &g, done);
}

/* ---- other ways ---- */

/*
 * The page itself cannot move: frames and the launcher's memory belong together.
 * Its bytes do, and the frame they come from is a hole then.
 */
long xen_memory_move(struct hcall *h, struct given *g, u64 from, u64 to)
{
	struct vm *vm = h->vcpu->vm;
	void *page;
	long ret;

	if (from >= XEN_MAX_GFN || from == to || has_overlay(vm, from) || has_overlay(vm, to))
		return -EINVAL;
	page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	ret = mem_read(vm, from << PAGE_SHIFT, page, PAGE_SIZE) ? -EINVAL : 0;
	if (!ret) {
		/* A hole or memory: afterwards it is memory, if there is a slot. */
		mem_hole_fill(vm, to);
		ret = mem_write(vm, to << PAGE_SHIFT, page, PAGE_SIZE) ? -EINVAL : 0;
	}
	if (!ret && !mem_hole_make(vm, from, &g->flush))
		given_add(h, g, from);
	free_page((unsigned long)page);
	return ret;
}

struct remove_32 {
	u16 domid;
	u32 gpfn;
};

/* XENMEM_remove_from_physmap: of a shared page, or of the guest's own. */
long hcall_memory_remove(struct hcall *h)
{
	struct xen_remove_from_physmap op;
	struct vm *vm = h->vcpu->vm;
	struct remove_32 op32;
	struct given g;
	long ret;

	if (memop_start(h))
		return -EINVAL;
	if (h->is_64bit) {
		ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	} else {
		ret = hcall_from_guest(h, &op32, h->arg[1], sizeof(op32));
		op = (struct xen_remove_from_physmap) { op32.domid, op32.gpfn };
	}
	if (!ret)
		ret = xen_memory_domain(op.domid);
	if (ret)
		return ret;
	if (op.gpfn >= XEN_MAX_GFN)
		return -ENOENT;
	ret = mem_overlay_remove(vm, op.gpfn);
	if (ret != -ENOENT)
		return ret;
	given_begin(h, &g);
	ret = mem_hole_make(vm, op.gpfn, &g.flush);
	if (!ret)
		given_add(h, &g, op.gpfn);
	return given_end(h, &g, ret);
}

/* ---- HVMOD_VM_XEN_MEMORY ---- */

static long take(struct vm *vm, u64 gfn, u64 pages)
{
	bool flush = false;
	long ret = 0;
	u64 i;

	if (gfn >= XEN_MAX_GFN || pages > XEN_MAX_GFN - gfn)
		return -EINVAL;
	for (i = 0; i < pages && !ret; i++) {
		if (!mem_is_hole(vm, gfn + i))
			ret = mem_hole_make(vm, gfn + i, &flush);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	if (flush)
		arch_mmu_flush(vm);
	return ret == -ENOENT ? -EINVAL : ret;
}

long xen_memory_ctl(struct vm *vm, struct hvmod_xen_memory *args)
{
	const u32 flags = HVMOD_XEN_MEMORY_SET_MAX | HVMOD_XEN_MEMORY_SET_EXITS |
			  HVMOD_XEN_MEMORY_EXITS | HVMOD_XEN_MEMORY_TAKE;
	struct xen_memory *m = &vm->xen->memory;
	long ret = 0;
	u64 end;

	if (args->flags & ~flags)
		return -EINVAL;
	mutex_lock(&m->lock);
	if (args->flags & HVMOD_XEN_MEMORY_TAKE)
		ret = take(vm, args->gfn, args->pages);
	if (!ret && (args->flags & HVMOD_XEN_MEMORY_SET_MAX))
		WRITE_ONCE(m->max_pages, args->max_pages);
	if (!ret && (args->flags & HVMOD_XEN_MEMORY_SET_EXITS))
		WRITE_ONCE(m->exits, args->flags & HVMOD_XEN_MEMORY_EXITS);
	args->max_pages = m->max_pages;
	args->current_pages = xen_memory_pages(vm, &end);
	mutex_unlock(&m->lock);
	return ret;
}
