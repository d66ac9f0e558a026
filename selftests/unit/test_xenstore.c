// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's xenstore with its thread: functions, callbacks, two threads at
 * once, and a guest that puts anything into the ring.  Run by
 * selftests/unit/Makefile; TAP on stdout.  It must judge no duration.
 */
/* SOURCES: userspace/xen/xs_tree.c userspace/xen/xs_store.c userspace/xen/xs_txn.c */
/* SOURCES: userspace/xen/xs_client.c userspace/xen/xs_ring.c userspace/xen/xenstore.c */
/* SOURCES: userspace/xen/domain.c userspace/lib/err.c */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "selftests/unit/xs_guest.h"
#include "userspace/xen/domain.h"
#include "userspace/xen/xs_ring.h"
#include "selftests/unit/unit.h"

#define FUZZ_MESSAGES	300000
#define FUZZ_PAGES	200000

static struct xs_page page;
static atomic_uint sends, complaints, calls;
static char last_path[XS_ABS_PATH_MAX + 1];
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_send(void *arg)
{
	(void)arg;
	sends++;
}

static void on_complaint(void *arg, const char *why)
{
	(void)arg;
	(void)why;
	complaints++;
}

static const struct xenstore_host host = { .send = on_send, .complain = on_complaint };

static void kick(struct xs_guest *guest)
{
	u64 one = 1;

	if (write(xenstore_kick(guest->arg), &one, sizeof(one)) != sizeof(one))
		exit(1);
	sched_yield();
}

static void on_change(void *arg, const char *path)
{
	(void)arg;
	pthread_mutex_lock(&last_lock);
	strcpy(last_path, path);
	pthread_mutex_unlock(&last_lock);
	calls++;
}

/* Waits until the store's thread has called. */
static bool called(unsigned int count, const char *path)
{
	bool ok;

	while (calls < count)
		usleep(1000);
	pthread_mutex_lock(&last_lock);
	ok = calls == count && !strcmp(last_path, path);
	if (!ok)
		printf("# %u calls, the last for %s\n", calls, last_path);
	pthread_mutex_unlock(&last_lock);
	return ok;
}

static bool value_is(struct xenstore *xs, const char *path, const char *want)
{
	char *value = xs_read(xs, 0, path, NULL);
	bool ok = value ? want && !strcmp(value, want) : !want && errno == ENOENT;

	free(value);
	return ok;
}

static void test_functions(struct xenstore *xs)
{
	unsigned int count = 0;
	char **names, *text;
	u32 value = 0, tx, other;

	result(!xs_write(xs, 0, "/a/b", "17", 2) && value_is(xs, "/a/b", "17"), "write, read");
	result(!xs_read_u32(xs, 0, "/a", "b", &value) && value == 17, "a number");
	result(!xs_printf(xs, 0, "/a", "c", "%s-%u", "x", 3) && value_is(xs, "/a/c", "x-3") &&
	       xs_read_u32(xs, 0, "/a", "c", &value) == -EINVAL, "a text, no number");
	result(!xs_write(xs, 0, "/a/d", "4294967296", 10) &&
	       xs_read_u32(xs, 0, "/a", "d", &value) == -EINVAL &&
	       xs_read_u32(xs, 0, "/a", "e", &value) == -ENOENT, "a number that is too large");
	names = xs_directory(xs, 0, "/a", &count);
	result(names && count == 3 && !strcmp(names[0], "b") && !strcmp(names[2], "d"),
	       "a directory");
	free(names);
	text = NULL;
	result(!xs_set_perms(xs, 0, "/a", "n0 r1 b2") && (text = xs_get_perms(xs, 0, "/a")) &&
	       !strcmp(text, "n0 r1 b2") && xs_set_perms(xs, 0, "/a", "") == -EINVAL &&
	       xs_set_perms(xs, 0, "/a", "r1x") == -EINVAL, "permissions");
	free(text);
	result(!xs_rm(xs, 0, "/a/b") && value_is(xs, "/a/b", NULL) && !xs_mkdir(xs, 0, "/a/b") &&
	       value_is(xs, "/a/b", ""), "rm, mkdir");
	result(xs_write(xs, 0, "a", "", 0) == -EINVAL && !xs_read(xs, 0, "/a/", NULL) &&
	       errno == EINVAL, "names that cannot be");
	xs_begin(xs, &tx);
	xs_begin(xs, &other);
	xs_write(xs, tx, "/a/b", "1", 1);
	xs_write(xs, other, "/a/b", "2", 1);
	result(!xs_commit(xs, tx) && xs_commit(xs, other) == -EAGAIN &&
	       value_is(xs, "/a/b", "1") && xs_commit(xs, other) == -ENOENT, "transactions");
	xs_begin(xs, &tx);
	xs_abort(xs, tx);
	result(xs_write(xs, tx, "/a/b", "1", 1) == -ENOENT, "abort");
}

struct recursion {
	struct xenstore *xs;
	struct xs_callback *_Atomic cb;
	atomic_int count;
};

/* A callback may write what it watches, and end its own watch. */
static void on_recursion(void *arg, const char *path)
{
	struct recursion *r = arg;

	(void)path;
	while (!r->cb)
		sched_yield();	/* it may be called before xs_watch() returns */
	if (++r->count == 5)
		xs_unwatch(r->xs, r->cb);
	else
		xs_printf(r->xs, 0, "/recursion", "x", "%d", r->count);
}

static void test_callbacks(struct xenstore *xs, struct xs_guest *guest)
{
	struct xs_callback *cb = xs_watch(xs, "/local/domain/1/data", on_change, NULL);
	struct recursion r = { .xs = xs };

	result(cb && !calls, "no call before the guest starts");
	memset(&page, 0xff, sizeof(page));
	xenstore_start(xs, &page, &host, NULL);
	result(called(1, "/local/domain/1/data"), "then the first");
	result(xsg_write(guest, 0, "data/x", "1") == XS_WRITE &&
	       called(2, "/local/domain/1/data/x"), "one for what the guest writes");
	xs_write(xs, 0, "/local/domain/1/data/y", "1", 1);
	result(called(3, "/local/domain/1/data/y"), "one for what we write");
	xs_unwatch(xs, cb);
	xs_write(xs, 0, "/local/domain/1/data/z", "1", 1);
	result(calls == 3, "none after unwatch");
	r.cb = xs_watch(xs, "/recursion", on_recursion, &r);
	while (r.count < 5)
		usleep(1000);
	xs_write(xs, 0, "/recursion/x", "", 0);
	usleep(10000);
	result(r.count == 5, "a callback that calls back");
	result(xsg_call(guest, XS_WATCH, 0, "control/shutdown", "t", NULL) == XS_WATCH, "watch");
	xsg_drain(guest);
	guest->events = 0;
	xs_write(xs, 0, "/local/domain/1/control/shutdown", "poweroff", 8);
	while (!guest->events)
		xsg_drain(guest);
	result(!strcmp(guest->event, "control/shutdown"), "the guest is told of what we write");
	result(!xs_watch(xs, "bad", on_change, NULL) && errno == EINVAL, "a watch that cannot be");
}

/* Two threads count in one value; each loses no increment. */
static void *counter(void *arg)
{
	struct xenstore *xs = arg;
	unsigned int i;
	u32 tx, value;
	int ret;

	for (i = 0; i < 500; i++) {
		do {
			xs_begin(xs, &tx);
			value = 0;
			xs_read_u32(xs, tx, "/count", "er", &value);
			xs_printf(xs, tx, "/count", "er", "%u", value + 1);
			ret = xs_commit(xs, tx);
		} while (ret == -EAGAIN);
	}
	return NULL;
}

static void test_threads(struct xenstore *xs)
{
	pthread_t threads[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, counter, xs);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	result(value_is(xs, "/count/er", "1500"), "three threads count");
}

static void test_domain(struct xenstore *xs, struct xs_guest *guest)
{
	const struct xen_domain domain = {
		.domid = 1, .name = "g", .memory = 64 << 20, .max_memory = 128 << 20,
		.vcpus = 1, .max_vcpus = 2, .store_gfn = 5, .store_port = 3,
	};
	struct err err;

	xs_write(xs, 0, "/local/domain/1/old", "", 0);
	xs_write(xs, 0, "/local/domain/0/backend/vbd/1/51712/state", "4", 1);
	result(!domain_write(xs, &domain, &err), "a domain's directory");
	result(value_is(xs, "/local/domain/1/old", NULL) &&
	       value_is(xs, "/local/domain/0/backend/vbd/1/51712/state", NULL),
	       "nothing old in it");
	result(xsg_is(guest, 0, "name", "g") && xsg_is(guest, 0, "domid", "1") &&
	       xsg_is(guest, 0, "memory/target", "65536") &&
	       xsg_is(guest, 0, "cpu/1/availability", "offline"), "the guest reads it");
	result(xsg_error(guest, xsg_write(guest, 0, "name", "x"), "EACCES") &&
	       xsg_write(guest, 0, "control/shutdown", "") == XS_WRITE &&
	       xsg_error(guest, xsg_write(guest, 0, "device/vbd/1/state", "1"), "EACCES"),
	       "and writes what is its own");
}

/* ---- a guest that puts anything into the ring ---- */

static u64 seed = 1;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % below;
}

static u32 fuzz_text(char *text, u32 room)
{
	static const char *const words[] = {
		"/", "//", "own", "own/a", "own/b/c", "/local/domain/1/own", "/local/domain/0",
		"/secret", "@releaseDomain", "tok", "T", "F", "0", "1", "4294967296", "r1", "b0",
		"n65535", "w1", "", "\xff", "own/", "/local/domain/1/own/a/b/c/d/e/f",
	};
	u32 len = 0, n = rnd(5), w;

	while (n--) {
		const char *word = words[rnd(ARRAY_SIZE(words))];

		w = (u32)strlen(word);
		if (w + 1 > room - len)
			break;
		memcpy(text + len, word, w + 1);
		len += w + (rnd(8) ? 1 : 0);
	}
	while (!rnd(4) && len < room)
		text[len++] = (char)rnd(256);
	return len;
}

struct fuzz {
	struct xs_store store;
	struct xs_conn dom0;
	struct xs_client client;
	struct xs_ring ring;
	struct xs_guest guest;
};

static void fuzz_event(struct xs_conn *conn, const struct xs_watch *watch, const char *path)
{
	(void)conn;
	(void)watch;
	(void)path;
}

static void fuzz_step(struct xs_guest *guest)
{
	struct fuzz *f = guest->arg;

	xs_ring_work(&f->ring, 1 + rnd(40));
}

static void fuzz_begin(struct fuzz *f)
{
	struct xs_perms perms = { .count = 1, .perm = { { 1, 0 } } };
	struct xs_change what = { .kind = XS_MAKE, .path = "/local/domain/1/own" };

	memset(f, 0, sizeof(*f));
	xs_store_init(&f->store);
	xs_conn_open(&f->dom0, &f->store, 0, fuzz_event);
	xs_client_init(&f->client, &f->store, 1);
	xs_ring_init(&f->ring, &page, &f->client);
	f->guest.page = &page;
	f->guest.step = fuzz_step;
	f->guest.arg = f;
	xs_store_change(&f->dom0, 0, &what);
	what.kind = XS_PERMS;
	what.perms = &perms;
	xs_store_change(&f->dom0, 0, &what);
}

static void fuzz_end(struct fuzz *f)
{
	xs_client_exit(&f->client);
	xs_conn_close(&f->dom0);
	xs_store_exit(&f->store);
}

static u32 count_owned(const struct xs_node *node)
{
	u32 i, count = node->perms.perm[0].domid ? 1 : 0;

	for (i = 0; i < node->children; i++)
		count += count_owned(node->child[i]);
	return count;
}

/* Any request gets its answer, and the quotas hold. */
static void fuzz_messages(void)
{
	static struct fuzz f;
	char data[XS_PAYLOAD_MAX];
	unsigned int i, answers = 0;
	bool sane = true;

	fuzz_begin(&f);
	for (i = 0; i < FUZZ_MESSAGES; i++) {
		u32 tx = rnd(3) ? 0 : f.store.last_tx - rnd(4);
		u32 len = fuzz_text(data, sizeof(data));

		if (xsg_ask(&f.guest, rnd(26), tx, data, len) < 0) {
			printf("# request %u has no answer\n", i);
			break;
		}
		answers++;
		sane &= f.store.tree.owned <= f.store.quota.nodes &&
			f.client.conn.nr_watches <= f.store.quota.watches &&
			f.client.conn.nr_txns <= f.store.quota.transactions;
		if (!(i % 1000))
			sane &= count_owned(f.store.tree.root) == f.store.tree.owned;
	}
	result(answers == FUZZ_MESSAGES, "any request is answered");
	result(sane, "quotas hold, the count of nodes is right");
	fuzz_end(&f);
}

/* Any page; the store must come to an end of its work each time. */
static void fuzz_pages(void)
{
	static struct fuzz f;
	u32 *words = (u32 *)&page;
	unsigned int i, n, rounds, dead = 0;
	bool ends = true;

	fuzz_begin(&f);
	for (i = 0; i < FUZZ_PAGES && ends; i++) {
		for (n = rnd(6); n; n--) {
			u32 at = rnd(4) ? 512 + rnd(7) : rnd(sizeof(page) / 4);

			words[at] = rnd(2) ? rnd(0xffffffff) : words[at] + rnd(1024);
		}
		if (!rnd(3))
			page.connection = XS_RECONNECT;
		if (!rnd(3)) {
			struct xs_header header = { .type = rnd(26), .len = rnd(64) };

			for (n = 0; n < sizeof(header); n++)
				page.req[(page.req_cons + n) % XS_RING_SIZE] = ((u8 *)&header)[n];
			page.req_prod = page.req_cons + rnd(200);
		}
		for (rounds = 0; xs_ring_work(&f.ring, 32) & XS_WORK_MORE; rounds++)
			ends &= rounds < 1000;
		dead += f.ring.dead;
	}
	result(ends, "any page is worked on to an end");
	result(dead && dead < i, "some of them cut the guest off, not all");
	fuzz_end(&f);
}

/* The page changes while the store's thread reads it. */
static void *scribbler(void *arg)
{
	volatile u32 *words = (u32 *)&page;
	u64 state = 7;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 400000; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		words[(state >> 33) % (sizeof(page) / 4)] = (u32)(state >> 13);
		if (!(i % 64))
			page.connection = XS_RECONNECT;
		if (!(i % 16))
			page.req_prod = page.req_cons + (u32)(state >> 40) % XS_RING_SIZE;
	}
	return NULL;
}

static void test_scribbler(struct xenstore *xs, struct xs_guest *guest)
{
	pthread_t thread;
	unsigned int i;

	pthread_create(&thread, NULL, scribbler, NULL);
	for (i = 0; i < 20000; i++) {
		kick(guest);
		xs_printf(xs, 0, "/local/domain/1/data", "w", "%u", i);
	}
	pthread_join(thread, NULL);
	result(value_is(xs, "/local/domain/1/data/w", "19999"), "we go on meanwhile");
	while (!complaints) {
		page.req_prod = page.req_cons + XS_RING_SIZE + 1;
		kick(guest);
	}
	result(sends, "its host is told that the guest broke the protocol");
	page.connection = XS_RECONNECT;
	while (page.connection != XS_CONNECTED)
		kick(guest);
	result(xsg_is(guest, 0, "data/w", "19999"), "and the guest, once it reconnects");
}

int main(void)
{
	struct xenstore *xs = xenstore_create(1, NULL);
	struct xs_guest guest = { .page = &page, .step = kick, .arg = xs };

	test_functions(xs);
	xs_mkdir(xs, 0, "/local/domain/1/data");
	xs_mkdir(xs, 0, "/local/domain/1/control/shutdown");
	xs_set_perms(xs, 0, "/local/domain/1/data", "n1");
	xs_set_perms(xs, 0, "/local/domain/1/control/shutdown", "n1");
	test_callbacks(xs, &guest);
	test_threads(xs);
	test_domain(xs, &guest);
	test_scribbler(xs, &guest);
	xenstore_stop(xs);
	xenstore_stop(xs);
	result(!xenstore_start(xs, &page, &host, NULL) && xsg_is(&guest, 0, "name", "g"),
	       "it starts again");
	xenstore_destroy(xs);
	fuzz_messages();
	fuzz_pages();
	return finish();
}
