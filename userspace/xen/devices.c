// SPDX-License-Identifier: GPL-2.0
/*
 * A Xen guest's devices, as one.  The machine opens, starts and stops them.  It
 * must undo each step in the reverse order, also when only some were done.
 */
#include "uapi/hvmod.h"
#include "userspace/jail.h"
#include "userspace/xen/devices.h"

int devices_open(struct devices *d, const struct disk_spec *disk, u32 disks,
		 const struct net_config *net, u32 nets, u32 vcpus, struct err *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < disks && i < DEVICES_DISKS && !ret; i++) {
		d->vbds++;
		ret = vbd_open(&d->vbd[i], &disk[i], vcpus, &d->gnttab, err);
	}
	for (i = 0; i < nets && i < NET_CARDS && !ret; i++) {
		/* One that failed is closed, too. */
		d->vifs++;
		ret = vif_open(&d->vif[i], i, &net[i], vcpus, &d->gnttab, err);
	}
	return ret;
}

void devices_close(struct devices *d)
{
	while (d->vifs)
		vif_close(&d->vif[--d->vifs]);
	while (d->vbds)
		vbd_close(&d->vbd[--d->vbds]);
}

u32 devices_need(const struct devices *d)
{
	u32 needs = 0, i;

	for (i = 0; i < d->vifs; i++)
		if (d->vif[i].wire.kind == NET_TAP)
			needs |= JAIL_TAP;
	for (i = 0; i < d->vbds; i++)
		needs |= vbd_uring(&d->vbd[i]) ? JAIL_URING : JAIL_DISK;
	return needs;
}

int devices_start(struct devices *d, struct xenstore *xs, int vm, const struct gmem *mem,
		  struct err *err)
{
	int ret = gnttab_open(&d->gnttab, vm, mem, err);
	u32 i;

	for (i = 0; i < d->vbds && !ret; i++)
		ret = vbd_start(&d->vbd[i], xs, HVMOD_XEN_DOMID_GUEST, vm, err);
	for (i = 0; i < d->vifs && !ret; i++)
		ret = vif_start(&d->vif[i], xs, HVMOD_XEN_DOMID_GUEST, vm, err);
	return ret;
}

void devices_stop(struct devices *d)
{
	u32 i;

	for (i = 0; i < d->vifs; i++)
		vif_stop(&d->vif[i]);
	for (i = 0; i < d->vbds; i++)
		vbd_stop(&d->vbd[i]);
	gnttab_close(&d->gnttab);
}
