/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's short integer names and two small macros, for user space.
 * Every file of the launcher and of its unit tests includes it.  It must not
 * grow functions: those belong to the noun that they serve.
 */
#ifndef USERSPACE_LIB_TYPES_H
#define USERSPACE_LIB_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s64 s64;

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#ifndef __printf
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#endif

#ifndef BIT
#define BIT(n)		(1U << (n))
#endif
#ifndef BIT_ULL
#define BIT_ULL(n)	(1ULL << (n))
#endif

#define KIB		BIT_ULL(10)
#define MIB		BIT_ULL(20)
#define GIB		BIT_ULL(30)
#define TIB		BIT_ULL(40)
#define PAGE_BYTES	4096ULL

#endif /* USERSPACE_LIB_TYPES_H */
