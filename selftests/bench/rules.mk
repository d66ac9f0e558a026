# SPDX-License-Identifier: GPL-2.0
#
# bench/exits: the guest is a flat binary that the launcher carries.

bench-exits := $(patsubst %.c,$(O)/obj/%.c.o,$(addprefix bench/exits/, \
	machine.c hvmod.c kvm.c report.c)) $(O)/obj/bench/exits/blob.S.o
bench-guest := $(addprefix $(O)/obj/bench/exits/,guest_entry.S.o guest.c.o)

$(O)/bench/exits: $(bench-exits)

$(O)/obj/bench/exits/guest.c.o: override CFLAGS += -ffreestanding -mgeneral-regs-only -fno-pic

$(O)/obj/bench/exits/guest.bin: bench/exits/guest.lds $(bench-guest)
	$(LD) --no-warn-rwx-segments -T $< -o $@.elf $(bench-guest)
	objcopy -O binary $@.elf $@

$(O)/obj/bench/exits/blob.S.o: override CFLAGS += -DGUEST_BIN='"$(O)/obj/bench/exits/guest.bin"'
$(O)/obj/bench/exits/blob.S.o: $(O)/obj/bench/exits/guest.bin bench/budget

# bench/kvmctl: the launcher on /dev/kvm.  What boot/kvm.c does not define stays the
# launcher's own.
kvmctl-obj := $(O)/obj/bench/boot
kvmctl-hvctl = $(filter-out %/lib/hvm.o,$(shell find $(O)/obj/hvctl/obj -name '*.o'))
kvmctl-libs = $(shell sed -n 's/.*-o $$@ $$^ \(-l.*\)/\1/p' ../userspace/Makefile)

programs: $(O)/bench/kvmctl

$(O)/bench/kvmctl: bench/boot/kvm.c $(O)/hvctl
	@mkdir -p $(kvmctl-obj) $(@D)
	$(CC) -O2 -g -Wall -Wextra -D_GNU_SOURCE -std=gnu11 -I.. -c -o $(kvmctl-obj)/kvm.o $<
	objcopy --weaken $(O)/obj/hvctl/obj/lib/hvm.o $(kvmctl-obj)/hvm.o
	$(CC) -pthread -o $@ $(kvmctl-obj)/kvm.o $(kvmctl-obj)/hvm.o $(kvmctl-hvctl) $(kvmctl-libs)

# bench/idle: the guest of bench/density.sh, at 1 MiB.
programs: $(O)/bench/idle

$(O)/bench/idle: bench/density/idle.S bench/rules.mk
	@mkdir -p $(@D)
	$(CC) -nostdlib -static -no-pie -Wl,-Ttext-segment=0x100000,--build-id=none,-z,noseparate-code,-N -Wl,-e,start -o $@ $<
