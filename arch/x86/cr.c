// SPDX-License-Identifier: GPL-2.0
/*
 * Control and debug registers: the rules of SDM "Control Registers", "Paging"
 * and "Debug Registers", and what RESET, INIT and SIPI leave in a CPU.  Called
 * by exit handlers, by MSR and state handlers and by the APIC's INIT and SIPI.
 * It must not let a value through that makes the next VM entry fail.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/fpu/types.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/mem.h"

#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
#define CR3_NOFLUSH	BIT_ULL(63)

/* CR4 bits whose change reloads the PDPTEs: SDM, "PDPTE Registers". */
#define CR4_PDPTR_BITS	(X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP)
/* SDM, "Operations that Invalidate TLBs and Paging-Structure Caches". */
#define CR4_FLUSH_BITS	(CR4_PDPTR_BITS | X86_CR4_PCIDE | X86_CR4_SMAP | X86_CR4_LA57)

#define DR6_RESET	0xffff0ff0ULL
#define DR6_WRITABLE	0x0000e00fULL
#define DR7_RESET	0x00000400ULL
#define DR7_WRITABLE	0xffff23ffULL

/* SDM, "PAE Paging Structures": bits that must be zero in a present PDPTE. */
static u64 pdptr_reserved(const struct vcpu *vcpu)
{
	return ~GENMASK_ULL(vcpu->arch.maxphyaddr - 1, 0) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);
}

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

static int pdptrs_read(struct vcpu *vcpu, u64 cr3, u64 pdptr[4])
{
	int i;

	if (mem_read(vcpu->vm, cr3 & GENMASK_ULL(31, 5), pdptr, 4 * sizeof(u64)))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if ((pdptr[i] & _PAGE_PRESENT) && (pdptr[i] & pdptr_reserved(vcpu)))
			return -EINVAL;
	return 0;
}

int cr_load_pdptrs(struct vcpu *vcpu)
{
	u64 pdptr[4];
	int err;

	if (!pae_paging(vcpu_cr0(vcpu), vcpu_cr4(vcpu), vcpu->arch.efer))
		return 0;
	err = pdptrs_read(vcpu, vcpu_cr3(vcpu), pdptr);
	if (!err)
		hw_set_pdptrs(vcpu, pdptr);
	return err;
}

bool cr_cr0_valid(u64 cr0)
{
	return !(cr0 >> 32) &&
	       !((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE)) &&
	       !((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD));
}

int cr_write_cr0(struct vcpu *vcpu, u64 value)
{
	u64 old = vcpu_cr0(vcpu), efer = vcpu->arch.efer, cr4 = vcpu_cr4(vcpu);
	u64 changed, pdptr[4];
	bool load_pdptrs;

	if (!cr_cr0_valid(value))
		return -EINVAL;
	/* Attempts to set reserved bits have no effect; ET is always set. */
	value = (value & CR0_DEFINED) | X86_CR0_ET;
	changed = value ^ old;

	if (changed & X86_CR0_PG) {
		if (value & X86_CR0_PG) {
			if (efer & EFER_LME) {
				if (!(cr4 & X86_CR4_PAE) || (vcpu_cs_access(vcpu) & BIT(13)))
					return -EINVAL;
				efer |= EFER_LMA;
			}
		} else {
			if (vcpu_64bit(vcpu) || (cr4 & X86_CR4_PCIDE))
				return -EINVAL;
			efer &= ~EFER_LMA;
		}
	}

	load_pdptrs = (changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
		      pae_paging(value, cr4, efer);
	if (load_pdptrs && pdptrs_read(vcpu, vcpu_cr3(vcpu), pdptr))
		return -EINVAL;

	if (efer != vcpu->arch.efer)
		hw_set_efer(vcpu, efer);
	hw_set_cr0(vcpu, value);
	if (load_pdptrs)
		hw_set_pdptrs(vcpu, pdptr);
	if (changed & X86_CR0_PG)
		hw_flush_guest(vcpu);
	return 0;
}

int cr_lmsw(struct vcpu *vcpu, u16 msw)
{
	u64 cr0 = vcpu_cr0(vcpu);

	/* LMSW sets PE but cannot clear it: SDM, "LMSW". */
	cr0 = (cr0 & ~0xeULL) | (msw & 0xf);
	return cr_write_cr0(vcpu, cr0);
}

bool cr_cr3_valid(const struct vcpu *vcpu, u64 cr3, u64 efer)
{
	if (!(efer & EFER_LMA))
		return !(cr3 >> 32);
	return !(cr3 & ~GENMASK_ULL(vcpu->arch.maxphyaddr - 1, 0));
}

int cr_write_cr3(struct vcpu *vcpu, u64 value)
{
	bool flush = true;
	u64 pdptr[4];

	if (vcpu_cr4(vcpu) & X86_CR4_PCIDE) {
		flush = !(value & CR3_NOFLUSH);
		value &= ~CR3_NOFLUSH;
	}
	/* Outside of 64-bit mode the operand has 32 bits. */
	if (!cr_cr3_valid(vcpu, value, vcpu->arch.efer))
		return -EINVAL;

	if (pae_paging(vcpu_cr0(vcpu), vcpu_cr4(vcpu), vcpu->arch.efer)) {
		if (pdptrs_read(vcpu, value, pdptr))
			return -EINVAL;
		hw_set_cr3(vcpu, value);
		hw_set_pdptrs(vcpu, pdptr);
	} else {
		hw_set_cr3(vcpu, value);
	}
	if (flush)
		hw_flush_guest(vcpu);
	return 0;
}

int cr_write_cr4(struct vcpu *vcpu, u64 value)
{
	u64 old = vcpu_cr4(vcpu), changed = value ^ old;
	bool load_pdptrs;
	u64 pdptr[4];

	if (value & vcpu->arch.cr4_reserved)
		return -EINVAL;
	if (vcpu_long_mode(vcpu) &&
	    (!(value & X86_CR4_PAE) || (changed & X86_CR4_LA57)))
		return -EINVAL;
	if ((changed & value & X86_CR4_PCIDE) &&
	    (!vcpu_long_mode(vcpu) || (vcpu_cr3(vcpu) & CR3_PCID_MASK)))
		return -EINVAL;

	load_pdptrs = (changed & CR4_PDPTR_BITS) &&
		      pae_paging(vcpu_cr0(vcpu), value, vcpu->arch.efer);
	if (load_pdptrs && pdptrs_read(vcpu, vcpu_cr3(vcpu), pdptr))
		return -EINVAL;

	hw_set_cr4(vcpu, value);
	if (load_pdptrs)
		hw_set_pdptrs(vcpu, pdptr);
	if (changed & CR4_FLUSH_BITS)
		hw_flush_guest(vcpu);
	return 0;
}

int cr_write_efer(struct vcpu *vcpu, u64 value, bool host)
{
	u64 old = vcpu->arch.efer;

	if (value & vcpu->arch.efer_reserved)
		return -EINVAL;
	/* LMA is read-only: it follows LME when paging is turned on. */
	value = (value & ~(u64)EFER_LMA) | (old & EFER_LMA);
	if (!host && ((value ^ old) & EFER_LME) && (vcpu_cr0(vcpu) & X86_CR0_PG))
		return -EINVAL;
	if (host && (value & EFER_LMA) && !(value & EFER_LME))
		return -EINVAL;

	hw_set_efer(vcpu, value);
	if ((value ^ old) & EFER_NX)
		hw_flush_guest(vcpu);
	return 0;
}

/* SDM, "XSETBV" and "XCR0": which components need which. */
bool cr_xcr0_valid(const struct vcpu *vcpu, u64 value)
{
	const u64 avx512 = XFEATURE_MASK_AVX512;

	if (!(value & XFEATURE_MASK_FP) || (value & ~vcpu->arch.xcr0_allowed))
		return false;
	if ((value & XFEATURE_MASK_YMM) && !(value & XFEATURE_MASK_SSE))
		return false;
	if ((value & avx512) &&
	    ((value & avx512) != avx512 || !(value & XFEATURE_MASK_YMM)))
		return false;
	return true;
}

int cr_write_xcr(struct vcpu *vcpu, u32 index, u64 value)
{
	if (index || vcpu_cpl(vcpu) || !cr_xcr0_valid(vcpu, value))
		return -EINVAL;
	if (value != vcpu->arch.xcr0)
		hw_set_xcr0(vcpu, value);
	return 0;
}

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE is set. */
static int dr_alias(struct vcpu *vcpu, unsigned int *nr)
{
	if (*nr != 4 && *nr != 5)
		return 0;
	if (vcpu_cr4(vcpu) & X86_CR4_DE)
		return -ENOENT;
	*nr += 2;
	return 0;
}

int cr_read_dr(struct vcpu *vcpu, unsigned int nr, u64 *value)
{
	int err = dr_alias(vcpu, &nr);

	if (err)
		return err;
	hw_sync_dr(vcpu);
	switch (nr) {
	case 0 ... 3:
		*value = vcpu->arch.dr[array_index_nospec(nr, 4)];
		return 0;
	case 6:
		*value = vcpu->arch.dr6;
		return 0;
	case 7:
		*value = vcpu->arch.dr7;
		return 0;
	default:
		return -ENOENT;
	}
}

int cr_write_dr(struct vcpu *vcpu, unsigned int nr, u64 value)
{
	int err = dr_alias(vcpu, &nr);

	if (err)
		return err;
	hw_sync_dr(vcpu);
	switch (nr) {
	case 0 ... 3:
		vcpu->arch.dr[array_index_nospec(nr, 4)] = value;
		return 0;
	case 6:
		if (value >> 32)
			return -EINVAL;
		vcpu->arch.dr6 = cr_fix_dr6(value);
		return 0;
	case 7:
		if (value >> 32)
			return -EINVAL;
		hw_set_dr7(vcpu, cr_fix_dr7(value));
		return 0;
	default:
		return -ENOENT;
	}
}

u64 cr_fix_dr6(u64 dr6)
{
	return (dr6 & DR6_WRITABLE) | DR6_RESET;
}

u64 cr_fix_dr7(u64 dr7)
{
	return (dr7 & DR7_WRITABLE) | DR7_RESET;
}

/* SDM, "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT" */
static void reset_segments(struct vcpu *vcpu)
{
	const struct hvmod_segment data = { .limit = 0xffff, .access = 0x93 };
	const struct hvmod_segment code = {
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff, .access = 0x9b,
	};
	const struct hvmod_segment ldt = { .limit = 0xffff, .access = 0x82 };
	const struct hvmod_segment tr = { .limit = 0xffff, .access = 0x8b };
	const struct hvmod_dtable table = { .limit = 0xffff };

	hw_set_segment(vcpu, X86_CS, &code);
	hw_set_segment(vcpu, X86_SS, &data);
	hw_set_segment(vcpu, X86_DS, &data);
	hw_set_segment(vcpu, X86_ES, &data);
	hw_set_segment(vcpu, X86_FS, &data);
	hw_set_segment(vcpu, X86_GS, &data);
	hw_set_segment(vcpu, X86_LDTR, &ldt);
	hw_set_segment(vcpu, X86_TR, &tr);
	hw_set_gdt(vcpu, &table);
	hw_set_idt(vcpu, &table);
}

void cr_vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct vcpu_arch *arch = &vcpu->arch;
	const struct hvmod_cpuid_entry *leaf1 = cpuid_find(vcpu, 1, 0);
	u64 cr0 = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;
	int i;

	/* INIT keeps CD and NW. */
	if (init)
		cr0 = X86_CR0_ET | (vcpu_cr0(vcpu) & (X86_CR0_CD | X86_CR0_NW));

	emul_cancel(vcpu);
	memset(&arch->inject, 0, sizeof(arch->inject));
	atomic_set(&arch->nmi_queued, 0);
	hw_reset(vcpu);

	for (i = 0; i < 16; i++)
		vcpu_set_gpr(vcpu, i, 0);
	vcpu_set_gpr(vcpu, HVMOD_RDX, leaf1 ? leaf1->eax : 0x600);
	vcpu_set_rip(vcpu, 0xfff0);
	vcpu_set_rflags(vcpu, X86_EFLAGS_FIXED);
	reset_segments(vcpu);

	arch->cr2 = 0;
	hw_set_efer(vcpu, 0);
	hw_set_cr0(vcpu, cr0);
	hw_set_cr3(vcpu, 0);
	hw_set_cr4(vcpu, 0);
	if (!init) {
		arch->xss = 0;
		hw_set_xcr0(vcpu, XFEATURE_MASK_FP);
	}

	hw_sync_dr(vcpu);
	memset(arch->dr, 0, sizeof(arch->dr));
	arch->dr6 = DR6_RESET;
	hw_set_dr7(vcpu, DR7_RESET);

	msr_vcpu_reset(vcpu, init);
	fpu_vcpu_reset(vcpu, init);
	vlapic_reset(vcpu, init);
	hw_flush_guest(vcpu);

	WRITE_ONCE(arch->mp_state, (arch->apic_base & MSR_IA32_APICBASE_BSP) ?
				   HVMOD_MP_RUNNABLE : HVMOD_MP_WAIT_SIPI);
}

void cr_sipi(struct vcpu *vcpu, u32 vector)
{
	const struct hvmod_segment code = {
		.selector = (vector & 0xff) << 8,
		.base = (vector & 0xff) << 12,
		.limit = 0xffff,
		.access = 0x9b,
	};

	hw_set_segment(vcpu, X86_CS, &code);
	vcpu_set_rip(vcpu, 0);
	WRITE_ONCE(vcpu->arch.mp_state, HVMOD_MP_RUNNABLE);
}
