# SPDX-License-Identifier: GPL-2.0
# Debian's own kernel with one vCPU and little memory, to a shell.

. "${0%/*}/boot.inc"
boot 1 128M 80000
