// SPDX-License-Identifier: GPL-2.0
/*
 * Headers and checksums of frames against known ones and a second way to add,
 * random bytes, and the words of --net.  Run by selftests/unit/Makefile; TAP on
 * stdout, exit status 0 or 1.
 */
/* SOURCES: userspace/net/frame.c userspace/net/net.c userspace/net/tap.c */
/* SOURCES: userspace/lib/err.c */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/net/frame.h"
#include "userspace/net/net.h"
#include "selftests/unit/unit.h"

/* Without libslirp: the process is tested in a host. */
int net_user_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		  struct err *err)
{
	return err_set(err, ENODEV, "none here");
}

/* "Hi" by UDP; its checksum was computed by hand. */
static const u8 query[] = {
	0x00, 0x16, 0x3e, 0x01, 0x02, 0x03, 0x00, 0x16, 0x3e, 0x04, 0x05, 0x06, 0x08, 0x00,
	0x45, 0x00, 0x00, 0x1e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00,
	0xc0, 0xa8, 0x00, 0x1f, 0xc0, 0xa8, 0x00, 0x1e,
	0x00, 0x14, 0x00, 0x0a, 0x00, 0x0a, 0x35, 0xc5, 0x48, 0x69,
};

static bool known(void)
{
	struct frame frame;
	u8 copy[sizeof(query)];
	struct iovec iov = { copy, sizeof(copy) };

	memcpy(copy, query, sizeof(copy));
	if (frame_parse(&frame, copy, sizeof(copy)) || frame.tcp || frame.v6 || frame.l4 != 34 ||
	    frame.checksum != 6 || frame.data != 42)
		return false;
	frame_pseudo(&frame, copy, sizeof(copy));
	if (frame_finish(&iov, 1, frame.l4, frame.checksum))
		return false;
	return !memcmp(copy, query, sizeof(copy));
}

/* One word at a time, big-endian, as RFC 1071 says it. */
static u16 slow_sum(const u8 *p, u32 len)
{
	u32 sum = 0, i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((u16)~sum);
}

static bool pieces(unsigned long cases)
{
	static u8 data[3000];
	struct iovec iov[8];
	u32 len, at, from, n, part, i;

	while (cases--) {
		len = (u32)(rng() % sizeof(data));
		from = (u32)(rng() % (len + 1));
		for (i = 0; i < len; i++)
			data[i] = (u8)(rng() % 3 ? rng() : 0xff);
		for (at = 0, n = 0; n < 7 && at < len; n++) {
			part = (u32)(rng() % (len - at + 1));
			iov[n] = (struct iovec){ data + at, part };
			at += part;
		}
		iov[n++] = (struct iovec){ data + at, len - at };
		if (frame_sum(iov, n, from) != slow_sum(data + from, len - from))
			return false;
	}
	return true;
}

static u8 *tcp6(u8 *p, u32 *len)
{
	memset(p, 0, 200);
	p[12] = 0x81;
	p[14] = 1;
	p[16] = 0x86;
	p[17] = 0xdd;
	p[18] = 0x60;
	p[18 + 6] = 0;			/* hop-by-hop, then TCP */
	p[18 + 40] = 6;
	p[18 + 48 + 12] = 0x60;		/* 24 bytes of header */
	p[18 + 48 + 13] = 0x80;		/* CWR */
	*len = 18 + 48 + 24 + 3;
	return p;
}

static bool shapes(void)
{
	u8 p[256];
	struct frame frame;
	u32 len, i;
	bool good;

	tcp6(p, &len);
	good = !frame_parse(&frame, p, len) && frame.v6 && frame.tcp && frame.cwr &&
	       frame.ip == 18 && frame.l4 == 66 && frame.data == 90;
	for (i = 0; i < len - 3; i++)	/* not whole */
		good &= frame_parse(&frame, p, i) == -EPROTO;
	p[18 + 6] = 44;			/* a fragment */
	good &= frame_parse(&frame, p, len) == -EPROTO;
	memcpy(p, query, sizeof(query));
	p[20] = 0x20;			/* more fragments */
	good &= frame_parse(&frame, p, sizeof(query)) == -EPROTO;
	p[20] = 0;
	p[14] = 0x44;			/* 16 bytes of IP header */
	good &= frame_parse(&frame, p, sizeof(query)) == -EPROTO;
	p[14] = 0x45;
	p[23] = 1;			/* ICMP */
	good &= frame_parse(&frame, p, sizeof(query)) == -EPROTO;
	return good && frame_flow(p, sizeof(query)) == 0;
}

static bool flows(void)
{
	u8 back[sizeof(query)];

	memcpy(back, query, sizeof(back));
	memcpy(back + 26, query + 30, 4);
	memcpy(back + 30, query + 26, 4);
	memcpy(back + 34, query + 36, 2);
	memcpy(back + 36, query + 34, 2);
	return frame_flow(query, sizeof(query)) &&
	       frame_flow(query, sizeof(query)) == frame_flow(back, sizeof(back));
}

/* Any bytes, in exactly so much memory. */
static bool chaos(unsigned long cases)
{
	while (cases--) {
		u32 len = (u32)(rng() % 140), i;
		u8 *p = malloc(len + !len);
		struct iovec iov = { p, len };
		struct frame frame;

		for (i = 0; i < len; i++)
			p[i] = (u8)rng();
		if (len > 30 && rng() % 4) {
			static const u8 types[4][2] = {
				{ 0x08, 0 }, { 0x86, 0xdd }, { 0x81, 0 }, { 0x88, 0xa8 },
			};

			memcpy(p + 12, types[rng() % 4], 2);
			memcpy(p + 16, types[rng() % 4], 2);
			p[14] = (u8)(rng() % 2 ? 0x45 : 0x60);
			memset(p + 20, 0, 2);
			p[23] = (u8)(rng() % 2 ? 6 : 17);
		}
		if (!frame_parse(&frame, p, len)) {
			if (frame.data > len || frame.l4 + frame.checksum + 2U > frame.data)
				return false;
			frame_pseudo(&frame, p, len);
		}
		frame_flow(p, len);
		frame_finish(&iov, 1, (u32)rng() % 200, (u32)rng() % 20);
		frame_finish(&iov, 1, (u32)rng(), (u32)rng());
		free(p);
	}
	return true;
}

static const char *const good_words[] = {
	"user", "user,mac=00:16:3e:01:02:03", "user,hostfwd=tcp::2222-:22",
	"user,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22,hostfwd=udp::53-:53,queues=2",
	"user,restrict,offload=off", "tap,ifname=tap0", "tap,ifname=tap0,queues=8,offload=on",
	"tap,bridge=xenbr0", "tap,ifname=vif1.0,bridge=xenbr0",
};

static const char *const bad_words[] = {
	"", ",", "bridge", "tap", "tap,ifname=", "tap,ifname=sixteencharacters",
	"tap,ifname=a,restrict", "tap,ifname=a/b", "tap,bridge=tap%d", "user,bridge=a",
	"tap,ifname=a,hostfwd=tcp::1-:1", "user,ifname=a", "user,mac=1:2:3:4:5:6",
	"user,mac=01:16:3e:01:02:03", "user,mac=00:16:3e:01:02:0x", "user,queues=0",
	"user,queues=9", "user,queues=10", "user,hostfwd=tcp:2222-:22x", "user,hostfwd=sctp::1-:1",
	"user,hostfwd=tcp::0-:1", "user,hostfwd=tcp::65536-:1", "user,hostfwd=tcp:x:1-:1",
	"user,hostfwd=tcp::1", "user,offload=maybe", "user,restrict=1", "user,colour=red",
};

static bool words(void)
{
	struct net_config config;
	struct err err;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good_words); i++)
		if (net_parse(&config, good_words[i], &err))
			return false;
	for (i = 0; i < ARRAY_SIZE(bad_words); i++) {
		err.text[0] = 0;
		if (net_parse(&config, bad_words[i], &err) != -EINVAL || !err.text[0]) {
			printf("# '%s' is taken\n", bad_words[i]);
			return false;
		}
	}
	net_parse(&config, good_words[3], &err);
	return config.forwards == 2 && config.queues == 2 && !config.forward[0].udp &&
	       config.forward[0].host.s_addr == htonl(0x7f000001) &&
	       config.forward[0].host_port == 2222 && config.forward[0].guest_port == 22 &&
	       config.forward[1].udp && !config.forward[1].guest.s_addr &&
	       config.offloads == NET_OFFLOADS;
}

int main(void)
{
	result(known(), "a frame whose checksum is known");
	result(pieces(20000), "sums in pieces");
	result(shapes(), "headers");
	result(flows(), "both directions of a connection");
	result(chaos(500000), "any bytes");
	result(words(), "the words of --net");
	return finish();
}
