#include "agent/grants.h"

#include <stdio.h>
#include <string.h>

bool is_plain_name(const char *text, size_t most)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789._-";
	size_t n = strnlen(text, most + 1);

	return n && n <= most && strspn(text, fine) == n && text[0] != '.';
}

static bool add(struct grants *g, const char *plugin, enum agent_role role)
{
	if (!strcmp(plugin, "*")) {
		g->role = role;
		return true;
	}
	if (g->count == GRANTS_MAX || !is_plain_name(plugin, GRANTS_NAME - 1))
		return false;
	for (size_t i = 0; i < g->count; i++)
		if (!strcmp(g->items[i].plugin, plugin))
			return false;
	(void)snprintf(g->items[g->count].plugin, GRANTS_NAME, "%s", plugin);
	g->items[g->count++].role = role;
	return true;
}

static bool read_role(const char *name, enum agent_role *role)
{
	*role = role_find(name);
	return *role != ROLE_NONE || !strcmp(name, "none");
}

static int parse_word(char *word, struct grants *g, struct weir_error *err)
{
	char *equals = strchr(word, '=');
	const char *plugin = "*", *name = word;
	enum agent_role role;

	if (equals) {
		*equals = '\0';
		plugin = word;
		name = equals + 1;
	}
	if (!read_role(name, &role))
		return err_set(err, WEIR_ERR_USAGE,
			       "role '%.40s' is none of viewer, operator, admin and none",
			       name);
	if (!add(g, plugin, role))
		return err_set(err, WEIR_ERR_USAGE,
			       "'%.40s' is no plugin's name, or a second time", plugin);
	return 0;
}

int grants_parse(const char *text, struct grants *g, struct weir_error *err)
{
	char copy[GRANTS_TEXT], *save = NULL;
	int rc = 0;

	memset(g, 0, sizeof *g);
	if (strlen(text) >= sizeof copy)
		return err_set(err, WEIR_ERR_USAGE, "the roles are longer than %d bytes",
			       GRANTS_TEXT - 1);
	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *w = strtok_r(copy, " ,\t", &save); w && !rc;
	     w = strtok_r(NULL, " ,\t", &save))
		rc = parse_word(w, g, err);
	if (!rc && g->role == ROLE_NONE && !g->count)
		rc = err_set(
			err, WEIR_ERR_USAGE,
			"no role is given: viewer, operator or admin, or PLUGIN=ROLE");
	return rc;
}

void grants_text(const struct grants *g, char text[GRANTS_TEXT])
{
	int n = snprintf(text, GRANTS_TEXT, "%s", role_name(g->role));

	for (size_t i = 0; i < g->count && n > 0 && n < GRANTS_TEXT; i++)
		n += snprintf(text + n, GRANTS_TEXT - (size_t)n, " %s=%s",
			      g->items[i].plugin, role_name(g->items[i].role));
}

json_t *grants_to_json(const struct grants *g)
{
	json_t *o = json_pack("{s:s}", "*", role_name(g->role));

	for (size_t i = 0; i < g->count; i++)
		json_object_set_new(o, g->items[i].plugin,
				    json_string(role_name(g->items[i].role)));
	return o;
}

bool grants_from_json(const json_t *object, struct grants *g)
{
	const char *key;
	json_t *value;

	memset(g, 0, sizeof *g);
	if (!json_is_object(object))
		return false;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		enum agent_role role;

		if (!json_is_string(value) ||
		    !read_role(json_string_value(value), &role) || !add(g, key, role))
			return false;
	}
	return true;
}

enum agent_role grants_for(const struct grants *g, const char *plugin)
{
	for (size_t i = 0; i < g->count; i++)
		if (!strcmp(g->items[i].plugin, plugin))
			return g->items[i].role;
	return g->role;
}

void grants_view(const struct grants *g, struct caller_role roles[GRANTS_MAX],
		 struct caller *caller)
{
	for (size_t i = 0; i < g->count; i++)
		roles[i] = (struct caller_role){ g->items[i].plugin, g->items[i].role };
	caller->role = g->role;
	caller->roles = roles;
	caller->role_count = g->count;
}
