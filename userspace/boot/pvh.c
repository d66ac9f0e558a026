// SPDX-License-Identifier: GPL-2.0
/*
 * Xen's PVH boot protocol, as Xen's "x86/HVM direct boot ABI" has it.  The
 * machine calls it.  It must put nothing where the kernel goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/boot/e820.h"
#include "userspace/boot/elf.h"
#include "userspace/boot/layout.h"
#include "userspace/boot/pvh.h"
#include "userspace/boot/unpack.h"

#define START_MAGIC		0x336ec578U
#define START_VERSION		1
#define NOTE_PHYS32_ENTRY	18

/* hvm_start_info and its lists; the layout is Xen's. */
struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist;
	u64 cmdline;
	u64 rsdp;
	u64 memmap;
	u32 memmap_entries;
	u32 reserved;
};

struct start_module {
	u64 paddr;
	u64 size;
	u64 cmdline;
	u64 reserved;
};

struct start_memmap {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

struct start_page {
	struct start_info info;
	struct start_module module;
	struct start_memmap memmap[E820_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "hvm_start_info, version 1");
_Static_assert(sizeof(struct start_page) <= PAGE_BYTES, "one page");

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define ACCESS_CODE32	0xc09b
#define ACCESS_DATA32	0xc093
#define ACCESS_TSS	0x008b
#define ACCESS_UNUSABLE	0x10000

static int read_at(int fd, const char *name, u64 offset, void *to, u64 len, struct err *err)
{
	u64 at = 0;

	while (at < len) {
		ssize_t got = pread(fd, (u8 *)to + at, len - at, (off_t)(offset + at));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "cannot read %s: %s", name, strerror(errno));
		if (!got)
			return err_set(err, EIO, "%s became shorter while it was read", name);
		at += (u64)got;
	}
	return 0;
}

/* The ELF file: as it is, or unpacked from a bzImage; malloc()ed. */
static int read_kernel(const struct linux_files *files, u8 **elf, u64 *size, struct err *err)
{
	off_t end = lseek(files->kernel_fd, 0, SEEK_END);
	struct err why = { "" };
	u32 offset, len;
	u64 code, file;
	u8 *data;
	int ret;

	if (end < 0 || (u64)end > UNPACK_MAX)
		return err_set(err, EINVAL, "%s is not a regular file of a kernel's size",
			       files->kernel_name);
	file = (u64)end;
	data = malloc(file + 1);
	if (!data)
		return err_set(err, ENOMEM, "no memory to read %s", files->kernel_name);
	ret = read_at(files->kernel_fd, files->kernel_name, 0, data, file, err);
	if (ret)
		goto out;
	/* The Linux/x86 boot protocol: payload_offset and payload_length. */
	if (file >= LINUX_HEAD && !memcmp(data + 0x202, "HdrS", 4)) {
		code = ((data[0x1f1] ? data[0x1f1] : 4) + 1) * 512ULL;
		memcpy(&offset, data + 0x248, sizeof(offset));
		memcpy(&len, data + 0x24c, sizeof(len));
		if (code + offset > file || len > file - code - offset)
			ret = err_set(err, ENOEXEC, "%s is cut short", files->kernel_name);
		else
			ret = unpack(data + code + offset, len, elf, size, &why);
	} else {
		ret = unpack(data, file, elf, size, &why);
	}
	if (ret && why.text[0])
		err_set(err, -ret, "%s cannot be booted: %.400s", files->kernel_name, why.text);
out:
	free(data);
	return ret;
}

/* As high as it can be below the hole, above the kernel. */
static int load_initrd(const struct linux_files *files, const struct gmem *mem, u64 above,
		       struct start_module *module, struct err *err)
{
	off_t end = lseek(files->initrd_fd, 0, SEEK_END);
	u64 size, at;

	if (end < 0)
		return err_set(err, errno, "%s is not a regular file", files->initrd_name);
	size = (u64)end;
	at = size < mem->low ? (mem->low - size) & ~(PAGE_BYTES - 1) : 0;
	if (at < above)
		return err_set(err, ENOMEM,
			       "the initrd, %llu KiB, does not fit between the kernel's end at %llu MiB and %llu MiB: give the guest more --memory",
			       size / KIB, above / MIB, mem->low / MIB);
	module->paddr = at;
	module->size = size;
	return read_at(files->initrd_fd, files->initrd_name, 0, gmem_ptr(mem, at, size), size,
		       err);
}

static int load_elf(const struct linux_files *files, const struct elf_image *elf,
		    const struct gmem *mem, struct pvh_image *image, struct err *err)
{
	struct err why = { "" };
	u64 entry = 0;
	int ret;

	ret = elf_xen_note(elf, NOTE_PHYS32_ENTRY, &entry);
	if (ret || entry > 0xffffffffULL)
		return err_set(err, ENOEXEC,
			       "%s has no Xen note PHYS32_ENTRY: it is not made for PVH (CONFIG_PVH)",
			       files->kernel_name);
	if (elf->start < LAYOUT_1M)
		return err_set(err, ENOEXEC, "%s wants memory below 1 MiB", files->kernel_name);
	image->entry = (u32)entry;
	ret = elf_load(elf, mem, &why);
	if (ret)
		err_set(err, -ret, "%s: %.400s", files->kernel_name, why.text);
	return ret;
}

static void write_info(const struct gmem *mem, u64 rsdp, struct start_page *page)
{
	struct e820_entry map[E820_MAX];
	unsigned int i, n = e820_make(mem, map);

	page->info.magic = START_MAGIC;
	page->info.version = START_VERSION;
	page->info.cmdline = LAYOUT_CMDLINE;
	page->info.rsdp = rsdp;
	page->info.nr_modules = page->module.size ? 1 : 0;
	page->info.modlist = LAYOUT_BOOT_PARAMS + offsetof(struct start_page, module);
	page->info.memmap = LAYOUT_BOOT_PARAMS + offsetof(struct start_page, memmap);
	page->info.memmap_entries = n;
	for (i = 0; i < n; i++) {
		page->memmap[i].addr = map[i].addr;
		page->memmap[i].size = map[i].size;
		page->memmap[i].type = map[i].type;	/* the numbers are e820's */
	}
}

int pvh_load(const struct linux_files *files, const struct gmem *mem, u64 rsdp,
	     struct pvh_image *image, struct err *err)
{
	struct start_page *page = gmem_ptr(mem, LAYOUT_BOOT_PARAMS, PAGE_BYTES);
	char *text = gmem_ptr(mem, LAYOUT_CMDLINE, LAYOUT_CMDLINE_ROOM);
	size_t len = strlen(files->cmdline);
	struct err why = { "" };
	struct elf_image elf;
	u8 *kernel = NULL;
	u64 size = 0;
	int ret;

	if (!page || !text)
		return err_set(err, ENOMEM, "the guest has less than 1 MiB of memory");
	if (len >= LAYOUT_CMDLINE_ROOM)
		return err_set(err, E2BIG, "the kernel parameters have %zu characters", len);
	ret = read_kernel(files, &kernel, &size, err);
	if (ret)
		return ret;
	ret = elf_check(kernel, size, &elf, &why);
	if (ret)
		err_set(err, -ret, "%s cannot be booted: %.400s", files->kernel_name, why.text);
	else
		ret = load_elf(files, &elf, mem, image, err);
	free(kernel);
	if (ret)
		return ret;

	memset(page, 0, PAGE_BYTES);
	memcpy(text, files->cmdline, len + 1);
	if (files->initrd_fd >= 0) {
		ret = load_initrd(files, mem, elf.end, &page->module, err);
		if (ret)
			return ret;
	}
	write_info(mem, rsdp, page);
	return 0;
}

static void segment(struct hvmod_segment *seg, u32 limit, u32 access)
{
	memset(seg, 0, sizeof(*seg));
	seg->limit = limit;
	seg->access = access;
}

void pvh_entry(const struct pvh_image *image, struct hvmod_regs *regs,
	       struct hvmod_sregs *sregs)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = image->entry;
	regs->gpr[HVMOD_RBX] = LAYOUT_BOOT_PARAMS;
	regs->rflags = 2;			/* IF is clear */

	segment(&sregs->cs, 0xffffffff, ACCESS_CODE32);
	segment(&sregs->ds, 0xffffffff, ACCESS_DATA32);
	sregs->es = sregs->ds;
	sregs->ss = sregs->ds;
	segment(&sregs->fs, 0, ACCESS_UNUSABLE);
	sregs->gs = sregs->fs;
	segment(&sregs->ldt, 0, ACCESS_UNUSABLE);
	segment(&sregs->tr, 0x67, ACCESS_TSS);
	memset(&sregs->gdt, 0, sizeof(sregs->gdt));
	memset(&sregs->idt, 0, sizeof(sregs->idt));
	sregs->cr0 = CR0_PE | CR0_ET;
	sregs->cr2 = 0;
	sregs->cr3 = 0;
	sregs->cr4 = 0;
	sregs->cr8 = 0;
	sregs->efer = 0;
}
