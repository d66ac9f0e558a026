# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel boots as a Xen PVH domain, runs commands and powers off.
hvctl run --type pvh --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd --memory 192M --vcpus 1 --stat \
	--append 'console=hvc0 cryptomgr.notests rig.run=nproc;uname,-a;dmesg,|,grep,-i,xen' < /dev/null
