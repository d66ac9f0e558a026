/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log of device accesses that user space has answered for the instruction
 * that is being emulated; insn_emul.h says how it is used.
 * Called by the memory and port ops of the emulator's caller and by its run
 * loop when an answer arrives; pure code, embedded in the vCPU.
 * It must not outlive its instruction: each GINSN_DONE and commit clears it.
 */
#ifndef HVMOD_ARCH_X86_INSN_LOG_H
#define HVMOD_ARCH_X86_INSN_LOG_H

#include <linux/types.h>

/*
 * The most fragments of at most 8 bytes one instruction can make: a 32-byte
 * vector move at an odd address that crosses a page, cut into aligned pieces
 * at both ends; CMPXCHG16B reads and writes as many.
 */
#define GINSN_LOG_MAX	24

enum ginsn_frag_kind {
	GINSN_FRAG_READ, GINSN_FRAG_WRITE, GINSN_FRAG_IN, GINSN_FRAG_OUT,
};

/* One device access, at a guest-physical address or a port. */
struct ginsn_frag {
	u64 addr;
	u64 data;		/* low @len bytes; read: valid once answered */
	u8 len;			/* 1, 2, 4, 8; or 0: @data is not used, batch */
	u8 kind;		/* enum ginsn_frag_kind */
};

/**
 * struct ginsn_log - see the top of this file
 * @used: answered fragments, frag[0] to frag[used - 1]
 * @next: how many of them this run of the instruction has consumed
 * @asked: frag[used] is a request on its way to user space
 */
struct ginsn_log {
	u8 used;
	u8 next;
	bool asked;
	struct ginsn_frag frag[GINSN_LOG_MAX];
};

/* Before each call of ginsn_emulate() or ginsn_execute(). */
static inline void ginsn_log_rewind(struct ginsn_log *log)
{
	log->next = 0;
}

/* The instruction (or an iteration) is complete, or was given up. */
static inline void ginsn_log_clear(struct ginsn_log *log)
{
	log->used = 0;
	log->next = 0;
	log->asked = false;
}

/**
 * ginsn_log_next() - has this access been made already?
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
 * with ginsn_log_ask().
 */
static inline const struct ginsn_frag *
ginsn_log_next(struct ginsn_log *log, enum ginsn_frag_kind kind, u64 addr,
	       u8 len)
{
	const struct ginsn_frag *frag = &log->frag[log->next];

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
 * ginsn_log_ask() - record a request that user space is to answer
 * @log: the log
 * @kind: what
 * @addr: where
 * @len: bytes
 * @data: what a write writes, else 0
 *
 * Also right for an access which the kernel itself completes in the middle of
 * an instruction: follow with ginsn_log_answer() at once.
 *
 * Return: the fragment, or NULL when the log is full: GINSN_UNHANDLEABLE.
 */
static inline struct ginsn_frag *
ginsn_log_ask(struct ginsn_log *log, enum ginsn_frag_kind kind, u64 addr,
	      u8 len, u64 data)
{
	struct ginsn_frag *frag = &log->frag[log->used];

	if (log->used >= GINSN_LOG_MAX)
		return NULL;
	frag->kind = kind;
	frag->addr = addr;
	frag->len = len;
	frag->data = data;
	log->asked = true;
	return frag;
}

/* The request is done; @data is the answer of a read.  No request: no effect. */
static inline void ginsn_log_answer(struct ginsn_log *log, u64 data)
{
	struct ginsn_frag *frag = &log->frag[log->used];

	if (!log->asked)
		return;
	if (frag->kind == GINSN_FRAG_READ || frag->kind == GINSN_FRAG_IN)
		frag->data = data;
	log->asked = false;
	log->used++;
}

#endif
