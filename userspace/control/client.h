/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands' side of a guest's control socket.  Commands ask and print the
 * answer.  It must name what went wrong as the guest's launcher did.
 */
#ifndef USERSPACE_CONTROL_CLIENT_H
#define USERSPACE_CONTROL_CLIENT_H

#include <jansson.h>

#include "userspace/control/rundir.h"

/**
 * struct client - a connection
 * @fd:   the socket
 * @in:   what was received and not yet taken, @len bytes
 */
struct client {
	int fd;
	char *in;
	size_t len;
};

/**
 * client_open() - speak to a guest
 * @client: filled in; client_close() undoes it
 * @name:   the guest's name, or its process's number
 * @err:    in words
 *
 * Return: 0 or a negative errno.
 */
int client_open(struct client *client, const char *name, struct err *err);
void client_close(struct client *client);

/**
 * client_ask() - a request and its answer
 * @request: its reference is taken
 *
 * Return: the answer, a new reference, "ok" is true in it; NULL: @err says why.
 */
json_t *client_ask(struct client *client, json_t *request, struct err *err);

/** client_stay() - from here on wait for lines and bytes as long as it takes. */
void client_stay(struct client *client);

/** client_line() - the next line of a stream, as JSON; NULL: it has ended. */
json_t *client_line(struct client *client, struct err *err);

/** client_once() - open, ask, close. */
json_t *client_once(const char *name, json_t *request, struct err *err);

/** client_wait() - until the guest's process has ended. */
void client_wait(struct client *client);

/**
 * client_all() - ask every guest of this user
 * @request: for each; its reference stays the caller's
 *
 * Return: an array of the answers; guests that do not answer are left out.
 * NULL: @err says why.
 */
json_t *client_all(json_t *request, struct err *err);

#endif /* USERSPACE_CONTROL_CLIENT_H */
