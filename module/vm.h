/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two nouns that everything else hangs on: a VM and a vCPU.  All of module/
 * and arch/ include it.  It holds no knowledge of an instruction set: that is
 * in struct vm_arch and struct vcpu_arch.
 *
 * Life: a VM is made by HVMOD_VM_CREATE with one user; each descriptor of it or
 * of one of its vCPUs is a user; the last vm_put() frees it with all its vCPUs,
 * in the reverse order of the set-up.  A vCPU lives as long as its VM.
 */
#ifndef MODULE_VM_H
#define MODULE_VM_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "arch/x86/x86.h"
#include "module/iobus.h"
#include "module/irq.h"
#include "module/mem.h"
#include "uapi/hvmod.h"

struct task_struct;
struct xen_vm;
struct xen_vcpu;

/*
 * Fields marked [lock] are under vm->lock, [mem] see mem.h, [const] never
 * change after vm_create(), [atomic] need no lock.
 */
struct vm {
	refcount_t users;		/* [atomic] */
	struct mutex lock;		/* configuration; taken before vcpu->lock */
	u32 kind;			/* [const] enum hvmod_kind */
	u32 devices;			/* [const] HVMOD_DEV_* */
	u32 pmtmr_port;			/* [const] */
	u32 id;				/* [const] for names in debugfs and traces */
	u32 nr_vcpus;			/* written under [lock], read anywhere */
	u32 max_vcpu_id;		/* highest id + 1; written under [lock] */
	struct mem mem;			/* [mem] */
	struct iobus pio;		/* see iobus.h */
	struct iobus mmio;
	struct irq irq;			/* see irq.h */
	atomic_t killed;		/* [atomic] the first vm_kill() won */
	bool dead;			/* [atomic] set once by vm_kill(), with release */
	char why[256];			/* written before dead is set */
	struct dentry *debugfs;		/* [lock] */
	struct vm_arch arch;
	struct xen_vm *xen;		/* [const] NULL: not of a Xen kind; see xen/xen.h */
	/*
	 * Written once under [lock] with smp_store_release(), read anywhere
	 * with vm_vcpu(); never cleared before the VM is freed.
	 */
	struct vcpu *vcpus[HVMOD_MAX_VCPUS];
};

/* vcpu->requests, bit numbers.  Set by vcpu_request(), taken in run.c. */
enum vcpu_req {
	VCPU_REQ_EVENT,		/* look at interrupts and events again */
	VCPU_REQ_DEAD,		/* the VM was killed */
	VCPU_REQ_TRIPLE_FAULT,	/* the guest shut down */
	VCPU_REQ_XEN,		/* xen_vcpu_requests() has work */
};

/* vcpu->mode: where the vCPU is; the other half of the kick handshake. */
enum vcpu_mode {
	VCPU_OUTSIDE,		/* sees requests before it enters */
	VCPU_IN_GUEST,		/* needs an IPI to see a request */
};

/* What is left of an instruction that waits for user space, see emul.c. */
enum vcpu_user_wait {
	VCPU_WAIT_NONE,
	VCPU_WAIT_IO,		/* HVMOD_EXIT_IO: IN data arrives in run->data */
	VCPU_WAIT_MMIO,		/* HVMOD_EXIT_MMIO */
};

/*
 * [own] is for the thread that holds vcpu->lock (the one in HVMOD_VCPU_RUN),
 * [atomic] for anybody.
 */
struct vcpu {
	struct vm *vm;			/* const */
	u32 id;				/* const; the APIC id too */
	int cpu;			/* [own] physical CPU it is loaded on, or -1 */
	unsigned long requests;		/* [atomic] 1 << enum vcpu_req */
	int mode;			/* [atomic] enum vcpu_mode */
	bool running;			/* [atomic] HVMOD_VCPU_RUN is under way */
	bool has_run;			/* [own] the first HVMOD_VCPU_RUN came */
	u8 user_wait;			/* [own] enum vcpu_user_wait */
	u8 loads;			/* [own] nested vcpu_load() */
	struct mutex lock;		/* held over every vCPU ioctl */
	struct hvmod_run *run;		/* [own] a page; user space writes to it at will */
	struct rcuwait wait;
	struct preempt_notifier notifier;
	struct task_struct *task;	/* [own] last thread that ran it (no reference) */
	u32 halt_poll_ns;		/* [own] current window of halt polling */
	struct hvmod_vcpu_stat stat;	/* [own] read by anybody, racy */
	u64 run_since, halt_since;	/* [own] the same: its TSC, or 0: it does not */
	u32 ring_next;			/* [own] */
	struct hvmod_exit_record ring[HVMOD_EXIT_RING];	/* [own] */
	struct vcpu_arch arch;
	struct xen_vcpu *xen;		/* const; NULL: not of a Xen kind */
};

/* Result of everything that decides what a vCPU does next. */
enum run_next {
	RUN_RESUME = 0,		/* enter the guest again */
	RUN_TO_USER = 1,	/* run->exit_reason is set; return 0 from the ioctl */
	/* negative: return this errno from the ioctl */
};

/* ---- vm.c: context: process, may sleep, unless said otherwise ---- */

/* Makes a VM in current->mm.  ERR_PTR: -EINVAL, -EOPNOTSUPP, -ENOMEM. */
struct vm *vm_create(const struct hvmod_vm_create *args);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);

/*
 * The guest is at fault, or cannot go on: keeps the first sentence, makes every
 * vCPU leave the guest and return HVMOD_EXIT_KILLED.  Any context, never sleeps.
 */
__printf(2, 3) void vm_kill(struct vm *vm, const char *fmt, ...);

/* VMs that live.  Any context, racy. */
int vm_count(void);

/* Any context.  NULL if there is no such vCPU. */
static inline struct vcpu *vm_vcpu(struct vm *vm, u32 id)
{
	if (id >= HVMOD_MAX_VCPUS)
		return NULL;
	/* Pairs with the publication of a new vCPU. */
	return smp_load_acquire(&vm->vcpus[array_index_nospec(id, HVMOD_MAX_VCPUS)]);
}

#define vm_for_each_vcpu(vm, id, vcpu)					\
	for ((id) = 0; (id) < READ_ONCE((vm)->max_vcpu_id); (id)++)	\
		if (((vcpu) = vm_vcpu((vm), (id))))

/* ---- vcpu.c ---- */

/* Once, at load and unload: preemption notifiers. */
void vcpu_setup(void);
void vcpu_teardown(void);

/* Makes a vCPU; vm->lock held.  ERR_PTR: -EEXIST, -EINVAL, -ENOMEM. */
struct vcpu *vcpu_create(struct vm *vm, u32 id);
/* Frees it.  Called by vm_put() only, when no descriptor is left. */
void vcpu_free(struct vcpu *vcpu);

/*
 * Sets a request and makes the vCPU see it before its next guest instruction:
 * an IPI if it is in the guest, a wake-up if it is blocked.  Any context
 * (hard interrupt too), never sleeps.
 */
void vcpu_request(struct vcpu *vcpu, enum vcpu_req req);
/* The same without a request: the caller changed state that the vCPU reads. */
void vcpu_kick(struct vcpu *vcpu);
/*
 * The same for state that a vCPU in the guest sees by what send() does to its CPU.
 * False: the vCPU is on this very CPU, and nothing was done.
 */
bool vcpu_notify(struct vcpu *vcpu, void (*send)(int cpu));

/*
 * vcpu->lock held, may sleep: between the two the vCPU is on the CPU that the
 * thread runs on, also when it is preempted, sleeps and moves; where hw.h is to
 * be called once and no scheduling may come in between, disable preemption.
 * They nest.  HVMOD_VCPU_RUN and dev.c, for state ioctls, call them.
 */
void vcpu_load(struct vcpu *vcpu);
void vcpu_put(struct vcpu *vcpu);

/* The same, for arch handlers that need hw.h only for a while. */
static inline void vcpu_hw_begin(struct vcpu *vcpu)
{
	vcpu_load(vcpu);
}

static inline void vcpu_hw_end(struct vcpu *vcpu)
{
	vcpu_put(vcpu);
}

/* ---- run.c ---- */

/* HVMOD_VCPU_RUN; vcpu->lock held. */
long vcpu_run(struct vcpu *vcpu);

/* Counters and the ring: one line each at the place they count. */
static inline struct hvmod_exit_record *vcpu_ring_push(struct vcpu *vcpu)
{
	return &vcpu->ring[vcpu->ring_next++ % HVMOD_EXIT_RING];
}

#endif /* MODULE_VM_H */
