// SPDX-License-Identifier: GPL-2.0
/*
 * Linear to guest-physical addresses of a vCPU, through the guest's own page
 * tables.  Called by the emulator's glue for what an instruction names.  It must
 * not trust a table: the guest may change it at any time.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/hw.h"
#include "module/mem.h"

static int paging_read(void *opaque, u64 gpa, void *buf, size_t len)
{
	return mem_read(opaque, gpa, buf, len);
}

static int paging_cmpxchg(void *opaque, u64 gpa, void *old, const void *new, size_t len)
{
	int ret = mem_cmpxchg(opaque, gpa, old, new, len);

	/* A ROM takes no accessed and dirty bits, and nobody hears of it. */
	if (ret == -EFAULT && mem_is_readonly(opaque, gpa >> PAGE_SHIFT))
		return 0;
	return ret;
}

static const struct paging_ops paging_ops = {
	.read = paging_read,
	.update = paging_cmpxchg,
};

/* What cannot be had at once is left to a caller that may sleep. */
static int paging_read_atomic(void *opaque, u64 gpa, void *buf, size_t len)
{
	return mem_read_atomic(opaque, gpa, buf, len) ? -EAGAIN : 0;
}

static int paging_cmpxchg_atomic(void *opaque, u64 gpa, void *old, const void *new, size_t len)
{
	return -EAGAIN;
}

static const struct paging_ops paging_ops_atomic = {
	.read = paging_read_atomic,
	.update = paging_cmpxchg_atomic,
};

static void paging_mode(struct vcpu *vcpu, u64 cr0, struct paging_mode *mode)
{
	u64 cr4 = vcpu_cr4(vcpu), efer = vcpu->arch.efer;
	u32 flags = 0;

	mode->root = vcpu_cr3(vcpu);
	mode->maxphyaddr = vcpu->arch.maxphyaddr;
	mode->pkru = 0;		/* CPUID never offers PKU */
	if (cr0 & X86_CR0_WP)
		flags |= PAGING_WP;
	if (cr4 & X86_CR4_PSE)
		flags |= PAGING_PSE;
	if (cr4 & X86_CR4_SMEP)
		flags |= PAGING_SMEP;
	if (cr4 & X86_CR4_SMAP) {
		flags |= PAGING_SMAP;
		if (vcpu_rflags(vcpu) & X86_EFLAGS_AC)
			flags |= PAGING_AC;
	}
	if (efer & EFER_NX)
		flags |= PAGING_NX;
	if (vcpu->arch.features & GUEST_HAS_GBPAGES)
		flags |= PAGING_1G;
	mode->flags = flags;

	if (efer & EFER_LMA) {
		mode->levels = cr4 & X86_CR4_LA57 ? 5 : 4;
	} else if (cr4 & X86_CR4_PAE) {
		mode->levels = 3;
		hw_get_pdptrs(vcpu, mode->pdptr);
	} else {
		mode->levels = 2;
		mode->root = (u32)mode->root;
	}
}

int paging_translate(struct vcpu *vcpu, u64 linear, u32 access, u64 *gpa,
		     struct paging_fault *fault)
{
	u64 cr0 = vcpu_cr0(vcpu);
	struct paging_mode mode;

	if (!(cr0 & X86_CR0_PG)) {
		*gpa = (u32)linear;
		return 0;
	}
	paging_mode(vcpu, cr0, &mode);
	fault->addr = linear;
	return paging_walk(&mode, access & PAGING_ATOMIC ? &paging_ops_atomic : &paging_ops,
			   vcpu->vm, linear, access, gpa, &fault->error);
}

int paging_peek(struct vcpu *vcpu, u64 linear, u64 *buf, unsigned int words)
{
	const struct mem_slot *slot = NULL;
	u64 entry = vcpu_cr3(vcpu), gpa;
	struct vm *vm = vcpu->vm;
	bool holes = mem_has_holes(&vm->mem);
	int shift = 48, ret = -EAGAIN;

	pagefault_disable();
	do {
		shift -= 9;
		gpa = (entry & GENMASK_ULL(51, 12)) | ((linear >> shift) & 511) << 3;
		if (unlikely(holes && mem_is_hole(vm, gpa >> PAGE_SHIFT)) ||
		    mem_read_word(vm, &slot, gpa, &entry))
			goto out;
		if ((entry & (_PAGE_PRESENT | _PAGE_ACCESSED)) != (_PAGE_PRESENT | _PAGE_ACCESSED))
			goto out;
	} while (shift > PAGE_SHIFT && (shift == 39 || !(entry & _PAGE_PSE)));

	gpa = (entry & GENMASK_ULL(51, 12) & ~(BIT_ULL(shift) - 1)) |
	      (linear & (BIT_ULL(shift) - 1));
	if (unlikely(holes && mem_is_hole(vm, gpa >> PAGE_SHIFT)) ||
	    (rcu_access_pointer(vm->mem.overlay) && mem_overlay_find(vm, gpa >> PAGE_SHIFT)))
		goto out;
	do {
		ret = mem_read_word(vm, &slot, gpa, buf++) ? -EAGAIN : 0;
		gpa += sizeof(*buf);
	} while (--words && !ret);
out:
	pagefault_enable();
	return ret;
}
