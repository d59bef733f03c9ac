#include "port/places.h"
#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>
#include <stdio.h>

static bool is_separator(char c)
{
	return c == '/' || c == '\\';
}

bool port_path_is_absolute(const char *path)
{
	bool has_drive = ((path[0] >= 'A' && path[0] <= 'Z') ||
			  (path[0] >= 'a' && path[0] <= 'z')) &&
			 path[1] == ':';

	return is_separator(has_drive ? path[2] : path[0]);
}

static int copy_text(const wchar_t *wide, char *to, size_t size, struct weir_error *err)
{
	char *text = win_text(wide, wcslen(wide));
	int n = text ? snprintf(to, size, "%s", text) : -1;

	mem_free(text);
	return n >= 0 && (size_t)n < size
		       ? 0
		       : err_set(err, WEIR_ERR_LIMIT, "a path is longer than %zu bytes",
				 size - 1);
}

int port_program_path(char *path, size_t size, struct weir_error *err)
{
	wchar_t wide[1024];
	DWORD n = GetModuleFileNameW(NULL, wide, ARRAY_LEN(wide));

	if (!n || n >= ARRAY_LEN(wide))
		return err_set(err, WEIR_ERR_SYSTEM, "cannot find this program's file");
	return copy_text(wide, path, size, err);
}

int port_directory_name(char *path, size_t size, struct weir_error *err)
{
	int fd = weir_open(path, O_RDONLY | O_DIRECTORY);
	wchar_t *wide;
	int rc;

	if (fd < 0)
		return err_sys(err, "cannot enter '%.200s'", path);
	wide = win_path_of(win_handle(fd));
	if (!wide)
		rc = err_sys(err, "cannot name the directory");
	else
		rc = copy_text(win_path_plain(wide), path, size, err);
	for (char *p = path; !rc && *p; p++)
		if (*p == '\\')
			*p = '/';
	mem_free(wide);
	(void)weir_close(fd);
	return rc;
}

/* A device has no name among files here, and a pipe has one of its own. */
int port_open_regular(const char *path)
{
	int fd = weir_open(path, O_RDONLY | O_NOFOLLOW);
	struct weir_stat st;

	if (fd < 0)
		return -1;
	if (!weir_fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	(void)weir_close(fd);
	errno = EINVAL;
	return -1;
}

int port_control_home(char *path, size_t size, struct weir_error *err)
{
	wchar_t wide[1024];
	DWORD n = GetEnvironmentVariableW(L"APPDATA", wide, ARRAY_LEN(wide) - 8);

	if (!n || n >= ARRAY_LEN(wide) - 8)
		return err_set(err, WEIR_ERR_USAGE,
			       "there is no %%APPDATA%%: give --config DIR");
	wcscpy(wide + n, L"\\weir");
	return copy_text(wide, path, size, err);
}

const char *const *port_plain_environment(void)
{
	static const char *const all[] = { "TZ=UTC", NULL };

	/* What Windows itself needs is added where a child is started. */
	return all;
}
