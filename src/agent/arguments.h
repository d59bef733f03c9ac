/* The words of a command line as the arguments of a directive, typed by its schema: "name=value",
 * "name:=JSON", "name.inner=value" for objects; where an array is wanted each "name=value" adds an item.
 * Pure.  What the values mean, the agent checks: here they only get their types. */
#ifndef WEIR_AGENT_ARGUMENTS_H
#define WEIR_AGENT_ARGUMENTS_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stddef.h>

/* schema NULL: every value is text.  *arguments is a new object. */
int arguments_parse(const json_t *schema, char *const *words, size_t count,
		    json_t **arguments, struct weir_error *err) MUST_CHECK;
/* The directive's entry in an answer of describe; NULL where there is none.  Lent. */
const json_t *describe_find(const json_t *description, const char *plugin,
			    const char *directive);
/* The plugin's entry. */
const json_t *describe_plugin(const json_t *description, const char *plugin);

#endif
