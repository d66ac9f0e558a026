// SPDX-License-Identifier: GPL-2.0
/*
 * VMX root operation of each physical CPU: in, out, and out in a crash.  Called
 * by module/host.c for every CPU that is online, comes or goes.  It never fails
 * on the way out, whatever state the CPU is in.
 *
 * SDM: "VMXON - Enter VMX Operation", "VMXOFF - Leave VMX Operation".
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/gfp.h>
#include <linux/percpu.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpu);

const u32 vmx_user_msr_index[VMX_NR_USER_MSRS] = {
	[VMX_MSR_STAR] = MSR_STAR,
	[VMX_MSR_LSTAR] = MSR_LSTAR,
	[VMX_MSR_CSTAR] = MSR_CSTAR,
	[VMX_MSR_SFMASK] = MSR_SYSCALL_MASK,
	[VMX_MSR_TSC_AUX] = MSR_TSC_AUX,
};

int vmx_setup(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpu, cpu);

		INIT_LIST_HEAD(&c->vmcss);
		c->region = (void *)get_zeroed_page(GFP_KERNEL);
		if (!c->region) {
			vmx_teardown();
			return -ENOMEM;
		}
		*(u32 *)c->region = vmx_caps.revision;
	}
	return 0;
}

void vmx_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpu, cpu);

		free_page((unsigned long)c->region);
		c->region = NULL;
	}
}

static int enter_root(struct vmx_cpu *c)
{
	cr4_set_bits(X86_CR4_VMXE);
	if (vmx_vmxon(__pa(c->region))) {
		cr4_clear_bits(X86_CR4_VMXE);
		return -EIO;
	}
	/* Translations of an earlier life of this CPU in VMX. */
	vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
	c->current_vcpu = NULL;
	c->enabled = true;
	return 0;
}

static void leave_root(struct vmx_cpu *c)
{
	struct vmx_vcpu *vmx, *next;

	list_for_each_entry_safe(vmx, next, &c->vmcss, on_cpu)
		vmcs_clear_local(vmx);
	c->enabled = false;
	vmx_vmxoff();
	cr4_clear_bits(X86_CR4_VMXE);
}

/*
 * A CPU on its way offline has left VMX, and the scheduler moves its threads
 * away one by one, as each of them gets there once more.  A thread that does so
 * in the midst of HVMOD_VCPU_RUN needs its VMCS for that while.
 */
void vmx_cpu_borrow(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	lockdep_assert_irqs_disabled();
	if (c->leaving && !c->enabled && enter_root(c))
		pr_err("CPU %d: VMXON failed on the way offline\n", smp_processor_id());
}

void vmx_cpu_return(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	lockdep_assert_irqs_disabled();
	if (c->leaving && c->enabled)
		leave_root(c);
}

int arch_cpu_enable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);
	u64 feat;
	int i;

	c->leaving = false;
	if (c->enabled)
		return 0;
	/* A CPU that came online later may be locked differently. */
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat) || !(feat & FEAT_CTL_LOCKED) ||
	    !(feat & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("CPU %d: VMX is disabled by firmware\n", smp_processor_id());
		return -EACCES;
	}
	if (cr4_read_shadow() & X86_CR4_VMXE) {
		pr_err("CPU %d: another hypervisor holds VMX\n", smp_processor_id());
		return -EBUSY;
	}

	for (i = 0; i < VMX_NR_USER_MSRS; i++) {
		if (i == VMX_MSR_TSC_AUX && !boot_cpu_has(X86_FEATURE_RDTSCP))
			continue;
		rdmsrl(vmx_user_msr_index[i], c->host_msr[i]);
		c->loaded_msr[i] = c->host_msr[i];
	}
	if (enter_root(c)) {
		pr_err("CPU %d: VMXON failed\n", smp_processor_id());
		return -EIO;
	}
	return 0;
}

void arch_cpu_disable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	if (!c->enabled)
		return;
	c->leaving = true;
	leave_root(c);
}

void arch_cpu_crash(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);
	struct vmx_vcpu *vmx;

	c->leaving = false;
	if (!c->enabled)
		return;
	/* The list may be half changed: a bound instead of trust, no unlinking. */
	list_for_each_entry(vmx, &c->vmcss, on_cpu) {
		if (vmx_vmclear(vmx->vmcs_pa))
			break;
	}
	c->enabled = false;
	vmx_vmxoff();
	/* The kernel's CR4 shadow is of no use to a CPU that stops. */
	asm volatile("mov %0, %%cr4" : : "r" (__read_cr4() & ~X86_CR4_VMXE) : "memory");
}
