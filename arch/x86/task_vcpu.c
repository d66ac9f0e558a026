// SPDX-License-Identifier: GPL-2.0
/*
 * A hardware task switch of a vCPU: its state to task.c and back.  The exit for
 * task switches calls it, in process context.  It knows no step of the switch.
 */
#include <linux/mm.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/hw.h"
#include "arch/x86/task.h"
#include "module/mem.h"

#define DR6_BT		BIT(15)
/* L0 to L3 and LE: breakpoints of the old task only. */
#define DR7_LOCAL	0x155ULL
#define SEG_UNUSABLE	BIT(16)

static_assert((int)TASK_ES == X86_ES && (int)TASK_SS == X86_SS && (int)TASK_GS == X86_GS);

/* One piece that does not cross a page. */
static int access_page(struct vcpu *vcpu, u32 linear, void *buf, u32 len, u32 access,
		       struct task_fault *fault)
{
	struct paging_fault pf;
	u64 gpa;
	int ret;

	do
		ret = paging_translate(vcpu, linear, access, &gpa, &pf);
	while (ret == -EAGAIN);
	if (ret == -EFAULT) {
		fault->vector = X86_TRAP_PF;
		fault->error = pf.error;
		fault->cr2 = pf.addr;
	}
	if (ret)
		return ret;
	ret = access & PAGING_WRITE ? mem_write(vcpu->vm, gpa, buf, len) :
				      mem_read(vcpu->vm, gpa, buf, len);
	return ret ? -ENXIO : 0;
}

static int access_linear(struct vcpu *vcpu, u32 linear, void *buf, u32 len, u32 access,
			 struct task_fault *fault)
{
	int ret = 0;
	u32 n;

	for (; len && !ret; len -= n, linear += n, buf += n) {
		n = min_t(u32, len, PAGE_SIZE - offset_in_page(linear));
		ret = access_page(vcpu, linear, buf, n, access, fault);
	}
	return ret;
}

static int task_read(void *opaque, u32 linear, void *buf, u32 len, struct task_fault *fault)
{
	return access_linear(opaque, linear, buf, len, 0, fault);
}

static int task_write(void *opaque, u32 linear, const void *buf, u32 len, bool user,
		      struct task_fault *fault)
{
	return access_linear(opaque, linear, (void *)buf, len,
			     PAGING_WRITE | (user ? PAGING_USER : 0), fault);
}

static int task_set_cr3(void *opaque, u32 cr3)
{
	return cr_write_cr3(opaque, cr3);
}

static const struct task_ops task_ops = {
	.read = task_read,
	.write = task_write,
	.set_cr3 = task_set_cr3,
};

static void get_seg(struct vcpu *vcpu, enum x86_seg nr, struct task_seg *to)
{
	struct hvmod_segment seg;

	hw_get_segment(vcpu, nr, &seg);
	*to = (struct task_seg) {
		.sel = seg.selector, .attr = seg.access, .base = seg.base, .limit = seg.limit,
	};
}

static void set_seg(struct vcpu *vcpu, enum x86_seg nr, const struct task_seg *from)
{
	const struct hvmod_segment seg = {
		.selector = from->sel, .access = from->attr,
		.base = from->base, .limit = from->limit,
	};

	hw_set_segment(vcpu, nr, &seg);
}

static void load(struct vcpu *vcpu, struct task *task)
{
	struct hvmod_dtable gdt;
	int i;

	hw_get_gdt(vcpu, &gdt);
	task->ops = &task_ops;
	task->opaque = vcpu;
	task->paging = vcpu_cr0(vcpu) & X86_CR0_PG;
	task->gdt_base = gdt.base;
	task->gdt_limit = gdt.limit;
	for (i = 0; i < 8; i++)
		task->gpr[i] = vcpu_gpr(vcpu, i);
	task->eflags = vcpu_rflags(vcpu);
	task->cr3 = vcpu_cr3(vcpu);
	for (i = 0; i < TASK_NR_SEGS; i++)
		get_seg(vcpu, i, &task->seg[i]);
	get_seg(vcpu, X86_LDTR, &task->ldt);
	get_seg(vcpu, X86_TR, &task->tr);
}

static void store(struct vcpu *vcpu, const struct task *task)
{
	int i;

	for (i = 0; i < 8; i++)
		vcpu_set_gpr(vcpu, i, task->gpr[i]);
	vcpu_set_rip(vcpu, task->eip);
	vcpu_set_rflags(vcpu, task->eflags);
	for (i = 0; i < TASK_NR_SEGS; i++)
		set_seg(vcpu, i, &task->seg[i]);
	set_seg(vcpu, X86_LDTR, &task->ldt);
	set_seg(vcpu, X86_TR, &task->tr);
	hw_set_cr0(vcpu, vcpu_cr0(vcpu) | X86_CR0_TS);
	if (vcpu->arch.dr7 & DR7_LOCAL)
		hw_set_dr7(vcpu, vcpu->arch.dr7 & ~DR7_LOCAL);
	hw_set_shadow(vcpu, 0);
}

static void raise(struct vcpu *vcpu, const struct task_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		x86_inject_pf(vcpu, fault->cr2, fault->error);
	else
		x86_inject_error(vcpu, fault->vector, fault->error);
}

void task_vcpu_switch(struct vcpu *vcpu, const struct task_request *request)
{
	struct inject *inject = &vcpu->arch.inject;
	struct task task = {
		.source = request->source,
		.target = request->target,
		.eip = vcpu_rip(vcpu) + request->insn_len,
	};
	bool nmi = false;
	int ret;

	if (task.source == TASK_GATE && inject->has_again) {
		const struct inject_event *event = &inject->again;

		nmi = event->type == INJECT_NMI;
		task.has_error = event->has_error;
		task.error = event->error;
		task.external = event->type < INJECT_SOFT_INT ||
				event->type == INJECT_PRIV_SOFT_EXC;
	}
	load(vcpu, &task);
	ret = task_switch(&task);
	if (ret && ret != -EFAULT) {
		vm_kill(vcpu->vm,
			"vCPU %u: a task switch to selector 0x%x at rip 0x%lx uses what is no memory",
			vcpu->id, request->target, vcpu_rip(vcpu));
		return;
	}
	/* What was being delivered has arrived, or merges with the fault. */
	if (task.switched) {
		inject->has_again = false;
		store(vcpu, &task);
		if (nmi)
			hw_set_nmi_blocked(vcpu, true);
		else if (task.source == TASK_IRET)
			hw_set_nmi_blocked(vcpu, false);
	}
	if (ret)
		raise(vcpu, &task.fault);
	else if (task.trap)
		x86_inject_db(vcpu, DR6_BT);
}
