// SPDX-License-Identifier: GPL-2.0
/*
 * vcpu_op: a second vCPU is started in real, protected and long mode, stopped and
 * started again, by VCPUOP_* and by INIT and SIPI; timers; shared areas.  Success
 * and argument errors of each sub-operation.
 */
#include "guest.h"

#define AP_STACK	0x30000UL	/* grows down from here */
#define AP_CODE		0x20000UL	/* page of code for a 16- and a 32-bit start */
#define AP_COUNT	0x21000UL	/* what that code counts */
#define INFO_GPA	0x22000UL
#define AREA_GPA	0x23000UL

struct x86_32 {
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags, cr0, cr3, cr4, pad1;
	u64 efer;
	u32 cs_base, ds_base, ss_base, es_base, tr_base;
	u32 cs_limit, ds_limit, ss_limit, es_limit, tr_limit;
	u16 cs_ar, ds_ar, ss_ar, es_ar, tr_ar, pad2[3];
};

struct x86_64 {
	u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, rip, rflags, cr0, cr3, cr4, efer;
};

struct context {
	u32 mode, pad;
	union {
		struct x86_32 r32;
		struct x86_64 r64;
	};
};

static volatile u64 ap_count, ap_up;
static volatile u64 timer_calls, nmis;

/* ---- the second vCPU in long mode ---- */

static void ap_long_mode(u64 arg)
{
	ap_up = arg;
	for (;;)
		ap_count++;
}

static struct context long_mode(u64 arg)
{
	u64 cr0, cr3, cr4;

	asm volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2"
		     : "=r"(cr0), "=r"(cr3), "=r"(cr4));
	return (struct context) { .mode = 1, .r64 = {
		.rsp = AP_STACK - 8, .rip = (u64)ap_long_mode, .rflags = 2, .rdi = arg,
		.cr0 = cr0, .cr3 = cr3, .cr4 = cr4, .efer = 0x500,
	} };
}

static struct context protected_mode(void)
{
	return (struct context) { .mode = 0, .r32 = {
		.esp = AP_STACK, .eip = AP_CODE, .eflags = 2, .cr0 = 0x11, .ebx = AP_COUNT,
		.cs_limit = ~0U, .ds_limit = ~0U, .ss_limit = ~0U, .es_limit = ~0U,
		.tr_limit = 0x67,
		.cs_ar = 0xc9b, .ds_ar = 0xc93, .ss_ar = 0xc93, .es_ar = 0xc93, .tr_ar = 0x8b,
	} };
}

static struct context real_mode(void)
{
	return (struct context) { .mode = 0, .r32 = {
		.esp = 0xfff0, .eip = 0x800, .eflags = 2, .cr0 = 0x10,
		.cs_base = AP_CODE, .cs_limit = 0xffff, .ds_base = AP_COUNT, .ds_limit = 0xffff,
		.ss_base = AP_CODE, .ss_limit = 0xffff, .es_limit = 0xffff, .tr_limit = 0xffff,
		.cs_ar = 0x9b, .ds_ar = 0x93, .ss_ar = 0x93, .es_ar = 0x93, .tr_ar = 0x8b,
	} };
}

/* Waits until the counter moves: the vCPU runs. */
static void runs(volatile u64 *count)
{
	u64 was = *count;

	while (*count == was)
		sched_op(SCHED_YIELD, 0);
}

static void send_ipi(u64 icr)
{
	guest_wrmsr(0x830, 1UL << 32 | icr);
}

static void refused(const struct context *good)
{
	struct context c = *good;

	c.pad = 1;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = *good;
	c.mode = 2;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = *good;
	c.r64.rip = 1UL << 60;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = *good;
	c.r64.cr0 = 1;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = *good;
	c.r64.cr4 = 1UL << 40;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = *good;
	c.r64.efer = 1UL << 50 | 0x100;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = protected_mode();
	c.r32.cs_ar = 0xc93;		/* data */
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = protected_mode();
	c.r32.ss_ar = 0;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = protected_mode();
	c.r32.tr_ar = 0xc93;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = protected_mode();
	c.r32.cs_limit = 0xfff;
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	c = protected_mode();
	c.r32.efer = 0x400;		/* LMA alone */
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EINVAL);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, (void *)(1UL << 46)), -EFAULT);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 7, &c), -ENOENT);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1UL << 32, &c), -ENOENT);
	GUEST_EQ(vcpu_op(VCPU_UP, 7, 0), -ENOENT);
	GUEST_EQ(vcpu_op(VCPU_DOWN, 7, 0), -ENOENT);
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 7, 0), -ENOENT);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), -EINVAL);	/* not initialised */
}

static void guest_start(void)
{
	/* loop: inc dword [ebx]; jmp loop - and with DS in real mode. */
	static const u8 code32[] = { 0xff, 0x03, 0xeb, 0xfc };
	static const u8 code16[] = { 0x66, 0xff, 0x06, 0xf8, 0x1f, 0xeb, 0xf9 };
	volatile u8 *page = (u8 *)AP_CODE;
	volatile u64 *count = (u64 *)AP_COUNT;
	struct context c = long_mode(1);
	u64 was;
	u32 i;

	for (i = 0; i < sizeof(code32); i++)
		page[i] = code32[i];
	for (i = 0; i < sizeof(code16); i++)
		page[0x800 + i] = code16[i];
	guest_wrmsr(0x1b, guest_rdmsr(0x1b) | 3 << 10);
	guest_wrmsr(0x80f, 0x1ff);

	GUEST_EQ(vcpu_op(VCPU_IS_UP, 0, 0), 1);
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 1, 0), 0);
	refused(&c);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 0, &c), -EEXIST);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), 0);
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), -EEXIST);
	GUEST_EQ(ap_up, 0);
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 1, 0), 0);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), 0);
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 1, 0), 1);
	runs(&ap_count);
	GUEST_EQ(ap_up, 1);

	/* It stops, wherever it is, and goes on from there. */
	GUEST_EQ(vcpu_op(VCPU_DOWN, 1, 0), 0);
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 1, 0), 0);
	for (was = ap_count + 1; was != ap_count; sched_op(SCHED_YIELD, 0))
		was = ap_count;
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), 0);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), 0);
	runs(&ap_count);

	/* INIT: it is down, and no longer initialised. */
	send_ipi(0x4500);
	while (vcpu_op(VCPU_IS_UP, 1, 0))
		sched_op(SCHED_YIELD, 0);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), -EINVAL);
	c = protected_mode();
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), 0);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), 0);
	runs(count);

	send_ipi(0x4500);
	while (vcpu_op(VCPU_IS_UP, 1, 0))
		sched_op(SCHED_YIELD, 0);
	c = real_mode();
	GUEST_EQ(vcpu_op(VCPU_INITIALISE, 1, &c), 0);
	GUEST_EQ(vcpu_op(VCPU_UP, 1, 0), 0);
	runs((u64 *)(AP_COUNT + 0x1ff8));

	/* The PC's way: at AP_CODE:0, the 16-bit code again. */
	for (i = 0; i < sizeof(code16); i++)
		page[i] = code16[i];
	send_ipi(0x4500);
	while (vcpu_op(VCPU_IS_UP, 1, 0))
		sched_op(SCHED_YIELD, 0);
	send_ipi(0x4600 | AP_CODE >> 12);
	runs((u64 *)0x1ff8);		/* DS is zero */
	GUEST_EQ(vcpu_op(VCPU_IS_UP, 1, 0), 1);
	GUEST_EQ(vcpu_op(VCPU_DOWN, 1, 0), 0);
}

/* ---- timers, NMI ---- */

static void on_upcall(struct hv_frame *frame)
{
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->vcpu[0].pending_sel = 0;
	SHINFO->pending[0] = 0;
	timer_calls++;
	guest_eoi();
}

static void on_nmi(struct hv_frame *frame)
{
	nmis++;
}

static void guest_timers(void)
{
	volatile struct xen_vcpu_info *info = &SHINFO->vcpu[0];
	struct { u64 when; u32 flags; } single = { 1, 1 };
	u64 period = 1000000, was, now;
	u64 bad = 999999;

	guest_on_vector(UPCALL_VECTOR, on_upcall);
	guest_on_vector(2, on_nmi);
	map_shinfo();
	use_upcalls(0);
	bind_virq(VIRQ_TIMER, 0);
	asm volatile("sti");

	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 0, &single), -ETIME);
	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 1, &single), -EINVAL);
	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 0, (void *)(1UL << 46)), -EFAULT);
	GUEST_EQ(vcpu_op(VCPU_STOP_SINGLESHOT, 1, 0), -EINVAL);
	GUEST_EQ(timer_calls, 0);
	single.flags = 0;
	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 0, &single), 0);
	GUEST_EQ(timer_calls, 1);
	now = xen_time(info);
	single.when = now + 3000000;
	single.flags = 1;
	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 0, &single), 0);
	while (timer_calls == 1)
		sched_op(SCHED_BLOCK, 0);
	GUEST_ASSERT(xen_time(info) >= single.when);
	GUEST_EQ(timer_calls, 2);
	single.when = xen_time(info) + (1UL << 40);
	GUEST_EQ(vcpu_op(VCPU_SET_SINGLESHOT, 0, &single), 0);
	GUEST_EQ(vcpu_op(VCPU_STOP_SINGLESHOT, 0, 0), 0);

	/* set_timer_op is the same timer. */
	GUEST_EQ(hypercall(SET_TIMER_OP, xen_time(info) + 2000000, 0, 0), 0);
	while (timer_calls == 2)
		sched_op(SCHED_BLOCK, 0);
	GUEST_EQ(hypercall(SET_TIMER_OP, 1, 0, 0), 0);
	GUEST_EQ(timer_calls, 4);
	GUEST_EQ(hypercall(SET_TIMER_OP, xen_time(info) + (1UL << 40), 0, 0), 0);
	GUEST_EQ(hypercall(SET_TIMER_OP, 0, 0, 0), 0);

	GUEST_EQ(vcpu_op(VCPU_SET_PERIODIC, 0, &bad), -EINVAL);
	bad = 1UL << 63;
	GUEST_EQ(vcpu_op(VCPU_SET_PERIODIC, 0, &bad), -EINVAL);
	GUEST_EQ(vcpu_op(VCPU_SET_PERIODIC, 0, (void *)(1UL << 46)), -EFAULT);
	GUEST_EQ(vcpu_op(VCPU_SET_PERIODIC, 9, &period), -ENOENT);
	now = xen_time(info);
	was = timer_calls;
	GUEST_EQ(vcpu_op(VCPU_SET_PERIODIC, 0, &period), 0);
	while (timer_calls < was + 3)
		sched_op(SCHED_BLOCK, 0);
	GUEST_ASSERT(xen_time(info) >= now + 3 * period);
	GUEST_EQ(vcpu_op(VCPU_STOP_PERIODIC, 0, 0), 0);
	GUEST_EQ(vcpu_op(VCPU_STOP_PERIODIC, 9, 0), -ENOENT);

	GUEST_EQ(vcpu_op(VCPU_SEND_NMI, 0, &period), -EINVAL);
	GUEST_EQ(vcpu_op(VCPU_SEND_NMI, 0, 0), 0);
	GUEST_EQ(nmis, 1);
	GUEST_EQ(vcpu_op(VCPU_GET_PHYSID, 0, &period), -EINVAL);
	GUEST_EQ(vcpu_op(99, 0, 0), -ENOSYS);
}

/* ---- areas ---- */

struct runstate {
	int state;
	u64 entry;
	u64 time[4];
};

static u64 total(const volatile struct runstate *r)
{
	return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

/* Interrupts are off: any event ends a block, and the flag prevents it. */
static void nap(volatile struct xen_vcpu_info *info, u64 ns)
{
	u64 until = xen_time(info) + ns;

	info->upcall_pending = 0;
	info->pending_sel = 0;
	SHINFO->pending[0] = 0;
	GUEST_EQ(hypercall(SET_TIMER_OP, until, 0, 0), 0);
	GUEST_EQ(sched_op(SCHED_BLOCK, 0), 0);
	GUEST_ASSERT(xen_time(info) >= until);
	GUEST_EQ(info->upcall_pending, 1);
	GUEST_EQ(sched_op(SCHED_BLOCK, 0), 0);
}

static void guest_areas(void)
{
	volatile struct runstate *area = (struct runstate *)AREA_GPA;
	volatile struct xen_vcpu_info *info = (struct xen_vcpu_info *)(INFO_GPA + 64);
	volatile u32 *clock = (u32 *)(AREA_GPA + 256);
	struct { u64 mfn; u32 offset, pad; } reg = { INFO_GPA >> 12, 4096 - 63, 0 };
	struct runstate now;
	u64 addr, was;

	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), -ENXIO);
	reg.offset = 65;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), -ENXIO);
	reg.offset = 64;
	reg.mfn = 1UL << 40;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), -EINVAL);
	reg.mfn = INFO_GPA >> 12;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, (void *)(1UL << 46)), -EFAULT);
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), 0);
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 0, &reg), -EINVAL);
	GUEST_EQ(info->upcall_pending, 1);
	GUEST_ASSERT(info->mul);
	reg.offset = 128;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_INFO, 1, &reg), 0);	/* it is down */

	/* By virtual address. */
	addr = 1UL << 46;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE, 0, &addr), -EFAULT);
	addr = AREA_GPA;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE, 0, &addr), 0);
	GUEST_EQ(area->state, 0);
	GUEST_EQ(vcpu_op(VCPU_GET_RUNSTATE, 0, &now), 0);
	GUEST_EQ(now.state, 0);
	GUEST_ASSERT(total(&now) >= total(area));
	GUEST_EQ(vcpu_op(VCPU_GET_RUNSTATE, 0, (void *)(1UL << 46)), -EFAULT);
	GUEST_EQ(vcpu_op(VCPU_GET_RUNSTATE, 1, &now), 0);
	GUEST_EQ(now.state, 3);		/* offline */
	GUEST_EQ(vcpu_op(VCPU_GET_RUNSTATE, 9, &now), -ENOENT);
	was = area->time[2];
	nap(info, 2000000);
	GUEST_ASSERT(area->time[2] >= was + 1000000);

	/* The mark of VMASST_TYPE_runstate_update_flag is gone when we look. */
	GUEST_EQ(hypercall(VM_ASSIST, 0, 5, 0), 0);
	nap(info, 1000000);
	GUEST_ASSERT(!(area->entry >> 63));

	/* By physical address: it wins, until it is given up. */
	addr = AREA_GPA + 4096 - 40;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE_PHYS, 0, &addr), -ENXIO);
	addr = AREA_GPA + 4;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE_PHYS, 0, &addr), -ENXIO);
	addr = SHINFO_GPA + 0x100000;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE_PHYS, 0, &addr), -EINVAL);
	addr = AREA_GPA + 128;
	area[0].entry = 0;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE_PHYS, 0, &addr), 0);
	GUEST_ASSERT(((volatile struct runstate *)addr)->entry);
	GUEST_EQ(area[0].entry, 0);
	addr = ~0UL;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_RUNSTATE_PHYS, 0, &addr), 0);
	GUEST_ASSERT(area[0].entry);

	addr = 1UL << 46;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_TIME, 0, &addr), -EFAULT);
	addr = (u64)clock;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_TIME, 0, &addr), 0);
	GUEST_ASSERT(clock[0] && !(clock[0] & 1));
	GUEST_EQ(clock[6], info->mul);
	addr = AREA_GPA + 4096 - 16;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_TIME_PHYS, 0, &addr), -ENXIO);
	addr = AREA_GPA + 512;
	GUEST_EQ(vcpu_op(VCPU_REGISTER_TIME_PHYS, 0, &addr), 0);
	GUEST_EQ(((volatile u32 *)addr)[6], info->mul);
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0), *second = hv_vcpu_new(vm, 1);
	struct ap_thread ap;

	ap_start(&ap, second);
	hv_long_mode(vcpu, guest_start);
	hv_run_to_done(vcpu, "a vCPU started in three modes, stopped, started again");
	hv_long_mode(vcpu, guest_timers);
	hv_run_to_done(vcpu, "timers and NMI");
	hv_long_mode(vcpu, guest_areas);
	hv_run_to_done(vcpu, "shared areas");
	ap_stop(&ap);
	hv_vcpu_free(second);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
