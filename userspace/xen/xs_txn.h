/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A transaction of a xenstore: a copy of the tree, what was read of it and what
 * was changed in it.  The store calls it.  A commit does the changes again, in
 * the tree as it is then, if nothing that the transaction saw is different there.
 */
#ifndef USERSPACE_XEN_XS_TXN_H
#define USERSPACE_XEN_XS_TXN_H

#include "userspace/xen/xs_store.h"

struct xs_seen;
struct xs_done;

/**
 * struct xs_txn - a transaction
 * @id:    its number
 * @base:  the tree when it began
 * @tree:  as it is for the transaction
 * @seen:  names that it read or changed, @nr_seen of them
 * @done:  its changes in order, @nr_done of them
 */
struct xs_txn {
	struct xs_txn *next;
	u32 id;
	struct xs_tree base;
	struct xs_tree tree;
	struct xs_seen *seen;
	u32 nr_seen;
	struct xs_done *done;
	struct xs_done **last;
	u32 nr_done;
};

/** xs_txn_read() - it looks at a name; @tree is where. -ENOENT, -ENOSPC, -ENOMEM. */
int xs_txn_read(struct xs_conn *conn, u32 tx, const char *path, const struct xs_tree **tree);
/** xs_txn_change() - a change that was checked. As xs_store_change(). */
int xs_txn_change(struct xs_conn *conn, u32 tx, const struct xs_change *change);

/* ---- of the store, for transactions ---- */

/** xs_store_apply() - do a change. As xs_store_change(). */
int xs_store_apply(struct xs_store *store, struct xs_tree *tree, u16 domid,
		   const struct xs_change *change);
/** xs_store_fire() - the watches of a change that made @old what the tree is now. */
void xs_store_fire(struct xs_store *store, const struct xs_tree *old, const char *path,
		   bool removed);

#endif /* USERSPACE_XEN_XS_TXN_H */
