// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to the guest: pages that wait are kept mapped, and the wire is read
 * straight into them.  netback.c calls it from the queue's thread.  It must never
 * write to a page after its response is shown, or read more than the guest may
 * take at a time.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "userspace/xen/netback.h"

/* struct arrival - a frame that was read */
struct arrival {
	struct virtio_net_hdr header;
	u32 len;
	u32 pages;
	u32 slots;		/* @pages, and one more of extra info */
	u16 flags;		/* NETRXF_* of its first slot */
	u8 gso;			/* NETIF_GSO_* */
};

static void count(atomic_ulong *counter, unsigned long by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* A slot that cannot be used goes back with an error. */
static void refuse_slot(struct netback_queue *q, const struct netif_rx_request *req)
{
	struct netif_rx_response rsp = { .id = req->id, .status = NETIF_RSP_ERROR };

	ring_take(&q->rx, 1);
	ring_put(&q->rx, &rsp, sizeof(rsp));
	count(&q->stat.rx_errors, 1);
}

/* Map what waits at the head of the ring, as much as a frame can need. */
static void fill(struct netback_queue *q)
{
	u32 want = q->nb->front.sg ? NETBACK_RX_SLOTS : 1;
	struct netif_rx_request req;
	int pending = ring_pending(&q->rx);
	void *at;

	if (pending < 0) {
		netback_fail(q, "more requests to receive than the ring has");
		return;
	}
	while (q->pages < want && q->pages < (u32)pending) {
		ring_peek(&q->rx, q->pages, &req, sizeof(req));
		if (gnttab_map(q->nb->gt, req.gref, GNTTAB_WRITE, &at)) {
			/* Responses are in order: those before it come first. */
			if (q->pages)
				return;
			refuse_slot(q, &req);
			pending--;
			continue;
		}
		q->page[q->pages++] = (struct netback_page){ req.id, req.gref, at };
	}
}

static bool may_segment(const struct netback_queue *q)
{
	return q->nb->front.sg && q->nb->front.offloads & (NET_TSO4 | NET_TSO6);
}

/*
 * Where the frame's page @i is.  A large segment has its extra info in the
 * second slot, so while such may come the second page is left out.
 */
static u32 slot_of(u32 i, bool gap)
{
	return i && gap ? i + 1 : i;
}

static u32 usable(const struct netback_queue *q)
{
	return may_segment(q) && q->pages > 1 ? q->pages - 1 : q->pages;
}

static ssize_t read_wire(struct netback_queue *q, struct virtio_net_hdr *header)
{
	struct iovec iov[NETBACK_RX_SLOTS + 2];
	u32 pages = usable(q), room = pages * (u32)PAGE_BYTES, i;
	unsigned int n = 0;
	ssize_t got;

	iov[n++] = (struct iovec){ header, sizeof(*header) };
	for (i = 0; i < pages; i++)
		iov[n++] = (struct iovec){ q->page[slot_of(i, may_segment(q))].at, PAGE_BYTES };
	/* What does not fit waits here for more pages. */
	if (room < FRAME_MAX)
		iov[n++] = (struct iovec){ q->spill + room, FRAME_MAX - room };
	do
		got = readv(q->fd, iov, (int)n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* The frame in the pages, as it is now, as far as it is there. */
static unsigned int frame_iov(const struct netback_queue *q, u32 len, bool gap, struct iovec *iov)
{
	unsigned int n = 0;
	u32 part;

	while (len) {
		part = len < PAGE_BYTES ? len : (u32)PAGE_BYTES;
		iov[n] = (struct iovec){ q->page[slot_of(n, gap)].at, part };
		len -= part;
		n++;
	}
	return n;
}

/* All of the frame into the spill: it has to wait. */
static void spill(struct netback_queue *q, u32 len)
{
	u32 pages = usable(q), i, part;

	for (i = 0; i < pages && i * PAGE_BYTES < len; i++) {
		part = len - i * (u32)PAGE_BYTES;
		if (part > PAGE_BYTES)
			part = PAGE_BYTES;
		memcpy(q->spill + i * PAGE_BYTES, q->page[slot_of(i, may_segment(q))].at, part);
	}
}

static bool takes(const struct netback_queue *q, u32 offload)
{
	return q->nb->front.offloads & offload;
}

/*
 * What the guest must know of checksum and segments, or -EPROTO when it cannot
 * take it. The guest may change the pages meanwhile: it then fools itself.
 */
static int describe(struct netback_queue *q, struct arrival *a, const struct iovec *iov,
		    unsigned int n)
{
	u32 head = (u32)iov[0].iov_len < FRAME_HEADERS ? (u32)iov[0].iov_len : FRAME_HEADERS;
	u8 copy[FRAME_HEADERS], type = a->header.gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	struct frame frame;
	bool known;

	a->flags = a->header.flags & VIRTIO_NET_HDR_F_DATA_VALID ? NETRXF_DATA_VALIDATED : 0;
	if (!(a->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return type == VIRTIO_NET_HDR_GSO_NONE ? 0 : -EPROTO;
	memcpy(copy, iov[0].iov_base, head);
	known = !frame_parse(&frame, copy, head) && a->header.csum_start == frame.l4 &&
		a->header.csum_offset == frame.checksum;
	if (known && (frame.v6 ? q->nb->front.csum6 : takes(q, NET_CSUM))) {
		a->flags = NETRXF_CSUM_BLANK | NETRXF_DATA_VALIDATED;
	} else {
		if (type != VIRTIO_NET_HDR_GSO_NONE)
			return -EPROTO;
		return frame_finish(iov, n, a->header.csum_start, a->header.csum_offset);
	}
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return 0;
	if (!frame.tcp || !a->header.gso_size ||
	    type != (frame.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) ||
	    !takes(q, frame.v6 ? NET_TSO6 : NET_TSO4))
		return -EPROTO;
	a->gso = frame.v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4;
	return 0;
}

/* Responses of a frame that lies in the pages it shall lie in. */
static void deliver(struct netback_queue *q, const struct arrival *a)
{
	u32 left = a->len, slot, part;

	for (slot = 0; slot < a->slots; slot++) {
		struct netif_rx_response rsp = { .id = q->page[slot].id };
		struct netif_extra extra = { .type = NETIF_EXTRA_GSO };

		gnttab_unmap(q->nb->gt, q->page[slot].ref, GNTTAB_WRITE);
		ring_take(&q->rx, 1);
		if (slot == 1 && a->gso) {
			extra.gso.size = a->header.gso_size;
			extra.gso.type = a->gso;
			ring_put(&q->rx, &extra, sizeof(extra));
			continue;
		}
		part = left < PAGE_BYTES ? left : (u32)PAGE_BYTES;
		left -= part;
		rsp.status = (s16)part;
		rsp.flags = left ? NETRXF_MORE_DATA : 0;
		if (!slot)
			rsp.flags |= a->flags | (a->gso ? NETRXF_EXTRA_INFO : 0);
		ring_put(&q->rx, &rsp, sizeof(rsp));
	}
	q->pages -= a->slots;
	memmove(q->page, q->page + a->slots, q->pages * sizeof(q->page[0]));
	count(&q->stat.rx_packets, 1);
	count(&q->stat.rx_bytes, a->len);
}

/* A frame that is no large segment: it moves up into the page left out. */
static void close_gap(struct netback_queue *q, const struct arrival *a)
{
	u32 i;

	for (i = 1; i < a->pages; i++)
		memcpy(q->page[i].at, q->page[i + 1].at, PAGE_BYTES);
}

/* The guest asked for multicast of its choice only. */
static bool unwanted(struct netback_queue *q, const u8 *start)
{
	static const u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct netback *nb = q->nb;
	u8 to[6];
	bool found = false;
	u32 i;

	if (!nb->front.mcast)
		return false;
	memcpy(to, start, sizeof(to));
	if (!(to[0] & 1) || !memcmp(to, broadcast, sizeof(to)))
		return false;
	pthread_mutex_lock(&nb->lock);
	for (i = 0; i < nb->mcasts && !found; i++)
		found = !memcmp(to, nb->mcast[i], sizeof(to));
	pthread_mutex_unlock(&nb->lock);
	return !found;
}

static int measure(const struct netback_queue *q, struct arrival *a)
{
	bool gso = a->header.gso_type != VIRTIO_NET_HDR_GSO_NONE;

	a->gso = NETIF_GSO_NONE;
	a->pages = (a->len + (u32)PAGE_BYTES - 1) / (u32)PAGE_BYTES;
	a->slots = a->pages + gso;
	if (a->len < FRAME_HEADER || a->len > FRAME_MAX)
		return -EPROTO;
	return a->slots > (q->nb->front.sg ? NETBACK_RX_SLOTS : 1) ? -EPROTO : 0;
}

/* A frame whose pages are all there. @gap: as slot_of() has it. */
static void finish(struct netback_queue *q, struct arrival *a, bool gap)
{
	struct iovec iov[NETBACK_RX_SLOTS];
	unsigned int n = frame_iov(q, a->len, gap, iov);

	if (unwanted(q, iov[0].iov_base) || describe(q, a, iov, n)) {
		count(&q->stat.rx_dropped, 1);
		return;
	}
	if (gap && !a->gso)
		close_gap(q, a);
	deliver(q, a);
}

/* The frame that waited, when there is room by now. */
static bool finish_held(struct netback_queue *q)
{
	struct arrival a = { .header = q->held_header, .len = q->held };
	struct iovec iov[NETBACK_RX_SLOTS];
	unsigned int n, i;
	bool gap;

	if (q->pages < q->held_slots)
		return false;
	q->held = 0;
	measure(q, &a);
	gap = a.header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	n = frame_iov(q, a.len, gap, iov);
	for (i = 0; i < n; i++)
		memcpy(iov[i].iov_base, q->spill + i * PAGE_BYTES, iov[i].iov_len);
	finish(q, &a, gap);
	return true;
}

/* Return: 1: a frame, delivered or dropped or held; 0: none. */
static int receive(struct netback_queue *q)
{
	struct arrival a;
	ssize_t got = read_wire(q, &a.header);

	if (!got || (got < 0 && errno != EAGAIN))
		q->gone = true;
	if (got <= 0) {
		q->ready = false;
		return 0;
	}
	if (got <= (ssize_t)sizeof(a.header)) {
		count(&q->stat.rx_dropped, 1);
		return 1;
	}
	a.len = (u32)got - (u32)sizeof(a.header);
	if (measure(q, &a)) {
		count(&q->stat.rx_dropped, 1);
	} else if (a.pages <= usable(q) && a.slots <= q->pages) {
		finish(q, &a, may_segment(q) && a.pages > 1);
	} else {
		spill(q, a.len);
		q->held = a.len;
		q->held_slots = a.slots;
		q->held_header = a.header;
	}
	return 1;
}

u32 netback_rx(struct netback_queue *q, u32 budget)
{
	u32 done = 0;

	while (done < budget) {
		fill(q);
		if (q->broken || q->gone || !q->pages || !(q->ready || q->held))
			break;
		if (q->held ? !finish_held(q) : !receive(q))
			break;
		done++;
	}
	return done;
}

u32 netback_rx_wants(const struct netback_queue *q)
{
	return q->held ? q->held_slots : 1;
}

void netback_rx_reset(struct netback_queue *q)
{
	while (q->pages)
		gnttab_unmap(q->nb->gt, q->page[--q->pages].ref, GNTTAB_WRITE);
	q->held = 0;
}
