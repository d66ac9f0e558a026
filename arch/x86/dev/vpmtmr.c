// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI power-management timer.  Called by the I/O bus in any context.  It
 * must not keep state: the count is the host's monotonic clock.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/dev/vpmtmr.h"
#include "module/vm.h"

#define VPMTMR_HZ	3579545U

struct vpmtmr {
	struct iodev io;
};

static int vpmtmr_read(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val)
{
	u64 count = lower_32_bits(mul_u64_u32_div(ktime_get_ns(), VPMTMR_HZ, NSEC_PER_SEC));

	count >>= (addr - dev->addr) * 8;
	memcpy(val, &count, len);
	return 0;
}

static int vpmtmr_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, const void *val)
{
	return 0;
}

static const struct iodev_ops vpmtmr_ops = {
	.read = vpmtmr_read,
	.write = vpmtmr_write,
};

int vpmtmr_create(struct vm *vm)
{
	struct vpmtmr *pmtmr = kzalloc(sizeof(*pmtmr), GFP_KERNEL_ACCOUNT);

	if (!pmtmr)
		return -ENOMEM;
	pmtmr->io.addr = vm->pmtmr_port;
	pmtmr->io.len = 4;
	pmtmr->io.ops = &vpmtmr_ops;
	vm->arch.pmtmr = pmtmr;
	return iobus_add(vm, &vm->pio, &pmtmr->io);
}

void vpmtmr_destroy(struct vm *vm)
{
	kfree(vm->arch.pmtmr);
	vm->arch.pmtmr = NULL;
}
