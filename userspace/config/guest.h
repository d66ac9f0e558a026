/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's configuration file, xl.cfg(5), as the guest that it describes.
 * cmd_create.c calls it.  It must say of each key in the file what becomes of
 * it, unless that is what the file's author expects.
 */
#ifndef USERSPACE_CONFIG_GUEST_H
#define USERSPACE_CONFIG_GUEST_H

#include "userspace/config/syntax.h"
#include "userspace/launch.h"

/** GUEST_NAME_MAX - characters of a guest's name at most */
#define GUEST_NAME_MAX	63

/**
 * guest_name_ok() - can a guest have this name?
 *
 * Letters, digits and "_.+:-", the first a letter or digit: it is a file's
 * name, and a word in a shell.
 */
bool guest_name_ok(const char *name);

/**
 * guest_config() - what a file says
 * @cfg:    its settings, which must live as long as @launch
 * @launch: from launch_init(); set where the file says something
 * @warn:   told of each key that has no effect, with its place
 * @err:    "FILE:LINE: what is wrong, what is accepted"
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP: a guest or a part of one that is not there;
 * -ENOMEM.
 */
int guest_config(struct cfg *cfg, struct launch *launch, void (*warn)(const char *text),
		 struct err *err);

#endif /* USERSPACE_CONFIG_GUEST_H */
