// SPDX-License-Identifier: GPL-2.0
/*
 * The wire protocol of xenstore, as a guest sees it ("Xenstore protocol
 * specification" in Xen's docs/misc/xenstore.txt).  The ring calls it, under the
 * store's lock.  It must answer every request, also one that makes no sense.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/xen/xs_client.h"

#define HOME_MAX	32

/* The names that go over the wire; others become EINVAL. */
static const struct {
	int code;
	const char *name;
} errors[] = {
	{ EINVAL, "EINVAL" }, { EACCES, "EACCES" }, { EEXIST, "EEXIST" }, { EISDIR, "EISDIR" },
	{ ENOENT, "ENOENT" }, { ENOMEM, "ENOMEM" }, { ENOSPC, "ENOSPC" }, { EIO, "EIO" },
	{ ENOTEMPTY, "ENOTEMPTY" }, { ENOSYS, "ENOSYS" }, { EROFS, "EROFS" },
	{ EBUSY, "EBUSY" }, { EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" },
};

/* A request: @text is @len bytes and ends in a zero that is not counted. */
struct request {
	struct xs_client *client;
	const struct xs_header *header;
	u32 len;
	char *text;
	char path[XS_ABS_PATH_MAX + 1];
};

static int queue(struct xs_client *client, const struct xs_header *header, const void *payload)
{
	struct xs_msg *msg = malloc(sizeof(*msg) + sizeof(*header) + header->len);

	if (!msg)
		return -ENOMEM;
	msg->next = NULL;
	msg->sent = 0;
	msg->len = (u32)sizeof(*header) + header->len;
	memcpy(msg->data, header, sizeof(*header));
	if (header->len)
		memcpy(msg->data + sizeof(*header), payload, header->len);
	*client->last = msg;
	client->last = &msg->next;
	client->count++;
	client->bytes += msg->len;
	return 0;
}

void xs_client_sent(struct xs_client *client)
{
	struct xs_msg *msg = client->head;

	client->head = msg->next;
	if (!client->head)
		client->last = &client->head;
	client->count--;
	client->bytes -= msg->len;
	free(msg);
}

bool xs_client_busy(const struct xs_client *client)
{
	return client->count >= client->conn.store->quota.requests;
}

static size_t home(const struct xs_client *client, char *text)
{
	return (size_t)snprintf(text, HOME_MAX, "/local/domain/%u", client->conn.domid);
}

static void on_event(struct xs_conn *conn, const struct xs_watch *watch, const char *path)
{
	struct xs_client *client = (struct xs_client *)conn;
	char payload[XS_PAYLOAD_MAX], dir[HOME_MAX];
	struct xs_header header = { .type = XS_WATCH_EVENT };
	size_t skip = 0;

	if (watch->relative)
		skip = home(client, dir) + 1;
	/* A path and a token that fitted into one request. */
	header.len = (u32)snprintf(payload, sizeof(payload), "%s%c%s",
				   strlen(path) < skip ? "" : path + skip, 0, watch->token) + 1;
	if (header.len > sizeof(payload) ||
	    client->bytes + header.len > conn->store->quota.bytes ||
	    queue(client, &header, payload))
		client->lost++;
}

void xs_client_init(struct xs_client *client, struct xs_store *store, u16 domid)
{
	memset(client, 0, sizeof(*client));
	xs_conn_open(&client->conn, store, domid, on_event);
	client->last = &client->head;
}

void xs_client_reset(struct xs_client *client)
{
	while (client->head)
		xs_client_sent(client);
	xs_conn_reset(&client->conn);
}

void xs_client_exit(struct xs_client *client)
{
	xs_client_reset(client);
	xs_conn_close(&client->conn);
}

static int reply(struct request *req, const void *payload, u32 len)
{
	struct xs_header header = *req->header;

	header.len = len;
	return queue(req->client, &header, payload);
}

static int reply_ok(struct request *req)
{
	return reply(req, "OK", 3);
}

/* A path, perhaps relative, made absolute in req->path. */
static int take_path(struct request *req, const char *text)
{
	size_t len = strlen(text), dir = 0;

	if (*text != '/' && *text != '@') {
		if (!len || len > XS_REL_PATH_MAX)
			return -EINVAL;
		dir = home(req->client, req->path);
		req->path[dir++] = '/';
	}
	if (dir + len > XS_ABS_PATH_MAX)
		return -EINVAL;
	memcpy(req->path + dir, text, len + 1);
	return 0;
}

/* How many strings the payload has that end in a zero of its own. */
static u32 strings(const struct request *req)
{
	u32 i, count = 0;

	for (i = 0; i < req->len; i++)
		count += !req->text[i];
	return count;
}

/* The string behind one that is not the last. */
static const char *after(const char *text)
{
	return text + strlen(text) + 1;
}

/* The node that the request names first. */
static int take_node(struct request *req, const struct xs_node **node)
{
	int ret = strings(req) ? take_path(req, req->text) : -EINVAL;

	if (ret)
		return ret;
	return xs_store_get(&req->client->conn, req->header->tx_id, req->path, node);
}

static int do_read(struct request *req)
{
	const struct xs_node *node;
	int ret = take_node(req, &node);

	return ret ? ret : reply(req, node->value, node->len);
}

/* The names below a node from an offset on, whole ones, as many as there is room for. */
static u32 list_names(const struct xs_node *node, u64 offset, char *to, u32 room, bool *whole)
{
	u32 i, len, used = 0;
	u64 at = 0;

	*whole = true;
	for (i = 0; i < node->children; i++, at += len) {
		len = (u32)strlen(node->child[i]->name) + 1;
		if (at < offset)
			continue;
		if (len > room - used) {
			*whole = false;
			break;
		}
		memcpy(to + used, node->child[i]->name, len);
		used += len;
	}
	return used;
}

static int do_directory(struct request *req)
{
	char names[XS_PAYLOAD_MAX];
	const struct xs_node *node;
	int ret = take_node(req, &node);
	bool whole;
	u32 len;

	if (ret)
		return ret;
	len = list_names(node, 0, names, sizeof(names), &whole);
	return whole ? reply(req, names, len) : -E2BIG;
}

/* An empty name says that there is no more. */
static int do_directory_part(struct request *req)
{
	char names[XS_PAYLOAD_MAX];
	const struct xs_node *node;
	const char *text;
	u64 offset = 0;
	bool whole;
	u32 len;
	int ret;

	if (strings(req) < 2)
		return -EINVAL;
	text = after(req->text);
	do {
		if (*text < '0' || *text > '9' || offset > UINT32_MAX)
			return -EINVAL;
		offset = offset * 10 + (u64)(*text - '0');
	} while (*++text);
	ret = take_node(req, &node);
	if (ret)
		return ret;
	len = (u32)snprintf(names, sizeof(names), "%llu", node->gen) + 1;
	len += list_names(node, offset, names + len, sizeof(names) - len - 1, &whole);
	if (whole)
		names[len++] = 0;
	return reply(req, names, len);
}

static int do_get_perms(struct request *req)
{
	char text[XS_MAX_PERMS * 8];
	const struct xs_node *node;
	int ret = take_node(req, &node);
	u32 i, len = 0;

	if (ret)
		return ret;
	for (i = 0; i < node->perms.count; i++)
		len += (u32)snprintf(text + len, sizeof(text) - len, "%c%u",
				     xs_perm_letter(node->perms.perm[i].access),
				     node->perms.perm[i].domid) + 1;
	return reply(req, text, len);
}

static int change(struct request *req, struct xs_change *what)
{
	int ret = take_path(req, req->text);

	what->path = req->path;
	if (!ret)
		ret = xs_store_change(&req->client->conn, req->header->tx_id, what);
	return ret ? ret : reply_ok(req);
}

static int do_write(struct request *req)
{
	struct xs_change what = { .kind = XS_SET };

	if (!strings(req))
		return -EINVAL;
	what.value = after(req->text);
	what.len = req->len - (u32)((const char *)what.value - req->text);
	return change(req, &what);
}

static int do_mkdir(struct request *req)
{
	struct xs_change what = { .kind = XS_MAKE };

	return strings(req) ? change(req, &what) : -EINVAL;
}

static int do_rm(struct request *req)
{
	struct xs_change what = { .kind = XS_REMOVE };

	return strings(req) ? change(req, &what) : -EINVAL;
}

static int do_set_perms(struct request *req)
{
	struct xs_perms perms = { .count = 0 };
	struct xs_change what = { .kind = XS_PERMS, .perms = &perms };
	const char *text = req->text;
	u32 count = strings(req);
	int ret;

	if (count < 2)
		return -EINVAL;
	if (--count > XS_MAX_PERMS)
		return -ENOSPC;
	while (perms.count < count) {
		text = after(text);
		ret = xs_perm_parse(text, &perms.perm[perms.count++]);
		if (ret)
			return ret;
	}
	return change(req, &what);
}

static int do_watch(struct request *req)
{
	struct xs_conn *conn = &req->client->conn;
	struct xs_watch *watch;
	int ret;

	if (strings(req) < 2)
		return -EINVAL;
	ret = take_path(req, req->text);
	if (!ret)
		ret = xs_store_watch(conn, req->path, after(req->text),
				     *req->text != '/' && *req->text != '@', NULL, &watch);
	if (!ret)
		ret = reply_ok(req);
	if (!ret)
		on_event(conn, watch, watch->path);
	return ret;
}

static int do_unwatch(struct request *req)
{
	int ret;

	if (strings(req) < 2)
		return -EINVAL;
	ret = take_path(req, req->text);
	if (!ret)
		ret = xs_store_unwatch(&req->client->conn, req->path, after(req->text));
	return ret ? ret : reply_ok(req);
}

static int do_reset_watches(struct request *req)
{
	xs_conn_reset(&req->client->conn);
	return reply_ok(req);
}

static int do_begin(struct request *req)
{
	char text[16];
	u32 tx;
	int ret;

	if (req->header->tx_id)
		return -EBUSY;
	ret = xs_store_begin(&req->client->conn, &tx);
	if (ret)
		return ret;
	return reply(req, text, (u32)snprintf(text, sizeof(text), "%u", tx) + 1);
}

static int do_end(struct request *req)
{
	int ret;

	if (!strings(req) || (strcmp(req->text, "T") && strcmp(req->text, "F")))
		return -EINVAL;
	ret = xs_store_end(&req->client->conn, req->header->tx_id, *req->text == 'T');
	return ret ? ret : reply_ok(req);
}

static int take_domid(struct request *req, u16 *domid)
{
	const char *text = req->text;
	u32 value = 0;

	if (!strings(req) || !*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (u32)(*text - '0');
		if (value > UINT16_MAX)
			return -EINVAL;
	}
	*domid = (u16)value;
	return 0;
}

static int do_domain_path(struct request *req)
{
	char text[HOME_MAX];
	u16 domid;
	int ret = take_domid(req, &domid);

	if (ret)
		return ret;
	return reply(req, text, (u32)snprintf(text, sizeof(text), "/local/domain/%u", domid) + 1);
}

static int do_introduced(struct request *req)
{
	u16 domid;
	int ret = take_domid(req, &domid);

	if (ret)
		return ret;
	return reply(req, !domid || domid == req->client->conn.domid ? "T" : "F", 2);
}

/* What only the toolstack may ask for. */
static int do_refuse(struct request *req)
{
	(void)req;
	return -EACCES;
}

static int (*const handlers[XS_TYPES])(struct request *req) = {
	[XS_CONTROL] = do_refuse,
	[XS_DIRECTORY] = do_directory,
	[XS_READ] = do_read,
	[XS_GET_PERMS] = do_get_perms,
	[XS_WATCH] = do_watch,
	[XS_UNWATCH] = do_unwatch,
	[XS_TRANSACTION_START] = do_begin,
	[XS_TRANSACTION_END] = do_end,
	[XS_INTRODUCE] = do_refuse,
	[XS_RELEASE] = do_refuse,
	[XS_GET_DOMAIN_PATH] = do_domain_path,
	[XS_WRITE] = do_write,
	[XS_MKDIR] = do_mkdir,
	[XS_RM] = do_rm,
	[XS_SET_PERMS] = do_set_perms,
	[XS_IS_DOMAIN_INTRODUCED] = do_introduced,
	[XS_RESUME] = do_refuse,
	[XS_SET_TARGET] = do_refuse,
	[XS_RESET_WATCHES] = do_reset_watches,
	[XS_DIRECTORY_PART] = do_directory_part,
};

static int reply_error(struct request *req, int code)
{
	struct xs_header header = *req->header;
	const char *name = "EINVAL";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].code == code)
			name = errors[i].name;
	header.type = XS_ERROR;
	header.len = (u32)strlen(name) + 1;
	return queue(req->client, &header, name);
}

int xs_client_request(struct xs_client *client, const struct xs_header *header, u8 *payload)
{
	struct request req = {
		.client = client,
		.header = header,
		.len = header->len,
		.text = (char *)payload,
	};
	int ret = -ENOSYS;

	payload[header->len] = 0;
	if (header->type < XS_TYPES && handlers[header->type])
		ret = handlers[header->type](&req);
	return ret ? reply_error(&req, -ret) : 0;
}
