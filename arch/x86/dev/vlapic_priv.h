/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of a local APIC, shared by vlapic.c, vlapic_timer.c and
 * vlapic_deliver.c.  Nobody else includes it: the way in is vlapic.h.  Fields
 * marked [own] belong to the vCPU's thread, [atomic] to anybody.
 */
#ifndef ARCH_X86_DEV_VLAPIC_PRIV_H
#define ARCH_X86_DEV_VLAPIC_PRIV_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "arch/x86/dev/vlapic.h"
#include "module/vm.h"

#define VLAPIC_VERSION		0x00050014	/* six LVT entries, integrated */
#define VLAPIC_PAGE_NONE	(~0ULL)

/* Bits of IA32_APIC_BASE; the kernel's names differ between versions. */
#define VLAPIC_BASE_BSP		BIT_ULL(8)
#define VLAPIC_BASE_EXTD	BIT_ULL(10)
#define VLAPIC_BASE_EN		BIT_ULL(11)

#define VLAPIC_SVR_BITS		0x3ffU
#define VLAPIC_TDCR_BITS	0xbU
/* Reserved bits of ICR's low half; delivery status is read-only. */
#define VLAPIC_ICR_RESERVED	((u32)(GENMASK(31, 20) | GENMASK(17, 16) | BIT(13)))

/* Bits 18:17 of the timer's LVT entry. */
#define VLAPIC_TIMER_MODE	(3U << 17)

/*
 * A periodic timer ticks in the host no faster than this, whatever the guest
 * asks for: it goes on when its vCPU does not run, so that its cost is nobody's
 * time slice.  At 100 us that is below one per cent of a CPU.  A one-shot timer
 * needs no limit, since each costs the guest an exit.
 */
#define VLAPIC_MIN_PERIOD_NS	(100 * NSEC_PER_USEC)

struct vlapic_timer {
	struct hrtimer hrtimer;
	u64 target;		/* [own] ns; next time the count is zero; 0: stopped */
	u64 period;		/* [own] ns, as the guest asked; 0: none */
	u64 deadline;		/* guest TSC; cleared by the expiry */
	u64 host_deadline;	/* host TSC; written with the hrtimer stopped */
	bool in_hw;		/* [own] the hardware waits for host_deadline, no hrtimer */
};

struct vlapic {
	struct vlapic_post post;	/* [atomic]; first: it is 64-byte aligned */
	unsigned long level[4];		/* [atomic] posted too, level triggered */
	struct vcpu *vcpu;
	void *regs;		/* [own] the page; others read single registers */
	int irr_max;		/* [own] highest bit of IRR in the page, or -1 */
	int isr_max;		/* [own] highest bit of ISR, or -1 */
	u8 irr_words;		/* [own] which of the eight words of IRR are not zero */
	u8 isr_words;		/* [own] and of ISR */
	bool assisted;		/* the hardware changes IRR and ISR: the four above are stale */
	bool tmr_changed;	/* [own] since vlapic_take_tmr() */
	u64 page_gpa;		/* [own] of the xAPIC page, or VLAPIC_PAGE_NONE */
	bool enabled;		/* IA32_APIC_BASE.EN; others read it */
	bool x2apic;		/* others read it */
	bool sw_enabled;	/* SVR bit 8; others read it */
	atomic_t esr;		/* [atomic] errors that ESR does not show yet */
	u32 arbitration;	/* racy: deliveries by lowest priority */
	u32 known[64];		/* [own] registers as the module set them; others read it */
	struct vlapic_timer timer;
};

/*
 * Who answers to which logical id, for the case that all enabled APICs with a
 * logical id are in the same mode: then a lookup replaces a scan.
 */
enum vlapic_map_mode {
	VLAPIC_MAP_NONE,
	VLAPIC_MAP_FLAT,
	VLAPIC_MAP_CLUSTER,
	VLAPIC_MAP_X2APIC,
	VLAPIC_MAP_MIXED,	/* ask every APIC */
};

struct vlapic_map {
	struct rcu_head rcu;
	enum vlapic_map_mode mode;
	struct vcpu *cluster[16][4];	/* by cluster and bit */
	struct vcpu *flat[8];
};

/*
 * What the page says now.  Hardware that virtualizes an APIC keeps TPR, PPR, ISR,
 * TMR and IRR there, and puts a guest's write of another register there before
 * the exit that tells of it.
 */
static inline u32 vlapic_live(const struct vlapic *apic, u32 offset)
{
	return READ_ONCE(*(u32 *)(apic->regs + offset));
}

static inline void vlapic_set_live(struct vlapic *apic, u32 offset, u32 value)
{
	WRITE_ONCE(*(u32 *)(apic->regs + offset), value);
}

/* Any other register: as it was set last, whatever the guest has put into the page. */
static inline u32 vlapic_reg(const struct vlapic *apic, u32 offset)
{
	return READ_ONCE(apic->known[offset >> 4]);
}

static inline void vlapic_set_reg(struct vlapic *apic, u32 offset, u32 value)
{
	WRITE_ONCE(apic->known[offset >> 4], value);
	vlapic_set_live(apic, offset, value);
}

/* ISR, TMR and IRR: 256 bits, 32 in each 16 bytes. */
static inline u32 *vlapic_vector_word(struct vlapic *apic, u32 base, u8 vector)
{
	return apic->regs + base + (vector >> 5) * 16;
}

static inline bool vlapic_test_vector(struct vlapic *apic, u32 base, u8 vector)
{
	return *vlapic_vector_word(apic, base, vector) & BIT(vector & 31);
}

/* Highest set bit of IRR or ISR as the page has it, or -1. */
static inline int vlapic_scan(const struct vlapic *apic, u32 base)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = vlapic_live(apic, base + word * 16);

		if (bits)
			return word * 32 + __fls(bits);
	}
	return -1;
}

/*
 * SDM, "Task and Processor Priorities".  TPR is read from the page each time:
 * with a TPR shadow the guest changes it without an exit.
 */
static inline u32 vlapic_ppr(const struct vlapic *apic)
{
	u32 tpr = vlapic_live(apic, APIC_TASKPRI) & 0xff;
	int isr = READ_ONCE(apic->assisted) ? vlapic_scan(apic, APIC_ISR) :
					      READ_ONCE(apic->isr_max);

	if (isr < 0 || (tpr >> 4) >= ((u32)isr >> 4))
		return tpr;
	return isr & 0xf0;
}

static inline u32 vlapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

/* ---- vlapic.c ---- */

/* An error for ESR and the error LVT.  Any context. */
void vlapic_error(struct vlapic *apic, u32 bits);
/* IRR or ISR of the page were replaced: what is kept of them follows.  [own] */
void vlapic_rescan(struct vlapic *apic);
/* A fixed interrupt for the own vCPU, from its own thread.  False: refused. */
bool vlapic_set_irr(struct vlapic *apic, u8 vector);
/* A fixed interrupt, any context.  False: refused (disabled, bad vector). */
bool vlapic_post_vector(struct vlapic *apic, u8 vector, bool level);
/* Bits of an LVT entry that can be written; bits 12 and 14 are read-only. */
u32 vlapic_lvt_bits(const struct vlapic *apic, u32 offset);
/* What an LVT entry says happens.  Any context. */
void vlapic_local_event(struct vlapic *apic, u32 lvt);

/* ---- vlapic_timer.c; [own] ---- */

void vlapic_timer_init(struct vlapic *apic);
/* Stops it and waits for a running expiry. */
void vlapic_timer_stop(struct vlapic *apic);
/* Back to the state after RESET. */
void vlapic_timer_reset(struct vlapic *apic);
/* TMICT was written: counts from there. */
void vlapic_timer_start(struct vlapic *apic, u32 count);
/* The LVT entry or the divisor is about to become this. */
void vlapic_timer_set_lvt(struct vlapic *apic, u32 lvt);
void vlapic_timer_set_divide(struct vlapic *apic, u32 tdcr);
u32 vlapic_timer_count(struct vlapic *apic);
/* TMICT, LVTT and TDCR of the page were replaced, count is what is left. */
void vlapic_timer_restore(struct vlapic *apic, u32 count);

/* ---- vlapic_deliver.c ---- */

/* Mode, logical id or enablement of an APIC changed. */
void vlapic_map_update(struct vm *vm);
/* The guest wrote ICR. */
void vlapic_send_ipi(struct vlapic *apic, u32 icr, u32 dest);

#endif /* ARCH_X86_DEV_VLAPIC_PRIV_H */
