// SPDX-License-Identifier: GPL-2.0
/*
 * Strict parsing of what stands on the command line.  The commands call it.
 * It must not accept a text that a reader could take for something else.
 */
#include <errno.h>
#include <string.h>

#include "userspace/cmd.h"

static int digits(const char **text, u64 max, u64 *value)
{
	const char *p = *text;
	u64 v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (max - (u64)(*p - '0')) / 10)
			return -ERANGE;
		v = v * 10 + (u64)(*p - '0');
	}
	*text = p;
	*value = v;
	return 0;
}

int parse_size(const char *text, u64 *size, struct err *err)
{
	static const char units[] = "KMGT";
	const char *p = text, *unit;
	unsigned int shift;
	u64 v = 0;
	int ret;

	ret = digits(&p, 1ULL << 62, &v);
	if (ret == -ERANGE)
		return err_set(err, ERANGE, "the size '%.64s' is too large", text);
	if (ret || !*p || p[1] || !strchr(units, *p & ~0x20))
		return err_set(err, EINVAL,
			       "'%.64s' is not a size: a number and K, M, G or T, such as 512M",
			       text);
	unit = strchr(units, *p & ~0x20);
	shift = 10 * (unsigned int)(unit - units + 1);
	if (v > BIT_ULL(62) >> shift)
		return err_set(err, ERANGE, "the size '%.64s' is too large", text);
	*size = v << shift;
	return 0;
}

int parse_number(const char *text, u32 min, u32 max, u32 *value, struct err *err)
{
	const char *p = text;
	u64 v = 0;
	int ret;

	ret = digits(&p, 1ULL << 32, &v);
	if (ret == -EINVAL || (!ret && *p))
		return err_set(err, EINVAL, "'%.64s' is not a number", text);
	if (ret || v < min || v > max)
		return err_set(err, ERANGE, "'%.64s' is not between %u and %u", text, min, max);
	*value = (u32)v;
	return 0;
}
