// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that an instruction of the guest causes.  Each handler decodes what the
 * VMCS tells and asks shared x86 code; enter.c calls them through the table and
 * moves RIP when one returns EXIT_DONE.  None decides policy.
 *
 * SDM: "Instructions That Cause VM Exits", "Exit Qualification".
 */
#include <asm/msr-index.h>

#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"
#include "module/xen/xen.h"

static int from_run(int run)
{
	if (run == RUN_RESUME)
		return EXIT_RESUME;
	return run == RUN_TO_USER ? EXIT_USER : run;
}

static int fault_gp(struct vcpu *vcpu)
{
	x86_inject_gp(vcpu);
	return EXIT_RESUME;
}

int exit_ud(struct vcpu *vcpu)
{
	x86_inject_ud(vcpu);
	return EXIT_RESUME;
}

int exit_cpuid(struct vcpu *vcpu)
{
	cpuid_exec(vcpu);
	return EXIT_DONE;
}

int exit_rdmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->arch.gpr[HVMOD_RCX];
	u64 value;

	if (unlikely(vcpu->xen && hcall_abi_is_page_msr(index)))
		value = 0;
	else if (msr_read(vcpu, index, &value, false))
		return fault_gp(vcpu);
	vcpu->arch.gpr[HVMOD_RAX] = (u32)value;
	vcpu->arch.gpr[HVMOD_RDX] = value >> 32;
	return EXIT_DONE;
}

int exit_wrmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->arch.gpr[HVMOD_RCX];
	u64 value = (u32)vcpu->arch.gpr[HVMOD_RAX] | (u64)vcpu->arch.gpr[HVMOD_RDX] << 32;

	/* They fill a page of the guest, or take one away: not here. */
	if (unlikely((vcpu->xen && hcall_abi_is_page_msr(index)) || index == MSR_IA32_APICBASE))
		return EXIT_SLOW;
	if (msr_write(vcpu, index, value, false))
		return fault_gp(vcpu);
	/* TPR and EOI change what can be delivered. */
	if ((index & ~0xffU) == 0x800)
		to_vmx(vcpu)->irq_check = true;
	return EXIT_DONE;
}

int exit_wrmsr_slow(struct vcpu *vcpu)
{
	u64 value = (u32)vcpu->arch.gpr[HVMOD_RAX] | (u64)vcpu->arch.gpr[HVMOD_RDX] << 32;

	int ret;

	if ((u32)vcpu->arch.gpr[HVMOD_RCX] == MSR_IA32_APICBASE)
		ret = msr_write(vcpu, MSR_IA32_APICBASE, value, false);
	else
		ret = hcall_abi_page(vcpu, value);
	return ret ? fault_gp(vcpu) : EXIT_DONE;
}

/* Exit Qualification for I/O Instructions */
int exit_io_fast(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	int ret;

	if (qual & BIT(4))
		return EXIT_SLOW;
	ret = emul_io(vcpu, qual >> 16, (qual & 7) + 1, qual & BIT(3));
	if (ret == RUN_RESUME)
		return EXIT_DONE;
	return from_run(ret);
}

int exit_io(struct vcpu *vcpu)
{
	/* The emulator runs over addresses of the guest's choice. */
	to_vmx(vcpu)->flush_l1d = true;
	return from_run(emul_string_io(vcpu));
}

int exit_hlt(struct vcpu *vcpu)
{
	hw_advance(vcpu);
	vcpu->stat.halts++;
	/* For Xen a vCPU that no interrupt can wake is down. */
	if (unlikely(vcpu->xen) && !(vcpu_rflags(vcpu) & X86_EFLAGS_IF))
		xen_vcpu_down(vcpu, vcpu);
	/* A single-step trap is pending: it ends the halt at once. */
	else if (!(vcpu_rflags(vcpu) & X86_EFLAGS_TF))
		WRITE_ONCE(vcpu->arch.mp_state, HVMOD_MP_HALTED);
	return EXIT_LEAVE;
}

/* Exit Qualification for Control-Register Accesses */
#define CR_MOV_TO	0
#define CR_MOV_FROM	1
#define CR_CLTS		2
#define CR_LMSW		3

int exit_cr_fast(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	unsigned int nr = qual & 15, type = (qual >> 4) & 3, reg = (qual >> 8) & 15;
	u64 value;

	if (nr != 8)
		return EXIT_SLOW;
	if (type == CR_MOV_FROM) {
		vcpu_set_gpr(vcpu, reg, vlapic_get_cr8(vcpu));
		return EXIT_DONE;
	}
	value = vcpu_gpr(vcpu, reg);
	if (value & ~15ULL)
		return fault_gp(vcpu);
	vlapic_set_cr8(vcpu, value);
	to_vmx(vcpu)->irq_check = true;
	return EXIT_DONE;
}

static int mov_to_cr(struct vcpu *vcpu, unsigned int nr, u64 value)
{
	if (!vcpu_64bit(vcpu))
		value = (u32)value;
	switch (nr) {
	case 0:
		return cr_write_cr0(vcpu, value);
	case 3:
		return cr_write_cr3(vcpu, value);
	case 4:
		return cr_write_cr4(vcpu, value);
	}
	return -EINVAL;
}

int exit_cr(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	unsigned int nr = qual & 15, reg = (qual >> 8) & 15;
	int ret = 0;

	switch ((qual >> 4) & 3) {
	case CR_MOV_TO:
		ret = mov_to_cr(vcpu, nr, vcpu_gpr(vcpu, reg));
		break;
	case CR_MOV_FROM:
		vcpu_set_gpr(vcpu, reg, vcpu_cr3(vcpu));
		break;
	case CR_CLTS:
		ret = cr_write_cr0(vcpu, vcpu_cr0(vcpu) & ~(u64)X86_CR0_TS);
		break;
	case CR_LMSW:
		ret = cr_lmsw(vcpu, qual >> 16);
		break;
	}
	if (ret == -EINVAL)
		return fault_gp(vcpu);
	return ret ?: EXIT_DONE;
}

/* Exit Qualification for MOV DR */
int exit_dr(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	unsigned int nr = qual & 7, reg = (qual >> 8) & 15;
	u64 value;
	int ret;

	if (vcpu->arch.dr7 & X86_DR7_GD) {
		x86_inject_db(vcpu, X86_DR6_BD);
		return EXIT_RESUME;
	}
	if (qual & BIT(4)) {
		ret = cr_read_dr(vcpu, nr, &value);
		if (!ret)
			vcpu_set_gpr(vcpu, reg, value);
	} else {
		value = vcpu_gpr(vcpu, reg);
		if (!vcpu_64bit(vcpu))
			value = (u32)value;
		ret = cr_write_dr(vcpu, nr, value);
	}
	if (ret == -ENOENT)
		return exit_ud(vcpu);
	if (ret)
		return fault_gp(vcpu);
	/* Breakpoints are loaded where the loop begins. */
	if (vcpu->arch.dr7 & 0xff) {
		hw_advance(vcpu);
		return EXIT_LEAVE;
	}
	return EXIT_DONE;
}

int exit_xsetbv(struct vcpu *vcpu)
{
	u64 value = (u32)vcpu->arch.gpr[HVMOD_RAX] | (u64)vcpu->arch.gpr[HVMOD_RDX] << 32;

	if (cr_write_xcr(vcpu, vcpu->arch.gpr[HVMOD_RCX], value))
		return fault_gp(vcpu);
	return EXIT_DONE;
}

static int vmcall(struct vcpu *vcpu, bool fast)
{
	int ret = hcall_abi_do(vcpu, fast);

	switch (ret) {
	case RUN_RESUME:
		return EXIT_DONE;
	case HCALL_ABI_SLOW:
		return EXIT_SLOW;
	case HCALL_ABI_AGAIN:
		return EXIT_LEAVE;
	case RUN_TO_USER:
		hw_advance(vcpu);
		return EXIT_USER;
	case HCALL_ABI_AGAIN_USER:
		return EXIT_USER;
	}
	return ret;
}

int exit_vmcall(struct vcpu *vcpu)
{
	if (likely(vcpu->xen))
		return vmcall(vcpu, true);
	/* A PC has no hypercalls; the answers are those of Xen. */
	vcpu->arch.gpr[HVMOD_RAX] = vcpu_cpl(vcpu) ? -EPERM : -ENOSYS;
	return EXIT_DONE;
}

int exit_vmcall_slow(struct vcpu *vcpu)
{
	return vmcall(vcpu, false);
}

int exit_pause(struct vcpu *vcpu)
{
	/* The holder of the lock it spins on may wait for this CPU. */
	yield();
	return EXIT_DONE;
}

int exit_wbinvd(struct vcpu *vcpu)
{
	/* No device of ours reads memory behind the caches. */
	return EXIT_DONE;
}

int exit_rdpmc(struct vcpu *vcpu)
{
	/* CPUID offers no counters: every index is out of range. */
	return fault_gp(vcpu);
}

/* Exit Qualification for Task Switches */
#define TASK_SOURCE(qual)	(((qual) >> 30) & 3)
#define TASK_BY_IDT		3

int exit_task_switch(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	struct task_request request = { .source = TASK_SOURCE(qual), .target = qual };

	/* Instructions, INT n among them: the old task goes on behind it. */
	if (request.source != TASK_BY_IDT || vcpu->arch.inject.again.type >= INJECT_SOFT_INT)
		request.insn_len = vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	task_vcpu_switch(vcpu, &request);
	return EXIT_RESUME;
}
