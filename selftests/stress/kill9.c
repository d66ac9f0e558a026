// SPDX-License-Identifier: GPL-2.0
/*
 * Launchers with running guests are killed at random moments, 200 times: of each
 * there is nothing left.  KILLS= in the environment is another number.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv.h"

static volatile u64 cells[64];

/* Exits of several kinds, page faults, and loops without any. */
static void guest_busy(u64 arg)
{
	u64 i, k;

	/* Nobody sends one; Bochs ends a loop without exits for the host's only with IF. */
	asm volatile("sti");
	for (i = 0;; i++) {
		for (k = 0; k < 64; k++)
			cells[k] += *(volatile u64 *)(HV_FREE + ((i + k) % 512) * 4096) + arg;
		if (i % 4 == arg)
			guest_outb(0x510, i);
	}
}

static void *run_thread(void *arg)
{
	while (hv_run(arg) == 0)
		;
	return NULL;
}

/* What the launcher does besides: memory comes and goes. */
static void launcher(u32 vcpus)
{
	struct hv_vm *vm = hv_vm_new(4 << 20);
	pthread_t thread;
	u32 i;

	for (i = 0; i < vcpus; i++) {
		struct hv_vcpu *vcpu = hv_vcpu_new(vm, i);

		hv_long_mode_arg(vcpu, guest_busy, i);
		hv_need(!pthread_create(&thread, NULL, run_thread, vcpu));
	}
	for (i = 0;; i++) {
		madvise(vm->mem + HV_FREE + i % 64 * 4096, 4096, MADV_DONTNEED);
		hv_set_memory(vm, HV_SLOT_FREE, i % 2 ? HVMOD_MEM_LOG_DIRTY : 0,
			      (64UL + i % 3) << 20, 1 << 20, vm->mem);
	}
}

/* Directories of VMs in debugfs, one a VM that lives; -1: no debugfs. */
static int vms_left(void)
{
	DIR *dir = opendir("/sys/kernel/debug/hvmod");
	struct dirent *e;
	int n = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		n += e->d_type == DT_DIR && e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static int users(void)
{
	FILE *f = fopen("/sys/module/hvmod/refcnt", "r");
	int n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

int main(void)
{
	const char *env = getenv("KILLS");
	u32 kills = env ? atoi(env) : 200, i, wrong = 0, seed = 7;
	int status;
	pid_t pid;

	close(hv_open());
	for (i = 0; i < kills; i++) {
		seed = seed * 1103515245 + 12345;
		pid = fork();
		hv_need(pid >= 0);
		if (!pid) {
			launcher(1 + i % 3);
			_exit(1);
		}
		usleep((seed >> 16) % 20000);
		kill(pid, SIGKILL);
		hv_need(waitpid(pid, &status, 0) == pid);
		/* Anything else: it found something wrong before. */
		wrong += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	tap_eq(wrong, 0, "launchers killed");
	tap_eq(users(), 0, "the module has no users");
	if (vms_left() < 0)
		tap_skip("no debugfs");
	else
		tap_eq(vms_left(), 0, "no VM is left");
	return tap_finish();
}
