/* The words of `weir agent` beside run. */
#ifndef WEIR_CLI_AGENT_H
#define WEIR_CLI_AGENT_H

#include "agent/config.h"

int agent_init(int argc, char **argv);
int agent_code(int argc, char **argv);
/* Defaults, the file (NULL: the usual one, which need not be there), then `data` (may be NULL). */
int agent_config_load(struct agent_config *c, const char *file, const char *data,
		      struct weir_error *err) MUST_CHECK;

#endif
