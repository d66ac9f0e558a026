/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's flat binary and the budget, as data of the launcher.  machine.c
 * and report.c read them.  Nothing here is executed.
 */
	.section .rodata
	.globl	guest_image, guest_image_end, budget_text, budget_text_end
	.balign	16
guest_image:
	.incbin	GUEST_BIN
guest_image_end:
budget_text:
	.incbin	"bench/budget"
budget_text_end:
	.byte	0
	.section .note.GNU-stack, "", @progbits
