// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's write to an address signals an eventfd, and the vCPU goes on.  An
 * ioeventfd is a device on one of the buses, made and removed by ioctl.  It
 * never answers reads and never sleeps.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "module/compat.h"
#include "module/iobus.h"
#include "module/vm.h"

#define IOEVENTFD_FLAGS \
	(HVMOD_IOEVENTFD_DEASSIGN | HVMOD_IOEVENTFD_PIO | HVMOD_IOEVENTFD_DATAMATCH)

struct ioeventfd {
	struct iodev dev;
	struct eventfd_ctx *ctx;
	u64 data;
	u32 len;		/* 0: any */
	bool match;		/* data counts */
};

static struct ioeventfd *to_ioeventfd(struct iodev *dev)
{
	return container_of(dev, struct ioeventfd, dev);
}

static int ioeventfd_write(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len,
			   const void *val)
{
	struct ioeventfd *e = to_ioeventfd(dev);
	u64 data = 0;

	if (addr != dev->addr || (e->len && e->len != len))
		return -EOPNOTSUPP;
	if (e->match) {
		memcpy(&data, val, len);
		if (data != e->data)
			return -EOPNOTSUPP;
	}
	compat_eventfd_signal(e->ctx);
	return 0;
}

static void ioeventfd_free(struct iodev *dev)
{
	struct ioeventfd *e = to_ioeventfd(dev);

	eventfd_ctx_put(e->ctx);
	kfree(e);
}

static const struct iodev_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.free = ioeventfd_free,
};

static int check_args(const struct hvmod_ioeventfd *args)
{
	if (args->flags & ~IOEVENTFD_FLAGS)
		return -EINVAL;
	switch (args->len) {
	case 0:
		if (args->flags & HVMOD_IOEVENTFD_DATAMATCH)
			return -EINVAL;
		break;
	case 1:
	case 2:
	case 4:
		break;
	case 8:
		if (args->flags & HVMOD_IOEVENTFD_PIO)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	if ((args->flags & HVMOD_IOEVENTFD_PIO) && args->addr + max(args->len, 1U) > 0x10000)
		return -EINVAL;
	return 0;
}

/* Is there a write that both take? */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->len && b->len && a->len != b->len)
		return false;
	return !a->match || !b->match || a->data == b->data;
}

/* The ioeventfd there that collides, or (exact) that is the same. */
static struct ioeventfd *find(struct vm *vm, struct iobus *bus, const struct ioeventfd *key,
			      bool exact)
{
	struct iobus_table *table;
	struct ioeventfd *e;
	u32 i;

	table = rcu_dereference_protected(bus->table, lockdep_is_held(&vm->lock));
	for (i = 0; table && i < table->count; i++) {
		if (table->dev[i]->ops != &ioeventfd_ops || table->dev[i]->addr != key->dev.addr)
			continue;
		e = to_ioeventfd(table->dev[i]);
		if (!exact) {
			if (collide(e, key))
				return e;
		} else if (e->ctx == key->ctx && e->len == key->len && e->match == key->match &&
			   (!e->match || e->data == key->data)) {
			return e;
		}
	}
	return NULL;
}

static int assign(struct vm *vm, struct iobus *bus, const struct ioeventfd *key)
{
	struct ioeventfd *e;
	int err;

	e = kmemdup(key, sizeof(*key), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	mutex_lock(&vm->lock);
	err = find(vm, bus, key, false) ? -EEXIST : iobus_add(vm, bus, &e->dev);
	mutex_unlock(&vm->lock);
	if (err)
		kfree(e);
	return err;
}

static int deassign(struct vm *vm, struct iobus *bus, const struct ioeventfd *key)
{
	struct ioeventfd *e;

	mutex_lock(&vm->lock);
	e = find(vm, bus, key, true);
	if (e)
		iobus_remove(vm, bus, &e->dev);
	mutex_unlock(&vm->lock);
	return e ? 0 : -ENOENT;
}

int ioeventfd_ctl(struct vm *vm, const struct hvmod_ioeventfd *args)
{
	struct iobus *bus = args->flags & HVMOD_IOEVENTFD_PIO ? &vm->pio : &vm->mmio;
	struct ioeventfd key = {
		.dev = { .addr = args->addr, .len = max(args->len, 1U), .ops = &ioeventfd_ops },
		.data = args->data,
		.len = args->len,
		.match = args->flags & HVMOD_IOEVENTFD_DATAMATCH,
	};
	int err;

	err = check_args(args);
	if (err)
		return err;
	key.ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(key.ctx))
		return PTR_ERR(key.ctx);

	if (args->flags & HVMOD_IOEVENTFD_DEASSIGN)
		err = deassign(vm, bus, &key);
	else
		err = assign(vm, bus, &key);
	/* The device on the bus keeps this reference. */
	if (err || (args->flags & HVMOD_IOEVENTFD_DEASSIGN))
		eventfd_ctx_put(key.ctx);
	return err;
}
