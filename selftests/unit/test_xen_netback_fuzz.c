// SPDX-License-Identifier: GPL-2.0
/*
 * netback with its threads: frames both ways at full speed, none lost and none
 * changed, and nobody asleep while there is work; then a guest that writes
 * anything into rings, grants and pages while they are read.  Run by
 * selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.
 */
/* SOURCES: userspace/xen/netback.c userspace/xen/netback_tx.c userspace/xen/netback_rx.c */
/* SOURCES: userspace/xen/ring.c userspace/xen/gnttab.c userspace/net/frame.c */
/* SOURCES: userspace/lib/mem.c userspace/lib/err.c */
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "selftests/unit/xen_front.h"

int net_offload(struct net_wire *wire, u32 flags)
{
	return 0;
}

int net_use_queues(struct net_wire *wire, u32 count)
{
	return 0;
}

static void kick(struct front *f, u32 port)
{
	u64 one = 1;

	if (f->kick[port] >= 0 && write(f->kick[port], &one, sizeof(one)) < 0)
		return;
}

/* Frame @i of a stream: length and bytes follow from its number. */
static u32 stream_frame(u8 *p, u32 i)
{
	u32 len = 60 + i * 7919 % 9000;

	make_frame(p, len, false, true);
	memcpy(p + 54, &i, 4);
	return len;
}

static bool stream_right(const u8 *p, u32 len, u32 i)
{
	u8 want[10000];

	return len == stream_frame(want, i) && !memcmp(want, p, len);
}

struct stream {
	struct front *f;
	u32 frames;
	atomic_bool bad;
	atomic_uint done;		/* frames that came out */
	struct got got;
	struct wired wired;
};

/* The host: what came, in order; and as much the other way. */
static void *host_side(void *arg)
{
	struct stream *s = arg;
	struct virtio_net_hdr header = { 0 };
	struct pollfd fd = { .fd = s->f->far };
	u32 in = 0, out = 0, len;
	u8 frame[10000];
	ssize_t got;

	while ((in < s->frames || out < s->frames) && !atomic_load(&s->bad)) {
		fd.events = (short)((in < s->frames ? POLLIN : 0) |
				    (out < s->frames ? POLLOUT : 0));
		if (poll(&fd, 1, 20000) <= 0) {
			atomic_store(&s->bad, true);	/* asleep */
			break;
		}
		while (in < s->frames && (got = far_read(s->f, &s->wired)) >= 0)
			if (!stream_right(s->wired.data, (u32)got, in++))
				atomic_store(&s->bad, true);
		while (out < s->frames) {
			len = stream_frame(frame, out);
			if (!far_write(s->f, &header, frame, len))
				break;
			out++;
		}
	}
	return NULL;
}

static void stream_send(struct front *f, u32 i)
{
	u8 frame[10000];
	u32 len = stream_frame(frame, i), at = 0, part;

	while (at < len) {
		u32 buf = f->tx_prod % SLOTS;

		part = len - at < 4000 ? len - at : 4000;
		memcpy(gfn(f, TX_BUF + buf) + 96, frame + at, part);
		put_tx(f, buf, 96, (u16)(at ? part : len), at + part < len ? NETTXF_MORE_DATA : 0);
		at += part;
	}
	show_tx(f);
}

static bool asks(struct ring_shared *ring, u32 old, u32 now)
{
	atomic_thread_fence(memory_order_seq_cst);
	return now - atomic_load(&ring->req_event) < now - old;
}

/* The guest, as a driver that polls; it kicks when it is asked to. */
static bool guest_side(struct stream *s)
{
	struct front *f = s->f;
	u32 sent = 0, in = 0, old, idle = 0;
	bool good = true;

	put_rx(f, SLOTS);
	kick(f, RX_PORT);
	while ((sent < s->frames || in < s->frames || f->tx_cons != f->tx_prod) && good &&
	       !atomic_load(&s->bad)) {
		bool moved = false;

		old = f->tx_prod;
		while (sent < s->frames && f->tx_prod - f->tx_cons < SLOTS - 4) {
			stream_send(f, sent++);
			moved = true;
		}
		if (old != f->tx_prod && asks(f->tx, old, f->tx_prod))
			kick(f, TX_PORT);
		while (f->tx_cons != atomic_load(&f->tx->rsp_prod)) {
			good &= take_tx(f, NULL) == 0;
			moved = true;
		}
		atomic_store(&f->tx->rsp_event, f->tx_cons + 1);
		old = f->rx_prod;
		while (take_rx(f, &s->got) == 0) {
			good &= stream_right(s->got.data, s->got.len, in++);
			put_rx(f, s->got.slots);
			moved = true;
		}
		if (old != f->rx_prod && asks(f->rx, old, f->rx_prod))
			kick(f, RX_PORT);
		atomic_store(&f->rx->rsp_event, f->rx_cons + 1);
		idle = moved ? 0 : idle + 1;
		if (idle > 20) {
			const struct timespec nap = { .tv_nsec = 100000 };

			nanosleep(&nap, NULL);
			good &= idle < 200000;
		}
	}
	return good;
}

static bool streams(u32 frames, bool one_port)
{
	static struct stream s;
	struct front f;
	struct netback_queue *q = &f.nb.queue[0];
	pthread_t thread;
	struct err err;
	bool good;

	memset(&s, 0, sizeof(s));
	s.f = &f;
	s.frames = frames;
	if (!front_new(&f, NET_OFFLOADS))
		return false;
	if (one_port)
		f.want.queue[0].rx_port = TX_PORT;
	if (netback_connect(&f.nb, &f.want, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	if (one_port)
		f.kick[RX_PORT] = f.kick[TX_PORT];
	pthread_create(&thread, NULL, host_side, &s);
	good = guest_side(&s);
	pthread_join(thread, NULL);
	good &= !atomic_load(&s.bad) && !f.why[0];
	netback_disconnect(&f.nb);
	printf("# %lu frames out, %lu in, %lu events, %lu sleeps\n",
	       atomic_load(&q->stat.tx_packets), atomic_load(&q->stat.rx_packets),
	       atomic_load(&q->stat.events), atomic_load(&q->stat.sleeps));
	good &= atomic_load(&q->stat.tx_packets) == frames &&
		atomic_load(&q->stat.rx_packets) == frames;
	good &= !atomic_load(&f.gt.mapped) && !atomic_load(&f.info.users);
	front_free(&f);
	return good;
}

/* What a front end may ask for is checked before anything runs. */
static bool connects(void)
{
	struct front f;
	struct err err;
	bool good = front_new(&f, NET_OFFLOADS);

	f.want.queues = 0;
	good &= netback_connect(&f.nb, &f.want, &err) == -EINVAL;
	f.want.queues = 2;
	good &= netback_connect(&f.nb, &f.want, &err) == -EINVAL;
	f.want.queues = 1;
	f.want.queue[0].tx_ref = ~0U;
	good &= netback_connect(&f.nb, &f.want, &err) == -ENOENT && strstr(err.text, "tx ring");
	f.want.queue[0].tx_ref = TX_GRANT;	/* read-only */
	good &= netback_connect(&f.nb, &f.want, &err) == -EACCES;
	f.want.queue[0].tx_ref = 8;
	f.want.queue[0].rx_port = 99;
	good &= netback_connect(&f.nb, &f.want, &err) == -EINVAL;
	f.want.queue[0].rx_port = RX_PORT;
	atomic_store(&f.rx->req_prod, 300);
	good &= netback_connect(&f.nb, &f.want, &err) == -EPROTO;
	atomic_store(&f.rx->req_prod, 0);
	good &= !atomic_load(&f.gt.mapped);
	good &= !netback_connect(&f.nb, &f.want, &err);
	netback_disconnect(&f.nb);
	good &= !netback_connect(&f.nb, &f.want, &err);	/* and once more */
	netback_disconnect(&f.nb);
	good &= !atomic_load(&f.gt.mapped) && f.kick[TX_PORT] == -1 && f.kick[RX_PORT] == -1;
	front_free(&f);
	return good;
}

/* ---- anything ---- */

static u16 some_size(u64 r)
{
	return r % 64 ? (u16)(r >> 8) % 1600 : (u16)(r >> 8);
}

static void nasty_request(struct front *f, u64 *state)
{
	u64 r = rng_of(state), s = rng_of(state);
	struct netif_tx_request req = {
		.gref = r % 16 ? TX_GRANT + (u32)(s % SLOTS) : (u32)s,
		.offset = r & 32 ? (u16)(s >> 40) % (r & 0x1f00 ? 2400 : 4096) : 0,
		.flags = (u16)(r >> 8 & (r & 64 && r % 7 == 0 ? 15 : 1)), .id = (u16)s,
		.size = some_size(s),
	};
	struct netif_extra extra = {
		.type = (u8)(r >> 16 & (r & 128 ? 7 : 1)), .flags = (u8)(r >> 20 & r >> 21 & 1),
		.gso = { .size = (u16)(s >> 16), .type = (u8)(s % 4) },
	};

	if (f->extra_next)
		memcpy(slot_of(f->tx, f->tx_prod++, 12), &extra, sizeof(extra));
	else
		memcpy(slot_of(f->tx, f->tx_prod++, 12), &req, sizeof(req));
	f->extra_next = req.flags & NETTXF_EXTRA_INFO && r % 5 && !f->extra_next;
}

static void nasty_page(struct front *f, u64 *state)
{
	u64 r = rng_of(state);
	u8 *p = gfn(f, TX_BUF + (u32)(r % SLOTS)) + (r >> 8) % 64;

	make_frame(p, 60 + (u32)(r >> 16) % 200, r & 1, r & 2);
	p[(r >> 24) % 80] = (u8)(r >> 40);
}

static void nasty_grant(struct front *f, u64 *state)
{
	u64 r = rng_of(state);
	u32 ref = (r & 1 ? TX_GRANT : RX_GRANT) + (u32)(r >> 8) % SLOTS;
	struct entry *e = &f->grants[ref];

	switch (r >> 32 & 15) {
	case 0:
		__atomic_store_n(&e->flags, (u16)(r >> 16), __ATOMIC_RELAXED);
		break;
	case 1:
		__atomic_store_n(&e->domid, (u16)(r >> 16) & 1, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n(&e->frame, (u32)rng_of(state), __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n(&e->frame, RX_BUF + (u32)(r >> 16) % SLOTS, __ATOMIC_RELAXED);
		__atomic_store_n(&e->domid, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&e->flags, 1, __ATOMIC_RELAXED);
		break;
	}
}

static void nasty_frame(struct front *f, u64 *state)
{
	static u8 frame[FRAME_MAX];
	u64 r = rng_of(state), s = rng_of(state);
	struct virtio_net_hdr header = {
		.flags = (u8)(r % 4), .gso_type = (u8)((r >> 8) & (r >> 16) & 0x85),
		.gso_size = (u16)(r >> 24), .csum_start = (u16)(s & 1 ? 34 : s >> 32),
		.csum_offset = (u16)(s & 2 ? 16 : s >> 48),
	};
	u32 len = (u32)(s % 8 ? s >> 16 & 2047 : s >> 16 & 0xffff);

	if (len >= 60)
		make_frame(frame, len, r & 1 << 20, r & 2 << 20);
	far_write(f, &header, frame, len);
}

/* One round of a guest and a wire that do what they like. */
static void nasty_round(struct front *f, struct netback_queue *q, u64 *state)
{
	u32 n = (u32)(rng_of(state) % 12);

	while (n--) {
		nasty_request(f, state);
		nasty_page(f, state);
	}
	show_tx(f);
	nasty_grant(f, state);
	if (rng_of(state) % 4 == 0)
		put_rx(f, (u32)(rng_of(state) % 20));
	if (rng_of(state) % 8 == 0)
		nasty_frame(f, state);
	if (rng_of(state) % 256 == 0)
		atomic_store(&f->tx->req_prod, (u32)rng_of(state));
	front_work(q);
	netback_idle(q);
	while (far_read(f, (struct wired *)gfn(f, 512)) >= 0)
		;
}

static void restart(struct front *f, struct netback_queue *q)
{
	u32 i;

	netback_detach(q);
	atomic_store(&f->tx->req_prod, q->tx.rsp_prod);
	atomic_store(&f->tx->rsp_prod, q->tx.rsp_prod);
	atomic_store(&f->rx->req_prod, q->rx.rsp_prod);
	atomic_store(&f->rx->rsp_prod, q->rx.rsp_prod);
	f->tx_prod = q->tx.rsp_prod;
	f->rx_prod = q->rx.rsp_prod;
	for (i = 0; i < 2 * SLOTS; i++)
		grant(f, (i & 1 ? TX_GRANT : RX_GRANT) + i / 2,
		      (i & 1 ? TX_BUF : RX_BUF) + i / 2, 1);
	grant(f, 8, TX_GFN, 1);
	grant(f, 9, RX_GFN, 1);
	front_attach(f);
}

static bool chaos(unsigned long rounds)
{
	struct front f;
	struct netback_queue *q;
	unsigned long breaks = 0;
	bool good;

	if (!front_new(&f, NET_OFFLOADS))
		return false;
	q = front_attach(&f);
	while (rounds--) {
		nasty_round(&f, q, &rng_state);
		if (q->broken) {
			breaks++;
			restart(&f, q);
		}
	}
	printf("# %lu packets, %lu errors, %lu frames, %lu dropped, %lu bad pages, %lu restarts\n",
	       atomic_load(&q->stat.tx_packets), atomic_load(&q->stat.tx_errors),
	       atomic_load(&q->stat.rx_packets), atomic_load(&q->stat.rx_dropped),
	       atomic_load(&q->stat.rx_errors), breaks);
	good = atomic_load(&q->stat.tx_packets) && atomic_load(&q->stat.tx_errors) &&
	       atomic_load(&q->stat.rx_packets) && atomic_load(&q->stat.rx_dropped) && breaks;
	netback_detach(q);
	good &= !atomic_load(&f.gt.mapped) && !atomic_load(&f.info.users);
	front_free(&f);
	return good;
}

static atomic_bool stop;

static void *scribble(void *arg)
{
	struct front *f = arg;
	u64 state = 0x123456789ULL;

	while (!atomic_load(&stop)) {
		u64 r = rng_of(&state);
		_Atomic u32 *tx = (_Atomic u32 *)f->tx, *rx = (_Atomic u32 *)f->rx;

		atomic_store(&tx[16 + (r >> 8) % 1000], (u32)(r >> 32) & 0x0fff000f);
		atomic_store(&rx[16 + (r >> 20) % 1000], RX_GRANT + (u32)(r >> 32) % 300);
		atomic_store(&tx[r % 4 == 2 ? 3 : 1], (u32)r);
		if (r % 1024 == 0)
			atomic_store(&tx[0], (u32)(r >> 32));
		nasty_grant(f, &state);
		nasty_page(f, &state);
	}
	return NULL;
}

static bool race(unsigned long rounds)
{
	struct front f;
	struct netback_queue *q;
	pthread_t thread;
	bool good;

	if (!front_new(&f, NET_OFFLOADS))
		return false;
	q = front_attach(&f);
	atomic_store(&stop, false);
	pthread_create(&thread, NULL, scribble, &f);
	while (rounds--) {
		nasty_round(&f, q, &rng_state);
		if (q->broken)
			restart(&f, q);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	netback_detach(q);
	good = !atomic_load(&f.gt.mapped) && !atomic_load(&f.info.users);
	front_free(&f);
	return good;
}

#define FUZZ	125000U	/* of each kind */

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	result(connects(), "what a front end may ask for");
	result(streams(20000, false), "frames both ways, two event channels");
	result(streams(20000, true), "frames both ways, one event channel");
	result(chaos(FUZZ), "rings, grants, pages and frames of any content");
	result(race(FUZZ), "the same, changing while they are read");
	printf("# %u cases\n", 2 * FUZZ);
	return finish();
}
