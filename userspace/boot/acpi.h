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

/** enum acpi_kind - which machine the tables describe */
enum acpi_kind {
	ACPI_PC,	/**< @ACPI_PC: what boot/layout.h says */
	ACPI_REDUCED,	/**< @ACPI_REDUCED: local APICs and nothing else */
};

/**
 * acpi_build() - write the tables
 * @buf:   where to
 * @room:  bytes there
 * @base:  guest-physical address of @buf, a multiple of 64
 * @kind:  what is emulated
 * @vcpus: how many; their APIC ids are 0 to @vcpus - 1
 * @rsdp:  guest-physical address of the RSDP, filled in
 * @err:   in words
 *
 * Return: bytes used, or -ENOSPC.
 */
int acpi_build(u8 *buf, size_t room, u64 base, enum acpi_kind kind, u32 vcpus, u64 *rsdp,
	       struct err *err);

#endif /* USERSPACE_BOOT_ACPI_H */
