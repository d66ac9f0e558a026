# SPDX-License-Identifier: GPL-2.0
# Two guests at once: one starts paused, with less memory than it may have, loses and
# gets back a vCPU and memory; the other switches itself off and is preserved.
. "${0%/*}/control.inc"

config one 'vcpus = 2' 'maxmem = 192'
config two 'on_poweroff = "preserve"' 'extra += " rig.run=true"'
hvctl create -p /tmp/one.cfg || die "create one"
hvctl create /tmp/two.cfg || die "create two"
state_is one paused && state_is two running || die "not two guests"
hvctl stat one | grep 'one: 2 vCPUs, 0 exits' || die "a paused guest ran"
hvctl unpause one || die "unpause"
attach one
until_true grep -q '^guest: up with 2 CPUs' /tmp/one.out

cpus() { guest one nproc; }
cpus_are() { [ "$(cpus)" = "$1" ]; }
hvctl vcpu-set one 1 || die "vcpu-set 1"
until_true cpus_are 1
hvctl vcpu-set one 2 || die "vcpu-set 2"
until_true guest one '[ -e /sys/devices/system/cpu/cpu1/online ]'
guest one 'grep -q 1 /sys/devices/system/cpu/cpu1/online || echo 1 >/sys/devices/system/cpu/cpu1/online' ||
	die "the vCPU does not come back"
cpus_are 2 || die "it has $(cpus) vCPUs"
hvctl vcpu-set one 3 2>&1 | grep 'has 2 vCPUs at most' || die "too many vCPUs"

total() { guest one "sed -n 's/^MemTotal: *//p' /proc/meminfo | cut -d' ' -f1"; }
total_is() { [ "$(total)" "$1" "$2" ]; }
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(field one 2)/status"; }
# Its address space is maxmem, its balloon keeps it at memory.
until_true total_is -lt $((161 * 1024))
guest one 'mkdir -p /mnt; mount -t tmpfs t /mnt; dd if=/dev/zero of=/mnt/big bs=1M count=40; rm /mnt/big' >/dev/null
before=$(total) full=$(resident)
echo "$before kB in the guest, $full kB of the host"
hvctl mem-set one 120M || die "mem-set 120M"
until_true total_is -lt $((before - 38000))
less=$(resident)
echo "$(total) kB in the guest, $less kB of the host"
[ "$less" -lt $((full - 20000)) ] || die "the host got no memory back"
hvctl mem-set one 160M || die "mem-set 160M"
until_true total_is -gt $((before - 2000))
guest one 'dd if=/dev/zero of=/mnt/big bs=1M count=60; rm /mnt/big' >/dev/null || die "no use of its memory"
echo "$(total) kB in the guest, $(resident) kB of the host"
hvctl mem-set one 192M || die "mem-set 192M"
until_true total_is -gt $((before + 30000))
guest one 'dd if=/dev/zero of=/mnt/big bs=1M count=90; rm /mnt/big' >/dev/null || die "no use of more memory"
hvctl mem-set one 193M 2>&1 | grep 'has 192 MiB at most' || die "too much memory"

until_true state_is two off
hvctl unpause two 2>&1 | grep 'two does not run any more: it is off' || die "unpause of one that is off"
hvctl console two </dev/null >/tmp/two.out 2>&1 &
until_true grep -q 'guest: exit status 0' /tmp/two.out
hvctl destroy two || die "destroy two"
gone two || die "two is still there"
state_is one running || die "one is gone with it"
hvctl destroy one || die "destroy one"
gone one || die "one is still there"
until_true all_ended
