// SPDX-License-Identifier: GPL-2.0
/*
 * HVMOD_VM_SET_MEMORY: what it refuses, and that slots are there, move and go
 * under a guest that looks.
 */
#include <errno.h>
#include <sys/mman.h>

#include "hv.h"

#define SIZE	(1UL << 20)
#define GPA	(64UL << 20)

static u8 *backing;

struct attempt {
	const char *name;
	u32 slot;
	u32 flags;
	u64 gpa;
	u64 size;
	u64 hva_offset;
	int want;
};

static const struct attempt attempts[] = {
	{ "slot number", HVMOD_MAX_SLOTS, 0, GPA, SIZE, 0, -EINVAL },
	{ "slot number, all bits", ~0U, 0, GPA, SIZE, 0, -EINVAL },
	{ "unknown flag", 2, 1U << 2, GPA, SIZE, 0, -EINVAL },
	{ "internal flag", 2, 1U << 31, GPA, SIZE, 0, -EINVAL },
	{ "gpa not aligned", 2, 0, GPA + 1, SIZE, 0, -EINVAL },
	{ "gpa not page aligned", 2, 0, GPA + 2048, SIZE, 0, -EINVAL },
	{ "size not aligned", 2, 0, GPA, SIZE - 1, 0, -EINVAL },
	{ "hva not aligned", 2, 0, GPA, SIZE, 16, -EINVAL },
	{ "gpa at the end", 2, 0, HVMOD_MAX_GPA, SIZE, 0, -EINVAL },
	{ "gpa crosses the end", 2, 0, HVMOD_MAX_GPA - 4096, SIZE, 0, -EINVAL },
	{ "gpa + size wraps", 2, 0, GPA, -4096UL, 0, -EINVAL },
	{ "gpa wraps", 2, 0, -4096UL, 8192, 0, -EINVAL },
	{ "hva + size wraps", 2, 0, GPA, SIZE, -1UL << 12, -EINVAL },
	{ "hva in the kernel", 2, 0, GPA, SIZE, 1UL << 63, -EINVAL },
	{ "overlaps slot 0", 2, 0, 0, 4096, 0, -EEXIST },
	{ "overlaps slot 0 at its end", 2, 0, SIZE - 4096, 8192, 0, -EEXIST },
	{ "encloses the image", 2, 0, HV_IMAGE_BASE - 4096, 64 << 20, 0, -EEXIST },
	{ "removes nothing", 2, 0, 0, 0, 0, -ENOENT },
	{ "the last page", 2, 0, HVMOD_MAX_GPA - 4096, 4096, 0, 0 },
	{ "read-only", 3, HVMOD_MEM_READONLY, GPA, SIZE, 0, 0 },
	{ "log", 3, HVMOD_MEM_LOG_DIRTY, GPA, SIZE, 0, 0 },
	{ "read-only and log", 3, HVMOD_MEM_READONLY | HVMOD_MEM_LOG_DIRTY, GPA, SIZE, 0, 0 },
	{ "the same again", 3, HVMOD_MEM_READONLY | HVMOD_MEM_LOG_DIRTY, GPA, SIZE, 0, 0 },
	{ "the same memory twice", 4, 0, GPA + SIZE, SIZE, 0, 0 },
	{ "touches another", 5, 0, GPA - SIZE, SIZE, 0, 0 },
	{ "overlaps by a page", 6, 0, GPA + 2 * SIZE - 4096, SIZE, 0, -EEXIST },
	{ "move onto another", 5, 0, GPA, SIZE, 0, -EEXIST },
	{ "grow in place", 4, 0, GPA + SIZE, 2 * SIZE, 0, 0 },
	{ "remove", 4, 0, 0, 0, 0, 0 },
	{ "remove again", 4, 0, 0, 0, 0, -ENOENT },
	{ "remove the last page", 2, 0, 0, 0, 0, 0 },
	{ "remove the log", 3, 0, 0, 0, 0, 0 },
	{ "remove the neighbour", 5, 0, 0, 0, 0, 0 },
};

static void test_attempts(struct hv_vm *vm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attempts); i++) {
		const struct attempt *a = &attempts[i];
		u64 hva = (uintptr_t)backing + a->hva_offset;
		int got;

		if (a->hva_offset == -1UL << 12)
			hva = -4096UL;
		got = hv_set_memory(vm, a->slot, a->flags, a->gpa, a->size, (void *)hva);
		tap_eq(got, a->want, a->name);
	}
}

static void test_all_slots(struct hv_vm *vm)
{
	u32 i, bad = 0;

	/* From the top down, so that each is put in front. */
	for (i = HV_SLOT_FREE; i < HVMOD_MAX_SLOTS; i++)
		bad += !!hv_set_memory(vm, i, 0, GPA + (100 - i) * 8192, 4096, backing);
	for (i = HV_SLOT_FREE; i < HVMOD_MAX_SLOTS; i++)
		bad += !!hv_set_memory(vm, i, 0, 0, 0, NULL);
	tap_eq(bad, 0, "as many slots as there are");
}

/* ---- with a guest ---- */

static volatile u64 address;

/* Reads *address and tells it, for ever. */
static void guest_reader(void)
{
	for (;;)
		GUEST_SYNC(*(volatile u64 *)address);
}

static bool reads(struct hv_vcpu *vcpu, u64 want)
{
	if (hv_talk(vcpu) == HV_SYNC && vcpu->value == want)
		return true;
	tap_note("it read %#llx", (unsigned long long)vcpu->value);
	hv_note_exit(vcpu);
	return false;
}

static bool misses(struct hv_vcpu *vcpu, u64 gpa)
{
	struct hvmod_run *run = vcpu->run;

	if (hv_talk(vcpu) == HV_OTHER && run->exit_reason == HVMOD_EXIT_MMIO &&
	    run->mmio.gpa == gpa && !run->mmio.is_write && run->mmio.len == 8) {
		memset(run->mmio.data, 0x11, 8);
		return true;
	}
	hv_note_exit(vcpu);
	return false;
}

static void test_guest(struct hv_vm *vm)
{
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	address = GPA + 8;
	*(u64 *)(backing + 8) = 0xaaaa;
	*(u64 *)(backing + SIZE + 8) = 0xbbbb;
	hv_long_mode(vcpu, guest_reader);

	tap_ok(misses(vcpu, GPA + 8), "no slot: MMIO");
	tap_ok(reads(vcpu, 0x1111111111111111), "the answer comes in");
	hv_need(!hv_set_memory(vm, 2, 0, GPA, SIZE, backing));
	tap_ok(reads(vcpu, 0xaaaa), "a new slot is seen");
	hv_need(!hv_set_memory(vm, 2, 0, GPA, SIZE, backing + SIZE));
	tap_ok(reads(vcpu, 0xbbbb), "the slot shows other memory");
	hv_need(!hv_set_memory(vm, 2, HVMOD_MEM_READONLY, GPA, SIZE, backing));
	tap_ok(reads(vcpu, 0xaaaa), "read-only: reads work");
	hv_need(!hv_set_memory(vm, 2, 0, GPA + SIZE, SIZE, backing));
	tap_ok(misses(vcpu, GPA + 8), "the slot moved away");
	tap_ok(reads(vcpu, 0x1111111111111111), "the answer comes in");
	hv_need(!hv_set_memory(vm, 2, 0, GPA, SIZE, backing));
	tap_ok(reads(vcpu, 0xaaaa), "and back");
	hv_need(!hv_set_memory(vm, 2, 0, 0, 0, NULL));
	tap_ok(misses(vcpu, GPA + 8), "and it is gone");
	hv_vcpu_free(vcpu);
}

static void guest_writer(void)
{
	for (;;) {
		*(volatile u64 *)address = 0x1234567890abcdef;
		GUEST_SYNC(*(volatile u64 *)address);
	}
}

static void test_readonly(struct hv_vm *vm)
{
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 1);
	struct hvmod_run *run = vcpu->run;
	u64 data;

	address = GPA + 16;
	*(u64 *)(backing + 16) = 0xcccc;
	hv_need(!hv_set_memory(vm, 2, HVMOD_MEM_READONLY, GPA, SIZE, backing));
	hv_long_mode(vcpu, guest_writer);

	hv_talk(vcpu);
	memcpy(&data, run->mmio.data, 8);
	if (!tap_ok(run->exit_reason == HVMOD_EXIT_MMIO && run->mmio.gpa == GPA + 16 &&
		    run->mmio.is_write && run->mmio.len == 8 && data == 0x1234567890abcdef,
		    "a write to read-only memory is MMIO"))
		hv_note_exit(vcpu);
	tap_ok(reads(vcpu, 0xcccc), "and changes nothing");
	hv_need(!hv_set_memory(vm, 2, 0, GPA, SIZE, backing));
	tap_ok(reads(vcpu, 0x1234567890abcdef), "writable again");
	tap_eq(*(u64 *)(backing + 16), 0x1234567890abcdef, "the host sees it");
	hv_need(!hv_set_memory(vm, 2, HVMOD_MEM_READONLY, GPA, SIZE, backing));
	hv_talk(vcpu);
	tap_ok(run->exit_reason == HVMOD_EXIT_MMIO && run->mmio.is_write,
	       "read-only again, under a writable translation");
	hv_vcpu_free(vcpu);
}

int main(void)
{
	struct hv_vm *vm;

	backing = mmap(NULL, 4 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hv_need(backing != MAP_FAILED);
	vm = hv_vm_new(SIZE);
	test_attempts(vm);
	test_all_slots(vm);
	test_guest(vm);
	test_readonly(vm);
	hv_vm_free(vm);
	return tap_finish();
}
