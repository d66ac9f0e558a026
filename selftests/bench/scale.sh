#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does an operation cost more when a guest has more memory, or when there are more
# guests? Median instructions; fails when one becomes more than 10 % dearer.

bench=/rig/bin/bench/exits
ops="cpuid pic_read apic_lvtt kick_pio kick_irq user_in ept_4k dirty_4k"
rc=0

# median FILE OPERATION
median() {
	awk -v op="$2" '$1 == "result" && $3 == op { print $5 }' "$1"
}

# series NAME UNIT OPTION VALUE...: runs once for each value and compares with the first.
series() {
	name=$1 unit=$2 option=$3
	shift 3
	first=$1
	for v; do
		"$bench" run hvmod "$option" "$v" $ops >/tmp/$name.$v || {
			cat /tmp/$name.$v
			rc=1
		}
	done
	printf '%-12s' "$name"
	for v; do printf ' %8s' "$v"; done
	echo " $unit"
	for op in $ops; do
		printf '%-12s' "$op"
		base=$(median /tmp/$name.$first $op)
		for v; do
			m=$(median /tmp/$name.$v $op)
			printf ' %8s' "$m"
			[ -n "$m" ] && [ $((m * 10)) -le $((base * 11)) ] || rc=1
		done
		echo
		last=$m
		echo "BENCH {\"bench\": \"scale\", \"name\": \"$name $op\", \"title\": \"$op with $v $unit, beside $base with $first\", \"value\": ${last:-0}, \"unit\": \"instructions\"}"
	done
}

series memory MiB -m 128 1024 8192 65536
series guests guests -g 1 10 100
exit $rc
