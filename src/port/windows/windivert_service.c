/* The driver of WinDivert as the service manager has it: for the manifest and for weir doctor. */
#include "base/mem.h"
#include "port/windivert.h"
#include "port/windows/win.h"

#include <stdio.h>
#include <wchar.h>

#define CONFIG_BYTES 8192 /* the most that QueryServiceConfigW() gives */
#define PATH_UNITS   1024

static const char *state_name(DWORD state)
{
	static const char *const names[] = { "unknown",      "stopped", "starting",
					     "stopping",     "running", "continuing",
					     "being paused", "paused" };

	return state < ARRAY_LEN(names) ? names[state] : names[0];
}

/* `\??\C:\weir\WinDivert64.sys` names the same file as `C:\weir\WinDivert64.sys`. */
static const wchar_t *plain_path(const wchar_t *path)
{
	return !wcsncmp(path, L"\\??\\", 4) || !wcsncmp(path, L"\\\\?\\", 4) ? path + 4
									     : path;
}

/* Not in the folder of this program. */
static bool is_elsewhere(const wchar_t *image)
{
	wchar_t ours[PATH_UNITS];
	DWORD units = GetModuleFileNameW(NULL, ours, PATH_UNITS);
	const wchar_t *slash = units && units < PATH_UNITS ? wcsrchr(ours, L'\\') : NULL;

	image = plain_path(image);
	return !slash || _wcsnicmp(image, ours, (size_t)(slash + 1 - ours)) != 0 ||
	       wcschr(image + (slash + 1 - ours), L'\\') != NULL;
}

static void read_image(SC_HANDLE service, struct windivert_service *s)
{
	QUERY_SERVICE_CONFIGW *config = mem_new(CONFIG_BYTES, 1);
	DWORD need = 0;
	char *text = NULL;

	if (config && QueryServiceConfigW(service, config, CONFIG_BYTES, &need) &&
	    config->lpBinaryPathName) {
		text = win_text(config->lpBinaryPathName,
				wcslen(config->lpBinaryPathName));
		s->is_elsewhere = is_elsewhere(config->lpBinaryPathName);
	}
	(void)snprintf(s->image, sizeof s->image, "%s", text ? text : "");
	mem_free(text);
	mem_free(config);
}

static bool read_service(SC_HANDLE manager, const wchar_t *name,
			 struct windivert_service *s)
{
	SC_HANDLE service =
		OpenServiceW(manager, name, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG);
	SERVICE_STATUS status;

	if (!service)
		return false;
	memset(s, 0, sizeof *s);
	(void)snprintf(s->name, sizeof s->name, "%ls", name);
	(void)snprintf(s->state, sizeof s->state, "%s",
		       QueryServiceStatus(service, &status)
			       ? state_name(status.dwCurrentState)
			       : "unknown");
	read_image(service, s);
	(void)CloseServiceHandle(service);
	return true;
}

int windivert_services(struct windivert_service *services, unsigned max,
		       struct weir_error *err)
{
	/* 2.x is "WinDivert"; each 1.x had its number. */
	static const wchar_t *const names[] = { L"WinDivert",    L"WinDivert1.4",
						L"WinDivert1.3", L"WinDivert1.2",
						L"WinDivert1.1", L"WinDivert1.0" };
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
	unsigned count = 0;

	if (!manager) {
		(void)win_fail();
		return err_sys(err, "cannot ask the service manager");
	}
	for (size_t i = 0; i < ARRAY_LEN(names) && count < max; i++)
		if (read_service(manager, names[i], &services[count]))
			count++;
	(void)CloseServiceHandle(manager);
	return (int)count;
}
