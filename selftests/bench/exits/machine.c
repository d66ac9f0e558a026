// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, page tables and image of the exit benchmark's guest.  Called by exits.c
 * for each operation.  It must not differ between the back ends.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exits/machine.h"

#define SIZE_2M		(2UL << 20)
#define PTE_TABLE	7UL	/* present, writable, user */
#define PTE_LARGE	0x87UL

/* Aligned to 2 MiB, so that huge pages fit; every page is written. */
static u8 *map_memory(size_t size, int advice)
{
	u8 *raw = mmap(NULL, size + SIZE_2M, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u8 *p;
	size_t i;

	hv_need(raw != MAP_FAILED);
	p = (u8 *)(((uintptr_t)raw + SIZE_2M - 1) & ~(SIZE_2M - 1));
	munmap(raw, p - raw);
	munmap(p + size, raw + SIZE_2M - p);
	hv_need(!madvise(p, size, advice));
	for (i = 0; i < size; i += 4096)
		p[i] = 0;
	return p;
}

static void write_tables(u8 *mem)
{
	u64 *pml4 = (u64 *)(mem + GUEST_PML4);
	u64 *pdpt = (u64 *)(mem + GUEST_PDPT);
	u64 *pd = (u64 *)(mem + GUEST_PD);
	u64 i;

	pml4[0] = GUEST_PDPT | PTE_TABLE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PD + i * 4096) | PTE_TABLE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_LARGE;
}

void machine_new(struct machine *m, const struct backend *be, enum test_memory test,
		 u32 count)
{
	memset(m, 0, sizeof(*m));
	m->be = be;
	m->dev = be->open();
	hv_need(m->dev >= 0);
	m->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	hv_need(m->kick >= 0);
	be->create(m);
	be->add_kicks(m);

	m->mem = map_memory(GUEST_RAM_SIZE, MADV_NOHUGEPAGE);
	write_tables(m->mem);
	memcpy(m->mem + GUEST_IMAGE, guest_image, guest_image_end - guest_image);
	be->set_memory(m, SLOT_RAM, false, 0, GUEST_RAM_SIZE, m->mem);
	if (test == TEST_NONE)
		return;
	m->test_size = (count + WARM_UPS) * (test == TEST_2M ? SIZE_2M : 4096);
	m->test = map_memory(m->test_size,
			     test == TEST_2M ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	be->set_memory(m, SLOT_TEST, test == TEST_DIRTY, GUEST_TEST, m->test_size, m->test);
}

void machine_free(struct machine *m)
{
	munmap(m->run, m->run_size);
	if (m->stats > 0)
		close(m->stats);
	close(m->vcpu);
	close(m->vm);
	close(m->dev);
	close(m->kick);
	munmap(m->mem, GUEST_RAM_SIZE);
	if (m->test)
		munmap(m->test, m->test_size);
}
