/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hypercalls: what a handler gets and may ask.  The architecture fills in a
 * struct hcall from the guest's registers and calls hcall_do(); the files of
 * module/xen/ hold the handlers, hypercall_table.c says which.  A handler must
 * not see a register.
 *
 * A handler whose row has HCALL_FAST is tried with interrupts off first
 * (h->fast).  There it either finishes or returns HCALL_SLOW before it changed
 * anything, also when a copy from the guest said so; then it is called again
 * from process context.
 */
#ifndef MODULE_XEN_HYPERCALL_H
#define MODULE_XEN_HYPERCALL_H

#include <linux/types.h>

#include "module/xen/hypercall_table.h"
#include "module/xen/xen.h"

/* Result of a handler besides those that go to the guest. */
#define HCALL_SLOW	(-4095L)

struct hcall {
	struct vcpu *vcpu;
	unsigned long nr;
	u32 op;			/* sub-operation: one of the row's, or 0 */
	bool fast;		/* interrupts are off: may not sleep */
	bool is_64bit;		/* the caller's structures have 64-bit layout */
	bool nested;		/* an entry of a multicall */
	bool to_user;		/* set by a handler: vcpu->run is filled in */
	bool again;		/* set by hcall_again() */
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
 * A long call between two of its steps: shall it make room?  A signal, an event
 * for the guest, or the call itself has to leave (h->to_user).  Process context.
 */
bool hcall_preempted(struct hcall *h);
/*
 * The call is not done: h->arg says what is left.  The guest makes it again
 * with these arguments when the vCPU runs next.  For "return hcall_again(h)".
 */
static inline long hcall_again(struct hcall *h)
{
	h->again = true;
	return 0;
}

/*
 * A sub-operation that is not there, or not in this form: counted as not
 * supported, and named in the log once.  Gives -ENOSYS.
 */
long hcall_unknown(struct hcall *h, u32 op);

/* Is it the caller itself? */
static inline bool hcall_is_self(domid_t dom)
{
	return dom == DOMID_SELF || dom == HVMOD_XEN_DOMID_GUEST;
}

/* ---- handlers ---- */

long hcall_memory_reservation(struct hcall *h);
long hcall_memory_max_page(struct hcall *h);
long hcall_memory_size(struct hcall *h);
long hcall_memory_add(struct hcall *h);
long hcall_memory_add_batch(struct hcall *h);
long hcall_memory_map(struct hcall *h);
long hcall_memory_set_map(struct hcall *h);
long hcall_memory_remove(struct hcall *h);
long hcall_multicall(struct hcall *h);
long hcall_set_timer_op(struct hcall *h);
long hcall_xen_version(struct hcall *h);
long hcall_console_io(struct hcall *h);
long hcall_gnttab_setup_table(struct hcall *h);
long hcall_gnttab_query_size(struct hcall *h);
long hcall_gnttab_set_version(struct hcall *h);
long hcall_gnttab_get_version(struct hcall *h);
long hcall_gnttab_copy(struct hcall *h);
long hcall_gnttab_swap(struct hcall *h);
long hcall_gnttab_map(struct hcall *h);
long hcall_gnttab_unmap(struct hcall *h);
long hcall_vm_assist(struct hcall *h);
long hcall_vcpu_op(struct hcall *h);
long hcall_sched_op(struct hcall *h);
long hcall_event_channel_op(struct hcall *h);
long hcall_hvm_param(struct hcall *h);
long hcall_hvm_upcall_vector(struct hcall *h);
long hcall_hvm_mem_type(struct hcall *h);
long hcall_hvm_flush_tlbs(struct hcall *h);
long hcall_hvm_time(struct hcall *h);
long hcall_hvm_trace(struct hcall *h);
long hcall_hvm_vm_event(struct hcall *h);

#endif /* MODULE_XEN_HYPERCALL_H */
