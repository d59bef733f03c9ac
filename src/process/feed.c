#include "process/feed.h"

#include "base/mem.h"
#include "process/cgroup.h"
#include "process/events.h"
#include "process/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SOCKET_BYTES  (4 * 1024 * 1024)
#define PROCESS_BYTES (2 * 1024 * 1024)
#define EXECS_BYTES   (EXEC_PLACES * sizeof(uint64_t))

enum need {
	NEED_SOCKETS,
	NEED_PROCESSES,
	NEED_COUNTS
};

/* What the object holds.  A kernel may lack a tracepoint that is named here. */
static const struct program {
	const char *name;
	enum need need;
	const char *tracepoint;
} programs[] = {
	{ "on_create", NEED_SOCKETS, NULL },
	{ "on_bind4", NEED_SOCKETS, NULL },
	{ "on_bind6", NEED_SOCKETS, NULL },
	{ "on_connect4", NEED_SOCKETS, NULL },
	{ "on_connect6", NEED_SOCKETS, NULL },
	{ "on_sendto4", NEED_SOCKETS, NULL },
	{ "on_sendto6", NEED_SOCKETS, NULL },
	{ "on_egress", NEED_SOCKETS, NULL },
	{ "on_release", NEED_SOCKETS, NULL },
	{ "on_state", NEED_SOCKETS, NULL },
	{ "on_send", NEED_SOCKETS, "sock_send_length" },
	{ "on_receive", NEED_SOCKETS, "sock_recv_length" },
	{ "count_egress", NEED_COUNTS, NULL },
	{ "count_ingress", NEED_COUNTS, NULL },
	{ "on_fork", NEED_PROCESSES, NULL },
	{ "on_exec", NEED_PROCESSES, NULL },
	{ "on_exit", NEED_PROCESSES, NULL },
};

enum {
	PROGRAMS = sizeof programs / sizeof programs[0]
};

struct feed {
	struct bpf_object *object;
	struct bpf_link *links[PROGRAMS];
	/* The kernel's own memory. */
	const struct feed_tally *tally;
	const uint64_t *execs;
	struct ring_buffer *socket_ring, *process_ring;
	int socket_map, process_map;
	feed_on_socket on_socket;
	feed_on_process on_process;
	void *arg;
	bool is_picking; /* leaves out what the kernel lacks */
};

bool feed_is_built_in(void)
{
	return true;
}

static void unmap(const void *memory, size_t size)
{
	if (memory)
		(void)munmap((void *)(uintptr_t)memory, size);
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < PROGRAMS; i++)
		(void)bpf_link__destroy(f->links[i]);
	ring_buffer__free(f->socket_ring);
	ring_buffer__free(f->process_ring);
	unmap(f->tally, sizeof *f->tally);
	unmap(f->execs, EXECS_BYTES);
	bpf_object__close(f->object);
	mem_free(f);
}

static bool is_asked_for(const struct feed_config *c, const struct program *p)
{
	return p->need == NEED_SOCKETS  ? c->has_sockets
	       : p->need == NEED_COUNTS ? c->has_sockets && c->is_counting
					: c->has_processes;
}

/* Reads all of the kernel's types each time: asked only where a load has failed, which is where a tracepoint
 * may be missing. */
static bool is_in_kernel(const struct feed *f, const struct program *p)
{
	return !p->tracepoint || !f->is_picking ||
	       libbpf_find_vmlinux_btf_id(p->tracepoint, BPF_TRACE_RAW_TP) > 0;
}

static struct bpf_map *find_map(struct bpf_object *o, const char *part)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, o)
	{
		if (strstr(bpf_map__name(m), part))
			return m;
	}
	return NULL;
}

static int choose(struct feed *f, const struct feed_config *c, struct weir_error *err)
{
	struct bpf_map *settings = find_map(f->object, ".settings");
	struct feed_settings values = { .netns = c->netns,
					.is_brief = c->is_brief,
					.is_counting = c->is_counting,
					.wakes_socket_reader = c->wakes_socket_reader };
	int rc = settings ? bpf_map__set_initial_value(settings, &values, sizeof values)
			  : -ENOENT;

	if (!rc)
		rc = bpf_map__set_max_entries(
			find_map(f->object, "sockets"),
			(uint32_t)(c->socket_bytes ? c->socket_bytes : SOCKET_BYTES));
	if (!rc)
		rc = bpf_map__set_max_entries(
			find_map(f->object, "processes"),
			(uint32_t)(c->process_bytes ? c->process_bytes : PROCESS_BYTES));
	for (unsigned i = 0; i < PROGRAMS && !rc; i++) {
		struct bpf_program *p =
			bpf_object__find_program_by_name(f->object, programs[i].name);

		rc = p ? bpf_program__set_autoload(p,
						   is_asked_for(c, &programs[i]) &&
							   is_in_kernel(f, &programs[i]))
		       : -ENOENT;
	}
	errno = -rc;
	return rc ? err_sys(err, "cannot prepare the eBPF programs") : 0;
}

static int open_object(struct feed *f, const struct feed_config *c,
		       struct weir_error *err)
{
	const struct bpf_object_open_opts opts = { .sz = sizeof opts,
						   .object_name = "weir" };

	bpf_object__close(f->object);
	f->object = bpf_object__open_mem(programs_object, programs_object_bytes, &opts);
	return f->object ? choose(f, c, err)
			 : err_sys(err, "cannot read the eBPF programs");
}

/* What libbpf has of a map is what it was loaded with: skeletons alone see more. */
static const void *map_memory(const struct feed *f, const char *part, size_t size)
{
	struct bpf_map *m = find_map(f->object, part);
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, m ? bpf_map__fd(m) : -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int map_counts(struct feed *f, const struct feed_config *c, struct weir_error *err)
{
	f->tally = map_memory(f, ".tally", sizeof *f->tally);
	if (f->tally && c->has_processes)
		f->execs = map_memory(f, "execs", EXECS_BYTES);
	return f->tally && (f->execs || !c->has_processes)
		       ? 0
		       : err_sys(err, "cannot map the eBPF programs' counts");
}

/* All that is asked for, or what of it the kernel has. */
static int load(struct feed *f, const struct feed_config *c, struct weir_error *err)
{
	int rc = open_object(f, c, err);

	if (rc)
		return rc;
	rc = bpf_object__load(f->object);
	if (rc && rc != -EPERM && rc != -EACCES) {
		f->is_picking = true;
		if (open_object(f, c, err))
			return err->code;
		rc = bpf_object__load(f->object);
	}
	if (rc == -EPERM || rc == -EACCES)
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "cannot load eBPF programs: cap_bpf, cap_perfmon, "
			       "cap_net_admin and cap_sys_admin are needed");
	errno = -rc;
	if (rc)
		return err_sys(err, "the kernel refuses the eBPF programs");
	f->socket_map = bpf_object__find_map_fd_by_name(f->object, "sockets");
	f->process_map = bpf_object__find_map_fd_by_name(f->object, "processes");
	return map_counts(f, c, err);
}

static int attach_one(struct feed *f, unsigned i, int cgroup, struct weir_error *err)
{
	struct bpf_program *p =
		bpf_object__find_program_by_name(f->object, programs[i].name);
	struct bpf_link *link;

	if (!bpf_program__autoload(p))
		return 0;
	link = bpf_program__type(p) == BPF_PROG_TYPE_TRACING
		       ? bpf_program__attach(p)
		       : bpf_program__attach_cgroup(p, cgroup);
	if (!link)
		return err_sys(err, "cannot attach the eBPF program '%s'",
			       programs[i].name);
	f->links[i] = link;
	return 0;
}

static int attach(struct feed *f, const struct feed_config *c, struct weir_error *err)
{
	int cgroup = -1, rc = 0;

	if (c->has_sockets)
		rc = cgroup_root_open(&cgroup, err);
	for (unsigned i = 0; i < PROGRAMS && !rc; i++)
		rc = attach_one(f, i, cgroup, err);
	if (cgroup >= 0)
		(void)close(cgroup);
	return rc;
}

static int take_socket(void *arg, void *bytes, size_t size)
{
	struct feed *f = arg;
	struct socket_event e;

	if (socket_event_read(&e, bytes, size))
		f->on_socket(f->arg, &e);
	return 0;
}

static int take_process(void *arg, void *bytes, size_t size)
{
	struct feed *f = arg;
	struct process_event e;

	if (process_event_read(&e, bytes, size))
		f->on_process(f->arg, &e);
	return 0;
}

static int open_rings(struct feed *f, const struct feed_config *c, struct weir_error *err)
{
	if (c->has_sockets)
		f->socket_ring = ring_buffer__new(f->socket_map, take_socket, f, NULL);
	if (c->has_processes)
		f->process_ring = ring_buffer__new(f->process_map, take_process, f, NULL);
	if ((c->has_sockets && !f->socket_ring) || (c->has_processes && !f->process_ring))
		return err_sys(err, "cannot map the eBPF programs' events");
	return 0;
}

int feed_open(struct feed **out, const struct feed_config *config, struct weir_error *err)
{
	struct feed *f = mem_new(1, sizeof *f);
	int rc;

	*out = NULL;
	if (!f)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for eBPF programs");
	(void)libbpf_set_print(NULL);
	rc = load(f, config, err);
	if (!rc)
		rc = open_rings(f, config, err);
	if (!rc)
		rc = attach(f, config, err);
	if (rc)
		feed_close(f);
	else
		*out = f;
	return rc;
}

int feed_read_sockets(struct feed *f, feed_on_socket on, void *arg)
{
	f->on_socket = on;
	f->arg = arg;
	return ring_buffer__consume(f->socket_ring);
}

int feed_read_processes(struct feed *f, feed_on_process on, void *arg)
{
	f->on_process = on;
	f->arg = arg;
	return ring_buffer__consume(f->process_ring);
}

int feed_socket_fd(const struct feed *f)
{
	return f->socket_ring ? ring_buffer__epoll_fd(f->socket_ring) : -1;
}

int feed_process_fd(const struct feed *f)
{
	return f->process_ring ? ring_buffer__epoll_fd(f->process_ring) : -1;
}

uint64_t feed_lost_sockets(const struct feed *f)
{
	return __atomic_load_n(&f->tally->lost_sockets, __ATOMIC_RELAXED);
}

uint64_t feed_lost(const struct feed *f)
{
	return feed_lost_sockets(f) +
	       __atomic_load_n(&f->tally->lost_processes, __ATOMIC_RELAXED);
}

uint32_t feed_execs(const struct feed *f, uint32_t pid)
{
	return f->execs ? (uint32_t)__atomic_load_n(&f->execs[pid % EXEC_PLACES],
						    __ATOMIC_RELAXED)
			: 0;
}

json_t *feed_describe(const struct feed *f)
{
	json_t *have = json_array(), *lack = json_array();

	for (unsigned i = 0; i < PROGRAMS; i++) {
		if (f->links[i])
			(void)json_array_append_new(have, json_string(programs[i].name));
		else if (!is_in_kernel(f, &programs[i]))
			(void)json_array_append_new(
				lack,
				json_pack("{s:s,s:s,s:s}", "program", programs[i].name,
					  "reason", "the kernel has no such tracepoint",
					  "tracepoint", programs[i].tracepoint));
	}
	return json_pack("{s:o,s:o}", "programs", have, "missing", lack);
}
