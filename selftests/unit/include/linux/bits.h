/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/bits.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_BITS_H
#define HVMOD_UNIT_LINUX_BITS_H

#define BITS_PER_LONG		64
#define BITS_PER_BYTE		8
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))

#endif
