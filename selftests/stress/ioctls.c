// SPDX-License-Identifier: GPL-2.0
/*
 * Every call with random arguments, from several threads at once, on VMs that
 * another thread makes and closes: each gives an errno of the API's, nothing is
 * left.  api/ asks the calls one by one what they say.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define CALLERS		4
#define VMS		3
#define VCPUS		2
#define POOL		(4UL << 20)	/* what slots may show */
#define SCRATCH		16384
#define AROUND		(1UL << 32)	/* what one wrong bit of an address reaches */
#define RESET_SIZE	65536UL	/* of the slot with the reset vector */

/* Descriptors that come and go; -1: none now. */
static volatile int vm_fds[VMS], vcpu_fds[VMS][VCPUS], event_fds[4], dev_fd;
static volatile bool stop;
static u8 *pool;
static u64 calls_made;

static const struct {
	u32 cmd;
	u16 size;
} calls[] = {
#define CALL(n)	{ HVMOD_##n, _IOC_SIZE(HVMOD_##n) }
	CALL(GET_VERSION), CALL(CHECK_CAP), CALL(GET_CPUID), CALL(GET_MSR_LIST),
	CALL(VM_SET_MEMORY), CALL(VM_SET_MEMORY), CALL(VM_GET_DIRTY), CALL(VM_IRQ_LINE),
	CALL(VM_MSI), CALL(VM_IRQFD), CALL(VM_IOEVENTFD), CALL(VM_GET_STATE), CALL(VM_SET_STATE),
	CALL(VM_STAT), CALL(VCPU_RUN), CALL(VCPU_RUN), CALL(VCPU_GET_STATE),
	CALL(VCPU_SET_STATE), CALL(VCPU_GET_MSRS), CALL(VCPU_SET_MSRS), CALL(VCPU_SET_CPUID),
	CALL(VCPU_NMI), CALL(VCPU_STAT), CALL(VCPU_EXITS), CALL(VM_XEN_PARAM),
	CALL(VM_XEN_EVTCHN), CALL(VM_XEN_SEND), CALL(VM_XEN_CALLS), CALL(VM_XEN_MEMORY),
	CALL(VM_XEN_MAP),
};

static const int allowed[] = {
	0, EINVAL, EFAULT, ENOTTY, EBADF, EEXIST, ENOENT, ENOSPC, EBUSY, EINTR, EIO, ENODEV,
	ENOMEM, EMFILE, E2BIG, EOPNOTSUPP,
};

static u64 seen[ARRAY_SIZE(allowed)];

struct caller {
	pthread_t thread;
	u64 rng;
	u8 *scratch;
	u32 wrong;
};

static u64 rng(struct caller *c)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 7;
	c->rng ^= c->rng << 17;
	return c->rng;
}

/* ---- arguments: likely right, in one member perhaps not ---- */

static const u32 vm_size[] = {
	sizeof(struct hvmod_pic), sizeof(struct hvmod_ioapic), sizeof(struct hvmod_pit),
};

static u32 vcpu_size[] = {
	sizeof(struct hvmod_regs), sizeof(struct hvmod_sregs), 0 /* XSAVE: asked for */,
	sizeof(struct hvmod_debugregs), sizeof(struct hvmod_events), sizeof(struct hvmod_lapic),
	sizeof(struct hvmod_mp), sizeof(struct hvmod_tsc),
};

static void fill_vm(struct caller *c, u32 cmd, u64 *arg, u8 *room)
{
	u32 group;

	switch (cmd) {
	case HVMOD_VM_SET_MEMORY:
		arg[0] = rng(c) % 6 | (rng(c) % 4) << 32;
		arg[1] = rng(c) % 64 << 16;
		arg[2] = rng(c) % 3 ? (rng(c) % 64) << 16 : 0;
		arg[3] = (uintptr_t)pool + (rng(c) % 32 << 16);
		if (arg[2] > POOL - RESET_SIZE - (arg[3] - (uintptr_t)pool))
			arg[2] = 4096;
		break;
	case HVMOD_VM_GET_DIRTY:
		arg[0] = rng(c) % 6;
		arg[1] = rng(c) % 4 * 64;
		arg[2] = rng(c) % 8 * 64;
		arg[3] = (uintptr_t)room;
		break;
	case HVMOD_VM_IRQ_LINE:
		arg[0] = rng(c) % 25 | (rng(c) & 1) << 32;
		break;
	case HVMOD_VM_MSI:
		arg[0] = 0xfee00000 | (rng(c) & 0xff00c);
		arg[1] = rng(c) & 0xdfff;
		break;
	case HVMOD_VM_IRQFD:
		arg[0] = (u32)event_fds[rng(c) % 4] | (rng(c) % 8) << 32;
		arg[1] = rng(c) % 25;
		if (arg[0] >> 32 & HVMOD_IRQFD_RESAMPLE)
			arg[1] |= (u64)(u32)event_fds[rng(c) % 4] << 32;
		arg[2] = 0xfee00000;
		arg[3] = 0x40 + rng(c) % 64;
		break;
	case HVMOD_VM_IOEVENTFD:
		arg[0] = rng(c) % 4 * 2 + 0x500;
		arg[1] = rng(c) & 1;
		arg[2] = (rng(c) & 4) | (u64)(u32)event_fds[rng(c) % 4] << 32;
		arg[3] = rng(c) % 8;
		break;
	case HVMOD_VM_GET_STATE:
	case HVMOD_VM_SET_STATE:
		group = rng(c) % ARRAY_SIZE(vm_size);
		arg[0] = (HVMOD_STATE_PIC + group) | (u64)vm_size[group] << 32;
		arg[1] = (uintptr_t)room;
		break;
	}
}

static void fill_xen(struct caller *c, u32 cmd, u64 *arg, u8 *room)
{
	switch (cmd) {
	case HVMOD_VM_XEN_PARAM:
		arg[0] = rng(c) % 40 | (rng(c) & 1) << 32;
		arg[1] = rng(c) % 3 ? rng(c) & rng(c) : rng(c) % 1024;
		break;
	case HVMOD_VM_XEN_EVTCHN:
		arg[0] = rng(c) % 8 | (rng(c) % 4) << 32;
		arg[1] = (u32)(rng(c) & 1 ? event_fds[rng(c) % 4] : -1);
		break;
	case HVMOD_VM_XEN_SEND:
		arg[0] = rng(c) % 8;
		break;
	case HVMOD_VM_XEN_MEMORY:
		arg[0] = rng(c) % 8;
		arg[1] = rng(c) % 1024;
		arg[2] = rng(c) % 1024;
		arg[3] = rng(c) % 1024;
		arg[4] = rng(c) % 64;
		break;
	case HVMOD_VM_XEN_MAP:
	case HVMOD_VM_XEN_CALLS:
		arg[0] = rng(c) % 130;
		arg[1] = (uintptr_t)room;
		break;
	}
}

static void fill(struct caller *c, u32 cmd, u64 *arg)
{
	u8 *room = c->scratch + rng(c) % 64 * 8;
	u32 group;

	switch (cmd) {
	case HVMOD_CHECK_CAP:
		arg[0] = rng(c) % 12;
		break;
	case HVMOD_VCPU_GET_STATE:
	case HVMOD_VCPU_SET_STATE:
		group = rng(c) % ARRAY_SIZE(vcpu_size);
		arg[0] = group | (u64)vcpu_size[group] << 32;
		arg[1] = (uintptr_t)room;
		break;
	case HVMOD_GET_CPUID:
	case HVMOD_VCPU_SET_CPUID:
	case HVMOD_GET_MSR_LIST:
	case HVMOD_VCPU_GET_MSRS:
	case HVMOD_VCPU_SET_MSRS:
	case HVMOD_VCPU_EXITS:
		arg[0] = rng(c) % 130;
		arg[1] = (uintptr_t)room;
		break;
	default:
		fill_vm(c, cmd, arg, room);
		fill_xen(c, cmd, arg, room);
	}
	if (rng(c) % 8 == 0)
		((u8 *)arg)[rng(c) % 32] ^= 1 << rng(c) % 8;
}

/* Of a slot, whatever bits were turned over: not the program's own memory. */
static bool harmless(u32 cmd, const u64 *arg)
{
	if (cmd != HVMOD_VM_SET_MEMORY)
		return true;
	return arg[3] >= (uintptr_t)pool && arg[2] <= POOL &&
	       arg[3] + arg[2] <= (uintptr_t)pool + POOL;
}

static int pick_fd(struct caller *c, u32 cmd)
{
	u32 nr = _IOC_NR(cmd), vm = rng(c) % VMS;

	if (rng(c) % 32 == 0)
		nr = rng(c) % 0x60;
	if (nr < 0x20)
		return dev_fd;
	if (nr < 0x40 || nr >= 0x60)
		return vm_fds[vm];
	return vcpu_fds[vm][rng(c) % VCPUS];
}

static void one_call(struct caller *c)
{
	u32 i = rng(c) % ARRAY_SIZE(calls), cmd = calls[i].cmd, k;
	u64 big[256] = {}, *arg = big;
	int ret, fd = pick_fd(c, cmd);

	fill(c, cmd, arg);
	if (!harmless(cmd, arg))
		return;
	if (rng(c) % 64 == 0)
		arg = NULL;
	ret = ioctl(fd, cmd, arg) < 0 ? errno : 0;
	__atomic_fetch_add(&calls_made, 1, __ATOMIC_RELAXED);
	for (k = 0; k < ARRAY_SIZE(allowed); k++) {
		if (ret == allowed[k]) {
			__atomic_fetch_add(&seen[k], 1, __ATOMIC_RELAXED);
			return;
		}
	}
	if (!c->wrong++)
		tap_note("call %#x gave %s", cmd, strerror(ret));
}

static void *call_thread(void *arg)
{
	struct caller *c = arg;
	u32 i;

	while (!stop) {
		if (rng(c) % 16 == 0)
			for (i = 0; i < SCRATCH / 8; i++)
				((u64 *)c->scratch)[i] = rng(c) & rng(c) & rng(c);
		one_call(c);
	}
	return NULL;
}

/*
 * Room for all callers, alone in as much address space as its lower 32 bits can
 * name: an address with a wrong bit there must not lead to the program's own
 * memory, which the module rightly would write to.
 */
static u8 *lonely_room(void)
{
	u8 *all = mmap(NULL, 2 * AROUND, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	u8 *room;

	hv_need(all != MAP_FAILED);
	room = (u8 *)(((uintptr_t)all + AROUND - 1) & ~(AROUND - 1)) + AROUND / 2;
	hv_need(!mprotect(room, CALLERS * SCRATCH, PROT_READ | PROT_WRITE));
	return room;
}

/* ---- descriptors come and go ---- */

static void close_at(volatile int *fd)
{
	int old = __atomic_exchange_n(fd, -1, __ATOMIC_SEQ_CST);

	if (old >= 0)
		close(old);
}

static void make_vm(u32 i, u64 kind)
{
	struct hvmod_vm_create args = {
		.kind = kind % 3 ? HVMOD_KIND_PC : HVMOD_KIND_PVH,
		.devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT,
	};
	struct hvmod_memory memory = { .size = POOL / 2, .hva = (uintptr_t)pool };
	struct hvmod_memory reset = {
		.slot = 6, .gpa = (4UL << 30) - RESET_SIZE, .size = RESET_SIZE,
		.hva = (uintptr_t)pool + POOL - RESET_SIZE,
	};
	struct hvmod_mp runnable = { .state = HVMOD_MP_RUNNABLE };
	struct hvmod_state mp = {
		.id = HVMOD_STATE_MP, .size = sizeof(runnable), .addr = (uintptr_t)&runnable,
	};
	int vm, vcpu;
	u32 k;

	if (args.kind == HVMOD_KIND_PVH)
		args.devices = 0;
	vm = ioctl(dev_fd, HVMOD_VM_CREATE, &args);
	hv_need(vm >= 0);
	/* At the reset vector: out 0x80, al; inc word [bx]; jmp back */
	memcpy(pool + POOL - 16, "\xe6\x80\xff\x07\xeb\xfa", 6);
	/* A caller may have the number from a VM before, and use it already. */
	hv_need(!ioctl(vm, HVMOD_VM_SET_MEMORY, &memory) || errno == EEXIST);
	hv_need(!ioctl(vm, HVMOD_VM_SET_MEMORY, &reset) || errno == EEXIST);
	vm_fds[i] = vm;
	for (k = 0; k < VCPUS; k++) {
		struct hvmod_vcpu_create create = { .id = k };

		vcpu = ioctl(vm, HVMOD_VCPU_CREATE, &create);
		if (vcpu >= 0)
			ioctl(vcpu, HVMOD_VCPU_SET_STATE, &mp);
		vcpu_fds[i][k] = vcpu;
	}
}

static void close_vm(u32 i, u64 order)
{
	u32 k;

	if (order & 1)
		close_at(&vm_fds[i]);
	for (k = 0; k < VCPUS; k++)
		close_at(&vcpu_fds[i][(k + (order >> 1)) % VCPUS]);
	close_at(&vm_fds[i]);
}

static void on_signal(int signal)
{
}

static int users(void)
{
	FILE *f = fopen("/sys/module/hvmod/refcnt", "r");
	int n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

int main(void)
{
	const char *env = getenv("ROUNDS");
	u32 rounds = env ? atoi(env) : 150, i, k, wrong = 0;
	static struct caller callers[CALLERS];
	struct sigaction act = { .sa_handler = on_signal };
	u8 *room = lonely_room();

	hv_need(!sigaction(SIGUSR1, &act, NULL));
	dev_fd = hv_open();
	vcpu_size[HVMOD_STATE_XSAVE] = hv_cap(dev_fd, HVMOD_CAP_XSAVE_SIZE);
	pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hv_need(pool != MAP_FAILED);
	for (i = 0; i < 4; i++)
		event_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (i = 0; i < VMS; i++)
		make_vm(i, i);
	for (i = 0; i < CALLERS; i++) {
		callers[i].rng = 0x1234567 * (i + 1);
		callers[i].scratch = room + i * SCRATCH;
		hv_need(!pthread_create(&callers[i].thread, NULL, call_thread, &callers[i]));
	}
	for (i = 0; i < rounds; i++) {
		usleep(2000);
		/* Whoever is in RUN comes out. */
		for (k = 0; k < CALLERS; k++)
			pthread_kill(callers[k].thread, SIGUSR1);
		if (i % 4 == 0) {
			close_vm(i / 4 % VMS, i / 12);
			make_vm(i / 4 % VMS, i / 4);
		}
		if (i % 8 == 1) {
			close_at(&event_fds[i / 8 % 4]);
			event_fds[i / 8 % 4] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		}
		if (i % 3 == 0)
			madvise(pool + (u64)(i % 32) * 65536, 65536, MADV_DONTNEED);
	}
	stop = true;
	for (i = 0; i < CALLERS; i++) {
		/* It may be about to enter RUN again. */
		while (pthread_tryjoin_np(callers[i].thread, NULL)) {
			pthread_kill(callers[i].thread, SIGUSR1);
			usleep(1000);
		}
		wrong += callers[i].wrong;
	}
	tap_eq(wrong, 0, "every call gives an errno of the API's");
	tap_note("%llu calls", (unsigned long long)calls_made);
	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		tap_note("%8llu %s", (unsigned long long)seen[i], strerror(allowed[i]));
	tap_ok(seen[0] > calls_made / 20, "enough of them did something");
	for (i = 0; i < VMS; i++)
		close_vm(i, i);
	close(dev_fd);
	for (i = 0; i < 4; i++)
		close_at(&event_fds[i]);
	tap_eq(users(), 0, "the module has no users");
	return tap_finish();
}
