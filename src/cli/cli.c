#include "cli/cli.h"

#include "filesystem/text.h"

/* Messages hold names of files, which may hold anything. */
static void print_safe(const char *text, size_t length)
{
	char shown[10 * WEIR_ERROR_TEXT];
	char *end = text_terminal(shown, text, length);

	(void)fwrite(shown, 1, (size_t)(end - shown), stderr);
}

void cli_say(const char *command, const struct weir_error *err)
{
	const char *text = err->text;

	(void)fprintf(stderr, "weir %s: ", command);
	/* A filter that is wrong is shown in several lines. */
	if (err->code == WEIR_ERR_USAGE)
		for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
			print_safe(text, (size_t)(end - text));
			(void)fputc('\n', stderr);
		}
	print_safe(text, strlen(text));
	(void)fputc('\n', stderr);
}

int cli_fail(const char *command, const struct weir_error *err)
{
	cli_say(command, err);
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
