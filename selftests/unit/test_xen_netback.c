// SPDX-License-Identifier: GPL-2.0
/*
 * netback against a front end in the same process: packets of every shape both
 * ways, offloads, and what a guest can do wrong.  Run by selftests/unit/Makefile;
 * TAP on stdout, exit status 0 or 1.
 */
/* SOURCES: userspace/xen/netback.c userspace/xen/netback_tx.c userspace/xen/netback_rx.c */
/* SOURCES: userspace/xen/ring.c userspace/xen/gnttab.c userspace/net/frame.c */
/* SOURCES: userspace/lib/mem.c userspace/lib/err.c */
#include "selftests/unit/xen_front.h"

static u32 offloaded;

int net_offload(struct net_wire *wire, u32 flags)
{
	offloaded = flags;
	return 0;
}

int net_use_queues(struct net_wire *wire, u32 count)
{
	return 0;
}

static struct wired wired;
static struct got got;
static u8 frame[FRAME_MAX + PAGE_BYTES];

/* Spread a frame over buffers as @sizes says, and send it. */
static void send_frame(struct front *f, const u8 *data, const u32 *sizes, u32 n, u16 flags,
		       const struct netif_extra *extra)
{
	u32 i, total = 0, at = 0;

	for (i = 0; i < n; i++)
		total += sizes[i];
	for (i = 0; i < n; i++) {
		u32 buf = f->tx_prod % SLOTS;
		u16 offset = (u16)(sizes[i] == PAGE_BYTES ? 0 : (i * 37) % (PAGE_BYTES - sizes[i]));
		u16 more = i + 1 < n ? NETTXF_MORE_DATA : 0;

		memcpy(gfn(f, TX_BUF + buf) + offset, data + at, sizes[i]);
		at += sizes[i];
		put_tx(f, buf, offset, (u16)(i ? sizes[i] : total), i ? more :
		       (u16)(more | flags | (extra ? NETTXF_EXTRA_INFO : 0)));
		if (!i && extra)
			put_extra(f, extra);
	}
	show_tx(f);
}

static bool marks_gone(struct front *f)
{
	u32 i;

	for (i = 0; i < SLOTS; i++)
		if (f->grants[TX_GRANT + i].flags != 5)
			return false;
	return true;
}

static bool tx_shapes(void)
{
	static const struct {
		u32 n, sizes[20];
	} shapes[] = {
		{ 1, { 14 } }, { 1, { 60 } }, { 1, { 1514 } }, { 1, { 4096 } },
		{ 3, { 100, 700, 714 } }, { 2, { 1, 59 } }, { 2, { 0, 60 } },
		{ 18, { 255, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096,
			4096, 4096, 4096, 4096, 3000, 824 } },
		{ 20, { 100, 100, 100, 100, 100, 100, 100, 100, 100, 100,
			100, 100, 100, 100, 100, 100, 100, 100, 100, 100 } },
	};
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_OFFLOADS);
	u32 i, s, len;

	q = front_attach(&f);
	for (s = 0; q && s < ARRAY_SIZE(shapes); s++) {
		for (len = 0, i = 0; i < shapes[s].n; i++)
			len += shapes[s].sizes[i];
		make_frame(frame, len < 60 ? 60 : len, false, false);
		send_frame(&f, frame, shapes[s].sizes, shapes[s].n, 0, NULL);
		front_work(q);
		good &= far_read(&f, &wired) == (ssize_t)len && !memcmp(wired.data, frame, len);
		good &= !wired.header.flags && !wired.header.gso_type;
		for (i = 0; i < shapes[s].n; i++)
			good &= !take_tx(&f, NULL);
		good &= take_tx(&f, NULL) == 100 && marks_gone(&f);
	}
	good &= !q->broken && atomic_load(&q->stat.tx_packets) == ARRAY_SIZE(shapes);
	front_free(&f);
	return good;
}

/* Checksums left to the wire, or done for a wire that cannot. */
static bool tx_checksum(u32 offers)
{
	static const u32 sizes[3] = { 40, 30, 433 };
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, offers);
	u32 kind, len = 503, l4;

	q = front_attach(&f);
	for (kind = 0; q && kind < 4; kind++) {
		bool v6 = kind & 1, tcp = kind & 2;

		l4 = v6 ? 54 : 34;
		make_frame(frame, len, v6, tcp);
		send_frame(&f, frame, sizes, 3, NETTXF_CSUM_BLANK | NETTXF_DATA_VALIDATED, NULL);
		front_work(q);
		good &= far_read(&f, &wired) == (ssize_t)len;
		if (offers & NET_CSUM) {
			struct iovec iov = { wired.data, len };

			good &= wired.header.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM &&
				wired.header.csum_start == l4 &&
				wired.header.csum_offset == (tcp ? 16 : 6);
			frame_finish(&iov, 1, wired.header.csum_start, wired.header.csum_offset);
		} else {
			good &= !wired.header.flags;
		}
		good &= sums(wired.data, len);
		good &= !take_tx(&f, NULL) && !take_tx(&f, NULL) && !take_tx(&f, NULL);
	}
	/* A blank checksum where there can be none. */
	send_frame(&f, (const u8 *)"no frame with any header of that kind at all, but long enough",
		   (const u32 []){ 60 }, 1, NETTXF_CSUM_BLANK, NULL);
	front_work(q);
	good &= take_tx(&f, NULL) == NETIF_RSP_ERROR && far_read(&f, &wired) < 0 && !q->broken;
	front_free(&f);
	return good;
}

static bool tx_segments(void)
{
	struct netif_extra gso = { .type = NETIF_EXTRA_GSO };
	const u32 sizes[3] = { 2000, 4096, 4000 };
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_OFFLOADS);
	u32 v6;

	q = front_attach(&f);
	for (v6 = 0; q && v6 < 2; v6++) {
		make_frame(frame, 10096, v6, true);
		frame[(v6 ? 54 : 34) + 13] = v6 ? 0x80 : 0;	/* CWR */
		gso.gso.size = 1400;
		gso.gso.type = v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4;
		send_frame(&f, frame, sizes, 3, NETTXF_CSUM_BLANK, &gso);
		front_work(q);
		good &= far_read(&f, &wired) == 10096;
		good &= wired.header.gso_type == (v6 ? VIRTIO_NET_HDR_GSO_TCPV6 |
						       VIRTIO_NET_HDR_GSO_ECN :
						       VIRTIO_NET_HDR_GSO_TCPV4);
		good &= wired.header.gso_size == 1400 && wired.header.hdr_len == (v6 ? 74 : 54);
		good &= wired.header.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM;
		good &= !memcmp(wired.data + 80, frame + 80, 10096 - 80);
		good &= !take_tx(&f, NULL) && take_tx(&f, NULL) == NETIF_RSP_NULL &&
			!take_tx(&f, NULL) && !take_tx(&f, NULL) && take_tx(&f, NULL) == 100;
		/* of no size, of another protocol, of no protocol */
		gso.gso.size = 0;
		send_frame(&f, frame, sizes, 1, NETTXF_CSUM_BLANK, &gso);
		gso.gso.size = 1400;
		gso.gso.type = v6 ? NETIF_GSO_TCPV4 : NETIF_GSO_TCPV6;
		send_frame(&f, frame, sizes, 1, NETTXF_CSUM_BLANK, &gso);
		gso.gso.type = 7;
		send_frame(&f, frame, sizes, 1, NETTXF_CSUM_BLANK, &gso);
		front_work(q);
		good &= take_tx(&f, NULL) == -1 && take_tx(&f, NULL) == 1;
		good &= take_tx(&f, NULL) == -1 && take_tx(&f, NULL) == 1;
		good &= take_tx(&f, NULL) == -1 && take_tx(&f, NULL) == 1;
		good &= far_read(&f, &wired) < 0;
	}
	good &= !q->broken && marks_gone(&f);
	front_free(&f);
	return good;
}

/* Not offered: refused. */
static bool tx_not_offered(void)
{
	struct netif_extra gso = { .type = NETIF_EXTRA_GSO };
	const u32 size = 4000;
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_CSUM);

	q = front_attach(&f);
	make_frame(frame, size, false, true);
	gso.gso.size = 1400;
	gso.gso.type = NETIF_GSO_TCPV4;
	send_frame(&f, frame, &size, 1, NETTXF_CSUM_BLANK, &gso);
	front_work(q);
	good &= take_tx(&f, NULL) == NETIF_RSP_ERROR && far_read(&f, &wired) < 0;
	front_free(&f);
	return good;
}

/* ---- what a guest can do wrong ---- */

static struct netback_queue *fresh(struct front *f)
{
	if (!front_new(f, NET_OFFLOADS))
		return NULL;
	make_frame(frame, 1000, false, true);
	return front_attach(f);
}

/* The queue stops, with a sentence, and nothing of the guest's stays in use. */
static bool breaks(struct front *f, struct netback_queue *q, const char *word)
{
	bool good;

	front_work(q);
	good = q->broken && strstr(q->why, word) && far_read(f, &wired) < 0 && marks_gone(f);
	if (!good)
		printf("# broken %d: %s, expected: %s\n", q->broken, q->why, word);
	netback_detach(q);
	good &= !atomic_load(&f->gt.mapped) && !atomic_load(&f->info.users);
	front_free(f);
	return good;
}

static bool tx_breaks(void)
{
	struct netif_extra extra = { .type = NETIF_EXTRA_GSO, .flags = NETIF_EXTRA_FLAG_MORE };
	struct netback_queue *q;
	struct front f;
	bool good = true;
	u32 i;

	q = fresh(&f);
	put_tx(&f, 0, 4000, 200, 0);
	show_tx(&f);
	good &= breaks(&f, q, "200 bytes at 4000");
	q = fresh(&f);
	put_tx(&f, 0, 0, 200, NETTXF_MORE_DATA);
	put_tx(&f, 1, 4090, 10, 0);
	show_tx(&f);
	good &= breaks(&f, q, "10 bytes at 4090");
	q = fresh(&f);
	put_tx(&f, 0, 0, 200, NETTXF_MORE_DATA);
	show_tx(&f);
	good &= breaks(&f, q, "slot 1 is missing");
	q = fresh(&f);
	put_tx(&f, 0, 0, 200, NETTXF_MORE_DATA);
	put_tx(&f, 1, 0, 201, 0);
	show_tx(&f);
	good &= breaks(&f, q, "more than the packet's 200");
	q = fresh(&f);
	put_tx(&f, 0, 0, 1000, NETTXF_MORE_DATA);
	for (i = 1; i <= 20; i++)
		put_tx(&f, i, 0, 10, i < 20 ? NETTXF_MORE_DATA : 0);
	show_tx(&f);
	good &= breaks(&f, q, "more than 20 slots");
	q = fresh(&f);
	put_tx(&f, 0, 0, 1000, NETTXF_EXTRA_INFO);
	show_tx(&f);
	good &= breaks(&f, q, "extra info is missing");
	q = fresh(&f);
	put_tx(&f, 0, 0, 1000, NETTXF_EXTRA_INFO);
	put_extra(&f, &extra);
	put_extra(&f, &extra);
	show_tx(&f);
	good &= breaks(&f, q, "type 1 twice");
	q = fresh(&f);
	put_tx(&f, 0, 0, 1000, NETTXF_EXTRA_INFO);
	extra.type = 0;
	put_extra(&f, &extra);
	show_tx(&f);
	good &= breaks(&f, q, "type 0");
	q = fresh(&f);
	atomic_store(&f.tx->req_prod, 257);
	good &= breaks(&f, q, "more requests to send");
	q = fresh(&f);
	atomic_store(&f.rx->req_prod, 0x80000000);
	good &= breaks(&f, q, "more requests to receive");
	return good;
}

/* Errors that stay with their packet; the next one is sent. */
static bool tx_errors(void)
{
	const u32 sizes[2] = { 500, 500 };
	struct front f;
	struct netback_queue *q = fresh(&f);
	u16 id = 0;
	bool good = true;

	f.grants[TX_GRANT + 1].flags = 0;
	f.grants[TX_GRANT + 2].domid = 7;
	f.grants[TX_GRANT + 4].frame = 0x7fffffff;
	send_frame(&f, frame, sizes, 2, 0, NULL);		/* 0, 1 */
	send_frame(&f, frame, sizes, 2, 0, NULL);		/* 2, 3 */
	send_frame(&f, frame, sizes, 1, 0, NULL);		/* 4 */
	send_frame(&f, frame, (const u32 []){ 13 }, 1, 0, NULL);	/* too short */
	send_frame(&f, frame, sizes, 1, 0, NULL);		/* fine */
	front_work(q);
	good &= take_tx(&f, NULL) == -1 && take_tx(&f, &id) == -1 && id == 1;
	good &= take_tx(&f, NULL) == -1 && take_tx(&f, &id) == -1 && id == 3;
	good &= take_tx(&f, &id) == -1 && id == 4;
	good &= take_tx(&f, &id) == -1 && id == 5;
	good &= !take_tx(&f, &id) && id == 6;
	good &= far_read(&f, &wired) == 500 && far_read(&f, &wired) < 0;
	good &= atomic_load(&q->stat.tx_errors) == 4 && !q->broken;
	netback_detach(q);
	good &= !atomic_load(&f.gt.mapped);
	front_free(&f);
	return good;
}

/* A wire that takes no more: frames wait in the ring, in order. */
static bool tx_full(void)
{
	const u32 size = 1000;
	struct front f;
	struct netback_queue *q = fresh(&f);
	u32 i, seen = 0, rounds = 0;
	bool good = true, blocked = false;

	for (i = 0; i < 250; i++) {
		frame[999] = (u8)i;
		send_frame(&f, frame, &size, 1, 0, NULL);
	}
	i = 4096;
	setsockopt(f.wire.fd[0], SOL_SOCKET, SO_SNDBUF, &i, sizeof(i));
	while (seen < 250 && rounds++ < 1000) {
		while (front_work(q))
			;
		blocked |= q->blocked;
		while (far_read(&f, &wired) == 1000)
			good &= wired.data[999] == (u8)seen++;
	}
	good &= seen == 250 && blocked && !q->blocked;
	for (i = 0; i < 250; i++)
		good &= !take_tx(&f, NULL);
	front_free(&f);
	return good;
}

static bool multicast(void)
{
	static const u8 group[6] = { 1, 0, 0x5e, 1, 2, 3 }, other[6] = { 1, 0, 0x5e, 1, 2, 4 };
	struct netif_extra add = { .type = NETIF_EXTRA_MCAST_ADD };
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_OFFLOADS);
	u32 i;

	f.want.mcast = true;
	q = front_attach(&f);
	memcpy(add.mcast, group, 6);
	send_frame(&f, frame, (const u32 []){ 20 }, 1, 0, &add);
	front_work(q);
	good &= !take_tx(&f, NULL) && take_tx(&f, NULL) == 1 && far_read(&f, &wired) < 0;
	put_rx(&f, 20);
	make_frame(frame, 100, false, false);
	memcpy(frame, other, 6);
	far_write(&f, &header, frame, 100);
	memcpy(frame, group, 6);
	far_write(&f, &header, frame, 100);
	memset(frame, 0xff, 6);
	far_write(&f, &header, frame, 100);
	front_work(q);
	good &= !take_rx(&f, &got) && !memcmp(got.data, group, 6);
	good &= !take_rx(&f, &got) && got.data[0] == 0xff && take_rx(&f, &got) == -EAGAIN;
	add.type = NETIF_EXTRA_MCAST_DEL;
	send_frame(&f, frame, (const u32 []){ 20 }, 1, 0, &add);
	front_work(q);
	good &= !take_tx(&f, NULL) && take_tx(&f, NULL) == 1;
	memcpy(frame, group, 6);
	far_write(&f, &header, frame, 100);
	front_work(q);
	good &= take_rx(&f, &got) == -EAGAIN && atomic_load(&q->stat.rx_dropped) == 2;
	/* not without end */
	add.type = NETIF_EXTRA_MCAST_ADD;
	for (i = 0; i <= NETBACK_MCAST; i++) {
		add.mcast[5] = (u8)i;
		send_frame(&f, frame, (const u32 []){ 20 }, 1, 0, &add);
		front_work(q);
		good &= take_tx(&f, NULL) == (i < NETBACK_MCAST ? 0 : -1);
		take_tx(&f, NULL);
	}
	front_free(&f);
	return good;
}

/* ---- to the guest ---- */

static bool rx_shapes(void)
{
	static const u32 lens[] = { 14, 60, 1514, 4095, 4096, 4097, 9014, 20000, 65535, 65549 };
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good = true;
	u32 i;

	put_rx(&f, SLOTS);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		make_frame(frame, lens[i] < 60 ? 60 : lens[i], false, true);
		good &= far_write(&f, &header, frame, lens[i]);
		front_work(q);
		good &= !take_rx(&f, &got) && got.len == lens[i] && !got.extra.type &&
			!(got.flags & ~NETRXF_MORE_DATA) && !memcmp(got.data, frame, lens[i]);
		put_rx(&f, got.slots);
	}
	/* too short, and too long: gone, without harm */
	far_write(&f, &header, frame, 13);
	far_write(&f, &header, frame, 1514);
	front_work(q);
	good &= !take_rx(&f, &got) && got.len == 1514 && take_rx(&f, &got) == -EAGAIN;
	good &= atomic_load(&q->stat.rx_dropped) == 1;
	netback_detach(q);
	good &= !atomic_load(&f.gt.mapped);
	front_free(&f);
	return good;
}

static bool rx_segments(void)
{
	static const u32 lens[] = { 3000, 4097, 10000, 65549 };
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good = true;
	u32 i, v6;

	put_rx(&f, SLOTS);
	for (i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
		u32 len = lens[i / 2];

		v6 = i & 1;
		make_frame(frame, len, v6, true);
		header.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		header.gso_size = 1400;
		header.csum_start = v6 ? 54 : 34;
		header.csum_offset = 16;
		far_write(&f, &header, frame, len);
		front_work(q);
		good &= !take_rx(&f, &got) && got.len == len && !memcmp(got.data, frame, len);
		good &= got.extra.type == NETIF_EXTRA_GSO && !got.extra.flags &&
			got.extra.gso.size == 1400 &&
			got.extra.gso.type == (v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4);
		good &= (got.flags & ~NETRXF_MORE_DATA) ==
			(NETRXF_CSUM_BLANK | NETRXF_DATA_VALIDATED | NETRXF_EXTRA_INFO);
		put_rx(&f, got.slots);
	}
	front_free(&f);
	return good;
}

/* A guest with few pages gets a large frame when it has given enough. */
static bool rx_few(bool gso)
{
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good = true;
	u32 given, need, len;

	if (gso) {
		header = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1400,
			.csum_start = 34, .csum_offset = 16,
		};
	}
	for (len = 3000; len < FRAME_MAX; len += 6007) {
		make_frame(frame, len, false, true);
		far_write(&f, &header, frame, len);
		need = (len + 4095) / 4096 + gso;
		for (given = 0; given < need; given++) {
			front_work(q);
			good &= take_rx(&f, &got) == -EAGAIN;
			good &= netback_idle(q) && (!given || netback_rx_wants(q) == need);
			put_rx(&f, 1);
		}
		good &= !netback_idle(q);
		front_work(q);
		good &= !take_rx(&f, &got) && got.len == len && !memcmp(got.data, frame, len) &&
			got.slots == need;
	}
	front_free(&f);
	return good;
}

static bool rx_one_page(void)
{
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_OFFLOADS);

	f.want.sg = false;
	q = front_attach(&f);
	put_rx(&f, 10);
	make_frame(frame, 5000, false, true);
	far_write(&f, &header, frame, 5000);
	far_write(&f, &header, frame, 1514);
	front_work(q);
	good &= !take_rx(&f, &got) && got.len == 1514 && got.slots == 1;
	good &= take_rx(&f, &got) == -EAGAIN && atomic_load(&q->stat.rx_dropped) == 1;
	front_free(&f);
	return good;
}

static bool rx_checksum(bool can)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	struct front f;
	struct netback_queue *q;
	bool good = front_new(&f, NET_OFFLOADS);
	struct frame parsed;
	u32 kind, len = 6001;

	f.want.offloads = can ? NET_CSUM : 0;
	f.want.csum6 = can;
	q = front_attach(&f);
	put_rx(&f, 100);
	for (kind = 0; q && kind < 4; kind++) {
		make_frame(frame, len, kind & 1, kind & 2);
		frame_parse(&parsed, frame, 200);
		frame_pseudo(&parsed, frame, len);
		header.csum_start = parsed.l4;
		header.csum_offset = parsed.checksum;
		far_write(&f, &header, frame, len);
		front_work(q);
		good &= !take_rx(&f, &got) && got.len == len;
		if (can)
			good &= (got.flags & 3) == (NETRXF_CSUM_BLANK | NETRXF_DATA_VALIDATED) &&
				!memcmp(got.data, frame, len);
		else
			good &= !(got.flags & 3) && sums(got.data, len);
	}
	/* one that was checked, and one that cannot be */
	header = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	far_write(&f, &header, frame, 100);
	header = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 99,
					  .csum_offset = 1 };
	far_write(&f, &header, frame, 100);
	front_work(q);
	good &= !take_rx(&f, &got) && got.flags == NETRXF_DATA_VALIDATED;
	good &= take_rx(&f, &got) == -EAGAIN && atomic_load(&q->stat.rx_dropped) == 1;
	front_free(&f);
	return good;
}

/* Pages that cannot be used go back at once; the frame takes others. */
static bool rx_errors(void)
{
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good = true;

	f.grants[RX_GRANT + 0].flags = 1 | 4;
	f.grants[RX_GRANT + 1].domid = 3;
	f.grants[RX_GRANT + 3].frame = 0x7fffffff;
	put_rx(&f, 10);
	make_frame(frame, 5000, false, true);
	far_write(&f, &header, frame, 1000);
	far_write(&f, &header, frame, 5000);
	front_work(q);
	good &= take_rx(&f, &got) == NETIF_RSP_ERROR && take_rx(&f, &got) == NETIF_RSP_ERROR;
	good &= !take_rx(&f, &got) && got.len == 1000;		/* 2 */
	good &= take_rx(&f, &got) == NETIF_RSP_ERROR;		/* 3 */
	good &= !take_rx(&f, &got) && got.len == 5000 && !memcmp(got.data, frame, 5000);
	netback_detach(q);
	good &= !atomic_load(&f.gt.mapped) && !q->broken;
	front_free(&f);
	return good;
}

/* Events: one a batch, none that was not asked for. */
static bool quiet(void)
{
	const u32 size = 100;
	struct virtio_net_hdr header = { 0 };
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good = true;
	u32 i;

	for (i = 0; i < 50; i++)
		send_frame(&f, frame, &size, 1, 0, NULL);
	put_rx(&f, 100);
	for (i = 0; i < 50; i++)
		far_write(&f, &header, frame, 100);
	front_work(q);
	good &= f.events[TX_PORT] == 1 && f.events[RX_PORT] == 1;
	good &= atomic_load(&f.rx->rsp_prod) == 50 && atomic_load(&f.tx->rsp_prod) == 50;
	/* the guest did not look yet */
	send_frame(&f, frame, &size, 1, 0, NULL);
	far_write(&f, &header, frame, 100);
	front_work(q);
	good &= f.events[TX_PORT] == 1 && f.events[RX_PORT] == 1;
	/* it looked, and asks for the fifth */
	atomic_store(&f.rx->rsp_event, 56);
	for (i = 0; i < 5; i++) {
		far_write(&f, &header, frame, 100);
		front_work(q);
		good &= f.events[RX_PORT] == (i == 4 ? 2 : 1);
	}
	front_free(&f);
	return good;
}

/* The wire's other side ends: no loop, no harm. */
static bool wire_gone(void)
{
	const u32 size = 100;
	struct front f;
	struct netback_queue *q = fresh(&f);
	bool good;

	put_rx(&f, 10);
	shutdown(f.far, SHUT_RDWR);
	send_frame(&f, frame, &size, 1, 0, NULL);
	good = !front_work(q) && q->gone && netback_idle(q);
	good &= take_tx(&f, NULL) == NETIF_RSP_DROPPED;
	front_free(&f);
	return good;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	result(tx_shapes(), "from the guest: packets of one slot and of many");
	result(tx_checksum(NET_OFFLOADS), "from the guest: checksums left to the wire");
	result(tx_checksum(0), "from the guest: checksums completed");
	result(tx_segments(), "from the guest: large segments");
	result(tx_not_offered(), "from the guest: what was not offered");
	result(tx_breaks(), "from the guest: a protocol that is broken");
	result(tx_errors(), "from the guest: packets that cannot be");
	result(tx_full(), "from the guest: a wire that is full");
	result(rx_shapes(), "to the guest: frames of one page and of many");
	result(rx_segments(), "to the guest: large segments");
	result(rx_few(false), "to the guest: pages one by one");
	result(rx_few(true), "to the guest: a segment, pages one by one");
	result(rx_one_page(), "to the guest: without scatter-gather");
	result(rx_checksum(true), "to the guest: checksums left to it");
	result(rx_checksum(false), "to the guest: checksums completed");
	result(rx_errors(), "to the guest: pages that cannot be");
	result(multicast(), "multicast of the guest's choice");
	result(quiet(), "few events");
	result(wire_gone(), "a wire whose other side is gone");
	return finish();
}
