/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest in the same process for the tests of netback: memory, a grant table
 * of version 1 and a network front end that keeps the rules, with a wire that
 * the test holds the other end of.  test_xen_netback*.c include it.
 */
#ifndef SELFTESTS_UNIT_XEN_FRONT_H
#define SELFTESTS_UNIT_XEN_FRONT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/xen/netback.h"
#include "selftests/unit/unit.h"

#define FRONT_MEMORY	(8 * MIB)
#define FRONT_FRAMES	8U
#define TX_GFN		1U
#define RX_GFN		2U
#define TX_BUF		256U		/* frame of the first buffer to send */
#define RX_BUF		1024U
#define TX_GRANT	16U		/* grant of TX_BUF */
#define RX_GRANT	1024U
#define SLOTS		256U
#define TX_PORT		5U
#define RX_PORT		6U

struct entry {
	u16 flags, domid;
	u32 frame;
};

struct front {
	struct gmem mem;
	struct gnttab gt;
	struct gnttab_info info;
	struct entry *grants;
	struct netback nb;
	struct netback_front want;
	struct net_wire wire;
	int far;			/* the test's end */
	struct ring_shared *tx, *rx;
	u32 tx_prod, tx_cons, rx_prod, rx_cons;
	unsigned int events[16];	/* by port */
	int kick[16];
	char why[200];
	bool extra_next;		/* a slot of extra info is due */
};

static inline u8 *gfn(struct front *f, u32 n)
{
	return f->mem.base + n * PAGE_BYTES;
}

/* ---- the host of the back end ---- */

static inline int on_bind(void *arg, u32 port, int kick)
{
	struct front *f = arg;

	if (port >= ARRAY_SIZE(f->kick))
		return -EINVAL;
	f->kick[port] = kick;
	return 0;
}

static inline void on_unbind(void *arg, u32 port)
{
	((struct front *)arg)->kick[port] = -1;
}

static inline void on_send(void *arg, u32 port)
{
	__atomic_fetch_add(&((struct front *)arg)->events[port], 1, __ATOMIC_SEQ_CST);
}

static inline void on_broken(void *arg, const char *why)
{
	struct front *f = arg;

	snprintf(f->why, sizeof(f->why), "%s", why);
}

static inline void grant(struct front *f, u32 ref, u32 frame, u16 flags)
{
	f->grants[ref] = (struct entry){ flags, 0, frame };
}

static inline bool front_new(struct front *f, u32 offers)
{
	const struct netback_host host = {
		.arg = f, .bind = on_bind, .unbind = on_unbind, .send = on_send,
		.broken = on_broken,
	};
	int pair[2];
	u32 i;

	memset(f, 0, sizeof(*f));
	f->grants = calloc(FRONT_FRAMES, PAGE_BYTES);
	if (gmem_create(&f->mem, FRONT_MEMORY, GMEM_ANON, NULL) ||
	    gnttab_init(&f->gt, &f->mem, f->grants, FRONT_FRAMES, NULL, &f->info, NULL) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return false;
	atomic_store(&f->info.version, 1);
	atomic_store(&f->info.frames, FRONT_FRAMES);
	f->wire = (struct net_wire){ .kind = NET_USER, .queues = 1, .accepts = NET_OFFLOADS };
	f->wire.fd[0] = pair[0];
	f->far = pair[1];
	for (i = 0; i < SLOTS; i++) {
		grant(f, TX_GRANT + i, TX_BUF + i, 1 | 4);
		grant(f, RX_GRANT + i, RX_BUF + i, 1);
	}
	grant(f, 8, TX_GFN, 1);
	grant(f, 9, RX_GFN, 1);
	f->tx = (struct ring_shared *)gfn(f, TX_GFN);
	f->rx = (struct ring_shared *)gfn(f, RX_GFN);
	atomic_store(&f->tx->rsp_event, 1);
	atomic_store(&f->rx->rsp_event, 1);
	f->want = (struct netback_front){
		.queues = 1, .offloads = NET_OFFLOADS, .csum6 = true, .sg = true,
		.queue[0] = { .tx_ref = 8, .rx_ref = 9, .tx_port = TX_PORT, .rx_port = RX_PORT },
	};
	return !netback_init(&f->nb, &host, &f->gt, &f->wire, offers, NULL);
}

/* As netback_connect(), without a thread. */
static inline struct netback_queue *front_attach(struct front *f)
{
	struct netback_queue *q = &f->nb.queue[0];

	f->nb.front = f->want;
	f->nb.front.offloads &= f->nb.offers;
	q->tx_ref = 8;
	q->rx_ref = 9;
	q->tx_port = TX_PORT;
	q->rx_port = RX_PORT;
	return netback_attach(q, NULL) ? NULL : q;
}

/* netback_work() after the wire was looked at. */
static inline bool front_work(struct netback_queue *q)
{
	q->ready = true;
	return netback_work(q);
}

static inline void front_free(struct front *f)
{
	netback_exit(&f->nb);
	gnttab_exit(&f->gt);
	free(f->grants);
	gmem_destroy(&f->mem);
	close(f->far);
	close(f->wire.fd[0]);
}

static inline void *slot_of(struct ring_shared *ring, u32 index, u32 size)
{
	return (u8 *)ring + 64 + (index % SLOTS) * size;
}

/* ---- a front end's steps ---- */

static inline void put_tx(struct front *f, u32 buf, u16 offset, u16 size, u16 flags)
{
	struct netif_tx_request req = {
		.gref = TX_GRANT + buf, .offset = offset, .size = size, .flags = flags,
		.id = (u16)buf,
	};

	memcpy(slot_of(f->tx, f->tx_prod++, 12), &req, sizeof(req));
}

static inline void put_extra(struct front *f, const struct netif_extra *extra)
{
	memcpy(slot_of(f->tx, f->tx_prod++, 12), extra, sizeof(*extra));
}

static inline void show_tx(struct front *f)
{
	atomic_store(&f->tx->req_prod, f->tx_prod);
}

/* The next response's status, or 100: there is none. */
static inline int take_tx(struct front *f, u16 *id)
{
	struct netif_tx_response rsp;

	if (f->tx_cons == atomic_load(&f->tx->rsp_prod))
		return 100;
	memcpy(&rsp, slot_of(f->tx, f->tx_cons++, 12), sizeof(rsp));
	if (id)
		*id = rsp.id;
	return rsp.status;
}

static inline void put_rx(struct front *f, u32 count)
{
	while (count--) {
		u32 buf = f->rx_prod % SLOTS;
		struct netif_rx_request req = { .id = (u16)buf, .gref = RX_GRANT + buf };

		memcpy(slot_of(f->rx, f->rx_prod++, 8), &req, sizeof(req));
	}
	atomic_store(&f->rx->req_prod, f->rx_prod);
}

/* struct got - a packet as the front end received it */
struct got {
	u32 len;
	u16 flags;
	struct netif_extra extra;
	u32 slots;
	u8 data[FRAME_MAX + PAGE_BYTES];
};

/* 0, -EAGAIN: none, or what is wrong with its responses */
static inline int take_rx(struct front *f, struct got *got)
{
	struct netif_rx_response rsp;
	u32 avail = atomic_load(&f->rx->rsp_prod) - f->rx_cons;

	got->len = 0;
	got->slots = 0;
	got->extra.type = 0;
	do {
		u32 buf = f->rx_cons % SLOTS;

		if (got->slots == avail)
			return got->slots ? -ENODATA : -EAGAIN;
		memcpy(&rsp, slot_of(f->rx, f->rx_cons++, 8), sizeof(rsp));
		got->slots++;
		if (rsp.id != buf)
			return -EBADSLT;
		if (rsp.status < 0)
			return rsp.status;
		if (rsp.offset + rsp.status > (int)PAGE_BYTES ||
		    got->len + (u32)rsp.status > sizeof(got->data))
			return -E2BIG;
		if (f->grants[RX_GRANT + buf].flags != 1)
			return -EBUSY;		/* still in use */
		memcpy(got->data + got->len, gfn(f, RX_BUF + buf) + rsp.offset, (u32)rsp.status);
		got->len += (u32)rsp.status;
		if (got->slots == 1)
			got->flags = rsp.flags;
		if (got->slots == 1 && rsp.flags & NETRXF_EXTRA_INFO) {
			if (got->slots == avail)
				return -ENODATA;
			memcpy(&got->extra, slot_of(f->rx, f->rx_cons++, 8), sizeof(got->extra));
			got->slots++;
		}
	} while (rsp.flags & NETRXF_MORE_DATA);
	return 0;
}

/* ---- the wire's far end ---- */

struct wired {
	struct virtio_net_hdr header;
	u8 data[FRAME_MAX + 1];
};

static inline ssize_t far_read(struct front *f, struct wired *w)
{
	ssize_t got = read(f->far, w, sizeof(*w));

	return got < 0 ? -1 : got - (ssize_t)sizeof(w->header);
}

static inline bool far_write(struct front *f, const struct virtio_net_hdr *header, const u8 *data,
			     u32 len)
{
	struct iovec iov[2] = {
		{ (void *)header, sizeof(*header) }, { (void *)data, len },
	};

	return writev(f->far, iov, 2) == (ssize_t)(len + sizeof(*header));
}

/* A TCP or UDP frame of @len bytes with a header and no checksum. */
static inline void make_frame(u8 *p, u32 len, bool v6, bool tcp)
{
	u32 l4 = 14 + (v6 ? 40 : 20), i;
	static const u8 eth[12] = { 0, 0x16, 0x3e, 1, 2, 3, 0, 0x16, 0x3e, 4, 5, 6 };

	for (i = 0; i < len; i++)
		p[i] = (u8)(i * 7 + (i >> 8) + len);
	memcpy(p, eth, 12);
	memset(p + 14, 0, l4 - 14 + (tcp ? 20 : 8));
	p[12] = v6 ? 0x86 : 0x08;
	p[13] = v6 ? 0xdd : 0;
	if (v6) {
		p[14] = 0x60;
		p[18] = (u8)((len - 54) >> 8);
		p[19] = (u8)(len - 54);
		p[20] = tcp ? 6 : 17;
		p[22] = 0xfe;
		p[38] = 0xfe;
		p[37] = 1;
		p[53] = 2;
	} else {
		p[14] = 0x45;
		p[16] = (u8)((len - 14) >> 8);
		p[17] = (u8)(len - 14);
		p[22] = 64;
		p[23] = tcp ? 6 : 17;
		p[26] = 10;
		p[30] = 10;
		p[29] = 1;
		p[33] = 2;
	}
	p[l4 + 1] = 80;
	p[l4 + 3] = 99;
	if (tcp)
		p[l4 + 12] = 0x50;
	else
		p[l4 + 5] = (u8)(len - l4);
}

/* Its checksum is right. */
static inline bool sums(const u8 *p, u32 len)
{
	static u8 copy[FRAME_MAX + 1];
	struct iovec iov = { copy, len };
	struct frame frame;
	u16 was, now;

	memcpy(copy, p, len);
	if (frame_parse(&frame, copy, len < FRAME_HEADERS ? len : FRAME_HEADERS))
		return false;
	memcpy(&was, copy + frame.l4 + frame.checksum, 2);
	frame_pseudo(&frame, copy, len);
	if (frame_finish(&iov, 1, frame.l4, frame.checksum))
		return false;
	memcpy(&now, copy + frame.l4 + frame.checksum, 2);
	return was == now;
}

#endif /* SELFTESTS_UNIT_XEN_FRONT_H */
