/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's grant table inside the kernel: where its entries are and how they
 * are read.  gnttab.c and gnttab_copy.c share it.  The guest and the launcher
 * write to all of it at any time: read once, believe nothing.
 */
#ifndef MODULE_XEN_GNTTAB_H
#define MODULE_XEN_GNTTAB_H

#include <linux/mm.h>
#include <linux/nospec.h>
#include <xen/interface/xen.h>
#include <xen/interface/grant_table.h>

#include "module/xen/hypercall.h"

#define GNTTAB_V1_PER_PAGE	(PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GNTTAB_V2_PER_PAGE	(PAGE_SIZE / sizeof(union grant_entry_v2))
#define GNTTAB_STATUS_PER_PAGE	(PAGE_SIZE / sizeof(grant_status_t))

/* Status frames that so many frames of version 2 need. */
static inline u32 gnttab_status_frames(u32 frames)
{
	return DIV_ROUND_UP(frames * GNTTAB_V2_PER_PAGE, GNTTAB_STATUS_PER_PAGE);
}

/* g->lock held, for these: entries of the version and the frames there are. */

static inline u32 gnttab_entries(const struct xen_gnttab *g)
{
	return g->frames * (g->version == 2 ? GNTTAB_V2_PER_PAGE : GNTTAB_V1_PER_PAGE);
}

static inline struct grant_entry_v1 *gnttab_v1(const struct xen_gnttab *g, u32 ref)
{
	struct grant_entry_v1 *page;

	ref = array_index_nospec(ref, HVMOD_XEN_GRANT_FRAMES * GNTTAB_V1_PER_PAGE);
	page = page_address(g->frame[ref / GNTTAB_V1_PER_PAGE]);
	return &page[ref % GNTTAB_V1_PER_PAGE];
}

static inline union grant_entry_v2 *gnttab_v2(const struct xen_gnttab *g, u32 ref)
{
	union grant_entry_v2 *page;

	ref = array_index_nospec(ref, HVMOD_XEN_GRANT_FRAMES * GNTTAB_V2_PER_PAGE);
	page = page_address(g->frame[ref / GNTTAB_V2_PER_PAGE]);
	return &page[ref % GNTTAB_V2_PER_PAGE];
}

/* Of version 2. */
static inline grant_status_t *gnttab_status(const struct xen_gnttab *g, u32 ref)
{
	grant_status_t *page;

	ref = array_index_nospec(ref, HVMOD_XEN_GRANT_FRAMES * GNTTAB_V2_PER_PAGE);
	page = page_address(g->status[ref / GNTTAB_STATUS_PER_PAGE]);
	return &page[ref % GNTTAB_STATUS_PER_PAGE];
}

/* One of the list at h->arg[1] is done, h->arg[2] were left.  True: the rest later. */
static inline bool gnttab_next(struct hcall *h, size_t size)
{
	h->arg[1] += size;
	h->arg[2] = (u32)h->arg[2] - 1;
	return h->arg[2] && hcall_preempted(h);
}

/* What the back end grants: nothing, in a table of one frame, version 1.  GNTST_*. */
static inline int gnttab_of_backend(u32 ref)
{
	return ref < GNTTAB_V1_PER_PAGE ? GNTST_general_error : GNTST_bad_gntref;
}

#endif /* MODULE_XEN_GNTTAB_H */
