# SPDX-License-Identifier: GPL-2.0
#
# "make help" says what there is. The kernel's build system reads Kbuild, not
# this file.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr
OUT := $(CURDIR)/out
rig := selftests/rig

.PHONY: help
help:
	@echo 'hvmod: a hypervisor in a loadable module'
	@echo
	@echo '  make module      hvmod.ko for the running kernel; KVER=, or KDIR=, for another'
	@echo '  make launcher    hvctl'
	@echo '  make tests       the test programs'
	@echo '  make install     module, hvctl, manual page, udev rule and group; DESTDIR= PREFIX='
	@echo '  make check       user space unit tests, builds with W=1 and sparse, checkpatch'
	@echo '  make test        all tests, in emulated hosts; needs no VT-x'
	@echo '  make one T=NAME  one test in an emulated host, see Documentation/testing.md'
	@echo '  make demo        a Debian guest in an emulated host with hvmod.ko'
	@echo '  make bench       count the instructions that round trips take'
	@echo '  make clean       remove what was built here (~/.cache/hvmod stays)'
	@echo
	@echo 'On a fresh Debian 12, selftests/rig/demo and selftests/rig/test install what'
	@echo 'they need and run "make demo" and "make test". RIG=kvm uses QEMU with KVM'
	@echo 'instead of the emulator, on a machine that has nested VMX.'

.PHONY: module launcher tests
module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

launcher:
	$(MAKE) -C userspace

tests:
	$(MAKE) -C selftests O=$(OUT)/programs

.PHONY: check unit test one demo bench
check: unit
	@$(rig)/check-build

unit:
	@$(MAKE) -s -C selftests/unit check

test:
	@$(rig)/all

one:
	@$(rig)/run -t $(T)

demo:
	@$(rig)/run --demo

bench:
	@rc=0; $(rig)/run --lane bench --lane bench-off --lane bench-xen --show || rc=1; \
	selftests/bench/publish $(OUT)/bench/tests/*.log $(OUT)/bench-off/tests/*.log \
		$(OUT)/bench-xen/tests/*.log; \
	exit $$rc

.PHONY: install clean
install: module launcher
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR))
	$(if $(DESTDIR),,depmod $(KVER))
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

clean:
	-[ ! -e $(KDIR)/Makefile ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(MAKE) -C userspace clean
	rm -rf $(OUT)
