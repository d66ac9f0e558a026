/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an Ethernet frame holds, as far as offloads need it: where the TCP or UDP
 * header is, and Internet checksums.  Network back ends call it with copies that
 * nobody else can change.  It must survive any bytes.
 */
#ifndef USERSPACE_NET_FRAME_H
#define USERSPACE_NET_FRAME_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "userspace/lib/types.h"

#define FRAME_HEADER	14U	/* bytes of an Ethernet header, and of a frame at least */
#define FRAME_MAX	(65535U + FRAME_HEADER)
/* Headers of TCP and below fit into it, with two VLAN tags. */
#define FRAME_HEADERS	256U

/**
 * struct frame - what frame_parse() found
 * @ip:       offset of the IP header
 * @l4:       offset of the TCP or UDP header
 * @checksum: offset of the checksum in that header
 * @data:     offset of what follows it
 * @v6:       IPv6, else IPv4
 * @tcp:      TCP, else UDP
 * @cwr:      TCP's flag of that name is set
 */
struct frame {
	u16 ip;
	u16 l4;
	u16 checksum;
	u16 data;
	bool v6;
	bool tcp;
	bool cwr;
};

/**
 * frame_parse() - find the TCP or UDP header
 * @frame: filled in
 * @at:    the start of the frame
 * @len:   bytes there
 *
 * Return: 0; -EPROTO: it is neither, a fragment, or not whole in @len.
 */
int frame_parse(struct frame *frame, const u8 *at, u32 len);

/**
 * frame_pseudo() - put the sum of the pseudo header into the checksum field
 * @frame: from frame_parse()
 * @at:    the headers, writable
 * @total: bytes of the whole frame
 */
void frame_pseudo(const struct frame *frame, u8 *at, u32 total);

/**
 * frame_sum() - the Internet checksum of part of a frame
 * @iov:   the frame
 * @count: of @iov
 * @from:  first byte
 *
 * Return: the ones' complement of the sum of the 16-bit words from there to the
 * end, as it is stored in memory.
 */
u16 frame_sum(const struct iovec *iov, unsigned int count, u32 from);

/**
 * frame_finish() - complete a checksum that was left to us
 * @iov:   the frame, whose pseudo header's sum is in place
 * @count: of @iov
 * @start: first byte that is summed
 * @at:    offset of the checksum from there
 *
 * Return: 0, -EPROTO: it is beyond the frame.
 */
int frame_finish(const struct iovec *iov, unsigned int count, u32 start, u32 at);

/**
 * frame_flow() - a number that is the same for all frames of a connection
 * Return: a hash of addresses and ports; 0 for what has none.
 */
u32 frame_flow(const u8 *at, u32 len);

#endif /* USERSPACE_NET_FRAME_H */
