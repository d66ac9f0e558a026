#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What Linux does for its programs, in the host itself and in guests: the same
# program, the same kernel of Debian's, one CPU. Under KVM and under hvmod as a PC,
# under hvmod as a PVH guest with a disk of Xen's. Prints a table and BENCH lines.
# In a host that is Xen's first domain, only the host's column.

program=/rig/bin/bench/inside
column=bare
grep -q xen /sys/hypervisor/type 2>/dev/null && column=xen
mkdir -p /tmp/in /tmp/res
cp $program /tmp/in/linux
(cd /tmp/in && echo linux | cpio -o -H newc) >/tmp/initrd 2>/dev/null
cat /boot/guest/initrd >>/tmp/initrd

# guest NAME CONSOLE LAUNCHER COMMANDS [OPTION...]
guest() {
	name=$1 console=$2 launcher=$3 commands=$4
	shift 4
	"$launcher" run --kernel /boot/guest/vmlinuz --initrd /tmp/initrd --memory 192M --no-jail \
		--append "console=$console quiet cryptomgr.notests rig.run=mkdir,-p,/tmp;ifconfig,lo,127.0.0.1;$commands" \
		"$@" </dev/null >/tmp/$name.log 2>&1
	tr -d '\r' </tmp/$name.log | grep '^LINUX' >/tmp/res/$name
	grep -q 'guest: exit status 0' /tmp/$name.log || {
		tr -d '\r' </tmp/$name.log | tail -n 20
		echo "$name: the guest did not measure"
		rc=1
	}
}

rc=0
$program $program | grep '^LINUX' >/tmp/res/$column || rc=1
if [ $column = bare ]; then
	if modprobe kvm_intel; then
		guest kvm ttyS0 /rig/bin/bench/kvmctl /linux,/linux
		rmmod kvm_intel kvm || exit 2
	fi
	insmod /rig/hvmod.ko || exit 2
	guest hvmod ttyS0 hvctl /linux,/linux
	truncate -s 1M /tmp/disk
	[ -e /dev/net/tun ] || modprobe tun
	tunctl -t tap0 >/dev/null && ip addr add 10.9.0.1/24 dev tap0 && ip link set tap0 up || exit 2
	$program serve 7000 &
	server=$!
	mask=netmask,255.255.255.0
	guest pvh hvc0 hvctl "ifconfig,eth0,10.9.0.2,$mask;ifconfig,eth1,10.0.2.15,$mask;/linux,/linux,tap=10.9.0.1:7000,user=10.0.2.2:7000" \
		--type pvh --disk /tmp/disk --net tap,ifname=tap0 --net user
	kill $server
	tunctl -d tap0 >/dev/null
	rmmod hvmod || exit 2
fi

awk -v columns="bare xen kvm hvmod pvh" '
BEGIN {
	n = split(columns, name, " ")
	title["syscall"] = "null system call"; title["fault"] = "page fault, anonymous"
	title["mmap"] = "mmap and munmap of 64 KiB"; title["pipe"] = "512 bytes through a pipe of its own"
	title["file_write"] = "4 KiB into a file in memory"; title["file_read"] = "4 KiB out of it"
	title["switch"] = "to another process and back, by pipes"
	title["tcp"] = "to another process and back, by TCP"
	title["fork"] = "fork, exit, wait"; title["exec"] = "fork, exec, exit, wait"
	title["tap_byte"] = "a byte to the host and back, tap"
	title["tap_bulk"] = "64 KiB to the host, tap"
	title["user_byte"] = "a byte to the host and back, user"
	title["user_bulk"] = "64 KiB to the host, user"
	title["disk_write"] = "4 KiB to the disk"; title["disk_read"] = "4 KiB from the disk"
	for (i = 1; i <= n; i++) {
		file = "/tmp/res/" name[i]
		while ((getline line < file) > 0) {
			split(line, w, " ")
			median[name[i], w[2]] = w[3]
			if (!(w[2] in seen)) { seen[w[2]] = 1; order[++ops] = w[2] }
		}
	}
	printf "%-40s", ""
	for (i = 1; i <= n; i++) printf " %9s", name[i]
	print ""
	for (o = 1; o <= ops; o++) {
		op = order[o]
		if (op == "nothing") continue
		printf "%-40s", title[op]
		json = ""
		for (i = 1; i <= n; i++) {
			if (!((name[i], op) in median)) { printf " %9s", "-"; continue }
			v = median[name[i], op] - median[name[i], "nothing"]
			printf " %9d", v
			json = json sprintf(", \"%s\": %d", name[i], v)
		}
		print ""
		bench = bench sprintf("BENCH {\"bench\": \"linux\", \"name\": \"%s\", \"title\": \"%s\"%s}\n", op, title[op], json)
	}
	printf "%s", bench
}'
exit $rc
