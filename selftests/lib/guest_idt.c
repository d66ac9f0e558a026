// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions and interrupts of a long-mode guest: 256 stubs, one dispatcher,
 * and guest_trap(), which turns an exception into a value.  Guest code calls
 * it, hv_vm_new() writes the table.  Nothing here knows which test runs.
 */
#include "hv.h"

volatile u64 hv_trap_rip;
volatile long hv_trap_vector = -1;
volatile u64 hv_trap_error;

static void (*handlers[256])(struct hv_frame *frame);

/* Each stub is 16 bytes: [error code], vector, jump. */
asm(".pushsection .text\n"
    ".balign 16\n"
    "hv_idt_stubs:\n"
    ".set vector, 0\n"
    ".rept 256\n"
    "	.balign 16\n"
    "	.if (vector != 8) && (vector < 10 || vector > 14) && (vector != 17) && (vector != 21)\n"
    "	pushq $0\n"
    "	.endif\n"
    "	pushq $vector\n"
    "	jmp hv_idt_common\n"
    "	.set vector, vector + 1\n"
    ".endr\n"
    "hv_idt_common:\n"
    "	pushq %rax\n	pushq %rcx\n	pushq %rdx\n	pushq %rbx\n"
    "	pushq %rbp\n	pushq %rsi\n	pushq %rdi\n"
    "	pushq %r8\n	pushq %r9\n	pushq %r10\n	pushq %r11\n"
    "	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
    "	movq %rsp, %rdi\n"
    "	movq %rsp, %rbp\n"
    "	andq $-16, %rsp\n"
    "	cld\n"
    "	call hv_idt_dispatch\n"
    "	movq %rbp, %rsp\n"
    "	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n"
    "	popq %r11\n	popq %r10\n	popq %r9\n	popq %r8\n"
    "	popq %rdi\n	popq %rsi\n	popq %rbp\n"
    "	popq %rbx\n	popq %rdx\n	popq %rcx\n	popq %rax\n"
    "	addq $16, %rsp\n"
    "	iretq\n"
    ".popsection\n");

extern char hv_idt_stubs[];

void guest_on_vector(u8 vector, void (*fn)(struct hv_frame *frame))
{
	handlers[vector] = fn;
}

/* Called from the stubs only. */
__attribute__((used))
void hv_idt_dispatch(struct hv_frame *frame);

void hv_idt_dispatch(struct hv_frame *frame)
{
	u8 vector = frame->vector;

	if (handlers[vector]) {
		handlers[vector](frame);
		return;
	}
	if (vector < 32 && hv_trap_rip) {
		hv_trap_vector = vector;
		hv_trap_error = frame->error;
		frame->rip = hv_trap_rip;
		return;
	}
	{
		struct hv_failure f = {
			.what = "no exception (vector in got, rip in want)",
			.file = __FILE__, .line = __LINE__,
			.got = frame->vector, .want = frame->rip, .values = true,
		};

		guest_fail(&f);
	}
	GUEST_DONE();
}

void hv_idt_init(struct hv_vm *vm)
{
	u64 *idt = (u64 *)(vm->mem + HV_IDT);
	unsigned int i;

	for (i = 0; i < 256; i++) {
		u64 addr = (uintptr_t)hv_idt_stubs + i * 16;

		/* Present, 64-bit interrupt gate. */
		idt[2 * i] = (addr & 0xffff) | (u64)HV_CS64 << 16 | 0x8eULL << 40 |
			     (addr >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = addr >> 32;
	}
}
