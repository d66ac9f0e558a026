/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters, for ioctls and in debugfs: hvmod/vm<id>/stat and .../vcpu<id>.
 * Called by vm.c and dev.c.  It only reads; whoever does something counts it.
 */
#ifndef MODULE_STAT_H
#define MODULE_STAT_H

#include <linux/types.h>

struct vm;
struct vcpu;
struct hvmod_exits;
struct hvmod_vcpu_stat;
struct hvmod_vm_stat;

/* At load and unload; process context.  Without debugfs nothing is missed. */
void stat_init(void);
void stat_exit(void);

/* Process context.  Removing waits for readers. */
void stat_vm_add(struct vm *vm);
void stat_vm_remove(struct vm *vm);
/* vm->lock held. */
void stat_vcpu_add(struct vcpu *vcpu);

/* HVMOD_VM_STAT, HVMOD_VCPU_STAT: racy copies. */
void stat_vm_get(struct vm *vm, struct hvmod_vm_stat *stat);
void stat_vcpu_get(struct vcpu *vcpu, struct hvmod_vcpu_stat *stat);
/* HVMOD_VCPU_EXITS, at best consistent when the vCPU does not run.  -EFAULT. */
int stat_vcpu_exits(struct vcpu *vcpu, struct hvmod_exits *args);

#endif /* MODULE_STAT_H */
