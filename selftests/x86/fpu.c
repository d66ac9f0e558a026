// SPDX-License-Identifier: GPL-2.0
/*
 * x87, SSE and AVX state: two vCPUs and their host's threads keep different
 * patterns in the same registers while they are preempted, exit and return to
 * user space.  State goes out and in through HVMOD_STATE_XSAVE.  No check here
 * may itself touch the registers between a load and its comparison.
 */
#include <pthread.h>
#include <unistd.h>

#include "guest.h"

#define ROUNDS	60

struct pattern {
	u8 vec[16][32];
	u8 got[16][32];
	u64 x87, x87_got;
	u32 mxcsr, mxcsr_got;
	u16 cw, cw_got;
};

static struct pattern patterns[4] __attribute__((aligned(64)));
static volatile u32 avx;

#define EACH_REG(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) \
	X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD_XMM(n) "movdqu " #n "*32(%0), %%xmm" #n "\n"
#define SAVE_XMM(n) "movdqu %%xmm" #n ", 512+" #n "*32(%0)\n"
#define LOAD_YMM(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n"
#define SAVE_YMM(n) "vmovdqu %%ymm" #n ", 512+" #n "*32(%0)\n"

static inline void load(struct pattern *p, bool wide)
{
	asm volatile("fninit; fldcw %0" : : "m"(p->cw));
	asm volatile("fildll %0" : : "m"(p->x87));
	asm volatile("ldmxcsr %0" : : "m"(p->mxcsr));
	if (wide)
		asm volatile(EACH_REG(LOAD_YMM) : : "r"(p) : "memory");
	else
		asm volatile(EACH_REG(LOAD_XMM) : : "r"(p) : "memory");
}

static inline void save(struct pattern *p, bool wide)
{
	if (wide)
		asm volatile(EACH_REG(SAVE_YMM) : : "r"(p) : "memory");
	else
		asm volatile(EACH_REG(SAVE_XMM) : : "r"(p) : "memory");
	asm volatile("stmxcsr %0" : "=m"(p->mxcsr_got));
	asm volatile("fnstcw %0" : "=m"(p->cw_got));
	asm volatile("fistpll %0" : "=m"(p->x87_got));
}

static void pattern_init(struct pattern *p, u64 seed)
{
	u8 *bytes = &p->vec[0][0];
	u32 i;

	for (i = 0; i < sizeof(p->vec); i++)
		bytes[i] = seed * 37 + i * 11 + 1;
	p->x87 = seed * 1000003 + 5;
	p->mxcsr = 0x1f80 | (seed & 3) << 13;
	p->cw = 0x37f & ~((seed & 1) << 8);
}

static bool pattern_same(const struct pattern *p, bool wide)
{
	u32 i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < (wide ? 32 : 16); j++)
			if (p->vec[i][j] != p->got[i][j])
				return false;
	return p->x87 == p->x87_got && (p->mxcsr & 0xffc0) == (p->mxcsr_got & 0xffc0) &&
	       p->cw == p->cw_got;
}

static void guest_xcr0(u64 xcr0)
{
	guest_write_cr4(guest_read_cr4() | 1UL << 18);
	GUEST_EQ(guest_try_xsetbv(0, xcr0), -1);
}

static void spin(u64 count)
{
	while (count--)
		asm volatile("pause");
}

/* Loads, exits and is preempted, saves. */
static void guest_main(u64 id)
{
	struct pattern *p = &patterns[id];
	u32 r[4], i;

	guest_cpuid(1, 0, r);
	if ((r[2] & 5U << 26) == 5U << 26) {
		guest_xcr0(7);
		avx = 1;
	}
	for (i = 0; i < ROUNDS; i++) {
		pattern_init(p, id * 64 + i);
		load(p, avx);
		switch (i % 4) {
		case 0:
			guest_rdmsr(MSR_APIC_BASE);
			break;
		case 1:
			GUEST_SYNC(i);
			break;
		case 2:
			/* The emulator's vector moves, on other registers' backs. */
			guest_outb(0x80, 0);
			break;
		default:
			spin(20000);
		}
		save(p, avx);
		GUEST_ASSERT(pattern_same(p, avx));
	}
}

/* Emulated vector moves change the register they name, and no other. */
static void guest_vector_mmio(void)
{
	struct pattern *p = &patterns[3];
	u32 i;

	if (avx)
		guest_xcr0(7);
	pattern_init(p, 9);
	load(p, avx);
	asm volatile("movdqu %%xmm5, (%0); movdqu (%0), %%xmm5" : : "r"(0xd0000000UL) : "memory");
	save(p, avx);
	/* The host answered with ones; the SSE form keeps the upper half. */
	for (i = 0; i < 16; i++)
		p->vec[5][i] = 0xff;
	GUEST_ASSERT(pattern_same(p, avx));
}

static void guest_change_xcr0(void)
{
	struct pattern *p = &patterns[3];

	if (!avx)
		return;
	guest_xcr0(7);
	pattern_init(p, 5);
	load(p, true);
	guest_xcr0(3);
	GUEST_EQ(guest_trap("vpxor %%ymm0, %%ymm0, %%ymm0", "a"(0)), X86_UD);
	GUEST_SYNC(1);
	guest_xcr0(7);
	/* What XCR0 hid was kept. */
	save(p, true);
	GUEST_ASSERT(pattern_same(p, true));
}

/* ---- host ---- */

static bool talk(struct hv_vcpu *vcpu, struct pattern *host)
{
	struct hvmod_run *run = vcpu->run;
	enum hv_what what;
	bool good = true;

	for (;;) {
		if (host) {
			/* The calls between are real; this thread's registers survive. */
			load(host, __builtin_cpu_supports("avx"));
			asm volatile("" : : : "memory");
			hv_run_once(vcpu);
			save(host, __builtin_cpu_supports("avx"));
			good &= pattern_same(host, __builtin_cpu_supports("avx"));
			if (run->exit_reason == HVMOD_EXIT_IO && run->io.port == HV_PORT_DONE)
				return good;
			if (run->exit_reason == HVMOD_EXIT_IO && run->io.port == HV_PORT_ASSERT)
				return false;
			continue;
		}
		what = hv_talk(vcpu);
		if (what == HV_DONE)
			return true;
		if (what == HV_SYNC)
			continue;
		if (what == HV_OTHER && run->exit_reason == HVMOD_EXIT_MMIO)
			memset(run->mmio.data, 0xff, 8);
		else if (what != HV_OTHER || run->exit_reason != HVMOD_EXIT_IO)
			return false;
	}
}

static volatile bool thread_good[2];

static void *thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;

	thread_good[vcpu->id] = talk(vcpu, NULL);
	return NULL;
}

static void two_at_a_time(struct hv_vm *vm, struct hv_vcpu *vcpu[2])
{
	pthread_t t[2];
	int i;

	for (i = 0; i < 2; i++) {
		hv_long_mode_arg(vcpu[i], guest_main, i);
		hv_need(!pthread_create(&t[i], NULL, thread, vcpu[i]));
	}
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	tap_ok(thread_good[0] && thread_good[1], "two vCPUs keep their registers");
}

#define XSAVE_XMM	160
#define XSAVE_BV	512

static void state_round_trip(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	u32 size = hv_cap(vm->dev, HVMOD_CAP_XSAVE_SIZE), i, bad = 0;
	u8 *a = aligned_alloc(64, (size + 127) & ~63U);
	u8 *b = aligned_alloc(64, (size + 127) & ~63U);

	hv_need(a && b && size >= 576);
	tap_eq(hv_get(vcpu, HVMOD_STATE_XSAVE, a, size), 0, "XSAVE: get");
	for (i = 0; i < 256; i++)
		a[XSAVE_XMM + i] = i * 7 + 3;
	*(u64 *)(a + XSAVE_BV) |= 3;
	tap_eq(hv_set(vcpu, HVMOD_STATE_XSAVE, a, size), 0, "XSAVE: set");
	memset(b, 0x5a, size);
	tap_eq(hv_get(vcpu, HVMOD_STATE_XSAVE, b, size), 0, "XSAVE: get again");
	tap_ok(!memcmp(a + XSAVE_XMM, b + XSAVE_XMM, 256), "XSAVE: the vectors go round");
	/* What no CPU has: a component, MXCSR's reserved bits, the compact form. */
	*(u64 *)(a + XSAVE_BV) |= 1UL << 62;
	bad += hv_set(vcpu, HVMOD_STATE_XSAVE, a, size) == 0;
	*(u64 *)(a + XSAVE_BV) &= ~(1UL << 62);
	*(u32 *)(a + 24) = 0xffff0000;
	bad += hv_set(vcpu, HVMOD_STATE_XSAVE, a, size) == 0;
	*(u32 *)(a + 24) = 0x1f80;
	*(u64 *)(a + XSAVE_BV + 8) = 1UL << 63 | 3;
	bad += hv_set(vcpu, HVMOD_STATE_XSAVE, a, size) == 0;
	tap_eq(bad, 0, "XSAVE: what no CPU has is refused");
	free(a);
	free(b);
}

/* A set state is what the guest finds. */
static u8 seen[32];

static void guest_sees(void)
{
	asm volatile("movdqu %%xmm1, %0" : "=m"(seen));
}

static void host_keeps(struct hv_vcpu *vcpu)
{
	struct pattern *p = &patterns[2];

	pattern_init(p, 77);
	hv_long_mode_arg(vcpu, guest_main, 0);
	tap_ok(talk(vcpu, p), "the host's thread keeps its registers");
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu[2] = { hv_vcpu_new(vm, 0), hv_vcpu_new(vm, 1) };
	u32 i, bad = 0;

	x86_start(vcpu[0], guest_sees);
	state_round_trip(vm, vcpu[0]);
	hv_run_to_done(vcpu[0], "the guest saves XMM1");
	for (i = 0; i < 16; i++)
		bad += seen[i] != (u8)((16 + i) * 7 + 3);
	tap_eq(bad, 0, "it holds what the host set");

	two_at_a_time(vm, vcpu);
	host_keeps(vcpu[0]);
	x86_start(vcpu[0], guest_vector_mmio);
	tap_ok(talk(vcpu[0], NULL), "an emulated vector move");
	x86_start(vcpu[0], guest_change_xcr0);
	tap_ok(talk(vcpu[0], NULL), "XCR0 hides AVX and keeps it");
	if (!avx)
		tap_skip("AVX: this CPU has none");
	hv_vcpu_free(vcpu[1]);
	hv_vcpu_free(vcpu[0]);
	hv_vm_free(vm);
	return tap_finish();
}
