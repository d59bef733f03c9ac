#include "port/port.h"

#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

struct port_thread {
	pthread_t id;
};

/* Signals are for the main thread: a new thread starts with all of them blocked. */
int port_thread_start(struct port_thread **t, const char *name, void *(*run)(void *),
		      void *arg, struct weir_error *err)
{
	sigset_t all, old;
	int rc;

	*t = mem_new(1, sizeof **t);
	if (!*t)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot start thread '%s': no memory", name);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&(*t)->id, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		mem_free(*t);
		*t = NULL;
		errno = rc;
		return err_sys(err, "cannot start thread '%s'", name);
	}
	(void)pthread_setname_np((*t)->id, name);
	return 0;
}

void port_thread_join(struct port_thread *t)
{
	if (!t)
		return;
	(void)pthread_join(t->id, NULL);
	mem_free(t);
}

/* ioprio_set(2) has no header: class idle, of this thread. */
enum {
	IOPRIO_PROCESS = 1,
	IOPRIO_IDLE = 3 << 13
};

void port_thread_lower(void)
{
	struct sched_param none = { 0 };

	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0, IOPRIO_IDLE);
}

struct port_monitor {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

struct port_monitor *port_monitor_new(void)
{
	struct port_monitor *m = mem_new(1, sizeof *m);
	pthread_condattr_t attr;

	if (!m)
		return NULL;
	(void)pthread_mutex_init(&m->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&m->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	return m;
}

void port_monitor_free(struct port_monitor *m)
{
	if (!m)
		return;
	(void)pthread_cond_destroy(&m->cond);
	(void)pthread_mutex_destroy(&m->mutex);
	mem_free(m);
}

void port_monitor_lock(struct port_monitor *m)
{
	(void)pthread_mutex_lock(&m->mutex);
}

void port_monitor_unlock(struct port_monitor *m)
{
	(void)pthread_mutex_unlock(&m->mutex);
}

void port_monitor_signal(struct port_monitor *m)
{
	(void)pthread_cond_broadcast(&m->cond);
}

bool port_monitor_wait(struct port_monitor *m, int64_t timeout_ns)
{
	int64_t until = port_monotonic_ns() + timeout_ns;
	struct timespec t = { .tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S };

	return pthread_cond_timedwait(&m->cond, &m->mutex, &t) != ETIMEDOUT;
}

int port_event_init(struct port_event *e, struct weir_error *err)
{
	e->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return e->fd < 0 ? err_sys(err, "cannot make an event descriptor") : 0;
}

void port_event_fini(struct port_event *e)
{
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = -1;
}

void port_event_set(const struct port_event *e)
{
	uint64_t one = 1;
	int saved = errno;

	/* Fails only when the counter is at its end, and then it is set already. */
	if (write(e->fd, &one, sizeof one) < 0)
		errno = saved;
}

void port_event_clear(const struct port_event *e)
{
	uint64_t n;
	int saved = errno;

	if (read(e->fd, &n, sizeof n) < 0)
		errno = saved;
}

bool port_event_wait(const struct port_event *e, int64_t timeout_ns)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	struct timespec t = { .tv_sec = timeout_ns / NS_PER_S,
			      .tv_nsec = timeout_ns % NS_PER_S };

	return ppoll(&p, 1, timeout_ns < 0 ? NULL : &t, NULL) > 0;
}
