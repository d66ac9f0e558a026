// SPDX-License-Identifier: GPL-2.0
/*
 * In a guest: starts another kernel, as kexec does.  Not a test by itself: the
 * script of that name takes it into its guest.
 *
 * kexec_load KERNEL INITRD COMMANDS [crash]: the parameters are those of this kernel,
 * with other commands for the guest's init (blanks as colons); it starts at once, or
 * by a panic, into the memory that crashkernel= kept for it.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kexec.h"

#define REBOOT_KEXEC	0x45584543	/* LINUX_REBOOT_CMD_KEXEC */

static int crash(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	return fd >= 0 && write(fd, "c", 1) == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
	int kernel, initrd, fd, by_panic = argc == 5;
	char line[2048] = "", *run, *c;

	if (argc != 4 && (!by_panic || strcmp(argv[4], "crash")))
		return 2;
	fd = open("/proc/cmdline", O_RDONLY);
	if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0)
		return 2;
	run = strstr(line, "rig.run=");
	if (!run || strlen(argv[3]) > 512 || run - line > 1024)
		return 2;
	strcpy(run + strlen("rig.run="), argv[3]);
	for (c = run; *c; c++)
		if (*c == ':')
			*c = ',';
	if (by_panic)
		kexec_crash_line(line, sizeof(line));
	kernel = open(argv[1], O_RDONLY);
	initrd = open(argv[2], O_RDONLY);
	if (kernel < 0 || initrd < 0) {
		perror("kexec_load: open");
		return 1;
	}
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(line) + 1, line,
		    by_panic ? KEXEC_FILE_ON_CRASH : 0UL)) {
		perror("kexec_load: kexec_file_load");
		return 1;
	}
	printf("kexec_load: %s\n", line);
	fflush(stdout);
	if (by_panic)
		return crash();
	syscall(SYS_reboot, 0xfee1dead, 672274793, REBOOT_KEXEC, NULL);
	perror("kexec_load: reboot");
	return 1;
}
