/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace events hvmod:*.  Each stands in the code beside what it reports;
 * perf, trace-cmd and tracefs read them as they are.  They never change state.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hvmod

#if !defined(MODULE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MODULE_TRACE_H

#include <linux/tracepoint.h>

#include "module/compat.h"

TRACE_EVENT(hvmod_entry,
	TP_PROTO(u32 vcpu, unsigned long rip),
	TP_ARGS(vcpu, rip),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(unsigned long, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->rip = rip;
	),
	TP_printk("vcpu %u rip 0x%lx", __entry->vcpu, __entry->rip)
);

TRACE_EVENT(hvmod_exit,
	TP_PROTO(u32 vcpu, u32 reason, const char *name, unsigned long rip, u64 info),
	TP_ARGS(vcpu, reason, name, rip, info),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, reason)
		__string(name, name)
		__field(unsigned long, rip)
		__field(u64, info)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->reason = reason;
		hvmod_assign_str(name, name);
		__entry->rip = rip;
		__entry->info = info;
	),
	TP_printk("vcpu %u reason %u %s rip 0x%lx info 0x%llx", __entry->vcpu,
		  __entry->reason, __get_str(name), __entry->rip, __entry->info)
);

TRACE_EVENT(hvmod_inject,
	TP_PROTO(u32 vcpu, u32 info, u32 error),
	TP_ARGS(vcpu, info, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, info)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->info = info;
		__entry->error = error;
	),
	TP_printk("vcpu %u vector 0x%x type %u error 0x%x", __entry->vcpu,
		  __entry->info & 0xff, (__entry->info >> 8) & 7, __entry->error)
);

TRACE_EVENT(hvmod_ept_map,
	TP_PROTO(u64 gfn, u64 pfn, int level, u32 prot),
	TP_ARGS(gfn, pfn, level, prot),
	TP_STRUCT__entry(
		__field(u64, gfn)
		__field(u64, pfn)
		__field(int, level)
		__field(u32, prot)
	),
	TP_fast_assign(
		__entry->gfn = gfn;
		__entry->pfn = pfn;
		__entry->level = level;
		__entry->prot = prot;
	),
	TP_printk("gfn 0x%llx pfn 0x%llx level %d prot %u", __entry->gfn, __entry->pfn,
		  __entry->level, __entry->prot)
);

TRACE_EVENT(hvmod_hypercall,
	TP_PROTO(u32 vcpu, unsigned long nr, unsigned long op, const char *name, long result),
	TP_ARGS(vcpu, nr, op, name, result),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(unsigned long, nr)
		__field(unsigned long, op)
		__string(name, name)
		__field(long, result)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->nr = nr;
		__entry->op = op;
		hvmod_assign_str(name, name);
		__entry->result = result;
	),
	TP_printk("vcpu %u %lu %s (first argument 0x%lx) = %ld", __entry->vcpu, __entry->nr,
		  __get_str(name), __entry->op, __entry->result)
);

#endif /* MODULE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
