// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a disk's text in the syntax of xl-disk-configuration(5).  guest.c and
 * cmd_run.c call it.  It must take what old files have and refuse what would be
 * taken for something else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/config/disk.h"

/* xen-vbd-interface(7): majors of Linux, and Xen's own numbers from here on */
#define VBD_EXT		BIT(28)
#define MAJOR_XVD	202
#define MAJOR_SD	8
#define MAJOR_IDE0	3
#define MAJOR_IDE1	22

/* struct reading - a disk that is being read */
struct reading {
	struct disk_spec *disk;
	struct err *err;
	bool has_format;
	bool has_access;
	bool old_prefix;	/* then there is no positional format */
};

static const char *const formats[] = {
	[DISK_RAW] = "raw", [DISK_QCOW] = "qcow", [DISK_QCOW2] = "qcow2",
	[DISK_VHD] = "vhd", [DISK_QED] = "qed", [DISK_EMPTY] = "empty",
};

const char *disk_format_name(enum disk_format format)
{
	return formats[format];
}

/* At most @max; what is behind it stays at *@text. */
static int number(const char **text, u32 max, u32 *value)
{
	const char *p = *text;
	u32 v = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (u32)(*p - '0');
		if (v > max)
			return -EINVAL;
	}
	*text = p;
	*value = v;
	return 0;
}

/* Letters as a disk's number: a is 0, z is 25, aa is 26. */
static int letters(const char **text, u32 max, u32 *value)
{
	const char *p = *text;
	u32 v = 0;

	if (*p < 'a' || *p > 'z')
		return -EINVAL;
	for (; *p >= 'a' && *p <= 'z'; p++) {
		v = v * 26 + (u32)(*p - 'a') + 1;
		if (v > max + 1)
			return -EINVAL;
	}
	*text = p;
	*value = v - 1;
	return 0;
}

/* Disk and partition (0: the whole) as the number of an xvd. */
static u32 xvd_number(u32 disk, u32 partition)
{
	if (disk < 16 && partition < 16)
		return MAJOR_XVD << 8 | disk << 4 | partition;
	return VBD_EXT | disk << 8 | partition;
}

static int plain_number(const char *name, u32 *value)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(name, &end, 0);
	if (errno || *end || end == name || v >= BIT(29))
		return -EINVAL;
	*value = (u32)v;
	return 0;
}

int disk_vdev(const char *name, u32 *value)
{
	u32 disk = 0, partition = 0;
	const char *p;
	int ret;

	if (*name >= '0' && *name <= '9')
		return plain_number(name, value);
	if (!strncmp(name, "xvd", 3)) {
		p = name + 3;
		ret = letters(&p, (1U << 20) - 1, &disk);
		if (!ret && *p)
			ret = number(&p, 255, &partition);
		*value = xvd_number(disk, partition);
	} else if (name[0] == 'd' && name[1] >= '0' && name[1] <= '9') {
		p = name + 1;
		ret = number(&p, (1U << 20) - 1, &disk);
		if (!ret && *p == 'p') {
			p++;
			ret = number(&p, 255, &partition);
		}
		*value = xvd_number(disk, partition);
	} else if (!strncmp(name, "hd", 2)) {
		p = name + 2;
		ret = letters(&p, 3, &disk);
		if (!ret && *p)
			ret = number(&p, 63, &partition);
		*value = (disk < 2 ? MAJOR_IDE0 : MAJOR_IDE1) << 8 | (disk & 1) << 6 | partition;
	} else if (!strncmp(name, "sd", 2)) {
		p = name + 2;
		ret = letters(&p, 15, &disk);
		if (!ret && *p)
			ret = number(&p, 15, &partition);
		*value = MAJOR_SD << 8 | disk << 4 | partition;
	} else {
		return -EINVAL;
	}
	if (ret || *p)
		return -EINVAL;
	return partition ? DISK_VDEV_PARTITION : 0;
}

static int set_text(struct reading *r, char **to, const char *what, const char *text)
{
	/* An empty value is none. */
	if (*to && **to)
		return err_set(r->err, EINVAL, "the %s is given twice: '%.80s' and '%.80s'", what,
			       *to, text);
	free(*to);
	*to = strdup(text);
	return *to ? 0 : err_set(r->err, ENOMEM, "no memory for a disk");
}

static int set_format(struct reading *r, const char *text)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(*text ? text : "raw", formats[i]))
			continue;
		if (r->has_format && r->disk->format != i)
			return err_set(r->err, EINVAL, "the format is given twice: %s and %s",
				       formats[r->disk->format], formats[i]);
		r->disk->format = i;
		r->has_format = true;
		return 0;
	}
	return err_set(r->err, EINVAL,
		       "'%.80s' is no disk format: raw, qcow, qcow2, vhd, qed or empty", text);
}

static int set_access(struct reading *r, const char *text)
{
	if (!strcmp(text, "r") || !strcmp(text, "ro"))
		r->disk->readonly = true;
	else if (!strcmp(text, "w") || !strcmp(text, "rw") || !*text)
		r->disk->readonly = false;
	else
		return err_set(r->err, EINVAL, "'%.80s' is no access: ro, r, rw or w", text);
	r->has_access = true;
	return 0;
}

static int set_devtype(struct reading *r, const char *text)
{
	if (strcmp(text, "cdrom") && strcmp(text, "disk"))
		return err_set(r->err, EINVAL, "'%.80s' is no devtype: cdrom or disk", text);
	r->disk->cdrom = *text == 'c';
	return 0;
}

static int set_backendtype(struct reading *r, const char *text)
{
	static const char *const types[] = { "phy", "tap", "qdisk", "standalone" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(text, types[i]))
			return set_text(r, &r->disk->backendtype, "backendtype", text);
	return err_set(r->err, EINVAL,
		       "'%.80s' is no backendtype: phy, tap, qdisk or standalone", text);
}

static int set_specification(struct reading *r, const char *text)
{
	if (!strcmp(text, "xen"))
		return 0;
	return err_set(r->err, EINVAL, "specification=%.80s is not there: only xen is", text);
}

/* Flags and what they do. */
static bool take_flag(struct disk_spec *disk, const char *text)
{
	static const char *const ignored[] = {
		"direct-io-safe", "no-colo", "trusted", "untrusted",
	};
	unsigned int i;

	if (!strcmp(text, "cdrom"))
		disk->cdrom = true;
	else if (!strcmp(text, "discard"))
		disk->discard = true;
	else if (!strcmp(text, "no-discard"))
		disk->discard = false;
	else if (!strcmp(text, "persistent"))
		disk->persistent = true;
	else
		for (i = 0; ; i++) {
			if (i == ARRAY_SIZE(ignored))
				return false;
			if (!strcmp(text, ignored[i]))
				break;
		}
	return true;
}

static int take_pair(struct reading *r, const char *key, const char *value)
{
	struct disk_spec *disk = r->disk;

	if (!strcmp(key, "format"))
		return set_format(r, value);
	if (!strcmp(key, "vdev"))
		return set_text(r, &disk->vdev, "vdev", value);
	if (!strcmp(key, "access"))
		return set_access(r, value);
	if (!strcmp(key, "devtype"))
		return set_devtype(r, value);
	if (!strcmp(key, "backend"))
		return set_text(r, &disk->backend, "backend", value);
	if (!strcmp(key, "backendtype"))
		return set_backendtype(r, value);
	if (!strcmp(key, "script"))
		return set_text(r, &disk->script, "script", value);
	if (!strcmp(key, "specification"))
		return set_specification(r, value);
	if (!strcmp(key, "grant_usage"))
		return 0;
	return err_set(r->err, EINVAL,
		       "'%.80s' is no parameter of a disk: target, format, vdev, access, devtype, backend, backendtype, script, specification or grant_usage",
		       key);
}

/* VDEV, or as old files have it, VDEV:cdrom. */
static int set_vdev(struct reading *r, char *text)
{
	char *colon = strrchr(text, ':');
	int ret;

	if (colon)
		*colon = '\0';
	ret = set_text(r, &r->disk->vdev, "vdev", text);
	if (!ret && colon)
		ret = set_devtype(r, colon + 1);
	return ret;
}

static int take_positional(struct reading *r, char *text)
{
	struct disk_spec *disk = r->disk;

	if (!disk->target)
		return set_text(r, &disk->target, "target", text);
	if (!r->has_format && !r->old_prefix) {
		/* ",hdc:cdrom,r", an empty drive of old. */
		if (*disk->target || !strrchr(text, ':'))
			return set_format(r, text);
		disk->format = DISK_EMPTY;
		r->has_format = true;
	}
	if (!disk->vdev)
		return set_vdev(r, text);
	if (!r->has_access)
		return set_access(r, text);
	return err_set(r->err, EINVAL,
		       "'%.80s' is one too many: target, format, vdev and access were there", text);
}

/* "phy:", "tap:aio:", "raw:" at the start of the first parameter. */
static int take_prefixes(struct reading *r, char **text)
{
	static const char *const plain[] = {
		"tapdisk", "tap", "tap2", "aio", "ioemu", "file", "phy",
	};
	static const char *const scripts[] = { "iscsi", "nbd", "enbd", "drbd" };
	char *colon, *end, script[16];
	unsigned int i;
	int ret;

	for (;;) {
		end = *text + strcspn(*text, ",=/");
		colon = memchr(*text, ':', (size_t)(end - *text));
		if (!colon || colon == *text || r->disk->target)
			return 0;
		*colon = '\0';
		ret = -ENOENT;
		for (i = 0; i < ARRAY_SIZE(plain); i++)
			if (!strcmp(*text, plain[i]))
				ret = 0;
		for (i = 0; i < ARRAY_SIZE(scripts); i++)
			if (!strcmp(*text, scripts[i])) {
				snprintf(script, sizeof(script), "block-%s", scripts[i]);
				ret = set_text(r, &r->disk->script, "script", script);
			}
		if (!strcmp(*text, "raw") || !strcmp(*text, "qcow") || !strcmp(*text, "qcow2") ||
		    !strcmp(*text, "vhd"))
			ret = set_format(r, *text);
		if (ret == -ENOENT)
			return err_set(r->err, EINVAL,
				       "'%.40s:' is no prefix of a disk: phy:, file:, tap:, raw:, qcow2: or vhd:; a target with a colon is written target=...",
				       *text);
		if (ret)
			return ret;
		r->old_prefix = true;
		*text = colon + 1;
	}
}

/* One parameter after the other; the text is cut up. */
static int read_all(struct reading *r, char *text)
{
	char *comma, *equals;
	bool more = true;
	int ret;

	while (more) {
		text += strspn(text, " \t\n");
		if (!*text)
			break;
		ret = take_prefixes(r, &text);
		if (ret)
			return ret;
		if (!strncmp(text, "target=", 7)) {
			size_t len = strlen(text);

			if (text[len - 1] == ',')
				text[len - 1] = '\0';
			return set_text(r, &r->disk->target, "target", text + 7);
		}
		comma = strchr(text, ',');
		more = comma;
		if (comma)
			*comma = '\0';
		equals = strchr(text, '=');
		if (equals) {
			*equals = '\0';
			ret = take_pair(r, text, equals + 1);
		} else {
			ret = take_flag(r->disk, text) ? 0 : take_positional(r, text);
		}
		if (ret)
			return ret;
		text = comma ? comma + 1 : text;
	}
	return 0;
}

/* A path below /dev unless it is absolute. */
static int whole_target(struct reading *r)
{
	struct disk_spec *disk = r->disk;
	char *path;

	if (disk->target && !*disk->target) {
		free(disk->target);
		disk->target = NULL;
	}
	if (!disk->target) {
		if (!disk->cdrom)
			return err_set(r->err, EINVAL, "a disk without a target: file or device");
		disk->format = DISK_EMPTY;
		return 0;
	}
	if (disk->format == DISK_EMPTY)
		return err_set(r->err, EINVAL, "format=empty has no target");
	if (*disk->target == '/' || disk->script)
		return 0;
	if (asprintf(&path, "/dev/%s", disk->target) < 0)
		return err_set(r->err, ENOMEM, "no memory for a disk");
	free(disk->target);
	disk->target = path;
	return 0;
}

int disk_parse(struct disk_spec *disk, const char *text, struct err *err)
{
	struct reading r = { .disk = disk, .err = err };
	char *copy = strdup(text);
	int ret;

	memset(disk, 0, sizeof(*disk));
	disk->discard = true;
	if (!copy)
		return err_set(err, ENOMEM, "no memory for a disk");
	ret = read_all(&r, copy);
	free(copy);
	if (!ret)
		ret = whole_target(&r);
	if (ret)
		return ret;
	if (!disk->vdev || !*disk->vdev)
		return err_set(err, EINVAL,
			       "a disk without a vdev: its name in the guest, such as xvda");
	if (disk_vdev(disk->vdev, &disk->number) < 0)
		return err_set(err, EINVAL,
			       "'%.80s' is no vdev: xvda, xvdb, ..., hda to hdd, sda to sdp, with a partition's number or without",
			       disk->vdev);
	if (disk->cdrom)
		disk->readonly = true;
	return 0;
}

void disk_free(struct disk_spec *disk)
{
	free(disk->target);
	free(disk->vdev);
	free(disk->script);
	free(disk->backend);
	free(disk->backendtype);
	memset(disk, 0, sizeof(*disk));
}
