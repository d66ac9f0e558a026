/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Xen guest in a test: numbers and structures of Xen's public headers, and the
 * hypercalls as functions, all of it for the guest; and threads for its vCPUs, for
 * the host.  The tests in this directory include it.
 */
#ifndef SELFTESTS_XEN_GUEST_H
#define SELFTESTS_XEN_GUEST_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "hv.h"

enum { SET_TIMER_OP = 15, MEMORY_OP = 12, XEN_VERSION = 17, VM_ASSIST = 21, VCPU_OP = 24,
       SCHED_OP = 29, EVENT_CHANNEL_OP = 32, HVM_OP = 34 };
enum { EVTCHN_BIND_INTERDOMAIN, EVTCHN_BIND_VIRQ, EVTCHN_BIND_PIRQ, EVTCHN_CLOSE, EVTCHN_SEND,
       EVTCHN_STATUS, EVTCHN_ALLOC_UNBOUND, EVTCHN_BIND_IPI, EVTCHN_BIND_VCPU, EVTCHN_UNMASK,
       EVTCHN_RESET, EVTCHN_INIT_CONTROL, EVTCHN_EXPAND_ARRAY, EVTCHN_SET_PRIORITY };
enum { VCPU_INITIALISE, VCPU_UP, VCPU_DOWN, VCPU_IS_UP, VCPU_GET_RUNSTATE,
       VCPU_REGISTER_RUNSTATE, VCPU_SET_PERIODIC, VCPU_STOP_PERIODIC, VCPU_SET_SINGLESHOT,
       VCPU_STOP_SINGLESHOT, VCPU_REGISTER_INFO, VCPU_SEND_NMI, VCPU_GET_PHYSID,
       VCPU_REGISTER_TIME, VCPU_REGISTER_RUNSTATE_PHYS, VCPU_REGISTER_TIME_PHYS };
enum { SCHED_YIELD, SCHED_BLOCK, SCHED_SHUTDOWN, SCHED_POLL, SCHED_REMOTE_SHUTDOWN,
       SCHED_SHUTDOWN_CODE, SCHED_WATCHDOG, SCHED_PIN_OVERRIDE };

#define DOMID_SELF	0x7ff0
#define VIRQ_TIMER	0
#define SHINFO_GPA	0x200000UL	/* behind the RAM slot: nothing is there */
#define UPCALL_VECTOR	0x40

struct xen_vcpu_info {
	u8 upcall_pending, pad;
	u8 upcall_mask, pad1[5];
	u64 pending_sel;
	u64 cr2, pad2;
	u32 time_version, pad3;
	u64 tsc, system_time;
	u32 mul;
	signed char shift;
	u8 flags, pad4[2];
};

struct xen_shared_info {
	struct xen_vcpu_info vcpu[32];
	u64 pending[64];
	u64 mask[64];
};

#define SHINFO	((volatile struct xen_shared_info *)SHINFO_GPA)

static inline long hypercall(u64 nr, u64 a, u64 b, u64 c)
{
	register u64 r10 asm("r10") = 0;
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "memory");
	return ret;
}

static inline long evtchn_op(u64 op, void *arg)
{
	return hypercall(EVENT_CHANNEL_OP, op, (u64)arg, 0);
}

static inline long vcpu_op(u64 op, u64 vcpu, void *arg)
{
	return hypercall(VCPU_OP, op, vcpu, (u64)arg);
}

static inline long sched_op(u64 op, void *arg)
{
	return hypercall(SCHED_OP, op, (u64)arg, 0);
}

static inline long evtchn_port(u64 op, u32 port)
{
	return evtchn_op(op, &port);
}

static inline u32 bind_ipi(u32 vcpu)
{
	struct { u32 vcpu, port; } ipi = { vcpu, 0 };

	GUEST_EQ(evtchn_op(EVTCHN_BIND_IPI, &ipi), 0);
	return ipi.port;
}

static inline u32 bind_virq(u32 virq, u32 vcpu)
{
	struct { u32 virq, vcpu, port; } op = { virq, vcpu, 0 };

	GUEST_EQ(evtchn_op(EVTCHN_BIND_VIRQ, &op), 0);
	return op.port;
}

/* A port for the launcher to bind. */
static inline u32 alloc_unbound(u16 remote)
{
	struct { u16 dom, remote; u32 port; } op = { DOMID_SELF, remote, 0 };

	GUEST_EQ(evtchn_op(EVTCHN_ALLOC_UNBOUND, &op), 0);
	return op.port;
}

/* shared_info at SHINFO_GPA, all ports unmasked. */
static inline void map_shinfo(void)
{
	struct { u16 domid, size; u32 space; u64 idx, gpfn; } map = {
		.domid = DOMID_SELF, .gpfn = SHINFO_GPA >> 12,
	};
	int i;

	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), 0);
	for (i = 0; i < 64; i++)
		SHINFO->mask[i] = 0;
}

/* x2APIC on; this vCPU is called by UPCALL_VECTOR. */
static inline void use_upcalls(u32 vcpu)
{
	struct { u32 vcpu; u8 vector; } upcall = { vcpu, UPCALL_VECTOR };

	guest_wrmsr(0x1b, guest_rdmsr(0x1b) | 3 << 10);
	guest_wrmsr(0x80f, 0x1ff);
	GUEST_EQ(hypercall(HVM_OP, 23, (u64)&upcall, 0), 0);
}

static inline void guest_eoi(void)
{
	guest_wrmsr(0x80b, 0);
}

static inline u64 xen_time(volatile struct xen_vcpu_info *info)
{
	u64 delta = guest_rdtsc() - info->tsc;

	delta = info->shift < 0 ? delta >> -info->shift : delta << info->shift;
	return info->system_time + (u64)((unsigned __int128)delta * info->mul >> 32);
}

/* ---- the FIFO ABI as a guest uses it ---- */

#define FIFO_PENDING	31
#define FIFO_MASKED	30
#define FIFO_LINKED	29
#define FIFO_LINK	0x1ffff

struct fifo_control {
	volatile u32 ready, pad;
	volatile u32 head[16];
};

/* One vCPU's; all zero but for the two addresses. */
struct fifo {
	struct fifo_control *control;
	volatile u32 *array;
	u32 head[16];
};

static inline bool fifo_test(const struct fifo *f, u32 port, u32 bit)
{
	return f->array[port] >> bit & 1;
}

static inline u32 fifo_unlink(const struct fifo *f, u32 port)
{
	u32 old = f->array[port];

	while (!__atomic_compare_exchange_n(&f->array[port], &old,
					    old & ~(1U << FIFO_LINKED | FIFO_LINK), false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return old & FIFO_LINK;
}

/* Calls fn for each event that waits, highest priority first. */
static inline void fifo_consume(struct fifo *f, void (*fn)(u32 port))
{
	u32 ready = __atomic_exchange_n(&f->control->ready, 0, __ATOMIC_SEQ_CST);

	while (ready) {
		u32 q = __builtin_ctz(ready), port = f->head[q];

		if (!port)
			port = f->control->head[q];
		f->head[q] = fifo_unlink(f, port);
		if (!f->head[q])
			ready &= ~(1U << q);
		if (fifo_test(f, port, FIFO_PENDING) && !fifo_test(f, port, FIFO_MASKED)) {
			__atomic_fetch_and(&f->array[port], ~(1U << FIFO_PENDING),
					   __ATOMIC_SEQ_CST);
			fn(port);
		}
		ready |= __atomic_exchange_n(&f->control->ready, 0, __ATOMIC_SEQ_CST);
	}
}

static inline long fifo_init_control(u32 vcpu, u64 gpa)
{
	struct { u64 gfn; u32 offset, vcpu; u8 link_bits, pad[7]; } op = {
		.gfn = gpa >> 12, .offset = gpa & 4095, .vcpu = vcpu,
	};
	long ret = evtchn_op(EVTCHN_INIT_CONTROL, &op);

	if (!ret)
		GUEST_EQ(op.link_bits, 17);
	return ret;
}

static inline long fifo_expand(u64 gfn)
{
	return evtchn_op(EVTCHN_EXPAND_ARRAY, &gfn);
}

static inline long fifo_set_priority(u32 port, u32 priority)
{
	struct { u32 port, priority; } op = { port, priority };

	return evtchn_op(EVTCHN_SET_PRIORITY, &op);
}

/* ---- the host: a thread for each vCPU but the first ---- */

struct ap_thread {
	struct hv_vcpu *vcpu;
	pthread_t thread;
	volatile bool stop;
};

static inline void ap_kicked(int sig)
{
}

static inline void *ap_run(void *arg)
{
	struct ap_thread *ap = arg;

	while (!ap->stop) {
		int ret = hv_run_once(ap->vcpu);

		if (ret == -EINTR)
			continue;
		if (ret || ap->vcpu->run->exit_reason != HVMOD_EXIT_NONE)
			break;
	}
	if (!ap->stop) {
		tap_ok(false, "vCPU %u runs", ap->vcpu->id);
		hv_note_exit(ap->vcpu);
	}
	return NULL;
}

static inline void ap_start(struct ap_thread *ap, struct hv_vcpu *vcpu)
{
	signal(SIGUSR1, ap_kicked);
	ap->vcpu = vcpu;
	ap->stop = false;
	vcpu->run->immediate_exit = 0;
	hv_need(!pthread_create(&ap->thread, NULL, ap_run, ap));
}

static inline void ap_stop(struct ap_thread *ap)
{
	ap->stop = true;
	/* It may be on its way into the ioctl: until it is seen. */
	while (pthread_tryjoin_np(ap->thread, NULL)) {
		ap->vcpu->run->immediate_exit = 1;
		pthread_kill(ap->thread, SIGUSR1);
		usleep(1000);
	}
}

#endif /* SELFTESTS_XEN_GUEST_H */
