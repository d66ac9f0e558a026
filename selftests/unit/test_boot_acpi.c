// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: every pointer, length and checksum, for any number of
 * vCPUs, and the AML of the DSDT taken apart again.  Run by
 * selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.  It must not need
 * iasl: where that is installed, a person can look at the tables with it.
 */
/* SOURCES: userspace/boot/acpi.c userspace/boot/aml.c userspace/lib/err.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/boot/acpi.h"
#include "userspace/boot/aml.h"
#include "userspace/boot/layout.h"
#include "selftests/unit/unit.h"

static u64 le(const u8 *p, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

static u8 sum(const u8 *p, size_t len)
{
	u8 s = 0;

	while (len--)
		s += *p++;
	return s;
}

/* struct area - the tables and where the guest sees them */
struct area {
	u8 *buf;
	size_t len;
	u64 base;
};

/* A table inside the area, its checksum right, or NULL. */
static const u8 *table(const struct area *a, u64 at, const char *signature)
{
	const u8 *p;
	u64 len;

	if (at < a->base || at - a->base > a->len - 36)
		return NULL;
	p = a->buf + (at - a->base);
	len = le(p + 4, 4);
	if (memcmp(p, signature, 4) || len < 36 || len > a->len - (at - a->base) ||
	    sum(p, len))
		return NULL;
	return p;
}

/* The MADT's entries: one CPU for each vCPU, ids in order, all lengths right. */
static bool madt_is_sane(const u8 *madt, u32 vcpus)
{
	u64 len = le(madt + 4, 4), at = 44;
	u32 cpus = 0, ioapics = 0, timer = 0, sci = 0;

	while (at + 2 <= len) {
		const u8 *e = madt + at;

		if (e[1] < 2 || at + e[1] > len)
			return false;
		if (e[0] == 0 && e[1] == 8 && e[3] == cpus && e[3] < 255 && e[4] == 1)
			cpus++;
		else if (e[0] == 9 && e[1] == 16 && le(e + 4, 4) == cpus && cpus >= 255)
			cpus++;
		else if (e[0] == 1 && e[1] == 12 && le(e + 4, 4) == LAYOUT_IOAPIC)
			ioapics++;
		else if (e[0] == 2 && e[1] == 10 && e[3] == 0 && le(e + 4, 4) == 2)
			timer++;
		else if (e[0] == 2 && e[1] == 10 && e[3] == 9 && le(e + 8, 2) == 0xd)
			sci++;
		else if (e[0] != 4 && e[0] != 10)
			return false;
		at += e[1];
	}
	return at == len && cpus == vcpus && ioapics == 1 && timer == 1 && sci == 1;
}

static bool fadt_is_sane(const struct area *a, const u8 *fadt)
{
	u64 facs = le(fadt + 36, 4);

	return le(fadt + 4, 4) == 276 && table(a, le(fadt + 40, 4), "DSDT") &&
	       table(a, le(fadt + 140, 8), "DSDT") && facs % 64 == 0 &&
	       facs - a->base < a->len && !memcmp(a->buf + (facs - a->base), "FACS", 4) &&
	       le(fadt + 56, 4) == PORT_PM1_EVENT && le(fadt + 64, 4) == PORT_PM1_CONTROL &&
	       le(fadt + 76, 4) == PORT_PM_TIMER && le(fadt + 120, 8) == PORT_RESET &&
	       fadt[128] == RESET_VALUE && fadt[108] == RTC_CENTURY;
}

static bool tables_are_sane(const struct area *a, u64 rsdp_at, u32 vcpus)
{
	const u8 *rsdp = a->buf + (rsdp_at - a->base), *xsdt, *fadt, *madt;

	if (memcmp(rsdp, "RSD PTR ", 8) || sum(rsdp, 20) || sum(rsdp, 36))
		return false;
	xsdt = table(a, le(rsdp + 24, 8), "XSDT");
	if (!xsdt || le(xsdt + 4, 4) != 36 + 2 * 8)
		return false;
	fadt = table(a, le(xsdt + 36, 8), "FACP");
	madt = table(a, le(xsdt + 44, 8), "APIC");
	return fadt && madt && fadt_is_sane(a, fadt) && madt_is_sane(madt, vcpus);
}

static bool build(u32 vcpus, size_t room, bool *fits)
{
	struct area a = { .buf = malloc(room ? room : 1), .base = LAYOUT_ACPI };
	struct err err;
	u64 rsdp = 0;
	bool ok;
	int len;

	memset(a.buf, 0xcc, room);
	len = acpi_build(a.buf, room, a.base, ACPI_PC, vcpus, &rsdp, &err);
	*fits = len > 0;
	a.len = len > 0 ? (size_t)len : 0;
	ok = len > 0 ? a.len <= room && tables_are_sane(&a, rsdp, vcpus) : err.text[0] != 0;
	free(a.buf);
	return ok;
}

static void test_vcpus(void)
{
	static const u32 counts[] = { 1, 2, 4, 254, 255, 256, 257, 1024 };
	unsigned int i;
	bool fits;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		char name[32];

		snprintf(name, sizeof(name), "tables of %u vCPUs", counts[i]);
		result(build(counts[i], LAYOUT_ACPI_ROOM, &fits) && fits, name);
	}
}

/* Every amount of room: it fits or it says that it does not. */
static void test_room(void)
{
	bool ok = true, fits = false, before = false;
	size_t room;

	for (room = 0; room < 1200; room++) {
		ok = ok && build(2, room, &fits);
		ok = ok && !(before && !fits);
		before = fits;
	}
	result(ok && fits, "too little room is told and not overrun");
}

/* A package length: bytes of it, and the value. */
static unsigned int pkg_length(const u8 *p, u32 *value)
{
	unsigned int follow = p[0] >> 6, i;

	*value = follow ? p[0] & 0xf : p[0] & 0x3f;
	for (i = 0; i < follow; i++)
		*value |= (u32)p[1 + i] << (4 + 8 * i);
	return follow + 1;
}

static void test_aml(void)
{
	static const u8 id[] = { 0x0c, 0x41, 0xd0, 0x05, 0x01 };	/* PNP0501 */
	static const u8 s5[] = { '_', 'S', '5', '_', 0x12 };
	u8 buf[256];
	struct aml aml = { .buf = buf, .room = sizeof(buf) };
	struct aml_block scope, pkg;
	unsigned int n;
	u32 len = 0;

	aml_eisa_id(&aml, "PNP0501");
	result(!aml.bad && aml.len == sizeof(id) && !memcmp(buf, id, sizeof(id)),
	       "an EISA identifier");
	aml.len = 0;
	scope = aml_scope(&aml, "\\_SB_");
	aml_name(&aml, "_S5_");
	pkg = aml_package(&aml, 2);
	aml_int(&aml, 5);
	aml_int(&aml, 0);
	aml_end(&aml, pkg);
	aml_end(&aml, scope);
	n = pkg_length(buf + 1, &len);
	result(!aml.bad && buf[0] == 0x10 && len == aml.len - 1 && buf[1 + n] == '\\' &&
	       !memcmp(buf + 1 + n + 6, s5, sizeof(s5)), "blocks and names");
	pkg_length(buf + 1 + n + 11, &len);
	result(1 + n + 11 + len == aml.len, "a block inside a block");
	aml.len = 0;
	aml_name(&aml, "toolong");
	result(aml.bad, "a name that is none");
	memset(&aml, 0, sizeof(aml));
	aml_eisa_id(&aml, "pnp0501");
	result(aml.bad, "an identifier that is none");
}

int main(void)
{
	test_vcpus();
	test_room();
	test_aml();
	return finish();
}
