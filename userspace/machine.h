/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine: a VM with its memory, devices and vCPUs.  launch.c makes one,
 * starts it, waits for its end and takes it apart; devices and vCPU threads ask
 * for its end.  It must not print what the guest did: launch.c does.
 */
#ifndef USERSPACE_MACHINE_H
#define USERSPACE_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "userspace/boot/linux.h"
#include "userspace/boot/pvh.h"
#include "userspace/config/disk.h"
#include "userspace/config/vif.h"
#include "userspace/dev/bus.h"
#include "userspace/dev/pci.h"
#include "userspace/dev/pm.h"
#include "userspace/dev/ports.h"
#include "userspace/dev/rtc.h"
#include "userspace/dev/serial.h"
#include "userspace/lib/hvm.h"
#include "userspace/lib/mem.h"
#include "userspace/xen/console.h"
#include "userspace/xen/devices.h"
#include "userspace/xen/xenstore.h"

/** enum machine_end - why a machine stopped; the first reason counts */
enum machine_end {
	MACHINE_RUNS,
	MACHINE_POWEROFF,
	MACHINE_REBOOT,
	MACHINE_CRASH,		/* the guest's fault */
	MACHINE_ERROR,		/* the host's or ours */
	MACHINE_STOPPED,	/* by the user */
	MACHINE_WATCHDOG,	/* the guest's own bit it */
	MACHINE_SOFT_RESET,	/* the guest goes on with another kernel */
};

/** enum machine_type - what is around the guest, and how it enters */
enum machine_type {
	MACHINE_LINUX,		/* a PC, direct boot of a Linux kernel */
	MACHINE_PVH,		/* a Xen PVH domain */
};

#define MACHINE_CPU_OFF		32
#define MACHINE_DISKS		16
#define MACHINE_VIFS		8

/**
 * struct machine_config - what to make
 * @name:      for messages
 * @uuid:      36 characters, or NULL: it does not matter
 * @type:      enum machine_type
 * @memory:    bytes that there are
 * @target:    bytes that a Xen guest is asked to do with at first; 0: all
 * @vcpus:     how many there are
 * @online:    how many of them a Xen guest is to use at first; 0: all
 * @hugepages: memory from reserved huge pages
 * @files:     what to boot
 * @disk:      @disks of them
 * @vif:       @vifs of them
 * @net:       networks of --net, @nets of them
 * @cpu_off:   features that the guest must not see, @cpu_offs of them
 */
struct machine_config {
	const char *name;
	const char *uuid;
	enum machine_type type;
	u64 memory;
	u64 target;
	u32 vcpus;
	u32 online;
	bool hugepages;
	struct linux_files files;
	struct disk_spec disk[MACHINE_DISKS];
	unsigned int disks;
	struct vif_spec vif[MACHINE_VIFS];
	unsigned int vifs;
	struct net_config net[NET_CARDS];
	unsigned int nets;
	const char *cpu_off[MACHINE_CPU_OFF];
	unsigned int cpu_offs;
};

struct machine;

/**
 * struct vcpu - a vCPU and its thread
 * @why:     why the guest could not go on, or empty
 * @exits:   returns to user space by enum hvmod_exit
 * @records: the exit ring as it was when the guest could not go on
 * @record_count: of @records
 */
struct vcpu {
	struct machine *machine;
	struct hvm_vcpu hvm;
	pthread_t thread;
	bool started;
	char why[320];
	u64 exits[16];
	struct hvmod_exit_record records[HVMOD_EXIT_RING];
	int record_count;
};

/**
 * struct machine - the machine
 * @config:  not ours
 * @device:  /dev/hvmod
 * @vm:      descriptor
 * @wake:    eventfd: the machine came to an end
 * @room:    eventfd: the serial port takes input again
 * @end:     enum machine_end
 * @stop:    vCPU threads return
 * @pause:   they wait, @parked of them do; @gate: of both
 * @image:   the kernel that was loaded, of MACHINE_LINUX
 * @pvh:     of MACHINE_PVH
 * @cons:    the Xen console; @cons_port: its event channel, the guest's port
 * @store:   xenstore, of MACHINE_PVH; @store_port: its event channel
 * @devices: what is in the store, of MACHINE_PVH
 * @tsc_khz: of the guest
 */
struct machine {
	const struct machine_config *config;
	int device;
	int vm;
	int wake;
	int room;
	atomic_int end;
	atomic_bool stop;
	atomic_bool pause;
	pthread_mutex_t gate;
	pthread_cond_t gate_moves;
	u32 parked;			/* [gate] */
	struct gmem mem;
	struct bus pio;
	struct bus mmio;
	struct serial serial;
	struct rtc rtc;
	struct pm pm;
	struct ports ports;
	struct pci pci;
	struct linux_image image;
	struct pvh_image pvh;
	struct xencons cons;
	u32 cons_port;
	struct xenstore *store;
	u32 store_port;
	struct devices devices;
	u32 tsc_khz;
	struct vcpu *vcpu;
	u32 vcpus;
};

/**
 * machine_init() - what stays over a reboot: device, memory, eventfds
 * @m:      filled in; machine_exit() undoes it, also after a failure
 * @config: kept, not copied
 * @err:    in words
 */
int machine_init(struct machine *m, const struct machine_config *config, struct err *err);
void machine_exit(struct machine *m);

/** machine_start() - make the VM, load it, start the threads. */
int machine_start(struct machine *m, struct err *err);

/**
 * machine_soft_reset() - the VM goes on, with everything of Xen's made anew
 *
 * After a MACHINE_SOFT_RESET and machine_stop().
 */
int machine_soft_reset(struct machine *m, struct err *err);

/**
 * machine_pause() - no guest instruction runs until it is told otherwise
 * @m:     started, or not yet: then it starts so
 * @pause: or go on
 *
 * Return: 0; -ETIMEDOUT: a vCPU's thread does not come back, it is busy.
 */
int machine_pause(struct machine *m, bool pause);

/** machine_stop() - stop the threads; counters and rings can still be read. */
void machine_stop(struct machine *m);

/** machine_destroy() - close vCPUs and VM; after machine_stop(). */
void machine_destroy(struct machine *m);

/** machine_ends() - ask for its end; the first one counts. Any thread. */
void machine_ends(struct machine *m, enum machine_end end);

/** machine_room() - bytes of console input that the guest has room for. */
unsigned int machine_room(struct machine *m);

/** machine_input() - bytes typed at the guest's console. */
void machine_input(struct machine *m, const u8 *data, unsigned int len);

/* ---- vcpu.c ---- */

/** vcpu_signals() - the handler of the signal that stops a vCPU; once. */
void vcpu_signals(void);

/** vcpu_create() - open it and give it its first state. */
int vcpu_create(struct machine *m, u32 id, struct err *err);

/** vcpu_start() - start its thread. */
int vcpu_start(struct vcpu *vcpu, struct err *err);

/** vcpu_kick() - make its thread look at machine.stop and machine.pause. */
void vcpu_kick(struct vcpu *vcpu);

#endif /* USERSPACE_MACHINE_H */
