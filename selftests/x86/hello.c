// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest guests there are, one a mode: each adds, writes the sum to a
 * port, reads a port, and writes what it read.
 */
#include "hv.h"

#define PORT	0x510

/* mov $40,%ax; add $2,%ax; mov $PORT,%dx; out %al,%dx; in %dx,%al; out %al,%dx */
static const u8 real_code[] = {
	0xb8, 0x28, 0x00,
	0x83, 0xc0, 0x02,
	0xba, PORT & 0xff, PORT >> 8,
	0xee,
	0xec,
	0xee,
	0xf4,
	0xeb, 0xfd,
};

static const u8 flat_code[] = {
	0xb8, 0x28, 0x00, 0x00, 0x00,
	0x83, 0xc0, 0x02,
	0x66, 0xba, PORT & 0xff, PORT >> 8,
	0xee,
	0xec,
	0xee,
	0xf4,
	0xeb, 0xfd,
};

static volatile u32 forty = 40;

static void guest_main(void)
{
	forty += 2;
	guest_outb(PORT, forty);
	guest_outb(PORT, guest_inb(PORT));
	GUEST_DONE();
}

static bool expect_io(struct hv_vcpu *vcpu, u8 direction, u8 value)
{
	struct hvmod_run *run = vcpu->run;
	int ret = hv_run(vcpu);

	if (ret) {
		tap_note("HVMOD_VCPU_RUN: %s", strerror(-ret));
		return false;
	}
	if (run->exit_reason == HVMOD_EXIT_IO && run->io.port == PORT &&
	    run->io.size == 1 && run->io.count == 1 && run->io.direction == direction) {
		if (direction == HVMOD_IO_IN) {
			run->data[0] = value;
			return true;
		}
		if (run->data[0] == value)
			return true;
		tap_note("the guest wrote %#x", run->data[0]);
	}
	hv_note_exit(vcpu);
	return false;
}

static void dialogue(struct hv_vcpu *vcpu, const char *mode)
{
	tap_ok(expect_io(vcpu, HVMOD_IO_OUT, 42), "%s: out", mode);
	tap_ok(expect_io(vcpu, HVMOD_IO_IN, 0xa5), "%s: in", mode);
	tap_ok(expect_io(vcpu, HVMOD_IO_OUT, 0xa5), "%s: the value that came in", mode);
}

int main(void)
{
	struct hv_vm *vm = hv_vm_new(2 << 20);
	struct hv_vcpu *vcpu = hv_vcpu_new(vm, 0);

	memcpy(vm->mem + HV_FREE, real_code, sizeof(real_code));
	hv_real_mode(vcpu, HV_FREE >> 4, 0);
	dialogue(vcpu, "real mode");

	memcpy(vm->mem + HV_FREE, flat_code, sizeof(flat_code));
	hv_flat32(vcpu, HV_FREE, HV_FREE + 0x8000);
	dialogue(vcpu, "protected mode");

	hv_long_mode(vcpu, guest_main);
	dialogue(vcpu, "long mode");
	hv_run_to_done(vcpu, "long mode: done");

	hv_vcpu_free(vcpu);
	hv_vm_free(vm);
	return tap_finish();
}
