// SPDX-License-Identifier: GPL-2.0
/*
 * Frames from the guest: gathers a packet's slots, checks them, and writes the
 * frame to the wire straight from the guest's pages.  netback.c calls it from
 * the queue's thread.  It must take decisions on private copies only: slots and
 * headers that it looks at.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "userspace/xen/netback.h"

/* struct packet - a packet's slots as they were read */
struct packet {
	struct netif_tx_request req[NETBACK_TX_SLOTS];
	u8 *at[NETBACK_TX_SLOTS];	/* the pages */
	u32 reqs;
	u32 mapped;
	struct netif_extra extra[NETIF_EXTRA_TYPES];	/* by type; .type 0: none */
	u32 extras;
	u32 total;
};

/* struct gather - a frame as it goes to the wire */
struct gather {
	struct virtio_net_hdr header;
	u8 head[FRAME_HEADERS];
	struct iovec iov[NETBACK_TX_SLOTS + 2];
	unsigned int count;
};

static int read_extras(struct netback_queue *q, struct packet *p, u32 pending)
{
	struct netif_extra extra;

	do {
		if (p->reqs + p->extras >= pending)
			return netback_fail(q, "a packet's extra info is missing");
		ring_peek(&q->tx, p->reqs + p->extras, &extra, sizeof(extra));
		if (!extra.type || extra.type >= NETIF_EXTRA_TYPES)
			return netback_fail(q, "extra info of type %u", extra.type);
		/* Each type once: a chain of them ends. */
		if (p->extra[extra.type].type)
			return netback_fail(q, "extra info of type %u twice", extra.type);
		p->extra[extra.type] = extra;
		p->extras++;
	} while (extra.flags & NETIF_EXTRA_FLAG_MORE);
	return 0;
}

/* The slots of the next packet; a front end shows it whole or not at all. */
static int read_packet(struct netback_queue *q, struct packet *p, u32 pending)
{
	struct netif_tx_request *req = p->req;
	u32 rest;
	int ret;

	p->reqs = 0;
	p->extras = 0;
	p->mapped = 0;
	memset(p->extra, 0, sizeof(p->extra));
	ring_peek(&q->tx, 0, req, sizeof(*req));
	p->total = req->size;
	rest = req->size;
	p->reqs = 1;
	if (req->flags & NETTXF_EXTRA_INFO) {
		ret = read_extras(q, p, pending);
		if (ret)
			return ret;
	}
	while (req->flags & NETTXF_MORE_DATA) {
		if (p->reqs == NETBACK_TX_SLOTS)
			return netback_fail(q, "a packet of more than %u slots", NETBACK_TX_SLOTS);
		if (p->reqs + p->extras >= pending)
			return netback_fail(q, "a packet's slot %u is missing", p->reqs);
		req = &p->req[p->reqs];
		ring_peek(&q->tx, p->reqs + p->extras, req, sizeof(*req));
		p->reqs++;
		if (req->size > rest)
			return netback_fail(q, "slots of more than the packet's %u bytes",
					    p->total);
		rest -= req->size;
		if ((u32)req->offset + req->size > PAGE_BYTES)
			return netback_fail(q, "%u bytes at %u of a page", req->size, req->offset);
	}
	/* What the others leave is in the first. */
	p->req[0].size = (u16)rest;
	if ((u32)p->req[0].offset + rest > PAGE_BYTES)
		return netback_fail(q, "%u bytes at %u of a page", rest, p->req[0].offset);
	return 0;
}

static void respond(struct netback_queue *q, const struct packet *p, s16 status)
{
	struct netif_tx_response rsp = { 0 };
	u32 i, extra;

	ring_take(&q->tx, p->reqs + p->extras);
	for (i = 0; i < p->reqs; i++) {
		rsp.id = p->req[i].id;
		rsp.status = status;
		ring_put(&q->tx, &rsp, sizeof(rsp));
		if (i)
			continue;
		rsp.status = NETIF_RSP_NULL;
		for (extra = 0; extra < p->extras; extra++)
			ring_put(&q->tx, &rsp, sizeof(rsp));
	}
}

static int map_packet(struct netback_queue *q, struct packet *p)
{
	void *at;
	int ret;

	for (; p->mapped < p->reqs; p->mapped++) {
		ret = gnttab_map(q->nb->gt, p->req[p->mapped].gref, GNTTAB_READ, &at);
		if (ret)
			return ret;
		p->at[p->mapped] = at;
	}
	return 0;
}

static void unmap_packet(struct netback_queue *q, struct packet *p)
{
	while (p->mapped)
		gnttab_unmap(q->nb->gt, p->req[--p->mapped].gref, GNTTAB_READ);
}

/* The frame's first bytes into a copy, all others from where they are. */
static void gather(struct gather *g, const struct packet *p, u32 head)
{
	u32 i, done = 0, part;

	g->count = 1;
	g->iov[0] = (struct iovec){ &g->header, sizeof(g->header) };
	if (head)
		g->iov[g->count++] = (struct iovec){ g->head, head };
	for (i = 0; i < p->reqs; i++) {
		u8 *at = p->at[i] + p->req[i].offset;

		part = head - done < p->req[i].size ? head - done : p->req[i].size;
		memcpy(g->head + done, at, part);
		done += part;
		if (part < p->req[i].size)
			g->iov[g->count++] = (struct iovec){ at + part, p->req[i].size - part };
	}
}

static int segment(struct netback_queue *q, const struct packet *p, struct gather *g,
		   const struct frame *frame)
{
	const struct netif_extra *gso = &p->extra[NETIF_EXTRA_GSO];
	bool v6 = gso->gso.type == NETIF_GSO_TCPV6;

	if (gso->gso.type != NETIF_GSO_TCPV4 && !v6)
		return -EPROTO;
	if (!gso->gso.size || !frame->tcp || frame->v6 != v6 ||
	    !(q->nb->offers & (v6 ? NET_TSO6 : NET_TSO4)))
		return -EPROTO;
	g->header.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	if (frame->cwr)
		g->header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	g->header.gso_size = gso->gso.size;
	g->header.hdr_len = frame->data;
	return 0;
}

/* Fill in what the wire must know, or do it here when it cannot. */
static int offload(struct netback_queue *q, const struct packet *p, struct gather *g)
{
	bool gso = p->extra[NETIF_EXTRA_GSO].type;
	u32 head = p->total < FRAME_HEADERS ? p->total : FRAME_HEADERS;
	struct frame frame;
	int ret;

	memset(&g->header, 0, sizeof(g->header));
	if (!gso && !(p->req[0].flags & NETTXF_CSUM_BLANK)) {
		gather(g, p, 0);
		return 0;
	}
	gather(g, p, head);
	ret = frame_parse(&frame, g->head, head);
	if (!ret && gso)
		ret = segment(q, p, g, &frame);
	if (ret)
		return ret;
	/* Some front ends leave the field empty. */
	frame_pseudo(&frame, g->head, p->total);
	if (!gso && !(q->nb->wire->accepts & q->nb->offers & NET_CSUM))
		return frame_finish(g->iov + 1, g->count - 1, frame.l4, frame.checksum);
	g->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	g->header.csum_start = frame.l4;
	g->header.csum_offset = frame.checksum;
	return 0;
}

static void count(atomic_ulong *counter, unsigned long by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* Return: a status, or -EAGAIN: the wire is full, try again later. */
static int send_packet(struct netback_queue *q, struct packet *p)
{
	struct gather g;
	ssize_t sent;

	if (p->total < FRAME_HEADER || map_packet(q, p) || offload(q, p, &g)) {
		count(&q->stat.tx_errors, 1);
		return NETIF_RSP_ERROR;
	}
	do
		sent = writev(q->fd, g.iov, (int)g.count);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return -EAGAIN;
	if (sent < 0) {
		/* As a cable that is not plugged in. */
		count(&q->stat.tx_dropped, 1);
		return NETIF_RSP_DROPPED;
	}
	count(&q->stat.tx_packets, 1);
	count(&q->stat.tx_bytes, p->total);
	return NETIF_RSP_OKAY;
}

static bool same_mac(const u8 *a, const u8 *b)
{
	return !memcmp(a, b, 6);
}

/* A request without a frame: more or fewer multicast addresses. */
static s16 multicast(struct netback_queue *q, const struct packet *p)
{
	struct netback *nb = q->nb;
	const struct netif_extra *add = &p->extra[NETIF_EXTRA_MCAST_ADD];
	const struct netif_extra *del = &p->extra[NETIF_EXTRA_MCAST_DEL];
	s16 status = NETIF_RSP_OKAY;
	u32 i;

	pthread_mutex_lock(&nb->lock);
	for (i = 0; del->type && i < nb->mcasts; i++)
		if (same_mac(nb->mcast[i], del->mcast)) {
			memcpy(nb->mcast[i], nb->mcast[--nb->mcasts], 6);
			break;
		}
	for (i = 0; add->type && i < nb->mcasts; i++)
		if (same_mac(nb->mcast[i], add->mcast))
			break;
	if (add->type && i == NETBACK_MCAST)
		status = NETIF_RSP_ERROR;
	else if (add->type && i == nb->mcasts)
		memcpy(nb->mcast[nb->mcasts++], add->mcast, 6);
	pthread_mutex_unlock(&nb->lock);
	return status;
}

u32 netback_tx(struct netback_queue *q, u32 budget)
{
	struct packet p;
	u32 sent = 0;
	int pending, status;

	q->blocked = false;
	while (sent < budget && !q->broken) {
		pending = ring_pending(&q->tx);
		if (pending < 0)
			netback_fail(q, "more requests to send than the ring has");
		if (pending <= 0 || read_packet(q, &p, (u32)pending))
			break;
		if (p.extra[NETIF_EXTRA_MCAST_ADD].type || p.extra[NETIF_EXTRA_MCAST_DEL].type)
			status = multicast(q, &p);
		else
			status = send_packet(q, &p);
		unmap_packet(q, &p);
		if (status == -EAGAIN) {
			q->blocked = true;
			break;
		}
		respond(q, &p, (s16)status);
		sent++;
	}
	return sent;
}
