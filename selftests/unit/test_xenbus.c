// SPDX-License-Identifier: GPL-2.0
/*
 * The back end's half of a xenbus device, with a front end that behaves, one
 * that comes back without a goodbye, one that repeats itself and one that writes
 * anything.  Run by selftests/unit/Makefile; TAP on stdout.  It must judge no
 * duration.
 */
/* SOURCES: userspace/xen/xs_tree.c userspace/xen/xs_store.c userspace/xen/xs_txn.c */
/* SOURCES: userspace/xen/xs_client.c userspace/xen/xs_ring.c userspace/xen/xenstore.c */
/* SOURCES: userspace/xen/xenbus.c userspace/log.c userspace/lib/err.c */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/xen/xenbus.h"
#include "userspace/xen/xs_wire.h"
#include "selftests/unit/unit.h"

#define FRONT	"/local/domain/1/device/vbd/7"
#define BACK	"/local/domain/0/backend/vbd/1/7"

static struct xenstore *xs;
static atomic_int connects, disconnects, unplugs;
static atomic_bool refuse, overlap;

static int on_describe(void *arg, struct xenbus *dev, u32 tx)
{
	(void)arg;
	return xs_printf(xs, tx, xenbus_back(dev), "feature-x", "1");
}

static int on_connect(void *arg, struct xenbus *dev, struct err *err)
{
	(void)arg;
	(void)dev;
	if (refuse)
		return err_set(err, EINVAL, "the ring is round");
	if (connects != disconnects)
		overlap = true;
	connects++;
	return 0;
}

static void on_disconnect(void *arg, struct xenbus *dev)
{
	(void)arg;
	(void)dev;
	disconnects++;
	if (connects != disconnects)
		overlap = true;
}

static void on_unplugged(void *arg, struct xenbus *dev)
{
	(void)arg;
	(void)dev;
	unplugs++;
}

static const struct xenbus_ops ops = {
	.describe = on_describe, .connect = on_connect, .disconnect = on_disconnect,
	.unplugged = on_unplugged,
};

static void on_send(void *arg)
{
	(void)arg;
}

static void on_complaint(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

static void front(enum xenbus_state state)
{
	xs_printf(xs, 0, FRONT, "state", "%u", state);
}

static u32 back(void)
{
	u32 state = 99;

	xs_read_u32(xs, 0, BACK, "state", &state);
	return state;
}

/* Waits until the back end is there; the rig's limit ends it otherwise. */
static bool back_gets(enum xenbus_state state)
{
	while (back() != state)
		usleep(500);
	return true;
}

static bool exchange(enum xenbus_state state, enum xenbus_state answer)
{
	front(state);
	return back_gets(answer);
}

static bool value_is(const char *path, const char *want)
{
	char *value = xs_read(xs, 0, path, NULL);
	bool ok = value ? want && !strcmp(value, want) : !want;

	free(value);
	return ok;
}

static void test_dance(void)
{
	result(back_gets(XENBUS_INIT_WAIT) && value_is(BACK "/feature-x", "1") &&
	       value_is(BACK "/frontend", FRONT) && value_is(FRONT "/backend", BACK),
	       "it waits for a front end");
	result(exchange(XENBUS_INITIALISED, XENBUS_CONNECTED) && connects == 1, "connects");
	front(XENBUS_CONNECTED);
	result(exchange(XENBUS_CLOSING, XENBUS_CLOSING) && disconnects == 1, "closes");
	result(exchange(XENBUS_CLOSED, XENBUS_CLOSED) && disconnects == 1, "is closed");
	result(exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT), "waits again");
	result(exchange(XENBUS_CONNECTED, XENBUS_CONNECTED) && connects == 2,
	       "connects one that skips Initialised");
	result(exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT) && disconnects == 2,
	       "one that begins again without a goodbye");
	result(exchange(XENBUS_INITIALISED, XENBUS_CONNECTED) && connects == 3, "connects again");
	xs_rm(xs, 0, FRONT "/state");
	result(back_gets(XENBUS_CLOSED) && disconnects == 3, "one that goes away");
	result(exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT), "and comes back");
}

static void test_errors(struct xenbus *dev)
{
	refuse = true;
	result(exchange(XENBUS_INITIALISED, XENBUS_CLOSING) &&
	       value_is(BACK "/error", "the ring is round"), "one that cannot be connected");
	refuse = false;
	exchange(XENBUS_CLOSED, XENBUS_CLOSED);
	exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT);
	result(exchange(XENBUS_INITIALISED, XENBUS_CONNECTED), "may try again");
	xenbus_fail(dev, "nonsense");
	result(back_gets(XENBUS_CLOSING) && value_is(BACK "/error", "nonsense") &&
	       connects == disconnects, "one that breaks the protocol");
	exchange(XENBUS_CLOSED, XENBUS_CLOSED);
	exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT);
}

/* Whatever it writes, each connection ends once. */
static void test_chaos(void)
{
	unsigned int i, seed = 1;

	for (i = 0; i < 20000; i++) {
		if (rand_r(&seed) % 20)
			front(rand_r(&seed) % (XENBUS_STATES + 2));
		else
			xs_write(xs, 0, FRONT "/state", "x", rand_r(&seed) % 2);
		if (!(rand_r(&seed) % 16))
			usleep(1);
	}
	front(XENBUS_CLOSED);
	result(back_gets(XENBUS_CLOSED) && connects == disconnects && !overlap,
	       "a front end that writes anything");
	exchange(XENBUS_INITIALISING, XENBUS_INIT_WAIT);
	exchange(XENBUS_INITIALISED, XENBUS_CONNECTED);
}

static void test_unplug(struct xenbus *dev)
{
	xenbus_unplug(dev);
	result(back_gets(XENBUS_CLOSING) && value_is(BACK "/online", "0"), "it is unplugged");
	exchange(XENBUS_CLOSED, XENBUS_CLOSED);
	while (!unplugs)
		usleep(500);
	front(XENBUS_INITIALISING);
	front(XENBUS_CLOSED);
	xenbus_remove(dev);
	result(unplugs == 1 && connects == disconnects && value_is(FRONT, NULL) &&
	       value_is(BACK, NULL), "and gone");
}

int main(void)
{
	static struct xs_page page;
	const struct xenstore_host host = { .send = on_send, .complain = on_complaint };
	struct xenbus_config config = { .kind = "vbd", .domid = 1, .id = 7, .ops = &ops };
	struct xenbus *dev, *other;
	struct err err = { "" };

	xs = xenstore_create(1, &err);
	config.xs = xs;
	xenstore_start(xs, &page, &host, &err);
	result(!xenbus_add(&config, &dev, &err), "a device");
	result(xenbus_add(&config, &other, &err) == -EEXIST, "not twice");
	test_dance();
	test_errors(dev);
	test_chaos();
	test_unplug(dev);
	result(!xenbus_add(&config, &dev, &err) && back_gets(XENBUS_INIT_WAIT) &&
	       exchange(XENBUS_INITIALISED, XENBUS_CONNECTED), "plugged in again");
	xenstore_stop(xs);
	xenbus_remove(dev);
	result(connects == disconnects, "removed while it is connected");
	xenstore_destroy(xs);
	return finish();
}
