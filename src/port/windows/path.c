#include "base/mem.h"
#include "base/utf16.h"
#include "port/windows/win.h"

#include <errno.h>

#define PREFIX       L"\\\\?\\"
#define PREFIX_UNC   L"\\\\?\\UNC\\"
#define PREFIX_UNITS 8 /* the longer one */

_Static_assert(sizeof(wchar_t) == sizeof(uint16_t), "wchar_t is a UTF-16 unit");

wchar_t *win_units(const char *text)
{
	size_t length = strlen(text);
	wchar_t *wide = mem_new(length + 1, sizeof *wide);
	int64_t units;

	if (!wide) {
		errno = ENOMEM;
		return NULL;
	}
	units = utf16_of_text(text, length, (uint16_t *)wide, length);
	if (units < 0) {
		mem_free(wide);
		errno = EILSEQ;
		return NULL;
	}
	wide[units] = L'\0';
	return wide;
}

wchar_t *win_name(const char *name)
{
	wchar_t *wide = win_units(name);

	for (wchar_t *p = wide; p && *p; p++)
		if (*p == L'/')
			*p = L'\\';
	return wide;
}

char *win_text(const wchar_t *text, size_t units)
{
	size_t room = UTF16_TEXT_ROOM(units) + 1;
	char *out = mem_new(room, 1);
	int64_t length;

	if (!out) {
		errno = ENOMEM;
		return NULL;
	}
	length = utf16_to_text(text, units, out, room - 1);
	out[length < 0 ? 0 : length] = '\0';
	return out;
}

/* The prefix that a full path needs before it may have any length, and how many of its own units
 * that replaces. */
static const wchar_t *prefix_of(const wchar_t *full, size_t *replaced)
{
	*replaced = 0;
	if (!wcsncmp(full, L"\\\\?\\", 4) || !wcsncmp(full, L"\\\\.\\", 4))
		return L"";
	if (full[0] == L'\\' && full[1] == L'\\') {
		*replaced = 2;
		return PREFIX_UNC;
	}
	return PREFIX;
}

/* The names of devices (NUL, CON) become \\.\NUL, and stay so. */
wchar_t *win_path(const char *path)
{
	wchar_t *name = win_name(!strcmp(path, "/dev/null") ? "NUL" : path), *full = NULL;
	const wchar_t *prefix;
	size_t replaced, length;
	DWORD units;

	if (!name)
		return NULL;
	if (!name[0]) {
		mem_free(name);
		errno = ENOENT;
		return NULL;
	}
	units = GetFullPathNameW(name, 0, NULL, NULL);
	if (units)
		full = mem_new(units + PREFIX_UNITS + 1, sizeof *full);
	if (full)
		units = GetFullPathNameW(name, units, full + PREFIX_UNITS, NULL);
	mem_free(name);
	if (!full || !units) {
		errno = full || !units ? ENOENT : ENOMEM;
		mem_free(full);
		return NULL;
	}
	prefix = prefix_of(full + PREFIX_UNITS, &replaced);
	length = wcslen(prefix);
	memmove(full + length, full + PREFIX_UNITS + replaced,
		(units - replaced + 1) * sizeof *full);
	memcpy(full, prefix, length * sizeof *full);
	return full;
}

wchar_t *win_path_of(HANDLE h)
{
	DWORD units = GetFinalPathNameByHandleW(h, NULL, 0, FILE_NAME_NORMALIZED),
	      got = 0;
	wchar_t *path = units ? mem_new(units + 1, sizeof *path) : NULL;

	if (path)
		got = GetFinalPathNameByHandleW(h, path, units + 1, FILE_NAME_NORMALIZED);
	if (got && got <= units)
		return path;
	mem_free(path);
	(void)win_fail();
	return NULL;
}
