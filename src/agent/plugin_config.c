#include "agent/plugin_config.h"

#include "base/mem.h"

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		mem_free(list[i]);
	mem_free(list);
}

static char **copy_list(const char *const *from, bool *is_short)
{
	size_t count = 0;
	char **list;

	while (from && from[count])
		count++;
	if (!from)
		return NULL;
	list = mem_new(count + 1, sizeof *list);
	for (size_t i = 0; list && i < count; i++) {
		list[i] = mem_strdup(from[i]);
		*is_short = *is_short || !list[i];
	}
	*is_short = *is_short || !list;
	return list;
}

static char *copy_text(const char *from, bool *is_short)
{
	char *text = from ? mem_strdup(from) : NULL;

	*is_short = *is_short || (from && !text);
	return text;
}

static const char *const *lend(char **list)
{
	return (const char *const *)list;
}

int plugin_copy_init(struct plugin_copy *c, const struct plugin_config *from,
		     struct weir_error *err)
{
	const struct sandbox_rules *rules = &from->sandbox;
	bool is_short = false;

	*c = (struct plugin_copy){
		.config = *from,
		.name = copy_text(from->name, &is_short),
		.state_dir = copy_text(from->state_dir, &is_short),
		.capabilities = copy_text(rules->capabilities, &is_short),
		.argv = copy_list(from->argv, &is_short),
		.environment = copy_list(from->environment, &is_short),
		.writable = copy_list(rules->writable, &is_short),
		.executable = copy_list(rules->executable, &is_short),
		.readable = copy_list(rules->readable, &is_short),
	};
	if (is_short) {
		plugin_copy_fini(c);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	}
	c->config.name = c->name;
	c->config.state_dir = c->state_dir;
	c->config.argv = lend(c->argv);
	c->config.environment = lend(c->environment);
	c->config.sandbox.capabilities = c->capabilities;
	c->config.sandbox.writable = lend(c->writable);
	c->config.sandbox.executable = lend(c->executable);
	c->config.sandbox.readable = lend(c->readable);
	return 0;
}

void plugin_copy_fini(struct plugin_copy *c)
{
	mem_free(c->name);
	mem_free(c->state_dir);
	mem_free(c->capabilities);
	free_list(c->argv);
	free_list(c->environment);
	free_list(c->writable);
	free_list(c->executable);
	free_list(c->readable);
	*c = (struct plugin_copy){ .name = NULL };
}
