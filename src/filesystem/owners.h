/* Names of users and groups from /etc/passwd and /etc/group, read once by ourselves: a static binary
 * has no name service, and a name service could be made to lie or to ask the network.
 *
 * Calling sequence: owners_new(), owners_user()/owners_group(), owners_free().
 * Threads: after owners_new() only read.  Memory: the two files, at most 16 MiB each. */
#ifndef WEIR_FILESYSTEM_OWNERS_H
#define WEIR_FILESYSTEM_OWNERS_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stdint.h>

struct owners;

struct owner {
	uint32_t id;
	const char *name; /* ends in NUL */
	size_t length;
};

/* A file that cannot be read leaves ids without names.  NULL without memory. */
struct owners *owners_new(const char *passwd_path, const char *group_path) MUST_CHECK;
void owners_free(struct owners *o);
/* NULL where there is none; the first line of an id counts, as everywhere. */
const struct owner *owners_user(const struct owners *o, uint32_t id);
const struct owner *owners_group(const struct owners *o, uint32_t id);
/* A name or a number; false where the name is unknown. */
bool owners_find_user(const struct owners *o, const char *name, uint32_t *id) MUST_CHECK;
bool owners_find_group(const struct owners *o, const char *name, uint32_t *id) MUST_CHECK;

#endif
