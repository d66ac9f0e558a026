/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tree of a xenstore: names, values, permissions.  The store calls it, with
 * its lock held.  A node that two trees share is never changed: a change copies
 * the way from the root to it, so that a copy of a tree costs a reference, a
 * transaction works on a copy and a change that fails leaves no trace.
 */
#ifndef USERSPACE_XEN_XS_TREE_H
#define USERSPACE_XEN_XS_TREE_H

#include "userspace/lib/types.h"
#include "userspace/xen/xs_wire.h"

#define XS_MAX_PERMS	8

/* struct xs_perm.access */
#define XS_ACCESS_READ	BIT(0)
#define XS_ACCESS_WRITE	BIT(1)
#define XS_ACCESS_OWNER	BIT(2)	/* what only the owner may do; in no permission */

struct xs_perm {
	u16 domid;
	u8 access;
};

/**
 * struct xs_perms - the permissions of a node
 * @count: at least one
 * @perm:  [0] is the owner and what those may do whom no other entry names
 */
struct xs_perms {
	u32 count;
	struct xs_perm perm[XS_MAX_PERMS];
};

/**
 * struct xs_node - a name
 * @refs:     how many parents and trees lead here
 * @gen:      of the last change of it: value, permissions, names below it
 * @gen_below: of the last change of it or of anything below
 * @perms:    who may do what
 * @len:      bytes at @value
 * @value:    malloc()ed or NULL
 * @children: how many, at @child, sorted by name
 * @name:     its own part of the path
 */
struct xs_node {
	u32 refs;
	u64 gen;
	u64 gen_below;
	struct xs_perms perms;
	u32 len;
	u8 *value;
	u32 children;
	struct xs_node **child;
	char name[];
};

/**
 * struct xs_tree - a tree
 * @root:  "/"
 * @owned: nodes that belong to another domain than 0
 */
struct xs_tree {
	struct xs_node *root;
	u32 owned;
};

/**
 * struct xs_op - a change
 * @domid:  who asks; 0 may do everything
 * @gen:    the number of this change, larger than those of all before it
 * @max_owned: the tree's limit of nodes; 0: none
 * @path:   absolute and valid
 */
struct xs_op {
	u16 domid;
	u64 gen;
	u32 max_owned;
	const char *path;
};

/** xs_path_valid() - is it an absolute path that can name a node? */
bool xs_path_valid(const char *path);

/** xs_path_below() - is @path the same as @top, or below it? */
bool xs_path_below(const char *path, const char *top);

/** xs_perms_parse() - one permission, such as "r1". Return: 0, -EINVAL. */
int xs_perm_parse(const char *text, struct xs_perm *perm);

/** xs_perm_letter() - n, r, w or b. */
char xs_perm_letter(u8 access);

/** xs_tree_init() - the root only, of domain 0. Return: 0, -ENOMEM. */
int xs_tree_init(struct xs_tree *tree, u64 gen);
/** xs_tree_copy() - another tree with the same content. */
void xs_tree_copy(struct xs_tree *to, const struct xs_tree *from);
/** xs_tree_drop() - give it up. */
void xs_tree_drop(struct xs_tree *tree);

/** xs_tree_find() - a node, or NULL. */
const struct xs_node *xs_tree_find(const struct xs_tree *tree, const char *path);

/** xs_node_access() - XS_ACCESS_* bits that a domain has. */
u8 xs_node_access(const struct xs_node *node, u16 domid);

/**
 * xs_tree_get() - a node, for one who has @access
 *
 * Return: 0; -ENOENT; -EACCES, also when it is not there and the domain has not
 * that access to what is there above it.
 */
int xs_tree_get(const struct xs_tree *tree, u16 domid, const char *path, u8 access,
		const struct xs_node **node);

/*
 * Changes.  Return: 0, -EACCES, -ENOMEM, -ENOSPC (the limit of nodes), and what
 * is named; the tree is as it was when it is not 0.
 */
int xs_tree_write(struct xs_tree *tree, const struct xs_op *op, const void *value, u32 len);
/** xs_tree_mkdir() - 0 as well when it is there. */
int xs_tree_mkdir(struct xs_tree *tree, const struct xs_op *op);
/** xs_tree_rm() - -ENOENT: its parent is not there; -EINVAL: the root. */
int xs_tree_rm(struct xs_tree *tree, const struct xs_op *op);
/** xs_tree_set_perms() - -ENOENT; only domain 0 gives a node to another owner. */
int xs_tree_set_perms(struct xs_tree *tree, const struct xs_op *op,
		      const struct xs_perms *perms);

#endif /* USERSPACE_XEN_XS_TREE_H */
