/* Values of extended attributes: the first byte chooses the decoder. */
#include "filesystem/acl.h"
#include "filesystem/capability.h"
#include "filesystem/ntfs.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[CAPABILITY_TEXT];
	struct capability c;
	struct ntfs n;

	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		if (acl_text(data + 1, size - 1, text, 200))
			assert(strlen(text) > 0 && strlen(text) < 200);
		break;
	case 1:
		if (!capability_decode(data + 1, size - 1, &c))
			break;
		capability_text(&c, text);
		assert(strlen(text) < sizeof text);
		break;
	case 2:
		if (ntfs_decode_times(data + 1, size - 1, &n))
			assert(size > 32 && n.created.ns < 1000000000);
		break;
	default:
		if (ntfs_decode_attributes(data + 1, size - 1, size & 1, &n))
			assert(size > 4);
	}
	return 0;
}
