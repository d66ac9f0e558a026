// SPDX-License-Identifier: GPL-2.0
/*
 * Guests of random bytes in every mode, from a random state, with a host that
 * answers at random: whatever they do, RUN says what the API says it may say, and
 * the host stays well.  SEED= and ROUNDS= in the environment; a round depends on
 * its own number only, so that FIRST= finds one again.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "hv.h"

#define MEMORY		(256UL << 10)
#define EXITS		200	/* of a guest, at most */

static u64 rng_state;

static u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static u64 number(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

/* A quarter of the bytes are those that privileged instructions are made of. */
static void random_code(u8 *p, u64 size)
{
	static const u8 often[] = {
		0x0f, 0x0f, 0x01, 0x20, 0x22, 0x21, 0x23, 0x30, 0x32, 0xa2, 0x00, 0xc7, 0xae,
		0x66, 0x67, 0xf2, 0xf3, 0x48, 0xf0, 0x2e, 0x64, 0xcf, 0xcd, 0xcc, 0xce, 0xf4,
		0x6c, 0x6e, 0xa4, 0xaa, 0xe4, 0xee, 0xed, 0xec, 0x8e, 0x17, 0x9c, 0x9d, 0xfb,
		0xfa, 0xea, 0x9a, 0xca, 0xcb, 0xc2, 0xc5, 0xc4, 0x62, 0xd9, 0xdb, 0xff, 0x8b,
	};
	u64 i, r = 0;

	for (i = 0; i < size; i++, r >>= 16) {
		if (i % 4 == 0)
			r = rng();
		p[i] = r & 0x300 ? r : often[(r & 0xff) % sizeof(often)];
	}
}

static void on_alarm(int signal)
{
}

static void alarms(bool on)
{
	struct itimerval t = {};

	t.it_value.tv_usec = on ? 2000 : 0;
	t.it_interval = t.it_value;
	hv_need(!setitimer(ITIMER_REAL, &t, NULL));
}

/* Single bits and whole members; what cannot be is refused with EINVAL. */
static u32 random_group(struct hv_vcpu *vcpu, u32 id, u32 size)
{
	u64 room[512];
	u32 i, n;
	int ret;

	hv_need(size <= sizeof(room));
	if (hv_get(vcpu, id, room, size))
		return 1;
	n = 1 + rng() % 4;
	for (i = 0; i < n; i++) {
		u64 bit = rng() % (size * 8);

		if (rng() % 4)
			room[bit / 64] ^= 1UL << bit % 64;
		else
			room[bit / 64] = rng() & rng();
	}
	ret = hv_set(vcpu, id, room, size);
	if (!ret || ret == -EINVAL)
		return 0;
	tap_note("group %u: %s", id, strerror(-ret));
	return 1;
}

static u32 random_state(struct hv_vcpu *vcpu)
{
	u32 wrong = 0, i, n = rng() % 6;

	for (i = 0; i < n; i++) {
		switch (rng() % 7) {
		case 0:
		case 1:
		case 2:
			wrong += random_group(vcpu, HVMOD_STATE_SREGS, sizeof(struct hvmod_sregs));
			break;
		case 3:
			wrong += random_group(vcpu, HVMOD_STATE_REGS, sizeof(struct hvmod_regs));
			break;
		case 4:
			wrong += random_group(vcpu, HVMOD_STATE_EVENTS,
					      sizeof(struct hvmod_events));
			break;
		case 5:
			wrong += random_group(vcpu, HVMOD_STATE_DEBUG,
					      sizeof(struct hvmod_debugregs));
			break;
		case 6:
			wrong += random_group(vcpu, HVMOD_STATE_LAPIC, sizeof(struct hvmod_lapic));
			break;
		}
	}
	return wrong;
}

static u64 somewhere(void)
{
	return HV_FREE + rng() % (MEMORY - HV_FREE);
}

/* Exceptions and interrupts go to random code, too. */
static void random_idt(u8 *mem, u32 mode)
{
	u64 *idt = (u64 *)(mem + HV_IDT);
	u32 i;

	for (i = 0; i < 256 && !mode; i++)
		((u32 *)mem)[i] = 0x20000000 | (rng() & 0xffff);
	memset(idt, 0, 4096);
	for (i = 0; i < 256 && mode < 3; i++)
		idt[i] = (somewhere() & 0xffff) | (rng() & 1) << 48 | HV_CS32 << 16 | 0x8eULL << 40;
	for (i = 0; i < 256 && mode == 3; i++)
		idt[2 * i] = (somewhere() & 0xffff) | HV_CS64 << 16 | (rng() & 1) << 32 |
			     0x8eULL << 40 | (rng() & 1) << 48;
	/* IST 1, which half of them use. */
	*(u64 *)(mem + HV_TSS + 0x24) = MEMORY;
}

static void start(struct hv_vcpu *vcpu)
{
	u64 at = somewhere();
	u32 mode = rng() % 4;
	struct hvmod_sregs s;
	struct hvmod_regs r;

	random_idt(vcpu->vm->mem, mode);
	switch (mode) {
	case 0:
		hv_real_mode(vcpu, 0x2000, rng() & 0xfff);
		return;
	case 1:
		hv_flat32(vcpu, at, MEMORY / 2);
		return;
	case 2:
		/* 16-bit code in protected mode. */
		hv_flat32(vcpu, at, MEMORY / 2);
		hv_get_sregs(vcpu, &s);
		s.cs.access &= ~(1U << 14);
		hv_set_sregs(vcpu, &s);
		return;
	}
	hv_long_mode(vcpu, NULL);
	hv_get_regs(vcpu, &r);
	r.rip = at;
	hv_set_regs(vcpu, &r);
}

static bool known_exit(const struct hvmod_run *run)
{
	switch (run->exit_reason) {
	case HVMOD_EXIT_NONE:
	case HVMOD_EXIT_SHUTDOWN:
		return true;
	case HVMOD_EXIT_IO:
		return run->io.direction <= HVMOD_IO_OUT && run->io.count &&
		       (run->io.size == 1 || run->io.size == 2 || run->io.size == 4) &&
		       (u64)run->io.count * run->io.size <= sizeof(run->data);
	case HVMOD_EXIT_MMIO:
		return run->mmio.len >= 1 && run->mmio.len <= 8 && run->mmio.is_write <= 1;
	case HVMOD_EXIT_KILLED:
		return strnlen(run->killed.why, sizeof(run->killed.why)) > 10;
	}
	return false;
}

static u64 ends[8];

/* Returns how much of it was against the rules. */
static u32 run(struct hv_vcpu *vcpu)
{
	struct hvmod_run *page = vcpu->run;
	u32 i, k, alarmed = 0;
	int ret;

	for (i = 0; i < EXITS && alarmed < 2; i++) {
		ret = hv_run_once(vcpu);
		if (ret == -EINTR) {
			alarmed++;
			continue;
		}
		if (ret) {
			tap_note("RUN: %s", strerror(-ret));
			return 1;
		}
		if (!known_exit(page)) {
			hv_note_exit(vcpu);
			return 1;
		}
		ends[page->exit_reason]++;
		if (page->exit_reason == HVMOD_EXIT_KILLED ||
		    page->exit_reason == HVMOD_EXIT_SHUTDOWN)
			return 0;
		for (k = 0; k < sizeof(page->data); k += 8)
			*(u64 *)(page->data + k) = rng();
		*(u64 *)page->mmio.data = rng();
	}
	return 0;
}

static u32 one_round(u64 seed)
{
	struct hv_vcpu *vcpu;
	struct hv_vm *vm;
	u32 wrong = 0;
	u8 *mem;

	rng_state = seed * 0x9e3779b97f4a7c15ULL | 1;
	rng();
	vm = hv_vm_new_args(MEMORY, &(struct hvmod_vm_create) {
		.devices = rng() & (HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT),
	});
	/* A guest of random bytes must not get at the program that runs it. */
	hv_need(!hv_set_memory(vm, HV_SLOT_IMAGE, 0, 0, 0, NULL));
	mem = vm->mem;
	random_code(mem + HV_FREE, MEMORY - HV_FREE);
	vcpu = hv_vcpu_new(vm, 0);
	start(vcpu);
	wrong += random_state(vcpu);
	alarms(true);
	wrong += run(vcpu);
	alarms(false);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return wrong;
}

int main(void)
{
	u64 first = number("FIRST", 0), rounds = number("ROUNDS", 150), i;
	u64 seed = number("SEED", 20);
	struct sigaction act = { .sa_handler = on_alarm };
	u32 wrong = 0, bad;

	hv_need(!sigaction(SIGALRM, &act, NULL));
	for (i = first; i < first + rounds; i++) {
		bad = one_round(seed << 32 | i);
		if (bad)
			tap_note("SEED=%llu FIRST=%llu ROUNDS=1", (unsigned long long)seed,
				 (unsigned long long)i);
		wrong += bad;
	}
	tap_eq(wrong, 0, "random guests");
	tap_note("exits: %llu io, %llu mmio, %llu shutdown, %llu killed",
		 (unsigned long long)ends[HVMOD_EXIT_IO], (unsigned long long)ends[HVMOD_EXIT_MMIO],
		 (unsigned long long)ends[HVMOD_EXIT_SHUTDOWN],
		 (unsigned long long)ends[HVMOD_EXIT_KILLED]);
	tap_ok(ends[HVMOD_EXIT_IO] && ends[HVMOD_EXIT_MMIO] && ends[HVMOD_EXIT_SHUTDOWN],
	       "they did something");
	return tap_finish();
}
