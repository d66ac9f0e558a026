# SPDX-License-Identifier: GPL-2.0
# A network card with two queues and a guest with two vCPUs: files by several
# connections at a time, both ways, over both queues.
. /rig/bin/xen/net.inc

[ -e /dev/net/tun ] || modprobe tun || exit 99
SIZE=200000
mkdir -p /tmp/www
for i in 1 2 3 4 5 6; do
	head -c $SIZE /dev/urandom >/tmp/www/$i
done

# hvctl makes the device, for the host's tools cannot make one of several queues.
(
	until ip addr add 10.9.0.1/24 dev tap1 2>/dev/null; do
		usleep 100000
	done
	ip link set tap1 up
	exec httpd -f -p 10.9.0.1:80 -h /tmp/www
) &
helpers=$!

GUEST='
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
echo "queues: $(ls -d /sys/class/net/eth0/queues/tx-* | wc -l)"
until ping -c 1 10.9.0.1 >/dev/null; do sleep 1; done
for i in 1 2 3 4 5 6; do
	wget -q -O - http://10.9.0.1/$i | sha256sum | sed "s/^/$i: /" &
done
wait
grep eth0 /proc/interrupts
'

net_guest "$GUEST" --vcpus 2 --stat --net tap,ifname=tap1 || exit 1
said 'queues: 2' || exit 1
for i in 1 2 3 4 5 6; do
	said "^$i: $(sum /tmp/www/$i)" || exit 1
done
# Both were used, and nothing was wrong.
for what in sent received; do
	[ "$(tr -d '\r' </tmp/guest.log | grep -c " $what [1-9][0-9]* packets, .*; 0 errors")" = 2 ] ||
		{ echo "not both queues have $what packets"; exit 1; }
done
