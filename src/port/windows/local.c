/* The machine's own door: a named pipe that only the system, the administrators and our user may
 * open, and nobody from another machine. */
#include "base/hash.h"
#include "base/mem.h"
#include "port/windows/net.h"

#include <aclapi.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>

enum {
	GREETING = 32,
	CLIENTS_MAX = 64, /* at a time */
	BUFFER = 64 * 1024,
	FIRST_PIECE = 4096,
	BUSY_MS = 5000,
};

/* A client that has been let in, until the event loop has taken its socket. */
struct guest {
	uint8_t greeting[GREETING];
	struct local_peer peer;
	bool is_taken;
};

struct local_door {
	int fd;
	uint16_t port;
	wchar_t *path;
	HANDLE stop;
	struct port_thread *thread;
	struct port_monitor *lock;
	PSECURITY_DESCRIPTOR rights;
	HANDLE next;         /* the instance that waits for a client */
	unsigned references; /* its threads, and its owner */
	unsigned clients;
	struct guest guests[CLIENTS_MAX];
};

struct client {
	struct local_door *door;
	HANDLE pipe;
};

/* Leaving: the last one frees. */
static void door_unref(struct local_door *d, bool is_client)
{
	bool is_last;

	port_monitor_lock(d->lock);
	d->clients -= is_client;
	is_last = --d->references == 0;
	port_monitor_signal(d->lock);
	port_monitor_unlock(d->lock);
	if (!is_last)
		return;
	(void)CloseHandle(d->stop);
	(void)LocalFree(d->rights);
	mem_free(d->path);
	port_monitor_free(d->lock);
	mem_free(d);
}

/* Who is at the other end: known from the first bytes he sent. */
static bool identify(HANDLE pipe, struct local_peer *peer)
{
	char sid[64];
	HANDLE token;
	ULONG pid = 0;
	bool is_known = false;

	*peer = (struct local_peer){ .uid = UINT32_MAX, .is_owner = true };
	if (!ImpersonateNamedPipeClient(pipe))
		return false;
	if (OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token)) {
		is_known = win_token_sid(token, sid, sizeof sid);
		(void)CloseHandle(token);
	}
	/* A thread that stayed somebody else would be worse than no agent. */
	if (!RevertToSelf())
		port_exit_now(3);
	(void)GetNamedPipeClientProcessId(pipe, &pid);
	(void)snprintf(peer->name, sizeof peer->name, "sid:%s", sid);
	(void)snprintf(peer->address, sizeof peer->address, "pid %lu", pid);
	return is_known;
}

static SOCKET connect_back(const struct local_door *d)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(d->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SOCKET s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
			      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

	if (s != INVALID_SOCKET && connect(s, (struct sockaddr *)&at, sizeof at)) {
		(void)closesocket(s);
		return INVALID_SOCKET;
	}
	return s;
}

static bool let_in(struct local_door *d, const struct local_peer *peer,
		   uint8_t greeting[GREETING])
{
	struct guest *g = NULL;

	if (RAND_bytes(greeting, GREETING) != 1)
		return false;
	port_monitor_lock(d->lock);
	for (unsigned i = 0; !g && i < CLIENTS_MAX; i++)
		if (!d->guests[i].is_taken)
			g = &d->guests[i];
	if (g) {
		memcpy(g->greeting, greeting, GREETING);
		g->peer = *peer;
		g->is_taken = true;
	}
	port_monitor_unlock(d->lock);
	return g != NULL;
}

static void turn_away(struct local_door *d, const uint8_t greeting[GREETING])
{
	port_monitor_lock(d->lock);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (d->guests[i].is_taken &&
		    !memcmp(d->guests[i].greeting, greeting, GREETING))
			d->guests[i].is_taken = false;
	port_monitor_unlock(d->lock);
}

/* From the first bytes to the last. */
static void serve(struct local_door *d, HANDLE pipe, HANDLE event)
{
	char piece[FIRST_PIECE];
	uint8_t greeting[GREETING];
	struct local_peer peer;
	DWORD n = pipe_read(pipe, event, piece, sizeof piece);
	SOCKET s;

	if (!n || !identify(pipe, &peer) || !let_in(d, &peer, greeting)) {
		(void)CloseHandle(pipe);
		return;
	}
	s = connect_back(d);
	if (s != INVALID_SOCKET && net_write_all(s, (char *)greeting, GREETING) &&
	    net_write_all(s, piece, n)) {
		pump_serve(pipe, s);
		turn_away(d, greeting);
		return;
	}
	turn_away(d, greeting);
	if (s != INVALID_SOCKET)
		(void)closesocket(s);
	(void)CloseHandle(pipe);
}

static DWORD WINAPI run_client(void *arg)
{
	struct client *c = arg;
	struct local_door *d = c->door;
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

	if (event) {
		serve(d, c->pipe, event);
		(void)CloseHandle(event);
	} else {
		(void)CloseHandle(c->pipe);
	}
	mem_free(c);
	door_unref(d, true);
	return 0;
}

static void start_client(struct local_door *d, HANDLE pipe)
{
	struct client *c = mem_new(1, sizeof *c);
	HANDLE thread = NULL;

	if (c) {
		*c = (struct client){ d, pipe };
		port_monitor_lock(d->lock);
		d->references++;
		d->clients++;
		port_monitor_unlock(d->lock);
		thread = CreateThread(NULL, 128 * 1024, run_client, c, 0, NULL);
		if (!thread)
			door_unref(d, true);
	}
	if (thread) {
		(void)CloseHandle(thread);
		return;
	}
	mem_free(c);
	(void)CloseHandle(pipe);
}

static HANDLE new_instance(const struct local_door *d, bool is_first)
{
	SECURITY_ATTRIBUTES rights = { sizeof rights, d->rights, FALSE };

	return CreateNamedPipeW(d->path,
				PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED |
					(is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
				PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT |
					PIPE_REJECT_REMOTE_CLIENTS,
				PIPE_UNLIMITED_INSTANCES, BUFFER, BUFFER, 0, &rights);
}

/* A client, or the end of the door. */
static bool wait_for_client(const struct local_door *d, HANDLE event)
{
	OVERLAPPED o = { .hEvent = event };
	HANDLE both[2] = { event, d->stop };
	DWORD unused;

	if (ConnectNamedPipe(d->next, &o) || GetLastError() == ERROR_PIPE_CONNECTED)
		return true;
	if (GetLastError() != ERROR_IO_PENDING)
		return GetLastError() == ERROR_NO_DATA;
	if (WaitForMultipleObjects(2, both, FALSE, INFINITE) == WAIT_OBJECT_0)
		return true;
	(void)CancelIoEx(d->next, &o);
	(void)GetOverlappedResult(d->next, &o, &unused, TRUE);
	return false;
}

/* At most so many at a time: the others wait at the pipe. */
static bool wait_for_room(struct local_door *d)
{
	bool is_over = false;

	port_monitor_lock(d->lock);
	while (d->clients >= CLIENTS_MAX && !is_over) {
		(void)port_monitor_wait(d->lock, 200000000);
		is_over = WaitForSingleObject(d->stop, 0) == WAIT_OBJECT_0;
	}
	port_monitor_unlock(d->lock);
	return !is_over;
}

static void *run_door(void *arg)
{
	struct local_door *d = arg;
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

	while (event && wait_for_room(d) && wait_for_client(d, event)) {
		HANDLE next = new_instance(d, false);

		start_client(d, d->next);
		d->next = next;
		if (next == INVALID_HANDLE_VALUE)
			break;
		(void)ResetEvent(event);
	}
	if (event)
		(void)CloseHandle(event);
	if (d->next != INVALID_HANDLE_VALUE)
		(void)CloseHandle(d->next);
	d->next = INVALID_HANDLE_VALUE;
	return NULL;
}

static int open_pipe(struct local_door *d, const char *path, struct weir_error *err)
{
	d->path = win_name(path);
	d->rights = win_private_descriptor();
	if (!d->path || !d->rights)
		return err_set(err, WEIR_ERR_SYSTEM, "cannot make the rights of '%.200s'",
			       path);
	d->next = new_instance(d, true);
	if (d->next != INVALID_HANDLE_VALUE)
		return 0;
	if (GetLastError() == ERROR_ACCESS_DENIED || GetLastError() == ERROR_PIPE_BUSY)
		return err_set(err, WEIR_ERR_BUSY,
			       "another agent, or another program, listens on '%.200s'",
			       path);
	(void)win_fail();
	return err_sys(err, "cannot listen on '%.200s'", path);
}

/* No one but administrators is let in by the pipe's rights: `user` of the configuration is of Unix. */
int local_door_open(struct local_door **out, const char *path, bool for_others,
		    struct weir_error *err)
{
	struct local_door *d = mem_new(1, sizeof *d);
	int rc;

	(void)for_others;
	*out = NULL;
	if (!d)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	d->references = 1;
	d->fd = -1;
	d->next = INVALID_HANDLE_VALUE;
	d->lock = port_monitor_new();
	d->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
	rc = d->lock && d->stop
		     ? 0
		     : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	if (!rc)
		rc = open_pipe(d, path, err);
	if (!rc)
		rc = net_listen("127.0.0.1", 0, path, &d->fd, &d->port, err);
	if (!rc)
		rc = port_thread_start(&d->thread, "weir-pipe", run_door, d, err);
	if (!rc) {
		*out = d;
		return 0;
	}
	net_close(d->fd);
	if (d->next != INVALID_HANDLE_VALUE)
		(void)CloseHandle(d->next);
	if (d->lock)
		door_unref(d, false);
	return rc;
}

int local_door_socket(const struct local_door *d)
{
	return d->fd;
}

void local_door_close(struct local_door *d)
{
	if (!d)
		return;
	(void)SetEvent(d->stop);
	port_thread_join(d->thread);
	door_unref(d, false);
}

size_t local_door_greeting(void)
{
	return GREETING;
}

bool local_door_peer(struct local_door *d, int fd, const void *greeting,
		     struct local_peer *peer)
{
	bool is_known = false;

	(void)fd;
	port_monitor_lock(d->lock);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct guest *g = &d->guests[i];

		if (!g->is_taken || memcmp(g->greeting, greeting, GREETING) != 0)
			continue;
		*peer = g->peer;
		is_known = true;
		/* Of one use. */
		memset(g, 0, sizeof *g);
	}
	port_monitor_unlock(d->lock);
	return is_known;
}

/* The client's side. */

/* A pipe made by somebody without rights, under the agent's name, could lie to us. */
static int check_server(HANDLE pipe, const char *path, struct weir_error *err)
{
	PSECURITY_DESCRIPTOR d = NULL;
	PSID owner = NULL;
	bool is_trusted =
		!GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION,
				 &owner, NULL, NULL, NULL, &d) &&
		owner && win_is_trusted_sid(owner);

	(void)LocalFree(d);
	return is_trusted ? 0
			  : err_set(err, WEIR_ERR_PRIVILEGE,
				    "'%.100s' was made by neither the system nor an "
				    "administrator nor you: it is not spoken to",
				    path);
}

/* Whoever serves the pipe learns who we are, and can do nothing in our name. */
static HANDLE open_client(const wchar_t *wide)
{
	return CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
			   FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT |
				   SECURITY_IDENTIFICATION,
			   NULL);
}

int local_connect(const char *path, int *fd, struct weir_error *err)
{
	wchar_t *wide = win_name(path);
	HANDLE pipe = wide ? open_client(wide) : INVALID_HANDLE_VALUE;
	SOCKET ends[2];
	int rc;

	*fd = -1;
	if (wide && pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY &&
	    WaitNamedPipeW(wide, BUSY_MS))
		pipe = open_client(wide);
	mem_free(wide);
	if (pipe == INVALID_HANDLE_VALUE) {
		(void)win_fail();
		return err_sys(err, "cannot reach an agent at '%.100s'", path);
	}
	rc = check_server(pipe, path, err);
	if (!rc)
		rc = net_pair(ends, err);
	if (rc) {
		(void)CloseHandle(pipe);
		return rc;
	}
	net_unblock(ends[0]);
	rc = pump_duplex(pipe, ends[1], err);
	if (rc)
		(void)closesocket(ends[0]);
	else
		*fd = (int)ends[0];
	return rc;
}

bool local_is_there(const char *path)
{
	wchar_t *wide = win_name(path);
	bool is =
		wide && (WaitNamedPipeW(wide, 1) || GetLastError() == ERROR_SEM_TIMEOUT);

	mem_free(wide);
	return is;
}

/* One name for each directory, whatever its letters' case. */
bool local_path(const char *data, char *path, size_t size)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX], lower[1024];
	size_t n = 0;
	int written;

	for (; data[n] && n < sizeof lower; n++)
		lower[n] = data[n] == '\\'
				   ? '/'
				   : (char)(data[n] |
					    (data[n] >= 'A' && data[n] <= 'Z' ? 32 : 0));
	if (data[n] || hash_once(lower, n, digest))
		return false;
	hash_hex(digest, hex);
	written = snprintf(path, size, "\\\\.\\pipe\\weir-agent-%.16s", hex);
	return written > 0 && (size_t)written < size;
}
