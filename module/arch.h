/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The seam: everything that module/ asks of an architecture, and nothing else.
 * arch/x86/ implements it.  The other direction is module/{vm,mem,iobus,irq}.h.
 */
#ifndef MODULE_ARCH_H
#define MODULE_ARCH_H

#include <linux/types.h>

#include "module/vm.h"

/* ---- host, see host.c for the order ---- */

/*
 * Looks at the CPU and refuses with a sentence in the log before anything is
 * touched: -ENODEV no such hardware, -EACCES firmware disabled it, -EBUSY
 * another hypervisor has it, -EOPNOTSUPP a required control is missing.
 */
int arch_check(void);
/* Memory for every possible CPU, tables.  -ENOMEM. */
int arch_setup(void);
void arch_teardown(void);
/* This CPU, interrupts off.  -EBUSY, -EIO. */
int arch_cpu_enable(void);
/* This CPU, interrupts off, also in a crash: never fails, idempotent. */
void arch_cpu_disable(void);
/* The same from a crash or a reboot, NMI context: touches no lock. */
void arch_cpu_crash(void);
/* -EINVAL: unknown id. */
int arch_cap(u32 id, u64 *value);

/* ---- VM ---- */

int arch_vm_init(struct vm *vm);	/* vm->lock not needed yet */
void arch_vm_destroy(struct vm *vm);	/* after all vCPUs are freed */
long arch_vm_ioctl_state(struct vm *vm, const struct hvmod_state *args, bool set);
void arch_vm_stat(struct vm *vm, struct hvmod_vm_stat *stat);
int arch_get_cpuid(struct hvmod_cpuid *args);	/* HVMOD_GET_CPUID */
int arch_get_msr_list(struct hvmod_msrs *args);	/* HVMOD_GET_MSR_LIST */

/* ---- vCPU; vcpu->lock held, except at creation ---- */

int arch_vcpu_init(struct vcpu *vcpu);
void arch_vcpu_destroy(struct vcpu *vcpu);
long arch_vcpu_state(struct vcpu *vcpu, const struct hvmod_state *args, bool set);
long arch_vcpu_msrs(struct vcpu *vcpu, struct hvmod_msrs *args, bool set);
long arch_vcpu_set_cpuid(struct vcpu *vcpu, struct hvmod_cpuid *args);
void arch_vcpu_nmi(struct vcpu *vcpu);

/* Preemption disabled: this physical CPU takes the vCPU, gives it back. */
void arch_vcpu_load(struct vcpu *vcpu, int cpu);
void arch_vcpu_put(struct vcpu *vcpu);

/* Once around HVMOD_VCPU_RUN, preemption enabled: the guest's FPU and such. */
void arch_run_begin(struct vcpu *vcpu);
void arch_run_end(struct vcpu *vcpu);

/*
 * The instruction that waited for user space gets its answer from vcpu->run.
 * RUN_RESUME, RUN_TO_USER (it wants another one) or an errno.
 */
int arch_complete_user(struct vcpu *vcpu);

/* Has it anything to run for?  False: it may block.  vCPU thread, loaded. */
bool arch_vcpu_runnable(struct vcpu *vcpu);
/* It waits without a time limit: tell timers to wake it.  And back. */
void arch_vcpu_block(struct vcpu *vcpu);
void arch_vcpu_unblock(struct vcpu *vcpu);
/*
 * Before each entry: takes INIT and SIPI, and ends a halt that has something to
 * end it.  False: it has nothing to run for.  This alone decides: an event
 * that comes after it must not let a vCPU in that counts as halted.
 */
bool arch_vcpu_unhalt(struct vcpu *vcpu);
/*
 * Something was done that may have let an interrupt through: the next entry looks
 * at the controllers.  vcpu->lock held.
 */
void arch_irq_check(struct vcpu *vcpu);

/*
 * Enters the guest, again and again, until something needs the run loop.
 * Called with preemption enabled and vCPU loaded.  enum run_next or errno.
 */
int arch_vcpu_enter(struct vcpu *vcpu);

/* Of an index of hvmod_vcpu_stat.exits; NULL: no such reason. */
const char *arch_exit_name(u32 reason);

/* ---- for module/xen/ ---- */

struct pvclock_vcpu_time_info;
struct vcpu_hvm_context;

/* The host's counter now, and ns since it had another value.  Any context. */
u64 arch_clock_tsc(void);
u64 arch_clock_ns(u64 since);
/* The clock by which the guest computes arch_clock_ns(since) on this vCPU. */
void arch_clock_get(struct vcpu *vcpu, u64 since, struct pvclock_vcpu_time_info *clock);

/*
 * The guest's own address space, with its kernel's rights; vCPU thread.  -EFAULT.
 * atomic: interrupts are off; -EAGAIN: try again from where one may sleep.
 */
int arch_guest_read(struct vcpu *vcpu, u64 gva, void *buf, size_t len, bool atomic);
int arch_guest_write(struct vcpu *vcpu, u64 gva, const void *buf, size_t len);

/* An interrupt at the vCPU's local controller; false: that is off.  vCPU thread. */
bool arch_xen_upcall(struct vcpu *vcpu, u8 vector);
/* Would it take an interrupt?  vCPU thread. */
bool arch_vcpu_irqs_on(struct vcpu *vcpu);
/* It waits for an interrupt from its next entry on.  vCPU thread. */
void arch_vcpu_halt(struct vcpu *vcpu);
/*
 * VCPUOP_initialise of a vCPU with translated memory: may it start like this?
 * Any context that may sleep.  -EINVAL.
 */
int arch_xen_context_check(struct vcpu *vcpu, const struct vcpu_hvm_context *context);
/* It starts like this: a reset, then these registers.  vCPU thread.  -EINVAL. */
int arch_xen_context_load(struct vcpu *vcpu, const struct vcpu_hvm_context *context);
/* A page of hypercall stubs.  vCPU thread, process context.  -EFAULT. */
int arch_xen_hypercall_page(struct vcpu *vcpu, u64 gfn);

/* ---- interrupts: any context ---- */

/* -EINVAL: gsi; -ENODEV. */
int arch_irq_line(struct vm *vm, enum irq_source source, u32 gsi, bool level);
/* How many vCPUs took it, or -EINVAL. */
int arch_irq_msi(struct vm *vm, u64 addr, u32 data);

/* ---- second-level translation; locks: see mem.h ---- */

#define ARCH_MMU_4K	1
#define ARCH_MMU_2M	2
#define ARCH_MMU_1G	3

/* May sleep: pages for the tables that a map needs.  -ENOMEM. */
int arch_mmu_prepare(struct vcpu *vcpu);
/* Largest level that may be used at all. */
int arch_mmu_max_level(void);
/*
 * Puts in a leaf; mem.lock held for reading; gfn and pfn are aligned to the
 * level.  Several vCPUs may do so at once.  A leaf that is there already gets
 * the union of rights if the pfn is the same.  -EAGAIN: lost a race, fault
 * again; -EEXIST: a table for smaller leaves is where a larger one is to go, and
 * arch_mmu_unmap() of that range takes it away.
 */
int arch_mmu_map(struct vcpu *vcpu, u64 gfn, u64 pfn, int level, u32 prot);
/*
 * Does the hardware log writes to pages mapped with MEM_ACC_CLEAN, and make
 * arch_mmu_wrprotect() such pages?  It may end to, with mem.lock held for writing.
 */
bool arch_mmu_logs(struct vm *vm);
/* What vCPUs wrote before the call is in the log of dirty pages. */
void arch_mmu_log_sync(struct vm *vm);
/* mem.lock held for writing.  True: arch_mmu_flush() is needed. */
bool arch_mmu_unmap(struct vm *vm, u64 gfn, u64 pages);
/* The same; removes write permission, splits larger leaves of the range. */
bool arch_mmu_wrprotect(struct vm *vm, u64 gfn, u64 pages);
/* mem.lock held for writing.  Was any page accessed since the last clear? */
bool arch_mmu_age(struct vm *vm, u64 gfn, u64 pages, bool clear);
/*
 * No CPU uses an old translation when it returns.  May be called under
 * mem.lock, never sleeps, interrupts enabled.
 */
void arch_mmu_flush(struct vm *vm);

#endif /* MODULE_ARCH_H */
