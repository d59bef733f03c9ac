#include "agent/schema.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	PATH_MAX_BYTES = 200
};

/* Where in the value we are, for messages: "limits.bytes", "items[3]". */
struct place {
	char text[PATH_MAX_BYTES];
	size_t used;
	struct weir_error *err;
};

typedef int (*check_word)(const json_t *word, const json_t *value, struct place *p,
			  unsigned depth);

static int validate(const json_t *schema, const json_t *value, struct place *p,
		    unsigned depth);

static size_t enter(struct place *p, const char *name, size_t index)
{
	size_t was = p->used;
	int n = name ? snprintf(p->text + was, sizeof p->text - was, "%s%.60s",
				was ? "." : "", name)
		     : snprintf(p->text + was, sizeof p->text - was, "[%zu]", index);

	p->used = n < 0 || was + (size_t)n >= sizeof p->text ? sizeof p->text - 1
							     : was + (size_t)n;
	return was;
}

static void leave(struct place *p, size_t was)
{
	p->used = was;
	p->text[was] = '\0';
}

#define BAD(p, ...) (err_set((p)->err, WEIR_ERR_FORMAT, __VA_ARGS__), name_place(p))

static int name_place(const struct place *p)
{
	return err_prefix(p->err, "'%s'", p->used ? p->text : "arguments");
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

/* 3.0 is no integer here, though JSON Schema says it is: json_integer_value() makes a 0 of it. */
static bool is_type(const char *type, const json_t *value)
{
	if (!strcmp(type, "number"))
		return json_is_number(value);
	return !strcmp(type, type_name(value));
}

/* Who wrote 3.0 would not see what is wrong with it. */
static const char *hint(const char *type, const json_t *value)
{
	bool is_real = !strcmp(type, "integer") && json_is_real(value);

	return is_real ? ": an integer has no point and no exponent" : "";
}

static int check_type(const json_t *word, const json_t *value, struct place *p,
		      unsigned depth)
{
	json_t *one;
	size_t at;

	(void)depth;
	if (json_is_string(word))
		return is_type(json_string_value(word), value)
			       ? 0
			       : BAD(p, "a value of type %s is wanted, not %s%s",
				     json_string_value(word), type_name(value),
				     hint(json_string_value(word), value));
	json_array_foreach(word, at,
			   one) if (is_type(json_string_value(one), value)) return 0;
	return BAD(p, "a value of type %s is not wanted", type_name(value));
}

static int check_enum(const json_t *word, const json_t *value, struct place *p,
		      unsigned depth)
{
	char names[160];
	size_t used = 0, at;
	json_t *one;

	(void)depth;
	names[0] = '\0';
	json_array_foreach(word, at, one)
	{
		if (json_equal(one, value))
			return 0;
		if (json_is_string(one) && used < sizeof names) {
			int n = snprintf(names + used, sizeof names - used, "%s%s",
					 used ? ", " : "", json_string_value(one));

			used += n > 0 ? (size_t)n : 0;
		}
	}
	if (json_is_string(value))
		return BAD(p, "'%.60s' is none of %s", json_string_value(value), names);
	return BAD(p, "the value is none of %s", names);
}

static int check_const(const json_t *word, const json_t *value, struct place *p,
		       unsigned depth)
{
	(void)depth;
	return json_equal(word, value)
		       ? 0
		       : BAD(p, "the value is not the one that may stand");
}

static int check_properties(const json_t *word, const json_t *value, struct place *p,
			    unsigned depth)
{
	const char *name;
	json_t *schema;
	int rc = 0;

	json_object_foreach((json_t *)(uintptr_t)word, name, schema)
	{
		const json_t *member = json_object_get(value, name);
		size_t was;

		if (!member)
			continue;
		was = enter(p, name, 0);
		rc = validate(schema, member, p, depth);
		leave(p, was);
		if (rc)
			return rc;
	}
	return rc;
}

static int check_required(const json_t *word, const json_t *value, struct place *p,
			  unsigned depth)
{
	json_t *name;
	size_t at;

	(void)depth;
	if (!json_is_object(value))
		return 0;
	json_array_foreach(word, at, name) if (
		!json_object_get(
			value,
			json_string_value(name))) return BAD(p, "'%.60s' is missing",
							     json_string_value(name));
	return 0;
}

static int check_items(const json_t *word, const json_t *value, struct place *p,
		       unsigned depth)
{
	json_t *one;
	size_t at;

	json_array_foreach(value, at, one)
	{
		size_t was = enter(p, NULL, at);
		int rc = validate(word, one, p, depth);

		leave(p, was);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_any_of(const json_t *word, const json_t *value, struct place *p,
			unsigned depth)
{
	struct weir_error *err = p->err;
	json_t *one;
	size_t at;

	json_array_foreach(word, at, one)
	{
		int rc;

		p->err = NULL;
		rc = validate(one, value, p, depth);
		p->err = err;
		if (!rc)
			return 0;
	}
	return BAD(p, "none of the forms that it may have fits");
}

/* 0.0 and -0.0 are the same number, and differ as text. */
static void drop_signs_of_zero(json_t *value)
{
	const char *name;
	json_t *inside;
	size_t at;

	if (json_is_real(value) && json_real_value(value) == 0)
		(void)json_real_set(value, 0.0);
	json_array_foreach(value, at, inside) drop_signs_of_zero(inside);
	json_object_foreach(value, name, inside) drop_signs_of_zero(inside);
}

/* The same text for values that are the same, and for no others; NULL without memory. */
static char *canonical(const json_t *value)
{
	json_t *plain = json_deep_copy(value);
	char *text = NULL;

	if (plain) {
		drop_signs_of_zero(plain);
		text = json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(plain);
	return text;
}

/* By a table, for an array may have as many elements as a message has room for. */
static int check_unique(const json_t *word, const json_t *value, struct place *p,
			unsigned depth)
{
	size_t count = json_is_true(word) ? json_array_size(value) : 0;
	json_t *seen = json_object();
	int rc = 0;

	(void)depth;
	for (size_t at = 0; !rc && at < count; at++) {
		char *text = canonical(json_array_get(value, at));

		if (text && json_object_get(seen, text))
			rc = BAD(p, "two elements are the same");
		else if (!text || json_object_set_new(seen, text, json_true()))
			rc = BAD(p, "no memory to compare its elements");
		/* jansson's own memory. */
		free(text);
	}
	json_decref(seen);
	return rc;
}

/* Sizes. */

static size_t code_points(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int at_least(size_t have, const json_t *word, struct place *p, const char *what)
{
	json_int_t bound = json_integer_value(word);

	return (json_int_t)have >= bound ? 0
					 : BAD(p, "%zu %s, at least %lld are wanted",
					       have, what, (long long)bound);
}

static int at_most(size_t have, const json_t *word, struct place *p, const char *what)
{
	json_int_t bound = json_integer_value(word);

	return (json_int_t)have <= bound ? 0
					 : BAD(p, "%zu %s, at most %lld are allowed",
					       have, what, (long long)bound);
}

#define SIZE_WORD(function, bound, is_kind, size, what)                        \
 static int function(const json_t *word, const json_t *value, struct place *p, \
		     unsigned depth)                                           \
 {                                                                             \
  (void)depth;                                                                 \
  return is_kind(value) ? bound(size, word, p, what) : 0;                      \
 }

SIZE_WORD(check_min_length, at_least, json_is_string,
	  code_points(json_string_value(value)), "characters")
SIZE_WORD(check_max_length, at_most, json_is_string,
	  code_points(json_string_value(value)), "characters")
SIZE_WORD(check_min_items, at_least, json_is_array, json_array_size(value), "elements")
SIZE_WORD(check_max_items, at_most, json_is_array, json_array_size(value), "elements")
SIZE_WORD(check_min_members, at_least, json_is_object, json_object_size(value), "members")
SIZE_WORD(check_max_members, at_most, json_is_object, json_object_size(value), "members")

/* -1, 0 or 1.  Integers are compared as integers: a double loses them above 2^53. */
static int compare(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	return (json_number_value(a) > json_number_value(b)) -
	       (json_number_value(a) < json_number_value(b));
}

static int tell_bound(const json_t *word, const json_t *value, struct place *p,
		      const char *relation)
{
	return BAD(p, "%.15g is %s %.15g", json_number_value(value), relation,
		   json_number_value(word));
}

/* NOLINTBEGIN(bugprone-macro-parentheses): an operator and its right side */
#define BOUND_WORD(function, is_wrong, relation)                               \
 static int function(const json_t *word, const json_t *value, struct place *p, \
		     unsigned depth)                                           \
 {                                                                             \
  (void)depth;                                                                 \
  return json_is_number(value) && (compare(value, word) is_wrong)              \
		 ? tell_bound(word, value, p, relation)                        \
		 : 0;                                                          \
 }
/* NOLINTEND(bugprone-macro-parentheses) */

BOUND_WORD(check_minimum, < 0, "less than")
BOUND_WORD(check_maximum, > 0, "more than")
BOUND_WORD(check_above, <= 0, "not more than")
BOUND_WORD(check_below, >= 0, "not less than")

/* What a word's own value must be, for schema_check(). */
enum operand {
	OPERAND_ANY,
	OPERAND_TYPES,
	OPERAND_ARRAY,
	OPERAND_NAMES,
	OPERAND_SCHEMA,
	OPERAND_SCHEMAS,    /* array of them */
	OPERAND_PROPERTIES, /* object of them */
	OPERAND_COUNT,
	OPERAND_NUMBER,
	OPERAND_BOOLEAN,
	OPERAND_TEXT,
};

static const struct word {
	const char *name;
	check_word check; /* NULL: says nothing of validity, or is looked at elsewhere */
	enum operand operand;
} words[] = {
	{ "type", check_type, OPERAND_TYPES },
	{ "enum", check_enum, OPERAND_ARRAY },
	{ "const", check_const, OPERAND_ANY },
	{ "required", check_required, OPERAND_NAMES },
	{ "properties", check_properties, OPERAND_PROPERTIES },
	{ "additionalProperties", NULL, OPERAND_BOOLEAN },
	{ "minProperties", check_min_members, OPERAND_COUNT },
	{ "maxProperties", check_max_members, OPERAND_COUNT },
	{ "items", check_items, OPERAND_SCHEMA },
	{ "minItems", check_min_items, OPERAND_COUNT },
	{ "maxItems", check_max_items, OPERAND_COUNT },
	{ "uniqueItems", check_unique, OPERAND_BOOLEAN },
	{ "minLength", check_min_length, OPERAND_COUNT },
	{ "maxLength", check_max_length, OPERAND_COUNT },
	{ "minimum", check_minimum, OPERAND_NUMBER },
	{ "maximum", check_maximum, OPERAND_NUMBER },
	{ "exclusiveMinimum", check_above, OPERAND_NUMBER },
	{ "exclusiveMaximum", check_below, OPERAND_NUMBER },
	{ "anyOf", check_any_of, OPERAND_SCHEMAS },
	{ "title", NULL, OPERAND_TEXT },
	{ "description", NULL, OPERAND_TEXT },
	{ "default", NULL, OPERAND_ANY },
	{ "examples", NULL, OPERAND_ARRAY },
	{ "$comment", NULL, OPERAND_TEXT },
	{ "$schema", NULL, OPERAND_TEXT },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

/* `additionalProperties` needs to know its neighbour. */
static int check_strangers(const json_t *schema, const json_t *value, struct place *p)
{
	const json_t *known = json_object_get(schema, "properties");
	const char *name;
	json_t *member;

	if (!json_is_false(json_object_get(schema, "additionalProperties")) ||
	    !json_is_object(value))
		return 0;
	json_object_foreach(
		(json_t *)(uintptr_t)value, name,
		member) if (!json_object_get(known,
					     name)) return BAD(p,
							       "there is no '%.60s' here",
							       name);
	return 0;
}

static int validate(const json_t *schema, const json_t *value, struct place *p,
		    unsigned depth)
{
	int rc;

	if (!depth)
		return BAD(p, "nested deeper than %d", SCHEMA_DEPTH_MAX);
	rc = check_strangers(schema, value, p);
	/* In the table's order, so that the first fault told is the plainest. */
	for (size_t i = 0; !rc && i < ARRAY_LEN(words); i++) {
		const json_t *word =
			words[i].check ? json_object_get(schema, words[i].name) : NULL;

		if (word)
			rc = words[i].check(word, value, p, depth - 1);
	}
	return rc;
}

int schema_validate(const json_t *schema, const json_t *value, struct weir_error *err)
{
	struct place p = { .err = err };

	return validate(schema, value, &p, SCHEMA_DEPTH_MAX);
}

/* The schema itself. */

static int check_schema(const json_t *schema, struct place *p, unsigned depth);

static bool is_known_type(const json_t *type)
{
	static const char *const known[] = { "object", "array",   "string", "integer",
					     "number", "boolean", "null" };

	for (size_t i = 0; json_is_string(type) && i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], json_string_value(type)))
			return true;
	return false;
}

static bool are_types(const json_t *value)
{
	json_t *one;
	size_t at;

	if (!json_is_array(value))
		return is_known_type(value);
	json_array_foreach(value, at, one) if (!is_known_type(one)) return false;
	return json_array_size(value) != 0;
}

static bool are_names(const json_t *value)
{
	json_t *one;
	size_t at;

	json_array_foreach(value, at, one) if (!json_is_string(one)) return false;
	return json_is_array(value);
}

static bool is_plain_operand(enum operand kind, const json_t *value)
{
	switch (kind) {
	case OPERAND_TYPES:
		return are_types(value);
	case OPERAND_ARRAY:
	case OPERAND_SCHEMAS:
		return json_is_array(value) && json_array_size(value);
	case OPERAND_NAMES:
		return are_names(value);
	case OPERAND_SCHEMA:
	case OPERAND_PROPERTIES:
		return json_is_object(value);
	case OPERAND_COUNT:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case OPERAND_NUMBER:
		return json_is_number(value);
	case OPERAND_BOOLEAN:
		return json_is_boolean(value);
	case OPERAND_TEXT:
		return json_is_string(value);
	case OPERAND_ANY:
		break;
	}
	return true;
}

static int check_properties_of(const json_t *value, struct place *p, unsigned depth)
{
	const char *name;
	json_t *one;
	int rc = 0;

	json_object_foreach((json_t *)(uintptr_t)value, name, one)
	{
		size_t was = enter(p, name, 0);

		if (!rc)
			rc = check_schema(one, p, depth);
		leave(p, was);
	}
	return rc;
}

static int check_inside(enum operand kind, const json_t *value, struct place *p,
			unsigned depth)
{
	json_t *one;
	size_t at;
	int rc = 0;

	if (kind == OPERAND_SCHEMA)
		return check_schema(value, p, depth);
	if (kind == OPERAND_PROPERTIES)
		return check_properties_of(value, p, depth);
	if (kind == OPERAND_SCHEMAS)
		json_array_foreach(value, at, one) if (!rc) rc =
			check_schema(one, p, depth);
	return rc;
}

static int check_schema(const json_t *schema, struct place *p, unsigned depth)
{
	const char *name;
	json_t *value;
	int rc = 0;

	if (!json_is_object(schema))
		return BAD(p, "a schema is not an object");
	if (!depth)
		return BAD(p, "nested deeper than %d", SCHEMA_DEPTH_MAX);
	json_object_foreach((json_t *)(uintptr_t)schema, name, value)
	{
		const struct word *w = find_word(name);
		size_t was = enter(p, name, 0);

		if (!rc && !w)
			rc = BAD(p, "not a word of the schemas that are understood");
		else if (!rc && !is_plain_operand(w->operand, value))
			rc = BAD(p, "not what may stand behind this word");
		else if (!rc)
			rc = check_inside(w->operand, value, p, depth - 1);
		leave(p, was);
	}
	return rc;
}

int schema_check(const json_t *schema, struct weir_error *err)
{
	struct place p = { .err = err };

	return check_schema(schema, &p, SCHEMA_DEPTH_MAX);
}
