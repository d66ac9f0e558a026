// SPDX-License-Identifier: GPL-2.0
/*
 * Networks by name: reads what the user asked for, opens it and passes calls on
 * to the kind of wire.  Commands and network back ends call it.  It must name the
 * word that it does not understand.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/net/net.h"

static int parse_port(const char *text, u16 *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !value || value > 65535)
		return -EINVAL;
	*port = (u16)value;
	return 0;
}

/* "[ADDRESS]:PORT" */
static int parse_end(char *text, struct in_addr *addr, u16 *port)
{
	char *colon = strrchr(text, ':');

	addr->s_addr = 0;
	if (!colon)
		return -EINVAL;
	*colon = 0;
	if (*text && inet_pton(AF_INET, text, addr) != 1)
		return -EINVAL;
	return parse_port(colon + 1, port);
}

/* "tcp:[ADDRESS]:PORT-[ADDRESS]:PORT" */
static int parse_forward(struct net_config *config, char *text, struct err *err)
{
	struct net_forward *f = &config->forward[config->forwards];
	char whole[96], *guest;

	snprintf(whole, sizeof(whole), "%s", text);
	if (config->forwards == NET_FORWARDS)
		return err_set(err, EINVAL, "more than %u ports to forward", NET_FORWARDS);
	f->udp = !strncmp(text, "udp:", 4);
	if (!f->udp && strncmp(text, "tcp:", 4))
		goto bad;
	text += 4;
	guest = strchr(text, '-');
	if (!guest)
		goto bad;
	*guest++ = 0;
	if (parse_end(text, &f->host, &f->host_port) || parse_end(guest, &f->guest, &f->guest_port))
		goto bad;
	config->forwards++;
	return 0;
bad:
	return err_set(err, EINVAL,
		       "hostfwd=%s: tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT is wanted", whole);
}

static int parse_mac(u8 *mac, const char *text, struct err *err)
{
	unsigned int b[6], i;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5]) != 6)
		return err_set(err, EINVAL,
			       "mac=%s: six bytes such as 00:16:3e:01:02:03 are wanted", text);
	for (i = 0; i < 6; i++)
		mac[i] = (u8)b[i];
	if (mac[0] & 1)
		return err_set(err, EINVAL, "mac=%s is a multicast address", text);
	return 0;
}

static int parse_queues(struct net_config *config, const char *text, struct err *err)
{
	if (text[0] < '1' || text[0] > '0' + NET_QUEUES || text[1])
		return err_set(err, EINVAL, "queues=%s: from 1 to %u", text, NET_QUEUES);
	config->queues = (u32)(text[0] - '0');
	return 0;
}

/* A name of a network device. */
static int parse_name(char *name, const char *word, const char *value, struct err *err)
{
	if (!*value || strlen(value) >= sizeof(((struct net_config *)0)->ifname) ||
	    strpbrk(value, "/%: \t"))
		return err_set(err, EINVAL,
			       "%s=%s: 1 to 15 characters, without / %% : and blanks", word, value);
	memcpy(name, value, strlen(value) + 1);
	return 0;
}

static int parse_word(struct net_config *config, char *word, struct err *err)
{
	bool tap = config->kind == NET_TAP;
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	else
		value = word + strlen(word);
	if (!strcmp(word, "mac"))
		return parse_mac(config->mac, value, err);
	if (!strcmp(word, "queues"))
		return parse_queues(config, value, err);
	if (!strcmp(word, "hostfwd") && !tap)
		return parse_forward(config, value, err);
	if (!strcmp(word, "restrict") && !tap && !*value) {
		config->restrict_host = true;
		return 0;
	}
	if (!strcmp(word, "ifname") && tap)
		return parse_name(config->ifname, word, value, err);
	if (!strcmp(word, "bridge") && tap)
		return parse_name(config->bridge, word, value, err);
	if (!strcmp(word, "offload") && (!strcmp(value, "on") || !strcmp(value, "off"))) {
		config->offloads = value[1] == 'n' ? NET_OFFLOADS : 0;
		return 0;
	}
	return err_set(err, EINVAL, "%s network has no option %s%s%s", tap ? "a tap" : "a user",
		       word, *value ? "=" : "", value);
}

int net_parse(struct net_config *config, const char *text, struct err *err)
{
	char *copy = strdup(text), *word, *rest = NULL;
	int ret = 0;

	memset(config, 0, sizeof(*config));
	config->offloads = NET_OFFLOADS;
	word = copy ? strtok_r(copy, ",", &rest) : NULL;
	if (word && !strcmp(word, "user"))
		config->kind = NET_USER;
	else if (word && !strcmp(word, "tap"))
		config->kind = NET_TAP;
	else
		ret = err_set(err, EINVAL, "'%s': a network begins with user or tap", text);
	while (!ret && (word = strtok_r(NULL, ",", &rest)))
		ret = parse_word(config, word, err);
	if (!ret && config->kind == NET_TAP && !config->ifname[0] && !config->bridge[0])
		ret = err_set(err, EINVAL, "a tap network needs ifname= or bridge=");
	free(copy);
	return ret;
}

void net_make_mac(u8 *mac)
{
	/* Xen's range of addresses. */
	mac[0] = 0x00;
	mac[1] = 0x16;
	mac[2] = 0x3e;
	if (getrandom(mac + 3, 3, 0) != 3)
		memset(mac + 3, 1, 3);
	mac[3] &= 0x7f;
}

int net_open(struct net_wire *wire, const struct net_config *config, u32 queues,
	     struct err *err)
{
	int ret;

	memset(wire, 0, sizeof(*wire));
	wire->kind = config->kind;
	if (config->queues)
		queues = config->queues;
	if (queues > NET_QUEUES)
		queues = NET_QUEUES;
	snprintf(wire->name, sizeof(wire->name), "user network");
	if (config->kind == NET_TAP)
		ret = net_tap_open(wire, config, queues, err);
	else
		ret = net_user_open(wire, config, queues, err);
	if (ret < 0)
		net_close(wire);
	return ret;
}

void net_close(struct net_wire *wire)
{
	while (wire->queues)
		close(wire->fd[--wire->queues]);
	/* It ends when its sockets are closed; in the jail nobody can wait for it. */
	wire->child = 0;
}

int net_offload(struct net_wire *wire, u32 flags)
{
	/* The user-mode network sends complete, small frames only. */
	return wire->kind == NET_TAP ? net_tap_offload(wire, flags) : 0;
}

int net_use_queues(struct net_wire *wire, u32 count)
{
	u8 word = (u8)count;

	if (wire->kind == NET_TAP)
		return net_tap_use_queues(wire, count);
	/* A frame of one byte is a message to the process. */
	return write(wire->fd[0], &word, 1) == 1 ? 0 : -errno;
}
