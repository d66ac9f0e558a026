/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: slots of the launcher's own memory, kept in step with its
 * mappings by an MMU notifier, and the one door through which the kernel reads
 * and writes what a guest names.  Called by dev.c, by exit handlers and by the
 * devices.  It never pins a page beyond one operation and names no page-table
 * format: that is arch_mmu_*() in arch.h.
 *
 * Locks: mem.lock (rwlock) is held for reading while a translation is put in,
 * for writing while translations are taken away.  Slots are read under SRCU
 * (mem.srcu) or with interrupts disabled inside RCU; they change under vm->lock.
 * Order: vm->lock, mmap_lock, mem.lock.  mem.lock is taken in MMU notifiers:
 * under it nothing may sleep or allocate.
 */
#ifndef MODULE_MEM_H
#define MODULE_MEM_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "uapi/hvmod.h"

struct vm;
struct vcpu;

struct mem_slot {
	u64 gfn;		/* first guest frame */
	u64 pages;
	unsigned long hva;
	u32 flags;		/* HVMOD_MEM_*, MEM_SLOT_DYING */
	u32 nr;			/* the user's slot number */
	unsigned long *dirty;	/* one bit a page, set atomically; or NULL */
};

/*
 * In mem_slot.flags: the slot is being taken away.  No translation goes in any
 * more, but notifiers still see it, until its translations are gone.
 */
#define MEM_SLOT_DYING	BIT(31)

/* An immutable array, sorted by gfn, replaced as a whole. */
struct mem_slots {
	u32 count;
	struct mem_slot slot[HVMOD_MAX_SLOTS];
};

struct mem {
	rwlock_t lock;
	struct mem_slots __rcu *slots;
	struct srcu_struct srcu;
	struct mmu_notifier notifier;
	struct mm_struct *mm;		/* of the process that made the VM; grabbed */
	/*
	 * Under lock.  A fault handler samples seq before it looks up a page
	 * and installs it only if seq is the same and no invalidation that
	 * covers the address is in progress (mmu_notifier(9) protocol).
	 */
	unsigned long seq;
	unsigned long invalidating;	/* nested invalidate_range_start count */
	unsigned long inv_start;	/* hva range they cover together */
	unsigned long inv_end;
	bool gone;			/* under lock: the address space went away */
	struct mem_overlay __rcu *overlay;	/* NULL: none; see mem_overlay.c */
	struct mutex overlay_lock;	/* changes of it; taken before lock */
	struct xarray holes;		/* see mem_hole.c; bits change under lock */
	atomic64_t nr_holes;
	atomic64_t faults;		/* EPT violations that mapped a page */
};

/* What an access wants; also what a translation allows. */
#define MEM_ACC_READ	(1U << 0)
#define MEM_ACC_WRITE	(1U << 1)
#define MEM_ACC_EXEC	(1U << 2)
#define MEM_ACC_CLEAN	(1U << 3)	/* of a translation: see arch_mmu_logs() */

/* Result of mem_fault(). */
enum mem_fault_result {
	MEM_FAULT_MAPPED,	/* resume the guest */
	MEM_FAULT_RETRY,	/* lost a race; resume the guest, it faults again */
	MEM_FAULT_MMIO,		/* no slot, or a write to a read-only slot */
	MEM_FAULT_GONE,		/* the launcher's mapping has no such page; the VM was killed */
	MEM_FAULT_NOMEM,	/* the host is out of memory: -ENOMEM to the caller */
	MEM_FAULT_SIGNAL,	/* a fatal signal came: -EINTR */
};

/* Process context of vm->mem.mm.  -ENOMEM, -EINTR. */
int mem_setup(struct vm *vm);
/* First half: nobody calls the notifier afterwards; all translations are gone. */
void mem_destroy(struct vm *vm);

/* HVMOD_VM_SET_MEMORY; vm->lock held.  errno: see struct hvmod_memory. */
int mem_set_slot(struct vm *vm, const struct hvmod_memory *args);
/* HVMOD_VM_GET_DIRTY; vm->lock held.  errno: see struct hvmod_dirty. */
int mem_get_dirty(struct vm *vm, const struct hvmod_dirty *args);

/*
 * A guest access at gpa found no translation, or one that does not allow it.
 * Process context of the VM's owner, may sleep, interrupts enabled, no locks.
 */
enum mem_fault_result mem_fault(struct vcpu *vcpu, u64 gpa, u32 access);
/*
 * The same with interrupts off, on the vCPU's thread: MAPPED where the host has
 * the page and nothing is in the way, MMIO where no slot is.  RETRY: nothing was
 * done, mem_fault() knows.
 */
enum mem_fault_result mem_fault_fast(struct vcpu *vcpu, u64 gpa, u32 access);

/* A write to gfn was seen (PML, or a write fault).  Any context but NMI. */
void mem_mark_dirty(struct vm *vm, u64 gfn);

/*
 * Caller: SRCU read side (mem.srcu) or RCU read side, which includes interrupts
 * off; the slot may be used as long.  NULL: no slot.
 * mem_slot_find() is the only lookup; it costs a handful of instructions.  It
 * finds a dying slot, too: an access through the launcher's address is one that
 * came before the change.
 */
const struct mem_slot *mem_slot_find(struct vm *vm, u64 gfn);

/*
 * For mem*.c: the table, dying slots included.  SRCU or RCU read side, or
 * vm->lock held.
 */
const struct mem_slots *mem_slots(struct vm *vm);
/* For mem.c, once the notifier is gone. */
void mem_slots_free(struct vm *vm);

/* ---- mem_hole.c: frames of slots that the guest gave back ---- */

/*
 * Takes a frame out of its slot: it is no memory, for the guest and for the
 * functions below, also when the slot is replaced, until it is filled again.  The
 * launcher's memory is not touched.  *flush is set when arch_mmu_flush() is to
 * come before the guest may know.  Process context, no lock of mem.h held.
 * -ENOENT: no writable slot, or a hole already; -ENOMEM.
 */
int mem_hole_make(struct vm *vm, u64 gfn, bool *flush);
/* -ENOENT: it is no hole, or of no slot any more. */
int mem_hole_fill(struct vm *vm, u64 gfn);
/* Any context. */
bool mem_is_hole(struct vm *vm, u64 gfn);
static inline bool mem_has_holes(const struct mem *mem)
{
	return atomic64_read(&mem->nr_holes);
}

/* How many, is there one in these frames?  Any context; exact under mem.lock. */
u64 mem_hole_count(struct vm *vm, u64 gfn, u64 pages);
bool mem_hole_in(struct vm *vm, u64 gfn, u64 pages);
/* For mem.c: the end; nobody looks any more. */
void mem_hole_free(struct vm *vm);

/* ---- mem_overlay.c: pages of the kernel's own that lie over a guest's frames ---- */

/* At most so many at a time. */
#define MEM_OVERLAYS	128

/*
 * Shows page at gfn instead of what a slot has there, until it is moved, removed
 * or the VM ends; it is at one frame at most.  The caller owns the page and
 * keeps it as long as the VM.  Process context, no lock of mem.h held.
 * -ENOSPC, -ENOMEM.
 */
int mem_overlay_add(struct vm *vm, u64 gfn, struct page *page);
/* -ENOENT: nothing lies over gfn. */
int mem_overlay_remove(struct vm *vm, u64 gfn);
/* The page over gfn, or NULL.  RCU or SRCU read side, or interrupts off. */
struct page *mem_overlay_find(struct vm *vm, u64 gfn);
/* Is it memory that a guest cannot write?  Process context. */
bool mem_is_readonly(struct vm *vm, u64 gfn);

/* Where a page lies now, or ~0. */
u64 mem_overlay_gfn(struct vm *vm, const struct page *page);
/* For mem.c: does one lie over these frames?  mem.lock held. */
bool mem_overlay_in(struct vm *vm, u64 gfn, u64 pages);
/* For mem.c: the end; nobody looks any more. */
void mem_overlay_free(struct vm *vm);

/*
 * Read and write guest-physical memory, any address, any length, crossing
 * pages and slots.  Process context of the VM's owner, may sleep and fault.
 * -EFAULT: some byte is not memory (nothing is promised about the others), or
 * a write hits a read-only slot.  mem_write() marks pages dirty.
 */
int mem_read(struct vm *vm, u64 gpa, void *buf, size_t len);
int mem_write(struct vm *vm, u64 gpa, const void *buf, size_t len);
/*
 * The same with interrupts off or in atomic context: -EFAULT also when the
 * page would have to be faulted in; try again from where one may sleep.
 */
int mem_read_atomic(struct vm *vm, u64 gpa, void *buf, size_t len);
/*
 * The hot half of it: 8 bytes of one page.  *slot is the slot of the last
 * one, or NULL: neighbours need no look-up.  The caller has interrupts and page
 * faults disabled, runs on a thread of the VM's owner and asks for holes itself.
 */
static __always_inline int mem_read_word(struct vm *vm, const struct mem_slot **slot, u64 gpa,
					 u64 *value)
{
	const struct mem_slot *s = *slot;
	u64 gfn = gpa >> PAGE_SHIFT;

	if (!s || gfn - s->gfn >= s->pages) {
		s = mem_slot_find(vm, gfn);
		if (!s)
			return -EFAULT;
		*slot = s;
	}
	return __get_user(*value, (u64 __user *)(s->hva + (gpa - (s->gfn << PAGE_SHIFT))));
}

/*
 * Compare and exchange of 1, 2, 4 or 8 aligned bytes (16 too, where the
 * architecture has it).  0: done; -EAGAIN: the value differed, *old is the one
 * found; -EFAULT.  Process context, may sleep.
 */
int mem_cmpxchg(struct vm *vm, u64 gpa, void *old, const void *new, size_t len);

#endif /* MODULE_MEM_H */
