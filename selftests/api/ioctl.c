// SPDX-License-Identifier: GPL-2.0
/*
 * Every call on every descriptor, wrong in every general way: number, size,
 * direction, type, descriptor, pointer, padding.  What a call means is for
 * the other tests.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hv.h"

enum kind { DEV, VM, VCPU, XEN, KINDS };

static const char * const kind_name[KINDS] = { "dev", "vm", "vcpu", "xen" };

static const struct {
	const char *name;
	u32 cmd;
	enum kind kind;
	bool arg;
	u16 pad;	/* where a member that must be zero is, with its size */
	u16 pad_size;
} calls[] = {
#define CALL(n, k)	{ .name = #n, .cmd = HVMOD_##n, .kind = k }
#define CALL_ARG(n, k)	{ .name = #n, .cmd = HVMOD_##n, .kind = k, .arg = true }
#define CALL_PAD(n, k, type, member)						\
	{ .name = #n, .cmd = HVMOD_##n, .kind = k, .arg = true,			\
	  .pad = offsetof(type, member), .pad_size = sizeof(((type *)0)->member) }
	CALL(GET_VERSION, DEV),
	CALL_PAD(CHECK_CAP, DEV, struct hvmod_cap, pad),
	CALL_PAD(VM_CREATE, DEV, struct hvmod_vm_create, pad),
	CALL_PAD(GET_CPUID, DEV, struct hvmod_cpuid, pad),
	CALL_PAD(GET_MSR_LIST, DEV, struct hvmod_msrs, pad),
	CALL_ARG(VM_SET_MEMORY, VM),
	CALL_PAD(VM_GET_DIRTY, VM, struct hvmod_dirty, pad),
	CALL_ARG(VM_IRQ_LINE, VM),
	CALL_PAD(VM_MSI, VM, struct hvmod_msi, pad),
	CALL_PAD(VM_IRQFD, VM, struct hvmod_irqfd, msi.pad),
	CALL_PAD(VM_IOEVENTFD, VM, struct hvmod_ioeventfd, pad),
	CALL_ARG(VM_GET_STATE, VM),
	CALL_ARG(VM_SET_STATE, VM),
	CALL_ARG(VM_STAT, VM),
	CALL_PAD(VCPU_CREATE, VM, struct hvmod_vcpu_create, pad),
	CALL(VCPU_RUN, VCPU),
	CALL_ARG(VCPU_GET_STATE, VCPU),
	CALL_ARG(VCPU_SET_STATE, VCPU),
	CALL_PAD(VCPU_GET_MSRS, VCPU, struct hvmod_msrs, pad),
	CALL_PAD(VCPU_SET_MSRS, VCPU, struct hvmod_msrs, pad),
	CALL_PAD(VCPU_SET_CPUID, VCPU, struct hvmod_cpuid, pad),
	CALL(VCPU_NMI, VCPU),
	CALL_ARG(VCPU_STAT, VCPU),
	CALL_PAD(VCPU_EXITS, VCPU, struct hvmod_exits, pad),
	CALL_ARG(VM_XEN_PARAM, XEN),
	CALL_PAD(VM_XEN_EVTCHN, XEN, struct hvmod_xen_evtchn, pad),
	CALL_PAD(VM_XEN_SEND, XEN, struct hvmod_xen_send, pad),
	CALL_PAD(VM_XEN_CALLS, XEN, struct hvmod_xen_calls, pad),
	CALL_PAD(VM_XEN_MEMORY, XEN, struct hvmod_xen_memory, pad),
	CALL_PAD(VM_XEN_MAP, XEN, struct hvmod_xen_map, pad),
	CALL_PAD(VM_XEN_RESUME, XEN, struct hvmod_xen_resume, pad),
};

static int fds[KINDS];

/* A VM of a Xen kind has a VM's calls, too. */
static bool serves(enum kind kind, size_t i)
{
	return calls[i].kind == kind || (kind == XEN && calls[i].kind == VM);
}

static int call(int fd, u32 cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? errno : 0;
}

/* No call but the listed numbers, and those only as they are listed. */
static void test_unknown(enum kind kind)
{
	static u8 room[16384];
	unsigned int nr, bad = 0;
	size_t i;

	for (nr = 0; nr < 256; nr++) {
		for (i = 0; i < ARRAY_SIZE(calls); i++) {
			if (serves(kind, i) && _IOC_NR(calls[i].cmd) == nr)
				break;
		}
		if (i < ARRAY_SIZE(calls))
			continue;
		bad += call(fds[kind], _IO(HVMOD_IOC_TYPE, nr), room) != ENOTTY;
		bad += call(fds[kind], _IOW(HVMOD_IOC_TYPE, nr, u64), room) != ENOTTY;
	}
	tap_eq(bad, 0, kind_name[kind]);
}

static void test_variants(size_t i)
{
	static const int delta[] = { -8, -4, -1, 1, 4, 8, 4096 };
	static u8 room[16384];
	u32 cmd = calls[i].cmd;
	u32 size = _IOC_SIZE(cmd), dir = _IOC_DIR(cmd), nr = _IOC_NR(cmd);
	int fd = fds[calls[i].kind];
	unsigned int bad = 0, k;

	for (k = 0; k < ARRAY_SIZE(delta); k++) {
		if ((int)size + delta[k] < 0)
			continue;
		bad += call(fd, _IOC(dir, HVMOD_IOC_TYPE, nr, size + delta[k]), room) != ENOTTY;
	}
	for (k = 0; k < 4; k++) {
		if (k != dir)
			bad += call(fd, _IOC(k, HVMOD_IOC_TYPE, nr, size), room) != ENOTTY;
	}
	bad += call(fd, _IOC(dir, HVMOD_IOC_TYPE + 1, nr, size), room) != ENOTTY;
	bad += call(fd, _IOC(dir, 0, nr, size), room) != ENOTTY;
	for (k = 0; k < KINDS; k++) {
		if (!serves(k, i))
			bad += call(fds[k], cmd, room) != ENOTTY;
	}
	tap_ok(!bad, "%s: another size, direction, type, descriptor: ENOTTY", calls[i].name);
	if (bad)
		tap_note("%u calls gave something else", bad);
}

static void test_pointer(size_t i)
{
	int fd = fds[calls[i].kind];

	tap_ok(call(fd, calls[i].cmd, NULL) == EFAULT &&
	       call(fd, calls[i].cmd, (void *)-4096L) == EFAULT &&
	       call(fd, calls[i].cmd, (void *)(1UL << 47)) == EFAULT,
	       "%s: bad pointer: EFAULT", calls[i].name);
}

static void test_pad(size_t i)
{
	u8 arg[256];
	unsigned int k, bad = 0;

	for (k = 0; k < calls[i].pad_size; k++) {
		memset(arg, 0, sizeof(arg));
		arg[calls[i].pad + k] = 0x80;
		bad += call(fds[calls[i].kind], calls[i].cmd, arg) != EINVAL;
	}
	tap_ok(!bad, "%s: padding that is not zero: EINVAL", calls[i].name);
}

static void test_caps(int dev)
{
	struct hvmod_cap cap = { .id = 1000 };

	tap_eq(hv_cap(dev, HVMOD_CAP_MAX_VCPUS), HVMOD_MAX_VCPUS, "MAX_VCPUS");
	tap_eq(hv_cap(dev, HVMOD_CAP_MAX_SLOTS), HVMOD_MAX_SLOTS, "MAX_SLOTS");
	tap_eq(hv_cap(dev, HVMOD_CAP_RUN_SIZE), sizeof(struct hvmod_run), "RUN_SIZE");
	tap_eq(hv_cap(dev, HVMOD_CAP_MAX_GPA_BITS), 40, "MAX_GPA_BITS");
	tap_ok(hv_cap(dev, HVMOD_CAP_KINDS) & 1, "a PC can be made");
	tap_ok(hv_cap(dev, HVMOD_CAP_TSC_KHZ) > 0, "TSC_KHZ");
	tap_ok(hv_cap(dev, HVMOD_CAP_XSAVE_SIZE) >= 576, "XSAVE_SIZE");
	tap_ioctl(dev, HVMOD_CHECK_CAP, &cap, EINVAL, "unknown capability");
}

static void test_create(int dev)
{
	static const struct {
		const char *name;
		struct hvmod_vm_create args;
		int want;
	} cases[] = {
		{ "unknown kind", { .kind = 4 }, EINVAL },
		{ "unknown kind, all bits", { .kind = ~0U }, EINVAL },
		{ "unknown device", { .devices = 1U << 4 }, EINVAL },
		{ "unknown device, top bit", { .devices = 1U << 31 }, EINVAL },
		{ "port without PM timer", { .pmtmr_port = 0x608 }, EINVAL },
		{ "PM timer without port", { .devices = HVMOD_DEV_PMTMR }, EINVAL },
		{ "PM timer port too high",
		  { .devices = HVMOD_DEV_PMTMR, .pmtmr_port = 0x10000 }, EINVAL },
		{ "PM timer port crosses the end",
		  { .devices = HVMOD_DEV_PMTMR, .pmtmr_port = 0xfffe }, EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hvmod_vm_create args = cases[i].args;

		tap_ioctl(dev, HVMOD_VM_CREATE, &args, cases[i].want, cases[i].name);
	}
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(1 << 20);
	struct hv_vm *xen = hv_vm_new_args(1 << 20, &(struct hvmod_vm_create) {
		.kind = HVMOD_KIND_PVH,
	});
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	unsigned int k;
	size_t i;

	fds[DEV] = vm->dev;
	fds[VM] = vm->fd;
	fds[VCPU] = vcpu->fd;
	fds[XEN] = xen->fd;

	for (k = 0; k < KINDS; k++)
		test_unknown(k);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		test_variants(i);
		if (calls[i].arg)
			test_pointer(i);
		if (calls[i].pad_size)
			test_pad(i);
	}
	test_caps(vm->dev);
	test_create(vm->dev);

	tap_ok(read(vm->fd, &k, 1) < 0 && write(vcpu->fd, &k, 1) < 0, "no read, no write");
	hv_vcpu_free(vcpu);
	hv_vm_free(xen);
	hv_vm_free(vm);
	return tap_finish();
}
