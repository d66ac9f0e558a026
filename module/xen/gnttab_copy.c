// SPDX-License-Identifier: GPL-2.0
/*
 * GNTTABOP_copy, swap_grant_ref, map_grant_ref and unmap_grant_ref: what a guest
 * does with grants itself.  Hypercalls call it in process context.  The other domain
 * that there is, the launcher, grants nothing.  Entries change while they are
 * read: a copy goes to what one look at the entry allowed.
 */
#include <linux/minmax.h>
#include <linux/slab.h>

#include "module/mem.h"
#include "module/xen/gnttab.h"
#include "module/xen/hypercall.h"

#define USED	(GTF_reading | GTF_writing)

/* One end of a copy: which bytes may be touched. */
struct area {
	u64 gfn;
	u32 offset;
	u32 len;
	u32 ref;
	u16 used;	/* GTF_* bits to take back from the entry, or 0 */
};

/* ---- marking an entry as used; g->lock held ---- */

/* Flags and domain in one word.  GNTST_*: may the guest itself use it? */
static int check_header(u32 head, bool write)
{
	u16 flags = head, domid = head >> 16;

	if ((flags & GTF_type_mask) != GTF_permit_access || domid != HVMOD_XEN_DOMID_GUEST)
		return GNTST_general_error;
	return write && (flags & GTF_readonly) ? GNTST_general_error : GNTST_okay;
}

static int mark_v1(struct xen_gnttab *g, struct area *a, u16 used)
{
	struct grant_entry_v1 *e = gnttab_v1(g, a->ref);
	u32 *word = (u32 *)&e->flags;
	u32 old = READ_ONCE(*word);
	int status;

	do {
		status = check_header(old, used & GTF_writing);
		if (status)
			return status;
	} while (!try_cmpxchg(word, &old, old | used));
	a->gfn = READ_ONCE(e->frame);
	a->offset = 0;
	a->len = PAGE_SIZE;
	a->used = used & ~old;
	return GNTST_okay;
}

/*
 * The status word says that it is used; the entry is looked at again, for the
 * guest takes the entry away first and looks at the status then.
 */
static int mark_v2(struct xen_gnttab *g, struct area *a, u16 used)
{
	union grant_entry_v2 *e = gnttab_v2(g, a->ref);
	grant_status_t *word = gnttab_status(g, a->ref);
	u32 head = READ_ONCE(*(u32 *)&e->hdr);
	u32 part = READ_ONCE(*(u32 *)&e->sub_page.page_off);
	u64 frame = READ_ONCE(e->full_page.frame);
	int status = check_header(head, used & GTF_writing);
	u16 old;

	if (status)
		return status;
	old = READ_ONCE(*word);
	while (!try_cmpxchg(word, &old, old | used))
		;
	a->used = used & ~old;
	if (READ_ONCE(*(u32 *)&e->hdr) != head)
		return GNTST_general_error;
	a->gfn = frame;
	a->offset = head & GTF_sub_page ? (u16)part : 0;
	a->len = head & GTF_sub_page ? part >> 16 : PAGE_SIZE;
	return GNTST_okay;
}

static void unmark(struct xen_gnttab *g, const struct area *a)
{
	u16 *word, old;

	if (!a->used)
		return;
	word = g->version == 2 ? gnttab_status(g, a->ref) : &gnttab_v1(g, a->ref)->flags;
	old = READ_ONCE(*word);
	while (!try_cmpxchg(word, &old, (u16)(old & ~a->used)))
		;
}

/* ---- copy ---- */

struct copy_ptr_32 {
	u32 frame_or_ref;
	u16 domid;
	u16 offset;
};

struct copy_32 {
	struct copy_ptr_32 source, dest;
	u16 len;
	u16 flags;
	s16 status;
};

struct copy_end {
	u64 frame_or_ref;
	u32 offset;
	u16 domid;
	bool by_ref;
};

struct copy {
	struct copy_end source, dest;
	u32 len;
};

static int claim(struct xen_gnttab *g, const struct copy_end *end, struct area *a, bool write)
{
	u16 used = write ? USED : GTF_reading;
	int status;

	/* By frame only its own: Xen has DOMID_SELF for it and nothing else. */
	if (!end->by_ref) {
		if (end->domid != DOMID_SELF)
			return GNTST_permission_denied;
		a->gfn = end->frame_or_ref;
		a->offset = 0;
		a->len = PAGE_SIZE;
		return GNTST_okay;
	}
	if (end->domid == HVMOD_XEN_DOMID_BACKEND)
		return gnttab_of_backend(end->frame_or_ref);
	if (!hcall_is_self(end->domid))
		return GNTST_bad_domain;
	a->ref = end->frame_or_ref;
	if (a->ref >= gnttab_entries(g))
		return GNTST_bad_gntref;
	status = g->version == 2 ? mark_v2(g, a, used) : mark_v1(g, a, used);
	return status;
}

static int copy_bytes(struct vm *vm, const struct copy *op, const struct area *from,
		      const struct area *to, void *page)
{
	const u64 max = HVMOD_MAX_GPA >> PAGE_SHIFT;
	u32 source = op->source.offset, dest = op->dest.offset, len = op->len;

	if (source + len > PAGE_SIZE || dest + len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	if (source < from->offset || source + len > from->offset + from->len ||
	    dest < to->offset || dest + len > to->offset + to->len)
		return GNTST_general_error;
	if (from->gfn >= max || to->gfn >= max)
		return GNTST_bad_page;
	if (mem_read(vm, (from->gfn << PAGE_SHIFT) + source, page, len) ||
	    mem_write(vm, (to->gfn << PAGE_SHIFT) + dest, page, len))
		return GNTST_bad_page;
	return GNTST_okay;
}

static int copy_one(struct vm *vm, const struct copy *op, void *page)
{
	struct xen_gnttab *g = &vm->xen->gnttab;
	struct area from = {}, to = {};
	int status;

	mutex_lock(&g->lock);
	status = claim(g, &op->source, &from, false);
	if (!status)
		status = claim(g, &op->dest, &to, true);
	if (!status)
		status = copy_bytes(vm, op, &from, &to, page);
	unmark(g, &to);
	unmark(g, &from);
	mutex_unlock(&g->lock);
	return status;
}

static long get_copy(struct hcall *h, unsigned long at, struct copy *op)
{
	struct gnttab_copy op64;
	struct copy_32 op32;
	long ret;

	if (h->is_64bit) {
		ret = hcall_from_guest(h, &op64, at, sizeof(op64));
		if (ret)
			return ret;
		op->source.by_ref = op64.flags & GNTCOPY_source_gref;
		op->dest.by_ref = op64.flags & GNTCOPY_dest_gref;
		op->source.frame_or_ref = op->source.by_ref ? op64.source.u.ref :
							      op64.source.u.gmfn;
		op->dest.frame_or_ref = op->dest.by_ref ? op64.dest.u.ref : op64.dest.u.gmfn;
		op->source.domid = op64.source.domid;
		op->dest.domid = op64.dest.domid;
		op->source.offset = op64.source.offset;
		op->dest.offset = op64.dest.offset;
		op->len = op64.len;
		return 0;
	}
	ret = hcall_from_guest(h, &op32, at, sizeof(op32));
	if (ret)
		return ret;
	op->source.by_ref = op32.flags & GNTCOPY_source_gref;
	op->dest.by_ref = op32.flags & GNTCOPY_dest_gref;
	op->source.frame_or_ref = op32.source.frame_or_ref;
	op->dest.frame_or_ref = op32.dest.frame_or_ref;
	op->source.domid = op32.source.domid;
	op->dest.domid = op32.dest.domid;
	op->source.offset = op32.source.offset;
	op->dest.offset = op32.dest.offset;
	op->len = op32.len;
	return 0;
}

long hcall_gnttab_copy(struct hcall *h)
{
	size_t size = h->is_64bit ? sizeof(struct gnttab_copy) : sizeof(struct copy_32);
	size_t at = h->is_64bit ? offsetof(struct gnttab_copy, status) :
				  offsetof(struct copy_32, status);
	struct copy op;
	void *page;
	long ret = 0;
	s16 status;

	if ((int)h->arg[2] < 0)
		return -EINVAL;
	page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	while ((u32)h->arg[2]) {
		ret = get_copy(h, h->arg[1], &op);
		if (ret)
			break;
		status = copy_one(h->vcpu->vm, &op, page);
		ret = hcall_to_guest(h, h->arg[1] + at, &status, sizeof(status));
		if (ret)
			break;
		if (gnttab_next(h, size)) {
			ret = hcall_again(h);
			break;
		}
	}
	free_page((unsigned long)page);
	return ret;
}

/* ---- swap ---- */

/* Nobody may use either of them; g->lock held. */
static int swap_entries(struct xen_gnttab *g, u32 a, u32 b)
{
	if (a >= gnttab_entries(g) || b >= gnttab_entries(g))
		return GNTST_bad_gntref;
	if (a == b)
		return GNTST_okay;
	if (g->version == 1) {
		struct grant_entry_v1 *ea = gnttab_v1(g, a), *eb = gnttab_v1(g, b);

		if ((READ_ONCE(ea->flags) | READ_ONCE(eb->flags)) & USED)
			return GNTST_eagain;
		swap(*ea, *eb);
	} else {
		grant_status_t *sa = gnttab_status(g, a), *sb = gnttab_status(g, b);

		if ((READ_ONCE(*sa) | READ_ONCE(*sb)) & USED)
			return GNTST_eagain;
		swap(*gnttab_v2(g, a), *gnttab_v2(g, b));
		swap(*sa, *sb);
	}
	return GNTST_okay;
}

struct swap_op {
	u32 a, b;
	s16 status;
	u16 pad;
};

static void swap_one(struct xen_gnttab *g, void *arg)
{
	struct swap_op *op = arg;

	op->status = swap_entries(g, op->a, op->b);
}

/* A list of operations of one size: each is read, done under the lock and given back. */
static long each_op(struct hcall *h, void *op, size_t size,
		    void (*fn)(struct xen_gnttab *g, void *op))
{
	struct xen_gnttab *g = &h->vcpu->vm->xen->gnttab;
	long ret;

	if ((int)h->arg[2] < 0)
		return -EINVAL;
	while ((u32)h->arg[2]) {
		ret = hcall_from_guest(h, op, h->arg[1], size);
		if (ret)
			return ret;
		mutex_lock(&g->lock);
		fn(g, op);
		mutex_unlock(&g->lock);
		ret = hcall_to_guest(h, h->arg[1], op, size);
		if (ret)
			return ret;
		if (gnttab_next(h, size))
			return hcall_again(h);
	}
	return 0;
}

long hcall_gnttab_swap(struct hcall *h)
{
	struct swap_op op;

	return each_op(h, &op, sizeof(op), swap_one);
}

/* ---- mapping ---- */

/*
 * There is nobody whose grants a guest could map: the back end has none, and its
 * own frames it has already.  So each is told what is wrong with it, and no
 * handle ever exists.
 */
static int map_status(struct xen_gnttab *g, const struct gnttab_map_grant_ref *op)
{
	const u32 not_for_translated = GNTMAP_device_map | GNTMAP_application_map |
				       GNTMAP_contains_pte;

	if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)))
		return GNTST_bad_gntref;
	if (op->flags & not_for_translated)
		return GNTST_general_error;
	if (op->dom == HVMOD_XEN_DOMID_BACKEND)
		return gnttab_of_backend(op->ref);
	/* By its number; Xen does not take DOMID_SELF here. */
	if (op->dom != HVMOD_XEN_DOMID_GUEST)
		return GNTST_bad_domain;
	return op->ref < gnttab_entries(g) ? GNTST_general_error : GNTST_bad_gntref;
}

static void map_one(struct xen_gnttab *g, void *arg)
{
	struct gnttab_map_grant_ref *op = arg;

	op->status = map_status(g, op);
}

long hcall_gnttab_map(struct hcall *h)
{
	struct gnttab_map_grant_ref op;

	return each_op(h, &op, sizeof(op), map_one);
}

static void unmap_one(struct xen_gnttab *g, void *arg)
{
	struct gnttab_unmap_grant_ref *op = arg;

	op->status = GNTST_bad_handle;
}

long hcall_gnttab_unmap(struct hcall *h)
{
	struct gnttab_unmap_grant_ref op;

	return each_op(h, &op, sizeof(op), unmap_one);
}
