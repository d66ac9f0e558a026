// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a network interface's text in the syntax of
 * xl-network-configuration(5).  guest.c and cmd_run.c call it.  It must refuse
 * an address that no card can have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/config/vif.h"

#define RATE_INTERVAL	50000U		/* microseconds, unless told */
#define MTU_MIN		68U		/* of IPv4 */
#define MTU_MAX		65535U
#define DEVID_MAX	255U

static int set_text(char **to, const char *key, const char *text, struct err *err)
{
	if (*to)
		return err_set(err, EINVAL, "%s is given twice", key);
	*to = strdup(text);
	return *to ? 0 : err_set(err, ENOMEM, "no memory for a network interface");
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int set_mac(struct vif_spec *vif, const char *text, struct err *err)
{
	const char *p = text;
	unsigned int i;
	u8 any = 0;

	for (i = 0; i < 6; i++) {
		if (hex_digit(p[0]) < 0 || hex_digit(p[1]) < 0)
			break;
		vif->mac[i] = (u8)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		any |= vif->mac[i];
		p += 2;
		if (i < 5 && *p++ != ':')
			break;
	}
	if (i < 6 || *p || !any)
		return err_set(err, EINVAL, "'%.40s' is no mac: six bytes as in 00:16:3e:12:34:56",
			       text);
	if (vif->mac[0] & 1)
		return err_set(err, EINVAL,
			       "the mac %.40s is a group's: the first byte must be even", text);
	return 0;
}

static int set_number(u32 *to, const char *key, const char *text, u32 min, u32 max,
		      struct err *err)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v < min || v > max)
		return err_set(err, EINVAL, "%s=%.40s: a number from %u to %u is accepted", key,
			       text, min, max);
	*to = (u32)v;
	return 0;
}

/* "10Mb/s", "250KB/s", with "@20ms" behind it. */
static int set_rate(struct vif_spec *vif, const char *text, struct err *err)
{
	static const char units[] = "KMG";
	u64 scale = 1, value, interval = RATE_INTERVAL;
	char *p = (char *)text;
	const char *unit;

	errno = 0;
	value = strtoull(text, &p, 10);
	if (errno || *text < '0' || *text > '9' || !value || value > 0xffffffffULL)
		goto bad;
	unit = *p ? strchr(units, *p) : NULL;
	if (unit) {
		static const u64 factors[] = { 1000, 1000000, 1000000000 };

		scale = factors[unit - units];
		p++;
	}
	if (*p != 'b' && *p != 'B')
		goto bad;
	value *= scale;
	if (*p++ == 'b')
		value /= 8;
	if (p[0] != '/' || p[1] != 's')
		goto bad;
	p += 2;
	if (*p == '@') {
		const char *start = ++p;

		interval = strtoull(start, &p, 10);
		if (errno || *start < '0' || *start > '9' || !interval || interval > 1000000000)
			goto bad;
		if (!strcmp(p, "ms"))
			interval *= 1000;
		else if (!strcmp(p, "s") || !*p)
			interval *= 1000000;
		else if (strcmp(p, "us"))
			goto bad;
		p = "";
	}
	if (*p || !value || interval > 0xffffffffULL)
		goto bad;
	vif->rate = value;
	vif->interval_us = (u32)interval;
	return 0;
bad:
	return err_set(err, EINVAL,
		       "'%.40s' is no rate: as in 10Mb/s, 250KB/s or 1MB/s@20ms", text);
}

static int take_pair(struct vif_spec *vif, const char *key, const char *value, struct err *err)
{
	struct {
		const char *key;
		char **to;
	} texts[] = {
		{ "bridge", &vif->bridge }, { "ip", &vif->ip }, { "script", &vif->script },
		{ "vifname", &vif->vifname }, { "model", &vif->model },
		{ "gatewaydev", &vif->gateway }, { "netdev", &vif->gateway },
		{ "backend", &vif->backend },
	};
	u32 devid = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(key, texts[i].key))
			return set_text(texts[i].to, key, value, err);
	if (!strcmp(key, "mac"))
		return set_mac(vif, value, err);
	if (!strcmp(key, "type")) {
		if (strcmp(value, "vif") && strcmp(value, "ioemu"))
			return err_set(err, EINVAL, "type=%.40s: vif or ioemu are accepted", value);
		vif->emulated = *value == 'i';
		return 0;
	}
	if (!strcmp(key, "rate"))
		return set_rate(vif, value, err);
	if (!strcmp(key, "mtu"))
		return set_number(&vif->mtu, key, value, MTU_MIN, MTU_MAX, err);
	if (!strcmp(key, "devid")) {
		ret = set_number(&devid, key, value, 0, DEVID_MAX, err);
		if (!ret)
			vif->devid = (int)devid;
		return ret;
	}
	if (!strcmp(key, "accel"))
		return 0;
	return err_set(err, EINVAL,
		       "'%.80s' is no parameter of a network interface: mac, bridge, ip, script, vifname, type, model, rate, mtu, devid, gatewaydev or backend",
		       key);
}

static int take_one(struct vif_spec *vif, char *text, struct err *err)
{
	char *equals = strchr(text, '=');

	if (!equals) {
		/* Flags of newer files: who may see the data, which is us alone. */
		if (!strcmp(text, "trusted") || !strcmp(text, "untrusted"))
			return 0;
		return err_set(err, EINVAL, "'%.80s' is not KEY=VALUE", text);
	}
	*equals = '\0';
	return take_pair(vif, text, equals + 1, err);
}

int vif_parse(struct vif_spec *vif, const char *text, struct err *err)
{
	char *copy = strdup(text), *one, *rest = NULL;
	int ret = 0;
	size_t len;

	memset(vif, 0, sizeof(*vif));
	vif->devid = -1;
	if (!copy)
		return err_set(err, ENOMEM, "no memory for a network interface");
	for (one = strtok_r(copy, ",", &rest); one && !ret; one = strtok_r(NULL, ",", &rest)) {
		one += strspn(one, " \t\n");
		len = strlen(one);
		while (len && strchr(" \t\n", one[len - 1]))
			one[--len] = '\0';
		if (len)
			ret = take_one(vif, one, err);
	}
	free(copy);
	return ret;
}

static int copy_name(char *to, size_t room, const char *name, struct err *err)
{
	if (!name)
		return 0;
	if (strlen(name) >= room)
		return err_set(err, EINVAL, "'%.40s' is no name of a network device", name);
	memcpy(to, name, strlen(name) + 1);
	return 0;
}

int vif_net(const struct vif_spec *vif, struct net_config *net, struct err *err)
{
	int ret;

	memset(net, 0, sizeof(*net));
	net->offloads = NET_OFFLOADS;
	memcpy(net->mac, vif->mac, sizeof(net->mac));
	net->kind = vif->vifname || vif->bridge ? NET_TAP : NET_USER;
	if (vif->backend && strcmp(vif->backend, "0") && strcmp(vif->backend, "Domain-0"))
		return err_set(err, EINVAL, "backend=%.40s: the launcher is the only one",
			       vif->backend);
	ret = copy_name(net->ifname, sizeof(net->ifname), vif->vifname, err);
	return ret ? ret : copy_name(net->bridge, sizeof(net->bridge), vif->bridge, err);
}

void vif_free(struct vif_spec *vif)
{
	free(vif->bridge);
	free(vif->ip);
	free(vif->script);
	free(vif->vifname);
	free(vif->model);
	free(vif->gateway);
	free(vif->backend);
	memset(vif, 0, sizeof(*vif));
}
