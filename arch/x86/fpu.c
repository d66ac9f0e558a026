// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's x87, SSE and AVX state, kept in the kernel's own guest FPU
 * container: it is in the CPU while HVMOD_VCPU_RUN runs and in memory
 * otherwise.  Called around runs, by state handlers and by the emulator.  It
 * must not touch vector registers without fpregs_lock(): an interrupt may use
 * them.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>

#include "arch/x86/arch_x86.h"

#define FPU_LEGACY_SIZE	(512 + 64)	/* FXSAVE area and XSAVE header */
#define FPU_MXCSR_RESET	0x1f80
#define FPU_FCW_RESET	0x40

/* What the guest may have: dynamic (AMX) and keys (PKRU) need more than this. */
#define FPU_SUPPORTED	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

u64 fpu_host_xcr0(void)
{
	u64 xcr0;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return XFEATURE_MASK_FP;
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) & FPU_SUPPORTED;
	/* AVX-512 comes as a whole. */
	if ((xcr0 & XFEATURE_MASK_AVX512) != XFEATURE_MASK_AVX512)
		xcr0 &= ~(u64)XFEATURE_MASK_AVX512;
	return xcr0;
}

/* The standard form holds every component at its place, up to the last one. */
u32 fpu_xsave_size(void)
{
	u32 size = FPU_LEGACY_SIZE, eax, ebx, ecx, edx;
	u64 rest = fpu_host_xcr0() & ~(u64)XFEATURE_MASK_FPSSE;
	int i;

	for (i = 2; i < 63; i++) {
		if (!(rest & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		size = max(size, ebx + eax);
	}
	return size;
}

int fpu_vcpu_init(struct vcpu *vcpu)
{
	struct fpu_guest *fpu = kzalloc(sizeof(*fpu), GFP_KERNEL_ACCOUNT);

	if (!fpu)
		return -ENOMEM;
	if (!fpu_alloc_guest_fpstate(fpu)) {
		kfree(fpu);
		return -ENOMEM;
	}
	vcpu->arch.fpu = fpu;
	return 0;
}

void fpu_vcpu_destroy(struct vcpu *vcpu)
{
	if (!vcpu->arch.fpu)
		return;
	fpu_free_guest_fpstate(vcpu->arch.fpu);
	kfree(vcpu->arch.fpu);
	vcpu->arch.fpu = NULL;
}

/*
 * INIT leaves the registers alone.  A reset arrives through an ioctl or at
 * creation, when the state is in memory.
 */
void fpu_vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct fpstate *state = vcpu->arch.fpu->fpstate;
	struct fxregs_state *fx = &state->regs.fxsave;

	if (init)
		return;
	if (WARN_ON_ONCE(state->in_use))
		return;

	memset(fx, 0, sizeof(*fx));
	fx->cwd = FPU_FCW_RESET;
	fx->twd = 0xff;		/* abridged: all registers hold +0.0 */
	fx->mxcsr = FPU_MXCSR_RESET;
	/* Other components: in their initial state by a clear header bit. */
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		state->regs.xsave.header.xfeatures = XFEATURE_MASK_FPSSE;
}

void fpu_begin(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(vcpu->arch.fpu, true);
}

void fpu_end(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(vcpu->arch.fpu, false);
}

void fpu_reload(struct vcpu *vcpu)
{
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* No guest has a dynamic component yet (AMX): there is always room. */
int fpu_cpuid_changed(struct vcpu *vcpu)
{
	return 0;
}

int fpu_get_xsave(struct vcpu *vcpu, void __user *to, u32 size)
{
	u32 expected = fpu_xsave_size();
	int err = 0;
	void *buf;

	if (size != expected)
		return -EINVAL;
	buf = kvzalloc(expected, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	fpu_copy_guest_fpstate_to_uabi(vcpu->arch.fpu, buf, expected, fpu_host_xcr0(), 0);
	if (copy_to_user(to, buf, expected))
		err = -EFAULT;
	kvfree(buf);
	return err;
}

int fpu_set_xsave(struct vcpu *vcpu, const void __user *from, u32 size)
{
	u32 expected = fpu_xsave_size();
	u32 pkru = 0;
	void *buf;
	int err;

	if (size != expected)
		return -EINVAL;
	/* The kernel reads a component only when the header names it. */
	buf = kvzalloc(max_t(u32, expected, PAGE_SIZE), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	err = -EFAULT;
	if (!copy_from_user(buf, from, expected))
		err = fpu_copy_uabi_to_guest_fpstate(vcpu->arch.fpu, buf,
						     fpu_host_xcr0(), &pkru);
	kvfree(buf);
	return err;
}

struct fpu_vec {
	u8 byte[32];
};

/* The number of a vector register is part of the instruction: try each. */
#define FPU_STORE_ONE(insn, nr) do {					\
	if (reg == (nr))						\
		asm volatile(insn #nr ", %0" : "=m" (vec));		\
} while (0)

#define FPU_LOAD_ONE(insn, nr) do {					\
	if (reg == (nr))						\
		asm volatile(insn #nr : : "m" (vec));			\
} while (0)

#define FPU_EACH(one, insn) do {					\
	one(insn, 0); one(insn, 1); one(insn, 2); one(insn, 3);		\
	one(insn, 4); one(insn, 5); one(insn, 6); one(insn, 7);		\
	one(insn, 8); one(insn, 9); one(insn, 10); one(insn, 11);	\
	one(insn, 12); one(insn, 13); one(insn, 14); one(insn, 15);	\
} while (0)

/* Preemption may have put the guest's registers into memory: bring them back. */
static void fpu_vec_begin(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

void fpu_read_vec(struct vcpu *vcpu, unsigned int reg, void *buf, unsigned int len)
{
	struct fpu_vec vec = {};

	fpu_vec_begin();
	if (len > 16 && boot_cpu_has(X86_FEATURE_AVX))
		FPU_EACH(FPU_STORE_ONE, "vmovups %%ymm");
	else
		FPU_EACH(FPU_STORE_ONE, "movups %%xmm");
	fpregs_unlock();
	memcpy(buf, vec.byte, min_t(unsigned int, len, sizeof(vec)));
}

void fpu_write_vec(struct vcpu *vcpu, unsigned int reg, const void *buf, unsigned int len,
		   bool zero_upper)
{
	struct fpu_vec vec = {};

	memcpy(vec.byte, buf, min_t(unsigned int, len, sizeof(vec)));
	fpu_vec_begin();
	/* A VEX-encoded move clears the register above what it writes. */
	if (len > 16 && boot_cpu_has(X86_FEATURE_AVX))
		FPU_EACH(FPU_LOAD_ONE, "vmovups %0, %%ymm");
	else if (zero_upper && boot_cpu_has(X86_FEATURE_AVX))
		FPU_EACH(FPU_LOAD_ONE, "vmovups %0, %%xmm");
	else
		FPU_EACH(FPU_LOAD_ONE, "movups %0, %%xmm");
	fpregs_unlock();
}
