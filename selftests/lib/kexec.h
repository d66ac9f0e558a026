/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of a crash kernel, in a host and in a guest. */
#ifndef SELFTESTS_LIB_KEXEC_H
#define SELFTESTS_LIB_KEXEC_H

#include <string.h>

#include "tap.h"

/* One CPU is enough for it, and its memory is what the first kernel left. */
static inline void kexec_crash_line(char *line, size_t room)
{
	char *word = strstr(line, "crashkernel=");

	while (word && *word && *word != ' ')
		*word++ = ' ';
	hv_need(strlen(line) + 16 < room);
	strcat(line, " nr_cpus=1");
}

#endif /* SELFTESTS_LIB_KEXEC_H */
