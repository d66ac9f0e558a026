// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, page tables and image of the exit benchmark's guest.  Called by exits.c
 * for each operation.  It must not differ between the back ends.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exits/machine.h"

#define SIZE_2M		(2UL << 20)
#define PTE_TABLE	7UL	/* present, writable, user */
#define PTE_LARGE	0x87UL

/* Aligned to 2 MiB, so that huge pages fit; every page is written. */
static u8 *map_memory(size_t size, int advice)
{
	u8 *raw = mmap(NULL, size + SIZE_2M, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u8 *p;
	size_t i;

	hv_need(raw != MAP_FAILED);
	p = (u8 *)(((uintptr_t)raw + SIZE_2M - 1) & ~(SIZE_2M - 1));
	munmap(raw, p - raw);
	munmap(p + size, raw + SIZE_2M - p);
	hv_need(!madvise(p, size, advice));
	for (i = 0; i < size; i += 4096)
		p[i] = 0;
	return p;
}

static void write_tables(u8 *mem)
{
	u64 *pml4 = (u64 *)(mem + GUEST_PML4);
	u64 *pdpt = (u64 *)(mem + GUEST_PDPT);
	u64 *pd = (u64 *)(mem + GUEST_PD);
	u64 i;

	pml4[0] = GUEST_PDPT | PTE_TABLE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PD + i * 4096) | PTE_TABLE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_LARGE;
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	hv_need(fd >= 0);
	return fd;
}

void machine_new(struct machine *m, const struct backend *be, const struct operation *op)
{
	enum test_memory test = op->test;

	memset(m, 0, sizeof(*m));
	m->be = be;
	m->op = op;
	m->dev = be->open();
	hv_need(m->dev >= 0);
	m->kick = new_eventfd();
	m->kick_irq = new_eventfd();
	be->create(m);
	be->create_vcpu(m);
	be->add_kicks(m);
	if (op->kick_irq)
		be->add_kick_irq(m);

	m->mem = map_memory(GUEST_RAM_SIZE, MADV_NOHUGEPAGE);
	write_tables(m->mem);
	memcpy(m->mem + GUEST_IMAGE, guest_image, guest_image_end - guest_image);
	be->set_memory(m, SLOT_RAM, false, 0, GUEST_RAM_SIZE, m->mem);
	if (test == TEST_NONE)
		return;
	m->test_size = (op->count + WARM_UPS) * (test == TEST_2M ? SIZE_2M : 4096);
	m->test = map_memory(m->test_size,
			     test == TEST_2M ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	be->set_memory(m, SLOT_TEST, test == TEST_DIRTY, GUEST_TEST, m->test_size, m->test);
}

void machine_free(struct machine *m)
{
	munmap(m->run, m->run_size);
	if (m->stats > 0)
		close(m->stats);
	close(m->vcpu);
	close(m->vm);
	close(m->dev);
	close(m->kick);
	close(m->kick_irq);
	munmap(m->mem, GUEST_RAM_SIZE);
	if (m->test)
		munmap(m->test, m->test_size);
}

/* ---- another vCPU ---- */

struct second {
	struct machine m;
	pthread_t thread;
	enum machine_word word;
};

static void *second_main(void *arg)
{
	struct second *s = arg;

	s->word = s->m.be->run(&s->m);
	return NULL;
}

static void wake_up(int number)
{
}

struct second *second_start(struct machine *m)
{
	struct sigaction action = { .sa_handler = wake_up };
	struct second *s = calloc(1, sizeof(*s));

	hv_need(s);
	s->m = *m;
	s->m.id = 1;
	m->be->create_vcpu(&s->m);
	m->be->start(&s->m);
	hv_need(!sigaction(SIGUSR1, &action, NULL));
	hv_need(!pthread_create(&s->thread, NULL, second_main, s));
	return s;
}

void second_stop(struct second *s)
{
	struct timespec soon = { .tv_nsec = 1000000 };

	s->m.stop = true;
	/* A signal that comes before the call is lost: again. */
	while (pthread_tryjoin_np(s->thread, NULL)) {
		pthread_kill(s->thread, SIGUSR1);
		nanosleep(&soon, NULL);
	}
	if (s->word != WORD_DONE)
		tap_note("%s: the second vCPU failed", s->m.be->name);
	munmap(s->m.run, s->m.run_size);
	if (s->m.stats > 0)
		close(s->m.stats);
	close(s->m.vcpu);
	free(s);
}
