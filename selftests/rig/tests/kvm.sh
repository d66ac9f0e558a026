# SPDX-License-Identifier: GPL-2.0
# With kvm_intel loaded, whether it holds VMX already (since Linux 6.12) or only
# with its first guest: our load is refused with who it is and how to free VMX,
# and works afterwards; and so does KVM's after ours.

fail() { echo "FAIL: $*"; exit 1; }
dir=/lib/modules/$(uname -r)

[ -e "$dir/kvm-intel.ko" ] || { echo "this kernel has no KVM module"; exit 4; }
modprobe kvm_intel || fail "KVM does not load"
dmesg -c >/dev/null
insmod /rig/hvmod.ko 2>/tmp/err && fail "it loads beside KVM"
cat /tmp/err
grep -q "busy" /tmp/err || fail "the error is not EBUSY"
dmesg | grep 'hvmod:' | grep KVM | grep 'modprobe -r kvm_intel' ||
	fail "it does not name KVM and the command that frees VMX"
[ ! -e /dev/hvmod ] || fail "/dev/hvmod is there"
[ ! -e /sys/module/hvmod ] || fail "/sys/module/hvmod is there"
rmmod kvm-intel || rmmod kvm_intel || fail "KVM does not unload"
insmod /rig/hvmod.ko || fail "it does not load after KVM is gone"
rmmod hvmod || fail "it does not unload"

# KVM must find VMX free again.
insmod "$dir/kvm-intel.ko" || fail "KVM does not load after us"
rmmod kvm_intel
rmmod kvm
exit 0
