// SPDX-License-Identifier: GPL-2.0
/*
 * What the launcher says, on stderr and in the file of --log.  Any thread calls
 * it.  It must write each line with one system call, so that lines of several
 * threads and of the guest's console do not mix.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/log.h"

static struct {
	int fd;			/* -1: none */
	bool debug;
	atomic_bool raw;
	pthread_mutex_t lock;	/* of guest[] */
	char guest[256];
	size_t guest_len;
} log_state = { .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

int log_open(const char *path, bool debug, struct err *err)
{
	log_state.debug = debug;
	if (!path)
		return 0;
	log_state.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (log_state.fd < 0)
		return err_set(err, errno, "cannot write the log %s: %s", path,
			       strerror(errno));
	return 0;
}

bool log_debug_on(void)
{
	return log_state.debug;
}

void log_raw(bool raw)
{
	atomic_store(&log_state.raw, raw);
}

static void put_line(int fd, char *text, size_t len)
{
	ssize_t ret;

	text[len] = '\n';
	do
		ret = write(fd, text, len + 1);
	while (ret < 0 && errno == EINTR);
}

static void say(bool to_stderr, const char *prefix, const char *fmt, va_list ap)
{
	char text[1024];
	size_t len;
	int n;

	n = snprintf(text, sizeof(text) - 2, "%s", prefix);
	n += vsnprintf(text + n, sizeof(text) - 2 - n, fmt, ap);
	len = (size_t)n < sizeof(text) - 3 ? (size_t)n : sizeof(text) - 3;
	if (log_state.fd >= 0)
		put_line(log_state.fd, text, len);
	if (!to_stderr && log_state.fd >= 0)
		return;
	if (atomic_load(&log_state.raw))
		text[len++] = '\r';
	put_line(STDERR_FILENO, text, len);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, "hvctl: ", fmt, ap);
	va_end(ap);
}

void log_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, "hvctl: ", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_state.debug)
		return;
	va_start(ap, fmt);
	say(false, "hvctl: debug: ", fmt, ap);
	va_end(ap);
}

void log_guest(u8 byte)
{
	char line[sizeof(log_state.guest) + 1];
	size_t len = 0;

	if (!log_state.debug && log_state.fd < 0)
		return;
	pthread_mutex_lock(&log_state.lock);
	if (byte != '\n')
		log_state.guest[log_state.guest_len++] =
			(byte >= ' ' && byte < 0x7f) || byte == '\t' ? (char)byte : '?';
	if (byte == '\n' || log_state.guest_len == sizeof(log_state.guest)) {
		len = log_state.guest_len;
		memcpy(line, log_state.guest, len);
		log_state.guest_len = 0;
	}
	pthread_mutex_unlock(&log_state.lock);
	if (byte == '\n' || len) {
		line[len] = '\0';
		if (log_state.debug)
			log_debug("guest: %s", line);
		else
			dprintf(log_state.fd, "guest: %s\n", line);
	}
}
