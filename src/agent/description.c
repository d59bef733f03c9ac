#include "agent/description.h"

#include "agent/schema.h"
#include "base/mem.h"

#include <stdio.h>

/* Of a description, in the words that arguments are described with. */
static const char form[] =
	"{'type':'object','required':['protocol','name','summary','directives'],"
	"'properties':{'protocol':{'const':1},"
	"'name':{'type':'string','minLength':1,'maxLength':32},"
	"'summary':{'type':'string','maxLength':200},"
	"'version':{'type':'string','maxLength':60},"
	"'directives':{'type':'array','maxItems':64,'items':{'type':'object',"
	"'required':['name','summary','role','arguments'],'properties':{"
	"'name':{'type':'string','minLength':1,'maxLength':32},"
	"'summary':{'type':'string','maxLength':200},"
	"'role':{'enum':['viewer','operator','admin']},"
	"'arguments':{'type':'object'},'streams':{'type':'boolean'},"
	"'timeout_s':{'type':'integer','minimum':0,'maximum':86400}}}}}}";

static json_t *load_form(void)
{
	char text[sizeof form];

	for (size_t i = 0; i < sizeof form; i++)
		text[i] = form[i] == '\'' ? '"' : form[i];
	return json_loads(text, 0, NULL);
}

/* Names go into paths, log lines and commands. */
static bool is_name(const char *name)
{
	return *name &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

static int check_directive(const json_t *all, size_t at, struct weir_error *err)
{
	const json_t *one = json_array_get(all, at),
		     *schema = json_object_get(one, "arguments");
	const char *name = json_string_value(json_object_get(one, "name"));

	if (!is_name(name))
		return err_set(err, WEIR_ERR_FORMAT, "'%.40s' is no name of a directive",
			       name);
	for (size_t i = 0; i < at; i++) {
		const json_t *other = json_array_get(all, i);

		if (!strcmp(name, json_string_value(json_object_get(other, "name"))))
			return err_set(err, WEIR_ERR_FORMAT,
				       "two directives are called '%.40s'", name);
	}
	if (schema_check(schema, err))
		return err_prefix(err, "arguments of directive '%.40s'", name);
	return 0;
}

int description_check(const json_t *description, struct weir_error *err)
{
	const json_t *all = json_object_get(description, "directives");
	json_t *schema = load_form();
	int rc = schema ? schema_validate(schema, description, err)
			: err_set(err, WEIR_ERR_NO_MEMORY, "no memory");

	json_decref(schema);
	for (size_t i = 0; !rc && i < json_array_size(all); i++)
		rc = check_directive(all, i, err);
	return rc;
}

static void fill(struct directive *d, const json_t *from)
{
	const json_t *timeout = json_object_get(from, "timeout_s");

	*d = (struct directive){
		.name = json_string_value(json_object_get(from, "name")),
		.role = role_find(json_string_value(json_object_get(from, "role"))),
		.schema = json_object_get(from, "arguments"),
		.timeout_s = timeout ? (unsigned)json_integer_value(timeout)
				     : DIRECTIVE_TIMEOUT_S,
		.streams = json_is_true(json_object_get(from, "streams")),
	};
}

bool description_find(const json_t *description, const char *name, struct directive *d)
{
	json_t *one;
	size_t at;

	json_array_foreach(json_object_get(description, "directives"), at, one)
	{
		if (!strcmp(json_string_value(json_object_get(one, "name")), name)) {
			fill(d, one);
			return true;
		}
	}
	return false;
}

static const char *const role_names[] = { "none", "viewer", "operator", "admin" };

const char *role_name(enum agent_role role)
{
	return role_names[role];
}

enum agent_role role_find(const char *name)
{
	for (unsigned i = ROLE_VIEWER; name && i < ARRAY_LEN(role_names); i++)
		if (!strcmp(role_names[i], name))
			return (enum agent_role)i;
	return ROLE_NONE;
}
