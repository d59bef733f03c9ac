/* Directory entries as a lying file system may hand them out. */
#include "filesystem/dirent.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dirent_entry e;
	struct cursor c;

	cur_init(&c, data, size);
	while (dirent_next(&c, &e)) {
		assert((const uint8_t *)e.name > data);
		assert((const uint8_t *)e.name + e.length < data + size);
		assert(e.length && strlen(e.name) == e.length &&
		       !memchr(e.name, '/', e.length));
	}
	return 0;
}
