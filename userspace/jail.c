// SPDX-License-Identifier: GPL-2.0
/*
 * The jail: a system call filter made with libseccomp.  launch.c calls it when
 * all files are open.  It must let through what libc needs for threads, memory
 * and exit: a refused call there would leave the terminal raw.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "uapi/hvmod.h"
#include "userspace/jail.h"

static const int allowed[] = {
	/* files and events that are open already */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll),
	/* the control socket, which listens already, and its streams */
	SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(pipe2),
	SCMP_SYS(dup2),		/* a daemon lets go of the terminal when it has started */
	/* memory: the heap, thread stacks, run pages, guest memory */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect),
	SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* threads and time */
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(futex), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall),
	/* signals to ourselves, and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getpgrp), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getrandom),
};

/* What may be asked of a terminal. */
static const unsigned long terminal_calls[] = {
	TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGPGRP, TIOCGWINSZ,
};

/* What may be asked of a tap device once it is open. */
static const unsigned long tap_calls[] = { TUNSETOFFLOAD, TUNSETQUEUE };

/* What a disk's threads call, where there is no io_uring. */
static const int disk_calls[] = {
	SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(fdatasync), SCMP_SYS(fallocate),
};

static int add_ioctls(scmp_filter_ctx ctx, const unsigned long *calls, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, calls[i]));
	return ret;
}

static int add_rules(scmp_filter_ctx ctx, u32 needs)
{
	struct scmp_arg_cmp request = { .arg = 1 };
	unsigned int i;
	int ret;

	/* The filter runs at each exit to this program: what it asks for comes first. */
	ret = seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), 255);
	for (i = 0; i < ARRAY_SIZE(allowed) && !ret; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!ret)
		ret = add_ioctls(ctx, terminal_calls, ARRAY_SIZE(terminal_calls));
	if (!ret && needs & JAIL_TAP)
		ret = add_ioctls(ctx, tap_calls, ARRAY_SIZE(tap_calls));
	if (!ret && needs & JAIL_URING)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(io_uring_enter), 0);
	for (i = 0; i < ARRAY_SIZE(disk_calls) && !ret && needs & JAIL_DISK; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, disk_calls[i], 0);
	/* All of the device's own calls: their type is in bits 8-15. */
	request.op = SCMP_CMP_MASKED_EQ;
	request.datum_a = 0xff00;
	request.datum_b = HVMOD_IOC_TYPE << 8;
	if (!ret)
		ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					     &request);
	return ret;
}

int jail_enter(u32 needs, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret;

	if (!ctx)
		return err_set(err, ENOMEM, "cannot make the system call filter");
	/* libseccomp sets no_new_privs by itself. */
	ret = add_rules(ctx, needs);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	if (ret)
		return err_set(err, -ret,
			       "cannot load the system call filter: %s (--no-jail runs without)",
			       strerror(-ret));
	return 0;
}
