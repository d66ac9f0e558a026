// SPDX-License-Identifier: GPL-2.0
/*
 * The back end's half of a xenbus device.  Disks and network cards make one for
 * each.  It must believe no state that the guest writes, and disconnect once for
 * each time that it connected.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/log.h"
#include "userspace/xen/domain.h"
#include "userspace/xen/xenbus.h"

/*
 * @changed: look again; @quit, @unplug and @why say at what, besides the front
 * end's state.  @state is what our half has written, the device's thread only.
 */
struct xenbus {
	struct xenbus_config config;
	char front[XENBUS_DIR_MAX];
	char back[XENBUS_DIR_MAX];
	struct xs_callback *watch;
	pthread_t thread;
	pthread_mutex_t lock;	/* of what stands below, down to @why */
	pthread_cond_t wake;
	bool changed;
	bool quit;
	bool unplug;
	char why[256];		/* the guest broke the protocol */
	atomic_bool connected;
	enum xenbus_state state;
};

const char *xenbus_front(const struct xenbus *dev)
{
	return dev->front;
}

const char *xenbus_back(const struct xenbus *dev)
{
	return dev->back;
}

struct xenstore *xenbus_store(const struct xenbus *dev)
{
	return dev->config.xs;
}

bool xenbus_connected(struct xenbus *dev)
{
	return atomic_load(&dev->connected);
}

/* With the lock. */
static void wake(struct xenbus *dev)
{
	dev->changed = true;
	pthread_cond_signal(&dev->wake);
}

static void on_front(void *arg, const char *path)
{
	struct xenbus *dev = arg;

	(void)path;
	pthread_mutex_lock(&dev->lock);
	wake(dev);
	pthread_mutex_unlock(&dev->lock);
}

static void set_state(struct xenbus *dev, enum xenbus_state state)
{
	if (dev->state == state)
		return;
	dev->state = state;
	xs_printf(dev->config.xs, 0, dev->back, "state", "%u", state);
}

static enum xenbus_state front_state(struct xenbus *dev)
{
	u32 state;

	if (xs_read_u32(dev->config.xs, 0, dev->front, "state", &state) ||
	    state >= XENBUS_STATES)
		return XENBUS_UNKNOWN;
	return (enum xenbus_state)state;
}

static void disconnect(struct xenbus *dev)
{
	if (!atomic_load(&dev->connected))
		return;
	dev->config.ops->disconnect(dev->config.arg, dev);
	atomic_store(&dev->connected, false);
}

/* As Linux' xenbus_dev_fatal() does it. */
static void give_up(struct xenbus *dev, const char *why)
{
	disconnect(dev);
	log_note("%s %u: %s", dev->config.kind, dev->config.id, why);
	xs_printf(dev->config.xs, 0, dev->back, "error", "%s", why);
	set_state(dev, XENBUS_CLOSING);
}

static void connect_front(struct xenbus *dev)
{
	struct err err = { "" };

	if (atomic_load(&dev->connected) || dev->state != XENBUS_INIT_WAIT)
		return;
	if (dev->config.ops->connect(dev->config.arg, dev, &err)) {
		give_up(dev, err.text);
		return;
	}
	atomic_store(&dev->connected, true);
	set_state(dev, XENBUS_CONNECTED);
}

/* What the front end's state asks of ours.  False: it has let go of the device. */
static bool follow(struct xenbus *dev, bool unplug)
{
	switch (front_state(dev)) {
	case XENBUS_INITIALISING:
		/* Perhaps again, without a goodbye: another kernel after a crash. */
		disconnect(dev);
		if (!unplug)
			set_state(dev, XENBUS_INIT_WAIT);
		break;
	case XENBUS_INITIALISED:
	case XENBUS_CONNECTED:
		connect_front(dev);
		break;
	case XENBUS_CLOSING:
		disconnect(dev);
		if (dev->state != XENBUS_CLOSED)
			set_state(dev, XENBUS_CLOSING);
		break;
	case XENBUS_CLOSED:
	case XENBUS_UNKNOWN:
		disconnect(dev);
		set_state(dev, XENBUS_CLOSED);
		return false;
	default:
		break;
	}
	return true;
}

static void *run(void *arg)
{
	struct xenbus *dev = arg;
	bool asked = false, gone = false;
	char why[sizeof(dev->why)];

	pthread_mutex_lock(&dev->lock);
	while (!dev->quit) {
		bool unplug = dev->unplug;

		dev->changed = false;
		memcpy(why, dev->why, sizeof(why));
		dev->why[0] = 0;
		pthread_mutex_unlock(&dev->lock);

		if (why[0] && atomic_load(&dev->connected))
			give_up(dev, why);
		if (unplug && !asked) {
			asked = true;
			xs_printf(dev->config.xs, 0, dev->back, "online", "0");
			if (dev->state != XENBUS_CLOSED)
				set_state(dev, XENBUS_CLOSING);
		}
		if (!follow(dev, unplug) && unplug && !gone) {
			gone = true;
			if (dev->config.ops->unplugged)
				dev->config.ops->unplugged(dev->config.arg, dev);
		}

		pthread_mutex_lock(&dev->lock);
		while (!dev->changed && !dev->quit)
			pthread_cond_wait(&dev->wake, &dev->lock);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

void xenbus_fail(struct xenbus *dev, const char *why)
{
	pthread_mutex_lock(&dev->lock);
	if (!dev->why[0])
		snprintf(dev->why, sizeof(dev->why), "%s", why);
	wake(dev);
	pthread_mutex_unlock(&dev->lock);
}

void xenbus_unplug(struct xenbus *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->unplug = true;
	wake(dev);
	pthread_mutex_unlock(&dev->lock);
}

/* Both directories, as a toolstack makes them. */
static int write_dirs(struct xenbus *dev, u32 tx)
{
	const struct xenbus_config *c = &dev->config;
	char perms[32];
	int ret = xs_mkdir(c->xs, tx, dev->front);

	if (!ret)
		ret = xs_mkdir(c->xs, tx, dev->back);
	snprintf(perms, sizeof(perms), "n%u r%u", c->domid, XS_DOMID_SELF);
	if (!ret)
		ret = xs_set_perms(c->xs, tx, dev->front, perms);
	snprintf(perms, sizeof(perms), "n%u r%u", XS_DOMID_SELF, c->domid);
	if (!ret)
		ret = xs_set_perms(c->xs, tx, dev->back, perms);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->front, "backend", "%s", dev->back);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->front, "backend-id", "%u", XS_DOMID_SELF);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->front, "state", "%u", XENBUS_INITIALISING);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->back, "frontend", "%s", dev->front);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->back, "frontend-id", "%u", c->domid);
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->back, "online", "1");
	if (!ret)
		ret = xs_printf(c->xs, tx, dev->back, "state", "%u", XENBUS_INITIALISING);
	return ret ? ret : c->ops->describe(c->arg, dev, tx);
}

static int add_dirs(struct xenbus *dev)
{
	struct xenstore *xs = dev->config.xs;
	char *old;
	u32 tx;
	int ret;

	do {
		ret = xs_begin(xs, &tx);
		if (ret)
			return ret;
		old = xs_read(xs, tx, dev->back, NULL);
		free(old);
		ret = old ? -EEXIST : write_dirs(dev, tx);
		if (ret)
			xs_abort(xs, tx);
		else
			ret = xs_commit(xs, tx);
	} while (ret == -EAGAIN);
	return ret;
}

static void remove_dirs(struct xenbus *dev)
{
	xs_rm(dev->config.xs, 0, dev->front);
	xs_rm(dev->config.xs, 0, dev->back);
}

static void xenbus_free(struct xenbus *dev)
{
	pthread_cond_destroy(&dev->wake);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

int xenbus_add(const struct xenbus_config *config, struct xenbus **out, struct err *err)
{
	struct xenbus *dev = calloc(1, sizeof(*dev));
	char path[XENBUS_DIR_MAX + 8];
	int ret;

	if (!dev)
		return err_set(err, ENOMEM, "not enough memory for a device");
	dev->config = *config;
	dev->state = XENBUS_INITIALISING;
	pthread_mutex_init(&dev->lock, NULL);
	pthread_cond_init(&dev->wake, NULL);
	snprintf(dev->front, sizeof(dev->front), DOMAIN_PATH "/device/%s/%u", config->domid,
		 config->kind, config->id);
	snprintf(dev->back, sizeof(dev->back), DOMAIN_PATH "/backend/%s/%u/%u", XS_DOMID_SELF,
		 config->kind, config->domid, config->id);
	ret = add_dirs(dev);
	if (ret) {
		xenbus_free(dev);
		return err_set(err, -ret, "cannot add %s %u: %s", config->kind, config->id,
			       strerror(-ret));
	}
	/* The thread may call the back end, which may ask for its device, at once. */
	*out = dev;
	snprintf(path, sizeof(path), "%s/state", dev->front);
	dev->watch = xs_watch(config->xs, path, on_front, dev);
	ret = dev->watch ? pthread_create(&dev->thread, NULL, run, dev) : errno;
	if (ret) {
		if (dev->watch)
			xs_unwatch(config->xs, dev->watch);
		remove_dirs(dev);
		xenbus_free(dev);
		*out = NULL;
		return err_set(err, ret, "cannot start the thread of %s %u: %s", config->kind,
			       config->id, strerror(ret));
	}
	return 0;
}

void xenbus_remove(struct xenbus *dev)
{
	xs_unwatch(dev->config.xs, dev->watch);
	pthread_mutex_lock(&dev->lock);
	dev->quit = true;
	wake(dev);
	pthread_mutex_unlock(&dev->lock);
	pthread_join(dev->thread, NULL);
	disconnect(dev);
	remove_dirs(dev);
	xenbus_free(dev);
}
