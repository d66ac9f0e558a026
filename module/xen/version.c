// SPDX-License-Identifier: GPL-2.0
/*
 * xen_version: what the guest is told of the hypervisor that it runs on.  It
 * says what a Xen of this version says, and offers no feature that nothing
 * here implements.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <xen/interface/xen.h>
#include <xen/interface/features.h>
#include <xen/interface/version.h>

#include "module/xen/hypercall.h"

#define XEN_MAJOR	4
#define XEN_MINOR	17

/* Nothing here is secret, nothing is Xen's either.  Sizes are those of Xen's types. */
static const char extraversion[16] = ".0-hvmod";
static const char capabilities[1024] = "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";
static const char changeset[64] = "";
static const char denied[1024] = "<denied>";

static u32 features(struct hcall *h)
{
	if (h->vcpu->vm->kind == HVMOD_KIND_PV)
		return 0;
	return BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_auto_translated_physmap) |
	       BIT(XENFEAT_hvm_callback_vector) | BIT(XENFEAT_hvm_safe_pvclock) |
	       BIT(XENFEAT_memory_op_vnode_supported) | BIT(XENFEAT_not_direct_mapped);
}

static long get_features(struct hcall *h)
{
	struct xen_feature_info info;
	long ret = hcall_from_guest(h, &info, h->arg[1], sizeof(info));

	if (ret)
		return ret;
	if (info.submap_idx)
		return -EINVAL;
	info.submap = features(h);
	return hcall_to_guest(h, h->arg[1], &info, sizeof(info));
}

long hcall_xen_version(struct hcall *h)
{
	unsigned long to = h->arg[1];
	u32 cmd = h->op;

	/* Linux asks it only to have pending events delivered. */
	if (cmd == XENVER_version)
		return XEN_MAJOR << 16 | XEN_MINOR;
	if (h->fast)
		return HCALL_SLOW;

	switch (cmd) {
	case XENVER_extraversion:
		return hcall_to_guest(h, to, extraversion, sizeof(extraversion));
	case XENVER_compile_info: {
		static const struct xen_compile_info info = {
			.compiler = "gcc", .compile_by = "hvmod", .compile_date = "",
		};

		return hcall_to_guest(h, to, &info, sizeof(info));
	}
	case XENVER_capabilities:
		return hcall_to_guest(h, to, capabilities, sizeof(capabilities));
	case XENVER_changeset:
		return hcall_to_guest(h, to, changeset, sizeof(changeset));
	case XENVER_platform_parameters: {
		static const u64 virt_start;

		return hcall_to_guest(h, to, &virt_start, h->is_64bit ? 8 : 4);
	}
	case XENVER_get_features:
		return get_features(h);
	case XENVER_pagesize:
		return to ? -EINVAL : PAGE_SIZE;
	case XENVER_guest_handle: {
		static const u8 handle[16];

		return hcall_to_guest(h, to, handle, sizeof(handle));
	}
	case XENVER_commandline:
		return hcall_to_guest(h, to, denied, sizeof(denied));
	}
	return hcall_unknown(h, cmd);
}
