// SPDX-License-Identifier: GPL-2.0
/*
 * Shows the counters of VMs and vCPUs, to ioctls and in debugfs.  Called by
 * dev.c and vm.c; debugfs calls the two show functions.  It changes nothing and
 * takes no lock of a VM, so that it also tells about one that hangs.
 */
#include <linux/debugfs.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "module/arch.h"
#include "module/stat.h"
#include "module/vm.h"
#include "module/xen/xen.h"

static struct dentry *stat_root;

void stat_vm_get(struct vm *vm, struct hvmod_vm_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
	arch_vm_stat(vm, stat);
	stat->ept_faults = atomic64_read(&vm->mem.faults);
	stat->vcpus = READ_ONCE(vm->nr_vcpus);
}

/* What is under way counts, too. */
static u64 ticks_since(const u64 *since)
{
	u64 start = READ_ONCE(*since), now = get_cycles();

	/* The thread may be on another CPU. */
	return start && now > start ? now - start : 0;
}

void stat_vcpu_get(struct vcpu *vcpu, struct hvmod_vcpu_stat *stat)
{
	*stat = vcpu->stat;
	stat->halt_ticks += ticks_since(&vcpu->halt_since);
	stat->run_ticks += ticks_since(&vcpu->run_since);
	memset(stat->pad, 0, sizeof(stat->pad));
}

int stat_vcpu_exits(struct vcpu *vcpu, struct hvmod_exits *args)
{
	struct hvmod_exit_record __user *to = u64_to_user_ptr(args->addr);
	u32 next = READ_ONCE(vcpu->ring_next);
	u32 count = min3(args->count, next, (u32)HVMOD_EXIT_RING);
	u32 i;

	for (i = 0; i < count; i++) {
		struct hvmod_exit_record record;

		record = vcpu->ring[(next - count + i) % HVMOD_EXIT_RING];
		if (copy_to_user(&to[i], &record, sizeof(record)))
			return -EFAULT;
	}
	args->count = count;
	return 0;
}

static int stat_vm_show(struct seq_file *m, void *unused)
{
	struct vm *vm = m->private;
	struct hvmod_vm_stat stat;

	stat_vm_get(vm, &stat);
	seq_printf(m, "kind       %u\n", vm->kind);
	seq_printf(m, "devices    %#x\n", vm->devices);
	seq_printf(m, "vcpus      %llu\n", stat.vcpus);
	seq_printf(m, "pages_4k   %llu\n", stat.pages_4k);
	seq_printf(m, "pages_2m   %llu\n", stat.pages_2m);
	seq_printf(m, "pages_1g   %llu\n", stat.pages_1g);
	seq_printf(m, "ept_pages  %llu\n", stat.ept_pages);
	seq_printf(m, "ept_faults %llu\n", stat.ept_faults);
	seq_printf(m, "flushes    %llu\n", stat.flushes);
	/* Pairs with vm_kill(). */
	if (smp_load_acquire(&vm->dead))
		seq_printf(m, "killed     %s\n", vm->why);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stat_vm);

static int stat_vcpu_show(struct seq_file *m, void *unused)
{
	struct vcpu *vcpu = m->private;
	const struct hvmod_vcpu_stat *stat = &vcpu->stat;
	u32 i;

	seq_printf(m, "cpu      %d\n", READ_ONCE(vcpu->cpu));
	seq_printf(m, "entries  %llu\n", stat->entries);
	seq_printf(m, "ticks    %llu guest, %llu run, %llu halt\n", stat->guest_ticks,
		   stat->run_ticks, stat->halt_ticks);
	seq_printf(m, "to_user  %llu\n", stat->to_user);
	seq_printf(m, "injected %llu\n", stat->injected);
	seq_printf(m, "halts    %llu\n", stat->halts);
	seq_printf(m, "emulated %llu\n", stat->emulated);
	for (i = 0; i < HVMOD_MAX_EXIT_REASONS; i++) {
		const char *name = arch_exit_name(i);

		if (stat->exits[i])
			seq_printf(m, "exit %u %s %llu\n", i, name ? name : "?", stat->exits[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stat_vcpu);

static int stat_xen_show(struct seq_file *m, void *unused)
{
	xen_calls_show(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stat_xen);

void stat_vm_add(struct vm *vm)
{
	char name[16];

	snprintf(name, sizeof(name), "vm%u", vm->id);
	vm->debugfs = debugfs_create_dir(name, stat_root);
	debugfs_create_file("stat", 0400, vm->debugfs, vm, &stat_vm_fops);
	if (vm->xen)
		debugfs_create_file("xen", 0400, vm->debugfs, vm, &stat_xen_fops);
}

void stat_vcpu_add(struct vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	debugfs_create_file(name, 0400, vcpu->vm->debugfs, vcpu, &stat_vcpu_fops);
}

void stat_vm_remove(struct vm *vm)
{
	debugfs_remove_recursive(vm->debugfs);
}

void stat_init(void)
{
	stat_root = debugfs_create_dir("hvmod", NULL);
}

void stat_exit(void)
{
	debugfs_remove_recursive(stat_root);
}
