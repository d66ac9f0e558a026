# SPDX-License-Identifier: GPL-2.0
# CPUs that go and come leave and enter VMX; the module loads with one offline
# and takes it when it comes.

cpu=/sys/devices/system/cpu/cpu1
if [ ! -e $cpu/online ]; then
	echo "one CPU only"
	exit 4
fi
fail() { echo "FAIL: $*"; exit 1; }

insmod /rig/hvmod.ko || fail "it does not load"
i=0
while [ $i -lt 5 ]; do
	i=$((i + 1))
	echo 0 >$cpu/online || fail "CPU 1 does not go offline"
	[ "$(cat $cpu/online)" = 0 ] || fail "CPU 1 is not offline"
	echo 1 >$cpu/online || fail "CPU 1 does not come online"
	[ "$(cat $cpu/online)" = 1 ] || fail "CPU 1 is not online"
done
rmmod hvmod || fail "it does not unload"

echo 0 >$cpu/online
insmod /rig/hvmod.ko || fail "it does not load with a CPU offline"
echo 1 >$cpu/online || fail "CPU 1 does not come online under the module"
rmmod hvmod || fail "it does not unload"

insmod /rig/hvmod.ko || fail "it does not load again"
echo 0 >$cpu/online
rmmod hvmod || fail "it does not unload with a CPU offline"
echo 1 >$cpu/online
exit 0
