/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hypercalls: the table, and what a handler gets and may ask.  The architecture
 * fills in a struct hcall from the guest's registers and calls hcall_do(); the
 * files of module/xen/ hold the handlers.  A handler must not see a register.
 *
 * A handler whose row has HCALL_FAST is tried with interrupts off first
 * (h->fast).  There it either finishes or returns HCALL_SLOW before it changed
 * anything, also when a copy from the guest said so; then it is called again
 * from process context.
 */
#ifndef MODULE_XEN_HYPERCALL_H
#define MODULE_XEN_HYPERCALL_H

#include <linux/types.h>

#include "module/xen/xen.h"

/* Result of a handler besides those that go to the guest. */
#define HCALL_SLOW	(-4095L)

struct hcall {
	struct vcpu *vcpu;
	u32 nr;
	bool fast;		/* interrupts are off: may not sleep */
	bool is_64bit;		/* the caller's structures have 64-bit layout */
	bool to_user;		/* set by a handler: vcpu->run is filled in */
	const char *name;	/* of the hypercall, for messages */
	unsigned long arg[6];
};

/* The result for the guest, or HCALL_SLOW (with h->fast only). */
long hcall_do(struct hcall *h);

/*
 * Copies from and to the guest's own address space, with the rights of its
 * kernel.  0; -EFAULT; HCALL_SLOW with h->fast; hcall_to_guest() is HCALL_SLOW
 * always then.
 */
long hcall_from_guest(struct hcall *h, void *to, unsigned long gva, size_t len);
long hcall_to_guest(struct hcall *h, unsigned long gva, const void *from, size_t len);

/*
 * A sub-operation that is not there: counted, and named in a message now and
 * then.  Gives -ENOSYS.
 */
long hcall_unknown(struct hcall *h, u32 op);

/* ---- handlers ---- */

long hcall_memory_op(struct hcall *h);
long hcall_multicall(struct hcall *h);
long hcall_set_timer_op(struct hcall *h);
long hcall_xen_version(struct hcall *h);
long hcall_console_io(struct hcall *h);
long hcall_grant_table_op(struct hcall *h);
long hcall_vm_assist(struct hcall *h);
long hcall_vcpu_op(struct hcall *h);
long hcall_sched_op(struct hcall *h);
long hcall_event_channel_op(struct hcall *h);
long hcall_physdev_op(struct hcall *h);
long hcall_hvm_op(struct hcall *h);

#endif /* MODULE_XEN_HYPERCALL_H */
