// SPDX-License-Identifier: GPL-2.0
/*
 * The size of the guest's translations follows the size of the host's pages:
 * one fault maps 2 MiB (or 1 GiB) where the host has such a page, the slot holds
 * all of it and both are aligned alike; else 4 KiB.
 */
#include <unistd.h>

#include "mem/worker.h"

#define SIZE	(8UL << 20)
#define PAGES	(HUGE / PAGE)

static struct worker w;

static bool have_thp(void)
{
	const char *path = "/sys/kernel/mm/transparent_hugepage/enabled";

	return worker_told(path, "[always]") || worker_told(path, "[madvise]");
}

/* The guest reads all of the 2 MiB at offset, which the host wrote. */
static void expect(u64 offset, u64 huge, const char *name)
{
	struct hvmod_vm_stat before = worker_stat(&w), after;
	u64 i;

	for (i = 0; i < PAGES; i++)
		*worker_word(&w, offset + i * PAGE) = offset + i;
	tap_eq(worker_check(&w, offset, PAGES, offset), 0, name);
	after = worker_stat(&w);
	tap_eq(after.pages_2m - before.pages_2m, huge, "  leaves of 2 MiB");
	tap_eq(after.pages_4k - before.pages_4k, huge ? 0 : PAGES, "  leaves of 4 KiB");
	tap_eq(after.ept_faults - before.ept_faults, huge ? 1 : PAGES, "  faults");
	tap_ok(worker_fill(&w, offset, PAGES, offset + 1), "  the guest writes");
	for (i = 0; i < PAGES; i++) {
		if (*worker_word(&w, offset + i * PAGE) != offset + 1 + i)
			break;
	}
	tap_eq(i, PAGES, "  and the host reads it");
	tap_eq(worker_stat(&w).ept_faults, after.ept_faults, "  without another fault");
}

static void test_aligned(void)
{
	worker_start(&w, 0, worker_map(SIZE, MADV_HUGEPAGE), SIZE);
	/* The guest's own pages come in first, that they do not count. */
	worker_read(&w, SIZE - PAGE);
	expect(0, 1, "a huge page");
	expect(HUGE, 1, "another one");
	hv_need(!madvise(w.mem + 2 * HUGE, HUGE, MADV_NOHUGEPAGE));
	expect(2 * HUGE, 0, "MADV_NOHUGEPAGE");
	worker_end(&w);
}

static void test_misaligned(void)
{
	u8 *mem = worker_map(SIZE, MADV_HUGEPAGE);

	/* A page less of memory before it than of guest-physical space. */
	worker_start(&w, 0, mem + PAGE, SIZE - PAGE);
	worker_read(&w, SIZE - 2 * PAGE);
	expect(0, 0, "guest and host addresses differ modulo 2 MiB");
	worker_end(&w);

	/* Aligned alike, but the slot begins and ends in the midst of the page. */
	mem = worker_map(SIZE, MADV_HUGEPAGE);
	worker_start(&w, 0, mem, SIZE);
	hv_need(!hv_set_memory(w.vm, W_SLOT, 0, W_GPA + PAGE, HUGE, mem + PAGE));
	*worker_word(&w, PAGE) = 11;
	*worker_word(&w, HUGE) = 12;
	tap_eq(worker_read(&w, PAGE), 11, "the slot begins in a huge page");
	tap_eq(worker_read(&w, HUGE), 12, "the slot ends in a huge page");
	tap_eq(worker_stat(&w).pages_2m, 0, "no leaf reaches out of the slot");
	worker_end(&w);
}

/* Small translations were there; then the host has a huge page at that place. */
static void test_grows(void)
{
	u64 i;

	worker_start(&w, 0, worker_map(SIZE, MADV_NOHUGEPAGE), SIZE);
	hv_need(worker_fill(&w, 0, PAGES, 1));
	/* By parts, so that no part covers all. */
	for (i = 0; i < 4; i++)
		hv_need(!munmap(w.mem + i * HUGE / 4, HUGE / 4));
	hv_need(mmap(w.mem, HUGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == w.mem);
	hv_need(!madvise(w.mem, HUGE, MADV_HUGEPAGE));
	*worker_word(&w, 8) = 21;
	tap_eq(worker_read(&w, 8), 21, "a huge page where small ones were");
	tap_eq(worker_stat(&w).pages_2m, 1, "a leaf of 2 MiB");
	worker_end(&w);
}

/* A read of memory that was never touched shows the huge zero page. */
static void test_zero(void)
{
	worker_start(&w, 0, worker_map(SIZE, MADV_HUGEPAGE), SIZE);
	tap_eq(worker_read(&w, 0), 0, "untouched: zero");
	tap_eq(worker_read(&w, HUGE - PAGE), 0, "untouched: zero at the end");
	tap_ok(worker_write(&w, PAGE, 31) && *worker_word(&w, PAGE) == 31, "then a write");
	tap_eq(worker_read(&w, 0), 0, "the rest is zero");
	tap_ok(worker_write(&w, HUGE, 32) && *worker_word(&w, HUGE) == 32,
	       "a write comes first");
	/* Some kernels split the huge zero page when it is written to. */
	tap_ok(worker_stat(&w).pages_2m >= 1, "a leaf of 2 MiB");
	worker_end(&w);
}

static void test_split(void)
{
	worker_start(&w, 0, worker_map(SIZE, MADV_HUGEPAGE), SIZE);
	hv_need(worker_fill(&w, 0, PAGES, 41));
	hv_need(!mprotect(w.mem + 5 * PAGE, PAGE, PROT_READ));
	tap_eq(worker_check(&w, 0, PAGES, 41), 0, "mprotect of a part: all is there");
	tap_ok(worker_fill(&w, 6 * PAGE, PAGES - 6, 42), "the part behind it is writable");
	tap_eq(worker_read(&w, 5 * PAGE), 46, "the part itself is readable");
	hv_need(!mprotect(w.mem + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	tap_ok(worker_write(&w, 5 * PAGE, 43) && *worker_word(&w, 5 * PAGE) == 43,
	       "and writable again");
	worker_end(&w);
}

static void test_hugetlb(u64 size, int shift, const char *name)
{
	struct hvmod_vm_stat stat;
	char path[96];
	u8 *mem;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages",
		 (unsigned long)size >> 10);
	if (!worker_tell(path, "2")) {
		tap_skip("hugetlbfs, %s: %s cannot be written", name, path);
		return;
	}
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (shift << 26), -1, 0);
	if (mem == MAP_FAILED) {
		tap_skip("hugetlbfs, %s: the host has no such page free", name);
		return;
	}
	w.vm = hv_vm_new(1 << 20);
	w.vcpu = hv_vcpu_new(w.vm, 0);
	w.mem = mem;
	/* A slot that is aligned to it; below it is the guest's page tables' reach. */
	hv_need(!hv_set_memory(w.vm, W_SLOT, 0, size == HUGE ? W_GPA : 2 * size, size, mem));
	hv_long_mode_arg(w.vcpu, worker_guest, (uintptr_t)&w);
	*(u64 *)mem = 51;
	*(u64 *)(mem + size - 8) = 52;
	tap_eq(worker_read(&w, size == HUGE ? 0 : 2 * size - W_GPA), 51, name);
	tap_eq(worker_read(&w, (size == HUGE ? 0 : 2 * size - W_GPA) + size - 8), 52, "  its end");
	stat = worker_stat(&w);
	if (size == HUGE || !(hv_cap(w.vm->dev, HVMOD_CAP_FEATURES) & HVMOD_FEATURE_EPT_1G))
		tap_eq(stat.pages_2m, size == HUGE ? 1 : 2, "  leaves of 2 MiB");
	else
		tap_eq(stat.pages_1g, 1, "  leaves of 1 GiB");
	hv_need(!munmap(mem, size));
	stat = worker_stat(&w);
	tap_eq(stat.pages_2m + stat.pages_1g, 0, "  unmapped: no leaf is left");
	worker_end(&w);
	worker_tell(path, "0");
}

int main(void)
{
	if (have_thp()) {
		test_aligned();
		test_misaligned();
		test_grows();
		test_zero();
		test_split();
	} else {
		tap_skip("this host's kernel has no transparent huge pages");
	}
	test_hugetlb(HUGE, 21, "hugetlbfs, 2 MiB");
	test_hugetlb(1UL << 30, 30, "hugetlbfs, 1 GiB");
	return tap_finish();
}
