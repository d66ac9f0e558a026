/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels that hvmod builds for, Linux 6.1 to
 * 6.12, behind a name of its own with the newer kernel's meaning.  Any file may
 * include it.  It holds no policy and no state.
 */
#ifndef MODULE_COMPAT_H
#define MODULE_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/version.h>

#define COMPAT_SINCE(major, minor)	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/* An IPI that does nothing but interrupt the CPU. */
static inline void compat_send_reschedule(int cpu)
{
#if COMPAT_SINCE(6, 4)
	arch_smp_send_reschedule(cpu);
#else
	smp_send_reschedule(cpu);
#endif
}

static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if COMPAT_SINCE(6, 8)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

static inline void compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if COMPAT_SINCE(6, 3)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*fn)(struct hrtimer *timer),
					clockid_t clock, enum hrtimer_mode mode)
{
#if COMPAT_SINCE(6, 13)
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

#endif /* MODULE_COMPAT_H */
