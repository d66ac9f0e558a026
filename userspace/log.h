/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the launcher says: errors and notes on stderr, details with --debug, to
 * stderr or to the file of --log.  Any thread may call it.  It must be set up
 * before the jail closes, and it must not end the program.
 */
#ifndef USERSPACE_LOG_H
#define USERSPACE_LOG_H

#include "userspace/lib/err.h"

/**
 * log_open() - send all lines to a file as well
 * @path:  created or appended to; NULL: stderr only
 * @debug: let log_debug() speak
 * @err:   in words
 *
 * Return: 0 or a negative errno.
 */
int log_open(const char *path, bool debug, struct err *err);

/** log_debug_on() - is it worth making a text for log_debug()? */
bool log_debug_on(void);

/** log_error() - "hvctl: TEXT" on stderr and in the log. */
void log_error(const char *fmt, ...) __printf(1, 2);

/** log_note() - the same, for what is not an error. */
void log_note(const char *fmt, ...) __printf(1, 2);

/** log_debug() - to the log, or to stderr when there is none; with --debug. */
void log_debug(const char *fmt, ...) __printf(1, 2);

/** log_guest() - a byte that the guest wrote to a debug port. */
void log_guest(u8 byte);

/**
 * log_raw() - does the terminal need "\r\n"?
 * @raw: true while it is in raw mode
 */
void log_raw(bool raw);

#endif /* USERSPACE_LOG_H */
