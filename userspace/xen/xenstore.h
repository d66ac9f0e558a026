/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xenstore, in the launcher: the tree of names and values through which a Xen
 * guest, its back ends and its user agree.  The machine makes, starts and stops
 * it; back ends and the control socket call the xs_ functions from any thread.
 * It must survive any guest: what one may store, watch or ask for is bounded.
 *
 * All names are absolute ("/local/domain/1/name").  A transaction is a number
 * from xs_begin(); 0 is none: the call stands for itself.  Errors: -EINVAL (a
 * name that cannot be), -ENOENT, -ENOMEM, -E2BIG (a value of more than
 * XS_PAYLOAD_MAX bytes), and what a function names.  The launcher is domain 0:
 * permissions and quotas do not hold it back.
 */
#ifndef USERSPACE_XEN_XENSTORE_H
#define USERSPACE_XEN_XENSTORE_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"
#include "userspace/xen/xs_wire.h"

#define XS_DOMID_SELF	0	/* the launcher */

struct xenstore;
struct xs_callback;

/**
 * struct xenstore_host - what the store needs of its host
 * @arg:      first argument of the functions
 * @send:     send the guest an event; the store's thread
 * @complain: the guest broke the protocol, a sentence; the store's thread
 */
struct xenstore_host {
	void *arg;
	void (*send)(void *arg);
	void (*complain)(void *arg, const char *why);
};

/* ---- life: the machine ---- */

/**
 * xenstore_create() - an empty store, usable at once
 * @domid: the guest
 * @err:   in words
 *
 * Return: the store, or NULL; xenstore_destroy() frees it.
 */
struct xenstore *xenstore_create(u32 domid, struct err *err);
void xenstore_destroy(struct xenstore *xs);

/** xenstore_kick() - the eventfd that is signalled when the guest sends. */
int xenstore_kick(const struct xenstore *xs);

/**
 * xenstore_start() - connect a guest that starts
 * @xs:   from xenstore_create()
 * @page: the ring page, host address; filled in
 * @host: copied
 * @err:  in words
 *
 * Starts the store's thread.  Return: 0 or a negative errno.
 */
int xenstore_start(struct xenstore *xs, void *page, const struct xenstore_host *host,
		   struct err *err);

/**
 * xenstore_stop() - end the thread, forget the guest's watches and transactions
 *
 * Names and values stay, and so do the launcher's watches.
 */
void xenstore_stop(struct xenstore *xs);

/* ---- names and values: any thread ---- */

/** xs_begin() - a transaction. Return: its number in @tx, or -ENOMEM. */
int xs_begin(struct xenstore *xs, u32 *tx);

/**
 * xs_commit() - make all that the transaction did visible at once
 *
 * Return: 0; -EAGAIN: what it read or wrote was changed meanwhile, do all of it
 * again; -ENOENT: no such transaction.  It is over in any case.
 */
int xs_commit(struct xenstore *xs, u32 tx);

/** xs_abort() - end it, without a trace. */
void xs_abort(struct xenstore *xs, u32 tx);

/**
 * xs_read() - a value
 * @len: its length, may be NULL
 *
 * Return: malloc()ed, with a zero behind it; NULL with errno set.
 */
char *xs_read(struct xenstore *xs, u32 tx, const char *path, size_t *len);

/**
 * xs_read_u32() - the value of DIR/NODE as a decimal number
 *
 * Return: 0, -ENOENT, -EINVAL: not a number of 32 bits, and nothing else.
 */
int xs_read_u32(struct xenstore *xs, u32 tx, const char *dir, const char *node, u32 *value);

/** xs_write() - set a value; what is missing above it is made. */
int xs_write(struct xenstore *xs, u32 tx, const char *path, const void *value, size_t len);

/** xs_printf() - set the value of DIR/NODE to a text. */
int xs_printf(struct xenstore *xs, u32 tx, const char *dir, const char *node,
	      const char *fmt, ...) __printf(5, 6);

/** xs_mkdir() - make a name with an empty value unless it is there. */
int xs_mkdir(struct xenstore *xs, u32 tx, const char *path);

/** xs_rm() - remove it and all below it; 0 as well if only its parent is there. */
int xs_rm(struct xenstore *xs, u32 tx, const char *path);

/**
 * xs_directory() - the names below one
 * @count: how many
 *
 * Return: one malloc()ed block, an array of strings; NULL with errno set.
 */
char **xs_directory(struct xenstore *xs, u32 tx, const char *path, unsigned int *count);

/**
 * xs_set_perms(), xs_get_perms() - who may do what
 * @text: "n0 r1": the owner with what all others may do, then exceptions; each
 *        is n, r, w or b (none, read, write, both) and a domain's number
 *
 * Return: xs_set_perms(): 0 or an errno; xs_get_perms(): malloc()ed, or NULL
 * with errno set.
 */
int xs_set_perms(struct xenstore *xs, u32 tx, const char *path, const char *text);
char *xs_get_perms(struct xenstore *xs, u32 tx, const char *path);

/* ---- watches ---- */

/**
 * xs_watch() - be told of each change of a name or of what is below it
 * @xs:   the store
 * @path: a name; it need not be there
 * @fn:   called with @arg and the name that changed, once at first with @path
 * @arg:  its first argument
 *
 * @fn runs in the store's thread, one call at a time, in order of the changes,
 * with no lock held: it may call any function of this file, but what takes long
 * belongs into a thread of its own.  Equal changes in a row may be told once.
 * Before xenstore_start() and after xenstore_stop() nothing is called.
 *
 * Return: a handle, or NULL with errno set.
 */
struct xs_callback *xs_watch(struct xenstore *xs, const char *path,
			     void (*fn)(void *arg, const char *path), void *arg);

/**
 * xs_unwatch() - no call runs or comes afterwards (but the one that calls this)
 *
 * Context: no lock held that the callback takes.
 */
void xs_unwatch(struct xenstore *xs, struct xs_callback *cb);

#endif /* USERSPACE_XEN_XENSTORE_H */
