// SPDX-License-Identifier: GPL-2.0
/*
 * What an emulated instruction does to a vCPU: memory through its page tables,
 * devices, ports, vector and system registers.  Called back by the emulator,
 * started from emul.c.  It must not believe the run page, which user space
 * writes to at will: it writes requests there and reads nothing.
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <asm/trapnr.h>

#include "arch/x86/arch_x86.h"
#include "arch/x86/dev/vlapic.h"
#include "arch/x86/emul_priv.h"
#include "arch/x86/hw.h"
#include "module/iobus.h"
#include "module/mem.h"

static struct vcpu *ctx_vcpu(struct ginsn_ctx *ctx)
{
	return ctx->opaque;
}

static struct emul *ctx_emul(struct ginsn_ctx *ctx)
{
	return container_of(ctx, struct emul, ctx);
}

static enum ginsn_result give_up(struct ginsn_ctx *ctx, const char *why)
{
	ctx->why = why;
	return GINSN_UNHANDLEABLE;
}

static enum ginsn_result translate(struct ginsn_ctx *ctx, u64 linear, u32 access, u64 *gpa)
{
	struct paging_fault fault;

	if (ctx->cpl == 3)
		access |= PAGING_USER;
	switch (paging_translate(ctx_vcpu(ctx), linear, access, gpa, &fault)) {
	case 0:
		return GINSN_OK;
	case -EFAULT:
		ctx->fault = (struct ginsn_fault) {
			.vector = X86_TRAP_PF,
			.cr2 = fault.addr,
			.error_code = fault.error,
			.has_error_code = true,
		};
		return GINSN_FAULT;
	case -EAGAIN:
		return GINSN_RETRY;
	default:
		return give_up(ctx, "its page tables lie outside of memory");
	}
}

/* ---- devices ---- */

static void apic_access(struct vcpu *vcpu, u32 offset, void *data, unsigned int len, bool write)
{
	u32 value;

	if (len == 8) {
		apic_access(vcpu, offset, data, 4, write);
		apic_access(vcpu, offset + 4, data + 4, 4, write);
	} else if (!write) {
		value = vlapic_read(vcpu, offset & ~3U) >> (8 * (offset & 3));
		memcpy(data, &value, len);
	} else if (len == 4) {
		/* Narrower writes are undefined: SDM, "Local APIC Register Map". */
		memcpy(&value, data, 4);
		vlapic_write(vcpu, offset, value);
	}
}

int emul_device(struct vcpu *vcpu, u64 gpa, void *data, unsigned int len, bool write)
{
	struct iobus *bus = &vcpu->vm->mmio;

	if (vlapic_in_page(vcpu, gpa)) {
		apic_access(vcpu, gpa & 0xfff, data, len, write);
		return 0;
	}
	return write ? iobus_write(vcpu, bus, gpa, len, data) :
		       iobus_read(vcpu, bus, gpa, len, data);
}

/* One aligned access: from the log, to a device here, or out to user space. */
static enum ginsn_result mmio_piece(struct ginsn_ctx *ctx, u64 gpa, void *data, unsigned int len,
				    bool write)
{
	enum ginsn_frag_kind kind = write ? GINSN_FRAG_WRITE : GINSN_FRAG_READ;
	struct ginsn_log *log = &ctx_emul(ctx)->log;
	struct vcpu *vcpu = ctx_vcpu(ctx);
	struct hvmod_run *run = vcpu->run;
	const struct ginsn_frag *done;
	u64 value = 0;
	bool here;

	done = ginsn_log_next(log, kind, gpa, len);
	if (done) {
		if (!write)
			memcpy(data, &done->data, len);
		return GINSN_OK;
	}

	if (write)
		memcpy(&value, data, len);
	here = !emul_device(vcpu, gpa, &value, len, write);
	if (!ginsn_log_ask(log, kind, gpa, len, value))
		return give_up(ctx, "it makes too many device accesses");
	if (here) {
		/* Not to be made again if a later piece goes out. */
		ginsn_log_answer(log, value);
		log->next = log->used;
		if (!write)
			memcpy(data, &value, len);
		return GINSN_OK;
	}

	memset(&run->mmio, 0, sizeof(run->mmio));
	run->mmio.gpa = gpa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	memcpy(run->mmio.data, &value, sizeof(value));
	run->exit_reason = HVMOD_EXIT_MMIO;
	vcpu->user_wait = VCPU_WAIT_MMIO;
	return GINSN_PENDING;
}

static enum ginsn_result mmio(struct ginsn_ctx *ctx, u64 gpa, void *data, unsigned int len,
			      bool write)
{
	enum ginsn_result r;
	unsigned int piece;

	while (len) {
		for (piece = 8; piece > len || (gpa & (piece - 1)); piece /= 2)
			;
		r = mmio_piece(ctx, gpa, data, piece, write);
		if (r)
			return r;
		gpa += piece;
		data += piece;
		len -= piece;
	}
	return GINSN_OK;
}

/* ---- memory ---- */

static bool is_memory(struct vcpu *vcpu, u64 gpa, bool write)
{
	const struct mem_slot *slot;
	bool is;

	if (vlapic_in_page(vcpu, gpa))
		return false;
	rcu_read_lock();
	slot = mem_slot_find(vcpu->vm, gpa >> PAGE_SHIFT);
	is = (slot && !(write && (slot->flags & HVMOD_MEM_READONLY)) &&
	      !mem_is_hole(vcpu->vm, gpa >> PAGE_SHIFT)) ||
	     mem_overlay_find(vcpu->vm, gpa >> PAGE_SHIFT);
	rcu_read_unlock();
	return is;
}

static enum ginsn_result op_fetch(struct ginsn_ctx *ctx, u64 linear, void *buf, unsigned int len)
{
	enum ginsn_result r;
	u64 gpa;

	r = translate(ctx, linear, PAGING_FETCH, &gpa);
	if (!r && mem_read(ctx_vcpu(ctx)->vm, gpa, buf, len))
		return give_up(ctx, "its code lies outside of memory");
	return r;
}

static enum ginsn_result op_read(struct ginsn_ctx *ctx, u64 linear, void *buf, unsigned int len,
				 unsigned int flags)
{
	struct vcpu *vcpu = ctx_vcpu(ctx);
	enum ginsn_result r;
	u64 gpa;

	r = translate(ctx, linear, flags & GINSN_ACC_WRITE ? PAGING_WRITE : 0, &gpa);
	if (r)
		return r;
	if (!is_memory(vcpu, gpa, false))
		return mmio(ctx, gpa, buf, len, false);
	if (mem_read(vcpu->vm, gpa, buf, len))
		return give_up(ctx, "memory that it reads is gone");
	return GINSN_OK;
}

/* @buf is only read; mmio() serves both directions. */
static enum ginsn_result op_write(struct ginsn_ctx *ctx, u64 linear, const void *buf,
				  unsigned int len, unsigned int flags)
{
	struct vcpu *vcpu = ctx_vcpu(ctx);
	enum ginsn_result r;
	u64 gpa;

	r = translate(ctx, linear, PAGING_WRITE, &gpa);
	if (r)
		return r;
	if (!is_memory(vcpu, gpa, true))
		return mmio(ctx, gpa, (void *)buf, len, true);
	if (mem_write(vcpu->vm, gpa, buf, len))
		return give_up(ctx, "memory that it writes is gone");
	return GINSN_OK;
}

static enum ginsn_result op_probe(struct ginsn_ctx *ctx, u64 linear, unsigned int len,
				  unsigned int flags)
{
	bool write = flags & GINSN_ACC_WRITE;
	enum ginsn_result r;
	u64 gpa;

	r = translate(ctx, linear, write ? PAGING_WRITE : 0, &gpa);
	if (!r && (flags & GINSN_ACC_BULK) && !is_memory(ctx_vcpu(ctx), gpa, write))
		return GINSN_RETRY;
	return r;
}

static enum ginsn_result op_cmpxchg(struct ginsn_ctx *ctx, u64 linear, const void *old,
				    const void *new, unsigned int len)
{
	struct vcpu *vcpu = ctx_vcpu(ctx);
	enum ginsn_result r;
	u8 found[16];
	u64 gpa;
	int err;

	if (len > sizeof(found))
		return give_up(ctx, "its locked operand is too wide");
	r = translate(ctx, linear, PAGING_WRITE, &gpa);
	if (r)
		return r;
	if (!is_memory(vcpu, gpa, true))
		return mmio(ctx, gpa, (void *)new, len, true);

	if (gpa & (len - 1)) {
		/* A split lock: not atomic, but nothing is lost unseen. */
		err = mem_read(vcpu->vm, gpa, found, len);
		if (!err && memcmp(found, old, len))
			return GINSN_RETRY;
		if (!err)
			err = mem_write(vcpu->vm, gpa, new, len);
	} else {
		memcpy(found, old, len);
		err = mem_cmpxchg(vcpu->vm, gpa, found, new, len);
	}
	if (err == -EAGAIN)
		return GINSN_RETRY;
	return err ? give_up(ctx, "memory that it locks is gone") : GINSN_OK;
}

/* ---- ports ---- */

/* How many of them a device in the kernel took. */
static unsigned int pio_here(struct vcpu *vcpu, u16 port, unsigned int size, unsigned int count,
			     void *data, bool in)
{
	struct iobus *bus = &vcpu->vm->pio;
	unsigned int i;

	for (i = 0; i < count; i++, data += size)
		if (in ? iobus_read(vcpu, bus, port, size, data) :
			 iobus_write(vcpu, bus, port, size, data))
			break;
	return i;
}

static enum ginsn_result op_pio(struct ginsn_ctx *ctx, u16 port, unsigned int size,
				unsigned int count, void *data, bool in)
{
	enum ginsn_frag_kind kind = in ? GINSN_FRAG_IN : GINSN_FRAG_OUT;
	struct emul *emul = ctx_emul(ctx);
	struct vcpu *vcpu = ctx_vcpu(ctx);
	struct hvmod_run *run = vcpu->run;
	unsigned int bytes = size * count, here;
	/* Of a batch the log knows only that it was made. */
	u8 len = count == 1 ? size : 0;
	const struct ginsn_frag *done;
	u64 value = 0;

	if (bytes > EMUL_BATCH || size > 4)
		return give_up(ctx, "it moves too much through a port at once");

	done = ginsn_log_next(&emul->log, kind, port, len);
	if (done && in) {
		if (!len && emul->answer_len != bytes)
			return give_up(ctx, "it changed while user space read a port");
		memcpy(data, len ? (void *)&done->data : emul->answer, bytes);
	}
	if (done)
		return GINSN_OK;

	if (len && !in)
		memcpy(&value, data, len);
	if (!ginsn_log_ask(&emul->log, kind, port, len, value))
		return give_up(ctx, "it makes too many device accesses");
	here = pio_here(vcpu, port, size, count, data, in);
	/* A device takes all reads or none, writes may match one by one. */
	if (in && here < count)
		here = 0;
	emul->answer_len = bytes;
	if (here == count) {
		if (in && len)
			memcpy(&value, data, len);
		else if (in)
			memcpy(emul->answer, data, bytes);
		ginsn_log_answer(&emul->log, value);
		emul->log.next = emul->log.used;
		return GINSN_OK;
	}

	run->io.direction = in ? HVMOD_IO_IN : HVMOD_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count - here;
	if (!in)
		memcpy(run->data, data + here * size, bytes - here * size);
	run->exit_reason = HVMOD_EXIT_IO;
	vcpu->user_wait = VCPU_WAIT_IO;
	return GINSN_PENDING;
}

/* ---- registers ---- */

static void op_commit(struct ginsn_ctx *ctx)
{
	ginsn_log_clear(&ctx_emul(ctx)->log);
}

static void op_read_vec(struct ginsn_ctx *ctx, unsigned int reg, void *buf, unsigned int len)
{
	fpu_read_vec(ctx_vcpu(ctx), reg, buf, len);
}

static void op_write_vec(struct ginsn_ctx *ctx, unsigned int reg, const void *buf,
			 unsigned int len, bool zero_upper)
{
	fpu_write_vec(ctx_vcpu(ctx), reg, buf, len, zero_upper);
}

static enum ginsn_result op_read_dtable(struct ginsn_ctx *ctx, enum ginsn_sysreg which,
					struct ginsn_dtable *table)
{
	struct hvmod_dtable value = {};

	if (which == GINSN_GDTR)
		hw_get_gdt(ctx_vcpu(ctx), &value);
	else
		hw_get_idt(ctx_vcpu(ctx), &value);
	table->base = value.base;
	table->limit = value.limit;
	return GINSN_OK;
}

static enum ginsn_result op_write_dtable(struct ginsn_ctx *ctx, enum ginsn_sysreg which,
					 const struct ginsn_dtable *table)
{
	const struct hvmod_dtable value = { .base = table->base, .limit = table->limit };

	if (which == GINSN_GDTR)
		hw_set_gdt(ctx_vcpu(ctx), &value);
	else
		hw_set_idt(ctx_vcpu(ctx), &value);
	return GINSN_OK;
}

static enum ginsn_result op_read_sel(struct ginsn_ctx *ctx, enum ginsn_sysreg which, u16 *sel)
{
	struct hvmod_segment segment;

	hw_get_segment(ctx_vcpu(ctx), which == GINSN_LDTR ? X86_LDTR : X86_TR, &segment);
	*sel = segment.selector;
	return GINSN_OK;
}

static enum ginsn_result op_write_cr0(struct ginsn_ctx *ctx, u64 cr0)
{
	if (cr_write_cr0(ctx_vcpu(ctx), cr0)) {
		ctx->fault = (struct ginsn_fault) {
			.vector = X86_TRAP_GP,
			.has_error_code = true,
		};
		return GINSN_FAULT;
	}
	ctx->cr0 = vcpu_cr0(ctx_vcpu(ctx));
	return GINSN_OK;
}

/*
 * No load_seg and load_sel: descriptor loads never come here.  No pio_check:
 * the hardware checks the permission bitmap before it exits.
 */
const struct ginsn_ops emul_ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.cas = op_cmpxchg,
	.pio = op_pio,
	.commit = op_commit,
	.read_vec = op_read_vec,
	.write_vec = op_write_vec,
	.read_dtable = op_read_dtable,
	.write_dtable = op_write_dtable,
	.read_sel = op_read_sel,
	.write_cr0 = op_write_cr0,
};
