/* Any bytes as the files that the agent and the controller keep: controllers.json, agents.json, weir.conf,
 * and the audit log. */
#include "agent/agents.h"
#include "agent/audit.h"
#include "agent/config.h"
#include "agent/controllers.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_lists(const uint8_t *data, size_t size)
{
	json_t *o = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct controllers c = { .dir_fd = -1 };
	struct agents a = { .dir_fd = -1 };
	struct weir_error err;

	if (o && !controllers_parse(&c, o, &err))
		for (size_t i = 0; i < c.count; i++)
			assert(is_plain_name(c.items[i].name, CONTROLLER_NAME - 1));
	else
		assert(!c.count);
	if (o && !agents_parse(&a, o, &err))
		for (size_t i = 0; i < a.count; i++)
			assert(is_plain_name(a.items[i].name, AGENT_NAME - 1));
	controllers_fini(&c);
	agents_fini(&a);
	json_decref(o);
}

static void try_config(const uint8_t *data, size_t size)
{
	struct agent_config c;
	struct weir_error err = { 0 };

	config_default(&c);
	if (config_parse(&c, (const char *)data, size, &err)) {
		assert(!strncmp(err.text, "line ", 5));
		return;
	}
	assert(c.listen_count <= CONFIG_LISTEN_MAX && c.user_count <= CONFIG_USERS_MAX);
	assert(strnlen(c.data, CONFIG_PATH_MAX) < CONFIG_PATH_MAX);
	assert(c.max_body_bytes >= 1024 && c.handshake_ns >= NS_PER_S);
}

static void try_log(const uint8_t *data, size_t size)
{
	struct audit_check check;
	struct weir_error err;

	if (!audit_verify_bytes(data, size, &check, &err))
		assert(check.lines && !check.fault[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_lists(data, size);
	try_config(data, size);
	try_log(data, size);
	return 0;
}
