// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that is busy for ever, on as many vCPUs as the argument says (two):
 * loops without exits, exits, page faults, HLT.  Scripts start it to have a
 * guest in the way of what they do; it says "busy" when every vCPU has run.
 * It ends by being killed.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define MAX_VCPUS	8
#define PAGES		256

static volatile u64 rounds[MAX_VCPUS];

static void guest_busy(u64 arg)
{
	volatile u64 *memory = (volatile u64 *)(HV_FREE + 0x10000);
	u64 i, k;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	for (i = 0;; i++) {
		for (k = 0; k < 1000; k++)
			memory[(i + k) % PAGES * 512 + arg]++;
		asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
		if (i % 16 == arg)
			GUEST_SYNC(i);
		rounds[arg] = i + 1;
	}
}

static void *run_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;

	while (hv_talk(vcpu) == HV_SYNC)
		;
	/* What takes VMX away says so: not a line of this test's. */
	return NULL;
}

int main(int argc, char **argv)
{
	u32 vcpus = argc > 1 ? atoi(argv[1]) : 2, i;
	struct hv_vm *vm = hv_vm_new(4 << 20);
	pthread_t thread;

	hv_need(vcpus >= 1 && vcpus <= MAX_VCPUS);
	for (i = 0; i < vcpus; i++) {
		struct hv_vcpu *vcpu = hv_vcpu_new(vm, i);

		hv_long_mode_arg(vcpu, guest_busy, i);
		hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
	}
	for (i = 0; i < vcpus; i++) {
		while (!rounds[i])
			usleep(1000);
	}
	puts("busy");
	fflush(stdout);
	/* The host takes pages away all the time. */
	for (i = 0;; i++) {
		madvise(vm->mem + HV_FREE + 0x10000 + i % PAGES * 4096, 4096, MADV_DONTNEED);
		usleep(500);
	}
}
