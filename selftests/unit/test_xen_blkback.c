// SPDX-License-Identifier: GPL-2.0
/*
 * The disk back end against a guest in the same process: a front end that keeps
 * the rules, with io_uring and with threads, one that breaks each rule, and one
 * that puts anything into the ring.  Run by selftests/unit/Makefile; TAP on
 * stdout.  It must judge no duration.
 */
/* SOURCES: userspace/xen/blkback.c userspace/xen/blkif.c userspace/xen/gnttab.c */
/* SOURCES: userspace/xen/ring.c userspace/aio.c userspace/lib/mem.c userspace/lib/err.c */
/* LIBS: -luring */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/xen/blkback.h"

#define MEMORY		(8 * MIB)
#define FRAMES		8U
#define RING_GFN	1U
#define RING_GRANT	8U
#define BUF_GFN		64U		/* frame of the first buffer */
#define BUFS		512U
#define RW_GRANT	100U		/* grants of the buffers, writable */
#define RO_GRANT	1000U		/* and read-only */
#define PORT		5U
#define SECTORS		4096U
#define FUZZ		100000U

struct entry {
	u16 flags, domid;
	u32 frame;
};

struct front {
	struct gmem mem;
	struct gnttab gt;
	struct gnttab_info info;
	struct entry *grants;
	struct blkback bb;
	struct blkback_queue *q;
	struct ring_shared *ring;
	enum blkif_abi abi;
	u32 size;
	u32 prod, cons;
	int fd;
	int kick;
	atomic_uint events;
	char why[200];
	u8 told;		/* the last response's operation */
};

static unsigned int tests, failed;
static const char *how;

static void result(bool ok, const char *name)
{
	printf("%sok %u - %s%s%s\n", ok ? "" : "not ", ++tests, how, *how ? ": " : "", name);
	if (!ok)
		failed++;
}

static u64 rng_state = 0x9e3779b97f4a7c15ULL;

static u32 rng(u32 below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (u32)(rng_state >> 20) % below;
}

static int on_bind(void *arg, u32 port, int kick)
{
	if (port != PORT)
		return -EINVAL;
	((struct front *)arg)->kick = kick;
	return 0;
}

static void on_unbind(void *arg, u32 port)
{
	(void)port;
	((struct front *)arg)->kick = -1;
}

static void on_send(void *arg, u32 port)
{
	(void)port;
	((struct front *)arg)->events++;
}

static void on_broken(void *arg, const char *why)
{
	struct front *f = arg;

	snprintf(f->why, sizeof(f->why), "%s", why);
}

static const struct blkback_host host = {
	.bind = on_bind, .unbind = on_unbind, .send = on_send, .broken = on_broken,
};

static u8 *buf(struct front *f, u32 n)
{
	return f->mem.base + (BUF_GFN + n) * PAGE_BYTES;
}

static struct front *front_new(enum aio_kind kind, enum blkif_abi abi, u32 pages, bool readonly)
{
	struct front *f = calloc(1, sizeof(*f));
	char path[] = "/dev/shm/blkback.XXXXXX";
	struct blkback_disk disk = { .sectors = SECTORS, .readonly = readonly, .discard = true };
	struct err err = { "" };
	u32 i;

	f->fd = mkstemp(path);
	unlink(path);
	if (f->fd < 0 || ftruncate(f->fd, (SECTORS + 8) * BLKIF_SECTOR))
		exit(1);
	disk.fd = f->fd;
	f->grants = calloc(FRAMES, PAGE_BYTES);
	if (gmem_create(&f->mem, MEMORY, GMEM_ANON, NULL) ||
	    gnttab_init(&f->gt, &f->mem, f->grants, FRAMES, NULL, &f->info, NULL))
		exit(1);
	atomic_store(&f->info.version, 1);
	atomic_store(&f->info.frames, FRAMES);
	for (i = 0; i < RING_PAGES; i++)
		f->grants[RING_GRANT + i] = (struct entry){ 1, 0, RING_GFN + i };
	for (i = 0; i < BUFS; i++) {
		f->grants[RW_GRANT + i] = (struct entry){ 1, 0, BUF_GFN + i };
		f->grants[RO_GRANT + i] = (struct entry){ 1 | 4, 0, BUF_GFN + i };
	}
	f->ring = (struct ring_shared *)(f->mem.base + RING_GFN * PAGE_BYTES);
	atomic_store(&f->ring->req_event, 1);
	atomic_store(&f->ring->rsp_event, 1);
	f->abi = abi;
	for (f->size = 1; f->size * 2 * blkif_slot(abi) <= pages * PAGE_BYTES - 64;)
		f->size *= 2;
	if (blkback_init(&f->bb, &disk, 1, kind, &err)) {
		printf("# %s\n", err.text);
		exit(1);
	}
	f->bb.host = host;
	f->bb.host.arg = f;
	f->bb.gt = &f->gt;
	f->bb.front = (struct blkback_front){
		.abi = abi, .queues = 1, .pages = pages, .queue[0].port = PORT,
	};
	for (i = 0; i < pages; i++)
		f->bb.front.queue[0].ref[i] = RING_GRANT + i;
	f->q = &f->bb.queue[0];
	if (blkback_attach(f->q, 0, &err)) {
		printf("# %s\n", err.text);
		exit(1);
	}
	return f;
}

static void front_free(struct front *f)
{
	if (f->q->req)
		blkback_detach(f->q);
	result(!atomic_load(&f->gt.mapped), "nothing stays mapped");
	blkback_exit(&f->bb);
	gnttab_exit(&f->gt);
	free(f->grants);
	gmem_destroy(&f->mem);
	close(f->fd);
	free(f);
}

static u8 *slot(struct front *f, u32 index)
{
	return (u8 *)f->ring + 64 + (index % f->size) * blkif_slot(f->abi);
}

/* A request's bytes, by the layout that a guest's compiler has. */
static u8 *put(struct front *f, u8 op, u64 id, u64 sector)
{
	u8 *raw = slot(f, f->prod++);
	u32 at = f->abi == BLKIF_X86_64 ? 8 : 4;

	memset(raw, 0, blkif_slot(f->abi));
	raw[0] = op;
	memcpy(raw + at, &id, 8);
	memcpy(raw + at + 8, &sector, 8);
	return raw;
}

static void put_segment(struct front *f, u8 *raw, u32 n, u32 ref, u8 first, u8 last)
{
	u8 *seg = raw + (f->abi == BLKIF_X86_64 ? 24 : 20) + n * 8;

	memcpy(seg, &ref, 4);
	seg[4] = first;
	seg[5] = last;
	if (raw[1] <= n)
		raw[1] = (u8)(n + 1);
}

static void show(struct front *f)
{
	atomic_store(&f->ring->req_prod, f->prod);
}

/* The next response's status, or 100: there is none. */
static int take(struct front *f, u64 *id)
{
	u8 *raw = slot(f, f->cons);
	__s16 status;

	if (f->cons == atomic_load(&f->ring->rsp_prod))
		return 100;
	f->cons++;
	memcpy(id, raw, 8);
	f->told = raw[8];
	memcpy(&status, raw + 10, 2);
	atomic_store(&f->ring->rsp_event, f->cons + 1);
	return status;
}

/* Works until the next response. */
static int run_one(struct front *f)
{
	u64 id;
	int status;

	show(f);
	while ((status = take(f, &id)) == 100)
		blkback_work(f->q);
	return status;
}

static int simple(struct front *f, u8 op, u64 sector, u32 ref, u8 first, u8 last)
{
	put_segment(f, put(f, op, 7, sector), 0, ref, first, last);
	return run_one(f);
}

static bool on_disk(struct front *f, u64 sector, const void *data, u32 len)
{
	static u8 copy[1 << 20];

	return pread(f->fd, copy, len, (off_t)(sector * BLKIF_SECTOR)) == (ssize_t)len &&
	       !memcmp(copy, data, len);
}

static void fill(struct front *f, u32 n, u32 seed)
{
	u32 i;

	for (i = 0; i < PAGE_BYTES; i++)
		buf(f, n)[i] = (u8)(i * 31 + seed * 7 + (i >> 8));
}

static void test_data(struct front *f)
{
	u8 *raw;
	u32 i;

	fill(f, 0, 1);
	result(!simple(f, BLKIF_WRITE, 16, RO_GRANT, 0, 7) && on_disk(f, 16, buf(f, 0), 4096),
	       "write a page, from a read-only grant");
	result(!simple(f, BLKIF_READ, 16, RW_GRANT + 1, 0, 7) &&
	       !memcmp(buf(f, 0), buf(f, 1), 4096), "read it");
	memset(buf(f, 1), 0, PAGE_BYTES);
	result(!simple(f, BLKIF_READ, 17, RW_GRANT + 1, 3, 4) &&
	       !memcmp(buf(f, 0) + 512, buf(f, 1) + 1536, 1024) && !buf(f, 1)[1535] &&
	       !buf(f, 1)[2560], "part of a page");
	raw = put(f, BLKIF_WRITE, 8, 100);
	for (i = 0; i < BLKIF_SEGMENTS; i++) {
		fill(f, i, i);
		put_segment(f, raw, i, RO_GRANT + i, 0, 7);
	}
	result(!run_one(f) && on_disk(f, 100, buf(f, 0), BLKIF_SEGMENTS * 4096), "eleven pages");
	raw = put(f, BLKIF_READ, 9, 100);
	for (i = 0; i < BLKIF_SEGMENTS; i++)
		put_segment(f, raw, i, RW_GRANT + 40 - 2 * i, 0, 7);
	result(!run_one(f) && on_disk(f, 100, buf(f, 40), 4096) &&
	       on_disk(f, 180, buf(f, 20), 4096), "scattered ones");
	result(!simple(f, BLKIF_WRITE, SECTORS - 8, RO_GRANT, 0, 7), "the last page");
}

static void test_indirect(struct front *f)
{
	u32 at = f->abi == BLKIF_X86_64 ? 28 : 24, i, ref = RO_GRANT + 400;
	u16 n = BLKBACK_SEGMENTS;
	struct blkif_segment *seg = (void *)buf(f, 400);
	u8 *raw;

	for (i = 0; i < n; i++) {
		fill(f, i, i + 3);
		seg[i] = (struct blkif_segment){ .ref = RO_GRANT + i, .last = 7 };
	}
	raw = put(f, BLKIF_INDIRECT, 1, 1000);
	raw[1] = BLKIF_WRITE;
	memcpy(raw + 2, &n, 2);
	memcpy(raw + at, &ref, 4);
	result(!run_one(f) && on_disk(f, 1000, buf(f, 0), 1 << 20), "256 segments, a megabyte");
	result(f->told == BLKIF_WRITE, "the response names the operation, not that it is indirect");
	for (i = 0; i < n; i++)
		seg[i].ref = RW_GRANT + n - 1 - i;
	raw = put(f, BLKIF_INDIRECT, 1, 1000);
	raw[1] = BLKIF_READ;
	memcpy(raw + 2, &n, 2);
	memcpy(raw + at, &ref, 4);
	result(!run_one(f) && on_disk(f, 1000, buf(f, 255), 4096) &&
	       on_disk(f, 3040, buf(f, 0), 4096), "read, the last first");
	n++;
	raw = put(f, BLKIF_INDIRECT, 1, 1000);
	raw[1] = BLKIF_READ;
	memcpy(raw + 2, &n, 2);
	memcpy(raw + at, &ref, 4);
	result(run_one(f) == BLKIF_ERROR, "one segment more");
	n = 4;
	seg[3].ref = 1;
	raw = put(f, BLKIF_INDIRECT, 1, 1000);
	raw[1] = BLKIF_READ;
	memcpy(raw + 2, &n, 2);
	memcpy(raw + at, &ref, 4);
	result(run_one(f) == BLKIF_ERROR, "one that is not granted");
	put(f, BLKIF_INDIRECT, 1, 0)[1] = BLKIF_FLUSH;
	result(run_one(f) == BLKIF_ERROR, "an indirect flush");
	put(f, BLKIF_INDIRECT, 1, 0)[1] = 77;
	result(run_one(f) == BLKIF_EOPNOTSUPP, "an indirect nothing");
}

static void test_flush(struct front *f)
{
	struct stat before, after;
	u64 sectors = 800, id;
	u8 *raw;
	u32 i, at = f->abi == BLKIF_X86_64 ? 24 : 20;
	bool ok = true;
	int status;

	put(f, BLKIF_FLUSH, 1, 12345678);
	result(!run_one(f), "a flush");
	fill(f, 0, 9);
	result(!simple(f, BLKIF_FLUSH, 8, RO_GRANT, 0, 7) && on_disk(f, 8, buf(f, 0), 4096),
	       "a flush with data");
	/* All before a barrier is answered before it, all behind it after it. */
	for (i = 0; i < 20; i++) {
		raw = put(f, i == 10 ? BLKIF_BARRIER : BLKIF_WRITE, i, 8 * i);
		put_segment(f, raw, 0, RO_GRANT + i, 0, 7);
	}
	show(f);
	for (i = 0; i < 20; i++) {
		while ((status = take(f, &id)) == 100)
			blkback_work(f->q);
		ok &= !status && (i < 10 ? id < 10 : i == 10 ? id == 10 : id > 10);
	}
	result(ok && on_disk(f, 80, buf(f, 10), 4096), "a barrier among writes");
	put(f, BLKIF_BARRIER, 1, 0);
	result(!run_one(f), "an empty barrier");
	fill(f, 1, 4);
	fsync(f->fd);
	fstat(f->fd, &before);
	raw = put(f, BLKIF_DISCARD, 1, 1024);
	memcpy(raw + at, &sectors, 8);
	status = run_one(f);
	fstat(f->fd, &after);
	memset(buf(f, 1), 0, PAGE_BYTES);
	result(status == BLKIF_EOPNOTSUPP ||
	       (!status && on_disk(f, 1024, buf(f, 1), 4096) && after.st_size == before.st_size &&
		after.st_blocks < before.st_blocks), "a discard frees and zeroes");
	sectors = SECTORS;
	raw = put(f, BLKIF_DISCARD, 1, 1);
	memcpy(raw + at, &sectors, 8);
	result(run_one(f) == BLKIF_ERROR, "a discard beyond the end");
}

static void test_rules(struct front *f)
{
	u8 *raw;

	result(simple(f, BLKIF_READ, SECTORS - 7, RW_GRANT, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_READ, SECTORS, RW_GRANT, 0, 0) == BLKIF_ERROR &&
	       simple(f, BLKIF_WRITE, ~0ULL, RO_GRANT, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_WRITE, 1ULL << 55, RO_GRANT, 0, 7) == BLKIF_ERROR,
	       "beyond the end");
	result(simple(f, BLKIF_READ, 0, RW_GRANT, 4, 3) == BLKIF_ERROR &&
	       simple(f, BLKIF_READ, 0, RW_GRANT, 0, 8) == BLKIF_ERROR &&
	       simple(f, BLKIF_READ, 0, RW_GRANT, 255, 255) == BLKIF_ERROR, "no part of a page");
	result(simple(f, BLKIF_READ, 0, RO_GRANT, 0, 7) == BLKIF_ERROR,
	       "read into a read-only grant");
	result(simple(f, BLKIF_READ, 0, 3, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_READ, 0, 0xffffffff, 0, 7) == BLKIF_ERROR, "no grant");
	put(f, BLKIF_READ, 1, 0);
	result(run_one(f) == BLKIF_ERROR, "no segment");
	raw = put(f, BLKIF_READ, 1, 0);
	put_segment(f, raw, 0, RW_GRANT, 0, 7);
	raw[1] = 12;
	result(run_one(f) == BLKIF_ERROR, "twelve segments");
	put(f, 4, 1, 0);
	result(run_one(f) == BLKIF_EOPNOTSUPP, "an operation that is none");
	result(!simple(f, BLKIF_READ, 0, RW_GRANT, 0, 7), "and all is well afterwards");
	atomic_store(&f->ring->req_prod, f->prod + f->size + 1);
	blkback_work(f->q);
	result(f->why[0] && f->q->broken, "an index that cannot be");
}

static void test_readonly(enum aio_kind kind)
{
	struct front *f = front_new(kind, BLKIF_X86_64, 1, true);
	u64 sectors = 8;
	u8 *raw;

	result(!simple(f, BLKIF_READ, 0, RW_GRANT, 0, 7), "a read-only disk: read");
	result(simple(f, BLKIF_WRITE, 0, RO_GRANT, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_BARRIER, 0, RO_GRANT, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_FLUSH, 0, RO_GRANT, 0, 7) == BLKIF_ERROR, "write");
	put(f, BLKIF_FLUSH, 1, 0);
	result(!run_one(f), "flush");
	raw = put(f, BLKIF_DISCARD, 1, 0);
	memcpy(raw + 24, &sectors, 8);
	result(run_one(f) == BLKIF_ERROR, "discard");
	front_free(f);
}

/* A file that became shorter than the disk. */
static void test_short(enum aio_kind kind)
{
	struct front *f = front_new(kind, BLKIF_X86_64, 1, false);

	if (ftruncate(f->fd, 8 * BLKIF_SECTOR + 1000))
		exit(1);
	result(!simple(f, BLKIF_READ, 0, RW_GRANT, 0, 7) &&
	       simple(f, BLKIF_READ, 8, RW_GRANT, 0, 7) == BLKIF_ERROR &&
	       simple(f, BLKIF_READ, 80, RW_GRANT, 0, 7) == BLKIF_ERROR,
	       "a file that ends too soon");
	front_free(f);
}

static void test_threads(enum aio_kind kind)
{
	struct front *f = front_new(kind, BLKIF_X86_64, 4, false);
	struct blkback_front want = f->bb.front;
	struct blkback_host mine = f->bb.host;
	struct err err = { "" };
	u32 i, done = 0, round;
	bool ok = true;
	u64 one = 1, id;
	int status;

	blkback_detach(f->q);
	for (round = 0; round < 3; round++) {
		if (blkback_connect(&f->bb, &mine, &f->gt, &want, &err)) {
			printf("# %s\n", err.text);
			exit(1);
		}
		for (i = 0, done = 0; done < 3000;) {
			while (i < 3000 && f->prod - f->cons < f->size) {
				u8 *raw = put(f, i % 2 ? BLKIF_READ : BLKIF_WRITE, i,
					      i / 2 % (SECTORS / 8) * 8);

				put_segment(f, raw, 0, RW_GRANT + i % BUFS, 0, 7);
				i++;
			}
			show(f);
			ok &= write(f->kick, &one, sizeof(one)) == sizeof(one);
			while ((status = take(f, &id)) == 100)
				sched_yield();
			ok &= !status;
			done++;
		}
		/* Some are in flight when it goes. */
		for (i = 0; i < 20; i++)
			put_segment(f, put(f, BLKIF_WRITE, i, 8 * i), 0, RW_GRANT + i, 0, 7);
		show(f);
		ok &= write(f->kick, &one, sizeof(one)) == sizeof(one);
		blkback_disconnect(&f->bb);
		ok &= !atomic_load(&f->gt.mapped);
		/* A front end that begins again has a new ring. */
		memset(f->ring, 0, 4 * PAGE_BYTES);
		atomic_store(&f->ring->req_event, 1);
		atomic_store(&f->ring->rsp_event, 1);
		f->prod = 0;
		f->cons = 0;
	}
	result(ok && f->events, "its thread, three times");
	want.queues = 2;
	result(blkback_connect(&f->bb, &mine, &f->gt, &want, &err) == -EINVAL, "too many queues");
	want.queues = 1;
	want.queue[0].port = 6;
	result(blkback_connect(&f->bb, &mine, &f->gt, &want, &err) == -EINVAL &&
	       !atomic_load(&f->gt.mapped), "no such event channel");
	want.queue[0].port = PORT;
	want.queue[0].ref[3] = RO_GRANT;
	result(blkback_connect(&f->bb, &mine, &f->gt, &want, &err) == -EACCES &&
	       !atomic_load(&f->gt.mapped), "a ring page that is read-only");
	front_free(f);
}

/* Any request has one response, and only what is granted for writing is written. */
static void test_fuzz(enum aio_kind kind, u32 cases)
{
	struct front *f = front_new(kind, BLKIF_X86_64, 1, false);
	struct stat st;
	bool *open = calloc(f->size, sizeof(*open));
	u32 i, k, flying = 0, sane = 0, okay = 0;
	bool ok = true;
	u64 id;
	int status;

	memset(buf(f, BUFS), 0xa5, PAGE_BYTES);
	memset(buf(f, 300), 0x5a, 212 * PAGE_BYTES);
	for (i = 300; i < BUFS; i++)
		f->grants[RW_GRANT + i].flags = 1 | 4;
	for (i = 0; i < cases;) {
		for (k = 0; k < f->size && open[k]; k++)
			;
		if (k < f->size) {
			static const u8 ops[] = { 0, 1, 2, 3, 4, 5, 6, 6, 0, 1, 255 };
			u8 *raw = put(f, ops[rng(ARRAY_SIZE(ops))], k,
				      rng(8) ? rng(SECTORS + 16) : ~0ULL - rng(4000));
			u32 segments = rng(14), s;

			for (s = 0; s < 11; s++)
				put_segment(f, raw, s, rng(6) ? RW_GRANT + rng(BUFS) : rng(3000),
					    (u8)rng(8), (u8)(rng(9) ? 7 : rng(256)));
			raw[1] = (u8)segments;
			if (raw[0] == BLKIF_INDIRECT) {
				struct blkif_segment *seg = (void *)buf(f, 256 + k);

				raw[1] = ops[rng(ARRAY_SIZE(ops))];
				raw[2] = (u8)(rng(4) ? rng(16) : rng(256));
				raw[3] = (u8)!rng(5);
				for (s = 0; s < 300; s++)
					seg[s] = (struct blkif_segment){
						.ref = RW_GRANT + rng(256),
						.first = (u8)rng(2), .last = 7,
					};
				s = RO_GRANT + 256 + k;
				memcpy(raw + 28, &s, 4);
			}
			open[k] = true;
			flying++;
			i++;
			show(f);
		}
		if (rng(3) && flying < f->size)
			continue;
		if (!rng(50))
			((u32 *)slot(f, rng(f->size)))[rng(28)] ^= 1U << rng(32);
		blkback_work(f->q);
		while ((status = take(f, &id)) != 100) {
			/* Its slot may have been changed before it was read. */
			if (id < f->size && open[id]) {
				open[id] = false;
				sane++;
			} else {
				for (k = 0; k < f->size && !open[k]; k++)
					;
				if (k < f->size)
					open[k] = false;
			}
			flying--;
			okay += !status;
			ok &= status <= 0 && status >= BLKIF_EOPNOTSUPP;
		}
		ok &= flying <= f->size;
		if (flying == f->size)
			sched_yield();
	}
	while (flying) {
		blkback_work(f->q);
		while (take(f, &id) != 100)
			flying--;
	}
	for (i = 300; i < BUFS; i++)
		for (k = 0; k < PAGE_BYTES && i != 300; k += 512)
			ok &= buf(f, i)[k] == 0x5a || i < 300;
	ok &= buf(f, BUFS)[0] == 0xa5 && !fstat(f->fd, &st) &&
	      st.st_size == (SECTORS + 8) * BLKIF_SECTOR;
	ok &= pread(f->fd, buf(f, 0), 8 * BLKIF_SECTOR, SECTORS * BLKIF_SECTOR) ==
	      8 * BLKIF_SECTOR;
	for (k = 0; k < 8 * BLKIF_SECTOR; k++)
		ok &= !buf(f, 0)[k];
	result(ok && sane && okay && !f->q->flying, "any requests");
	printf("# %u answered as sent, %u with success\n", sane, okay);
	free(open);
	front_free(f);
}

static void test_kind(enum aio_kind kind)
{
	static const struct {
		enum blkif_abi abi;
		u32 pages;
	} rings[] = { { BLKIF_X86_64, 1 }, { BLKIF_X86_32, 1 }, { BLKIF_X86_64, 16 } };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		struct front *f = front_new(kind, rings[i].abi, rings[i].pages, false);

		test_data(f);
		test_indirect(f);
		test_flush(f);
		test_rules(f);
		front_free(f);
	}
	test_readonly(kind);
	test_short(kind);
	test_threads(kind);
}

int main(void)
{
	struct err err = { "" };
	struct aio *aio;
	u32 cases;

	how = "threads";
	test_kind(AIO_THREADS);
	test_fuzz(AIO_THREADS, FUZZ / 10);
	cases = FUZZ / 10;
	aio = aio_create(0, 8, AIO_URING, &err);
	if (aio) {
		aio_destroy(aio);
		how = "io_uring";
		test_kind(AIO_URING);
		test_fuzz(AIO_URING, FUZZ);
		cases += FUZZ;
	} else {
		printf("# %s\n", err.text);
	}
	printf("# %u cases\n", cases);
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
