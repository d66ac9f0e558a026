// SPDX-License-Identifier: GPL-2.0
/*
 * A Xen network card in xenstore: what is offered, what the front end asked for,
 * and when the back end runs.  The machine calls it.  It must check each number
 * of the front end before netback has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/hvm.h"
#include "userspace/log.h"
#include "userspace/xen/vif.h"

static int on_bind(void *arg, u32 port, int kick)
{
	return hvm_xen_connect(((struct vif *)arg)->vm, port, kick);
}

static void on_unbind(void *arg, u32 port)
{
	/* The guest may have closed it before. */
	hvm_xen_disconnect(((struct vif *)arg)->vm, port);
}

static void on_send(void *arg, u32 port)
{
	hvm_xen_send(((struct vif *)arg)->vm, port);
}

static void on_broken(void *arg, const char *why)
{
	struct vif *vif = arg;

	log_note("network card %u: the guest sends nonsense: %s", vif->id, why);
	xenbus_fail(vif->dev, why);
}

/* ---- xenstore ---- */

struct number {
	const char *name;
	u32 value;
};

static int describe(void *arg, struct xenbus *dev, u32 tx)
{
	const struct vif *vif = arg;
	const struct number numbers[] = {
		{ "handle", vif->id },
		{ "feature-rx-copy", 1 },
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", !!(vif->offers & NET_TSO4) },
		{ "feature-gso-tcpv6", !!(vif->offers & NET_TSO6) },
		{ "feature-ipv6-csum-offload", !!(vif->offers & NET_CSUM) },
		{ "feature-multicast-control", 1 },
		{ "feature-split-event-channels", 1 },
		{ "multi-queue-max-queues", vif->wire.queues },
	};
	struct xenstore *xs = xenbus_store(dev);
	const u8 *m = vif->mac;
	char mac[18];
	u32 i;
	int ret;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	ret = xs_printf(xs, tx, xenbus_back(dev), "mac", "%s", mac);
	if (!ret)
		ret = xs_printf(xs, tx, xenbus_front(dev), "mac", "%s", mac);
	if (!ret)
		ret = xs_printf(xs, tx, xenbus_front(dev), "handle", "%u", vif->id);
	for (i = 0; i < ARRAY_SIZE(numbers) && !ret; i++)
		ret = xs_printf(xs, tx, xenbus_back(dev), numbers[i].name, "%u",
				numbers[i].value);
	return ret;
}

/* A number of the front end; @missing when it is not there. */
static int get(struct xenbus *dev, const char *dir, const char *node, u32 missing, u32 *value,
	       struct err *err)
{
	int ret = xs_read_u32(xenbus_store(dev), 0, dir, node, value);

	if (ret == -ENOENT) {
		*value = missing;
		return 0;
	}
	return ret ? err_set(err, -ret, "%s/%s is no number", dir, node) : 0;
}

static int need(struct xenbus *dev, const char *dir, const char *node, u32 *value,
		struct err *err)
{
	int ret = xs_read_u32(xenbus_store(dev), 0, dir, node, value);

	return ret ? err_set(err, -ret, "%s/%s is %s", dir, node,
			     ret == -ENOENT ? "missing" : "no number") : 0;
}

static int read_queue(struct xenbus *dev, struct netback_front *front, u32 index, const char *dir,
		      struct err *err)
{
	u32 tx_ref, rx_ref, port, tx_port = 0, rx_port = 0;
	int ret = need(dev, dir, "tx-ring-ref", &tx_ref, err);

	if (!ret)
		ret = need(dev, dir, "rx-ring-ref", &rx_ref, err);
	if (!ret)
		ret = get(dev, dir, "event-channel-tx", 0, &tx_port, err);
	if (!ret)
		ret = get(dev, dir, "event-channel-rx", 0, &rx_port, err);
	if (!ret && (!tx_port || !rx_port)) {
		ret = need(dev, dir, "event-channel", &port, err);
		tx_port = port;
		rx_port = port;
	}
	if (ret)
		return ret;
	front->queue[index].tx_ref = tx_ref;
	front->queue[index].rx_ref = rx_ref;
	front->queue[index].tx_port = tx_port;
	front->queue[index].rx_port = rx_port;
	return 0;
}

static int read_queues(struct vif *vif, struct xenbus *dev, struct netback_front *front,
		       struct err *err)
{
	const char *base = xenbus_front(dev);
	char dir[XENBUS_DIR_MAX + 16];
	u32 i;
	int ret = get(dev, base, "multi-queue-num-queues", 1, &front->queues, err);

	if (ret)
		return ret;
	if (!front->queues || front->queues > vif->wire.queues)
		return err_set(err, EINVAL, "multi-queue-num-queues is %u, not 1 to %u",
			       front->queues, vif->wire.queues);
	if (front->queues == 1)
		return read_queue(dev, front, 0, base, err);
	for (i = 0; i < front->queues && !ret; i++) {
		snprintf(dir, sizeof(dir), "%s/queue-%u", base, i);
		ret = read_queue(dev, front, i, dir, err);
	}
	return ret;
}

static int read_features(struct xenbus *dev, struct netback_front *front, struct err *err)
{
	const char *base = xenbus_front(dev);
	u32 copy, sg, tso4, tso6, no_csum, csum6, mcast;
	int ret = get(dev, base, "request-rx-copy", 0, &copy, err);

	if (!ret)
		ret = get(dev, base, "feature-sg", 0, &sg, err);
	if (!ret)
		ret = get(dev, base, "feature-gso-tcpv4", 0, &tso4, err);
	if (!ret)
		ret = get(dev, base, "feature-gso-tcpv6", 0, &tso6, err);
	if (!ret)
		ret = get(dev, base, "feature-no-csum-offload", 0, &no_csum, err);
	if (!ret)
		ret = get(dev, base, "feature-ipv6-csum-offload", 0, &csum6, err);
	if (!ret)
		ret = get(dev, base, "request-multicast-control", 0, &mcast, err);
	if (ret)
		return ret;
	if (!copy)
		return err_set(err, EOPNOTSUPP,
			       "the front end does not set request-rx-copy: it is too old");
	front->sg = sg;
	front->csum6 = csum6;
	front->mcast = mcast;
	front->offloads = (no_csum ? 0 : NET_CSUM) | (tso4 ? NET_TSO4 : 0) |
			  (tso6 ? NET_TSO6 : 0);
	return 0;
}

static void log_front(const struct vif *vif)
{
	const struct netback_front *front = &vif->nb.front;

	log_debug("network card %u: %u queues%s%s%s%s", vif->id, front->queues,
		  front->sg ? ", sg" : "", front->offloads & NET_CSUM ? ", checksums" : "",
		  front->offloads & (NET_TSO4 | NET_TSO6) ? ", segments" : "",
		  front->mcast ? ", multicast" : "");
}

static int connect_front(void *arg, struct xenbus *dev, struct err *err)
{
	struct vif *vif = arg;
	struct netback_front front = { 0 };
	int ret = read_features(dev, &front, err);

	if (!ret)
		ret = read_queues(vif, dev, &front, err);
	if (!ret && !(vif->offers & NET_CSUM))
		front.csum6 = false;
	if (!ret)
		ret = netback_connect(&vif->nb, &front, err);
	if (!ret)
		log_front(vif);
	return ret;
}

static void disconnect_front(void *arg, struct xenbus *dev)
{
	struct vif *vif = arg;

	(void)dev;
	netback_disconnect(&vif->nb);
}

static const struct xenbus_ops ops = {
	.describe = describe,
	.connect = connect_front,
	.disconnect = disconnect_front,
};

/* ---- life ---- */

int vif_open(struct vif *vif, u32 id, const struct net_config *config, u32 vcpus,
	     struct gnttab *gt, struct err *err)
{
	static const u8 none[6];
	const struct netback_host host = {
		.arg = vif,
		.bind = on_bind,
		.unbind = on_unbind,
		.send = on_send,
		.broken = on_broken,
	};
	int ret;

	memset(vif, 0, sizeof(*vif));
	vif->id = id;
	vif->vm = -1;
	memcpy(vif->mac, config->mac, sizeof(vif->mac));
	if (!memcmp(vif->mac, none, sizeof(none)))
		net_make_mac(vif->mac);
	ret = net_open(&vif->wire, config, vcpus, err);
	if (ret)
		return ret;
	vif->offers = vif->wire.accepts & config->offloads;
	return netback_init(&vif->nb, &host, gt, &vif->wire, vif->offers, err);
}

void vif_close(struct vif *vif)
{
	netback_exit(&vif->nb);
	net_close(&vif->wire);
}

int vif_start(struct vif *vif, struct xenstore *xs, u32 domid, int vm, struct err *err)
{
	const struct xenbus_config config = {
		.xs = xs,
		.kind = "vif",
		.domid = domid,
		.id = vif->id,
		.ops = &ops,
		.arg = vif,
	};

	vif->vm = vm;
	return xenbus_add(&config, &vif->dev, err);
}

void vif_stop(struct vif *vif)
{
	if (vif->dev)
		xenbus_remove(vif->dev);
	vif->dev = NULL;
	vif->vm = -1;
}

static void report_queue(const struct vif *vif, const struct netback_queue *q)
{
	const struct netback_stat *s = &q->stat;

	log_note("  network card %u, queue %u: %lu events, %lu sleeps", vif->id, q->index,
		 atomic_load(&s->events), atomic_load(&s->sleeps));
	log_note("    sent %lu packets, %lu bytes; %lu errors, %lu dropped",
		 atomic_load(&s->tx_packets), atomic_load(&s->tx_bytes),
		 atomic_load(&s->tx_errors), atomic_load(&s->tx_dropped));
	log_note("    received %lu packets, %lu bytes; %lu errors, %lu dropped",
		 atomic_load(&s->rx_packets), atomic_load(&s->rx_bytes),
		 atomic_load(&s->rx_errors), atomic_load(&s->rx_dropped));
}

void vif_report(const struct vif *vif)
{
	u32 i;

	for (i = 0; i < vif->nb.front.queues; i++)
		report_queue(vif, &vif->nb.queue[i]);
}
