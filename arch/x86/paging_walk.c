// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of a guest's page tables: SDM, "Paging", for 32-bit, PAE, 4-level and
 * 5-level paging, with access rights, page-fault error codes, accessed and
 * dirty bits.  Called by paging.c and by the unit tests.  It must not keep
 * anything between two walks: it is no TLB.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "arch/x86/paging_walk.h"

/* Bits of an entry; their places are the same in all formats. */
#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_XD		BIT_ULL(63)
#define PTE_KEY(e)	((e) >> 59 & 0xf)
#define PTE_ADDR	GENMASK_ULL(51, 12)

/* Page-fault error code: SDM, "Page-Fault Exceptions" */
#define ERR_P		BIT(0)
#define ERR_W		BIT(1)
#define ERR_U		BIT(2)
#define ERR_RSVD	BIT(3)
#define ERR_I		BIT(4)
#define ERR_PK		BIT(5)

/* A walk that always finds the tables changed is given up after so many. */
#define WALK_TRIES	64

struct walk {
	const struct paging_mode *mode;
	const struct paging_ops *ops;
	void *opaque;
	u64 linear;
	u32 access;
	/* accumulated on the way down */
	bool writable;
	bool user;
	bool xd;
};

static bool wide(const struct walk *w)
{
	return w->mode->levels > 2;
}

static u64 bits_above(const struct walk *w, unsigned int top)
{
	return GENMASK_ULL(top, 0) & ~GENMASK_ULL(w->mode->maxphyaddr - 1, 0);
}

/* Reserved bits of an entry at this level that points to a table or is a PTE. */
static u64 reserved_table(const struct walk *w, int level)
{
	u64 bits;

	if (!wide(w))
		return 0;
	bits = bits_above(w, 51);
	/* PAE has no ignored bits 62:52. */
	if (w->mode->levels == 3)
		bits |= GENMASK_ULL(62, 52);
	if (!(w->mode->flags & PAGING_NX))
		bits |= PTE_XD;
	/* In 4- and 5-level paging the upper two levels have no page size. */
	if (level >= 4)
		bits |= PTE_PS;
	return bits;
}

static u64 reserved_page(const struct walk *w, int level)
{
	unsigned int max = w->mode->maxphyaddr;

	if (level == 1)
		return reserved_table(w, 1);
	if (!wide(w)) {
		/* PSE-36: bits 20:13 are address bits 39:32. */
		if (max > 40)
			max = 40;
		return GENMASK_ULL(21, 0) & ~GENMASK_ULL(max - 20, 0);
	}
	if (level == 2)
		return reserved_table(w, 2) | GENMASK_ULL(20, 13);
	return reserved_table(w, 3) | GENMASK_ULL(29, 13);
}

static bool is_page(const struct walk *w, int level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (level == 2)
		return wide(w) || (w->mode->flags & PAGING_PSE);
	return level == 3;
}

static u64 entry_reserved(const struct walk *w, int level, u64 entry)
{
	if (level == 3 && (entry & PTE_PS) && !(w->mode->flags & PAGING_1G))
		return PTE_PS;
	return is_page(w, level, entry) ? reserved_page(w, level) : reserved_table(w, level);
}

static u64 walk_address(const struct walk *w, int level, u64 entry)
{
	unsigned int shift = wide(w) ? 12 + 9 * (level - 1) : 12 + 10 * (level - 1);
	u64 offset = w->linear & GENMASK_ULL(shift - 1, 0);
	u64 base = entry & PTE_ADDR & ~GENMASK_ULL(shift - 1, 0);

	if (!wide(w)) {
		base = entry & GENMASK_ULL(31, shift);
		if (level == 2)
			base |= (entry & GENMASK_ULL(20, 13)) << 19;
	}
	return base | offset;
}

static int fault(const struct walk *w, u32 *error, u32 bits)
{
	bool fetch = w->access & PAGING_FETCH;

	if (w->access & PAGING_WRITE)
		bits |= ERR_W;
	if (w->access & PAGING_USER && !(w->access & PAGING_IMPLICIT))
		bits |= ERR_U;
	if (fetch && (((w->mode->flags & PAGING_NX) && wide(w)) ||
		      (w->mode->flags & PAGING_SMEP)))
		bits |= ERR_I;
	*error = bits;
	return -EFAULT;
}

/* SDM, "Protection Keys": only for data accesses to user-mode pages. */
static bool key_denies(const struct walk *w, u64 entry, bool user, bool write)
{
	u32 rights;

	if (!(w->mode->flags & PAGING_PKE) || w->mode->levels < 4 || !w->user)
		return false;
	rights = w->mode->pkru >> (2 * PTE_KEY(entry)) & 3;
	if (rights & 1)
		return true;
	return write && (rights & 2) && (user || (w->mode->flags & PAGING_WP));
}

/* SDM, "Determination of Access Rights".  0 or -EFAULT. */
static int check_rights(const struct walk *w, u64 entry, u32 *error)
{
	bool implicit = w->access & PAGING_IMPLICIT;
	bool user = (w->access & PAGING_USER) && !implicit;
	bool write = w->access & PAGING_WRITE;
	u32 flags = w->mode->flags;

	if (user && !w->user)
		return fault(w, error, ERR_P);

	if (w->access & PAGING_FETCH) {
		if (w->xd || (!user && w->user && (flags & PAGING_SMEP)))
			return fault(w, error, ERR_P);
		return 0;
	}

	if (!user && w->user && (flags & PAGING_SMAP) && (implicit || !(flags & PAGING_AC)))
		return fault(w, error, ERR_P);
	if (write && !w->writable && (user || (flags & PAGING_WP)))
		return fault(w, error, ERR_P);
	if (key_denies(w, entry, user, write))
		return fault(w, error, ERR_P | ERR_PK);
	return 0;
}

/* -EAGAIN: the entry changed meanwhile, or not now. */
static int set_bits(const struct walk *w, u64 gpa, u64 entry, u64 bits)
{
	size_t len = wide(w) ? 8 : 4;
	u64 new = entry | bits;
	int err;

	if ((entry & bits) == bits)
		return 0;
	err = w->ops->update(w->opaque, gpa, &entry, &new, len);
	return err == -EFAULT ? -ENXIO : err;
}

/* One try: -EAGAIN from set_bits() may mean that another one helps. */
static int walk_once(struct walk *w, u64 *gpa, u32 *error)
{
	const struct paging_mode *mode = w->mode;
	unsigned int index_bits = wide(w) ? 9 : 10;
	u64 table = mode->root & PTE_ADDR;
	int level = mode->levels;
	u64 entry, at;
	int err;

	w->writable = true;
	w->user = true;
	w->xd = false;

	if (level == 3) {
		/* PDPTE registers were checked when they were loaded. */
		entry = mode->pdptr[w->linear >> 30 & 3];
		if (!(entry & PTE_P))
			return fault(w, error, 0);
		table = entry & PTE_ADDR;
		level = 2;
	}

	for (;; level--) {
		u64 index = w->linear >> (12 + index_bits * (level - 1)) &
			    (BIT_ULL(index_bits) - 1);

		entry = 0;
		at = table + index * (wide(w) ? 8 : 4);
		err = w->ops->read(w->opaque, at, &entry, wide(w) ? 8 : 4);
		if (err)
			return err == -EFAULT ? -ENXIO : err;
		if (!(entry & PTE_P))
			return fault(w, error, 0);
		if (entry & entry_reserved(w, level, entry))
			return fault(w, error, ERR_P | ERR_RSVD);

		w->writable &= !!(entry & PTE_W);
		w->user &= !!(entry & PTE_U);
		w->xd |= wide(w) && (entry & PTE_XD);
		if (is_page(w, level, entry))
			break;

		err = set_bits(w, at, entry, PTE_A);
		if (err)
			return err;
		table = entry & PTE_ADDR;
	}

	err = check_rights(w, entry, error);
	if (err)
		return err;
	err = set_bits(w, at, entry, w->access & PAGING_WRITE ? PTE_A | PTE_D : PTE_A);
	if (err)
		return err;
	*gpa = walk_address(w, level, entry);
	return 0;
}

int paging_walk(const struct paging_mode *mode, const struct paging_ops *ops, void *opaque,
		u64 linear, u32 access, u64 *gpa, u32 *error)
{
	struct walk w = {
		.mode = mode,
		.ops = ops,
		.opaque = opaque,
		.linear = mode->levels > 3 ? linear : (u32)linear,
		.access = access,
	};
	int tries = access & PAGING_ATOMIC ? 1 : WALK_TRIES;
	int err;

	do {
		err = walk_once(&w, gpa, error);
	} while (err == -EAGAIN && --tries);
	return err;
}
