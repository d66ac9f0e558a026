// SPDX-License-Identifier: GPL-2.0
/*
 * A CPU goes offline and comes online while vCPUs run on it, block, exit and
 * have their state read: no guest notices.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "hv.h"

#define ONLINE	"/sys/devices/system/cpu/cpu1/online"
#define VCPUS	3
#define TIMES	10

static struct hv_vcpu *vcpus[VCPUS];
static pthread_t threads[VCPUS];
static volatile u64 stop, rounds[VCPUS];

/* vCPU 0 never leaves the guest, 1 exits all the time, 2 faults pages in. */
static void guest_run(u64 arg)
{
	volatile u64 *p = (volatile u64 *)(HV_FREE + 0x10000);
	u64 n = 0;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop) {
		n++;
		if (arg == 1) {
			asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
			GUEST_SYNC(n);
		}
		if (arg == 2)
			GUEST_EQ(p[n % 64 * 512], 0);
		rounds[arg] = n;
	}
	GUEST_DONE();
}

/* Prefers CPU 1, as long as it is there. */
static void to_cpu1(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *run_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	enum hv_what what;
	u64 n = 0;

	to_cpu1();
	while ((what = hv_talk(vcpu)) == HV_SYNC) {
		/* The registers are the guest's, wherever they were read. */
		if (vcpu->value != ++n)
			return (void *)(long)-1;
		if (n % 16 == 0)
			to_cpu1();
	}
	return (void *)(long)what;
}

static bool set_online(const char *value)
{
	FILE *f = fopen(ONLINE, "w");
	bool ok;

	if (!f)
		return false;
	ok = fputs(value, f) >= 0;
	return !fclose(f) && ok;
}

static bool all_go_on(void)
{
	u64 until[VCPUS];
	u32 i, k;

	for (i = 0; i < VCPUS; i++)
		until[i] = rounds[i] + 3;
	for (i = 0; i < VCPUS; i++) {
		for (k = 0; k < 20000 && rounds[i] < until[i]; k++)
			usleep(500);
		if (k == 20000)
			return false;
	}
	return true;
}

int main(void)
{
	struct hv_vm *vm;
	u32 i, failed = 0, stuck = 0;
	void *result;

	if (access(ONLINE, W_OK))
		tap_skip_all("one CPU only, or not as root");
	vm = hv_vm_new(1 << 20);
	for (i = 0; i < VCPUS; i++) {
		vcpus[i] = hv_vcpu_new(vm, i);
		hv_long_mode_arg(vcpus[i], guest_run, i);
		hv_need(!pthread_create(&threads[i], NULL, run_thread, vcpus[i]));
	}
	stuck += !all_go_on();
	for (i = 0; i < TIMES; i++) {
		failed += !set_online("0");
		stuck += !all_go_on();
		failed += !set_online("1");
		stuck += !all_go_on();
	}
	tap_eq(failed, 0, "CPU 1 goes and comes");
	tap_eq(stuck, 0, "every vCPU goes on each time");
	stop = 1;
	for (i = 0; i < VCPUS; i++) {
		pthread_join(threads[i], &result);
		if (!tap_eq((long)result, HV_DONE, "a guest ends as it should"))
			hv_note_exit(vcpus[i]);
		hv_vcpu_free(vcpus[i]);
	}
	/* Made, and freed, while the CPU that they were on is away. */
	vcpus[0] = hv_vcpu_new(vm, 10);
	hv_need(set_online("0"));
	hv_vcpu_free(vcpus[0]);
	hv_vm_free(vm);
	hv_need(set_online("1"));
	tap_ok(true, "a VM is freed with a CPU offline");
	return tap_finish();
}
