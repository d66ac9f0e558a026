/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The jail: after set-up the launcher can call nothing but what a running guest
 * and the ways out need.  launch.c calls it before the first vCPU thread.  It
 * must not close a way out: what is refused fails with EPERM, it does not kill.
 */
#ifndef USERSPACE_JAIL_H
#define USERSPACE_JAIL_H

#include "userspace/lib/err.h"

/* What a guest's devices need besides; bits of jail_enter() */
#define JAIL_TAP	(1U << 0)	/* offloads and queues of a tap device */
#define JAIL_URING	(1U << 1)	/* rings that are open and restricted already */
#define JAIL_DISK	(1U << 2)	/* what threads do with open files in their place */

/**
 * jail_enter() - no new privileges, and a system call filter
 * @needs: JAIL_* bits
 * @err:   in words
 *
 * Return: 0 or a negative errno with the reason.
 * Context: before other threads exist: they inherit it.
 */
int jail_enter(u32 needs, struct err *err);

#endif /* USERSPACE_JAIL_H */
