/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM that consists of nothing but its interrupt hardware, for the KUnit
 * suites of this folder.  dev_test.c has the stand-ins for what the devices call
 * outside.  Only *_test.c include it.
 */
#ifndef ARCH_X86_DEV_DEV_TEST_H
#define ARCH_X86_DEV_DEV_TEST_H

#include <kunit/test.h>

#include "module/vm.h"

/* A VM with these devices and vCPUs 0 to nr - 1; dev_test_free() is due. */
struct vm *dev_test_vm(struct kunit *test, u32 devices, u32 nr);
void dev_test_free(struct vm *vm);

/* Ends of level-triggered interrupts since the last call, one bit an input. */
u32 dev_test_ended(void);
/* Was the vCPU told to look at its interrupts, since the last call? */
bool dev_test_told(struct vcpu *vcpu);

/* A guest's access to a port or an address of a device. */
u32 dev_test_in(struct vm *vm, u64 addr, int len);
void dev_test_out(struct vm *vm, u64 addr, int len, u32 value);

extern struct kunit_suite vlapic_suite;
extern struct kunit_suite vioapic_suite;
extern struct kunit_suite vpic_suite;
extern struct kunit_suite vpit_suite;

#endif /* ARCH_X86_DEV_DEV_TEST_H */
