// SPDX-License-Identifier: GPL-2.0
/*
 * What CPUID says is what works: each feature is there exactly if its bit is
 * set, by an instruction, a bit of a control register or an MSR.  And leaves
 * that tell of the machine tell the truth.  It must not require a feature.
 */
#include "guest.h"

enum reg { EAX, EBX, ECX, EDX };

static u32 leaf(u32 number, u32 subleaf, enum reg reg)
{
	u32 r[4];

	guest_cpuid(number, subleaf, r);
	return r[reg];
}

static bool bit(u32 number, enum reg reg, u32 nr)
{
	return leaf(number, 0, reg) >> nr & 1;
}

/* ---- bits of control registers; SMEP and SMAP not, for all pages here are the user's ---- */

static const struct {
	u32 leaf;
	enum reg reg;
	u32 nr;		/* in CPUID */
	u32 cr4;
} cr4_bits[] = {
	{ 1, EDX, 1, 0 },	/* VME */
	{ 1, EDX, 2, 3 },	/* DE */
	{ 1, EDX, 13, 7 },	/* PGE */
	{ 1, EDX, 24, 9 },	/* FXSR: OSFXSR */
	{ 7, ECX, 2, 11 },	/* UMIP */
	{ 1, ECX, 5, 13 },	/* VMX */
	{ 1, ECX, 6, 14 },	/* SMX */
	{ 7, EBX, 0, 16 },	/* FSGSBASE */
	{ 1, ECX, 17, 17 },	/* PCID */
	{ 1, ECX, 26, 18 },	/* XSAVE */
	{ 7, ECX, 3, 22 },	/* PKU */
};

static void guest_cr4(void)
{
	u64 cr4 = guest_read_cr4(), value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cr4_bits); i++) {
		bool has = bit(cr4_bits[i].leaf, cr4_bits[i].reg, cr4_bits[i].nr);

		value = cr4 ^ 1UL << cr4_bits[i].cr4;
		if (cr4 >> cr4_bits[i].cr4 & 1)
			continue;
		GUEST_EQ(cr4_bits[i].cr4 << 8 |
			 (guest_trap("mov %0, %%cr4", "r"(value)) == -1),
			 cr4_bits[i].cr4 << 8 | has);
		guest_write_cr4(cr4);
	}
}

static void guest_efer(void)
{
	u64 efer = guest_rdmsr(MSR_EFER);

	GUEST_EQ(guest_try_wrmsr(MSR_EFER, efer ^ 1UL << 11) == -1, bit(0x80000001, EDX, 20));
	guest_wrmsr(MSR_EFER, efer);
	GUEST_EQ(guest_try_wrmsr(MSR_EFER, efer ^ 1) == -1, bit(0x80000001, EDX, 11));
	guest_wrmsr(MSR_EFER, efer);
	GUEST_ASSERT(bit(0x80000001, EDX, 29));
}

/* ---- MSRs ---- */

static const struct {
	u32 leaf;
	enum reg reg;
	u32 nr;
	u32 msr;
} msrs[] = {
	{ 1, ECX, 24, 0x6e0 },		/* TSC_DEADLINE */
	{ 7, EBX, 1, 0x3b },		/* TSC_ADJUST */
	{ 7, EDX, 26, 0x48 },		/* SPEC_CTRL */
	{ 7, EDX, 29, 0x10a },		/* ARCH_CAPABILITIES */
	{ 1, EDX, 12, 0xfe },		/* MTRRcap */
	{ 1, EDX, 16, 0x277 },		/* PAT */
	{ 0x80000001, EDX, 27, 0xc0000103 },	/* TSC_AUX, with RDTSCP */
};

static void guest_msrs(void)
{
	u64 value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		bool has = bit(msrs[i].leaf, msrs[i].reg, msrs[i].nr);

		/* RDPID brings TSC_AUX, too. */
		if (msrs[i].msr == 0xc0000103)
			has |= bit(7, ECX, 22);
		GUEST_EQ((u64)msrs[i].msr << 8 | (guest_try_rdmsr(msrs[i].msr, &value) == -1),
			 (u64)msrs[i].msr << 8 | has);
	}
	/* XSS comes with XSAVES. */
	GUEST_EQ(guest_try_rdmsr(0xda0, &value) == -1, leaf(0xd, 1, EAX) >> 3 & 1);
}

static void guest_apic(void)
{
	u64 base = guest_rdmsr(MSR_APIC_BASE);

	GUEST_ASSERT(bit(1, EDX, 9));
	GUEST_EQ(guest_try_wrmsr(MSR_APIC_BASE, base | 0x400) == -1, bit(1, ECX, 21));
	guest_wrmsr(MSR_APIC_BASE, base & ~0xc00UL);
	/* It follows the global enable. */
	GUEST_ASSERT(!bit(1, EDX, 9));
	guest_wrmsr(MSR_APIC_BASE, base);
	GUEST_ASSERT(bit(1, EDX, 9));
	GUEST_EQ(leaf(1, 0, EBX) >> 24, 0);
	GUEST_EQ(leaf(0xb, 0, EDX), 0);
}

/* ---- instructions ---- */

/* As guest_trap(), for instructions that write EAX, ECX and EDX. */
#define TRY(name, insn)							\
static long try_##name(void)						\
{									\
	u32 a = 0, c = 0, d = 0;					\
	long vector;							\
									\
	asm volatile("movq $1f, hv_trap_rip(%%rip)\n\t"			\
		     insn "\n\t"					\
		     "1: movq $0, hv_trap_rip(%%rip)"			\
		     : "+a"(a), "+c"(c), "+d"(d) : : "memory");		\
	vector = hv_trap_vector;					\
	hv_trap_vector = -1;						\
	return vector;							\
}
TRY(rdtscp, "rdtscp")
TRY(xgetbv, "xgetbv")

static u8 area[4096] __attribute__((aligned(64)));

static void guest_instructions(void)
{
	static u64 desc[2];
	bool xsave = bit(1, ECX, 26);

	GUEST_EQ(try_rdtscp(), bit(0x80000001, EDX, 27) ? -1 : X86_UD);
	GUEST_EQ(guest_trap("invpcid %0, %1", "m"(desc), "r"(2UL)),
		 bit(7, EBX, 10) ? -1 : X86_UD);
	GUEST_EQ(guest_trap("monitor", "a"(area), "c"(0), "d"(0)), bit(1, ECX, 3) ? -1 : X86_UD);
	GUEST_EQ(guest_trap(".byte 0x0f, 0x01, 0xee", "c"(0)), X86_UD);	/* RDPKRU: CR4.PKE is 0 */
	GUEST_EQ(guest_trap("vmxoff", "a"(0)), X86_UD);
	GUEST_EQ(guest_trap(".byte 0x0f, 0x01, 0xca", "a"(0)),		/* CLAC */
		 bit(7, EBX, 20) ? -1 : X86_UD);
	GUEST_ASSERT(!bit(1, ECX, 27));
	GUEST_EQ(try_xgetbv(), X86_UD);
	if (!xsave)
		return;
	guest_write_cr4(guest_read_cr4() | 1UL << 18);
	/* OSXSAVE follows CR4. */
	GUEST_ASSERT(bit(1, ECX, 27));
	GUEST_EQ(try_xgetbv(), -1);
	GUEST_EQ(guest_trap("xsaveopt %0", "m"(area), "a"(1), "d"(0)),
		 leaf(0xd, 1, EAX) & 1 ? -1 : X86_UD);
	GUEST_EQ(guest_trap("xsavec %0", "m"(area), "a"(1), "d"(0)),
		 leaf(0xd, 1, EAX) & 2 ? -1 : X86_UD);
	GUEST_EQ(guest_trap("xsaves %0", "m"(area), "a"(1), "d"(0)),
		 leaf(0xd, 1, EAX) & 8 ? -1 : X86_UD);
	GUEST_EQ(leaf(0xd, 0, EBX), 576);
	GUEST_ASSERT(leaf(0xd, 0, ECX) >= 576);
	guest_write_cr4(guest_read_cr4() & ~(1UL << 18));
}

/* ---- the machine ---- */

static volatile u32 tsc_khz;

static void guest_machine(void)
{
	u32 max = leaf(0, 0, EAX), bits = leaf(0x80000008, 0, EAX) & 0xff;
	u32 r[4];

	GUEST_ASSERT(max >= 0xd);
	GUEST_ASSERT(bit(1, ECX, 31));
	GUEST_ASSERT(bits >= 36 && bits <= 52);
	/* The first address bit that there is not. */
	if (bits < 52)
		GUEST_EQ(guest_trap("mov %0, %%cr3", "r"(guest_read_cr3() | 1UL << bits)), X86_GP);
	if (max >= 0x15) {
		guest_cpuid(0x15, 0, r);
		if (r[EAX] && r[EBX] && r[ECX])
			GUEST_EQ((u64)r[ECX] * r[EBX] / r[EAX] / 1000, tsc_khz);
	}
	/* No counters. */
	guest_cpuid(0xa, 0, r);
	GUEST_EQ(r[EAX] & 0xff, 0);
}

static const struct {
	const char *name;
	void (*fn)(void);
} rows[] = {
	{ "control registers", guest_cr4 },
	{ "EFER", guest_efer },
	{ "MSRs", guest_msrs },
	{ "the local APIC", guest_apic },
	{ "instructions", guest_instructions },
	{ "the machine", guest_machine },
};

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	u32 i;

	tsc_khz = hv_cap(vm->dev, HVMOD_CAP_TSC_KHZ);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		x86_start(vcpu, rows[i].fn);
		hv_run_to_done(vcpu, rows[i].name);
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
