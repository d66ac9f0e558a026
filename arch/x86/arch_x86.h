/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions that the files of arch/x86/ offer to each other and to vmx/:
 * one block a file.  All are for the current vCPU on its own thread, unless
 * said otherwise.  "#GP: -EINVAL" means: the caller injects #GP(0).
 */
#ifndef ARCH_X86_ARCH_X86_H
#define ARCH_X86_ARCH_X86_H

#include <linux/types.h>

#include "arch/x86/paging_walk.h"
#include "module/vm.h"

/* ---- cpuid.c ---- */

/* CPUID: EAX, ECX in, four registers out.  Interrupts may be off. */
void cpuid_exec(struct vcpu *vcpu);
/* NULL: the leaf is not in the guest's table. */
const struct hvmod_cpuid_entry *cpuid_find(struct vcpu *vcpu, u32 leaf, u32 subleaf);
/* The table, CR4, XCR0 or IA32_APIC_BASE changed: derived state follows. */
void cpuid_update(struct vcpu *vcpu);
/* What this host and this module can give (worked out once, at load). */
int cpuid_setup(void);
/*
 * A new vCPU has the policy as its table; before cr_vcpu_reset(), and with
 * cpuid_update() to follow when the vCPU is loaded.  -ENOMEM.
 */
int cpuid_vcpu_init(struct vcpu *vcpu);
void cpuid_vcpu_destroy(struct vcpu *vcpu);
/* IA32_ARCH_CAPABILITIES as a guest may see it. */
u64 cpuid_arch_cap(void);

/* ---- msr.c ---- */

/*
 * host: from an ioctl, which may also set read-only ones.  Interrupts may be
 * off; never sleeps.  #GP: -EINVAL (unknown, reserved bits, not canonical).
 */
int msr_read(struct vcpu *vcpu, u32 index, u64 *value, bool host);
int msr_write(struct vcpu *vcpu, u32 index, u64 value, bool host);
int msr_vcpu_init(struct vcpu *vcpu);	/* -ENOMEM */
void msr_vcpu_reset(struct vcpu *vcpu, bool init);
void msr_vcpu_destroy(struct vcpu *vcpu);
/* MSRs that the guest touched and hvmod does not know: a counter for debugfs. */
u64 msr_unknown_count(void);

/* ---- mtrr.c: MTRRs and PAT as registers; for msr.c ---- */

int mtrr_vcpu_init(struct vcpu *vcpu);		/* -ENOMEM */
void mtrr_vcpu_reset(struct vcpu *vcpu);
void mtrr_vcpu_destroy(struct vcpu *vcpu);
/* #GP: -EINVAL. */
int mtrr_read(struct vcpu *vcpu, u32 index, u64 *value);
int mtrr_write(struct vcpu *vcpu, u32 index, u64 value);
bool mtrr_pat_valid(u64 pat);

/* ---- cr.c: control and debug registers; validates, then hw_set_*() ---- */

/* #GP: -EINVAL.  Interrupts may be off, except: loading PAE PDPTEs may sleep. */
int cr_write_cr0(struct vcpu *vcpu, u64 value);
int cr_write_cr3(struct vcpu *vcpu, u64 value);
int cr_write_cr4(struct vcpu *vcpu, u64 value);
int cr_write_efer(struct vcpu *vcpu, u64 value, bool host);
int cr_write_xcr(struct vcpu *vcpu, u32 index, u64 value);	/* XSETBV; CPL checked here */
int cr_lmsw(struct vcpu *vcpu, u16 msw);
/* MOV DR.  -EINVAL: #GP; -ENOENT: #UD (DR4/5 with CR4.DE). */
int cr_read_dr(struct vcpu *vcpu, unsigned int nr, u64 *value);
int cr_write_dr(struct vcpu *vcpu, unsigned int nr, u64 value);
/* Everything to the state after RESET or INIT (SDM table), through hw_reset(). */
void cr_vcpu_reset(struct vcpu *vcpu, bool init);
/* A SIPI came: CS, RIP. */
void cr_sipi(struct vcpu *vcpu, u32 vector);
/* For state.c: the checks alone, and the fixed bits of DR6 and DR7. */
bool cr_cr0_valid(u64 cr0);
bool cr_cr3_valid(const struct vcpu *vcpu, u64 cr3, u64 efer);
bool cr_xcr0_valid(const struct vcpu *vcpu, u64 xcr0);
u64 cr_fix_dr6(u64 dr6);
u64 cr_fix_dr7(u64 dr7);
/* PAE paging: loads the PDPTEs that CR3 names.  May sleep.  -EINVAL. */
int cr_load_pdptrs(struct vcpu *vcpu);

/* ---- paging.c: the guest's own page tables; PAGING_*: see paging_walk.h ---- */

struct paging_fault {
	u64 addr;		/* for CR2 */
	u32 error;		/* #PF error code */
};

/*
 * Translates a linear address, sets accessed and dirty bits as the CPU does.
 * 0; -EFAULT: *fault is filled in, inject #PF; -EAGAIN (PAGING_ATOMIC);
 * -ENXIO: a page table lies outside of memory: the caller kills the guest.
 */
int paging_translate(struct vcpu *vcpu, u64 linear, u32 access, u64 *gpa,
		     struct paging_fault *fault);

/*
 * The short way for a guest in 64-bit mode with four levels: so many 8-byte words
 * at linear, by its tables, without a look at rights.  Interrupts off, on the
 * vCPU's thread.  -EAGAIN: not so simple; nothing was changed, ask paging_translate().
 */
int paging_peek(struct vcpu *vcpu, u64 linear, u64 *buf, unsigned int words);

/* ---- emul.c: glue between exits, the emulator and the buses ---- */

int emul_vcpu_init(struct vcpu *vcpu);
void emul_vcpu_destroy(struct vcpu *vcpu);
/*
 * The guest touched gpa, which is no memory (or is read-only memory).  Fetches
 * and emulates one instruction (or some iterations of a REP one), RIP moves.
 * enum run_next or errno.  emul_mmio_fast(): interrupts off; plain MOVs
 * only, RUN_RESUME or RUN_TO_USER; -EAGAIN: nothing was done, use emul_mmio().
 */
int emul_mmio_fast(struct vcpu *vcpu, u64 gpa, bool write);
int emul_mmio(struct vcpu *vcpu, u64 gpa, bool write);
/* Emulates whatever is at RIP (descriptor-table exits, real-mode helpers). */
int emul_insn(struct vcpu *vcpu);
/*
 * IN/OUT, not string: finishes with interrupts off when a device in the kernel
 * takes it (RIP is moved by the caller's table row on RUN_RESUME only);
 * otherwise fills vcpu->run, moves RIP at once (the length is known only now),
 * RUN_TO_USER; the register of an IN is set when the answer is in.
 */
int emul_io(struct vcpu *vcpu, u16 port, int size, bool in);
/* INS/OUTS with or without REP: may sleep. */
int emul_string_io(struct vcpu *vcpu);
/* Second half after HVMOD_EXIT_IO and HVMOD_EXIT_MMIO. */
int emul_complete(struct vcpu *vcpu);
/*
 * Forgets an instruction that waits for user space: something else (a reset,
 * an ioctl) changed the registers that it started from.
 */
void emul_cancel(struct vcpu *vcpu);

/* ---- fpu.c: the guest's x87/SSE/AVX state through the kernel's fpu_guest ---- */

int fpu_vcpu_init(struct vcpu *vcpu);		/* -ENOMEM */
void fpu_vcpu_destroy(struct vcpu *vcpu);
void fpu_vcpu_reset(struct vcpu *vcpu, bool init);
void fpu_begin(struct vcpu *vcpu);	/* guest's state into the CPU */
void fpu_end(struct vcpu *vcpu);
/* TIF_NEED_FPU_LOAD was set meanwhile; interrupts off. */
void fpu_reload(struct vcpu *vcpu);
/* CPUID allowed XFD features: make room.  -EPERM, -ENOMEM. */
int fpu_cpuid_changed(struct vcpu *vcpu);
u32 fpu_xsave_size(void);
int fpu_get_xsave(struct vcpu *vcpu, void __user *to, u32 size);
int fpu_set_xsave(struct vcpu *vcpu, const void __user *from, u32 size);
/* Components of XCR0 that a guest may have on this host. */
u64 fpu_host_xcr0(void);
/*
 * Vector registers for the emulator, between fpu_begin() and fpu_end(): len is
 * 16 or 32; zero_upper clears the register above them.
 */
void fpu_read_vec(struct vcpu *vcpu, unsigned int reg, void *buf, unsigned int len);
void fpu_write_vec(struct vcpu *vcpu, unsigned int reg, const void *buf, unsigned int len,
		   bool zero_upper);

/* ---- tsc.c ---- */

void tsc_vm_init(struct vm *vm);			/* before the first vCPU */
void tsc_vcpu_init(struct vcpu *vcpu);
u64 tsc_guest(struct vcpu *vcpu);			/* guest's TSC now; any context */
u64 tsc_to_host(struct vcpu *vcpu, u64 guest);		/* host TSC at which it is that */
void tsc_write(struct vcpu *vcpu, u64 value);		/* WRMSR to IA32_TSC; syncs vCPUs */
void tsc_write_adjust(struct vcpu *vcpu, u64 value);
u64 tsc_scale_host(const struct vcpu *vcpu, u64 host);	/* guest's TSC at that host TSC */
int tsc_set_khz(struct vcpu *vcpu, u32 khz);		/* -EOPNOTSUPP, -EINVAL */

/* ---- hcall_abi.c: hypercalls of a Xen guest ---- */

/* Besides enum run_next. */
#define HCALL_ABI_SLOW		2	/* call it again, from process context */
#define HCALL_ABI_AGAIN		3	/* leave the entry loop; the guest makes the call again */
#define HCALL_ABI_AGAIN_USER	4	/* the same, and vcpu->run is filled in */

/*
 * VMCALL: RAX holds the result when it returns RUN_RESUME or RUN_TO_USER; the
 * caller moves RIP, but for HCALL_ABI_AGAIN*.  fast: interrupts are off.
 */
int hcall_abi_do(struct vcpu *vcpu, bool fast);
/* Does it ask for a hypercall page?  It reads as zero. */
static inline bool hcall_abi_is_page_msr(u32 index)
{
	return index == HVMOD_XEN_HYPERCALL_MSR || index == HVMOD_XEN_HYPERCALL_MSR_2;
}

/* It was written; may sleep.  #GP: -EINVAL. */
int hcall_abi_page(struct vcpu *vcpu, u64 value);

/* ---- state.c: HVMOD_VCPU_*_STATE, and for xen_start.c ---- */

/* buf: struct hvmod_regs.  0 */
int state_set_regs(struct vcpu *vcpu, void *buf);
/* Would the architecture allow all of it?  Any context. */
bool state_sregs_valid(struct vcpu *vcpu, struct hvmod_sregs *sregs);
/* buf: struct hvmod_sregs.  May sleep.  -EINVAL. */
int state_set_sregs(struct vcpu *vcpu, void *buf);

/* ---- task_vcpu.c ---- */

struct task_request {
	u32 source;		/* enum task_source */
	u16 target;		/* selector of a TSS; the hardware has checked its descriptor */
	u8 insn_len;		/* the old task goes on behind so many bytes */
};

/*
 * A hardware task switch, what it faults with queued, or the guest killed; with
 * TASK_GATE inject.again is what is delivered.  May sleep.
 */
void task_vcpu_switch(struct vcpu *vcpu, const struct task_request *request);

/* ---- irq.c: from inputs to controllers, from PIC and LAPIC to the CPU ---- */

#define X86_IRQ_EXTINT	256	/* the PIC's; its vector is known at the INTA */

/* Vector that the vCPU could take now (X86_IRQ_EXTINT: from the PIC), or -1. */
int x86_irq_pending(struct vcpu *vcpu);
/* Takes it: the vector (the PIC's is known only now). -1: it went away. */
int x86_irq_ack(struct vcpu *vcpu);
/* The same two without the local APIC, for hardware that delivers its vectors. */
int x86_irq_outside(struct vcpu *vcpu);
int x86_irq_ack_outside(struct vcpu *vcpu);

/*
 * The devices of vm->devices, on the buses; vm->lock held, irq_lock and
 * apic_map_lock initialized.  -ENOMEM, or from iobus_add(): all is undone, the
 * buses are destroyed.
 */
int irq_devices_create(struct vm *vm);
/* No device interrupts a vCPU afterwards.  vlapic_destroy() sees to it. */
void irq_devices_stop(struct vm *vm);
/* After the last vcpu_free() and iobus_destroy(). */
void irq_devices_destroy(struct vm *vm);

#endif /* ARCH_X86_ARCH_X86_H */
