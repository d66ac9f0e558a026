// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps second-level translations in step with the launcher's mappings: faults
 * put them in, the MMU notifier takes them away.  Called by exit handlers, and
 * by the host's memory management.  It pins no page and knows no page-table
 * format but the host's own.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/vm.h"

static struct vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct vm, mem.notifier);
}

/* ---- taking away ---- */

/* The part of [start, end) of the address space that a slot shows to the guest. */
static bool clip(const struct mem_slot *slot, unsigned long start, unsigned long end,
		 u64 *gfn, u64 *pages)
{
	unsigned long slot_end = slot->hva + (slot->pages << PAGE_SHIFT);

	start = max(start & PAGE_MASK, slot->hva);
	end = min(end, slot_end);
	if (start >= end)
		return false;
	*gfn = slot->gfn + ((start - slot->hva) >> PAGE_SHIFT);
	*pages = (end - start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	return true;
}

/* mem.lock held for writing, SRCU read side. */
static void unmap_hva(struct vm *vm, unsigned long start, unsigned long end)
{
	const struct mem_slots *slots = mem_slots(vm);
	bool flush = false;
	u64 gfn, pages;
	u32 i;

	for (i = 0; i < slots->count; i++) {
		if (clip(&slots->slot[i], start, end, &gfn, &pages))
			flush |= arch_mmu_unmap(vm, gfn, pages);
	}
	if (flush)
		arch_mmu_flush(vm);
}

/*
 * From here to invalidate_end() no translation of the range is put in: a fault
 * handler either sees "invalidating", or seq has changed under it.
 */
static int mem_invalidate_start(struct mmu_notifier *notifier,
				const struct mmu_notifier_range *range)
{
	struct vm *vm = notifier_vm(notifier);
	struct mem *mem = &vm->mem;
	int idx = srcu_read_lock(&mem->srcu);

	write_lock(&mem->lock);
	if (!mem->invalidating++) {
		mem->inv_start = range->start;
		mem->inv_end = range->end;
	} else {
		mem->inv_start = min(mem->inv_start, range->start);
		mem->inv_end = max(mem->inv_end, range->end);
	}
	unmap_hva(vm, range->start, range->end);
	write_unlock(&mem->lock);

	srcu_read_unlock(&mem->srcu, idx);
	return 0;
}

static void mem_invalidate_end(struct mmu_notifier *notifier,
			       const struct mmu_notifier_range *range)
{
	struct mem *mem = &notifier_vm(notifier)->mem;

	write_lock(&mem->lock);
	mem->invalidating--;
	WRITE_ONCE(mem->seq, mem->seq + 1);
	write_unlock(&mem->lock);
}

static int age(struct mmu_notifier *notifier, unsigned long start, unsigned long end, bool clear)
{
	struct vm *vm = notifier_vm(notifier);
	const struct mem_slots *slots;
	bool young = false;
	u64 gfn, pages;
	int idx;
	u32 i;

	idx = srcu_read_lock(&vm->mem.srcu);
	write_lock(&vm->mem.lock);
	slots = mem_slots(vm);
	for (i = 0; i < slots->count; i++) {
		if (clip(&slots->slot[i], start, end, &gfn, &pages))
			young |= arch_mmu_age(vm, gfn, pages, clear);
	}
	write_unlock(&vm->mem.lock);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return young;
}

/*
 * Neither flushes: a stale accessed bit in a TLB costs one wrong guess of the
 * reclaim, as with the host's own.
 */
static int mem_clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	return age(notifier, start, end, true);
}

static int mem_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	return age(notifier, start, end, true);
}

static int mem_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long address)
{
	return age(notifier, address, address + PAGE_SIZE, false);
}

/* The address space goes away, or mem_destroy(): nothing is mapped ever after. */
static void mem_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct vm *vm = notifier_vm(notifier);
	int idx = srcu_read_lock(&vm->mem.srcu);

	write_lock(&vm->mem.lock);
	vm->mem.gone = true;
	unmap_hva(vm, 0, ULONG_MAX);
	write_unlock(&vm->mem.lock);
	srcu_read_unlock(&vm->mem.srcu, idx);
}

static const struct mmu_notifier_ops mem_notifier_ops = {
	.invalidate_range_start = mem_invalidate_start,
	.invalidate_range_end = mem_invalidate_end,
	.clear_flush_young = mem_clear_flush_young,
	.clear_young = mem_clear_young,
	.test_young = mem_test_young,
	.release = mem_release,
};

/* ---- putting in ---- */

struct fault {
	struct vcpu *vcpu;
	const struct mem_slot *slot;
	u64 gfn;
	unsigned long hva;
	unsigned long seq;
	bool write;		/* the guest writes */
	bool map_write;		/* the translation allows writes */
	bool atomic;		/* interrupts are off: page is not referenced */
	struct page *page;
	u64 pfn;
	int level;
};

/*
 * Sample before the look-up, check under the lock before the translation goes
 * in.  An invalidation that began before the check and ended is seen by seq, one
 * that has not ended by "invalidating".
 */
static unsigned long sample_seq(struct mem *mem)
{
	/* Acquire: the host's page tables are read after it. */
	return smp_load_acquire(&mem->seq);
}

static u64 level_pages(int level)
{
	switch (level) {
	case ARCH_MMU_1G:
		return PUD_SIZE >> PAGE_SHIFT;
	case ARCH_MMU_2M:
		return PMD_SIZE >> PAGE_SHIFT;
	}
	return 1;
}

static bool must_retry(struct mem *mem, const struct fault *f)
{
	unsigned long size = level_pages(f->level) << PAGE_SHIFT;
	unsigned long start = f->hva & ~(size - 1);

	lockdep_assert_held(&mem->lock);
	if (mem->gone)
		return true;
	/* The whole leaf: another part of it may be on its way out. */
	if (mem->invalidating && start < mem->inv_end && start + size > mem->inv_start)
		return true;
	return mem->seq != f->seq;
}

/* 0 with a reference to the page, or what get_user_pages() said. */
static int get_page_of(struct fault *f)
{
	bool may_write = !(f->slot->flags & HVMOD_MEM_READONLY);
	/* Where writes are logged, and not by the hardware, each page's first one has to fault. */
	bool try_write = f->write ||
			 (may_write && (!f->slot->dirty || arch_mmu_logs(f->vcpu->vm)));
	unsigned int gup = FOLL_HWPOISON;
	long ret;

	/*
	 * Writable in the host already: then it may be so for the guest at
	 * once.  A read does not make it so, to leave zero pages, KSM pages and
	 * pages shared after fork() alone.
	 */
	if (try_write && get_user_pages_fast_only(f->hva, 1, FOLL_WRITE, &f->page) == 1) {
		f->map_write = true;
		return 0;
	}
	if (!f->write && get_user_pages_fast_only(f->hva, 1, 0, &f->page) == 1)
		return 0;

	if (f->write)
		gup |= FOLL_WRITE;
	ret = get_user_pages_unlocked(f->hva, 1, &f->page, gup);
	if (ret == 1) {
		f->map_write = f->write;
		return 0;
	}
	return ret < 0 ? ret : -EFAULT;
}

static enum mem_fault_result refuse(struct fault *f, int err)
{
	struct vm *vm = f->vcpu->vm;
	u64 gpa = f->gfn << PAGE_SHIFT;

	if (fatal_signal_pending(current) || err == -EINTR || err == -ERESTARTSYS)
		return MEM_FAULT_SIGNAL;
	switch (err) {
	case -EAGAIN:
		return MEM_FAULT_RETRY;
	case -ENOMEM:
		return MEM_FAULT_NOMEM;
	case -EHWPOISON:
		vm_kill(vm, "the host's memory behind guest address %#llx is broken", gpa);
		return MEM_FAULT_GONE;
	default:
		vm_kill(vm, "guest address %#llx cannot be %s: the launcher's memory has no page",
			gpa, f->write ? "written" : "read");
		return MEM_FAULT_GONE;
	}
}

/* What the host's own page tables have at an address. */
struct host_page {
	u64 pfn;
	int level;		/* of the leaf that maps it */
	bool write;		/* user space may write there now */
};

/*
 * Interrupts off, so that the tables are not freed.  It takes no reference: the
 * answer holds as long as no invalidation begins, which only install() can tell.
 * False: nothing is there that a read of user space would not fault on, or
 * something that belongs to a device.
 */
static bool host_lookup(struct mm_struct *mm, unsigned long hva, struct host_page *h)
{
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return false;
	if (pud_leaf(pud)) {
		h->pfn = pud_pfn(pud) + ((hva & ~PUD_MASK) >> PAGE_SHIFT);
		h->level = ARCH_MMU_1G;
		h->write = pud_access_permitted(pud, true);
		return pud_access_permitted(pud, false) && !pud_devmap(pud);
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		return false;
	if (pmd_leaf(pmd)) {
		h->pfn = pmd_pfn(pmd) + ((hva & ~PMD_MASK) >> PAGE_SHIFT);
		h->level = ARCH_MMU_2M;
		h->write = pmd_access_permitted(pmd, true);
		return pmd_access_permitted(pmd, false) && !pmd_devmap(pmd);
	}
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	h->pfn = pte_pfn(pte);
	h->level = ARCH_MMU_4K;
	h->write = pte_access_permitted(pte, true);
	return pte_access_permitted(pte, false) && !pte_special(pte) && !pte_devmap(pte);
}

/* Does the slot hold the whole leaf, at the same offset in it? */
static bool level_fits(const struct mem_slot *slot, u64 gfn, unsigned long hva, int level)
{
	u64 pages = level_pages(level);
	u64 first = gfn & ~(pages - 1);

	return (gfn & (pages - 1)) == ((hva >> PAGE_SHIFT) & (pages - 1)) &&
	       first >= slot->gfn && first + pages <= slot->gfn + slot->pages;
}

/* The largest leaf for a frame that the host maps with one of that level. */
static int fit_level(const struct fault *f, int level)
{
	if (f->slot->dirty)
		return ARCH_MMU_4K;
	level = min(level, arch_mmu_max_level());
	while (level > ARCH_MMU_4K && !level_fits(f->slot, f->gfn, f->hva, level))
		level--;
	return level;
}

static void choose_level(struct fault *f)
{
	struct host_page host;
	unsigned long flags;
	bool found;

	f->level = ARCH_MMU_4K;
	/* Leaves smaller than 2M are the usual case: do not walk for them. */
	if (f->slot->dirty || !PageCompound(f->page))
		return;

	local_irq_save(flags);
	found = host_lookup(current->mm, f->hva, &host);
	local_irq_restore(flags);
	/* It changed meanwhile: seq will tell; a page is always right. */
	if (found && host.pfn == f->pfn)
		f->level = fit_level(f, host.level);
}

/* mem.lock held, which keeps what arch_mmu_logs() says.  Is the page written, or can be? */
static u32 leaf_rights(struct fault *f)
{
	if (!f->map_write)
		return MEM_ACC_READ | MEM_ACC_EXEC;
	if (f->write || !f->slot->dirty)
		return MEM_ACC_READ | MEM_ACC_EXEC | MEM_ACC_WRITE;
	if (arch_mmu_logs(f->vcpu->vm))
		return MEM_ACC_READ | MEM_ACC_EXEC | MEM_ACC_WRITE | MEM_ACC_CLEAN;
	f->map_write = false;
	return MEM_ACC_READ | MEM_ACC_EXEC;
}

/* mem.lock held for reading. */
static int install_locked(struct fault *f)
{
	u32 prot = leaf_rights(f);
	u64 mask = level_pages(f->level) - 1;
	struct vm *vm = f->vcpu->vm;

	/* Overlays and holes are changed with the lock held for writing. */
	if (mem_overlay_in(vm, f->gfn & ~mask, mask + 1) ||
	    (mem_has_holes(&vm->mem) && mem_hole_in(vm, f->gfn & ~mask, mask + 1)))
		mask = 0;
	if (must_retry(&vm->mem, f) || mem_overlay_in(vm, f->gfn, 1) ||
	    (mem_has_holes(&vm->mem) && mem_is_hole(vm, f->gfn)))
		return -EAGAIN;
	/*
	 * The host still maps the page, so it and its file, if any, are there.
	 * The guest's writes leave no trace in the host's own entry.
	 */
	if (f->map_write && !PageReserved(f->page) && !PageDirty(f->page)) {
		/* A file system wants to hear of it where interrupts are on. */
		if (f->atomic && !folio_test_swapbacked(page_folio(f->page)))
			return -EAGAIN;
		set_page_dirty(f->page);
	}
	/* With the lock: not after a HVMOD_VM_GET_DIRTY that protects it. */
	if (f->map_write && !(prot & MEM_ACC_CLEAN))
		mem_mark_dirty(vm, f->gfn);
	return arch_mmu_map(f->vcpu, f->gfn & ~mask, f->pfn & ~mask,
			    mask ? f->level : ARCH_MMU_4K, prot);
}

static int install(struct fault *f)
{
	struct mem *mem = &f->vcpu->vm->mem;
	int err;

	read_lock(&mem->lock);
	err = install_locked(f);
	read_unlock(&mem->lock);
	return err;
}

/*
 * Small translations, or none any more, are where the host has one large page
 * now.  They come in again as one, with the next fault.
 */
static void make_room(struct fault *f)
{
	struct vm *vm = f->vcpu->vm;
	u64 pages = level_pages(f->level);

	write_lock(&vm->mem.lock);
	if (arch_mmu_unmap(vm, f->gfn & ~(pages - 1), pages))
		arch_mmu_flush(vm);
	write_unlock(&vm->mem.lock);
}

/* A page of the kernel's own: it goes nowhere, so nothing can invalidate it. */
static enum mem_fault_result handle_overlay(struct vcpu *vcpu, u64 gfn)
{
	struct vm *vm = vcpu->vm;
	struct page *page;
	int err = -EAGAIN;

	read_lock(&vm->mem.lock);
	page = vm->mem.gone ? NULL : mem_overlay_find(vm, gfn);
	if (page)
		err = arch_mmu_map(vcpu, gfn, page_to_pfn(page), ARCH_MMU_4K,
				   MEM_ACC_READ | MEM_ACC_WRITE | MEM_ACC_EXEC);
	read_unlock(&vm->mem.lock);
	if (err == -ENOMEM)
		return MEM_FAULT_NOMEM;
	return err ? MEM_FAULT_RETRY : MEM_FAULT_MAPPED;
}

static enum mem_fault_result handle(struct fault *f)
{
	struct mem *mem = &f->vcpu->vm->mem;
	int err;

	if (f->write && (f->slot->flags & HVMOD_MEM_READONLY))
		return MEM_FAULT_MMIO;
	f->hva = f->slot->hva + ((f->gfn - f->slot->gfn) << PAGE_SHIFT);
	f->seq = sample_seq(mem);

	err = get_page_of(f);
	if (err)
		return refuse(f, err);
	f->pfn = page_to_pfn(f->page);
	choose_level(f);
	err = install(f);
	if (err == -EEXIST)
		make_room(f);
	put_page(f->page);

	if (!err) {
		atomic64_inc(&mem->faults);
		return MEM_FAULT_MAPPED;
	}
	return err == -ENOMEM ? MEM_FAULT_NOMEM : MEM_FAULT_RETRY;
}

enum mem_fault_result mem_fault(struct vcpu *vcpu, u64 gpa, u32 access)
{
	struct fault f = {
		.vcpu = vcpu, .gfn = gpa >> PAGE_SHIFT, .write = access & MEM_ACC_WRITE,
	};
	struct vm *vm = vcpu->vm;
	enum mem_fault_result ret;
	int idx;

	might_sleep();
	if (arch_mmu_prepare(vcpu))
		return MEM_FAULT_NOMEM;

	idx = srcu_read_lock(&vm->mem.srcu);
	f.slot = mem_slot_find(vm, f.gfn);
	if (unlikely(mem_overlay_find(vm, f.gfn)))
		ret = handle_overlay(vcpu, f.gfn);
	else if (!f.slot || mem_is_hole(vm, f.gfn))
		ret = MEM_FAULT_MMIO;
	else if (f.slot->flags & MEM_SLOT_DYING)
		ret = MEM_FAULT_RETRY;
	else
		ret = handle(&f);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

enum mem_fault_result mem_fault_fast(struct vcpu *vcpu, u64 gpa, u32 access)
{
	struct fault f = {
		.vcpu = vcpu, .gfn = gpa >> PAGE_SHIFT, .write = access & MEM_ACC_WRITE,
		.atomic = true,
	};
	struct mem *mem = &vcpu->vm->mem;
	struct host_page host;
	int err;

	lockdep_assert_irqs_disabled();
	if (unlikely(rcu_access_pointer(mem->overlay)) && mem_overlay_find(vcpu->vm, f.gfn))
		return MEM_FAULT_RETRY;
	f.slot = mem_slot_find(vcpu->vm, f.gfn);
	if (!f.slot)
		return MEM_FAULT_MMIO;
	/* A hole: install_locked() finds it. */
	if (f.slot->flags & (MEM_SLOT_DYING | (f.write ? HVMOD_MEM_READONLY : 0)))
		return MEM_FAULT_RETRY;
	f.hva = f.slot->hva + ((f.gfn - f.slot->gfn) << PAGE_SHIFT);
	f.seq = sample_seq(mem);
	if (!host_lookup(current->mm, f.hva, &host) || (f.write && !host.write) ||
	    !pfn_valid(host.pfn))
		return MEM_FAULT_RETRY;

	/* As get_page_of(): a read maps for writes, too, where the host may write. */
	f.map_write = f.write || (host.write && (!f.slot->dirty || arch_mmu_logs(vcpu->vm)) &&
				  !(f.slot->flags & HVMOD_MEM_READONLY));
	f.pfn = host.pfn;
	f.page = pfn_to_page(f.pfn);
	f.level = fit_level(&f, host.level);

	/* Whoever holds it for writing may wait for this CPU to take an interrupt. */
	if (!read_trylock(&mem->lock))
		return MEM_FAULT_RETRY;
	err = install_locked(&f);
	read_unlock(&mem->lock);
	if (err)
		return MEM_FAULT_RETRY;
	atomic64_inc(&mem->faults);
	return MEM_FAULT_MAPPED;
}

/* ---- life ---- */

int mem_setup(struct vm *vm)
{
	struct mem *mem = &vm->mem;
	struct mem_slots *slots;
	int err;

	rwlock_init(&mem->lock);
	mutex_init(&mem->overlay_lock);
	xa_init(&mem->holes);
	err = init_srcu_struct(&mem->srcu);
	if (err)
		return err;
	slots = kzalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots) {
		err = -ENOMEM;
		goto srcu;
	}
	RCU_INIT_POINTER(mem->slots, slots);

	mmgrab(current->mm);
	mem->mm = current->mm;
	mem->notifier.ops = &mem_notifier_ops;
	err = mmu_notifier_register(&mem->notifier, mem->mm);
	if (err)
		goto mm;
	return 0;

mm:
	mmdrop(mem->mm);
	kfree(slots);
srcu:
	cleanup_srcu_struct(&mem->srcu);
	return err;
}

void mem_destroy(struct vm *vm)
{
	struct mem *mem = &vm->mem;

	/* Calls mem_release() if the address space still lives. */
	mmu_notifier_unregister(&mem->notifier, mem->mm);
	mem_slots_free(vm);
	mem_overlay_free(vm);
	mem_hole_free(vm);
	mmdrop(mem->mm);
	cleanup_srcu_struct(&mem->srcu);
}
