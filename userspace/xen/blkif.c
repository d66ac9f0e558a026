// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of Xen's block interface.  The disk back end decodes with it.  It must
 * judge nothing: what a request asks for is checked where it is done.
 */
#include <errno.h>
#include <string.h>

#include "userspace/xen/blkif.h"

_Static_assert(sizeof(struct blkif_segment) == 8, "blkif_request_segment");

int blkif_abi_named(const char *name)
{
	if (!strcmp(name, "x86_64-abi"))
		return BLKIF_X86_64;
	if (!strcmp(name, "x86_32-abi"))
		return BLKIF_X86_32;
	return -EINVAL;
}

u32 blkif_slot(enum blkif_abi abi)
{
	return abi == BLKIF_X86_64 ? 112 : 108;
}

static void get(void *to, const u8 *raw, u32 at, u32 len)
{
	memcpy(to, raw + at, len);
}

/* Where a 64-bit guest aligns the identifier, a 32-bit one does not. */
void blkif_decode(enum blkif_abi abi, const u8 *raw, struct blkif_request *req)
{
	u32 id = abi == BLKIF_X86_64 ? 8 : 4, body = id + 16;
	u16 segments;

	memset(req, 0, sizeof(*req));
	req->op = raw[0];
	get(&req->id, raw, id, 8);
	get(&req->sector, raw, id + 8, 8);
	switch (req->op) {
	case BLKIF_DISCARD:
		get(&req->sectors, raw, body, 8);
		break;
	case BLKIF_INDIRECT:
		req->indirect = true;
		req->op = raw[1];
		get(&segments, raw, 2, 2);
		req->segments = segments;
		/* A device handle and two bytes stand before the references. */
		get(req->page_ref, raw, body + 4, sizeof(req->page_ref));
		break;
	default:
		req->segments = raw[1];
		get(req->segment, raw, body, sizeof(req->segment));
		break;
	}
}

u32 blkif_encode(enum blkif_abi abi, u64 id, u8 op, int status, u8 *raw)
{
	__s16 code = (__s16)status;

	memset(raw, 0, BLKIF_RESPONSE_MAX);
	memcpy(raw, &id, 8);
	raw[8] = op;
	memcpy(raw + 10, &code, 2);
	return abi == BLKIF_X86_64 ? 16 : 12;
}
