// SPDX-License-Identifier: GPL-2.0
/*
 * The network back end: its queues, their threads, when they sleep and when the
 * guest is told.  vif.c calls it.  It must ask for events before it sleeps and
 * look once more, or a frame waits for the next one.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/xen/netback.h"

/* Frames of one direction before the other has its turn. */
#define BUDGET		64U

static void drain(int fd)
{
	u64 count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void wake(int fd)
{
	u64 one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int netback_fail(struct netback_queue *q, const char *fmt, ...)
{
	va_list args;

	if (q->broken)
		return -EPROTO;
	q->broken = true;
	va_start(args, fmt);
	vsnprintf(q->why, sizeof(q->why), fmt, args);
	va_end(args);
	return -EPROTO;
}

static void send_event(struct netback_queue *q, u32 port)
{
	q->nb->host.send(q->nb->host.arg, port);
	atomic_fetch_add_explicit(&q->stat.events, 1, memory_order_relaxed);
}

bool netback_work(struct netback_queue *q)
{
	u32 tx = netback_tx(q, BUDGET), rx = netback_rx(q, BUDGET);
	bool tell_tx = ring_push(&q->tx), tell_rx = ring_push(&q->rx);

	if (tell_tx)
		send_event(q, q->tx_port);
	if (tell_rx && !(tell_tx && q->rx_port == q->tx_port))
		send_event(q, q->rx_port);
	return !q->broken && (tx == BUDGET || rx == BUDGET);
}

bool netback_idle(struct netback_queue *q)
{
	bool more = false;

	if (q->broken)
		return true;
	/* While the wire is full there is no use in more requests. */
	if (!q->blocked)
		more = ring_arm(&q->tx, 1);
	if (!q->pages || q->held)
		more |= ring_arm(&q->rx, netback_rx_wants(q));
	return !more;
}

/* Wait for the guest, the wire or the end. Return: the end. */
static bool wait_for_work(struct netback_queue *q)
{
	struct pollfd fds[4] = {
		{ .fd = q->quit, .events = POLLIN },
		{ .fd = q->kick_tx, .events = POLLIN },
		{ .fd = q->kick_rx, .events = POLLIN },
		{ .fd = q->fd },
	};

	if (q->pages && !q->held && !q->gone)
		fds[3].events |= POLLIN;
	if (q->blocked)
		fds[3].events |= POLLOUT;
	if (q->broken || !fds[3].events)
		fds[3].fd = -1;
	atomic_fetch_add_explicit(&q->stat.sleeps, 1, memory_order_relaxed);
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno != EINTR;
	if (fds[1].revents)
		drain(q->kick_tx);
	if (fds[2].revents)
		drain(q->kick_rx);
	if (fds[3].revents & ~POLLOUT)
		q->ready = true;
	return fds[0].revents;
}

static void *run(void *arg)
{
	struct netback_queue *q = arg;
	bool told = false;

	for (;;) {
		/* poll() tells of frames from the wire; a busy guest keeps us from it. */
		while (!q->broken && netback_work(q))
			q->ready = true;
		if (q->broken && !told) {
			told = true;
			q->nb->host.broken(q->nb->host.arg, q->why);
		}
		if (!netback_idle(q))
			q->ready = true;
		else if (wait_for_work(q))
			break;
	}
	return NULL;
}

static int attach_ring(struct netback_queue *q, struct ring *ring, u32 ref, bool *mapped,
		       unsigned int slot, const char *name, struct err *err)
{
	void *page;
	int ret = gnttab_map(q->nb->gt, ref, GNTTAB_WRITE, &page);
	struct err why;

	if (ret)
		return err_set(err, -ret, "queue %u: the %s ring's grant %u %s", q->index, name,
			       ref, gnttab_why(ret));
	*mapped = true;
	ret = ring_init(ring, (u8 *[]){ page }, 1, slot, &why);
	if (ret)
		return err_set(err, -ret, "queue %u: %s: %s", q->index, name, why.text);
	return 0;
}

static int attach_port(struct netback_queue *q, u32 port, int kick, bool *bound, struct err *err)
{
	int ret = q->nb->host.bind(q->nb->host.arg, port, kick);

	if (ret)
		return err_set(err, -ret, "queue %u: event channel %u: %s", q->index, port,
			       strerror(-ret));
	*bound = true;
	return 0;
}

int netback_attach(struct netback_queue *q, struct err *err)
{
	int ret;

	q->broken = false;
	q->ready = true;
	q->blocked = false;
	q->gone = false;
	q->pages = 0;
	q->held = 0;
	ret = attach_ring(q, &q->tx, q->tx_ref, &q->tx_mapped, sizeof(struct netif_tx_request),
			  "tx", err);
	if (!ret)
		ret = attach_ring(q, &q->rx, q->rx_ref, &q->rx_mapped,
				  sizeof(struct netif_rx_request), "rx", err);
	if (!ret)
		ret = attach_port(q, q->tx_port, q->kick_tx, &q->tx_bound, err);
	if (!ret && q->rx_port != q->tx_port)
		ret = attach_port(q, q->rx_port, q->kick_rx, &q->rx_bound, err);
	if (ret)
		netback_detach(q);
	return ret;
}

void netback_detach(struct netback_queue *q)
{
	if (q->tx_bound)
		q->nb->host.unbind(q->nb->host.arg, q->tx_port);
	if (q->rx_bound)
		q->nb->host.unbind(q->nb->host.arg, q->rx_port);
	netback_rx_reset(q);
	if (q->tx_mapped)
		gnttab_unmap(q->nb->gt, q->tx_ref, GNTTAB_WRITE);
	if (q->rx_mapped)
		gnttab_unmap(q->nb->gt, q->rx_ref, GNTTAB_WRITE);
	q->tx_bound = false;
	q->rx_bound = false;
	q->tx_mapped = false;
	q->rx_mapped = false;
}

static int start_queue(struct netback_queue *q, struct err *err)
{
	int ret = netback_attach(q, err);

	if (ret)
		return ret;
	drain(q->quit);
	ret = pthread_create(&q->thread, NULL, run, q);
	if (ret) {
		netback_detach(q);
		return err_set(err, ret, "no thread for a network queue: %s", strerror(ret));
	}
	q->started = true;
	return 0;
}

static void stop_queue(struct netback_queue *q)
{
	if (!q->started)
		return;
	wake(q->quit);
	pthread_join(q->thread, NULL);
	q->started = false;
	netback_detach(q);
}

int netback_connect(struct netback *nb, const struct netback_front *front, struct err *err)
{
	u32 i;
	int ret;

	if (!front->queues || front->queues > nb->wire->queues)
		return err_set(err, EINVAL, "%u queues are asked for, %u is the most",
			       front->queues, nb->wire->queues);
	nb->front = *front;
	nb->front.offloads &= nb->offers;
	if (!front->sg)
		nb->front.offloads &= ~(u32)(NET_TSO4 | NET_TSO6);
	nb->mcasts = 0;
	ret = net_offload(nb->wire, nb->front.offloads);
	if (!ret)
		ret = net_use_queues(nb->wire, front->queues);
	if (ret)
		return err_set(err, -ret, "%s refuses offloads or queues: %s", nb->wire->name,
			       strerror(-ret));
	for (i = 0; i < front->queues && !ret; i++) {
		struct netback_queue *q = &nb->queue[i];

		q->tx_ref = front->queue[i].tx_ref;
		q->rx_ref = front->queue[i].rx_ref;
		q->tx_port = front->queue[i].tx_port;
		q->rx_port = front->queue[i].rx_port;
		ret = start_queue(q, err);
	}
	if (ret)
		netback_disconnect(nb);
	return ret;
}

void netback_disconnect(struct netback *nb)
{
	u32 i;

	for (i = 0; i < NET_QUEUES; i++)
		stop_queue(&nb->queue[i]);
}

static int init_queue(struct netback *nb, u32 index, struct err *err)
{
	struct netback_queue *q = &nb->queue[index];

	q->nb = nb;
	q->index = index;
	q->fd = nb->wire->fd[index];
	q->kick_tx = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->kick_rx = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->spill = malloc(FRAME_MAX);
	if (q->kick_tx < 0 || q->kick_rx < 0 || q->quit < 0 || !q->spill)
		return err_set(err, ENOMEM, "not enough descriptors or memory for a network card");
	return 0;
}

int netback_init(struct netback *nb, const struct netback_host *host, struct gnttab *gt,
		 struct net_wire *wire, u32 offers, struct err *err)
{
	u32 i;
	int ret = 0;

	memset(nb, 0, sizeof(*nb));
	for (i = 0; i < NET_QUEUES; i++) {
		nb->queue[i].kick_tx = -1;
		nb->queue[i].kick_rx = -1;
		nb->queue[i].quit = -1;
	}
	pthread_mutex_init(&nb->lock, NULL);
	nb->host = *host;
	nb->gt = gt;
	nb->wire = wire;
	nb->offers = offers;
	for (i = 0; i < wire->queues && !ret; i++)
		ret = init_queue(nb, i, err);
	return ret;
}

void netback_exit(struct netback *nb)
{
	u32 i;

	if (!nb->gt)
		return;
	netback_disconnect(nb);
	for (i = 0; i < NET_QUEUES; i++) {
		struct netback_queue *q = &nb->queue[i];

		if (q->kick_tx >= 0)
			close(q->kick_tx);
		if (q->kick_rx >= 0)
			close(q->kick_rx);
		if (q->quit >= 0)
			close(q->quit);
		free(q->spill);
	}
	pthread_mutex_destroy(&nb->lock);
	nb->gt = NULL;
}
