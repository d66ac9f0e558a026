# SPDX-License-Identifier: GPL-2.0
# Part of selfcheck, not in tests.list.
echo "<4>WARNING: CPU: 0 fake" >/dev/kmsg
