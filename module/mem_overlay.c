// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of the kernel's own that lie over a guest's frames: Xen's shared_info
 * and grant table.  module/xen/ puts them there when the guest asks, mem.c and
 * mem_access.c look them up.  A VM that has none pays for a NULL test.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/vm.h"

/* Immutable, replaced as a whole under overlay_lock; few, so not sorted. */
struct mem_overlay {
	struct rcu_head rcu;
	u32 count;
	struct {
		u64 gfn;
		struct page *page;
	} at[MEM_OVERLAYS];
};

static const struct mem_overlay *table(struct vm *vm)
{
	return rcu_dereference_check(vm->mem.overlay,
				     srcu_read_lock_held(&vm->mem.srcu) || irqs_disabled() ||
				     lockdep_is_held(&vm->mem.lock) ||
				     lockdep_is_held(&vm->mem.overlay_lock));
}

struct page *mem_overlay_find(struct vm *vm, u64 gfn)
{
	const struct mem_overlay *o = table(vm);
	u32 i;

	for (i = 0; o && i < o->count; i++) {
		if (o->at[i].gfn == gfn)
			return o->at[i].page;
	}
	return NULL;
}

bool mem_overlay_in(struct vm *vm, u64 gfn, u64 pages)
{
	const struct mem_overlay *o = table(vm);
	u32 i;

	for (i = 0; o && i < o->count; i++) {
		if (o->at[i].gfn - gfn < pages)
			return true;
	}
	return false;
}

u64 mem_overlay_gfn(struct vm *vm, const struct page *page)
{
	const struct mem_overlay *o;
	u64 gfn = ~0ULL;
	u32 i;

	rcu_read_lock();
	o = table(vm);
	for (i = 0; o && i < o->count; i++) {
		if (o->at[i].page == page)
			gfn = o->at[i].gfn;
	}
	rcu_read_unlock();
	return gfn;
}

/* A copy without this frame and this page (NULL: any). */
static struct mem_overlay *copy_without(const struct mem_overlay *old, u64 gfn,
					const struct page *page)
{
	struct mem_overlay *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	u32 i;

	for (i = 0; new && old && i < old->count; i++) {
		if (old->at[i].gfn != gfn && old->at[i].page != page)
			new->at[new->count++] = old->at[i];
	}
	return new;
}

/*
 * No translation of the frames that changed is left when it returns, and faults
 * that looked before start again.
 */
static void publish(struct vm *vm, struct mem_overlay *new, u64 gfn, u64 old_gfn)
{
	struct mem *mem = &vm->mem;
	struct mem_overlay *old;
	bool flush;

	write_lock(&mem->lock);
	old = rcu_replace_pointer(mem->overlay, new, lockdep_is_held(&mem->overlay_lock));
	WRITE_ONCE(mem->seq, mem->seq + 1);
	flush = arch_mmu_unmap(vm, gfn, 1);
	if (old_gfn != ~0ULL)
		flush |= arch_mmu_unmap(vm, old_gfn, 1);
	if (flush)
		arch_mmu_flush(vm);
	write_unlock(&mem->lock);
	/* Accessors look it up under SRCU, entries with interrupts off. */
	synchronize_srcu_expedited(&mem->srcu);
	if (old)
		kfree_rcu(old, rcu);
}

int mem_overlay_add(struct vm *vm, u64 gfn, struct page *page)
{
	struct mem_overlay *new;
	u64 old_gfn;
	int err = 0;

	mutex_lock(&vm->mem.overlay_lock);
	old_gfn = mem_overlay_gfn(vm, page);
	new = copy_without(table(vm), gfn, page);
	if (!new) {
		err = -ENOMEM;
	} else if (new->count == MEM_OVERLAYS) {
		kfree(new);
		err = -ENOSPC;
	} else {
		new->at[new->count].gfn = gfn;
		new->at[new->count++].page = page;
		publish(vm, new, gfn, old_gfn);
	}
	mutex_unlock(&vm->mem.overlay_lock);
	return err;
}

int mem_overlay_remove(struct vm *vm, u64 gfn)
{
	struct mem_overlay *new;
	int err = 0;

	mutex_lock(&vm->mem.overlay_lock);
	if (!mem_overlay_in(vm, gfn, 1)) {
		err = -ENOENT;
		goto unlock;
	}
	new = copy_without(table(vm), gfn, NULL);
	if (new)
		publish(vm, new, gfn, ~0ULL);
	else
		err = -ENOMEM;
unlock:
	mutex_unlock(&vm->mem.overlay_lock);
	return err;
}

void mem_overlay_free(struct vm *vm)
{
	kfree(rcu_replace_pointer(vm->mem.overlay, NULL, true));
	mutex_destroy(&vm->mem.overlay_lock);
}
