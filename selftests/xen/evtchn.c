// SPDX-License-Identifier: GPL-2.0
/*
 * Event channels: each EVTCHNOP_*, its errors, and what a guest sees of an event
 * by the two-level and by the FIFO ABI.
 */
#include <sys/eventfd.h>

#include "guest.h"

#define PAGES	6	/* of the FIFO array: ports up to 6 143 */
#define MANY	5000	/* ports: more than the two-level ABI has */

static u32 words[PAGES][1024] __attribute__((aligned(4096)));
static u8 control_page[4096] __attribute__((aligned(4096)));
static struct fifo fifo;
static volatile u64 calls;
static u32 order[16], seen;

static void saw(u32 port)
{
	if (seen < ARRAY_SIZE(order))
		order[seen] = port;
	seen++;
}

static void on_2l(struct hv_frame *frame)
{
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->vcpu[0].pending_sel = 0;
	calls++;
	guest_eoi();
}

static void on_fifo(struct hv_frame *frame)
{
	SHINFO->vcpu[0].upcall_pending = 0;
	fifo_consume(&fifo, saw);
	calls++;
	guest_eoi();
}

/* Its bit, cleared. */
static bool take(u32 port)
{
	bool is = SHINFO->pending[port / 64] >> port % 64 & 1;

	SHINFO->pending[port / 64] &= ~(1UL << port % 64);
	return is;
}

struct status {
	u16 dom;
	u32 port, status, vcpu;
	union {
		u16 unbound_dom;
		struct { u16 dom; u32 port; } inter;
		u32 pirq, virq;
	};
};

static struct status status(u32 port)
{
	struct status s = { .dom = DOMID_SELF, .port = port };

	GUEST_EQ(evtchn_op(EVTCHN_STATUS, &s), 0);
	return s;
}

static long bind_vcpu(u32 port, u32 vcpu)
{
	struct { u32 port, vcpu; } op = { port, vcpu };

	return evtchn_op(EVTCHN_BIND_VCPU, &op);
}

static long unbound(u16 dom, u16 remote)
{
	struct { u16 dom, remote; u32 port; } op = { dom, remote, 0 };
	long ret = evtchn_op(EVTCHN_ALLOC_UNBOUND, &op);

	return ret ? ret : op.port;
}

static long interdomain(u16 dom, u32 remote)
{
	struct { u16 dom; u32 remote, local; } op = { dom, remote, 0 };
	long ret = evtchn_op(EVTCHN_BIND_INTERDOMAIN, &op);

	return ret ? ret : op.local;
}

static long virq(u32 nr, u32 vcpu)
{
	struct { u32 virq, vcpu, port; } op = { nr, vcpu, 0 };
	long ret = evtchn_op(EVTCHN_BIND_VIRQ, &op);

	return ret ? ret : op.port;
}

static void guest_errors(void)
{
	struct { u32 vcpu, port; } ipi = { 99, 0 };
	struct { u32 pirq, flags, port; } pirq = { 4, 0, 0 };
	struct status s = { .dom = 5, .port = 1 };
	void *nowhere = (void *)(1UL << 46);
	struct { u16 dom; } reset = { 5 };
	u32 op, port;

	GUEST_EQ(evtchn_op(14, nowhere), -ENOSYS);
	GUEST_EQ(evtchn_op(~0UL, nowhere), -ENOSYS);
	for (op = 0; op < 14; op++)
		GUEST_EQ(evtchn_op(op, nowhere), op == EVTCHN_BIND_PIRQ ? -EINVAL : -EFAULT);

	GUEST_EQ(unbound(5, 0), -ESRCH);
	GUEST_EQ(unbound(0, 0), -EPERM);
	GUEST_EQ(interdomain(0, 1), -EINVAL);
	GUEST_EQ(interdomain(5, 1), -ESRCH);
	GUEST_EQ(interdomain(DOMID_SELF, 0), -EINVAL);
	GUEST_EQ(interdomain(DOMID_SELF, 4096), -EINVAL);
	GUEST_EQ(interdomain(DOMID_SELF, ~0U), -EINVAL);
	GUEST_EQ(virq(24, 0), -EINVAL);
	GUEST_EQ(virq(~0U, 0), -EINVAL);
	GUEST_EQ(virq(2, 1), -EINVAL);		/* VIRQ_CONSOLE is global */
	GUEST_EQ(virq(VIRQ_TIMER, 77), -ENOENT);
	GUEST_EQ(virq(VIRQ_TIMER, ~0U), -ENOENT);
	GUEST_EQ(evtchn_op(EVTCHN_BIND_IPI, &ipi), -ENOENT);
	GUEST_EQ(evtchn_op(EVTCHN_BIND_PIRQ, &pirq), -EINVAL);
	GUEST_EQ(evtchn_op(EVTCHN_STATUS, &s), -ESRCH);
	s.dom = 0;
	GUEST_EQ(evtchn_op(EVTCHN_STATUS, &s), -EPERM);
	s.dom = DOMID_SELF;
	s.port = 4096;
	GUEST_EQ(evtchn_op(EVTCHN_STATUS, &s), -EINVAL);
	GUEST_EQ(evtchn_op(EVTCHN_RESET, &reset), -ESRCH);
	reset.dom = 0;
	GUEST_EQ(evtchn_op(EVTCHN_RESET, &reset), -EPERM);
	for (op = 0; op < 4; op++) {
		static const u32 none[] = { 0, 4095, 4096, ~0U };

		port = none[op];
		GUEST_EQ(evtchn_port(EVTCHN_SEND, port), -EINVAL);
		GUEST_EQ(evtchn_port(EVTCHN_CLOSE, port), -EINVAL);
		GUEST_EQ(evtchn_port(EVTCHN_UNMASK, port), -EINVAL);
		GUEST_EQ(bind_vcpu(port, 0), -EINVAL);
	}
	GUEST_EQ(bind_vcpu(1, 99), -ENOENT);
	/* Of the other ABI. */
	GUEST_EQ(fifo_expand((u64)words[0] >> 12), -EOPNOTSUPP);
	GUEST_EQ(fifo_set_priority(1, 0), -ENOSYS);
}

static void guest_states(void)
{
	u32 ipi = bind_ipi(1), console = virq(2, 0), timer = virq(VIRQ_TIMER, 1);
	long far = unbound(DOMID_SELF, 0), near = unbound(DOMID_SELF, DOMID_SELF), local;

	GUEST_EQ(status(ipi).status, 5);
	GUEST_EQ(status(ipi).vcpu, 1);
	GUEST_EQ(bind_vcpu(ipi, 0), -EINVAL);
	GUEST_EQ(status(console).status, 4);
	GUEST_EQ(status(console).virq, 2);
	GUEST_EQ(bind_vcpu(console, 1), 0);
	GUEST_EQ(status(console).vcpu, 1);
	GUEST_EQ(bind_vcpu(timer, 0), -EINVAL);	/* it belongs to its vCPU */
	GUEST_EQ(virq(2, 0), -EEXIST);
	GUEST_EQ(virq(VIRQ_TIMER, 1), -EEXIST);
	GUEST_EQ(status(far).status, 1);
	GUEST_EQ(status(far).unbound_dom, 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, far), 0);	/* nobody hears it */
	GUEST_EQ(interdomain(DOMID_SELF, far), -EINVAL);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, timer), -EINVAL);
	local = interdomain(DOMID_SELF, near);
	GUEST_ASSERT(local > 0);
	GUEST_EQ(status(local).status, 2);
	GUEST_EQ(status(local).inter.port, near);
	GUEST_EQ(status(near).inter.port, local);
	GUEST_EQ(interdomain(DOMID_SELF, near), -EINVAL);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, local), 0);
	GUEST_EQ(status(local).status, 0);
	GUEST_EQ(status(near).status, 1);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, console), 0);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, console), -EINVAL);
	console = virq(2, 0);
	GUEST_ASSERT(console < 4096);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, ipi), 0);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, timer), 0);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, console), 0);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, far), 0);
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, near), 0);
}

static void guest_2l(void)
{
	u32 port;

	guest_on_vector(UPCALL_VECTOR, on_2l);
	map_shinfo();
	use_upcalls(0);
	port = bind_ipi(0);
	calls = 0;
	asm volatile("sti");
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(calls, 1);
	/* It is pending still: no second call. */
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(calls, 1);
	GUEST_ASSERT(take(port));
	SHINFO->mask[port / 64] |= 1UL << port % 64;
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(calls, 1);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, port), 0);
	GUEST_EQ(calls, 2);
	GUEST_ASSERT(!(SHINFO->mask[port / 64] >> port % 64 & 1));
	/* The flag is set already: who sets it calls. */
	SHINFO->vcpu[0].upcall_pending = 1;
	GUEST_ASSERT(take(port));
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(calls, 2);
	GUEST_EQ(SHINFO->vcpu[0].pending_sel, 1UL << port / 64);
	SHINFO->vcpu[0].upcall_pending = 0;
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, port), 0);
	GUEST_ASSERT(!take(port));
	asm volatile("cli");
}

/* ---- FIFO ---- */

static void fifo_setup(u32 pages)
{
	u32 i, k;

	fifo.control = (struct fifo_control *)(control_page + 128);
	fifo.array = words[0];
	for (i = 0; i < 16; i++)
		fifo.head[i] = 0;
	for (i = 0; i < sizeof(control_page); i++)
		((volatile u8 *)control_page)[i] = 0;
	for (i = 0; i < PAGES; i++)
		for (k = 0; k < 1024; k++)
			words[i][k] = 1U << FIFO_MASKED;
	GUEST_EQ(fifo_init_control(0, (u64)control_page + 128), 0);
	for (i = 0; i < pages; i++)
		GUEST_EQ(fifo_expand((u64)words[i] >> 12), 0);
}

static void guest_fifo(void)
{
	u64 control = (u64)control_page;
	u32 early, port, i;

	map_shinfo();
	guest_on_vector(UPCALL_VECTOR, on_fifo);
	early = bind_ipi(0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, early), 0);	/* and goes over to FIFO */
	calls = 0;
	seen = 0;

	GUEST_EQ(fifo_init_control(99, control), -ENOENT);
	GUEST_EQ(fifo_init_control(0, control + 4), -EINVAL);
	GUEST_EQ(fifo_init_control(0, control + 4096 - 64), -EINVAL);
	GUEST_EQ(fifo_init_control(0, 1UL << 51), -EINVAL);
	GUEST_EQ(fifo_init_control(0, SHINFO_GPA), -EINVAL);	/* not the guest's own */
	fifo_setup(0);
	GUEST_EQ(fifo_init_control(0, control), -EINVAL);	/* a second time */
	GUEST_EQ(fifo_expand(1UL << 40), -EINVAL);
	GUEST_EQ(fifo_expand(SHINFO_GPA >> 12), -EINVAL);
	/* The control block, as the kernel saw it before the array: nothing there. */
	GUEST_EQ(fifo.control->ready, 0);
	GUEST_EQ(fifo_expand((u64)words[0] >> 12), 0);
	GUEST_ASSERT(fifo_test(&fifo, early, FIFO_PENDING));
	GUEST_ASSERT(!fifo_test(&fifo, early, FIFO_LINKED));
	GUEST_EQ(fifo_set_priority(early, 16), -EINVAL);
	GUEST_EQ(fifo_set_priority(0, 1), -EINVAL);
	GUEST_EQ(fifo_set_priority(131072, 1), -EINVAL);
	SHINFO->vcpu[0].upcall_pending = 0;
	asm volatile("sti; nop");	/* the call for it by the two-level ABI */
	calls = 0;
	GUEST_EQ(seen, 0);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, early), 0);
	GUEST_EQ(calls, 1);
	GUEST_EQ(seen, 1);
	GUEST_EQ(order[0], early);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, early), 0);	/* nothing is pending */
	GUEST_EQ(calls, 1);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, early), 0);
	GUEST_EQ(seen, 2);

	/* By priority, and in order in each. */
	asm volatile("cli");
	for (i = 0; i < 6; i++) {
		port = bind_ipi(0);
		GUEST_EQ(evtchn_port(EVTCHN_UNMASK, port), 0);
		GUEST_EQ(fifo_set_priority(port, i % 3 * 5), 0);
	}
	seen = 0;
	for (i = 6; i; i--)
		GUEST_EQ(evtchn_port(EVTCHN_SEND, port + 1 - i), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);	/* pending: once only */
	asm volatile("sti; nop");
	GUEST_EQ(seen, 6);
	for (i = 0; i < 6; i++)
		GUEST_EQ(order[i], port - 5 + (i / 2 + i % 2 * 3));
}

static void guest_fifo_change(void)
{
	u32 a, b, c, i;

	asm volatile("cli");
	a = bind_ipi(0);
	b = bind_ipi(0);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, a), 0);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, b), 0);
	/* Another priority while it is linked: this time on the old queue. */
	seen = 0;
	GUEST_EQ(evtchn_port(EVTCHN_SEND, a), 0);
	GUEST_EQ(fifo_set_priority(a, 15), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, b), 0);
	asm volatile("sti; nop; cli");
	GUEST_EQ(seen, 2);
	GUEST_EQ(order[0], a);
	/* Now on the new one; b, the tail of the old one, too: both queues go on. */
	seen = 0;
	GUEST_EQ(fifo_set_priority(b, 15), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, b), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, a), 0);
	c = bind_ipi(0);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, c), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, c), 0);
	asm volatile("sti; nop; cli");
	GUEST_EQ(seen, 3);
	GUEST_EQ(order[0], c);
	GUEST_EQ(order[1], b);
	GUEST_EQ(order[2], a);

	/* Masked: pending, not linked; closed while linked: not used again until it is not. */
	seen = 0;
	__atomic_fetch_or(&fifo.array[a], 1U << FIFO_MASKED, __ATOMIC_SEQ_CST);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, a), 0);
	GUEST_ASSERT(!fifo_test(&fifo, a, FIFO_LINKED));
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, a), 0);
	GUEST_ASSERT(fifo_test(&fifo, a, FIFO_LINKED));
	GUEST_EQ(evtchn_port(EVTCHN_CLOSE, a), 0);
	GUEST_ASSERT(!fifo_test(&fifo, a, FIFO_PENDING));
	i = bind_ipi(0);
	GUEST_ASSERT(i != a);
	asm volatile("sti; nop; cli");
	GUEST_EQ(seen, 0);
	GUEST_EQ(bind_ipi(0), a);
}

static void guest_fifo_many(void)
{
	u32 port = 0, i, k;

	for (i = 0; i < PAGES - 1; i++)
		GUEST_EQ(fifo_expand((u64)words[1 + i] >> 12), 0);
	for (i = 0; i < MANY; i++)
		port = bind_ipi(0);
	GUEST_ASSERT(port > 4096 && port < PAGES * 1024);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, port), 0);
	seen = 0;
	asm volatile("sti");
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(seen, 1);
	GUEST_EQ(order[0], port);
	for (k = PAGES; k < 128; k++)
		GUEST_EQ(fifo_expand((u64)words[PAGES - 1] >> 12), 0);
	GUEST_EQ(fifo_expand((u64)words[0] >> 12), -ENOSPC);
	asm volatile("cli");
}

static void guest_reset(void)
{
	struct { u16 dom; } reset = { DOMID_SELF };

	GUEST_EQ(evtchn_op(EVTCHN_RESET, &reset), 0);
	GUEST_EQ(status(1).status, 0);
	GUEST_EQ(fifo_set_priority(1, 0), -ENOSYS);
	guest_2l();
	GUEST_EQ(bind_ipi(0), 1);
	GUEST_EQ(evtchn_op(EVTCHN_RESET, &reset), 0);
	/* And to FIFO again, with all queues empty. */
	guest_on_vector(UPCALL_VECTOR, on_fifo);
	fifo_setup(1);
	seen = 0;
	asm volatile("sti");
	GUEST_EQ(bind_ipi(0), 1);
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, 1), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, 1), 0);
	GUEST_EQ(seen, 1);
	/* The launcher's, by this ABI. */
	GUEST_SYNC(alloc_unbound(0));
	GUEST_EQ(evtchn_port(EVTCHN_UNMASK, 2), 0);
	GUEST_EQ(evtchn_port(EVTCHN_SEND, 2), 0);
	GUEST_SYNC(0);
	GUEST_EQ(seen, 2);
	GUEST_EQ(order[1], 2);
}

/* ---- a guest that plays foul ---- */

/* Words and control block that no guest may have made: nothing but its own loss. */
static void guest_foul(void)
{
	static const u32 bad[] = {
		~0U, 0xbfffffff, 0x3fffffff, 0x2001ffff, 0x10000000, 0xa0000001,
	};
	u32 a = bind_ipi(0), b = bind_ipi(0), i, k;

	asm volatile("cli");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (k = 0; k < 3; k++) {
			fifo.array[a] = bad[i];
			fifo.array[b] = k & 1 ? bad[i] : 0;
			fifo.control->ready = k & 2 ? ~0U : 0;
			GUEST_EQ(evtchn_port(EVTCHN_SEND, a), 0);
			GUEST_EQ(evtchn_port(EVTCHN_SEND, b), 0);
			GUEST_EQ(evtchn_port(EVTCHN_UNMASK, a), 0);
		}
	}
}

/* ---- called by an interrupt input ---- */

#define IOAPIC	((volatile u32 *)0xfec00000UL)

static void on_gsi(struct hv_frame *frame)
{
	/* The first time the flag stays set: the input does, too. */
	if (++calls > 1) {
		SHINFO->vcpu[0].upcall_pending = 0;
		SHINFO->vcpu[0].pending_sel = 0;
		SHINFO->pending[0] = 0;
	}
	guest_eoi();
}

static void set_callback(u64 value)
{
	struct { u16 dom; u32 index; u64 value; } op = { DOMID_SELF, 0, value };

	GUEST_EQ(hypercall(HVM_OP, 0, (u64)&op, 0), 0);
}

/* The input, and how the guest names it. */
static u32 gsi;
static u64 gsi_via;

static void guest_gsi(void)
{
	u32 port, i;

	guest_on_vector(UPCALL_VECTOR, on_gsi);
	map_shinfo();
	guest_wrmsr(0x1b, guest_rdmsr(0x1b) | 3 << 10);
	guest_wrmsr(0x80f, 0x1ff);
	IOAPIC[0] = 0x10 + 2 * gsi + 1;
	IOAPIC[4] = 0;
	IOAPIC[0] = 0x10 + 2 * gsi;
	IOAPIC[4] = 1 << 15 | UPCALL_VECTOR;	/* level */
	port = bind_ipi(0);
	calls = 0;
	asm volatile("sti");
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(calls, 0);		/* it has not said how */
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->pending[0] = 0;
	set_callback(gsi_via);
	for (i = 1; i < 4; i++) {
		calls = 0;
		GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
		GUEST_EQ(calls, 2);
		GUEST_EQ(sched_op(SCHED_YIELD, 0), 0);
		GUEST_EQ(calls, 2);
	}
	/* Another way while the input is high: it goes low. */
	asm volatile("cli");
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	set_callback(2UL << 56 | (UPCALL_VECTOR + 1));
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->pending[0] = 0;
	calls = 1;
	guest_on_vector(UPCALL_VECTOR + 1, on_gsi);
	asm volatile("sti; nop; cli");
	GUEST_ASSERT(calls >= 2);	/* what was on its way comes, and that is all */
	calls = 1;
	asm volatile("sti; nop; cli");
	GUEST_EQ(calls, 1);
}

static void test_gsi(u32 input, u64 via, const char *name)
{
	struct hvmod_vm_create args = { .kind = HVMOD_KIND_HVM, .devices = HVMOD_DEV_IOAPIC };
	struct hv_vm *vm = hv_vm_new_args(2 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	gsi = input;
	gsi_via = via;
	hv_long_mode(vcpu, guest_gsi);
	hv_run_to_done(vcpu, name);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
}

static void backend(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hvmod_xen_evtchn bind = { 0 };
	struct hvmod_xen_send send = { 0 };
	u64 count = 0;

	hv_long_mode(vcpu, guest_reset);
	if (!tap_ok(hv_talk(vcpu) == HV_SYNC, "reset, and both ABIs after it"))
		return;
	bind.port = vcpu->value;
	send.port = vcpu->value;
	bind.kick_fd = eventfd(0, EFD_NONBLOCK);
	tap_ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind, 0, "bound");
	tap_ok(hv_talk(vcpu) == HV_SYNC, "the guest sent");
	tap_ok(read(bind.kick_fd, &count, sizeof(count)) == sizeof(count) && count == 1,
	       "the eventfd heard it");
	tap_ioctl(vm->fd, HVMOD_VM_XEN_SEND, &send, 0, "an event for the guest");
	hv_run_to_done(vcpu, "the guest heard it by FIFO");
	close(bind.kick_fd);
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0), *second = hv_vcpu_new(vm, 1);
	static const struct {
		void (*fn)(void);
		const char *name;
	} parts[] = {
		{ guest_errors, "argument errors" },
		{ guest_states, "states of ports" },
		{ guest_2l, "two-level: pending, masked, called" },
		{ guest_fifo, "FIFO: set up, priorities and order" },
		{ guest_fifo_change, "FIFO: moved, masked, closed" },
		{ guest_fifo_many, "FIFO: more ports than 4096" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		hv_long_mode(vcpu, parts[i].fn);
		hv_run_to_done(vcpu, parts[i].name);
	}
	backend(vm, vcpu);
	hv_long_mode(vcpu, guest_foul);
	hv_run_to_done(vcpu, "FIFO: words that cannot be");
	hv_vcpu_free(second);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	test_gsi(19, 19, "an HVM guest, called by an interrupt input");
	test_gsi(20, 1UL << 56 | 3 << 11, "called as by pin A of PCI device 3");
	test_gsi(18, 1UL << 56 | 8 << 11 | 1, "called as by pin B of PCI device 8");
	return tap_finish();
}
