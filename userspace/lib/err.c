// SPDX-License-Identifier: GPL-2.0
/*
 * The one function that writes an error's sentence.  Everything in user space
 * calls it where a reason is known.  It must not print or end the program.
 */
#include <stdarg.h>
#include <stdio.h>

#include "userspace/lib/err.h"

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return -code;
}
