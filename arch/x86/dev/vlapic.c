// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's registers: what the guest reads and writes, which vector is
 * next, modes and resets.  Called by exit handlers and by the entry path on the
 * vCPU's own thread; posting and local events come from anywhere.  It must not
 * take a lock or sleep on the paths of EOI, ICR, TPR and the entry.
 */
#include <linux/mm.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vioapic.h"
#include "arch/x86/dev/vlapic_priv.h"
#include "arch/x86/hw.h"

#define REG(offset)	BIT_ULL((offset) >> 4)
#define REGS_VECTORS	GENMASK_ULL(0x27, 0x10)		/* ISR, TMR, IRR */
#define REGS_LVT	GENMASK_ULL(0x37, 0x32)

/* SDM, "Local APIC Register Address Map": all others are reserved. */
#define XAPIC_REGS	(REG(APIC_ID) | REG(APIC_LVR) | REG(APIC_TASKPRI) |	\
			 REG(APIC_ARBPRI) | REG(APIC_PROCPRI) | REG(APIC_EOI) |	\
			 REG(APIC_RRR) | REG(APIC_LDR) | REG(APIC_DFR) |		\
			 REG(APIC_SPIV) | REGS_VECTORS | REG(APIC_ESR) |		\
			 REG(APIC_ICR) | REG(APIC_ICR2) | REGS_LVT |		\
			 REG(APIC_TMICT) | REG(APIC_TMCCT) | REG(APIC_TDCR))

/* SDM, "Local APIC Register Address Map Supported by x2APIC" */
#define X2APIC_READABLE	(REG(APIC_ID) | REG(APIC_LVR) | REG(APIC_TASKPRI) |	\
			 REG(APIC_PROCPRI) | REG(APIC_LDR) | REG(APIC_SPIV) |	\
			 REGS_VECTORS | REG(APIC_ESR) | REG(APIC_ICR) |		\
			 REGS_LVT | REG(APIC_TMICT) | REG(APIC_TMCCT) |		\
			 REG(APIC_TDCR))

/* ---- what waits ---- */

/* Highest set bit of IRR or ISR, or -1; words tells where to look. */
static int vlapic_highest(const struct vlapic *apic, u32 base, u8 words)
{
	unsigned int word;

	if (!words)
		return -1;
	word = __fls(words);
	return word * 32 + __fls(vlapic_live(apic, base + word * 16));
}

static void vlapic_set_vector(struct vlapic *apic, u32 base, u8 *words, u8 vector)
{
	*vlapic_vector_word(apic, base, vector) |= BIT(vector & 31);
	*words |= BIT(vector >> 5);
}

/* The highest one that is left. */
static int vlapic_clear_vector(struct vlapic *apic, u32 base, u8 *words, u8 vector)
{
	u32 *word = vlapic_vector_word(apic, base, vector);

	*word &= ~BIT(vector & 31);
	if (!*word)
		*words &= ~BIT(vector >> 5);
	return vlapic_highest(apic, base, *words);
}

static u8 vlapic_find_words(const struct vlapic *apic, u32 base)
{
	u8 words = 0;
	u32 word;

	for (word = 0; word < 8; word++)
		if (vlapic_live(apic, base + word * 16))
			words |= BIT(word);
	return words;
}

/* Requests of 32 vectors from "vector" on; TMR follows their trigger mode. */
static void vlapic_move_word(struct vlapic *apic, u32 vector, u32 requested, bool level)
{
	u32 *tmr = vlapic_vector_word(apic, APIC_TMR, vector);
	u32 mode = level ? *tmr | requested : *tmr & ~requested;

	if (!requested)
		return;
	*vlapic_vector_word(apic, APIC_IRR, vector) |= requested;
	apic->irr_words |= BIT(vector >> 5);
	if (mode != *tmr) {
		*tmr = mode;
		apic->tmr_changed = true;
	}
}

static void vlapic_move(struct vlapic *apic, unsigned long *from, u32 vector, bool level)
{
	unsigned long requested;

	if (!READ_ONCE(*from))
		return;
	requested = xchg(from, 0);
	vlapic_move_word(apic, vector, lower_32_bits(requested), level);
	vlapic_move_word(apic, vector + 32, upper_32_bits(requested), level);
}

int vlapic_sync(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	int i;

	clear_bit(VLAPIC_POST_ON, &apic->post.control);
	/* A poster that saw ON set has its request in place by now. */
	smp_mb__after_atomic();
	for (i = 0; i < 4; i++) {
		vlapic_move(apic, &apic->post.request[i], i * 64, false);
		vlapic_move(apic, &apic->level[i], i * 64, true);
	}
	WRITE_ONCE(apic->irr_max, apic->assisted ? vlapic_scan(apic, APIC_IRR) :
		   vlapic_highest(apic, APIC_IRR, apic->irr_words));
	return apic->irr_max;
}

int vlapic_in_service(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;

	return apic->assisted ? vlapic_scan(apic, APIC_ISR) : apic->isr_max;
}

bool vlapic_take_tmr(struct vcpu *vcpu, u64 tmr[4])
{
	struct vlapic *apic = vcpu->arch.apic;
	int i;

	if (!apic->tmr_changed)
		return false;
	apic->tmr_changed = false;
	for (i = 0; i < 4; i++)
		tmr[i] = vlapic_live(apic, APIC_TMR + i * 32) |
			 (u64)vlapic_live(apic, APIC_TMR + i * 32 + 16) << 32;
	return true;
}

void vlapic_assist(struct vcpu *vcpu, bool on)
{
	struct vlapic *apic = vcpu->arch.apic;

	WRITE_ONCE(apic->assisted, on);
	apic->tmr_changed = true;
	vlapic_rescan(apic);
}

void vlapic_rescan(struct vlapic *apic)
{
	apic->irr_words = vlapic_find_words(apic, APIC_IRR);
	apic->isr_words = vlapic_find_words(apic, APIC_ISR);
	WRITE_ONCE(apic->irr_max, vlapic_highest(apic, APIC_IRR, apic->irr_words));
	WRITE_ONCE(apic->isr_max, vlapic_highest(apic, APIC_ISR, apic->isr_words));
}

static bool post_is_on(const struct vlapic *apic)
{
	return READ_ONCE(apic->post.control) & BIT(VLAPIC_POST_ON);
}

bool vlapic_posted(struct vcpu *vcpu)
{
	return post_is_on(vcpu->arch.apic);
}

int vlapic_pending(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;

	if (unlikely(apic->assisted || post_is_on(apic)))
		vlapic_sync(vcpu);
	if (likely(apic->irr_max < 0))
		return -1;
	if ((apic->irr_max >> 4) <= (vlapic_ppr(apic) >> 4))
		return -1;
	return apic->irr_max;
}

bool vlapic_requested(struct vcpu *vcpu)
{
	const struct vlapic *apic = vcpu->arch.apic;

	if (READ_ONCE(apic->assisted))
		return post_is_on(apic) || vlapic_scan(apic, APIC_IRR) >= 0;
	return post_is_on(apic) || READ_ONCE(apic->irr_max) >= 0;
}

void vlapic_ack(struct vcpu *vcpu, u8 vector)
{
	struct vlapic *apic = vcpu->arch.apic;

	WRITE_ONCE(apic->irr_max, vlapic_clear_vector(apic, APIC_IRR, &apic->irr_words, vector));
	vlapic_set_vector(apic, APIC_ISR, &apic->isr_words, vector);
	if (vector > apic->isr_max)
		WRITE_ONCE(apic->isr_max, vector);
	vlapic_set_live(apic, APIC_PROCPRI, vlapic_ppr(apic));
}

u8 vlapic_tpr_threshold(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;
	int irr;

	irr = post_is_on(apic) ? vlapic_sync(vcpu) : apic->irr_max;
	if (irr < 0 || (vlapic_live(apic, APIC_TASKPRI) & 0xff) >> 4 < irr >> 4)
		return 0;
	return irr >> 4;
}

bool vlapic_accepts_extint(struct vcpu *vcpu)
{
	const struct vlapic *apic = vcpu->arch.apic;
	u32 lvt;

	if (!READ_ONCE(apic->enabled))
		return vcpu->id == 0;	/* the INTR pin of the boot processor */
	lvt = vlapic_reg(apic, APIC_LVT0);
	return (lvt & (APIC_LVT_MASKED | APIC_MODE_MASK)) == APIC_DM_EXTINT;
}

static void vlapic_eoi(struct vlapic *apic)
{
	int vector;

	if (unlikely(apic->assisted)) {
		vlapic_rescan(apic);
		hw_irq_check(apic->vcpu);
	}
	vector = apic->isr_max;
	if (vector < 0)
		return;
	WRITE_ONCE(apic->isr_max, vlapic_clear_vector(apic, APIC_ISR, &apic->isr_words, vector));
	vlapic_set_live(apic, APIC_PROCPRI, vlapic_ppr(apic));
	if (unlikely(vlapic_test_vector(apic, APIC_TMR, vector)))
		vlapic_eoi_induced(apic->vcpu, vector);
}

void vlapic_eoi_induced(struct vcpu *vcpu, u8 vector)
{
	if (vcpu->vm->arch.ioapic)
		vioapic_eoi(vcpu->vm, vector);
}

/* ---- requests from here and from elsewhere ---- */

static bool vlapic_takes(struct vlapic *apic, u8 vector)
{
	if (!READ_ONCE(apic->enabled) || !READ_ONCE(apic->sw_enabled))
		return false;
	if (unlikely(vector < 16)) {
		vlapic_error(apic, APIC_ESR_RECVILL);
		return false;
	}
	return true;
}

bool vlapic_set_irr(struct vlapic *apic, u8 vector)
{
	if (!vlapic_takes(apic, vector))
		return false;
	vlapic_move_word(apic, vector & ~31U, BIT(vector & 31), false);
	if (vector > apic->irr_max)
		WRITE_ONCE(apic->irr_max, vector);
	hw_irq_check(apic->vcpu);
	return true;
}

bool vlapic_post_vector(struct vlapic *apic, u8 vector, bool level)
{
	if (!vlapic_takes(apic, vector))
		return false;
	/* One that is there already was, or is being, announced. */
	if (test_and_set_bit(vector, level ? apic->level : apic->post.request))
		return true;
	/* The hardware may take ON away, and knows nothing of levels. */
	if (!test_and_set_bit(VLAPIC_POST_ON, &apic->post.control) || level)
		hw_post_interrupt(apic->vcpu, level);
	return true;
}

void vlapic_nmi(struct vcpu *vcpu)
{
	if (atomic_fetch_add_unless(&vcpu->arch.nmi_queued, 1, 2) < 2)
		vcpu_request(vcpu, VCPU_REQ_EVENT);
}

void vlapic_local_event(struct vlapic *apic, u32 lvt)
{
	if (lvt & APIC_LVT_MASKED)
		return;
	switch (lvt & APIC_MODE_MASK) {
	case APIC_DM_FIXED:
		vlapic_post_vector(apic, lvt & APIC_VECTOR_MASK, false);
		break;
	case APIC_DM_NMI:
		vlapic_nmi(apic->vcpu);
		break;
	default:	/* SMI, INIT and ExtINT have no source here */
		break;
	}
}

void vlapic_local_nmi(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->arch.apic;

	if (READ_ONCE(apic->enabled))
		vlapic_local_event(apic, vlapic_reg(apic, APIC_LVT1));
	else
		vlapic_nmi(vcpu);	/* then LINT1 is the NMI pin */
}

void vlapic_error(struct vlapic *apic, u32 bits)
{
	/* Only a new error is reported: this also ends a bad error vector. */
	if (bits & ~atomic_fetch_or(bits, &apic->esr))
		vlapic_local_event(apic, vlapic_reg(apic, APIC_LVTERR));
}

/* ---- registers ---- */

u32 vlapic_lvt_bits(const struct vlapic *apic, u32 offset)
{
	u32 deadline = 0;

	switch (offset) {
	case APIC_LVTT:
		if (apic->vcpu->arch.features & GUEST_HAS_TSC_DEADLINE)
			deadline = APIC_LVT_TIMER_TSCDEADLINE;
		return APIC_VECTOR_MASK | APIC_LVT_MASKED | APIC_LVT_TIMER_PERIODIC | deadline;
	case APIC_LVTTHMR:
	case APIC_LVTPC:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_LVT_MASKED;
	case APIC_LVT0:
	case APIC_LVT1:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_INPUT_POLARITY |
		       APIC_LVT_LEVEL_TRIGGER | APIC_LVT_MASKED;
	default:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED;
	}
}

static void vlapic_write_lvt(struct vlapic *apic, u32 offset, u32 value)
{
	value &= vlapic_lvt_bits(apic, offset);
	if (!apic->sw_enabled)
		value |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		vlapic_timer_set_lvt(apic, value);
	else
		vlapic_set_reg(apic, offset, value);
}

static void vlapic_write_svr(struct vlapic *apic, u32 value)
{
	bool enable = value & APIC_SPIV_APIC_ENABLED;
	u32 offset;

	vlapic_set_reg(apic, APIC_SPIV, value & VLAPIC_SVR_BITS);
	if (enable == apic->sw_enabled)
		return;
	WRITE_ONCE(apic->sw_enabled, enable);
	if (enable)
		return;
	/* SDM, "Local APIC State After It Has Been Software Disabled" */
	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 16)
		vlapic_write_lvt(apic, offset, vlapic_reg(apic, offset));
}

static void vlapic_write_logical(struct vlapic *apic, u32 offset, u32 value)
{
	if (vlapic_reg(apic, offset) == value)
		return;
	vlapic_set_reg(apic, offset, value);
	vlapic_map_update(apic->vcpu->vm);
}

static void vlapic_self_ipi(struct vlapic *apic, u8 vector)
{
	if (vector < 16)
		vlapic_error(apic, APIC_ESR_SENDILL);
	else
		vlapic_set_irr(apic, vector);
}

/* Registers that both modes have; offset is legal, value too. */
static void vlapic_write_common(struct vlapic *apic, u32 offset, u32 value)
{
	switch (offset) {
	case APIC_EOI:
		vlapic_eoi(apic);
		break;
	case APIC_TASKPRI:
		vlapic_set_live(apic, APIC_TASKPRI, value & 0xff);
		vlapic_set_live(apic, APIC_PROCPRI, vlapic_ppr(apic));
		hw_irq_check(apic->vcpu);
		break;
	case APIC_TMICT:
		vlapic_timer_start(apic, value);
		break;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		vlapic_write_lvt(apic, offset, value);
		break;
	case APIC_TDCR:
		vlapic_timer_set_divide(apic, value & VLAPIC_TDCR_BITS);
		break;
	case APIC_SPIV:
		vlapic_write_svr(apic, value);
		break;
	case APIC_ESR:
		vlapic_set_reg(apic, APIC_ESR, atomic_xchg(&apic->esr, 0));
		break;
	default:	/* read-only: no effect */
		break;
	}
}

void vlapic_write(struct vcpu *vcpu, u32 offset, u32 value)
{
	struct vlapic *apic = vcpu->arch.apic;

	/* The most frequent ones first: there are no jump tables in the kernel. */
	if (offset == APIC_EOI) {
		vlapic_eoi(apic);
		return;
	}
	if (unlikely(offset & ~0xff0U))
		return;		/* bytes 4-15 of a register hold nothing */
	switch (offset) {
	case APIC_ICR:
		value &= ~(VLAPIC_ICR_RESERVED | APIC_ICR_BUSY);
		vlapic_set_reg(apic, APIC_ICR, value);
		vlapic_send_ipi(apic, value, vlapic_live(apic, APIC_ICR2) >> 24);
		return;
	case APIC_ICR2:
		vlapic_set_reg(apic, APIC_ICR2, value & GENMASK(31, 24));
		return;
	case APIC_LDR:
		vlapic_write_logical(apic, APIC_LDR, value & APIC_LDR_MASK);
		return;
	case APIC_DFR:
		vlapic_write_logical(apic, APIC_DFR, value | GENMASK(27, 0));
		return;
	default:
		break;
	}
	if (offset >= 0x400 || !(XAPIC_REGS & REG(offset)))
		vlapic_error(apic, APIC_ESR_ILLREGA);
	else
		vlapic_write_common(apic, offset, value);
}

void vlapic_written(struct vcpu *vcpu, u32 offset)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 value;

	offset &= 0x3f0;
	value = vlapic_live(apic, offset);
	/* It is taken back and done like a write that was refused. */
	vlapic_set_live(apic, offset, vlapic_reg(apic, offset));
	if (apic->x2apic)
		vlapic_msr_write(vcpu, APIC_BASE_MSR + (offset >> 4), value);
	else
		vlapic_write(vcpu, offset, value);
}

/* offset is a register of the first KiB. */
static u32 vlapic_read_common(struct vlapic *apic, u32 offset)
{
	switch (offset) {
	case APIC_TMCCT:
		return vlapic_timer_count(apic);
	case APIC_PROCPRI:
		return vlapic_ppr(apic);
	case APIC_TMR ... APIC_IRR + 0x70:
		if (post_is_on(apic))
			vlapic_sync(apic->vcpu);
		break;
	default:
		break;
	}
	return vlapic_live(apic, offset);
}

u32 vlapic_read(struct vcpu *vcpu, u32 offset)
{
	struct vlapic *apic = vcpu->arch.apic;

	if (unlikely(offset & ~0xff0U))
		return 0;
	if (offset >= 0x400 || !(XAPIC_REGS & REG(offset))) {
		vlapic_error(apic, APIC_ESR_ILLREGA);
		return 0;
	}
	return vlapic_read_common(apic, offset);
}

int vlapic_msr_read(struct vcpu *vcpu, u32 index, u64 *value)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 reg = index - APIC_BASE_MSR;

	if (!apic->x2apic || reg > 0x3f || !(X2APIC_READABLE & BIT_ULL(reg & 0x3f)))
		return -EINVAL;
	*value = vlapic_read_common(apic, reg << 4);
	if (reg << 4 == APIC_ICR)
		*value |= (u64)vlapic_live(apic, APIC_ICR2) << 32;
	return 0;
}

static int vlapic_msr_write_icr(struct vlapic *apic, u64 value)
{
	u32 icr = value & ~APIC_ICR_BUSY;

	if (icr & VLAPIC_ICR_RESERVED)
		return -EINVAL;
	vlapic_set_reg(apic, APIC_ICR, icr);
	vlapic_set_reg(apic, APIC_ICR2, value >> 32);
	vlapic_send_ipi(apic, icr, value >> 32);
	return 0;
}

int vlapic_msr_write(struct vcpu *vcpu, u32 index, u64 value)
{
	struct vlapic *apic = vcpu->arch.apic;
	u32 reg = index - APIC_BASE_MSR;
	u64 allowed;

	if (!apic->x2apic || reg > 0x3f)
		return -EINVAL;
	if (reg << 4 == APIC_EOI && !value) {
		vlapic_eoi(apic);
		return 0;
	}
	switch (reg << 4) {
	case APIC_ICR:
		return vlapic_msr_write_icr(apic, value);
	case APIC_EOI:
	case APIC_ESR:
		allowed = 0;
		break;
	case APIC_TASKPRI:
	case APIC_SELF_IPI:
		allowed = 0xff;
		break;
	case APIC_SPIV:
		allowed = VLAPIC_SVR_BITS;
		break;
	case APIC_TMICT:
		allowed = U32_MAX;
		break;
	case APIC_TDCR:
		allowed = VLAPIC_TDCR_BITS;
		break;
	case APIC_LVTT ... APIC_LVTERR:
		allowed = vlapic_lvt_bits(apic, reg << 4) | APIC_SEND_PENDING;
		if (reg << 4 == APIC_LVT0 || reg << 4 == APIC_LVT1)
			allowed |= APIC_LVT_REMOTE_IRR;
		break;
	default:
		return -EINVAL;
	}
	if (value & ~allowed)
		return -EINVAL;
	if (reg << 4 == APIC_SELF_IPI)
		vlapic_self_ipi(apic, value);
	else
		vlapic_write_common(apic, reg << 4, value);
	return 0;
}

u64 vlapic_get_cr8(struct vcpu *vcpu)
{
	return (vlapic_live(vcpu->arch.apic, APIC_TASKPRI) & 0xff) >> 4;
}

void vlapic_set_cr8(struct vcpu *vcpu, u64 cr8)
{
	vlapic_write_common(vcpu->arch.apic, APIC_TASKPRI, (cr8 & 0xf) << 4);
}

bool vlapic_in_page(struct vcpu *vcpu, u64 gpa)
{
	return (gpa & PAGE_MASK) == vcpu->arch.apic->page_gpa;
}
