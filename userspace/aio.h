/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asynchronous input and output on one open file, by io_uring or, where the host
 * does not permit it, by threads.  A disk's queue owns one and is the only thread
 * that calls it.  It must not open, close or know names of files: the ring is
 * restricted to what is below, so that it is no way out of the jail.
 */
#ifndef USERSPACE_AIO_H
#define USERSPACE_AIO_H

#include <sys/uio.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

enum aio_op {
	AIO_READ,
	AIO_WRITE,
	AIO_SYNC,		/* what was written is on the disk, as fdatasync() */
	AIO_DISCARD,		/* @len bytes are not needed any more, read as zero */
};

/**
 * struct aio_req - a request; the caller's until it is submitted and after aio_reap()
 * @op:     enum aio_op
 * @offset: in the file
 * @len:    bytes
 * @iov:    where they are, @iovs of them; changed by short transfers
 * @result: (OUT) 0 or a negative errno; a file that ends too soon is -EIO
 */
struct aio_req {
	struct aio_req *next;
	enum aio_op op;
	u64 offset;
	u64 len;
	struct iovec *iov;
	u32 iovs;
	int result;
};

struct aio;

/** enum aio_kind - how */
enum aio_kind {
	AIO_ANY,		/* io_uring if it can be had */
	AIO_URING,
	AIO_THREADS,
};

/**
 * aio_create() - get ready for a file
 * @fd:    open, stays
 * @depth: requests at a time, most often
 * @kind:  enum aio_kind
 * @err:   in words
 *
 * Return: NULL on failure.
 * Context: before the jail; threads start with the first request.
 */
struct aio *aio_create(int fd, unsigned int depth, enum aio_kind kind, struct err *err);

/** aio_destroy() - nothing is in flight. */
void aio_destroy(struct aio *aio);

/** aio_is_uring() - by io_uring, not by threads? */
bool aio_is_uring(const struct aio *aio);

/** aio_fd() - readable when aio_reap() has something. */
int aio_fd(const struct aio *aio);

/** aio_submit() - start it, with aio_kick() at the latest. */
void aio_submit(struct aio *aio, struct aio_req *req);
/** aio_kick() - start all that was submitted. */
void aio_kick(struct aio *aio);

/** aio_reap() - a request that is done, or NULL. */
struct aio_req *aio_reap(struct aio *aio);

#endif /* USERSPACE_AIO_H */
