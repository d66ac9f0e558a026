// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercall table itself: numbers and names are those of Xen's public
 * headers, errors those that Xen gives a domain without privileges.
 * hypercall.c looks it up; the document and its test read it in user space.
 * Nothing is decided anywhere else: a row that says "done" has a handler.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "module/xen/hypercall_table.h"
#ifdef HVMOD_UNIT
#define HANDLER(handler)	NULL
#define NOTE(text)		.note = (text),
#else
#include "module/xen/hypercall.h"
#define HANDLER(handler)	(handler)
#define NOTE(text)
#endif

#define ROW(number, call, handler, for_kinds, not_yet, how, err, text)	\
	[number] = {							\
		.name = call, .fn = HANDLER(handler), .done = for_kinds,	\
		.absent = not_yet, .flags = how, .error = err, NOTE(text)	\
	}

/* For every kind of guest. */
#define DONE(nr, name, fn, text)	ROW(nr, #name, fn, HCALL_ALL, 0, 0, -ENOSYS, text)
#define FAST(nr, name, fn, text)	ROW(nr, #name, fn, HCALL_ALL, 0, HCALL_FAST, -ENOSYS, text)
/* For guests whose memory is translated; not here yet for others. */
#define AUTO(nr, name, fn, text)	ROW(nr, #name, fn, HCALL_AUTO, HCALL_PV, 0, -ENOSYS, text)
#define AUTO_ONLY(nr, name, fn, err, text) ROW(nr, #name, fn, HCALL_AUTO, 0, 0, err, text)
/* Xen serves them all; not here yet. */
#define ABSENT(nr, name, text)		ROW(nr, #name, NULL, 0, HCALL_ALL, 0, -ENOSYS, text)
/* By Xen, too. */
#define REFUSED(nr, name, err, text)	ROW(nr, #name, NULL, 0, 0, 0, err, text)
/* Translated guests are refused by Xen, too; PV guests are not served yet. */
#define PV_ONLY(nr, name, err, text)	ROW(nr, #name, NULL, 0, HCALL_PV, 0, err, text)

static const struct hcall_op memory_ops[] = {
	AUTO(0, XENMEM_increase_reservation, hcall_memory_reservation,
	     "gives none: pages without a frame are of no use"),
	AUTO(1, XENMEM_decrease_reservation, hcall_memory_reservation,
	     "the launcher frees the memory; an access is one to no memory"),
	DONE(2, XENMEM_maximum_ram_page, hcall_memory_max_page, ""),
	DONE(3, XENMEM_current_reservation, hcall_memory_size, ""),
	DONE(4, XENMEM_maximum_reservation, hcall_memory_size, ""),
	PV_ONLY(5, XENMEM_machphys_mfn_list, -ENOSYS, "there is no machine memory to tell of"),
	AUTO(6, XENMEM_populate_physmap, hcall_memory_reservation,
	     "frames given back before, up to the limit"),
	AUTO(7, XENMEM_add_to_physmap, hcall_memory_add,
	     "shared_info, grant_table, gmfn, gmfn_range"),
	AUTO(9, XENMEM_memory_map, hcall_memory_map, ""),
	REFUSED(10, XENMEM_machine_memory_map, -EPERM, "for the hardware domain"),
	PV_ONLY(11, XENMEM_exchange, -EOPNOTSUPP, "translated guests have no use for it"),
	PV_ONLY(12, XENMEM_machphys_mapping, -ENOSYS, ""),
	AUTO(13, XENMEM_set_memory_map, hcall_memory_set_map, "of the guest itself"),
	AUTO(14, XENMEM_maximum_gpfn, hcall_memory_size, ""),
	AUTO(15, XENMEM_remove_from_physmap, hcall_memory_remove, ""),
	REFUSED(16, XENMEM_set_pod_target, -EPERM, "for the toolstack"),
	REFUSED(17, XENMEM_get_pod_target, -EPERM, "for the toolstack"),
	REFUSED(18, XENMEM_get_sharing_freed_pages, -ENOSYS, "pages are shared by the host's KSM"),
	REFUSED(19, XENMEM_get_sharing_shared_pages, -ENOSYS, "pages are shared by the host's KSM"),
	REFUSED(20, XENMEM_paging_op, -ENOSYS, "for the toolstack"),
	REFUSED(21, XENMEM_access_op, -EPERM, "for the toolstack"),
	REFUSED(22, XENMEM_sharing_op, -ENOSYS, "for the toolstack"),
	AUTO(23, XENMEM_add_to_physmap_batch, hcall_memory_add_batch, ""),
	REFUSED(24, XENMEM_claim_pages, -EPERM, "for the toolstack"),
	REFUSED(25, XENMEM_machphys_compat_mfn_list, -ENOSYS, "for 32-bit PV"),
	REFUSED(26, XENMEM_get_vnumainfo, -EOPNOTSUPP, "a guest has one node"),
	REFUSED(27, XENMEM_reserved_device_memory_map, -ENOSYS, "there is no passthrough"),
	REFUSED(28, XENMEM_acquire_resource, -EPERM, "for the toolstack"),
};

static const struct hcall_op version_ops[] = {
	FAST(0, XENVER_version, hcall_xen_version, ""),
	DONE(1, XENVER_extraversion, hcall_xen_version, ""),
	DONE(2, XENVER_compile_info, hcall_xen_version, ""),
	DONE(3, XENVER_capabilities, hcall_xen_version, ""),
	DONE(4, XENVER_changeset, hcall_xen_version, ""),
	DONE(5, XENVER_platform_parameters, hcall_xen_version, ""),
	DONE(6, XENVER_get_features, hcall_xen_version, ""),
	DONE(7, XENVER_pagesize, hcall_xen_version, ""),
	DONE(8, XENVER_guest_handle, hcall_xen_version, ""),
	DONE(9, XENVER_commandline, hcall_xen_version, ""),
	REFUSED(10, XENVER_build_id, -EPERM, "for the toolstack"),
};

static const struct hcall_op console_ops[] = {
	DONE(0, CONSOLEIO_write, hcall_console_io, "to the launcher's log"),
	DONE(1, CONSOLEIO_read, hcall_console_io, "there is never anything to read"),
};

static const struct hcall_op gnttab_ops[] = {
	AUTO(0, GNTTABOP_map_grant_ref, hcall_gnttab_map,
	     "each gets its GNTST error: the back end grants nothing, its own a guest has"),
	AUTO(1, GNTTABOP_unmap_grant_ref, hcall_gnttab_unmap, "there are no handles"),
	DONE(2, GNTTABOP_setup_table, hcall_gnttab_setup_table, ""),
	PV_ONLY(3, GNTTABOP_dump_table, -ENOSYS, ""),
	PV_ONLY(4, GNTTABOP_transfer, -ENOSYS, ""),
	DONE(5, GNTTABOP_copy, hcall_gnttab_copy, "between frames and grants of the guest's own"),
	DONE(6, GNTTABOP_query_size, hcall_gnttab_query_size, ""),
	PV_ONLY(7, GNTTABOP_unmap_and_replace, -ENOSYS, ""),
	DONE(8, GNTTABOP_set_version, hcall_gnttab_set_version, ""),
	PV_ONLY(9, GNTTABOP_get_status_frames, -ENOSYS, ""),
	DONE(10, GNTTABOP_get_version, hcall_gnttab_get_version, ""),
	DONE(11, GNTTABOP_swap_grant_ref, hcall_gnttab_swap, ""),
	PV_ONLY(12, GNTTABOP_cache_flush, -ENOSYS, ""),
};

static const struct hcall_op assist_ops[] = {
	DONE(0, VMASST_CMD_enable, hcall_vm_assist, ""),
	DONE(1, VMASST_CMD_disable, hcall_vm_assist, ""),
};

static const struct hcall_op vcpu_ops[] = {
	DONE(0, VCPUOP_initialise, hcall_vcpu_op, ""),
	DONE(1, VCPUOP_up, hcall_vcpu_op, ""),
	DONE(2, VCPUOP_down, hcall_vcpu_op, ""),
	FAST(3, VCPUOP_is_up, hcall_vcpu_op, ""),
	DONE(4, VCPUOP_get_runstate_info, hcall_vcpu_op, ""),
	DONE(5, VCPUOP_register_runstate_memory_area, hcall_vcpu_op, ""),
	DONE(6, VCPUOP_set_periodic_timer, hcall_vcpu_op, ""),
	DONE(7, VCPUOP_stop_periodic_timer, hcall_vcpu_op, ""),
	FAST(8, VCPUOP_set_singleshot_timer, hcall_vcpu_op, ""),
	FAST(9, VCPUOP_stop_singleshot_timer, hcall_vcpu_op, ""),
	DONE(10, VCPUOP_register_vcpu_info, hcall_vcpu_op, ""),
	DONE(11, VCPUOP_send_nmi, hcall_vcpu_op, ""),
	REFUSED(12, VCPUOP_get_physid, -EINVAL, "for a vCPU that is pinned"),
	DONE(13, VCPUOP_register_vcpu_time_memory_area, hcall_vcpu_op, ""),
	DONE(14, VCPUOP_register_runstate_phys_area, hcall_vcpu_op, ""),
	DONE(15, VCPUOP_register_vcpu_time_phys_area, hcall_vcpu_op, ""),
};

static const struct hcall_op sched_ops[] = {
	DONE(0, SCHEDOP_yield, hcall_sched_op, ""),
	DONE(1, SCHEDOP_block, hcall_sched_op, ""),
	DONE(2, SCHEDOP_shutdown, hcall_sched_op, ""),
	DONE(3, SCHEDOP_poll, hcall_sched_op, ""),
	REFUSED(4, SCHEDOP_remote_shutdown, -EPERM, "for the toolstack"),
	DONE(5, SCHEDOP_shutdown_code, hcall_sched_op, ""),
	DONE(6, SCHEDOP_watchdog, hcall_sched_op, ""),
	REFUSED(7, SCHEDOP_pin_override, -EPERM, "for the hardware domain"),
};

static const struct hcall_op evtchn_ops[] = {
	DONE(0, EVTCHNOP_bind_interdomain, hcall_event_channel_op, ""),
	DONE(1, EVTCHNOP_bind_virq, hcall_event_channel_op, ""),
	REFUSED(2, EVTCHNOP_bind_pirq, -EINVAL, "there are no physical interrupts"),
	DONE(3, EVTCHNOP_close, hcall_event_channel_op, ""),
	FAST(4, EVTCHNOP_send, hcall_event_channel_op, ""),
	DONE(5, EVTCHNOP_status, hcall_event_channel_op, ""),
	DONE(6, EVTCHNOP_alloc_unbound, hcall_event_channel_op, ""),
	DONE(7, EVTCHNOP_bind_ipi, hcall_event_channel_op, ""),
	DONE(8, EVTCHNOP_bind_vcpu, hcall_event_channel_op, ""),
	FAST(9, EVTCHNOP_unmask, hcall_event_channel_op, ""),
	DONE(10, EVTCHNOP_reset, hcall_event_channel_op, ""),
	DONE(11, EVTCHNOP_init_control, hcall_event_channel_op, ""),
	DONE(12, EVTCHNOP_expand_array, hcall_event_channel_op, ""),
	DONE(13, EVTCHNOP_set_priority, hcall_event_channel_op, ""),
};

/* Without routed interrupts (XENFEAT_hvm_pirqs) Xen has none of them. */
#define NO_PIRQ	"no physical interrupts are routed to a guest"
static const struct hcall_op physdev_ops[] = {
	PV_ONLY(5, PHYSDEVOP_irq_status_query, -ENOSYS, NO_PIRQ),
	PV_ONLY(6, PHYSDEVOP_set_iopl, -ENOSYS, ""),
	PV_ONLY(7, PHYSDEVOP_set_iobitmap, -ENOSYS, ""),
	REFUSED(8, PHYSDEVOP_apic_read, -ENOSYS, "for the hardware domain"),
	REFUSED(9, PHYSDEVOP_apic_write, -ENOSYS, "for the hardware domain"),
	REFUSED(10, PHYSDEVOP_alloc_irq_vector, -ENOSYS, "for the hardware domain"),
	PV_ONLY(12, PHYSDEVOP_eoi, -ENOSYS, NO_PIRQ),
	PV_ONLY(13, PHYSDEVOP_map_pirq, -ENOSYS, NO_PIRQ),
	PV_ONLY(14, PHYSDEVOP_unmap_pirq, -ENOSYS, NO_PIRQ),
	REFUSED(15, PHYSDEVOP_manage_pci_add, -ENOSYS, "for the hardware domain"),
	REFUSED(16, PHYSDEVOP_manage_pci_remove, -ENOSYS, "for the hardware domain"),
	PV_ONLY(17, PHYSDEVOP_pirq_eoi_gmfn_v1, -ENOSYS, NO_PIRQ),
	REFUSED(19, PHYSDEVOP_restore_msi, -ENOSYS, "for the hardware domain"),
	REFUSED(20, PHYSDEVOP_manage_pci_add_ext, -ENOSYS, "for the hardware domain"),
	REFUSED(21, PHYSDEVOP_setup_gsi, -ENOSYS, "for the hardware domain"),
	PV_ONLY(23, PHYSDEVOP_get_free_pirq, -ENOSYS, NO_PIRQ),
	REFUSED(24, PHYSDEVOP_pci_mmcfg_reserved, -ENOSYS, "for the hardware domain"),
	REFUSED(25, PHYSDEVOP_pci_device_add, -ENOSYS, "for the hardware domain"),
	REFUSED(26, PHYSDEVOP_pci_device_remove, -ENOSYS, "for the hardware domain"),
	REFUSED(27, PHYSDEVOP_restore_msi_ext, -ENOSYS, "for the hardware domain"),
	PV_ONLY(28, PHYSDEVOP_pirq_eoi_gmfn_v2, -ENOSYS, NO_PIRQ),
	REFUSED(29, PHYSDEVOP_dbgp_op, -ENOSYS, "for the hardware domain"),
	REFUSED(30, PHYSDEVOP_prepare_msix, -ENOSYS, "for the hardware domain"),
	REFUSED(31, PHYSDEVOP_release_msix, -ENOSYS, "for the hardware domain"),
};

static const struct hcall_op hvm_ops[] = {
	AUTO_ONLY(0, HVMOP_set_param, hcall_hvm_param, -EINVAL, ""),
	AUTO_ONLY(1, HVMOP_get_param, hcall_hvm_param, -EINVAL, ""),
	REFUSED(2, HVMOP_set_pci_intx_level, -ENOSYS, "moved to dm_op"),
	REFUSED(3, HVMOP_set_isa_irq_level, -ENOSYS, "moved to dm_op"),
	REFUSED(4, HVMOP_set_pci_link_route, -ENOSYS, "moved to dm_op"),
	AUTO_ONLY(5, HVMOP_flush_tlbs, hcall_hvm_flush_tlbs, -EINVAL, "all vCPUs"),
	REFUSED(6, HVMOP_track_dirty_vram, -ENOSYS, "moved to dm_op"),
	REFUSED(7, HVMOP_modified_memory, -ENOSYS, "moved to dm_op"),
	REFUSED(8, HVMOP_set_mem_type, -ENOSYS, "moved to dm_op"),
	REFUSED(9, HVMOP_pagetable_dying, -EINVAL, "for shadow paging; there is EPT"),
	AUTO_ONLY(10, HVMOP_get_time, hcall_hvm_time, -EINVAL, ""),
	AUTO_ONLY(11, HVMOP_xentrace, hcall_hvm_trace, -EINVAL, "nobody collects it"),
	REFUSED(12, HVMOP_set_mem_access, -ENOSYS, "moved to XENMEM_access_op"),
	REFUSED(13, HVMOP_get_mem_access, -ENOSYS, "moved to XENMEM_access_op"),
	REFUSED(14, HVMOP_inject_trap, -ENOSYS, "moved to dm_op"),
	AUTO_ONLY(15, HVMOP_get_mem_type, hcall_hvm_mem_type, -EINVAL, ""),
	REFUSED(16, HVMOP_inject_msi, -ENOSYS, "moved to dm_op"),
	REFUSED(17, HVMOP_create_ioreq_server, -ENOSYS, "moved to dm_op"),
	REFUSED(18, HVMOP_get_ioreq_server_info, -ENOSYS, "moved to dm_op"),
	REFUSED(19, HVMOP_map_io_range_to_ioreq_server, -ENOSYS, "moved to dm_op"),
	REFUSED(20, HVMOP_unmap_io_range_from_ioreq_server, -ENOSYS, "moved to dm_op"),
	REFUSED(21, HVMOP_destroy_ioreq_server, -ENOSYS, "moved to dm_op"),
	REFUSED(22, HVMOP_set_ioreq_server_state, -ENOSYS, "moved to dm_op"),
	AUTO_ONLY(23, HVMOP_set_evtchn_upcall_vector, hcall_hvm_upcall_vector, -EINVAL, ""),
	AUTO_ONLY(24, HVMOP_guest_request_vm_event, hcall_hvm_vm_event, -EINVAL,
		  "nobody monitors the guest"),
	REFUSED(25, HVMOP_altp2m, -EOPNOTSUPP, "is not enabled for a guest"),
};

/* Index of each one's first counter. */
enum {
	FIRST_ROW = 1,
	FIRST_memory = FIRST_ROW + HCALL_ROWS,
	FIRST_version = FIRST_memory + ARRAY_SIZE(memory_ops) + 1,
	FIRST_console = FIRST_version + ARRAY_SIZE(version_ops) + 1,
	FIRST_gnttab = FIRST_console + ARRAY_SIZE(console_ops) + 1,
	FIRST_assist = FIRST_gnttab + ARRAY_SIZE(gnttab_ops) + 1,
	FIRST_vcpu = FIRST_assist + ARRAY_SIZE(assist_ops) + 1,
	FIRST_sched = FIRST_vcpu + ARRAY_SIZE(vcpu_ops) + 1,
	FIRST_evtchn = FIRST_sched + ARRAY_SIZE(sched_ops) + 1,
	FIRST_physdev = FIRST_evtchn + ARRAY_SIZE(evtchn_ops) + 1,
	FIRST_hvm = FIRST_physdev + ARRAY_SIZE(physdev_ops) + 1,
	FIRST_END = FIRST_hvm + ARRAY_SIZE(hvm_ops) + 1,
};

static_assert(FIRST_END <= HCALL_COUNTERS);

#define CALL(number, call, handler, for_kinds, not_yet, how, err, text)	\
	[number] = {							\
		.self = {						\
			.name = #call, .fn = HANDLER(handler), .done = for_kinds, \
			.absent = not_yet, .flags = how, .error = err, NOTE(text) \
		},							\
		.first = FIRST_ROW + (number),				\
	}

/* With sub-operations: which are for whom is in their rows. */
#define OPS(number, call, list, mask, text)				\
	[number] = {							\
		.self = {						\
			.name = #call, .done = HCALL_ALL, .flags = HCALL_FAST,	\
			.error = -ENOSYS, NOTE(text)			\
		},							\
		.ops = list##_ops, .nr_ops = ARRAY_SIZE(list##_ops),	\
		.first = FIRST_##list, .op_mask = mask,			\
	}

#define CALL_PV(nr, name)							\
	CALL(nr, name, NULL, 0, HCALL_PV, 0, -ENOSYS, "for PV only")
#define CALL_REFUSED(nr, name, err, text)	CALL(nr, name, NULL, 0, 0, 0, err, text)

#define INT	0xffffffffULL

const struct hcall_row hcall_table[HCALL_ROWS] = {
	CALL_PV(0, set_trap_table),
	CALL_PV(1, mmu_update),
	CALL_PV(2, set_gdt),
	CALL_PV(3, stack_switch),
	CALL_PV(4, set_callbacks),
	CALL_PV(5, fpu_taskswitch),
	CALL_PV(6, sched_op_compat),
	CALL_REFUSED(7, platform_op, -EPERM, "for the hardware domain"),
	CALL_PV(8, set_debugreg),
	CALL_PV(9, get_debugreg),
	CALL_PV(10, update_descriptor),
	OPS(12, memory_op, memory, 0x3f,
	    "The bits above the sub-operation's six say where a call that was cut short goes on."),
	CALL(13, multicall, hcall_multicall, HCALL_ALL, 0, 0, -ENOSYS, ""),
	CALL_PV(14, update_va_mapping),
	CALL(15, set_timer_op, hcall_set_timer_op, HCALL_ALL, 0, HCALL_FAST, -ENOSYS, ""),
	CALL_PV(16, event_channel_op_compat),
	OPS(17, xen_version, version, INT, ""),
	OPS(18, console_io, console, INT, ""),
	CALL_PV(19, physdev_op_compat),
	OPS(20, grant_table_op, gnttab, INT, ""),
	OPS(21, vm_assist, assist, INT, ""),
	CALL_PV(22, update_va_mapping_otherdomain),
	CALL_PV(23, iret),
	OPS(24, vcpu_op, vcpu, INT, ""),
	CALL_PV(25, set_segment_base),
	CALL_PV(26, mmuext_op),
	CALL_REFUSED(27, xsm_op, -ENOSYS, "there is no security module"),
	CALL_PV(28, nmi_op),
	OPS(29, sched_op, sched, INT, ""),
	CALL_PV(30, callback_op),
	CALL_REFUSED(31, xenoprof_op, -ENOSYS, "Xen has dropped it"),
	OPS(32, event_channel_op, evtchn, INT, ""),
	OPS(33, physdev_op, physdev, INT, ""),
	OPS(34, hvm_op, hvm, ~0ULL, ""),
	CALL_REFUSED(35, sysctl, -EPERM, "for the toolstack"),
	CALL_REFUSED(36, domctl, -EPERM, "for the toolstack"),
	CALL_REFUSED(37, kexec_op, -ENOSYS, "for the hardware domain"),
	CALL_REFUSED(38, tmem_op, -ENOSYS, "Xen has dropped it"),
	CALL_REFUSED(39, argo_op, -ENOSYS, "Xen is built without it"),
	CALL_REFUSED(40, xenpmu_op, -EOPNOTSUPP, "a guest has no performance counters"),
	CALL_REFUSED(41, dm_op, -EPERM, "for a device model"),
	CALL_REFUSED(42, hypfs_op, -EPERM, "for the toolstack"),
	CALL_REFUSED(48, mca, -ENOSYS, "for the hardware domain"),
};
