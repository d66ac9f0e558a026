/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket of a running guest: requests and answers, each a JSON
 * object on a line; some requests turn the connection into a stream.  launch.c
 * opens it and serves it from its loop; what a request does stands in
 * commands.c.  It must let no other user in, and no client can stop the guest.
 *
 *	{"do":"info"}			-> {"ok":true, ...}
 *	{"do":"mem-set","memory":N}	-> {"ok":false,"error":"a sentence"}
 */
#ifndef USERSPACE_CONTROL_CONTROL_H
#define USERSPACE_CONTROL_CONTROL_H

#include <jansson.h>
#include <poll.h>
#include <sys/types.h>

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

struct guest;
struct xs_callback;

#define CONTROL_CLIENTS		16
/** CONTROL_FDS - descriptors that the server polls at most */
#define CONTROL_FDS		(2 + 2 * CONTROL_CLIENTS)
/** CONTROL_LINE - bytes of a request at most */
#define CONTROL_LINE		16384

/** enum control_mode - what a connection is for */
enum control_mode {
	CONTROL_LINES,		/* requests and answers */
	CONTROL_CONSOLE,	/* the guest's console, both ways */
	CONTROL_WATCH,		/* lines of changes in xenstore */
};

/**
 * struct control_client - a connection
 * @fd:       -1: none
 * @mode:     enum control_mode
 * @closing:  when all is sent
 * @in:       a line that is not whole yet, @in_len bytes
 * @out:      what waits to be sent, @out_len bytes
 * @position: in the console's history
 * @watch:    a watch in xenstore; @pipe: its paths on the way to us
 */
struct control_client {
	int fd;
	enum control_mode mode;
	bool closing;
	char in[CONTROL_LINE];
	size_t in_len;
	char *out;
	size_t out_len;
	u64 position;
	struct xs_callback *watch;
	int pipe[2];
};

/**
 * struct control - the server
 * @listen:  from rundir_claim()
 * @history: from console_history_open()
 * @guest:   what requests act on
 * @uid:     who may ask, beside root
 */
struct control {
	int listen;
	int history;
	struct guest *guest;
	uid_t uid;
	struct control_client *client[CONTROL_CLIENTS];
};

/** control_init() - serve @listen; -1: there is no socket, nothing is served. */
void control_init(struct control *control, struct guest *guest, int listen, int history);

/** control_exit() - close all connections. */
void control_exit(struct control *control);

/**
 * control_poll() - what to wait for
 * @control: the server
 * @fds:     filled in, CONTROL_FDS of them at most
 *
 * Return: how many.
 */
unsigned int control_poll(struct control *control, struct pollfd *fds);

/** control_serve() - after poll(): do what is asked. Never waits. */
void control_serve(struct control *control, const struct pollfd *fds, unsigned int count);

/** control_drop_watches() - before xenstore goes. */
void control_drop_watches(struct control *control);

/* ---- commands.c ---- */

/**
 * control_command() - do a request
 * @guest:   the guest
 * @client:  who asks; its mode may change
 * @request: the object
 *
 * Return: the answer, a new reference; NULL: no memory.
 */
json_t *control_command(struct guest *guest, struct control_client *client,
			const json_t *request);

/** control_text() - bytes as JSON; what is no UTF-8 as \xHH. A new reference. */
json_t *control_text(const char *text, size_t len);

#endif /* USERSPACE_CONTROL_CONTROL_H */
