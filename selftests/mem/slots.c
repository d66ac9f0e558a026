// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots that come, go and move under two running vCPUs, and pages that
 * the launcher takes away and gives to others meanwhile: no vCPU ever reads or
 * writes a page that is not its own any more.
 */
#include <pthread.h>
#include <unistd.h>

#include "mem/worker.h"

#define PAGES	32UL
#define SIZE	(PAGES * PAGE)
#define TAG	0x5a5a000000000000UL
#define POISON	0xdddddddddddddddd
#define TOP	(HVMOD_MAX_GPA - SIZE)

static struct hv_vm *vm;
static struct hv_vcpu *vcpus[2];
static pthread_t threads[2];
static volatile u64 stop, rounds[2], mistakes;

/*
 * Every word is 0, fresh from the host, or this page's own.  arg: which vCPU; each
 * has a word of its own in each page.
 */
static void guest_race(u64 arg)
{
	u64 i;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			volatile u64 *p = (volatile u64 *)(W_GPA + i * PAGE + arg * 8);
			u64 v = *p;

			if (v && v != (TAG | i))
				mistakes++;
			if (i % 2 == arg)
				*p = TAG | i;
		}
		rounds[arg]++;
	}
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

static void wait_rounds(u64 more)
{
	u64 until[2] = { rounds[0] + more, rounds[1] + more };
	u32 i;

	/* A guest that was killed makes no more rounds: finish() will tell. */
	for (i = 0; i < 20000 && (rounds[0] < until[0] || rounds[1] < until[1]); i++)
		usleep(200);
}

static void begin(void (*fn)(u64))
{
	u64 i;

	stop = 0;
	mistakes = 0;
	for (i = 0; i < 2; i++) {
		hv_long_mode_arg(vcpus[i], fn, i);
		hv_need(!pthread_create(&threads[i], NULL, run_thread, vcpus[i]));
	}
	wait_rounds(1);
}

static void finish(const char *name)
{
	void *result;
	u32 i;

	wait_rounds(1);
	stop = 1;
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		if (!tap_eq((long)result, HV_DONE, name))
			hv_note_exit(vcpus[i]);
	}
	tap_eq(mistakes, 0, "  the guest saw its own pages only");
}

/* Takes the pages that became free, and gives them back if nobody wrote to them. */
static u64 poison(void)
{
	u64 *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	u64 i, bad = 0;

	hv_need(p != MAP_FAILED);
	for (i = 0; i < SIZE / 8; i++)
		p[i] = POISON;
	usleep(100);
	for (i = 0; i < SIZE / 8; i++)
		bad += p[i] != POISON;
	munmap(p, SIZE);
	return bad;
}

static void test_races(void)
{
	u8 *mem = worker_map(HUGE, MADV_NOHUGEPAGE);
	u64 bad = 0, first, count;
	u32 i, seed = 1;

	hv_need(!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, mem));
	begin(guest_race);
	for (i = 0; i < 150; i++) {
		seed = seed * 1103515245 + 12345;
		first = (seed >> 16) % PAGES;
		count = 1 + (seed >> 8) % (PAGES - first);
		if (i % 2)
			hv_need(!madvise(mem + first * PAGE, count * PAGE, MADV_DONTNEED));
		else
			hv_need(mmap(mem + first * PAGE, count * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
				MAP_FAILED);
		bad += poison();
	}
	tap_eq(bad, 0, "no page is written to when it belongs to others");
	finish("pages taken away under two vCPUs");
}

/* ---- slots ---- */

static void test_replace(void)
{
	u8 *a = worker_map(HUGE, MADV_NOHUGEPAGE), *b = worker_map(HUGE, MADV_NOHUGEPAGE);
	u32 i, failed = 0;

	hv_need(!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, a));
	begin(guest_race);
	for (i = 0; i < 40; i++) {
		failed += !!hv_set_memory(vm, W_SLOT, i % 3 == 2 ? HVMOD_MEM_LOG_DIRTY : 0, W_GPA,
					  SIZE, i % 2 ? a : b);
		/* Another slot comes, moves and goes beside it. */
		failed += !!hv_set_memory(vm, W_SLOT + 1, 0, W_GPA + SIZE, PAGE, a);
		failed += !!hv_set_memory(vm, W_SLOT + 1, 0, TOP, SIZE, b);
		failed += hv_set_memory(vm, W_SLOT + 2, 0, TOP + PAGE, PAGE, a) != -EEXIST;
		failed += hv_set_memory(vm, W_SLOT + 2, 0, W_GPA, PAGE, a) != -EEXIST;
		failed += !!hv_set_memory(vm, W_SLOT + 1, 0, 0, 0, NULL);
	}
	tap_eq(failed, 0, "slots come and go");
	finish("the slot's memory is replaced under two vCPUs");
}

/* A hole: reads of all ones come from outside, while other pages go on. */
static volatile u64 holes;

static void guest_holes(u64 arg)
{
	u64 v;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop) {
		v = *(volatile u64 *)(W_GPA + arg * PAGE);
		if (v == ~0UL)
			holes++;
		else if (v != (TAG | arg))
			mistakes++;
		rounds[arg]++;
	}
	GUEST_DONE();
}

static void *hole_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	struct hvmod_run *run = vcpu->run;
	enum hv_what what;

	while ((what = hv_talk(vcpu)) == HV_OTHER && run->exit_reason == HVMOD_EXIT_MMIO &&
	       !run->mmio.is_write && run->mmio.gpa - W_GPA < SIZE)
		memset(run->mmio.data, 0xff, 8);
	return (void *)(long)what;
}

static void test_hole(void)
{
	u8 *mem = worker_map(HUGE, MADV_NOHUGEPAGE);
	u64 i, failed = 0;
	void *result;

	*(u64 *)mem = TAG;
	*(u64 *)(mem + PAGE) = TAG | 1;
	hv_need(!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, mem));
	stop = 0;
	mistakes = 0;
	for (i = 0; i < 2; i++) {
		hv_long_mode_arg(vcpus[i], guest_holes, i);
		hv_need(!pthread_create(&threads[i], NULL, hole_thread, vcpus[i]));
	}
	for (i = 0; i < 20; i++) {
		wait_rounds(1);
		failed += !!hv_set_memory(vm, W_SLOT, 0, 0, 0, NULL);
		wait_rounds(1);
		failed += !!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, mem);
	}
	tap_eq(failed, 0, "a slot goes and comes under two vCPUs");
	stop = 1;
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		if (!tap_eq((long)result, HV_DONE, "the guest went on"))
			hv_note_exit(vcpus[i]);
	}
	tap_eq(mistakes, 0, "it saw the page or the hole");
	tap_ok(holes > 0, "it saw the hole");
}

/* ---- the kernel's own accesses while a slot is replaced ---- */

static void guest_insb(u64 arg)
{
	while (!stop) {
		u64 gpa = W_GPA, count = 64;

		asm volatile("rep insb" : "+D"(gpa), "+c"(count) : "d"(0x510) : "memory");
		rounds[arg]++;
	}
	GUEST_DONE();
}

static void *insb_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	enum hv_what what;

	while ((what = hv_talk(vcpu)) == HV_OTHER && vcpu->run->exit_reason == HVMOD_EXIT_IO)
		;
	return (void *)(long)what;
}

static void test_replace_under_emulation(void)
{
	u8 *a = worker_map(HUGE, MADV_NOHUGEPAGE), *b = worker_map(HUGE, MADV_NOHUGEPAGE);
	u64 i, k, until;
	void *result;

	hv_need(!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, a));
	stop = 0;
	hv_long_mode_arg(vcpus[0], guest_insb, 0);
	hv_need(!pthread_create(&threads[0], NULL, insb_thread, vcpus[0]));
	for (i = 0; i < 50; i++) {
		hv_need(!hv_set_memory(vm, W_SLOT, 0, W_GPA, SIZE, i % 2 ? a : b));
		until = rounds[0] + 1;
		for (k = 0; k < 2000 && rounds[0] < until; k++)
			usleep(200);
		if (rounds[0] < until)
			break;
	}
	stop = 1;
	pthread_join(threads[0], &result);
	if (!tap_eq((long)result, HV_DONE, "a slot is replaced under string input"))
		hv_note_exit(vcpus[0]);
}

/* ---- the top of the guest-physical space ---- */

/* A page of the top 1 GiB through page tables that the test made. */
static void guest_top(u64 arg)
{
	volatile u64 *p = (volatile u64 *)arg;

	GUEST_SYNC(*p);
	*p = 0x7777;
	GUEST_SYNC(*p);
	GUEST_DONE();
}

static void test_top(void)
{
	u64 *pml4 = (u64 *)(vm->mem + HV_PML4), *pdpt = (u64 *)(vm->mem + HV_FREE);
	u64 *pd = (u64 *)(vm->mem + HV_FREE + PAGE);
	u8 *mem = worker_map(HUGE, MADV_NOHUGEPAGE);
	u64 at = HVMOD_MAX_GPA - HUGE;

	pml4[at >> 39 & 511] = HV_FREE | 3;
	pdpt[at >> 30 & 511] = (HV_FREE + PAGE) | 3;
	pd[at >> 21 & 511] = at | 0x83;
	hv_need(!hv_set_memory(vm, W_SLOT + 1, 0, TOP, SIZE, mem));
	*(u64 *)(mem + SIZE - 8) = 0x6666;
	hv_long_mode_arg(vcpus[0], guest_top, HVMOD_MAX_GPA - 8);
	tap_ok(hv_talk(vcpus[0]) == HV_SYNC && vcpus[0]->value == 0x6666,
	       "the last word below 1 TiB is read");
	tap_ok(hv_talk(vcpus[0]) == HV_SYNC && *(u64 *)(mem + SIZE - 8) == 0x7777,
	       "and written");
	hv_run_to_done(vcpus[0], "the guest at the top");
}

static void test_large_slot(void)
{
	u8 *mem = mmap(NULL, 1UL << 38, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED) {
		tap_skip("256 GiB of address space: %m");
		return;
	}
	tap_eq(hv_set_memory(vm, W_SLOT + 2, 0, 1UL << 38, 1UL << 38, mem), 0,
	       "a slot of 256 GiB, not committed");
	tap_eq(hv_set_memory(vm, W_SLOT + 2, 0, 0, 0, NULL), 0, "and it goes");
	munmap(mem, 1UL << 38);
}

int main(void)
{
	u32 i;

	vm = hv_vm_new(1 << 20);
	for (i = 0; i < 2; i++)
		vcpus[i] = hv_vcpu_new(vm, i);
	test_races();
	test_replace();
	test_hole();
	test_replace_under_emulation();
	test_top();
	test_large_slot();
	for (i = 0; i < 2; i++)
		hv_vcpu_free(vcpus[i]);
	hv_vm_free(vm);
	return tap_finish();
}
