// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's terminal.  The main thread opens and closes it and reads it,
 * vCPU threads queue what a thread of its own writes.  It must restore the
 * terminal on every way out: a return from main(), exit(), a fatal signal in any
 * thread.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "userspace/console.h"
#include "userspace/log.h"

static struct termios saved;
static atomic_bool is_raw;
static bool terminal;
static bool escape;

/*
 * What waits for stdout.  A guest writes byte by byte: so that each does not cost
 * a change to the writer and back, it waits for more, GATHER bytes or as long as
 * nobody who looks at them would see.
 */
#define OUT_SIZE	65536
#define GATHER		1024
#define GATHER_NS	10000000
static struct {
	pthread_mutex_t lock;
	pthread_cond_t some;		/* the writer has work, or shall end */
	pthread_t writer;
	void (*room)(void *arg);
	void *arg;
	bool running, stop, full;
	bool news;			/* for watchers of the history */
	unsigned int head, count;
	u8 byte[OUT_SIZE];
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER };

/* The last output, for those who attach later or read at their own pace. */
#define HISTORY_SIZE	(128 * 1024)
static struct {
	int fd;				/* eventfd: there is more, for watchers */
	bool muted;
	unsigned int watchers;		/* [out.lock] this and the rest */
	u64 head;			/* bytes since the start */
	u8 byte[HISTORY_SIZE];
} history = { .fd = -1 };

/* Signals that say that the launcher itself is broken. */
static const int fatal_signals[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
};

/* Async-signal-safe: tcsetattr() is. */
void console_close(void)
{
	if (atomic_exchange(&is_raw, false)) {
		int code = errno;

		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		log_raw(false);
		errno = code;
	}
}

static void on_fatal(int sig)
{
	static const char text[] = "\nhvctl: internal error, signal ";
	char number[4] = { (char)('0' + sig / 10), (char)('0' + sig % 10), '\n', 0 };
	ssize_t ignored;

	console_close();
	ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	ignored += write(STDERR_FILENO, number, 3);
	(void)ignored;
	/* SA_RESETHAND: the default action follows, with a core where allowed. */
	raise(sig);
}

static void set_raw(void)
{
	struct termios raw = saved;

	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return;
	atomic_store(&is_raw, true);
	log_raw(true);
}

void console_open(void)
{
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = SA_RESETHAND };
	unsigned int i;
	pid_t owner;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &sa, NULL);
	if (tcgetattr(STDIN_FILENO, &saved))
		return;
	/*
	 * In the background, the terminal belongs to somebody else.  A terminal
	 * that controls nobody (a console without job control) is free to take.
	 */
	owner = tcgetpgrp(STDIN_FILENO);
	if (owner > 0 && owner != getpgrp())
		return;
	terminal = true;
	atexit(console_close);
	set_raw();
}

void console_resume(void)
{
	if (terminal && !atomic_load(&is_raw))
		set_raw();
}

bool console_is_terminal(void)
{
	return terminal;
}

enum console_key console_key(u8 byte)
{
	if (!terminal)
		return CONSOLE_DATA;
	if (!escape) {
		escape = byte == CONSOLE_ESCAPE;
		return escape ? CONSOLE_NOTHING : CONSOLE_DATA;
	}
	escape = false;
	switch (byte) {
	case CONSOLE_ESCAPE:
		return CONSOLE_DATA;
	case 'q':
	case 'Q':
	case 'x':
		return CONSOLE_QUIT;
	case 's':
		return CONSOLE_STAT;
	case 'p':
		return CONSOLE_POWER;
	case 'r':
		return CONSOLE_RESET;
	case 'b':
		return CONSOLE_BREAK;
	}
	return CONSOLE_HELP;
}

/* Bytes taken by stdout; when it stops, only as many as go without waiting. */
static unsigned int write_some(const u8 *from, unsigned int len, bool stop)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t ret;

	/* A reader that does not read for a second has gone. */
	if (stop && poll(&fd, 1, 1000) != 1)
		return len;
	/* A blocking write of much would hide a stop for long. */
	ret = write(STDOUT_FILENO, from, len < 1024 ? len : 1024);
	if (ret > 0)
		return (unsigned int)ret;
	if (ret < 0 && errno == EINTR)
		return 0;
	if (ret < 0 && errno == EAGAIN) {
		poll(&fd, 1, 100);
		return 0;
	}
	return len;	/* nobody reads any more: the guest goes on */
}

static void gather(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GATHER_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!out.stop && out.count < GATHER)
		if (pthread_cond_clockwait(&out.some, &out.lock, CLOCK_MONOTONIC, &until))
			return;
}

/* History only needs its watchers told. */
static void tell_watchers(void)
{
	u64 one = 1;

	if (!out.news)
		return;
	out.news = false;
	if (write(history.fd, &one, sizeof(one)) < 0)
		return;		/* its count is full: they were told */
}

static void *write_out(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&out.lock);
	for (;;) {
		unsigned int len, head;
		bool stop;

		if (!out.count && !out.news) {
			if (out.stop)
				break;
			pthread_cond_wait(&out.some, &out.lock);
			continue;
		}
		gather();
		tell_watchers();
		if (!out.count)
			continue;
		head = out.head;
		stop = out.stop;
		len = out.count < OUT_SIZE - head ? out.count : OUT_SIZE - head;
		pthread_mutex_unlock(&out.lock);
		len = write_some(out.byte + head, len, stop);
		pthread_mutex_lock(&out.lock);
		out.head = (head + len) % OUT_SIZE;
		out.count -= len;
		if (out.full && out.count < OUT_SIZE / 2) {
			out.full = false;
			pthread_mutex_unlock(&out.lock);
			out.room(out.arg);
			pthread_mutex_lock(&out.lock);
		}
	}
	pthread_mutex_unlock(&out.lock);
	return NULL;
}

int console_start(void (*room)(void *arg), void *arg)
{
	int ret;

	pthread_mutex_lock(&out.lock);
	out.room = room;
	out.arg = arg;
	out.stop = false;
	pthread_mutex_unlock(&out.lock);
	/* One that nobody reads may be left from the guest before. */
	if (out.running)
		return 0;
	ret = pthread_create(&out.writer, NULL, write_out, NULL);
	out.running = !ret;
	return -ret;
}

/* A guest's last words reach a reader that is slow, too; one that is gone is not waited for. */
void console_stop(void)
{
	unsigned int left, before;

	if (!out.running)
		return;
	pthread_mutex_lock(&out.lock);
	out.stop = true;
	left = out.count;
	pthread_cond_signal(&out.some);
	pthread_mutex_unlock(&out.lock);
	do {
		/* A write that nobody reads ends after a second. */
		struct timespec limit = { .tv_sec = time(NULL) + 2 };

		if (!pthread_timedjoin_np(out.writer, NULL, &limit)) {
			out.running = false;
			return;
		}
		before = left;
		pthread_mutex_lock(&out.lock);
		left = out.count;
		pthread_mutex_unlock(&out.lock);
	} while (left < before);
	log_note("output was lost: nobody reads it");
}

bool console_put(u8 byte)
{
	bool idle, full;

	pthread_mutex_lock(&out.lock);
	idle = !out.count && !out.news;
	history.byte[history.head++ % HISTORY_SIZE] = byte;
	out.news |= history.watchers;
	if (!history.muted) {
		if (out.count < OUT_SIZE) {
			out.byte[(out.head + out.count) % OUT_SIZE] = byte;
			out.count++;
		}
		/* The transmitter's FIFO still goes in after it was told. */
		out.full |= out.count > OUT_SIZE - 256;
	}
	if ((idle && (out.count || out.news)) || out.count == GATHER)
		pthread_cond_signal(&out.some);
	full = out.full;
	pthread_mutex_unlock(&out.lock);
	return !full;
}

int console_history_open(bool mute)
{
	history.muted = mute;
	history.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return history.fd < 0 ? -errno : history.fd;
}

void console_watch(bool on)
{
	pthread_mutex_lock(&out.lock);
	history.watchers += on ? 1 : -1;
	pthread_mutex_unlock(&out.lock);
}

unsigned int console_history(u64 *pos, u8 *to, unsigned int room)
{
	unsigned int n;

	pthread_mutex_lock(&out.lock);
	if (history.head - *pos > HISTORY_SIZE)
		*pos = history.head - HISTORY_SIZE;
	for (n = 0; n < room && *pos < history.head; n++)
		to[n] = history.byte[(*pos)++ % HISTORY_SIZE];
	pthread_mutex_unlock(&out.lock);
	return n;
}

bool console_has_more(u64 pos)
{
	bool more;

	pthread_mutex_lock(&out.lock);
	more = pos < history.head;
	pthread_mutex_unlock(&out.lock);
	return more;
}

void console_help(void)
{
	log_note("keys: Ctrl-] q quit, Ctrl-] p power button, Ctrl-] r reset,");
	log_note("      Ctrl-] s statistics, Ctrl-] b break, Ctrl-] Ctrl-] sends Ctrl-]");
}
