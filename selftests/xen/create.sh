# SPDX-License-Identifier: GPL-2.0
# A guest from a configuration file, from create to its end: list, console, pause,
# xenstore, stat, trace, reboot, shutdown. What is wrong gets a sentence.
. "${0%/*}/control.inc"

config one 'vcpus = 2' 'mamory = 3' 'disk = [ ]'
hvctl create /tmp/one.cfg 2>/tmp/err || die "create"
cat /tmp/err
grep -q "/tmp/one.cfg:9: unknown key 'mamory'; is 'memory' meant?" /tmp/err || die "the unknown key"
state_is one running || die "it does not run"
hvctl create -q /tmp/one.cfg && die "a second guest of that name"
hvctl create /tmp/one.cfg name=two vcpus=none 2>&1 | grep "command line:1: vcpus is a number" ||
	die "a bad value"

attach one
until_true grep -q '^guest: up with 2 CPUs' /tmp/one.out
[ "$(guest one 'echo $((6 * 7))')" = 42 ] || die "the guest's shell"
guest one 'dmesg | grep -i "hypervisor detected"' | grep -q Xen || die "not on Xen"

entries() { hvctl stat one --json | awk -F'[:,]' '/"entries"/ { n += $2 } END { print n }'; }
hvctl pause one || die "pause"
state_is one paused || die "not paused"
hvctl stat one | tee /tmp/stat.out
grep -q ' seconds: ' /tmp/stat.out && grep -q 'EVTCHNOP_send' /tmp/stat.out || die "stat"
before=$(entries)
sleep 2
[ "$(entries)" = "$before" ] || die "a paused guest ran"
hvctl unpause one || die "unpause"
[ "$(guest one 'echo on')" = on ] || die "it does not go on"
[ "$(entries)" -gt "$before" ] || die "the counters stand still"
hvctl trace one | grep -q 'vmcall' || die "no hypercall among the last exits"
hvctl top -n 1 | tee /tmp/top.out
grep -q '^one .*running' /tmp/top.out && grep -q 'hypercalls: [A-Z]' /tmp/top.out || die "top"
[ $(grep -c 'vCPU.*guest *[0-9.]*%  host *[0-9.]*%  hvctl *[0-9.]*%' /tmp/top.out) = 2 ] || die "a vCPU's time"

hvctl xenstore ls -r one
[ "$(hvctl xenstore read one memory/target)" = 163840 ] || die "memory/target"
[ "$(hvctl xenstore read one /local/domain/1/name)" = one ] || die "its name"
hvctl xenstore write one data/word 'a "word"' && [ "$(hvctl xenstore read one data/word)" = 'a "word"' ] ||
	die "xenstore write"
hvctl xenstore watch one data >/tmp/watch.out &
until_true grep -q '/local/domain/1/data = ' /tmp/watch.out
hvctl xenstore write one data/more 1 || die "xenstore write"
until_true grep -q '/local/domain/1/data/more = "1"' /tmp/watch.out
hvctl xenstore read one none 2>&1 | grep -q "is not there" || die "a name that is not there"

# The kernel asks user space, which in this guest is a shell as /init.
ends_itself() {
	guest one 'mkdir -p /sbin; rm -f /sbin/reboot /sbin/poweroff; cd /sbin; for c in reboot poweroff; do { echo "#!/bin/sh"; echo "/bin/busybox $c -f"; } >$c; chmod 755 $c; done; cd /' ||
		die "no program to end the guest"
}
ends_itself
hvctl reboot one || die "reboot"
until_true grep -q 'one starts again' /run/hvmod/one.log
[ "$(field one 9)" = 2 ] || die "two starts"
until_true sh -c '[ $(grep -c "^guest: up with 2 CPUs" /tmp/one.out) = 2 ]'
ends_itself
hvctl shutdown -w one || die "shutdown"
gone one || die "it is still there"
hvctl pause one 2>&1 | grep 'there is no guest one' || die "a guest that is not there"
