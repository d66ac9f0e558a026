/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/bitops.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_BITOPS_H
#define HVMOD_UNIT_LINUX_BITOPS_H

#include <linux/types.h>
#include <linux/bits.h>

static inline unsigned int hweight64(u64 w)
{
	return __builtin_popcountll(w);
}

static inline unsigned int hweight32(u32 w)
{
	return __builtin_popcount(w);
}

static inline unsigned int hweight8(u8 w)
{
	return __builtin_popcount(w);
}

static inline unsigned long __ffs(unsigned long w)
{
	return __builtin_ctzl(w);
}

static inline unsigned long __fls(unsigned long w)
{
	return BITS_PER_LONG - 1 - __builtin_clzl(w);
}

static inline int fls(unsigned int w)
{
	return w ? 32 - __builtin_clz(w) : 0;
}

static inline int fls64(u64 w)
{
	return w ? 64 - __builtin_clzll(w) : 0;
}

static inline s64 sign_extend64(u64 value, int index)
{
	u8 shift = 63 - index;

	return (s64)(value << shift) >> shift;
}

static inline s32 sign_extend32(u32 value, int index)
{
	u8 shift = 31 - index;

	return (s32)(value << shift) >> shift;
}

static inline u64 rol64(u64 w, unsigned int n)
{
	return (w << (n & 63)) | (w >> ((-n) & 63));
}

static inline u64 ror64(u64 w, unsigned int n)
{
	return (w >> (n & 63)) | (w << ((-n) & 63));
}

/* The non-atomic bitmap functions; the atomic ones have no place in pure code. */
static inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[nr / BITS_PER_LONG] |= BIT(nr % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[nr / BITS_PER_LONG] &= ~BIT(nr % BITS_PER_LONG);
}

static inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return addr[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

#endif
