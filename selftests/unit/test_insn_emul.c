// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator against the processor: the same instruction on the
 * same registers, flags and memory, once executed and twice emulated, the
 * second time with every memory access answered from outside as user space
 * does it for a device.
 * Run by selftests/unit/Makefile as "test_insn_emul [seed [cases]]"; TAP.
 * It must not execute what faults: that is test_insn_fault.c.
 */
/* SOURCES: arch/x86/insn_decode.c arch/x86/insn_table.c */
/* SOURCES: arch/x86/insn_alu.c arch/x86/insn_operand.c arch/x86/insn_emul.c */
/* SOURCES: arch/x86/insn_string.c arch/x86/insn_sse.c arch/x86/insn_system.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include "arch/x86/insn_emul.h"
#include "arch/x86/insn_log.h"
#include "selftests/unit/insn_cases.h"
#include "selftests/unit/insn_native.h"

static unsigned int tests, failed;
static u8 vec_before[16][32];
static u8 data_before[NATIVE_DATA_LEN], data_native[NATIVE_DATA_LEN];

/* The emulator's side */

struct machine {
	u8 vec[16][32];
	bool device;		/* accesses go out and come back */
	unsigned long accesses;	/* fragments made */
	struct ginsn_log log;
	struct ginsn_ctx committed;
	const char *error;
};

static bool in_data(u64 linear, unsigned int len)
{
	return linear >= NATIVE_DATA &&
	       linear + len <= NATIVE_DATA + NATIVE_DATA_LEN;
}

static enum ginsn_result op_fetch(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len)
{
	memcpy(buf, (void *)linear, len);
	return GINSN_OK;
}

/* The next naturally aligned piece of at most 8 bytes. */
static unsigned int fragment(u64 linear, unsigned int len)
{
	unsigned int size = 8;

	while (size > len || linear & (size - 1))
		size /= 2;
	return size;
}

static enum ginsn_result transfer(struct ginsn_ctx *ctx, u64 linear, void *buf,
				  unsigned int len, bool write)
{
	struct machine *m = ctx->opaque;
	const struct ginsn_frag *frag;
	u64 data = 0;
	u8 *p = buf;

	if (!in_data(linear, len) || (linear & 4095) + len > 4096) {
		m->error = "access outside the data or across a page";
		return GINSN_UNHANDLEABLE;
	}
	while (len) {
		unsigned int size = fragment(linear, len);

		if (write)
			memcpy(&data, p, size);
		if (!m->device) {
			m->accesses++;
			memcpy(write ? (void *)linear : p,
			       write ? p : (void *)linear, size);
		} else {
			frag = ginsn_log_next(&m->log, write, linear, size);
			if (!frag) {
				if (!ginsn_log_ask(&m->log, write, linear, size,
						   data))
					m->error = "log is full";
				return GINSN_PENDING;
			}
			if (!write)
				memcpy(p, &frag->data, size);
		}
		linear += size;
		p += size;
		len -= size;
	}
	return GINSN_OK;
}

static enum ginsn_result op_read(struct ginsn_ctx *ctx, u64 linear, void *buf,
				 unsigned int len, unsigned int flags)
{
	return transfer(ctx, linear, buf, len, false);
}

static enum ginsn_result op_write(struct ginsn_ctx *ctx, u64 linear,
				  const void *buf, unsigned int len,
				  unsigned int flags)
{
	struct machine *m = ctx->opaque;

	if (!(flags & GINSN_ACC_WRITE))
		m->error = "write without GINSN_ACC_WRITE";
	return transfer(ctx, linear, (void *)buf, len, true);
}

static enum ginsn_result op_probe(struct ginsn_ctx *ctx, u64 linear,
				  unsigned int len, unsigned int flags)
{
	return in_data(linear, len) ? GINSN_OK : GINSN_UNHANDLEABLE;
}

static enum ginsn_result op_cmpxchg(struct ginsn_ctx *ctx, u64 linear,
				    const void *old, const void *new,
				    unsigned int len)
{
	struct machine *m = ctx->opaque;

	if (!m->device && memcmp((void *)linear, old, len))
		m->error = "cmpxchg with another old value";
	return transfer(ctx, linear, (void *)new, len, true);
}

static void op_commit(struct ginsn_ctx *ctx)
{
	struct machine *m = ctx->opaque;

	ginsn_log_clear(&m->log);
	m->committed = *ctx;
}

static void op_read_vec(struct ginsn_ctx *ctx, unsigned int reg, void *buf,
			unsigned int len)
{
	struct machine *m = ctx->opaque;

	memcpy(buf, m->vec[reg], len);
}

static void op_write_vec(struct ginsn_ctx *ctx, unsigned int reg,
			 const void *buf, unsigned int len, bool zero_upper)
{
	struct machine *m = ctx->opaque;

	memcpy(m->vec[reg], buf, len);
	if (zero_upper)
		memset(m->vec[reg] + len, 0, 32 - len);
}

static const struct ginsn_ops ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.cas = op_cmpxchg,
	.commit = op_commit,
	.read_vec = op_read_vec,
	.write_vec = op_write_vec,
};

static void init_ctx(struct ginsn_ctx *ctx, struct machine *m,
		     const struct test_case *c)
{
	u16 cs, ss, ds, es;
	unsigned int i;

	/* Not zeroed on purpose: the header promises that IN is enough. */
	memset(ctx, 0xa5, sizeof(*ctx));
	ctx->ops = &ops;
	ctx->opaque = m;
	memcpy(ctx->gpr, c->gpr, sizeof(ctx->gpr));
	ctx->rip = native_insn_rip;
	ctx->rflags = c->rflags;
	ctx->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_MP;
	ctx->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	ctx->xcr0 = 7;
	ctx->cpl = 3;
	ctx->mode = GINSN_MODE_64;
	ctx->rep_max = 0;
	ctx->bounce = NULL;
	for (i = 0; i < GINSN_SEG_COUNT; i++)
		ctx->seg[i] = (struct ginsn_seg) { 0, ~0U, 0xc0f3, 0 };
	asm("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3"
	    : "=r" (cs), "=r" (ss), "=r" (ds), "=r" (es));
	ctx->seg[GINSN_CS].sel = cs;
	ctx->seg[GINSN_SS].sel = ss;
	ctx->seg[GINSN_DS].sel = ds;
	ctx->seg[GINSN_ES].sel = es;
	ctx->seg[GINSN_GS].base = c->gs_base;
	memcpy(m->vec, vec_before, sizeof(m->vec));
	m->accesses = 0;
	m->error = NULL;
	ginsn_log_clear(&m->log);
	m->committed = *ctx;
}

static bool same_registers(const struct ginsn_ctx *a, const struct ginsn_ctx *b)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->rip == b->rip &&
	       (a->rflags | X86_EFLAGS_RF) == (b->rflags | X86_EFLAGS_RF);
}

/* As a vCPU's run loop does it, with user space answering. */
static enum ginsn_result run_emulator(struct ginsn_ctx *ctx, struct machine *m)
{
	enum ginsn_result r = ginsn_emulate(ctx);
	unsigned int rounds = 0;

	while ((r == GINSN_PENDING || r == GINSN_MORE) && rounds++ < 5000) {
		struct ginsn_frag *frag = &m->log.frag[m->log.used];
		u64 data = 0;

		if (r == GINSN_MORE) {
			ginsn_log_clear(&m->log);
			r = ginsn_emulate(ctx);
			continue;
		}
		if (!same_registers(ctx, &m->committed))
			m->error = "registers changed before the commit";
		if (!m->log.asked || m->error)
			return GINSN_UNHANDLEABLE;
		m->accesses++;
		if (frag->kind == GINSN_FRAG_WRITE)
			memcpy((void *)frag->addr, &frag->data, frag->len);
		else
			memcpy(&data, (void *)frag->addr, frag->len);
		ginsn_log_answer(&m->log, data);
		ginsn_log_rewind(&m->log);
		r = ginsn_execute(ctx);
	}
	return r;
}

static void dump(const struct test_case *c, const char *what)
{
	unsigned int i;

	printf("# %s: %s%s:", c->t->name, what, c->vex ? " (VEX)" : "");
	for (i = 0; i < c->len; i++)
		printf(" %02x", c->bytes[i]);
	printf(" target %llx rflags %llx\n", c->target, c->rflags);
}

/* Compare with native_state and data_native; true when equal. */
static bool compare(const struct test_case *c, const struct ginsn_ctx *ctx,
		    const struct machine *m, enum ginsn_result r,
		    const char *pass)
{
	u64 mask = (STATUS | DF) & ~(u64)c->undef;
	unsigned int vec_len = native_avx ? 32 : 16;
	unsigned int i;

	if (r != GINSN_DONE || m->error) {
		dump(c, pass);
		printf("#   result %d %s\n", r, m->error ? m->error :
		       r == GINSN_UNHANDLEABLE ? ctx->why : "");
		return false;
	}
	for (i = 0; i < 16; i++) {
		if (ctx->gpr[i] == native_state->gpr[i])
			continue;
		dump(c, pass);
		printf("#   gpr %u: before %llx, processor %llx, emulator %llx\n",
		       i, c->gpr[i], native_state->gpr[i], ctx->gpr[i]);
		return false;
	}
	if ((ctx->rflags ^ native_state->rflags) & mask) {
		dump(c, pass);
		printf("#   flags: processor %llx, emulator %llx, mask %llx\n",
		       native_state->rflags, ctx->rflags, mask);
		return false;
	}
	if (ctx->rip != native_insn_rip + c->len) {
		dump(c, pass);
		printf("#   rip %llx\n", ctx->rip);
		return false;
	}
	if (memcmp(native_data, data_native, NATIVE_DATA_LEN)) {
		for (i = 0; native_data[i] == data_native[i]; i++)
			;
		dump(c, pass);
		printf("#   memory at %lx: processor %02x, emulator %02x\n",
		       NATIVE_DATA + i, data_native[i], native_data[i]);
		return false;
	}
	for (i = 0; i < 16 && c->t->flags & T_VEC; i++) {
		if (!memcmp(m->vec[i], native_state->vec[i], vec_len))
			continue;
		dump(c, pass);
		printf("#   vector register %u\n", i);
		return false;
	}
	return true;
}

/* One case, all three runs; true when all agree. */
static bool run_case(const struct test_case *c)
{
	bool vectors = c->t->flags & T_VEC;
	static struct ginsn_ctx ctx;
	static struct machine m;
	enum ginsn_result r;
	unsigned long direct;
	unsigned int i;

	if (vectors) {
		for (i = 0; i < sizeof(vec_before) / 8; i++)
			((u64 *)vec_before)[i] = rng();
		memcpy(native_state->vec, vec_before, sizeof(vec_before));
	}
	memcpy(native_state->gpr, c->gpr, sizeof(c->gpr));
	native_state->rflags = c->rflags;
	memcpy(data_before, native_data, NATIVE_DATA_LEN);
	native_begin(vectors);
	native_run(c->bytes, c->len, vectors);
	memcpy(data_native, native_data, NATIVE_DATA_LEN);

	memcpy(native_data, data_before, NATIVE_DATA_LEN);
	m.device = false;
	init_ctx(&ctx, &m, c);
	r = run_emulator(&ctx, &m);
	direct = m.accesses;
	if (!compare(c, &ctx, &m, r, "memory"))
		return false;

	memcpy(native_data, data_before, NATIVE_DATA_LEN);
	m.device = true;
	init_ctx(&ctx, &m, c);
	ctx.rep_max = 1 + pick(5);
	r = run_emulator(&ctx, &m);
	if (!compare(c, &ctx, &m, r, "device"))
		return false;
	if (m.accesses != direct) {
		dump(c, "device");
		printf("#   %lu accesses, not %lu\n", m.accesses, direct);
		return false;
	}
	return true;
}

/* All templates of one name are one test. */
static void run_templates(unsigned int from, unsigned int to,
			  unsigned long per_template)
{
	unsigned long i, done = 0, bad = 0;
	struct test_case c;
	unsigned int t;

	for (t = from; t < to; t++) {
		for (i = 0; i < per_template && bad < 5; i++) {
			if (!build_case(&c, &tmpls[t]))
				continue;
			done++;
			if (!run_case(&c))
				bad++;
		}
	}
	printf("%sok %u - %s # %lu cases\n", bad ? "not " : "", ++tests,
	       tmpls[from].name, done);
	if (bad)
		failed++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tmpl *)a)->name,
		      ((const struct tmpl *)b)->name);
}

int main(int argc, char **argv)
{
	unsigned long per_template = 600;
	unsigned int from, to;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rng_state = strtoull(argv[1], NULL, 0) * 2 + 1;
	if (argc > 2)
		per_template = strtoul(argv[2], NULL, 0);
	printf("TAP version 13\n");
	if (!native_init()) {
		printf("1..0 # SKIP the low addresses are not free\n");
		return 4;
	}
	native_begin(false);
	add_integer();
	add_vectors();
	qsort(tmpls, tmpl_count, sizeof(tmpls[0]), by_name);
	for (from = 0; from < tmpl_count; from = to) {
		native_begin(tmpls[from].flags & T_VEC);
		for (to = from + 1; to < tmpl_count; to++) {
			if (strcmp(tmpls[to].name, tmpls[from].name))
				break;
		}
		run_templates(from, to, per_template);
	}
	printf("1..%u\n", tests);
	return failed ? 1 : 0;
}
