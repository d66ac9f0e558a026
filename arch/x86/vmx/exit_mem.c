// SPDX-License-Identifier: GPL-2.0
/*
 * EPT violations: memory that is not mapped yet, or no memory at all.  enter.c
 * calls them through the table.  Memory is module/mem.c's, everything else goes
 * to the emulator.
 *
 * SDM: "EPT Violations", "Exit Qualification for EPT Violations".
 */
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

#define QUAL_READ		BIT(0)
#define QUAL_WRITE		BIT(1)
#define QUAL_FETCH		BIT(2)
#define QUAL_LINEAR_VALID	BIT(7)
#define QUAL_LINEAR		(BIT(7) | BIT(8))	/* the access itself, not a page walk */
#define QUAL_NMI_UNBLOCKED	BIT(12)

static bool delivering(struct vcpu *vcpu)
{
	return to_vmx(vcpu)->vectoring & VECTORING_INFO_VALID_MASK;
}

static u32 access_of(unsigned long qual)
{
	BUILD_BUG_ON(QUAL_READ != MEM_ACC_READ || QUAL_WRITE != MEM_ACC_WRITE ||
		     QUAL_FETCH != MEM_ACC_EXEC);
	return qual & (QUAL_READ | QUAL_WRITE | QUAL_FETCH);
}

int exit_ept_violation_fast(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);
	int ret;

	/* IRET unblocked NMIs and then faulted: they are blocked still. */
	if ((qual & QUAL_NMI_UNBLOCKED) && !delivering(vcpu))
		hw_set_nmi_blocked(vcpu, true);
	switch (mem_fault_fast(vcpu, gpa, access_of(qual))) {
	case MEM_FAULT_MAPPED:
		return EXIT_RESUME;
	case MEM_FAULT_MMIO:
		break;
	default:
		return EXIT_SLOW;
	}
	if ((qual & QUAL_FETCH) || (qual & QUAL_LINEAR) != QUAL_LINEAR || delivering(vcpu) ||
	    vmx_apic_page_wanted(vcpu, gpa))
		return EXIT_SLOW;

	ret = emul_mmio_fast(vcpu, gpa, qual & QUAL_WRITE);
	if (ret == -EAGAIN)
		return EXIT_SLOW;
	/* A register of the APIC decides what is deliverable; other devices send a request. */
	if (vlapic_in_page(vcpu, gpa))
		to_vmx(vcpu)->irq_check = true;
	return ret == RUN_TO_USER ? EXIT_USER : EXIT_RESUME;
}

static int not_memory(struct vcpu *vcpu, u64 gpa, unsigned long qual)
{
	int ret;

	if (delivering(vcpu)) {
		vm_kill(vcpu->vm,
			"vCPU %u: an event is delivered through gpa 0x%llx, which is no memory (rip 0x%lx)",
			vcpu->id, gpa, vcpu_rip(vcpu));
		return EXIT_RESUME;
	}
	if (qual & QUAL_FETCH) {
		vm_kill(vcpu->vm,
			"vCPU %u: rip 0x%lx is at gpa 0x%llx, which is no memory",
			vcpu->id, vcpu_rip(vcpu), gpa);
		return EXIT_RESUME;
	}
	ret = emul_mmio(vcpu, gpa, qual & QUAL_WRITE);
	to_vmx(vcpu)->irq_check = true;
	/* The emulator ran over addresses of the guest's choice. */
	to_vmx(vcpu)->flush_l1d = true;
	if (ret == RUN_RESUME)
		return EXIT_RESUME;
	return ret == RUN_TO_USER ? EXIT_USER : ret;
}

/* A walk of the guest's tables that is a write for the sake of EPT's dirty bits only. */
static bool is_walk_in_rom(struct vcpu *vcpu, u64 gpa, unsigned long qual)
{
	return (qual & QUAL_LINEAR) == QUAL_LINEAR_VALID &&
	       (to_vmx(vcpu)->eptp & VMX_EPTP_AD_ENABLE_BIT) &&
	       mem_is_readonly(vcpu->vm, gpa >> PAGE_SHIFT);
}

int exit_ept_violation(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);

	if (vmx_apic_page_wanted(vcpu, gpa) && vmx_apic_page_map(vcpu))
		return EXIT_RESUME;
	switch (mem_fault(vcpu, gpa, access_of(qual))) {
	case MEM_FAULT_MAPPED:
	case MEM_FAULT_RETRY:
		return EXIT_RESUME;
	case MEM_FAULT_MMIO:
		if (is_walk_in_rom(vcpu, gpa, qual)) {
			ept_drop_ad(vcpu->vm);
			return EXIT_RESUME;
		}
		return not_memory(vcpu, gpa, qual);
	case MEM_FAULT_GONE:
		vm_kill(vcpu->vm,
			"vCPU %u: the launcher's mapping behind gpa 0x%llx is gone or forbids the access (rip 0x%lx)",
			vcpu->id, gpa, vcpu_rip(vcpu));
		return EXIT_RESUME;
	case MEM_FAULT_NOMEM:
		return -ENOMEM;
	case MEM_FAULT_SIGNAL:
		return -EINTR;
	}
	return -EIO;
}

/* Exit Qualification for APIC-Access VM Exits */
#define APIC_TYPE(qual)		(((qual) >> 12) & 15)
#define APIC_LINEAR_READ	0
#define APIC_LINEAR_WRITE	1
#define APIC_LINEAR_FETCH	2

static u64 apic_access_gpa(struct vcpu *vcpu, unsigned long qual)
{
	return (vcpu->arch.apic_base & GENMASK_ULL(51, 12)) | (qual & 0xfff);
}

int exit_apic_access_fast(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	unsigned int type = APIC_TYPE(qual);
	int ret;

	if (type > APIC_LINEAR_WRITE || delivering(vcpu))
		return EXIT_SLOW;
	ret = emul_mmio_fast(vcpu, apic_access_gpa(vcpu, qual), type == APIC_LINEAR_WRITE);
	if (ret == -EAGAIN)
		return EXIT_SLOW;
	to_vmx(vcpu)->irq_check = true;
	return ret == RUN_TO_USER ? EXIT_USER : EXIT_RESUME;
}

int exit_apic_access(struct vcpu *vcpu)
{
	unsigned long qual = vmcs_read(EXIT_QUALIFICATION);
	unsigned long access = QUAL_READ;

	if (APIC_TYPE(qual) == APIC_LINEAR_WRITE)
		access = QUAL_WRITE;
	else if (APIC_TYPE(qual) == APIC_LINEAR_FETCH)
		access = QUAL_FETCH;
	return not_memory(vcpu, apic_access_gpa(vcpu, qual), access);
}

int exit_ept_misconfig(struct vcpu *vcpu)
{
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);

	/* No entry of ours can be one: a bug of the module. */
	WARN_ONCE(1, "hvmod: EPT misconfiguration at gpa 0x%llx\n", gpa);
	vm_kill(vcpu->vm, "vCPU %u: EPT misconfiguration at gpa 0x%llx", vcpu->id, gpa);
	return EXIT_RESUME;
}
