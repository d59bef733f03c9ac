/* Descriptors: bytes, sizes, locks. */
#include "port/windows/win.h"

#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>

/* More than this in one call is cut short, as POSIX allows. */
#define CHUNK (1U << 30)

static DWORD chunk_of(size_t length)
{
	return (DWORD)(length > CHUNK ? CHUNK : length);
}

static OVERLAPPED at_offset(off_t at)
{
	return (OVERLAPPED){ .Offset = (DWORD)(uint64_t)at,
			     .OffsetHigh = (DWORD)((uint64_t)at >> 32) };
}

ssize_t weir_read(int fd, void *bytes, size_t length)
{
	HANDLE h = win_handle(fd);
	DWORD n = 0;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (ReadFile(h, bytes, chunk_of(length), &n, NULL))
		return (ssize_t)n;
	/* The other end of a pipe is gone: the end. */
	if (GetLastError() == ERROR_BROKEN_PIPE || GetLastError() == ERROR_HANDLE_EOF)
		return 0;
	return win_fail();
}

ssize_t weir_write(int fd, const void *bytes, size_t length)
{
	HANDLE h = win_handle(fd);
	DWORD n = 0;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (!WriteFile(h, bytes, chunk_of(length), &n, NULL))
		return win_fail();
	return (ssize_t)n;
}

/* Reading or writing at an offset moves the position of a synchronous handle: it is put back. */
static bool position(HANDLE h, LARGE_INTEGER *at)
{
	return SetFilePointerEx(h, (LARGE_INTEGER){ .QuadPart = 0 }, at, FILE_CURRENT);
}

/* At an offset: into `to`, or, where that is NULL, out of `from`. */
static ssize_t transfer(int fd, void *to, const void *from, size_t length, off_t at)
{
	HANDLE h = win_handle(fd);
	OVERLAPPED o = at_offset(at);
	LARGE_INTEGER before;
	DWORD n = 0, error = 0;
	BOOL is_done;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (GetFileType(h) != FILE_TYPE_DISK || !position(h, &before)) {
		errno = ESPIPE;
		return -1;
	}
	is_done = to ? ReadFile(h, to, chunk_of(length), &n, &o)
		     : WriteFile(h, from, chunk_of(length), &n, &o);
	if (!is_done)
		error = GetLastError();
	(void)SetFilePointerEx(h, before, NULL, FILE_BEGIN);
	if (!error || (to && error == ERROR_HANDLE_EOF))
		return (ssize_t)n;
	errno = win_errno(error);
	return -1;
}

ssize_t weir_pread(int fd, void *bytes, size_t length, off_t at)
{
	return transfer(fd, bytes, NULL, length, at);
}

ssize_t weir_pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	return transfer(fd, NULL, bytes, length, at);
}

off_t weir_lseek(int fd, off_t at, int whence)
{
	HANDLE h = win_handle(fd);
	LARGE_INTEGER now;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (GetFileType(h) != FILE_TYPE_DISK) {
		errno = ESPIPE;
		return -1;
	}
	if (!SetFilePointerEx(h, (LARGE_INTEGER){ .QuadPart = at }, &now, (DWORD)whence))
		return win_fail();
	return now.QuadPart;
}

int weir_ftruncate(int fd, off_t length)
{
	FILE_END_OF_FILE_INFO end = { .EndOfFile.QuadPart = length };
	HANDLE h = win_handle(fd);

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	return SetFileInformationByHandle(h, FileEndOfFileInfo, &end, sizeof end)
		       ? 0
		       : win_fail();
}

/* A folder's entries are in the file system's journal: NTFS orders them behind what was flushed
 * before, and refuses to flush a handle that may not write. */
int weir_fsync(int fd)
{
	HANDLE h = win_handle(fd);
	FILE_BASIC_INFO b;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (FlushFileBuffers(h))
		return 0;
	if (GetLastError() == ERROR_ACCESS_DENIED &&
	    GetFileInformationByHandleEx(h, FileBasicInfo, &b, sizeof b) &&
	    b.FileAttributes & FILE_ATTRIBUTE_DIRECTORY)
		return 0;
	return win_fail();
}

int weir_syncfs(int fd)
{
	HANDLE h = win_handle(fd), volume;
	BOOL is_done = FALSE;
	wchar_t *path;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	path = win_volume_of(h);
	if (!path)
		return -1;
	volume = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
			     NULL, OPEN_EXISTING, 0, NULL);
	mem_free(path);
	if (volume != INVALID_HANDLE_VALUE) {
		is_done = FlushFileBuffers(volume);
		(void)CloseHandle(volume);
	}
	/* Who may not open the volume, or has it from another machine. */
	return is_done ? 0 : weir_fsync(fd);
}

/* Space without a change of size can be asked for; a size without written zeros cannot be had. */
int weir_fallocate(int fd, int mode, off_t at, off_t length)
{
	FILE_ALLOCATION_INFO room = { .AllocationSize.QuadPart = at + length };
	HANDLE h = win_handle(fd);

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (!(mode & FALLOC_FL_KEEP_SIZE)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (SetFileInformationByHandle(h, FileAllocationInfo, &room, sizeof room))
		return 0;
	return win_fail();
}

/* Windows' locks forbid reading what they cover: this one covers a byte where no file reaches. */
int weir_flock(int fd, int operation)
{
	OVERLAPPED o = { .Offset = 0xfffffff0, .OffsetHigh = 0x7fffffff };
	DWORD flags = LOCKFILE_FAIL_IMMEDIATELY;
	HANDLE h = win_handle(fd);

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	(void)UnlockFileEx(h, 0, 1, 0, &o);
	if (operation & LOCK_UN)
		return 0;
	if (operation & LOCK_EX)
		flags |= LOCKFILE_EXCLUSIVE_LOCK;
	return LockFileEx(h, flags, 0, 1, 0, &o) ? 0 : win_fail();
}

int weir_pipe(int fds[2])
{
	HANDLE ends[2];

	if (!CreatePipe(&ends[0], &ends[1], NULL, 65536))
		return win_fail();
	fds[0] = win_descriptor(ends[0], O_RDONLY);
	fds[1] = win_descriptor(ends[1], O_WRONLY);
	return fds[0] < 0 || fds[1] < 0 ? -1 : 0;
}

int weir_usleep(unsigned us)
{
	Sleep((us + 999) / 1000);
	return 0;
}

int weir_dup(int fd)
{
	HANDLE h = win_handle(fd), copy;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (!DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			     DUPLICATE_SAME_ACCESS))
		return win_fail();
	return win_descriptor(copy, 0);
}

int weir_fcntl(int fd, int command, ...)
{
	switch (command) {
	case F_DUPFD_CLOEXEC:
		return weir_dup(fd);
	case F_GETFD:
		return win_handle(fd) == INVALID_HANDLE_VALUE ? -1 : 0;
	default:
		errno = EINVAL;
		return -1;
	}
}

/* _isatty() takes NUL for a terminal. */
int weir_isatty(int fd)
{
	HANDLE h = win_handle(fd);
	DWORD mode;

	return h != INVALID_HANDLE_VALUE && GetConsoleMode(h, &mode);
}

/* Whether fd can be read without waiting: known of pipes; everything else can. */
static short look(const struct weir_pollfd *p)
{
	HANDLE h = win_handle(p->fd);
	DWORD bytes = 0;

	if (p->events & WEIR_POLLOUT)
		return WEIR_POLLOUT;
	if (h == INVALID_HANDLE_VALUE)
		return WEIR_POLLERR;
	if (GetFileType(h) != FILE_TYPE_PIPE)
		return p->events & WEIR_POLLIN;
	if (!PeekNamedPipe(h, NULL, 0, NULL, &bytes, NULL))
		return WEIR_POLLHUP;
	return bytes ? WEIR_POLLIN : 0;
}

/* Anonymous pipes cannot be waited for: they are looked at again and again. */
int weir_poll(struct weir_pollfd *fds, unsigned count, int timeout_ms)
{
	ULONGLONG begin = GetTickCount64();

	for (;;) {
		int found = 0;

		for (unsigned i = 0; i < count; i++) {
			fds[i].revents = 0;
			if (fds[i].fd >= 0)
				fds[i].revents = look(&fds[i]);
			found += fds[i].revents != 0;
		}
		if (found || (timeout_ms >= 0 &&
			      GetTickCount64() - begin >= (ULONGLONG)timeout_ms))
			return found;
		Sleep(10);
	}
}
