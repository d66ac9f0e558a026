// SPDX-License-Identifier: GPL-2.0
/*
 * The /dev/hvmod calls as C functions: arguments into the ABI's structures,
 * errno out as a negative number.  The launcher and the self tests call it.
 * It must not hold state, print or end the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/lib/hvm.h"

static int hvm_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static u64 hvm_addr(const void *p)
{
	return (u64)(unsigned long)p;
}

int hvm_open(const char *path, struct err *err)
{
	int fd, version, code;

	if (!path)
		path = HVM_DEVICE;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		code = errno;
		if (code == ENOENT || code == ENXIO || code == ENODEV)
			return err_set(err, code,
				       "%s is not there: the module is not loaded (as root: modprobe hvmod)",
				       path);
		if (code == EACCES || code == EPERM)
			return err_set(err, code,
				       "no right to open %s: join the group hvmod (as root: adduser NAME hvmod) and log in again",
				       path);
		return err_set(err, code, "cannot open %s: %s", path, strerror(code));
	}
	version = hvm_ioctl(fd, HVMOD_GET_VERSION, NULL);
	if (version != HVMOD_API_VERSION) {
		close(fd);
		if (version < 0)
			return err_set(err, EPROTO, "%s does not answer as hvmod does: %s",
				       path, strerror(-version));
		return err_set(err, EPROTO,
			       "the module speaks version %d of the ABI and this program version %d: install the two together",
			       version, HVMOD_API_VERSION);
	}
	return fd;
}

int hvm_cap(int dev, u32 id, u64 *value)
{
	struct hvmod_cap cap = { .id = id };
	int ret = hvm_ioctl(dev, HVMOD_CHECK_CAP, &cap);

	if (!ret)
		*value = cap.value;
	return ret;
}

int hvm_get_cpuid(int dev, struct hvmod_cpuid_entry *entries, u32 *count)
{
	struct hvmod_cpuid arg = {
		.count = HVMOD_MAX_CPUID,
		.entries = hvm_addr(entries),
	};
	int ret;

	memset(entries, 0, sizeof(*entries) * HVMOD_MAX_CPUID);
	ret = hvm_ioctl(dev, HVMOD_GET_CPUID, &arg);
	if (ret < 0)
		return ret;
	if (arg.count > HVMOD_MAX_CPUID)
		return -E2BIG;
	*count = arg.count;
	return 0;
}

int hvm_get_msr_list(int dev, struct hvmod_msr *msrs, u32 *count)
{
	struct hvmod_msrs arg = { .count = *count, .msrs = hvm_addr(msrs) };
	int ret = hvm_ioctl(dev, HVMOD_GET_MSR_LIST, &arg);

	*count = arg.count;
	return ret;
}

int hvm_vm_create(int dev, u32 kind, u32 devices, u32 pmtmr_port, struct err *err)
{
	struct hvmod_vm_create arg = {
		.kind = kind,
		.devices = devices,
		.pmtmr_port = pmtmr_port,
	};
	int ret = hvm_ioctl(dev, HVMOD_VM_CREATE, &arg);

	if (ret == -EOPNOTSUPP)
		return err_set(err, -ret, "this module cannot make guests of kind %u", kind);
	if (ret < 0)
		return err_set(err, -ret, "cannot make a VM: %s", strerror(-ret));
	return ret;
}

int hvm_vm_memory(int vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva,
		  struct err *err)
{
	struct hvmod_memory arg = {
		.slot = slot,
		.flags = flags,
		.gpa = gpa,
		.size = size,
		.hva = hvm_addr(hva),
	};
	int ret = hvm_ioctl(vm, HVMOD_VM_SET_MEMORY, &arg);

	if (ret < 0)
		return err_set(err, -ret,
			       "cannot give the guest %llu MiB at address 0x%llx: %s",
			       size / MIB, gpa, strerror(-ret));
	return 0;
}

int hvm_vm_get_dirty(int vm, u32 slot, u64 first, u64 pages, u64 *bitmap)
{
	struct hvmod_dirty arg = {
		.slot = slot,
		.first = first,
		.pages = pages,
		.bitmap = hvm_addr(bitmap),
	};

	return hvm_ioctl(vm, HVMOD_VM_GET_DIRTY, &arg);
}

int hvm_irq_line(int vm, u32 gsi, u32 level)
{
	struct hvmod_irq_line arg = { .gsi = gsi, .level = level };

	return hvm_ioctl(vm, HVMOD_VM_IRQ_LINE, &arg);
}

int hvm_msi(int vm, u64 addr, u32 data)
{
	struct hvmod_msi arg = { .addr = addr, .data = data };

	return hvm_ioctl(vm, HVMOD_VM_MSI, &arg);
}

int hvm_irqfd(int vm, const struct hvmod_irqfd *irqfd)
{
	struct hvmod_irqfd arg = *irqfd;

	return hvm_ioctl(vm, HVMOD_VM_IRQFD, &arg);
}

int hvm_ioeventfd(int vm, const struct hvmod_ioeventfd *ioeventfd)
{
	struct hvmod_ioeventfd arg = *ioeventfd;

	return hvm_ioctl(vm, HVMOD_VM_IOEVENTFD, &arg);
}

static int hvm_state(int fd, unsigned long request, u32 id, const void *data, u32 size)
{
	struct hvmod_state arg = { .id = id, .size = size, .addr = hvm_addr(data) };

	return hvm_ioctl(fd, request, &arg);
}

int hvm_vm_get_state(int vm, u32 id, void *data, u32 size)
{
	return hvm_state(vm, HVMOD_VM_GET_STATE, id, data, size);
}

int hvm_vm_set_state(int vm, u32 id, const void *data, u32 size)
{
	return hvm_state(vm, HVMOD_VM_SET_STATE, id, data, size);
}

int hvm_vm_stat(int vm, struct hvmod_vm_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
	return hvm_ioctl(vm, HVMOD_VM_STAT, stat);
}

int hvm_xen_set_param(int vm, u32 index, u64 value)
{
	struct hvmod_xen_param arg = {
		.index = index,
		.flags = HVMOD_XEN_PARAM_SET,
		.value = value,
	};

	return hvm_ioctl(vm, HVMOD_VM_XEN_PARAM, &arg);
}

int hvm_xen_memory(int vm, u64 max, u64 *pages)
{
	struct hvmod_xen_memory arg = {
		.flags = HVMOD_XEN_MEMORY_SET_MAX | HVMOD_XEN_MEMORY_SET_EXITS |
			 HVMOD_XEN_MEMORY_EXITS,
		.max_pages = max,
	};
	int ret = hvm_ioctl(vm, HVMOD_VM_XEN_MEMORY, &arg);

	if (!ret && pages)
		*pages = arg.current_pages;
	return ret;
}

int hvm_xen_take(int vm, u64 gfn, u64 pages)
{
	struct hvmod_xen_memory arg = {
		.flags = HVMOD_XEN_MEMORY_TAKE,
		.gfn = gfn,
		.pages = pages,
	};

	return hvm_ioctl(vm, HVMOD_VM_XEN_MEMORY, &arg);
}

int hvm_xen_map(int vm, const struct hvmod_xen_map_entry *map, u32 count)
{
	struct hvmod_xen_map arg = { .count = count, .addr = (unsigned long)map };

	return hvm_ioctl(vm, HVMOD_VM_XEN_MAP, &arg);
}

int hvm_xen_calls(int vm, struct hvmod_xen_call *calls, u32 *count)
{
	struct hvmod_xen_calls arg = { .count = *count, .addr = (unsigned long)calls };
	int ret = hvm_ioctl(vm, HVMOD_VM_XEN_CALLS, &arg);

	*count = arg.count;
	return ret;
}

int hvm_xen_bind(int vm, int kick, u32 *port)
{
	struct hvmod_xen_evtchn arg = { .flags = HVMOD_XEN_EVTCHN_ALLOC, .kick_fd = kick };
	int ret = hvm_ioctl(vm, HVMOD_VM_XEN_EVTCHN, &arg);

	if (!ret)
		*port = arg.port;
	return ret;
}

int hvm_xen_connect(int vm, u32 port, int kick)
{
	struct hvmod_xen_evtchn arg = { .port = port, .kick_fd = kick };

	return hvm_ioctl(vm, HVMOD_VM_XEN_EVTCHN, &arg);
}

int hvm_xen_disconnect(int vm, u32 port)
{
	struct hvmod_xen_evtchn arg = {
		.port = port, .flags = HVMOD_XEN_EVTCHN_UNBIND, .kick_fd = -1,
	};

	return hvm_ioctl(vm, HVMOD_VM_XEN_EVTCHN, &arg);
}

int hvm_xen_send(int vm, u32 port)
{
	struct hvmod_xen_send arg = { .port = port };

	return hvm_ioctl(vm, HVMOD_VM_XEN_SEND, &arg);
}

int hvm_xen_resume(int vm, bool reset)
{
	struct hvmod_xen_resume arg = { .flags = reset ? HVMOD_XEN_RESUME_RESET : 0 };

	return hvm_ioctl(vm, HVMOD_VM_XEN_RESUME, &arg);
}

int hvm_vcpu_create(int dev, int vm, u32 id, struct hvm_vcpu *vcpu, struct err *err)
{
	struct hvmod_vcpu_create arg = { .id = id };
	u64 size = 0;
	void *page;
	int ret;

	ret = hvm_cap(dev, HVMOD_CAP_RUN_SIZE, &size);
	if (ret < 0 || size < sizeof(struct hvmod_run))
		return err_set(err, EPROTO, "the module's run page is too small (%llu bytes)",
			       size);
	ret = hvm_ioctl(vm, HVMOD_VCPU_CREATE, &arg);
	if (ret < 0)
		return err_set(err, -ret, "cannot make vCPU %u: %s", id, strerror(-ret));
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ret, 0);
	if (page == MAP_FAILED) {
		int code = errno;

		close(ret);
		return err_set(err, code, "cannot map the run page of vCPU %u: %s", id,
			       strerror(code));
	}
	vcpu->fd = ret;
	vcpu->id = id;
	vcpu->run = page;
	vcpu->run_size = size;
	return 0;
}

void hvm_vcpu_destroy(struct hvm_vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

int hvm_vcpu_run(struct hvm_vcpu *vcpu)
{
	return hvm_ioctl(vcpu->fd, HVMOD_VCPU_RUN, NULL);
}

int hvm_vcpu_get_state(struct hvm_vcpu *vcpu, u32 id, void *data, u32 size)
{
	return hvm_state(vcpu->fd, HVMOD_VCPU_GET_STATE, id, data, size);
}

int hvm_vcpu_set_state(struct hvm_vcpu *vcpu, u32 id, const void *data, u32 size)
{
	return hvm_state(vcpu->fd, HVMOD_VCPU_SET_STATE, id, data, size);
}

static int hvm_msrs(int fd, unsigned long request, const struct hvmod_msr *msrs,
		    u32 count, u32 *done)
{
	struct hvmod_msrs arg = { .count = count, .msrs = hvm_addr(msrs) };
	int ret = hvm_ioctl(fd, request, &arg);

	if (done)
		*done = arg.count;
	return ret;
}

int hvm_vcpu_get_msrs(struct hvm_vcpu *vcpu, struct hvmod_msr *msrs, u32 count, u32 *done)
{
	return hvm_msrs(vcpu->fd, HVMOD_VCPU_GET_MSRS, msrs, count, done);
}

int hvm_vcpu_set_msrs(struct hvm_vcpu *vcpu, const struct hvmod_msr *msrs, u32 count,
		      u32 *done)
{
	return hvm_msrs(vcpu->fd, HVMOD_VCPU_SET_MSRS, msrs, count, done);
}

int hvm_vcpu_set_cpuid(struct hvm_vcpu *vcpu, const struct hvmod_cpuid_entry *entries,
		       u32 count)
{
	struct hvmod_cpuid arg = { .count = count, .entries = hvm_addr(entries) };

	return hvm_ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &arg);
}

int hvm_vcpu_nmi(struct hvm_vcpu *vcpu)
{
	return hvm_ioctl(vcpu->fd, HVMOD_VCPU_NMI, NULL);
}

int hvm_vcpu_stat(struct hvm_vcpu *vcpu, struct hvmod_vcpu_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
	return hvm_ioctl(vcpu->fd, HVMOD_VCPU_STAT, stat);
}

int hvm_vcpu_exits(struct hvm_vcpu *vcpu, struct hvmod_exit_record *records, u32 room)
{
	struct hvmod_exits arg = { .count = room, .addr = hvm_addr(records) };
	int ret = hvm_ioctl(vcpu->fd, HVMOD_VCPU_EXITS, &arg);

	if (ret < 0)
		return ret;
	return arg.count > room ? -EPROTO : (int)arg.count;
}
