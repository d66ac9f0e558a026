/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMX on the host's CPUs as they come and go.  Only main.c calls it.
 */
#ifndef MODULE_HOST_H
#define MODULE_HOST_H

/*
 * Takes every online CPU and registers for those that come, go, sleep, reboot
 * or crash.  All or nothing: on an error every CPU is given back.
 * -EBUSY, -EACCES, -EIO, -ENOMEM.
 */
int host_enable(void);
/* The mirror of it. */
void host_disable(void);

#endif /* MODULE_HOST_H */
