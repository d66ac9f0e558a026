/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back end's half of a ring of requests and responses, as Xen's io/ring.h
 * lays it out.  The disk and network back ends call it; the front end may write
 * anything into the pages at any time.  It must use its own indices only, read
 * each shared word once and hand out copies, never pointers into the ring.
 *
 * Context: one thread at a time for one ring.
 */
#ifndef USERSPACE_XEN_RING_H
#define USERSPACE_XEN_RING_H

#include <stdatomic.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/* RING_PAGES - pages of a ring at most */
#define RING_PAGES	16

/**
 * struct ring_shared - the head of a ring's first page; slots follow
 * @req_prod:  requests that the front end has made
 * @req_event: it sends an event when @req_prod reaches this
 * @rsp_prod:  responses that the back end has made
 * @rsp_event: the front end wants an event when @rsp_prod reaches this
 * @pad:       to 64 bytes
 */
struct ring_shared {
	_Atomic u32 req_prod;
	_Atomic u32 req_event;
	_Atomic u32 rsp_prod;
	_Atomic u32 rsp_event;
	u32 pad[12];
};

/**
 * struct ring - a ring as the back end holds it
 * @shared:   the first page
 * @page:     all of them
 * @slot:     bytes of a slot
 * @size:     slots, a power of two
 * @req_cons: requests taken
 * @rsp_prod: responses made; at most @req_cons
 * @rsp_told: responses that the front end can see
 */
struct ring {
	struct ring_shared *shared;
	u8 *page[RING_PAGES];
	u32 slot;
	u32 size;
	u32 req_cons;
	u32 rsp_prod;
	u32 rsp_told;
};

/**
 * ring_init() - take over a ring, where a back end before left it
 * @ring:  filled in
 * @page:  host addresses of its pages, in order; they stay mapped
 * @pages: 1 to RING_PAGES, a power of two
 * @slot:  bytes of the larger of request and response, a multiple of 4
 * @err:   in words
 *
 * Return: 0, -EINVAL: no such ring, -EPROTO: its indices cannot be.
 */
int ring_init(struct ring *ring, u8 *const *page, unsigned int pages, unsigned int slot,
	      struct err *err);

/**
 * ring_pending() - requests that wait
 * Return: 0 to @size, or -EPROTO when the front end claims more than fit: the
 * ring is of no use any more.
 */
int ring_pending(const struct ring *ring);

/**
 * ring_peek() - copy a request without taking it
 * @ring:  the ring
 * @ahead: 0 is the next one; less than ring_pending() said
 * @req:   where to
 * @len:   bytes, at most a slot, a multiple of 4 as all lengths here
 */
void ring_peek(const struct ring *ring, u32 ahead, void *req, u32 len);

/** ring_take() - @count requests, at most ring_pending(), are taken. */
void ring_take(struct ring *ring, u32 count);

/** ring_get() - ring_peek() and ring_take() of the next one. */
void ring_get(struct ring *ring, void *req, u32 len);

/**
 * ring_put() - write the next response; the front end sees it after ring_push()
 *
 * There must be a request that was taken and has no response yet; else nothing
 * is written.
 */
void ring_put(struct ring *ring, const void *rsp, u32 len);

/**
 * ring_push() - show the responses to the front end
 * Return: it asked for an event.
 */
bool ring_push(struct ring *ring);

/**
 * ring_arm() - ask for an event when there are more requests
 * @ring: the ring
 * @need: not before this many wait, 1 for the next one
 *
 * Return: true when there are as many already: look again instead of waiting;
 * also when the indices cannot be, which ring_pending() tells.
 */
bool ring_arm(struct ring *ring, u32 need);

#endif /* USERSPACE_XEN_RING_H */
