// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 with port 0x61, and the ACPI PM timer.  A guest counts interrupts of
 * IRQ 0, reads counters, and sees that time goes forward.  It must not say how
 * long anything takes.
 */
#include "guest.h"

#define BASE	0x20
#define PMTMR	0x608

static volatile u64 ticks;

static void on_tick(struct hv_frame *f)
{
	ticks++;
	guest_outb(0x20, 0x20);
}

static void begin(void)
{
	guest_on_vector(BASE, on_tick);
	ticks = 0;
	guest_outb(0x20, 0x11);
	guest_outb(0x21, BASE);
	guest_outb(0x21, 4);
	guest_outb(0x21, 1);
	guest_outb(0x21, 0xfe);
	guest_apic_on();
	guest_apic_write(0x350, 0x700);
}

static void load(u8 mode, u32 channel, u16 count)
{
	guest_outb(0x43, channel << 6 | 0x30 | mode << 1);
	guest_outb(0x40 + channel, count);
	guest_outb(0x40 + channel, count >> 8);
}

static u16 latch(u32 channel)
{
	u8 low;

	guest_outb(0x43, channel << 6);
	low = guest_inb(0x40 + channel);
	return low | guest_inb(0x40 + channel) << 8;
}

static void sleep_until(u64 n)
{
	while (ticks < n)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void guest_periodic(void)
{
	begin();
	load(2, 0, 2000);
	sleep_until(4);
	GUEST_ASSERT(latch(0) <= 2000);
	/* Read-back: status. */
	guest_outb(0x43, 0xe2);
	GUEST_EQ(guest_inb(0x40) & 0x3f, 0x34);
	load(3, 0, 2000);
	sleep_until(7);
}

static void guest_one_shot(void)
{
	u64 i;

	begin();
	load(0, 0, 1000);
	sleep_until(1);
	for (i = 0; i < 3000; i++)
		guest_inb(0x61);
	guest_sti();
	guest_cli();
	GUEST_EQ(ticks, 1);
}

/* As kernels calibrate: channel 2's gate and output in port 0x61. */
static void guest_port61(void)
{
	u64 reads = 0, seen = 0;

	guest_outb(0x61, 1);
	GUEST_EQ(guest_inb(0x61) & 3, 1);
	load(0, 2, 5000);
	GUEST_EQ(guest_inb(0x61) & 0x20, 0);
	while (!(guest_inb(0x61) & 0x20))
		reads++;
	GUEST_ASSERT(reads > 0);
	/* The gate stops the counter. */
	load(2, 2, 0xffff);
	guest_outb(0x61, 0);
	GUEST_EQ(latch(2), latch(2));
	/* Bit 4 toggles. */
	for (reads = 0; reads < 10000 && seen != 3; reads++)
		seen |= guest_inb(0x61) & 0x10 ? 1 : 2;
	GUEST_EQ(seen, 3);
}

static void guest_pmtmr(void)
{
	u32 last = guest_inl(PMTMR), now, i, moved = 0;

	for (i = 0; i < 500; i++) {
		now = guest_inl(PMTMR);
		/* 32 bits; it may wrap, it may not go back. */
		GUEST_ASSERT((u32)(now - last) < 0x80000000U);
		moved += now != last;
		last = now;
	}
	GUEST_ASSERT(moved > 0);
}

static const struct {
	const char *name;
	void (*fn)(void);
} rows[] = {
	{ "IRQ 0, periodic", guest_periodic },
	{ "IRQ 0, once", guest_one_shot },
	{ "port 0x61", guest_port61 },
	{ "PM timer", guest_pmtmr },
};

int main(void)
{
	struct hvmod_vm_create args = {
		.kind = HVMOD_KIND_PC, .pmtmr_port = PMTMR,
		.devices = HVMOD_DEV_PIC | HVMOD_DEV_PIT | HVMOD_DEV_PMTMR,
	};
	struct hv_vm *vm = hv_vm_new_args(2 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		x86_start(vcpu, rows[i].fn);
		hv_run_to_done(vcpu, rows[i].name);
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
