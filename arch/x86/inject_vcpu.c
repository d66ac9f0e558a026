// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions and NMIs for a vCPU: the wrappers that know its mode and its CR2.
 * Exit handlers and the emulator call them on the vCPU's thread, the NMI ioctl
 * and the local APIC from anywhere.  They queue and never deliver.
 */
#include <asm/trapnr.h>

#include "arch/x86/hw.h"
#include "arch/x86/inject.h"
#include "module/arch.h"

static void queue(struct vcpu *vcpu, u8 vector, bool has_error, u32 error)
{
	struct inject *inject = &vcpu->arch.inject;
	const struct inject_event event = {
		.type = INJECT_EXCEPTION,
		.vector = vector,
		/* Real mode pushes no error codes. */
		.has_error = has_error && vcpu_protected(vcpu),
		.error = error,
	};

	inject_exception(inject, &event);
	if (inject->has_exc && inject->exc.vector == X86_TRAP_DF)
		inject->exc.has_error = vcpu_protected(vcpu);
	if (inject->triple_fault)
		vcpu_request(vcpu, VCPU_REQ_TRIPLE_FAULT);
}

void x86_inject(struct vcpu *vcpu, u8 vector)
{
	queue(vcpu, vector, false, 0);
}

void x86_inject_error(struct vcpu *vcpu, u8 vector, u32 error)
{
	queue(vcpu, vector, true, error);
}

void x86_inject_gp(struct vcpu *vcpu)
{
	queue(vcpu, X86_TRAP_GP, true, 0);
}

void x86_inject_ud(struct vcpu *vcpu)
{
	queue(vcpu, X86_TRAP_UD, false, 0);
}

void x86_inject_pf(struct vcpu *vcpu, u64 addr, u32 error)
{
	struct inject *inject = &vcpu->arch.inject;

	/* A #PF that this one turns into #DF has left its address already. */
	if (inject->has_exc && inject->exc.vector == X86_TRAP_PF)
		vcpu->arch.cr2 = inject->exc_cr2;

	queue(vcpu, X86_TRAP_PF, true, error);
	if (inject->has_exc && inject->exc.vector == X86_TRAP_PF)
		inject->exc_cr2 = addr;
	else
		vcpu->arch.cr2 = addr;
}

void x86_inject_db(struct vcpu *vcpu, u64 dr6)
{
	vcpu->arch.inject.exc_dr6 = dr6;
	queue(vcpu, X86_TRAP_DB, false, 0);
}

void arch_vcpu_nmi(struct vcpu *vcpu)
{
	/* One is taken, one waits behind it: any more are lost, as on a PC. */
	atomic_add_unless(&vcpu->arch.nmi_queued, 1, 2);
	vcpu_request(vcpu, VCPU_REQ_EVENT);
}
