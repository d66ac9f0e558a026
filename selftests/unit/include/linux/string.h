/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/string.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_STRING_H
#define HVMOD_UNIT_LINUX_STRING_H

#include <string.h>

#endif
