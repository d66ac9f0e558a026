# SPDX-License-Identifier: GPL-2.0
# boot KERNEL VCPUS MEMORY: Debian's own kernel, 6.1 or 6.12, to a shell that runs
# commands; with more memory than the host has, too.

. "${0%/*}/boot.inc"

guest=/boot/guest-$1
# What the kernel itself takes is not in MemTotal.
case $3 in
128M) least=75000 ;;
1G) least=900000 ;;
5G) least=4800000 ;;
*) echo "no memory size $3"; exit 1 ;;
esac
boot "$2" "$3" "$least"
