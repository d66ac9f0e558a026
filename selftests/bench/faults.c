// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of several vCPUs at once: each touches pages of its own, which the host
 * has, in one slot.  Prints the ticks of one fault, by how many vCPUs make them; on a
 * host with one CPU they are instructions, with more they show who waits for whom.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "hv.h"

#define PAGES		4096UL		/* a vCPU */
#define MAX_VCPUS	4
#define AREA		0x80000000UL
#define SLOT_AREA	HV_SLOT_FREE

static u64 begin[MAX_VCPUS], end[MAX_VCPUS];

static void guest_touch(u64 id)
{
	volatile u32 *p = (void *)(AREA + id * PAGES * 4096);
	u64 i;

	begin[id] = guest_rdtsc();
	for (i = 0; i < PAGES; i++)
		p[i * 1024] = i;
	end[id] = guest_rdtsc();
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

/* Ticks of a fault; with several vCPUs all of them are in the time of each. */
static u64 measure(u32 vcpus)
{
	struct hv_vm *vm = hv_vm_new(1 << 20);
	size_t size = vcpus * PAGES * 4096;
	struct hv_vcpu *vcpu[MAX_VCPUS];
	pthread_t thread[MAX_VCPUS];
	struct hvmod_vm_stat stat;
	u64 first = ~0ULL, last = 0;
	void *area, *what;
	u32 i;

	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hv_need(area != MAP_FAILED);
	hv_need(!madvise(area, size, MADV_NOHUGEPAGE));
	memset(area, 0x5a, size);
	hv_need(!hv_set_memory(vm, SLOT_AREA, 0, AREA, size, area));
	for (i = 0; i < vcpus; i++) {
		vcpu[i] = hv_vcpu_new(vm, i);
		hv_long_mode_arg(vcpu[i], guest_touch, i);
	}
	for (i = 0; i < vcpus; i++)
		hv_need(!pthread_create(&thread[i], NULL, run_thread, vcpu[i]));
	for (i = 0; i < vcpus; i++) {
		pthread_join(thread[i], &what);
		tap_eq((long)what, HV_DONE, "the vCPU touches its pages");
		if (begin[i] < first)
			first = begin[i];
		if (end[i] > last)
			last = end[i];
	}
	hv_need(!ioctl(vm->fd, HVMOD_VM_STAT, &stat));
	tap_ok(stat.ept_faults >= vcpus * PAGES, "a fault for each page");
	for (i = 0; i < vcpus; i++)
		hv_vcpu_free(vcpu[i]);
	hv_vm_free(vm);
	munmap(area, size);
	return (last - first) / (vcpus * PAGES);
}

int main(int argc, char **argv)
{
	u32 vcpus;

	for (vcpus = 1; vcpus <= MAX_VCPUS; vcpus *= 2) {
		unsigned long long ticks = measure(vcpus);

		printf("BENCH {\"bench\": \"faults\", \"name\": \"%u\", ", vcpus);
		printf("\"title\": \"EPT fault, %u vCPUs at once\", ", vcpus);
		printf("\"value\": %llu, \"unit\": \"ticks\"}\n", ticks);
	}
	return tap_finish();
}
