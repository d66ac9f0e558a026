# SPDX-License-Identifier: GPL-2.0
# The rig itself: a host runs, has VMX, and tells its CPUs.
echo "Linux $(uname -r), $(nproc) CPUs"
grep -m1 'model name' /proc/cpuinfo
grep -q vmx /proc/cpuinfo || { echo "no VMX"; exit 1; }
