# SPDX-License-Identifier: GPL-2.0
# Four vCPUs; one goes and comes back, and it powers off.
. "${0%/*}/pvh.inc"
cpu=/sys/devices/system/cpu
pvh 0 4 "echo,0,>$cpu/cpu1/online;echo,left,\$(nproc);echo,1,>$cpu/cpu1/online;echo,again,\$(nproc);cat,/proc/interrupts" &&
	grep 'left 3' /tmp/pvh.log && grep 'again 4' /tmp/pvh.log
