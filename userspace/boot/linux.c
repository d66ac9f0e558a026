// SPDX-License-Identifier: GPL-2.0
/*
 * Direct boot of a Linux bzImage by the 64-bit boot protocol: header checks,
 * boot_params, page tables, GDT, registers.  The machine calls it before the
 * first vCPU runs.  It must not trust a length or an address that it has read.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "userspace/boot/e820.h"
#include "userspace/boot/layout.h"
#include "userspace/boot/linux.h"

#define HDR_START	offsetof(struct boot_params, hdr)	/* 0x1f1 */
#define HDR_JUMP_LEN	0x201
#define HDR_MAGIC	0x53726448U	/* "HdrS" */
#define BOOT_FLAG	0xaa55
#define SECTOR		512
#define ENTRY_64	0x200
#define LOAD_STEP	(4 * MIB)

/* xloadflags, bit 0: there is a 64-bit entry point. */
#define XLF_64		1

#define PTE_P		BIT_ULL(0)
#define PTE_RW		BIT_ULL(1)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)

/* GDT descriptors of the boot protocol: flat code and data. */
#define BOOT_CS		0x10
#define BOOT_DS		0x18
#define GDT_CODE64	0x00af9b000000ffffULL
#define GDT_DATA	0x00cf93000000ffffULL
#define ACCESS_CODE64	0xa09b
#define ACCESS_DATA	0xc093
#define ACCESS_TSS	0x008b
#define ACCESS_UNUSABLE	0x10000

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define CR0_NE		BIT_ULL(5)
#define CR0_WP		BIT_ULL(16)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)

static int check_magic(const u8 *head, size_t len, const struct setup_header *hdr,
		       struct err *err)
{
	static const u8 elf[4] = { 0x7f, 'E', 'L', 'F' };
	static const u8 gzip[2] = { 0x1f, 0x8b };

	if (len >= sizeof(elf) && !memcmp(head, elf, sizeof(elf)))
		return err_set(err, ENOEXEC,
			       "it is an ELF file (vmlinux?): give the bzImage, /boot/vmlinuz-*");
	if (len >= sizeof(gzip) && !memcmp(head, gzip, sizeof(gzip)))
		return err_set(err, ENOEXEC, "it is a gzip file: unpack it first");
	if (len < HDR_START + sizeof(*hdr))
		return err_set(err, ENOEXEC, "it is too short for a kernel (%zu bytes)", len);
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HDR_MAGIC)
		return err_set(err, ENOEXEC,
			       "it has no Linux setup header (boot flag 0x%04x, magic 0x%08x)",
			       hdr->boot_flag, hdr->header);
	return 0;
}

static int check_kind(const struct setup_header *hdr, struct err *err)
{
	if (hdr->version < 0x20c)
		return err_set(err, ENOEXEC,
			       "boot protocol %u.%02u is too old: 2.12 (Linux 3.8) is needed for the 64-bit entry",
			       hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return err_set(err, ENOEXEC, "it is a zImage, loaded low: make a bzImage");
	if (!(hdr->xloadflags & XLF_64))
		return err_set(err, ENOEXEC,
			       "it has no 64-bit entry point: a 32-bit kernel? (xloadflags 0x%x)",
			       hdr->xloadflags);
	if (hdr->hardware_subarch)
		return err_set(err, ENOEXEC, "it is for another platform (subarchitecture %u)",
			       hdr->hardware_subarch);
	return 0;
}

static int check_place(const struct setup_header *hdr, struct linux_image *image,
		       struct err *err)
{
	u64 align = hdr->kernel_alignment;

	if (align & (align - 1))
		return err_set(err, ENOEXEC, "its alignment, 0x%llx, is no power of two", align);
	if (!align)
		align = PAGE_BYTES;
	image->load = hdr->pref_address;
	if (image->load < LAYOUT_1M || image->load >= GMEM_HOLE || image->load & (align - 1)) {
		if (!hdr->relocatable_kernel)
			return err_set(err, ENOEXEC,
				       "it must run at 0x%llx, where there is no memory for it",
				       image->load);
		image->load = (LAYOUT_1M + align - 1) & ~(align - 1);
	}
	image->init_size = hdr->init_size;
	if (image->init_size < image->payload_len)
		return err_set(err, ENOEXEC,
			       "its header is damaged: init_size 0x%llx is less than the code, 0x%llx",
			       image->init_size, image->payload_len);
	return 0;
}

int linux_check(const u8 *head, size_t head_len, u64 file_size, struct linux_image *image,
		struct err *err)
{
	struct setup_header hdr;
	unsigned int sectors;
	u64 code, need;
	int ret;

	memset(image, 0, sizeof(*image));
	memset(&hdr, 0, sizeof(hdr));
	if (head_len > file_size)
		head_len = file_size;
	if (head_len >= HDR_START + sizeof(hdr))
		memcpy(&hdr, head + HDR_START, sizeof(hdr));
	ret = check_magic(head, head_len, &hdr, err);
	if (!ret)
		ret = check_kind(&hdr, err);
	if (ret)
		return ret;

	sectors = hdr.setup_sects ? hdr.setup_sects : 4;
	code = (sectors + 1) * SECTOR;
	need = (u64)hdr.syssize * 16;
	if (!need)
		return err_set(err, ENOEXEC, "its header is damaged: the code has no length");
	/* syssize counts whole paragraphs: the last may be cut short. */
	if (file_size <= code || need > file_size - code + 15)
		return err_set(err, ENOEXEC,
			       "it is cut short: %llu bytes, its header asks for %llu",
			       file_size, code + need);
	image->payload = code;
	image->payload_len = need < file_size - code ? need : file_size - code;
	image->version = hdr.version;
	image->initrd_max = hdr.initrd_addr_max;
	image->cmdline_max = hdr.cmdline_size;
	/* The header ends at 0x202 + the jump's operand; keep what we know. */
	image->header_len = 0x202 + head[HDR_JUMP_LEN] - HDR_START;
	if (image->header_len > sizeof(hdr))
		image->header_len = sizeof(hdr);
	return check_place(&hdr, image, err);
}

int linux_initrd_place(const struct linux_image *image, const struct gmem *mem, u64 size,
		       u64 *addr, struct err *err)
{
	u64 end = mem->low, start = image->load + image->init_size;

	if (end > image->initrd_max + 1)
		end = image->initrd_max + 1;
	if (end < start || size > end - start || ((end - size) & ~(PAGE_BYTES - 1)) < start)
		return err_set(err, ENOMEM,
			       "the initrd, %llu KiB, does not fit between the kernel's end at %llu MiB and %llu MiB: give the guest more --memory",
			       size / KIB, start / MIB, end / MIB);
	*addr = (end - size) & ~(PAGE_BYTES - 1);
	return 0;
}

/* Identity map of the first 4 GiB: PML4, PDPT, four PDs of 2 MiB pages. */
static void make_page_tables(u64 *tables)
{
	u64 *pml4 = tables, *pdpt = tables + 512, *pd = tables + 1024;
	unsigned int i;

	memset(tables, 0, 6 * PAGE_BYTES);
	pml4[0] = (LAYOUT_PAGE_TABLES + PAGE_BYTES) | PTE_P | PTE_RW | PTE_A;
	for (i = 0; i < 4; i++)
		pdpt[i] = (LAYOUT_PAGE_TABLES + (2 + i) * PAGE_BYTES) | PTE_P | PTE_RW | PTE_A;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * (2 * MIB) | PTE_P | PTE_RW | PTE_PS | PTE_A | PTE_D;
}

static void make_gdt(u64 *gdt)
{
	gdt[0] = 0;
	gdt[1] = 0;
	gdt[BOOT_CS / 8] = GDT_CODE64;
	gdt[BOOT_DS / 8] = GDT_DATA;
}

static void make_e820(const struct gmem *mem, struct boot_params *bp)
{
	struct e820_entry map[E820_MAX];
	unsigned int i, n = e820_make(mem, map);

	for (i = 0; i < n; i++) {
		bp->e820_table[i].addr = map[i].addr;
		bp->e820_table[i].size = map[i].size;
		bp->e820_table[i].type = map[i].type;
	}
	bp->e820_entries = n;
}

int linux_setup(const struct linux_image *image, const u8 *head, const struct gmem *mem,
		const char *cmdline, u64 initrd_addr, u64 initrd_size, u64 rsdp,
		struct err *err)
{
	size_t len = strlen(cmdline);
	struct boot_params *bp;
	char *text;
	u64 *p;

	if (len > image->cmdline_max || len >= LAYOUT_CMDLINE_ROOM)
		return err_set(err, E2BIG,
			       "the kernel parameters have %zu characters, this kernel takes %u",
			       len, image->cmdline_max);
	if (image->load >= mem->low || image->init_size > mem->low - image->load)
		return err_set(err, ENOMEM,
			       "the kernel needs memory up to %llu MiB, the guest has %llu MiB: give it more --memory",
			       (image->load + image->init_size) / MIB + 1, mem->low / MIB);

	p = gmem_ptr(mem, LAYOUT_PAGE_TABLES, 6 * PAGE_BYTES);
	text = gmem_ptr(mem, LAYOUT_CMDLINE, LAYOUT_CMDLINE_ROOM);
	bp = gmem_ptr(mem, LAYOUT_BOOT_PARAMS, sizeof(*bp));
	if (!p || !text || !bp)
		return err_set(err, ENOMEM, "the guest has less than 1 MiB of memory");
	make_page_tables(p);
	make_gdt(gmem_ptr(mem, LAYOUT_GDT, PAGE_BYTES));
	memcpy(text, cmdline, len + 1);

	memset(bp, 0, sizeof(*bp));
	memcpy(&bp->hdr, head + HDR_START, image->header_len);
	bp->hdr.type_of_loader = 0xff;		/* none of the registered loaders */
	bp->hdr.ext_loader_type = 0;
	bp->hdr.ext_loader_ver = 0;
	bp->hdr.vid_mode = 0xffff;		/* "normal": there is no screen */
	bp->hdr.code32_start = (u32)image->load;
	bp->hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	bp->hdr.ramdisk_image = (u32)initrd_addr;
	bp->hdr.ramdisk_size = (u32)initrd_size;
	bp->hdr.setup_data = 0;
	bp->ext_ramdisk_image = (u32)(initrd_addr >> 32);
	bp->ext_ramdisk_size = (u32)(initrd_size >> 32);
	bp->acpi_rsdp_addr = rsdp;
	make_e820(mem, bp);
	return 0;
}

/* How much of a load is done, over kernel and initrd. */
struct load_state {
	const struct linux_files *files;
	u64 done;
	u64 total;
};

static int load_file(struct load_state *load, int fd, const char *name, u64 offset,
		     const struct gmem *mem, u64 addr, u64 len, struct err *err)
{
	u8 *to = gmem_ptr(mem, addr, len);
	u64 at = 0;

	if (!to)
		return err_set(err, ENOMEM, "%s does not fit into the guest's memory", name);
	while (at < len) {
		u64 step = len - at < LOAD_STEP ? len - at : LOAD_STEP;
		ssize_t got = pread(fd, to + at, step, (off_t)(offset + at));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "cannot read %s: %s", name, strerror(errno));
		if (!got)
			return err_set(err, EIO, "%s became shorter while it was read", name);
		at += (u64)got;
		load->done += (u64)got;
		if (load->files->progress)
			load->files->progress(load->done, load->total);
	}
	return 0;
}

/* Not by fstat(): the jail lets only calls through that need no path. */
static int file_size(int fd, const char *name, u64 *size, struct err *err)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return err_set(err, errno, "%s is not a regular file", name);
	*size = (u64)end;
	return 0;
}

static int read_head(int fd, const char *name, u8 *head, size_t *len, struct err *err)
{
	size_t at = 0;

	while (at < LINUX_HEAD) {
		ssize_t got = pread(fd, head + at, LINUX_HEAD - at, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "cannot read %s: %s", name, strerror(errno));
		if (!got)
			break;
		at += (size_t)got;
	}
	*len = at;
	return 0;
}

int linux_load(const struct linux_files *files, const struct gmem *mem, u64 rsdp,
	       struct linux_image *image, struct err *err)
{
	u64 kernel_size = 0, initrd_size = 0, initrd_addr = 0;
	struct load_state load = { .files = files };
	struct err why = { "" };
	u8 head[LINUX_HEAD] = { 0 };
	size_t head_len = 0;
	int ret;

	ret = file_size(files->kernel_fd, files->kernel_name, &kernel_size, err);
	if (!ret)
		ret = read_head(files->kernel_fd, files->kernel_name, head, &head_len, err);
	if (ret)
		return ret;
	ret = linux_check(head, head_len, kernel_size, image, &why);
	if (ret)
		return err_set(err, -ret, "%s cannot be booted: %.400s", files->kernel_name,
			       why.text);
	if (files->initrd_fd >= 0) {
		ret = file_size(files->initrd_fd, files->initrd_name, &initrd_size, err);
		if (ret)
			return ret;
	}
	if (initrd_size) {
		ret = linux_initrd_place(image, mem, initrd_size, &initrd_addr, err);
		if (ret)
			return ret;
	}
	ret = linux_setup(image, head, mem, files->cmdline, initrd_addr, initrd_size, rsdp,
			  err);
	if (ret)
		return ret;
	load.total = image->payload_len + initrd_size;
	ret = load_file(&load, files->kernel_fd, files->kernel_name, image->payload, mem,
			image->load, image->payload_len, err);
	if (!ret && initrd_size)
		ret = load_file(&load, files->initrd_fd, files->initrd_name, 0, mem,
				initrd_addr, initrd_size, err);
	return ret;
}

static void segment(struct hvmod_segment *seg, u16 selector, u32 limit, u32 access)
{
	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->limit = limit;
	seg->access = access;
}

void linux_entry(const struct linux_image *image, struct hvmod_regs *regs,
		 struct hvmod_sregs *sregs)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = image->load + ENTRY_64;
	regs->gpr[HVMOD_RSI] = LAYOUT_BOOT_PARAMS;
	regs->gpr[HVMOD_RSP] = LAYOUT_GDT;	/* grows down from there; the kernel sets its own */
	regs->rflags = 2;			/* IF is clear */

	segment(&sregs->cs, BOOT_CS, 0xffffffff, ACCESS_CODE64);
	segment(&sregs->ds, BOOT_DS, 0xffffffff, ACCESS_DATA);
	sregs->es = sregs->ds;
	sregs->ss = sregs->ds;
	sregs->fs = sregs->ds;
	sregs->gs = sregs->ds;
	segment(&sregs->ldt, 0, 0, ACCESS_UNUSABLE);
	segment(&sregs->tr, 0, 0x67, ACCESS_TSS);
	sregs->gdt.base = LAYOUT_GDT;
	sregs->gdt.limit = BOOT_DS + 7;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs->cr2 = 0;
	sregs->cr3 = LAYOUT_PAGE_TABLES;
	sregs->cr4 = CR4_PAE;
	sregs->cr8 = 0;
	sregs->efer = EFER_LME | EFER_LMA;
}
