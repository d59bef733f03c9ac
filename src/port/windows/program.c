/* Whether others could change what a service runs: the program, what is loaded from beside it, and the folders
 * above, in which another one could be put in its place. */
#include "base/mem.h"
#include "port/windows/net.h"

#include <stdio.h>

enum {
	WHY = 256
};

static int refuse(const char *path, const char *why, struct weir_error *err)
{
	return err_set(
		err, WEIR_ERR_PRIVILEGE,
		"a service runs as the system, and '%.200s' %s: copy the program and "
		"what is beside it to where only administrators write",
		path, why);
}

static HANDLE open_to_look(const wchar_t *path)
{
	return CreateFileW(path, READ_CONTROL | FILE_READ_ATTRIBUTES,
			   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
			   OPEN_EXISTING,
			   FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
			   NULL);
}

/* Where it leads another one may rule. */
static bool is_link(HANDLE h)
{
	FILE_ATTRIBUTE_TAG_INFO t;

	return GetFileInformationByHandleEx(h, FileAttributeTagInfo, &t, sizeof t) &&
	       t.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT &&
	       IsReparseTagNameSurrogate(t.ReparseTag);
}

static int check_one(const char *path, enum ntfs_hold hold, struct weir_error *err)
{
	wchar_t *wide = win_path(path);
	HANDLE h = wide ? open_to_look(wide) : INVALID_HANDLE_VALUE;
	char why[WHY] = "cannot be looked at";
	bool is = false;

	mem_free(wide);
	if (h != INVALID_HANDLE_VALUE && is_link(h))
		(void)snprintf(why, sizeof why, "is a link");
	else if (h != INVALID_HANDLE_VALUE)
		is = win_is_held(h, hold, why, sizeof why);
	if (h != INVALID_HANDLE_VALUE)
		(void)CloseHandle(h);
	return is ? 0 : refuse(path, why, err);
}

/* A DLL is looked for beside the program first, and the driver there alone.  Nothing is loaded from folders below. */
static int check_found(const char *folder, const WIN32_FIND_DATAW *found,
		       struct weir_error *err)
{
	char *name, path[2048];
	int n, rc;

	if (found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
		return 0;
	name = win_text(found->cFileName, wcslen(found->cFileName));
	if (!name)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a name");
	n = snprintf(path, sizeof path, "%s\\%s", folder, name);
	rc = n > 0 && (size_t)n < sizeof path
		     ? check_one(path, NTFS_HOLD_ALL, err)
		     : refuse(folder, "has names that are too long", err);
	mem_free(name);
	return rc;
}

static int check_beside(const char *folder, struct weir_error *err)
{
	WIN32_FIND_DATAW found;
	char pattern[2048];
	wchar_t *wide;
	HANDLE h;
	int rc = 0;

	(void)snprintf(pattern, sizeof pattern, "%s\\*", folder);
	wide = win_path(pattern);
	h = wide ? FindFirstFileW(wide, &found) : INVALID_HANDLE_VALUE;
	mem_free(wide);
	if (h == INVALID_HANDLE_VALUE)
		return refuse(folder, "cannot be listed", err);
	do
		rc = check_found(folder, &found, err);
	while (!rc && FindNextFileW(h, &found));
	(void)FindClose(h);
	return rc;
}

/* In the folder itself nobody may put a thing; further up nobody may put another folder in the place of one. */
static int check_folders(char *path, struct weir_error *err)
{
	enum ntfs_hold hold = NTFS_HOLD_ALL;
	int rc = 0;

	while (!rc && ntfs_folder_of(path)) {
		bool is_root = !path[3];

		rc = check_one(path,
			       is_root && hold == NTFS_HOLD_ABOVE ? NTFS_HOLD_ROOT : hold,
			       err);
		if (!rc && hold == NTFS_HOLD_ALL)
			rc = check_beside(path, err);
		hold = NTFS_HOLD_ABOVE;
	}
	return rc;
}

/* Its own name, without links on the way. */
static int true_name(char *path, size_t size, struct weir_error *err)
{
	int fd = weir_open(path, O_RDONLY), rc = 0;
	wchar_t *wide = fd >= 0 ? win_path_of(win_handle(fd)) : NULL;
	char *text = wide ? win_text(wide, wcslen(wide)) : NULL;

	if (fd < 0)
		rc = err_sys(err, "cannot open '%.200s'", path);
	else if (!text || strncmp(text, "\\\\?\\", 4) != 0 || !text[4] || text[5] != ':')
		rc = refuse(path, "lies on no drive of this machine", err);
	else if (strlen(text + 4) >= size)
		rc = err_set(err, WEIR_ERR_LIMIT, "a path is longer than %zu bytes",
			     size - 1);
	else
		(void)snprintf(path, size, "%s", text + 4);
	mem_free(text);
	mem_free(wide);
	if (fd >= 0)
		(void)weir_close(fd);
	return rc;
}

int win_check_program(char *path, size_t size, struct weir_error *err)
{
	char *folder;
	int rc = true_name(path, size, err);

	if (rc)
		return rc;
	folder = mem_new(strlen(path) + 1, 1);
	if (!folder)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a path");
	memcpy(folder, path, strlen(path));
	rc = check_folders(folder, err);
	mem_free(folder);
	return rc;
}
