/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory as the launcher holds it: one host mapping, which the guest
 * sees below the hole under 4 GiB and, the rest, above 4 GiB.  Boot loaders and
 * devices reach it through gmem_ptr() only, which survives any address that a
 * guest can name.  It must not hand out a pointer without a length.
 */
#ifndef USERSPACE_LIB_MEM_H
#define USERSPACE_LIB_MEM_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/* Addresses from GMEM_HOLE to GMEM_HIGH belong to devices. */
#define GMEM_HOLE	0xc0000000ULL
#define GMEM_HIGH	0x100000000ULL

/**
 * struct gmem - guest memory
 * @base: host address, or NULL
 * @size: bytes in all
 * @low:  bytes of it at guest-physical 0, at most GMEM_HOLE
 * @high: bytes of it at guest-physical GMEM_HIGH; @base + @low is its first
 * @fd:   memfd behind it, or -1
 */
struct gmem {
	u8 *base;
	u64 size;
	u64 low;
	u64 high;
	int fd;
};

/** enum gmem_backing - what to take the memory from */
enum gmem_backing {
	/** @GMEM_ANON: anonymous memory, transparent huge pages asked for */
	GMEM_ANON,
	/** @GMEM_HUGETLB: a memfd of reserved 2 MiB pages */
	GMEM_HUGETLB,
};

/**
 * gmem_create() - reserve guest memory; pages come when they are touched
 * @mem:     filled in
 * @size:    bytes, a multiple of 4096, of 2 MiB for GMEM_HUGETLB
 * @backing: enum gmem_backing
 * @err:     in words
 *
 * Return: 0, -ENOMEM, -EINVAL.
 */
int gmem_create(struct gmem *mem, u64 size, enum gmem_backing backing, struct err *err);

/** gmem_destroy() - give it back; the VM must be closed before. */
void gmem_destroy(struct gmem *mem);

/** gmem_clear() - make all of it zero again, by giving the pages back. */
int gmem_clear(struct gmem *mem, struct err *err);

/**
 * gmem_discard() - the guest gave frames back: their pages go to the host
 * @mem: the memory
 * @gpa: guest-physical address of the first
 * @len: bytes
 *
 * What of it is no guest memory is left alone, and so is a part of a huge page
 * that was reserved: it stays the guest's.
 */
void gmem_discard(struct gmem *mem, u64 gpa, u64 len);

/** gmem_split() - fill in @low and @high from @size. */
void gmem_split(struct gmem *mem);

/**
 * gmem_ptr() - where a guest-physical range is
 * @mem: the memory
 * @gpa: any address
 * @len: bytes, any number
 *
 * Return: host address of @len contiguous bytes, NULL when any of them is not
 * guest memory.
 */
void *gmem_ptr(const struct gmem *mem, u64 gpa, u64 len);

#endif /* USERSPACE_LIB_MEM_H */
