/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's first instruction and its handlers of exceptions and interrupts.
 * The launcher enters guest_entry in long mode with the number of the vCPU in
 * RDI; guest_main() installs the handlers.  A handler must be as short as it can:
 * its instructions count.
 */
#define APIC_EOI	0xfee000b0
#define X2APIC_EOI	0x80b
#define X2APIC_ICR	0x830
#define VECTOR_X2APIC	0x41

	.section .text.entry, "ax"
	.globl	guest_entry
guest_entry:
	call	guest_main
1:	hlt
	jmp	1b

	.text
	.globl	isr_int3, isr_ud, isr_xapic, isr_x2apic, isr_timer, isr_answer, isr_bad
isr_int3:
	iretq

	/* UD2 has two bytes. */
isr_ud:
	addq	$2, (%rsp)
	iretq

isr_xapic:
	push	%rax
	incl	irq_count
	mov	$APIC_EOI, %eax
	movl	$0, (%rax)
	pop	%rax
	iretq

isr_x2apic:
	push	%rax
	push	%rcx
	push	%rdx
	incl	irq_count
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

isr_timer:
	push	%rax
	push	%rdx
	rdtsc
	mov	%eax, irq_tsc
	incl	irq_count
	mov	$APIC_EOI, %eax
	movl	$0, (%rax)
	pop	%rdx
	pop	%rax
	iretq

	/* The second vCPU's: an interrupt to the first. */
isr_answer:
	push	%rax
	push	%rcx
	push	%rdx
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	mov	$X2APIC_ICR, %ecx
	mov	$VECTOR_X2APIC, %eax
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

isr_bad:
	call	guest_bad
	.section .note.GNU-stack, "", @progbits
