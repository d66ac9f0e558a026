// SPDX-License-Identifier: GPL-2.0
/*
 * The grant table, versions 1 and 2: pages of the kernel's own in which a guest
 * says who may use which of its frames.  Hypercalls size and place it and choose
 * the version; the launcher maps it and reads the entries.  Nothing here
 * believes an entry.
 */
#include <linux/highmem.h>

#include "module/mem.h"
#include "module/xen/gnttab.h"
#include "module/xen/hypercall.h"

#define FIRST_FRAMES	1

/* Of XENMEM_add_to_physmap, in the index: a status frame. */
#define IDX_STATUS	BIT(31)

/* Of the launcher's page: before its members are used see set_version(). */
static struct hvmod_xen_grant_info *info_of(const struct xen_gnttab *g)
{
	return page_address(g->info);
}

static int alloc_pages_of(struct page **page, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		page[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page[i])
			return -ENOMEM;
	}
	return 0;
}

int xen_gnttab_create(struct xen_vm *xen)
{
	struct xen_gnttab *g = &xen->gnttab;

	BUILD_BUG_ON(HVMOD_XEN_STATUS_FRAMES * GNTTAB_STATUS_PER_PAGE <
		     HVMOD_XEN_GRANT_FRAMES * GNTTAB_V2_PER_PAGE);
	mutex_init(&g->lock);
	g->frames = FIRST_FRAMES;
	g->version = 1;
	if (alloc_pages_of(g->frame, HVMOD_XEN_GRANT_FRAMES) ||
	    alloc_pages_of(g->status, HVMOD_XEN_STATUS_FRAMES) || alloc_pages_of(&g->info, 1)) {
		xen_gnttab_destroy(xen);
		return -ENOMEM;
	}
	info_of(g)->version = g->version;
	info_of(g)->frames = g->frames;
	return 0;
}

static void put_pages_of(struct page **page, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (page[i])
			put_page(page[i]);
	}
}

/* The launcher's mappings hold references of their own. */
void xen_gnttab_destroy(struct xen_vm *xen)
{
	struct xen_gnttab *g = &xen->gnttab;

	put_pages_of(g->frame, HVMOD_XEN_GRANT_FRAMES);
	put_pages_of(g->status, HVMOD_XEN_STATUS_FRAMES);
	put_pages_of(&g->info, 1);
	mutex_destroy(&g->lock);
}

static void uncover(struct vm *vm, struct page *page)
{
	u64 gfn = mem_overlay_gfn(vm, page);

	if (gfn != ~0ULL)
		mem_overlay_remove(vm, gfn);
	clear_highpage(page);
}

void xen_gnttab_reset(struct vm *vm)
{
	struct xen_gnttab *g = &vm->xen->gnttab;
	u32 i;

	mutex_lock(&g->lock);
	for (i = 0; i < HVMOD_XEN_GRANT_FRAMES; i++)
		uncover(vm, g->frame[i]);
	for (i = 0; i < HVMOD_XEN_STATUS_FRAMES; i++)
		uncover(vm, g->status[i]);
	g->version = 1;
	WRITE_ONCE(g->frames, FIRST_FRAMES);
	WRITE_ONCE(info_of(g)->version, g->version);
	WRITE_ONCE(info_of(g)->frames, g->frames);
	mutex_unlock(&g->lock);
}

struct page *xen_gnttab_page(struct vm *vm, unsigned long pgoff)
{
	unsigned long frame = pgoff - (HVMOD_XEN_GRANT_OFFSET >> PAGE_SHIFT);
	unsigned long status = pgoff - (HVMOD_XEN_STATUS_OFFSET >> PAGE_SHIFT);
	struct xen_gnttab *g;

	if (!vm->xen)
		return NULL;
	g = &vm->xen->gnttab;
	if (frame < HVMOD_XEN_GRANT_FRAMES)
		return g->frame[array_index_nospec(frame, HVMOD_XEN_GRANT_FRAMES)];
	if (status < HVMOD_XEN_STATUS_FRAMES)
		return g->status[array_index_nospec(status, HVMOD_XEN_STATUS_FRAMES)];
	return pgoff == HVMOD_XEN_GRANT_INFO_OFFSET >> PAGE_SHIFT ? g->info : NULL;
}

/* It never shrinks: entries may be in use. */
static void grow(struct xen_gnttab *g, u32 frames)
{
	lockdep_assert_held(&g->lock);
	if (frames <= g->frames)
		return;
	WRITE_ONCE(g->frames, frames);
	WRITE_ONCE(info_of(g)->frames, frames);
}

/* The page that an index of XENMEM_add_to_physmap means, or NULL. */
static struct page *page_of_index(struct xen_gnttab *g, u64 idx)
{
	lockdep_assert_held(&g->lock);
	if (g->version == 2 && (idx & IDX_STATUS)) {
		idx &= ~(u64)IDX_STATUS;
		if (idx >= HVMOD_XEN_STATUS_FRAMES)
			return NULL;
		idx = array_index_nospec(idx, HVMOD_XEN_STATUS_FRAMES);
		/* The frames that it is the status of. */
		if (idx >= gnttab_status_frames(g->frames))
			grow(g, idx * (GNTTAB_STATUS_PER_PAGE / GNTTAB_V2_PER_PAGE) + 1);
		return g->status[idx];
	}
	if (idx >= HVMOD_XEN_GRANT_FRAMES)
		return NULL;
	idx = array_index_nospec(idx, HVMOD_XEN_GRANT_FRAMES);
	grow(g, idx + 1);
	return g->frame[idx];
}

long xen_gnttab_map(struct vm *vm, u64 idx, u64 gfn)
{
	struct xen_gnttab *g = &vm->xen->gnttab;
	struct page *page;
	long ret = -EINVAL;

	/* With the lock: a status frame must not come back after a switch to version 1. */
	mutex_lock(&g->lock);
	page = page_of_index(g, idx);
	if (page)
		ret = mem_overlay_add(vm, gfn, page);
	mutex_unlock(&g->lock);
	return ret;
}

/* ---- setup_table, query_size ---- */

struct setup_table_32 {
	u16 dom;
	u32 nr_frames;
	s16 status;
	u32 frame_list;
};

/* The frames' numbers where the guest asked for them.  GNTST_*. */
static int put_frame_list(struct hcall *h, struct xen_gnttab *g, u64 list, u32 frames)
{
	u32 i, size = h->is_64bit ? 8 : 4;

	for (i = 0; i < frames; i++) {
		/* Little endian: the low half is the 32-bit layout's number. */
		u64 gfn = mem_overlay_gfn(h->vcpu->vm, g->frame[i]);

		if (hcall_to_guest(h, list + i * size, &gfn, size))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

long hcall_gnttab_setup_table(struct hcall *h)
{
	struct xen_gnttab *g = &h->vcpu->vm->xen->gnttab;
	union {
		struct gnttab_setup_table op64;
		struct setup_table_32 op32;
	} op;
	size_t size = h->is_64bit ? sizeof(op.op64) : sizeof(op.op32);
	long ret;
	u64 list;
	int status;

	BUILD_BUG_ON(offsetof(struct gnttab_setup_table, status) !=
		     offsetof(struct setup_table_32, status));
	if ((u32)h->arg[2] != 1)
		return -EINVAL;
	ret = hcall_from_guest(h, &op, h->arg[1], size);
	if (ret)
		return ret;
	list = h->is_64bit ? (unsigned long)op.op64.frame_list : op.op32.frame_list;
	if (!hcall_is_self(op.op64.dom)) {
		status = op.op64.dom == HVMOD_XEN_DOMID_BACKEND ? GNTST_permission_denied :
								  GNTST_bad_domain;
	} else if (op.op64.nr_frames > HVMOD_XEN_GRANT_FRAMES) {
		status = GNTST_general_error;
	} else {
		mutex_lock(&g->lock);
		grow(g, op.op64.nr_frames);
		mutex_unlock(&g->lock);
		status = put_frame_list(h, g, list, op.op64.nr_frames);
	}
	op.op64.status = status;
	return hcall_to_guest(h, h->arg[1], &op, size);
}

long hcall_gnttab_query_size(struct hcall *h)
{
	struct gnttab_query_size op;
	long ret;

	if ((u32)h->arg[2] != 1)
		return -EINVAL;
	ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	if (ret)
		return ret;
	if (hcall_is_self(op.dom)) {
		op.nr_frames = READ_ONCE(h->vcpu->vm->xen->gnttab.frames);
		op.max_nr_frames = HVMOD_XEN_GRANT_FRAMES;
		op.status = GNTST_okay;
	} else {
		op.status = op.dom == HVMOD_XEN_DOMID_BACKEND ? GNTST_permission_denied :
								GNTST_bad_domain;
	}
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}

/* ---- versions ---- */

/* What the other version's entry says the same with; invalid: it cannot. */
static void to_v2(struct xen_gnttab *g, const struct grant_entry_v1 *from, u32 ref)
{
	const u16 used = GTF_reading | GTF_writing;
	union grant_entry_v2 *to = gnttab_v2(g, ref);

	if ((from->flags & GTF_type_mask) != GTF_permit_access)
		return;
	*gnttab_status(g, ref) = from->flags & used;
	to->full_page.frame = from->frame;
	to->hdr.domid = from->domid;
	to->hdr.flags = from->flags & ~used;
}

static void to_v1(struct xen_gnttab *g, const union grant_entry_v2 *from, u16 status, u32 ref)
{
	struct grant_entry_v1 *to = gnttab_v1(g, ref);

	if ((from->hdr.flags & GTF_type_mask) != GTF_permit_access ||
	    (from->hdr.flags & GTF_sub_page) || from->full_page.frame > U32_MAX)
		return;
	to->frame = from->full_page.frame;
	to->domid = from->hdr.domid;
	to->flags = from->hdr.flags | (status & (GTF_reading | GTF_writing));
}

static void clear_frames(struct xen_gnttab *g)
{
	u32 i;

	for (i = 0; i < g->frames; i++)
		clear_page(page_address(g->frame[i]));
	for (i = 0; i < HVMOD_XEN_STATUS_FRAMES; i++)
		clear_page(page_address(g->status[i]));
}

/* The first entries stay, for the toolstack's rings; all others are gone. */
static void convert(struct xen_gnttab *g, u32 version)
{
	struct grant_entry_v1 v1[GNTTAB_NR_RESERVED_ENTRIES];
	union grant_entry_v2 v2[GNTTAB_NR_RESERVED_ENTRIES];
	grant_status_t status[GNTTAB_NR_RESERVED_ENTRIES];
	u32 i;

	BUILD_BUG_ON(sizeof(v2) > PAGE_SIZE);
	memcpy(v1, gnttab_v1(g, 0), sizeof(v1));
	memcpy(v2, gnttab_v2(g, 0), sizeof(v2));
	memcpy(status, gnttab_status(g, 0), sizeof(status));
	clear_frames(g);
	for (i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		if (version == 2)
			to_v2(g, &v1[i], i);
		else
			to_v1(g, &v2[i], status[i], i);
	}
}

/* Version 1 has no status frames: a guest that has some mapped loses them. */
static void unmap_status(struct vm *vm, struct xen_gnttab *g)
{
	u32 i;

	for (i = 0; i < HVMOD_XEN_STATUS_FRAMES; i++) {
		u64 gfn = mem_overlay_gfn(vm, g->status[i]);

		if (gfn != ~0ULL)
			mem_overlay_remove(vm, gfn);
	}
}

/*
 * The launcher counts itself in, then reads the version; here the version is
 * taken away, then the count is read: one of the two sees the other.
 */
static long set_version(struct vm *vm, struct xen_gnttab *g, u32 version)
{
	struct hvmod_xen_grant_info *info = info_of(g);

	lockdep_assert_held(&g->lock);
	if (g->version == version)
		return 0;
	WRITE_ONCE(info->version, 0);
	smp_mb();	/* see above */
	if (READ_ONCE(info->users)) {
		WRITE_ONCE(info->version, g->version);
		return -EBUSY;
	}
	if (version == 1)
		unmap_status(vm, g);
	convert(g, version);
	WRITE_ONCE(g->version, version);
	smp_wmb();	/* the entries are complete when the version is there */
	WRITE_ONCE(info->version, version);
	return 0;
}

long hcall_gnttab_set_version(struct hcall *h)
{
	struct vm *vm = h->vcpu->vm;
	struct xen_gnttab *g = &vm->xen->gnttab;
	struct gnttab_set_version op;
	long ret;

	if ((int)h->arg[2] < 0)
		return -EINVAL;
	ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	if (ret)
		return ret;
	mutex_lock(&g->lock);
	ret = op.version == 1 || op.version == 2 ? set_version(vm, g, op.version) : -EINVAL;
	op.version = g->version;
	mutex_unlock(&g->lock);
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op)) ?: ret;
}

long hcall_gnttab_get_version(struct hcall *h)
{
	struct gnttab_get_version op;
	long ret;

	if ((int)h->arg[2] < 0)
		return -EINVAL;
	ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	if (ret)
		return ret;
	if (!hcall_is_self(op.dom))
		return op.dom == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
	op.version = READ_ONCE(h->vcpu->vm->xen->gnttab.version);
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}
