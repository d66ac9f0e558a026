// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatches hypercalls by hypercall_table.c, counts them, and says which of
 * them a guest misses.  The architecture calls hcall_do() with what it took from
 * the guest's registers.  It knows no hypercall but multicall, which is a way to
 * make others.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "module/arch.h"
#include "module/trace.h"
#include "module/xen/hypercall.h"

/* ---- which one ---- */

/* Rows and counters of a call; op is NULL where there is no such number. */
struct found {
	const struct hcall_row *row;
	const struct hcall_op *op;
	u32 counter;
};

static struct found find(const struct hcall *h)
{
	struct found f = {};
	u64 nr;

	if (h->nr >= HCALL_ROWS)
		return f;
	f.row = &hcall_table[array_index_nospec(h->nr, HCALL_ROWS)];
	if (!f.row->self.name)
		return f;
	f.counter = f.row->first;
	if (!f.row->ops) {
		f.op = &f.row->self;
		return f;
	}
	nr = h->arg[0] & f.row->op_mask;
	if (nr >= f.row->nr_ops) {
		f.counter += f.row->nr_ops;
		return f;
	}
	nr = array_index_nospec(nr, f.row->nr_ops);
	f.counter += nr;
	if (f.row->ops[nr].name)
		f.op = &f.row->ops[nr];
	return f;
}

/* "XENMEM_exchange", "memory_op 63", "hypercall 60". */
static void name_of(const struct found *f, unsigned long nr, u64 op, char *buf, size_t size)
{
	if (f->op)
		strscpy(buf, f->op->name, size);
	else if (f->row && f->row->self.name)
		snprintf(buf, size, "%s %llu", f->row->self.name, op & f->row->op_mask);
	else
		snprintf(buf, size, "hypercall %lu", nr);
}

/* A guest of Xen would be served: counted, and said once for a VM. */
static void missing(struct hcall *h, const struct found *f)
{
	struct vm *vm = h->vcpu->vm;
	char name[48];

	h->vcpu->xen->calls[f->counter].missing++;
	if (test_and_set_bit(f->counter, vm->xen->missed))
		return;
	name_of(f, h->nr, h->arg[0], name, sizeof(name));
	pr_info_ratelimited("VM %u: %s is not supported\n", vm->id, name);
}

long hcall_unknown(struct hcall *h, u32 op)
{
	struct found f = find(h);

	missing(h, &f);
	return -ENOSYS;
}

long hcall_do(struct hcall *h)
{
	struct found f = find(h);
	u32 kind = h->vcpu->vm->kind;
	long ret;

	if (h->fast && !(f.op && (f.op->flags & HCALL_FAST)))
		return HCALL_SLOW;
	if (unlikely(!f.op)) {
		/* No Xen has it: what is missing is in the guest. */
		missing(h, &f);
		ret = -ENOSYS;
	} else if (likely(hcall_op_status(f.op, kind) == HCALL_DONE)) {
		h->op = h->arg[0] & f.row->op_mask;
		ret = f.op->fn(h);
		if (h->fast && ret == HCALL_SLOW)
			return HCALL_SLOW;
	} else {
		if (hcall_op_status(f.op, kind) == HCALL_ABSENT)
			missing(h, &f);
		ret = f.op->error;
	}
	/* Not each part of one that is made in several. */
	if (likely(!h->again))
		h->vcpu->xen->calls[f.counter].made++;
	trace_hvmod_hypercall(h->vcpu->id, h->nr, h->arg[0],
			      f.op ? f.op->name : "?", ret);
	return ret;
}

/* ---- what handlers ask ---- */

long hcall_from_guest(struct hcall *h, void *to, unsigned long gva, size_t len)
{
	int ret = arch_guest_read(h->vcpu, gva, to, len, h->fast);

	return ret == -EAGAIN ? HCALL_SLOW : ret;
}

long hcall_to_guest(struct hcall *h, unsigned long gva, const void *from, size_t len)
{
	if (h->fast)
		return HCALL_SLOW;
	return arch_guest_write(h->vcpu, gva, from, len);
}

bool hcall_preempted(struct hcall *h)
{
	cond_resched();
	return h->to_user || signal_pending(current) || READ_ONCE(h->vcpu->requests) ||
	       READ_ONCE(h->vcpu->run->immediate_exit);
}

/* ---- multicall ---- */

struct multicall_32 {
	u32 op;
	u32 result;
	u32 args[6];
};

/* An entry in either layout. */
struct entry {
	unsigned long gva;
	union {
		struct multicall_entry e64;
		struct multicall_32 e32;
	};
};

static size_t entry_size(const struct hcall *h)
{
	return h->is_64bit ? sizeof(struct multicall_entry) : sizeof(struct multicall_32);
}

static long entry_get(struct hcall *h, struct entry *e, struct hcall *call)
{
	long ret = hcall_from_guest(h, &e->e64, e->gva, entry_size(h));
	int i;

	if (ret)
		return ret;
	call->nr = h->is_64bit ? e->e64.op : e->e32.op;
	for (i = 0; i < 6; i++)
		call->arg[i] = h->is_64bit ? e->e64.args[i] : e->e32.args[i];
	return 0;
}

/* The call's result, or, where it has to go on later, what is left of it. */
static long entry_put(struct hcall *h, struct entry *e, const struct hcall *call, long result)
{
	int i;

	if (!call->again) {
		u32 result_32 = result;

		if (h->is_64bit)
			return hcall_to_guest(h, e->gva + offsetof(struct multicall_entry, result),
					      &result, sizeof(result));
		return hcall_to_guest(h, e->gva + offsetof(struct multicall_32, result),
				      &result_32, sizeof(result_32));
	}
	for (i = 0; i < 6; i++) {
		if (h->is_64bit)
			e->e64.args[i] = call->arg[i];
		else
			e->e32.args[i] = call->arg[i];
	}
	return hcall_to_guest(h, e->gva, &e->e64, entry_size(h));
}

/*
 * Each entry is done once, or is still in the list when the call is made again:
 * it leaves between two of them, and inside of one that leaves itself.
 */
long hcall_multicall(struct hcall *h)
{
	u32 count = h->arg[1];
	long ret;

	if (h->nested)
		return -EINVAL;
	for (; count; count--, h->arg[0] += entry_size(h)) {
		struct hcall call = {
			.vcpu = h->vcpu, .is_64bit = h->is_64bit, .nested = true,
		};
		struct entry e = { .gva = h->arg[0] };

		ret = entry_get(h, &e, &call);
		if (ret)
			return ret;
		ret = hcall_do(&call);
		h->to_user |= call.to_user;
		ret = entry_put(h, &e, &call, ret);
		if (ret)
			return ret;
		h->arg[1] = call.again ? count : count - 1;
		if (call.again)
			return hcall_again(h);
		if (count > 1 && (hcall_preempted(h) || !arch_vcpu_runnable(h->vcpu))) {
			h->arg[0] += entry_size(h);
			return hcall_again(h);
		}
	}
	return 0;
}

/* ---- counters ---- */

/* Sums of all vCPUs, racy. */
static struct xen_calls sum(struct vm *vm, u32 counter)
{
	struct xen_calls all = {};
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		all.made += READ_ONCE(vcpu->xen->calls[counter].made);
		all.missing += READ_ONCE(vcpu->xen->calls[counter].missing);
	}
	return all;
}

/*
 * The calls that were made, in the table's order: *at is 0 first.  False: that
 * was all.
 */
static bool next_call(struct vm *vm, u32 *at, struct hvmod_xen_call *out)
{
	u32 nr, i = *at;

	for (nr = 0; nr < HCALL_ROWS; nr++) {
		const struct hcall_row *row = &hcall_table[nr];
		u32 counters = row->self.name ? hcall_row_counters(row) : 0;

		for (; i < counters; i++, (*at)++) {
			struct xen_calls calls = sum(vm, row->first + i);
			struct found f = { .row = row };

			if (!calls.made)
				continue;
			memset(out, 0, sizeof(*out));
			out->hypercall = nr;
			out->op = row->ops && i < row->nr_ops ? i : HVMOD_XEN_CALL_OTHER;
			out->calls = calls.made;
			out->missing = calls.missing;
			if (!row->ops)
				f.op = &row->self;
			else if (i < row->nr_ops && row->ops[i].name)
				f.op = &row->ops[i];
			if (row->ops && i == row->nr_ops)
				snprintf(out->name, sizeof(out->name), "%s, others",
					 row->self.name);
			else
				name_of(&f, nr, i, out->name, sizeof(out->name));
			(*at)++;
			return true;
		}
		i -= counters;
	}
	return false;
}

/* Numbers without a row. */
static bool other_calls(struct vm *vm, struct hvmod_xen_call *out)
{
	struct xen_calls calls = sum(vm, 0);

	*out = (struct hvmod_xen_call) {
		.hypercall = HVMOD_XEN_CALL_OTHER, .op = HVMOD_XEN_CALL_OTHER,
		.calls = calls.made, .missing = calls.missing, .name = "other hypercalls",
	};
	return calls.made;
}

long xen_calls_ctl(struct vm *vm, struct hvmod_xen_calls *args)
{
	struct hvmod_xen_call __user *to = u64_to_user_ptr(args->addr);
	struct hvmod_xen_call call;
	u32 at = 0, n = 0;
	bool more;

	do {
		more = next_call(vm, &at, &call);
		if (!more && !other_calls(vm, &call))
			break;
		if (n < args->count && copy_to_user(&to[n], &call, sizeof(call)))
			return -EFAULT;
		n++;
	} while (more);
	more = n > args->count;
	args->count = n;
	return more ? -E2BIG : 0;
}

void xen_calls_show(struct seq_file *m, struct vm *vm)
{
	struct hvmod_xen_call call;
	bool more;
	u32 at = 0;

	do {
		more = next_call(vm, &at, &call);
		if (!more && !other_calls(vm, &call))
			break;
		if (call.missing)
			seq_printf(m, "%s: not supported, %llu of %llu calls\n", call.name,
				   call.missing, call.calls);
		else
			seq_printf(m, "%s: %llu calls\n", call.name, call.calls);
	} while (more);
}
