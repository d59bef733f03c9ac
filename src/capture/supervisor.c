#include "capture/supervisor.h"

#include "base/mem.h"
#include "base/time.h"
#include "capture/divert.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOURCES      8
#define EXIT_LOST    3 /* the supervisor itself cannot work */
#define EXIT_CRASHED 4
#define TICK_NS      (50 * NS_PER_MS)
#define SETTLE_TRIES 20
/* A process that waits for a disk does not die of SIGKILL: nobody should wait with it. */
#define KILL_NS    NS_PER_S
#define RECOVER_NS (10 * NS_PER_S) /* for the repair of a dead worker's store */

struct supervisor {
	struct supervisor_config config;
	struct port_user user;
	struct source *sources[SOURCES];
	bool is_stalled
		[SOURCES]; /* the counting rules stand in (no heartbeat in the kernel) */
	unsigned count;
	int fd;      /* to the other process */
	int signals; /* supervisor: signalfd */
	pid_t worker;
	int status;        /* of the worker, once it has ended */
	unsigned asked;    /* signals to end, so far */
	int64_t killed_ns; /* monotonic, when the worker was; 0: it was not */
	sigset_t before;   /* the signal mask as it was */
	enum supervisor_request request;
};

/* Blocked from before the fork on, so that none is lost between it and signalfd(). */
static int block_signals(struct supervisor *sup, sigset_t *set, struct weir_error *err)
{
	struct sigaction old;

	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	/* Under nohup a hang-up is not for us. */
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)
		(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGCHLD);
	return sigprocmask(SIG_BLOCK, set, &sup->before)
		       ? err_sys(err, "cannot block signals")
		       : 0;
}

static void become_worker(struct supervisor *sup, int fd)
{
	sup->fd = fd;
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &sup->before, NULL);
	for (unsigned i = 0; i < sup->count; i++)
		sup->sources[i]->wake_fd = fd;
}

static int fork_worker(struct supervisor *sup, enum supervisor_role *role,
		       struct weir_error *err)
{
	sigset_t set;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return err_sys(err,
			       "cannot make a socket between recorder and supervisor");
	rc = block_signals(sup, &set, err);
	sup->signals = rc ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (!rc && sup->signals < 0)
		rc = err_sys(err, "cannot make a signal descriptor");
	sup->worker = rc ? -1 : fork();
	if (!rc && sup->worker < 0)
		rc = err_sys(err, "cannot start the recorder's process");
	if (rc) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		(void)sigprocmask(SIG_SETMASK, &sup->before, NULL);
		return rc;
	}
	(void)close(pair[sup->worker ? 1 : 0]);
	*role = sup->worker ? SUPERVISOR_PARENT : SUPERVISOR_WORKER;
	sup->fd = pair[0];
	if (!sup->worker)
		become_worker(sup, pair[1]);
	return 0;
}

int supervisor_fork(struct supervisor **out, const struct supervisor_config *config,
		    struct source *const *sources, unsigned count,
		    enum supervisor_role *role, struct weir_error *err)
{
	struct supervisor *sup;
	int rc;

	*out = NULL;
	if (count > SOURCES)
		return err_set(err, WEIR_ERR_LIMIT, "%u sources: at most %d", count,
			       SOURCES);
	sup = mem_new(1, sizeof *sup);
	if (!sup)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the supervisor");
	sup->config = *config;
	sup->fd = sup->signals = -1;
	if (config->user) {
		sup->user = *config->user;
		sup->config.user = &sup->user;
	}
	for (sup->count = 0; sup->count < count; sup->count++)
		sup->sources[sup->count] = sources[sup->count];
	rc = fork_worker(sup, role, err);
	if (rc)
		supervisor_free(sup);
	else
		*out = sup;
	return rc;
}

void supervisor_free(struct supervisor *sup)
{
	if (!sup)
		return;
	if (sup->fd >= 0)
		(void)close(sup->fd);
	if (sup->signals >= 0)
		(void)close(sup->signals);
	mem_free(sup);
}

struct losses *supervisor_losses(struct supervisor *sup, unsigned source)
{
	return &sup->sources[source]->shared->losses;
}

int supervisor_fd(const struct supervisor *sup)
{
	return sup->fd;
}

enum supervisor_request supervisor_request(struct supervisor *sup)
{
	char c;
	ssize_t n;

	if (sup->request != SUPERVISOR_NOTHING)
		return sup->request;
	n = recv(sup->fd, &c, 1, MSG_DONTWAIT);
	if (n == 1)
		sup->request = SUPERVISOR_STOP;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		sup->request = SUPERVISOR_LOST;
	return sup->request;
}

static uint32_t state_of(const struct source *s)
{
	return atomic_load_explicit(&s->shared->state, memory_order_acquire);
}

/* What the worker has asked for and is not yet so.  Nobody receives what rules would send when the worker
 * has ended, or is about to: then there are none. */
static void serve(struct source *s, bool is_ending)
{
	uint32_t wish = atomic_load_explicit(&s->shared->wish, memory_order_acquire);
	uint32_t state = state_of(s);
	struct weir_error err;

	if (wish == DIVERT_WISH_RULES && state == DIVERT_NONE &&
	    (is_ending || divert_rules_install(s, &err)))
		return; /* the worker finds the error in the shared memory */
	if (wish >= DIVERT_WISH_WITHDRAW && state == DIVERT_IN_PLACE) {
		divert_rules_withdraw(s);
	} else if (state == DIVERT_IN_PLACE) {
		divert_rules_keep(s);
		divert_rules_follow(s);
	}
	if (wish == DIVERT_WISH_REMOVE &&
	    (state == DIVERT_IN_PLACE || state == DIVERT_WITHDRAWN))
		divert_rules_remove(s);
}

static void accept_for_the_stalled(struct source *s)
{
	struct divert_drained d;

	(void)atomic_fetch_add_explicit(&s->shared->draining, 1, memory_order_acq_rel);
	d = divert_accept_all(s);
	counter_add(&s->shared->drained, d.packets);
	counter_add(&s->shared->drained_bytes, d.bytes);
	(void)atomic_fetch_add_explicit(&s->shared->draining, 1, memory_order_release);
}

static void watch(struct source *s)
{
	uint32_t state = state_of(s);
	bool is_stale;

	if (s->context->config->is_strict ||
	    (state != DIVERT_IN_PLACE && state != DIVERT_WITHDRAWN))
		return;
	is_stale = divert_age(s, port_monotonic_ns()) > s->stall_ns;
	if (!s->has_heartbeat && state == DIVERT_IN_PLACE)
		divert_rules_count(s, is_stale);
	if (is_stale)
		accept_for_the_stalled(s);
}

/* The first signal takes the rules out and asks the worker to end; the next one ends it. */
static void end_worker(struct supervisor *sup)
{
	if (sup->asked++) {
		(void)kill(sup->worker, SIGKILL);
		sup->killed_ns = port_monotonic_ns();
		return;
	}
	for (unsigned i = 0; i < sup->count; i++)
		if (state_of(sup->sources[i]) == DIVERT_IN_PLACE)
			divert_rules_withdraw(sup->sources[i]);
	if (send(sup->fd, "s", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it is dead already: SIGCHLD tells */
}

/* Returns whether the worker has ended. */
static bool take_signals(struct supervisor *sup)
{
	struct signalfd_siginfo info;
	bool has_ended = false;

	while (read(sup->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo != SIGCHLD)
			end_worker(sup);
		else if (waitpid(sup->worker, &sup->status, WNOHANG) == sup->worker)
			has_ended = true;
	}
	return has_ended;
}

static void serve_until_the_end(struct supervisor *sup)
{
	struct pollfd p[2] = { { .fd = sup->signals, .events = POLLIN },
			       { .fd = sup->fd, .events = POLLIN } };
	bool has_ended = false;
	char words[64];

	while (!has_ended) {
		(void)poll(p, 2, (int)(TICK_NS / NS_PER_MS));
		/* The words only wake us; what is wished is in the shared memory. */
		if (p[1].revents && recv(sup->fd, words, sizeof words, MSG_DONTWAIT) == 0)
			p[1].fd = -1; /* closed; SIGCHLD will come */
		has_ended = take_signals(sup);
		for (unsigned i = 0; i < sup->count; i++)
			atomic_store_explicit(&sup->sources[i]->shared->alive_ns,
					      port_realtime_ns(), memory_order_relaxed);
		if (sup->killed_ns && port_monotonic_ns() - sup->killed_ns > KILL_NS) {
			sup->status = SIGKILL;
			has_ended = true;
		}
		for (unsigned i = 0; i < sup->count; i++) {
			serve(sup->sources[i], has_ended || sup->asked);
			if (!has_ended)
				watch(sup->sources[i]);
		}
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What the dead worker had counted, and what it could not count any more. */
static void report_source(struct supervisor_report *r, struct source *s,
			  struct divert_drained late)
{
	const struct divert_shared *m = s->shared;
	struct loss_totals *t = &r->losses;
	uint64_t received = counter_read(&m->received), gone;
	struct divert_account a;
	size_t used = strlen(r->tables);

	divert_account(s, &a);
	gone = received + larger(counter_read(&m->missed), counter_read(&m->drained));
	r->queued += a.queued;
	r->received += received;
	r->skipped += counter_read(&m->skipped);
	r->recorded += counter_read(&m->recorded);
	loss_total_add(t, &m->losses);
	loss_total_add(t, &m->producer_losses);
	t->packets[LOSS_STALL] = larger(t->packets[LOSS_STALL], a.stall);
	t->bytes[LOSS_STALL] = larger(t->bytes[LOSS_STALL], a.stall_bytes);
	t->packets[LOSS_FAIL_OPEN] = larger(t->packets[LOSS_FAIL_OPEN], a.fail_open);
	/* Strict: what was not answered goes with its queue, and never passes. */
	if (!s->context->config->is_strict && a.queued > gone) {
		t->packets[LOSS_CRASH] += a.queued - gone;
		t->bytes[LOSS_CRASH] += late.bytes;
	}
	(void)snprintf(r->tables + used, sizeof r->tables - used, "%s%s", used ? " " : "",
		       s->rules.table);
}

/* Lets go what the kernel holds, then takes the rules away, then lets go what came meanwhile. */
static struct divert_drained release_traffic(struct source *s)
{
	struct divert_drained sum = divert_accept_all(s), more;
	struct divert_account a = { .held = 1 };

	divert_rules_withdraw(s);
	for (unsigned i = 0; i < SETTLE_TRIES && a.held; i++) {
		more = divert_accept_all(s);
		sum.packets += more.packets;
		sum.bytes += more.bytes;
		divert_account(s, &a);
	}
	divert_rules_remove(s);
	return sum;
}

/* Runs in a child, as the worker's user: what it reads are a stranger's bytes by now. */
static int recover(struct supervisor *sup, const struct supervisor_report *r)
{
	int64_t until = port_monotonic_ns() + RECOVER_NS;
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		return EXIT_CRASHED;
	if (!child) {
		struct weir_error err;

		(void)sigprocmask(SIG_SETMASK, &sup->before, NULL);
		/* The store may lie in a directory that only root may enter. */
		if (port_drop(sup->config.user, "dac_read_search", &err))
			port_exit_now(EXIT_LOST);
		port_exit_now(sup->config.recover(sup->config.arg, r));
	}
	/* It reads and writes a disk that may stand still: a further signal or the time ends the
	 * waiting.  What it has not done by then it does when the disk goes on, or whoever opens the
	 * store does it. */
	while (waitpid(child, &status, WNOHANG) == 0) {
		struct signalfd_siginfo info = { .ssi_signo = SIGCHLD };
		struct pollfd p = { .fd = sup->signals, .events = POLLIN };

		(void)poll(&p, 1, (int)(TICK_NS / NS_PER_MS));
		if (read(sup->signals, &info, sizeof info) == (ssize_t)sizeof info &&
		    info.ssi_signo != SIGCHLD)
			return EXIT_CRASHED;
		if (port_monotonic_ns() > until)
			return EXIT_CRASHED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_CRASHED;
}

static int after_a_crash(struct supervisor *sup)
{
	struct supervisor_report r = { .died_ns = port_realtime_ns(),
				       .signal = WIFSIGNALED(sup->status)
							 ? WTERMSIG(sup->status)
							 : 0 };

	for (unsigned i = 0; i < sup->count; i++) {
		struct source *s = sup->sources[i];
		struct divert_drained late = { 0 };

		/* Strict: nothing passes that is not recorded, and nobody records any more. */
		if (!s->context->config->is_strict)
			late = release_traffic(s);
		else if (state_of(s) == DIVERT_IN_PLACE)
			r.is_strict = true;
		else
			divert_rules_remove(s); /* the user had asked for the end */
		report_source(&r, s, late);
	}
	r.removed_ns = port_realtime_ns();
	return sup->config.recover ? recover(sup, &r) : EXIT_CRASHED;
}

int supervisor_run(struct supervisor *sup)
{
	struct weir_error err;
	bool has_died = false;

	if (port_drop(NULL, SUPERVISOR_CAPS, &err)) {
		(void)kill(sup->worker, SIGKILL);
		(void)waitpid(sup->worker, &sup->status, 0);
		return EXIT_LOST;
	}
	serve_until_the_end(sup);
	/* An end without the rules' removal was none of the worker's own will. */
	for (unsigned i = 0; i < sup->count; i++)
		has_died |= state_of(sup->sources[i]) == DIVERT_IN_PLACE ||
			    state_of(sup->sources[i]) == DIVERT_WITHDRAWN;
	if (WIFSIGNALED(sup->status) || has_died)
		return after_a_crash(sup);
	return WEXITSTATUS(sup->status);
}
