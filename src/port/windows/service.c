#include "port/service.h"

#include "base/mem.h"
#include "base/time.h"
#include "port/places.h"
#include "port/windows/net.h"
#include "port/windows/spawn.h"

#include <errno.h>
#include <stdio.h>

enum {
	NAME_UNITS = 128,
	HINT_MS = 40000, /* a recorder closes its store in this time */
	WAIT_MS = 60000, /* we wait for the service */
	STEP_MS = 100,
	LINE = 1024,
	LINES_A_SECOND = 20,
};

/* The service of this process: the manager calls us without an argument. */
static struct {
	wchar_t name[NAME_UNITS];
	SERVICE_STATUS_HANDLE handle;
	SERVICE_STATUS status;
	int (*run)(void *arg);
	void *arg;
	FILE *errors;
	int code;
} own;

/* Installing. */

static int fail(struct weir_error *err, const char *what, const char *name)
{
	DWORD error = GetLastError();

	if (error == ERROR_SERVICE_DOES_NOT_EXIST)
		return err_set(err, WEIR_ERR_ABSENT, "there is no service '%.60s'", name);
	if (error == ERROR_ACCESS_DENIED)
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "cannot %s service '%.60s': only an administrator can",
			       what, name);
	if (error == ERROR_SERVICE_EXISTS)
		return err_set(err, WEIR_ERR_EXISTS, "there is a service '%.60s' already",
			       name);
	if (error == ERROR_SERVICE_MARKED_FOR_DELETE)
		return err_set(
			err, WEIR_ERR_BUSY,
			"service '%.60s' is removed when nobody looks at it any more",
			name);
	return err_set(err, WEIR_ERR_SYSTEM, "cannot %s service '%.60s': error %lu", what,
		       name, error);
}

struct opened {
	SC_HANDLE manager, service;
};

static void close_both(struct opened *o)
{
	if (o->service)
		(void)CloseServiceHandle(o->service);
	if (o->manager)
		(void)CloseServiceHandle(o->manager);
}

static int open_service(struct opened *o, const char *name, DWORD rights,
			const char *what, struct weir_error *err)
{
	wchar_t *wide = win_units(name);
	int rc = 0;

	*o = (struct opened){ OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), NULL };
	if (wide && o->manager)
		o->service = OpenServiceW(o->manager, wide, rights);
	if (!o->service) {
		rc = fail(err, what, name);
		close_both(o);
	}
	mem_free(wide);
	return rc;
}

/* What it can do without stays undone: the service is there. */
static void describe(SC_HANDLE service, const wchar_t *text)
{
	SERVICE_DESCRIPTIONW description = { (wchar_t *)(uintptr_t)text };
	SERVICE_DELAYED_AUTO_START_INFO delayed = { TRUE };
	SC_ACTION again[] = { { SC_ACTION_RESTART, 5000 },
			      { SC_ACTION_RESTART, 60000 },
			      { SC_ACTION_RESTART, 600000 } };
	SERVICE_FAILURE_ACTIONSW failure = { .dwResetPeriod = 86400,
					     .cActions = ARRAY_LEN(again),
					     .lpsaActions = again };
	SERVICE_SID_INFO sid = { SERVICE_SID_TYPE_UNRESTRICTED };
	/* The rest of the system's privileges is taken from it when it is started. */
	static wchar_t privileges[] = L"SeChangeNotifyPrivilege\0SeBackupPrivilege\0"
				      L"SeSecurityPrivilege\0SeDebugPrivilege\0"
				      L"SeLoadDriverPrivilege\0SeImpersonatePrivilege\0"
				      L"SeIncreaseBasePriorityPrivilege\0"
				      L"SeIncreaseQuotaPrivilege\0"
				      L"SeAssignPrimaryTokenPrivilege\0";
	SERVICE_REQUIRED_PRIVILEGES_INFOW required = { privileges };
	/* Windows' own is 10 s: too little for what a slow disk has still to take. */
	SERVICE_PRESHUTDOWN_INFO preshutdown = { HINT_MS };

	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &description);
	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
				    &delayed);
	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure);
	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid);
	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO,
				    &required);
	(void)ChangeServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO,
				    &preshutdown);
}

static int create(const struct service *s, const char *const *argv,
		  struct weir_error *err)
{
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE),
		  service = NULL;
	wchar_t *command = spawn_command_line(argv, err), *name = win_units(s->name),
		*title = win_units(s->title), *text = win_units(s->text);
	int rc = 0;

	if (command && name && title && text && manager)
		service = CreateServiceW(
			manager, name, title, SERVICE_CHANGE_CONFIG | SERVICE_START,
			SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
			SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);
	if (service)
		describe(service, text);
	else
		rc = fail(err, "install", s->name);
	close_both(&(struct opened){ manager, service });
	mem_free(command);
	mem_free(name);
	mem_free(title);
	mem_free(text);
	return rc;
}

int service_install(const struct service *s, struct weir_error *err)
{
	const char *argv[66] = { NULL };
	char program[1024];
	int rc = port_program_path(program, sizeof program, err);

	if (!rc)
		rc = win_check_program(program, sizeof program, err);
	argv[0] = program;
	for (size_t i = 0; s->words[i]; i++) {
		if (i + 2 >= ARRAY_LEN(argv))
			return err_set(err, WEIR_ERR_LIMIT, "more than %zu words",
				       ARRAY_LEN(argv) - 2);
		argv[i + 1] = s->words[i];
	}
	return rc ? rc : create(s, argv, err);
}

/* Looking, starting, ending. */

static int ask_state(SC_HANDLE service, const char *name, SERVICE_STATUS_PROCESS *now,
		     struct weir_error *err)
{
	DWORD n;

	return QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)now,
				    sizeof *now, &n)
		       ? 0
		       : fail(err, "look at", name);
}

/* Until it is in the state, or has ended without getting there. */
static int wait_for(SC_HANDLE service, const char *name, DWORD state,
		    struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + WAIT_MS * NS_PER_MS;
	SERVICE_STATUS_PROCESS now = { .dwCurrentState = 0 };
	int rc;

	while (!(rc = ask_state(service, name, &now, err))) {
		if (now.dwCurrentState == state)
			return 0;
		if (now.dwCurrentState == SERVICE_STOPPED)
			return err_set(
				err, WEIR_ERR_SYSTEM,
				"service '%.60s' ended at once, with code %lu: the "
				"event log says why",
				name,
				now.dwServiceSpecificExitCode
					? now.dwServiceSpecificExitCode
					: now.dwWin32ExitCode);
		if (port_monotonic_ns() >= until)
			return err_set(err, WEIR_ERR_BUSY,
				       "service '%.60s' is not done after %d s", name,
				       WAIT_MS / 1000);
		Sleep(STEP_MS);
	}
	return rc;
}

int service_start(const char *name, struct weir_error *err)
{
	struct opened o;
	int rc = open_service(&o, name, SERVICE_START | SERVICE_QUERY_STATUS, "start",
			      err);

	if (rc)
		return rc;
	if (!StartServiceW(o.service, 0, NULL) &&
	    GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
		rc = fail(err, "start", name);
	if (!rc)
		rc = wait_for(o.service, name, SERVICE_RUNNING, err);
	close_both(&o);
	return rc;
}

static int end(SC_HANDLE service, const char *name, struct weir_error *err)
{
	SERVICE_STATUS status;

	if (!ControlService(service, SERVICE_CONTROL_STOP, &status) &&
	    GetLastError() != ERROR_SERVICE_NOT_ACTIVE &&
	    GetLastError() != ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
		return fail(err, "stop", name);
	return wait_for(service, name, SERVICE_STOPPED, err);
}

int service_stop(const char *name, struct weir_error *err)
{
	struct opened o;
	int rc = open_service(&o, name, SERVICE_STOP | SERVICE_QUERY_STATUS, "stop", err);

	if (rc)
		return rc;
	rc = end(o.service, name, err);
	close_both(&o);
	return rc;
}

int service_remove(const char *name, struct weir_error *err)
{
	struct opened o;
	int rc = open_service(&o, name, DELETE | SERVICE_STOP | SERVICE_QUERY_STATUS,
			      "remove", err);

	if (rc)
		return rc;
	rc = end(o.service, name, err);
	if (!rc && !DeleteService(o.service))
		rc = fail(err, "remove", name);
	close_both(&o);
	return rc;
}

int service_look(const char *name, struct service_state *state, struct weir_error *err)
{
	SERVICE_STATUS_PROCESS now = { .dwCurrentState = 0 };
	struct opened o;
	int rc = open_service(&o, name, SERVICE_QUERY_STATUS, "look at", err);

	if (rc)
		return rc;
	rc = ask_state(o.service, name, &now, err);
	close_both(&o);
	*state = (struct service_state){
		.is = now.dwCurrentState == SERVICE_RUNNING         ? SERVICE_IS_RUNNING
		      : now.dwCurrentState == SERVICE_START_PENDING ? SERVICE_IS_STARTING
		      : now.dwCurrentState == SERVICE_STOPPED       ? SERVICE_IS_ENDED
								    : SERVICE_IS_ENDING,
		.pid = now.dwProcessId,
		.exit_code = now.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR
				     ? now.dwServiceSpecificExitCode
				     : now.dwWin32ExitCode,
	};
	return rc;
}

/* Being it. */

static void report(DWORD state, DWORD accepted, int code)
{
	own.status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
	own.status.dwCurrentState = state;
	own.status.dwControlsAccepted = accepted;
	own.status.dwWin32ExitCode = code ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
	own.status.dwServiceSpecificExitCode = (DWORD)code;
	own.status.dwWaitHint =
		state == SERVICE_RUNNING || state == SERVICE_STOPPED ? 0 : HINT_MS;
	own.status.dwCheckPoint++;
	(void)SetServiceStatus(own.handle, &own.status);
}

static DWORD WINAPI control(DWORD request, DWORD type, void *data, void *context)
{
	(void)type;
	(void)data;
	(void)context;
	switch (request) {
	case SERVICE_CONTROL_STOP:
	case SERVICE_CONTROL_SHUTDOWN:
	case SERVICE_CONTROL_PRESHUTDOWN:
		report(SERVICE_STOP_PENDING, 0, 0);
		win_stop_ask();
		return NO_ERROR;
	case SERVICE_CONTROL_INTERROGATE:
		return NO_ERROR;
	default:
		return ERROR_CALL_NOT_IMPLEMENTED;
	}
}

/* What a service says at its standard error, as events: it has no other voice. */

struct voice {
	HANDLE pipe, log;
	ULONGLONG second;
	unsigned lines;
	char line[LINE];
	size_t used;
};

static void say(struct voice *v)
{
	wchar_t *wide;
	const wchar_t *texts[1];
	ULONGLONG second = GetTickCount64() / 1000;

	v->line[v->used] = '\0';
	v->used = 0;
	if (second != v->second) {
		v->second = second;
		v->lines = 0;
	}
	if (!v->line[0] || ++v->lines > LINES_A_SECOND)
		return;
	wide = win_units(v->line);
	texts[0] = wide;
	if (wide && v->log)
		(void)ReportEventW(v->log,
				   strstr(v->line, " warning ") ? EVENTLOG_WARNING_TYPE
								: EVENTLOG_ERROR_TYPE,
				   0, 1, NULL, 1, 0, texts, NULL);
	mem_free(wide);
}

static DWORD WINAPI run_voice(void *arg)
{
	struct voice *v = arg;
	char bytes[LINE];
	DWORD n;

	while (ReadFile(v->pipe, bytes, sizeof bytes, &n, NULL)) {
		for (DWORD i = 0; i < n; i++) {
			if (bytes[i] == '\n' || v->used == sizeof v->line - 1)
				say(v);
			if (bytes[i] != '\n' && bytes[i] != '\r')
				v->line[v->used++] = bytes[i];
		}
	}
	return 0;
}

/* It lives as long as the process.  Without it the service has no voice, and works. */
static void take_errors(void)
{
	struct voice *v = mem_new(1, sizeof *v);
	HANDLE ends[2], thread;
	FILE *stream = freopen("NUL", "w", own.errors);
	int fd;

	if (!v || !stream || !CreatePipe(&ends[0], &ends[1], NULL, 16384))
		return;
	v->pipe = ends[0];
	v->log = RegisterEventSourceW(NULL, own.name);
	fd = win_descriptor(ends[1], O_WRONLY);
	if (fd < 0)
		return;
	(void)_dup2(fd, _fileno(own.errors));
	(void)setvbuf(own.errors, NULL, _IONBF, 0);
	thread = CreateThread(NULL, 64 * 1024, run_voice, v, 0, NULL);
	if (thread)
		(void)CloseHandle(thread);
}

static void WINAPI service_main(DWORD argc, wchar_t **argv)
{
	(void)argc;
	(void)argv;
	own.handle = RegisterServiceCtrlHandlerExW(own.name, control, NULL);
	if (!own.handle)
		return;
	report(SERVICE_START_PENDING, 0, 0);
	take_errors();
	own.code = own.run(own.arg);
	report(SERVICE_STOPPED, 0, own.code);
}

void service_ready(void)
{
	if (own.handle)
		report(SERVICE_RUNNING, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN,
		       0);
}

bool win_is_service(void)
{
	return own.handle != NULL;
}

int service_run(const char *name, int (*run)(void *arg), void *arg, FILE *errors,
		bool *is_service, int *code, struct weir_error *err)
{
	SERVICE_TABLE_ENTRYW table[2] = { { own.name, service_main }, { NULL, NULL } };
	wchar_t *wide = win_units(name);

	*is_service = false;
	if (!wide || wcslen(wide) >= NAME_UNITS) {
		mem_free(wide);
		return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no name of a service",
			       name);
	}
	memcpy(own.name, wide, (wcslen(wide) + 1) * sizeof *wide);
	mem_free(wide);
	own.run = run;
	own.arg = arg;
	own.errors = errors;
	*is_service = StartServiceCtrlDispatcherW(table);
	if (!*is_service && GetLastError() != ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
		return fail(err, "run", name);
	*code = own.code;
	return 0;
}
