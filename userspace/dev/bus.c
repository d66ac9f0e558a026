// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch of port and memory accesses to devices.  vCPU threads call it for
 * what the kernel does not emulate.  It must not lock: the table does not change
 * while a guest runs.
 */
#include <errno.h>
#include <string.h>

#include "userspace/dev/bus.h"
#include "userspace/log.h"

void bus_init(struct bus *bus, const char *name)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
}

int bus_add(struct bus *bus, const struct bus_region *region)
{
	unsigned int i, at = 0;

	if (bus->count == BUS_REGIONS)
		return -ENOSPC;
	for (i = 0; i < bus->count; i++) {
		const struct bus_region *r = &bus->region[i];

		if (region->base < r->base + r->len && r->base < region->base + region->len)
			return -EEXIST;
		if (r->base < region->base)
			at = i + 1;
	}
	memmove(&bus->region[at + 1], &bus->region[at],
		(bus->count - at) * sizeof(bus->region[0]));
	bus->region[at] = *region;
	bus->count++;
	return 0;
}

static const struct bus_region *bus_find(const struct bus *bus, u64 addr)
{
	unsigned int low = 0, high = bus->count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct bus_region *r = &bus->region[mid];

		if (addr < r->base)
			high = mid;
		else if (addr - r->base >= r->len)
			low = mid + 1;
		else
			return r;
	}
	return NULL;
}

/* Count it, and say it once per address (more or less: it is a hash). */
static void bus_unknown(struct bus *bus, u64 addr, u32 size, const char *what)
{
	u64 key = (addr ^ addr >> 16) % (BUS_SEEN * 64);
	unsigned long bit = 1UL << (key % 64);

	atomic_fetch_add_explicit(&bus->unknown, 1, memory_order_relaxed);
	if (!log_debug_on())
		return;
	if (!(atomic_fetch_or(&bus->seen[key / 64], bit) & bit))
		log_debug("%s of %u bytes at %s 0x%llx: nobody is there", what, size,
			  bus->name, addr);
}

/* Does the device take this access in one piece? */
static bool bus_fits(const struct bus_region *r, u64 addr, u32 size)
{
	return size <= r->max_size && size <= r->len - (addr - r->base) &&
	       !(size & (size - 1));
}

static u64 bus_ones(u32 size)
{
	return size >= 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

u64 bus_read(struct bus *bus, u64 addr, u32 size)
{
	const struct bus_region *r = bus_find(bus, addr);
	u64 value = 0;
	u32 i;

	if (r && bus_fits(r, addr, size))
		return r->ops->read(r->dev, (u32)(addr - r->base), size) & bus_ones(size);
	if (!r && size == 1) {
		bus_unknown(bus, addr, size, "read");
		return 0xff;
	}
	for (i = 0; i < size; i++)
		value |= bus_read(bus, addr + i, 1) << (i * 8);
	return value;
}

void bus_write(struct bus *bus, u64 addr, u32 size, u64 value)
{
	const struct bus_region *r = bus_find(bus, addr);
	u32 i;

	value &= bus_ones(size);
	if (r && bus_fits(r, addr, size)) {
		r->ops->write(r->dev, (u32)(addr - r->base), size, (u32)value);
		return;
	}
	if (!r && size == 1) {
		bus_unknown(bus, addr, size, "write");
		return;
	}
	for (i = 0; i < size; i++)
		bus_write(bus, addr + i, 1, (value >> (i * 8)) & 0xff);
}
