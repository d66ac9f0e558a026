// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt lines and messages that user space drives by ioctl.  Called by
 * dev.c.  It checks what the ABI promises and hands the rest down; it knows no
 * interrupt controller.
 */
#include <linux/errno.h>
#include <linux/nospec.h>

#include "module/arch.h"
#include "module/irq.h"
#include "module/vm.h"

void irq_init(struct vm *vm)
{
	INIT_LIST_HEAD(&vm->irq.irqfds);
	INIT_LIST_HEAD(&vm->irq.resamplers);
	spin_lock_init(&vm->irq.lock);
}

void irq_destroy(struct vm *vm)
{
	irqfd_destroy_all(vm);
}

int irq_line_ctl(struct vm *vm, const struct hvmod_irq_line *args)
{
	if (args->gsi >= IRQ_NR_GSI || args->level > 1)
		return -EINVAL;
	return arch_irq_line(vm, IRQ_SOURCE_USER, array_index_nospec(args->gsi, IRQ_NR_GSI),
			     args->level);
}

int irq_msi_ctl(struct vm *vm, const struct hvmod_msi *args)
{
	return arch_irq_msi(vm, args->addr, args->data);
}
