// SPDX-License-Identifier: GPL-2.0
/*
 * The grant table of a PVH guest, versions 1 and 2: set-up, the launcher's view,
 * switching, copies between the guest's own frames and grants, swaps; in 64-bit and
 * in 32-bit layout, with all argument errors.
 */
#include <sys/mman.h>

#include "caller.h"

enum { MAP_REF, UNMAP_REF, SETUP, DUMP, TRANSFER, COPY, QUERY, REPLACE, SET_VERSION, STATUS,
       GET_VERSION, SWAP, CACHE_FLUSH };
enum { OKAY = 0, GENERAL = -1, BAD_DOMAIN = -2, BAD_REF = -3, BAD_VIRT = -5, DENIED = -8,
       BAD_PAGE = -9, BAD_COPY = -10, TRY_AGAIN = -12 };
#define PERMIT		1
#define TRANSITIVE	3
#define READONLY	4
#define READING		8
#define WRITING		16
#define SUB_PAGE	256
#define SOURCE_REF	1
#define DEST_REF	2

#define SIZE		(2UL << 20)
#define OUTSIDE		(SIZE >> 12)
#define PAGE_A		(0x100000UL >> 12)
#define PAGE_B		(PAGE_A + 1)
#define LIST		0x4000UL
#define LIST_GPA	(CALLER_ARGS + LIST)

struct v1 {
	u16 flags, domid;
	u32 frame;
};

struct v2 {
	u16 flags, domid;
	u16 page_off, length;
	u64 frame;
};

static struct v1 *v1;
static struct v2 *v2;
static u16 *status;
static volatile struct hvmod_xen_grant_info *info;

/* ---- set-up ---- */

static void put_setup(struct caller *c, u16 dom, u32 frames, u64 list)
{
	struct { u16 dom; u32 frames; short status; u64 list; } a64 = { dom, frames, 77, list };
	struct { u16 dom; u32 frames; short status; u32 list; } a32 = { dom, frames, 77, list };

	if (c->is_64)
		caller_put(c, 0, &a64, sizeof(a64));
	else
		caller_put(c, 0, &a32, sizeof(a32));
}

static short setup(struct caller *c, u16 dom, u32 frames, u64 list)
{
	put_setup(c, dom, frames, list);
	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, SETUP, CALLER_ARGS, 1);
	return *(short *)caller_mem(c, CALLER_ARGS + 8);
}

static void map_frame(struct caller *c, u64 idx, u64 gfn, long want)
{
	struct { u16 dom, size; u32 space; u64 idx, gpfn; } a64 = {
		XEN_DOMID_SELF, 0, 1, idx, gfn };
	struct { u16 dom, size; u32 space, idx, gpfn; } a32 = { XEN_DOMID_SELF, 0, 1, idx, gfn };

	if (c->is_64)
		caller_put(c, 0, &a64, sizeof(a64));
	else
		caller_put(c, 0, &a32, sizeof(a32));
	CALL_EQ(c, want, XEN_MEMORY_OP, 7, CALLER_ARGS, 0);
}

static u32 query(struct caller *c, u16 dom, short want)
{
	struct { u16 dom; u32 frames, max; short status; } a = { .dom = dom };
	const u32 *got;

	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, QUERY, caller_put(c, 0, &a, sizeof(a)), 1);
	got = caller_mem(c, CALLER_ARGS);
	CHECK_EQ((short)got[3], want);
	if (!want)
		CHECK_EQ(got[2], HVMOD_XEN_GRANT_FRAMES);
	return got[1];
}

static void check_setup(struct caller *c)
{
	const u64 *list = caller_mem(c, LIST_GPA);
	const u32 *list_32 = caller_mem(c, LIST_GPA);
	u32 want = info->frames > 3 ? info->frames : 3;

	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, SETUP, CALLER_ARGS, 0);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, SETUP, CALLER_ARGS, 2);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, SETUP, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, QUERY, CALLER_ARGS, 2);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, QUERY, CALLER_NOWHERE, 1);
	CHECK_EQ(setup(c, 9, 1, LIST_GPA), BAD_DOMAIN);
	CHECK_EQ(setup(c, 0, 1, LIST_GPA), DENIED);
	CHECK_EQ(setup(c, XEN_DOMID_SELF, HVMOD_XEN_GRANT_FRAMES + 1, LIST_GPA), GENERAL);
	CHECK_EQ(setup(c, XEN_DOMID_SELF, 1, CALLER_NOWHERE), BAD_VIRT);
	query(c, 9, BAD_DOMAIN);
	query(c, 0, DENIED);
	query(c, 1, 0);

	map_frame(c, 1, OUTSIDE + 7, 0);
	map_frame(c, HVMOD_XEN_GRANT_FRAMES, OUTSIDE, -EINVAL);
	map_frame(c, 1UL << 31, OUTSIDE, -EINVAL);	/* version 1 has no status */
	CHECK_EQ(setup(c, XEN_DOMID_SELF, 3, LIST_GPA), OKAY);
	CHECK_EQ(query(c, XEN_DOMID_SELF, 0), want);
	CHECK_EQ(info->frames, want);
	CHECK_EQ(setup(c, 1, 2, LIST_GPA), OKAY);
	CHECK_EQ(query(c, XEN_DOMID_SELF, 0), want);
	CHECK_EQ(c->is_64 ? list[1] : list_32[1], OUTSIDE + 7);
	CHECK_EQ(c->is_64 ? list[0] : list_32[0], c->is_64 ? ~0UL : ~0U);
	caller_done("set-up of the table", c);
}

/* ---- versions ---- */

static void set_version(struct caller *c, u32 version, long want, u32 now)
{
	CALL_EQ(c, want, XEN_GRANT_TABLE_OP, SET_VERSION, caller_put(c, 0, &version, 4), 1);
	CHECK_EQ(*(u32 *)caller_mem(c, CALLER_ARGS), now);
	CHECK_EQ(info->version, now);
}

static void check_versions(struct caller *c)
{
	struct { u16 dom, pad; u32 version; } get = { XEN_DOMID_SELF, 0, 0 };
	u32 word = 0;

	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, SET_VERSION, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, SET_VERSION, CALLER_ARGS, -1);
	set_version(c, 0, -EINVAL, 1);
	set_version(c, 3, -EINVAL, 1);
	set_version(c, 1, 0, 1);

	/* Reserved entries are kept, in the other form, all others go. */
	v1[0] = (struct v1) { PERMIT | READING, 0, 0x123 };
	v1[1] = (struct v1) { PERMIT | READONLY, 0, 0x124 };
	v1[2] = (struct v1) { 2, 0, 0x125 };		/* for a transfer */
	v1[9] = (struct v1) { PERMIT, 0, 0x126 };
	info->users = 1;
	set_version(c, 2, -EBUSY, 1);
	CHECK_EQ(v1[9].frame, 0x126);
	info->users = 0;
	set_version(c, 2, 0, 2);
	CHECK_EQ(v2[0].flags, PERMIT);
	CHECK_EQ(v2[0].frame, 0x123);
	CHECK_EQ(status[0], READING);
	CHECK_EQ(v2[1].flags, PERMIT | READONLY);
	CHECK_EQ(v2[2].flags, 0);
	CHECK_EQ(v2[9].flags, 0);
	CHECK_EQ(v2[4].frame, 0);		/* where version 1 had its entry 9 */

	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, GET_VERSION, caller_put(c, 0, &get, sizeof(get)), 1);
	CHECK_EQ(((u32 *)caller_mem(c, CALLER_ARGS))[1], 2);
	get.dom = 0;
	CALL_EQ(c, -EPERM, XEN_GRANT_TABLE_OP, GET_VERSION, caller_put(c, 0, &get, sizeof(get)), 1);
	get.dom = 12;
	CALL_EQ(c, -ESRCH, XEN_GRANT_TABLE_OP, GET_VERSION, caller_put(c, 0, &get, sizeof(get)), 1);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, GET_VERSION, CALLER_NOWHERE, 1);

	/* Status frames: the index says so; they grow the table, and go with version 2. */
	map_frame(c, 1UL << 31 | HVMOD_XEN_STATUS_FRAMES, OUTSIDE + 8, -EINVAL);
	map_frame(c, 1UL << 31 | 0, OUTSIDE + 8, 0);
	CHECK_EQ(caller_read(c, (OUTSIDE + 8) << 12, &word, 4), 0);
	CHECK_EQ(word, READING);
	map_frame(c, 1UL << 31 | 1, OUTSIDE + 9, 0);
	CHECK_EQ(query(c, XEN_DOMID_SELF, 0), 9);

	v2[0].flags = PERMIT | SUB_PAGE;
	v2[1].frame = 1UL << 40;
	v2[3] = (struct v2) { .flags = PERMIT, .domid = 0, .frame = 0x77 };
	status[3] = READING | WRITING;
	set_version(c, 1, 0, 1);
	CHECK_EQ(v1[0].flags, 0);
	CHECK_EQ(v1[1].flags, 0);
	CHECK_EQ(v1[3].flags, PERMIT | READING | WRITING);
	CHECK_EQ(v1[3].frame, 0x77);
	CHECK_EQ(status[3], 0);
	CHECK_EQ(caller_read(c, (OUTSIDE + 8) << 12, &word, 4), -EFAULT);
	memset(v1, 0, 4096);
	caller_done("versions", c);
}

/* ---- copies ---- */

struct end {
	u64 frame_or_ref;
	u16 domid, offset;
};

static void put_copy(struct caller *c, u32 i, struct end s, struct end d, u16 len, u16 flags)
{
	struct {
		struct { u64 f; u16 domid, offset; } s, d;
		u16 len, flags;
		short status;
	} a64 = { { s.frame_or_ref, s.domid, s.offset }, { d.frame_or_ref, d.domid, d.offset },
		  len, flags, 77 };
	struct {
		struct { u32 f; u16 domid, offset; } s, d;
		u16 len, flags;
		short status;
	} a32 = { { s.frame_or_ref, s.domid, s.offset }, { d.frame_or_ref, d.domid, d.offset },
		  len, flags, 77 };

	if (c->is_64)
		caller_put(c, i * sizeof(a64), &a64, sizeof(a64));
	else
		caller_put(c, i * sizeof(a32), &a32, sizeof(a32));
}

static short copy_status(struct caller *c, u32 i)
{
	u64 at = CALLER_ARGS + (c->is_64 ? i * 40 + 36 : i * 24 + 20);

	return *(short *)caller_mem(c, at);
}

#define COPY_EQ(c, want, s, d, len, flags) do {				\
	put_copy(c, 0, s, d, len, flags);				\
	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, COPY, CALLER_ARGS, 1);	\
	CHECK_EQ(copy_status(c, 0), want);				\
} while (0)

#define END(f, d, o)	((struct end) { f, d, o })
#define SELF		XEN_DOMID_SELF

static void check_frames(struct caller *c, u8 *a, u8 *b)
{
	u32 i;

	for (i = 0; i < 4096; i++)
		a[i] = i * 7 + (i >> 8);
	memset(b, 0, 4096);
	COPY_EQ(c, OKAY, END(PAGE_A, SELF, 16), END(PAGE_B, SELF, 100), 200, 0);
	CHECK_EQ(memcmp(a + 16, b + 100, 200), 0);
	CHECK_EQ(b[99] | b[300], 0);
	COPY_EQ(c, OKAY, END(PAGE_A, SELF, 0), END(PAGE_B, SELF, 0), 4096, 0);
	CHECK_EQ(memcmp(a, b, 4096), 0);
	COPY_EQ(c, BAD_COPY, END(PAGE_A, SELF, 1), END(PAGE_B, SELF, 0), 4096, 0);
	COPY_EQ(c, BAD_COPY, END(PAGE_A, SELF, 0), END(PAGE_B, SELF, 0xffff), 1, 0);
	COPY_EQ(c, BAD_PAGE, END(OUTSIDE, SELF, 0), END(PAGE_B, SELF, 0), 4, 0);
	COPY_EQ(c, BAD_PAGE, END(PAGE_A, SELF, 0), END(c->is_64 ? ~0UL : ~0U, SELF, 0), 4, 0);
	COPY_EQ(c, DENIED, END(PAGE_A, 1, 0), END(PAGE_B, SELF, 0), 4, 0);
	COPY_EQ(c, DENIED, END(PAGE_A, SELF, 0), END(PAGE_B, 0, 0), 4, 0);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, COPY, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, COPY, CALLER_ARGS, 0x80000000);
	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, COPY, CALLER_NOWHERE, 0);
	caller_done("copies between frames", c);
}

static void check_refs(struct caller *c, u8 *a, u8 *b)
{
	u32 i;

	v1[10] = (struct v1) { PERMIT, 1, PAGE_A };
	v1[11] = (struct v1) { PERMIT | READONLY, 1, PAGE_B };
	v1[12] = (struct v1) { PERMIT, 0, PAGE_A };	/* the back end's */
	v1[13] = (struct v1) { PERMIT, 1, OUTSIDE };
	memset(b, 0, 4096);
	COPY_EQ(c, OKAY, END(10, 1, 5), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	CHECK_EQ(memcmp(a + 5, b, 50), 0);
	CHECK_EQ(v1[10].flags, PERMIT);
	COPY_EQ(c, GENERAL, END(PAGE_A, SELF, 0), END(11, SELF, 0), 50, DEST_REF);
	COPY_EQ(c, OKAY, END(11, SELF, 0), END(10, SELF, 2000), 50, SOURCE_REF | DEST_REF);
	CHECK_EQ(memcmp(b, a + 2000, 50), 0);
	COPY_EQ(c, GENERAL, END(12, SELF, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	COPY_EQ(c, GENERAL, END(20, SELF, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	COPY_EQ(c, BAD_PAGE, END(13, SELF, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	CHECK_EQ(v1[13].flags, PERMIT);
	COPY_EQ(c, BAD_REF, END(64 * 512, SELF, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	COPY_EQ(c, BAD_REF, END(~0U, SELF, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	/* What the back end grants: nothing. */
	COPY_EQ(c, GENERAL, END(3, 0, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	COPY_EQ(c, BAD_REF, END(512, 0, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);
	COPY_EQ(c, BAD_DOMAIN, END(10, 5, 0), END(PAGE_B, SELF, 0), 50, SOURCE_REF);

	/* A list: each has its own status. */
	for (i = 0; i < 100; i++)
		put_copy(c, i, END(10, SELF, i), END(PAGE_B, i % 2 ? SELF : 4, i), 1, SOURCE_REF);
	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, COPY, CALLER_ARGS, 100);
	for (i = 0; i < 100; i++)
		CHECK_EQ(copy_status(c, i), i % 2 ? OKAY : DENIED);
	memset(v1, 0, 4096);
	caller_done("copies between grants, version 1", c);
}

static void check_refs_2(struct caller *c, u8 *a, u8 *b)
{
	set_version(c, 2, 0, 2);
	v2[10] = (struct v2) { .flags = PERMIT, .domid = 1, .frame = PAGE_A };
	v2[11] = (struct v2) { PERMIT | SUB_PAGE, 1, 100, 50, PAGE_B };
	v2[12] = (struct v2) { .flags = TRANSITIVE, .domid = 1 };
	status[11] = 0x8000;
	memset(b, 0, 4096);
	COPY_EQ(c, OKAY, END(10, SELF, 0), END(11, SELF, 100), 50, SOURCE_REF | DEST_REF);
	CHECK_EQ(memcmp(a, b + 100, 50), 0);
	CHECK_EQ(status[10], 0);
	CHECK_EQ(status[11], 0x8000);
	COPY_EQ(c, GENERAL, END(10, SELF, 0), END(11, SELF, 99), 50, SOURCE_REF | DEST_REF);
	COPY_EQ(c, GENERAL, END(10, SELF, 0), END(11, SELF, 101), 50, SOURCE_REF | DEST_REF);
	COPY_EQ(c, OKAY, END(11, SELF, 149), END(PAGE_A, SELF, 0), 1, SOURCE_REF);
	COPY_EQ(c, GENERAL, END(11, SELF, 0), END(PAGE_A, SELF, 0), 1, SOURCE_REF);
	COPY_EQ(c, GENERAL, END(12, SELF, 0), END(PAGE_A, SELF, 0), 1, SOURCE_REF);
	v2[11].length = 0xffff;
	COPY_EQ(c, BAD_COPY, END(10, SELF, 0), END(11, SELF, 100), 4000, SOURCE_REF | DEST_REF);
	COPY_EQ(c, BAD_REF, END(64 * 256, SELF, 0), END(PAGE_A, SELF, 0), 1, SOURCE_REF);
	set_version(c, 1, 0, 1);
	caller_done("copies between grants, version 2", c);
}

/* ---- swaps ---- */

static short swap_refs(struct caller *c, u32 a, u32 b)
{
	struct { u32 a, b; short status; } op = { a, b, 77 };

	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, SWAP, caller_put(c, 0, &op, sizeof(op)), 1);
	return *(short *)caller_mem(c, CALLER_ARGS + 8);
}

static void check_swaps(struct caller *c)
{
	v1[20] = (struct v1) { PERMIT, 1, 5 };
	v1[21] = (struct v1) { PERMIT, 0, 6 };
	CHECK_EQ(swap_refs(c, 20, 21), OKAY);
	CHECK_EQ(v1[20].frame, 6);
	CHECK_EQ(v1[21].domid, 1);
	CHECK_EQ(swap_refs(c, 20, 20), OKAY);
	CHECK_EQ(swap_refs(c, 20, ~0U), BAD_REF);
	CHECK_EQ(swap_refs(c, 64 * 512, 20), BAD_REF);
	v1[20].flags |= READING;
	CHECK_EQ(swap_refs(c, 20, 21), TRY_AGAIN);
	v1[20].flags = 0;
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, SWAP, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, SWAP, CALLER_NOWHERE, 0xffffffff);
	set_version(c, 2, 0, 2);
	v2[20] = (struct v2) { .flags = PERMIT, .domid = 1, .frame = 5 };
	v2[21] = (struct v2) { .flags = PERMIT, .domid = 0, .frame = 6 };
	CHECK_EQ(swap_refs(c, 20, 21), OKAY);
	CHECK_EQ(v2[20].frame, 6);
	CHECK_EQ(v2[21].frame, 5);
	status[20] = WRITING;
	CHECK_EQ(swap_refs(c, 20, 21), TRY_AGAIN);
	set_version(c, 1, 0, 1);
	memset(v1, 0, 4096);
	caller_done("swaps", c);
}

/* ---- mapping: there is nothing that a guest could map ---- */

static short map_ref(struct caller *c, u16 dom, u32 ref, u32 flags)
{
	struct { u64 host; u32 flags, ref; u16 dom; short status; u32 handle; u64 bus; } op = {
		0x100000, flags, ref, dom, 77, 0, 0 };

	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, MAP_REF, caller_put(c, 0, &op, sizeof(op)), 1);
	return *(short *)caller_mem(c, CALLER_ARGS + 18);
}

static void check_mapping(struct caller *c)
{
	struct { u64 host, bus; u32 handle; short status; } un[3] = { { 0, 0, 5, 77 } };
	u32 i;

	CHECK_EQ(map_ref(c, 0, 5, 0), BAD_REF);
	CHECK_EQ(map_ref(c, 0, 5, 2 | 16), GENERAL);
	CHECK_EQ(map_ref(c, 0, 5, 1), GENERAL);
	CHECK_EQ(map_ref(c, 0, 5, 2), GENERAL);
	CHECK_EQ(map_ref(c, 0, 512, 2), BAD_REF);
	CHECK_EQ(map_ref(c, XEN_DOMID_SELF, 5, 2), BAD_DOMAIN);
	CHECK_EQ(map_ref(c, 77, 5, 2), BAD_DOMAIN);
	CHECK_EQ(map_ref(c, 1, 5, 2), GENERAL);
	CHECK_EQ(map_ref(c, 1, ~0U, 2), BAD_REF);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, MAP_REF, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, MAP_REF, CALLER_ARGS, 0x80000000);
	caller_put(c, 0, un, sizeof(un));
	CALL_EQ(c, 0, XEN_GRANT_TABLE_OP, UNMAP_REF, CALLER_ARGS, 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(*(short *)caller_mem(c, CALLER_ARGS + i * 24 + 20), -4);
	CALL_EQ(c, -EFAULT, XEN_GRANT_TABLE_OP, UNMAP_REF, CALLER_NOWHERE, 1);
	CALL_EQ(c, -EINVAL, XEN_GRANT_TABLE_OP, UNMAP_REF, CALLER_ARGS, 0x80000000);
	caller_done("mapping", c);
}

static void check_refused(struct caller *c)
{
	const u32 ops[] = { DUMP, TRANSFER, REPLACE, STATUS, CACHE_FLUSH, 13, ~0U };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		CALL_EQ(c, -ENOSYS, XEN_GRANT_TABLE_OP, ops[i], CALLER_ARGS, 1);
	caller_done("what is refused", c);
}

static void map_all(struct hv_vm *vm)
{
	const int prot = PROT_READ | PROT_WRITE;

	v1 = mmap(NULL, HVMOD_XEN_GRANT_FRAMES * 4096UL, prot, MAP_SHARED, vm->fd,
		  HVMOD_XEN_GRANT_OFFSET);
	v2 = (void *)v1;
	status = mmap(NULL, HVMOD_XEN_STATUS_FRAMES * 4096UL, prot, MAP_SHARED, vm->fd,
		      HVMOD_XEN_STATUS_OFFSET);
	info = mmap(NULL, 4096, prot, MAP_SHARED, vm->fd, HVMOD_XEN_GRANT_INFO_OFFSET);
	hv_need(v1 != MAP_FAILED && status != MAP_FAILED && info != MAP_FAILED);
	tap_ok(mmap(NULL, (HVMOD_XEN_STATUS_FRAMES + 1) * 4096UL, PROT_READ, MAP_SHARED, vm->fd,
		    HVMOD_XEN_STATUS_OFFSET) == MAP_FAILED && errno == EINVAL,
	       "a status frame more is not there");
	tap_ok(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, vm->fd, HVMOD_XEN_GRANT_OFFSET) ==
	       MAP_FAILED && errno == EINVAL, "no private mapping");
	tap_eq(info->version, 1, "version 1 at the start");
	tap_eq(info->frames, 1, "of one frame");
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(SIZE);
	static struct caller c;
	int bits;

	c.vcpu = hv_vcpu_new(vm, 0);
	map_all(vm);
	for (bits = 0; bits < 2; bits++) {
		c.is_64 = bits;
		caller_mode(&c);
		check_setup(&c);
		check_versions(&c);
		check_frames(&c, vm->mem + (PAGE_A << 12), vm->mem + (PAGE_B << 12));
		check_refs(&c, vm->mem + (PAGE_A << 12), vm->mem + (PAGE_B << 12));
		check_refs_2(&c, vm->mem + (PAGE_A << 12), vm->mem + (PAGE_B << 12));
		check_swaps(&c);
		check_mapping(&c);
		check_refused(&c);
	}
	hv_vcpu_free(c.vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
