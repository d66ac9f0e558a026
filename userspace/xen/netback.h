/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back end of a Xen network card: frames between the guest's rings and a
 * wire, with a thread for each queue.  vif.c makes one for a card and connects
 * it when the guest's front end is ready.  It must survive any content of rings,
 * grants and frames, and drop frames rather than wait for the guest.
 */
#ifndef USERSPACE_XEN_NETBACK_H
#define USERSPACE_XEN_NETBACK_H

#include <pthread.h>
#include <stdatomic.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"
#include "userspace/net/frame.h"
#include "userspace/net/net.h"
#include "userspace/xen/gnttab.h"
#include "userspace/xen/netif.h"
#include "userspace/xen/ring.h"

/* Slots of a packet that a guest may send; Linux' netback takes 20, too. */
#define NETBACK_TX_SLOTS	20U
/* Slots of the largest packet to the guest: its pages, and one of extra info. */
#define NETBACK_RX_SLOTS	((FRAME_MAX + (u32)PAGE_BYTES - 1) / (u32)PAGE_BYTES + 1)
/* Multicast addresses that a guest may ask for. */
#define NETBACK_MCAST		64U

/**
 * struct netback_host - what a back end needs of its host
 * @arg:    first argument of the functions
 * @bind:   signal eventfd @kick when the guest sends on @port; 0 or an errno
 * @unbind: undo that
 * @send:   send the guest an event; any thread
 * @broken: the guest broke the protocol and the queue has stopped; its thread
 */
struct netback_host {
	void *arg;
	int (*bind)(void *arg, u32 port, int kick);
	void (*unbind)(void *arg, u32 port);
	void (*send)(void *arg, u32 port);
	void (*broken)(void *arg, const char *why);
};

/**
 * struct netback_front - what a front end has asked for
 * @queues:   rings in @queue, 1 to NET_QUEUES
 * @offloads: NET_* bits that it can receive; NET_CSUM is of IPv4
 * @csum6:    it can receive blank checksums of IPv6
 * @sg:       it can receive packets of several pages
 * @mcast:    it wants the multicast that it asked for only
 * @queue:    grant references of the rings and event channels, the guest's
 *            ports; @tx_port and @rx_port may be the same
 */
struct netback_front {
	u32 queues;
	u32 offloads;
	bool csum6;
	bool sg;
	bool mcast;
	struct {
		u32 tx_ref;
		u32 rx_ref;
		u32 tx_port;
		u32 rx_port;
	} queue[NET_QUEUES];
};

/** struct netback_stat - counters of a queue; any thread may read them */
struct netback_stat {
	atomic_ulong tx_packets;
	atomic_ulong tx_bytes;
	atomic_ulong tx_errors;		/* requests that the guest made wrong */
	atomic_ulong tx_dropped;	/* frames that the wire did not take */
	atomic_ulong rx_packets;
	atomic_ulong rx_bytes;
	atomic_ulong rx_dropped;	/* frames that the guest cannot take */
	atomic_ulong rx_errors;		/* requests that the guest made wrong */
	atomic_ulong events;		/* sent to the guest */
	atomic_ulong sleeps;
};

/**
 * struct netback_page - a page that waits for a frame, mapped
 * @id:  of the request
 * @ref: grant reference
 * @at:  host address
 */
struct netback_page {
	u16 id;
	u32 ref;
	u8 *at;
};

struct netback;

/**
 * struct netback_queue - a pair of rings and its thread
 * @fd:      the wire
 * @quit:    eventfd: the thread ends
 * @kick_tx: eventfd: the guest sends; @kick_rx: it has room
 * @ready:   the wire may have a frame
 * @blocked: the wire takes no more
 * @gone:    the wire's other side is: nothing will come from it
 * @broken:  the guest broke the protocol
 * @why:     how
 * @page:    the rx requests at the head of the ring, @pages of them mapped
 * @held:    bytes of a frame in @spill that needs @held_slots slots; 0: none
 * @held_header: its header
 * @spill:   FRAME_MAX bytes
 */
struct netback_queue {
	struct netback *nb;
	u32 index;
	int fd;
	int kick_tx;
	int kick_rx;
	int quit;
	pthread_t thread;
	bool started;
	struct ring tx;
	struct ring rx;
	u32 tx_ref;
	u32 rx_ref;
	u32 tx_port;
	u32 rx_port;
	bool tx_mapped;
	bool rx_mapped;
	bool tx_bound;
	bool rx_bound;
	bool ready;
	bool blocked;
	bool gone;
	bool broken;
	char why[160];
	struct netback_page page[NETBACK_RX_SLOTS];
	u32 pages;
	u32 held;
	u32 held_slots;
	struct virtio_net_hdr held_header;
	u8 *spill;
	struct netback_stat stat;
};

/**
 * struct netback - a back end
 * @gt:     the guest's grants
 * @wire:   the other side
 * @offers: NET_* bits that the guest was offered
 * @front:  what it asked for
 * @mcast:  addresses that it asked for, @mcasts of them; @lock
 */
struct netback {
	struct netback_host host;
	struct gnttab *gt;
	struct net_wire *wire;
	u32 offers;
	struct netback_front front;
	struct netback_queue queue[NET_QUEUES];
	pthread_mutex_t lock;
	u8 mcast[NETBACK_MCAST][6];
	u32 mcasts;
};

/**
 * netback_init() - make a back end that is not connected
 * @nb:     filled in; netback_exit() undoes it, also after a failure
 * @host:   copied
 * @gt:     the guest's grants, stay
 * @wire:   open, stays; its queues are the most that the guest may have
 * @offers: NET_* bits that the guest is offered
 * @err:    in words
 */
int netback_init(struct netback *nb, const struct netback_host *host, struct gnttab *gt,
		 struct net_wire *wire, u32 offers, struct err *err);
void netback_exit(struct netback *nb);

/**
 * netback_connect() - map the rings and start
 * @nb:    not connected
 * @front: what the front end asked for, any content
 * @err:   in words, what is wrong with it
 *
 * Return: 0; on failure nothing is connected.
 * Context: one thread at a time for this and netback_disconnect().
 */
int netback_connect(struct netback *nb, const struct netback_front *front, struct err *err);

/** netback_disconnect() - stop, and give back all that was the guest's. */
void netback_disconnect(struct netback *nb);

/* ---- of a queue: netback_tx.c, netback_rx.c; its thread, or a test's ---- */

/** netback_attach() - what netback_connect() does, without the thread. */
int netback_attach(struct netback_queue *q, struct err *err);
void netback_detach(struct netback_queue *q);

/** netback_work() - move frames; true: there may be more. */
bool netback_work(struct netback_queue *q);

/** netback_idle() - ask for events; false: there is work already. */
bool netback_idle(struct netback_queue *q);

/** netback_fail() - note that the guest broke the protocol. Return: -EPROTO. */
int netback_fail(struct netback_queue *q, const char *fmt, ...) __printf(2, 3);

/** netback_tx() - frames from the guest, at most @budget; how many. */
u32 netback_tx(struct netback_queue *q, u32 budget);

/** netback_rx() - frames to the guest, at most @budget; how many. */
u32 netback_rx(struct netback_queue *q, u32 budget);

/** netback_rx_wants() - requests that must be there before netback_rx() helps. */
u32 netback_rx_wants(const struct netback_queue *q);

/** netback_rx_reset() - give back the pages that wait, and a frame that does. */
void netback_rx_reset(struct netback_queue *q);

#endif /* USERSPACE_XEN_NETBACK_H */
