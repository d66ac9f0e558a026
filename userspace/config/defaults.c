// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest is of which nothing is said, and the end of what was said.  The
 * commands call it before and after they read options or a file.  It must not
 * need the machine that comes of it.
 */
#include <stdlib.h>

#include "userspace/launch.h"

void launch_init(struct launch *launch)
{
	*launch = (struct launch){
		.config = { .name = "guest", .memory = LAUNCH_MEMORY, .vcpus = 1 },
		.on_reboot = LAUNCH_RESTART,
		.input = true,
		.signals = -1,
		.ready = -1,
	};
}

void launch_free(struct launch *launch)
{
	while (launch->config.disks)
		disk_free(&launch->config.disk[--launch->config.disks]);
	while (launch->config.vifs)
		vif_free(&launch->config.vif[--launch->config.vifs]);
	free(launch->text);
	launch->text = NULL;
}
