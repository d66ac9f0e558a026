/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two 8259A interrupt controllers of a PC with their ELCR, ports 0x20, 0x21,
 * 0xa0, 0xa1, 0x4d0 and 0x4d1.  irq.c makes them, sets their inputs and asks
 * for vectors; the guest programs them through the I/O bus.  They know no APIC:
 * their output is one flag.
 */
#ifndef ARCH_X86_DEV_VPIC_H
#define ARCH_X86_DEV_VPIC_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "module/iobus.h"

struct vm;
struct hvmod_pic;

struct vpic_chip {
	u8 irr;
	u8 isr;
	u8 imr;
	u8 inputs;		/* levels now */
	u8 elcr;		/* level-triggered inputs */
	u8 elcr_mask;		/* const */
	u8 vector_base;
	u8 init_state;		/* 0, or which ICW comes next: 1-3 are ICW2-4 */
	u8 lowest;		/* input of lowest priority */
	u8 flags;		/* HVMOD_PIC_* */
};

enum vpic_io { VPIC_IO_MASTER, VPIC_IO_SLAVE, VPIC_IO_ELCR, VPIC_NR_IO };

struct vpic {
	spinlock_t lock;	/* chip; interrupts off; inside irq_lock */
	bool output;		/* INTR; written under lock, read anywhere */
	struct vpic_chip chip[2];
	u16 ended;		/* level-triggered inputs ended, not reported yet; lock */
	struct vm *vm;
	struct iodev io[VPIC_NR_IO];
};

/*
 * vm->lock held; sets vm->arch.pic.  -ENOMEM, or from iobus_add(): then the caller
 * destroys the bus and the device.  Destruction is after iobus_destroy().
 */
int vpic_create(struct vm *vm);
void vpic_destroy(struct vm *vm);

/* Input 0-15 (2 is the cascade: ignored).  Any context. */
void vpic_set_input(struct vpic *pic, u32 input, bool level);
/* INTA: the vector, a spurious one if the request went away.  Any context. */
u8 vpic_ack(struct vpic *pic);

static inline bool vpic_output(const struct vpic *pic)
{
	return READ_ONCE(pic->output);
}

void vpic_get_state(struct vpic *pic, struct hvmod_pic *out);
/* 0, or -EINVAL and nothing is changed. */
int vpic_set_state(struct vpic *pic, const struct hvmod_pic *in);

/* The chips alone: the caller holds the lock, or is a test. */
void vpic_init(struct vpic *pic);
u8 vpic_port_read(struct vpic *pic, u16 port);
void vpic_port_write(struct vpic *pic, u16 port, u8 value);
void vpic_input(struct vpic *pic, u32 input, bool level);
u8 vpic_inta(struct vpic *pic);

#endif /* ARCH_X86_DEV_VPIC_H */
