#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Which locks do vCPUs wait for that fault, or send events, at once? The kernel's
# own lock statistics, over bench/faults and bench/sends: the classes that were
# contended most, whosever they are. Needs two CPUs and CONFIG_LOCK_STAT.

stat=/proc/lock_stat
if [ ! -e $stat ]; then
	echo "this kernel has no lock statistics"
	exit 4
fi
rc=0
for what in faults sends; do
	echo 0 >$stat
	echo 1 >/proc/sys/kernel/lock_stat
	"/rig/bin/bench/$what" || rc=1
	echo 0 >/proc/sys/kernel/lock_stat
	echo "locks of bench/$what: contentions, us waited in all, acquisitions"
	# NAME: con-bounces contentions wait-min -max -total -avg acq-bounces acquisitions ...
	sed -n 's/^ *\(.*[^ ]\): *[0-9]* *\([0-9]*\) *[0-9.]* *[0-9.]* *\([0-9.]*\) *[0-9.]* *[0-9]* *\([0-9]*\) .*/\2 \3 \4 \1/p' $stat |
		sort -rn | head -n 12
done
exit $rc
