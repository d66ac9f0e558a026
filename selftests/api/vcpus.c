// SPDX-License-Identifier: GPL-2.0
/*
 * More vCPUs than eight bits can name: 300 and the last possible one are made,
 * those above 254 are reached in x2APIC mode by id, by logical id and by a
 * start-up message, and cannot be reached in xAPIC mode.  Only a few of them run.
 */
#include <pthread.h>

#include "../x86/guest.h"

#define VCPUS		300
#define LAST		(HVMOD_MAX_VCPUS - 1)
#define VECTOR		0x61
#define SIPI_PAGE	0x10UL
#define PORT_SIPI	0xec
#define ICR		0x830
#define ICR_LOGICAL	0x800
#define ICR_OTHERS	0xc0000
#define MODE_NMI	0x400
#define MODE_INIT	0x4500
#define MODE_SIPI	0x4600

static const u32 running[] = { 254, 255, 256, VCPUS - 1 };
#define RUNNING		ARRAY_SIZE(running)

static volatile u64 ready, got[VCPUS], nmis[VCPUS], done;

static u32 my_id(void)
{
	return guest_rdmsr(0x802);
}

static void on_vector(struct hv_frame *f)
{
	got[my_id()]++;
	guest_wrmsr(0x80b, 0);
}

static void on_nmi(struct hv_frame *f)
{
	nmis[my_id()]++;
}

static void to_x2apic(void)
{
	guest_wrmsr(MSR_APIC_BASE, guest_rdmsr(MSR_APIC_BASE) | 0xc00);
	guest_wrmsr(0x80f, 0x1ff);
}

static void guest_other(void)
{
	to_x2apic();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!done)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void send(u32 dest, u32 icr)
{
	guest_wrmsr(ICR, (u64)dest << 32 | icr);
}

static void guest_sender(void)
{
	u32 i, id;

	guest_on_vector(VECTOR, on_vector);
	guest_on_vector(2, on_nmi);
	to_x2apic();
	GUEST_ASSERT(guest_wait(&ready, RUNNING));
	for (i = 0; i < RUNNING; i++) {
		id = running[i];
		send(id, VECTOR);
		GUEST_ASSERT(guest_wait(&got[id], 1));
		send((id >> 4) << 16 | 1U << (id & 15), ICR_LOGICAL | VECTOR);
		GUEST_ASSERT(guest_wait(&got[id], 2));
		send(id, MODE_NMI);
		GUEST_ASSERT(guest_wait(&nmis[id], 1));
	}
	send(0, ICR_OTHERS | VECTOR);
	for (i = 0; i < RUNNING; i++)
		GUEST_ASSERT(guest_wait(&got[running[i]], 3));
	for (i = 0; i < RUNNING; i++)
		GUEST_EQ(nmis[running[i]], 1);
	done = 1;
	send(0, ICR_OTHERS | VECTOR);
}

/* One that waits for it starts; its id does not fit into the xAPIC's register. */
static void guest_start(void)
{
	send(VCPUS - 2, MODE_INIT);
	send(VCPUS - 2, MODE_SIPI | SIPI_PAGE);
}

static void *thread(void *arg)
{
	return (void *)(uintptr_t)(hv_talk(arg) == HV_DONE);
}

static void test_interrupts(struct hv_vcpu *vcpu[VCPUS])
{
	pthread_t threads[RUNNING];
	u32 i, ended = 0;
	void *result;

	for (i = 0; i < RUNNING; i++) {
		x86_start(vcpu[running[i]], guest_other);
		hv_need(!pthread_create(&threads[i], NULL, thread, vcpu[running[i]]));
	}
	x86_start(vcpu[0], guest_sender);
	if (!hv_run_to_done(vcpu[0], "interrupts and NMIs to vCPUs above 254"))
		exit(tap_finish());
	for (i = 0; i < RUNNING; i++) {
		pthread_join(threads[i], &result);
		ended += !!result;
	}
	tap_eq(ended, RUNNING, "they end");
}

static void test_start(struct hv_vm *vm, struct hv_vcpu *vcpu[VCPUS])
{
	/* out %al, $PORT_SIPI; hlt */
	static const u8 code[] = { 0xe6, PORT_SIPI, 0xf4 };
	struct hv_vcpu *other = vcpu[VCPUS - 2];

	memcpy(vm->mem + (SIPI_PAGE << 12), code, sizeof(code));
	x86_start(vcpu[0], guest_start);
	hv_run_to_done(vcpu[0], "INIT and SIPI are sent");
	tap_ok(x86_ends(other) == HVMOD_EXIT_IO && other->run->io.port == PORT_SIPI,
	       "a vCPU above 254 starts");
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(32 << 20);
	static struct hv_vcpu *vcpu[VCPUS];
	struct hvmod_vm_stat stat;
	struct hv_vcpu *last;
	u32 i;

	for (i = 0; i < VCPUS; i++)
		vcpu[i] = hv_vcpu_new(vm, i);
	last = hv_vcpu_new(vm, LAST);
	hv_need(!ioctl(vm->fd, HVMOD_VM_STAT, &stat));
	tap_eq(stat.vcpus, VCPUS + 1, "300 vCPUs, and the last one");
	test_interrupts(vcpu);
	test_start(vm, vcpu);
	hv_vcpu_free(last);
	for (i = 0; i < VCPUS; i++)
		hv_vcpu_free(vcpu[i]);
	hv_vm_free(vm);
	return tap_finish();
}
