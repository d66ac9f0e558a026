// SPDX-License-Identifier: GPL-2.0
/*
 * sched_op: a vCPU yields, blocks, polls; watchdogs; the guest shuts down with
 * each reason, no vCPU runs after that, and it goes on when the launcher says so,
 * with or without a soft reset.
 */
#include "guest.h"

#define NOWHERE	((void *)(1UL << 46))

struct poll_op {
	u32 *ports;
	u32 nr, pad;
	u64 timeout;
};

static volatile u64 calls, ticks;
static volatile u32 poked;
static u32 wake_port;

static void on_upcall(struct hv_frame *frame)
{
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->vcpu[0].pending_sel = 0;
	calls++;
	guest_eoi();
}

static long poll_ports(u32 *ports, u32 nr, u64 timeout)
{
	struct poll_op op = { ports, nr, 0, timeout };

	return sched_op(SCHED_POLL, &op);
}

static u64 now(void)
{
	return xen_time(&SHINFO->vcpu[0]);
}

static void take(u32 port)
{
	__atomic_fetch_and(&SHINFO->pending[port / 64], ~(1UL << port % 64), __ATOMIC_SEQ_CST);
}

static void guest_poll(void)
{
	u32 ports[3], bad[] = { 1, 4096 }, i;
	u64 until;

	map_shinfo();
	for (i = 0; i < 3; i++) {
		ports[i] = bind_ipi(0);
		SHINFO->mask[0] |= 1UL << ports[i];
	}
	GUEST_EQ(sched_op(SCHED_POLL, NOWHERE), -EFAULT);
	GUEST_EQ(poll_ports(ports, 129, 0), -EINVAL);
	GUEST_EQ(poll_ports(bad, 2, 0), -EINVAL);
	GUEST_EQ(poll_ports(NOWHERE, 1, 0), -EFAULT);
	/* Pending already; masked ones, too. */
	GUEST_EQ(evtchn_port(EVTCHN_SEND, ports[1]), 0);
	GUEST_EQ(poll_ports(ports, 3, 0), 0);
	GUEST_EQ(poll_ports(ports + 1, 1, 0), 0);
	take(ports[1]);
	/* The time is over already, or will be. */
	GUEST_EQ(poll_ports(ports, 3, 1), 0);
	until = now() + 3000000;
	GUEST_EQ(poll_ports(ports, 3, until), 0);
	GUEST_ASSERT(now() >= until);
	until = now() + 2000000;
	GUEST_EQ(poll_ports(ports, 0, until), 0);
	GUEST_ASSERT(now() >= until);
	/* The other vCPU sends: to one of three, then to a single one. */
	for (i = 0; i < 2; i++) {
		wake_port = ports[2];
		__atomic_store_n(&poked, 1, __ATOMIC_SEQ_CST);
		GUEST_EQ(poll_ports(i ? ports + 2 : ports, i ? 1 : 3, 0), 0);
		GUEST_ASSERT(SHINFO->pending[0] >> ports[2] & 1);
		take(ports[2]);
	}
}

static void guest_poker(void)
{
	for (;;) {
		if (__atomic_exchange_n(&poked, 0, __ATOMIC_SEQ_CST))
			evtchn_port(EVTCHN_SEND, wake_port);
		sched_op(SCHED_YIELD, 0);
	}
}

static long watchdog(u32 id, u32 timeout)
{
	struct { u32 id, timeout; } op = { id, timeout };

	return sched_op(SCHED_WATCHDOG, &op);
}

static void guest_misc(void)
{
	struct { u16 dom; u32 reason; } remote = { 5, 0 };
	u32 port, reason = 3;

	GUEST_EQ(sched_op(SCHED_YIELD, 0), 0);
	GUEST_EQ(sched_op(99, 0), -ENOSYS);
	GUEST_EQ(sched_op(SCHED_SHUTDOWN, NOWHERE), -EFAULT);
	GUEST_EQ(sched_op(SCHED_SHUTDOWN_CODE, NOWHERE), -EFAULT);
	GUEST_EQ(sched_op(SCHED_SHUTDOWN_CODE, &reason), 0);
	GUEST_EQ(sched_op(SCHED_REMOTE_SHUTDOWN, &remote), -EPERM);
	GUEST_EQ(sched_op(SCHED_PIN_OVERRIDE, &remote), -EPERM);

	GUEST_EQ(sched_op(SCHED_WATCHDOG, NOWHERE), -EFAULT);
	GUEST_EQ(watchdog(0, 0), -EINVAL);
	GUEST_EQ(watchdog(1, 10), -EINVAL);
	GUEST_EQ(watchdog(3, 10), -EINVAL);
	GUEST_EQ(watchdog(~0U, 10), -EINVAL);
	GUEST_EQ(watchdog(0, 1000), 1);
	GUEST_EQ(watchdog(0, 1000), 2);
	GUEST_EQ(watchdog(0, 1000), -ENOSPC);
	GUEST_EQ(watchdog(1, 2000), 0);
	GUEST_EQ(watchdog(1, 0), 0);
	GUEST_EQ(watchdog(1, 0), -EINVAL);
	GUEST_EQ(watchdog(0, 1000), 1);
	GUEST_EQ(watchdog(1, 0), 0);
	GUEST_EQ(watchdog(2, 0), 0);

	/* It does not sleep while an event waits. */
	guest_on_vector(UPCALL_VECTOR, on_upcall);
	use_upcalls(0);
	port = bind_ipi(0);
	calls = 0;
	GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
	GUEST_EQ(sched_op(SCHED_BLOCK, 0), 0);
	GUEST_EQ(calls, 0);
	asm volatile("sti; nop; cli");
	GUEST_EQ(calls, 1);
	take(port);
}

static void guest_ticker(void)
{
	for (;;)
		ticks++;
}

static volatile long result;

static void guest_shutdown(u64 reason)
{
	struct { u32 reason; } op = { reason };

	result = 77;
	result = sched_op(SCHED_SHUTDOWN, &op);
}

static void guest_watchdog(void)
{
	GUEST_EQ(watchdog(0, 1), 1);
	for (;;)
		asm volatile("pause");
}

/* ---- soft reset ---- */

#define INFO_GPA	0x22000UL

static void guest_before(void)
{
	struct { u64 mfn; u32 offset, pad; } reg = { INFO_GPA >> 12, 64, 0 };
	struct { u32 reason; } op = { 5 };
	struct { u16 dom; u32 port, status, vcpu; u64 pad; } status = {
		.dom = DOMID_SELF, .port = 1,
	};

	map_shinfo();
	use_upcalls(0);
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), 0);
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), -EINVAL);
	bind_virq(VIRQ_TIMER, 0);
	GUEST_EQ(hypercall(SET_TIMER_OP, now() + (1UL << 40), 0, 0), 0);
	GUEST_ASSERT(watchdog(0, 1) > 0);
	GUEST_EQ(sched_op(SCHED_SHUTDOWN, &op), 0);

	/* The next kernel: it finds Xen as the first one did. */
	GUEST_EQ(evtchn_op(EVTCHN_STATUS, &status), 0);
	GUEST_EQ(status.status, 0);
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), 0);
	map_shinfo();
	GUEST_EQ(SHINFO->pending[0], 0);
	GUEST_EQ(bind_virq(VIRQ_TIMER, 0), 1);
	GUEST_EQ(watchdog(0, 1000), 1);
	GUEST_EQ(watchdog(1, 0), 0);
}

/* ---- the host's side ---- */

static void resume(struct hv_vm *vm, u32 flags, int want, const char *name)
{
	struct hvmod_xen_resume args = { .flags = flags };

	tap_ioctl(vm->fd, HVMOD_VM_XEN_RESUME, &args, want, name);
}

static bool shuts_down(struct hv_vcpu *vcpu, u32 reason)
{
	bool ok = hv_talk(vcpu) == HV_OTHER &&
		  vcpu->run->exit_reason == HVMOD_EXIT_SYSTEM &&
		  vcpu->run->system.reason == reason;

	if (!tap_ok(ok, "the guest shut down, reason %u", reason))
		hv_note_exit(vcpu);
	return ok;
}

static void test_shutdown(struct hv_vm *vm, struct hv_vcpu *vcpu, struct hv_vcpu *second)
{
	struct ap_thread ap;
	u32 reason;
	u64 was;

	hv_long_mode(second, guest_ticker);
	ap_start(&ap, second);
	for (reason = 0; reason < 6; reason++) {
		hv_long_mode_arg(vcpu, guest_shutdown, reason);
		if (!shuts_down(vcpu, reason))
			break;
		/* The other vCPU may be on its way out; then it stays out. */
		do {
			was = ticks;
			usleep(20000);
		} while (was != ticks);
		tap_eq(result, 77, "the hypercall has not returned");
		resume(vm, 0, 0, "it goes on");
		hv_run_to_done(vcpu, "behind the hypercall");
		tap_eq(result, 0, "which gave 0");
		was = ticks;
		while (was == ticks)
			usleep(1000);
	}
	ap_stop(&ap);
	resume(vm, 0, ENOENT, "a guest that runs cannot go on");
	resume(vm, 2, EINVAL, "unknown flags");
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0), *second = hv_vcpu_new(vm, 1);
	struct ap_thread ap;

	hv_long_mode(second, guest_poker);
	ap_start(&ap, second);
	hv_long_mode(vcpu, guest_poll);
	hv_run_to_done(vcpu, "poll");
	ap_stop(&ap);
	hv_long_mode(vcpu, guest_misc);
	hv_run_to_done(vcpu, "yield, block, refused ones, watchdogs");
	test_shutdown(vm, vcpu, second);
	hv_long_mode(vcpu, guest_watchdog);
	shuts_down(vcpu, 4);
	resume(vm, 0, 0, "after the watchdog");
	hv_long_mode(vcpu, guest_before);
	if (shuts_down(vcpu, 5)) {
		resume(vm, HVMOD_XEN_RESUME_RESET, 0, "a soft reset");
		hv_run_to_done(vcpu, "everything of Xen's is new");
	}
	hv_vcpu_free(second);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
