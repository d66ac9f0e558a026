// SPDX-License-Identifier: GPL-2.0
/*
 * Headers and checksums of a frame.  netback and the user-mode network call it.
 * It must check each length against the bytes that are there.
 */
#include <errno.h>
#include <string.h>

#include "userspace/net/frame.h"

enum {
	TYPE_IPV4 = 0x0800, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8, TYPE_IPV6 = 0x86dd,
	PROTO_HOP = 0, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ROUTE = 43, PROTO_DEST = 60,
	MAX_VLANS = 2, MAX_EXTENSIONS = 8,
};

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

/* Past an IPv4 header; its protocol, or -EPROTO. */
static int past_ipv4(const u8 *ip, u32 left, u32 *size)
{
	u32 header;

	if (left < 20 || ip[0] >> 4 != 4)
		return -EPROTO;
	header = (ip[0] & 15U) * 4;
	/* A fragment has no header, or no whole checksum. */
	if (header < 20 || header > left || be16(ip + 6) & 0x3fff)
		return -EPROTO;
	*size = header;
	return ip[9];
}

static int past_ipv6(const u8 *ip, u32 left, u32 *size)
{
	u32 at = 40, extensions = 0;
	int proto;

	if (left < 40 || ip[0] >> 4 != 6)
		return -EPROTO;
	proto = ip[6];
	while (proto == PROTO_HOP || proto == PROTO_ROUTE || proto == PROTO_DEST) {
		if (extensions++ == MAX_EXTENSIONS || left < at + 8)
			return -EPROTO;
		proto = ip[at];
		at += (ip[at + 1] + 1U) * 8;
		if (at > left)
			return -EPROTO;
	}
	*size = at;
	return proto;
}

static int parse_l4(struct frame *frame, const u8 *at, u32 len, int proto)
{
	const u8 *l4 = at + frame->l4;
	u32 left = len - frame->l4, header = 8;

	if (proto == PROTO_TCP) {
		if (left < 20)
			return -EPROTO;
		header = (l4[12] >> 4) * 4U;
		if (header < 20 || header > left)
			return -EPROTO;
		frame->tcp = true;
		frame->cwr = l4[13] & 0x80;
		frame->checksum = 16;
	} else if (proto == PROTO_UDP && left >= header) {
		frame->checksum = 6;
	} else {
		return -EPROTO;
	}
	frame->data = (u16)(frame->l4 + header);
	return 0;
}

int frame_parse(struct frame *frame, const u8 *at, u32 len)
{
	u32 type, ip = FRAME_HEADER, size = 0, vlans = 0;
	int proto;

	memset(frame, 0, sizeof(*frame));
	if (len < FRAME_HEADER)
		return -EPROTO;
	type = be16(at + 12);
	while ((type == TYPE_VLAN || type == TYPE_QINQ) && vlans++ < MAX_VLANS) {
		if (len < ip + 4)
			return -EPROTO;
		type = be16(at + ip + 2);
		ip += 4;
	}
	frame->ip = (u16)ip;
	frame->v6 = type == TYPE_IPV6;
	if (type == TYPE_IPV4)
		proto = past_ipv4(at + ip, len - ip, &size);
	else if (type == TYPE_IPV6)
		proto = past_ipv6(at + ip, len - ip, &size);
	else
		return -EPROTO;
	if (proto < 0 || ip + size > 0xffff)
		return -EPROTO;
	frame->l4 = (u16)(ip + size);
	return parse_l4(frame, at, len, proto);
}

static u64 fold(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Words in memory order; @odd: the first byte is the second of a word. */
static u64 sum_bytes(const u8 *p, size_t len, bool odd)
{
	u64 sum = 0, more;
	u32 quad;
	u16 word;

	if (!len)
		return 0;
	if (odd) {
		sum = (u64)*p++ << 8;
		len--;
	}
	for (more = 0; len >= 4; len -= 4, p += 4) {
		memcpy(&quad, p, 4);
		more += quad;
	}
	sum += fold(more);
	if (len >= 2) {
		memcpy(&word, p, 2);
		sum += word;
		len -= 2;
		p += 2;
	}
	if (len)
		sum += *p;
	return sum;
}

void frame_pseudo(const struct frame *frame, u8 *at, u32 total)
{
	const u8 *ip = at + frame->ip;
	u32 len = total - frame->l4;
	u8 tail[8] = { (u8)(len >> 24), (u8)(len >> 16), (u8)(len >> 8), (u8)len, 0, 0, 0,
		       frame->tcp ? PROTO_TCP : PROTO_UDP };
	u64 sum = sum_bytes(tail, sizeof(tail), false);
	u16 word;

	sum += frame->v6 ? sum_bytes(ip + 8, 32, false) : sum_bytes(ip + 12, 8, false);
	word = (u16)fold(sum);
	memcpy(at + frame->l4 + frame->checksum, &word, 2);
}

u16 frame_sum(const struct iovec *iov, unsigned int count, u32 from)
{
	u64 sum = 0;
	bool odd = false;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const u8 *p = iov[i].iov_base;
		size_t len = iov[i].iov_len;

		if (from >= len) {
			from -= (u32)len;
			continue;
		}
		sum += sum_bytes(p + from, len - from, odd);
		odd ^= (len - from) & 1;
		from = 0;
	}
	return (u16)~fold(sum);
}

static u8 *byte_at(const struct iovec *iov, unsigned int count, u32 at)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (at < iov[i].iov_len)
			return (u8 *)iov[i].iov_base + at;
		at -= (u32)iov[i].iov_len;
	}
	return NULL;
}

int frame_finish(const struct iovec *iov, unsigned int count, u32 start, u32 at)
{
	u8 *first = byte_at(iov, count, start + at), *second = byte_at(iov, count, start + at + 1);
	u16 sum;
	u8 bytes[2];

	if (!first || !second || start > FRAME_MAX || at > FRAME_MAX)
		return -EPROTO;
	sum = frame_sum(iov, count, start);
	/* Zero is "no checksum" in UDP, and the same number everywhere. */
	if (!sum)
		sum = 0xffff;
	memcpy(bytes, &sum, 2);
	*first = bytes[0];
	*second = bytes[1];
	return 0;
}

u32 frame_flow(const u8 *at, u32 len)
{
	struct frame frame;
	const u8 *ip;
	u32 hash = 0, word, i, words;

	if (frame_parse(&frame, at, len))
		return 0;
	/* Sums, so that both directions have the same. */
	ip = at + frame.ip + (frame.v6 ? 8 : 12);
	words = frame.v6 ? 8 : 2;
	for (i = 0; i < words; i++) {
		memcpy(&word, ip + 4 * i, 4);
		hash += word;
	}
	hash += be16(at + frame.l4) + be16(at + frame.l4 + 2);
	hash *= 0x9e3779b1U;
	return hash ^ hash >> 15;
}
