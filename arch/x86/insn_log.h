/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log of device accesses that user space has answered for the instruction
 * that is being emulated; insn_emul.h says how it is used.
 * Called by the memory and port ops of the emulator's caller and by its run
 * loop when an answer arrives; pure code, embedded in the vCPU.
 * It must not outlive its instruction: each INSN_DONE and commit clears it.
 */
#ifndef HVMOD_ARCH_X86_INSN_LOG_H
#define HVMOD_ARCH_X86_INSN_LOG_H

#include <linux/types.h>

/*
 * The most fragments of at most 8 bytes one instruction can make: a 32-byte
 * vector move at an odd address that crosses a page, cut into aligned pieces
 * at both ends; CMPXCHG16B reads and writes as many.
 */
#define INSN_LOG_MAX	24

enum insn_frag_kind {
	INSN_FRAG_READ, INSN_FRAG_WRITE, INSN_FRAG_IN, INSN_FRAG_OUT,
};

/* One device access, at a guest-physical address or a port. */
struct insn_frag {
	u64 addr;
	u64 data;		/* low @len bytes; read: valid once answered */
	u8 len;			/* 1, 2, 4, 8; or 0: @data is not used, batch */
	u8 kind;		/* enum insn_frag_kind */
};

/**
 * struct insn_log - see the top of this file
 * @used: answered fragments, frag[0] to frag[used - 1]
 * @next: how many of them this run of the instruction has consumed
 * @asked: frag[used] is a request on its way to user space
 */
struct insn_log {
	u8 used;
	u8 next;
	bool asked;
	struct insn_frag frag[INSN_LOG_MAX];
};

/* Before each call of insn_emulate() or insn_execute(). */
static inline void insn_log_rewind(struct insn_log *log)
{
	log->next = 0;
}

/* The instruction (or an iteration) is complete, or was given up. */
static inline void insn_log_clear(struct insn_log *log)
{
	log->used = 0;
	log->next = 0;
	log->asked = false;
}

/**
 * insn_log_next() - has this access been made already?
 * @log: the log
 * @kind: what
 * @addr: where
 * @len: bytes
 *
 * A logged access that is not the one asked for means that the instruction
 * took another way than the first time (page tables changed under it): the
 * rest of the log is dropped.
 *
 * Return: the fragment with its answer, or NULL: make the access, perhaps
 * with insn_log_ask().
 */
static inline const struct insn_frag *
insn_log_next(struct insn_log *log, enum insn_frag_kind kind, u64 addr, u8 len)
{
	const struct insn_frag *frag = &log->frag[log->next];

	if (log->next >= log->used)
		return NULL;
	if (frag->kind != kind || frag->addr != addr || frag->len != len) {
		log->used = log->next;
		return NULL;
	}
	log->next++;
	return frag;
}

/**
 * insn_log_ask() - record a request that user space is to answer
 * @log: the log
 * @kind: what
 * @addr: where
 * @len: bytes
 * @data: what a write writes, else 0
 *
 * Also right for an access which the kernel itself completes in the middle of
 * an instruction: follow with insn_log_answer() at once.
 *
 * Return: the fragment, or NULL when the log is full: INSN_UNHANDLEABLE.
 */
static inline struct insn_frag *
insn_log_ask(struct insn_log *log, enum insn_frag_kind kind, u64 addr, u8 len,
	     u64 data)
{
	struct insn_frag *frag = &log->frag[log->used];

	if (log->used >= INSN_LOG_MAX)
		return NULL;
	frag->kind = kind;
	frag->addr = addr;
	frag->len = len;
	frag->data = data;
	log->asked = true;
	return frag;
}

/* The request is done; @data is the answer of a read.  No request: no effect. */
static inline void insn_log_answer(struct insn_log *log, u64 data)
{
	struct insn_frag *frag = &log->frag[log->used];

	if (!log->asked)
		return;
	if (frag->kind == INSN_FRAG_READ || frag->kind == INSN_FRAG_IN)
		frag->data = data;
	log->asked = false;
	log->used++;
}

#endif
