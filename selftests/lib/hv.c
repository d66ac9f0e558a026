// SPDX-License-Identifier: GPL-2.0
/*
 * VMs and vCPUs of a test: opening, memory, modes, running, and the guest's
 * words to its host.  Called by the host half of every test.  What fails here
 * and is not what the test asks about ends the program as broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define CR0_PE		(1UL << 0)
#define CR0_MP		(1UL << 1)
#define CR0_ET		(1UL << 4)
#define CR0_NE		(1UL << 5)
#define CR0_WP		(1UL << 16)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_OSXMMEXCPT	(1UL << 10)
#define EFER_SCE	(1UL << 0)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NXE	(1UL << 11)

#define PTE_P		(1UL << 0)
#define PTE_W		(1UL << 1)
#define PTE_U		(1UL << 2)
#define PTE_PS		(1UL << 7)

/* Linker's: the program's first byte and the end of its bss. */
extern char __executable_start[], _end[];

int hv_open(void)
{
	int fd = open("/dev/hvmod", O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		tap_skip_all("/dev/hvmod is absent: the module is not loaded");
	if (fd < 0)
		tap_die("/dev/hvmod: %m");
	if (ioctl(fd, HVMOD_GET_VERSION) != HVMOD_API_VERSION)
		tap_die("/dev/hvmod has another API version");
	return fd;
}

u64 hv_cap(int dev, u32 id)
{
	struct hvmod_cap cap = { .id = id };

	hv_need(!ioctl(dev, HVMOD_CHECK_CAP, &cap));
	return cap.value;
}

int hv_set_memory(struct hv_vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva)
{
	struct hvmod_memory m = {
		.slot = slot, .flags = flags, .gpa = gpa, .size = size,
		.hva = (uintptr_t)hva,
	};

	return ioctl(vm->fd, HVMOD_VM_SET_MEMORY, &m) ? -errno : 0;
}

static u64 gdt_entry(const struct hvmod_segment *s)
{
	u32 limit = s->access & (1U << 15) ? s->limit >> 12 : s->limit;

	return (limit & 0xffff) | (s->base & 0xffffff) << 16 |
	       (u64)(s->access & 0xff) << 40 | (u64)(limit >> 16 & 0xf) << 48 |
	       (u64)(s->access >> 12 & 0xf) << 52 | (s->base >> 24 & 0xff) << 56;
}

static const struct hvmod_segment seg_cs64 = {
	.limit = 0xffffffff, .selector = HV_CS64, .access = 0xa09b,
};

static const struct hvmod_segment seg_cs32 = {
	.limit = 0xffffffff, .selector = HV_CS32, .access = 0xc09b,
};

static const struct hvmod_segment seg_ds = {
	.limit = 0xffffffff, .selector = HV_DS, .access = 0xc093,
};

static const struct hvmod_segment seg_tr = {
	.base = HV_TSS, .limit = 0x67, .selector = HV_TR, .access = 0x8b,
};

static const struct hvmod_segment seg_none = { .access = 1U << 16 };

/* GDT, TSS, and an identity map of 4 GiB in 2 MiB pages. */
static void tables_init(struct hv_vm *vm)
{
	u64 *gdt = (u64 *)(vm->mem + HV_GDT);
	u64 *pml4 = (u64 *)(vm->mem + HV_PML4);
	u64 *pdpt = (u64 *)(vm->mem + HV_PDPT);
	u64 *pd = (u64 *)(vm->mem + HV_PD);
	u64 i;

	gdt[HV_CS64 / 8] = gdt_entry(&seg_cs64);
	gdt[HV_DS / 8] = gdt_entry(&seg_ds);
	gdt[HV_CS32 / 8] = gdt_entry(&seg_cs32);
	gdt[HV_TR / 8] = gdt_entry(&seg_tr);

	pml4[0] = HV_PDPT | PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 4; i++)
		pdpt[i] = (HV_PD + i * 4096) | PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 2048; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_U | PTE_PS;
}

struct hv_vm *hv_vm_new_args(size_t size, const struct hvmod_vm_create *args)
{
	struct hv_vm *vm = calloc(1, sizeof(*vm));
	uintptr_t first = (uintptr_t)__executable_start & ~4095UL;
	uintptr_t end = ((uintptr_t)_end + 4095) & ~4095UL;

	hv_need(vm);
	hv_need(first == HV_IMAGE_BASE && size <= HV_IMAGE_BASE);
	vm->dev = hv_open();
	vm->fd = ioctl(vm->dev, HVMOD_VM_CREATE, args);
	hv_need(vm->fd >= 0);
	vm->size = size;
	vm->mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hv_need(vm->mem != MAP_FAILED);
	tables_init(vm);
	hv_idt_init(vm);
	hv_need(!hv_set_memory(vm, HV_SLOT_RAM, 0, 0, size, vm->mem));
	hv_need(!hv_set_memory(vm, HV_SLOT_IMAGE, 0, first, end - first, (void *)first));
	return vm;
}

struct hv_vm *hv_vm_new(size_t size)
{
	struct hvmod_vm_create args = { .kind = HVMOD_KIND_PC };

	return hv_vm_new_args(size, &args);
}

struct hv_vm *hv_xen_vm(size_t size)
{
	const char *kind = getenv("HV_XEN_KIND");
	struct hvmod_vm_create args = {
		.kind = kind && !strcmp(kind, "HVM") ? HVMOD_KIND_HVM : HVMOD_KIND_PVH,
	};

	return hv_vm_new_args(size, &args);
}

void hv_vm_free(struct hv_vm *vm)
{
	close(vm->fd);
	close(vm->dev);
	munmap(vm->mem, vm->size);
	free(vm);
}

static void set_cpuid(struct hv_vcpu *vcpu)
{
	struct hvmod_cpuid_entry entries[HVMOD_MAX_CPUID];
	struct hvmod_cpuid table = {
		.count = HVMOD_MAX_CPUID, .entries = (uintptr_t)entries,
	};

	hv_need(!ioctl(vcpu->vm->dev, HVMOD_GET_CPUID, &table));
	hv_need(!ioctl(vcpu->fd, HVMOD_VCPU_SET_CPUID, &table));
}

struct hv_vcpu *hv_vcpu_new(struct hv_vm *vm, u32 id)
{
	struct hv_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	struct hvmod_vcpu_create args = { .id = id };

	hv_need(vcpu);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, HVMOD_VCPU_CREATE, &args);
	hv_need(vcpu->fd >= 0);
	vcpu->run = mmap(NULL, sizeof(*vcpu->run), PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	hv_need(vcpu->run != MAP_FAILED);
	set_cpuid(vcpu);
	return vcpu;
}

void hv_vcpu_free(struct hv_vcpu *vcpu)
{
	munmap(vcpu->run, sizeof(*vcpu->run));
	close(vcpu->fd);
	free(vcpu);
}

/* ---- state ---- */

int hv_get(struct hv_vcpu *vcpu, u32 id, void *state, u32 size)
{
	struct hvmod_state args = { .id = id, .size = size, .addr = (uintptr_t)state };

	return ioctl(vcpu->fd, HVMOD_VCPU_GET_STATE, &args) ? -errno : 0;
}

int hv_set(struct hv_vcpu *vcpu, u32 id, const void *state, u32 size)
{
	struct hvmod_state args = { .id = id, .size = size, .addr = (uintptr_t)state };

	return ioctl(vcpu->fd, HVMOD_VCPU_SET_STATE, &args) ? -errno : 0;
}

void hv_get_regs(struct hv_vcpu *vcpu, struct hvmod_regs *regs)
{
	hv_need(!hv_get(vcpu, HVMOD_STATE_REGS, regs, sizeof(*regs)));
}

void hv_set_regs(struct hv_vcpu *vcpu, const struct hvmod_regs *regs)
{
	hv_need(!hv_set(vcpu, HVMOD_STATE_REGS, regs, sizeof(*regs)));
}

void hv_get_sregs(struct hv_vcpu *vcpu, struct hvmod_sregs *sregs)
{
	hv_need(!hv_get(vcpu, HVMOD_STATE_SREGS, sregs, sizeof(*sregs)));
}

void hv_set_sregs(struct hv_vcpu *vcpu, const struct hvmod_sregs *sregs)
{
	hv_need(!hv_set(vcpu, HVMOD_STATE_SREGS, sregs, sizeof(*sregs)));
}

static int do_msr(struct hv_vcpu *vcpu, unsigned long cmd, struct hvmod_msr *msr)
{
	struct hvmod_msrs args = { .count = 1, .msrs = (uintptr_t)msr };

	return ioctl(vcpu->fd, cmd, &args) ? -errno : 0;
}

int hv_get_msr(struct hv_vcpu *vcpu, u32 index, u64 *value)
{
	struct hvmod_msr msr = { .index = index };
	int ret = do_msr(vcpu, HVMOD_VCPU_GET_MSRS, &msr);

	*value = msr.value;
	return ret;
}

int hv_set_msr(struct hv_vcpu *vcpu, u32 index, u64 value)
{
	struct hvmod_msr msr = { .index = index, .value = value };

	return do_msr(vcpu, HVMOD_VCPU_SET_MSRS, &msr);
}

/* ---- modes ---- */

static void set_runnable(struct hv_vcpu *vcpu)
{
	struct hvmod_mp mp = { .state = HVMOD_MP_RUNNABLE };

	hv_need(!hv_set(vcpu, HVMOD_STATE_MP, &mp, sizeof(mp)));
}

static void set_ip_sp(struct hv_vcpu *vcpu, u64 ip, u64 sp, u64 arg)
{
	struct hvmod_regs regs = { .rip = ip, .rflags = 2 };

	regs.gpr[HVMOD_RSP] = sp;
	regs.gpr[HVMOD_RDI] = arg;
	hv_set_regs(vcpu, &regs);
	set_runnable(vcpu);
}

static void set_segments(struct hvmod_sregs *s, const struct hvmod_segment *cs)
{
	s->cs = *cs;
	s->ss = seg_ds;
	s->ds = seg_ds;
	s->es = seg_ds;
	s->fs = seg_ds;
	s->gs = seg_ds;
	s->ldt = seg_none;
	s->tr = seg_tr;
	s->gdt = (struct hvmod_dtable){ .base = HV_GDT, .limit = 0x37 };
	s->idt = (struct hvmod_dtable){ .base = HV_IDT, .limit = 4095 };
}

void hv_real_mode(struct hv_vcpu *vcpu, u16 cs, u16 ip)
{
	struct hvmod_segment seg = {
		.base = (u64)cs << 4, .limit = 0xffff, .selector = cs, .access = 0x93,
	};
	struct hvmod_sregs s;

	hv_get_sregs(vcpu, &s);
	s.ss = seg;
	s.ds = seg;
	s.es = seg;
	s.fs = seg;
	s.gs = seg;
	seg.access = 0x9b;
	s.cs = seg;
	s.cr0 = CR0_ET;
	s.cr3 = 0;
	s.cr4 = 0;
	s.efer = 0;
	s.idt = (struct hvmod_dtable){ .base = 0, .limit = 0x3ff };
	hv_set_sregs(vcpu, &s);
	set_ip_sp(vcpu, ip, 0xfff0, 0);
}

void hv_flat32(struct hv_vcpu *vcpu, u32 eip, u32 esp)
{
	struct hvmod_sregs s;

	hv_get_sregs(vcpu, &s);
	set_segments(&s, &seg_cs32);
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE;
	s.cr3 = 0;
	s.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.efer = 0;
	hv_set_sregs(vcpu, &s);
	set_ip_sp(vcpu, eip, esp, 0);
}

/* Where a guest function returns to. */
static void guest_returned(void)
{
	for (;;)
		GUEST_DONE();
}

void hv_long_mode_arg(struct hv_vcpu *vcpu, void (*fn)(u64), u64 arg)
{
	u64 top = vcpu->vm->size - vcpu->id * HV_STACK_SIZE;
	struct hvmod_sregs s;

	hv_need(vcpu->vm->size > HV_FREE + (vcpu->id + 1) * HV_STACK_SIZE);
	hv_get_sregs(vcpu, &s);
	set_segments(&s, &seg_cs64);
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s.cr3 = HV_PML4;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	hv_set_sregs(vcpu, &s);
	*(u64 *)(vcpu->vm->mem + top - 8) = (uintptr_t)guest_returned;
	set_ip_sp(vcpu, (uintptr_t)fn, top - 8, arg);
}

void hv_long_mode(struct hv_vcpu *vcpu, void (*fn)(void))
{
	hv_long_mode_arg(vcpu, (void (*)(u64))(void *)fn, 0);
}

/* ---- running ---- */

int hv_run_once(struct hv_vcpu *vcpu)
{
	return ioctl(vcpu->fd, HVMOD_VCPU_RUN, 0) ? -errno : 0;
}

int hv_run(struct hv_vcpu *vcpu)
{
	int ret;

	do
		ret = hv_run_once(vcpu);
	while (ret == -EINTR || (!ret && vcpu->run->exit_reason == HVMOD_EXIT_NONE));
	return ret;
}

void hv_note_exit(struct hv_vcpu *vcpu)
{
	const struct hvmod_run *run = vcpu->run;
	struct hvmod_regs regs;

	switch (run->exit_reason) {
	case HVMOD_EXIT_IO:
		tap_note("exit: %s port %#x size %u count %u",
			 run->io.direction == HVMOD_IO_OUT ? "out" : "in",
			 run->io.port, run->io.size, run->io.count);
		break;
	case HVMOD_EXIT_MMIO:
		tap_note("exit: mmio %s at %#llx, %u bytes",
			 run->mmio.is_write ? "write" : "read",
			 (unsigned long long)run->mmio.gpa, run->mmio.len);
		break;
	case HVMOD_EXIT_KILLED:
		tap_note("exit: killed: %.256s", run->killed.why);
		break;
	default:
		tap_note("exit: reason %u", run->exit_reason);
	}
	if (!hv_get(vcpu, HVMOD_STATE_REGS, &regs, sizeof(regs)))
		tap_note("rip %#llx rsp %#llx rflags %#llx",
			 (unsigned long long)regs.rip,
			 (unsigned long long)regs.gpr[HVMOD_RSP],
			 (unsigned long long)regs.rflags);
}

/* A guest's structure, which lies in the image or on its stack in RAM. */
static void *guest_ptr(struct hv_vcpu *vcpu, u64 gpa)
{
	return gpa >= HV_IMAGE_BASE ? (void *)(uintptr_t)gpa : vcpu->vm->mem + gpa;
}

static enum hv_what failed(struct hv_vcpu *vcpu, u64 gpa)
{
	const struct hv_failure *f = guest_ptr(vcpu, gpa);

	tap_note("%s:%llu: guest assertion failed: %s", f->file,
		 (unsigned long long)f->line, f->what);
	if (f->values)
		tap_note("got %#llx, want %#llx", (unsigned long long)f->got,
			 (unsigned long long)f->want);
	return HV_FAILED;
}

enum hv_what hv_talk(struct hv_vcpu *vcpu)
{
	const struct hvmod_run *run = vcpu->run;
	struct hvmod_regs regs;
	int ret = hv_run(vcpu);

	if (ret) {
		tap_note("HVMOD_VCPU_RUN: %s", strerror(-ret));
		return HV_ERRNO;
	}
	if (run->exit_reason != HVMOD_EXIT_IO || run->io.direction != HVMOD_IO_OUT ||
	    run->io.size != 4)
		return HV_OTHER;
	switch (run->io.port) {
	case HV_PORT_DONE:
		return HV_DONE;
	case HV_PORT_SYNC:
		hv_get_regs(vcpu, &regs);
		vcpu->value = regs.gpr[HVMOD_RBX];
		return HV_SYNC;
	case HV_PORT_ASSERT:
		hv_get_regs(vcpu, &regs);
		return failed(vcpu, regs.gpr[HVMOD_RBX]);
	}
	return HV_OTHER;
}

bool hv_run_to_done(struct hv_vcpu *vcpu, const char *name)
{
	enum hv_what what = hv_talk(vcpu);

	if (what == HV_OTHER || what == HV_SYNC)
		hv_note_exit(vcpu);
	return tap_ok(what == HV_DONE, "%s", name);
}
