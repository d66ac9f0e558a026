// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID policy: for each leaf what a guest may have, given this host, this
 * kernel and what hvmod virtualizes.  cpuid.c is the only caller; the policy is
 * worked out once, at load.  It must not offer a feature whose registers or
 * instructions nothing here switches or emulates.
 */
#include <linux/bits.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/cpuid_policy.h"
#include "module/arch.h"

#define XSTATE_MAX	19

struct cpuid_feature_word {
	u32 leaf;
	u32 subleaf;
	u8 reg;			/* 0-3: EAX, EBX, ECX, EDX */
	s8 word;		/* of boot_cpu_data.x86_capability; -1: not there */
	u32 supported;		/* by hvmod, when the host has it */
	u32 emulated;		/* whatever the host has */
	u32 offered;		/* of those: in the policy (others on request) */
};

#define EAX	0
#define EBX	1
#define ECX	2
#define EDX	3

/*
 * Not offered, on purpose: VMX, SMX, SGX, MONITOR, PT, PMU, DS, EIST, thermal,
 * CET, AMX, MPX, PKU, TSX, WAITPKG, LA57, and what lives in SPEC_CTRL.
 */
static const struct cpuid_feature_word cpuid_words[] = {
	{
		.leaf = 1, .reg = ECX, .word = CPUID_1_ECX,
		/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4_1 SSE4_2 MOVBE POPCNT AES XSAVE */
		.supported = BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(17) |
			     BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(26) |
			     BIT(28) | BIT(29) | BIT(30),	/* AVX F16C RDRAND */
		/* x2APIC TSC_DEADLINE HYPERVISOR */
		.emulated = BIT(21) | BIT(24) | BIT(31),
		.offered = BIT(21) | BIT(24) | BIT(31),
	}, {
		.leaf = 1, .reg = EDX, .word = CPUID_1_EDX,
		/* FPU VME DE PSE TSC MSR PAE MCE CX8 SEP MTRR PGE MCA CMOV PAT PSE36 */
		.supported = GENMASK(8, 0) | GENMASK(17, 11) |
			     BIT(19) | GENMASK(27, 23),	/* CLFSH MMX FXSR SSE SSE2 SS */
		/* APIC HTT */
		.emulated = BIT(9) | BIT(28),
		.offered = BIT(9),
	}, {
		.leaf = 7, .reg = EBX, .word = CPUID_7_0_EBX,
		/* FSGSBASE BMI1 AVX2 FDP SMEP BMI2 ERMS INVPCID NO_FCS AVX512F DQ */
		.supported = BIT(0) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) |
			     BIT(10) | BIT(13) | BIT(16) | BIT(17) |
			     /* RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB */
			     BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(23) | BIT(24) |
			     GENMASK(31, 26),	/* AVX512 PF ER CD, SHA, AVX512 BW VL */
		.emulated = BIT(1),		/* TSC_ADJUST */
		.offered = BIT(1),
	}, {
		.leaf = 7, .reg = ECX, .word = CPUID_7_ECX,
		/* VBMI UMIP VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ */
		.supported = BIT(1) | BIT(2) | BIT(6) | GENMASK(12, 8) | BIT(14) |
			     /* RDPID CLDEMOTE MOVDIRI MOVDIR64B */
			     BIT(22) | BIT(25) | BIT(27) | BIT(28),
	}, {
		.leaf = 7, .reg = EDX, .word = CPUID_7_EDX,
		/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE FP16 ARCH_CAP */
		.supported = BIT(2) | BIT(3) | BIT(4) | BIT(8) | BIT(10) | BIT(14) | BIT(23) |
			     BIT(29),
	}, {
		.leaf = 7, .subleaf = 1, .reg = EAX, .word = CPUID_7_1_EAX,
		/* AVX_VNNI AVX512_BF16 FZRM FSRS FSRC AVX_IFMA */
		.supported = BIT(4) | BIT(5) | BIT(10) | BIT(11) | BIT(12) | BIT(23),
	}, {
		.leaf = 0xd, .subleaf = 1, .reg = EAX, .word = CPUID_D_1_EAX,
		.supported = GENMASK(3, 0),	/* XSAVEOPT XSAVEC XGETBV1 XSAVES */
	}, {
		.leaf = 0x80000001, .reg = ECX, .word = CPUID_8000_0001_ECX,
		.supported = BIT(0) | BIT(5) | BIT(8),	/* LAHF LZCNT PREFETCHW */
	}, {
		.leaf = 0x80000001, .reg = EDX, .word = CPUID_8000_0001_EDX,
		/* SYSCALL NX GBPAGES RDTSCP LM */
		.supported = BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29),
	}, {
		.leaf = 0x80000007, .reg = EDX, .word = -1,
		.supported = BIT(8),			/* invariant TSC */
	}, {
		.leaf = 6, .reg = EAX, .word = -1,
		.emulated = BIT(2),			/* ARAT */
		.offered = BIT(2),
	},
};

static u32 cpuid_allowed[ARRAY_SIZE(cpuid_words)];

static struct {
	u32 offset;
	u32 size;
	bool align;		/* in the compacted form */
} cpuid_xstate[XSTATE_MAX];

static struct hvmod_cpuid_entry cpuid_default[HVMOD_MAX_CPUID];
static u32 cpuid_default_count;
static u64 cpuid_arch_capabilities;

bool cpuid_has_subleaves(u32 leaf)
{
	switch (leaf) {
	case 4:
	case 7:
	case 0xb:
	case 0xd:
	case 0x1f:
		return true;
	default:
		return false;
	}
}

u32 cpuid_xsave_size(u64 features, bool compacted)
{
	u32 size = 512 + 64;
	int i;

	for (i = 2; i < XSTATE_MAX && features >> i; i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		if (!compacted) {
			size = max(size, cpuid_xstate[i].offset + cpuid_xstate[i].size);
			continue;
		}
		if (cpuid_xstate[i].align)
			size = ALIGN(size, 64);
		size += cpuid_xstate[i].size;
	}
	return size;
}

u64 cpuid_arch_cap(void)
{
	return cpuid_arch_capabilities;
}

static u32 *cpuid_reg(struct hvmod_cpuid_entry *e, int reg)
{
	return &e->eax + reg;
}

static void cpuid_host(struct hvmod_cpuid_entry *e, u32 leaf, u32 subleaf)
{
	*e = (struct hvmod_cpuid_entry) {
		.leaf = leaf,
		.subleaf = subleaf,
		.flags = cpuid_has_subleaves(leaf) ? HVMOD_CPUID_SUBLEAF : 0,
	};
	if (cpuid_eax(leaf & BIT(31)) >= leaf)
		cpuid_count(leaf, subleaf, &e->eax, &e->ebx, &e->ecx, &e->edx);
}

/* What the hardware layer must enable before a guest can execute it. */
static u32 cpuid_needs_hw(const struct cpuid_feature_word *word, u64 features)
{
	u32 missing = 0;

	if (word->leaf == 7 && word->subleaf == 0 && word->reg == EBX &&
	    !(features & HVMOD_FEATURE_INVPCID))
		missing |= BIT(10);
	if (word->leaf == 7 && word->reg == ECX && !(features & HVMOD_FEATURE_RDTSCP))
		missing |= BIT(22);	/* RDPID */
	if (word->leaf == 0x80000001 && word->reg == EDX && !(features & HVMOD_FEATURE_RDTSCP))
		missing |= BIT(27);
	if (word->leaf == 0xd && !(features & HVMOD_FEATURE_XSAVES))
		missing |= BIT(3);
	return missing;
}

static void cpuid_setup_allowed(void)
{
	struct hvmod_cpuid_entry host;
	u64 features = 0;
	u32 i, has;

	if (arch_cap(HVMOD_CAP_FEATURES, &features))
		features = 0;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_feature_word *word = &cpuid_words[i];

		cpuid_host(&host, word->leaf, word->subleaf);
		has = *cpuid_reg(&host, word->reg);
		/* Also what this kernel did not turn off. */
		if (word->word >= 0)
			has &= boot_cpu_data.x86_capability[word->word];
		has &= word->supported & ~cpuid_needs_hw(word, features);
		cpuid_allowed[i] = has | word->emulated;
	}
}

static void cpuid_setup_xstate(void)
{
	u64 xcr0 = fpu_host_xcr0();
	u32 ecx, edx, i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	for (i = 2; i < XSTATE_MAX; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &cpuid_xstate[i].size, &cpuid_xstate[i].offset, &ecx, &edx);
		cpuid_xstate[i].align = ecx & BIT(1);
	}
}

/* RDCL_NO and the like: statements about the CPU that need no MSR switched. */
static void cpuid_setup_arch_cap(void)
{
	const u64 safe = BIT_ULL(0) | BIT_ULL(2) | BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(5) |
			 BIT_ULL(6) | BIT_ULL(8) | BIT_ULL(13) | BIT_ULL(14) | BIT_ULL(15) |
			 BIT_ULL(17) | BIT_ULL(19) | BIT_ULL(20) | BIT_ULL(24) | BIT_ULL(26) |
			 BIT_ULL(27) | BIT_ULL(28);
	u64 value = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	    !rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &value))
		cpuid_arch_capabilities = value & safe;
}

static void cpuid_filter_words(struct hvmod_cpuid_entry *e, bool policy)
{
	u32 i, seen = 0;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_feature_word *word = &cpuid_words[i];
		u32 *reg = cpuid_reg(e, word->reg);

		if (word->leaf != e->leaf || word->subleaf != e->subleaf)
			continue;
		seen |= BIT(word->reg);
		if (policy)
			*reg = (*reg & ~word->emulated) | word->offered;
		*reg &= cpuid_allowed[i];
	}
	/* A register of a feature leaf that has no row has no features. */
	for (i = 0; i < 4; i++)
		if (!(seen & BIT(i)))
			*cpuid_reg(e, i) = 0;
}

static void cpuid_filter_xsave(struct hvmod_cpuid_entry *e)
{
	u64 xcr0 = fpu_host_xcr0();

	switch (e->subleaf) {
	case 0:
		e->eax &= (u32)xcr0;
		e->edx &= (u32)(xcr0 >> 32);
		e->ebx = e->eax ? 1 : 0;	/* follows XCR0, see cpuid_exec() */
		e->ecx = cpuid_xsave_size((u64)e->edx << 32 | e->eax, false);
		break;
	case 1:
		cpuid_filter_words(e, false);
		/* Not zero: the compacted size, which follows XCR0, is defined. */
		e->ebx = !!(e->eax & (BIT(1) | BIT(3)));
		e->ecx = (u32)CPUID_XSS_SUPPORTED;
		e->edx = (u32)(CPUID_XSS_SUPPORTED >> 32);
		break;
	default:
		/* The layout is the hardware's, whatever a table says. */
		if (e->subleaf < XSTATE_MAX && (xcr0 & BIT_ULL(e->subleaf)) &&
		    (e->eax || e->ebx)) {
			e->eax = cpuid_xstate[e->subleaf].size;
			e->ebx = cpuid_xstate[e->subleaf].offset;
			e->ecx = cpuid_xstate[e->subleaf].align ? BIT(1) : 0;
		} else {
			e->eax = 0;
			e->ebx = 0;
			e->ecx = 0;
		}
		e->edx = 0;
	}
}

static void cpuid_filter_common(struct hvmod_cpuid_entry *e, bool policy)
{
	struct hvmod_cpuid_entry keep = *e;

	switch (e->leaf) {
	case 1:
		cpuid_filter_words(e, policy);
		e->eax = keep.eax;
		e->ebx = keep.ebx;
		e->ecx |= BIT(31);	/* a guest is told that it is one */
		break;
	case 7:
		cpuid_filter_words(e, policy);
		if (!e->subleaf)
			e->eax = min(keep.eax, 1U);
		break;
	case 0xd:
		cpuid_filter_xsave(e);
		break;
	case 6:
	case 0x80000001:
	case 0x80000007:
		cpuid_filter_words(e, policy);
		break;
	case 0x80000008:
		e->eax = min(keep.eax & 0xff, cpuid_eax(0x80000008) & 0xff) | 48 << 8;
		e->ebx = 0;
		e->ecx = 0;
		e->edx = 0;
		break;
	case 0:
	case 2:
	case 4:
	case 0xb:
	case 0x15:
	case 0x16:
	case 0x1f:
	case 0x40000000 ... 0x4fffffff:
	case 0x80000000:
	case 0x80000002 ... 0x80000006:
		break;			/* descriptions, nothing to enable */
	default:
		e->eax = 0;
		e->ebx = 0;
		e->ecx = 0;
		e->edx = 0;
	}
}

void cpuid_filter(struct hvmod_cpuid_entry *entry)
{
	cpuid_filter_common(entry, false);
}

/* One package of one core a vCPU: the launcher knows the topology, we do not. */
static void cpuid_policy_describe(struct hvmod_cpuid_entry *e)
{
	switch (e->leaf) {
	case 0:
		e->eax = min(e->eax, 0xdU);
		break;
	case 1:
		e->ebx = (e->ebx & GENMASK(15, 8)) | BIT(16);
		break;
	case 4:
		e->eax &= GENMASK(13, 0);
		break;
	case 0xb:
		e->eax = 0;
		e->ebx = 1;
		e->ecx = e->subleaf | (e->subleaf + 1) << 8;
		e->edx = 0;
		break;
	case 0x80000000:
		e->eax = min(e->eax, 0x80000008U);
		break;
	}
}

static void cpuid_policy_add(u32 leaf, u32 subleaf)
{
	struct hvmod_cpuid_entry *e = &cpuid_default[cpuid_default_count++];

	cpuid_host(e, leaf, subleaf);
	cpuid_policy_describe(e);
	cpuid_filter_common(e, true);
}

int cpuid_setup(void)
{
	u32 max_basic = min(cpuid_eax(0), 0xdU);
	u32 max_ext = min(cpuid_eax(0x80000000), 0x80000008U);
	u32 eax, ebx, ecx, edx, leaf, i;

	cpuid_setup_xstate();
	cpuid_setup_arch_cap();
	cpuid_setup_allowed();

	cpuid_default_count = 0;
	for (leaf = 0; leaf <= max_basic; leaf++) {
		switch (leaf) {
		case 4:
			for (i = 0; i < 8; i++) {
				cpuid_count(4, i, &eax, &ebx, &ecx, &edx);
				if (!(eax & 0x1f))
					break;
				cpuid_policy_add(4, i);
			}
			break;
		case 7:
			cpuid_policy_add(7, 0);
			if (cpuid_eax(7) >= 1)
				cpuid_policy_add(7, 1);
			break;
		case 0xb:
			cpuid_policy_add(0xb, 0);
			cpuid_policy_add(0xb, 1);
			break;
		case 0xd:
			for (i = 0; i < XSTATE_MAX; i++)
				if (i < 2 || (fpu_host_xcr0() & BIT_ULL(i)))
					cpuid_policy_add(0xd, i);
			break;
		case 3:		/* serial number */
		case 8:
			break;
		default:
			cpuid_policy_add(leaf, 0);
		}
	}
	for (leaf = 0x80000000; leaf <= max_ext; leaf++)
		cpuid_policy_add(leaf, 0);
	return 0;
}

u32 cpuid_policy(struct hvmod_cpuid_entry *entry)
{
	memcpy(entry, cpuid_default, cpuid_default_count * sizeof(*entry));
	return cpuid_default_count;
}
