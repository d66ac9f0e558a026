# SPDX-License-Identifier: GPL-2.0
# Debian's blkfront on a raw file: patterns written, flushed and read back by
# hash over a reboot of the guest, and a read-only disk beside it.
. /rig/bin/xen/disk.inc

MB=8
truncate -s ${MB}M /tmp/disk
truncate -s 1M /tmp/other
seq 1 200000 | head -c 1048576 >/tmp/other

# The first boot writes and reboots, the second reads: the same hvctl.
GUEST='
cat /sys/block/xvda/size /sys/block/xvda/queue/write_cache /sys/block/xvdb/ro
if [ -e /sys/block/xvda ] && [ "$(dd if=/dev/xvda bs=4k count=1 2>/dev/null | head -c 5)" = hvmod ]; then
	echo 3 >/proc/sys/vm/drop_caches
	echo "read: $(sha256sum </dev/xvda | cut -d" " -f1)"
	echo "other: $(sha256sum </dev/xvdb | cut -d" " -f1)"
	dd if=/dev/zero of=/dev/xvdb bs=4k count=1 conv=fsync 2>&1 | tail -n 1
	poweroff -f
fi
(echo hvmod; head -c '$((MB * 1024 * 1024 - 6))' /dev/urandom) >/tmp/pattern
dd if=/tmp/pattern of=/dev/xvda bs=64k conv=fsync
echo "wrote: $(sha256sum </tmp/pattern | cut -d" " -f1)"
reboot -f
'
disk_guest "$GUEST" --disk /tmp/disk --disk /tmp/other,access=ro --debug || exit 1
wrote=$(word wrote) read=$(word read) file=$(sum /tmp/disk)
[ -n "$wrote" ] && [ "$wrote" = "$read" ] && [ "$wrote" = "$file" ] ||
	{ echo "written $wrote, read $read, in the file $file"; exit 1; }
[ "$(word other)" = "$(sum /tmp/other)" ] || { echo "the read-only disk differs"; exit 1; }
grep -q 'disk xvda: 1 queues' /tmp/guest.log || { echo "not connected"; exit 1; }
echo "data survives a reboot"
