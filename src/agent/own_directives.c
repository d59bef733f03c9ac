#include "agent/authority.h"

#include "agent/pairing.h"
#include "agent/schema.h"
#include "port/port.h"
#include "store/json_lines.h"

#define NO_ARGUMENTS \
 "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
#define KEY_MEMBER                                                                \
 "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"description\":" \
 "\"the controller's name, its pin, or at least 8 digits of its pin\"}"
#define ROLES_MEMBER                                                                 \
 "\"roles\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":800,\"description\":" \
 "\"viewer, operator or admin, and PLUGIN=ROLE for single plugins\"}"

enum {
	CODE_S = 600,
	CODE_S_MAX = 86400,
};

static json_t *no_memory(struct weir_error *err)
{
	(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for an answer");
	return NULL;
}

static json_t *run_whoami(struct authority *a, const struct caller *caller,
			  const json_t *arguments, struct weir_error *err)
{
	json_t *roles = json_pack("{s:s}", "*", role_name(caller->role)), *o;

	(void)arguments;
	for (size_t i = 0; i < caller->role_count; i++)
		json_object_set_new(roles, caller->roles[i].plugin,
				    json_string(role_name(caller->roles[i].role)));
	o = json_pack("{s:s,s:s,s:s,s:o}", "agent", a->name, "caller", caller->name,
		      "transport", caller->transport, "roles", roles);
	return o ? o : no_memory(err);
}

static json_t *run_describe(struct authority *a, const struct caller *caller,
			    const json_t *arguments, struct weir_error *err)
{
	json_t *o = authority_describe(a);

	(void)caller;
	(void)arguments;
	return o ? o : no_memory(err);
}

static json_t *run_keys(struct authority *a, const struct caller *caller,
			const json_t *arguments, struct weir_error *err)
{
	json_t *list = json_array(), *o;
	char pin[PIN_HEX] = "", base64[PIN_BASE64] = "";

	(void)caller;
	(void)arguments;
	for (size_t i = 0; i < a->controllers.count; i++)
		json_array_append_new(list, controller_to_json(&a->controllers.items[i]));
	if (a->c.pin) {
		pin_hex(a->c.pin, pin);
		pin_base64(a->c.pin, base64);
	}
	o = json_pack("{s:s,s:s,s:s,s:b,s:o}", "agent", a->name, "pin", pin, "pin_base64",
		      base64, "pairing", (int)authority_is_pairing(a), "controllers",
		      list);
	return o ? o : no_memory(err);
}

static json_t *run_code(struct authority *a, const struct caller *caller,
			const json_t *arguments, struct weir_error *err)
{
	const char *roles = json_get_text(arguments, "roles");
	int64_t now = port_realtime_ns(), ends, lasts_s;
	char text[PAIRING_CODE], at[TIME_TEXT];
	struct grants g;
	json_t *o;

	(void)caller;
	if (!json_get_i64(arguments, "lasts_s", &lasts_s))
		lasts_s = CODE_S;
	if (!a->c.pin) {
		(void)err_set(err, WEIR_ERR_UNSUPPORTED,
			      "the agent has no key: run 'weir agent init'");
		return NULL;
	}
	if (grants_parse(roles ? roles : "", &g, err) ||
	    pairing_open(a->c.dir_fd, a->c.pin, &g, now, lasts_s * NS_PER_S, text, err))
		return NULL;
	ends = now + lasts_s * NS_PER_S;
	time_format(ends, at);
	o = json_pack("{s:s,s:s,s:I,s:o}", "code", text, "ends", at, "ends_ns",
		      (json_int_t)ends, "roles", grants_to_json(&g));
	return o ? o : no_memory(err);
}

static const struct controller *find_key(struct authority *a, const json_t *arguments,
					 struct weir_error *err)
{
	const char *word = json_get_text(arguments, "key");
	const struct controller *one =
		controllers_by_word(&a->controllers, word ? word : "");

	if (!one)
		(void)err_set(err, WEIR_ERR_ABSENT, "there is no key '%.64s'",
			      word ? word : "");
	return one;
}

static json_t *run_revoke(struct authority *a, const struct caller *caller,
			  const json_t *arguments, struct weir_error *err)
{
	const struct controller *one = find_key(a, arguments, err);
	struct pin pin;

	(void)caller;
	if (!one)
		return NULL;
	pin = one->pin;
	if (controllers_revoke(&a->controllers, &pin, port_realtime_ns(), err)) {
		authority_changed(a);
		return NULL;
	}
	authority_changed(a);
	return controller_to_json(controllers_by_pin(&a->controllers, &pin));
}

static json_t *run_grant(struct authority *a, const struct caller *caller,
			 const json_t *arguments, struct weir_error *err)
{
	const struct controller *one = find_key(a, arguments, err);
	const char *roles = json_get_text(arguments, "roles");
	struct grants g;
	struct pin pin;

	(void)caller;
	if (!one || grants_parse(roles ? roles : "", &g, err))
		return NULL;
	pin = one->pin;
	if (controllers_grant(&a->controllers, &pin, &g, err))
		return NULL;
	return controller_to_json(controllers_by_pin(&a->controllers, &pin));
}

static const struct own_directive directives[] = {
	{ "whoami", "who the agent takes the caller for, and his roles", ROLE_VIEWER,
	  NO_ARGUMENTS, run_whoami },
	{ "describe", "all directives with their arguments", ROLE_VIEWER, NO_ARGUMENTS,
	  run_describe },
	{ "keys", "the agent's own key and all controllers' keys with their roles",
	  ROLE_ADMIN, NO_ARGUMENTS, run_keys },
	{ "code", "open a pairing: a code that pairs one more controller", ROLE_ADMIN,
	  "{\"type\":\"object\",\"properties\":{" ROLES_MEMBER
	  ",\"lasts_s\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":86400,"
	  "\"description\":\"seconds until it ends (600)\"}},"
	  "\"required\":[\"roles\"],\"additionalProperties\":false}",
	  run_code },
	{ "revoke", "take a key's rights away, at once and for good", ROLE_ADMIN,
	  "{\"type\":\"object\",\"properties\":{" KEY_MEMBER
	  "},\"required\":[\"key\"],\"additionalProperties\":false}",
	  run_revoke },
	{ "grant", "give a key other roles", ROLE_ADMIN,
	  "{\"type\":\"object\",\"properties\":{" KEY_MEMBER "," ROLES_MEMBER
	  "},\"required\":[\"key\",\"roles\"],\"additionalProperties\":false}",
	  run_grant },
};

const struct own_directive *own_find(const char *plugin, const char *directive)
{
	if (strcmp(plugin, "agent") != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(directives); i++)
		if (!strcmp(directives[i].name, directive))
			return &directives[i];
	return NULL;
}

json_t *own_run(const struct own_directive *o, struct authority *a,
		const struct caller *caller, json_t *arguments, int *code,
		struct weir_error *err)
{
	json_t *given = arguments ? json_incref(arguments) : json_object();
	json_t *schema = json_loads(o->schema, 0, NULL), *result = NULL;

	*code = CALL_ARGUMENTS;
	if (schema && !schema_validate(schema, given, err)) {
		*code = CALL_FAILED;
		result = o->run(a, caller, given, err);
	}
	json_decref(schema);
	json_decref(given);
	return result;
}

static json_t *describe_one(const struct own_directive *o)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:o}", "name", o->name, "summary", o->summary,
			 "role", role_name(o->role), "streams", 0, "arguments",
			 json_loads(o->schema, 0, NULL));
}

/* Beside those that dispatch describes itself. */
static void add_missing(json_t *list)
{
	for (size_t k = 0; k < ARRAY_LEN(directives); k++) {
		bool is_there = false;

		for (size_t i = 0; i < json_array_size(list) && !is_there; i++) {
			const char *name = json_get_text(json_array_get(list, i), "name");

			is_there = name && !strcmp(name, directives[k].name);
		}
		if (!is_there)
			json_array_append_new(list, describe_one(&directives[k]));
	}
}

void own_describe(json_t *description)
{
	json_t *plugins = json_object_get(description, "plugins"), *one;
	size_t i;

	json_array_foreach(plugins, i, one)
	{
		const char *name = json_get_text(one, "name");

		if (name && !strcmp(name, "agent"))
			add_missing(json_object_get(one, "directives"));
	}
}
