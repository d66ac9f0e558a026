// SPDX-License-Identifier: GPL-2.0
/*
 * The compressed kernel inside a bzImage, by the libraries that know the formats.
 * boot/pvh.c calls it.  It must not believe a size that the data claim.
 */
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "userspace/boot/unpack.h"

#define FIRST_ROOM	(32 * MIB)

/* Output that grows. */
struct room {
	u8 *data;
	u64 size;
	u64 used;
};

static int grow(struct room *room, struct err *err)
{
	u64 size = room->size ? room->size * 2 : FIRST_ROOM;
	u8 *data;

	if (size > UNPACK_MAX)
		return err_set(err, E2BIG, "unpacked, it is larger than %llu MiB",
			       UNPACK_MAX / MIB);
	data = realloc(room->data, size);
	if (!data)
		return err_set(err, ENOMEM, "no memory to unpack it");
	room->data = data;
	room->size = size;
	return 0;
}

static int unpack_xz(const u8 *in, u64 len, struct room *room, struct err *err)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret got = lzma_stream_decoder(&stream, UNPACK_MAX, 0);
	int ret = 0;

	stream.next_in = in;
	stream.avail_in = len;
	while (got == LZMA_OK && !ret) {
		if (room->used == room->size) {
			ret = grow(room, err);
			if (ret)
				break;
		}
		stream.next_out = room->data + room->used;
		stream.avail_out = room->size - room->used;
		got = lzma_code(&stream, LZMA_RUN);
		room->used = room->size - stream.avail_out;
	}
	lzma_end(&stream);
	if (!ret && got != LZMA_STREAM_END)
		ret = err_set(err, ENOEXEC, "its xz data are damaged (liblzma: error %d)",
			      (int)got);
	return ret;
}

static int unpack_gzip(const u8 *in, u64 len, struct room *room, struct err *err)
{
	z_stream stream = { .next_in = (u8 *)in };
	int got, ret = 0;

	stream.avail_in = len > 0xffffffffU ? 0xffffffffU : (uInt)len;
	/* 16: a gzip header. */
	got = inflateInit2(&stream, 16 + MAX_WBITS);
	while (got == Z_OK && !ret) {
		if (room->used == room->size) {
			ret = grow(room, err);
			if (ret)
				break;
		}
		stream.next_out = room->data + room->used;
		stream.avail_out = (uInt)(room->size - room->used);
		got = inflate(&stream, Z_NO_FLUSH);
		room->used = room->size - stream.avail_out;
	}
	inflateEnd(&stream);
	if (!ret && got != Z_STREAM_END)
		ret = err_set(err, ENOEXEC, "its gzip data are damaged (zlib: error %d)", got);
	return ret;
}

/* The "legacy" format: blocks that unpack to 8 MiB at most, each with its length. */
#define LZ4_BLOCK	(8 * MIB)

static int unpack_lz4(const u8 *in, u64 len, struct room *room, struct err *err)
{
	u64 at = 4;
	u32 block;
	int got, ret;

	while (len - at >= sizeof(block)) {
		memcpy(&block, in + at, sizeof(block));
		at += sizeof(block);
		/* Behind the last one stands the kernel's length, or nothing. */
		if (block > len - at || !block)
			break;
		while (room->size - room->used < LZ4_BLOCK) {
			ret = grow(room, err);
			if (ret)
				return ret;
		}
		got = LZ4_decompress_safe((const char *)in + at, (char *)room->data + room->used,
					  (int)block, (int)LZ4_BLOCK);
		if (got < 0)
			return err_set(err, ENOEXEC, "its lz4 data are damaged");
		at += block;
		room->used += (u64)got;
	}
	return room->used ? 0 : err_set(err, ENOEXEC, "its lz4 data are cut short");
}

static int unpack_zstd(const u8 *in, u64 len, struct room *room, struct err *err)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer from = { in, len, 0 };
	size_t left = 1;
	int ret = 0;

	if (!stream)
		return err_set(err, ENOMEM, "no memory to unpack it");
	ZSTD_initDStream(stream);
	while (left && !ret) {
		ZSTD_outBuffer to;

		if (room->used == room->size) {
			ret = grow(room, err);
			if (ret)
				break;
		}
		to = (ZSTD_outBuffer) { room->data + room->used, room->size - room->used, 0 };
		left = ZSTD_decompressStream(stream, &to, &from);
		room->used += to.pos;
		if (ZSTD_isError(left) || (left && from.pos == from.size && to.pos < to.size))
			ret = err_set(err, ENOEXEC, "its zstd data are damaged");
	}
	ZSTD_freeDStream(stream);
	return ret;
}

static int unpack_none(const u8 *in, u64 len, struct room *room, struct err *err)
{
	room->data = malloc(len);
	if (!room->data)
		return err_set(err, ENOMEM, "no memory to read it");
	memcpy(room->data, in, len);
	room->used = len;
	return 0;
}

static const struct {
	const char *name;
	u8 magic[6];
	u8 len;
	int (*unpack)(const u8 *in, u64 len, struct room *room, struct err *err);
} formats[] = {
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_xz },
	{ "gzip", { 0x1f, 0x8b }, 2, unpack_gzip },
	{ "ELF", { 0x7f, 'E', 'L', 'F' }, 4, unpack_none },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, NULL },
	{ "lzma", { 0x5d, 0, 0 }, 3, NULL },
	{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, NULL },
};

int unpack(const void *in, u64 len, u8 **out, u64 *size, struct err *err)
{
	struct room room = { 0 };
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (len >= sizeof(formats[i].magic) &&
		    !memcmp(in, formats[i].magic, formats[i].len))
			break;
	if (i == ARRAY_SIZE(formats))
		return err_set(err, ENOEXEC, "its compression is not known");
	if (!formats[i].unpack)
		return err_set(err, ENOEXEC,
			       "it is compressed with %s, which hvctl does not unpack",
			       formats[i].name);
	ret = formats[i].unpack(in, len, &room, err);
	if (ret) {
		free(room.data);
		return ret;
	}
	*out = room.data;
	*size = room.used;
	return 0;
}
