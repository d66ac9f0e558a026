// SPDX-License-Identifier: GPL-2.0
/*
 * The small ports of a PC's board: reset and debug ports.  The bus calls them
 * for the guest.  They must not pretend to be a keyboard controller: its status
 * reads as all ones, which means that there is none.
 */
#include <string.h>

#include "userspace/boot/layout.h"
#include "userspace/dev/ports.h"

#define CF9_HARD	BIT(1)
#define CF9_CPU		BIT(2)
#define A_FAST_RESET	BIT(0)
#define A_GATE_A20	BIT(1)
#define KBD_RESET	0xfe

u8 ports_reset_read(struct ports *ports)
{
	return atomic_load(&ports->cf9);
}

void ports_reset_write(struct ports *ports, u8 value)
{
	/* The chip resets when bit 2 rises. */
	if (value & CF9_CPU && !(atomic_load(&ports->cf9) & CF9_CPU))
		ports->reset(ports->arg);
	atomic_store(&ports->cf9, value & CF9_HARD);
}

static u32 system_a_read(void *dev, u32 offset, u32 size)
{
	struct ports *p = dev;

	(void)offset;
	(void)size;
	return atomic_load(&p->system_a) | A_GATE_A20;
}

static void system_a_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct ports *p = dev;

	(void)offset;
	(void)size;
	if (value & A_FAST_RESET)
		p->reset(p->arg);
	atomic_store(&p->system_a, (u8)(value & ~A_FAST_RESET));
}

static u32 none_read(void *dev, u32 offset, u32 size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0xff;
}

static void kbd_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct ports *p = dev;

	(void)offset;
	(void)size;
	if (value == KBD_RESET)
		p->reset(p->arg);
}

static void none_write(void *dev, u32 offset, u32 size, u32 value)
{
	(void)dev;
	(void)offset;
	(void)size;
	(void)value;
}

/* A guest finds the port by reading its number back. */
static u32 log_read(void *dev, u32 offset, u32 size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0xe9;
}

static void log_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct ports *p = dev;

	(void)offset;
	(void)size;
	if (p->log)
		p->log((u8)value);
}

void ports_init(struct ports *ports, void *arg, void (*reset)(void *arg),
		void (*log)(u8 byte))
{
	memset(ports, 0, sizeof(*ports));
	ports->arg = arg;
	ports->reset = reset;
	ports->log = log;
}

int ports_add(struct ports *ports, struct bus *bus)
{
	static const struct bus_ops system_a = { system_a_read, system_a_write };
	static const struct bus_ops kbd = { none_read, kbd_write };
	static const struct bus_ops post = { none_read, none_write };
	static const struct bus_ops log = { log_read, log_write };
	const struct bus_region region[] = {
		{ PORT_SYSTEM_A, 1, 1, "system-a", &system_a, ports },
		{ PORT_KBD, 1, 1, "keyboard", &kbd, ports },
		{ PORT_DEBUG, 1, 1, "post", &post, ports },
		{ PORT_BOCHS_LOG, 1, 1, "log-e9", &log, ports },
		{ PORT_BIOS_LOG, 1, 1, "log-402", &log, ports },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(region) && !ret; i++)
		ret = bus_add(bus, &region[i]);
	return ret;
}
