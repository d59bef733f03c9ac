#include "port/child.h"

#include "base/mem.h"
#include "port/windows/net.h"
#include "port/windows/spawn.h"

#include <errno.h>
#include <stdio.h>

/* Linux' capabilities, by which plugins say what they need, as privileges of Windows. */
static const struct {
	const char *capability, *privileges;
} privileges[] = {
	{ "dac_read_search", "SeBackupPrivilege,SeSecurityPrivilege" },
	{ "net_admin", "SeLoadDriverPrivilege" },
	{ "sys_ptrace", "SeDebugPrivilege" },
	{ "sys_resource", "SeIncreaseBasePriorityPrivilege" },
};

/* What a child's process and its job are. */
struct job {
	HANDLE job, process;
};

/* Our ends of its pipes, while it is started. */
struct ends {
	HANDLE in[2], out[2], errors[2]; /* [0] is read from */
	SOCKET talk[2], said[2], exit[2];
};

enum {
	OURS,
	THEIRS
};

static void close_handle(HANDLE *h)
{
	if (*h)
		(void)CloseHandle(*h);
	*h = NULL;
}

static void close_socket(SOCKET *s)
{
	if (*s != INVALID_SOCKET)
		(void)closesocket(*s);
	*s = INVALID_SOCKET;
}

static void close_ends(struct ends *e)
{
	for (unsigned i = 0; i < 2; i++) {
		close_handle(&e->in[i]);
		close_handle(&e->out[i]);
		close_handle(&e->errors[i]);
		close_socket(&e->talk[i]);
		close_socket(&e->said[i]);
		close_socket(&e->exit[i]);
	}
}

static int open_pipe(HANDLE ends[2], struct weir_error *err)
{
	if (CreatePipe(&ends[0], &ends[1], NULL, 64 * 1024))
		return 0;
	(void)win_fail();
	return err_sys(err, "cannot make a plugin's pipes");
}

static int open_ends(struct ends *e, struct weir_error *err)
{
	int rc;

	*e = (struct ends){ .talk = { INVALID_SOCKET, INVALID_SOCKET },
			    .said = { INVALID_SOCKET, INVALID_SOCKET },
			    .exit = { INVALID_SOCKET, INVALID_SOCKET } };
	rc = open_pipe(e->in, err);
	if (!rc)
		rc = open_pipe(e->out, err);
	if (!rc)
		rc = open_pipe(e->errors, err);
	if (!rc)
		rc = net_pair(e->talk, err);
	if (!rc)
		rc = net_pair(e->said, err);
	if (!rc)
		rc = net_pair(e->exit, err);
	if (rc)
		close_ends(e);
	return rc;
}

/* Two threads have the one socket: each its own handle of it. */
static SOCKET duplicate(SOCKET s)
{
	WSAPROTOCOL_INFOW info;

	if (WSADuplicateSocketW(s, GetCurrentProcessId(), &info))
		return INVALID_SOCKET;
	return WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
			  &info, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static int start_pumps(struct ends *e, struct weir_error *err)
{
	SOCKET answers = duplicate(e->talk[THEIRS]);
	int rc = answers != INVALID_SOCKET
			 ? 0
			 : err_set(err, WEIR_ERR_SYSTEM, "cannot duplicate a socket");

	if (!rc) {
		rc = pump_from_pipe(e->out[0], answers, err);
		e->out[0] = NULL;
	}
	if (!rc) {
		rc = pump_to_pipe(e->talk[THEIRS], e->in[1], err);
		e->talk[THEIRS] = INVALID_SOCKET;
		e->in[1] = NULL;
	}
	if (!rc) {
		rc = pump_from_pipe(e->errors[0], e->said[THEIRS], err);
		e->said[THEIRS] = INVALID_SOCKET;
		e->errors[0] = NULL;
	}
	return rc;
}

/* The process's end, as the end of a stream. */
struct watch {
	HANDLE process;
	SOCKET socket;
};

static DWORD WINAPI run_watch(void *arg)
{
	struct watch *w = arg;

	(void)WaitForSingleObject(w->process, INFINITE);
	(void)CloseHandle(w->process);
	(void)closesocket(w->socket);
	mem_free(w);
	return 0;
}

static int start_watch(HANDLE process, SOCKET *s, struct weir_error *err)
{
	struct watch *w = mem_new(1, sizeof *w);
	HANDLE thread = NULL;

	if (w && DuplicateHandle(GetCurrentProcess(), process, GetCurrentProcess(),
				 &w->process, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
		w->socket = *s;
		thread = CreateThread(NULL, 64 * 1024, run_watch, w, 0, NULL);
		if (!thread)
			(void)CloseHandle(w->process);
	}
	if (!thread) {
		mem_free(w);
		return err_set(err, WEIR_ERR_NO_MEMORY, "cannot watch a process");
	}
	*s = INVALID_SOCKET;
	(void)CloseHandle(thread);
	return 0;
}

/* The sandbox. */

static bool is_wanted(const struct sandbox_rules *r, enum sandbox_part part)
{
	return r->wanted >> part & 1;
}

/* Without the process's limits where they cannot be had: what a job is for first is that nothing
 * outlives us, and that is no part of what may be missing. */
static HANDLE new_job(const struct sandbox_rules *r, struct sandbox_state *state,
		      struct weir_error *err)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION info = { .ProcessMemoryLimit = 0 };
	HANDLE job = CreateJobObjectW(NULL, NULL);
	bool has_limits = is_wanted(r, SANDBOX_LIMITS);

	info.BasicLimitInformation.LimitFlags =
		JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
		JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
	if (has_limits && r->memory_bytes) {
		info.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_MEMORY;
		info.ProcessMemoryLimit = (SIZE_T)r->memory_bytes;
	}
	if (has_limits && r->processes) {
		info.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
		info.BasicLimitInformation.ActiveProcessLimit = (DWORD)r->processes;
	}
	if (!job || !SetInformationJobObject(job, JobObjectExtendedLimitInformation,
					     &info, sizeof info)) {
		(void)win_fail();
		(void)err_sys(err, "cannot make a job for a plugin");
		close_handle(&job);
		return NULL;
	}
	if (!has_limits)
		return job;
	state->parts[SANDBOX_LIMITS] = SANDBOX_ACTIVE;
	(void)snprintf(state->words[SANDBOX_LIMITS], sizeof state->words[0],
		       "job object: ends with the agent, %llu MiB, %llu processes (0: as "
		       "the agent)",
		       (unsigned long long)(r->memory_bytes >> 20),
		       (unsigned long long)r->processes);
	return job;
}

static void add_privileges(const char *capabilities, char *keep, size_t size)
{
	size_t used = 0;

	keep[0] = '\0';
	while (*capabilities) {
		size_t n = strcspn(capabilities, ",");
		bool is_own = !_strnicmp(capabilities, "Se", 2);

		for (size_t i = 0; i < ARRAY_LEN(privileges) && used < size; i++)
			if (strlen(privileges[i].capability) == n &&
			    !memcmp(privileges[i].capability, capabilities, n))
				used += (size_t)snprintf(keep + used, size - used, "%s,",
							 privileges[i].privileges);
		if (is_own && used < size)
			used += (size_t)snprintf(keep + used, size - used, "%.*s,",
						 (int)n, capabilities);
		capabilities += n + (capabilities[n] == ',');
	}
}

static int new_token(const struct sandbox_rules *r, struct sandbox_state *state,
		     HANDLE *token, struct weir_error *err)
{
	struct weir_error why = { 0 };
	char keep[256], *words = state->words[SANDBOX_PRIVILEGES];

	*token = NULL;
	if (!is_wanted(r, SANDBOX_PRIVILEGES))
		return 0;
	add_privileges(r->capabilities ? r->capabilities : "", keep, sizeof keep);
	if (!token_restricted(keep, token, words, sizeof state->words[0], &why)) {
		state->parts[SANDBOX_PRIVILEGES] = SANDBOX_ACTIVE;
		return 0;
	}
	(void)snprintf(words, sizeof state->words[0], "%.150s", why.text);
	state->parts[SANDBOX_PRIVILEGES] = SANDBOX_FAILED;
	return r->optional >> SANDBOX_PRIVILEGES & 1
		       ? 0
		       : err_set(err, WEIR_ERR_PRIVILEGE,
				 "the sandbox's part 'privileges' cannot be had: %s",
				 why.text);
}

/* What is asked for and is not there is an error, or told; what is not asked for is told as well. */
static int look_at_parts(const struct sandbox_rules *r, struct sandbox_state *state,
			 struct weir_error *err)
{
	struct sandbox_rules others = *r;

	others.wanted &= ~sandbox_parts();
	return sandbox_enter(&others, state, err);
}

/* Starting. */

static int run(struct child *c, const struct child_config *config, struct ends *e,
	       HANDLE token, struct weir_error *err)
{
	struct job *job = c->job;
	const struct spawn s = { .argv = config->argv,
				 .environment = config->environment,
				 .directory = config->directory,
				 .handles = { e->in[0], e->out[1], e->errors[1] },
				 .token = token,
				 .job = job->job };
	PROCESS_INFORMATION made;
	int rc = spawn_process(&s, &made, err);

	if (rc)
		return rc;
	c->pid = (int)made.dwProcessId;
	job->process = made.hProcess;
	rc = start_watch(job->process, &e->exit[THEIRS], err);
	return rc ? rc : start_pumps(e, err);
}

static int take(SOCKET *s)
{
	int fd = (int)*s;

	net_unblock(*s);
	*s = INVALID_SOCKET;
	return fd;
}

int child_spawn(struct child *c, const struct child_config *config,
		struct weir_error *err)
{
	struct weir_error unused;
	HANDLE token = NULL;
	struct job *job;
	struct ends e;
	int rc;

	if (!err)
		err = &unused;
	*c = (struct child){ .talk_fd = -1, .stderr_fd = -1, .exit_fd = -1 };
	rc = look_at_parts(config->sandbox, &c->sandbox, err);
	if (!rc)
		rc = open_ends(&e, err);
	if (rc)
		return rc;
	c->job = job = mem_new(1, sizeof *job);
	if (!job)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	if (!rc)
		rc = new_token(config->sandbox, &c->sandbox, &token, err);
	if (!rc && !(job->job = new_job(config->sandbox, &c->sandbox, err)))
		rc = WEIR_ERR_SYSTEM;
	if (!rc)
		rc = run(c, config, &e, token, err);
	if (!rc) {
		c->talk_fd = take(&e.talk[OURS]);
		c->stderr_fd = take(&e.said[OURS]);
		c->exit_fd = take(&e.exit[OURS]);
	}
	close_ends(&e);
	close_handle(&token);
	if (rc) {
		child_kill(c);
		c->pid = 0;
		child_fini(c);
	}
	return rc;
}

void child_kill(const struct child *c)
{
	const struct job *job = c->job;

	if (job && job->job)
		(void)TerminateJobObject(job->job, 137);
}

void child_reap(struct child *c, char *text, size_t size)
{
	const struct job *job = c->job;
	DWORD code = 0;

	/* What it has left behind in its job goes with it. */
	child_kill(c);
	if (!job || !job->process || WaitForSingleObject(job->process, 10000) ||
	    !GetExitCodeProcess(job->process, &code))
		(void)snprintf(text, size, "unknown end");
	else if (code >= 0xC0000000)
		(void)snprintf(text, size, "exception %08lX", code);
	else if (code == 137)
		(void)snprintf(text, size, "signal 9");
	else
		(void)snprintf(text, size, "exit code %lu", code);
	c->pid = 0;
}

void child_fini(struct child *c)
{
	struct job *job = c->job;

	if (job) {
		close_handle(&job->process);
		close_handle(&job->job);
	}
	mem_free(job);
	c->job = NULL;
	net_close(c->talk_fd);
	net_close(c->stderr_fd);
	net_close(c->exit_fd);
	c->talk_fd = c->stderr_fd = c->exit_fd = -1;
}
