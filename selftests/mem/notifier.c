// SPDX-License-Identifier: GPL-2.0
/*
 * The host moves, shares, swaps and takes away the pages behind a guest that
 * reads and writes them all the time: neither side ever sees anything but what
 * the other one wrote.  api/backing does the same to a guest that stands still.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem/worker.h"

#define PAGES	64UL
#define SIZE	HUGE
#define KSM	"/sys/kernel/mm/ksm/"

static struct worker w;
static pthread_t runner;

/*
 * The host's half of a page is word 0, the guest's is word 64.  The host's words
 * are constant while the guest runs, or zero where the host says so.
 */
static volatile u64 stop, rounds, mistakes, zero_ok, readers_only;

static void guest_watch(u64 base)
{
	u64 n = 0, i;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			volatile u64 *p = (volatile u64 *)(base + i * PAGE);
			u64 v = p[0];

			if (v != base + i && !(zero_ok && !v))
				mistakes++;
			if (readers_only)
				continue;
			if (p[64] != n && !(zero_ok && !p[64]))
				mistakes++;
			p[64] = n + 1;
		}
		if (!readers_only)
			n++;
		rounds++;
	}
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

static void wait_rounds(u64 more)
{
	u64 until = rounds + more;
	u32 i;

	/* A guest that was killed makes no more rounds: finish() will tell. */
	for (i = 0; rounds < until && i < 20000; i++)
		usleep(500);
}

static void prepare(u8 *mem)
{
	u64 i;

	for (i = 0; i < PAGES; i++) {
		*(volatile u64 *)(mem + i * PAGE) = W_GPA + i;
		*(volatile u64 *)(mem + i * PAGE + 512) = 0;
	}
}

static void begin(u8 *mem)
{
	worker_start(&w, 0, mem, SIZE);
	prepare(mem);
	stop = 0;
	mistakes = 0;
	zero_ok = 0;
	readers_only = 0;
	hv_long_mode_arg(w.vcpu, guest_watch, W_GPA);
	hv_need(!pthread_create(&runner, NULL, run_thread, w.vcpu));
	wait_rounds(2);
}

static void finish(const char *name)
{
	u64 i, differ = 0, last;
	void *result;

	wait_rounds(2);
	stop = 1;
	pthread_join(runner, &result);
	if (!tap_eq((long)result, HV_DONE, name))
		hv_note_exit(w.vcpu);
	tap_eq(mistakes, 0, "  the guest saw its words and the host's");
	last = *worker_word(&w, 512);
	for (i = 0; i < PAGES; i++)
		differ += *worker_word(&w, i * PAGE + 512) != last;
	if (!readers_only)
		tap_eq(differ, 0, "  the host sees the guest's last words");
	worker_end(&w);
}

static u8 *small(void)
{
	return worker_map(SIZE, MADV_NOHUGEPAGE);
}

/* ---- protection, moving ---- */

static void test_mprotect(void)
{
	u32 i;

	begin(small());
	readers_only = 1;
	wait_rounds(2);
	for (i = 0; i < 50; i++) {
		hv_need(!mprotect(w.mem, PAGES * PAGE, PROT_READ));
		wait_rounds(1);
		hv_need(!mprotect(w.mem, PAGES * PAGE, PROT_READ | PROT_WRITE));
	}
	finish("mprotect to and fro under a reader");
}

static void test_mremap(void)
{
	u8 *other = small();
	u8 *mem = small();
	u32 i;

	memset(mem, 0, SIZE);
	memset(other, 0, SIZE);
	prepare(other);
	begin(mem);
	readers_only = 1;
	wait_rounds(2);
	/* Another mapping with the same words takes the place of the first. */
	for (i = 0; i < 20; i++) {
		hv_need(mremap(other, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, mem) == mem);
		wait_rounds(1);
		other = small();
		prepare(other);
	}
	finish("mremap of new pages over the old ones");
}

/* ---- pages that go, and come as zeros ---- */

static void refill(void)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		*(volatile u64 *)(w.mem + i * PAGE) = W_GPA + i;
}

static void test_dontneed(int advice, const char *name)
{
	u32 i;

	begin(small());
	zero_ok = 1;
	for (i = 0; i < 50; i++) {
		hv_need(!madvise(w.mem, PAGES * PAGE, advice));
		refill();
		wait_rounds(1);
	}
	finish(name);
}

static void test_munmap(void)
{
	struct hvmod_run *run;
	void *result;

	begin(small());
	hv_need(!munmap(w.mem + 3 * PAGE, PAGE));
	pthread_join(runner, &result);
	run = w.vcpu->run;
	tap_ok((long)result == HV_OTHER && run->exit_reason == HVMOD_EXIT_KILLED,
	       "munmap: the running guest is killed");
	tap_ok(strlen(run->killed.why) > 10, "  with a sentence");
	tap_note("%.256s", run->killed.why);
	worker_end(&w);

	/* What is put back before the guest looks was never gone. */
	worker_start(&w, 0, small(), SIZE);
	hv_need(worker_write(&w, 0, 1));
	hv_need(!munmap(w.mem, PAGE));
	hv_need(mmap(w.mem, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == w.mem);
	tap_eq(worker_read(&w, 0), 0, "munmap and mmap before the next access");
	worker_end(&w);
}

/* ---- fork: copy on write in the parent ---- */

static void test_fork(u8 *mem, const char *name)
{
	u32 i, k, wrong = 0;
	int status;
	pid_t pid;

	begin(mem);
	for (i = 0; i < 10; i++) {
		pid = fork();
		hv_need(pid >= 0);
		if (!pid) {
			u64 first = *worker_word(&w, 512);

			/* The child's copy stands still while the guest writes. */
			for (k = 0; k < 20; k++) {
				usleep(200);
				if (*worker_word(&w, 512) != first || *worker_word(&w, 0) != W_GPA)
					_exit(1);
			}
			/* What the child writes is its own. */
			memset(mem, 0xcc, PAGES * PAGE);
			_exit(0);
		}
		hv_need(waitpid(pid, &status, 0) == pid);
		wrong += !!status;
	}
	tap_eq(wrong, 0, name);
	finish("fork: the parent's guest goes on");
}

/* ---- KSM ---- */

static u64 number(const char *path)
{
	unsigned long long v = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static bool merge(void)
{
	u32 i;

	for (i = 0; i < 3000 && number(KSM "pages_sharing") < PAGES / 2; i++)
		usleep(2000);
	return number(KSM "pages_sharing") >= PAGES / 2;
}

static void test_ksm(void)
{
	u64 i, wrong = 0;

	if (!worker_tell(KSM "pages_to_scan", "2000") || !worker_tell(KSM "sleep_millisecs", "1") ||
	    !worker_tell(KSM "run", "1")) {
		tap_skip("KSM: this host's kernel has none");
		return;
	}
	worker_start(&w, 0, small(), SIZE);
	for (i = 0; i < PAGES; i++)
		hv_need(worker_write(&w, i * PAGE, 7777));
	hv_need(!madvise(w.mem, PAGES * PAGE, MADV_MERGEABLE));
	if (!merge()) {
		tap_skip("KSM: it merged nothing");
	} else {
		for (i = 0; i < PAGES; i++)
			wrong += worker_read(&w, i * PAGE) != 7777;
		tap_eq(wrong, 0, "KSM: the guest reads merged pages");
		hv_need(worker_write(&w, 5 * PAGE, 8888));
		for (i = 0; i < PAGES; i++) {
			wrong += *worker_word(&w, i * PAGE) != (i == 5 ? 8888 : 7777);
			wrong += worker_read(&w, i * PAGE) != (i == 5 ? 8888 : 7777);
		}
		tap_eq(wrong, 0, "KSM: a write changes one page");
		*worker_word(&w, 6 * PAGE) = 9999;
		tap_eq(worker_read(&w, 6 * PAGE), 9999, "KSM: so does the host's");
	}
	worker_end(&w);

	begin(small());
	madvise(w.mem, PAGES * PAGE, MADV_MERGEABLE);
	wait_rounds(50);
	finish("KSM scans under a running guest");
	worker_tell(KSM "run", "2");
	worker_tell(KSM "run", "0");
}

/* ---- swap ---- */

static u64 pagemap(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	u64 e = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		e = 0;
	close(fd);
	return e;
}

#define SWAP	"/dev/ram0"

/* A RAM disk: its pages are the kernel's own, so nothing comes back from a cache. */
static bool swap_on(void)
{
	static u8 head[PAGE];
	u64 size = 0;
	int fd;

	if (access(SWAP, F_OK) &&
	    system("insmod /lib/modules/$(uname -r)/brd.ko rd_nr=1 rd_size=4096 2>/dev/null"))
		return false;
	fd = open(SWAP, O_RDWR);
	if (fd < 0)
		return false;
	hv_need(!ioctl(fd, BLKGETSIZE64, &size) && size >= 16 * PAGE);
	*(u32 *)(head + 1024) = 1;			/* version */
	*(u32 *)(head + 1028) = size / PAGE - 1;	/* last page */
	memcpy(head + PAGE - 10, "SWAPSPACE2", 10);
	hv_need(write(fd, head, PAGE) == (ssize_t)PAGE);
	fsync(fd);
	close(fd);
	return !swapon(SWAP, 0);
}

/*
 * The first time a page is found in use, by the guest's accessed bit.  Page by
 * page, so that a running guest has little time to use it again.
 */
static void page_out(void)
{
	u32 i;

	for (i = 0; i < 3 * PAGES; i++)
		hv_need(!madvise(w.mem + i / 3 * PAGE, PAGE, MADV_PAGEOUT));
}

static void test_swap(void)
{
	u64 i, k, swapped = 0, wrong = 0, moved = 0, before[PAGES];

	if (!swap_on()) {
		tap_skip("swap: this host has no RAM disk");
		return;
	}
	worker_start(&w, 0, small(), SIZE);
	hv_need(worker_fill(&w, 0, PAGES, 100));
	page_out();
	for (i = 0; i < PAGES; i++)
		swapped += pagemap(w.mem + i * PAGE) >> 62 & 1;
	tap_ok(swapped > 0, "swap: %llu of %lu pages are out", (unsigned long long)swapped, PAGES);
	tap_eq(worker_check(&w, 0, PAGES, 100), 0, "swap: the guest reads them back");
	page_out();
	hv_need(worker_fill(&w, 0, PAGES, 200));
	for (i = 0; i < PAGES; i++)
		wrong += *worker_word(&w, i * PAGE) != 200 + i;
	tap_eq(wrong, 0, "swap: and writes to pages that are out");
	worker_end(&w);

	begin(small());
	/* The guest has them in again at once, in other frames. */
	for (i = 0; i < 30; i++) {
		for (k = 0; k < PAGES; k++)
			before[k] = pagemap(w.mem + k * PAGE);
		page_out();
		wait_rounds(1);
		for (k = 0; k < PAGES; k++)
			moved += before[k] != pagemap(w.mem + k * PAGE);
	}
	tap_ok(moved > 0, "swap: %llu times a page went out under a running guest",
	       (unsigned long long)moved);
	finish("swap under a running guest");
	tap_ok(!swapoff(SWAP), "swap: everything comes back");
}

/* ---- migration ---- */

static void test_migration(void)
{
	u64 before[PAGES], i, k, moved = 0;
	bool may;

	begin(worker_map(SIZE, MADV_NOHUGEPAGE));
	may = worker_tell("/proc/sys/vm/compact_memory", "1");
	for (k = 0; may && k < 5; k++) {
		for (i = 0; i < PAGES; i++)
			before[i] = pagemap(w.mem + i * PAGE);
		worker_tell("/proc/sys/vm/compact_memory", "1");
		for (i = 0; i < PAGES; i++)
			moved += before[i] != pagemap(w.mem + i * PAGE);
		wait_rounds(1);
	}
	if (may)
		tap_note("compaction moved %llu pages", (unsigned long long)moved);
	else
		tap_skip("compaction: this host's kernel has none");
	finish("compaction under a running guest");
}

/* ---- shared mappings, two VMs ---- */

static void test_shared(int fd, const char *name)
{
	static struct worker other;
	u8 *a, *b;
	u64 i;

	hv_need(fd >= 0 && !ftruncate(fd, SIZE));
	a = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	hv_need(a != MAP_FAILED && b != MAP_FAILED);
	worker_start(&w, 0, a, SIZE);
	worker_start(&other, 0, b, SIZE);
	hv_need(worker_fill(&w, 0, PAGES, 1));
	tap_eq(worker_check(&other, 0, PAGES, 1), 0, name);
	hv_need(worker_fill(&other, 0, PAGES, 1000));
	tap_eq(worker_check(&w, 0, PAGES, 1000), 0, "  and back");
	hv_need(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE));
	tap_ok(!worker_read(&w, 0) && !worker_read(&other, PAGE), "  a hole is zero in both");
	hv_need(worker_write(&w, PAGE, 5));
	tap_eq(worker_read(&other, PAGE), 5, "  and the same page again");
	hv_need(pwrite(fd, "\x11\x22\x33\x44\x55\x66\x77", 8, 2 * PAGE) == 8);
	tap_eq(worker_read(&w, 2 * PAGE), 0x77665544332211, "  write() is seen");
	hv_need(worker_write(&w, 3 * PAGE, 6) && pread(fd, &i, 8, 3 * PAGE) == 8);
	tap_eq(i, 6, "  read() sees the guest's");
	/* A file that ends before the mapping does: no page there. */
	hv_need(!ftruncate(fd, PAGE));
	w.write = 0;
	w.address = W_GPA + 8 * PAGE;
	w.count = 1;
	tap_ok(hv_talk(w.vcpu) == HV_OTHER && w.vcpu->run->exit_reason == HVMOD_EXIT_KILLED,
	       "  truncated under the guest: it is killed");
	tap_note("%.256s", w.vcpu->run->killed.why);
	worker_end(&w);
	worker_end(&other);
	munmap(a, SIZE);
	munmap(b, SIZE);
	close(fd);
}

int main(void)
{
	test_mprotect();
	test_mremap();
	test_dontneed(MADV_DONTNEED, "MADV_DONTNEED under a running guest");
	test_dontneed(MADV_FREE, "MADV_FREE under a running guest");
	test_munmap();
	test_fork(small(), "fork: the child's pages stand still");
	test_fork(worker_map(SIZE, MADV_HUGEPAGE), "fork with huge pages");
	test_ksm();
	test_swap();
	test_migration();
	test_shared(memfd_create("hvmod-test", MFD_CLOEXEC), "a memfd in two VMs");
	test_shared(open("/tmp/hvmod-test", O_RDWR | O_CREAT | O_TRUNC, 0600), "a file in two VMs");
	return tap_finish();
}
