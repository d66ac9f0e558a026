// SPDX-License-Identifier: GPL-2.0
/*
 * The log of written pages is exact: a page is in it if and only if it was
 * written since the last call, and a copy that follows the log is the memory.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define PAGES	300			/* not a multiple of 64 */
#define WORDS	((PAGES + 63) / 64)
#define GPA	(64UL << 20)
#define SLOT	HV_SLOT_FREE

static u8 *backing;

static int get_dirty_range(struct hv_vm *vm, u64 first, u64 pages, u64 *bitmap)
{
	struct hvmod_dirty args = {
		.slot = SLOT, .first = first, .pages = pages, .bitmap = (uintptr_t)bitmap,
	};

	return ioctl(vm->fd, HVMOD_VM_GET_DIRTY, &args) ? -errno : 0;
}

static void get_dirty(struct hv_vm *vm, u64 *bitmap)
{
	hv_need(!get_dirty_range(vm, 0, PAGES, bitmap));
}

static void test_args(struct hv_vm *vm)
{
	struct hvmod_dirty args = { .slot = HV_SLOT_RAM, .pages = 64 };
	u64 bitmap[WORDS + 1];

	args.bitmap = (uintptr_t)bitmap;
	tap_ioctl(vm->fd, HVMOD_VM_GET_DIRTY, &args, EINVAL, "a slot without log");
	args.slot = 40;
	tap_ioctl(vm->fd, HVMOD_VM_GET_DIRTY, &args, ENOENT, "no slot");
	args.slot = ~0U;
	tap_ioctl(vm->fd, HVMOD_VM_GET_DIRTY, &args, ENOENT, "no slot, all bits");
	tap_eq(get_dirty_range(vm, 1, 64, bitmap), -EINVAL, "first is no multiple of 64");
	tap_eq(get_dirty_range(vm, 0, 63, bitmap), -EINVAL, "pages is no multiple of 64");
	tap_eq(get_dirty_range(vm, 0, 0, bitmap), -EINVAL, "no pages");
	tap_eq(get_dirty_range(vm, 0, 320, bitmap), -EINVAL, "past the end");
	tap_eq(get_dirty_range(vm, 320, 64, bitmap), -EINVAL, "behind the end");
	tap_eq(get_dirty_range(vm, 64, -64UL, bitmap), -EINVAL, "range wraps");
	tap_eq(get_dirty_range(vm, -64UL, 128, bitmap), -EINVAL, "first wraps");
	tap_eq(get_dirty_range(vm, 256, PAGES - 256, bitmap), 0, "up to the end");
	tap_eq(get_dirty_range(vm, 64, 128, bitmap), 0, "in the middle");
}

/* ---- exact sets ---- */

static volatile u8 todo[PAGES];		/* 1: read, 2: write */

static void guest_worker(void)
{
	volatile u64 *p;
	u64 i;

	for (;;) {
		for (i = 0; i < PAGES; i++) {
			p = (volatile u64 *)(GPA + i * 4096 + 8 * (i % 512));
			if (todo[i] == 1)
				*p;
			else if (todo[i] == 2)
				*p = *p + 1;
		}
		GUEST_SYNC(0);
	}
}

/* One round: gives how many pages the log has wrong. */
static u32 round_of(struct hv_vm *vm, struct hv_vcpu *vcpu, const u8 *plan)
{
	u64 bitmap[WORDS];
	u32 i, wrong = 0;

	for (i = 0; i < PAGES; i++)
		todo[i] = plan[i];
	if (hv_talk(vcpu) != HV_SYNC) {
		hv_note_exit(vcpu);
		return PAGES;
	}
	memset(bitmap, 0xff, sizeof(bitmap));
	get_dirty(vm, bitmap);
	for (i = 0; i < WORDS * 64; i++)
		wrong += (bitmap[i / 64] >> (i % 64) & 1) != (i < PAGES && plan[i] == 2);
	return wrong;
}

static void fill(u8 *plan, u8 value)
{
	memset(plan, value, PAGES);
}

static void test_exact(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	u32 i, k, seed = 12345, wrong = 0;
	u8 plan[PAGES];

	fill(plan, 1);
	tap_eq(round_of(vm, vcpu, plan), 0, "reads are not writes");
	fill(plan, 2);
	tap_eq(round_of(vm, vcpu, plan), 0, "every page written");
	tap_eq(round_of(vm, vcpu, plan), 0, "every page again");
	fill(plan, 1);
	tap_eq(round_of(vm, vcpu, plan), 0, "reads of writable pages");
	fill(plan, 0);
	tap_eq(round_of(vm, vcpu, plan), 0, "nothing");
	fill(plan, 0);
	plan[0] = 2;
	plan[63] = 2;
	plan[64] = 2;
	plan[PAGES - 1] = 2;
	tap_eq(round_of(vm, vcpu, plan), 0, "the edges");
	for (k = 0; k < 10; k++) {
		for (i = 0; i < PAGES; i++) {
			seed = seed * 1103515245 + 12345;
			plan[i] = (seed >> 16) % 3;
		}
		wrong += round_of(vm, vcpu, plan);
	}
	tap_eq(wrong, 0, "random sets");
}

static void test_bad_address(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	u64 bitmap[WORDS] = {};
	u32 i, set = 0;

	for (i = 0; i < PAGES; i++)
		todo[i] = i % 2 ? 2 : 0;
	hv_need(hv_talk(vcpu) == HV_SYNC);
	tap_eq(get_dirty_range(vm, 0, PAGES, NULL), -EFAULT, "bad address");
	get_dirty(vm, bitmap);
	for (i = 0; i < WORDS; i++)
		set += __builtin_popcountll(bitmap[i]);
	tap_eq(set, PAGES / 2, "the failed call lost nothing");
}

static void test_toggle(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	u64 bitmap[WORDS];
	u8 plan[PAGES];

	hv_need(!hv_set_memory(vm, SLOT, 0, GPA, PAGES * 4096, backing));
	tap_eq(get_dirty_range(vm, 0, PAGES, bitmap), -EINVAL, "log off");
	fill((u8 *)todo, 2);
	hv_need(hv_talk(vcpu) == HV_SYNC);
	hv_need(!hv_set_memory(vm, SLOT, HVMOD_MEM_LOG_DIRTY, GPA, PAGES * 4096, backing));
	fill(plan, 0);
	tap_eq(round_of(vm, vcpu, plan), 0, "log on: empty");
	fill(plan, 2);
	tap_eq(round_of(vm, vcpu, plan), 0, "log on: pages that were writable");
}

/* ---- a copy that follows, as a migration does ---- */

static volatile u64 stop;

static void guest_scribbler(void)
{
	u64 n = 0, seed = 1;

	while (!stop) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		*(volatile u64 *)(GPA + (seed >> 33) % PAGES * 4096) = ++n;
	}
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)(long)hv_talk(arg);
}

static void copy_dirty(struct hv_vm *vm, u8 *copy)
{
	u64 bitmap[WORDS];
	u32 i;

	get_dirty(vm, bitmap);
	for (i = 0; i < PAGES; i++) {
		if (bitmap[i / 64] >> (i % 64) & 1)
			memcpy(copy + i * 4096, backing + i * 4096, 4096);
	}
}

static void test_follow(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	u8 *copy = malloc(PAGES * 4096);
	pthread_t thread;
	void *result;
	u32 i, wrong = 0;

	hv_need(copy);
	memcpy(copy, backing, PAGES * 4096);
	stop = 0;
	hv_long_mode(vcpu, guest_scribbler);
	hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
	for (i = 0; i < 200; i++) {
		copy_dirty(vm, copy);
		usleep(1000);
	}
	stop = 1;
	pthread_join(thread, &result);
	tap_eq((long)result, HV_DONE, "the guest scribbled");
	copy_dirty(vm, copy);
	for (i = 0; i < PAGES; i++)
		wrong += !!memcmp(copy + i * 4096, backing + i * 4096, 4096);
	tap_eq(wrong, 0, "a copy that followed the log is the memory");
	free(copy);
}

int main(void)
{
	struct hv_vcpu *vcpu;
	struct hv_vm *vm;

	backing = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hv_need(backing != MAP_FAILED);
	vm = hv_vm_new(1 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	hv_need(!hv_set_memory(vm, SLOT, HVMOD_MEM_LOG_DIRTY, GPA, PAGES * 4096, backing));
	test_args(vm);
	hv_long_mode(vcpu, guest_worker);
	test_exact(vm, vcpu);
	test_bad_address(vm, vcpu);
	test_toggle(vm, vcpu);
	test_follow(vm, vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
