#include "cli/cli.h"

int cli_fail(const char *command, const struct weir_error *err)
{
	(void)fprintf(stderr, "weir %s: %s\n", command, err->text);
	if (err->code == WEIR_ERR_USAGE) {
		(void)fprintf(stderr, "try 'weir %s --help'\n", command);
		return EXIT_USAGE;
	}
	return err->code == WEIR_ERR_MISMATCH ? EXIT_NO : EXIT_ENVIRONMENT;
}

int cli_help(const struct command *c, const struct option *options)
{
	(void)printf("usage: weir %s %s\n\n%s\n\n", c->name, c->usage, c->summary);
	options_print(stdout, options);
	return EXIT_DONE;
}
