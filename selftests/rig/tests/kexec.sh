# SPDX-License-Identifier: GPL-2.0
# The host starts another kernel with the module loaded and a guest running;
# that kernel gets all its CPUs and can load the module.

. "${0%/*}/ends.inc"
[ ! -e /rig/second ] || second_kernel
/rig/bin/stress/kexec load
rc=$?
[ $rc = 0 ] || exit $rc
busy_guest
/rig/bin/stress/kexec go
exit 1
