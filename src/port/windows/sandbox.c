/* The parts of a sandbox that Windows has: child.c makes them around a plugin as it is started.  A
 * process that is running can give up nothing of them by itself. */
#include "port/sandbox.h"

#include "base/mem.h"
#include "port/windows/win.h"

#include <stdio.h>

static const char *const part_names[SANDBOX_PARTS] = { "user", "privileges", "files",
						       "calls", "limits" };

const char *sandbox_part_name(enum sandbox_part part)
{
	return part < SANDBOX_PARTS ? part_names[part] : "unknown";
}

enum sandbox_part sandbox_part_find(const char *name)
{
	unsigned part = 0;

	while (part < SANDBOX_PARTS && strcmp(part_names[part], name) != 0)
		part++;
	return (enum sandbox_part)part;
}

const char *sandbox_is_name(enum sandbox_is is)
{
	static const char *const names[] = { "off", "active", "failed" };

	return names[is];
}

unsigned sandbox_parts(void)
{
	return 1U << SANDBOX_PRIVILEGES | 1U << SANDBOX_LIMITS;
}

unsigned sandbox_parts_running(void)
{
	return 0;
}

static const char *what_is_missing(enum sandbox_part part)
{
	static const char *const why[SANDBOX_PARTS] = {
		[SANDBOX_USER] = "Windows has no other user without a password",
		[SANDBOX_FILES] = "Windows has no list of paths for a process",
		[SANDBOX_CALLS] = "Windows has no filter of system calls",
	};

	return part < SANDBOX_PARTS && why[part] ? why[part] : "";
}

int sandbox_enter(const struct sandbox_rules *rules, struct sandbox_state *state,
		  struct weir_error *err)
{
	*state = (struct sandbox_state){ .landlock_abi = 0 };
	for (unsigned part = 0; part < SANDBOX_PARTS; part++) {
		const char *why = what_is_missing((enum sandbox_part)part);

		(void)snprintf(state->words[part], sizeof state->words[part], "%s", why);
		if (!(rules->wanted >> part & 1))
			continue;
		state->parts[part] = SANDBOX_FAILED;
		if (!*why)
			(void)snprintf(state->words[part], sizeof state->words[part],
				       "a process cannot enter it by itself");
		if (!(rules->optional >> part & 1))
			return err_set(err, WEIR_ERR_PRIVILEGE,
				       "the sandbox's part '%s' cannot be had: %s",
				       part_names[part], state->words[part]);
	}
	return 0;
}
