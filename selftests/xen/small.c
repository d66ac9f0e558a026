// SPDX-License-Identifier: GPL-2.0
/*
 * The small hypercalls of a PVH guest: xen_version, console_io, vm_assist and
 * hvm_op, each sub-operation with its errors, in 64-bit and in 32-bit layout;
 * and the hypercall page.
 */
#include "caller.h"

#define SIZE		(2UL << 20)
#define OUTSIDE		(SIZE >> 12)

static void check_version(struct caller *c)
{
	struct { u32 idx, map; } features = { 0, 0 };
	const char *text = caller_mem(c, CALLER_ARGS);
	const u32 *word = caller_mem(c, CALLER_ARGS);
	u32 op;

	CALL_EQ(c, 4 << 16 | 17, XEN_VERSION_OP, 0, 0, 0);
	memset(caller_mem(c, CALLER_ARGS), 0x55, 4096);
	CALL_EQ(c, 0, XEN_VERSION_OP, 1, CALLER_ARGS, 0);
	CHECK_EQ(memchr(text, 0, 16) && text[0] == '.' && text[16] == 0x55, 1);
	CALL_EQ(c, 0, XEN_VERSION_OP, 2, CALLER_ARGS, 0);
	CHECK_EQ(strnlen(text, 64) < 64 && strnlen(text + 64, 16) < 16, 1);
	CALL_EQ(c, 0, XEN_VERSION_OP, 3, CALLER_ARGS, 0);
	CHECK_EQ(strstr(text, "hvm-3.0-x86_64") && text[1023] == 0 && text[1024] == 0x55, 1);
	CALL_EQ(c, 0, XEN_VERSION_OP, 4, CALLER_ARGS, 0);
	memset(caller_mem(c, CALLER_ARGS), 0x55, 16);
	CALL_EQ(c, 0, XEN_VERSION_OP, 5, CALLER_ARGS, 0);
	CHECK_EQ(word[0], 0);
	CHECK_EQ(word[1], c->is_64 ? 0 : 0x55555555);
	CALL_EQ(c, 0, XEN_VERSION_OP, 6, caller_put(c, 0, &features, 8), 0);
	/* writable_page_tables, auto_translated_physmap, callback vector, safe pvclock */
	CHECK_EQ((word[1] & 0x305) == 0x305, 1);
	CHECK_EQ(word[1] & 1 << 11, 0);		/* dom0 */
	features.idx = 1;
	CALL_EQ(c, -EINVAL, XEN_VERSION_OP, 6, caller_put(c, 0, &features, 8), 0);
	CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);
	CALL_EQ(c, -EINVAL, XEN_VERSION_OP, 7, CALLER_ARGS, 0);
	CALL_EQ(c, 0, XEN_VERSION_OP, 8, CALLER_ARGS, 0);
	CALL_EQ(c, 0, XEN_VERSION_OP, 9, CALLER_ARGS, 0);
	CHECK_EQ(strcmp(text, "<denied>"), 0);
	CALL_EQ(c, -EPERM, XEN_VERSION_OP, 10, CALLER_ARGS, 0);
	CALL_EQ(c, -ENOSYS, XEN_VERSION_OP, 11, CALLER_ARGS, 0);
	for (op = 1; op < 10; op++)
		if (op != 7)
			CALL_EQ(c, -EFAULT, XEN_VERSION_OP, op, CALLER_NOWHERE, 0);
	caller_done("xen_version", c);
}

static void check_console(struct caller *c)
{
	u8 *text = caller_mem(c, CALLER_ARGS);
	u32 i;

	for (i = 0; i < 12000; i++)
		text[i] = i * 3 + (i >> 8);
	CALL_EQ(c, 0, XEN_CONSOLE_IO, 0, 5, CALLER_ARGS);
	CHECK_EQ(c->console_len, 5);
	/* More than a run page holds: all of it comes. */
	CALL_EQ(c, 0, XEN_CONSOLE_IO, 0, 12000, CALLER_ARGS);
	CHECK_EQ(c->console_len, 12000);
	CHECK_EQ(memcmp(c->console, text, 12000), 0);
	CALL_EQ(c, 0, XEN_CONSOLE_IO, 0, 0, CALLER_NOWHERE);
	CALL_EQ(c, -EFAULT, XEN_CONSOLE_IO, 0, 1, CALLER_NOWHERE);
	CALL_EQ(c, -E2BIG, XEN_CONSOLE_IO, 0, 0x80000000, CALLER_ARGS);
	CALL_EQ(c, 0, XEN_CONSOLE_IO, 1, 100, CALLER_ARGS);
	CALL_EQ(c, -E2BIG, XEN_CONSOLE_IO, 1, 0x80000000, CALLER_ARGS);
	CALL_EQ(c, -ENOSYS, XEN_CONSOLE_IO, 2, 1, CALLER_ARGS);
	caller_done("console_io", c);
}

static void check_assist(struct caller *c)
{
	CALL_EQ(c, 0, XEN_VM_ASSIST, 0, 5, 0);
	CALL_EQ(c, 0, XEN_VM_ASSIST, 1, 5, 0);
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 0, 0, 0);	/* 4gb_segments: for PV */
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 0, 2, 0);
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 0, 64, 0);
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 0, ~0U, 0);
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 1, 0, 0);
	CALL_EQ(c, -EINVAL, XEN_VM_ASSIST, 1, ~0U, 0);
	CALL_EQ(c, -ENOSYS, XEN_VM_ASSIST, 2, 5, 0);
	caller_done("vm_assist", c);
}

static u64 put_param(struct caller *c, u16 dom, u32 index, u64 value)
{
	struct { u16 dom; u32 index; u64 value; } a = { dom, index, value };

	return caller_put(c, 0, &a, sizeof(a));
}

static void check_params(struct caller *c)
{
	const u32 sets[] = { 0, 2, 15, 18, 34, 36, 37 }, gets[] = { 1, 14, 17, 35 };
	const u64 *value = caller_mem(c, CALLER_ARGS + 8);
	struct hvmod_xen_param param = { .index = 17, .flags = HVMOD_XEN_PARAM_SET, .value = 99 };
	bool may_set, may_get;
	u32 i, j;

	for (i = 0; i < 39; i++) {
		may_set = false;
		may_get = false;
		for (j = 0; j < ARRAY_SIZE(sets); j++)
			may_set |= sets[j] == i;
		for (j = 0; j < ARRAY_SIZE(gets); j++)
			may_get |= gets[j] == i;
		if (i == 19) {
			CALL_EQ(c, -ENODEV, XEN_HVM_OP, 0, put_param(c, 1, i, 1), 0);
			continue;
		}
		CALL_EQ(c, may_set ? 0 : -EPERM, XEN_HVM_OP, 0,
			put_param(c, XEN_DOMID_SELF, i, i == 36 ? 8 : i * 3), 0);
		CALL_EQ(c, may_set || may_get ? 0 : -EPERM, XEN_HVM_OP, 1,
			put_param(c, XEN_DOMID_SELF, i, 0), 0);
		if (may_set)
			CHECK_EQ(*value, i == 36 ? 8 : i * 3);
	}
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 0, put_param(c, 1, 39, 0), 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 1, put_param(c, 1, ~0U, 0), 0);
	CALL_EQ(c, -ESRCH, XEN_HVM_OP, 1, put_param(c, 8, 1, 0), 0);
	CALL_EQ(c, -EPERM, XEN_HVM_OP, 0, put_param(c, 0, 2, 0), 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 0, put_param(c, 1, 36, 3), 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 0, put_param(c, 1, 0, 2ULL << 56 | 3), 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 0, put_param(c, 1, 0, 0), 0);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 0, CALLER_NOWHERE, 0);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 1, CALLER_NOWHERE, 0);
	CHECK_EQ(ioctl(c->vcpu->vm->fd, HVMOD_VM_XEN_PARAM, &param), 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 1, put_param(c, 1, 17, 0), 0);
	CHECK_EQ(*value, 99);
	caller_done("parameters", c);
}

static u16 type_of(struct caller *c, u64 gfn)
{
	struct { u16 dom, type, pad[2]; u64 gfn; } a = { XEN_DOMID_SELF, 77, {}, gfn };

	CALL_EQ(c, 0, XEN_HVM_OP, 15, caller_put(c, 0, &a, sizeof(a)), 0);
	return ((u16 *)caller_mem(c, CALLER_ARGS))[1];
}

static void check_hvm_op(struct caller *c)
{
	struct { u16 dom, type, pad[2]; u64 gfn; } type = { 9, 0, {}, 0 };
	struct { u16 event, extra; u8 data[28]; } trace = { 0x123, 4, {} };
	struct { u32 vcpu; u8 vector; } upcall = { 0, 0x40 };
	const u64 *now = caller_mem(c, CALLER_ARGS);
	static u8 rom[4096] __attribute__((aligned(4096)));
	static const u8 moved[] = { 2, 3, 4, 6, 7, 8, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22 };
	u64 then;
	u32 i;

	hv_need(!hv_set_memory(c->vcpu->vm, HV_SLOT_FREE, HVMOD_MEM_READONLY, 0x10000000, 4096,
			       rom));
	CHECK_EQ(type_of(c, 0), 0);
	CHECK_EQ(type_of(c, 0x10000), 1);
	CHECK_EQ(type_of(c, OUTSIDE), 2);
	CHECK_EQ(type_of(c, ~0UL), 2);
	CALL_EQ(c, -ESRCH, XEN_HVM_OP, 15, caller_put(c, 0, &type, sizeof(type)), 0);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 15, CALLER_NOWHERE, 0);
	hv_need(!hv_set_memory(c->vcpu->vm, HV_SLOT_FREE, 0, 0, 0, NULL));

	CALL_EQ(c, 0, XEN_HVM_OP, 5, 0, 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 5, CALLER_ARGS, 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 10, CALLER_ARGS, 0);
	then = *now;
	CALL_EQ(c, 0, XEN_HVM_OP, 10, CALLER_ARGS, 0);
	CHECK_EQ(*now > then, 1);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 10, CALLER_NOWHERE, 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 11, caller_put(c, 0, &trace, sizeof(trace)), 0);
	trace.extra = 29;
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 11, caller_put(c, 0, &trace, sizeof(trace)), 0);
	trace = (typeof(trace)) { 0x1000, 0, {} };
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 11, caller_put(c, 0, &trace, sizeof(trace)), 0);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 11, CALLER_NOWHERE, 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 24, 0, 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 24, CALLER_ARGS, 0);
	CALL_EQ(c, 0, XEN_HVM_OP, 23, caller_put(c, 0, &upcall, sizeof(upcall)), 0);
	upcall.vcpu = 5;
	CALL_EQ(c, -ENOENT, XEN_HVM_OP, 23, caller_put(c, 0, &upcall, sizeof(upcall)), 0);
	upcall.vcpu = ~0U;
	CALL_EQ(c, -ENOENT, XEN_HVM_OP, 23, caller_put(c, 0, &upcall, sizeof(upcall)), 0);
	upcall.vector = 15;
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 23, caller_put(c, 0, &upcall, sizeof(upcall)), 0);
	CALL_EQ(c, -EFAULT, XEN_HVM_OP, 23, CALLER_NOWHERE, 0);
	CALL_EQ(c, -EINVAL, XEN_HVM_OP, 9, CALLER_ARGS, 0);
	CALL_EQ(c, -EOPNOTSUPP, XEN_HVM_OP, 25, CALLER_ARGS, 0);
	for (i = 0; i < ARRAY_SIZE(moved); i++)
		CALL_EQ(c, -ENOSYS, XEN_HVM_OP, moved[i], CALLER_ARGS, 0);
	caller_done("hvm_op", c);
}

static void check_physdev(struct caller *c)
{
	u32 op;

	for (op = 0; op < 33; op++)
		CALL_EQ(c, -ENOSYS, XEN_PHYSDEV_OP, op, CALLER_ARGS, 0);
	caller_done("physdev_op: without routed interrupts there is none", c);
}

/* ---- the hypercall page ---- */

static u8 page[4096] __attribute__((aligned(4096)));

static void guest_page(void)
{
	static const u32 msrs[] = { HVMOD_XEN_HYPERCALL_MSR, HVMOD_XEN_HYPERCALL_MSR_2 };
	long ret;
	u32 i;
	register u64 r10 asm("r10") = 0;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		GUEST_EQ(guest_rdmsr(msrs[i]), 0);
		/* A second page, and one that is nowhere. */
		GUEST_EQ(guest_trap("wrmsr", "c"(msrs[i]), "a"((u32)(u64)page | 1), "d"(0)), 13);
		GUEST_EQ(guest_trap("wrmsr", "c"(msrs[i]), "a"(0xe0000000), "d"(0)), 13);
		GUEST_EQ(guest_trap("wrmsr", "c"(msrs[i]), "a"(0), "d"(1U << 20)), 13);
		guest_wrmsr(msrs[i], (u64)page);
		asm volatile("call *%1" : "=a"(ret) : "r"(page + XEN_VERSION_OP * 32), "D"(7ULL),
			     "S"(0ULL), "r"(r10) : "memory", "rdx", "rcx", "r8", "r9", "r11");
		GUEST_EQ(ret, 4096);
		GUEST_EQ(page[0], 0xb8);
		GUEST_EQ(page[23 * 32], 0x0f);		/* iret: UD2 */
		GUEST_EQ(page[23 * 32 + 1], 0x0b);
		GUEST_EQ(*(u32 *)&page[127 * 32 + 1], 127);
		page[0] = 0;
	}
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(SIZE);
	static struct caller c;
	int bits;

	c.vcpu = hv_vcpu_new(vm, 0);
	for (bits = 0; bits < 2; bits++) {
		c.is_64 = bits;
		caller_mode(&c);
		check_version(&c);
		check_console(&c);
		check_assist(&c);
		check_params(&c);
		check_hvm_op(&c);
		check_physdev(&c);
	}
	hv_long_mode(c.vcpu, guest_page);
	hv_run_to_done(c.vcpu, "hypercall pages");
	hv_vcpu_free(c.vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
