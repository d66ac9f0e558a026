// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches: what is saved, loaded and marked busy by each way of
 * switching between 32-bit and 16-bit tasks, and each fault before and after
 * the new task is reached.
 * Run by selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.
 */
/* SOURCES: arch/x86/task.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include "arch/x86/task.h"
#include "selftests/unit/unit.h"

#define GDT	0x1000U
#define LDT	0x1800U
#define OLD	0x2000U
#define NEW	0x3000U
#define STACK	0x5000U
#define MEM	0x8000U
#define NOWHERE	0xffffffffU

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_OLD = 0x18, SEL_NEW = 0x20, SEL_LDT = 0x28,
       SEL_BAD = 0x30, SEL_CODE3 = 0x3b, SEL_DATA3 = 0x43, GDT_LIMIT = 0x47 };

#define NT	0x4000U
#define VM	0x20000U

static u8 mem[MEM];
static u32 hole = NOWHERE;	/* a write that covers it faults */
static u32 loaded_cr3;
static bool bad_cr3;
#define CHECK(cond, name)	result(cond, name ": " #cond)

static int fault_at(u32 linear, bool write, bool user, struct task_fault *fault)
{
	*fault = (struct task_fault) {
		.vector = 14, .error = (write ? 2 : 0) | (user ? 4 : 0), .cr2 = linear,
	};
	return -EFAULT;
}

static int do_read(void *opaque, u32 linear, void *buf, u32 len, struct task_fault *fault)
{
	if (linear >= MEM || len > MEM - linear)
		return fault_at(linear, false, false, fault);
	memcpy(buf, mem + linear, len);
	return 0;
}

static int do_write(void *opaque, u32 linear, const void *buf, u32 len, bool user,
		    struct task_fault *fault)
{
	if (linear >= MEM || len > MEM - linear || (hole >= linear && hole < linear + len))
		return fault_at(linear, true, user, fault);
	memcpy(mem + linear, buf, len);
	return 0;
}

static int do_set_cr3(void *opaque, u32 cr3)
{
	loaded_cr3 = cr3;
	return bad_cr3 ? -EINVAL : 0;
}

static const struct task_ops ops = { do_read, do_write, do_set_cr3 };

static u32 get32(u32 at)
{
	u32 v;

	memcpy(&v, mem + at, 4);
	return v;
}

static u16 get16(u32 at)
{
	return mem[at] | mem[at + 1] << 8;
}

static void put32(u32 at, u32 v)
{
	memcpy(mem + at, &v, 4);
}

static void put16(u32 at, u16 v)
{
	memcpy(mem + at, &v, 2);
}

static void desc(u32 table, u16 sel, u32 base, u32 limit, u32 attr)
{
	put32(table + (sel & ~7), (limit & 0xffff) | base << 16);
	put32(table + (sel & ~7) + 4, (base >> 16 & 0xff) | attr << 8 | (limit & 0xf0000) |
	      (base & 0xff000000));
}

static u8 type_of(u16 sel)
{
	return mem[GDT + (sel & ~7) + 5];
}

/* The new task's registers: EIP 0x11111111 and so on. */
static void new32(void)
{
	int i;

	put32(NEW + 28, 0x4000);
	put32(NEW + 32, 0x11111111);
	put32(NEW + 36, 0x202);
	for (i = 0; i < 8; i++)
		put32(NEW + 40 + 4 * i, 0xabc00000 + i);
	put32(NEW + 56, 0x100);		/* ESP */
	put16(NEW + 72, SEL_DATA);
	put16(NEW + 76, SEL_CODE);
	put16(NEW + 80, SEL_DATA);
	put16(NEW + 84, SEL_DATA);
	put16(NEW + 88, 0);
	put16(NEW + 92, SEL_DATA);
	put16(NEW + 96, SEL_LDT);
}

static void new16(void)
{
	int i;

	desc(GDT, SEL_NEW, NEW, 0x2b, 0x81);
	put16(NEW + 14, 0x1234);
	put16(NEW + 16, 0x202);
	for (i = 0; i < 8; i++)
		put16(NEW + 18 + 2 * i, 0xd00 + i);
	put16(NEW + 26, 0x100);		/* SP */
	put16(NEW + 34, SEL_DATA);
	put16(NEW + 36, SEL_CODE);
	put16(NEW + 38, SEL_DATA);
	put16(NEW + 40, SEL_DATA);
	put16(NEW + 42, 0);
}

static void begin(struct task *t, enum task_source source)
{
	int i;

	memset(mem, 0, sizeof(mem));
	hole = NOWHERE;
	bad_cr3 = false;
	loaded_cr3 = 0;
	desc(GDT, SEL_CODE, 0, 0xfffff, 0xc09a);
	desc(GDT, SEL_DATA, STACK, 0x1fff, 0x4092);
	desc(GDT, SEL_OLD, OLD, 0x67, 0x8b);
	desc(GDT, SEL_NEW, NEW, 0x67, source == TASK_IRET ? 0x8b : 0x89);
	desc(GDT, SEL_LDT, LDT, 0xff, 0x82);
	desc(GDT, SEL_CODE3, 0, 0xfffff, 0xc0fa);
	desc(GDT, SEL_DATA3, STACK, 0x1fff, 0x40f2);
	new32();

	memset(t, 0, sizeof(*t));
	t->ops = &ops;
	t->source = source;
	t->target = SEL_NEW;
	t->paging = true;
	t->gdt_base = GDT;
	t->gdt_limit = GDT_LIMIT;
	for (i = 0; i < 8; i++)
		t->gpr[i] = 0x1000 + i;
	t->eip = 0x7777;
	t->eflags = 0x4246;		/* with NT */
	t->cr3 = 0x9000;
	for (i = 0; i < TASK_NR_SEGS; i++)
		t->seg[i] = (struct task_seg) { .sel = 0x50 + 8 * i, .attr = 0xc093 };
	t->ldt.attr = 0x10000;
	t->tr = (struct task_seg) { SEL_OLD, 0x8b, OLD, 0x67 };
}

/* ---- what moves ---- */

static void test_jmp(void)
{
	struct task t;

	begin(&t, TASK_JMP);
	CHECK(task_switch(&t) == 0 && t.switched && !t.trap, "JMP");
	CHECK(get32(OLD + 32) == 0x7777 && get32(OLD + 36) == 0x4246, "JMP, saved");
	CHECK(get32(OLD + 40) == 0x1000 && get32(OLD + 68) == 0x1007, "JMP, saved");
	CHECK(get16(OLD + 72) == 0x50 && get16(OLD + 92) == 0x78, "JMP, saved");
	CHECK(get32(OLD + 28) == 0 && get32(OLD + 96) == 0, "JMP: CR3 and LDT are not saved");
	CHECK(type_of(SEL_OLD) == 0x89 && type_of(SEL_NEW) == 0x8b, "JMP: who is busy");
	CHECK(get16(NEW) == 0, "JMP: no link");
	CHECK(t.eip == 0x11111111 && t.eflags == 0x202, "JMP, loaded");
	CHECK(t.gpr[0] == 0xabc00000 && t.gpr[7] == 0xabc00007 && t.gpr[4] == 0x100, "JMP, loaded");
	CHECK(t.cr3 == 0x4000 && loaded_cr3 == 0x4000, "JMP, loaded");
	CHECK(t.tr.sel == SEL_NEW && t.tr.base == NEW && (t.tr.attr & 0xf) == 11, "JMP: TR");
	CHECK(t.ldt.sel == SEL_LDT && t.ldt.base == LDT, "JMP: LDTR");
	CHECK(t.seg[TASK_CS].sel == SEL_CODE && t.seg[TASK_CS].limit == 0xffffffff, "JMP: CS");
	CHECK(t.seg[TASK_SS].base == STACK && t.seg[TASK_SS].attr == 0x4093, "JMP: SS, accessed");
	CHECK((type_of(SEL_DATA) & 1) && (type_of(SEL_CODE) & 1), "JMP: accessed in the GDT");
	CHECK(t.seg[TASK_FS].attr == 0x10000 && t.seg[TASK_FS].sel == 0, "JMP: a null FS");
}

static void test_call_iret(void)
{
	struct task t;

	begin(&t, TASK_CALL);
	CHECK(task_switch(&t) == 0, "CALL");
	CHECK(get16(NEW) == SEL_OLD && (t.eflags & NT), "CALL: link and NT");
	CHECK(type_of(SEL_OLD) == 0x8b && type_of(SEL_NEW) == 0x8b, "CALL: both are busy");

	begin(&t, TASK_IRET);
	CHECK(task_switch(&t) == 0, "IRET");
	CHECK(get32(OLD + 36) == 0x246 && !(t.eflags & NT), "IRET: NT is cleared where it was");
	CHECK(type_of(SEL_OLD) == 0x89 && type_of(SEL_NEW) == 0x8b, "IRET: who is busy");
	CHECK(get16(NEW) == 0, "IRET: no link");
}

static void test_gate(void)
{
	struct task t;

	begin(&t, TASK_GATE);
	t.has_error = true;
	t.error = 0xbeef;
	CHECK(task_switch(&t) == 0, "gate");
	CHECK(t.gpr[4] == 0xfc && get32(STACK + 0xfc) == 0xbeef, "gate: error code");
	CHECK(get16(NEW) == SEL_OLD && (t.eflags & NT), "gate: link and NT");
	/* A 16-bit stack wraps its pointer, and keeps the upper half. */
	begin(&t, TASK_GATE);
	desc(GDT, SEL_DATA, STACK, 0xffff, 0x92);
	put32(NEW + 56, 0x55550100);
	t.has_error = true;
	t.error = 7;
	CHECK(task_switch(&t) == 0 && t.gpr[4] == 0x555500fc && get32(STACK + 0xfc) == 7,
	      "gate: 16-bit stack");
	begin(&t, TASK_GATE);
	new16();
	desc(GDT, SEL_DATA, STACK, 0xffff, 0x92);
	t.has_error = true;
	t.error = 0x1234;
	put32(STACK + 0xfc, 0xffffffff);
	CHECK(task_switch(&t) == 0 && (t.gpr[4] & 0xffff) == 0xfe &&
	      get32(STACK + 0xfc) == 0x1234ffff, "gate: 16-bit task, 16-bit code");
}

static void test_widths(void)
{
	struct task t;

	begin(&t, TASK_CALL);
	new16();
	t.eip = 0x12345678;
	t.paging = true;
	CHECK(task_switch(&t) == 0, "32 to 16");
	CHECK(get32(OLD + 32) == 0x12345678, "32 to 16, saved");
	CHECK(t.eip == 0x1234 && t.gpr[1] == 0xffff0d01, "32 to 16, loaded");
	CHECK(t.cr3 == 0x9000 && !loaded_cr3, "32 to 16: CR3 stays");
	CHECK(t.seg[TASK_GS].sel == 0 && t.seg[TASK_DS].sel == SEL_DATA, "32 to 16: segments");
	CHECK((t.tr.attr & 0xf) == 3, "32 to 16: TR");

	begin(&t, TASK_JMP);
	desc(GDT, SEL_OLD, OLD, 0x2b, 0x83);
	t.tr = (struct task_seg) { SEL_OLD, 0x83, OLD, 0x2b };
	memset(mem + OLD, 0xcc, 0x68);
	CHECK(task_switch(&t) == 0, "16 to 32");
	CHECK(get16(OLD + 14) == 0x7777 && get16(OLD + 18) == 0x1000, "16 to 32, saved");
	CHECK(get16(OLD + 40) == 0x68 && get16(OLD + 42) == 0xcccc, "16 to 32: no further");
	CHECK(type_of(SEL_OLD) == 0x81, "16 to 32: not busy");
}

static void test_rest(void)
{
	struct task t;

	begin(&t, TASK_JMP);
	put32(NEW + 36, VM | 0x202);
	put16(NEW + 76, 0x1234);
	put16(NEW + 80, 0x2000);
	put16(NEW + 88, 0x4321);
	CHECK(task_switch(&t) == 0 && (t.eflags & VM), "virtual 8086");
	CHECK(t.seg[TASK_CS].base == 0x12340 && t.seg[TASK_FS].base == 0x43210 &&
	      t.seg[TASK_SS].attr == 0xf3 && t.seg[TASK_SS].limit == 0xffff, "virtual 8086");

	begin(&t, TASK_JMP);
	put16(NEW + 100, 1);
	CHECK(task_switch(&t) == 0 && t.trap, "T");

	begin(&t, TASK_JMP);
	put16(NEW + 76, SEL_CODE3);
	put16(NEW + 80, SEL_DATA3);
	put16(NEW + 84, SEL_DATA3);
	put16(NEW + 72, 0);
	put16(NEW + 92, 0);
	CHECK(task_switch(&t) == 0 && t.seg[TASK_CS].sel == SEL_CODE3, "to CPL 3");

	begin(&t, TASK_JMP);
	t.paging = false;
	CHECK(task_switch(&t) == 0 && t.cr3 == 0x9000 && !loaded_cr3, "no paging, no CR3");
	/* Segments in the new task's LDT. */
	begin(&t, TASK_JMP);
	desc(LDT, 0, 0x4000, 0xfff, 0x4092);
	put16(NEW + 84, 4);
	CHECK(task_switch(&t) == 0 && t.seg[TASK_DS].base == 0x4000, "DS in the LDT");
}

/* ---- faults ---- */

static u8 before[MEM];

/* In the old task: nothing has changed but its own image. */
static void expect_old(struct task *t, u8 vector, u32 error, const char *name)
{
	struct task was = *t;
	int ret;

	memcpy(before, mem, MEM);
	ret = task_switch(t);
	result(ret == -EFAULT && !t->switched && t->fault.vector == vector &&
	       t->fault.error == error, name);
	if (t->fault.vector != vector || t->fault.error != error)
		printf("# %d: vector %u, error %#x\n", ret, t->fault.vector, t->fault.error);
	result(!memcmp(before + GDT, mem + GDT, 0x800) && t->eip == was.eip &&
	       !memcmp(t->seg, was.seg, sizeof(was.seg)) && t->tr.sel == SEL_OLD,
	       "and the old task is as it was");
}

static void expect_new(struct task *t, u8 vector, u32 error, const char *name)
{
	int ret = task_switch(t);

	result(ret == -EFAULT && t->switched && t->fault.vector == vector &&
	       t->fault.error == error && t->eip == 0x11111111 && t->tr.sel == SEL_NEW, name);
	if (t->fault.vector != vector || t->fault.error != error)
		printf("# %d: vector %u, error %#x\n", ret, t->fault.vector, t->fault.error);
}

static void test_target_faults(void)
{
	struct task t;

	begin(&t, TASK_JMP);
	t.target = 0;
	expect_old(&t, 13, 0, "a null selector");
	begin(&t, TASK_JMP);
	t.target = SEL_NEW | 4;
	expect_old(&t, 13, SEL_NEW | 4, "in the LDT");
	begin(&t, TASK_IRET);
	t.target = SEL_NEW | 4;
	expect_old(&t, 10, SEL_NEW | 4, "in the LDT, by IRET");
	begin(&t, TASK_CALL);
	t.target = 0x48;
	expect_old(&t, 13, 0x48, "outside of the GDT");
	begin(&t, TASK_GATE);
	t.target = 0x48;
	t.external = true;
	expect_old(&t, 13, 0x49, "EXT is told");
	begin(&t, TASK_JMP);
	desc(GDT, SEL_NEW, NEW, 0x67, 0x8b);
	expect_old(&t, 13, SEL_NEW, "a busy one");
	begin(&t, TASK_IRET);
	desc(GDT, SEL_NEW, NEW, 0x67, 0x89);
	expect_old(&t, 10, SEL_NEW, "IRET to one that is not busy");
	begin(&t, TASK_JMP);
	t.target = SEL_DATA;
	expect_old(&t, 13, SEL_DATA, "a data segment");
	begin(&t, TASK_JMP);
	t.target = SEL_LDT;
	expect_old(&t, 13, SEL_LDT, "an LDT");
	begin(&t, TASK_JMP);
	desc(GDT, SEL_NEW, NEW, 0x67, 0x09);
	expect_old(&t, 11, SEL_NEW, "not present");
	begin(&t, TASK_JMP);
	desc(GDT, SEL_NEW, NEW, 0x66, 0x89);
	expect_old(&t, 10, SEL_NEW, "too small");
	begin(&t, TASK_JMP);
	desc(GDT, SEL_NEW, NEW, 0x2a, 0x81);
	expect_old(&t, 10, SEL_NEW, "too small, 16 bits");
}

static void test_page_faults(void)
{
	struct task t;

	begin(&t, TASK_JMP);
	desc(GDT, SEL_NEW, 0x100000, 0x67, 0x89);
	expect_old(&t, 14, 0, "the new TSS is not there");
	begin(&t, TASK_JMP);
	hole = OLD + 60;
	expect_old(&t, 14, 2, "the old TSS cannot be written");
	begin(&t, TASK_CALL);
	hole = NEW;
	expect_old(&t, 14, 2, "nor the link");
	begin(&t, TASK_CALL);
	hole = GDT + SEL_NEW + 5;
	expect_old(&t, 14, 2, "nor the new descriptor");
	begin(&t, TASK_JMP);
	hole = GDT + SEL_OLD + 5;
	expect_old(&t, 14, 2, "nor the old descriptor");
	begin(&t, TASK_GATE);
	t.has_error = true;
	hole = STACK + 0xfd;
	expect_new(&t, 14, 2, "the new stack cannot be written");
	begin(&t, TASK_JMP);
	hole = GDT + SEL_CODE + 5;
	expect_new(&t, 14, 2, "an accessed bit cannot be written");
	begin(&t, TASK_JMP);
	bad_cr3 = true;
	expect_new(&t, 13, 0, "CR3");
}

/* One selector of the new task, and what its descriptor is. */
static void one(u32 offset, u16 sel, u32 attr, u8 vector, u32 error, const char *name)
{
	struct task t;

	begin(&t, TASK_JMP);
	put16(NEW + offset, sel);
	if (attr)
		desc(GDT, sel, 0, 0xffff, attr);
	expect_new(&t, vector, error, name);
}

static void test_segment_faults(void)
{
	struct task t;

	one(96, SEL_DATA, 0, 10, SEL_DATA, "LDTR: no LDT");
	one(96, SEL_BAD, 0x02, 10, SEL_BAD, "LDTR: not present");
	one(96, SEL_BAD | 4, 0, 10, SEL_BAD | 4, "LDTR: in an LDT");
	one(76, 0, 0, 10, 0, "CS: null");
	one(76, SEL_DATA, 0, 10, SEL_DATA, "CS: data");
	one(76, SEL_BAD, 0x1a, 11, SEL_BAD, "CS: not present");
	one(76, SEL_BAD | 3, 0x9a, 10, SEL_BAD, "CS: DPL is not RPL");
	one(76, SEL_BAD, 0xfe, 10, SEL_BAD, "CS: conforming, DPL above RPL");
	one(80, 0, 0, 10, 0, "SS: null");
	one(80, SEL_BAD, 0x90, 10, SEL_BAD, "SS: read-only");
	one(80, SEL_CODE, 0, 10, SEL_CODE, "SS: code");
	one(80, SEL_DATA3, 0, 10, SEL_DATA3 & ~3, "SS: another CPL");
	one(80, SEL_BAD, 0x12, 12, SEL_BAD, "SS: not present");
	one(84, SEL_BAD, 0x98, 10, SEL_BAD, "DS: code that cannot be read");
	one(84, SEL_DATA | 3, 0, 10, SEL_DATA, "DS: RPL above DPL");
	one(72, SEL_BAD, 0x12, 11, SEL_BAD, "ES: not present");
	one(92, 0x48, 0, 10, 0x48, "GS: outside of the GDT");
	one(88, 0x104, 0, 10, 0x104, "FS: outside of the LDT");

	begin(&t, TASK_GATE);
	t.has_error = true;
	put32(NEW + 56, 0x3000);
	expect_new(&t, 12, 0, "no room on the stack");
	/* CS did not go in, nor did SS: they still agree. */
	begin(&t, TASK_JMP);
	put16(NEW + 76, SEL_CODE3);
	expect_new(&t, 10, SEL_DATA, "CS is good, SS is not");
	CHECK(t.seg[TASK_CS].attr == 0xc093 && t.seg[TASK_SS].attr == 0xc093, "neither is in");
	CHECK(t.seg[TASK_DS].attr == 0x10000, "nor the others");
}

int main(void)
{
	test_jmp();
	test_call_iret();
	test_gate();
	test_widths();
	test_rest();
	test_target_faults();
	test_page_faults();
	test_segment_faults();
	return finish();
}
