# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel as a PVH domain gives memory back through its balloon driver
# and takes it again. The host gets it: the launcher's resident size falls.

log=/tmp/balloon.log
dir=/sys/devices/system/xen_memory/xen_memory0
# Memory is used and free again before it is given back, and used again in the end.
use='dd,if=/dev/zero,of=/tmp/f,bs=1M,count=60,2>/dev/null;rm,/tmp/f'
run="cd,$dir;mkdir,/tmp;mount,-t,tmpfs,tmp,/tmp;$use;echo,at=full,\$(cat,info/current_kb);sleep,20;"
run="${run}echo,131072,>target_kb;for,i,in,1,2,3,4,5,6,7,8;do,sleep,2;done;"
run="${run}echo,at=low,\$(cat,info/current_kb);sleep,20;"
run="${run}echo,210000,>target_kb;for,i,in,1,2,3,4,5,6,7,8;do,sleep,2;done;$use;"
run="${run}echo,at=high,\$(cat,info/current_kb);dmesg,|,grep,-iE,'balloon|BUG|WARN|Call.Trace'"

hvctl run --type pvh --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd --memory 224M \
	--vcpus 1 --stat --append "console=hvc0 quiet cryptomgr.notests rig.run=$run" \
	</dev/null >$log 2>&1 &
pid=$!

# rss MARK: the launcher's resident kB when the guest says so.
rss() {
	while kill -0 $pid 2>/dev/null; do
		if grep -q "^at=$1" $log; then
			awk '/^VmRSS/ { print $2 }' /proc/$pid/status
			return
		fi
		sleep 1
	done
}

full=$(rss full)
low=$(rss low)
wait $pid
status=$?
tr -d '\r' <$log
[ $status = 0 ] || { echo "hvctl's exit status is $status"; exit 1; }
kb() {
	tr -d '\r' <$log | sed -n "s/^at=$1 \([0-9]*\)$/\1/p"
}
echo "resident: $full kB, then $low kB; the guest had $(kb full), $(kb low), $(kb high) kB"
[ "$(kb low)" -le 132000 ] || { echo "the guest did not shrink"; exit 1; }
[ "$(kb high)" -ge 209000 ] || { echo "the guest did not grow again"; exit 1; }
[ "$low" -lt $((full - 40000)) ] || { echo "the host did not get the memory"; exit 1; }
