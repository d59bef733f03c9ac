/* What authorize.c and own_directives.c share; for them only. */
#ifndef WEIR_AGENT_AUTHORITY_H
#define WEIR_AGENT_AUTHORITY_H

#include "agent/audit.h"
#include "agent/authorize.h"
#include "agent/notes.h"
#include "agent/seats.h"

struct watched;

struct authority {
	struct authority_config c;
	struct dispatch *dispatch;
	struct event_base *base;
	struct audit *audit;
	struct controllers controllers;
	struct seats seats;
	struct notes notes;
	struct watched *watched; /* calls that are open */
	void (*changed)(void *data);
	void *changed_data;
	char name[64];
};

/* A directive of the plugin `agent` that is answered here.  Returns the result, or NULL with *err
 * filled. */
struct own_directive {
	const char *name, *summary;
	enum agent_role role;
	const char *schema;
	json_t *(*run)(struct authority *a, const struct caller *caller,
		       const json_t *arguments, struct weir_error *err);
};

/* NULL where there is none of that name. */
const struct own_directive *own_find(const char *plugin, const char *directive);
/* Checks the arguments and runs it. */
json_t *own_run(const struct own_directive *o, struct authority *a,
		const struct caller *caller, json_t *arguments, int *code,
		struct weir_error *err);
/* Adds them to the entry of the plugin `agent` of a description. */
void own_describe(json_t *description);

void authority_changed(struct authority *a);

#endif
