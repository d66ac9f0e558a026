/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The jail of the process that speaks to the host's network for a guest.
 * slirp.c calls it.  It must leave it sockets and the resolver's file, nothing
 * else.
 */
#ifndef USERSPACE_NET_SLIRP_H
#define USERSPACE_NET_SLIRP_H

#include "userspace/lib/err.h"

/**
 * slirp_jail() - a system call filter, and no files but /etc/resolv.conf
 *
 * Where the host's kernel has no Landlock, files can be opened for reading.
 *
 * Return: 0 or a negative errno.
 */
int slirp_jail(struct err *err);

#endif /* USERSPACE_NET_SLIRP_H */
