/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which device answers at which I/O port or guest-physical address.  Devices
 * add their regions before the guest starts; vCPU threads dispatch accesses.
 * It must answer every access, whatever its address, size and alignment.
 */
#ifndef USERSPACE_DEV_BUS_H
#define USERSPACE_DEV_BUS_H

#include <stdatomic.h>

#include "userspace/lib/types.h"

/**
 * struct bus_ops - what a device does
 * @read:  @offset is inside the region; @size is 1, 2 or 4, at most max_size,
 *         and the access does not leave the region
 * @write: the same; @value has no bits above @size bytes
 *
 * Context: any vCPU thread, several at once: the device locks.
 */
struct bus_ops {
	u32 (*read)(void *dev, u32 offset, u32 size);
	void (*write)(void *dev, u32 offset, u32 size, u32 value);
};

/**
 * struct bus_region - a device's addresses
 * @base:     first port or address
 * @len:      how many
 * @max_size: largest access the device takes; larger ones are split into bytes
 * @name:     for logs
 * @ops:      what the device does
 * @dev:      its first argument
 */
struct bus_region {
	u64 base;
	u32 len;
	u32 max_size;
	const char *name;
	const struct bus_ops *ops;
	void *dev;
};

#define BUS_REGIONS	32
#define BUS_SEEN	1024

/**
 * struct bus - ports or memory
 * @name:     "port" or "address", for logs
 * @region:   sorted by @base
 * @count:    of them
 * @unknown:  accesses that no device took
 * @seen:     bit map over a hash of unknown addresses that were logged
 */
struct bus {
	const char *name;
	struct bus_region region[BUS_REGIONS];
	unsigned int count;
	atomic_ullong unknown;
	atomic_ulong seen[BUS_SEEN];
};

/** bus_init() - an empty bus. */
void bus_init(struct bus *bus, const char *name);

/**
 * bus_add() - put a device on it
 *
 * Return: 0, -EEXIST when addresses overlap, -ENOSPC.
 * Context: before the guest runs.
 */
int bus_add(struct bus *bus, const struct bus_region *region);

/** bus_read() - @size 1 to 8. Return: the value; all ones where nobody is. */
u64 bus_read(struct bus *bus, u64 addr, u32 size);

/** bus_write() - @size 1 to 8; dropped where nobody is. */
void bus_write(struct bus *bus, u64 addr, u32 size, u64 value);

#endif /* USERSPACE_DEV_BUS_H */
