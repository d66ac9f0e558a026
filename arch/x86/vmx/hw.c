// SPDX-License-Identifier: GPL-2.0
/*
 * The VMX side of arch/x86/hw.h: guest registers that live in the VMCS.  Called
 * by shared x86 code with the VMCS loaded.  It validates nothing: values come
 * from cr.c, msr.c and state.c, which did.
 *
 * SDM: "Guest-State Area", "Guest/Host Masks and Read Shadows for CR0 and CR4".
 */
#include <linux/bitops.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/compat.h"

/* The guest changes these by itself; all others exit. */
#define CR0_OWNED	(X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_WP | X86_CR0_AM)
#define CR4_OWNED	(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PGE | X86_CR4_OSFXSR | \
			 X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

struct seg_fields {
	u16 selector, base, limit, access;
};

#define SEG(n) { GUEST_##n##_SELECTOR, GUEST_##n##_BASE, GUEST_##n##_LIMIT, GUEST_##n##_AR_BYTES }
static const struct seg_fields seg_fields[X86_NR_SEGS] = {
	[X86_ES] = SEG(ES), [X86_CS] = SEG(CS), [X86_SS] = SEG(SS), [X86_DS] = SEG(DS),
	[X86_FS] = SEG(FS), [X86_GS] = SEG(GS), [X86_LDTR] = SEG(LDTR), [X86_TR] = SEG(TR),
};

void hw_cache(struct vcpu *vcpu, enum x86_cached what)
{
	struct vcpu_arch *a = &vcpu->arch;

	switch (what) {
	case X86_CACHED_RSP:
		a->gpr[HVMOD_RSP] = vmcs_read(GUEST_RSP);
		break;
	case X86_CACHED_RIP:
		a->rip = vmcs_read(GUEST_RIP);
		break;
	case X86_CACHED_RFLAGS:
		a->rflags = vmcs_read(GUEST_RFLAGS);
		break;
	case X86_CACHED_CR0:
		a->cr0 = (a->cr0 & ~CR0_OWNED) | (vmcs_read(GUEST_CR0) & CR0_OWNED);
		break;
	case X86_CACHED_CR3:
		a->cr3 = vmcs_read(GUEST_CR3);
		break;
	case X86_CACHED_CR4:
		a->cr4 = (a->cr4 & ~CR4_OWNED) | (vmcs_read(GUEST_CR4) & CR4_OWNED);
		break;
	case X86_CACHED_CS_ACCESS:
		a->cs_access = vmcs_read(GUEST_CS_AR_BYTES);
		break;
	case X86_CACHED_SS_ACCESS:
		a->ss_access = vmcs_read(GUEST_SS_AR_BYTES);
		break;
	}
	a->avail |= BIT(what);
}

/* ---- segments and tables ---- */

void hw_get_segment(struct vcpu *vcpu, enum x86_seg seg, struct hvmod_segment *out)
{
	const struct seg_fields *f = &seg_fields[seg];

	out->selector = vmcs_read(f->selector);
	out->base = vmcs_read(f->base);
	out->limit = vmcs_read(f->limit);
	out->access = vmcs_read(f->access) & 0x1f0ff;
	out->pad = 0;
	out->pad2 = 0;
}

void hw_set_segment(struct vcpu *vcpu, enum x86_seg seg, const struct hvmod_segment *in)
{
	const struct seg_fields *f = &seg_fields[seg];

	vmcs_write(f->selector, in->selector);
	vmcs_write(f->base, in->base);
	vmcs_write(f->limit, in->limit);
	vmcs_write(f->access, in->access & 0x1f0ff);
	vcpu->arch.avail &= ~(BIT(X86_CACHED_CS_ACCESS) | BIT(X86_CACHED_SS_ACCESS));
}

u64 hw_segment_base(struct vcpu *vcpu, enum x86_seg seg)
{
	return vmcs_read(seg_fields[seg].base);
}

void hw_get_gdt(struct vcpu *vcpu, struct hvmod_dtable *out)
{
	*out = (struct hvmod_dtable) {
		.base = vmcs_read(GUEST_GDTR_BASE), .limit = vmcs_read(GUEST_GDTR_LIMIT),
	};
}

void hw_set_gdt(struct vcpu *vcpu, const struct hvmod_dtable *in)
{
	vmcs_write(GUEST_GDTR_BASE, in->base);
	vmcs_write(GUEST_GDTR_LIMIT, in->limit);
}

void hw_get_idt(struct vcpu *vcpu, struct hvmod_dtable *out)
{
	*out = (struct hvmod_dtable) {
		.base = vmcs_read(GUEST_IDTR_BASE), .limit = vmcs_read(GUEST_IDTR_LIMIT),
	};
}

void hw_set_idt(struct vcpu *vcpu, const struct hvmod_dtable *in)
{
	vmcs_write(GUEST_IDTR_BASE, in->base);
	vmcs_write(GUEST_IDTR_LIMIT, in->limit);
}

/* ---- control registers ---- */

u64 hw_cr4_allowed(void)
{
	return vmx_caps.cr4_fixed1 & ~(u64)X86_CR4_VMXE;
}

void hw_set_cr0(struct vcpu *vcpu, u64 cr0)
{
	/* Caches stay on: CD is the guest's belief, not the machine's. */
	u64 hw = cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);

	/* Unrestricted guest: PE and PG need not be fixed. */
	hw |= vmx_caps.cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);
	hw &= vmx_caps.cr0_fixed1;

	vcpu->arch.cr0 = cr0;
	vcpu->arch.avail |= BIT(X86_CACHED_CR0);
	vmcs_write(GUEST_CR0, hw);
	vmcs_write(CR0_READ_SHADOW, cr0);
	vmcs_write(CR0_GUEST_HOST_MASK, ~(unsigned long)CR0_OWNED);
}

void hw_set_cr3(struct vcpu *vcpu, u64 cr3)
{
	vcpu->arch.cr3 = cr3;
	vcpu->arch.avail |= BIT(X86_CACHED_CR3);
	vmcs_write(GUEST_CR3, cr3);
}

void hw_set_cr4(struct vcpu *vcpu, u64 cr4)
{
	/* A machine check with CR4.MCE clear would shut the machine down. */
	u64 hw = cr4 | X86_CR4_VMXE | (cr4_read_shadow() & X86_CR4_MCE);

	vcpu->arch.cr4 = cr4;
	vcpu->arch.avail |= BIT(X86_CACHED_CR4);
	vmcs_write(GUEST_CR4, hw);
	vmcs_write(CR4_READ_SHADOW, cr4);
	vmcs_write(CR4_GUEST_HOST_MASK, ~(CR4_OWNED & ~vcpu->arch.cr4_reserved));
}

void hw_set_efer(struct vcpu *vcpu, u64 efer)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 ctl = vmx->entry_ctl & ~VM_ENTRY_IA32E_MODE;

	if (efer & EFER_LMA)
		ctl |= VM_ENTRY_IA32E_MODE;
	if (ctl != vmx->entry_ctl) {
		vmx->entry_ctl = ctl;
		vmcs_write(VM_ENTRY_CONTROLS, ctl);
	}
	vcpu->arch.efer = efer;
	vmcs_write(GUEST_IA32_EFER, efer);
}

void hw_set_xcr0(struct vcpu *vcpu, u64 xcr0)
{
	/* enter.c loads it with each entry. */
	vcpu->arch.xcr0 = xcr0;
}

void hw_set_dr7(struct vcpu *vcpu, u64 dr7)
{
	vcpu->arch.dr7 = dr7;
	vmcs_write(GUEST_DR7, dr7);
}

void hw_sync_dr(struct vcpu *vcpu)
{
	/* MOV DR always exits and #DB is intercepted: the copies are current. */
}

void hw_set_pdptrs(struct vcpu *vcpu, const u64 pdptr[4])
{
	vmcs_write(GUEST_PDPTR0, pdptr[0]);
	vmcs_write(GUEST_PDPTR1, pdptr[1]);
	vmcs_write(GUEST_PDPTR2, pdptr[2]);
	vmcs_write(GUEST_PDPTR3, pdptr[3]);
}

void hw_get_pdptrs(struct vcpu *vcpu, u64 pdptr[4])
{
	pdptr[0] = vmcs_read(GUEST_PDPTR0);
	pdptr[1] = vmcs_read(GUEST_PDPTR1);
	pdptr[2] = vmcs_read(GUEST_PDPTR2);
	pdptr[3] = vmcs_read(GUEST_PDPTR3);
}

void hw_flush_guest(struct vcpu *vcpu)
{
	to_vmx(vcpu)->flush_guest = true;
}

/* ---- MSRs ---- */

static unsigned long msr_field(u32 index)
{
	switch (index) {
	case MSR_FS_BASE:
		return GUEST_FS_BASE;
	case MSR_GS_BASE:
		return GUEST_GS_BASE;
	case MSR_IA32_SYSENTER_CS:
		return GUEST_SYSENTER_CS;
	case MSR_IA32_SYSENTER_ESP:
		return GUEST_SYSENTER_ESP;
	case MSR_IA32_SYSENTER_EIP:
		return GUEST_SYSENTER_EIP;
	case MSR_IA32_CR_PAT:
		return GUEST_IA32_PAT;
	case MSR_IA32_DEBUGCTLMSR:
		return GUEST_IA32_DEBUGCTL;
	}
	return ~0UL;
}

int hw_msr_get(struct vcpu *vcpu, u32 index, u64 *value)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long field;

	if (index == MSR_KERNEL_GS_BASE) {
		preempt_disable();
		if (vmx->host_loaded)
			rdmsrl(MSR_KERNEL_GS_BASE, vmx->msr_guest_kernel_gs);
		preempt_enable();
		*value = vmx->msr_guest_kernel_gs;
		return 0;
	}
	field = msr_field(index);
	if (field == ~0UL)
		return -ENOENT;
	*value = vmcs_read(field);
	return 0;
}

int hw_msr_set(struct vcpu *vcpu, u32 index, u64 value)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long field;

	if (index == MSR_KERNEL_GS_BASE) {
		preempt_disable();
		vmx->msr_guest_kernel_gs = value;
		if (vmx->host_loaded)
			wrmsrl(MSR_KERNEL_GS_BASE, value);
		preempt_enable();
		return 0;
	}
	field = msr_field(index);
	if (field == ~0UL)
		return -ENOENT;
	vmcs_write(field, value);
	return 0;
}

void hw_syscall_msrs_changed(struct vcpu *vcpu)
{
	to_vmx(vcpu)->msrs_stale = true;
}

void vmx_set_cpu2(struct vmx_vcpu *vmx, u32 bit, bool on)
{
	u32 ctl = vmx->cpu2_ctl & ~bit;

	if (on && (vmx_caps.cpu2_may & bit))
		ctl |= bit;
	if (ctl == vmx->cpu2_ctl)
		return;
	vmx->cpu2_ctl = ctl;
	vmcs_write(SECONDARY_VM_EXEC_CONTROL, ctl);
}

void hw_cpuid_changed(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 has = vcpu->arch.features;

	vmx_set_cpu2(vmx, SECONDARY_EXEC_ENABLE_RDTSCP, has & (GUEST_HAS_RDTSCP | GUEST_HAS_RDPID));
	vmx_set_cpu2(vmx, SECONDARY_EXEC_ENABLE_INVPCID, has & GUEST_HAS_INVPCID);
	vmx_set_cpu2(vmx, COMPAT_EXEC_XSAVES, has & GUEST_HAS_XSAVES);
	hw_set_cr4(vcpu, vcpu_cr4(vcpu));
}

void hw_tsc_changed(struct vcpu *vcpu)
{
	vmcs_write(TSC_OFFSET, vcpu->arch.tsc_offset);
	if (vmx_has(HVMOD_FEATURE_TSC_SCALING))
		vmcs_write(TSC_MULTIPLIER, vcpu->arch.tsc_ratio);
}

bool hw_timer_start(struct vcpu *vcpu, u64 host_tsc)
{
	if (!vmx_has(HVMOD_FEATURE_PREEMPT_TIMER))
		return false;
	/* The counter has 32 bits. */
	if (host_tsc - rdtsc() >= (u64)U32_MAX << vmx_caps.timer_shift)
		return false;
	to_vmx(vcpu)->deadline = host_tsc;
	return true;
}

void hw_timer_stop(struct vcpu *vcpu)
{
	to_vmx(vcpu)->deadline = VMX_NO_DEADLINE;
}

bool hw_has_tsc_scaling(void)
{
	return vmx_has(HVMOD_FEATURE_TSC_SCALING);
}

/* ---- events ---- */

u32 hw_get_shadow(struct vcpu *vcpu)
{
	u32 info = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
	u32 shadow = 0;

	if (info & GUEST_INTR_STATE_STI)
		shadow |= HW_SHADOW_STI;
	if (info & GUEST_INTR_STATE_MOV_SS)
		shadow |= HW_SHADOW_SS;
	return shadow;
}

void hw_set_shadow(struct vcpu *vcpu, u32 shadow)
{
	u32 info = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
	u32 new = info & ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);

	if (shadow & HW_SHADOW_SS)
		new |= GUEST_INTR_STATE_MOV_SS;
	else if (shadow & HW_SHADOW_STI)
		new |= GUEST_INTR_STATE_STI;
	if (new != info)
		vmcs_write(GUEST_INTERRUPTIBILITY_INFO, new);
}

bool hw_nmi_blocked(struct vcpu *vcpu)
{
	return vmcs_read(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_NMI;
}

void hw_set_nmi_blocked(struct vcpu *vcpu, bool blocked)
{
	u32 info = vmcs_read(GUEST_INTERRUPTIBILITY_INFO) & ~GUEST_INTR_STATE_NMI;

	if (blocked)
		info |= GUEST_INTR_STATE_NMI;
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, info);
}

void hw_pend_single_step(struct vcpu *vcpu)
{
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS,
		   vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS) | DR_STEP);
}

void hw_advance_to(struct vcpu *vcpu, unsigned long rip)
{
	u32 info = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
	struct vcpu_arch *a = &vcpu->arch;
	unsigned long rflags;

	/* Every emulated exit comes here: no call of hw_cache() if it can be helped. */
	if (!(a->avail & BIT(X86_CACHED_RFLAGS))) {
		a->rflags = vmcs_read(GUEST_RFLAGS);
		a->avail |= BIT(X86_CACHED_RFLAGS);
	}
	rflags = a->rflags;
	/* Outside of 64-bit mode a RIP has 32 bits: only one at their end is cut. */
	if (unlikely((rip ^ vcpu_rip(vcpu)) >> 32) && !vcpu_64bit(vcpu))
		rip = (u32)rip;
	vcpu_set_rip(vcpu, rip);
	if (unlikely(info & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		vmcs_write(GUEST_INTERRUPTIBILITY_INFO,
			   info & ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
	/* A complete instruction clears RF: the next one's breakpoint counts. */
	if (unlikely(rflags & X86_EFLAGS_RF))
		vcpu_set_rflags(vcpu, rflags & ~(unsigned long)X86_EFLAGS_RF);
	if (unlikely(rflags & X86_EFLAGS_TF))
		hw_pend_single_step(vcpu);
}

void hw_advance(struct vcpu *vcpu)
{
	hw_advance_to(vcpu, vcpu_rip(vcpu) + vmcs_read(VM_EXIT_INSTRUCTION_LEN));
}

void hw_reset(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx_set_irq_window(vmx, false);
	vmx_set_nmi_window(vmx, false);
	vmx->irq_check = true;
	vmx->msrs_stale = true;
	vmx->flush_guest = true;
}
