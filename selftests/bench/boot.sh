#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a boot of Debian's kernel to /init costs, under KVM and under hvmod, with
# the same launcher, kernel, initramfs and command line; then as a PVH guest. A line
# of figures and a BENCH line for each. It must not judge: the counts of one
# operation are bench/bench's.

bin=/rig/bin/bench

# one NAME CONSOLE LAUNCHER [OPTION...]: ticks of the whole machine, and what they are.
one() {
	name=$1 console=$2 launcher=$3
	shift 3
	"$bin/ticks" "$launcher" run --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd \
		--memory 128M --stat --no-jail --append \
		"console=$console quiet cryptomgr.notests rig.run=true" "$@" </dev/null >/tmp/$name.log 2>&1 || {
		tr -d '\r' </tmp/$name.log | tail -n 20
		echo "$name: the guest does not come up"
		return 1
	}
	tr -d '\r' </tmp/$name.log | grep -v '^guest:'
	grep -q 'guest: exit status 0' /tmp/$name.log || { echo "$name: no /init"; return 1; }
	busy=$(sed -n 's/^ticks .* busy //p' /tmp/$name.log)
	guest=$(sed -n 's/.*ticks: \([0-9]*\) in the guest.*/\1/p' /tmp/$name.log)
	exits=$(sed -n 's/.* \([0-9]*\) exits.*/\1/p' /tmp/$name.log | head -n 1)
	echo "BENCH {\"bench\": \"boot\", \"name\": \"$name\", \"busy\": $busy, \"own\": $((busy / 1000 * share / 1000)), \"guest\": ${guest:-null}, \"exits\": ${exits:-null}}"
	[ "$name" = kvm ] && kvm=$busy
	[ "$name" = hvmod ] && { hvmod=$busy; guest_ticks=$guest; }
	return 0
}

rc=0
# The host's timer interrupts, which it would have without a guest as well.
share=$("$bin/ticks" -s)
echo "the host's own interrupts: $share of 1000000 ticks"
if modprobe kvm_intel; then
	one kvm ttyS0 "$bin/kvmctl" || rc=1
	rmmod kvm_intel kvm || exit 2
fi
insmod /rig/hvmod.ko || exit 2
one hvmod ttyS0 hvctl || rc=1
one pvh hvc0 hvctl --type pvh || rc=1
rmmod hvmod || exit 2

# A guest executes the same instructions under both, but for its clocks.
if [ -n "$kvm" ] && [ -n "$hvmod" ] && [ -n "$guest_ticks" ]; then
	echo "host's side: KVM $((kvm - guest_ticks)), hvmod $((hvmod - guest_ticks))," \
		"$(((hvmod - guest_ticks) * 100 / (kvm - guest_ticks))) %"
	kvm_net=$((kvm - guest_ticks - kvm / 1000 * share / 1000))
	hvmod_net=$((hvmod - guest_ticks - hvmod / 1000 * share / 1000))
	echo "without the host's own interrupts: KVM $kvm_net, hvmod $hvmod_net," \
		"$((hvmod_net * 100 / kvm_net)) %"
fi
exit $rc
