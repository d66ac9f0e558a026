// SPDX-License-Identifier: GPL-2.0
/*
 * One guest from start to end, and what the user sees of it.  The commands that
 * start a guest call it when they know what they want.  It must leave the
 * terminal as it was, whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/console.h"
#include "userspace/jail.h"
#include "userspace/launch.h"
#include "userspace/log.h"
#include "userspace/report.h"

#define PROGRESS_FROM	(8 * MIB)

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

static int open_files(struct launch *launch, struct err *err)
{
	struct linux_files *files = &launch->config.files;
	int ret = log_open(launch->log, launch->debug, err);

	if (ret)
		return ret;
	files->cmdline = launch->append ? launch->append : "";
	files->kernel_name = launch->kernel;
	files->initrd_name = launch->initrd;
	files->initrd_fd = -1;
	files->progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	files->kernel_fd = open_file(launch->kernel, err);
	if (files->kernel_fd < 0)
		return files->kernel_fd;
	if (launch->initrd) {
		files->initrd_fd = open_file(launch->initrd, err);
		if (files->initrd_fd < 0)
			return files->initrd_fd;
	}
	return 0;
}

/* All signals but those of a crash go to the main thread, as file events. */
static int open_signals(struct launch *launch, struct err *err)
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
	launch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (launch->signals < 0)
		return err_set(err, errno, "cannot wait for signals: %s", strerror(errno));
	return 0;
}

static void on_signal(struct launch *launch, struct machine *m)
{
	struct signalfd_siginfo info;

	while (read(launch->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
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

static void on_input(struct launch *launch, struct machine *m, unsigned int room)
{
	u8 data[256];
	ssize_t got, i;

	got = read(STDIN_FILENO, data, room < sizeof(data) ? room : sizeof(data));
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		launch->input = false;	/* the guest goes on without */
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
static void serve(struct launch *launch, struct machine *m)
{
	enum { INPUT, SIGNALS, WAKE, ROOM };
	struct pollfd fds[] = {
		[INPUT] = { .fd = -1, .events = POLLIN },
		[SIGNALS] = { .fd = launch->signals, .events = POLLIN },
		[WAKE] = { .fd = m->wake, .events = POLLIN },
		[ROOM] = { .fd = m->room, .events = POLLIN },
	};
	unsigned int room;

	while (atomic_load(&m->end) == MACHINE_RUNS) {
		room = machine_room(m);
		fds[INPUT].fd = launch->input && room ? STDIN_FILENO : -1;
		fds[INPUT].revents = 0;
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[SIGNALS].revents)
			on_signal(launch, m);
		if (fds[ROOM].revents)
			drain(m->room);
		if (fds[INPUT].revents)
			on_input(launch, m, room);
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
	case MACHINE_WATCHDOG:
		return HVCTL_CRASH;
	case MACHINE_STOPPED:
		return HVCTL_STOPPED;
	default:
		return HVCTL_ERROR;
	}
}

static int run_machine(struct launch *launch, struct machine *m)
{
	enum machine_end end;
	struct err err = { "" };
	bool first = true, soft = false;
	int ret;

	for (;;) {
		ret = soft ? machine_soft_reset(m, &err) : machine_start(m, &err);
		if (ret) {
			log_error("%s", err.text);
			return HVCTL_ERROR;
		}
		if (first && console_is_terminal())
			log_note("%s starts; Ctrl-] ? lists the keys, Ctrl-] q quits",
				 m->config->name);
		first = false;
		serve(launch, m);
		machine_stop(m);
		end = atomic_load(&m->end);
		if (end == MACHINE_CRASH || end == MACHINE_ERROR || end == MACHINE_WATCHDOG)
			report_crash(m);
		soft = end == MACHINE_SOFT_RESET;
		if (soft) {
			log_note("%s goes on with another kernel", m->config->name);
			continue;
		}
		if (launch->stat)
			report_stat(m);
		machine_destroy(m);
		if (end != MACHINE_REBOOT || launch->on_reboot != LAUNCH_RESTART)
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

/* The interfaces of a configuration file beside those of --net. */
static int add_vifs(struct machine_config *config, struct err *err)
{
	unsigned int i;
	int ret = 0;

	if (config->vifs && config->type != MACHINE_PVH) {
		log_note("this kind of guest has no network cards: vif is ignored");
		return 0;
	}
	for (i = 0; i < config->vifs && !ret; i++) {
		if (config->nets == NET_CARDS)
			return err_set(err, E2BIG, "a guest has %u network cards at most",
				       NET_CARDS);
		ret = vif_net(&config->vif[i], &config->net[config->nets++], err);
		if (config->vif[i].rate || config->vif[i].script || config->vif[i].gateway)
			log_note("vif %u: rate, script and gatewaydev are not acted on", i);
	}
	return ret;
}

int launch_guest(struct launch *launch)
{
	struct err err = { "" };
	struct machine m;
	int status = HVCTL_ERROR, ret;

	raise_limits();
	ret = open_files(launch, &err);
	if (!ret)
		ret = open_signals(launch, &err);
	if (!ret)
		ret = add_vifs(&launch->config, &err);
	if (ret) {
		log_error("%s", err.text);
		return HVCTL_ERROR;
	}
	ret = machine_init(&m, &launch->config, &err);
	if (!ret) {
		console_open();
		if (!launch->no_jail)
			ret = jail_enter(devices_need(&m.devices), &err);
	}
	if (ret)
		log_error("%s", err.text);
	else
		status = run_machine(launch, &m);
	console_close();
	machine_exit(&m);
	return status;
}
