// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual APIC of the hardware: which of its parts a vCPU uses in the mode
 * that its local APIC is in, what it is told before an entry, and the exits it
 * causes.  Called by the local APIC through hw.h, by event.c and the exit table.
 * It must not know a register's meaning: vlapic.c does.
 *
 * The hardware works on the very page that vlapic.c works on.  Without any of
 * its parts each access exits and nothing here is used.
 *
 * SDM: "APIC Virtualization and Virtual Interrupts".
 */
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"
#include "module/compat.h"

#define REG(offset)	BIT_ULL((offset) >> 4)

/*
 * Registers whose x2APIC MSR may be read from the page.  Not ICR, whose halves
 * the page has in two places, nor the timer's current count.
 */
#define READABLE	(REG(APIC_ID) | REG(APIC_LVR) | REG(APIC_TASKPRI) | REG(APIC_LDR) |	\
			 REG(APIC_SPIV) | GENMASK_ULL(0x27, 0x10) | REG(APIC_ESR) |		\
			 GENMASK_ULL(0x37, 0x32) | REG(APIC_TMICT) | REG(APIC_TDCR))

/* ---- modes ---- */

static void pass_msrs(struct vmx_vcpu *vmx, u64 readable, u64 writable)
{
	u32 reg;

	for (reg = 0; reg < 64; reg++) {
		vmcs_msr_intercept(vmx, APIC_BASE_MSR + reg, VMX_MSR_R, !(readable & BIT_ULL(reg)));
		vmcs_msr_intercept(vmx, APIC_BASE_MSR + reg, VMX_MSR_W, !(writable & BIT_ULL(reg)));
	}
}

static void pass_x2apic(struct vmx_vcpu *vmx, bool on)
{
	u64 readable = REG(APIC_TASKPRI), writable = REG(APIC_TASKPRI);

	if (!on) {
		pass_msrs(vmx, 0, 0);
		return;
	}
	if (vmx_has(HVMOD_FEATURE_APIC_REG))
		readable |= READABLE;
	if (vmx->vid) {
		writable |= REG(APIC_EOI) | REG(APIC_SELF_IPI);
		/* Only then the hardware keeps PPR up to date. */
		if (vmx_has(HVMOD_FEATURE_APIC_REG))
			readable |= REG(APIC_PROCPRI);
	}
	pass_msrs(vmx, readable, writable);
}

/*
 * All vCPUs share the EPT, and only those whose APIC's page is at the usual place
 * may find the page there: as soon as one is elsewhere none does, and accesses
 * are emulated.
 */
static void set_stray(struct vcpu *vcpu, bool stray)
{
	struct vmx_vm *v = vcpu->vm->arch.vmx;
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!v->apic_page || vmx->apic_stray == stray)
		return;
	write_lock(&vcpu->vm->mem.lock);
	vmx->apic_stray = stray;
	WRITE_ONCE(v->apic_strays, v->apic_strays + (stray ? 1 : -1));
	if (stray && v->apic_strays == 1 && arch_mmu_unmap(vcpu->vm, VMX_APIC_GFN, 1))
		arch_mmu_flush(vcpu->vm);
	write_unlock(&vcpu->vm->mem.lock);
}

bool vmx_apic_page_map(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool mapped = false;
	int idx;

	if (arch_mmu_prepare(vcpu))
		return false;
	idx = srcu_read_lock(&vm->mem.srcu);
	read_lock(&vm->mem.lock);
	/* A launcher's slot there hides the APIC, as it does without this page. */
	if (!vm->arch.vmx->apic_strays && !mem_slot_find(vm, VMX_APIC_GFN) &&
	    !mem_overlay_find(vm, VMX_APIC_GFN))
		mapped = !arch_mmu_map(vcpu, VMX_APIC_GFN, page_to_pfn(vm->arch.vmx->apic_page),
				       ARCH_MMU_4K, MEM_ACC_READ | MEM_ACC_WRITE);
	read_unlock(&vm->mem.lock);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return mapped;
}

static void set_posted(struct vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (on) {
		vmcs_write(POSTED_INTR_NV, COMPAT_POSTED_VECTOR);
		vmcs_write(POSTED_INTR_DESC_ADDR, __pa(vlapic_post_area(vcpu)));
	}
	if (vmx->posted == on)
		return;
	vmx->pin_ctl = on ? vmx->pin_ctl | PIN_BASED_POSTED_INTR :
			    vmx->pin_ctl & ~PIN_BASED_POSTED_INTR;
	vmcs_write(PIN_BASED_VM_EXEC_CONTROL, vmx->pin_ctl);
	WRITE_ONCE(vmx->posted, on);
}

void hw_apic_mode_changed(struct vcpu *vcpu)
{
	u64 base = vcpu->arch.apic_base, mode = base & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE);
	bool x2apic = mode == (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE);
	bool usual = mode == MSR_IA32_APICBASE_ENABLE &&
		     (base & GENMASK_ULL(51, 12)) == APIC_DEFAULT_PHYS_BASE;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool used;

	if (!vmx_has(HVMOD_FEATURE_TPR_SHADOW))
		return;
	vmx->apic_paged = usual && vmx_has(HVMOD_FEATURE_APIC_ACCESS);
	x2apic = x2apic && vmx_has(HVMOD_FEATURE_X2APIC_VIRT);
	used = vmx->apic_paged || x2apic;
	vmx->vid = used && vmx_has(HVMOD_FEATURE_VID);
	set_stray(vcpu, !usual);

	vmx_set_cpu2(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, vmx->apic_paged);
	vmx_set_cpu2(vmx, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, x2apic);
	vmx_set_cpu2(vmx, SECONDARY_EXEC_APIC_REGISTER_VIRT, used);
	vmx_set_cpu2(vmx, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, vmx->vid);
	vmcs_write(VIRTUAL_APIC_PAGE_ADDR, __pa(vlapic_page(vcpu)));
	if (vmx->apic_paged)
		vmcs_write(APIC_ACCESS_ADDR, PFN_PHYS(page_to_pfn(vcpu->vm->arch.vmx->apic_page)));
	vmcs_write(TPR_THRESHOLD, 0);
	vmx->tpr_threshold = 0;
	set_posted(vcpu, vmx->vid && vmx_has(HVMOD_FEATURE_POSTED_INTR));
	vlapic_assist(vcpu, vmx->vid);
	pass_x2apic(vmx, x2apic);
	/* SDM, "Operations that Invalidate Cached Mappings": a change of the page is none. */
	vmx->flush_gen = 0;
	vmx->flush_guest = true;
	vmx->irq_check = true;
}

/* ---- before an entry ---- */

static u8 or_zero(int vector)
{
	return vector < 0 ? 0 : vector;
}

/* RVI and SVI are the highest bits of IRR and ISR, but when somebody else set them. */
static void tell_vectors(struct vcpu *vcpu)
{
	u16 status = or_zero(vlapic_sync(vcpu)) | or_zero(vlapic_in_service(vcpu)) << 8;
	u64 tmr[4];

	if (status != vmcs_read(GUEST_INTR_STATUS))
		vmcs_write(GUEST_INTR_STATUS, status);
	if (!vlapic_take_tmr(vcpu, tmr))
		return;
	/* The IOAPIC waits for the end of those. */
	vmcs_write(EOI_EXIT_BITMAP0, tmr[0]);
	vmcs_write(EOI_EXIT_BITMAP1, tmr[1]);
	vmcs_write(EOI_EXIT_BITMAP2, tmr[2]);
	vmcs_write(EOI_EXIT_BITMAP3, tmr[3]);
}

void vmx_apic_prepare(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u8 threshold;

	if (vmx->vid) {
		tell_vectors(vcpu);
		return;
	}
	threshold = vlapic_tpr_threshold(vcpu);
	if (threshold == vmx->tpr_threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write(TPR_THRESHOLD, threshold);
}

void hw_irq_check(struct vcpu *vcpu)
{
	to_vmx(vcpu)->irq_check = true;
}

void hw_post_interrupt(struct vcpu *vcpu, bool sync)
{
	/*
	 * A CPU in the guest moves what was posted into IRR by itself.  One that is
	 * not looks before it enters; but this one may be on its way in already.
	 */
	if (!sync && READ_ONCE(to_vmx(vcpu)->posted) && vcpu_notify(vcpu, compat_send_posted))
		return;
	vcpu_request(vcpu, VCPU_REQ_EVENT);
}

/* ---- exits; all come after their instruction is done, but for APIC accesses ---- */

int exit_tpr_threshold(struct vcpu *vcpu)
{
	to_vmx(vcpu)->irq_check = true;
	return EXIT_RESUME;
}

int exit_apic_write(struct vcpu *vcpu)
{
	vlapic_written(vcpu, vmcs_read(EXIT_QUALIFICATION) & 0xfff);
	to_vmx(vcpu)->irq_check = true;
	return EXIT_RESUME;
}

int exit_eoi(struct vcpu *vcpu)
{
	vlapic_eoi_induced(vcpu, vmcs_read(EXIT_QUALIFICATION) & 0xff);
	return EXIT_RESUME;
}
