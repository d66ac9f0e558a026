// SPDX-License-Identifier: GPL-2.0
/*
 * From the run loop into the guest and back: the host's state is put away, the
 * guest's loaded, events go in, and exits that need no host service are handled
 * with interrupts still off, again and again.  run.c calls arch_vcpu_enter().
 * Between local_irq_disable() and local_irq_enable() nothing may sleep.
 *
 * SDM: "VM Entries", "VM Exits".
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/hardirq.h>
#include <linux/hw_breakpoint.h>
#include <linux/sched.h>
#include <linux/vtime.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/tlbflush.h>

#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"
#include "module/compat.h"
#include "module/trace.h"

/* What makes a thread leave the loop before it may enter a guest. */
#define THREAD_WORK	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | \
			 _TIF_NOTIFY_RESUME)

static u64 host_xcr0 __read_mostly;
static u64 host_xss __read_mostly;

void vmx_enter_setup(void)
{
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, host_xss);
}

/* ---- MSRs and selectors that are swapped for as long as we may enter ---- */

/* Without the kernel's paravirtual detour: whoever has VMX is no guest of Xen's. */
static __always_inline void swap_user_msr(struct vmx_cpu *c, enum vmx_user_msr i, u64 value)
{
	if (c->loaded_msr[i] == value)
		return;
	native_wrmsrl(vmx_user_msr_index[i], value);
	c->loaded_msr[i] = value;
}

static void load_user_msrs(struct vcpu *vcpu, struct vmx_cpu *c)
{
	const struct vcpu_arch *a = &vcpu->arch;

	swap_user_msr(c, VMX_MSR_STAR, a->star);
	swap_user_msr(c, VMX_MSR_LSTAR, a->lstar);
	swap_user_msr(c, VMX_MSR_CSTAR, a->cstar);
	swap_user_msr(c, VMX_MSR_SFMASK, a->sfmask);
	if (cpu_feature_enabled(X86_FEATURE_RDTSCP))
		swap_user_msr(c, VMX_MSR_TSC_AUX, a->tsc_aux);
	to_vmx(vcpu)->msrs_stale = false;
}

static void restore_user_msrs(struct vmx_cpu *c)
{
	swap_user_msr(c, VMX_MSR_STAR, c->host_msr[VMX_MSR_STAR]);
	swap_user_msr(c, VMX_MSR_LSTAR, c->host_msr[VMX_MSR_LSTAR]);
	swap_user_msr(c, VMX_MSR_CSTAR, c->host_msr[VMX_MSR_CSTAR]);
	swap_user_msr(c, VMX_MSR_SFMASK, c->host_msr[VMX_MSR_SFMASK]);
	if (cpu_feature_enabled(X86_FEATURE_RDTSCP))
		swap_user_msr(c, VMX_MSR_TSC_AUX, c->host_msr[VMX_MSR_TSC_AUX]);
}

static void put_host_away(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 fs_base;

	current_save_fsgs();
	vmx->host_fs = current->thread.fsindex;
	vmx->host_gs = current->thread.gsindex;
	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	store_ldt(vmx->host_ldt);
	fs_base = current->thread.fsbase;
	if (fs_base != vmx->host_fs_base) {
		vmcs_write(HOST_FS_BASE, fs_base);
		vmx->host_fs_base = fs_base;
	}
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->msr_guest_kernel_gs);
	load_user_msrs(vcpu, this_cpu_ptr(&vmx_cpu));
	vmx->host_loaded = true;
}

static void bring_host_back(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long flags;

	local_irq_save(flags);
	vmx->host_loaded = false;
	vmx->msr_guest_kernel_gs = native_read_msr(MSR_KERNEL_GS_BASE);
	if (unlikely(vmx->host_ldt))
		asm volatile("lldt %0" : : "m" (vmx->host_ldt));
	if (unlikely(vmx->host_fs))
		loadsegment(fs, vmx->host_fs);
	if (unlikely(vmx->host_gs))
		load_gs_index(vmx->host_gs);
	if (unlikely(vmx->host_ds | vmx->host_es)) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	/* Loading a selector changed the base, too. */
	if (unlikely(vmx->host_fs))
		wrmsrl(MSR_FS_BASE, current->thread.fsbase);
	native_wrmsrl(MSR_KERNEL_GS_BASE, current->thread.gsbase);
	restore_user_msrs(this_cpu_ptr(&vmx_cpu));
	/* A VM exit leaves both limits at their largest. */
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
	local_irq_restore(flags);
}

void arch_vcpu_load(struct vcpu *vcpu, int cpu)
{
	vmcs_load(vcpu, cpu);
	to_vmx(vcpu)->flush_l1d = true;
}

void arch_vcpu_put(struct vcpu *vcpu)
{
	if (to_vmx(vcpu)->host_loaded)
		bring_host_back(vcpu);
	vmcs_put(vcpu);
}

void arch_run_begin(struct vcpu *vcpu)
{
	fpu_begin(vcpu);
}

void arch_run_end(struct vcpu *vcpu)
{
	fpu_end(vcpu);
}

/* ---- one entry ---- */

static void write_back(struct vcpu *vcpu)
{
	u32 dirty = vcpu->arch.dirty;

	if (dirty & BIT(X86_CACHED_RIP))
		vmcs_write(GUEST_RIP, vcpu->arch.rip);
	if (dirty & BIT(X86_CACHED_RSP))
		vmcs_write(GUEST_RSP, vcpu->arch.gpr[HVMOD_RSP]);
	if (dirty & BIT(X86_CACHED_RFLAGS))
		vmcs_write(GUEST_RFLAGS, vcpu->arch.rflags);
	vcpu->arch.dirty = 0;
}

static noinline void load_debug_registers(struct vcpu *vcpu)
{
	set_debugreg(vcpu->arch.dr[0], 0);
	set_debugreg(vcpu->arch.dr[1], 1);
	set_debugreg(vcpu->arch.dr[2], 2);
	set_debugreg(vcpu->arch.dr[3], 3);
	set_debugreg(vcpu->arch.dr6, 6);
}

static __always_inline void run_guest(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(vcpu->arch.cr2 != native_read_cr2()))
		native_write_cr2(vcpu->arch.cr2);
	vmx->entered = rdtsc();
	if (unlikely(vmx_switch(vcpu->arch.gpr, vmx->launched, &vmx->host_rsp)))
		vmx->exit_reason = VMX_EXIT_FAILED;
	else
		vmx->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->arch.cr2 = native_read_cr2();
	if (cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS))
		native_wrmsrl(MSR_IA32_SPEC_CTRL, this_cpu_read(x86_spec_ctrl_current));
	vmx->launched = true;
}

/* Straight after an exit; interrupts off. */
static int handle_exit_irqoff(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;
	const struct exit_row *row;
	struct hvmod_exit_record *rec;
	int ret;

	vcpu->arch.rip = vmcs_read(GUEST_RIP);
	vcpu->arch.avail = BIT(X86_CACHED_RIP);
	if (unlikely(reason >= HVMOD_MAX_EXIT_REASONS)) {
		vmx->launched = vmx->launched && reason != VMX_EXIT_FAILED;
		return EXIT_SLOW;
	}
	row = &exit_table[reason];
	vcpu->stat.exits[reason]++;

	rec = vcpu_ring_push(vcpu);
	rec->reason = reason;
	rec->rip = vcpu->arch.rip;
	rec->tsc = rdtsc();
	vcpu->stat.guest_ticks += rec->tsc - vmx->entered;
	rec->extra = 0;
	rec->info = row->flags & EXIT_QUAL ? vmcs_read(EXIT_QUALIFICATION) : 0;
	trace_hvmod_exit(vcpu->id, reason, row->name, rec->rip, rec->info);

	if (row->flags & EXIT_VECTORING) {
		vmx->vectoring = vmcs_read(IDT_VECTORING_INFO_FIELD);
		rec->extra = vmx->vectoring;
		if (unlikely(vmx->vectoring & VECTORING_INFO_VALID_MASK))
			vmx_events_recover(vcpu);
	}
	if (!row->fast)
		return EXIT_SLOW;
	ret = row->fast(vcpu);
	if (ret == EXIT_DONE && (row->flags & EXIT_ADVANCE))
		hw_advance(vcpu);
	return ret;
}

static int handle_exit_slow(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct exit_row *row;
	int ret;

	if (unlikely(vmx->exit_reason >= HVMOD_MAX_EXIT_REASONS))
		return exit_bad_state(vcpu);
	row = &exit_table[vmx->exit_reason];
	ret = row->slow(vcpu);
	if (ret == EXIT_DONE && (row->flags & EXIT_ADVANCE))
		hw_advance(vcpu);
	return ret;
}

static noinline bool prepare_rest(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx->flush_guest)
		ept_flush_local(vcpu);
	if (vmx->msrs_stale)
		load_user_msrs(vcpu, this_cpu_ptr(&vmx_cpu));
	if (vmx_events_prepare(vcpu))
		return true;
	set_bit(VCPU_REQ_TRIPLE_FAULT, &vcpu->requests);
	return false;
}

/* Requests and events; false: leave the loop. */
static __always_inline bool prepare_entry(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(READ_ONCE(vcpu->requests))) {
		if (test_and_clear_bit(VCPU_REQ_EVENT, &vcpu->requests))
			vmx->irq_check = true;
		if (READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->arch.apic_events))
			return false;
	}
	if (unlikely(read_thread_flags() & THREAD_WORK))
		return false;
	if (unlikely(vmx->flush_gen != atomic64_read(&vcpu->vm->arch.vmx->gen)))
		ept_flush_local(vcpu);
	if (unlikely(vmx->todo | vcpu->arch.inject.any) && !prepare_rest(vcpu))
		return false;
	if (vcpu->arch.dirty)
		write_back(vcpu);
	return true;
}

/* It counts in the guest only, from what the VMCS says at each entry. */
static __always_inline void load_deadline(struct vmx_vcpu *vmx)
{
	u64 now = rdtsc(), ticks = 0;

	if (unlikely(vmx->deadline == VMX_NO_DEADLINE)) {
		vmx->deadline = 0;
		ticks = U32_MAX;
	} else if (now < vmx->deadline) {
		ticks = ((vmx->deadline - now) >> vmx_caps.timer_shift) + 1;
	}
	vmcs_write(VMX_PREEMPTION_TIMER_VALUE, ticks);
}

static int enter_loop(struct vcpu *vcpu)
{
	int ret = EXIT_RESUME;

	while (prepare_entry(vcpu)) {
		if (static_branch_unlikely(&vmx_l1d_needed) && vmx_l1d_due(to_vmx(vcpu)))
			vmx_l1d_flush(vcpu);
		if (to_vmx(vcpu)->deadline)
			load_deadline(to_vmx(vcpu));
		trace_hvmod_entry(vcpu->id, vcpu->arch.rip);
		vcpu->stat.entries++;
		run_guest(vcpu);
		ret = handle_exit_irqoff(vcpu);
		if (ret > EXIT_RESUME || ret < 0)
			break;
	}
	return ret;
}

static void host_state_changed(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long cr3 = __read_cr3();
	unsigned long cr4 = cr4_read_shadow();

	if (unlikely(cr3 != vmx->host_cr3)) {
		vmcs_write(HOST_CR3, cr3);
		vmx->host_cr3 = cr3;
	}
	if (unlikely(cr4 != vmx->host_cr4)) {
		vmcs_write(HOST_CR4, cr4);
		vmx->host_cr4 = cr4;
	}
}

static bool swaps_xcr0(struct vcpu *vcpu)
{
	/* OSXSAVE is host-owned: the copy is always good. */
	return (vcpu->arch.cr4 & X86_CR4_OSXSAVE) && vcpu->arch.xcr0 != host_xcr0;
}

int arch_vcpu_enter(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool xcr0, xss;
	int ret;

	preempt_disable();
	local_irq_disable();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		fpu_reload(vcpu);
	if (!vmx->host_loaded)
		put_host_away(vcpu);
	host_state_changed(vcpu);

	WRITE_ONCE(vcpu->mode, VCPU_IN_GUEST);
	/* Pairs with vcpu_request(): it sets a request, then looks at the mode. */
	smp_mb();
	/* The host may have taken the interrupt that says so: see hw_post_interrupt(). */
	if (vmx->posted && vlapic_posted(vcpu))
		vmx->irq_check = true;

	xcr0 = swaps_xcr0(vcpu);
	if (xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->arch.xcr0);
	xss = host_xss != vcpu->arch.xss;
	if (xss)
		wrmsrl(MSR_IA32_XSS, vcpu->arch.xss);
	if (unlikely(vcpu->arch.dr7 & 0xff))
		load_debug_registers(vcpu);
	vtime_account_guest_enter();

	ret = enter_loop(vcpu);

	if (xss)
		wrmsrl(MSR_IA32_XSS, host_xss);
	if (xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	if (unlikely(READ_ONCE(vcpu->vm->arch.vmx->pml_used)) && vmx->pml)
		vmx_pml_flush(vcpu);
	/* Pairs with ept_interrupt(): a vCPU outside has nothing in its log. */
	smp_store_release(&vcpu->mode, VCPU_OUTSIDE);
	/* The interrupt that ended the loop is taken here, as the guest's time. */
	local_irq_enable();
	asm volatile("nop");
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
	preempt_enable();

	if (ret == EXIT_SLOW) {
		ret = handle_exit_slow(vcpu);
		vmx->irq_check = true;
	}
	if (ret == EXIT_USER)
		return RUN_TO_USER;
	return ret < 0 ? ret : RUN_RESUME;
}
