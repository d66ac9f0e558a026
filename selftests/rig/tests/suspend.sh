# SPDX-License-Identifier: GPL-2.0
# Suspend as far as the kernel's own test of it goes: all devices, the other
# CPUs and the core are suspended and resumed, with the module loaded.

if [ ! -w /sys/power/pm_test ]; then
	echo "this kernel has no pm_test"
	exit 4
fi
insmod /rig/hvmod.ko || exit 1
echo core >/sys/power/pm_test
for state in mem standby freeze; do
	grep -qw $state /sys/power/state && break
done
echo "suspending to $state, pm_test $(cat /sys/power/pm_test)"
if ! echo $state >/sys/power/state; then
	echo "the kernel does not suspend"
	exit 1
fi
[ -c /dev/hvmod ] || exit 1
rmmod hvmod || exit 1
insmod /rig/hvmod.ko && rmmod hvmod
