// SPDX-License-Identifier: GPL-2.0
/*
 * Transactions of a xenstore.  The store calls it, under its lock.  It must
 * commit all of a transaction or nothing of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/xs_txn.h"

/* A name that was read or changed; @below: with all that is below it. */
struct xs_seen {
	struct xs_seen *next;
	bool below;
	char path[];
};

/* A change; path and value stand behind it. */
struct xs_done {
	struct xs_done *next;
	struct xs_change change;
	struct xs_perms perms;
	bool changed;
	char room[];
};

static struct xs_txn *txn_find(struct xs_conn *conn, u32 id)
{
	struct xs_txn *txn;

	for (txn = conn->txns; txn; txn = txn->next)
		if (txn->id == id)
			break;
	return txn;
}

static void txn_free(struct xs_txn *txn)
{
	while (txn->seen) {
		struct xs_seen *seen = txn->seen;

		txn->seen = seen->next;
		free(seen);
	}
	while (txn->done) {
		struct xs_done *done = txn->done;

		txn->done = done->next;
		free(done);
	}
	xs_tree_drop(&txn->tree);
	xs_tree_drop(&txn->base);
	free(txn);
}

int xs_store_begin(struct xs_conn *conn, u32 *tx)
{
	struct xs_store *store = conn->store;
	struct xs_txn *txn;

	if (conn->domid && conn->nr_txns >= store->quota.transactions)
		return -ENOSPC;
	txn = calloc(1, sizeof(*txn));
	if (!txn)
		return -ENOMEM;
	do
		txn->id = ++store->last_tx;
	while (!txn->id || txn_find(conn, txn->id));
	xs_tree_copy(&txn->base, &store->tree);
	xs_tree_copy(&txn->tree, &store->tree);
	txn->last = &txn->done;
	txn->next = conn->txns;
	conn->txns = txn;
	conn->nr_txns++;
	*tx = txn->id;
	return 0;
}

static int note_seen(struct xs_conn *conn, struct xs_txn *txn, const char *path, bool below)
{
	struct xs_seen *seen;

	for (seen = txn->seen; seen; seen = seen->next) {
		if (!strcmp(seen->path, path)) {
			seen->below |= below;
			return 0;
		}
	}
	if (conn->domid && txn->nr_seen >= conn->store->quota.changes)
		return -ENOSPC;
	seen = malloc(sizeof(*seen) + strlen(path) + 1);
	if (!seen)
		return -ENOMEM;
	strcpy(seen->path, path);
	seen->below = below;
	seen->next = txn->seen;
	txn->seen = seen;
	txn->nr_seen++;
	return 0;
}

int xs_txn_read(struct xs_conn *conn, u32 tx, const char *path, const struct xs_tree **tree)
{
	struct xs_txn *txn = txn_find(conn, tx);

	if (!txn)
		return -ENOENT;
	*tree = &txn->tree;
	return note_seen(conn, txn, path, false);
}

static struct xs_done *done_new(const struct xs_change *change)
{
	size_t path = strlen(change->path) + 1;
	size_t len = change->kind == XS_SET ? change->len : 0;
	struct xs_done *done = calloc(1, sizeof(*done) + path + len);

	if (!done)
		return NULL;
	done->change = *change;
	memcpy(done->room, change->path, path);
	done->change.path = done->room;
	if (len)
		memcpy(done->room + path, change->value, len);
	done->change.value = done->room + path;
	if (change->kind == XS_PERMS)
		done->perms = *change->perms;
	done->change.perms = &done->perms;
	return done;
}

int xs_txn_change(struct xs_conn *conn, u32 tx, const struct xs_change *change)
{
	struct xs_txn *txn = txn_find(conn, tx);
	struct xs_done *done;
	const void *root;
	int ret;

	if (!txn)
		return -ENOENT;
	if (conn->domid && txn->nr_done >= conn->store->quota.changes)
		return -ENOSPC;
	ret = note_seen(conn, txn, change->path, change->kind == XS_REMOVE);
	if (ret)
		return ret;
	done = done_new(change);
	if (!done)
		return -ENOMEM;
	root = txn->tree.root;
	ret = xs_store_apply(conn->store, &txn->tree, conn->domid, change);
	if (ret) {
		free(done);
		return ret;
	}
	done->changed = root != txn->tree.root;
	*txn->last = done;
	txn->last = &done->next;
	txn->nr_done++;
	return 0;
}

/* Is a name the same as when the transaction began? */
static bool unchanged(const struct xs_tree *base, const struct xs_tree *now,
		      const struct xs_seen *seen)
{
	const struct xs_node *was = xs_tree_find(base, seen->path);
	const struct xs_node *is = xs_tree_find(now, seen->path);

	if (!was || !is)
		return !was && !is;
	return was->gen == is->gen && (!seen->below || was->gen_below == is->gen_below);
}

static int commit(struct xs_conn *conn, struct xs_txn *txn)
{
	struct xs_store *store = conn->store;
	struct xs_tree next, old;
	struct xs_seen *seen;
	struct xs_done *done;
	int ret;

	for (seen = txn->seen; seen; seen = seen->next)
		if (!unchanged(&txn->base, &store->tree, seen))
			return -EAGAIN;
	xs_tree_copy(&next, &store->tree);
	for (done = txn->done; done; done = done->next) {
		ret = xs_store_apply(store, &next, conn->domid, &done->change);
		if (ret) {
			xs_tree_drop(&next);
			/* Permissions above it changed: the same again will tell. */
			return ret == -ENOMEM || ret == -ENOSPC ? ret : -EAGAIN;
		}
	}
	old = store->tree;
	store->tree = next;
	for (done = txn->done; done; done = done->next)
		if (done->changed)
			xs_store_fire(store, &old, done->change.path,
				      done->change.kind == XS_REMOVE);
	xs_tree_drop(&old);
	return 0;
}

int xs_store_end(struct xs_conn *conn, u32 tx, bool wanted)
{
	struct xs_txn *txn = txn_find(conn, tx), **at;
	int ret = 0;

	if (!txn)
		return -ENOENT;
	if (wanted)
		ret = commit(conn, txn);
	for (at = &conn->txns; *at != txn; at = &(*at)->next)
		;
	*at = txn->next;
	conn->nr_txns--;
	txn_free(txn);
	return ret;
}
