// SPDX-License-Identifier: GPL-2.0
/*
 * What Linux does for its programs, in ticks of the TSC: system calls, processes,
 * memory, pipes, files, a disk if there is one.  bench/linux.sh runs the same
 * program in the host and in its guests.  It must need nothing but a kernel: it
 * is a guest's only program.
 *
 * A line "LINUX name median min" for each operation.
 *
 *	inside SELF [NAME=ADDRESS:PORT]...	measure, also TCP to these
 *	inside serve PORT			be at the other end of that
 *	inside exit				what fork_exec() executes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PAGE	4096UL
#define SAMPLES	400
#define BULK	65536UL

/* The first byte of what the other end is sent. */
enum { ONE_BYTE = 1, ALL_OF_BULK };

static const char *self;
static char buf[2 * PAGE] __attribute__((aligned(PAGE)));
static int pipe_to[2], pipe_back[2], file, disk, sock[2], remote;
static char *area;		/* pages that nobody touched yet */
static unsigned long next_page;

static inline unsigned long ticks(void)
{
	unsigned int low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return low | (unsigned long)high << 32;
}

static int compare(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

/* Four times to warm up, then n samples. */
static void measure(const char *name, void (*fn)(void), unsigned int n)
{
	static unsigned long sample[SAMPLES];
	unsigned int i;

	for (i = 0; i < 4; i++)
		fn();
	for (i = 0; i < n; i++) {
		unsigned long start = ticks();

		fn();
		sample[i] = ticks() - start;
	}
	qsort(sample, n, sizeof(sample[0]), compare);
	printf("LINUX %s %lu %lu\n", name, sample[n / 2], sample[0]);
	fflush(stdout);
}

static void nothing(void)
{
}

static void null_call(void)
{
	syscall(SYS_getppid);
}

static void fork_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	hv_need(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

static void fork_exec(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl(self, self, "exit", NULL);
		_exit(1);
	}
	hv_need(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

/* To another process and back. */
static void two_switches(void)
{
	hv_need(write(pipe_to[1], buf, 1) == 1 && read(pipe_back[0], buf, 1) == 1);
}

static void fault(void)
{
	area[next_page++ * PAGE] = 1;
}

static void map_unmap(void)
{
	void *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	hv_need(p != MAP_FAILED && !munmap(p, 16 * PAGE));
}

static void own_pipe(void)
{
	static int own[2];

	if (!own[0])
		hv_need(!pipe(own));
	hv_need(write(own[1], buf, 512) == 512 && read(own[0], buf, 512) == 512);
}

static void file_write(void)
{
	hv_need(pwrite(file, buf, PAGE, 0) == (ssize_t)PAGE);
}

static void file_read(void)
{
	hv_need(pread(file, buf, PAGE, 0) == (ssize_t)PAGE);
}

static void tcp_and_back(void)
{
	hv_need(write(sock[0], buf, 1) == 1 && read(sock[0], buf, 1) == 1);
}

static void disk_write(void)
{
	hv_need(pwrite(disk, buf, PAGE, 0) == (ssize_t)PAGE);
}

static void disk_read(void)
{
	hv_need(pread(disk, buf, PAGE, 0) == (ssize_t)PAGE);
}

/* The other process: what comes goes back, until nothing comes. */
static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			break;
	_exit(0);
}

static void tcp_connect(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	hv_need(server >= 0 && !bind(server, (void *)&at, sizeof(at)) && !listen(server, 1));
	hv_need(!getsockname(server, (void *)&at, &len));
	sock[0] = socket(AF_INET, SOCK_STREAM, 0);
	hv_need(sock[0] >= 0 && !connect(sock[0], (void *)&at, sizeof(at)));
	sock[1] = accept(server, NULL, NULL);
	hv_need(sock[1] >= 0);
}

static char bulk[BULK];

static void send_all(size_t len, char what)
{
	size_t done = 0;
	ssize_t n;

	bulk[0] = what;
	for (; done < len; done += n) {
		n = write(remote, bulk + done, len - done);
		hv_need(n > 0);
	}
	hv_need(read(remote, buf, 1) == 1);
}

static void net_and_back(void)
{
	send_all(1, ONE_BYTE);
}

static void net_bulk(void)
{
	send_all(BULK, ALL_OF_BULK);
}

/* name=address:port */
static void measure_net(char *to)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char *address = strchr(to, '='), *port = strrchr(to, ':'), name[32];
	int one = 1;

	hv_need(address && port && port > address);
	*address++ = 0;
	*port++ = 0;
	at.sin_port = htons(atoi(port));
	hv_need(inet_pton(AF_INET, address, &at.sin_addr) == 1);
	remote = socket(AF_INET, SOCK_STREAM, 0);
	hv_need(remote >= 0 && !connect(remote, (void *)&at, sizeof(at)));
	hv_need(!setsockopt(remote, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	snprintf(name, sizeof(name), "%.20s_byte", to);
	measure(name, net_and_back, SAMPLES / 4);
	snprintf(name, sizeof(name), "%.20s_bulk", to);
	measure(name, net_bulk, SAMPLES / 8);
	close(remote);
}

static void serve_one(int fd)
{
	size_t left;
	ssize_t n;

	while (read(fd, bulk, 1) == 1) {
		for (left = bulk[0] == ALL_OF_BULK ? BULK - 1 : 0; left; left -= n) {
			n = read(fd, bulk, left);
			if (n <= 0)
				return;
		}
		if (write(fd, bulk, 1) != 1)
			return;
	}
}

static int serve(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int server = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;

	hv_need(server >= 0 && !setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	hv_need(!bind(server, (void *)&at, sizeof(at)) && !listen(server, 1));
	for (;;) {
		fd = accept(server, NULL, NULL);
		hv_need(fd >= 0);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		serve_one(fd);
		close(fd);
	}
}

/* One CPU: a switch between processes is one. */
static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	hv_need(!sched_setaffinity(0, sizeof(set), &set));
}

static void with_other(const char *name, void (*fn)(void), unsigned int n, int from, int to)
{
	pid_t pid = fork();

	hv_need(pid >= 0);
	if (!pid)
		echo(from, to);
	measure(name, fn, n);
	kill(pid, 9);
	hv_need(waitpid(pid, NULL, 0) == pid);
}

int main(int argc, char **argv)
{
	int i;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	self = argc > 1 ? argv[1] : argv[0];
	pin();
	area = mmap(NULL, (SAMPLES + 4) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	hv_need(area != MAP_FAILED);
	madvise(area, (SAMPLES + 4) * PAGE, MADV_NOHUGEPAGE);
	file = open("/tmp/linux.file", O_RDWR | O_CREAT, 0600);
	hv_need(file >= 0 && !pipe(pipe_to) && !pipe(pipe_back));
	tcp_connect();

	measure("nothing", nothing, SAMPLES);
	measure("syscall", null_call, SAMPLES);
	measure("fault", fault, SAMPLES);
	measure("mmap", map_unmap, SAMPLES);
	measure("pipe", own_pipe, SAMPLES);
	measure("file_write", file_write, SAMPLES);
	measure("file_read", file_read, SAMPLES);
	with_other("switch", two_switches, SAMPLES, pipe_to[0], pipe_back[1]);
	with_other("tcp", tcp_and_back, SAMPLES / 2, sock[1], sock[1]);
	measure("fork", fork_exit, 50);
	measure("exec", fork_exec, 50);
	disk = open("/dev/xvda", O_RDWR | O_DIRECT);
	if (disk >= 0) {
		measure("disk_write", disk_write, SAMPLES / 4);
		measure("disk_read", disk_read, SAMPLES / 4);
	}
	for (i = 2; i < argc; i++)
		measure_net(argv[i]);
	unlink("/tmp/linux.file");
	return 0;
}
