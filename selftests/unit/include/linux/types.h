/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's <linux/types.h> for pure files compiled in user space.
 * Included by them through -I selftests/unit/include.
 * It must not define anything the kernel does not.
 */
#ifndef HVMOD_UNIT_LINUX_TYPES_H
#define HVMOD_UNIT_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef u64 phys_addr_t;
typedef u64 gfn_t;

#ifndef __user
#define __user
#define __iomem
#define __percpu
#define __rcu
#define __force
#define __must_check	__attribute__((__warn_unused_result__))
#endif

#endif
