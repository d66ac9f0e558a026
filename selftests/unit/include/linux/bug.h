/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/bug.h> for pure files: a WARN fails the test. */
#ifndef HVMOD_UNIT_LINUX_BUG_H
#define HVMOD_UNIT_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>

#define WARN_ON(cond) ({						\
	bool _warn = !!(cond);						\
	if (_warn) {							\
		fprintf(stderr, "WARN %s:%d: %s\n", __FILE__, __LINE__, #cond); \
		abort();						\
	}								\
	_warn; })
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define WARN_ONCE(cond, ...)	WARN_ON(cond)
#define BUG_ON(cond)		((void)WARN_ON(cond))

#endif
