/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ACPI tables of the machine: RSDP, XSDT, FADT, FACS, MADT and DSDT.  The
 * machine calls acpi_build() before it starts a guest.  It must describe what
 * boot/layout.h says and what is emulated, nothing else.
 */
#ifndef USERSPACE_BOOT_ACPI_H
#define USERSPACE_BOOT_ACPI_H

#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/**
 * acpi_build() - write the tables
 * @buf:   where to
 * @room:  bytes there
 * @base:  guest-physical address of @buf, a multiple of 64
 * @vcpus: how many; their APIC ids are 0 to @vcpus - 1
 * @rsdp:  guest-physical address of the RSDP, filled in
 * @err:   in words
 *
 * Return: bytes used, or -ENOSPC.
 */
int acpi_build(u8 *buf, size_t room, u64 base, u32 vcpus, u64 *rsdp, struct err *err);

#endif /* USERSPACE_BOOT_ACPI_H */
