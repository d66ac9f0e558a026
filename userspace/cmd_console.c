// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl console: a terminal at a running guest's console.  main.c calls it, and
 * cmd_create.c for "create -c".  It must leave the terminal as it was.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/console.h"
#include "userspace/control/client.h"
#include "userspace/log.h"

static bool write_all(int fd, const char *from, size_t len)
{
	while (len) {
		ssize_t put = write(fd, from, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, -1);
			continue;
		}
		if (put < 0)
			return false;
		from += put;
		len -= (size_t)put;
	}
	return true;
}

/* What was typed; false: Ctrl-]. */
static bool type(int fd, bool *open)
{
	char data[256], *escape = NULL;
	ssize_t got = read(STDIN_FILENO, data, sizeof(data));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0) {
		*open = false;	/* the output goes on */
		return true;
	}
	if (console_is_terminal())
		escape = memchr(data, CONSOLE_ESCAPE, (size_t)got);
	if (escape)
		got = escape - data;
	if (!write_all(fd, data, (size_t)got))
		*open = false;
	return !escape;
}

/* True: the guest has ended. */
static bool stream(int fd)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN }, { .fd = fd, .events = POLLIN },
	};
	char data[4096];
	bool open = true;
	ssize_t got;

	for (;;) {
		fds[0].fd = open ? STDIN_FILENO : -1;
		fds[0].revents = 0;
		if (poll(fds, 2, -1) < 0) {
			if (errno != EINTR)
				return false;
			continue;
		}
		if (fds[0].revents && !type(fd, &open))
			return false;
		if (!fds[1].revents)
			continue;
		got = read(fd, data, sizeof(data));
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return true;
		if (got > 0 && !write_all(STDOUT_FILENO, data, (size_t)got))
			return false;
	}
}

int console_attach(const char *name)
{
	struct err err = { "" };
	struct client client;
	json_t *answer;
	bool ended;

	if (client_open(&client, name, &err)) {
		log_error("%s", err.text);
		return HVCTL_ERROR;
	}
	answer = client_ask(&client, json_pack("{s:s}", "do", "console"), &err);
	if (!answer) {
		log_error("%s", err.text);
		client_close(&client);
		return HVCTL_ERROR;
	}
	json_decref(answer);
	client_stay(&client);
	console_open();
	if (console_is_terminal())
		log_note("the console of %s; Ctrl-] leaves it", name);
	ended = !write_all(STDOUT_FILENO, client.in, client.len) || stream(client.fd);
	console_close();
	client_close(&client);
	if (console_is_terminal())
		log_note(ended ? "\n%s has ended" : "\n%s runs on", name);
	return HVCTL_OK;
}

int cmd_console(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		puts("hvctl console - be a running guest's console\n\n"
		     "Usage:\n  hvctl console NAME\n\n"
		     "What the guest wrote last is shown first. Ctrl-] leaves the console; the\n"
		     "guest runs on. Several may look at once.");
		return HVCTL_OK;
	}
	if (argc != 2) {
		fputs("hvctl: usage: hvctl console NAME\n", stderr);
		return HVCTL_USAGE;
	}
	return console_attach(argv[1]);
}
