// SPDX-License-Identifier: GPL-2.0
/*
 * What a user is told of a machine: counters and crashes.  launch.c calls it.
 * It must not change the machine, and it must cope with a module that answers
 * no question about a VM that it killed.
 */
#include <string.h>

#include "userspace/log.h"
#include "userspace/report.h"

#define LAST_EXITS	24

static u64 sum_stats(struct machine *m, struct hvmod_vcpu_stat *sum)
{
	struct hvmod_vcpu_stat one;
	u64 total = 0;
	u32 i, r;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < m->vcpus; i++) {
		if (hvm_vcpu_stat(&m->vcpu[i].hvm, &one))
			continue;
		for (r = 0; r < HVMOD_MAX_EXIT_REASONS; r++) {
			sum->exits[r] += one.exits[r];
			total += one.exits[r];
		}
		sum->entries += one.entries;
		sum->to_user += one.to_user;
		sum->injected += one.injected;
		sum->halts += one.halts;
		sum->emulated += one.emulated;
		sum->guest_ticks += one.guest_ticks;
		sum->run_ticks += one.run_ticks;
		sum->halt_ticks += one.halt_ticks;
	}
	return total;
}

void report_stat(struct machine *m)
{
	struct hvmod_vcpu_stat sum;
	struct hvmod_vm_stat vm;
	u64 total = sum_stats(m, &sum);
	u32 r;

	log_note("%s: %u vCPUs, %llu exits", m->config->name, m->vcpus, total);
	for (r = 0; r < HVMOD_MAX_EXIT_REASONS; r++)
		if (sum.exits[r])
			log_note("  %-28s %12llu  %3llu%%", hvm_exit_name(r), sum.exits[r],
				 sum.exits[r] * 100 / total);
	log_note("  entries %llu, to hvctl %llu, interrupts %llu, halts %llu, emulated %llu",
		 sum.entries, sum.to_user, sum.injected, sum.halts, sum.emulated);
	if (sum.run_ticks)
		log_note("  ticks: %llu in the guest, %llu in the module for it, %llu halted",
			 sum.guest_ticks, sum.run_ticks - sum.guest_ticks - sum.halt_ticks,
			 sum.halt_ticks);
	if (!hvm_vm_stat(m->vm, &vm)) {
		log_note("  pages: %llu of 4K, %llu of 2M, %llu of 1G; %llu of tables", vm.pages_4k,
			 vm.pages_2m, vm.pages_1g, vm.ept_pages);
		log_note("  page faults %llu, TLB flushes %llu", vm.ept_faults, vm.flushes);
	}
	log_note("  accesses that no device took: %llu ports, %llu addresses",
		 atomic_load(&m->pio.unknown), atomic_load(&m->mmio.unknown));
	for (r = 0; r < m->devices.vifs; r++)
		vif_report(&m->devices.vif[r]);
}

static void report_registers(struct vcpu *vcpu)
{
	struct hvmod_sregs s;
	struct hvmod_regs r;

	if (hvm_vcpu_get_state(&vcpu->hvm, HVMOD_STATE_REGS, &r, sizeof(r)) ||
	    hvm_vcpu_get_state(&vcpu->hvm, HVMOD_STATE_SREGS, &s, sizeof(s)))
		return;
	log_error("  rip %016llx  rsp %016llx  rflags %08llx  cs %04x", r.rip,
		  r.gpr[HVMOD_RSP], r.rflags, s.cs.selector);
	log_error("  rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx", r.gpr[HVMOD_RAX],
		  r.gpr[HVMOD_RBX], r.gpr[HVMOD_RCX], r.gpr[HVMOD_RDX]);
	log_error("  rsi %016llx  rdi %016llx  rbp %016llx  r8  %016llx", r.gpr[HVMOD_RSI],
		  r.gpr[HVMOD_RDI], r.gpr[HVMOD_RBP], r.gpr[HVMOD_R8]);
	log_error("  cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %04llx", s.cr0,
		  s.cr2, s.cr3, s.cr4, s.efer);
}

static void report_exits(const struct vcpu *vcpu)
{
	int i = vcpu->record_count - LAST_EXITS;

	if (vcpu->record_count <= 0)
		return;
	log_error("  last exits of vCPU %u, the newest at the end:", vcpu->hvm.id);
	for (i = i < 0 ? 0 : i; i < vcpu->record_count; i++) {
		const struct hvmod_exit_record *e = &vcpu->records[i];

		log_error("  rip %016llx  info %016llx  extra %08x  %u %s", e->rip, e->info,
			  e->extra, e->reason, hvm_exit_name(e->reason));
	}
}

void report_crash(struct machine *m)
{
	bool told = false;
	u32 i;

	for (i = 0; i < m->vcpus; i++) {
		struct vcpu *vcpu = &m->vcpu[i];

		if (!vcpu->why[0])
			continue;
		told = true;
		log_error("%s cannot go on: vCPU %u: %s", m->config->name, i, vcpu->why);
		report_registers(vcpu);
		report_exits(vcpu);
	}
	if (!told)
		log_error("%s cannot go on: the module stopped it and gave no reason (see dmesg)",
			  m->config->name);
}
