/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory map that a PC's firmware reports.  Boot loaders call it to fill
 * in boot_params (and, later, other start structures).  It must agree with
 * lib/mem.h about the hole and with boot/layout.h about what is reserved.
 */
#ifndef USERSPACE_BOOT_E820_H
#define USERSPACE_BOOT_E820_H

#include "userspace/lib/mem.h"

#define E820_RAM	1
#define E820_RESERVED	2

/** struct e820_entry - one range, @addr to @addr + @size, of @type E820_* */
struct e820_entry {
	u64 addr;
	u64 size;
	u32 type;
};

#define E820_MAX	8

/**
 * e820_make() - the map of a guest
 * @mem: its memory, at least 1 MiB
 * @map: room for E820_MAX entries
 *
 * Return: how many entries, sorted by address, none overlapping.
 */
unsigned int e820_make(const struct gmem *mem, struct e820_entry *map);

#endif /* USERSPACE_BOOT_E820_H */
