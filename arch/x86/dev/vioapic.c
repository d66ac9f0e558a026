// SPDX-License-Identifier: GPL-2.0
/*
 * The IOAPIC: a redirection entry turns an input into an interrupt message.
 * Called by irq.c with levels, by local APICs with ends of interrupts and by
 * the MMIO bus, in any context.  It must not choose a vCPU: vlapic_deliver()
 * does.  Polarity is ignored: inputs are "asserted", not high or low.
 *
 * Reference: Intel 82093AA data sheet.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "arch/x86/dev/vioapic.h"
#include "arch/x86/dev/vlapic.h"
#include "module/vm.h"

#define VIOAPIC_ADDR		IO_APIC_DEFAULT_PHYS_BASE
#define VIOAPIC_SIZE		0x1000
#define VIOAPIC_VERSION		0x11

/* Memory-mapped registers */
#define VIOAPIC_SELECT		0x00
#define VIOAPIC_WINDOW		0x10

/* Registers behind them */
#define VIOAPIC_REG_ID		0x00
#define VIOAPIC_REG_VERSION	0x01
#define VIOAPIC_REG_ARB		0x02
#define VIOAPIC_REG_REDIR	0x10

#define VIOAPIC_ID_MASK		GENMASK(27, 24)

/* Redirection entry */
#define REDIR_VECTOR		GENMASK_ULL(7, 0)
#define REDIR_MODE		GENMASK_ULL(10, 8)
#define REDIR_LOGICAL		BIT_ULL(11)
#define REDIR_STATUS		BIT_ULL(12)	/* read-only, never seen set */
#define REDIR_POLARITY		BIT_ULL(13)
#define REDIR_REMOTE_IRR	BIT_ULL(14)	/* read-only */
#define REDIR_LEVEL		BIT_ULL(15)
#define REDIR_MASKED		BIT_ULL(16)
#define REDIR_DEST_SHIFT	56
#define REDIR_WRITABLE		(REDIR_VECTOR | REDIR_MODE | REDIR_LOGICAL | REDIR_POLARITY |	\
				 REDIR_LEVEL | REDIR_MASKED | GENMASK_ULL(63, REDIR_DEST_SHIFT))

struct vioapic {
	spinlock_t lock;	/* all below; interrupts off; inside irq_lock */
	u32 id;
	u32 select;
	u32 inputs;		/* levels now */
	u64 redir[VIOAPIC_PINS];
	struct vm *vm;
	struct iodev io;
};

/* Lock held: the entry's message goes out. */
static void vioapic_send(struct vioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->redir[pin];
	struct apic_msg msg = {
		.dest = entry >> REDIR_DEST_SHIFT,
		.vector = entry & REDIR_VECTOR,
		.mode = (entry & REDIR_MODE) >> 8,
		.dest_mode = entry & REDIR_LOGICAL ? VLAPIC_DEST_LOGICAL : VLAPIC_DEST_PHYSICAL,
		.level = entry & REDIR_LEVEL,
		.assert = true,
	};

	if (vlapic_deliver(ioapic->vm, NULL, &msg) && msg.level &&
	    msg.mode <= VLAPIC_MODE_LOWEST)
		ioapic->redir[pin] |= REDIR_REMOTE_IRR;
}

/* Lock held: a level-triggered input that is high and not being served. */
static void vioapic_service_level(struct vioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->redir[pin];

	if ((ioapic->inputs & BIT(pin)) &&
	    (entry & (REDIR_LEVEL | REDIR_MASKED | REDIR_REMOTE_IRR)) == REDIR_LEVEL)
		vioapic_send(ioapic, pin);
}

void vioapic_set_input(struct vioapic *ioapic, u32 pin, bool level)
{
	unsigned long flags;
	bool rose;

	if (pin >= VIOAPIC_PINS)
		return;
	spin_lock_irqsave(&ioapic->lock, flags);
	rose = level && !(ioapic->inputs & BIT(pin));
	if (level)
		ioapic->inputs |= BIT(pin);
	else
		ioapic->inputs &= ~BIT(pin);
	if (ioapic->redir[pin] & REDIR_LEVEL)
		vioapic_service_level(ioapic, pin);
	else if (rose && !(ioapic->redir[pin] & REDIR_MASKED))
		vioapic_send(ioapic, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Lock held: pins that wait for the end of this vector. */
static unsigned long vioapic_waiting(const struct vioapic *ioapic, u8 vector)
{
	const u64 served = REDIR_LEVEL | REDIR_REMOTE_IRR;
	unsigned long pins = 0;
	u32 pin;

	for (pin = 0; pin < VIOAPIC_PINS; pin++) {
		if ((ioapic->redir[pin] & (served | REDIR_VECTOR)) == (served | vector))
			pins |= BIT(pin);
	}
	return pins;
}

void vioapic_eoi(struct vm *vm, u8 vector)
{
	struct vioapic *ioapic = vm->arch.ioapic;
	unsigned long flags, pins, pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	pins = vioapic_waiting(ioapic, vector);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	if (!pins)
		return;
	/* The sources lower their lines first, or the interrupt comes again. */
	for_each_set_bit(pin, &pins, VIOAPIC_PINS)
		irq_eoi(vm, pin == 2 ? 0 : pin);

	spin_lock_irqsave(&ioapic->lock, flags);
	pins &= vioapic_waiting(ioapic, vector);
	for_each_set_bit(pin, &pins, VIOAPIC_PINS) {
		ioapic->redir[pin] &= ~REDIR_REMOTE_IRR;
		vioapic_service_level(ioapic, pin);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* ---- registers; lock held ---- */

static u32 vioapic_read_reg(const struct vioapic *ioapic)
{
	u32 pin = (ioapic->select - VIOAPIC_REG_REDIR) >> 1;
	u64 entry;

	switch (ioapic->select) {
	case VIOAPIC_REG_ID:
	case VIOAPIC_REG_ARB:
		return ioapic->id;
	case VIOAPIC_REG_VERSION:
		return (VIOAPIC_PINS - 1) << 16 | VIOAPIC_VERSION;
	default:
		break;
	}
	if (ioapic->select < VIOAPIC_REG_REDIR || pin >= VIOAPIC_PINS)
		return 0;
	entry = ioapic->redir[array_index_nospec(pin, VIOAPIC_PINS)];
	return ioapic->select & 1 ? upper_32_bits(entry) : lower_32_bits(entry);
}

static void vioapic_write_redir(struct vioapic *ioapic, u32 pin, u32 value)
{
	u64 old = ioapic->redir[pin];
	u64 entry = old & (REDIR_WRITABLE | REDIR_REMOTE_IRR);

	if (ioapic->select & 1)
		entry = lower_32_bits(entry) | (u64)value << 32;
	else
		entry = (entry & ~(u64)U32_MAX) | (entry & REDIR_REMOTE_IRR) |
			(value & ~REDIR_REMOTE_IRR);
	/* Guests clear a stuck remote IRR by going to edge and back. */
	if (!(entry & REDIR_LEVEL))
		entry &= ~REDIR_REMOTE_IRR;
	ioapic->redir[pin] = entry & (REDIR_WRITABLE | REDIR_REMOTE_IRR);
	vioapic_service_level(ioapic, pin);
}

static void vioapic_write_reg(struct vioapic *ioapic, u32 value)
{
	u32 pin = (ioapic->select - VIOAPIC_REG_REDIR) >> 1;

	if (ioapic->select == VIOAPIC_REG_ID)
		ioapic->id = value & VIOAPIC_ID_MASK;
	else if (ioapic->select >= VIOAPIC_REG_REDIR && pin < VIOAPIC_PINS)
		vioapic_write_redir(ioapic, array_index_nospec(pin, VIOAPIC_PINS), value);
}

static int vioapic_io_read(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val)
{
	struct vioapic *ioapic = container_of(dev, struct vioapic, io);
	unsigned long flags;
	u64 value = 0;

	spin_lock_irqsave(&ioapic->lock, flags);
	switch ((addr - dev->addr) & ~3ULL) {
	case VIOAPIC_SELECT:
		value = ioapic->select;
		break;
	case VIOAPIC_WINDOW:
		value = vioapic_read_reg(ioapic);
		break;
	default:
		break;
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	value >>= (addr & 3) * 8;
	memcpy(val, &value, len);
	return 0;
}

/* A narrower write is one of the value with zeroes above, as on the chip's bus. */
static int vioapic_io_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len,
			    const void *val)
{
	struct vioapic *ioapic = container_of(dev, struct vioapic, io);
	unsigned long flags;
	u32 value = 0;

	memcpy(&value, val, min_t(int, len, sizeof(value)));
	spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr - dev->addr) {
	case VIOAPIC_SELECT:
		ioapic->select = value & 0xff;
		break;
	case VIOAPIC_WINDOW:
		vioapic_write_reg(ioapic, value);
		break;
	default:
		break;
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}

static const struct iodev_ops vioapic_io_ops = {
	.read = vioapic_io_read,
	.write = vioapic_io_write,
};

int vioapic_create(struct vm *vm)
{
	struct vioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	int pin;

	if (!ioapic)
		return -ENOMEM;
	spin_lock_init(&ioapic->lock);
	for (pin = 0; pin < VIOAPIC_PINS; pin++)
		ioapic->redir[pin] = REDIR_MASKED;
	ioapic->vm = vm;
	ioapic->io.addr = VIOAPIC_ADDR;
	ioapic->io.len = VIOAPIC_SIZE;
	ioapic->io.ops = &vioapic_io_ops;
	vm->arch.ioapic = ioapic;
	return iobus_add(vm, &vm->mmio, &ioapic->io);
}

void vioapic_destroy(struct vm *vm)
{
	kfree(vm->arch.ioapic);
	vm->arch.ioapic = NULL;
}

void vioapic_get_state(struct vioapic *ioapic, struct hvmod_ioapic *out)
{
	unsigned long flags;

	BUILD_BUG_ON(sizeof(out->redir) != sizeof(ioapic->redir));
	memset(out, 0, sizeof(*out));
	spin_lock_irqsave(&ioapic->lock, flags);
	out->id = ioapic->id;
	out->index = ioapic->select;
	out->level = ioapic->inputs;
	memcpy(out->redir, ioapic->redir, sizeof(out->redir));
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

int vioapic_set_state(struct vioapic *ioapic, const struct hvmod_ioapic *in)
{
	unsigned long flags;
	u32 pin;

	if (in->id & ~VIOAPIC_ID_MASK || in->index > 0xff || in->level >> VIOAPIC_PINS || in->pad)
		return -EINVAL;
	for (pin = 0; pin < VIOAPIC_PINS; pin++) {
		u64 entry = in->redir[pin];

		if (entry & ~(REDIR_WRITABLE | REDIR_REMOTE_IRR) ||
		    ((entry & REDIR_REMOTE_IRR) && !(entry & REDIR_LEVEL)))
			return -EINVAL;
	}
	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->id = in->id;
	ioapic->select = in->index;
	ioapic->inputs = in->level;
	memcpy(ioapic->redir, in->redir, sizeof(ioapic->redir));
	for (pin = 0; pin < VIOAPIC_PINS; pin++)
		vioapic_service_level(ioapic, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}
