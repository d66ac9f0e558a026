/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <linux/compiler.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_LINUX_COMPILER_H
#define HVMOD_UNIT_LINUX_COMPILER_H

#include <linux/types.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#ifndef __always_unused
#define __always_unused	__attribute__((__unused__))
#define __maybe_unused	__attribute__((__unused__))
#endif
#ifndef noinline
#define noinline	__attribute__((__noinline__))
#endif
#define barrier()	__asm__ __volatile__("" ::: "memory")
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#ifndef fallthrough
#define fallthrough	__attribute__((__fallthrough__))
#endif

#endif
