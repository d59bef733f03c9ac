#include "port/process.h"

#include "base/mem.h"
#include "port/windows/win.h"
#include "weir/error.h"

#include <sddl.h>
#include <stdio.h>
#include <wchar.h>

#define PATH_UNITS 4096
/* Of ntdll: no header of the compiler has them all. */
#define COMMAND_LINE_INFORMATION 60 /* ProcessCommandLineInformation, Windows 8.1 */
#define LIST_MOST                (64U << 20)
#define LIST_SLACK               65536
#define TRIES                    5

/* What NtQuerySystemInformation(SystemProcessInformation) begins each process with. */
struct listed {
	ULONG next, threads;
	LARGE_INTEGER reserved[3], created, user, kernel;
	UNICODE_STRING name;
	LONG priority;
	HANDLE pid, parent;
	ULONG handles, session;
};

_Static_assert(offsetof(struct listed, created) == 32 &&
		       offsetof(struct listed, name) == 56 &&
		       offsetof(struct listed, pid) == 80 &&
		       offsetof(struct listed, session) == 100,
	       "SYSTEM_PROCESS_INFORMATION");

static int64_t filetime_ns(const FILETIME *t)
{
	int64_t units = (int64_t)t->dwHighDateTime << 32 | t->dwLowDateTime;

	return units > WIN_EPOCH_100NS ? win_time_ns(units) : 0;
}

/* Cut where a character ends; empty where there is no text. */
static void copy_text(char *out, size_t size, const wchar_t *text, size_t units)
{
	char *utf8 = text ? win_text(text, units) : NULL;
	size_t n = utf8 ? strlen(utf8) : 0;

	if (n >= size)
		for (n = size - 1; n && ((unsigned char)utf8[n] & 0xc0) == 0x80;)
			n--;
	if (n)
		memcpy(out, utf8, n);
	out[n] = '\0';
	mem_free(utf8);
}

/* Behind the last separator. */
static const wchar_t *last_part(const wchar_t *path)
{
	const wchar_t *at = wcsrchr(path, L'\\');

	return at ? at + 1 : path;
}

static int64_t started(HANDLE h)
{
	FILETIME created, ended, kernel, user;

	return GetProcessTimes(h, &created, &ended, &kernel, &user)
		       ? filetime_ns(&created)
		       : 0;
}

/* As it was started; the kernel's own form where there is no other. */
static DWORD image_path(HANDLE h, wchar_t path[PATH_UNITS])
{
	DWORD units = PATH_UNITS;

	if (win_calls()->image_name(h, 0, path, &units))
		return units;
	units = PATH_UNITS;
	return win_calls()->image_name(h, PROCESS_NAME_NATIVE, path, &units) ? units : 0;
}

static void read_name(struct port_process *p)
{
	wchar_t *path = mem_new(PATH_UNITS, sizeof *path);
	const wchar_t *name;

	if (path && image_path(p->handle, path)) {
		name = last_part(path);
		copy_text(p->name, sizeof p->name, name, wcslen(name));
	}
	mem_free(path);
}

static void read_parent(struct port_process *p)
{
	PROCESS_BASIC_INFORMATION basic;
	ULONG size = 0;
	DWORD session;

	if (win_calls()->query_process &&
	    win_calls()->query_process(p->handle, ProcessBasicInformation, &basic,
				       sizeof basic, &size) >= 0)
		p->parent_pid = (uint32_t)(uintptr_t)basic.InheritedFromUniqueProcessId;
	p->has_session = ProcessIdToSessionId(p->pid, &session) != 0;
	p->session = p->has_session ? session : 0;
}

static bool take_listed(struct port_process *p, const struct listed *l)
{
	int64_t units = l->created.QuadPart;

	p->started_ns = units > WIN_EPOCH_100NS ? win_time_ns(units) : 0;
	p->parent_pid = (uint32_t)(uintptr_t)l->parent;
	p->session = l->session;
	p->has_session = true;
	copy_text(p->name, sizeof p->name, l->name.Buffer, l->name.Length / 2U);
	return p->started_ns != 0;
}

static bool take_name(struct port_process *p, const struct listed *l)
{
	copy_text(p->name, sizeof p->name, l->name.Buffer, l->name.Length / 2U);
	return p->name[0] != '\0';
}

/* What is taken of a process out of the system's list; false: not enough is there. */
typedef bool take_fn(struct port_process *p, const struct listed *l);

static bool find_in(struct port_process *p, take_fn *take, const uint8_t *bytes,
		    size_t size)
{
	size_t at = 0;

	while (size - at >= sizeof(struct listed)) {
		const struct listed *l = (const void *)(bytes + at);

		if ((uint32_t)(uintptr_t)l->pid == p->pid)
			return take(p, l);
		if (!l->next || l->next > size - at)
			return false;
		at += l->next;
	}
	return false;
}

/* For what may not be opened, or has no file. */
static bool look_up(struct port_process *p, take_fn *take)
{
	ULONG room = LIST_SLACK, size = 0;
	bool is_found = false;

	for (unsigned i = 0; i < TRIES && win_calls()->query_system && room <= LIST_MOST;
	     i++) {
		uint64_t *bytes = mem_new(room / 8, 8);
		NTSTATUS status = -1;

		if (!bytes)
			return false;
		status = win_calls()->query_system(SystemProcessInformation, bytes, room,
						   &size);
		if (status >= 0)
			is_found = find_in(p, take, (const uint8_t *)bytes,
					   size < room ? size : room);
		mem_free(bytes);
		if (status >= 0)
			return is_found;
		room = (size > room ? size : room) + LIST_SLACK;
		room &= ~7UL;
	}
	return false;
}

bool port_process_begin(void)
{
	win_use_privilege(WIN_DEBUG);
	return win_has_privilege(WIN_DEBUG);
}

int port_process_open(struct port_process *p, uint32_t pid)
{
	HANDLE h = pid ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE,
				     FALSE, pid)
		       : NULL;

	memset(p, 0, sizeof *p);
	p->pid = pid;
	if (!pid)
		return WEIR_ERR_ABSENT;
	if (!h && GetLastError() == ERROR_ACCESS_DENIED)
		return look_up(p, take_listed) ? 0 : WEIR_ERR_ABSENT;
	if (!h)
		return WEIR_ERR_ABSENT;
	p->handle = h;
	p->started_ns = started(h);
	read_name(p);
	/* The kernel's own processes have no file; what has ended is in no list. */
	if (!p->name[0] && !port_process_ended(p))
		(void)look_up(p, take_name);
	read_parent(p);
	return 0;
}

void port_process_close(struct port_process *p)
{
	if (p->handle)
		(void)CloseHandle(p->handle);
	p->handle = NULL;
}

int64_t port_process_ended(const struct port_process *p)
{
	FILETIME created, ended, kernel, user;

	if (!p->handle || WaitForSingleObject(p->handle, 0) != WAIT_OBJECT_0 ||
	    !GetProcessTimes(p->handle, &created, &ended, &kernel, &user))
		return 0;
	return filetime_ns(&ended);
}

static void write_sid(char *out, size_t size, PSID sid)
{
	wchar_t *text = NULL;

	if (!ConvertSidToStringSidW(sid, &text))
		return;
	/* Whole, or not at all. */
	if (wcslen(text) < size)
		copy_text(out, size, text, wcslen(text));
	(void)LocalFree(text);
}

/* An account's name; without one its SID. */
static void write_account(char *out, size_t size, PSID sid)
{
	wchar_t name[256], domain[256], both[520];
	DWORD names = ARRAY_LEN(name), domains = ARRAY_LEN(domain);
	SID_NAME_USE use;
	int units;

	out[0] = '\0';
	if (LookupAccountSidW(NULL, sid, name, &names, domain, &domains, &use) &&
	    name[0]) {
		units = _snwprintf(both, ARRAY_LEN(both), L"%ls%ls%ls", domain,
				   domain[0] ? L"\\" : L"", name);
		if (units > 0 && (size_t)units < ARRAY_LEN(both))
			copy_text(out, size, both, (size_t)units);
	}
	if (!out[0])
		write_sid(out, size, sid);
}

static void read_user(const struct port_process *p, struct port_process_facts *f)
{
	uint64_t room[64];
	DWORD used = 0;
	HANDLE token;

	if (!OpenProcessToken(p->handle, TOKEN_QUERY, &token))
		return;
	if (GetTokenInformation(token, TokenUser, room, sizeof room, &used))
		write_account(f->user, sizeof f->user,
			      ((const TOKEN_USER *)(const void *)room)->User.Sid);
	(void)CloseHandle(token);
}

static void read_command_line(const struct port_process *p, struct port_process_facts *f)
{
	size_t size = sizeof(UNICODE_STRING) + 65536;
	UNICODE_STRING *text = mem_new(size / 8, 8);
	ULONG used = 0;

	if (text && win_calls()->query_process &&
	    win_calls()->query_process(p->handle, COMMAND_LINE_INFORMATION, text,
				       (ULONG)size, &used) >= 0 &&
	    text->Buffer && text->Length) {
		char *utf8 = win_text(text->Buffer, text->Length / 2U);

		f->is_command_line_cut = utf8 && strlen(utf8) >= sizeof f->command_line;
		mem_free(utf8);
		copy_text(f->command_line, sizeof f->command_line, text->Buffer,
			  text->Length / 2U);
		f->command_line_length = (uint16_t)(strlen(f->command_line) + 1);
	}
	mem_free(text);
}

/* Only while it has its id since before the child began. */
static int64_t parent_started(const struct port_process *p)
{
	struct port_process parent;
	int64_t ns;

	if (!p->parent_pid || port_process_open(&parent, p->parent_pid))
		return 0;
	ns = parent.started_ns;
	port_process_close(&parent);
	return ns <= p->started_ns ? ns : 0;
}

void port_process_read(const struct port_process *p, struct port_process_facts *f)
{
	wchar_t *path = mem_new(PATH_UNITS, sizeof *path);
	DWORD units = path && p->handle ? image_path(p->handle, path) : 0;
	char *utf8 = units ? win_text(path, units) : NULL;

	memset(f, 0, sizeof *f);
	f->parent_started_ns = parent_started(p);
	/* A path that is cut names another file. */
	if (utf8 && strlen(utf8) < sizeof f->path)
		memcpy(f->path, utf8, strlen(utf8) + 1);
	mem_free(utf8);
	mem_free(path);
	if (!p->handle)
		return;
	read_user(p, f);
	read_command_line(p, f);
}

/* Reading it would be traffic of ours, and may take for ever. */
static bool is_elsewhere(const char *path)
{
	wchar_t root[4] = { (unsigned char)path[0], L':', L'\\', L'\0' };

	if (path[0] == '\\')
		return true;
	return path[0] && path[1] == ':' && GetDriveTypeW(root) == DRIVE_REMOTE;
}

/* Who replaced a running program's file made a new one. */
static bool is_younger(HANDLE file, int64_t started_ns)
{
	FILETIME made, read, written;

	return !GetFileTime(file, &made, &read, &written) ||
	       filetime_ns(&made) > started_ns || filetime_ns(&written) > started_ns;
}

int port_process_executable(const struct port_process *p, const char *path, char *reason,
			    size_t size)
{
	int fd;

	if (!path[0]) {
		(void)snprintf(reason, size, "its executable is not told");
		return -1;
	}
	if (is_elsewhere(path)) {
		(void)snprintf(reason, size, "not on a disk of this machine: not read");
		return -1;
	}
	fd = weir_open(path, O_RDONLY);
	if (fd < 0) {
		(void)snprintf(reason, size, "%s", weir_strerror(errno));
		return -1;
	}
	if (is_younger(win_handle(fd), p->started_ns)) {
		(void)snprintf(reason, size, "the file is younger than the process");
		(void)weir_close(fd);
		return -1;
	}
	return fd;
}
