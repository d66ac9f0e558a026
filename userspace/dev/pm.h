/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ACPI's fixed hardware: PM1 event and control block and GPE block 0, as the
 * FADT describes them.  The bus calls it; the main thread presses the button.
 * It holds no timer: the PM timer is in the kernel.
 */
#ifndef USERSPACE_DEV_PM_H
#define USERSPACE_DEV_PM_H

#include <pthread.h>

#include "userspace/dev/bus.h"

/**
 * struct pm - the block; all is under @lock
 * @poweroff: the guest entered S5; called without the lock
 * @irq:      level of the SCI changed; called with the lock
 */
struct pm {
	pthread_mutex_t lock;
	void *arg;
	void (*poweroff)(void *arg);
	void (*irq)(void *arg, bool level);
	u16 status, enable, control;
	u8 gpe[4];		/* two bytes of status, two of enable */
	bool line;
};

/** pm_init() - as after power-on, with ACPI mode on. */
void pm_init(struct pm *pm, void *arg, void (*poweroff)(void *arg),
	     void (*irq)(void *arg, bool level));

/** pm_add() - put its regions on a bus. Return: bus_add()'s. */
int pm_add(struct pm *pm, struct bus *bus);

/** pm_button() - the power button was pressed. Return: does the guest listen? */
bool pm_button(struct pm *pm);

#endif /* USERSPACE_DEV_PM_H */
