# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel boots to a shell that runs commands and powers off, with
# few and with many vCPUs, with little memory and with more than the host has.
# It judges what the guest printed. It must not judge how long that took.

n=0
result() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi; }

# boot VCPUS MEMORY KB: 0 if the guest came up whole and powered off. The
# crypto self tests are two thirds of a boot and tell nothing about us.
boot() {
	hvctl run --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd \
		--memory "$2" --vcpus "$1" --stat --append \
		"console=ttyS0 quiet cryptomgr.notests rig.run=nproc;dmesg;echo,shell,works" \
		< /dev/null > /tmp/boot.log 2>&1
	status=$?
	tr -d '\r' < /tmp/boot.log
	[ $status = 0 ] || { echo "hvctl's exit status is $status"; return 1; }
	grep -q "guest: up with $1 CPUs" /tmp/boot.log || { echo "not up with $1 CPUs"; return 1; }
	kb=$(sed -n 's/.*guest: up with .* CPUs, \([0-9]*\) kB.*/\1/p' /tmp/boot.log)
	[ "$kb" -ge "$3" ] || { echo "$kb kB, not $3"; return 1; }
	grep -q '^shell works' /tmp/boot.log || { echo "no shell"; return 1; }
	if grep -E 'WARNING:|BUG:|Oops|Call Trace|stall|soft lockup|not connected|ACPI (Error|Warning)' \
		/tmp/boot.log
	then
		echo "the guest's log has a warning"
		return 1
	fi
}

boot 1 128M 80000; result $? "1 vCPU, 128 MiB"
boot 2 1G 900000; result $? "2 vCPUs, 1 GiB"
boot 4 5G 4800000; result $? "4 vCPUs, 5 GiB"
echo "1..$n"
exit ${bad:-0}
