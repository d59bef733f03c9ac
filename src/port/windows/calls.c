/* What is newer than Windows 7, or not documented for every program to link with, is looked up. */
#include "port/windows/win.h"

static struct win_calls calls;

/* The address of a function as a function: through memory, for a cast would be warned of. */
static void look_up(HMODULE module, const char *name, void *into)
{
	FARPROC found = module ? GetProcAddress(module, name) : NULL;

	memcpy(into, &found, sizeof found);
}

static BOOL CALLBACK fill(PINIT_ONCE once, void *arg, void **context)
{
	HMODULE nt = GetModuleHandleW(L"ntdll.dll");
	HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
	HMODULE base = GetModuleHandleW(L"kernelbase.dll");
	void *wine;

	(void)once;
	(void)arg;
	(void)context;
	look_up(nt, "NtCreateFile", &calls.create);
	look_up(nt, "NtSetInformationFile", &calls.set_file);
	look_up(nt, "NtQueryInformationFile", &calls.query_file);
	look_up(nt, "NtQueryDirectoryFile", &calls.query_directory);
	look_up(nt, "NtQueryInformationProcess", &calls.query_process);
	look_up(nt, "NtQuerySystemInformation", &calls.query_system);
	look_up(nt, "RtlNtStatusToDosError", &calls.status_to_error);
	look_up(nt, "RtlGetVersion", &calls.version);
	calls.image_name = QueryFullProcessImageNameW;
	calls.drive_type = GetDriveTypeW;
	calls.volume_facts = GetVolumeInformationW;
	look_up(kernel, "GetSystemTimePreciseAsFileTime", &calls.precise_time);
	look_up(base, "QueryInterruptTime", &calls.interrupt_time);
	look_up(kernel, "SetThreadDescription", &calls.thread_name);
	look_up(nt, "wine_get_version", &wine);
	calls.is_wine = wine != NULL;
	return TRUE;
}

const struct win_calls *win_calls(void)
{
	static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

	(void)InitOnceExecuteOnce(&once, fill, NULL, NULL);
	return &calls;
}
