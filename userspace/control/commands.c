// SPDX-License-Identifier: GPL-2.0
/*
 * What the requests of the control socket do: a table of names and handlers.
 * control.c calls it in the launcher's main thread, between two steps of its
 * loop.  A handler must check all that a request holds, must not block for
 * long, and answers in a sentence what cannot be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/console.h"
#include "userspace/guest.h"
#include "userspace/log.h"
#include "userspace/stat.h"
#include "userspace/xen/domain.h"

#define NS_PER_S	1000000000ULL

static json_t *done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *__printf(1, 2) refuse(const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

json_t *control_text(const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);
	char *shown = json ? NULL : malloc(len * 4 + 1), *to = shown;
	size_t i;

	if (json || !shown)
		return json;
	for (i = 0; i < len; i++)
		to += sprintf(to, (signed char)text[i] < 0 ? "\\x%02x" : "%c",
			      (unsigned char)text[i]);
	json = json_stringn(shown, (size_t)(to - shown));
	free(shown);
	return json;
}

static const char *name_of(const struct guest *guest)
{
	return guest->launch->config.name;
}

static const char *state_of(const struct guest *guest)
{
	static const char *const names[] = {
		[GUEST_RUNS] = "running", [GUEST_PAUSED] = "paused", [GUEST_OFF] = "off",
		[GUEST_CRASHED] = "crashed",
	};

	return names[guest->state];
}

/* ---- life ---- */

static json_t *do_info(struct guest *guest, struct control_client *client,
		       const json_t *request)
{
	const struct machine_config *config = &guest->launch->config;
	struct timespec cpu = { 0 };

	(void)client;
	(void)request;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return json_pack("{s:b, s:s, s:i, s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:i, s:s}",
			 "ok", 1, "name", config->name, "pid", (int)getpid(),
			 "type", config->type == MACHINE_PVH ? "pvh" : "linux",
			 "state", state_of(guest),
			 "memory", (json_int_t)config->memory,
			 "resident", (json_int_t)stat_resident(&guest->machine),
			 "vcpus", (int)config->vcpus,
			 "started", (json_int_t)guest->started,
			 "cpu_ns", (json_int_t)((u64)cpu.tv_sec * NS_PER_S + (u64)cpu.tv_nsec),
			 "boots", (int)guest->boots,
			 "version", HVCTL_VERSION);
}

static json_t *do_destroy(struct guest *guest, struct control_client *client,
			  const json_t *request)
{
	(void)client;
	(void)request;
	log_note("%s is destroyed", name_of(guest));
	guest->destroy = true;
	machine_ends(&guest->machine, MACHINE_STOPPED);
	return done();
}

static json_t *do_reset(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	(void)client;
	(void)request;
	machine_ends(&guest->machine, MACHINE_REBOOT);
	return done();
}

static json_t *set_pause(struct guest *guest, bool pause)
{
	if (machine_pause(&guest->machine, pause)) {
		machine_pause(&guest->machine, false);
		return refuse("a vCPU does not stop: its thread waits for something");
	}
	guest->state = pause ? GUEST_PAUSED : GUEST_RUNS;
	return done();
}

static json_t *do_pause(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	(void)client;
	(void)request;
	return set_pause(guest, true);
}

static json_t *do_unpause(struct guest *guest, struct control_client *client,
			  const json_t *request)
{
	(void)client;
	(void)request;
	return set_pause(guest, false);
}

/* ---- requests to the guest, through xenstore ---- */

static void store_path(char path[64], const char *node)
{
	snprintf(path, 64, DOMAIN_PATH "/%s", HVMOD_XEN_DOMID_GUEST, node);
}

/* An empty value takes the request back, which the guest's answer is, too. */
static json_t *ask(struct guest *guest, const char *what)
{
	char path[64], feature[64];
	struct xenstore *xs = guest->machine.store;
	char *value;
	int ret;

	snprintf(feature, sizeof(feature), DOMAIN_PATH "/control/feature-%s",
		 HVMOD_XEN_DOMID_GUEST, what);
	value = xs_read(xs, 0, feature, NULL);
	store_path(path, "control/shutdown");
	ret = xs_write(xs, 0, path, what, strlen(what));
	if (ret) {
		free(value);
		return refuse("xenstore refuses it: %s", strerror(-ret));
	}
	if (value && !strcmp(value, "1")) {
		free(value);
		return done();
	}
	free(value);
	return json_pack("{s:b, s:s}", "ok", 1, "note",
			 "the guest has not said so far that it listens to that");
}

static json_t *do_shutdown(struct guest *guest, struct control_client *client,
			   const json_t *request)
{
	(void)client;
	(void)request;
	if (guest->machine.store)
		return ask(guest, "poweroff");
	if (!pm_button(&guest->machine.pm))
		return refuse("the guest does not listen to the power button");
	return done();
}

static json_t *do_reboot(struct guest *guest, struct control_client *client,
			 const json_t *request)
{
	(void)client;
	(void)request;
	if (!guest->machine.store)
		return refuse("a PC can only be asked to switch itself off (shutdown), or reset");
	return ask(guest, "reboot");
}

static bool get_number(const json_t *request, const char *key, u64 *value)
{
	const json_t *number = json_object_get(request, key);

	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return false;
	*value = (u64)json_integer_value(number);
	return true;
}

static json_t *do_mem_set(struct guest *guest, struct control_client *client,
			  const json_t *request)
{
	const struct machine_config *config = &guest->launch->config;
	char dir[64];
	u64 memory;
	int ret;

	(void)client;
	if (!get_number(request, "memory", &memory))
		return refuse("mem-set needs memory, in bytes");
	if (memory < LAUNCH_MEMORY_MIN || memory > config->memory)
		return refuse("%s has %llu MiB at most and %llu MiB at least", config->name,
			      config->memory / MIB, LAUNCH_MEMORY_MIN / MIB);
	store_path(dir, "memory");
	ret = xs_printf(guest->machine.store, 0, dir, "target", "%llu", memory / KIB);
	return ret ? refuse("xenstore refuses it: %s", strerror(-ret)) : done();
}

static json_t *do_vcpu_set(struct guest *guest, struct control_client *client,
			   const json_t *request)
{
	const struct machine_config *config = &guest->launch->config;
	char dir[64], node[24];
	u64 count;
	int ret = 0;
	u32 i;

	(void)client;
	if (!get_number(request, "vcpus", &count))
		return refuse("vcpu-set needs vcpus");
	if (!count || count > config->vcpus)
		return refuse("%s has %u vCPUs at most and 1 at least", config->name,
			      config->vcpus);
	for (i = 0; !ret && i < config->vcpus; i++) {
		snprintf(node, sizeof(node), "cpu/%u", i);
		store_path(dir, node);
		ret = xs_printf(guest->machine.store, 0, dir, "availability", "%s",
				i < count ? "online" : "offline");
	}
	return ret ? refuse("xenstore refuses it: %s", strerror(-ret)) : done();
}

/* ---- xenstore ---- */

static json_t *no_path(const char *path, int code)
{
	if (code == ENOENT)
		return refuse("%.200s is not there", path);
	if (code == EINVAL)
		return refuse("'%.200s' is no path in xenstore", path);
	return refuse("%.200s: %s", path, strerror(code));
}

/* Absolute, or below the guest's own directory. */
static bool get_path(const json_t *request, char path[1024])
{
	const char *text = json_string_value(json_object_get(request, "path"));
	int n;

	if (!text)
		return false;
	if (*text == '/')
		n = snprintf(path, 1024, "%s", text);
	else
		n = snprintf(path, 1024, DOMAIN_PATH "%s%s", HVMOD_XEN_DOMID_GUEST,
			     *text ? "/" : "", text);
	return n > 0 && n < 1024;
}

static json_t *do_xs_read(struct guest *guest, struct control_client *client,
			  const json_t *request)
{
	char path[1024], *value;
	json_t *answer;
	size_t len;

	(void)client;
	if (!get_path(request, path))
		return refuse("xenstore-read needs a path");
	value = xs_read(guest->machine.store, 0, path, &len);
	if (!value)
		return no_path(path, errno);
	answer = done();
	json_object_set_new(answer, "value", control_text(value, len));
	free(value);
	return answer;
}

static json_t *do_xs_write(struct guest *guest, struct control_client *client,
			   const json_t *request)
{
	const json_t *value = json_object_get(request, "value");
	char path[1024];
	int ret;

	(void)client;
	if (!get_path(request, path) || !json_is_string(value))
		return refuse("xenstore-write needs a path and a value");
	ret = xs_write(guest->machine.store, 0, path, json_string_value(value),
		       json_string_length(value));
	return ret ? no_path(path, -ret) : done();
}

static json_t *do_xs_rm(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	char path[1024];
	int ret;

	(void)client;
	if (!get_path(request, path))
		return refuse("xenstore-rm needs a path");
	ret = xs_rm(guest->machine.store, 0, path);
	return ret ? no_path(path, -ret) : done();
}

/* One level: names with their values and how many names are below each. */
static json_t *do_xs_ls(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	struct xenstore *xs = guest->machine.store;
	char path[1024], below[2048], **names, *value;
	unsigned int count, i, inner;
	json_t *answer, *list, *item;
	size_t len;

	(void)client;
	if (!get_path(request, path))
		return refuse("xenstore-ls needs a path");
	names = xs_directory(xs, 0, path, &count);
	if (!names)
		return no_path(path, errno);
	answer = done();
	list = json_array();
	for (i = 0; i < count; i++) {
		snprintf(below, sizeof(below), "%s/%s", strcmp(path, "/") ? path : "", names[i]);
		inner = 0;
		free(xs_directory(xs, 0, below, &inner));
		value = xs_read(xs, 0, below, &len);
		item = json_object();
		json_object_set_new(item, "name", control_text(names[i], strlen(names[i])));
		json_object_set_new(item, "value", value ? control_text(value, len) :
							   json_string(""));
		json_object_set_new(item, "below", json_integer(inner));
		json_array_append_new(list, item);
		free(value);
	}
	free(names);
	json_object_set_new(answer, "names", list);
	json_object_set_new(answer, "path", control_text(path, strlen(path)));
	return answer;
}

/* xenstore's thread.  What a full pipe does not take is a change like others. */
static void on_change(void *arg, const char *path)
{
	const struct control_client *client = arg;
	char line[3100];
	int len = snprintf(line, sizeof(line), "%s\n", path);

	if (len > 0 && (size_t)len < sizeof(line) && write(client->pipe[1], line, (size_t)len) < 0)
		log_debug("a watch from outside is slow: %s", path);
}

static json_t *do_xs_watch(struct guest *guest, struct control_client *client,
			   const json_t *request)
{
	char path[1024];
	int code;

	if (!get_path(request, path))
		return refuse("xenstore-watch needs a path");
	if (pipe2(client->pipe, O_CLOEXEC | O_NONBLOCK))
		return refuse("no pipe for the watch: %s", strerror(errno));
	client->watch = xs_watch(guest->machine.store, path, on_change, client);
	if (!client->watch) {
		code = errno;
		close(client->pipe[0]);
		close(client->pipe[1]);
		return no_path(path, code);
	}
	client->mode = CONTROL_WATCH;
	return done();
}

/* ---- looking on ---- */

static json_t *do_console(struct guest *guest, struct control_client *client,
			  const json_t *request)
{
	(void)guest;
	(void)request;
	client->mode = CONTROL_CONSOLE;
	client->position = 0;
	console_watch(true);
	return done();
}

static json_t *do_stat(struct guest *guest, struct control_client *client,
		       const json_t *request)
{
	json_t *answer = stat_json(&guest->machine);

	(void)client;
	(void)request;
	json_object_set_new(answer, "ok", json_true());
	return answer;
}

static json_t *do_trace(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	json_t *answer = done();

	(void)client;
	(void)request;
	json_object_set_new(answer, "vcpus", stat_trace(&guest->machine));
	return answer;
}

#define NEEDS_LIFE	BIT(0)	/* a machine that runs or is paused */
#define NEEDS_STORE	BIT(1)	/* a Xen guest */

static const struct {
	const char *name;
	unsigned int needs;
	json_t *(*handle)(struct guest *guest, struct control_client *client,
			  const json_t *request);
} commands[] = {
	{ "info", 0, do_info },
	{ "destroy", 0, do_destroy },
	{ "reset", NEEDS_LIFE, do_reset },
	{ "pause", NEEDS_LIFE, do_pause },
	{ "unpause", NEEDS_LIFE, do_unpause },
	{ "shutdown", NEEDS_LIFE, do_shutdown },
	{ "reboot", NEEDS_LIFE, do_reboot },
	{ "mem-set", NEEDS_LIFE | NEEDS_STORE, do_mem_set },
	{ "vcpu-set", NEEDS_LIFE | NEEDS_STORE, do_vcpu_set },
	{ "xenstore-ls", NEEDS_STORE, do_xs_ls },
	{ "xenstore-read", NEEDS_STORE, do_xs_read },
	{ "xenstore-write", NEEDS_LIFE | NEEDS_STORE, do_xs_write },
	{ "xenstore-rm", NEEDS_LIFE | NEEDS_STORE, do_xs_rm },
	{ "xenstore-watch", NEEDS_LIFE | NEEDS_STORE, do_xs_watch },
	{ "console", 0, do_console },
	{ "stat", 0, do_stat },
	{ "trace", 0, do_trace },
};

json_t *control_command(struct guest *guest, struct control_client *client,
			const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "do"));
	unsigned int i;

	for (i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i].name))
			continue;
		if ((commands[i].needs & NEEDS_LIFE) && !guest_lives(guest))
			return refuse("%s does not run any more: it is %s", name_of(guest),
				      state_of(guest));
		if ((commands[i].needs & NEEDS_STORE) && !guest->machine.store)
			return refuse("%s is a PC: it has no xenstore to ask it by",
				      name_of(guest));
		return commands[i].handle(guest, client, request);
	}
	return refuse("'%.60s' is not known", name ? name : "");
}
