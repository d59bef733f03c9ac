/* A folder's entries, for the store's own folders: names and kinds. */
#include "base/mem.h"
#include "base/utf16.h"
#include "port/windows/win.h"

#include <errno.h>

#define BUFFER 65536

struct weir_folder {
	int fd;
	bool is_begun;
	size_t next; /* offset of the next entry in the buffer, 0: none is there */
	bool has_more;
	struct weir_dirent entry;
	_Alignas(8) uint8_t buffer[BUFFER];
};

struct weir_folder *weir_fdopendir(int fd)
{
	struct weir_folder *d = mem_new(1, sizeof *d);

	if (d)
		d->fd = fd;
	else
		errno = ENOMEM;
	return d;
}

struct weir_folder *weir_opendir(const char *path)
{
	int fd = weir_open(path, O_RDONLY | O_DIRECTORY);
	struct weir_folder *d = fd < 0 ? NULL : weir_fdopendir(fd);

	if (fd >= 0 && !d)
		(void)weir_close(fd);
	return d;
}

static bool fill(struct weir_folder *d)
{
	FILE_INFO_BY_HANDLE_CLASS class =
		d->is_begun ? FileIdBothDirectoryInfo : FileIdBothDirectoryRestartInfo;

	d->is_begun = true;
	if (GetFileInformationByHandleEx(win_handle(d->fd), class, d->buffer, BUFFER)) {
		d->next = 0;
		d->has_more = true;
		return true;
	}
	if (GetLastError() != ERROR_NO_MORE_FILES)
		(void)win_fail();
	return false;
}

static unsigned char kind_of(const FILE_ID_BOTH_DIR_INFO *i)
{
	if (i->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
		return DT_UNKNOWN;
	return i->FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? DT_DIR : DT_REG;
}

struct weir_dirent *weir_readdir(struct weir_folder *d)
{
	const FILE_ID_BOTH_DIR_INFO *i;
	int64_t n;

	if (!d->has_more && !fill(d))
		return NULL;
	i = (const FILE_ID_BOTH_DIR_INFO *)(const void *)(d->buffer + d->next);
	n = utf16_to_text(i->FileName, i->FileNameLength / 2, d->entry.d_name,
			  sizeof d->entry.d_name - 1);
	d->entry.d_name[n < 0 ? 0 : n] = '\0';
	d->entry.d_type = kind_of(i);
	d->next += i->NextEntryOffset;
	d->has_more = i->NextEntryOffset != 0;
	return &d->entry;
}

int weir_closedir(struct weir_folder *d)
{
	int rc = weir_close(d->fd);

	mem_free(d);
	return rc;
}
