// SPDX-License-Identifier: GPL-2.0
/*
 * The three descriptors and their calls: a table row says all about a call but
 * what it does.  The kernel calls it through file_operations.  Only the
 * dispatcher copies the argument, checks its padding, locks and frees; the
 * handlers below it are one line where they can be.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/dev.h"
#include "module/stat.h"
#include "module/vm.h"
#include "module/xen/xen.h"

/* ioctl_row.flags */
#define ROW_VM_LOCK	BIT(0)	/* vm->lock is held */
#define ROW_VCPU_LOCK	BIT(1)	/* vcpu->lock is held and the vCPU is loaded */
#define ROW_DEAD_OK	BIT(2)	/* also for a VM that was killed */
#define ROW_OUT_ALWAYS	BIT(3)	/* the argument is copied out on errors too */

struct ioctl_row {
	u32 cmd;
	u32 flags;
	const char *name;
	/* obj: NULL, the VM or the vCPU.  arg: the copy, or NULL. */
	long (*fn)(void *obj, void *arg);
	u16 pad;	/* where members that must be zero begin */
	u16 pad_size;
};

struct ioctl_table {
	const struct ioctl_row *rows;
	u32 first;
	u32 count;
};

#define ROW(call, handler, row_flags)					\
	[_IOC_NR(HVMOD_##call) - ROW_FIRST] = {				\
		.cmd = HVMOD_##call, .name = #call, .fn = handler,	\
		.flags = row_flags,					\
	}
#define ROW_PAD(call, handler, row_flags, type, member)			\
	[_IOC_NR(HVMOD_##call) - ROW_FIRST] = {				\
		.cmd = HVMOD_##call, .name = #call, .fn = handler,	\
		.flags = row_flags,					\
		.pad = offsetof(type, member),				\
		.pad_size = sizeof_field(type, member),			\
	}
#define TABLE(table_rows)						\
	{ .rows = table_rows, .first = ROW_FIRST, .count = ARRAY_SIZE(table_rows) }

/* Of an argument that is copied to the stack; a larger one is allocated. */
#define ARG_ON_STACK	128

/* ---- the dispatcher ---- */

static const struct ioctl_row *find_row(const struct ioctl_table *table, u32 cmd)
{
	u32 nr = _IOC_NR(cmd) - table->first;
	const struct ioctl_row *row;

	if (nr >= table->count)
		return NULL;
	row = &table->rows[array_index_nospec(nr, table->count)];
	/* Number, type, direction and size. */
	return row->cmd == cmd && row->fn ? row : NULL;
}

/*
 * Nobody holds vcpu->lock for long but HVMOD_VCPU_RUN: that is -EBUSY; others
 * are waited for.
 */
static int lock_vcpu(struct vcpu *vcpu)
{
	while (!mutex_trylock(&vcpu->lock)) {
		if (READ_ONCE(vcpu->running))
			return -EBUSY;
		if (signal_pending(current))
			return -EINTR;
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static long call_locked(const struct ioctl_row *row, struct vm *vm, struct vcpu *vcpu, void *arg)
{
	long ret;

	if (row->flags & ROW_VM_LOCK) {
		ret = mutex_lock_interruptible(&vm->lock);
		if (ret)
			return ret;
	}
	if (row->flags & ROW_VCPU_LOCK) {
		ret = lock_vcpu(vcpu);
		if (ret)
			goto unlock;
		vcpu_load(vcpu);
	}

	ret = row->fn(vcpu ? (void *)vcpu : vm, arg);

	if (row->flags & ROW_VCPU_LOCK) {
		arch_irq_check(vcpu);
		vcpu_put(vcpu);
		mutex_unlock(&vcpu->lock);
	}
unlock:
	if (row->flags & ROW_VM_LOCK)
		mutex_unlock(&vm->lock);
	return ret;
}

static long call_copied(const struct ioctl_row *row, struct vm *vm, struct vcpu *vcpu,
			void *copy, void __user *user)
{
	u32 size = _IOC_SIZE(row->cmd);
	u32 dir = _IOC_DIR(row->cmd);
	long ret;

	if ((dir & _IOC_WRITE) && copy_from_user(copy, user, size))
		return -EFAULT;
	if (row->pad_size && memchr_inv(copy + row->pad, 0, row->pad_size))
		return -EINVAL;

	ret = call_locked(row, vm, vcpu, copy);

	if ((dir & _IOC_READ) && (ret >= 0 || (row->flags & ROW_OUT_ALWAYS))) {
		if (copy_to_user(user, copy, size))
			return -EFAULT;
	}
	return ret;
}

static long dispatch(const struct ioctl_table *table, struct vm *vm, struct vcpu *vcpu,
		     u32 cmd, unsigned long arg)
{
	const struct ioctl_row *row = find_row(table, cmd);
	u64 small[ARG_ON_STACK / sizeof(u64)] = {};
	void *copy = small;
	long ret;

	if (!row)
		return -ENOTTY;
	if (vm && current->mm != vm->mem.mm)
		return -EIO;
	if (vm && READ_ONCE(vm->dead) && !(row->flags & ROW_DEAD_OK))
		return -EIO;

	if (_IOC_SIZE(cmd) > sizeof(small)) {
		copy = kzalloc(_IOC_SIZE(cmd), GFP_KERNEL_ACCOUNT);
		if (!copy)
			return -ENOMEM;
	}
	ret = call_copied(row, vm, vcpu, copy, (void __user *)arg);
	if (copy != small)
		kfree(copy);
	if (ret < 0)
		pr_debug("%s: %ld\n", row->name, ret);
	return ret;
}

/* ---- vCPU ---- */

static long vcpu_get_state(void *vcpu, void *arg)
{
	return arch_vcpu_state(vcpu, arg, false);
}

static long vcpu_set_state(void *vcpu, void *arg)
{
	return arch_vcpu_state(vcpu, arg, true);
}

static long vcpu_get_msrs(void *vcpu, void *arg)
{
	return arch_vcpu_msrs(vcpu, arg, false);
}

static long vcpu_set_msrs(void *vcpu, void *arg)
{
	return arch_vcpu_msrs(vcpu, arg, true);
}

static long vcpu_set_cpuid(void *vcpu, void *arg)
{
	return arch_vcpu_set_cpuid(vcpu, arg);
}

static long vcpu_nmi(void *vcpu, void *arg)
{
	arch_vcpu_nmi(vcpu);
	return 0;
}

static long vcpu_stat(void *vcpu, void *arg)
{
	stat_vcpu_get(vcpu, arg);
	return 0;
}

static long vcpu_exits(void *vcpu, void *arg)
{
	return stat_vcpu_exits(vcpu, arg);
}

/* HVMOD_VCPU_RUN is not here: see vcpu_ioctl(). */
#define ROW_FIRST	_IOC_NR(HVMOD_VCPU_RUN)
static const struct ioctl_row vcpu_rows[] = {
	ROW(VCPU_GET_STATE, vcpu_get_state, ROW_VCPU_LOCK | ROW_DEAD_OK),
	ROW(VCPU_SET_STATE, vcpu_set_state, ROW_VCPU_LOCK),
	ROW_PAD(VCPU_GET_MSRS, vcpu_get_msrs, ROW_VCPU_LOCK | ROW_DEAD_OK | ROW_OUT_ALWAYS,
		struct hvmod_msrs, pad),
	ROW_PAD(VCPU_SET_MSRS, vcpu_set_msrs, ROW_VCPU_LOCK | ROW_OUT_ALWAYS,
		struct hvmod_msrs, pad),
	ROW_PAD(VCPU_SET_CPUID, vcpu_set_cpuid, ROW_VCPU_LOCK, struct hvmod_cpuid, pad),
	ROW(VCPU_NMI, vcpu_nmi, 0),
	ROW(VCPU_STAT, vcpu_stat, ROW_DEAD_OK),
	ROW_PAD(VCPU_EXITS, vcpu_exits, ROW_DEAD_OK, struct hvmod_exits, pad),
};

static const struct ioctl_table vcpu_table = TABLE(vcpu_rows);
#undef ROW_FIRST

static long vcpu_ioctl_run(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	long ret;

	if (unlikely(current->mm != vm->mem.mm || READ_ONCE(vm->dead)))
		return -EIO;
	if (unlikely(!mutex_trylock(&vcpu->lock))) {
		ret = lock_vcpu(vcpu);
		if (ret)
			return ret;
	}
	WRITE_ONCE(vcpu->running, true);
	ret = vcpu_run(vcpu);
	WRITE_ONCE(vcpu->running, false);
	mutex_unlock(&vcpu->lock);
	return ret;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vcpu *vcpu = file->private_data;

	/* The hot one: no table, no copy. */
	if (likely(cmd == HVMOD_VCPU_RUN))
		return vcpu_ioctl_run(vcpu);
	return dispatch(&vcpu_table, vcpu->vm, vcpu, cmd, arg);
}

/* A private or larger mapping would not be the page that the module sees. */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcpu *vcpu = file->private_data;

	if (current->mm != vcpu->vm->mem.mm)
		return -EIO;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != sizeof(*vcpu->run) ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	compat_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
}

static int vcpu_file_release(struct inode *inode, struct file *file)
{
	struct vcpu *vcpu = file->private_data;

	/* NULL: vcpu_create() failed after the file was made. */
	if (vcpu)
		vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_file_release,
	.llseek = noop_llseek,
};

/* ---- VM ---- */

static long vm_set_memory(void *vm, void *arg)
{
	return mem_set_slot(vm, arg);
}

static long vm_get_dirty(void *vm, void *arg)
{
	return mem_get_dirty(vm, arg);
}

static long vm_irq_line(void *vm, void *arg)
{
	return irq_line_ctl(vm, arg);
}

static long vm_msi(void *vm, void *arg)
{
	return irq_msi_ctl(vm, arg);
}

static long vm_irqfd(void *vm, void *arg)
{
	return irqfd_ctl(vm, arg);
}

static long vm_ioeventfd(void *vm, void *arg)
{
	return ioeventfd_ctl(vm, arg);
}

static long vm_get_state(void *vm, void *arg)
{
	return arch_vm_ioctl_state(vm, arg, false);
}

static long vm_set_state(void *vm, void *arg)
{
	return arch_vm_ioctl_state(vm, arg, true);
}

static long vm_stat(void *vm, void *arg)
{
	stat_vm_get(vm, arg);
	return 0;
}

/*
 * The vCPU stays in the VM once it is there, so everything that may fail comes
 * before it: number, file.
 */
static long vm_vcpu_create(void *obj, void *arg)
{
	const struct hvmod_vcpu_create *args = arg;
	struct vm *vm = obj;
	struct vcpu *vcpu;
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("hvmod-vcpu", &vcpu_fops, NULL, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	vcpu = vcpu_create(vm, args->id);
	if (IS_ERR(vcpu)) {
		fput(file);
		put_unused_fd(fd);
		return PTR_ERR(vcpu);
	}
	vm_get(vm);
	file->private_data = vcpu;
	stat_vcpu_add(vcpu);
	fd_install(fd, file);
	return fd;
}

static long vm_xen_param(void *vm, void *arg)
{
	return xen_param_ctl(vm, arg);
}

static long vm_xen_evtchn(void *vm, void *arg)
{
	return xen_evtchn_ctl(vm, arg);
}

static long vm_xen_send(void *vm, void *arg)
{
	return xen_send_ctl(vm, arg);
}

static long vm_xen_memory(void *vm, void *arg)
{
	return xen_memory_ctl(vm, arg);
}

static long vm_xen_map(void *vm, void *arg)
{
	return xen_map_ctl(vm, arg);
}

static long vm_xen_calls(void *vm, void *arg)
{
	return xen_calls_ctl(vm, arg);
}

static long vm_xen_resume(void *vm, void *arg)
{
	return xen_resume_ctl(vm, arg);
}

#define ROW_FIRST	_IOC_NR(HVMOD_VM_SET_MEMORY)
static const struct ioctl_row vm_rows[] = {
	ROW(VM_SET_MEMORY, vm_set_memory, ROW_VM_LOCK),
	ROW_PAD(VM_GET_DIRTY, vm_get_dirty, ROW_VM_LOCK, struct hvmod_dirty, pad),
	ROW(VM_IRQ_LINE, vm_irq_line, 0),
	ROW_PAD(VM_MSI, vm_msi, 0, struct hvmod_msi, pad),
	ROW_PAD(VM_IRQFD, vm_irqfd, 0, struct hvmod_irqfd, msi.pad),
	ROW_PAD(VM_IOEVENTFD, vm_ioeventfd, 0, struct hvmod_ioeventfd, pad),
	ROW(VM_GET_STATE, vm_get_state, ROW_VM_LOCK | ROW_DEAD_OK),
	ROW(VM_SET_STATE, vm_set_state, ROW_VM_LOCK),
	ROW(VM_STAT, vm_stat, ROW_DEAD_OK),
	ROW_PAD(VCPU_CREATE, vm_vcpu_create, ROW_VM_LOCK, struct hvmod_vcpu_create, pad),
};

static const struct ioctl_table vm_table = TABLE(vm_rows);
#undef ROW_FIRST

#define ROW_FIRST	_IOC_NR(HVMOD_VM_XEN_PARAM)
static const struct ioctl_row vm_xen_rows[] = {
	ROW(VM_XEN_PARAM, vm_xen_param, 0),
	ROW_PAD(VM_XEN_EVTCHN, vm_xen_evtchn, 0, struct hvmod_xen_evtchn, pad),
	ROW_PAD(VM_XEN_SEND, vm_xen_send, 0, struct hvmod_xen_send, pad),
	ROW_PAD(VM_XEN_CALLS, vm_xen_calls, ROW_DEAD_OK | ROW_OUT_ALWAYS,
		struct hvmod_xen_calls, pad),
	ROW_PAD(VM_XEN_MEMORY, vm_xen_memory, 0, struct hvmod_xen_memory, pad),
	ROW_PAD(VM_XEN_MAP, vm_xen_map, 0, struct hvmod_xen_map, pad),
	ROW_PAD(VM_XEN_RESUME, vm_xen_resume, ROW_VM_LOCK, struct hvmod_xen_resume, pad),
};

static const struct ioctl_table vm_xen_table = TABLE(vm_xen_rows);
#undef ROW_FIRST

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vm *vm = file->private_data;

	if (_IOC_NR(cmd) < vm_xen_table.first)
		return dispatch(&vm_table, vm, NULL, cmd, arg);
	if (!vm->xen)
		return -ENOTTY;
	return dispatch(&vm_xen_table, vm, NULL, cmd, arg);
}

/* The grant table: see HVMOD_XEN_GRANT_OFFSET. */
static int vm_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long i, pages = vma_pages(vma);
	struct vm *vm = file->private_data;
	struct page *page;
	int err = 0;

	if (!vm->xen)
		return -ENODEV;
	if (current->mm != vm->mem.mm)
		return -EIO;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	compat_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	for (i = 0; i < pages && !err; i++) {
		page = xen_gnttab_page(vm, vma->vm_pgoff + i);
		err = page ? vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, page) : -EINVAL;
	}
	return err;
}

static int vm_file_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vm_file_mmap,
	.release = vm_file_release,
	.llseek = noop_llseek,
};

/* ---- /dev/hvmod ---- */

static long dev_get_version(void *obj, void *arg)
{
	return HVMOD_API_VERSION;
}

static long dev_check_cap(void *obj, void *arg)
{
	struct hvmod_cap *cap = arg;

	switch (cap->id) {
	case HVMOD_CAP_MAX_VCPUS:
		cap->value = HVMOD_MAX_VCPUS;
		return 0;
	case HVMOD_CAP_MAX_SLOTS:
		cap->value = HVMOD_MAX_SLOTS;
		return 0;
	case HVMOD_CAP_RUN_SIZE:
		cap->value = sizeof(struct hvmod_run);
		return 0;
	case HVMOD_CAP_MAX_GPA_BITS:
		cap->value = ilog2(HVMOD_MAX_GPA);
		return 0;
	default:
		return arch_cap(cap->id, &cap->value);
	}
}

static long dev_vm_create(void *obj, void *arg)
{
	struct file *file;
	struct vm *vm;
	int fd;

	fd = get_unused_fd_flags(O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = vm_create(arg);
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("hvmod-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static long dev_get_cpuid(void *obj, void *arg)
{
	return arch_get_cpuid(arg);
}

static long dev_get_msr_list(void *obj, void *arg)
{
	return arch_get_msr_list(arg);
}

#define ROW_FIRST	_IOC_NR(HVMOD_GET_VERSION)
static const struct ioctl_row dev_rows[] = {
	ROW(GET_VERSION, dev_get_version, 0),
	ROW_PAD(CHECK_CAP, dev_check_cap, 0, struct hvmod_cap, pad),
	ROW_PAD(VM_CREATE, dev_vm_create, 0, struct hvmod_vm_create, pad),
	ROW_PAD(GET_CPUID, dev_get_cpuid, ROW_OUT_ALWAYS, struct hvmod_cpuid, pad),
	ROW_PAD(GET_MSR_LIST, dev_get_msr_list, ROW_OUT_ALWAYS, struct hvmod_msrs, pad),
};

static const struct ioctl_table dev_table = TABLE(dev_rows);
#undef ROW_FIRST

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return dispatch(&dev_table, NULL, NULL, cmd, arg);
}

const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

int dev_init(void)
{
	int err = irqfd_setup();

	if (!err)
		stat_init();
	return err;
}

void dev_exit(void)
{
	stat_exit();
	irqfd_teardown();
}
