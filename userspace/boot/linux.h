/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Direct boot of a Linux bzImage by the 64-bit boot protocol, as the kernel's
 * "The Linux/x86 Boot Protocol" has it.  The machine calls linux_check() and
 * linux_load() before the first vCPU runs.  It must survive any file: nothing
 * that an image says is used before it is checked.
 */
#ifndef USERSPACE_BOOT_LINUX_H
#define USERSPACE_BOOT_LINUX_H

#include "uapi/hvmod.h"
#include "userspace/lib/err.h"
#include "userspace/lib/mem.h"

/* Bytes at the start of an image that hold all of the setup header. */
#define LINUX_HEAD	0x400

/**
 * struct linux_image - what the setup header says, checked
 * @payload:     offset in the file of the 64-bit code
 * @payload_len: its bytes; @payload + @payload_len is inside the file
 * @load:        where it goes, guest-physical
 * @init_size:   bytes from @load that it uses before it reads the memory map
 * @initrd_max:  last address that an initrd may occupy
 * @cmdline_max: bytes of command line without the terminating zero
 * @version:     boot protocol, 0x20f is 2.15
 * @header_len:  bytes of header to copy from 0x1f1
 */
struct linux_image {
	u64 payload;
	u64 payload_len;
	u64 load;
	u64 init_size;
	u64 initrd_max;
	u32 cmdline_max;
	u16 version;
	u16 header_len;
};

/**
 * linux_check() - read and check a setup header
 * @head:      first bytes of the file
 * @head_len:  how many; LINUX_HEAD or, of a shorter file, all
 * @file_size: of the whole file
 * @image:     filled in
 * @err:       what is wrong, by name
 *
 * Return: 0, or -ENOEXEC when it is not a kernel that can be booted so.
 */
int linux_check(const u8 *head, size_t head_len, u64 file_size, struct linux_image *image,
		struct err *err);

/**
 * linux_initrd_place() - where an initrd goes
 * @image: from linux_check()
 * @mem:   guest memory
 * @size:  of the initrd
 * @addr:  filled in; a multiple of 4096, as high as is allowed
 * @err:   what does not fit
 *
 * Return: 0 or -ENOMEM.
 */
int linux_initrd_place(const struct linux_image *image, const struct gmem *mem, u64 size,
		       u64 *addr, struct err *err);

/**
 * linux_setup() - write all but the images: boot_params, page tables, GDT
 * @image:       from linux_check()
 * @head:        as for linux_check()
 * @mem:         guest memory
 * @cmdline:     kernel parameters
 * @initrd_addr: from linux_initrd_place(), or 0
 * @initrd_size: bytes, or 0
 * @rsdp:        guest-physical address of the ACPI RSDP, or 0
 * @err:         in words
 *
 * Return: 0, -E2BIG (command line), -ENOMEM.
 */
int linux_setup(const struct linux_image *image, const u8 *head, const struct gmem *mem,
		const char *cmdline, u64 initrd_addr, u64 initrd_size, u64 rsdp,
		struct err *err);

/**
 * struct linux_files - what to boot
 * @kernel_fd:   a regular file
 * @initrd_fd:   a regular file, or -1
 * @kernel_name: for messages
 * @initrd_name: for messages
 * @cmdline:     kernel parameters
 * @progress:    called now and then with bytes done and in all; may be NULL
 */
struct linux_files {
	int kernel_fd;
	int initrd_fd;
	const char *kernel_name;
	const char *initrd_name;
	const char *cmdline;
	void (*progress)(u64 done, u64 total);
};

/**
 * linux_load() - put kernel and initrd into guest memory
 * @files: what
 * @mem:   where to
 * @rsdp:  as for linux_setup()
 * @image: filled in
 * @err:   in words, with the file's name
 *
 * Return: 0 or a negative errno.  The files may be read again by another call.
 */
int linux_load(const struct linux_files *files, const struct gmem *mem, u64 rsdp,
	       struct linux_image *image, struct err *err);

/**
 * linux_entry() - registers of the boot processor at the 64-bit entry point
 * @image: from linux_load()
 * @regs:  filled in
 * @sregs: (INOUT) from the vCPU; what the protocol does not name stays
 */
void linux_entry(const struct linux_image *image, struct hvmod_regs *regs,
		 struct hvmod_sregs *sregs);

#endif /* USERSPACE_BOOT_LINUX_H */
