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
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/net/net.h"

/* @ifname: of IFNAMSIZ bytes; when it is empty the host chooses a name. */
static int open_queue(char *ifname, int flags)
{
	struct ifreq ifr = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), code;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (!ioctl(fd, TUNSETIFF, &ifr)) {
		memcpy(ifname, ifr.ifr_name, IFNAMSIZ);
		return fd;
	}
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

/* Put the device on a bridge and switch it on, as Xen's vif-bridge script does. */
static int join_bridge(const char *ifname, const char *bridge, struct err *err)
{
	struct ifreq port = { 0 }, ifr = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), code = 0;

	snprintf(port.ifr_name, IFNAMSIZ, "%s", ifname);
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", bridge);
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &port))
		code = errno;
	ifr.ifr_ifindex = port.ifr_ifindex;
	/* EBUSY: it is on a bridge already, whoever put it there. */
	if (!code && ioctl(fd, SIOCBRADDIF, &ifr) && errno != EBUSY)
		code = errno;
	if (!code && ioctl(fd, SIOCGIFFLAGS, &port))
		code = errno;
	port.ifr_flags |= IFF_UP;
	if (!code && ioctl(fd, SIOCSIFFLAGS, &port))
		code = errno;
	if (fd >= 0)
		close(fd);
	if (code == ENODEV)
		return err_set(err, code, "the host has no bridge %s", bridge);
	if (code == EPERM)
		return err_set(err, code,
			       "no right to put %s on bridge %s (as root: ip link set %s master %s up, then without bridge=)",
			       ifname, bridge, ifname, bridge);
	return code ? err_set(err, code, "cannot put %s on bridge %s: %s", ifname, bridge,
			      strerror(code)) : 0;
}

int net_tap_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		 struct err *err)
{
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, fd, ret;
	char ifname[IFNAMSIZ];

	snprintf(ifname, sizeof(ifname), "%s", config->ifname);

	/* A device made for one queue refuses several, and the other way round. */
	fd = open_queue(ifname, queues > 1 ? flags | IFF_MULTI_QUEUE : flags);
	if (fd == -EINVAL && queues > 1) {
		fd = open_queue(ifname, flags);
		queues = 1;
	} else if (fd == -EINVAL) {
		fd = open_queue(ifname, flags | IFF_MULTI_QUEUE);
	}
	if (fd < 0)
		return explain(ifname, -fd, err);
	wire->accepts = NET_OFFLOADS;
	wire->fd[wire->queues++] = fd;
	while (wire->queues < queues) {
		fd = open_queue(ifname, flags | IFF_MULTI_QUEUE);
		if (fd < 0)
			return explain(ifname, -fd, err);
		wire->fd[wire->queues++] = fd;
	}
	memcpy(wire->name, ifname, sizeof(ifname));
	ret = net_tap_offload(wire, 0);
	if (!ret && config->bridge[0])
		ret = join_bridge(ifname, config->bridge, err);
	return ret;
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
