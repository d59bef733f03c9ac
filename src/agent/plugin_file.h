/* The file that configures a plugin of somebody else's (see host.h).  plugin_file_parse() is pure.
 *
 * Calling sequence: plugin_file_read(); use; plugin_file_fini() always.  Errors name the member. */
#ifndef WEIR_AGENT_PLUGIN_FILE_H
#define WEIR_AGENT_PLUGIN_FILE_H

#include "agent/plugin.h"

enum {
	PLUGIN_FILE_MAX = 64 * 1024,
	PLUGIN_FILE_LIST = 32,
};

struct plugin_file {
	struct plugin_config config; /* lends from what follows */
	const char *user;
	json_t *root;
	const char *argv[PLUGIN_FILE_LIST + 1], *writable[PLUGIN_FILE_LIST + 1],
		*executable[PLUGIN_FILE_LIST + 1], *readable[PLUGIN_FILE_LIST + 1];
};

int plugin_file_parse(struct plugin_file *f, const char *text, size_t length,
		      struct weir_error *err) MUST_CHECK;
/* The file must be root's or ours, and writable by no one else. */
int plugin_file_read(struct plugin_file *f, const char *path,
		     struct weir_error *err) MUST_CHECK;
void plugin_file_fini(struct plugin_file *f);

#endif
