/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of hvctl and what they share: exit statuses and the parsing of
 * sizes and numbers.  main.c calls the commands from a table.  A command must
 * name each wrong argument and return EXIT_USAGE for it.
 */
#ifndef USERSPACE_CMD_H
#define USERSPACE_CMD_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

#define HVCTL_VERSION	"0.1"

/* Exit statuses; Documentation/hvctl.8 promises them. */
enum {
	HVCTL_OK = 0,		/* the guest switched itself off; all checks passed */
	HVCTL_ERROR = 1,	/* the host or hvctl could not go on */
	HVCTL_USAGE = 2,	/* wrong arguments */
	HVCTL_REBOOT = 3,	/* the guest reboots, with --no-reboot */
	HVCTL_CRASH = 4,	/* the guest cannot go on */
	HVCTL_STOPPED = 5,	/* the user or a signal stopped it */
};

/**
 * parse_size() - a size with a unit, such as 512M, 5G, 1T, 4096K
 * @text: all of it must be the size
 * @size: bytes
 * @err:  what is wrong with it
 *
 * Return: 0, -EINVAL, -ERANGE.
 */
int parse_size(const char *text, u64 *size, struct err *err);

/** parse_number() - a decimal number from @min to @max. Return: as above. */
int parse_number(const char *text, u32 min, u32 max, u32 *value, struct err *err);

/* Commands: argv[0] is the command's name.  Return: an exit status. */
int cmd_run(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_action(int argc, char **argv);	/* destroy, shutdown, pause, ... */
int cmd_xenstore(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_check(int argc, char **argv);

/**
 * console_attach() - be a running guest's console until it ends or Ctrl-] is typed
 *
 * Prints what went wrong.  Return: an exit status.
 */
int console_attach(const char *name);

#endif /* USERSPACE_CMD_H */
