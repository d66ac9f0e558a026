// SPDX-License-Identifier: GPL-2.0
/*
 * Which event goes into a guest, and how two exceptions combine.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.
 * It must not know more than inject.h promises.
 */
/* SOURCES: arch/x86/inject.c */
#include <stdio.h>
#include <string.h>

#include "arch/x86/inject.h"
#include "selftests/unit/unit.h"

/* SDM, "Interrupt 8 - Double Fault Exception": B benign, C contributory, P page fault. */
static char class_of(int vector)
{
	switch (vector) {
	case 0: case 10: case 11: case 12: case 13: case 21:
		return 'C';
	case 14: case 20:
		return 'P';
	case 8:
		return 'D';
	default:
		return 'B';
	}
}

static enum inject_merge expected_merge(char first, char second)
{
	if (second == 'B' || second == 'D' || first == 'B')
		return INJECT_MERGE_NEW;
	if (first == 'D')
		return INJECT_MERGE_TRIPLE;
	if (first == 'C' && second == 'P')
		return INJECT_MERGE_NEW;
	return INJECT_MERGE_DOUBLE;
}

static void test_merge(void)
{
	bool ok = true;
	int a, b;

	for (a = 0; a < 32; a++)
		for (b = 0; b < 32; b++)
			ok &= inject_merge(a, b) == expected_merge(class_of(a), class_of(b));
	result(ok, "every pair of vectors combines as the SDM's table says");
}

static struct inject_event exception(u8 vector, bool has_error, u32 error)
{
	return (struct inject_event) {
		.type = INJECT_EXCEPTION,
		.vector = vector,
		.has_error = has_error,
		.error = error,
	};
}

static void raise_exc(struct inject *inject, u8 vector)
{
	struct inject_event event = exception(vector, vector == 13 || vector == 14, 0);

	inject_exception(inject, &event);
}

static void test_queue(void)
{
	struct inject inject = {};
	struct inject_event event = exception(14, true, 0x15);

	inject_exception(&inject, &event);
	result(inject.has_exc && inject.exc.vector == 14 && inject.exc.has_error &&
	       inject.exc.error == 0x15 && !inject.has_again, "an exception is queued as it is");

	raise_exc(&inject, 13);
	result(inject.has_exc && inject.exc.vector == 8 && inject.exc.error == 0 &&
	       inject.exc.has_error && inject.exc.type == INJECT_EXCEPTION,
	       "#PF and #GP make #DF with error code 0");
	raise_exc(&inject, 6);
	result(inject.has_exc && inject.exc.vector == 6, "a benign one after #DF stands alone");

	inject = (struct inject){};
	raise_exc(&inject, 8);
	raise_exc(&inject, 14);
	result(inject.triple_fault && !inject.has_exc, "#DF and #PF shut the guest down");
	raise_exc(&inject, 13);
	result(inject.triple_fault && !inject.has_exc, "nothing counts after a shutdown");
}

static void test_again(void)
{
	struct inject inject = {};

	inject.has_again = true;
	inject.again = exception(13, true, 0x10);
	raise_exc(&inject, 11);
	result(!inject.has_again && inject.has_exc && inject.exc.vector == 8,
	       "#NP while #GP was delivered makes #DF");

	inject = (struct inject){ .has_again = true };
	inject.again = exception(13, true, 0);
	raise_exc(&inject, 14);
	result(!inject.has_again && inject.has_exc && inject.exc.vector == 14,
	       "#PF while #GP was delivered goes alone");

	inject = (struct inject){ .has_again = true };
	inject.again = (struct inject_event){ .type = INJECT_INTERRUPT, .vector = 13 };
	raise_exc(&inject, 13);
	result(!inject.has_again && inject.exc.vector == 13,
	       "the vector of an interrupt is no exception, also when it is 13");

	inject = (struct inject){ .has_again = true };
	inject.again = (struct inject_event){ .type = INJECT_SOFT_EXC, .vector = 3 };
	raise_exc(&inject, 14);
	result(!inject.has_again && inject.exc.vector == 14,
	       "a software event that faults is dropped: its instruction restarts");
}

static void test_pick(void)
{
	u32 both = INJECT_IRQ_BLOCKED | INJECT_NMI_BLOCKED;
	struct inject inject = {};

	result(inject_pick(&inject, false, 0) == INJECT_PICK_NONE, "nothing waits");
	result(inject_pick(&inject, true, 0) == INJECT_PICK_IRQ, "an interrupt");
	result(inject_pick(&inject, true, INJECT_IRQ_BLOCKED) == INJECT_PICK_NONE,
	       "a blocked interrupt waits");
	inject.nmi_pending = 2;
	result(inject_pick(&inject, true, INJECT_IRQ_BLOCKED) == INJECT_PICK_NMI,
	       "an NMI does not look at IF");
	result(inject_pick(&inject, true, 0) == INJECT_PICK_NMI, "an NMI before an interrupt");
	result(inject_pick(&inject, true, INJECT_NMI_BLOCKED) == INJECT_PICK_IRQ,
	       "a blocked NMI does not hold up an interrupt");
	raise_exc(&inject, 3);
	result(inject_pick(&inject, true, both) == INJECT_PICK_EXC,
	       "an exception first, whatever is blocked");
	inject.has_again = true;
	result(inject_pick(&inject, true, both) == INJECT_PICK_AGAIN,
	       "a delivery that was cut off before everything");
	inject.triple_fault = true;
	result(inject_pick(&inject, true, 0) == INJECT_PICK_SHUTDOWN, "but a shutdown");
}

int main(void)
{
	test_merge();
	test_queue();
	test_again();
	test_pick();
	return finish();
}
