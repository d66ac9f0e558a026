// SPDX-License-Identifier: GPL-2.0
/*
 * User-mode networking: a process of its own in which libslirp speaks to the
 * guest by frames and to the host by sockets.  net.c starts it before the jail;
 * it has no guest memory, no VM, and a jail of its own.  It must end when the
 * launcher does, and keep frames for a slow guest rather than lose them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <slirp/libslirp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "userspace/net/frame.h"
#include "userspace/net/net.h"
#include "userspace/net/slirp.h"

#define BATCH		16U	/* frames a system call */
#define WAITING		512U	/* frames that wait for the guest, of a queue */
#define TIMERS		4U
#define FRAME_ROOM	(sizeof(struct virtio_net_hdr) + FRAME_MAX)

/* struct waiting - a frame to the guest, header included */
struct waiting {
	u8 *data;
	u32 len;
};

/* struct queue - a socket to the launcher, and what it has no room for */
struct queue {
	int fd;
	struct waiting frame[WAITING];
	u32 first;
	u32 count;
};

struct timer {
	bool used;
	s64 at_ms;		/* 0: not set */
	SlirpTimerId id;
	void *arg;
};

/* struct user - the process's state */
struct user {
	Slirp *slirp;
	struct queue queue[NET_QUEUES];
	u32 queues;		/* sockets */
	u32 in_use;		/* of them, by the guest */
	struct pollfd *fds;
	u32 nfds;
	u32 room;
	struct timer timer[TIMERS];
	u8 *in[BATCH];
};

static int64_t now_ns(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- frames to the guest ---- */

static ssize_t on_packet(const void *data, size_t len, void *arg)
{
	struct user *u = arg;
	struct queue *q = &u->queue[frame_flow(data, (u32)len) % u->in_use];
	size_t size = sizeof(struct virtio_net_hdr) + len;
	struct waiting *w;
	u8 *copy;

	/* The guest takes none; its peers send it again. */
	if (q->count == WAITING || len > FRAME_MAX)
		return (ssize_t)len;
	copy = malloc(size);
	if (!copy)
		return (ssize_t)len;
	memset(copy, 0, sizeof(struct virtio_net_hdr));
	memcpy(copy + sizeof(struct virtio_net_hdr), data, len);
	w = &q->frame[(q->first + q->count++) % WAITING];
	w->data = copy;
	w->len = (u32)size;
	return (ssize_t)len;
}

static void flush(struct queue *q)
{
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	u32 i, n;
	int sent;

	while (q->count) {
		n = q->count < BATCH ? q->count : BATCH;
		memset(msg, 0, sizeof(msg));
		for (i = 0; i < n; i++) {
			struct waiting *w = &q->frame[(q->first + i) % WAITING];

			iov[i] = (struct iovec){ w->data, w->len };
			msg[i].msg_hdr.msg_iov = &iov[i];
			msg[i].msg_hdr.msg_iovlen = 1;
		}
		sent = sendmmsg(q->fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		for (i = 0; i < (u32)sent; i++) {
			free(q->frame[q->first].data);
			q->first = (q->first + 1) % WAITING;
			q->count--;
		}
	}
}

/* ---- frames from the guest ---- */

static void on_frame(struct user *u, u8 *data, u32 len)
{
	struct virtio_net_hdr header;
	struct iovec iov;

	/* net_use_queues() */
	if (len == 1) {
		if (data[0] && data[0] <= u->queues)
			u->in_use = data[0];
		return;
	}
	if (len < sizeof(header) + FRAME_HEADER)
		return;
	memcpy(&header, data, sizeof(header));
	iov = (struct iovec){ data + sizeof(header), len - sizeof(header) };
	/* A large segment is a large packet to slirp, its length is in it. */
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    frame_finish(&iov, 1, header.csum_start, header.csum_offset))
		return;
	slirp_input(u->slirp, iov.iov_base, (int)iov.iov_len);
}

/* Return: false: the launcher is gone. */
static bool take(struct user *u, struct queue *q)
{
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	u32 i;
	int got;

	memset(msg, 0, sizeof(msg));
	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ u->in[i], FRAME_ROOM };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(q->fd, msg, BATCH, MSG_DONTWAIT, NULL);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	for (i = 0; i < (u32)got; i++) {
		if (!msg[i].msg_len)
			return false;
		on_frame(u, u->in[i], msg[i].msg_len);
	}
	return got > 0;
}

/* ---- what libslirp asks of its host ---- */

static void on_guest_error(const char *text, void *arg)
{
	(void)text;
	(void)arg;
}

static void *on_timer_new(SlirpTimerId id, void *cb_arg, void *arg)
{
	struct user *u = arg;
	u32 i;

	for (i = 0; i < TIMERS; i++) {
		if (u->timer[i].used)
			continue;
		u->timer[i] = (struct timer){ .used = true, .id = id, .arg = cb_arg };
		return &u->timer[i];
	}
	return NULL;
}

static void on_timer_free(void *timer, void *arg)
{
	(void)arg;
	if (timer)
		((struct timer *)timer)->used = false;
}

static void on_timer_mod(void *timer, int64_t at_ms, void *arg)
{
	(void)arg;
	if (timer)
		((struct timer *)timer)->at_ms = at_ms;
}

static void on_fd(int fd, void *arg)
{
	(void)fd;
	(void)arg;
}

static void on_notify(void *arg)
{
	(void)arg;
}

static const SlirpCb calls = {
	.send_packet = on_packet,
	.guest_error = on_guest_error,
	.clock_get_ns = now_ns,
	.timer_new_opaque = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = on_fd,
	.unregister_poll_fd = on_fd,
	.notify = on_notify,
};

static void run_timers(struct user *u, u32 *timeout)
{
	s64 now = now_ns(NULL) / 1000000, left;
	u32 i;

	for (i = 0; i < TIMERS; i++) {
		struct timer *t = &u->timer[i];

		if (t->used && t->at_ms && t->at_ms <= now) {
			t->at_ms = 0;
			slirp_handle_timer(u->slirp, t->id, t->arg);
		}
		left = t->used && t->at_ms ? t->at_ms - now : -1;
		if (left >= 0 && left < *timeout)
			*timeout = (u32)left;
	}
}

/* ---- the loop ---- */

static const struct {
	int slirp;
	short poll;
} bits[] = {
	{ SLIRP_POLL_IN, POLLIN }, { SLIRP_POLL_OUT, POLLOUT }, { SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR }, { SLIRP_POLL_HUP, POLLHUP },
};

static int add_fd(struct user *u, int fd, short events)
{
	struct pollfd *more;

	if (u->nfds == u->room) {
		more = realloc(u->fds, (u->room + 64) * sizeof(*more));
		if (!more)
			return -1;
		u->fds = more;
		u->room += 64;
	}
	u->fds[u->nfds] = (struct pollfd){ .fd = fd, .events = events };
	return (int)u->nfds++;
}

static int on_add_poll(int fd, int events, void *arg)
{
	short wanted = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (events & bits[i].slirp)
			wanted |= bits[i].poll;
	return add_fd(arg, fd, wanted);
}

static int on_revents(int index, void *arg)
{
	struct user *u = arg;
	int events = 0;
	u32 i;

	if (index < 0 || (u32)index >= u->nfds)
		return 0;
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (u->fds[index].revents & bits[i].poll)
			events |= bits[i].slirp;
	return events;
}

/* A round of the loop. Return: false: the launcher is gone. */
static bool turn(struct user *u)
{
	bool full = false;
	u32 timeout = 60000, i;
	int ret;

	u->nfds = 0;
	run_timers(u, &timeout);
	for (i = 0; i < u->queues; i++) {
		struct queue *q = &u->queue[i];

		full |= q->count > WAITING / 2;
		if (add_fd(u, q->fd, (short)(POLLIN | (q->count ? POLLOUT : 0))) < 0)
			return false;
	}
	/* Nothing from outside while the guest does not take what is here. */
	if (!full)
		slirp_pollfds_fill(u->slirp, &timeout, on_add_poll, u);
	ret = poll(u->fds, u->nfds, (int)timeout);
	if (ret < 0 && errno != EINTR)
		return false;
	if (!full)
		slirp_pollfds_poll(u->slirp, ret < 0, on_revents, u);
	for (i = 0; i < u->queues; i++)
		if (u->fds[i].revents & (POLLIN | POLLHUP) && !take(u, &u->queue[i]))
			return false;
	for (i = 0; i < u->queues; i++)
		flush(&u->queue[i]);
	return true;
}

static int forward(struct user *u, const struct net_config *config, struct err *err)
{
	u32 i;

	for (i = 0; i < config->forwards; i++) {
		const struct net_forward *f = &config->forward[i];

		if (slirp_add_hostfwd(u->slirp, f->udp, f->host, f->host_port, f->guest,
				      f->guest_port))
			return err_set(err, errno, "cannot listen on %s port %u of the host: %s",
				       f->udp ? "UDP" : "TCP", f->host_port, strerror(errno));
	}
	return 0;
}

static int make_slirp(struct user *u, const struct net_config *config, struct err *err)
{
	SlirpConfig slirp = {
		.version = 4,
		.restricted = config->restrict_host,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(0x0a000200),
		.vnetmask.s_addr = htonl(0xffffff00),
		.vhost.s_addr = htonl(0x0a000202),
		.vdhcp_start.s_addr = htonl(0x0a00020f),
		.vnameserver.s_addr = htonl(0x0a000203),
		.in6_enabled = true,
		.vprefix_len = 64,
		.disable_host_loopback = config->restrict_host,
	};
	u32 i;

	inet_pton(AF_INET6, "fec0::", &slirp.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &slirp.vhost6);
	inet_pton(AF_INET6, "fec0::3", &slirp.vnameserver6);
	for (i = 0; i < BATCH; i++) {
		u->in[i] = malloc(FRAME_ROOM);
		if (!u->in[i])
			return err_set(err, ENOMEM, "not enough memory for a user network");
	}
	u->slirp = slirp_new(&slirp, &calls, u);
	if (!u->slirp)
		return err_set(err, ENOMEM, "libslirp %s does not start", slirp_version_string());
	return forward(u, config, err);
}

/* The process: tells how it went, then works. */
static void serve(const int *fd, u32 queues, const struct net_config *config)
{
	static struct user user;
	struct err err = { "" };
	u32 i;
	int ret;

	user.queues = queues;
	user.in_use = 1;
	for (i = 0; i < queues; i++)
		user.queue[i].fd = fd[i];
	ret = make_slirp(&user, config, &err);
	if (!ret)
		ret = slirp_jail(&err);
	/* A first message without text: all is well. */
	if (send(fd[0], err.text, strlen(err.text) + 1, MSG_NOSIGNAL) < 0)
		ret = -errno;
	while (!ret && turn(&user))
		;
	/* At once: handlers of libc or of a sanitizer have no place in the jail. */
	syscall(SYS_exit_group, !!ret);
}

static void become_child(int *fd, u32 queues, pid_t parent)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH };
	sigset_t all;
	int null;
	u32 i;

	/* It ends with the launcher, and not by the keys that the launcher takes. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hvctl-net");
	if (getppid() != parent)
		_exit(1);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	/* Messages of libslirp are all that it may say. */
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(1);
	/* No descriptor but the sockets, put in order at 3 and up. */
	for (i = 0; i < queues; i++) {
		if (fd[i] != (int)(3 + i) && dup2(fd[i], (int)(3 + i)) < 0)
			_exit(1);
		fd[i] = (int)(3 + i);
	}
	close_range(3 + queues, ~0U, 0);
}

static int first_word(struct net_wire *wire, struct err *err)
{
	struct err why = { "" };
	ssize_t got;

	do
		got = recv(wire->fd[0], why.text, sizeof(why.text) - 1, 0);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return err_set(err, EIO, "the user network's process ended at once");
	if (why.text[0])
		return err_set(err, EIO, "user network: %s", why.text);
	return 0;
}

int net_user_open(struct net_wire *wire, const struct net_config *config, u32 queues,
		  struct err *err)
{
	int far[NET_QUEUES], pair[2], ret = 0;
	pid_t parent = getpid();
	u32 i, n;

	for (n = 0; n < queues && !ret; n++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
			ret = err_set(err, errno, "no sockets for a user network: %s",
				      strerror(errno));
			break;
		}
		wire->fd[wire->queues++] = pair[0];
		far[n] = pair[1];
	}
	if (!ret) {
		wire->child = fork();
		if (!wire->child) {
			become_child(far, n, parent);
			serve(far, n, config);
		}
		if (wire->child < 0)
			ret = err_set(err, errno, "no process for a user network: %s",
				      strerror(errno));
	}
	for (i = 0; i < n; i++)
		close(far[i]);
	if (!ret)
		ret = first_word(wire, err);
	for (i = 0; i < wire->queues && !ret; i++)
		if (fcntl(wire->fd[i], F_SETFL, O_NONBLOCK))
			ret = -errno;
	wire->accepts = NET_OFFLOADS;
	return ret;
}
