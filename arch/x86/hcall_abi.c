// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls as registers: a Xen guest's VMCALL becomes a struct hcall and its
 * result a value in RAX; the guest's address space as hypercalls see it.  Exit
 * handlers call it.  It must change no other register, as Xen does not.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/hypercall.h"

/* Registers of the arguments, by convention of the caller's mode. */
static const u8 regs_64[6] = {
	HVMOD_RDI, HVMOD_RSI, HVMOD_RDX, HVMOD_R10, HVMOD_R8, HVMOD_R9,
};

static const u8 regs_32[6] = {
	HVMOD_RBX, HVMOD_RCX, HVMOD_RDX, HVMOD_RSI, HVMOD_RDI, HVMOD_RBP,
};

/* The call is made again with what is left of its arguments. */
static void set_args(struct vcpu *vcpu, const struct hcall *h, const u8 *regs)
{
	int i;

	for (i = 0; i < 6; i++)
		vcpu_set_gpr(vcpu, regs[i], h->arg[i]);
}

static void set_result(struct vcpu *vcpu, const struct hcall *h, long result)
{
	vcpu_set_gpr(vcpu, HVMOD_RAX, h->is_64bit ? result : (u32)result);
}

int hcall_abi_do(struct vcpu *vcpu, bool fast)
{
	struct hcall h = { .vcpu = vcpu, .fast = fast, .is_64bit = vcpu_64bit(vcpu) };
	const u8 *regs = h.is_64bit ? regs_64 : regs_32;
	long ret;
	int i;

	/* Only the kernel's; real mode is one of 32 bits. */
	if (vcpu_cpl(vcpu)) {
		set_result(vcpu, &h, -EPERM);
		return RUN_RESUME;
	}
	h.nr = vcpu_gpr(vcpu, HVMOD_RAX);
	if (!h.is_64bit)
		h.nr = (u32)h.nr;
	for (i = 0; i < 6; i++) {
		h.arg[i] = vcpu_gpr(vcpu, regs[i]);
		if (!h.is_64bit)
			h.arg[i] = (u32)h.arg[i];
	}
	ret = hcall_do(&h);
	if (fast && ret == HCALL_SLOW)
		return HCALL_ABI_SLOW;
	if (unlikely(h.again)) {
		set_args(vcpu, &h, regs);
		return h.to_user ? HCALL_ABI_AGAIN_USER : HCALL_ABI_AGAIN;
	}
	set_result(vcpu, &h, ret);
	return h.to_user ? RUN_TO_USER : RUN_RESUME;
}

/* ---- the guest's address space ---- */

static int translate(struct vcpu *vcpu, u64 gva, u32 access, u64 *gpa)
{
	struct paging_fault fault;
	int ret = paging_translate(vcpu, gva, access, gpa, &fault);

	/* A table outside of memory is no more than a bad address here. */
	return ret && ret != -EAGAIN ? -EFAULT : ret;
}

int arch_guest_read(struct vcpu *vcpu, u64 gva, void *buf, size_t len, bool atomic)
{
	u32 access = atomic ? PAGING_ATOMIC : 0;
	u64 word[2];
	size_t n;
	u64 gpa;
	int ret;

	/* What a hypercall points to is small, and the guest has just written it. */
	if (atomic && len <= sizeof(word)) {
		n = DIV_ROUND_UP(len, sizeof(u64));
		if (n && paging_can_peek(vcpu, gva, n) && !paging_peek(vcpu, gva, word, n)) {
			memcpy(buf, word, len);
			return 0;
		}
	}
	for (; len; len -= n, gva += n, buf += n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
		ret = translate(vcpu, gva, access, &gpa);
		if (ret)
			return atomic ? -EAGAIN : ret;
		if (atomic)
			ret = mem_read_atomic(vcpu->vm, gpa, buf, n);
		else
			ret = mem_read(vcpu->vm, gpa, buf, n);
		if (ret)
			return atomic ? -EAGAIN : ret;
	}
	return 0;
}

int arch_guest_write(struct vcpu *vcpu, u64 gva, const void *buf, size_t len)
{
	size_t n;
	u64 gpa;
	int ret;

	for (; len; len -= n, gva += n, buf += n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
		ret = translate(vcpu, gva, PAGING_WRITE, &gpa);
		if (!ret)
			ret = mem_write(vcpu->vm, gpa, buf, n);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what module/xen/ asks ---- */

bool arch_xen_upcall(struct vcpu *vcpu, u8 vector)
{
	struct apic_msg msg = {
		.vector = vector, .mode = VLAPIC_MODE_FIXED, .shorthand = VLAPIC_SHORTHAND_SELF,
		.assert = true,
	};

	return vlapic_deliver(vcpu->vm, vcpu, &msg);
}

/* Xen's layout: a stub of 32 bytes for each hypercall. */
#define STUB_SIZE	32
#define STUBS		(PAGE_SIZE / STUB_SIZE)

int arch_xen_hypercall_page(struct vcpu *vcpu, u64 gfn)
{
	/* mov $nr, %eax; vmcall; ret */
	static const u8 stub[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3 };
	u8 room[STUB_SIZE];
	u32 nr;

	for (nr = 0; nr < STUBS; nr++) {
		memset(room, 0xcc, sizeof(room));
		memcpy(room, stub, sizeof(stub));
		memcpy(room + 1, &nr, sizeof(nr));
		/* As Xen has it: a guest of this kind has no iret.  UD2. */
		if (nr == __HYPERVISOR_iret)
			memcpy(room, "\x0f\x0b", 2);
		if (mem_write(vcpu->vm, (gfn << PAGE_SHIFT) + nr * STUB_SIZE, room, sizeof(room)))
			return -EFAULT;
	}
	return 0;
}

int hcall_abi_page(struct vcpu *vcpu, u64 value)
{
	/* The low bits number the page: there is one. */
	if (offset_in_page(value) || value >= HVMOD_MAX_GPA)
		return -EINVAL;
	if (arch_xen_hypercall_page(vcpu, value >> PAGE_SHIFT))
		return -EINVAL;
	xen_set_layout(vcpu->vm, vcpu_64bit(vcpu));
	return 0;
}
