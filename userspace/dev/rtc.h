/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CMOS memory and real-time clock, an MC146818 with a century byte.  The
 * bus calls it.  It gives the host's time, as UTC or as the guest set it; it has
 * no interrupts: periodic, alarm and update interrupts never come, which guests
 * that have a local APIC do not miss.
 */
#ifndef USERSPACE_DEV_RTC_H
#define USERSPACE_DEV_RTC_H

#include <pthread.h>
#include <time.h>

#include "userspace/dev/bus.h"

#define RTC_BYTES	128

/**
 * struct rtc - the clock; all is under @lock
 * @now:    where the time comes from: clock_gettime() or a test's own
 * @index:  last value written to port 0x70
 * @cmos:   registers and memory
 * @offset: guest's time minus the host's, seconds
 * @halted: seconds since 1970 at which SET stopped the clock
 */
struct rtc {
	pthread_mutex_t lock;
	int (*now)(struct timespec *ts);
	u8 index;
	u8 cmos[RTC_BYTES];
	s64 offset;
	s64 halted;
};

/**
 * rtc_init() - as a PC's firmware leaves it
 * @rtc:  the clock
 * @low:  bytes of memory below 4 GiB
 * @high: bytes of memory above
 */
void rtc_init(struct rtc *rtc, u64 low, u64 high);

/** rtc_add() - put it on a bus at ports 0x70 and 0x71. Return: bus_add()'s. */
int rtc_add(struct rtc *rtc, struct bus *bus);

#endif /* USERSPACE_DEV_RTC_H */
