/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an x86 guest is, seen from every file of arch/x86/: the register state
 * of a vCPU and the small accessors on it.  module/vm.h embeds the two
 * structures.  Nothing here knows VMX: what the hardware keeps elsewhere is
 * reached through arch/x86/hw.h.
 */
#ifndef ARCH_X86_X86_H
#define ARCH_X86_X86_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "arch/x86/inject.h"
#include "uapi/hvmod.h"

struct vm;
struct vcpu;
struct vmx_vcpu;
struct vmx_vm;
struct vlapic;
struct vlapic_map;
struct vioapic;
struct vpic;
struct vpit;
struct vpmtmr;
struct emul;
struct mtrr_state;

/* Bits of vcpu_arch.avail: which of the copies below are up to date. */
enum x86_cached {
	X86_CACHED_RSP,
	X86_CACHED_RIP,
	X86_CACHED_RFLAGS,
	X86_CACHED_CR0,
	X86_CACHED_CR3,
	X86_CACHED_CR4,
	X86_CACHED_CS_ACCESS,	/* cs_access: CS rights, for the mode */
	X86_CACHED_SS_ACCESS,	/* ss_access: SS rights, for the CPL */
};

enum x86_seg {		/* the order of segment register numbers */
	X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR,
	X86_NR_SEGS
};

/* Everything here is [own] of vm.h unless it says otherwise. */
struct vcpu_arch {
	/*
	 * General registers in the order of enum hvmod_gpr.  switch.S loads and
	 * stores them; gpr[HVMOD_RSP], rip and rflags are copies of what the
	 * hardware keeps: use the accessors below.
	 */
	unsigned long gpr[16];
	unsigned long rip;
	unsigned long rflags;
	u32 avail;		/* copies that are valid */
	u32 dirty;		/* copies that hw must write back before entry */
	u32 cs_access;
	u32 ss_access;

	/* As the guest sees them. cr0, cr3, cr4 through vcpu_cr0() ... */
	u64 cr0, cr2, cr3, cr4;
	u64 efer;
	u64 xcr0;
	u64 xss;
	u64 dr[4];
	u64 dr6, dr7;

	/* MSRs; those that the hardware switches by itself are behind hw_msr_*() */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 tsc_aux;
	u64 pat;
	u64 misc_enable;
	u64 spec_ctrl;
	u64 apic_base;		/* IA32_APIC_BASE; written by vlapic_set_base() only */
	u64 mcg_status;
	struct mtrr_state *mtrr;

	/* Time: guest TSC = ((host TSC * ratio) >> 48) + tsc_offset */
	u64 tsc_offset;
	u64 tsc_ratio;		/* 48 fractional bits; 1 << 48 is the host's speed */
	u64 tsc_adjust;
	u32 tsc_khz;

	/* What the CPUID table says, worked out by cpuid_update() */
	struct hvmod_cpuid_entry *cpuid;	/* array */
	u32 cpuid_count;
	u64 cr4_reserved;	/* bits of CR4 that #GP */
	u64 efer_reserved;
	u64 xcr0_allowed;
	u64 xss_allowed;
	u64 features;		/* GUEST_HAS_* bits, the few that handlers ask */
	u8 maxphyaddr;
	u8 cpuid_pad[7];

	struct inject inject;	/* events; see inject.h */
	atomic_t nmi_queued;	/* [atomic] NMIs sent, not taken yet (at most 2) */
	u32 mp_state;		/* enum hvmod_mp_state; others read it */
	unsigned long apic_events;	/* [atomic] 1 << enum vcpu_apic_event */
	u32 sipi_vector;	/* [atomic] */

	struct vlapic *apic;
	struct emul *emul;	/* emul.c: an instruction under way */
	struct vmx_vcpu *vmx;

	struct fpu_guest *fpu;	/* see fpu.c */
};

enum vcpu_apic_event {
	VCPU_APIC_INIT,
	VCPU_APIC_SIPI,
};

struct vm_arch {
	struct vmx_vm *vmx;		/* EPT */
	struct vpic *pic;		/* NULL without HVMOD_DEV_PIC, and so on */
	struct vioapic *ioapic;
	struct vpit *pit;
	struct vpmtmr *pmtmr;
	struct vlapic_map __rcu *apic_map;	/* destinations, see vlapic.h */
	spinlock_t apic_map_lock;
	atomic_t apic_map_dirty;
	spinlock_t tsc_lock;		/* the four below */
	u64 tsc_last_offset;		/* of the last synchronised write */
	u64 tsc_last_value;
	u64 tsc_last_ns;
	u32 tsc_last_vcpu;		/* id of who made it, or ~0 */
	u32 irq_level[24];		/* sources that hold each GSI; irq_lock */
	spinlock_t irq_lock;
};

/* Debug-register bits that the kernel's headers do not name */
#define X86_DR6_BD	BIT(13)
#define X86_DR7_GD	BIT(13)

/* vcpu_arch.features */
#define GUEST_HAS_X2APIC	BIT_ULL(0)
#define GUEST_HAS_TSC_DEADLINE	BIT_ULL(1)
#define GUEST_HAS_XSAVE		BIT_ULL(2)
#define GUEST_HAS_PCID		BIT_ULL(3)
#define GUEST_HAS_RDTSCP	BIT_ULL(4)
#define GUEST_HAS_INVPCID	BIT_ULL(5)
#define GUEST_HAS_XSAVES	BIT_ULL(6)
#define GUEST_HAS_LM		BIT_ULL(7)
#define GUEST_HAS_NX		BIT_ULL(8)
#define GUEST_HAS_GBPAGES	BIT_ULL(9)
#define GUEST_HAS_MTRR		BIT_ULL(10)
#define GUEST_HAS_PAT		BIT_ULL(11)
#define GUEST_HAS_LA57		BIT_ULL(12)
#define GUEST_HAS_SMAP		BIT_ULL(13)
#define GUEST_HAS_SMEP		BIT_ULL(14)
#define GUEST_HAS_PKU		BIT_ULL(15)
#define GUEST_HAS_FSGSBASE	BIT_ULL(16)
#define GUEST_HAS_UMIP		BIT_ULL(17)
#define GUEST_HAS_SPEC_CTRL	BIT_ULL(18)
#define GUEST_HAS_TSC_ADJUST	BIT_ULL(19)
#define GUEST_HAS_MWAIT		BIT_ULL(20)
#define GUEST_HAS_RDPID		BIT_ULL(21)
#define GUEST_HAS_MCE		BIT_ULL(22)
#define GUEST_HAS_SYSCALL	BIT_ULL(23)

#endif /* ARCH_X86_X86_H */
