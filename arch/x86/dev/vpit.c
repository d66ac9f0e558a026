// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 timer and port 0x61.  Called by the I/O bus in any context and by its
 * hrtimer in hard interrupt context.  The part above "The device" is pure and
 * must stay so: a counter is a function of time, nothing ticks but IRQ 0.
 *
 * References: Intel 8254 data sheet, "Mode Definitions"; port 0x61: 82371SB data
 * sheet, "NMI Status and Control Register".
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/dev/vpit.h"
#include "module/arch.h"
#include "module/compat.h"
#include "module/vm.h"

#define PORT_DATA		0x40
#define PORT_CONTROL		0x43
#define PORT_61			0x61

/* Port 0x61 */
#define P61_GATE2		BIT(0)
#define P61_SPEAKER		BIT(1)
#define P61_REFRESH		BIT(4)	/* toggles at each memory refresh */
#define P61_OUT2		BIT(5)
#define REFRESH_NS		15085

/*
 * The same limit as for a local APIC's periodic timer, for the same reason: see
 * vlapic_priv.h.
 */
#define VPIT_MIN_PERIOD_NS	(100 * NSEC_PER_USEC)

/* Longer counts than this are refused, so that no product overflows. */
#define VPIT_MAX_ELAPSED	BIT_ULL(62)

static u64 vpit_ns_to_ticks(u64 ns)
{
	return mul_u64_u32_div(ns, VPIT_HZ, NSEC_PER_SEC);
}

/* Rounded up: at that time the tick has happened. */
static u64 vpit_ticks_to_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, VPIT_HZ) + 1;
}

static u32 vpit_from_bcd(u16 value)
{
	return (value >> 12) * 1000 + ((value >> 8) & 15) * 100 + ((value >> 4) & 15) * 10 +
	       (value & 15);
}

static u16 vpit_to_bcd(u32 value)
{
	return (value / 1000 % 10) << 12 | (value / 100 % 10) << 8 | (value / 10 % 10) << 4 |
	       value % 10;
}

/* Largest count plus one. */
static u32 vpit_wrap(const struct vpit_channel *ch)
{
	return ch->flags & HVMOD_PIT_BCD ? 10000 : 65536;
}

/* Ticks of a period, at least 1. */
static u32 vpit_period(const struct vpit_channel *ch)
{
	u32 period = ch->flags & HVMOD_PIT_BCD ? vpit_from_bcd(ch->reload) : ch->reload;

	return period ? min(period, vpit_wrap(ch)) : vpit_wrap(ch);
}

static bool vpit_hardware_triggered(const struct vpit_channel *ch)
{
	return ch->mode == 1 || ch->mode == 5;
}

static bool vpit_periodic(const struct vpit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

static u64 vpit_elapsed(const struct vpit_channel *ch, u64 now)
{
	if (!(ch->flags & HVMOD_PIT_ARMED))
		return 0;
	if (!(ch->flags & HVMOD_PIT_GATE) && !vpit_hardware_triggered(ch))
		return ch->held;
	return now - ch->start;
}

static u16 vpit_count(const struct vpit_channel *ch, u64 now)
{
	u64 ticks = vpit_ns_to_ticks(vpit_elapsed(ch, now));
	u32 period = vpit_period(ch);
	u32 rest, count;

	switch (ch->mode) {
	case 2:
		div64_u64_rem(ticks, period, &ticks);
		count = period - ticks;
		break;
	case 3:		/* counts by two, twice a period */
		period = max(period & ~1U, 2U);
		div_u64_rem(ticks * 2, period, &rest);
		count = period - rest;
		break;
	default:	/* goes on below zero */
		div_u64_rem(ticks, vpit_wrap(ch), &rest);
		count = (period + vpit_wrap(ch) - rest) % vpit_wrap(ch);
		break;
	}
	return ch->flags & HVMOD_PIT_BCD ? vpit_to_bcd(count) : count;
}

bool vpit_channel_out(const struct vpit_channel *ch, u64 now)
{
	u64 ticks = vpit_ns_to_ticks(vpit_elapsed(ch, now));
	u32 period = vpit_period(ch);
	u32 rest;

	if (!(ch->flags & HVMOD_PIT_ARMED))
		return ch->mode != 0;
	switch (ch->mode) {
	case 0:
	case 1:
		return ticks >= period;
	case 2:
	case 3:
		if (!(ch->flags & HVMOD_PIT_GATE))
			return true;
		div_u64_rem(ticks, period, &rest);
		return ch->mode == 2 ? rest != period - 1 : rest < (period + 1) / 2;
	default:
		return ticks != period;
	}
}

u64 vpit_channel_next(const struct vpit_channel *ch, u64 now)
{
	u64 ticks = vpit_ns_to_ticks(vpit_elapsed(ch, now));
	u32 period = vpit_period(ch);

	if (!(ch->flags & HVMOD_PIT_ARMED) || !(ch->flags & HVMOD_PIT_GATE))
		return 0;
	if (vpit_periodic(ch))
		return ch->start + vpit_ticks_to_ns((div_u64(ticks, period) + 1) * period);
	if (ticks >= period)
		return 0;
	return ch->start + vpit_ticks_to_ns(period);
}

void vpit_channel_control(struct vpit_channel *ch, u8 control)
{
	u8 mode = (control >> 1) & 7;

	ch->mode = mode > 5 ? mode - 4 : mode;
	ch->access = (control >> 4) & 3;
	ch->flags &= HVMOD_PIT_GATE;
	if (control & BIT(0))
		ch->flags |= HVMOD_PIT_BCD;
}

static void vpit_channel_load(struct vpit_channel *ch, u64 now, u16 value)
{
	ch->reload = value;
	if (vpit_hardware_triggered(ch))
		return;		/* used at the next trigger */
	ch->flags |= HVMOD_PIT_ARMED;
	ch->start = now;
	ch->held = 0;
}

void vpit_channel_write(struct vpit_channel *ch, u64 now, u8 value)
{
	if (ch->access == 1) {
		vpit_channel_load(ch, now, value);
	} else if (ch->access == 2) {
		vpit_channel_load(ch, now, value << 8);
	} else if (ch->flags & HVMOD_PIT_WRITE_MSB) {
		ch->flags &= ~HVMOD_PIT_WRITE_MSB;
		vpit_channel_load(ch, now, value << 8 | ch->lsb);
	} else {
		ch->flags |= HVMOD_PIT_WRITE_MSB;
		ch->lsb = value;
		if (ch->mode == 0)	/* the first byte stops the count */
			ch->flags &= ~HVMOD_PIT_ARMED;
	}
}

u8 vpit_channel_read(struct vpit_channel *ch, u64 now)
{
	u16 count;

	if (ch->flags & HVMOD_PIT_STATUS) {
		ch->flags &= ~HVMOD_PIT_STATUS;
		return ch->status;
	}
	count = ch->flags & HVMOD_PIT_LATCHED ? ch->latch : vpit_count(ch, now);
	if (ch->access == 3 && !(ch->flags & HVMOD_PIT_READ_MSB)) {
		ch->flags |= HVMOD_PIT_READ_MSB;
		return count & 0xff;
	}
	ch->flags &= ~(HVMOD_PIT_READ_MSB | HVMOD_PIT_LATCHED);
	return ch->access == 1 ? count & 0xff : count >> 8;
}

void vpit_channel_latch(struct vpit_channel *ch, u64 now, bool count, bool status)
{
	if (count && !(ch->flags & HVMOD_PIT_LATCHED)) {
		ch->latch = vpit_count(ch, now);
		ch->flags |= HVMOD_PIT_LATCHED;
	}
	if (status && !(ch->flags & HVMOD_PIT_STATUS)) {
		ch->status = (vpit_channel_out(ch, now) ? BIT(7) : 0) |
			     (ch->flags & HVMOD_PIT_ARMED ? 0 : BIT(6)) |
			     ch->access << 4 | ch->mode << 1 |
			     (ch->flags & HVMOD_PIT_BCD ? BIT(0) : 0);
		ch->flags |= HVMOD_PIT_STATUS;
	}
}

void vpit_channel_gate(struct vpit_channel *ch, u64 now, bool gate)
{
	if (gate == !!(ch->flags & HVMOD_PIT_GATE))
		return;
	if (!gate) {
		ch->held = vpit_elapsed(ch, now);
		ch->flags &= ~HVMOD_PIT_GATE;
		return;
	}
	ch->flags |= HVMOD_PIT_GATE;
	if (ch->mode == 0 || ch->mode == 4) {
		ch->start = now - ch->held;
	} else {		/* a rising edge starts a count */
		ch->start = now;
		if (vpit_hardware_triggered(ch))
			ch->flags |= HVMOD_PIT_ARMED;
	}
}

/* ---- The device ---- */

/* Lock held: time of the IRQ 0 after this one, or 0. */
static u64 vpit_next_irq(const struct vpit *pit, u64 now)
{
	u64 next = vpit_channel_next(&pit->channel[0], now);

	return next ? max_t(u64, next, now + VPIT_MIN_PERIOD_NS) : 0;
}

/*
 * Lock held: channel 0 was changed.  A running expiry waits for the lock, so
 * that it is not waited for; it finds out by itself.
 */
static void vpit_arm(struct vpit *pit, u64 now)
{
	u64 next = pit->stopped ? 0 : vpit_channel_next(&pit->channel[0], now);

	pit->ticking = next;
	if (next)
		hrtimer_start(&pit->hrtimer, ns_to_ktime(next), HRTIMER_MODE_ABS);
	else
		hrtimer_try_to_cancel(&pit->hrtimer);
}

static enum hrtimer_restart vpit_expired(struct hrtimer *hrtimer)
{
	struct vpit *pit = container_of(hrtimer, struct vpit, hrtimer);
	struct vm *vm = pit->vm;
	unsigned long flags;
	u64 next;

	spin_lock_irqsave(&pit->lock, flags);
	/* Stopped or started anew while this expiry came here? */
	if (!pit->ticking || hrtimer_is_queued(hrtimer)) {
		spin_unlock_irqrestore(&pit->lock, flags);
		return HRTIMER_NORESTART;
	}
	next = vpit_next_irq(pit, ktime_get_ns());
	pit->ticking = next;
	if (next)
		hrtimer_set_expires(hrtimer, ns_to_ktime(next));
	spin_unlock_irqrestore(&pit->lock, flags);

	/* The edge counts; how long OUT stays high does not matter to it. */
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, true);
	arch_irq_line(vm, IRQ_SOURCE_DEVICE, 0, false);
	return next ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/* Lock held. */
static void vpit_control(struct vpit *pit, u64 now, u8 value)
{
	u32 nr = value >> 6;
	struct vpit_channel *ch;
	u32 i;

	if (nr == 3) {		/* "Read-Back Command" */
		for (i = 0; i < VPIT_CHANNELS; i++)
			if (value & BIT(i + 1))
				vpit_channel_latch(&pit->channel[i], now, !(value & BIT(5)),
						   !(value & BIT(4)));
		return;
	}
	ch = &pit->channel[array_index_nospec(nr, VPIT_CHANNELS)];
	if (!(value & GENMASK(5, 4))) {	/* "Counter Latch Command" */
		vpit_channel_latch(ch, now, true, false);
		return;
	}
	vpit_channel_control(ch, value);
	if (nr == 0)
		vpit_arm(pit, now);
}

/* Lock held. */
static void vpit_write(struct vpit *pit, u16 port, u8 value)
{
	u64 now = ktime_get_ns();
	u32 nr = port - PORT_DATA;

	if (port == PORT_CONTROL) {
		vpit_control(pit, now, value);
		return;
	}
	if (nr >= VPIT_CHANNELS)
		return;
	vpit_channel_write(&pit->channel[array_index_nospec(nr, VPIT_CHANNELS)], now, value);
	if (nr == 0)
		vpit_arm(pit, now);
}

/* Lock held. */
static u8 vpit_read(struct vpit *pit, u16 port)
{
	u32 nr = port - PORT_DATA;

	if (nr >= VPIT_CHANNELS)
		return 0xff;
	nr = array_index_nospec(nr, VPIT_CHANNELS);
	return vpit_channel_read(&pit->channel[nr], ktime_get_ns());
}

static int vpit_io_read(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val)
{
	struct vpit *pit = container_of(dev, struct vpit, io);
	unsigned long flags;
	u8 *bytes = val;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		bytes[i] = vpit_read(pit, addr + i);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int vpit_io_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, const void *val)
{
	struct vpit *pit = container_of(dev, struct vpit, io);
	unsigned long flags;
	const u8 *bytes = val;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		vpit_write(pit, addr + i, bytes[i]);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/* The most frequent port of a boot: guests wait for the refresh bit and OUT2. */
static int vpit_io61_read(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val)
{
	struct vpit *pit = container_of(dev, struct vpit, io61);
	u64 now = ktime_get_ns();
	unsigned long flags;
	u8 value;

	spin_lock_irqsave(&pit->lock, flags);
	value = pit->port61;
	if (vpit_channel_out(&pit->channel[2], now))
		value |= P61_OUT2;
	spin_unlock_irqrestore(&pit->lock, flags);
	if (div_u64(now, REFRESH_NS) & 1)
		value |= P61_REFRESH;
	memset(val, 0xff, len);
	*(u8 *)val = value;
	return 0;
}

static int vpit_io61_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len,
			   const void *val)
{
	struct vpit *pit = container_of(dev, struct vpit, io61);
	unsigned long flags;
	u8 value = *(const u8 *)val;

	spin_lock_irqsave(&pit->lock, flags);
	pit->port61 = value & (P61_GATE2 | P61_SPEAKER);
	vpit_channel_gate(&pit->channel[2], ktime_get_ns(), value & P61_GATE2);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct iodev_ops vpit_io_ops = {
	.read = vpit_io_read,
	.write = vpit_io_write,
};

static const struct iodev_ops vpit_io61_ops = {
	.read = vpit_io61_read,
	.write = vpit_io61_write,
};

static void vpit_init(struct vpit *pit)
{
	int i;

	spin_lock_init(&pit->lock);
	for (i = 0; i < VPIT_CHANNELS; i++) {
		pit->channel[i].access = 3;
		pit->channel[i].flags = i == 2 ? 0 : HVMOD_PIT_GATE;
	}
	compat_hrtimer_setup(&pit->hrtimer, vpit_expired, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pit->io.addr = PORT_DATA;
	pit->io.len = 4;
	pit->io.ops = &vpit_io_ops;
	pit->io61.addr = PORT_61;
	pit->io61.len = 1;
	pit->io61.ops = &vpit_io61_ops;
}

int vpit_create(struct vm *vm)
{
	struct vpit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	int err;

	if (!pit)
		return -ENOMEM;
	vpit_init(pit);
	pit->vm = vm;
	vm->arch.pit = pit;
	err = iobus_add(vm, &vm->pio, &pit->io);
	return err ?: iobus_add(vm, &vm->pio, &pit->io61);
}

void vpit_stop(struct vm *vm)
{
	struct vpit *pit = vm->arch.pit;
	unsigned long flags;

	if (!pit)
		return;
	spin_lock_irqsave(&pit->lock, flags);
	pit->stopped = true;
	pit->ticking = false;
	spin_unlock_irqrestore(&pit->lock, flags);
	hrtimer_cancel(&pit->hrtimer);
}

void vpit_destroy(struct vm *vm)
{
	vpit_stop(vm);
	kfree(vm->arch.pit);
	vm->arch.pit = NULL;
}

void vpit_get_state(struct vpit *pit, struct hvmod_pit *out)
{
	unsigned long flags;
	u64 now;
	int i;

	memset(out, 0, sizeof(*out));
	spin_lock_irqsave(&pit->lock, flags);
	now = ktime_get_ns();
	for (i = 0; i < VPIT_CHANNELS; i++) {
		const struct vpit_channel *ch = &pit->channel[i];

		out->channel[i].elapsed_ns = vpit_elapsed(ch, now);
		out->channel[i].reload = ch->reload;
		out->channel[i].latch = ch->latch;
		out->channel[i].status = ch->status;
		out->channel[i].mode = ch->mode;
		out->channel[i].access = ch->access;
		out->channel[i].lsb = ch->lsb;
		out->channel[i].flags = ch->flags;
	}
	out->port61 = pit->port61;
	spin_unlock_irqrestore(&pit->lock, flags);
}

#define VPIT_FLAGS	(HVMOD_PIT_LATCHED | HVMOD_PIT_STATUS | HVMOD_PIT_READ_MSB |	\
			 HVMOD_PIT_WRITE_MSB | HVMOD_PIT_BCD | HVMOD_PIT_GATE |		\
			 HVMOD_PIT_ARMED)

static bool vpit_state_valid(const struct hvmod_pit *in)
{
	int i;

	if (in->port61 & ~(P61_GATE2 | P61_SPEAKER) || in->pad)
		return false;
	for (i = 0; i < VPIT_CHANNELS; i++) {
		bool gate = i < 2 || (in->port61 & P61_GATE2);

		if (in->channel[i].elapsed_ns >= VPIT_MAX_ELAPSED ||
		    in->channel[i].reload > 0xffff || in->channel[i].mode > 5 ||
		    !in->channel[i].access || in->channel[i].access > 3 ||
		    in->channel[i].flags & ~VPIT_FLAGS || in->channel[i].pad ||
		    gate != !!(in->channel[i].flags & HVMOD_PIT_GATE))
			return false;
	}
	return true;
}

int vpit_set_state(struct vpit *pit, const struct hvmod_pit *in)
{
	unsigned long flags;
	u64 now;
	int i;

	if (!vpit_state_valid(in))
		return -EINVAL;
	spin_lock_irqsave(&pit->lock, flags);
	now = ktime_get_ns();
	for (i = 0; i < VPIT_CHANNELS; i++) {
		struct vpit_channel *ch = &pit->channel[i];

		ch->start = now - in->channel[i].elapsed_ns;
		ch->held = in->channel[i].elapsed_ns;
		ch->reload = in->channel[i].reload;
		ch->latch = in->channel[i].latch;
		ch->status = in->channel[i].status;
		ch->mode = in->channel[i].mode;
		ch->access = in->channel[i].access;
		ch->lsb = in->channel[i].lsb;
		ch->flags = in->channel[i].flags;
	}
	pit->port61 = in->port61;
	vpit_arm(pit, now);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}
