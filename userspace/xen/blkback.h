/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back end of a Xen disk: requests of the guest's rings done on a file, with
 * a thread for each queue.  vbd.c makes one for a disk and connects it when the
 * guest's front end is ready.  It must survive any content of rings and grants,
 * touch nothing beyond the disk's end, and say that something is on the disk only
 * when it is.
 */
#ifndef USERSPACE_XEN_BLKBACK_H
#define USERSPACE_XEN_BLKBACK_H

#include <pthread.h>
#include <stdatomic.h>

#include "userspace/aio.h"
#include "userspace/xen/blkif.h"
#include "userspace/xen/gnttab.h"
#include "userspace/xen/ring.h"

#define BLKBACK_QUEUES		4U
#define BLKBACK_PAGE_ORDER	4U	/* RING_PAGES */
#define BLKBACK_SEGMENTS	256U	/* of an indirect request: 1 MiB */

/**
 * struct blkback_host - what a back end needs of its host
 * @arg:    first argument of the functions
 * @bind:   signal eventfd @kick when the guest sends on @port; 0 or an errno
 * @unbind: undo that
 * @send:   send the guest an event; a queue's thread
 * @broken: the guest broke the protocol and the queue has stopped; its thread
 */
struct blkback_host {
	void *arg;
	int (*bind)(void *arg, u32 port, int kick);
	void (*unbind)(void *arg, u32 port);
	void (*send)(void *arg, u32 port);
	void (*broken)(void *arg, const char *why);
};

/**
 * struct blkback_disk - what is behind it
 * @fd:       open, stays
 * @sectors:  of 512 bytes
 * @readonly: nothing may be changed
 * @discard:  the front end was offered it
 */
struct blkback_disk {
	int fd;
	u64 sectors;
	bool readonly;
	bool discard;
};

/**
 * struct blkback_front - what a front end has asked for
 * @abi:    enum blkif_abi
 * @queues: rings in @queue, 1 to BLKBACK_QUEUES
 * @pages:  of each ring, a power of two
 * @queue:  grant references of the pages, and the guest's ports
 */
struct blkback_front {
	enum blkif_abi abi;
	u32 queues;
	u32 pages;
	struct {
		u32 ref[RING_PAGES];
		u32 port;
	} queue[BLKBACK_QUEUES];
};

/** struct blkback_stat - counters of a queue; any thread may read them */
struct blkback_stat {
	atomic_ulong reads;
	atomic_ulong writes;
	atomic_ulong read_sectors;
	atomic_ulong write_sectors;
	atomic_ulong flushes;
	atomic_ulong discards;
	atomic_ulong errors;	/* requests refused, or failed */
	atomic_ulong events;	/* sent to the guest */
};

struct blkback;
struct blkback_req;

/**
 * struct blkback_queue - a ring and its thread
 * @aio:     of the disk's file
 * @kick:    eventfd: the guest sends
 * @quit:    eventfd: the thread ends
 * @req:     one for each slot; those in @free are not in use, linked
 * @flying:  requests that were taken and have no response
 * @barrier: waits until it is alone, or is; nothing is taken behind it
 * @broken:  the guest broke the protocol
 */
struct blkback_queue {
	struct blkback *bb;
	struct aio *aio;
	int kick;
	int quit;
	pthread_t thread;
	bool started;
	bool bound;
	u32 port;
	u32 mapped;
	u32 ref[RING_PAGES];
	struct ring ring;
	struct blkback_req *req;
	struct blkback_req *free;
	u32 flying;
	struct blkback_req *barrier;
	bool broken;
	struct blkback_stat stat;
};

/**
 * struct blkback - a back end
 * @gt:     the guest's grants
 * @queue:  @front.queues of them are connected
 */
struct blkback {
	struct blkback_host host;
	struct blkback_disk disk;
	struct gnttab *gt;
	struct blkback_front front;
	struct blkback_queue queue[BLKBACK_QUEUES];
	u32 queues;
};

/**
 * blkback_init() - make a back end that is not connected
 * @bb:     filled in; blkback_exit() undoes it, also after a failure
 * @disk:   copied
 * @queues: the most that a guest may have, 1 to BLKBACK_QUEUES
 * @kind:   of aio_create()
 * @err:    in words
 *
 * Context: before the jail.
 */
int blkback_init(struct blkback *bb, const struct blkback_disk *disk, u32 queues,
		 enum aio_kind kind, struct err *err);
void blkback_exit(struct blkback *bb);

/**
 * blkback_connect() - map the rings and start
 * @bb:    not connected
 * @host:  copied
 * @gt:    the guest's grants, stay until blkback_disconnect()
 * @front: what the front end asked for, any content
 * @err:   in words, what is wrong with it
 *
 * Return: 0; on failure nothing is connected.
 * Context: one thread at a time for this and blkback_disconnect().
 */
int blkback_connect(struct blkback *bb, const struct blkback_host *host, struct gnttab *gt,
		    const struct blkback_front *front, struct err *err);

/**
 * blkback_disconnect() - finish what was taken, stop, give back what is the guest's
 *
 * Context: may wait for the disk.
 */
void blkback_disconnect(struct blkback *bb);

/* ---- of a queue: its thread, or a test's ---- */

/** blkback_attach() - what blkback_connect() does for one, without the thread. */
int blkback_attach(struct blkback_queue *q, u32 index, struct err *err);
void blkback_detach(struct blkback_queue *q);

/** blkback_work() - take, start and answer requests; true: there may be more. */
bool blkback_work(struct blkback_queue *q);

#endif /* USERSPACE_XEN_BLKBACK_H */
