// SPDX-License-Identifier: GPL-2.0
/*
 * The two-level event ABI: a pending and a mask bit for each port.  evtchn.c
 * calls it with ports that it has checked.  It must take the guest's word for
 * nothing: the bits are shared memory.
 */
#include <linux/bitops.h>

#include "module/xen/evtchn.h"

bool evtchn_2l_set(const struct evtchn_2l *e, u32 port)
{
	if (test_and_set_bit(port, e->pending))
		return false;
	return !test_bit(port, e->mask);
}

bool evtchn_2l_unmask(const struct evtchn_2l *e, u32 port)
{
	return test_and_clear_bit(port, e->mask) && test_bit(port, e->pending);
}

bool evtchn_2l_pending(const struct evtchn_2l *e, u32 port)
{
	return test_bit(port, e->pending);
}

void evtchn_2l_clear(const struct evtchn_2l *e, u32 port)
{
	clear_bit(port, e->pending);
}
