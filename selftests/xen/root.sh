# SPDX-License-Identifier: GPL-2.0
# Debian from its own root file system on xvda: a tree of files is written with
# Debian's tools, flushed, and checked by hash after a reboot of the guest and
# after a start of another hvctl; the image is whole afterwards.
. /rig/bin/xen/disk.inc

mv /boot/guest/root.img /tmp/root.img

# /sbin/init of this Debian: a script, which goes into the image by the guest itself.
INIT='#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
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
dpkg --verify dpkg coreutils bash && echo "verify: ok"
mount -o remount,ro /
echo o >/proc/sysrq-trigger
sleep 100
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
debian() {
	hvctl run --type pvh --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd --memory 192M \
		--disk /tmp/root.img --append \
		"console=hvc0 quiet cryptomgr.notests rig.root=/dev/xvda init=/sbin/rig-init" \
		</dev/null >/tmp/guest.log 2>&1
	status=$?
	tr -d '\r' </tmp/guest.log
	[ $status = 0 ] || { echo "hvctl's exit status is $status"; return 1; }
	if grep -E 'WARNING:|BUG:|Oops|Call Trace|I/O error|EXT4-fs error|blkfront:.*error' /tmp/guest.log
	then
		echo "the guest's log has a warning"
		return 1
	fi
}

disk_guest "mkdir -p /mnt$GUEST" --disk /tmp/root.img || exit 1
debian || exit 1
sums=$(word sums)
[ -n "$sums" ] && [ "$(word checked)" = "$sums" ] ||
	{ echo "written $sums, read $(word checked)"; exit 1; }
[ "$(word verify)" = ok ] || { echo "Debian's own files differ"; exit 1; }
debian || exit 1
[ "$(word checked)" = "$sums" ] || { echo "another hvctl reads $(word checked)"; exit 1; }
