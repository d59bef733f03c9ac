#include "store/segment_reader.h"

#include "base/mem.h"
#include "store/names.h"
#include "store/regular.h"

#include <fcntl.h>

int segment_reader_open(struct segment_reader **t, const struct store_view *view,
			const struct store_segment *segment, struct weir_error *err)
{
	int fd = regular_open(view->dir_fd, segment->name, O_RDONLY, "file", err);

	*t = NULL;
	if (fd < 0)
		return fd;
	return name_kind(segment->name) == NAME_LIST
		       ? list_reader_new(t, view, segment, fd, err)
		       : block_reader_new(t, segment, fd, err);
}

void segment_reader_free(struct segment_reader *t)
{
	if (!t)
		return;
	t->ops->fini(t);
	mem_free(t);
}
