# SPDX-License-Identifier: GPL-2.0
# Part of selfcheck, not in tests.list.
echo 1 > /proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger
