/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that reads and writes single words of a memory slot when it is told
 * to, for tests of what lies behind the slot.  The programs of this directory
 * include it.  It must not touch the slot in any other way.
 */
#ifndef SELFTESTS_MEM_WORKER_H
#define SELFTESTS_MEM_WORKER_H

#include <errno.h>
#include <sys/mman.h>

#include "hv.h"

#define PAGE	4096UL
#define HUGE	(2UL << 20)
#define W_GPA	(64UL << 20)
#define W_SLOT	HV_SLOT_FREE

struct worker {
	struct hv_vm *vm;
	struct hv_vcpu *vcpu;
	u8 *mem;
	u64 size;
	/* Of the guest, which gets this structure's address. */
	volatile u64 write, address, step, count, value;
};

/* count words, step bytes apart; value grows by one with each written. */
static inline void worker_guest(u64 arg)
{
	struct worker *w = (struct worker *)arg;
	u64 i, bad;

	for (;;) {
		volatile u64 *p = (volatile u64 *)w->address;

		for (i = 0, bad = 0; i < w->count; i++, p += w->step / 8) {
			if (w->write)
				*p = w->value + i;
			else if (w->count == 1)
				w->value = *p;
			else
				bad += *p != w->value + i;
		}
		GUEST_SYNC(w->count == 1 ? w->value : bad);
	}
}

/* w lies in the program's image, which the guest sees. */
static inline void worker_start(struct worker *w, u32 flags, u8 *mem, u64 size)
{
	w->vm = hv_vm_new(1 << 20);
	w->vcpu = hv_vcpu_new(w->vm, 0);
	w->mem = mem;
	w->size = size;
	hv_need(!hv_set_memory(w->vm, W_SLOT, flags, W_GPA, size, mem));
	hv_long_mode_arg(w->vcpu, worker_guest, (uintptr_t)w);
}

static inline void worker_end(struct worker *w)
{
	hv_vcpu_free(w->vcpu);
	hv_vm_free(w->vm);
}

/* What the guest said, or -1 with an explanation. */
static inline u64 worker_do(struct worker *w, bool write, u64 offset, u64 value, u64 step,
			    u64 count)
{
	w->write = write;
	w->address = W_GPA + offset;
	w->value = value;
	w->step = step;
	w->count = count;
	if (hv_talk(w->vcpu) == HV_SYNC)
		return w->vcpu->value;
	hv_note_exit(w->vcpu);
	return -1;
}

static inline u64 worker_read(struct worker *w, u64 offset)
{
	return worker_do(w, false, offset, 0, 8, 1);
}

static inline bool worker_write(struct worker *w, u64 offset, u64 value)
{
	return worker_do(w, true, offset, value, 8, 1) == value;
}

/* A word in each page: value, value + 1, ... */
static inline bool worker_fill(struct worker *w, u64 offset, u64 pages, u64 value)
{
	return worker_do(w, true, offset, value, PAGE, pages) != (u64)-1;
}

/* How many of those words the guest finds wrong. */
static inline u64 worker_check(struct worker *w, u64 offset, u64 pages, u64 value)
{
	return worker_do(w, false, offset, value, PAGE, pages);
}

static inline u64 *worker_word(struct worker *w, u64 offset)
{
	return (u64 *)(w->mem + offset);
}

static inline struct hvmod_vm_stat worker_stat(struct worker *w)
{
	struct hvmod_vm_stat stat;

	hv_need(!ioctl(w->vm->fd, HVMOD_VM_STAT, &stat));
	return stat;
}

/* Anonymous memory that begins at a multiple of 2 MiB; never unmapped. */
static inline u8 *worker_map(u64 size, int advice)
{
	u8 *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	hv_need(p != MAP_FAILED);
	p = (u8 *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, size, advice);
	return p;
}

/* Writes a line to a file of the kernel's. */
static inline bool worker_tell(const char *path, const char *line)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fputs(line, f) >= 0;
	return !fclose(f) && ok;
}

/* Is a word in a file of the kernel's? */
static inline bool worker_told(const char *path, const char *word)
{
	char line[256] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, word);
}

#endif /* SELFTESTS_MEM_WORKER_H */
