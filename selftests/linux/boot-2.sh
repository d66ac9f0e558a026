# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel with two vCPUs, to a shell.

. "${0%/*}/boot.inc"
boot 2 1G 900000
