// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's devices as a guest meets them: the probes that Linux makes of
 * the serial port, clock, power management, PCI; CPUID tables; and random
 * accesses to all of it.  Run by selftests/unit/Makefile; TAP on stdout, exit
 * status 0 or 1.  It must not need a device or any privilege.
 */
/* SOURCES: userspace/dev/bus.c userspace/dev/serial.c userspace/dev/rtc.c userspace/dev/pm.c */
/* SOURCES: userspace/dev/ports.c userspace/dev/pci.c userspace/cpuid.c userspace/parse.c */
/* SOURCES: userspace/log.c userspace/lib/err.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/boot/layout.h"
#include "userspace/cmd.h"
#include "userspace/cpuid.h"
#include "userspace/dev/pci.h"
#include "userspace/dev/pm.h"
#include "userspace/dev/ports.h"
#include "userspace/dev/rtc.h"
#include "userspace/dev/serial.h"
#include "userspace/lib/mem.h"
#include "selftests/unit/unit.h"

static struct bus bus;
static struct serial serial;
static struct rtc rtc;
static struct pm pm;
static struct ports ports;
static struct pci pci;

static u8 sent[64];
static unsigned int sent_count, edges, resets, poweroffs, rooms;
static bool irq_level, sci_level;
static struct timespec now = { .tv_sec = 1700000000 };	/* 2023-11-14 22:13:20 UTC */

static bool blocked;

static bool on_output(void *arg, u8 byte)
{
	(void)arg;
	sent[sent_count++ % sizeof(sent)] = byte;
	return !blocked;
}

static void on_irq(void *arg, bool level)
{
	(void)arg;
	irq_level = level;
	edges += level;
}

static void on_room(void *arg)
{
	(void)arg;
	rooms++;
}

static void on_sci(void *arg, bool level)
{
	(void)arg;
	sci_level = level;
}

static void on_poweroff(void *arg)
{
	(void)arg;
	poweroffs++;
}

static void on_reset(void *arg)
{
	(void)arg;
	resets++;
}

static int fake_now(struct timespec *ts)
{
	*ts = now;
	return 0;
}

static void setup(void)
{
	static const struct serial_host host = {
		.output = on_output, .irq = on_irq, .room = on_room,
	};

	bus_init(&bus, "port");
	serial_init(&serial, &host);
	rtc_init(&rtc, 3 * GIB, 2 * GIB);
	rtc.now = fake_now;
	pm_init(&pm, NULL, on_poweroff, on_sci);
	ports_init(&ports, NULL, on_reset, NULL);
	pci_init(&pci, &ports);
	if (serial_add(&serial, &bus, PORT_COM1) || rtc_add(&rtc, &bus) || pm_add(&pm, &bus) ||
	    ports_add(&ports, &bus) || pci_add(&pci, &bus))
		abort();
	sent_count = 0;
	edges = 0;
	resets = 0;
	poweroffs = 0;
	rooms = 0;
	irq_level = false;
	sci_level = false;
}

static u32 in(u32 port)
{
	return (u32)bus_read(&bus, port, 1);
}

static void out(u32 port, u32 value)
{
	bus_write(&bus, port, 1, value);
}

static void test_bus(void)
{
	struct bus_region overlap = { .base = PORT_COM1 + 7, .len = 4, .max_size = 1 };

	setup();
	result(bus_add(&bus, &overlap) < 0, "overlapping devices are refused");
	result(in(0x1234) == 0xff && bus_read(&bus, 0x1234, 4) == 0xffffffff &&
	       bus_read(&bus, ~0ULL, 8) == ~0ULL && atomic_load(&bus.unknown) > 2,
	       "nobody there: all ones, and counted");
	out(PORT_COM1 + 7, 0x5a);
	result(bus_read(&bus, PORT_COM1 + 7, 2) == 0xff5a, "an access over a device's end");
}

/* What Linux's 8250 driver asks before it believes in a 16550A. */
static void test_serial_probe(void)
{
	setup();
	out(PORT_COM1 + 1, 0);
	result((in(PORT_COM1 + 1) & 0xf) == 0, "IER keeps zeros");
	out(PORT_COM1 + 1, 0xf);
	result((in(PORT_COM1 + 1) & 0xf) == 0xf, "IER keeps ones");
	out(PORT_COM1 + 1, 0);
	out(PORT_COM1 + 4, 0x1a);
	result((in(PORT_COM1 + 6) & 0xf0) == 0x90, "loopback of the modem lines");
	out(PORT_COM1 + 4, 0);
	out(PORT_COM1 + 2, 1);
	result(in(PORT_COM1 + 2) >> 6 == 3, "IIR tells a 16550A");
	out(PORT_COM1 + 3, 0x83);
	out(PORT_COM1, 1);
	out(PORT_COM1 + 1, 2);
	result(in(PORT_COM1) == 1 && in(PORT_COM1 + 1) == 2, "divisor latch");
	out(PORT_COM1 + 3, 3);
	out(PORT_COM1 + 7, 0xa5);
	result(in(PORT_COM1 + 7) == 0xa5, "scratch register");
}

static void test_serial_send(void)
{
	unsigned int i;

	setup();
	out(PORT_COM1 + 2, 7);
	out(PORT_COM1 + 4, 0xb);
	out(PORT_COM1 + 1, 2);
	result(irq_level && in(PORT_COM1 + 2) == 0xc2, "an empty transmitter interrupts");
	result(!irq_level && in(PORT_COM1 + 2) == 0xc1, "reading IIR ends that");
	for (i = 0; i < 16; i++)
		out(PORT_COM1, 'a' + i);
	result(sent_count == 16 && sent[15] == 'p' && irq_level && edges == 2,
	       "a FIFO of bytes is sent with one more interrupt");
	out(PORT_COM1 + 1, 0);
	out(PORT_COM1 + 1, 2);
	result(edges == 3, "enabling it again raises it again");
	out(PORT_COM1 + 2, 0);
	in(PORT_COM1 + 2);
	out(PORT_COM1, 'x');
	out(PORT_COM1, 'y');
	result(edges >= 5, "without FIFOs each byte is an edge");
}

/* A reader that does not read: the guest is told to wait, no vCPU is. */
static void test_serial_stuck(void)
{
	setup();
	out(PORT_COM1 + 4, 0xb);
	blocked = true;
	out(PORT_COM1, 'a');
	out(PORT_COM1 + 1, 2);
	result(!(in(PORT_COM1 + 5) & 0x60), "the transmitter is full while nobody reads");
	result(!irq_level && in(PORT_COM1 + 2) == 1, "and does not interrupt");
	blocked = false;
	serial_sent(&serial);
	result((in(PORT_COM1 + 5) & 0x60) == 0x60, "it is empty when somebody reads");
	result(irq_level && in(PORT_COM1 + 2) == 2, "and interrupts");
}

/* What firmware does: no interrupts, no modem lines, LSR until there is one. */
static void test_serial_poll(void)
{
	unsigned int i, got = 0;

	setup();
	serial_input(&serial, (const u8 *)"0123456789abcdefghijklmnop", 26);
	for (i = 0; i < 6; i++) {
		in(PORT_COM1 + 5);
		out(PORT_COM1, 'x');
	}
	in(PORT_COM1 + 5);
	in(PORT_COM1);
	out(PORT_COM1 + 2, 7);
	result(serial.queue_count == 26, "probing and sending take no input");
	for (i = 0; i < 100; i++)
		if (in(PORT_COM1 + 5) & 1)
			got += in(PORT_COM1) != 0;
	result(got == 26, "polling does");
}

static void test_serial_receive(void)
{
	static u8 lots[SERIAL_QUEUE + 100];
	unsigned int i, taken, got = 0;
	bool ok = true;

	setup();
	serial_input(&serial, (const u8 *)"early", 5);
	result(!(in(PORT_COM1 + 5) & 1), "input waits until the guest is ready");
	out(PORT_COM1 + 2, 0xc1);
	out(PORT_COM1 + 1, 1);
	out(PORT_COM1 + 4, 0xb);
	result(irq_level && (in(PORT_COM1 + 2) & 0xf) == 0xc, "few bytes: a timeout interrupt");
	result(in(PORT_COM1) == 'e' && in(PORT_COM1) == 'a' && in(PORT_COM1 + 5) & 1,
	       "and the bytes");
	for (i = 0; i < 3; i++)
		in(PORT_COM1);
	result(!irq_level && !(in(PORT_COM1 + 5) & 1) && (in(PORT_COM1 + 2) & 0xf) == 1,
	       "all read: quiet");
	for (i = 0; i < sizeof(lots); i++)
		lots[i] = (u8)i;
	taken = serial_input(&serial, lots, sizeof(lots));
	result(taken == SERIAL_QUEUE && (in(PORT_COM1 + 2) & 0xf) == 4, "a full queue says so");
	while (in(PORT_COM1 + 5) & 1)
		ok = ok && in(PORT_COM1) == (u8)got++;
	result(ok && got == taken && rooms, "nothing is lost or turned round, room is told");
	serial_break(&serial);
	result((in(PORT_COM1 + 5) & 0x11) == 0x11 && in(PORT_COM1) == 0, "a break");
	out(PORT_COM1 + 4, 0x1b);
	for (i = 0; i < 20; i++)
		out(PORT_COM1, i);
	result(in(PORT_COM1 + 5) & 2 && in(PORT_COM1) == 0 && !irq_level && !sent_count,
	       "loopback: bytes come back, the overrun shows, the line is cut");
}

static u32 cmos(u32 i)
{
	out(PORT_RTC, i);
	return in(PORT_RTC + 1);
}

static void set_cmos(u32 i, u32 value)
{
	out(PORT_RTC, i);
	out(PORT_RTC + 1, value);
}

static void test_rtc(void)
{
	setup();
	result(cmos(0) == 0x20 && cmos(2) == 0x13 && cmos(4) == 0x22 && cmos(7) == 0x14 &&
	       cmos(8) == 0x11 && cmos(9) == 0x23 && cmos(RTC_CENTURY) == 0x20 && cmos(6) == 3,
	       "the time in BCD");
	set_cmos(0xb, 6);
	result(cmos(0) == 20 && cmos(4) == 22, "in binary");
	set_cmos(0xb, 0);
	result(cmos(4) == 0x90, "in twelve hours: 10 pm");
	set_cmos(0xb, 2);
	now.tv_nsec = 999900000;
	result(cmos(0xa) & 0x80, "update in progress before a second's end");
	now.tv_nsec = 0;
	result(!(cmos(0xa) & 0x80) && cmos(0xd) == 0x80, "and not after; the battery is good");
	set_cmos(0xb, 0x82);
	set_cmos(9, 0x30);
	set_cmos(4, 0x05);
	now.tv_sec += 3;
	result(cmos(0) == 0x20, "it stands while it is set");
	set_cmos(0xb, 2);
	now.tv_sec += 2;
	result(cmos(9) == 0x30 && cmos(4) == 5 && cmos(0) == 0x22, "and goes on from there");
	now.tv_sec = 1700000000;
	result(cmos(0x34) == 0 && cmos(0x35) == 0xbf && cmos(0x5c) == 0x80,
	       "memory sizes for firmware");
	set_cmos(0x0f, 0x5a);
	result(cmos(0x8f) == 0x5a, "bit 7 of the index is no address");
}

static void test_pm(void)
{
	setup();
	result(bus_read(&bus, PORT_PM1_CONTROL, 2) == 1, "ACPI mode is on");
	result(!pm_button(&pm) && !sci_level, "a button nobody listens to");
	bus_write(&bus, PORT_PM1_EVENT, 2, 0x100);
	bus_write(&bus, PORT_PM1_EVENT + 2, 2, 0x120);
	result(bus_read(&bus, PORT_PM1_EVENT, 4) == 0x01200000, "status clears, enable keeps");
	result(pm_button(&pm) && sci_level, "the button interrupts");
	bus_write(&bus, PORT_PM1_EVENT, 2, 0x100);
	result(!sci_level, "until it is acknowledged");
	bus_write(&bus, PORT_PM1_CONTROL, 2, 1U << 13 | 1U << 10);
	result(!poweroffs, "another sleep state is none");
	bus_write(&bus, PORT_PM1_CONTROL, 2, 1U << 13 | SLP_TYP_S5 << 10);
	result(poweroffs == 1 && !(bus_read(&bus, PORT_PM1_CONTROL, 2) & 1U << 13), "S5");
}

static void test_resets(void)
{
	setup();
	out(PORT_RESET, 2);
	result(!resets, "choosing the kind of reset is none");
	out(PORT_RESET, RESET_VALUE);
	out(PORT_SYSTEM_A, 2);
	out(PORT_KBD, 0xd1);
	result(resets == 1, "reset by 0xcf9");
	out(PORT_SYSTEM_A, 3);
	out(PORT_KBD, 0xfe);
	result(resets == 3, "by 0x92 and by the keyboard controller's command");
	result(in(PORT_KBD) == 0xff && in(PORT_SYSTEM_A) & 2, "no keyboard; A20 is open");
	/* What Linux does to find configuration mechanism 1. */
	out(0xcfb, 1);
	bus_write(&bus, PORT_PCI_ADDRESS, 4, 0x80000000);
	result(bus_read(&bus, PORT_PCI_ADDRESS, 4) == 0x80000000, "mechanism 1 is there");
	bus_write(&bus, PORT_PCI_ADDRESS, 4, 0x80000008);
	result(bus_read(&bus, PORT_PCI_DATA + 2, 2) == 0x0600, "with a host bridge");
	bus_write(&bus, PORT_PCI_ADDRESS, 4, 0x80000800);
	result(bus_read(&bus, PORT_PCI_DATA, 4) == 0xffffffff && resets == 3, "and nothing else");
}

static void add_leaf(struct cpuid_table *t, u32 leaf, u32 subleaf, u32 flags, u32 eax)
{
	struct hvmod_cpuid_entry *e = &t->entry[t->count++];

	memset(e, 0, sizeof(*e));
	e->leaf = leaf;
	e->subleaf = subleaf;
	e->flags = flags;
	e->eax = eax;
}

static bool fits(u32 id, u32 vcpus, u32 khz)
{
	struct cpuid_table t = { .count = 0 };
	struct hvmod_cpuid_entry *e;
	struct err err;

	add_leaf(&t, 0, 0, 0, 0xd);
	add_leaf(&t, 1, 0, 0, 0x306c3);
	add_leaf(&t, 4, 0, HVMOD_CPUID_SUBLEAF, 0x121);
	add_leaf(&t, 4, 3, HVMOD_CPUID_SUBLEAF, 0x163);
	add_leaf(&t, 0xb, 0, HVMOD_CPUID_SUBLEAF, 1);
	if (cpuid_fit(&t, id, vcpus, khz, &err))
		return false;
	e = cpuid_find(&t, 1, 0);
	if (e->ebx >> 24 != (id & 0xff) || !(e->ecx >> 31))
		return false;
	if ((e->edx >> 28 & 1) != (vcpus > 1 ? 1 : 0))
		return false;
	e = cpuid_find(&t, 0xb, 1);
	if (!e || e->ebx != vcpus || e->edx != id || 1U << e->eax < vcpus)
		return false;
	e = cpuid_find(&t, 4, 3);
	if ((e->eax >> 14 & 0xfff) + 1 < vcpus || (cpuid_find(&t, 4, 0)->eax >> 14 & 0xfff))
		return false;
	e = cpuid_find(&t, 0x15, 0);
	/* As the guest computes it, in 32 bits. */
	return cpuid_find(&t, 0, 0)->eax == 0x16 && e->ecx / 1000 * e->ebx / e->eax == khz &&
	       cpuid_find(&t, 0x16, 0)->eax == (khz + 500) / 1000;
}

static void test_cpuid(void)
{
	struct cpuid_table t = { .count = 0 };
	struct err err;

	result(fits(0, 1, 2500000) && fits(1, 2, 20000) && fits(2, 3, 3999999) &&
	       fits(1023, 1024, 4294967) && fits(5, 255, 5200000), "CPUID fits the vCPU");
	result(cpuid_fit(&t, 0, 1, 0, &err) < 0, "an empty table is refused");
	while (t.count < HVMOD_MAX_CPUID)
		add_leaf(&t, t.count, 0, 0, t.count ? 0 : 0x20);
	result(cpuid_fit(&t, 0, 1, 1000, &err) < 0, "a full table is refused");
	add_leaf((t.count = 0, &t), 7, 0, HVMOD_CPUID_SUBLEAF, 0);
	t.entry[0].ebx = ~0U;
	result(!cpuid_off(&t, "avx2") && t.entry[0].ebx == ~(1U << 5) && cpuid_off(&t, "avx9") < 0,
	       "a feature is switched off");
}

static void test_sizes(void)
{
	static const char * const bad[] = {
		"", "M", "512", "512MB", "-1M", " 1M", "1 M", "0x10M", "1.5G",
		"99999999999999999999999G", "4611686018427387905T", "1P",
	};
	unsigned int i;
	bool ok = true;
	struct err err;
	u64 size;
	u32 n;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok = ok && parse_size(bad[i], &size, &err) < 0;
	result(ok, "wrong sizes are refused");
	result(!parse_size("512M", &size, &err) && size == 512 * MIB &&
	       !parse_size("5g", &size, &err) && size == 5 * GIB &&
	       !parse_size("4k", &size, &err) && size == 4 * KIB, "sizes");
	result(parse_number("0", 1, 9, &n, &err) < 0 && parse_number("10", 1, 9, &n, &err) < 0 &&
	       parse_number("1x", 1, 9, &n, &err) < 0 && parse_number("", 1, 9, &n, &err) < 0 &&
	       parse_number("4294967297", 1, 9, &n, &err) < 0 &&
	       !parse_number("9", 1, 9, &n, &err) && n == 9, "numbers");
}

/* Any guest: no access may trip a sanitizer. */
static void test_random(void)
{
	static const u16 near[] = {
		PORT_COM1, PORT_RTC, PORT_PM1_EVENT, PORT_PM1_CONTROL, PORT_GPE0,
		PORT_PCI_ADDRESS, PORT_PCI_DATA, PORT_SYSTEM_A, PORT_KBD, PORT_BIOS_LOG,
	};
	unsigned int i;
	u8 byte;

	setup();
	for (i = 0; i < 500000; i++) {
		u64 r = rng(), port = near[r % ARRAY_SIZE(near)] + (r >> 8 & 15) - 4;
		u32 size = 1U << (r >> 16 & 3);

		if (r >> 20 & 1)
			bus_write(&bus, port, size, rng());
		else
			bus_read(&bus, port, size);
		if (!(r >> 24 & 15)) {
			byte = (u8)r;
			serial_input(&serial, &byte, 1);
		}
		if (!(r >> 32 & 255))
			serial_break(&serial);
		now.tv_sec = (s64)rng() % 100000000000;
		now.tv_nsec = rng() % 1000000000;
	}
	result(true, "random accesses");
}

int main(void)
{
	test_bus();
	test_serial_probe();
	test_serial_send();
	test_serial_stuck();
	test_serial_poll();
	test_serial_receive();
	test_rtc();
	test_pm();
	test_resets();
	test_cpuid();
	test_sizes();
	test_random();
	return finish();
}
