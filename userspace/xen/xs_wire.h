/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes over a xenstore ring: the page and the messages, as Xen's
 * io/xs_wire.h has them.  The ring, the protocol and their tests include it.  It
 * must hold layouts and numbers only.
 */
#ifndef USERSPACE_XEN_XS_WIRE_H
#define USERSPACE_XEN_XS_WIRE_H

#include <stdatomic.h>

#include "userspace/lib/types.h"

#define XS_PAYLOAD_MAX		4096U
#define XS_ABS_PATH_MAX		3072U
#define XS_REL_PATH_MAX		2048U
#define XS_RING_SIZE		1024U

enum xs_type {
	XS_CONTROL, XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WATCH, XS_UNWATCH,
	XS_TRANSACTION_START, XS_TRANSACTION_END, XS_INTRODUCE, XS_RELEASE,
	XS_GET_DOMAIN_PATH, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS, XS_WATCH_EVENT,
	XS_ERROR, XS_IS_DOMAIN_INTRODUCED, XS_RESUME, XS_SET_TARGET,
	XS_RESET_WATCHES = XS_SET_TARGET + 2, XS_DIRECTORY_PART, XS_TYPES,
};

/* xsd_sockmsg */
struct xs_header {
	u32 type;
	u32 req_id;
	u32 tx_id;
	u32 len;
};

/* xenstore_domain_interface */
struct xs_page {
	u8 req[XS_RING_SIZE];
	u8 rsp[XS_RING_SIZE];
	_Atomic u32 req_cons;
	_Atomic u32 req_prod;
	_Atomic u32 rsp_cons;
	_Atomic u32 rsp_prod;
	_Atomic u32 features;
	_Atomic u32 connection;
	_Atomic u32 error;
};

#define XS_FEATURE_RECONNECTION	BIT(0)
#define XS_FEATURE_ERROR	BIT(1)

#define XS_CONNECTED		0U
#define XS_RECONNECT		1U

#define XS_ERROR_NONE		0U
#define XS_ERROR_COMM		1U
#define XS_ERROR_RINGIDX	2U
#define XS_ERROR_PROTO		3U

_Static_assert(sizeof(struct xs_header) == 16, "a message's header");
_Static_assert(offsetof(struct xs_page, req_cons) == 2048, "rings first");
_Static_assert(sizeof(struct xs_page) == 2076, "xenstore_domain_interface");

#endif /* USERSPACE_XEN_XS_WIRE_H */
