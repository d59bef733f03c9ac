/* A validator of a stated subset of JSON Schema (draft 2020-12): what a directive's arguments are
 * checked against before a plugin sees them.  Pure.
 *
 * Understood: type (one name or a list), enum, const, properties, required, additionalProperties
 * (true or false), minProperties, maxProperties, items (one schema), minItems, maxItems, uniqueItems,
 * minLength and maxLength (in code points), minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * anyOf; and, without meaning for validity, title, description, default, examples, $comment, $schema.
 * `pattern` is not understood, and neither is any other word: a schema that uses one is refused by
 * schema_check(), because a word that is not enforced would be a promise that is not kept.
 *
 * Calling sequence: schema_check() once; schema_validate() as often as wanted.
 * Errors: the text begins with the place: "'limits.bytes': 12 is less than 4096".
 * Bounds: SCHEMA_DEPTH_MAX levels of schema and of value. */
#ifndef WEIR_AGENT_SCHEMA_H
#define WEIR_AGENT_SCHEMA_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>

enum {
	SCHEMA_DEPTH_MAX = 16,
};

/* The schema itself is one that is understood whole. */
int schema_check(const json_t *schema, struct weir_error *err) MUST_CHECK;
int schema_validate(const json_t *schema, const json_t *value,
		    struct weir_error *err) MUST_CHECK;

#endif
