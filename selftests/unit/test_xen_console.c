// SPDX-License-Identifier: GPL-2.0
/*
 * The console's back end against a guest that keeps the rules of its page, one
 * that is slow or whose reader is, one that writes any indices, and one that
 * writes them while they are read.  Run by selftests/unit/Makefile; TAP on stdout,
 * exit status 0 or 1.  The page is allocated, so that the sanitizer sees a step
 * beside it.
 */
/* SOURCES: userspace/xen/console.c userspace/lib/err.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/xen/console.h"
#include "selftests/unit/unit.h"

#define FUZZ		100000U	/* of each kind */

/* Xen's io/console.h */
#define IN_SIZE		1024U
#define OUT_SIZE	2048U
struct page {
	u8 in[IN_SIZE];
	u8 out[OUT_SIZE];
	_Atomic u32 in_cons, in_prod, out_cons, out_prod;
};

/* The host's side. */
static struct xencons cons;
static struct page *page;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static u8 seen[1 << 20];	/* [lock] */
static size_t nr_seen, limit;	/* [lock] output takes no more than limit for now */
static atomic_uint events, rooms;
static atomic_bool stop;

static bool on_output(void *arg, u8 byte)
{
	bool more;

	pthread_mutex_lock(&lock);
	seen[nr_seen++ % sizeof(seen)] = byte;
	more = nr_seen < limit;
	pthread_mutex_unlock(&lock);
	return more;
}

static void on_send(void *arg)
{
	atomic_fetch_add(&events, 1);
}

static void on_room(void *arg)
{
	atomic_fetch_add(&rooms, 1);
}

static const struct xencons_host host = {
	.output = on_output, .send = on_send, .room = on_room,
};

static bool start(u32 in, u32 out)
{
	struct err err = { "" };

	memset(page, 0, sizeof(*page));
	page->in_cons = in;
	page->in_prod = in;
	page->out_cons = out;
	page->out_prod = out;
	nr_seen = 0;
	limit = ~0UL;
	return !xencons_init(&cons, &err) && !xencons_start(&cons, page, &host, &err);
}

static void end(void)
{
	xencons_stop(&cons);
	xencons_exit(&cons);
}

static void kick(void)
{
	u64 one = 1;

	if (write(cons.kick, &one, sizeof(one)) < 0)
		exit(2);
}

/* Has the host seen that many bytes within a few seconds? */
static bool sees(size_t want)
{
	size_t have = 0;
	int i;

	for (i = 0; i < 5000 && have < want; i++) {
		pthread_mutex_lock(&lock);
		have = nr_seen;
		pthread_mutex_unlock(&lock);
		if (have < want)
			usleep(1000);
	}
	return have == want;
}

static u8 text(u32 i)
{
	return (u8)(i * 7 + (i >> 8));
}

/* The guest writes len bytes as it finds room; the host sees them all, in order. */
static bool outputs(u32 first, u32 len)
{
	u32 i, done = 0;
	bool good;

	if (!start(0, first))
		return false;
	while (done < len) {
		u32 used = page->out_prod - page->out_cons;

		for (i = 0; i < OUT_SIZE - used && done < len; i++, done++)
			page->out[(first + done) % OUT_SIZE] = text(done);
		page->out_prod = first + done;
		kick();
		if (used == OUT_SIZE)
			usleep(10);
	}
	good = sees(len);
	for (i = 0; i < len; i++)
		good &= seen[i] == text(i);
	end();
	return good && page->out_cons == page->out_prod && atomic_load(&events);
}

/* A reader that stops takes nothing more, and loses nothing when it goes on. */
static bool slow_reader(void)
{
	bool good;
	u32 i;

	if (!start(0, 0))
		return false;
	limit = 100;
	for (i = 0; i < 1000; i++)
		page->out[i] = text(i);
	page->out_prod = 1000;
	kick();
	good = sees(100);
	usleep(20000);
	good &= sees(100) && page->out_cons == 100;
	pthread_mutex_lock(&lock);
	limit = ~0UL;
	pthread_mutex_unlock(&lock);
	xencons_resume(&cons);
	good &= sees(1000);
	for (i = 0; i < 1000; i++)
		good &= seen[i] == text(i);
	end();
	return good;
}

/* Typed bytes: as many as the guest has room for. */
static bool inputs(u32 first)
{
	u8 data[IN_SIZE + 10];
	bool good;
	u32 i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = text(i);
	if (xencons_room(&cons))
		return false;		/* it is not started */
	if (!start(first, 0))
		return false;
	good = xencons_room(&cons) == IN_SIZE;
	xencons_input(&cons, data, 10);
	good &= xencons_room(&cons) == IN_SIZE - 10 && page->in_prod == first + 10;
	xencons_input(&cons, data + 10, sizeof(data) - 10);
	good &= !xencons_room(&cons) && page->in_prod == first + IN_SIZE;
	for (i = 0; i < IN_SIZE; i++)
		good &= page->in[(first + i) % IN_SIZE] == data[i];
	atomic_store(&rooms, 0);
	page->in_cons = first + 600;
	kick();
	for (i = 0; i < 5000 && !atomic_load(&rooms); i++)
		usleep(1000);
	good &= atomic_load(&rooms) && xencons_room(&cons) == 600;
	end();
	return good;
}

/* Any indices, one after the other: it comes to an end with each. */
static bool chaos(u32 cases)
{
	u64 state = 88172645463325252ULL;
	u8 data[64] = "";
	u32 i, wait;
	bool good = start(0, 0);

	for (i = 0; i < cases && good; i++) {
		u64 r = rng_of(&state);
		u32 cons_at = (u32)(r >> 32), ahead = (u32)r;

		if (r & 1 << 20)
			ahead %= OUT_SIZE * 2 + 2;
		page->in_cons = (u32)rng_of(&state);
		page->in_prod = r & 1 << 21 ? page->in_cons + (u32)(r >> 40) % (IN_SIZE + 2) :
			(u32)rng_of(&state);
		page->out_cons = cons_at;
		page->out_prod = cons_at + ahead;
		kick();
		xencons_input(&cons, data, r % sizeof(data));
		for (wait = 0; wait < 5000000 && page->out_cons != page->out_prod; wait++)
			if (wait > 1000)
				usleep(1);
		good &= page->out_cons == page->out_prod;
	}
	end();
	return good;
}

static void *scribble(void *arg)
{
	u64 state = 362436069362436069ULL;

	while (!atomic_load(&stop)) {
		u64 r = rng_of(&state);
		_Atomic u32 *index = &page->in_cons + r % 4;

		*index = r & 16 ? (u32)(r >> 32) : *index + (u32)(r >> 32) % (OUT_SIZE + 2);
	}
	return NULL;
}

/* The same while they are read; and it ends when it is told to. */
static bool race(u32 cases)
{
	u8 data[64] = "";
	pthread_t thread;
	u32 i;

	atomic_store(&stop, false);
	if (!start(0, 0) || pthread_create(&thread, NULL, scribble, NULL))
		return false;
	for (i = 0; i < cases; i++) {
		if (!(i & 7))
			kick();
		xencons_input(&cons, data, i % sizeof(data));
	}
	end();
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	return true;
}

int main(void)
{
	page = calloc(1, sizeof(*page));
	if (!page)
		return 1;
	result(outputs(0, 100000), "what the guest writes");
	result(outputs(0xfffffc00, 100000), "indices that wrap");
	result(slow_reader(), "a reader that stops and goes on");
	result(inputs(0), "what is typed");
	result(inputs(0xffffff00), "indices that wrap");
	result(chaos(FUZZ), "indices that cannot be");
	result(race(FUZZ), "a page that changes while it is read");
	printf("# %u cases\n", 2 * FUZZ);
	free(page);
	return finish();
}
