// SPDX-License-Identifier: GPL-2.0
/*
 * Memory type range registers and the page attribute table, as registers: the
 * guest finds in them what it wrote.  Called by msr.c.  They must not change
 * the memory type of guest RAM, which is write-back whatever the guest says.
 *
 * SDM, "Memory Type Range Registers (MTRRs)" and "Page Attribute Table (PAT)".
 */
#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/msr-index.h>

#include "arch/x86/arch_x86.h"

#define MTRR_VARIABLE		8
#define MTRR_FIXED		11
#define MTRR_CAP		(MTRR_VARIABLE | BIT(8) | BIT(10))	/* FIX, WC */
#define MTRR_VAR_FIRST		0x200
#define MTRR_DEF_WRITABLE	0xcffULL	/* type, FE, E */
#define MTRR_MASK_VALID		BIT_ULL(11)

struct mtrr_state {
	u64 var[2 * MTRR_VARIABLE];	/* base and mask in turn */
	u64 fixed[MTRR_FIXED];
	u64 def_type;
};

static const u16 mtrr_fixed_msr[MTRR_FIXED] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

/* UC, WC, WT, WP, WB; PAT has UC- as well. */
static bool mtrr_type_valid(u8 type)
{
	return type < 7 && (BIT(type) & 0x73);
}

bool mtrr_pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((u8)pat != 7 && !mtrr_type_valid(pat))
			return false;
	return true;
}

static u64 *mtrr_slot(struct mtrr_state *mtrr, u32 index)
{
	int i;

	if (index >= MTRR_VAR_FIRST && index < MTRR_VAR_FIRST + 2 * MTRR_VARIABLE)
		return &mtrr->var[array_index_nospec(index - MTRR_VAR_FIRST, 2 * MTRR_VARIABLE)];
	if (index == MSR_MTRRdefType)
		return &mtrr->def_type;
	for (i = 0; i < MTRR_FIXED; i++)
		if (mtrr_fixed_msr[i] == index)
			return &mtrr->fixed[i];
	return NULL;
}

int mtrr_read(struct vcpu *vcpu, u32 index, u64 *value)
{
	const u64 *slot;

	if (index == MSR_MTRRcap) {
		*value = MTRR_CAP;
		return 0;
	}
	slot = mtrr_slot(vcpu->arch.mtrr, index);
	if (!slot)
		return -EINVAL;
	*value = *slot;
	return 0;
}

static bool mtrr_value_valid(const struct vcpu *vcpu, u32 index, u64 value)
{
	u64 above = ~GENMASK_ULL(vcpu->arch.maxphyaddr - 1, 0);
	int i;

	if (index == MSR_MTRRdefType)
		return !(value & ~MTRR_DEF_WRITABLE) && mtrr_type_valid(value);
	if (index < MTRR_VAR_FIRST + 2 * MTRR_VARIABLE) {
		if (index & 1)
			return !(value & (above | (MTRR_MASK_VALID - 1)));
		return !(value & (above | GENMASK_ULL(11, 8))) && mtrr_type_valid(value);
	}
	for (i = 0; i < 8; i++, value >>= 8)
		if (!mtrr_type_valid(value))
			return false;
	return true;
}

int mtrr_write(struct vcpu *vcpu, u32 index, u64 value)
{
	u64 *slot = mtrr_slot(vcpu->arch.mtrr, index);

	if (!slot || !mtrr_value_valid(vcpu, index, value))
		return -EINVAL;
	*slot = value;
	return 0;
}

int mtrr_vcpu_init(struct vcpu *vcpu)
{
	vcpu->arch.mtrr = kzalloc(sizeof(*vcpu->arch.mtrr), GFP_KERNEL_ACCOUNT);
	return vcpu->arch.mtrr ? 0 : -ENOMEM;
}

void mtrr_vcpu_reset(struct vcpu *vcpu)
{
	memset(vcpu->arch.mtrr, 0, sizeof(*vcpu->arch.mtrr));
}

void mtrr_vcpu_destroy(struct vcpu *vcpu)
{
	kfree(vcpu->arch.mtrr);
	vcpu->arch.mtrr = NULL;
}
