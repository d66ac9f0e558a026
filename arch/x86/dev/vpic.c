// SPDX-License-Identifier: GPL-2.0
/*
 * The two 8259A interrupt controllers, master and slave.  Called by irq.c with
 * inputs and INTA cycles and by the I/O bus with port accesses, in any context.
 * The part above "The device" is pure and must stay so: tests run it alone.
 *
 * References: Intel 8259A data sheet; ELCR: 82371SB data sheet, "Edge/Level
 * Control Registers".
 */
#include <linux/bitops.h>
#include <linux/slab.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/dev/vpic.h"

#define MASTER		0
#define SLAVE		1
#define CASCADE		2	/* the master's input from the slave */
#define SPURIOUS	7

/* Inputs that can be programmed as level triggered. */
#define ELCR_MASK_MASTER	0xf8
#define ELCR_MASK_SLAVE		0xde

/* 0 is the highest; 8 if bits is empty. */
static unsigned int vpic_rank(const struct vpic_chip *chip, u8 bits)
{
	unsigned int rank;

	for (rank = 0; rank < 8; rank++)
		if (bits & BIT((chip->lowest + 1 + rank) & 7))
			break;
	return rank;
}

static unsigned int vpic_input_of_rank(const struct vpic_chip *chip, unsigned int rank)
{
	return (chip->lowest + 1 + rank) & 7;
}

/* The input that asks for service and may have it now, or -1. */
static int vpic_pick(const struct vpic *pic, int nr)
{
	const struct vpic_chip *chip = &pic->chip[nr];
	u8 requests = chip->irr & ~chip->imr;
	u8 serviced = chip->isr;
	unsigned int rank;

	if (!requests)
		return -1;
	/* "Special Mask Mode": masked inputs in service block nobody. */
	if (chip->flags & HVMOD_PIC_SPECIAL_MASK)
		serviced &= ~chip->imr;
	/* "Special Fully Nested Mode": a slave in service may ask again. */
	if (nr == MASTER && (chip->flags & HVMOD_PIC_SFNM))
		serviced &= ~BIT(CASCADE);
	rank = vpic_rank(chip, requests);
	return rank < vpic_rank(chip, serviced) ? (int)vpic_input_of_rank(chip, rank) : -1;
}

/* Cascade and output follow from everything else. */
static void vpic_update(struct vpic *pic)
{
	struct vpic_chip *master = &pic->chip[MASTER];

	if (vpic_pick(pic, SLAVE) >= 0)
		master->irr |= BIT(CASCADE);
	else
		master->irr &= ~BIT(CASCADE);
	WRITE_ONCE(pic->output, vpic_pick(pic, MASTER) >= 0);
}

static void vpic_end(struct vpic *pic, int nr, u8 bits)
{
	struct vpic_chip *chip = &pic->chip[nr];

	bits &= chip->isr;
	chip->isr &= ~bits;
	pic->ended |= (u16)(bits & chip->elcr) << (nr * 8);
}

static void vpic_chip_ack(struct vpic *pic, int nr, unsigned int input)
{
	struct vpic_chip *chip = &pic->chip[nr];

	if (!(chip->elcr & BIT(input)))
		chip->irr &= ~BIT(input);
	chip->isr |= BIT(input);
	if (chip->flags & HVMOD_PIC_AUTO_EOI) {
		vpic_end(pic, nr, BIT(input));
		if (chip->flags & HVMOD_PIC_ROTATE_AEOI)
			chip->lowest = input;
	}
}

u8 vpic_inta(struct vpic *pic)
{
	int input = vpic_pick(pic, MASTER);
	int nr = MASTER;

	if (input >= 0)
		vpic_chip_ack(pic, MASTER, input);
	if (input == CASCADE) {
		nr = SLAVE;
		input = vpic_pick(pic, SLAVE);
		if (input >= 0)
			vpic_chip_ack(pic, SLAVE, input);
	}
	vpic_update(pic);
	return pic->chip[nr].vector_base + (input < 0 ? SPURIOUS : input);
}

void vpic_input(struct vpic *pic, u32 input, bool level)
{
	struct vpic_chip *chip = &pic->chip[(input >> 3) & 1];
	u8 bit = BIT(input & 7);

	if (input == CASCADE || input > 15)
		return;
	if (chip->elcr & bit) {
		if (level)
			chip->irr |= bit;
		else
			chip->irr &= ~bit;
	} else if (level && !(chip->inputs & bit)) {
		chip->irr |= bit;
	}
	if (level)
		chip->inputs |= bit;
	else
		chip->inputs &= ~bit;
	vpic_update(pic);
}

static void vpic_icw1(struct vpic *pic, struct vpic_chip *chip, u8 value)
{
	chip->imr = 0;
	chip->isr = 0;
	chip->irr = chip->inputs & chip->elcr;	/* edges are forgotten */
	chip->lowest = 7;
	chip->flags = value & BIT(0) ? HVMOD_PIC_ICW4 : 0;
	chip->init_state = 1;
}

static void vpic_ocw2(struct vpic *pic, int nr, u8 value)
{
	struct vpic_chip *chip = &pic->chip[nr];
	unsigned int rank, input = value & 7;
	u8 serviced = chip->isr;

	if (!(value & BIT(6))) {	/* the commands without a level */
		if (chip->flags & HVMOD_PIC_SPECIAL_MASK)
			serviced &= ~chip->imr;
		rank = vpic_rank(chip, serviced);
		input = rank < 8 ? vpic_input_of_rank(chip, rank) : 8;
	}
	switch (value >> 5) {
	case 0:		/* rotate in automatic EOI mode: clear */
		chip->flags &= ~HVMOD_PIC_ROTATE_AEOI;
		break;
	case 4:		/* set */
		chip->flags |= HVMOD_PIC_ROTATE_AEOI;
		break;
	case 1:		/* non-specific EOI */
	case 3:		/* specific EOI */
		if (input < 8)
			vpic_end(pic, nr, BIT(input));
		break;
	case 5:		/* rotate on non-specific EOI */
	case 7:		/* rotate on specific EOI */
		if (input < 8) {
			vpic_end(pic, nr, BIT(input));
			chip->lowest = input;
		}
		break;
	case 6:		/* set priority */
		chip->lowest = input;
		break;
	default:	/* no operation */
		break;
	}
}

static void vpic_ocw3(struct vpic_chip *chip, u8 value)
{
	if (value & BIT(2))
		chip->flags |= HVMOD_PIC_POLL;
	if (value & BIT(1)) {
		chip->flags &= ~HVMOD_PIC_READ_ISR;
		if (value & BIT(0))
			chip->flags |= HVMOD_PIC_READ_ISR;
	}
	if (value & BIT(6)) {
		chip->flags &= ~HVMOD_PIC_SPECIAL_MASK;
		if (value & BIT(5))
			chip->flags |= HVMOD_PIC_SPECIAL_MASK;
	}
}

static void vpic_write_data(struct vpic_chip *chip, u8 value)
{
	switch (chip->init_state) {
	case 1:
		chip->vector_base = value & 0xf8;
		chip->init_state = 2;
		break;
	case 2:		/* ICW3: the wiring is that of a PC, whatever it says */
		chip->init_state = chip->flags & HVMOD_PIC_ICW4 ? 3 : 0;
		break;
	case 3:
		if (value & BIT(1))
			chip->flags |= HVMOD_PIC_AUTO_EOI;
		if (value & BIT(4))
			chip->flags |= HVMOD_PIC_SFNM;
		chip->init_state = 0;
		break;
	default:
		chip->imr = value;
		break;
	}
}

static void vpic_write_elcr(struct vpic_chip *chip, u8 value)
{
	u8 now_level;

	value &= chip->elcr_mask;
	now_level = value & ~chip->elcr;
	/* A level-triggered request is its input, an edge's is a memory. */
	chip->irr = (chip->irr & ~now_level) | (chip->inputs & now_level);
	chip->elcr = value;
}

void vpic_port_write(struct vpic *pic, u16 port, u8 value)
{
	int nr = port & 0x80 ? SLAVE : MASTER;
	struct vpic_chip *chip = &pic->chip[nr];

	if (port >= 0x4d0)
		vpic_write_elcr(&pic->chip[port & 1], value);
	else if (port & 1)
		vpic_write_data(chip, value);
	else if (value & BIT(4))
		vpic_icw1(pic, chip, value);
	else if (value & BIT(3))
		vpic_ocw3(chip, value);
	else
		vpic_ocw2(pic, nr, value);
	vpic_update(pic);
}

/* "Poll Command": the read is an INTA cycle of this one chip. */
static u8 vpic_poll(struct vpic *pic, int nr)
{
	int input = vpic_pick(pic, nr);

	pic->chip[nr].flags &= ~HVMOD_PIC_POLL;
	if (input < 0)
		return 0;
	vpic_chip_ack(pic, nr, input);
	vpic_update(pic);
	return BIT(7) | input;
}

/* A register is a byte, so it is read without the lock.  False: the read acts. */
static bool vpic_peek(const struct vpic *pic, u16 port, u8 *value)
{
	const struct vpic_chip *chip = &pic->chip[port & 0x80 ? SLAVE : MASTER];
	u8 flags = READ_ONCE(chip->flags);

	if (unlikely(port >= 0x4d0))
		*value = READ_ONCE(pic->chip[port & 1].elcr);
	else if (unlikely(flags & HVMOD_PIC_POLL))
		return false;
	else if (port & 1)
		*value = READ_ONCE(chip->imr);
	else
		*value = flags & HVMOD_PIC_READ_ISR ? READ_ONCE(chip->isr) : READ_ONCE(chip->irr);
	return true;
}

u8 vpic_port_read(struct vpic *pic, u16 port)
{
	u8 value;

	if (vpic_peek(pic, port, &value))
		return value;
	return vpic_poll(pic, port & 0x80 ? SLAVE : MASTER);
}

void vpic_init(struct vpic *pic)
{
	memset(pic->chip, 0, sizeof(pic->chip));
	pic->chip[MASTER].elcr_mask = ELCR_MASK_MASTER;
	pic->chip[SLAVE].elcr_mask = ELCR_MASK_SLAVE;
	pic->chip[MASTER].lowest = 7;
	pic->chip[SLAVE].lowest = 7;
	pic->output = false;
	pic->ended = 0;
}

/* ---- The device ---- */

/* Wakes the vCPU that the output is wired to: usually the first one. */
static void vpic_wake(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		if (vlapic_accepts_extint(vcpu)) {
			vcpu_request(vcpu, VCPU_REQ_EVENT);
			return;
		}
	}
}

/* What the rest of the VM is to hear about a change of the chips. */
struct vpic_news {
	bool rose;
	unsigned long ended;
};

/* Lock held, at the end of a change. */
static struct vpic_news vpic_news(struct vpic *pic, bool output_before)
{
	struct vpic_news news = { .rose = pic->output && !output_before, .ended = pic->ended };

	pic->ended = 0;
	return news;
}

/* Lock not held: who hears of an end may change an input. */
static void vpic_tell(struct vpic *pic, struct vpic_news news)
{
	unsigned int input;

	if (news.rose)
		vpic_wake(pic->vm);
	if (unlikely(news.ended))
		for_each_set_bit(input, &news.ended, 16)
			irq_eoi(pic->vm, input);
}

void vpic_set_input(struct vpic *pic, u32 input, bool level)
{
	struct vpic_news news;
	unsigned long flags;
	bool before;

	spin_lock_irqsave(&pic->lock, flags);
	before = pic->output;
	vpic_input(pic, input, level);
	news = vpic_news(pic, before);
	spin_unlock_irqrestore(&pic->lock, flags);
	vpic_tell(pic, news);
}

u8 vpic_ack(struct vpic *pic)
{
	struct vpic_news news;
	unsigned long flags;
	u8 vector;

	spin_lock_irqsave(&pic->lock, flags);
	vector = vpic_inta(pic);
	/* The vCPU that takes this one looks again by itself. */
	news = vpic_news(pic, true);
	spin_unlock_irqrestore(&pic->lock, flags);
	vpic_tell(pic, news);
	return vector;
}

static int vpic_io_read(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val)
{
	struct vpic *pic = vcpu->vm->arch.pic;
	struct vpic_news news;
	unsigned long flags;
	u8 *bytes = val;
	bool before;
	int i;

	if (likely(len == 1) && vpic_peek(pic, addr, bytes))
		return 0;
	spin_lock_irqsave(&pic->lock, flags);
	before = pic->output;
	for (i = 0; i < len; i++)
		bytes[i] = addr + i < dev->addr + dev->len ? vpic_port_read(pic, addr + i) : 0xff;
	news = vpic_news(pic, before);
	spin_unlock_irqrestore(&pic->lock, flags);
	vpic_tell(pic, news);
	return 0;
}

static int vpic_io_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, const void *val)
{
	struct vpic *pic = vcpu->vm->arch.pic;
	struct vpic_news news;
	unsigned long flags;
	const u8 *bytes = val;
	bool before;
	int i;

	spin_lock_irqsave(&pic->lock, flags);
	before = pic->output;
	for (i = 0; i < len && addr + i < dev->addr + dev->len; i++)
		vpic_port_write(pic, addr + i, bytes[i]);
	news = vpic_news(pic, before);
	spin_unlock_irqrestore(&pic->lock, flags);
	vpic_tell(pic, news);
	return 0;
}

static const struct iodev_ops vpic_io_ops = {
	.read = vpic_io_read,
	.write = vpic_io_write,
};

static const u16 vpic_ports[VPIC_NR_IO] = {
	[VPIC_IO_MASTER] = 0x20,
	[VPIC_IO_SLAVE] = 0xa0,
	[VPIC_IO_ELCR] = 0x4d0,
};

int vpic_create(struct vm *vm)
{
	struct vpic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	int i, err = 0;

	if (!pic)
		return -ENOMEM;
	spin_lock_init(&pic->lock);
	vpic_init(pic);
	pic->vm = vm;
	vm->arch.pic = pic;
	for (i = 0; i < VPIC_NR_IO && !err; i++) {
		pic->io[i].addr = vpic_ports[i];
		pic->io[i].len = 2;
		pic->io[i].ops = &vpic_io_ops;
		err = iobus_add(vm, &vm->pio, &pic->io[i]);
	}
	return err;
}

void vpic_destroy(struct vm *vm)
{
	kfree(vm->arch.pic);
	vm->arch.pic = NULL;
}

void vpic_get_state(struct vpic *pic, struct hvmod_pic *out)
{
	unsigned long flags;
	int i;

	memset(out, 0, sizeof(*out));
	spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < 2; i++) {
		const struct vpic_chip *chip = &pic->chip[i];

		out->chip[i].irr = chip->irr;
		out->chip[i].isr = chip->isr;
		out->chip[i].imr = chip->imr;
		out->chip[i].last_level = chip->inputs;
		out->chip[i].elcr = chip->elcr;
		out->chip[i].vector_base = chip->vector_base;
		out->chip[i].init_state = chip->init_state;
		out->chip[i].lowest = chip->lowest;
		out->chip[i].flags = chip->flags;
	}
	spin_unlock_irqrestore(&pic->lock, flags);
}

#define VPIC_FLAGS	(HVMOD_PIC_READ_ISR | HVMOD_PIC_POLL | HVMOD_PIC_SPECIAL_MASK |	\
			 HVMOD_PIC_AUTO_EOI | HVMOD_PIC_ROTATE_AEOI | HVMOD_PIC_ICW4 |	\
			 HVMOD_PIC_SFNM)

int vpic_set_state(struct vpic *pic, const struct hvmod_pic *in)
{
	struct vpic_news news;
	unsigned long flags;
	bool before;
	int i;

	for (i = 0; i < 2; i++) {
		if (in->chip[i].flags & ~VPIC_FLAGS || in->chip[i].pad ||
		    in->chip[i].elcr & ~pic->chip[i].elcr_mask || in->chip[i].lowest > 7 ||
		    in->chip[i].init_state > 3 || in->chip[i].vector_base & 7)
			return -EINVAL;
	}
	spin_lock_irqsave(&pic->lock, flags);
	before = pic->output;
	for (i = 0; i < 2; i++) {
		struct vpic_chip *chip = &pic->chip[i];

		chip->irr = in->chip[i].irr;
		chip->isr = in->chip[i].isr;
		chip->imr = in->chip[i].imr;
		chip->inputs = in->chip[i].last_level;
		chip->elcr = in->chip[i].elcr;
		chip->vector_base = in->chip[i].vector_base;
		chip->init_state = in->chip[i].init_state;
		chip->lowest = in->chip[i].lowest;
		chip->flags = in->chip[i].flags;
	}
	vpic_update(pic);
	news = vpic_news(pic, before);
	spin_unlock_irqrestore(&pic->lock, flags);
	vpic_tell(pic, news);
	return 0;
}
