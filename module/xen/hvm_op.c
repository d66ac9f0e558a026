// SPDX-License-Identifier: GPL-2.0
/*
 * hvm_op: parameters between toolstack and guest, and by which vector a guest is
 * called.  Hypercalls and the launcher's ioctl call it.  A guest may set only
 * what Xen lets it set.
 */
#include <linux/nospec.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/hvm_op.h>

#include "module/arch.h"
#include "module/xen/hypercall.h"

/* HVM_PARAM_CALLBACK_IRQ: bits 63-56 are the type. */
#define VIA_TYPE(value)		((value) >> 56)

/* A guest that was told before it said how is told again. */
static void tell_all(struct vm *vm)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		set_bit(XEN_TODO_UPCALL, &vcpu->xen->todo);
		vcpu_request(vcpu, VCPU_REQ_XEN);
	}
}

/* Of Xen's hvm/params.h, which the kernel's own lacks. */
#define PARAM_ACPI_IOPORTS	19
#define PARAM_VM_GENERATION_ID	34
#define PARAM_ALTP2M		35
#define PARAM_X87_FIP_WIDTH	36
#define PARAM_VM86_TSS_SIZED	37

static bool guest_may_set(u32 index)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_VM86_TSS:
	case HVM_PARAM_CONSOLE_EVTCHN:
	case PARAM_ACPI_IOPORTS:
	case PARAM_VM_GENERATION_ID:
	case PARAM_X87_FIP_WIDTH:
	case PARAM_VM86_TSS_SIZED:
		return true;
	}
	return false;
}

static bool guest_may_get(u32 index)
{
	switch (index) {
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_ACPI_S_STATE:
	case PARAM_ALTP2M:
		return true;
	}
	return guest_may_set(index);
}

static long set_param(struct vm *vm, u32 index, u64 value)
{
	u64 old;

	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
		if (VIA_TYPE(value) == HVM_PARAM_CALLBACK_TYPE_VECTOR && (u8)value < 16 && value)
			return -EINVAL;
		break;
	case PARAM_ACPI_IOPORTS:
		/* Where the ACPI ports are was decided by the launcher. */
		return vm->devices & HVMOD_DEV_PMTMR ? -EINVAL : -ENODEV;
	case PARAM_X87_FIP_WIDTH:
		if (value && value != 4 && value != 8)
			return -EINVAL;
		break;
	}
	old = xchg(&vm->xen->params[index], value);
	if (index == HVM_PARAM_CALLBACK_IRQ) {
		if (xen_callback_gsi(old) >= 0)
			arch_irq_line(vm, IRQ_SOURCE_XEN, xen_callback_gsi(old), false);
		tell_all(vm);
	}
	return 0;
}

long hcall_hvm_param(struct hcall *h)
{
	struct xen_hvm_param op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	struct vm *vm = h->vcpu->vm;
	u32 index;

	if (ret)
		return ret;
	if (op.index >= XEN_NR_PARAMS)
		return -EINVAL;
	if (!hcall_is_self(op.domid))
		return op.domid == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
	index = array_index_nospec(op.index, XEN_NR_PARAMS);
	/* Among the first things that a guest does: Xen learns here what it is. */
	if (h->op == HVMOP_set_param && index == HVM_PARAM_CALLBACK_IRQ)
		xen_set_layout(vm, h->is_64bit);
	if (h->op == HVMOP_set_param)
		return guest_may_set(index) ? set_param(vm, index, op.value) : -EPERM;
	if (!guest_may_get(index))
		return -EPERM;
	op.value = READ_ONCE(vm->xen->params[index]);
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}

long hcall_hvm_upcall_vector(struct hcall *h)
{
	struct xen_hvm_evtchn_upcall_vector op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	struct vcpu *vcpu;

	if (ret)
		return ret;
	if (op.vector < 16)
		return -EINVAL;
	vcpu = vm_vcpu(h->vcpu->vm, op.vcpu);
	if (!vcpu)
		return -ENOENT;
	WRITE_ONCE(vcpu->xen->upcall_vector, op.vector);
	set_bit(XEN_TODO_UPCALL, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
	return 0;
}

static u16 mem_type(struct vm *vm, u64 gfn)
{
	const struct mem_slot *slot;
	u16 type = HVMMEM_mmio_dm;

	rcu_read_lock();
	slot = mem_slot_find(vm, gfn);
	if (mem_overlay_find(vm, gfn))
		type = HVMMEM_ram_rw;
	else if (slot && !mem_is_hole(vm, gfn))
		type = slot->flags & HVMOD_MEM_READONLY ? HVMMEM_ram_ro : HVMMEM_ram_rw;
	rcu_read_unlock();
	return type;
}

long hcall_hvm_mem_type(struct hcall *h)
{
	struct xen_hvm_get_mem_type op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (ret)
		return ret;
	if (!hcall_is_self(op.domid))
		return op.domid == HVMOD_XEN_DOMID_BACKEND ? -EPERM : -ESRCH;
	op.mem_type = mem_type(h->vcpu->vm, op.pfn);
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}

long hcall_hvm_flush_tlbs(struct hcall *h)
{
	/* A set of vCPUs was never defined: it is all of them. */
	if (h->arg[1])
		return -EINVAL;
	arch_mmu_flush(h->vcpu->vm);
	return 0;
}

long hcall_hvm_time(struct hcall *h)
{
	u64 now = xen_now(h->vcpu->vm);

	return hcall_to_guest(h, h->arg[1], &now, sizeof(now));
}

/* Nobody collects what it says, as nobody does by default on Xen. */
long hcall_hvm_trace(struct hcall *h)
{
	struct {
		u16 event;
		u16 extra_bytes;
		u8 extra[28];
	} op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));

	if (ret)
		return ret;
	return op.extra_bytes > sizeof(op.extra) || (op.event & ~0xfff) ? -EINVAL : 0;
}

/* Nobody monitors it. */
long hcall_hvm_vm_event(struct hcall *h)
{
	return h->arg[1] ? -EINVAL : 0;
}

long xen_param_ctl(struct vm *vm, struct hvmod_xen_param *args)
{
	u32 index;

	if (args->index >= XEN_NR_PARAMS || (args->flags & ~HVMOD_XEN_PARAM_SET))
		return -EINVAL;
	index = array_index_nospec(args->index, XEN_NR_PARAMS);
	if (args->flags & HVMOD_XEN_PARAM_SET)
		return set_param(vm, index, args->value);
	args->value = READ_ONCE(vm->xen->params[index]);
	return 0;
}
