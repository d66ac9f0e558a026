// SPDX-License-Identifier: GPL-2.0
/*
 * What a user is told of a machine: counters and crashes.  launch.c calls it.
 * It must not change the machine, and it must cope with a module that answers
 * no question about a VM that it killed.
 */
#include <string.h>

#include "userspace/log.h"
#include "userspace/report.h"
#include "userspace/stat.h"

#define LAST_EXITS	24

void report_stat(struct machine *m)
{
	json_t *stat = stat_json(m);
	u32 r;

	stat_print(stat, log_note);
	json_decref(stat);
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
