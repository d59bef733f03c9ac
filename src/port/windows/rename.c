/* Names: made, changed, removed. */
#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>

/* Classes and forms of NtSetInformationFile (winternl.h lacks them); the flags of the newer ones let
 * an open file lose its name, as in POSIX.  Facts: ntifs.h as documented for drivers. */
enum {
	CLASS_RENAME = 10,
	CLASS_DISPOSITION = 13,
	CLASS_DISPOSITION_EX = 64,
	CLASS_RENAME_EX = 65,
};

#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)

enum {
	RENAME_REPLACE = 1,
	RENAME_POSIX = 2,
	DISPOSITION_DELETE = 1,
	DISPOSITION_POSIX = 2,
	DISPOSITION_READONLY = 0x10,
};

struct rename_form {
	ULONG flags; /* the older class: 1 replaces */
	HANDLE root;
	ULONG bytes;
	WCHAR name[];
};

static HANDLE root_of(int dir)
{
	return dir == AT_FDCWD ? NULL : win_handle(dir);
}

static NTSTATUS remove_handle(HANDLE h)
{
	ULONG flags = DISPOSITION_DELETE | DISPOSITION_POSIX | DISPOSITION_READONLY;
	BOOLEAN is_removed = TRUE;
	IO_STATUS_BLOCK io;
	NTSTATUS status =
		win_calls()->set_file(h, &io, &flags, sizeof flags, CLASS_DISPOSITION_EX);

	/* Not of this system, or not of this file system: gone with its last handle. */
	if (status < 0)
		status = win_calls()->set_file(h, &io, &is_removed, sizeof is_removed,
					       CLASS_DISPOSITION);
	return status;
}

int weir_unlinkat(int dir, const char *name, int flags)
{
	struct win_open how = { .access = DELETE | FILE_READ_ATTRIBUTES,
				.disposition = FILE_OPEN,
				.options = FILE_OPEN_REPARSE_POINT };
	HANDLE root = root_of(dir), h;
	NTSTATUS status;

	if (root == INVALID_HANDLE_VALUE)
		return -1;
	how.options |=
		flags & AT_REMOVEDIR ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
	status = win_open_at(root, name, &how, &h);
	if (status < 0)
		return win_fail_status(status);
	status = remove_handle(h);
	(void)CloseHandle(h);
	return status < 0 ? win_fail_status(status) : 0;
}

int weir_unlink(const char *path)
{
	return weir_unlinkat(AT_FDCWD, path, 0);
}

int weir_rmdir(const char *path)
{
	return weir_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int weir_mkdirat(int dir, const char *name, unsigned mode)
{
	struct win_open how = { .access = FILE_READ_ATTRIBUTES,
				.disposition = FILE_CREATE,
				.options = FILE_DIRECTORY_FILE };
	HANDLE root = root_of(dir), h;
	NTSTATUS status;

	(void)mode;
	if (root == INVALID_HANDLE_VALUE)
		return -1;
	status = win_open_at(root, name, &how, &h);
	if (status < 0)
		return win_fail_status(status);
	(void)CloseHandle(h);
	return 0;
}

int weir_mkdir(const char *path, unsigned mode)
{
	return weir_mkdirat(AT_FDCWD, path, mode);
}

static NTSTATUS rename_handle(HANDLE h, HANDLE root, const wchar_t *to)
{
	size_t bytes = wcslen(to) * sizeof *to;
	size_t size = sizeof(struct rename_form) + bytes + sizeof *to;
	struct rename_form *form = mem_new(size, 1);
	IO_STATUS_BLOCK io;
	NTSTATUS status;

	if (!form)
		return (NTSTATUS)0xC0000017; /* STATUS_NO_MEMORY */
	form->flags = RENAME_REPLACE | RENAME_POSIX;
	form->root = root;
	form->bytes = (ULONG)bytes;
	memcpy(form->name, to, bytes);
	status = win_calls()->set_file(h, &io, form, (ULONG)size, CLASS_RENAME_EX);
	if (status < 0) {
		form->flags = 1;
		status = win_calls()->set_file(h, &io, form, (ULONG)size, CLASS_RENAME);
	}
	mem_free(form);
	return status;
}

/* Where an open file cannot lose its name to another (before Windows 10 1709; FAT; wine), it is put
 * aside first: for a moment neither name is there, and a crash then leaves `NAME.replaced`. */
static NTSTATUS replace_aside(const char *to, HANDLE h, HANDLE root, const wchar_t *name)
{
	size_t size = strlen(to) + sizeof ".replaced";
	char *aside = mem_new(size, 1);
	struct win_open how = { .access = DELETE | FILE_READ_ATTRIBUTES,
				.disposition = FILE_OPEN,
				.options = FILE_OPEN_REPARSE_POINT };
	NTSTATUS status = (NTSTATUS)0xC0000017; /* STATUS_NO_MEMORY */
	wchar_t *wide = NULL;
	HANDLE old;

	if (aside) {
		(void)snprintf(aside, size, "%s.replaced", to);
		wide = root ? win_name(aside) : win_path(aside);
	}
	if (wide && !root)
		wide[1] = L'?';
	if (wide)
		status = win_open_at(root, to, &how, &old);
	if (wide && status >= 0) {
		status = rename_handle(old, root, wide);
		if (status >= 0) {
			status = rename_handle(h, root, name);
			if (status >= 0)
				(void)remove_handle(old);
			else
				(void)rename_handle(old, root, name);
		}
		(void)CloseHandle(old);
	}
	mem_free(wide);
	mem_free(aside);
	return status;
}

int weir_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	struct win_open how = { .access = DELETE | FILE_READ_ATTRIBUTES,
				.disposition = FILE_OPEN,
				.options = FILE_OPEN_REPARSE_POINT };
	HANDLE from_root = root_of(from_dir), to_root = root_of(to_dir), h;
	wchar_t *name;
	NTSTATUS status;

	if (from_root == INVALID_HANDLE_VALUE || to_root == INVALID_HANDLE_VALUE)
		return -1;
	name = to_root ? win_name(to) : win_path(to);
	if (!name)
		return -1;
	if (!to_root)
		name[1] = L'?'; /* the kernel's form of the path */
	status = win_open_at(from_root, from, &how, &h);
	if (status >= 0) {
		status = rename_handle(h, to_root, name);
		if (status == STATUS_ACCESS_DENIED)
			status = replace_aside(to, h, to_root, name);
		(void)CloseHandle(h);
	}
	mem_free(name);
	return status < 0 ? win_fail_status(status) : 0;
}

int weir_rename(const char *from, const char *to)
{
	return weir_renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int weir_link(const char *from, const char *to)
{
	wchar_t *old = win_path(from), *name = win_path(to);
	int rc = -1;

	if (old && name)
		rc = CreateHardLinkW(name, old, NULL) ? 0 : win_fail();
	mem_free(old);
	mem_free(name);
	return rc;
}

/* Replaces the six X at the end until the name is new; make: what is made of it. */
static int make_unique(char *path, int (*make)(const char *path))
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(path);
	LARGE_INTEGER seed;

	if (length < 6 || strcmp(path + length - 6, "XXXXXX") != 0) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned tries = 0; tries < 100; tries++) {
		uint64_t n;
		int rc;

		(void)QueryPerformanceCounter(&seed);
		n = ((uint64_t)seed.QuadPart + tries) * 6364136223846793005ULL +
		    GetCurrentProcessId();
		for (unsigned i = 0; i < 6; i++, n /= 36)
			path[length - 6 + i] = letters[(n >> 16) % 36];
		rc = make(path);
		if (rc >= 0 || errno != EEXIST)
			return rc;
	}
	return -1;
}

static int make_folder(const char *path)
{
	return weir_mkdir(path, 0700);
}

static int make_file(const char *path)
{
	return weir_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
}

char *weir_mkdtemp(char *path)
{
	return make_unique(path, make_folder) ? NULL : path;
}

int weir_mkstemp(char *path)
{
	return make_unique(path, make_file);
}

int weir_symlink(const char *target, const char *path)
{
	(void)target;
	(void)path;
	errno = ENOSYS;
	return -1;
}

int weir_mkfifoat(int dir, const char *name, unsigned mode)
{
	(void)dir;
	(void)name;
	(void)mode;
	errno = ENOSYS;
	return -1;
}
