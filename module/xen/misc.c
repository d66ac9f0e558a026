// SPDX-License-Identifier: GPL-2.0
/*
 * Small hypercalls of one or two lines: console_io, vm_assist, physdev_op.
 * Hypercalls call it in process context.  What grows gets a file of its own.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include "module/xen/hypercall.h"

#define CONSOLEIO_WRITE	0
#define CONSOLEIO_READ	1

/* To the launcher, as much as the run page holds: the rest is lost, as in a full log. */
long hcall_console_io(struct hcall *h)
{
	struct hvmod_run *run = h->vcpu->run;
	u32 count = min_t(unsigned long, h->arg[1], sizeof(run->data));
	u32 cmd = h->arg[0];
	long ret;

	if (cmd == CONSOLEIO_READ)
		return 0;
	if (cmd != CONSOLEIO_WRITE)
		return hcall_unknown(h, cmd);
	if ((int)h->arg[1] < 0)
		return -EINVAL;
	ret = hcall_from_guest(h, run->data, h->arg[2], count);
	if (ret || !count)
		return ret;
	run->exit_reason = HVMOD_EXIT_XEN_CONSOLE;
	run->console.count = count;
	h->to_user = true;
	return 0;
}

long hcall_vm_assist(struct hcall *h)
{
	unsigned long allowed = BIT(VMASST_TYPE_runstate_update_flag);
	u32 cmd = h->arg[0], type = h->arg[1];

	if (h->vcpu->vm->kind == HVMOD_KIND_PV)
		allowed |= GENMASK(VMASST_TYPE_architectural_iopl, 0);
	if (type > MAX_VMASST_TYPE || !(allowed & BIT(type)))
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		set_bit(type, &h->vcpu->vm->xen->assists);
		return 0;
	case VMASST_CMD_disable:
		clear_bit(type, &h->vcpu->vm->xen->assists);
		return 0;
	}
	return -ENOSYS;
}

/* A domain without physical devices and without routed PIRQs. */
long hcall_physdev_op(struct hcall *h)
{
	return hcall_unknown(h, h->arg[0]);
}
