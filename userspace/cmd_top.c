// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl top: what all guests do, live.  main.c calls it.  It must show rates of
 * the time between two answers of the same guest, and nothing of a guest that
 * it has seen once only.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/control/client.h"

#define REASONS		6	/* a guest's commonest exits */
#define NS_PER_S	1000000000.0

/* struct view - a moment */
struct view {
	json_t *info;		/* arrays of answers */
	json_t *stat;
	double at;		/* seconds */
};

static const char top_help[] =
	"hvctl top - show what all guests do, live\n"
	"\n"
	"Usage:\n"
	"  hvctl top [-d SECONDS] [-n COUNT]\n"
	"\n"
	"  -d SECONDS   between two pictures, 1 by default\n"
	"  -n COUNT     end after COUNT pictures\n"
	"\n"
	"Of each guest: processor time of its launcher, exits, returns to the launcher and\n"
	"interrupts a second, its commonest exits and hypercalls; of each vCPU exits, halts\n"
	"and interrupts a second, and its time in the guest, in the host's kernel for it and\n"
	"in hvctl; the rest it was halted.\n"
	"q ends it.\n";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / NS_PER_S;
}

static double get(const json_t *object, const char *key)
{
	return (double)json_integer_value(json_object_get(object, key));
}

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *all_of(const char *what, struct err *err)
{
	json_t *ask = json_pack("{s:s}", "do", what), *all = client_all(ask, err);

	json_decref(ask);
	return all;
}

static void view_free(struct view *view)
{
	json_decref(view->info);
	json_decref(view->stat);
	memset(view, 0, sizeof(*view));
}

static int view_take(struct view *view, struct err *err)
{
	view->at = now();
	view->info = all_of("info", err);
	view->stat = view->info ? all_of("stat", err) : NULL;
	return view->stat ? 0 : -EIO;
}

/* The answer of the guest @name. */
static const json_t *of_guest(const json_t *all, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		if (!strcmp(get_text(one, "name"), name))
			return one;
	return NULL;
}

static double sum(const json_t *stat, const char *key)
{
	const json_t *vcpu;
	double total = 0;
	size_t i;

	json_array_foreach(json_object_get(stat, "vcpus"), i, vcpu)
		total += get(vcpu, key);
	return total;
}

/* Exits of a vCPU, of one reason or (NULL) of all. */
static double exits(const json_t *vcpu, const char *reason)
{
	const json_t *table = json_object_get(vcpu, "exits"), *value;
	const char *key;
	double total = 0;

	if (reason)
		return get(table, reason);
	json_object_foreach((json_t *)table, key, value)
		total += (double)json_integer_value(value);
	return total;
}

static double sum_exits(const json_t *stat, const char *reason)
{
	const json_t *vcpu;
	double total = 0;
	size_t i;

	json_array_foreach(json_object_get(stat, "vcpus"), i, vcpu)
		total += exits(vcpu, reason);
	return total;
}

/* struct rate - something counted by name, and how often it is a second */
struct rate {
	const char *name;
	double rate;
};

static int by_rate(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	return x->rate < y->rate ? 1 : x->rate > y->rate ? -1 : strcmp(x->name, y->name);
}

/* The most frequent of them on a line. */
static void print_rates(const char *what, struct rate *rates, unsigned int n)
{
	unsigned int i;

	qsort(rates, n, sizeof(*rates), by_rate);
	printf("    %s:", what);
	for (i = 0; i < n && i < REASONS && rates[i].rate >= 0.5; i++)
		printf(" %s %.0f", rates[i].name, rates[i].rate);
	putchar('\n');
}

static void print_reasons(const json_t *stat, const json_t *before, double seconds)
{
	struct rate rates[128];
	const json_t *vcpu, *value;
	unsigned int n = 0, i;
	const char *key;
	size_t v;

	json_array_foreach(json_object_get(stat, "vcpus"), v, vcpu)
		json_object_foreach(json_object_get(vcpu, "exits"), key, value) {
			for (i = 0; i < n && strcmp(rates[i].name, key); i++)
				;
			if (i < n || n == ARRAY_SIZE(rates))
				continue;
			rates[n].name = key;
			rates[n++].rate = (sum_exits(stat, key) - sum_exits(before, key)) /
					  seconds;
		}
	print_rates("exits", rates, n);
}

/* A guest of Xen's. */
static void print_hypercalls(const json_t *stat, const json_t *before, double seconds)
{
	const json_t *calls = json_object_get(stat, "hypercalls"), *value;
	const json_t *old = json_object_get(before, "hypercalls");
	struct rate rates[256];
	unsigned int n = 0;
	const char *key;

	json_object_foreach((json_t *)calls, key, value) {
		if (n == ARRAY_SIZE(rates))
			break;
		rates[n].name = key;
		rates[n++].rate = (get(value, "calls") - get(json_object_get(old, key), "calls")) /
				  seconds;
	}
	if (n)
		print_rates("hypercalls", rates, n);
}

/* Where a vCPU's time went, in hundredths: what is not halted and in none is hvctl's. */
static void print_time(const json_t *vcpu, const json_t *old, double ticks)
{
	double guest = get(vcpu, "guest_ticks") - get(old, "guest_ticks");
	double halt = get(vcpu, "halt_ticks") - get(old, "halt_ticks");
	double run = get(vcpu, "run_ticks") - get(old, "run_ticks");

	/* They are read one after the other, while they change. */
	if (ticks <= 0)
		return;
	if (run > ticks)
		ticks = run;
	if (run < guest + halt)
		run = guest + halt;
	printf("  guest %5.1f%%  host %5.1f%%  hvctl %5.1f%%", guest / ticks * 100,
	       (run - guest - halt) / ticks * 100, (ticks - run) / ticks * 100);
}

static void print_guest(const json_t *info, const json_t *info_before, const json_t *stat,
			const json_t *before, double seconds)
{
	const json_t *vcpus = json_object_get(stat, "vcpus"), *vcpu, *old;
	size_t i;

	printf("%-24s %-8s %6.1f %7.0f %7.0f %10.0f %9.0f %9.0f\n", get_text(info, "name"),
	       get_text(info, "state"),
	       (get(info, "cpu_ns") - get(info_before, "cpu_ns")) / NS_PER_S / seconds * 100,
	       get(info, "memory") / MIB, get(info, "resident") / MIB,
	       (sum_exits(stat, NULL) - sum_exits(before, NULL)) / seconds,
	       (sum(stat, "to_user") - sum(before, "to_user")) / seconds,
	       (sum(stat, "injected") - sum(before, "injected")) / seconds);
	print_reasons(stat, before, seconds);
	print_hypercalls(stat, before, seconds);
	json_array_foreach(vcpus, i, vcpu) {
		old = json_array_get(json_object_get(before, "vcpus"), i);
		printf("    vCPU %-4zu exits %10.0f  halts %9.0f  interrupts %9.0f", i,
		       (exits(vcpu, NULL) - exits(old, NULL)) / seconds,
		       (get(vcpu, "halts") - get(old, "halts")) / seconds,
		       (get(vcpu, "injected") - get(old, "injected")) / seconds);
		print_time(vcpu, old, get(stat, "tsc_khz") * 1000 * seconds);
		putchar('\n');
	}
}

static void print_view(const struct view *view, const struct view *before)
{
	double seconds = view->at - before->at;
	const json_t *info, *info_before, *stat, *stat_before;
	size_t i;

	if (isatty(STDOUT_FILENO))
		printf("\033[H\033[J");
	printf("%-24s %-8s %6s %7s %7s %10s %9s %9s\n", "Name", "State", "CPU%", "Mem", "Given",
	       "Exits/s", "hvctl/s", "Ints/s");
	json_array_foreach(view->info, i, info) {
		info_before = of_guest(before->info, get_text(info, "name"));
		stat = of_guest(view->stat, get_text(info, "name"));
		stat_before = of_guest(before->stat, get_text(info, "name"));
		/* One of the same name that started since is another guest. */
		if (info_before && stat && stat_before &&
		    get(info, "pid") == get(info_before, "pid") &&
		    get(info, "boots") == get(info_before, "boots"))
			print_guest(info, info_before, stat, stat_before, seconds);
		else
			printf("%-24s %-8s (new)\n", get_text(info, "name"),
			       get_text(info, "state"));
	}
	fflush(stdout);
}

/* True: q was typed. */
static bool wait_or_quit(double seconds)
{
	struct pollfd in = { .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN };
	char c;

	return poll(&in, 1, (int)(seconds * 1000)) > 0 && read(STDIN_FILENO, &c, 1) == 1 &&
	       c == 'q';
}

static int parse_options(int argc, char **argv, u32 *seconds, u32 *count)
{
	struct err err = { "" };
	u32 *to;
	int i;

	for (i = 1; i < argc; i += 2) {
		to = !strcmp(argv[i], "-d") ? seconds : !strcmp(argv[i], "-n") ? count : NULL;
		if (!to || i + 1 == argc) {
			fputs("hvctl: usage: hvctl top [-d SECONDS] [-n COUNT]\n", stderr);
			return HVCTL_USAGE;
		}
		if (parse_number(argv[i + 1], 1, 1000000, to, &err)) {
			fprintf(stderr, "hvctl: %s: %s\n", argv[i], err.text);
			return HVCTL_USAGE;
		}
	}
	return 0;
}

int cmd_top(int argc, char **argv)
{
	struct view view = { 0 }, before = { 0 };
	u32 seconds = 1, count = 0, shown = 0;
	struct err err = { "" };
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(top_help, stdout);
		return HVCTL_OK;
	}
	ret = parse_options(argc, argv, &seconds, &count);
	if (ret)
		return ret;
	ret = view_take(&before, &err) ? HVCTL_ERROR : HVCTL_OK;
	while (!ret && (!count || shown < count) && !wait_or_quit(seconds)) {
		if (view_take(&view, &err)) {
			ret = HVCTL_ERROR;
			break;
		}
		print_view(&view, &before);
		shown++;
		view_free(&before);
		before = view;
		memset(&view, 0, sizeof(view));
	}
	if (ret)
		fprintf(stderr, "hvctl: %s\n", err.text);
	view_free(&view);
	view_free(&before);
	return ret;
}
