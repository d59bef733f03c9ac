#include "base/mem.h"
#include "port/port.h"
#include "port/windows/win.h"

#include <errno.h>

#define NS_PER_MS 1000000LL

struct port_thread {
	HANDLE handle;
	void *(*run)(void *);
	void *arg;
};

static unsigned __stdcall run_thread(void *arg)
{
	struct port_thread *t = arg;

	(void)t->run(t->arg);
	return 0;
}

/* For debuggers; Windows 10 1607. */
static void name_thread(HANDLE h, const char *name)
{
	wchar_t *wide = win_calls()->thread_name ? win_name(name) : NULL;

	if (wide)
		(void)win_calls()->thread_name(h, wide);
	mem_free(wide);
}

int port_thread_start(struct port_thread **out, const char *name, void *(*run)(void *),
		      void *arg, struct weir_error *err)
{
	struct port_thread *t = mem_new(1, sizeof *t);

	*out = NULL;
	if (!t)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot start thread '%s': no memory", name);
	t->run = run;
	t->arg = arg;
	t->handle = (HANDLE)_beginthreadex(NULL, 0, run_thread, t, 0, NULL);
	if (!t->handle) {
		mem_free(t);
		return err_sys(err, "cannot start thread '%s'", name);
	}
	name_thread(t->handle, name);
	*out = t;
	return 0;
}

void port_thread_join(struct port_thread *t)
{
	if (!t)
		return;
	(void)WaitForSingleObject(t->handle, INFINITE);
	(void)CloseHandle(t->handle);
	mem_free(t);
}

void port_thread_lower(void)
{
	/* Lowers the priority of its reads too; wine refuses it without an error. */
	if (!SetThreadPriority(GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN))
		(void)SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST);
}

struct port_monitor {
	SRWLOCK lock;
	CONDITION_VARIABLE condition;
};

struct port_monitor *port_monitor_new(void)
{
	struct port_monitor *m = mem_new(1, sizeof *m);

	if (!m)
		return NULL;
	InitializeSRWLock(&m->lock);
	InitializeConditionVariable(&m->condition);
	return m;
}

void port_monitor_free(struct port_monitor *m)
{
	mem_free(m);
}

void port_monitor_lock(struct port_monitor *m)
{
	AcquireSRWLockExclusive(&m->lock);
}

void port_monitor_unlock(struct port_monitor *m)
{
	ReleaseSRWLockExclusive(&m->lock);
}

void port_monitor_signal(struct port_monitor *m)
{
	WakeAllConditionVariable(&m->condition);
}

/* Whole milliseconds, rounded up: never less than was asked for. */
static DWORD milliseconds(int64_t ns)
{
	int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;

	if (ns < 0 || ms >= INFINITE)
		return INFINITE;
	return (DWORD)ms;
}

bool port_monitor_wait(struct port_monitor *m, int64_t timeout_ns)
{
	return SleepConditionVariableSRW(&m->condition, &m->lock,
					 timeout_ns < 0 ? 0 : milliseconds(timeout_ns),
					 0);
}

/* Stays set until it is cleared. */
int port_event_init(struct port_event *e, struct weir_error *err)
{
	e->fd = -1;
	e->handle = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (e->handle)
		return 0;
	(void)win_fail();
	return err_sys(err, "cannot make an event");
}

void port_event_fini(struct port_event *e)
{
	if (e->handle)
		(void)CloseHandle(e->handle);
	e->handle = NULL;
}

void port_event_set(const struct port_event *e)
{
	(void)SetEvent(e->handle);
}

void port_event_clear(const struct port_event *e)
{
	(void)ResetEvent(e->handle);
}

bool port_event_wait(const struct port_event *e, int64_t timeout_ns)
{
	return WaitForSingleObject(e->handle, milliseconds(timeout_ns)) == WAIT_OBJECT_0;
}
