#include "process/namer.h"

#include "base/mem.h"
#include "process/connector.h"
#include "process/hasher.h"
#include "process/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 1024 /* remembered, so that children of what is gone have a name */
#define REQUESTS  16

enum {
	STOP_MS = 2000
};

enum request_kind {
	REQUEST_FACTS = 1,
	REQUEST_SCAN,
	REQUEST_TALLY
};

struct request {
	uint32_t kind, pid;
	uint64_t start_ns;
};

/* Of the child's processes: whether the recorder has been told. */
enum mark {
	MARK_TOLD = 1,
	MARK_READ = 2 /* /proc was, or need not be, read */
};

struct child {
	int fd, connector;
	struct feed *feed;
	struct process_table *table;
	struct hasher *hasher;
	struct namer_answer answer;
	bool is_over;
};

static void send_answer(struct child *c, uint32_t kind)
{
	c->answer.kind = kind;
	if (send(c->fd, &c->answer, sizeof c->answer, MSG_NOSIGNAL) < 0)
		c->is_over = true;
}

static void tell(struct child *c, struct process *p)
{
	p->mark |= MARK_TOLD;
	c->answer.facts = p->facts;
	send_answer(c, NAMER_FACTS);
}

/* Names first: a hash takes its time, and meanwhile the executable is held open. */
static void hash_on(struct child *c)
{
	struct hasher_file file;
	struct process *p;

	if (!hasher_read(c->hasher))
		return;
	hasher_take(c->hasher, &file);
	p = process_table_at(c->table, file.number);
	if (!p) {
		hasher_close(&file);
		return;
	}
	hasher_hash(c->hasher, &p->facts, &file);
	tell(c, p);
}

/* Asked before /proc is read, it says of which program that is at least. */
static uint32_t execs_of(const struct child *c, uint32_t pid)
{
	return c->feed ? feed_execs(c->feed, pid) : 0;
}

/* From /proc into the table, where it was in time. */
static bool read_process(struct child *c, struct process *p, uint8_t seen, int64_t at_ns)
{
	uint32_t execs = execs_of(c, p->facts.pid);
	struct process_facts f;
	int exe;

	if (facts_read(&f, p->facts.pid, p->facts.start_ns, &exe))
		return false;
	f.seen = seen;
	f.execs = execs;
	f.at_ns = at_ns ? at_ns : f.at_ns;
	p->facts = f;
	p->mark |= MARK_READ;
	hasher_drop(c->hasher, p->number);
	hasher_put(c->hasher, &p->facts, p->number, exe);
	return true;
}

static struct process *find_or_add(struct child *c, uint32_t pid, uint64_t start_ns)
{
	struct process *p = process_table_find(c->table, pid, start_ns);

	return p ? p : process_table_add(c->table, pid, start_ns);
}

static void on_exec(struct child *c, const struct process_event *e)
{
	struct process *p = find_or_add(c, e->pid, PROCESS_START(e->start_ns));
	struct process_facts told;

	hasher_drop(c->hasher, p->number);
	facts_of_event(&told, e);
	told.seen = SEEN_EXEC;
	p->facts = told;
	if (!read_process(c, p, SEEN_EXEC, told.at_ns))
		p->mark |= MARK_READ;
	tell(c, p);
}

/* The child is its parent over again, until it starts a program. */
static void on_fork(struct child *c, const struct process_event *e)
{
	uint64_t parent_start = PROCESS_START(e->parent_start_ns);
	struct process *parent =
		process_table_find(c->table, e->parent_pid, parent_start);
	struct process_facts of_parent;
	struct process *p;

	if (!parent) {
		parent = process_table_add(c->table, e->parent_pid, parent_start);
		(void)read_process(c, parent, SEEN_PACKET, 0);
	}
	of_parent = parent->facts;
	p = find_or_add(c, e->pid, PROCESS_START(e->start_ns));
	facts_of_fork(&p->facts, &of_parent, e);
}

static void on_end(struct child *c, const struct process_event *e)
{
	struct process *p =
		process_table_find(c->table, e->pid, PROCESS_START(e->start_ns));

	if (!p)
		return;
	p->facts.ended_ns = (int64_t)e->ns + facts_boot_ns();
	if (p->mark & MARK_TOLD && !p->facts.is_hash_pending)
		tell(c, p);
}

static void on_process(void *arg, const struct process_event *e)
{
	struct child *c = arg;

	if (e->kind == PROCESS_EXEC)
		on_exec(c, e);
	else if (e->kind == PROCESS_FORK)
		on_fork(c, e);
	else
		on_end(c, e);
}

/* A process of which the connector told: as the kernel's programs would have, as far as /proc
 * knows.  False: it is gone. */
static bool event_of(const struct connector_event *told, struct process_event *e)
{
	struct port_clocks now;

	port_clocks(&now);
	*e = (struct process_event){
		.kind = (uint16_t)told->kind,
		.ns = told->ns + (uint64_t)(now.boottime_ns - now.monotonic_ns),
		.pid = told->pid,
		.parent_pid = told->parent_pid,
		.start_ns = proc_start(told->pid),
		.parent_start_ns = told->parent_pid ? proc_start(told->parent_pid) : 0,
	};
	return e->start_ns != 0;
}

static void started(struct child *c, const struct process_event *e)
{
	struct process *p = find_or_add(c, e->pid, PROCESS_START(e->start_ns));

	hasher_drop(c->hasher, p->number);
	if (read_process(c, p, SEEN_EXEC, (int64_t)e->ns + facts_boot_ns()))
		tell(c, p);
	else
		c->answer.missed_processes++;
}

static void forked(struct child *c, struct process_event *e)
{
	uint64_t parent_start = PROCESS_START(e->parent_start_ns);
	struct process *parent = find_or_add(c, e->parent_pid, parent_start);

	if (!(parent->mark & MARK_READ))
		(void)read_process(c, parent, SEEN_PACKET, 0);
	e->uid = parent->facts.has_uid ? parent->facts.uid : ID_UNKNOWN;
	e->gid = parent->facts.has_gid ? parent->facts.gid : ID_UNKNOWN;
	memcpy(e->comm, parent->facts.name, sizeof e->comm);
	on_fork(c, e);
}

/* Its start is not told any more: the last one with that pid was it. */
static void ended(struct child *c, const struct connector_event *told)
{
	struct process *p = process_table_latest(c->table, told->pid);
	struct process_event e = { .pid = told->pid };
	struct port_clocks now;

	if (!p || p->facts.ended_ns)
		return;
	port_clocks(&now);
	e.ns = told->ns + (uint64_t)(now.boottime_ns - now.monotonic_ns);
	e.start_ns = p->facts.start_ns;
	on_end(c, &e);
}

static void on_connector(void *arg, const struct connector_event *told)
{
	struct child *c = arg;
	struct process_event e;

	if (told->kind == PROCESS_EXIT)
		ended(c, told);
	else if (!event_of(told, &e))
		c->answer.missed_processes++;
	else if (told->kind == PROCESS_EXEC)
		started(c, &e);
	else if (e.parent_start_ns)
		forked(c, &e);
}

static void answer_facts(struct child *c, const struct request *r)
{
	uint32_t execs = execs_of(c, r->pid);
	struct process *p;
	bool is_new;

	/* Programs that were started by then are told of there. */
	if (c->feed)
		(void)feed_read_processes(c->feed, on_process, c);
	p = process_table_find(c->table, r->pid, r->start_ns);
	is_new = !p;
	if (!p)
		p = process_table_add(c->table, r->pid, r->start_ns);
	if ((!(p->mark & MARK_READ) || p->facts.execs != execs) &&
	    !read_process(c, p, p->facts.seen, p->facts.at_ns)) {
		/* It is gone: more will not be known. */
		p->facts.execs = execs;
		if (is_new) {
			c->answer.facts = p->facts;
			c->answer.count = 0;
			send_answer(c, NAMER_ABSENT);
			return;
		}
	}
	/* A child whose parent is still being hashed: its own hash is to come. */
	if (!(p->mark & MARK_READ))
		p->facts.is_hash_pending = false;
	tell(c, p);
}

static void on_seed(void *arg, const struct socket_seed *seed)
{
	struct child *c = arg;

	c->answer.seeds[c->answer.count++] = *seed;
	if (c->answer.count == NAMER_SEEDS) {
		send_answer(c, NAMER_SEEDS_OF_SCAN);
		c->answer.count = 0;
	}
}

static void answer_scan(struct child *c)
{
	struct port_clocks clocks;
	struct weir_error err;

	port_clocks(&clocks);
	c->answer.count = 0;
	if (scan_sockets(on_seed, c, &err) == 0 && c->answer.count)
		send_answer(c, NAMER_SEEDS_OF_SCAN);
	c->answer.count = 0;
	c->answer.ns = clocks.boottime_ns;
	send_answer(c, NAMER_SCANNED);
}

enum served {
	SERVED_ONE,
	SERVED_NONE, /* there is none now */
	SERVED_LAST  /* the recorder is gone */
};

static enum served serve(struct child *c)
{
	struct request r;
	ssize_t n = recv(c->fd, &r, sizeof r, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return SERVED_NONE;
	if (n != sizeof r)
		return SERVED_LAST;
	if (r.kind == REQUEST_FACTS)
		answer_facts(c, &r);
	else if (r.kind == REQUEST_SCAN)
		answer_scan(c);
	else if (r.kind == REQUEST_TALLY)
		send_answer(c, NAMER_TALLY);
	else
		return SERVED_LAST;
	return SERVED_ONE;
}

/* Between two looks at new processes. */
static enum served serve_some(struct child *c)
{
	enum served served = SERVED_ONE;

	for (unsigned i = 0; i < REQUESTS && served == SERVED_ONE; i++)
		served = serve(c);
	return served;
}

static void run(struct child *c)
{
	struct pollfd fds[2] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->feed ? feed_process_fd(c->feed) : c->connector,
		  .events = POLLIN },
	};

	while (!c->is_over) {
		(void)poll(fds, 2, hasher_is_waiting(c->hasher) ? 0 : -1);
		/* New processes first: they may be gone soon. */
		if (c->feed)
			(void)feed_read_processes(c->feed, on_process, c);
		else if (c->connector >= 0)
			c->answer.lost_events +=
				connector_read(c->connector, on_connector, c);
		if (fds[0].revents && serve_some(c) == SERVED_LAST)
			return;
		if (hasher_is_waiting(c->hasher) && !fds[1].revents)
			hash_on(c);
	}
}

/* What the recorder has open is none of its business. */
static void close_others(const int *kept, unsigned count)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int last = 2;

	while (d && (e = readdir(d)) != NULL) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		last = fd > last ? fd : last;
	}
	if (d)
		(void)closedir(d);
	for (int fd = 3; fd <= last; fd++) {
		bool is_kept = false;

		for (unsigned i = 0; i < count; i++)
			is_kept |= kept[i] == fd;
		if (!is_kept)
			(void)close(fd);
	}
}

static int prepare_child(struct child *c, int fd, const struct namer_config *config,
			 struct weir_error *err)
{
	int kept[2] = { fd, config->feed ? feed_process_fd(config->feed)
					 : config->connector };
	int null = open("/dev/null", O_RDWR);

	c->fd = fd;
	c->feed = config->feed;
	c->connector = config->feed ? -1 : config->connector;
	for (int i = 0; null >= 0 && i < 3; i++)
		(void)dup2(null, i);
	close_others(kept, 2);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "weir-process");
	c->hasher = hasher_new();
	if (!c->hasher || process_table_new(&c->table, PROCESSES))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	return port_drop(config->user, NAMER_CAPS, err);
}

static void live(int fd, const struct namer_config *config)
{
	struct child *c = mem_new(1, sizeof *c);
	struct weir_error err;

	if (c && !prepare_child(c, fd, config, &err))
		run(c);
	port_exit_now(0);
}

int namer_start(struct namer *n, const struct namer_config *config,
		struct weir_error *err)
{
	int pair[2];

	*n = (struct namer){ .fd = -1, .pid = 0 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, "cannot make a socket for process names");
	n->pid = fork();
	if (n->pid < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return err_sys(err, "cannot start the process that names others");
	}
	if (!n->pid) {
		(void)close(pair[0]);
		live(pair[1], config);
	}
	(void)close(pair[1]);
	n->fd = pair[0];
	return 0;
}

void namer_stop(struct namer *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	n->fd = -1;
	/* One that is stopped, or reads what does not answer, ends when it can: no recording waits for that. */
	for (int i = 0; n->pid > 0 && i < STOP_MS && !waitpid(n->pid, NULL, WNOHANG); i++)
		(void)poll(NULL, 0, 1);
	n->pid = 0;
}

static bool ask(const struct namer *n, const struct request *r)
{
	return n->fd >= 0 &&
	       send(n->fd, r, sizeof *r, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof *r;
}

bool namer_ask(const struct namer *n, uint32_t pid, uint64_t start_ns)
{
	struct request r = { .kind = REQUEST_FACTS, .pid = pid, .start_ns = start_ns };

	return ask(n, &r);
}

bool namer_scan(const struct namer *n)
{
	struct request r = { .kind = REQUEST_SCAN };

	return ask(n, &r);
}

bool namer_tally(const struct namer *n)
{
	struct request r = { .kind = REQUEST_TALLY };

	return ask(n, &r);
}

int namer_read(const struct namer *n, struct namer_answer *a)
{
	ssize_t got = recv(n->fd, a, sizeof *a, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got != sizeof *a || a->count > NAMER_SEEDS)
		return WEIR_ERR_CLOSED;
	return 1;
}
