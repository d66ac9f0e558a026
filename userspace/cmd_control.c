// SPDX-License-Identifier: GPL-2.0
/*
 * The commands that act on a running guest or look at it, but for its console:
 * a table of them, and a request each.  main.c calls them.  They must print
 * what the guest's launcher says and nothing of their own invention.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/cmd.h"
#include "userspace/control/client.h"
#include "userspace/stat.h"

static int __printf(1, 2) complain(const char *fmt, ...)
{
	va_list ap;

	fputs("hvctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return HVCTL_ERROR;
}

static void __printf(1, 2) print_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static u64 get(const json_t *object, const char *key)
{
	return (u64)json_integer_value(json_object_get(object, key));
}

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *request(const char *what)
{
	return json_pack("{s:s}", "do", what);
}

/* An answer that needs no words but a note. */
static int tell(json_t *answer, const struct err *err)
{
	const char *note;

	if (!answer)
		return complain("%s", err->text);
	note = get_text(answer, "note");
	if (*note)
		fprintf(stderr, "hvctl: %s\n", note);
	json_decref(answer);
	return HVCTL_OK;
}

/* ---- list ---- */

int cmd_list(int argc, char **argv)
{
	struct err err = { "" };
	json_t *ask, *all;
	const json_t *one;
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		puts("hvctl list - show this user's guests\n\n"
		     "Name, process, kind, memory in MiB (all, and what the host has given),\n"
		     "vCPUs, state, seconds of processor time, starts.");
		return HVCTL_OK;
	}
	if (argc > 1) {
		complain("list takes no arguments");
		return HVCTL_USAGE;
	}
	ask = request("info");
	all = client_all(ask, &err);
	json_decref(ask);
	if (!all)
		return complain("%s", err.text);
	printf("%-24s %8s %-6s %7s %7s %5s %-8s %10s %6s\n", "Name", "PID", "Type", "Mem", "Given",
	       "VCPUs", "State", "Time(s)", "Starts");
	json_array_foreach(all, i, one)
		printf("%-24s %8llu %-6s %7llu %7llu %5llu %-8s %8llu.%llu %6llu\n",
		       get_text(one, "name"), get(one, "pid"), get_text(one, "type"),
		       get(one, "memory") / MIB, get(one, "resident") / MIB, get(one, "vcpus"),
		       get_text(one, "state"), get(one, "cpu_ns") / 1000000000,
		       get(one, "cpu_ns") / 100000000 % 10, get(one, "boots"));
	json_decref(all);
	return HVCTL_OK;
}

/* ---- requests without much of an answer ---- */

/* struct action - a command that is a request to a guest */
struct action {
	const char *name;
	const char *words;	/* beside the guest's name */
	const char *what;
	const char *more;
	bool waits;		/* with -w, until the guest has ended */
	bool always_waits;
};

static const struct action actions[] = {
	{ "destroy", "", "end a guest at once",
	  "As when a machine's power is cut: what it had not written is lost.", false, true },
	{ "shutdown", "[-w]", "ask a guest to switch itself off",
	  "A Xen guest is asked through xenstore, a PC by its power button.\n"
	  "  -w   wait until it has ended", true, false },
	{ "reboot", "", "ask a Xen guest to restart", "", false, false },
	{ "reset", "", "restart a guest at once",
	  "As a PC's reset button: what it had not written is lost.", false, false },
	{ "pause", "", "stop a guest's processors", "Its time goes on.", false, false },
	{ "unpause", "", "let a paused guest go on", "", false, false },
	{ "mem-set", "SIZE", "ask a Xen guest to do with that much memory",
	  "SIZE is in MiB, or has a unit: 256M, 1G. It cannot be more than the guest\n"
	  "started with (maxmem). Its balloon driver gives memory back or takes it.", false,
	  false },
	{ "vcpu-set", "N", "let a Xen guest use its first N vCPUs",
	  "N cannot be more than the guest started with (maxvcpus).", false, false },
};

static const struct action *find_action(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(name, actions[i].name))
			return &actions[i];
	return NULL;
}

static int action_usage(const struct action *action)
{
	fprintf(stderr, "hvctl: usage: hvctl %s NAME %s\n", action->name, action->words);
	return HVCTL_USAGE;
}

/* The value of mem-set and vcpu-set. */
static int action_value(const struct action *action, const char *text, json_t *ask)
{
	struct err err = { "" };
	u64 size = 0;
	u32 count;

	if (!strcmp(action->name, "vcpu-set")) {
		if (parse_number(text, 1, HVMOD_MAX_VCPUS, &count, &err))
			goto bad;
		json_object_set_new(ask, "vcpus", json_integer(count));
		return 0;
	}
	if (!parse_number(text, 1, 1U << 20, &count, &err))
		size = count * MIB;
	if (!size && parse_size(text, &size, &err))
		goto bad;
	json_object_set_new(ask, "memory", json_integer((json_int_t)size));
	return 0;
bad:
	complain("%s", err.text);
	return HVCTL_USAGE;
}

int cmd_action(int argc, char **argv)
{
	const struct action *action = find_action(argv[0]);
	bool value = *action->words && *action->words != '[', wait = false;
	struct err err = { "" };
	struct client client;
	json_t *ask;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		printf("hvctl %s - %s\n\nUsage:\n  hvctl %s NAME %s\n%s%s\n", action->name,
		       action->what, action->name, action->words, *action->more ? "\n" : "",
		       action->more);
		return HVCTL_OK;
	}
	while (action->waits && argc > 1 && !strcmp(argv[1], "-w")) {
		wait = true;
		argc--;
		argv++;
	}
	if (action->waits && argc == 3 && !strcmp(argv[2], "-w")) {
		wait = true;
		argc--;
	}
	if (argc != 2 + value)
		return action_usage(action);
	ask = request(action->name);
	ret = value ? action_value(action, argv[2], ask) : 0;
	if (ret) {
		json_decref(ask);
		return ret;
	}
	if (client_open(&client, argv[1], &err)) {
		json_decref(ask);
		return complain("%s", err.text);
	}
	ret = tell(client_ask(&client, ask, &err), &err);
	if (!ret && (wait || action->always_waits))
		client_wait(&client);
	client_close(&client);
	return ret;
}

/* ---- stat and trace ---- */

/* NAME and --json in any order. */
static bool name_and_json(int argc, char **argv, const char **name, bool *json)
{
	int i;

	*name = NULL;
	*json = false;
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			*json = true;
		else if (*name || argv[i][0] == '-')
			return false;
		else
			*name = argv[i];
	}
	return *name;
}

static int show(int argc, char **argv, const char *what,
		void (*print)(const json_t *answer))
{
	struct err err = { "" };
	const char *name;
	json_t *answer;
	bool json;

	if (!name_and_json(argc, argv, &name, &json)) {
		fprintf(stderr, "hvctl: usage: hvctl %s NAME [--json]\n", what);
		return HVCTL_USAGE;
	}
	answer = client_once(name, request(what), &err);
	if (!answer)
		return complain("%s", err.text);
	if (json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		print(answer);
	}
	json_decref(answer);
	return HVCTL_OK;
}

static void print_stat(const json_t *answer)
{
	stat_print(answer, print_line);
}

static void print_trace(const json_t *answer)
{
	stat_print_trace(json_object_get(answer, "vcpus"), print_line);
}

int cmd_stat(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		puts("hvctl stat - show a guest's counters\n\nUsage:\n  hvctl stat NAME [--json]");
		return HVCTL_OK;
	}
	return show(argc, argv, "stat", print_stat);
}

int cmd_trace(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		puts("hvctl trace - show the last VM exits of a guest\n\n"
		     "Usage:\n  hvctl trace NAME [--json]");
		return HVCTL_OK;
	}
	return show(argc, argv, "trace", print_trace);
}

/* ---- xenstore ---- */

static const char xenstore_help[] =
	"hvctl xenstore - look at a Xen guest's xenstore, and change it\n"
	"\n"
	"Usage:\n"
	"  hvctl xenstore ls [-r] NAME [PATH]    what is below PATH; -r: and below that\n"
	"  hvctl xenstore read NAME PATH\n"
	"  hvctl xenstore write NAME PATH VALUE\n"
	"  hvctl xenstore rm NAME PATH\n"
	"  hvctl xenstore watch NAME PATH        a line for each change, until it ends\n"
	"\n"
	"A PATH that does not begin with / is below the guest's own directory.\n";

static void print_value(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value), i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f || c == '\\')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static int print_names(struct client *client, const char *path, unsigned int depth, bool all)
{
	struct err err = { "" };
	json_t *answer = client_ask(client, json_pack("{s:s, s:s}", "do", "xenstore-ls", "path",
						      path), &err);
	const json_t *one;
	char below[1100];
	size_t i;

	if (!answer)
		return complain("%s", err.text);
	json_array_foreach(json_object_get(answer, "names"), i, one) {
		printf("%*s%s = \"", depth * 2, "", get_text(one, "name"));
		print_value(json_object_get(one, "value"));
		puts("\"");
		snprintf(below, sizeof(below), "%s/%s",
			 strcmp(get_text(answer, "path"), "/") ? get_text(answer, "path") : "",
			 get_text(one, "name"));
		if (all && get(one, "below") && depth < 64)
			print_names(client, below, depth + 1, true);
	}
	json_decref(answer);
	return HVCTL_OK;
}

static int watch(struct client *client, const char *path)
{
	json_t *answer, *change;
	struct err err = { "" };

	answer = client_ask(client, json_pack("{s:s, s:s}", "do", "xenstore-watch", "path", path),
			    &err);
	if (!answer)
		return complain("%s", err.text);
	json_decref(answer);
	client_stay(client);
	while ((change = client_line(client, &err))) {
		printf("%s", get_text(change, "path"));
		if (json_is_string(json_object_get(change, "value"))) {
			printf(" = \"");
			print_value(json_object_get(change, "value"));
			putchar('"');
		}
		putchar('\n');
		fflush(stdout);
		json_decref(change);
	}
	return HVCTL_OK;
}

static int do_xenstore(struct client *client, int argc, char **argv, bool all)
{
	const char *path = argc > 3 ? argv[3] : "";
	struct err err = { "" };
	json_t *answer;

	if (!strcmp(argv[1], "ls"))
		return print_names(client, path, 0, all);
	if (!strcmp(argv[1], "watch"))
		return watch(client, path);
	if (!strcmp(argv[1], "write"))
		return tell(client_ask(client, json_pack("{s:s, s:s, s:s}", "do", "xenstore-write",
							 "path", path, "value", argv[4]), &err),
			    &err);
	if (!strcmp(argv[1], "rm"))
		return tell(client_ask(client, json_pack("{s:s, s:s}", "do", "xenstore-rm", "path",
							 path), &err), &err);
	answer = client_ask(client, json_pack("{s:s, s:s}", "do", "xenstore-read", "path", path),
			    &err);
	if (!answer)
		return complain("%s", err.text);
	print_value(json_object_get(answer, "value"));
	putchar('\n');
	json_decref(answer);
	return HVCTL_OK;
}

int cmd_xenstore(int argc, char **argv)
{
	static const struct {
		const char *name;
		int min, max;
	} subs[] = {
		{ "ls", 3, 4 }, { "read", 4, 4 }, { "write", 5, 5 }, { "rm", 4, 4 },
		{ "watch", 4, 4 },
	};
	struct err err = { "" };
	struct client client;
	bool all = false;
	unsigned int i;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(xenstore_help, stdout);
		return HVCTL_OK;
	}
	if (argc > 2 && !strcmp(argv[1], "ls") && !strcmp(argv[2], "-r")) {
		all = true;
		memmove(&argv[2], &argv[3], (size_t)(argc - 2) * sizeof(*argv));
		argc--;
	}
	for (i = 0; argc > 1 && i < ARRAY_SIZE(subs); i++)
		if (!strcmp(argv[1], subs[i].name) && argc >= subs[i].min && argc <= subs[i].max)
			break;
	if (argc < 2 || i == ARRAY_SIZE(subs)) {
		fputs("hvctl: usage: hvctl xenstore ls|read|write|rm|watch NAME PATH [VALUE]; "
		      "'hvctl xenstore --help' tells more\n", stderr);
		return HVCTL_USAGE;
	}
	if (client_open(&client, argv[2], &err))
		return complain("%s", err.text);
	ret = do_xenstore(&client, argc, argv, all);
	client_close(&client);
	return ret;
}
