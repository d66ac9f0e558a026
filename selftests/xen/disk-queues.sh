# SPDX-License-Identifier: GPL-2.0
# Debian's blkfront with a queue for each of its vCPUs, both of which write and read
# at once, with persistent grants and without; and what it discards is free in the
# host.
. /rig/bin/xen/disk.inc

MB=4
GUEST='
echo "queues: $(ls /sys/block/xvda/mq | wc -l)"
dmesg | grep -o "blkfront: xvda: .*"
head -c '$((MB * 1024 * 1024))' /dev/urandom >/tmp/pattern
half='$((MB * 8))'
for cpu in 0 1; do
	taskset $((cpu + 1)) dd if=/tmp/pattern of=/dev/xvda bs=64k count=$half \
		skip=$((cpu * half)) seek=$((cpu * half)) conv=fsync 2>/dev/null &
done
wait
echo 3 >/proc/sys/vm/drop_caches
for cpu in 0 1; do
	taskset $((cpu + 1)) dd if=/dev/xvda bs=64k count=$half skip=$((cpu * half)) 2>/dev/null >/tmp/half.$cpu &
done
wait
echo "wrote: $(sha256sum </tmp/pattern | cut -d" " -f1)"
echo "read: $(cat /tmp/half.0 /tmp/half.1 | sha256sum | cut -d" " -f1)"
echo "second: $(sha256sum </tmp/half.1 | cut -d" " -f1)"
blkdiscard -o 0 -l '$((MB / 2))'M /dev/xvda && echo "discard: done"
poweroff -f
'

# queues GRANTS [FLAG]
queues() {
	truncate -s 0 /tmp/disk
	truncate -s ${MB}M /tmp/disk
	disk_guest "$GUEST" --vcpus 2 --disk "/tmp/disk,discard$2" --debug || return 1
	[ "$(word queues)" = 2 ] || { echo "not two queues"; return 1; }
	grep "blkfront: xvda: .*persistent grants: $1" /tmp/guest.log ||
		{ echo "persistent grants are not $1"; return 1; }
	grep -q 'disk xvda, queue 0: [1-9].*, [1-9][0-9]* writes' /tmp/guest.log &&
		grep -q 'disk xvda, queue 1: [1-9].*, [1-9][0-9]* writes' /tmp/guest.log ||
		{ echo "one queue did nothing"; return 1; }
	[ -n "$(word wrote)" ] && [ "$(word wrote)" = "$(word read)" ] ||
		{ echo "written $(word wrote), read $(word read)"; return 1; }
	[ "$(word discard)" = done ] || { echo "nothing was discarded"; return 1; }
	[ "$(tail -c $((MB * 512 * 1024)) /tmp/disk | sha256sum | cut -d' ' -f1)" = "$(word second)" ] ||
		{ echo "what was not discarded is another"; return 1; }
	head -c $((MB * 512 * 1024)) /tmp/disk | tr -d '\0' | grep -q . &&
		{ echo "what was discarded is not zero"; return 1; }
	[ "$(stat -c %b /tmp/disk)" -le $((MB * 1024 + 64)) ] ||
		{ echo "the host has $(stat -c %b /tmp/disk) blocks of it"; return 1; }
}

queues disabled && queues enabled ,persistent
