/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF kernels: checked headers, segments into guest memory, Xen's notes.  Boot
 * loaders call it with a whole file in memory.  It must survive any file: no
 * offset, size or address in it is used before it is checked.
 */
#ifndef USERSPACE_BOOT_ELF_H
#define USERSPACE_BOOT_ELF_H

#include "userspace/lib/err.h"
#include "userspace/lib/mem.h"

/**
 * struct elf_image - an ELF file in memory, checked
 * @data:    the file
 * @size:    its bytes
 * @is_64:   ELFCLASS64, else ELFCLASS32
 * @phoff:   offset of the program headers; all of them are inside the file
 * @phnum:   how many
 * @start:   lowest physical address of its segments
 * @end:     first address behind them, bss included
 */
struct elf_image {
	const u8 *data;
	u64 size;
	bool is_64;
	u64 phoff;
	u32 phnum;
	u64 start;
	u64 end;
};

/**
 * elf_check() - read and check an x86 ELF executable
 * @data:  the file, kept
 * @size:  bytes
 * @image: filled in
 * @err:   what is wrong
 *
 * Return: 0 or -ENOEXEC.
 */
int elf_check(const void *data, u64 size, struct elf_image *image, struct err *err);

/**
 * elf_load() - put the segments at their physical addresses
 * @image: from elf_check()
 * @mem:   guest memory
 * @err:   what does not fit
 *
 * Return: 0 or -ENOMEM.
 */
int elf_load(const struct elf_image *image, const struct gmem *mem, struct err *err);

/**
 * elf_xen_note() - the value of one of Xen's notes
 * @image: from elf_check()
 * @type:  XEN_ELFNOTE_*
 * @value: filled in: an integer of 4 or 8 bytes
 *
 * Return: 0, -ENOENT: it has no such note, -EINVAL: the note is no integer.
 */
int elf_xen_note(const struct elf_image *image, u32 type, u64 *value);

#endif /* USERSPACE_BOOT_ELF_H */
