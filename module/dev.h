/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The three descriptors.  main.c sets up and registers /dev/hvmod with
 * dev_fops as the last step of its init, and the other way round at exit.
 */
#ifndef MODULE_DEV_H
#define MODULE_DEV_H

struct file_operations;

/* What dev.c and the files below it need.  -ENOMEM.  Process context. */
int dev_init(void);
/* No VM is left. */
void dev_exit(void);

/* Of the misc device /dev/hvmod. */
extern const struct file_operations dev_fops;

#endif /* MODULE_DEV_H */
