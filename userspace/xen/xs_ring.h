/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page between a guest and its xenstore: bytes to messages and back.  The
 * store's thread calls it, under the store's lock.  It must read each index
 * once, believe none, and keep nothing in the page that it needs later.
 */
#ifndef USERSPACE_XEN_XS_RING_H
#define USERSPACE_XEN_XS_RING_H

#include "userspace/xen/xs_client.h"

/**
 * struct xs_ring - a ring
 * @page:   shared with the guest
 * @client: whose it is
 * @have:   bytes of a request that came: its header, then its payload
 * @dead:   the guest broke the protocol: nothing goes until it reconnects
 * @why:    a sentence, when it just did
 */
struct xs_ring {
	struct xs_page *page;
	struct xs_client *client;
	u32 have;
	bool dead;
	const char *why;
	struct xs_header header;
	u8 payload[XS_PAYLOAD_MAX + 1];
};

/** xs_ring_init() - make the page one of a ring without content. */
void xs_ring_init(struct xs_ring *ring, void *page, struct xs_client *client);

/** enum xs_work - what xs_ring_work() did, bits */
enum xs_work {
	XS_WORK_NOTIFY = 1,	/* the page changed: the guest is to be told */
	XS_WORK_MORE = 2,	/* there was more: call it again */
};

/**
 * xs_ring_work() - take requests, put replies
 * @ring:  the ring
 * @limit: requests to take at most
 *
 * Return: enum xs_work bits.
 */
int xs_ring_work(struct xs_ring *ring, u32 limit);

#endif /* USERSPACE_XEN_XS_RING_H */
