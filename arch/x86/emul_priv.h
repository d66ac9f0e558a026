/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An instruction under way, shared by emul.c (entry points) and emul_ops.c (what
 * the emulator may do to a vCPU).  Nobody else includes it.
 */
#ifndef ARCH_X86_EMUL_PRIV_H
#define ARCH_X86_EMUL_PRIV_H

#include "arch/x86/insn_decode.h"
#include "arch/x86/insn_emul.h"
#include "arch/x86/insn_log.h"
#include "uapi/hvmod.h"

#define EMUL_BATCH	sizeof_field(struct hvmod_run, data)

/*
 * A plain move as it was decoded.  It depends on nothing but its bytes, so it is
 * good for as long as they are the same.
 */
struct emul_move {
	u64 raw[2];
	struct ginsn insn;	/* length 0: none */
	struct ginsn_mov mov;
	bool needs_rsp;		/* the stack pointer is an operand */
};

#define EMUL_MOVE_BITS	5

/* Of the vCPU's thread. */
struct emul {
	struct ginsn_ctx ctx;		/* ctx.opaque is the vCPU */
	struct ginsn_log log;
	u8 in_size;			/* a plain IN waits for so many bytes; or 0 */
	bool loading;			/* a plain load, load, waits for its value */
	struct ginsn_mov load;
	struct emul_move moves[1 << EMUL_MOVE_BITS];	/* by a hash of their address */
	struct emul_move other;		/* the one under way of another mode */
	u32 answer_len;			/* bytes in answer of a batch */
	u8 bounce[EMUL_BATCH];		/* the emulator's own */
	u8 answer[EMUL_BATCH];		/* a batch read from a port */
};

extern const struct ginsn_ops emul_ops;

/*
 * An access to a device in the kernel; naturally aligned, 1, 2, 4 or 8 bytes.
 * 0; -EOPNOTSUPP: there is none.  Never sleeps.
 */
int emul_device(struct vcpu *vcpu, u64 gpa, void *data, unsigned int len, bool write);

#endif /* ARCH_X86_EMUL_PRIV_H */
