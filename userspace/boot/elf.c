// SPDX-License-Identifier: GPL-2.0
/*
 * ELF kernels: headers, segments and notes.  boot/pvh.c calls it.  It must not
 * trust a number in the file: every range is checked against the file's size
 * and the guest's memory, without sums that overflow.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "userspace/boot/elf.h"

/* A program header of either class. */
struct segment {
	u32 type;
	u64 offset;
	u64 paddr;
	u64 filesz;
	u64 memsz;
	u64 align;
};

static bool in_file(const struct elf_image *image, u64 offset, u64 len)
{
	return offset <= image->size && len <= image->size - offset;
}

static void get_segment(const struct elf_image *image, u32 i, struct segment *s)
{
	if (image->is_64) {
		Elf64_Phdr p;

		memcpy(&p, image->data + image->phoff + i * sizeof(p), sizeof(p));
		*s = (struct segment) { p.p_type, p.p_offset, p.p_paddr, p.p_filesz, p.p_memsz,
					p.p_align };
	} else {
		Elf32_Phdr p;

		memcpy(&p, image->data + image->phoff + i * sizeof(p), sizeof(p));
		*s = (struct segment) { p.p_type, p.p_offset, p.p_paddr, p.p_filesz, p.p_memsz,
					p.p_align };
	}
}

static int check_header(struct elf_image *image, struct err *err)
{
	const u8 *id = image->data;
	u32 phentsize, type, machine;

	if (image->size < sizeof(Elf64_Ehdr) || memcmp(id, ELFMAG, SELFMAG))
		return err_set(err, ENOEXEC, "it is not an ELF file");
	image->is_64 = id[EI_CLASS] == ELFCLASS64;
	if (image->is_64) {
		Elf64_Ehdr h;

		memcpy(&h, image->data, sizeof(h));
		image->phoff = h.e_phoff;
		image->phnum = h.e_phnum;
		phentsize = h.e_phentsize;
		type = h.e_type;
		machine = h.e_machine;
	} else {
		Elf32_Ehdr h;

		memcpy(&h, image->data, sizeof(h));
		image->phoff = h.e_phoff;
		image->phnum = h.e_phnum;
		phentsize = h.e_phentsize;
		type = h.e_type;
		machine = h.e_machine;
	}
	if (id[EI_DATA] != ELFDATA2LSB || type != ET_EXEC ||
	    machine != (image->is_64 ? EM_X86_64 : EM_386))
		return err_set(err, ENOEXEC, "it is not an x86 executable");
	if (phentsize != (image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    !in_file(image, image->phoff, (u64)image->phnum * phentsize))
		return err_set(err, ENOEXEC, "its program headers are damaged");
	return 0;
}

int elf_check(const void *data, u64 size, struct elf_image *image, struct err *err)
{
	struct segment s;
	int ret;
	u32 i;

	memset(image, 0, sizeof(*image));
	image->data = data;
	image->size = size;
	ret = check_header(image, err);
	if (ret)
		return ret;
	image->start = ~0ULL;
	for (i = 0; i < image->phnum; i++) {
		get_segment(image, i, &s);
		if (s.type != PT_LOAD || !s.memsz)
			continue;
		if (s.filesz > s.memsz || !in_file(image, s.offset, s.filesz) ||
		    s.paddr >= TIB || s.memsz > TIB)
			return err_set(err, ENOEXEC, "its segment %u is damaged", i);
		if (s.paddr < image->start)
			image->start = s.paddr;
		if (s.paddr + s.memsz > image->end)
			image->end = s.paddr + s.memsz;
	}
	if (!image->end)
		return err_set(err, ENOEXEC, "it has nothing to load");
	return 0;
}

int elf_load(const struct elf_image *image, const struct gmem *mem, struct err *err)
{
	struct segment s;
	u8 *to;
	u32 i;

	for (i = 0; i < image->phnum; i++) {
		get_segment(image, i, &s);
		if (s.type != PT_LOAD || !s.memsz)
			continue;
		to = gmem_ptr(mem, s.paddr, s.memsz);
		if (!to)
			return err_set(err, ENOMEM,
				       "the kernel needs memory from %llu to %llu MiB, the guest has %llu MiB: give it more --memory",
				       s.paddr / MIB, (s.paddr + s.memsz) / MIB + 1,
				       mem->low / MIB);
		memcpy(to, image->data + s.offset, s.filesz);
		memset(to + s.filesz, 0, s.memsz - s.filesz);
	}
	return 0;
}

static int note_value(const u8 *desc, u32 len, u64 *value)
{
	u32 word;

	if (len == sizeof(*value)) {
		memcpy(value, desc, sizeof(*value));
	} else if (len == sizeof(word)) {
		memcpy(&word, desc, sizeof(word));
		*value = word;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* Notes of one segment: names and values are padded to 4 bytes. */
static int find_note(const u8 *notes, u64 size, u32 type, u64 *value)
{
	Elf64_Nhdr n;		/* the same in both classes */
	u64 name, desc, next, at;

	for (at = 0; at <= size && size - at >= sizeof(n); at = next) {
		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + (((u64)n.n_namesz + 3) & ~3ULL);
		next = desc + (((u64)n.n_descsz + 3) & ~3ULL);
		if (desc + n.n_descsz > size)
			break;
		if (n.n_type == type && n.n_namesz == sizeof("Xen") &&
		    !memcmp(notes + name, "Xen", sizeof("Xen")))
			return note_value(notes + desc, n.n_descsz, value);
	}
	return -ENOENT;
}

int elf_xen_note(const struct elf_image *image, u32 type, u64 *value)
{
	struct segment s;
	int ret = -ENOENT;
	u32 i;

	for (i = 0; i < image->phnum && ret == -ENOENT; i++) {
		get_segment(image, i, &s);
		if (s.type == PT_NOTE && in_file(image, s.offset, s.filesz))
			ret = find_note(image->data + s.offset, s.filesz, type, value);
	}
	return ret;
}
