# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel with four vCPUs and more memory than the host has, to a shell.

. "${0%/*}/boot.inc"
boot 4 5G 4800000
