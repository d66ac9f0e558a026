// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that an event causes: exceptions we watch, the host's interrupts, NMIs
 * and machine checks, open windows, shutdown.  enter.c calls them through the
 * table.  What belongs to the host is given to the host's own handler.
 *
 * SDM: "Other Causes of VM Exits", "Information for VM Exits Due to Vectored
 * Events".
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/trapnr.h>

#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

/* The exit took it from the CPU's APIC: its handler is called as the CPU would. */
static noinline void host_interrupt(unsigned int vector)
{
	struct desc_ptr idt;

	store_idt(&idt);
	vmx_do_interrupt(gate_offset((gate_desc *)idt.address + vector));
}

int exit_interrupt(struct vcpu *vcpu)
{
	if (vmx_has(HVMOD_FEATURE_POSTED_INTR)) {
		host_interrupt(vmcs_read(VM_EXIT_INTR_INFO) & INTR_INFO_VECTOR_MASK);
		return EXIT_LEAVE;
	}
	/* It is still pending: the host takes it when interrupts come on. */
	return EXIT_LEAVE;
}

int exit_init(struct vcpu *vcpu)
{
	/* INIT is blocked in VMX root and not meant for the guest. */
	return EXIT_LEAVE;
}

int exit_irq_window(struct vcpu *vcpu)
{
	vmx_set_irq_window(to_vmx(vcpu), false);
	to_vmx(vcpu)->irq_check = true;
	return EXIT_RESUME;
}

int exit_nmi_window(struct vcpu *vcpu)
{
	vmx_set_nmi_window(to_vmx(vcpu), false);
	return EXIT_RESUME;
}

int exit_timer(struct vcpu *vcpu)
{
	vlapic_timer_poll(vcpu);
	return EXIT_RESUME;
}

int exit_triple_fault(struct vcpu *vcpu)
{
	/* What it was delivering is gone, also if user space goes on. */
	vcpu->arch.inject.has_again = false;
	set_bit(VCPU_REQ_TRIPLE_FAULT, &vcpu->requests);
	return EXIT_LEAVE;
}

static void debug_exception(struct vcpu *vcpu, u32 info)
{
	u64 dr6 = vmcs_read(EXIT_QUALIFICATION) & (DR_TRAP_BITS | DR_STEP | DR_SWITCH);
	struct inject_event event = {
		.type = INJECT_PRIV_SOFT_EXC, .vector = X86_TRAP_DB,
	};

	/*
	 * The exit took the pending exceptions with it; an entry with TF in a
	 * shadow is refused without this one: SDM, "Checks on Guest Non-Register
	 * State".
	 */
	if (hw_get_shadow(vcpu) && (vcpu_rflags(vcpu) & X86_EFLAGS_TF))
		hw_pend_single_step(vcpu);
	if (((info & INTR_INFO_INTR_TYPE_MASK) >> 8) != INJECT_PRIV_SOFT_EXC) {
		x86_inject_db(vcpu, dr6);
		return;
	}
	/* INT1: a trap that reports nothing in DR6. */
	event.insn_len = vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	inject_exception(&vcpu->arch.inject, &event);
	vcpu->arch.inject.exc_dr6 = 0;
}

int exit_exception_fast(struct vcpu *vcpu)
{
	u32 info = vmcs_read(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/* IRET unblocked NMIs and then faulted: they are blocked still. */
	if ((info & INTR_INFO_UNBLOCK_NMI) && vector != X86_TRAP_DF &&
	    !(vmx->vectoring & VECTORING_INFO_VALID_MASK))
		hw_set_nmi_blocked(vcpu, true);

	switch (vector) {
	case X86_TRAP_NMI:
		/* NMIs are blocked since the exit; the handler's IRET ends that. */
		asm volatile("int $2" : : : "memory");
		return EXIT_LEAVE;
	case X86_TRAP_MC:
		asm volatile("int $18" : : : "memory");
		return EXIT_LEAVE;
	/*
	 * Delivering either of these can cause it again, before an interrupt of
	 * the host would end the guest's turn: interrupts come on in between.
	 */
	case X86_TRAP_DB:
		debug_exception(vcpu, info);
		return EXIT_LEAVE;
	case X86_TRAP_AC:
		x86_inject_error(vcpu, X86_TRAP_AC, 0);
		return EXIT_LEAVE;
	}
	return EXIT_SLOW;
}

int exit_exception(struct vcpu *vcpu)
{
	vm_kill(vcpu->vm, "vCPU %u: unexpected exception exit, information 0x%lx, at rip 0x%lx",
		vcpu->id, vmcs_read(VM_EXIT_INTR_INFO), vcpu_rip(vcpu));
	return EXIT_RESUME;
}
