/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the host's CPUID a guest may have.  cpuid.c asks it, at load for the
 * policy and for each entry of a table that user space sets.  It holds no
 * state of a guest.
 */
#ifndef ARCH_X86_CPUID_POLICY_H
#define ARCH_X86_CPUID_POLICY_H

#include <linux/types.h>

#include "uapi/hvmod.h"

/* Supervisor state components that a guest may have: none so far. */
#define CPUID_XSS_SUPPORTED	0ULL

/* Writes the policy, at most HVMOD_MAX_CPUID entries; how many.  Any context. */
u32 cpuid_policy(struct hvmod_cpuid_entry *entry);
/* Clears what this host and this module cannot give. */
void cpuid_filter(struct hvmod_cpuid_entry *entry);
/* Does the leaf depend on ECX (SDM)? */
bool cpuid_has_subleaves(u32 leaf);
/* Bytes of an XSAVE area for these components.  Any context. */
u32 cpuid_xsave_size(u64 features, bool compacted);

#endif /* ARCH_X86_CPUID_POLICY_H */
