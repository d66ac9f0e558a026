// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's CPUID table, made to fit one vCPU.  The machine calls it before
 * the vCPU's first run.  It is pure: a table in, a table out.
 */
#include <errno.h>
#include <string.h>

#include "userspace/cpuid.h"

enum reg { EAX, EBX, ECX, EDX };

/* Features that --cpu-off can name. */
static const struct feature {
	const char *name;
	u32 leaf, subleaf;
	enum reg reg;
	unsigned int bit;
} features[] = {
	{ "sse3", 1, 0, ECX, 0 },
	{ "pclmulqdq", 1, 0, ECX, 1 },
	{ "monitor", 1, 0, ECX, 3 },
	{ "ssse3", 1, 0, ECX, 9 },
	{ "fma", 1, 0, ECX, 12 },
	{ "cx16", 1, 0, ECX, 13 },
	{ "pcid", 1, 0, ECX, 17 },
	{ "sse4_1", 1, 0, ECX, 19 },
	{ "sse4_2", 1, 0, ECX, 20 },
	{ "x2apic", 1, 0, ECX, 21 },
	{ "movbe", 1, 0, ECX, 22 },
	{ "popcnt", 1, 0, ECX, 23 },
	{ "tsc_deadline_timer", 1, 0, ECX, 24 },
	{ "aes", 1, 0, ECX, 25 },
	{ "xsave", 1, 0, ECX, 26 },
	{ "avx", 1, 0, ECX, 28 },
	{ "f16c", 1, 0, ECX, 29 },
	{ "rdrand", 1, 0, ECX, 30 },
	{ "hypervisor", 1, 0, ECX, 31 },
	{ "pge", 1, 0, EDX, 13 },
	{ "mtrr", 1, 0, EDX, 12 },
	{ "pat", 1, 0, EDX, 16 },
	{ "fsgsbase", 7, 0, EBX, 0 },
	{ "tsc_adjust", 7, 0, EBX, 1 },
	{ "bmi1", 7, 0, EBX, 3 },
	{ "avx2", 7, 0, EBX, 5 },
	{ "smep", 7, 0, EBX, 7 },
	{ "bmi2", 7, 0, EBX, 8 },
	{ "erms", 7, 0, EBX, 9 },
	{ "invpcid", 7, 0, EBX, 10 },
	{ "avx512f", 7, 0, EBX, 16 },
	{ "rdseed", 7, 0, EBX, 18 },
	{ "adx", 7, 0, EBX, 19 },
	{ "smap", 7, 0, EBX, 20 },
	{ "clflushopt", 7, 0, EBX, 23 },
	{ "clwb", 7, 0, EBX, 24 },
	{ "sha_ni", 7, 0, EBX, 29 },
	{ "umip", 7, 0, ECX, 2 },
	{ "pku", 7, 0, ECX, 3 },
	{ "la57", 7, 0, ECX, 16 },
	{ "rdpid", 7, 0, ECX, 22 },
	{ "fsrm", 7, 0, EDX, 4 },
	{ "xsaveopt", 0xd, 1, EAX, 0 },
	{ "xsavec", 0xd, 1, EAX, 1 },
	{ "xgetbv1", 0xd, 1, EAX, 2 },
	{ "xsaves", 0xd, 1, EAX, 3 },
	{ "lahf_lm", 0x80000001, 0, ECX, 0 },
	{ "abm", 0x80000001, 0, ECX, 5 },
	{ "nx", 0x80000001, 0, EDX, 20 },
	{ "pdpe1gb", 0x80000001, 0, EDX, 26 },
	{ "rdtscp", 0x80000001, 0, EDX, 27 },
};

#define CPUID_1_HYPERVISOR	BIT(31)	/* ECX */
#define CPUID_1_HTT		BIT(28)	/* EDX */
#define CPUID_TSC_LEAF		0x15
#define CPUID_MHZ_LEAF		0x16
#define TOPOLOGY_CORE		2
#define TOPOLOGY_SMT		1

struct hvmod_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 leaf, u32 subleaf)
{
	u32 i;

	for (i = 0; i < table->count; i++) {
		struct hvmod_cpuid_entry *e = &table->entry[i];

		if (e->leaf == leaf &&
		    (!(e->flags & HVMOD_CPUID_SUBLEAF) || e->subleaf == subleaf))
			return e;
	}
	return NULL;
}

/* Find or add; what is added is all zero. */
static struct hvmod_cpuid_entry *cpuid_get(struct cpuid_table *table, u32 leaf, u32 subleaf,
					   u32 flags)
{
	struct hvmod_cpuid_entry *e = cpuid_find(table, leaf, subleaf);

	if (e || table->count == HVMOD_MAX_CPUID)
		return e;
	e = &table->entry[table->count++];
	memset(e, 0, sizeof(*e));
	e->leaf = leaf;
	e->subleaf = subleaf;
	e->flags = flags;
	return e;
}

static void cpuid_drop(struct cpuid_table *table, u32 leaf)
{
	u32 i, n = 0;

	for (i = 0; i < table->count; i++)
		if (table->entry[i].leaf != leaf)
			table->entry[n++] = table->entry[i];
	table->count = n;
}

/* Bits of an APIC id that number @n things. */
static unsigned int width(u32 n)
{
	unsigned int bits = 0;

	while (bits < 31 && 1U << bits < n)
		bits++;
	return bits;
}

static int fit_topology(struct cpuid_table *table, u32 leaf, u32 id, u32 vcpus)
{
	struct hvmod_cpuid_entry *e;
	u32 level;

	cpuid_drop(table, leaf);
	for (level = 0; level < 3; level++) {
		e = cpuid_get(table, leaf, level, HVMOD_CPUID_SUBLEAF);
		if (!e)
			return -E2BIG;
		e->ecx = level;
		e->edx = id;
		if (level == 0) {
			e->ebx = 1;
			e->ecx |= TOPOLOGY_SMT << 8;
		} else if (level == 1) {
			e->eax = width(vcpus);
			e->ebx = vcpus;
			e->ecx |= TOPOLOGY_CORE << 8;
		}
	}
	return 0;
}

/* Caches: the last level is shared by all, the others by one core. */
static void fit_caches(struct cpuid_table *table, u32 vcpus)
{
	u32 i, ids = (1U << width(vcpus)) - 1;

	for (i = 0; i < table->count; i++) {
		struct hvmod_cpuid_entry *e = &table->entry[i];
		u32 cores = ids > 0x3f ? 0x3f : ids, sharing = 0;

		if (e->leaf != 4 || !(e->eax & 0x1f))
			continue;
		if ((e->eax >> 5 & 7) >= 3)
			sharing = ids > 0xfff ? 0xfff : ids;
		e->eax = (e->eax & 0x3fff) | sharing << 14 | cores << 26;
	}
}

/*
 * The guest computes its TSC frequency as the crystal times EBX over EAX, with
 * 32 bits.  The crystal is the TSC itself, or half of it where it does not fit:
 * the guest also takes it for the APIC timer's frequency.
 */
static int fit_tsc(struct cpuid_table *table, u32 tsc_khz)
{
	struct hvmod_cpuid_entry *tsc, *mhz;
	u32 ratio = tsc_khz > 0xffffffffU / 1000 ? 2 : 1;

	tsc = cpuid_get(table, CPUID_TSC_LEAF, 0, 0);
	mhz = cpuid_get(table, CPUID_MHZ_LEAF, 0, 0);
	if (!tsc || !mhz)
		return -E2BIG;
	tsc->eax = 1;
	tsc->ebx = ratio;
	tsc->ecx = tsc_khz / ratio * 1000;
	tsc->edx = 0;
	mhz->eax = (tsc_khz + 500) / 1000;
	mhz->ebx = mhz->eax;
	mhz->ecx = 100;
	mhz->edx = 0;
	return 0;
}

int cpuid_fit(struct cpuid_table *table, u32 id, u32 vcpus, u32 tsc_khz, struct err *err)
{
	struct hvmod_cpuid_entry *leaf0 = cpuid_find(table, 0, 0);
	struct hvmod_cpuid_entry *leaf1 = cpuid_find(table, 1, 0);
	u32 logical = 1U << width(vcpus);
	int ret = 0;

	if (!leaf0 || !leaf1)
		return err_set(err, EPROTO, "the module offers no CPUID leaves 0 and 1");
	leaf1->ebx = (leaf1->ebx & 0xffff) | (logical > 255 ? 255 : logical) << 16 | id << 24;
	leaf1->ecx |= CPUID_1_HYPERVISOR;
	leaf1->edx &= ~CPUID_1_HTT;
	if (vcpus > 1)
		leaf1->edx |= CPUID_1_HTT;
	fit_caches(table, vcpus);
	if (tsc_khz) {
		if (leaf0->eax < CPUID_MHZ_LEAF)
			leaf0->eax = CPUID_MHZ_LEAF;
		ret = fit_tsc(table, tsc_khz);
	}
	if (!ret && leaf0->eax >= 0xb)
		ret = fit_topology(table, 0xb, id, vcpus);
	leaf0 = cpuid_find(table, 0, 0);	/* entries have moved */
	if (!ret && leaf0 && leaf0->eax >= 0x1f)
		ret = fit_topology(table, 0x1f, id, vcpus);
	if (ret)
		return err_set(err, -ret, "the CPUID table has no room left");
	return 0;
}

/* Xen's arch-x86/cpuid.h */
#define XEN_VERSION		(4 << 16 | 17)
#define XEN_HVM_VCPU_ID		BIT(3)
#define XEN_HVM_DOMID		BIT(4)
#define XEN_HVM_UPCALL_VECTOR	BIT(6)

int cpuid_xen(struct cpuid_table *table, u32 base, u32 id, u32 tsc_khz, struct err *err)
{
	const struct hvmod_cpuid_entry leaves[] = {
		/* "XenVMMXenVMM" */
		{ .leaf = base, .eax = base + 4, .ebx = 0x566e6558, .ecx = 0x65584d4d,
		  .edx = 0x4d4d566e },
		{ .leaf = base + 1, .eax = XEN_VERSION },
		/* One hypercall page.  Another interface has its MSRs where its leaves are. */
		{ .leaf = base + 2, .eax = 1, .ebx = base == CPUID_XEN_FIRST ?
			HVMOD_XEN_HYPERCALL_MSR : HVMOD_XEN_HYPERCALL_MSR_2 },
		/* The TSC runs as it is, on the host's frequency. */
		{ .leaf = base + 3, .flags = HVMOD_CPUID_SUBLEAF, .ecx = tsc_khz },
		{ .leaf = base + 3, .subleaf = 2, .flags = HVMOD_CPUID_SUBLEAF,
		  .eax = tsc_khz },
		{ .leaf = base + 4, .ebx = id, .ecx = HVMOD_XEN_DOMID_GUEST,
		  .eax = XEN_HVM_VCPU_ID | XEN_HVM_DOMID | XEN_HVM_UPCALL_VECTOR },
	};

	if (table->count + ARRAY_SIZE(leaves) > HVMOD_MAX_CPUID)
		return err_set(err, E2BIG, "the CPUID table has no room left");
	memcpy(&table->entry[table->count], leaves, sizeof(leaves));
	table->count += ARRAY_SIZE(leaves);
	return 0;
}

static const struct feature *find_feature(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!strcmp(features[i].name, name))
			return &features[i];
	return NULL;
}

bool cpuid_known(const char *name)
{
	return find_feature(name);
}

int cpuid_off(struct cpuid_table *table, const char *name)
{
	const struct feature *f = find_feature(name);
	struct hvmod_cpuid_entry *e;
	u32 mask;

	if (!f)
		return -ENOENT;
	e = cpuid_find(table, f->leaf, f->subleaf);
	if (!e)
		return 0;
	mask = ~(1U << f->bit);
	switch (f->reg) {
	case EAX:
		e->eax &= mask;
		break;
	case EBX:
		e->ebx &= mask;
		break;
	case ECX:
		e->ecx &= mask;
		break;
	case EDX:
		e->edx &= mask;
		break;
	}
	return 0;
}

unsigned int cpuid_phys_bits(struct cpuid_table *table)
{
	struct hvmod_cpuid_entry *e = cpuid_find(table, 0x80000008, 0);
	unsigned int bits = e ? e->eax & 0xff : 36;

	return bits < 36 || bits > 52 ? 36 : bits;
}
