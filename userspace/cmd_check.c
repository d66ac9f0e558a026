// SPDX-License-Identifier: GPL-2.0
/*
 * hvctl check: a line for each thing that guests need of this machine, with the
 * way to mend what is missing.  main.c calls it.  It must not change anything,
 * and it must say "unknown" rather than guess.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "userspace/cmd.h"
#include "userspace/lib/hvm.h"

#define MSR_FEATURE_CONTROL	0x3a
#define FEATURE_LOCKED		BIT(0)
#define FEATURE_VMX		BIT(2)

#define GROUP			"hvmod"

enum outcome { OK, FAIL, UNKNOWN };

/* struct check - the result of one check; texts are for the user */
struct check {
	enum outcome verdict;
	char found[160];
	char fix[240];
};

static void result(struct check *c, enum outcome verdict, const char *found, const char *fix)
{
	c->verdict = verdict;
	snprintf(c->found, sizeof(c->found), "%s", found);
	snprintf(c->fix, sizeof(c->fix), "%s", fix);
}

/* The first line of a /proc/cpuinfo that starts with @key, after the colon. */
static bool cpu_line(const char *key, char *value, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096], *p;
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		p = line + strlen(key);
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p != ':')
			continue;
		p++;
		while (*p == ' ')
			p++;
		p[strcspn(p, "\n")] = '\0';
		snprintf(value, size, "%s", p);
		found = true;
	}
	fclose(f);
	return found;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *p = words;

	while ((p = strstr(p, word))) {
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
		p += len;
	}
	return false;
}

static bool cpu_has_vmx(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & BIT(5);
}

static bool in_a_guest(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & BIT(31);
}

static void check_cpu(struct check *c)
{
	char vendor[64] = "?", model[128] = "?";

	cpu_line("vendor_id", vendor, sizeof(vendor));
	cpu_line("model name", model, sizeof(model));
	if (strcmp(vendor, "GenuineIntel")) {
		result(c, FAIL, model, "an Intel CPU is needed: VMX is Intel's");
		return;
	}
	if (cpu_has_vmx())
		result(c, OK, model, "");
	else if (in_a_guest())
		result(c, FAIL, "this is a virtual machine without VMX",
		       "switch nested virtualization on in its hypervisor (KVM: kvm_intel nested=1 and -cpu host)");
	else
		result(c, FAIL, "the CPU does not offer VMX",
		       "switch it on in the firmware setup: \"Virtualization Technology\" or \"VT-x\"");
}

static void check_lock(struct check *c)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	u64 value = 0;
	ssize_t got;

	if (fd < 0) {
		result(c, UNKNOWN, "/dev/cpu/0/msr cannot be read",
		       "as root: modprobe msr, then hvctl check; the module checks it when it is loaded");
		return;
	}
	got = pread(fd, &value, sizeof(value), MSR_FEATURE_CONTROL);
	close(fd);
	if (got != (ssize_t)sizeof(value))
		result(c, UNKNOWN, "IA32_FEATURE_CONTROL cannot be read",
		       "the module checks it when it is loaded");
	else if (!(value & FEATURE_LOCKED))
		result(c, OK, "not locked: the module sets it", "");
	else if (value & FEATURE_VMX)
		result(c, OK, "locked, with VMX allowed", "");
	else
		result(c, FAIL, "locked by the firmware, with VMX forbidden",
		       "switch \"Virtualization Technology\" on in the firmware setup; switch the power off and on");
}

/* Linux lists what the VMX capability MSRs say. */
static void check_vmx_flag(struct check *c, const char *flag)
{
	char flags[2048];

	if (!cpu_line("vmx flags", flags, sizeof(flags)))
		result(c, cpu_has_vmx() ? UNKNOWN : FAIL,
		       "/proc/cpuinfo has no \"vmx flags\"",
		       "without VMX there is none; with it, the module checks this when it is loaded");
	else if (has_word(flags, flag))
		result(c, OK, "", "");
	else
		result(c, FAIL, "the CPU lacks it",
		       "a newer CPU is needed (Westmere, 2010, or later), or more of it passed to this virtual machine");
}

static void check_ept(struct check *c)
{
	check_vmx_flag(c, "ept");
}

static void check_vpid(struct check *c)
{
	check_vmx_flag(c, "vpid");
}

static void check_unrestricted(struct check *c)
{
	check_vmx_flag(c, "unrestricted_guest");
}

static void check_kernel(struct check *c)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
		result(c, UNKNOWN, "uname does not tell", "Linux 6.1 to 6.12 is needed");
		return;
	}
	if (strcmp(name.machine, "x86_64"))
		result(c, FAIL, name.machine, "a 64-bit x86 kernel is needed");
	else if (major != 6 || minor < 1)
		result(c, FAIL, name.release, "Linux 6.1 to 6.12 is needed");
	else if (minor > 12)
		result(c, UNKNOWN, name.release,
		       "the module is tested with Linux 6.1 and 6.12; a later one may not build");
	else
		result(c, OK, name.release, "");
}

/* Is a module loaded (or built in)?  @users: its reference count, or -1. */
static bool module_there(const char *name, int *users)
{
	char path[96];
	FILE *f;

	*users = -1;
	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%d", users) != 1)
			*users = -1;
		fclose(f);
	}
	return true;
}

static void check_other(struct check *c)
{
	int users, ours;

	if (module_there("hvmod", &ours)) {
		result(c, OK, "hvmod holds it", "");
		return;
	}
	if (module_there("kvm_intel", &users)) {
		if (users > 0)
			result(c, FAIL, "kvm_intel is loaded and runs guests",
			       "stop its guests; then as root: modprobe -r kvm_intel");
		else
			result(c, FAIL, "kvm_intel is loaded",
			       "as root: modprobe -r kvm_intel (before Linux 6.12 it holds VMX only while guests run)");
		return;
	}
	if (module_there("vmmon", &users))
		result(c, FAIL, "VMware (vmmon) is loaded", "as root: modprobe -r vmmon");
	else if (module_there("vboxdrv", &users))
		result(c, FAIL, "VirtualBox (vboxdrv) is loaded",
		       "stop its guests; then as root: modprobe -r vboxnetadp vboxnetflt vboxdrv");
	else
		result(c, OK, "no other hypervisor is loaded", "");
}

static void check_module(struct check *c)
{
	int users;

	if (module_there("hvmod", &users))
		result(c, OK, "hvmod is loaded", "");
	else
		result(c, FAIL, "hvmod is not loaded",
		       "as root: modprobe hvmod, or insmod hvmod.ko; dmesg tells why when it is refused");
}

static void check_node(struct check *c)
{
	struct stat st;
	struct group *g;
	char found[160];

	if (stat(HVM_DEVICE, &st)) {
		result(c, FAIL, HVM_DEVICE " is not there", "load the module");
		return;
	}
	g = getgrgid(st.st_gid);
	snprintf(found, sizeof(found), "mode %03o, group %s", st.st_mode & 0777,
		 g ? g->gr_name : "?");
	if (!S_ISCHR(st.st_mode))
		result(c, FAIL, HVM_DEVICE " is no device",
		       "as root: remove it, load the module again");
	else if (g && !strcmp(g->gr_name, GROUP) && (st.st_mode & 0777) == 0660)
		result(c, OK, found, "");
	else
		result(c, FAIL, found,
		       "it should be 0660, group hvmod: as root, make install, then udevadm control --reload; udevadm trigger");
}

static bool in_group(gid_t gid)
{
	gid_t *list;
	bool found = getegid() == gid;
	int n = getgroups(0, NULL), i;

	if (found || n <= 0)
		return found;
	list = calloc((size_t)n, sizeof(*list));
	if (!list)
		return false;
	n = getgroups(n, list);
	for (i = 0; i < n && !found; i++)
		found = list[i] == gid;
	free(list);
	return found;
}

static void check_group(struct check *c)
{
	struct group *g = getgrnam(GROUP);

	if (!g)
		result(c, geteuid() ? FAIL : UNKNOWN, "there is no group hvmod",
		       "as root: make install, or groupadd --system hvmod");
	else if (in_group(g->gr_gid))
		result(c, OK, "you are a member of the group hvmod", "");
	else if (!geteuid())
		result(c, OK, "you are root", "");
	else
		result(c, FAIL, "you are not a member of the group hvmod",
		       "as root: adduser YOUR-NAME hvmod; then log in again");
}

static void check_open(struct check *c)
{
	struct err err = { "" };
	int fd = hvm_open(NULL, &err);
	char found[160];

	if (fd < 0) {
		result(c, FAIL, "it cannot be opened", err.text);
		return;
	}
	close(fd);
	snprintf(found, sizeof(found), "ABI version %d", HVMOD_API_VERSION);
	result(c, OK, found, "");
}

static const struct {
	const char *what;
	void (*check)(struct check *c);
} checks[] = {
	{ "CPU with VMX", check_cpu },
	{ "firmware lock", check_lock },
	{ "EPT", check_ept },
	{ "VPID", check_vpid },
	{ "unrestricted guest", check_unrestricted },
	{ "kernel", check_kernel },
	{ "who holds VMX", check_other },
	{ "module", check_module },
	{ "device node", check_node },
	{ "group", check_group },
	{ "opening " HVM_DEVICE, check_open },
};

static const char check_help[] =
	"hvctl check - say what this machine lacks to run guests, and how to mend it\n"
	"\n"
	"Usage:\n"
	"  hvctl check\n"
	"\n"
	"One line for each requirement: ok, FAIL or unknown, what was found, and under\n"
	"a FAIL or an unknown the way to mend it or to find out.  Nothing is changed.\n"
	"\n"
	"Exit status: 0 when nothing fails, 1 when something does, 2 for wrong arguments.\n";

int cmd_check(int argc, char **argv)
{
	static const char * const words[] = { "ok", "FAIL", "unknown" };
	unsigned int i, failed = 0;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(check_help, stdout);
		return HVCTL_OK;
	}
	if (argc > 1) {
		fprintf(stderr, "hvctl: check takes no argument '%s'\n", argv[1]);
		return HVCTL_USAGE;
	}
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check c = { .verdict = UNKNOWN };

		checks[i].check(&c);
		printf("%-20s %-8s %s\n", checks[i].what, words[c.verdict], c.found);
		if (c.fix[0])
			printf("%-20s %-8s -> %s\n", "", "", c.fix);
		failed += c.verdict == FAIL;
	}
	if (failed)
		printf("%u of %zu requirements are not met.\n", failed, ARRAY_SIZE(checks));
	else
		printf("This machine can run guests, as far as can be told.\n");
	return failed ? HVCTL_ERROR : HVCTL_OK;
}
