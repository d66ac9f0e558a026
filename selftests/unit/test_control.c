// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket's server against clients that behave and clients that do
 * not: lines in pieces, lines without end, any bytes, hang-ups, more clients
 * than there is room for, a console that nobody reads.  Run by
 * selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.  It must not need
 * a guest: requests are answered by a handler of its own.
 */
/* SOURCES: userspace/control/control.c userspace/console.c userspace/log.c */
/* SOURCES: userspace/lib/err.c */
/* LIBS: -ljansson -lpthread */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/console.h"
#include "userspace/guest.h"
#include "selftests/unit/unit.h"

/* ---- what the server stands on ---- */

static struct guest guest;
static u8 typed[4096];
static unsigned int typed_count, room = 8;

unsigned int machine_room(struct machine *m)
{
	(void)m;
	return room;
}

void machine_input(struct machine *m, const u8 *data, unsigned int len)
{
	(void)m;
	if (len > room || typed_count + len > sizeof(typed))
		abort();
	memcpy(typed + typed_count, data, len);
	typed_count += len;
}

void xs_unwatch(struct xenstore *xs, struct xs_callback *cb)
{
	(void)xs;
	(void)cb;
}

char *xs_read(struct xenstore *xs, u32 tx, const char *path, size_t *len)
{
	(void)xs;
	(void)tx;
	*len = strlen(path);
	return strdup(path);
}

json_t *control_text(const char *text, size_t len)
{
	return json_stringn(text, len);
}

json_t *control_command(struct guest *g, struct control_client *client, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "do"));
	json_t *answer = json_pack("{s:b, s:O}", "ok", 1, "request", request);
	char *big;

	(void)g;
	if (name && !strcmp(name, "console")) {
		client->mode = CONTROL_CONSOLE;
		console_watch(true);
	}
	if (name && !strcmp(name, "big")) {
		big = malloc(1 << 20);
		memset(big, 'x', 1 << 20);
		json_object_set_new(answer, "big", json_stringn(big, 1 << 20));
		free(big);
	}
	if (name && !strcmp(name, "watch")) {
		if (pipe2(client->pipe, O_CLOEXEC | O_NONBLOCK))
			abort();
		client->watch = (struct xs_callback *)client;
		client->mode = CONTROL_WATCH;
		if (write(client->pipe[1], "/a/b\n/c\n", 8) != 8)
			abort();
	}
	return answer;
}

/* ---- the server's loop, a step at a time ---- */

static struct control *const control = &guest.control;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void step(void)
{
	struct pollfd fds[CONTROL_FDS];
	unsigned int count = control_poll(control, fds), i;

	/* Sockets of the kernel deliver at once: what there is to do is there now. */
	for (i = 0; i < count; i++)
		fds[i].revents = 0;
	poll(fds, count, 0);
	control_serve(control, fds, count);
}

static void steps(unsigned int n)
{
	while (n--)
		step();
}

static int open_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	steps(2);
	return fd;
}

static unsigned int clients(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		n += !!control->client[i];
	return n;
}

static bool put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* All there is, zero-terminated; true: it is @want, and the connection stands. */
static char got[3 << 20];

static bool answers(int fd, const char *want)
{
	ssize_t n, len = 0;

	for (;;) {
		steps(3);
		n = read(fd, got + len, sizeof(got) - 1 - (size_t)len);
		if (n <= 0)
			break;
		len += n;
	}
	got[len] = '\0';
	if (want && strcmp(got, want))
		printf("# '%.100s' is not '%s'\n", got, want);
	return n < 0 && errno == EAGAIN && (!want || !strcmp(got, want));
}

static bool is_closed(int fd)
{
	answers(fd, NULL);
	return read(fd, got, 1) == 0;
}

static void test_lines(void)
{
	int fd = open_client();

	result(put(fd, "{\"do\":\"a\"}\n") &&
	       answers(fd, "{\"ok\":true,\"request\":{\"do\":\"a\"}}\n"), "a request");
	result(put(fd, "{\"do\":") && answers(fd, "") && put(fd, "1}") && answers(fd, "") &&
	       put(fd, "\n") && answers(fd, "{\"ok\":true,\"request\":{\"do\":1}}\n"),
	       "a request in pieces");
	result(put(fd, "{}\n{}\n{}\n") &&
	       answers(fd, "{\"ok\":true,\"request\":{}}\n{\"ok\":true,\"request\":{}}\n"
		       "{\"ok\":true,\"request\":{}}\n"), "three at once");
	result(put(fd, "[1]\n\n\xff\x01\n") && answers(fd, NULL) &&
	       strstr(got, "a request is a JSON object on a line") && clients() == 1,
	       "what is no object gets a sentence");
	result(put(fd, "{\"do\":\"big\"}\n{}\n") && answers(fd, NULL) && strlen(got) > 1 << 20 &&
	       strstr(got, "\n{\"ok\":true,\"request\":{}}\n"), "an answer larger than the socket");
	close(fd);
	steps(2);
	result(!clients(), "a client that goes is forgotten");
}

static void test_ends(void)
{
	static char line[CONTROL_LINE + 1];
	int fd = open_client(), fds[CONTROL_CLIENTS + 1];
	unsigned int i;

	memset(line, ' ', sizeof(line) - 1);
	result(put(fd, line) && is_closed(fd) && !clients(),
	       "a line without end ends the connection");
	close(fd);
	fd = open_client();
	shutdown(fd, put(fd, "{}\n") ? SHUT_WR : SHUT_RDWR);
	result(is_closed(fd) && !clients(), "a client that only asks gets its answer");
	close(fd);
	fd = open_client();
	put(fd, "{\"do\":\"big\"}\n");
	close(fd);
	steps(4);
	result(!clients(), "a client that does not wait for its answer");
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open_client();
	result(clients() == CONTROL_CLIENTS && is_closed(fds[CONTROL_CLIENTS]),
	       "one too many is turned away");
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	steps(2);
	result(!clients(), "and all can go");
}

static void test_console(void)
{
	int fd = open_client(), other = open_client();
	unsigned int i;

	for (i = 0; i < 5; i++)
		console_put("early"[i]);
	put(fd, "{\"do\":\"console\"}\nfirst of all");
	room = 8;
	result(answers(fd, NULL) && strstr(got, "\nearly"), "what was written before is shown");
	for (i = 0; i < 4; i++)
		console_put("late"[i]);
	result(answers(fd, "late"), "and what comes");
	result(typed_count == 12 && !memcmp(typed, "first of all", 12), "input, as there is room");
	room = 0;
	put(fd, "wait");
	steps(4);
	i = typed_count;
	room = 64;
	steps(1);
	result(i == 12 && typed_count == 16, "input waits for room");
	put(other, "{\"do\":\"console\"}\n");
	steps(3);
	/* Far more than anybody keeps; none of it may wait for the reader. */
	for (i = 0; i < 1000000; i++) {
		console_put((u8)('a' + i % 26));
		if (i % 4096 == 0)
			step();
	}
	result(answers(fd, NULL) && strlen(got) >= 128 * 1024 && strlen(got) < 1000000 &&
	       got[strlen(got) - 1] == 'a' + 999999 % 26,
	       "a slow reader loses, and is not waited for");
	close(other);
	close(fd);
	steps(2);
	result(!clients(), "consoles end");
}

static void test_watch(void)
{
	int fd = open_client();

	put(fd, "{\"do\":\"watch\"}\n");
	result(answers(fd, NULL) && strstr(got, "{\"path\":\"/a/b\",\"value\":\"/a/b\"}\n"
					  "{\"path\":\"/c\",\"value\":\"/c\"}\n"),
	       "changes in xenstore are lines");
	control_drop_watches(control);
	result(answers(fd, "") && clients() == 1, "a watch that was dropped is silent");
	close(fd);
	steps(2);
}

static void test_any(void)
{
	static const char *const piece[] = {
		"{", "}", "\n", "\"do\":", "\"console\"", "\"big\"", "\"watch\"", "{}\n", "[", "0",
		"{\"do\":\"console\"}\n", "{\"do\":\"watch\"}\n", ",", "\\u0000", "\xff",
	};
	int fd[CONTROL_CLIENTS];
	unsigned int i, n;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		fd[i] = -1;
	for (i = 0; i < 60000; i++) {
		n = rng() % CONTROL_CLIENTS;
		typed_count = 0;
		if (fd[n] < 0) {
			fd[n] = open_client();
			continue;
		}
		switch (rng() % 8) {
		case 0:
			close(fd[n]);
			fd[n] = -1;
			break;
		case 1:
			if (read(fd[n], got, rng() % 65536) < 0)
				step();
			break;
		case 2:
			console_put((u8)rng());
			break;
		default:
			put(fd[n], piece[rng() % ARRAY_SIZE(piece)]);
		}
		step();
	}
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	steps(3);
	result(!clients(), "any bytes from many clients");
}

int main(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* An abstract address: nothing is left behind. */
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "hvmod-test-%d", getpid());
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8)) {
		printf("# no socket: %s\n", strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	guest.state = GUEST_RUNS;
	control_init(control, &guest, fd, console_history_open(true));
	test_lines();
	test_ends();
	test_console();
	test_watch();
	test_any();
	control_exit(control);
	close(control->history);
	return finish();
}
