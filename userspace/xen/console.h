/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back end of a guest's Xen console (hvc0): a page with two rings and an
 * event channel.  The machine makes, starts and stops it; the main thread feeds
 * it what is typed.  It must survive any content of the page, which the guest
 * may change while it is read.
 */
#ifndef USERSPACE_XEN_CONSOLE_H
#define USERSPACE_XEN_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

struct xencons_ring;

/**
 * struct xencons_host - what the console needs of its host
 * @arg:    first argument of the functions
 * @output: a byte that the guest wrote; false: no more until xencons_resume();
 *          the console's thread
 * @send:   send the guest an event; any thread
 * @room:   the guest took input; the console's thread
 */
struct xencons_host {
	void *arg;
	bool (*output)(void *arg, u8 byte);
	void (*send)(void *arg);
	void (*room)(void *arg);
};

/**
 * struct xencons - a console
 * @kick: eventfd: the guest sent an event
 * @quit: eventfd: the thread ends
 */
struct xencons {
	struct xencons_host host;
	struct xencons_ring *ring;
	int kick;
	int quit;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;	/* the input ring's producer */
};

/** xencons_init() - its eventfds; xencons_exit() undoes it. */
int xencons_init(struct xencons *cons, struct err *err);
void xencons_exit(struct xencons *cons);

/**
 * xencons_start() - start its thread
 * @cons: from xencons_init()
 * @page: the ring page, host address
 * @host: copied
 * @err:  in words
 */
int xencons_start(struct xencons *cons, void *page, const struct xencons_host *host,
		  struct err *err);
/** xencons_stop() - end it, after a last look at the ring. */
void xencons_stop(struct xencons *cons);

/** xencons_resume() - there is room for output again.  Any thread. */
void xencons_resume(struct xencons *cons);

/** xencons_room() - bytes of input that the guest has room for. */
unsigned int xencons_room(struct xencons *cons);

/** xencons_input() - bytes typed; what has no room is dropped. */
void xencons_input(struct xencons *cons, const u8 *data, unsigned int len);

#endif /* USERSPACE_XEN_CONSOLE_H */
