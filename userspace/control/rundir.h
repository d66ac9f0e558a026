/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directory with the control sockets of running guests: one of each user,
 * a socket of each guest with the guest's name.  The launcher claims a name in
 * it, the commands that act on guests look there.  It must trust no directory
 * that another user could have made.
 *
 * root: /run/hvmod; others: $XDG_RUNTIME_DIR/hvmod, or /tmp/hvmod-UID.
 */
#ifndef USERSPACE_CONTROL_RUNDIR_H
#define USERSPACE_CONTROL_RUNDIR_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

#define RUNDIR_MAX	96	/* characters of a path, with its zero */

/**
 * struct rundir - the directory
 * @path: where
 * @fd:   it, open
 */
struct rundir {
	char path[RUNDIR_MAX];
	int fd;
};

/**
 * rundir_open() - open it
 * @dir:  filled in; rundir_close() undoes it
 * @make: make it where it is not there
 * @err:  in words
 *
 * Return: 0; -ENOENT: not there; -EPERM: it is not ours alone; another errno.
 */
int rundir_open(struct rundir *dir, bool make, struct err *err);
void rundir_close(struct rundir *dir);

/**
 * rundir_claim() - be the guest of this name
 *
 * Return: a listening socket; -EEXIST: there is such a guest; another errno.
 * The socket stays when the process ends: whoever finds nobody behind it
 * removes it.
 */
int rundir_claim(struct rundir *dir, const char *name, struct err *err);

/**
 * rundir_connect() - speak to a guest
 *
 * Return: a connected socket; -ENOENT: no such guest (a socket with nobody
 * behind it was removed); another errno.
 */
int rundir_connect(struct rundir *dir, const char *name, struct err *err);

/**
 * rundir_list() - the names of sockets there, sorted
 * @names: malloc()ed array of malloc()ed names
 *
 * Return: how many, or a negative errno.
 */
int rundir_list(struct rundir *dir, char ***names, struct err *err);

/** rundir_file() - the path of a guest's file, such as its ".log". */
void rundir_file(const struct rundir *dir, const char *name, const char *ending, char *path,
		 size_t room);

#endif /* USERSPACE_CONTROL_RUNDIR_H */
