// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls of a PVH guest: each sub-operation's success, its argument errors,
 * and that a PC has none of them.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

/* Xen's public headers. */
enum { MEMORY_OP = 12, MULTICALL = 13, XEN_VERSION = 17, GRANT_TABLE_OP = 20, VM_ASSIST = 21,
       VCPU_OP = 24, SCHED_OP = 29, EVENT_CHANNEL_OP = 32, HVM_OP = 34, SYSCTL = 35 };
enum { EVTCHN_BIND_INTERDOMAIN, EVTCHN_BIND_VIRQ, EVTCHN_CLOSE = 3, EVTCHN_SEND, EVTCHN_STATUS,
       EVTCHN_ALLOC_UNBOUND, EVTCHN_BIND_IPI, EVTCHN_BIND_VCPU, EVTCHN_UNMASK, EVTCHN_RESET };
enum { VCPU_IS_UP = 3, VCPU_SET_SINGLESHOT = 8, VCPU_STOP_SINGLESHOT, VCPU_REGISTER_INFO };
#define DOMID_SELF	0x7ff0
#define SHINFO_GPA	0x200000UL	/* behind the RAM slot: nothing is there */
#define GRANT_GPA	0x201000UL
#define NPORTS		4096
#define PENDING		2048		/* offsets in shared_info */
#define MASK		(2048 + 512)
#define VECTOR		0x40

static long hypercall(u64 nr, u64 a, u64 b, u64 c)
{
	register u64 r10 asm("r10") = 0;
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "memory");
	return ret;
}

static void guest_version(void)
{
	struct { u32 index, map; } features = { 0, 0 };

	GUEST_EQ(hypercall(XEN_VERSION, 0, 0, 0), 4 << 16 | 17);
	GUEST_EQ(hypercall(XEN_VERSION, 6, (u64)&features, 0), 0);
	GUEST_ASSERT(features.map & 1 << 2);	/* auto_translated_physmap */
	GUEST_ASSERT(features.map & 1 << 8);	/* hvm_callback_vector */
	features.index = 1;
	GUEST_EQ(hypercall(XEN_VERSION, 6, (u64)&features, 0), -EINVAL);
	GUEST_EQ(hypercall(XEN_VERSION, 7, 0, 0), 4096);
	GUEST_EQ(hypercall(XEN_VERSION, 6, 1UL << 46, 0), -EFAULT);
	GUEST_EQ(hypercall(XEN_VERSION, 99, 0, 0), -ENOSYS);
	GUEST_EQ(hypercall(0, 0, 0, 0), -ENOSYS);	/* set_trap_table: PV only */
	GUEST_EQ(hypercall(63, 0, 0, 0), -ENOSYS);
	GUEST_EQ(hypercall(1UL << 31, 0, 0, 0), -ENOSYS);
	GUEST_EQ(hypercall(1UL << 32 | XEN_VERSION, 0, 0, 0), -ENOSYS);
	GUEST_EQ(hypercall(SYSCTL, 0, 0, 0), -EPERM);
	GUEST_EQ(hypercall(VM_ASSIST, 0, 5, 0), 0);
	GUEST_EQ(hypercall(VM_ASSIST, 0, 77, 0), -EINVAL);
}

struct physmap {
	u16 domid, size;
	u32 space;
	u64 idx, gpfn;
};

static void guest_memory(void)
{
	volatile u64 *mask = (u64 *)(SHINFO_GPA + MASK);
	volatile u32 *grants = (u32 *)GRANT_GPA;
	struct physmap map = { .domid = DOMID_SELF, .gpfn = SHINFO_GPA >> 12 };
	struct { u16 domid; u64 gpfn; } gone = { DOMID_SELF, SHINFO_GPA >> 12 };
	struct { u16 dom; u32 frames, max; short status; } size = { .dom = DOMID_SELF };

	map.idx = 1;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), -EINVAL);
	map.idx = 0;
	map.domid = 5;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), -ESRCH);
	map.domid = DOMID_SELF;
	map.gpfn = 1UL << 40;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), -EINVAL);
	map.gpfn = SHINFO_GPA >> 12;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), 0);
	GUEST_EQ(mask[0], ~0UL);
	GUEST_EQ(hypercall(MEMORY_OP, 15, (u64)&gone, 0), 0);
	GUEST_EQ(hypercall(MEMORY_OP, 15, (u64)&gone, 0), -ENOENT);
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), 0);
	mask[0] = 0;
	map.space = 1;
	map.idx = HVMOD_XEN_GRANT_FRAMES;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), -EINVAL);
	map.idx = 0;
	map.gpfn = GRANT_GPA >> 12;
	GUEST_EQ(hypercall(MEMORY_OP, 7, (u64)&map, 0), 0);
	grants[2] = 0x12345678;
	GUEST_EQ(hypercall(GRANT_TABLE_OP, 6, (u64)&size, 1), 0);
	GUEST_EQ(size.status, 0);
	GUEST_EQ(size.frames, 1);
	GUEST_EQ(size.max, HVMOD_XEN_GRANT_FRAMES);
	GUEST_EQ(hypercall(GRANT_TABLE_OP, 6, (u64)&size, 2), -EINVAL);
	GUEST_ASSERT(hypercall(MEMORY_OP, 4, (u64)&map, 0) > 0);
	GUEST_EQ(hypercall(MEMORY_OP, 63, 0, 0), -ENOSYS);
}

static volatile u64 calls;

static void on_call(struct hv_frame *frame)
{
	volatile u8 *info = (u8 *)SHINFO_GPA;

	info[0] = 0;		/* evtchn_upcall_pending */
	calls++;
	guest_wrmsr(0x80b, 0);	/* EOI */
}

static bool pending(u32 port)
{
	volatile u64 *bits = (u64 *)(SHINFO_GPA + PENDING);
	bool is = bits[port / 64] >> port % 64 & 1;

	bits[port / 64] &= ~(1UL << port % 64);
	return is;
}

static void guest_evtchn(void)
{
	struct { u16 dom, remote; u32 port; } unbound = { DOMID_SELF, 0, 0 };
	struct { u16 dom; u32 remote, local; } inter = { DOMID_SELF, 0, 0 };
	struct { u32 virq, vcpu, port; } virq = { 0, 0, 0 };
	struct { u32 vcpu, port; } ipi = { 0, 0 };
	struct { u32 vcpu; u8 vector; } upcall = { 0, VECTOR };
	struct { u64 when; u32 flags; } timer = { 1, 1 };
	struct { u32 port, vcpu; } bind = { 1, 0 };
	u32 port;

	guest_on_vector(VECTOR, on_call);
	guest_wrmsr(0x1b, guest_rdmsr(0x1b) | 3 << 10);
	guest_wrmsr(0x80f, 0x1ff);
	upcall.vector = 3;
	GUEST_EQ(hypercall(HVM_OP, 23, (u64)&upcall, 0), -EINVAL);
	upcall.vector = VECTOR;
	GUEST_EQ(hypercall(HVM_OP, 23, (u64)&upcall, 0), 0);
	asm volatile("sti");

	ipi.vcpu = 9;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_IPI, (u64)&ipi, 0), -ENOENT);
	ipi.vcpu = 0;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_IPI, (u64)&ipi, 0), 0);
	GUEST_EQ(calls, 0);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&ipi.port, 0), 0);
	GUEST_EQ(calls, 1);
	GUEST_ASSERT(pending(ipi.port));
	bind.port = ipi.port;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_VCPU, (u64)&bind, 0), -EINVAL);

	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_VIRQ, (u64)&virq, 0), 0);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_VIRQ, (u64)&virq, 0), -EEXIST);
	virq.virq = 24;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_VIRQ, (u64)&virq, 0), -EINVAL);
	GUEST_EQ(hypercall(VCPU_OP, VCPU_SET_SINGLESHOT, 0, (u64)&timer), -ETIME);
	timer.flags = 0;
	GUEST_EQ(hypercall(VCPU_OP, VCPU_SET_SINGLESHOT, 0, (u64)&timer), 0);
	GUEST_EQ(calls, 2);
	GUEST_ASSERT(pending(virq.port));
	GUEST_EQ(hypercall(VCPU_OP, VCPU_STOP_SINGLESHOT, 0, 0), 0);
	GUEST_EQ(hypercall(VCPU_OP, VCPU_IS_UP, 0, 0), 1);
	GUEST_EQ(hypercall(VCPU_OP, VCPU_IS_UP, 1000000, 0), -ENOENT);

	/* With itself. */
	unbound.remote = DOMID_SELF;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_ALLOC_UNBOUND, (u64)&unbound, 0), 0);
	inter.remote = unbound.port;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_INTERDOMAIN, (u64)&inter, 0), 0);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_BIND_INTERDOMAIN, (u64)&inter, 0), -EINVAL);
	pending(inter.local);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&inter.local, 0), 0);
	GUEST_ASSERT(pending(unbound.port));

	for (port = NPORTS - 1; port < NPORTS + 2; port++)
		GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&port, 0), -EINVAL);
	port = ~0U;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&port, 0), -EINVAL);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_UNMASK, (u64)&port, 0), -EINVAL);
	port = 0;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_CLOSE, (u64)&port, 0), -EINVAL);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_CLOSE, (u64)&ipi.port, 0), 0);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&ipi.port, 0), -EINVAL);

	/* To the launcher and back. */
	unbound.remote = 0;
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_ALLOC_UNBOUND, (u64)&unbound, 0), 0);
	GUEST_SYNC(unbound.port);
	GUEST_EQ(hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, (u64)&unbound.port, 0), 0);
	calls = 0;
	GUEST_SYNC(0);
	GUEST_EQ(calls, 1);
	GUEST_ASSERT(pending(unbound.port));
}

static void guest_none(void)
{
	GUEST_EQ(hypercall(XEN_VERSION, 0, 0, 0), -ENOSYS);
}

static void guest_end(void)
{
	u32 reason = 1;

	hypercall(SCHED_OP, 2, (u64)&reason, 0);
	GUEST_ASSERT(!"it goes on after SCHEDOP_shutdown");
}

static void backend(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hvmod_xen_evtchn bind = { 0 };
	struct hvmod_xen_send send = { 0 };
	u64 count = 0;

	hv_long_mode(vcpu, guest_evtchn);
	if (!tap_ok(hv_talk(vcpu) == HV_SYNC, "the guest made a port"))
		return;
	bind.port = vcpu->value;
	send.port = vcpu->value;
	tap_ioctl(vm->fd, HVMOD_VM_XEN_SEND, &send, EINVAL, "not bound: nothing to send to");
	bind.kick_fd = -1;
	tap_ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind, EBADF, "no eventfd");
	bind.kick_fd = eventfd(0, EFD_NONBLOCK);
	bind.port = NPORTS;
	tap_ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind, EINVAL, "a port out of range");
	bind.port = send.port;
	tap_ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind, 0, "bound");
	tap_ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind, EBUSY, "bound twice");
	tap_ok(hv_talk(vcpu) == HV_SYNC, "the guest sent");
	tap_ok(read(bind.kick_fd, &count, sizeof(count)) == sizeof(count) && count == 1,
	       "the eventfd heard it");
	tap_ioctl(vm->fd, HVMOD_VM_XEN_SEND, &send, 0, "an event for the guest");
	hv_run_to_done(vcpu, "event channels");
	close(bind.kick_fd);
}

static void grants(struct hv_vm *vm)
{
	u32 *table = mmap(NULL, HVMOD_XEN_GRANT_FRAMES * 4096UL, PROT_READ | PROT_WRITE, MAP_SHARED,
			  vm->fd, HVMOD_XEN_GRANT_OFFSET);

	if (tap_ok(table != MAP_FAILED, "the grant table is mapped"))
		tap_eq(table[2], 0x12345678, "what the guest wrote into it");
	tap_ok(mmap(NULL, (HVMOD_XEN_GRANT_FRAMES + 1) * 4096UL, PROT_READ, MAP_SHARED, vm->fd,
		    HVMOD_XEN_GRANT_OFFSET) == MAP_FAILED && errno == EINVAL,
	       "a page more is not there");
}

int main(void)
{
	struct hvmod_xen_param param = { .index = 1 };
	struct hv_vm *vm = hv_xen_vm(2 << 20), *pc = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0), *pc_vcpu = hv_vcpu_new(pc, 0);

	tap_ioctl(pc->fd, HVMOD_VM_XEN_PARAM, &param, ENOTTY, "a PC has no Xen parameters");
	tap_ioctl(vm->fd, HVMOD_VM_XEN_PARAM, &param, 0, "a parameter");
	param.index = 1000;
	tap_ioctl(vm->fd, HVMOD_VM_XEN_PARAM, &param, EINVAL, "a parameter out of range");

	hv_long_mode(pc_vcpu, guest_none);
	hv_run_to_done(pc_vcpu, "a PC has no hypercalls");
	hv_long_mode(vcpu, guest_version);
	hv_run_to_done(vcpu, "version and kinds");
	hv_long_mode(vcpu, guest_memory);
	hv_run_to_done(vcpu, "shared_info and grant table");
	grants(vm);
	backend(vm, vcpu);

	hv_long_mode(vcpu, guest_end);
	tap_ok(hv_run(vcpu) == 0 && vcpu->run->exit_reason == HVMOD_EXIT_SYSTEM &&
	       vcpu->run->system.reason == 1, "shutdown, with its reason");
	hv_vcpu_free(pc_vcpu);
	hv_vm_free(pc);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
