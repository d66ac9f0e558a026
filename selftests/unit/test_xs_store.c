// SPDX-License-Identifier: GPL-2.0
/*
 * xenstore as a guest sees it, over a ring page: every request, permissions,
 * transactions, watches and quotas.  Run by selftests/unit/Makefile; TAP on
 * stdout.  It must not look into the store but through the wire and as domain 0.
 */
/* SOURCES: userspace/xen/xs_tree.c userspace/xen/xs_store.c userspace/xen/xs_txn.c */
/* SOURCES: userspace/xen/xs_client.c userspace/xen/xs_ring.c */
#include <errno.h>

#include "selftests/unit/xs_guest.h"
#include "userspace/xen/xs_ring.h"
#include "selftests/unit/unit.h"

static struct xs_page page;
static struct xs_store store;
static struct xs_conn dom0;
static struct xs_client client;
static struct xs_ring ring;
static struct xs_guest guest;
static unsigned int dom0_events;
static char dom0_event[XS_ABS_PATH_MAX + 1];

static void step(struct xs_guest *g)
{
	(void)g;
	xs_ring_work(&ring, 32);
}

static void on_event(struct xs_conn *conn, const struct xs_watch *watch, const char *path)
{
	(void)conn;
	(void)watch;
	dom0_events++;
	strcpy(dom0_event, path);
}

static int set(const char *path, const char *value)
{
	struct xs_change what = { .kind = XS_SET, .path = path, .value = value,
				  .len = (u32)strlen(value) };

	return xs_store_change(&dom0, 0, &what);
}

static int remove_path(const char *path)
{
	struct xs_change what = { .kind = XS_REMOVE, .path = path };

	return xs_store_change(&dom0, 0, &what);
}

static int perms(const char *path, u16 owner, u8 others, u16 domid, u8 access)
{
	struct xs_perms list = { .count = 2, .perm = { { owner, others }, { domid, access } } };
	struct xs_change what = { .kind = XS_PERMS, .path = path, .perms = &list };

	return xs_store_change(&dom0, 0, &what);
}

/* /local/domain/1 is readable, /local/domain/1/own is the guest's, /secret nobody's. */
static void begin(void)
{
	xs_store_init(&store);
	xs_conn_open(&dom0, &store, 0, on_event);
	xs_client_init(&client, &store, 1);
	xs_ring_init(&ring, &page, &client);
	memset(&guest, 0, sizeof(guest));
	guest.page = &page;
	guest.step = step;
	set("/local/domain/1/own", "");
	perms("/local/domain/1", 0, 0, 1, XS_ACCESS_READ);
	perms("/local/domain/1/own", 1, 0, 0, 0);
	set("/secret", "x");
	dom0_events = 0;
}

static void end(void)
{
	xs_client_exit(&client);
	xs_conn_close(&dom0);
	xs_store_exit(&store);
}

static void test_values(void)
{
	begin();
	result(xsg_write(&guest, 0, "own/a", "1") == XS_WRITE && !strcmp(guest.data, "OK") &&
	       guest.reply.len == 3, "write below its own directory");
	result(xsg_is(&guest, 0, "/local/domain/1/own/a", "1"), "read by the absolute name");
	result(xsg_write(&guest, 0, "own/b/c/d", "deep") == XS_WRITE &&
	       xsg_is(&guest, 0, "own/b/c", "") && xsg_is(&guest, 0, "own/b/c/d", "deep"),
	       "missing parents are made, empty");
	result(xsg_ask(&guest, XS_WRITE, 0, "own/bin\0\1\0\2", 11) == XS_WRITE &&
	       xsg_call(&guest, XS_READ, 0, "own/bin", NULL) == XS_READ &&
	       guest.reply.len == 3 && !memcmp(guest.data, "\1\0\2", 3), "a binary value");
	result(xsg_call(&guest, XS_DIRECTORY, 0, "own", NULL) == XS_DIRECTORY &&
	       guest.reply.len == 8 && !memcmp(guest.data, "a\0b\0bin", 8), "a directory");
	result(xsg_call(&guest, XS_MKDIR, 0, "own/a", NULL) == XS_MKDIR &&
	       xsg_is(&guest, 0, "own/a", "1"), "mkdir leaves what is there");
	result(xsg_call(&guest, XS_MKDIR, 0, "own/m/n", NULL) == XS_MKDIR &&
	       xsg_is(&guest, 0, "own/m/n", ""), "mkdir makes what is not");
	result(xsg_call(&guest, XS_RM, 0, "own/b", NULL) == XS_RM &&
	       xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "own/b/c/d", NULL), "ENOENT"),
	       "rm takes all below");
	result(xsg_call(&guest, XS_RM, 0, "own/b", NULL) == XS_RM, "rm of nothing");
	result(xsg_error(&guest, xsg_call(&guest, XS_RM, 0, "own/b/c", NULL), "ENOENT"),
	       "rm without a parent");
	result(xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "own/none", NULL), "ENOENT"),
	       "read of nothing");
	result(xsg_call(&guest, XS_GET_DOMAIN_PATH, 0, "7", NULL) == XS_GET_DOMAIN_PATH &&
	       !strcmp(guest.data, "/local/domain/7"), "a domain's path");
	result(xsg_call(&guest, XS_IS_DOMAIN_INTRODUCED, 0, "1", NULL) == XS_IS_DOMAIN_INTRODUCED &&
	       !strcmp(guest.data, "T"), "it is introduced");
	result(xsg_call(&guest, XS_IS_DOMAIN_INTRODUCED, 0, "9", NULL) == XS_IS_DOMAIN_INTRODUCED &&
	       !strcmp(guest.data, "F"), "another is not");
	end();
}

static void test_bad_paths(void)
{
	static const char *const bad[] = {
		"", "//", "/a//b", "/a/", "/a b", "own/", "own/\x80", "/a:b",
	};
	char text[XS_PAYLOAD_MAX];
	bool ok = true;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok &= xsg_error(&guest, xsg_call(&guest, XS_READ, 0, bad[i], NULL), "EINVAL");
	result(ok, "names that cannot be");
	memset(text, 'a', sizeof(text));
	text[XS_REL_PATH_MAX + 1] = 0;
	result(xsg_error(&guest, xsg_call(&guest, XS_READ, 0, text, NULL), "EINVAL"),
	       "a relative name that is too long");
	text[0] = '/';
	text[XS_REL_PATH_MAX + 1] = 'a';
	text[XS_ABS_PATH_MAX + 1] = 0;
	result(xsg_error(&guest, xsg_call(&guest, XS_READ, 0, text, NULL), "EINVAL"),
	       "an absolute name that is too long");
	result(xsg_error(&guest, xsg_ask(&guest, XS_READ, 0, "own", 3), "EINVAL"),
	       "a name without its end");
	result(xsg_error(&guest, xsg_ask(&guest, XS_WRITE, 0, "own", 3), "EINVAL"),
	       "a write without a value");
	result(xsg_error(&guest, xsg_ask(&guest, XS_READ, 0, "", 0), "EINVAL"),
	       "a request without anything");
	result(xsg_error(&guest, xsg_call(&guest, XS_RM, 0, "/", NULL), "EINVAL"),
	       "rm of the root");
	result(remove_path("/") == -EINVAL, "by nobody");
	end();
}

static void test_refused(void)
{
	static const u32 refused[] = {
		XS_CONTROL, XS_INTRODUCE, XS_RELEASE, XS_RESUME, XS_SET_TARGET,
	};
	bool ok = true;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		ok &= xsg_error(&guest, xsg_call(&guest, refused[i], 0, "1", "2", NULL), "EACCES");
	result(ok, "what only a toolstack may ask");
	ok = xsg_error(&guest, xsg_call(&guest, 20, 0, "1", NULL), "ENOSYS");
	ok &= xsg_error(&guest, xsg_call(&guest, XS_WATCH_EVENT, 0, "1", NULL), "ENOSYS");
	ok &= xsg_error(&guest, xsg_call(&guest, XS_ERROR, 0, "1", NULL), "ENOSYS");
	ok &= xsg_error(&guest, xsg_call(&guest, XS_TYPES, 0, "1", NULL), "ENOSYS");
	ok &= xsg_error(&guest, xsg_call(&guest, 0xffff, 0, "1", NULL), "ENOSYS");
	ok &= xsg_error(&guest, xsg_call(&guest, 0xffffffff, 0, "1", NULL), "ENOSYS");
	result(ok, "what nobody may ask");
	end();
}

static void test_perms(void)
{
	static const char *const none[] = { "z1", "r65536", "r", "", NULL };
	bool ok = true;
	unsigned int i;

	begin();
	result(xsg_error(&guest, xsg_write(&guest, 0, "name", "x"), "EACCES"),
	       "write where it may read only");
	result(xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "/secret", NULL), "EACCES"),
	       "read where it may not");
	result(xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "/none", NULL), "EACCES"),
	       "what is not there is not told to all");
	result(xsg_error(&guest, xsg_call(&guest, XS_MKDIR, 0, "/new", NULL), "EACCES"),
	       "mkdir where it may not");
	result(xsg_error(&guest, xsg_call(&guest, XS_RM, 0, "/secret", NULL), "EACCES"),
	       "rm where it may not");
	result(xsg_call(&guest, XS_GET_PERMS, 0, "own", NULL) == XS_GET_PERMS &&
	       guest.reply.len == 6 && !memcmp(guest.data, "n1\0n0", 6), "read permissions");
	xsg_write(&guest, 0, "own/x", "1");
	result(xsg_call(&guest, XS_SET_PERMS, 0, "own/x", "r1", "b7", NULL) == XS_SET_PERMS &&
	       xsg_call(&guest, XS_GET_PERMS, 0, "own/x", NULL) == XS_GET_PERMS &&
	       !memcmp(guest.data, "r1\0b7", 6), "set permissions");
	result(xsg_error(&guest, xsg_call(&guest, XS_SET_PERMS, 0, "own/x", "r0", NULL),
			 "EACCES"), "it cannot give a node away");
	result(xsg_error(&guest, xsg_call(&guest, XS_SET_PERMS, 0, "/local/domain/1", "b1", NULL),
			 "EACCES"), "nor take one");
	for (i = 0; i < ARRAY_SIZE(none); i++)
		ok &= xsg_error(&guest, xsg_call(&guest, XS_SET_PERMS, 0, "own/x", none[i], NULL),
				"EINVAL");
	result(ok, "permissions that are none");
	result(xsg_error(&guest, xsg_call(&guest, XS_SET_PERMS, 0, "own/x", "r1", "r2", "r3",
					  "r4", "r5", "r6", NULL), "ENOSPC"), "too many of them");
	perms("/secret", 0, 0, 1, XS_ACCESS_WRITE);
	result(xsg_write(&guest, 0, "/secret", "y") == XS_WRITE &&
	       xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "/secret", NULL), "EACCES"),
	       "write without read");
	result(xsg_write(&guest, 0, "/secret/below", "z") == XS_WRITE &&
	       xsg_is(&guest, 0, "/secret/below", "z"), "it owns what it makes");
	end();
}

static void test_transactions(void)
{
	u32 a, b;

	begin();
	xsg_write(&guest, 0, "own/x", "0");
	a = xsg_begin(&guest);
	result(a && xsg_write(&guest, a, "own/x", "1") == XS_WRITE &&
	       xsg_is(&guest, a, "own/x", "1") && xsg_is(&guest, 0, "own/x", "0"),
	       "a transaction sees its writes, nobody else does");
	result(xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL) == XS_TRANSACTION_END &&
	       xsg_is(&guest, 0, "own/x", "1"), "until it commits");
	a = xsg_begin(&guest);
	xsg_write(&guest, a, "own/x", "2");
	result(xsg_call(&guest, XS_TRANSACTION_END, a, "F", NULL) == XS_TRANSACTION_END &&
	       xsg_is(&guest, 0, "own/x", "1"), "abort");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "ENOENT") &&
	       xsg_error(&guest, xsg_write(&guest, a, "own/x", "3"), "ENOENT"), "it is over");

	a = xsg_begin(&guest);
	b = xsg_begin(&guest);
	xsg_write(&guest, a, "own/a", "1");
	xsg_write(&guest, b, "own/b", "2");
	result(a != b && xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL) == XS_TRANSACTION_END &&
	       xsg_call(&guest, XS_TRANSACTION_END, b, "T", NULL) == XS_TRANSACTION_END &&
	       xsg_is(&guest, 0, "own/a", "1") && xsg_is(&guest, 0, "own/b", "2"),
	       "two that do not meet");
	a = xsg_begin(&guest);
	xsg_is(&guest, a, "own/a", "1");
	xsg_write(&guest, a, "own/c", "3");
	set("/local/domain/1/own/a", "changed");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "EAGAIN") &&
	       xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "own/c", NULL), "ENOENT"),
	       "what it read was changed");
	a = xsg_begin(&guest);
	xsg_call(&guest, XS_DIRECTORY, a, "own", NULL);
	set("/local/domain/1/own/new", "");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "EAGAIN"),
	       "a name came into a directory that it read");
	a = xsg_begin(&guest);
	xsg_error(&guest, xsg_call(&guest, XS_READ, a, "own/later", NULL), "ENOENT");
	set("/local/domain/1/own/later", "");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "EAGAIN"),
	       "what was not there has come");
	a = xsg_begin(&guest);
	xsg_call(&guest, XS_RM, a, "own/b", NULL);
	set("/local/domain/1/own/b/below", "");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "EAGAIN"),
	       "what it removed was changed below");
	a = xsg_begin(&guest);
	xsg_write(&guest, a, "own/t/u", "1");
	perms("/local/domain/1/own", 0, 0, 1, XS_ACCESS_READ);
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "T", NULL), "EAGAIN") &&
	       xsg_error(&guest, xsg_call(&guest, XS_READ, 0, "own/t", NULL), "ENOENT"),
	       "its right to write was taken");
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_START, 5, "", NULL), "EBUSY"),
	       "none inside another");
	a = xsg_begin(&guest);
	result(xsg_error(&guest, xsg_call(&guest, XS_TRANSACTION_END, a, "x", NULL), "EINVAL") &&
	       xsg_call(&guest, XS_TRANSACTION_END, a, "F", NULL) == XS_TRANSACTION_END,
	       "an end that is none");
	end();
}

static bool event_is(const char *path, const char *token)
{
	bool ok = !strcmp(guest.event, path) &&
		  !strcmp(guest.event + strlen(guest.event) + 1, token);

	if (!ok)
		printf("# event %s %s\n", guest.event, guest.event + strlen(guest.event) + 1);
	guest.event[0] = 0;
	return ok;
}

static void test_watches(void)
{
	unsigned int before;
	u32 tx;

	begin();
	result(xsg_call(&guest, XS_WATCH, 0, "own", "tok", NULL) == XS_WATCH && !guest.events,
	       "a watch is acknowledged");
	xsg_drain(&guest);
	result(guest.events == 1 && event_is("own", "tok"), "and fires once");
	xsg_write(&guest, 0, "own/w/x", "1");
	xsg_drain(&guest);
	result(guest.events == 2 && event_is("own/w/x", "tok"), "on a change below, relative");
	result(xsg_error(&guest, xsg_call(&guest, XS_WATCH, 0, "own", "tok", NULL), "EEXIST"),
	       "not twice");
	xsg_call(&guest, XS_WATCH, 0, "/local/domain/1/own/w", "abs", NULL);
	xsg_drain(&guest);
	before = guest.events;
	set("/local/domain/1/own/w", "2");
	xsg_drain(&guest);
	result(guest.events == before + 2 && event_is("/local/domain/1/own/w", "abs"),
	       "two watches, one of them absolute");
	before = guest.events;
	tx = xsg_begin(&guest);
	xsg_write(&guest, tx, "own/w", "3");
	xsg_drain(&guest);
	result(guest.events == before, "not before a commit");
	xsg_call(&guest, XS_TRANSACTION_END, tx, "T", NULL);
	xsg_drain(&guest);
	result(guest.events == before + 2, "but by it");
	xsg_call(&guest, XS_UNWATCH, 0, "own", "tok", NULL);
	before = guest.events;
	xsg_call(&guest, XS_RM, 0, "own/w", NULL);
	xsg_drain(&guest);
	result(guest.events == before + 1 && event_is("/local/domain/1/own/w", "abs"),
	       "what is removed is told");
	xsg_write(&guest, 0, "own/w/x", "");
	xsg_call(&guest, XS_WATCH, 0, "own/w/x", "below", NULL);
	xsg_drain(&guest);
	remove_path("/local/domain/1/own");
	xsg_drain(&guest);
	result(event_is("own/w/x", "below"), "by the watched name, if that is below");
	result(xsg_error(&guest, xsg_call(&guest, XS_UNWATCH, 0, "own", "tok", NULL), "ENOENT"),
	       "no such watch");
	before = guest.events;
	result(xsg_call(&guest, XS_WATCH, 0, "/secret", "s", NULL) == XS_WATCH, "a secret");
	xsg_drain(&guest);
	set("/secret", "news");
	xsg_drain(&guest);
	result(guest.events == before + 1, "is told to nobody");
	xsg_call(&guest, XS_WATCH, 0, "@releaseDomain", "r", NULL);
	xsg_drain(&guest);
	before = guest.events;
	xs_store_special(&store, "@releaseDomain");
	xsg_drain(&guest);
	result(guest.events == before, "nor are other domains");
	result(xsg_call(&guest, XS_RESET_WATCHES, 0, "", NULL) == XS_RESET_WATCHES &&
	       !client.conn.nr_watches && !client.conn.nr_txns, "reset");
	end();
}

static void test_quotas(void)
{
	char path[64], value[4000] = "";
	unsigned int i;
	u32 tx = 0;
	bool ok;

	begin();
	for (i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "own/n%04u", i);
		if (xsg_write(&guest, 0, path, "") != XS_WRITE)
			break;
	}
	/* "own" itself is one. */
	result(i == store.quota.nodes - 1 && !strcmp(guest.data, "ENOSPC") &&
	       store.tree.owned == store.quota.nodes, "nodes");
	result(xsg_error(&guest, xsg_call(&guest, XS_DIRECTORY, 0, "own", NULL), "E2BIG"),
	       "a directory that is too long");
	ok = true;
	for (i = 0; ok;) {
		const char *at;

		snprintf(path, sizeof(path), "%u", i);
		ok = xsg_call(&guest, XS_DIRECTORY_PART, 0, "own", path, NULL) == XS_DIRECTORY_PART;
		at = guest.data + strlen(guest.data) + 1;
		for (; ok && at < guest.data + guest.reply.len && *at; at += strlen(at) + 1) {
			snprintf(path, sizeof(path), "n%04u", i / 6);
			ok = !strcmp(at, path);
			i += 6;
		}
		if (at < guest.data + guest.reply.len)
			break;		/* the empty name */
	}
	result(ok && i == 6 * (store.quota.nodes - 1), "it is read in parts");
	result(xsg_call(&guest, XS_DIRECTORY_PART, 0, "own", "99999", NULL) == XS_DIRECTORY_PART &&
	       !guest.data[guest.reply.len - 1] && !guest.data[guest.reply.len - 2],
	       "a part behind the end");
	result(xsg_error(&guest, xsg_call(&guest, XS_DIRECTORY_PART, 0, "own", "-1", NULL),
			 "EINVAL"), "a part that is none");
	tx = xsg_begin(&guest);
	result(xsg_error(&guest, xsg_write(&guest, tx, "own/one/more", ""), "ENOSPC"),
	       "nodes in a transaction");
	result(xsg_call(&guest, XS_RM, tx, "own/n0000", NULL) == XS_RM &&
	       xsg_write(&guest, tx, "own/one", "") == XS_WRITE &&
	       xsg_call(&guest, XS_TRANSACTION_END, tx, "T", NULL) == XS_TRANSACTION_END,
	       "one goes, one comes");
	memset(value, 'v', store.quota.value);
	result(xsg_write(&guest, 0, "own/one", value) == XS_WRITE, "a long value");
	value[store.quota.value] = 'v';
	result(xsg_error(&guest, xsg_write(&guest, 0, "own/one", value), "ENOSPC"),
	       "a value that is too long");
	xsg_call(&guest, XS_RM, 0, "own/one", NULL);
	for (i = 0; i < 100 && xsg_begin(&guest); i++)
		;
	result(i == store.quota.transactions && !strcmp(guest.data, "ENOSPC"), "transactions");
	tx = client.conn.nr_txns ? store.last_tx : 0;
	for (i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "own/q%u", i);
		if (xsg_call(&guest, XS_READ, tx, path, NULL) != XS_ERROR ||
		    strcmp(guest.data, "ENOENT"))
			break;
	}
	result(i == store.quota.changes && !strcmp(guest.data, "ENOSPC"), "names in one");
	for (i = 0; i < 5000 && xsg_write(&guest, tx, "own/q1", "") == XS_WRITE; i++)
		;
	result(i == store.quota.changes && !strcmp(guest.data, "ENOSPC"), "changes in one");
	result(xsg_call(&guest, XS_TRANSACTION_END, tx, "T", NULL) == XS_TRANSACTION_END,
	       "which still commits");
	for (i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "t%u", i);
		if (xsg_call(&guest, XS_WATCH, 0, "own", path, NULL) != XS_WATCH)
			break;
	}
	result(i == store.quota.watches && !strcmp(guest.data, "E2BIG"), "watches");
	end();
}

/* A guest that reads nothing: its requests stay in the ring. */
static void test_backlog(void)
{
	struct xs_header header = { .type = XS_READ, .len = 4 };
	unsigned int i;
	char path[64];

	begin();
	for (i = 0; i < 128; i++) {
		snprintf(path, sizeof(path), "t%u", i);
		xsg_call(&guest, XS_WATCH, 0, "own", path, NULL);
	}
	xsg_drain(&guest);
	for (i = 0; i < 200; i++) {
		if (atomic_load(&page.req_prod) - atomic_load(&page.req_cons) >
		    XS_RING_SIZE - sizeof(header) - 4)
			break;
		xsg_put(&guest, &header, sizeof(header));
		xsg_put(&guest, "own", 4);
		xs_ring_work(&ring, 100);
	}
	result(client.count == store.quota.requests && i < 200 &&
	       atomic_load(&page.req_prod) != atomic_load(&page.req_cons),
	       "requests wait while replies do");
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/local/domain/1/own/event%u", i);
		set(path, "");
	}
	result(client.bytes <= store.quota.bytes && client.lost, "events are bounded");
	guest.events = 0;
	xsg_drain(&guest);
	result(!client.count && guest.events > 1000 &&
	       atomic_load(&page.req_prod) == atomic_load(&page.req_cons),
	       "all is delivered when it reads");
	end();
}

static void test_ring(void)
{
	struct xs_header header = { .type = XS_READ, .len = XS_PAYLOAD_MAX + 1 };
	u32 i;
	bool ok = true;

	begin();
	result(page.features == (XS_FEATURE_RECONNECTION | XS_FEATURE_ERROR) &&
	       page.connection == XS_CONNECTED, "features");
	for (i = 0; i < 2000; i++)	/* every offset in the ring */
		ok &= xsg_write(&guest, 0, "own/a", "value") == XS_WRITE &&
		      xsg_is(&guest, 0, "own/a", "value");
	result(ok, "messages across the end of the ring");
	xsg_call(&guest, XS_WATCH, 0, "own", "t", NULL);
	xsg_begin(&guest);
	xsg_put(&guest, &header, sizeof(header));
	xs_ring_work(&ring, 32);
	result(page.error == XS_ERROR_PROTO && ring.dead && ring.why &&
	       !client.conn.nr_watches && !client.conn.nr_txns,
	       "a message that is too long ends the connection");
	set("/local/domain/1/own/a", "while it is cut off");
	result(!xs_ring_work(&ring, 32), "nothing goes then");
	atomic_store(&page.connection, XS_RECONNECT);
	result(xs_ring_work(&ring, 32) & XS_WORK_NOTIFY && page.connection == XS_CONNECTED &&
	       page.error == XS_ERROR_NONE && xsg_is(&guest, 0, "own/a", "while it is cut off"),
	       "until it reconnects");
	xsg_put(&guest, "half a header", 9);
	xs_ring_work(&ring, 32);
	atomic_store(&page.connection, XS_RECONNECT);
	xs_ring_work(&ring, 32);
	result(xsg_is(&guest, 0, "own/a", "while it is cut off"), "half a request is forgotten");
	atomic_store(&page.req_prod, atomic_load(&page.req_cons) + XS_RING_SIZE + 1);
	xs_ring_work(&ring, 32);
	result(page.error == XS_ERROR_RINGIDX && ring.dead, "an index that cannot be");
	atomic_store(&page.connection, XS_RECONNECT);
	xs_ring_work(&ring, 32);
	header.len = 4;
	xsg_put(&guest, &header, sizeof(header));
	xsg_put(&guest, "own", 4);
	atomic_store(&page.rsp_cons, 7);
	xs_ring_work(&ring, 32);
	result(page.error == XS_ERROR_RINGIDX && ring.dead, "one of the other ring");
	end();
}

static void test_dom0(void)
{
	struct xs_watch *watch;

	begin();
	result(!xs_store_watch(&dom0, "/local/domain/1/own", "x", false, NULL, &watch),
	       "domain 0 watches");
	xsg_write(&guest, 0, "own/state", "4");
	result(dom0_events == 1 && !strcmp(dom0_event, "/local/domain/1/own/state"),
	       "and is told");
	set("/local/domain/1/own/ours", "");
	result(store.tree.owned == 3, "what it makes there is the guest's");
	xs_store_watch(&dom0, "@introduceDomain", "x", false, NULL, &watch);
	xs_store_special(&store, "@introduceDomain");
	result(dom0_events == 3 && !strcmp(dom0_event, "@introduceDomain"), "domains, too");
	end();
}

int main(void)
{
	test_values();
	test_bad_paths();
	test_refused();
	test_perms();
	test_transactions();
	test_watches();
	test_quotas();
	test_backlog();
	test_ring();
	test_dom0();
	return finish();
}
