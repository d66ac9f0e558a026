// SPDX-License-Identifier: GPL-2.0
/*
 * From an interrupt message to the vCPUs that it names: physical and logical
 * destinations, shorthands, lowest priority, INIT and SIPI.  Called by ICR
 * writes, the IOAPIC, MSIs and devices in any context.  It must not take a lock:
 * only a change of the destination map does.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "arch/x86/dev/vlapic_priv.h"

/* One message under way. */
struct vlapic_delivery {
	struct vcpu *source;
	const struct apic_msg *msg;
	struct vcpu *lowest;	/* best candidate so far, lowest priority */
	int taken;
};

static bool vlapic_ready(const struct vlapic *apic)
{
	return READ_ONCE(apic->enabled) && READ_ONCE(apic->sw_enabled);
}

/* SDM, "Lowest Priority Delivery Mode"; equals take turns. */
static bool vlapic_lower(const struct vlapic *a, const struct vlapic *b)
{
	u32 pa = vlapic_ppr(a) >> 4;
	u32 pb = vlapic_ppr(b) >> 4;

	if (pa != pb)
		return pa < pb;
	return (s32)(READ_ONCE(a->arbitration) - READ_ONCE(b->arbitration)) < 0;
}

static bool vlapic_take_fixed(struct vcpu *vcpu, struct vcpu *source, const struct apic_msg *msg)
{
	struct vlapic *apic = vcpu->arch.apic;

	if (vcpu == source)
		return vlapic_set_irr(apic, msg->vector);
	return vlapic_post_vector(apic, msg->vector, msg->level);
}

static bool vlapic_take(struct vcpu *vcpu, struct vcpu *source, const struct apic_msg *msg)
{
	if (!READ_ONCE(vcpu->arch.apic->enabled))
		return false;
	switch (msg->mode) {
	case VLAPIC_MODE_FIXED:
	case VLAPIC_MODE_LOWEST:
		return vlapic_take_fixed(vcpu, source, msg);
	case VLAPIC_MODE_NMI:
		vlapic_nmi(vcpu);
		return true;
	case VLAPIC_MODE_INIT:
		if (!msg->assert)
			return false;	/* sets arbitration ids, which are history */
		clear_bit(VCPU_APIC_SIPI, &vcpu->arch.apic_events);
		set_bit(VCPU_APIC_INIT, &vcpu->arch.apic_events);
		vcpu_request(vcpu, VCPU_REQ_EVENT);
		return true;
	case VLAPIC_MODE_SIPI:
		WRITE_ONCE(vcpu->arch.sipi_vector, msg->vector);
		smp_wmb();	/* the vector before the event */
		set_bit(VCPU_APIC_SIPI, &vcpu->arch.apic_events);
		vcpu_request(vcpu, VCPU_REQ_EVENT);
		return true;
	default:	/* SMI: no SMM here; ExtINT goes by the PIC's own line */
		return false;
	}
}

static void vlapic_offer(struct vlapic_delivery *d, struct vcpu *vcpu)
{
	if (d->msg->mode != VLAPIC_MODE_LOWEST) {
		d->taken += vlapic_take(vcpu, d->source, d->msg);
		return;
	}
	if (!vlapic_ready(vcpu->arch.apic))
		return;
	if (!d->lowest || vlapic_lower(vcpu->arch.apic, d->lowest->arch.apic))
		d->lowest = vcpu;
}

static int vlapic_offer_end(struct vlapic_delivery *d)
{
	struct vlapic *apic;

	if (d->lowest) {
		apic = d->lowest->arch.apic;
		WRITE_ONCE(apic->arbitration, READ_ONCE(apic->arbitration) + 1);
		d->taken += vlapic_take(d->lowest, d->source, d->msg);
	}
	return d->taken;
}

/* SDM, "Logical Destination Mode" and "Logical Destination Mode in x2APIC Mode" */
static bool vlapic_match_logical(struct vcpu *vcpu, const struct apic_msg *msg)
{
	const struct vlapic *apic = vcpu->arch.apic;
	u32 dest = msg->dest, ldr;

	if (READ_ONCE(apic->x2apic)) {
		if (dest == (msg->x2apic ? U32_MAX : 0xff))
			return true;
		ldr = vlapic_x2apic_ldr(vcpu->id);
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	}
	if (msg->x2apic)
		return dest == U32_MAX;
	ldr = vlapic_reg(apic, APIC_LDR) >> 24;
	if (vlapic_reg(apic, APIC_DFR) == APIC_DFR_FLAT)
		return dest & ldr;
	return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) && (dest & ldr & 0xf);
}

static bool vlapic_broadcast(const struct apic_msg *msg)
{
	return msg->dest == (msg->x2apic ? U32_MAX : 0xff);
}

static bool vlapic_named(struct vcpu *vcpu, const struct vcpu *source, const struct apic_msg *msg)
{
	switch (msg->shorthand) {
	case VLAPIC_SHORTHAND_SELF:
		return vcpu == source;
	case VLAPIC_SHORTHAND_ALL:
		return true;
	case VLAPIC_SHORTHAND_OTHERS:
		return vcpu != source;
	default:
		break;
	}
	if (msg->dest_mode == VLAPIC_DEST_LOGICAL)
		return vlapic_match_logical(vcpu, msg);
	return vlapic_broadcast(msg) || vcpu->id == msg->dest;
}

static int vlapic_deliver_scan(struct vm *vm, struct vlapic_delivery *d)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu)
		if (vlapic_named(vcpu, d->source, d->msg))
			vlapic_offer(d, vcpu);
	return vlapic_offer_end(d);
}

static int vlapic_deliver_set(struct vlapic_delivery *d, struct vcpu *const *set, u32 bits)
{
	while (bits) {
		struct vcpu *vcpu = set[__ffs(bits)];

		bits &= bits - 1;
		if (vcpu)
			vlapic_offer(d, vcpu);
	}
	return vlapic_offer_end(d);
}

static int vlapic_deliver_x2apic(struct vm *vm, struct vlapic_delivery *d)
{
	u32 first = d->msg->dest >> 16 << 4;
	u32 bits = d->msg->dest & 0xffff;

	while (bits) {
		struct vcpu *vcpu = vm_vcpu(vm, first + __ffs(bits));

		bits &= bits - 1;
		if (vcpu && READ_ONCE(vcpu->arch.apic->x2apic))
			vlapic_offer(d, vcpu);
	}
	return vlapic_offer_end(d);
}

static int vlapic_deliver_logical(struct vm *vm, struct vlapic_delivery *d)
{
	const struct apic_msg *msg = d->msg;
	u32 cluster = array_index_nospec(msg->dest >> 4, 16);
	const struct vlapic_map *map;
	int taken;

	rcu_read_lock();
	map = rcu_dereference(vm->arch.apic_map);
	switch (map && !vlapic_broadcast(msg) ? map->mode : VLAPIC_MAP_MIXED) {
	case VLAPIC_MAP_NONE:
		taken = 0;
		break;
	case VLAPIC_MAP_FLAT:
		taken = msg->x2apic ? 0 : vlapic_deliver_set(d, map->flat, msg->dest & 0xff);
		break;
	case VLAPIC_MAP_CLUSTER:
		if (msg->dest >> 4 >= 0xf || msg->x2apic)
			taken = vlapic_deliver_scan(vm, d);
		else
			taken = vlapic_deliver_set(d, map->cluster[cluster], msg->dest & 0xf);
		break;
	case VLAPIC_MAP_X2APIC:
		taken = vlapic_deliver_x2apic(vm, d);
		break;
	default:
		taken = vlapic_deliver_scan(vm, d);
		break;
	}
	rcu_read_unlock();
	return taken;
}

int vlapic_deliver(struct vm *vm, struct vcpu *source, const struct apic_msg *msg)
{
	struct vlapic_delivery d = { .source = source, .msg = msg };
	struct vcpu *target;

	if (msg->shorthand == VLAPIC_SHORTHAND_SELF)
		return source ? vlapic_take(source, source, msg) : 0;
	if (msg->shorthand != VLAPIC_SHORTHAND_NONE)
		return vlapic_deliver_scan(vm, &d);
	if (msg->dest_mode == VLAPIC_DEST_LOGICAL)
		return vlapic_deliver_logical(vm, &d);
	if (vlapic_broadcast(msg))
		return vlapic_deliver_scan(vm, &d);
	target = vm_vcpu(vm, msg->dest);
	return target ? vlapic_take(target, source, msg) : 0;
}

void vlapic_send_ipi(struct vlapic *apic, u32 icr, u32 dest)
{
	struct apic_msg msg = {
		.dest = dest,
		.vector = icr & APIC_VECTOR_MASK,
		.mode = (icr & APIC_MODE_MASK) >> 8,
		.dest_mode = icr & APIC_DEST_LOGICAL ? VLAPIC_DEST_LOGICAL : VLAPIC_DEST_PHYSICAL,
		.shorthand = (icr >> 18) & 3,
		.assert = !(icr & APIC_INT_LEVELTRIG) || (icr & APIC_INT_ASSERT),
		.x2apic = apic->x2apic,
	};

	/* Interrupts from ICR are edge triggered, whatever it says. */
	if (msg.mode <= VLAPIC_MODE_LOWEST && unlikely(msg.vector < 16)) {
		vlapic_error(apic, APIC_ESR_SENDILL);
		return;
	}
	vlapic_deliver(apic->vcpu->vm, apic->vcpu, &msg);
}

/* ---- the destination map ---- */

static enum vlapic_map_mode vlapic_map_add(struct vlapic_map *map, struct vcpu *vcpu)
{
	const struct vlapic *apic = vcpu->arch.apic;
	u32 ldr = vlapic_reg(apic, APIC_LDR) >> 24;
	enum vlapic_map_mode mode;
	struct vcpu **set;
	u32 bits;

	if (READ_ONCE(apic->x2apic))
		return VLAPIC_MAP_X2APIC;
	if (!ldr)
		return VLAPIC_MAP_NONE;
	if (vlapic_reg(apic, APIC_DFR) == APIC_DFR_FLAT) {
		mode = VLAPIC_MAP_FLAT;
		set = map->flat;
		bits = ldr;
	} else {
		mode = VLAPIC_MAP_CLUSTER;
		set = map->cluster[ldr >> 4];
		bits = ldr & 0xf;
	}
	for (; bits; bits &= bits - 1) {
		if (set[__ffs(bits)])
			return VLAPIC_MAP_MIXED;	/* a bit that two answer to */
		set[__ffs(bits)] = vcpu;
	}
	/* One with several bits would be offered the message several times. */
	return hweight32(mode == VLAPIC_MAP_FLAT ? ldr : ldr & 0xf) > 1 ? VLAPIC_MAP_MIXED : mode;
}

static void vlapic_map_build(struct vm *vm, struct vlapic_map *map)
{
	struct vcpu *vcpu;
	u32 id;

	vm_for_each_vcpu(vm, id, vcpu) {
		enum vlapic_map_mode mode;

		if (!READ_ONCE(vcpu->arch.apic->enabled))
			continue;
		mode = vlapic_map_add(map, vcpu);
		if (mode == VLAPIC_MAP_NONE)
			continue;
		if (map->mode != VLAPIC_MAP_NONE && map->mode != mode)
			mode = VLAPIC_MAP_MIXED;
		map->mode = mode;
	}
}

void vlapic_map_update(struct vm *vm)
{
	struct vlapic_map *map, *old;
	unsigned long flags;

	spin_lock_irqsave(&vm->arch.apic_map_lock, flags);
	/* Without memory there is no map, and delivery asks every APIC. */
	map = kzalloc(sizeof(*map), GFP_ATOMIC | __GFP_NOWARN);
	if (map)
		vlapic_map_build(vm, map);
	old = rcu_replace_pointer(vm->arch.apic_map, map,
				  lockdep_is_held(&vm->arch.apic_map_lock));
	spin_unlock_irqrestore(&vm->arch.apic_map_lock, flags);
	if (old)
		kfree_rcu(old, rcu);
}

void vlapic_map_destroy(struct vm *vm)
{
	kfree(rcu_replace_pointer(vm->arch.apic_map, NULL, true));
}
