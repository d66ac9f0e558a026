// SPDX-License-Identifier: GPL-2.0
/*
 * VCPUOP_initialise: Xen's description of a vCPU's first state, for guests with
 * translated memory, as the state of one of ours.  module/xen/ calls it through
 * module/arch.h.  It must put nothing into force that the architecture forbids:
 * it asks what the state ioctls ask.
 *
 * Xen's hvm/hvm_vcpu.h.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/hvm_vcpu.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/hw.h"
#include "module/arch.h"

/* Bits of _ar, and what became of them in hvmod_segment.access. */
#define AR_TYPE_CODE	BIT(3)
#define AR_TYPE_WRITE	BIT(1)	/* of code: readable */
#define SEG_AR_S	BIT(4)
#define AR_DPL(ar)	((ar) >> 5 & 3)
#define SEG_AR_P	BIT(7)
#define AR_UNUSED	0xf000
#define ACCESS_UNUSABLE	BIT(16)

#define AR_CODE64	0xa9b
#define AR_DATA		0xc93
#define AR_TSS		0x8b
#define AR_LDT		0x82

static void segment(struct hvmod_segment *seg, u32 base, u32 limit, u16 ar)
{
	memset(seg, 0, sizeof(*seg));
	seg->base = base;
	seg->limit = limit;
	seg->access = ar ? (ar & 0xff) | (ar & 0xf00) << 4 : ACCESS_UNUSABLE;
}

static bool data_ok(u16 ar, u16 cs)
{
	if (!ar)
		return true;
	if ((ar & AR_UNUSED) || !(ar & SEG_AR_S) || !(ar & SEG_AR_P) || AR_DPL(ar) > AR_DPL(cs))
		return false;
	return !(ar & AR_TYPE_CODE) || (ar & AR_TYPE_WRITE);
}

static bool segments_ok(const struct vcpu_hvm_x86_32 *r)
{
	const u16 need = SEG_AR_S | SEG_AR_P;

	if ((r->cs_ar & AR_UNUSED) || (r->cs_ar & need) != need || !(r->cs_ar & AR_TYPE_CODE))
		return false;
	if ((r->ss_ar & AR_UNUSED) || (r->ss_ar & need) != need || (r->ss_ar & AR_TYPE_CODE) ||
	    !(r->ss_ar & AR_TYPE_WRITE) || AR_DPL(r->ss_ar) != AR_DPL(r->cs_ar))
		return false;
	if ((r->tr_ar & AR_UNUSED) || (r->tr_ar & need) != SEG_AR_P || (r->tr_ar & 0xd) != 9)
		return false;
	return data_ok(r->ds_ar, r->cs_ar) && data_ok(r->es_ar, r->cs_ar);
}

/* Present segments were accessed, the task is busy. */
static u16 used(u16 ar, u16 bit)
{
	return ar & SEG_AR_P ? ar | bit : ar;
}

static int from_32(const struct vcpu_hvm_x86_32 *r, struct hvmod_regs *regs,
		   struct hvmod_sregs *sregs)
{
	if (r->pad1 || r->pad2[0] || r->pad2[1] || r->pad2[2] || !segments_ok(r))
		return -EINVAL;
	if (r->eip > r->cs_limit || ((r->efer & EFER_LMA) && !(r->efer & EFER_LME)))
		return -EINVAL;
	segment(&sregs->cs, r->cs_base, r->cs_limit, used(r->cs_ar, 1));
	segment(&sregs->ds, r->ds_base, r->ds_limit, used(r->ds_ar, 1));
	segment(&sregs->ss, r->ss_base, r->ss_limit, used(r->ss_ar, 1));
	segment(&sregs->es, r->es_base, r->es_limit, used(r->es_ar, 1));
	segment(&sregs->tr, r->tr_base, r->tr_limit, used(r->tr_ar, 2));
	regs->gpr[HVMOD_RAX] = r->eax;
	regs->gpr[HVMOD_RCX] = r->ecx;
	regs->gpr[HVMOD_RDX] = r->edx;
	regs->gpr[HVMOD_RBX] = r->ebx;
	regs->gpr[HVMOD_RSP] = r->esp;
	regs->gpr[HVMOD_RBP] = r->ebp;
	regs->gpr[HVMOD_RSI] = r->esi;
	regs->gpr[HVMOD_RDI] = r->edi;
	regs->rip = r->eip;
	regs->rflags = r->eflags;
	sregs->cr0 = r->cr0;
	sregs->cr3 = r->cr3;
	sregs->cr4 = r->cr4;
	sregs->efer = r->efer;
	return 0;
}

static int from_64(const struct vcpu_hvm_x86_64 *r, struct hvmod_regs *regs,
		   struct hvmod_sregs *sregs)
{
	if ((s64)(r->rip << 16) >> 16 != (s64)r->rip)
		return -EINVAL;
	if (!(r->cr0 & X86_CR0_PG) || !(r->cr4 & X86_CR4_PAE) || !(r->efer & EFER_LME))
		return -EINVAL;
	segment(&sregs->cs, 0, ~0U, AR_CODE64);
	segment(&sregs->ds, 0, ~0U, AR_DATA);
	sregs->ss = sregs->ds;
	sregs->es = sregs->ds;
	segment(&sregs->tr, 0, 0x67, AR_TSS);
	regs->gpr[HVMOD_RAX] = r->rax;
	regs->gpr[HVMOD_RCX] = r->rcx;
	regs->gpr[HVMOD_RDX] = r->rdx;
	regs->gpr[HVMOD_RBX] = r->rbx;
	regs->gpr[HVMOD_RSP] = r->rsp;
	regs->gpr[HVMOD_RBP] = r->rbp;
	regs->gpr[HVMOD_RSI] = r->rsi;
	regs->gpr[HVMOD_RDI] = r->rdi;
	regs->rip = r->rip;
	regs->rflags = r->rflags;
	sregs->cr0 = r->cr0;
	sregs->cr3 = r->cr3;
	sregs->cr4 = r->cr4;
	sregs->efer = r->efer;
	return 0;
}

static int convert(struct vcpu *vcpu, const struct vcpu_hvm_context *context,
		   struct hvmod_regs *regs, struct hvmod_sregs *sregs)
{
	int err = -EINVAL;

	memset(regs, 0, sizeof(*regs));
	memset(sregs, 0, sizeof(*sregs));
	if (context->pad)
		return -EINVAL;
	switch (context->mode) {
	case VCPU_HVM_MODE_32B:
		err = from_32(&context->cpu_regs.x86_32, regs, sregs);
		break;
	case VCPU_HVM_MODE_64B:
		err = from_64(&context->cpu_regs.x86_64, regs, sregs);
		break;
	}
	if (err)
		return err;
	/* Not in the description. */
	segment(&sregs->fs, 0, ~0U, AR_DATA);
	sregs->gs = sregs->fs;
	segment(&sregs->ldt, 0, 0, AR_LDT);
	sregs->cr0 |= X86_CR0_ET;
	sregs->efer &= ~(u64)EFER_LMA;
	if ((sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG))
		sregs->efer |= EFER_LMA;
	sregs->apic_base = READ_ONCE(vcpu->arch.apic_base);
	sregs->xcr0 = 1;
	return state_sregs_valid(vcpu, sregs) ? 0 : -EINVAL;
}

int arch_xen_context_check(struct vcpu *vcpu, const struct vcpu_hvm_context *context)
{
	struct hvmod_sregs sregs;
	struct hvmod_regs regs;

	return convert(vcpu, context, &regs, &sregs);
}

int arch_xen_context_load(struct vcpu *vcpu, const struct vcpu_hvm_context *context)
{
	struct hvmod_sregs sregs;
	struct hvmod_regs regs;
	int err = convert(vcpu, context, &regs, &sregs);

	if (err)
		return err;
	cr_vcpu_reset(vcpu, true);
	err = state_set_sregs(vcpu, &sregs);
	if (err)
		return err;
	state_set_regs(vcpu, &regs);
	WRITE_ONCE(vcpu->arch.mp_state, HVMOD_MP_RUNNABLE);
	return 0;
}
