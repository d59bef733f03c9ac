/* Members of a store that hold lines of their own (processes.jsonl, events.jsonl): what the manifest's
 * last line says of them, against the files. */
#ifndef WEIR_STORE_VERIFY_MEMBERS_H
#define WEIR_STORE_VERIFY_MEMBERS_H

#include "store/verify.h"

/* Takes what the last line states: for each member {"name","bytes","lines","sha256"}. */
int verify_members_state(struct verify *v, const json_t *end, unsigned long long number,
			 struct weir_error *err) MUST_CHECK;
/* Each one stated is there, of that size and hash; what lines before the last one state holds for its
 * beginning. */
int verify_members_check(struct verify *v, struct weir_error *err) MUST_CHECK;
/* Whether the file of that name is a member that no line states, although one should. */
bool verify_members_are_silent(const struct verify *v, const char *name);
void verify_members_fini(struct verify *v);

#endif
