/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Xen PVH guest that does nothing: it halts with interrupts enabled and has no
 * source of any.  For bench/density.sh.
 */
	.section .note.Xen, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start

	.text
	.code32
	.globl	start
start:
	sti
1:	hlt
	jmp	1b
	.section .note.GNU-stack, "", @progbits
