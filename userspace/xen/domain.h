/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a Xen domain finds in xenstore when it starts: its own directory, as a
 * Xen toolstack writes it (Xen's docs/misc/xenstore-paths).  The machine calls
 * it before each boot.  It must leave nothing there of the boot before.
 */
#ifndef USERSPACE_XEN_DOMAIN_H
#define USERSPACE_XEN_DOMAIN_H

#include "userspace/xen/xenstore.h"

#define DOMAIN_PATH	"/local/domain/%u"

/**
 * struct xen_domain - a domain
 * @domid:        its number
 * @name:         its name
 * @uuid:         36 characters, or NULL: one is made up
 * @memory:       bytes it starts with
 * @max_memory:   bytes it may have
 * @vcpus:        virtual CPUs it starts with
 * @max_vcpus:    that there are
 * @store_gfn:    frame of the store's ring      @store_port: its event channel
 * @console_gfn:  frame of the console's ring    @console_port: its event channel
 */
struct xen_domain {
	u32 domid;
	const char *name;
	const char *uuid;
	u64 memory;
	u64 max_memory;
	u32 vcpus;
	u32 max_vcpus;
	u64 store_gfn;
	u32 store_port;
	u64 console_gfn;
	u32 console_port;
};

/**
 * domain_write() - write its directory, in place of what is there
 *
 * Return: 0 or a negative errno with the reason.
 */
int domain_write(struct xenstore *xs, const struct xen_domain *domain, struct err *err);

#endif /* USERSPACE_XEN_DOMAIN_H */
