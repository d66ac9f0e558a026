/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One disk of a guest, as it stands in a configuration file's disk list:
 * Xen's xl-disk-configuration(5).  guest.c and cmd_run.c call it.  It must not
 * open anything.
 *
 *	TARGET[,FORMAT[,VDEV[,ACCESS]]] with KEY=VALUE and flags between them;
 *	target=REST takes the rest of the text
 *	phy:TARGET,VDEV,ACCESS, file: and such, as old files have it
 */
#ifndef USERSPACE_CONFIG_DISK_H
#define USERSPACE_CONFIG_DISK_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/** enum disk_format - what is in the file */
enum disk_format {
	DISK_RAW,
	DISK_QCOW,
	DISK_QCOW2,
	DISK_VHD,
	DISK_QED,
	DISK_EMPTY,		/* a CD drive without a disc */
};

/** DISK_VDEV_PARTITION - flag of disk_vdev(): the name is a partition's */
#define DISK_VDEV_PARTITION	1

/**
 * struct disk_spec - a disk
 * @target:  file or block device, absolute; NULL: no disc in the drive
 * @vdev:    what the guest calls it: "xvda", "hda", "sda1"
 * @script:  program that makes the target's device, or NULL
 * @backend: domain that has the disk, or NULL: the launcher
 * @backendtype: "phy", "tap", "qdisk", "standalone", or NULL
 * @format:  enum disk_format
 * @number:  of @vdev, as a front end is told: xen-vbd-interface(7)
 * @readonly: the guest cannot write
 * @cdrom:   a CD drive
 * @discard: the guest may free blocks
 * @persistent: the guest is asked to keep its grants and copy; not a word of Xen's
 * @line:    in the file, for messages
 */
struct disk_spec {
	char *target;
	char *vdev;
	char *script;
	char *backend;
	char *backendtype;
	enum disk_format format;
	u32 number;
	bool readonly;
	bool cdrom;
	bool discard;
	bool persistent;
	unsigned int line;
};

/**
 * disk_parse() - read the text of a disk
 * @disk: filled in; disk_free() frees what it holds, also after an error
 * @text: as in the file
 * @err:  what is wrong and what is accepted
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int disk_parse(struct disk_spec *disk, const char *text, struct err *err);

/** disk_free() - free its texts. */
void disk_free(struct disk_spec *disk);

/**
 * disk_vdev() - the number of a device's name
 * @name: "xvdb", "hda2", "sdc", "d3p1", or a number itself ("51712", "0xca00")
 * @number: filled in
 *
 * Return: 0, DISK_VDEV_PARTITION, or -EINVAL.
 */
int disk_vdev(const char *name, u32 *number);

/** disk_format_name() - "raw", "qcow2", ... */
const char *disk_format_name(enum disk_format format);

#endif /* USERSPACE_CONFIG_DISK_H */
