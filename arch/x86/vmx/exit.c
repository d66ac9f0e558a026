// SPDX-License-Identifier: GPL-2.0
/*
 * The exit table: a row for every basic exit reason of the SDM's appendix "VMX
 * Basic Exit Reasons", also for those that cannot come with the controls we
 * set.  enter.c dispatches by it; names, counters and the ring come from it.
 * It holds no handler of its own but the refusals.
 */
#include <asm/vmx.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"

#define FAST(n, f, fl)		{ .name = (n), .fast = (f), .slow = exit_refuse, .flags = (fl) }
#define SLOW(n, s, fl)		{ .name = (n), .slow = (s), .flags = (fl) }
#define BOTH(n, f, s, fl)	{ .name = (n), .fast = (f), .slow = (s), .flags = (fl) }
#define REFUSE(n)		{ .name = (n), .slow = exit_refuse, .flags = EXIT_QUAL }

const struct exit_row exit_table[HVMOD_MAX_EXIT_REASONS] = {
	[0] = BOTH("exception or NMI", exit_exception_fast, exit_exception,
		   EXIT_VECTORING | EXIT_QUAL),
	[1] = FAST("external interrupt", exit_interrupt, 0),
	[2] = FAST("triple fault", exit_triple_fault, EXIT_VECTORING),
	[3] = FAST("INIT signal", exit_init, 0),
	[4] = REFUSE("start-up IPI"),
	[5] = REFUSE("I/O SMI"),
	[6] = REFUSE("other SMI"),
	[7] = FAST("interrupt window", exit_irq_window, 0),
	[8] = FAST("NMI window", exit_nmi_window, 0),
	[9] = SLOW("task switch", exit_task_switch, EXIT_VECTORING | EXIT_QUAL),
	[10] = FAST("CPUID", exit_cpuid, EXIT_ADVANCE),
	[11] = FAST("GETSEC", exit_ud, 0),
	[12] = FAST("HLT", exit_hlt, 0),
	[13] = FAST("INVD", exit_wbinvd, EXIT_ADVANCE),
	[14] = REFUSE("INVLPG"),
	[15] = FAST("RDPMC", exit_rdpmc, 0),
	[16] = REFUSE("RDTSC"),
	[17] = FAST("RSM", exit_ud, 0),
	[18] = BOTH("VMCALL", exit_vmcall, exit_vmcall_slow, EXIT_ADVANCE),
	[19] = FAST("VMCLEAR", exit_ud, 0),
	[20] = FAST("VMLAUNCH", exit_ud, 0),
	[21] = FAST("VMPTRLD", exit_ud, 0),
	[22] = FAST("VMPTRST", exit_ud, 0),
	[23] = FAST("VMREAD", exit_ud, 0),
	[24] = FAST("VMRESUME", exit_ud, 0),
	[25] = FAST("VMWRITE", exit_ud, 0),
	[26] = FAST("VMXOFF", exit_ud, 0),
	[27] = FAST("VMXON", exit_ud, 0),
	[28] = BOTH("control register", exit_cr_fast, exit_cr, EXIT_ADVANCE | EXIT_QUAL),
	[29] = FAST("MOV DR", exit_dr, EXIT_ADVANCE | EXIT_QUAL),
	[30] = BOTH("I/O", exit_io_fast, exit_io, EXIT_ADVANCE | EXIT_QUAL),
	[31] = FAST("RDMSR", exit_rdmsr, EXIT_ADVANCE),
	[32] = BOTH("WRMSR", exit_wrmsr, exit_wrmsr_slow, EXIT_ADVANCE),
	[33] = SLOW("invalid guest state", exit_bad_state, EXIT_QUAL),
	[34] = SLOW("MSR loading failed", exit_bad_state, EXIT_QUAL),
	[36] = FAST("MWAIT", exit_ud, 0),
	[37] = REFUSE("monitor trap flag"),
	[39] = FAST("MONITOR", exit_ud, 0),
	[40] = SLOW("PAUSE", exit_pause, EXIT_ADVANCE),
	[41] = SLOW("machine check at entry", exit_bad_state, 0),
	[43] = FAST("TPR below threshold", exit_tpr_threshold, 0),
	[44] = BOTH("APIC access", exit_apic_access_fast, exit_apic_access,
		    EXIT_VECTORING | EXIT_QUAL),
	[45] = FAST("virtualized EOI", exit_eoi, EXIT_QUAL),
	[46] = REFUSE("GDTR or IDTR"),
	[47] = REFUSE("LDTR or TR"),
	[48] = BOTH("EPT violation", exit_ept_violation_fast, exit_ept_violation,
		    EXIT_VECTORING | EXIT_QUAL),
	[49] = SLOW("EPT misconfiguration", exit_ept_misconfig, EXIT_VECTORING),
	[50] = FAST("INVEPT", exit_ud, 0),
	[51] = REFUSE("RDTSCP"),
	[52] = FAST("preemption timer", exit_timer, 0),
	[53] = FAST("INVVPID", exit_ud, 0),
	[54] = FAST("WBINVD", exit_wbinvd, EXIT_ADVANCE),
	[55] = SLOW("XSETBV", exit_xsetbv, EXIT_ADVANCE),
	[56] = FAST("APIC write", exit_apic_write, EXIT_QUAL),
	[57] = REFUSE("RDRAND"),
	[58] = REFUSE("INVPCID"),
	[59] = FAST("VMFUNC", exit_ud, 0),
	[60] = FAST("ENCLS", exit_ud, 0),
	[61] = REFUSE("RDSEED"),
	[62] = FAST("page-modification log full", exit_pml_full, EXIT_VECTORING | EXIT_QUAL),
	[63] = FAST("XSAVES", exit_ud, 0),
	[64] = FAST("XRSTORS", exit_ud, 0),
	[65] = FAST("PCONFIG", exit_ud, 0),
	[66] = REFUSE("SPP event"),
	[67] = FAST("UMWAIT", exit_ud, 0),
	[68] = FAST("TPAUSE", exit_ud, 0),
	[69] = FAST("LOADIWKEY", exit_ud, 0),
	[70] = FAST("ENCLV", exit_ud, 0),
	[72] = FAST("ENQCMD", exit_ud, 0),
	[73] = FAST("ENQCMDS", exit_ud, 0),
	[74] = REFUSE("bus lock"),
	[75] = REFUSE("instruction timeout"),
	[76] = FAST("SEAMCALL", exit_ud, 0),
	[77] = FAST("TDCALL", exit_ud, 0),
	[78] = FAST("RDMSRLIST", exit_ud, 0),
	[79] = FAST("WRMSRLIST", exit_ud, 0),
	/* What the SDM leaves unused must not be a NULL call. */
	[35] = REFUSE(NULL), [38] = REFUSE(NULL), [42] = REFUSE(NULL), [71] = REFUSE(NULL),
};

const char *arch_exit_name(u32 reason)
{
	return reason < HVMOD_MAX_EXIT_REASONS ? exit_table[reason].name : NULL;
}

int exit_refuse(struct vcpu *vcpu)
{
	u32 reason = to_vmx(vcpu)->exit_reason;

	vm_kill(vcpu->vm, "vCPU %u: unexpected VM exit %u (%s) at rip 0x%lx", vcpu->id, reason,
		exit_table[reason].name ?: "unused", vcpu_rip(vcpu));
	return EXIT_RESUME;
}

int exit_bad_state(struct vcpu *vcpu)
{
	u32 reason = to_vmx(vcpu)->exit_reason;

	if (reason == VMX_EXIT_FAILED && !raw_cpu_read(vmx_cpu.enabled))
		vm_kill(vcpu->vm, "vCPU %u: the host goes down and has left VMX", vcpu->id);
	else if (reason == VMX_EXIT_FAILED)
		vm_kill(vcpu->vm, "vCPU %u: the CPU refused the VM entry, error %lu", vcpu->id,
			vmcs_read(VM_INSTRUCTION_ERROR));
	else
		vm_kill(vcpu->vm,
			"vCPU %u: the CPU refused the guest's state (reason 0x%x, qualification %lu) at rip 0x%lx, cs 0x%lx/0x%lx, cr0 0x%lx, cr4 0x%lx, efer 0x%lx, rflags 0x%lx",
			vcpu->id, reason, vmcs_read(EXIT_QUALIFICATION), vmcs_read(GUEST_RIP),
			vmcs_read(GUEST_CS_SELECTOR), vmcs_read(GUEST_CS_AR_BYTES),
			vmcs_read(GUEST_CR0), vmcs_read(GUEST_CR4),
			vmcs_read(GUEST_IA32_EFER), vmcs_read(GUEST_RFLAGS));
	return EXIT_RESUME;
}
