/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One guest: what to start and how to run it.  cmd_run.c fills it in from
 * options, cmd_create.c from a configuration file, and both call
 * launch_guest().  It must not know where a value came from.
 */
#ifndef USERSPACE_LAUNCH_H
#define USERSPACE_LAUNCH_H

#include "userspace/machine.h"

#define LAUNCH_MEMORY		(512 * MIB)	/* unless told */
#define LAUNCH_MEMORY_MIN	(2 * MIB)
#define LAUNCH_MEMORY_MAX	(TIB - GIB)

/** enum launch_action - what follows when a guest ended by itself */
enum launch_action {
	LAUNCH_DESTROY,		/* nothing: the process ends */
	LAUNCH_RESTART,		/* the same guest once more */
	LAUNCH_PRESERVE,	/* it stays to be looked at, until it is destroyed */
};

/**
 * struct launch - a guest to start
 * @config:    the machine; launch_guest() fills in config.files
 * @kernel:    path
 * @initrd:    path or NULL
 * @append:    kernel parameters or NULL
 * @text:      owns what @append points at, or NULL
 * @log:       file for messages or NULL
 * @debug:     tell details
 * @on_poweroff: when it switched itself off
 * @on_reboot: when it asks for a reboot
 * @on_crash:  when it cannot go on
 * @on_watchdog: when its watchdog was not fed
 * @named:     the user chose config.name: it must be free
 * @daemon:    in a process of its own, without a terminal
 * @paused:    it starts paused
 * @no_jail:   no system call filter
 * @stat:      print counters at the end
 * @signals:   signalfd; launch_guest()'s
 * @input:     stdin is open; launch_guest()'s
 * @ready:     pipe to who waits for the guest's start; launch_guest()'s
 * @null:      /dev/null; launch_guest()'s
 * @own_log:   @log is begun anew; launch_guest()'s
 */
struct launch {
	struct machine_config config;
	const char *kernel;
	const char *initrd;
	const char *append;
	char *text;
	const char *log;
	bool debug;
	enum launch_action on_poweroff;
	enum launch_action on_reboot;
	enum launch_action on_crash;
	enum launch_action on_watchdog;
	bool named;
	bool daemon;
	bool paused;
	bool no_jail;
	bool stat;
	int signals;
	bool input;
	int ready;
	int null;
	bool own_log;
};

/** launch_init() - the values of a guest of which nothing is said. */
void launch_init(struct launch *launch);

/** launch_free() - free what it owns: disks, interfaces, @text. */
void launch_free(struct launch *launch);

/**
 * launch_guest() - run it until it ends, or, of a daemon, until it started
 *
 * Prints what went wrong.  Return: HVCTL_* exit status.
 */
int launch_guest(struct launch *launch);

#endif /* USERSPACE_LAUNCH_H */
