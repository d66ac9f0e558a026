# SPDX-License-Identifier: GPL-2.0
# The host reboots with the module loaded and a guest running. Flag reset: it
# passes when the firmware begins anew.

. "${0%/*}/ends.inc"
busy_guest
reboot -f
sleep 20
fail "the host does not reboot"
