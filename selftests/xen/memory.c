// SPDX-License-Identifier: GPL-2.0
/*
 * memory_op of a PVH guest: shared pages, sizes, the memory map, and ballooning,
 * in 64-bit and in 32-bit layout, with all argument errors.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "caller.h"

enum { INCREASE, DECREASE, MAX_RAM_PAGE, CURRENT, MAXIMUM, POPULATE = 6, ADD, MAP = 9,
       SET_MAP = 13, MAX_GPFN, REMOVE, BATCH = 23 };
enum { SPACE_SHINFO, SPACE_GRANT, SPACE_GMFN, SPACE_RANGE, SPACE_FOREIGN, SPACE_MMIO };

#define SIZE		(8UL << 20)
#define OUTSIDE		(SIZE >> 12)		/* a frame behind the RAM slot */
#define FREE		(0x200000UL >> 12)	/* frames that nobody uses */
#define SHIFT		6
#define LIST		0x4000UL		/* offset of lists from CALLER_ARGS */
#define LIST_GPA	(CALLER_ARGS + LIST)

static u64 put_add(struct caller *c, u16 dom, u16 size, u32 space, u64 idx, u64 gpfn)
{
	struct { u16 dom, size; u32 space; u64 idx, gpfn; } a64 = { dom, size, space, idx, gpfn };
	struct { u16 dom, size; u32 space, idx, gpfn; } a32 = { dom, size, space, idx, gpfn };

	return c->is_64 ? caller_put(c, 0, &a64, sizeof(a64)) : caller_put(c, 0, &a32, sizeof(a32));
}

static u64 put_remove(struct caller *c, u16 dom, u64 gpfn)
{
	struct { u16 dom; u64 gpfn; } a64 = { dom, gpfn };
	struct { u16 dom; u32 gpfn; } a32 = { dom, gpfn };

	return c->is_64 ? caller_put(c, 0, &a64, sizeof(a64)) : caller_put(c, 0, &a32, sizeof(a32));
}

static u64 put_list(struct caller *c, u64 list, u64 nr, u32 order, u16 dom)
{
	struct { u64 list, nr; u32 order, flags; u16 dom; } a64 = { list, nr, order, 0, dom };
	struct { u32 list, nr, order, flags; u16 dom; } a32 = { list, nr, order, 0, dom };

	return c->is_64 ? caller_put(c, 0, &a64, sizeof(a64)) : caller_put(c, 0, &a32, sizeof(a32));
}

static void put_frame(struct caller *c, u32 i, u64 gfn)
{
	u32 gfn_32 = gfn;

	if (c->is_64)
		caller_put(c, LIST + i * 8, &gfn, 8);
	else
		caller_put(c, LIST + i * 4, &gfn_32, 4);
}

static long current_pages(struct caller *c)
{
	u16 dom = XEN_DOMID_SELF;

	return caller_call(c, XEN_MEMORY_OP, CURRENT, caller_put(c, 0, &dom, 2), 0);
}

/* ---- shared pages ---- */

static void check_add(struct caller *c)
{
	u64 mask = 0, at;

	at = put_add(c, 5, 0, SPACE_SHINFO, 0, OUTSIDE);
	CALL_EQ(c, -ESRCH, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, 0, 0, SPACE_SHINFO, 0, OUTSIDE);
	CALL_EQ(c, -EPERM, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_SHINFO, 1, OUTSIDE);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_SHINFO, 0, c->is_64 ? 1UL << 52 : 1UL << 31);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, 99, 0, OUTSIDE);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_FOREIGN, 0, OUTSIDE);
	CALL_EQ(c, -ENOSYS, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_MMIO, 0, OUTSIDE);
	CALL_EQ(c, -EACCES, XEN_MEMORY_OP, ADD, at, 0);
	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_GRANT, HVMOD_XEN_GRANT_FRAMES, OUTSIDE);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD, at, 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, ADD, CALLER_NOWHERE, 0);
	CALL_EQ(c, -EDOM, XEN_MEMORY_OP, ADD | 65536 << SHIFT, at, 0);

	at = put_add(c, XEN_DOMID_SELF, 0, SPACE_SHINFO, 0, OUTSIDE);
	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD, at, 0);
	CHECK_EQ(caller_read(c, (OUTSIDE << 12) + 2560, &mask, 8), 0);
	CHECK_EQ(mask, ~0UL);
	/* It is at one frame at a time. */
	at = put_add(c, 1, 0, SPACE_SHINFO, 0, OUTSIDE + 1);
	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD, at, 0);
	CHECK_EQ(caller_read(c, (OUTSIDE << 12) + 2560, &mask, 8), -EFAULT);
	CHECK_EQ(caller_read(c, ((OUTSIDE + 1) << 12) + 2560, &mask, 8), 0);

	at = put_remove(c, XEN_DOMID_SELF, OUTSIDE + 1);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, REMOVE | 1 << SHIFT, at, 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, REMOVE, at, 0);
	CALL_EQ(c, -ENOENT, XEN_MEMORY_OP, REMOVE, at, 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, REMOVE, CALLER_NOWHERE, 0);
	at = put_remove(c, 7, OUTSIDE);
	CALL_EQ(c, -ESRCH, XEN_MEMORY_OP, REMOVE, at, 0);
	at = put_remove(c, XEN_DOMID_SELF, c->is_64 ? 1UL << 52 : 1UL << 31);
	CALL_EQ(c, -ENOENT, XEN_MEMORY_OP, REMOVE, at, 0);
	caller_done("add_to_physmap and remove_from_physmap", c);
}

/* What lies below a shared page is given up, as the memory is of a frame removed. */
static void check_over_memory(struct caller *c)
{
	long pages = current_pages(c);
	u32 v;

	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD, put_add(c, XEN_DOMID_SELF, 0, SPACE_SHINFO, 0, FREE), 0);
	CHECK_EQ(c->nr_ranges, 1);
	CHECK_EQ(c->range[0].gfn, FREE);
	CHECK_EQ(current_pages(c), pages - 1);
	CHECK_EQ(caller_load(c, FREE << 12, &v), true);
	/* A shared page is not the guest's to give, and its frame is not free. */
	put_frame(c, 0, FREE);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, REMOVE, put_remove(c, XEN_DOMID_SELF, FREE), 0);
	CHECK_EQ(caller_read(c, FREE << 12, &v, 4), -EFAULT);
	CHECK_EQ(caller_load(c, FREE << 12, &v), false);
	CHECK_EQ(v, ~0U);
	put_frame(c, 0, FREE);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	CHECK_EQ(caller_load(c, FREE << 12, &v), true);
	CHECK_EQ(current_pages(c), pages);
	CALL_EQ(c, 0, XEN_MEMORY_OP, REMOVE, put_remove(c, XEN_DOMID_SELF, FREE), 0);
	CHECK_EQ(c->nr_ranges, 1);
	put_frame(c, 0, FREE);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	caller_done("a shared page over memory", c);
}

static void put_batch(struct caller *c, u16 space, u16 size)
{
	const u64 idxs = LIST_GPA, gpfns = LIST_GPA + 0x100, errs = LIST_GPA + 0x200;
	struct { u16 dom, space, size, foreign; u64 idxs, gpfns, errs; } a64 = {
		XEN_DOMID_SELF, space, size, 0, idxs, gpfns, errs };
	struct { u16 dom, space, size, foreign; u32 idxs, gpfns, errs; } a32 = {
		XEN_DOMID_SELF, space, size, 0, idxs, gpfns, errs };

	if (c->is_64)
		caller_put(c, 0, &a64, sizeof(a64));
	else
		caller_put(c, 0, &a32, sizeof(a32));
}

static void check_batch(struct caller *c)
{
	const int *errs = caller_mem(c, LIST_GPA + 0x200);
	u32 step = c->is_64 ? 8 : 4, i;
	u64 zero = 0, gfn;

	memset(caller_mem(c, LIST_GPA), 0, 0x300);
	put_batch(c, SPACE_GRANT, 3);
	for (i = 0; i < 3; i++) {
		u64 idx = i == 1 ? HVMOD_XEN_GRANT_FRAMES : i;

		gfn = OUTSIDE + i;
		caller_put(c, LIST + i * step, &idx, step);
		caller_put(c, LIST + 0x100 + i * step, &gfn, step);
	}
	CALL_EQ(c, 0, XEN_MEMORY_OP, BATCH, CALLER_ARGS, 0);
	CHECK_EQ(errs[0], 0);
	CHECK_EQ(errs[1], -EINVAL);
	CHECK_EQ(errs[2], 0);
	CHECK_EQ(caller_read(c, OUTSIDE << 12, &zero, 8), 0);
	CHECK_EQ(caller_read(c, (OUTSIDE + 1) << 12, &zero, 8), -EFAULT);
	CHECK_EQ(caller_read(c, (OUTSIDE + 2) << 12, &zero, 8), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, REMOVE, put_remove(c, XEN_DOMID_SELF, OUTSIDE), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, REMOVE, put_remove(c, XEN_DOMID_SELF, OUTSIDE + 2), 0);
	put_batch(c, SPACE_FOREIGN, 1);
	CALL_EQ(c, 0, XEN_MEMORY_OP, BATCH, CALLER_ARGS, 0);
	CHECK_EQ(errs[0], -EPERM);
	put_batch(c, SPACE_RANGE, 1);
	CALL_EQ(c, -EOPNOTSUPP, XEN_MEMORY_OP, BATCH, CALLER_ARGS, 0);
	put_batch(c, SPACE_MMIO, 1);
	CALL_EQ(c, -EACCES, XEN_MEMORY_OP, BATCH, CALLER_ARGS, 0);
	put_batch(c, SPACE_GRANT, 3);
	CALL_EQ(c, -EILSEQ, XEN_MEMORY_OP, BATCH | 4 << SHIFT, CALLER_ARGS, 0);
	CALL_EQ(c, -EDOM, XEN_MEMORY_OP, BATCH | 65536 << SHIFT, CALLER_ARGS, 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, BATCH, CALLER_NOWHERE, 0);
	caller_done("add_to_physmap_batch", c);
}

static void check_move(struct caller *c)
{
	u32 *from = caller_mem(c, FREE << 12), v, i;
	long pages = current_pages(c);

	*from = 0x12345678;
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD,
		put_add(c, XEN_DOMID_SELF, 0, SPACE_GMFN, FREE, OUTSIDE), 0);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ADD,
		put_add(c, XEN_DOMID_SELF, 0, SPACE_GMFN, OUTSIDE, FREE), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD,
		put_add(c, XEN_DOMID_SELF, 0, SPACE_GMFN, FREE, FREE + 8), 0);
	CHECK_EQ(caller_load(c, (FREE + 8) << 12, &v), true);
	CHECK_EQ(v, 0x12345678);
	CHECK_EQ(caller_load(c, FREE << 12, &v), false);
	CHECK_EQ(current_pages(c), pages - 1);
	/* Back, and a range of three. */
	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD,
		put_add(c, XEN_DOMID_SELF, 0, SPACE_GMFN, FREE + 8, FREE), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, ADD,
		put_add(c, XEN_DOMID_SELF, 3, SPACE_RANGE, FREE, FREE + 16), 0);
	CHECK_EQ(caller_load(c, (FREE + 16) << 12, &v), true);
	CHECK_EQ(v, 0x12345678);
	CALL_EQ(c, -EILSEQ, XEN_MEMORY_OP, ADD | 4 << SHIFT,
		put_add(c, XEN_DOMID_SELF, 3, SPACE_RANGE, FREE, FREE + 16), 0);
	CHECK_EQ(current_pages(c), pages - 4);
	for (i = 0; i < 3; i++)
		put_frame(c, i, FREE + i);
	put_frame(c, 3, FREE + 8);
	CALL_EQ(c, 4, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 4, 0, XEN_DOMID_SELF), 0);
	CHECK_EQ(current_pages(c), pages);
	caller_done("moving pages", c);
}

/* ---- sizes and the map ---- */

static void check_sizes(struct caller *c)
{
	const u32 ops[] = { CURRENT, MAXIMUM, MAX_GPFN };
	u16 dom = XEN_DOMID_SELF, other = 9, backend = 0;
	u64 self, at;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		self = caller_put(c, 0, &dom, 2);
		CHECK_EQ(caller_call(c, XEN_MEMORY_OP, ops[i], self, 0) >= (long)(SIZE >> 12), 1);
		CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, ops[i] | 1 << SHIFT, self, 0);
		CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, ops[i], CALLER_NOWHERE, 0);
		at = caller_put(c, 0, &other, 2);
		CALL_EQ(c, -ESRCH, XEN_MEMORY_OP, ops[i], at, 0);
		at = caller_put(c, 0, &backend, 2);
		CALL_EQ(c, -EPERM, XEN_MEMORY_OP, ops[i], at, 0);
	}
	CHECK_EQ(caller_call(c, XEN_MEMORY_OP, MAX_RAM_PAGE, 0, 0) > (long)HV_IMAGE_BASE >> 12, 1);
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, MAX_RAM_PAGE | 1 << SHIFT, 0, 0);
	caller_done("sizes", c);
}

static u64 put_map(struct caller *c, u32 count, u64 buffer, bool set)
{
	struct { u64 dom, count, buffer; } a64 = { XEN_DOMID_SELF, count, buffer };
	struct { u32 dom, count, buffer; } a32 = { XEN_DOMID_SELF, count, buffer };

	if (c->is_64)
		return caller_put(c, 0, (u64 *)&a64 + !set, sizeof(a64)), CALLER_ARGS;
	return caller_put(c, 0, (u32 *)&a32 + !set, sizeof(a32)), CALLER_ARGS;
}

static void check_map(struct caller *c)
{
	struct hvmod_xen_map_entry e[2] = { { 0, SIZE, 1, 0 }, { SIZE, 4096, 2, 0 } };
	struct hvmod_xen_map args = { .count = 2, .addr = (uintptr_t)e };
	struct __attribute__((packed)) { u64 addr, size; u32 type; } *got, set = { 1, 2, 3 };
	int fd = c->vcpu->vm->fd;

	got = caller_mem(c, LIST_GPA);
	args.count = 0;
	CHECK_EQ(ioctl(fd, HVMOD_VM_XEN_MAP, &args), 0);
	CALL_EQ(c, -ENOSYS, XEN_MEMORY_OP, MAP, put_map(c, 8, LIST_GPA, false), 0);
	args.count = HVMOD_XEN_MAP_MAX + 1;
	CHECK_EQ(ioctl(fd, HVMOD_VM_XEN_MAP, &args), -1);
	CHECK_EQ(errno, EINVAL);
	args.count = 2;
	CHECK_EQ(ioctl(fd, HVMOD_VM_XEN_MAP, &args), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, MAP, put_map(c, 8, LIST_GPA, false), 0);
	CHECK_EQ(*(u32 *)caller_mem(c, CALLER_ARGS), 2);
	CHECK_EQ(got[0].size, SIZE);
	CHECK_EQ(got[1].addr, SIZE);
	CHECK_EQ(got[1].type, 2);
	memset(got, 0, 40);
	CALL_EQ(c, 0, XEN_MEMORY_OP, MAP, put_map(c, 1, LIST_GPA, false), 0);
	CHECK_EQ(*(u32 *)caller_mem(c, CALLER_ARGS), 1);
	CHECK_EQ(got[1].type, 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, MAP, put_map(c, 2, CALLER_NOWHERE, false), 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, MAP, CALLER_NOWHERE, 0);

	memcpy(got, &set, sizeof(set));
	CALL_EQ(c, -EINVAL, XEN_MEMORY_OP, SET_MAP, put_map(c, 129, LIST_GPA, true), 0);
	CALL_EQ(c, -EFAULT, XEN_MEMORY_OP, SET_MAP, put_map(c, 1, CALLER_NOWHERE, true), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, SET_MAP, put_map(c, 1, LIST_GPA, true), 0);
	memset(got, 0, 40);
	CALL_EQ(c, 0, XEN_MEMORY_OP, MAP, put_map(c, 8, LIST_GPA, false), 0);
	CHECK_EQ(got[0].addr == 1 && got[0].size == 2 && got[0].type == 3, 1);
	caller_done("memory maps", c);
}

/* ---- ballooning ---- */

static long set_memory(struct caller *c, u32 flags, u64 max, u64 gfn, u64 pages)
{
	struct hvmod_xen_memory m = {
		.flags = flags, .max_pages = max, .gfn = gfn, .pages = pages,
	};

	return ioctl(c->vcpu->vm->fd, HVMOD_VM_XEN_MEMORY, &m) ? -errno : (long)m.current_pages;
}

static void check_balloon(struct caller *c)
{
	const u64 self = XEN_DOMID_SELF;
	long pages = current_pages(c);
	u32 v, i;

	/* Nothing is done, and Xen tells no more. */
	put_frame(c, 0, FREE);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, CALLER_NOWHERE, 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 10, self), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 0, 0), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, CALLER_NOWHERE, 1, 0, self), 0);
	CALL_EQ(c, 3, XEN_MEMORY_OP, DECREASE | 3 << SHIFT, put_list(c, LIST_GPA, 3, 0, self), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1U << 27, 0, self), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, self), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, INCREASE, put_list(c, LIST_GPA, 1, 0, self), 0);
	put_frame(c, 0, OUTSIDE);
	CALL_EQ(c, 0, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 0, self), 0);
	CALL_EQ(c, 0, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, self), 0);
	CHECK_EQ(current_pages(c), pages);

	/* Three in a row and one by itself; the fourth time it is a hole already. */
	for (i = 0; i < 3; i++)
		put_frame(c, i, FREE + i);
	put_frame(c, 3, FREE + 100);
	put_frame(c, 4, FREE);
	CALL_EQ(c, 4, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 5, 0, self), 0);
	CHECK_EQ(c->nr_ranges, 2);
	CHECK_EQ(c->range[0].gfn, FREE);
	CHECK_EQ(c->range[0].pages, 3);
	CHECK_EQ(c->range[1].gfn, FREE + 100);
	CHECK_EQ(c->range[1].pages, 1);
	CHECK_EQ(current_pages(c), pages - 4);
	CHECK_EQ(caller_load(c, (FREE + 1) << 12, &v), false);
	CHECK_EQ(caller_load(c, (FREE + 3) << 12, &v), true);
	CALL_EQ(c, 3, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 3, 0, self), 0);
	put_frame(c, 0, FREE + 100);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, self), 0);
	CHECK_EQ(caller_load(c, (FREE + 1) << 12, &v), true);

	/* From the top down they are one range, too. */
	for (i = 0; i < 3; i++)
		put_frame(c, i, FREE + 2 - i);
	CALL_EQ(c, 3, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 3, 0, self), 0);
	CHECK_EQ(c->nr_ranges, 1);
	CHECK_EQ(c->range[0].gfn, FREE);
	CHECK_EQ(c->range[0].pages, 3);
	CALL_EQ(c, 3, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 3, 0, self), 0);

	/* Extents of 512 pages, and a limit. */
	put_frame(c, 0, 0x400);
	CALL_EQ(c, 1, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 9, self), 0);
	CHECK_EQ(c->nr_ranges, 1);
	CHECK_EQ(c->range[0].pages, 512);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_SET_MAX, pages - 1, 0, 0), pages - 512);
	CALL_EQ(c, 0, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 9, self), 0);
	CALL_EQ(c, pages - 1, XEN_MEMORY_OP, MAXIMUM, caller_put(c, 0, &self, 2), 0);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_SET_MAX, pages, 0, 0), pages - 512);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 9, self), 0);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_SET_MAX, 0, 0, 0), pages);
	caller_done("ballooning", c);
}

/* Memory beyond what the guest starts with is taken by the launcher. */
static void check_take(struct caller *c)
{
	long pages = current_pages(c);
	u32 v;

	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_TAKE, 0, 0x500, 256), pages - 256);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_TAKE, 0, 0x500, 256), pages - 256);
	CHECK_EQ(caller_load(c, 0x500 << 12, &v), false);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_TAKE, 0, OUTSIDE, 1), -EINVAL);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_TAKE, 0, ~0UL, 1), -EINVAL);
	CHECK_EQ(set_memory(c, HVMOD_XEN_MEMORY_TAKE, 0, 0, ~0UL), -EINVAL);
	CHECK_EQ(set_memory(c, 1U << 20, 0, 0, 0), -EINVAL);
	put_frame(c, 0, 0x500);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 8, XEN_DOMID_SELF), 0);
	CHECK_EQ(caller_load(c, 0x500 << 12, &v), true);
	CHECK_EQ(current_pages(c), pages);
	caller_done("memory taken by the launcher", c);
}

static void on_alarm(int sig)
{
}

/*
 * More ranges than a run page holds, under signals: each frame comes out once.
 * Every second frame, so that no two make one range.
 */
static void check_long(struct caller *c)
{
	struct itimerval on = { { 0, 5000 }, { 0, 5000 } }, off = {};
	const u32 n = 700;
	long pages = current_pages(c);
	static u8 seen[SIZE >> 12];
	u32 i, round;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &on, NULL);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < n; i++)
			put_frame(c, i, FREE + 2 * i);
		CALL_EQ(c, n, XEN_MEMORY_OP, DECREASE,
			put_list(c, LIST_GPA, n, 0, XEN_DOMID_SELF), 0);
		CHECK_EQ(c->nr_ranges, n);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < c->nr_ranges; i++) {
			CHECK_EQ(c->range[i].pages, 1);
			seen[c->range[i].gfn % sizeof(seen)]++;
		}
		for (i = 0; i < n; i++)
			CHECK_EQ(seen[FREE + 2 * i], 1);
		CHECK_EQ(current_pages(c), pages - n);
		CALL_EQ(c, n, XEN_MEMORY_OP, POPULATE,
			put_list(c, LIST_GPA, n, 0, XEN_DOMID_SELF), 0);
		CHECK_EQ(current_pages(c), pages);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	caller_done("long lists under signals", c);
}

/* The launcher frees what it is told: the host gets it back, the guest zeroes. */
static void check_freed(struct caller *c)
{
	u8 *mem = caller_mem(c, FREE << 12);
	unsigned char there;
	u32 v;

	memset(mem, 0x5a, 4096);
	CHECK_EQ(caller_load(c, FREE << 12, &v), true);
	CHECK_EQ(v, 0x5a5a5a5a);
	put_frame(c, 0, FREE);
	CALL_EQ(c, 1, XEN_MEMORY_OP, DECREASE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	hv_need(!madvise(caller_mem(c, c->range[0].gfn << 12), c->range[0].pages << 12,
			 MADV_DONTNEED));
	hv_need(!mincore(mem, 4096, &there));
	CHECK_EQ(there & 1, 0);
	CALL_EQ(c, 1, XEN_MEMORY_OP, POPULATE, put_list(c, LIST_GPA, 1, 0, XEN_DOMID_SELF), 0);
	CHECK_EQ(caller_load(c, FREE << 12, &v), true);
	CHECK_EQ(v, 0);
	caller_done("a page that is freed", c);
}

static const struct {
	u32 op;
	long error;
} refused[] = {
	{ 5, -ENOSYS }, { 8, -ENOSYS }, { 10, -EPERM }, { 11, -EOPNOTSUPP }, { 12, -ENOSYS },
	{ 16, -EPERM }, { 17, -EPERM }, { 18, -ENOSYS }, { 19, -ENOSYS }, { 20, -ENOSYS },
	{ 21, -EPERM }, { 22, -ENOSYS }, { 24, -EPERM }, { 25, -ENOSYS }, { 26, -EOPNOTSUPP },
	{ 27, -ENOSYS }, { 28, -EPERM }, { 29, -ENOSYS },
};

static void check_refused(struct caller *c)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		CALL_EQ(c, refused[i].error, XEN_MEMORY_OP, refused[i].op, CALLER_ARGS, 0);
	caller_done("what is refused", c);
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(SIZE);
	static struct caller c;
	int bits;

	c.vcpu = hv_vcpu_new(vm, 0);
	hv_need(set_memory(&c, HVMOD_XEN_MEMORY_SET_EXITS | HVMOD_XEN_MEMORY_EXITS, 0, 0, 0) > 0);
	for (bits = 0; bits < 2; bits++) {
		c.is_64 = bits;
		caller_mode(&c);
		check_add(&c);
		check_over_memory(&c);
		check_batch(&c);
		check_move(&c);
		check_sizes(&c);
		check_map(&c);
		check_balloon(&c);
		check_take(&c);
		check_long(&c);
		check_freed(&c);
		check_refused(&c);
	}
	hv_vcpu_free(c.vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
