// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of requests and responses against a front end: one that keeps the
 * rules, one that writes nonsense, and one that writes while the ring is read.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.  Pages are
 * allocated one by one, so that the sanitizer sees a step beside them.
 */
/* SOURCES: userspace/xen/ring.c userspace/lib/err.c */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/ring.h"
#include "selftests/unit/unit.h"

#define FUZZ		600000U	/* of each kind */

static u8 *page[RING_PAGES];
static atomic_bool stop;

static void pages_new(void)
{
	int i;

	for (i = 0; i < RING_PAGES; i++)
		page[i] = calloc(1, PAGE_BYTES);
}

static void pages_free(void)
{
	int i;

	for (i = 0; i < RING_PAGES; i++)
		free(page[i]);
}

static const struct {
	unsigned int pages, slot;
	u32 size;
} shapes[] = {
	{ 1, 8, 256 }, { 1, 12, 256 }, { 1, 112, 32 }, { 2, 112, 64 }, { 4, 112, 128 },
	{ 16, 112, 512 }, { 16, 12, 4096 }, { 1, 4, 512 }, { 1, 1024, 2 },
};

static bool shapes_right(void)
{
	struct ring ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		if (ring_init(&ring, page, shapes[i].pages, shapes[i].slot, NULL) ||
		    ring.size != shapes[i].size)
			return false;
	return ring_init(&ring, page, 0, 8, NULL) == -EINVAL &&
	       ring_init(&ring, page, 3, 8, NULL) == -EINVAL &&
	       ring_init(&ring, page, 32, 8, NULL) == -EINVAL &&
	       ring_init(&ring, page, 1, 0, NULL) == -EINVAL &&
	       ring_init(&ring, page, 1, 6, NULL) == -EINVAL &&
	       ring_init(&ring, page, 1, 2048, NULL) == -EINVAL;
}

/* ---- a front end that keeps the rules, as io/ring.h's macros do ---- */

struct front {
	struct ring_shared *shared;
	u32 slot, size;
	u32 req_prod, rsp_cons;
	u32 seed[4096];			/* by slot: what the request holds */
};

static u8 *front_slot(struct front *f, u32 index, u32 at)
{
	u32 where = 64 + (index & (f->size - 1)) * f->slot + at;

	return page[where / PAGE_BYTES] + where % PAGE_BYTES;
}

static bool front_make(struct front *f, u32 count)
{
	u32 old = f->req_prod, i, at;

	for (i = 0; i < count; i++, f->req_prod++) {
		u32 seed = (u32)rng();

		f->seed[f->req_prod & (f->size - 1)] = seed;
		for (at = 0; at < f->slot; at += 4) {
			u32 word = seed + at;

			memcpy(front_slot(f, f->req_prod, at), &word, 4);
		}
	}
	atomic_store(&f->shared->req_prod, f->req_prod);
	return f->req_prod - atomic_load(&f->shared->req_event) < f->req_prod - old;
}

/* false: a response is not the one that the back end made */
static bool front_take(struct front *f, u32 count)
{
	while (count--) {
		u32 word;

		memcpy(&word, front_slot(f, f->rsp_cons, 0), 4);
		if (word != ~f->seed[f->rsp_cons & (f->size - 1)])
			return false;
		f->rsp_cons++;
	}
	return true;
}

static bool back_check(const struct front *f, u32 index, const u32 *req)
{
	u32 seed = f->seed[index & (f->size - 1)], i;

	for (i = 0; i < f->slot / 4; i++)
		if (req[i] != seed + 4 * i)
			return false;
	return true;
}

/*
 * Any order of steps; requests arrive whole, responses arrive whole, and who
 * sleeps is woken: when neither can go on, nothing is left in the ring.
 */
static bool model(unsigned int pages, u32 slot, u32 start, unsigned long steps)
{
	struct front f = { .shared = (struct ring_shared *)page[0], .slot = slot };
	struct ring ring;
	bool back_asleep = false, front_asleep = false;
	u32 held[4096], holding = 0, req[256];

	memset(page[0], 0, 64);
	f.req_prod = start;
	f.rsp_cons = start;
	atomic_store(&f.shared->req_prod, start);
	atomic_store(&f.shared->rsp_prod, start);
	atomic_store(&f.shared->rsp_event, start + 1);
	atomic_store(&f.shared->req_event, start + 1);
	if (ring_init(&ring, page, pages, slot, NULL))
		return false;
	f.size = ring.size;
	while (steps--) {
		u32 unseen = atomic_load(&f.shared->rsp_prod) - f.rsp_cons;
		u32 room = f.size - (f.req_prod - f.rsp_cons);
		int pending = ring_pending(&ring);

		if (pending < 0 || (u32)pending != f.req_prod - ring.req_cons)
			return false;
		if (back_asleep && front_asleep && !unseen && pending)
			return false;	/* a lost wakeup */
		switch (rng() % 6) {
		case 0:
			if (front_asleep || !room)
				break;
			if (front_make(&f, (u32)(rng() % room) + 1))
				back_asleep = false;
			break;
		case 1:
			if (front_asleep)
				break;
			if (!front_take(&f, unseen))
				return false;
			atomic_store(&f.shared->rsp_event, f.rsp_cons + 1);
			front_asleep = atomic_load(&f.shared->rsp_prod) == f.rsp_cons &&
				       rng() % 2 && f.req_prod != f.rsp_cons;
			break;
		case 2:
		case 3:
			if (back_asleep || !pending)
				break;
			ring_peek(&ring, (u32)pending - 1, req, slot);
			if (!back_check(&f, ring.req_cons + (u32)pending - 1, req))
				return false;
			ring_get(&ring, req, slot);
			if (!back_check(&f, ring.req_cons - 1, req))
				return false;
			held[holding++] = ~req[0];
			break;
		case 4:
			if (!holding)
				break;
			ring_put(&ring, held, 4);
			memmove(held, held + 1, --holding * sizeof(held[0]));
			if (rng() % 2 && ring_push(&ring))
				front_asleep = false;
			break;
		case 5:
			if (back_asleep || holding)
				break;
			if (ring_push(&ring))
				front_asleep = false;
			back_asleep = !ring_arm(&ring, 1);
			break;
		}
		if (front_asleep && back_asleep && f.req_prod == ring.rsp_told)
			front_asleep = false;
	}
	return true;
}

/* ---- two threads that sleep and wake each other ---- */

static sem_t to_back, to_front;
static atomic_bool lost;

static bool sleep_on(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	if (!sem_timedwait(sem, &until))
		return true;
	atomic_store(&lost, true);
	return false;
}

static void *back_end(void *arg)
{
	struct ring *ring = arg;
	u32 word[3];

	while (!atomic_load(&stop)) {
		while (ring_pending(ring) > 0) {
			ring_get(ring, word, 12);
			word[0] = ~word[0];
			ring_put(ring, word, 4);
		}
		if (ring_push(ring))
			sem_post(&to_front);
		if (!ring_arm(ring, 1) && !sleep_on(&to_back))
			break;
	}
	return NULL;
}

/* Nobody sleeps for ever while the other waits for him. */
static bool ping_pong(unsigned long rounds)
{
	struct front f = { .shared = (struct ring_shared *)page[0], .slot = 12, .size = 256 };
	struct ring ring;
	pthread_t thread;
	bool good = true;

	memset(page[0], 0, PAGE_BYTES);
	ring_init(&ring, page, 1, 12, NULL);
	sem_init(&to_back, 0, 0);
	sem_init(&to_front, 0, 0);
	atomic_store(&stop, false);
	atomic_store(&lost, false);
	pthread_create(&thread, NULL, back_end, &ring);
	while (rounds-- && good && !atomic_load(&lost)) {
		if (front_make(&f, (u32)(rng() % 4) + 1))
			sem_post(&to_back);
		while (f.rsp_cons != f.req_prod && good && !atomic_load(&lost)) {
			good = front_take(&f, atomic_load(&f.shared->rsp_prod) - f.rsp_cons);
			atomic_store(&f.shared->rsp_event, f.rsp_cons + 1);
			if (atomic_load(&f.shared->rsp_prod) == f.rsp_cons &&
			    f.rsp_cons != f.req_prod)
				sleep_on(&to_front);
		}
	}
	atomic_store(&stop, true);
	sem_post(&to_back);
	pthread_join(thread, NULL);
	return good && !atomic_load(&lost);
}

/* Without a request taken there is no response. */
static bool put_nothing(void)
{
	struct ring ring;
	u32 word = 0x55aa55aa, before;

	memset(page[0], 0, PAGE_BYTES);
	if (ring_init(&ring, page, 1, 12, NULL))
		return false;
	before = ring.rsp_prod;
	ring_put(&ring, &word, 4);
	return ring.rsp_prod == before && !ring_push(&ring) && !page[0][64];
}

/* Events at the right response only. */
static bool events(void)
{
	struct ring ring;
	struct ring_shared *shared = (struct ring_shared *)page[0];
	u32 word = 0, want, told = 0;
	bool right = true;

	memset(page[0], 0, PAGE_BYTES);
	for (want = 1; want <= 8; want++) {
		memset(page[0], 0, 64);
		ring_init(&ring, page, 1, 8, NULL);
		atomic_store(&shared->req_prod, 8);
		atomic_store(&shared->rsp_event, want);
		for (told = 1; told <= 8; told++) {
			ring_take(&ring, 1);
			ring_put(&ring, &word, 4);
			right &= ring_push(&ring) == (told == want);
		}
		right &= !ring_push(&ring);
	}
	/* armed for three, with two there */
	memset(page[0], 0, 64);
	ring_init(&ring, page, 1, 8, NULL);
	atomic_store(&shared->req_prod, 2);
	right &= !ring_arm(&ring, 3) && atomic_load(&shared->req_event) == 3;
	right &= ring_arm(&ring, 2) && ring_arm(&ring, 1);
	return right;
}

/* ---- front ends that do not ---- */

static u32 nasty(u64 *state)
{
	u64 r = rng_of(state);

	switch (r % 5) {
	case 0:
		return (u32)(r >> 8);
	case 1:
		return (u32)(r >> 8) % 600;
	case 2:
		return (u32)-((s64)(r >> 8) % 600);
	case 3:
		return 1U << ((r >> 8) % 32);
	}
	return 0xffffffffU >> ((r >> 8) % 32);
}

/* What must hold whatever the shared page says. */
static bool sane(const struct ring *ring, int pending)
{
	return ring->req_cons - ring->rsp_prod <= ring->size &&
	       ring->rsp_prod - ring->rsp_told <= ring->size &&
	       (pending == -EPROTO || (pending >= 0 && (u32)pending <= ring->size));
}

/* One visit of a back end to a ring. */
static bool visit(struct ring *ring, u64 *state)
{
	u32 req[256], rsp[256] = { 0 };
	int pending = ring_pending(ring), i, some;

	if (!sane(ring, pending))
		return false;
	if (pending > 0) {
		some = (int)(rng_of(state) % (u64)pending) + 1;
		for (i = 0; i < some; i++) {
			ring_peek(ring, (u32)(some - i - 1), req, ring->slot);
			ring_get(ring, req, ring->slot);
		}
		for (i = (int)(rng_of(state) % (u64)(some + 1)); i > 0; i--)
			ring_put(ring, rsp, ring->slot);
	}
	ring_push(ring);
	ring_arm(ring, (u32)(rng_of(state) % 20) + 1);
	return sane(ring, ring_pending(ring));
}

static bool chaos(unsigned long cases)
{
	struct ring ring = { .size = 0 };
	u32 *word = (u32 *)page[0];
	unsigned int shape = 0;
	bool open = false;

	while (cases--) {
		word[rng() % 4] = nasty(&rng_state);
		if (rng() % 4 == 0)	/* or near what the ring holds */
			word[0] = ring.rsp_prod + (u32)(rng() % 64);
		if (!open || rng() % 64 == 0) {
			int ret;

			shape = (unsigned int)(rng() % ARRAY_SIZE(shapes));
			ret = ring_init(&ring, page, shapes[shape].pages, shapes[shape].slot, NULL);
			open = !ret;
			if (ret && ret != -EPROTO)
				return false;
			if (ret)
				continue;
		}
		if (!visit(&ring, &rng_state))
			return false;
	}
	return true;
}

static void *scribble(void *arg)
{
	volatile u32 *word = (volatile u32 *)page[0];
	u64 state = (u64)(unsigned long)arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		u64 r = rng_of(&state);

		word[r % 4] = nasty(&state);
		word[(r >> 8) % 1024] = (u32)(r >> 32);
		/* Often enough a sensible number of requests. */
		word[0] = word[2] + (u32)(r >> 16) % 40;
	}
	return NULL;
}

static bool race(unsigned long cases)
{
	struct ring ring;
	pthread_t thread;
	bool good = true;
	int ret = -1;

	atomic_store(&stop, false);
	pthread_create(&thread, NULL, scribble, (void *)0x1234567UL);
	while (cases-- && good) {
		if (ret || rng() % 256 == 0) {
			unsigned int i = (unsigned int)(rng() % ARRAY_SIZE(shapes));

			ret = ring_init(&ring, page, shapes[i].pages, shapes[i].slot, NULL);
			if (ret)
				continue;
		}
		good = visit(&ring, &rng_state);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	return good;
}

int main(void)
{
	pages_new();
	result(shapes_right(), "sizes of rings");
	result(put_nothing(), "no response without a request");
	result(events(), "events when they were asked for, and only then");
	result(model(1, 12, 0, 200000), "a network ring");
	result(model(1, 8, 0xffffff80, 200000), "indices that wrap");
	result(model(1, 112, 0, 200000), "a disk ring");
	result(model(16, 112, 0xfffffff0, 200000), "a disk ring of 16 pages");
	result(ping_pong(100000), "two that sleep and wake each other");
	result(chaos(FUZZ), "indices that cannot be");
	result(race(FUZZ), "a page that changes while it is read");
	printf("# %u cases\n", 2 * FUZZ);
	pages_free();
	return finish();
}
