#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The exit benchmark in a test host: KVM's column, then hvmod's, then the table.
# Only one hypervisor can hold VMX, so each is loaded for its own column. What
# both can run is in exits.c; what the figures mean is in performance.md.

bench=/rig/bin/bench/exits

if modprobe kvm_intel; then
	$bench run kvm >/tmp/kvm.out || cat /tmp/kvm.out
	rmmod kvm_intel kvm || exit 2
else
	echo "# no KVM: its column stays empty"
	: >/tmp/kvm.out
fi

: >/tmp/hvmod.out
if insmod /rig/hvmod.ko; then
	$bench run hvmod >/tmp/hvmod.out || cat /tmp/hvmod.out
	rmmod hvmod || exit 2
fi
exec $bench report /tmp/kvm.out /tmp/hvmod.out
