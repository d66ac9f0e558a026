// SPDX-License-Identifier: GPL-2.0
/*
 * What hypervisor and guest share: shared_info, each vCPU's vcpu_info wherever
 * the guest put it, the clock in them and in time areas.  The run loop
 * and hypercalls call it on the vCPU's thread, but for the clock itself.  It
 * must not take what it reads there for more than the guest's word.
 */
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "module/arch.h"
#include "module/mem.h"
#include "module/xen/evtchn.h"

#define NO_GPA	(~0ULL)

u64 xen_now(struct vm *vm)
{
	return arch_clock_ns(vm->xen->clock_tsc);
}

/*
 * The layout for guests of 32 bits, where it differs: Xen's xen.h with longs of
 * 32 bits.  Offsets; the flag and the clock of a vcpu_info are at the same ones.
 */
#define MASK_32			(2048 + 128)
#define WALLCLOCK_32		(2048 + 256)
#define WALLCLOCK_SEC_HI_32	(WALLCLOCK_32 + 12 + 24)
#define PENDING_SEL_32		4

void xen_set_layout(struct vm *vm, bool is_64bit)
{
	struct xen_vm *xen = vm->xen;

	mutex_lock(&xen->evtchns.change);
	/* Ports that it could not name would stay for ever. */
	if (xen->layout_32 == is_64bit &&
	    (is_64bit || find_next_bit(xen->evtchns.used, EVTCHN_FIFO_NR_CHANNELS, 32 * 32) ==
	     EVTCHN_FIFO_NR_CHANNELS)) {
		WRITE_ONCE(xen->layout_32, !is_64bit);
		/* As at the start, unless the guest has ports already. */
		if (bitmap_empty(xen->evtchns.used, EVTCHN_2L_NR_CHANNELS)) {
			memset(xen->shinfo->evtchn_pending, 0, sizeof(xen->shinfo->evtchn_pending));
			memset(xen->shinfo->evtchn_mask, 0, sizeof(xen->shinfo->evtchn_mask));
			memset(is_64bit ? (void *)xen->shinfo->evtchn_mask :
					  (void *)xen->shinfo + MASK_32, 0xff,
			       is_64bit ? sizeof(xen->shinfo->evtchn_mask) : 128);
		}
		xen_wallclock(vm);
	}
	mutex_unlock(&xen->evtchns.change);
}

void xen_evtchn_bits(struct vm *vm, unsigned long **pending, unsigned long **mask)
{
	struct shared_info *s = vm->xen->shinfo;

	*pending = (unsigned long *)s->evtchn_pending;
	*mask = READ_ONCE(vm->xen->layout_32) ? (void *)s + MASK_32 :
						(unsigned long *)s->evtchn_mask;
}

void xen_wallclock(struct vm *vm)
{
	bool layout_32 = READ_ONCE(vm->xen->layout_32);
	void *s = vm->xen->shinfo;
	struct pvclock_wall_clock *wc = layout_32 ? s + WALLCLOCK_32 :
						    (void *)&vm->xen->shinfo->wc;
	u32 *sec_hi = layout_32 ? s + WALLCLOCK_SEC_HI_32 : (void *)&vm->xen->shinfo->wc_sec_hi;
	struct timespec64 now;
	u64 zero, sec;
	u32 nsec;

	/* The time of day at system time zero. */
	ktime_get_real_ts64(&now);
	zero = timespec64_to_ns(&now) - xen_now(vm);
	sec = div_u64_rem(zero, NSEC_PER_SEC, &nsec);

	WRITE_ONCE(wc->version, wc->version | 1);
	smp_wmb();	/* odd before the change */
	wc->sec = (u32)sec;
	wc->nsec = nsec;
	*sec_hi = (u32)(sec >> 32);
	smp_wmb();	/* even after it */
	WRITE_ONCE(wc->version, wc->version + 1);
}

/* The vCPU's slot in shared_info, or NULL. */
static struct vcpu_info *own_info(struct vcpu *vcpu)
{
	return vcpu->id < MAX_VIRT_CPUS ? &vcpu->vm->xen->shinfo->vcpu_info[vcpu->id] : NULL;
}

/*
 * Guest memory has to be there: a guest that registered a page and gave it away
 * since is at fault, and loses its events.
 */
static bool gpa_or_sel(struct vm *vm, u64 gpa, u64 bits)
{
	bool layout_32 = READ_ONCE(vm->xen->layout_32);
	u64 old = 0, new;
	int ret;

	gpa += layout_32 ? PENDING_SEL_32 : offsetof(struct vcpu_info, evtchn_pending_sel);
	do {
		new = old | bits;
		ret = mem_cmpxchg(vm, gpa, &old, &new, layout_32 ? 4 : 8);
	} while (ret == -EAGAIN);
	return !ret;
}

static void own_or_sel(struct vm *vm, struct vcpu_info *info, unsigned long bits)
{
	if (READ_ONCE(vm->xen->layout_32))
		atomic_or((u32)bits, (void *)info + PENDING_SEL_32);
	else
		atomic_long_or(bits, (atomic_long_t *)&info->evtchn_pending_sel);
}

/* Sets the flag; what it was, or true when it cannot be read. */
static bool gpa_test_and_set(struct vm *vm, u64 gpa)
{
	u8 old = 0, one = 1;

	if (mem_read(vm, gpa, &old, 1) || mem_write(vm, gpa, &one, 1))
		return true;
	return old;
}

static bool gpa_flag(struct vm *vm, u64 gpa)
{
	u8 flag = 0;

	return !mem_read(vm, gpa, &flag, 1) && flag;
}

bool xen_info_pending(struct vcpu *vcpu)
{
	u64 gpa = READ_ONCE(vcpu->xen->info_gpa);
	struct vcpu_info *info = own_info(vcpu);

	/* What came since the hypercall began is not in there yet. */
	if (test_bit(VCPU_REQ_XEN, &vcpu->requests))
		return true;
	if (gpa != NO_GPA)
		return gpa_flag(vcpu->vm, gpa + offsetof(struct vcpu_info, evtchn_upcall_pending));
	return info && READ_ONCE(info->evtchn_upcall_pending);
}

void xen_upcall(struct vcpu *vcpu)
{
	struct xen_vcpu *x = vcpu->xen;
	u64 via = READ_ONCE(vcpu->vm->xen->params[HVM_PARAM_CALLBACK_IRQ]);
	u8 vector = READ_ONCE(x->upcall_vector);
	int gsi = xen_callback_gsi(via);

	if (vector)
		x->upcall_held = !arch_xen_upcall(vcpu, vector);
	else if (gsi < 0)
		x->callback = true;
	else if (vcpu->id == 0)
		arch_irq_line(vcpu->vm, IRQ_SOURCE_XEN, gsi, true);
}

/* The input goes low; if the flag is still set, vCPU 0 raises it again. */
void xen_irq_eoi(struct vm *vm, u32 gsi)
{
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	if (!vcpu || xen_callback_gsi(READ_ONCE(vm->xen->params[HVM_PARAM_CALLBACK_IRQ])) != gsi)
		return;
	arch_irq_line(vm, IRQ_SOURCE_XEN, gsi, false);
	set_bit(XEN_TODO_UPCALL, &vcpu->xen->todo);
	vcpu_request(vcpu, VCPU_REQ_XEN);
}

void xen_info_sync(struct vcpu *vcpu)
{
	unsigned long sel = xchg(&vcpu->xen->pending_sel, 0);
	bool again = test_and_clear_bit(XEN_TODO_UPCALL, &vcpu->xen->todo);
	u64 gpa = READ_ONCE(vcpu->xen->info_gpa);
	struct vcpu_info *info = own_info(vcpu);
	bool set = sel, was;

	set |= evtchn_fifo_flush(vcpu);
	set |= test_and_clear_bit(XEN_TODO_READY, &vcpu->xen->todo);
	if (!set && !again)
		return;
	if (gpa != NO_GPA) {
		if (sel)
			gpa_or_sel(vcpu->vm, gpa, sel);
		gpa += offsetof(struct vcpu_info, evtchn_upcall_pending);
		if (set)
			was = gpa_test_and_set(vcpu->vm, gpa) && !again;
		else
			was = !gpa_flag(vcpu->vm, gpa);
	} else if (info) {
		if (sel)
			own_or_sel(vcpu->vm, info, sel);
		if (set)
			was = xchg(&info->evtchn_upcall_pending, 1) && !again;
		else
			was = !READ_ONCE(info->evtchn_upcall_pending);
	} else {
		/* It waits until the guest says where: see xen_info_register(). */
		atomic_long_or(sel, (atomic_long_t *)&vcpu->xen->pending_sel);
		set_bit(XEN_TODO_READY, &vcpu->xen->todo);
		return;
	}
	if (!was)
		xen_upcall(vcpu);
}

/* Version odd, body, version even: as the guest expects it. */
static void write_time(struct vcpu *vcpu, int (*write)(struct vcpu *vcpu, u64 to,
						       const void *from, size_t len),
		       u64 to, const struct pvclock_vcpu_time_info *clock, u32 version)
{
	const size_t body = offsetof(struct pvclock_vcpu_time_info, pad0);

	version |= 1;
	if (write(vcpu, to, &version, sizeof(version)))
		return;
	smp_wmb();	/* odd before the body */
	write(vcpu, to + body, (const u8 *)clock + body, sizeof(*clock) - body);
	smp_wmb();	/* even after it */
	version++;
	write(vcpu, to, &version, sizeof(version));
}

static int write_gpa(struct vcpu *vcpu, u64 to, const void *from, size_t len)
{
	return mem_write(vcpu->vm, to, from, len);
}

static int write_gva(struct vcpu *vcpu, u64 to, const void *from, size_t len)
{
	return arch_guest_write(vcpu, to, from, len);
}

static int write_own(struct vcpu *vcpu, u64 to, const void *from, size_t len)
{
	memcpy((void *)(unsigned long)to, from, len);
	return 0;
}

void xen_info_time(struct vcpu *vcpu)
{
	u64 gpa = READ_ONCE(vcpu->xen->info_gpa);
	struct vcpu_info *info = own_info(vcpu);
	struct pvclock_vcpu_time_info clock;
	u32 version = 0;
	u64 area;

	arch_clock_get(vcpu, vcpu->vm->xen->clock_tsc, &clock);
	if (gpa != NO_GPA) {
		gpa += offsetof(struct vcpu_info, time);
		if (!mem_read(vcpu->vm, gpa, &version, sizeof(version)))
			write_time(vcpu, write_gpa, gpa, &clock, version);
	} else if (info) {
		write_time(vcpu, write_own, (unsigned long)&info->time, &clock,
			   READ_ONCE(info->time.version));
	}
	area = READ_ONCE(vcpu->xen->time_gpa);
	if (area != NO_GPA) {
		if (!mem_read(vcpu->vm, area, &version, sizeof(version)))
			write_time(vcpu, write_gpa, area, &clock, version);
		return;
	}
	area = READ_ONCE(vcpu->xen->time_gva);
	if (area) {
		if (!arch_guest_read(vcpu, area, &version, sizeof(version), false))
			write_time(vcpu, write_gva, area, &clock, version);
	}
}

long xen_info_register(struct vcpu *target, u64 gfn, u32 offset)
{
	struct vcpu_info *info = own_info(target);
	struct xen_vcpu *x = target->xen;
	struct vcpu_info copy = {};
	u64 gpa;

	if (offset > PAGE_SIZE - sizeof(copy) || (offset & (xen_word_bits(target->vm) / 8 - 1)))
		return -ENXIO;
	if (READ_ONCE(x->info_gpa) != NO_GPA)
		return -EINVAL;
	if (gfn >= HVMOD_MAX_GPA >> PAGE_SHIFT)
		return -EINVAL;
	gpa = (gfn << PAGE_SHIFT) + offset;

	/* As it was, and to be safe with everything pending: a spurious event. */
	if (info)
		memcpy(&copy, info, sizeof(copy));
	else
		copy.evtchn_upcall_mask = 1;
	if (READ_ONCE(target->vm->xen->layout_32))
		memset((void *)&copy + PENDING_SEL_32, 0xff, 4);
	else
		copy.evtchn_pending_sel = ~0UL;
	copy.evtchn_upcall_pending = 0;
	if (mem_write(target->vm, gpa, &copy, sizeof(copy)))
		return -EINVAL;
	/* It is filled in when others find it. */
	smp_store_release(&x->info_gpa, gpa);
	WRITE_ONCE(x->pending_sel, ~0UL);
	set_bit(XEN_TODO_TIME, &x->todo);
	vcpu_request(target, VCPU_REQ_XEN);
	return 0;
}

bool xen_info_there(struct vcpu *vcpu)
{
	return own_info(vcpu) || READ_ONCE(vcpu->xen->info_gpa) != NO_GPA;
}
