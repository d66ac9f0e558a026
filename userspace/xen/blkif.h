/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests of Xen's block interface, as Xen's io/blkif.h lays them out for guests
 * of 64 and of 32 bits.  The disk back end decodes with it.  It must look at the
 * bytes that it is given only: they are a copy of what the guest wrote.
 */
#ifndef USERSPACE_XEN_BLKIF_H
#define USERSPACE_XEN_BLKIF_H

#include "userspace/lib/types.h"

#define BLKIF_SECTOR		512U
#define BLKIF_PAGE_SECTORS	8U	/* of a granted page */
#define BLKIF_SEGMENTS		11U	/* in a request */
#define BLKIF_INDIRECT_PAGES	8U
#define BLKIF_PAGE_SEGMENTS	512U	/* in an indirect page */
#define BLKIF_REQUEST_MAX	112U	/* bytes of a request */
#define BLKIF_RESPONSE_MAX	16U

enum blkif_op {
	BLKIF_READ = 0, BLKIF_WRITE = 1, BLKIF_BARRIER = 2, BLKIF_FLUSH = 3,
	BLKIF_DISCARD = 5, BLKIF_INDIRECT = 6,
};

#define BLKIF_OKAY		0
#define BLKIF_ERROR		(-1)
#define BLKIF_EOPNOTSUPP	(-2)

/** enum blkif_abi - whose layout; the names are those in xenstore */
enum blkif_abi {
	BLKIF_X86_64,		/* "x86_64-abi", and what a 64-bit guest is without a word */
	BLKIF_X86_32,		/* "x86_32-abi" */
};

/**
 * struct blkif_segment - a piece of a granted page
 * @ref:   grant reference
 * @first: first sector in the page    @last: last one, inclusive
 */
struct blkif_segment {
	u32 ref;
	u8 first;
	u8 last;
	u16 pad;
};

/**
 * struct blkif_request - a request
 * @op:        any number; of an indirect one what it stands for
 * @indirect:  its segments are in the pages of @page_ref
 * @id:        returned in the response
 * @sector:    first sector of the disk
 * @sectors:   BLKIF_DISCARD: how many
 * @segments:  any number up to 65535
 * @segment:   BLKIF_SEGMENTS of them, unless @indirect
 * @page_ref:  of an indirect one
 */
struct blkif_request {
	u8 op;
	bool indirect;
	u64 id;
	u64 sector;
	u64 sectors;
	u32 segments;
	struct blkif_segment segment[BLKIF_SEGMENTS];
	u32 page_ref[BLKIF_INDIRECT_PAGES];
};

/** blkif_abi_named() - by its name in xenstore. Return: enum blkif_abi, or -EINVAL. */
int blkif_abi_named(const char *name);

/** blkif_slot() - bytes of a slot of the ring. */
u32 blkif_slot(enum blkif_abi abi);

/** blkif_decode() - a request; @raw is blkif_slot() bytes. */
void blkif_decode(enum blkif_abi abi, const u8 *raw, struct blkif_request *req);

/**
 * blkif_encode() - a response
 * @raw: BLKIF_RESPONSE_MAX bytes
 *
 * Return: how many of them it is.
 */
u32 blkif_encode(enum blkif_abi abi, u64 id, u8 op, int status, u8 *raw);

#endif /* USERSPACE_XEN_BLKIF_H */
