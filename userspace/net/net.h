/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's side of a guest's network card: descriptors that carry one frame a
 * read or write, a struct virtio_net_hdr in front of it.  The launcher opens
 * them before it enters its jail; a back end owns them from then on.  Nothing
 * here may know what kind of card the guest has.
 */
#ifndef USERSPACE_NET_NET_H
#define USERSPACE_NET_NET_H

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <sys/types.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

#define NET_QUEUES	8	/* queues of a card at most */
#define NET_CARDS	8	/* cards of a guest at most */
#define NET_FORWARDS	16	/* forwarded ports of a card at most */

/* What a receiver of frames can do; bits of net_offload() and @accepts */
#define NET_CSUM	BIT(0)	/* completes or trusts checksums of TCP and UDP */
#define NET_TSO4	BIT(1)	/* takes TCP over IPv4 in large pieces */
#define NET_TSO6	BIT(2)
#define NET_OFFLOADS	(NET_CSUM | NET_TSO4 | NET_TSO6)

/** enum net_kind - what is on the other side */
enum net_kind {
	NET_USER,		/* user-mode network: NAT by a process of ours */
	NET_TAP,		/* the host's tap device */
};

/**
 * struct net_forward - a port of the host that leads to the guest
 * @udp:        UDP, else TCP
 * @host:       address on the host, in network order as the next
 * @guest:      address of the guest, 0 for the first that DHCP gives
 * @host_port:  port on the host
 * @guest_port: port of the guest
 */
struct net_forward {
	bool udp;
	struct in_addr host;
	struct in_addr guest;
	u16 host_port;
	u16 guest_port;
};

/**
 * struct net_config - a card as the user asked for it
 * @kind:     enum net_kind
 * @mac:      its address, all zero: one is made up
 * @ifname:   of NET_TAP; empty: a new device, for @bridge
 * @bridge:   NET_TAP: the host's bridge that it is put on, or empty
 * @queues:   at most, 0: as many as the guest has vCPUs
 * @offloads: NET_* bits that the guest is offered
 * @restrict_host: NET_USER: the guest reaches no address of the host
 * @forward:  NET_USER: @forwards of them
 */
struct net_config {
	enum net_kind kind;
	u8 mac[6];
	char ifname[16];
	char bridge[16];
	u32 queues;
	u32 offloads;
	bool restrict_host;
	struct net_forward forward[NET_FORWARDS];
	u32 forwards;
};

/**
 * struct net_wire - an open network
 * @kind:    enum net_kind
 * @queues:  descriptors in @fd; non-blocking
 * @fd:      a read is one frame to the guest, a write one from it
 * @accepts: NET_* bits: what may be written
 * @child:   NET_USER: its process, else 0
 * @name:    for messages
 */
struct net_wire {
	enum net_kind kind;
	u32 queues;
	int fd[NET_QUEUES];
	u32 accepts;
	pid_t child;
	char name[32];
};

/**
 * net_parse() - read "user,..." or "tap,..." of the command line
 * @config: filled in
 * @text:   user[,hostfwd=tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT]... or
 *          tap[,ifname=NAME][,bridge=NAME]; both with [,mac=..][,queues=N][,offload=on|off]
 * @err:    in words
 *
 * Return: 0, -EINVAL.
 */
int net_parse(struct net_config *config, const char *text, struct err *err);

/** net_make_mac() - an address of Xen's range, by chance. */
void net_make_mac(u8 *mac);

/**
 * net_open() - open what @config names
 * @wire:   filled in; net_close() undoes it, also after a failure
 * @config: what to open
 * @queues: descriptors wanted; there may be fewer
 * @err:    in words
 *
 * Return: 0 or a negative errno.
 * Context: before the jail and before other threads exist: NET_USER forks.
 */
int net_open(struct net_wire *wire, const struct net_config *config, u32 queues,
	     struct err *err);
void net_close(struct net_wire *wire);

/**
 * net_offload() - say what the guest can receive
 * @wire:  the wire
 * @flags: NET_* bits
 *
 * Return: 0 or a negative errno of the host.
 * Context: any thread, in the jail.
 */
int net_offload(struct net_wire *wire, u32 flags);

/** net_use_queues() - frames to the guest go to the first @count descriptors. */
int net_use_queues(struct net_wire *wire, u32 count);

/* ---- tap.c and slirp.c, for net.c ---- */

int net_tap_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		 struct err *err);
int net_tap_offload(struct net_wire *wire, u32 flags);
int net_tap_use_queues(struct net_wire *wire, u32 count);
int net_user_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		  struct err *err);

#endif /* USERSPACE_NET_NET_H */
