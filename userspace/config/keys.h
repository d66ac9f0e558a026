/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys of xl.cfg(5) that guest.c does not read, and what becomes of each.
 * guest.c asks for those that are left.  It must know every key of xl's manual,
 * so that "unknown key" is always a mistake in the file.
 */
#ifndef USERSPACE_CONFIG_KEYS_H
#define USERSPACE_CONFIG_KEYS_H

/** enum key_kind - what becomes of a key */
enum key_kind {
	KEY_UNKNOWN,		/* it is no key of xl's */
	KEY_SILENT,		/* its effect is here what the file expects */
	KEY_NO_EFFECT,		/* the guest runs, without what it asks for */
	KEY_REFUSED,		/* the guest would not be what it asks for */
};

/** keys_find() - the kind of a key that guest.c does not read. */
enum key_kind keys_find(const char *key);

/** keys_near() - a key that differs by a letter or two, or NULL. */
const char *keys_near(const char *key);

#endif /* USERSPACE_CONFIG_KEYS_H */
