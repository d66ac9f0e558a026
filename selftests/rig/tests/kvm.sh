# SPDX-License-Identifier: GPL-2.0
# With KVM on the same machine: where KVM holds VMX from its load on (since
# Linux 6.12), our load is refused with who it is and how to free it, and works
# afterwards. Where it does not, both may be loaded.

fail() { echo "FAIL: $*"; exit 1; }
dir=/lib/modules/$(uname -r)

[ -e "$dir/kvm-intel.ko" ] || { echo "this kernel has no KVM module"; exit 4; }
for m in irqbypass kvm kvm-intel; do
	insmod "$dir/$m.ko" || fail "$m does not load"
done
dmesg -c >/dev/null
if insmod /rig/hvmod.ko 2>/tmp/err; then
	echo "KVM is loaded and does not hold VMX"
	rmmod hvmod || fail "it does not unload"
else
	cat /tmp/err
	grep -q "busy" /tmp/err || fail "the error is not EBUSY"
	dmesg | grep 'hvmod:' | grep -i kvm || fail "it does not name KVM"
	dmesg | grep 'hvmod:' | grep 'rmmod\|modprobe -r' ||
		fail "it does not name the command that frees VMX"
	[ ! -e /dev/hvmod ] || fail "/dev/hvmod is there"
fi
rmmod kvm-intel || rmmod kvm_intel || fail "KVM does not unload"
insmod /rig/hvmod.ko || fail "it does not load after KVM is gone"
rmmod hvmod || fail "it does not unload"

# KVM must find VMX free again.
insmod "$dir/kvm-intel.ko" || fail "KVM does not load after us"
rmmod kvm_intel
rmmod kvm
exit 0
