// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables of the machine.  The machine calls acpi_build() before it
 * starts a guest.  It must describe what is emulated and nothing else: a guest
 * believes every bit.
 */
#include <errno.h>
#include <string.h>

#include "userspace/boot/acpi.h"
#include "userspace/boot/aml.h"
#include "userspace/boot/layout.h"

#define __packed __attribute__((packed))

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 ext_checksum;
	u8 reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;

/* Generic Address Structure */
struct acpi_gas {
	u8 space;
	u8 width;
	u8 offset;
	u8 access;
	u64 address;
} __packed;

#define GAS_IO		1
#define GAS_BYTE	1
#define GAS_WORD	2
#define GAS_DWORD	3

struct acpi_fadt {
	struct acpi_header h;
	u32 facs;
	u32 dsdt;
	u8 reserved0;
	u8 profile;
	u16 sci;
	u32 smi_cmd;
	u8 acpi_enable;
	u8 acpi_disable;
	u8 s4bios;
	u8 pstate;
	u32 pm1a_event;
	u32 pm1b_event;
	u32 pm1a_control;
	u32 pm1b_control;
	u32 pm2_control;
	u32 pm_timer;
	u32 gpe0;
	u32 gpe1;
	u8 pm1_event_len;
	u8 pm1_control_len;
	u8 pm2_control_len;
	u8 pm_timer_len;
	u8 gpe0_len;
	u8 gpe1_len;
	u8 gpe1_base;
	u8 cst;
	u16 c2_latency;
	u16 c3_latency;
	u16 flush_size;
	u16 flush_stride;
	u8 duty_offset;
	u8 duty_width;
	u8 day_alarm;
	u8 month_alarm;
	u8 century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas reset;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs;
	u64 x_dsdt;
	struct acpi_gas x_pm1a_event;
	struct acpi_gas x_pm1b_event;
	struct acpi_gas x_pm1a_control;
	struct acpi_gas x_pm1b_control;
	struct acpi_gas x_pm2_control;
	struct acpi_gas x_pm_timer;
	struct acpi_gas x_gpe0;
	struct acpi_gas x_gpe1;
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	u64 hypervisor;
} __packed;

_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");
_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP, revision 2");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT, revision 6");

#define FADT_WBINVD		BIT(0)
#define FADT_C1			BIT(2)
#define FADT_NO_POWER_BUTTON	BIT(4)
#define FADT_NO_SLEEP_BUTTON	BIT(5)	/* or it is a device */
#define FADT_NO_FIXED_RTC	BIT(6)
#define FADT_TIMER_32		BIT(8)
#define FADT_RESET		BIT(10)
#define FADT_HEADLESS		BIT(12)
#define FADT_REDUCED		BIT(20)	/* no fixed hardware */

#define BOOT_ISA		BIT(0)
#define BOOT_NO_VGA		BIT(2)
#define BOOT_NO_RTC		BIT(5)
/* Bit 1 stays clear: there is no 8042 keyboard controller. */

#define PROFILE_SERVER		4

struct acpi_facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __packed;

_Static_assert(sizeof(struct acpi_facs) == 64, "FACS");

struct acpi_madt {
	struct acpi_header h;
	u32 lapic;
	u32 flags;
} __packed;

#define MADT_PCAT		1

struct madt_lapic {
	u8 type, len;
	u8 uid;
	u8 id;
	u32 flags;
} __packed;

struct madt_ioapic {
	u8 type, len;
	u8 id;
	u8 reserved;
	u32 address;
	u32 gsi_base;
} __packed;

struct madt_override {
	u8 type, len;
	u8 bus;
	u8 irq;
	u32 gsi;
	u16 flags;
} __packed;

struct madt_lapic_nmi {
	u8 type, len;
	u8 uid;
	u16 flags;
	u8 lint;
} __packed;

struct madt_x2apic {
	u8 type, len;
	u16 reserved;
	u32 id;
	u32 flags;
	u32 uid;
} __packed;

struct madt_x2apic_nmi {
	u8 type, len;
	u16 flags;
	u32 uid;
	u8 lint;
	u8 reserved[3];
} __packed;

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_NMI = 4,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};

#define MADT_ENABLED		1
/* MPS INTI flags: level triggered, active high. */
#define MADT_LEVEL_HIGH		0xd

/* APIC ids from here on do not fit into a LAPIC entry: 255 is broadcast. */
#define FIRST_X2APIC_ID		255

/* struct acpi_tables - the area under construction */
struct acpi_tables {
	u8 *buf;
	size_t room;
	size_t len;
	u64 base;
	bool bad;
};

/* Zeroed room at a multiple of 64, or NULL. */
static void *reserve(struct acpi_tables *t, size_t size)
{
	size_t at = (t->len + 63) & ~(size_t)63;

	if (t->bad || at > t->room || size > t->room - at) {
		t->bad = true;
		return NULL;
	}
	memset(t->buf + t->len, 0, at + size - t->len);
	t->len = at + size;
	return t->buf + at;
}

static u64 address(const struct acpi_tables *t, const void *p)
{
	return t->base + (u64)((const u8 *)p - t->buf);
}

static u8 checksum(const void *data, size_t len)
{
	const u8 *p = data;
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

static void header(struct acpi_header *h, const char *signature, size_t len, u8 revision)
{
	memcpy(h->signature, signature, 4);
	h->length = (u32)len;
	h->revision = revision;
	memcpy(h->oem_id, "HVMOD ", 6);
	memcpy(h->oem_table_id, "HVMODPC ", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "HVMD", 4);
	h->creator_revision = 1;
}

static void seal(struct acpi_header *h)
{
	h->checksum = 0;
	h->checksum = checksum(h, h->length);
}

static struct acpi_gas io_gas(u16 port, u8 bytes, u8 access)
{
	struct acpi_gas gas = {
		.space = GAS_IO,
		.width = bytes * 8,
		.access = access,
		.address = port,
	};

	return gas;
}

static void dsdt_devices(struct aml *aml)
{
	struct aml_block sb = aml_scope(aml, "\\_SB_"), dev, res;

	dev = aml_device(aml, "COM1");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0501");
	aml_name(aml, "_UID");
	aml_int(aml, 1);
	aml_name(aml, "_STA");
	aml_int(aml, 0xf);
	aml_name(aml, "_CRS");
	res = aml_resources(aml);
	aml_res_io(aml, PORT_COM1, 8);
	aml_res_irq(aml, GSI_COM1);
	aml_resources_end(aml, res);
	aml_end(aml, dev);

	dev = aml_device(aml, "RTC_");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0B00");
	aml_name(aml, "_CRS");
	res = aml_resources(aml);
	aml_res_io(aml, PORT_RTC, 2);
	aml_res_irq(aml, GSI_RTC);
	aml_resources_end(aml, res);
	aml_end(aml, dev);

	aml_end(aml, sb);
}

/* \_S5: what to write to SLP_TYP of PM1a and PM1b to switch off. */
static void dsdt_s5(struct aml *aml)
{
	struct aml_block package;

	aml_name(aml, "_S5_");
	package = aml_package(aml, 4);
	aml_int(aml, SLP_TYP_S5);
	aml_int(aml, SLP_TYP_S5);
	aml_int(aml, 0);
	aml_int(aml, 0);
	aml_end(aml, package);
}

static struct acpi_header *make_dsdt(struct acpi_tables *t, enum acpi_kind kind)
{
	struct acpi_header *h = reserve(t, sizeof(*h));
	struct aml aml = { 0 };

	if (!h)
		return NULL;
	aml.buf = t->buf + t->len;
	aml.room = t->room - t->len;
	if (kind == ACPI_PC) {
		dsdt_devices(&aml);
		dsdt_s5(&aml);
	} else {
		aml_end(&aml, aml_scope(&aml, "\\_SB_"));
	}
	if (aml.bad) {
		t->bad = true;
		return NULL;
	}
	t->len += aml.len;
	header(h, "DSDT", sizeof(*h) + aml.len, 2);
	seal(h);
	return h;
}

static struct acpi_facs *make_facs(struct acpi_tables *t)
{
	struct acpi_facs *facs = reserve(t, sizeof(*facs));

	if (!facs)
		return NULL;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return facs;
}

static struct acpi_fadt *make_fadt(struct acpi_tables *t, const void *dsdt, const void *facs)
{
	struct acpi_fadt *f = reserve(t, sizeof(*f));

	if (!f)
		return NULL;
	header(&f->h, "FACP", sizeof(*f), 6);
	f->facs = (u32)address(t, facs);
	f->dsdt = (u32)address(t, dsdt);
	f->x_dsdt = address(t, dsdt);
	f->profile = PROFILE_SERVER;
	f->sci = GSI_SCI;
	/* smi_cmd 0: ACPI mode is on from the start. */
	f->pm1a_event = PORT_PM1_EVENT;
	f->pm1_event_len = 4;
	f->pm1a_control = PORT_PM1_CONTROL;
	f->pm1_control_len = 2;
	f->pm_timer = PORT_PM_TIMER;
	f->pm_timer_len = 4;
	f->gpe0 = PORT_GPE0;
	f->gpe0_len = PORT_GPE0_LEN;
	f->x_pm1a_event = io_gas(PORT_PM1_EVENT, 4, GAS_WORD);
	f->x_pm1a_control = io_gas(PORT_PM1_CONTROL, 2, GAS_WORD);
	f->x_pm_timer = io_gas(PORT_PM_TIMER, 4, GAS_DWORD);
	f->x_gpe0 = io_gas(PORT_GPE0, PORT_GPE0_LEN, GAS_BYTE);
	f->c2_latency = 0xfff;		/* no C2, no C3 */
	f->c3_latency = 0xfff;
	f->century = RTC_CENTURY;
	f->boot_arch = BOOT_ISA | BOOT_NO_VGA;
	f->flags = FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_FIXED_RTC |
		   FADT_TIMER_32 | FADT_RESET | FADT_HEADLESS;
	f->reset = io_gas(PORT_RESET, 1, GAS_BYTE);
	f->reset_value = RESET_VALUE;
	memcpy(&f->hypervisor, "hvmod\0\0\0", 8);
	seal(&f->h);
	return f;
}

static struct acpi_fadt *make_fadt_reduced(struct acpi_tables *t, const void *dsdt)
{
	struct acpi_fadt *f = reserve(t, sizeof(*f));

	if (!f)
		return NULL;
	header(&f->h, "FACP", sizeof(*f), 6);
	f->dsdt = (u32)address(t, dsdt);
	f->x_dsdt = address(t, dsdt);
	f->profile = PROFILE_SERVER;
	f->c2_latency = 0xfff;
	f->c3_latency = 0xfff;
	f->boot_arch = BOOT_NO_VGA | BOOT_NO_RTC;
	f->flags = FADT_WBINVD | FADT_C1 | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
		   FADT_NO_FIXED_RTC | FADT_HEADLESS | FADT_REDUCED;
	memcpy(&f->hypervisor, "hvmod\0\0\0", 8);
	seal(&f->h);
	return f;
}

static void madt_cpus(u8 *p, u32 vcpus)
{
	struct madt_lapic lapic = { MADT_LAPIC, sizeof(lapic), .flags = MADT_ENABLED };
	struct madt_x2apic x2 = { MADT_X2APIC, sizeof(x2), .flags = MADT_ENABLED };
	u32 id;

	for (id = 0; id < vcpus && id < FIRST_X2APIC_ID; id++) {
		lapic.uid = (u8)id;
		lapic.id = (u8)id;
		memcpy(p, &lapic, sizeof(lapic));
		p += sizeof(lapic);
	}
	for (; id < vcpus; id++) {
		x2.id = id;
		x2.uid = id;
		memcpy(p, &x2, sizeof(x2));
		p += sizeof(x2);
	}
}

static struct acpi_madt *make_madt(struct acpi_tables *t, enum acpi_kind kind, u32 vcpus)
{
	u32 lapics = vcpus < FIRST_X2APIC_ID ? vcpus : FIRST_X2APIC_ID;
	size_t cpus = lapics * sizeof(struct madt_lapic) +
		      (vcpus - lapics) * sizeof(struct madt_x2apic);
	struct {
		struct madt_ioapic ioapic;
		struct madt_override timer;
		struct madt_override sci;
		struct madt_lapic_nmi nmi;
	} __packed tail = {
		.ioapic = { MADT_IOAPIC, sizeof(tail.ioapic), .address = LAYOUT_IOAPIC },
		.timer = { MADT_OVERRIDE, sizeof(tail.timer), .irq = 0, .gsi = 2 },
		.sci = { MADT_OVERRIDE, sizeof(tail.sci), .irq = GSI_SCI, .gsi = GSI_SCI,
			 .flags = MADT_LEVEL_HIGH },
		.nmi = { MADT_LAPIC_NMI, sizeof(tail.nmi), .uid = 0xff, .lint = 1 },
	};
	struct madt_x2apic_nmi x2_nmi = {
		MADT_X2APIC_NMI, sizeof(x2_nmi), .uid = 0xffffffff, .lint = 1,
	};
	size_t board = kind == ACPI_PC ? sizeof(tail) : 0;
	bool x2 = vcpus > lapics;
	struct acpi_madt *m;
	size_t len;
	u8 *p;

	len = sizeof(*m) + cpus + board + (x2 ? sizeof(x2_nmi) : 0);
	m = reserve(t, len);
	if (!m)
		return NULL;
	header(&m->h, "APIC", len, 5);
	m->lapic = LAYOUT_LAPIC;
	m->flags = kind == ACPI_PC ? MADT_PCAT : 0;
	p = (u8 *)(m + 1);
	madt_cpus(p, vcpus);
	p += cpus;
	memcpy(p, &tail, board);
	if (x2)
		memcpy(p + board, &x2_nmi, sizeof(x2_nmi));
	seal(&m->h);
	return m;
}

static struct acpi_header *make_xsdt(struct acpi_tables *t, const void *const *tables,
				     unsigned int count)
{
	struct acpi_header *x = reserve(t, sizeof(*x) + count * 8);
	unsigned int i;

	if (!x)
		return NULL;
	header(x, "XSDT", sizeof(*x) + count * 8, 1);
	for (i = 0; i < count; i++) {
		u64 at = address(t, tables[i]);

		memcpy((u8 *)(x + 1) + i * 8, &at, 8);
	}
	seal(x);
	return x;
}

int acpi_build(u8 *buf, size_t room, u64 base, enum acpi_kind kind, u32 vcpus, u64 *rsdp_at,
	       struct err *err)
{
	struct acpi_tables t = { .buf = buf, .room = room, .base = base };
	struct acpi_rsdp *rsdp = reserve(&t, sizeof(*rsdp));
	const void *dsdt = make_dsdt(&t, kind), *facs = NULL, *tables[2] = { NULL }, *xsdt;

	if (kind == ACPI_PC) {
		facs = make_facs(&t);
		tables[0] = !t.bad ? make_fadt(&t, dsdt, facs) : NULL;
	} else {
		tables[0] = !t.bad ? make_fadt_reduced(&t, dsdt) : NULL;
	}
	tables[1] = !t.bad ? make_madt(&t, kind, vcpus) : NULL;
	xsdt = !t.bad ? make_xsdt(&t, tables, ARRAY_SIZE(tables)) : NULL;
	if (t.bad || !rsdp || !xsdt)
		return err_set(err, ENOSPC, "the ACPI tables of %u vCPUs do not fit into %zu bytes",
			       vcpus, room);
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "HVMOD ", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = address(&t, xsdt);
	rsdp->checksum = checksum(rsdp, 20);
	rsdp->ext_checksum = checksum(rsdp, sizeof(*rsdp));
	*rsdp_at = address(&t, rsdp);
	return (int)t.len;
}
