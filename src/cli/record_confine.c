/* What a recorder that serves a plugin gives up beside its privileges, once everything is open and
 * what reads /proc (the namer) has been started: from then on it writes in its own store and nowhere
 * else, executes nothing, and makes only the calls that recording needs. */
#include "cli/record.h"

#include "port/sandbox.h"

#include <jansson.h>

enum {
	WANTED = 1U << SANDBOX_FILES | 1U << SANDBOX_CALLS
};

/* {"files":{"is":"active","what":"..."},...} for the line that says that it has started. */
static void describe(const struct sandbox_state *state, char *text, size_t size)
{
	json_t *all = json_object();
	size_t used;

	for (unsigned part = 0; part < SANDBOX_PARTS; part++)
		if (WANTED >> part & 1)
			json_object_set_new(all,
					    sandbox_part_name((enum sandbox_part)part),
					    json_pack("{s:s,s:s}", "is",
						      sandbox_is_name(state->parts[part]),
						      "what", state->words[part]));
	used = json_dumpb(all, text, size - 1, JSON_COMPACT);
	text[used < size ? used : 0] = '\0';
	json_decref(all);
}

int record_confine(struct recorder *r, struct weir_error *err)
{
	const char *const writable[] = { r->config.store.path, NULL };
	const char *const none[] = { NULL };
	/* A part that this kernel does not have is not in the plugin's own sandbox either, which
	 * decides whether that may be. */
	const struct sandbox_rules rules = {
		.writable = r->options.stream ? none : writable,
		.executable = none,
		.calls = SANDBOX_CALLS_RECORDER,
		.network = SANDBOX_NETWORK_CAPTURE,
		.wanted = WANTED & sandbox_parts_running(),
		.optional = WANTED,
	};
	struct sandbox_state state;
	int rc;

	if (!r->options.control_fd)
		return 0;
	rc = sandbox_enter(&rules, &state, err);
	describe(&state, r->confined, sizeof r->confined);
	return rc;
}
