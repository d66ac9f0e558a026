/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Xen disk: a file or a block device, a back end, and what both halves write
 * into xenstore about it.  The machine's devices open one before the jail, start
 * it before the guest runs and stop it before the guest's memory goes.  It must
 * believe nothing that the guest writes into its directory.
 */
#ifndef USERSPACE_XEN_VBD_H
#define USERSPACE_XEN_VBD_H

#include "userspace/config/disk.h"
#include "userspace/xen/blkback.h"
#include "userspace/xen/xenbus.h"

/**
 * struct vbd - a disk
 * @number: what the guest calls it: struct disk_spec.number
 * @name:   the same, for messages
 * @cdrom:  it says that it is one
 * @persistent: it offers persistent grants
 * @block:  what of the file it is best to write at a time, bytes
 * @vm:     while it is started, else -1
 * @dev:    the same, or NULL
 */
struct vbd {
	u32 number;
	char name[32];
	bool cdrom;
	bool persistent;
	u32 block;
	int vm;
	struct blkback_disk disk;
	struct blkback bb;
	struct gnttab *gt;
	struct xenbus *dev;
};

/**
 * vbd_open() - open and lock the file and make what the jail does not allow
 * @vbd:    filled in; vbd_close() undoes it, also after a failure
 * @spec:   what the user asked for
 * @vcpus:  of the guest: as many queues, up to BLKBACK_QUEUES
 * @gt:     the guest's grants, while it is started
 * @err:    in words
 *
 * Return: 0 or a negative errno; -EBUSY: another process has it open for
 * writing, or this one would write what another reads.
 */
int vbd_open(struct vbd *vbd, const struct disk_spec *spec, u32 vcpus, struct gnttab *gt,
	     struct err *err);
void vbd_close(struct vbd *vbd);

/** vbd_uring() - does it use io_uring? */
bool vbd_uring(const struct vbd *vbd);

/** vbd_start() - put it into xenstore; vbd_stop() undoes it. */
int vbd_start(struct vbd *vbd, struct xenstore *xs, u32 domid, int vm, struct err *err);
void vbd_stop(struct vbd *vbd);

#endif /* USERSPACE_XEN_VBD_H */
