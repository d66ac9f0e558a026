/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest of a xenstore, for unit tests: it puts requests into a ring page and
 * takes replies from it, as a kernel does.  The xenstore tests include it.  It
 * must work with the page only.
 */
#ifndef SELFTESTS_UNIT_XS_GUEST_H
#define SELFTESTS_UNIT_XS_GUEST_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/xs_wire.h"

/* struct xs_guest - @step: lets the other side work; @reply is the last one */
struct xs_guest {
	struct xs_page *page;
	void (*step)(struct xs_guest *guest);
	void *arg;
	u32 req_id;
	struct xs_header reply;
	char data[XS_PAYLOAD_MAX + 1];
	unsigned int events;		/* watch events that came */
	char event[XS_PAYLOAD_MAX + 1];	/* the last: path, then token */
};

static void xsg_put(struct xs_guest *guest, const void *data, u32 len)
{
	struct xs_page *page = guest->page;
	const u8 *from = data;
	unsigned int waited = 0;

	while (len) {
		u32 prod = atomic_load(&page->req_prod);

		if (prod - atomic_load(&page->req_cons) == XS_RING_SIZE) {
			if (++waited > 1000000) {
				printf("# the ring stays full\n");
				exit(1);
			}
			guest->step(guest);
			continue;
		}
		page->req[prod % XS_RING_SIZE] = *from++;
		atomic_store(&page->req_prod, prod + 1);
		len--;
	}
}

/* False: nothing came. */
static bool xsg_get(struct xs_guest *guest, void *data, u32 len)
{
	struct xs_page *page = guest->page;
	unsigned int waited = 0;
	u8 *to = data;

	while (len) {
		u32 cons = atomic_load(&page->rsp_cons);

		if (cons == atomic_load(&page->rsp_prod)) {
			if (++waited > 1000000)
				return false;
			guest->step(guest);
			continue;
		}
		*to++ = page->rsp[cons % XS_RING_SIZE];
		atomic_store(&page->rsp_cons, cons + 1);
		len--;
	}
	return true;
}

static bool xsg_message(struct xs_guest *guest)
{
	if (!xsg_get(guest, &guest->reply, sizeof(guest->reply)) ||
	    guest->reply.len > XS_PAYLOAD_MAX ||
	    !xsg_get(guest, guest->data, guest->reply.len))
		return false;
	guest->data[guest->reply.len] = 0;
	return true;
}

/* Takes what is there already. */
static void xsg_drain(struct xs_guest *guest)
{
	struct xs_page *page = guest->page;

	guest->step(guest);
	while (atomic_load(&page->rsp_cons) != atomic_load(&page->rsp_prod) &&
	       xsg_message(guest)) {
		if (guest->reply.type == XS_WATCH_EVENT) {
			guest->events++;
			memcpy(guest->event, guest->data, guest->reply.len + 1);
		}
		guest->step(guest);
	}
}

/* The reply's type, or -1; watch events on the way are counted. */
static int xsg_ask(struct xs_guest *guest, u32 type, u32 tx, const void *data, u32 len)
{
	struct xs_header header = {
		.type = type, .req_id = ++guest->req_id, .tx_id = tx, .len = len,
	};

	xsg_put(guest, &header, sizeof(header));
	xsg_put(guest, data, len);
	while (xsg_message(guest)) {
		if (guest->reply.type != XS_WATCH_EVENT)
			return guest->reply.req_id == header.req_id ? (int)guest->reply.type : -1;
		guest->events++;
		memcpy(guest->event, guest->data, guest->reply.len + 1);
	}
	return -1;
}

/* Strings, each with its zero, up to a NULL. */
static int xsg_call(struct xs_guest *guest, u32 type, u32 tx, ...)
{
	char data[XS_PAYLOAD_MAX];
	const char *text;
	u32 len = 0;
	va_list ap;

	va_start(ap, tx);
	while ((text = va_arg(ap, const char *))) {
		memcpy(data + len, text, strlen(text) + 1);
		len += (u32)strlen(text) + 1;
	}
	va_end(ap);
	return xsg_ask(guest, type, tx, data, len);
}

/* It is refused, with this name of an error. */
static bool xsg_error(const struct xs_guest *guest, int type, const char *name)
{
	bool ok = type == XS_ERROR && !strcmp(guest->data, name);

	if (!ok)
		printf("# %s wanted, type %d: %s\n", name, type, guest->data);
	return ok;
}

/* A value is written without its zero. */
static int xsg_write(struct xs_guest *guest, u32 tx, const char *path, const char *value)
{
	char data[XS_PAYLOAD_MAX];
	u32 len = (u32)strlen(path) + 1;

	memcpy(data, path, len);
	memcpy(data + len, value, strlen(value));
	return xsg_ask(guest, XS_WRITE, tx, data, len + (u32)strlen(value));
}

/* Does a read give this value? */
static bool xsg_is(struct xs_guest *guest, u32 tx, const char *path, const char *value)
{
	int type = xsg_call(guest, XS_READ, tx, path, NULL);
	bool ok = type == XS_READ && guest->reply.len == strlen(value) &&
		  !strcmp(guest->data, value);

	if (!ok)
		printf("# %s: \"%s\" wanted, type %d: %s\n", path, value, type, guest->data);
	return ok;
}

static inline u32 xsg_begin(struct xs_guest *guest)
{
	if (xsg_call(guest, XS_TRANSACTION_START, 0, "", NULL) != XS_TRANSACTION_START)
		return 0;
	return (u32)strtoul(guest->data, NULL, 10);
}

#endif /* SELFTESTS_UNIT_XS_GUEST_H */
