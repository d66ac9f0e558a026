/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine for one operation of the exit benchmark: a VM with one vCPU, its
 * memory and the guest's image.  exits.c makes one for each operation, through one
 * of two back ends.  A back end must do nothing in its run loop but answer.
 */
#ifndef SELFTESTS_BENCH_EXITS_MACHINE_H
#define SELFTESTS_BENCH_EXITS_MACHINE_H

#include "hv.h"
#include "bench/exits/guest.h"

enum machine_slot {
	SLOT_RAM,
	SLOT_TEST,
	SLOT_HIGH,
};

/* What run() saw last; the ports of guest.h. */
enum machine_word {
	WORD_SYNC,
	WORD_DONE,
	WORD_FAIL,	/* the guest said so, or it cannot go on: reported */
};

struct machine {
	const struct backend *be;
	const struct operation *op;
	int dev, vm, vcpu;
	u32 id;			/* of the vCPU */
	volatile bool stop;	/* run() ends with the next signal */
	int stats;		/* KVM's counters */
	u64 stats_offset;
	void *run;
	size_t run_size;
	u8 *mem;
	u8 *test;		/* at GUEST_TEST, or NULL */
	size_t test_size;
	int kick;		/* the eventfd of both ioeventfds */
	int kick_irq;		/* of an ioeventfd and an irqfd */
};

struct backend {
	const char *name;
	/* A descriptor, or -1: the program is skipped. */
	int (*open)(void);
	/* VM with interrupt devices. */
	void (*create)(struct machine *m);
	/* vCPU m->id with a CPUID table. */
	void (*create_vcpu)(struct machine *m);
	void (*set_memory)(struct machine *m, u32 slot, bool dirty, u64 gpa,
			   u64 size, void *hva);
	void (*get_dirty)(struct machine *m, u64 *bitmap);
	void (*add_kicks)(struct machine *m);
	/* PORT_KICK_IRQ interrupts vCPU 0 with VECTOR_IRQFD. */
	void (*add_kick_irq)(struct machine *m);
	/* Long mode, IF clear. */
	void (*start)(struct machine *m);
	/*
	 * Runs until the guest says a word, or, with m->stop, until a signal
	 * comes: WORD_DONE.  Answers PORT_USER and GUEST_MMIO.
	 */
	enum machine_word (*run)(struct machine *m);
	/* One call that returns at once, with EINTR; gives errno. */
	int (*run_return)(struct machine *m);
	/* VM exits since the vCPU was made. */
	u64 (*exits)(struct machine *m);
};

extern const struct backend backend_hvmod, backend_kvm;

/* For the start() of both. */
#define START_CR0	0x80010033UL	/* PG WP NE ET MP PE */
#define START_CR4	0x00000620UL	/* OSXMMEXCPT OSFXSR PAE */
#define START_EFER	0x00000d01UL	/* NXE LMA LME SCE */

enum test_memory {
	TEST_NONE,
	TEST_4K,	/* no huge pages; the host has all of it */
	TEST_2M,	/* huge pages; the host has all of it */
	TEST_DIRTY,	/* as TEST_4K, with a dirty log */
};

void machine_new(struct machine *m, const struct backend *be, const struct operation *op);
void machine_free(struct machine *m);
/* vCPU 1 of m, in a thread of its own that runs the same guest. */
struct second;
struct second *second_start(struct machine *m);
void second_stop(struct second *s);

/* What one operation cost. */
struct result {
	bool valid;
	u32 min, median, max;
	double exits;		/* each */
};

/* blob.S */
extern const u8 guest_image[], guest_image_end[];
extern const char budget_text[];

/* Reads what runs printed; exit status. */
int report(int nr_files, char **files);

struct operation {
	const char *name;	/* in the budget and in JSON */
	const char *title;	/* in the table */
	u32 count;
	enum test_memory test;
	bool dirty;		/* read the dirty log at the sync */
	bool raw;		/* the empty loop is no part of it */
	bool no_exit;		/* it must not exit */
	bool second;		/* needs another vCPU */
	bool kick_irq;		/* needs PORT_KICK_IRQ */
	bool xen;		/* needs a Xen domain */
	const struct backend *only;
};

extern const struct operation operations[NR_OPS];

#endif /* SELFTESTS_BENCH_EXITS_MACHINE_H */
