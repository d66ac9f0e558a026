// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest shares with Xen, as one of 64 and as one of 32 bits has it: words
 * and ports of the two-level ABI, vcpu_info, runstates, SCHEDOP_poll.  The guest
 * says what it is by setting its callback.
 */
#include "caller.h"

#define INFO		0x3000	/* offsets from CALLER_ARGS */
#define AREA		0x3100
#define SHINFO_GPA	(CALLER_ARGS + 0x4000)
#define PARAM_CALLBACK	0

enum { BIND_IPI = 7, SEND = 4, ALLOC_UNBOUND = 6 };

static void say_layout(struct caller *c)
{
	struct { u16 domid, pad; u32 index; u64 value; } param = {
		.domid = XEN_DOMID_SELF, .index = PARAM_CALLBACK, .value = 2ULL << 56 | 0x40,
	};

	CALL_EQ(c, 0, XEN_HVM_OP, 0, caller_put(c, 0, &param, sizeof(param)), 0);
}

static long port_op(struct caller *c, u32 op, u32 port)
{
	return caller_call(c, XEN_EVENT_CHANNEL_OP, op, caller_put(c, 0, &port, sizeof(port)), 0);
}

static u32 bind_ipi(struct caller *c)
{
	struct { u32 vcpu, port; } ipi = { 0, 0 };
	u64 at = caller_put(c, 0, &ipi, sizeof(ipi));

	CALL_EQ(c, 0, XEN_EVENT_CHANNEL_OP, BIND_IPI, at, 0);
	memcpy(&ipi, caller_mem(c, at), sizeof(ipi));
	return ipi.port;
}

static void check_events(struct caller *c)
{
	struct { u16 domid, size; u32 space, idx, gpfn; } map32 = {
		.domid = XEN_DOMID_SELF, .gpfn = SHINFO_GPA >> 12,
	};
	struct { u16 domid, size; u32 space; u64 idx, gpfn; } map64 = {
		.domid = XEN_DOMID_SELF, .gpfn = SHINFO_GPA >> 12,
	};
	struct { u64 mfn; u32 offset, pad; } reg = {
		(CALLER_ARGS + INFO) >> 12, INFO & 4095, 0,
	};
	struct { u16 dom; } reset = { XEN_DOMID_SELF };
	u8 *info = caller_mem(c, CALLER_ARGS + INFO);
	u32 port = 0, word, k, limit = c->is_64 ? 4096 : 1024;
	u64 sel = 0;

	say_layout(c);
	if (c->is_64)
		CALL_EQ(c, 0, XEN_MEMORY_OP, 7, caller_put(c, 0, &map64, sizeof(map64)), 0);
	else
		CALL_EQ(c, 0, XEN_MEMORY_OP, 7, caller_put(c, 0, &map32, sizeof(map32)), 0);
	/* The guest's loads: the first word of the mask is set, and nothing before it. */
	tap_ok(caller_load(c, SHINFO_GPA + 2048 + limit / 8, &word) && word == ~0U,
	       "the mask is where it has to be");
	tap_ok(caller_load(c, SHINFO_GPA + 2048 + limit / 8 - 4, &word) && !word,
	       "behind the pending bits");
	tap_ok(caller_load(c, SHINFO_GPA + 2048 + limit / 4 + 4, &word) && word,
	       "and before the wall clock");

	memset(info, 0, 64);
	CALL_EQ(c, 0, XEN_VCPU_OP, 10, 0, caller_put(c, 0, &reg, sizeof(reg)));
	memcpy(&sel, info + (c->is_64 ? 8 : 4), c->is_64 ? 8 : 4);
	tap_ok(sel == (c->is_64 ? ~0ULL : 0xffffffffULL) && info[0] == 1,
	       "a vcpu_info with everything to look at");
	tap_ok(c->is_64 || !memcmp(info + 8, "\0\0\0\0\0\0\0\0", 8), "and nothing behind that");
	for (k = 0; k < 40; k++)
		port = bind_ipi(c);
	/* The guest has all ports masked; its stores are not ours to make: unmask does it. */
	info[0] = 0;
	memset(info + 4, 0, 12);
	tap_eq(port_op(c, 9, port), 0, "unmasked");
	tap_eq(port_op(c, SEND, port), 0, "sent");
	sel = 0;
	memcpy(&sel, info + (c->is_64 ? 8 : 4), c->is_64 ? 8 : 4);
	tap_eq(sel, 1ULL << port / (c->is_64 ? 64 : 32), "the port's word is noted");
	tap_eq(info[0], 1, "and the flag is set");
	tap_ok(caller_load(c, SHINFO_GPA + 2048 + port / 32 * 4, &word) &&
	       word == 1U << port % 32, "its bit, too");
	tap_eq(port_op(c, SEND, limit), -EINVAL, "a port that there is not");
	CALL_EQ(c, 0, XEN_EVENT_CHANNEL_OP, 10, caller_put(c, 0, &reset, sizeof(reset)), 0);
}

static void check_runstate(struct caller *c)
{
	u64 addr = CALLER_ARGS + AREA, at = caller_put(c, 0, &addr, sizeof(addr)), entry;
	u8 *area = caller_mem(c, CALLER_ARGS + AREA);
	u32 size = c->is_64 ? 48 : 44, i;

	memset(area, 0xee, 64);
	CALL_EQ(c, 0, XEN_VCPU_OP, 5, 0, at);
	memcpy(&entry, area + (c->is_64 ? 8 : 4), sizeof(entry));
	tap_ok(area[0] == 0 && entry && entry < 1ULL << 60, "a runstate area");
	for (i = size; i < 64 && area[i] == 0xee; i++)
		;
	tap_eq(i, 64, "with nothing behind its end");
	memset(area, 0xee, 64);
	CALL_EQ(c, 0, XEN_VCPU_OP, 4, 0, CALLER_ARGS + AREA);
	for (i = size; i < 64 && area[i] == 0xee; i++)
		;
	tap_ok(area[0] == 0 && i == 64, "the same to the caller");
	addr = 0;
	CALL_EQ(c, 0, XEN_VCPU_OP, 5, 0, caller_put(c, 0, &addr, sizeof(addr)));
}

static void check_poll(struct caller *c)
{
	struct { u32 ports, nr; u64 timeout; } op32 = { CALLER_ARGS + 64, 1, 1 };
	struct { u64 ports; u32 nr, pad; u64 timeout; } op64 = { CALLER_ARGS + 64, 1, 0, 1 };
	u32 port = bind_ipi(c), bad = c->is_64 ? 4096 : 1024;
	void *op = c->is_64 ? (void *)&op64 : (void *)&op32;
	size_t size = c->is_64 ? sizeof(op64) : sizeof(op32);

	caller_put(c, 64, &port, sizeof(port));
	CALL_EQ(c, 0, XEN_SCHED_OP, 3, caller_put(c, 0, op, size), 0);
	caller_put(c, 64, &bad, sizeof(bad));
	CALL_EQ(c, -EINVAL, XEN_SCHED_OP, 3, caller_put(c, 0, op, size), 0);
	op64.nr = 129;
	op32.nr = 129;
	CALL_EQ(c, -EINVAL, XEN_SCHED_OP, 3, caller_put(c, 0, op, size), 0);
}

int main(void)
{
	static struct caller c;
	int bits;

	for (bits = 0; bits < 2; bits++) {
		struct hv_vm *vm = hv_xen_vm(2 << 20);

		c.vcpu = hv_vcpu_new(vm, 0);
		c.is_64 = bits;
		caller_mode(&c);
		tap_note("%u bits", bits ? 64 : 32);
		check_events(&c);
		check_runstate(&c);
		check_poll(&c);
		caller_done("calls", &c);
		hv_vcpu_free(c.vcpu);
		hv_vm_free(vm);
	}
	return tap_finish();
}
