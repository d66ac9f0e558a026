/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The syntax of Xen's guest configuration files, as xl reads them: assignments
 * of strings, numbers and lists to keys.  guest.c reads settings from it.  It
 * must not know what a key means, and it must survive any text.
 *
 *	KEY = VALUE	KEY += VALUE	(adds to the text or list that is there)
 *	VALUE: 'text'  "text"  NUMBER  [ VALUE, VALUE, ... ]
 *
 * An assignment ends with its line or with a semicolon; within brackets lines
 * may end anywhere; # begins a comment.  A string ends on the line it began on;
 * in it \ begins an escape as in C.
 */
#ifndef USERSPACE_CONFIG_SYNTAX_H
#define USERSPACE_CONFIG_SYNTAX_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/** CFG_MAX_TEXT - bytes of a file at most */
#define CFG_MAX_TEXT	(1U << 20)
/** CFG_MAX_DEPTH - lists in lists at most */
#define CFG_MAX_DEPTH	16

/**
 * struct cfg_value - a value
 * @text:  of a string or a number, as it was written; NULL: it is a list
 * @item:  of a list, @count of them
 * @count: items
 * @line:  where it begins, from 1
 */
struct cfg_value {
	char *text;
	struct cfg_value *item;
	unsigned int count;
	unsigned int line;
};

/**
 * struct cfg_setting - a key and its value
 * @key:    its name
 * @source: the file, for messages
 * @line:   of the key, from 1
 * @value:  its value
 * @used:   for the reader's book-keeping
 */
struct cfg_setting {
	char *key;
	char *source;
	unsigned int line;
	struct cfg_value value;
	bool used;
};

/**
 * struct cfg - settings, each key once, in the order of their last assignment
 * @setting: @count of them
 * @count:   settings
 */
struct cfg {
	struct cfg_setting *setting;
	unsigned int count;
};

/**
 * cfg_parse() - add the settings of a text
 * @cfg:    zeroed, or with settings that the text adds to and replaces
 * @source: what the text is called in messages
 * @text:   @len bytes, no zero needed
 * @len:    bytes
 * @err:    "SOURCE:LINE: what is wrong, what is accepted"
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM.  After an error @cfg has the settings
 * before it.
 */
int cfg_parse(struct cfg *cfg, const char *source, const char *text, size_t len,
	      struct err *err);

/**
 * cfg_argument() - the same for an argument of the command line
 *
 * @arg is KEY=VALUE; a VALUE that begins with neither a quote nor a bracket is
 * taken as it stands, for the shell has removed its quotes.
 */
int cfg_argument(struct cfg *cfg, const char *arg, struct err *err);

/** cfg_read() - the same for a file; -errno when it cannot be read. */
int cfg_read(struct cfg *cfg, const char *path, struct err *err);

/** cfg_find() - a setting, or NULL. */
struct cfg_setting *cfg_find(const struct cfg *cfg, const char *key);

/** cfg_free() - free what it holds; it is empty then. */
void cfg_free(struct cfg *cfg);

#endif /* USERSPACE_CONFIG_SYNTAX_H */
