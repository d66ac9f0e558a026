// SPDX-License-Identifier: GPL-2.0
/*
 * The user-mode network's process, with frames made by hand: ARP, DHCP, ping of
 * the gateway, a TCP connection to a server of this host with small and with
 * large segments and blank checksums, a forwarded port, its jail and its end.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0, 1 or 4.
 */
/* SOURCES: userspace/net/net.c userspace/net/tap.c userspace/net/slirp.c */
/* SOURCES: userspace/net/slirp_jail.c userspace/net/frame.c userspace/lib/err.c */
/* LIBS: -lslirp -lseccomp */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/net/frame.h"
#include "userspace/net/net.h"
#include "selftests/unit/unit.h"

static struct net_wire wire;
static const u8 our_mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };
static u8 gateway_mac[6];
static u8 in[FRAME_MAX + 16];
static u32 in_len;

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static u32 be32(const u8 *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static bool send_to(const struct virtio_net_hdr *header, const u8 *data, u32 len)
{
	struct iovec iov[2] = {
		{ (void *)header, sizeof(*header) }, { (void *)data, len },
	};

	return writev(wire.fd[0], iov, 2) == (ssize_t)(len + sizeof(*header));
}

/* The next frame of any queue into @in; false after a while without one. */
static bool receive(void)
{
	static u8 buf[FRAME_MAX + 16];
	struct pollfd fds[NET_QUEUES];
	struct virtio_net_hdr header;
	ssize_t got;
	u32 i;

	for (i = 0; i < wire.queues; i++)
		fds[i] = (struct pollfd){ .fd = wire.fd[i], .events = POLLIN };
	if (poll(fds, wire.queues, 20000) <= 0)
		return false;
	for (i = 0; i < wire.queues; i++) {
		got = read(wire.fd[i], buf, sizeof(buf));
		if (got <= (ssize_t)sizeof(header))
			continue;
		memcpy(&header, buf, sizeof(header));
		in_len = (u32)got - sizeof(header);
		memcpy(in, buf + sizeof(header), in_len);
		return !header.flags && !header.gso_type;
	}
	return false;
}

/* An IPv4 header in front of @len bytes of @proto; they begin at 34. */
static void ip_header(u8 *p, u32 proto, u32 from, u32 to, u32 len)
{
	struct iovec iov = { p, 34 };
	u16 sum;

	memcpy(p, gateway_mac, 6);
	memcpy(p + 6, our_mac, 6);
	put16(p + 12, 0x0800);
	memset(p + 14, 0, 20);
	p[14] = 0x45;
	put16(p + 16, 20 + len);
	p[22] = 64;
	p[23] = (u8)proto;
	put32(p + 26, from);
	put32(p + 30, to);
	sum = frame_sum(&iov, 1, 14);
	memcpy(p + 24, &sum, 2);
}

#define WE	0x0a00020fU
#define HOST	0x0a000202U

static bool arp(void)
{
	static const u8 ask[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x16, 0x3e, 1, 2, 3, 0x08, 0x06,
		0, 1, 8, 0, 6, 4, 0, 1, 0x00, 0x16, 0x3e, 1, 2, 3, 10, 0, 2, 15,
		0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
	};
	const struct virtio_net_hdr header = { 0 };

	send_to(&header, ask, sizeof(ask));
	while (receive()) {
		if (be16(in + 12) != 0x0806 || be16(in + 20) != 2)
			continue;
		memcpy(gateway_mac, in + 22, 6);
		return be32(in + 28) == HOST;
	}
	return false;
}

static bool dhcp(void)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34,
					 .csum_offset = 6 };
	u8 p[14 + 20 + 8 + 300] = { 0 };
	struct frame frame;

	put16(p + 34, 68);
	put16(p + 36, 67);
	put16(p + 38, 308);
	p[42] = 1;
	p[43] = 1;
	p[44] = 6;
	put32(p + 46, 0x12345678);
	memcpy(p + 70, our_mac, 6);
	put32(p + 42 + 236, 0x63825363);
	memcpy(p + 42 + 240, (const u8 []){ 53, 1, 1, 255 }, 4);
	ip_header(p, 17, 0, 0xffffffff, 308);
	memset(p, 0xff, 6);
	if (frame_parse(&frame, p, sizeof(p)))
		return false;
	frame_pseudo(&frame, p, sizeof(p));
	send_to(&header, p, sizeof(p));
	while (receive())
		if (in_len > 62 && in[23] == 17 && be16(in + 36) == 68)
			return be32(in + 58) == WE;
	return false;
}

static bool ping(void)
{
	struct virtio_net_hdr header = { 0 };
	u8 p[14 + 20 + 8 + 500];
	struct iovec iov = { p, sizeof(p) };
	u16 sum;

	memset(p, 0x5a, sizeof(p));
	ip_header(p, 1, WE, HOST, 508);
	p[34] = 8;
	p[35] = 0;
	memset(p + 36, 0, 2);
	sum = frame_sum(&iov, 1, 34);
	memcpy(p + 36, &sum, 2);
	send_to(&header, p, sizeof(p));
	while (receive())
		if (in[23] == 1)
			return !in[34] && in_len == sizeof(p) && !memcmp(in + 42, p + 42, 500);
	return false;
}

/* ---- a TCP of one connection ---- */

struct tcp {
	u32 to;
	u16 port, from;
	u32 seq, ack;
};

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

static void tcp_send(struct tcp *t, u32 flags, const u8 *data, u32 len, bool segments)
{
	static u8 p[FRAME_MAX];
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34,
					 .csum_offset = 16 };
	struct frame frame;

	memset(p, 0, 54);
	put16(p + 34, t->from);
	put16(p + 36, t->port);
	put32(p + 38, t->seq);
	put32(p + 42, flags & ACK ? t->ack : 0);
	p[46] = 0x50;
	p[47] = (u8)flags;
	put16(p + 48, 60000);
	if (len)
		memcpy(p + 54, data, len);
	ip_header(p, 6, WE, t->to, 20 + len);
	if (segments) {
		header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		header.gso_size = 1400;
		header.hdr_len = 54;
	}
	if (!frame_parse(&frame, p, 54 + len))
		frame_pseudo(&frame, p, 54 + len);
	send_to(&header, p, 54 + len);
	t->seq += len + !!(flags & (SYN | FIN));
}

/* The next segment of the connection whose checksum is right. */
static bool tcp_receive(struct tcp *t, u32 *flags, u8 **data, u32 *len)
{
	struct frame frame;
	struct iovec iov = { in, 0 };
	u8 was[2];

	while (receive()) {
		if (in[23] != 6 || be16(in + 36) != t->from || be16(in + 34) != t->port)
			continue;
		/* Short frames are padded. */
		iov.iov_len = 14 + be16(in + 16);
		if (iov.iov_len > in_len || frame_parse(&frame, in, (u32)iov.iov_len))
			return false;
		memcpy(was, in + 50, 2);
		frame_pseudo(&frame, in, (u32)iov.iov_len);
		frame_finish(&iov, 1, frame.l4, 16);
		if (memcmp(was, in + 50, 2))
			return false;
		*flags = in[47];
		*data = in + frame.data;
		*len = (u32)iov.iov_len - frame.data;
		if (be32(in + 38) == t->ack || *flags & SYN)
			return true;
	}
	return false;
}

static int listen_on(u16 *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&at, size) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		return -1;
	*port = ntohs(at.sin_port);
	return fd;
}

static bool read_all(int fd, u8 *to, u32 len)
{
	ssize_t got;

	for (; len; len -= (u32)got, to += got) {
		got = read(fd, to, len);
		if (got <= 0)
			return false;
	}
	return true;
}

/* Bytes both ways, in pieces of @piece; more than a packet: large segments. */
static bool exchange(struct tcp *t, int peer, u32 piece)
{
	static u8 out[40000], back[40000];
	u32 at, len, flags, i;
	u8 *data;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (u8)(i * 31 + i / 256 + piece);
	for (at = 0; at < sizeof(out); at += len) {
		len = sizeof(out) - at < piece ? (u32)sizeof(out) - at : piece;
		tcp_send(t, ACK | PSH, out + at, len, piece > 1460);
		if (!read_all(peer, back + at, len))
			return false;
	}
	if (memcmp(out, back, sizeof(out)) || write(peer, out, sizeof(out)) != sizeof(out))
		return false;
	for (at = 0; at < sizeof(out); ) {
		if (!tcp_receive(t, &flags, &data, &len) || at + len > sizeof(out) ||
		    memcmp(out + at, data, len))
			return false;
		at += len;
		t->ack += len;
		if (len)
			tcp_send(t, ACK, NULL, 0, false);
	}
	return true;
}

static bool tcp_out(u32 piece)
{
	static u16 from = 40000;
	struct tcp t = { .to = HOST, .from = from++, .seq = 1000 };
	int server = listen_on(&t.port), peer;
	u32 flags, len;
	u8 *data;
	bool good;

	tcp_send(&t, SYN, NULL, 0, false);
	if (server < 0 || !tcp_receive(&t, &flags, &data, &len) || flags != (SYN | ACK))
		return false;
	t.ack = be32(in + 38) + 1;
	tcp_send(&t, ACK, NULL, 0, false);
	peer = accept(server, NULL, NULL);
	good = peer >= 0 && exchange(&t, peer, piece);
	close(peer);
	close(server);
	return good;
}

/* The host calls the guest by a forwarded port. */
static bool tcp_in(u16 port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(0x7f000001) };
	struct tcp t = { .seq = 5000, .from = 22 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return false;
	do {
		if (!receive())
			return false;
	} while (in[23] != 6 || in[47] != SYN || be16(in + 36) != 22);
	t.to = be32(in + 26);
	t.port = (u16)be16(in + 34);
	t.ack = be32(in + 38) + 1;
	tcp_send(&t, SYN | ACK, NULL, 0, false);
	good = exchange(&t, fd, 1000);
	close(fd);
	return good;
}

/* Nonsense of any length: the process lives. */
static bool chaos(void)
{
	u64 state = 0x9e3779b97f4a7c15ULL;
	u8 p[3000];
	u32 i, n, len;

	for (n = 0; n < 20000; n++) {
		struct pollfd fd = { .fd = wire.fd[0], .events = POLLOUT };

		for (i = 0; i < 200; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			p[i] = (u8)state;
		}
		if (n % 4) {
			memcpy(p + 10, gateway_mac, 6);
			put16(p + 22, n & 8 ? 0x0800 : 0x86dd);
			p[24] = n & 8 ? 0x45 : 0x60;
		}
		/* of one byte would be a message: it is not a frame */
		len = 2 + (u32)(state >> 20) % (sizeof(p) - 2);
		if (poll(&fd, 1, 20000) != 1 || write(wire.fd[0], p, len) < 0)
			return false;
		for (i = 0; i < wire.queues; i++)
			while (read(wire.fd[i], p, sizeof(p)) > 0)
				;
	}
	while (poll(&(struct pollfd){ .fd = wire.fd[0], .events = POLLIN }, 1, 500) == 1)
		if (read(wire.fd[0], p, sizeof(p)) <= 0)
			return false;
	return ping();
}

/* A filter is loaded, no descriptor of ours is left to it. */
static bool jailed(void)
{
	char path[64], line[200];
	bool filter = false, leak = false;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", wire.child);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		filter |= !strncmp(line, "Seccomp:\t2", 10);
	if (f)
		fclose(f);
	for (fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", wire.child, fd);
		n = readlink(path, line, sizeof(line) - 1);
		if (n <= 0)
			continue;
		line[n] = 0;
		leak |= fd > 2 && strncmp(line, "socket:", 7);
	}
	return filter && !leak;
}

static bool ends(void)
{
	pid_t child = wire.child;
	int status;

	net_close(&wire);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

int main(void)
{
	struct net_config config;
	struct err err = { "" };
	char words[80];
	u16 port;
	int fd = listen_on(&port);

	signal(SIGPIPE, SIG_IGN);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	/* A port that is in use is named. */
	snprintf(words, sizeof(words), "user,hostfwd=tcp:127.0.0.1:%u-:22", port);
	net_parse(&config, words, &err);
	result(net_open(&wire, &config, 2, &err) < 0 && strstr(err.text, "cannot listen"),
	       "a port that is in use");
	close(fd);
	if (net_open(&wire, &config, 2, &err)) {
		printf("# %s\n", err.text);
		return 1;
	}
	result(jailed(), "its jail");
	result(arp(), "ARP");
	result(dhcp(), "DHCP");
	result(ping(), "ping of the gateway");
	result(tcp_out(1000), "TCP to the host");
	result(tcp_out(20000), "TCP to the host in large segments");
	result(tcp_in(port), "TCP from the host to a forwarded port");
	result(!net_use_queues(&wire, 2) && tcp_out(1460), "two queues");
	result(chaos(), "frames of any content");
	result(ends(), "its end");
	return finish();
}
