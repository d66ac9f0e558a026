// SPDX-License-Identifier: GPL-2.0
/*
 * Event-channel sends of several vCPUs at once, each on a port of its own to
 * itself.  Prints the ticks of one send, by how many vCPUs make them; on a host with
 * one CPU they are instructions, with more they show who waits for whom.
 */
#include <pthread.h>

#include "xen/guest.h"

#define SENDS		20000UL		/* a vCPU */
#define MAX_VCPUS	4

static u64 begin[MAX_VCPUS], end[MAX_VCPUS];

static void guest_map(void)
{
	map_shinfo();
	GUEST_DONE();
}

static void guest_send(u64 id)
{
	u32 port = bind_ipi(id);
	u64 i;

	begin[id] = guest_rdtsc();
	for (i = 0; i < SENDS; i++) {
		GUEST_EQ(evtchn_port(EVTCHN_SEND, port), 0);
		__atomic_fetch_and(&SHINFO->pending[port / 64], ~(1UL << port % 64),
				   __ATOMIC_SEQ_CST);
		SHINFO->vcpu[id].pending_sel = 0;
		SHINFO->vcpu[id].upcall_pending = 0;
	}
	end[id] = guest_rdtsc();
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

/* Ticks of a send; with several vCPUs all of them are in the time of each. */
static u64 measure(u32 vcpus)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu[MAX_VCPUS];
	pthread_t thread[MAX_VCPUS];
	u64 first = ~0ULL, last = 0;
	void *what;
	u32 i;

	for (i = 0; i < vcpus; i++)
		vcpu[i] = hv_vcpu_new(vm, i);
	hv_long_mode(vcpu[0], guest_map);
	hv_run_to_done(vcpu[0], "shared_info is mapped");
	for (i = 0; i < vcpus; i++)
		hv_long_mode_arg(vcpu[i], guest_send, i);
	for (i = 0; i < vcpus; i++)
		hv_need(!pthread_create(&thread[i], NULL, run_thread, vcpu[i]));
	for (i = 0; i < vcpus; i++) {
		pthread_join(thread[i], &what);
		tap_eq((long)what, HV_DONE, "the vCPU sends its events");
		if (begin[i] < first)
			first = begin[i];
		if (end[i] > last)
			last = end[i];
	}
	for (i = 0; i < vcpus; i++)
		hv_vcpu_free(vcpu[i]);
	hv_vm_free(vm);
	return (last - first) / (vcpus * SENDS);
}

int main(int argc, char **argv)
{
	u32 vcpus;

	for (vcpus = 1; vcpus <= MAX_VCPUS; vcpus *= 2) {
		unsigned long long ticks = measure(vcpus);

		printf("BENCH {\"bench\": \"sends\", \"name\": \"%u\", ", vcpus);
		printf("\"title\": \"event-channel send, %u vCPUs at once\", ", vcpus);
		printf("\"value\": %llu, \"unit\": \"ticks\"}\n", ticks);
	}
	return tap_finish();
}
