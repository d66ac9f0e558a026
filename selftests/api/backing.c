// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher changes the mapping behind guest memory while the guest uses
 * it: the guest sees the new pages at its next access, and where there are
 * none it is killed with a sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv.h"

#define SIZE	(8UL << 20)
#define HUGE	(2UL << 20)
#define GPA	(64UL << 20)
#define SLOT	HV_SLOT_FREE

enum { READ, WRITE };

static volatile u64 what, address, value;

static void guest_worker(void)
{
	for (;;) {
		if (what == READ)
			value = *(volatile u64 *)address;
		else
			*(volatile u64 *)address = value;
		GUEST_SYNC(value);
	}
}

struct machine {
	struct hv_vm *vm;
	struct hv_vcpu *vcpu;
	u8 *mem;
	u8 *room;		/* what is unmapped in the end */
};

static u8 *aligned(size_t size, u8 **room)
{
	u8 *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	hv_need(p != MAP_FAILED);
	*room = p;
	return (u8 *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
}

static void start(struct machine *m)
{
	m->vm = hv_vm_new(1 << 20);
	m->vcpu = hv_vcpu_new(m->vm, 0);
	m->mem = aligned(SIZE, &m->room);
	madvise(m->mem, SIZE, MADV_NOHUGEPAGE);
	hv_need(!hv_set_memory(m->vm, SLOT, 0, GPA, SIZE, m->mem));
	hv_long_mode(m->vcpu, guest_worker);
}

static void end(struct machine *m)
{
	hv_vcpu_free(m->vcpu);
	hv_vm_free(m->vm);
	munmap(m->room, SIZE + HUGE);
}

static bool guest_writes(struct machine *m, u64 offset, u64 v)
{
	what = WRITE;
	address = GPA + offset;
	value = v;
	return hv_talk(m->vcpu) == HV_SYNC;
}

static u64 guest_reads(struct machine *m, u64 offset)
{
	what = READ;
	address = GPA + offset;
	if (hv_talk(m->vcpu) == HV_SYNC)
		return m->vcpu->value;
	hv_note_exit(m->vcpu);
	return -1;
}

static u64 *word(struct machine *m, u64 offset)
{
	return (u64 *)(m->mem + offset);
}

static void test_sharing(struct machine *m)
{
	tap_eq(guest_reads(m, 0), 0, "untouched memory is zero");
	tap_ok(guest_writes(m, 0, 1) && *word(m, 0) == 1, "a write after that read");
	*word(m, 0) = 2;
	tap_eq(guest_reads(m, 0), 2, "the guest sees the host's store");
	tap_eq(guest_reads(m, 4096), 0, "an untouched page");
	*word(m, 4096) = 3;
	tap_eq(guest_reads(m, 4096), 3, "the host's first store replaces the zero page");
	tap_ok(guest_writes(m, 8192, 4) && *word(m, 8192) == 4, "a page first touched by a write");
}

static void test_dontneed(struct machine *m)
{
	hv_need(guest_writes(m, 0, 5));
	hv_need(!madvise(m->mem, 4096, MADV_DONTNEED));
	tap_eq(guest_reads(m, 0), 0, "MADV_DONTNEED: zero again");
	tap_ok(guest_writes(m, 0, 6) && *word(m, 0) == 6, "MADV_DONTNEED: a new page");
}

static void test_remap(struct machine *m)
{
	int fd = memfd_create("hvmod-test", MFD_CLOEXEC);
	u64 *other;

	hv_need(fd >= 0 && !ftruncate(fd, 8192));
	hv_need(guest_writes(m, 0, 7));
	hv_need(mmap(m->mem, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		m->mem);
	other = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	hv_need(other != MAP_FAILED);
	*other = 8;
	tap_eq(guest_reads(m, 0), 8, "mmap: the guest sees the file");
	tap_ok(guest_writes(m, 0, 9) && *other == 9, "mmap: the file sees the guest's store");
	hv_need(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	tap_eq(guest_reads(m, 0), 0, "a hole in the file is zero");
	hv_need(mremap(m->mem, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, m->mem + 4096) !=
		MAP_FAILED);
	*other = 10;
	tap_eq(guest_reads(m, 4096), 10, "mremap: at its new address");
	munmap(other, 8192);
	close(fd);
	hv_need(mmap(m->mem, 8192, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m->mem);
}

static void test_fork(struct machine *m)
{
	int pipes[2], status;
	char byte;
	pid_t pid;

	hv_need(guest_writes(m, 0, 11) && !pipe(pipes));
	pid = fork();
	hv_need(pid >= 0);
	if (!pid) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 1 && *word(m, 0) == 11 ? 0 : 1);
	}
	tap_ok(guest_writes(m, 0, 12) && *word(m, 0) == 12,
	       "fork: the guest's store is the parent's");
	hv_need(write(pipes[1], "", 1) == 1 && waitpid(pid, &status, 0) == pid);
	tap_eq(status, 0, "fork: the child has the old page");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_mprotect(struct machine *m)
{
	hv_need(guest_writes(m, 0, 13));
	hv_need(!mprotect(m->mem, 4096, PROT_READ));
	tap_eq(guest_reads(m, 0), 13, "mprotect: reads of a read-only page");
	hv_need(!mprotect(m->mem, 4096, PROT_NONE));
	hv_need(!mprotect(m->mem, 4096, PROT_READ | PROT_WRITE));
	tap_ok(guest_writes(m, 0, 14) && *word(m, 0) == 14, "mprotect: there and back");
}

static void test_pageout(struct machine *m)
{
	u64 i, bad = 0;

	for (i = 0; i < 64; i++)
		bad += !guest_writes(m, i * 4096, i + 100);
	if (madvise(m->mem, 64 * 4096, MADV_PAGEOUT)) {
		tap_skip("MADV_PAGEOUT: %m");
		return;
	}
	for (i = 0; i < 64; i++)
		bad += guest_reads(m, i * 4096) != i + 100;
	tap_eq(bad, 0, "paged out and in again");
}

static u64 stat_2m(struct machine *m)
{
	struct hvmod_vm_stat stat;

	hv_need(!ioctl(m->vm->fd, HVMOD_VM_STAT, &stat));
	return stat.pages_2m;
}

static bool have_thp(void)
{
	char word[64] = "";
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");

	if (!f)
		return false;
	if (!fgets(word, sizeof(word), f))
		word[0] = 0;
	fclose(f);
	return strstr(word, "[always]") || strstr(word, "[madvise]");
}

static void test_huge(struct machine *m)
{
	u64 first = HUGE, next = 2 * HUGE;

	if (!have_thp()) {
		tap_skip("huge pages: this host's kernel has none");
		return;
	}
	/* Where no small page ever was, so that no page table is in the way. */
	hv_need(!madvise(m->mem, SIZE, MADV_HUGEPAGE));
	*word(m, first) = 21;
	tap_eq(guest_reads(m, first), 21, "huge page: read");
	tap_eq(stat_2m(m), 1, "huge page: one leaf");
	tap_ok(guest_writes(m, first + HUGE - 8, 22) && *word(m, first + HUGE - 8) == 22,
	       "huge page: its end");
	hv_need(!madvise(m->mem + first + 4096, 4096, MADV_DONTNEED));
	tap_eq(guest_reads(m, first), 21, "split: the first page stays");
	tap_eq(guest_reads(m, first + 4096), 0, "split: the hole is zero");
	tap_eq(guest_reads(m, first + HUGE - 8), 22, "split: the end stays");
	*word(m, next) = 23;
	tap_eq(guest_reads(m, next), 23, "the next huge page");
	tap_eq(stat_2m(m), 1, "it has a leaf");
	/* Logged memory has small leaves only; without the log they are large again. */
	hv_need(!hv_set_memory(m->vm, SLOT, HVMOD_MEM_LOG_DIRTY, GPA, SIZE, m->mem));
	tap_eq(guest_reads(m, next), 23, "log: read");
	tap_eq(stat_2m(m), 0, "log: no large leaf");
	hv_need(!hv_set_memory(m->vm, SLOT, 0, GPA, SIZE, m->mem));
	tap_eq(guest_reads(m, next), 23, "log off: read");
	tap_eq(stat_2m(m), 1, "log off: large again");
	/* The slot's address and the memory's differ modulo 2 MiB. */
	hv_need(!hv_set_memory(m->vm, SLOT, 0, GPA + 4096, SIZE, m->mem));
	tap_eq(guest_reads(m, next + 4096), 23, "not aligned alike: read");
	tap_eq(stat_2m(m), 0, "not aligned alike: no large leaf");
	hv_need(!hv_set_memory(m->vm, SLOT, 0, GPA, SIZE, m->mem));
}

/* ---- no page: the guest dies ---- */

static void killed(struct machine *m, bool write, const char *name)
{
	struct hvmod_run *run = m->vcpu->run;
	struct hvmod_vm_stat stat;
	struct hvmod_regs regs;
	int ret;

	what = write ? WRITE : READ;
	address = GPA;
	ret = hv_run(m->vcpu);
	if (!tap_ok(!ret && run->exit_reason == HVMOD_EXIT_KILLED && run->killed.why[0],
		    "%s", name))
		hv_note_exit(m->vcpu);
	else
		tap_note("%.256s", run->killed.why);
	tap_eq(hv_run_once(m->vcpu), -EIO, "RUN of a killed VM");
	tap_eq(hv_get(m->vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)), 0, "its state can be read");
	tap_eq(hv_set(m->vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)), -EIO, "and not changed");
	tap_ioctl(m->vm->fd, HVMOD_VM_STAT, &stat, 0, "its counters can be read");
	tap_eq(hv_set_memory(m->vm, SLOT, 0, 0, 0, NULL), -EIO, "its slots cannot be changed");
}

static void test_killed(void)
{
	struct machine m;

	start(&m);
	hv_need(guest_writes(&m, 0, 1));
	hv_need(!munmap(m.mem, 4096));
	killed(&m, false, "munmap: a read");
	end(&m);

	start(&m);
	hv_need(guest_writes(&m, 0, 1));
	hv_need(!mprotect(m.mem, 4096, PROT_READ));
	killed(&m, true, "mprotect: a write");
	end(&m);

	start(&m);
	hv_need(!mprotect(m.mem, 4096, PROT_NONE));
	killed(&m, false, "PROT_NONE: a read");
	end(&m);
}

int main(void)
{
	struct machine m;

	start(&m);
	test_sharing(&m);
	test_dontneed(&m);
	test_remap(&m);
	test_fork(&m);
	test_mprotect(&m);
	test_pageout(&m);
	test_huge(&m);
	end(&m);
	test_killed();
	return tap_finish();
}
