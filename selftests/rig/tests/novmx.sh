# SPDX-License-Identifier: GPL-2.0
# On a processor without VMX the module refuses to load, says why, and leaves
# nothing behind.

fail() { echo "FAIL: $*"; exit 1; }

grep -qw vmx /proc/cpuinfo && { echo "this processor has VMX"; exit 4; }
[ -e /rig/hvmod.ko ] || fail "no module"
dmesg -c >/dev/null
before=$(cat /proc/misc /proc/devices)

insmod /rig/hvmod.ko 2>/tmp/err && fail "it loads"
cat /tmp/err
dmesg | grep hvmod: | grep -v 'taints kernel\|verification failed' ||
	fail "it does not say why"
case $(cat /tmp/err) in
*"No such device"* | *"not supported"*) ;;
*) fail "the error does not say that the device is missing" ;;
esac
[ ! -e /sys/module/hvmod ] || fail "/sys/module/hvmod is there"
[ ! -e /dev/hvmod ] || fail "/dev/hvmod is there"
[ ! -e /sys/class/misc/hvmod ] || fail "/sys/class/misc/hvmod is there"
[ ! -e /sys/kernel/debug/hvmod ] || fail "debugfs files are there"
[ "$before" = "$(cat /proc/misc /proc/devices)" ] || fail "a device is left"
grep -l hvmod /proc/[0-9]*/comm 2>/dev/null && fail "a thread is left"

# Again: the first refusal must not have changed anything.
insmod /rig/hvmod.ko 2>/dev/null && fail "it loads the second time"
exit 0
