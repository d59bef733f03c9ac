/* A chain of JSON lines, each of which holds the hash of the one before it: the manifest of a
 * store, the agent's audit log (docs/store-format.md, section 2: what every line has).
 *
 * Writing: chain_init(); chain_dump() makes a line's bytes; when they are on disk, chain_advance().
 * Checking: chain_init(); for each line chain_check(), then chain_advance().
 * One thread at a time; nothing is allocated but by jansson. */
#ifndef WEIR_STORE_CHAIN_H
#define WEIR_STORE_CHAIN_H

#include "base/compiler.h"
#include "base/hash.h"
#include "store/json_lines.h"

#include <jansson.h>
#include <stdint.h>

#define CHAIN_FAULT 300

struct chain {
	uint64_t seq;        /* of the last line */
	char prev[HASH_HEX]; /* its hash */
};

void chain_init(struct chain *c);
/* {"seq","type","at","at_ns", members..., "prev"} and the newline; borrows members (may be NULL).
 * Returns the bytes, 0 where they do not fit. */
size_t chain_dump(const struct chain *c, const char *type, int64_t ns, json_t *members,
		  char *line, size_t room) MUST_CHECK;
/* The line stands: the next one follows it.  `length` without the newline.  Fails, and changes
 * nothing, where the hash has no memory. */
int chain_advance(struct chain *c, const char *line, size_t length) MUST_CHECK;
/* What every line has, as the one behind the last.  False: `fault` says what is wrong, beginning
 * with "WHAT line N". */
bool chain_check(const struct chain *c, const char *what, const struct json_line *line,
		 char fault[CHAIN_FAULT]) MUST_CHECK;

#endif
