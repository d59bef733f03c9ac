/* A request of the prototype's protocol, up to its newline; and a record of a listing as its answer. */
#include "agent/tim.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *record = json_loadb((const char *)data, size, 0, NULL);
	struct tim_request r;
	struct weir_error err;
	bool is_directory;

	if (!tim_parse((const char *)data, size, &r, &err))
		assert(r.plugin && r.directive && json_is_object(r.arguments));
	else
		assert(err.text[0]);
	tim_request_fini(&r);
	if (record) {
		size_t length;
		json_t *file = tim_file(record, &is_directory);

		if (file)
			mem_free(tim_encode(json_pack("{s:o}", "file", file), &length));
	}
	json_decref(record);
	return 0;
}
