// SPDX-License-Identifier: GPL-2.0
/*
 * The page between a guest and its xenstore ("xenstore-ring.txt" in Xen's
 * docs/misc).  The store's thread calls it, under the store's lock.  It must
 * survive any content of the page, which may change while it is read.
 */
#include <errno.h>
#include <string.h>

#include "userspace/xen/xs_ring.h"

static u32 get(_Atomic u32 *index)
{
	return atomic_load_explicit(index, memory_order_acquire);
}

static void put(_Atomic u32 *index, u32 value)
{
	atomic_store_explicit(index, value, memory_order_release);
}

void xs_ring_init(struct xs_ring *ring, void *page, struct xs_client *client)
{
	memset(ring, 0, sizeof(*ring));
	memset(page, 0, sizeof(*ring->page));
	ring->page = page;
	ring->client = client;
	put(&ring->page->features, XS_FEATURE_RECONNECTION | XS_FEATURE_ERROR);
}

/* The guest broke the protocol. */
static void fail(struct xs_ring *ring, u32 error, const char *why)
{
	xs_client_reset(ring->client);
	ring->have = 0;
	ring->dead = true;
	ring->why = why;
	put(&ring->page->error, error);
}

static void reconnect(struct xs_ring *ring)
{
	struct xs_page *page = ring->page;

	xs_client_reset(ring->client);
	ring->have = 0;
	ring->dead = false;
	put(&page->req_cons, 0);
	put(&page->req_prod, 0);
	put(&page->rsp_cons, 0);
	put(&page->rsp_prod, 0);
	put(&page->error, XS_ERROR_NONE);
	put(&page->connection, XS_CONNECTED);
}

/* Bytes of the guest from @at on; it may change them, so they are read once. */
static void copy_in(const struct xs_ring *ring, u32 at, u8 *to, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		to[i] = __atomic_load_n(&ring->page->req[(at + i) % XS_RING_SIZE],
					__ATOMIC_RELAXED);
}

/* Moves what there is, of the one request.  True: the ring has changed. */
static bool take(struct xs_ring *ring)
{
	u32 cons = get(&ring->page->req_cons);
	u32 count = get(&ring->page->req_prod) - cons;
	const u32 head = sizeof(ring->header);
	u32 len, used = 0;

	if (count > XS_RING_SIZE) {
		fail(ring, XS_ERROR_RINGIDX, "its xenstore ring has an index that cannot be");
		return true;
	}
	if (ring->have < head) {
		used = count < head - ring->have ? count : head - ring->have;
		copy_in(ring, cons, (u8 *)&ring->header + ring->have, used);
		ring->have += used;
	}
	if (ring->have >= head) {
		if (ring->header.len > XS_PAYLOAD_MAX) {
			fail(ring, XS_ERROR_PROTO, "it sent xenstore a message that is too long");
			return true;
		}
		len = head + ring->header.len - ring->have;
		if (len > count - used)
			len = count - used;
		copy_in(ring, cons + used, ring->payload + ring->have - head, len);
		ring->have += len;
		used += len;
	}
	if (used)
		put(&ring->page->req_cons, cons + used);
	return used;
}

/* True: the ring has changed. */
static bool give(struct xs_ring *ring)
{
	struct xs_client *client = ring->client;
	u32 prod = get(&ring->page->rsp_prod);
	u32 room = prod - get(&ring->page->rsp_cons);
	u8 *rsp = ring->page->rsp;
	u32 i, len, done = 0;

	if (!client->head)
		return false;
	if (room > XS_RING_SIZE) {
		fail(ring, XS_ERROR_RINGIDX, "its xenstore ring has an index that cannot be");
		return true;
	}
	room = XS_RING_SIZE - room;
	while (client->head && room) {
		struct xs_msg *msg = client->head;

		len = msg->len - msg->sent < room ? msg->len - msg->sent : room;
		for (i = 0; i < len; i++)
			rsp[(prod + done + i) % XS_RING_SIZE] = msg->data[msg->sent + i];
		msg->sent += len;
		done += len;
		room -= len;
		if (msg->sent == msg->len)
			xs_client_sent(client);
	}
	if (done)
		put(&ring->page->rsp_prod, prod + done);
	return done;
}

static bool complete(const struct xs_ring *ring)
{
	return ring->have >= sizeof(ring->header) &&
	       ring->have == sizeof(ring->header) + ring->header.len;
}

int xs_ring_work(struct xs_ring *ring, u32 limit)
{
	int done = 0;

	ring->why = NULL;
	if (get(&ring->page->connection) == XS_RECONNECT) {
		reconnect(ring);
		done |= XS_WORK_NOTIFY;
	}
	while (!ring->dead) {
		bool moved = give(ring);

		if (!ring->dead && limit && !xs_client_busy(ring->client))
			moved |= take(ring);
		if (!ring->dead && complete(ring)) {
			ring->have = 0;
			limit--;
			if (xs_client_request(ring->client, &ring->header, ring->payload))
				fail(ring, XS_ERROR_COMM, "no memory for xenstore's reply");
			moved = true;
		}
		if (moved)
			done |= XS_WORK_NOTIFY;
		if (!moved || !limit)
			break;
	}
	return limit || ring->dead ? done : done | XS_WORK_MORE;
}
