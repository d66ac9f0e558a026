/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The launcher's terminal: raw mode and its undoing, the escape key, output of
 * the guest's serial port.  The main thread owns it; vCPU threads call
 * console_put().  It must leave the terminal as it found it on every way out.
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
 * console_put() - a byte from the guest, to stdout
 *
 * Waits for a slow reader, until console_give_up().  Context: any thread.
 */
void console_put(u8 byte);

/** console_give_up() - the guest is being stopped: drop output instead of waiting. */
void console_give_up(bool on);

/** console_help() - print the keys. */
void console_help(void);

#endif /* USERSPACE_CONSOLE_H */
