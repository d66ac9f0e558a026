// SPDX-License-Identifier: GPL-2.0
/*
 * The grant table, version 1: pages of the kernel's own in which a guest says
 * who may use which of its frames.  Hypercalls size and place it; the launcher
 * maps it and reads the entries.  Nothing here believes an entry.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <xen/interface/xen.h>
#include <xen/interface/grant_table.h>
#include <xen/interface/memory.h>

#include "module/mem.h"
#include "module/xen/hypercall.h"

#define FIRST_FRAMES	1

int xen_gnttab_create(struct xen_vm *xen)
{
	u32 i;

	mutex_init(&xen->gnttab.lock);
	xen->gnttab.frames = FIRST_FRAMES;
	for (i = 0; i < HVMOD_XEN_GRANT_FRAMES; i++) {
		xen->gnttab.frame[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!xen->gnttab.frame[i]) {
			xen_gnttab_destroy(xen);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The launcher's mappings hold references of their own. */
void xen_gnttab_destroy(struct xen_vm *xen)
{
	u32 i;

	for (i = 0; i < HVMOD_XEN_GRANT_FRAMES; i++) {
		if (xen->gnttab.frame[i])
			put_page(xen->gnttab.frame[i]);
	}
	mutex_destroy(&xen->gnttab.lock);
}

struct page *xen_gnttab_page(struct vm *vm, unsigned long pgoff)
{
	unsigned long i = pgoff - (HVMOD_XEN_GRANT_OFFSET >> PAGE_SHIFT);

	if (!vm->xen || i >= HVMOD_XEN_GRANT_FRAMES)
		return NULL;
	return vm->xen->gnttab.frame[array_index_nospec(i, HVMOD_XEN_GRANT_FRAMES)];
}

/* It never shrinks: entries may be in use. */
static void grow(struct xen_gnttab *g, u32 frames)
{
	mutex_lock(&g->lock);
	if (frames > g->frames)
		WRITE_ONCE(g->frames, frames);
	mutex_unlock(&g->lock);
}

long xen_gnttab_map(struct vm *vm, u64 idx, u64 gfn)
{
	struct xen_gnttab *g = &vm->xen->gnttab;

	if (idx >= HVMOD_XEN_GRANT_FRAMES)
		return -EINVAL;
	idx = array_index_nospec(idx, HVMOD_XEN_GRANT_FRAMES);
	grow(g, idx + 1);
	return mem_overlay_add(vm, gfn, g->frame[idx]);
}

static bool is_self(domid_t dom)
{
	return dom == DOMID_SELF || dom == HVMOD_XEN_DOMID_GUEST;
}

static long op_setup_table(struct hcall *h, unsigned long at)
{
	struct xen_gnttab *g = &h->vcpu->vm->xen->gnttab;
	struct gnttab_setup_table op;
	long ret = hcall_from_guest(h, &op, at, sizeof(op));
	u32 i;

	if (ret)
		return ret;
	op.status = GNTST_okay;
	if (op.nr_frames > HVMOD_XEN_GRANT_FRAMES) {
		op.status = GNTST_general_error;
	} else if (!is_self(op.dom)) {
		op.status = GNTST_bad_domain;
	} else {
		grow(g, op.nr_frames);
		for (i = 0; i < op.nr_frames && !ret; i++) {
			u64 gfn = mem_overlay_gfn(h->vcpu->vm, g->frame[i]);

			ret = hcall_to_guest(h, (unsigned long)op.frame_list + i * sizeof(gfn),
					     &gfn, sizeof(gfn));
		}
		if (ret)
			op.status = GNTST_bad_virt_addr;
	}
	return hcall_to_guest(h, at, &op, sizeof(op));
}

static long op_query_size(struct hcall *h, unsigned long at)
{
	struct gnttab_query_size op;
	long ret = hcall_from_guest(h, &op, at, sizeof(op));

	if (ret)
		return ret;
	op.status = GNTST_bad_domain;
	if (is_self(op.dom)) {
		op.nr_frames = READ_ONCE(h->vcpu->vm->xen->gnttab.frames);
		op.max_nr_frames = HVMOD_XEN_GRANT_FRAMES;
		op.status = GNTST_okay;
	}
	return hcall_to_guest(h, at, &op, sizeof(op));
}

static long op_set_version(struct hcall *h, unsigned long at)
{
	struct gnttab_set_version op;
	long ret = hcall_from_guest(h, &op, at, sizeof(op));

	if (ret)
		return ret;
	if (op.version == 2)
		ret = -ENOSYS;
	else if (op.version != 1)
		ret = -EINVAL;
	op.version = 1;
	return hcall_to_guest(h, at, &op, sizeof(op)) ?: ret;
}

static long op_get_version(struct hcall *h, unsigned long at)
{
	struct gnttab_get_version op;
	long ret = hcall_from_guest(h, &op, at, sizeof(op));

	if (ret)
		return ret;
	if (!is_self(op.dom))
		return -EPERM;
	op.version = 1;
	return hcall_to_guest(h, at, &op, sizeof(op));
}

long hcall_grant_table_op(struct hcall *h)
{
	unsigned long at = h->arg[1], count = h->arg[2];
	u32 cmd = h->arg[0];

	if (!h->is_64bit)
		return hcall_unknown(h, cmd);
	if ((int)count < 0)
		return -EINVAL;
	switch (cmd) {
	case GNTTABOP_setup_table:
		return count == 1 ? op_setup_table(h, at) : -EINVAL;
	case GNTTABOP_query_size:
		return count == 1 ? op_query_size(h, at) : -EINVAL;
	case GNTTABOP_set_version:
		return op_set_version(h, at);
	case GNTTABOP_get_version:
		return op_get_version(h, at);
	}
	return hcall_unknown(h, cmd);
}
