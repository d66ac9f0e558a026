// SPDX-License-Identifier: GPL-2.0
/*
 * Page-modification logging: the CPU notes each page whose dirty bit in EPT it
 * sets, and the notes are taken over into the log of dirty pages when a vCPU
 * leaves the guest or its buffer is full.  Called by enter.c, by the exit table
 * and by mem_slot.c through arch.h.  It never decides which page is logged: a
 * page is when its leaf in EPT is clean.
 *
 * SDM: "Page-Modification Logging".
 */
#include <linux/gfp.h>
#include <linux/smp.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

#define PML_ENTRIES	512

int vmx_pml_create(struct vmx_vcpu *vmx)
{
	if (!vmx_has(HVMOD_FEATURE_PML))
		return 0;
	vmx->pml = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vmx->pml ? 0 : -ENOMEM;
}

void vmx_pml_destroy(struct vmx_vcpu *vmx)
{
	free_page((unsigned long)vmx->pml);
	vmx->pml = NULL;
}

void vmx_pml_start(struct vmx_vcpu *vmx)
{
	if (!vmx->pml)
		return;
	vmcs_write(PML_ADDRESS, __pa(vmx->pml));
	vmcs_write(GUEST_PML_INDEX, PML_ENTRIES - 1);
}

/* The index is that of the next entry to write, from the end of the page down. */
void vmx_pml_flush(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u16 index = vmcs_read(GUEST_PML_INDEX);
	unsigned int i;

	if (index == PML_ENTRIES - 1)
		return;
	/* All are taken: it has gone below zero. */
	for (i = index < PML_ENTRIES ? index + 1 : 0; i < PML_ENTRIES; i++)
		mem_mark_dirty(vcpu->vm, vmx->pml[i] >> PAGE_SHIFT);
	vmcs_write(GUEST_PML_INDEX, PML_ENTRIES - 1);
}

int exit_pml_full(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);

	/* IRET unblocked NMIs and did not end: they are blocked still. */
	if ((qual & INTR_INFO_UNBLOCK_NMI) &&
	    !(to_vmx(vcpu)->vectoring & VECTORING_INFO_VALID_MASK))
		hw_set_nmi_blocked(vcpu, true);
	vmx_pml_flush(vcpu);
	return EXIT_RESUME;
}

bool arch_mmu_logs(struct vm *vm)
{
	return READ_ONCE(vm->arch.vmx->pml);
}

void arch_mmu_log_sync(struct vm *vm)
{
	struct vmx_vm *v = vm->arch.vmx;

	if (!READ_ONCE(v->pml_used))
		return;
	spin_lock(&v->lock);
	ept_interrupt(vm);
	spin_unlock(&v->lock);
}
