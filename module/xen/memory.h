/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of memory_op share: where a call goes on that was cut short, and
 * the frames that a call gives back to the launcher.  memory.c and balloon.c
 * include it.
 */
#ifndef MODULE_XEN_MEMORY_H
#define MODULE_XEN_MEMORY_H

#include "module/xen/hypercall.h"

#define XEN_MAX_GFN	(HVMOD_MAX_GPA >> PAGE_SHIFT)

/* Above the sub-operation's bits in the first argument: elements done already. */
#define MEMOP_SHIFT	6

static inline u64 memop_start(const struct hcall *h)
{
	return h->arg[0] >> MEMOP_SHIFT;
}

/* Before hcall_again(). */
static inline void memop_restart(struct hcall *h, u64 start)
{
	h->arg[0] = start << MEMOP_SHIFT | h->op;
}

/*
 * Frames that are holes now, on their way to the launcher in vcpu->run, which
 * gives their memory back to the host.
 */
struct given {
	bool flush;			/* of mem_hole_make() */
	bool on;			/* the launcher wants to know */
	u32 count;			/* ranges in run->data */
	struct hvmod_xen_range last;
};

void given_begin(struct hcall *h, struct given *g);
/* One more range has no room: leave. */
bool given_full(const struct given *g);
/* Not when it is full, unless gfn continues the last range. */
void given_add(struct hcall *h, struct given *g, u64 gfn);
/* At the end of each call that had a given_begin(); gives ret. */
long given_end(struct hcall *h, struct given *g, long ret);

/* Pages that the guest has now; *end: its highest frame plus one. */
u64 xen_memory_pages(struct vm *vm, u64 *end);
/* 0 for the guest itself, or Xen's error for another domain. */
long xen_memory_domain(u32 dom);
/* XENMAPSPACE_gmfn: the page at one frame is at another one then. */
long xen_memory_move(struct hcall *h, struct given *g, u64 from, u64 to);

#endif /* MODULE_XEN_MEMORY_H */
