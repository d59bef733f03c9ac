#include "base/mem.h"
#include "port/files.h"
#include "port/windows/win.h"

#include <errno.h>

enum {
	DRIVES = 26
};

void port_files_start(struct port_files *state, bool want_noatime)
{
	atomic_init(&state->has_listxattrat, false);
	atomic_init(&state->has_getxattrat, false);
	atomic_init(&state->has_file_getattr, false);
	atomic_init(&state->disturbed, 0);
	state->want_noatime = want_noatime;
	state->is_confined = false;
}

bool port_files_confine(struct port_files *state, int dir)
{
	(void)state;
	(void)dir;
	return false;
}

int port_root_open(const char *path, int *fd, struct weir_error *err)
{
	struct win_open how = {
		.access = FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES,
		.disposition = FILE_OPEN,
		.options = FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT
	};
	HANDLE h = NULL;
	NTSTATUS status;

	/* Else a list of rights would hide what it stands at, from an administrator as well. */
	win_use_privilege(WIN_BACKUP);
	status = win_open_at(NULL, path, &how, &h);
	/* A file that may not be read can be looked at. */
	if (status < 0) {
		how.access = FILE_READ_ATTRIBUTES;
		status = win_open_at(NULL, path, &how, &h);
	}
	*fd = status < 0 ? win_fail_status(status) : win_descriptor(h, 0);
	return *fd < 0 ? err_sys(err, "cannot open '%s'", path) : 0;
}

/* Going through a link changes no time here. */
bool port_path_has_link(const char *path)
{
	(void)path;
	return false;
}

int port_path_query(const char *path, struct file_meta *meta)
{
	struct port_files state;
	struct weir_error err;
	int fd, rc;

	if (port_root_open(path, &fd, &err))
		return err.sys ? -err.sys : -EIO;
	port_files_start(&state, false);
	rc = port_file_calls.query(&state, fd, "", meta);
	port_handle_close(fd);
	return rc;
}

/* Reading where a link leads changes no time here. */
int64_t port_link_read(const char *path, bool may_disturb, char *buffer, size_t size)
{
	struct port_files state;

	(void)may_disturb;
	port_files_start(&state, false);
	return port_file_calls.link(&state, AT_FDCWD, path, buffer, size);
}

void port_path_separators(char *path)
{
	for (; *path; path++)
		if (*path == '\\')
			*path = '/';
}

/* \\?\C:\a is told as //?/C:/a, in which '/' separates as everywhere. */
int port_path_of(int fd, char *path, size_t size)
{
	HANDLE h = win_handle(fd);
	wchar_t *wide = h == INVALID_HANDLE_VALUE ? NULL : win_path_of(h);
	char *text = wide ? win_text(wide, wcslen(wide)) : NULL;
	size_t length = text ? strlen(text) : size;

	if (length < size) {
		while (length && text[length - 1] == '\\')
			text[--length] = '\0';
		(void)snprintf(path, size, "%s", text);
		port_path_separators(path);
	}
	mem_free(text);
	mem_free(wide);
	return length < size ? 0 : WEIR_ERR_ABSENT;
}

int port_clone_open(int fd, int *clone, struct weir_error *err)
{
	(void)fd;
	*clone = -1;
	return err_set(err, WEIR_ERR_UNSUPPORTED, "Windows has no views of a volume");
}

/* A server that is gone keeps whoever asks it waiting, for each of its drives, before anything is listed:
 * none is asked.  Neither are its options known. */
static int put_served(char *out, size_t room, unsigned id, const char *point)
{
	return snprintf(out, room, "%u 0 0:0 / //?/%s unknown - cifs none unknown\n", id,
			point);
}

/* One line of Linux's form for a drive: its volume's lasting name and its serial number. */
static int put_drive(char *out, size_t room, unsigned drive)
{
	wchar_t root[] = { (wchar_t)(L'A' + drive), L':', L'\\', 0 }, name[64] = L"none",
		form[64];
	DWORD serial = 0, flags = 0;
	char point[] = { (char)('A' + drive), ':', '\0' }, type[64];
	const char *options;

	if (win_calls()->drive_type(root) == DRIVE_REMOTE)
		return put_served(out, room, drive + 1, point);
	if (!win_calls()->volume_facts(root, NULL, 0, &serial, NULL, &flags, form,
				       ARRAY_LEN(form)))
		memcpy(form, L"unknown", sizeof L"unknown");
	(void)GetVolumeNameForVolumeMountPointW(root, name, ARRAY_LEN(name));
	for (wchar_t *p = name; *p; p++)
		if (*p == L'\\')
			*p = L'/';
	(void)snprintf(type, sizeof type, "%ls", form);
	for (char *p = type; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	options = flags & FILE_READ_ONLY_VOLUME ? "ro" : "rw";
	return snprintf(out, room, "%u 0 0:%lu / //?/%s %s - %s %ls %s,serial=%08lx\n",
			drive + 1, serial, point, options, type, name, options, serial);
}

int port_mounts_read(char **text, size_t *length, struct weir_error *err)
{
	const size_t line = 256;
	DWORD drives = GetLogicalDrives();

	*text = mem_new((DRIVES + 1) * line + 1, 1);
	*length = 0;
	if (!*text)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the volumes");
	for (unsigned i = 0; i < DRIVES; i++) {
		int n = drives >> i & 1 ? put_drive(*text + *length, line, i) : 0;

		if (n > 0 && (size_t)n < line)
			*length += (size_t)n;
	}
	/* Shares, whether they have a letter or not: a file on one is told by its server's name. */
	*length += (size_t)put_served(*text + *length, line, DRIVES + 1, "UNC");
	return 0;
}

uint64_t port_filesystem_magic(int fd)
{
	(void)fd;
	return 0;
}

int port_file_read(const char *path, size_t limit, char **bytes, size_t *length,
		   struct weir_error *err)
{
	int fd = weir_open(path, O_RDONLY);
	struct weir_stat st;
	char *p = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (!weir_fstat(fd, &st) && (uint64_t)st.st_size <= limit)
		p = mem_new((size_t)st.st_size + 1, 1);
	if (p)
		n = weir_read(fd, p, (size_t)st.st_size);
	(void)weir_close(fd);
	if (n < 0) {
		mem_free(p);
		return err_set(
			err, WEIR_ERR_LIMIT,
			"cannot read '%s' whole: longer than %zu bytes, or damaged", path,
			limit);
	}
	p[n] = '\0';
	*bytes = p;
	*length = (size_t)n;
	return 0;
}

/* The C run-time's. */
unsigned port_descriptors_raise(void)
{
	return 2048;
}

void port_handle_close(int fd)
{
	if (fd >= 0)
		(void)weir_close(fd);
}

int port_write_all(int fd, const void *bytes, size_t length)
{
	const char *p = bytes;

	while (length) {
		ssize_t n = weir_write(fd, p, length);

		if (n < 0)
			return -errno;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

/* A file that goes with its last descriptor. */
int port_scratch_open(int *fd, struct weir_error *err)
{
	wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];
	HANDLE h = INVALID_HANDLE_VALUE;

	*fd = -1;
	if (GetTempPathW(ARRAY_LEN(folder), folder) &&
	    GetTempFileNameW(folder, L"wei", 0, path))
		h = CreateFileW(path, GENERIC_READ | GENERIC_WRITE | DELETE,
				FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
				NULL, CREATE_ALWAYS,
				FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE,
				NULL);
	if (h == INVALID_HANDLE_VALUE)
		(void)win_fail();
	else
		*fd = win_descriptor(h, 0);
	return *fd < 0 ? err_sys(err, "cannot make a temporary file") : 0;
}

int64_t port_read_at(int fd, void *buffer, size_t size, uint64_t off)
{
	ssize_t n = weir_pread(fd, buffer, size, (off_t)off);

	return n < 0 ? -errno : n;
}
