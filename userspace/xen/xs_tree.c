// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of a xenstore: names, values, permissions.  The store calls it, with
 * its lock held.  It must not change a node that another tree leads to.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/xs_tree.h"

static const char name_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@";

bool xs_path_valid(const char *path)
{
	size_t len;

	if (*path != '/' || strnlen(path, XS_ABS_PATH_MAX + 1) > XS_ABS_PATH_MAX)
		return false;
	if (!path[1])
		return true;
	while (*path == '/') {
		len = strspn(++path, name_chars);
		if (!len)
			return false;
		path += len;
	}
	return !*path;
}

bool xs_path_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1 && *top == '/')
		return *path == '/';
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

int xs_perm_parse(const char *text, struct xs_perm *perm)
{
	u32 domid = 0;

	switch (*text++) {
	case 'n':
		perm->access = 0;
		break;
	case 'r':
		perm->access = XS_ACCESS_READ;
		break;
	case 'w':
		perm->access = XS_ACCESS_WRITE;
		break;
	case 'b':
		perm->access = XS_ACCESS_READ | XS_ACCESS_WRITE;
		break;
	default:
		return -EINVAL;
	}
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		domid = domid * 10 + (u32)(*text - '0');
		if (domid > UINT16_MAX)
			return -EINVAL;
	}
	perm->domid = (u16)domid;
	return 0;
}

char xs_perm_letter(u8 access)
{
	return "nrwb"[access & (XS_ACCESS_READ | XS_ACCESS_WRITE)];
}

static struct xs_node *node_new(const char *name, size_t len, const struct xs_perms *perms)
{
	struct xs_node *node = calloc(1, sizeof(*node) + len + 1);

	if (!node)
		return NULL;
	node->refs = 1;
	node->perms = *perms;
	memcpy(node->name, name, len);
	return node;
}

/* A path has XS_ABS_PATH_MAX / 2 names at most, so the recursion ends early enough. */
static void node_put(struct xs_node *node)
{
	u32 i;

	if (--node->refs)
		return;
	for (i = 0; i < node->children; i++)
		node_put(node->child[i]);
	free(node->child);
	free(node->value);
	free(node);
}

static int node_set_value(struct xs_node *node, const void *value, u32 len)
{
	u8 *copy = NULL;

	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, value, len);
	}
	free(node->value);
	node->value = copy;
	node->len = len;
	return 0;
}

static struct xs_node *node_clone(const struct xs_node *from)
{
	struct xs_node *node = node_new(from->name, strlen(from->name), &from->perms);
	u32 i;

	if (!node)
		return NULL;
	node->gen = from->gen;
	node->gen_below = from->gen_below;
	if (from->children)
		node->child = malloc(from->children * sizeof(*node->child));
	if ((from->children && !node->child) || node_set_value(node, from->value, from->len)) {
		node_put(node);
		return NULL;
	}
	for (i = 0; i < from->children; i++) {
		node->child[i] = from->child[i];
		node->child[i]->refs++;
	}
	node->children = from->children;
	return node;
}

/* The node that a parent or a tree leads to, for change: no other leads to it. */
static struct xs_node *node_own(struct xs_node **slot)
{
	struct xs_node *node = *slot;

	if (node->refs == 1)
		return node;
	node = node_clone(node);
	if (node) {
		(*slot)->refs--;
		*slot = node;
	}
	return node;
}

/* Where a child is or would be.  True: it is there. */
static bool child_index(const struct xs_node *node, const char *name, size_t len, u32 *index)
{
	u32 low = 0, high = node->children;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const char *other = node->child[middle]->name;
		int order = strncmp(name, other, len);

		if (!order && other[len])
			order = -1;
		if (!order) {
			*index = middle;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*index = low;
	return false;
}

/* Unprivileged domains own what they make; all else comes from the parent. */
static int child_add(struct xs_tree *tree, struct xs_node *node, const struct xs_op *op,
		     const char *name, size_t len, u32 at)
{
	struct xs_perms perms = node->perms;
	struct xs_node **list, *child;

	if (op->domid)
		perms.perm[0].domid = op->domid;
	if (perms.perm[0].domid && op->max_owned && tree->owned >= op->max_owned)
		return -ENOSPC;
	list = realloc(node->child, (node->children + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	node->child = list;
	child = node_new(name, len, &perms);
	if (!child)
		return -ENOMEM;
	child->gen = op->gen;
	memmove(list + at + 1, list + at, (node->children - at) * sizeof(*list));
	list[at] = child;
	node->children++;
	node->gen = op->gen;
	if (perms.perm[0].domid)
		tree->owned++;
	return 0;
}

/*
 * The node at @path, for change.  @make: with what is missing on the way.
 * 0, -ENOMEM, -ENOENT, -ENOSPC.
 */
static int reach(struct xs_tree *tree, const struct xs_op *op, const char *path, size_t end,
		 bool make, struct xs_node **out)
{
	struct xs_node **slot = &tree->root, *node;
	size_t at = 1, len;
	u32 index;
	int ret;

	for (;;) {
		node = node_own(slot);
		if (!node)
			return -ENOMEM;
		node->gen_below = op->gen;
		if (at >= end)
			break;
		len = strcspn(path + at, "/");
		if (!child_index(node, path + at, len, &index)) {
			if (!make)
				return -ENOENT;
			ret = child_add(tree, node, op, path + at, len, index);
			if (ret)
				return ret;
		}
		slot = &node->child[index];
		at += len + 1;
	}
	*out = node;
	return 0;
}

int xs_tree_init(struct xs_tree *tree, u64 gen)
{
	const struct xs_perms perms = { .count = 1 };

	tree->owned = 0;
	tree->root = node_new("", 0, &perms);
	if (!tree->root)
		return -ENOMEM;
	tree->root->gen = gen;
	tree->root->gen_below = gen;
	return 0;
}

void xs_tree_copy(struct xs_tree *to, const struct xs_tree *from)
{
	*to = *from;
	to->root->refs++;
}

void xs_tree_drop(struct xs_tree *tree)
{
	if (tree->root)
		node_put(tree->root);
	tree->root = NULL;
}

/* The node, or the last one on the way that is there. */
static const struct xs_node *nearest(const struct xs_tree *tree, const char *path, bool *there)
{
	const struct xs_node *node = tree->root;
	const char *at = path + 1;
	size_t len;
	u32 index;

	while (*at) {
		len = strcspn(at, "/");
		if (!child_index(node, at, len, &index)) {
			*there = false;
			return node;
		}
		node = node->child[index];
		at += len;
		at += *at == '/';
	}
	*there = true;
	return node;
}

const struct xs_node *xs_tree_find(const struct xs_tree *tree, const char *path)
{
	bool there;
	const struct xs_node *node = nearest(tree, path, &there);

	return there ? node : NULL;
}

u8 xs_node_access(const struct xs_node *node, u16 domid)
{
	const struct xs_perms *perms = &node->perms;
	u32 i;

	if (!domid || perms->perm[0].domid == domid)
		return XS_ACCESS_READ | XS_ACCESS_WRITE | XS_ACCESS_OWNER;
	for (i = 1; i < perms->count; i++)
		if (perms->perm[i].domid == domid)
			return perms->perm[i].access;
	return perms->perm[0].access;
}

int xs_tree_get(const struct xs_tree *tree, u16 domid, const char *path, u8 access,
		const struct xs_node **node)
{
	const struct xs_node *found;
	bool there;

	found = nearest(tree, path, &there);
	if ((xs_node_access(found, domid) & access) != access)
		return -EACCES;
	if (!there)
		return -ENOENT;
	*node = found;
	return 0;
}

/* What a change that failed left behind goes away with its copy of the tree. */
static int finish(struct xs_tree *tree, struct xs_tree *next, int ret)
{
	if (ret) {
		xs_tree_drop(next);
		return ret;
	}
	xs_tree_drop(tree);
	*tree = *next;
	return 0;
}

int xs_tree_write(struct xs_tree *tree, const struct xs_op *op, const void *value, u32 len)
{
	const struct xs_node *old;
	struct xs_node *node;
	struct xs_tree next;
	int ret = xs_tree_get(tree, op->domid, op->path, XS_ACCESS_WRITE, &old);

	if (ret && ret != -ENOENT)
		return ret;
	xs_tree_copy(&next, tree);
	ret = reach(&next, op, op->path, strlen(op->path), true, &node);
	if (!ret)
		ret = node_set_value(node, value, len);
	if (!ret)
		node->gen = op->gen;
	return finish(tree, &next, ret);
}

int xs_tree_mkdir(struct xs_tree *tree, const struct xs_op *op)
{
	const struct xs_node *old;
	struct xs_node *node;
	struct xs_tree next;
	int ret = xs_tree_get(tree, op->domid, op->path, XS_ACCESS_WRITE, &old);

	if (ret != -ENOENT)
		return ret;
	xs_tree_copy(&next, tree);
	ret = reach(&next, op, op->path, strlen(op->path), true, &node);
	return finish(tree, &next, ret);
}

static u32 count_owned(const struct xs_node *node)
{
	u32 i, count = node->perms.perm[0].domid ? 1 : 0;

	for (i = 0; i < node->children; i++)
		count += count_owned(node->child[i]);
	return count;
}

/* The end of the parent's path. */
static size_t parent_end(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

int xs_tree_rm(struct xs_tree *tree, const struct xs_op *op)
{
	size_t end = parent_end(op->path);
	const struct xs_node *old;
	struct xs_node *parent, *node;
	struct xs_tree next;
	const char *name = op->path + end + 1;
	u32 index = 0;
	int ret;

	if (!*name)
		return -EINVAL;
	ret = xs_tree_get(tree, op->domid, op->path, XS_ACCESS_WRITE, &old);
	if (ret && ret != -ENOENT)
		return ret;
	xs_tree_copy(&next, tree);
	ret = reach(&next, op, op->path, end, false, &parent);
	if (ret || !child_index(parent, name, strlen(name), &index)) {
		/* What is not there is gone, if its parent is there. */
		xs_tree_drop(&next);
		return ret;
	}
	node = parent->child[index];
	next.owned -= count_owned(node);
	parent->children--;
	memmove(parent->child + index, parent->child + index + 1,
		(parent->children - index) * sizeof(*parent->child));
	parent->gen = op->gen;
	node_put(node);
	return finish(tree, &next, 0);
}

int xs_tree_set_perms(struct xs_tree *tree, const struct xs_op *op,
		      const struct xs_perms *perms)
{
	const struct xs_node *old;
	struct xs_node *node;
	struct xs_tree next;
	int ret = xs_tree_get(tree, op->domid, op->path, XS_ACCESS_OWNER, &old);

	if (ret)
		return ret;
	if (op->domid && old->perms.perm[0].domid != perms->perm[0].domid)
		return -EACCES;
	xs_tree_copy(&next, tree);
	ret = reach(&next, op, op->path, strlen(op->path), false, &node);
	if (!ret) {
		next.owned -= !!node->perms.perm[0].domid;
		next.owned += !!perms->perm[0].domid;
		node->perms = *perms;
		node->gen = op->gen;
	}
	return finish(tree, &next, ret);
}
