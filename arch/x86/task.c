// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware task switch, by the list of its steps in the SDM, "Task Switching".
 * task_vcpu.c calls it when the hardware gives one up to us; the unit test calls
 * it on memory of its own.  It must not touch a vCPU or guest memory but through
 * its operations.
 *
 * Up to the new task's registers everything that faults leaves the old task as
 * it was.  From there on faults are the new task's: its registers and selectors
 * are in, descriptors that could not be loaded are not.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "arch/x86/task.h"

#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13

#define EFLAGS_NT	(1U << 14)
#define EFLAGS_VM	(1U << 17)
#define EFLAGS_FIXED	(1U << 1)
#define EFLAGS_DEFINED	0x003f7fd7U

#define ATTR_TYPE	0xfU
#define ATTR_CODE	(1U << 3)
#define ATTR_CONFORMING	(1U << 2)
#define ATTR_RW		(1U << 1)	/* data: writable; code: readable */
#define ATTR_ACCESSED	(1U << 0)
#define ATTR_S		(1U << 4)
#define ATTR_P		(1U << 7)
#define ATTR_DB		(1U << 14)
#define ATTR_G		(1U << 15)
#define ATTR_UNUSABLE	(1U << 16)
#define ATTR_DPL(attr)	(((attr) >> 5) & 3)

/* System types; "busy" is bit 1, 32 bits wide is bit 3. */
#define TYPE_LDT	2
#define TSS_BUSY	(1U << 1)
#define TSS_32		(1U << 3)

#define SEL_LDT		(1U << 2)
#define SEL_RPL		3U

/* "32-Bit Task-State Segment (TSS)" */
struct tss32 {
	u16 link, pad0;
	u32 stacks[6];
	u32 cr3, eip, eflags;
	u32 gpr[8];
	struct {
		u16 sel, pad;
	} seg[TASK_NR_SEGS];
	u16 ldt, pad1;
	u16 trap, iomap;
};

/* "16-Bit TSS Format" */
struct tss16 {
	u16 link;
	u16 stacks[6];
	u16 ip, flags;
	u16 gpr[8];
	u16 seg[4];
	u16 ldt;
};

#define TSS32_SAVE	32		/* EIP up to GS */
#define TSS32_SAVE_END	96
#define TSS16_SAVE	14		/* IP up to DS */
#define TSS16_SAVE_END	42

static int fault(struct task *t, u8 vector, u32 error)
{
	t->fault = (struct task_fault) { .vector = vector, .error = error };
	return -EFAULT;
}

static int bad_selector(struct task *t, u8 vector, u16 sel)
{
	return fault(t, vector, (sel & ~SEL_RPL) | t->external);
}

static bool is_null(u16 sel)
{
	return !(sel & ~SEL_RPL);
}

/* ---- descriptors ---- */

/* Where a selector's descriptor is; false: outside of its table. */
static bool find_desc(const struct task *t, u16 sel, u32 *linear)
{
	u32 base = t->gdt_base, limit = t->gdt_limit;

	if (sel & SEL_LDT) {
		if (t->ldt.attr & ATTR_UNUSABLE)
			return false;
		base = t->ldt.base;
		limit = t->ldt.limit;
	}
	*linear = base + (sel & ~7U);
	return (sel | 7U) <= limit;
}

static void decode(struct task_seg *seg, u16 sel, const u32 desc[2])
{
	seg->sel = sel;
	seg->attr = (desc[1] >> 8) & 0xf0ff;
	seg->base = desc[0] >> 16 | (desc[1] & 0xff) << 16 | (desc[1] & 0xff000000);
	seg->limit = (desc[0] & 0xffff) | (desc[1] & 0xf0000);
	if (seg->attr & ATTR_G)
		seg->limit = seg->limit << 12 | 0xfff;
}

static int read_desc(struct task *t, struct task_seg *seg, u16 sel, u32 linear)
{
	u32 desc[2];
	int ret = t->ops->read(t->opaque, linear, desc, sizeof(desc), &t->fault);

	if (!ret)
		decode(seg, sel, desc);
	return ret;
}

/* The byte of a descriptor that has its type. */
static int write_type(struct task *t, u32 linear, u32 attr)
{
	u8 byte = attr;

	return t->ops->write(t->opaque, linear + 5, &byte, 1, false, &t->fault);
}

/* ---- the old task ---- */

static int find_tss(struct task *t, struct task_seg *tss, u32 *linear)
{
	u8 vector = t->source == TASK_IRET ? VECTOR_TS : VECTOR_GP;
	u32 busy = t->source == TASK_IRET ? TSS_BUSY : 0;
	int ret;

	if ((t->target & SEL_LDT) || is_null(t->target) || !find_desc(t, t->target, linear))
		return bad_selector(t, vector, t->target);
	ret = read_desc(t, tss, t->target, *linear);
	if (ret)
		return ret;
	/* Types 1, 3, 9 and 11. */
	if ((tss->attr & ATTR_S) || (tss->attr & 5) != 1 || (tss->attr & TSS_BUSY) != busy)
		return bad_selector(t, vector, t->target);
	if (!(tss->attr & ATTR_P))
		return bad_selector(t, VECTOR_NP, t->target);
	if (tss->limit < (tss->attr & TSS_32 ? sizeof(struct tss32) : sizeof(struct tss16)) - 1)
		return bad_selector(t, VECTOR_TS, t->target);
	return 0;
}

static int save_old(struct task *t)
{
	u32 eflags = t->source == TASK_IRET ? t->eflags & ~EFLAGS_NT : t->eflags;
	struct tss32 wide = { .eip = t->eip, .eflags = eflags };
	struct tss16 narrow = { .ip = t->eip, .flags = eflags };
	int i;

	for (i = 0; i < 8; i++) {
		wide.gpr[i] = t->gpr[i];
		narrow.gpr[i] = t->gpr[i];
	}
	for (i = 0; i < TASK_NR_SEGS; i++) {
		wide.seg[i].sel = t->seg[i].sel;
		if (i < 4)
			narrow.seg[i] = t->seg[i].sel;
	}
	if (t->tr.attr & TSS_32)
		return t->ops->write(t->opaque, t->tr.base + TSS32_SAVE, (u8 *)&wide + TSS32_SAVE,
				     TSS32_SAVE_END - TSS32_SAVE, false, &t->fault);
	return t->ops->write(t->opaque, t->tr.base + TSS16_SAVE, (u8 *)&narrow + TSS16_SAVE,
			     TSS16_SAVE_END - TSS16_SAVE, false, &t->fault);
}

/* Who is busy: the new task, and the old one if the new one returns to it. */
static int mark_busy(struct task *t, struct task_seg *tss, u32 linear)
{
	bool nested = t->source == TASK_CALL || t->source == TASK_GATE;
	u32 old;
	int ret;

	if (nested) {
		ret = t->ops->write(t->opaque, tss->base, &t->tr.sel, sizeof(t->tr.sel), false,
				    &t->fault);
		if (ret)
			return ret;
	}
	if (t->source != TASK_IRET) {
		ret = write_type(t, linear, tss->attr | TSS_BUSY);
		if (ret)
			return ret;
		tss->attr |= TSS_BUSY;
	}
	if (nested || !find_desc(t, t->tr.sel, &old))
		return 0;
	ret = write_type(t, old, t->tr.attr & ~TSS_BUSY);
	if (ret == -EFAULT && t->source != TASK_IRET) {
		struct task_fault first = t->fault;

		write_type(t, linear, tss->attr & ~TSS_BUSY);
		t->fault = first;
	}
	return ret;
}

/* ---- the new task ---- */

static void widen(struct tss32 *wide, const struct tss16 *narrow)
{
	int i;

	memset(wide, 0, sizeof(*wide));
	wide->eip = narrow->ip;
	wide->eflags = narrow->flags;
	/* The upper halves that a 16-bit task does not have. */
	for (i = 0; i < 8; i++)
		wide->gpr[i] = narrow->gpr[i] | 0xffff0000;
	for (i = 0; i < 4; i++)
		wide->seg[i].sel = narrow->seg[i];
	wide->ldt = narrow->ldt;
}

static int read_new(struct task *t, const struct task_seg *tss, struct tss32 *new)
{
	struct tss16 narrow;
	int ret;

	if (tss->attr & TSS_32)
		return t->ops->read(t->opaque, tss->base, new, sizeof(*new), &t->fault);
	ret = t->ops->read(t->opaque, tss->base, &narrow, sizeof(narrow), &t->fault);
	if (!ret)
		widen(new, &narrow);
	return ret;
}

static int load_registers(struct task *t, const struct task_seg *tss, const struct tss32 *new)
{
	int i;

	t->switched = true;
	t->tr = *tss;
	t->eip = new->eip;
	t->eflags = (new->eflags & EFLAGS_DEFINED) | EFLAGS_FIXED;
	if (t->source == TASK_CALL || t->source == TASK_GATE)
		t->eflags |= EFLAGS_NT;
	for (i = 0; i < 8; i++)
		t->gpr[i] = new->gpr[i];
	for (i = 0; i < TASK_NR_SEGS; i++)
		t->seg[i].sel = new->seg[i].sel;
	for (i = TASK_DS; i < TASK_NR_SEGS; i++)
		t->seg[i].attr = ATTR_UNUSABLE;
	t->seg[TASK_ES].attr = ATTR_UNUSABLE;
	t->ldt = (struct task_seg) { .sel = new->ldt, .attr = ATTR_UNUSABLE };
	t->trap = (tss->attr & TSS_32) && (new->trap & 1);

	if (!t->paging || !(tss->attr & TSS_32))
		return 0;
	t->cr3 = new->cr3;
	return t->ops->set_cr3(t->opaque, new->cr3) ? fault(t, VECTOR_GP, 0) : 0;
}

static int load_ldt(struct task *t)
{
	struct task_seg ldt;
	u32 linear;
	int ret;

	if (is_null(t->ldt.sel))
		return 0;
	if ((t->ldt.sel & SEL_LDT) || !find_desc(t, t->ldt.sel, &linear))
		return bad_selector(t, VECTOR_TS, t->ldt.sel);
	ret = read_desc(t, &ldt, t->ldt.sel, linear);
	if (ret)
		return ret;
	if ((ldt.attr & (ATTR_S | ATTR_TYPE)) != TYPE_LDT || !(ldt.attr & ATTR_P))
		return bad_selector(t, VECTOR_TS, t->ldt.sel);
	t->ldt = ldt;
	return 0;
}

static void load_v86(struct task *t)
{
	int i;

	for (i = 0; i < TASK_NR_SEGS; i++) {
		t->seg[i].base = t->seg[i].sel << 4;
		t->seg[i].limit = 0xffff;
		t->seg[i].attr = 0xf3;
	}
}

/* May this descriptor be in that register?  cpl: of the new task. */
static bool fits(const struct task_seg *seg, int nr, unsigned int cpl)
{
	unsigned int dpl = ATTR_DPL(seg->attr), rpl = seg->sel & SEL_RPL;
	bool code = seg->attr & ATTR_CODE;

	if (!(seg->attr & ATTR_S))
		return false;
	if (nr == TASK_CS)
		return code && (seg->attr & ATTR_CONFORMING ? dpl <= rpl : dpl == rpl);
	if (nr == TASK_SS)
		return !code && (seg->attr & ATTR_RW) && dpl == cpl && rpl == cpl;
	if (code && !(seg->attr & ATTR_RW))
		return false;
	if (code && (seg->attr & ATTR_CONFORMING))
		return true;
	return dpl >= cpl && dpl >= rpl;
}

static int load_seg(struct task *t, int nr, unsigned int cpl, struct task_seg *out)
{
	u16 sel = t->seg[nr].sel;
	u32 linear;
	int ret;

	if (is_null(sel)) {
		if (nr == TASK_CS || nr == TASK_SS)
			return bad_selector(t, VECTOR_TS, sel);
		return 0;
	}
	if (!find_desc(t, sel, &linear))
		return bad_selector(t, VECTOR_TS, sel);
	ret = read_desc(t, out, sel, linear);
	if (ret)
		return ret;
	if (!fits(out, nr, cpl))
		return bad_selector(t, VECTOR_TS, sel);
	if (!(out->attr & ATTR_P))
		return bad_selector(t, nr == TASK_SS ? VECTOR_SS : VECTOR_NP, sel);
	if (out->attr & ATTR_ACCESSED)
		return 0;
	out->attr |= ATTR_ACCESSED;
	return write_type(t, linear, out->attr);
}

static int load_segments(struct task *t)
{
	static const u8 others[] = { TASK_DS, TASK_ES, TASK_FS, TASK_GS };
	unsigned int cpl = t->seg[TASK_CS].sel & SEL_RPL, i;
	struct task_seg cs, ss;
	int ret;

	/* The two go in together: they agree on the privilege level. */
	ret = load_seg(t, TASK_CS, cpl, &cs);
	if (!ret)
		ret = load_seg(t, TASK_SS, cpl, &ss);
	if (ret)
		return ret;
	t->seg[TASK_CS] = cs;
	t->seg[TASK_SS] = ss;
	for (i = 0; i < sizeof(others); i++) {
		struct task_seg seg = t->seg[others[i]];

		ret = load_seg(t, others[i], cpl, &seg);
		if (ret)
			return ret;
		t->seg[others[i]] = seg;
	}
	return 0;
}

/* Is [offset, offset + size) in the stack segment? */
static bool in_stack(const struct task_seg *ss, u32 offset, u32 size)
{
	u32 last = offset + size - 1;
	u32 top = ss->attr & ATTR_DB ? 0xffffffff : 0xffff;

	if (last < offset)
		return false;
	/* Type bit 2 of a data segment: it expands down. */
	if (ss->attr & ATTR_CONFORMING)
		return offset > ss->limit && last <= top;
	return last <= ss->limit;
}

static int push_error(struct task *t)
{
	const struct task_seg *ss = &t->seg[TASK_SS];
	u32 mask = ss->attr & ATTR_DB ? 0xffffffff : 0xffff;
	u32 size = t->tr.attr & TSS_32 ? 4 : 2;
	u32 sp = (t->gpr[4] - size) & mask;
	bool user = (t->eflags & EFLAGS_VM) || (t->seg[TASK_CS].sel & SEL_RPL) == 3;
	int ret;

	if (!in_stack(ss, sp, size))
		return fault(t, VECTOR_SS, t->external);
	ret = t->ops->write(t->opaque, ss->base + sp, &t->error, size, user, &t->fault);
	if (!ret)
		t->gpr[4] = (t->gpr[4] & ~mask) | sp;
	return ret;
}

int task_switch(struct task *t)
{
	struct task_seg tss;
	struct tss32 new;
	u32 linear;
	int ret;

	t->switched = false;
	t->trap = false;
	ret = find_tss(t, &tss, &linear);
	if (!ret)
		ret = read_new(t, &tss, &new);
	if (!ret)
		ret = save_old(t);
	if (!ret)
		ret = mark_busy(t, &tss, linear);
	if (ret)
		return ret;

	ret = load_registers(t, &tss, &new);
	if (!ret)
		ret = load_ldt(t);
	if (ret)
		return ret;
	if (t->eflags & EFLAGS_VM)
		load_v86(t);
	else
		ret = load_segments(t);
	if (!ret && t->has_error)
		ret = push_error(t);
	return ret;
}
