// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID as a guest sees it: what of the host's processor a guest may have, the
 * table of each vCPU, and the CPUID instruction.  Called by exit handlers, by
 * the ioctls that get and set a table, and by whoever asks what a guest has.
 * It must not execute CPUID on the host with a leaf that a guest chose.
 *
 * The policy itself, which bits of which leaf, is cpuid_policy.c.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/cpuid_policy.h"
#include "arch/x86/hw.h"
#include "module/arch.h"

/* Leaves with numbers below this in each class are found without a search. */
#define CPUID_DIRECT	64
#define CPUID_NONE	0xff
#define CPUID_CLASS(leaf)	((leaf) >> 30)

struct cpuid_table {
	u32 max_basic;
	u8 first[4][CPUID_DIRECT];	/* index of a leaf's first entry */
	struct hvmod_cpuid_entry entry[HVMOD_MAX_CPUID];
};

static_assert(HVMOD_MAX_CPUID < CPUID_NONE);

static struct cpuid_table *cpuid_table(const struct vcpu *vcpu)
{
	return container_of(vcpu->arch.cpuid, struct cpuid_table, entry[0]);
}

/* The first entry of a leaf beyond the direct ones: a search, for rare leaves. */
static u32 cpuid_search(const struct hvmod_cpuid_entry *entry, u32 count, u32 leaf)
{
	u32 low = 0, high = count;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (entry[mid].leaf < leaf)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && entry[low].leaf == leaf ? low : CPUID_NONE;
}

static const struct hvmod_cpuid_entry *
cpuid_lookup(const struct vcpu *vcpu, const struct cpuid_table *table, u32 leaf, u32 subleaf,
	     const struct hvmod_cpuid_entry **first)
{
	u32 count = vcpu->arch.cpuid_count;
	u32 number = leaf & GENMASK(29, 0);
	u32 i;

	if (number < CPUID_DIRECT)
		i = table->first[CPUID_CLASS(leaf)][array_index_nospec(number, CPUID_DIRECT)];
	else
		i = cpuid_search(table->entry, count, leaf);
	if (i == CPUID_NONE) {
		*first = NULL;
		return NULL;
	}

	*first = &table->entry[i];
	if (!(table->entry[i].flags & HVMOD_CPUID_SUBLEAF))
		return &table->entry[i];
	for (; i < count && table->entry[i].leaf == leaf; i++)
		if (table->entry[i].subleaf == subleaf)
			return &table->entry[i];
	return NULL;
}

const struct hvmod_cpuid_entry *cpuid_find(struct vcpu *vcpu, u32 leaf, u32 subleaf)
{
	const struct hvmod_cpuid_entry *first;

	if (!vcpu->arch.cpuid)
		return NULL;
	return cpuid_lookup(vcpu, cpuid_table(vcpu), leaf, subleaf, &first);
}

/* Bits that follow the vCPU's state, not its table. */
static void cpuid_dynamic(struct vcpu *vcpu, u32 leaf, u32 subleaf, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 mask;

	switch (leaf) {
	case 1:
		mask = BIT(27);		/* OSXSAVE */
		*ecx &= ~mask;
		if (vcpu_cr4(vcpu) & X86_CR4_OSXSAVE)
			*ecx |= mask;
		mask = BIT(9);		/* APIC */
		if (!(vcpu->arch.apic_base & MSR_IA32_APICBASE_ENABLE))
			*edx &= ~mask;
		break;
	case 7:
		mask = BIT(4);		/* OSPKE */
		*ecx &= ~mask;
		if (!subleaf && (vcpu_cr4(vcpu) & X86_CR4_PKE))
			*ecx |= mask;
		break;
	case 0xd:
		if (subleaf == 0 && *ebx)
			*ebx = cpuid_xsave_size(vcpu->arch.xcr0, false);
		else if (subleaf == 1 && *ebx)
			*ebx = cpuid_xsave_size(vcpu->arch.xcr0 | vcpu->arch.xss, true);
		break;
	}
}

/*
 * SDM, "CPUID - CPU Identification": a leaf above the highest basic or extended
 * one returns the data of the highest basic leaf.  A hypervisor leaf does so
 * unless the launcher gave the block of 256 leaves it lies in.
 */
static bool cpuid_beyond(struct vcpu *vcpu, const struct cpuid_table *table, u32 leaf)
{
	const struct hvmod_cpuid_entry *base, *first;

	switch (CPUID_CLASS(leaf)) {
	case 0:
		return leaf > table->max_basic;
	case 1:
		base = cpuid_lookup(vcpu, table, leaf & ~0xffU, 0, &first);
		return !base || leaf > base->eax;
	default:
		base = cpuid_lookup(vcpu, table, leaf & BIT(31), 0, &first);
		return !base || leaf > base->eax;
	}
}

void cpuid_exec(struct vcpu *vcpu)
{
	u32 leaf = vcpu->arch.gpr[HVMOD_RAX], subleaf = vcpu->arch.gpr[HVMOD_RCX];
	u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
	const struct hvmod_cpuid_entry *entry, *first;
	const struct cpuid_table *table;

	if (unlikely(!vcpu->arch.cpuid))
		goto out;

	table = cpuid_table(vcpu);
	entry = cpuid_lookup(vcpu, table, leaf, subleaf, &first);
	if (unlikely(!entry)) {
		if (!first && cpuid_beyond(vcpu, table, leaf)) {
			leaf = table->max_basic;
			entry = cpuid_lookup(vcpu, table, leaf, subleaf, &first);
		}
		/* A topology level that is not there still tells its number. */
		if (!entry && first && (leaf == 0xb || leaf == 0x1f)) {
			ecx = subleaf & 0xff;
			edx = first->edx;
		}
	}
	if (likely(entry)) {
		eax = entry->eax;
		ebx = entry->ebx;
		ecx = entry->ecx;
		edx = entry->edx;
		cpuid_dynamic(vcpu, leaf, subleaf, &ebx, &ecx, &edx);
	}
out:
	vcpu->arch.gpr[HVMOD_RAX] = eax;
	vcpu->arch.gpr[HVMOD_RBX] = ebx;
	vcpu->arch.gpr[HVMOD_RCX] = ecx;
	vcpu->arch.gpr[HVMOD_RDX] = edx;
}

static int cpuid_compare(const void *a, const void *b)
{
	const struct hvmod_cpuid_entry *x = a, *y = b;

	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	if (x->subleaf != y->subleaf)
		return x->subleaf < y->subleaf ? -1 : 1;
	return 0;
}

/* Sorts, checks and filters @entry; *out is a new table.  -EINVAL, -ENOMEM. */
static int cpuid_build(const struct hvmod_cpuid_entry *entry, u32 count, struct cpuid_table **out)
{
	struct cpuid_table *table;
	u32 i;

	table = kvzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;

	memcpy(table->entry, entry, count * sizeof(*entry));
	for (i = 0; i < count; i++) {
		struct hvmod_cpuid_entry *e = &table->entry[i];

		if (e->pad || (e->flags & ~HVMOD_CPUID_SUBLEAF))
			goto invalid;
		if (cpuid_has_subleaves(e->leaf))
			e->flags |= HVMOD_CPUID_SUBLEAF;
		if (!(e->flags & HVMOD_CPUID_SUBLEAF))
			e->subleaf = 0;
		cpuid_filter(e);
	}
	sort(table->entry, count, sizeof(*entry), cpuid_compare, NULL);

	memset(table->first, CPUID_NONE, sizeof(table->first));
	for (i = 0; i < count; i++) {
		const struct hvmod_cpuid_entry *e = &table->entry[i];
		u32 number = e->leaf & GENMASK(29, 0);

		if (i && e[-1].leaf == e->leaf) {
			if (e[-1].flags != e->flags || e[-1].subleaf == e->subleaf)
				goto invalid;
			continue;
		}
		if (number < CPUID_DIRECT)
			table->first[CPUID_CLASS(e->leaf)][number] = i;
	}
	if (count && table->entry[0].leaf == 0)
		table->max_basic = min_t(u32, table->entry[0].eax, BIT(30) - 1);
	*out = table;
	return 0;

invalid:
	kvfree(table);
	return -EINVAL;
}

static int cpuid_install(struct vcpu *vcpu, const struct hvmod_cpuid_entry *entry, u32 count)
{
	struct cpuid_table *table;
	int err = cpuid_build(entry, count, &table);

	if (err)
		return err;
	cpuid_vcpu_destroy(vcpu);
	vcpu->arch.cpuid = table->entry;
	vcpu->arch.cpuid_count = count;
	return 0;
}

void cpuid_vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->arch.cpuid)
		kvfree(cpuid_table(vcpu));
	vcpu->arch.cpuid = NULL;
	vcpu->arch.cpuid_count = 0;
}

long arch_vcpu_set_cpuid(struct vcpu *vcpu, struct hvmod_cpuid *args)
{
	struct hvmod_cpuid_entry *entry;
	int err;

	if (args->pad)
		return -EINVAL;
	if (args->count > HVMOD_MAX_CPUID)
		return -E2BIG;
	if (vcpu->has_run)
		return -EBUSY;

	entry = kvmalloc_array(HVMOD_MAX_CPUID, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	err = -EFAULT;
	if (!copy_from_user(entry, u64_to_user_ptr(args->entries), args->count * sizeof(*entry)))
		err = cpuid_install(vcpu, entry, args->count);
	kvfree(entry);
	if (err)
		return err;

	vcpu_hw_begin(vcpu);
	cpuid_update(vcpu);
	vcpu_hw_end(vcpu);
	return fpu_cpuid_changed(vcpu);
}

int arch_get_cpuid(struct hvmod_cpuid *args)
{
	struct hvmod_cpuid_entry *entry;
	u32 count, room = args->count;
	int err = 0;

	if (args->pad)
		return -EINVAL;
	entry = kvmalloc_array(HVMOD_MAX_CPUID, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	count = cpuid_policy(entry);
	args->count = count;
	if (room < count)
		err = -E2BIG;
	else if (copy_to_user(u64_to_user_ptr(args->entries), entry, count * sizeof(*entry)))
		err = -EFAULT;
	kvfree(entry);
	return err;
}

enum cpuid_reg { EAX, EBX, ECX, EDX };

static bool cpuid_bit(struct vcpu *vcpu, u32 leaf, u32 subleaf, enum cpuid_reg reg, int bit)
{
	const struct hvmod_cpuid_entry *e = cpuid_find(vcpu, leaf, subleaf);

	return e && ((&e->eax)[reg] & BIT(bit));
}

struct cpuid_row {
	u64 gives;
	u32 leaf;
	u8 subleaf;
	u8 reg;
	u8 bit;
};

/* GUEST_HAS_* */
static const struct cpuid_row cpuid_features[] = {
	{ GUEST_HAS_X2APIC,		1, 0, ECX, 21 },
	{ GUEST_HAS_TSC_DEADLINE,	1, 0, ECX, 24 },
	{ GUEST_HAS_XSAVE,		1, 0, ECX, 26 },
	{ GUEST_HAS_PCID,		1, 0, ECX, 17 },
	{ GUEST_HAS_MWAIT,		1, 0, ECX, 3 },
	{ GUEST_HAS_MCE,		1, 0, EDX, 7 },
	{ GUEST_HAS_MTRR,		1, 0, EDX, 12 },
	{ GUEST_HAS_PAT,		1, 0, EDX, 16 },
	{ GUEST_HAS_FSGSBASE,		7, 0, EBX, 0 },
	{ GUEST_HAS_TSC_ADJUST,		7, 0, EBX, 1 },
	{ GUEST_HAS_SMEP,		7, 0, EBX, 7 },
	{ GUEST_HAS_INVPCID,		7, 0, EBX, 10 },
	{ GUEST_HAS_SMAP,		7, 0, EBX, 20 },
	{ GUEST_HAS_UMIP,		7, 0, ECX, 2 },
	{ GUEST_HAS_PKU,		7, 0, ECX, 3 },
	{ GUEST_HAS_LA57,		7, 0, ECX, 16 },
	{ GUEST_HAS_RDPID,		7, 0, ECX, 22 },
	{ GUEST_HAS_SPEC_CTRL,		7, 0, EDX, 26 },
	{ GUEST_HAS_XSAVES,		0xd, 1, EAX, 3 },
	{ GUEST_HAS_SYSCALL,		0x80000001, 0, EDX, 11 },
	{ GUEST_HAS_NX,			0x80000001, 0, EDX, 20 },
	{ GUEST_HAS_GBPAGES,		0x80000001, 0, EDX, 26 },
	{ GUEST_HAS_RDTSCP,		0x80000001, 0, EDX, 27 },
	{ GUEST_HAS_LM,			0x80000001, 0, EDX, 29 },
};

/* Bits of CR4: SDM, "Control Registers". */
static const struct cpuid_row cpuid_cr4[] = {
	{ X86_CR4_VME | X86_CR4_PVI,	1, 0, EDX, 1 },
	{ X86_CR4_DE,			1, 0, EDX, 2 },
	{ X86_CR4_PSE,			1, 0, EDX, 3 },
	{ X86_CR4_TSD,			1, 0, EDX, 4 },
	{ X86_CR4_PAE,			1, 0, EDX, 6 },
	{ X86_CR4_MCE,			1, 0, EDX, 7 },
	{ X86_CR4_PGE,			1, 0, EDX, 13 },
	{ X86_CR4_OSFXSR,		1, 0, EDX, 24 },
	{ X86_CR4_OSXMMEXCPT,		1, 0, EDX, 25 },
	{ X86_CR4_PCIDE,		1, 0, ECX, 17 },
	{ X86_CR4_OSXSAVE,		1, 0, ECX, 26 },
	{ X86_CR4_FSGSBASE,		7, 0, EBX, 0 },
	{ X86_CR4_SMEP,			7, 0, EBX, 7 },
	{ X86_CR4_SMAP,			7, 0, EBX, 20 },
	{ X86_CR4_UMIP,			7, 0, ECX, 2 },
	{ X86_CR4_PKE,			7, 0, ECX, 3 },
	{ X86_CR4_LA57,			7, 0, ECX, 16 },
};

static const struct cpuid_row cpuid_efer[] = {
	{ EFER_SCE,			0x80000001, 0, EDX, 11 },
	{ EFER_NX,			0x80000001, 0, EDX, 20 },
	{ EFER_LME | EFER_LMA,		0x80000001, 0, EDX, 29 },
};

static u64 cpuid_collect(struct vcpu *vcpu, const struct cpuid_row *row, size_t count)
{
	u64 gives = 0;

	for (; count; count--, row++)
		if (cpuid_bit(vcpu, row->leaf, row->subleaf, row->reg, row->bit))
			gives |= row->gives;
	return gives;
}

static void cpuid_derive(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;
	const struct hvmod_cpuid_entry *e;
	u64 cr4;

	arch->features = cpuid_collect(vcpu, cpuid_features, ARRAY_SIZE(cpuid_features));
	/* PCE needs no feature: without counters RDPMC faults all the same. */
	cr4 = cpuid_collect(vcpu, cpuid_cr4, ARRAY_SIZE(cpuid_cr4)) | X86_CR4_PCE;
	arch->cr4_reserved = ~(cr4 & hw_cr4_allowed());
	arch->efer_reserved = ~cpuid_collect(vcpu, cpuid_efer, ARRAY_SIZE(cpuid_efer));

	arch->xcr0_allowed = XFEATURE_MASK_FP;
	arch->xss_allowed = 0;
	if (arch->features & GUEST_HAS_XSAVE) {
		e = cpuid_find(vcpu, 0xd, 0);
		if (e)
			arch->xcr0_allowed |= ((u64)e->edx << 32 | e->eax) & fpu_host_xcr0();
		e = cpuid_find(vcpu, 0xd, 1);
		if (e && (arch->features & GUEST_HAS_XSAVES))
			arch->xss_allowed = ((u64)e->edx << 32 | e->ecx) & CPUID_XSS_SUPPORTED;
	}

	/* SDM: 36 without leaf 0x80000008. */
	e = cpuid_find(vcpu, 0x80000008, 0);
	arch->maxphyaddr = e ? clamp_t(u32, e->eax & 0xff, 32, 52) : 36;
}

void cpuid_update(struct vcpu *vcpu)
{
	cpuid_derive(vcpu);
	hw_cpuid_changed(vcpu);
}

int cpuid_vcpu_init(struct vcpu *vcpu)
{
	struct hvmod_cpuid_entry *entry;
	u32 count, i;
	int err;

	entry = kvmalloc_array(HVMOD_MAX_CPUID, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	count = cpuid_policy(entry);
	for (i = 0; i < count; i++) {
		if (entry[i].leaf == 1)
			entry[i].ebx = (entry[i].ebx & GENMASK(23, 0)) | (vcpu->id << 24);
		else if (entry[i].leaf == 0xb)
			entry[i].edx = vcpu->id;
	}
	err = cpuid_install(vcpu, entry, count);
	kvfree(entry);
	/* The hardware hears of it when the caller has the vCPU loaded. */
	if (!err)
		cpuid_derive(vcpu);
	return err;
}
