// SPDX-License-Identifier: GPL-2.0
/*
 * A small encoder of ACPI Machine Language.  boot/acpi.c calls it to write the
 * DSDT.  It must not write past its buffer, whatever is asked of it.
 */
#include <ctype.h>
#include <string.h>

#include "userspace/boot/aml.h"

#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_STRING	0x0d
#define AML_QWORD	0x0e
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_DUAL_NAME	0x2e
#define AML_MULTI_NAME	0x2f
#define AML_EXT		0x5b
#define AML_EXT_DEVICE	0x82

#define RES_IRQ_NO_FLAGS	0x22
#define RES_IO			0x47
#define RES_END			0x79

/* All PkgLengths take this many bytes, so that a block's start is known. */
#define PKG_BYTES	3
#define PKG_MAX		0xfffff

static void put(struct aml *aml, u64 value, unsigned int bytes)
{
	while (bytes--) {
		if (aml->len >= aml->room) {
			aml->bad = true;
			return;
		}
		aml->buf[aml->len++] = (u8)value;
		value >>= 8;
	}
}

/* A NameString: an optional root, then segments of four characters. */
static void put_path(struct aml *aml, const char *name)
{
	size_t len, segs;

	if (*name == '\\') {
		put(aml, '\\', 1);
		name++;
	}
	len = strlen(name);
	segs = len / 4;
	if (!len || len % 4 || segs > 255) {
		aml->bad = true;
		return;
	}
	if (segs == 2) {
		put(aml, AML_DUAL_NAME, 1);
	} else if (segs > 2) {
		put(aml, AML_MULTI_NAME, 1);
		put(aml, segs, 1);
	}
	for (; *name; name++)
		put(aml, (u8)*name, 1);
}

static struct aml_block block_start(struct aml *aml)
{
	struct aml_block block = { .at = aml->len };

	put(aml, 0, PKG_BYTES);
	return block;
}

struct aml_block aml_scope(struct aml *aml, const char *name)
{
	struct aml_block block;

	put(aml, AML_SCOPE, 1);
	block = block_start(aml);
	put_path(aml, name);
	return block;
}

struct aml_block aml_device(struct aml *aml, const char *name)
{
	struct aml_block block;

	put(aml, AML_EXT, 1);
	put(aml, AML_EXT_DEVICE, 1);
	block = block_start(aml);
	put_path(aml, name);
	return block;
}

struct aml_block aml_package(struct aml *aml, u8 count)
{
	struct aml_block block;

	put(aml, AML_PACKAGE, 1);
	block = block_start(aml);
	put(aml, count, 1);
	return block;
}

struct aml_block aml_resources(struct aml *aml)
{
	struct aml_block block;

	put(aml, AML_BUFFER, 1);
	block = block_start(aml);
	/* The buffer's size, a word that aml_resources_end() fills in. */
	put(aml, AML_WORD, 1);
	put(aml, 0, 2);
	return block;
}

void aml_end(struct aml *aml, struct aml_block block)
{
	size_t len = aml->len - block.at;

	if (aml->bad)
		return;
	if (len > PKG_MAX) {
		aml->bad = true;
		return;
	}
	/* Bits 7-6: bytes that follow; bits 3-0: the low nibble of the length. */
	aml->buf[block.at] = (PKG_BYTES - 1) << 6 | (len & 0xf);
	aml->buf[block.at + 1] = (u8)(len >> 4);
	aml->buf[block.at + 2] = (u8)(len >> 12);
}

void aml_resources_end(struct aml *aml, struct aml_block block)
{
	size_t data = block.at + PKG_BYTES + 3, len;

	put(aml, RES_END, 1);
	put(aml, 0, 1);		/* checksum zero: not computed */
	if (aml->bad)
		return;
	len = aml->len - data;
	aml->buf[data - 2] = (u8)len;
	aml->buf[data - 1] = (u8)(len >> 8);
	aml_end(aml, block);
}

void aml_name(struct aml *aml, const char *name)
{
	put(aml, AML_NAME, 1);
	put_path(aml, name);
}

void aml_int(struct aml *aml, u64 value)
{
	if (value <= 1) {
		put(aml, value, 1);	/* ZeroOp, OneOp */
	} else if (value <= 0xff) {
		put(aml, AML_BYTE, 1);
		put(aml, value, 1);
	} else if (value <= 0xffff) {
		put(aml, AML_WORD, 1);
		put(aml, value, 2);
	} else if (value <= 0xffffffff) {
		put(aml, AML_DWORD, 1);
		put(aml, value, 4);
	} else {
		put(aml, AML_QWORD, 1);
		put(aml, value, 8);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	put(aml, AML_STRING, 1);
	do
		put(aml, (u8)*text, 1);
	while (*text++);
}

static unsigned int hex_digit(struct aml *aml, char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	aml->bad = true;
	return 0;
}

void aml_eisa_id(struct aml *aml, const char *id)
{
	u32 value = 0;
	unsigned int i;

	if (strlen(id) != 7) {
		aml->bad = true;
		return;
	}
	/* Three letters of five bits, four hexadecimal digits, big endian. */
	for (i = 0; i < 3; i++) {
		if (!isupper((unsigned char)id[i]))
			aml->bad = true;
		value = value << 5 | ((id[i] - 0x40) & 0x1f);
	}
	for (i = 3; i < 7; i++)
		value = value << 4 | hex_digit(aml, id[i]);
	put(aml, AML_DWORD, 1);
	put(aml, __builtin_bswap32(value), 4);
}

void aml_res_io(struct aml *aml, u16 first, u8 len)
{
	put(aml, RES_IO, 1);
	put(aml, 1, 1);		/* decodes 16 bits */
	put(aml, first, 2);
	put(aml, first, 2);
	put(aml, 1, 1);		/* alignment */
	put(aml, len, 1);
}

void aml_res_irq(struct aml *aml, u8 irq)
{
	put(aml, RES_IRQ_NO_FLAGS, 1);
	put(aml, irq < 16 ? 1ULL << irq : 0, 2);
}
