// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl run: options, one guest from start to end, what the user sees of it.
 * main.c calls it.  It must leave the terminal as it was, whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/console.h"
#include "userspace/cpuid.h"
#include "userspace/jail.h"
#include "userspace/log.h"
#include "userspace/machine.h"
#include "userspace/report.h"

#define DEFAULT_MEMORY	(512 * MIB)
#define MIN_MEMORY	(2 * MIB)
#define PROGRESS_FROM	(8 * MIB)

/* struct run - the command's state */
struct run {
	struct machine_config config;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *log;
	bool debug;
	bool no_reboot;
	bool no_jail;
	bool stat;
	bool help;
	int signals;
	bool input;		/* stdin is still open */
};

enum option_id {
	OPT_KERNEL = 256, OPT_INITRD, OPT_APPEND, OPT_MEMORY, OPT_VCPUS, OPT_NAME,
	OPT_HUGEPAGES, OPT_NO_REBOOT, OPT_NO_JAIL, OPT_DEBUG, OPT_LOG, OPT_CPU_OFF,
	OPT_STAT, OPT_HELP, OPT_TYPE,
};

static const struct option options[] = {
	{ "type", required_argument, NULL, OPT_TYPE },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "name", required_argument, NULL, OPT_NAME },
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
	"  --hugepages       take memory from the host's reserved 2 MiB pages;\n"
	"                    without it, transparent huge pages are used\n"
	"  --cpu-off LIST    hide CPU features, names as in /proc/cpuinfo,\n"
	"                    separated by commas; may be given more than once\n"
	"\n"
	"How it runs:\n"
	"  --name STRING     its name in messages, 'guest' by default\n"
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

static int set_option(struct run *run, int id, char *arg)
{
	struct err err = { "" };

	switch (id) {
	case OPT_TYPE:
		if (!strcmp(arg, "linux"))
			run->config.type = MACHINE_LINUX;
		else if (!strcmp(arg, "pvh"))
			run->config.type = MACHINE_PVH;
		else
			return usage("--type", "linux or pvh");
		break;
	case OPT_KERNEL:
		run->kernel = arg;
		break;
	case OPT_INITRD:
		run->initrd = arg;
		break;
	case OPT_APPEND:
		run->append = arg;
		break;
	case OPT_MEMORY:
		if (parse_size(arg, &run->config.memory, &err))
			return usage("--memory", err.text);
		if (run->config.memory < MIN_MEMORY || run->config.memory > TIB - GIB)
			return usage("--memory", "from 2M to 1023G");
		break;
	case OPT_VCPUS:
		if (parse_number(arg, 1, HVMOD_MAX_VCPUS, &run->config.vcpus, &err))
			return usage("--vcpus", err.text);
		break;
	case OPT_NAME:
		run->config.name = arg;
		break;
	case OPT_HUGEPAGES:
		run->config.hugepages = true;
		break;
	case OPT_NO_REBOOT:
		run->no_reboot = true;
		break;
	case OPT_NO_JAIL:
		run->no_jail = true;
		break;
	case OPT_DEBUG:
		run->debug = true;
		break;
	case OPT_LOG:
		run->log = arg;
		break;
	case OPT_CPU_OFF:
		return add_cpu_off(&run->config, arg);
	case OPT_STAT:
		run->stat = true;
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
	if (!run->kernel)
		return usage("--kernel is missing", NULL);
	return 0;
}

static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

static void show_progress(u64 done, u64 total)
{
	char line[80];
	int len;

	if (total < PROGRESS_FROM)
		return;
	if (done < total)
		len = snprintf(line, sizeof(line), "\rhvctl: loading, %llu of %llu MiB ",
			       done / MIB, total / MIB);
	else
		len = snprintf(line, sizeof(line), "\r%40s\r", "");
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

static int open_files(struct run *run, struct err *err)
{
	struct linux_files *files = &run->config.files;
	int ret = log_open(run->log, run->debug, err);

	if (ret)
		return ret;
	files->cmdline = run->append ? run->append : "";
	files->kernel_name = run->kernel;
	files->initrd_name = run->initrd;
	files->initrd_fd = -1;
	files->progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	files->kernel_fd = open_file(run->kernel, err);
	if (files->kernel_fd < 0)
		return files->kernel_fd;
	if (run->initrd) {
		files->initrd_fd = open_file(run->initrd, err);
		if (files->initrd_fd < 0)
			return files->initrd_fd;
	}
	return 0;
}

/* All signals but those of a crash go to the main thread, as file events. */
static int open_signals(struct run *run, struct err *err)
{
	static const int keep[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGCONT, SIGWINCH,
	};
	sigset_t set;
	unsigned int i;

	sigfillset(&set);
	for (i = 0; i < ARRAY_SIZE(keep); i++)
		sigdelset(&set, keep[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	vcpu_signals();
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signals < 0)
		return err_set(err, errno, "cannot wait for signals: %s", strerror(errno));
	return 0;
}

static void on_signal(struct run *run, struct machine *m)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTSTP) {
			console_close();
			raise(SIGSTOP);
			console_resume();
			continue;
		}
		log_debug("signal %u", info.ssi_signo);
		machine_ends(m, MACHINE_STOPPED);
	}
}

static void on_key(struct machine *m, u8 byte)
{
	switch (console_key(byte)) {
	case CONSOLE_DATA:
		machine_input(m, &byte, 1);
		break;
	case CONSOLE_NOTHING:
		break;
	case CONSOLE_QUIT:
		machine_ends(m, MACHINE_STOPPED);
		break;
	case CONSOLE_HELP:
		console_help();
		break;
	case CONSOLE_STAT:
		report_stat(m);
		break;
	case CONSOLE_POWER:
		if (m->config->type == MACHINE_PVH || !pm_button(&m->pm))
			log_note("the guest does not listen to the power button");
		break;
	case CONSOLE_RESET:
		machine_ends(m, MACHINE_REBOOT);
		break;
	case CONSOLE_BREAK:
		if (m->config->type == MACHINE_LINUX)
			serial_break(&m->serial);
		break;
	}
}

static void on_input(struct run *run, struct machine *m, unsigned int room)
{
	u8 data[256];
	ssize_t got, i;

	got = read(STDIN_FILENO, data, room < sizeof(data) ? room : sizeof(data));
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		run->input = false;	/* the guest goes on without */
		return;
	}
	for (i = 0; i < got; i++)
		on_key(m, data[i]);
}

static void drain(int fd)
{
	u64 count;

	while (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		;
}

/* Until the machine ends. */
static void serve(struct run *run, struct machine *m)
{
	enum { INPUT, SIGNALS, WAKE, ROOM };
	struct pollfd fds[] = {
		[INPUT] = { .fd = -1, .events = POLLIN },
		[SIGNALS] = { .fd = run->signals, .events = POLLIN },
		[WAKE] = { .fd = m->wake, .events = POLLIN },
		[ROOM] = { .fd = m->room, .events = POLLIN },
	};
	unsigned int room;

	while (atomic_load(&m->end) == MACHINE_RUNS) {
		room = machine_room(m);
		fds[INPUT].fd = run->input && room ? STDIN_FILENO : -1;
		fds[INPUT].revents = 0;
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[SIGNALS].revents)
			on_signal(run, m);
		if (fds[ROOM].revents)
			drain(m->room);
		if (fds[INPUT].revents)
			on_input(run, m, room);
	}
	drain(m->wake);
}

static int exit_status(enum machine_end end)
{
	switch (end) {
	case MACHINE_POWEROFF:
		return HVCTL_OK;
	case MACHINE_REBOOT:
		return HVCTL_REBOOT;
	case MACHINE_CRASH:
		return HVCTL_CRASH;
	case MACHINE_STOPPED:
		return HVCTL_STOPPED;
	default:
		return HVCTL_ERROR;
	}
}

static int run_machine(struct run *run, struct machine *m)
{
	enum machine_end end;
	struct err err = { "" };
	bool first = true;

	for (;;) {
		if (machine_start(m, &err)) {
			log_error("%s", err.text);
			return HVCTL_ERROR;
		}
		if (first && console_is_terminal())
			log_note("%s starts; Ctrl-] ? lists the keys, Ctrl-] q quits",
				 m->config->name);
		first = false;
		serve(run, m);
		machine_stop(m);
		end = atomic_load(&m->end);
		if (end == MACHINE_CRASH || end == MACHINE_ERROR)
			report_crash(m);
		if (run->stat)
			report_stat(m);
		machine_destroy(m);
		if (end != MACHINE_REBOOT || run->no_reboot)
			return exit_status(end);
		log_note("%s reboots", m->config->name);
		if (gmem_clear(&m->mem, &err)) {
			log_error("%s", err.text);
			return HVCTL_ERROR;
		}
	}
}

/* A vCPU takes a descriptor: 1024 of them are the usual soft limit. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_guest(struct run *run)
{
	struct err err = { "" };
	struct machine m;
	int status = HVCTL_ERROR, ret;

	raise_limits();
	ret = open_files(run, &err);
	if (!ret)
		ret = open_signals(run, &err);
	if (ret) {
		log_error("%s", err.text);
		return HVCTL_ERROR;
	}
	ret = machine_init(&m, &run->config, &err);
	if (!ret) {
		console_open();
		if (!run->no_jail)
			ret = jail_enter(&err);
	}
	if (ret)
		log_error("%s", err.text);
	else
		status = run_machine(run, &m);
	console_close();
	machine_exit(&m);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run run = {
		.config = { .name = "guest", .memory = DEFAULT_MEMORY, .vcpus = 1 },
		.input = true,
	};
	int ret = parse_options(&run, argc, argv);

	if (ret)
		return ret;
	if (run.help) {
		fputs(run_help, stdout);
		return HVCTL_OK;
	}
	return run_guest(&run);
}
