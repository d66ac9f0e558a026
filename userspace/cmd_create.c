// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl create: starts the guest that a configuration file describes.  main.c
 * calls it.  It must say of each part of the file that the guest would lack
 * that it does.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/cmd.h"
#include "userspace/config/guest.h"
#include "userspace/log.h"

/* struct create - the command's state */
struct create {
	struct launch launch;
	struct cfg cfg;
	bool console;
	bool dry;
	bool quiet;
	bool help;
};

enum option_id { OPT_LOG = 256, OPT_DEBUG, OPT_NO_JAIL, OPT_HUGEPAGES, OPT_HELP };

static const struct option options[] = {
	{ "log", required_argument, NULL, OPT_LOG },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "no-jail", no_argument, NULL, OPT_NO_JAIL },
	{ "hugepages", no_argument, NULL, OPT_HUGEPAGES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char create_help[] =
	"hvctl create - start the guest of a configuration file\n"
	"\n"
	"Usage:\n"
	"  hvctl create [OPTION...] FILE [KEY=VALUE...]\n"
	"\n"
	"FILE is as Xen's xl has them, see hvctl.cfg(5); each KEY=VALUE goes before what\n"
	"the file says, KEY+=VALUE adds to it.\n"
	"\n"
	"  -c            be its console; Ctrl-] leaves it and the guest runs on\n"
	"  -p            it starts paused: 'hvctl unpause NAME'\n"
	"  -n            do not start it: check the file and print what it says\n"
	"  -F            do not go into the background: its console is this terminal,\n"
	"                as with 'hvctl run'\n"
	"  -q            no word on keys that have no effect\n"
	"  --log FILE    append messages to FILE; else they are in NAME.log beside the\n"
	"                control socket\n"
	"  --hugepages   take memory from the host's reserved 2 MiB pages\n"
	"  --debug       tell details\n"
	"  --no-jail     do not give up system calls; for debugging hvctl\n"
	"\n"
	"Exit status: 0 it runs (with -F: as of run), 1 it does not, 2 usage.\n";

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "hvctl: %s%s%s; 'hvctl create --help' tells more\n", what,
		why ? ": " : "", why ? why : "");
	return HVCTL_USAGE;
}

static int parse_options(struct create *create, int argc, char **argv)
{
	struct launch *launch = &create->launch;
	int id;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":cpnFq", options, NULL)) != -1) {
		switch (id) {
		case 'c':
			create->console = true;
			break;
		case 'p':
			launch->paused = true;
			break;
		case 'n':
			create->dry = true;
			break;
		case 'F':
			launch->daemon = false;
			break;
		case 'q':
			create->quiet = true;
			break;
		case OPT_LOG:
			launch->log = optarg;
			break;
		case OPT_DEBUG:
			launch->debug = true;
			break;
		case OPT_NO_JAIL:
			launch->no_jail = true;
			break;
		case OPT_HUGEPAGES:
			launch->config.hugepages = true;
			break;
		case OPT_HELP:
			create->help = true;
			return 0;
		case ':':
			return usage("a value is missing after", argv[optind - 1]);
		default:
			return usage("unknown option", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return usage("the file is missing", NULL);
	if (create->console && !launch->daemon)
		return usage("-c and -F do not go together: -F is the console already", NULL);
	return 0;
}

static void on_warning(const char *text)
{
	log_note("%s", text);
}

static void no_warning(const char *text)
{
	(void)text;
}

static int read_config(struct create *create, int argc, char **argv, struct err *err)
{
	int ret = cfg_read(&create->cfg, argv[optind], err), i;

	for (i = optind + 1; !ret && i < argc; i++)
		ret = cfg_argument(&create->cfg, argv[i], err);
	if (!ret)
		ret = guest_config(&create->cfg, &create->launch,
				   create->quiet ? no_warning : on_warning, err);
	create->launch.named = true;
	return ret;
}

static const char *action_name(enum launch_action action)
{
	static const char *const names[] = {
		[LAUNCH_DESTROY] = "destroy", [LAUNCH_RESTART] = "restart",
		[LAUNCH_PRESERVE] = "preserve",
	};

	return names[action];
}

/* What -n shows. */
static void print_config(const struct launch *launch)
{
	const struct machine_config *c = &launch->config;
	unsigned int i;

	printf("name     %s\n", c->name);
	printf("type     %s\n", c->type == MACHINE_PVH ? "pvh" : "linux");
	if (c->uuid)
		printf("uuid     %s\n", c->uuid);
	printf("kernel   %s\n", launch->kernel);
	if (launch->initrd)
		printf("ramdisk  %s\n", launch->initrd);
	printf("cmdline  %s\n", launch->append ? launch->append : "");
	printf("memory   %llu MiB of %llu\n", c->target / MIB, c->memory / MIB);
	printf("vcpus    %u of %u\n", c->online, c->vcpus);
	for (i = 0; i < c->disks; i++)
		printf("disk     %s: %s, %s, %s%s\n", c->disk[i].vdev,
		       c->disk[i].target ? c->disk[i].target : "no disc",
		       disk_format_name(c->disk[i].format),
		       c->disk[i].readonly ? "read-only" : "read-write",
		       c->disk[i].cdrom ? ", CD" : "");
	for (i = 0; i < c->vifs; i++)
		printf("vif      %02x:%02x:%02x:%02x:%02x:%02x%s%s\n", c->vif[i].mac[0],
		       c->vif[i].mac[1], c->vif[i].mac[2], c->vif[i].mac[3], c->vif[i].mac[4],
		       c->vif[i].mac[5], c->vif[i].bridge ? " on " : "",
		       c->vif[i].bridge ? c->vif[i].bridge : "");
	printf("on_poweroff %s, on_reboot %s, on_crash %s\n", action_name(launch->on_poweroff),
	       action_name(launch->on_reboot), action_name(launch->on_crash));
}

static int start(struct create *create)
{
	int status = launch_guest(&create->launch);

	if (status || !create->launch.daemon)
		return status;
	if (create->console)
		return console_attach(create->launch.config.name);
	return HVCTL_OK;
}

int cmd_create(int argc, char **argv)
{
	struct create create = { .console = false };
	struct err err = { "" };
	int ret;

	launch_init(&create.launch);
	create.launch.daemon = true;
	ret = parse_options(&create, argc, argv);
	if (ret)
		return ret;
	if (create.help) {
		fputs(create_help, stdout);
		return HVCTL_OK;
	}
	ret = HVCTL_ERROR;
	if (read_config(&create, argc, argv, &err)) {
		log_error("%s", err.text);
	} else if (create.dry) {
		print_config(&create.launch);
		ret = HVCTL_OK;
	} else {
		ret = start(&create);
	}
	launch_free(&create.launch);
	cfg_free(&create.cfg);
	return ret;
}
