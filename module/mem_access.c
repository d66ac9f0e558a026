// SPDX-License-Identifier: GPL-2.0
/*
 * The one door to guest memory for the kernel: by slot to the launcher's own
 * mapping, through the kernel's user accessors.  Exit handlers, the emulator
 * and the Xen ABI call it with any address that a guest can name.  It never
 * touches an address that is not user space of the current process.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "module/mem.h"
#include "module/vm.h"

/*
 * User address of a guest page, or 0.  HVMOD_VM_SET_MEMORY checked that the
 * whole slot is user space.  While a slot is replaced there is no moment when
 * the guest's own devices and instructions find none.
 */
static unsigned long page_hva(struct vm *vm, u64 gpa, bool write)
{
	const struct mem_slot *slot = mem_slot_find(vm, gpa >> PAGE_SHIFT);

	if (!slot || (write && (slot->flags & HVMOD_MEM_READONLY)) ||
	    mem_is_hole(vm, gpa >> PAGE_SHIFT))
		return 0;
	return slot->hva + ((gpa >> PAGE_SHIFT) - slot->gfn) * PAGE_SIZE + offset_in_page(gpa);
}

/* Bytes up to the page's end. */
static size_t in_page(u64 gpa, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
}

/* Kernel address of gpa where a page of the kernel's own lies over it, or NULL. */
static void *overlay_at(struct vm *vm, u64 gpa)
{
	struct page *page;

	if (likely(!rcu_access_pointer(vm->mem.overlay)))
		return NULL;
	page = mem_overlay_find(vm, gpa >> PAGE_SHIFT);
	return page ? page_address(page) + offset_in_page(gpa) : NULL;
}

int mem_read(struct vm *vm, u64 gpa, void *buf, size_t len)
{
	unsigned long hva;
	int idx, ret = 0;
	void *own;
	size_t n;

	if (current->mm != vm->mem.mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->mem.srcu);
	for (; len && !ret; len -= n, gpa += n, buf += n) {
		n = in_page(gpa, len);
		own = overlay_at(vm, gpa);
		if (unlikely(own)) {
			memcpy(buf, own, n);
			continue;
		}
		hva = page_hva(vm, gpa, false);
		if (!hva || copy_from_user(buf, (const void __user *)hva, n))
			ret = -EFAULT;
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

int mem_write(struct vm *vm, u64 gpa, const void *buf, size_t len)
{
	unsigned long hva;
	int idx, ret = 0;
	void *own;
	size_t n;

	if (current->mm != vm->mem.mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->mem.srcu);
	for (; len && !ret; len -= n, gpa += n, buf += n) {
		n = in_page(gpa, len);
		own = overlay_at(vm, gpa);
		if (unlikely(own)) {
			memcpy(own, buf, n);
			continue;
		}
		hva = page_hva(vm, gpa, true);
		if (!hva || copy_to_user((void __user *)hva, buf, n))
			ret = -EFAULT;
		/* Also after a fault: some bytes may be written. */
		if (hva)
			mem_mark_dirty(vm, gpa >> PAGE_SHIFT);
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

int mem_read_atomic(struct vm *vm, u64 gpa, void *buf, size_t len)
{
	unsigned long hva;
	int ret = 0;
	size_t n;

	if (current->mm != vm->mem.mm)
		return -EFAULT;
	rcu_read_lock();
	pagefault_disable();
	for (; len && !ret; len -= n, gpa += n, buf += n) {
		n = in_page(gpa, len);
		/* Rare: whoever may sleep does it. */
		if (unlikely(overlay_at(vm, gpa))) {
			ret = -EFAULT;
			break;
		}
		hva = page_hva(vm, gpa, false);
		if (!hva || __copy_from_user_inatomic(buf, (const void __user *)hva, n))
			ret = -EFAULT;
	}
	pagefault_enable();
	rcu_read_unlock();
	return ret;
}

/* 0: done; 1: differed, *old is what was found; -EFAULT. */
#define cmpxchg_as(type, hva, old, new) ({				\
	type old_ = *(type *)(old), new_ = *(const type *)(new);	\
	int ret_ = __try_cmpxchg_user((type __user *)(hva), &old_, new_, \
				      fault_##type);			\
	*(type *)(old) = old_;						\
	ret_;								\
})

static int cmpxchg_user(unsigned long hva, void *old, const void *new, size_t len)
{
	switch (len) {
	case 1:
		return cmpxchg_as(u8, hva, old, new);
	case 2:
		return cmpxchg_as(u16, hva, old, new);
	case 4:
		return cmpxchg_as(u32, hva, old, new);
	case 8:
		return cmpxchg_as(u64, hva, old, new);
	}
	return -EFAULT;
}

/* There is no user accessor of this size: through a mapping of our own. */
static int cmpxchg_user_16(unsigned long hva, void *old, const void *new)
{
#ifdef CONFIG_X86_64
	const u64 *n = new;
	struct page *page;
	u64 *o = old;
	void *map;
	bool done;

	if (pin_user_pages_fast(hva, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	map = kmap_local_page(page) + offset_in_page(hva);
	asm volatile("lock cmpxchg16b %[mem]"
		     : [mem] "+m" (*(u64 (*)[2])map), "+a" (o[0]), "+d" (o[1]), "=@ccz" (done)
		     : "b" (n[0]), "c" (n[1])
		     : "memory");
	kunmap_local(map);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return !done;
#else
	return -EFAULT;
#endif
}

int mem_cmpxchg(struct vm *vm, u64 gpa, void *old, const void *new, size_t len)
{
	unsigned long hva;
	int idx, ret = -EFAULT;

	if (current->mm != vm->mem.mm || !is_power_of_2(len) || len > 16 || (gpa & (len - 1)))
		return -EFAULT;
	idx = srcu_read_lock(&vm->mem.srcu);
	hva = overlay_at(vm, gpa) ? 0 : page_hva(vm, gpa, true);
	if (hva) {
		ret = len == 16 ? cmpxchg_user_16(hva, old, new) :
				  cmpxchg_user(hva, old, new, len);
		/* The instruction writes in either case. */
		if (ret >= 0)
			mem_mark_dirty(vm, gpa >> PAGE_SHIFT);
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret > 0 ? -EAGAIN : ret;
}
