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
		const struct mount_row *seen = mounts_at(&m, m.rows[i].point);

		assert(m.rows[i].point[0] == '/');
		assert(seen || m.rows[i].is_hidden);
		assert(!seen || !seen->is_hidden);
		assert(!seen || mounts_over(&m, m.rows[i].point) != NULL);
	}
	mounts_fini(&m);
	return 0;
}
