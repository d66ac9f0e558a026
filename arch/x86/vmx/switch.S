/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch: general registers of the guest in, VMLAUNCH or VMRESUME, and
 * out again.  Called by enter.c only, interrupts off, VMCS current.  Everything
 * else that differs between host and guest is in the VMCS or is enter.c's work.
 *
 * SDM: "VMLAUNCH/VMRESUME", "Loading Host State".
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/bitsperlong.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#define RAX 0x00
#define RCX 0x08
#define RDX 0x10
#define RBX 0x18
#define RBP 0x28
#define RSI 0x30
#define RDI 0x38
#define R8  0x40
#define R9  0x48
#define R10 0x50
#define R11 0x58
#define R12 0x60
#define R13 0x68
#define R14 0x70
#define R15 0x78

#define HOST_RSP 0x6c14

.section .noinstr.text, "ax"

/*
 * int vmx_switch(unsigned long *gpr, bool launched, unsigned long *host_rsp)
 *
 * Returns 0 after a VM exit, 1 if the entry failed before the guest ran.
 */
SYM_FUNC_START(vmx_switch)
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi

	/* HOST_RSP changes with the caller's stack only. */
	cmp (%rdx), %rsp
	je 1f
	mov %rsp, (%rdx)
	mov $HOST_RSP, %eax
.Lvmwrite:
	vmwrite %rsp, %rax
1:
	/* CF: launched.  VERW below changes ZF, the moves change nothing. */
	bt $0, %esi
	mov %rdi, %rax
	mov RCX(%rax), %rcx
	mov RDX(%rax), %rdx
	mov RBX(%rax), %rbx
	mov RBP(%rax), %rbp
	mov RSI(%rax), %rsi
	mov RDI(%rax), %rdi
	mov R8(%rax), %r8
	mov R9(%rax), %r9
	mov R10(%rax), %r10
	mov R11(%rax), %r11
	mov R12(%rax), %r12
	mov R13(%rax), %r13
	mov R14(%rax), %r14
	mov R15(%rax), %r15
	mov RAX(%rax), %rax

#if defined(VM_CLEAR_CPU_BUFFERS)
	VM_CLEAR_CPU_BUFFERS
#elif defined(CLEAR_CPU_BUFFERS)
	CLEAR_CPU_BUFFERS
#endif
	UNWIND_HINT_SAVE
	jnc .Llaunch
.Lresume:
	vmresume
	jmp .Lfail
.Llaunch:
	vmlaunch
	jmp .Lfail

	_ASM_EXTABLE(.Lvmwrite, .Lfail)
	_ASM_EXTABLE(.Lresume, .Lfail)
	_ASM_EXTABLE(.Llaunch, .Lfail)

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push %rax
	mov 8(%rsp), %rax
	pop RAX(%rax)
	mov %rcx, RCX(%rax)
	mov %rdx, RDX(%rax)
	mov %rbx, RBX(%rax)
	mov %rbp, RBP(%rax)
	mov %rsi, RSI(%rax)
	mov %rdi, RDI(%rax)
	mov %r8, R8(%rax)
	mov %r9, R9(%rax)
	mov %r10, R10(%rax)
	mov %r11, R11(%rax)
	mov %r12, R12(%rax)
	mov %r13, R13(%rax)
	mov %r14, R14(%rax)
	mov %r15, R15(%rax)
	xor %eax, %eax
.Lout:
	/* No guest value may feed the host's speculation. */
	xor %ecx, %ecx
	xor %edx, %edx
	xor %ebx, %ebx
	xor %ebp, %ebp
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d

	/* The kernel's FILL_RETURN_BUFFER does the same in a loop: this is shorter. */
	ALTERNATIVE_2 "jmp .Lrsb_done", \
		"", X86_FEATURE_RSB_VMEXIT, \
		"jmp .Lrsb_lite", X86_FEATURE_RSB_VMEXIT_LITE
	.rept RSB_CLEAR_LOOPS
	ANNOTATE_INTRA_FUNCTION_CALL
	call 772f
	int3
772:
	.endr
	add $(8 * RSB_CLEAR_LOOPS), %rsp
	lfence
	jmp .Lrsb_done
.Lrsb_lite:
	ANNOTATE_INTRA_FUNCTION_CALL
	call 773f
	int3
773:
	add $8, %rsp
	lfence
.Lrsb_done:
#ifdef CLEAR_BRANCH_HISTORY_VMEXIT
	CLEAR_BRANCH_HISTORY_VMEXIT
#endif
	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	RET

.Lfail:
	mov $1, %eax
	jmp .Lout
SYM_FUNC_END(vmx_switch)

/*
 * void vmx_do_interrupt(unsigned long handler)
 *
 * Makes the frame of an interrupt that came here; the handler ends with IRET.
 */
SYM_FUNC_START(vmx_do_interrupt)
	push %rbp
	mov %rsp, %rbp
	and $-16, %rsp
	push $__KERNEL_DS
	push %rbp
	pushf
	push $__KERNEL_CS
	CALL_NOSPEC rdi
	/* IRET did it already; objtool takes it for a call that returns. */
	mov %rbp, %rsp
	pop %rbp
	RET
SYM_FUNC_END(vmx_do_interrupt)
