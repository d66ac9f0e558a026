// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of the exit benchmark: times one operation again and again with the
 * TSC.  Started by machine.c, under either back end, with the operation's number
 * in the shared page.  It must not depend on who runs it: no CPUID leaf, no
 * hypercall of a back end decides what it does.
 */
#include <stddef.h>

#include "bench/exits/guest.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define VECTOR_XAPIC	0x40
#define VECTOR_X2APIC	0x41
#define VECTOR_TIMER	0x42
#define VECTOR_ANSWER	0x44
#define VECTOR_SPURIOUS	0xff

#define APIC		0xfee00000UL
#define APIC_TPR	0x80
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ICR	0x300
#define APIC_LVTT	0x320
#define APIC_TMICT	0x380
#define ICR_SELF	0x40000
#define LVT_MASKED	0x10000
#define LVTT_DEADLINE	0x40000

#define MSR_APIC_BASE	0x1b
#define MSR_MISC_ENABLE	0x1a0
#define MSR_PAT		0x277
#define MSR_DEADLINE	0x6e0
#define MSR_X2APIC	0x800
#define MSR_FS_BASE	0xc0000100

#define CR4_PGE		0x80UL
#define NO_DEADLINE_YET	30000

static struct guest_shared *const shared = (void *)GUEST_SHARED;

/* Written by the handlers: read behind a barrier(). */
u32 irq_count;
u32 irq_tsc;

/*
 * One sample: what stands between two reads of the TSC, in ticks.  Without an
 * instruction it is 2 where an instruction is a tick: OP_EMPTY measures that.
 * The instructions find their operands in RCX, RDI and RSI; RAX, RBX, RCX and RDX
 * are theirs to write.
 */
#define TIMED(insns, c, d, s) ({					\
	u64 c_ = (c);							\
	u32 ticks_;							\
									\
	asm volatile("rdtsc\n\t"					\
		     "mov %%eax, %%r15d\n\t"				\
		     insns "\n\t"					\
		     "rdtsc\n\t"					\
		     "sub %%r15d, %%eax"				\
		     : "=a"(ticks_), "+c"(c_)				\
		     : "D"((u64)(d)), "S"((u64)(s))			\
		     : "rdx", "rbx", "r15", "memory", "cc");		\
	ticks_;								\
})

/* WRMSR of RSI's low half, with EDX zero. */
#define WRMSR		"mov %%esi, %%eax\n\txor %%edx, %%edx\n\twrmsr"

static inline void barrier(void)
{
	asm volatile("" : : : "memory");
}

static inline void say(u16 port, u32 v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void poke(u64 address, u32 v)
{
	asm volatile("movl %0, (%1)" : : "r"(v), "r"(address) : "memory");
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "a"((u32)v), "d"((u32)(v >> 32)), "c"(msr) : "memory");
}

static inline void apic_write(u32 reg, u32 v)
{
	poke(APIC + reg, v);
}

static inline void x2apic_write(u32 reg, u64 v)
{
	wrmsr(MSR_X2APIC + (reg >> 4), v);
}

void guest_bad(void)
{
	for (;;)
		say(PORT_FAIL, shared->op);
}

/* Lets a pending interrupt in. */
static void drain(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

/* ---- preparation: once, before the warm-up ---- */

static void prep_xapic(void)
{
	apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
}

static void prep_x2apic(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	x2apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	x2apic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
}

static void prep_deadline(void)
{
	apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LVTT, LVTT_DEADLINE | VECTOR_TIMER);
	asm volatile("mfence" : : : "memory");
}

static u64 saved_pat;

static void prep_wrmsr(void)
{
	saved_pat = rdmsr(MSR_PAT);
}

static void prep_dirty(void)
{
	u32 i;

	for (i = 0; i < shared->count + WARM_UPS; i++)
		poke(GUEST_TEST + i * 4096UL, i);
}

/* ---- operations: one sample each; i counts up, warm-ups included ---- */

static u32 op_empty(u32 i)
{
	return TIMED("", 0, 0, 0);
}

static u32 op_cpuid(u32 i)
{
	return TIMED("xor %%eax, %%eax\n\tcpuid", 0, 0, 0);
}

static u32 op_hypercall(u32 i)
{
	return TIMED("mov %%esi, %%eax\n\tvmcall", 0, 0, 0x7fff);
}

/* __HYPERVISOR_xen_version, XENVER_version */
static u32 op_xen_version(u32 i)
{
	return TIMED("mov $17, %%eax\n\tvmcall", 0, 0, 0);
}

static u32 op_rdmsr(u32 i)
{
	return TIMED("rdmsr", MSR_MISC_ENABLE, 0, 0);
}

static u32 op_wrmsr(u32 i)
{
	return TIMED("mov %%esi, %%eax\n\tmov %%edi, %%edx\n\twrmsr",
		     MSR_PAT, saved_pat >> 32, saved_pat);
}

static u32 op_pic_read(u32 i)
{
	return TIMED("inb $0x21, %%al", 0, 0, 0);
}

static u32 op_pit_read(u32 i)
{
	return TIMED("inb $0x40, %%al", 0, 0, 0);
}

static u32 op_port61_read(u32 i)
{
	return TIMED("inb $0x61, %%al", 0, 0, 0);
}

static u32 op_pmtmr_read(u32 i)
{
	return TIMED("mov %%esi, %%edx\n\tinl %%dx, %%eax", 0, 0, PORT_PMTMR);
}

static u32 op_apic_read(u32 i)
{
	return TIMED("mov (%%rdi), %%eax", 0, APIC + APIC_LVTT, 0);
}

static u32 xapic_write(u32 reg, u32 value)
{
	return TIMED("mov %%esi, (%%rdi)", 0, APIC + reg, value);
}

static u32 op_apic_eoi(u32 i)
{
	return xapic_write(APIC_EOI, 0);
}

/* No interrupt waits, so the task priority decides nothing. */
static u32 op_apic_tpr(u32 i)
{
	return xapic_write(APIC_TPR, i & 1 ? 0x10 : 0x20);
}

static u32 op_apic_lvtt(u32 i)
{
	return xapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
}

static u32 op_apic_tmict(u32 i)
{
	return xapic_write(APIC_TMICT, 0x7fffffff);
}

static u32 op_apic_icr(u32 i)
{
	u32 ticks = xapic_write(APIC_ICR, ICR_SELF | VECTOR_XAPIC);

	drain();
	return ticks;
}

#define UNTIL_IRQ	"1: cmp %%ecx, irq_count\n\tje 1b"

static u32 op_apic_self_ipi(u32 i)
{
	u32 ticks;

	asm volatile("sti; nop" : : : "memory");
	ticks = TIMED("mov %%esi, (%%rdi)\n\t" UNTIL_IRQ, irq_count,
		      APIC + APIC_ICR, ICR_SELF | VECTOR_XAPIC);
	asm volatile("cli" : : : "memory");
	return ticks;
}

static u32 timed_x2apic_write(u32 reg, u32 value)
{
	return TIMED(WRMSR, MSR_X2APIC + (reg >> 4), 0, value);
}

static u32 op_x2apic_eoi(u32 i)
{
	return timed_x2apic_write(APIC_EOI, 0);
}

static u32 op_x2apic_tpr(u32 i)
{
	return timed_x2apic_write(APIC_TPR, i & 1 ? 0x10 : 0x20);
}

static u32 op_x2apic_lvtt(u32 i)
{
	return timed_x2apic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
}

static u32 op_x2apic_tmict(u32 i)
{
	return timed_x2apic_write(APIC_TMICT, 0x7fffffff);
}

static u32 op_x2apic_icr(u32 i)
{
	u32 ticks = timed_x2apic_write(APIC_ICR, ICR_SELF | VECTOR_X2APIC);

	drain();
	return ticks;
}

static u32 op_x2apic_self_ipi(u32 i)
{
	u32 ticks;

	asm volatile("sti; nop" : : : "memory");
	ticks = TIMED(WRMSR "\n\tmov %%edi, %%ecx\n\t" UNTIL_IRQ,
		      MSR_X2APIC + (APIC_ICR >> 4), irq_count,
		      ICR_SELF | VECTOR_X2APIC);
	asm volatile("cli" : : : "memory");
	return ticks;
}

static void prep_ipi(void)
{
	prep_x2apic();
	while (!*(volatile u32 *)&shared->second_runs)
		asm volatile("pause");
}

/* To a vCPU that halts, which sends one back to this one, which halts. */
static u32 op_ipi_back(u32 i)
{
	return TIMED("mov %%esi, %%eax\n\tmov $1, %%edx\n\twrmsr\n\t"
		     "mov irq_count, %%ebx\n\t"
		     "1: sti\n\thlt\n\tcli\n\t"
		     "cmp %%ebx, irq_count\n\tje 1b",
		     MSR_X2APIC + (APIC_ICR >> 4), 0, VECTOR_ANSWER);
}

/* The other half of it. */
static void answer(void)
{
	for (;;)
		asm volatile("sti; hlt" : : : "memory");
}

/* A deadline that does not come. */
static u32 op_deadline_arm(u32 i)
{
	return TIMED("mov %%esi, %%eax\n\tmov %%edi, %%edx\n\twrmsr",
		     MSR_DEADLINE, 0x1000000, i);
}

/* From the deadline to the handler's first instruction. */
static u32 op_deadline_late(u32 i)
{
	u32 count = irq_count, lo, hi;
	u64 deadline;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	deadline = (lo | (u64)hi << 32) + NO_DEADLINE_YET;
	wrmsr(MSR_DEADLINE, deadline);
	asm volatile("sti" : : : "memory");
	while (irq_count == count)
		barrier();
	asm volatile("cli" : : : "memory");
	return irq_tsc - (u32)deadline;
}

static u32 op_hlt_wake(u32 i)
{
	apic_write(APIC_ICR, ICR_SELF | VECTOR_XAPIC);
	return TIMED("sti\n\thlt\n\tcli", 0, 0, 0);
}

static u32 op_user_in(u32 i)
{
	return TIMED("mov %%esi, %%edx\n\tinb %%dx, %%al", 0, 0, PORT_USER);
}

static u32 op_user_out(u32 i)
{
	return TIMED("mov %%esi, %%edx\n\toutb %%al, %%dx", 0, 0, PORT_USER);
}

static u32 op_user_mmio_read(u32 i)
{
	return TIMED("mov (%%rdi), %%eax", 0, GUEST_MMIO, 0);
}

static u32 op_user_mmio_write(u32 i)
{
	return TIMED("mov %%esi, (%%rdi)", 0, GUEST_MMIO, i);
}

static u32 op_kick_pio(u32 i)
{
	return TIMED("mov %%esi, %%edx\n\toutw %%ax, %%dx", 0, 0, PORT_KICK);
}

static u32 op_kick_mmio(u32 i)
{
	return TIMED("mov %%si, (%%rdi)", 0, GUEST_MMIO_KICK, i);
}

static u32 op_kick_irq(u32 i)
{
	u32 ticks;

	asm volatile("sti; nop" : : : "memory");
	ticks = TIMED("mov %%esi, %%edx\n\toutw %%ax, %%dx\n\t" UNTIL_IRQ,
		      irq_count, 0, PORT_KICK_IRQ);
	asm volatile("cli" : : : "memory");
	return ticks;
}

static u32 op_touch_4k(u32 i)
{
	return TIMED("mov %%esi, (%%rdi)", 0, GUEST_TEST + i * 4096UL, i);
}

/* The second touch costs an exit where the first did not map all 2 MiB. */
static u32 op_touch_2m(u32 i)
{
	return TIMED("mov %%esi, (%%rdi)\n\tmov %%esi, 0x100000(%%rdi)", 0,
		     GUEST_TEST + i * 0x200000UL, i);
}

static u32 op_invlpg(u32 i)
{
	return TIMED("invlpg (%%rdi)", 0, GUEST_TEST, 0);
}

static u32 op_cr3_write(u32 i)
{
	return TIMED("mov %%rdi, %%cr3", 0, GUEST_PML4, 0);
}

static u32 op_cr4_pge(u32 i)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return TIMED("mov %%rdi, %%cr4\n\tmov %%rsi, %%cr4", 0,
		     cr4 | CR4_PGE, cr4 & ~CR4_PGE);
}

static u32 op_fs_base(u32 i)
{
	return TIMED(WRMSR, MSR_FS_BASE, 0, i);
}

static u32 op_int3(u32 i)
{
	return TIMED("int3", 0, 0, 0);
}

static u32 op_ud(u32 i)
{
	return TIMED("ud2", 0, 0, 0);
}

static const struct {
	u32 (*sample)(u32 i);
	void (*prepare)(void);
} ops[NR_OPS] = {
	[OP_EMPTY]		= { op_empty },
	[OP_CPUID]		= { op_cpuid },
	[OP_HYPERCALL]		= { op_hypercall },
	[OP_XEN_VERSION]	= { op_xen_version },
	[OP_RDMSR]		= { op_rdmsr },
	[OP_WRMSR]		= { op_wrmsr, prep_wrmsr },
	[OP_PIC_READ]		= { op_pic_read },
	[OP_PIT_READ]		= { op_pit_read },
	[OP_PORT61_READ]	= { op_port61_read },
	[OP_PMTMR_READ]		= { op_pmtmr_read },
	[OP_APIC_READ]		= { op_apic_read, prep_xapic },
	[OP_APIC_EOI]		= { op_apic_eoi, prep_xapic },
	[OP_APIC_TPR]		= { op_apic_tpr, prep_xapic },
	[OP_APIC_LVTT]		= { op_apic_lvtt, prep_xapic },
	[OP_APIC_TMICT]		= { op_apic_tmict, prep_xapic },
	[OP_APIC_ICR]		= { op_apic_icr, prep_xapic },
	[OP_APIC_SELF_IPI]	= { op_apic_self_ipi, prep_xapic },
	[OP_X2APIC_EOI]		= { op_x2apic_eoi, prep_x2apic },
	[OP_X2APIC_TPR]		= { op_x2apic_tpr, prep_x2apic },
	[OP_X2APIC_LVTT]	= { op_x2apic_lvtt, prep_x2apic },
	[OP_X2APIC_TMICT]	= { op_x2apic_tmict, prep_x2apic },
	[OP_X2APIC_ICR]		= { op_x2apic_icr, prep_x2apic },
	[OP_X2APIC_SELF_IPI]	= { op_x2apic_self_ipi, prep_x2apic },
	[OP_IPI_BACK]		= { op_ipi_back, prep_ipi },
	[OP_DEADLINE_ARM]	= { op_deadline_arm, prep_deadline },
	[OP_DEADLINE_LATE]	= { op_deadline_late, prep_deadline },
	[OP_HLT_WAKE]		= { op_hlt_wake, prep_xapic },
	[OP_USER_IN]		= { op_user_in },
	[OP_USER_OUT]		= { op_user_out },
	[OP_USER_MMIO_READ]	= { op_user_mmio_read },
	[OP_USER_MMIO_WRITE]	= { op_user_mmio_write },
	[OP_KICK_PIO]		= { op_kick_pio },
	[OP_KICK_MMIO]		= { op_kick_mmio },
	[OP_KICK_IRQ]		= { op_kick_irq, prep_xapic },
	[OP_EPT_4K]		= { op_touch_4k },
	[OP_EPT_2M]		= { op_touch_2m },
	[OP_DIRTY_4K]		= { op_touch_4k, prep_dirty },
	[OP_INVLPG]		= { op_invlpg },
	[OP_CR3_WRITE]		= { op_cr3_write },
	[OP_CR4_PGE]		= { op_cr4_pge },
	[OP_FS_BASE]		= { op_fs_base },
	[OP_INT3]		= { op_int3 },
	[OP_UD]			= { op_ud },
};

/* ---- tables and the main loop ---- */

static u64 gdt[3] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

static struct gate {
	u16 low;
	u16 selector;
	u16 type;
	u16 mid;
	u32 high;
	u32 zero;
} idt[256];

/* What LGDT takes begins at the limit. */
struct dtr {
	u16 pad[3];
	u16 limit;
	u64 base;
};

static void set_gate(u32 vector, void (*fn)(void))
{
	u64 p = (u64)fn;

	idt[vector] = (struct gate){
		.low = p, .selector = GUEST_CS, .type = 0x8e00,
		.mid = p >> 16, .high = p >> 32,
	};
}

static void fill_gates(void)
{
	u32 i;

	for (i = 0; i < 256; i++)
		set_gate(i, isr_bad);
	set_gate(3, isr_int3);
	set_gate(6, isr_ud);
	set_gate(VECTOR_XAPIC, isr_xapic);
	set_gate(VECTOR_X2APIC, isr_x2apic);
	set_gate(VECTOR_TIMER, isr_timer);
	set_gate(VECTOR_IRQFD, isr_xapic);
	set_gate(VECTOR_ANSWER, isr_answer);
}

static void load_tables(void)
{
	struct dtr g = { .limit = sizeof(gdt) - 1, .base = (u64)gdt };
	struct dtr t = { .limit = sizeof(idt) - 1, .base = (u64)idt };

	asm volatile("lgdt (%0)\n\t"
		     "lidt (%1)"
		     : : "r"(&g.limit), "r"(&t.limit) : "memory");
}

void guest_main(u64 id)
{
	u32 op = shared->op, count = shared->count, i;

	fill_gates();
	load_tables();
	if (id) {
		prep_x2apic();
		shared->second_runs = 1;
		answer();
	}
	if (op >= NR_OPS || !ops[op].sample)
		guest_bad();
	if (ops[op].prepare)
		ops[op].prepare();
	for (i = 0; i < WARM_UPS; i++)
		ops[op].sample(i);
	say(PORT_SYNC, op);
	for (i = 0; i < count; i++)
		shared->sample[i] = ops[op].sample(i + WARM_UPS);
	say(PORT_DONE, op);
}
