// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration mechanism #1: a host bridge on an otherwise empty bus 0.
 * The bus calls it.  It must keep the address register apart from the reset
 * register, a byte in its midst: only doublewords reach the address.
 */
#include "userspace/boot/layout.h"
#include "userspace/dev/pci.h"

#define ADDRESS_ENABLE	BIT(31)
#define ADDRESS_MASK	0x80fffffcU
#define ADDRESS_DEVICE	0x00ffff00U

/* A host bridge of no model that anybody has a driver or a quirk for. */
#define BRIDGE_ID	0x0d578086U
#define BRIDGE_CLASS	0x06000000U

static u32 config_read(u32 address)
{
	if (!(address & ADDRESS_ENABLE) || address & ADDRESS_DEVICE)
		return 0xffffffff;
	switch (address & 0xfc) {
	case 0x00:
		return BRIDGE_ID;
	case 0x08:
		return BRIDGE_CLASS;
	}
	return 0;
}

static u32 address_read(void *dev, u32 offset, u32 size)
{
	struct pci *pci = dev;

	if (size == 4)
		return atomic_load(&pci->address);
	if (size == 1 && offset == PORT_RESET - PORT_PCI_ADDRESS)
		return ports_reset_read(pci->ports);
	return 0xffffffff;
}

static void address_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct pci *pci = dev;

	if (size == 4)
		atomic_store(&pci->address, value & ADDRESS_MASK);
	else if (size == 1 && offset == PORT_RESET - PORT_PCI_ADDRESS)
		ports_reset_write(pci->ports, (u8)value);
}

static u32 data_read(void *dev, u32 offset, u32 size)
{
	struct pci *pci = dev;

	(void)size;
	return config_read(atomic_load(&pci->address)) >> (offset * 8);
}

static void data_write(void *dev, u32 offset, u32 size, u32 value)
{
	(void)dev;
	(void)offset;
	(void)size;
	(void)value;	/* the bridge has nothing that can be written */
}

void pci_init(struct pci *pci, struct ports *ports)
{
	atomic_init(&pci->address, 0);
	pci->ports = ports;
}

int pci_add(struct pci *pci, struct bus *bus)
{
	static const struct bus_ops address = { address_read, address_write };
	static const struct bus_ops data = { data_read, data_write };
	struct bus_region region[] = {
		{ PORT_PCI_ADDRESS, 4, 4, "pci-address", &address, pci },
		{ PORT_PCI_DATA, 4, 4, "pci-data", &data, pci },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(region) && !ret; i++)
		ret = bus_add(bus, &region[i]);
	return ret;
}
