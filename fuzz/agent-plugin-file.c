/* The file that configures a plugin: refused, or with a name and a program. */
#include "agent/plugin_file.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugin_file f;
	struct weir_error err;

	if (!plugin_file_parse(&f, (const char *)data, size, &err))
		assert(f.config.name[0] && f.config.argv[0][0] == '/');
	plugin_file_fini(&f);
	return 0;
}
