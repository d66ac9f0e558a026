/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of arch/x86/vmx/ share.  Nobody outside of this folder
 * includes it.
 */
#ifndef ARCH_X86_VMX_VMX_H
#define ARCH_X86_VMX_VMX_H

#include <linux/cpumask.h>
#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/hw.h"
#include "module/vm.h"

/* ---- caps.c: what this CPU's VMX can do, fixed at load ---- */

struct vmx_caps {
	u32 revision;
	u32 pin, cpu, cpu2, entry, exit;	/* controls that a new vCPU gets */
	u32 cpu2_may;				/* all that are used now or then */
	u64 cr0_fixed0, cr0_fixed1;
	u64 cr4_fixed0, cr4_fixed1;
	u64 features;				/* HVMOD_FEATURE_* in use */
	u64 ept_vpid;				/* IA32_VMX_EPT_VPID_CAP */
	u64 tsc_max_ratio;			/* 48 fractional bits */
	u8 timer_shift;				/* preemption timer: TSC >> shift */
	bool misc_hlt;				/* activity state HLT is there */
};

extern struct vmx_caps vmx_caps;

/* -ENODEV, -EACCES, -EBUSY, -EOPNOTSUPP: see arch_check(). */
int vmx_caps_check(void);

static inline bool vmx_has(u64 feature)
{
	return vmx_caps.features & feature;
}

/* ---- vmcs.c, cpu.c ---- */

/* The MSRs of SYSCALL and RDTSCP that the CPU does not switch by itself. */
enum vmx_user_msr {
	VMX_MSR_STAR, VMX_MSR_LSTAR, VMX_MSR_CSTAR, VMX_MSR_SFMASK, VMX_MSR_TSC_AUX,
	VMX_NR_USER_MSRS
};

struct vmx_vcpu {
	struct vcpu *vcpu;
	void *vmcs;			/* a page */
	u64 vmcs_pa;
	unsigned long *msr_bitmap;	/* a page */
	struct list_head on_cpu;	/* in vmx_cpu.vmcss of vmcs_cpu */
	int vmcs_cpu;			/* where the VMCS is active, or -1 */
	u16 vpid;
	bool launched;
	bool injected;			/* an event went in with this entry */
	bool vid;			/* the hardware delivers the local APIC's vectors */
	bool posted;			/* and takes those that others post; others read it */
	bool apic_paged;		/* and knows the page of its registers */
	bool apic_stray;		/* its APIC is not where most have it, see apic.c */
	u8 tpr_threshold;		/* what TPR_THRESHOLD holds */
	bool host_loaded;		/* the host's selectors and MSRs are put away */
	bool flush_l1d;			/* the host may have left secrets in L1D */
	/* What the next entry has to do first; todo is for one test. */
	union {
		struct {
			bool irq_check;		/* look at the interrupt controllers */
			bool msrs_stale;	/* load the guest's user MSRs again */
			bool flush_guest;	/* INVVPID */
			bool todo_pad;
		};
		u32 todo;
	};
	u64 entered;			/* TSC at the last entry */
	u64 flush_gen;			/* vmx_vm.gen that this vCPU has seen */
	unsigned long host_rsp;		/* what HOST_RSP holds */
	unsigned long host_cr3, host_cr4;
	u64 host_fs_base;
	u16 host_fs, host_gs, host_ldt, host_ds, host_es;
	u32 pin_ctl;			/* controls as in the VMCS */
	u32 cpu_ctl;
	u32 cpu2_ctl;
	u32 entry_ctl;
	u32 exit_reason;		/* full 32 bits */
	u32 vectoring;			/* IDT-vectoring information of this exit */
	u32 exception_bitmap;
	u64 msr_guest_kernel_gs;
	u64 deadline;			/* host TSC where the preemption timer ends, or 0 */
	u64 eptp;			/* what EPT_POINTER holds */
	u64 *pml;			/* a page: what PML logs; or NULL */
	void *spare[3];			/* zeroed pages for EPT tables */
	unsigned int spares;
};

/* One a physical CPU. */
struct vmx_cpu {
	void *region;			/* VMXON region, a page */
	bool enabled;			/* in VMX root now */
	bool leaving;			/* in VMX root only while a vCPU is loaded */
	struct vcpu *current_vcpu;	/* whose VMCS is current */
	struct list_head vmcss;		/* active here; interrupts off */
	u64 host_msr[VMX_NR_USER_MSRS];
	u64 loaded_msr[VMX_NR_USER_MSRS];	/* what the MSR holds now */
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* Interrupts off, around what vmcs_load() and vmcs_put() do: see cpu.c. */
void vmx_cpu_borrow(void);
void vmx_cpu_return(void);
/* Memory for every possible CPU; -ENOMEM. */
int vmx_setup(void);
void vmx_teardown(void);

extern const u32 vmx_user_msr_index[VMX_NR_USER_MSRS];

int vmcs_create(struct vcpu *vcpu);
void vmcs_destroy(struct vcpu *vcpu);
/* Makes the VMCS current and active on this CPU; preemption disabled. */
void vmcs_load(struct vcpu *vcpu, int cpu);
/* It may stay active here; on a CPU that goes offline it does not. */
void vmcs_put(struct vcpu *vcpu);
/* Interrupts off, on the CPU where the VMCS is active. */
void vmcs_clear_local(struct vmx_vcpu *vmx);
/* Intercept reads (1), writes (2), both (3) of an MSR or pass them through. */
void vmcs_msr_intercept(struct vmx_vcpu *vmx, u32 index, unsigned int what, bool on);

#define VMX_MSR_R	1
#define VMX_MSR_W	2
#define VMX_MSR_RW	3

#define VMX_NO_DEADLINE	U64_MAX		/* vmx_vcpu.deadline: the timer is to be stopped */

static inline struct vmx_vcpu *to_vmx(struct vcpu *vcpu)
{
	return vcpu->arch.vmx;
}

/* ---- enter.c, switch.S ---- */

/* gpr: vcpu_arch.gpr.  0: a VM exit; else VMfail (or VMX was left: a reboot). */
asmlinkage int vmx_switch(unsigned long *gpr, bool launched, unsigned long *host_rsp);
void vmx_exit_point(void);
/* Interrupts off: calls an interrupt handler of the kernel's IDT. */
asmlinkage void vmx_do_interrupt(unsigned long handler);
/* Once, at load: what the host's XCR0 and XSS are. */
void vmx_enter_setup(void);

/* vmx_vcpu.exit_reason: the entry itself failed (VMfail). */
#define VMX_EXIT_FAILED		0xffffffffU

/* ---- exit.c ---- */

enum exit_result {
	EXIT_DONE,	/* handled; RIP moves if the row says so; enter again */
	EXIT_RESUME,	/* handled, RIP stays: enter again */
	EXIT_SLOW,	/* call the row's slow handler with interrupts on */
	EXIT_LEAVE,	/* handled; but leave the entry loop: requests, interrupts */
	EXIT_USER,	/* vcpu->run is filled in; RIP was moved or must not move */
	/* negative: errno for the caller of HVMOD_VCPU_RUN */
};

struct exit_row {
	const char *name;
	/* interrupts off, straight after the exit */
	int (*fast)(struct vcpu *vcpu);
	/* interrupts and preemption on; may sleep */
	int (*slow)(struct vcpu *vcpu);
	u8 flags;
};

#define EXIT_ADVANCE	(1U << 0)	/* EXIT_DONE moves RIP past the instruction */
#define EXIT_VECTORING	(1U << 1)	/* may come in the midst of an event delivery */
#define EXIT_QUAL	(1U << 2)	/* the ring keeps the exit qualification */

extern const struct exit_row exit_table[HVMOD_MAX_EXIT_REASONS];

/* exit_insn.c, exit_mem.c, exit_event.c: the handlers of the table */
int exit_cpuid(struct vcpu *vcpu);
int exit_rdmsr(struct vcpu *vcpu);
int exit_wrmsr(struct vcpu *vcpu);
int exit_wrmsr_slow(struct vcpu *vcpu);
int exit_io_fast(struct vcpu *vcpu);
int exit_io(struct vcpu *vcpu);
int exit_hlt(struct vcpu *vcpu);
int exit_cr_fast(struct vcpu *vcpu);
int exit_cr(struct vcpu *vcpu);
int exit_dr(struct vcpu *vcpu);
int exit_xsetbv(struct vcpu *vcpu);
int exit_vmcall(struct vcpu *vcpu);
int exit_vmcall_slow(struct vcpu *vcpu);
int exit_pause(struct vcpu *vcpu);
int exit_invd(struct vcpu *vcpu);
int exit_wbinvd(struct vcpu *vcpu);
int exit_ud(struct vcpu *vcpu);
int exit_init(struct vcpu *vcpu);
int exit_rdpmc(struct vcpu *vcpu);
int exit_task_switch(struct vcpu *vcpu);
int exit_ept_violation_fast(struct vcpu *vcpu);
int exit_ept_violation(struct vcpu *vcpu);
int exit_ept_misconfig(struct vcpu *vcpu);
int exit_exception_fast(struct vcpu *vcpu);
int exit_exception(struct vcpu *vcpu);
int exit_interrupt(struct vcpu *vcpu);
int exit_irq_window(struct vcpu *vcpu);
int exit_nmi_window(struct vcpu *vcpu);
int exit_triple_fault(struct vcpu *vcpu);
int exit_timer(struct vcpu *vcpu);
int exit_refuse(struct vcpu *vcpu);
int exit_bad_state(struct vcpu *vcpu);
int exit_tpr_threshold(struct vcpu *vcpu);
int exit_apic_access_fast(struct vcpu *vcpu);
int exit_apic_access(struct vcpu *vcpu);
int exit_apic_write(struct vcpu *vcpu);
int exit_eoi(struct vcpu *vcpu);
int exit_pml_full(struct vcpu *vcpu);

/* ---- event.c: injection ---- */

/* Interrupts off: writes what goes in with the next entry.  False: shutdown. */
bool vmx_events_prepare(struct vcpu *vcpu);
/* An exit came while an event was delivered: keep it for the next entry. */
void vmx_events_recover(struct vcpu *vcpu);
void vmx_set_irq_window(struct vmx_vcpu *vmx, bool on);
void vmx_set_nmi_window(struct vmx_vcpu *vmx, bool on);

/* ---- hw.c ---- */

/* A secondary control, if it is used at all. */
void vmx_set_cpu2(struct vmx_vcpu *vmx, u32 bit, bool on);

/* ---- pml.c ---- */

int vmx_pml_create(struct vmx_vcpu *vmx);	/* -ENOMEM */
void vmx_pml_destroy(struct vmx_vcpu *vmx);
void vmx_pml_start(struct vmx_vcpu *vmx);	/* the VMCS is current */
/* Interrupts off: what the CPU logged goes into the log of dirty pages. */
void vmx_pml_flush(struct vcpu *vcpu);

/* ---- apic.c: the virtual APIC of the hardware ---- */

/* Interrupts off: what the hardware is told of pending vectors. */
void vmx_apic_prepare(struct vcpu *vcpu);
/* Process context: maps the page that the hardware takes for the APIC's.  False: not now. */
bool vmx_apic_page_map(struct vcpu *vcpu);

#define VMX_APIC_GFN	(APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT)

/* ---- ept.c ---- */

struct vmx_vm {
	u64 *root;
	u64 eptp;			/* mem.lock */
	bool pml;			/* mem.lock: clean leaves are logged by the hardware */
	bool pml_used;			/* there have been some */
	atomic64_t gen;			/* counts flushes */
	spinlock_t lock;		/* the three below */
	struct list_head dead;		/* table pages to free after a flush */
	cpumask_var_t flush_mask;
	struct page *apic_page;		/* stands for every vCPU's APIC; or NULL */
	u32 apic_strays;		/* mem.lock: vCPUs with apic_stray */
	atomic64_t leaves[4];		/* by level 1-3 */
	atomic64_t tables;
	atomic64_t flushes;
};

int ept_create(struct vm *vm);
void ept_destroy(struct vm *vm);
/* v->lock held: every vCPU in the guest leaves it. */
void ept_interrupt(struct vm *vm);
/* Process context: the guest's tables may lie in memory that it cannot write. */
void ept_drop_ad(struct vm *vm);
/* Interrupts off, VMCS current: drop stale translations of this CPU. */
void ept_flush_local(struct vcpu *vcpu);
void ept_vcpu_destroy(struct vcpu *vcpu);

static inline bool vmx_apic_page_wanted(struct vcpu *vcpu, u64 gpa)
{
	return gpa >> PAGE_SHIFT == VMX_APIC_GFN && to_vmx(vcpu)->apic_paged &&
	       !READ_ONCE(vcpu->vm->arch.vmx->apic_strays);
}

/* ---- l1d.c: the L1TF mitigation, as the host kernel decided ---- */
DECLARE_STATIC_KEY_FALSE(vmx_l1d_needed);
extern bool vmx_l1d_always;
int vmx_l1d_setup(void);
void vmx_l1d_teardown(void);
/* Interrupts off, before an entry: is a flush due, and do it. */
static __always_inline bool vmx_l1d_due(const struct vmx_vcpu *vmx)
{
	return vmx->flush_l1d | vmx_l1d_always | kvm_get_cpu_l1tf_flush_l1d();
}

void vmx_l1d_flush(struct vcpu *vcpu);

#endif /* ARCH_X86_VMX_VMX_H */
