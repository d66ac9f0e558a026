// SPDX-License-Identifier: GPL-2.0
/*
 * Events that wait for a guest: how exceptions combine and which event goes in
 * next.  Exit handlers queue here, the entry path asks what to deliver.  It
 * must not touch hardware: the entry path alone writes an event into it.
 *
 * The half above the line is pure and runs in user space too.
 */
#include <linux/types.h>

#include "arch/x86/inject.h"

#define VECTOR_DE	0
#define VECTOR_DF	8
#define VECTOR_PF	14

/* SDM, "Interrupt 8 - Double Fault Exception": interrupt and exception classes. */
enum inject_class {
	CLASS_BENIGN,
	CLASS_CONTRIBUTORY,
	CLASS_PAGE_FAULT,
	CLASS_DOUBLE,
};

static enum inject_class inject_class(u8 vector)
{
	switch (vector) {
	case VECTOR_DE:
	case 10:	/* #TS */
	case 11:	/* #NP */
	case 12:	/* #SS */
	case 13:	/* #GP */
	case 21:	/* #CP */
		return CLASS_CONTRIBUTORY;
	case VECTOR_PF:
	case 20:	/* #VE */
		return CLASS_PAGE_FAULT;
	case VECTOR_DF:
		return CLASS_DOUBLE;
	default:
		return CLASS_BENIGN;
	}
}

enum inject_merge inject_merge(u8 first, u8 second)
{
	enum inject_class class = inject_class(second);

	if (class == CLASS_BENIGN || class == CLASS_DOUBLE)
		return INJECT_MERGE_NEW;

	switch (inject_class(first)) {
	case CLASS_CONTRIBUTORY:
		return class == CLASS_CONTRIBUTORY ? INJECT_MERGE_DOUBLE : INJECT_MERGE_NEW;
	case CLASS_PAGE_FAULT:
		return INJECT_MERGE_DOUBLE;
	case CLASS_DOUBLE:
		return INJECT_MERGE_TRIPLE;
	default:
		return INJECT_MERGE_NEW;
	}
}

void inject_exception(struct inject *inject, const struct inject_event *event)
{
	const struct inject_event *first = NULL;

	if (inject->triple_fault)
		return;

	if (inject->has_exc)
		first = &inject->exc;
	else if (inject->has_again && inject->again.type == INJECT_EXCEPTION)
		first = &inject->again;

	/*
	 * Whatever was being delivered is over: an exception merges below, a
	 * software event comes again when its instruction is restarted, and
	 * an interrupt that faults on its way is lost on a real CPU too.
	 */
	inject->has_again = false;

	switch (first ? inject_merge(first->vector, event->vector) : INJECT_MERGE_NEW) {
	case INJECT_MERGE_NEW:
		inject->exc = *event;
		inject->has_exc = true;
		break;
	case INJECT_MERGE_DOUBLE:
		inject->exc = (struct inject_event) {
			.type = INJECT_EXCEPTION,
			.vector = VECTOR_DF,
			.has_error = true,
		};
		inject->has_exc = true;
		break;
	case INJECT_MERGE_TRIPLE:
		inject->has_exc = false;
		inject->triple_fault = true;
		break;
	}
}

enum inject_pick inject_pick(const struct inject *inject, bool irq, u32 blocked)
{
	if (inject->triple_fault)
		return INJECT_PICK_SHUTDOWN;
	if (inject->has_again)
		return INJECT_PICK_AGAIN;
	if (inject->has_exc)
		return INJECT_PICK_EXC;
	if (inject->nmi_pending && !(blocked & INJECT_NMI_BLOCKED))
		return INJECT_PICK_NMI;
	if (irq && !(blocked & INJECT_IRQ_BLOCKED))
		return INJECT_PICK_IRQ;
	return INJECT_PICK_NONE;
}
