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

static bool guest_may_set(u32 index)
{
	return index == HVM_PARAM_CALLBACK_IRQ || index == HVM_PARAM_VM86_TSS;
}

static bool guest_may_get(u32 index)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_VM86_TSS:
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_CONSOLE_EVTCHN:
		return true;
	}
	return false;
}

static long set_param(struct vm *vm, u32 index, u64 value)
{
	if (index == HVM_PARAM_CALLBACK_IRQ &&
	    VIA_TYPE(value) == HVM_PARAM_CALLBACK_TYPE_VECTOR && (u8)value < 16 && value)
		return -EINVAL;
	WRITE_ONCE(vm->xen->params[index], value);
	if (index == HVM_PARAM_CALLBACK_IRQ)
		tell_all(vm);
	return 0;
}

static long op_param(struct hcall *h, bool set)
{
	struct xen_hvm_param op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	struct vm *vm = h->vcpu->vm;
	u32 index;

	if (ret)
		return ret;
	if (op.domid != DOMID_SELF && op.domid != HVMOD_XEN_DOMID_GUEST)
		return -ESRCH;
	if (op.index >= HVM_NR_PARAMS)
		return -EINVAL;
	index = array_index_nospec(op.index, HVM_NR_PARAMS);
	if (set)
		return guest_may_set(index) ? set_param(vm, index, op.value) : -EPERM;
	if (!guest_may_get(index))
		return -EPERM;
	op.value = READ_ONCE(vm->xen->params[index]);
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}

static long op_upcall_vector(struct hcall *h)
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

static long op_mem_type(struct hcall *h)
{
	struct xen_hvm_get_mem_type op;
	long ret = hcall_from_guest(h, &op, h->arg[1], sizeof(op));
	u8 byte;

	if (ret)
		return ret;
	if (op.domid != DOMID_SELF && op.domid != HVMOD_XEN_DOMID_GUEST)
		return -ESRCH;
	op.mem_type = HVMMEM_mmio_dm;
	if (op.pfn < HVMOD_MAX_GPA >> PAGE_SHIFT &&
	    !mem_read(h->vcpu->vm, op.pfn << PAGE_SHIFT, &byte, 1))
		op.mem_type = HVMMEM_ram_rw;
	return hcall_to_guest(h, h->arg[1], &op, sizeof(op));
}

long hcall_hvm_op(struct hcall *h)
{
	u32 cmd = h->arg[0];

	switch (cmd) {
	case HVMOP_set_param:
		return op_param(h, true);
	case HVMOP_get_param:
		return op_param(h, false);
	case HVMOP_get_mem_type:
		return op_mem_type(h);
	case HVMOP_set_evtchn_upcall_vector:
		return op_upcall_vector(h);
	case HVMOP_pagetable_dying:
		return -ENOSYS;		/* for shadow paging; every guest asks */
	}
	return hcall_unknown(h, cmd);
}

long xen_param_ctl(struct vm *vm, struct hvmod_xen_param *args)
{
	u32 index;

	if (args->index >= HVM_NR_PARAMS || (args->flags & ~HVMOD_XEN_PARAM_SET))
		return -EINVAL;
	index = array_index_nospec(args->index, HVM_NR_PARAMS);
	if (args->flags & HVMOD_XEN_PARAM_SET)
		return set_param(vm, index, args->value);
	args->value = READ_ONCE(vm->xen->params[index]);
	return 0;
}
