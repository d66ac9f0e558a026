// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfd and irqfd: what they refuse, that a guest's write signals without
 * an exit, and that an eventfd may be closed while it is bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hv.h"

#define PORT	0x700
#define MMIO	0x80000000UL

static int event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	hv_need(fd >= 0);
	return fd;
}

/* Times it was signalled since the last look. */
static u64 signals(int fd)
{
	u64 n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* ---- ioeventfd ---- */

static int ioeventfd(struct hv_vm *vm, int fd, u64 addr, u32 len, u32 flags, u64 data)
{
	struct hvmod_ioeventfd args = {
		.addr = addr, .data = data, .len = len, .fd = fd, .flags = flags,
	};

	return ioctl(vm->fd, HVMOD_VM_IOEVENTFD, &args) ? -errno : 0;
}

static void test_ioeventfd_args(struct hv_vm *vm)
{
	u32 pio = HVMOD_IOEVENTFD_PIO, match = HVMOD_IOEVENTFD_DATAMATCH;
	u32 out = HVMOD_IOEVENTFD_DEASSIGN;
	int a = event(), b = event(), file = open("/dev/null", O_RDWR);

	tap_eq(ioeventfd(vm, a, PORT, 4, 8, 0), -EINVAL, "ioeventfd: unknown flag");
	tap_eq(ioeventfd(vm, a, PORT, 3, pio, 0), -EINVAL, "ioeventfd: length 3");
	tap_eq(ioeventfd(vm, a, PORT, 16, 0, 0), -EINVAL, "ioeventfd: length 16");
	tap_eq(ioeventfd(vm, a, PORT, 8, pio, 0), -EINVAL, "ioeventfd: 8 bytes to a port");
	tap_eq(ioeventfd(vm, a, 0xffff, 2, pio, 0), -EINVAL, "ioeventfd: past the last port");
	tap_eq(ioeventfd(vm, a, 0x10000, 0, pio, 0), -EINVAL, "ioeventfd: no port");
	tap_eq(ioeventfd(vm, a, -4UL, 8, 0, 0), -EINVAL, "ioeventfd: address wraps");
	tap_eq(ioeventfd(vm, a, PORT, 0, pio | match, 0), -EINVAL,
	       "ioeventfd: any length with data");
	tap_eq(ioeventfd(vm, -1, PORT, 4, pio, 0), -EBADF, "ioeventfd: no descriptor");
	tap_eq(ioeventfd(vm, file, PORT, 4, pio, 0), -EINVAL, "ioeventfd: not an eventfd");
	tap_eq(ioeventfd(vm, a, PORT, 4, pio | out, 0), -ENOENT, "ioeventfd: nothing to remove");

	tap_eq(ioeventfd(vm, a, PORT, 4, pio | match, 1), 0, "ioeventfd: data 1");
	tap_eq(ioeventfd(vm, b, PORT, 4, pio | match, 2), 0, "ioeventfd: data 2, same port");
	tap_eq(ioeventfd(vm, b, PORT, 2, pio | match, 1), 0, "ioeventfd: data 1, other length");
	tap_eq(ioeventfd(vm, b, PORT, 4, pio | match, 1), -EEXIST, "ioeventfd: data 1 again");
	tap_eq(ioeventfd(vm, b, PORT, 4, pio, 0), -EEXIST, "ioeventfd: any data, too");
	tap_eq(ioeventfd(vm, b, PORT, 0, pio, 0), -EEXIST, "ioeventfd: any length, too");
	tap_eq(ioeventfd(vm, b, PORT + 2, 4, pio, 0), -EEXIST, "ioeventfd: overlaps");
	tap_eq(ioeventfd(vm, b, PORT, 4, match, 1), 0, "ioeventfd: same number in memory");
	tap_eq(ioeventfd(vm, b, PORT, 4, pio | match | out, 1), -ENOENT,
	       "ioeventfd: remove with another eventfd");
	tap_eq(ioeventfd(vm, a, PORT, 4, pio | match | out, 2), -ENOENT,
	       "ioeventfd: remove with other data");
	tap_eq(ioeventfd(vm, a, PORT, 4, pio | match | out, 1), 0, "ioeventfd: remove");
	tap_eq(ioeventfd(vm, a, PORT, 4, pio | match | out, 1), -ENOENT,
	       "ioeventfd: remove again");
	tap_eq(ioeventfd(vm, b, PORT, 4, pio | match | out, 2), 0, "ioeventfd: remove data 2");
	tap_eq(ioeventfd(vm, b, PORT, 2, pio | match | out, 1), 0, "ioeventfd: remove length 2");
	tap_eq(ioeventfd(vm, b, PORT, 4, match | out, 1), 0, "ioeventfd: remove in memory");
	close(a);
	close(b);
	close(file);
}

static void test_ioeventfd_many(struct hv_vm *vm)
{
	int fd = event(), ret, n, i, bad = 0;

	for (n = 0; n < 4096; n++) {
		ret = ioeventfd(vm, fd, MMIO + n * 8, 4, 0, 0);
		if (ret)
			break;
	}
	tap_ok(ret == -ENOSPC && n >= 256, "ioeventfd: too many: ENOSPC");
	tap_note("%d fit", n);
	for (i = 0; i < n; i += 97)
		bad += !!ioeventfd(vm, fd, MMIO + i * 8, 4, HVMOD_IOEVENTFD_DEASSIGN, 0);
	tap_eq(bad, 0, "ioeventfd: some of them are removed");
	/* The others go with the VM. */
	close(fd);
}

static void guest_kick(void)
{
	guest_outl(PORT, 1);
	guest_outl(PORT, 2);
	guest_outl(PORT, 2);
	*(volatile u32 *)MMIO = 3;
	*(volatile u16 *)MMIO = 3;
	GUEST_SYNC(0);
	guest_outl(PORT, 3);
	GUEST_DONE();
}

static void test_ioeventfd_guest(struct hv_vm *vm)
{
	u32 pio = HVMOD_IOEVENTFD_PIO, match = HVMOD_IOEVENTFD_DATAMATCH;
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);
	int a = event(), b = event(), c = event();

	hv_need(!ioeventfd(vm, a, PORT, 4, pio | match, 1));
	hv_need(!ioeventfd(vm, b, PORT, 4, pio | match, 2));
	hv_need(!ioeventfd(vm, c, MMIO, 0, 0, 0));
	hv_long_mode(vcpu, guest_kick);
	if (!tap_ok(hv_talk(vcpu) == HV_SYNC, "ioeventfd: the guest's writes do not exit"))
		hv_note_exit(vcpu);
	tap_eq(signals(a), 1, "ioeventfd: data 1 once");
	tap_eq(signals(b), 1 + 1, "ioeventfd: data 2 twice");
	tap_eq(signals(c), 2, "ioeventfd: any length");
	tap_ok(hv_talk(vcpu) == HV_OTHER && vcpu->run->exit_reason == HVMOD_EXIT_IO &&
	       vcpu->run->io.port == PORT, "ioeventfd: other data exits");
	hv_run_to_done(vcpu, "ioeventfd: done");

	hv_need(!ioeventfd(vm, a, PORT, 4, pio | match | HVMOD_IOEVENTFD_DEASSIGN, 1));
	hv_long_mode(vcpu, guest_kick);
	tap_ok(hv_talk(vcpu) == HV_OTHER && vcpu->run->exit_reason == HVMOD_EXIT_IO,
	       "ioeventfd: removed, it exits");
	/* Closed while bound: the guest signals nobody. */
	close(b);
	tap_ok(hv_talk(vcpu) == HV_SYNC, "ioeventfd: closed while bound");
	close(a);
	close(c);
	hv_vcpu_free(vcpu);
}

/* ---- irqfd ---- */

static int irqfd(struct hv_vm *vm, int fd, u32 flags, u32 gsi, int resample, u64 msi)
{
	struct hvmod_irqfd args = {
		.fd = fd, .flags = flags, .gsi = gsi, .resample_fd = resample,
		.msi.addr = msi,
	};

	return ioctl(vm->fd, HVMOD_VM_IRQFD, &args) ? -errno : 0;
}

static void test_irqfd_args(struct hv_vm *vm)
{
	u32 msi = HVMOD_IRQFD_MSI, resample = HVMOD_IRQFD_RESAMPLE, out = HVMOD_IRQFD_DEASSIGN;
	int a = event(), b = event(), c = event(), file = open("/dev/null", O_RDWR);

	tap_eq(irqfd(vm, a, 8, 5, 0, 0), -EINVAL, "irqfd: unknown flag");
	tap_eq(irqfd(vm, a, msi | resample, 0, b, 0xfee00000), -EINVAL, "irqfd: MSI, resample");
	tap_eq(irqfd(vm, a, 0, 24, 0, 0), -EINVAL, "irqfd: gsi 24");
	tap_eq(irqfd(vm, a, 0, ~0U, 0, 0), -EINVAL, "irqfd: gsi, all bits");
	tap_eq(irqfd(vm, a, 0, 5, b, 0), -EINVAL, "irqfd: resample_fd without flag");
	tap_eq(irqfd(vm, a, msi, 0, 0, 0xfed00000), -EINVAL, "irqfd: not an MSI address");
	tap_eq(irqfd(vm, a, msi, 0, 0, 1UL << 35 | 0xfee00000), -EINVAL,
	       "irqfd: reserved bit of the MSI address");
	tap_eq(irqfd(vm, -1, 0, 5, 0, 0), -EBADF, "irqfd: no descriptor");
	tap_eq(irqfd(vm, file, 0, 5, 0, 0), -EINVAL, "irqfd: not an eventfd");
	tap_eq(irqfd(vm, a, resample, 5, -1, 0), -EBADF, "irqfd: no resample descriptor");
	tap_eq(irqfd(vm, a, resample, 5, file, 0), -EINVAL, "irqfd: resample, not an eventfd");
	tap_eq(irqfd(vm, a, out, 5, 0, 0), -ENOENT, "irqfd: nothing to remove");

	tap_eq(irqfd(vm, a, 0, 5, 0, 0), 0, "irqfd: bind");
	tap_eq(irqfd(vm, a, 0, 6, 0, 0), -EBUSY, "irqfd: bound already");
	tap_eq(irqfd(vm, b, resample, 5, c, 0), 0, "irqfd: resample, same input");
	tap_eq(irqfd(vm, c, msi, 0, 0, 0xfee00000), 0, "irqfd: MSI, on a resampler's eventfd");
	eventfd_write(a, 1);
	eventfd_write(b, 1);
	eventfd_write(c, 1);
	tap_ok(!signals(a) && !signals(b) && !signals(c), "irqfd: it takes the signals");
	tap_eq(irqfd(vm, a, out, 0, 0, 0), 0, "irqfd: remove");
	tap_eq(irqfd(vm, a, out, 0, 0, 0), -ENOENT, "irqfd: remove again");
	eventfd_write(a, 1);
	tap_eq(signals(a), 1, "irqfd: removed, it takes none");

	/* Closed while bound, and bound when the VM goes. */
	close(c);
	close(file);
	close(a);
}

static void test_irqfd_churn(struct hv_vm *vm)
{
	int i, bad = 0;

	for (i = 0; i < 200; i++) {
		int fd = event();

		eventfd_write(fd, 1);
		bad += !!irqfd(vm, fd, 0, i % 24, 0, 0);
		eventfd_write(fd, 1);
		if (i % 3 == 0)
			bad += !!irqfd(vm, fd, HVMOD_IRQFD_DEASSIGN, 0, 0, 0);
		close(fd);
	}
	tap_eq(bad, 0, "irqfd: bound and closed, 200 times");
}

/* ---- lines and messages ---- */

static void test_lines(struct hv_vm *vm, struct hv_vm *bare)
{
	struct hvmod_irq_line line = { .gsi = 5, .level = 1 };
	struct hvmod_msi msi = { .addr = 0xfed00000 };

	tap_ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &line, 0, "line up");
	line.level = 0;
	tap_ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &line, 0, "line down");
	line.level = 2;
	tap_ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &line, EINVAL, "level 2");
	line.level = 1;
	line.gsi = 24;
	tap_ioctl(vm->fd, HVMOD_VM_IRQ_LINE, &line, EINVAL, "gsi 24");
	line.gsi = 5;
	tap_ioctl(bare->fd, HVMOD_VM_IRQ_LINE, &line, ENODEV, "no PIC, no IOAPIC");
	tap_eq(irqfd(bare, 0, 0, 5, 0, 0), -ENODEV, "irqfd: no PIC, no IOAPIC");
	tap_ioctl(vm->fd, HVMOD_VM_MSI, &msi, EINVAL, "not an MSI address");
}

int main(void)
{
	struct hvmod_vm_create args = { .devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC };
	struct hv_vm *vm = hv_vm_new_args(1 << 20, &args);
	struct hv_vm *bare = hv_vm_new(1 << 20);

	test_ioeventfd_args(vm);
	test_ioeventfd_guest(bare);
	test_ioeventfd_many(vm);
	test_lines(vm, bare);
	test_irqfd_args(vm);
	test_irqfd_churn(vm);
	hv_vm_free(bare);
	hv_vm_free(vm);
	return tap_finish();
}
