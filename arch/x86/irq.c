// SPDX-License-Identifier: GPL-2.0
/*
 * Between interrupt inputs and the CPU: which controller an input leads to, MSI
 * messages, and which vector a vCPU takes next, from the PIC or its local APIC.
 * Called by module/irq.c, by devices and by the entry path.  It must not know
 * how a controller works inside.
 *
 * irq_lock keeps the levels that controllers see in the order in which the
 * sources changed; it is taken inside a device's lock, outside a controller's.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vioapic.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/dev/vpic.h"
#include "arch/x86/dev/vpit.h"
#include "arch/x86/dev/vpmtmr.h"
#include "module/arch.h"
#include "module/vm.h"
#include "module/xen/xen.h"

/* IRQ 0 is at pin 2, as the MADT tells the guest. */
#define PIN_TIMER	2

/* SDM, "Message Address Register Format" and "Message Data Register Format" */
#define MSI_ADDR_MASK		GENMASK_ULL(31, 20)
#define MSI_ADDR_VALUE		0xfee00000ULL
#define MSI_ADDR_HIGH_ZERO	GENMASK_ULL(39, 32)
#define MSI_ADDR_REDIRECT	BIT_ULL(3)
#define MSI_ADDR_LOGICAL	BIT_ULL(2)
#define MSI_DATA_LEVEL		BIT(15)
#define MSI_DATA_ASSERT		BIT(14)

static u32 irq_gsi_to_pin(u32 gsi)
{
	return gsi == 0 ? PIN_TIMER : gsi;
}

/* irq_lock held: GSI 0 and 2 share a pin. */
static bool irq_pin_level(const struct vm_arch *arch, u32 pin)
{
	if (pin == PIN_TIMER)
		return arch->irq_level[0] || arch->irq_level[PIN_TIMER];
	return arch->irq_level[pin];
}

int arch_irq_line(struct vm *vm, enum irq_source source, u32 gsi, bool level)
{
	struct vm_arch *arch = &vm->arch;
	unsigned long flags;

	if (gsi >= IRQ_NR_GSI)
		return -EINVAL;
	if (!arch->pic && !arch->ioapic)
		return -ENODEV;
	gsi = array_index_nospec(gsi, IRQ_NR_GSI);
	spin_lock_irqsave(&arch->irq_lock, flags);
	if (level)
		arch->irq_level[gsi] |= BIT(source);
	else
		arch->irq_level[gsi] &= ~BIT(source);
	if (arch->pic && gsi < 16)
		vpic_set_input(arch->pic, gsi, arch->irq_level[gsi]);
	if (arch->ioapic)
		vioapic_set_input(arch->ioapic, irq_gsi_to_pin(gsi),
				  irq_pin_level(arch, irq_gsi_to_pin(gsi)));
	spin_unlock_irqrestore(&arch->irq_lock, flags);
	return 0;
}

int arch_irq_msi(struct vm *vm, u64 addr, u32 data)
{
	struct apic_msg msg = {
		.dest = ((addr >> 12) & 0xff) | (upper_32_bits(addr) & ~0xffU),
		.vector = data & 0xff,
		.mode = (data >> 8) & 7,
		.dest_mode = addr & MSI_ADDR_LOGICAL ? VLAPIC_DEST_LOGICAL : VLAPIC_DEST_PHYSICAL,
		.level = data & MSI_DATA_LEVEL,
		.assert = !(data & MSI_DATA_LEVEL) || (data & MSI_DATA_ASSERT),
		.x2apic = upper_32_bits(addr),
	};

	if ((addr & MSI_ADDR_MASK) != MSI_ADDR_VALUE || (addr & MSI_ADDR_HIGH_ZERO))
		return -EINVAL;
	if (!msg.assert)
		return 0;
	/* The redirection hint: one of the set, not all of it. */
	if ((addr & MSI_ADDR_REDIRECT) && msg.mode == VLAPIC_MODE_FIXED)
		msg.mode = VLAPIC_MODE_LOWEST;
	return vlapic_deliver(vm, NULL, &msg);
}

/* ---- towards the CPU ---- */

static bool irq_extint(struct vcpu *vcpu)
{
	const struct vpic *pic = vcpu->vm->arch.pic;

	return pic && unlikely(vpic_output(pic)) && vlapic_accepts_extint(vcpu);
}

/* Xen's callback vector: it comes from no controller and knows no EOI.  Or -1. */
static int irq_xen_callback(struct vcpu *vcpu)
{
	u64 via = READ_ONCE(vcpu->vm->xen->params[HVM_PARAM_CALLBACK_IRQ]);

	if (!vcpu->xen->callback || via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR)
		return -1;
	return via & 0xff;
}

int x86_irq_outside(struct vcpu *vcpu)
{
	int vector;

	if (unlikely(vcpu->xen)) {
		if (unlikely(vcpu->xen->upcall_held))
			xen_upcall(vcpu);
		vector = irq_xen_callback(vcpu);
		if (vector >= 0)
			return vector;
	}
	return irq_extint(vcpu) ? X86_IRQ_EXTINT : -1;
}

int x86_irq_ack_outside(struct vcpu *vcpu)
{
	int vector;

	if (unlikely(vcpu->xen)) {
		vector = irq_xen_callback(vcpu);
		if (vector >= 0) {
			vcpu->xen->callback = false;
			return vector;
		}
	}
	return irq_extint(vcpu) ? vpic_ack(vcpu->vm->arch.pic) : -1;
}

int x86_irq_pending(struct vcpu *vcpu)
{
	int vector = x86_irq_outside(vcpu);

	return vector >= 0 ? vector : vlapic_pending(vcpu);
}

int x86_irq_ack(struct vcpu *vcpu)
{
	int vector = x86_irq_ack_outside(vcpu);

	if (vector >= 0)
		return vector;
	vector = vlapic_pending(vcpu);
	if (vector >= 0)
		vlapic_ack(vcpu, vector);
	return vector;
}

/* ---- life ---- */

int irq_devices_create(struct vm *vm)
{
	int err = 0;

	lockdep_assert_held(&vm->lock);
	if (vm->devices & HVMOD_DEV_PIC)
		err = vpic_create(vm);
	if (!err && (vm->devices & HVMOD_DEV_IOAPIC))
		err = vioapic_create(vm);
	if (!err && (vm->devices & HVMOD_DEV_PIT))
		err = vpit_create(vm);
	if (!err && (vm->devices & HVMOD_DEV_PMTMR))
		err = vpmtmr_create(vm);
	if (err) {
		iobus_destroy(&vm->mmio);
		iobus_destroy(&vm->pio);
		irq_devices_destroy(vm);
	}
	return err;
}

void irq_devices_stop(struct vm *vm)
{
	vpit_stop(vm);
}

void irq_devices_destroy(struct vm *vm)
{
	vpmtmr_destroy(vm);
	vpit_destroy(vm);
	vioapic_destroy(vm);
	vpic_destroy(vm);
	vlapic_map_destroy(vm);
}

/* ---- save and restore ---- */

/*
 * Inputs that a restored controller has high are the launcher's to lower: then
 * a later HVMOD_VM_IRQ_LINE finds them as it left them.
 */
static void irq_restore_levels(struct vm *vm, u32 pins, u32 known)
{
	unsigned long flags;
	u32 gsi;

	spin_lock_irqsave(&vm->arch.irq_lock, flags);
	for (gsi = 0; gsi < IRQ_NR_GSI; gsi++) {
		if (!(known & BIT(gsi)))
			continue;
		if (pins & BIT(gsi))
			vm->arch.irq_level[gsi] |= BIT(IRQ_SOURCE_USER);
		else
			vm->arch.irq_level[gsi] = 0;
	}
	spin_unlock_irqrestore(&vm->arch.irq_lock, flags);
}

static int irq_set_pic(struct vm *vm, const struct hvmod_pic *pic)
{
	int err = vpic_set_state(vm->arch.pic, pic);

	if (!err)
		irq_restore_levels(vm, pic->chip[0].last_level | pic->chip[1].last_level << 8,
				   0xfff8 | BIT(1));
	return err;
}

static int irq_set_ioapic(struct vm *vm, const struct hvmod_ioapic *ioapic)
{
	int err = vioapic_set_state(vm->arch.ioapic, ioapic);

	if (!err)
		irq_restore_levels(vm, ioapic->level, 0xfffff8 | BIT(1));
	return err;
}

union irq_state {
	struct hvmod_pic pic;
	struct hvmod_ioapic ioapic;
	struct hvmod_pit pit;
};

/* Size of a group, or an errno. */
static int irq_state_size(struct vm *vm, u32 id)
{
	switch (id) {
	case HVMOD_STATE_PIC:
		return vm->arch.pic ? (int)sizeof(struct hvmod_pic) : -ENODEV;
	case HVMOD_STATE_IOAPIC:
		return vm->arch.ioapic ? (int)sizeof(struct hvmod_ioapic) : -ENODEV;
	case HVMOD_STATE_PIT:
		return vm->arch.pit ? (int)sizeof(struct hvmod_pit) : -ENODEV;
	default:
		return -EINVAL;
	}
}

static void irq_state_get(struct vm *vm, u32 id, union irq_state *state)
{
	if (id == HVMOD_STATE_PIC)
		vpic_get_state(vm->arch.pic, &state->pic);
	else if (id == HVMOD_STATE_IOAPIC)
		vioapic_get_state(vm->arch.ioapic, &state->ioapic);
	else
		vpit_get_state(vm->arch.pit, &state->pit);
}

static int irq_state_set(struct vm *vm, u32 id, const union irq_state *state)
{
	if (id == HVMOD_STATE_PIC)
		return irq_set_pic(vm, &state->pic);
	if (id == HVMOD_STATE_IOAPIC)
		return irq_set_ioapic(vm, &state->ioapic);
	return vpit_set_state(vm->arch.pit, &state->pit);
}

long arch_vm_ioctl_state(struct vm *vm, const struct hvmod_state *args, bool set)
{
	void __user *user = u64_to_user_ptr(args->addr);
	int size = irq_state_size(vm, args->id);
	union irq_state *state;
	long err = 0;

	if (size < 0)
		return size;
	if (args->size != size)
		return -EINVAL;
	state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	if (set) {
		if (copy_from_user(state, user, size))
			err = -EFAULT;
		else
			err = irq_state_set(vm, args->id, state);
	} else {
		irq_state_get(vm, args->id, state);
		if (copy_to_user(user, state, size))
			err = -EFAULT;
	}
	kfree(state);
	return err;
}
