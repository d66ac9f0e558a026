# SPDX-License-Identifier: GPL-2.0
# Load, run guests, unload, again and again; a CPU that comes and goes between;
# every level of the kernel's own test of suspend. Flags: nomod,with:x86/hello.

fail() { echo "FAIL: $*"; exit 1; }
guest() { /rig/bin/x86/hello >/tmp/guest.log 2>&1 || { cat /tmp/guest.log; fail "$*"; }; }
cpu1=/sys/devices/system/cpu/cpu1/online

i=0
while [ $i -lt 50 ]; do
	i=$((i + 1))
	insmod /rig/hvmod.ko || fail "load $i"
	[ $((i % 5)) != 0 ] || guest "the guest after load $i"
	if [ -w $cpu1 ] && [ $((i % 10)) = 0 ]; then
		echo 0 >$cpu1 || fail "CPU 1 does not go offline"
		guest "a guest on the CPU that is left"
		[ $((i % 20)) = 0 ] || echo 1 >$cpu1
	fi
	[ "$(cat /sys/module/hvmod/refcnt)" = 0 ] || fail "users after load $i"
	rmmod hvmod || fail "unload $i"
	[ ! -w $cpu1 ] || [ "$(cat $cpu1)" = 1 ] || echo 1 >$cpu1
done
echo "loaded and unloaded $i times"

if [ -w /sys/power/pm_test ]; then
	for state in mem standby freeze; do
		grep -qw $state /sys/power/state && break
	done
	insmod /rig/hvmod.ko || fail "load before suspend"
	for level in freezer devices platform processors core; do
		grep -qw $level /sys/power/pm_test || continue
		echo $level >/sys/power/pm_test
		# A level that this state does not have is refused.
		if echo $state >/sys/power/state; then
			echo "suspended to $state up to: $level"
		else
			echo "the kernel refuses $state up to: $level"
		fi
		guest "a guest after suspend up to $level"
	done
	echo none >/sys/power/pm_test
	rmmod hvmod || fail "unload after suspend"
else
	echo "this kernel has no pm_test: suspend is not tried"
fi
exit 0
