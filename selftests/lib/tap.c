// SPDX-License-Identifier: GPL-2.0
/*
 * TAP lines and the exit status that they add up to.  Called by the host half
 * of every test.  It keeps no file but stdout.
 */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "hv.h"

static unsigned int tests;
static unsigned int failures;

static void head(void)
{
	if (tests++)
		return;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
}

bool tap_ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	head();
	if (!cond)
		failures++;
	printf("%sok %u - ", cond ? "" : "not ", tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return cond;
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void tap_skip(const char *fmt, ...)
{
	va_list ap;

	head();
	printf("ok %u # SKIP ", tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void tap_skip_all(const char *fmt, ...)
{
	va_list ap;

	printf("1..0 # SKIP ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(TAP_SKIP);
}

void tap_die(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(TAP_ERROR);
}

int tap_finish(void)
{
	printf("1..%u\n", tests);
	fflush(stdout);
	return failures ? TAP_FAIL : TAP_PASS;
}

bool tap_ioctl(int fd, unsigned long cmd, void *arg, int want, const char *name)
{
	int got = 0;

	if (ioctl(fd, cmd, arg) < 0)
		got = errno;
	if (tap_ok(got == want, "%s", name))
		return true;
	tap_note("got %d (%s), want %d (%s)", got, strerror(got), want, strerror(want));
	return false;
}
