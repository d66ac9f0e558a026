/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The compressed kernel inside a bzImage, as a whole file in memory again.  Boot
 * loaders that need the ELF file call it.  It must bound what it unpacks: a few
 * bytes can claim to be gigabytes.
 */
#ifndef USERSPACE_BOOT_UNPACK_H
#define USERSPACE_BOOT_UNPACK_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/* No kernel is larger than that. */
#define UNPACK_MAX	(512 * MIB)

/**
 * unpack() - decompress by what the data begin with: xz, gzip, lz4, zstd, nothing (ELF)
 * @in:   compressed data; what follows them is ignored
 * @len:  bytes
 * @out:  filled in: malloc()ed
 * @size: filled in
 * @err:  in words
 *
 * Return: 0, -ENOEXEC (unknown format, damaged), -E2BIG, -ENOMEM.
 */
int unpack(const void *in, u64 len, u8 **out, u64 *size, struct err *err);

#endif /* USERSPACE_BOOT_UNPACK_H */
