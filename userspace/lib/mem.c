// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the launcher holds it, and the checked way to an address in
 * it.  The launcher's machine, its boot loaders and its devices call it.  It
 * must not touch a page itself: memory that the guest never used costs nothing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* memfd_create() */
#endif
#include <errno.h>
#include <string.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/lib/mem.h"

#define HUGE_2M		(2 * MIB)

/* A mapping whose address is a multiple of 2 MiB, so that huge pages fit. */
static void *map_aligned(u64 size, int fd)
{
	/* Huge pages are reserved here, or the first touch is a bus error. */
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	u8 *room, *at;

	room = mmap(NULL, size + HUGE_2M, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	at = (u8 *)(((unsigned long)room + HUGE_2M - 1) & ~(HUGE_2M - 1));
	if (at > room)
		munmap(room, at - room);
	if (room + HUGE_2M > at)
		munmap(at + size, room + HUGE_2M - at);
	if (mmap(at, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int code = errno;

		munmap(at, size);
		errno = code;
		return NULL;
	}
	return at;
}

void gmem_split(struct gmem *mem)
{
	mem->low = mem->size < GMEM_HOLE ? mem->size : GMEM_HOLE;
	mem->high = mem->size - mem->low;
}

int gmem_create(struct gmem *mem, u64 size, enum gmem_backing backing, struct err *err)
{
	u64 unit = backing == GMEM_HUGETLB ? HUGE_2M : PAGE_BYTES;

	memset(mem, 0, sizeof(*mem));
	mem->fd = -1;
	if (!size || size % unit || size > TIB)
		return err_set(err, EINVAL,
			       "guest memory must be a multiple of %llu KiB, up to 1T",
			       unit / KIB);
	if (backing == GMEM_HUGETLB) {
		mem->fd = memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
		if (mem->fd < 0 || ftruncate(mem->fd, (off_t)size))
			goto fail;
	}
	mem->size = size;
	gmem_split(mem);
	mem->base = map_aligned(size, mem->fd);
	if (!mem->base)
		goto fail;
	if (backing == GMEM_ANON)
		madvise(mem->base, size, MADV_HUGEPAGE);
	/* Guest memory in a core file is of no use and may be huge. */
	madvise(mem->base, size, MADV_DONTDUMP);
	return 0;
fail:
	if (backing == GMEM_HUGETLB)
		err_set(err, errno,
			"cannot reserve %llu MiB of huge pages: %s (as root: echo %llu > /proc/sys/vm/nr_hugepages)",
			size / MIB, strerror(errno), size / HUGE_2M);
	else
		err_set(err, errno, "cannot reserve %llu MiB of memory: %s", size / MIB,
			strerror(errno));
	if (mem->fd >= 0)
		close(mem->fd);
	mem->fd = -1;
	return -ENOMEM;
}

void gmem_destroy(struct gmem *mem)
{
	if (mem->base)
		munmap(mem->base, mem->size);
	if (mem->fd >= 0)
		close(mem->fd);
	mem->base = NULL;
	mem->fd = -1;
}

int gmem_clear(struct gmem *mem, struct err *err)
{
	/* MADV_REMOVE punches the pages out of a memfd. */
	if (madvise(mem->base, mem->size, mem->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED))
		return err_set(err, errno, "cannot clear guest memory: %s", strerror(errno));
	return 0;
}

void gmem_discard(struct gmem *mem, u64 gpa, u64 len)
{
	void *at = gmem_ptr(mem, gpa, len);

	if (at)
		madvise(at, len, mem->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED);
}

void *gmem_ptr(const struct gmem *mem, u64 gpa, u64 len)
{
	if (gpa < mem->low && len <= mem->low - gpa)
		return mem->base + gpa;
	if (gpa >= GMEM_HIGH && gpa - GMEM_HIGH < mem->high &&
	    len <= mem->high - (gpa - GMEM_HIGH))
		return mem->base + mem->low + (gpa - GMEM_HIGH);
	return NULL;
}
