// SPDX-License-Identifier: GPL-2.0
/*
 * What this CPU's VMX can do: one table of the controls that hvmod needs or
 * likes, each with the reason.  main.c asks before anything is touched; the
 * result in vmx_caps never changes afterwards.  It only reads the CPU.
 *
 * SDM: "VMX Capability Reporting Facility".
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/processor.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/vmx.h"
#include "module/compat.h"

struct vmx_caps vmx_caps __ro_after_init;

enum ctl_word { WORD_PIN, WORD_CPU, WORD_CPU2, WORD_EXIT, WORD_ENTRY, WORD_WORDS };

static bool ept_1g = true, ept_ad = true, ple = true, xsaves = true;
static bool invpcid = true, rdtscp = true, tsc_scaling = true;
static bool pml = true, preemption_timer = true;
static bool posted_intr = true;
static bool tpr_shadow = true, apic_access = true, apic_reg = true, x2apic_virt = true;
static bool vid = true;
module_param(ept_1g, bool, 0444);
MODULE_PARM_DESC(ept_1g, "use 1 GiB EPT leaves");
module_param(ept_ad, bool, 0444);
MODULE_PARM_DESC(ept_ad, "use EPT accessed and dirty bits");
module_param(ple, bool, 0444);
MODULE_PARM_DESC(ple, "use PAUSE-loop exiting");
module_param(xsaves, bool, 0444);
MODULE_PARM_DESC(xsaves, "offer XSAVES to guests");
module_param(invpcid, bool, 0444);
MODULE_PARM_DESC(invpcid, "offer INVPCID to guests");
module_param(rdtscp, bool, 0444);
MODULE_PARM_DESC(rdtscp, "offer RDTSCP to guests");
module_param(tsc_scaling, bool, 0444);
MODULE_PARM_DESC(tsc_scaling, "use TSC scaling");
module_param(preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "use the VMX preemption timer for the local APIC's");
module_param(pml, bool, 0444);
MODULE_PARM_DESC(pml, "use page-modification logging; it needs ept_ad");
module_param(tpr_shadow, bool, 0444);
MODULE_PARM_DESC(tpr_shadow, "use the TPR shadow; the four below need it");
module_param(apic_access, bool, 0444);
MODULE_PARM_DESC(apic_access, "virtualize the local APIC's page");
module_param(apic_reg, bool, 0444);
MODULE_PARM_DESC(apic_reg, "use APIC-register virtualization");
module_param(vid, bool, 0444);
MODULE_PARM_DESC(vid, "use virtual-interrupt delivery");
module_param(posted_intr, bool, 0444);
MODULE_PARM_DESC(posted_intr, "post interrupts to a running vCPU; it needs vid");
module_param(x2apic_virt, bool, 0444);
MODULE_PARM_DESC(x2apic_virt, "virtualize x2APIC mode");

struct ctl_row {
	enum ctl_word word;
	u32 bit;
	u64 feature;		/* HVMOD_FEATURE_* it makes; 0: required */
	u64 needs;		/* features before it in the table that it needs */
	bool later;		/* not with a new vCPU: whoever uses it sets it */
	const bool *param;
	const char *name;
	const char *why;
};

#define NEED(w, b, n, y)	{ .word = WORD_##w, .bit = (b), .name = (n), .why = (y) }
#define LIKE(w, b, f, p, n)	\
	{ .word = WORD_##w, .bit = (b), .feature = HVMOD_FEATURE_##f, .param = &(p), .name = (n) }

/* Set where the mode of the vCPU's APIC asks for it. */
#define APIC(b, f, p, n)	\
	{ .word = WORD_CPU2, .bit = (b), .feature = HVMOD_FEATURE_##f, .param = &(p),	\
	  .name = (n), .needs = HVMOD_FEATURE_TPR_SHADOW, .later = true }

static const struct ctl_row ctl_rows[] __initconst = {
	NEED(PIN, PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting",
	     "the host would lose its interrupts"),
	NEED(PIN, PIN_BASED_NMI_EXITING, "NMI exiting", "the host would lose its NMIs"),
	NEED(PIN, PIN_BASED_VIRTUAL_NMIS, "virtual NMIs",
	     "a guest's NMIs could not be blocked until its IRET"),
	NEED(CPU, CPU_BASED_INTR_WINDOW_EXITING, "interrupt-window exiting",
	     "interrupts could not wait for the guest's IF"),
	NEED(CPU, CPU_BASED_NMI_WINDOW_EXITING, "NMI-window exiting",
	     "NMIs could not wait for the guest's IRET"),
	NEED(CPU, CPU_BASED_USE_TSC_OFFSETTING, "TSC offsetting", "guests need their own TSC"),
	NEED(CPU, CPU_BASED_HLT_EXITING, "HLT exiting", "an idle guest would hold its CPU"),
	NEED(CPU, CPU_BASED_MWAIT_EXITING, "MWAIT exiting", "a guest would hold its CPU"),
	NEED(CPU, CPU_BASED_MONITOR_EXITING, "MONITOR exiting", "a guest would hold its CPU"),
	NEED(CPU, CPU_BASED_RDPMC_EXITING, "RDPMC exiting", "a guest would read host counters"),
	NEED(CPU, CPU_BASED_MOV_DR_EXITING, "MOV-DR exiting", "debug registers are the host's"),
	NEED(CPU, CPU_BASED_UNCOND_IO_EXITING, "unconditional I/O exiting",
	     "a guest would reach the host's devices"),
	NEED(CPU, CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING, "CR8 exiting",
	     "a guest would change the host's TPR"),
	NEED(CPU, CPU_BASED_USE_MSR_BITMAPS, "MSR bitmaps", "every MSR access would exit"),
	NEED(CPU, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, "secondary controls",
	     "EPT is one of them"),
	NEED(CPU2, SECONDARY_EXEC_ENABLE_EPT, "EPT", "guest memory is mapped by it"),
	NEED(CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest",
	     "guests start in real mode"),
	NEED(CPU2, SECONDARY_EXEC_ENABLE_VPID, "VPID", "every exit would flush the TLB"),
	NEED(CPU2, SECONDARY_EXEC_WBINVD_EXITING, "WBINVD exiting",
	     "a guest would empty the host's caches"),
	NEED(EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE, "64-bit host", "the host is 64-bit"),
	NEED(EXIT, VM_EXIT_LOAD_IA32_EFER, "load EFER at exit", "guest and host differ in it"),
	NEED(EXIT, VM_EXIT_SAVE_IA32_EFER, "save EFER at exit", "guest and host differ in it"),
	NEED(EXIT, VM_EXIT_LOAD_IA32_PAT, "load PAT at exit", "guest and host differ in it"),
	NEED(EXIT, VM_EXIT_SAVE_DEBUG_CONTROLS, "save debug controls", "DR7 is the guest's"),
	NEED(ENTRY, VM_ENTRY_LOAD_IA32_EFER, "load EFER at entry", "guest and host differ in it"),
	NEED(ENTRY, VM_ENTRY_LOAD_IA32_PAT, "load PAT at entry", "guest and host differ in it"),
	NEED(ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS, "load debug controls", "DR7 is the guest's"),

	LIKE(CPU2, SECONDARY_EXEC_ENABLE_RDTSCP, RDTSCP, rdtscp, "RDTSCP"),
	LIKE(CPU2, SECONDARY_EXEC_ENABLE_INVPCID, INVPCID, invpcid, "INVPCID"),
	LIKE(CPU2, COMPAT_EXEC_XSAVES, XSAVES, xsaves, "XSAVES"),
	LIKE(CPU2, SECONDARY_EXEC_PAUSE_LOOP_EXITING, PLE, ple, "PAUSE-loop exiting"),
	LIKE(CPU2, SECONDARY_EXEC_TSC_SCALING, TSC_SCALING, tsc_scaling, "TSC scaling"),
	LIKE(PIN, PIN_BASED_VMX_PREEMPTION_TIMER, PREEMPT_TIMER, preemption_timer,
	     "preemption timer"),
	LIKE(CPU2, SECONDARY_EXEC_ENABLE_PML, PML, pml, "page-modification logging"),
	LIKE(CPU, CPU_BASED_TPR_SHADOW, TPR_SHADOW, tpr_shadow, "TPR shadow"),
	APIC(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, APIC_ACCESS, apic_access,
	     "virtualized APIC accesses"),
	APIC(SECONDARY_EXEC_APIC_REGISTER_VIRT, APIC_REG, apic_reg,
	     "APIC-register virtualization"),
	APIC(SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, VID, vid, "virtual-interrupt delivery"),
	{ .word = WORD_PIN, .bit = PIN_BASED_POSTED_INTR, .feature = HVMOD_FEATURE_POSTED_INTR,
	  .param = &posted_intr, .name = "posted interrupts", .needs = HVMOD_FEATURE_VID,
	  .later = true },
	APIC(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, X2APIC_VIRT, x2apic_virt,
	     "virtualized x2APIC mode"),
};

static __init u32 ctl_allowed1(enum ctl_word word, bool true_msrs, u32 *must)
{
	static const u32 msr[WORD_WORDS][2] __initconst = {
		[WORD_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
		[WORD_CPU] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
		[WORD_CPU2] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2 },
		[WORD_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
		[WORD_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
	};
	u32 low, high;

	if (rdmsr_safe(msr[word][true_msrs], &low, &high))
		low = 0, high = 0;
	*must = low;
	return high;
}

static __init int check_controls(bool true_msrs)
{
	u32 *out[WORD_WORDS] = {
		&vmx_caps.pin, &vmx_caps.cpu, &vmx_caps.cpu2, &vmx_caps.exit, &vmx_caps.entry
	};
	u32 allowed[WORD_WORDS];
	int word, i, ret = 0;

	for (word = 0; word < WORD_WORDS; word++)
		allowed[word] = ctl_allowed1(word, true_msrs, out[word]);

	for (i = 0; i < ARRAY_SIZE(ctl_rows); i++) {
		const struct ctl_row *row = &ctl_rows[i];
		bool there = (allowed[row->word] & row->bit) == row->bit;

		if (!row->feature && !there) {
			pr_err("this CPU lacks %s: without it %s\n", row->name, row->why);
			ret = -EOPNOTSUPP;
		}
		if (!there || (row->param && !*row->param) ||
		    (vmx_caps.features & row->needs) != row->needs)
			continue;
		vmx_caps.features |= row->feature;
		if (row->word == WORD_CPU2)
			vmx_caps.cpu2_may |= row->bit;
		if (!row->later)
			*out[row->word] |= row->bit;
	}
	/* The exit has taken the host's interrupt then: we call its handler. */
	if (!compat_can_post() || !(allowed[WORD_EXIT] & VM_EXIT_ACK_INTR_ON_EXIT))
		vmx_caps.features &= ~HVMOD_FEATURE_POSTED_INTR;
	if (vmx_has(HVMOD_FEATURE_POSTED_INTR))
		vmx_caps.exit |= VM_EXIT_ACK_INTR_ON_EXIT;
	/* The CPU keeps a guest's TPR apart from the host's then. */
	if (vmx_has(HVMOD_FEATURE_TPR_SHADOW))
		vmx_caps.cpu &= ~(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING);
	return ret;
}

static __init int check_ept(void)
{
	u64 cap, vpid;

	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, cap);
	vpid = cap >> 32;	/* the kernel's VMX_VPID_* count from there */
	vmx_caps.ept_vpid = cap;
	if (!(cap & VMX_EPT_PAGE_WALK_4_BIT) || !(cap & VMX_EPTP_WB_BIT) ||
	    !(cap & VMX_EPT_2MB_PAGE_BIT)) {
		pr_err("this CPU's EPT lacks 4-level walks, write-back tables or 2 MiB pages\n");
		return -EOPNOTSUPP;
	}
	if (!(cap & VMX_EPT_INVEPT_BIT) || !(cap & VMX_EPT_EXTENT_CONTEXT_BIT) ||
	    !(vpid & VMX_VPID_INVVPID_BIT) || !(vpid & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT)) {
		pr_err("this CPU lacks single-context INVEPT or INVVPID\n");
		return -EOPNOTSUPP;
	}
	if (ept_1g && (cap & VMX_EPT_1GB_PAGE_BIT))
		vmx_caps.features |= HVMOD_FEATURE_EPT_1G;
	if (ept_ad && (cap & VMX_EPT_AD_BIT))
		vmx_caps.features |= HVMOD_FEATURE_EPT_AD;
	if (!vmx_has(HVMOD_FEATURE_EPT_AD)) {
		vmx_caps.features &= ~HVMOD_FEATURE_PML;
		vmx_caps.cpu2 &= ~SECONDARY_EXEC_ENABLE_PML;
	}
	return 0;
}

/*
 * KVM up to 6.11 turns VMX on with its first guest only, but takes the kernel's
 * only hook for crashes when it is loaded; from 6.12 on it takes both.
 */
static __init bool kvm_is_loaded(void)
{
	struct path path;

	if (kern_path("/sys/module/kvm_intel", LOOKUP_FOLLOW, &path))
		return false;
	path_put(&path);
	return true;
}

static __init int check_owner(void)
{
	u64 feat;

	if (!boot_cpu_has(X86_FEATURE_VMX)) {
		/* The kernel clears the flag, too, when firmware disabled VMX. */
		if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL && (cpuid_ecx(1) & BIT(5)))
			goto firmware;
		pr_err("this CPU has no VMX (Intel VT-x); inside a virtual machine, enable nested virtualization\n");
		return -ENODEV;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat) ||
	    !(feat & FEAT_CTL_LOCKED) || !(feat & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		goto firmware;
	if (kvm_is_loaded()) {
		pr_err("KVM is loaded and holds VMX or the kernel's only hook for crashes: 'modprobe -r kvm_intel' frees them\n");
		return -EBUSY;
	}
	if (cr4_read_shadow() & X86_CR4_VMXE) {
		pr_err("another hypervisor than KVM holds VMX: unload it\n");
		return -EBUSY;
	}
	return 0;

firmware:
	pr_err("VMX is disabled by firmware: enable 'Intel Virtualization Technology' in its set-up\n");
	return -EACCES;
}

int __init vmx_caps_check(void)
{
	u64 basic, misc;
	int ret;

	ret = check_owner();
	if (ret)
		return ret;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	vmx_caps.revision = vmx_basic_vmcs_revision_id(basic);
	if (vmx_basic_vmcs_size(basic) > PAGE_SIZE || ((basic >> 50) & 15) != 6) {
		pr_err("this CPU's VMCS is larger than a page or not write-back\n");
		return -EOPNOTSUPP;
	}
	ret = check_controls(basic & BIT_ULL(55));
	if (ret)
		return ret;
	ret = check_ept();
	if (ret)
		return ret;

	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx_caps.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	rdmsrl(MSR_IA32_VMX_MISC, misc);
	vmx_caps.misc_hlt = misc & VMX_MISC_ACTIVITY_HLT;
	vmx_caps.timer_shift = vmx_misc_preemption_timer_rate(misc);
	vmx_caps.tsc_max_ratio = vmx_has(HVMOD_FEATURE_TSC_SCALING) ? ~0ULL >> 1 : BIT_ULL(48);
	return 0;
}
