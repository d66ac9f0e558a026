# SPDX-License-Identifier: GPL-2.0
#
# The rig's targets, included by the top Makefile.

rig := selftests/rig

.PHONY: demo test unit kunit one rig-setup

test:
	@$(rig)/all

unit:
	@$(MAKE) -s -C selftests/unit check

demo:
	@$(rig)/run --demo

# make one T=api/NAME: a single test, in the emulator
one:
	@$(rig)/run $(addprefix -t ,$(T))

rig-setup:
	@$(rig)/setup
