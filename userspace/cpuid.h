/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's CPUID table: what the module offers, made to fit one vCPU (APIC
 * id, topology, TSC frequency).  The machine calls it for each vCPU.  It must
 * not add a feature that the module did not offer.
 */
#ifndef USERSPACE_CPUID_H
#define USERSPACE_CPUID_H

#include "uapi/hvmod.h"
#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

/** struct cpuid_table - entries, @count of them used */
struct cpuid_table {
	struct hvmod_cpuid_entry entry[HVMOD_MAX_CPUID];
	u32 count;
};

/**
 * cpuid_find() - an entry
 * @leaf:    EAX
 * @subleaf: ECX; 0 for leaves that have no subleaves
 *
 * Return: the entry or NULL.
 */
struct hvmod_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 leaf, u32 subleaf);

/**
 * cpuid_fit() - make a table fit a vCPU
 * @table:   (INOUT) from hvm_get_cpuid()
 * @id:      APIC id
 * @vcpus:   of the whole guest: one socket, no SMT
 * @tsc_khz: TSC frequency, 0: unknown
 * @err:     in words
 *
 * Return: 0, or -E2BIG when the table has no room for the leaves added.
 */
int cpuid_fit(struct cpuid_table *table, u32 id, u32 vcpus, u32 tsc_khz, struct err *err);

/* Where Xen's leaves are: by themselves, and behind another interface's (Viridian). */
#define CPUID_XEN_FIRST		0x40000000
#define CPUID_XEN_SECOND	0x40000100

/**
 * cpuid_xen() - add Xen's leaves
 * @table:   (INOUT) after cpuid_fit()
 * @base:    CPUID_XEN_FIRST or CPUID_XEN_SECOND
 * @id:      vCPU id
 * @tsc_khz: TSC frequency
 * @err:     in words
 *
 * Return: 0, or -E2BIG.
 */
int cpuid_xen(struct cpuid_table *table, u32 base, u32 id, u32 tsc_khz, struct err *err);

/**
 * cpuid_off() - take a feature away
 * @table: the table
 * @name:  as in /proc/cpuinfo, such as "avx2"
 *
 * Return: 0, or -ENOENT for a name that is not known.
 */
int cpuid_off(struct cpuid_table *table, const char *name);

/** cpuid_known() - is it a name that cpuid_off() takes? */
bool cpuid_known(const char *name);

/** cpuid_phys_bits() - width of a physical address, for MTRR masks. */
unsigned int cpuid_phys_bits(struct cpuid_table *table);

#endif /* USERSPACE_CPUID_H */
