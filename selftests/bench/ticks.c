// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command and prints what it cost the whole machine: ticks of the TSC, and
 * how many of them the processors were idle.  In an emulator with one CPU the rest
 * is the instructions that guest, launcher and kernel executed.  For bench/boot.sh.
 *
 *	ticks COMMAND [ARGUMENT...]
 *	ticks -s		what the host takes from a loop: its own timer interrupts
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv.h"

/* Idle time of all CPUs, in clock ticks. */
static u64 idle_time(void)
{
	unsigned long long idle = 0, iowait = 0;
	FILE *f = fopen("/proc/stat", "r");

	hv_need(f);
	hv_need(fscanf(f, "cpu %*u %*u %*u %llu %llu", &idle, &iowait) == 2);
	fclose(f);
	return idle + iowait;
}

static double mhz(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[4096];
	double value = 0;

	hv_need(f);
	while (!value && fgets(line, sizeof(line), f))
		sscanf(line, "cpu MHz : %lf", &value);
	fclose(f);
	hv_need(value > 0);
	return value;
}

#define SPIN_LOOPS	100000000UL

/* Of a million ticks, those that are no instruction of the loop. */
static u64 host_share(void)
{
	u64 start = guest_rdtsc(), n = SPIN_LOOPS, ticks;

	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
	ticks = guest_rdtsc() - start;
	return ticks > 2 * SPIN_LOOPS ? (ticks - 2 * SPIN_LOOPS) * 1000000 / ticks : 0;
}

int main(int argc, char **argv)
{
	u64 start, ticks, idle;
	double per_tick;
	int status;
	pid_t pid;

	if (argc < 2)
		tap_die("usage: ticks COMMAND [ARGUMENT...] | -s");
	if (!strcmp(argv[1], "-s")) {
		printf("%llu\n", (unsigned long long)host_share());
		return 0;
	}
	per_tick = mhz() * 1e6 / sysconf(_SC_CLK_TCK);
	idle = idle_time();
	start = guest_rdtsc();
	pid = fork();
	hv_need(pid >= 0);
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	hv_need(waitpid(pid, &status, 0) == pid);
	ticks = guest_rdtsc() - start;
	idle = (idle_time() - idle) * per_tick;
	printf("ticks %llu busy %llu\n", (unsigned long long)ticks,
	       (unsigned long long)(ticks > idle ? ticks - idle : 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : TAP_ERROR;
}
