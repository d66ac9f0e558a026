// SPDX-License-Identifier: GPL-2.0
/*
 * Storms of events, by both ABIs: between two vCPUs, both ways, and from guest to
 * launcher and back; with the argument 1 10^6 in all by each of them, without one a
 * twentieth of that.
 *
 * A sender sends a burst of events by a port, and uses the port again only when the
 * receiver has seen as many as were sent.  A burst of one has to come, once: one
 * that is lost stops the storm, one too many is found by the receiver.  Events of
 * longer bursts may merge, but the last one has to come after the others: if it is
 * lost, the storm stops.  To the launcher a counter goes, which has to agree at the
 * end.
 *
 * An event that interrupts costs thousands of instructions on both sides: too many
 * for 10^6 in an emulator.  So most of those between vCPUs go one by one by masked
 * ports with the two-level ABI, whose bits the receiver polls, and in bursts with
 * the FIFO ABI, where the kernel merges what it has not written yet.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "guest.h"

#define PORTS	64	/* of one storm */
#define BURST	32

/* Events of each storm; 10^6 for an ABI with those one by one, in both directions. */
#define ALONE	5000
#define BETWEEN	300000		/* vCPUs, each way */
#define TO	300000		/* the launcher */
#define FROM	90000

/* One direction: who sends what to whom. */
struct flow {
	u32 port[PORTS];
	volatile u32 sent[PORTS];
	volatile u32 seen[PORTS];	/* written by the receiver */
	volatile u64 done;
	volatile u64 twice;		/* events that nobody sent */
};

static struct flow flow[2];		/* to vCPU 0, to vCPU 1 */
static u64 events;			/* in each direction */
static u32 burst;
static u8 owner[4096];			/* of a port: which flow + 1 */
static u8 slot[4096];

static u32 words[1024] __attribute__((aligned(4096)));
static struct fifo_control control[2] __attribute__((aligned(4096)));
static struct fifo fifo[2];
static bool by_fifo, polled;
static volatile u32 ready;
static u64 to_back;
static volatile bool finished;
static struct hvmod_xen_send send[PORTS];

static void saw(u32 port)
{
	struct flow *f = &flow[owner[port] - 1];
	u32 i = slot[port], sent = f->sent[i];

	/* More of a burst may have come when it was seen; of one event nothing. */
	if (burst == 1 && sent != f->seen[i] + 1)
		f->twice++;
	f->done += sent - f->seen[i];
	f->seen[i] = sent;
}

static u32 self(void)
{
	return guest_rdmsr(0x802);	/* x2APIC id */
}

/* The events for a vCPU in a word of the two-level ABI. */
static void take_word(u32 word, u32 me)
{
	u64 bits = SHINFO->pending[word];

	for (; bits; bits &= bits - 1) {
		u32 port = word * 64 + __builtin_ctzl(bits);

		if (owner[port] != me + 1)
			continue;
		__atomic_fetch_and(&SHINFO->pending[word], ~(1UL << port % 64), __ATOMIC_SEQ_CST);
		saw(port);
	}
}

static void on_event(struct hv_frame *frame)
{
	u32 me = self();	/* an exit: once */
	volatile struct xen_vcpu_info *info = &SHINFO->vcpu[me];
	u64 sel;

	info->upcall_pending = 0;
	if (by_fifo) {
		fifo_consume(&fifo[me], saw);
		guest_eoi();
		return;
	}
	sel = __atomic_exchange_n(&info->pending_sel, 0, __ATOMIC_SEQ_CST);
	for (; sel; sel &= sel - 1)
		take_word(__builtin_ctzl(sel), me);
	guest_eoi();
}

static void send_all(struct flow *to)
{
	u64 left = events, spins = 0;
	bool moved;
	u32 i, k;

	while (left) {
		moved = false;
		for (i = 0; i < PORTS && left; i++) {
			if (to->seen[i] != to->sent[i])
				continue;
			for (k = 0; k < burst && left; k++, left--) {
				to->sent[i]++;
				GUEST_EQ(evtchn_port(EVTCHN_SEND, to->port[i]), 0);
			}
			moved = true;
		}
		if (moved)
			spins = 0;
		else if (++spins % 64)
			asm volatile("pause");
		else
			sched_op(SCHED_YIELD, 0);
	}
}

/* A port of each flow; vCPU 0 makes them all. */
static void make_ports(struct flow *f, u32 vcpu, bool from_back)
{
	u32 i, port;

	f->done = 0;
	f->twice = 0;
	for (i = 0; i < PORTS; i++) {
		port = from_back ? alloc_unbound(0) : bind_ipi(vcpu);
		f->port[i] = port;
		f->sent[i] = 0;
		f->seen[i] = 0;
		owner[port] = f - flow + 1;
		slot[port] = i;
		if (by_fifo)
			GUEST_EQ(evtchn_port(EVTCHN_UNMASK, port), 0);
		if (polled)
			SHINFO->mask[port / 64] |= 1UL << port % 64;
	}
}

static void use_fifo(void)
{
	u32 i, k;

	for (i = 0; i < 2; i++) {
		fifo[i].control = &control[i];
		fifo[i].array = words;
		control[i].ready = 0;
		for (k = 0; k < 16; k++)
			fifo[i].head[k] = 0;
	}
	for (i = 0; i < 1024; i++)
		words[i] = 1U << FIFO_MASKED;
	GUEST_EQ(fifo_init_control(0, (u64)&control[0]), 0);
	GUEST_EQ(fifo_init_control(1, (u64)&control[1]), 0);
	GUEST_EQ(fifo_expand((u64)words >> 12), 0);
}

static void start(void)
{
	struct { u16 dom; } reset = { DOMID_SELF };

	GUEST_EQ(evtchn_op(EVTCHN_RESET, &reset), 0);
	guest_on_vector(UPCALL_VECTOR, on_event);
	map_shinfo();
	use_upcalls(0);
	SHINFO->vcpu[0].upcall_pending = 0;
	SHINFO->vcpu[1].upcall_pending = 0;
	if (by_fifo)
		use_fifo();
}

/* ---- between vCPUs ---- */

/* Masked: both send and look, and nobody is interrupted. */
static void storm_polled(u32 me)
{
	struct flow *to = &flow[!me], *from = &flow[me];
	u64 left = events, looks = 0;
	u32 i, word;

	while (left || from->done < events) {
		for (i = 0; i < PORTS && left; i++) {
			if (to->seen[i] != to->sent[i])
				continue;
			to->sent[i]++;
			GUEST_EQ(evtchn_port(EVTCHN_SEND, to->port[i]), 0);
			left--;
		}
		for (word = 0; word <= (PORTS * 2 + 8) / 64; word++)
			take_word(word, me);
		if (++looks % 64 == 0)
			sched_op(SCHED_YIELD, 0);
	}
}

static void storm(u32 me)
{
	struct flow *to = &flow[!me], *from = &flow[me];

	use_upcalls(me);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (ready < 2)
		sched_op(SCHED_YIELD, 0);
	if (polled) {
		storm_polled(me);
		return;
	}
	asm volatile("sti");
	send_all(to);
	/* The rest comes while we sleep. */
	for (;;) {
		asm volatile("cli");
		if (from->done >= events)
			break;
		asm volatile("sti; hlt");
	}
	GUEST_EQ(from->done, events);
	GUEST_EQ(from->twice, 0);
}

static void guest_vcpus(void)
{
	start();
	make_ports(&flow[0], 0, false);
	make_ports(&flow[1], 1, false);
	GUEST_SYNC(0);
	storm(0);
	/* The other one has to get through, too. */
	while (!finished)
		sched_op(SCHED_YIELD, 0);
	GUEST_EQ(flow[0].twice + flow[1].twice, 0);
}

static void guest_second(void)
{
	storm(1);
	finished = true;
	for (;;)
		asm volatile("sti; hlt");
}

/* ---- to the back end and back ---- */

static void guest_back(void)
{
	start();
	make_ports(&flow[0], 0, true);
	GUEST_SYNC(0);
	asm volatile("sti");
	for (u64 i = 0; i < to_back; i++)
		GUEST_EQ(evtchn_port(EVTCHN_SEND, flow[0].port[i % PORTS]), 0);
	GUEST_SYNC(1);
	for (;;) {
		asm volatile("cli");
		if (flow[0].done >= events)
			break;
		asm volatile("sti; hlt");
	}
	GUEST_EQ(flow[0].done, events);
	GUEST_EQ(flow[0].twice, 0);
}

static void *back_end(void *arg)
{
	struct flow *f = &flow[0];
	struct hv_vm *vm = arg;
	u64 left = events;
	bool moved;
	u32 i, k;

	while (left) {
		moved = false;
		for (i = 0; i < PORTS && left; i++) {
			if (f->seen[i] != f->sent[i])
				continue;
			for (k = 0; k < burst && left; k++, left--) {
				f->sent[i]++;
				hv_need(!ioctl(vm->fd, HVMOD_VM_XEN_SEND, &send[i]));
			}
			moved = true;
		}
		if (!moved)
			sched_yield();
	}
	return NULL;
}

static void test_back(struct hv_vm *vm, struct hv_vcpu *vcpu, const char *abi)
{
	struct hvmod_xen_evtchn bind = { 0 };
	u64 count = 0, sum = 0, was;
	pthread_t thread;
	u32 i;

	hv_long_mode(vcpu, guest_back);
	if (!tap_ok(hv_talk(vcpu) == HV_SYNC, "%s: ports for the back end", abi))
		return;
	bind.kick_fd = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < PORTS; i++) {
		bind.port = flow[0].port[i];
		send[i].port = bind.port;
		hv_need(!ioctl(vm->fd, HVMOD_VM_XEN_EVTCHN, &bind));
	}
	was = guest_rdtsc();
	hv_need(!pthread_create(&thread, NULL, back_end, vm));
	tap_ok(hv_talk(vcpu) == HV_SYNC, "%s: the guest sent all of its own", abi);
	while (read(bind.kick_fd, &count, sizeof(count)) == sizeof(count))
		sum += count;
	tap_eq(sum, to_back, "the eventfd counted every one of them");
	hv_run_to_done(vcpu, "the guest saw each of the back end's, once");
	tap_note("%llu cycles an event", (long long)(guest_rdtsc() - was) / (events + to_back));
	pthread_join(thread, NULL);
	close(bind.kick_fd);
}

static void test_vcpus(struct hv_vcpu *vcpu, struct hv_vcpu *second, const char *abi)
{
	struct ap_thread ap;
	u64 was;

	ready = 0;
	finished = false;
	hv_long_mode(vcpu, guest_vcpus);
	if (!tap_ok(hv_talk(vcpu) == HV_SYNC, "%s: ports between vCPUs", abi))
		return;
	hv_long_mode(second, guest_second);
	ap_start(&ap, second);
	was = guest_rdtsc();
	hv_run_to_done(vcpu, "each event was seen, once");
	tap_note("%llu cycles an event", (long long)(guest_rdtsc() - was) / (events * 2));
	tap_eq(flow[0].done, events, "vCPU 0 saw all");
	tap_eq(flow[1].done, events, "vCPU 1 saw all");
	tap_eq(flow[1].twice, 0, "vCPU 1 saw none twice");
	ap_stop(&ap);
}

int main(int argc, char **argv)
{
	struct hv_vm *vm = hv_xen_vm(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0), *second = hv_vcpu_new(vm, 1);

	u64 part = argc > 1 ? strtoull(argv[1], NULL, 0) : 20;

	for (int i = 0; i < 2; i++) {
		const char *abi = i ? "FIFO" : "two-level";

		by_fifo = i;
		burst = 1;
		events = ALONE / part;
		test_vcpus(vcpu, second, abi);
		events = BETWEEN / part;
		polled = !by_fifo;
		burst = polled ? 1 : BURST;
		test_vcpus(vcpu, second, abi);
		polled = false;
		burst = BURST;
		events = FROM / part;
		to_back = TO / part;
		test_back(vm, vcpu, abi);
	}
	hv_vcpu_free(second);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
