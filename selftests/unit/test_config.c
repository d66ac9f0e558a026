// SPDX-License-Identifier: GPL-2.0
/*
 * Guests' configuration files: syntax, disks, network interfaces, what each key
 * means, and the sentences that a wrong file gets.  Run by
 * selftests/unit/Makefile; TAP on stdout, exit status 0 or 1.  It must not open
 * anything but the examples beside it.
 */
/* SOURCES: userspace/config/syntax.c userspace/config/disk.c userspace/config/vif.c */
/* SOURCES: userspace/config/guest.c userspace/config/keys.c userspace/config/defaults.c */
/* SOURCES: userspace/lib/err.c */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/config/guest.h"
#include "selftests/unit/unit.h"

static bool is(const char *a, const char *b)
{
	if (a && b ? !strcmp(a, b) : a == b)
		return true;
	printf("# '%s' is not '%s'\n", a ? a : "(null)", b ? b : "(null)");
	return false;
}

/* ---- syntax ---- */

static struct cfg cfg;
static struct err err;

static int parse(const char *text)
{
	cfg_free(&cfg);
	err.text[0] = '\0';
	return cfg_parse(&cfg, "f", text, strlen(text), &err);
}

static bool value_is(const char *key, const char *text)
{
	struct cfg_setting *s = cfg_find(&cfg, key);

	return s && is(s->value.text, text);
}

static void test_values(void)
{
	struct cfg_value *list;

	result(!parse("a = 'x'\nb=\"y z\";c=12\nd = 0x1F # e = 3\n#f=1\n\n;;g='#;'") &&
	       cfg.count == 5 && value_is("a", "x") && value_is("b", "y z") &&
	       value_is("c", "12") && value_is("d", "0x1F") && value_is("g", "#;") &&
	       cfg_find(&cfg, "d")->line == 3, "texts, numbers, comments, semicolons");
	result(!parse("s = '\\n\\x41\\101\\\\\\'\\\"\\t'\nt = \"it's\"\nu=''") &&
	       value_is("s", "\nAA\\'\"\t") && value_is("t", "it's") && value_is("u", ""),
	       "escapes, the other quote, an empty text");
	result(!parse("l = [ 'a',\n\n# no\n 2 , [ 'b', [ ] ],\n]\nm=[]") && cfg.count == 2,
	       "lists over lines, in lists, with a comma at the end");
	list = &cfg_find(&cfg, "l")->value;
	result(!list->text && list->count == 3 && is(list->item[0].text, "a") &&
	       is(list->item[1].text, "2") && list->item[1].line == 4 &&
	       list->item[2].count == 2 && is(list->item[2].item[0].text, "b") &&
	       !list->item[2].item[1].text && !list->item[2].item[1].count,
	       "their items and lines");
	result(!parse("a=1\na=2\nb='x'\nb+='y'\nl=['p']\nl += ['q','r']\nn += ['s']") &&
	       value_is("a", "2") && value_is("b", "xy") && cfg.count == 4 &&
	       cfg_find(&cfg, "l")->value.count == 3 &&
	       is(cfg_find(&cfg, "l")->value.item[2].text, "r") &&
	       cfg_find(&cfg, "n")->value.count == 1, "the last one counts; += adds");
	result(!parse("\xef\xbb\xbf" "a=1\r\nb=['x',\r\n'y']\r\n") && value_is("a", "1") &&
	       cfg_find(&cfg, "b")->value.count == 2, "byte order mark, ends of lines with CR");
	result(!parse("a='\xc3\xa4'") && value_is("a", "\xc3\xa4"), "bytes above 127");
	result(!parse("") && !cfg.count && !parse("\n# nothing") && !cfg.count, "nothing");
}

static void test_arguments(void)
{
	parse("memory=1\nextra='a'");
	result(!cfg_argument(&cfg, "memory=512", &err) && value_is("memory", "512") &&
	       !cfg_argument(&cfg, "name=my guest", &err) && value_is("name", "my guest") &&
	       !cfg_argument(&cfg, "extra+= b", &err) && value_is("extra", "a b") &&
	       !cfg_argument(&cfg, "disk=['x','y']", &err) &&
	       cfg_find(&cfg, "disk")->value.count == 2 &&
	       !cfg_argument(&cfg, "name='q'", &err) && value_is("name", "q") &&
	       !cfg_argument(&cfg, "e=", &err) && value_is("e", ""), "arguments");
	result(cfg_argument(&cfg, "nothing", &err) == -EINVAL &&
	       cfg_argument(&cfg, "=1", &err) == -EINVAL &&
	       cfg_argument(&cfg, "2=1", &err) == -EINVAL &&
	       cfg_argument(&cfg, "a b=1", &err) == -EINVAL &&
	       cfg_argument(&cfg, "a='1", &err) == -EINVAL, "arguments that are none");
}

static void test_bad_syntax(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "a", "f:1: the end of the file after 'a' where = is expected" },
		{ "x=1\na = ", "f:2: the end of the file where a value is expected" },
		{ "a = 'x", "f:1: a string has no ' at its end on this line" },
		{ "a = 'x\n'", "f:1: a string has no ' at its end on this line" },
		{ "a = '''x\ny'''", "f:1: strings in three quotes are Python's" },
		{ "a = \"\"\"x\"\"\"", "f:1: strings in three quotes are Python's" },
		{ "\n\nl = [ 'a'", "f:3: the list that begins here has no ]" },
		{ "l = [ 'a' 'b' ]", "f:1: ''' in a list where , or ] is expected" },
		{ "a = 1 b = 2", "f:1: 'b' after the value of 'a'" },
		{ "a = b", "f:1: a value is a number, a list in [], or a text in quotes" },
		{ "a = -1", "f:1: '-' where a value is expected" },
		{ "Memory = 1", "f:1: keys are written small: not 'Memory'" },
		{ "1 = 1", "f:1: '1' where a key is expected" },
		{ "a=1\nimport os", "f:2: 'import': this looks like Python" },
		{ "a = '\\q'", "f:1: an unknown escape" },
		{ "a = '\\x4'", "f:1: \\x takes two" },
		{ "a = '\\0'", "f:1: an escape in a string stands for a byte from 1" },
		{ "a = '\\777'", "f:1: an escape in a string stands for a byte from 1" },
		{ "a='x'\na+=['y']", "f:2: += adds a text to a text or a list to a list" },
		{ "\x01 = 1", "f:1: 0x01 where a key is expected" },
		{ "a=[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
		  "f:1: lists are nested more than 16 deep" },
	};
	unsigned int i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i].text) != -EINVAL ||
		    strncmp(err.text, bad[i].says, strlen(bad[i].says))) {
			printf("# %s: %s\n", bad[i].says, err.text);
			wrong++;
		}
	result(!wrong, "what is no file is refused with line and reason");
	result(cfg_parse(&cfg, "f", "a='\0'", 5, &err) == -EINVAL, "a zero byte");
}

/* ---- disks and network interfaces ---- */

static void test_disks(void)
{
	static const struct {
		const char *text, *target, *vdev;
		enum disk_format format;
		u32 number;
		bool readonly, cdrom, discard, persistent;
	} good[] = {
		{ "/dev/vg/v,,hda", "/dev/vg/v", "hda", DISK_RAW, 0x300, 0, 0, 1, 0 },
		{ "/dev/vg/v,raw,hda,rw", "/dev/vg/v", "hda", DISK_RAW, 0x300, 0, 0, 1, 0 },
		{ "format=raw, vdev=hda, access=rw, target=/dev/vg/v", "/dev/vg/v", "hda",
		  DISK_RAW, 0x300, 0, 0, 1, 0 },
		{ "raw:/dev/vg/v,hda,w", "/dev/vg/v", "hda", DISK_RAW, 0x300, 0, 0, 1, 0 },
		{ "/i.iso,,hdc,cdrom", "/i.iso", "hdc", DISK_RAW, 0x1600, 1, 1, 1, 0 },
		{ "/i.iso,,hdc,,cdrom", "/i.iso", "hdc", DISK_RAW, 0x1600, 1, 1, 1, 0 },
		{ "/i.iso,raw,hdc,devtype=cdrom", "/i.iso", "hdc", DISK_RAW, 0x1600, 1, 1, 1, 0 },
		{ "format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/i.iso", "/i.iso",
		  "hdc", DISK_RAW, 0x1600, 1, 1, 1, 0 },
		{ "raw:/i.iso,hdc:cdrom,ro", "/i.iso", "hdc", DISK_RAW, 0x1600, 1, 1, 1, 0 },
		{ ",hdc:cdrom,r", NULL, "hdc", DISK_EMPTY, 0x1600, 1, 1, 1, 0 },
		{ "vdev=hdd,cdrom", NULL, "hdd", DISK_EMPTY, 0x1640, 1, 1, 1, 0 },
		{ "phy:/dev/sda3,xvda1,w", "/dev/sda3", "xvda1", DISK_RAW, 0xca01, 0, 0, 1, 0 },
		{ "phy:vg/v,xvdb,r", "/dev/vg/v", "xvdb", DISK_RAW, 0xca10, 1, 0, 1, 0 },
		{ "tap:aio:/d.img,sda2,w", "/d.img", "sda2", DISK_RAW, 0x802, 0, 0, 1, 0 },
		{ "tap:qcow2:/d.q,xvda,w", "/d.q", "xvda", DISK_QCOW2, 0xca00, 0, 0, 1, 0 },
		{ "file:/d,xvdq,w", "/d", "xvdq", DISK_RAW, 0x10001000, 0, 0, 1, 0 },
		{ "/d,qcow2,xvdaa17,ro,no-discard", "/d", "xvdaa17", DISK_QCOW2, 0x10001a11, 1,
		  0, 0, 0 },
		{ "vdev=xvda,direct-io-safe,target=/a,b=c:d ", "/a,b=c:d ", "xvda", DISK_RAW,
		  0xca00, 0, 0, 1, 0 },
		{ "/d,raw,xvda,persistent", "/d", "xvda", DISK_RAW, 0xca00, 0, 0, 1, 1 },
		{ "/d,raw,d7p3", "/d", "d7p3", DISK_RAW, 0xca73, 0, 0, 1, 0 },
		{ "/d,raw,51728", "/d", "51728", DISK_RAW, 0xca10, 0, 0, 1, 0 },
		{ "  /d , raw,xvda,", NULL, NULL, 0, 0, 0, 0, 0, 0 },
		{ "backendtype=phy,/d,,xvda,", "/d", "xvda", DISK_RAW, 0xca00, 0, 0, 1, 0 },
	};
	struct disk_spec d;
	unsigned int i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int ret = disk_parse(&d, good[i].text, &err);

		if (!good[i].vdev) {
			/* "raw" without a blank before its comma is what xl wants, too. */
			wrong += ret || strcmp(d.target, "/d ");
		} else if (ret || !is(d.target, good[i].target) || !is(d.vdev, good[i].vdev) ||
			   d.format != good[i].format || d.number != good[i].number ||
			   d.readonly != good[i].readonly || d.cdrom != good[i].cdrom ||
			   d.discard != good[i].discard || d.persistent != good[i].persistent) {
			printf("# %s: %s, 0x%x\n", good[i].text, ret ? err.text : "", d.number);
			wrong++;
		}
		disk_free(&d);
	}
	result(!wrong, "disks");
}

static void test_bad_disks(void)
{
	static const char *const bad[][2] = {
		{ "", "a disk without a target" },
		{ "/d", "a disk without a vdev" },
		{ "/d,raw", "a disk without a vdev" },
		{ "/d,vmdk,xvda", "'vmdk' is no disk format: raw," },
		{ "/d,raw,sdaa", "'sdaa' is no vdev" },
		{ "/d,raw,xvd", "'xvd' is no vdev" },
		{ "/d,raw,xvda256", "'xvda256' is no vdev" },
		{ "/d,raw,hde", "'hde' is no vdev" },
		{ "/d,raw,xvda,rx", "'rx' is no access: ro, r, rw or w" },
		{ "/d,raw,xvda,w,w", "'w' is one too many" },
		{ "/d,raw,xvda,fromat=raw", "'fromat' is no parameter" },
		{ "/d,format=raw,vdev=xvda,vdev=xvdb", "the vdev is given twice" },
		{ "/d,raw,xvda,format=qcow2", "the format is given twice" },
		{ "zfs:/d,xvda,w", "'zfs:' is no prefix of a disk" },
		{ "/d,raw,xvda,devtype=tape", "'tape' is no devtype" },
		{ "/d,raw,xvda,backendtype=x", "'x' is no backendtype" },
		{ "/d,raw,xvda,specification=virtio", "specification=virtio" },
		{ "/d,empty,hdc,cdrom", "format=empty has no target" },
		{ "/d,raw,xvda,target=/e", "the target is given twice" },
	};
	unsigned int i, wrong = 0;
	struct disk_spec d;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (disk_parse(&d, bad[i][0], &err) != -EINVAL ||
		    strncmp(err.text, bad[i][1], strlen(bad[i][1]))) {
			printf("# %s: %s\n", bad[i][0], err.text);
			wrong++;
		}
		disk_free(&d);
	}
	result(!wrong, "disks that cannot be");
}

static void test_vifs(void)
{
	static const char whole[] =
		"type=ioemu, mac=00:16:3E:74:3d:76,bridge=xenbr0 , "
		"ip=10.0.0.7,script=s,vifname=v0,model=e1000,mtu=9000,devid=3,rate=10Mb/s";
	static const u8 mac[] = { 0, 0x16, 0x3e, 0x74, 0x3d, 0x76 };
	static const char *const bad[] = {
		"mac=00:16:3e:74:3d", "mac=00:16:3e:74:3d:7g", "mac=01:16:3e:74:3d:76", "br=x",
		"mac=00:16:3e:74:3d:76:11", "type=tap", "rate=10", "rate=0Mb/s", "rate=9M/s",
		"rate=1MB/s@", "mtu=67", "mtu=65536", "mtu=1x", "devid=256", "bridge", "ip=1,ip=2",
		"mac=00:00:00:00:00:00", "rate=1MB/s@20xs", "mtu=", "mac=0016.3e74.3d76",
	};
	unsigned int i, wrong = 0;
	struct vif_spec v;

	result(!vif_parse(&v, "", &err) && !v.bridge && v.devid == -1 && !v.rate && !v.emulated,
	       "an interface of which nothing is said");
	vif_free(&v);
	result(!vif_parse(&v, whole, &err) &&
	       !memcmp(v.mac, mac, 6) && v.emulated && is(v.bridge, "xenbr0") &&
	       is(v.ip, "10.0.0.7") && is(v.script, "s") && is(v.vifname, "v0") &&
	       is(v.model, "e1000") && v.mtu == 9000 && v.devid == 3 && v.rate == 1250000 &&
	       v.interval_us == 50000, "an interface");
	vif_free(&v);
	result(!vif_parse(&v, "rate=1MB/s@20ms", &err) && v.rate == 1000000 &&
	       v.interval_us == 20000, "a rate with its interval");
	vif_free(&v);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (vif_parse(&v, bad[i], &err) != -EINVAL) {
			printf("# %s is taken\n", bad[i]);
			wrong++;
		}
		vif_free(&v);
	}
	result(!wrong, "interfaces that cannot be");
}

/* What the launcher makes of an interface; -1: it refuses. */
static int network(const char *text, struct net_config *net)
{
	struct vif_spec v;
	int ret = vif_parse(&v, text, &err) || vif_net(&v, net, &err) ? -1 : (int)net->kind;

	vif_free(&v);
	return ret;
}

static void test_networks(void)
{
	struct net_config net;

	result(network("mac=00:16:3e:74:3d:76", &net) == NET_USER && net.mac[5] == 0x76 &&
	       net.offloads == NET_OFFLOADS, "an interface without a bridge");
	result(network("bridge=xenbr0", &net) == NET_TAP && is(net.bridge, "xenbr0") &&
	       !net.ifname[0], "one on a bridge");
	result(network("vifname=v0,bridge=b", &net) == NET_TAP && is(net.ifname, "v0") &&
	       is(net.bridge, "b"), "one with a name on a bridge");
	result(network("vifname=sixteencharacter", &net) == -1 &&
	       network("backend=netdom", &net) == -1 && network("backend=0", &net) == NET_USER,
	       "names that cannot be, other back ends");
}

/* ---- keys ---- */

static struct launch launch;
static char warnings[4096];

static void on_warning(const char *text)
{
	strncat(warnings, text, sizeof(warnings) - strlen(warnings) - 2);
	strcat(warnings, "\n");
}

static int configure(const char *text)
{
	int ret;

	launch_free(&launch);
	launch_init(&launch);
	warnings[0] = '\0';
	ret = parse(text);
	return ret ? ret : guest_config(&cfg, &launch, on_warning, &err);
}

#define WHOLE "name='g';type='pvh';kernel='/k'\n"

static void test_guest(void)
{
	const struct machine_config *c = &launch.config;

	result(!configure(WHOLE) && is(c->name, "g") && c->type == MACHINE_PVH &&
	       is(launch.kernel, "/k") && !launch.initrd && is(launch.append, "") &&
	       c->memory == LAUNCH_MEMORY && c->vcpus == 1 && c->online == 1 &&
	       launch.on_poweroff == LAUNCH_DESTROY && launch.on_reboot == LAUNCH_RESTART &&
	       launch.on_crash == LAUNCH_DESTROY && !warnings[0], "what is not said");
	result(!configure(WHOLE "memory=256;maxmem=0x200;vcpus=2;maxvcpus=4;ramdisk='/r'\n"
			  "root='/dev/xvda1 ro';extra='quiet';on_crash='preserve'\n"
			  "on_reboot=\"destroy\";uuid='0c3f8a4e-2f7d-4a9b-9d65-7f1e0f3a2b11'") &&
	       c->memory == 512 * MIB && c->target == 256 * MIB && c->vcpus == 4 &&
	       c->online == 2 && is(launch.initrd, "/r") &&
	       is(launch.append, "root=/dev/xvda1 ro quiet") &&
	       launch.on_crash == LAUNCH_PRESERVE && launch.on_reboot == LAUNCH_DESTROY &&
	       is(c->uuid, "0c3f8a4e-2f7d-4a9b-9d65-7f1e0f3a2b11") && !warnings[0],
	       "what is said");
	result(!configure(WHOLE "cmdline='c';extra='e'") && is(launch.append, "c") &&
	       strstr(warnings, "f:2: root and extra have no effect beside cmdline"),
	       "cmdline goes before extra");
	result(!configure(WHOLE "\nmamory=1\ncpus='0-1'\nusb=1\npci=[]\nvnc=1\nzzz=1") &&
	       is(warnings, "f:3: unknown key 'mamory'; is 'memory' meant?\n"
		  "f:4: cpus has no effect here\nf:5: usb has no effect here\n"
		  "f:8: unknown key 'zzz'\n"), "other keys");
	result(!configure(WHOLE "type='linux'") && c->type == MACHINE_LINUX, "a PC");
	result(!configure("name='g';pvh=1;kernel='/k';builder='generic'") &&
	       c->type == MACHINE_PVH, "the old pvh=1");
}

static void test_bad_guests(void)
{
	static const char *const bad[][2] = {
		{ "type='pvh';kernel='/k'", "f: the guest has no name" },
		{ "name='a/b';type='pvh';kernel='/k'", "f:1: name: letters" },
		{ "name='.a';type='pvh';kernel='/k'", "f:1: name: letters" },
		{ "name='a';kernel='/k'", "f:1: no type: xl takes that for 'pv'" },
		{ "name='a'\ntype='pv';kernel='/k'", "f:2: pv guests are not there yet" },
		{ "name='a'\nbuilder='hvm'", "f:2: hvm guests are not there yet" },
		{ "name='a'\ntype='xen'", "f:2: type is pvh or linux: not 'xen'" },
		{ "name='a';type='pvh'", "f: no kernel = '...'" },
		{ WHOLE "bootloader='pygrub'", "f:2: a bootloader is not run here" },
		{ WHOLE "memory='1G'", "f:2: memory is a number from 2 to 1047552" },
		{ WHOLE "memory=[1]", "f:2: memory is a number" },
		{ WHOLE "memory=0", "f:2: memory is a number" },
		{ WHOLE "memory=0xffffffffffffffffff", "f:2: memory is a number" },
		{ WHOLE "memory=8;maxmem=4", "f:2: maxmem, 4 MiB, is less than memory, 8 MiB" },
		{ WHOLE "vcpus=4\nmaxvcpus=2", "f:3: maxvcpus, 2, is less than vcpus, 4" },
		{ WHOLE "vcpus=0", "f:2: vcpus is a number from 1 to 1024" },
		{ WHOLE "kernel=['/k']", "f:2: kernel is a text" },
		{ WHOLE "uuid='1-2'", "f:2: uuid has the form" },
		{ WHOLE "on_crash='reboot'", "f:2: on_crash is destroy, restart or preserve: not" },
		{ WHOLE "on_crash='coredump-destroy'",
		  "f:2: on_crash = 'coredump-destroy' is not" },
		{ WHOLE "disk='/d,raw,xvda'", "f:2: disk is a list" },
		{ WHOLE "disk=[ '/d,raw,xvda',\n['x'] ]", "f:3: disk is a list of texts" },
		{ WHOLE "disk=[ '/d,raw,xvda',\n'/e,raw' ]", "f:3: disk: a disk without a vdev" },
		{ WHOLE "disk=[ '/d,raw,xvda',\n'/e,raw,d0' ]", "f:3: two disks are d0" },
		{ WHOLE "vif=['mac=1']", "f:2: vif: '1' is no mac" },
		{ WHOLE "pci=['01:00.0']", "f:2: pci is not there: the guest would lack it" },
	};
	unsigned int i, wrong = 0;
	int ret;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ret = configure(bad[i][0]);
		if ((ret != -EINVAL && ret != -EOPNOTSUPP) ||
		    strncmp(err.text, bad[i][1], strlen(bad[i][1]))) {
			printf("# %s: %s\n", bad[i][1], ret ? err.text : "taken");
			wrong++;
		}
	}
	result(!wrong, "guests that cannot be");
}

/* ---- whole files ---- */

static int example(const char *name)
{
	char here[] = __FILE__, path[512];

	snprintf(path, sizeof(path), "%s/config/%s.cfg", dirname(here), name);
	cfg_free(&cfg);
	launch_free(&launch);
	launch_init(&launch);
	warnings[0] = '\0';
	if (cfg_read(&cfg, path, &err)) {
		printf("# %s\n", err.text);
		return -1;
	}
	return guest_config(&cfg, &launch, on_warning, &err);
}

static void test_examples(void)
{
	const struct machine_config *c = &launch.config;

	result(!example("pvhlinux") && !warnings[0] && c->memory == 1024 * MIB &&
	       c->target == 512 * MIB && c->online == 2 && c->vcpus == 4 && c->disks == 1 &&
	       c->vifs == 1 && is(c->disk[0].target, "/dev/vg/guest-volume"), "pvhlinux.cfg");
	result(!example("crlf") && !warnings[0] && c->disks == 1, "crlf.cfg");
	result(example("hvm") == -EOPNOTSUPP && strstr(err.text, "hvm.cfg:2: hvm guests"),
	       "hvm.cfg is refused for its type");
	/* All of it but the type is good. */
	result(!cfg_argument(&cfg, "type=pvh", &err) && !cfg_argument(&cfg, "kernel=/k", &err) &&
	       !guest_config(&cfg, &launch, on_warning, &err) && c->disks == 3 && c->vifs == 2 &&
	       is(c->disk[0].target, "/srv/images/win,7.img") && c->disk[2].cdrom &&
	       !c->disk[2].target && c->vif[1].rate == 1250000, "and read else");
	result(example("pvlinux") == -EOPNOTSUPP && strstr(err.text, "no type: xl takes"),
	       "pvlinux.cfg is refused for its type");
	result(!cfg_argument(&cfg, "type=pvh", &err) &&
	       !guest_config(&cfg, &launch, on_warning, &err) && !warnings[0] &&
	       c->disks == 3 && is(c->disk[1].target, "/dev/vg0/web-swap") &&
	       c->disk[2].readonly && c->memory == 128 * MIB &&
	       is(launch.append, "root=/dev/xvda2 ro elevator=noop console=hvc0") &&
	       launch.on_crash == LAUNCH_RESTART, "and read else");
	result(example("none") == -1 && strstr(err.text, "cannot open"), "no file");
}

/* ---- any bytes ---- */

/* Pieces that lead deep into it, then bytes changed, lost and doubled. */
static size_t make_text(char *to, size_t room)
{
	static const char *const piece[] = {
		"name='g'\n", "type='pvh'\n", "kernel='/k'\n", "disk=[", "vif=[", "]", "\n", ";",
		"'/d,raw,xvda,w'", ",", "'mac=00:16:3e:00:00:01,rate=1MB/s@2ms'", "+=", "=", "[",
		"'", "\"", "#", "\\x4", "\\", "memory=", "12", "0x", "maxmem=4", "vcpus=3", "extra",
		"'phy:tap:/d,hda:cdrom,r'", "'target=x'", "on_crash='restart'", "uuid='", "'''",
		"mamory=1", "pci=['x']", "cmdline='a';root='b'", "'vdev=xvdzz999,cdrom'", " ", "\r",
	};
	size_t len = 0, n = rng() % 24, i;

	if (rng() & 1)
		len = (size_t)snprintf(to, room, "name='g';type='pvh';kernel='/k'\n");
	while (n--) {
		const char *p = piece[rng() % ARRAY_SIZE(piece)];

		if (len + strlen(p) > room)
			break;
		memcpy(to + len, p, strlen(p));
		len += strlen(p);
	}
	for (n = rng() % 3; len && n; n--) {
		i = rng() % len;
		if (rng() & 1)
			to[i] = (char)rng();
		else
			memmove(to + i, to + i + 1, --len - i);
	}
	return len;
}

static void test_any(void)
{
	unsigned long i, taken = 0, count = 500000;
	static char text[2048];

	for (i = 0; i < count; i++) {
		/* Of its exact size, so that a byte too many is seen. */
		size_t len = make_text(text, sizeof(text));
		char *exact = malloc(len ? len : 1);
		int ret;

		memcpy(exact, text, len);
		cfg_free(&cfg);
		err.text[0] = '\0';
		ret = cfg_parse(&cfg, "f", exact, len, &err);
		free(exact);
		if (!ret) {
			launch_free(&launch);
			launch_init(&launch);
			warnings[0] = '\0';
			ret = guest_config(&cfg, &launch, on_warning, &err);
			taken += !ret;
		}
		if (ret && !err.text[0])
			break;
	}
	printf("# %lu of %lu texts are guests\n", taken, count);
	result(i == count && taken, "any text is a guest or gets a sentence");
}

int main(void)
{
	test_values();
	test_arguments();
	test_bad_syntax();
	test_disks();
	test_bad_disks();
	test_vifs();
	test_networks();
	test_guest();
	test_bad_guests();
	test_examples();
	test_any();
	launch_free(&launch);
	cfg_free(&cfg);
	return finish();
}
