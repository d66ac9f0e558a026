// SPDX-License-Identifier: GPL-2.0
/*
 * The Linux boot loader on a kernel made by hand, on damaged and random ones,
 * and the map of guest memory.  Run by selftests/unit/Makefile; TAP on stdout,
 * exit status 0 or 1.  It must not need a device, a network or any privilege.
 */
/* SOURCES: userspace/boot/linux.c userspace/boot/e820.c userspace/lib/mem.c userspace/lib/err.c */
#include <asm/bootparam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/boot/e820.h"
#include "userspace/boot/layout.h"
#include "userspace/boot/linux.h"
#include "selftests/unit/unit.h"

#define SETUP_SECTS	4
#define CODE_AT		((SETUP_SECTS + 1) * 512)
#define CODE_LEN	8192
#define FILE_LEN	(CODE_AT + CODE_LEN)

static u8 file[FILE_LEN];

static struct setup_header *header(void)
{
	return (struct setup_header *)(file + 0x1f1);
}

/* A small but correct image. */
static void make_kernel(void)
{
	struct setup_header *h = header();
	unsigned int i;

	memset(file, 0, sizeof(file));
	for (i = 0; i < CODE_LEN; i++)
		file[CODE_AT + i] = (u8)(i * 7 + 1);
	h->setup_sects = SETUP_SECTS;
	h->syssize = CODE_LEN / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = LOADED_HIGH;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->min_alignment = 21;
	h->xloadflags = 1;
	h->cmdline_size = 2047;
	h->pref_address = 0x1000000;
	h->init_size = 0x400000;
}

static int check(struct linux_image *image, struct err *err)
{
	err->text[0] = '\0';
	return linux_check(file, LINUX_HEAD, sizeof(file), image, err);
}

static void test_good(void)
{
	struct linux_image image;
	struct err err;

	make_kernel();
	result(!check(&image, &err) && image.payload == CODE_AT &&
	       image.payload_len == CODE_LEN && image.load == 0x1000000 &&
	       image.init_size == 0x400000 && image.cmdline_max == 2047, "a correct image");
	file[0x201] = 255;	/* a jump that claims more header than there is */
	result(!check(&image, &err) && image.header_len == sizeof(struct setup_header),
	       "a header longer than known is cut");
	header()->pref_address = 0;
	result(!check(&image, &err) && image.load == 0x200000, "a relocatable image is moved");
}

struct wrong {
	const char *name;
	void (*damage)(struct setup_header *h);
	const char *text;	/* what the message must name */
};

static void no_flag(struct setup_header *h)
{
	h->boot_flag = 0;
}

static void no_magic(struct setup_header *h)
{
	h->header = 0;
}

static void old(struct setup_header *h)
{
	h->version = 0x20b;
}

static void low(struct setup_header *h)
{
	h->loadflags = 0;
}

static void only_32(struct setup_header *h)
{
	h->xloadflags = 0;
}

static void subarch(struct setup_header *h)
{
	h->hardware_subarch = 2;
}

static void no_size(struct setup_header *h)
{
	h->syssize = 0;
}

static void big_size(struct setup_header *h)
{
	h->syssize = 0xffffffff;
}

static void one_more(struct setup_header *h)
{
	h->syssize = CODE_LEN / 16 + 1;
}

static void many_sects(struct setup_header *h)
{
	h->setup_sects = 255;
}

static void odd_align(struct setup_header *h)
{
	h->kernel_alignment = 3;
}

static void small_init(struct setup_header *h)
{
	h->init_size = CODE_LEN - 1;
}

static void fixed_in_hole(struct setup_header *h)
{
	h->relocatable_kernel = 0;
	h->pref_address = ~0ULL << 21;
}

static void test_wrong(void)
{
	static const struct wrong wrong[] = {
		{ "no boot flag", no_flag, "boot flag" },
		{ "no magic", no_magic, "magic" },
		{ "old protocol", old, "2.11" },
		{ "zImage", low, "zImage" },
		{ "32 bits", only_32, "64-bit" },
		{ "another platform", subarch, "subarchitecture" },
		{ "no code", no_size, "damaged" },
		{ "4 Gi paragraphs of code", big_size, "cut short" },
		{ "one paragraph too few", one_more, "cut short" },
		{ "setup longer than the file", many_sects, "cut short" },
		{ "alignment", odd_align, "alignment" },
		{ "init_size", small_init, "init_size" },
		{ "an address that is not there", fixed_in_hole, "must run at" },
	};
	struct linux_image image;
	struct err err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		make_kernel();
		wrong[i].damage(header());
		result(check(&image, &err) < 0 && strstr(err.text, wrong[i].text),
		       wrong[i].name);
	}
}

/* Each length, from a buffer of just that length. */
static void test_truncated(void)
{
	struct linux_image image;
	struct err err;
	bool ok = true;
	size_t len;

	make_kernel();
	for (len = 0; len < CODE_AT + CODE_LEN - 16; len += len < LINUX_HEAD ? 1 : 97) {
		size_t head = len < LINUX_HEAD ? len : LINUX_HEAD;
		u8 *copy = malloc(head ? head : 1);

		memcpy(copy, file, head);
		if (!linux_check(copy, head, len, &image, &err))
			ok = false;
		free(copy);
	}
	result(ok, "every truncation is refused");
}

static bool sane(const struct linux_image *image, u64 size)
{
	return image->payload + image->payload_len <= size &&
	       image->payload_len <= image->init_size && image->load >= LAYOUT_1M &&
	       image->load < GMEM_HOLE && image->header_len <= sizeof(struct setup_header);
}

/* Random headers: refused, or within bounds; and set up without damage. */
static void test_random(void)
{
	unsigned int round, accepted = 0;
	struct linux_image image;
	struct gmem mem;
	struct err err;
	bool ok = true;
	u64 addr;

	if (gmem_create(&mem, 64 * MIB, GMEM_ANON, &err))
		abort();
	for (round = 0; round < 30000; round++) {
		unsigned int n = 1 + rng() % 3;
		int placed;

		make_kernel();
		while (n--)
			file[0x1f1 + rng() % sizeof(struct setup_header)] =
				rng() % 4 ? (u8)rng() : (u8)(rng() & 1 ? 0xff : 0);
		if (check(&image, &err))
			continue;
		accepted++;
		ok = ok && sane(&image, sizeof(file));
		placed = linux_initrd_place(&image, &mem, rng() % (80 * MIB), &addr, &err);
		if (!placed)
			ok = ok && addr >= image.load + image.init_size && addr < mem.low &&
			     addr % PAGE_BYTES == 0;
		linux_setup(&image, file, &mem, "console=ttyS0", placed ? 0 : addr, 4096, 0, &err);
	}
	gmem_destroy(&mem);
	printf("# %u of %u damaged headers were still bootable\n", accepted, round);
	result(ok && accepted, "random headers");
}

static int temp_file(const void *data, size_t len)
{
	int fd = memfd_create("test", 0);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	return fd;
}

static u64 last_done, last_total;

static void progress(u64 done, u64 total)
{
	last_done = done;
	last_total = total;
}

static void check_params(const struct gmem *mem, u64 initrd_len)
{
	struct boot_params *bp = gmem_ptr(mem, LAYOUT_BOOT_PARAMS, sizeof(*bp));
	const u8 *kernel = gmem_ptr(mem, 0x1000000, CODE_LEN), *initrd;
	u64 top = mem->low;

	result(!memcmp(kernel, file + CODE_AT, CODE_LEN), "the code is at its address");
	result(bp->hdr.type_of_loader == 0xff && bp->hdr.ramdisk_size == initrd_len &&
	       bp->acpi_rsdp_addr == 0xe0000 && !bp->sentinel && !bp->ext_ramdisk_image,
	       "boot_params");
	result(!strcmp(gmem_ptr(mem, bp->hdr.cmd_line_ptr, 16), "root=x"), "parameters");
	initrd = gmem_ptr(mem, bp->hdr.ramdisk_image, initrd_len);
	result(initrd && initrd[0] == 0x55 && initrd[initrd_len - 1] == 0x55 &&
	       bp->hdr.ramdisk_image + initrd_len <= top &&
	       top - (bp->hdr.ramdisk_image + initrd_len) < PAGE_BYTES,
	       "the initrd is as high as it may be");
	result(bp->e820_entries == 4 && bp->e820_table[3].addr == LAYOUT_1M &&
	       bp->e820_table[3].size == mem->low - LAYOUT_1M, "memory map");
}

static void check_tables(const struct gmem *mem, const struct linux_image *image)
{
	const u64 *gdt = gmem_ptr(mem, LAYOUT_GDT, 32), *table;
	struct hvmod_sregs s = { .apic_base = 0xfee00900 };
	struct hvmod_regs r;
	bool ok = true;
	u64 at;

	linux_entry(image, &r, &s);
	result(r.rip == image->load + 0x200 && r.rflags == 2 &&
	       r.gpr[HVMOD_RSI] == LAYOUT_BOOT_PARAMS && s.cs.selector == 0x10 &&
	       s.ss.selector == 0x18 && s.apic_base == 0xfee00900, "registers");
	result(gdt[2] >> 53 & 1 && (gdt[2] >> 40 & 0x9f) == 0x9b && (gdt[3] >> 40 & 0x9f) == 0x93,
	       "descriptors");
	for (at = 0; at < 4 * GIB; at += 123 * MIB) {
		table = gmem_ptr(mem, s.cr3, PAGE_BYTES);
		table = gmem_ptr(mem, table[at >> 39] & ~0xfffULL, PAGE_BYTES);
		table = gmem_ptr(mem, table[at >> 30 & 511] & ~0xfffULL, PAGE_BYTES);
		ok = ok && (table[at >> 21 & 511] & ~0xfffULL) == (at & ~(2 * MIB - 1));
	}
	result(ok, "4 GiB are mapped one to one");
}

static void test_load(void)
{
	struct linux_files files = {
		.kernel_name = "kernel", .initrd_name = "initrd", .cmdline = "root=x",
		.progress = progress, .initrd_fd = -1,
	};
	struct linux_image image;
	static u8 initrd[70001];
	static char line[3000];
	struct gmem mem;
	struct err err;

	make_kernel();
	memset(initrd, 0x55, sizeof(initrd));
	if (gmem_create(&mem, 32 * MIB, GMEM_ANON, &err))
		abort();
	files.kernel_fd = temp_file(file, sizeof(file));
	files.initrd_fd = temp_file(initrd, sizeof(initrd));
	result(!linux_load(&files, &mem, 0xe0000, &image, &err), "load");
	result(last_done == CODE_LEN + sizeof(initrd) && last_total == last_done, "progress");
	check_params(&mem, sizeof(initrd));
	check_tables(&mem, &image);

	memset(line, 'a', sizeof(line) - 1);
	files.cmdline = line;
	result(linux_load(&files, &mem, 0, &image, &err) < 0 && strstr(err.text, "2047"),
	       "too many parameters");
	files.cmdline = "";
	gmem_destroy(&mem);
	if (gmem_create(&mem, 16 * MIB, GMEM_ANON, &err))
		abort();
	result(linux_load(&files, &mem, 0, &image, &err) < 0 && strstr(err.text, "--memory"),
	       "too little memory");
	if (ftruncate(files.kernel_fd, CODE_AT + 100))
		abort();
	result(linux_load(&files, &mem, 0, &image, &err) < 0 && strstr(err.text, "kernel"),
	       "a file cut short is named");
	close(files.kernel_fd);
	close(files.initrd_fd);
	gmem_destroy(&mem);
}

static bool map_is_sane(u64 size)
{
	struct e820_entry map[E820_MAX];
	struct gmem mem = { .base = (u8 *)PAGE_BYTES, .size = size };
	unsigned int i, n;
	u64 end = 0, ram = 0;

	gmem_split(&mem);
	n = e820_make(&mem, map);
	for (i = 0; i < n; i++) {
		if (map[i].addr < end || !map[i].size)
			return false;
		end = map[i].addr + map[i].size;
		if (map[i].type != E820_RAM)
			continue;
		if (!gmem_ptr(&mem, map[i].addr, map[i].size))
			return false;
		ram += map[i].size;
	}
	return ram + LAYOUT_1M - LAYOUT_LOW_END == size;
}

static void test_memory(void)
{
	static const u64 sizes[] = {
		2 * MIB, 128 * MIB, 3 * GIB - PAGE_BYTES, 3 * GIB, 3 * GIB + PAGE_BYTES,
		5 * GIB, TIB - GIB,
	};
	unsigned int i;
	struct gmem mem;
	struct err err;
	bool ok = true;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ok = ok && map_is_sane(sizes[i]);
	result(ok, "memory maps of every size");
	if (gmem_create(&mem, TIB - 2 * MIB, GMEM_HUGETLB, &err) == 0)
		gmem_destroy(&mem);
	else
		ok = strstr(err.text, "nr_hugepages");
	result(ok, "huge pages that are not there are an error, not a trap");
	mem = (struct gmem) { .base = (u8 *)PAGE_BYTES, .size = 5 * GIB };
	gmem_split(&mem);
	result(gmem_ptr(&mem, 0, GMEM_HOLE) && !gmem_ptr(&mem, 0, GMEM_HOLE + 1) &&
	       !gmem_ptr(&mem, GMEM_HOLE, 0) && !gmem_ptr(&mem, GMEM_HOLE - 1, 2) &&
	       gmem_ptr(&mem, GMEM_HIGH, 2 * GIB) && !gmem_ptr(&mem, GMEM_HIGH, 2 * GIB + 1) &&
	       !gmem_ptr(&mem, ~0ULL, 2) && !gmem_ptr(&mem, 4096, ~0ULL) &&
	       !gmem_ptr(&mem, GMEM_HIGH + 1, ~0ULL - 1) && !gmem_ptr(&mem, 6 * GIB, 1),
	       "addresses at and over each edge");
}

int main(void)
{
	test_good();
	test_wrong();
	test_truncated();
	test_random();
	test_load();
	test_memory();
	return finish();
}
