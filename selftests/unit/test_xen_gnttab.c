// SPDX-License-Identifier: GPL-2.0
/*
 * The grant library against a guest's grant table: every rule of versions 1 and
 * 2, random tables judged by a second reading of Xen's rules, and tables that
 * change while they are read.  Run by selftests/unit/Makefile; TAP on stdout,
 * exit status 0 or 1.
 */
/* SOURCES: userspace/xen/gnttab.c userspace/lib/mem.c userspace/lib/err.c */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/gnttab.h"
#include "selftests/unit/unit.h"

#define FRAMES		4U
#define V1_ENTRIES	(FRAMES * 512)
#define V2_ENTRIES	(FRAMES * 256)
#define MEMORY		(4 * MIB)
#define PAGES		(MEMORY / PAGE_BYTES)

enum {
	INVALID = 0, PERMIT = 1, TRANSFER = 2, TRANSITIVE = 3, READONLY = 4, READING = 8,
	WRITING = 16, SUB_PAGE = 256,
};

struct v1 {
	u16 flags, domid;
	u32 frame;
};

struct v2 {
	u16 flags, domid;
	u16 off, len;
	u64 frame;
};

#define FUZZ		250000U	/* of each kind */

static struct gmem mem;
static struct gnttab gt;
static u8 *table;
static u16 *status;
static struct gnttab_info info;

static struct v1 *v1(u32 ref)
{
	return (struct v1 *)table + ref;
}

static struct v2 *v2(u32 ref)
{
	return (struct v2 *)table + ref;
}

static void set1(u32 ref, u16 flags, u16 domid, u32 frame)
{
	*v1(ref) = (struct v1){ flags, domid, frame };
}

static void set2(u32 ref, u16 flags, u16 domid, u64 frame)
{
	*v2(ref) = (struct v2){ .flags = flags, .domid = domid, .frame = frame };
}

static void fresh(u32 version)
{
	gnttab_exit(&gt);
	free(table);
	free(status);
	table = calloc(FRAMES, PAGE_BYTES);
	status = calloc(V2_ENTRIES, sizeof(*status));
	gnttab_init(&gt, &mem, table, FRAMES, status, &info, NULL);
	atomic_store(&info.version, version);
	atomic_store(&info.frames, FRAMES);
	atomic_store(&info.users, 0);
}

/* 0 and unmapped again, or the error */
static int try_map(u32 ref, enum gnttab_access access)
{
	void *at = NULL;
	int ret = gnttab_map(&gt, ref, access, &at);

	if (!ret)
		gnttab_unmap(&gt, ref, access);
	return ret;
}

static bool rules_v1(void)
{
	void *a = NULL, *b = NULL;
	bool good;

	fresh(1);
	good = try_map(8, GNTTAB_READ) == -ENOENT;
	set1(8, TRANSFER, 0, 1);
	good &= try_map(8, GNTTAB_READ) == -ENOENT;
	set1(8, TRANSITIVE, 0, 1);
	good &= try_map(8, GNTTAB_READ) == -EOPNOTSUPP;
	set1(8, PERMIT, 1, 1);
	good &= try_map(8, GNTTAB_READ) == -EPERM;
	set1(8, PERMIT | READONLY, 0, 1);
	good &= try_map(8, GNTTAB_WRITE) == -EACCES && v1(8)->flags == (PERMIT | READONLY);
	good &= !gnttab_map(&gt, 8, GNTTAB_READ, &a) && a == mem.base + PAGE_BYTES;
	good &= v1(8)->flags == (PERMIT | READONLY | READING);
	gnttab_unmap(&gt, 8, GNTTAB_READ);
	good &= v1(8)->flags == (PERMIT | READONLY);
	set1(8, PERMIT | SUB_PAGE, 0, 1);
	good &= try_map(8, GNTTAB_READ) == -EOPNOTSUPP;
	set1(8, PERMIT, 0, PAGES);
	good &= try_map(8, GNTTAB_READ) == -EFAULT && v1(8)->flags == PERMIT;
	set1(8, PERMIT, 0, ~0U);
	good &= try_map(8, GNTTAB_WRITE) == -EFAULT && v1(8)->flags == PERMIT;
	good &= try_map(V1_ENTRIES, GNTTAB_READ) == -ENOENT;
	good &= try_map(~0U, GNTTAB_READ) == -ENOENT;
	set1(V1_ENTRIES - 1, PERMIT, 0, PAGES - 1);
	good &= !gnttab_map(&gt, V1_ENTRIES - 1, GNTTAB_WRITE, &b) &&
		b == mem.base + MEMORY - PAGE_BYTES;
	gnttab_unmap(&gt, V1_ENTRIES - 1, GNTTAB_WRITE);
	return good && !atomic_load(&gt.mapped);
}

/* The marks follow the sum of all mappings; a mapped page keeps its place. */
static bool nested(u32 version)
{
	u16 *flags;
	u16 base = version == 1 ? PERMIT : 0;
	void *at = NULL;
	bool good;

	fresh(version);
	if (version == 1) {
		set1(9, PERMIT, 0, 5);
		flags = &v1(9)->flags;
	} else {
		set2(9, PERMIT, 0, 5);
		flags = &status[9];
	}
	good = !gnttab_map(&gt, 9, GNTTAB_READ, &at) && *flags == (base | READING);
	good &= !gnttab_map(&gt, 9, GNTTAB_WRITE, &at) && *flags == (base | READING | WRITING);
	if (version == 1)
		v1(9)->frame = 7;
	else
		v2(9)->frame = 7;
	good &= !gnttab_map(&gt, 9, GNTTAB_WRITE, &at) && at == mem.base + 5 * PAGE_BYTES;
	gnttab_unmap(&gt, 9, GNTTAB_WRITE);
	good &= *flags == (base | READING | WRITING);
	gnttab_unmap(&gt, 9, GNTTAB_WRITE);
	good &= *flags == (base | READING);
	gnttab_unmap(&gt, 9, GNTTAB_READ);
	good &= *flags == base && !atomic_load(&gt.mapped);
	good &= !gnttab_map(&gt, 9, GNTTAB_READ, &at) && at == mem.base + 7 * PAGE_BYTES;
	good &= *flags == (base | READING) && atomic_load(&info.users) == 1;
	gnttab_unmap(&gt, 9, GNTTAB_READ);
	return good && *flags == base && !atomic_load(&info.users);
}

static bool rules_v2(void)
{
	void *a = NULL;
	bool good;

	fresh(2);
	good = try_map(8, GNTTAB_READ) == -ENOENT;
	set2(8, PERMIT, 3, 1);
	good &= try_map(8, GNTTAB_READ) == -EPERM && !status[8];
	set2(8, PERMIT | READONLY, 0, 1);
	good &= try_map(8, GNTTAB_WRITE) == -EACCES && !status[8];
	good &= !gnttab_map(&gt, 8, GNTTAB_READ, &a) && a == mem.base + PAGE_BYTES;
	good &= status[8] == READING && v2(8)->flags == (PERMIT | READONLY);
	gnttab_unmap(&gt, 8, GNTTAB_READ);
	good &= !status[8];
	set2(8, TRANSITIVE, 0, 1);
	good &= try_map(8, GNTTAB_READ) == -EOPNOTSUPP && !status[8];
	set2(8, PERMIT, 0, 1ULL << 52);
	good &= try_map(8, GNTTAB_READ) == -EFAULT && !status[8];
	set2(8, PERMIT, 0, ~0ULL);
	good &= try_map(8, GNTTAB_READ) == -EFAULT && !status[8];
	good &= try_map(V2_ENTRIES, GNTTAB_READ) == -ENOENT;
	set2(V2_ENTRIES - 1, PERMIT, 0, 2);
	good &= !try_map(V2_ENTRIES - 1, GNTTAB_WRITE) && !status[V2_ENTRIES - 1];
	return good;
}

static bool copies(void)
{
	u8 buf[PAGE_BYTES] = { 0 };
	u8 *at = mem.base + 3 * PAGE_BYTES;
	bool good;

	fresh(2);
	memset(at, 0xaa, PAGE_BYTES);
	set2(8, PERMIT | SUB_PAGE, 0, 3);
	v2(8)->off = 100;
	v2(8)->len = 50;
	good = try_map(8, GNTTAB_READ) == -EOPNOTSUPP;
	good &= !gnttab_read(&gt, 8, 100, buf, 50) && buf[49] == 0xaa && !buf[50];
	good &= gnttab_read(&gt, 8, 99, buf, 2) == -ERANGE;
	good &= gnttab_read(&gt, 8, 149, buf, 2) == -ERANGE;
	good &= gnttab_read(&gt, 8, 101, buf, ~0U) == -ERANGE;
	good &= gnttab_read(&gt, 8, ~0U, buf, 1) == -ERANGE;
	good &= !gnttab_write(&gt, 8, 149, "x", 1) && at[149] == 'x' && at[150] == 0xaa;
	v2(8)->len = 0xffff;
	good &= gnttab_read(&gt, 8, 4095, buf, 2) == -ERANGE && !gnttab_read(&gt, 8, 4095, buf, 1);
	v2(8)->off = 0xffff;
	good &= gnttab_read(&gt, 8, 0xffff, buf, 1) == -ERANGE;
	set2(8, PERMIT | READONLY, 0, 3);
	good &= gnttab_write(&gt, 8, 0, "x", 1) == -EACCES;
	good &= !gnttab_read(&gt, 8, 0, buf, PAGE_BYTES) && !memcmp(buf, at, PAGE_BYTES);
	good &= gnttab_read(&gt, 8, 1, buf, PAGE_BYTES) == -ERANGE;
	set2(8, TRANSITIVE, 0, 3);
	good &= gnttab_read(&gt, 8, 0, buf, 1) == -EOPNOTSUPP;
	good &= !status[8];
	return good;
}

/* How the module tells of versions and sizes, and what it is told. */
static bool module(void)
{
	void *at;
	bool good;

	fresh(1);
	set1(V1_ENTRIES - 1, PERMIT, 0, 1);
	set1(511, PERMIT, 0, 1);
	set1(512, PERMIT, 0, 1);
	atomic_store(&info.frames, 1);
	good = try_map(512, GNTTAB_READ) == -ENOENT && !try_map(511, GNTTAB_READ);
	atomic_store(&info.frames, ~0U);
	good &= !try_map(V1_ENTRIES - 1, GNTTAB_READ);
	good &= try_map(V1_ENTRIES, GNTTAB_READ) == -ENOENT;
	atomic_store(&info.version, 0);
	good &= try_map(511, GNTTAB_READ) == -EAGAIN && !atomic_load(&info.users);
	atomic_store(&info.version, 1);
	/* A reserved reference does not count, and outlives a change. */
	set1(1, PERMIT, 0, 3);
	good &= !gnttab_map(&gt, 1, GNTTAB_READ, &at) && !atomic_load(&info.users);
	atomic_store(&info.version, 2);
	set2(1, PERMIT, 0, 3);
	status[1] = READING;
	gnttab_unmap(&gt, 1, GNTTAB_READ);
	return good && !status[1] && !atomic_load(&info.users);
}

static bool often(void)
{
	void *at;
	u32 i;
	bool good = true;

	fresh(1);
	set1(10, PERMIT, 0, 1);
	for (i = 0; i < 0xffff; i++)
		good &= !gnttab_map(&gt, 10, GNTTAB_READ, &at);
	good &= gnttab_map(&gt, 10, GNTTAB_READ, &at) == -EBUSY;
	for (i = 0; i < 0xffff; i++)
		gnttab_unmap(&gt, 10, GNTTAB_READ);
	gnttab_unmap(&gt, 10, GNTTAB_READ);	/* once too often */
	return good && v1(10)->flags == PERMIT && !atomic_load(&gt.mapped) &&
	       !atomic_load(&info.users);
}

/* ---- random tables ---- */

static u64 some_frame(u64 *state)
{
	u64 r = rng_of(state);

	switch (r % 4) {
	case 0:
		return PAGES - 3 + (r >> 8) % 6;
	case 1:
		return r >> (r % 64);
	}
	return (r >> 8) % PAGES;
}

static void some_entry(u32 version, u32 ref, u64 *state)
{
	u64 r = rng_of(state);
	u16 flags = (u16)(r >> 4), domid = r % 3 ? 0 : (u16)(r >> 32);

	/* The marks are Xen's: a sane guest does not set them. */
	flags &= (u16)~(READING | WRITING);
	if (r % 8)
		flags = (u16)((flags & (READONLY | (r & 8 ? SUB_PAGE : 0))) | PERMIT);
	if (version == 1) {
		set1(ref, flags, domid, (u32)some_frame(state));
	} else {
		set2(ref, flags, domid, some_frame(state));
		v2(ref)->off = (u16)rng_of(state);
		v2(ref)->len = (u16)rng_of(state);
	}
}

/* Xen's rules, read once more. */
static int expect(u32 version, u32 ref, enum gnttab_access access, bool copy, u64 *frame)
{
	u16 flags, domid;

	if (ref >= (version == 1 ? V1_ENTRIES : V2_ENTRIES))
		return -ENOENT;
	flags = version == 1 ? v1(ref)->flags : v2(ref)->flags;
	domid = version == 1 ? v1(ref)->domid : v2(ref)->domid;
	*frame = version == 1 ? v1(ref)->frame : v2(ref)->frame;
	if ((flags & 3) == TRANSITIVE)
		return -EOPNOTSUPP;
	if ((flags & 3) != PERMIT)
		return -ENOENT;
	if (domid)
		return -EPERM;
	if (!copy && flags & SUB_PAGE)
		return -EOPNOTSUPP;
	if (flags & READONLY && access == GNTTAB_WRITE)
		return -EACCES;
	return *frame < PAGES ? 0 : -EFAULT;
}

static bool judge_copy(u32 version, u32 ref, enum gnttab_access access, u32 at, u32 len)
{
	static u8 buf[2 * PAGE_BYTES];
	u32 first = 0, end = PAGE_BYTES;
	u64 frame;
	int want = expect(version, ref, access, true, &frame), got;

	if (!want && version == 2 && v2(ref)->flags & SUB_PAGE) {
		first = v2(ref)->off;
		end = first + v2(ref)->len;
		if (end > PAGE_BYTES)
			end = PAGE_BYTES;
	}
	if (!want && (at < first || (u64)at + len > end))
		want = -ERANGE;
	got = access == GNTTAB_READ ? gnttab_read(&gt, ref, at, buf, len) :
				      gnttab_write(&gt, ref, at, buf, len);
	/* Of nothing, at nothing: either answer is right. */
	return got == want || !len;
}

static bool marked(u32 version, u32 ref)
{
	if (version == 1)
		return ref < V1_ENTRIES && v1(ref)->flags & (READING | WRITING);
	return ref < V2_ENTRIES && status[ref];
}

static bool random_tables(u32 version, unsigned long cases)
{
	u64 frame = 0;

	fresh(version);
	while (cases--) {
		u32 ref = (u32)(rng() % (V1_ENTRIES + 8));
		enum gnttab_access access = rng() % 2 ? GNTTAB_READ : GNTTAB_WRITE;
		void *at = NULL;
		int want, got;

		if (rng() % 64 == 0)
			ref = (u32)rng();
		if (ref < (version == 1 ? V1_ENTRIES : V2_ENTRIES))
			some_entry(version, ref, &rng_state);
		if (rng() % 3 == 0) {
			if (!judge_copy(version, ref, access, (u32)(rng() % (PAGE_BYTES + 8)),
					(u32)(rng() % 64)))
				return false;
			continue;
		}
		want = expect(version, ref, access, false, &frame);
		got = gnttab_map(&gt, ref, access, &at);
		if (got != want)
			return false;
		if (!got) {
			if (at != mem.base + frame * PAGE_BYTES)
				return false;
			gnttab_unmap(&gt, ref, access);
		}
		if (marked(version, ref))
			return false;
	}
	return !atomic_load(&gt.mapped);
}

/* ---- tables that change ---- */

static atomic_bool stop;
static atomic_bool keeps_rules;
static u32 race_version;
static atomic_ulong changes;

#define RACE_REFS	16U
#define PUBLIC		64U	/* frames below are granted to domain 0, others to 5 */

static bool revoke(u32 ref)
{
	_Atomic u32 *head = race_version == 1 ? (_Atomic u32 *)v1(ref) : (_Atomic u32 *)v2(ref);
	u32 old = atomic_load(head);

	if (race_version == 1) {
		if (old & (READING | WRITING))
			return false;
		return atomic_compare_exchange_strong(head, &old, 0);
	}
	atomic_store(head, 0);
	return !(atomic_load((_Atomic u16 *)&status[ref]) & (READING | WRITING));
}

/* A guest that grants and revokes as Linux does. */
static void regrant(u32 ref, u64 r)
{
	bool ours = r & 1;
	u64 frame = (ours ? 0 : PUBLIC) + (r >> 8) % PUBLIC;
	u32 head = PERMIT | (r & 2 ? READONLY : 0) | (ours ? 0 : 5U << 16);

	if (!revoke(ref))
		return;
	if (race_version == 1) {
		atomic_store((_Atomic u32 *)&v1(ref)->frame, (u32)frame);
		atomic_store((_Atomic u32 *)v1(ref), head);
	} else {
		atomic_store((_Atomic u64 *)&v2(ref)->frame, frame);
		atomic_store((_Atomic u32 *)v2(ref), head);
	}
}

/* As the module does it. */
static void change_version(void)
{
	u32 old = atomic_exchange(&info.version, 0);

	if (atomic_load(&info.users)) {
		atomic_store(&info.version, old);
		return;
	}
	memset(table, 0, (8 + RACE_REFS) * sizeof(struct v2));
	memset(status, 0, (8 + RACE_REFS) * sizeof(*status));
	race_version = 3 - old;
	atomic_store(&info.version, race_version);
	changes++;
}

static void *scribble(void *arg)
{
	u64 state = (u64)(unsigned long)arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		u64 r = rng_of(&state);
		u32 ref = 8 + (u32)(r >> 40) % RACE_REFS;

		if (atomic_load(&keeps_rules)) {
			regrant(ref, r);
		} else {
			some_entry(race_version, ref, &state);
			((volatile u16 *)status)[ref] = (u16)r;
			if (r % 64 == 0)
				change_version();
		}
	}
	return NULL;
}

static bool in_bounds(const u8 *at, u64 pages)
{
	return at >= mem.base && at < mem.base + pages * PAGE_BYTES &&
	       !((at - mem.base) % PAGE_BYTES);
}

static bool race_step(u64 *state, u64 pages)
{
	u64 r = rng_of(state);
	u32 ref = 8 + (u32)(r >> 8) % RACE_REFS;
	enum gnttab_access access = r & 1 ? GNTTAB_READ : GNTTAB_WRITE;
	u8 buf[64] = { 0 };
	void *at = NULL;

	switch (r % 4) {
	case 0:
		gnttab_read(&gt, ref, (u32)(r >> 16) % 5000, buf, (u32)(r >> 32) % 64);
		return true;
	case 1:
		gnttab_write(&gt, ref, (u32)(r >> 16) % 5000, buf, (u32)(r >> 32) % 64);
		return true;
	}
	if (gnttab_map(&gt, ref, access, &at))
		return true;
	if (!in_bounds(at, pages))
		return false;
	((volatile u8 *)at)[4095];
	gnttab_unmap(&gt, ref, access);
	return true;
}

static void *second(void *arg)
{
	u64 state = 77;

	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		if (!race_step(&state, atomic_load(&keeps_rules) ? PUBLIC : PAGES))
			*(bool *)arg = false;
	return NULL;
}

/* On a busy machine the thread that changes things may come late. */
static bool race_seen(bool rules)
{
	return atomic_load(&gt.maps) && atomic_load(&gt.refused) &&
	       (rules || atomic_load(&changes));
}

/* One thread changes the table, two use it. */
static bool race(u32 version, bool rules, unsigned long cases)
{
	const u64 pages = rules ? PUBLIC : PAGES;
	bool good = true, other = true;
	pthread_t thread[2];
	unsigned long i;

	fresh(version);
	race_version = version;
	atomic_store(&changes, 0);
	atomic_store(&keeps_rules, rules);
	atomic_store(&stop, false);
	pthread_create(&thread[0], NULL, scribble, (void *)0x1234567UL);
	pthread_create(&thread[1], NULL, second, &other);
	for (i = 0; good && (i < cases || (i < 1000 * cases && !race_seen(rules))); i++)
		good = race_step(&rng_state, pages);
	atomic_store(&stop, true);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	if (!good || !other)
		printf("# a mapping out of bounds\n");
	if (!race_seen(rules))
		printf("# nothing changed\n");
	return good && other && race_seen(rules) && !atomic_load(&gt.mapped) &&
	       !atomic_load(&info.users);
}

int main(void)
{
	if (gmem_create(&mem, MEMORY, GMEM_ANON, NULL))
		return 1;
	result(rules_v1(), "version 1");
	result(rules_v2(), "version 2");
	result(nested(1), "version 1: several mappings of one reference");
	result(nested(2), "version 2: several mappings of one reference");
	result(copies(), "parts of pages");
	result(module(), "what the module tells and is told");
	result(often(), "a reference mapped too often");
	result(random_tables(1, FUZZ), "version 1: random tables");
	result(random_tables(2, FUZZ), "version 2: random tables");
	result(race(1, true, FUZZ), "version 1: a guest that revokes and grants");
	result(race(2, true, FUZZ), "version 2: a guest that revokes and grants");
	result(race(1, false, FUZZ), "version 1: a table that changes");
	result(race(2, false, FUZZ), "version 2: a table that changes");
	printf("# %u cases\n", 6 * FUZZ);
	gnttab_exit(&gt);
	free(table);
	free(status);
	gmem_destroy(&mem);
	return finish();
}
