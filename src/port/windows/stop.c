#include "base/mem.h"
#include "port/interrupt.h"
#include "port/port.h"
#include "port/windows/net.h"

#include <errno.h>
#include <stdatomic.h>

/* How long a window may be kept from closing, or Windows from ending: the system waits no longer
 * than some five seconds itself. */
#define LAST_WORDS_MS 20000

/* The console's events come on a thread of their own, which knows nothing but this: the one state of
 * the process, as a signal's handler would have. */
static struct {
	HANDLE asked, finished; /* finished: the store is closed */
	atomic_uint wake;       /* enum port_wake */
	atomic_bool is_deadly, has_interrupt;
	volatile sig_atomic_t is_stopped; /* port_interrupts_catch() */
} state;

static void ask(unsigned wake)
{
	atomic_fetch_or(&state.wake, wake);
	/* A service may be asked before it listens. */
	if (state.asked)
		(void)SetEvent(state.asked);
}

static BOOL WINAPI handle(DWORD event)
{
	bool is_interrupt = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;

	if (atomic_load(&state.is_deadly))
		return FALSE; /* the system ends the process */
	/* A service hears of everybody's. */
	if (event == CTRL_LOGOFF_EVENT && win_is_service())
		return TRUE;
	if (is_interrupt && !atomic_load(&state.has_interrupt))
		return TRUE;
	ask(is_interrupt ? PORT_WAKE_INTERRUPT : PORT_WAKE_TERMINATE);
	/* After a close, log-off or shut-down the process ends when this returns. */
	if (!is_interrupt)
		(void)WaitForSingleObject(state.finished, LAST_WORDS_MS);
	return TRUE;
}

int port_stop_init(struct port_stop *s, bool with_interrupt, struct weir_error *err)
{
	s->fd = -1;
	state.asked = CreateEventW(NULL, TRUE, FALSE, NULL);
	state.finished = CreateEventW(NULL, TRUE, FALSE, NULL);
	atomic_store(&state.has_interrupt, with_interrupt);
	if (state.asked && state.finished && SetConsoleCtrlHandler(handle, TRUE)) {
		/* A parent may have made its children deaf to Ctrl-C. */
		(void)SetConsoleCtrlHandler(NULL, FALSE);
		if (atomic_load(&state.wake))
			(void)SetEvent(state.asked);
		return 0;
	}
	(void)win_fail();
	return err_sys(err, "cannot listen to the console");
}

void port_stop_fini(struct port_stop *s)
{
	(void)s;
	(void)SetEvent(state.finished);
}

void port_stop_next_kills(struct port_stop *s)
{
	(void)s;
	atomic_store(&state.is_deadly, true);
}

static DWORD milliseconds(int64_t ns)
{
	return ns < 0 ? INFINITE : (DWORD)((ns + 999999) / 1000000);
}

unsigned port_stop_wait(const struct port_stop *s, const struct port_event *event,
			int descriptor, int64_t timeout_ns)
{
	HANDLE handles[2] = { state.asked, event ? event->handle : NULL };
	DWORD got;
	unsigned wake = 0;

	(void)s;
	(void)descriptor;
	if (!state.asked)
		return PORT_WAKE_NOTHING;
	got = WaitForMultipleObjects(event ? 2 : 1, handles, FALSE,
				     milliseconds(timeout_ns));
	if (got == WAIT_TIMEOUT)
		return PORT_WAKE_NOTHING;
	(void)ResetEvent(state.asked);
	wake = atomic_exchange(&state.wake, 0);
	if (event && port_event_wait(event, 0))
		wake |= PORT_WAKE_EVENT;
	return wake;
}

/* Tells the one that is waited for by sockets. */
static DWORD WINAPI run_bell(void *arg)
{
	SOCKET *bell = arg;

	(void)WaitForSingleObject(state.asked, INFINITE);
	(void)send(*bell, "!", 1, 0);
	mem_free(bell);
	return 0;
}

int port_stop_socket(struct port_stop *s, int *fd, struct weir_error *err)
{
	SOCKET ends[2], *bell = mem_new(1, sizeof *bell);
	HANDLE thread = NULL;
	int rc = bell ? net_pair(ends, err)
		      : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a thread");

	if (!rc) {
		*bell = ends[1];
		thread = CreateThread(NULL, 64 * 1024, run_bell, bell, 0, NULL);
		if (!thread)
			rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a thread");
	}
	if (rc) {
		mem_free(bell);
		return rc;
	}
	(void)CloseHandle(thread);
	net_unblock(ends[0]);
	/* Both ends live as long as the process: a late request finds them. */
	*fd = s->fd = (int)ends[0];
	return 0;
}

void win_stop_ask(void)
{
	ask(PORT_WAKE_TERMINATE);
}

void port_ignore_pipe(void)
{
	/* It is an error here anyway. */
}

static BOOL WINAPI note(DWORD event)
{
	bool is_first = !state.is_stopped;

	(void)event;
	state.is_stopped = 1;
	return is_first; /* the second one ends the process */
}

const volatile sig_atomic_t *port_interrupts_catch(void)
{
	(void)SetConsoleCtrlHandler(note, TRUE);
	return &state.is_stopped;
}

void port_exit_now(int code)
{
	(void)TerminateProcess(GetCurrentProcess(), (UINT)code);
	abort();
}

int port_output_open(const char *path, int *fd, struct weir_error *err)
{
	struct weir_stat st;

	if (!strcmp(path, "-")) {
		*fd = weir_dup(STDOUT_FILENO);
		return *fd < 0 ? err_sys(err, "cannot use standard output") : 0;
	}
	if (!weir_stat(path, &st)) {
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			return err_set(err, WEIR_ERR_EXISTS,
				       "'%s' exists: weir never overwrites a file", path);
		*fd = weir_open(path, O_WRONLY);
	} else {
		*fd = weir_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	}
	return *fd < 0 ? err_sys(err, "cannot make '%s'", path) : 0;
}

bool port_is_terminal(int fd)
{
	return weir_isatty(fd) == 1;
}

/* A run-time's descriptor without a handle keeps its number, and fails. */
void port_standard_guard(void)
{
}
