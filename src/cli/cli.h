/* The commands of weir: one file a subcommand (cmd_NAME in NAME.c), one row each in main.c.
 * Only this folder prints; only main() exits. */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include "cli/options.h"
#include "weir/error.h"

/* Exit codes, the same everywhere. */
enum {
	EXIT_DONE = 0,
	EXIT_NO = 1, /* the answer is no: no match, verification failed */
	EXIT_USAGE = 2,
	EXIT_ENVIRONMENT = 3, /* environment or I/O */
	EXIT_LOSSES = 4,      /* done, with losses */
};

struct command {
	const char *name;
	/* argv[0] is the command's name.  Returns an exit code. */
	int (*run)(int argc, char **argv);
	const char *usage;   /* what stands behind the name: "[FILTER] [-o STORE]" */
	const char *summary; /* one line */
};

int cmd_divert(int argc, char **argv);
int cmd_sniff(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_flows(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_filter(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_timeline(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_agent(int argc, char **argv);
int cmd_ctl(int argc, char **argv);
int cmd_plugin(int argc, char **argv);
int cmd_service(int argc, char **argv);

/* Prints "weir NAME: text", without what a terminal would obey. */
void cli_say(const char *command, const struct weir_error *err);
/* The same and, for usage errors, where the help is.  Returns the exit code that
 * goes with err->code. */
int cli_fail(const char *command, const struct weir_error *err);
/* Usage line, summary, options, to stdout; returns EXIT_DONE. */
int cli_help(const struct command *c, const struct option *options);

/* The table, in the order of help; ends with a row without name.  Defined in main.c. */
extern const struct command commands[];
const struct command *command_find(const char *name);

#endif
