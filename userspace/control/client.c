// SPDX-License-Identifier: GPL-2.0
/*
 * Sends requests to a guest's launcher and reads its answers.  The commands
 * call it.  It must not wait for ever for one that does not answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/control/client.h"

#define ANSWER_LIMIT	20		/* seconds: a pause may take five */
#define ANSWER_MAX	(64U << 20)	/* bytes */
#define CHUNK		16384

static void set_limit(int fd, int seconds)
{
	const struct timeval limit = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* The guest that runs in process @name. */
static int connect_pid(struct rundir *dir, const char *name, struct err *err)
{
	char **names, *found = NULL;
	int count = rundir_list(dir, &names, err), i, ret;
	struct err unused;

	for (i = 0; i < count; i++) {
		json_t *info = NULL;

		if (!found)
			info = client_once(names[i], json_pack("{s:s}", "do", "info"), &unused);
		if (info && json_integer_value(json_object_get(info, "pid")) == atoll(name)) {
			found = names[i];
			names[i] = NULL;
		}
		json_decref(info);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	ret = found ? rundir_connect(dir, found, err) : -ENOENT;
	free(found);
	return ret;
}

int client_open(struct client *client, const char *name, struct err *err)
{
	struct err other = { "" };
	struct rundir dir;
	int ret = rundir_open(&dir, false, err);

	memset(client, 0, sizeof(*client));
	client->fd = -1;
	if (ret == -ENOENT)
		return err_set(err, ENOENT, "there is no guest %s: none runs", name);
	if (ret)
		return ret;
	ret = rundir_connect(&dir, name, err);
	if (ret == -ENOENT && strspn(name, "0123456789") == strlen(name)) {
		int fd = connect_pid(&dir, name, &other);

		ret = fd < 0 ? ret : fd;
	}
	rundir_close(&dir);
	if (ret < 0)
		return ret;
	client->fd = ret;
	set_limit(client->fd, ANSWER_LIMIT);
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->in);
	client->in = NULL;
	client->fd = -1;
}

/* More of the stream; 0: it has ended. */
static ssize_t receive(struct client *client, struct err *err)
{
	char *more = realloc(client->in, client->len + CHUNK);
	ssize_t got;

	if (!more || client->len > ANSWER_MAX)
		return err_set(err, ENOMEM, "no memory for the answer");
	client->in = more;
	do
		got = recv(client->fd, client->in + client->len, CHUNK, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return err_set(err, ETIMEDOUT, "the guest's launcher does not answer");
	if (got < 0)
		return err_set(err, errno, "the guest's launcher: %s", strerror(errno));
	if (!got)
		return err_set(err, EPIPE, "the guest's launcher has ended");
	client->len += (size_t)got;
	return got;
}

json_t *client_line(struct client *client, struct err *err)
{
	json_t *json;
	char *end;

	while (!client->len || !(end = memchr(client->in, '\n', client->len)))
		if (receive(client, err) <= 0)
			return NULL;
	json = json_loadb(client->in, (size_t)(end - client->in), JSON_ALLOW_NUL, NULL);
	client->len -= (size_t)(end + 1 - client->in);
	memmove(client->in, end + 1, client->len);
	if (!json)
		err_set(err, EPROTO, "the guest's launcher answers what is no JSON");
	return json;
}

static int send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		text += sent;
		len -= (size_t)sent;
	}
	return 0;
}

json_t *client_ask(struct client *client, json_t *request, struct err *err)
{
	char *text = json_dumps(request, JSON_COMPACT);
	const json_t *error;
	json_t *answer;
	int ret;

	json_decref(request);
	if (!text) {
		err_set(err, EINVAL, "the request is no text: are its words in UTF-8?");
		return NULL;
	}
	ret = send_all(client->fd, text, strlen(text));
	free(text);
	if (!ret)
		ret = send_all(client->fd, "\n", 1);
	if (ret) {
		err_set(err, -ret, "the guest's launcher takes no request: %s", strerror(-ret));
		return NULL;
	}
	answer = client_line(client, err);
	if (!answer || json_is_true(json_object_get(answer, "ok")))
		return answer;
	error = json_object_get(answer, "error");
	err_set(err, EINVAL, "%s", json_is_string(error) ? json_string_value(error) : "refused");
	json_decref(answer);
	return NULL;
}

json_t *client_once(const char *name, json_t *request, struct err *err)
{
	struct client client;
	json_t *answer;

	if (client_open(&client, name, err)) {
		json_decref(request);
		return NULL;
	}
	answer = client_ask(&client, request, err);
	client_close(&client);
	return answer;
}

void client_stay(struct client *client)
{
	set_limit(client->fd, 0);
}

void client_wait(struct client *client)
{
	char ignored[64];
	ssize_t got;

	client_stay(client);
	do
		got = recv(client->fd, ignored, sizeof(ignored), 0);
	while (got > 0 || (got < 0 && errno == EINTR));
}

json_t *client_all(json_t *request, struct err *err)
{
	json_t *all = json_array(), *answer;
	struct err unused;
	struct rundir dir;
	char **names;
	int count, i;

	i = rundir_open(&dir, false, err);
	if (i == -ENOENT)
		return all;
	count = i ? i : rundir_list(&dir, &names, err);
	if (!i)
		rundir_close(&dir);
	if (count < 0) {
		json_decref(all);
		return NULL;
	}
	for (i = 0; i < count; i++) {
		answer = client_once(names[i], json_deep_copy(request), &unused);
		if (answer)
			json_array_append_new(all, answer);
		free(names[i]);
	}
	free(names);
	return all;
}
