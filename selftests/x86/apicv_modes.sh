# SPDX-License-Identifier: GPL-2.0
# x86/apicv with each part of the hardware's virtual APIC turned off, and with all.
# Flags: nomod,with:x86/apicv.

rc=0
for params in "tpr_shadow=0" "vid=0" "posted_intr=0" "apic_reg=0" "apic_access=0" "x2apic_virt=0" \
	"vid=0 apic_reg=0" "apic_access=0 x2apic_virt=0"; do
	insmod /rig/hvmod.ko $params || exit 1
	if /rig/bin/x86/apicv >/tmp/log 2>&1; then
		echo "ok - $params"
	else
		cat /tmp/log
		echo "not ok - $params"
		rc=1
	fi
	rmmod hvmod || exit 1
done
exit $rc
