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
