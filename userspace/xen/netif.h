/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network protocol of Xen, as io/netif.h has it: what is in a slot of the
 * two rings.  netback and its tests include it.  It must hold the ABI only.
 */
#ifndef USERSPACE_XEN_NETIF_H
#define USERSPACE_XEN_NETIF_H

#include "userspace/lib/types.h"

/* Slots that a back end must take for one packet. */
#define NETIF_SLOTS_MIN		18U

/* netif_tx_request.flags */
#define NETTXF_CSUM_BLANK	BIT(0)
#define NETTXF_DATA_VALIDATED	BIT(1)
#define NETTXF_MORE_DATA	BIT(2)
#define NETTXF_EXTRA_INFO	BIT(3)

/* netif_rx_response.flags */
#define NETRXF_DATA_VALIDATED	BIT(0)
#define NETRXF_CSUM_BLANK	BIT(1)
#define NETRXF_MORE_DATA	BIT(2)
#define NETRXF_EXTRA_INFO	BIT(3)

/* statuses of responses */
#define NETIF_RSP_DROPPED	(-2)
#define NETIF_RSP_ERROR		(-1)
#define NETIF_RSP_OKAY		0
#define NETIF_RSP_NULL		1

enum {
	NETIF_EXTRA_GSO = 1, NETIF_EXTRA_MCAST_ADD = 2, NETIF_EXTRA_MCAST_DEL = 3,
	NETIF_EXTRA_HASH = 4, NETIF_EXTRA_XDP = 5, NETIF_EXTRA_TYPES = 6,
};

#define NETIF_EXTRA_FLAG_MORE	BIT(0)

enum { NETIF_GSO_NONE = 0, NETIF_GSO_TCPV4 = 1, NETIF_GSO_TCPV6 = 2 };

/**
 * struct netif_tx_request - a piece of a packet from the guest
 * @gref:   granted page
 * @offset: of the piece in it
 * @flags:  NETTXF_*
 * @id:     echoed
 * @size:   of the piece; in a packet's first slot, of the packet
 */
struct netif_tx_request {
	u32 gref;
	u16 offset;
	u16 flags;
	u16 id;
	u16 size;
};

struct netif_tx_response {
	u16 id;
	s16 status;
};

/** struct netif_rx_request - a page that waits for a packet to the guest */
struct netif_rx_request {
	u16 id;
	u16 pad;
	u32 gref;
};

/** struct netif_rx_response - @status: bytes at @offset, or NETIF_RSP_ERROR */
struct netif_rx_response {
	u16 id;
	u16 offset;
	u16 flags;
	s16 status;
};

/** struct netif_extra - a slot after a packet's first one, in both rings */
struct netif_extra {
	u8 type;
	u8 flags;
	union {
		struct {
			u16 size;
			u8 type;
			u8 pad;
			u16 features;
		} gso;
		u8 mcast[6];
		u16 words[3];
	};
};

_Static_assert(sizeof(struct netif_tx_request) == 12, "Xen's io/netif.h");
_Static_assert(sizeof(struct netif_rx_request) == 8, "Xen's io/netif.h");
_Static_assert(sizeof(struct netif_rx_response) == 8, "Xen's io/netif.h");
_Static_assert(sizeof(struct netif_extra) == 8, "Xen's io/netif.h");

#endif /* USERSPACE_XEN_NETIF_H */
