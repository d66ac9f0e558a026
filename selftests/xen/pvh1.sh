# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel boots as a Xen PVH domain, runs commands and powers off.
. "${0%/*}/pvh.inc"
pvh 0 1 'nproc;uname,-a' && grep 'Hypervisor detected: Xen PVH' /tmp/pvh.log
