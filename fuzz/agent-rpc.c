/* A line of a plugin: it is refused, or a message whose parts are there; a description's schemas are
 * checked, and what is understood validates any value without harm. */
#include "agent/description.h"
#include "agent/rpc.h"
#include "agent/schema.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_message m;
	struct weir_error err;
	struct directive d;

	if (!rpc_parse((const char *)data, size, &m, &err)) {
		assert(json_is_object(m.root));
		if (m.kind == RPC_REQUEST || m.kind == RPC_NOTIFICATION)
			assert(m.method && (!m.params || json_is_object(m.params)));
		if (m.kind == RPC_ERROR)
			assert(m.text);
		if (m.result && !description_check(m.result, &err))
			(void)description_find(m.result, "go", &d);
		if (m.params && !schema_check(m.params, &err))
			(void)!schema_validate(m.params, m.root, &err);
	}
	rpc_message_fini(&m);
	return 0;
}
