/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the hypercall table: what each hypercall and each of its
 * sub-operations is for each kind of guest.  hypercall.c dispatches and counts by
 * it, the program that writes Documentation/hypercalls.md is compiled from it.
 * Pure: it knows no guest.
 */
#ifndef MODULE_XEN_HYPERCALL_TABLE_H
#define MODULE_XEN_HYPERCALL_TABLE_H

#include <linux/bits.h>
#include <linux/types.h>

#include "uapi/hvmod.h"

struct hcall;

#define HCALL_PVH	BIT(HVMOD_KIND_PVH)
#define HCALL_HVM	BIT(HVMOD_KIND_HVM)
#define HCALL_PV	BIT(HVMOD_KIND_PV)
#define HCALL_AUTO	(HCALL_PVH | HCALL_HVM)		/* translated memory */
#define HCALL_ALL	(HCALL_AUTO | HCALL_PV)

#define HCALL_FAST	BIT(0)	/* may finish with interrupts off */

/*
 * What one call does.  A kind of guest that is in neither set is refused, as Xen
 * refuses it; one in "absent" would be served by Xen and is not here: that is
 * counted as "not supported" and named in the log.  Both get "error".
 */
struct hcall_op {
	const char *name;	/* NULL: Xen has no such number */
	long (*fn)(struct hcall *h);
	u8 done;		/* HCALL_PVH, HCALL_HVM, HCALL_PV */
	u8 absent;
	u8 flags;		/* HCALL_FAST */
	s16 error;		/* negative */
#ifdef HVMOD_UNIT
	const char *note;	/* for the document */
#endif
};

struct hcall_row {
	/* Without sub-operations all of it, else the name, and who may call. */
	struct hcall_op self;
	const struct hcall_op *ops;
	u32 nr_ops;
	u32 first;		/* index of its counter, of its first sub-operation's */
	u64 op_mask;		/* of the argument that says which sub-operation */
};

/* Numbers that no row has, too, and the sub-operations that have none. */
#define HCALL_ROWS	64
extern const struct hcall_row hcall_table[HCALL_ROWS];

/*
 * Counters: 0 is for hypercalls without a row, the others are for rows; of a row
 * with sub-operations there is one for each and one, the last, for the numbers
 * that have none.
 */
#define HCALL_COUNTERS	320

static inline u32 hcall_row_counters(const struct hcall_row *row)
{
	return row->ops ? row->nr_ops + 1 : 1;
}

/* What a guest of that kind gets of it. */
enum hcall_status {
	HCALL_DONE,
	HCALL_REFUSED,
	HCALL_ABSENT,
};

static inline enum hcall_status hcall_op_status(const struct hcall_op *op, u32 kind)
{
	if (op->done & BIT(kind))
		return HCALL_DONE;
	return op->absent & BIT(kind) ? HCALL_ABSENT : HCALL_REFUSED;
}

#endif /* MODULE_XEN_HYPERCALL_TABLE_H */
