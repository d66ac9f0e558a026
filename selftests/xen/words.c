// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest and hypervisor share, in the layout of the guest's words:
 * shared_info, vcpu_info, runstate and time areas, and the calls of vcpu_op and
 * sched_op whose structures differ; in 64-bit and in 32-bit mode.
 */
#include "caller.h"

enum { BIND_VIRQ = 1, CLOSE = 3, SEND, BIND_IPI = 7, UNMASK = 9 };
enum { GET_RUNSTATE = 4, REGISTER_RUNSTATE, SET_SINGLESHOT = 8, STOP_SINGLESHOT, REGISTER_INFO,
       REGISTER_TIME = 13, RUNSTATE_PHYS, TIME_PHYS };

#define SIZE		(2UL << 20)
#define SHINFO		SIZE			/* behind the RAM slot */
#define AREA		(CALLER_ARGS + 0x3000)	/* a page */
#define LIST_GPA	(CALLER_ARGS + 0x2000)

static u32 word_bits(struct caller *c)
{
	return c->is_64 ? 64 : 32;
}

static u32 limit(struct caller *c)
{
	return word_bits(c) * word_bits(c);
}

/* A bit of shared_info: at most one port is looked at, so a word is enough. */
static bool shared_bit(struct caller *c, u32 array, u32 port)
{
	u8 byte = 0;

	CHECK_EQ(caller_read(c, SHINFO + array + port / 8, &byte, 1), 0);
	return byte >> port % 8 & 1;
}

static u32 pending_at(struct caller *c)
{
	return 2048;
}

static u32 mask_at(struct caller *c)
{
	return 2048 + limit(c) / 8;
}

static u32 take_port(struct caller *c, u32 op, u32 virq)
{
	u32 ipi[2] = { 0, 0 }, arg[3] = { virq, 0, 0 };
	const u32 *got = caller_mem(c, CALLER_ARGS);

	if (op == BIND_IPI) {
		CALL_EQ(c, 0, XEN_EVENT_CHANNEL_OP, op, caller_put(c, 0, ipi, sizeof(ipi)), 0);
		return got[1];
	}
	CALL_EQ(c, 0, XEN_EVENT_CHANNEL_OP, op, caller_put(c, 0, arg, sizeof(arg)), 0);
	return got[2];
}

static void port_op(struct caller *c, u32 op, u32 port, long want)
{
	CALL_EQ(c, want, XEN_EVENT_CHANNEL_OP, op, caller_put(c, 0, &port, 4), 0);
}

/* The first call of each mode: it says how wide the guest's words are. */
static void setup(struct caller *c)
{
	struct { u16 dom; u32 index; u64 value; } param = { XEN_DOMID_SELF, 0, 0 };
	struct { u16 dom, size; u32 space; u64 idx, gpfn; } a64 = {
		XEN_DOMID_SELF, 0, 0, 0, SHINFO >> 12 };
	struct { u16 dom, size; u32 space, idx, gpfn; } a32 = {
		XEN_DOMID_SELF, 0, 0, 0, SHINFO >> 12 };
	u32 wc[3] = {};

	CALL_EQ(c, 0, XEN_HVM_OP, 0, caller_put(c, 0, &param, sizeof(param)), 0);
	if (c->is_64)
		caller_put(c, 0, &a64, sizeof(a64));
	else
		caller_put(c, 0, &a32, sizeof(a32));
	CALL_EQ(c, 0, XEN_MEMORY_OP, 7, CALLER_ARGS, 0);
	/* The wall clock: behind the masks. */
	CHECK_EQ(caller_read(c, SHINFO + mask_at(c) + limit(c) / 8, wc, sizeof(wc)), 0);
	CHECK_EQ(wc[0] && !(wc[0] & 1) && wc[1] && wc[2] < 1000000000, 1);
	caller_done("shared_info and its wall clock", c);
}

static void check_events(struct caller *c)
{
	u32 port = take_port(c, BIND_IPI, 0), i;
	u64 sel;
	u8 flag = 0;

	/* Above the first word. */
	for (i = 0; i < 70; i++)
		port = take_port(c, BIND_IPI, 0);
	port_op(c, UNMASK, port, 0);
	CHECK_EQ(shared_bit(c, mask_at(c), port), 0);
	CHECK_EQ(shared_bit(c, pending_at(c), port), 0);
	port_op(c, SEND, port, 0);
	CHECK_EQ(shared_bit(c, pending_at(c), port), 1);
	CHECK_EQ(shared_bit(c, pending_at(c), port + 1), 0);
	CHECK_EQ(caller_read(c, SHINFO, &flag, 1), 0);
	CHECK_EQ(flag, 1);
	sel = 0;
	CHECK_EQ(caller_read(c, SHINFO + word_bits(c) / 8, &sel, word_bits(c) / 8), 0);
	CHECK_EQ(sel >> port / word_bits(c) & 1, 1);
	port_op(c, UNMASK, limit(c), -EINVAL);
	port_op(c, SEND, limit(c), -EINVAL);
	caller_done("an event", c);
}

static void put_poll(struct caller *c, u64 ports, u32 nr, u64 timeout)
{
	struct { u64 ports; u32 nr; u64 timeout; } a64 = { ports, nr, timeout };
	struct { u32 ports, nr; u64 timeout; } a32 = { ports, nr, timeout };

	if (c->is_64)
		caller_put(c, 0, &a64, sizeof(a64));
	else
		caller_put(c, 0, &a32, sizeof(a32));
}

static void check_poll(struct caller *c)
{
	u32 port = take_port(c, BIND_IPI, 0);

	port_op(c, SEND, port, 0);
	memcpy(caller_mem(c, LIST_GPA), &port, 4);
	put_poll(c, LIST_GPA, 1, 0);		/* it is pending: at once */
	CALL_EQ(c, 0, XEN_SCHED_OP, 3, CALLER_ARGS, 0);
	put_poll(c, LIST_GPA, 0, 1);		/* the timeout is over */
	CALL_EQ(c, 0, XEN_SCHED_OP, 3, CALLER_ARGS, 0);
	put_poll(c, LIST_GPA, 129, 1);
	CALL_EQ(c, -EINVAL, XEN_SCHED_OP, 3, CALLER_ARGS, 0);
	put_poll(c, CALLER_NOWHERE, 1, 1);
	CALL_EQ(c, -EFAULT, XEN_SCHED_OP, 3, CALLER_ARGS, 0);
	CALL_EQ(c, -EFAULT, XEN_SCHED_OP, 3, CALLER_NOWHERE, 0);
	port = limit(c);
	memcpy(caller_mem(c, LIST_GPA), &port, 4);
	put_poll(c, LIST_GPA, 1, 1);
	CALL_EQ(c, -EINVAL, XEN_SCHED_OP, 3, CALLER_ARGS, 0);
	caller_done("SCHEDOP_poll", c);
}

static u32 runstate_size(struct caller *c)
{
	return c->is_64 ? 48 : 44;
}

/* State running, since a time that is not zero; nothing behind it is written. */
static void check_runstate_at(struct caller *c, u64 gpa)
{
	const u8 *at = caller_mem(c, gpa);
	u64 entry;

	memcpy(&entry, at + (c->is_64 ? 8 : 4), 8);
	CHECK_EQ(*(u32 *)at, 0);
	CHECK_EQ(entry && entry >> 62 == 0, 1);
	CHECK_EQ(at[runstate_size(c)], 0x55);
}

static u64 put_address(struct caller *c, u64 address, bool physical)
{
	return caller_put(c, 0, &address, physical || c->is_64 ? 8 : 4);
}

static void check_runstate(struct caller *c)
{
	u64 end = AREA + 4096 - runstate_size(c);

	memset(caller_mem(c, AREA), 0x55, 4096);
	CALL_EQ(c, 0, XEN_VCPU_OP, GET_RUNSTATE, 0, AREA);
	check_runstate_at(c, AREA);
	CALL_EQ(c, -EFAULT, XEN_VCPU_OP, GET_RUNSTATE, 0, CALLER_NOWHERE);

	memset(caller_mem(c, AREA), 0x55, 4096);
	CALL_EQ(c, 0, XEN_VCPU_OP, REGISTER_RUNSTATE, 0, put_address(c, AREA + 64, false));
	check_runstate_at(c, AREA + 64);
	CALL_EQ(c, -EFAULT, XEN_VCPU_OP, REGISTER_RUNSTATE, 0,
		put_address(c, CALLER_NOWHERE, false));
	CALL_EQ(c, 0, XEN_VCPU_OP, REGISTER_RUNSTATE, 0, put_address(c, 0, false));

	memset(caller_mem(c, AREA), 0x55, 4096 + 64);
	CALL_EQ(c, 0, XEN_VCPU_OP, RUNSTATE_PHYS, 0, put_address(c, end, true));
	CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);	/* written by now */
	check_runstate_at(c, end);
	CALL_EQ(c, -ENXIO, XEN_VCPU_OP, RUNSTATE_PHYS, 0, put_address(c, end + 4, true));
	CALL_EQ(c, -ENXIO, XEN_VCPU_OP, RUNSTATE_PHYS, 0, put_address(c, AREA + 2, true));
	CALL_EQ(c, -EINVAL, XEN_VCPU_OP, RUNSTATE_PHYS, 0, put_address(c, CALLER_NOWHERE, true));
	CALL_EQ(c, 0, XEN_VCPU_OP, RUNSTATE_PHYS, 0, put_address(c, ~0ULL, true));
	caller_done("runstate areas", c);
}

static void check_time(struct caller *c)
{
	const u32 *at = caller_mem(c, AREA);

	memset(caller_mem(c, AREA), 0, 4096);
	CALL_EQ(c, 0, XEN_VCPU_OP, REGISTER_TIME, 0, put_address(c, AREA, false));
	CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);
	CHECK_EQ(at[0] && !(at[0] & 1) && at[6], 1);	/* version, multiplier */
	CALL_EQ(c, 0, XEN_VCPU_OP, REGISTER_TIME, 0, put_address(c, 0, false));
	memset(caller_mem(c, AREA), 0, 4096);
	CALL_EQ(c, 0, XEN_VCPU_OP, TIME_PHYS, 0, put_address(c, AREA, true));
	CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);
	CHECK_EQ(at[0] && !(at[0] & 1) && at[6], 1);
	CALL_EQ(c, 0, XEN_VCPU_OP, TIME_PHYS, 0, put_address(c, ~0ULL, true));
	caller_done("time areas", c);
}

static void check_timer(struct caller *c)
{
	struct { u64 when; u32 flags; } timer = { 1, 1 };
	u32 port = take_port(c, BIND_VIRQ, 0);

	/* The structure ends where memory does. */
	memcpy(caller_mem(c, SIZE - 12), &timer, 12);
	CALL_EQ(c, -ETIME, XEN_VCPU_OP, SET_SINGLESHOT, 0, SIZE - 12);
	timer.flags = 0;
	CALL_EQ(c, 0, XEN_VCPU_OP, SET_SINGLESHOT, 0, caller_put(c, 0, &timer, sizeof(timer)));
	CHECK_EQ(shared_bit(c, pending_at(c), port), 1);
	port_op(c, CLOSE, port, 0);
	port = take_port(c, BIND_VIRQ, 0);
	CHECK_EQ(shared_bit(c, pending_at(c), port), 0);
	/* A time of two registers, where they have 32 bits. */
	CALL_EQ(c, 0, XEN_SET_TIMER_OP, 1, 0, 0);
	CHECK_EQ(shared_bit(c, pending_at(c), port), 1);
	CALL_EQ(c, 0, XEN_SET_TIMER_OP, 0, c->is_64 ? 0 : 1 << 20, 0);
	CALL_EQ(c, 0, XEN_VCPU_OP, STOP_SINGLESHOT, 0, 0);
	port_op(c, CLOSE, port, 0);
	caller_done("timers", c);
}

/* Once for a vCPU: so the last one. */
static void check_info(struct caller *c)
{
	struct { u64 gfn; u32 offset, pad; } info = { AREA >> 12, 4096 - 64 + 8, 0 };
	const u8 *at = caller_mem(c, AREA + 0x100);
	u64 sel = 0;

	CALL_EQ(c, -ENXIO, XEN_VCPU_OP, REGISTER_INFO, 0, caller_put(c, 0, &info, sizeof(info)));
	info.offset = 0x102;
	CALL_EQ(c, -ENXIO, XEN_VCPU_OP, REGISTER_INFO, 0, caller_put(c, 0, &info, sizeof(info)));
	info.offset = 0x100;
	memset(caller_mem(c, AREA), 0, 4096);
	CALL_EQ(c, 0, XEN_VCPU_OP, REGISTER_INFO, 0, caller_put(c, 0, &info, sizeof(info)));
	CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);
	CHECK_EQ(at[0], 1);
	memcpy(&sel, at + word_bits(c) / 8, word_bits(c) / 8);
	CHECK_EQ(sel, c->is_64 ? ~0UL : ~0U);
	CHECK_EQ(*(u32 *)(at + 32) && *(u32 *)(at + 32 + 24), 1);	/* the clock */
	CALL_EQ(c, -EINVAL, XEN_VCPU_OP, REGISTER_INFO, 0, caller_put(c, 0, &info, sizeof(info)));
	caller_done("a vcpu_info elsewhere", c);
}

int main(void)
{
	static struct caller c;
	struct hv_vm *vm;
	int bits;

	for (bits = 0; bits < 2; bits++) {
		vm = hv_xen_vm(SIZE);
		c.vcpu = hv_vcpu_new(vm, 0);
		c.is_64 = bits;
		caller_mode(&c);
		setup(&c);
		check_events(&c);
		check_poll(&c);
		check_runstate(&c);
		check_time(&c);
		check_timer(&c);
		check_info(&c);
		hv_vcpu_free(c.vcpu);
		hv_vm_free(vm);
	}
	return tap_finish();
}
