// SPDX-License-Identifier: GPL-2.0
/*
 * What a local APIC is over its life: made, reset, switched between disabled,
 * xAPIC and x2APIC mode, saved and restored.  Called at creation, by INIT, by
 * writes to IA32_APIC_BASE and by the state ioctls, on the vCPU's own thread.
 * It must not change a register in another way than a reset or a mode does.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic_priv.h"
#include "arch/x86/hw.h"

/* Changes when, and only when, the destination map has to be made anew. */
static u64 vlapic_map_key(const struct vlapic *apic)
{
	u32 ldr = vlapic_reg(apic, APIC_LDR);

	if (!apic->enabled || (!apic->x2apic && !ldr))
		return 0;
	if (apic->x2apic)
		return BIT_ULL(63);
	return (u64)ldr << 8 | vlapic_reg(apic, APIC_DFR) >> 28 | BIT_ULL(62);
}

static void vlapic_apply_base(struct vlapic *apic, u64 base)
{
	struct vcpu *vcpu = apic->vcpu;

	vcpu->arch.apic_base = base;
	WRITE_ONCE(apic->enabled, base & VLAPIC_BASE_EN);
	WRITE_ONCE(apic->x2apic, base & VLAPIC_BASE_EXTD);
	apic->page_gpa = apic->enabled && !apic->x2apic ? base & PAGE_MASK : VLAPIC_PAGE_NONE;
	vlapic_set_reg(apic, APIC_ID, apic->x2apic ? vcpu->id : vcpu->id << 24);
}

/* SDM, "Local APIC State After Power-Up or Reset" */
static void vlapic_reset_regs(struct vlapic *apic, bool init)
{
	u32 offset;
	int i;

	vlapic_timer_reset(apic);
	WRITE_ONCE(apic->sw_enabled, false);
	for (i = 0; i < 4; i++) {
		WRITE_ONCE(apic->post.request[i], 0);
		WRITE_ONCE(apic->level[i], 0);
	}
	clear_bit(VLAPIC_POST_ON, &apic->post.control);
	atomic_set(&apic->esr, 0);
	WRITE_ONCE(apic->irr_max, -1);
	WRITE_ONCE(apic->isr_max, -1);
	apic->irr_words = 0;
	apic->isr_words = 0;

	memset(apic->regs, 0, PAGE_SIZE);
	memset(apic->known, 0, sizeof(apic->known));
	apic->tmr_changed = true;
	vlapic_set_reg(apic, APIC_LVR, VLAPIC_VERSION);
	vlapic_set_reg(apic, APIC_DFR, APIC_DFR_FLAT);
	vlapic_set_reg(apic, APIC_SPIV, 0xff);
	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 16)
		vlapic_set_reg(apic, offset, APIC_LVT_MASKED);
	/*
	 * A guest that is started without firmware finds virtual wire mode, as
	 * firmware would have left it.
	 */
	if (!init && apic->vcpu->id == 0)
		vlapic_set_reg(apic, APIC_LVT0, APIC_DM_EXTINT);
}

static void vlapic_restart(struct vcpu *vcpu, bool init)
{
	struct vlapic *apic = vcpu->arch.apic;
	u64 key = vlapic_map_key(apic);
	u64 base = vcpu->arch.apic_base;

	if (!init) {
		base = APIC_DEFAULT_PHYS_BASE | VLAPIC_BASE_EN;
		if (vcpu->id == 0)
			base |= VLAPIC_BASE_BSP;
	}
	vlapic_reset_regs(apic, init);
	vlapic_apply_base(apic, base);
	if (apic->x2apic)
		vlapic_set_reg(apic, APIC_LDR, vlapic_x2apic_ldr(vcpu->id));
	if (vlapic_map_key(apic) != key)
		vlapic_map_update(vcpu->vm);
}

void vlapic_reset(struct vcpu *vcpu, bool init)
{
	vlapic_restart(vcpu, init);
	hw_apic_mode_changed(vcpu);
}

/* SDM, "x2APIC State Transitions" */
static bool vlapic_base_allowed(struct vcpu *vcpu, u64 value)
{
	unsigned int width = clamp_t(unsigned int, vcpu->arch.maxphyaddr, 36, 52);
	u64 bits = VLAPIC_BASE_BSP | VLAPIC_BASE_EN | GENMASK_ULL(width - 1, PAGE_SHIFT);
	u64 old = vcpu->arch.apic_base;

	if (vcpu->arch.features & GUEST_HAS_X2APIC)
		bits |= VLAPIC_BASE_EXTD;
	if (value & ~bits)
		return false;
	if (value & VLAPIC_BASE_EXTD)
		return (value & VLAPIC_BASE_EN) && (old & VLAPIC_BASE_EN);
	return !(value & VLAPIC_BASE_EN) || !(old & VLAPIC_BASE_EXTD);
}

int vlapic_set_base(struct vcpu *vcpu, u64 value)
{
	struct vlapic *apic = vcpu->arch.apic;
	u64 changed = value ^ vcpu->arch.apic_base;
	u64 key = vlapic_map_key(apic);

	if (!vlapic_base_allowed(vcpu, value))
		return -EINVAL;
	if (!changed)
		return 0;
	if ((changed & VLAPIC_BASE_EN) && !(value & VLAPIC_BASE_EN)) {
		WRITE_ONCE(apic->enabled, false);	/* no new requests */
		vlapic_reset_regs(apic, true);
	}
	vlapic_apply_base(apic, value);
	if ((changed & VLAPIC_BASE_EXTD) && apic->x2apic) {
		vlapic_set_reg(apic, APIC_ICR2, 0);
		vlapic_set_reg(apic, APIC_DFR, APIC_DFR_FLAT);
		vlapic_set_reg(apic, APIC_LDR, vlapic_x2apic_ldr(vcpu->id));
	}
	if (vlapic_map_key(apic) != key)
		vlapic_map_update(vcpu->vm);
	hw_apic_mode_changed(vcpu);
	if (changed & VLAPIC_BASE_EN)
		cpuid_update(vcpu);
	return 0;
}

/* ---- life ---- */

int vlapic_create(struct vcpu *vcpu)
{
	struct vlapic *apic;

	BUILD_BUG_ON(sizeof(struct vlapic_post) != 64);
	/* Slab objects of a power of two are aligned to their size. */
	apic = kzalloc(roundup_pow_of_two(sizeof(*apic)), GFP_KERNEL_ACCOUNT);
	if (!apic)
		return -ENOMEM;
	apic->regs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!apic->regs) {
		kfree(apic);
		return -ENOMEM;
	}
	apic->vcpu = vcpu;
	vlapic_timer_init(apic);
	vcpu->arch.apic = apic;
	vlapic_restart(vcpu, false);
	return 0;
}

void vlapic_destroy(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;

	if (!apic)
		return;
	/*
	 * The first vCPU of a VM that goes: no device may find it from now on.
	 * One that was never published is only a failed creation.
	 */
	if (vm_vcpu(vcpu->vm, vcpu->id) == vcpu)
		irq_devices_stop(vcpu->vm);
	vlapic_timer_stop(apic);
	vcpu->arch.apic = NULL;
	free_page((unsigned long)apic->regs);
	kfree(apic);
}

void *vlapic_page(struct vcpu *vcpu)
{
	return vcpu->arch.apic->regs;
}

struct vlapic_post *vlapic_post_area(struct vcpu *vcpu)
{
	return &vcpu->arch.apic->post;
}

/* ---- save and restore ---- */

void vlapic_get_state(struct vcpu *vcpu, struct hvmod_lapic *out)
{
	struct vlapic *apic = vcpu->arch.apic;

	vlapic_timer_poll(vcpu);
	vlapic_sync(vcpu);
	vlapic_set_live(apic, APIC_PROCPRI, vlapic_ppr(apic));
	vlapic_set_live(apic, APIC_TMCCT, vlapic_timer_count(apic));
	memcpy(out->regs, apic->regs, sizeof(out->regs));
}

static u32 vlapic_state_reg(const struct hvmod_lapic *in, u32 offset)
{
	u32 value;

	memcpy(&value, &in->regs[offset], sizeof(value));
	return value;
}

/* Bits of a saved register that may be set; all of those not listed here. */
static u32 vlapic_state_bits(const struct vlapic *apic, u32 offset)
{
	switch (offset) {
	case APIC_TASKPRI:
	case APIC_PROCPRI:
	case APIC_ESR:
		return 0xff;
	case APIC_LDR:
	case APIC_ICR2:
		return apic->x2apic ? U32_MAX : GENMASK(31, 24);
	case APIC_SPIV:
		return VLAPIC_SVR_BITS;
	case APIC_ISR:
	case APIC_TMR:
	case APIC_IRR:
		return GENMASK(31, 16);
	case APIC_ICR:
		return ~(VLAPIC_ICR_RESERVED | APIC_ICR_BUSY);
	case APIC_LVTT ... APIC_LVTERR:
		return vlapic_lvt_bits(apic, offset);
	case APIC_TDCR:
		return VLAPIC_TDCR_BITS;
	default:
		return U32_MAX;
	}
}

static bool vlapic_state_valid(const struct vlapic *apic, const struct hvmod_lapic *in)
{
	u32 offset;

	for (offset = 0; offset < sizeof(in->regs); offset += 16) {
		if (vlapic_state_reg(in, offset) & ~vlapic_state_bits(apic, offset))
			return false;
	}
	if (vlapic_state_reg(in, APIC_ID) != vlapic_reg(apic, APIC_ID) ||
	    vlapic_state_reg(in, APIC_LVR) != VLAPIC_VERSION)
		return false;
	if (apic->x2apic && vlapic_state_reg(in, APIC_LDR) != vlapic_reg(apic, APIC_LDR))
		return false;
	if ((vlapic_state_reg(in, APIC_LVTT) & VLAPIC_TIMER_MODE) == VLAPIC_TIMER_MODE)
		return false;
	return true;
}

int vlapic_set_state(struct vcpu *vcpu, const struct hvmod_lapic *in)
{
	struct vlapic *apic = vcpu->arch.apic;
	u64 key = vlapic_map_key(apic);
	u32 offset;

	if (!vlapic_state_valid(apic, in))
		return -EINVAL;
	vlapic_timer_stop(apic);
	vlapic_reset_regs(apic, true);
	for (offset = 0; offset < sizeof(in->regs); offset += 16)
		vlapic_set_reg(apic, offset, vlapic_state_reg(in, offset));
	vlapic_set_reg(apic, APIC_DFR, vlapic_state_reg(in, APIC_DFR) | GENMASK(27, 0));
	WRITE_ONCE(apic->sw_enabled, vlapic_state_reg(in, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
	vlapic_rescan(apic);
	apic->tmr_changed = true;
	hw_irq_check(vcpu);
	vlapic_timer_restore(apic, vlapic_state_reg(in, APIC_TMCCT));
	if (vlapic_map_key(apic) != key)
		vlapic_map_update(vcpu->vm);
	vcpu_kick(vcpu);
	return 0;
}
