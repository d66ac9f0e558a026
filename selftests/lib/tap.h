/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP output and the exit status of a test program.  Every test program includes
 * it, most by hv.h.  It knows nothing of a hypervisor.
 */
#ifndef SELFTESTS_LIB_TAP_H
#define SELFTESTS_LIB_TAP_H

#include <stdbool.h>

/* Exit status of a test program. */
#define TAP_PASS	0
#define TAP_FAIL	1
#define TAP_ERROR	2	/* the test itself broke */
#define TAP_SKIP	4

/* One result line.  Returns cond. */
__attribute__((format(printf, 2, 3)))
bool tap_ok(bool cond, const char *fmt, ...);
/* A line of explanation. */
__attribute__((format(printf, 1, 2)))
void tap_note(const char *fmt, ...);
/* One skipped result. */
__attribute__((format(printf, 1, 2)))
void tap_skip(const char *fmt, ...);
/* The whole program is skipped, broken: does not return. */
__attribute__((format(printf, 1, 2), noreturn))
void tap_skip_all(const char *fmt, ...);
__attribute__((format(printf, 1, 2), noreturn))
void tap_die(const char *fmt, ...);
/* Prints the plan; return it from main(). */
int tap_finish(void);

/* A result with the two values that differ. */
#define tap_eq(got, want, name) ({					\
	long long got_ = (long long)(got), want_ = (long long)(want);	\
	bool same_ = tap_ok(got_ == want_, "%s", (name));		\
	if (!same_)							\
		tap_note("%s:%d: got %lld (%#llx), want %lld (%#llx)",	\
			 __FILE__, __LINE__, got_, got_, want_, want_);	\
	same_;								\
})

/* An ioctl that must give this errno (0: must succeed). */
bool tap_ioctl(int fd, unsigned long cmd, void *arg, int want, const char *name);

/* Something the test needs and does not test. */
#define hv_need(cond) do {						\
	if (!(cond))							\
		tap_die("%s:%d: %s: %m", __FILE__, __LINE__, #cond);	\
} while (0)

#endif /* SELFTESTS_LIB_TAP_H */
