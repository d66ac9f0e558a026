# SPDX-License-Identifier: GPL-2.0
# Debian's netfront over user-mode networking, as an ordinary user: DHCP, ping of
# the gateway, a file from a server of the host, one to it, and one through a
# forwarded port, with checksums and large segments left to the network and
# without.
. /rig/bin/xen/net.inc

SIZE=300000
mkdir -p /tmp/www
head -c $SIZE /dev/urandom >/tmp/www/down
mkfifo /tmp/hold
serve 127.0.0.1:8080

GUEST='
ip link set eth0 up
cat >/dhcp <<"E"
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/24 dev eth0
ip route add default via $router
echo "dhcp: $ip $router $dns"
E
chmod 755 /dhcp
udhcpc -f -q -n -i eth0 -s /dhcp
ping -c 2 10.0.2.2 && echo ping works
wget -q -O /tmp/down http://10.0.2.2:8080/down
echo "down: $(sha256sum /tmp/down | cut -d" " -f1)"
head -c '$SIZE' /dev/urandom >/tmp/up
echo "up: $(sha256sum /tmp/up | cut -d" " -f1)"
nc 10.0.2.2 5000 </tmp/up
mkfifo /hold
nc -l -p 22 >/tmp/in 9<>/hold <&9 &
nc 10.0.2.2 5001 </dev/null
wait
echo "forward: $(sha256sum /tmp/in | cut -d" " -f1)"
'

one() {
	echo "--- $*"
	rm -f /tmp/up
	nc -l -p 5000 >/tmp/up 9<>/tmp/hold <&9 &
	# The guest calls when it listens, and gets its file by the forwarded port.
	(nc -l -p 5001 </dev/null; nc 127.0.0.1 2222 </tmp/www/down) &
	net_guest "$GUEST" --stat --net "user,hostfwd=tcp:127.0.0.1:2222-:22$1" || return 1
	said 'dhcp: 10.0.2.15 10.0.2.2 10.0.2.3' && said 'ping works' &&
		said "^down: $(sum /tmp/www/down)" && said "^up: $(sum /tmp/up)" &&
		said "^forward: $(sum /tmp/www/down)"
}

one "" && one ",offload=off"
