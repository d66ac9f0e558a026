// SPDX-License-Identifier: GPL-2.0
/*
 * Load and unload: the steps in order, and in the reverse order.  Nothing else
 * calls it.  It must look at everything before it touches anything.
 */
#define pr_fmt(fmt) "hvmod: " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>

#include "module/arch.h"
#include "module/dev.h"
#include "module/host.h"

#define CREATE_TRACE_POINTS
#include "module/trace.h"

static struct miscdevice hvmod_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hvmod",
	.fops = &dev_fops,
	.mode = 0660,
};

static int __init hvmod_init(void)
{
	int ret;

	ret = arch_check();
	if (ret)
		return ret;
	ret = arch_setup();
	if (ret)
		return ret;
	ret = host_enable();
	if (ret)
		goto teardown;
	vcpu_setup();
	ret = dev_init();
	if (ret)
		goto disable;
	ret = misc_register(&hvmod_misc);
	if (ret)
		goto dev;
	pr_info("loaded: %u CPUs in VMX root\n", num_online_cpus());
	return 0;

dev:
	dev_exit();
disable:
	vcpu_teardown();
	host_disable();
teardown:
	arch_teardown();
	return ret;
}

static void __exit hvmod_exit(void)
{
	misc_deregister(&hvmod_misc);
	dev_exit();
	vcpu_teardown();
	host_disable();
	arch_teardown();
	pr_info("unloaded\n");
}

module_init(hvmod_init);
module_exit(hvmod_exit);

MODULE_DESCRIPTION("Hypervisor for Xen guests and PCs");
MODULE_AUTHOR("The hvmod authors");
MODULE_LICENSE("GPL");
