#include "agent/arguments.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 200,
	DEPTH_MAX = 8,
};

enum {
	IS_STRING = 1,
	IS_INTEGER = 2,
	IS_NUMBER = 4,
	IS_BOOLEAN = 8,
	IS_NULL = 16,
	IS_ARRAY = 32,
	IS_OBJECT = 64,
	IS_ANY = 127
};

static unsigned type_bit(const char *name)
{
	static const struct {
		const char *name;
		unsigned bit;
	} all[] = { { "string", IS_STRING }, { "integer", IS_INTEGER },
		    { "number", IS_NUMBER }, { "boolean", IS_BOOLEAN },
		    { "null", IS_NULL },     { "array", IS_ARRAY },
		    { "object", IS_OBJECT } };

	for (size_t i = 0; name && i < ARRAY_LEN(all); i++)
		if (!strcmp(all[i].name, name))
			return all[i].bit;
	return 0;
}

static unsigned bit_of_value(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return IS_STRING;
	case JSON_INTEGER:
		return IS_INTEGER;
	case JSON_REAL:
		return IS_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return IS_BOOLEAN;
	case JSON_NULL:
		return IS_NULL;
	case JSON_ARRAY:
		return IS_ARRAY;
	case JSON_OBJECT:
		return IS_OBJECT;
	}
	return 0;
}

/* The types that a value may have. */
static unsigned types_of(const json_t *schema, unsigned depth)
{
	const json_t *type = json_object_get(schema, "type"),
		     *any = json_object_get(schema, "anyOf"),
		     *choice = json_object_get(schema, "enum");
	unsigned types = 0;

	if (json_is_string(type))
		return type_bit(json_string_value(type));
	for (size_t i = 0; i < json_array_size(type); i++)
		types |= type_bit(json_string_value(json_array_get(type, i)));
	for (size_t i = 0; depth < DEPTH_MAX && i < json_array_size(any); i++)
		types |= types_of(json_array_get(any, i), depth + 1);
	for (size_t i = 0; i < json_array_size(choice); i++)
		types |= bit_of_value(json_array_get(choice, i));
	return types ? types : IS_ANY;
}

static json_t *read_integer(const char *text)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	return errno || end == text || *end ? NULL : json_integer(v);
}

static json_t *read_number(const char *text)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	return errno || end == text || *end ? NULL : json_real(v);
}

/* NULL: it cannot be a value of these types.  Text is what is left. */
static json_t *read_value(unsigned types, const char *text)
{
	json_t *v = NULL;

	if (types & (IS_INTEGER | IS_NUMBER))
		v = read_integer(text);
	if (!v && types & IS_NUMBER)
		v = read_number(text);
	if (!v && types & IS_BOOLEAN && !strcmp(text, "true"))
		v = json_true();
	if (!v && types & IS_BOOLEAN && !strcmp(text, "false"))
		v = json_false();
	if (!v && types & IS_NULL && !strcmp(text, "null"))
		v = json_null();
	return !v && types & IS_STRING ? json_string(text) : v;
}

static int fail_value(const char *name, unsigned types, const char *text,
		      struct weir_error *err)
{
	static const char *const words[] = { "text", "a whole number", "a number",
					     "true or false", "null" };
	const char *want = "an object: give its members, or NAME:=JSON";

	for (size_t i = ARRAY_LEN(words); i > 0; i--)
		if (types & 1U << (i - 1))
			want = words[i - 1];
	return err_set(err, WEIR_ERR_USAGE, "'%.60s': '%.60s' is not %s", name, text,
		       want);
}

/* Names the arguments that there are. */
static int fail_name(const json_t *properties, const char *name, struct weir_error *err)
{
	char list[220] = "";
	size_t at = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)properties, key, value)
	{
		int n = snprintf(list + at, sizeof list - at, "%s%.30s", at ? ", " : "",
				 key);

		(void)value;
		if (n < 0 || (size_t)n >= sizeof list - at)
			break;
		at += (size_t)n;
	}
	return err_set(err, WEIR_ERR_USAGE, "there is no argument '%.60s'; there %s%s",
		       name, *list ? "are " : "are none", list);
}

static const json_t *schema_of(const json_t *schema, const char *name, bool *is_known)
{
	const json_t *properties = json_object_get(schema, "properties"),
		     *one = json_object_get(properties, name);

	*is_known = one || !schema || !properties ||
		    !json_is_false(json_object_get(schema, "additionalProperties"));
	return one;
}

static int put(json_t *into, const json_t *schema, const char *name, const char *text,
	       struct weir_error *err)
{
	unsigned types = schema ? types_of(schema, 0) : IS_STRING;
	json_t *list, *v;

	if (types & IS_ARRAY && types != IS_ANY) {
		const json_t *items = json_object_get(schema, "items");

		v = read_value(items ? types_of(items, 0) : IS_STRING, text);
		list = json_object_get(into, name);
		if (v && !list) {
			list = json_array();
			json_object_set_new(into, name, list);
		}
		if (!v || json_array_append_new(list, v))
			return fail_value(name, types, text, err);
		return 0;
	}
	v = read_value(types == IS_ANY ? IS_STRING : types, text);
	if (!v)
		return fail_value(name, types, text, err);
	if (json_object_get(into, name)) {
		json_decref(v);
		return err_set(err, WEIR_ERR_USAGE, "'%.60s' is given twice", name);
	}
	json_object_set_new(into, name, v);
	return 0;
}

static int put_json(json_t *into, const char *name, const char *text,
		    struct weir_error *err)
{
	json_error_t why;
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);

	if (!v)
		return err_set(err, WEIR_ERR_USAGE, "'%.60s': no JSON: byte %d: %.120s",
			       name, why.position, why.text);
	json_object_set_new(into, name, v);
	return 0;
}

/* One word: descends by the dots of its name, then sets the value. */
static int take_word(json_t *into, const json_t *schema, char *name, const char *text,
		     bool is_json, struct weir_error *err)
{
	for (unsigned depth = 0;; depth++) {
		bool is_known;
		const json_t *one = schema_of(schema, name, &is_known), *inner;
		char *dot = strchr(name, '.');

		/* A member may have a dot in its own name. */
		if (one || !dot || depth == DEPTH_MAX) {
			if (!is_known)
				return fail_name(json_object_get(schema, "properties"),
						 name, err);
			return is_json ? put_json(into, name, text, err)
				       : put(into, one, name, text, err);
		}
		*dot = '\0';
		inner = schema_of(schema, name, &is_known);
		if (!is_known)
			return fail_name(json_object_get(schema, "properties"), name,
					 err);
		if (!json_object_get(into, name))
			json_object_set_new(into, name, json_object());
		into = json_object_get(into, name);
		if (!json_is_object(into))
			return err_set(err, WEIR_ERR_USAGE, "'%.60s' is given twice",
				       name);
		schema = inner;
		name = dot + 1;
	}
}

int arguments_parse(const json_t *schema, char *const *words, size_t count,
		    json_t **arguments, struct weir_error *err)
{
	char name[NAME_MAX_BYTES];
	int rc = 0;

	*arguments = json_object();
	if (!*arguments)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for arguments");
	for (size_t i = 0; !rc && i < count; i++) {
		const char *equals = strchr(words[i], '=');
		bool is_json = equals && equals > words[i] && equals[-1] == ':';
		size_t n = equals ? (size_t)(equals - words[i]) - is_json : 0;

		if (!n || n >= sizeof name) {
			rc = err_set(err, WEIR_ERR_USAGE,
				     "'%.60s' is no argument: NAME=VALUE or NAME:=JSON",
				     words[i]);
			break;
		}
		(void)snprintf(name, sizeof name, "%.*s", (int)n, words[i]);
		rc = take_word(*arguments, schema, name, equals + 1, is_json, err);
	}
	if (rc) {
		json_decref(*arguments);
		*arguments = NULL;
	}
	return rc;
}

static const json_t *find_named(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *found = json_string_value(json_object_get(one, "name"));

		if (found && !strcmp(found, name))
			return one;
	}
	return NULL;
}

const json_t *describe_plugin(const json_t *description, const char *plugin)
{
	return find_named(json_object_get(description, "plugins"), plugin);
}

const json_t *describe_find(const json_t *description, const char *plugin,
			    const char *directive)
{
	const json_t *one = describe_plugin(description, plugin);

	return one ? find_named(json_object_get(one, "directives"), directive) : NULL;
}
