/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back end's half of a xenbus device: the directories of both halves in
 * xenstore, the dance of their states, and a thread that follows it.  Back ends
 * (disks, network cards) make one for each device, before the guest runs or, to
 * plug one in, while it does.  It must believe no state that the guest writes:
 * a front end may go, come back or repeat itself at any time.
 */
#ifndef USERSPACE_XEN_XENBUS_H
#define USERSPACE_XEN_XENBUS_H

#include "userspace/lib/err.h"
#include "userspace/xen/xenstore.h"

/* Xen's io/xenbus.h */
enum xenbus_state {
	XENBUS_UNKNOWN, XENBUS_INITIALISING, XENBUS_INIT_WAIT, XENBUS_INITIALISED,
	XENBUS_CONNECTED, XENBUS_CLOSING, XENBUS_CLOSED, XENBUS_RECONFIGURING,
	XENBUS_RECONFIGURED, XENBUS_STATES,
};

#define XENBUS_DIR_MAX	64

struct xenbus;

/**
 * struct xenbus_ops - what a back end does; @arg is struct xenbus_config.arg
 * @describe:   write what the front end finds before it connects: features into
 *              xenbus_back(), what the toolstack tells it into xenbus_front();
 *              in transaction @tx, by xenbus_add()'s caller.  0 or an errno, in
 *              which case xenbus_add() fails
 * @connect:    the front end has written its half: read it, map rings, start.  0, or
 *              an errno with a sentence, which the guest finds in "error"; it may
 *              write into xenbus_back() what the front end reads when it is told
 *              that the back end is connected.  The device's thread
 * @disconnect: stop and give back all that is the guest's; after @connect was 0,
 *              once.  The device's thread, or that of xenbus_remove()
 * @unplugged:  the guest has let go of the device after xenbus_unplug(); may be
 *              NULL.  The device's thread: it must not call xenbus_remove()
 */
struct xenbus_ops {
	int (*describe)(void *arg, struct xenbus *dev, u32 tx);
	int (*connect)(void *arg, struct xenbus *dev, struct err *err);
	void (*disconnect)(void *arg, struct xenbus *dev);
	void (*unplugged)(void *arg, struct xenbus *dev);
};

/**
 * struct xenbus_config - a device
 * @xs:    the store
 * @kind:  "vbd", "vif", a constant
 * @domid: whose it is
 * @id:    its number in the guest
 * @ops:   the back end, a constant
 * @arg:   its own
 */
struct xenbus_config {
	struct xenstore *xs;
	const char *kind;
	u32 domid;
	u32 id;
	const struct xenbus_ops *ops;
	void *arg;
};

/**
 * xenbus_add() - make both directories and start the device's thread
 * @config: copied
 * @dev:    the device
 * @err:    in words
 *
 * Return: 0, -EEXIST: there is such a device, or another errno.
 */
int xenbus_add(const struct xenbus_config *config, struct xenbus **dev, struct err *err);

/**
 * xenbus_unplug() - ask the guest to give the device back
 *
 * The guest may take its time, or never answer.  Any thread.
 */
void xenbus_unplug(struct xenbus *dev);

/**
 * xenbus_remove() - disconnect at once, remove the directories, free it
 *
 * Before the guest's memory goes.  Any thread but the device's.
 */
void xenbus_remove(struct xenbus *dev);

/** xenbus_fail() - the guest broke the protocol: close, and say why. Any thread. */
void xenbus_fail(struct xenbus *dev, const char *why);

/** xenbus_front(), xenbus_back() - the halves' directories. */
const char *xenbus_front(const struct xenbus *dev);
const char *xenbus_back(const struct xenbus *dev);

/** xenbus_store() - the store that they are in. */
struct xenstore *xenbus_store(const struct xenbus *dev);

/** xenbus_connected() - is it?  Any thread; it may be over at once. */
bool xenbus_connected(struct xenbus *dev);

#endif /* USERSPACE_XEN_XENBUS_H */
