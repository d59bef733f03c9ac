/* Facts of a process that the port looks at from outside.  The key of a process is its start in UTC,
 * exact to 100 ns; the clock of events is the performance counter. */
#include "port/port.h"
#include "port/process.h"
#include "process/facts.h"

#include <stdio.h>
#include <string.h>

int64_t facts_now_ns(void)
{
	return port_monotonic_ns();
}

int64_t facts_boot_ns(void)
{
	return port_realtime_ns() - port_monotonic_ns();
}

int64_t facts_started_ns(uint64_t start_ns, int64_t boot_ns)
{
	(void)boot_ns;
	return (int64_t)start_ns;
}

uint64_t proc_start(uint32_t pid)
{
	struct port_process p;
	uint64_t start;

	if (port_process_open(&p, pid))
		return 0;
	start = (uint64_t)p.started_ns;
	port_process_close(&p);
	return start;
}

static void take(struct process_facts *f, const struct port_process *p,
		 const struct port_process_facts *more)
{
	*f = (struct process_facts){ .pid = p->pid,
				     .parent_pid = p->parent_pid,
				     .session = p->session,
				     .has_session = p->has_session,
				     .has_parent = p->parent_pid != 0,
				     .start_ns = (uint64_t)p->started_ns,
				     .parent_start_ns = (uint64_t)more->parent_started_ns,
				     .started_ns = p->started_ns,
				     .at_ns = p->started_ns,
				     .args_length = more->command_line_length,
				     .is_args_cut = more->is_command_line_cut,
				     .has_read = true };
	memcpy(f->name, p->name, sizeof f->name);
	memcpy(f->path, more->path, sizeof f->path);
	memcpy(f->user, more->user, sizeof f->user);
	memcpy(f->args, more->command_line, more->command_line_length);
}

int facts_read(struct process_facts *f, uint32_t pid, uint64_t start_ns, int *exe)
{
	struct port_process_facts more;
	struct port_process p;

	_Static_assert(sizeof f->name == sizeof p.name &&
			       sizeof f->path == sizeof more.path &&
			       sizeof f->user == sizeof more.user &&
			       sizeof f->args >= sizeof more.command_line,
		       "texts are copied whole");
	*exe = -1;
	if (port_process_open(&p, pid))
		return WEIR_ERR_ABSENT;
	if (!p.started_ns || (start_ns && (uint64_t)p.started_ns != start_ns)) {
		port_process_close(&p);
		return WEIR_ERR_ABSENT;
	}
	port_process_read(&p, &more);
	take(f, &p, &more);
	*exe = port_process_executable(&p, f->path, f->reason, sizeof f->reason);
	f->is_hash_pending = *exe >= 0;
	port_process_close(&p);
	return 0;
}

/* Its executable was opened by the name that it was started by: that this is the same file nobody can tell. */
bool facts_still_runs(const struct process_facts *f, uint64_t dev, uint64_t ino)
{
	struct port_process p;
	bool does;

	(void)dev;
	(void)ino;
	if (port_process_open(&p, f->pid))
		return false;
	does = (uint64_t)p.started_ns == f->start_ns && !port_process_ended(&p);
	port_process_close(&p);
	return does;
}
