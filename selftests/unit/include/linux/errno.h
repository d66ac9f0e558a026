/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/errno.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_ERRNO_H
#define HVMOD_UNIT_LINUX_ERRNO_H

#include_next <linux/errno.h>

#endif
