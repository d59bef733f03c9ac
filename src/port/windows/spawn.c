/* CreateProcess, told exactly: which handles are inherited, which words it gets, which environment. */
#include "port/windows/spawn.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

enum {
	COMMAND_BYTES = 96 * 1024, /* CreateProcess takes 32,767 units */
	ENVIRONMENT_UNITS = 16384,
	STREAM_OPEN = 0x01, /* of the run-time's list of descriptors */
	STREAM_PIPE = 0x08,
};

/* Bytes up to a bound. */
struct line {
	char *bytes;
	size_t used, room;
	bool is_full;
};

static void add(struct line *l, char byte, size_t times)
{
	for (; times && l->used < l->room - 1; times--)
		l->bytes[l->used++] = byte;
	l->is_full = l->is_full || times;
	l->bytes[l->used] = '\0';
}

/* As the C run-time takes it apart: backslashes count double before a quotation mark only. */
static void add_word(struct line *l, const char *word)
{
	size_t slashes = 0;

	if (l->used)
		add(l, ' ', 1);
	add(l, '"', 1);
	for (const char *p = word; *p; p++) {
		if (*p == '"')
			add(l, '\\', slashes + 1);
		slashes = *p == '\\' ? slashes + 1 : 0;
		add(l, *p, 1);
	}
	add(l, '\\', slashes);
	add(l, '"', 1);
}

wchar_t *spawn_command_line(const char *const *argv, struct weir_error *err)
{
	struct line l = { .bytes = mem_new(COMMAND_BYTES, 1), .room = COMMAND_BYTES };
	wchar_t *wide = NULL;

	for (size_t i = 0; l.bytes && argv[i]; i++)
		add_word(&l, argv[i]);
	if (l.bytes && !l.is_full)
		wide = win_units(l.bytes);
	mem_free(l.bytes);
	if (wide && wcslen(wide) < 32767)
		return wide;
	mem_free(wide);
	(void)err_set(err, WEIR_ERR_LIMIT, "a command line is too long for Windows");
	return NULL;
}

/* What no program of Windows does without, and where it may write. */
static size_t add_usual(wchar_t *to, size_t room, const char *directory)
{
	wchar_t windows[MAX_PATH] = L"",
		*temporary = directory ? win_path(directory) : NULL;
	const wchar_t *place = temporary ? temporary : windows;
	int n;

	(void)GetWindowsDirectoryW(windows, ARRAY_LEN(windows));
	if (!wcsncmp(place, L"\\\\?\\", 4))
		place += 4;
	n = swprintf(
		to, room,
		L"SystemRoot=%ls%lcwindir=%ls%lcPATH=%ls\\System32;%ls%lcTEMP=%ls%lcTMP=%ls%lc",
		windows, 1, windows, 1, windows, windows, 1, place, 1, place, 1);
	mem_free(temporary);
	for (int i = 0; i < n; i++)
		if (to[i] == 1)
			to[i] = L'\0';
	return n > 0 ? (size_t)n : 0;
}

static wchar_t *environment_block(const struct spawn *s)
{
	wchar_t *block = mem_new(ENVIRONMENT_UNITS, sizeof *block);
	size_t used = block ? add_usual(block, ENVIRONMENT_UNITS / 2, s->directory) : 0;

	for (size_t i = 0; block && s->environment[i]; i++) {
		wchar_t *one = win_units(s->environment[i]);
		size_t n = one ? wcslen(one) + 1 : 0;

		if (n && used + n < ENVIRONMENT_UNITS) {
			memcpy(block + used, one, n * sizeof *one);
			used += n;
		}
		mem_free(one);
	}
	return block;
}

/* The run-time's own list of descriptors, which its children's run-time reads: the one way to more
 * than three. */
static size_t fill_descriptors(uint8_t *list, const HANDLE *handles)
{
	const uint32_t count = SPAWN_HANDLES;

	memcpy(list, &count, sizeof count);
	for (unsigned i = 0; i < SPAWN_HANDLES; i++)
		list[sizeof count + i] =
			handles[i] ? (uint8_t)(STREAM_OPEN | STREAM_PIPE) : 0;
	for (unsigned i = 0; i < SPAWN_HANDLES; i++) {
		HANDLE h = handles[i] ? handles[i] : INVALID_HANDLE_VALUE;

		memcpy(list + sizeof count + SPAWN_HANDLES + i * sizeof h, &h, sizeof h);
	}
	return sizeof count + SPAWN_HANDLES + SPAWN_HANDLES * sizeof(HANDLE);
}

static void set_inherit(const struct spawn *s, bool is_inherited)
{
	for (unsigned i = 0; i < SPAWN_HANDLES; i++)
		if (s->handles[i])
			(void)SetHandleInformation(s->handles[i], HANDLE_FLAG_INHERIT,
						   is_inherited ? HANDLE_FLAG_INHERIT
								: 0);
}

/* The list that says which: others that happen to be inheritable stay with us. */
static LPPROC_THREAD_ATTRIBUTE_LIST inherit_list(HANDLE *handles, size_t count)
{
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	SIZE_T size = 0;

	(void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	list = size ? mem_new(size, 1) : NULL;
	if (list && InitializeProcThreadAttributeList(list, 1, 0, &size) &&
	    UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles,
				      count * sizeof *handles, NULL, NULL))
		return list;
	mem_free(list);
	return NULL;
}

struct prepared {
	wchar_t *program, *command, *environment, *directory;
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	HANDLE given[SPAWN_HANDLES];
	uint8_t descriptors[64];
};

static int prepare(struct prepared *p, const struct spawn *s, struct weir_error *err)
{
	size_t count = 0;

	for (unsigned i = 0; i < SPAWN_HANDLES; i++)
		if (s->handles[i])
			p->given[count++] = s->handles[i];
	p->program = win_path(s->argv[0]);
	p->command = spawn_command_line(s->argv, err);
	if (!p->command)
		return err ? err->code : WEIR_ERR_LIMIT;
	p->environment = s->environment ? environment_block(s) : NULL;
	p->directory = s->directory ? win_path(s->directory) : NULL;
	p->list = inherit_list(p->given, count);
	if (!p->program || !p->list || (s->environment && !p->environment) ||
	    (s->directory && !p->directory))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a process");
	return 0;
}

static void forget(struct prepared *p)
{
	mem_free(p->program);
	mem_free(p->command);
	mem_free(p->environment);
	mem_free(p->directory);
	if (p->list)
		DeleteProcThreadAttributeList(p->list);
	mem_free(p->list);
}

/* As CreateProcess takes them: no \\?\, which a current directory must not have. */
static const wchar_t *plain(const wchar_t *path)
{
	return path && !wcsncmp(path, L"\\\\?\\", 4) && path[5] == L':' ? path + 4 : path;
}

static BOOL create(const struct spawn *s, struct prepared *p, PROCESS_INFORMATION *made)
{
	const DWORD flags = CREATE_SUSPENDED | CREATE_NO_WINDOW |
			    CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
	STARTUPINFOEXW how = { .StartupInfo = { .cb = sizeof how,
						.dwFlags = STARTF_USESTDHANDLES,
						.hStdInput = s->handles[0],
						.hStdOutput = s->handles[1],
						.hStdError = s->handles[2] },
			       .lpAttributeList = p->list };

	how.StartupInfo.cbReserved2 = (WORD)fill_descriptors(p->descriptors, s->handles);
	how.StartupInfo.lpReserved2 = p->descriptors;
	return s->token
		       ? CreateProcessAsUserW(s->token, plain(p->program), p->command,
					      NULL, NULL, TRUE, flags, p->environment,
					      plain(p->directory), &how.StartupInfo, made)
		       : CreateProcessW(plain(p->program), p->command, NULL, NULL, TRUE,
					flags, p->environment, plain(p->directory),
					&how.StartupInfo, made);
}

int spawn_process(const struct spawn *s, PROCESS_INFORMATION *made,
		  struct weir_error *err)
{
	struct prepared p = { .program = NULL };
	int rc = prepare(&p, s, err);

	memset(made, 0, sizeof *made);
	if (!rc) {
		set_inherit(s, true);
		if (!create(s, &p, made)) {
			(void)win_fail();
			rc = err_sys(err, "cannot run '%s'", s->argv[0]);
		}
		set_inherit(s, false);
	}
	forget(&p);
	if (rc)
		return rc;
	if (s->job && !AssignProcessToJobObject(s->job, made->hProcess)) {
		(void)win_fail();
		rc = err_sys(err, "cannot put '%s' into its job", s->argv[0]);
		(void)TerminateProcess(made->hProcess, 127);
		(void)CloseHandle(made->hProcess);
	} else {
		(void)ResumeThread(made->hThread);
	}
	(void)CloseHandle(made->hThread);
	return rc;
}
