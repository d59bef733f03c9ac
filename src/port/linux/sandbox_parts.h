/* The sandbox's mechanisms, one file each; for sandbox.c.  Each leaves in `words` what holds, or why
 * it cannot be had. */
#ifndef WEIR_PORT_LINUX_SANDBOX_PARTS_H
#define WEIR_PORT_LINUX_SANDBOX_PARTS_H

#include "port/sandbox.h"

#define SANDBOX_WORDS sizeof(((struct sandbox_state *)NULL)->words[0])

/* landlock.c */
int landlock_enter(const struct sandbox_rules *rules, int *abi, char *words,
		   struct weir_error *err) MUST_CHECK;
/* seccomp.c */
int seccomp_enter(const struct sandbox_rules *rules, char *words,
		  struct weir_error *err) MUST_CHECK;

#endif
