// SPDX-License-Identifier: GPL-2.0
/*
 * VMX on the host's CPUs as they come and go: load and unload, hotplug, suspend,
 * reboot, kexec and crash.  main.c calls it; the kernel's notifiers do.  It knows
 * no VMX: arch_cpu_enable() and arch_cpu_disable() do.
 *
 * Suspend takes the secondary CPUs down by hotplug and the last one by the
 * syscore callbacks; a reboot and a kexec stop by the reboot notifier, while all
 * CPUs still run; a crash by the kernel's emergency callback, on every CPU, in
 * NMI context.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/reboot.h>

#include "module/arch.h"
#include "module/compat.h"
#include "module/host.h"

static int hotplug_state;

static int cpu_comes(unsigned int cpu)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = arch_cpu_enable();
	local_irq_restore(flags);
	return ret;
}

static int cpu_goes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	arch_cpu_disable();
	local_irq_restore(flags);
	return 0;
}

static int last_cpu_sleeps(void)
{
	arch_cpu_disable();
	return 0;
}

static void last_cpu_wakes(void)
{
	if (arch_cpu_enable())
		pr_err("CPU %d lost VMX over suspend\n", smp_processor_id());
}

static struct syscore_ops host_syscore = {
	.suspend = last_cpu_sleeps,
	.resume = last_cpu_wakes,
};

static void leave_here(void *unused)
{
	arch_cpu_crash();
}

static int host_reboots(struct notifier_block *nb, unsigned long action, void *data)
{
	pr_info("leaving VMX for a reboot\n");
	on_each_cpu(leave_here, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block host_reboot = {
	.notifier_call = host_reboots,
};

int host_enable(void)
{
	int ret;

	/* On a failure the hotplug core calls cpu_goes() where it had come. */
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hvmod:online", cpu_comes, cpu_goes);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	register_syscore_ops(&host_syscore);
	register_reboot_notifier(&host_reboot);
	compat_register_emergency(arch_cpu_crash);
	return 0;
}

void host_disable(void)
{
	compat_unregister_emergency(arch_cpu_crash);
	unregister_reboot_notifier(&host_reboot);
	unregister_syscore_ops(&host_syscore);
	cpuhp_remove_state(hotplug_state);
}
