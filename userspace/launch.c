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
#include <time.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/config/guest.h"
#include "userspace/console.h"
#include "userspace/control/rundir.h"
#include "userspace/guest.h"
#include "userspace/jail.h"
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

static void on_signal(struct guest *guest)
{
	struct signalfd_siginfo info;

	while (read(guest->launch->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTSTP) {
			console_close();
			raise(SIGSTOP);
			console_resume();
			continue;
		}
		log_debug("signal %u", info.ssi_signo);
		guest->destroy = true;
		machine_ends(&guest->machine, MACHINE_STOPPED);
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

/* Until the machine ends; with @off, until it is destroyed. */
static void serve(struct guest *guest, bool off)
{
	enum { INPUT, SIGNALS, WAKE, ROOM, CONTROL };
	struct launch *launch = guest->launch;
	struct machine *m = &guest->machine;
	struct pollfd fds[CONTROL + CONTROL_FDS] = {
		[INPUT] = { .fd = -1, .events = POLLIN },
		[SIGNALS] = { .fd = launch->signals, .events = POLLIN },
		[WAKE] = { .fd = m->wake, .events = POLLIN },
		[ROOM] = { .fd = m->room, .events = POLLIN },
	};
	unsigned int room, count;

	while (off ? !guest->destroy : atomic_load(&m->end) == MACHINE_RUNS) {
		room = off ? 0 : machine_room(m);
		fds[INPUT].fd = launch->input && room ? STDIN_FILENO : -1;
		fds[INPUT].revents = 0;
		count = control_poll(&guest->control, fds + CONTROL);
		if (poll(fds, CONTROL + count, -1) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		if (fds[SIGNALS].revents)
			on_signal(guest);
		if (fds[WAKE].revents)
			drain(m->wake);
		if (fds[ROOM].revents)
			drain(m->room);
		if (fds[INPUT].revents)
			on_input(launch, m, room);
		control_serve(&guest->control, fds + CONTROL, count);
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

static enum launch_action what_follows(const struct launch *launch, enum machine_end end)
{
	switch (end) {
	case MACHINE_POWEROFF:
		return launch->on_poweroff;
	case MACHINE_REBOOT:
		return launch->on_reboot;
	case MACHINE_CRASH:
		return launch->on_crash;
	case MACHINE_WATCHDOG:
		return launch->on_watchdog;
	default:
		return LAUNCH_DESTROY;
	}
}

/* Whoever waits for the start hears of it; messages go to the log from here on. */
static void tell_started(struct launch *launch, int status)
{
	u8 byte = (u8)status;
	int null;

	if (launch->ready < 0)
		return;
	if (write(launch->ready, &byte, 1) != 1)
		log_debug("nobody waits for the start");
	close(launch->ready);
	launch->ready = -1;
	null = launch->null;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static void greet(const struct guest *guest)
{
	const char *name = guest->launch->config.name;

	if (guest->boots == 1 && console_is_terminal())
		log_note("%s starts; Ctrl-] ? lists the keys, Ctrl-] q quits", name);
	else if (guest->boots > 1)
		log_note("%s starts again", name);
}

/* It stays to be looked at. */
static void preserve(struct guest *guest, enum machine_end end)
{
	guest->state = end == MACHINE_CRASH ? GUEST_CRASHED : GUEST_OFF;
	log_note("%s is preserved: 'hvctl destroy %s' ends it", guest->launch->config.name,
		 guest->launch->config.name);
	serve(guest, true);
}

/* One boot, to its end. */
static int run_once(struct guest *guest, bool soft, enum machine_end *end, struct err *err)
{
	struct launch *launch = guest->launch;
	struct machine *m = &guest->machine;
	bool paused = launch->paused && !guest->boots;
	int ret;

	guest->state = paused ? GUEST_PAUSED : GUEST_RUNS;
	machine_pause(m, paused);
	ret = soft ? machine_soft_reset(m, err) : machine_start(m, err);
	if (ret)
		return ret;
	if (!soft) {
		guest->boots++;
		greet(guest);
	}
	tell_started(launch, HVCTL_OK);
	serve(guest, false);
	machine_stop(m);
	*end = atomic_load(&m->end);
	if (*end == MACHINE_CRASH || *end == MACHINE_ERROR || *end == MACHINE_WATCHDOG)
		report_crash(m);
	if (*end == MACHINE_SOFT_RESET)
		log_note("%s goes on with another kernel", launch->config.name);
	else if (launch->stat)
		report_stat(m);
	return 0;
}

static int run_machine(struct guest *guest)
{
	struct launch *launch = guest->launch;
	enum machine_end end = MACHINE_ERROR;
	enum launch_action action;
	struct err err = { "" };
	bool soft = false;

	for (;;) {
		if (run_once(guest, soft, &end, &err)) {
			log_error("%s", err.text);
			return HVCTL_ERROR;
		}
		soft = end == MACHINE_SOFT_RESET;
		if (soft)
			continue;
		action = what_follows(launch, end);
		if (action == LAUNCH_PRESERVE)
			preserve(guest, end);
		control_drop_watches(&guest->control);
		machine_destroy(&guest->machine);
		if (action != LAUNCH_RESTART)
			return exit_status(end);
		if (gmem_clear(&guest->machine.mem, &err)) {
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

/* Its control socket.  One that was not named takes another name. */
static int claim_name(struct launch *launch, int *listen, struct err *err)
{
	static char name[GUEST_NAME_MAX + 1];
	struct rundir dir;
	int ret = rundir_open(&dir, true, err);

	*listen = -1;
	if (!ret) {
		ret = rundir_claim(&dir, launch->config.name, err);
		if (ret == -EEXIST && !launch->named) {
			snprintf(name, sizeof(name), "%s-%d", launch->config.name, getpid());
			launch->config.name = name;
			ret = rundir_claim(&dir, name, err);
		}
		rundir_close(&dir);
	}
	if (ret >= 0)
		*listen = ret;
	if (ret >= 0 || launch->named)
		return ret < 0 ? ret : 0;
	log_debug("no control socket: %s", err->text);
	return 0;
}

/* When it did not come to be.  In the jail the socket can only be left behind. */
static void release_name(const struct guest *guest)
{
	char path[RUNDIR_MAX + GUEST_NAME_MAX + 8];
	struct rundir dir;

	if (guest->control.listen < 0 || rundir_open(&dir, false, NULL))
		return;
	rundir_file(&dir, guest->launch->config.name, ".sock", path, sizeof(path));
	unlink(path);
	rundir_close(&dir);
}

static int prepare(struct guest *guest, struct err *err)
{
	struct launch *launch = guest->launch;
	int listen = -1, history, ret;

	ret = claim_name(launch, &listen, err);
	guest->control.listen = listen;
	if (!ret && launch->own_log)
		unlink(launch->log);
	if (!ret)
		ret = open_files(launch, err);
	if (!ret)
		ret = open_signals(launch, err);
	if (!ret)
		ret = add_vifs(&launch->config, err);
	if (ret)
		return ret;
	history = console_history_open(launch->daemon);
	if (history < 0)
		return err_set(err, -history, "cannot make an eventfd");
	control_init(&guest->control, guest, listen, history);
	ret = machine_init(&guest->machine, &launch->config, err);
	if (ret)
		return ret;
	if (launch->daemon)
		launch->input = false;
	else
		console_open();
	return launch->no_jail ? 0 : jail_enter(devices_need(&guest->machine.devices), err);
}

/* In the process that is the guest's. */
static int run_guest(struct launch *launch)
{
	/* Large, and there is one of it. */
	static struct guest guest;
	struct err err = { "" };
	int status = HVCTL_ERROR;

	guest.launch = launch;
	guest.started = time(NULL);
	guest.control.listen = -1;
	raise_limits();
	if (prepare(&guest, &err)) {
		log_error("%s", err.text);
		release_name(&guest);
	} else {
		status = run_machine(&guest);
	}
	console_close();
	control_exit(&guest.control);
	if (guest.machine.config)
		machine_exit(&guest.machine);
	tell_started(launch, status);
	return status;
}

/* The log that a daemon writes unless told another. */
static int daemon_log(struct launch *launch, struct err *err)
{
	static char path[RUNDIR_MAX + GUEST_NAME_MAX + 8];
	struct rundir dir;
	int ret;

	if (launch->log)
		return 0;
	ret = rundir_open(&dir, true, err);
	if (ret)
		return ret;
	rundir_file(&dir, launch->config.name, ".log", path, sizeof(path));
	rundir_close(&dir);
	launch->log = path;
	launch->own_log = true;
	return 0;
}

/* A child that is the guest; we wait until it started or says why not. */
static int launch_daemon(struct launch *launch)
{
	struct err err = { "" };
	u8 status = HVCTL_ERROR;
	int ready[2];
	pid_t pid;

	if (daemon_log(launch, &err)) {
		log_error("%s", err.text);
		return HVCTL_ERROR;
	}
	launch->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (launch->null < 0 || pipe2(ready, O_CLOEXEC)) {
		log_error("cannot start a process: %s", strerror(errno));
		return HVCTL_ERROR;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		log_error("cannot start a process: %s", strerror(errno));
		return HVCTL_ERROR;
	}
	if (!pid) {
		close(ready[0]);
		launch->ready = ready[1];
		setsid();
		_exit(run_guest(launch));
	}
	close(ready[1]);
	while (read(ready[0], &status, 1) < 0 && errno == EINTR)
		;
	close(ready[0]);
	return status;
}

int launch_guest(struct launch *launch)
{
	return launch->daemon ? launch_daemon(launch) : run_guest(launch);
}
