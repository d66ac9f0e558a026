// SPDX-License-Identifier: GPL-2.0
/*
 * The back end of a Xen console: guest output from one ring, typed input into
 * the other.  Its own thread waits for the guest's events.  It must read each
 * index of the shared page once and believe no difference that is too large.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/xen/console.h"

#define IN_SIZE		1024U
#define OUT_SIZE	2048U

/* Xen's io/console.h */
struct xencons_ring {
	u8 in[IN_SIZE];
	u8 out[OUT_SIZE];
	_Atomic u32 in_cons;
	_Atomic u32 in_prod;
	_Atomic u32 out_cons;
	_Atomic u32 out_prod;
};

static void wake(int fd)
{
	u64 one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void drain(int fd)
{
	u64 count;

	while (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		;
}

/* What the guest has written since; false: nothing more to do until woken. */
static bool take_output(struct xencons *cons)
{
	struct xencons_ring *ring = cons->ring;
	u32 at = atomic_load_explicit(&ring->out_cons, memory_order_relaxed);
	u32 prod = atomic_load_explicit(&ring->out_prod, memory_order_acquire);
	u32 count = prod - at;
	bool more = true;

	if (!count)
		return false;
	/* Nonsense: skip it, as Xen's own console does. */
	if (count > OUT_SIZE)
		at = prod;
	while (at != prod && more) {
		more = cons->host.output(cons->host.arg,
					 ((volatile u8 *)ring->out)[at % OUT_SIZE]);
		at++;
	}
	atomic_store_explicit(&ring->out_cons, at, memory_order_release);
	cons->host.send(cons->host.arg);
	return more;
}

static void *run(void *arg)
{
	struct xencons *cons = arg;
	struct pollfd fds[] = {
		{ .fd = cons->kick, .events = POLLIN },
		{ .fd = cons->quit, .events = POLLIN },
	};
	bool more = false;

	/* A guest that never ends to write must not keep it from its end. */
	while (!(fds[1].revents & POLLIN)) {
		if (poll(fds, ARRAY_SIZE(fds), more ? 0 : -1) < 0 && errno != EINTR)
			break;
		drain(cons->kick);
		more = take_output(cons);
		cons->host.room(cons->host.arg);
	}
	return NULL;
}

int xencons_init(struct xencons *cons, struct err *err)
{
	memset(cons, 0, sizeof(*cons));
	pthread_mutex_init(&cons->lock, NULL);
	cons->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cons->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cons->kick < 0 || cons->quit < 0)
		return err_set(err, EMFILE, "cannot make an eventfd");
	return 0;
}

void xencons_exit(struct xencons *cons)
{
	if (cons->kick > 0)
		close(cons->kick);
	if (cons->quit > 0)
		close(cons->quit);
	cons->kick = -1;
	cons->quit = -1;
}

int xencons_start(struct xencons *cons, void *page, const struct xencons_host *host,
		  struct err *err)
{
	int ret;

	cons->ring = page;
	cons->host = *host;
	drain(cons->kick);
	drain(cons->quit);
	ret = pthread_create(&cons->thread, NULL, run, cons);
	if (ret)
		return err_set(err, ret, "cannot start the console's thread: %s", strerror(ret));
	cons->started = true;
	return 0;
}

void xencons_stop(struct xencons *cons)
{
	if (!cons->started)
		return;
	wake(cons->quit);
	pthread_join(cons->thread, NULL);
	cons->started = false;
}

void xencons_resume(struct xencons *cons)
{
	wake(cons->kick);
}

unsigned int xencons_room(struct xencons *cons)
{
	struct xencons_ring *ring = cons->ring;
	u32 used;

	if (!cons->started)
		return 0;
	used = atomic_load_explicit(&ring->in_prod, memory_order_relaxed) -
	       atomic_load_explicit(&ring->in_cons, memory_order_acquire);
	return used > IN_SIZE ? 0 : IN_SIZE - used;
}

void xencons_input(struct xencons *cons, const u8 *data, unsigned int len)
{
	struct xencons_ring *ring = cons->ring;
	unsigned int i, room;
	u32 prod;

	pthread_mutex_lock(&cons->lock);
	room = xencons_room(cons);
	if (len > room)
		len = room;
	if (len) {
		prod = atomic_load_explicit(&ring->in_prod, memory_order_relaxed);
		for (i = 0; i < len; i++)
			((volatile u8 *)ring->in)[(prod + i) % IN_SIZE] = data[i];
		atomic_store_explicit(&ring->in_prod, prod + len, memory_order_release);
	}
	pthread_mutex_unlock(&cons->lock);
	if (len)
		cons->host.send(cons->host.arg);
}
