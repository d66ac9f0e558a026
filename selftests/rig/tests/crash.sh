# SPDX-License-Identifier: GPL-2.0
# The host panics with the module loaded and a guest running; the crash kernel
# comes up and can load the module. Needs crashkernel= on the host's command
# line.

. "${0%/*}/ends.inc"
[ ! -e /rig/second ] || second_kernel
if [ "$(cat /sys/kernel/kexec_crash_size 2>/dev/null || echo 0)" = 0 ]; then
	echo "no memory is reserved for a crash kernel"
	exit 4
fi
/rig/bin/stress/kexec crash
rc=$?
[ $rc = 0 ] || exit $rc
busy_guest
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
