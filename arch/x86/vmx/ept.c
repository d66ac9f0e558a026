// SPDX-License-Identifier: GPL-2.0
/*
 * The extended page tables of a VM: leaves go in under mem.lock held for
 * reading, by several vCPUs at once, and come out under mem.lock held for
 * writing.  module/mem.c decides what is mapped; this file knows the format and
 * how a CPU is made to forget it.
 *
 * SDM: "The Extended Page Table Mechanism (EPT)", "Caching Translation
 * Information".
 *
 * Why a table page may be freed: it is unlinked under mem.lock held for
 * writing, so no walk of ours is in it, and arch_mmu_flush() has made every CPU
 * forget it before it goes.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "arch/x86/vmx/insn.h"
#include "arch/x86/vmx/vmx.h"
#include "module/arch.h"
#include "module/trace.h"

#define EPT_LEVELS	4
#define EPT_LEAF	BIT_ULL(7)
#define EPT_IPAT	BIT_ULL(6)
#define EPT_WB		(6ULL << 3)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)
#define EPT_RWX		7ULL
#define EPT_ADDR	GENMASK_ULL(51, 12)

/* Tables that one map may need beside the root. */
#define EPT_SPARE	(EPT_LEVELS - 1)

static unsigned int ept_index(u64 gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & 511;
}

static u64 level_pages(int level)
{
	return 1ULL << (9 * (level - 1));
}

static bool ept_is_leaf(u64 e, int level)
{
	return level == 1 || (e & EPT_LEAF);
}

static u64 *ept_table(u64 e)
{
	return __va(e & EPT_ADDR);
}

int arch_mmu_max_level(void)
{
	return vmx_has(HVMOD_FEATURE_EPT_1G) ? ARCH_MMU_1G : ARCH_MMU_2M;
}

/* ---- a VM's tables ---- */

int ept_create(struct vm *vm)
{
	struct vmx_vm *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return -ENOMEM;
	vm->arch.vmx = v;
	spin_lock_init(&v->lock);
	INIT_LIST_HEAD(&v->dead);
	/* Zero is "never seen", so that a fresh vCPU flushes. */
	atomic64_set(&v->gen, 1);
	if (!zalloc_cpumask_var(&v->flush_mask, GFP_KERNEL))
		goto nomem;
	v->root = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!v->root)
		goto nomem;
	v->eptp = __pa(v->root) | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4;
	if (vmx_has(HVMOD_FEATURE_EPT_AD))
		v->eptp |= VMX_EPTP_AD_ENABLE_BIT;
	v->pml = vmx_has(HVMOD_FEATURE_PML);
	if (vmx_has(HVMOD_FEATURE_APIC_ACCESS)) {
		v->apic_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!v->apic_page)
			goto nomem;
	}
	return 0;

nomem:
	ept_destroy(vm);
	return -ENOMEM;
}

static void free_dead(struct list_head *dead)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, dead, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

static void free_tables(u64 *table, int level)
{
	int i;

	for (i = 0; level > 1 && i < 512; i++) {
		u64 e = table[i];

		if ((e & EPT_RWX) && !ept_is_leaf(e, level))
			free_tables(ept_table(e), level - 1);
	}
	free_page((unsigned long)table);
}

void ept_destroy(struct vm *vm)
{
	struct vmx_vm *v = vm->arch.vmx;

	if (!v)
		return;
	free_dead(&v->dead);
	if (v->root)
		free_tables(v->root, EPT_LEVELS);
	if (v->apic_page)
		__free_page(v->apic_page);
	free_cpumask_var(v->flush_mask);
	kfree(v);
	vm->arch.vmx = NULL;
}

/* ---- maps ---- */

int arch_mmu_prepare(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	while (vmx->spares < EPT_SPARE) {
		void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		vmx->spare[vmx->spares++] = page;
	}
	return 0;
}

void ept_vcpu_destroy(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	while (vmx->spares)
		free_page((unsigned long)vmx->spare[--vmx->spares]);
}

/* The table below *p, made if there is none.  NULL: a leaf is there, or a race. */
static u64 *next_table(struct vcpu *vcpu, u64 *p, int level)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 e = READ_ONCE(*p);
	void *page;

	if (e & EPT_RWX)
		return ept_is_leaf(e, level) ? NULL : ept_table(e);
	if (!vmx->spares)
		return NULL;
	page = vmx->spare[vmx->spares - 1];
	if (cmpxchg64(p, 0, __pa(page) | EPT_RWX) != 0)
		return NULL;
	vmx->spares--;
	atomic64_inc(&vcpu->vm->arch.vmx->tables);
	return page;
}

static u64 make_leaf(u64 pfn, int level, u32 prot)
{
	u64 e = (pfn << PAGE_SHIFT) | EPT_WB | EPT_IPAT | EPT_ACCESSED;

	if (prot & MEM_ACC_READ)
		e |= VMX_EPT_READABLE_MASK;
	if (prot & MEM_ACC_WRITE)
		e |= VMX_EPT_WRITABLE_MASK;
	if ((prot & MEM_ACC_WRITE) && !(prot & MEM_ACC_CLEAN))
		e |= EPT_DIRTY;
	if (prot & MEM_ACC_EXEC)
		e |= VMX_EPT_EXECUTABLE_MASK;
	if (level > 1)
		e |= EPT_LEAF;
	return e;
}

/* A leaf is there: the same page, perhaps with fewer rights.  Or a table. */
static int upgrade_leaf(u64 *p, u64 old, u64 pfn, int level, u32 prot)
{
	u64 new;

	if (!ept_is_leaf(old, level))
		return -EEXIST;
	if ((old & EPT_ADDR) >> PAGE_SHIFT != pfn)
		return -EAGAIN;
	new = old | make_leaf(pfn, level, prot);
	if (new == old)
		return 0;
	return cmpxchg64(p, old, new) == old ? 0 : -EAGAIN;
}

static int put_leaf(struct vcpu *vcpu, u64 *p, u64 pfn, int level, u32 prot)
{
	u64 e = READ_ONCE(*p);

	if (e & EPT_RWX)
		return upgrade_leaf(p, e, pfn, level, prot);
	if (cmpxchg64(p, 0, make_leaf(pfn, level, prot)) != 0)
		return -EAGAIN;
	atomic64_inc(&vcpu->vm->arch.vmx->leaves[level]);
	return 0;
}

int arch_mmu_map(struct vcpu *vcpu, u64 gfn, u64 pfn, int level, u32 prot)
{
	u64 *table = vcpu->vm->arch.vmx->root;
	int at, ret;

	lockdep_assert_held_read(&vcpu->vm->mem.lock);
	if (prot & MEM_ACC_CLEAN)
		WRITE_ONCE(vcpu->vm->arch.vmx->pml_used, true);
	for (at = EPT_LEVELS; at > level; at--) {
		table = next_table(vcpu, &table[ept_index(gfn, at)], at);
		if (!table)
			return -EAGAIN;
	}
	ret = put_leaf(vcpu, &table[ept_index(gfn, level)], pfn, level, prot);
	trace_hvmod_ept_map(gfn, pfn, level, prot);
	return ret;
}

/* ---- unmaps: mem.lock is held for writing, but CPUs set accessed and dirty ---- */

static void bury(struct vm *vm, u64 *table, int level)
{
	struct vmx_vm *v = vm->arch.vmx;
	int i;

	for (i = 0; i < 512; i++) {
		u64 e = READ_ONCE(table[i]);

		if (!(e & EPT_RWX))
			continue;
		if (ept_is_leaf(e, level))
			atomic64_dec(&v->leaves[level]);
		else
			bury(vm, ept_table(e), level - 1);
	}
	atomic64_dec(&v->tables);
	spin_lock(&v->lock);
	list_add(&virt_to_page(table)->lru, &v->dead);
	spin_unlock(&v->lock);
}

/*
 * Calls fn for every present entry of [gfn, end) that is a leaf, or that is a
 * table which the range covers completely (whole = true).  fn returns true if
 * it took a permission away.
 */
typedef bool (*ept_fn)(struct vm *vm, u64 *p, int level, bool whole);

static bool walk(struct vm *vm, u64 *table, int level, u64 gfn, u64 end, ept_fn fn)
{
	u64 size = level_pages(level);
	bool flush = false;

	while (gfn < end) {
		u64 next = min((gfn & ~(size - 1)) + size, end);
		u64 *p = &table[ept_index(gfn, level)];
		u64 e = READ_ONCE(*p);

		if (!(e & EPT_RWX))
			;
		else if (ept_is_leaf(e, level))
			flush |= fn(vm, p, level, next - gfn == size);
		else if (next - gfn == size && fn(vm, p, level, true))
			flush = true;
		else
			flush |= walk(vm, ept_table(e), level - 1, gfn, next, fn);
		gfn = next;
	}
	return flush;
}

static bool unmap_entry(struct vm *vm, u64 *p, int level, bool whole)
{
	u64 e = xchg(p, 0);

	if (ept_is_leaf(e, level))
		atomic64_dec(&vm->arch.vmx->leaves[level]);
	else
		bury(vm, ept_table(e), level - 1);
	return true;
}

bool arch_mmu_unmap(struct vm *vm, u64 gfn, u64 pages)
{
	lockdep_assert_held_write(&vm->mem.lock);
	return walk(vm, vm->arch.vmx->root, EPT_LEVELS, gfn, gfn + pages, unmap_entry);
}

static bool wrprotect_entry(struct vm *vm, u64 *p, int level, bool whole)
{
	u64 e = READ_ONCE(*p);

	if (!ept_is_leaf(e, level))
		return false;	/* go down into it */
	if (!(e & VMX_EPT_WRITABLE_MASK))
		return false;
	/* The log is exact to 4 KiB: larger leaves come back as small ones. */
	if (level > 1)
		return unmap_entry(vm, p, level, whole);
	/* Before the leaf is clean: whoever leaves the guest after it looks. */
	if (vm->arch.vmx->pml) {
		WRITE_ONCE(vm->arch.vmx->pml_used, true);
		return test_and_clear_bit(ilog2(EPT_DIRTY), (unsigned long *)p);
	}
	clear_bit(ilog2(VMX_EPT_WRITABLE_MASK), (unsigned long *)p);
	return true;
}

bool arch_mmu_wrprotect(struct vm *vm, u64 gfn, u64 pages)
{
	lockdep_assert_held_write(&vm->mem.lock);
	return walk(vm, vm->arch.vmx->root, EPT_LEVELS, gfn, gfn + pages, wrprotect_entry);
}

static bool age_entry(struct vm *vm, u64 *p, int level, bool whole)
{
	if (!ept_is_leaf(READ_ONCE(*p), level))
		return false;
	return test_and_clear_bit(ilog2(EPT_ACCESSED), (unsigned long *)p);
}

static bool test_age_entry(struct vm *vm, u64 *p, int level, bool whole)
{
	u64 e = READ_ONCE(*p);

	return ept_is_leaf(e, level) && (e & EPT_ACCESSED);
}

bool arch_mmu_age(struct vm *vm, u64 gfn, u64 pages, bool clear)
{
	lockdep_assert_held_write(&vm->mem.lock);
	/*
	 * Without accessed bits: pages that come back after an unmap were used.
	 * The caller does not flush after ageing, so it is done here.
	 */
	if (clear && !(vm->arch.vmx->eptp & VMX_EPTP_AD_ENABLE_BIT)) {
		bool young = arch_mmu_unmap(vm, gfn, pages);

		if (young)
			arch_mmu_flush(vm);
		return young;
	}
	return walk(vm, vm->arch.vmx->root, EPT_LEVELS, gfn, gfn + pages,
		    clear ? age_entry : test_age_entry);
}

/* ---- flushes ---- */

static void flush_ack(void *unused)
{
	/* The interrupt made the vCPU leave the guest: it sees the generation. */
}

void ept_interrupt(struct vm *vm)
{
	struct vmx_vm *v = vm->arch.vmx;
	struct vcpu *vcpu;
	u32 id;

	lockdep_assert_held(&v->lock);
	cpumask_clear(v->flush_mask);
	vm_for_each_vcpu(vm, id, vcpu) {
		int cpu = READ_ONCE(vcpu->cpu);

		/* Pairs with the barrier of a vCPU that enters its guest. */
		if (cpu >= 0 && smp_load_acquire(&vcpu->mode) == VCPU_IN_GUEST)
			cpumask_set_cpu(cpu, v->flush_mask);
	}
	if (!cpumask_empty(v->flush_mask))
		smp_call_function_many(v->flush_mask, flush_ack, NULL, true);
}

void arch_mmu_flush(struct vm *vm)
{
	struct vmx_vm *v = vm->arch.vmx;
	LIST_HEAD(dead);

	spin_lock(&v->lock);
	atomic64_inc(&v->gen);
	atomic64_inc(&v->flushes);
	/* Pairs with arch_vcpu_enter(): it sets the mode, then reads gen. */
	smp_mb();
	ept_interrupt(vm);
	list_splice_init(&v->dead, &dead);
	spin_unlock(&v->lock);
	free_dead(&dead);
}

/*
 * With accessed and dirty bits in EPT each walk of the guest's tables is a write
 * to them.  Where they lie in a read-only slot the VM does without, and without
 * PML, from now on.
 */
void ept_drop_ad(struct vm *vm)
{
	struct vmx_vm *v = vm->arch.vmx;

	write_lock(&vm->mem.lock);
	if (v->eptp & VMX_EPTP_AD_ENABLE_BIT) {
		WRITE_ONCE(v->eptp, v->eptp & ~(u64)VMX_EPTP_AD_ENABLE_BIT);
		/* Leaves that PML watches come back write-protected. */
		WRITE_ONCE(v->pml, false);
		arch_mmu_unmap(vm, 0, HVMOD_MAX_GPA >> PAGE_SHIFT);
		arch_mmu_flush(vm);
	}
	write_unlock(&vm->mem.lock);
}

static noinline void load_eptp(struct vmx_vcpu *vmx, u64 eptp)
{
	vmx->eptp = eptp;
	vmcs_write(EPT_POINTER, eptp);
	vmx_set_cpu2(vmx, SECONDARY_EXEC_ENABLE_PML, eptp & VMX_EPTP_AD_ENABLE_BIT);
}

void ept_flush_local(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_vm *v = vcpu->vm->arch.vmx;
	u64 gen = atomic64_read(&v->gen);

	lockdep_assert_irqs_disabled();
	if (vmx->flush_gen != gen) {
		u64 eptp = READ_ONCE(v->eptp);

		if (unlikely(vmx->eptp != eptp))
			load_eptp(vmx, eptp);
		vmx_invept(VMX_EPT_EXTENT_CONTEXT, eptp);
		vmx->flush_gen = gen;
	}
	if (vmx->flush_guest) {
		vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid, 0);
		vmx->flush_guest = false;
	}
}

void arch_vm_stat(struct vm *vm, struct hvmod_vm_stat *stat)
{
	struct vmx_vm *v = vm->arch.vmx;

	stat->pages_4k = atomic64_read(&v->leaves[1]);
	stat->pages_2m = atomic64_read(&v->leaves[2]);
	stat->pages_1g = atomic64_read(&v->leaves[3]);
	stat->ept_pages = atomic64_read(&v->tables) + 1;
	stat->flushes = atomic64_read(&v->flushes);
}
