// SPDX-License-Identifier: GPL-2.0
/*
 * The back end's half of a ring.  The disk and network back ends call it, each
 * ring from one thread.  It must not read a shared index twice: between the two
 * reads the front end could change it.
 */
#include <errno.h>
#include <string.h>

#include "userspace/xen/ring.h"

#define HEAD	((u32)sizeof(struct ring_shared))

_Static_assert(sizeof(struct ring_shared) == 64, "Xen's io/ring.h");

/* A slot may lie across two pages: their guest addresses are one range. */
static u8 *slot_part(const struct ring *ring, u32 index, u32 at, u32 *len)
{
	u32 where = HEAD + (index & (ring->size - 1)) * ring->slot + at;
	u32 left = (u32)PAGE_BYTES - where % (u32)PAGE_BYTES;

	if (*len > left)
		*len = left;
	return ring->page[where / PAGE_BYTES] + where % PAGE_BYTES;
}

/* All lengths and offsets are multiples of 4; each word is read once. */
static void copy_out(const struct ring *ring, u32 index, void *to, u32 len)
{
	u32 done, part, i, word;

	for (done = 0; done < len; done += part) {
		_Atomic u32 *from;

		part = len - done;
		from = (_Atomic u32 *)slot_part(ring, index, done, &part);
		for (i = 0; i < part / 4; i++) {
			word = atomic_load_explicit(&from[i], memory_order_relaxed);
			memcpy((u8 *)to + done + 4 * i, &word, 4);
		}
	}
}

static void copy_in(const struct ring *ring, u32 index, const void *from, u32 len)
{
	u32 done, part, i, word;

	for (done = 0; done < len; done += part) {
		_Atomic u32 *to;

		part = len - done;
		to = (_Atomic u32 *)slot_part(ring, index, done, &part);
		for (i = 0; i < part / 4; i++) {
			memcpy(&word, (const u8 *)from + done + 4 * i, 4);
			atomic_store_explicit(&to[i], word, memory_order_relaxed);
		}
	}
}

int ring_init(struct ring *ring, u8 *const *page, unsigned int pages, unsigned int slot,
	      struct err *err)
{
	u32 room, req_prod;

	memset(ring, 0, sizeof(*ring));
	if (!pages || pages > RING_PAGES || (pages & (pages - 1)) || slot < 4 || slot % 4 ||
	    slot > 1024)
		return err_set(err, EINVAL, "no ring has %u pages and slots of %u bytes", pages,
			       slot);
	memcpy(ring->page, page, pages * sizeof(*page));
	ring->shared = (struct ring_shared *)page[0];
	ring->slot = slot;
	room = (pages * (u32)PAGE_BYTES - HEAD) / slot;
	for (ring->size = 1; ring->size * 2 <= room; )
		ring->size *= 2;
	ring->rsp_prod = atomic_load_explicit(&ring->shared->rsp_prod, memory_order_relaxed);
	req_prod = atomic_load_explicit(&ring->shared->req_prod, memory_order_acquire);
	if (req_prod - ring->rsp_prod > ring->size)
		return err_set(err, EPROTO,
			       "a ring of %u slots has %u requests and %u responses", ring->size,
			       req_prod, ring->rsp_prod);
	ring->req_cons = ring->rsp_prod;
	ring->rsp_told = ring->rsp_prod;
	return 0;
}

int ring_pending(const struct ring *ring)
{
	u32 prod = atomic_load_explicit(&ring->shared->req_prod, memory_order_acquire);

	/* A request's slot is in use until its response is made. */
	if (prod - ring->rsp_prod > ring->size || prod - ring->req_cons > ring->size)
		return -EPROTO;
	return (int)(prod - ring->req_cons);
}

void ring_peek(const struct ring *ring, u32 ahead, void *req, u32 len)
{
	copy_out(ring, ring->req_cons + ahead, req, len);
}

void ring_take(struct ring *ring, u32 count)
{
	ring->req_cons += count;
}

void ring_get(struct ring *ring, void *req, u32 len)
{
	ring_peek(ring, 0, req, len);
	ring_take(ring, 1);
}

void ring_put(struct ring *ring, const void *rsp, u32 len)
{
	if (ring->rsp_prod == ring->req_cons)
		return;
	copy_in(ring, ring->rsp_prod, rsp, len);
	ring->rsp_prod++;
}

bool ring_push(struct ring *ring)
{
	u32 before = ring->rsp_told, event;

	if (ring->rsp_prod == before)
		return false;
	ring->rsp_told = ring->rsp_prod;
	atomic_store_explicit(&ring->shared->rsp_prod, ring->rsp_prod, memory_order_release);
	/* The front end sets its event index, then looks for responses. */
	atomic_thread_fence(memory_order_seq_cst);
	event = atomic_load_explicit(&ring->shared->rsp_event, memory_order_relaxed);
	return ring->rsp_prod - event < ring->rsp_prod - before;
}

bool ring_arm(struct ring *ring, u32 need)
{
	int pending = ring_pending(ring);

	if (pending < 0 || (u32)pending >= need)
		return true;
	atomic_store_explicit(&ring->shared->req_event, ring->req_cons + need,
			      memory_order_relaxed);
	/* The front end makes requests, then looks at the event index. */
	atomic_thread_fence(memory_order_seq_cst);
	pending = ring_pending(ring);
	return pending < 0 || (u32)pending >= need;
}
