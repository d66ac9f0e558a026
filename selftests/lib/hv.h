/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test library: a VM with memory, a vCPU in a known mode, and
 * guest code in the same C file as the host code.  Every test program includes
 * it.  Nothing in it may be needed by the launcher.
 *
 * Guest code in long mode: the program is linked at HV_IMAGE_BASE, not
 * relocatable, and its own pages are a memory slot at the same guest-physical
 * address; the guest's page tables are an identity map of the low 4 GiB.  So a
 * guest calls C functions of the program and shares its variables with the
 * host.  A guest function must not use libc, errno, floating point beyond SSE2,
 * the heap or the stack of its host.
 */
#ifndef SELFTESTS_LIB_HV_H
#define SELFTESTS_LIB_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tap.h"
#include "uapi/hvmod.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* ---- VM ---- */

#define HV_IMAGE_BASE	0x40000000UL	/* -Ttext-segment */
#define HV_SLOT_RAM	0
#define HV_SLOT_IMAGE	1		/* the next free one is 2 */
#define HV_SLOT_FREE	2

/* Guest-physical layout of the RAM slot, which starts at 0. */
#define HV_GDT		0x1000UL
#define HV_TSS		0x2000UL
#define HV_IDT		0x3000UL
#define HV_PML4		0x4000UL
#define HV_PDPT		0x5000UL
#define HV_PD		0x6000UL	/* four pages */
#define HV_FREE		0x10000UL	/* tests use memory from here */
#define HV_STACK_SIZE	0x4000UL	/* stacks lie at the end, one a vCPU */

/* Selectors of the GDT. */
#define HV_CS64		0x08
#define HV_DS		0x10
#define HV_CS32		0x18
#define HV_TR		0x20

struct hv_vm {
	int dev;
	int fd;
	u8 *mem;		/* guest-physical 0 */
	size_t size;
};

struct hv_vcpu {
	struct hv_vm *vm;
	int fd;
	u32 id;
	struct hvmod_run *run;
	u64 value;		/* of the last GUEST_SYNC() */
};

/* /dev/hvmod; without it the program is skipped. */
int hv_open(void);
u64 hv_cap(int dev, u32 id);
/* A VM with size bytes of anonymous memory at 0, and the program's image. */
struct hv_vm *hv_vm_new(size_t size);
struct hv_vm *hv_vm_new_args(size_t size, const struct hvmod_vm_create *args);
/* A guest of Xen's: PVH, or what $HV_XEN_KIND names. */
struct hv_vm *hv_xen_vm(size_t size);
void hv_vm_free(struct hv_vm *vm);
int hv_set_memory(struct hv_vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva);

/* ---- vCPU ---- */

/* With the host's CPUID table; in the state after reset. */
struct hv_vcpu *hv_vcpu_new(struct hv_vm *vm, u32 id);
void hv_vcpu_free(struct hv_vcpu *vcpu);

int hv_get(struct hv_vcpu *vcpu, u32 id, void *state, u32 size);
int hv_set(struct hv_vcpu *vcpu, u32 id, const void *state, u32 size);
void hv_get_regs(struct hv_vcpu *vcpu, struct hvmod_regs *regs);
void hv_set_regs(struct hv_vcpu *vcpu, const struct hvmod_regs *regs);
void hv_get_sregs(struct hv_vcpu *vcpu, struct hvmod_sregs *sregs);
void hv_set_sregs(struct hv_vcpu *vcpu, const struct hvmod_sregs *sregs);
int hv_get_msr(struct hv_vcpu *vcpu, u32 index, u64 *value);
int hv_set_msr(struct hv_vcpu *vcpu, u32 index, u64 value);

/* Modes; the vCPU is made runnable.  IF is clear. */
void hv_real_mode(struct hv_vcpu *vcpu, u16 cs, u16 ip);	/* sp at 0xfff0 of cs */
void hv_flat32(struct hv_vcpu *vcpu, u32 eip, u32 esp);		/* paging is off */
void hv_long_mode(struct hv_vcpu *vcpu, void (*fn)(void));
/* The same with an argument in RDI. */
void hv_long_mode_arg(struct hv_vcpu *vcpu, void (*fn)(u64), u64 arg);

/* HVMOD_VCPU_RUN: 0 or -errno.  hv_run() retries -EINTR. */
int hv_run_once(struct hv_vcpu *vcpu);
int hv_run(struct hv_vcpu *vcpu);

/* ---- guest and host talk ---- */

#define HV_PORT_SYNC	0xe0
#define HV_PORT_DONE	0xe4
#define HV_PORT_ASSERT	0xe8

enum hv_what {
	HV_SYNC,	/* GUEST_SYNC(value); vcpu->value */
	HV_DONE,	/* GUEST_DONE(), or the guest function returned */
	HV_FAILED,	/* GUEST_ASSERT() failed; printed */
	HV_OTHER,	/* another exit: vcpu->run tells */
	HV_ERRNO,	/* HVMOD_VCPU_RUN failed; printed */
};

/* Runs until the guest says something. */
enum hv_what hv_talk(struct hv_vcpu *vcpu);
/* Runs to GUEST_DONE(); anything else is a failed result. */
bool hv_run_to_done(struct hv_vcpu *vcpu, const char *name);
/* Prints what the vCPU's last exit was. */
void hv_note_exit(struct hv_vcpu *vcpu);

static inline void guest_outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void guest_outl(u16 port, u32 v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline u8 guest_inb(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u32 guest_inl(u16 port)
{
	u32 v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u64 guest_rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static inline u64 guest_rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return lo | (u64)hi << 32;
}

static inline void guest_wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "a"((u32)v), "d"((u32)(v >> 32)), "c"(msr) : "memory");
}

/* The value goes in RBX, which the host reads; a port takes 32 bits only. */
static inline void guest_say(u16 port, u64 v)
{
	asm volatile("outl %%eax, %%dx" : : "a"((u32)v), "d"(port), "b"(v) : "memory");
}

#define GUEST_SYNC(v)	guest_say(HV_PORT_SYNC, (u64)(v))
#define GUEST_DONE()	guest_say(HV_PORT_DONE, 0)

/* What failed, in the program's image, so that the host prints it. */
struct hv_failure {
	const char *what;
	const char *file;
	u64 line;
	u64 got;
	u64 want;
	bool values;
};

static inline void guest_fail(const struct hv_failure *f)
{
	guest_say(HV_PORT_ASSERT, (u64)f);
}

#define GUEST_ASSERT(cond) do {						\
	if (!(cond)) {							\
		struct hv_failure f_ = {				\
			.what = #cond, .file = __FILE__, .line = __LINE__, \
		};							\
		guest_fail(&f_);					\
	}								\
} while (0)

#define GUEST_EQ(a, b) do {						\
	u64 a_ = (u64)(a), b_ = (u64)(b);				\
	if (a_ != b_) {							\
		struct hv_failure f_ = {				\
			.what = #a " == " #b, .file = __FILE__,		\
			.line = __LINE__, .got = a_, .want = b_,	\
			.values = true,					\
		};							\
		guest_fail(&f_);					\
	}								\
} while (0)

/* ---- exceptions of a long-mode guest, see guest_idt.c ---- */

/* What a handler gets; it may change rip, rflags, rsp and the registers. */
struct hv_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * For the guest: one handler for a vector, called with interrupts off.  An
 * exception without a handler is a failed assertion.
 */
void guest_on_vector(u8 vector, void (*fn)(struct hv_frame *frame));
/*
 * Runs "insn" and gives the vector it raised, or -1; error code to *error.
 * Only exceptions: the instruction is skipped to the label behind it.
 */
#define guest_trap(insn, ...) ({					\
	long v_ = -1;							\
	asm volatile("movq $1f, hv_trap_rip(%%rip)\n\t"			\
		     insn "\n\t"					\
		     "1: movq $0, hv_trap_rip(%%rip)\n\t"		\
		     : : __VA_ARGS__ : "memory", "cc");			\
	v_ = hv_trap_vector;						\
	hv_trap_vector = -1;						\
	v_;								\
})

extern volatile u64 hv_trap_rip;
extern volatile long hv_trap_vector;
extern volatile u64 hv_trap_error;

/* Host: writes the IDT into guest memory; hv_long_mode() does it. */
void hv_idt_init(struct hv_vm *vm);

#endif /* SELFTESTS_LIB_HV_H */
