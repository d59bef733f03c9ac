/* The headers of Windows, in the one order that works.  Only files of this folder include it. */
#ifndef WEIR_PORT_WINDOWS_WIN_H
#define WEIR_PORT_WINDOWS_WIN_H

/* clang-format off */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <winioctl.h>
#include <winternl.h>
/* clang-format on */

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of <fcntl.h>, whose other constants posix.h has as it needs them. */
#ifndef _O_BINARY
# define _O_NOINHERIT 0x80
# define _O_BINARY    0x8000
#endif

/* error.c: the errno for an error of Windows or a status of its kernel. */
int win_errno(DWORD error);
/* Sets errno from GetLastError(); returns -1. */
int win_fail(void);
/* The same for a status. */
int win_fail_status(NTSTATUS status);

/* path.c.  A path for the W functions: absolute, with \\?\ in front, '\' between; free with
 * mem_free(); NULL and errno.  What begins with \\?\ already is taken as it is. */
wchar_t *win_path(const char *path) MUST_CHECK;
/* A name or relative path as UTF-16, '/' made '\'. */
wchar_t *win_name(const char *name) MUST_CHECK;
/* The same with every byte as it is. */
wchar_t *win_units(const char *text) MUST_CHECK;
/* Texts of Windows as UTF-8, NUL-terminated; free with mem_free(). */
char *win_text(const wchar_t *text, size_t units) MUST_CHECK;
/* The absolute path of an open file or folder, \\?\C:\... or \\?\UNC\server\share\..., by the lasting
 * name of a volume that has no letter, by the device of one that has neither; free with mem_free(). */
wchar_t *win_path_of(HANDLE h) MUST_CHECK;
/* The volume that a file is on, without a backslash behind it, as it is opened as a whole; free with
 * mem_free(). */
wchar_t *win_volume_of(HANDLE h) MUST_CHECK;
/* A path of win_path_of() with a relative name behind it, in which "." and ".." mean what they do elsewhere; free
 * with mem_free(). */
wchar_t *win_path_join(const wchar_t *folder, const char *name) MUST_CHECK;
/* Such a path, changed in place, as users write it: C:\... or \\server\share\...; as it is where that
 * would name something else. */
const wchar_t *win_path_plain(wchar_t *path);

/* fd.c */
HANDLE win_handle(int fd);
/* Takes the handle, also on failure. */
int win_descriptor(HANDLE h, int flags);

struct win_open {
	ACCESS_MASK access;
	ULONG disposition; /* FILE_OPEN, ... */
	ULONG options;     /* FILE_DIRECTORY_FILE, ...; FILE_OPEN_REPARSE_POINT */
	PSECURITY_DESCRIPTOR rights; /* of what is made; NULL: what its folder hands on */
};

/* Opens relative to a folder (NULL: by full path), whatever the name's length, without following
 * the folder's path again.  The status; *h is set on success. */
NTSTATUS win_open_at(HANDLE dir, const char *name, const struct win_open *how, HANDLE *h);
/* The same of an entry, FILE or FILE:STREAM: whatever its name looks like, it is no path that leads
 * elsewhere.  "" and "." are the folder itself, ":STREAM" is a stream of its. */
NTSTATUS win_open_entry(HANDLE dir, const char *name, const struct win_open *how,
			HANDLE *h);

/* Functions that Windows or wine may lack; NULL where they do.  And some that a test puts others in the
 * place of, for what wine never answers. */
struct win_calls {
	NTSTATUS(NTAPI *create)
	(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, PLARGE_INTEGER,
	 ULONG, ULONG, ULONG, ULONG, PVOID, ULONG);
	NTSTATUS(NTAPI *set_file)
	(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);
	NTSTATUS(NTAPI *query_directory)
	(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, PVOID, ULONG, int, BOOLEAN,
	 PUNICODE_STRING, BOOLEAN);
	NTSTATUS(NTAPI *query_file)
	(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);
	NTSTATUS(NTAPI *query_process)
	(HANDLE, int, PVOID, ULONG, PULONG);
	NTSTATUS(NTAPI *query_system)
	(int, PVOID, ULONG, PULONG);
	BOOL(WINAPI *image_name)(HANDLE, DWORD, LPWSTR, PDWORD);
	UINT(WINAPI *drive_type)(LPCWSTR);
	BOOL(WINAPI *volume_facts)
	(LPCWSTR, LPWSTR, DWORD, LPDWORD, LPDWORD, LPDWORD, LPWSTR, DWORD);
	ULONG(NTAPI *status_to_error)(NTSTATUS);
	LONG(NTAPI *version)(OSVERSIONINFOEXW *);
	void(WINAPI *precise_time)(LPFILETIME);
	BOOL(WINAPI *interrupt_time)(PULONGLONG); /* biased: with suspend */
	HRESULT(WINAPI *thread_name)(HANDLE, PCWSTR);
	bool is_wine;
};

/* Filled once, at the first call, by whichever thread comes first; constant afterwards. */
const struct win_calls *win_calls(void);

/* privilege.c: one who was elevated, or the system. */
bool win_is_administrator(void);

enum win_privilege {
	WIN_BACKUP, /* reads what FILE_OPEN_FOR_BACKUP_INTENT opens, whatever its rights say */
	WIN_DEBUG, /* opens processes, whoever's they are */
};

/* Turns it on for this process where its token has it, once. */
void win_use_privilege(enum win_privilege privilege);
/* Whether it is on. */
bool win_has_privilege(enum win_privilege privilege);
/* stop.c: as if the service manager, or the console, had asked. */
void win_stop_ask(void);
/* service.c: whether this process is one. */
bool win_is_service(void);

/* FILETIME: 100 ns since 1601. */
#define WIN_EPOCH_100NS 116444736000000000LL
int64_t win_time_ns(int64_t filetime);

#endif
