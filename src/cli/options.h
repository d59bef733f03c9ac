/* Options from a table: one row is name, letter, type, target, argument's name and help; the same
 * row parses, checks and prints.
 *
 * Calling sequence: fill a table (ends with a row without name), options_parse(), read targets and
 * the words that are left.  "--name VALUE", "--name=VALUE", "-x VALUE", "-xVALUE" and "-xy" for
 * flags; "--" ends the options; a lone "-" is a word.  Options and words may be mixed.
 * Errors are two lines for a person: what is wrong, and where the help is. */
#ifndef WEIR_CLI_OPTIONS_H
#define WEIR_CLI_OPTIONS_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG,     /* bool * */
	OPTION_STRING,   /* const char ** */
	OPTION_ONCE,     /* const char **, NULL before: a second one is a mistake */
	OPTION_LIST,     /* struct option_list *: may be given several times */
	OPTION_SIZE,     /* uint64_t *, bytes */
	OPTION_DURATION, /* int64_t *, ns */
	OPTION_TIME,     /* int64_t *, ns since 1970 */
	OPTION_UINT,     /* uint64_t *, within min..max */
	OPTION_INT,      /* int64_t *, within min..max */
};

#define OPTION_LIST_MAX 64

/* NULL-terminated. */
struct option_list {
	const char *items[OPTION_LIST_MAX + 1];
	size_t count;
};

struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_type type;
	void *target;
	const char *argument; /* for help: "SIZE" */
	const char *help;
	int64_t min, max; /* of OPTION_UINT, OPTION_INT; 0, 0: no bound */
};

/* Reads argv[1..argc-1].  The words that are no options are moved to argv[1..] and counted in
 * *argc (argv[0] stays, NULL follows).  --help is a flag like others: put OPTION_HELP(&flag) in the table. */
int options_parse(const struct option *table, int *argc, char **argv,
		  struct weir_error *err) MUST_CHECK;
void options_print(FILE *out, const struct option *table);

#define OPTION_HELP(flag)                                            \
 {                                                                   \
  "help", 'h', OPTION_FLAG, (flag), NULL, "show this and exit", 0, 0 \
 }
#define OPTION_END                             \
 {                                             \
  NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0 \
 }

#endif
