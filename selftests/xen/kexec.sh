# SPDX-License-Identifier: GPL-2.0
# kexec [crash]: a PVH guest starts another kernel by itself, or panics into one: a
# soft reset, after which that one finds Xen, its console and its vCPUs as new.
. "${0%/*}/pvh.inc"
mkdir -p /tmp/kexec/k
cp "${0%/*}/kexec_load" /tmp/kexec/kexec
cp /boot/guest/vmlinuz /boot/guest/initrd /tmp/kexec/k/
# Before the other archive: what follows a compressed one is not found.
(cd /tmp/kexec && find . | cpio -o -H newc) >/tmp/kexec.initrd || exit 2
size=$(stat -c %s /tmp/kexec.initrd)
dd if=/dev/zero bs=1 count=$((-size & 3)) >>/tmp/kexec.initrd 2>/dev/null
cat /boot/guest/initrd >>/tmp/kexec.initrd
# To load it takes Linux time that grows with the square of its size: minutes here.
initrd=/tmp/kexec.initrd memory=320M words=nosoftlockup then=2
# What a panic says is no fault.
if [ "$1" = crash ]; then
	words="$words crashkernel=128M" then=1
	bad='WARNING:|BUG: [^k]|rcu:.*(stall|detected)|Unstable|ACPI (Error|Warning)'
fi
pvh 0 2 "/kexec,/k/vmlinuz,/k/initrd,'echo:second:kernel;nproc;dmesg',$1" || exit 1
grep 'goes on with another kernel' /tmp/pvh.log &&
	grep '^second kernel' /tmp/pvh.log &&
	[ "$(grep -c 'guest: up with [12] CPUs' /tmp/pvh.log)" = 2 ] &&
	grep 'guest: up with' /tmp/pvh.log | tail -n 1 | grep "up with $then CPUs"
