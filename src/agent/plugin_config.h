/* A plugin's configuration copied whole, so that who made it may forget it. */
#ifndef WEIR_AGENT_PLUGIN_CONFIG_H
#define WEIR_AGENT_PLUGIN_CONFIG_H

#include "agent/plugin.h"

struct plugin_copy {
	struct plugin_config config;
	/* What config points to. */
	char *name, *state_dir, *capabilities;
	char **argv, **environment, **writable, **executable, **readable;
};

int plugin_copy_init(struct plugin_copy *c, const struct plugin_config *from,
		     struct weir_error *err) MUST_CHECK;
void plugin_copy_fini(struct plugin_copy *c);

#endif
