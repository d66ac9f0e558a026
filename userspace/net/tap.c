// SPDX-License-Identifier: GPL-2.0
/*
 * A tap device of the host as a wire, with offloads and several queues.  net.c
 * calls it.  It must open the device before the jail; in it, only TUNSETOFFLOAD
 * and TUNSETQUEUE are left.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "userspace/net/net.h"

static int open_queue(const char *ifname, int flags)
{
	struct ifreq ifr = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), code;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (!ioctl(fd, TUNSETIFF, &ifr))
		return fd;
	code = errno;
	close(fd);
	return -code;
}

static int explain(const char *ifname, int code, struct err *err)
{
	if (code == ENOENT || code == ENODEV)
		return err_set(err, code, "the host has no /dev/net/tun (modprobe tun)");
	if (code == EPERM || code == EACCES)
		return err_set(err, code,
			       "no right to use tap device %s (as root: ip tuntap add dev %s mode tap user NAME)",
			       ifname, ifname);
	if (code == EBUSY)
		return err_set(err, code, "tap device %s is in use", ifname);
	if (code == EINVAL)
		return err_set(err, code, "%s is a network device, but no tap device", ifname);
	return err_set(err, code, "cannot open tap device %s: %s", ifname, strerror(code));
}

int net_tap_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		 struct err *err)
{
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, fd;

	/* A device made for one queue refuses several, and the other way round. */
	fd = open_queue(config->ifname, queues > 1 ? flags | IFF_MULTI_QUEUE : flags);
	if (fd == -EINVAL && queues > 1) {
		fd = open_queue(config->ifname, flags);
		queues = 1;
	} else if (fd == -EINVAL) {
		fd = open_queue(config->ifname, flags | IFF_MULTI_QUEUE);
	}
	if (fd < 0)
		return explain(config->ifname, -fd, err);
	wire->accepts = NET_OFFLOADS;
	wire->fd[wire->queues++] = fd;
	while (wire->queues < queues) {
		fd = open_queue(config->ifname, flags | IFF_MULTI_QUEUE);
		if (fd < 0)
			return explain(config->ifname, -fd, err);
		wire->fd[wire->queues++] = fd;
	}
	return net_tap_offload(wire, 0);
}

int net_tap_offload(struct net_wire *wire, u32 flags)
{
	unsigned int tun = 0;

	if (flags & NET_CSUM)
		tun |= TUN_F_CSUM;
	if (flags & NET_CSUM && flags & NET_TSO4)
		tun |= TUN_F_TSO4;
	if (flags & NET_CSUM && flags & NET_TSO6)
		tun |= TUN_F_TSO6;
	/* It is the device's, not the queue's. */
	return ioctl(wire->fd[0], TUNSETOFFLOAD, (unsigned long)tun) ? -errno : 0;
}

int net_tap_use_queues(struct net_wire *wire, u32 count)
{
	struct ifreq ifr = { 0 };
	u32 i;

	for (i = 0; wire->queues > 1 && i < wire->queues; i++) {
		ifr.ifr_flags = i < count ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
		/* EINVAL: it is so already. */
		if (ioctl(wire->fd[i], TUNSETQUEUE, &ifr) && errno != EINVAL)
			return -errno;
	}
	return 0;
}
