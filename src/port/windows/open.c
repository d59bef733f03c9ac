#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>
#include <stdarg.h>

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

#define STATUS_NAME_INVALID ((NTSTATUS)0xC0000033)

HANDLE win_handle(int fd)
{
	HANDLE h;

	if (fd < 0) {
		errno = EBADF;
		return INVALID_HANDLE_VALUE;
	}
	h = (HANDLE)_get_osfhandle(fd);
	if (h == INVALID_HANDLE_VALUE)
		errno = EBADF;
	return h;
}

int win_descriptor(HANDLE h, int flags)
{
	int fd = _open_osfhandle((intptr_t)h, flags | _O_NOINHERIT | _O_BINARY);

	if (fd < 0) {
		(void)CloseHandle(h);
		errno = EMFILE;
	}
	return fd;
}

/* "." and ".." mean nothing to the kernel. */
static bool has_dots(const char *name)
{
	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "/\\");

		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		p += n + (p[n] != '\0');
	}
	return false;
}

static bool is_absolute(const char *name)
{
	return name[0] == '/' || name[0] == '\\' || (name[0] && name[1] == ':');
}

/* The folder's path with the name behind it, free of dots. */
static wchar_t *join(HANDLE dir, const char *name)
{
	wchar_t *folder = win_path_of(dir);
	wchar_t *path = folder ? win_path_join(folder, name) : NULL;

	mem_free(folder);
	return path;
}

/* Without a name behind it a folder is opened once more, whatever it is called by now. */
static bool is_itself(const char *name)
{
	return !*name || !strcmp(name, ".");
}

/* The kernel's name of a file, and what it is relative to. */
struct where {
	wchar_t *path;
	HANDLE root;
};

static int find(HANDLE dir, const char *name, struct where *w)
{
	w->root = NULL;
	if (!dir || is_absolute(name)) {
		w->path = win_path(name);
	} else if (is_itself(name)) {
		w->root = dir;
		w->path = win_units("");
	} else if (has_dots(name)) {
		w->path = join(dir, name);
	} else {
		w->root = dir;
		w->path = win_name(name);
	}
	if (!w->path)
		return -1;
	/* \\?\ of the interface is \??\ of the kernel. */
	if (!w->root && !wcsncmp(w->path, L"\\\\", 2))
		w->path[1] = L'?';
	if (!w->root && w->path[2] == L'.')
		w->path[2] = L'?';
	return 0;
}

/* Takes the path. */
static NTSTATUS create(const struct where *w, const struct win_open *how, HANDLE *h)
{
	OBJECT_ATTRIBUTES object = { .Length = sizeof object,
				     .Attributes = OBJ_CASE_INSENSITIVE };
	UNICODE_STRING text;
	IO_STATUS_BLOCK io;
	NTSTATUS status;

	text.Buffer = w->path;
	text.Length = (USHORT)(wcslen(w->path) * sizeof *w->path);
	text.MaximumLength = text.Length;
	object.RootDirectory = w->root;
	object.ObjectName = &text;
	object.SecurityDescriptor = how->rights;
	status =
		win_calls()->create(h, how->access | SYNCHRONIZE, &object, &io, NULL,
				    FILE_ATTRIBUTE_NORMAL, SHARE_ALL, how->disposition,
				    how->options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
	mem_free(w->path);
	return status;
}

NTSTATUS win_open_at(HANDLE dir, const char *name, const struct win_open *how, HANDLE *h)
{
	struct where w;

	return find(dir, name, &w) ? STATUS_NAME_INVALID : create(&w, how, h);
}

NTSTATUS win_open_entry(HANDLE dir, const char *name, const struct win_open *how,
			HANDLE *h)
{
	struct where w = { .path = win_units(is_itself(name) ? "" : name), .root = dir };

	return w.path ? create(&w, how, h) : STATUS_NAME_INVALID;
}

static ACCESS_MASK access_of(int flags)
{
	ACCESS_MASK access = 0;

	if (flags & O_DIRECTORY)
		return FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES |
		       READ_CONTROL;
	if ((flags & O_ACCMODE) != O_WRONLY)
		access |= FILE_GENERIC_READ;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return access;
	access |= FILE_GENERIC_WRITE;
	/* Without the right to write elsewhere the system appends, whoever else does. */
	if (flags & O_APPEND)
		access &= ~(ACCESS_MASK)FILE_WRITE_DATA;
	return access;
}

static ULONG disposition_of(int flags)
{
	if (flags & O_CREAT)
		return flags & O_EXCL    ? FILE_CREATE
		       : flags & O_TRUNC ? FILE_OVERWRITE_IF
					 : FILE_OPEN_IF;
	return flags & O_TRUNC ? FILE_OVERWRITE : FILE_OPEN;
}

static bool is_reparse_link(HANDLE h)
{
	FILE_ATTRIBUTE_TAG_INFO t;

	return GetFileInformationByHandleEx(h, FileAttributeTagInfo, &t, sizeof t) &&
	       t.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT &&
	       (IsReparseTagNameSurrogate(t.ReparseTag) || !t.ReparseTag);
}

int weir_openat(int dir, const char *name, int flags, ...)
{
	struct win_open how = { .access = access_of(flags),
				.disposition = disposition_of(flags) };
	HANDLE root = dir == AT_FDCWD ? NULL : win_handle(dir), h;
	NTSTATUS status;

	if (root == INVALID_HANDLE_VALUE)
		return -1;
	if (flags & O_DIRECT) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (flags & O_DIRECTORY)
		how.options |= FILE_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT;
	else if ((flags & O_ACCMODE) != O_RDONLY)
		how.options |= FILE_NON_DIRECTORY_FILE;
	if (flags & O_NOFOLLOW)
		how.options |= FILE_OPEN_REPARSE_POINT;
	status = win_open_at(root, name, &how, &h);
	if (status < 0)
		return win_fail_status(status);
	if (flags & O_NOFOLLOW && is_reparse_link(h)) {
		(void)CloseHandle(h);
		errno = ELOOP;
		return -1;
	}
	return win_descriptor(h, flags & (O_ACCMODE | O_APPEND));
}

int weir_open(const char *path, int flags, ...)
{
	return weir_openat(AT_FDCWD, path, flags);
}

int weir_close(int fd)
{
	return _close(fd);
}

static int flags_of(const char *mode)
{
	int access = strchr(mode, '+') ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;

	if (mode[0] == 'w')
		access |= O_CREAT | O_TRUNC;
	if (mode[0] == 'a')
		access |= O_CREAT | O_APPEND;
	return access | (strchr(mode, 'x') ? O_EXCL : 0);
}

/* msvcrt knows neither "e" nor "x". */
FILE *weir_fdopen(int fd, const char *mode)
{
	char plain[4] = { mode[0], 'b', strchr(mode, '+') ? '+' : '\0', '\0' };

	return _fdopen(fd, plain);
}

FILE *weir_fopen(const char *path, const char *mode)
{
	int fd = weir_open(path, flags_of(mode), 0666);
	FILE *f = fd < 0 ? NULL : weir_fdopen(fd, mode);

	if (fd >= 0 && !f)
		(void)_close(fd);
	return f;
}
