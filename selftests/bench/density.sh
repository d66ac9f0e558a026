#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What guests cost while they do nothing: memory of the kernel and of the launcher
# for each, how often anything of theirs wakes up, and what it takes to start one.
# Fails when idle guests exit or wake, or when one takes more memory beside its RAM than
# LIMIT_KB.
#
#	density [GUESTS]

guests=${1:-100}
LIMIT_KB=3072
debug=/sys/kernel/debug
trace=/sys/kernel/tracing
[ -d $debug/hvmod ] || mount -t debugfs debugfs $debug 2>/dev/null
[ -e $trace/trace ] || mount -t tracefs tracefs $trace 2>/dev/null

free_kb() {
	# What is cached only is free.
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemFree/ { print $2 }' /proc/meminfo
}

start() {
	hvctl run --type pvh --kernel /rig/bin/bench/idle --memory 128M --name "idle$1" \
		</dev/null >/tmp/idle$1.log 2>&1 &
	pids="$pids $!"
}

# Exits of all vCPUs.
exits() {
	cat $debug/hvmod/vm*/vcpu* 2>/dev/null |
		awk '/^exit / { n += $NF } END { print n + 0 }'
}

# Times that a thread of a guest's launcher was given the processor.
switches() {
	for p in $pids; do
		cat /proc/$p/task/*/status
	done | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'
}

# KiB of the launchers' own, without the guests' RAM: that is the one mapping of
# 128 MiB.
launchers_kb() {
	for p in $pids; do
		awk '
			/^[0-9a-f]+-[0-9a-f]+ / { ram = 0 }
			/^Size:/ { ram = $2 >= 131072 }
			/^Private_(Clean|Dirty):/ { if (ram) mem += $2; else own += $2 }
			END { print own + 0, mem + 0 }' /proc/$p/smaps
	done | awk '{ own += $1; ram += $2 } END { print own + 0, ram + 0 }'
}

value() {
	echo "BENCH {\"bench\": \"density\", \"name\": \"$1\", \"title\": \"$2\", \"value\": $3, \"unit\": \"$4\"}"
}

pids=""
rc=0

# The first one fills caches, the second one is traced.
start a
sleep 1
kill -0 $pids 2>/dev/null || {
	cat /tmp/idlea.log
	echo "an idle guest does not run"
	exit 1
}
if [ -e $trace/trace_clock ] && grep -q x86-tsc $trace/trace_clock; then
	echo x86-tsc >$trace/trace_clock
	echo 1 >$trace/events/sched/sched_process_exec/enable
	echo 1 >$trace/events/hvmod/hvmod_entry/enable
	start b
	sleep 1
	echo 0 >$trace/tracing_on
	ticks=$(awk '
		/sched_process_exec.*hvctl/ { for (i = 1; i < NF; i++) if ($i ~ /^[0-9]+:$/) t = $i + 0 }
		/hvmod_entry/ && t && !e { for (i = 1; i < NF; i++) if ($i ~ /^[0-9]+:$/) { e = $i + 0; print e - t } }
	' $trace/trace)
	echo 0 >$trace/events/enable
	echo "from exec to the first entry: ${ticks:-unknown} ticks"
	[ -z "$ticks" ] || value start "launcher, from exec to the guest's first instruction" "$ticks" instructions
fi

before=$(free_kb)
old_own=$(launchers_kb)
i=0
while [ $i -lt $guests ]; do
	start $i
	i=$((i + 1))
done
# All of them halt.
n=0
while [ $n -lt 60 ]; do
	sleep 1
	[ "$(ls -d $debug/hvmod/vm* 2>/dev/null | wc -l)" -ge $((guests + 1)) ] && break
	n=$((n + 1))
done
sleep 5
after=$(free_kb)

set -- $(launchers_kb) $old_own
own=$((($1 - $3) / guests)) ram=$((($2 - $4) / guests))
all=$(((before - after) / guests))
kernel=$((all - own - ram))
echo "$guests idle guests: $all KiB each: $ram of RAM, $own of the launcher, $kernel of the kernel"
value launcher_kb "launcher's own memory for a guest" $own KiB
value kernel_kb "kernel's memory for a guest" $kernel KiB
if [ $((own + kernel)) -gt $LIMIT_KB ]; then
	echo "more than $LIMIT_KB KiB beside the RAM"
	rc=1
fi

e0=$(exits) s0=$(switches)
sleep 10
e1=$(exits) s1=$(switches)
echo "10 s idle: $((e1 - e0)) exits, $((s1 - s0)) switches to a launcher's thread"
value idle_exits "VM exits of $guests idle guests in 10 s" $((e1 - e0)) exits
value idle_wakes "wake-ups of their launchers in 10 s" $((s1 - s0)) wake-ups
[ "$e0" -gt 0 ] || { echo "no exit was counted at all"; rc=1; }
# One to begin with may still be under way.
[ $((e1 - e0)) -le 2 ] && [ $((s1 - s0)) -le $((guests / 10)) ] || rc=1

kill $pids
wait
exit $rc
