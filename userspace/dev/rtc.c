// SPDX-License-Identifier: GPL-2.0
/*
 * The CMOS memory and real-time clock.  The bus calls it.  It must not give a
 * time that is torn: registers are made anew from one reading of the clock, and
 * update-in-progress is shown before each change as the chip does.
 */
#include <string.h>

#include "userspace/boot/layout.h"
#include "userspace/dev/rtc.h"
#include "userspace/lib/mem.h"

enum {
	RTC_SEC = 0, RTC_SEC_ALARM, RTC_MIN, RTC_MIN_ALARM, RTC_HOUR, RTC_HOUR_ALARM,
	RTC_WDAY, RTC_MDAY, RTC_MONTH, RTC_YEAR, RTC_A, RTC_B, RTC_C, RTC_D,
};

#define CMOS_EQUIPMENT	0x14
#define CMOS_BASE_MEM	0x15
#define CMOS_EXT_MEM	0x17
#define CMOS_EXT_MEM2	0x30
#define CMOS_MEM_16M	0x34
#define CMOS_MEM_4G	0x5b

#define A_UIP		BIT(7)
#define A_DEFAULT	0x26	/* 32768 Hz, 1024 Hz periodic rate */
#define B_SET		BIT(7)
#define B_BINARY	BIT(2)
#define B_24H		BIT(1)
#define D_VALID		BIT(7)
#define HOUR_PM		0x80

/* The chip shows UIP 244 microseconds before it changes the registers. */
#define UIP_NS		244000
#define NS		1000000000L

static bool is_clock(u8 i)
{
	return i == RTC_SEC || i == RTC_MIN || i == RTC_HOUR ||
	       (i >= RTC_WDAY && i <= RTC_YEAR) || i == RTC_CENTURY;
}

static u8 encode(const struct rtc *rtc, unsigned int v)
{
	return rtc->cmos[RTC_B] & B_BINARY ? v : v / 10 << 4 | v % 10;
}

static unsigned int decode(const struct rtc *rtc, u8 v)
{
	return rtc->cmos[RTC_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 0xf);
}

/* Fill the clock's registers in for a time. */
static void show(struct rtc *rtc, s64 seconds)
{
	time_t t = (time_t)seconds;
	unsigned int hour, year;
	u8 *c = rtc->cmos;
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	hour = tm.tm_hour;
	year = tm.tm_year + 1900;
	c[RTC_SEC] = encode(rtc, tm.tm_sec);
	c[RTC_MIN] = encode(rtc, tm.tm_min);
	if (c[RTC_B] & B_24H)
		c[RTC_HOUR] = encode(rtc, hour);
	else
		c[RTC_HOUR] = encode(rtc, hour % 12 ? hour % 12 : 12) |
			      (hour >= 12 ? HOUR_PM : 0);
	c[RTC_WDAY] = encode(rtc, tm.tm_wday + 1);
	c[RTC_MDAY] = encode(rtc, tm.tm_mday);
	c[RTC_MONTH] = encode(rtc, tm.tm_mon + 1);
	c[RTC_YEAR] = encode(rtc, year % 100);
	c[RTC_CENTURY] = encode(rtc, year / 100 % 100);
}

/* The time that the registers name; nonsense is normalised by timegm(). */
static s64 registers(const struct rtc *rtc)
{
	const u8 *c = rtc->cmos;
	struct tm tm = { 0 };
	unsigned int hour = c[RTC_HOUR];

	if (c[RTC_B] & B_24H)
		hour = decode(rtc, hour);
	else
		hour = decode(rtc, hour & ~HOUR_PM) % 12 + (hour & HOUR_PM ? 12 : 0);
	tm.tm_sec = decode(rtc, c[RTC_SEC]);
	tm.tm_min = decode(rtc, c[RTC_MIN]);
	tm.tm_hour = hour;
	tm.tm_mday = decode(rtc, c[RTC_MDAY]);
	tm.tm_mon = (int)decode(rtc, c[RTC_MONTH]) - 1;
	tm.tm_year = decode(rtc, c[RTC_CENTURY]) * 100 + decode(rtc, c[RTC_YEAR]) - 1900;
	return timegm(&tm);
}

static struct timespec host_time(const struct rtc *rtc)
{
	struct timespec ts = { 0 };

	rtc->now(&ts);
	return ts;
}

static u8 read_reg(struct rtc *rtc, u8 i)
{
	struct timespec ts;
	u8 value;

	if (i == RTC_A) {
		ts = host_time(rtc);
		value = rtc->cmos[RTC_A] & ~A_UIP;
		if (!(rtc->cmos[RTC_B] & B_SET) && ts.tv_nsec >= NS - UIP_NS)
			value |= A_UIP;
		return value;
	}
	if (i == RTC_C) {
		value = rtc->cmos[RTC_C];
		rtc->cmos[RTC_C] = 0;
		return value;
	}
	if (is_clock(i) && !(rtc->cmos[RTC_B] & B_SET)) {
		ts = host_time(rtc);
		show(rtc, ts.tv_sec + rtc->offset);
	}
	return rtc->cmos[i];
}

static void write_b(struct rtc *rtc, u8 value)
{
	bool was = rtc->cmos[RTC_B] & B_SET, set = value & B_SET;
	struct timespec ts = host_time(rtc);

	/* The registers hold still while SET is one and go on from there. */
	if (!was) {
		rtc->halted = ts.tv_sec + rtc->offset;
		show(rtc, rtc->halted);
	}
	if (was && !set) {
		rtc->offset = registers(rtc) - ts.tv_sec;
		rtc->cmos[RTC_B] = value;
		return;
	}
	/* A change of format while the clock runs shows at the next reading. */
	rtc->cmos[RTC_B] = value;
}

static void write_reg(struct rtc *rtc, u8 i, u8 value)
{
	struct timespec ts;

	switch (i) {
	case RTC_A:
		rtc->cmos[i] = value & ~A_UIP;
		return;
	case RTC_B:
		write_b(rtc, value);
		return;
	case RTC_C:
	case RTC_D:
		return;
	}
	if (is_clock(i) && !(rtc->cmos[RTC_B] & B_SET)) {
		ts = host_time(rtc);
		show(rtc, ts.tv_sec + rtc->offset);
		rtc->cmos[i] = value;
		rtc->offset = registers(rtc) - ts.tv_sec;
		return;
	}
	rtc->cmos[i] = value;
}

static u32 rtc_read(void *dev, u32 offset, u32 size)
{
	struct rtc *rtc = dev;
	u8 value;

	(void)size;
	if (!offset)
		return 0xff;	/* the index cannot be read back */
	pthread_mutex_lock(&rtc->lock);
	value = read_reg(rtc, rtc->index % RTC_BYTES);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct rtc *rtc = dev;

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	if (!offset)
		rtc->index = (u8)value;	/* bit 7 masks NMIs on a PC: there are none */
	else
		write_reg(rtc, rtc->index % RTC_BYTES, (u8)value);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops rtc_ops = {
	.read = rtc_read,
	.write = rtc_write,
};

static int wall_clock(struct timespec *ts)
{
	return clock_gettime(CLOCK_REALTIME, ts);
}

static void put_le(u8 *p, u64 value, unsigned int bytes)
{
	u64 max = (1ULL << (bytes * 8)) - 1;

	if (value > max)
		value = max;
	for (; bytes--; value >>= 8)
		*p++ = (u8)value;
}

void rtc_init(struct rtc *rtc, u64 low, u64 high)
{
	u64 ext = low > MIB ? (low - MIB) / KIB : 0;

	memset(rtc, 0, sizeof(*rtc));
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->now = wall_clock;
	rtc->cmos[RTC_A] = A_DEFAULT;
	rtc->cmos[RTC_B] = B_24H;
	rtc->cmos[RTC_D] = D_VALID;
	rtc->cmos[CMOS_EQUIPMENT] = 1U << 1;	/* an FPU, no display, no floppy */
	put_le(&rtc->cmos[CMOS_BASE_MEM], 640, 2);
	put_le(&rtc->cmos[CMOS_EXT_MEM], ext, 2);
	put_le(&rtc->cmos[CMOS_EXT_MEM2], ext, 2);
	put_le(&rtc->cmos[CMOS_MEM_16M], low > 16 * MIB ? (low - 16 * MIB) / (64 * KIB) : 0, 2);
	put_le(&rtc->cmos[CMOS_MEM_4G], high / (64 * KIB), 3);
}

int rtc_add(struct rtc *rtc, struct bus *bus)
{
	struct bus_region region = {
		.base = PORT_RTC,
		.len = 2,
		.max_size = 1,
		.name = "rtc",
		.ops = &rtc_ops,
		.dev = rtc,
	};

	return bus_add(bus, &region);
}
