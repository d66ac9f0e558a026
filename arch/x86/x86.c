// SPDX-License-Identifier: GPL-2.0
/*
 * The x86 half of a VM's and a vCPU's life, and of the questions that the run
 * loop asks: is it runnable, what did INIT and SIPI do.  module/ calls it
 * through module/arch.h.  It only puts the parts together.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <asm/tsc.h>

#include "arch/x86/dev/vlapic.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"
#include "module/xen/xen.h"

/* ---- host ---- */

int __init arch_check(void)
{
	int ret = vmx_caps_check();

	if (ret)
		return ret;
	if (!boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && !tsc_khz) {
		pr_err("the host has no usable TSC\n");
		return -ENODEV;
	}
	return 0;
}

int __init arch_setup(void)
{
	int ret;

	vmx_enter_setup();
	ret = cpuid_setup();
	if (ret)
		return ret;
	ret = vmx_l1d_setup();
	if (ret)
		return ret;
	ret = vmx_setup();
	if (ret)
		vmx_l1d_teardown();
	return ret;
}

void arch_teardown(void)
{
	vmx_teardown();
	vmx_l1d_teardown();
}

int arch_cap(u32 id, u64 *value)
{
	switch (id) {
	case HVMOD_CAP_MAX_VCPUS:
		*value = HVMOD_MAX_VCPUS;
		return 0;
	case HVMOD_CAP_MAX_SLOTS:
		*value = HVMOD_MAX_SLOTS;
		return 0;
	case HVMOD_CAP_RUN_SIZE:
		*value = sizeof(struct hvmod_run);
		return 0;
	case HVMOD_CAP_TSC_KHZ:
		*value = tsc_khz;
		return 0;
	case HVMOD_CAP_TSC_SCALING:
		*value = hw_has_tsc_scaling();
		return 0;
	case HVMOD_CAP_XSAVE_SIZE:
		*value = fpu_xsave_size();
		return 0;
	case HVMOD_CAP_KINDS:
		*value = BIT(HVMOD_KIND_PC) | BIT(HVMOD_KIND_PVH) | BIT(HVMOD_KIND_HVM);
		return 0;
	case HVMOD_CAP_MAX_GPA_BITS:
		*value = ilog2(HVMOD_MAX_GPA);
		return 0;
	case HVMOD_CAP_FEATURES:
		*value = vmx_caps.features;
		return 0;
	}
	return -EINVAL;
}

/* ---- VM ---- */

int arch_vm_init(struct vm *vm)
{
	int ret;

	spin_lock_init(&vm->arch.apic_map_lock);
	tsc_vm_init(vm);
	spin_lock_init(&vm->arch.irq_lock);
	ret = ept_create(vm);
	if (ret)
		return ret;
	ret = irq_devices_create(vm);
	if (ret)
		ept_destroy(vm);
	return ret;
}

void arch_vm_destroy(struct vm *vm)
{
	irq_devices_destroy(vm);
	ept_destroy(vm);
}

/* ---- vCPU ---- */

int arch_vcpu_init(struct vcpu *vcpu)
{
	int ret;

	ret = vmcs_create(vcpu);
	if (ret)
		return ret;
	ret = fpu_vcpu_init(vcpu);
	if (ret)
		goto fail;
	ret = emul_vcpu_init(vcpu);
	if (ret)
		goto fail;
	ret = msr_vcpu_init(vcpu);
	if (ret)
		goto fail;
	ret = vlapic_create(vcpu);
	if (ret)
		goto fail;
	ret = cpuid_vcpu_init(vcpu);
	if (ret)
		goto fail;

	vcpu_hw_begin(vcpu);
	tsc_vcpu_init(vcpu);
	cr_vcpu_reset(vcpu, false);
	cpuid_update(vcpu);
	vcpu_hw_end(vcpu);
	vcpu->arch.mp_state = vcpu->id ? HVMOD_MP_WAIT_SIPI : HVMOD_MP_RUNNABLE;
	return 0;

fail:
	arch_vcpu_destroy(vcpu);
	return ret;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	cpuid_vcpu_destroy(vcpu);
	vlapic_destroy(vcpu);
	msr_vcpu_destroy(vcpu);
	emul_vcpu_destroy(vcpu);
	fpu_vcpu_destroy(vcpu);
	ept_vcpu_destroy(vcpu);
	vmcs_destroy(vcpu);
}

/* What is queued and goes in now: an NMI waits where one is being served. */
static bool event_wakes(struct vcpu *vcpu)
{
	const struct inject *inject = &vcpu->arch.inject;

	if (inject->has_again || inject->has_exc || inject->triple_fault)
		return true;
	return (inject->nmi_pending || atomic_read(&vcpu->arch.nmi_queued)) &&
	       !hw_nmi_blocked(vcpu);
}

/* Apart from INIT and SIPI, which decide first what it is. */
static bool can_run(struct vcpu *vcpu)
{
	if (unlikely(vcpu->xen) && xen_vcpu_stopped(vcpu))
		return false;
	switch (READ_ONCE(vcpu->arch.mp_state)) {
	case HVMOD_MP_RUNNABLE:
		return true;
	case HVMOD_MP_HALTED:
		if (event_wakes(vcpu))
			return true;
		if (vcpu->xen && xen_vcpu_poll_over(vcpu))
			return true;
		vlapic_timer_poll(vcpu);
		return (vcpu_rflags(vcpu) & X86_EFLAGS_IF) && x86_irq_pending(vcpu) >= 0;
	}
	return false;
}

bool arch_vcpu_runnable(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.apic_events) || can_run(vcpu);
}

static void take_init(struct vcpu *vcpu)
{
	cr_vcpu_reset(vcpu, true);
	memset(&vcpu->arch.inject, 0, sizeof(vcpu->arch.inject));
	/* SDM, "MP Initialization Protocol": the boot processor starts again. */
	WRITE_ONCE(vcpu->arch.mp_state, vcpu->arch.apic_base & BIT(8) ?
		   HVMOD_MP_RUNNABLE : HVMOD_MP_WAIT_SIPI);
	if (vcpu->xen)
		xen_vcpu_reset(vcpu, vcpu->arch.mp_state == HVMOD_MP_WAIT_SIPI);
}

bool arch_vcpu_unhalt(struct vcpu *vcpu)
{
	struct vcpu_arch *a = &vcpu->arch;

	if (a->apic_events) {
		if (test_and_clear_bit(VCPU_APIC_INIT, &a->apic_events))
			take_init(vcpu);
		/* Only a vCPU that waits for it hears a SIPI. */
		if (test_and_clear_bit(VCPU_APIC_SIPI, &a->apic_events) &&
		    a->mp_state == HVMOD_MP_WAIT_SIPI) {
			cr_sipi(vcpu, READ_ONCE(a->sipi_vector));
			WRITE_ONCE(a->mp_state, HVMOD_MP_RUNNABLE);
			if (vcpu->xen)
				xen_vcpu_reset(vcpu, false);
		}
		hw_irq_check(vcpu);
	}
	if (!can_run(vcpu))
		return false;
	if (a->mp_state == HVMOD_MP_HALTED) {
		WRITE_ONCE(a->mp_state, HVMOD_MP_RUNNABLE);
		hw_irq_check(vcpu);
		if (vcpu->xen)
			xen_vcpu_wakes(vcpu);
	}
	return true;
}

void arch_irq_check(struct vcpu *vcpu)
{
	hw_irq_check(vcpu);
}

void arch_vcpu_block(struct vcpu *vcpu)
{
	vlapic_timer_block(vcpu);
}

void arch_vcpu_unblock(struct vcpu *vcpu)
{
}

bool arch_vcpu_irqs_on(struct vcpu *vcpu)
{
	return vcpu_rflags(vcpu) & X86_EFLAGS_IF;
}

void arch_vcpu_halt(struct vcpu *vcpu)
{
	vcpu->stat.halts++;
	WRITE_ONCE(vcpu->arch.mp_state, HVMOD_MP_HALTED);
}
