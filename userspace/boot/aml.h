/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small encoder of ACPI Machine Language, as the ACPI specification's chapter
 * of that title has it.  boot/acpi.c writes the DSDT with it: open a block, put
 * things in, close it.  It must not write past its buffer: too little room is
 * remembered and told at the end.
 */
#ifndef USERSPACE_BOOT_AML_H
#define USERSPACE_BOOT_AML_H

#include "userspace/lib/types.h"

/**
 * struct aml - bytes under construction
 * @buf:  where to
 * @room: its length
 * @len:  bytes so far
 * @bad:  something did not fit or could not be encoded
 */
struct aml {
	u8 *buf;
	size_t room;
	size_t len;
	bool bad;
};

/** struct aml_block - an open block; the PkgLength goes to @at */
struct aml_block {
	size_t at;
};

/* Blocks: name is a path such as "\\_SB_" or a segment of four characters. */
struct aml_block aml_scope(struct aml *aml, const char *name);
struct aml_block aml_device(struct aml *aml, const char *name);
/** aml_package() - a package; @count elements must follow before aml_end(). */
struct aml_block aml_package(struct aml *aml, u8 count);
/** aml_resources() - a buffer for a resource template; its end tag is put by
 * aml_resources_end().
 */
struct aml_block aml_resources(struct aml *aml);

void aml_end(struct aml *aml, struct aml_block block);
void aml_resources_end(struct aml *aml, struct aml_block block);

/** aml_name() - NameOp; the object must follow. */
void aml_name(struct aml *aml, const char *name);
/** aml_int() - an integer in its shortest form. */
void aml_int(struct aml *aml, u64 value);
void aml_string(struct aml *aml, const char *text);
/** aml_eisa_id() - an identifier such as "PNP0501". */
void aml_eisa_id(struct aml *aml, const char *id);

/* Resource descriptors. */
void aml_res_io(struct aml *aml, u16 first, u8 len);
/** aml_res_irq() - an ISA interrupt, edge triggered, active high. */
void aml_res_irq(struct aml *aml, u8 irq);

#endif /* USERSPACE_BOOT_AML_H */
