/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices that a Xen guest finds in xenstore, and the grants that they use:
 * all of them together, for the machine.  It must stop them before the guest's
 * memory goes.
 */
#ifndef USERSPACE_XEN_DEVICES_H
#define USERSPACE_XEN_DEVICES_H

#include "userspace/net/net.h"
#include "userspace/xen/gnttab.h"
#include "userspace/xen/vbd.h"
#include "userspace/xen/vif.h"
#include "userspace/xen/xenstore.h"

#define DEVICES_DISKS	16

/**
 * struct devices - the devices
 * @gnttab: the guest's grants, while it runs
 * @vbd:    disks, @vbds of them
 * @vif:    network cards, @vifs of them
 */
struct devices {
	struct gnttab gnttab;
	struct vbd vbd[DEVICES_DISKS];
	u32 vbds;
	struct vif vif[NET_CARDS];
	u32 vifs;
};

/**
 * devices_open() - open what they need; before the jail
 * @d:     zero; devices_close() undoes it, also after a failure
 * @disk:  disks, @disks of them
 * @net:   network cards, @nets of them
 * @vcpus: of the guest
 * @err:   in words
 */
int devices_open(struct devices *d, const struct disk_spec *disk, u32 disks,
		 const struct net_config *net, u32 nets, u32 vcpus, struct err *err);
void devices_close(struct devices *d);

/** devices_need() - what they need in the jail: JAIL_* bits. */
u32 devices_need(const struct devices *d);

/**
 * devices_start() - map the grants of a new VM, put the devices into xenstore
 * @d:   from devices_open()
 * @xs:  the store
 * @vm:  its descriptor
 * @mem: its memory
 * @err: in words
 *
 * devices_stop() undoes it, also after a failure.
 */
int devices_start(struct devices *d, struct xenstore *xs, int vm, const struct gmem *mem,
		  struct err *err);
void devices_stop(struct devices *d);

#endif /* USERSPACE_XEN_DEVICES_H */
