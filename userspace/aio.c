// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous input and output on one open file.  The disk back end's queues
 * call it.  It must finish every request once, whole or with an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/aio.h"

#define WORKERS		4
#define URING_MAX	512U

/*
 * io_uring: @uring, @event; @again are requests that had a short transfer and
 * go on.  Threads: @todo and @done with @lock; @event counts what is done.
 */
struct aio {
	int fd;
	bool threads;
	int event;
	struct io_uring uring;
	bool ready;
	struct aio_req *finished;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct aio_req *todo;
	struct aio_req **last;
	struct aio_req *done;
	pthread_t worker[WORKERS];
	unsigned int workers;
	bool stop;
};

/* @bytes went over: true when that was all of it. */
static bool advance(struct aio_req *req, u64 bytes)
{
	req->offset += bytes;
	req->len -= bytes;
	while (req->iovs && bytes >= req->iov->iov_len) {
		bytes -= req->iov->iov_len;
		req->iov++;
		req->iovs--;
	}
	if (req->iovs) {
		req->iov->iov_base = (u8 *)req->iov->iov_base + bytes;
		req->iov->iov_len -= bytes;
	}
	return !req->len;
}

/* What a system call said.  True: the request is done, req->result says how. */
static bool settle(struct aio_req *req, long ret)
{
	if (ret == -EINTR || ret == -EAGAIN)
		return false;
	req->result = ret < 0 ? (int)ret : 0;
	if (ret < 0 || req->op == AIO_SYNC || req->op == AIO_DISCARD)
		return true;
	if (!ret) {
		req->result = -EIO;
		return true;
	}
	return advance(req, (u64)ret);
}

/* ---- threads ---- */

static long do_call(int fd, const struct aio_req *req)
{
	long ret = -EINVAL;

	switch (req->op) {
	case AIO_READ:
		ret = preadv(fd, req->iov, (int)req->iovs, (off_t)req->offset);
		break;
	case AIO_WRITE:
		ret = pwritev(fd, req->iov, (int)req->iovs, (off_t)req->offset);
		break;
	case AIO_SYNC:
		ret = fdatasync(fd);
		break;
	case AIO_DISCARD:
		ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)req->offset, (off_t)req->len);
		break;
	}
	return ret < 0 ? -errno : ret;
}

static void signal_event(struct aio *aio)
{
	u64 one = 1;

	while (write(aio->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *work(void *arg)
{
	struct aio *aio = arg;
	struct aio_req *req;

	pthread_mutex_lock(&aio->lock);
	for (;;) {
		while (!aio->todo && !aio->stop)
			pthread_cond_wait(&aio->more, &aio->lock);
		req = aio->todo;
		if (!req)
			break;
		aio->todo = req->next;
		if (!aio->todo)
			aio->last = &aio->todo;
		pthread_mutex_unlock(&aio->lock);
		while (!settle(req, do_call(aio->fd, req)))
			;
		pthread_mutex_lock(&aio->lock);
		req->next = aio->done;
		aio->done = req;
		signal_event(aio);
	}
	pthread_mutex_unlock(&aio->lock);
	return NULL;
}

/* The first one must be there; the others help. */
static bool start_workers(struct aio *aio)
{
	while (aio->workers < WORKERS &&
	       !pthread_create(&aio->worker[aio->workers], NULL, work, aio))
		aio->workers++;
	return aio->workers;
}

static void queue_work(struct aio *aio, struct aio_req *req)
{
	if (!aio->workers && !start_workers(aio)) {
		while (!settle(req, do_call(aio->fd, req)))
			;
		pthread_mutex_lock(&aio->lock);
		req->next = aio->done;
		aio->done = req;
		pthread_mutex_unlock(&aio->lock);
		signal_event(aio);
		return;
	}
	pthread_mutex_lock(&aio->lock);
	req->next = NULL;
	*aio->last = req;
	aio->last = &req->next;
	pthread_cond_signal(&aio->more);
	pthread_mutex_unlock(&aio->lock);
}

/* ---- io_uring ---- */

/*
 * A ring's requests pass by the jail's filter: it may do these four, on the one
 * file that is registered, and nothing else for all its life.
 */
static int restrict_ring(struct io_uring *uring)
{
	struct io_uring_restriction r[6];
	unsigned int i;

	memset(r, 0, sizeof(r));
	for (i = 0; i < 4; i++)
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
	r[0].sqe_op = IORING_OP_READV;
	r[1].sqe_op = IORING_OP_WRITEV;
	r[2].sqe_op = IORING_OP_FSYNC;
	r[3].sqe_op = IORING_OP_FALLOCATE;
	r[4].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	r[4].sqe_flags = IOSQE_FIXED_FILE;
	r[5].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	r[5].sqe_flags = IOSQE_FIXED_FILE;
	/* Debian 12's library has functions for these two in its static half only. */
	return io_uring_register(uring->ring_fd, IORING_REGISTER_RESTRICTIONS, r, 6);
}

static int open_ring(struct aio *aio, unsigned int depth)
{
	int ret = io_uring_queue_init(depth < URING_MAX ? depth : URING_MAX, &aio->uring,
				      IORING_SETUP_R_DISABLED);

	if (ret)
		return ret;
	ret = io_uring_register_files(&aio->uring, &aio->fd, 1);
	if (!ret)
		ret = io_uring_register_eventfd(&aio->uring, aio->event);
	if (!ret)
		ret = restrict_ring(&aio->uring);
	if (!ret)
		ret = io_uring_register(aio->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (ret)
		io_uring_queue_exit(&aio->uring);
	return ret;
}

static void put_sqe(struct aio *aio, struct aio_req *req)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&aio->uring);

	while (!sqe) {
		io_uring_submit(&aio->uring);
		sqe = io_uring_get_sqe(&aio->uring);
	}
	switch (req->op) {
	case AIO_READ:
		io_uring_prep_readv(sqe, 0, req->iov, req->iovs, req->offset);
		break;
	case AIO_WRITE:
		io_uring_prep_writev(sqe, 0, req->iov, req->iovs, req->offset);
		break;
	case AIO_SYNC:
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
		break;
	case AIO_DISCARD:
		io_uring_prep_fallocate(sqe, 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)req->offset, (off_t)req->len);
		break;
	}
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, req);
	aio->ready = true;
}

static struct aio_req *reap_ring(struct aio *aio)
{
	struct io_uring_cqe *cqe;
	struct aio_req *req;
	long ret;

	while (!io_uring_peek_cqe(&aio->uring, &cqe)) {
		req = io_uring_cqe_get_data(cqe);
		ret = cqe->res;
		io_uring_cqe_seen(&aio->uring, cqe);
		if (settle(req, ret))
			return req;
		put_sqe(aio, req);
		aio_kick(aio);
	}
	return NULL;
}

/* ---- both ---- */

struct aio *aio_create(int fd, unsigned int depth, enum aio_kind kind, struct err *err)
{
	struct aio *aio = calloc(1, sizeof(*aio));
	int ret;

	if (!aio) {
		err_set(err, ENOMEM, "not enough memory for a disk's queue");
		return NULL;
	}
	aio->fd = fd;
	aio->last = &aio->todo;
	pthread_mutex_init(&aio->lock, NULL);
	pthread_cond_init(&aio->more, NULL);
	aio->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aio->event < 0) {
		free(aio);
		err_set(err, EMFILE, "cannot make an eventfd");
		return NULL;
	}
	ret = kind == AIO_THREADS ? -ENOSYS : open_ring(aio, depth);
	aio->threads = ret;
	if (ret && kind == AIO_URING) {
		aio_destroy(aio);
		err_set(err, -ret, "no io_uring here: %s", strerror(-ret));
		return NULL;
	}
	return aio;
}

void aio_destroy(struct aio *aio)
{
	unsigned int i;

	pthread_mutex_lock(&aio->lock);
	aio->stop = true;
	pthread_cond_broadcast(&aio->more);
	pthread_mutex_unlock(&aio->lock);
	for (i = 0; i < aio->workers; i++)
		pthread_join(aio->worker[i], NULL);
	if (!aio->threads)
		io_uring_queue_exit(&aio->uring);
	close(aio->event);
	pthread_cond_destroy(&aio->more);
	pthread_mutex_destroy(&aio->lock);
	free(aio);
}

bool aio_is_uring(const struct aio *aio)
{
	return !aio->threads;
}

int aio_fd(const struct aio *aio)
{
	return aio->event;
}

void aio_submit(struct aio *aio, struct aio_req *req)
{
	if (aio->threads)
		queue_work(aio, req);
	else
		put_sqe(aio, req);
}

void aio_kick(struct aio *aio)
{
	int ret;

	if (!aio->ready)
		return;
	/* EBUSY, EAGAIN: what is done must be reaped first, or memory be found. */
	do
		ret = io_uring_submit(&aio->uring);
	while (ret == -EINTR);
	aio->ready = io_uring_sq_ready(&aio->uring);
}

static struct aio_req *reap_done(struct aio *aio)
{
	struct aio_req *req;

	pthread_mutex_lock(&aio->lock);
	req = aio->done;
	if (req)
		aio->done = req->next;
	pthread_mutex_unlock(&aio->lock);
	return req;
}

static struct aio_req *reap(struct aio *aio)
{
	return aio->threads ? reap_done(aio) : reap_ring(aio);
}

struct aio_req *aio_reap(struct aio *aio)
{
	struct aio_req *req = reap(aio);
	u64 count;

	if (req)
		return req;
	/* Cleared before another look, so that what comes after it is signalled. */
	while (read(aio->event, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	aio_kick(aio);
	return reap(aio);
}
