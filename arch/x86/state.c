// SPDX-License-Identifier: GPL-2.0
/*
 * HVMOD_VCPU_GET_STATE and HVMOD_VCPU_SET_STATE: each group of a vCPU's state
 * between its structure in the ABI and the place where it lives.  Called by
 * dev.c with vcpu->lock held.  It must not put a value into force that the
 * architecture forbids: it checks a whole group before it changes anything.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/hw.h"
#include "module/arch.h"
#include "module/xen/xen.h"

#define RFLAGS_DEFINED	0x3f7fd5ULL

/* hvmod_segment.access */
#define SEG_ACCESS_DEFINED	0x1f0ffU
#define SEG_TYPE(access)	((access) & 0xf)
#define SEG_S			BIT(4)
#define SEG_P			BIT(7)
#define SEG_L			BIT(13)
#define SEG_DB			BIT(14)
#define SEG_G			BIT(15)
#define SEG_UNUSABLE		BIT(16)
#define SEG_TSS16_BUSY		3
#define SEG_TSS_BUSY		11

/* ---- general registers ---- */

static int get_regs(struct vcpu *vcpu, void *buf)
{
	struct hvmod_regs *regs = buf;
	int i;

	for (i = 0; i < 16; i++)
		regs->gpr[i] = vcpu_gpr(vcpu, i);
	regs->rip = vcpu_rip(vcpu);
	regs->rflags = vcpu_rflags(vcpu);
	return 0;
}

int state_set_regs(struct vcpu *vcpu, void *buf)
{
	const struct hvmod_regs *regs = buf;
	int i;

	emul_cancel(vcpu);
	for (i = 0; i < 16; i++)
		vcpu_set_gpr(vcpu, i, regs->gpr[i]);
	vcpu_set_rip(vcpu, regs->rip);
	vcpu_set_rflags(vcpu, (regs->rflags & RFLAGS_DEFINED) | X86_EFLAGS_FIXED);
	return 0;
}

/* ---- system registers ---- */

static struct hvmod_segment *sregs_segment(struct hvmod_sregs *sregs, enum x86_seg seg)
{
	switch (seg) {
	case X86_ES:
		return &sregs->es;
	case X86_CS:
		return &sregs->cs;
	case X86_SS:
		return &sregs->ss;
	case X86_DS:
		return &sregs->ds;
	case X86_FS:
		return &sregs->fs;
	case X86_GS:
		return &sregs->gs;
	case X86_LDTR:
		return &sregs->ldt;
	default:
		return &sregs->tr;
	}
}

static int get_sregs(struct vcpu *vcpu, void *buf)
{
	struct inject *inject = &vcpu->arch.inject;
	struct hvmod_sregs *sregs = buf;
	int seg;

	for (seg = 0; seg < X86_NR_SEGS; seg++)
		hw_get_segment(vcpu, seg, sregs_segment(sregs, seg));
	hw_get_gdt(vcpu, &sregs->gdt);
	hw_get_idt(vcpu, &sregs->idt);

	/* A page fault that waits goes with its address. */
	if (inject->has_exc && inject->exc.vector == X86_TRAP_PF)
		vcpu->arch.cr2 = inject->exc_cr2;
	sregs->cr0 = vcpu_cr0(vcpu);
	sregs->cr2 = vcpu->arch.cr2;
	sregs->cr3 = vcpu_cr3(vcpu);
	sregs->cr4 = vcpu_cr4(vcpu);
	sregs->cr8 = vlapic_get_cr8(vcpu);
	sregs->efer = vcpu->arch.efer;
	sregs->apic_base = vcpu->arch.apic_base;
	sregs->xcr0 = vcpu->arch.xcr0;
	return 0;
}

static bool canonical48(u64 address)
{
	return sign_extend64(address, 47) == (s64)address;
}

/* SDM, "Checks on Guest Segment Registers", those that hold in every mode. */
static bool segment_valid(const struct hvmod_segment *s, enum x86_seg seg, bool long_mode)
{
	if (s->pad || s->pad2 || (s->access & ~SEG_ACCESS_DEFINED))
		return false;
	if (!canonical48(s->base))
		return false;
	if (s->access & SEG_UNUSABLE)
		return seg != X86_CS && seg != X86_TR;
	if (!(s->access & SEG_P))
		return false;
	if ((s->limit & 0xfff) != 0xfff && (s->access & SEG_G))
		return false;
	if (s->limit >> 20 && !(s->access & SEG_G))
		return false;

	switch (seg) {
	case X86_CS:
		if (!(s->access & SEG_S) || s->base >> 32)
			return false;
		if (long_mode && (s->access & SEG_L) && (s->access & SEG_DB))
			return false;
		return SEG_TYPE(s->access) == 3 || (SEG_TYPE(s->access) & 9) == 9;
	case X86_LDTR:
		return !(s->access & SEG_S) && SEG_TYPE(s->access) == 2;
	case X86_TR:
		if (s->access & SEG_S)
			return false;
		return SEG_TYPE(s->access) == SEG_TSS_BUSY ||
		       (!long_mode && SEG_TYPE(s->access) == SEG_TSS16_BUSY);
	case X86_FS:
	case X86_GS:
		return s->access & SEG_S;
	default:
		return (s->access & SEG_S) && !(s->base >> 32);
	}
}

/* SDM, "Checks on Guest Control Registers, Debug Registers, and MSRs" */
bool state_sregs_valid(struct vcpu *vcpu, struct hvmod_sregs *sregs)
{
	const struct vcpu_arch *arch = &vcpu->arch;
	bool paging = sregs->cr0 & X86_CR0_PG;
	bool lma = sregs->efer & EFER_LMA;
	int i;

	if (!cr_cr0_valid(sregs->cr0) || (sregs->cr4 & arch->cr4_reserved))
		return false;
	if (sregs->efer & arch->efer_reserved)
		return false;
	if (lma != (paging && (sregs->efer & EFER_LME)))
		return false;
	if (lma && !(sregs->cr4 & X86_CR4_PAE))
		return false;
	if (!lma && (sregs->cr4 & X86_CR4_PCIDE))
		return false;
	if (!cr_cr3_valid(vcpu, sregs->cr3, sregs->efer))
		return false;
	if (!cr_xcr0_valid(vcpu, sregs->xcr0) || sregs->cr8 > 15)
		return false;

	for (i = 0; i < 3; i++)
		if (sregs->gdt.pad[i] || sregs->idt.pad[i])
			return false;
	if (!canonical48(sregs->gdt.base) || !canonical48(sregs->idt.base))
		return false;
	for (i = 0; i < X86_NR_SEGS; i++)
		if (!segment_valid(sregs_segment(sregs, i), i, lma))
			return false;
	return true;
}

/* A mode of the APIC that one write cannot reach is reached through "off". */
static int set_apic_base(struct vcpu *vcpu, u64 base)
{
	u64 old = vcpu->arch.apic_base;
	u64 off = base & ~(u64)(MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE);

	if (base == old || !vlapic_set_base(vcpu, base))
		return 0;
	if (vlapic_set_base(vcpu, off))
		return -EINVAL;
	if (base & X2APIC_ENABLE && vlapic_set_base(vcpu, base & ~(u64)X2APIC_ENABLE))
		return -EINVAL;
	return vlapic_set_base(vcpu, base);
}

int state_set_sregs(struct vcpu *vcpu, void *buf)
{
	struct inject *inject = &vcpu->arch.inject;
	struct hvmod_sregs *sregs = buf;
	int seg, err;

	if (!state_sregs_valid(vcpu, sregs))
		return -EINVAL;
	err = set_apic_base(vcpu, sregs->apic_base);
	if (err)
		return err;

	emul_cancel(vcpu);
	for (seg = 0; seg < X86_NR_SEGS; seg++)
		hw_set_segment(vcpu, seg, sregs_segment(sregs, seg));
	hw_set_gdt(vcpu, &sregs->gdt);
	hw_set_idt(vcpu, &sregs->idt);

	vcpu->arch.cr2 = sregs->cr2;
	inject->exc_cr2 = sregs->cr2;
	hw_set_efer(vcpu, sregs->efer);
	hw_set_cr4(vcpu, sregs->cr4);
	hw_set_cr0(vcpu, sregs->cr0 | X86_CR0_ET);
	hw_set_cr3(vcpu, sregs->cr3);
	hw_set_xcr0(vcpu, sregs->xcr0);
	vlapic_set_cr8(vcpu, sregs->cr8);
	hw_flush_guest(vcpu);
	/* PAE: the tables must be in memory by now. */
	return cr_load_pdptrs(vcpu);
}

/* ---- debug registers ---- */

static int get_debug(struct vcpu *vcpu, void *buf)
{
	struct inject *inject = &vcpu->arch.inject;
	struct hvmod_debugregs *debug = buf;

	hw_sync_dr(vcpu);
	memcpy(debug->dr, vcpu->arch.dr, sizeof(debug->dr));
	debug->dr6 = vcpu->arch.dr6;
	if (inject->has_exc && inject->exc.vector == X86_TRAP_DB)
		debug->dr6 |= inject->exc_dr6;
	debug->dr7 = vcpu->arch.dr7;
	return 0;
}

static int set_debug(struct vcpu *vcpu, void *buf)
{
	const struct hvmod_debugregs *debug = buf;

	if (debug->dr6 >> 32 || debug->dr7 >> 32)
		return -EINVAL;
	hw_sync_dr(vcpu);
	memcpy(vcpu->arch.dr, debug->dr, sizeof(debug->dr));
	vcpu->arch.dr6 = cr_fix_dr6(debug->dr6);
	hw_set_dr7(vcpu, cr_fix_dr7(debug->dr7));
	return 0;
}

/* ---- events ---- */

static int get_events(struct vcpu *vcpu, void *buf)
{
	const struct inject *inject = &vcpu->arch.inject;
	struct hvmod_events *events = buf;
	const struct inject_event *exc = NULL;
	u32 shadow = hw_get_shadow(vcpu);

	memset(events, 0, sizeof(*events));
	if (inject->has_exc)
		exc = &inject->exc;
	else if (inject->has_again && inject->again.type == INJECT_EXCEPTION)
		exc = &inject->again;
	if (exc) {
		events->flags |= HVMOD_EVENT_EXCEPTION;
		events->vector = exc->vector;
		if (exc->has_error) {
			events->flags |= HVMOD_EVENT_ERROR_CODE;
			events->error_code = exc->error;
		}
	}
	/* A software interrupt comes again when its instruction is restarted. */
	if (inject->has_again && inject->again.type == INJECT_INTERRUPT) {
		events->flags |= HVMOD_EVENT_INTERRUPT;
		events->irq = inject->again.vector;
	}
	if (inject->nmi_pending || atomic_read(&vcpu->arch.nmi_queued) ||
	    (inject->has_again && inject->again.type == INJECT_NMI))
		events->flags |= HVMOD_EVENT_NMI;
	if (hw_nmi_blocked(vcpu))
		events->flags |= HVMOD_EVENT_NMI_BLOCKED;
	if (shadow & HW_SHADOW_STI)
		events->flags |= HVMOD_EVENT_SHADOW_STI;
	if (shadow & HW_SHADOW_SS)
		events->flags |= HVMOD_EVENT_SHADOW_SS;
	return 0;
}

#define EVENTS_DEFINED	(HVMOD_EVENT_EXCEPTION | HVMOD_EVENT_ERROR_CODE | HVMOD_EVENT_INTERRUPT | \
			 HVMOD_EVENT_NMI | HVMOD_EVENT_NMI_BLOCKED | HVMOD_EVENT_SHADOW_STI | \
			 HVMOD_EVENT_SHADOW_SS)
/* #DF #TS #NP #SS #GP #PF #AC: SDM, "Exceptions and Interrupts" */
#define VECTORS_WITH_ERROR	0x00027d00U
/* NMI, and those that are reserved or never came to be. */
#define VECTORS_IMPOSSIBLE	0xfff08204U

static bool events_valid(struct vcpu *vcpu, const struct hvmod_events *events)
{
	u32 both = HVMOD_EVENT_EXCEPTION | HVMOD_EVENT_INTERRUPT;
	u32 shadows = HVMOD_EVENT_SHADOW_STI | HVMOD_EVENT_SHADOW_SS;
	bool error = events->flags & HVMOD_EVENT_ERROR_CODE;

	if (events->pad || events->pad2 || (events->flags & ~EVENTS_DEFINED))
		return false;
	if ((events->flags & both) == both || (events->flags & shadows) == shadows)
		return false;
	if (!(events->flags & HVMOD_EVENT_EXCEPTION))
		return !error;
	if (events->vector > 31 || (BIT(events->vector) & VECTORS_IMPOSSIBLE))
		return false;
	/* Protected mode: an error code exactly where the exception has one. */
	if (error && (events->error_code >> 16 || !vcpu_protected(vcpu)))
		return false;
	return error == (vcpu_protected(vcpu) && (BIT(events->vector) & VECTORS_WITH_ERROR));
}

static int set_events(struct vcpu *vcpu, void *buf)
{
	struct inject *inject = &vcpu->arch.inject;
	const struct hvmod_events *events = buf;
	u32 shadow = 0;

	if (!events_valid(vcpu, events))
		return -EINVAL;

	memset(inject, 0, sizeof(*inject));
	atomic_set(&vcpu->arch.nmi_queued, 0);
	if (events->flags & HVMOD_EVENT_EXCEPTION) {
		inject->has_exc = true;
		inject->exc = (struct inject_event) {
			.type = INJECT_EXCEPTION,
			.vector = events->vector,
			.has_error = events->flags & HVMOD_EVENT_ERROR_CODE,
			.error = events->error_code,
		};
		if (events->vector == X86_TRAP_BP || events->vector == X86_TRAP_OF) {
			inject->exc.type = INJECT_SOFT_EXC;
			inject->exc.insn_len = 1;
		}
		/* CR2 and DR6 came with their own groups. */
		inject->exc_cr2 = vcpu->arch.cr2;
	}
	if (events->flags & HVMOD_EVENT_INTERRUPT) {
		inject->has_again = true;
		inject->again = (struct inject_event) {
			.type = INJECT_INTERRUPT,
			.vector = events->irq,
		};
	}
	inject->nmi_pending = !!(events->flags & HVMOD_EVENT_NMI);
	hw_set_nmi_blocked(vcpu, events->flags & HVMOD_EVENT_NMI_BLOCKED);
	if (events->flags & HVMOD_EVENT_SHADOW_STI)
		shadow |= HW_SHADOW_STI;
	if (events->flags & HVMOD_EVENT_SHADOW_SS)
		shadow |= HW_SHADOW_SS;
	hw_set_shadow(vcpu, shadow);
	vcpu_request(vcpu, VCPU_REQ_EVENT);
	return 0;
}

/* ---- the rest ---- */

static int get_lapic(struct vcpu *vcpu, void *buf)
{
	vlapic_get_state(vcpu, buf);
	return 0;
}

static int set_lapic(struct vcpu *vcpu, void *buf)
{
	return vlapic_set_state(vcpu, buf);
}

static int get_mp(struct vcpu *vcpu, void *buf)
{
	struct hvmod_mp *mp = buf;

	mp->state = READ_ONCE(vcpu->arch.mp_state);
	mp->pad = 0;
	return 0;
}

static int set_mp(struct vcpu *vcpu, void *buf)
{
	const struct hvmod_mp *mp = buf;

	if (mp->pad || mp->state > HVMOD_MP_WAIT_SIPI)
		return -EINVAL;
	WRITE_ONCE(vcpu->arch.mp_state, mp->state);
	if (vcpu->xen)
		xen_vcpu_set_down(vcpu, mp->state == HVMOD_MP_WAIT_SIPI);
	return 0;
}

static int get_tsc(struct vcpu *vcpu, void *buf)
{
	struct hvmod_tsc *tsc = buf;

	tsc->value = tsc_guest(vcpu);
	tsc->khz = vcpu->arch.tsc_khz;
	tsc->pad = 0;
	return 0;
}

static int set_tsc(struct vcpu *vcpu, void *buf)
{
	const struct hvmod_tsc *tsc = buf;
	int err;

	if (tsc->pad)
		return -EINVAL;
	err = tsc_set_khz(vcpu, tsc->khz);
	if (!err)
		tsc_write(vcpu, tsc->value);
	return err;
}

struct state_row {
	u32 id;
	u32 size;
	int (*get)(struct vcpu *vcpu, void *buf);
	int (*set)(struct vcpu *vcpu, void *buf);
};

static const struct state_row state_table[] = {
	{ HVMOD_STATE_REGS, sizeof(struct hvmod_regs), get_regs, state_set_regs },
	{ HVMOD_STATE_SREGS, sizeof(struct hvmod_sregs), get_sregs, state_set_sregs },
	{ HVMOD_STATE_DEBUG, sizeof(struct hvmod_debugregs), get_debug, set_debug },
	{ HVMOD_STATE_EVENTS, sizeof(struct hvmod_events), get_events, set_events },
	{ HVMOD_STATE_LAPIC, sizeof(struct hvmod_lapic), get_lapic, set_lapic },
	{ HVMOD_STATE_MP, sizeof(struct hvmod_mp), get_mp, set_mp },
	{ HVMOD_STATE_TSC, sizeof(struct hvmod_tsc), get_tsc, set_tsc },
};

static long state_access(struct vcpu *vcpu, const struct state_row *row, void __user *user,
			 bool set)
{
	void *buf = kzalloc(row->size, GFP_KERNEL_ACCOUNT);
	long err = -EFAULT;

	if (!buf)
		return -ENOMEM;
	if (set && copy_from_user(buf, user, row->size))
		goto out;
	vcpu_hw_begin(vcpu);
	err = set ? row->set(vcpu, buf) : row->get(vcpu, buf);
	vcpu_hw_end(vcpu);
	if (!err && !set && copy_to_user(user, buf, row->size))
		err = -EFAULT;
out:
	kfree(buf);
	return err;
}

long arch_vcpu_state(struct vcpu *vcpu, const struct hvmod_state *args, bool set)
{
	void __user *user = u64_to_user_ptr(args->addr);
	int i;

	if (args->id == HVMOD_STATE_XSAVE)
		return set ? fpu_set_xsave(vcpu, user, args->size) :
			     fpu_get_xsave(vcpu, user, args->size);

	for (i = 0; i < ARRAY_SIZE(state_table); i++) {
		const struct state_row *row = &state_table[i];

		if (row->id != args->id)
			continue;
		if (row->size != args->size)
			return -EINVAL;
		return state_access(vcpu, row, user, set);
	}
	return -EINVAL;
}
