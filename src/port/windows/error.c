#include "port/files.h"
#include "port/windows/win.h"

#include <errno.h>

/* The errors that calls on files, sockets and processes end with; docs: "System Error Codes". */
static const struct {
	DWORD error;
	int number;
} table[] = {
	{ ERROR_FILE_NOT_FOUND, ENOENT },
	{ ERROR_PATH_NOT_FOUND, ENOENT },
	{ ERROR_INVALID_DRIVE, ENOENT },
	{ ERROR_BAD_NETPATH, ENOENT },
	{ ERROR_BAD_NET_NAME, ENOENT },
	{ ERROR_BAD_PATHNAME, ENOENT },
	{ ERROR_INVALID_NAME, ENOENT },
	{ ERROR_DELETE_PENDING, ENOENT },
	{ ERROR_NOT_FOUND, ENOENT },
	{ ERROR_TOO_MANY_OPEN_FILES, EMFILE },
	{ ERROR_ACCESS_DENIED, EACCES },
	{ ERROR_CURRENT_DIRECTORY, EBUSY },
	{ ERROR_WRITE_PROTECT, EROFS },
	{ ERROR_PRIVILEGE_NOT_HELD, EPERM },
	{ ERROR_INVALID_HANDLE, EBADF },
	{ ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
	{ ERROR_OUTOFMEMORY, ENOMEM },
	{ ERROR_NO_SYSTEM_RESOURCES, ENOMEM },
	{ ERROR_COMMITMENT_LIMIT, ENOMEM },
	{ ERROR_NOT_SAME_DEVICE, EXDEV },
	{ ERROR_SHARING_VIOLATION, EBUSY },
	{ ERROR_USER_MAPPED_FILE, EBUSY },
	{ ERROR_BUSY, EBUSY },
	{ ERROR_LOCK_VIOLATION, EWOULDBLOCK },
	{ ERROR_IO_PENDING, EWOULDBLOCK },
	{ ERROR_FILE_EXISTS, EEXIST },
	{ ERROR_ALREADY_EXISTS, EEXIST },
	{ ERROR_DISK_FULL, ENOSPC },
	{ ERROR_HANDLE_DISK_FULL, ENOSPC },
	{ 1295 /* ERROR_DISK_QUOTA_EXCEEDED */, EDQUOT },
	{ ERROR_BROKEN_PIPE, EPIPE },
	{ ERROR_NO_DATA, EPIPE },
	{ ERROR_PIPE_NOT_CONNECTED, EPIPE },
	{ ERROR_NEGATIVE_SEEK, EINVAL },
	{ ERROR_INVALID_PARAMETER, EINVAL },
	{ ERROR_DIR_NOT_EMPTY, ENOTEMPTY },
	{ ERROR_DIRECTORY, ENOTDIR },
	{ ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
	{ ERROR_BUFFER_OVERFLOW, ENAMETOOLONG },
	{ 681 /* ERROR_STOPPED_ON_SYMLINK */, ELOOP },
	{ ERROR_CANT_RESOLVE_FILENAME, ELOOP },
	{ ERROR_TOO_MANY_LINKS, EMLINK },
	{ ERROR_FILE_TOO_LARGE, EFBIG },
	{ ERROR_INVALID_FUNCTION, EOPNOTSUPP },
	{ ERROR_NOT_SUPPORTED, EOPNOTSUPP },
	{ ERROR_CALL_NOT_IMPLEMENTED, EOPNOTSUPP },
	{ ERROR_PROC_NOT_FOUND, ENOSYS },
	{ ERROR_OPERATION_ABORTED, EINTR },
	{ ERROR_SEM_TIMEOUT, ETIMEDOUT },
	{ ERROR_TIMEOUT, ETIMEDOUT },
	{ ERROR_NO_UNICODE_TRANSLATION, EILSEQ },
};

int win_errno(DWORD error)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].error == error)
			return table[i].number;
	return EIO;
}

int win_fail(void)
{
	errno = win_errno(GetLastError());
	return -1;
}

int win_fail_status(NTSTATUS status)
{
	errno = win_errno(win_calls()->status_to_error(status));
	return -1;
}

/* The words of glibc for what msvcrt's strerror() does not know. */
char *weir_strerror(int number)
{
	static const struct {
		int number;
		const char *words;
	} more[] = {
		{ ELOOP, "Too many levels of symbolic links" },
		{ EOPNOTSUPP, "Operation not supported" },
		{ ETIMEDOUT, "Connection timed out" },
		{ EDQUOT, "Disk quota exceeded" },
		{ EOVERFLOW, "Value too large for defined data type" },
		{ EBUSY, "Device or resource busy (another program has it open)" },
		{ EPIPE, "Broken pipe" },
		{ EXDEV, "Invalid cross-device link" },
		{ EIO, "Input/output error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (more[i].number == number)
			return (char *)(uintptr_t)more[i].words;
	return (strerror)(number);
}

const char *port_errno_name(int number, char text[16])
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },
		{ ENOENT, "ENOENT" },
		{ ESRCH, "ESRCH" },
		{ EINTR, "EINTR" },
		{ EIO, "EIO" },
		{ ENXIO, "ENXIO" },
		{ E2BIG, "E2BIG" },
		{ ENOEXEC, "ENOEXEC" },
		{ EBADF, "EBADF" },
		{ ECHILD, "ECHILD" },
		{ EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },
		{ EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" },
		{ EEXIST, "EEXIST" },
		{ EXDEV, "EXDEV" },
		{ ENODEV, "ENODEV" },
		{ ENOTDIR, "ENOTDIR" },
		{ EISDIR, "EISDIR" },
		{ EINVAL, "EINVAL" },
		{ ENFILE, "ENFILE" },
		{ EMFILE, "EMFILE" },
		{ ENOTTY, "ENOTTY" },
		{ EFBIG, "EFBIG" },
		{ ENOSPC, "ENOSPC" },
		{ ESPIPE, "ESPIPE" },
		{ EROFS, "EROFS" },
		{ EMLINK, "EMLINK" },
		{ EPIPE, "EPIPE" },
		{ EDOM, "EDOM" },
		{ ERANGE, "ERANGE" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },
		{ ENOSYS, "ENOSYS" },
		{ ENOTEMPTY, "ENOTEMPTY" },
		{ EILSEQ, "EILSEQ" },
		{ ELOOP, "ELOOP" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ EOVERFLOW, "EOVERFLOW" },
		{ ETIMEDOUT, "ETIMEDOUT" },
		{ EDQUOT, "EDQUOT" },
		{ ESTALE, "ESTALE" },
		{ ECANCELED, "ECANCELED" },
		{ EBADMSG, "EBADMSG" },
		{ ETXTBSY, "ETXTBSY" },
		{ ENODATA, "ENODATA" },
		{ EPROTO, "EPROTO" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].number == number)
			return names[i].name;
	(void)snprintf(text, 16, "E%d", number);
	return text;
}
