// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's terminal.  The main thread opens and closes it and reads it,
 * vCPU threads write to it.  It must restore the terminal on every way out: a
 * return from main(), exit(), a fatal signal in any thread.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "userspace/console.h"
#include "userspace/log.h"

static struct termios saved;
static atomic_bool is_raw;
static bool terminal;
static atomic_bool give_up;
static bool escape;

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

void console_give_up(bool on)
{
	atomic_store(&give_up, on);
}

void console_put(u8 byte)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	for (;;) {
		/* Terminals and pipes may block: not for longer than we live. */
		if (atomic_load(&give_up) && poll(&out, 1, 0) != 1)
			return;
		if (write(STDOUT_FILENO, &byte, 1) == 1)
			return;
		if (errno == EAGAIN)
			poll(&out, 1, 100);
		else if (errno != EINTR)
			return;	/* nobody reads any more: the guest goes on */
	}
}

void console_help(void)
{
	log_note("keys: Ctrl-] q quit, Ctrl-] p power button, Ctrl-] r reset,");
	log_note("      Ctrl-] s statistics, Ctrl-] b break, Ctrl-] Ctrl-] sends Ctrl-]");
}
