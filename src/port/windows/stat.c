/* What stands in the file system: kind, size, identity, rights. */
#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>

#define NS_PER_S 1000000000LL

static struct timespec time_of_number(int64_t filetime)
{
	int64_t ns = win_time_ns(filetime);

	return (struct timespec){ .tv_sec = ns / NS_PER_S,
				  .tv_nsec = (long)(ns % NS_PER_S) };
}

static struct timespec time_of(FILETIME t)
{
	return time_of_number((int64_t)t.dwHighDateTime << 32 | t.dwLowDateTime);
}

static uint32_t mode_of(HANDLE h, DWORD attributes)
{
	FILE_ATTRIBUTE_TAG_INFO t;

	if (attributes & FILE_ATTRIBUTE_REPARSE_POINT &&
	    GetFileInformationByHandleEx(h, FileAttributeTagInfo, &t, sizeof t) &&
	    (IsReparseTagNameSurrogate(t.ReparseTag) || !t.ReparseTag))
		return S_IFLNK | 0777;
	if (attributes & FILE_ATTRIBUTE_DIRECTORY)
		return S_IFDIR | 0700;
	return S_IFREG | (attributes & FILE_ATTRIBUTE_READONLY ? 0400 : 0600);
}

static int query(HANDLE h, struct weir_stat *st)
{
	BY_HANDLE_FILE_INFORMATION i;
	FILE_STANDARD_INFO s;
	FILE_BASIC_INFO b;
	DWORD type = GetFileType(h);

	*st = (struct weir_stat){ .st_nlink = 1 };
	if (type == FILE_TYPE_PIPE || type == FILE_TYPE_CHAR) {
		st->st_mode = (type == FILE_TYPE_PIPE ? S_IFIFO : S_IFCHR) | 0600;
		return 0;
	}
	if (!GetFileInformationByHandle(h, &i))
		return win_fail();
	if (GetFileInformationByHandleEx(h, FileStandardInfo, &s, sizeof s))
		st->st_blocks = s.AllocationSize.QuadPart / 512;
	st->st_mode = mode_of(h, i.dwFileAttributes);
	st->st_dev = i.dwVolumeSerialNumber;
	st->st_ino = (uint64_t)i.nFileIndexHigh << 32 | i.nFileIndexLow;
	st->st_nlink = i.nNumberOfLinks;
	st->st_size = (int64_t)i.nFileSizeHigh << 32 | i.nFileSizeLow;
	st->st_atim = time_of(i.ftLastAccessTime);
	st->st_mtim = time_of(i.ftLastWriteTime);
	/* Of the last change of any kind; zero: the file system keeps none (FAT). */
	if (GetFileInformationByHandleEx(h, FileBasicInfo, &b, sizeof b) &&
	    b.ChangeTime.QuadPart)
		st->st_ctim = time_of_number(b.ChangeTime.QuadPart);
	return 0;
}

int weir_fstat(int fd, struct weir_stat *st)
{
	HANDLE h = win_handle(fd);

	return h == INVALID_HANDLE_VALUE ? -1 : query(h, st);
}

static int open_for(HANDLE *h, int dir, const char *name, ACCESS_MASK access, int flags)
{
	struct win_open how = { .access = access,
				.disposition = FILE_OPEN,
				.options = FILE_OPEN_FOR_BACKUP_INTENT };
	HANDLE root = dir == AT_FDCWD ? NULL : win_handle(dir);
	NTSTATUS status;

	if (root == INVALID_HANDLE_VALUE)
		return -1;
	if (flags & AT_SYMLINK_NOFOLLOW)
		how.options |= FILE_OPEN_REPARSE_POINT;
	status = win_open_at(root, name, &how, h);
	return status < 0 ? win_fail_status(status) : 0;
}

int weir_fstatat(int dir, const char *name, struct weir_stat *st, int flags)
{
	HANDLE h;
	int rc = open_for(&h, dir, name, FILE_READ_ATTRIBUTES, flags);

	if (rc)
		return rc;
	rc = query(h, st);
	(void)CloseHandle(h);
	return rc;
}

int weir_stat(const char *path, struct weir_stat *st)
{
	return weir_fstatat(AT_FDCWD, path, st, 0);
}

int weir_lstat(const char *path, struct weir_stat *st)
{
	return weir_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/* By trying: only the system knows what its lists of rights allow. */
int weir_faccessat(int dir, const char *name, int mode, int flags)
{
	ACCESS_MASK access = FILE_READ_ATTRIBUTES;
	HANDLE h;

	if (mode & R_OK)
		access |= FILE_READ_DATA;
	if (mode & W_OK)
		access |= FILE_WRITE_DATA; /* of a folder: to add a file */
	if (open_for(&h, dir, name, access, flags))
		return -1;
	(void)CloseHandle(h);
	return 0;
}

int weir_access(const char *path, int mode)
{
	return weir_faccessat(AT_FDCWD, path, mode, 0);
}

int weir_fchown(int fd, uid_t uid, gid_t gid)
{
	(void)uid;
	(void)gid;
	return win_handle(fd) == INVALID_HANDLE_VALUE ? -1 : 0;
}

int weir_fchmod(int fd, unsigned mode)
{
	(void)mode;
	return win_handle(fd) == INVALID_HANDLE_VALUE ? -1 : 0;
}

int weir_chmod(const char *path, unsigned mode)
{
	(void)mode;
	return weir_access(path, F_OK);
}
