/* What an agent hosts: our own plugins, in their sandboxes and directories, and those of the
 * configuration.
 *
 *	DATA/                0711, the agent's
 *	DATA/plugins/NAME/   0700, the state of a plugin, its user's
 *	DATA/stores/         0700, what divert records, divert's user's
 *
 * Calling sequence: host_add() after dispatch_new(), once; as root where that can be, because only
 * root can give plugins users of their own.
 *
 * A plugin of somebody else's is a file of JSON:
 *	{"name":"hello", "command":["/usr/bin/python3","/opt/hello.py"],
 *	 "user":"nobody", "capabilities":"", "network":"none"|"capture"|"all",
 *	 "writable":[PATH...], "executable":[PATH...], "readable":[PATH...],
 *	 "memory_bytes":N, "descriptors":N, "processes":N, "allow_without":["files",...],
 *	 "start_ms":N, "heartbeat_ms":N, "hang_ms":N, "stop_ms":N}
 * Only name and command must be there.  docs/plugin-protocol.md says what each means. */
#ifndef WEIR_AGENT_HOST_H
#define WEIR_AGENT_HOST_H

#include "agent/dispatch.h"
#include "agent/plugin.h"

struct host_config {
	const char *data;                /* an absolute path; made where it is missing */
	const char *const *plugin_files; /* NULL-terminated, or NULL */
	const char *user;                /* of our own plugins; NULL: weir, else nobody */
	unsigned
		optional; /* parts of every sandbox that may be missing: 1 << enum sandbox_part */
	struct plugin_times times;
	const struct agent_log *log;
};

int host_add(struct dispatch *d, const struct host_config *config,
	     struct weir_error *err) MUST_CHECK;
/* "files,calls" to bits. */
int host_parse_parts(const char *text, unsigned *parts,
		     struct weir_error *err) MUST_CHECK;

#endif
