// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC with and without the hardware's help: what a guest sees is the
 * same, and what the hardware does by itself makes no VM exit.  Which help there
 * is HVMOD_CAP_FEATURES tells; apicv_modes.sh runs this with each part turned
 * off.  It must not count exits that the host's own interrupts cause.
 */
#include <pthread.h>
#include <unistd.h>

#include "guest.h"

#define ROUNDS		50
#define LOW		0x51
#define HIGH		0x61
#define LEVEL		0x71
#define PIN		20
#define IOAPIC		0xfec00000UL
#define X2APIC(reg)	(0x800 + ((reg) >> 4))
#define SELF_IPI	0x3f0
#define OTHER_BASE	0xfed20000UL

enum ask { ASK_BEGIN = 1, ASK_END, ASK_UP, ASK_DOWN, ASK_SAVE };

static u64 features;
static volatile bool x2;
static volatile u64 got[256];

static u32 apic_read(u32 reg)
{
	return x2 ? guest_rdmsr(X2APIC(reg)) : guest_apic_read(reg);
}

static void apic_write(u32 reg, u32 v)
{
	if (x2)
		guest_wrmsr(X2APIC(reg), v);
	else
		guest_apic_write(reg, v);
}

static void count(struct hv_frame *f)
{
	got[f->vector]++;
	apic_write(APIC_EOI, 0);
}

static void self(u8 vector)
{
	if (x2)
		guest_wrmsr(X2APIC(SELF_IPI), vector);
	else
		guest_apic_write(APIC_ICR, APIC_SELF | vector);
}

static void begin(void)
{
	guest_on_vector(LOW, count);
	guest_on_vector(HIGH, count);
	guest_on_vector(LEVEL, count);
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
	memset((void *)got, 0, sizeof(got));
}

static void to_x2apic(void)
{
	guest_wrmsr(MSR_APIC_BASE, guest_rdmsr(MSR_APIC_BASE) | 0xc00);
	x2 = true;
}

/* ---- what must not exit ---- */

static void guest_tpr(void)
{
	u64 i;

	begin();
	GUEST_SYNC(ASK_BEGIN);
	for (i = 0; i < ROUNDS; i++) {
		apic_write(APIC_TPR, i & 0xf0);
		GUEST_EQ(apic_read(APIC_TPR), i & 0xf0);
	}
	GUEST_SYNC(ASK_END);
}

static void guest_cr8(void)
{
	u64 i;

	begin();
	GUEST_SYNC(ASK_BEGIN);
	for (i = 0; i < ROUNDS; i++) {
		guest_write_cr8(i & 15);
		GUEST_EQ(guest_read_cr8(), i & 15);
	}
	GUEST_SYNC(ASK_END);
	GUEST_EQ(apic_read(APIC_TPR), (ROUNDS - 1) << 4 & 0xf0);
}

static void guest_reads(void)
{
	u64 i;

	begin();
	GUEST_SYNC(ASK_BEGIN);
	for (i = 0; i < ROUNDS; i++) {
		GUEST_EQ(apic_read(APIC_ID), 0);
		GUEST_EQ(apic_read(APIC_SVR), 0x1ff);
		GUEST_EQ(apic_read(APIC_ISR), 0);
	}
	GUEST_SYNC(ASK_END);
}

/* A request to itself, its delivery and its end. */
static void guest_ipi(void)
{
	u64 i;

	begin();
	guest_sti();
	GUEST_SYNC(ASK_BEGIN);
	for (i = 0; i < ROUNDS; i++) {
		self(LOW);
		asm volatile("nop");
		GUEST_EQ(got[LOW], i + 1);
	}
	GUEST_SYNC(ASK_END);
	guest_cli();
}

/* ---- what must be right ---- */

static void guest_priorities(void)
{
	begin();
	self(LOW);
	self(HIGH);
	self(HIGH);
	GUEST_EQ(apic_read(APIC_IRR + LOW / 32 * 16), 1U << LOW % 32);
	GUEST_EQ(apic_read(APIC_IRR + HIGH / 32 * 16), 1U << HIGH % 32);
	/* Masked by TPR until it falls, by each way of writing it. */
	apic_write(APIC_TPR, 0xf0);
	guest_sti();
	asm volatile("nop");
	GUEST_EQ(got[LOW] + got[HIGH], 0);
	guest_write_cr8(LOW >> 4);
	asm volatile("nop");
	GUEST_EQ(got[HIGH], 1);
	GUEST_EQ(got[LOW], 0);
	apic_write(APIC_TPR, (LOW & 0xf0) - 0x10);
	asm volatile("nop");
	GUEST_EQ(got[LOW], 1);
	guest_cli();
	GUEST_EQ(apic_read(0xa0), (LOW & 0xf0) - 0x10);
	/* HLT ends with one that waits. */
	apic_write(APIC_TPR, 0);
	self(LOW);
	asm volatile("sti; hlt; cli" : : : "memory");
	GUEST_EQ(got[LOW], 2);
}

static void in_high(struct hv_frame *f)
{
	got[HIGH]++;
	GUEST_EQ(apic_read(APIC_ISR + HIGH / 32 * 16), 1U << HIGH % 32);
	GUEST_EQ(apic_read(0xa0), HIGH & 0xf0);
	self(LOW);
	guest_sti();
	asm volatile("nop");
	guest_cli();
	/* It waits for our end. */
	GUEST_EQ(got[LOW], 0);
	apic_write(APIC_EOI, 0);
	GUEST_EQ(apic_read(APIC_ISR + HIGH / 32 * 16), 0);
}

static void guest_nested(void)
{
	begin();
	guest_on_vector(HIGH, in_high);
	guest_sti();
	self(HIGH);
	asm volatile("nop; nop");
	guest_cli();
	GUEST_EQ(got[HIGH], 1);
	GUEST_EQ(got[LOW], 1);
}

/* Registers that the hardware lets the guest write and we filter. */
static void guest_filter(void)
{
	u32 i;

	begin();
	if (!x2) {
		guest_apic_write(APIC_ID, ~0U);
		GUEST_EQ(guest_apic_read(APIC_ID), 0);
		guest_apic_write(0xe0, 0);
		GUEST_EQ(guest_apic_read(0xe0), 0x0fffffff);
		guest_apic_write(0xe0, ~0U);
		guest_apic_write(0xd0, ~0U);
		GUEST_EQ(guest_apic_read(0xd0), 0xff000000);
		guest_apic_write(0xd0, 0);
		guest_apic_write(APIC_ICR2, ~0U);
		GUEST_EQ(guest_apic_read(APIC_ICR2), 0xff000000);
		guest_apic_write(0x350, ~0U);
		GUEST_EQ(guest_apic_read(0x350), 0x1a7ff);
		/* Reserved. */
		GUEST_EQ(guest_apic_read(0x40), 0);
		guest_apic_write(0x40, 1);
	}
	apic_write(APIC_SVR, 0xff);
	for (i = 0x320; i <= 0x370; i += 0x10) {
		apic_write(i, 0x40);
		GUEST_EQ(apic_read(i) & 0x10000, 0x10000);
	}
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
	/* A vector below 16 is an error, and no interrupt. */
	apic_write(0x280, 0);
	self(5);
	apic_write(0x280, 0);
	GUEST_ASSERT(apic_read(0x280) & 0x60);
	guest_sti();
	asm volatile("nop");
	guest_cli();
	GUEST_EQ(apic_read(APIC_ISR), 0);
	if (x2) {
		GUEST_EQ(guest_try_wrmsr(X2APIC(APIC_TPR), 0x100), X86_GP);
		GUEST_EQ(guest_try_wrmsr(X2APIC(APIC_EOI), 1), X86_GP);
		GUEST_EQ(guest_try_wrmsr(X2APIC(SELF_IPI), 0x100), X86_GP);
		GUEST_EQ(guest_try_wrmsr(X2APIC(APIC_ID), 0), X86_GP);
		GUEST_EQ(guest_try_rdmsr(X2APIC(APIC_EOI), (u64 *)&i), X86_GP);
	}
}

static void io_write(u32 index, u32 v)
{
	*(volatile u32 *)IOAPIC = index;
	*(volatile u32 *)(IOAPIC + 0x10) = v;
}

static u32 redirection(void)
{
	*(volatile u32 *)IOAPIC = 0x10 + 2 * PIN;
	return *(volatile u32 *)(IOAPIC + 0x10);
}

static void on_level(struct hv_frame *f)
{
	got[LEVEL]++;
	GUEST_EQ(redirection() & 0x4000, 0x4000);
	GUEST_EQ(apic_read(0x180 + LEVEL / 32 * 16), 1U << LEVEL % 32);
	if (got[LEVEL] == 3)
		GUEST_SYNC(ASK_DOWN);
	apic_write(APIC_EOI, 0);
}

/* The IOAPIC hears of each end; between them is an edge vector, whose end is not told. */
static void guest_level(void)
{
	u64 i;

	begin();
	guest_on_vector(LEVEL, on_level);
	io_write(0x11 + 2 * PIN, 0);
	io_write(0x10 + 2 * PIN, 0x8000 | LEVEL);
	guest_sti();
	GUEST_SYNC(ASK_UP);
	for (i = 0; i < 100 && got[LEVEL] < 3; i++)
		self(LOW);
	guest_cli();
	GUEST_EQ(got[LEVEL], 3);
	GUEST_EQ(redirection() & 0x4000, 0);
	io_write(0x10 + 2 * PIN, 0x10000);
	/* The same vector as an edge again. */
	guest_on_vector(LEVEL, count);
	self(LEVEL);
	guest_sti();
	asm volatile("nop");
	guest_cli();
	GUEST_EQ(got[LEVEL], 4);
}

/* Requests survive a change of mode; x2APIC ends by way of "off" only. */
static void guest_modes(void)
{
	u64 base = guest_rdmsr(MSR_APIC_BASE);

	begin();
	self(LOW);
	to_x2apic();
	GUEST_EQ(apic_read(APIC_IRR + LOW / 32 * 16), 1U << LOW % 32);
	guest_sti();
	asm volatile("nop");
	guest_cli();
	GUEST_EQ(got[LOW], 1);
	guest_wrmsr(MSR_APIC_BASE, base & ~0x800UL);
	x2 = false;
	/* Without an APIC there is CR8 all the same. */
	guest_write_cr8(7);
	GUEST_EQ(guest_read_cr8(), 7);
	guest_write_cr8(0);
	guest_wrmsr(MSR_APIC_BASE, base);
	begin();
	guest_sti();
	self(LOW);
	asm volatile("nop");
	guest_cli();
	GUEST_EQ(got[LOW], 1);
	/* Its page elsewhere. */
	guest_wrmsr(MSR_APIC_BASE, OTHER_BASE | (base & 0xfff));
	*(volatile u32 *)(OTHER_BASE + APIC_TPR) = 0x20;
	GUEST_EQ(guest_read_cr8(), 2);
	*(volatile u32 *)(OTHER_BASE + APIC_TPR) = 0;
	guest_wrmsr(MSR_APIC_BASE, base);
	GUEST_EQ(guest_apic_read(APIC_SVR), 0x1ff);
	self(LOW);
	asm volatile("sti; nop; cli" : : : "memory");
	GUEST_EQ(got[LOW], 2);
}

/* vCPU 1: in x2APIC mode the page is no APIC's, whatever vCPU 0 does with it. */
static void guest_no_page(void)
{
	guest_wrmsr(MSR_APIC_BASE, guest_rdmsr(MSR_APIC_BASE) | 0xc00);
	*(volatile u32 *)(APIC_BASE + APIC_TPR) = 0x12345678;
	GUEST_EQ(*(volatile u32 *)(APIC_BASE + APIC_ID), 0xabcd0123);
	GUEST_EQ(guest_rdmsr(0x808), 0);
}

/* ---- posted to a vCPU that runs ---- */

static volatile u64 spinning, spin_end;

static void guest_spin(void)
{
	to_x2apic();
	guest_wrmsr(X2APIC(APIC_SVR), 0x1ff);
	guest_sti();
	spinning = 1;
	while (!spin_end)
		asm volatile("pause");
	guest_cli();
}

static void guest_post(void)
{
	u64 i;

	to_x2apic();
	begin();
	GUEST_ASSERT(guest_wait(&spinning, 1));
	GUEST_SYNC(ASK_BEGIN);
	for (i = 1; i <= ROUNDS; i++) {
		guest_wrmsr(X2APIC(APIC_ICR), 1UL << 32 | LOW);
		GUEST_ASSERT(guest_wait(&got[LOW], i));
	}
	GUEST_SYNC(ASK_END);
	spin_end = 1;
}

/* ---- save while one is in service ---- */

static void save_high(struct hv_frame *f)
{
	got[HIGH]++;
	self(LOW);
	GUEST_SYNC(ASK_SAVE);
	GUEST_EQ(apic_read(APIC_ISR + HIGH / 32 * 16), 1U << HIGH % 32);
	guest_sti();
	asm volatile("nop");
	GUEST_EQ(got[LOW], 0);
	apic_write(APIC_EOI, 0);
	asm volatile("nop");
	GUEST_EQ(got[LOW], 1);
	guest_cli();
}

static void guest_save(void)
{
	begin();
	guest_on_vector(HIGH, save_high);
	guest_sti();
	self(HIGH);
	asm volatile("nop; nop");
	guest_cli();
	GUEST_EQ(got[HIGH], 1);
	GUEST_EQ(got[LOW], 1);
}

/* ---- host ---- */

static bool has(u64 want)
{
	return (features & want) == want;
}

/* Exits that an access to the APIC or a vector's delivery may cause. */
static u64 exits(struct hv_vcpu *vcpu)
{
	static const u8 reasons[] = { 7, 28, 31, 32, 43, 44, 45, 48, 56 };
	struct hvmod_vcpu_stat stat = x86_stat(vcpu);
	u64 sum = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		sum += stat.exits[reasons[i]];
	return sum;
}

/* free: the hardware does it all; else each round exits. */
static void count_exits(struct hv_vcpu *vcpu, const char *mode, const char *name,
			void (*fn)(void), bool free)
{
	u64 before = 0, after = 0;
	enum hv_what what;

	x86_start(vcpu, fn);
	while ((what = hv_talk(vcpu)) == HV_SYNC) {
		if (vcpu->value == ASK_BEGIN)
			before = exits(vcpu);
		else
			after = exits(vcpu);
	}
	tap_ok(what == HV_DONE, "%s: %s", mode, name);
	if (what != HV_DONE)
		return;
	/* The page may have to be mapped once, and the image's. */
	if (!tap_ok(free ? after - before <= 4 : after - before >= ROUNDS,
		    "%s: %s: %s", mode, name, free ? "no exits" : "it exits"))
		tap_note("%llu exits", (unsigned long long)(after - before));
}

static void run_level(struct hv_vcpu *vcpu, const char *mode)
{
	struct hvmod_irq_line line = { .gsi = PIN };
	u64 ends = x86_stat(vcpu).exits[45];
	enum hv_what what;

	x86_start(vcpu, guest_level);
	while ((what = hv_talk(vcpu)) == HV_SYNC) {
		line.level = vcpu->value == ASK_UP;
		hv_need(!ioctl(vcpu->vm->fd, HVMOD_VM_IRQ_LINE, &line));
	}
	if (!tap_ok(what == HV_DONE, "%s: level-triggered", mode))
		hv_note_exit(vcpu);
	ends = x86_stat(vcpu).exits[45] - ends;
	if (has(HVMOD_FEATURE_VID | (x2 ? HVMOD_FEATURE_X2APIC_VIRT : HVMOD_FEATURE_APIC_ACCESS)))
		/* TMR is not changed by a request that the hardware takes by itself. */
		tap_ok(ends == 3 || ends == 4, "its ends exit, those of edges do not");
	else
		tap_eq(ends, 0, "no virtualized EOI");
}

static void run_mode(struct hv_vcpu *vcpu, const char *mode)
{
	u64 base = HVMOD_FEATURE_TPR_SHADOW |
		   (x2 ? HVMOD_FEATURE_X2APIC_VIRT : HVMOD_FEATURE_APIC_ACCESS);

	count_exits(vcpu, mode, "CR8", guest_cr8, has(HVMOD_FEATURE_TPR_SHADOW));
	count_exits(vcpu, mode, "TPR", guest_tpr, has(base));
	count_exits(vcpu, mode, "reads", guest_reads, has(base | HVMOD_FEATURE_APIC_REG));
	count_exits(vcpu, mode, "an interrupt to itself", guest_ipi,
		    has(base | HVMOD_FEATURE_VID));
	x86_start(vcpu, guest_priorities);
	hv_run_to_done(vcpu, "priorities");
	x86_start(vcpu, guest_nested);
	hv_run_to_done(vcpu, "one in service");
	x86_start(vcpu, guest_filter);
	hv_run_to_done(vcpu, "what may be written");
	run_level(vcpu, mode);
}

static void test_no_page(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hv_vcpu *other = hv_vcpu_new(vm, 1);
	struct hvmod_run *run = other->run;
	u32 answer = 0xabcd0123;
	enum hv_what what;
	u32 reads = 0, writes = 0;

	x86_start(other, guest_no_page);
	while ((what = hv_talk(other)) == HV_OTHER && run->exit_reason == HVMOD_EXIT_MMIO) {
		if (run->mmio.is_write)
			writes += run->mmio.gpa == APIC_BASE + APIC_TPR;
		else
			reads += run->mmio.gpa == APIC_BASE + APIC_ID;
		memcpy(run->mmio.data, &answer, sizeof(answer));
	}
	tap_ok(what == HV_DONE && reads == 1 && writes == 1,
	       "x2APIC mode: the page is the launcher's");
	x86_start(vcpu, guest_priorities);
	hv_run_to_done(vcpu, "and still the APIC of the other vCPU");
	x86_start(vcpu, guest_nested);
	hv_run_to_done(vcpu, "with one in service");
	hv_vcpu_free(other);
}

/* Everything but memory goes to another VM and comes back. */
static void test_save(struct hv_vcpu *vcpu, const char *name)
{
	struct hv_vm *vm2 = hv_vm_new(2 << 20);
	struct hv_vcpu *to = hv_vcpu_new(vm2, 0);
	struct hvmod_events events;
	struct hvmod_lapic lapic;
	struct hvmod_sregs sregs;
	struct hvmod_regs regs;

	x86_start(vcpu, guest_save);
	hv_need(hv_talk(vcpu) == HV_SYNC && vcpu->value == ASK_SAVE);
	hv_get_regs(vcpu, &regs);
	hv_get_sregs(vcpu, &sregs);
	hv_need(!hv_get(vcpu, HVMOD_STATE_EVENTS, &events, sizeof(events)));
	hv_need(!hv_get(vcpu, HVMOD_STATE_LAPIC, &lapic, sizeof(lapic)));
	memcpy(vm2->mem, vcpu->vm->mem, vm2->size);
	hv_set_sregs(to, &sregs);
	hv_set_regs(to, &regs);
	hv_need(!hv_set(to, HVMOD_STATE_LAPIC, &lapic, sizeof(lapic)));
	hv_need(!hv_set(to, HVMOD_STATE_EVENTS, &events, sizeof(events)));
	hv_run_to_done(to, name);
	hv_vcpu_free(to);
	hv_vm_free(vm2);
	/* The first one goes on where it was. */
	got[LOW] = 0;
	hv_run_to_done(vcpu, "and where it was saved");
}

static void *spin_thread(void *arg)
{
	return (void *)(uintptr_t)(hv_talk(arg) == HV_DONE);
}

/* The vCPU that gets them exits for what the host does only. */
static void test_posted(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
	struct hv_vcpu *other = hv_vcpu_new(vm, 1);
	u64 before = 0, after = 0;
	enum hv_what what;
	pthread_t thread;
	void *ended;

	x86_start(other, guest_spin);
	hv_need(!pthread_create(&thread, NULL, spin_thread, other));
	x86_start(vcpu, guest_post);
	while ((what = hv_talk(vcpu)) == HV_SYNC) {
		if (vcpu->value == ASK_BEGIN)
			before = x86_stat(other).exits[1];
		else
			after = x86_stat(other).exits[1];
	}
	spin_end = 1;
	pthread_join(thread, &ended);
	tap_ok(what == HV_DONE && ended, "interrupts from one vCPU to another that runs");
	if (has(HVMOD_FEATURE_POSTED_INTR | HVMOD_FEATURE_X2APIC_VIRT) &&
	    sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
	    !tap_ok(after - before < ROUNDS / 2, "they make no exits"))
		tap_note("%llu exits", (unsigned long long)(after - before));
	hv_vcpu_free(other);
}

int main(void)
{
	struct hvmod_vm_create args = { .kind = HVMOD_KIND_PC, .devices = HVMOD_DEV_IOAPIC };
	struct hv_vm *vm = hv_vm_new_args(2 << 20, &args);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	features = hv_cap(vm->dev, HVMOD_CAP_FEATURES);
	tap_note("features %#llx", (unsigned long long)features);
	run_mode(vcpu, "xAPIC");
	test_save(vcpu, "xAPIC: saved in a handler, it ends in another VM");
	x86_start(vcpu, guest_modes);
	hv_run_to_done(vcpu, "modes");
	x86_start(vcpu, to_x2apic);
	hv_run_to_done(vcpu, "to x2APIC");
	run_mode(vcpu, "x2APIC");
	test_save(vcpu, "x2APIC: saved in a handler, it ends in another VM");
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);

	x2 = false;
	vm = hv_vm_new(2 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	test_no_page(vm, vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);

	vm = hv_vm_new(2 << 20);
	vcpu = hv_vcpu_new(vm, 0);
	test_posted(vm, vcpu);
	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
