/* A table of mounts: names in it are anybody's who may mount. */
#include "base/mem.h"
#include "filesystem/mounts.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_new(size + 1, 1);
	struct mounts m;

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (mounts_parse(&m, text, size) < 0)
		return 0;
	for (size_t i = 0; i < m.count; i++) {
		assert(m.rows[i].point[0] == '/');
		assert(mounts_at(&m, m.rows[i].point) != NULL);
		assert(mounts_over(&m, m.rows[i].point) != NULL);
	}
	mounts_fini(&m);
	return 0;
}
