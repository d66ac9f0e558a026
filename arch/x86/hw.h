/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shared x86 code asks of the virtualization hardware; arch/x86/vmx/
 * implements it, a second vendor would too.  All calls are for the current
 * vCPU with vcpu->lock held and the vCPU loaded (inside vcpu_load/vcpu_put, or
 * HVMOD_VCPU_RUN), unless said otherwise.  None sleeps.
 */
#ifndef ARCH_X86_HW_H
#define ARCH_X86_HW_H

#include <linux/types.h>
#include <asm/processor-flags.h>

#include "module/vm.h"

/* ---- cached registers: use the accessors, not hw_cache() ---- */

void hw_cache(struct vcpu *vcpu, enum x86_cached what);

static inline void vcpu_cache(struct vcpu *vcpu, enum x86_cached what)
{
	if (!(vcpu->arch.avail & BIT(what)))
		hw_cache(vcpu, what);
}

static inline unsigned long vcpu_rip(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_RIP);
	return vcpu->arch.rip;
}

static inline void vcpu_set_rip(struct vcpu *vcpu, unsigned long rip)
{
	vcpu->arch.rip = rip;
	vcpu->arch.avail |= BIT(X86_CACHED_RIP);
	vcpu->arch.dirty |= BIT(X86_CACHED_RIP);
}

static inline unsigned long vcpu_rflags(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_RFLAGS);
	return vcpu->arch.rflags;
}

static inline void vcpu_set_rflags(struct vcpu *vcpu, unsigned long rflags)
{
	vcpu->arch.rflags = rflags;
	vcpu->arch.avail |= BIT(X86_CACHED_RFLAGS);
	vcpu->arch.dirty |= BIT(X86_CACHED_RFLAGS);
}

static inline unsigned long vcpu_gpr(struct vcpu *vcpu, unsigned int nr)
{
	if (nr == HVMOD_RSP)
		vcpu_cache(vcpu, X86_CACHED_RSP);
	return vcpu->arch.gpr[nr & 15];
}

static inline void vcpu_set_gpr(struct vcpu *vcpu, unsigned int nr, unsigned long value)
{
	if (nr == HVMOD_RSP) {
		vcpu->arch.avail |= BIT(X86_CACHED_RSP);
		vcpu->arch.dirty |= BIT(X86_CACHED_RSP);
	}
	vcpu->arch.gpr[nr & 15] = value;
}

/* As the guest sees them. */
static inline u64 vcpu_cr0(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_CR0);
	return vcpu->arch.cr0;
}

static inline u64 vcpu_cr3(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_CR3);
	return vcpu->arch.cr3;
}

static inline u64 vcpu_cr4(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_CR4);
	return vcpu->arch.cr4;
}

/* A bit that never changes behind our back: the copy is good. */
static inline bool vcpu_la57(struct vcpu *vcpu)
{
	return vcpu->arch.cr4 & X86_CR4_LA57;
}

static inline bool vcpu_protected(struct vcpu *vcpu)
{
	return vcpu_cr0(vcpu) & X86_CR0_PE;
}

static inline bool vcpu_long_mode(struct vcpu *vcpu)
{
	return vcpu->arch.efer & BIT_ULL(10);	/* EFER.LMA */
}

static inline u32 vcpu_cs_access(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_CS_ACCESS);
	return vcpu->arch.cs_access;
}

/* In 64-bit mode? (CS.L in long mode) */
static inline bool vcpu_64bit(struct vcpu *vcpu)
{
	return vcpu_long_mode(vcpu) && (vcpu_cs_access(vcpu) & BIT(13));
}

/* May paging_peek() be asked for so many words at linear?  They lie in one page. */
static inline bool paging_can_peek(struct vcpu *vcpu, u64 linear, unsigned int words)
{
	return vcpu_64bit(vcpu) && !vcpu_la57(vcpu) &&
	       (linear & 0xfff) <= 0x1000 - words * sizeof(u64) &&
	       (u64)((s64)(linear << 16) >> 16) == linear;
}

/* Current privilege level: DPL of SS; 0 in real mode, 3 in virtual-8086 mode. */
static inline unsigned int vcpu_cpl(struct vcpu *vcpu)
{
	vcpu_cache(vcpu, X86_CACHED_SS_ACCESS);
	return (vcpu->arch.ss_access >> 5) & 3;
}

/* ---- segments and tables ---- */

void hw_get_segment(struct vcpu *vcpu, enum x86_seg seg, struct hvmod_segment *out);
void hw_set_segment(struct vcpu *vcpu, enum x86_seg seg, const struct hvmod_segment *in);
u64 hw_segment_base(struct vcpu *vcpu, enum x86_seg seg);
void hw_get_gdt(struct vcpu *vcpu, struct hvmod_dtable *out);
void hw_set_gdt(struct vcpu *vcpu, const struct hvmod_dtable *in);
void hw_get_idt(struct vcpu *vcpu, struct hvmod_dtable *out);
void hw_set_idt(struct vcpu *vcpu, const struct hvmod_dtable *in);

/* ---- control registers: put validated guest values into force ---- */

/* Bits of CR0 and CR4 that a guest cannot set (or clear) on this hardware. */
u64 hw_cr4_allowed(void);
void hw_set_cr0(struct vcpu *vcpu, u64 cr0);	/* also maintains EFER.LMA's entry mode */
void hw_set_cr3(struct vcpu *vcpu, u64 cr3);
void hw_set_cr4(struct vcpu *vcpu, u64 cr4);
void hw_set_efer(struct vcpu *vcpu, u64 efer);	/* LMA included */
void hw_set_xcr0(struct vcpu *vcpu, u64 xcr0);	/* takes effect now */
void hw_set_dr7(struct vcpu *vcpu, u64 dr7);
/* PAE: the four PDPTEs that the guest's CR3 names, already checked. */
void hw_set_pdptrs(struct vcpu *vcpu, const u64 pdptr[4]);
/* Those the CPU uses now: it loads them by itself at a MOV to CR3. */
void hw_get_pdptrs(struct vcpu *vcpu, u64 pdptr[4]);
/* DR0-3, DR6 may sit in the CPU after a guest touched them: bring them home. */
void hw_sync_dr(struct vcpu *vcpu);
/* The guest's own translations (by VPID) are stale on this vCPU. */
void hw_flush_guest(struct vcpu *vcpu);

/* ---- MSRs that the hardware keeps or switches ---- */

/* 0, or -ENOENT: not one of those (FS/GS base, KERNEL_GS_BASE, SYSENTER_*, ...) */
int hw_msr_get(struct vcpu *vcpu, u32 index, u64 *value);
int hw_msr_set(struct vcpu *vcpu, u32 index, u64 value);
/* star, lstar, cstar, sfmask, tsc_aux of vcpu->arch changed. */
void hw_syscall_msrs_changed(struct vcpu *vcpu);
/* CPUID changed what is to be intercepted (features, maxphyaddr). */
void hw_cpuid_changed(struct vcpu *vcpu);
/* tsc_offset or tsc_ratio changed. */
void hw_tsc_changed(struct vcpu *vcpu);
bool hw_has_tsc_scaling(void);
/*
 * vlapic_timer_poll() is called soon after that moment, if the vCPU is in the
 * guest then.  False: the hardware cannot; an earlier start stays in force.
 */
bool hw_timer_start(struct vcpu *vcpu, u64 host_tsc);
/* It need not be loaded. */
void hw_timer_stop(struct vcpu *vcpu);

/* ---- events ---- */

#define HW_SHADOW_STI	(1U << 0)
#define HW_SHADOW_SS	(1U << 1)
u32 hw_get_shadow(struct vcpu *vcpu);
void hw_set_shadow(struct vcpu *vcpu, u32 shadow);
bool hw_nmi_blocked(struct vcpu *vcpu);
void hw_set_nmi_blocked(struct vcpu *vcpu, bool blocked);
/* A single-step trap is due after the instruction just emulated (TF, DR6.BS). */
void hw_pend_single_step(struct vcpu *vcpu);

/*
 * The instruction of this exit is done: RIP moves past it (length as the
 * hardware tells), interrupt shadow ends, a single-step trap becomes pending.
 */
void hw_advance(struct vcpu *vcpu);
/* The same to a RIP that the emulator worked out. */
void hw_advance_to(struct vcpu *vcpu, unsigned long rip);

/* APIC mode or base changed (MSR intercepts, APIC-access page); process context. */
void hw_apic_mode_changed(struct vcpu *vcpu);
/* Something of this vCPU's APIC changed: it is looked at before the next entry. */
void hw_irq_check(struct vcpu *vcpu);
/*
 * An interrupt request was set for this vCPU by another context: any context.
 * sync: it is one that only vlapic_sync() moves into IRR.
 */
void hw_post_interrupt(struct vcpu *vcpu, bool sync);

/* INIT: hardware state back to what SDM "Processor State Following INIT" says. */
void hw_reset(struct vcpu *vcpu);

#endif /* ARCH_X86_HW_H */
