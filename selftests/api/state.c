// SPDX-License-Identifier: GPL-2.0
/*
 * The groups of state: sizes, order, what is set is what is got, MSR and CPUID
 * tables.  Which values the architecture forbids is for x86/.
 */
#include <errno.h>

#include "hv.h"

static const struct {
	const char *name;
	u32 id;
	u32 size;
} groups[] = {
	{ "REGS", HVMOD_STATE_REGS, sizeof(struct hvmod_regs) },
	{ "SREGS", HVMOD_STATE_SREGS, sizeof(struct hvmod_sregs) },
	{ "XSAVE", HVMOD_STATE_XSAVE, 0 },
	{ "DEBUG", HVMOD_STATE_DEBUG, sizeof(struct hvmod_debugregs) },
	{ "EVENTS", HVMOD_STATE_EVENTS, sizeof(struct hvmod_events) },
	{ "LAPIC", HVMOD_STATE_LAPIC, sizeof(struct hvmod_lapic) },
	{ "MP", HVMOD_STATE_MP, sizeof(struct hvmod_mp) },
	{ "TSC", HVMOD_STATE_TSC, sizeof(struct hvmod_tsc) },
	{ "PIC", HVMOD_STATE_PIC, sizeof(struct hvmod_pic) },
	{ "IOAPIC", HVMOD_STATE_IOAPIC, sizeof(struct hvmod_ioapic) },
	{ "PIT", HVMOD_STATE_PIT, sizeof(struct hvmod_pit) },
};

static u8 first[65536], second[65536];

struct target {
	int fd;
	unsigned long get;
	unsigned long set;
};

static int state(int fd, unsigned long cmd, u32 id, u32 size, void *addr)
{
	struct hvmod_state args = { .id = id, .size = size, .addr = (uintptr_t)addr };

	return ioctl(fd, cmd, &args) ? errno : 0;
}

static void test_group(const struct target *t, const char *name, u32 id, u32 size)
{
	static const int delta[] = { -4096, -8, -1, 1, 8, 4096 };
	unsigned int i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(delta); i++) {
		bad += state(t->fd, t->get, id, size + delta[i], first) != EINVAL;
		bad += state(t->fd, t->set, id, size + delta[i], first) != EINVAL;
	}
	bad += state(t->fd, t->get, id, 0, first) != EINVAL;
	bad += state(t->fd, t->get, id, ~0U, first) != EINVAL;
	tap_ok(!bad, "%s: another size: EINVAL", name);

	tap_ok(state(t->fd, t->get, id, size, NULL) == EFAULT &&
	       state(t->fd, t->set, id, size, NULL) == EFAULT &&
	       state(t->fd, t->get, id, size, (void *)-4096L) == EFAULT,
	       "%s: bad address: EFAULT", name);

	memset(first, 0x5a, sizeof(first));
	tap_eq(state(t->fd, t->get, id, size, first), 0, name);
	tap_ok(first[size] == 0x5a, "%s: writes no more than its size", name);
	tap_eq(state(t->fd, t->set, id, size, first), 0, name);
	tap_eq(state(t->fd, t->get, id, size, second), 0, name);
	/* Time goes on. */
	if (id != HVMOD_STATE_TSC && id != HVMOD_STATE_PIT)
		tap_ok(!memcmp(first, second, size), "%s: set and got", name);
}

static void test_ids(const struct target *t, u32 low, u32 high, const char *name)
{
	unsigned int id, bad = 0;

	for (id = 0; id < 256; id++) {
		if (id < low || id > high)
			bad += state(t->fd, t->get, id, 64, first) != EINVAL;
	}
	bad += state(t->fd, t->get, ~0U, 64, first) != EINVAL;
	bad += state(t->fd, t->set, ~0U, 64, first) != EINVAL;
	tap_ok(!bad, "%s: no other group", name);
}

static void test_absent(void)
{
	struct hv_vm *vm = hv_vm_new(1 << 20);
	u32 i;

	for (i = 8; i < 11; i++)
		tap_ok(state(vm->fd, HVMOD_VM_GET_STATE, groups[i].id, groups[i].size, first) ==
		       ENODEV, "%s: the VM has none: ENODEV", groups[i].name);
	hv_vm_free(vm);
}

static void test_regs(struct hv_vcpu *vcpu)
{
	struct hvmod_regs regs = { .rip = 0x123456, .rflags = 0x202 }, got;
	unsigned int i;

	for (i = 0; i < 16; i++)
		regs.gpr[i] = 0x0101010101010101 * (i + 1);
	hv_set_regs(vcpu, &regs);
	hv_get_regs(vcpu, &got);
	tap_ok(!memcmp(&regs, &got, sizeof(regs)), "REGS: every register");
	regs.rflags = ~0UL;
	hv_set_regs(vcpu, &regs);
	hv_get_regs(vcpu, &got);
	tap_ok((got.rflags & ~0x3f7fd7UL) == 0 && (got.rflags & 2), "REGS: reserved flags");
}

static void test_msrs(struct hv_vcpu *vcpu)
{
	static struct hvmod_msr list[HVMOD_MAX_MSRS + 1];
	struct hvmod_msrs args = { .msrs = (uintptr_t)list };
	u32 count;

	tap_ioctl(vcpu->vm->dev, HVMOD_GET_MSR_LIST, &args, E2BIG, "MSR list: no room");
	count = args.count;
	tap_ok(count > 0 && count <= HVMOD_MAX_MSRS, "MSR list: how many");
	args.count = HVMOD_MAX_MSRS;
	tap_ioctl(vcpu->vm->dev, HVMOD_GET_MSR_LIST, &args, 0, "MSR list");
	tap_eq(args.count, count, "MSR list: the same number");

	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, 0, "all MSRs of the list are got");
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_MSRS, &args, 0, "and set");
	args.count = HVMOD_MAX_MSRS + 1;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, E2BIG, "MSRs: too many");
	args.count = 0;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, 0, "MSRs: none");

	memset(list, 0, sizeof(list));
	list[0].index = 0x10;
	list[1].index = 0xdeadbeef;
	list[2].index = 0x10;
	args.count = 3;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, EINVAL, "an unknown MSR");
	tap_eq(args.count, 1, "tells where");
	list[0].pad = 1;
	args.count = 1;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, EINVAL, "MSR: padding");
	args.count = 1;
	args.msrs = 0;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args, EFAULT, "MSRs: bad address");
}

static void guest_nothing(void)
{
}

static void test_cpuid(struct hv_vcpu *vcpu)
{
	static struct hvmod_cpuid_entry entries[HVMOD_MAX_CPUID + 1];
	struct hvmod_cpuid args = { .entries = (uintptr_t)entries };
	u32 count;

	tap_ioctl(vcpu->vm->dev, HVMOD_GET_CPUID, &args, E2BIG, "CPUID: no room");
	count = args.count;
	tap_ok(count > 0 && count <= HVMOD_MAX_CPUID, "CPUID: how many");
	args.count = HVMOD_MAX_CPUID;
	tap_ioctl(vcpu->vm->dev, HVMOD_GET_CPUID, &args, 0, "CPUID");
	tap_eq(args.count, count, "CPUID: the same number");
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, 0, "CPUID: set");
	args.count = HVMOD_MAX_CPUID + 1;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, E2BIG, "CPUID: too many");
	args.count = count;
	entries[0].pad = 1;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, EINVAL, "CPUID: padding");
	entries[0].pad = 0;
	entries[0].flags = 0x80;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, EINVAL, "CPUID: unknown flag");
	entries[0].flags = 0;
	args.entries = 0;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, EFAULT, "CPUID: bad address");
	args.entries = (uintptr_t)entries;

	hv_long_mode(vcpu, guest_nothing);
	hv_run_to_done(vcpu, "CPUID: the guest runs");
	tap_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &args, EBUSY, "CPUID: after the first run");
}

static void test_counters(struct hv_vcpu *vcpu)
{
	struct hvmod_exit_record ring[HVMOD_EXIT_RING + 1];
	struct hvmod_exits exits = { .count = HVMOD_EXIT_RING + 1, .addr = (uintptr_t)ring };
	struct hvmod_vcpu_stat stat;
	struct hvmod_vm_stat vm_stat;
	u64 sum = 0;
	u32 i;

	hv_need(!ioctl(vcpu->fd, HVMOD_VCPU_STAT, &stat));
	for (i = 0; i < HVMOD_MAX_EXIT_REASONS; i++)
		sum += stat.exits[i];
	tap_ok(sum > 0 && stat.entries >= sum, "as many entries as exits");
	tap_ok(stat.exits[30] >= 1 && stat.to_user >= 1, "the port access is counted");
	hv_need(!ioctl(vcpu->vm->fd, HVMOD_VM_STAT, &vm_stat));
	tap_eq(vm_stat.vcpus, 1, "one vCPU");
	tap_ok(vm_stat.ept_faults > 0 && vm_stat.ept_pages > 0, "EPT counters");

	tap_ioctl(vcpu->fd, HVMOD_VCPU_EXITS, &exits, 0, "exit ring");
	tap_ok(exits.count > 0 && exits.count <= HVMOD_EXIT_RING, "exit ring: how many");
	for (i = 1; i < exits.count; i++) {
		if (ring[i].tsc < ring[i - 1].tsc)
			break;
	}
	tap_ok(i == exits.count, "exit ring: oldest first");
	exits.count = 0;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_EXITS, &exits, 0, "exit ring: no room");
	exits.count = 1;
	exits.addr = 0;
	tap_ioctl(vcpu->fd, HVMOD_VCPU_EXITS, &exits, EFAULT, "exit ring: bad address");
}

int main(void)
{
	struct hvmod_vm_create args = {
		.devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT,
	};
	struct hv_vm *vm = hv_vm_new_args(1 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	struct target vcpu_target = { vcpu->fd, HVMOD_VCPU_GET_STATE, HVMOD_VCPU_SET_STATE };
	struct target vm_target = { vm->fd, HVMOD_VM_GET_STATE, HVMOD_VM_SET_STATE };
	u32 i;

	test_regs(vcpu);
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		u32 size = groups[i].size;

		if (groups[i].id == HVMOD_STATE_XSAVE)
			size = hv_cap(vm->dev, HVMOD_CAP_XSAVE_SIZE);
		test_group(groups[i].id < 64 ? &vcpu_target : &vm_target, groups[i].name,
			   groups[i].id, size);
	}
	test_ids(&vcpu_target, 0, 7, "vCPU");
	test_ids(&vm_target, 64, 66, "VM");
	test_absent();
	test_msrs(vcpu);
	test_cpuid(vcpu);
	test_counters(vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
