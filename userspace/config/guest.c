// SPDX-License-Identifier: GPL-2.0
/*
 * What the keys of a guest's configuration file mean.  cmd_create.c calls it.
 * It must refuse a value that cannot be, with its line and what is accepted,
 * and must not guess.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/config/guest.h"
#include "userspace/config/keys.h"

#define MAX_MIB		(LAUNCH_MEMORY_MAX / MIB)
#define MIN_MIB		(LAUNCH_MEMORY_MIN / MIB)

/* struct reader - a file that is being read */
struct reader {
	struct cfg *cfg;
	struct launch *launch;
	void (*warn)(const char *text);
	struct err *err;
};

static int __printf(4, 5) fail(struct reader *r, const struct cfg_setting *s, int code,
			       const char *fmt, ...)
{
	char why[360];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(r->err, code, "%.100s:%u: %s", s->source, s->line, why);
}

static void __printf(3, 4) warn(struct reader *r, const struct cfg_setting *s,
				const char *fmt, ...)
{
	char why[300], text[440];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%.100s:%u: %s", s->source, s->line, why);
	r->warn(text);
}

static struct cfg_setting *take(struct reader *r, const char *key)
{
	struct cfg_setting *s = cfg_find(r->cfg, key);

	if (s)
		s->used = true;
	return s;
}

/* 1: it is there; 0: it is not. */
static int get_text(struct reader *r, const char *key, const char **text)
{
	struct cfg_setting *s = take(r, key);

	if (!s)
		return 0;
	if (!s->value.text)
		return fail(r, s, EINVAL, "%s is a text: %s = '...'", key, key);
	*text = s->value.text;
	return 1;
}

static int get_number(struct reader *r, const char *key, u64 min, u64 max, u64 *value)
{
	struct cfg_setting *s = take(r, key);
	const char *text;
	char *end;

	if (!s)
		return 0;
	text = s->value.text;
	if (text) {
		errno = 0;
		*value = strtoull(text, &end, 0);
		if (!errno && *text >= '0' && *text <= '9' && !*end && *value >= min &&
		    *value <= max)
			return 1;
	}
	return fail(r, s, EINVAL,
		    "%s is a number from %llu to %llu, decimal, or hexadecimal with 0x%s%.40s%s",
		    key, min, max, text ? ": not '" : "", text ? text : "", text ? "'" : "");
}

static int get_name(struct reader *r)
{
	struct cfg_setting *s = cfg_find(r->cfg, "name");
	int ret = get_text(r, "name", &r->launch->config.name);

	if (ret < 0)
		return ret;
	if (!ret)
		return err_set(r->err, EINVAL, "%.100s: the guest has no name: name = '...'",
			       r->cfg->count ? r->cfg->setting[0].source : "the file");
	if (!guest_name_ok(r->launch->config.name))
		return fail(r, s, EINVAL,
			    "name: letters, digits and _ . + : - are accepted, the first a letter or digit, up to %u of them",
			    GUEST_NAME_MAX);
	return 0;
}

/* What type, builder and the old pvh say, as type's word. */
static int get_type(struct reader *r, const char **type)
{
	struct cfg_setting *s;
	const char *builder = NULL;
	u64 pvh = 0;
	int ret;

	ret = get_text(r, "builder", &builder);
	if (ret < 0)
		return ret;
	if (builder) {
		s = cfg_find(r->cfg, "builder");
		if (!strcmp(builder, "hvm"))
			*type = "hvm";
		else if (!strcmp(builder, "generic") || !strcmp(builder, "linux"))
			*type = "pv";
		else
			return fail(r, s, EINVAL, "builder is hvm or generic: use type instead");
	}
	ret = get_number(r, "pvh", 0, 1, &pvh);
	if (ret < 0)
		return ret;
	if (pvh)
		*type = "pvh";
	ret = get_text(r, "type", type);
	return ret < 0 ? ret : 0;
}

static int set_type(struct reader *r)
{
	struct machine_config *config = &r->launch->config;
	struct cfg_setting none = { .source = r->cfg->setting[0].source, .line = 1 };
	struct cfg_setting *s;
	const char *type = NULL;
	int ret = get_type(r, &type);

	if (ret)
		return ret;
	s = cfg_find(r->cfg, "type");
	if (!s)
		s = cfg_find(r->cfg, "builder");
	if (!s)
		s = cfg_find(r->cfg, "pvh");
	if (!s)
		s = &none;
	if (!type)
		return fail(r, s, EOPNOTSUPP,
			    "no type: xl takes that for 'pv', which is not there yet; type = 'pvh' starts Linux with CONFIG_PVH");
	if (!strcmp(type, "pvh"))
		config->type = MACHINE_PVH;
	else if (!strcmp(type, "linux"))
		config->type = MACHINE_LINUX;
	else if (!strcmp(type, "pv") || !strcmp(type, "hvm"))
		return fail(r, s, EOPNOTSUPP,
			    "%s guests are not there yet; type = 'pvh' starts Linux with CONFIG_PVH, type = 'linux' any Linux kernel as on a PC",
			    type);
	else
		return fail(r, s, EINVAL, "type is pvh or linux: not '%.40s'", type);
	return 0;
}

static int set_boot(struct reader *r)
{
	struct launch *launch = r->launch;
	const char *cmdline = NULL, *root = NULL, *extra = NULL;
	struct cfg_setting *s = cfg_find(r->cfg, "bootloader");
	int ret;

	if (s && s->value.text && *s->value.text)
		return fail(r, s, EOPNOTSUPP,
			    "a bootloader is not run here: give kernel = and ramdisk = instead");
	ret = get_text(r, "kernel", &launch->kernel);
	if (ret >= 0)
		ret = get_text(r, "ramdisk", &launch->initrd);
	if (ret >= 0)
		ret = get_text(r, "cmdline", &cmdline);
	if (ret >= 0)
		ret = get_text(r, "root", &root);
	if (ret >= 0)
		ret = get_text(r, "extra", &extra);
	if (ret < 0)
		return ret;
	if (!launch->kernel || !*launch->kernel)
		return err_set(r->err, EINVAL,
			       "%.100s: no kernel = '...': there is nothing to boot",
			       r->cfg->setting[0].source);
	if (launch->initrd && !*launch->initrd)
		launch->initrd = NULL;
	if (cmdline && (root || extra))
		warn(r, cfg_find(r->cfg, root ? "root" : "extra"),
		     "root and extra have no effect beside cmdline");
	if (cmdline) {
		launch->append = cmdline;
		return 0;
	}
	if (asprintf(&launch->text, "%s%s%s%s", root ? "root=" : "", root ? root : "",
		     root && extra ? " " : "", extra ? extra : "") < 0) {
		launch->text = NULL;
		return err_set(r->err, ENOMEM, "no memory");
	}
	launch->append = launch->text;
	return 0;
}

static int set_size(struct reader *r)
{
	struct machine_config *config = &r->launch->config;
	u64 memory = config->memory / MIB, most = 0, vcpus = 1, max = 0;
	int ret, given;

	given = get_number(r, "memory", MIN_MIB, MAX_MIB, &memory);
	if (given < 0)
		return given;
	ret = get_number(r, "maxmem", MIN_MIB, MAX_MIB, &most);
	if (ret < 0)
		return ret;
	if (ret && !given)
		memory = most;
	if (ret && most < memory)
		return fail(r, cfg_find(r->cfg, "maxmem"), EINVAL,
			    "maxmem, %llu MiB, is less than memory, %llu MiB", most, memory);
	config->memory = (ret ? most : memory) * MIB;
	config->target = memory * MIB;

	given = get_number(r, "vcpus", 1, HVMOD_MAX_VCPUS, &vcpus);
	if (given < 0)
		return given;
	ret = get_number(r, "maxvcpus", 1, HVMOD_MAX_VCPUS, &max);
	if (ret < 0)
		return ret;
	if (ret && !given)
		vcpus = max;
	if (ret && max < vcpus)
		return fail(r, cfg_find(r->cfg, "maxvcpus"), EINVAL,
			    "maxvcpus, %llu, is less than vcpus, %llu", max, vcpus);
	config->vcpus = (u32)(ret ? max : vcpus);
	config->online = (u32)vcpus;
	return 0;
}

static int set_uuid(struct reader *r)
{
	const char *text = NULL, *p;
	int ret = get_text(r, "uuid", &text);

	if (ret <= 0)
		return ret;
	for (p = text; *p; p++) {
		bool dash = p - text == 8 || p - text == 13 || p - text == 18 || p - text == 23;

		if (dash ? *p != '-' : !strchr("0123456789abcdefABCDEF", *p))
			break;
	}
	if (*p || p - text != 36)
		return fail(r, cfg_find(r->cfg, "uuid"), EINVAL,
			    "uuid has the form 01234567-89ab-cdef-0123-456789abcdef");
	r->launch->config.uuid = text;
	return 0;
}

static int set_action(struct reader *r, const char *key, enum launch_action *action)
{
	static const struct {
		const char *name;
		int action;
	} names[] = {
		{ "destroy", LAUNCH_DESTROY }, { "restart", LAUNCH_RESTART },
		{ "preserve", LAUNCH_PRESERVE }, { "rename-restart", -1 },
		{ "coredump-destroy", -1 }, { "coredump-restart", -1 }, { "soft-reset", -1 },
	};
	const char *text = NULL;
	unsigned int i;
	int ret = get_text(r, key, &text);

	if (ret <= 0)
		return ret;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i].name))
			continue;
		if (names[i].action < 0)
			return fail(r, cfg_find(r->cfg, key), EOPNOTSUPP,
				    "%s = '%s' is not there: destroy, restart or preserve", key,
				    text);
		*action = (enum launch_action)names[i].action;
		return 0;
	}
	return fail(r, cfg_find(r->cfg, key), EINVAL,
		    "%s is destroy, restart or preserve: not '%.40s'", key, text);
}

/* The setting that stands for an item in messages. */
static struct cfg_setting item_place(const struct cfg_setting *s, unsigned int i)
{
	struct cfg_setting place = *s;

	place.line = s->value.item[i].line;
	return place;
}

static int get_list(struct reader *r, const char *key, unsigned int max,
		    struct cfg_setting **list)
{
	struct cfg_setting *s = take(r, key), place;
	unsigned int i;

	*list = NULL;
	if (!s)
		return 0;
	if (s->value.text)
		return fail(r, s, EINVAL, "%s is a list: %s = [ '...', '...' ]", key, key);
	if (s->value.count > max)
		return fail(r, s, EINVAL, "%s has %u items, more than %u", key, s->value.count,
			    max);
	for (i = 0; i < s->value.count; i++)
		if (!s->value.item[i].text) {
			place = item_place(s, i);
			return fail(r, &place, EINVAL, "%s is a list of texts", key);
		}
	*list = s;
	return 0;
}

static int same_vdev(struct reader *r, const struct cfg_setting *place)
{
	struct machine_config *config = &r->launch->config;
	const struct disk_spec *last = &config->disk[config->disks - 1];
	unsigned int i;

	for (i = 0; i + 1 < config->disks; i++)
		if (config->disk[i].number == last->number)
			return fail(r, place, EINVAL, "two disks are %.40s", last->vdev);
	return 0;
}

static int set_disks(struct reader *r)
{
	struct machine_config *config = &r->launch->config;
	struct cfg_setting *list, place;
	struct err why = { "" };
	unsigned int i;
	int ret = get_list(r, "disk", MACHINE_DISKS, &list);

	for (i = 0; !ret && list && i < list->value.count; i++) {
		struct disk_spec *disk = &config->disk[config->disks++];

		place = item_place(list, i);
		ret = disk_parse(disk, list->value.item[i].text, &why);
		disk->line = place.line;
		if (ret)
			return fail(r, &place, -ret, "disk: %.330s", why.text);
		ret = same_vdev(r, &place);
	}
	return ret;
}

static int set_vifs(struct reader *r)
{
	struct machine_config *config = &r->launch->config;
	struct cfg_setting *list, place;
	struct err why = { "" };
	unsigned int i;
	int ret = get_list(r, "vif", MACHINE_VIFS, &list);

	for (i = 0; !ret && list && i < list->value.count; i++) {
		struct vif_spec *vif = &config->vif[config->vifs++];

		place = item_place(list, i);
		ret = vif_parse(vif, list->value.item[i].text, &why);
		vif->line = place.line;
		if (ret)
			return fail(r, &place, -ret, "vif: %.330s", why.text);
	}
	return ret;
}

/* An empty list or text asks for nothing. */
static bool says_nothing(const struct cfg_value *value)
{
	return value->text ? !*value->text : !value->count;
}

static int look_at_others(struct reader *r)
{
	unsigned int i;

	for (i = 0; i < r->cfg->count; i++) {
		struct cfg_setting *s = &r->cfg->setting[i];
		const char *near;

		if (s->used)
			continue;
		switch (keys_find(s->key)) {
		case KEY_SILENT:
			break;
		case KEY_NO_EFFECT:
			if (!says_nothing(&s->value))
				warn(r, s, "%s has no effect here", s->key);
			break;
		case KEY_REFUSED:
			if (says_nothing(&s->value))
				break;
			return fail(r, s, EOPNOTSUPP, "%s is not there: the guest would lack it",
				    s->key);
		default:
			near = keys_near(s->key);
			warn(r, s, "unknown key '%.60s'%s%s%s", s->key,
			     near ? "; is '" : "", near ? near : "", near ? "' meant?" : "");
		}
	}
	return 0;
}

bool guest_name_ok(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+:-";
	size_t len = strlen(name);

	return len && len <= GUEST_NAME_MAX && strspn(name, good) == len &&
	       !strchr("_.+:-", *name);
}

int guest_config(struct cfg *cfg, struct launch *launch, void (*warn_user)(const char *text),
		 struct err *err)
{
	struct reader r = { .cfg = cfg, .launch = launch, .warn = warn_user, .err = err };
	int ret = get_name(&r);

	if (!ret)
		ret = set_type(&r);
	if (!ret)
		ret = set_boot(&r);
	if (!ret)
		ret = set_size(&r);
	if (!ret)
		ret = set_uuid(&r);
	if (!ret)
		ret = set_action(&r, "on_poweroff", &launch->on_poweroff);
	if (!ret)
		ret = set_action(&r, "on_reboot", &launch->on_reboot);
	if (!ret)
		ret = set_action(&r, "on_crash", &launch->on_crash);
	if (!ret)
		ret = set_action(&r, "on_watchdog", &launch->on_watchdog);
	if (!ret)
		ret = set_disks(&r);
	if (!ret)
		ret = set_vifs(&r);
	if (!ret)
		ret = look_at_others(&r);
	return ret;
}
