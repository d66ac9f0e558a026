/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine's counters as JSON, and as text for people.  The control socket
 * hands them out, "hvctl stat" and the end of "hvctl run --stat" print them.
 * It must only read, and cope with a module that answers no more.
 */
#ifndef USERSPACE_STAT_H
#define USERSPACE_STAT_H

#include <jansson.h>

#include "userspace/machine.h"

/**
 * stat_json() - all counters
 *
 * {"name", "vcpus": [{"id", "entries", ..., "exits": {name: count}}],
 * "vm": {...}, "hypercalls": {name: {"calls", "missing"}}, "tsc_khz",
 * "unknown_ports", "unknown_addresses"}; ticks are of the host's TSC.  Return: a
 * new object.
 */
json_t *stat_json(struct machine *m);

/** stat_trace() - the last exits of each vCPU, oldest first; a new array. */
json_t *stat_trace(struct machine *m);

/** stat_resident() - bytes of guest memory that the host has given. */
u64 stat_resident(struct machine *m);

/** stat_print() - what stat_json() gave, as lines of text. */
void stat_print(const json_t *stat, void (*line)(const char *fmt, ...));

/** stat_print_trace() - what stat_trace() gave. */
void stat_print_trace(const json_t *vcpus, void (*line)(const char *fmt, ...));

#endif /* USERSPACE_STAT_H */
