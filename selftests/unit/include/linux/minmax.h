/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/minmax.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_MINMAX_H
#define HVMOD_UNIT_LINUX_MINMAX_H

#define hvmod_unit_cmp(a, b, op) \
	({ typeof(a) _a = (a); typeof(b) _b = (b); _a op _b ? _a : _b; })

#ifndef min
#define min(a, b)	hvmod_unit_cmp(a, b, <)
#define max(a, b)	hvmod_unit_cmp(a, b, >)
#endif
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(val, lo, hi)	min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi) clamp((type)(val), (type)(lo), (type)(hi))
#define swap(a, b) \
	do { typeof(a) _t = (a); (a) = (b); (b) = _t; } while (0)

#endif
