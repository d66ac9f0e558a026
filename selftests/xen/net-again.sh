# SPDX-License-Identifier: GPL-2.0
# Front ends that go and come back, a guest that reboots, two cards, and user
# networks that end with their guest.
. /rig/bin/xen/net.inc

GUEST='
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ping -c 1 10.0.2.2 >/dev/null && echo first time
for i in 1 2; do
	echo vif-0 >/sys/bus/xen/drivers/vif/unbind
	[ -e /sys/class/net/eth0 ] && echo still there
	echo vif-0 >/sys/bus/xen/drivers/vif/bind
	# The front end makes it when the back end is ready.
	for second in 1 2 3 4 5 6 7 8 9 10; do
		[ -e /sys/class/net/eth0 ] && break
		sleep 1
	done
	ip addr add 10.0.2.15/24 dev eth0
	ip link set eth0 up
	ping -c 1 10.0.2.2 >/dev/null && echo again $i
done
ip link set eth0 down
ip addr add 10.0.2.15/24 dev eth1
ip link set eth1 up
ping -c 1 10.0.2.2 >/dev/null && echo second card
# The host answers once.
nc 10.0.2.2 5000 </dev/null && reboot -f
echo second boot
'

nc -l -p 5000 </dev/null >/dev/null &
net_guest "$GUEST" --net user --net user || exit 1
for words in 'first time' 'again 1' 'again 2' 'second card'; do
	[ "$(tr -d '\r' </tmp/guest.log | grep -c "^$words\$")" = 2 ] ||
		{ echo "not said in both boots: $words"; exit 1; }
done
said 'second boot' || exit 1
grep 'still there' /tmp/guest.log && exit 1
sleep 1
! grep -l hvctl-net /proc/[0-9]*/comm 2>/dev/null
