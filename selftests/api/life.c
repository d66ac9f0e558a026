// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: closed in any order, used by another process, out of numbers;
 * the run page; one vCPU and several threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv.h"

/* ---- the run page ---- */

static bool no_map(int fd, size_t size, int prot, int flags, off_t offset, int want)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return errno == want;
	munmap(p, size);
	return false;
}

static void test_run_page(struct hv_vm *vm)
{
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	int rw = PROT_READ | PROT_WRITE;
	struct hvmod_run *second;

	tap_ok(no_map(vcpu->fd, 8192, rw, MAP_SHARED, 0, EINVAL), "run page: two pages");
	tap_ok(no_map(vcpu->fd, 4096, rw, MAP_SHARED, 4096, EINVAL), "run page: offset 4096");
	tap_ok(no_map(vcpu->fd, 4096, rw, MAP_SHARED, 1L << 40, EINVAL), "run page: far offset");
	tap_ok(no_map(vcpu->fd, 4096, rw, MAP_PRIVATE, 0, EINVAL), "run page: private");
	tap_ok(no_map(vm->fd, 4096, rw, MAP_SHARED, 0, ENODEV), "a VM has no page");
	tap_ok(no_map(vm->dev, 4096, rw, MAP_SHARED, 0, ENODEV), "/dev/hvmod has no page");

	second = mmap(NULL, 4096, rw, MAP_SHARED, vcpu->fd, 0);
	hv_need(second != MAP_FAILED);
	second->io.port = 0x1234;
	tap_eq(vcpu->run->io.port, 0x1234, "two mappings are one page");
	tap_ok(mremap(second, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED, "it does not grow");
	munmap(second, 4096);
	hv_vcpu_free(vcpu);
}

/* ---- closing ---- */

enum { CLOSE_DEV, CLOSE_VM, CLOSE_VCPU, CLOSE_RUN, CLOSE_MEM, CLOSE_KINDS };

static void guest_nothing(void)
{
}

static void close_one(struct hv_vm *vm, struct hv_vcpu *vcpu, int what)
{
	switch (what) {
	case CLOSE_DEV:
		close(vm->dev);
		break;
	case CLOSE_VM:
		close(vm->fd);
		break;
	case CLOSE_VCPU:
		close(vcpu->fd);
		break;
	case CLOSE_RUN:
		munmap(vcpu->run, 4096);
		break;
	case CLOSE_MEM:
		munmap(vm->mem, vm->size);
		break;
	}
}

static void test_close_orders(void)
{
	int order[CLOSE_KINDS], used, n = 0, code, i, k;

	/* All permutations, as numbers in base CLOSE_KINDS. */
	for (code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
		struct hv_vcpu *vcpu;
		struct hv_vm *vm;

		used = 0;
		for (i = 0, k = code; i < CLOSE_KINDS; i++, k /= CLOSE_KINDS) {
			order[i] = k % CLOSE_KINDS;
			used |= 1 << order[i];
		}
		if (used != (1 << CLOSE_KINDS) - 1)
			continue;
		/* One of five runs: 120 guests take long in an emulator. */
		vm = hv_vm_new(1 << 20);
		vcpu = hv_vcpu_new(vm, 0);
		if (n % 5 == 0) {
			hv_long_mode(vcpu, guest_nothing);
			hv_need(hv_talk(vcpu) == HV_DONE);
		}
		for (i = 0; i < CLOSE_KINDS; i++)
			close_one(vm, vcpu, order[i]);
		free(vcpu);
		free(vm);
		n++;
	}
	tap_eq(n, 120, "closed in every order");
}

static void test_vcpu_outlives_vm(void)
{
	struct hv_vm *vm = hv_vm_new(1 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	close(vm->fd);
	hv_long_mode(vcpu, guest_nothing);
	hv_run_to_done(vcpu, "a vCPU runs when the VM's descriptor is closed");
	hv_vcpu_free(vcpu);
	vm->fd = -1;
	hv_vm_free(vm);
}

/* ---- vCPU numbers ---- */

static void test_vcpu_ids(struct hv_vm *vm)
{
	struct hvmod_vcpu_create args = { .id = HVMOD_MAX_VCPUS };
	struct rlimit old, low;
	int fd;

	tap_ioctl(vm->fd, HVMOD_VCPU_CREATE, &args, EINVAL, "vCPU id too large");
	args.id = ~0U;
	tap_ioctl(vm->fd, HVMOD_VCPU_CREATE, &args, EINVAL, "vCPU id, all bits");

	/* A failure leaves no vCPU behind. */
	args.id = 5;
	hv_need(!getrlimit(RLIMIT_NOFILE, &old));
	low = old;
	low.rlim_cur = 0;
	hv_need(!setrlimit(RLIMIT_NOFILE, &low));
	tap_ioctl(vm->fd, HVMOD_VCPU_CREATE, &args, EMFILE, "vCPU: no descriptor left");
	hv_need(!setrlimit(RLIMIT_NOFILE, &old));
	fd = ioctl(vm->fd, HVMOD_VCPU_CREATE, &args);
	tap_ok(fd >= 0, "and then there is one");
	tap_ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close on exec");
	tap_ioctl(vm->fd, HVMOD_VCPU_CREATE, &args, EEXIST, "vCPU id taken");
	close(fd);
	tap_ioctl(vm->fd, HVMOD_VCPU_CREATE, &args, EEXIST, "vCPU id taken, descriptor closed");
	args.id = HVMOD_MAX_VCPUS - 1;
	fd = ioctl(vm->fd, HVMOD_VCPU_CREATE, &args);
	tap_ok(fd >= 0, "the largest vCPU id");
	close(fd);
}

/* ---- another process ---- */

static int child_errno(int fd, unsigned long cmd)
{
	static u8 room[1024];
	int status;
	pid_t pid = fork();

	hv_need(pid >= 0);
	if (!pid)
		_exit(ioctl(fd, cmd, room) < 0 ? errno : 0);
	hv_need(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_fork(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	int status;
	pid_t pid;

	tap_eq(child_errno(vm->fd, HVMOD_VM_STAT), EIO, "child: VM call");
	tap_eq(child_errno(vm->fd, HVMOD_VM_SET_MEMORY), EIO, "child: SET_MEMORY");
	tap_eq(child_errno(vm->fd, HVMOD_VCPU_CREATE), EIO, "child: VCPU_CREATE");
	tap_eq(child_errno(vm->fd, _IO(HVMOD_IOC_TYPE, 99)), ENOTTY, "child: unknown call");
	tap_eq(child_errno(vcpu->fd, HVMOD_VCPU_STAT), EIO, "child: vCPU call");
	tap_eq(child_errno(vcpu->fd, HVMOD_VCPU_RUN), EIO, "child: RUN");

	pid = fork();
	hv_need(pid >= 0);
	if (!pid) {
		void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 0);

		_exit(p == MAP_FAILED ? errno : 0);
	}
	hv_need(waitpid(pid, &status, 0) == pid);
	tap_eq(WEXITSTATUS(status), EIO, "child: mmap");

	hv_long_mode(vcpu, guest_nothing);
	hv_run_to_done(vcpu, "the parent goes on");
}

/* ---- threads ---- */

static volatile u64 spinning, stop;

static void guest_spin(void)
{
	spinning = 1;
	while (!stop)
		asm volatile("pause");
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

static void on_signal(int sig)
{
}

static void test_busy(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hvmod_regs regs;
	struct hvmod_vcpu_stat stat;
	pthread_t thread;
	void *result;

	spinning = 0;
	stop = 0;
	hv_long_mode(vcpu, guest_spin);
	hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
	while (!spinning)
		usleep(1000);

	tap_eq(hv_run_once(vcpu), -EBUSY, "RUN of a running vCPU");
	tap_eq(hv_get(vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)), -EBUSY,
	       "GET_STATE of a running vCPU");
	tap_eq(hv_set(vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)), -EBUSY,
	       "SET_STATE of a running vCPU");
	tap_ioctl(vcpu->fd, HVMOD_VCPU_STAT, &stat, 0, "STAT of a running vCPU");
	stop = 1;
	pthread_join(thread, &result);
	tap_eq((long)result, HV_DONE, "the guest saw the host's store and ended");
	tap_eq(hv_get(vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)), 0, "GET_STATE afterwards");
}

static volatile int interrupted;

/* HVMOD_EXIT_NONE says to run again: a signal before that was not for RUN. */
static void *interrupted_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	long ret;

	do {
		ret = hv_run_once(vcpu);
	} while (!ret && vcpu->run->exit_reason == HVMOD_EXIT_NONE);
	interrupted = 1;
	return (void *)ret;
}

static void test_signals(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	void *result;

	hv_need(!sigaction(SIGUSR1, &action, NULL));
	spinning = 0;
	stop = 0;
	hv_long_mode(vcpu, guest_spin);
	vcpu->run->immediate_exit = 1;
	tap_eq(hv_run_once(vcpu), -EINTR, "immediate_exit");
	tap_eq(spinning, 0, "before the first instruction");
	vcpu->run->immediate_exit = 0;

	hv_need(!pthread_create(&thread, NULL, interrupted_thread, vcpu));
	while (!spinning)
		usleep(1000);
	while (!interrupted) {
		pthread_kill(thread, SIGUSR1);
		usleep(1000);
	}
	pthread_join(thread, &result);
	tap_eq((long)result, -EINTR, "a signal ends RUN");
	stop = 1;
	hv_run_to_done(vcpu, "and the next RUN goes on");
}

int main(void)
{
	struct hv_vcpu *vcpu;
	struct hv_vm *vm;

	vm = hv_vm_new(1 << 20);
	test_run_page(vm);
	test_vcpu_ids(vm);
	hv_vm_free(vm);

	vm = hv_vm_new(1 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	test_fork(vm, vcpu);
	test_busy(vm, vcpu);
	test_signals(vm, vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);

	test_vcpu_outlives_vm();
	test_close_orders();
	return tap_finish();
}
