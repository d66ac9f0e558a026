// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of each call fails once: the call says ENOMEM, or does without,
 * and the same call works afterwards.  It needs a kernel with fault injection;
 * one without skips it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define GPA		(64UL << 20)

static int nth_fd;

static void tell(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	hv_need(write(fd, line, strlen(line)) > 0);
	close(fd);
}

static void set_nth(u32 n)
{
	char line[16];

	snprintf(line, sizeof(line), "%u", n);
	hv_need(pwrite(nth_fd, line, strlen(line), 0) > 0);
}

/* Was there an nth allocation? */
static bool was_hit(void)
{
	char line[16] = "";

	hv_need(pread(nth_fd, line, sizeof(line) - 1, 0) > 0);
	set_nth(0);
	return atoi(line) == 0;
}

/*
 * Calls fn with the 1st, 2nd, ... allocation failing until it has no more; fn gives
 * 0 or -errno and undoes what it did.
 */
static void each(const char *name, int (*fn)(void *arg), void *arg)
{
	u32 n, wrong = 0, refused = 0;
	int ret;

	for (n = 1; n < 500; n++) {
		set_nth(n);
		ret = fn(arg);
		if (!was_hit())
			break;
		refused += ret == -ENOMEM;
		if (ret && ret != -ENOMEM) {
			tap_note("%s: allocation %u: %s", name, n, strerror(-ret));
			wrong++;
		}
	}
	tap_ok(!wrong && n < 500, "%s: %u allocations, %u of them refuse", name, n - 1, refused);
	tap_eq(ret, 0, "  and then it works");
}

static int make_vm(void *dev)
{
	struct hvmod_vm_create args = {
		.devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT,
	};
	int fd = ioctl(*(int *)dev, HVMOD_VM_CREATE, &args);
	int ret = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static u32 next_id = 1;

static int make_vcpu(void *arg)
{
	struct hv_vm *vm = arg;
	struct hvmod_vcpu_create args = { .id = next_id };
	int fd = ioctl(vm->fd, HVMOD_VCPU_CREATE, &args);
	int ret = fd < 0 ? -errno : 0;

	if (fd >= 0) {
		close(fd);
		next_id++;
	}
	return ret;
}

static int make_slot(void *arg)
{
	struct hv_vm *vm = arg;
	int ret = hv_set_memory(vm, HV_SLOT_FREE, HVMOD_MEM_LOG_DIRTY, GPA, vm->size, vm->mem);

	if (!ret)
		ret = hv_set_memory(vm, HV_SLOT_FREE, 0, 0, 0, NULL);
	if (ret) {
		/* The removal may be what failed: it must be possible. */
		set_nth(0);
		hv_set_memory(vm, HV_SLOT_FREE, 0, 0, 0, NULL);
	}
	return ret;
}

static volatile u64 address = GPA;

static void guest_touch(void)
{
	for (;;) {
		*(volatile u64 *)address = address;
		GUEST_SYNC(*(volatile u64 *)address);
	}
}

/* The first access to a page of a new slot: table pages, the page itself. */
static int touch(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	int ret = hv_run_once(vcpu);

	if (!ret && vcpu->run->exit_reason == HVMOD_EXIT_KILLED)
		return -EIO;
	address += 4096;
	return ret == -EINTR ? 0 : ret;
}

int main(void)
{
	struct hv_vcpu *vcpu;
	struct hv_vm *vm;
	int dev;

	nth_fd = open(FAIL_NTH, O_RDWR);
	if (nth_fd < 0)
		tap_skip_all("this host's kernel has no fault injection (CONFIG_FAULT_INJECTION)");
	tell(DEBUGFS "failslab/ignore-gfp-wait", "N");
	tell(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	tell(DEBUGFS "fail_page_alloc/min-order", "0");

	vm = hv_vm_new(4 << 20);
	dev = vm->dev;
	each("VM_CREATE", make_vm, &dev);
	each("VCPU_CREATE", make_vcpu, vm);
	each("SET_MEMORY", make_slot, vm);

	vcpu = hv_vcpu_new(vm, 0);
	hv_need(!hv_set_memory(vm, HV_SLOT_FREE, 0, GPA, 1 << 20, vm->mem + HV_FREE));
	hv_long_mode(vcpu, guest_touch);
	each("VCPU_RUN", touch, vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
