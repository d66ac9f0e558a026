// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's library (userspace/lib/hvm.h) on /dev/kvm: linked before it,
 * hvctl becomes bench/kvmctl, which boots the same guest with the same devices under
 * KVM.  bench/boot.sh compares the two.  It must give KVM its best and translate
 * nothing on a hot path that KVM's own launchers would not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "userspace/boot/layout.h"
#include "userspace/lib/hvm.h"

#define PM_HZ		3579545ULL
#define NS		1000000000ULL

/* vcpu->run points to the first member. */
struct kvm_vcpu {
	struct hvmod_run run;
	struct kvm_run *kvm;
	size_t kvm_size;
	int stats;
};

static struct kvm_vcpu *kvm_of(struct hvm_vcpu *vcpu)
{
	return (struct kvm_vcpu *)vcpu->run;
}

static int call(int fd, unsigned long request, const void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int hvm_open(const char *path, struct err *err)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)path;
	return fd < 0 ? err_set(err, errno, "/dev/kvm: %s", strerror(errno)) : fd;
}

/* KVM tells a vCPU's frequency only. */
static int tsc_khz(int dev, u64 *khz)
{
	int vm = ioctl(dev, KVM_CREATE_VM, 0);
	int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	int ret = vcpu < 0 ? -errno : call(vcpu, KVM_GET_TSC_KHZ, NULL);

	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
	if (ret < 0)
		return ret;
	*khz = ret;
	return 0;
}

int hvm_cap(int dev, u32 id, u64 *value)
{
	switch (id) {
	case HVMOD_CAP_MAX_VCPUS:
		*value = 64;
		return 0;
	case HVMOD_CAP_TSC_KHZ:
		return tsc_khz(dev, value);
	}
	return -EINVAL;
}

int hvm_get_cpuid(int dev, struct hvmod_cpuid_entry *entries, u32 *count)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					  HVMOD_MAX_CPUID * sizeof(table->entries[0]));
	u32 i;
	int ret;

	if (!table)
		return -ENOMEM;
	table->nent = HVMOD_MAX_CPUID;
	ret = call(dev, KVM_GET_SUPPORTED_CPUID, table);
	for (i = 0; !ret && i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &table->entries[i];

		entries[i] = (struct hvmod_cpuid_entry){
			.leaf = e->function, .subleaf = e->index,
			.flags = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ?
				 HVMOD_CPUID_SUBLEAF : 0,
			.eax = e->eax, .ebx = e->ebx, .ecx = e->ecx, .edx = e->edx,
		};
		/* KVM leaves it to its user to offer x2APIC and deadlines. */
		if (e->function == 1)
			entries[i].ecx |= 1U << 24 | 1U << 21 | 1U << 31;
	}
	*count = table->nent;
	free(table);
	return ret;
}

int hvm_vcpu_set_cpuid(struct hvm_vcpu *vcpu, const struct hvmod_cpuid_entry *entries,
		       u32 count)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					  count * sizeof(table->entries[0]));
	u32 i;
	int ret;

	if (!table)
		return -ENOMEM;
	table->nent = count;
	for (i = 0; i < count; i++) {
		const struct hvmod_cpuid_entry *e = &entries[i];

		table->entries[i] = (struct kvm_cpuid_entry2){
			.function = e->leaf, .index = e->subleaf,
			.flags = e->flags & HVMOD_CPUID_SUBLEAF ?
				 KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = e->eax, .ebx = e->ebx, .ecx = e->ecx, .edx = e->edx,
		};
	}
	ret = call(vcpu->fd, KVM_SET_CPUID2, table);
	free(table);
	return ret;
}

/* ---- VM ---- */

int hvm_vm_create(int dev, u32 kind, u32 devices, u32 pmtmr_port, struct err *err)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int vm;

	(void)devices;
	(void)pmtmr_port;
	if (kind != HVMOD_KIND_PC)
		return err_set(err, EINVAL, "KVM has no Xen guests here");
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		return err_set(err, errno, "KVM_CREATE_VM: %s", strerror(errno));
	if (ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL) || ioctl(vm, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(vm, KVM_CREATE_PIT2, &pit)) {
		int code = errno;

		close(vm);
		return err_set(err, code, "KVM makes no devices: %s", strerror(code));
	}
	return vm;
}

int hvm_vm_memory(int vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva, struct err *err)
{
	struct kvm_userspace_memory_region args = {
		.slot = slot, .flags = flags & HVMOD_MEM_READONLY ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = gpa, .memory_size = size, .userspace_addr = (uintptr_t)hva,
	};
	int ret = call(vm, KVM_SET_USER_MEMORY_REGION, &args);

	return ret ? err_set(err, -ret, "memory slot: %s", strerror(-ret)) : 0;
}

int hvm_irq_line(int vm, u32 gsi, u32 level)
{
	struct kvm_irq_level args = { .irq = gsi, .level = level };

	return call(vm, KVM_IRQ_LINE, &args);
}

int hvm_vm_stat(int vm, struct hvmod_vm_stat *stat)
{
	(void)vm;
	(void)stat;
	return -EOPNOTSUPP;
}

/* ---- vCPU ---- */

int hvm_vcpu_create(int dev, int vm, u32 id, struct hvm_vcpu *vcpu, struct err *err)
{
	int size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_vcpu *kvm = NULL;
	int ret;

	vcpu->id = id;
	vcpu->fd = ioctl(vm, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0 || size < 0)
		return err_set(err, errno, "KVM_CREATE_VCPU: %s", strerror(errno));
	ret = posix_memalign((void **)&kvm, 4096, sizeof(*kvm));
	if (ret)
		goto fail;
	memset(kvm, 0, sizeof(*kvm));
	kvm->kvm_size = size;
	kvm->stats = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	kvm->kvm = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (kvm->kvm == MAP_FAILED) {
		ret = errno;
		goto fail;
	}
	vcpu->run = &kvm->run;
	vcpu->run_size = sizeof(kvm->run);
	return 0;
fail:
	free(kvm);
	close(vcpu->fd);
	return err_set(err, ret, "a vCPU of KVM: %s", strerror(ret));
}

void hvm_vcpu_destroy(struct hvm_vcpu *vcpu)
{
	struct kvm_vcpu *kvm = kvm_of(vcpu);

	munmap(kvm->kvm, kvm->kvm_size);
	if (kvm->stats >= 0)
		close(kvm->stats);
	close(vcpu->fd);
	free(kvm);
}

static void answer(const struct hvmod_run *run, struct kvm_run *kvm)
{
	if (run->exit_reason == HVMOD_EXIT_IO && run->io.direction == HVMOD_IO_IN)
		memcpy((u8 *)kvm + kvm->io.data_offset, run->data,
		       run->io.size * run->io.count);
	else if (run->exit_reason == HVMOD_EXIT_MMIO && !run->mmio.is_write)
		memcpy(kvm->mmio.data, run->mmio.data, sizeof(kvm->mmio.data));
}

/* KVM leaves the PM timer to its launcher. */
static bool pm_timer(struct kvm_run *kvm)
{
	struct timespec now;
	u32 ticks;

	if (kvm->io.port != PORT_PM_TIMER || kvm->io.direction != KVM_EXIT_IO_IN ||
	    kvm->io.size != 4)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks = ((u64)now.tv_sec * PM_HZ + now.tv_nsec * PM_HZ / NS) & 0xffffff;
	memcpy((u8 *)kvm + kvm->io.data_offset, &ticks, sizeof(ticks));
	return true;
}

static void translate(struct hvmod_run *run, const struct kvm_run *kvm)
{
	switch (kvm->exit_reason) {
	case KVM_EXIT_IO:
		run->exit_reason = HVMOD_EXIT_IO;
		run->io.direction = kvm->io.direction;
		run->io.size = kvm->io.size;
		run->io.port = kvm->io.port;
		run->io.count = kvm->io.count;
		if (kvm->io.direction == KVM_EXIT_IO_OUT)
			memcpy(run->data, (const u8 *)kvm + kvm->io.data_offset,
			       kvm->io.size * kvm->io.count);
		return;
	case KVM_EXIT_MMIO:
		run->exit_reason = HVMOD_EXIT_MMIO;
		run->mmio.gpa = kvm->mmio.phys_addr;
		run->mmio.len = kvm->mmio.len;
		run->mmio.is_write = kvm->mmio.is_write;
		memcpy(run->mmio.data, kvm->mmio.data, sizeof(run->mmio.data));
		return;
	case KVM_EXIT_SHUTDOWN:
		run->exit_reason = HVMOD_EXIT_SHUTDOWN;
		return;
	}
	run->exit_reason = HVMOD_EXIT_KILLED;
	strcpy(run->killed.why, "an exit of KVM that this launcher does not know");
}

int hvm_vcpu_run(struct hvm_vcpu *vcpu)
{
	struct kvm_vcpu *k = kvm_of(vcpu);
	int ret;

	answer(&k->run, k->kvm);
	do {
		k->run.exit_reason = HVMOD_EXIT_NONE;
		k->kvm->immediate_exit = k->run.immediate_exit;
		ret = call(vcpu->fd, KVM_RUN, NULL);
		if (ret)
			return ret;
	} while (k->kvm->exit_reason == KVM_EXIT_IO && pm_timer(k->kvm));
	translate(&k->run, k->kvm);
	return 0;
}

static void seg_to_kvm(const struct hvmod_segment *s, struct kvm_segment *k)
{
	*k = (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector,
		.type = s->access & 15, .s = s->access >> 4 & 1, .dpl = s->access >> 5 & 3,
		.present = s->access >> 7 & 1, .avl = s->access >> 12 & 1,
		.l = s->access >> 13 & 1, .db = s->access >> 14 & 1,
		.g = s->access >> 15 & 1, .unusable = s->access >> 16 & 1,
	};
}

static void seg_from_kvm(const struct kvm_segment *k, struct hvmod_segment *s)
{
	*s = (struct hvmod_segment){
		.base = k->base, .limit = k->limit, .selector = k->selector,
		.access = k->type | k->s << 4 | k->dpl << 5 | k->present << 7 |
			  k->avl << 12 | k->l << 13 | k->db << 14 | k->g << 15 |
			  (u32)k->unusable << 16,
	};
}

#define NR_SEGMENTS	8

static void list_kvm(struct kvm_sregs *k, struct kvm_segment *list[NR_SEGMENTS])
{
	struct kvm_segment *all[] = { &k->es, &k->cs, &k->ss, &k->ds, &k->fs, &k->gs,
				      &k->ldt, &k->tr };

	memcpy(list, all, sizeof(all));
}

static int get_sregs(int fd, struct hvmod_sregs *s)
{
	struct hvmod_segment *ours[] = { &s->es, &s->cs, &s->ss, &s->ds, &s->fs, &s->gs,
					 &s->ldt, &s->tr };
	struct kvm_segment *theirs[NR_SEGMENTS];
	struct kvm_sregs k;
	int ret = call(fd, KVM_GET_SREGS, &k);
	u32 i;

	if (ret)
		return ret;
	list_kvm(&k, theirs);
	for (i = 0; i < NR_SEGMENTS; i++)
		seg_from_kvm(theirs[i], ours[i]);
	s->gdt.base = k.gdt.base;
	s->gdt.limit = k.gdt.limit;
	s->idt.base = k.idt.base;
	s->idt.limit = k.idt.limit;
	s->cr0 = k.cr0;
	s->cr2 = k.cr2;
	s->cr3 = k.cr3;
	s->cr4 = k.cr4;
	s->cr8 = k.cr8;
	s->efer = k.efer;
	s->apic_base = k.apic_base;
	return 0;
}

static int set_sregs(int fd, const struct hvmod_sregs *s)
{
	const struct hvmod_segment *ours[] = { &s->es, &s->cs, &s->ss, &s->ds, &s->fs,
					       &s->gs, &s->ldt, &s->tr };
	struct kvm_segment *theirs[NR_SEGMENTS];
	struct kvm_sregs k;
	int ret = call(fd, KVM_GET_SREGS, &k);
	u32 i;

	if (ret)
		return ret;
	list_kvm(&k, theirs);
	for (i = 0; i < NR_SEGMENTS; i++)
		seg_to_kvm(ours[i], theirs[i]);
	k.gdt.base = s->gdt.base;
	k.gdt.limit = s->gdt.limit;
	k.idt.base = s->idt.base;
	k.idt.limit = s->idt.limit;
	k.cr0 = s->cr0;
	k.cr2 = s->cr2;
	k.cr3 = s->cr3;
	k.cr4 = s->cr4;
	k.cr8 = s->cr8;
	k.efer = s->efer;
	k.apic_base = s->apic_base;
	return call(fd, KVM_SET_SREGS, &k);
}

static int set_regs(int fd, const struct hvmod_regs *r)
{
	const u64 *g = r->gpr;
	struct kvm_regs k = {
		.rax = g[HVMOD_RAX], .rbx = g[HVMOD_RBX], .rcx = g[HVMOD_RCX],
		.rdx = g[HVMOD_RDX], .rsi = g[HVMOD_RSI], .rdi = g[HVMOD_RDI],
		.rsp = g[HVMOD_RSP], .rbp = g[HVMOD_RBP], .r8 = g[8], .r9 = g[9],
		.r10 = g[10], .r11 = g[11], .r12 = g[12], .r13 = g[13], .r14 = g[14],
		.r15 = g[15], .rip = r->rip, .rflags = r->rflags,
	};

	return call(fd, KVM_SET_REGS, &k);
}

int hvm_vcpu_get_state(struct hvm_vcpu *vcpu, u32 id, void *data, u32 size)
{
	(void)size;
	switch (id) {
	case HVMOD_STATE_SREGS:
		return get_sregs(vcpu->fd, data);
	case HVMOD_STATE_LAPIC:
		return call(vcpu->fd, KVM_GET_LAPIC, data);
	}
	return -EOPNOTSUPP;
}

int hvm_vcpu_set_state(struct hvm_vcpu *vcpu, u32 id, const void *data, u32 size)
{
	(void)size;
	switch (id) {
	case HVMOD_STATE_REGS:
		return set_regs(vcpu->fd, data);
	case HVMOD_STATE_SREGS:
		return set_sregs(vcpu->fd, data);
	case HVMOD_STATE_LAPIC:
		return call(vcpu->fd, KVM_SET_LAPIC, data);
	}
	return -EOPNOTSUPP;
}

int hvm_vcpu_set_msrs(struct hvm_vcpu *vcpu, const struct hvmod_msr *msrs, u32 count,
		      u32 *done)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[32];
	} args = { .head = { .nmsrs = count } };
	u32 i;
	int ret;

	if (count > ARRAY_SIZE(args.entry))
		return -EINVAL;
	for (i = 0; i < count; i++)
		args.entry[i] = (struct kvm_msr_entry){
			.index = msrs[i].index, .data = msrs[i].value,
		};
	ret = call(vcpu->fd, KVM_SET_MSRS, &args);
	if (ret < 0)
		return ret;
	*done = ret;
	return *done == count ? 0 : -EINVAL;
}

/* Where KVM's counters belong among the reasons of the SDM. */
static const struct {
	const char *name;
	u32 reason;
} counters[] = {
	{ "irq_exits", 1 }, { "irq_window_exits", 7 }, { "nmi_window_exits", 8 },
	{ "halt_exits", 12 }, { "io_exits", 30 }, { "mmio_exits", 48 },
};

#define OTHER_REASONS	35	/* a number without a meaning: "?" */

static void count(struct hvmod_vcpu_stat *stat, const char *name, u64 value)
{
	u32 i;

	if (!strcmp(name, "exits")) {
		stat->entries = value;
		stat->exits[OTHER_REASONS] += value;
	}
	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		if (strcmp(name, counters[i].name))
			continue;
		stat->exits[counters[i].reason] += value;
		stat->exits[OTHER_REASONS] -= value;
	}
}

int hvm_vcpu_stat(struct hvm_vcpu *vcpu, struct hvmod_vcpu_stat *stat)
{
	int fd = kvm_of(vcpu)->stats;
	struct kvm_stats_header head;
	char buf[256];
	struct kvm_stats_desc *desc = (void *)buf;
	size_t size;
	u64 value;
	u32 i;

	memset(stat, 0, sizeof(*stat));
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return -EIO;
	size = sizeof(*desc) + head.name_size;
	for (i = 0; i < head.num_desc && size <= sizeof(buf); i++) {
		if (pread(fd, buf, size, head.desc_offset + i * size) != (ssize_t)size ||
		    pread(fd, &value, sizeof(value), head.data_offset + desc->offset) !=
		    sizeof(value))
			return -EIO;
		count(stat, desc->name, value);
	}
	return 0;
}

int hvm_vcpu_exits(struct hvm_vcpu *vcpu, struct hvmod_exit_record *records, u32 room)
{
	(void)vcpu;
	(void)records;
	(void)room;
	return -EOPNOTSUPP;
}
