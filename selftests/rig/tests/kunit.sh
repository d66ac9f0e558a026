# SPDX-License-Identifier: GPL-2.0
# Load every KUnit module that was built and read what its suites found.

results=/sys/kernel/debug/kunit
found= failed=0

for ko in /rig/*.ko; do
	[ "$ko" != /rig/hvmod.ko ] && [ -e "$ko" ] || continue
	found=1
	echo "# $(basename "$ko")"
	if ! insmod "$ko"; then
		echo "not ok: $ko does not load"
		failed=1
		continue
	fi
	suites=0
	for suite in "$results"/*/results; do
		[ -e "$suite" ] || continue
		suites=$((suites + 1))
		cat "$suite"
		if grep -q 'not ok' "$suite"; then
			failed=1
		fi
	done
	if [ $suites = 0 ]; then
		echo "not ok: $ko has no suites"
		failed=1
	fi
	rmmod "$(basename "$ko" .ko)" || failed=1
done
if [ -z "$found" ]; then
	echo "no KUnit module: selftests/kunit/Kbuild does not build"
	exit 1
fi
exit $failed
