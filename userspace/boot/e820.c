// SPDX-License-Identifier: GPL-2.0
/*
 * The memory map that a PC's firmware reports.  Boot loaders call it.  It must
 * name every byte of guest memory and nothing else as RAM, except the BIOS area.
 */
#include "userspace/boot/e820.h"
#include "userspace/boot/layout.h"

static unsigned int e820_add(struct e820_entry *map, unsigned int n, u64 addr, u64 end,
			     u32 type)
{
	if (end <= addr)
		return n;
	map[n].addr = addr;
	map[n].size = end - addr;
	map[n].type = type;
	return n + 1;
}

unsigned int e820_make(const struct gmem *mem, struct e820_entry *map)
{
	unsigned int n = 0;

	n = e820_add(map, n, 0, LAYOUT_LOW_END, E820_RAM);
	n = e820_add(map, n, LAYOUT_LOW_END, 0xa0000, E820_RESERVED);
	n = e820_add(map, n, LAYOUT_BIOS, LAYOUT_1M, E820_RESERVED);
	n = e820_add(map, n, LAYOUT_1M, mem->low, E820_RAM);
	n = e820_add(map, n, GMEM_HIGH, GMEM_HIGH + mem->high, E820_RAM);
	return n;
}
