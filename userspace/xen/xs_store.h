/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store behind a xenstore: one tree, the connections to it with their
 * transactions and watches, and what each may have of them.  The launcher's
 * functions and the guest's protocol call it under one lock, which is not its
 * own.  It must not let a guest use more memory than its quota says.
 */
#ifndef USERSPACE_XEN_XS_STORE_H
#define USERSPACE_XEN_XS_STORE_H

#include "userspace/xen/xs_tree.h"

/**
 * struct xs_quota - what a guest may have; domain 0 has no limits
 * @nodes:        names in the tree that belong to it
 * @value:        bytes of a value
 * @perms:        entries of a permission list
 * @watches:      watches
 * @transactions: open at a time
 * @changes:      names read, and changes made, in one transaction
 * @requests:     replies and events that wait until it takes them; while there
 *                are more, no request of it is read
 * @bytes:        of those; events beyond are lost
 */
struct xs_quota {
	u32 nodes;
	u32 value;
	u32 perms;
	u32 watches;
	u32 transactions;
	u32 changes;
	u32 requests;
	u32 bytes;
};

/** xs_quota_default - Xen's own numbers, where it has them */
extern const struct xs_quota xs_quota_default;

struct xs_conn;
struct xs_txn;

/**
 * struct xs_watch - a watch
 * @next:     of the connection
 * @token:    chosen by who watches
 * @relative: it was named relative to the domain's own directory
 * @owner:    of the connection's event function
 * @path:     absolute, or special ("@releaseDomain")
 */
struct xs_watch {
	struct xs_watch *next;
	char *token;
	bool relative;
	void *owner;
	char path[];
};

/**
 * struct xs_store - the store
 * @tree:  what is committed
 * @gen:   number of the last change
 * @last_tx: number of the last transaction
 * @conns: all connections
 * @quota: of guests
 */
struct xs_store {
	struct xs_tree tree;
	u64 gen;
	u32 last_tx;
	struct xs_conn *conns;
	struct xs_quota quota;
};

/**
 * struct xs_conn - a connection
 * @event: a watch fires: it is to be queued, no more; @path is the caller's
 */
struct xs_conn {
	struct xs_conn *next;
	struct xs_store *store;
	u16 domid;
	struct xs_watch *watches;
	u32 nr_watches;
	struct xs_txn *txns;
	u32 nr_txns;
	void (*event)(struct xs_conn *conn, const struct xs_watch *watch, const char *path);
};

enum xs_change_kind { XS_SET, XS_MAKE, XS_REMOVE, XS_PERMS };

/**
 * struct xs_change - a change that somebody asks for
 * @kind:  enum xs_change_kind
 * @path:  absolute, any text
 * @value: XS_SET: @len bytes
 * @perms: XS_PERMS
 */
struct xs_change {
	enum xs_change_kind kind;
	const char *path;
	const void *value;
	u32 len;
	const struct xs_perms *perms;
};

/** xs_store_init() - an empty store. Return: 0, -ENOMEM. */
int xs_store_init(struct xs_store *store);
/** xs_store_exit() - after the last connection was closed. */
void xs_store_exit(struct xs_store *store);

/** xs_conn_open() - fill in and add a connection; xs_conn_close() ends it. */
void xs_conn_open(struct xs_conn *conn, struct xs_store *store, u16 domid,
		  void (*event)(struct xs_conn *conn, const struct xs_watch *watch,
				const char *path));
void xs_conn_close(struct xs_conn *conn);
/** xs_conn_reset() - drop its watches and transactions. */
void xs_conn_reset(struct xs_conn *conn);

/*
 * Transactions: numbers, 0 is none.  -ENOENT: the connection has no such one.
 */

/** xs_store_begin() - Return: 0, -ENOSPC (quota), -ENOMEM. */
int xs_store_begin(struct xs_conn *conn, u32 *tx);
/**
 * xs_store_end() - over, @commit or not
 *
 * Return: 0; -EAGAIN: something that it read or wrote was changed meanwhile;
 * -ENOSPC, -ENOMEM.
 */
int xs_store_end(struct xs_conn *conn, u32 tx, bool commit);

/**
 * xs_store_get() - a node, which the connection may read
 * @node: until the next call of a function of this file
 *
 * Return: 0, -EINVAL (path), -ENOENT, -EACCES, -ENOSPC (quota), -ENOMEM.
 */
int xs_store_get(struct xs_conn *conn, u32 tx, const char *path,
		 const struct xs_node **node);

/**
 * xs_store_change() - change it
 *
 * Return: 0, -EINVAL, -ENOENT, -EACCES, -E2BIG (a value of more than
 * XS_PAYLOAD_MAX), -ENOSPC (quota), -ENOMEM.
 */
int xs_store_change(struct xs_conn *conn, u32 tx, const struct xs_change *change);

/**
 * xs_store_watch() - watch a path
 * @path:  absolute or special
 * @watch: filled in: whoever watches is told once at first, by the caller
 *
 * Return: 0, -EINVAL, -EEXIST, -E2BIG (quota), -ENOMEM.
 */
int xs_store_watch(struct xs_conn *conn, const char *path, const char *token, bool relative,
		   void *owner, struct xs_watch **watch);
/** xs_store_unwatch() - Return: 0, -ENOENT. */
int xs_store_unwatch(struct xs_conn *conn, const char *path, const char *token);
/** xs_store_special() - "@introduceDomain", "@releaseDomain" happened. */
void xs_store_special(struct xs_store *store, const char *name);

#endif /* USERSPACE_XEN_XS_STORE_H */
