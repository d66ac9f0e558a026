/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC, xAPIC and x2APIC, as SDM "Advanced Programmable Interrupt
 * Controller (APIC)" has it.  Called by exit handlers (registers, EOI), by the
 * entry path (what is pending), by IOAPIC, MSI and timers (delivery).  It
 * injects nothing itself.
 *
 * The register page belongs to the vCPU's thread ([own] of vm.h), IRR included.
 * Others post: they set a bit in struct vlapic_post, which has the layout of a
 * VMX posted-interrupt descriptor, and the vCPU's thread (or the CPU, where it
 * posts by itself) moves posted bits into IRR.
 *
 * The id registers are read-only: the APIC id is the vCPU's id for life (low
 * eight bits of it in xAPIC mode; ids above 254 are reached in x2APIC mode).
 *
 * The timer counts at vcpu->arch.tsc_khz before division: the guest is told by
 * CPUID leaf 15H that its core crystal runs at the TSC's frequency.  Names of
 * registers and of their bits are those of <asm/apicdef.h>.
 */
#ifndef ARCH_X86_DEV_VLAPIC_H
#define ARCH_X86_DEV_VLAPIC_H

#include <linux/types.h>

struct vm;
struct vcpu;
struct hvmod_lapic;

#define VLAPIC_DEST_PHYSICAL	0
#define VLAPIC_DEST_LOGICAL	1

/* enum values are the encoding of the delivery mode field */
#define VLAPIC_MODE_FIXED		0
#define VLAPIC_MODE_LOWEST	1
#define VLAPIC_MODE_SMI		2
#define VLAPIC_MODE_NMI		4
#define VLAPIC_MODE_INIT		5
#define VLAPIC_MODE_SIPI		6
#define VLAPIC_MODE_EXTINT	7

#define VLAPIC_SHORTHAND_NONE	0
#define VLAPIC_SHORTHAND_SELF	1
#define VLAPIC_SHORTHAND_ALL	2
#define VLAPIC_SHORTHAND_OTHERS	3

/* An interrupt message on the APIC bus. */
struct apic_msg {
	u32 dest;		/* xAPIC: 8 bits (0xff all); x2APIC: 32 (~0 all) */
	u8 vector;
	u8 mode;		/* VLAPIC_MODE_* */
	u8 dest_mode;		/* VLAPIC_DEST_* */
	u8 shorthand;		/* VLAPIC_SHORTHAND_* */
	bool level;		/* level triggered: sets TMR */
	bool assert;		/* INIT: assert (else de-assert, ignored) */
	bool x2apic;		/* dest is 32 bits wide */
};

/* Layout: SDM "Posted-Interrupt Descriptor".  Any context, atomic. */
struct vlapic_post {
	unsigned long request[4];	/* one bit a vector */
	unsigned long control;		/* VLAPIC_POST_*, the rest is the hardware's */
	unsigned long room[3];
} __aligned(64);

#define VLAPIC_POST_ON	0		/* bit: something was posted since the last sync */

/* 0 or -ENOMEM; state as after RESET.  Frees nothing on failure to undo. */
int vlapic_create(struct vcpu *vcpu);
void vlapic_destroy(struct vcpu *vcpu);	/* timer stopped when it returns */
/* INIT (keeps APIC base and id) or power-up. vCPU thread. */
void vlapic_reset(struct vcpu *vcpu, bool init);

/*
 * Delivers to all vCPUs that msg names; source is the vCPU whose thread calls,
 * or NULL (IOAPIC, MSI).  Returns how many took it, 0 if none.  Any context.
 */
int vlapic_deliver(struct vm *vm, struct vcpu *source, const struct apic_msg *msg);

/* ---- vCPU thread; interrupts may be off; never sleep ---- */

/*
 * xAPIC page, offset 0-0xfff, naturally aligned 32-bit.  Wider or unaligned
 * accesses: the caller splits or refuses.
 */
u32 vlapic_read(struct vcpu *vcpu, u32 offset);
void vlapic_write(struct vcpu *vcpu, u32 offset, u32 value);
/* x2APIC MSRs 0x800-0x8ff.  0, or -EINVAL: #GP. */
int vlapic_msr_read(struct vcpu *vcpu, u32 index, u64 *value);
int vlapic_msr_write(struct vcpu *vcpu, u32 index, u64 value);
/* IA32_APIC_BASE.  0, or -EINVAL: #GP (illegal transition, reserved bits). */
int vlapic_set_base(struct vcpu *vcpu, u64 value);
/* Is gpa in this vCPU's xAPIC page (enabled, not x2APIC)? */
bool vlapic_in_page(struct vcpu *vcpu, u64 gpa);
/* IA32_TSC_DEADLINE */
u64 vlapic_get_deadline(struct vcpu *vcpu);
void vlapic_set_deadline(struct vcpu *vcpu, u64 tsc);
/* The timer that the hardware keeps has ended, or not yet: its interrupt. */
void vlapic_timer_poll(struct vcpu *vcpu);
/* The vCPU blocks: the hardware cannot keep its timer. */
void vlapic_timer_block(struct vcpu *vcpu);
/* The guest's TSC was changed: timers follow. */
void vlapic_tsc_changed(struct vcpu *vcpu);
/* CR8: bits 7-4 of TPR. */
u64 vlapic_get_cr8(struct vcpu *vcpu);
void vlapic_set_cr8(struct vcpu *vcpu, u64 cr8);

/*
 * The highest requested vector above the processor priority, or -1.  Cheap
 * when nothing is requested: the entry path asks each time.
 */
int vlapic_pending(struct vcpu *vcpu);
/* Any vector requested at all (whatever the priority)?  Any context. */
bool vlapic_requested(struct vcpu *vcpu);
/* The vector goes to the guest: IRR to ISR. */
void vlapic_ack(struct vcpu *vcpu, u8 vector);
/* TPR value below which something pending becomes deliverable (TPR threshold) */
u8 vlapic_tpr_threshold(struct vcpu *vcpu);
/* LVT0 (or a disabled APIC) lets the PIC's interrupts through to this vCPU. */
bool vlapic_accepts_extint(struct vcpu *vcpu);

/* A local NMI source, through LINT1: what its LVT says.  Any context. */
void vlapic_local_nmi(struct vcpu *vcpu);
/* An NMI, whatever the LVTs say.  Any context. */
void vlapic_nmi(struct vcpu *vcpu);

/* ---- for the hardware that virtualizes an APIC; vCPU thread ---- */

/* The 4 KiB page of registers; it lives as long as the APIC. */
void *vlapic_page(struct vcpu *vcpu);
struct vlapic_post *vlapic_post_area(struct vcpu *vcpu);
/* From now on the hardware takes vectors from IRR to ISR and ends them; or not. */
void vlapic_assist(struct vcpu *vcpu, bool on);
/* Do posted requests wait? */
bool vlapic_posted(struct vcpu *vcpu);
/* Moves posted requests into IRR; the highest vector in IRR, or -1. */
int vlapic_sync(struct vcpu *vcpu);
/* The highest vector in ISR, or -1. */
int vlapic_in_service(struct vcpu *vcpu);
/* False: the same as at the last call.  One bit a vector: level triggered. */
bool vlapic_take_tmr(struct vcpu *vcpu, u64 tmr[4]);
/* The hardware put a guest's write into the page: its effects. */
void vlapic_written(struct vcpu *vcpu, u32 offset);
/* The guest ended this level-triggered vector without vlapic_write(). */
void vlapic_eoi_induced(struct vcpu *vcpu, u8 vector);

/* The VM's destination map, after all vCPUs are freed. */
void vlapic_map_destroy(struct vm *vm);

/*
 * 0 or -EINVAL.  The timer is restarted from the current count; a deadline is
 * MSR state.  IA32_APIC_BASE and the TSC are set before: the mode decides how
 * the page is read.
 */
void vlapic_get_state(struct vcpu *vcpu, struct hvmod_lapic *out);
int vlapic_set_state(struct vcpu *vcpu, const struct hvmod_lapic *in);

#endif /* ARCH_X86_DEV_VLAPIC_H */
