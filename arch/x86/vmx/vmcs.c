// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's VMCS: made, filled with what never changes, moved between physical
 * CPUs, given back.  Called by arch_vcpu_init(), arch_vcpu_load() and by cpu.c
 * when a CPU leaves VMX.  It decides nothing about the guest.
 *
 * SDM: "Virtual Machine Control Structures".
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/gfp.h>
#include <linux/idr.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

static DEFINE_IDA(vmx_vpids);

void vmcs_clear_local(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	lockdep_assert_irqs_disabled();
	vmx_vmclear(vmx->vmcs_pa);
	if (c->current_vcpu == vmx->vcpu)
		c->current_vcpu = NULL;
	list_del_init(&vmx->on_cpu);
	vmx->launched = false;
	/* After the list: whoever sees -1 may make it active elsewhere. */
	smp_store_release(&vmx->vmcs_cpu, -1);
}

static void clear_remote(void *arg)
{
	struct vmx_vcpu *vmx = arg;

	/* The CPU may have left VMX, and cleared it, before this call came. */
	if (vmx->vmcs_cpu == smp_processor_id())
		vmcs_clear_local(vmx);
}

static void clear_anywhere(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->vmcs_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_remote, vmx, 1);
}

/* What of the host depends on the physical CPU. */
static void write_cpu_state(int cpu)
{
	struct desc_ptr gdt;
	u64 value;

	vmcs_write(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	native_store_gdt(&gdt);
	vmcs_write(HOST_GDTR_BASE, gdt.address);
	rdmsrl(MSR_GS_BASE, value);
	vmcs_write(HOST_GS_BASE, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write(HOST_IA32_SYSENTER_ESP, value);
}

void vmcs_load(struct vcpu *vcpu, int cpu)
{
	struct vmx_cpu *c = per_cpu_ptr(&vmx_cpu, cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long flags;
	bool moved = vmx->vmcs_cpu != cpu;

	if (moved)
		clear_anywhere(vmx);

	local_irq_save(flags);
	if (unlikely(!c->enabled)) {
		vmx_cpu_borrow();
		/* A reboot took VMX away: no entry will succeed, nor do harm. */
		if (!c->enabled) {
			local_irq_restore(flags);
			return;
		}
	}
	if (moved) {
		/* The first time, too. */
		vmx_vmclear(vmx->vmcs_pa);
		list_add(&vmx->on_cpu, &c->vmcss);
		vmx->vmcs_cpu = cpu;
	}
	if (c->current_vcpu != vcpu) {
		vmx_vmptrld(vmx->vmcs_pa);
		c->current_vcpu = vcpu;
		indirect_branch_prediction_barrier();
	}
	local_irq_restore(flags);

	if (moved) {
		write_cpu_state(cpu);
		/* This CPU may keep translations of an earlier visit. */
		vmx->flush_guest = true;
		vmx->flush_gen = 0;
	}
}

void vmcs_put(struct vcpu *vcpu)
{
	unsigned long flags;

	if (likely(!this_cpu_read(vmx_cpu.leaving)))
		return;
	local_irq_save(flags);
	vmx_cpu_return();
	local_irq_restore(flags);
}

void vmcs_msr_intercept(struct vmx_vcpu *vmx, u32 index, unsigned int what, bool on)
{
	unsigned int low = index & 0x1fff;
	unsigned long *map = vmx->msr_bitmap;

	if (index >= 0xc0000000)
		low += 0x400 * 8;
	if (what & VMX_MSR_R)
		__assign_bit(low, map, on);
	if (what & VMX_MSR_W)
		__assign_bit(low + 0x800 * 8, map, on);
}

static void init_msr_bitmap(struct vmx_vcpu *vmx)
{
	static const u32 free_rw[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	};
	int i;

	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(free_rw); i++)
		vmcs_msr_intercept(vmx, free_rw[i], VMX_MSR_RW, false);
	/* Offset and scaling apply to RDMSR of it, too. */
	vmcs_msr_intercept(vmx, MSR_IA32_TSC, VMX_MSR_R, false);
}

static void write_controls(struct vmx_vcpu *vmx)
{
	vmx->cpu_ctl = vmx_caps.cpu;
	vmx->cpu2_ctl = vmx_caps.cpu2;
	vmx->entry_ctl = vmx_caps.entry & ~VM_ENTRY_IA32E_MODE;

	vmx->pin_ctl = vmx_caps.pin;
	vmcs_write(PIN_BASED_VM_EXEC_CONTROL, vmx->pin_ctl);
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL, vmx->cpu_ctl);
	vmcs_write(SECONDARY_VM_EXEC_CONTROL, vmx->cpu2_ctl);
	vmcs_write(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write(VM_ENTRY_CONTROLS, vmx->entry_ctl);
	vmcs_write(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write(CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	vmx->eptp = vmx->vcpu->vm->arch.vmx->eptp;
	vmcs_write(EPT_POINTER, vmx->eptp);
	vmx_pml_start(vmx);
	vmcs_write(MSR_BITMAP, __pa(vmx->msr_bitmap));
	vmcs_write(TSC_OFFSET, 0);
	if (vmx_has(HVMOD_FEATURE_PREEMPT_TIMER))
		vmcs_write(VMX_PREEMPTION_TIMER_VALUE, U32_MAX);
	if (vmx_has(HVMOD_FEATURE_TSC_SCALING))
		vmcs_write(TSC_MULTIPLIER, BIT_ULL(48));
	if (vmx_has(HVMOD_FEATURE_PLE)) {
		vmcs_write(PLE_GAP, 128);
		vmcs_write(PLE_WINDOW, 4096);
	}
	if (vmx_has(HVMOD_FEATURE_XSAVES))
		vmcs_write(XSS_EXIT_BITMAP, 0);
	/*
	 * #DB and #AC can be raised for ever while they are delivered, #MC is
	 * the host's.
	 */
	vmx->exception_bitmap = BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC);
	vmcs_write(EXCEPTION_BITMAP, vmx->exception_bitmap);
}

static void write_host(struct vmx_vcpu *vmx)
{
	struct desc_ptr idt;
	u64 value;

	vmcs_write(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmx->host_cr3 = __read_cr3();
	vmcs_write(HOST_CR3, vmx->host_cr3);
	vmx->host_cr4 = cr4_read_shadow();
	vmcs_write(HOST_CR4, vmx->host_cr4);
	vmcs_write(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write(HOST_DS_SELECTOR, 0);
	vmcs_write(HOST_ES_SELECTOR, 0);
	vmcs_write(HOST_FS_SELECTOR, 0);
	vmcs_write(HOST_GS_SELECTOR, 0);
	vmcs_write(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_write(HOST_FS_BASE, 0);
	vmx->host_fs_base = 0;
	store_idt(&idt);
	vmcs_write(HOST_IDTR_BASE, idt.address);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write(HOST_IA32_SYSENTER_CS, (u32)value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_write(HOST_IA32_SYSENTER_EIP, value);
	rdmsrl(MSR_EFER, value);
	vmcs_write(HOST_IA32_EFER, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write(HOST_IA32_PAT, value);
	vmcs_write(HOST_RIP, (unsigned long)vmx_exit_point);
	vmx->host_rsp = 0;
}

int vmcs_create(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx;
	int vpid;

	vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);
	if (!vmx)
		return -ENOMEM;
	vcpu->arch.vmx = vmx;
	vmx->vcpu = vcpu;
	vmx->vmcs_cpu = -1;
	vmx->irq_check = true;
	INIT_LIST_HEAD(&vmx->on_cpu);

	vpid = ida_alloc_range(&vmx_vpids, 1, 0xffff, GFP_KERNEL);
	if (vpid < 0)
		goto nomem;
	vmx->vpid = vpid;
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vmx->msr_bitmap = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs || !vmx->msr_bitmap || vmx_pml_create(vmx))
		goto nomem;
	vmx->vmcs_pa = __pa(vmx->vmcs);
	*(u32 *)vmx->vmcs = vmx_caps.revision;
	init_msr_bitmap(vmx);

	preempt_disable();
	vmcs_load(vcpu, smp_processor_id());
	write_controls(vmx);
	write_host(vmx);
	vmcs_put(vcpu);
	preempt_enable();
	return 0;

nomem:
	vmcs_destroy(vcpu);
	return -ENOMEM;
}

void vmcs_destroy(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx)
		return;
	clear_anywhere(vmx);
	if (vmx->vpid)
		ida_free(&vmx_vpids, vmx->vpid);
	vmx_pml_destroy(vmx);
	free_page((unsigned long)vmx->msr_bitmap);
	free_page((unsigned long)vmx->vmcs);
	kfree(vmx);
	vcpu->arch.vmx = NULL;
}
