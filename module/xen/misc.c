// SPDX-License-Identifier: GPL-2.0
/*
 * Small hypercalls: console_io, vm_assist.
 * Hypercalls call it in process context.  What grows gets a file of its own.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include "module/xen/hypercall.h"

#define CONSOLEIO_READ	1

/* To the launcher, a run page at a time. */
long hcall_console_io(struct hcall *h)
{
	struct hvmod_run *run = h->vcpu->run;
	u32 left = h->arg[1], count = min_t(u32, left, sizeof(run->data));
	long ret;

	if (left > INT_MAX)
		return -E2BIG;
	if (h->op == CONSOLEIO_READ)
		return 0;
	ret = hcall_from_guest(h, run->data, h->arg[2], count);
	if (ret || !count)
		return ret;
	run->exit_reason = HVMOD_EXIT_XEN_CONSOLE;
	run->console.count = count;
	h->to_user = true;
	if (count == left)
		return 0;
	h->arg[1] = left - count;
	h->arg[2] += count;
	return hcall_again(h);
}

long hcall_vm_assist(struct hcall *h)
{
	unsigned long allowed = BIT(VMASST_TYPE_runstate_update_flag);
	u32 type = h->arg[1];

	if (h->vcpu->vm->kind == HVMOD_KIND_PV)
		allowed |= GENMASK(VMASST_TYPE_architectural_iopl, 0);
	if (type > MAX_VMASST_TYPE || !(allowed & BIT(type)))
		return -EINVAL;
	if (h->op == VMASST_CMD_enable)
		set_bit(type, &h->vcpu->vm->xen->assists);
	else
		clear_bit(type, &h->vcpu->vm->xen->assists);
	return 0;
}
