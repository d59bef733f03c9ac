/* What a controller may do: a role for all plugins, and others for single ones.
 *
 * As text: "admin", "viewer divert=operator", words parted by spaces or commas.  As JSON:
 * {"*":"viewer","divert":"operator"}.  Pure. */
#ifndef WEIR_AGENT_GRANTS_H
#define WEIR_AGENT_GRANTS_H

#include "agent/dispatch.h"

enum {
	GRANTS_MAX = 16, /* plugins with a role of their own */
	GRANTS_NAME = 33,
	GRANTS_TEXT = 900,
};

struct grants {
	enum agent_role role;
	size_t count;

	struct {
		char plugin[GRANTS_NAME];
		enum agent_role role;
	} items[GRANTS_MAX];
};

int grants_parse(const char *text, struct grants *g, struct weir_error *err) MUST_CHECK;
/* "viewer divert=operator". */
void grants_text(const struct grants *g, char text[GRANTS_TEXT]);
json_t *grants_to_json(const struct grants *g) MUST_CHECK;
bool grants_from_json(const json_t *object, struct grants *g) MUST_CHECK;
enum agent_role grants_for(const struct grants *g, const char *plugin);
/* The same as a caller carries it; `roles` lends from g. */
void grants_view(const struct grants *g, struct caller_role roles[GRANTS_MAX],
		 struct caller *caller);

/* Names of plugins, controllers and agents: 1 to `most` of A-Z a-z 0-9 . _ - and no dot in front. */
bool is_plain_name(const char *text, size_t most);

#endif
