// SPDX-License-Identifier: GPL-2.0
/*
 * xenstore, in the launcher: the lock, the thread and the launcher's own way to
 * the store.  The machine makes it; back ends and the control socket use it.  It
 * must hold no lock while it calls somebody back.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/xen/xenstore.h"
#include "userspace/xen/xs_ring.h"

#define BATCH	32	/* requests of the guest before others have their turn */

/* A watch of the launcher's. */
struct xs_callback {
	void (*fn)(void *arg, const char *path);
	void *arg;
	char token[24];
	char *path;
};

/* A call to be made. */
struct call {
	struct call *next;
	struct xs_callback *cb;
	char path[];
};

/*
 * @lock covers all but what is set once.  @running is the callback that the
 * thread is in; @idle is signalled when it comes back.
 */
struct xenstore {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct xs_store store;
	struct xs_conn self;
	struct xs_client guest;
	struct xs_ring ring;
	struct xenstore_host host;
	struct call *calls;
	struct call **last;
	struct xs_callback *running;
	u64 tokens;
	int kick;
	int wake;
	pthread_t thread;
	bool started;
	bool stop;
};

static void notify(int fd)
{
	u64 one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void drain(int fd)
{
	u64 count;

	while (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		;
}

/* A change may have fired watches: of the guest, or of ours. */
static void xs_unlock(struct xenstore *xs)
{
	bool work = xs->started && (xs->calls || xs->guest.head);

	pthread_mutex_unlock(&xs->lock);
	if (work)
		notify(xs->wake);
}

static void on_event(struct xs_conn *conn, const struct xs_watch *watch, const char *path)
{
	struct xenstore *xs = (struct xenstore *)((char *)conn - offsetof(struct xenstore, self));
	struct call *call;

	if (!xs->started)
		return;
	call = malloc(sizeof(*call) + strlen(path) + 1);
	if (!call)
		return;
	call->next = NULL;
	call->cb = watch->owner;
	strcpy(call->path, path);
	*xs->last = call;
	xs->last = &call->next;
}

/* With the lock; NULL when there is none. */
static struct call *next_call(struct xenstore *xs)
{
	struct call *call = xs->calls;

	if (call) {
		xs->calls = call->next;
		if (!xs->calls)
			xs->last = &xs->calls;
	}
	return call;
}

/* With the lock, which is dropped for each.  False: there was none. */
static bool make_calls(struct xenstore *xs)
{
	struct call *call;
	bool made = false;

	while (!xs->stop && (call = next_call(xs))) {
		struct xs_callback *cb = call->cb;

		xs->running = cb;
		pthread_mutex_unlock(&xs->lock);
		cb->fn(cb->arg, call->path);
		free(call);
		pthread_mutex_lock(&xs->lock);
		xs->running = NULL;
		made = true;
		pthread_cond_broadcast(&xs->idle);
	}
	return made;
}

static void *run(void *arg)
{
	struct xenstore *xs = arg;
	struct pollfd fds[] = {
		{ .fd = xs->kick, .events = POLLIN },
		{ .fd = xs->wake, .events = POLLIN },
	};
	int done = 0;

	pthread_mutex_lock(&xs->lock);
	while (!xs->stop) {
		pthread_mutex_unlock(&xs->lock);
		if (poll(fds, ARRAY_SIZE(fds), done & XS_WORK_MORE ? 0 : -1) < 0 &&
		    errno != EINTR)
			return NULL;
		drain(xs->kick);
		drain(xs->wake);

		pthread_mutex_lock(&xs->lock);
		done = xs_ring_work(&xs->ring, BATCH);
		if (done & XS_WORK_NOTIFY)
			xs->host.send(xs->host.arg);
		if (xs->ring.why)
			xs->host.complain(xs->host.arg, xs->ring.why);
		/* What the calls change may be for the guest. */
		if (make_calls(xs))
			done |= XS_WORK_MORE;
	}
	pthread_mutex_unlock(&xs->lock);
	return NULL;
}

struct xenstore *xenstore_create(u32 domid, struct err *err)
{
	struct xenstore *xs = calloc(1, sizeof(*xs));

	if (!xs || xs_store_init(&xs->store)) {
		free(xs);
		err_set(err, ENOMEM, "not enough memory for a xenstore");
		return NULL;
	}
	pthread_mutex_init(&xs->lock, NULL);
	pthread_cond_init(&xs->idle, NULL);
	xs->last = &xs->calls;
	xs_conn_open(&xs->self, &xs->store, XS_DOMID_SELF, on_event);
	xs_client_init(&xs->guest, &xs->store, (u16)domid);
	xs->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	xs->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (xs->kick < 0 || xs->wake < 0) {
		xenstore_destroy(xs);
		err_set(err, EMFILE, "cannot make an eventfd");
		return NULL;
	}
	return xs;
}

void xenstore_destroy(struct xenstore *xs)
{
	struct xs_watch *watch;

	if (!xs)
		return;
	xenstore_stop(xs);
	for (watch = xs->self.watches; watch; watch = watch->next) {
		struct xs_callback *cb = watch->owner;

		free(cb->path);
		free(cb);
	}
	xs_client_exit(&xs->guest);
	xs_conn_close(&xs->self);
	xs_store_exit(&xs->store);
	if (xs->kick >= 0)
		close(xs->kick);
	if (xs->wake >= 0)
		close(xs->wake);
	pthread_cond_destroy(&xs->idle);
	pthread_mutex_destroy(&xs->lock);
	free(xs);
}

int xenstore_kick(const struct xenstore *xs)
{
	return xs->kick;
}

int xenstore_start(struct xenstore *xs, void *page, const struct xenstore_host *host,
		   struct err *err)
{
	struct xs_watch *watch;
	int ret;

	pthread_mutex_lock(&xs->lock);
	xs->host = *host;
	xs->stop = false;
	xs_ring_init(&xs->ring, page, &xs->guest);
	xs->started = true;
	/* Watches that are older than the guest: told as if they were new. */
	for (watch = xs->self.watches; watch; watch = watch->next)
		on_event(&xs->self, watch, watch->path);
	xs_store_special(&xs->store, "@introduceDomain");
	ret = pthread_create(&xs->thread, NULL, run, xs);
	if (ret)
		xs->started = false;
	xs_unlock(xs);
	if (ret)
		return err_set(err, ret, "cannot start xenstore's thread: %s", strerror(ret));
	return 0;
}

void xenstore_stop(struct xenstore *xs)
{
	struct call *call;

	pthread_mutex_lock(&xs->lock);
	if (!xs->started) {
		pthread_mutex_unlock(&xs->lock);
		return;
	}
	xs->stop = true;
	pthread_mutex_unlock(&xs->lock);
	notify(xs->wake);
	pthread_join(xs->thread, NULL);
	pthread_mutex_lock(&xs->lock);
	xs->started = false;
	while ((call = next_call(xs)))
		free(call);
	xs_client_reset(&xs->guest);
	pthread_mutex_unlock(&xs->lock);
}

int xs_begin(struct xenstore *xs, u32 *tx)
{
	int ret;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_begin(&xs->self, tx);
	pthread_mutex_unlock(&xs->lock);
	return ret;
}

int xs_commit(struct xenstore *xs, u32 tx)
{
	int ret;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_end(&xs->self, tx, true);
	xs_unlock(xs);
	return ret;
}

void xs_abort(struct xenstore *xs, u32 tx)
{
	pthread_mutex_lock(&xs->lock);
	xs_store_end(&xs->self, tx, false);
	pthread_mutex_unlock(&xs->lock);
}

char *xs_read(struct xenstore *xs, u32 tx, const char *path, size_t *len)
{
	const struct xs_node *node;
	char *value = NULL;
	int ret;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_get(&xs->self, tx, path, &node);
	if (!ret) {
		value = malloc(node->len + 1);
		ret = value ? 0 : -ENOMEM;
	}
	if (!ret) {
		if (node->len)
			memcpy(value, node->value, node->len);
		value[node->len] = 0;
		if (len)
			*len = node->len;
	}
	pthread_mutex_unlock(&xs->lock);
	errno = -ret;
	return value;
}

static int join(char *path, const char *dir, const char *node)
{
	int len = snprintf(path, XS_ABS_PATH_MAX + 1, "%s/%s", dir, node);

	return len < 0 || len > (int)XS_ABS_PATH_MAX ? -EINVAL : 0;
}

int xs_read_u32(struct xenstore *xs, u32 tx, const char *dir, const char *node, u32 *value)
{
	char path[XS_ABS_PATH_MAX + 1], *text;
	u64 number = 0;
	size_t len, i;

	if (join(path, dir, node))
		return -EINVAL;
	text = xs_read(xs, tx, path, &len);
	if (!text)
		return -errno;
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9' && number <= UINT32_MAX; i++)
		number = number * 10 + (u64)(text[i] - '0');
	free(text);
	if (!len || i < len || number > UINT32_MAX)
		return -EINVAL;
	*value = (u32)number;
	return 0;
}

static int change(struct xenstore *xs, u32 tx, const struct xs_change *what)
{
	int ret;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_change(&xs->self, tx, what);
	xs_unlock(xs);
	return ret;
}

int xs_write(struct xenstore *xs, u32 tx, const char *path, const void *value, size_t len)
{
	const struct xs_change what = {
		.kind = XS_SET, .path = path, .value = value, .len = (u32)len,
	};

	return len > XS_PAYLOAD_MAX ? -E2BIG : change(xs, tx, &what);
}

int xs_printf(struct xenstore *xs, u32 tx, const char *dir, const char *node,
	      const char *fmt, ...)
{
	char path[XS_ABS_PATH_MAX + 1], value[XS_PAYLOAD_MAX + 1];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (len < 0 || join(path, dir, node))
		return -EINVAL;
	return xs_write(xs, tx, path, value, (size_t)len);
}

int xs_mkdir(struct xenstore *xs, u32 tx, const char *path)
{
	const struct xs_change what = { .kind = XS_MAKE, .path = path };

	return change(xs, tx, &what);
}

int xs_rm(struct xenstore *xs, u32 tx, const char *path)
{
	const struct xs_change what = { .kind = XS_REMOVE, .path = path };

	return change(xs, tx, &what);
}

/* The array, then the strings. */
static char **copy_names(const struct xs_node *node)
{
	size_t size = (node->children + 1) * sizeof(char *);
	char **list, *at;
	u32 i;

	for (i = 0; i < node->children; i++)
		size += strlen(node->child[i]->name) + 1;
	list = malloc(size);
	if (!list)
		return NULL;
	at = (char *)(list + node->children + 1);
	for (i = 0; i < node->children; i++) {
		list[i] = at;
		at = stpcpy(at, node->child[i]->name) + 1;
	}
	list[i] = NULL;
	return list;
}

char **xs_directory(struct xenstore *xs, u32 tx, const char *path, unsigned int *count)
{
	const struct xs_node *node;
	char **list = NULL;
	int ret;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_get(&xs->self, tx, path, &node);
	if (!ret) {
		list = copy_names(node);
		*count = node->children;
		ret = list ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&xs->lock);
	errno = -ret;
	return list;
}

int xs_set_perms(struct xenstore *xs, u32 tx, const char *path, const char *text)
{
	struct xs_perms perms = { .count = 0 };
	const struct xs_change what = { .kind = XS_PERMS, .path = path, .perms = &perms };
	char word[8];
	size_t len;

	for (text += strspn(text, " "); *text; text += len, text += strspn(text, " ")) {
		len = strcspn(text, " ");
		if (len >= sizeof(word) || perms.count == XS_MAX_PERMS)
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = 0;
		if (xs_perm_parse(word, &perms.perm[perms.count++]))
			return -EINVAL;
	}
	return change(xs, tx, &what);
}

char *xs_get_perms(struct xenstore *xs, u32 tx, const char *path)
{
	const struct xs_node *node;
	char *text = NULL;
	size_t len = 0;
	int ret;
	u32 i;

	pthread_mutex_lock(&xs->lock);
	ret = xs_store_get(&xs->self, tx, path, &node);
	if (!ret) {
		text = malloc(XS_MAX_PERMS * 8);
		ret = text ? 0 : -ENOMEM;
	}
	for (i = 0; !ret && i < node->perms.count; i++)
		len += (size_t)sprintf(text + len, "%s%c%u", i ? " " : "",
				       xs_perm_letter(node->perms.perm[i].access),
				       node->perms.perm[i].domid);
	pthread_mutex_unlock(&xs->lock);
	errno = -ret;
	return text;
}

struct xs_callback *xs_watch(struct xenstore *xs, const char *path,
			     void (*fn)(void *arg, const char *path), void *arg)
{
	struct xs_callback *cb = calloc(1, sizeof(*cb));
	struct xs_watch *watch;
	int ret = -ENOMEM;

	if (cb)
		cb->path = strdup(path);
	if (cb && cb->path) {
		cb->fn = fn;
		cb->arg = arg;
		pthread_mutex_lock(&xs->lock);
		snprintf(cb->token, sizeof(cb->token), "%llu", ++xs->tokens);
		ret = xs_store_watch(&xs->self, path, cb->token, false, cb, &watch);
		if (!ret)
			on_event(&xs->self, watch, watch->path);
		xs_unlock(xs);
	}
	if (ret) {
		if (cb)
			free(cb->path);
		free(cb);
		cb = NULL;
	}
	errno = -ret;
	return cb;
}

void xs_unwatch(struct xenstore *xs, struct xs_callback *cb)
{
	struct call **at, *call;

	pthread_mutex_lock(&xs->lock);
	xs_store_unwatch(&xs->self, cb->path, cb->token);
	for (at = &xs->calls; *at;) {
		call = *at;
		if (call->cb != cb) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		free(call);
	}
	xs->last = at;
	while (xs->running == cb && !pthread_equal(pthread_self(), xs->thread))
		pthread_cond_wait(&xs->idle, &xs->lock);
	pthread_mutex_unlock(&xs->lock);
	free(cb->path);
	free(cb);
}
