/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt inputs of a VM and the eventfds bound to them.  Called by dev.c and
 * by devices; it hands levels and messages down through arch_irq_*() and hears
 * of ends of interrupts through irq_eoi().  It knows no interrupt controller.
 */
#ifndef MODULE_IRQ_H
#define MODULE_IRQ_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct vm;
struct hvmod_irqfd;
struct hvmod_irq_line;
struct hvmod_msi;

/* Who holds a line up: a line is high while any source holds it. */
enum irq_source {
	IRQ_SOURCE_USER,	/* HVMOD_VM_IRQ_LINE */
	IRQ_SOURCE_IRQFD,	/* irqfd with resampling */
	IRQ_SOURCE_DEVICE,	/* a device in the kernel */
	IRQ_SOURCE_XEN,		/* Xen's callback by an interrupt input */
	IRQ_SOURCES
};

#define IRQ_NR_ISA	16	/* the rest are for PCI */
#define IRQ_NR_GSI	24

struct irq {
	struct list_head irqfds;	/* vm->lock */
	spinlock_t lock;		/* resamplers; taken with interrupts off */
	struct list_head resamplers;	/* lock; before the locks of arch_irq_line() */
};

void irq_init(struct vm *vm);
/* Unbinds all; no eventfd calls in afterwards.  May sleep. */
void irq_destroy(struct vm *vm);

/* ioctls; take vm->lock where they need it.  errno: see the uapi structures. */
int irq_line_ctl(struct vm *vm, const struct hvmod_irq_line *args);
int irq_msi_ctl(struct vm *vm, const struct hvmod_msi *args);
int irqfd_ctl(struct vm *vm, const struct hvmod_irqfd *args);

/*
 * The guest ended the level-triggered interrupt of this input.  Any context, but
 * the caller holds no lock that arch_irq_line() takes: with a resampling
 * eventfd the line is lowered here.
 */
void irq_eoi(struct vm *vm, u32 gsi);

/* irqfd.c, for irq.c and dev.c: at load and unload (-ENOMEM); of a VM. */
int irqfd_setup(void);
void irqfd_teardown(void);
void irqfd_destroy_all(struct vm *vm);

#endif /* MODULE_IRQ_H */
