// SPDX-License-Identifier: GPL-2.0
/*
 * Connections to the control socket: who may connect, lines in, lines out, and
 * streams.  launch.c's loop calls it in the main thread.  It must not block and
 * must bound what it keeps for a client that does not read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/console.h"
#include "userspace/control/control.h"
#include "userspace/guest.h"
#include "userspace/log.h"

#define OUT_MAX		(4U << 20)	/* bytes that a client may leave unread */
#define CHUNK		4096U

void control_init(struct control *control, struct guest *guest, int listen, int history)
{
	memset(control, 0, sizeof(*control));
	control->listen = listen;
	control->history = history;
	control->guest = guest;
	/* Now: the jail has no call for it. */
	control->uid = geteuid();
}

static void drop_watch(struct control *control, struct control_client *client)
{
	if (!client->watch)
		return;
	xs_unwatch(control->guest->machine.store, client->watch);
	client->watch = NULL;
	close(client->pipe[0]);
	close(client->pipe[1]);
}

static void drop(struct control *control, unsigned int i)
{
	struct control_client *client = control->client[i];

	if (client->mode == CONTROL_CONSOLE)
		console_watch(false);
	drop_watch(control, client);
	close(client->fd);
	free(client->out);
	free(client);
	control->client[i] = NULL;
}

void control_drop_watches(struct control *control)
{
	unsigned int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i])
			drop_watch(control, control->client[i]);
}

void control_exit(struct control *control)
{
	unsigned int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i])
			drop(control, i);
	if (control->listen >= 0)
		close(control->listen);
	control->listen = -1;
}

/* The same user, or root. */
static bool may_connect(const struct control *control, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || len != sizeof(cred))
		return false;
	return cred.uid == control->uid || !cred.uid;
}

static void admit(struct control *control)
{
	int fd = accept4(control->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct control_client *client;
	unsigned int i;

	if (fd < 0)
		return;
	for (i = 0; i < CONTROL_CLIENTS && control->client[i]; i++)
		;
	client = NULL;
	if (i < CONTROL_CLIENTS && may_connect(control, fd))
		client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->fd = fd;
	control->client[i] = client;
}

/* False: it does not read, or there is no memory. */
static bool queue(struct control_client *client, const void *data, size_t len)
{
	char *more;

	if (len > OUT_MAX - client->out_len)
		return false;
	more = realloc(client->out, client->out_len + len + 1);
	if (!more)
		return false;
	memcpy(more + client->out_len, data, len);
	client->out = more;
	client->out_len += len;
	return true;
}

static bool queue_json(struct control_client *client, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	bool ok = text && queue(client, text, strlen(text)) && queue(client, "\n", 1);

	free(text);
	json_decref(json);
	return ok;
}

/* False: the connection is over. */
static bool flush(struct control_client *client)
{
	ssize_t sent;

	if (!client->out_len)
		return true;
	sent = write(client->fd, client->out, client->out_len);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	client->out_len -= (size_t)sent;
	memmove(client->out, client->out + sent, client->out_len);
	return true;
}

static bool do_line(struct control *control, struct control_client *client, const char *line,
		    size_t len)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer;

	if (json_is_object(request))
		answer = control_command(control->guest, client, request);
	else
		answer = json_pack("{s:b, s:s}", "ok", 0, "error",
				   "a request is a JSON object on a line");
	json_decref(request);
	return queue_json(client, answer);
}

/* Whole lines; what follows a request that makes a stream is the stream's. */
static bool take_lines(struct control *control, struct control_client *client)
{
	while (client->mode == CONTROL_LINES && !client->out_len) {
		char *end = memchr(client->in, '\n', client->in_len);
		size_t len = end ? (size_t)(end - client->in) : 0;

		if (!end)
			return client->in_len < sizeof(client->in);
		if (!do_line(control, client, client->in, len))
			return false;
		client->in_len -= len + 1;
		memmove(client->in, end + 1, client->in_len);
	}
	return true;
}

static bool receive(struct control *control, struct control_client *client)
{
	ssize_t got = read(client->fd, client->in + client->in_len,
			   sizeof(client->in) - client->in_len);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!got) {
		client->closing = true;
		return true;
	}
	client->in_len += (size_t)got;
	return take_lines(control, client);
}

/* Typed input, as far as the guest has room. */
static void type_in(struct control *control, struct control_client *client)
{
	size_t len = client->in_len, room;

	if (!len || !guest_lives(control->guest))
		return;
	room = machine_room(&control->guest->machine);
	if (len > room)
		len = room;
	machine_input(&control->guest->machine, (const u8 *)client->in, (unsigned int)len);
	client->in_len -= len;
	memmove(client->in, client->in + len, client->in_len);
}

static bool read_console(struct control_client *client)
{
	u8 chunk[CHUNK];
	unsigned int n;

	/* One that reads slowly finds the history shortened, not us waiting. */
	if (client->out_len >= CHUNK)
		return true;
	n = console_history(&client->position, chunk, sizeof(chunk));
	return queue(client, chunk, n);
}

/* Paths that changed, one a line, from xenstore's thread. */
static bool read_watch(struct control *control, struct control_client *client)
{
	char paths[CHUNK + 1], *path, *end;
	ssize_t got = read(client->pipe[0], paths, CHUNK);
	bool ok = true;

	if (got <= 0)
		return true;
	paths[got] = '\0';
	for (path = paths; ok && (end = strchr(path, '\n')); path = end + 1) {
		json_t *change = json_object();
		size_t len = 0;
		char *value;

		*end = '\0';
		value = xs_read(control->guest->machine.store, 0, path, &len);
		json_object_set_new(change, "path", control_text(path, strlen(path)));
		json_object_set_new(change, "value", value ? control_text(value, len) :
							     json_null());
		free(value);
		ok = queue_json(client, change);
	}
	return ok;
}

static bool wants_to_send(const struct control_client *client)
{
	return client->out_len ||
	       (client->mode == CONTROL_CONSOLE && console_has_more(client->position));
}

unsigned int control_poll(struct control *control, struct pollfd *fds)
{
	unsigned int count = 0, i;

	if (control->listen < 0)
		return 0;
	fds[count++] = (struct pollfd){ .fd = control->listen, .events = POLLIN };
	fds[count++] = (struct pollfd){ .fd = control->history, .events = POLLIN };
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = control->client[i];
		bool read;

		fds[count] = (struct pollfd){ .fd = -1 };
		fds[count + 1] = fds[count];
		if (client) {
			/* Answers are read before the next request is. */
			read = client->in_len < sizeof(client->in) && !client->closing &&
			       (client->mode == CONTROL_CONSOLE || !client->out_len);
			fds[count].fd = client->fd;
			fds[count].events = (short)((read ? POLLIN : 0) |
						    (wants_to_send(client) ? POLLOUT : 0));
		}
		if (client && client->watch && client->out_len < OUT_MAX / 2) {
			fds[count + 1].fd = client->pipe[0];
			fds[count + 1].events = POLLIN;
		}
		count += 2;
	}
	return count;
}

static bool serve_client(struct control *control, struct control_client *client, short events,
			 bool watch)
{
	bool ok = true;

	/* A hang-up alone is seen by the read, which gets the end of the file. */
	if ((events & (POLLIN | POLLHUP | POLLERR)) && !client->closing)
		ok = receive(control, client);
	else
		ok = take_lines(control, client);
	if (ok && client->mode == CONTROL_CONSOLE && !client->closing) {
		type_in(control, client);
		ok = read_console(client);
	}
	if (ok && watch)
		ok = read_watch(control, client);
	if (ok)
		ok = flush(client);
	return ok && !(client->closing && !client->out_len);
}

void control_serve(struct control *control, const struct pollfd *fds, unsigned int count)
{
	unsigned int i;
	u64 ignored;

	if (!count)
		return;
	if ((fds[1].revents & POLLIN) &&
	    read(control->history, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		log_debug("console: %s", strerror(errno));
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = control->client[i];
		const struct pollfd *fd = &fds[2 + 2 * i];

		if (client && client->fd == fd->fd &&
		    !serve_client(control, client, fd->revents, fd[1].revents & POLLIN))
			drop(control, i);
	}
	if (fds[0].revents & POLLIN)
		admit(control);
}
