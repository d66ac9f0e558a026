# SPDX-License-Identifier: GPL-2.0
# How a guest ends, and what hvctl makes of it: a reboot starts the guest again in
# the same hvctl, or is exit status 3; a triple fault is 4, a signal to hvctl 5.
# linux/boot has poweroff.

fail() { echo "FAIL: $*"; tail -n 40 /tmp/ends.log; exit 1; }
log=/tmp/ends.log

# In the background with exec=exec: then $! is hvctl.
exec=
guest() {
	$exec hvctl run --kernel /boot/guest/vmlinuz --initrd /boot/guest/initrd --memory 256M "$@"
}
words="console=ttyS0 quiet cryptomgr.notests"

# A prompt more than there were: 0.
wait_prompt() {
	i=0
	while [ $i -lt 3000 ]; do
		[ "$(grep -c 'guest#' $log)" -lt "$1" ] || return 0
		usleep 100000
		i=$((i + 1))
	done
	return 1
}

echo "--- reboot: the guest starts again"
mkfifo /tmp/keys
exec=exec guest --vcpus 2 --append "$words" </tmp/keys >$log 2>&1 &
hvctl=$!
exec 3>/tmp/keys
wait_prompt 1 || fail "no prompt"
echo "echo first; reboot -f" >&3
wait_prompt 2 || fail "no prompt after the reboot"
echo "nproc; poweroff -f" >&3
wait $hvctl
rc=$?
exec 3>&-
[ $rc = 0 ] || fail "hvctl's exit status is $rc, not 0"
[ "$(grep -c 'guest: up with 2 CPUs' $log)" = 2 ] || fail "it was not up twice"
grep -q '^2' $log || fail "not 2 CPUs after the reboot"

echo "--- reboot with --no-reboot: status 3"
guest --no-reboot --append "$words rig.run=reboot,-f" </dev/null >$log 2>&1
rc=$?
[ $rc = 3 ] || fail "hvctl's exit status is $rc, not 3"

echo "--- a triple fault: status 4, with registers and the last exits"
guest --no-reboot --append "$words reboot=t rig.run=reboot,-f" </dev/null >$log 2>&1
rc=$?
[ $rc = 4 ] || fail "hvctl's exit status is $rc, not 4"
grep -qi 'rip' $log || fail "no registers"

echo "--- SIGTERM to hvctl: status 5"
: >$log
exec=exec guest --append "$words" </dev/null >$log 2>&1 &
hvctl=$!
wait_prompt 1 || fail "no prompt"
kill -TERM $hvctl
wait $hvctl
rc=$?
[ $rc = 5 ] || fail "hvctl's exit status is $rc, not 5"
exit 0
