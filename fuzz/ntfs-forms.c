/* What Windows hands out about files (port/ntfs_forms.h): the first byte chooses the form. */
#include "port/ntfs_forms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_folder(enum dir_class class, const uint8_t *data, size_t size)
{
	struct dir_form form;
	struct dir_entry e;

	dir_form_init(&form, class, data, size);
	while (dir_form_next(&form, &e))
		if (!e.length || e.length != strlen(e.name) ||
		    !ntfs_dirent_type(e.attributes, e.reparse_tag))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dir_class classes[] = { DIR_FULL, DIR_ID_BOTH, DIR_ID_EXTD,
						  DIR_ID_EXTD_BOTH };

	static const char *const trusted[] = { "S-1-5-18", NULL };

	char text[2048];
	uint32_t tag;
	int64_t n = 0;

	if (!size)
		return 0;
	switch (data[0] & 7) {
	case 4:
		n = ntfs_stream_names(data + 1, size - 1, "user.", text, sizeof text);
		if (n > 0 && text[n - 1])
			abort();
		break;
	case 5:
		n = ntfs_reparse_target(data + 1, size - 1, &tag, text, sizeof text);
		break;
	case 6:
		n = ntfs_sddl(data + 1, size - 1, text, sizeof text);
		if (n >= 0 && strlen(text) != (size_t)n)
			abort();
		break;
	case 7:
		if (!ntfs_is_held(data + 1, size - 1, NTFS_HOLD_ALL, trusted, text,
				  sizeof text) &&
		    !text[0])
			abort();
		break;
	default:
		run_folder(classes[data[0] & 3], data + 1, size - 1);
	}
	if (n > (int64_t)sizeof text)
		abort();
	return 0;
}
