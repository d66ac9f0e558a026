// SPDX-License-Identifier: GPL-2.0
/*
 * What a Xen domain finds in xenstore when it starts.  The machine calls it
 * before each boot.  It must give the guest no right to what is not its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "userspace/xen/domain.h"

#define DIR_MAX		64

/* What is written in one transaction; the first error counts. */
struct writer {
	struct xenstore *xs;
	u32 tx;
	u32 domid;
	char dir[DIR_MAX];
	int ret;
};

static void note(struct writer *w, int ret)
{
	if (!w->ret)
		w->ret = ret;
}

/* A value of the toolstack's: the guest may read it. */
#define set(w, node, ...) \
	note(w, xs_printf((w)->xs, (w)->tx, (w)->dir, node, __VA_ARGS__))

static void set_perms(struct writer *w, const char *node, const char *fmt)
{
	char path[2 * DIR_MAX], perms[32];

	snprintf(path, sizeof(path), "%s%s%s", w->dir, *node ? "/" : "", node);
	snprintf(perms, sizeof(perms), fmt, w->domid);
	note(w, xs_mkdir(w->xs, w->tx, path));
	note(w, xs_set_perms(w->xs, w->tx, path, perms));
}

/* Names that belong to the guest. */
static const char *const own[] = {
	"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
	"control/feature-suspend", "control/sysrq", "device/suspend/event-channel",
	"data", "drivers", "feature", "attr", "error",
};

static void write_domain(struct writer *w, const struct xen_domain *d, const char *uuid)
{
	u32 i;

	set_perms(w, "", "n0 r%u");
	set(w, "name", "%s", d->name);
	set(w, "domid", "%u", d->domid);
	set(w, "vm", "/vm/%s", uuid);
	set(w, "memory/static-max", "%llu", d->max_memory / KIB);
	set(w, "memory/target", "%llu", d->memory / KIB);
	set(w, "memory/videoram", "0");
	for (i = 0; i < d->max_vcpus; i++) {
		char node[32];

		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		set(w, node, "%s", i < d->vcpus ? "online" : "offline");
	}
	set(w, "store/ring-ref", "%llu", d->store_gfn);
	set(w, "store/port", "%u", d->store_port);
	set(w, "console/ring-ref", "%llu", d->console_gfn);
	set(w, "console/port", "%u", d->console_port);
	set(w, "console/type", "hvmod");
	set(w, "console/limit", "1048576");
	set(w, "console/backend", DOMAIN_PATH "/backend/console/%u/0", XS_DOMID_SELF, d->domid);
	set(w, "control/platform-feature-multiprocessor-suspend", "1");
	set(w, "control/platform-feature-xs_reset_watches", "1");
	set(w, "device", "%s", "");
	for (i = 0; i < ARRAY_SIZE(own); i++)
		set_perms(w, own[i], "n%u");
}

static void write_vm(struct writer *w, const struct xen_domain *d, const char *uuid)
{
	snprintf(w->dir, sizeof(w->dir), "/vm/%.36s", uuid);
	set_perms(w, "", "n0 r%u");
	set(w, "name", "%s", d->name);
	set(w, "uuid", "%s", uuid);
}

/* RFC 4122, version 4. */
static int make_uuid(char *text, size_t room, struct err *err)
{
	u8 b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return err_set(err, EIO, "no random numbers for the guest's UUID");
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, room,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
		 b[12], b[13], b[14], b[15]);
	return 0;
}

/* All that was of this domain; what the back ends wrote, too. */
static void remove_old(struct writer *w)
{
	static const char *const kinds[] = { "vbd", "vif", "console", "vkbd", "vfb" };
	char path[DIR_MAX];
	u32 i;
	int ret;

	snprintf(path, sizeof(path), DOMAIN_PATH, w->domid);
	ret = xs_rm(w->xs, w->tx, path);
	if (ret != -ENOENT)
		note(w, ret);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), DOMAIN_PATH "/backend/%s/%u", XS_DOMID_SELF,
			 kinds[i], w->domid);
		ret = xs_rm(w->xs, w->tx, path);
		if (ret != -ENOENT)
			note(w, ret);
	}
	ret = xs_rm(w->xs, w->tx, "/vm");
	note(w, ret);
}

int domain_write(struct xenstore *xs, const struct xen_domain *domain, struct err *err)
{
	struct writer w = { .xs = xs, .domid = domain->domid };
	char uuid[40];
	int ret;

	if (domain->uuid)
		snprintf(uuid, sizeof(uuid), "%.36s", domain->uuid);
	else if (make_uuid(uuid, sizeof(uuid), err))
		return -EIO;
	do {
		w.ret = xs_begin(xs, &w.tx);
		if (w.ret)
			break;
		snprintf(w.dir, sizeof(w.dir), DOMAIN_PATH, domain->domid);
		remove_old(&w);
		write_domain(&w, domain, uuid);
		write_vm(&w, domain, uuid);
		snprintf(w.dir, sizeof(w.dir), DOMAIN_PATH, XS_DOMID_SELF);
		set(&w, "domid", "%u", XS_DOMID_SELF);
		set(&w, "name", "hvctl");
		ret = w.ret;
		if (ret)
			xs_abort(xs, w.tx);
		else
			w.ret = xs_commit(xs, w.tx);
	} while (w.ret == -EAGAIN);
	if (w.ret)
		return err_set(err, -w.ret, "cannot write the domain into xenstore: %s",
			       strerror(-w.ret));
	return 0;
}
