# SPDX-License-Identifier: GPL-2.0
# The same with two vCPUs; then a guest that reboots says so by SCHEDOP_shutdown.
hvctl run --type pvh --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd --memory 192M --vcpus 2 --stat \
	--append 'console=hvc0 cryptomgr.notests rig.run=nproc;cat,/proc/interrupts;echo,c,>/proc/sysrq-trigger' < /dev/null
[ $? = 4 ]
