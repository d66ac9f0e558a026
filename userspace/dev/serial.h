/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 16550A serial port.  The bus calls it for the guest; the launcher's main
 * thread gives it what was typed.  It must not block.
 */
#ifndef USERSPACE_DEV_SERIAL_H
#define USERSPACE_DEV_SERIAL_H

#include <pthread.h>

#include "userspace/dev/bus.h"

#define SERIAL_FIFO	16
#define SERIAL_QUEUE	4096
/* Reads of LSR in a row that mean that the guest waits for input. */
#define SERIAL_POLLS	4

/**
 * struct serial_host - what the port is connected to
 * @arg:    first argument of the functions
 * @output: the guest sent a byte; false: no more until serial_sent()
 * @irq:    the interrupt line changed to @level
 * @room:   there is room again after serial_input() took less than all
 *
 * Context: all are called with the port locked, in any thread.
 */
struct serial_host {
	void *arg;
	bool (*output)(void *arg, u8 byte);
	void (*irq)(void *arg, bool level);
	void (*room)(void *arg);
};

/**
 * struct serial - the port; all is under @lock
 * @fifo:    receiver FIFO (one byte when FIFOs are off)
 * @err:     LSR_BI, LSR_FE, LSR_PE of each byte in @fifo
 * @queue:   what waits at the host's side of the wire
 * @hungry:  serial_input() found no room
 * @stuck:   the transmitter is not empty: the host takes no more
 * @polls:   reads of LSR in a row, up to SERIAL_POLLS
 */
struct serial {
	pthread_mutex_t lock;
	struct serial_host host;
	u8 ier, fcr, lcr, mcr, lsr, msr, scratch;
	u8 dll, dlm;
	bool thre_pending;
	bool line;
	bool hungry;
	bool stuck;
	u8 fifo[SERIAL_FIFO];
	u8 err[SERIAL_FIFO];
	unsigned int head, count;
	unsigned int polls;
	u8 queue[SERIAL_QUEUE];
	unsigned int queue_head, queue_count;
};

/** serial_init() - as after power-on, connected to @host. */
void serial_init(struct serial *s, const struct serial_host *host);

/** serial_add() - put it on a bus at @base. Return: bus_add()'s. */
int serial_add(struct serial *s, struct bus *bus, u16 base);

/** serial_room() - bytes that serial_input() would take now. */
unsigned int serial_room(struct serial *s);

/**
 * serial_input() - bytes for the guest
 *
 * They wait until the guest listens: receiver interrupts on and RTS raised, or
 * LSR read again and again.  So what is typed while it boots is not lost.
 * Return: bytes taken.
 */
unsigned int serial_input(struct serial *s, const u8 *data, unsigned int len);

/** serial_sent() - the host takes bytes again, after @output said no. */
void serial_sent(struct serial *s);

/** serial_break() - a break condition on the line. */
void serial_break(struct serial *s);

#endif /* USERSPACE_DEV_SERIAL_H */
