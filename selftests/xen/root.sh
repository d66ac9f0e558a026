# SPDX-License-Identifier: GPL-2.0
# root KERNEL VCPUS: Debian, with its kernel 6.1 or 6.12, cloud or amd64, from its own root file
# system on xvda: a tree of files is written with Debian's tools, flushed, and
# checked by hash after a reboot of the guest and after a start of another hvctl;
# the image is whole afterwards.
. /rig/bin/xen/disk.inc

guest=/boot/guest-$1
vcpus=$2
cp /boot/root.img /tmp/root.img

# /sbin/init of this Debian: a script, which goes into the image by the guest itself.
INIT='#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo "hypervisor: $(cat /sys/hypervisor/type), $(nproc) CPUs, Linux $(uname -r)"
dmesg | grep -E "Hypervisor detected|Booting (paravirtualized )?kernel|Xen version"
echo "debian: $(cat /etc/debian_version), root $(awk "\$2 == \"/\" { print \$1, \$3 }" /proc/mounts | tail -n 1)"
if [ ! -e /tree.sums ]; then
	mkdir /tree
	cp -a /usr/lib/x86_64-linux-gnu/perl-base /usr/share/perl5 /usr/share/zoneinfo /var/lib/dpkg /tree/
	(cd /tree && find . -type f -print0 | sort -z | xargs -0 sha256sum) >/tree.sums
	echo "tree: $(wc -l </tree.sums) files, $(du -sk /tree | cut -f1) kB"
	echo "sums: $(sha256sum </tree.sums | cut -d" " -f1)"
	sync
	echo b >/proc/sysrq-trigger
fi
(cd /tree && sha256sum --quiet -c /tree.sums) && echo "checked: $(sha256sum </tree.sums | cut -d" " -f1)"
# dpkg --verify ends well whatever it finds, and names what build-rootfs left out.
found=$(dpkg --verify dpkg coreutils bash) &&
	! grep -vE "^missing +/usr/share/(man|doc|locale|info)(/|$)" <<<"$found" && echo "verify: ok"
mount -o remount,ro /
# A PVH guest has no ACPI power-off: reboot(2) halts it then, sysrq would do nothing.
exec perl -e "syscall(169, 0xfee1dead, 672274793, 0x4321fedc)"
'

GUEST='
mount -t ext4 /dev/xvda /mnt
cat >/mnt/sbin/rig-init <<"EOT"
'$INIT'
EOT
chmod 755 /mnt/sbin/rig-init
umount /mnt
poweroff -f
'

# debian: boot it; hvctl starts the guest again when it reboots.
# The amd64 kernel looks for writable code for 20 s in the emulator, and by then its
# watchdogs have had enough.
debian() {
	words="console=hvc0 quiet cryptomgr.notests rig.root=/dev/xvda init=/sbin/rig-init"
	hvctl run --type pvh --kernel "$guest/vmlinuz" --initrd "$guest/initrd" \
		--vcpus "$vcpus" --memory 256M --disk /tmp/root.img --append \
		"$words watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120" \
		</dev/null >/tmp/guest.log 2>&1 &
	pid=$!
	# What it says while it runs: a run that stands still shows where.
	tail -n +1 -f /tmp/guest.log &
	tail=$!
	wait $pid
	status=$?
	sleep 2
	kill $tail
	whole
}

disk_guest "mkdir -p /mnt$GUEST" --disk /tmp/root.img || exit 1
debian || exit 1
grep -q "^hypervisor: xen, $vcpus CPUs, Linux ${1%-*}\." /tmp/guest.log &&
	grep -q 'Hypervisor detected: Xen' /tmp/guest.log ||
	{ echo "not Linux $1 with $vcpus CPUs on Xen"; exit 1; }
sums=$(word sums)
[ -n "$sums" ] && [ "$(word checked)" = "$sums" ] ||
	{ echo "written $sums, read $(word checked)"; exit 1; }
[ "$(word verify)" = ok ] || { echo "Debian's own files differ"; exit 1; }
debian || exit 1
[ "$(word checked)" = "$sums" ] || { echo "another hvctl reads $(word checked)"; exit 1; }
