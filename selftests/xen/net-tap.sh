# SPDX-License-Identifier: GPL-2.0
# Debian's netfront over a tap device: ping, and files both ways by TCP, with
# checksums and large segments left to the other side, and with neither.
. /rig/bin/xen/net.inc

SIZE=500000
[ -e /dev/net/tun ] || modprobe tun || exit 99
tunctl -t tap0 >/dev/null || exit 99
tap=tap0
ip addr add 10.9.0.1/24 dev tap0
ip link set tap0 up
mkdir -p /tmp/www
head -c $SIZE /dev/urandom >/tmp/www/down
mkfifo /tmp/hold
serve 10.9.0.1:80

GUEST='
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
cat /sys/class/net/eth0/address
ping -c 3 -s 1400 10.9.0.1 && echo ping works
wget -O /tmp/down http://10.9.0.1/down </dev/null 2>&1 | tail -n 2
echo "down: $(sha256sum /tmp/down | cut -d" " -f1)"
head -c '$SIZE' /dev/urandom >/tmp/up
echo "up: $(sha256sum /tmp/up | cut -d" " -f1)"
nc 10.9.0.1 5000 </tmp/up
grep -E "^(Tcp|Udp|Ip):" /proc/net/snmp
'

one() {
	echo "--- $*"
	rm -f /tmp/up
	# Without the pipe its input would end at once, and the connection with it.
	nc -l -p 5000 >/tmp/up 9<>/tmp/hold <&9 &
	net_guest "$GUEST" --stat --net "tap,ifname=tap0,mac=00:16:3e:0a:09:02$1" || return 1
	kill $! 2>/dev/null
	said '^00:16:3e:0a:09:02' && said 'ping works' &&
		said "^down: $(sum /tmp/www/down)" && said "^up: $(sum /tmp/up)"
}

one "" && one ",offload=off"
