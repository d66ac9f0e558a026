/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where things are in a guest's address space: what the boot loader writes
 * below 1 MiB, and the ports and pins that the ACPI tables promise and the
 * devices serve.  Both sides include it, so that they cannot disagree.  It must
 * hold numbers only.
 */
#ifndef USERSPACE_BOOT_LAYOUT_H
#define USERSPACE_BOOT_LAYOUT_H

/* Below 640 KiB, RAM: free for the guest once it has read it. */
#define LAYOUT_GDT		0x1000ULL
#define LAYOUT_BOOT_PARAMS	0x2000ULL
#define LAYOUT_PAGE_TABLES	0x10000ULL	/* PML4, PDPT, four PDs */
#define LAYOUT_CMDLINE		0x20000ULL
#define LAYOUT_CMDLINE_ROOM	0x10000ULL
#define LAYOUT_LOW_END		0x9fc00ULL	/* an EBDA would start here */

/* The ACPI tables: reserved in the memory map. */
#define LAYOUT_ACPI		0xe0000ULL
#define LAYOUT_ACPI_ROOM	0x20000ULL
#define LAYOUT_XEN_ROOM		0x2000ULL	/* of it, for a Xen guest: */
#define LAYOUT_XEN_CONSOLE	0xfe000ULL
#define LAYOUT_XEN_STORE	0xff000ULL
#define LAYOUT_BIOS		0xe0000ULL
#define LAYOUT_1M		0x100000ULL

#define LAYOUT_LAPIC		0xfee00000ULL
#define LAYOUT_IOAPIC		0xfec00000ULL

/* Ports. */
#define PORT_RTC		0x70
#define PORT_DEBUG		0x80
#define PORT_SYSTEM_A		0x92
#define PORT_KBD		0x64
#define PORT_BOCHS_LOG		0xe9
#define PORT_BIOS_LOG		0x402
#define PORT_COM1		0x3f8
#define PORT_PM1_EVENT		0x600
#define PORT_PM1_CONTROL	0x604
#define PORT_PM_TIMER		0x608
#define PORT_GPE0		0x620
#define PORT_GPE0_LEN		4
#define PORT_PCI_ADDRESS	0xcf8
#define PORT_RESET		0xcf9
#define PORT_PCI_DATA		0xcfc

#define RESET_VALUE		6

/* Interrupts, as IOAPIC pins. */
#define GSI_COM1		4
#define GSI_RTC			8
#define GSI_SCI			9

/* PM1 control: the value of SLP_TYP that means S5. */
#define SLP_TYP_S5		5

/* CMOS offset of the century. */
#define RTC_CENTURY		0x32

#endif /* USERSPACE_BOOT_LAYOUT_H */
