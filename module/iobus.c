// SPDX-License-Identifier: GPL-2.0
/*
 * Finds who owns an I/O port or an MMIO address, in a sorted array that readers
 * see through RCU.  Exit handlers look up, devices register.  Lookups happen
 * with interrupts off on the hottest exits: no lock, no call but the device's, so
 * that a reader is who has preemption off.
 */
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "module/iobus.h"
#include "module/vm.h"

static struct iobus_table *table_alloc(u32 count, gfp_t gfp)
{
	struct iobus_table *table;

	/* Two pages at most, so that iobus_remove() can insist on them. */
	BUILD_BUG_ON(sizeof(*table) + IOBUS_MAX_DEVS * sizeof(table->dev[0]) > 8192);
	table = kmalloc(struct_size(table, dev, count), GFP_KERNEL_ACCOUNT | gfp);
	if (table)
		table->count = count;
	return table;
}

static struct iobus_table *bus_table(struct vm *vm, struct iobus *bus)
{
	return rcu_dereference_protected(bus->table, lockdep_is_held(&vm->lock));
}

void iobus_init(struct iobus *bus)
{
	RCU_INIT_POINTER(bus->table, NULL);
}

void iobus_destroy(struct iobus *bus)
{
	struct iobus_table *table = rcu_dereference_protected(bus->table, true);
	u32 i;

	if (!table)
		return;
	RCU_INIT_POINTER(bus->table, NULL);
	for (i = 0; i < table->count; i++) {
		if (table->dev[i]->ops->free)
			table->dev[i]->ops->free(table->dev[i]);
	}
	kfree(table);
}

static bool may_coexist(const struct iodev *a, const struct iodev *b)
{
	return a->addr == b->addr || a->addr >= b->addr + b->len || b->addr >= a->addr + a->len;
}

int iobus_add(struct vm *vm, struct iobus *bus, struct iodev *dev)
{
	struct iobus_table *old, *new;
	u32 count, pos, i;

	lockdep_assert_held(&vm->lock);
	old = bus_table(vm, bus);
	count = old ? old->count : 0;
	if (count >= IOBUS_MAX_DEVS)
		return -ENOSPC;

	/* Behind those that start at the same address: first come, first asked. */
	pos = 0;
	for (i = 0; i < count; i++) {
		if (!may_coexist(old->dev[i], dev))
			return -EEXIST;
		if (old->dev[i]->addr <= dev->addr)
			pos = i + 1;
	}

	new = table_alloc(count + 1, 0);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < pos; i++)
		new->dev[i] = old->dev[i];
	new->dev[pos] = dev;
	for (i = pos; i < count; i++)
		new->dev[i + 1] = old->dev[i];

	rcu_assign_pointer(bus->table, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

void iobus_remove(struct vm *vm, struct iobus *bus, struct iodev *dev)
{
	struct iobus_table *old, *new;
	u32 i, n = 0;

	lockdep_assert_held(&vm->lock);
	old = bus_table(vm, bus);
	new = table_alloc(old->count - 1, __GFP_NOFAIL);
	for (i = 0; i < old->count; i++) {
		if (old->dev[i] != dev)
			new->dev[n++] = old->dev[i];
	}

	rcu_assign_pointer(bus->table, new);
	synchronize_rcu_expedited();
	kfree(old);
	if (dev->ops->free)
		dev->ops->free(dev);
}

/* The first device of those that start where the one that holds addr starts. */
static u32 find_first(const struct iobus_table *table, u64 addr)
{
	u32 low = 0, high = table->count;

	/* dev[low - 1] starts at or below addr, dev[high] above it. */
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (table->dev[mid]->addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return table->count;
	low--;
	while (low && table->dev[low - 1]->addr == table->dev[low]->addr)
		low--;
	return low;
}

static __always_inline int iobus_access(struct vcpu *vcpu, struct iobus *bus, u64 addr,
					int len, void *val, bool write)
{
	const struct iobus_table *table;
	int ret = -EOPNOTSUPP;
	struct iodev *dev;
	u64 start;
	u32 i;

	rcu_read_lock_sched();
	table = rcu_dereference_sched(bus->table);
	if (!table)
		goto out;
	i = find_first(table, addr);
	if (i >= table->count)
		goto out;

	start = table->dev[i]->addr;
	for (; i < table->count && table->dev[i]->addr == start; i++) {
		dev = table->dev[i];
		if (addr - start >= dev->len)
			continue;
		if (write && dev->ops->write)
			ret = dev->ops->write(vcpu, dev, addr, len, val);
		else if (!write && dev->ops->read)
			ret = dev->ops->read(vcpu, dev, addr, len, val);
		if (ret != -EOPNOTSUPP)
			break;
	}
out:
	rcu_read_unlock_sched();
	return ret;
}

int iobus_read(struct vcpu *vcpu, struct iobus *bus, u64 addr, int len, void *val)
{
	return iobus_access(vcpu, bus, addr, len, val, false);
}

int iobus_write(struct vcpu *vcpu, struct iobus *bus, u64 addr, int len, const void *val)
{
	return iobus_access(vcpu, bus, addr, len, (void *)val, true);
}
