/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX instructions as inline functions; only files of arch/x86/vmx/ include
 * it.  Every one has an exception-table entry: when a reboot or a crash has left
 * VMX under our feet they do nothing instead of raising #UD.  None checks its
 * caller: the CPU must be in VMX root, vmcs_*() need a current VMCS.
 *
 * SDM: "VMX Instruction Reference".
 */
#ifndef ARCH_X86_VMX_INSN_H
#define ARCH_X86_VMX_INSN_H

#include <linux/errno.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* 0, or -EIO: VMfail or a fault. */
static inline int vmx_vmxon(u64 pa)
{
	asm goto("1: vmxon %[pa]\n\t"
		 "jna %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int vmx_vmxoff(void)
{
	asm goto("1: vmxoff\n\t"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int vmx_vmclear(u64 pa)
{
	asm goto("1: vmclear %[pa]\n\t"
		 "jna %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int vmx_vmptrld(u64 pa)
{
	asm goto("1: vmptrld %[pa]\n\t"
		 "jna %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static __always_inline unsigned long vmcs_read(unsigned long field)
{
	unsigned long value;

	asm volatile("1: vmread %[field], %[value]\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "=r" (value) : [field] "r" (field) : "cc");
	return value;
}

static __always_inline void vmcs_write(unsigned long field, unsigned long value)
{
	asm volatile("1: vmwrite %[value], %[field]\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : [value] "r" (value), [field] "r" (field) : "cc", "memory");
}

struct vmx_inv_desc {
	u64 first;	/* INVEPT: EPTP; INVVPID: VPID */
	u64 second;	/* INVVPID: linear address */
};

static inline void vmx_invept(unsigned long type, u64 eptp)
{
	struct vmx_inv_desc desc = { eptp, 0 };

	asm volatile("1: invept %[desc], %[type]\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory");
}

static inline void vmx_invvpid(unsigned long type, u16 vpid, u64 linear)
{
	struct vmx_inv_desc desc = { vpid, linear };

	asm volatile("1: invvpid %[desc], %[type]\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory");
}

#endif /* ARCH_X86_VMX_INSN_H */
