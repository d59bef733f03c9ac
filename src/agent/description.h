/* What a plugin says of itself, checked: names, roles, schemas.  Pure.
 *
 * {"protocol":1, "name":TEXT, "summary":TEXT, "version":TEXT (optional), "directives":[
 *  {"name":TEXT, "summary":TEXT, "role":"viewer"|"operator"|"admin", "arguments":SCHEMA,
 *   "streams":BOOL (false), "timeout_s":N (60; 0: none)}]} */
#ifndef WEIR_AGENT_DESCRIPTION_H
#define WEIR_AGENT_DESCRIPTION_H

#include "agent/dispatch.h"

enum {
	DESCRIPTION_PROTOCOL = 1,
	DIRECTIVE_TIMEOUT_S = 60,
};

struct directive {
	const char *name;
	enum agent_role role;
	const json_t *schema; /* an object */
	unsigned timeout_s;   /* 0: none */
	bool streams;
};

int description_check(const json_t *description, struct weir_error *err) MUST_CHECK;
/* Lends; false where there is none of that name.  The description has been checked. */
bool description_find(const json_t *description, const char *name, struct directive *d);

#endif
