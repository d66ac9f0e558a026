// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A serial port: registers, both FIFOs, interrupts by priority, modem
 * lines, loopback.  The bus calls it for the guest, the main thread for input.
 * It must not wait for a wire's speed: what is sent is sent at once, unless the
 * host takes no more.
 */
#include <string.h>

#include "userspace/dev/serial.h"

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };

#define IER_RX		BIT(0)
#define IER_THRE	BIT(1)
#define IER_LINE	BIT(2)
#define IER_MODEM	BIT(3)
#define IER_MASK	0x0f

#define IIR_NONE	0x01
#define IIR_MODEM	0x00
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0

#define FCR_ENABLE	BIT(0)
#define FCR_CLEAR_RX	BIT(1)
#define FCR_CLEAR_TX	BIT(2)
#define FCR_TRIGGER	6	/* shift */

#define LCR_DLAB	BIT(7)

#define MCR_DTR		BIT(0)
#define MCR_RTS		BIT(1)
#define MCR_OUT1	BIT(2)
#define MCR_OUT2	BIT(3)
#define MCR_LOOP	BIT(4)
#define MCR_MASK	0x1f

#define LSR_DR		BIT(0)
#define LSR_OE		BIT(1)
#define LSR_FE		BIT(3)
#define LSR_BI		BIT(4)
#define LSR_ERRORS	0x1e
#define LSR_THRE	BIT(5)
#define LSR_TEMT	BIT(6)
#define LSR_FIFO_ERR	BIT(7)

#define MSR_DCTS	BIT(0)
#define MSR_DDSR	BIT(1)
#define MSR_TERI	BIT(2)
#define MSR_DDCD	BIT(3)
#define MSR_DELTA	0x0f
#define MSR_CTS		BIT(4)
#define MSR_DSR		BIT(5)
#define MSR_RI		BIT(6)
#define MSR_DCD		BIT(7)

/* The other side is there and ready. */
#define MSR_WIRE	(MSR_CTS | MSR_DSR | MSR_DCD)

static unsigned int fifo_size(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

static unsigned int trigger(const struct serial *s)
{
	static const u8 levels[4] = { 1, 4, 8, 14 };

	return s->fcr & FCR_ENABLE ? levels[s->fcr >> FCR_TRIGGER] : 1;
}

/* The interrupt of highest priority. */
static u8 iir(const struct serial *s)
{
	if (s->ier & IER_LINE && s->lsr & LSR_ERRORS)
		return IIR_LINE;
	if (s->ier & IER_RX && s->count >= trigger(s))
		return IIR_RX;
	/* Bytes below the trigger level: a real port waits four characters. */
	if (s->ier & IER_RX && s->count)
		return IIR_TIMEOUT;
	if (s->ier & IER_THRE && s->thre_pending && !s->stuck)
		return IIR_THRE;
	if (s->ier & IER_MODEM && s->msr & MSR_DELTA)
		return IIR_MODEM;
	return IIR_NONE;
}

/* On a PC, OUT2 lets the interrupt through; loopback cuts it off. */
static void update_line(struct serial *s)
{
	bool level = iir(s) != IIR_NONE && s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP);

	if (level == s->line)
		return;
	s->line = level;
	if (s->host.irq)
		s->host.irq(s->host.arg, level);
}

/* LSR shows the errors of the byte at the head. */
static void head_errors(struct serial *s)
{
	unsigned int i;

	s->lsr &= ~(LSR_DR | LSR_FIFO_ERR);
	if (!s->count)
		return;
	s->lsr |= LSR_DR | s->err[s->head];
	s->err[s->head] = 0;
	for (i = 0; i < s->count; i++)
		if (s->err[(s->head + i) % SERIAL_FIFO])
			s->lsr |= LSR_FIFO_ERR;
}

static void receive(struct serial *s, u8 byte, u8 error)
{
	unsigned int at;

	if (s->count >= fifo_size(s)) {
		s->lsr |= LSR_OE;
		return;
	}
	at = (s->head + s->count) % SERIAL_FIFO;
	s->fifo[at] = byte;
	s->err[at] = error;
	s->count++;
	head_errors(s);
}

/*
 * Does the guest listen?  A driver that does asks for interrupts and raises
 * RTS; firmware reads LSR and nothing else, again and again.  Before that, a
 * driver's probing and clearing would lose what was typed.
 */
static bool listening(const struct serial *s)
{
	if (s->mcr & MCR_LOOP)
		return false;
	if (s->ier & IER_RX)
		return s->mcr & MCR_RTS;
	return s->polls >= SERIAL_POLLS;
}

/* Move what waits into the FIFO, if the guest is ready for it. */
static void feed(struct serial *s)
{
	bool moved = false;

	if (!listening(s))
		return;
	while (s->queue_count && s->count < fifo_size(s)) {
		receive(s, s->queue[s->queue_head], 0);
		s->queue_head = (s->queue_head + 1) % SERIAL_QUEUE;
		s->queue_count--;
		moved = true;
	}
	if (moved && s->hungry) {
		s->hungry = false;
		if (s->host.room)
			s->host.room(s->host.arg);
	}
}

static u8 read_data(struct serial *s)
{
	u8 byte;

	if (!s->count)
		return 0;
	byte = s->fifo[s->head];
	s->head = (s->head + 1) % SERIAL_FIFO;
	s->count--;
	head_errors(s);
	feed(s);
	return byte;
}

static u8 read_iir(struct serial *s)
{
	u8 value = iir(s);

	/* Reading it is what ends this interrupt, and this one only. */
	if (value == IIR_THRE)
		s->thre_pending = false;
	return value | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static u8 read_lsr(struct serial *s)
{
	u8 value;

	if (s->polls < SERIAL_POLLS)
		s->polls++;
	feed(s);
	value = s->lsr;
	if (s->stuck)
		value &= ~(LSR_THRE | LSR_TEMT);
	s->lsr &= ~LSR_ERRORS;
	return value;
}

/* In loopback, the modem lines come from MCR. */
static u8 modem_inputs(const struct serial *s)
{
	u8 in = 0;

	if (!(s->mcr & MCR_LOOP))
		return MSR_WIRE;
	in |= s->mcr & MCR_RTS ? MSR_CTS : 0;
	in |= s->mcr & MCR_DTR ? MSR_DSR : 0;
	in |= s->mcr & MCR_OUT1 ? MSR_RI : 0;
	in |= s->mcr & MCR_OUT2 ? MSR_DCD : 0;
	return in;
}

static void update_modem(struct serial *s)
{
	u8 old = s->msr, in = modem_inputs(s);

	s->msr = (old & MSR_DELTA) | in;
	if ((old ^ in) & MSR_CTS)
		s->msr |= MSR_DCTS;
	if ((old ^ in) & MSR_DSR)
		s->msr |= MSR_DDSR;
	if ((old ^ in) & MSR_DCD)
		s->msr |= MSR_DDCD;
	if (old & ~in & MSR_RI)
		s->msr |= MSR_TERI;
}

static u8 read_msr(struct serial *s)
{
	u8 value = s->msr;

	s->msr &= ~MSR_DELTA;
	return value;
}

static u32 serial_read(void *dev, u32 offset, u32 size)
{
	struct serial *s = dev;
	bool dlab;
	u8 value = 0;

	(void)size;
	pthread_mutex_lock(&s->lock);
	dlab = s->lcr & LCR_DLAB;
	/* Once it polls, taking a byte does not end that. */
	if (offset != REG_LSR && (offset != REG_DATA || s->polls < SERIAL_POLLS))
		s->polls = 0;
	switch (offset) {
	case REG_DATA:
		value = dlab ? s->dll : read_data(s);
		break;
	case REG_IER:
		value = dlab ? s->dlm : s->ier;
		break;
	case REG_IIR_FCR:
		value = read_iir(s);
		break;
	case REG_LCR:
		value = s->lcr;
		break;
	case REG_MCR:
		value = s->mcr;
		break;
	case REG_LSR:
		value = read_lsr(s);
		break;
	case REG_MSR:
		value = read_msr(s);
		break;
	case REG_SCRATCH:
		value = s->scratch;
		break;
	}
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void write_fcr(struct serial *s, u8 value)
{
	/* A change of the enable bit clears both FIFOs. */
	if ((value ^ s->fcr) & FCR_ENABLE)
		value |= FCR_CLEAR_RX | FCR_CLEAR_TX;
	if (value & FCR_CLEAR_RX) {
		s->head = 0;
		s->count = 0;
		memset(s->err, 0, sizeof(s->err));
		head_errors(s);
	}
	if (value & FCR_CLEAR_TX)
		s->thre_pending = true;
	/* The other bits do not stick while FIFOs are off. */
	s->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | 3U << FCR_TRIGGER) : 0;
	feed(s);
}

static void write_ier(struct serial *s, u8 value)
{
	/* Enabling it while the transmitter is empty raises it. */
	if (value & ~s->ier & IER_THRE)
		s->thre_pending = true;
	s->ier = value & IER_MASK;
	feed(s);
}

/* Returns true when the byte goes out on the wire. */
static bool write_data(struct serial *s, u8 value)
{
	s->thre_pending = true;	/* empty again, at once */
	if (!(s->mcr & MCR_LOOP))
		return true;
	receive(s, value, 0);
	return false;
}

static void serial_write(void *dev, u32 offset, u32 size, u32 value32)
{
	struct serial *s = dev;
	u8 value = (u8)value32;
	bool dlab, send = false;

	(void)size;
	pthread_mutex_lock(&s->lock);
	dlab = s->lcr & LCR_DLAB;
	s->polls = 0;
	switch (offset) {
	case REG_DATA:
		if (dlab)
			s->dll = value;
		else
			send = write_data(s, value);
		break;
	case REG_IER:
		if (dlab)
			s->dlm = value;
		else
			write_ier(s, value);
		break;
	case REG_IIR_FCR:
		write_fcr(s, value);
		break;
	case REG_LCR:
		s->lcr = value;
		break;
	case REG_MCR:
		s->mcr = value & MCR_MASK;
		update_modem(s);
		feed(s);
		break;
	case REG_SCRATCH:
		s->scratch = value;
		break;
	}
	/* The byte is out before the interrupt that says so. */
	if (send && s->host.output) {
		if (!s->host.output(s->host.arg, value))
			s->stuck = true;
	}
	/*
	 * Without FIFOs each byte ends the interrupt for an instant and makes a
	 * new edge.  With FIFOs a batch of bytes makes one.
	 */
	if (send && s->line && !(s->fcr & FCR_ENABLE) && iir(s) == IIR_THRE) {
		s->line = false;
		if (s->host.irq)
			s->host.irq(s->host.arg, false);
	}
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct bus_ops serial_ops = {
	.read = serial_read,
	.write = serial_write,
};

void serial_init(struct serial *s, const struct serial_host *host)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->host = *host;
	s->lsr = LSR_THRE | LSR_TEMT;
	s->msr = MSR_WIRE;
	s->dll = 12;	/* 9600 baud */
}

int serial_add(struct serial *s, struct bus *bus, u16 base)
{
	struct bus_region region = {
		.base = base,
		.len = 8,
		.max_size = 1,
		.name = "serial",
		.ops = &serial_ops,
		.dev = s,
	};

	return bus_add(bus, &region);
}

unsigned int serial_room(struct serial *s)
{
	unsigned int room;

	pthread_mutex_lock(&s->lock);
	room = SERIAL_QUEUE - s->queue_count;
	s->hungry = !room;
	pthread_mutex_unlock(&s->lock);
	return room;
}

unsigned int serial_input(struct serial *s, const u8 *data, unsigned int len)
{
	unsigned int n = 0;

	pthread_mutex_lock(&s->lock);
	while (n < len && s->queue_count < SERIAL_QUEUE) {
		s->queue[(s->queue_head + s->queue_count) % SERIAL_QUEUE] = data[n++];
		s->queue_count++;
	}
	s->hungry = s->queue_count == SERIAL_QUEUE;
	feed(s);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void serial_sent(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	s->stuck = false;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

void serial_break(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	if (!(s->mcr & MCR_LOOP))
		receive(s, 0, LSR_BI | LSR_FE);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}
