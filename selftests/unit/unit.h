/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What unit tests share: a TAP line for each result, the exit status they add up
 * to, and numbers that are the same in each run.  Tests include it behind the
 * headers of their subject, which define u64.
 */
#ifndef SELFTESTS_UNIT_UNIT_H
#define SELFTESTS_UNIT_UNIT_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int tests, failed;

static inline void result(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, name);
	if (!ok)
		failed++;
}

/* The plan; return it from main(). */
static inline int finish(void)
{
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}

/* Xorshift, of a state that is not 0. */
static inline u64 rng_of(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static u64 rng_state = 0x9e3779b97f4a7c15ULL;

static inline u64 rng(void)
{
	return rng_of(&rng_state);
}

#endif /* SELFTESTS_UNIT_UNIT_H */
