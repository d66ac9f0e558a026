// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec load" loads the host's own kernel and /boot/host/initrd, with the running
 * kernel's parameters, "kexec go" starts it; "kexec crash" loads it for a panic.
 * The scripts rig/tests/kexec and rig/tests/crash run it.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv.h"
#include "kexec.h"

static int need_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		tap_die("%s: %m", path);
	return fd;
}

static void parameters(char *line, size_t room, bool crash)
{
	ssize_t got = read(need_file("/proc/cmdline"), line, room - 1);

	hv_need(got > 0);
	line[got] = 0;
	line[strcspn(line, "\n")] = 0;
	if (crash)
		kexec_crash_line(line, room);
}

static void load(bool crash)
{
	char line[2048];
	long ret;

	if (access("/sys/kernel/kexec_loaded", F_OK))
		tap_skip_all("this kernel has no kexec");
	parameters(line, sizeof(line), crash);
	ret = syscall(SYS_kexec_file_load, need_file("/boot/host/vmlinuz"),
		      need_file("/boot/host/initrd"), strlen(line) + 1, line,
		      crash ? KEXEC_FILE_ON_CRASH : 0);
	if (ret)
		tap_die("kexec_file_load: %m");
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "load")) {
		load(false);
		return 0;
	}
	if (!strcmp(what, "crash")) {
		load(true);
		return 0;
	}
	if (strcmp(what, "go"))
		tap_die("usage: kexec load|crash|go");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	tap_die("reboot(KEXEC): %m");
}
