# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel boots as a Xen PVH domain, with the two-level event ABI, runs
# commands and powers off.
. "${0%/*}/pvh.inc"
abi=2-level words=xen.fifo_events=0
pvh 0 1 'nproc;uname,-a' && grep 'Booting kernel on Xen PVH' /tmp/pvh.log
