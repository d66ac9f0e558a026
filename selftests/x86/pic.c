// SPDX-License-Identifier: GPL-2.0
/*
 * The two 8259s through the local APIC's ExtINT and with the APIC off:
 * initialization, priorities, EOI, masks, the slave, level inputs, spurious
 * interrupts.  The guest asks its host to move lines.
 */
#include "guest.h"

#define BASE	0x20
#define RAISE	0x100
#define LOWER	0x200

static volatile u64 count[16];
static volatile u8 order[32];
static volatile u64 total;

static void on_irq(struct hv_frame *f)
{
	u32 irq = f->vector - BASE;

	order[total++ % 32] = irq;
	count[irq]++;
	/* A spurious one has no bit in service, and gets no EOI. */
	guest_outb(0x20, 0x0b);
	if (irq == 7 && !(guest_inb(0x20) & 0x80))
		return;
	if (irq == 4)
		GUEST_SYNC(LOWER | 4);
	if (irq >= 8)
		guest_outb(0xa0, 0x20);
	guest_outb(0x20, 0x20);
}

static void begin(void)
{
	u32 i;

	for (i = 0; i < 16; i++) {
		guest_on_vector(BASE + i, on_irq);
		count[i] = 0;
	}
	total = 0;
	guest_outb(0x20, 0x11);
	guest_outb(0x21, BASE);
	guest_outb(0x21, 4);
	guest_outb(0x21, 1);
	guest_outb(0xa0, 0x11);
	guest_outb(0xa1, BASE + 8);
	guest_outb(0xa1, 2);
	guest_outb(0xa1, 1);
	guest_outb(0x21, 0);
	guest_outb(0xa1, 0);
	guest_outb(0x4d0, 0x10);
	guest_outb(0x4d1, 0);
}

static void window(void)
{
	asm volatile("sti; nop; nop; nop; nop; nop; cli" : : : "memory");
}

static void interrupts(void)
{
	begin();
	GUEST_EQ(guest_inb(0x4d0), 0x10);
	GUEST_SYNC(RAISE | 5);
	GUEST_EQ(count[5], 0);
	guest_outb(0x20, 0x0a);
	GUEST_EQ(guest_inb(0x20), 0x20);
	window();
	GUEST_EQ(count[5], 1);
	/* The handler left it at the in-service register. */
	GUEST_EQ(guest_inb(0x20), 0);
	window();
	/* An edge is one interrupt, however long the line is up. */
	GUEST_EQ(count[5], 1);
	GUEST_SYNC(LOWER | 5);

	/* Priority: 1 before the slave's 10, that before 6. */
	total = 0;
	GUEST_SYNC(RAISE | 6);
	GUEST_SYNC(RAISE | 10);
	GUEST_SYNC(RAISE | 1);
	window();
	GUEST_EQ(total, 3);
	GUEST_EQ(order[0], 1);
	GUEST_EQ(order[1], 10);
	GUEST_EQ(order[2], 6);
	GUEST_SYNC(LOWER | 1);
	GUEST_SYNC(LOWER | 6);
	GUEST_SYNC(LOWER | 10);

	/* Masked: it waits. */
	guest_outb(0x21, 0x08);
	GUEST_SYNC(RAISE | 3);
	window();
	GUEST_EQ(count[3], 0);
	guest_outb(0x21, 0);
	window();
	GUEST_EQ(count[3], 1);
	GUEST_SYNC(LOWER | 3);

	/* Level (ELCR): while the line is up it comes again; it is lowered in between. */
	GUEST_SYNC(RAISE | 4);
	window();
	GUEST_EQ(count[4], 1);
	window();
	GUEST_EQ(count[4], 1);
	/* A line that falls before it is acknowledged leaves nothing, or a spurious 7. */
	GUEST_SYNC(RAISE | 4);
	GUEST_SYNC(LOWER | 4);
	window();
	GUEST_EQ(count[4], 1);
	GUEST_ASSERT(count[7] <= 1);
}

static void guest_extint(void)
{
	guest_apic_on();
	/* LINT0: ExtINT */
	guest_apic_write(0x350, 0x700);
	interrupts();
	/* LINT0 masked: the PIC is not heard. */
	guest_apic_write(0x350, 0x10700);
	GUEST_SYNC(RAISE | 5);
	window();
	GUEST_EQ(count[5], 1);
	guest_apic_write(0x350, 0x700);
	window();
	GUEST_EQ(count[5], 2);
	GUEST_SYNC(LOWER | 5);
}

static void guest_no_apic(void)
{
	guest_wrmsr(MSR_APIC_BASE, guest_rdmsr(MSR_APIC_BASE) & ~0x800UL);
	interrupts();
}

/* HLT ends with it. */
static void guest_halt(void)
{
	begin();
	GUEST_SYNC(RAISE | 5);
	asm volatile("sti; hlt; cli" : : : "memory");
	GUEST_EQ(count[5], 1);
	GUEST_SYNC(LOWER | 5);
}

/* Auto EOI, poll, special mask, rotation: what drivers of old use. */
static void guest_modes(void)
{
	begin();
	/* Poll: the request's number, and it is in service. */
	guest_outb(0x21, 0xff);
	GUEST_SYNC(RAISE | 5);
	guest_outb(0x21, 0);
	guest_outb(0x20, 0x0c);
	GUEST_EQ(guest_inb(0x20), 0x85);
	guest_outb(0x20, 0x0b);
	GUEST_EQ(guest_inb(0x20), 0x20);
	/* A specific EOI for another one ends nothing. */
	guest_outb(0x20, 0x60 | 3);
	GUEST_EQ(guest_inb(0x20), 0x20);
	guest_outb(0x20, 0x60 | 5);
	GUEST_EQ(guest_inb(0x20), 0);
	GUEST_SYNC(LOWER | 5);
	guest_outb(0x20, 0x0a);
	GUEST_EQ(guest_inb(0x21), 0);
}

static void line(struct hv_vm *vm, u32 gsi, u32 level)
{
	struct hvmod_irq_line args = { .gsi = gsi, .level = level };

	hv_need(!ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &args));
}

static void run(struct hv_vm *vm, struct hv_vcpu *vcpu, void (*fn)(void), const char *name)
{
	enum hv_what what;

	u32 i;

	/* Whatever a guest before left raised. */
	for (i = 0; i < 16; i++)
		line(vm, i, 0);
	x86_start(vcpu, fn);
	while ((what = hv_talk(vcpu)) == HV_SYNC)
		line(vm, vcpu->value & 15, !!(vcpu->value & RAISE));
	if (!tap_ok(what == HV_DONE, "%s", name))
		hv_note_exit(vcpu);
}

int main(void)
{
	struct hvmod_vm_create args = { .kind = HVMOD_KIND_PC, .devices = HVMOD_DEV_PIC };
	struct hv_vm *vm = hv_vm_new_args(2 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	struct hvmod_pic pic, again;
	struct hvmod_state state = {
		.id = HVMOD_STATE_PIC, .size = sizeof(pic), .addr = (uintptr_t)&pic,
	};

	run(vm, vcpu, guest_extint, "ExtINT");
	run(vm, vcpu, guest_modes, "poll, specific EOI");
	run(vm, vcpu, guest_no_apic, "without a local APIC");
	run(vm, vcpu, guest_halt, "HLT");
	tap_eq(ioctl(vm->fd, HVMOD_VM_GET_STATE, &state), 0, "state");
	tap_eq(pic.chip[0].vector_base, BASE, "state: the master's base");
	tap_eq(pic.chip[1].vector_base, BASE + 8, "state: the slave's base");
	tap_eq(ioctl(vm->fd, HVMOD_VM_SET_STATE, &state), 0, "state: set");
	state.addr = (uintptr_t)&again;
	tap_eq(ioctl(vm->fd, HVMOD_VM_GET_STATE, &state), 0, "state: got again");
	tap_ok(!memcmp(&pic, &again, sizeof(pic)), "state: as it was set");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
