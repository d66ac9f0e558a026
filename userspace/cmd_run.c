// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl run: its options.  main.c calls it.  It must name each wrong option; a
 * guest's life is launch.c's.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cmd.h"
#include "userspace/config/guest.h"
#include "userspace/cpuid.h"
#include "userspace/launch.h"

/* struct run - the command's state */
struct run {
	struct launch launch;
	bool help;
};

enum option_id {
	OPT_KERNEL = 256, OPT_INITRD, OPT_APPEND, OPT_MEMORY, OPT_VCPUS, OPT_NAME,
	OPT_HUGEPAGES, OPT_NO_REBOOT, OPT_NO_JAIL, OPT_DEBUG, OPT_LOG, OPT_CPU_OFF,
	OPT_STAT, OPT_HELP, OPT_TYPE, OPT_NET, OPT_DISK,
};

static const struct option options[] = {
	{ "type", required_argument, NULL, OPT_TYPE },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "net", required_argument, NULL, OPT_NET },
	{ "hugepages", no_argument, NULL, OPT_HUGEPAGES },
	{ "no-reboot", no_argument, NULL, OPT_NO_REBOOT },
	{ "no-jail", no_argument, NULL, OPT_NO_JAIL },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "cpu-off", required_argument, NULL, OPT_CPU_OFF },
	{ "stat", no_argument, NULL, OPT_STAT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char run_help[] =
	"hvctl run - run a guest on this terminal until it ends\n"
	"\n"
	"Usage:\n"
	"  hvctl run --kernel FILE [OPTION...]\n"
	"\n"
	"What to boot:\n"
	"  --type TYPE       linux: a PC that starts the kernel directly (default);\n"
	"                    pvh: a Xen PVH domain\n"
	"  --kernel FILE     Linux bzImage for x86-64, such as /boot/vmlinuz-*; with\n"
	"                    --type pvh also an ELF file with Xen's notes\n"
	"  --initrd FILE     initial RAM disk or initramfs\n"
	"  --append STRING   kernel parameters, such as 'console=ttyS0'; a Xen guest's\n"
	"                    console is hvc0\n"
	"\n"
	"What it gets:\n"
	"  --memory SIZE     memory, with its unit: 512M (default), 5G; pages are\n"
	"                    taken from the host when the guest touches them\n"
	"  --vcpus N         virtual CPUs, 1 by default\n"
	"  --disk DISK       a disk, of a Xen guest, as in Xen's configuration files: a\n"
	"                    file or block device[,vdev=NAME][,access=ro]; without\n"
	"                    a name xvda, xvdb, ...; may be given more than once\n"
	"  --net NETWORK     a network card, of a Xen guest; may be given more than once:\n"
	"                    user[,hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT][,restrict]\n"
	"                    a network of its own, with DHCP and DNS, no root needed;\n"
	"                    tap[,ifname=NAME][,bridge=NAME]  a tap device of the host;\n"
	"                    both: [,mac=ADDR][,queues=N][,offload=on|off]\n"
	"  --hugepages       take memory from the host's reserved 2 MiB pages;\n"
	"                    without it, transparent huge pages are used\n"
	"  --cpu-off LIST    hide CPU features, names as in /proc/cpuinfo,\n"
	"                    separated by commas; may be given more than once\n"
	"\n"
	"How it runs:\n"
	"  --name STRING     its name, 'guest' by default, for messages and for the\n"
	"                    commands that act on it, such as 'hvctl stat guest'\n"
	"  --no-reboot       end with status 3 when the guest reboots; else it\n"
	"                    starts again\n"
	"  --no-jail         do not give up system calls; for debugging hvctl\n"
	"  --debug           tell details: accesses that no device answers, debug\n"
	"                    ports\n"
	"  --log FILE        append messages to FILE as well\n"
	"  --stat            print counters at the end: exits by reason, memory\n"
	"\n"
	"Keys, when standard input is a terminal:\n"
	"  Ctrl-] q  quit             Ctrl-] p  press the power button\n"
	"  Ctrl-] s  statistics       Ctrl-] r  reset\n"
	"  Ctrl-] b  send a break     Ctrl-] ?  help\n"
	"  Ctrl-] Ctrl-]  send Ctrl-]\n"
	"\n"
	"The guest's first serial port (ttyS0, 0x3f8), or its Xen console (hvc0), is\n"
	"standard input and output.\n"
	"Exit status: 0 poweroff, 1 host error, 2 usage, 3 reboot, 4 crash, 5 stopped.\n";

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "hvctl: %s%s%s; 'hvctl run --help' tells more\n", what, why ? ": " : "",
		why ? why : "");
	return HVCTL_USAGE;
}

/* "a,b" into config.cpu_off; the text is cut up. */
static int add_cpu_off(struct machine_config *config, char *list)
{
	char *name, *rest = NULL;

	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (!cpuid_known(name))
			return usage("--cpu-off does not know the feature", name);
		if (config->cpu_offs == MACHINE_CPU_OFF)
			return usage("--cpu-off has too many features", NULL);
		config->cpu_off[config->cpu_offs++] = name;
	}
	return 0;
}

/* A disk without a name has the next letter. */
static int add_disk(struct machine_config *config, const char *text)
{
	struct disk_spec *disk = &config->disk[config->disks];
	char named[PATH_MAX + 64];
	struct err err = { "" };
	int ret;

	if (config->disks == MACHINE_DISKS)
		return usage("--disk", "there are as many as a guest may have");
	ret = disk_parse(disk, text, &err);
	if (ret && !disk->vdev) {
		disk_free(disk);
		snprintf(named, sizeof(named), "vdev=xvd%c,%s", 'a' + config->disks, text);
		ret = disk_parse(disk, named, &err);
	}
	if (ret) {
		disk_free(disk);
		return usage("--disk", err.text);
	}
	config->disks++;
	return 0;
}

static int add_net(struct machine_config *config, const char *text)
{
	struct err err = { "" };

	if (config->nets == NET_CARDS)
		return usage("--net", "there are as many cards as a guest may have");
	if (net_parse(&config->net[config->nets], text, &err))
		return usage("--net", err.text);
	config->nets++;
	return 0;
}

static int set_option(struct run *run, int id, char *arg)
{
	struct launch *launch = &run->launch;
	struct err err = { "" };

	switch (id) {
	case OPT_TYPE:
		if (!strcmp(arg, "linux"))
			launch->config.type = MACHINE_LINUX;
		else if (!strcmp(arg, "pvh"))
			launch->config.type = MACHINE_PVH;
		else
			return usage("--type", "linux or pvh");
		break;
	case OPT_KERNEL:
		launch->kernel = arg;
		break;
	case OPT_INITRD:
		launch->initrd = arg;
		break;
	case OPT_APPEND:
		launch->append = arg;
		break;
	case OPT_MEMORY:
		if (parse_size(arg, &launch->config.memory, &err))
			return usage("--memory", err.text);
		if (launch->config.memory < LAUNCH_MEMORY_MIN ||
		    launch->config.memory > LAUNCH_MEMORY_MAX)
			return usage("--memory", "from 2M to 1023G");
		break;
	case OPT_VCPUS:
		if (parse_number(arg, 1, HVMOD_MAX_VCPUS, &launch->config.vcpus, &err))
			return usage("--vcpus", err.text);
		break;
	case OPT_NAME:
		if (!guest_name_ok(arg))
			return usage("--name",
				     "letters, digits and _ . + : -, the first a letter or digit");
		launch->config.name = arg;
		launch->named = true;
		break;
	case OPT_DISK:
		return add_disk(&launch->config, arg);
	case OPT_NET:
		return add_net(&launch->config, arg);
	case OPT_HUGEPAGES:
		launch->config.hugepages = true;
		break;
	case OPT_NO_REBOOT:
		launch->on_reboot = LAUNCH_DESTROY;
		break;
	case OPT_NO_JAIL:
		launch->no_jail = true;
		break;
	case OPT_DEBUG:
		launch->debug = true;
		break;
	case OPT_LOG:
		launch->log = arg;
		break;
	case OPT_CPU_OFF:
		return add_cpu_off(&launch->config, arg);
	case OPT_STAT:
		launch->stat = true;
		break;
	case OPT_HELP:
		run->help = true;
		break;
	}
	return 0;
}

static int parse_options(struct run *run, int argc, char **argv)
{
	int id, ret;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (id == ':')
			return usage("a value is missing after", argv[optind - 1]);
		if (id == '?')
			return usage("unknown option, or one that takes no value",
				     argv[optind - 1]);
		ret = set_option(run, id, optarg);
		if (ret || run->help)
			return ret;
	}
	if (optind < argc)
		return usage("this is not an option", argv[optind]);
	if (!run->launch.kernel)
		return usage("--kernel is missing", NULL);
	if (run->launch.config.nets && run->launch.config.type != MACHINE_PVH)
		return usage("--net", "only a Xen guest has a network card: --type pvh");
	if (run->launch.config.disks && run->launch.config.type != MACHINE_PVH)
		return usage("--disk", "only a Xen guest has a disk: --type pvh");
	return 0;
}

int cmd_run(int argc, char **argv)
{
	struct run run = { .help = false };
	int ret;

	launch_init(&run.launch);
	ret = parse_options(&run, argc, argv);
	if (ret)
		return ret;
	if (run.help) {
		fputs(run_help, stdout);
		return HVCTL_OK;
	}
	ret = launch_guest(&run.launch);
	launch_free(&run.launch);
	return ret;
}
