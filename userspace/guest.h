/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest from its first start to the end of the process: the machine that it
 * has at the moment, its state, and its control socket.  launch.c keeps it, the
 * control socket's commands act on it, all in the main thread.  It must not
 * outlive the launcher's process.
 */
#ifndef USERSPACE_GUEST_H
#define USERSPACE_GUEST_H

#include "userspace/control/control.h"
#include "userspace/launch.h"

/** enum guest_state - what it does */
enum guest_state {
	GUEST_RUNS,
	GUEST_PAUSED,
	GUEST_OFF,		/* it switched itself off and is preserved */
	GUEST_CRASHED,		/* it could not go on and is preserved */
};

/**
 * struct guest - a guest
 * @launch:  what it is to be
 * @machine: as it is now
 * @control: its socket
 * @state:   enum guest_state
 * @started: seconds since the epoch
 * @boots:   how often it started
 * @destroy: the process is to end, though the guest is preserved
 */
struct guest {
	struct launch *launch;
	struct machine machine;
	struct control control;
	enum guest_state state;
	s64 started;
	u32 boots;
	bool destroy;
};

/** guest_lives() - is there a machine that runs or could go on? */
static inline bool guest_lives(const struct guest *guest)
{
	return guest->state == GUEST_RUNS || guest->state == GUEST_PAUSED;
}

#endif /* USERSPACE_GUEST_H */
