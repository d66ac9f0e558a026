/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IOAPIC: 24 inputs, version 0x11, registers at 0xfec00000.  irq.c makes it
 * and sets its inputs; local APICs tell it the ends of level-triggered vectors;
 * the guest programs it through the MMIO bus.  It must not keep its lock while
 * it reports an end: the answer may be a change of an input.
 */
#ifndef ARCH_X86_DEV_VIOAPIC_H
#define ARCH_X86_DEV_VIOAPIC_H

#include <linux/types.h>

struct vm;
struct vioapic;
struct hvmod_ioapic;

#define VIOAPIC_PINS	24

/*
 * vm->lock held; sets vm->arch.ioapic.  -ENOMEM, or from iobus_add(): then the caller
 * destroys the bus and the device.  Destruction is after iobus_destroy().
 */
int vioapic_create(struct vm *vm);
void vioapic_destroy(struct vm *vm);

/* pin below VIOAPIC_PINS.  Any context. */
void vioapic_set_input(struct vioapic *ioapic, u32 pin, bool level);
/* A local APIC ended a vector whose TMR bit is set.  Any context, no locks. */
void vioapic_eoi(struct vm *vm, u8 vector);

void vioapic_get_state(struct vioapic *ioapic, struct hvmod_ioapic *out);
/* 0, or -EINVAL and nothing is changed. */
int vioapic_set_state(struct vioapic *ioapic, const struct hvmod_ioapic *in);

#endif /* ARCH_X86_DEV_VIOAPIC_H */
