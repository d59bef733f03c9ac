/* Answers of an agent for people. */
#include "cli/ctl.h"

void ctl_print_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		/* C0, DEL, and C1 as UTF-8 has it. */
		bool is_c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;

		if (*p < 0x20 || *p == 0x7f || is_c1)
			(void)fprintf(out, "\\x%02x", *p);
		else
			(void)fputc(*p, out);
	}
}

static void print_compact(const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		ctl_print_text(stdout, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	ctl_print_text(stdout, text ? text : "?");
	free(text);
}

void ctl_print_item(const json_t *item)
{
	const char *key;
	json_t *value;
	bool is_first = true;

	if (!json_is_object(item)) {
		print_compact(item);
	} else {
		json_object_foreach((json_t *)(uintptr_t)item, key, value)
		{
			(void)printf("%s%s=", is_first ? "" : " ", key);
			print_compact(value);
			is_first = false;
		}
	}
	(void)putchar('\n');
}

static void print_list(const char *name, const json_t *list)
{
	(void)printf("%s:\n", name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)printf("  ");
		ctl_print_item(json_array_get(list, i));
	}
}

void ctl_print_value(const json_t *value)
{
	const char *key;
	json_t *v;

	if (!json_is_object(value)) {
		print_compact(value);
		(void)putchar('\n');
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, v)
	{
		if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
			print_list(key, v);
			continue;
		}
		(void)printf("%s: ", key);
		print_compact(v);
		(void)putchar('\n');
	}
}

static bool is_required(const json_t *schema, const char *name)
{
	const json_t *list = json_object_get(schema, "required");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (one && !strcmp(one, name))
			return true;
	}
	return false;
}

static void print_argument(const json_t *schema, const char *name, const json_t *one)
{
	const json_t *type = json_object_get(one, "type"),
		     *choice = json_object_get(one, "enum"),
		     *text = json_object_get(one, "description");

	(void)printf("    %s=", name);
	if (choice)
		print_compact(choice);
	else if (type)
		print_compact(type);
	else
		(void)printf("any");
	if (is_required(schema, name))
		(void)printf(" (required)");
	if (json_is_string(text)) {
		(void)printf("  ");
		print_compact(text);
	}
	(void)putchar('\n');
}

static void print_directive(const json_t *d, const char *plugin, bool with_arguments)
{
	const json_t *schema = json_object_get(d, "arguments"),
		     *properties = json_object_get(schema, "properties");
	const char *key;
	json_t *one;

	(void)printf("  %s ", plugin);
	print_compact(json_object_get(d, "name"));
	(void)printf("  [");
	print_compact(json_object_get(d, "role"));
	(void)printf("]  ");
	print_compact(json_object_get(d, "summary"));
	(void)putchar('\n');
	if (!with_arguments)
		return;
	json_object_foreach((json_t *)(uintptr_t)properties, key, one)
		print_argument(schema, key, one);
}

void ctl_print_description(const json_t *description, const char *plugin,
			   const char *directive)
{
	const json_t *plugins = json_object_get(description, "plugins");

	for (size_t i = 0; i < json_array_size(plugins); i++) {
		const json_t *p = json_array_get(plugins, i),
			     *list = json_object_get(p, "directives");
		const char *name = json_string_value(json_object_get(p, "name"));

		if (!name || (plugin && strcmp(name, plugin) != 0))
			continue;
		(void)printf("%s: ", name);
		print_compact(json_object_get(p, "summary"));
		(void)putchar('\n');
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *d = json_array_get(list, k);
			const char *own = json_string_value(json_object_get(d, "name"));

			if (!directive || (own && !strcmp(own, directive)))
				print_directive(d, name, plugin != NULL);
		}
	}
}
