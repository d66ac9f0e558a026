// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of slots that the guest has given back: no memory until it takes them
 * again.  module/xen/ makes and fills them, mem.c and mem_access.c ask.  A VM
 * without any pays for one test of a counter.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/vm.h"

/* A page of bits: 32768 frames, 128 MiB. */
#define CHUNK_BITS	(PAGE_SIZE * BITS_PER_BYTE)

static unsigned long *chunk_of(struct vm *vm, u64 gfn)
{
	return xa_load(&vm->mem.holes, gfn / CHUNK_BITS);
}

bool mem_is_hole(struct vm *vm, u64 gfn)
{
	unsigned long *chunk;

	if (likely(!atomic64_read(&vm->mem.nr_holes)))
		return false;
	chunk = chunk_of(vm, gfn);
	return chunk && test_bit(gfn % CHUNK_BITS, chunk);
}

u64 mem_hole_count(struct vm *vm, u64 gfn, u64 pages)
{
	u64 end = gfn + pages, next, count = 0;
	unsigned long *chunk;

	if (!atomic64_read(&vm->mem.nr_holes))
		return 0;
	for (; gfn < end; gfn = next) {
		u32 first = gfn % CHUNK_BITS, bit;

		next = min(end, gfn - first + CHUNK_BITS);
		chunk = chunk_of(vm, gfn);
		if (!chunk)
			continue;
		for (bit = first; bit < first + (next - gfn); bit++) {
			bit = find_next_bit(chunk, first + (next - gfn), bit);
			count += bit < first + (next - gfn);
		}
	}
	return count;
}

/* Allocated without a lock; never freed before the VM is. */
static int need_chunk(struct vm *vm, u64 gfn)
{
	unsigned long *chunk, *other;

	if (chunk_of(vm, gfn))
		return 0;
	chunk = (unsigned long *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;
	other = xa_cmpxchg(&vm->mem.holes, gfn / CHUNK_BITS, NULL, chunk, GFP_KERNEL_ACCOUNT);
	if (other)
		free_page((unsigned long)chunk);
	return xa_err(other);
}

int mem_hole_make(struct vm *vm, u64 gfn, bool *flush)
{
	const struct mem_slot *slot;
	struct mem *mem = &vm->mem;
	int idx, err;

	idx = srcu_read_lock(&mem->srcu);
	slot = mem_slot_find(vm, gfn);
	err = !slot || (slot->flags & (HVMOD_MEM_READONLY | MEM_SLOT_DYING)) ? -ENOENT : 0;
	if (!err)
		err = need_chunk(vm, gfn);
	if (err)
		goto unlock;

	/* Faults that looked before start again; later ones see the bit. */
	write_lock(&mem->lock);
	if (test_and_set_bit(gfn % CHUNK_BITS, chunk_of(vm, gfn))) {
		err = -ENOENT;
	} else {
		atomic64_inc(&mem->nr_holes);
		WRITE_ONCE(mem->seq, mem->seq + 1);
		*flush |= arch_mmu_unmap(vm, gfn, 1);
	}
	write_unlock(&mem->lock);
unlock:
	srcu_read_unlock(&mem->srcu, idx);
	return err;
}

int mem_hole_fill(struct vm *vm, u64 gfn)
{
	struct mem *mem = &vm->mem;
	const struct mem_slot *slot;
	int idx, err = -ENOENT;

	idx = srcu_read_lock(&mem->srcu);
	slot = mem_slot_find(vm, gfn);
	if (!slot || !mem_is_hole(vm, gfn))
		goto unlock;
	write_lock(&mem->lock);
	if (test_and_clear_bit(gfn % CHUNK_BITS, chunk_of(vm, gfn))) {
		atomic64_dec(&mem->nr_holes);
		err = 0;
	}
	write_unlock(&mem->lock);
unlock:
	srcu_read_unlock(&mem->srcu, idx);
	return err;
}

bool mem_hole_in(struct vm *vm, u64 gfn, u64 pages)
{
	return mem_hole_count(vm, gfn, pages);
}

void mem_hole_free(struct vm *vm)
{
	unsigned long *chunk;
	unsigned long i;

	xa_for_each(&vm->mem.holes, i, chunk)
		free_page((unsigned long)chunk);
	xa_destroy(&vm->mem.holes);
}
