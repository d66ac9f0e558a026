// SPDX-License-Identifier: GPL-2.0
/*
 * Grants: checks an entry, marks it used and finds the page.  The back ends
 * call it through gnttab.h.  It must take flags and domain of an entry in one
 * read and one compare-and-swap, for the guest may revoke it at any time.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "uapi/hvmod.h"
#include "userspace/xen/gnttab.h"

/* Xen's grant_table.h, "Type of grant entry" and below */
#define TYPE_MASK	0x3U
#define TYPE_PERMIT	0x1U
#define TYPE_TRANSITIVE	0x3U
#define F_READONLY	BIT(2)
#define F_READING	BIT(3)
#define F_WRITING	BIT(4)
#define F_SUB_PAGE	BIT(8)

/* Xen gives up after as many. */
#define TRIES		5
/* Mappings of a reference; more are a bug of a back end or a guest's trick. */
#define PINS		0xffffU
/* Xen's "grant table entries preserved across version changes" */
#define RESERVED	8U

struct entry_v1 {
	_Atomic u32 head;	/* flags, and domain in the upper half */
	_Atomic u32 frame;
};

struct entry_v2 {
	_Atomic u32 head;
	_Atomic u32 part;	/* sub-page: offset, and length in the upper half */
	_Atomic u64 frame;
};

_Static_assert(sizeof(struct entry_v1) == 8 && sizeof(struct entry_v2) == 16,
	       "Xen's grant_table.h");

/* struct want - what a caller is about to do */
struct want {
	enum gnttab_access access;
	bool copy;		/* not map: part of a page will do */
};

static u32 domain_of(u32 head)
{
	return head >> 16;
}

static int check_head(u32 head, const struct want *want)
{
	switch (head & TYPE_MASK) {
	case TYPE_PERMIT:
		break;
	case TYPE_TRANSITIVE:
		return -EOPNOTSUPP;
	default:
		return -ENOENT;
	}
	if (domain_of(head) != HVMOD_XEN_DOMID_BACKEND)
		return -EPERM;
	if ((head & F_SUB_PAGE) && !want->copy)
		return -EOPNOTSUPP;
	if ((head & F_READONLY) && want->access == GNTTAB_WRITE)
		return -EACCES;
	return 0;
}

static u32 marks(const struct want *want)
{
	return want->access == GNTTAB_WRITE ? F_READING | F_WRITING : F_READING;
}

/* Version 1: the marks are in the same word, so one swap checks and sets. */
static int mark_v1(struct entry_v1 *entry, const struct want *want, u32 *head)
{
	int try, ret;

	*head = atomic_load_explicit(&entry->head, memory_order_relaxed);
	for (try = 0; try < TRIES; try++) {
		ret = check_head(*head, want);
		if (ret)
			return ret;
		if (atomic_compare_exchange_strong(&entry->head, head, *head | marks(want)))
			return 0;
	}
	return -EAGAIN;
}

/*
 * Version 2: the marks are elsewhere.  Set them, then look again: the guest
 * revokes the other way round.  @held: marks that other mappings need.
 */
static int mark_v2(struct entry_v2 *entry, _Atomic u16 *status, const struct want *want,
		   u32 held, u32 *head)
{
	int ret;

	*head = atomic_load_explicit(&entry->head, memory_order_relaxed);
	ret = check_head(*head, want);
	if (ret)
		return ret;
	atomic_fetch_or(status, (u16)marks(want));
	*head = atomic_load(&entry->head);
	ret = check_head(*head, want);
	if (ret)
		atomic_fetch_and(status, (u16)~(marks(want) & ~held));
	return ret ? -EAGAIN : 0;
}

static u32 held_marks(const struct gnttab_pin *pin)
{
	u32 held = 0;

	if (pin->readers || pin->writers)
		held |= F_READING;
	if (pin->writers)
		held |= F_WRITING;
	return held;
}

static void unmark(struct gnttab *gt, u32 ref, u32 version, u32 drop)
{
	if (!drop)
		return;
	if (version == 2)
		atomic_fetch_and(&gt->status[ref], (u16)~drop);
	else
		atomic_fetch_and(&((struct entry_v1 *)gt->entries)[ref].head, ~drop);
}

static u8 *frame_at(const struct gnttab *gt, u64 frame)
{
	if (frame > UINT64_MAX / PAGE_BYTES)
		return NULL;
	return gmem_ptr(gt->mem, frame * PAGE_BYTES, PAGE_BYTES);
}

/* struct found - what an entry grants */
struct found {
	u8 *at;
	u32 first;
	u32 bytes;
};

/* Check and mark an entry and say where its page is.  Under the lock. */
static int acquire(struct gnttab *gt, u32 ref, u32 version, const struct want *want, u32 held,
		   struct found *found)
{
	u32 head, part;
	u64 frame;
	int ret;

	found->first = 0;
	found->bytes = PAGE_BYTES;
	if (version == 2) {
		struct entry_v2 *entry = &((struct entry_v2 *)gt->entries)[ref];

		ret = mark_v2(entry, &gt->status[ref], want, held, &head);
		if (ret)
			return ret;
		frame = atomic_load_explicit(&entry->frame, memory_order_relaxed);
		if (head & F_SUB_PAGE) {
			part = atomic_load_explicit(&entry->part, memory_order_relaxed);
			found->first = part & 0xffff;
			found->bytes = part >> 16;
		}
	} else {
		struct entry_v1 *entry = &((struct entry_v1 *)gt->entries)[ref];

		ret = mark_v1(entry, want, &head);
		if (ret)
			return ret;
		frame = atomic_load_explicit(&entry->frame, memory_order_relaxed);
	}
	found->at = frame_at(gt, frame);
	if (found->at)
		return 0;
	unmark(gt, ref, version, marks(want) & ~held);
	return -EFAULT;
}

static u32 entries_of(u32 frames, u32 version)
{
	return frames * (u32)(PAGE_BYTES / (version == 2 ? sizeof(struct entry_v2) :
							   sizeof(struct entry_v1)));
}

static int refuse(struct gnttab *gt, int error)
{
	atomic_fetch_add_explicit(&gt->refused, 1, memory_order_relaxed);
	return error;
}

/* The guest's index must not steer a load past the table in speculation. */
static u32 index_nospec(u32 index, u32 size)
{
	s64 mask = ((s64)index - (s64)size) >> 63;

	__asm__ volatile("" : "+r" (mask));
	return index & (u32)mask;
}

/*
 * Begin to use a reference: its lock is held and its version stays as it is.
 * Return: the version, or an errno and nothing is held.
 */
static int begin(struct gnttab *gt, u32 *ref)
{
	u32 most = entries_of(gt->frames, 1), version, frames;
	int ret;

	if (*ref >= most)
		return -ENOENT;
	*ref = index_nospec(*ref, most);
	pthread_mutex_lock(&gt->lock[*ref % GNTTAB_LOCKS]);
	if (*ref >= RESERVED)
		atomic_fetch_add(&gt->info->users, 1);
	version = atomic_load(&gt->info->version);
	frames = atomic_load(&gt->info->frames);
	if (frames > gt->frames)
		frames = gt->frames;
	if (version && *ref < entries_of(frames, version))
		return (int)version;
	ret = version ? -ENOENT : -EAGAIN;
	if (*ref >= RESERVED)
		atomic_fetch_sub(&gt->info->users, 1);
	pthread_mutex_unlock(&gt->lock[*ref % GNTTAB_LOCKS]);
	return ret;
}

/* The end of it; @keep: the reference stays in use. */
static void end(struct gnttab *gt, u32 ref, bool keep)
{
	if (ref >= RESERVED && !keep)
		atomic_fetch_sub(&gt->info->users, 1);
	pthread_mutex_unlock(&gt->lock[ref % GNTTAB_LOCKS]);
}

static int map_locked(struct gnttab *gt, u32 ref, u32 version, const struct want *want, void **at)
{
	struct gnttab_pin *pin = &gt->pin[ref];
	u32 held = held_marks(pin);
	struct found found;
	int ret;

	if (pin->readers == PINS || pin->writers == PINS)
		return -EBUSY;
	if (marks(want) & ~held) {
		ret = acquire(gt, ref, version, want, held, &found);
		if (ret)
			return ret;
		/* What is mapped stays what it is. */
		if (!held)
			pin->at = found.at;
	}
	if (want->access == GNTTAB_WRITE)
		pin->writers++;
	else
		pin->readers++;
	*at = pin->at;
	return 0;
}

int gnttab_map(struct gnttab *gt, u32 ref, enum gnttab_access access, void **at)
{
	const struct want want = { .access = access };
	int version = begin(gt, &ref), ret;

	if (version < 0)
		return refuse(gt, version);
	ret = map_locked(gt, ref, (u32)version, &want, at);
	end(gt, ref, !ret);
	if (ret)
		return refuse(gt, ret);
	atomic_fetch_add_explicit(&gt->mapped, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&gt->maps, 1, memory_order_relaxed);
	return 0;
}

void gnttab_unmap(struct gnttab *gt, u32 ref, enum gnttab_access access)
{
	struct gnttab_pin *pin;
	u32 before, version;

	if (ref >= entries_of(gt->frames, 1))
		return;
	pin = &gt->pin[ref];
	pthread_mutex_lock(&gt->lock[ref % GNTTAB_LOCKS]);
	/* Of a reserved reference it may change; that does not take long. */
	while (!(version = atomic_load(&gt->info->version)))
		sched_yield();
	before = held_marks(pin);
	if (access == GNTTAB_WRITE && pin->writers)
		pin->writers--;
	else if (access == GNTTAB_READ && pin->readers)
		pin->readers--;
	unmark(gt, ref, version, before & ~held_marks(pin));
	end(gt, ref, !before);
	if (before)
		atomic_fetch_sub_explicit(&gt->mapped, 1, memory_order_relaxed);
}

static bool inside(const struct found *found, u32 at, u32 len)
{
	u32 end = found->first + found->bytes;

	if (end > PAGE_BYTES)
		end = PAGE_BYTES;
	return at >= found->first && at <= end && len <= end - at;
}

static int copy_locked(struct gnttab *gt, u32 ref, u32 version, const struct want *want,
		       u32 offset, void *to, const void *from, u32 len)
{
	u32 held = held_marks(&gt->pin[ref]);
	struct found found;
	int ret = acquire(gt, ref, version, want, held, &found);

	if (ret)
		return ret;
	if (!inside(&found, offset, len))
		ret = -ERANGE;
	else if (to)
		memcpy(to, found.at + offset, len);
	else
		memcpy(found.at + offset, from, len);
	unmark(gt, ref, version, marks(want) & ~held);
	return ret;
}

static int copy(struct gnttab *gt, u32 ref, enum gnttab_access access, u32 offset, void *to,
		const void *from, u32 len)
{
	const struct want want = { .access = access, .copy = true };
	int version = begin(gt, &ref), ret;

	if (version < 0)
		return refuse(gt, version);
	ret = copy_locked(gt, ref, (u32)version, &want, offset, to, from, len);
	end(gt, ref, false);
	if (ret)
		return refuse(gt, ret);
	atomic_fetch_add_explicit(&gt->maps, 1, memory_order_relaxed);
	return 0;
}

int gnttab_read(struct gnttab *gt, u32 ref, u32 from, void *to, u32 len)
{
	return copy(gt, ref, GNTTAB_READ, from, to, NULL, len);
}

int gnttab_write(struct gnttab *gt, u32 ref, u32 to, const void *from, u32 len)
{
	return copy(gt, ref, GNTTAB_WRITE, to, NULL, from, len);
}

const char *gnttab_why(int error)
{
	switch (error) {
	case -ENOENT:
		return "grants nothing";
	case -EPERM:
		return "is for another domain";
	case -EACCES:
		return "is read-only";
	case -EOPNOTSUPP:
		return "grants no whole page";
	case -EFAULT:
		return "names a frame that is no memory";
	case -EAGAIN:
		return "changes while it is used";
	case -EBUSY:
		return "is mapped too often";
	case -ERANGE:
		return "grants less than is asked for";
	}
	return "is refused";
}

int gnttab_init(struct gnttab *gt, const struct gmem *mem, void *entries, u32 frames,
		void *status, struct gnttab_info *info, struct err *err)
{
	unsigned int i;

	memset(gt, 0, sizeof(*gt));
	gt->mem = mem;
	gt->entries = entries;
	gt->frames = frames;
	gt->status = status;
	gt->info = info;
	gt->pin = calloc(entries_of(frames, 1), sizeof(*gt->pin));
	if (!gt->pin)
		return err_set(err, ENOMEM, "not enough memory for %u frames of grants", frames);
	for (i = 0; i < GNTTAB_LOCKS; i++)
		pthread_mutex_init(&gt->lock[i], NULL);
	return 0;
}

void gnttab_exit(struct gnttab *gt)
{
	unsigned int i;

	if (!gt->pin)
		return;
	for (i = 0; i < GNTTAB_LOCKS; i++)
		pthread_mutex_destroy(&gt->lock[i]);
	free(gt->pin);
	gt->pin = NULL;
}

static void *map(int vm, size_t size, u64 offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm, (off_t)offset);

	return at == MAP_FAILED ? NULL : at;
}

static void unmap(void *at, size_t size)
{
	if (at)
		munmap(at, size);
}

#define ENTRIES_SIZE	(HVMOD_XEN_GRANT_FRAMES * PAGE_BYTES)
#define STATUS_SIZE	(HVMOD_XEN_STATUS_FRAMES * PAGE_BYTES)

_Static_assert(sizeof(struct gnttab_info) == sizeof(struct hvmod_xen_grant_info),
	       "uapi/hvmod.h");

int gnttab_open(struct gnttab *gt, int vm, const struct gmem *mem, struct err *err)
{
	void *entries = map(vm, ENTRIES_SIZE, HVMOD_XEN_GRANT_OFFSET);
	void *status = map(vm, STATUS_SIZE, HVMOD_XEN_STATUS_OFFSET);
	void *info = map(vm, PAGE_BYTES, HVMOD_XEN_GRANT_INFO_OFFSET);
	int ret;

	if (entries && status && info)
		ret = gnttab_init(gt, mem, entries, HVMOD_XEN_GRANT_FRAMES, status, info, err);
	else
		ret = err_set(err, errno, "cannot map the guest's grant table: %s",
			      strerror(errno));
	if (!ret)
		return 0;
	unmap(entries, ENTRIES_SIZE);
	unmap(status, STATUS_SIZE);
	unmap(info, PAGE_BYTES);
	return ret;
}

void gnttab_close(struct gnttab *gt)
{
	if (!gt->pin)
		return;
	unmap(gt->entries, ENTRIES_SIZE);
	unmap((void *)gt->status, STATUS_SIZE);
	unmap(gt->info, PAGE_BYTES);
	gnttab_exit(gt);
}
