/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Xen half of a VM and of a vCPU: life, shared pages, and what the run loop
 * asks.  module/ calls the functions of the first block for every guest; the
 * files of module/xen/ share the rest.  vm->xen and vcpu->xen are NULL unless
 * the guest is of a Xen kind: nobody else pays more than that test.
 *
 * Memory that guests and hypervisor share: shared_info and the grant table are
 * pages of the kernel's own, laid over the guest's frames (mem_overlay_add()),
 * so that events are set from any context.  A vcpu_info that the guest put into
 * its own memory, runstate and time areas are written by the vCPU's own thread
 * only: others note what is to be done in struct xen_vcpu and set VCPU_REQ_XEN.
 * So no page of a guest is pinned, and the guest cannot see the difference: the
 * thread writes before the vCPU's next instruction.
 */
#ifndef MODULE_XEN_XEN_H
#define MODULE_XEN_XEN_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/hvm/hvm_vcpu.h>
#include <xen/interface/hvm/params.h>
#include <xen/interface/vcpu.h>

#include "module/vm.h"
#include "module/xen/hypercall_table.h"

/* ---- for module/; each returns at once for a VM of another kind ---- */

/* Before mem_setup().  -ENOMEM. */
int xen_vm_create(struct vm *vm);
/* No back end and no timer calls in afterwards; before the vCPUs are freed. */
void xen_vm_stop(struct vm *vm);
/* After mem_destroy(). */
void xen_vm_destroy(struct vm *vm);
/* Before anybody knows the vCPU.  -ENOMEM. */
int xen_vcpu_create(struct vcpu *vcpu);
void xen_vcpu_destroy(struct vcpu *vcpu);

/*
 * VCPU_REQ_XEN was taken; vCPU thread, process context, vcpu->xen is not NULL.
 * enum run_next or an errno.
 */
int xen_vcpu_requests(struct vcpu *vcpu);
/* It blocks, or runs again: the runstate.  vCPU thread, process context. */
void xen_vcpu_blocks(struct vcpu *vcpu, bool blocks);
/* It was halted and goes on.  vCPU thread, process context. */
void xen_vcpu_wakes(struct vcpu *vcpu);
/* INIT (down: it waits for a SIPI), or a SIPI came.  vCPU thread, process context. */
void xen_vcpu_reset(struct vcpu *vcpu, bool down);
/* The launcher set its state: down or not.  vcpu->lock held, process context. */
void xen_vcpu_set_down(struct vcpu *vcpu, bool down);
/* The guest ended the interrupt of this input.  Any context, as irq_eoi(). */
void xen_irq_eoi(struct vm *vm, u32 gsi);
/* It is down, or the guest shut down: whatever comes, it does not run.  Any context. */
static inline bool xen_vcpu_stopped(struct vcpu *vcpu);
/* Its thread is back on a CPU: the runstate.  Atomic context. */
void xen_vcpu_sched_in(struct vcpu *vcpu);
/* Its TSC was set: the clock follows.  vCPU thread. */
void xen_vcpu_clock_changed(struct vcpu *vcpu);
/* SCHEDOP_poll is over.  Any context. */
static inline bool xen_vcpu_poll_over(struct vcpu *vcpu);

/* HVM_PARAM_CALLBACK_IRQ by an interrupt input: which, or -1. */
static inline int xen_callback_gsi(u64 via)
{
	u64 gsi = via & GENMASK_ULL(55, 0);
	u32 device = via >> 11 & 0x1f, pin = via & 3;

	switch (via >> 56) {
	case HVM_PARAM_CALLBACK_TYPE_GSI:
		return gsi && gsi < IRQ_NR_GSI ? gsi : -1;
	case HVM_PARAM_CALLBACK_TYPE_PCI_INTX:
		return IRQ_NR_ISA + (device * 4 + device / 8 + pin) % (IRQ_NR_GSI - IRQ_NR_ISA);
	}
	return -1;
}

/* ---- the VM ---- */

#define XEN_NR_VIRQS		24
#define XEN_NR_PARAMS		39	/* the kernel's header knows fewer */
#define XEN_BUCKET		128	/* event channels of one allocation */
#define XEN_BUCKETS		(EVTCHN_FIFO_NR_CHANNELS / XEN_BUCKET)
#define XEN_FIFO_PAGES		(EVTCHN_FIFO_NR_CHANNELS / (PAGE_SIZE / sizeof(event_word_t)))

struct evtchn;
struct eventfd_ctx;
struct seq_file;

struct xen_evtchns {
	struct mutex change;		/* who makes or closes ports */
	spinlock_t lock;		/* irqsave; all of it and of its channels */
	struct evtchn *bucket[XEN_BUCKETS];
	DECLARE_BITMAP(used, EVTCHN_FIFO_NR_CHANNELS);
	atomic_t pollers;		/* vCPUs in SCHEDOP_poll */
	bool fifo;			/* the guest chose the FIFO ABI */
	u32 fifo_pages;			/* of the array; READ_ONCE, acquire */
	u64 fifo_gfn[XEN_FIFO_PAGES];	/* written before fifo_pages */
};

/* A vCPU's queues of the FIFO ABI; see evtchn_fifo.c. */
struct xen_fifo {
	struct mutex lock;		/* the queues, here and in the guest's memory */
	u64 control_gpa;		/* of its control block, or ~0 */
	u32 tail[EVTCHN_FIFO_MAX_QUEUES];	/* ports, or 0 */
};

struct xen_gnttab {
	struct mutex lock;		/* what the guest set; mem.overlay_lock inside */
	struct page *frame[HVMOD_XEN_GRANT_FRAMES];	/* const */
	struct page *status[HVMOD_XEN_STATUS_FRAMES];	/* const */
	struct page *info;		/* const; struct hvmod_xen_grant_info */
	u32 frames;			/* how many of them the guest uses */
	u32 version;			/* 1 or 2 */
};

struct xen_memory {
	struct mutex lock;		/* all of it; mem.overlay_lock and mem.lock inside */
	u64 max_pages;			/* READ_ONCE; 0: as many as the slots have */
	bool exits;			/* READ_ONCE; HVMOD_XEN_MEMORY_EXITS */
	u32 map_count;
	struct hvmod_xen_map_entry map[HVMOD_XEN_MAP_MAX];
};

#define XEN_RUNS	(~0U)		/* xen_vm.shutdown */
#define XEN_WATCHDOGS	2		/* as many as Xen has */

struct xen_watchdog {
	struct vm *vm;			/* const */
	struct hrtimer timer;
	bool used;
};

struct xen_vm {
	struct shared_info *shinfo;	/* const; a page */
	struct xen_evtchns evtchns;
	struct xen_gnttab gnttab;
	struct xen_memory memory;
	u64 params[XEN_NR_PARAMS];	/* READ_ONCE, WRITE_ONCE */
	u64 clock_tsc;			/* const; host TSC at system time zero */
	bool layout_32;			/* READ_ONCE; of shared_info and vcpu_info: see shinfo.c */
	struct mutex start_lock;	/* xen_vcpu.initialised, .context */
	u32 shutdown;			/* [atomic] XEN_RUNS, or SHUTDOWN_*: nobody runs */
	spinlock_t watchdog_lock;	/* the two below */
	struct xen_watchdog watchdog[XEN_WATCHDOGS];
	unsigned long assists;		/* [atomic] VMASST_TYPE_* bits */
	DECLARE_BITMAP(missed, HCALL_COUNTERS);	/* [atomic] what the log has named */
};

/* xen_vcpu.todo, bit numbers: what the vCPU's thread has to do. */
enum xen_todo {
	XEN_TODO_TIME,		/* write the clock into vcpu_info */
	XEN_TODO_UPCALL,	/* tell the guest again if its pending flag is set */
	XEN_TODO_SHUTDOWN,	/* hand xen_vm.shutdown to the launcher */
	XEN_TODO_START,		/* VCPUOP_initialise: take xen_vcpu.context */
	XEN_TODO_READY,		/* FIFO: events wait, and where the flag is was unknown */
	XEN_TODO_FORGET,	/* a soft reset: no upcall is due */
	XEN_TODO_RUNSTATE,	/* bring the runstate area up to date */
};

/* xen_vcpu.poll */
enum xen_poll {
	XEN_POLL_NONE,
	XEN_POLL_WAITS,
	XEN_POLL_OVER,
};

/* Of a counter of hypercall_table.h. */
struct xen_calls {
	u64 made;
	u64 missing;			/* of them: Xen would have served it */
};

struct xen_vcpu {
	struct vcpu *vcpu;
	struct xen_calls calls[HCALL_COUNTERS];	/* [own] read by anybody, racy */
	unsigned long pending_sel;	/* [atomic] words with new events */
	struct list_head raised;	/* evtchns.lock: FIFO, noted events */
	struct xen_fifo fifo;
	unsigned long todo;		/* [atomic] 1 << enum xen_todo */
	u64 info_gpa;			/* of a registered vcpu_info, or ~0; once */
	/* Areas that the guest registered: READ_ONCE, WRITE_ONCE; physical ones win. */
	u64 time_gva;			/* or 0 */
	u64 time_gpa;			/* or ~0 */
	u64 runstate_gva;		/* or 0 */
	u64 runstate_gpa;		/* or ~0 */
	bool runstate_32;		/* who registered it was a 32-bit caller */
	seqcount_t runstate_seq;	/* who writes: [own] */
	struct vcpu_runstate_info runstate;
	u64 waited;			/* [own] what the scheduler says, at state_entry_time, */
	struct task_struct *thread;	/* [own] of this thread; no reference */
	struct hrtimer timer;		/* singleshot: VIRQ_TIMER */
	struct hrtimer periodic;	/* the same */
	u64 period_ns;			/* READ_ONCE, WRITE_ONCE */
	struct hrtimer poll_timer;
	atomic_t poll;			/* [atomic] enum xen_poll */
	u32 poll_port;			/* one port, or 0: any; before poll is set */
	u32 virq[XEN_NR_VIRQS];		/* evtchns.lock: ports, or 0 */
	u8 upcall_vector;		/* READ_ONCE, WRITE_ONCE; 0: the VM's callback */
	bool upcall_held;		/* [own] the local controller was off when it was called */
	bool callback;			/* [own] the VM's callback vector is to be injected */
	bool down;			/* READ_ONCE, xchg: it does not run, see sched.c */
	bool initialised;		/* start_lock: VCPUOP_up may start it */
	struct vcpu_hvm_context context;	/* start_lock, for XEN_TODO_START */
};

static inline bool xen_vcpu_poll_over(struct vcpu *vcpu)
{
	return atomic_read(&vcpu->xen->poll) == XEN_POLL_OVER;
}

static inline bool xen_vcpu_stopped(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->xen->down) || READ_ONCE(vcpu->vm->xen->shutdown) != XEN_RUNS;
}

/* ---- shinfo.c: shared pages and time ---- */

/* System time, ns since the VM was made: what a guest computes.  Any context. */
u64 xen_now(struct vm *vm);
/* Fills in the wall clock of shared_info.  Any context. */
void xen_wallclock(struct vm *vm);
/* The guest is one of 32 or of 64 bits: what it shares with us is laid out like that. */
void xen_set_layout(struct vm *vm, bool is_64bit);
/* Where the two-level ABI's bits are, and how many ports a word has. */
void xen_evtchn_bits(struct vm *vm, unsigned long **pending, unsigned long **mask);
static inline u32 xen_word_bits(struct vm *vm)
{
	return READ_ONCE(vm->xen->layout_32) ? 32 : 64;
}

/* pending_sel and upcall flag of the vCPU's vcpu_info follow what was noted. */
void xen_info_sync(struct vcpu *vcpu);
/* Is the upcall flag set, or about to be?  vCPU thread, process context. */
bool xen_info_pending(struct vcpu *vcpu);
/*
 * Calls the guest: by the vCPU's own vector, the VM's, or, vCPU 0, by an interrupt
 * input.  vCPU thread, any context.
 */
void xen_upcall(struct vcpu *vcpu);
/* The clock into vcpu_info and the time area. */
void xen_info_time(struct vcpu *vcpu);
/* VCPUOP_register_vcpu_info.  0 or Xen's error. */
long xen_info_register(struct vcpu *target, u64 gfn, u32 offset);
/* Has it a vcpu_info, in shared_info or elsewhere? */
bool xen_info_there(struct vcpu *vcpu);

/* ---- runstate.c ---- */

/* The state changes, or only its times do.  Process context, vCPU thread. */
void xen_runstate_set(struct vcpu *vcpu, int state);
void xen_runstate_update(struct vcpu *vcpu);
/* Up to now; any vCPU's, any context. */
void xen_runstate_get(struct vcpu *vcpu, struct vcpu_runstate_info *info);

/* As a caller of 32 bits has it. */
struct xen_runstate_32 {
	s32 state;
	u64 state_entry_time;
	u64 time[4];
} __packed;

/* Into the caller's layout; how many bytes. */
size_t xen_runstate_layout(void *to, const struct vcpu_runstate_info *info, bool is_64bit);

/* ---- sched.c ---- */

/*
 * The guest shuts down: no vCPU runs any more, and the HVMOD_VCPU_RUN of this one
 * returns.  The first one wins.  Any context.
 */
void xen_shutdown(struct vcpu *vcpu, u32 reason);
void xen_watchdogs_init(struct vm *vm);
/* None runs, and none is in use.  Process context. */
void xen_watchdogs_stop(struct vm *vm);
/*
 * target waits for nothing but INIT, SIPI or VCPUOP_up; the last one ends the
 * guest.  Thread of vcpu; any context.
 */
void xen_vcpu_down(struct vcpu *vcpu, struct vcpu *target);

/* ---- gnttab.c, for the VM descriptor's mmap ---- */

int xen_gnttab_create(struct xen_vm *xen);
void xen_gnttab_destroy(struct xen_vm *xen);
/* A soft reset: as it was made, but that the launcher's mappings stay. */
void xen_gnttab_reset(struct vm *vm);
/* The page at an offset of HVMOD_XEN_{GRANT,STATUS,GRANT_INFO}_OFFSET, or NULL. */
struct page *xen_gnttab_page(struct vm *vm, unsigned long pgoff);
/* XENMEM_add_to_physmap, space 1.  0 or Xen's error. */
long xen_gnttab_map(struct vm *vm, u64 idx, u64 gfn);

/* ---- ioctls; errno: see the uapi structures ---- */

long xen_param_ctl(struct vm *vm, struct hvmod_xen_param *args);
long xen_evtchn_ctl(struct vm *vm, struct hvmod_xen_evtchn *args);
long xen_send_ctl(struct vm *vm, const struct hvmod_xen_send *args);
long xen_memory_ctl(struct vm *vm, struct hvmod_xen_memory *args);
long xen_map_ctl(struct vm *vm, const struct hvmod_xen_map *args);
/* hypercall.c: HVMOD_VM_XEN_CALLS, and the same as text for debugfs. */
long xen_calls_ctl(struct vm *vm, struct hvmod_xen_calls *args);
void xen_calls_show(struct seq_file *m, struct vm *vm);
long xen_resume_ctl(struct vm *vm, const struct hvmod_xen_resume *args);

#endif /* MODULE_XEN_XEN_H */
