/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ACPI power-management timer: a 32-bit counter at 3.579545 MHz, read-only,
 * at I/O port vm->pmtmr_port.  irq.c makes it, the guest reads it.  It raises no
 * interrupt.
 */
#ifndef ARCH_X86_DEV_VPMTMR_H
#define ARCH_X86_DEV_VPMTMR_H

struct vm;

/*
 * vm->lock held; sets vm->arch.pmtmr.  -ENOMEM, or from iobus_add(): then the caller
 * destroys the bus and the device.  Destruction is after iobus_destroy().
 */
int vpmtmr_create(struct vm *vm);
void vpmtmr_destroy(struct vm *vm);

#endif /* ARCH_X86_DEV_VPMTMR_H */
