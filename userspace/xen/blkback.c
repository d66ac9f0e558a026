// SPDX-License-Identifier: GPL-2.0
/*
 * The back end of a Xen disk ("Block-level IO" in Xen's io/blkif.h).  vbd.c makes
 * and connects it.  It must read each request and each segment once, and unmap a
 * page before the guest is told that it is free.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/xen/blkback.h"

#define BATCH	32	/* requests taken before what is done is answered */

/* What a request still needs, in this order. */
enum stage {
	STAGE_SYNC = 1,		/* what was written before is on the disk */
	STAGE_DATA = 2,
	STAGE_SYNC_AFTER = 4,	/* so is its own data */
};

/*
 * @io is what is in flight of it; @todo the stages that have not begun.  @ref
 * are mapped, @refs of them.
 */
struct blkback_req {
	struct aio_req io;
	struct blkback_req *next;
	u64 id;
	u8 op;		/* as the guest wrote it */
	u32 todo;
	bool write;
	u64 offset;
	u64 len;
	enum gnttab_access access;
	u32 refs;
	u32 iovs;
	u32 ref[BLKBACK_SEGMENTS];
	struct iovec iov[BLKBACK_SEGMENTS];
};

static void notify(int fd)
{
	u64 one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void drain(int fd)
{
	u64 count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void count(atomic_ulong *counter, unsigned long by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- a request, from its end to its begin ---- */

static void unmap(struct blkback_queue *q, struct blkback_req *req)
{
	while (req->refs)
		gnttab_unmap(q->bb->gt, req->ref[--req->refs], req->access);
}

static void answer(struct blkback_queue *q, struct blkback_req *req, int status)
{
	u8 raw[BLKIF_RESPONSE_MAX];
	u32 len = blkif_encode(q->bb->front.abi, req->id, req->op, status, raw);

	unmap(q, req);
	if (status)
		count(&q->stat.errors, 1);
	ring_put(&q->ring, raw, len);
	if (q->barrier == req)
		q->barrier = NULL;
	req->next = q->free;
	q->free = req;
	q->flying--;
}

/* Begins the next stage, or answers. */
static void proceed(struct blkback_queue *q, struct blkback_req *req)
{
	struct aio_req *io = &req->io;

	if (!req->todo) {
		answer(q, req, BLKIF_OKAY);
		return;
	}
	if (req->todo & (STAGE_SYNC | STAGE_DATA)) {
		bool sync = req->todo & STAGE_SYNC;

		req->todo &= sync ? ~(u32)STAGE_SYNC : ~(u32)STAGE_DATA;
		io->op = AIO_SYNC;
		if (!sync && req->op == BLKIF_DISCARD)
			io->op = AIO_DISCARD;
		else if (!sync)
			io->op = req->write ? AIO_WRITE : AIO_READ;
	} else {
		req->todo = 0;
		io->op = AIO_SYNC;
	}
	io->offset = req->offset;
	io->len = req->len;
	io->iov = req->iov;
	io->iovs = req->iovs;
	aio_submit(q->aio, io);
}

static void finish(struct blkback_queue *q, struct aio_req *io)
{
	struct blkback_req *req = (struct blkback_req *)io;

	if (!io->result)
		proceed(q, req);
	else if (io->result == -EOPNOTSUPP && io->op == AIO_DISCARD)
		answer(q, req, BLKIF_EOPNOTSUPP);
	else
		answer(q, req, BLKIF_ERROR);
}

/* ---- what the guest asks for, checked ---- */

static int map_segment(struct blkback_queue *q, struct blkback_req *req,
		       const struct blkif_segment *seg)
{
	struct iovec *last = &req->iov[req->iovs];
	void *page;
	u8 *at;
	u32 len;
	int ret;

	if (seg->first > seg->last || seg->last >= BLKIF_PAGE_SECTORS)
		return -EINVAL;
	ret = gnttab_map(q->bb->gt, seg->ref, req->access, &page);
	if (ret)
		return ret;
	req->ref[req->refs++] = seg->ref;
	at = (u8 *)page + seg->first * BLKIF_SECTOR;
	len = (u32)(seg->last - seg->first + 1) * BLKIF_SECTOR;
	req->len += len;
	if (req->iovs && (u8 *)last[-1].iov_base + last[-1].iov_len == at) {
		last[-1].iov_len += len;
		return 0;
	}
	last->iov_base = at;
	last->iov_len = len;
	req->iovs++;
	return 0;
}

/* The segments' pages are read once, by a copy. */
static int map_indirect(struct blkback_queue *q, struct blkback_req *req,
			const struct blkif_request *asked)
{
	struct blkif_segment seg[BLKIF_PAGE_SEGMENTS];
	u32 i, n, done = 0;
	int ret;

	for (i = 0; done < asked->segments; i++) {
		n = asked->segments - done;
		if (n > BLKIF_PAGE_SEGMENTS)
			n = BLKIF_PAGE_SEGMENTS;
		ret = gnttab_read(q->bb->gt, asked->page_ref[i], 0, seg, n * sizeof(*seg));
		if (ret)
			return ret;
		for (done += n; n; n--) {
			ret = map_segment(q, req, &seg[(done - n) % BLKIF_PAGE_SEGMENTS]);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static bool in_disk(const struct blkback_queue *q, u64 sector, u64 sectors)
{
	return sectors <= q->bb->disk.sectors && sector <= q->bb->disk.sectors - sectors;
}

static int take_data(struct blkback_queue *q, struct blkback_req *req,
		     const struct blkif_request *asked)
{
	u32 i;
	int ret = 0;

	req->write = asked->op != BLKIF_READ;
	req->access = req->write ? GNTTAB_READ : GNTTAB_WRITE;
	if (req->write && q->bb->disk.readonly)
		return -EROFS;
	if (asked->segments > (asked->indirect ? BLKBACK_SEGMENTS : BLKIF_SEGMENTS))
		return -EINVAL;
	/* Flushes and barriers may come without data. */
	if (!asked->segments && (asked->op == BLKIF_READ || asked->op == BLKIF_WRITE))
		return -EINVAL;
	if (asked->indirect) {
		ret = map_indirect(q, req, asked);
	} else {
		for (i = 0; i < asked->segments && !ret; i++)
			ret = map_segment(q, req, &asked->segment[i]);
	}
	if (ret)
		return ret;
	if (req->len && !in_disk(q, asked->sector, req->len / BLKIF_SECTOR))
		return -EINVAL;
	req->offset = asked->sector * BLKIF_SECTOR;
	if (req->len)
		req->todo |= STAGE_DATA;
	if (req->len)
		count(req->write ? &q->stat.writes : &q->stat.reads, 1);
	count(req->write ? &q->stat.write_sectors : &q->stat.read_sectors,
	      req->len / BLKIF_SECTOR);
	return 0;
}

static int take_discard(struct blkback_queue *q, struct blkback_req *req,
			const struct blkif_request *asked)
{
	if (!q->bb->disk.discard)
		return -EOPNOTSUPP;
	if (q->bb->disk.readonly)
		return -EROFS;
	if (!asked->sectors || !in_disk(q, asked->sector, asked->sectors))
		return -EINVAL;
	req->offset = asked->sector * BLKIF_SECTOR;
	req->len = asked->sectors * BLKIF_SECTOR;
	req->todo = STAGE_DATA;
	count(&q->stat.discards, 1);
	return 0;
}

static int take(struct blkback_queue *q, struct blkback_req *req,
		const struct blkif_request *asked)
{
	switch (asked->op) {
	case BLKIF_READ:
	case BLKIF_WRITE:
		return take_data(q, req, asked);
	case BLKIF_FLUSH:
	case BLKIF_BARRIER:
		/* Only reads and writes are indirect. */
		if (asked->indirect)
			return -EINVAL;
		/* There is nothing to flush on a disk that nobody writes. */
		if (q->bb->disk.readonly && !asked->segments)
			return 0;
		req->todo = STAGE_SYNC;
		if (asked->op == BLKIF_BARRIER)
			req->todo |= STAGE_SYNC_AFTER;
		count(&q->stat.flushes, 1);
		return take_data(q, req, asked);
	case BLKIF_DISCARD:
		return asked->indirect ? -EINVAL : take_discard(q, req, asked);
	default:
		return -EOPNOTSUPP;
	}
}

/* One request of the ring; there is one. */
static void take_one(struct blkback_queue *q)
{
	struct blkback_req *req = q->free;
	struct blkif_request asked;
	u8 raw[BLKIF_REQUEST_MAX];
	int ret;

	ring_get(&q->ring, raw, blkif_slot(q->bb->front.abi));
	blkif_decode(q->bb->front.abi, raw, &asked);
	q->free = req->next;
	q->flying++;
	req->id = asked.id;
	/* Of an indirect one, what it asks for: front ends compare. */
	req->op = asked.op;
	req->todo = 0;
	req->write = false;
	req->offset = 0;
	req->len = 0;
	req->refs = 0;
	req->iovs = 0;
	ret = take(q, req, &asked);
	if (ret) {
		answer(q, req, ret == -EOPNOTSUPP ? BLKIF_EOPNOTSUPP : BLKIF_ERROR);
		return;
	}
	if (asked.op == BLKIF_BARRIER) {
		q->barrier = req;
		if (q->flying > 1)
			return;		/* until what is before it is done */
	}
	proceed(q, req);
}

static void fail(struct blkback_queue *q, const char *why)
{
	if (!q->broken)
		q->bb->host.broken(q->bb->host.arg, why);
	q->broken = true;
}

bool blkback_work(struct blkback_queue *q)
{
	struct aio_req *io;
	u32 taken = 0;
	bool worked = false;
	int waiting;

	while (!q->broken && !q->barrier && taken < BATCH) {
		waiting = ring_pending(&q->ring);
		if (waiting < 0)
			fail(q, "its ring of requests has an index that cannot be");
		if (waiting <= 0 || !q->free)
			break;
		take_one(q);
		taken++;
	}
	aio_kick(q->aio);
	while ((io = aio_reap(q->aio))) {
		struct blkback_req *barrier = q->barrier;

		worked = true;
		finish(q, io);
		if (barrier && barrier == q->barrier && io != &barrier->io && q->flying == 1)
			proceed(q, barrier);
	}
	aio_kick(q->aio);
	if (ring_push(&q->ring)) {
		count(&q->stat.events, 1);
		q->bb->host.send(q->bb->host.arg, q->port);
	}
	return worked || taken;
}

/* Until there is something to do. */
static void wait(struct blkback_queue *q, bool all)
{
	struct pollfd fds[] = {
		{ .fd = aio_fd(q->aio), .events = POLLIN },
		{ .fd = all ? q->kick : -1, .events = POLLIN },
		{ .fd = all ? q->quit : -1, .events = POLLIN },
	};

	poll(fds, ARRAY_SIZE(fds), -1);
	if (fds[1].revents)
		drain(q->kick);
}

static bool must_quit(struct blkback_queue *q)
{
	struct pollfd fd = { .fd = q->quit, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

static void *run(void *arg)
{
	struct blkback_queue *q = arg;

	while (!must_quit(q)) {
		if (blkback_work(q))
			continue;
		/* What comes while a barrier is alone is looked at behind it. */
		if (!q->broken && !q->barrier && q->free && ring_arm(&q->ring, 1))
			continue;
		wait(q, true);
	}
	return NULL;
}

/* ---- connecting ---- */

/* What was taken is done, whoever has gone: the pages are in the kernel's hands. */
static void settle(struct blkback_queue *q)
{
	q->broken = true;
	while (q->flying) {
		if (!blkback_work(q))
			wait(q, false);
	}
}

static void unmap_ring(struct blkback_queue *q)
{
	while (q->mapped)
		gnttab_unmap(q->bb->gt, q->ref[--q->mapped], GNTTAB_WRITE);
}

static int map_ring(struct blkback_queue *q, u32 index, struct err *err)
{
	const struct blkback_front *front = &q->bb->front;
	u8 *page[RING_PAGES];
	void *at;
	int ret;

	for (q->mapped = 0; q->mapped < front->pages; q->mapped++) {
		q->ref[q->mapped] = front->queue[index].ref[q->mapped];
		ret = gnttab_map(q->bb->gt, q->ref[q->mapped], GNTTAB_WRITE, &at);
		if (ret)
			return err_set(err, -ret, "ring reference %u: %s", q->ref[q->mapped],
				       gnttab_why(ret));
		page[q->mapped] = at;
	}
	return ring_init(&q->ring, page, front->pages, blkif_slot(front->abi), err);
}

int blkback_attach(struct blkback_queue *q, u32 index, struct err *err)
{
	u32 i;
	int ret = map_ring(q, index, err);

	q->flying = 0;
	q->barrier = NULL;
	q->broken = false;
	q->free = NULL;
	q->port = q->bb->front.queue[index].port;
	if (!ret) {
		q->req = calloc(q->ring.size, sizeof(*q->req));
		if (!q->req)
			ret = err_set(err, ENOMEM, "not enough memory for a ring");
	}
	for (i = 0; !ret && i < q->ring.size; i++) {
		q->req[i].next = q->free;
		q->free = &q->req[i];
	}
	drain(q->kick);
	drain(q->quit);
	if (!ret) {
		ret = q->bb->host.bind(q->bb->host.arg, q->port, q->kick);
		if (ret)
			err_set(err, -ret, "event channel %u: %s", q->port, strerror(-ret));
	}
	q->bound = !ret;
	if (ret)
		blkback_detach(q);
	return ret;
}

void blkback_detach(struct blkback_queue *q)
{
	if (q->req)
		settle(q);
	if (q->bound)
		q->bb->host.unbind(q->bb->host.arg, q->port);
	q->bound = false;
	unmap_ring(q);
	free(q->req);
	q->req = NULL;
}

int blkback_connect(struct blkback *bb, const struct blkback_host *host, struct gnttab *gt,
		    const struct blkback_front *front, struct err *err)
{
	u32 i;
	int ret = 0;

	if (!front->queues || front->queues > bb->queues)
		return err_set(err, EINVAL, "%u queues; %u are possible", front->queues,
			       bb->queues);
	if (!front->pages || front->pages > RING_PAGES)
		return err_set(err, EINVAL, "a ring of %u pages; %u are possible", front->pages,
			       RING_PAGES);
	bb->host = *host;
	bb->gt = gt;
	bb->front = *front;
	for (i = 0; i < front->queues && !ret; i++) {
		struct blkback_queue *q = &bb->queue[i];

		ret = blkback_attach(q, i, err);
		if (ret)
			break;
		ret = pthread_create(&q->thread, NULL, run, q);
		if (ret)
			ret = err_set(err, ret, "cannot start a disk's thread: %s", strerror(ret));
		q->started = !ret;
	}
	if (ret)
		blkback_disconnect(bb);
	return ret;
}

void blkback_disconnect(struct blkback *bb)
{
	u32 i;

	for (i = 0; i < bb->queues; i++)
		if (bb->queue[i].started)
			notify(bb->queue[i].quit);
	for (i = 0; i < bb->queues; i++) {
		struct blkback_queue *q = &bb->queue[i];

		if (q->started)
			pthread_join(q->thread, NULL);
		q->started = false;
		if (q->req)
			blkback_detach(q);
	}
}

int blkback_init(struct blkback *bb, const struct blkback_disk *disk, u32 queues,
		 enum aio_kind kind, struct err *err)
{
	u32 i;

	memset(bb, 0, sizeof(*bb));
	bb->disk = *disk;
	for (i = 0; i < queues && i < BLKBACK_QUEUES; i++) {
		struct blkback_queue *q = &bb->queue[i];

		q->bb = bb;
		q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		bb->queues++;
		if (q->kick < 0 || q->quit < 0)
			return err_set(err, EMFILE, "cannot make an eventfd");
		q->aio = aio_create(disk->fd, 512, kind, err);
		if (!q->aio)
			return -ENOMEM;
	}
	return 0;
}

void blkback_exit(struct blkback *bb)
{
	u32 i;

	for (i = 0; i < bb->queues; i++) {
		struct blkback_queue *q = &bb->queue[i];

		if (q->aio)
			aio_destroy(q->aio);
		if (q->kick >= 0)
			close(q->kick);
		if (q->quit >= 0)
			close(q->quit);
	}
	bb->queues = 0;
}
