// SPDX-License-Identifier: GPL-2.0
/*
 * From an exit to the instruction emulator and back: device memory, ports and
 * what else the hardware hands over as "an instruction at RIP".  Called by exit
 * handlers and, when user space has answered, by the run loop.  It must not take
 * from the run page more than the answer, copied once.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/trapnr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/emul_priv.h"
#include "arch/x86/hw.h"
#include "module/arch.h"
#include "module/iobus.h"
#include "module/mem.h"

static_assert((int)GINSN_RSP == HVMOD_RSP && (int)GINSN_R15 == HVMOD_R15);
static_assert((int)GINSN_ES == X86_ES && (int)GINSN_GS == X86_GS);

int emul_vcpu_init(struct vcpu *vcpu)
{
	struct emul *emul = kvzalloc(sizeof(*emul), GFP_KERNEL_ACCOUNT);

	if (!emul)
		return -ENOMEM;
	emul->ctx.ops = &emul_ops;
	emul->ctx.opaque = vcpu;
	emul->ctx.bounce = emul->bounce;
	emul->ctx.bounce_len = sizeof(emul->bounce);
	vcpu->arch.emul = emul;
	return 0;
}

void emul_vcpu_destroy(struct vcpu *vcpu)
{
	kvfree(vcpu->arch.emul);
	vcpu->arch.emul = NULL;
}

void emul_cancel(struct vcpu *vcpu)
{
	struct emul *emul = vcpu->arch.emul;

	vcpu->user_wait = VCPU_WAIT_NONE;
	if (!emul)
		return;
	emul->in_size = 0;
	emul->loading = false;
	ginsn_log_clear(&emul->log);
}

static enum ginsn_mode code_mode(struct vcpu *vcpu)
{
	if (vcpu_64bit(vcpu))
		return GINSN_MODE_64;
	return vcpu_cs_access(vcpu) & GINSN_SEG_DB ? GINSN_MODE_32 : GINSN_MODE_16;
}

static void load_context(struct vcpu *vcpu, struct ginsn_ctx *ctx)
{
	struct hvmod_segment segment;
	int i;

	for (i = 0; i < GINSN_GPR_COUNT; i++)
		ctx->gpr[i] = vcpu_gpr(vcpu, i);
	ctx->rip = vcpu_rip(vcpu);
	ctx->rflags = vcpu_rflags(vcpu);
	ctx->cr0 = vcpu_cr0(vcpu);
	ctx->cr4 = vcpu_cr4(vcpu);
	ctx->xcr0 = vcpu->arch.xcr0;
	ctx->cpl = vcpu_cpl(vcpu);
	ctx->mode = code_mode(vcpu);
	for (i = 0; i < GINSN_SEG_COUNT; i++) {
		hw_get_segment(vcpu, i, &segment);
		ctx->seg[i] = (struct ginsn_seg) {
			.base = segment.base,
			.limit = segment.limit,
			.attr = segment.access,
			.sel = segment.selector,
		};
	}
	ctx->insn.length = 0;
	ctx->why = NULL;
	ctx->post = 0;
}

static void store_registers(struct vcpu *vcpu, const struct ginsn_ctx *ctx)
{
	int i;

	for (i = 0; i < GINSN_GPR_COUNT; i++)
		if (ctx->gpr[i] != vcpu_gpr(vcpu, i))
			vcpu_set_gpr(vcpu, i, ctx->gpr[i]);
}

/* Nobody knows what to do: the guest ends with a sentence that says where. */
static void kill_guest(struct vcpu *vcpu, struct ginsn_ctx *ctx)
{
	u64 linear = ctx->seg[GINSN_CS].base + ctx->rip, gpa;
	struct paging_fault fault;
	u8 bytes[GINSN_MAX_LEN];
	unsigned int len;

	if (ctx->mode != GINSN_MODE_64)
		linear = (u32)linear;
	len = min_t(u64, sizeof(bytes), PAGE_SIZE - (linear & ~PAGE_MASK));
	if (ctx->insn.length)
		len = min_t(unsigned int, len, ctx->insn.length);
	if (paging_translate(vcpu, linear, PAGING_FETCH, &gpa, &fault) ||
	    mem_read(vcpu->vm, gpa, bytes, len))
		len = 0;
	vm_kill(vcpu->vm, "vcpu %u: the instruction at 0x%llx (%*ph) cannot be emulated: %s",
		vcpu->id, ctx->rip, (int)len, bytes, ctx->why ?: "it is not known");
}

static void inject_fault(struct vcpu *vcpu, const struct ginsn_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		x86_inject_pf(vcpu, fault->cr2, fault->error_code);
	else if (fault->has_error_code)
		x86_inject_error(vcpu, fault->vector, fault->error_code);
	else
		x86_inject(vcpu, fault->vector);
}

static int finish(struct vcpu *vcpu, struct emul *emul, enum ginsn_result result)
{
	struct ginsn_ctx *ctx = &emul->ctx;

	if (result != GINSN_UNHANDLEABLE)
		store_registers(vcpu, ctx);
	if (result != GINSN_PENDING)
		ginsn_log_clear(&emul->log);

	switch (result) {
	case GINSN_DONE:
	case GINSN_MORE:
		vcpu->stat.emulated++;
		/* TF counts as it was before the instruction. */
		hw_advance_to(vcpu, ctx->rip);
		vcpu_set_rflags(vcpu, ctx->rflags);
		if (ctx->post & GINSN_POST_SS)
			hw_set_shadow(vcpu, HW_SHADOW_SS);
		return RUN_RESUME;
	case GINSN_FAULT:
		vcpu_set_rflags(vcpu, ctx->rflags);
		inject_fault(vcpu, &ctx->fault);
		return RUN_RESUME;
	case GINSN_RETRY:
		vcpu_set_rflags(vcpu, ctx->rflags);
		return RUN_RESUME;
	case GINSN_PENDING:
		vcpu_set_rflags(vcpu, ctx->rflags);
		return RUN_TO_USER;
	default:
		kill_guest(vcpu, ctx);
		return RUN_RESUME;
	}
}

int emul_insn(struct vcpu *vcpu)
{
	struct emul *emul = vcpu->arch.emul;

	emul_cancel(vcpu);
	load_context(vcpu, &emul->ctx);
	ginsn_log_rewind(&emul->log);
	return finish(vcpu, emul, ginsn_emulate(&emul->ctx));
}

int emul_mmio(struct vcpu *vcpu, u64 gpa, bool write)
{
	if (vcpu->arch.inject.has_again) {
		vm_kill(vcpu->vm,
			"vcpu %u: delivering vector %u touched 0x%llx, which is no memory",
			vcpu->id, vcpu->arch.inject.again.vector, gpa);
		return RUN_RESUME;
	}
	return emul_insn(vcpu);
}

int emul_string_io(struct vcpu *vcpu)
{
	return emul_insn(vcpu);
}

/* ---- the short way for plain moves ---- */

/* False: it is no plain move, or these are not all of its bytes. */
static bool decode_move(struct emul_move *m, const u64 raw[2], unsigned int len,
			enum ginsn_mode mode)
{
	m->raw[0] = raw[0];
	m->raw[1] = raw[1];
	if (ginsn_decode(&m->insn, (const u8 *)raw, len, mode) ||
	    !ginsn_mov_get(&m->insn, &m->mov)) {
		m->insn.length = 0;
		return false;
	}
	m->needs_rsp = m->insn.base == GINSN_RSP || m->mov.reg == GINSN_RSP;
	return true;
}

static const struct emul_move *move_64(struct vcpu *vcpu)
{
	u64 rip = vcpu_rip(vcpu), raw[2];
	struct emul_move *m = &vcpu->arch.emul->moves[hash_64(rip, EMUL_MOVE_BITS)];

	/* The CPU has just fetched from there. */
	if (paging_peek(vcpu, rip, raw, 2))
		return NULL;
	if (m->raw[0] == raw[0] && m->raw[1] == raw[1] && m->insn.length)
		return m;
	return decode_move(m, raw, GINSN_MAX_LEN, GINSN_MODE_64) ? m : NULL;
}

static const struct emul_move *move_any(struct vcpu *vcpu)
{
	struct emul_move *m = &vcpu->arch.emul->other;
	enum ginsn_mode mode = code_mode(vcpu);
	u32 access = PAGING_FETCH | PAGING_ATOMIC;
	u64 linear = vcpu_rip(vcpu), gpa;
	struct paging_fault fault;
	unsigned int len;
	u64 raw[2] = {};

	if (mode != GINSN_MODE_64)
		linear = (u32)(linear + hw_segment_base(vcpu, X86_CS));
	if (vcpu_cpl(vcpu) == 3)
		access |= PAGING_USER;
	len = min_t(u64, GINSN_MAX_LEN, PAGE_SIZE - (linear & ~PAGE_MASK));
	if (paging_translate(vcpu, linear, access, &gpa, &fault) ||
	    mem_read_atomic(vcpu->vm, gpa, raw, len))
		return NULL;
	return decode_move(m, raw, len, mode) ? m : NULL;
}

static const struct emul_move *fast_fetch(struct vcpu *vcpu)
{
	if (likely(paging_can_peek(vcpu, vcpu_rip(vcpu), 2)))
		return move_64(vcpu);
	return move_any(vcpu);
}

/*
 * Is this move the access that trapped, whole and aligned?  The hardware has
 * checked segment and page already.
 */
static bool fast_matches(struct vcpu *vcpu, const struct emul_move *m, u64 gpa, bool write)
{
	const u64 *gpr = (const u64 *)vcpu->arch.gpr;
	const struct ginsn *insn = &m->insn;
	u64 linear;

	if (m->mov.store != write || (gpa & (m->mov.size - 1)))
		return false;
	if (m->needs_rsp)
		vcpu_gpr(vcpu, HVMOD_RSP);
	linear = ginsn_effective_address(insn, gpr, vcpu_rip(vcpu) + insn->length);
	if (insn->mode != GINSN_MODE_64 || insn->seg >= GINSN_FS)
		linear += hw_segment_base(vcpu, (enum x86_seg)insn->seg);
	return ((linear ^ gpa) & ~PAGE_MASK) == 0;
}

static void fast_load(struct vcpu *vcpu, const struct ginsn_mov *mov, u64 value)
{
	u64 *gpr = (u64 *)vcpu->arch.gpr;

	if (mov->size < 8)
		value &= BIT_ULL(mov->size * 8) - 1;
	ginsn_mov_load(mov, gpr, value);
	if (mov->reg == HVMOD_RSP)
		vcpu_set_gpr(vcpu, HVMOD_RSP, gpr[HVMOD_RSP]);
}

/* The launcher's device: RIP moves now, a load gets its value in emul_complete(). */
static int fast_to_user(struct vcpu *vcpu, u64 gpa, const struct ginsn_mov *mov, u64 value,
			bool write)
{
	struct hvmod_run *run = vcpu->run;

	run->mmio.gpa = gpa;
	run->mmio.len = mov->size;
	run->mmio.is_write = write;
	if (mov->size < 8)
		value &= BIT_ULL(mov->size * 8) - 1;
	memcpy(run->mmio.data, &value, sizeof(value));
	run->exit_reason = HVMOD_EXIT_MMIO;
	if (!write) {
		vcpu->arch.emul->load = *mov;
		vcpu->arch.emul->loading = true;
		vcpu->user_wait = VCPU_WAIT_MMIO;
	}
	return RUN_TO_USER;
}

int emul_mmio_fast(struct vcpu *vcpu, u64 gpa, bool write)
{
	const u64 *gpr = (const u64 *)vcpu->arch.gpr;
	const struct emul_move *m;
	u64 value = 0, rip;
	int ret = RUN_RESUME;

	if (vcpu->arch.inject.has_again)
		return -EAGAIN;
	m = fast_fetch(vcpu);
	if (!m || !fast_matches(vcpu, m, gpa, write))
		return -EAGAIN;

	if (write)
		value = ginsn_mov_value(&m->mov, &m->insn, gpr);
	if (emul_device(vcpu, gpa, &value, m->mov.size, write))
		ret = fast_to_user(vcpu, gpa, &m->mov, value, write);
	else if (!write)
		fast_load(vcpu, &m->mov, value);

	vcpu->stat.emulated++;
	rip = vcpu_rip(vcpu) + m->insn.length;
	if (m->insn.mode != GINSN_MODE_64)
		rip = m->insn.mode == GINSN_MODE_32 ? (u32)rip : (u16)rip;
	hw_advance_to(vcpu, rip);
	return ret;
}

/* ---- IN and OUT ---- */

/* AL and AX keep the rest of RAX, EAX clears its upper half. */
static void set_accumulator(struct vcpu *vcpu, u32 value, int size)
{
	unsigned long *rax = &vcpu->arch.gpr[HVMOD_RAX];

	switch (size) {
	case 1:
		*rax = (*rax & ~0xffUL) | (u8)value;
		break;
	case 2:
		*rax = (*rax & ~0xffffUL) | (u16)value;
		break;
	default:
		*rax = value;
	}
}

int emul_io(struct vcpu *vcpu, u16 port, int size, bool in)
{
	struct iobus *bus = &vcpu->vm->pio;
	struct hvmod_run *run = vcpu->run;
	u32 value = in ? 0 : vcpu->arch.gpr[HVMOD_RAX];

	if (in) {
		if (!iobus_read(vcpu, bus, port, size, &value)) {
			set_accumulator(vcpu, value, size);
			return RUN_RESUME;
		}
	} else if (!iobus_write(vcpu, bus, port, size, &value)) {
		return RUN_RESUME;
	}

	/* The instruction's length is known now and may not be at the answer. */
	hw_advance(vcpu);
	run->io.direction = in ? HVMOD_IO_IN : HVMOD_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = 1;
	if (!in)
		memcpy(run->data, &value, size);
	run->exit_reason = HVMOD_EXIT_IO;
	if (in) {
		vcpu->arch.emul->in_size = size;
		vcpu->user_wait = VCPU_WAIT_IO;
	}
	return RUN_TO_USER;
}

/* The answer to the request that the log waits for, copied once. */
static void take_answer(struct vcpu *vcpu, struct emul *emul)
{
	const struct ginsn_frag *frag = &emul->log.frag[emul->log.used];
	unsigned int len = min_t(unsigned int, frag->len, sizeof(u64));
	u64 value = 0;

	if (frag->kind == GINSN_FRAG_READ)
		memcpy(&value, vcpu->run->mmio.data, len);
	else if (frag->kind == GINSN_FRAG_IN && len)
		memcpy(&value, vcpu->run->data, len);
	else if (frag->kind == GINSN_FRAG_IN)
		memcpy(emul->answer, vcpu->run->data, emul->answer_len);
	ginsn_log_answer(&emul->log, value);
}

int emul_complete(struct vcpu *vcpu)
{
	struct emul *emul = vcpu->arch.emul;
	u32 value = 0;

	vcpu->user_wait = VCPU_WAIT_NONE;
	if (emul->in_size) {
		memcpy(&value, vcpu->run->data, emul->in_size);
		set_accumulator(vcpu, value, emul->in_size);
		emul->in_size = 0;
		return RUN_RESUME;
	}
	if (emul->loading) {
		u64 answer;

		emul->loading = false;
		memcpy(&answer, vcpu->run->mmio.data, sizeof(answer));
		fast_load(vcpu, &emul->load, answer);
		return RUN_RESUME;
	}
	if (!emul->log.asked)
		return RUN_RESUME;

	take_answer(vcpu, emul);
	ginsn_log_rewind(&emul->log);
	return finish(vcpu, emul, ginsn_execute(&emul->ctx));
}

int arch_complete_user(struct vcpu *vcpu)
{
	return emul_complete(vcpu);
}
