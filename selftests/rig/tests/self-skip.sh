# SPDX-License-Identifier: GPL-2.0
# Part of selfcheck, not in tests.list.
echo because; exit 4
