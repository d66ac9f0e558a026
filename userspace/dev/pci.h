/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI configuration mechanism #1 with a bus that holds a host bridge and
 * nothing else.  The bus calls it.  It is there so that a guest which looks for
 * PCI finds an empty bus and not a broken machine.
 */
#ifndef USERSPACE_DEV_PCI_H
#define USERSPACE_DEV_PCI_H

#include <stdatomic.h>

#include "userspace/dev/bus.h"
#include "userspace/dev/ports.h"

/**
 * struct pci - its state
 * @address: last doubleword written to port 0xcf8
 * @ports:   whose reset register lies inside the address register
 */
struct pci {
	atomic_uint address;
	struct ports *ports;
};

void pci_init(struct pci *pci, struct ports *ports);

/** pci_add() - put it on a bus. Return: bus_add()'s. */
int pci_add(struct pci *pci, struct bus *bus);

#endif /* USERSPACE_DEV_PCI_H */
