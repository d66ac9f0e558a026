// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers as a guest sees them: one table row an MSR or range.
 * Called by exit handlers for intercepted RDMSR and WRMSR and by the ioctls.  It
 * must not execute RDMSR or WRMSR on the host with an index from a guest.
 *
 * Names and numbers: SDM volume 4, "Model-Specific Registers".
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/arch.h"

#define MSR_PAT_RESET		0x0007040600070406ULL
#define MSR_MC_BANKS		4
#define MSR_MISC_RESET		(MSR_IA32_MISC_ENABLE_FAST_STRING | \
				 MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define MSR_MISC_WRITABLE	(MSR_IA32_MISC_ENABLE_FAST_STRING | \
				 MSR_IA32_MISC_ENABLE_MWAIT)
#define MSR_LOCKED		BIT_ULL(0)
#define MSR_DEBUGCTL_IGNORED	(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF)

#define MSR_SAVE		BIT(0)	/* HVMOD_GET_MSR_LIST names it */

struct msr_row {
	u32 first;
	u32 last;
	const char *name;
	int (*read)(struct vcpu *vcpu, u32 index, u64 *value);
	/* NULL: read-only; the host may write the value that is there. */
	int (*write)(struct vcpu *vcpu, u32 index, u64 value, bool host);
	u64 needs;		/* GUEST_HAS_*, for the guest */
	u32 flags;
};

static atomic64_t msr_unknown;

u64 msr_unknown_count(void)
{
	return atomic64_read(&msr_unknown);
}

static bool canonical(struct vcpu *vcpu, u64 address)
{
	int bits = (vcpu_cr4(vcpu) & X86_CR4_LA57) ? 57 : 48;

	return sign_extend64(address, bits - 1) == (s64)address;
}

/* ---- reads and writes, in the order of the table ---- */

static int read_zero(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = 0;
	return 0;
}

static int write_ignored(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return 0;
}

static int write_zero(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return value ? -EINVAL : 0;
}

static int read_tsc(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = tsc_guest(vcpu);
	return 0;
}

static int write_tsc(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	tsc_write(vcpu, value);
	return 0;
}

static int read_apic_base(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.apic_base;
	return 0;
}

static int write_apic_base(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return vlapic_set_base(vcpu, value);
}

static int read_feat_ctl(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = MSR_LOCKED;	/* and VMX off */
	return 0;
}

static int read_tsc_adjust(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.tsc_adjust;
	return 0;
}

static int write_tsc_adjust(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (host)
		vcpu->arch.tsc_adjust = value;	/* a restore sets the TSC by itself */
	else
		tsc_write_adjust(vcpu, value);
	return 0;
}

static int read_ucode_rev(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = (u64)boot_cpu_data.microcode << 32;
	return 0;
}

static int read_mtrr(struct vcpu *vcpu, u32 index, u64 *value)
{
	return mtrr_read(vcpu, index, value);
}

static int write_mtrr(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return mtrr_write(vcpu, index, value);
}

static int read_arch_cap(struct vcpu *vcpu, u32 index, u64 *value)
{
	const struct hvmod_cpuid_entry *e = cpuid_find(vcpu, 7, 0);

	if (!e || !(e->edx & BIT(29)))
		return -EINVAL;
	*value = cpuid_arch_cap();
	return 0;
}

static int read_hw(struct vcpu *vcpu, u32 index, u64 *value)
{
	return hw_msr_get(vcpu, index, value) ? -EINVAL : 0;
}

static int write_hw(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return hw_msr_set(vcpu, index, value) ? -EINVAL : 0;
}

static int write_hw_address(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!canonical(vcpu, value))
		return -EINVAL;
	return write_hw(vcpu, index, value, host);
}

static int write_sysenter_cs(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return write_hw(vcpu, index, (u32)value, host);
}

static int read_mcg_cap(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = MSR_MC_BANKS;
	return 0;
}

static int read_mcg_status(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.mcg_status;
	return 0;
}

static int write_mcg_status(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	/* SDM, "IA32_MCG_STATUS MSR": software may only clear it. */
	if (value && !host)
		return -EINVAL;
	vcpu->arch.mcg_status = value & 7;
	return 0;
}

/* Banks that never have an error: CTL takes anything, the others only zero. */
static int write_mc_bank(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return (index & 3) && value ? -EINVAL : 0;
}

static int read_misc_enable(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.misc_enable;
	return 0;
}

static int write_misc_enable(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 writable = MSR_MISC_WRITABLE;

	if (!(vcpu->arch.features & GUEST_HAS_MWAIT))
		writable &= ~MSR_IA32_MISC_ENABLE_MWAIT;
	vcpu->arch.misc_enable = (value & writable) | (MSR_MISC_RESET & ~writable);
	return 0;
}

static int write_debugctl(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return value & ~(u64)MSR_DEBUGCTL_IGNORED ? -EINVAL : 0;
}

static int read_pat(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.pat;
	return 0;
}

static int write_pat(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!mtrr_pat_valid(value))
		return -EINVAL;
	vcpu->arch.pat = value;
	hw_msr_set(vcpu, index, value);		/* where the hardware switches it */
	return 0;
}

static int read_deadline(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vlapic_get_deadline(vcpu);
	return 0;
}

static int write_deadline(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	vlapic_set_deadline(vcpu, value);
	return 0;
}

static int read_x2apic(struct vcpu *vcpu, u32 index, u64 *value)
{
	return vlapic_msr_read(vcpu, index, value);
}

static int write_x2apic(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return vlapic_msr_write(vcpu, index, value);
}

static int read_xss(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.xss;
	return 0;
}

static int write_xss(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (value & ~vcpu->arch.xss_allowed)
		return -EINVAL;
	vcpu->arch.xss = value;
	return 0;
}

static int read_efer(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.efer;
	return 0;
}

static int write_efer(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	return cr_write_efer(vcpu, value, host);
}

static u64 *syscall_msr(struct vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_STAR:
		return &vcpu->arch.star;
	case MSR_LSTAR:
		return &vcpu->arch.lstar;
	case MSR_CSTAR:
		return &vcpu->arch.cstar;
	case MSR_SYSCALL_MASK:
		return &vcpu->arch.sfmask;
	default:
		return &vcpu->arch.tsc_aux;
	}
}

static int read_syscall(struct vcpu *vcpu, u32 index, u64 *value)
{
	*value = *syscall_msr(vcpu, index);
	return 0;
}

static int write_syscall(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	switch (index) {
	case MSR_LSTAR:
	case MSR_CSTAR:
		if (!canonical(vcpu, value))
			return -EINVAL;
		break;
	case MSR_SYSCALL_MASK:
	case MSR_TSC_AUX:
		if (value >> 32)
			return -EINVAL;
		break;
	}
	*syscall_msr(vcpu, index) = value;
	hw_syscall_msrs_changed(vcpu);
	return 0;
}

/* ---- the table, sorted ---- */

#define ROW(index, fn_read, fn_write, ...) \
	{ .first = index, .last = index, .name = #index, .read = fn_read, .write = fn_write, \
	  __VA_ARGS__ }
#define ROWS(start, end, text, fn_read, fn_write, ...) \
	{ .first = start, .last = end, .name = text, .read = fn_read, .write = fn_write, \
	  __VA_ARGS__ }
#define SAVE	.flags = MSR_SAVE

/*
 * Rows that read as zero are those which Linux and others read on any CPU of
 * the families that a host may be, without asking CPUID.
 */
static const struct msr_row msr_table[] = {
	ROWS(MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE, "P5_MC", read_zero, write_ignored),
	ROW(MSR_IA32_TSC, read_tsc, write_tsc, SAVE),
	ROW(MSR_IA32_PLATFORM_ID, read_zero, NULL),
	ROW(MSR_IA32_APICBASE, read_apic_base, write_apic_base),
	ROW(MSR_IA32_EBL_CR_POWERON, read_zero, write_zero),
	ROW(MSR_SMI_COUNT, read_zero, NULL),
	ROW(MSR_IA32_FEAT_CTL, read_feat_ctl, NULL),
	ROW(MSR_IA32_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust,
	    .needs = GUEST_HAS_TSC_ADJUST, SAVE),
	ROW(MSR_IA32_UCODE_WRITE, NULL, write_ignored),
	ROW(MSR_IA32_UCODE_REV, read_ucode_rev, write_ignored),
	ROW(MSR_PLATFORM_INFO, read_zero, NULL),
	ROW(MSR_MTRRcap, read_mtrr, NULL, .needs = GUEST_HAS_MTRR),
	ROW(MSR_IA32_ARCH_CAPABILITIES, read_arch_cap, NULL),
	ROW(MSR_MISC_FEATURES_ENABLES, read_zero, write_zero),
	ROW(MSR_IA32_SYSENTER_CS, read_hw, write_sysenter_cs, SAVE),
	ROW(MSR_IA32_SYSENTER_ESP, read_hw, write_hw_address, SAVE),
	ROW(MSR_IA32_SYSENTER_EIP, read_hw, write_hw_address, SAVE),
	ROW(MSR_IA32_MCG_CAP, read_mcg_cap, NULL),
	ROW(MSR_IA32_MCG_STATUS, read_mcg_status, write_mcg_status, SAVE),
	ROW(MSR_IA32_PERF_STATUS, read_zero, NULL),
	ROW(MSR_IA32_MISC_ENABLE, read_misc_enable, write_misc_enable, SAVE),
	ROW(MSR_IA32_DEBUGCTLMSR, read_zero, write_debugctl),
	ROW(MSR_IA32_POWER_CTL, read_zero, write_ignored),
	ROWS(0x200, 0x20f, "MTRR_PHYS", read_mtrr, write_mtrr,
	     .needs = GUEST_HAS_MTRR, SAVE),
	ROW(MSR_MTRRfix64K_00000, read_mtrr, write_mtrr, .needs = GUEST_HAS_MTRR, SAVE),
	ROWS(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, "MTRR_FIX16K",
	     read_mtrr, write_mtrr, .needs = GUEST_HAS_MTRR, SAVE),
	ROWS(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, "MTRR_FIX4K",
	     read_mtrr, write_mtrr, .needs = GUEST_HAS_MTRR, SAVE),
	ROW(MSR_IA32_CR_PAT, read_pat, write_pat, .needs = GUEST_HAS_PAT, SAVE),
	ROW(MSR_MTRRdefType, read_mtrr, write_mtrr, .needs = GUEST_HAS_MTRR, SAVE),
	ROWS(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * MSR_MC_BANKS - 1, "MC_BANK",
	     read_zero, write_mc_bank),
	ROW(MSR_IA32_TSC_DEADLINE, read_deadline, write_deadline,
	    .needs = GUEST_HAS_TSC_DEADLINE, SAVE),
	ROWS(0x800, 0x8ff, "X2APIC", read_x2apic, write_x2apic),
	ROW(MSR_IA32_XSS, read_xss, write_xss, .needs = GUEST_HAS_XSAVES, SAVE),
	ROW(MSR_EFER, read_efer, write_efer),
	ROW(MSR_STAR, read_syscall, write_syscall, .needs = GUEST_HAS_LM, SAVE),
	ROW(MSR_LSTAR, read_syscall, write_syscall, .needs = GUEST_HAS_LM, SAVE),
	ROW(MSR_CSTAR, read_syscall, write_syscall, .needs = GUEST_HAS_LM, SAVE),
	ROW(MSR_SYSCALL_MASK, read_syscall, write_syscall, .needs = GUEST_HAS_LM, SAVE),
	ROWS(MSR_FS_BASE, MSR_GS_BASE, "FS_GS_BASE", read_hw, write_hw_address,
	     .needs = GUEST_HAS_LM),
	ROW(MSR_KERNEL_GS_BASE, read_hw, write_hw_address, .needs = GUEST_HAS_LM, SAVE),
	ROW(MSR_TSC_AUX, read_syscall, write_syscall,
	    .needs = GUEST_HAS_RDTSCP | GUEST_HAS_RDPID, SAVE),
};

static const struct msr_row *msr_find(u32 index)
{
	u32 low = 0, high = ARRAY_SIZE(msr_table);

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (msr_table[mid].last < index)
			low = mid + 1;
		else
			high = mid;
	}
	low = array_index_nospec(low, ARRAY_SIZE(msr_table));
	return msr_table[low].first <= index && index <= msr_table[low].last ?
	       &msr_table[low] : NULL;
}

static int msr_refuse(struct vcpu *vcpu, u32 index, const char *what)
{
	atomic64_inc(&msr_unknown);
	pr_debug_ratelimited("hvmod: vm %u vcpu %u: %s of unknown MSR 0x%x: #GP\n",
			     vcpu->vm->id, vcpu->id, what, index);
	return -EINVAL;
}

static bool msr_offered(const struct vcpu *vcpu, const struct msr_row *row, bool host)
{
	return host || !row->needs || (vcpu->arch.features & row->needs);
}

int msr_read(struct vcpu *vcpu, u32 index, u64 *value, bool host)
{
	const struct msr_row *row;

	/* The few that guests read all the time. */
	switch (index) {
	case MSR_IA32_MISC_ENABLE:
		*value = vcpu->arch.misc_enable;
		return 0;
	case 0x800 ... 0x8ff:
		return vlapic_msr_read(vcpu, index, value);
	}

	row = msr_find(index);
	if (!row || !row->read || !msr_offered(vcpu, row, host))
		return msr_refuse(vcpu, index, "read");
	return row->read(vcpu, index, value);
}

int msr_write(struct vcpu *vcpu, u32 index, u64 value, bool host)
{
	const struct msr_row *row;
	u64 now;

	switch (index) {
	case MSR_IA32_TSC_DEADLINE:
		if (!host && !(vcpu->arch.features & GUEST_HAS_TSC_DEADLINE))
			break;
		vlapic_set_deadline(vcpu, value);
		return 0;
	case 0x800 ... 0x8ff:
		return vlapic_msr_write(vcpu, index, value);
	}

	row = msr_find(index);
	if (!row || !msr_offered(vcpu, row, host))
		return msr_refuse(vcpu, index, "write");
	if (row->write)
		return row->write(vcpu, index, value, host);
	if (host && !row->read(vcpu, index, &now) && now == value)
		return 0;
	return -EINVAL;
}

int msr_vcpu_init(struct vcpu *vcpu)
{
	return mtrr_vcpu_init(vcpu);
}

/* INIT leaves MSRs alone: SDM, table of processor states after INIT. */
void msr_vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct vcpu_arch *arch = &vcpu->arch;

	if (init)
		return;
	arch->star = 0;
	arch->lstar = 0;
	arch->cstar = 0;
	arch->sfmask = 0;
	arch->tsc_aux = 0;
	arch->spec_ctrl = 0;
	arch->mcg_status = 0;
	arch->pat = MSR_PAT_RESET;
	arch->misc_enable = MSR_MISC_RESET;
	mtrr_vcpu_reset(vcpu);
	hw_msr_set(vcpu, MSR_IA32_CR_PAT, MSR_PAT_RESET);
	hw_syscall_msrs_changed(vcpu);
	hw_msr_set(vcpu, MSR_KERNEL_GS_BASE, 0);
	hw_msr_set(vcpu, MSR_IA32_SYSENTER_CS, 0);
	hw_msr_set(vcpu, MSR_IA32_SYSENTER_ESP, 0);
	hw_msr_set(vcpu, MSR_IA32_SYSENTER_EIP, 0);
}

void msr_vcpu_destroy(struct vcpu *vcpu)
{
	mtrr_vcpu_destroy(vcpu);
}

/* ---- ioctls ---- */

int arch_get_msr_list(struct hvmod_msrs *args)
{
	struct hvmod_msr *list;
	u32 room = args->count, count = 0, i, index;
	int err = 0;

	if (args->pad)
		return -EINVAL;
	list = kvcalloc(HVMOD_MAX_MSRS, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(msr_table); i++) {
		if (!(msr_table[i].flags & MSR_SAVE))
			continue;
		for (index = msr_table[i].first; index <= msr_table[i].last; index++)
			list[count++].index = index;
	}
	args->count = count;
	if (room < count)
		err = -E2BIG;
	else if (copy_to_user(u64_to_user_ptr(args->msrs), list, count * sizeof(*list)))
		err = -EFAULT;
	kvfree(list);
	return err;
}

/* One after the other until one is refused; how many were done. */
static u32 msrs_access(struct vcpu *vcpu, struct hvmod_msr *list, u32 count, bool set)
{
	u32 i;

	vcpu_hw_begin(vcpu);
	for (i = 0; i < count; i++) {
		if (list[i].pad)
			break;
		if (set ? msr_write(vcpu, list[i].index, list[i].value, true) :
			  msr_read(vcpu, list[i].index, &list[i].value, true))
			break;
	}
	vcpu_hw_end(vcpu);
	return i;
}

long arch_vcpu_msrs(struct vcpu *vcpu, struct hvmod_msrs *args, bool set)
{
	struct hvmod_msr __user *user = u64_to_user_ptr(args->msrs);
	struct hvmod_msr *list;
	u32 count = args->count;
	long err = 0;

	if (args->pad)
		return -EINVAL;
	if (count > HVMOD_MAX_MSRS)
		return -E2BIG;
	list = kvmalloc_array(HVMOD_MAX_MSRS, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	if (copy_from_user(list, user, count * sizeof(*list))) {
		err = -EFAULT;
		goto out;
	}

	args->count = msrs_access(vcpu, list, count, set);
	if (args->count < count)
		err = -EINVAL;
	if (!set && copy_to_user(user, list, args->count * sizeof(*list)))
		err = -EFAULT;
out:
	kvfree(list);
	return err;
}
