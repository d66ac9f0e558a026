/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The /dev/hvmod calls as C functions, one to one, for the launcher and for
 * the self tests.  A function returns 0 (or what it says) or a negative errno;
 * those with a struct err also say why in words.  It must not hold state, print
 * or end the program.
 *
 * Context: any thread of the process that made the VM, unless said otherwise.
 */
#ifndef USERSPACE_LIB_HVM_H
#define USERSPACE_LIB_HVM_H

#include "uapi/hvmod.h"
#include "userspace/lib/err.h"
#include "userspace/lib/types.h"

#define HVM_DEVICE	"/dev/hvmod"

/**
 * struct hvm_vcpu - an open vCPU
 * @fd:       its descriptor
 * @id:       its number and APIC id
 * @run:      the shared page
 * @run_size: bytes mapped at @run
 */
struct hvm_vcpu {
	int fd;
	u32 id;
	struct hvmod_run *run;
	size_t run_size;
};

/**
 * hvm_open() - open the device and check its ABI version
 * @path: device node, NULL for HVM_DEVICE
 * @err:  the cause and the command that mends it
 *
 * Return: a descriptor, -ENOENT (no module), -EACCES (group), -EPROTO
 * (another ABI version), another errno of open().
 */
int hvm_open(const char *path, struct err *err);

/** hvm_cap() - ask for a capability. Return: 0, -EINVAL for an unknown one. */
int hvm_cap(int dev, u32 id, u64 *value);

/**
 * hvm_get_cpuid() - what this host and module can give a guest
 * @dev:     device descriptor
 * @entries: room for HVMOD_MAX_CPUID entries
 * @count:   entries written
 */
int hvm_get_cpuid(int dev, struct hvmod_cpuid_entry *entries, u32 *count);

/** hvm_get_msr_list() - numbers that a save needs; @count is room, then used. */
int hvm_get_msr_list(int dev, struct hvmod_msr *msrs, u32 *count);

/**
 * hvm_vm_create() - make a VM
 * @dev:        device descriptor
 * @kind:       enum hvmod_kind
 * @devices:    HVMOD_DEV_* bits
 * @pmtmr_port: port of the PM timer or 0
 * @err:        in words
 *
 * Return: the VM's descriptor or a negative errno.
 */
int hvm_vm_create(int dev, u32 kind, u32 devices, u32 pmtmr_port, struct err *err);

/** hvm_vm_memory() - put @size bytes at @hva at guest-physical @gpa. */
int hvm_vm_memory(int vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva,
		  struct err *err);

/** hvm_vm_get_dirty() - read and clear the dirty bits of a range of pages. */
int hvm_vm_get_dirty(int vm, u32 slot, u64 first, u64 pages, u64 *bitmap);

/** hvm_irq_line() - set the level of an interrupt input. */
int hvm_irq_line(int vm, u32 gsi, u32 level);

/** hvm_msi() - send an MSI. Return: vCPUs that took it, or an errno. */
int hvm_msi(int vm, u64 addr, u32 data);

/** hvm_irqfd() - bind or unbind an eventfd to an interrupt. */
int hvm_irqfd(int vm, const struct hvmod_irqfd *irqfd);

/** hvm_ioeventfd() - bind or unbind an eventfd to a guest's write. */
int hvm_ioeventfd(int vm, const struct hvmod_ioeventfd *ioeventfd);

/** hvm_vm_get_state(), hvm_vm_set_state() - one group of a VM's state. */
int hvm_vm_get_state(int vm, u32 id, void *data, u32 size);
int hvm_vm_set_state(int vm, u32 id, const void *data, u32 size);

/** hvm_vm_stat() - counters of a VM. */
int hvm_vm_stat(int vm, struct hvmod_vm_stat *stat);

/** hvm_xen_set_param() - set an HVM parameter of a Xen guest. */
int hvm_xen_set_param(int vm, u32 index, u64 value);

/**
 * hvm_xen_memory() - limit a Xen guest's memory, and be told what it gives back
 * @vm:    the VM
 * @max:   pages that it may have; 0: all that there are
 * @pages: pages that it has now, or NULL
 *
 * From now on HVMOD_EXIT_XEN_MEMORY comes.
 */
int hvm_xen_memory(int vm, u64 max, u64 *pages);

/** hvm_xen_take() - take frames from a Xen guest until its balloon asks for them. */
int hvm_xen_take(int vm, u64 gfn, u64 pages);

/** hvm_xen_map() - what a Xen guest is told that its memory map is. */
int hvm_xen_map(int vm, const struct hvmod_xen_map_entry *map, u32 count);

/**
 * hvm_xen_calls() - hypercalls that the guest has made
 * @vm:    the VM
 * @calls: filled in
 * @count: room in @calls; entries filled in
 *
 * Return: 0, -E2BIG with @count set to what is needed, -errno.
 */
int hvm_xen_calls(int vm, struct hvmod_xen_call *calls, u32 *count);

/**
 * hvm_xen_bind() - make an event channel of the guest and be its far end
 * @vm:   VM descriptor
 * @kick: eventfd that is signalled when the guest sends
 * @port: the guest's port, filled in
 */
int hvm_xen_bind(int vm, int kick, u32 *port);

/**
 * hvm_xen_connect() - be the far end of a port that waits for the back end
 * @vm:   VM descriptor
 * @port: the guest's port, any number
 * @kick: eventfd that is signalled when the guest sends
 */
int hvm_xen_connect(int vm, u32 port, int kick);

/** hvm_xen_disconnect() - give that end back; -ENOENT: the guest closed it. */
int hvm_xen_disconnect(int vm, u32 port);

/** hvm_xen_send() - send the guest an event. */
int hvm_xen_send(int vm, u32 port);

/**
 * hvm_xen_resume() - a guest that shut down goes on
 * @vm:    VM descriptor
 * @reset: forget what its old kernel told Xen (SHUTDOWN_soft_reset)
 */
int hvm_xen_resume(int vm, bool reset);

/**
 * hvm_vcpu_create() - make a vCPU and map its run page
 * @dev:  device descriptor
 * @vm:   VM descriptor
 * @id:   number and APIC id
 * @vcpu: filled in
 * @err:  in words
 *
 * Return: 0; on failure nothing stays open.
 */
int hvm_vcpu_create(int dev, int vm, u32 id, struct hvm_vcpu *vcpu, struct err *err);

/** hvm_vcpu_destroy() - unmap and close; no thread may be in hvm_vcpu_run(). */
void hvm_vcpu_destroy(struct hvm_vcpu *vcpu);

/**
 * hvm_vcpu_run() - enter the guest until it needs the caller
 * @vcpu: the vCPU
 *
 * Return: 0 and vcpu->run->exit_reason, -EINTR after a signal or with
 * immediate_exit, another errno as uapi/hvmod.h says.
 * Context: the vCPU's thread only.
 */
int hvm_vcpu_run(struct hvm_vcpu *vcpu);

/** hvm_vcpu_get_state(), hvm_vcpu_set_state() - one group of its state. */
int hvm_vcpu_get_state(struct hvm_vcpu *vcpu, u32 id, void *data, u32 size);
int hvm_vcpu_set_state(struct hvm_vcpu *vcpu, u32 id, const void *data, u32 size);

/** hvm_vcpu_get_msrs(), hvm_vcpu_set_msrs() - @done tells how far it came. */
int hvm_vcpu_get_msrs(struct hvm_vcpu *vcpu, struct hvmod_msr *msrs, u32 count, u32 *done);
int hvm_vcpu_set_msrs(struct hvm_vcpu *vcpu, const struct hvmod_msr *msrs, u32 count,
		      u32 *done);

/** hvm_vcpu_set_cpuid() - give it its CPUID table, before its first run. */
int hvm_vcpu_set_cpuid(struct hvm_vcpu *vcpu, const struct hvmod_cpuid_entry *entries,
		       u32 count);

/** hvm_vcpu_nmi() - send it an NMI. */
int hvm_vcpu_nmi(struct hvm_vcpu *vcpu);

/** hvm_vcpu_stat() - its counters. */
int hvm_vcpu_stat(struct hvm_vcpu *vcpu, struct hvmod_vcpu_stat *stat);

/**
 * hvm_vcpu_exits() - its last exits, oldest first
 * @vcpu:    the vCPU
 * @records: array
 * @room:    its length
 *
 * Return: records written or a negative errno.
 */
int hvm_vcpu_exits(struct hvm_vcpu *vcpu, struct hvmod_exit_record *records, u32 room);

/**
 * hvm_exit_name() - the name of a VMX basic exit reason
 * @reason: its number; any value
 *
 * Return: a short name, "?" when there is none.
 */
const char *hvm_exit_name(u32 reason);

#endif /* USERSPACE_LIB_HVM_H */
