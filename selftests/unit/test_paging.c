// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of a guest's page tables: addresses of every page size, all access
 * rights against a second statement of the SDM's rules, reserved bits, accessed
 * and dirty bits, races, and random tables.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.
 */
/* SOURCES: arch/x86/paging_walk.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include "arch/x86/paging_walk.h"

#define P	1ULL
#define W	2ULL
#define U	4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define XD	BIT_ULL(63)

#define PAGES	16
#define MEM	(PAGES * 4096ULL)

static unsigned int tests, failed;
static u8 memory[MEM];
static u64 changed_at = ~0ULL;	/* one update there loses its race */
static bool read_only;

static void result(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, name);
	if (!ok)
		failed++;
}

static u64 rng(void)
{
	static u64 state = 0x9e3779b97f4a7c15ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int mem_read(void *opaque, u64 gpa, void *buf, size_t len)
{
	if (gpa >= MEM || len > MEM - gpa)
		return -EFAULT;
	memcpy(buf, memory + gpa, len);
	return 0;
}

static int mem_update(void *opaque, u64 gpa, void *old, const void *new, size_t len)
{
	if (gpa >= MEM || len > MEM - gpa || read_only)
		return -EFAULT;
	if (gpa == changed_at) {
		changed_at = ~0ULL;
		memory[gpa] &= ~W;
	}
	if (memcmp(memory + gpa, old, len)) {
		memcpy(old, memory + gpa, len);
		return -EAGAIN;
	}
	memcpy(memory + gpa, new, len);
	return 0;
}

static int mem_update_never(void *opaque, u64 gpa, void *old, const void *new, size_t len)
{
	return -EAGAIN;
}

static const struct paging_ops ops = { .read = mem_read, .update = mem_update };
static const struct paging_ops ops_atomic = { .read = mem_read, .update = mem_update_never };

static void put64(u64 gpa, u64 value)
{
	memcpy(memory + gpa, &value, sizeof(value));
}

static u64 get64(u64 gpa)
{
	u64 value;

	memcpy(&value, memory + gpa, sizeof(value));
	return value;
}

static void put32(u64 gpa, u32 value)
{
	memcpy(memory + gpa, &value, sizeof(value));
}

static u32 get32(u64 gpa)
{
	u32 value;

	memcpy(&value, memory + gpa, sizeof(value));
	return value;
}

static const struct paging_mode mode4 = {
	.root = 0x1000, .levels = 4, .maxphyaddr = 46, .flags = PAGING_NX | PAGING_1G | PAGING_WP,
};

static u64 gpa;
static u32 error;

static int walk(const struct paging_mode *mode, u64 linear, u32 access)
{
	gpa = ~0ULL;
	error = ~0U;
	return paging_walk(mode, &ops, NULL, linear, access, &gpa, &error);
}

/* Tables at 0x1000 (PML4) to 0x4000 (PT) for one address; the entries' places. */
#define LINEAR	0x00007f8040605abcULL
#define AT4	(0x1000 + (LINEAR >> 39 & 511) * 8)
#define AT3	(0x2000 + (LINEAR >> 30 & 511) * 8)
#define AT2	(0x3000 + (LINEAR >> 21 & 511) * 8)
#define AT1	(0x4000 + (LINEAR >> 12 & 511) * 8)

static void build4(u64 rights4, u64 rights3, u64 rights2, u64 rights1)
{
	memset(memory, 0, sizeof(memory));
	put64(AT4, 0x2000 | rights4);
	put64(AT3, 0x3000 | rights3);
	put64(AT2, 0x4000 | rights2);
	put64(AT1, 0x123456789000ULL | rights1);
}

static void test_addresses(void)
{
	struct paging_mode mode = mode4;

	build4(P, P, P, P);
	result(!walk(&mode, LINEAR, 0) && gpa == 0x123456789abcULL, "4-level, 4 KiB page");
	put64(AT2, 0x123456600000ULL | P | PS);
	result(!walk(&mode, LINEAR, 0) && gpa == (0x123456600000ULL | (LINEAR & 0x1fffff)),
	       "4-level, 2 MiB page");
	put64(AT3, 0x123440000000ULL | P | PS);
	result(!walk(&mode, LINEAR, 0) && gpa == (0x123440000000ULL | (LINEAR & 0x3fffffff)),
	       "4-level, 1 GiB page");
	mode.flags &= ~PAGING_1G;
	result(walk(&mode, LINEAR, 0) == -EFAULT && error == 9, "no 1 GiB pages: reserved bit");

	build4(P, P, P, P);
	mode = mode4;
	mode.levels = 5;
	mode.root = 0x5000;
	put64(0x5000 + (0x00ab7f8040605abcULL >> 48 & 511) * 8, 0x1000 | P);
	result(!walk(&mode, 0x00ab7f8040605abcULL, 0) && gpa == 0x123456789abcULL,
	       "5-level, 4 KiB page");
}

static void test_legacy(void)
{
	struct paging_mode mode = { .root = 0x1000, .levels = 2, .maxphyaddr = 40 };
	const u32 linear = 0x80c05678;
	u64 pde = 0x1000 + (linear >> 22) * 4, pte = 0x2000 + (linear >> 12 & 1023) * 4;

	memset(memory, 0, sizeof(memory));
	put32(pde, 0x2000 | P);
	put32(pte, 0xfedcb000 | P | PS);
	result(!walk(&mode, linear, 0) && gpa == 0xfedcb678, "32-bit, 4 KiB page");
	result(get32(pde) == (0x2000 | P | A) && get32(pte) == (u32)(0xfedcb000 | P | PS | A),
	       "32-bit, accessed bits, neighbours untouched");
	put32(pde, 0x2000 | P | PS);
	result(!walk(&mode, linear, 0) && gpa == 0xfedcb678, "32-bit, PS without CR4.PSE");
	mode.flags = PAGING_PSE;
	put32(pde, 0x80400000U | P | PS);
	result(!walk(&mode, linear, 0) && gpa == (0x80400000ULL | (linear & 0x3fffff)),
	       "32-bit, 4 MiB page");
	put32(pde, 0x80400000U | 0xabU << 13 | P | PS);
	result(!walk(&mode, linear, 0) && gpa == (0xab80400000ULL | (linear & 0x3fffff)),
	       "32-bit, PSE-36");
	result(!walk(&mode, 0xffffffff80c05678ULL, 0) &&
	       gpa == (0xab80400000ULL | (linear & 0x3fffff)), "the upper half does not count");
	mode.maxphyaddr = 36;
	result(walk(&mode, linear, 0) == -EFAULT && error == 9, "32-bit, PSE-36 beyond the width");

	mode = (struct paging_mode){ .levels = 3, .maxphyaddr = 40, .flags = PAGING_NX };
	mode.pdptr[2] = 0x3000 | P;
	memset(memory, 0, sizeof(memory));
	put64(0x3000 + (linear >> 21 & 511) * 8, 0x4000 | P);
	put64(0x4000 + (linear >> 12 & 511) * 8, 0xabfedcb000ULL | P);
	result(!walk(&mode, linear, 0) && gpa == 0xabfedcb678ULL, "PAE, 4 KiB page");
	result(walk(&mode, 0x40000000, PAGING_WRITE) == -EFAULT && error == 2,
	       "PAE, PDPTE not present");
	put64(0x3000 + (linear >> 21 & 511) * 8, 0xab80c00000ULL | P | PS);
	result(!walk(&mode, linear, 0) && gpa == (0xab80c00000ULL | (linear & 0x1fffff)),
	       "PAE, 2 MiB page");
	put64(0x3000 + (linear >> 21 & 511) * 8, BIT_ULL(55) | 0x4000 | P);
	result(walk(&mode, linear, 0) == -EFAULT && error == 9, "PAE, bits 62:52 are reserved");
}

/* The rules once more, from SDM "Determination of Access Rights", as one formula. */
static bool allowed(u32 flags, u32 access, bool u, bool w, bool xd)
{
	bool implicit = access & PAGING_IMPLICIT;
	bool user = (access & PAGING_USER) && !implicit;
	bool smap = (flags & PAGING_SMAP) && u && (implicit || !(flags & PAGING_AC));

	xd = xd && (flags & PAGING_NX);
	if (access & PAGING_FETCH)
		return user ? u && !xd : !xd && !(u && (flags & PAGING_SMEP));
	if (user)
		return u && (!(access & PAGING_WRITE) || w);
	if (access & PAGING_WRITE)
		return !smap && (w || !(flags & PAGING_WP));
	return !smap;
}

static u32 expected_error(u32 flags, u32 access, u32 base)
{
	if (access & PAGING_WRITE)
		base |= 2;
	if ((access & PAGING_USER) && !(access & PAGING_IMPLICIT))
		base |= 4;
	if ((access & PAGING_FETCH) && (flags & (PAGING_NX | PAGING_SMEP)))
		base |= 16;
	return base;
}

/* All combinations of rights at the four levels, flags and kinds of access. */
static void test_rights(void)
{
	static const u32 accesses[] = {
		0, PAGING_WRITE, PAGING_FETCH, PAGING_USER, PAGING_USER | PAGING_WRITE,
		PAGING_USER | PAGING_FETCH, PAGING_IMPLICIT, PAGING_IMPLICIT | PAGING_WRITE,
		PAGING_USER | PAGING_IMPLICIT, PAGING_USER | PAGING_IMPLICIT | PAGING_WRITE,
	};
	const u32 all = PAGING_WP | PAGING_SMEP | PAGING_SMAP | PAGING_AC | PAGING_NX;
	unsigned int bits, i, wrong = 0, done = 0;
	u32 flags;

	for (bits = 0; bits < 1 << 12; bits++) {
		u64 r[4];
		bool u = (bits & 0xf) == 0xf, w = (bits & 0xf0) == 0xf0, xd = bits & 0xf00;

		for (flags = 0; flags <= all; flags++) {
			struct paging_mode mode = mode4;

			if ((flags & ~all) || (xd && !(flags & PAGING_NX)))
				continue;
			/* All of them for a sample of the rights, one of them for the rest. */
			if (bits % 7 && rng() % 16)
				continue;
			mode.flags = flags;
			for (i = 0; i < 4; i++)
				r[i] = P | (bits >> i & 1 ? U : 0) | (bits >> (4 + i) & 1 ? W : 0) |
				       (bits >> (8 + i) & 1 ? XD : 0);
			for (i = 0; i < ARRAY_SIZE(accesses); i++) {
				bool ok = allowed(flags, accesses[i], u, w, xd);
				int err;

				build4(r[0], r[1], r[2], r[3]);
				err = walk(&mode, LINEAR, accesses[i]);
				done++;
				if (ok ? err || gpa != 0x123456789abcULL :
					 err != -EFAULT ||
					 error != expected_error(flags, accesses[i], 1))
					wrong++;
				if (!ok && (get64(AT1) & (A | D)))
					wrong++;
			}
		}
	}
	printf("# %u combinations, %u wrong\n", done, wrong);
	result(!wrong, "access rights and error codes, all combinations");
}

static void test_absent_and_reserved(void)
{
	static const u64 at[] = { AT4, AT3, AT2, AT1 };
	struct paging_mode mode = mode4;
	bool absent = true, above = true, xd = true, ignored = true;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		u64 entry;

		build4(P, P, P, P);
		entry = get64(at[i]);
		put64(at[i], entry & ~P);
		absent &= walk(&mode, LINEAR, PAGING_USER) == -EFAULT && error == 4;
		put64(at[i], (entry & ~P) | BIT_ULL(51));
		absent &= walk(&mode, LINEAR, 0) == -EFAULT && error == 0;
		put64(at[i], entry | BIT_ULL(46));
		above &= walk(&mode, LINEAR, 0) == -EFAULT && error == 9;
		put64(at[i], entry | GENMASK_ULL(62, 52));
		ignored &= !walk(&mode, LINEAR, 0);
		put64(at[i], entry | XD);
		mode.flags &= ~PAGING_NX;
		xd &= walk(&mode, LINEAR, PAGING_FETCH) == -EFAULT && error == 9;
		mode.flags |= PAGING_NX;
	}
	result(absent, "an absent entry at each level");
	result(above, "address bits beyond the width at each level");
	result(ignored, "bits 62:52 are ignored at each level");
	result(xd, "bit 63 is reserved without NXE at each level");

	build4(P | PS, P, P, P);
	result(walk(&mode, LINEAR, 0) == -EFAULT && error == 9, "PS in a PML4E is reserved");
	build4(P, P, P, P);
	put64(AT2, 0x200000 | BIT_ULL(13) | P | PS);
	result(walk(&mode, LINEAR, 0) == -EFAULT && error == 9, "bit 13 of a 2 MiB page");
	put64(AT2, 0x200000 | BIT_ULL(12) | P | PS);
	result(!walk(&mode, LINEAR, 0) && gpa == (0x200000 | (LINEAR & 0x1fffff)),
	       "the PAT bit of a 2 MiB page is no address");
	put64(AT3, 0x40000000 | BIT_ULL(29) | P | PS);
	result(walk(&mode, LINEAR, 0) == -EFAULT && error == 9, "bit 29 of a 1 GiB page");
}

static void test_accessed(void)
{
	struct paging_mode mode = mode4;

	build4(P | W, P | W, P | W, P | W);
	result(!walk(&mode, LINEAR, 0) && get64(AT4) == (0x2000 | P | W | A) &&
	       get64(AT3) == (0x3000 | P | W | A) && get64(AT2) == (0x4000 | P | W | A) &&
	       get64(AT1) == (0x123456789000ULL | P | W | A), "a read sets accessed bits");
	result(!walk(&mode, LINEAR, PAGING_WRITE) && get64(AT2) == (0x4000 | P | W | A) &&
	       get64(AT1) == (0x123456789000ULL | P | W | A | D), "a write sets the dirty bit");

	result(!paging_walk(&mode, &ops_atomic, NULL, LINEAR, PAGING_WRITE | PAGING_ATOMIC, &gpa,
			    &error), "atomic: nothing to set, nothing to wait for");
	put64(AT1, get64(AT1) & ~D);
	result(paging_walk(&mode, &ops_atomic, NULL, LINEAR, PAGING_WRITE | PAGING_ATOMIC, &gpa,
			   &error) == -EAGAIN, "atomic: a bit to set is for later");

	build4(P | W, P | W, P | W, P | W);
	changed_at = AT1;
	result(walk(&mode, LINEAR, PAGING_WRITE) == -EFAULT && error == 3 && !(get64(AT1) & D),
	       "a page that becomes read-only meanwhile is seen as such");

	build4(P, P, P, P);
	read_only = true;
	result(walk(&mode, LINEAR, 0) == -ENXIO, "tables in read-only memory");
	read_only = false;
	build4(P | A, P | A, P | A, P);
	put64(AT2, MEM | P | A);
	result(walk(&mode, LINEAR, 0) == -ENXIO, "a table outside of memory");
	mode.root = 0xffffffff000ULL;
	result(walk(&mode, LINEAR, 0) == -ENXIO, "CR3 outside of memory");
}

static void test_keys(void)
{
	struct paging_mode mode = mode4;
	u64 key = 5ULL << 59;

	mode.flags |= PAGING_PKE;
	mode.pkru = 1U << 10;		/* AD of key 5 */
	build4(P | W | U, P | W | U, P | W | U, P | W | U | key);
	result(walk(&mode, LINEAR, PAGING_USER) == -EFAULT && error == 0x25, "key: no access");
	result(walk(&mode, LINEAR, 0) == -EFAULT && error == 0x21, "key: for the kernel too");
	result(!walk(&mode, LINEAR, PAGING_USER | PAGING_FETCH), "key: not for fetches");
	mode.pkru = 2U << 10;		/* WD */
	result(!walk(&mode, LINEAR, PAGING_USER), "key: reading allowed");
	result(walk(&mode, LINEAR, PAGING_USER | PAGING_WRITE) == -EFAULT && error == 0x27,
	       "key: no writing");
	mode.flags &= ~PAGING_WP;
	result(!walk(&mode, LINEAR, PAGING_WRITE), "key: WD counts for the kernel with WP only");
	build4(P | W, P | W, P | W, P | W | key);
	mode.pkru = ~0U;
	result(!walk(&mode, LINEAR, 0), "key: not for supervisor pages");
}

/* Any bytes as tables: each result is one of the promised ones. */
static void test_random(void)
{
	unsigned int i, j, wrong = 0;

	for (i = 0; i < 200000; i++) {
		struct paging_mode mode = {
			.root = (rng() % PAGES) << 12,
			.levels = 2 + rng() % 4,
			.maxphyaddr = 32 + rng() % 21,
			.flags = rng() & 0xff,
			.pkru = rng(),
		};
		u64 linear = rng();
		int err;

		if (i % 100 == 0)
			for (j = 0; j < MEM / 8; j++)
				put64(j * 8, (rng() & rng() & XD) | (rng() & 0xfff) | P |
				      (rng() % PAGES) << 12);
		for (j = 0; j < 4; j++)
			mode.pdptr[j] = (rng() % PAGES) << 12 | (rng() & P);
		err = walk(&mode, linear, rng() & (PAGING_WRITE | PAGING_USER | PAGING_FETCH |
						   PAGING_IMPLICIT | PAGING_ATOMIC));
		if (err != 0 && err != -EFAULT && err != -ENXIO && err != -EAGAIN)
			wrong++;
		if (!err && gpa >> 52)
			wrong++;
		if (!err && ((gpa ^ linear) & 0xfff))
			wrong++;
		if (err == -EFAULT && (error & ~0x3fU))
			wrong++;
	}
	result(!wrong, "random tables");
}

int main(void)
{
	test_addresses();
	test_legacy();
	test_rights();
	test_absent_and_reserved();
	test_accessed();
	test_keys();
	test_random();
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
