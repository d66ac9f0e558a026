// SPDX-License-Identifier: GPL-2.0
/*
 * The IOAPIC and messages: edge and level inputs with EOI, masks, destinations,
 * MSI, eventfds that raise either and that hear of an EOI.  The guest tells its
 * host which line to raise.  It must not expect an interrupt by a deadline.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest.h"

#define IOAPIC		0xfec00000UL
#define PIN_EDGE	5
#define PIN_LEVEL	20
#define EDGE		0x55
#define LEVEL		0x65
#define MSI		0x75
#define MASKED		0x10000
#define LEVEL_MODE	0x8000
#define REMOTE_IRR	0x4000

enum ask {
	ASK_EDGE = 1, ASK_LEVEL_UP, ASK_LEVEL_DOWN, ASK_MSI, ASK_IRQFD, ASK_IRQFD_MSI,
	ASK_RESAMPLE, ASK_RESAMPLED,
};

static u32 io_read(u32 index)
{
	*(volatile u32 *)IOAPIC = index;
	return *(volatile u32 *)(IOAPIC + 0x10);
}

static void io_write(u32 index, u32 v)
{
	*(volatile u32 *)IOAPIC = index;
	*(volatile u32 *)(IOAPIC + 0x10) = v;
}

static void io_redirect(u32 pin, u32 low)
{
	io_write(0x11 + 2 * pin, 0);
	io_write(0x10 + 2 * pin, low);
}

static void begin(void)
{
	guest_on_vector(EDGE, guest_count_irq);
	guest_on_vector(LEVEL, guest_count_irq);
	guest_on_vector(MSI, guest_count_irq);
	guest_apic_on();
	io_redirect(PIN_EDGE, EDGE);
	io_redirect(PIN_LEVEL, LEVEL_MODE | LEVEL);
}

static void open_window(void)
{
	guest_sti();
	asm volatile("nop");
	guest_cli();
}

static void guest_registers(void)
{
	u32 i;

	GUEST_EQ(io_read(1) >> 16 & 0xff, 23);
	for (i = 0; i < 24; i++)
		GUEST_EQ(io_read(0x10 + 2 * i) & MASKED, MASKED);
	io_write(0, 0x0f000000);
	GUEST_EQ(io_read(0), 0x0f000000);
	/* Delivery status and remote IRR are read-only. */
	io_write(0x10, ~0U);
	GUEST_EQ(io_read(0x10) & 0x5000, 0);
	io_write(0x10, MASKED);
	io_write(0x11, 0xab000000);
	GUEST_EQ(io_read(0x11), 0xab000000);
	GUEST_EQ(io_read(0x10), MASKED);
}

static void guest_edge(void)
{
	begin();
	GUEST_SYNC(ASK_EDGE);
	open_window();
	GUEST_EQ(irq_count[EDGE], 1);
	GUEST_SYNC(ASK_EDGE);
	GUEST_SYNC(ASK_EDGE);
	open_window();
	/* Two edges while one waits are one. */
	GUEST_EQ(irq_count[EDGE], 2);
	io_redirect(PIN_EDGE, EDGE | MASKED);
	GUEST_SYNC(ASK_EDGE);
	open_window();
	GUEST_EQ(irq_count[EDGE], 2);
}

static volatile u64 levels;

static void on_level(struct hv_frame *f)
{
	levels++;
	GUEST_EQ(io_read(0x10 + 2 * PIN_LEVEL) & REMOTE_IRR, REMOTE_IRR);
	if (levels == 3)
		GUEST_SYNC(ASK_LEVEL_DOWN);
	guest_apic_write(APIC_EOI, 0);
}

static void guest_level(void)
{
	begin();
	guest_on_vector(LEVEL, on_level);
	GUEST_SYNC(ASK_LEVEL_UP);
	/* It comes again until the line falls. */
	guest_sti();
	asm volatile("nop; nop; nop; nop; nop; nop");
	guest_cli();
	GUEST_EQ(levels, 3);
	GUEST_EQ(io_read(0x10 + 2 * PIN_LEVEL) & REMOTE_IRR, 0);
	/* Up while masked: it comes with the mask's end. */
	io_redirect(PIN_LEVEL, LEVEL_MODE | LEVEL | MASKED);
	GUEST_SYNC(ASK_LEVEL_UP);
	open_window();
	GUEST_EQ(levels, 3);
	levels = 2;
	io_redirect(PIN_LEVEL, LEVEL_MODE | LEVEL);
	open_window();
	GUEST_EQ(levels, 3);
}

static void guest_msi(void)
{
	begin();
	GUEST_SYNC(ASK_MSI);
	open_window();
	GUEST_EQ(irq_count[MSI], 1);
	GUEST_SYNC(ASK_IRQFD);
	GUEST_ASSERT(guest_wait(&irq_count[EDGE], 1));
	GUEST_SYNC(ASK_IRQFD_MSI);
	GUEST_ASSERT(guest_wait(&irq_count[MSI], 2));
}

static void guest_resample(void)
{
	begin();
	irq_count[LEVEL] = 0;
	GUEST_SYNC(ASK_RESAMPLE);
	GUEST_ASSERT(guest_wait(&irq_count[LEVEL], 1));
	/* EOI lowered the line and told the host. */
	GUEST_SYNC(ASK_RESAMPLED);
	open_window();
	GUEST_EQ(irq_count[LEVEL], 1);
}

/* ---- host ---- */

static int event_gsi, event_msi, event_level, event_eoi;

static void line(struct hv_vm *vm, u32 gsi, u32 level)
{
	struct hvmod_irq_line args = { .gsi = gsi, .level = level };

	hv_need(!ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &args));
}

static void signal_fd(int fd)
{
	hv_need(write(fd, &(u64){ 1 }, 8) == 8);
}

static void bind_fds(struct hv_vm *vm)
{
	struct hvmod_irqfd gsi = { .gsi = PIN_EDGE };
	struct hvmod_irqfd msi = {
		.flags = HVMOD_IRQFD_MSI, .msi = { .addr = 0xfee00000, .data = MSI },
	};
	struct hvmod_irqfd level = { .flags = HVMOD_IRQFD_RESAMPLE, .gsi = PIN_LEVEL };

	event_gsi = eventfd(0, 0);
	event_msi = eventfd(0, 0);
	event_level = eventfd(0, 0);
	event_eoi = eventfd(0, EFD_NONBLOCK);
	gsi.fd = event_gsi;
	msi.fd = event_msi;
	level.fd = event_level;
	level.resample_fd = event_eoi;
	hv_need(!ioctl(vm->fd, HVMOD_VM_IRQFD, &gsi));
	hv_need(!ioctl(vm->fd, HVMOD_VM_IRQFD, &msi));
	hv_need(!ioctl(vm->fd, HVMOD_VM_IRQFD, &level));
}

static void answer(struct hv_vm *vm, u64 what)
{
	struct hvmod_msi msi = { .addr = 0xfee00000, .data = MSI };
	u64 n = 0;

	switch (what) {
	case ASK_EDGE:
		line(vm, PIN_EDGE, 1);
		line(vm, PIN_EDGE, 0);
		break;
	case ASK_LEVEL_UP:
		line(vm, PIN_LEVEL, 1);
		break;
	case ASK_LEVEL_DOWN:
		line(vm, PIN_LEVEL, 0);
		break;
	case ASK_MSI:
		tap_eq(ioctl(vm->fd, HVMOD_VM_MSI, &msi), 1, "MSI: one vCPU took it");
		break;
	case ASK_IRQFD:
		signal_fd(event_gsi);
		break;
	case ASK_IRQFD_MSI:
		signal_fd(event_msi);
		break;
	case ASK_RESAMPLE:
		signal_fd(event_level);
		break;
	case ASK_RESAMPLED:
		tap_ok(read(event_eoi, &n, 8) == 8 && n == 1, "the eventfd hears of the EOI");
		break;
	}
}

static const struct {
	const char *name;
	void (*fn)(void);
} rows[] = {
	{ "registers", guest_registers },
	{ "edge", guest_edge },
	{ "level", guest_level },
	{ "MSI and irqfd", guest_msi },
	{ "irqfd with resampling", guest_resample },
};

int main(void)
{
	struct hvmod_vm_create args = { .kind = HVMOD_KIND_PC, .devices = HVMOD_DEV_IOAPIC };
	struct hv_vm *vm = hv_vm_new_args(2 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	enum hv_what what;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		/* The lines are free for the ioctl until then. */
		if (i == 3)
			bind_fds(vm);
		memset((void *)irq_count, 0, sizeof(irq_count));
		x86_start(vcpu, rows[i].fn);
		while ((what = hv_talk(vcpu)) == HV_SYNC)
			answer(vm, vcpu->value);
		if (!tap_ok(what == HV_DONE, "%s", rows[i].name))
			hv_note_exit(vcpu);
	}
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
