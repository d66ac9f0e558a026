/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/build_bug.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_BUILD_BUG_H
#define HVMOD_UNIT_LINUX_BUILD_BUG_H

#include <assert.h>

#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#undef static_assert
#define static_assert(expr, ...) _Static_assert(expr, #expr)

#endif
