// SPDX-License-Identifier: GPL-2.0
/*
 * The log of written pages when others write than the guest's own stores: the
 * kernel for it (string input, emulated instructions), the CPU in its page
 * tables; under huge pages; while the log is turned on and off; on a read-only
 * slot.  api/dirty_log has the plain cases.
 */
#include <pthread.h>
#include <unistd.h>

#include "mem/worker.h"

#define SIZE	(4UL << 20)
#define PAGES	(SIZE / PAGE)
#define WORDS	(PAGES / 64)
#define PORT	0x510

static struct worker w;
static u64 bitmap[WORDS];

static void get_log(void)
{
	struct hvmod_dirty args = {
		.slot = W_SLOT, .pages = PAGES, .bitmap = (uintptr_t)bitmap,
	};

	memset(bitmap, 0xff, sizeof(bitmap));
	hv_need(!ioctl(w.vm->fd, HVMOD_VM_GET_DIRTY, &args));
}

static u64 set_bits(void)
{
	u64 i, n = 0;

	for (i = 0; i < WORDS; i++)
		n += __builtin_popcountll(bitmap[i]);
	return n;
}

/* The log has these pages and no other. */
static void expect(const char *name, u64 first, u64 count)
{
	u64 i, wrong = 0;

	get_log();
	for (i = 0; i < PAGES; i++)
		wrong += (bitmap[i / 64] >> (i % 64) & 1) != (i - first < count);
	if (!tap_eq(wrong, 0, name))
		tap_note("%llu pages are set", (unsigned long long)set_bits());
}

static void flags(u32 set)
{
	hv_need(!hv_set_memory(w.vm, W_SLOT, set, W_GPA, SIZE, w.mem));
}

/* ---- large leaves ---- */

static void test_huge(void)
{
	bool huge;

	worker_start(&w, 0, worker_map(SIZE, MADV_HUGEPAGE), SIZE);
	hv_need(worker_fill(&w, 0, PAGES, 1));
	huge = worker_stat(&w).pages_2m == SIZE / HUGE;
	if (!huge)
		tap_skip("no huge pages: the log is tried on small ones");
	flags(HVMOD_MEM_LOG_DIRTY);
	expect("log on: empty", 0, 0);
	tap_eq(worker_check(&w, 0, PAGES, 1), 0, "the guest reads");
	expect("reads are no writes", 0, 0);
	hv_need(worker_fill(&w, 3 * PAGE, 5, 9));
	expect("five pages of a huge one", 3, 5);
	hv_need(worker_fill(&w, HUGE - PAGE, 2, 9));
	expect("two pages across", HUGE / PAGE - 1, 2);
	flags(0);
	hv_need(worker_fill(&w, 0, PAGES, 2));
	tap_eq(worker_stat(&w).pages_2m, huge ? SIZE / HUGE : 0, "log off: large leaves again");
	worker_end(&w);
}

/* ---- the kernel writes for the guest ---- */

static void guest_insb(u64 gpa)
{
	u64 count = 2 * PAGE;

	asm volatile("rep insb" : "+D"(gpa), "+c"(count) : "d"(PORT) : "memory");
	GUEST_DONE();
}

/* Answers every input with bytes that count on. */
static enum hv_what feed(struct hv_vcpu *vcpu, u64 *fed)
{
	struct hvmod_run *run = vcpu->run;
	enum hv_what what;
	u64 i;

	for (;;) {
		what = hv_talk(vcpu);
		if (what != HV_OTHER || run->exit_reason != HVMOD_EXIT_IO ||
		    run->io.port != PORT || run->io.direction != HVMOD_IO_IN)
			return what;
		for (i = 0; i < run->io.count * run->io.size; i++)
			run->data[i] = (*fed)++ % 251;
	}
}

static void test_string_input(void)
{
	u64 at = 5 * PAGE + 100, fed = 0, i;

	hv_long_mode_arg(w.vcpu, guest_insb, W_GPA + at);
	tap_eq(feed(w.vcpu, &fed), HV_DONE, "string input");
	tap_eq(fed, 2 * PAGE, "as many bytes as asked for");
	for (i = 0; i < fed; i++) {
		if (w.mem[at + i] != i % 251)
			break;
	}
	tap_eq(i, fed, "they are in memory");
	expect("string input is in the log", 5, 3);
}

/* The CPU sets accessed and dirty bits in the guest's page tables. */
#define TABLE	(W_GPA + 16 * PAGE)

static void guest_walk(void)
{
	u64 *pd = (u64 *)(HV_PD);
	u64 old = pd[W_GPA >> 21];
	volatile u64 *p = (volatile u64 *)(W_GPA + PAGE);
	u64 cr3;

	/* The first 2 MiB of the slot through a page table in the slot. */
	pd[W_GPA >> 21] = TABLE | 7;
	asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
	GUEST_SYNC(0);
	*p;
	GUEST_SYNC(1);
	*p = 1;
	GUEST_SYNC(2);
	pd[W_GPA >> 21] = old;
	asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
	GUEST_DONE();
}

static bool logged(u64 page)
{
	return bitmap[page / 64] >> (page % 64) & 1;
}

static void test_page_tables(void)
{
	u64 *table = worker_word(&w, 16 * PAGE);
	u64 i;

	for (i = 0; i < 512; i++)
		table[i] = (W_GPA + i * PAGE) | 3;
	hv_long_mode(w.vcpu, guest_walk);
	hv_need(hv_talk(w.vcpu) == HV_SYNC);
	get_log();
	hv_need(hv_talk(w.vcpu) == HV_SYNC);
	get_log();
	tap_ok((table[1] & 0x20) && logged(16), "an accessed bit is in the log");
	tap_ok(!logged(1), "the page that was read is not");
	hv_need(hv_talk(w.vcpu) == HV_SYNC);
	get_log();
	tap_ok((table[1] & 0x40) && logged(16), "a dirty bit is in the log");
	tap_ok(logged(1), "and the page that was written");
	tap_eq(set_bits(), 2, "and nothing else");
	hv_run_to_done(w.vcpu, "the guest's page tables work");
}

static void test_kernel_writes(void)
{
	worker_start(&w, HVMOD_MEM_LOG_DIRTY, worker_map(SIZE, MADV_NOHUGEPAGE), SIZE);
	test_string_input();
	test_page_tables();
	worker_end(&w);
}

/* ---- turned on and off, and read, under a running guest ---- */

static volatile u64 stop, rounds;

static void guest_scribbler(void)
{
	u64 n = 0, seed = 1;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		*(volatile u64 *)(W_GPA + (seed >> 33) % PAGES * PAGE) = ++n;
		rounds = n;
	}
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

static void copy_logged(u8 *copy)
{
	u64 i;

	get_log();
	for (i = 0; i < PAGES; i++) {
		if (logged(i))
			memcpy(copy + i * PAGE, w.mem + i * PAGE, PAGE);
	}
}

static void wait_rounds(u64 more)
{
	u64 until = rounds + more;

	while (rounds < until)
		usleep(500);
}

static void test_toggle(void)
{
	u8 *copy = malloc(SIZE);
	u64 i, wrong = 0, k;
	pthread_t thread;
	void *result;

	hv_need(copy);
	worker_start(&w, 0, worker_map(SIZE, MADV_HUGEPAGE), SIZE);
	stop = 0;
	hv_long_mode(w.vcpu, guest_scribbler);
	hv_need(!pthread_create(&thread, NULL, run_thread, w.vcpu));
	for (i = 0; i < 8; i++) {
		flags(0);
		wait_rounds(200);
		flags(HVMOD_MEM_LOG_DIRTY);
		/* All that was written before is in memory now. */
		memcpy(copy, w.mem, SIZE);
		for (k = 0; k < 4; k++) {
			wait_rounds(50);
			copy_logged(copy);
		}
	}
	stop = 1;
	pthread_join(thread, &result);
	tap_eq((long)result, HV_DONE, "the guest scribbled all the time");
	copy_logged(copy);
	for (i = 0; i < PAGES; i++)
		wrong += !!memcmp(copy + i * PAGE, w.mem + i * PAGE, PAGE);
	tap_eq(wrong, 0, "a copy since the log was turned on is the memory");
	expect("nothing is logged when nothing is written", 0, 0);
	worker_end(&w);
	free(copy);
}

/* ---- a read-only slot ---- */

static void guest_store(void)
{
	asm volatile("movq $0x12345678, (%0)" : : "r"(W_GPA + 2 * PAGE + 8) : "memory");
	GUEST_SYNC(*(volatile u64 *)(W_GPA + 2 * PAGE + 8));
	GUEST_DONE();
}

static void test_readonly(void)
{
	struct hvmod_run *run;
	u64 fed = 0;

	worker_start(&w, HVMOD_MEM_LOG_DIRTY | HVMOD_MEM_READONLY,
		     worker_map(SIZE, MADV_NOHUGEPAGE), SIZE);
	*worker_word(&w, 2 * PAGE + 8) = 77;
	run = w.vcpu->run;
	hv_long_mode(w.vcpu, guest_store);
	tap_eq(hv_talk(w.vcpu), HV_OTHER, "read-only: a write comes out");
	tap_ok(run->exit_reason == HVMOD_EXIT_MMIO && run->mmio.is_write && run->mmio.len == 8 &&
	       run->mmio.gpa == W_GPA + 2 * PAGE + 8 && *(u64 *)run->mmio.data == 0x12345678,
	       "as MMIO");
	tap_ok(hv_talk(w.vcpu) == HV_SYNC && w.vcpu->value == 77, "and changes nothing");
	expect("and is not in the log", 0, 0);
	hv_run_to_done(w.vcpu, "the guest goes on");

	/* String input is a write, too: it does not go in, and nobody crashes. */
	hv_long_mode_arg(w.vcpu, guest_insb, W_GPA);
	feed(w.vcpu, &fed);
	tap_eq(*worker_word(&w, 0), 0, "string input does not write to it");
	expect("nor does the log say so", 0, 0);
	worker_end(&w);
}

/* ---- page tables in a read-only slot ---- */

static void guest_rom_walk(void)
{
	u64 *pd = (u64 *)(HV_PD);
	u64 old = pd[W_GPA >> 21];
	u64 cr3;

	pd[W_GPA >> 21] = TABLE | 7;
	asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
	GUEST_SYNC(*(volatile u64 *)(W_GPA + PAGE));
	GUEST_SYNC(*(volatile u64 *)(W_GPA + 2 * PAGE));
	pd[W_GPA >> 21] = old;
	asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
	GUEST_DONE();
}

/* Accessed bits that are clear cannot be set there, and nobody minds (Bochs sets them). */
static void test_rom_tables(void)
{
	u64 *table;

	worker_start(&w, HVMOD_MEM_READONLY, worker_map(SIZE, MADV_NOHUGEPAGE), SIZE);
	table = worker_word(&w, 16 * PAGE);
	table[1] = (W_GPA + PAGE) | 0x63;
	table[2] = (W_GPA + 2 * PAGE) | 3;
	*worker_word(&w, PAGE) = 11;
	*worker_word(&w, 2 * PAGE) = 22;
	hv_long_mode(w.vcpu, guest_rom_walk);
	tap_ok(hv_talk(w.vcpu) == HV_SYNC && w.vcpu->value == 11,
	       "page tables in a read-only slot");
	tap_ok(hv_talk(w.vcpu) == HV_SYNC && w.vcpu->value == 22, "with a clear accessed bit");
	if (!hv_run_to_done(w.vcpu, "the guest goes on"))
		hv_note_exit(w.vcpu);
	worker_end(&w);
}

int main(void)
{
	test_huge();
	test_kernel_writes();
	test_toggle();
	test_readonly();
	test_rom_tables();
	return tap_finish();
}
