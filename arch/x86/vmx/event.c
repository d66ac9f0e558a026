// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way into the guest: what inject.c picked is written into the
 * VMCS, what an exit cut off is taken back.  Called by enter.c with interrupts
 * off, straight before an entry and straight after an exit.
 *
 * SDM: "Event Injection", "Information for VM Exits That Occur During Event
 * Delivery".
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/trace.h"

static void set_cpu_ctl(struct vmx_vcpu *vmx, u32 bit, bool on)
{
	u32 ctl = on ? vmx->cpu_ctl | bit : vmx->cpu_ctl & ~bit;

	if (ctl == vmx->cpu_ctl)
		return;
	vmx->cpu_ctl = ctl;
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL, ctl);
}

void vmx_set_irq_window(struct vmx_vcpu *vmx, bool on)
{
	set_cpu_ctl(vmx, CPU_BASED_INTR_WINDOW_EXITING, on);
}

void vmx_set_nmi_window(struct vmx_vcpu *vmx, bool on)
{
	set_cpu_ctl(vmx, CPU_BASED_NMI_WINDOW_EXITING, on);
}

static void inject_event(struct vcpu *vcpu, const struct inject_event *event)
{
	u32 info = event->vector | event->type << 8 | INTR_INFO_VALID_MASK;

	if (event->has_error) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		/* Bits above 15 must be zero at entry; a guest's #PF has none. */
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, event->error & 0xffff);
	}
	if (event->type >= INJECT_SOFT_INT)
		vmcs_write(VM_ENTRY_INSTRUCTION_LEN, event->insn_len);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, info);
	to_vmx(vcpu)->injected = true;
	trace_hvmod_inject(vcpu->id, info, event->error);
}

static u32 blocked_now(struct vcpu *vcpu)
{
	u32 info = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
	u32 blocked = 0;

	if (!(vcpu_rflags(vcpu) & X86_EFLAGS_IF) ||
	    (info & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		blocked |= INJECT_IRQ_BLOCKED;
	/* STI's shadow blocks NMIs on some CPUs: an entry would be refused. */
	if (info & (GUEST_INTR_STATE_NMI | GUEST_INTR_STATE_MOV_SS | GUEST_INTR_STATE_STI))
		blocked |= INJECT_NMI_BLOCKED;
	return blocked;
}

static void inject_exc(struct vcpu *vcpu)
{
	struct inject *inject = &vcpu->arch.inject;

	if (inject->exc.vector == X86_TRAP_PF)
		vcpu->arch.cr2 = inject->exc_cr2;
	if (inject->exc.vector == X86_TRAP_DB) {
		vcpu->arch.dr6 |= inject->exc_dr6;
		/* Delivery of a #DB clears GD. */
		if (vcpu->arch.dr7 & X86_DR7_GD)
			hw_set_dr7(vcpu, vcpu->arch.dr7 & ~(u64)X86_DR7_GD);
	}
	/* A fault pushes RF set, so that the breakpoint does not hit again. */
	if (inject->exc.type == INJECT_EXCEPTION && inject->exc.vector != X86_TRAP_DB)
		vcpu_set_rflags(vcpu, vcpu_rflags(vcpu) | X86_EFLAGS_RF);
	inject->has_exc = false;
	inject_event(vcpu, &inject->exc);
}

static void inject_nmi(struct vcpu *vcpu)
{
	static const struct inject_event nmi = { .type = INJECT_NMI, .vector = X86_TRAP_NMI };

	vcpu->arch.inject.nmi_pending--;
	inject_event(vcpu, &nmi);
}

static void inject_irq(struct vcpu *vcpu)
{
	int vector = to_vmx(vcpu)->vid ? x86_irq_ack_outside(vcpu) : x86_irq_ack(vcpu);
	struct inject_event irq = { .type = INJECT_INTERRUPT };

	if (vector < 0)
		return;
	irq.vector = vector;
	vcpu->stat.injected++;
	inject_event(vcpu, &irq);
}

/* Does an interrupt wait that the hardware does not deliver by itself? */
static bool irq_waits(struct vcpu *vcpu)
{
	return (to_vmx(vcpu)->vid ? x86_irq_outside(vcpu) : x86_irq_pending(vcpu)) >= 0;
}

bool vmx_events_prepare(struct vcpu *vcpu)
{
	struct inject *inject = &vcpu->arch.inject;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool irq;
	int nmis;

	vmx->irq_check = false;
	nmis = atomic_xchg(&vcpu->arch.nmi_queued, 0);
	/* One is taken and one waits; behind a blocked door only one can wait. */
	if (nmis)
		inject->nmi_pending = min(inject->nmi_pending + nmis,
					  hw_nmi_blocked(vcpu) ? 1 : 2);
	irq = irq_waits(vcpu);

	switch (inject_pick(inject, irq, blocked_now(vcpu))) {
	case INJECT_PICK_SHUTDOWN:
		return false;
	case INJECT_PICK_AGAIN:
		inject->has_again = false;
		inject_event(vcpu, &inject->again);
		break;
	case INJECT_PICK_EXC:
		inject_exc(vcpu);
		break;
	case INJECT_PICK_NMI:
		inject_nmi(vcpu);
		break;
	case INJECT_PICK_IRQ:
		inject_irq(vcpu);
		irq = irq_waits(vcpu);
		break;
	case INJECT_PICK_NONE:
		break;
	}
	vmx_set_irq_window(vmx, irq);
	vmx_set_nmi_window(vmx, inject->nmi_pending);
	if (vmx_has(HVMOD_FEATURE_TPR_SHADOW))
		vmx_apic_prepare(vcpu);
	return true;
}

void vmx_events_recover(struct vcpu *vcpu)
{
	struct inject *inject = &vcpu->arch.inject;
	u32 info = to_vmx(vcpu)->vectoring;
	struct inject_event *again = &inject->again;

	again->vector = info & INTR_INFO_VECTOR_MASK;
	again->type = (info & INTR_INFO_INTR_TYPE_MASK) >> 8;
	again->has_error = info & VECTORING_INFO_DELIVER_CODE_MASK;
	again->error = again->has_error ? vmcs_read(IDT_VECTORING_ERROR_CODE) : 0;
	again->insn_len = 0;
	if (again->type >= INJECT_SOFT_INT)
		again->insn_len = vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	/* Its delivery did not block NMIs after all. */
	if (again->type == INJECT_NMI)
		hw_set_nmi_blocked(vcpu, false);
	inject->has_again = true;
}
