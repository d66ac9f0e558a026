# SPDX-License-Identifier: GPL-2.0
# A newer kernel of Debian's, with two vCPUs.
. "${0%/*}/pvh.inc"
guest=/boot/guest-6.12 memory=256M
pvh 0 2 'nproc;uname,-a;cat,/proc/interrupts' && grep 'Linux version 6.12' /tmp/pvh.log
