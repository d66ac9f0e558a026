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
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/irq_vectors.h>

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

#ifdef POSTED_INTR_VECTOR
#define COMPAT_POSTED_VECTOR	POSTED_INTR_VECTOR
#else
#define COMPAT_POSTED_VECTOR	0
#endif

/*
 * The vector whose handler in the kernel does nothing: for a CPU that is in a guest
 * and takes posted interrupts with it.  False: the kernel has no such handler, or
 * enters its handlers in another way than through the IDT.
 */
static inline bool compat_can_post(void)
{
#if defined(X86_FEATURE_FRED)
	if (cpu_feature_enabled(X86_FEATURE_FRED))
		return false;
#endif
	return COMPAT_POSTED_VECTOR;
}

static inline void compat_send_posted(int cpu)
{
#if COMPAT_SINCE(6, 6)
	__apic_send_IPI_mask(cpumask_of(cpu), COMPAT_POSTED_VECTOR);
#else
	apic->send_IPI_mask(cpumask_of(cpu), COMPAT_POSTED_VECTOR);
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

/*
 * A crash or an emergency reboot: cb is called on every CPU, in NMI context or
 * with interrupts off.  It came with 6.18 and with stable updates (Kbuild asks
 * the headers); where a kernel lacks it, CPUs stop in VMX root, as they are.
 */
#if defined(COMPAT_HAS_EMERGENCY)
#define compat_register_emergency(cb)	cpu_emergency_register_virt_callback(cb)
#define compat_unregister_emergency(cb)	cpu_emergency_unregister_virt_callback(cb)
#else
#define compat_register_emergency(cb)	((void)(cb))
#define compat_unregister_emergency(cb)	((void)(cb))
#endif

/* 6.10 took the second argument of __assign_str() away. */
#if COMPAT_SINCE(6, 10)
#define hvmod_assign_str(dst, src)	__assign_str(dst)
#else
#define hvmod_assign_str(dst, src)	__assign_str(dst, src)
#endif

/* asm/vmx.h renamed it. */
#if COMPAT_SINCE(6, 9)
#define COMPAT_EXEC_XSAVES	SECONDARY_EXEC_ENABLE_XSAVES
#else
#define COMPAT_EXEC_XSAVES	SECONDARY_EXEC_XSAVES
#endif

#endif /* MODULE_COMPAT_H */
