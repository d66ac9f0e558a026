/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk of a guest's page tables, as a function of its inputs: control
 * bits, an access, and two operations on guest-physical memory.  paging.c calls
 * it for a vCPU, the unit tests for tables of their own.  Pure: no vCPU, no
 * kernel service.
 */
#ifndef ARCH_X86_PAGING_WALK_H
#define ARCH_X86_PAGING_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

#define PAGING_WRITE	BIT(0)
#define PAGING_USER	BIT(1)	/* an access with CPL 3 */
#define PAGING_FETCH	BIT(2)
#define PAGING_IMPLICIT	BIT(3)	/* supervisor access whatever the CPL (descriptor tables) */
#define PAGING_ATOMIC	BIT(4)	/* may not sleep: -EAGAIN when a table is not at hand */

/* Flags of struct paging_mode */
#define PAGING_WP	0x001	/* CR0.WP */
#define PAGING_PSE	0x002	/* CR4.PSE */
#define PAGING_SMEP	0x004	/* CR4.SMEP */
#define PAGING_SMAP	0x008	/* CR4.SMAP */
#define PAGING_AC	0x010	/* RFLAGS.AC */
#define PAGING_NX	0x020	/* EFER.NXE */
#define PAGING_1G	0x040	/* 1 GiB pages */
#define PAGING_PKE	0x080	/* CR4.PKE */

/**
 * struct paging_mode - what of a vCPU's state counts
 * @root: CR3
 * @pdptr: with PAE paging, the PDPTE registers
 * @flags: PAGING_WP and the following
 * @pkru: with PAGING_PKE
 * @levels: 2 (32-bit paging), 3 (PAE), 4 or 5
 * @maxphyaddr: width of a physical address
 */
struct paging_mode {
	u64 root;
	u64 pdptr[4];
	u32 flags;
	u32 pkru;
	u8 levels;
	u8 maxphyaddr;
};

/**
 * struct paging_ops - guest-physical memory
 * @read: 0, -EFAULT: no memory there, -EAGAIN: not now
 * @update: compare and exchange @len (4 or 8) bytes; 0; -EAGAIN: they
 *	differed, or not now; -EFAULT: not memory, or read-only
 */
struct paging_ops {
	int (*read)(void *opaque, u64 gpa, void *buf, size_t len);
	int (*update)(void *opaque, u64 gpa, void *old, const void *new, size_t len);
};

/**
 * paging_walk() - translate as the CPU does
 * @mode: the vCPU's paging mode; paging is on
 * @ops: memory
 * @opaque: for @ops
 * @linear: address, canonical; its upper half is ignored in 32-bit modes
 * @access: PAGING_WRITE, _USER, _FETCH, _IMPLICIT
 * @gpa: result
 * @error: #PF error code with -EFAULT
 *
 * Sets accessed bits on the way and the dirty bit of a page that is written.
 * Return: 0; -EFAULT: a page fault; -EAGAIN: @ops said so, or the tables change
 * all the time; -ENXIO: a table is no memory.
 */
int paging_walk(const struct paging_mode *mode, const struct paging_ops *ops, void *opaque,
		u64 linear, u32 access, u64 *gpa, u32 *error);

#endif /* ARCH_X86_PAGING_WALK_H */
