// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl: finds the command in a table and calls it.  It is what the shell
 * starts.  It must not do anything for a command but find it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "uapi/hvmod.h"
#include "userspace/cmd.h"
#include "userspace/lib/hvm.h"

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "run", cmd_run, "run a guest on this terminal until it ends" },
	{ "create", cmd_create, "start the guest of a configuration file, in the background" },
	{ "list", cmd_list, "show the guests that run" },
	{ "console", cmd_console, "be a guest's console; Ctrl-] leaves it" },
	{ "shutdown", cmd_action, "ask a guest to switch itself off" },
	{ "reboot", cmd_action, "ask a Xen guest to restart" },
	{ "destroy", cmd_action, "end a guest at once" },
	{ "reset", cmd_action, "restart a guest at once" },
	{ "pause", cmd_action, "stop a guest's processors" },
	{ "unpause", cmd_action, "let a paused guest go on" },
	{ "mem-set", cmd_action, "ask a Xen guest to give memory back or take it" },
	{ "vcpu-set", cmd_action, "let a Xen guest use its first N vCPUs" },
	{ "xenstore", cmd_xenstore, "look at a Xen guest's xenstore, and change it" },
	{ "stat", cmd_stat, "show a guest's counters" },
	{ "top", cmd_top, "show what all guests do, live" },
	{ "trace", cmd_trace, "show the last VM exits of a guest" },
	{ "check", cmd_check, "say what this machine lacks to run guests, and how to mend it" },
	{ "version", cmd_version, "print versions of hvctl, of its ABI and of the module" },
	{ "help", cmd_help, "print this text, or that of a command" },
};

static const char help_text[] =
	"hvctl - run guests on the hvmod hypervisor\n"
	"\n"
	"Usage:\n"
	"  hvctl COMMAND [OPTION...]\n"
	"\n"
	"Commands:\n";

static const char help_tail[] =
	"\n"
	"Examples:\n"
	"  hvctl check\n"
	"  hvctl create guest.cfg memory=1024\n"
	"  hvctl run --kernel /boot/vmlinuz-6.1.0-cloud-amd64 --initrd initrd.img \\\n"
	"            --append console=ttyS0 --memory 512M --vcpus 2\n"
	"\n"
	"A guest needs no root: be a member of the group hvmod.  hvctl run opens what\n"
	"it needs and then gives up the right to open anything else.\n"
	"\n"
	"Exit status:\n"
	"  0  the guest switched itself off; every check passed\n"
	"  1  the host or hvctl could not go on; a check failed\n"
	"  2  wrong arguments\n"
	"  3  the guest reboots and --no-reboot was given\n"
	"  4  the guest crashed: triple fault, or killed by the hypervisor\n"
	"  5  stopped by Ctrl-] q or by a signal\n"
	"\n"
	"hvctl COMMAND --help tells more; so does the manual page hvctl(8).\n";

static void print_help(FILE *to)
{
	unsigned int i;

	fputs(help_text, to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
	fputs(help_tail, to);
}

static int cmd_version(int argc, char **argv)
{
	struct err err = { "" };
	int dev;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "hvctl: version takes no arguments\n");
		return HVCTL_USAGE;
	}
	printf("hvctl %s, ABI version %d\n", HVCTL_VERSION, HVMOD_API_VERSION);
	dev = hvm_open(NULL, &err);
	if (dev < 0)
		printf("module: %s\n", err.text);
	else
		printf("module: ABI version %d\n", HVMOD_API_VERSION);
	return HVCTL_OK;
}

static int call(const char *name, int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc, argv);
	fprintf(stderr, "hvctl: there is no command '%s'; 'hvctl help' lists them\n", name);
	return HVCTL_USAGE;
}

static int cmd_help(int argc, char **argv)
{
	char option[] = "--help", *sub[3] = { NULL, option, NULL };

	if (argc > 1 && strcmp(argv[1], "help") && strcmp(argv[1], "version")) {
		sub[0] = argv[1];
		return call(argv[1], 2, sub);
	}
	print_help(stdout);
	return HVCTL_OK;
}

/*
 * Threads get small stacks: one of the usual 8 MiB can hold a huge page, which
 * the first function call would then fill, for each thread of each guest.
 */
#define THREAD_STACK	(256 * KIB)

static void small_stacks(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	small_stacks();
	if (argc < 2) {
		print_help(stderr);
		return HVCTL_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(1, argv);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return cmd_version(1, argv);
	return call(argv[1], argc - 1, argv + 1);
}
