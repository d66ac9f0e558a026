/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two buses of a VM, port I/O and MMIO: which range belongs to a device in
 * the kernel or to an ioeventfd.  Exit handlers dispatch through it, devices
 * register with it.  What nobody claims goes out to the launcher, which is the
 * caller's work, not the bus's.
 */
#ifndef MODULE_IOBUS_H
#define MODULE_IOBUS_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct vm;
struct vcpu;
struct iodev;
struct hvmod_ioeventfd;

/*
 * Both are called in RCU read-side context, perhaps with interrupts off: they
 * must not sleep.  len is 1, 2, 4 or 8; addr lies in the device's range and
 * addr + len may end beyond it.  vcpu may be NULL.  Return 0, or -EOPNOTSUPP
 * to let the access go to the launcher.
 */
struct iodev_ops {
	int (*read)(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, void *val);
	int (*write)(struct vcpu *vcpu, struct iodev *dev, u64 addr, int len, const void *val);
	/* Frees dev after the last reader is gone; NULL: embedded, not freed. */
	void (*free)(struct iodev *dev);
};

struct iodev {
	u64 addr;
	u64 len;
	const struct iodev_ops *ops;
};

#define IOBUS_MAX_DEVS	1000

/* An immutable sorted array, replaced as a whole under vm->lock. */
struct iobus_table {
	struct rcu_head rcu;
	u32 count;
	struct iodev *dev[];
};

struct iobus {
	struct iobus_table __rcu *table;
};

void iobus_init(struct iobus *bus);
/* Frees every device left; no vCPU may run any more. */
void iobus_destroy(struct iobus *bus);

/*
 * vm->lock held, may sleep.  Devices may overlap only if they start at the same
 * address (several ioeventfds there).  -ENOSPC, -ENOMEM, -EEXIST.
 */
int iobus_add(struct vm *vm, struct iobus *bus, struct iodev *dev);
/* vm->lock held; waits for readers, then calls ops->free. */
void iobus_remove(struct vm *vm, struct iobus *bus, struct iodev *dev);

/* Any context that may not sleep.  0, or -EOPNOTSUPP: nobody took it. */
int iobus_read(struct vcpu *vcpu, struct iobus *bus, u64 addr, int len, void *val);
int iobus_write(struct vcpu *vcpu, struct iobus *bus, u64 addr, int len, const void *val);

/* HVMOD_VM_IOEVENTFD; takes vm->lock itself. */
int ioeventfd_ctl(struct vm *vm, const struct hvmod_ioeventfd *args);

#endif /* MODULE_IOBUS_H */
