/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small ports of a PC's board: the ways to reset it (0xcf9, 0x92, command
 * 0xfe at 0x64), the ports that only log (0x80, 0xe9, 0x402).  The bus calls
 * them.  They hold no guest state but the last value written.
 */
#ifndef USERSPACE_DEV_PORTS_H
#define USERSPACE_DEV_PORTS_H

#include <stdatomic.h>

#include "userspace/dev/bus.h"

/**
 * struct ports - their state
 * @reset:    the guest resets the machine; any vCPU thread
 * @log:      the guest wrote a byte to a debug port
 * @cf9:      reset control register
 * @system_a: port 0x92; bit 1 is the A20 gate, always open here
 */
struct ports {
	void *arg;
	void (*reset)(void *arg);
	void (*log)(u8 byte);
	atomic_uchar cf9;
	atomic_uchar system_a;
};

void ports_init(struct ports *ports, void *arg, void (*reset)(void *arg),
		void (*log)(u8 byte));

/**
 * ports_reset_read(), ports_reset_write() - port 0xcf9, which lies inside the
 * PCI address register: dev/pci.c has the region and calls these.
 */
u8 ports_reset_read(struct ports *ports);
void ports_reset_write(struct ports *ports, u8 value);

/** ports_add() - put them on a bus. Return: bus_add()'s. */
int ports_add(struct ports *ports, struct bus *bus);

#endif /* USERSPACE_DEV_PORTS_H */
