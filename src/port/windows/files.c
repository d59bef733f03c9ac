/* The calls of a listing (port/files.h) on Windows: what port/ntfs_files.h asks, by Windows' own calls.
 *
 * A folder is listed by one handle in the richest class of information that the system has.  An
 * entry's own facts come from a handle that may look at attributes only, which neither fails on files
 * that others have open nor changes a time.  Reparse points are opened as such, never followed.
 * Facts: MS-FSCC 2.4; NtQueryDirectoryFile, SetFileTime of Microsoft's documentation. */
#include "base/mem.h"
#include "port/ntfs_files.h"
#include "port/windows/win.h"

#include <errno.h>

#define NO_MORE_FILES ((NTSTATUS)0x80000006)
#define NO_SUCH_FILE  ((NTSTATUS)0xC000000F)

static int failed(void)
{
	return errno ? -errno : -EIO;
}

static int open_handle(int dir, const char *name, ACCESS_MASK access, ULONG options,
		       HANDLE *h)
{
	struct win_open how = { .access = access | FILE_READ_ATTRIBUTES,
				.disposition = FILE_OPEN,
				.options = options | FILE_OPEN_REPARSE_POINT |
					   FILE_OPEN_FOR_BACKUP_INTENT };
	NTSTATUS status = dir == AT_FDCWD
				  ? win_open_at(NULL, name, &how, h)
				  : win_open_entry(win_handle(dir), name, &how, h);

	if (status >= 0)
		return 0;
	(void)win_fail_status(status);
	return failed();
}

/* With the right to write attributes the time of last access can be held: a time of all ones says
 * that what is done by this handle leaves it alone. */
static bool hold_access_time(HANDLE h)
{
	static const FILETIME keep = { .dwLowDateTime = 0xffffffff,
				       .dwHighDateTime = 0xffffffff };

	return SetFileTime(h, NULL, &keep, NULL);
}

/* Opened for its content, its time of access held where that is asked for and can be had. */
static int open_content(struct port_files *p, int dir, const char *name, bool is_dir,
			HANDLE *h)
{
	ACCESS_MASK access =
		is_dir ? FILE_LIST_DIRECTORY | FILE_TRAVERSE : FILE_READ_DATA;
	ULONG options = is_dir ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
	int rc = -EACCES;

	if (p->want_noatime)
		rc = open_handle(dir, name, access | FILE_WRITE_ATTRIBUTES, options, h);
	if (rc && (!p->want_noatime || rc == -EACCES || rc == -EROFS)) {
		rc = open_handle(dir, name, access, options, h);
		if (!rc && p->want_noatime)
			atomic_fetch_add_explicit(&p->disturbed, 1, memory_order_relaxed);
	} else if (!rc && !hold_access_time(*h)) {
		atomic_fetch_add_explicit(&p->disturbed, 1, memory_order_relaxed);
	}
	return rc;
}

static int source_open(void *state, int dir, const char *name, enum ntfs_access access)
{
	HANDLE h;
	int rc;

	if (access == NTFS_LOOK || access == NTFS_RIGHTS)
		rc = open_handle(dir, name, access == NTFS_RIGHTS ? READ_CONTROL : 0, 0,
				 &h);
	else
		rc = open_content(state, dir, name, access == NTFS_LIST, &h);
	if (rc)
		return rc;
	rc = win_descriptor(h, O_RDONLY);
	return rc < 0 ? failed() : rc;
}

/* What a class that is not there, here or in this file system, is answered with. */
static bool is_class_unknown(NTSTATUS status)
{
	static const NTSTATUS unknown[] = {
		(NTSTATUS)0xC0000002, /* not implemented */
		(NTSTATUS)0xC0000003, /* invalid information class */
		(NTSTATUS)0xC000000D, /* invalid parameter */
		(NTSTATUS)0xC0000010, /* invalid device request */
		(NTSTATUS)0xC00000BB, /* not supported */
	};

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (status == unknown[i])
			return true;
	return false;
}

static int64_t source_entries(void *state, int dir, enum dir_class class,
			      const char *only, void *buffer, size_t size)
{
	wchar_t *name = only ? win_name(only) : NULL;
	UNICODE_STRING filter = { .Buffer = name };
	IO_STATUS_BLOCK io = { .Information = 0 };
	NTSTATUS status;

	(void)state;
	if (only && !name)
		return failed();
	if (name)
		filter.Length = filter.MaximumLength =
			(USHORT)(wcslen(name) * sizeof *name);
	status = win_calls()->query_directory(
		win_handle(dir), NULL, NULL, NULL, &io, buffer, (ULONG)size, (int)class,
		name != NULL, name ? &filter : NULL, name != NULL);
	mem_free(name);
	if (status >= 0)
		return (int64_t)io.Information;
	if (status == NO_MORE_FILES || status == NO_SUCH_FILE)
		return 0;
	if (is_class_unknown(status))
		return -EINVAL;
	(void)win_fail_status(status);
	return failed();
}

/* The structures of a fixed length, as GetFileInformationByHandleEx() numbers them. */
static int64_t fact_of_class(HANDLE h, int class, size_t bytes, void *buffer, size_t size)
{
	if (size < bytes)
		return -ERANGE;
	if (GetFileInformationByHandleEx(h, class, buffer, (DWORD)size))
		return (int64_t)bytes;
	(void)win_fail();
	return failed();
}

static int64_t fact_of_handle(HANDLE h, void *buffer, size_t size)
{
	BY_HANDLE_FILE_INFORMATION i;

	if (!GetFileInformationByHandle(h, &i)) {
		(void)win_fail();
		return failed();
	}
	if (size < sizeof i)
		return -ERANGE;
	memcpy(buffer, &i, sizeof i);
	return (int64_t)sizeof i;
}

/* Folders have none as a rule, other file systems never.  The chain tells its own end. */
static int64_t fact_of_streams(HANDLE h, void *buffer, size_t size)
{
	memset(buffer, 0, size);
	if (GetFileInformationByHandleEx(h, FileStreamInfo, buffer, (DWORD)size))
		return (int64_t)size;
	(void)win_fail();
	return GetLastError() == ERROR_HANDLE_EOF || errno == EOPNOTSUPP ? 0 : failed();
}

static int64_t fact_of_reparse(HANDLE h, void *buffer, size_t size)
{
	DWORD bytes = 0;

	if (DeviceIoControl(h, FSCTL_GET_REPARSE_POINT, NULL, 0, buffer, (DWORD)size,
			    &bytes, NULL))
		return bytes;
	(void)win_fail();
	return failed();
}

/* The list of audit rules needs a privilege that a reader of files has not: it is left out. */
static int64_t fact_of_security(HANDLE h, void *buffer, size_t size)
{
	DWORD what = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
		     DACL_SECURITY_INFORMATION,
	      bytes = (DWORD)size;

	if (GetKernelObjectSecurity(h, what, buffer, bytes, &bytes))
		return bytes < size ? bytes : (int64_t)size;
	(void)win_fail();
	return failed();
}

static int64_t source_fact(void *state, int handle, enum ntfs_fact fact, void *buffer,
			   size_t size)
{
	HANDLE h = win_handle(handle);

	(void)state;
	if (h == INVALID_HANDLE_VALUE)
		return failed();
	switch (fact) {
	case NTFS_FACT_BASIC:
		return fact_of_class(h, FileBasicInfo, sizeof(FILE_BASIC_INFO), buffer,
				     size);
	case NTFS_FACT_STANDARD:
		return fact_of_class(h, FileStandardInfo, sizeof(FILE_STANDARD_INFO),
				     buffer, size);
	case NTFS_FACT_TAG:
		return fact_of_class(h, FileAttributeTagInfo,
				     sizeof(FILE_ATTRIBUTE_TAG_INFO), buffer, size);
	case NTFS_FACT_STREAMS:
		return fact_of_streams(h, buffer, size);
	case NTFS_FACT_REPARSE:
		return fact_of_reparse(h, buffer, size);
	case NTFS_FACT_SECURITY:
		return fact_of_security(h, buffer, size);
	case NTFS_FACT_HANDLE:
	default:
		return fact_of_handle(h, buffer, size);
	}
}

static int64_t call_read(void *state, int file, void *buffer, size_t size, uint64_t off)
{
	(void)state;
	return port_read_at(file, buffer, size, off);
}

static void call_close(void *state, int handle)
{
	(void)state;
	port_handle_close(handle);
}

static const struct ntfs_source source = {
	.open = source_open,
	.entries = source_entries,
	.fact = source_fact,
	.read = call_read,
	.close = call_close,
};

static int call_open(void *state, int dir, const char *name, enum file_open how)
{
	return ntfs_files_open(&source, state, dir, name, how);
}

static int64_t call_entries(void *state, int dir, void *buffer, size_t size)
{
	return ntfs_files_entries(&source, state, dir, buffer, size);
}

static int call_query(void *state, int dir, const char *name, struct file_meta *m)
{
	return ntfs_files_query(&source, state, dir, name, m);
}

static int64_t call_link(void *state, int dir, const char *name, char *buffer,
			 size_t size)
{
	return ntfs_files_link(&source, state, dir, name, buffer, size);
}

static int64_t call_xattr(void *state, int dir, const char *name, const char *xattr,
			  void *buffer, size_t size)
{
	return ntfs_files_xattr(&source, state, dir, name, xattr, buffer, size);
}

static int call_flags(void *state, int dir, const char *name, struct file_flags *f)
{
	(void)state;
	(void)dir;
	(void)name;
	(void)f;
	return -EOPNOTSUPP;
}

const struct file_calls port_file_calls = {
	.open = call_open,
	.entries = call_entries,
	.query = call_query,
	.link = call_link,
	.xattr = call_xattr,
	.flags = call_flags,
	.read = call_read,
	.close = call_close,
};
