/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Xen's PVH boot protocol: an ELF kernel entered in 32-bit mode at the address
 * of a note, with a hvm_start_info.  The machine calls pvh_load() before the
 * first vCPU runs.  It must survive any file.
 */
#ifndef USERSPACE_BOOT_PVH_H
#define USERSPACE_BOOT_PVH_H

#include "uapi/hvmod.h"
#include "userspace/boot/linux.h"
#include "userspace/lib/err.h"
#include "userspace/lib/mem.h"

/** struct pvh_image - @entry: guest-physical, 32 bits */
struct pvh_image {
	u32 entry;
};

/**
 * pvh_load() - put kernel and initrd into guest memory, write the start info
 * @files: a bzImage or an ELF file (vmlinux), and an initrd
 * @mem:   guest memory
 * @rsdp:  guest-physical address of the ACPI RSDP, or 0
 * @image: filled in
 * @err:   in words, with the file's name
 *
 * Return: 0 or a negative errno.
 */
int pvh_load(const struct linux_files *files, const struct gmem *mem, u64 rsdp,
	     struct pvh_image *image, struct err *err);

/**
 * pvh_entry() - registers of the boot processor
 * @image: from pvh_load()
 * @regs:  filled in
 * @sregs: (INOUT) from the vCPU; what the protocol does not name stays
 */
void pvh_entry(const struct pvh_image *image, struct hvmod_regs *regs,
	       struct hvmod_sregs *sregs);

#endif /* USERSPACE_BOOT_PVH_H */
