/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of this folder share: privileged instructions for guests,
 * counters, and a host that starts guest functions one after another.  Test
 * programs of x86/ include it.  It must not hide a result: it only reports.
 */
#ifndef SELFTESTS_X86_GUEST_H
#define SELFTESTS_X86_GUEST_H

#include "hv.h"

#define X86_DB	1
#define X86_BP	3
#define X86_UD	6
#define X86_DF	8
#define X86_GP	13
#define X86_PF	14
#define X86_AC	17

#define RFLAGS_TF	(1UL << 8)
#define RFLAGS_IF	(1UL << 9)
#define RFLAGS_RF	(1UL << 16)
#define RFLAGS_AC	(1UL << 18)

#define MSR_APIC_BASE	0x1b
#define MSR_EFER	0xc0000080

/* Selectors that user_mode() adds to the GDT. */
#define HV_USER_DS	0x43
#define HV_USER_CS	0x4b

#define GUEST_REG(name, reg)						\
static inline u64 guest_read_##name(void)				\
{									\
	u64 v;								\
									\
	asm volatile("mov %%" #reg ", %0" : "=r"(v) : : "memory");	\
	return v;							\
}									\
static inline void guest_write_##name(u64 v)				\
{									\
	asm volatile("mov %0, %%" #reg : : "r"(v) : "memory");		\
}
GUEST_REG(cr0, cr0)
GUEST_REG(cr2, cr2)
GUEST_REG(cr3, cr3)
GUEST_REG(cr4, cr4)
GUEST_REG(cr8, cr8)
GUEST_REG(dr0, dr0)
GUEST_REG(dr1, dr1)
GUEST_REG(dr6, dr6)
GUEST_REG(dr7, dr7)

/* As guest_trap(), with what the instruction returns. */
static inline long guest_try_rdmsr(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	long vector;

	asm volatile("movq $1f, hv_trap_rip(%%rip)\n\t"
		     "rdmsr\n\t"
		     "1: movq $0, hv_trap_rip(%%rip)"
		     : "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
	*v = lo | (u64)hi << 32;
	vector = hv_trap_vector;
	hv_trap_vector = -1;
	return vector;
}

static inline long guest_try_wrmsr(u32 msr, u64 v)
{
	return guest_trap("wrmsr", "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)));
}

static inline long guest_try_xsetbv(u32 index, u64 v)
{
	return guest_trap("xsetbv", "c"(index), "a"((u32)v), "d"((u32)(v >> 32)));
}

static inline void guest_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "0"(leaf), "2"(subleaf));
}

/* ---- local APIC, at its usual place ---- */

#define APIC_BASE	0xfee00000UL
#define APIC_ID		0x20
#define APIC_TPR	0x80
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_IRR	0x200
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_SELF	0x40000		/* shorthand in ICR */

static inline u32 guest_apic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_BASE + reg);
}

static inline void guest_apic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(APIC_BASE + reg) = v;
}

static inline void guest_apic_on(void)
{
	guest_apic_write(APIC_SVR, 0x1ff);
	guest_apic_write(APIC_TPR, 0);
}

static inline void guest_sti(void)
{
	asm volatile("sti; nop" : : : "memory");
}

static inline void guest_cli(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void guest_hlt(void)
{
	asm volatile("hlt" : : : "memory");
}

/* Interrupts counted by vector, and the order in which they came. */
static volatile u64 irq_count[256] __attribute__((unused));
static volatile u8 irq_order[16] __attribute__((unused));
static volatile u64 irq_total __attribute__((unused));

static void __attribute__((unused)) guest_count_irq(struct hv_frame *f)
{
	irq_order[irq_total++ % 16] = f->vector;
	irq_count[f->vector]++;
	guest_apic_write(APIC_EOI, 0);
}

/* Waits with interrupts on, also for another vCPU; false: it did not come. */
static inline bool guest_wait(const volatile u64 *counter, u64 value)
{
	u64 i;

	guest_sti();
	for (i = 0; i < 20000000 && *counter < value; i++)
		asm volatile("pause");
	guest_cli();
	return *counter >= value;
}

/* ---- host ---- */

static inline struct hvmod_vcpu_stat x86_stat(struct hv_vcpu *vcpu)
{
	struct hvmod_vcpu_stat stat;

	hv_need(!ioctl(vcpu->fd, HVMOD_VCPU_STAT, &stat));
	return stat;
}

/* Whatever the guest before left pending is gone. */
static inline void x86_clear(struct hv_vcpu *vcpu)
{
	const struct hvmod_debugregs debug = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	const struct hvmod_events events = {};

	hv_need(!hv_set(vcpu, HVMOD_STATE_EVENTS, &events, sizeof(events)));
	hv_need(!hv_set(vcpu, HVMOD_STATE_DEBUG, &debug, sizeof(debug)));
	hv_trap_rip = 0;
	hv_trap_vector = -1;
}

static inline void x86_start(struct hv_vcpu *vcpu, void (*fn)(void))
{
	x86_clear(vcpu);
	hv_long_mode(vcpu, fn);
}

static inline u64 x86_flat(unsigned int access)
{
	return 0xffffULL | (u64)(access & 0xff) << 40 | 0xfULL << 48 |
	       (u64)(access >> 12) << 52;
}

/* After x86_start(): the function runs at CPL 3, with IOPL 3. */
static inline void x86_user_mode(struct hv_vcpu *vcpu)
{
	u64 *gdt = (u64 *)(vcpu->vm->mem + HV_GDT);
	struct hvmod_sregs s;
	struct hvmod_regs r;

	gdt[HV_USER_DS / 8] = x86_flat(0xc0f3);
	gdt[HV_USER_CS / 8] = x86_flat(0xa0fb);
	/* RSP0: an exception's stack, below those of the vCPUs. */
	memcpy(vcpu->vm->mem + HV_TSS + 4, &(u64){ HV_FREE + HV_STACK_SIZE }, 8);
	hv_get_sregs(vcpu, &s);
	s.gdt.limit = 0xff;
	s.cs.selector = HV_USER_CS;
	s.cs.access = 0xa0fb;
	s.ss.selector = HV_USER_DS;
	s.ss.access = 0xc0f3;
	hv_set_sregs(vcpu, &s);
	hv_get_regs(vcpu, &r);
	r.rflags |= 3 << 12;
	hv_set_regs(vcpu, &r);
}

/* A guest function that ends in shutdown, a kill, ...: the exit reason. */
static inline u32 x86_ends(struct hv_vcpu *vcpu)
{
	int ret = hv_run(vcpu);

	if (ret) {
		tap_note("HVMOD_VCPU_RUN: %s", strerror(-ret));
		return ~0U;
	}
	return vcpu->run->exit_reason;
}

#endif /* SELFTESTS_X86_GUEST_H */
