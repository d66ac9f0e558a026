/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The launcher's terminal: raw mode and its undoing, the escape key, output of
 * the guest's console and the last of it for those who attach.  The main thread
 * owns it; vCPU threads call console_put().  It must leave the terminal as it
 * found it on every way out.
 */
#ifndef USERSPACE_CONSOLE_H
#define USERSPACE_CONSOLE_H

#include "userspace/lib/types.h"

#define CONSOLE_ESCAPE	0x1d	/* Ctrl-] */

/** enum console_key - what a typed byte means */
enum console_key {
	CONSOLE_DATA,		/* for the guest */
	CONSOLE_NOTHING,	/* first half of an escape */
	CONSOLE_QUIT,
	CONSOLE_HELP,
	CONSOLE_STAT,
	CONSOLE_POWER,
	CONSOLE_RESET,
	CONSOLE_BREAK,
};

/**
 * console_open() - raw mode if stdin is our terminal, else nothing
 *
 * Also sets handlers for signals that mean a crash of the launcher.
 */
void console_open(void);

/** console_close() - undo it; may be called often, from any thread and signal. */
void console_close(void);

/** console_resume() - raw mode again after the process was stopped. */
void console_resume(void);

/** console_is_terminal() - was raw mode set? */
bool console_is_terminal(void);

/** console_key() - sort a byte from stdin. Context: one thread. */
enum console_key console_key(u8 byte);

/**
 * console_start() - start the thread that writes to stdout
 * @room: called in that thread when console_put() would have room again
 * @arg:  its argument
 *
 * Return: 0, or a negative errno.
 */
int console_start(void (*room)(void *arg), void *arg);

/** console_stop() - what is queued goes out, as far as anybody reads; the thread ends. */
void console_stop(void);

/**
 * console_put() - a byte from the guest, to stdout
 *
 * Never waits: a slow reader must not stop a vCPU.  Return: false when the
 * queue is full now; what is put before @room is called is lost, as on a wire
 * without flow control.  Context: any thread.
 */
bool console_put(u8 byte);

/**
 * console_history_open() - once, before the first guest starts
 * @mute: nothing goes to stdout, there is the history only
 *
 * Return: an eventfd that is signalled when there is more for watchers, or a
 * negative errno.
 */
int console_history_open(bool mute);

/** console_watch() - one watcher more or less. */
void console_watch(bool on);

/**
 * console_history() - read what the guest wrote
 * @pos:  (INOUT) how far its reader is, 0 for all that is kept; what was kept
 *        no longer is skipped
 * @to:   where to
 * @room: bytes at most
 *
 * Return: bytes.  Context: any thread.
 */
unsigned int console_history(u64 *pos, u8 *to, unsigned int room);

/** console_has_more() - is there something behind @pos? */
bool console_has_more(u64 pos);

/** console_help() - print the keys. */
void console_help(void);

#endif /* USERSPACE_CONSOLE_H */
