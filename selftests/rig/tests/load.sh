# SPDX-License-Identifier: GPL-2.0
# Load and unload again and again; every load takes every CPU, and nothing is
# left after an unload.

times=${LOADS:-50}
cpus=$(nproc)
i=0

while [ $i -lt "$times" ]; do
	i=$((i + 1))
	insmod /rig/hvmod.ko || { echo "load $i failed"; exit 1; }
	[ -c /dev/hvmod ] || { echo "no /dev/hvmod after load $i"; exit 1; }
	rmmod hvmod || { echo "unload $i failed"; exit 1; }
	[ ! -e /dev/hvmod ] || { echo "/dev/hvmod is left after unload $i"; exit 1; }
	[ ! -e /sys/kernel/debug/hvmod ] || { echo "debugfs files are left"; exit 1; }
done
echo "loaded and unloaded $times times on $cpus CPUs"
