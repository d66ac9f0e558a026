# SPDX-License-Identifier: GPL-2.0
# The same with two vCPUs; then a guest that crashes says so by SCHEDOP_shutdown.
. "${0%/*}/pvh.inc"
bad='Unstable|ACPI (Error|Warning)'
pvh 4 2 'nproc;cat,/proc/interrupts;echo,c,>/proc/sysrq-trigger' &&
	grep 'the guest reported that it crashed' /tmp/pvh.log
