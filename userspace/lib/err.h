/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An error is a negative errno to act on and a sentence to print.  Functions
 * that can fail for more than one reason take a struct err and fill it in at
 * the place where the reason is known.  It must not print or end the program.
 */
#ifndef USERSPACE_LIB_ERR_H
#define USERSPACE_LIB_ERR_H

#include "userspace/lib/types.h"

/**
 * struct err - why something failed
 * @text: a sentence without a newline; it says the cause and, where there is
 *        one, the next step
 */
struct err {
	char text[512];
};

/**
 * err_set() - note a reason
 * @err:  where to, may be NULL
 * @code: a positive errno
 * @fmt:  printf format
 *
 * Return: -@code, so that a caller can write "return err_set(...)".
 */
int err_set(struct err *err, int code, const char *fmt, ...) __printf(3, 4);

#endif /* USERSPACE_LIB_ERR_H */
