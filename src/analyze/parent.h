/* What a derived file says of the sources it was made from: the base name, and for a store the hash
 * of the head of its manifest's chain, which stands for all that the store holds. */
#ifndef WEIR_ANALYZE_PARENT_H
#define WEIR_ANALYZE_PARENT_H

#include "base/compiler.h"
#include "base/hash.h"
#include "weir/error.h"

#include <stddef.h>

#define PARENT_TEXT 768

/* SHA-256 of the last whole line of the store's manifest, as the next line's `prev` would have it.
 * WEIR_ERR_ABSENT where path is no store. */
int parent_head(const char *path, char hex[HASH_HEX], struct weir_error *err) MUST_CHECK;

/* "made from 'evidence', manifest head sha256:..."; for a file without the head. */
int parent_describe(const char *path, char text[PARENT_TEXT],
		    struct weir_error *err) MUST_CHECK;

#endif
