/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The 8254 timer of a PC, ports 0x40-0x43, and port 0x61 with the gate and the
 * output of channel 2.  irq.c makes it; the guest programs it through the I/O
 * bus; channel 0 raises IRQ 0 by an hrtimer.  A channel takes its time as an
 * argument, so that tests run it without a clock.
 */
#ifndef ARCH_X86_DEV_VPIT_H
#define ARCH_X86_DEV_VPIT_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "module/iobus.h"

struct vm;
struct hvmod_pit;

#define VPIT_HZ		1193182U
#define VPIT_CHANNELS	3

struct vpit_channel {
	u64 start;		/* ns; when the counter was loaded or triggered */
	u64 held;		/* ns counted until the gate went low */
	u16 reload;		/* as written; 0 is the largest count */
	u16 latch;
	u8 status;
	u8 mode;		/* 0-5 */
	u8 access;		/* 1 LSB, 2 MSB, 3 both */
	u8 lsb;			/* first half of a write of both */
	u16 flags;		/* HVMOD_PIT_* */
};

struct vpit {
	spinlock_t lock;	/* all but the hrtimer's own; interrupts off; outside irq_lock */
	struct vpit_channel channel[VPIT_CHANNELS];
	u8 port61;		/* bits 0 and 1 */
	bool ticking;		/* channel 0 will raise IRQ 0 */
	bool stopped;		/* for good */
	struct hrtimer hrtimer;
	struct vm *vm;
	struct iodev io;
	struct iodev io61;
};

/*
 * vm->lock held; sets vm->arch.pit.  -ENOMEM, or from iobus_add(): then the caller
 * destroys the bus and the device.  Destruction is after iobus_destroy().
 */
int vpit_create(struct vm *vm);
/* No more interrupts when it returns.  May be called twice. */
void vpit_stop(struct vm *vm);
void vpit_destroy(struct vm *vm);

void vpit_get_state(struct vpit *pit, struct hvmod_pit *out);
/* 0, or -EINVAL and nothing is changed. */
int vpit_set_state(struct vpit *pit, const struct hvmod_pit *in);

/* One channel alone: the caller holds the lock, or is a test.  now is in ns. */
void vpit_channel_control(struct vpit_channel *ch, u8 control);
void vpit_channel_write(struct vpit_channel *ch, u64 now, u8 value);
u8 vpit_channel_read(struct vpit_channel *ch, u64 now);
void vpit_channel_latch(struct vpit_channel *ch, u64 now, bool count, bool status);
void vpit_channel_gate(struct vpit_channel *ch, u64 now, bool gate);
bool vpit_channel_out(const struct vpit_channel *ch, u64 now);
/* When OUT rises next, ns; 0: never. */
u64 vpit_channel_next(const struct vpit_channel *ch, u64 now);

#endif /* ARCH_X86_DEV_VPIT_H */
