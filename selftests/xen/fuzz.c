// SPDX-License-Identifier: GPL-2.0
/*
 * Random hypercalls with random arguments, pointers and structures, by two vCPUs
 * of one guest, one in 64-bit and one in 32-bit mode.  The guest may lose its
 * memory, shut down, block or be killed: it goes on, or another one does.  The
 * rig fails the test when the host complains.  Arguments: calls in thousands, seed.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "caller.h"

#define SIZE		(4UL << 20)
#define BATCH		256
#define CALLS		(120 * 1000)

/* What the guest needs to live, at frames that no random number names often. */
#define TABLES		0x3c0000UL	/* page tables, GDT, IDT, TSS */
#define CODE32		0x3d0000UL
#define ARENA		0x3e0000UL	/* two of 64 KiB, one a vCPU */
#define ARENA_SIZE	0xc000UL
#define ARRAY		0xc000UL	/* in it: the batch */

struct call {
	u32 nr, arg[5];
};

struct fuzzer {
	struct hv_vcpu *vcpu;
	pthread_t thread;
	u64 random;
	u64 calls;
	volatile u64 limit;	/* 0: stop */
	u64 exits[16], kicks;
	struct hvmod_regs regs;		/* at the start of a batch */
	struct hvmod_sregs sregs;
	bool killed;
};

static volatile bool stop;

static u64 next(struct fuzzer *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

/* ---- what is random ---- */

static u64 arena(struct fuzzer *f)
{
	return ARENA + f->vcpu->id * 0x10000;
}

static u64 word(struct fuzzer *f)
{
	u64 r = next(f);

	switch (r >> 60) {
	case 0 ... 5:
		return r & 31;
	case 6:
		return 0x7ff0;			/* DOMID_SELF */
	case 7 ... 8:
		return 0x200 + (r & 0x7f);	/* a frame */
	case 9:
		return arena(f) + (r & 0x3fff);
	case 10:
		return (r & 1) | (r >> 8 & 1) << 16;
	case 11:
		return SIZE / 4096 + (r & 63);
	case 12:
		return -(r & 0xff);
	case 13:
		/* But for the frame of this program's first page. */
		return (r & 63) == 18 ? 0 : 1ULL << (r & 63);
	}
	return r;
}

static u64 pointer(struct fuzzer *f)
{
	u64 r = next(f);

	switch (r >> 60) {
	case 0:
		return 0;
	case 1:
		return CALLER_NOWHERE + (r & 0xfff);
	case 2:
		return ((arena(f) + 0x1000) & ~0xfffULL) - (r & 31);
	case 3:
		return word(f);
	}
	return arena(f) + (r & 0x3ff8);
}

/* What stops a vCPU, or ends the guest, is kept rare. */
static bool blocks(const struct call *c)
{
	return (c->nr == XEN_SCHED_OP && c->arg[0] != 0 && c->arg[0] < 7) ||
	       (c->nr == XEN_VCPU_OP && c->arg[0] == 2);
}

static void make_call(struct fuzzer *f, struct call *c)
{
	static const u8 likely[] = {
		XEN_MEMORY_OP, XEN_MEMORY_OP, XEN_MULTICALL, XEN_SET_TIMER_OP, XEN_VERSION_OP,
		XEN_CONSOLE_IO, XEN_GRANT_TABLE_OP, XEN_GRANT_TABLE_OP, XEN_VM_ASSIST,
		XEN_VCPU_OP, XEN_VCPU_OP, XEN_SCHED_OP, XEN_EVENT_CHANNEL_OP,
		XEN_EVENT_CHANNEL_OP, XEN_PHYSDEV_OP, XEN_HVM_OP,
	};
	u64 r = next(f);

	do {
		c->nr = (r & 0xf00) ? likely[next(f) & 15] : word(f);
		c->arg[0] = next(f) & 15 ? next(f) & 31 : word(f);
		c->arg[1] = pointer(f);
		c->arg[2] = r & 0x1000 ? pointer(f) : word(f);
		c->arg[3] = word(f);
		c->arg[4] = word(f);
		switch (c->nr) {
		case XEN_MULTICALL:
			c->arg[0] = pointer(f);
			c->arg[1] = next(f) & 7;
			break;
		case XEN_VCPU_OP:
			c->arg[1] = next(f) & 3;
			c->arg[2] = pointer(f);
			break;
		case XEN_CONSOLE_IO:
			c->arg[1] = next(f) & 0x1fff;
			c->arg[2] = pointer(f);
			break;
		case XEN_GRANT_TABLE_OP:
			c->arg[2] = next(f) & 15 ? next(f) & 7 : word(f);
			break;
		case XEN_MEMORY_OP:
			c->arg[0] |= next(f) & 7 ? 0 : (u32)word(f) << 6;
			break;
		}
	} while (blocks(c) && (next(f) & 31));
}

/* Structures: words of 2, 4 and 8 bytes; also lists of calls for a multicall. */
static void fill_arena(struct fuzzer *f, u8 *mem)
{
	u64 at, value;
	u32 size;

	for (at = 0; at + 8 <= 0x4000; at += size) {
		value = word(f);
		size = 2U << (next(f) & 3);
		if (size == 16)
			size = 8;
		memcpy(mem + at, &value, size);
	}
}

static void fill_batch(struct fuzzer *f)
{
	u8 *mem = f->vcpu->vm->mem + arena(f);
	struct call *batch = (struct call *)(mem + ARRAY);
	u32 i;

	fill_arena(f, mem);
	for (i = 0; i < BATCH; i++)
		make_call(f, &batch[i]);
}

/* ---- the guest ---- */

static void guest_batch(u64 at)
{
	const struct call *c = (const struct call *)at;
	u32 i;

	for (i = 0; i < BATCH; i++) {
		register u64 r10 asm("r10") = c[i].arg[3];
		register u64 r8 asm("r8") = c[i].arg[4];
		u64 a = (int)c[i].arg[0], b = c[i].arg[1], d = c[i].arg[2], nr = c[i].nr;

		asm volatile("vmcall" : "+a"(nr), "+D"(a), "+S"(b), "+d"(d), "+r"(r10), "+r"(r8)
			     : : "memory");
	}
	/* It does not return: its stack is where each batch starts. */
	for (;;)
		GUEST_DONE();
}

static void on_nmi(struct hv_frame *frame)
{
}

/* As guest_batch(), EBP at the batch; the end is patched in. */
static const u8 code_32[] = {
	0x8b, 0x45, 0x00,			/* mov (%ebp), %eax */
	0x8b, 0x5d, 0x04, 0x8b, 0x4d, 0x08, 0x8b, 0x55, 0x0c, 0x8b, 0x75, 0x10, 0x8b, 0x7d, 0x14,
	0x0f, 0x01, 0xc1,			/* vmcall */
	0x83, 0xc5, 0x18,			/* add $24, %ebp */
	0x81, 0xfd, 0, 0, 0, 0,			/* cmp $end, %ebp */
	0x72, 0xe0,				/* jb */
	0xe7, HV_PORT_DONE,
};

/* Where an NMI goes in 32-bit mode: IRET, and the IDT with its gate. */
#define NMI32		(CODE32 + 0x100)
#define IDT32		(CODE32 + 0x800)

/*
 * The tables of hv.h lie at frames with small numbers: others, for a guest that
 * gives those away.
 */
static void move_tables(struct hv_vm *vm)
{
	u8 *mem = vm->mem;
	u64 *table;
	int i;

	memcpy(mem + TABLES, mem + HV_GDT, 9 * 4096);
	table = (u64 *)(mem + TABLES + HV_PML4 - HV_GDT);
	table[0] += TABLES - HV_GDT;
	table = (u64 *)(mem + TABLES + HV_PDPT - HV_GDT);
	for (i = 0; i < 4; i++)
		table[i] += TABLES - HV_GDT;
}

/* Where each batch starts. */
static void make_start(struct fuzzer *f)
{
	u32 end = arena(f) + ARRAY + BATCH * sizeof(struct call);
	const u64 gate = (NMI32 & 0xffff) | HV_CS32 << 16 | 0x8eULL << 40 | NMI32 >> 16 << 48;
	u8 *code = f->vcpu->vm->mem + CODE32;

	if (!f->vcpu->id) {
		hv_long_mode_arg(f->vcpu, guest_batch, arena(f) + ARRAY);
	} else {
		memcpy(code, code_32, sizeof(code_32));
		memcpy(code + 26, &end, sizeof(end));
		code[NMI32 - CODE32] = 0xcf;
		memcpy(code + IDT32 - CODE32 + 2 * 8, &gate, sizeof(gate));
		hv_flat32(f->vcpu, CODE32, CODE32);
	}
	hv_get_regs(f->vcpu, &f->regs);
	hv_get_sregs(f->vcpu, &f->sregs);
	f->regs.gpr[HVMOD_RBP] = arena(f) + ARRAY;
	f->sregs.gdt.base += TABLES - HV_GDT;
	f->sregs.idt.base += TABLES - HV_GDT;
	f->sregs.tr.base += TABLES - HV_GDT;
	if (f->vcpu->id)
		f->sregs.idt = (struct hvmod_dtable){ .base = IDT32, .limit = 3 * 8 - 1 };
	else
		f->sregs.cr3 += TABLES - HV_GDT;
}

/* False: the other vCPU's guest, which is ours too, was killed. */
static bool start_batch(struct fuzzer *f)
{
	const struct hvmod_mp mp = { .state = HVMOD_MP_RUNNABLE };

	fill_batch(f);
	return !hv_set(f->vcpu, HVMOD_STATE_REGS, &f->regs, sizeof(f->regs)) &&
	       !hv_set(f->vcpu, HVMOD_STATE_SREGS, &f->sregs, sizeof(f->sregs)) &&
	       !hv_set(f->vcpu, HVMOD_STATE_MP, &mp, sizeof(mp));
}

/* ---- the host ---- */

static void on_kick(int sig)
{
}

/* It blocks, or is down: the fuzzer is its alarm clock. */
static void wake(struct fuzzer *f)
{
	struct hvmod_mp mp;

	f->kicks++;
	hv_need(!hv_get(f->vcpu, HVMOD_STATE_MP, &mp, sizeof(mp)));
	if (mp.state == HVMOD_MP_RUNNABLE)
		return;
	mp.state = HVMOD_MP_RUNNABLE;
	hv_set(f->vcpu, HVMOD_STATE_MP, &mp, sizeof(mp));
}

static void note_failure(struct fuzzer *f)
{
	const struct hv_failure *failure;
	struct hvmod_regs regs;

	hv_note_exit(f->vcpu);
	hv_get_regs(f->vcpu, &regs);
	failure = (void *)regs.gpr[HVMOD_RBX];
	/* It lies in the program, or on the guest's stack. */
	if (f->vcpu->run->io.port == HV_PORT_ASSERT && regs.gpr[HVMOD_RBX] < SIZE)
		failure = (void *)(f->vcpu->vm->mem + regs.gpr[HVMOD_RBX]);
	if (f->vcpu->run->io.port == HV_PORT_ASSERT)
		tap_note("%s: %lld, %lld", failure->what, (long long)failure->got,
			 (long long)failure->want);
}

static void note_death(struct fuzzer *f)
{
	struct hvmod_sregs s;
	struct hvmod_regs r;

	hv_get_regs(f->vcpu, &r);
	hv_get_sregs(f->vcpu, &s);
	tap_note("killed: %s", f->vcpu->run->killed.why);
	tap_note("rip %#llx rsp %#llx cr0 %#llx cr3 %#llx idt %#llx gdt %#llx rflags %#llx",
		 (long long)r.rip, (long long)r.gpr[HVMOD_RSP], (long long)s.cr0,
		 (long long)s.cr3, (long long)s.idt.base, (long long)s.gdt.base,
		 (long long)r.rflags);
}

/* False: the guest was killed. */
static bool run_batch(struct fuzzer *f)
{
	struct hvmod_run *run = f->vcpu->run;
	u32 idle = 0, console = 0;
	int ret;

	for (;;) {
		ret = hv_run_once(f->vcpu);
		if (ret == -EINTR && !f->limit)
			return true;
		if (ret == -EINTR) {
			/* Down, and nobody brings it up: another guest. */
			if (++idle > 300)
				f->limit = 0;
			wake(f);
			continue;
		}
		idle = 0;
		if (ret == -EIO)
			return false;
		if (ret)
			tap_die("HVMOD_VCPU_RUN: %s", strerror(-ret));
		f->exits[run->exit_reason & 15]++;
		switch (run->exit_reason) {
		case HVMOD_EXIT_KILLED:
			note_death(f);
			return false;
		case HVMOD_EXIT_SHUTDOWN:
			tap_note("a triple fault");
			return false;
		case HVMOD_EXIT_SYSTEM:
			/* It ended by itself: nobody runs any more. */
			f->limit = 0;
			return true;
		case HVMOD_EXIT_IO:
			if (run->io.port == HV_PORT_DONE)
				return true;
			note_failure(f);
			return false;
		case HVMOD_EXIT_XEN_CONSOLE:
			/* A multicall that writes a GiB: enough of it. */
			if (++console > 64)
				return true;
			break;
		case HVMOD_EXIT_MMIO:
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
			break;
		}
	}
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;

	while (f->calls < f->limit && !f->killed) {
		f->killed = !start_batch(f) || !run_batch(f);
		f->calls += BATCH;
	}
	return NULL;
}

/* Kicks both vCPUs until they are done. */
static void *kicker(void *arg)
{
	const struct timespec ms = { 0, 4000000 };
	struct fuzzer *f = arg;

	while (!stop) {
		nanosleep(&ms, NULL);
		pthread_kill(f[0].thread, SIGUSR1);
		pthread_kill(f[1].thread, SIGUSR1);
	}
	return NULL;
}

/* A guest until it is killed or has made all calls; how many it made. */
static u64 one_guest(u64 limit, u64 seed, bool *killed)
{
	struct hvmod_xen_memory memory = {
		.flags = HVMOD_XEN_MEMORY_SET_EXITS | HVMOD_XEN_MEMORY_EXITS,
	};
	struct hv_vm *vm = hv_xen_vm(SIZE);
	struct fuzzer f[2] = {};
	pthread_t kick;
	u64 calls = 0;
	int i;

	hv_need(!ioctl(vm->fd, HVMOD_VM_XEN_MEMORY, &memory));
	guest_on_vector(2, on_nmi);
	stop = false;
	for (i = 0; i < 2; i++) {
		f[i].vcpu = hv_vcpu_new(vm, i);
		f[i].random = seed + i * 0x9e3779b97f4a7c15;
		f[i].limit = (limit + 1) / 2;
		make_start(&f[i]);
	}
	move_tables(vm);
	for (i = 0; i < 2; i++)
		hv_need(!pthread_create(&f[i].thread, NULL, fuzz, &f[i]));
	hv_need(!pthread_create(&kick, NULL, kicker, f));
	/* A thread that has ended may still be kicked until it is joined. */
	while (f[0].calls < f[0].limit && !f[0].killed && f[1].calls < f[1].limit && !f[1].killed)
		usleep(1000);
	usleep(1000);
	for (i = 0; i < 2; i++)
		f[i].limit = 0;
	stop = true;
	pthread_join(kick, NULL);
	for (i = 0; i < 2; i++) {
		/* Until it is out of a call that blocks. */
		while (pthread_tryjoin_np(f[i].thread, NULL)) {
			pthread_kill(f[i].thread, SIGUSR1);
			usleep(1000);
		}
		calls += f[i].calls;
		*killed |= f[i].killed;
		tap_note("%d: calls %llu kicks %llu MMIO %llu console %llu memory %llu system %llu",
			 i, (long long)f[i].calls, (long long)f[i].kicks,
			 (long long)f[i].exits[HVMOD_EXIT_MMIO],
			 (long long)f[i].exits[HVMOD_EXIT_XEN_CONSOLE],
			 (long long)f[i].exits[HVMOD_EXIT_XEN_MEMORY],
			 (long long)f[i].exits[HVMOD_EXIT_SYSTEM]);
		hv_vcpu_free(f[i].vcpu);
	}
	hv_vm_free(vm);
	return calls;
}

int main(int argc, char **argv)
{
	u64 want = argc > 1 ? strtoull(argv[1], NULL, 0) * 1000 : CALLS;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x123456789abcdef;
	u64 calls = 0, guests = 0, deaths = 0;
	struct sigaction action = { .sa_handler = on_kick };
	bool killed;

	sigaction(SIGUSR1, &action, NULL);
	while (calls < want && guests < 500) {
		killed = false;
		calls += one_guest(want - calls, seed + guests, &killed);
		deaths += killed;
		guests++;
	}
	tap_note("%llu guests, %llu of them killed", (long long)guests, (long long)deaths);
	tap_ok(calls >= want, "%llu random hypercalls, seed %#llx", (long long)calls,
	       (long long)seed);
	tap_ok(deaths < 5 + guests / 20, "a guest lives through most of it");
	return tap_finish();
}
