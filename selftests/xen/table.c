// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercall table as a guest and its launcher see it: what is refused with
 * which error, what is counted under which name, and multicall, in 64-bit and
 * in 32-bit layout, also when it is interrupted.
 */
#include <signal.h>
#include <sys/time.h>

#include "caller.h"

static const struct {
	u64 nr;
	long error;
} refused[] = {
	{ 0, -ENOSYS }, { 1, -ENOSYS }, { 2, -ENOSYS }, { 3, -ENOSYS }, { 4, -ENOSYS },
	{ 5, -ENOSYS }, { 6, -ENOSYS }, { XEN_PLATFORM_OP, -EPERM }, { 8, -ENOSYS },
	{ 9, -ENOSYS }, { 10, -ENOSYS }, { 11, -ENOSYS }, { 14, -ENOSYS }, { 16, -ENOSYS },
	{ 19, -ENOSYS }, { 22, -ENOSYS }, { 23, -ENOSYS }, { 25, -ENOSYS },
	{ XEN_MMUEXT_OP, -ENOSYS }, { 27, -ENOSYS }, { 28, -ENOSYS }, { 30, -ENOSYS },
	{ 31, -ENOSYS }, { XEN_SYSCTL, -EPERM }, { XEN_DOMCTL, -EPERM }, { 37, -ENOSYS },
	{ 38, -ENOSYS }, { 39, -ENOSYS }, { 40, -EOPNOTSUPP }, { 41, -EPERM }, { 42, -EPERM },
	{ 43, -ENOSYS }, { 48, -ENOSYS }, { 55, -ENOSYS }, { 63, -ENOSYS }, { 64, -ENOSYS },
	{ 0x7fffffff, -ENOSYS }, { 0x80000000, -ENOSYS }, { 0xffffffff, -ENOSYS },
};

static void check_refused(struct caller *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		CALL_EQ(c, refused[i].error, refused[i].nr, 0, CALLER_NOWHERE, 1);
	/* What no sub-operation is; a high bit counts only where Xen looks at it. */
	CALL_EQ(c, -ENOSYS, XEN_MEMORY_OP, 63, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_MEMORY_OP, 8, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_VERSION_OP, ~0U, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_HVM_OP, 26, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_HVM_OP, 0x80000001, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_GRANT_TABLE_OP, 13, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_PHYSDEV_OP, 12, 0, 0);
	CALL_EQ(c, -ENOSYS, XEN_PHYSDEV_OP, 11, 0, 0);
	if (c->is_64) {
		CALL_EQ(c, -ENOSYS, 1ULL << 32 | XEN_VERSION_OP, 0, 0, 0);
		CALL_EQ(c, 4 << 16 | 17, XEN_VERSION_OP, 1ULL << 32, 0, 0);
		CALL_EQ(c, -ENOSYS, XEN_HVM_OP, 1ULL << 32 | 1, 0, 0);
	} else {
		/* The upper halves of registers are not there. */
		CALL_EQ(c, 4 << 16 | 17, 1ULL << 32 | XEN_VERSION_OP, 1ULL << 32, 0, 0);
	}
	caller_done("refusals", c);
}

/* ---- counters ---- */

static struct hvmod_xen_call calls[256];

static const struct hvmod_xen_call *counted(struct hv_vm *vm, u32 nr, u32 op)
{
	struct hvmod_xen_calls args = { .count = ARRAY_SIZE(calls), .addr = (uintptr_t)calls };
	u32 i;

	hv_need(!ioctl(vm->fd, HVMOD_VM_XEN_CALLS, &args));
	for (i = 0; i < args.count; i++)
		if (calls[i].hypercall == nr && calls[i].op == op)
			return &calls[i];
	return NULL;
}

static void check_counters(struct caller *c)
{
	struct hvmod_xen_calls args = { .count = 1, .addr = (uintptr_t)calls };
	struct hv_vm *vm = c->vcpu->vm;
	const struct hvmod_xen_call *call;
	u64 before;
	int i;

	call = counted(vm, XEN_VERSION_OP, 7);
	before = call ? call->calls : 0;
	for (i = 0; i < 3; i++) {
		CALL_EQ(c, 4096, XEN_VERSION_OP, 7, 0, 0);
		CALL_EQ(c, -ENOSYS, XEN_VERSION_OP, 77, 0, 0);
		CALL_EQ(c, -ENOSYS, 50, 0, 0, 0);
	}
	call = counted(vm, XEN_VERSION_OP, 7);
	CHECK_EQ(call ? call->calls : 0, before + 3);
	CHECK_EQ(call ? call->missing : 1, 0);
	CHECK_EQ(call ? strcmp(call->name, "XENVER_pagesize") : 1, 0);
	call = counted(vm, XEN_VERSION_OP, HVMOD_XEN_CALL_OTHER);
	CHECK_EQ(call ? call->missing >= 3 : 0, 1);
	CHECK_EQ(call ? strcmp(call->name, "xen_version, others") : 1, 0);
	call = counted(vm, HVMOD_XEN_CALL_OTHER, HVMOD_XEN_CALL_OTHER);
	CHECK_EQ(call ? call->missing >= 3 : 0, 1);
	/* Refused as by Xen: nothing is missing. */
	CALL_EQ(c, -EPERM, XEN_SYSCTL, 0, 0, 0);
	call = counted(vm, XEN_SYSCTL, HVMOD_XEN_CALL_OTHER);
	CHECK_EQ(call ? call->missing : 1, 0);
	CHECK_EQ(call ? strcmp(call->name, "sysctl") : 1, 0);
	CHECK_EQ(!counted(vm, XEN_VCPU_OP, 3), 1);

	CHECK_EQ(ioctl(vm->fd, HVMOD_VM_XEN_CALLS, &args), -1);
	CHECK_EQ(errno, E2BIG);
	CHECK_EQ(args.count > 1, 1);
	args.addr = 4096;
	CHECK_EQ(ioctl(vm->fd, HVMOD_VM_XEN_CALLS, &args), -1);
	CHECK_EQ(errno, EFAULT);
	args.pad = 1;
	CHECK_EQ(ioctl(vm->fd, HVMOD_VM_XEN_CALLS, &args), -1);
	CHECK_EQ(errno, EINVAL);
	caller_done("counters", c);
}

/* ---- multicall ---- */

struct entry_64 {
	u64 op;
	long result;
	u64 args[6];
};

struct entry_32 {
	u32 op;
	int result;
	u32 args[6];
};

#define ENTRIES	200

static void put_entry(struct caller *c, u32 i, u64 op, u64 a, u64 b, u64 d)
{
	struct entry_64 e64 = { op, 77, { a, b, d } };
	struct entry_32 e32 = { op, 77, { a, b, d } };

	if (c->is_64)
		caller_put(c, i * sizeof(e64), &e64, sizeof(e64));
	else
		caller_put(c, i * sizeof(e32), &e32, sizeof(e32));
}

static long result_of(struct caller *c, u32 i)
{
	const struct entry_64 *e64 = caller_mem(c, CALLER_ARGS);
	const struct entry_32 *e32 = caller_mem(c, CALLER_ARGS);

	return c->is_64 ? e64[i].result : e32[i].result;
}

static void check_multicall(struct caller *c)
{
	u64 size = c->is_64 ? sizeof(struct entry_64) : sizeof(struct entry_32);

	put_entry(c, 0, XEN_VERSION_OP, 0, 0, 0);
	put_entry(c, 1, XEN_MULTICALL, CALLER_ARGS, 1, 0);
	put_entry(c, 2, 63, 0, 0, 0);
	put_entry(c, 3, XEN_VERSION_OP, 6, CALLER_NOWHERE, 0);
	put_entry(c, 4, XEN_SYSCTL, 0, 0, 0);
	put_entry(c, 5, XEN_VERSION_OP, 7, 0, 0);
	put_entry(c, 6, XEN_VERSION_OP, 7, 0, 0);
	CALL_EQ(c, 0, XEN_MULTICALL, CALLER_ARGS, 6, 0);
	CHECK_EQ(result_of(c, 0), 4 << 16 | 17);
	CHECK_EQ(result_of(c, 1), -EINVAL);
	CHECK_EQ(result_of(c, 2), -ENOSYS);
	CHECK_EQ(result_of(c, 3), -EFAULT);
	CHECK_EQ(result_of(c, 4), -EPERM);
	CHECK_EQ(result_of(c, 5), 4096);
	CHECK_EQ(result_of(c, 6), 77);
	CALL_EQ(c, 0, XEN_MULTICALL, CALLER_ARGS, 0, 0);
	CALL_EQ(c, 0, XEN_MULTICALL, CALLER_NOWHERE, 0, 0);
	CALL_EQ(c, -EFAULT, XEN_MULTICALL, CALLER_NOWHERE, 1, 0);
	/* The list ends where memory ends: what came before it is done. */
	CALL_EQ(c, -EFAULT, XEN_MULTICALL, c->vcpu->vm->size - size, 2, 0);
	caller_done("multicall", c);
}

static void on_alarm(int sig)
{
}

/*
 * Signals at any moment: the host counts how often it came back early.  Each
 * entry is done once: only the counter can tell, for they all look the same.
 */
static void check_interrupted(struct caller *c)
{
	struct itimerval on = { { 0, 3000 }, { 0, 3000 } }, off = {};
	const struct hvmod_xen_call *call;
	const u64 arg[6] = { CALLER_ARGS, ENTRIES };
	u64 before, rounds = 0, early = 0;
	u32 i;
	int ret;

	signal(SIGALRM, on_alarm);
	call = counted(c->vcpu->vm, XEN_VERSION_OP, 7);
	before = call ? call->calls : 0;
	setitimer(ITIMER_REAL, &on, NULL);
	while (rounds < 100 && early < 10) {
		for (i = 0; i < ENTRIES; i++)
			put_entry(c, i, XEN_VERSION_OP, 7, 0, 0);
		caller_set(c, XEN_MULTICALL, arg);
		for (;;) {
			ret = hv_run_once(c->vcpu);
			if (ret != -EINTR && (ret || caller_is_back(c)))
				break;
			early += ret == -EINTR;
		}
		CHECK_EQ(ret, 0);
		CHECK_EQ(caller_result(c), 0);
		for (i = 0; i < ENTRIES; i++)
			CHECK_EQ(result_of(c, i), 4096);
		rounds++;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	call = counted(c->vcpu->vm, XEN_VERSION_OP, 7);
	CHECK_EQ(call ? call->calls : 0, before + rounds * ENTRIES);
	tap_note("%llu multicalls, %llu times interrupted", (long long)rounds, (long long)early);
	caller_done("a multicall that is interrupted", c);
}

/* immediate_exit stands for a signal that comes at the worst moment, each time. */
static void check_each_entry(struct caller *c)
{
	const u64 arg[6] = { CALLER_ARGS, 8 };
	u32 i, runs = 0;
	int ret;

	for (i = 0; i < 8; i++)
		put_entry(c, i, XEN_CONSOLE_IO, 0, 1, CALLER_CODE);
	caller_set(c, XEN_MULTICALL, arg);
	for (;;) {
		ret = hv_run(c->vcpu);
		if (ret || caller_is_back(c))
			break;
		if (c->vcpu->run->exit_reason == HVMOD_EXIT_XEN_CONSOLE) {
			CHECK_EQ(c->vcpu->run->console.count, 1);
			CHECK_EQ(c->vcpu->run->data[0], 0x0f);
			/* Nothing is done behind the launcher's back. */
			CHECK_EQ(result_of(c, runs), 0);
			if (runs < 7)
				CHECK_EQ(result_of(c, runs + 1), 77);
			runs++;
		}
	}
	CHECK_EQ(ret, 0);
	CHECK_EQ(runs, 8);
	CHECK_EQ(caller_result(c), 0);
	caller_done("a multicall of which each entry leaves the guest", c);
}

/* A caller without privileges, and one in real mode. */
static void check_callers(struct hv_vcpu *vcpu)
{
	static const u8 code[] = { 0x0f, 0x01, 0xc1, 0xe7, HV_PORT_DONE };
	static struct caller c;
	struct hvmod_sregs s;
	struct hvmod_regs r;

	c.vcpu = vcpu;
	memcpy(vcpu->vm->mem + CALLER_CODE, code, sizeof(code));
	hv_real_mode(vcpu, CALLER_CODE >> 4, 0);
	hv_get_regs(vcpu, &r);
	r.gpr[HVMOD_RAX] = XEN_VERSION_OP;
	hv_set_regs(vcpu, &r);
	hv_need(!hv_run(vcpu) && caller_is_back(&c));
	hv_get_regs(vcpu, &r);
	tap_eq(r.gpr[HVMOD_RAX], 4 << 16 | 17, "a caller in real mode");

	caller_mode(&c);
	hv_get_sregs(vcpu, &s);
	s.cs.access |= 3 << 5;
	s.cs.selector |= 3;
	s.ss.access |= 3 << 5;
	s.ss.selector |= 3;
	hv_set_sregs(vcpu, &s);
	hv_get_regs(vcpu, &r);
	r.gpr[HVMOD_RAX] = XEN_VERSION_OP;
	r.rflags = 2 | 3 << 12;
	hv_set_regs(vcpu, &r);
	hv_need(!hv_run(vcpu) && caller_is_back(&c));
	tap_eq(caller_result(&c), -EPERM, "a caller at CPL 3");
}

/* An HVM guest is refused the same; a PC has no hypercalls at all. */
static void check_kinds(void)
{
	const u32 kinds[] = { HVMOD_KIND_HVM, HVMOD_KIND_PC };
	struct hvmod_vm_create args = {};
	struct hvmod_xen_calls calls_args = {};
	static struct caller c;
	struct hv_vm *vm;
	u32 i, nr;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		args.kind = kinds[i];
		vm = hv_vm_new_args(2 << 20, &args);
		c.vcpu = hv_vcpu_new(vm, 0);
		for (nr = 0; nr < 2; nr++) {
			c.is_64 = nr;
			caller_mode(&c);
			if (kinds[i] == HVMOD_KIND_HVM)
				check_refused(&c);
		}
		if (kinds[i] == HVMOD_KIND_PC) {
			for (nr = 0; nr < 64; nr++)
				CALL_EQ(&c, -ENOSYS, nr, 0, CALLER_ARGS, 0);
			caller_done("a PC", &c);
			tap_ioctl(vm->fd, HVMOD_VM_XEN_CALLS, &calls_args, ENOTTY,
				  "and no counters of them");
		}
		hv_vcpu_free(c.vcpu);
		hv_vm_free(vm);
	}
}

int main(void)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	static struct caller c;
	int bits;

	c.vcpu = vcpu;
	for (bits = 0; bits < 2; bits++) {
		c.is_64 = bits;
		caller_mode(&c);
		check_refused(&c);
		check_counters(&c);
		check_multicall(&c);
		check_interrupted(&c);
		check_each_entry(&c);
	}
	check_callers(vcpu);
	check_kinds();
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
