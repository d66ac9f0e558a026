# SPDX-License-Identifier: GPL-2.0
#
# xen/ops: the hypercall table is the module's own, with its names alone.

$(O)/xen/ops: $(O)/obj/xen/hypercall_table.o
$(O)/obj/xen/ops.c.o: override CFLAGS += -DHVMOD_UNIT -Iunit/include

$(O)/obj/xen/hypercall_table.o: ../module/xen/hypercall_table.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DHVMOD_UNIT -Iunit/include -c -o $@ $<
