/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One network interface of a guest, as it stands in a configuration file's vif
 * list: Xen's xl-network-configuration(5).  guest.c and cmd_run.c call it.  It
 * must not touch the host's network.
 *
 *	KEY=VALUE, separated by commas; an empty text is an interface, too
 */
#ifndef USERSPACE_CONFIG_VIF_H
#define USERSPACE_CONFIG_VIF_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"
#include "userspace/net/net.h"

/**
 * struct vif_spec - a network interface
 * @mac:     its address; zero: choose one
 * @bridge:  bridge of the host that it is on, or NULL
 * @ip:      address that its traffic has, or NULL
 * @script:  program that connects it, or NULL
 * @vifname: name of the host's side, or NULL
 * @model:   of an emulated card, or NULL
 * @gateway: gatewaydev, the host's interface for routed traffic, or NULL
 * @backend: domain that has it, or NULL: the launcher
 * @emulated: type=ioemu: a card for guests without PV drivers as well
 * @rate:    bytes a second at most; 0: no limit
 * @interval_us: in which @rate is measured, microseconds
 * @devid:   its number, or -1
 * @mtu:     bytes, or 0: as the host's side
 * @line:    in the file, for messages
 */
struct vif_spec {
	u8 mac[6];
	char *bridge;
	char *ip;
	char *script;
	char *vifname;
	char *model;
	char *gateway;
	char *backend;
	bool emulated;
	u64 rate;
	u32 interval_us;
	int devid;
	u32 mtu;
	unsigned int line;
};

/**
 * vif_parse() - read the text of a network interface
 * @vif:  filled in; vif_free() frees what it holds, also after an error
 * @text: as in the file
 * @err:  what is wrong and what is accepted
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int vif_parse(struct vif_spec *vif, const char *text, struct err *err);

/**
 * vif_net() - the network that an interface stands for
 * @vif: from vif_parse()
 * @net: filled in: a tap device, when @vif names a bridge or the host's side; else
 *       a network of the guest's own
 * @err: in words
 *
 * Return: 0, -EINVAL: a name that is too long, or a back end other than domain 0.
 */
int vif_net(const struct vif_spec *vif, struct net_config *net, struct err *err);

/** vif_free() - free its texts. */
void vif_free(struct vif_spec *vif);

#endif /* USERSPACE_CONFIG_VIF_H */
