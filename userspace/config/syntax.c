// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the syntax of Xen's guest configuration files, by recursive descent.
 * guest.c calls it.  It must bound what a text can make it do: its length, the
 * depth of its lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/config/syntax.h"

/* struct parser - where we are in the text */
struct parser {
	struct cfg *cfg;
	const char *source;
	const char *at, *end;
	unsigned int line;
	struct err *err;
};

static int __printf(2, 3) fail(struct parser *p, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(p->err, EINVAL, "%.160s:%u: %s", p->source, p->line, why);
}

static int no_memory(struct parser *p)
{
	return err_set(p->err, ENOMEM, "no memory for %.160s", p->source);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_key_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_key(char c)
{
	return is_key_start(c) || is_digit(c);
}

/* A character as it may stand in a message. */
static const char *show(struct parser *p, char buf[8])
{
	unsigned char c;

	if (p->at == p->end)
		return "the end of the file";
	c = (unsigned char)*p->at;
	if (c == '\n')
		return "the end of the line";
	if (c > ' ' && c < 0x7f)
		snprintf(buf, 8, "'%c'", c);
	else
		snprintf(buf, 8, "0x%02x", c);
	return buf;
}

/* Blanks and a comment; with @lines the ends of lines, too. */
static void skip(struct parser *p, bool lines)
{
	for (; p->at < p->end; p->at++) {
		char c = *p->at;

		if (c == '#') {
			while (p->at + 1 < p->end && p->at[1] != '\n')
				p->at++;
		} else if (c == '\n') {
			if (!lines)
				return;
			p->line++;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash; the byte, or an error. */
static int parse_escape(struct parser *p)
{
	static const char names[] = "abfnrtv\\'\"", bytes[] = "\a\b\f\n\r\t\v\\'\"";
	const char *name;
	int value = 0, n;
	char c;

	if (p->at == p->end || *p->at == '\n')
		return fail(p, "a string ends with its line; a newline in it is \\n");
	c = *p->at++;
	name = c ? strchr(names, c) : NULL;
	if (name)
		return bytes[name - names];
	if (c == 'x') {
		for (n = 0; n < 2 && p->at < p->end && hex_digit(*p->at) >= 0; n++)
			value = value * 16 + hex_digit(*p->at++);
		if (n < 2)
			return fail(p, "\\x takes two hexadecimal digits");
	} else if (c >= '0' && c <= '7') {
		value = c - '0';
		for (n = 1; n < 3 && p->at < p->end && *p->at >= '0' && *p->at <= '7'; n++)
			value = value * 8 + (*p->at++ - '0');
	} else {
		return fail(p, "an unknown escape in a string; known are %s",
			    "\\\\ \\' \\\" \\a \\b \\f \\n \\r \\t \\v \\xHH \\OOO");
	}
	if (!value || value > 255)
		return fail(p, "an escape in a string stands for a byte from 1 to 255");
	return value;
}

static int parse_string(struct parser *p, struct cfg_value *value)
{
	char quote = *p->at++, *to;
	int byte;

	if (p->end - p->at >= 2 && p->at[0] == quote && p->at[1] == quote)
		return fail(p,
			    "strings in three quotes are Python's, not xl's: use one pair, and \\n for a newline");
	to = malloc((size_t)(p->end - p->at) + 1);
	if (!to)
		return no_memory(p);
	value->text = to;
	for (;;) {
		if (p->at == p->end || *p->at == '\n')
			return fail(p, "a string has no %c at its end on this line", quote);
		if (*p->at == quote)
			break;
		byte = (unsigned char)*p->at++;
		if (!byte)
			return fail(p, "a zero byte in a string: is this a text file?");
		if (byte == '\\') {
			byte = parse_escape(p);
			if (byte < 0)
				return byte;
		}
		*to++ = (char)byte;
	}
	p->at++;
	*to = '\0';
	to = realloc(value->text, strlen(value->text) + 1);
	if (to)
		value->text = to;
	return 0;
}

static int parse_number(struct parser *p, struct cfg_value *value)
{
	const char *start = p->at;

	while (p->at < p->end && is_key(*p->at))
		p->at++;
	value->text = strndup(start, (size_t)(p->at - start));
	return value->text ? 0 : no_memory(p);
}

static void free_value(struct cfg_value *value)
{
	unsigned int i;

	for (i = 0; i < value->count; i++)
		free_value(&value->item[i]);
	free(value->item);
	free(value->text);
	memset(value, 0, sizeof(*value));
}

static int parse_value(struct parser *p, struct cfg_value *value, unsigned int depth);

static int parse_item(struct parser *p, struct cfg_value *list, unsigned int depth)
{
	struct cfg_value *item;

	/* Room grows by powers of two: it is full when the count is one. */
	if (!(list->count & (list->count - 1))) {
		item = realloc(list->item, (list->count ? list->count * 2 : 1) * sizeof(*item));
		if (!item)
			return no_memory(p);
		list->item = item;
	}
	item = &list->item[list->count++];
	memset(item, 0, sizeof(*item));
	return parse_value(p, item, depth);
}

static int parse_list(struct parser *p, struct cfg_value *list, unsigned int depth)
{
	unsigned int line = p->line;
	char buf[8];
	int ret;

	if (depth == CFG_MAX_DEPTH)
		return fail(p, "lists are nested more than %u deep", CFG_MAX_DEPTH);
	p->at++;
	for (;;) {
		skip(p, true);
		if (p->at < p->end && *p->at == ']')
			break;
		if (p->at == p->end) {
			p->line = line;
			return fail(p, "the list that begins here has no ]");
		}
		ret = parse_item(p, list, depth + 1);
		if (ret)
			return ret;
		skip(p, true);
		if (p->at < p->end && *p->at == ',')
			p->at++;
		else if (p->at < p->end && *p->at != ']')
			return fail(p, "%s in a list where , or ] is expected", show(p, buf));
	}
	p->at++;
	return 0;
}

static int parse_value(struct parser *p, struct cfg_value *value, unsigned int depth)
{
	char buf[8];

	value->line = p->line;
	if (p->at < p->end && (*p->at == '\'' || *p->at == '"'))
		return parse_string(p, value);
	if (p->at < p->end && is_digit(*p->at))
		return parse_number(p, value);
	if (p->at < p->end && *p->at == '[')
		return parse_list(p, value, depth);
	if (p->at < p->end && is_key_start(*p->at))
		return fail(p, "a value is a number, a list in [], or a text in quotes");
	return fail(p, "%s where a value is expected: a number, a 'text' or a [list]",
		    show(p, buf));
}

/* KEY += VALUE: @more is taken over. */
static int add_value(struct parser *p, struct cfg_value *to, struct cfg_value *more)
{
	struct cfg_value *item;
	char *text;

	if (!to->text != !more->text)
		return fail(p, "+= adds a text to a text or a list to a list");
	if (to->text) {
		text = realloc(to->text, strlen(to->text) + strlen(more->text) + 1);
		if (!text)
			return no_memory(p);
		to->text = strcat(text, more->text);
		return 0;
	}
	if (!more->count)
		return 0;
	item = realloc(to->item, (to->count + more->count) * sizeof(*item));
	if (!item)
		return no_memory(p);
	memcpy(item + to->count, more->item, more->count * sizeof(*item));
	to->item = item;
	to->count += more->count;
	free(more->item);
	more->item = NULL;
	more->count = 0;
	return 0;
}

static void free_setting(struct cfg_setting *s)
{
	free(s->key);
	free(s->source);
	free_value(&s->value);
}

static void forget(struct cfg *cfg, struct cfg_setting *s)
{
	free_setting(s);
	memmove(s, s + 1, (size_t)(cfg->setting + cfg->count - (s + 1)) * sizeof(*s));
	cfg->count--;
}

/* Takes over @s, also when it fails. */
static int store(struct parser *p, struct cfg_setting *s, bool add)
{
	struct cfg_setting *old = cfg_find(p->cfg, s->key), *all;
	int ret;

	if (old && add) {
		ret = add_value(p, &old->value, &s->value);
		if (ret) {
			free_setting(s);
			return ret;
		}
		free_value(&s->value);
		s->value = old->value;
		memset(&old->value, 0, sizeof(old->value));
	}
	if (old)
		forget(p->cfg, old);
	all = realloc(p->cfg->setting, (p->cfg->count + 1) * sizeof(*all));
	if (!all) {
		free_setting(s);
		return no_memory(p);
	}
	p->cfg->setting = all;
	all[p->cfg->count++] = *s;
	return 0;
}

/* A line that xend would have run. */
static bool is_python(const char *word)
{
	static const char *const words[] = {
		"def", "import", "from", "if", "else", "elif", "for", "print", "while",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static int parse_setting(struct parser *p)
{
	struct cfg_setting s = { .line = p->line };
	const char *start = p->at, *c;
	bool add = false;
	char buf[8];
	int ret;

	if (!is_key_start(*p->at))
		return fail(p, "%s where a key is expected, as in KEY = VALUE", show(p, buf));
	while (p->at < p->end && is_key(*p->at))
		p->at++;
	s.key = strndup(start, (size_t)(p->at - start));
	s.source = strdup(p->source);
	if (!s.key || !s.source) {
		ret = no_memory(p);
		goto out;
	}
	for (c = s.key; *c; c++)
		if (*c >= 'A' && *c <= 'Z') {
			ret = fail(p, "keys are written small: not '%.60s'", s.key);
			goto out;
		}
	skip(p, false);
	if (p->end - p->at >= 2 && p->at[0] == '+' && p->at[1] == '=') {
		add = true;
		p->at++;
	}
	if (p->at == p->end || *p->at != '=') {
		ret = is_python(s.key) ?
			fail(p, "'%s': this looks like Python, which these files are not", s.key) :
			fail(p, "%s after '%.60s' where = is expected", show(p, buf), s.key);
		goto out;
	}
	p->at++;
	skip(p, false);
	ret = parse_value(p, &s.value, 0);
	if (ret)
		goto out;
	skip(p, false);
	if (p->at < p->end && *p->at != '\n' && *p->at != ';') {
		ret = fail(p, "%s after the value of '%.60s': a new line or ; ends it",
			   show(p, buf), s.key);
		goto out;
	}
	return store(p, &s, add);
out:
	free_setting(&s);
	return ret;
}

int cfg_parse(struct cfg *cfg, const char *source, const char *text, size_t len,
	      struct err *err)
{
	struct err unused = { "" };
	struct parser p = {
		.cfg = cfg, .source = source, .at = text, .end = text + len, .line = 1,
		.err = err ? err : &unused,
	};
	int ret;

	p.err->text[0] = '\0';
	if (len > CFG_MAX_TEXT)
		return err_set(err, E2BIG, "%.160s is larger than %u KiB: is it a guest's file?",
			       source, CFG_MAX_TEXT >> 10);
	/* A byte order mark, which editors leave. */
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		p.at += 3;
	for (;;) {
		skip(&p, true);
		if (p.at == p.end)
			return 0;
		if (*p.at == ';') {
			p.at++;
			continue;
		}
		ret = parse_setting(&p);
		if (ret)
			return ret;
	}
}

int cfg_argument(struct cfg *cfg, const char *arg, struct err *err)
{
	static const char source[] = "command line";
	struct cfg_setting s = { .line = 1 };
	struct parser p = { .cfg = cfg, .source = source, .line = 1, .err = err };
	const char *value = strchr(arg, '=');
	size_t len = value ? (size_t)(value - arg) : 0, i;
	bool add = len && value[-1] == '+';

	if (value && strchr("'\"[", value[1]) && value[1])
		return cfg_parse(cfg, source, arg, strlen(arg), err);
	if (add)
		len--;
	for (i = 0; i < len && is_key(arg[i]); i++)
		;
	if (!len || i < len || is_digit(arg[0]))
		return err_set(err, EINVAL, "'%.100s' is not KEY=VALUE", arg);
	s.key = strndup(arg, len);
	s.source = strdup(source);
	s.value.text = strdup(value + 1);
	s.value.line = 1;
	if (!s.key || !s.source || !s.value.text) {
		free_setting(&s);
		return no_memory(&p);
	}
	return store(&p, &s, add);
}

int cfg_read(struct cfg *cfg, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), ret = 0;
	size_t len = 0;
	char *text;

	if (fd < 0)
		return err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	text = malloc(CFG_MAX_TEXT + 1);
	if (!text)
		ret = err_set(err, ENOMEM, "no memory for %s", path);
	while (!ret && len <= CFG_MAX_TEXT) {
		ssize_t got = read(fd, text + len, CFG_MAX_TEXT + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ret = err_set(err, errno, "cannot read %s: %s", path, strerror(errno));
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (!ret)
		ret = cfg_parse(cfg, path, text, len, err);
	free(text);
	close(fd);
	return ret;
}

struct cfg_setting *cfg_find(const struct cfg *cfg, const char *key)
{
	unsigned int i;

	for (i = 0; i < cfg->count; i++)
		if (!strcmp(cfg->setting[i].key, key))
			return &cfg->setting[i];
	return NULL;
}

void cfg_free(struct cfg *cfg)
{
	unsigned int i;

	for (i = 0; i < cfg->count; i++)
		free_setting(&cfg->setting[i]);
	free(cfg->setting);
	memset(cfg, 0, sizeof(*cfg));
}
