/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grants as the launcher uses them: the guest's grant table says which of its
 * pages domain 0 may read or write, and this turns a reference into an address.
 * The back ends call it; guest memory and grant table are the launcher's own
 * mappings.  It must never give out memory that was not granted to domain 0
 * with that access, whatever the guest writes into the table meanwhile.
 *
 * Context: any thread, unless said otherwise.
 */
#ifndef USERSPACE_XEN_GNTTAB_H
#define USERSPACE_XEN_GNTTAB_H

#include <pthread.h>
#include <stdatomic.h>

#include "userspace/lib/err.h"
#include "userspace/lib/mem.h"
#include "userspace/lib/types.h"

/* Locks of entries; entry N has number N modulo this. */
#define GNTTAB_LOCKS	32

/** enum gnttab_access - what a mapping is for */
enum gnttab_access {
	GNTTAB_READ,
	GNTTAB_WRITE,		/* and read */
};

/**
 * struct gnttab_info - what the module and the launcher tell each other; the
 * guest cannot reach it
 * @version: 1 or 2; 0 while the guest changes it
 * @frames:  pages of entries that the guest has asked for
 * @users:   references in use here, those below 8 left out: the version stays
 * @pad:     zero
 */
struct gnttab_info {
	_Atomic u32 version;
	_Atomic u32 frames;
	_Atomic u32 users;
	u32 pad;
};

/**
 * struct gnttab_pin - what the launcher has mapped of one reference
 * @readers: mappings for reading
 * @writers: mappings for writing
 * @at:      host address of the page
 */
struct gnttab_pin {
	u32 readers;
	u32 writers;
	u8 *at;
};

/**
 * struct gnttab - a guest's grant table
 * @mem:     guest memory
 * @entries: the table, shared with the guest
 * @status:  status words of version 2, shared with the guest, or NULL
 * @info:    shared with the module
 * @frames:  pages of @entries
 * @pin:     per reference; @lock [ref % GNTTAB_LOCKS]
 * @mapped:  mappings that exist now
 * @maps:    mappings and copies made since the start
 * @refused: references refused since the start
 */
struct gnttab {
	const struct gmem *mem;
	void *entries;
	_Atomic u16 *status;
	struct gnttab_info *info;
	u32 frames;
	struct gnttab_pin *pin;
	pthread_mutex_t lock[GNTTAB_LOCKS];
	atomic_ulong mapped;
	atomic_ulong maps;
	atomic_ulong refused;
};

/**
 * gnttab_init() - use a table that is mapped already
 * @gt:      filled in
 * @mem:     guest memory, stays
 * @entries: @frames pages, stay
 * @frames:  pages, at least as many as @info will say
 * @status:  2 bytes for each of 256 * @frames entries of version 2
 * @info:    see there
 * @err:     in words
 *
 * Return: 0, -ENOMEM.
 * Context: before any other call.
 */
int gnttab_init(struct gnttab *gt, const struct gmem *mem, void *entries, u32 frames,
		void *status, struct gnttab_info *info, struct err *err);

/**
 * gnttab_open() - gnttab_init() with the table of a VM
 * @gt:  filled in; gnttab_close() undoes it
 * @vm:  its descriptor
 * @mem: guest memory, stays
 * @err: in words
 *
 * Return: 0 or a negative errno.
 */
int gnttab_open(struct gnttab *gt, int vm, const struct gmem *mem, struct err *err);
void gnttab_close(struct gnttab *gt);

/** gnttab_exit() - give back what gnttab_init() took; nothing is mapped. */
void gnttab_exit(struct gnttab *gt);

/**
 * gnttab_map() - use a granted page until gnttab_unmap()
 * @gt:     the table
 * @ref:    any number
 * @access: enum gnttab_access
 * @at:     host address of PAGE_BYTES bytes; changed on success only
 *
 * The guest sees GTF_reading, and GTF_writing for GNTTAB_WRITE, until the last
 * mapping is gone.  A page that is mapped keeps its address, as in Xen.
 *
 * Return: 0; -ENOENT: beyond the table, or grants nothing; -EPERM: to another
 * domain; -EACCES: read-only; -EOPNOTSUPP: part of a page or transitive, which
 * can be copied only; -EFAULT: no memory at that frame; -EAGAIN: the entry or
 * the table's version changes; -EBUSY: mapped too often.  gnttab_why() has words.
 */
int gnttab_map(struct gnttab *gt, u32 ref, enum gnttab_access access, void **at);

/** gnttab_unmap() - undo one gnttab_map() of @ref with @access. */
void gnttab_unmap(struct gnttab *gt, u32 ref, enum gnttab_access access);

/**
 * gnttab_read() - copy out of a granted page
 * @gt:   the table
 * @ref:  any number; part of a page will do
 * @from: first byte in the page
 * @to:   where to
 * @len:  bytes
 *
 * Return: 0; -ERANGE: not all of them are in the page, or in the granted part
 * of it; else as gnttab_map(), and -EOPNOTSUPP for transitive grants: there is
 * no third domain that they could pass on.
 */
int gnttab_read(struct gnttab *gt, u32 ref, u32 from, void *to, u32 len);

/** gnttab_write() - copy into a granted page; as gnttab_read(). */
int gnttab_write(struct gnttab *gt, u32 ref, u32 to, const void *from, u32 len);

/** gnttab_why() - what an error of the above says of the reference, in words. */
const char *gnttab_why(int error);

#endif /* USERSPACE_XEN_GNTTAB_H */
