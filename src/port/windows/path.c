#include "base/mem.h"
#include "base/utf16.h"
#include "port/windows/win.h"

#include <errno.h>

#define PREFIX        L"\\\\?\\"
#define PREFIX_UNC    L"\\\\?\\UNC\\"
#define PREFIX_UNITS  8 /* the longer one */
#define PREFIX_LENGTH 4
#define DEVICES       L"\\\\?\\GLOBALROOT" /* before the kernel's own names */

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

/* Windows takes dots and blanks off the end of a name unless \\?\ stands before it.  A drive is its
 * root folder, not the device below it. */
static wchar_t *take_verbatim(wchar_t *name)
{
	size_t length = wcslen(name);
	wchar_t *full = mem_grow(name, length + 2, sizeof *full);

	if (!full) {
		mem_free(name);
		errno = ENOMEM;
		return NULL;
	}
	if (length == PREFIX_LENGTH + 2 && full[length - 1] == L':')
		wcscpy(full + length, L"\\");
	return full;
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
	if (!wcsncmp(name, PREFIX, PREFIX_LENGTH))
		return take_verbatim(name);
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

/* With `before` in front; NULL where the file has no name of that form. */
static wchar_t *final_path(HANDLE h, DWORD form, const wchar_t *before)
{
	size_t skip = wcslen(before);
	DWORD units = GetFinalPathNameByHandleW(h, NULL, 0, form), got = 0;
	wchar_t *path = units ? mem_new(skip + units + 1, sizeof *path) : NULL;

	if (path) {
		wcscpy(path, before);
		got = GetFinalPathNameByHandleW(h, path + skip, units + 1, form);
	}
	if (got && got <= units)
		return path;
	mem_free(path);
	return NULL;
}

/* Volumes without a letter are nobody's DOS name; shadow copies and some drivers' disks have no lasting
 * one either. */
wchar_t *win_path_of(HANDLE h)
{
	wchar_t *path = final_path(h, VOLUME_NAME_DOS, L"");

	if (!path)
		path = final_path(h, VOLUME_NAME_GUID, L"");
	if (!path)
		path = final_path(h, VOLUME_NAME_NT, DEVICES);
	if (!path)
		(void)win_fail();
	return path;
}

static size_t name_units(const wchar_t *path)
{
	const wchar_t *end = wcschr(path, L'\\');

	return end ? (size_t)(end - path) : wcslen(path);
}

/* The part that no ".." leaves: a drive, a volume, a share, a device. */
static size_t root_units(const wchar_t *path)
{
	const wchar_t *p = path + PREFIX_LENGTH;
	unsigned names =
		!wcsncmp(p, L"UNC\\", 4) || !wcsncmp(p, L"GLOBALROOT\\", 11) ? 3 : 1;

	while (names--) {
		p += name_units(p);
		if (names && *p)
			p++;
	}
	return (size_t)(p - path);
}

wchar_t *win_volume_of(HANDLE h)
{
	/* Not by letters: a volume may be mounted in a folder of another one. */
	wchar_t *path = final_path(h, VOLUME_NAME_GUID, L"");

	if (!path)
		path = win_path_of(h);
	if (path)
		path[root_units(path)] = 0;
	return path;
}

wchar_t *win_path_join(const wchar_t *folder, const char *name)
{
	wchar_t *more = win_name(name);
	size_t length = wcslen(folder), root = root_units(folder);
	wchar_t *path = more ? mem_new(length + wcslen(more) + 3, sizeof *path) : NULL;

	if (path)
		memcpy(path, folder, length * sizeof *path);
	for (const wchar_t *p = more; path && *p;) {
		size_t n = name_units(p);

		while (length > root && path[length - 1] == L'\\')
			length--;
		if (n == 2 && p[0] == L'.' && p[1] == L'.') {
			while (length > root && path[--length] != L'\\')
				;
		} else if (n && (n != 1 || p[0] != L'.')) {
			path[length++] = L'\\';
			memcpy(path + length, p, n * sizeof *p);
			length += n;
		}
		p += n + (p[n] != L'\0');
	}
	if (path && length == root)
		path[length++] = L'\\';
	if (path)
		path[length] = L'\0';
	mem_free(more);
	return path;
}

/* Names that end in what would be taken off them. */
static bool has_odd_end(const wchar_t *path)
{
	for (const wchar_t *p = path; *p; p++)
		if ((*p == L'.' || *p == L' ') && (!p[1] || p[1] == L'\\'))
			return true;
	return false;
}

const wchar_t *win_path_plain(wchar_t *path)
{
	if (wcsncmp(path, PREFIX, PREFIX_LENGTH) != 0 || has_odd_end(path))
		return path;
	if (!wcsncmp(path, PREFIX_UNC, PREFIX_UNITS)) {
		path[PREFIX_UNITS - 2] = L'\\';
		return path + PREFIX_UNITS - 2;
	}
	return path[PREFIX_LENGTH] && path[PREFIX_LENGTH + 1] == L':'
		       ? path + PREFIX_LENGTH
		       : path;
}
