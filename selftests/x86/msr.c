// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs and control registers: those that a save needs go round from the host
 * and from the guest, and random values to every index and bit hurt nobody but
 * the guest.  The host's own registers are compared before and after.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "guest.h"

static struct hvmod_msr list[HVMOD_MAX_MSRS];
static u32 list_count;

static u64 rng_state = 0x9e3779b97f4a7c15ULL;

static u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

/* ---- round trips ---- */

static bool is_time(u32 index)
{
	/* They count, or they follow one that counts. */
	return index == 0x10 || index == 0x3b || index == 0x6e0;
}

static void host_round_trip(struct hv_vcpu *vcpu)
{
	u32 i, bad = 0;
	u64 v, again;

	for (i = 0; i < list_count; i++) {
		u32 index = list[i].index;

		if (hv_get_msr(vcpu, index, &v) || hv_set_msr(vcpu, index, v) ||
		    hv_get_msr(vcpu, index, &again) || (v != again && !is_time(index))) {
			tap_note("MSR %#x", index);
			bad++;
		}
		list[i].value = v;
	}
	tap_ok(!bad, "host: what is got can be set, and is got again");
}

static void all_at_once(struct hv_vcpu *vcpu)
{
	struct hvmod_msrs args = { .count = list_count, .msrs = (uintptr_t)list };

	tap_ok(!ioctl(vcpu->fd, HVMOD_VCPU_GET_MSRS, &args) && args.count == list_count,
	       "the whole list is got at once");
	tap_ok(!ioctl(vcpu->fd, HVMOD_VCPU_SET_MSRS, &args) && args.count == list_count,
	       "the whole list is set at once");
}

static volatile u64 odd_msrs;

/* What the guest may read, it may write back, unless it is read-only. */
static void guest_round_trip(void)
{
	u64 v, again;
	u32 i;

	for (i = 0; i < list_count; i++) {
		if (guest_try_rdmsr(list[i].index, &v) != -1)
			continue;
		if (guest_try_wrmsr(list[i].index, v) != -1)
			continue;
		GUEST_EQ(guest_try_rdmsr(list[i].index, &again), -1);
		if (v != again && !is_time(list[i].index)) {
			odd_msrs++;
			GUEST_EQ(list[i].index, 0);
		}
	}
}

struct value {
	u32 index;
	u64 good;
	u64 bad;		/* 0: there is none */
};

#define BAD_ADDRESS	(1UL << 60)

static const struct value values[] = {
	{ 0x174, 0x10, 0 },				/* SYSENTER_CS */
	{ 0x175, 0xffffffff81000000UL, BAD_ADDRESS },
	{ 0x176, 0xffffffff81000000UL, BAD_ADDRESS },
	{ 0x277, 0x0007010600070106UL, 2 },		/* PAT */
	{ 0x2ff, 0xc06, 0xc03 },			/* MTRR default type */
	{ 0x200, 0x80000006, 0x80000002 },
	{ 0x201, 0x800, 0x1 },
	{ 0xc0000081, 0x0023001000000000UL, 0 },	/* STAR */
	{ 0xc0000082, 0xffffffff82000000UL, BAD_ADDRESS },
	{ 0xc0000083, 0xffffffff82000000UL, BAD_ADDRESS },
	{ 0xc0000084, 0x47700, 0 },
	{ 0xc0000100, 0x7f0000001000UL, BAD_ADDRESS },
	{ 0xc0000101, 0xffff888000001000UL, BAD_ADDRESS },
	{ 0xc0000102, 0x7f0000002000UL, BAD_ADDRESS },
};

static void guest_values(void)
{
	u64 v, old;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		GUEST_EQ(guest_try_rdmsr(values[i].index, &old), -1);
		GUEST_EQ(guest_try_wrmsr(values[i].index, values[i].good), -1);
		GUEST_EQ(guest_try_rdmsr(values[i].index, &v), -1);
		GUEST_EQ(v, values[i].good);
		if (values[i].bad)
			GUEST_EQ(guest_try_wrmsr(values[i].index, values[i].bad), X86_GP);
		GUEST_EQ(guest_try_rdmsr(values[i].index, &v), -1);
		GUEST_EQ(v, values[i].good);
		/* GS base is nobody's here, but the stack of the host's is not. */
		GUEST_EQ(guest_try_wrmsr(values[i].index, old), -1);
	}
}

static void host_values(struct hv_vcpu *vcpu)
{
	u32 i, bad = 0;
	u64 v, old;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		const struct value *t = &values[i];

		bad += hv_get_msr(vcpu, t->index, &old);
		bad += hv_set_msr(vcpu, t->index, t->good);
		bad += t->bad && hv_set_msr(vcpu, t->index, t->bad) != -EINVAL;
		bad += hv_get_msr(vcpu, t->index, &v) || v != t->good;
		bad += hv_set_msr(vcpu, t->index, old);
		if (bad)
			tap_note("MSR %#x", t->index);
		if (bad)
			break;
	}
	tap_ok(!bad, "host: good values stay, bad ones are refused");
}

/* The registers of SYSCALL that the host swaps are the guest's in the guest. */
static void guest_syscall(void)
{
	u64 rcx;

	asm goto("jmp %l[over]\n"
		 "msr_syscall_entry: movq $1, came_here(%%rip)\n"
		 "jmp *%%rcx\n" : : : : over);
over:
	extern char msr_syscall_entry[];
	extern volatile u64 came_here;

	came_here = 0;
	/* CS 8, SS 10: as this guest's tables have them. */
	guest_wrmsr(0xc0000081, 8UL << 32);
	guest_wrmsr(0xc0000082, (u64)msr_syscall_entry);
	guest_wrmsr(0xc0000084, 0x200);
	asm volatile("syscall" : "=c"(rcx) : : "r11", "memory");
	GUEST_EQ(came_here, 1);
}

volatile u64 came_here;

/* ---- random values ---- */

static volatile u64 seed;
static volatile u64 wrote, read_back;

/* These end the guest's own run; nothing else may. */
static bool fatal_to_guest(u32 index)
{
	/* APIC base: the page is gone; GS, FS: not used here. */
	return index == MSR_EFER;
}

static void guest_fuzz_range(u32 first, u32 count)
{
	u64 v, new;
	u32 i;

	for (i = first; i < first + count; i++) {
		if (guest_try_rdmsr(i, &v) == -1)
			read_back++;
		new = rng() & rng();
		if (!(rng() & 3))
			new = 1UL << (rng() & 63);
		if (!fatal_to_guest(i) && guest_try_wrmsr(i, new) == -1)
			wrote++;
		/* One bit away from what it has. */
		if (guest_try_rdmsr(i, &v) == -1 && !fatal_to_guest(i))
			guest_try_wrmsr(i, v ^ 1UL << (rng() & 63));
	}
}

static void guest_fuzz_msrs(void)
{
	rng_state = seed;
	guest_fuzz_range(0, 0x2000);
	guest_fuzz_range(0xc0000000, 0x2000);
	guest_fuzz_range(0x40000000, 0x200);
}

static void guest_fuzz_cr(void)
{
	u64 cr0 = guest_read_cr0(), cr4 = guest_read_cr4(), efer = guest_rdmsr(MSR_EFER);
	u32 i;

	for (i = 0; i < 64; i++) {
		guest_trap("mov %0, %%cr4", "r"(cr4 ^ 1UL << i));
		guest_trap("mov %0, %%cr4", "r"(cr4));
		guest_trap("mov %0, %%cr0", "r"(cr0 ^ 1UL << i));
		guest_trap("mov %0, %%cr0", "r"(cr0));
		guest_try_wrmsr(MSR_EFER, efer ^ 1UL << i);
		guest_try_wrmsr(MSR_EFER, efer);
		guest_trap("mov %0, %%cr8", "r"(1UL << i));
		guest_trap("mov %0, %%dr7", "r"((1UL << i) & ~0x20ffUL));
		guest_trap("mov %0, %%dr6", "r"(1UL << i));
		guest_try_xsetbv(0, 1UL << i | 1);
	}
	guest_trap("mov %0, %%dr7", "r"(0x400UL));
	GUEST_EQ(guest_read_cr0(), cr0);
	GUEST_EQ(guest_read_cr4(), cr4);
	GUEST_EQ(guest_rdmsr(MSR_EFER), efer);
}

/* ---- the host ---- */

static struct host_regs {
	u64 fs;
	u16 cs, ss, ds, es;
	u32 mxcsr;
} host_before;

static void host_regs(struct host_regs *h)
{
	memset(h, 0, sizeof(*h));
	asm volatile("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3"
		     : "=r"(h->cs), "=r"(h->ss), "=r"(h->ds), "=r"(h->es));
	asm volatile("stmxcsr %0" : "=m"(h->mxcsr));
	asm volatile("mov %%fs:0, %0" : "=r"(h->fs));
}

/* The host's registers as /dev/cpu/0/msr has them, where it is there. */
static u32 host_msrs(u64 *to, u32 room)
{
	static const u32 index[] = {
		0x174, 0x175, 0x176, 0x1d9, 0x277, 0xc0000080, 0xc0000081, 0xc0000082,
		0xc0000083, 0xc0000084, 0xc0000103,
	};
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	u32 i, n = 0;

	for (i = 0; fd >= 0 && i < ARRAY_SIZE(index) && n < room; i++)
		if (pread(fd, &to[n], 8, index[i]) == 8)
			n++;
	if (fd >= 0)
		close(fd);
	return n;
}

static void fuzz(void (*fn)(void), u64 with, const char *name)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	/* The pages are the supervisor's: SMEP and SMAP can be tried. */
	*(u64 *)(vm->mem + HV_PML4) &= ~4UL;
	seed = with;
	x86_start(vcpu, fn);
	hv_run_to_done(vcpu, name);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
}

int main(void)
{
	struct hvmod_msrs args = { .count = HVMOD_MAX_MSRS, .msrs = (uintptr_t)list };
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	u64 before[16], after[16];
	struct host_regs regs;
	u32 n;

	n = host_msrs(before, ARRAY_SIZE(before));
	host_regs(&host_before);
	tap_ok(!ioctl(vm->dev, HVMOD_GET_MSR_LIST, &args), "the list");
	list_count = args.count;
	tap_ok(list_count > 20, "%u MSRs", list_count);
	host_round_trip(vcpu);
	all_at_once(vcpu);
	host_values(vcpu);
	x86_start(vcpu, guest_round_trip);
	hv_run_to_done(vcpu, "guest: what is read can be written, and is read again");
	x86_start(vcpu, guest_values);
	hv_run_to_done(vcpu, "guest: good values stay, bad ones are #GP");
	x86_start(vcpu, guest_syscall);
	hv_run_to_done(vcpu, "guest: SYSCALL goes where the guest said");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);

	fuzz(guest_fuzz_cr, 1, "every bit of CR0, CR4, EFER, XCR0, DR6, DR7");
	fuzz(guest_fuzz_msrs, 0x123456789, "random values to MSRs");
	tap_ok(wrote > 10 && read_back > 20, "%llu writes, %llu reads went through",
	       (unsigned long long)wrote, (unsigned long long)read_back);

	host_regs(&regs);
	tap_ok(!memcmp(&regs, &host_before, sizeof(regs)), "the host's registers are as before");
	if (n)
		tap_ok(host_msrs(after, ARRAY_SIZE(after)) == n && !memcmp(before, after, n * 8),
		       "the host's MSRs are as before");
	else
		tap_skip("the host's MSRs: no /dev/cpu/0/msr");
	return tap_finish();
}
