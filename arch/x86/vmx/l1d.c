// SPDX-License-Identifier: GPL-2.0
/*
 * The level-1 data cache is emptied before an entry on CPUs with the L1 terminal
 * fault, when the host's kernel decided for it ("l1tf=" on its command line).
 * enter.c calls it.  It has no policy of its own.
 *
 * Kernel documentation: "L1TF - L1 Terminal Fault", "Mitigation mechanism".
 */
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "arch/x86/vmx/vmx.h"

#define L1D_ORDER	4	/* 64 KiB: twice the cache, for its replacement */

DEFINE_STATIC_KEY_FALSE(vmx_l1d_needed);
bool vmx_l1d_always __read_mostly;
static void *l1d_pages;

int vmx_l1d_setup(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF)
		return 0;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		l1d_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_ORDER);
		if (!l1d_pages)
			return -ENOMEM;
	}
	vmx_l1d_always = l1tf_mitigation >= L1TF_MITIGATION_FULL;
	static_branch_enable(&vmx_l1d_needed);
	return 0;
}

void vmx_l1d_teardown(void)
{
	free_pages((unsigned long)l1d_pages, L1D_ORDER);
}

/* A byte of each; unrolled, for a flush is a thousand of them. */
static __always_inline void read_16_lines(const u8 *p)
{
#define READ_LINE(n)	asm volatile("movzbl %0, %%eax" : : "m" (p[(n) * 64]) : "eax")
	READ_LINE(0); READ_LINE(1); READ_LINE(2); READ_LINE(3);
	READ_LINE(4); READ_LINE(5); READ_LINE(6); READ_LINE(7);
	READ_LINE(8); READ_LINE(9); READ_LINE(10); READ_LINE(11);
	READ_LINE(12); READ_LINE(13); READ_LINE(14); READ_LINE(15);
#undef READ_LINE
}

static noinline void flush_by_reading(void)
{
	unsigned long size = PAGE_SIZE << L1D_ORDER, i;

	/* First the TLB, so that the second round has no page walks in it. */
	for (i = 0; i < size; i += PAGE_SIZE)
		READ_ONCE(*(u8 *)(l1d_pages + i));
	(void)cpuid_eax(0);
	for (i = 0; i < size; i += 64 * 16)
		read_16_lines(l1d_pages + i);
	rmb(); /* the reads are done before the guest is entered */
}

void vmx_l1d_flush(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->flush_l1d = false;
	kvm_clear_cpu_l1tf_flush_l1d();
	if (l1d_pages)
		flush_by_reading();
	else
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}
