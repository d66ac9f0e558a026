/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Xen network card: a wire, a back end, and what both halves write into
 * xenstore about it.  The machine opens one before the jail, starts it before
 * the guest runs and stops it before the guest's memory goes.  It must believe
 * nothing that the guest writes into its directory.
 */
#ifndef USERSPACE_XEN_VIF_H
#define USERSPACE_XEN_VIF_H

#include "userspace/net/net.h"
#include "userspace/xen/netback.h"
#include "userspace/xen/xenbus.h"

/**
 * struct vif - a card
 * @id:   its number in the guest: eth@id
 * @mac:  its address
 * @vm:   while it is started, else -1
 * @dev:  the same, or NULL
 */
struct vif {
	u32 id;
	u8 mac[6];
	int vm;
	struct net_wire wire;
	u32 offers;
	struct netback nb;
	struct xenbus *dev;
};

/**
 * vif_open() - open the wire and make what the jail does not allow
 * @vif:    filled in; vif_close() undoes it, also after a failure
 * @id:     its number in the guest
 * @config: what the user asked for
 * @vcpus:  of the guest: as many queues, unless @config says so
 * @gt:     the guest's grants, while it is started
 * @err:    in words
 *
 * Return: 0 or a negative errno.
 */
int vif_open(struct vif *vif, u32 id, const struct net_config *config, u32 vcpus,
	     struct gnttab *gt, struct err *err);
void vif_close(struct vif *vif);

/** vif_start() - put it into xenstore; vif_stop() undoes it. */
int vif_start(struct vif *vif, struct xenstore *xs, u32 domid, int vm, struct err *err);
void vif_stop(struct vif *vif);

/** vif_report() - log what went through it since vif_open(). */
void vif_report(const struct vif *vif);

#endif /* USERSPACE_XEN_VIF_H */
