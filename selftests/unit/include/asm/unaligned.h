/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's <asm/unaligned.h> for pure files compiled in user space. */
#ifndef HVMOD_UNIT_ASM_UNALIGNED_H
#define HVMOD_UNIT_ASM_UNALIGNED_H

#define get_unaligned(p) ({						\
	const struct { typeof(*(p)) x; } __attribute__((packed)) *_p =	\
		(const void *)(p);					\
	_p->x; })
#define put_unaligned(v, p) do {					\
	struct { typeof(*(p)) x; } __attribute__((packed)) *_p =	\
		(void *)(p);						\
	_p->x = (v);							\
} while (0)

#endif
