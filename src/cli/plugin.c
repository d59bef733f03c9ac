/* `weir plugin NAME`: one of our own plugins, as the agent runs it. */
#include "plugins/plugins.h"

#include "agent/host.h"
#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(unsigned optional, struct weir_error *err);
} plugins[] = {
	{ "divert", plugin_divert_run },
	{ "filesystem", plugin_filesystem_run },
};

int cmd_plugin(int argc, char **argv)
{
	struct weir_error err = { 0 };
	bool want_help = false;
	const char *without = NULL;
	const struct option table[] = {
		{ "allow-without", 0, OPTION_STRING, &without, "PARTS",
		  "parts of its sandbox that may be missing: user,privileges,files,calls,limits",
		  0, 0 },
		OPTION_HELP(&want_help),
		OPTION_END
	};
	int rc = options_parse(table, &argc, argv, &err);
	unsigned optional = 0;

	if (!rc && without)
		rc = host_parse_parts(without, &optional, &err);
	if (rc)
		return cli_fail("plugin", &err);
	if (want_help)
		return cli_help(command_find("plugin"), table);
	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(plugins); i++) {
		if (strcmp(plugins[i].name, argv[1]) != 0)
			continue;
		rc = plugins[i].run(optional, &err);
		return rc ? cli_fail("plugin", &err) : EXIT_DONE;
	}
	(void)err_set(&err, WEIR_ERR_USAGE, "one plugin is wanted: divert or filesystem");
	return cli_fail("plugin", &err);
}
