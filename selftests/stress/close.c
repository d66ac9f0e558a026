// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors that go away while a vCPU runs: closed by another thread, held by
 * another process to which they were sent, left behind by exec.  api/life closes
 * them in every order when nothing runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv.h"

static volatile u64 stop, rounds;

static void guest_spin(void)
{
	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	while (!stop)
		rounds++;
	GUEST_DONE();
}

/* One RUN, whatever becomes of the descriptor meanwhile. */
static void *run_thread(void *arg)
{
	struct hv_vcpu *vcpu = arg;
	int ret;

	do
		ret = hv_run_once(vcpu);
	while (!ret && vcpu->run->exit_reason == HVMOD_EXIT_NONE);
	return (void *)(long)ret;
}

static void wait_rounds(u64 more)
{
	u64 until = rounds + more;
	u32 i;

	for (i = 0; i < 20000 && rounds < until; i++)
		usleep(200);
}

static void test_close_running(u32 order)
{
	struct hv_vm *vm = hv_vm_new(1 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	pthread_t thread;
	void *result;

	stop = 0;
	hv_long_mode(vcpu, guest_spin);
	hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
	wait_rounds(10);
	/* RUN holds the vCPU's file; the VM's goes first, last or not at all. */
	if (order & 1)
		close(vm->fd);
	if (order & 2)
		close(vm->dev);
	if (order & 4)
		close(vcpu->fd);
	wait_rounds(10);
	stop = 1;
	pthread_join(thread, &result);
	/* 0: it wrote to its port; -EBADF: a signal or work made RUN start again. */
	tap_ok(!(long)result || ((order & 4) && (long)result == -EBADF),
	       "closed under RUN, order %u", order);
	munmap(vcpu->run, sizeof(*vcpu->run));
	if (!(order & 4))
		close(vcpu->fd);
	if (!(order & 1))
		close(vm->fd);
	if (!(order & 2))
		close(vm->dev);
}

/* ---- another process ---- */

static void send_fd(int sock, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	hv_need(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The launcher dies; its VM and vCPU live on in our hands, without memory. */
static void test_sent(void)
{
	struct hvmod_vm_stat stat;
	struct hvmod_regs regs;
	struct hvmod_state args = {
		.id = HVMOD_STATE_REGS, .size = sizeof(regs), .addr = (uintptr_t)&regs,
	};
	int socks[2], vm_fd, vcpu_fd, status;
	pid_t pid;

	hv_need(!socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fork();
	hv_need(pid >= 0);
	if (!pid) {
		struct hv_vm *vm = hv_vm_new(1 << 20);
		struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
		pthread_t thread;

		stop = 0;
		hv_long_mode(vcpu, guest_spin);
		hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
		wait_rounds(10);
		send_fd(socks[1], vm->fd);
		send_fd(socks[1], vcpu->fd);
		for (;;)
			pause();
	}
	vm_fd = receive_fd(socks[0]);
	vcpu_fd = receive_fd(socks[0]);
	hv_need(vm_fd >= 0 && vcpu_fd >= 0);
	tap_ioctl(vcpu_fd, HVMOD_VCPU_RUN, NULL, EIO, "sent: RUN is not for others");
	tap_ioctl(vm_fd, HVMOD_VM_STAT, &stat, EIO, "sent: nor a VM call");
	kill(pid, SIGKILL);
	hv_need(waitpid(pid, &status, 0) == pid);
	tap_ioctl(vcpu_fd, HVMOD_VCPU_RUN, NULL, EIO, "its process is dead: RUN");
	tap_ioctl(vcpu_fd, HVMOD_VCPU_GET_STATE, &args, EIO, "its process is dead: state");
	close(vm_fd);
	tap_ioctl(vcpu_fd, HVMOD_VCPU_RUN, NULL, EIO, "and its VM's descriptor closed");
	close(vcpu_fd);
	close(socks[0]);
	close(socks[1]);
}

/* ---- exec ---- */

static void test_exec(char *self)
{
	char nothing[] = "nothing";
	char *argv[3] = { self, nothing, NULL };
	int status;
	pid_t pid = fork();

	hv_need(pid >= 0);
	if (!pid) {
		struct hv_vm *vm = hv_vm_new(1 << 20);
		struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
		pthread_t thread;

		stop = 0;
		hv_long_mode(vcpu, guest_spin);
		hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
		wait_rounds(10);
		/* The VM's descriptor stays open in a process with other memory. */
		fcntl(vm->fd, F_SETFD, 0);
		fcntl(vcpu->fd, F_SETFD, 0);
		execv(self, argv);
		_exit(1);
	}
	hv_need(waitpid(pid, &status, 0) == pid);
	tap_eq(status, 0, "exec in the midst of RUN, descriptors kept");
}

static int users(void)
{
	FILE *f = fopen("/sys/module/hvmod/refcnt", "r");
	int n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	u32 i;

	if (argc > 1)
		return 0;
	for (i = 0; i < 8; i++)
		test_close_running(i);
	test_sent();
	test_exec(argv[0]);
	tap_eq(users(), 0, "the module has no users");
	return tap_finish();
}
