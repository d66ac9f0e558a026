/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a user is told of a machine: its counters, and why it crashed.
 * launch.c calls it.  It must not change the machine.
 */
#ifndef USERSPACE_REPORT_H
#define USERSPACE_REPORT_H

#include "userspace/machine.h"

/** report_stat() - exits by reason, memory, accesses; it may still run. */
void report_stat(struct machine *m);

/** report_crash() - the sentence, registers and the last exits. */
void report_crash(struct machine *m);

#endif /* USERSPACE_REPORT_H */
