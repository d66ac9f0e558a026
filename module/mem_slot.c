// SPDX-License-Identifier: GPL-2.0
/*
 * The table of memory slots, how it changes under running vCPUs, and the log of
 * written pages.  dev.c changes it, everybody looks up in it.  Readers never
 * wait: a new table replaces the old one, which is freed when nobody reads it.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/vm.h"

#define MEM_FLAGS	(HVMOD_MEM_READONLY | HVMOD_MEM_LOG_DIRTY)

/* ---- look-up ---- */

const struct mem_slots *mem_slots(struct vm *vm)
{
	return rcu_dereference_check(vm->mem.slots,
				     srcu_read_lock_held(&vm->mem.srcu) || irqs_disabled() ||
				     lockdep_is_held(&vm->lock));
}

/* Slots do not overlap: at most one can hold gfn. */
const struct mem_slot *mem_slot_find(struct vm *vm, u64 gfn)
{
	const struct mem_slots *slots = mem_slots(vm);
	u32 low = 0, high = slots->count;
	const struct mem_slot *slot;

	while (low < high) {
		u32 mid = (low + high) / 2;

		slot = &slots->slot[array_index_nospec(mid, HVMOD_MAX_SLOTS)];
		if (gfn < slot->gfn)
			high = mid;
		else if (gfn - slot->gfn >= slot->pages)
			low = mid + 1;
		else
			return slot;
	}
	return NULL;
}

/* ---- tables; vm->lock held ---- */

static struct mem_slots *slots_of(struct vm *vm)
{
	return rcu_dereference_protected(vm->mem.slots, lockdep_is_held(&vm->lock));
}

static struct mem_slot *find_nr(struct mem_slots *slots, u32 nr)
{
	u32 i;

	for (i = 0; i < slots->count; i++) {
		if (slots->slot[i].nr == nr)
			return &slots->slot[i];
	}
	return NULL;
}

/* A copy without slot number nr, and with "add" in its place in the order. */
static struct mem_slots *copy_table(const struct mem_slots *old, u32 nr,
				    const struct mem_slot *add)
{
	struct mem_slots *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!new)
		return NULL;
	for (i = 0; i < old->count; i++) {
		const struct mem_slot *slot = &old->slot[i];

		if (slot->nr == nr)
			continue;
		if (add && add->gfn < slot->gfn) {
			new->slot[new->count++] = *add;
			add = NULL;
		}
		new->slot[new->count++] = *slot;
	}
	if (add)
		new->slot[new->count++] = *add;
	return new;
}

/* When it returns nobody sees the table before, which is freed. */
static void publish(struct vm *vm, struct mem_slots *new)
{
	struct mem_slots *old = slots_of(vm);

	rcu_assign_pointer(vm->mem.slots, new);
	synchronize_srcu_expedited(&vm->mem.srcu);
	synchronize_rcu_expedited();
	kfree(old);
}

void mem_slots_free(struct vm *vm)
{
	struct mem_slots *slots = rcu_dereference_protected(vm->mem.slots, true);
	u32 i;

	RCU_INIT_POINTER(vm->mem.slots, NULL);
	for (i = 0; i < slots->count; i++)
		kvfree(slots->slot[i].dirty);
	kfree(slots);
}

/* ---- translations of a slot ---- */

/* Pages between two chances for others to take mem.lock. */
#define STEP	BIT(18)

/*
 * Flushes under the lock: a notifier that comes next finds nothing to unmap, so
 * it flushes nothing, and the host frees the page.
 */
static void change_range(struct vm *vm, u64 gfn, u64 pages,
			 bool (*fn)(struct vm *vm, u64 gfn, u64 pages))
{
	while (pages) {
		u64 n = min_t(u64, pages, STEP);

		write_lock(&vm->mem.lock);
		if (fn(vm, gfn, n))
			arch_mmu_flush(vm);
		write_unlock(&vm->mem.lock);
		gfn += n;
		pages -= n;
		cond_resched();
	}
}

static void unmap_slot(struct vm *vm, const struct mem_slot *slot)
{
	change_range(vm, slot->gfn, slot->pages, arch_mmu_unmap);
}

/* ---- HVMOD_VM_SET_MEMORY ---- */

static int check_args(const struct hvmod_memory *args)
{
	if (args->slot >= HVMOD_MAX_SLOTS || (args->flags & ~MEM_FLAGS))
		return -EINVAL;
	if (!PAGE_ALIGNED(args->gpa) || !PAGE_ALIGNED(args->size) || !PAGE_ALIGNED(args->hva))
		return -EINVAL;
	if (args->gpa > HVMOD_MAX_GPA || args->size > HVMOD_MAX_GPA - args->gpa)
		return -EINVAL;
	if (args->hva + args->size < args->hva)
		return -EINVAL;
	if (args->size && !access_ok(u64_to_user_ptr(args->hva), args->size))
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct mem_slots *slots, const struct mem_slot *slot)
{
	u32 i;

	for (i = 0; i < slots->count; i++) {
		const struct mem_slot *other = &slots->slot[i];

		if (other->nr != slot->nr && other->gfn < slot->gfn + slot->pages &&
		    slot->gfn < other->gfn + other->pages)
			return true;
	}
	return false;
}

/*
 * Takes the old slot's translations away before a table without it is to be
 * seen: a notifier that came between the two would not find what it must unmap.
 */
static int retire(struct vm *vm, const struct mem_slot *old)
{
	struct mem_slot dying = *old;
	struct mem_slots *table;

	dying.flags |= MEM_SLOT_DYING;
	table = copy_table(slots_of(vm), old->nr, &dying);
	if (!table)
		return -ENOMEM;
	publish(vm, table);
	/* No fault that found it is under way any more. */
	unmap_slot(vm, &dying);
	return 0;
}

static int remove_slot(struct vm *vm, u32 nr)
{
	struct mem_slots *table;
	struct mem_slot *found, old;
	int err;

	found = find_nr(slots_of(vm), nr);
	if (!found)
		return -ENOENT;
	old = *found;
	table = copy_table(slots_of(vm), nr, NULL);
	if (!table)
		return -ENOMEM;
	err = retire(vm, &old);
	if (err) {
		kfree(table);
		return err;
	}
	publish(vm, table);
	kvfree(old.dirty);
	return 0;
}

/* Same memory at the same place, other flags: the slot stays all the time. */
static void reflag(struct vm *vm, struct mem_slots *table, const struct mem_slot *old,
		   const struct mem_slot *new)
{
	u32 changed = old->flags ^ new->flags;

	publish(vm, table);
	/* Faults from now on follow the new flags; what is in follows the old ones. */
	if ((changed & HVMOD_MEM_READONLY) || (changed & old->flags & HVMOD_MEM_LOG_DIRTY))
		unmap_slot(vm, new);
	else if (changed & HVMOD_MEM_LOG_DIRTY)
		change_range(vm, new->gfn, new->pages, arch_mmu_wrprotect);
	if (old->dirty != new->dirty)
		kvfree(old->dirty);
}

static int set_dirty_log(struct mem_slot *new, const struct mem_slot *old, bool same_place)
{
	if (!(new->flags & HVMOD_MEM_LOG_DIRTY))
		return 0;
	if (same_place && old->dirty) {
		new->dirty = old->dirty;
		return 0;
	}
	new->dirty = kvcalloc(BITS_TO_LONGS(new->pages), sizeof(long), GFP_KERNEL_ACCOUNT);
	return new->dirty ? 0 : -ENOMEM;
}

static int put_slot(struct vm *vm, struct mem_slot *new)
{
	struct mem_slot *found = find_nr(slots_of(vm), new->nr);
	struct mem_slot old = found ? *found : (struct mem_slot){};
	bool same_place = found && old.gfn == new->gfn && old.pages == new->pages &&
			  old.hva == new->hva;
	struct mem_slots *table;
	int err;

	err = set_dirty_log(new, &old, same_place);
	if (err)
		return err;
	err = -ENOMEM;
	table = copy_table(slots_of(vm), new->nr, new);
	if (!table)
		goto free;

	if (same_place) {
		if (old.flags == new->flags)
			kfree(table);
		else
			reflag(vm, table, &old, new);
		return 0;
	}
	if (found) {
		err = retire(vm, &old);
		if (err)
			goto free;
	}
	publish(vm, table);
	kvfree(old.dirty);
	/* The architecture may remember that there was no memory here. */
	unmap_slot(vm, new);
	return 0;

free:
	kfree(table);
	if (new->dirty != old.dirty)
		kvfree(new->dirty);
	return err;
}

int mem_set_slot(struct vm *vm, const struct hvmod_memory *args)
{
	struct mem_slot new = {
		.gfn = args->gpa >> PAGE_SHIFT,
		.pages = args->size >> PAGE_SHIFT,
		.hva = args->hva,
		.flags = args->flags,
		.nr = args->slot,
	};
	int err;

	lockdep_assert_held(&vm->lock);
	err = check_args(args);
	if (err)
		return err;
	if (!args->size)
		return remove_slot(vm, args->slot);
	if (overlaps(slots_of(vm), &new))
		return -EEXIST;
	return put_slot(vm, &new);
}

bool mem_is_readonly(struct vm *vm, u64 gfn)
{
	int idx = srcu_read_lock(&vm->mem.srcu);
	const struct mem_slot *slot = mem_slot_find(vm, gfn);
	bool readonly = slot && (slot->flags & HVMOD_MEM_READONLY);

	srcu_read_unlock(&vm->mem.srcu, idx);
	return readonly;
}

/* ---- the log of written pages ---- */

void mem_mark_dirty(struct vm *vm, u64 gfn)
{
	const struct mem_slot *slot;

	rcu_read_lock();
	slot = mem_slot_find(vm, gfn);
	/*
	 * Not only where it is clear: a look at the bit could pass a write to
	 * the page that came before it, and mem_get_dirty() would see neither.
	 */
	if (slot && slot->dirty)
		set_bit(gfn - slot->gfn, slot->dirty);
	rcu_read_unlock();
}

/* Words of the log that are taken under the lock in one go. */
#define DIRTY_STEP	64

/*
 * Moves the bits of some words to buf and takes write permission away from the
 * pages.  Under the lock: a fault that marks a page and makes it writable is
 * either before both or after both.  A write that the hardware logs after it counts
 * for the next call, perhaps a second time.  The flush may come later, for all leaves of
 * a logged slot are small and stay in: a notifier still sees them and flushes.
 */
static bool take_words(struct vm *vm, const struct mem_slot *slot, u64 first,
		       unsigned long *buf, u32 words)
{
	unsigned long *dirty = slot->dirty + first / BITS_PER_LONG;
	unsigned int start, end;
	bool flush = false;
	u32 i;

	write_lock(&vm->mem.lock);
	for (i = 0; i < words; i++)
		buf[i] = READ_ONCE(dirty[i]) ? xchg(&dirty[i], 0) : 0;
	for_each_set_bitrange(start, end, buf, words * BITS_PER_LONG)
		flush |= arch_mmu_wrprotect(vm, slot->gfn + first + start, end - start);
	write_unlock(&vm->mem.lock);
	return flush;
}

static void put_words_back(const struct mem_slot *slot, u64 first, const unsigned long *buf,
			   u64 words)
{
	atomic_long_t *dirty = (atomic_long_t *)(slot->dirty + first / BITS_PER_LONG);
	u64 i;

	for (i = 0; i < words; i++) {
		if (buf[i])
			atomic_long_or(buf[i], &dirty[i]);
	}
}

int mem_get_dirty(struct vm *vm, const struct hvmod_dirty *args)
{
	struct mem_slot *slot;
	unsigned long *buf;
	bool flush = false;
	u64 words, i;
	int err = 0;

	BUILD_BUG_ON(BITS_PER_LONG != 64);
	lockdep_assert_held(&vm->lock);
	slot = find_nr(slots_of(vm), args->slot);
	if (!slot)
		return -ENOENT;
	if (!slot->dirty || args->first % 64 || args->first >= slot->pages)
		return -EINVAL;
	if (!args->pages || args->pages > slot->pages - args->first ||
	    (args->pages % 64 && args->first + args->pages != slot->pages))
		return -EINVAL;

	words = BITS_TO_LONGS(args->pages);
	buf = kvmalloc_array(words, sizeof(*buf), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;

	arch_mmu_log_sync(vm);
	for (i = 0; i < words; i += DIRTY_STEP) {
		flush |= take_words(vm, slot, args->first + i * 64, buf + i,
				    min_t(u64, words - i, DIRTY_STEP));
		cond_resched();
	}
	/* A write that no fault announced came before this, so before we return. */
	if (flush)
		arch_mmu_flush(vm);

	if (copy_to_user(u64_to_user_ptr(args->bitmap), buf, words * sizeof(*buf))) {
		put_words_back(slot, args->first, buf, words);
		err = -EFAULT;
	}
	kvfree(buf);
	return err;
}
