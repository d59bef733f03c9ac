/* The logs that were set aside in a directory, by name, in the order of their chain.  For audit.c and
 * audit_verify.c.
 *
 * Calling sequence: audit_names_list(), then audit_names_fini(), also where it failed. */
#ifndef WEIR_AGENT_AUDIT_NAMES_H
#define WEIR_AGENT_AUDIT_NAMES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stddef.h>

struct audit_names {
	char (*at)[32];
	size_t count, room;
};

int audit_names_list(struct audit_names *n, int dir_fd,
		     struct weir_error *err) MUST_CHECK;
void audit_names_fini(struct audit_names *n);

#endif
