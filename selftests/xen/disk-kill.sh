# SPDX-License-Identifier: GPL-2.0
# hvctl is killed with -9 while the guest writes: each block that the guest said
# is flushed is in the file.
. /rig/bin/xen/disk.inc

truncate -s 8M /tmp/disk
GUEST='
i=0
while [ $i -lt 2000 ]; do
	printf "block %08d" $i | dd of=/dev/xvda bs=4k seek=$i conv=fsync,notrunc 2>/dev/null
	echo "flushed $i"
	i=$((i + 1))
done
'
disk_start "$GUEST" --disk /tmp/disk
limit=600
until [ "$(grep -c '^flushed' /tmp/guest.log)" -ge 30 ]; do
	sleep 1
	limit=$((limit - 1))
	[ $limit -gt 0 ] || { cat /tmp/guest.log; echo "nothing is flushed"; exit 1; }
done
kill -9 $pid
wait $pid 2>/dev/null
last=$(tr -d '\r' </tmp/guest.log | sed -n 's/^flushed //p' | tail -n 1)
i=0
while [ $i -le "$last" ]; do
	found=$(dd if=/tmp/disk bs=4k skip=$i count=1 2>/dev/null | head -c 14)
	[ "$found" = "$(printf 'block %08d' $i)" ] ||
		{ echo "block $i was flushed, and is not there: $found"; exit 1; }
	i=$((i + 1))
done
echo "$((last + 1)) blocks were flushed before the kill, all are there"
