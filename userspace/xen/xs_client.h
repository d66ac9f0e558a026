/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side of a xenstore: requests of the wire protocol in, replies and
 * watch events out.  The ring calls it, under the store's lock.  It must answer
 * every request, also one that makes no sense.
 */
#ifndef USERSPACE_XEN_XS_CLIENT_H
#define USERSPACE_XEN_XS_CLIENT_H

#include "userspace/xen/xs_store.h"

/**
 * struct xs_msg - a message on its way to the guest
 * @len:  bytes at @data: a header and what follows it
 * @sent: of them
 */
struct xs_msg {
	struct xs_msg *next;
	u32 len;
	u32 sent;
	u8 data[];
};

/**
 * struct xs_client - a guest
 * @head:   messages to send, oldest first; @count of them with @bytes
 * @lost:   events that found no room or no memory
 */
struct xs_client {
	struct xs_conn conn;
	struct xs_msg *head;
	struct xs_msg **last;
	u32 count;
	size_t bytes;
	u64 lost;
};

/** xs_client_init() - connect; xs_client_exit() undoes it. */
void xs_client_init(struct xs_client *client, struct xs_store *store, u16 domid);
void xs_client_exit(struct xs_client *client);

/** xs_client_reset() - forget watches, transactions and what was to be sent. */
void xs_client_reset(struct xs_client *client);

/** xs_client_busy() - too much waits to be sent: read no request. */
bool xs_client_busy(const struct xs_client *client);

/**
 * xs_client_request() - do a request and queue its reply
 * @client:  who asks
 * @header:  at most XS_PAYLOAD_MAX bytes of payload
 * @payload: header->len bytes, and room for one more
 *
 * Return: 0; -ENOMEM: there is no reply.
 */
int xs_client_request(struct xs_client *client, const struct xs_header *header, u8 *payload);

/** xs_client_sent() - drop the first message. */
void xs_client_sent(struct xs_client *client);

#endif /* USERSPACE_XEN_XS_CLIENT_H */
