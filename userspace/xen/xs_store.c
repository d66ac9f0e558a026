// SPDX-License-Identifier: GPL-2.0
/*
 * The store behind a xenstore: one tree, connections, watches, quotas.  The
 * launcher's functions and the guest's protocol call it under one lock.  It must
 * fire a watch only after what fired it can be read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/xs_store.h"
#include "userspace/xen/xs_txn.h"

const struct xs_quota xs_quota_default = {
	.nodes = 1000,
	.value = 2048,
	.perms = 5,
	.watches = 128,
	.transactions = 10,
	.changes = 1024,
	.requests = 20,
	.bytes = 4 << 20,
};

int xs_store_init(struct xs_store *store)
{
	memset(store, 0, sizeof(*store));
	store->quota = xs_quota_default;
	store->gen = 1;
	return xs_tree_init(&store->tree, store->gen);
}

void xs_store_exit(struct xs_store *store)
{
	xs_tree_drop(&store->tree);
}

void xs_conn_open(struct xs_conn *conn, struct xs_store *store, u16 domid,
		  void (*event)(struct xs_conn *conn, const struct xs_watch *watch,
				const char *path))
{
	memset(conn, 0, sizeof(*conn));
	conn->store = store;
	conn->domid = domid;
	conn->event = event;
	conn->next = store->conns;
	store->conns = conn;
}

void xs_conn_close(struct xs_conn *conn)
{
	struct xs_conn **at;

	xs_conn_reset(conn);
	for (at = &conn->store->conns; *at; at = &(*at)->next) {
		if (*at == conn) {
			*at = conn->next;
			return;
		}
	}
}

static void watch_free(struct xs_watch *watch)
{
	free(watch->token);
	free(watch);
}

void xs_conn_reset(struct xs_conn *conn)
{
	while (conn->watches) {
		struct xs_watch *watch = conn->watches;

		conn->watches = watch->next;
		watch_free(watch);
	}
	conn->nr_watches = 0;
	while (conn->txns)
		xs_store_end(conn, conn->txns->id, false);
}

/* By what it is now or, when it is gone, by what it was. */
static bool may_see(const struct xs_conn *conn, const struct xs_tree *old, const char *path)
{
	const struct xs_node *node;

	if (!conn->domid)
		return true;
	node = xs_tree_find(&conn->store->tree, path);
	if (!node)
		node = xs_tree_find(old, path);
	return node && xs_node_access(node, conn->domid) & XS_ACCESS_READ;
}

void xs_store_fire(struct xs_store *store, const struct xs_tree *old, const char *path,
		   bool removed)
{
	struct xs_conn *conn;
	struct xs_watch *watch;
	const char *told;

	for (conn = store->conns; conn; conn = conn->next) {
		for (watch = conn->watches; watch; watch = watch->next) {
			told = NULL;
			if (xs_path_below(path, watch->path))
				told = path;
			else if (removed && xs_path_below(watch->path, path))
				told = watch->path;
			if (told && may_see(conn, old, told))
				conn->event(conn, watch, told);
		}
	}
}

void xs_store_special(struct xs_store *store, const char *name)
{
	struct xs_conn *conn;
	struct xs_watch *watch;

	for (conn = store->conns; conn; conn = conn->next) {
		/* What happens to domains is no guest's business. */
		if (conn->domid)
			continue;
		for (watch = conn->watches; watch; watch = watch->next)
			if (!strcmp(watch->path, name))
				conn->event(conn, watch, name);
	}
}

int xs_store_apply(struct xs_store *store, struct xs_tree *tree, u16 domid,
		   const struct xs_change *change)
{
	struct xs_op op = {
		.domid = domid,
		.gen = ++store->gen,
		.max_owned = domid ? store->quota.nodes : 0,
		.path = change->path,
	};

	switch (change->kind) {
	case XS_SET:
		return xs_tree_write(tree, &op, change->value, change->len);
	case XS_MAKE:
		return xs_tree_mkdir(tree, &op);
	case XS_REMOVE:
		return xs_tree_rm(tree, &op);
	case XS_PERMS:
		return xs_tree_set_perms(tree, &op, change->perms);
	}
	return -EINVAL;
}

static int check_change(const struct xs_conn *conn, const struct xs_change *change)
{
	const struct xs_quota *quota = &conn->store->quota;

	if (!xs_path_valid(change->path))
		return -EINVAL;
	if (change->kind == XS_SET && change->len > XS_PAYLOAD_MAX)
		return -E2BIG;
	if (change->kind == XS_PERMS &&
	    (!change->perms->count || change->perms->count > XS_MAX_PERMS))
		return -EINVAL;
	if (!conn->domid)
		return 0;
	if (change->kind == XS_SET && change->len > quota->value)
		return -ENOSPC;
	if (change->kind == XS_PERMS && change->perms->count > quota->perms)
		return -ENOSPC;
	return 0;
}

int xs_store_change(struct xs_conn *conn, u32 tx, const struct xs_change *change)
{
	struct xs_store *store = conn->store;
	struct xs_tree old;
	int ret = check_change(conn, change);

	if (ret)
		return ret;
	if (tx)
		return xs_txn_change(conn, tx, change);
	xs_tree_copy(&old, &store->tree);
	ret = xs_store_apply(store, &store->tree, conn->domid, change);
	if (!ret && store->tree.root != old.root)
		xs_store_fire(store, &old, change->path, change->kind == XS_REMOVE);
	xs_tree_drop(&old);
	return ret;
}

int xs_store_get(struct xs_conn *conn, u32 tx, const char *path,
		 const struct xs_node **node)
{
	const struct xs_tree *tree = &conn->store->tree;
	int ret;

	if (!xs_path_valid(path))
		return -EINVAL;
	if (tx) {
		ret = xs_txn_read(conn, tx, path, &tree);
		if (ret)
			return ret;
	}
	return xs_tree_get(tree, conn->domid, path, XS_ACCESS_READ, node);
}

static struct xs_watch **watch_find(struct xs_conn *conn, const char *path, const char *token)
{
	struct xs_watch **at;

	for (at = &conn->watches; *at; at = &(*at)->next)
		if (!strcmp((*at)->path, path) && !strcmp((*at)->token, token))
			return at;
	return NULL;
}

int xs_store_watch(struct xs_conn *conn, const char *path, const char *token, bool relative,
		   void *owner, struct xs_watch **out)
{
	struct xs_watch *watch, **at;
	size_t len = strlen(path);

	if (*path == '@' ? len > XS_REL_PATH_MAX : !xs_path_valid(path))
		return -EINVAL;
	if (watch_find(conn, path, token))
		return -EEXIST;
	if (conn->domid && conn->nr_watches >= conn->store->quota.watches)
		return -E2BIG;
	watch = calloc(1, sizeof(*watch) + len + 1);
	if (!watch)
		return -ENOMEM;
	memcpy(watch->path, path, len);
	watch->token = strdup(token);
	if (!watch->token) {
		free(watch);
		return -ENOMEM;
	}
	watch->relative = relative;
	watch->owner = owner;
	for (at = &conn->watches; *at; at = &(*at)->next)
		;
	*at = watch;
	conn->nr_watches++;
	*out = watch;
	return 0;
}

int xs_store_unwatch(struct xs_conn *conn, const char *path, const char *token)
{
	struct xs_watch **at = watch_find(conn, path, token);
	struct xs_watch *watch;

	if (!at)
		return -ENOENT;
	watch = *at;
	*at = watch->next;
	watch_free(watch);
	conn->nr_watches--;
	return 0;
}
